"""The search over weeks, against whole enumeration."""

from __future__ import annotations

import numpy as np
import pytest

from territory.callplan.month import NEVER, Calendar, Month, copy_all, empty_calendar, refresh
from territory.callplan.search import search
from territory.numeric import new_state
from tests.callplan.weeks import cheapest_week

DAYS = 4
Sets = list[list[list[int]]]


def month(cost: np.ndarray, patterns: Sets, vehicles: int) -> Month:
    """Customers with sets of days, and neither hours nor even days; the last place is the depot."""
    n = len(patterns)
    return Month(
        drive=cost,
        service=np.zeros(n),
        load=np.ones(n),
        capacity=1e12,
        vehicles=vehicles,
        begin=np.full(DAYS, n),
        end=np.full(DAYS, n),
        start=np.zeros(DAYS),
        finish=np.full(DAYS, 1e12),
        max_drive=np.full(DAYS, 1e12),
        opens=np.zeros((n, DAYS)),
        closes=np.full((n, DAYS), 1e12),
        absent=np.full(n, 1e4),
        worth=np.ones(n),
        near=np.argsort(cost[:n, :n], axis=1, kind="stable"),
        target=np.ones(DAYS),
        slack=0.0,
        stiffness=0.0,
        widest=NEVER,
        **paths(patterns),
    )


def paths(patterns: Sets) -> dict[str, np.ndarray]:
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


def empty(month: Month) -> Calendar:
    """A calendar in which everybody is missing."""
    calendar = empty_calendar(len(month.service), DAYS, month.vehicles)
    calendar.rhythm[:] = month.absent
    for route in range(DAYS * month.vehicles):
        refresh(month, calendar, route)
    return calendar


def copy_of(calendar: Calendar, month: Month) -> Calendar:
    copy = empty_calendar(len(month.service), DAYS, month.vehicles)
    copy_all(calendar, copy)
    return copy


def searched(
    month: Month, start: Calendar, *, within: float, rounds: int = 500, seed: int = 1
) -> tuple[Calendar, float]:
    """The best calendar of some rounds, and its cost."""
    now, kept, best = (copy_of(start, month) for _ in range(3))
    return best, search(month, now, kept, best, rounds, 1.0, 0.01, 6.0, within, new_state(seed))


@pytest.mark.parametrize("seed", range(4))
def test_small_weeks_are_as_cheap_as_any(seed: int):
    rng = np.random.default_rng(seed)
    cost = rng.uniform(1, 9, (7, 7))
    np.fill_diagonal(cost, 0)
    sets = [[[0], [1], [2]], [[0, 2], [1, 2]], [[0, 1, 2]]]
    patterns = [sets[kind] for kind in rng.integers(0, 3, 6)]
    week = month(cost, patterns, vehicles=1)

    lowest = min(searched(week, empty(week), within=0.6, seed=begin)[1] for begin in range(1, 9))

    assert lowest == pytest.approx(cheapest_week(cost, patterns, DAYS))


def test_rounds_that_keep_to_a_day_better_routes_and_leave_every_customer_its_days():
    rng = np.random.default_rng(2)
    xy = rng.uniform(0, 10, (21, 2))
    cost = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    patterns = [[[0, 2], [1, 3]] if number % 2 else [[0], [1], [2], [3]] for number in range(20)]
    week = month(cost, patterns, vehicles=2)
    elsewhere = week._replace(drive=rng.permutation(cost))
    rough, _ = searched(elsewhere, empty(elsewhere), within=0.0)
    for route in range(8):
        refresh(week, rough, route)

    better, lowest = searched(week, rough, within=1.0)

    assert lowest < rough.sums[:, 0].sum()
    assert ((better.route_of >= 0) == (rough.route_of >= 0)).all()
