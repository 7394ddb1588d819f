"""How often a customer is due, and which sets of days keep that."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.callplan.month import NEVER
from territory.callplan.rhythm import Rhythms, gap_price, paths_of, visits_due, visits_in_turn


def rhythms(days: int, **changes: object) -> Rhythms:
    """One customer, weekly, over some days; everything is allowed."""
    asked = {"due": 2, "interval": 5.0, "elapsed": np.nan, "tolerance": 0.25, "drop": 600.0} | changes
    flags = {
        name: np.full((1, days), default) if name not in changes else np.array([changes[name]], bool)
        for name, default in {"allowed": True, "preferred": True, "fixed": False, "planned": False}.items()
    }
    numbers = {name: np.array([asked[name]], float) for name in ("interval", "elapsed", "drop")}
    return Rhythms(due=np.array([asked["due"]]), tolerance=float(str(asked["tolerance"])), **numbers, **flags)


def priced(asked: Rhythms) -> dict[tuple[int, ...], float]:
    """Every set of days that the paths allow, with its price, found by walking all of them."""
    paths = paths_of(asked)
    reached: list[list[tuple[tuple[int, ...], float]]] = []
    whole = {}
    for node in range(len(paths.node_day)):
        mine = []
        for arc in range(paths.arc_ptr[node], paths.arc_ptr[node + 1]):
            before = reached[paths.arc_from[arc]] if paths.arc_from[arc] >= 0 else [((), 0.0)]
            mine += [((*days, int(paths.node_day[node])), price + paths.arc_cost[arc]) for days, price in before]
        reached.append(mine)
        if paths.node_last[node] < NEVER:
            whole |= {days: price + paths.node_last[node] for days, price in mine}
    return whole


@pytest.mark.parametrize(
    ("interval", "elapsed", "days", "visits"),
    [(5, 1, 20, 4), (5, 5, 20, 4), (20, 1, 20, 1), (20, 30, 20, 1), (40, 5, 20, 0), (10, 25, 20, 2), (2.5, 1, 20, 8)],
)
def test_who_was_visited_falls_due_an_interval_later_and_so_on(interval: float, elapsed: float, days: int, visits: int):
    assert visits_due(np.array([interval]), np.array([elapsed]), days).tolist() == [visits]


@given(
    st.lists(st.tuples(st.floats(2, 300), st.sampled_from([15.0, 30.0, 60.0])), min_size=1, max_size=40),
    st.integers(0, 10_000),
)
def test_taking_turns_spreads_the_work_evenly_over_time(customers: list[tuple[float, float]], elapsed: int):
    interval, minutes = np.array(customers).T
    turn = (np.arange(len(interval)) + 0.5) / len(interval)

    due = visits_in_turn(interval, minutes, turn, float(elapsed), 20)

    assert (np.floor(20 / interval + 1e-9) <= due).all()
    assert (due <= np.ceil(20 / interval - 1e-9)).all()
    assert abs((due * minutes).sum() - (20 / interval * minutes).sum()) <= minutes.max() / 2 + 1e-6


def test_a_gap_is_nearly_free_within_the_tolerance_and_dear_outside():
    prices = [gap_price(gap, 10.0, 0.2) for gap in (10, 8, 12, 7, 13)]

    assert prices[0] == 0
    assert prices[1] == prices[2] < 3
    assert min(prices[3:]) > 20


def test_paths_are_all_sets_of_days_with_possible_gaps():
    found = priced(rhythms(10, due=2))

    # From 40 % of the interval to 180 % (and the longest time it is closed, a day).
    pairs = {pair for pair in combinations(range(10), 2) if 2 <= pair[1] - pair[0] <= 10}
    assert {days for days in found if len(days) == 2} == pairs
    assert min(found, key=lambda days: (round(found[days], 6), days)) in {(first, first + 5) for first in range(5)}


def test_a_visit_left_out_has_its_price():
    found = priced(rhythms(10, due=2))

    assert found[(4,)] - 600 == pytest.approx(0.0)


def test_no_path_goes_past_an_appointment():
    fixed = [day in (3, 7) for day in range(10)]

    found = priced(rhythms(10, due=3, fixed=fixed))

    assert found
    assert all({3, 7} <= set(days) for days in found)


def test_days_of_an_earlier_plan_and_wanted_weekdays_are_cheaper():
    planned, preferred = [day == 6 for day in range(10)], [day in (2, 6) for day in range(10)]

    found = priced(rhythms(10, due=1, interval=10.0, planned=planned, preferred=preferred))

    assert [round(found[(day,)] - found[(6,)], 6) for day in (2, 4)] == [150, 170]


def test_the_longer_overdue_the_dearer_is_each_day_more():
    dearer = [priced(rhythms(5, due=1, interval=10.0, elapsed=elapsed)) for elapsed in (12.0, 20.0)]

    assert dearer[1][(4,)] - dearer[1][(0,)] > dearer[0][(4,)] - dearer[0][(0,)]
