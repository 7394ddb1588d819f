"""The proof and its parts against every order there is: bounds are above, routes hold, the best is found."""

from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.routing import check_day, solve_team
from territory.routing.columns import Priced, generate
from territory.routing.day import Asked
from territory.routing.exact import prove
from territory.routing.outlook import outlook_of
from territory.routing.prices import prices_for
from territory.routing.ruin import improve
from territory.routing.schedule import worth_of
from territory.routing.sides import NEVER
from territory.routing.task import Task, close_triangles, sides_of, tightened
from tests.routing.oracle import random_world


def tour_task(seed: int, visits: int = 6, width: int = 60, *, musts: int = 6) -> Task:
    """Visits with windows around the times of some tour; legs that a detour may undercut, all times whole."""
    rng = np.random.default_rng(seed)
    drive = rng.integers(5, 60, (visits + 2, visits + 2))
    np.fill_diagonal(drive, 0)
    tour = [0, *(1 + rng.permutation(visits)), visits + 1]
    reached = np.cumsum([0, *(drive[a, b] for a, b in pairwise(tour))])
    at = np.empty(visits + 2, np.int64)
    at[tour] = reached
    horizon = int(reached[-1]) + width
    opens = np.maximum(at - rng.integers(0, width, visits + 2), 0)
    closes = np.minimum(at + rng.integers(0, width, visits + 2), horizon)
    opens[[0, -1]], closes[[0, -1]] = 0, horizon
    reach = drive.copy()
    reach[1:, 0] = reach[-1, :-1] = horizon + 1
    close_triangles(reach)
    service = np.zeros(visits + 2, np.int64)
    windows = tightened(reach, service, np.arange(visits + 3), opens, closes, horizon)
    must = np.zeros(visits + 2, bool)
    must[tour[1 : musts + 1]] = True
    worth = np.zeros(visits + 2, np.int64) if musts == visits else rng.integers(0, 80, visits + 2)
    worth[[0, -1]] = 0
    return Task(drive, reach, drive, service, worth, *windows, must, horizon, most_drive=int(NEVER))


def best_by_trying(task: Task) -> int:
    """The worth of the best route among all orders of all subsets that hold the musts."""
    visits = range(1, task.visits + 1)
    musts = set(np.flatnonzero(task.must).tolist())
    best = -NEVER
    for count in range(len(musts), task.visits + 1):
        for order in permutations(visits, count):
            if musts <= set(order):
                best = max(best, _worth_in_order(task, order))
    return int(best)


def _worth_in_order(task: Task, order: tuple[int, ...]) -> int:
    time, place, worth = 0, 0, 0
    for stop in (*order, task.visits + 1):
        time += int(task.service[place] + task.drive[place, stop])
        window = task.window_of[stop]
        time = max(time, int(task.opens[window]))
        if time > task.closes[window]:
            return -int(NEVER)
        worth += int(task.worth[stop] - task.cost[place, stop])
        place = stop
    return worth


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), musts=st.sampled_from([0, 2, 4, 6]), width=st.sampled_from([20, 60, 400]))
def test_the_best_order_is_found_even_where_a_detour_is_shorter_than_the_leg(seed: int, musts: int, width: int):
    task = tour_task(seed, width=width, musts=musts)

    proof = prove(task, budget=10_000_000)

    assert proof.is_proven
    assert proof.worth == best_by_trying(task)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), musts=st.sampled_from([0, 6]), finer=st.sampled_from([1, 3]))
def test_the_outlook_never_promises_too_little(seed: int, musts: int, finer: int):
    task = tour_task(seed, width=100, musts=musts)
    side = sides_of(task)[0]

    price = prices_for(task, side, 0, 20)
    bound = outlook_of(side, task.worth - price, finer).best[1, 0, 0] + price.sum()

    assert bound >= best_by_trying(task)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), musts=st.sampled_from([0, 2, 6]), width=st.sampled_from([60, 400]))
