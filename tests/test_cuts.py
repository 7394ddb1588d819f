"""The bound that knows that territories are in one piece, against every plan there is."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory import alignment
from territory.alignment import Limits, align_units, cuts
from territory.alignment.pieces import pieces
from territory.alignment.programme import Programme, Relaxation
from tests.test_alignment import country


@pytest.fixture(autouse=True)
def any_gap_is_worth_it(monkeypatch):
    monkeypatch.setattr(cuts, "WORTH", 0.0)


def judged(xy, measures, count, tolerance, **asked):
    """What `raised` is asked about the plan of these customers: its task, labels, prices and bound."""
    noted = []

    def note(*question):
        noted.append(question)
        return question[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alignment, "raised", note)
        align_units(xy, measures, np.ones(count), tolerance, seed=1, **asked)
    return noted[0]


def plans_of(task):
    return product(range(task.count), repeat=len(task.units.mass))


def least_at(task, centres, plans):
    """What the cheapest of these plans costs at these centres, of all that are in their bands and in one piece each."""
    units, count = task.units, task.count
    away = ((units.xy[:, None] - centres) ** 2).sum(axis=2) * units.mass[:, None]
    moved = (units.start[:, None] >= 0) & (units.start[:, None] != np.arange(count))
    cost = away + moved * units.handover[:, None]
    best = np.inf
    for plan in plans:
        label = np.array(plan)
        total = cost[np.arange(len(label)), label].sum()
        if total < best and task.overrun(label) == 0 and len(set(plan)) == count:
            best = total if pieces(units, label)[0].max() == count - 1 else best
    return best + units.scatter


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 3), tolerance=st.sampled_from([0.1, 0.3]), today=st.booleans())
def test_no_plan_at_the_same_centres_costs_less_than_the_raised_bound(seed, count, tolerance, today):
    xy, measures = country(11 if count == 2 else 9, seed)
    asked = {"start": np.arange(len(xy)) % count, "handover": np.full(len(xy), 3e7)} if today else {}
    task, label, price, bound = judged(xy, measures, count, tolerance, **asked)

    higher = cuts.raised(task, label, price, bound)

    assert higher >= bound
    assert higher <= least_at(task, task.centres(label), plans_of(task)) * (1 + 1e-9)


def test_the_bound_grows_where_balance_would_tear_territories_apart():
    xy, measures = country(120, seed=0)

    task, label, price, bound = judged(xy, measures, 4, 0.02)
    higher = cuts.raised(task, label, price, bound)

    assert bound * 1.01 < higher <= task.objective(label)


def test_large_units_are_not_halved_to_balance(monkeypatch):
    xy, measures = country(60, seed=5)
    measures[[7, 30]] *= 12.0
    task, label, price, bound = judged(xy, measures, 4, 0.1)

    higher = cuts.raised(task, label, price, bound)

    monkeypatch.setattr(cuts, "STEPS", 0)
    assert cuts.raised(task, label, price, bound) * 1.03 < higher <= task.objective(label)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), unit=st.integers(0, 8), territory=st.integers(0, 1), is_there=st.booleans())
def test_no_plan_with_a_unit_where_it_is_fixed_costs_less_than_what_the_programme_proves(
    seed, unit, territory, is_there
):
    task, label, _, bound = judged(*country(9, seed), 2, 0.3)
    programme = Programme(Relaxation.at(task, label), np.zeros(0, np.int64), np.array([unit]))

    programme.fix(((unit, territory, is_there),))

    plans = (plan for plan in plans_of(task) if (plan[unit] == territory) == is_there)
    assert programme.solved(0.0) <= least_at(task, task.centres(label), plans) * (1 + 1e-9)
    programme.fix(())
    assert max(programme.solved(0.0) for _ in range(9)) == pytest.approx(bound, rel=1e-3)


def test_a_plan_carries_the_raised_bound():
    xy, measures = country(200, seed=4)
    task, label, price, bound = judged(xy, measures, 6, 0.03)

    plan = align_units(xy, measures, np.ones(6), 0.03, seed=1)

    higher = cuts.raised(task, label, price, bound) * task.units.metres**2
    assert plan.lower_bound == pytest.approx(higher)
    assert plan.gap == pytest.approx(plan.objective / higher - 1)


def test_a_plan_made_in_haste_keeps_the_bound_of_the_prices(monkeypatch):
    asked = []
    monkeypatch.setattr(alignment, "raised", lambda *question: asked.append(question))

    align_units(*country(60, seed=4), np.ones(3), 0.1, effort=0.5)

    assert asked == []


def test_where_pieces_are_allowed_or_there_are_too_many_units_the_bound_stays(monkeypatch):
    xy, measures = country(200, seed=4)
    task, label, price, bound = judged(xy, measures, 6, 0.03)

    assert cuts.raised(replace(task, loose=np.arange(6) == 2), label, price, bound) == bound
    monkeypatch.setattr(cuts, "LARGEST", 199)
    assert cuts.raised(task, label, price, bound) == bound


def test_units_that_may_not_be_everywhere_are_bounded_where_they_may_be():
    xy, measures = country(9, seed=2)
    allowed = np.ones((9, 2), bool)
    allowed[0, 1] = allowed[4, 0] = False
    task, label, price, bound = judged(xy, measures, 2, 0.5, limits=Limits(allowed=allowed))

    assert bound <= cuts.raised(task, label, price, bound) <= task.objective(label) * (1 + 1e-9)
