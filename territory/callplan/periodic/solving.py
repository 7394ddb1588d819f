"""Periodic routing in plain arrays, as the literature puts it: without rhythms, even days or hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from territory.callplan.periodic.breeding import breed
from territory.callplan.periodic.draft import Weeks

NEAR = 20
"""Nearest customers that a customer is tried behind."""


@dataclass(frozen=True, eq=False)
class PeriodicPlan:
    """Routes over days.

    routes : T days of lists of routes, each the customers (0 to n - 1) in order; cost : of all of them; missing :
    customers without a visit: those that no route can hold even alone, or all where the routes do not hold the others
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
    rounds: int = 6000,
) -> PeriodicPlan:
    """The cheapest routes found that visit each customer on one of its sets of days.

    Parameters
    ----------
    cost : (n + 1, n + 1) float, from row to column; the depot is the last
    service : (n,) float, in the unit of cost; load : (n,) float
    patterns : n lists of sets of days, each from 0 to days - 1
    days, vehicles : routes are at most days x vehicles
    capacity : load of a route; longest : cost and service of a route together
    seed, rounds : of the search; a round is a plan made of two others and bettered

    Returns
    -------
    PeriodicPlan

    Notes
    -----
    The genetic search of `territory.callplan.periodic.breeding`. Where every customer may be visited once on any day,
    the days are one day with all their vehicles. Tried and left out, on the published instances: ruin and recreate with
    sets of days, as `plan_calls` searches (0.53 % above the best known instead of 0.27 %, in the same time), and
    choosing anew among the routes that it came by, with HiGHS over some thousands of them: one instance of five the
    better for it, as the linear relaxation is 2 % too low.
    """
    fits = (load <= capacity) & (cost[-1, :-1] + service + cost[:-1, -1] <= longest)
    kept = np.flatnonzero(fits)
    nothing = PeriodicPlan([[] for _ in range(days)], 0.0, tuple(range(len(fits))))
    if not len(kept):
        return nothing
    chosen = [patterns[customer] for customer in kept.tolist()]
    is_one = all(sorted(map(tuple, sets)) == [(day,) for day in range(days)] for sets in chosen)
    places = np.append(kept, len(fits))
    weeks = _weeks(
        np.ascontiguousarray(cost[np.ix_(places, places)], float),
        np.asarray(service, float)[kept],
        np.asarray(load, float)[kept],
        [[[0]]] * len(kept) if is_one else chosen,
        *((1, days * vehicles) if is_one else (days, vehicles)),
        min(float(capacity), 1e12),
        min(float(longest), 1e12),
    )
    found = breed(weeks, children=rounds, seed=seed)
    if found is None:
        return nothing
    routes = [kept[found.stops[r, 1 : k + 1]].tolist() for r, k in enumerate(found.length)]
    by_day = [[route for route in routes[day * vehicles : (day + 1) * vehicles] if route] for day in range(days)]
    return PeriodicPlan(by_day, found.driven, tuple(np.flatnonzero(~fits).tolist()))


def _weeks(
    cost: np.ndarray,
    service: np.ndarray,
    load: np.ndarray,
    patterns: Sequence[Sequence[Sequence[int]]],
    days: int,
    vehicles: int,
    capacity: float,
    longest: float,
) -> Weeks:
    n = len(service)
    apart = cost[:n, :n] + np.diag(np.full(n, np.inf))
    sets = [[sum(1 << day for day in each) for each in choice] for choice in patterns]
    return Weeks(
        cost=cost,
        service=service,
        load=load,
        near=np.ascontiguousarray(np.argsort(apart, axis=1, kind="stable")[:, : min(NEAR, n - 1)]),
        set_ptr=np.cumsum([0, *map(len, sets)]),
        sets=np.array([bits for choice in sets for bits in choice], np.int64),
        days=days,
        vehicles=vehicles,
        capacity=capacity,
        longest=longest,
        is_symmetric=bool((cost == cost.T).all()),
        plane=_plane(cost),
    )


def _plane(cost: np.ndarray) -> np.ndarray:
    """(n, 2) where customers lie from the depot, as their distances tell: exact in the plane, a guess elsewhere."""
    n = len(cost) - 1
    away = cost[n, :n]
    first = int(np.argmax(away))
    base = max(float(away[first]), 1e-9)
    x = (away * away + base * base - cost[:n, first] ** 2) / (2 * base)
    y = np.sqrt(np.maximum(away * away - x * x, 0.0))
    second = int(np.argmax(y))
    across, along = x - x[second], cost[:n, second]
    above, below = (np.abs(np.sqrt(across**2 + (side * y - y[second]) ** 2) - along) for side in (1, -1))
    return np.stack([x, np.where(above <= below, y, -y)], axis=1)
