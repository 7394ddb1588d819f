"""Proposals: few moves, with names, reasons and prices; the answer to everything that cannot be met."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.adjustment import adjust
from territory.errors import DataError, InfeasibleError
from territory.files import read_portfolio
from territory.land import Land
from territory.measures import max_deviation
from territory.model import Portfolio
from territory.neighbours import count_pieces
from territory.outcome import cost_of_tolerance, mean_km
from territory.realignment import align, explain_moves, realign
from tests.worlds import line_of_customers, portfolio_of

IOWA = Path(__file__).parents[2] / "shared" / "data" / "iowa"


def given_territories(portfolio: Portfolio, territories: list[str | None]) -> Portfolio:
    owner = pd.Series(territories, index=portfolio.customers.index, dtype="str")
    return replace(portfolio, customers=portfolio.customers.assign(territory=owner))


def town(count: int, seed: int, territories: int = 3) -> Portfolio:
    """Customers scattered over 30 km, cut into vertical strips of equal width: unfair by chance."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 30_000, count)
    strip = np.minimum((x / 30_000 * territories).astype(int), territories - 1)
    customers = pd.DataFrame(
        {
            "x": np.round(x, 3),
            "y": np.round(rng.uniform(0, 20_000, count), 3),
            "potential": rng.lognormal(5, 0.5, count),
            "visits_per_year": rng.integers(2, 20, count).astype(float),
            "minutes_per_visit": 30.0,
            "territory": [f"T{s + 1}" for s in strip],
        },
        index=pd.Index([f"c{n}" for n in range(count)], name="customer_id"),
    )
    return portfolio_of(customers)


def test_a_vacant_territory_is_shared_out_among_its_neighbours():
    line = line_of_customers(9, reps=3)

    proposal = realign(line.without_rep("R02"), tolerance=0.2, seed=1)

    assert (
        proposal.alignment.tolist() == ["T1"] * 5 + ["T3"] * 4 or proposal.alignment.tolist() == ["T1"] * 4 + ["T3"] * 5
    )
    assert set(proposal.moves["reason"]) == {"its territory has no rep"}


@pytest.mark.parametrize("known", [9, 4])
def test_a_search_may_begin_with_a_plan_that_names_a_vacant_territory_or_not_everybody(known):
    line = line_of_customers(9, reps=3)
    vacant = line.without_rep("R02")

    begun = realign(vacant, tolerance=0.2, seed=1, begin=line.alignment.iloc[:known], effort=0.1)

    assert begun.alignment.equals(realign(vacant, tolerance=0.2, seed=1, effort=0.1).alignment)


def test_a_fair_alignment_is_left_alone():
    proposal = realign(line_of_customers(12, reps=3), tolerance=0.05, seed=1)

    assert proposal.moves.empty
    assert list(proposal.moves.columns) == ["customer_id", "from", "to", "reason", "price", "runner_up"]
    assert proposal.max_deviation == {"potential": 0, "workload": pytest.approx(0, abs=0.05)}


def test_an_overloaded_territory_gives_to_the_one_that_lacks_and_says_why():
    line = given_territories(line_of_customers(8, reps=2), ["T1"] * 6 + ["T2"] * 2)

    proposal = realign(line, tolerance=0.05, seed=1, travel="none")

    assert proposal.alignment.tolist() == ["T1"] * 4 + ["T2"] * 4
    assert proposal.moves["customer_id"].tolist() == ["5", "6"]
    assert proposal.moves["from"].tolist() == ["T1", "T1"]
    assert proposal.moves["to"].tolist() == ["T2", "T2"]
    assert proposal.moves["runner_up"].tolist() == ["T1", "T1"]
    assert "T1 is 50 % over its share of potential" in proposal.moves["reason"][0]
    assert "T2 is 50 % under its share of potential" in proposal.moves["reason"][0]


def test_a_chain_of_territories_passes_customers_on():
    line = given_territories(line_of_customers(12, reps=3), ["T1"] * 6 + ["T2"] * 4 + ["T3"] * 2)

    proposal = realign(line, tolerance=0.05, seed=1, travel="none")

    assert proposal.alignment.tolist() == ["T1"] * 4 + ["T2"] * 4 + ["T3"] * 4
    passed = proposal.moves.set_index("customer_id").loc["9", "reason"]
    assert passed.startswith("T2 takes from its other neighbours and passes on")


