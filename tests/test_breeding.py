"""Plans bred from plans: territories searched anew, children of two plans, and the best bettered until the end."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory import alignment
from territory.alignment import Limits, align_units, breeding, engine
from territory.alignment.annealing import Reheating
from territory.alignment.breeding import breed
from territory.alignment.pieces import pieces
from territory.alignment.units import merge_where_alike
from tests.test_alignment import country


def judged_task(xy, measures, count, tolerance, **asked):
    """What a plan is asked, and its units' labels."""
    noted = []

    def noting(task, found, *others):
        noted.append((task, found.label))
        return judge(task, found, *others)

    judge = alignment._judge
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "_judge", noting)
        align_units(xy, measures, np.ones(count), tolerance, seed=1, **asked)
    return noted[0]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), today=st.booleans())
def test_plans_cost_as_much_in_merged_units_and_what_differs_in_owner_or_freedom_is_not_merged(seed, today):
    random = np.random.default_rng(seed)
    xy, measures = country(60, seed)
    asked = {}
    if today:
        start = random.integers(0, 3, 60)
        free = random.random((60, 3)) < 0.8
        asked = {"start": start, "handover": random.uniform(0, 1e8, 60), "locked": random.random(60) < 0.1}
        asked["limits"] = Limits(allowed=free | (start[:, None] == np.arange(3)))
    task, label = judged_task(xy, measures, 3, 0.2, **asked)
    other = np.where(random.random(len(label)) < 0.1, random.integers(0, 3, len(label)), label)

    units, piece = merge_where_alike(task.units, np.array([label, other]))

    first = np.unique(piece, return_index=True)[1]
    merged = replace(task, units=units)
    for plan in (label, other):
        assert (plan[first][piece] == plan).all()
        assert merged.merit(plan[first]) == pytest.approx(task.merit(plan), abs=1e-9)
    assert (units.start[piece] == task.units.start).all()
    assert (units.movable[piece] == task.units.movable).all()
    assert not today or (units.allowed[piece] == task.units.allowed).all()


@pytest.fixture
def tries(monkeypatch):
    """What each try to better a plan began with, whose territories it was about, and what it kept."""
    seen, again = [], Reheating.again

    def watched(search, own):
        before = search.label.copy()
        again(search, own)
        seen.append((search, before, np.array(own), search.label.copy()))

    monkeypatch.setattr(Reheating, "again", watched)
    return seen


def test_two_territories_are_searched_anew_without_a_change_to_the_others(tries):
    xy, measures = country(200, seed=3)

    align_units(xy, measures, np.ones(5), 0.05, seed=1)

    pairs = [(before, own, after) for _, before, own, after in tries if len(own) == 2]
    assert any((before != after).any() for before, _, after in pairs)
    for before, own, after in pairs:
        assert set(before[before != after]) | set(after[before != after]) <= set(own)


def test_what_two_plans_agree_on_is_searched_as_one_unit(tries):
    xy, measures = country(200, seed=3)

    align_units(xy, measures, np.ones(5), 0.05, seed=1)

    crossed = [before for _, before, own, _ in tries if len(own) == 5]
    assert crossed
    assert all(len(before) < 150 for before in crossed)


@given(seed=st.integers(0, 1000), tolerance=st.sampled_from([0.03, 0.1]))
@settings(max_examples=8, deadline=None)
def test_what_is_bred_is_no_worse_than_its_parents_and_in_as_many_pieces(seed, tolerance):
    xy, measures = country(150, seed)
    noted = []

    def watched(task, plans, progress):
        noted.append((task, plans, breed(task, plans, progress)))
        return noted[-1][2]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "breed", watched)
        align_units(xy, measures, np.ones(4), tolerance, seed=seed)

    for task, plans, bred in noted:
        reached = [task.cost(plan.label, breeding.DEAR) for plan in bred]
        assert len(bred) <= len(plans)
        assert reached == sorted(set(reached))
        assert reached[0] <= min(task.cost(plan.label, breeding.DEAR) for plan in plans)
        for plan in bred:
            assert pieces(task.units, plan.label)[0].max() == task.count - 1


