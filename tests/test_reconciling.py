"""Planned workload and routed minutes agree."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from territory.demand import derive_demand
from territory.errors import DataError
from territory.model import Portfolio
from territory.reconciling import Reconciliation, driven_a_visit, reconcile
from tests.callplan.weeks import MONDAY, PLAIN, planned, ring, town

SETTINGS: dict[str, Any] = {"start": MONDAY, "seed": 1, "effort": 0.1, "workers": 1}


@cache
def far_out() -> tuple[Portfolio, Reconciliation]:
    """Twelve customers far around the home: the tour between stops is little, the way from home is everything."""
    world = town(ring(12, km=40), visits_per_year=26.0)
    return world, reconcile(world, **SETTINGS)


@cache
def one_far() -> Reconciliation:
    """Eight customers near the home, and one an hour away."""
    return reconcile(town([*ring(8, km=5), (60.0, 0.0)], visits_per_year=26.0), **SETTINGS)


def test_travel_factors_are_learnt_until_plan_and_routes_agree():
    _, found = far_out()

    assert found.is_settled
    last = found.rounds.xs(found.rounds.index.get_level_values("round").max(), level="round")
    assert (last["difference"].abs() <= 0.05).all()
    assert found.factors["R01"] != 1


def test_what_was_learnt_counts_in_the_workload_from_then_on():
    world, found = far_out()

    before, after = (derive_demand(each)["travel"] for each in (world, found.portfolio))
    np.testing.assert_allclose(after, before * found.portfolio.customers["travel_factor"])
    # Each is visited as often as any other: what was learnt of all is what was learnt of their visits.
    assert after.sum() / before.sum() == pytest.approx(found.factors["R01"], rel=0.02)


def test_who_is_far_from_the_others_learns_that_it_takes_more_driving():
    learnt = derive_demand(one_far().portfolio)["travel"]

    assert learnt["9"] == learnt.max()
    # To and fro, sixty minutes each, now and then shared with one of the ring.
    assert 26 * 60 < learnt["9"] <= 26 * 120


def test_what_was_learnt_is_where_the_next_reconciliation_begins():
    first = reconcile(one_far().portfolio, **SETTINGS, rounds=2).rounds.xs(1, level="round")

    assert (first["difference"].abs() <= 0.05).all()


def test_hours_that_cannot_hold_all_visits_say_how_many_would_be_needed():
    # Twenty weekly visits of two hours fill a week of forty hours before any driving.
    world = town(ring(20, km=10), minutes_per_visit=120.0)

    found = reconcile(world, **{**SETTINGS, "effort": 0.03}, weeks=2, rounds=2)

    row = found.rounds.iloc[-1]
    assert row["coverage"] < 1
    assert row["use_wanted"] == pytest.approx(1 + (1 - row["coverage"]), abs=0.25)
    assert row["use_wanted"] > 1.05


def test_a_territory_without_visits_has_nothing_to_learn():
    world = town(ring(3, km=5), visits_per_year=[52.0, 0.0, 0.0], territory=["T1", "T1", "T9"], reps=2)

    found = reconcile(world, **SETTINGS, rounds=2)

    assert found.rounds["difference"].notna().all()
    assert found.factors["R02"] == 1
    assert found.portfolio.customers["travel_factor"].isna().tolist() == [False, True, True]


def test_the_driving_of_a_day_is_parted_among_its_stops_and_none_is_lost():
    world = town(ring(9, km=20), visits_per_year=26.0)
    calls = planned(world)

    driven = driven_a_visit(calls, world)

    by_day = driven.groupby([calls.visits["rep_id"], calls.visits["day"]]).sum()
    told = calls.days[calls.days["visits"] > 0].set_index(["rep_id", "day"])["drive_minutes"]
    assert by_day.to_numpy() == pytest.approx(told.reindex(by_day.index).to_numpy(), abs=0.05)
    assert (driven > 0).all()


def test_who_is_near_does_not_pay_for_the_way_to_who_is_far():
    world = town([(5.0, 0.0), (60.0, 0.0), (62.0, 0.0)])
    calls = planned(world, weeks=1, fixed=[(name, MONDAY) for name in "123"])

    driven = driven_a_visit(calls, world).groupby(calls.visits["customer_id"]).sum()

    # 124 minutes of driving, all on one line: nobody but the farthest makes a detour, of 4 minutes.
    assert driven.to_dict() == pytest.approx(
        {"1": 120 * 5 / 127, "2": 120 * 60 / 127, "3": 4 + 120 * 62 / 127}, abs=0.1
    )


def test_nobody_drives_less_than_nothing_where_appointments_send_one_to_and_fro():
    world = town([(10.0, 0.0), (-10.0, 0.0), (12.0, 0.0), (-12.0, 0.0)])
    calls = planned(world, weeks=1, fixed=[(name, MONDAY, f"{7 + 2 * int(name):02}:00") for name in "1234"])

    driven = driven_a_visit(calls, world)

    assert (driven > 0).all()
    assert driven.sum() == pytest.approx(10 + 20 + 22 + 24 + 12, abs=0.1)


def test_a_rep_without_a_home_learns_from_its_stops():
    world = town(ring(4))
    homeless = replace(world, reps=world.reps.assign(geometry=None))
    calls = planned(homeless, weeks=1)

    driven = driven_a_visit(calls, homeless)

    assert driven.sum() == pytest.approx(calls.days["drive_minutes"].sum(), abs=0.1)


def test_a_factor_is_judged_on_weeks_that_it_was_not_fitted_on():
    _, found = far_out()

    starts = found.rounds["start"].tolist()
    assert starts[:2] == ["2027-03-01", "2027-03-29"]
    assert found.calls.start.isoformat() == starts[-1]


def test_territories_of_several_reps_learn_apart():
    near, far = ring(8, km=5), [(x + 90, y) for x, y in ring(8, km=5)]
    world = town([*near, *far], PLAIN, reps=2, territory=["T1"] * 8 + ["T2"] * 8, visits_per_year=26.0)

    found = reconcile(world, **SETTINGS)

    factor = found.portfolio.customers.groupby("territory")["travel_factor"].mean()
    # Both reps live at 0, 0. T2's few visits do not fill a day, and still cost a day's way there and back.
    assert factor["T2"] > factor["T1"]


def test_numbers_that_cannot_be_are_all_told():
    with pytest.raises(DataError) as error:
        reconcile(town(ring(2)), start=MONDAY, tolerance=5, rounds=1, travel="none")

    assert [problem.where for problem in error.value.problems] == ["tolerance", "rounds", "travel"]


def test_progress_is_told_over_all_rounds():
    told: list[float] = []

    reconcile(town(ring(3)), **SETTINGS, weeks=1, rounds=2, progress=lambda stage, part: told.append(part))

    assert told == [0.0, 0.5, 0.5, 1.0]
