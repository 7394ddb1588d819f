"""Portfolios and the locks in them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.schemas.parts import MOST_AT_ONCE, Key, Name, Sent, Shown, Text
from api.schemas.scenarios import RuleName


class PortfolioChange(Sent):
    """New words for a portfolio; what is not given stays."""

    name: Name | None = None
    region: Name | None = None


class RulesChange(Sent):
    """Rules that are to hold from now on; what is not given stays."""

    rules: Annotated[
        dict[RuleName, int | float | Text | list[Text] | dict[Key, float]], Field(min_length=1, max_length=50)
    ]


class TakeOver(Sent):
    """New files that are to hold from a date on."""

    update_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,64}$")]
    owners: Literal["keep", "file"] = Field(
        "keep", description="Whose word counts where both know a customer's territory: today's alignment or the file's."
    )
    effective_from: date
    comment: Text = ""


class LockChange(Sent):
    """Customers to lock to their territory of today, and locks to lift."""

    lock: list[Key] = Field([], max_length=MOST_AT_ONCE)
    unlock: list[Key] = Field([], max_length=MOST_AT_ONCE)


class PortfolioShown(Shown):
    """A portfolio. While it is read, `progress` and `job` say how far; `facts` are there when it is ready."""

    portfolio_id: str
    name: str
    region: str
    status: Literal["reading", "ready", "failed", "cancelled"]
    progress: float | None
    job: str | None
    problem: dict[str, Any] | None
    number: int = Field(description="Of the latest alignment.")
    facts: dict[str, Any]
    travels: list[str] = Field(description="What workload may count here: roads only where the service is given some.")
    revision: int
    created_by: str
    created_at: float


class RulesShown(Shown):
    """The rules that hold."""

    rules: dict[str, Any]
    revision: int


class LocksShown(Shown):
    """Customer -> the territory that it is locked to."""

    locks: dict[str, str | None]
    revision: int
