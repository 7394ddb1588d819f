"""The search and the periodic solver against whole enumeration and published values."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest

from territory.alignment.numeric import new_state
from territory.callplan import periodic
from territory.callplan.month import Calendar, Month
from territory.callplan.periodic import solve_periodic
from territory.callplan.search import search
from tests.bench.periodic import best_known, read_instance

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "routing"


def tour(cost: np.ndarray, visits: tuple[int, ...]) -> float:
    """The cheapest way round, by trying every order."""
    depot = len(cost) - 1
    ways = ([depot, *order, depot] for order in permutations(visits))
    return min(float(cost[way[:-1], way[1:]].sum()) for way in ways)


def cheapest(cost: np.ndarray, patterns: list[list[list[int]]], days: int) -> float:
    """The least cost over every choice of days, one route a day."""
    memory: dict[tuple[int, ...], float] = {(): 0.0}
    best = np.inf
    for choice in product(*patterns):
        total = 0.0
        for day in range(days):
            visits = tuple(customer for customer, chosen in enumerate(choice) if day in chosen)
            if visits not in memory:
                memory[visits] = tour(cost, visits)
            total += memory[visits]
        best = min(best, total)
    return best


@pytest.mark.parametrize("seed", range(6))
def test_small_weeks_are_as_cheap_as_any(seed: int):
    rng = np.random.default_rng(seed)
    cost = rng.uniform(1, 9, (7, 7))
    np.fill_diagonal(cost, 0)
    sets = [[[0], [1], [2]], [[0, 2], [1, 2]], [[0, 1, 2]]]
    patterns = [sets[kind] for kind in rng.integers(0, 3, 6)]

    plan = solve_periodic(cost, np.zeros(6), np.ones(6), patterns, days=3, vehicles=1, seed=seed, rounds=4000)

    assert plan.cost == pytest.approx(cheapest(cost, patterns, 3))
    assert plan.missing == ()


def check(plan, instance) -> None:
    """What must hold of any plan: sets of days, loads, lengths, vehicles, and the cost as summed up anew."""
    days: list[set[int]] = [set() for _ in instance.load]
    total, depot = 0.0, len(instance.load)
    for day, routes in enumerate(plan.routes):
        assert len(routes) <= instance.vehicles
        for route in routes:
            way = [depot, *route, depot]
            driven = instance.cost[way[:-1], way[1:]].sum()
            assert instance.load[route].sum() <= instance.capacity + 1e-6
            assert driven + instance.service[route].sum() <= instance.longest + 1e-6
            total += driven
            for customer in route:
                assert day not in days[customer]
                days[customer].add(day)
    assert all(
        sorted(each) in [sorted(one) for one in sets] for each, sets in zip(days, instance.patterns, strict=True)
    )
    assert plan.cost == pytest.approx(total)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the shared routing data")
@pytest.mark.parametrize("name", ["p01", "p07"])
def test_published_instances_come_close_to_the_best_known_and_break_no_rule(name: str):
    instance = read_instance(FOLDER / "pvrp" / name)

    plan = solve_periodic(**vars(instance), seed=1, rounds=20_000)

    check(plan, instance)
    assert plan.cost <= 1.03 * best_known(FOLDER)[name]


def searched(month: Month, start: Calendar, *, within: float) -> tuple[Calendar, float]:
    """The best calendar of some rounds, and its cost."""
    now, kept, best = (periodic._copy(start, month, 4) for _ in range(3))
    return best, search(month, now, kept, best, 500, 1.0, 0.01, 6.0, within, new_state(1))


def test_rounds_that_keep_to_a_day_better_routes_and_leave_every_customer_its_days():
    rng = np.random.default_rng(2)
    xy = rng.uniform(0, 10, (21, 2))
    cost = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    patterns = [[[0, 2], [1, 3]] if number % 2 else [[0], [1], [2], [3]] for number in range(20)]
    month = periodic._month(cost, np.zeros(20), np.ones(20), patterns, 4, 2, np.inf, np.inf)
    elsewhere = month._replace(drive=rng.permutation(cost))
    rough, _ = searched(elsewhere, periodic._nothing(elsewhere, 4), within=0.0)
    for route in range(8):
        periodic.refresh(month, rough, route)

    better, lowest = searched(month, rough, within=1.0)

    assert lowest < rough.sums[:, 0].sum()
    assert ((better.route_of >= 0) == (rough.route_of >= 0)).all()


def test_the_same_seed_gives_the_same_routes():
    rng = np.random.default_rng(5)
    xy = rng.uniform(0, 10, (21, 2))
    cost = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    patterns = [[[0, 2], [1, 3]] if number % 2 else [[0], [1], [2], [3]] for number in range(20)]

    one, two = (
        solve_periodic(cost, np.zeros(20), np.ones(20), patterns, days=4, vehicles=2, capacity=6, seed=3, rounds=3000)
        for _ in range(2)
    )

    assert one.routes == two.routes


def test_who_fits_nowhere_is_named():
    cost = np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])

    plan = solve_periodic(
        cost, np.zeros(2), np.array([1.0, 5.0]), [[[0]], [[0]]], days=1, vehicles=1, capacity=2, rounds=500
    )

    assert plan.missing == (1,)
