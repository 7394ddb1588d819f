"""A rep's day from what is asked to what is answered: the work of the solver's process, which knows no requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from math import isfinite
from typing import Any, Literal

import numpy as np
import pandas as pd

import territory
import territory.routing
from api.content import Fetch, Kept, decode_portfolio
from api.planning.calls import with_last_visits
from api.planning.roads import known_travel, on_roads
from api.settings import Settings
from territory.geo import unproject
from territory.itinerary import Day, days_of, navigation_links
from territory.languages import Said
from territory.model import Portfolio
from territory.routing import Route
from territory.routing.insertion import insertions, on_the_way

PHONES = ("phone", "telephone", "tel", "mobile", "phone_number", "电话", "手机", "联系电话")
"""Columns of one's own that may hold a customer's number, the first that is there."""
HOME = "home"
_PORTFOLIOS_KEPT, _ROUTES_KEPT = 4, 64
_DUE_EFFORT = 0.5
_DEGREES = 6
_OF_A_VISIT = ("customer_id", "minutes", "must", "appointment")
_EXPLAINED = 4
_GENERAL = {
    "closed": Said("closed during working hours", "工作时间内不接待"),
    "unreachable": Said("cannot be reached in time", "无法及时到达"),
    "too long": Said("too long for the day", "一天时间不够"),
    "less worth": Said("the day is full with visits that are worth more together", "当日已排满价值更高的拜访"),
}


@dataclass(frozen=True)
class DayAsk:
    """A rep's day that is asked for; equal ones have equal answers.

    snapshot : of the portfolio that holds on the day
    visits : the planned ones, as rows of ``CallPlan.visits``; None for those that are due most
    begins_at, ends_at : customers near whom the nights are spent; "home" otherwise
    last : customer -> the day of the last visit that was told, for who is due
    """

    snapshot: str
    rep_id: str
    day: date
    visits: tuple[Mapping[str, Any], ...] | None
    begins_at: str = HOME
    ends_at: str = HOME
    last: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """What is asked about a day: the day itself, the rest of it, who is on the way, or where a visit would fit."""

    kind: Literal["route", "replan", "nearby", "fits"]
    ask: DayAsk
    given: Mapping[str, Any] = field(default_factory=dict)


class Days:
    """Answers questions, and keeps the portfolios and days of the last ones."""

    def __init__(self, fetch: Fetch, settings: Settings) -> None:
        self._fetch, self._settings = fetch, settings
        self._portfolios: Kept[Portfolio] = Kept(_PORTFOLIOS_KEPT)
        self._routes: Kept[Route] = Kept(_ROUTES_KEPT)

    def answer(self, question: Question) -> Any:
        """What a question comes to: (content as JSON types, `Day`) of a route, rows of the others."""
        route = self._route(question.ask)
        given = question.given
        if question.kind == "route":
            return told(route, **given)
        if question.kind == "replan":
            return told(rest_of_day(route, **given))
        if question.kind == "nearby":
            return _rows(on_the_way(route, **given))
        return _rows(insertions(route, [given["customer_id"]]))

    def _route(self, ask: DayAsk) -> Route:
        def solve() -> Route:
            return solve_day(self._portfolios.get(ask.snapshot, lambda: self._portfolio(ask.snapshot)), ask)

        return self._routes.get(repr(ask), solve)

    def _portfolio(self, snapshot: str) -> Portfolio:
        return on_roads(self._settings, decode_portfolio(snapshot, self._fetch), known_travel(self._settings))


def make_ready() -> None:
    """Compile what solves days, or load it: on a new machine that takes longer than any day may."""
    ways, stay = np.full((4, 4), 10.0), np.full(2, 30.0)
    for objective in ("drive", "value"):
        territory.routing.solve_day(ways, stay, pause=(690.0, 810.0, 60.0), objective=objective)


def solve_day(portfolio: Portfolio, ask: DayAsk) -> Route:
    """The best order of a day's visits; of who is due most, the best choice as well."""
    if ask.visits is None:
        known = with_last_visits(portfolio, ask.last)
        return territory.solve_route(known, rep=ask.rep_id, day=ask.day, effort=_DUE_EFFORT)
    rows = [{name: row[name] for name in _OF_A_VISIT} for row in ask.visits]
    table = pd.DataFrame(rows, columns=list(_OF_A_VISIT)).astype({"customer_id": "str"})
    away = ask.begins_at != HOME or ask.ends_at != HOME
    ends = [_end(portfolio, ask.rep_id, name) for name in (ask.begins_at, ask.ends_at)] if away else [None, None]
    asked: dict[str, Any] = {"rep": ask.rep_id, "day": ask.day, "start": ends[0], "end": ends[1]}
    # A plan has no more than a day holds: the shortest way round all of them is the best day, and found far sooner.
    route = territory.solve_route(portfolio, visits=table.assign(must=True), objective="drive", **asked)
    if route.plan.status == "infeasible":
        return territory.solve_route(portfolio, visits=table, **asked)
    return _with_musts(route, table.set_index("customer_id")["must"])


def rest_of_day(route: Route, **given: Any) -> Route:
    """As `Route.replan`: all that is left by the shortest way, or what is worth most where that is too much."""
    visits = route.request.visits
    every = replace(route.request, objective="drive", visits=visits.assign(must=True))
    rest = Route(every, route.plan).replan(**given)
    if rest.plan.status == "infeasible":
        return route.replan(**given)
    return _with_musts(rest, visits["must"].reindex(rest.request.visits.index, fill_value=True))


def _with_musts(route: Route, must: pd.Series) -> Route:
    """The same plan, of visits of which only some have to be made."""
    visits = route.request.visits
    kept = must.reindex(visits.index).astype(bool) | visits["appointment"].notna()
    return Route(replace(route.request, objective="value", visits=visits.assign(must=kept)), route.plan)