def test_the_reasons_of_moves_are_told_as_figures_too_for_those_who_speak_another_language():
    line = given_territories(line_of_customers(12, reps=3), ["T1"] * 6 + ["T2"] * 4 + ["T3"] * 2)
    proposal = realign(line, tolerance=0.05, seed=1, travel="none")

    told = explain_moves(proposal)

    assert told.index.tolist() == proposal.moves["customer_id"].tolist()
    assert set(told["kind"]) == {"balance"}
    assert (told.loc["5", "over_measure"], told.loc["5", "over"]) == ("potential", pytest.approx(0.5))
    assert (told.loc["9", "under_measure"], told.loc["9", "under"]) == ("potential", pytest.approx(0.5))
    assert pd.isna(told.loc["9", "over"])
    price = proposal.moves.set_index("customer_id")["price"]
    assert (told["balance"] + told["distance"]).tolist() == pytest.approx(price.tolist(), abs=1e-3)


def test_a_move_from_a_territory_without_a_rep_says_so_as_a_figure_and_one_by_hand_too():
    line = given_territories(line_of_customers(6, reps=2), ["T1"] * 3 + ["T2"] * 3).without_rep("R02")
    proposal = realign(line, tolerance=0.5, seed=1, travel="none")
    by_hand = adjust(realign(line_of_customers(6, reps=2), tolerance=0.5, seed=1, travel="none"), move={"3": "T2"})

    assert set(explain_moves(proposal)["kind"]) == {"vacant"}
    assert explain_moves(by_hand)["kind"].tolist() == ["by_hand"]
    assert explain_moves(by_hand).drop(columns="kind").isna().all(axis=None)


def test_a_locked_customer_does_not_move():
    line = given_territories(line_of_customers(8, reps=2), ["T1"] * 6 + ["T2"] * 2)
    line = replace(line, customers=line.customers.assign(locked=line.customers.index == "6"))

    proposal = realign(line, tolerance=0.05, seed=1, travel="none")

    assert proposal.alignment["6"] == "T1"


def test_a_half_time_rep_gets_half_as_much():
    line = line_of_customers(9, reps=2)
    line = replace(line, reps=line.reps.assign(share=[1.0, 0.5]))

    proposal = realign(line, tolerance=0.05, seed=1, travel="none")

    assert proposal.alignment.value_counts().to_dict() == {"T1": 6, "T2": 3}


def test_few_moves_are_kept_to_at_the_cost_of_balance_and_it_is_said():
    line = given_territories(line_of_customers(20, reps=2), ["T1"] * 16 + ["T2"] * 4)

    proposal = realign(line, tolerance=0.05, max_moved=0.15, seed=1, travel="none")

    assert len(proposal.moves) == 3
    assert [problem.where for problem in proposal.reasons] == ["max_moved"]
    assert "Allow 30 %" in proposal.reasons[0].fix


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_with_few_moves_is_no_farther_from_fair_than_today(seed):
    fair = realign(town(120, seed), tolerance=0.05, seed=1, travel="none").accept()

    proposal = realign(fair, tolerance=0.003, max_moved=0.02, seed=1, travel="none")

    worst = [max(max_deviation(table).values()) for table in (proposal.before, proposal.after)]
    assert worst[1] <= worst[0] + 1e-9
    assert len(proposal.moves) <= 2


def test_without_a_move_allowed_only_what_is_in_pieces_moves():
    line = given_territories(line_of_customers(20, reps=2), ["T1"] * 5 + ["T2"] + ["T1"] * 10 + ["T2"] * 4)

    proposal = realign(line, tolerance=0.05, max_moved=0.0, seed=1, travel="none")

    assert proposal.moves["customer_id"].tolist() == ["6"]
    assert "Allow 5 %" in proposal.reasons[-1].fix


