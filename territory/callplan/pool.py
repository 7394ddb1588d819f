"""Days that a search has come past, and the best month that can be put together from them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from territory.callplan.month import NEVER, Calendar, Month, cost_of, empty_calendar, refresh

HUNDREDTHS = 100
"""CP-SAT counts in whole numbers: hundredths of a minute."""
WORK = 0.5
"""Of CP-SAT's deterministic time, about seconds, for all days at once; a tenth of it is nearly always enough."""
WINDOW = 10
"""Days that are chosen at a time where the whole is too much; every second window begins amid the one before."""
WORK_A_WINDOW = 0.1


@dataclass(eq=False)
class Pool:
    """Days by what is visited: (day, customers ascending) -> the least drive seen, and the order that has it."""

    days: dict[tuple[int, tuple[int, ...]], tuple[float, tuple[int, ...]]] = field(default_factory=dict)

    def gather(self, calendar: Calendar) -> None:
        """Take what is new or driven shorter, of a calendar with one route a day."""
        for day, order in enumerate(_orders(calendar)):
            key, drive = (day, tuple(sorted(order))), float(calendar.sums[day, 0])
            if drive < self.days.get(key, (NEVER, ()))[0]:
                self.days[key] = drive, order


def choose(month: Month, calendar: Calendar, pool: Pool) -> Calendar:
    """The cheapest calendar made of days in the pool, with every price of the month; the given one if none is cheaper.

    Set partitioning over routes seen on the way (Rochat and Taillard 1995, Journal of Heuristics 1(1)), here with each
    customer's rhythm as a path through its days, solved by CP-SAT: all days at once, and where that cannot be proven
    in time some days at a time, while the others stay. Nothing is said of days that are not in the pool.
    """
    pool.gather(calendar)
    days = _priced(month, pool)
    every = range(len(month.target))
    best, is_proven = _chosen(month, calendar, days, set(every), WORK)
    if is_proven:
        return best
    for first in every[:: WINDOW // 2]:
        best, _ = _chosen(month, best, days, set(every[first : first + WINDOW]), WORK_A_WINDOW)
    return best


def _orders(calendar: Calendar) -> list[tuple[int, ...]]:
    return [tuple(row[:count].tolist()) for row, count in zip(calendar.stops, calendar.length, strict=True)]


def _priced(month: Month, pool: Pool) -> dict[tuple[int, tuple[int, ...]], float]:
    """What each (day, order) of the pool costs in this month."""
    trial = empty_calendar(len(month.service), len(month.target), month.vehicles)
    costs = {}
    for (day, _), (_, order) in pool.days.items():
        trial.stops[day, : len(order)], trial.length[day] = order, len(order)
        refresh(month, trial, day)
        costs[day, order] = float(trial.sums[day, 3])
    return costs


def _chosen(
    month: Month, calendar: Calendar, days: dict[tuple[int, tuple[int, ...]], float], free: set[int], work: float
) -> tuple[Calendar, bool]:
    """The cheapest calendar in which all days but those of `free` stay as they are; and whether it is proven to be."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    # By who is visited: the pool may know a shorter way round the same customers.
    now = [set(order) for order in _orders(calendar)]
    costs: list[tuple[float, Any]] = []
    of_day: defaultdict[int, list] = defaultdict(list)
    visits: defaultdict[tuple[int, int], list] = defaultdict(list)
    for (day, order), cost in days.items():
        is_now = set(order) == now[day]
        if day not in free and not is_now:
            continue
        is_driven = model.new_bool_var("")
        model.add_hint(is_driven, is_now)
        costs.append((cost, is_driven))
        of_day[day].append((is_driven, order))
        for customer in order:
            visits[customer, day].append(is_driven)
    for choices in of_day.values():
        model.add_exactly_one(is_driven for is_driven, _ in choices)
    rhythms = [_add_rhythm(model, month, customer, visits) for customer in range(len(month.service))]
    everything = chain(costs, *rhythms)
    model.minimize(sum(round(HUNDREDTHS * minutes) * variable for minutes, variable in everything))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers, solver.parameters.random_seed = 1, 1
    solver.parameters.max_deterministic_time = work
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return calendar, False
    orders = [next(order for is_driven, order in of_day[day] if solver.value(is_driven)) for day in range(len(now))]
    paid = [sum(minutes for minutes, variable in rhythm if solver.value(variable)) for rhythm in rhythms]
    found = _calendar_of(month, orders, np.array(paid))
    return min(calendar, found, key=cost_of), status == cp_model.OPTIMAL


def _add_rhythm(
    model: Any, month: Month, customer: int, visits: dict[tuple[int, int], list]
) -> list[tuple[float, Any]]:
    """A path through the customer's days that are driven, or none; with what its parts cost."""
    first, last = int(month.node_ptr[customer]), int(month.node_ptr[customer + 1])
    is_absent = model.new_bool_var("")
    costs = [(float(month.absent[customer]), is_absent)]
    begins = [is_absent]
    into: defaultdict[int, list] = defaultdict(list)
    out: defaultdict[int, list] = defaultdict(list)
    on_day: defaultdict[int, list] = defaultdict(list)
    for node in range(first, last):
        day = int(month.node_day[node])
        if (customer, day) not in visits:
            continue
        for arc in range(month.arc_ptr[node], month.arc_ptr[node + 1]):
            source = first + int(month.arc_from[arc]) if month.arc_from[arc] >= 0 else -1
            if source >= 0 and source not in into:
                continue
            is_taken = model.new_bool_var("")
            costs.append((float(month.arc_cost[arc]), is_taken))
            into[node].append(is_taken)
            on_day[day].append(is_taken)
            (begins if source < 0 else out[source]).append(is_taken)
        if node in into and month.node_last[node] < NEVER:
            is_last = model.new_bool_var("")
            costs.append((float(month.node_last[node]), is_last))
            out[node].append(is_last)
    model.add_exactly_one(begins)
    for node, arrivals in into.items():
        model.add(sum(arrivals) == sum(out[node]))
    for day in sorted({int(each) for each in month.node_day[first:last]}):
        if (customer, day) in visits:
            model.add(sum(visits[customer, day]) == sum(on_day[day]))
    return costs


def _calendar_of(month: Month, orders: list[tuple[int, ...]], rhythm: np.ndarray) -> Calendar:
    calendar = empty_calendar(len(month.service), len(month.target), month.vehicles)
    calendar.rhythm[:] = rhythm
    for day, order in enumerate(orders):
        calendar.stops[day, : len(order)], calendar.length[day] = order, len(order)
        calendar.route_of[list(order), day] = day
        refresh(month, calendar, day)
    calendar.placed[:] = (calendar.route_of >= 0).any(axis=1)
    return calendar
