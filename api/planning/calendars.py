"""Calendars that a phone subscribes to: an address with a secret, which reads one rep's visits and nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from api.auth import Principal, is_vouched_for, secret_hash
from api.auth.signing_in import new_secret
from api.planning.calls import opened, visits_in_force
from api.planning.days import ready, rep_of
from api.planning.desk import Desk, Shelf
from api.problems import ConflictError, UnknownError
from api.settings import Settings
from api.store import Calendar, StoredCalls, StoredPortfolio, User, Work, new_id, now
from territory.itinerary import calendar_text, days_of

MOST_OF_ONE = 10
BACK_DAYS, AHEAD_DAYS = 14, 120
_CHANGES_SELDOM = "PT1H"


def subscribe(desk: Desk, portfolio_id: str, rep_id: str) -> tuple[Calendar, str]:
    """A new calendar of a rep's visits, and its secret, which is shown once.

    Raises
    ------
    ConflictError
        This user has as many of them as are of use.
    """
    stored = ready(desk, portfolio_id)
    rep = rep_of(desk, stored, rep_id)
    if len(of(desk, portfolio_id, rep)) >= MOST_OF_ONE:
        raise ConflictError(f"You have {MOST_OF_ONE} of them; take one back first.")
    secret = new_secret()
    calendar = Calendar(
        id=new_id("calendar"),
        secret_hash=secret_hash(secret),
        user_id=desk.who.user_id,
        portfolio_id=stored.id,
        rep_id=rep,
        created_at=now(),
    )
    desk.write().add(calendar)
    desk.record("calendar.made", calendar.id, stored.id, rep_id=rep)
    return calendar, secret


def of(desk: Desk, portfolio_id: str, rep_id: str) -> list[Calendar]:
    """The calendars of a rep's visits that this user has made."""
    stored = ready(desk, portfolio_id)
    mine = sa.select(Calendar).where(
        Calendar.portfolio_id == stored.id,
        Calendar.rep_id == rep_of(desk, stored, rep_id),
        Calendar.user_id == desk.who.user_id,
    )
    return list(desk.read().scalars(mine.order_by(Calendar.id)))


def revoke(desk: Desk, calendar_id: str) -> None:
    """Take a calendar of one's own back: its address leads nowhere from now on."""
    calendar = desk.read().get(Calendar, calendar_id)
    if calendar is None or calendar.user_id != desk.who.user_id:
        raise UnknownError("There is no such calendar.")
    desk.write().execute(sa.delete(Calendar).where(Calendar.id == calendar.id))
    desk.record("calendar.revoked", calendar.id, calendar.portfolio_id, rep_id=calendar.rep_id)


def by_secret(work: Work, settings: Settings, shelf: Shelf, secret: str, today: date) -> tuple[str, str]:
    """The calendar at an address as iCalendar, and its version.

    Who made it must still be there and see the portfolio: a user who leaves takes his calendars with him.

    Raises
    ------
    UnknownError
        No calendar has this secret, or not any more.
    """
    digest = secret_hash(secret)
    row = (
        work.read()
        .execute(
            sa.select(Calendar, User).join(User, User.id == Calendar.user_id).where(Calendar.secret_hash == digest)
        )
        .first()
    )
    if row is None or not row[1].is_active or not is_vouched_for(row[1], settings.oidc_token_seconds):
        raise UnknownError("There is no such calendar.")
    calendar, user = row
    desk = Desk(Principal.of(user), work, settings, shelf)
    stored = ready(desk, calendar.portfolio_id)
    rep = rep_of(desk, stored, calendar.rep_id)
    first, last = today - timedelta(days=BACK_DAYS), today + timedelta(days=AHEAD_DAYS)
    rows = visits_in_force(desk, stored, rep, first, last)
    days = {name: tuple(sorted(set(group["day"]))) for name, group in rows.groupby("call_plan_id", sort=True)}
    version = secret_hash(f"{stored.id}:{rep}:{sorted(days.items())}")[:24]
    return desk.shelf.derived(f"calendar:{version}", lambda: _written(desk, stored, rep, days)), version


def _written(desk: Desk, stored: StoredPortfolio, rep: str, days: dict[Any, tuple[str, ...]]) -> str:
    shown = []
    for calls_id, dates in days.items():
        calls = desk.read().get_one(StoredCalls, calls_id)
        planned = days_of(opened(desk, calls), desk.content(calls.snapshot), rep=rep)
        shown += [day for day in planned if day.date.isoformat() in dates]
    text = calendar_text(sorted(shown, key=lambda day: day.date))
    # How often a phone should look again: what RFC 7986, 5.7 names, and what Apple and Microsoft named before.
    often = f"REFRESH-INTERVAL;VALUE=DURATION:{_CHANGES_SELDOM}\r\nX-PUBLISHED-TTL:{_CHANGES_SELDOM}\r\n"
    return text.replace("CALSCALE:GREGORIAN\r\n", f"CALSCALE:GREGORIAN\r\n{often}", 1)


def shown(calendar: Calendar) -> dict[str, Any]:
    """A calendar as JSON."""
    return {
        "calendar_id": calendar.id,
        "portfolio_id": calendar.portfolio_id,
        "rep_id": calendar.rep_id,
        "created_at": calendar.created_at,
    }