def test_a_cap_on_moves_that_is_broken_to_mend_a_territory_is_told():
    line = given_territories(line_of_customers(20, reps=2), ["T1"] * 5 + ["T2"] + ["T1"] * 5 + ["T2"] * 9)

    proposal = realign(line, tolerance=0.2, max_taken=0.0, seed=1, travel="none")

    [told] = [problem for problem in proposal.reasons if problem.where == "max_taken"]
    assert told.what == "moves into T1 in the best plan found: 1; allowed: 0."


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"keep": ["T1", "T2"]}, "every territory is kept"),
        ({"focus": ["T1"], "keep": ["T1"]}, "every territory in focus is kept"),
    ],
)
def test_a_redrawing_of_nothing_is_refused(asked, what):
    with pytest.raises(DataError, match=what):
        realign(line_of_customers(6, reps=2), **asked)


def test_territories_left_outside_the_tolerance_because_one_is_kept_are_told():
    line = given_territories(line_of_customers(20, reps=4), ["T1"] * 8 + ["T2"] * 4 + ["T3"] * 4 + ["T4"] * 4)

    proposal = realign(line, tolerance=0.1, keep=["T1"], seed=1, travel="none")

    [told] = [problem for problem in proposal.reasons if problem.where == "keep"]
    assert "T1, T2, T3, T4" in told.what


def test_weights_that_are_all_zero_are_refused():
    line = line_of_customers(6, reps=2).with_rules(weights={"potential": 0.0, "workload": 0.0})

    with pytest.raises(DataError, match="every measure weighs 0"):
        realign(line, tolerance=0.1, seed=1)


def test_enough_moves_allowed_change_nothing():
    line = given_territories(line_of_customers(20, reps=2), ["T1"] * 16 + ["T2"] * 4)

    proposal = realign(line, tolerance=0.05, max_moved=0.3, seed=1, travel="none")

    assert len(proposal.moves) == 6
    assert not proposal.reasons


def test_territories_from_scratch_keep_the_names_they_share_most_with():
    line = given_territories(line_of_customers(12, reps=3), ["T3"] * 4 + ["T1"] * 4 + ["T2"] * 4)

    proposal = align(line, territories=3, tolerance=0.05, seed=1, travel="none")

    assert proposal.alignment.tolist() == ["T3"] * 4 + ["T1"] * 4 + ["T2"] * 4
    assert proposal.moves.empty


def test_from_scratch_a_half_time_rep_s_name_goes_to_the_half_share():
    line = line_of_customers(10, reps=3)
    line = replace(line, reps=line.reps.assign(share=[1.0, 0.5, 1.0]))

    proposal = align(line, territories=3, tolerance=0.05, seed=1, travel="none")

    assert proposal.max_deviation == {"potential": pytest.approx(0), "workload": pytest.approx(0)}
    assert (proposal.alignment == "T2").sum() == 2


def test_more_or_fewer_territories_than_reps_are_measured_against_equal_shares():
    line = line_of_customers(12, reps=3)

    for count in (2, 4):
        proposal = align(line, territories=count, tolerance=0.05, seed=1, travel="none")

        assert len(proposal.after) == count
        assert proposal.max_deviation == {"potential": pytest.approx(0), "workload": pytest.approx(0)}


def test_without_an_alignment_today_each_territory_is_named_after_the_rep_who_lives_there():
    line = given_territories(line_of_customers(12, reps=3), [None] * 12)
    line = replace(line, reps=line.reps.assign(territory=["T3", "T1", "T2"]))

    proposal = align(line, territories=3, tolerance=0.05, seed=1, travel="none")

    assert proposal.alignment.tolist() == ["T3"] * 4 + ["T1"] * 4 + ["T2"] * 4


def test_new_territories_are_numbered_from_west_to_east():
    line = given_territories(line_of_customers(12, reps=1), [None] * 12)
    line = replace(line, reps=line.reps.iloc[:0])

    proposal = align(line, territories=3, tolerance=0.05, seed=1, travel="none")

    assert proposal.alignment.tolist() == ["T1"] * 4 + ["T2"] * 4 + ["T3"] * 4
    assert proposal.before is None


def test_a_giant_is_named_and_the_rest_still_shared_out():
    line = line_of_customers(12, reps=3)
    potential = line.customers["potential"].where(line.customers.index != "5", 2000.0)
    line = replace(line, customers=line.customers.assign(potential=potential))

    proposal = realign(line, tolerance=0.05, seed=1)

    assert "customer '5' alone holds" in proposal.reasons[0].what
    assert proposal.reasons[0].where == "potential"
    assert proposal.reasons[0].zh.startswith("潜力：客户“5”一家就占总量的 65 %，")
    assert proposal.alignment.notna().all()


