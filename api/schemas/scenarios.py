"""What would be if, and plans side by side."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from api.schemas.parts import MOST_AT_ONCE, Degrees, Effort, Key, Name, Sent, Share, Shown
from api.schemas.plans import PlanParameters, RepairParameters

Where = Annotated[dict[Key, Key | float | list[Key]], Field(max_length=20)]
"""column -> the value, or one of the values, that a customer must have."""


class OtherNumber(Sent):
    """Another number of territories, cut from scratch."""

    change: Literal["territories"]
    count: Annotated[int, Field(ge=1, le=5000)]


class _At(Sent):
    rep_id: Key
    lon: Degrees | None = None
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    customer_id: Key | None = Field(None, description="A customer who lives there, in place of lon and lat.")

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.customer_id is None and (self.lon is None or self.lat is None):
            raise ValueError("a home needs lon and lat, or a customer_id")
        return self


class RepLeaves(Sent):
    """A rep leaves."""

    change: Literal["rep_leaves"]
    rep_id: Key


class RepJoins(_At):
    """A rep joins, at a place."""

    change: Literal["rep_joins"]
    territory: Key | None = None
    share: Share = 1.0
    capacity_hours_per_week: Annotated[float, Field(gt=0, le=168, allow_inf_nan=False)] | None = None
    name: Name | None = None


class RepMoves(_At):
    """A rep moves house."""

    change: Literal["rep_moves"]


class RepPartTime(Sent):
    """A rep works a part of full time."""

    change: Literal["rep_part_time"]
    rep_id: Key
    share: Share = 0.5


class Scaled(Sent):
    """A number of some customers grows or shrinks."""

    change: Literal["scaled"]
    column: Key
    factor: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
    where: Where = Field({})


def _rule(name: str) -> str:
    if not name.isidentifier() or name == "self":
        raise ValueError("there is no such rule")
    return name


RuleName = Annotated[Key, AfterValidator(_rule)]


class OtherRules(Sent):
    """Other rules hold."""

    change: Literal["rules"]
    rules: Annotated[dict[RuleName, int | float | dict[Key, float]], Field(max_length=50)]


class CustomersLeave(Sent):
    """Customers are lost."""

    change: Literal["customers_leave"]
    customer_ids: list[Key] = Field([], max_length=MOST_AT_ONCE)
    where: Where = Field({})


Change = Annotated[
    RepLeaves | RepJoins | RepMoves | RepPartTime | Scaled | OtherRules | CustomersLeave | OtherNumber,
    Field(discriminator="change"),
]


class ScenarioRequest(Sent):
    """What would be if."""

    name: Name
    changes: Annotated[list[Change], Field(min_length=1, max_length=100)]


class ScenarioChange(Sent):
    """What is to be different in a scenario; what is not given stays."""

    name: Name | None = None
    changes: Annotated[list[Change], Field(min_length=1, max_length=100)] | None = None


class ComparisonRequest(RepairParameters):
    """Scenarios to realign side by side."""

    scenario_ids: Annotated[list[Key], Field(max_length=20)]
    with_today: bool = True

    def parameters(self) -> dict[str, Any]:
        """As `territory.simulate` takes them."""
        given = super().parameters()
        return {key: value for key, value in given.items() if key not in ("scenario_ids", "with_today")}


class FrontRequest(PlanParameters):
    """Plans to choose from."""

    count: Annotated[int, Field(ge=1, le=50)] = 20
    keep: list[Key] = Field([], max_length=5000, description="Territories that stay as they are.")
    effort: Effort = Field(0.1, description="Of each plan; the first one, and what is hard, is given more.")

    def parameters(self) -> dict[str, Any]:
        """As `territory.proposals` takes them."""
        given = super().parameters()
        return {key: value for key, value in given.items() if key != "count"}


class ScenarioShown(Shown):
    """A scenario."""

    scenario_id: str
    portfolio_id: str
    name: str
    changes: list[dict[str, Any]]
    revision: int
    created_by: str
    created_at: float


class ComparisonShown(Shown):
    """Scenarios side by side: `rows` are there when it is done."""

    comparison_id: str
    portfolio_id: str
    status: Literal["planning", "ready", "failed", "cancelled"]
    progress: float
    job: str | None
    problem: dict[str, Any] | None
    rows: list[dict[str, Any]]
    parameters: dict[str, Any]
    created_by: str
    created_at: float
