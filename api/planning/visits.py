"""Visits: what a rep tells of the calls that he begins and makes, each kept once however often the phone sends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from api.planning.days import is_visited_by, ready, rep_of
from api.planning.desk import Desk, check_revision, etag, stale
from api.planning.listing import Listing
from api.problems import ConflictError, StaleError, UnknownError
from api.store import Visit, advance, new_id, now

STARTED, FINISHED = "started", "finished"
MADE = ("met", "ordered")
"""Outcomes by which a customer counts as visited."""
COLUMNS = (
    *("visit_id", "rep_id", "day", "customer_id", "name", "status", "started_at", "finished_at", "outcome"),
    *("minutes", "note", "revision", "created_by", "created_at"),
)
_MOST_ASKED = 1000


def tell(
    desk: Desk,
    portfolio_id: str,
    *,
    rep_id: str | None,
    customer_id: str,
    day: date,
    status: str,
    at: float,
    outcome: str | None,
    minutes: float | None,
    note: str,
) -> tuple[Visit, bool]:
    """Begin or finish a visit; whether that was new. Told again, nothing changes.

    A phone that was without a line for days tells of everything at once and may tell twice. So a visit is known by
    its rep, customer and day, and not only by the key of the message.

    Parameters
    ----------
    at : seconds since 1970, by the phone's clock
    minutes : how long it took; by default from its start, when that was told

    Raises
    ------
    UnknownError
        The customer is not the rep's: not on that day, not today, and not by the latest alignment.
    ConflictError
        The visit was finished already, with something else to tell of it.
    """
    stored = ready(desk, portfolio_id)
    rep = rep_of(desk, stored, rep_id)
    if not is_visited_by(desk, stored, rep, customer_id, day):
        raise UnknownError("There is no such customer.")
    told = {"outcome": outcome, "note": note} if status == FINISHED else {}
    if _add(desk, stored.id, rep, customer_id, day, status, at, minutes, told):
        visit = _found(desk, stored.id, rep, customer_id, day)
        _record(desk, visit)
        return visit, True
    visit = _found(desk, stored.id, rep, customer_id, day)
    if status == STARTED:
        return visit, False
    long = _minutes(visit.started_at, at) if minutes is None else minutes
    if visit.status == STARTED:
        ended = {"status": FINISHED, "finished_at": at, "minutes": long, **told}
        if advance(desk.write(), Visit, visit.id, visit.revision, **ended):
            visit = _again(desk, visit)
            _record(desk, visit)
            return visit, True
        visit = _again(desk, visit)
    if visit.status == FINISHED and (visit.outcome, visit.note) == (outcome, note):
        return visit, False
    raise ConflictError(
        "This visit was finished already; change it, if this is what should stand.",
        headers={"ETag": etag(visit)},
        current=shown(visit),
        sent={**told, "minutes": minutes},
    )


def revise(desk: Desk, visit_id: str, revision: int | None, changes: Mapping[str, Any]) -> Visit:
    """Tell something else of a visit that is finished.

    Raises
    ------
    StaleError
        Somebody has changed it since it was read; both versions are shown.
    ConflictError
        It has not been finished yet.
    """
    visit = one(desk, visit_id)
    check_revision(revision, visit.revision, lambda: shown(visit), etag(visit))
    if visit.status != FINISHED:
        raise ConflictError("The visit has only begun; finish it first.")
    before = {name: getattr(visit, name) for name in changes}
    if not advance(desk.write(), Visit, visit.id, visit.revision, **changes):
        raise _overtaken(desk, visit)
    desk.record("visit.changed", visit.id, visit.portfolio_id, before=before, after=dict(changes))
    return _again(desk, visit)


def take_back(desk: Desk, visit_id: str, revision: int | None) -> None:
    """Forget a visit that was begun by mistake."""
    visit = one(desk, visit_id)
    check_revision(revision, visit.revision, lambda: shown(visit), etag(visit))
    if visit.status != STARTED:
        raise ConflictError("The visit is finished; it can be changed, and not taken back.")
    gone = sa.delete(Visit).where(Visit.id == visit.id, Visit.revision == visit.revision).returning(Visit.id)
    if desk.write().execute(gone).first() is None:
        raise _overtaken(desk, visit)
    desk.record("visit.taken_back", visit.id, visit.portfolio_id, customer_id=visit.customer_id, day=visit.day)


def one(desk: Desk, visit_id: str) -> Visit:
    """A visit that this user may see: a rep sees his own."""
    visit = desk.read().get(Visit, visit_id)
    if visit is None or (desk.who.is_rep and visit.rep_id != desk.who.rep_id):
        raise UnknownError("There is no such visit.")
    desk.portfolio(visit.portfolio_id)
    return visit


def listed(
    desk: Desk,
    portfolio_id: str,
    *,
    rep_id: str | None,
    customer_id: str | None,
    first: date | None,
    last: date | None,
    status: str | None,
) -> Listing:
    """The visits of a portfolio by day, rep and time; a rep sees his own."""
    stored = ready(desk, portfolio_id)
    rep = rep_of(desk, stored, rep_id) if desk.who.is_rep or rep_id is not None else None
    query = sa.select(Visit).where(Visit.portfolio_id == stored.id, *_within(first, last))
    for column, wanted in ((Visit.rep_id, rep), (Visit.customer_id, customer_id), (Visit.status, status)):
        query = query if wanted is None else query.where(column == wanted)
    began = sa.func.coalesce(Visit.started_at, Visit.finished_at)
    visits = list(desk.read().scalars(query.order_by(Visit.day, Visit.rep_id, began, Visit.id)))
    names = desk.content(str(stored.snapshot)).customers["name"]
    rows = [{**shown(visit), "name": _name(names, visit.customer_id)} for visit in visits]
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    newest = max((visit.id for visit in visits), default="")
    version = f"{newest}.{len(visits)}.{sum(visit.revision for visit in visits)}.{str(stored.snapshot)[:16]}"
    return Listing(columns, version, range(len(rows)), "visit_id")


def of_days(
    desk: Desk, portfolio_id: str, rep_id: str | None, first: str, last: str
) -> dict[tuple[str, str, str], Visit]:
    """(rep, day, customer) -> what was told of the visit, of one rep or of all, from day to day."""
    query = sa.select(Visit).where(Visit.portfolio_id == portfolio_id, Visit.day >= first, Visit.day <= last)
    query = query if rep_id is None else query.where(Visit.rep_id == rep_id)
    return {(visit.rep_id, visit.day, visit.customer_id): visit for visit in desk.read().scalars(query)}


def last_made(
    session: Session, portfolio_id: str, before: str, customers: Iterable[str] | None = None
) -> dict[str, str]:
    """Customer -> the day on which he was last visited before a day, as the visits tell; of all, or of some."""
    made = (
        sa.select(Visit.customer_id, sa.func.max(Visit.day))
        .where(
            Visit.portfolio_id == portfolio_id,
            Visit.status == FINISHED,
            Visit.outcome.in_(MADE),
            Visit.day < before,
        )
        .group_by(Visit.customer_id)
    )
    if customers is None:
        return dict(session.execute(made).all())
    ids, found = list(customers), dict[str, str]()
    for start in range(0, len(ids), _MOST_ASKED):
        asked = made.where(Visit.customer_id.in_(ids[start : start + _MOST_ASKED]))
        found |= dict(session.execute(asked).all())
    return found


def who_tells(session: Session, portfolio_id: str, first: str, before: str) -> set[str]:
    """The reps who have finished a visit from one day until before another."""
    asked = sa.select(Visit.rep_id).where(
        Visit.portfolio_id == portfolio_id, Visit.status == FINISHED, Visit.day >= first, Visit.day < before
    )
    return set(session.scalars(asked.distinct()))


def shown(visit: Visit) -> dict[str, Any]:
    """A visit as JSON."""
    return {
        "visit_id": visit.id,
        "portfolio_id": visit.portfolio_id,
        "rep_id": visit.rep_id,
        "customer_id": visit.customer_id,
        "day": visit.day,
        "status": visit.status,
        "started_at": visit.started_at,
        "finished_at": visit.finished_at,
        "outcome": visit.outcome,
        "minutes": visit.minutes,
        "note": visit.note,
        "revision": visit.revision,
        "created_by": visit.created_by,
        "created_at": visit.created_at,
    }


def _add(
    desk: Desk,
    portfolio_id: str,
    rep: str,
    customer_id: str,
    day: date,
    status: str,
    at: float,
    minutes: float | None,
    told: Mapping[str, Any],
) -> bool:
    """Write a visit that was not known; False when it is."""
    session = desk.write()
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    row = {
        "id": new_id("visit"),
        "portfolio_id": portfolio_id,
        "rep_id": rep,
        "customer_id": customer_id,
        "day": day.isoformat(),
        "status": status,
        "started_at": at if status == STARTED else None,
        "finished_at": at if status == FINISHED else None,
        "minutes": minutes if status == FINISHED else None,
        "outcome": None,
        "note": "",
        "revision": 1,
        "created_by": desk.who.user_id,
        "created_at": now(),
        **told,
    }
    return session.execute(insert(Visit).values(row).on_conflict_do_nothing().returning(Visit.id)).first() is not None


def _found(desk: Desk, portfolio_id: str, rep: str, customer_id: str, day: date) -> Visit:
    wanted = sa.select(Visit).where(
        Visit.portfolio_id == portfolio_id,
        Visit.rep_id == rep,
        Visit.customer_id == customer_id,
        Visit.day == day.isoformat(),
    )
    return desk.write().scalars(wanted).one()


def _again(desk: Desk, visit: Visit) -> Visit:
    return desk.write().get_one(Visit, visit.id, populate_existing=True)


def _overtaken(desk: Desk, visit: Visit) -> StaleError:
    """That somebody was quicker between our reading and our writing."""
    given, now_it_is = visit.revision, _again(desk, visit)
    return stale(given, now_it_is.revision, shown(now_it_is), etag(now_it_is))


def _minutes(started_at: float | None, at: float) -> float | None:
    return None if started_at is None or at < started_at else round((at - started_at) / 60, 1)


def _record(desk: Desk, visit: Visit) -> None:
    told = {"customer_id": visit.customer_id, "rep_id": visit.rep_id, "day": visit.day, "outcome": visit.outcome}
    desk.record(f"visit.{visit.status}", visit.id, visit.portfolio_id, **told)


def _within(first: date | None, last: date | None) -> list[sa.ColumnElement[bool]]:
    limits = []
    if first is not None:
        limits.append(Visit.day >= first.isoformat())
    if last is not None:
        limits.append(Visit.day <= last.isoformat())
    return limits


def _name(names: pd.Series, customer_id: str) -> str | None:
    name = names.get(customer_id)
    return None if name is None or pd.isna(name) else str(name)