def test_fewer_customers_than_territories_are_refused():
    with pytest.raises(InfeasibleError, match="at most 4"):
        align(line_of_customers(4, reps=2), territories=5)


def test_no_customers_at_all_are_refused():
    line = line_of_customers(4, reps=2)
    empty = replace(line, customers=line.customers.iloc[:0])

    with pytest.raises(DataError, match="no customer has a usable place"):
        align(empty, territories=2)


def test_realigning_without_an_alignment_points_to_align():
    line = given_territories(line_of_customers(4, reps=2), [None] * 4)

    with pytest.raises(DataError, match="Use align instead"):
        realign(line)


@pytest.mark.parametrize(
    "tolerance", [0, -0.1, float("nan"), {"potential": 0.1}, {"potential": 0.1, "workload": 0.1, "sales": 1}]
)
def test_a_tolerance_that_means_nothing_is_refused(tolerance):
    with pytest.raises(DataError, match="tolerance"):
        realign(line_of_customers(4, reps=2), tolerance=tolerance)


def test_progress_is_told_from_shape_to_proof():
    told = []

    realign(line_of_customers(40, reps=4), seed=1, progress=lambda stage, part: told.append((stage, part)))

    assert told[0][0] == "shape"
    assert told[-1] == ("proof", 1.0)
    assert all(0 <= part <= 1 for _, part in told)


@settings(max_examples=10)
@given(st.integers(40, 150), st.integers(0, 1000))
def test_every_customer_is_in_one_connected_territory(count, seed):
    portfolio = town(count, seed)

    proposal = realign(portfolio, tolerance=0.15, seed=seed, effort=0.3)

    assert proposal.alignment.index.equals(portfolio.customers.index)
    assert proposal.alignment.isin(["T1", "T2", "T3"]).all()
    assert (count_pieces(portfolio.xy, proposal.alignment) == 1).all()
    assert proposal.is_contiguous
    met = all(value <= 0.15 + 1e-9 for value in proposal.max_deviation.values())
    assert met == (not proposal.reasons)
    assert proposal.lower_bound <= proposal.objective * (1 + 1e-12)
    moved = portfolio.alignment != proposal.alignment
    assert proposal.moves["customer_id"].tolist() == moved.index[moved].tolist()


@settings(max_examples=5)
@given(st.integers(0, 1000))
def test_other_names_for_the_territories_change_no_border(seed):
    portfolio = town(80, seed)
    renamed = given_territories(portfolio, [f"Z{name[1:]}" for name in portfolio.alignment])

    plain = realign(portfolio, tolerance=0.15, seed=3, effort=0.3)
    other = realign(renamed, tolerance=0.15, seed=3, effort=0.3)

    assert [name[1:] for name in plain.alignment] == [name[1:] for name in other.alignment]


@settings(max_examples=5)
@given(st.integers(0, 1000))
def test_shuffled_rows_change_no_territory(seed):
    portfolio = town(80, seed)
    order = np.random.default_rng(seed).permutation(80)
    shuffled = replace(portfolio, customers=portfolio.customers.iloc[order])

    plain = realign(portfolio, tolerance=0.15, seed=3, effort=0.3)
    other = realign(shuffled, tolerance=0.15, seed=3, effort=0.3)

    assert other.alignment.reindex(plain.alignment.index).tolist() == plain.alignment.tolist()


@pytest.mark.skipif(not IOWA.exists(), reason="the Iowa customers are not here")
def test_iowa_is_within_five_percent_on_both_measures_and_in_one_piece_each():
    portfolio = read_portfolio(IOWA / "customers.csv", IOWA / "reps.csv")

    proposal = realign(portfolio, tolerance=0.05, seed=7)

    assert max(proposal.max_deviation.values()) <= 0.05
    assert proposal.is_contiguous
    assert not proposal.reasons
    assert len(proposal.moves) / len(portfolio.customers) < 0.45


