"""Whose days, and which alignment holds on them: what a rep may see of a portfolio depends on both."""

from __future__ import annotations

from datetime import date

import pandas as pd
import sqlalchemy as sa

from api.planning.desk import Desk
from api.problems import ConflictError, UnknownError
from api.store import Alignment, StoredPortfolio
from territory.hours import weekdays_of
from territory.model import Portfolio


def ready(desk: Desk, portfolio_id: str) -> StoredPortfolio:
    """A portfolio that has been read; ConflictError until then."""
    stored = desk.portfolio(portfolio_id)
    if stored.snapshot is None:
        raise ConflictError("The portfolio has not been read yet; see its status.")
    return stored


def rep_of(desk: Desk, stored: StoredPortfolio, rep_id: str | None) -> str:
    """The rep who is meant, by default the one who asks; UnknownError for another's eyes and for nobody."""
    meant = desk.who.rep_id if rep_id is None else rep_id
    is_foreign = desk.who.is_rep and meant != desk.who.rep_id
    if meant is None or is_foreign or meant not in stored.rep_ids:
        raise UnknownError("There is no such rep.")
    return meant


def version_on(desk: Desk, stored: StoredPortfolio, day: date) -> Alignment:
    """The alignment that holds on a day: the latest whose date has come by then, before all of them the first."""
    known = sa.select(Alignment).where(Alignment.portfolio_id == stored.id)
    by_then = known.where(Alignment.effective_from <= day.isoformat()).order_by(Alignment.number.desc())
    found = desk.read().scalars(by_then.limit(1)).first()
    return found or desk.read().scalars(known.order_by(Alignment.number).limit(1)).one()


def territory_of(portfolio: Portfolio, rep_id: str) -> str | None:
    """The territory of a rep; None for one who is not there or has none."""
    if rep_id not in portfolio.reps.index:
        return None
    name = portfolio.reps.loc[rep_id, "territory"]
    return None if pd.isna(name) else str(name)


def works_on(portfolio: Portfolio, rep_id: str, day: date) -> bool:
    """Whether a rep works on such a weekday, by his own weekdays or else by those of the rules."""
    own = portfolio.reps.loc[rep_id, "weekdays"]
    days = weekdays_of(own if isinstance(own, str) else portfolio.rules.weekdays)
    return days is None or day.weekday() in days


def is_visited_by(desk: Desk, stored: StoredPortfolio, rep_id: str, customer_id: str, day: date) -> bool:
    """Whether a customer is the rep's on a day, today, or by the latest alignment."""
    held = {version_on(desk, stored, day).snapshot, version_on(desk, stored, date.today()).snapshot, stored.snapshot}
    for snapshot in held:
        portfolio = desk.content(str(snapshot))
        mine = territory_of(portfolio, rep_id)
        if mine is not None and customer_id in portfolio.alignment.index and portfolio.alignment[customer_id] == mine:
            return True
    return False
