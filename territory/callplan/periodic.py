"""Periodic routing in plain arrays, as the literature puts it: the search of `plan_calls` beside its peers.

`solve_periodic` takes a matrix, loads and allowed sets of days, and has no rhythm, no even days and no hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from territory.alignment.numeric import new_state
from territory.callplan.search import NEVER, Calendar, Month, copy_all, empty_calendar, refresh, search

CHUNKS = 80
"""The search stops so often for a look at its routes."""
HOT, COLD = 1.5, 0.015
"""Temperatures, beside the mean cost of a visit."""
TAKEN_OUT = 12.0
MISSING = 50.0
"""Price of a customer left out, beside the mean cost of a visit."""
POOL = 1500
"""Routes among which the best calendar is chosen."""
CHOICE_EFFORT = 4.0
"""Deterministic seconds of that choice."""


@dataclass(frozen=True, eq=False)
class PeriodicPlan:
    """Routes over days.

    routes : T days of lists of routes, each the customers (0 to n - 1) in order; cost : of all of them; missing : customers
    without a visit
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
    rounds: int = 400_000,
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
    The search of `territory.callplan.search`, whose routes are kept in a pool; then CP-SAT chooses from the pool the
    routes and the sets of days that fit together at the least cost (set partitioning over heuristic columns, Foster
    and Ryan 1976, Operational Research Quarterly 27), and the search goes on from there for a while.
    """
    month = _month(cost, service, load, patterns, days, vehicles, capacity, longest)
    calendar = empty_calendar(len(service), days, vehicles)
    calendar.rhythm[:] = month.absent
    pool = _Pool(month)
    mean = float(np.sort(cost[:-1, :-1], axis=1)[:, 1 : min(6, len(service))].mean()) if len(service) > 1 else 1.0
    random = new_state(seed)
    best = _improved(month, calendar, pool, (mean * 2 * HOT, mean * 2 * COLD), rounds * 4 // 5, CHUNKS, random)
    best = pool.chosen(best, patterns, seed)
    best = _improved(month, best, pool, (mean * HOT / 4, mean * COLD), rounds // 5, CHUNKS // 5, random)
    best = pool.chosen(best, patterns, seed)
    routes = [
        [
            best.stops[r, : best.length[r]].tolist()
            for r in range(day * vehicles, (day + 1) * vehicles)
            if best.length[r]
        ]
        for day in range(days)
    ]
    return PeriodicPlan(routes, float(best.sums[:, 0].sum()), tuple(np.flatnonzero(~best.placed).tolist()))


def _month(cost, service, load, patterns, days, vehicles, capacity, longest) -> Month:  # type: ignore[no-untyped-def]  # solve_periodic has the types
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


def _improved(
    month: Month,
    calendar: Calendar,
    pool: _Pool,
    temperatures: tuple[float, float],
    rounds: int,
    chunks: int,
    random: np.ndarray,
) -> Calendar:
    """The cheapest calendar of one annealing run; the routes it comes by go into the pool."""
    hot, cold = temperatures
    ratio = (cold / hot) ** (1 / chunks)
    size = (len(month.service), len(month.target), month.vehicles)
    for route in range(len(calendar.length)):
        refresh(month, calendar, route)
    kept, best = empty_calendar(*size), empty_calendar(*size)
    copy_all(calendar, kept)
    copy_all(calendar, best)
    lowest = _cost(calendar)
    for chunk in range(chunks):
        now, found = empty_calendar(*size), empty_calendar(*size)
        copy_all(kept, now)
        copy_all(kept, found)
        # Rounded, because a power may differ in its last digit from machine to machine.
        warm = round(hot * ratio**chunk, 9)
        search(month, now, kept, found, rounds // chunks, warm, round(warm * ratio, 9), TAKEN_OUT, random)
        pool.add(found)
        pool.add(kept)
        if _cost(found) < lowest - 1e-9:
            lowest = _cost(found)
            copy_all(found, best)
    return best


def _cost(calendar: Calendar) -> float:
    return float(calendar.sums[:, 3].sum() + calendar.rhythm.sum())


class _Pool:
    """Routes that good calendars were made of, the cheapest way round each set of customers."""

    def __init__(self, month: Month) -> None:
        self.month = month
        self.routes: dict[frozenset[int], tuple[float, tuple[int, ...]]] = {}

    def add(self, calendar: Calendar) -> None:
        """Take in the routes of a calendar; those of the latest calendars are the ones that stay."""
        for route in range(len(calendar.length)):
            stops = tuple(calendar.stops[route, : calendar.length[route]].tolist())
            if not stops:
                continue
            known = self.routes.pop(frozenset(stops), None)
            mine = (float(calendar.sums[route, 0]), stops)
            self.routes[frozenset(stops)] = mine if known is None else min(known, mine)

    def chosen(self, best: Calendar, patterns: Sequence[Sequence[Sequence[int]]], seed: int) -> Calendar:
        """The cheapest calendar that the routes of the pool make, or the one given when none of them is cheaper."""
        from ortools.sat.python import cp_model

        if not best.placed.all():
            return best
        self.add(best)
        month = self.month
        days, vehicles = len(month.target), month.vehicles
        routes = list(self.routes.values())[-POOL:]
        model = cp_model.CpModel()
        of_customer = [[model.new_bool_var("") for _ in sets] for sets in patterns]
        for choices in of_customer:
            model.add_exactly_one(choices)
        wanted: dict[tuple[int, int], list[cp_model.IntVar]] = {
            (customer, day): [choice for choice, each in zip(of_customer[customer], sets, strict=True) if day in each]
            for customer, sets in enumerate(patterns)
            for day in range(days)
        }
        made: dict[tuple[int, int], list[cp_model.IntVar]] = {key: [] for key in wanted}
        taken: dict[tuple[int, int], cp_model.IntVar] = {}
        for number, (_, stops) in enumerate(routes):
            for day in range(days):
                if all(wanted[customer, day] for customer in stops):
                    taken[number, day] = model.new_bool_var("")
                    for customer in stops:
                        made[customer, day].append(taken[number, day])
        for key, choices in wanted.items():
            model.add(sum(made[key]) == sum(choices))
        for day in range(days):
            model.add(sum(var for (_, other), var in taken.items() if other == day) <= vehicles)
        model.minimize(sum(round(1000 * routes[number][0]) * var for (number, _), var in taken.items()))
        self._hint(model, taken, routes, best)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = seed % 2**31
        solver.parameters.max_deterministic_time = CHOICE_EFFORT
        status = solver.solve(model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return best
        picked = [(day, routes[number][1]) for (number, day), var in taken.items() if solver.value(var)]
        found = self._calendar(picked)
        return found if _cost(found) < _cost(best) - 1e-9 else best

    def _hint(self, model, taken, routes, best) -> None:  # type: ignore[no-untyped-def]  # types of a solver that loads late
        now = {
            (frozenset(best.stops[route, : best.length[route]].tolist()), route // self.month.vehicles)
            for route in range(len(best.length))
        }
        for (number, day), var in taken.items():
            model.add_hint(var, (frozenset(routes[number][1]), day) in now)

    def _calendar(self, picked: list[tuple[int, tuple[int, ...]]]) -> Calendar:
        month = self.month
        calendar = empty_calendar(len(month.service), len(month.target), month.vehicles)
        used = [0] * len(month.target)
        for day, stops in picked:
            route = day * month.vehicles + used[day]
            used[day] += 1
            calendar.stops[route, : len(stops)] = stops
            calendar.length[route] = len(stops)
            calendar.route_of[list(stops), day] = route
            calendar.placed[list(stops)] = True
        for route in range(len(calendar.length)):
            refresh(month, calendar, route)
        return calendar
