"""A rep's day as people ask for it: the route and its forms, the rest of it, who is on the way, where a visit fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

import territory
from api.planning.calls import in_force, opened, visits_in_force
from api.planning.days import is_visited_by, ready, rep_of, territory_of, version_on, works_on
from api.planning.desk import Desk
from api.planning.listing import Listing, point_shapes
from api.planning.names import Language
from api.planning.solver import Solver
from api.planning.solving import HOME, DayAsk, Question
from api.planning.visits import last_made
from api.problems import UnknownError
from api.store import StoredPortfolio
from territory.itinerary import Day, calendar_text, track_text

MOST_DAYS = 10
_HANDED_OVER = "handed over"


@dataclass(frozen=True, eq=False)
class Drive:
    """A day as it is answered: `content` is JSON types, `version` changes with it."""

    content: Mapping[str, Any]
    day: Day
    version: str


def route(desk: Desk, solver: Solver, portfolio_id: str, rep_id: str, day: date, *, explain: bool = False) -> Drive:
    """The best order of the visits that the call plan has for a day; without a plan, of those that are due most.

    Parameters
    ----------
    explain : search what each visit that is left out would take, however many there are
    """
    stored, rep = _whose(desk, portfolio_id, rep_id)
    asked = _asked(desk, stored, rep, day)
    question = Question("route", asked.ask, {"explain": explain})
    return _drive(desk, solver, stored, asked, question, "plan" if asked.plan_id else "due")


def replan(
    desk: Desk,
    solver: Solver,
    portfolio_id: str,
    rep_id: str,
    *,
    day: date,
    time: str,
    position: tuple[float, float] | None,
    done: Sequence[str],
    cancelled: Sequence[str],
    urgent: Sequence[str],
) -> Drive:
    """The rest of a day from now on, see `territory.Route.replan`.

    Raises
    ------
    UnknownError
        One of the customers is not the rep's.
    """
    stored, rep = _whose(desk, portfolio_id, rep_id)
    asked = _asked(desk, stored, rep, day)
    _need_own(desk, stored, rep, [*done, *cancelled, *urgent], day)
    given = {"time": time, "position": position, "done": done, "cancelled": cancelled, "urgent": urgent}
    return _drive(desk, solver, stored, asked, Question("replan", asked.ask, given), "replan")


def nearby(desk: Desk, solver: Solver, portfolio_id: str, rep_id: str, day: date, max_detour: float) -> Listing:
    """The rep's customers that are worth a stop on the way of a day, which is left as it is."""
    stored, rep = _whose(desk, portfolio_id, rep_id)
    asked = _asked(desk, stored, rep, day)
    question = Question("nearby", asked.ask, {"max_detour": max_detour})
    rows = _answered(desk, solver, question)
    columns = ("customer_id", "name", "detour_minutes", "minutes", "prize", "after_stop", "arrive", "home")
    return _listing(rows, columns, _name(question))


def best_days(
    desk: Desk, solver: Solver, portfolio_id: str, rep_id: str, *, customer_id: str, first: date, days: int
) -> Listing:
    """On which of the next planned days one more visit fits with least driving more; days that stand as they are."""
    stored, rep = _whose(desk, portfolio_id, rep_id)
    _need_own(desk, stored, rep, [customer_id], first)
    last = first + timedelta(days=min(days, MOST_DAYS) - 1)
    rows, names = [], []
    for day in sorted(set(visits_in_force(desk, stored, rep, first, last)["day"])):
        question = Question(
            "fits", _asked(desk, stored, rep, date.fromisoformat(day)).ask, {"customer_id": customer_id}
        )
        names.append(_name(question))
        rows += [{"day": day, **row} for row in _answered(desk, solver, question)]
    order = sorted(rows, key=lambda row: (row["detour_minutes"], row["day"]))
    columns = ("day", "detour_minutes", "minutes", "after_stop", "arrive", "home")
    return _listing(order, columns, sha256("".join(names).encode()).hexdigest())


# ---- the forms of a day


def stops(drive: Drive) -> Listing:
    """The stops of a day as a table."""
    names: tuple[str, ...] = (
        "stop",
        "customer_id",
        "name",
        "lon",
        "lat",
        "phone",
        "arrive",
        "wait_minutes",
        "start",
        "leave",
    )
    names += ("minutes", "drive_minutes", "drive_km", "must", "appointment")
    rows = [{**row, **row["links"]} for row in drive.content["stops"]]
    return _listing(rows, (*names, "geo", "google", "apple", "amap"), drive.version)


def features(drive: Drive) -> dict[str, Any]:
    """A day as GeoJSON: the way to each stop and home, and the stops."""
    told = drive.content
    targets = [*(row["customer_id"] for row in told["stops"]), None]
    ways = [
        {
            "type": "Feature",
            "id": f"leg-{number + 1}",
            "properties": {"kind": "leg", "number": number + 1, "to": target},
            "geometry": {"type": "LineString", "coordinates": leg},
        }
        for number, (leg, target) in enumerate(zip(told["legs"], targets, strict=True))
        if len(leg) > 1
    ]
    places = [
        {
            "type": "Feature",
            "id": row["customer_id"],
            "properties": {"kind": "stop", **{name: value for name, value in row.items() if name != "links"}},
            "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
        }
        for row in told["stops"]
    ]
    head = {name: told[name] for name in ("rep_id", "day", "certificate", "drive_minutes", "drive_km")}
    return {"type": "FeatureCollection", **head, "features": [*ways, *places]}