def test_a_tolerance_that_is_missed_says_what_each_costs():
    town = line_of_customers(9, reps=3)

    missed = realign(town.without_rep("R02"), tolerance=0.01, seed=1)
    met = realign(town, tolerance=0.2, seed=1)

    assert missed.trade_off["potential"].is_monotonic_increasing
    assert missed.trade_off["extra"].is_monotonic_decreasing
    assert cost_of_tolerance(missed).en.startswith("With these centres a tolerance costs, in distance and moves,")
    assert met.trade_off is None
    assert cost_of_tolerance(met) is None


def test_a_compact_plan_moves_more_customers_for_shorter_ways():
    today = town(150, seed=3)

    as_usual, compact, sparing = (
        realign(today.with_rules(compactness=weight), tolerance=0.2, seed=1, effort=0.3) for weight in (1, 20, 0.05)
    )

    assert len(sparing.moves) <= len(as_usual.moves) < len(compact.moves)
    assert mean_km(compact.after) < mean_km(as_usual.after) <= mean_km(sparing.after)


def test_minutes_are_the_kilometres_at_the_speed_of_the_rules():
    slow = town(60, seed=2).with_rules(speed_kmh=30, detour_factor=1.5)

    proposal = realign(slow, tolerance=0.1, seed=1)

    told = explain_moves(proposal)
    nearer = told["nearer_km"].notna()
    assert nearer.any()
    assert told["minutes"][nearer].tolist() == pytest.approx((told["nearer_km"][nearer] * 3).tolist())
    said = proposal.moves.set_index("customer_id")["reason"]
    assert said[told.index[told["minutes"] >= 1]].str.endswith("min more a way").all()
    assert said[told.index[nearer]].str.contains(" km nearer to the middle;").all()


def quarters_with_scattered_skills(seed: int) -> Portfolio:
    """200 customers in four quarters, of whom twelve all over the place need what T1's rep alone knows; T1 stays."""
    random = np.random.default_rng(seed)
    x, y = random.uniform(0, 40_000, (2, 200))
    owner = (x >= 20_000) + 2 * (y >= 20_000)
    customers = pd.DataFrame(
        {
            "x": x,
            "y": y,
            "potential": random.lognormal(0, 0.5, 200),
            "visits_per_year": 10.0,
            "minutes_per_visit": 30.0,
            "territory": [f"T{each + 1}" for each in owner],
            "skills": ["cold" if row % 16 == 0 else None for row in range(200)],
            "locked": owner == 0,
        },
        index=pd.Index([str(row) for row in range(200)], name="customer_id"),
    )
    names = ["T1", "T2", "T3", "T4"]
    reps = {"x": 0.0, "y": 0.0, "territory": names, "skills": ["cold", None, None, None]}
    return portfolio_of(customers, pd.DataFrame(reps, index=pd.Index(["R1", "R2", "R3", "R4"], name="rep_id")))


@pytest.mark.parametrize("tolerance", [0.1, 0.3])
def test_who_can_be_served_far_away_alone_does_not_draw_others_there(tolerance):
    town = quarters_with_scattered_skills(0)

    plan = realign(town, tolerance=tolerance, seed=1, travel="none")

    assert max(plan.max_deviation.values()) <= tolerance
    assert (plan.alignment[town.customers["skills"].eq("cold")] == "T1").all()


def test_customers_at_one_place_are_balanced_too():
    town = line_of_customers(12, reps=2, spacing=0.0)
    town = replace(town, customers=town.customers.assign(territory=["T1"] * 9 + ["T2"] * 3))

    plan = realign(town, tolerance=0.1, seed=1)

    assert not plan.reasons
    assert plan.alignment.value_counts().to_dict() == {"T1": 6, "T2": 6}


def test_few_may_move_also_where_a_customer_has_no_territory_yet():
    line = given_territories(line_of_customers(6, reps=0), ["T1"] * 4 + ["T2", None])

    proposal = realign(line, tolerance=0.05, max_moved=0.0, seed=1, travel="none")

    assert proposal.moves.empty
    assert proposal.alignment.iloc[-1] == "T2"
    assert proposal.reasons[0].where == "max_moved"


