"""OR-Tools goes on from a route: what comes back holds, is no worse, and is the same every time."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.routing import exact
from territory.routing.day import Asked, relaxed
from territory.routing.exact import prove
from territory.routing.plan import Objective
from territory.routing.schedule import worth_of
from territory.routing.sides import NEVER
from territory.routing.tabu import go_on_from
from territory.routing.task import Task, sides_of
from tests.bench.instances import make_hard_days
from tests.routing.oracle import random_world


def task_of(seed: int, *, objective: Objective = "value", count: int = 8, **kinds: bool) -> Task:
    """A random small day, its musts as visits of great worth."""
    world = random_world(seed, count, musts=2, **kinds)
    return relaxed(Asked.of(**world.asked, objective=objective).task())


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    objective=st.sampled_from(["value", "drive", "home"]),
    pause=st.booleans(),
    cap=st.booleans(),
)
def test_the_route_holds_and_is_no_worse_than_the_one_begun_with(
    seed: int, objective: Objective, pause: bool, cap: bool
):
    task = task_of(seed, objective=objective, pause=pause, cap=cap)
    side = sides_of(task)[0]
    begun = prove(task, budget=0).route

    found = go_on_from(task, begun, looks=2_000)

    worth, before = worth_of(side, task.worth, found), worth_of(side, task.worth, begun)
    assert len(set(found)) == len(found)
    assert pause or before is None or (worth is not None and worth >= before)


def line_task(until: int) -> Task:
    """Four visits a minute apart on a line from the start, where the day ends as well, all open until a time."""
    at = [0, 1, 2, 3, 4, 0]
    line = np.abs(np.subtract.outer(at, at)).astype(np.int64)
    return Task(
        drive=line,
        reach=line,
        cost=line,
        service=np.zeros(6, np.int64),
        worth=np.zeros(6, np.int64),
        window_of=np.arange(7),
        opens=np.zeros(6, np.int64),
        closes=np.array([0, until, until, until, until, 100]),
        must=np.array([False, True, True, True, True, False]),
        horizon=100,
        most_drive=int(NEVER),
    )


def test_a_long_way_round_is_straightened():
    task = line_task(until=100)

    found = go_on_from(task, [3, 1, 4, 2])

    assert sum(task.drive[a, b] for a, b in pairwise([0, *found, 5])) == 8


def test_a_route_that_comes_too_late_stays_as_it_is():
    assert go_on_from(line_task(until=4), [3, 1, 4, 2]) == [3, 1, 4, 2]


def test_a_visit_is_made_in_the_window_that_is_left():
    task = task_of(5, count=1)
    opens, closes = np.array([0, 0, 9000, 0]), np.array([18000, 1, 9100, 18000])
    task = replace(task, window_of=np.array([0, 1, 3, 4]), opens=opens, closes=closes, horizon=18000)

    found = go_on_from(replace(task, worth=np.array([0, 10**9, 0])), [])

    assert found == [1]


def test_what_resists_the_proof_is_better_for_it(monkeypatch: pytest.MonkeyPatch):
    _, asked = next(day for day in make_hard_days((120,), 7) if day[0] == "120 loose appointments drive")
    task = relaxed(Asked.of(**asked, max_drive=None).task())

    better = prove(task, budget=20_000_000)
    again = prove(task, budget=20_000_000)
    monkeypatch.setattr(exact, "go_on_from", lambda _, route, **__: route)
    without = prove(task, budget=20_000_000)

    assert better == again
    assert better.worth > without.worth
