"""What a plan keeps to beside balance: at the algorithm, and as people ask for it."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.adjustment import adjust
from territory.alignment import Limits, align_units
from territory.errors import DataError, NotFoundError
from territory.files import read_portfolio
from territory.measures import measure
from territory.model import Portfolio
from territory.neighbours import count_pieces
from territory.realignment import align, explain_moves, realign
from tests.worlds import line_of_customers

LINE = np.column_stack([np.arange(12) * 1000.0, np.zeros(12)])
ALIKE = np.ones((12, 2))


def scattered(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.round(rng.uniform(0, 100_000, (count, 2)), 3), rng.lognormal(0, 0.5, (count, 2))


def with_column(portfolio: Portfolio, name: str, values: object) -> Portfolio:
    return replace(portfolio, customers=portfolio.customers.assign(**{name: values}))


def owned_by(portfolio: Portfolio, territories: list[str]) -> Portfolio:
    return with_column(portfolio, "territory", pd.Series(territories, index=portfolio.customers.index, dtype="str"))


def test_rows_go_only_where_they_are_allowed():
    allowed = np.ones((12, 3), bool)
    allowed[0, 1:] = False
    allowed[11] = [False, True, False]

    plan = align_units(LINE, ALIKE, np.ones(3), 0.01, seed=1, limits=Limits(allowed=allowed))

    assert plan.labels[0] == 0
    assert plan.labels[11] == 1
    assert np.bincount(plan.labels).tolist() == [4, 4, 4]
    assert (count_pieces(LINE, plan.labels) == 1).all()


def test_a_row_amid_a_territory_where_it_may_not_be_lies_apart():
    allowed = np.ones((12, 2), bool)
    allowed[2, 0] = allowed[9, 1] = False
    today = np.arange(12) // 6

    plan = align_units(
        LINE, ALIKE, np.ones(2), 0.01, seed=1, start=today, handover=np.full(12, 1e6), limits=Limits(allowed=allowed)
    )

    assert plan.labels[2] == 1
    assert plan.labels[9] == 0
    assert np.bincount(plan.labels).tolist() == [6, 6]


def test_a_row_that_is_allowed_nowhere_is_told():
    plan = align_units(LINE, ALIKE, np.ones(2), 0.1, seed=1, limits=Limits(allowed=np.arange(24).reshape(12, 2) > 1))

    assert plan.status == "infeasible"
    assert "1 customers are allowed in no territory" in plan.reasons[0].what


def test_a_group_stays_together():
    groups = np.full(12, -1)
    groups[[0, 3]] = 0

    plan = align_units(LINE, ALIKE, np.ones(3), 0.01, seed=1, limits=Limits(groups=groups))

    assert len(set(plan.labels[[0, 3]])) == 1
    assert np.bincount(plan.labels).tolist() == [4, 4, 4]


@settings(max_examples=15)
@given(st.integers(20, 90), st.integers(0, 1000))
def test_whatever_the_groups_the_objective_counts_every_row(places, seed):
    xy, measures = scattered(places, seed)
    groups = np.random.default_rng(seed).integers(-4, 3, places)

    plan = align_units(xy, measures, np.ones(3), 0.5, seed=seed, limits=Limits(groups=groups), effort=0.2)

    for group in range(3):
        assert len(set(plan.labels[groups == group])) <= 1
    mass = (measures / measures.sum(axis=0)).mean(axis=1)
    spread = (mass * ((xy - plan.centres[plan.labels]) ** 2).sum(axis=1)).sum()
    assert plan.objective == pytest.approx(spread)
    assert plan.lower_bound <= plan.objective * (1 + 1e-12)


def test_as_many_customers_as_are_asked():
    measures = np.column_stack([np.r_[np.full(6, 3.0), np.ones(6)], np.ones(12)])

    free = align_units(LINE, measures, np.ones(2), 0.9, seed=1, weights=np.array([1.0, 0.0]))
    most = align_units(LINE, measures, np.ones(2), 0.9, seed=1, limits=Limits(most_rows=np.array([6, 6])))
    least = align_units(LINE, measures, np.ones(2), 0.9, seed=1, limits=Limits(least_rows=np.array([5, 7])))

    assert free.deviation.shape == most.deviation.shape == (2, 2)
    assert np.bincount(most.labels).tolist() == [6, 6]
    assert (np.bincount(least.labels) >= [5, 7]).all()


def test_a_load_stays_below_its_cap():
    most = np.array([[np.nan, 3.0], [np.nan, np.nan]])

    plan = align_units(LINE, ALIKE, np.ones(2), 0.9, seed=1, limits=Limits(most=most))

    assert plan.loads[0, 1] <= 3.0
    assert plan.status != "infeasible"


def test_a_cap_that_cannot_be_kept_is_named():
    plan = align_units(LINE, ALIKE, np.ones(2), 0.9, seed=1, limits=Limits(most_rows=np.array([5, 5])))

    assert plan.status == "infeasible"
    assert plan.reasons[0].where == "limits on measure 3"
    assert "at most 83 %" in plan.reasons[0].what


def test_rules_that_contradict_each_other_are_named_and_no_others():
    today = np.array([0] * 8 + [1] * 4)
    locked = today == 0
    asked = {"seed": 1, "start": today, "locked": locked}

    plan = align_units(LINE, ALIKE, np.ones(2), np.array([0.1, 0.9]), **asked)

    assert [problem.where for problem in plan.reasons] == ["tolerance on measure 1", "rules"]
    assert plan.reasons[1].what.startswith("no plan can keep the locks and the tolerance on measure 1 at once;")
    assert plan.reasons[1].zh.startswith("规则：没有方案能同时满足锁定、指标 1容差；")


def test_a_band_that_the_search_misses_but_some_plan_might_keep_is_no_contradiction():
    measures = np.column_stack([np.r_[5.0, np.ones(11)], np.ones(12)])

    plan = align_units(LINE, measures, np.ones(3), 0.01, seed=1, locked=np.zeros(12, bool))

    assert plan.status == "infeasible"
    assert "rules" not in [problem.where for problem in plan.reasons]


def test_nobody_is_farther_from_a_centre_than_the_radius():
    homes = LINE[[2, 9]]

    near = align_units(LINE, ALIKE, np.ones(2), 0.9, seed=1, centres=homes, limits=Limits(radius=3500))
    far = align_units(LINE, ALIKE, np.ones(2), 0.9, seed=1, centres=homes, limits=Limits(radius=1500))

    assert np.hypot(*(LINE - homes[near.labels]).T).max() <= 3500
    assert far.status == "infeasible"
    assert "too far from the centre" in far.reasons[-1].what


def test_no_more_than_the_limit_leave_come_or_move():
    today = np.array([0] * 9 + [1] * 3)
    asked = {"seed": 1, "start": today, "handover": np.full(12, 1e3)}

    free = align_units(LINE, ALIKE, np.ones(2), 0.01, **asked)
    given_away = align_units(LINE, ALIKE, np.ones(2), 0.01, **asked, limits=Limits(most_given=np.array([2, 9])))
    taken = align_units(LINE, ALIKE, np.ones(2), 0.01, **asked, limits=Limits(most_taken=np.array([9, 1])))
    moved = align_units(LINE, ALIKE, np.ones(2), 0.01, **asked, limits=Limits(most_moved=2))

    assert (free.labels != today).sum() == 3
    assert (given_away.labels != today).sum() == 2
    assert (taken.labels != today).sum() == 1
    assert (moved.labels != today).sum() == 2


def test_a_territory_may_be_let_be_in_pieces():
    xy = np.column_stack([np.arange(9) * 1000.0, np.zeros(9)])
    today = np.array([0, 0, 0, 1, 1, 1, 0, 0, 0])
    asked = {"seed": 1, "start": today, "handover": np.full(9, 1e8)}

    strict = align_units(xy, np.ones((9, 2)), np.array([2.0, 1.0]), 0.01, **asked)
    loose = align_units(
        xy, np.ones((9, 2)), np.array([2.0, 1.0]), 0.01, **asked, limits=Limits(loose=np.array([True, False]))
    )

    assert (count_pieces(xy, strict.labels) == 1).all()
    assert loose.labels.tolist() == today.tolist()
    assert loose.pieces.tolist() == [2, 1]


def test_some_centres_hold_still_and_others_do_not():
    xy, measures = scattered(80, 3)
    centres = np.array([xy[7], [np.nan, np.nan], [np.nan, np.nan]])

    plan = align_units(xy, measures, np.ones(3), 0.3, seed=1, centres=centres)

    assert plan.centres[0] == pytest.approx(xy[7], abs=1e-3)
    mass = (measures / measures.sum(axis=0)).mean(axis=1)
    for k in (1, 2):
        own = plan.labels == k
        assert plan.centres[k] == pytest.approx(np.average(xy[own], axis=0, weights=mass[own]), abs=1e-3)


def test_a_search_that_begins_with_a_good_plan_ends_with_one():
    xy, measures = scattered(120, 5)
    today = np.arange(120) % 4
    asked = {"seed": 1, "start": today, "handover": np.full(120, 1e3)}
    good = align_units(xy, measures, np.ones(4), 0.1, **asked)

    begun = align_units(xy, measures, np.ones(4), 0.1, **asked, begin=good.labels, effort=0.05)

    assert begun.status == "gap"
    assert begun.objective <= good.objective * 1.05


def test_a_table_of_ways_counts_instead_of_straight_lines():
    homes = LINE[[0, 11]]
    metres = np.hypot(*(LINE[:, None] - homes[None]).transpose(2, 0, 1))
    across = metres[:, ::-1]  # the ways lead elsewhere than they seem to

    plan = align_units(LINE, ALIKE, np.ones(2), 0.01, seed=1, centres=homes, travel=across)

    assert plan.labels.tolist() == [1] * 6 + [0] * 6
    assert plan.objective == pytest.approx((metres[np.arange(12), 1 - plan.labels] ** 2).mean())
    assert plan.status == "optimal"


def test_what_draws_loads_to_the_middle_of_their_bands_evens_them_out():
    xy, measures = scattered(120, 5)

    lax = align_units(xy, measures, np.ones(4), 0.3, seed=1)
    drawn = align_units(xy, measures, np.ones(4), 0.3, seed=1, ideal=np.full(2, 1e11))

    assert (drawn.deviation**2).sum() < 0.2 * (lax.deviation**2).sum()
    assert drawn.lower_bound <= drawn.objective
    assert drawn.gap < 0.5


def test_a_measure_without_weight_is_balanced_but_draws_no_centre():
    xy = np.column_stack([np.arange(8) * 1000.0, np.zeros(8)])
    measures = np.column_stack([np.r_[np.ones(4), np.full(4, 3.0)], np.ones(8)])

    plan = align_units(xy, measures, np.ones(1), 0.1, seed=1, weights=np.array([0.0, 1.0]))

    assert plan.centres[0] == pytest.approx([3500, 0], abs=1e-3)


def test_customers_go_to_reps_who_have_the_skills_they_need():
    line = owned_by(line_of_customers(12, reps=3), ["T1"] * 6 + ["T2"] * 4 + ["T3"] * 2)
    needs = np.where(np.isin(line.customers.index, ["11", "12"]), "Cardio; onco", None)
    line = with_column(line, "skills", pd.Series(needs, index=line.customers.index, dtype="str"))
    line = replace(line, reps=line.reps.assign(skills=["cardio", None, "onco;cardio"]))

    proposal = realign(line, tolerance=0.05, seed=1, travel="none")

    assert proposal.alignment[["11", "12"]].tolist() == ["T3", "T3"]
    assert not proposal.reasons


def test_a_customer_whose_rep_lacks_the_skills_moves_for_that_and_only_to_who_has_them():
    line = owned_by(line_of_customers(12, reps=3), ["T1"] * 4 + ["T2"] * 4 + ["T3"] * 4)
    needs = np.where(line.customers.index == "8", "onco", None)
    line = with_column(line, "skills", pd.Series(needs, index=line.customers.index, dtype="str"))
    line = replace(line, reps=line.reps.assign(skills=["onco", None, "onco"]))

    proposal = realign(line, tolerance=0.3, seed=1, travel="none")

    [move] = proposal.moves.to_dict("records")
    assert (move["customer_id"], move["to"], move["runner_up"]) == ("8", "T3", "T1")
    assert move["reason"] == "its territory's rep lacks the skills it needs"
    assert explain_moves(proposal)["kind"].tolist() == ["skills"]


def test_a_need_that_no_rep_can_meet_is_told():
    line = line_of_customers(6, reps=2)
    needs = pd.Series([None] * 5 + ["diving"], index=line.customers.index, dtype="str")

    proposal = realign(with_column(line, "skills", needs), tolerance=0.05, seed=1, travel="none")

    assert [problem.where for problem in proposal.reasons] == ["skills"]
    assert "'6' needs: diving" in proposal.reasons[0].what


def test_groups_of_customers_change_territory_together():
    line = owned_by(line_of_customers(12, reps=2), ["T1"] * 8 + ["T2"] * 4)
    chain = pd.Series(np.where(np.isin(line.customers.index, ["7", "8"]), "chain", None), line.customers.index)

    proposal = realign(with_column(line, "group", chain.astype("str")), tolerance=0.05, seed=1, travel="none")

    assert proposal.alignment[["7", "8"]].tolist() == ["T2", "T2"]
    assert proposal.is_contiguous


def test_customers_of_one_group_that_lie_apart_are_one_piece():
    line = owned_by(line_of_customers(9, reps=3), ["T1"] * 2 + ["T2"] * 2 + ["T1"] + ["T2"] + ["T3"] * 3)
    group = pd.Series(np.where(np.isin(line.customers.index, ["1", "5"]), "chain", None), line.customers.index)

    measured = measure(with_column(line, "group", group.astype("str")))

    assert measured["pieces"].tolist() == [1, 2, 1]


def test_a_group_that_is_locked_apart_is_refused():
    line = line_of_customers(6, reps=2)
    line = with_column(with_column(line, "group", "chain"), "locked", np.isin(line.customers.index, ["1", "6"]))

    with pytest.raises(DataError, match="locked to T1 and T2 at once"):
        realign(line, tolerance=0.05)


def test_only_the_focus_is_redrawn():
    line = owned_by(line_of_customers(12, reps=4), ["T1"] * 5 + ["T2"] + ["T3"] * 5 + ["T4"])

    proposal = realign(line, tolerance=0.05, focus=["T1", "T2"], seed=1, travel="none")

    assert proposal.alignment.tolist() == ["T1"] * 3 + ["T2"] * 3 + ["T3"] * 5 + ["T4"]
    assert realign(line, tolerance=0.05, keep=["T3", "T4"], seed=1, travel="none").alignment.equals(proposal.alignment)


def test_what_is_asked_of_territories_that_do_not_exist_is_refused():
    with pytest.raises(NotFoundError, match="'T9' is not a territory"):
        realign(line_of_customers(6, reps=2), focus=["T9"])


def test_territories_lie_around_their_homes_when_homes_are_the_centres():
    line = owned_by(line_of_customers(12, reps=2), ["T1"] * 3 + ["T2"] * 9)

    proposal = realign(line, tolerance=0.05, centres="homes", handover=0, seed=1, travel="none")

    assert proposal.alignment.tolist() == ["T1"] * 6 + ["T2"] * 6
    assert proposal.basis.centres[0] == pytest.approx([2500, 0], abs=1)


def test_the_rules_limit_how_many_customers_a_territory_has():
    line = owned_by(line_of_customers(12, reps=2), ["T1"] * 8 + ["T2"] * 4).with_rules(max_customers=7)

    proposal = realign(line, tolerance=0.5, handover=100, seed=1, travel="none")

    assert proposal.alignment.value_counts().to_dict() == {"T1": 7, "T2": 5}


def test_any_number_column_can_be_balanced_too():
    line = owned_by(line_of_customers(12, reps=2), ["T1"] * 6 + ["T2"] * 6)
    line = with_column(line, "beds", [1.0] * 6 + [1.0] * 3 + [5.0] * 3)

    wide = {"potential": 0.7, "workload": 0.7, "beds": 0.2}
    proposal = realign(line, tolerance=wide, seed=1, travel="none")

    assert proposal.max_deviation["beds"] <= 0.2
    assert proposal.after["beds"].sum() == 24
    with pytest.raises(DataError, match="'bed' is not a measure or a number column"):
        realign(line, tolerance={"potential": 0.5, "workload": 0.5, "bed": 0.2})


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".geojson"])
def test_a_number_column_of_a_file_can_be_balanced_too(tmp_path, ending):
    table = pd.DataFrame(
        {
            "customer_id": [f"{number:03}" for number in range(12)],
            "lon": 2.0 + np.arange(12) / 100,
            "lat": 48.0,
            "potential": 100.0,
            "visits_per_year": 10,
            "minutes_per_visit": 30,
            "territory": ["T1"] * 6 + ["T2"] * 6,
            "beds": [1] * 9 + [5] * 3,
        }
    )
    if ending == ".csv":
        table.to_csv(tmp_path / "c.csv", index=False)
    elif ending == ".xlsx":
        table.to_excel(tmp_path / "c.xlsx", index=False)
    else:
        places = gpd.points_from_xy(table["lon"], table["lat"], crs="EPSG:4326")
        gpd.GeoDataFrame(table, geometry=places).to_file(tmp_path / "c.geojson")
    read = read_portfolio(tmp_path / f"c{ending}")

    wide = read.with_rules(tolerance={"potential": 0.7, "workload": 0.7, "beds": 0.2})
    proposal = realign(wide, seed=1, travel="none")

    assert proposal.max_deviation["beds"] <= 0.2
    assert proposal.after["beds"].sum() == 24
    assert read.scaled("beds", 2.0).customers["beds"].sum() == 48


def test_a_cell_of_a_measure_that_says_no_number_is_told():
    line = owned_by(line_of_customers(12, reps=2), ["T1"] * 6 + ["T2"] * 6)
    beds = pd.Series(["4"] * 11 + ["many"], index=line.customers.index, dtype="str")

    with pytest.raises(DataError, match="1 customers have no value from 0 up, '12' first"):
        realign(with_column(line, "beds", beds), tolerance={"potential": 0.5, "workload": 0.5, "beds": 0.2})


def test_a_limit_that_no_tolerance_helps_with_has_no_price_by_tolerance():
    line = line_of_customers(12, reps=3).with_rules(min_customers=5)

    proposal = realign(line, tolerance=0.05, seed=1, travel="none")

    assert proposal.reasons
    assert proposal.trade_off is None


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ({"min_customers": 5}, "3 territories x 5 = 15 customers; there are 12."),
        ({"max_customers": 3}, "3 territories x 3 = 9 customers; there are 12."),
    ],
)
def test_a_limit_on_customers_that_cannot_be_is_told_with_the_sum(limit, told):
    proposal = realign(line_of_customers(12, reps=3).with_rules(**limit), tolerance=0.05, seed=1, travel="none")

    [problem] = [problem for problem in proposal.reasons if problem.where == next(iter(limit))]
    assert problem.what == told


def test_customers_at_one_place_have_no_price_by_tolerance():
    line = line_of_customers(12, reps=2, spacing=0.0)

    proposal = realign(owned_by(line, ["T1"] * 9 + ["T2"] * 3), tolerance=0.05, seed=1, travel="none")

    assert proposal.trade_off is None


def test_a_territory_gives_no_more_of_its_customers_than_allowed():
    line = owned_by(line_of_customers(20, reps=2), ["T1"] * 16 + ["T2"] * 4)

    proposal = realign(line, tolerance=0.05, max_given={"T1": 0.2}, seed=1, travel="none")

    assert len(proposal.moves) == 3
    assert proposal.reasons


def test_open_deals_are_dear_to_hand_over():
    line = owned_by(line_of_customers(9, reps=3), ["T1"] * 3 + ["T2"] * 3 + ["T3"] * 3)
    dear = with_column(line, "open_deals", np.where(line.customers.index == "4", 90.0, np.nan))

    plain, priced = (realign(portfolio, tolerance=0.05, seed=1).basis.handover for portfolio in (line, dear))

    assert priced[3] == pytest.approx(plain[3] * 1.9)
    assert priced[4] == plain[4]


def test_groups_stay_together_from_scratch_too():
    line = with_column(line_of_customers(12, reps=3), "group", ["a"] * 4 + ["b"] * 4 + ["c"] * 4)

    proposal = align(line, territories=3, tolerance=0.05, seed=1, travel="none")

    assert proposal.alignment.groupby(line.customers["group"]).nunique().eq(1).all()


def test_a_hand_is_told_which_limits_it_breaks():
    line = line_of_customers(12, reps=2).with_rules(max_customers=6, min_customers=6, max_radius_km=4)
    line = with_column(line, "group", pd.Series(["g", "g", *[None] * 10], line.customers.index, dtype="str"))
    line = with_column(line, "skills", pd.Series(["ski", *[None] * 11], line.customers.index, dtype="str"))
    line = replace(line, reps=line.reps.assign(skills=["ski", None]))
    proposal = realign(line, tolerance=0.05, seed=1, travel="none")

    adjusted = adjust(proposal, move={"1": "T2"})

    told = {problem.where: problem.what for problem in adjusted.reasons}
    assert not proposal.reasons
    assert told["T1, customers"] == "it has 5; 6 is the least allowed."
    assert told["T2, customers"] == "it has 7; 6 is the most allowed."
    assert told["radius"].startswith("'1' lies more than 4 km")
    assert told["skills"] == "the reps of '1' lack the skills that are needed."
    assert told["group 'g'"] == "its customers are in several territories."
