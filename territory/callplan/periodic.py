"""Periodic routing in plain arrays, as the literature puts it: the search of `plan_calls` beside its peers.

`solve_periodic` takes a matrix, loads and allowed sets of days, and has no rhythm, no even days and no hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from territory.alignment.numeric import new_state
from territory.callplan.month import NEVER, Calendar, Month, copy_all, empty_calendar, refresh
from territory.callplan.search import search

HOT, COLD = 3.0, 0.03
"""Temperatures, beside the mean distance of near neighbours."""
FRESH = 4
"""So many searches begin with nothing: which days customers have is settled early in each, by chance."""
WARM = (1.0, 0.3) * 4
"""Temperatures at which further searches begin, each from the best calendar so far."""
TAKEN_OUT = 12.0
"""Customers taken out at a time, on average."""
WITHIN = 0.6
"""Part of the rounds that keeps to one day."""
MISSING = 50.0
"""Price of a customer left out, beside the mean distance."""


@dataclass(frozen=True, eq=False)
class PeriodicPlan:
    """Routes over days.

    routes : T days of lists of routes, each the customers (0 to n - 1) in order; cost : of all of them; missing :
    customers without a visit
    """

    routes: list[list[list[int]]]
    cost: float
    missing: tuple[int, ...]


def solve_periodic(
    cost: np.ndarray,
    service: np.ndarray,
    load: np.ndarray,
    patterns: Sequence[Sequence[Sequence[int]]],
    *,
    days: int,
    vehicles: int,
    capacity: float = np.inf,
    longest: float = np.inf,
    seed: int = 0,
    rounds: int = 960_000,
) -> PeriodicPlan:
    """The cheapest routes found that visit each customer on one of its sets of days.

    Parameters
    ----------
    cost : (n + 1, n + 1) float, from row to column; the depot is the last
    service : (n,) float, in the unit of cost; load : (n,) float
    patterns : n lists of sets of days, each from 0 to days - 1
    days, vehicles : routes are at most days x vehicles
    capacity : load of a route; longest : cost and service of a route together
    seed, rounds : of the search

    Returns
    -------
    PeriodicPlan

    Notes
    -----
    The search of `territory.callplan.search`, several times from hot to cold. Choosing anew among the routes it came
    by, with CP-SAT over a pool of up to 1,500, was tried on p02, p05 and p12 of the published instances and found
    nothing cheaper; nor did loads above the capacity that are dear at first and forbidden in the end.
    """
    month = _month(cost, service, load, patterns, days, vehicles, capacity, longest)
    near = float(np.sort(cost[:-1, :-1], axis=1)[:, 1:6].mean()) if len(service) > 1 else 1.0
    random, share = new_state(seed), rounds // (FRESH + len(WARM))
    nothing = _nothing(month, days)
    best, lowest = nothing, np.inf
    for hot in (*[HOT] * FRESH, *WARM):
        start = nothing if hot == HOT else best
        now, kept, found = (_copy(start, month, days) for _ in range(3))
        price = search(month, now, kept, found, share, hot * near, COLD * near, TAKEN_OUT, WITHIN, random)
        if price < lowest:
            best, lowest = found, price
    routes = [
        [
            best.stops[r, : best.length[r]].tolist()
            for r in range(day * vehicles, (day + 1) * vehicles)
            if best.length[r]
        ]
        for day in range(days)
    ]
    return PeriodicPlan(routes, float(best.sums[:, 0].sum()), tuple(np.flatnonzero(~best.placed).tolist()))


def _nothing(month: Month, days: int) -> Calendar:
    """A calendar in which everybody is missing."""
    calendar = empty_calendar(len(month.service), days, month.vehicles)
    calendar.rhythm[:] = month.absent
    for route in range(days * month.vehicles):
        refresh(month, calendar, route)
    return calendar


def _copy(calendar: Calendar, month: Month, days: int) -> Calendar:
    copy = empty_calendar(len(month.service), days, month.vehicles)
    copy_all(calendar, copy)
    return copy


def _month(
    cost: np.ndarray,
    service: np.ndarray,
    load: np.ndarray,
    patterns: Sequence[Sequence[Sequence[int]]],
    days: int,
    vehicles: int,
    capacity: float,
    longest: float,
) -> Month:
    n = len(service)
    mean = float(cost[:-1, :-1].mean()) if n else 1.0
    longest = min(float(longest), 1e12)
    return Month(
        drive=np.ascontiguousarray(cost, float),
        service=np.asarray(service, float),
        load=np.asarray(load, float),
        capacity=min(float(capacity), 1e12),
        vehicles=vehicles,
        begin=np.full(days, n),
        end=np.full(days, n),
        start=np.zeros(days),
        finish=np.full(days, longest),
        max_drive=np.full(days, 1e12),
        opens=np.zeros((n, days)),
        closes=np.full((n, days), 1e12),
        absent=np.full(n, MISSING * mean),
        worth=np.asarray(load, float) + np.asarray(service, float),
        near=np.argsort(cost[:n, :n], axis=1, kind="stable"),
        target=np.ones(days),
        slack=0.0,
        stiffness=0.0,
        **_tries(patterns),
    )


def _tries(patterns: Sequence[Sequence[Sequence[int]]]) -> dict[str, np.ndarray]:
    """Sets of days as paths that share their beginnings: the arrays of `Month`."""
    node_ptr, day_ptr = [0], [0]
    node_day: list[int] = []
    node_last: list[float] = []
    arc_from: list[int] = []
    days: list[int] = []
    for sets in patterns:
        first = len(node_day)
        node_of: dict[tuple[int, ...], int] = {(): -1}
        for each in sets:
            path: tuple[int, ...] = ()
            for day in sorted(each):
                longer = (*path, day)
                if longer not in node_of:
                    node_of[longer] = len(node_day) - first
                    node_day.append(day)
                    node_last.append(NEVER)
                    arc_from.append(node_of[path])
                path = longer
            node_last[first + node_of[path]] = 0.0
        node_ptr.append(len(node_day))
        days += sorted({day for each in sets for day in each})
        day_ptr.append(len(days))
    return {
        "node_ptr": np.array(node_ptr, np.int64),
        "node_day": np.array(node_day, np.int64),
        "node_last": np.array(node_last, float),
        "arc_ptr": np.arange(len(arc_from) + 1, dtype=np.int64),
        "arc_from": np.array(arc_from, np.int64),
        "arc_cost": np.zeros(len(arc_from)),
        "day_ptr": np.array(day_ptr, np.int64),
        "days": np.array(days, np.int64),
    }