def told(route: Route, *, explain: bool = False) -> tuple[dict[str, Any], Day]:
    """A route as JSON types, and as what maps, calendars and tracks are made of.

    To find out what each of many visits left out would take is many times the work of the day itself: it is done for
    a few, or when it is asked for by `explain`; for many it is said in general.
    """
    if not explain and len(route.request.visits) - len(route.plan.order) > _EXPLAINED:
        route = replace(route)
        route.__dict__["unvisited"] = _left_out_of_many(route)
    (day,) = days_of(route)
    content = {
        "rep_id": day.rep,
        "rep_name": day.rep_name,
        "day": day.date.isoformat(),
        "certificate": route.certificate,
        "is_estimate": route.is_estimate,
        "travel": route.request.travel.name,
        "depart": _moment(day.depart),
        "home": _moment(day.home),
        "pause": None if day.pause is None else [_moment(each) for each in day.pause],
        "drive_minutes": day.drive_minutes,
        "drive_km": day.drive_km,
        "begin": _place(*day.begin),
        "end": _place(*day.end),
        "stops": _stops(route, day),
        "unvisited": [
            {
                "customer_id": row["customer_id"],
                "name": row["name"],
                "code": row["code"],
                "reason": row["reason"],
                "instead_of": [name for name in row["instead_of"].split(";") if name],
                "overtime_minutes": None if pd.isna(row["overtime_minutes"]) else row["overtime_minutes"],
            }
            for row in route.unvisited.to_dict("records")
        ],
        "reasons": [asdict(problem) for problem in route.reasons],
        "legs": [np.round(leg, _DEGREES).tolist() for leg in day.legs],
        "ways": _ways(route, day),
    }
    return content, day


def _ways(route: Route, day: Day) -> dict[str, Any]:
    """What a phone needs to plan the rest of the day without a line."""
    request = route.request.along(route.plan).only(route.plan.order.tolist())
    lonlat = [day.begin, *zip(day.stops["lon"], day.stops["lat"], strict=True), day.end]
    return {
        "customers": request.visits.index.tolist(),
        "places": [dict(zip(("lon", "lat"), _place(*each), strict=True)) for each in lonlat],
        "minutes": _numbers(request.times.minutes, 2),
        "km": _numbers(request.times.metres / 1000, 3),
        "windows": [[[float(edge) for edge in window] for window in each] for each in request.visits["windows"]],
        "shift": [float(edge) for edge in request.shift],
        "pause": None if request.pause is None else [float(part) for part in request.pause],
        "max_drive": request.max_drive,
    }


def _numbers(table: np.ndarray, digits: int) -> list[list[float | None]]:
    """Rows of a table; None where there is no way."""
    return [[value if isfinite(value) else None for value in row] for row in np.round(table, digits).tolist()]


def _left_out_of_many(route: Route) -> pd.DataFrame:
    """As `Route.unvisited`, by what is known already."""
    made = set(route.plan.order.tolist())
    rows = []
    for row, (name, visit) in enumerate(route.request.visits.iterrows()):
        if row in made:
            continue
        code = "closed" if visit["closed"] else route.plan.impossible.get(row, "less worth")
        said = Said(visit["closed"], "当日不接待") if visit["closed"] else _GENERAL[code]
        rows.append({"customer_id": name, "name": visit["name"], "code": code, **said.columns("reason")})
    table = pd.DataFrame(rows, columns=["customer_id", "name", "code", "reason", "reason_zh"])
    return table.assign(instead_of="", overtime_minutes=np.nan)


def _stops(route: Route, day: Day) -> list[dict[str, Any]]:
    customers = route.request.portfolio.customers
    musts = route.stops["must"].tolist()
    column = next((name for name in PHONES if name in customers), None)
    rows = day.stops.to_dict("records")
    return [
        {
            "stop": row["stop"],
            "customer_id": row["customer_id"],
            "name": row["name"],
            "lon": round(row["lon"], _DEGREES),
            "lat": round(row["lat"], _DEGREES),
            "phone": None if column is None else _phone(customers.loc[row["customer_id"], column]),
            **{name: _moment(row[name]) for name in ("arrive", "start", "leave")},
            **{name: row[name] for name in ("wait_minutes", "minutes", "drive_minutes", "drive_km")},
            "must": must,
            "appointment": bool(row["appointment"]),
            "links": navigation_links(row["lon"], row["lat"], row["name"] or row["customer_id"]),
        }
        for row, must in zip(rows, musts, strict=True)
    ]


def _phone(value: Any) -> str | None:
    """A number as one dials it; None for what is none."""
    if pd.isna(value):
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    dialled = "".join(letter for letter in text if letter in "+0123456789")
    return dialled if 3 <= len(dialled) <= 20 else None


def _end(portfolio: Portfolio, rep_id: str, name: str) -> str | tuple[float, float] | None:
    """Where a day begins or ends: a customer, or the rep's home in degrees; None when nobody knows it."""
    if name != HOME:
        return name
    home = portfolio.reps.geometry[rep_id]
    if home is None or home.is_empty:
        return None
    lon, lat = unproject(np.array([[home.x, home.y]]), portfolio.customers.crs)
    return float(lon[0]), float(lat[0])


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    moments = table.select_dtypes("datetime").columns
    plain = table.assign(**{name: table[name].dt.strftime("%Y-%m-%dT%H:%M:%S") for name in moments}).astype(object)
    return list(plain.where(plain.notna(), None).to_dict("records"))


def _moment(moment: pd.Timestamp) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _place(lon: float, lat: float) -> list[float]:
    return [round(lon, _DEGREES), round(lat, _DEGREES)]