def test_a_plan_that_keeps_everything_with_few_moves_is_not_blamed_for_their_fewness():
    line = given_territories(line_of_customers(12, reps=0), ["T1"] * 8 + ["T2"] * 4).with_rules(max_customers=7)
    without = realign(line, tolerance=0.2, handover=0.0, seed=1, travel="none")

    proposal = realign(line, tolerance=0.2, max_moved=0.1, handover=0.0, seed=1, travel="none")

    assert len(without.moves) == 2
    assert (len(proposal.moves), proposal.reasons) == (1, ())


def test_work_that_a_territory_lacks_is_told_beside_a_limit_on_its_hours():
    line = line_of_customers(6, reps=2)
    customers = line.customers.assign(
        territory=["T1"] * 4 + ["T2"] * 2, visits_per_year=[10.0] * 4 + [30.0] * 2, minutes_per_visit=30.0
    )
    hours = line.reps.assign(capacity_hours_per_week=[0.57, 40.0])
    portfolio = replace(line, customers=customers, reps=hours).with_rules(max_capacity_use=1.0)

    proposal = realign(portfolio, tolerance={"potential": 2.0, "workload": 0.1}, seed=1, travel="none")

    assert proposal.max_deviation["workload"] > 0.1
    assert any(problem.where == "tolerance on workload" for problem in proposal.reasons)


def test_what_has_no_customers_cannot_be_redrawn_alone():
    line = line_of_customers(6, reps=3)
    line = given_territories(line, ["T1"] * 3 + ["T2"] * 3)

    with pytest.raises(DataError, match="no customers in what is to be redrawn: T3"):
        realign(line, focus=["T3"], travel="none")


def test_territories_on_both_banks_of_a_river_are_cut_anew():
    square = pd.DataFrame(
        [(x, y, "T1" if y < 2 else "T2") for x in range(8) for y in range(4)], columns=["x", "y", "territory"]
    )
    square[["x", "y"]] *= 1000.0
    measured = square.assign(potential=10.0, visits_per_year=10.0, minutes_per_visit=30.0)
    river = Land(barriers=np.array([shapely.LineString([(3500, -9000), (3500, 9000)])]))
    portfolio = replace(portfolio_of(measured.rename_axis("customer_id").set_axis(measured.index.map(str))), land=river)

    proposal = realign(portfolio, tolerance=0.05, seed=1, travel="none")

    assert proposal.reasons == ()
    assert proposal.after["pieces"].tolist() == [1, 1]


@pytest.fixture(scope="module")
def narrow_way():
    """A square cut into 60, 30 and 10 customers, where the small one grows through a few places only."""
    rng = np.random.default_rng(42)
    xy = np.array([(x, y) for x in range(10) for y in range(10)], float)
    potential = np.round(rng.lognormal(3, 0.7, 100), 1) + 1
    visits, minutes = rng.integers(2, 26, 100), rng.choice([20, 30, 45], 100)
    seats = xy[rng.choice(100, 3, replace=False)]
    nearest = ((xy[:, None] - seats) ** 2).sum(axis=2).argmin(axis=1)
    customers = pd.DataFrame(
        {
            "x": xy[:, 0] * 7443,
            "y": xy[:, 1] * 11120,
            "potential": potential,
            "visits_per_year": visits.astype(float),
            "minutes_per_visit": minutes.astype(float),
            "territory": [f"T{seat + 1}" for seat in nearest],
        },
        index=pd.Index([f"c{n}" for n in range(100)], name="customer_id"),
    )
    return portfolio_of(customers)


@pytest.mark.parametrize("limit", ["max_given", "max_taken", "max_radius_km"])
def test_a_limit_that_a_plan_without_it_keeps_costs_no_balance(narrow_way, limit):
    free = realign(narrow_way, tolerance=0.1, seed=1, travel="none")
    held = narrow_way.alignment.value_counts()
    seat = pd.Index(free.basis.territories).get_indexer(free.alignment)
    farthest = np.hypot(*(narrow_way.xy - free.basis.centres[seat]).T).max() / 1000

    if limit == "max_radius_km":
        proposal = realign(narrow_way.with_rules(max_radius_km=farthest * 1.001), tolerance=0.1, seed=1, travel="none")
    else:
        made = free.moves["from" if limit == "max_given" else "to"].value_counts().reindex(held.index, fill_value=0)
        proposal = realign(narrow_way, tolerance=0.1, seed=1, travel="none", **{limit: (made / held).to_dict()})

    assert free.reasons == proposal.reasons == ()