@pytest.fixture
def bred(monkeypatch):
    """A task, and the best of its plans that were bred."""
    noted = []

    def watched(task, plans, progress):
        noted.append((task, breed(task, plans, progress)[0]))
        return [noted[-1][1]]

    monkeypatch.setattr(engine, "breed", watched)
    xy, measures = country(200, seed=4)
    align_units(xy, measures, np.ones(6), 0.1, seed=1)
    return noted[0]


def test_a_child_has_from_each_parent_what_that_does_better(bred, monkeypatch):
    task, best = bred
    monkeypatch.setattr(breeding, "bordering", lambda units, label: np.empty((0, 2), int))
    one = poorer(task, best, among=range(6))
    moved = one.label != best.label
    others = set(range(6)) - set(one.label[moved]) - set(best.label[moved])
    other = poorer(task, best, among=others)

    better, worse = sorted([one, other], key=lambda plan: task.merit(plan.label))
    child = breeding._child(task, 1.0, (better, worse, 0))

    assert task.merit(child.label) <= task.merit(best.label)


def poorer(task, plan, among):
    """The plan with one unit at a border between two of these territories on the wrong side of it."""
    for unit, owner in product(range(len(plan.label)), among):
        label = plan.label.copy()
        label[unit] = owner
        if (
            plan.label[unit] not in among
            or task.overrun(label) > 0
            or task.objective(label) <= task.objective(plan.label)
        ):
            continue
        if pieces(task.units, label)[0].max() == task.count - 1:
            return plan._replace(label=label)
    raise AssertionError("the world has no such plan")


def test_the_last_of_those_bred_come_of_the_best_alone(bred, monkeypatch):
    task, best = bred
    couples = []

    def child(task, dear, birth):
        couples.append(birth[:2])
        return _child(task, dear, birth)

    _child = breeding._child
    monkeypatch.setattr(breeding, "_child", child)
    herd = breed(task, [best, poorer(task, best, among=range(6))], lambda stage, part: None)

    last = couples[-int(breeding.BETTERED * breeding.MOST_BRED) :]
    assert all(one is other for one, other in last)
    assert task.merit(herd[0].label) <= task.merit(best.label)


def test_a_good_plan_a_hair_outside_its_bands_is_bred_from_and_its_child_is_inside(bred):
    task, best = bred
    inside = [poorer(task, best, among=range(6))]
    narrow = replace(task, band=task.band * (np.abs(task.deviation(best.label)).max() * 0.999 / 0.1))
    far = [plan for plan in inside if narrow.overrun(plan.label) > 0] or inside

    herd = breed(narrow, [best, *far], lambda stage, part: None)

    assert 0 < narrow.overrun(best.label) < 0.01
    assert narrow.overrun(herd[0].label) == 0


def test_plans_of_a_repair_are_bred_under_the_names_that_keep_most_with_their_owners(monkeypatch):
    xy, measures = country(200, seed=4)
    today = align_units(xy, measures, np.ones(6), 0.1, seed=1).labels
    swapped, parents = np.array([1, 0, 2, 3, 4, 5]), []

    def searched(task, starts, *others, **asked):
        return [plan._replace(label=swapped[plan.label]) for plan in _searched(task, starts, *others, **asked)]

    def watched(task, plans, progress):
        parents.extend((task, plan.label) for plan in plans)
        return breed(task, plans, progress)

    _searched = engine._searched
    monkeypatch.setattr(engine, "_searched", searched)
    monkeypatch.setattr(engine, "breed", watched)
    align_units(xy, measures, np.ones(6), 0.1, seed=1, start=today, handover=np.full(200, 1e3))

    assert parents
    for task, label in parents:
        assert task.objective(label) < task.objective(swapped[label])
