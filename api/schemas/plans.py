"""Proposals, the steps in them, and the alignments that they become."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from api.schemas.parts import LARGEST_SEED, MOST_AT_ONCE, Effort, Key, Name, Ratio, Sent, Shown, Text, without_control
from territory.languages import listed


class Tolerance(Sent):
    """How far from its share a territory may be, by measure; what is not given is as in the rules."""

    potential: Ratio | None = None
    workload: Ratio | None = None


class PlanParameters(Sent):
    """How plans are to be made."""

    tolerance: Ratio | Tolerance | None = Field(None, description="A ratio, 0.05 is 5 percent either way.")
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 0
    travel: Literal["none", "line", "roads"] = Field(
        "line", description="What workload counts beside visits x minutes; roads where the service is given some."
    )
    effort: Effort = 1.0

    def parameters(self) -> dict[str, Any]:
        """As `territory.realign` takes them."""
        given = self.model_dump()
        if isinstance(self.tolerance, Tolerance):
            given["tolerance"] = self.tolerance.model_dump(exclude_none=True) or None
        return given


class RepairParameters(PlanParameters):
    """How plans that begin with today's alignment are to be made."""

    max_moved: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = Field(
        None, description="The part of all customers that may change territory."
    )


class ProposalRequest(RepairParameters):
    """A plan that is asked for."""

    name: Annotated[str, StringConstraints(max_length=200), AfterValidator(without_control)] = ""
    comment: Text = ""
    territories: Annotated[int, Field(ge=1, le=5000)] | None = Field(
        None, description="Cut so many territories from scratch; without it today's are realigned."
    )
    handover: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = Field(
        5.0, description="The price of a move: more means fewer moves and longer ways."
    )
    keep: list[Key] = Field([], max_length=5000, description="Territories that stay as they are.")
    focus: Annotated[list[Key], Field(min_length=1, max_length=5000)] | None = Field(
        None, description="Territories to redraw among themselves; all others stay as they are."
    )

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if self.territories is not None:
            said = [name for name in ("max_moved", "keep", "focus") if getattr(self, name) not in (None, [])]
            if said:
                raise ValueError(f"territories cut from scratch know no {listed(said, 'and')}; give one or the other")
        return self

    def parameters(self) -> dict[str, Any]:
        """As `territory.realign` and `territory.align` take them."""
        given = super().parameters()
        return {key: value for key, value in given.items() if key not in ("name", "comment")}


class AdjustRequest(Sent):
    """Customers to move and to lock by hand."""

    move: dict[Key, Key] = Field({}, max_length=MOST_AT_ONCE)
    lock: list[Key] = Field([], max_length=MOST_AT_ONCE)
    unlock: list[Key] = Field([], max_length=MOST_AT_ONCE)


class Decision(Sent):
    """What a manager thinks of a move."""

    decision: Literal["accepted", "refused", "open"]


class Step(Sent):
    """A word that goes with handing a proposal on."""

    comment: Text = ""


class PublishRequest(Sent):
    """From when on an alignment is to hold."""

    effective_from: date
    comment: Text = ""


class RevertRequest(PublishRequest):
    """The alignment to go back to."""

    number: Annotated[int, Field(ge=1, le=LARGEST_SEED)]


class Renaming(Sent):
    """New words for a proposal; what is not given stays."""

    name: Name | None = None
    comment: Text | None = None


class ProposalShown(Shown):
    """A proposal; while it is made, `progress` and `job` say how far."""

    proposal_id: str
    portfolio_id: str
    name: str
    status: Literal["planning", "ready", "submitted", "approved", "rejected", "published", "failed", "cancelled"]
    progress: float | None
    stage: str | None
    job: str | None
    problem: dict[str, Any] | None
    base_number: int
    scenario_id: str | None
    parameters: dict[str, Any]
    summary: dict[str, Any]
    comment: str
    alignment_id: str | None
    can_undo: int
    can_redo: int
    revision: int
    created_by: str
    created_at: float


class AdjustedShown(ProposalShown):
    """A proposal after a step by hand, with what each territory holds now."""

    territories: list[dict[str, Any]]


class AlignmentShown(Shown):
    """A version of a portfolio's alignment."""

    alignment_id: str
    portfolio_id: str
    number: int
    hash: str
    effective_from: date
    comment: str
    moved: int
    proposal_id: str | None
    published_by: str
    published_at: float
