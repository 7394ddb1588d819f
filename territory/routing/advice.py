"""What else a day could hold: on which day an appointment costs least, and who lives on the way."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from territory.routing.bounding import least_drives
from territory.routing.plan import DayPlan
from territory.routing.request import Request, Visits, with_visits
from territory.routing.route import Route
from territory.threads import at_once

NEAREST = 60
"""So many customers nearest to the way are tried."""
STOP_COLUMNS = ["customer_id", "name", "detour_minutes", "minutes", "prize", "after_stop", "arrive", "home"]
"""Of a table with one more stop a row, see `nearby`."""
EXCHANGE = 0.3
"""Effort for who would have to go on a day that is full."""
_ROUNDED = 0.01
"""Minutes that a detour may be told too short."""


def best_days_for(routes: Iterable[Route], visit: Visits) -> pd.DataFrame:
    """What an appointment would cost on each of several days, the cheapest day first.

    Parameters
    ----------
    routes : Route of each day that comes into question
    visit : the customer's id, or a table of one visit as in `solve_route` (minutes, appointment, windows)

    Returns
    -------
    DataFrame, one row a day
        ``day``, ``rep``, ``fits`` (besides everything planned), ``detour_minutes`` (driving more than planned;
        negative if others must go), ``home`` (when the day then ends), ``instead_of`` (customers, separated by ";",
        that would have to go when it does not fit). Days on which it cannot be at all stand last, with NaN.
    """
    rows = at_once(partial(_on, visit=visit), list(routes))
    table = pd.DataFrame(rows, columns=["day", "rep", "fits", "detour_minutes", "home", "instead_of"])
    order = table.assign(lost=table["instead_of"].str.count(";") + table["instead_of"].ne("")).sort_values(
        ["fits", "lost", "detour_minutes", "day", "rep"], ascending=[False, True, True, True, True], kind="stable"
    )
    return order.drop(columns="lost").reset_index(drop=True)


def nearby(route: Route, *, max_detour: float = 20.0, count: int = 10) -> pd.DataFrame:
    """The rep's customers that are worth a stop on the way: they fit besides everything planned.

    Parameters
    ----------
    route : Route
    max_detour : minutes of driving more
    count : how many are listed at most

    Returns
    -------
    DataFrame, what brings most for its minutes first
        ``customer_id``, ``name``, ``detour_minutes``, ``minutes`` (of the visit), ``prize``, ``after_stop`` (0: on the
        way from the start), ``arrive``, ``home``.
    """
    planned = len(route.plan.order)
    asked = with_visits(route.request.only(route.plan.order), list(not_planned(route)))
    # What bounds rule out is not solved, nor what could not be among the `count` best by them.
    least = _least_drives(asked, planned) - route.plan.drive
    minutes, prizes = (asked.visits[name].to_numpy(float)[planned:] for name in ("minutes", "prize"))
    promised = _worth(prizes, np.maximum(least, -route.plan.drive) - _ROUNDED, minutes)
    rows: dict[int, dict[str, object]] = {}
    worth: list[float] = []
    for number in np.argsort(-promised, kind="stable").tolist():
        if len(worth) >= count and promised[number] < sorted(worth)[-count]:
            break
        plan = _besides(asked, planned, planned + number) if least[number] <= max_detour else None
        if plan is None or plan.drive - route.plan.drive > max_detour:
            continue
        at = int(np.flatnonzero(plan.order == planned)[0])
        detour = plan.drive - route.plan.drive
        rows[number] = one_more_stop(route, asked, planned + number, detour, at, plan.arrive[at], plan.home)
        worth.append(float(_worth(prizes[number], round(detour, 2), minutes[number])))
    return worth_most(pd.DataFrame([rows[number] for number in sorted(rows)], columns=STOP_COLUMNS), count)


def not_planned(route: Route) -> pd.Index:
    """The rep's customers that the route leaves out, the `NEAREST` of them to one of its stops, as the crow flies."""
    request = route.request
    mine = request.portfolio.customers["territory"] == request.portfolio.reps.loc[request.rep, "territory"]
    others = request.portfolio.customers.index[mine]
    others = others[~others.isin(request.visits.index[route.plan.order])]
    places = request.portfolio.customers.geometry.loc[others]
    stops = request.places.iloc[route._places]
    apart = np.hypot(
        places.x.to_numpy()[:, None] - stops.x.to_numpy(), places.y.to_numpy()[:, None] - stops.y.to_numpy()
    ).min(axis=1)
    return others[np.sort(np.argsort(apart, kind="stable")[:NEAREST])]


