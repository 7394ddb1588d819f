"""Putting a month together from days that a search has seen, against whole enumeration."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.callplan import pool
from territory.callplan.month import Calendar, Month, cost_of, refresh
from territory.callplan.pool import Pool, choose
from tests.callplan.test_search import DAYS, Sets, copy_of, empty, month, searched
from tests.callplan.weeks import cheapest_week

SETS: Sets = [[[0], [1], [2]], [[0, 2], [1, 3]], [[0, 1, 2, 3]], [[0, 3], [2]]]


def world(seed: int, customers: int) -> tuple[np.ndarray, Sets]:
    """What driving costs, the depot last, and the sets of days that each customer may have."""
    rng = np.random.default_rng(seed)
    cost = rng.uniform(1, 9, (customers + 1, customers + 1))
    np.fill_diagonal(cost, 0)
    return cost, [SETS[kind] for kind in rng.integers(0, len(SETS), customers)]


def with_stops(week: Month, day: int, order: tuple[int, ...]) -> Calendar:
    """A calendar with one day driven, whoever else is missing."""
    calendar = empty(week)
    calendar.stops[day, : len(order)], calendar.length[day] = order, len(order)
    refresh(week, calendar, day)
    return calendar


@pytest.mark.parametrize("seed", range(3))
def test_from_all_days_that_there_are_comes_the_cheapest_week(seed: int):
    cost, patterns = world(seed, 4)
    week, seen = month(cost, patterns, vehicles=1), Pool()
    for day in range(DAYS):
        for count in range(5):
            for order in permutations(range(4), count):
                seen.gather(with_stops(week, day, order))

    chosen = choose(week, empty(week), seen)

    assert cost_of(chosen) == pytest.approx(cheapest_week(cost, patterns, DAYS))


def test_days_seen_apart_are_put_together():
    cost = np.full((3, 3), 5.0)
    np.fill_diagonal(cost, 0)
    cost[0, 1] = cost[1, 0] = 1.0
    patterns: Sets = [[[0, 2], [1, 3]], [[0, 2], [1, 3]]]
    week = month(cost, patterns, vehicles=1)
    apart, seen = empty(week), Pool()
    for customer, days in enumerate(([0, 2], [1, 3])):
        for day in days:
            apart.stops[day, 0], apart.length[day] = customer, 1
            apart.route_of[customer, day] = day
            refresh(week, apart, day)
    apart.rhythm[:], apart.placed[:] = 0.0, True
    for day in (1, 3):
        seen.gather(with_stops(week, day, (0, 1)))
    for day in (0, 2):
        seen.gather(with_stops(week, day, ()))

    chosen = choose(week, apart, seen)

    assert (cost_of(apart), cost_of(chosen)) == (40.0, 22.0)
    assert [chosen.length[day] for day in range(DAYS)] == [0, 2, 0, 2]
    assert (chosen.route_of >= 0).tolist() == [[False, True, False, True]] * 2


def with_no_time_for_all_days(week: Month, calendar: Calendar, days: dict, free: set[int], work: float):
    """`pool._chosen` for whom four days are too much."""
    return (calendar, False) if len(free) == DAYS else CHOSEN(week, calendar, days, free, work)


CHOSEN = pool._chosen


def test_where_all_days_at_once_take_too_long_some_are_chosen_at_a_time(monkeypatch: pytest.MonkeyPatch):
    cost = np.full((3, 3), 5.0)
    np.fill_diagonal(cost, 0)
    cost[0, 1] = cost[1, 0] = 1.0
    week = month(cost, [[[2], [3]], [[2], [3]]], vehicles=1)
    apart, found = with_stops(week, 2, (0,)), Pool()
    apart.stops[3, 0], apart.length[3] = 1, 1
    apart.route_of[0, 2], apart.route_of[1, 3] = 2, 3
    refresh(week, apart, 3)
    apart.rhythm[:], apart.placed[:] = 0.0, True
    for order in ((), (0, 1)):
        found.gather(with_stops(week, 3, order))
        found.gather(with_stops(week, 2, order))
    monkeypatch.setattr(pool, "_chosen", with_no_time_for_all_days)
    monkeypatch.setattr(pool, "WINDOW", 2)

    chosen = choose(week, apart, found)

    assert (cost_of(apart), cost_of(chosen)) == (20.0, 11.0)


def test_a_shorter_way_round_the_same_customers_is_taken_whichever_days_are_chosen(monkeypatch: pytest.MonkeyPatch):
    at = np.array([1, 2, 3, 0])
    week, seen = month(np.abs(np.subtract.outer(at, at)) * 1.0, [[[3]]] * 3, vehicles=1), Pool()
    long_way = with_stops(week, 3, (1, 0, 2))
    long_way.route_of[:, 3], long_way.rhythm[:], long_way.placed[:] = 3, 0.0, True
    seen.gather(with_stops(week, 3, (0, 1, 2)))
    monkeypatch.setattr(pool, "_chosen", with_no_time_for_all_days)
    monkeypatch.setattr(pool, "WINDOW", 2)

    chosen = choose(week, long_way, seen)

    assert (cost_of(long_way), cost_of(chosen)) == (8.0, 6.0)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), is_too_much=st.booleans())
def test_what_is_chosen_holds_and_is_never_dearer(seed: int, is_too_much: bool):
    cost, patterns = world(seed, 6)
    week, seen = month(cost, patterns, vehicles=1), Pool()
    found = [searched(week, empty(week), within=0.5, rounds=20, seed=begin)[0] for begin in (1, 2, 3)]
    for calendar in found:
        seen.gather(calendar)

    with pytest.MonkeyPatch.context() as patched:
        if is_too_much:
            patched.setattr(pool, "_chosen", with_no_time_for_all_days)
            patched.setattr(pool, "WINDOW", 2)
        chosen = choose(week, copy_of(found[0], week), seen)

    assert cost_of(chosen) <= min(cost_of(each) for each in (found[:1] if is_too_much else found)) + 1e-6
    for customer, sets in enumerate(patterns):
        days = np.flatnonzero(chosen.route_of[customer] >= 0).tolist()
        assert days in ([sorted(each) for each in sets] if chosen.placed[customer] else [[]])
        assert chosen.rhythm[customer] == pytest.approx(0.0 if chosen.placed[customer] else week.absent[customer])
        assert days == [day for day in range(DAYS) if customer in chosen.stops[day, : chosen.length[day]]]


def test_a_calendar_that_cannot_be_bettered_comes_back_as_it_was():
    cost, patterns = world(1, 5)
    week = month(cost, patterns, vehicles=1)
    best = min((searched(week, empty(week), within=0.5, seed=begin)[0] for begin in range(1, 9)), key=cost_of)

    chosen = choose(week, best, Pool())

    assert chosen is best