def test_routes_taken_in_parts_are_worth_no_less_than_the_best(seed: int, musts: int, width: int):
    task = tour_task(seed, width=width, musts=musts)
    task = replace(task, worth=task.worth * 1000, cost=task.cost * 1000)
    best = best_by_trying(task)

    priced = priced_from(task, some_route(task), known=-int(NEVER))

    assert priced.bound >= best
    assert all(worth <= best for worth in priced.routes.values() if not musts)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), musts=st.sampled_from([0, 2, 6]), width=st.sampled_from([60, 400]))
def test_legs_of_routes_that_are_better_than_those_known_are_never_sifted_away(seed: int, musts: int, width: int):
    task = tour_task(seed, width=width, musts=musts)
    task = replace(task, worth=task.worth * 1000, cost=task.cost * 1000)
    best = prove(task, budget=10**7)

    priced = priced_from(task, some_route(task), known=best.worth - 1)

    is_left = all(priced.legs[leg] for leg in pairwise([0, *best.route]))
    assert is_left or best.worth in priced.routes.values()
    assert priced.bound >= best.worth or best.worth in priced.routes.values()


def some_route(task: Task) -> tuple[int, ...]:
    """A route with every must, as it comes."""
    return prove(task, budget=0).route or prove(task, budget=10**7).route


def priced_from(task: Task, route: tuple[int, ...], known: int) -> Priced:
    """Prices of a day from nothing but a route."""
    none = np.zeros(task.visits + 2, np.int64)
    return generate(task, sides_of(task), 1, none, [route], known=known, near_enough=0, budget=10**7)


def test_a_bound_is_there_before_the_search_for_it_has_ended():
    task = tour_task(1, 12, width=400, musts=0)
    none = np.zeros(14, np.int64)

    priced = generate(task, sides_of(task), 2, none, [], known=0, near_enough=0, budget=0)

    assert prove(task, budget=10**7).worth <= priced.bound < NEVER


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), vehicles=st.integers(1, 3))
def test_bettered_routes_hold_and_share_no_visit(seed: int, vehicles: int):
    task = tour_task(seed, 9, musts=0)

    routes, worth = improve(sides_of(task)[0], task.worth, task.must, [[]] * vehicles, budget=20_000, seed=seed)

    made = [place for route in routes for place in route]
    assert len(set(made)) == len(made)
    assert worth == sum(_worth_in_order(task, tuple(route)) for route in routes)
    assert worth >= -vehicles * int(task.cost[0, -1])


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), objective=st.sampled_from(["value", "drive", "home"]))
def test_bettered_routes_keep_the_pause_and_the_limit_on_driving(seed: int, objective: str):
    world = random_world(seed, 9, musts=seed % 3, pause=True, cap=seed % 2 == 0, is_wide=seed % 5 == 0)
    task = Asked.of(**world.asked, objective=objective).task()
    side, start = sides_of(task)[0], prove(task, budget=0)
    if start.worth is None:
        return

    routes, worth = improve(side, task.worth + 10**9 * task.must, task.must, [start.route], budget=20_000, seed=seed)

    assert worth - 10**9 * task.must.sum() == worth_of(side, task.worth, routes[0]) >= start.worth


def test_an_interrupted_proof_keeps_a_bound_above_its_route():
    task = tour_task(3, 14, width=2000, musts=14)

    proof = prove(task, budget=1000)

    assert not proof.is_proven
    assert proof.bound >= proof.worth


def test_a_team_shares_visits_out_under_a_bound():
    world = random_world(5, 12)
    asked = {name: getattr(world, name) for name in ("matrix", "service", "windows", "prizes", "shift")}

    team = solve_team(**asked, vehicles=2, effort=0.02)
    alone = solve_team(**asked, vehicles=1, effort=0.02)

    made = [visit for day in team.days for visit in day.order.tolist()]
    assert len(set(made)) == len(made)
    assert team.prize == pytest.approx(world.prizes[made].sum())
    assert alone.prize <= team.prize <= team.bound <= world.prizes.sum()
    assert all(check_day(day, **asked) == [] for day in team.days)