def test_a_territory_is_founded_within_what_others_may_give():
    line = line_of_customers(12, reps=3)
    line = given_territories(line, ["T1"] * 2 + ["T2"] * 10)

    proposal = realign(line, tolerance=0.6, max_given=0.5, seed=1, travel="none")

    assert proposal.reasons == ()
    assert (proposal.moves["from"] == "T2").sum() <= 5
    assert set(proposal.alignment) == {"T1", "T2", "T3"}


def test_moves_of_a_group_that_is_torn_today_prove_nothing():
    line = given_territories(line_of_customers(8, reps=2), ["T1"] * 5 + ["T2"] * 3)
    grouped = replace(line, customers=line.customers.assign(group=[None] * 3 + ["g", None, "g"] + [None] * 2))

    proposal = realign(grouped, tolerance=0.01, max_given=0.2, seed=1, travel="none")

    assert not any("how many may move" in problem.what for problem in proposal.reasons)


def test_a_lock_on_a_customer_whose_rep_lacks_the_skill_is_blamed():
    line = line_of_customers(8, reps=2)
    skilled = line.reps.assign(skills=["", "food"])
    customers = line.customers.assign(skills=["food"] + [None] * 7, locked=[True] + [False] * 7)

    proposal = realign(replace(line, customers=customers, reps=skilled), tolerance=0.3, seed=1, travel="none")

    [told] = [problem for problem in proposal.reasons if problem.where == "skills"]
    assert "locked there" in told.what
    assert told.fix.startswith("Unlock")


@pytest.mark.parametrize("asked", [{"seed": -1}, {"seed": 1.5}, {"effort": 0.0}, {"effort": float("nan")}])
def test_a_seed_or_an_effort_that_cannot_be_is_refused(asked):
    [name] = asked
    portfolio = line_of_customers(6, reps=2)
    with pytest.raises(DataError, match=f"{name}: .* is no .*number"):
        realign(portfolio, **asked)
    with pytest.raises(DataError, match=f"{name}: .* is no .*number"):
        align(portfolio, territories=2, **asked)


@pytest.mark.parametrize(
    "asked",
    [{"max_moved": -1.0}, {"max_moved": np.nan}, {"max_given": {"T1": -0.1}}, {"max_taken": -0.1}, {"handover": -5}],
)
def test_parts_and_prices_below_nothing_are_refused(asked):
    with pytest.raises(DataError, match="no number from 0 up"):
        realign(line_of_customers(6, reps=2), travel="none", **asked)


def test_limits_on_customers_that_a_plan_without_them_keeps_cost_no_balance():
    east, north, west = (-13.07, 33.068), (-23.303, 51.628), (-61.973, 65.491)
    rows = [
        (east, 17.3, 10, 20, "T2"),
        (north, 14.2, 21, 30, "T3"),
        (north, 16.5, 3, 20, "T3"),
        (east, 41.3, 9, 30, "T2"),
        (east, 15.3, 19, 30, "T2"),
        (north, 11.8, 17, 30, "T3"),
        (west, 35.1, 15, 45, "T1"),
        (west, 54.8, 13, 45, "T1"),
        (west, 16.3, 5, 20, "T1"),
        (west, 26.8, 21, 45, "T1"),
        (east, 8.6, 4, 45, "T2"),
    ]
    measured = ["potential", "visits_per_year", "minutes_per_visit", "territory"]
    customers = pd.DataFrame([row[1:] for row in rows], columns=measured).assign(
        x=[1000 * row[0][0] for row in rows], y=[1000 * row[0][1] for row in rows]
    )
    customers = customers.astype(dict.fromkeys(measured[1:3], float)).set_axis([f"C{n:04d}" for n in range(len(rows))])
    locked = [n == 5 for n in range(len(rows))]
    portfolio = portfolio_of(customers.assign(locked=locked).rename_axis("customer_id"))

    for asked in (portfolio, portfolio.with_rules(min_customers=2, max_customers=5)):
        proposal = realign(asked, tolerance=0.1, seed=7, travel="none")

        assert proposal.reasons == ()
        assert proposal.after["customers"].between(2, 5).all()