def calendar(drive: Drive) -> str:
    """A day as iCalendar."""
    return calendar_text([drive.day])


def track(drive: Drive) -> str:
    """A day as GPX."""
    return track_text([drive.day])


def page(drive: Drive, language: Language) -> str:
    """A day as a map that asks no other host for anything, without nonces."""
    rendered: str = territory.draw_days([drive.day], language=language).get_root().render()
    return rendered


# ---- what is asked of the solver


@dataclass(frozen=True)
class _Asked:
    """A day to solve, from which plan, and whom the plan has that went to others since."""

    ask: DayAsk
    plan_id: str | None
    handed_over: tuple[dict[str, Any], ...] = ()


def _whose(desk: Desk, portfolio_id: str, rep_id: str) -> tuple[StoredPortfolio, str]:
    stored = ready(desk, portfolio_id)
    return stored, rep_of(desk, stored, rep_id)


def _asked(desk: Desk, stored: StoredPortfolio, rep: str, day: date) -> _Asked:
    version = version_on(desk, stored, day)
    portfolio = desk.content(version.snapshot)
    if rep not in portfolio.reps.index:
        raise UnknownError("There is no such rep on that day.")
    calls = in_force(desk, stored, rep, day)
    if calls is None and not works_on(portfolio, rep, day):
        return _Asked(DayAsk(version.snapshot, rep, day, ()), None)
    if calls is None:
        own = portfolio.customers.index[portfolio.alignment == territory_of(portfolio, rep)]
        last = last_made(desk.read(), stored.id, day.isoformat(), own)
        return _Asked(DayAsk(version.snapshot, rep, day, None, last=dict(sorted(last.items()))), None)
    rows = visits_in_force(desk, stored, rep, day, day)
    mine = portfolio.alignment.reindex(rows["customer_id"]) == territory_of(portfolio, rep)
    kept, gone = rows[mine.to_numpy()], rows[~mine.to_numpy()]
    begins_at, ends_at = _ends(opened(desk, calls).days, rep, day, portfolio.customers.index)
    visits = tuple(
        {
            "customer_id": row["customer_id"],
            "minutes": float(row["minutes"]),
            "must": bool(row["must"]),
            "appointment": None if pd.isna(row["appointment"]) else str(row["appointment"]),
        }
        for row in kept.to_dict("records")
    )
    handed_over = tuple(
        {
            "customer_id": row["customer_id"],
            "name": row["name"],
            "code": _HANDED_OVER,
            "reason": f"belongs to another territory since {version.effective_from}",
            "instead_of": [],
            "overtime_minutes": None,
        }
        for row in gone.to_dict("records")
    )
    return _Asked(DayAsk(version.snapshot, rep, day, visits, begins_at, ends_at), calls.id, handed_over)


def _ends(days: pd.DataFrame, rep: str, day: date, customers: pd.Index) -> tuple[str, str]:
    """Where the plan lets the day begin and end."""
    found = days[(days["rep_id"] == rep) & (days["day"] == day.isoformat())]
    if found.empty:
        return HOME, HOME
    begins_at, ends_at = (str(found[name].iloc[0]) for name in ("begins_at", "ends_at"))
    return begins_at if begins_at in customers else HOME, ends_at if ends_at in customers else HOME


def _need_own(desk: Desk, stored: StoredPortfolio, rep: str, customers: Sequence[str], day: date) -> None:
    for name in dict.fromkeys(customers):
        if not is_visited_by(desk, stored, rep, name, day):
            raise UnknownError(f"There is no such customer of rep {rep}.")


def _drive(
    desk: Desk, solver: Solver, stored: StoredPortfolio, asked: _Asked, question: Question, source: str
) -> Drive:
    content, day = _answered(desk, solver, question)
    head = {"portfolio_id": stored.id, "source": source, "call_plan_id": asked.plan_id}
    unvisited = [*content["unvisited"], *asked.handed_over]
    version = sha256(f"{_name(question)}{asked.plan_id}{source}{len(asked.handed_over)}".encode()).hexdigest()[:24]
    return Drive({**head, **content, "unvisited": unvisited}, day, version)


def _answered(desk: Desk, solver: Solver, question: Question) -> Any:
    """The solver's answer, kept: content never changes under its name."""
    return desk.shelf.derived(_name(question), lambda: solver.answer(question))


def _name(question: Question) -> str:
    """What the answer depends on, in a word."""
    return f"day:{sha256(repr(question).encode()).hexdigest()}"


def _listing(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], version: str) -> Listing:
    lon, lat = (np.array([row.get(name, np.nan) for row in rows], float) for name in ("lon", "lat"))
    table = {name: [row[name] for row in rows] for name in columns}
    return Listing(
        table, version[:40], range(len(rows)), columns[0], point_shapes(lon, lat) if "lon" in columns else None
    )
