"""The front: plans that trade travel, balance and disruption, none dominated."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.adjustment import adjust
from territory.cli.words import summary
from territory.errors import DataError
from territory.files import write_proposal
from territory.fronts import AXES, proposals, spread_out, tabulate_front, today_on_the_axes, undominated
from territory.model import Portfolio, Proposal
from territory.realignment import realign
from territory.reopening import reopen
from tests.worlds import portfolio_of

POINTS = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=12)


@cache
def drifted_town() -> Portfolio:
    """160 customers of 5 reps whose territories have become unfair."""
    random = np.random.default_rng(4)
    xy = random.uniform(0, 40_000, (160, 2))
    homes = np.array([(8, 8), (32, 8), (8, 32), (32, 32), (20, 20)]) * 1000.0
    owner = ((xy[:, None] - homes[None]) ** 2).sum(axis=2).argmin(axis=1)
    customers = pd.DataFrame(
        {
            "x": xy[:, 0],
            "y": xy[:, 1],
            "potential": random.lognormal(3, 0.5, 160),
            "visits_per_year": random.choice([6.0, 12.0], 160),
            "minutes_per_visit": 30.0,
            "territory": [f"T{number + 1}" for number in owner],
        },
        index=[f"c{row}" for row in range(160)],
    )
    reps = pd.DataFrame(
        {"x": homes[:, 0], "y": homes[:, 1], "territory": [f"T{k + 1}" for k in range(5)]},
        index=[f"R{k + 1}" for k in range(5)],
    )
    return portfolio_of(customers, reps)


@cache
def front(count: int = 10, workers: int | None = None) -> list[Proposal]:
    return proposals(drifted_town(), count=count, tolerance=0.1, seed=3, workers=workers)


def on_axes(plans: list[Proposal]) -> np.ndarray:
    return tabulate_front(plans)[list(AXES)].to_numpy()


def test_no_plan_of_the_front_is_as_good_as_another_on_every_axis():
    points = on_axes(front())

    no_worse = (points[:, None] <= points[None]).all(axis=2)

    assert 3 < len(points) <= 10
    assert no_worse.sum() == len(points)  # each with itself


def test_plans_come_in_order_of_moves_each_with_a_label_of_its_own():
    table = tabulate_front(front())

    assert table["moved_customers"].is_monotonic_increasing
    assert table["label"].is_unique
    words = " ".join(table["label"])
    assert [words.count(name) for name in ("fewest moves", "least driving", "balanced choice", "fairest")] == [1] * 4


def test_the_named_plans_are_the_best_of_those_within_the_tolerance():
    table = tabulate_front(front())
    inside = table[table["deviation"] <= 0.1]

    def named(name: str) -> pd.Series:
        return table[table["label"].str.contains(name)].iloc[0]

    assert named("fewest moves")["moved_customers"] == inside["moved_customers"].min()
    assert named("least driving")["mean_km"] == inside["mean_km"].min()
    assert named("fairest")["deviation"] == table["deviation"].min()
    assert named("balanced choice")["deviation"] <= 0.1


def test_a_plan_outside_the_tolerance_says_so_in_its_label():
    table = tabulate_front(front())

    outside = table["label"].str.contains("outside the tolerance")

    assert outside.tolist() == (table["deviation"] > 0.1).tolist()


def test_no_plan_of_the_front_is_beaten_by_what_realign_finds_at_that_tolerance():
    for seed in (3, 4):
        plain = on_axes([realign(drifted_town(), tolerance=0.1, seed=seed)])
        points = on_axes(proposals(drifted_town(), count=4, tolerance=0.1, seed=seed))

        assert not ((plain <= points).all(axis=1) & (plain < points).any(axis=1)).any()


def test_the_fewest_moves_are_no_more_than_those_of_realign_with_dear_moves():
    [fewest] = [plan for plan in front() if "fewest moves" in plan.label]

    dear = realign(drifted_town(), tolerance=0.1, handover=20, seed=3)

    assert len(fewest.moves) <= len(dear.moves)


def test_those_who_wait_are_told_of_progress_that_never_goes_back():
    told: list[float] = []

    proposals(drifted_town(), count=2, tolerance=0.01, seed=3, effort=0.02, progress=lambda _, part: told.append(part))

    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_every_plan_of_the_front_is_a_proposal_in_one_piece_with_its_proof():
    for plan in front():
        assert plan.is_contiguous
        assert plan.lower_bound <= plan.objective
        assert plan.alignment.notna().all()


def test_the_front_is_the_same_for_any_number_of_workers():
    one, many = front(5, 1), front(5, 3)

    assert tabulate_front(one).equals(tabulate_front(many))
    assert [plan.alignment.tolist() for plan in one] == [plan.alignment.tolist() for plan in many]


def test_a_front_of_one_is_the_balanced_choice():
    (plan,) = front(1)

    assert "balanced choice" in plan.label


def test_today_stands_on_the_same_axes():
    today = today_on_the_axes(drifted_town())

    assert list(today) == list(AXES)
    assert today["moved_customers"] == 0
    assert today["deviation"] > 0.1


def test_territories_that_are_kept_stay_as_they_are_in_every_plan():
    plans = proposals(drifted_town(), count=3, tolerance=0.2, keep=["T5"], seed=3, travel="none", effort=0.05)

    assert plans
    assert all("T5" not in (*plan.moves["from"], *plan.moves["to"]) for plan in plans)
    assert any(len(plan.moves) for plan in plans)


def test_a_search_that_keeps_a_territory_begins_with_the_plan_it_is_given():
    asked = {"tolerance": 0.05, "keep": ["T5"], "seed": 3, "travel": "none"}
    good = realign(drifted_town(), **asked)

    begun = realign(drifted_town(), **asked, begin=good.alignment, effort=0.01)

    assert begun.objective < realign(drifted_town(), **asked, effort=0.01).objective
    assert begun.objective == pytest.approx(good.objective, rel=0.02)


def test_a_tolerance_so_wide_that_it_asks_for_nothing_moves_hardly_anybody():
    plans = proposals(drifted_town(), count=2, tolerance=50.0)

    assert len(plans[0].moves) <= 1  # who stands cut off from the rest of the territory


def test_no_plans_at_all_cannot_be_asked_for():
    with pytest.raises(DataError, match="0 plans are none"):
        proposals(drifted_town(), count=0)


@settings(max_examples=100)
@given(POINTS)
def test_what_stays_is_what_nothing_else_dominates(points):
    kept = undominated(np.array(points, float))

    def dominates(one, other):
        return one != other and all(a <= b for a, b in zip(one, other, strict=True))

    assert {points[row] for row in kept} == {p for p in points if not any(dominates(other, p) for other in points)}
    assert len({points[row] for row in kept}) == len(kept)


def test_figures_that_read_the_same_are_one_plan():
    points = np.array([[10.001, 0.05, 0.1], [10.0, 0.0501, 0.1], [9.0, 0.2, 0.1]])

    assert undominated(points) == [1, 2]


def test_a_shorter_list_keeps_the_named_plans_and_spreads_over_the_others():
    line = np.array([[float(x), 10.0 - x, 0.0] for x in range(11)])

    assert spread_out(line, [3, 0], 4) == [3, 0, 10, 6]
    assert spread_out(line, [3], 1) == [3]


def test_plans_tell_of_the_tolerance_that_was_asked_whatever_was_tried():
    plans = proposals(drifted_town(), count=12, tolerance=0.004, seed=3, travel="none")

    told = [(plan, reason) for plan in plans for reason in plan.reasons if reason.where.startswith("tolerance on")]
    assert told
    for plan, reason in told:
        assert "0.4 % was asked" in reason.what.replace("0.40", "0.4")
        assert plan.max_deviation[reason.where.removeprefix("tolerance on ")] > 0.004


def test_plans_are_judged_by_the_tolerance_that_was_asked_whatever_was_tried():
    plans = proposals(drifted_town(), count=12, tolerance=0.05, seed=3, travel="none")

    off = [max(plan.max_deviation.values()) for plan in plans]
    assert min(off) < 0.025 < 0.05 < max(off)
    for plan, deviation in zip(plans, off, strict=True):
        assert plan.tolerance == {"potential": 0.05, "workload": 0.05}
        assert bool(plan.reasons) == (deviation > 0.05)
        assert plan.proven_within is None or max(plan.proven_within.values()) < 0.05
        assert not adjust(plan, lock=[plan.alignment.index[0]]).reasons or plan.reasons


def test_a_plan_of_narrower_bands_says_for_which_its_bound_was_proven(tmp_path):
    plans = proposals(drifted_town(), count=12, tolerance=0.05, seed=3, travel="none")

    narrow = [plan for plan in plans if plan.proven_within is not None]
    assert narrow
    assert all(plan.proven_within == {"potential": 0.025, "workload": 0.025} for plan in narrow)
    plan = next(plan for plan in narrow if not plan.reasons)
    assert "that is within ±2.5 %." in summary(plan)
    write_proposal(plan, tmp_path)
    assert reopen(tmp_path, plan.portfolio).proven_within == plan.proven_within