def one_more_stop(
    route: Route, asked: Request, row: int, detour: float, after_stop: int, arrive: float, home: float
) -> dict[str, object]:
    """The row of `STOP_COLUMNS` about the visit in this row of `asked`; all times in minutes."""
    visit = asked.visits.iloc[row]
    arrives, is_home = route._moments(np.array([arrive, home]))
    return {
        "customer_id": asked.visits.index[row],
        "name": visit["name"],
        "detour_minutes": round(detour, 2),
        "minutes": visit["minutes"],
        "prize": visit["prize"],
        "after_stop": after_stop,
        "arrive": arrives,
        "home": is_home,
    }


def worth_most(stops: pd.DataFrame, count: int) -> pd.DataFrame:
    """The `count` stops that bring most for the minutes they take, the best first."""
    order = np.argsort(-_worth(stops["prize"], stops["detour_minutes"], stops["minutes"]), kind="stable")
    return stops.iloc[order].head(count).reset_index(drop=True)


def _worth(prize: ArrayLike, detour: ArrayLike, minutes: ArrayLike) -> np.ndarray:
    """What stops bring for each minute that they take, the way there and the visit."""
    return np.asarray(prize, float) / np.maximum(np.asarray(detour, float) + np.asarray(minutes, float), 1)


def _on(route: Route, visit: Visits) -> dict:
    request = route.request
    planned = route.plan.order
    asked = with_visits(request.only([row for row in planned if request.visits.index[row] not in _named(visit)]), visit)
    count = len(asked.visits) - 1
    told = {"day": request.day, "rep": request.rep, "instead_of": ""}
    fits = _least_drives(asked, count)[0] < np.inf
    plan = _besides(asked, count, count) if fits else None
    if plan is not None:
        detour = round(plan.drive - route.plan.drive, 2)
        return {**told, "fits": True, "detour_minutes": detour, "home": route._moments(np.array([plan.home]))[0]}
    must = asked.visits["must"].to_numpy().copy()
    must[count] = True
    plan = asked.solve(mandatory=must, effort=min(asked.effort, EXCHANGE))
    if plan.status == "infeasible" or count not in plan.order:
        return {**told, "fits": False, "detour_minutes": np.nan, "home": pd.NaT}
    gone = [name for row, name in enumerate(asked.visits.index[:count]) if row not in set(plan.order)]
    detour = round(plan.drive - route.plan.drive, 2)
    home = route._moments(np.array([plan.home]))[0]
    return {**told, "fits": False, "detour_minutes": detour, "home": home, "instead_of": ";".join(gone)}


def _named(visit: Visits) -> set[str]:
    if isinstance(visit, str):
        return {visit}
    if isinstance(visit, pd.DataFrame):
        return set(visit.get("customer_id", visit.index))
    return set(visit or ())


def _least_drives(asked: Request, planned: int) -> np.ndarray:
    """Minutes that are driven at least with each further visit; -inf where travel has its hours, and nobody knows."""
    if asked.hourly is not None:
        return np.full(len(asked.visits) - planned, -np.inf)
    return least_drives(asked, planned)


def _besides(asked: Request, planned: int, row: int) -> DayPlan | None:
    """The day with everything planned, which are the first rows, and one more; least driving, None where none holds."""
    return asked.only([*range(planned), row]).solve_whole(effort=min(asked.effort, 0.1))
