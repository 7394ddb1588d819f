"""Planned workload and routed minutes agree."""

from __future__ import annotations

import numpy as np
import pytest

from territory.demand import derive_demand
from territory.errors import DataError
from territory.reconciling import reconcile
from tests.callplan.weeks import MONDAY, PLAIN, ring, town

SETTINGS = {"start": MONDAY, "seed": 1, "effort": 0.1, "workers": 1}


def test_travel_factors_are_learnt_until_plan_and_routes_agree():
    # Everyone lives in one place far out: the tour between stops is nothing, the way from home is everything.
    world = town(ring(12, km=40), visits_per_year=26.0)

    found = reconcile(world, **SETTINGS)

    assert found.is_settled
    last = found.rounds.xs(found.rounds.index.get_level_values("round").max(), level="round")
    assert (last["difference"].abs() <= 0.05).all()
    assert found.factors["R01"] != 1


def test_what_was_learnt_counts_in_the_workload_from_then_on():
    world = town(ring(12, km=40), visits_per_year=26.0)

    found = reconcile(world, **SETTINGS)

    before, after = (derive_demand(each)["travel"] for each in (world, found.portfolio))
    np.testing.assert_allclose(after, before * found.factors["R01"])


def test_a_factor_is_judged_on_weeks_that_it_was_not_fitted_on():
    found = reconcile(town(ring(12, km=40), visits_per_year=26.0), **SETTINGS)

    starts = found.rounds["start"].tolist()
    assert starts[:2] == ["2027-03-01", "2027-03-29"]
    assert found.calls.start.isoformat() == starts[-1]


def test_territories_of_several_reps_learn_apart():
    near, far = ring(8, km=5), [(x + 90, y) for x, y in ring(8, km=5)]
    world = town([*near, *far], PLAIN, reps=2, territory=["T1"] * 8 + ["T2"] * 8, visits_per_year=26.0)

    found = reconcile(world, **SETTINGS)

    factor = found.portfolio.customers.groupby("territory")["travel_factor"].first()
    # Both reps live at 0, 0. T2's few visits do not fill a day, and still cost a day's way there and back.
    assert factor["T2"] > factor["T1"]


def test_numbers_that_cannot_be_are_all_told():
    with pytest.raises(DataError) as error:
        reconcile(town(ring(2)), start=MONDAY, tolerance=5, rounds=1, travel="none")

    assert [problem.where for problem in error.value.problems] == ["tolerance", "rounds", "travel"]
