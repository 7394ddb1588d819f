"""Portfolios and the locks in them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.schemas.parts import MOST_AT_ONCE, Key, Name, Sent, Shown


class PortfolioChange(Sent):
    """New words for a portfolio; what is not given stays."""

    name: Name | None = None
    region: Name | None = None


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
    revision: int
    created_by: str
    created_at: float


class LocksShown(Shown):
    """Customer -> the territory that it is locked to."""

    locks: dict[str, str | None]
    revision: int
