"""The periodic solver against whole enumeration, published values and the sums of its own routes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from territory.callplan.periodic import solve_periodic
from territory.callplan.periodic.crossing import bear, begin, tours_of
from territory.callplan.periodic.draft import driven_and_excess, empty_draft
from territory.callplan.periodic.solving import _weeks
from territory.numeric import new_state
from tests.bench.periodic import best_known, read_instance
from tests.callplan.weeks import cheapest_week

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "routing"
SETS = [[[0], [1], [2]], [[0, 2], [1, 2]], [[0, 1, 2]]]


@pytest.mark.compiles(1)
@pytest.mark.parametrize("seed", range(6))
def test_small_weeks_are_as_cheap_as_any(seed: int):
    rng = np.random.default_rng(seed)
    cost = rng.uniform(1, 9, (7, 7))
    cost = cost if seed % 2 else cost + cost.T
    np.fill_diagonal(cost, 0)
    patterns = [SETS[kind] for kind in rng.integers(0, 3, 6)]

    plan = solve_periodic(cost, np.zeros(6), np.ones(6), patterns, days=3, vehicles=1, seed=seed, rounds=300)

    assert plan.cost == pytest.approx(cheapest_week(cost, patterns, 3))
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
@pytest.mark.parametrize("name", ["p01", "p02", "p07"])
def test_published_instances_come_close_to_the_best_known_and_break_no_rule(name: str):
    instance = read_instance(FOLDER / "pvrp" / name)

    plan = solve_periodic(**vars(instance), seed=1, rounds=300)

    check(plan, instance)
    assert plan.cost <= 1.03 * best_known(FOLDER)[name]


@pytest.mark.parametrize("is_symmetric", [True, False])
def test_what_moves_say_they_save_is_what_routes_cost_less(is_symmetric: bool):
    rng = np.random.default_rng(5)
    cost = rng.uniform(1, 9, (25, 25))
    cost = cost + cost.T if is_symmetric else cost
    np.fill_diagonal(cost, 0)
    patterns = [SETS[kind] for kind in rng.integers(0, 3, 24)]
    service, load = rng.uniform(0, 3, 24), rng.integers(1, 5, 24).astype(float)
    weeks = _weeks(cost, service, load, patterns, 3, 3, 15.0, 60.0)
    draft, random = empty_draft(24, 3, 3), new_state(1)
    draft.price[:] = 2.0
    tours, sizes = np.zeros((3, 24), np.int64), np.zeros(3, np.int64)

    begin(weeks, draft, random)
    tours_of(weeks, draft, tours, sizes)
    bear(weeks, draft, (tours, sizes), (tours, sizes), random)

    ways = [[24, *draft.stops[r, 1 : k + 1], 24] for r, k in enumerate(draft.length)]
    driven = [cost[way[:-1], way[1:]].sum() for way in ways]
    over = [max(load[way[1:-1]].sum() - 15, 0) for way in ways]
    long = [max(far + service[way[1:-1]].sum() - 60, 0) for far, way in zip(driven, ways, strict=True)]
    assert driven_and_excess(weeks, draft) == pytest.approx((sum(driven), sum(over), sum(long)))
    made = [{day for day in range(3) if draft.route_of[c, day] >= 0} for c in range(24)]
    assert all(sorted(days) in sets for days, sets in zip(made, patterns, strict=True))


def test_the_same_seed_gives_the_same_routes():
    rng = np.random.default_rng(5)
    xy = rng.uniform(0, 10, (21, 2))
    cost = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    patterns = [[[0, 2], [1, 3]] if number % 2 else [[0], [1], [2], [3]] for number in range(20)]

    one, two = (
        solve_periodic(cost, np.zeros(20), np.ones(20), patterns, days=4, vehicles=2, capacity=6, seed=3, rounds=150)
        for _ in range(2)
    )

    assert one.routes == two.routes


def test_who_fits_nowhere_is_named():
    cost = np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])

    plan = solve_periodic(
        cost, np.zeros(2), np.array([1.0, 5.0]), [[[0]], [[0]]], days=1, vehicles=1, capacity=2, rounds=10
    )

    assert plan.missing == (1,)
    assert plan.routes == [[[0]]]


def test_weeks_without_customers_have_no_routes():
    plan = solve_periodic(np.zeros((1, 1)), np.zeros(0), np.zeros(0), [], days=2, vehicles=1)

    assert plan.routes == [[], []]
