"""The manager's hand: what a move or a lock changes at once, what is told, and what is refused."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.adjustment import BY_HAND, adjust
from territory.errors import DataError, NotFoundError, Problem
from territory.measures import demand_of, measure
from territory.model import Portfolio, Proposal
from territory.realignment import align, realign
from tests.worlds import line_of_customers, portfolio_of


def fair_line(count: int = 12, reps: int = 3) -> Proposal:
    """Customers "1" to "12" on a line, four a territory, T1 to T3 from the left; nobody moves."""
    return realign(line_of_customers(count, reps=reps), tolerance=0.05, seed=1, travel="none")


def town(count: int, seed: int, reps: int = 4) -> Portfolio:
    """Customers scattered over 30 km, some at one address, in strips of equal width, each with a rep in its middle."""
    rng = np.random.default_rng(seed)
    xy = np.round(rng.uniform(0, 30_000, (count, 2)), 3)
    xy[1::10] = xy[::10][: len(xy[1::10])]
    strip = np.minimum(xy[:, 0] * reps // 30_000, reps - 1).astype(int)
    customers = pd.DataFrame(
        {
            "x": xy[:, 0],
            "y": xy[:, 1],
            "potential": rng.lognormal(5, 0.5, count),
            "visits_per_year": rng.integers(2, 20, count).astype(float),
            "minutes_per_visit": 30.0,
            "territory": [f"T{s + 1}" for s in strip],
        },
        index=pd.Index([f"c{n}" for n in range(count)], name="customer_id"),
    )
    homes = pd.DataFrame(
        {
            "x": (np.arange(reps) + 0.5) * 30_000 / reps,
            "y": 15_000.0,
            "territory": [f"T{r + 1}" for r in range(reps)],
            "capacity_hours_per_week": 20.0,
        },
        index=pd.Index([f"R{r + 1}" for r in range(reps)], name="rep_id"),
    )
    return portfolio_of(customers, homes)


def locked(portfolio: Portfolio, *names: str) -> Portfolio:
    return replace(portfolio, customers=portfolio.customers.assign(locked=portfolio.customers.index.isin(names)))


def told(proposal: Proposal) -> dict[str, str]:
    return {problem.where: problem.what for problem in proposal.reasons}


def test_a_customer_goes_where_the_manager_puts_it_and_the_measures_follow():
    fair = fair_line()

    adjusted = adjust(fair, move={"4": "T2"})

    assert adjusted.alignment.tolist() == ["T1"] * 3 + ["T2"] * 5 + ["T3"] * 4
    assert adjusted.after["customers"].tolist() == [3, 5, 4]
    assert adjusted.max_deviation == {"potential": pytest.approx(0.25), "workload": pytest.approx(0.25)}


def test_a_move_by_hand_is_listed_with_its_price_and_runner_up():
    adjusted = adjust(fair_line(), move={"4": "T2"})

    row = adjusted.moves.iloc[0]

    assert row[["customer_id", "from", "to", "reason", "runner_up"]].tolist() == ["4", "T1", "T2", BY_HAND, "T1"]
    # 1.5 km from T1's centre and 2.5 km from T2's; the mean squared distance of the plan is 1.25 km2.
    assert row["price"] == pytest.approx((1.5**2 - 2.5**2) / 12 / 1.25 * 100, abs=1e-3)


def test_the_old_proposal_stands_so_that_keeping_it_is_the_undo():
    fair = fair_line()

    adjust(fair, move={"4": "T2"}, lock=["1"])

    assert fair.alignment.tolist() == ["T1"] * 4 + ["T2"] * 4 + ["T3"] * 4
    assert fair.after["customers"].tolist() == [4, 4, 4]
    assert fair.moves.empty
    assert not fair.reasons
    assert not fair.locks


def test_moving_a_customer_back_leaves_nothing_behind():
    fair = fair_line()

    back = adjust(adjust(fair, move={"4": "T2"}), move={"4": "T1"})

    pd.testing.assert_frame_equal(back.after, fair.after)
    assert back.moves.empty
    assert not back.reasons
    assert (back.objective, back.lower_bound, back.gap) == pytest.approx((fair.objective, fair.lower_bound, fair.gap))


def test_what_falls_out_of_tolerance_is_told_with_how_much_to_move():
    adjusted = adjust(fair_line(), move={"4": "T2"})

    assert told(adjusted) == {
        "T1, potential": "it holds 25 % less than its share; 5 % is allowed.",
        "T2, potential": "it holds 25 % more than its share; 5 % is allowed.",
        "T1, workload": "it holds 25 % less than its share; 5 % is allowed.",
        "T2, workload": "it holds 25 % more than its share; 5 % is allowed.",
    }
    assert adjusted.reasons[0].fix == "Move 80.0 of potential or more into it."
    assert adjusted.reasons[3].fix == "Move 4.0 hours of workload a year or more out of it."


def test_a_move_that_cuts_a_territory_in_pieces_is_made_and_told():
    adjusted = adjust(fair_line(), move={"2": "T3", "11": "T1"})

    assert not adjusted.is_contiguous
    assert told(adjusted) == {
        "T1, pieces": "it is in 3 pieces: '1' and '11' are cut off.",
        "T3, pieces": "it is in 3 pieces: '2' and '12' are cut off.",
    }
    # "1" borders only "2", which is T3's; "11" stands among T3's.
    assert adjusted.reasons[0].fix == "Move them to T3, or move in who lies between."


def test_customers_cut_off_go_on_in_number_after_the_third():
    adjusted = adjust(fair_line(16, reps=2), move={"5": "T2"})

    wider = adjust(adjusted, move={"9": "T1"})

    assert told(adjusted)["T1, pieces"] == "it is in 2 pieces: '6', '7' and '8' are cut off."
    assert told(wider)["T1, pieces"] == "it is in 2 pieces: '6', '7', '8' and 1 more are cut off."


def test_a_territory_over_its_rep_s_hours_is_told():
    line = line_of_customers(12, reps=3)
    line = replace(line, reps=line.reps.assign(capacity_hours_per_week=0.45))
    fair = realign(line, tolerance=0.5, seed=1, travel="none")

    adjusted = adjust(fair, move={"4": "T2"})

    # 5 customers x 10 visits x 30 minutes = 25 hours, of 46 weeks x 0.45 hours = 20.7.
    assert told(adjusted) == {"T2, capacity": "it needs 121 % of its rep's hours."}
    assert adjusted.reasons[0].fix.startswith("Move 4.3 hours of workload a year or more out of it")


def test_a_territory_just_outside_its_band_is_told_apart_from_its_limit():
    line = line_of_customers(12, reps=3)
    potential = line.customers["potential"].where(line.customers.index != "1", 121.301)
    line = replace(line, customers=line.customers.assign(potential=potential))
    fair = replace(fair_line(), portfolio=line)

    # 421.301 of 1221.301, of which a third is 407.100: 3.4882 % too much.
    adjusted = adjust(replace(fair, tolerance={"potential": 0.03488, "workload": 0.05}))

    assert told(adjusted) == {"T1, potential": "it holds 3.4882 % more than its share; 3.4880 % is allowed."}
    assert adjusted.reasons[0].fix == "Move 0.1 of potential or more out of it."


def test_a_customer_locked_by_hand_stays_until_it_is_unlocked():
    held = adjust(fair_line(), move={"4": "T2"}, lock=["4"])

    with pytest.raises(DataError, match=r"customer '4': it is locked to T2 .* unlock=\['4'\]"):
        adjust(held, move={"4": "T3"})
    freed = adjust(held, move={"4": "T3"}, unlock="4")

    assert held.locks == {"4": "T2"}
    assert freed.alignment["4"] == "T3"
    assert not freed.locks


def test_a_customer_that_the_portfolio_locks_stays_as_well():
    fair = realign(locked(line_of_customers(12, reps=3), "4"), tolerance=0.05, seed=1, travel="none")

    with pytest.raises(DataError, match="locked to T1"):
        adjust(fair, move={"4": "T2"})

    assert adjust(fair, move={"4": "T2"}, unlock=["4"]).alignment["4"] == "T2"
    assert adjust(fair, move={"4": "T1"}).moves.empty


def test_every_locked_customer_that_would_move_is_named_at_once():
    held = adjust(fair_line(), lock=["4", "5"])

    with pytest.raises(DataError) as refused:
        adjust(held, move={"4": "T2", "5": "T1", "6": "T1"})

    assert [problem.where for problem in refused.value.problems] == ["customer '4'", "customer '5'"]


def test_without_the_check_a_lock_gives_way_and_it_is_told():
    held = adjust(fair_line(), lock=["4"])

    adjusted = adjust(held, move={"4": "T2"}, check=False)

    assert adjusted.alignment["4"] == "T2"
    assert told(adjusted)["T1, locks"] == "'4' is locked to it and elsewhere."


def test_a_lock_that_a_plan_from_scratch_has_broken_is_told_and_can_be_mended():
    line = line_of_customers(12, reps=3)
    stray = line.customers["territory"].where(line.customers.index != "1", "T3")
    line = locked(replace(line, customers=line.customers.assign(territory=stray)), "1")
    plan = align(line, territories=3, tolerance=0.05, seed=1, travel="none")

    looked_at = adjust(plan)
    mended = adjust(looked_at, move={"1": "T3"})

    assert told(looked_at) == {"T3, locks": "'1' is locked to it and elsewhere."}
    assert "T3, locks" not in told(mended)


def test_an_accepted_proposal_keeps_the_locks_of_the_hand():
    line = locked(line_of_customers(12, reps=3), "1", "2")
    fair = realign(line, tolerance=0.05, seed=1, travel="none")

    after = adjust(fair, move={"4": "T2"}, lock=["4"], unlock=["2"]).accept()

    assert after.customers.index[after.customers["locked"]].tolist() == ["1", "4"]
    assert after.alignment["4"] == "T2"


def test_unknown_names_are_refused_together_with_near_matches():
    line = line_of_customers(12, reps=3)
    line = replace(line, customers=line.customers.rename(index=lambda name: name.zfill(4)))
    fair = realign(line, tolerance=0.05, seed=1, travel="none")

    with pytest.raises(NotFoundError) as refused:
        adjust(fair, move={"7": "T2", "0001": "North"}, lock=["no such"], unlock=["0o12"])

    said = [str(problem) for problem in refused.value.problems]
    assert said[0] == "customer: '7' is not a customer. Perhaps 0007?"
    assert said[1] == "customer: 'no such' is not a customer."
    assert said[2].startswith("customer: '0o12' is not a customer. Perhaps 0012")
    assert said[3] == "territory: 'North' is not a territory. There are T1, T2, T3."


def test_a_customer_without_a_place_is_refused_with_the_reason():
    line = line_of_customers(12, reps=3)
    line = replace(line, unplaced=pd.DataFrame({"reason": ["lat is missing."]}, index=["13"]))
    fair = realign(line, tolerance=0.05, seed=1, travel="none")

    with pytest.raises(NotFoundError, match=r"customer '13': it has no place: lat is missing\."):
        adjust(fair, move={"13": "T1"})


def test_a_customer_without_a_territory_cannot_be_locked_but_can_be_given_to_one():
    fair = fair_line()
    open_one = replace(fair, alignment=fair.alignment.where(fair.alignment.index != "4"))

    with pytest.raises(DataError, match="no territory to be locked to"):
        adjust(open_one, lock=["4"])
    given_one = adjust(open_one, move={"4": "T1"}, lock=["4"])

    assert given_one.locks == {"4": "T1"}
    assert given_one.after["customers"].tolist() == [4, 4, 4]


def test_a_proposal_that_no_algorithm_made_is_measured_from_its_own_centres():
    bare = replace(fair_line(), basis=None)

    looked_at = adjust(bare)
    adjusted = adjust(bare, move={"4": "T2"})

    assert looked_at.objective == pytest.approx(1.25)
    assert adjusted.objective == pytest.approx(1.25 + (2.5**2 - 1.5**2) / 12)
    assert adjusted.moves["price"].tolist() == [pytest.approx((1.5**2 - 2.5**2) / 12 / 1.25 * 100, abs=1e-3)]


def test_the_other_moves_of_a_proposal_stay_as_they_were():
    line = line_of_customers(8, reps=2)
    uneven = pd.Series(["T1"] * 6 + ["T2"] * 2, index=line.customers.index)
    plan = realign(replace(line, customers=line.customers.assign(territory=uneven)), seed=1, travel="none")

    adjusted = adjust(plan, move={"6": "T1", "4": "T2"})

    assert plan.moves["customer_id"].tolist() == ["5", "6"]
    assert adjusted.moves["customer_id"].tolist() == ["4", "5"]
    assert adjusted.moves.iloc[1].tolist() == plan.moves.iloc[0].tolist()
    assert list(adjusted.moves.dtypes) == list(plan.moves.dtypes)


def test_a_hand_that_moves_nothing_leaves_objective_and_gap_as_the_algorithm_found_them():
    plan = realign(town(120, seed=5), tolerance=0.1, seed=2)

    looked_at = adjust(plan)

    assert looked_at.objective == pytest.approx(plan.objective, rel=1e-9)
    assert looked_at.lower_bound == pytest.approx(plan.lower_bound, rel=1e-9)
    assert looked_at.gap == pytest.approx(plan.gap, abs=1e-7)
    pd.testing.assert_frame_equal(looked_at.after, plan.after)


FIGURE = re.compile(r"[Tc]?\d[\d,.]*\d|[Tc]?\d")


def more(problem: Problem) -> set[str]:
    """Of many customers English tells how many more there are, and Chinese how many in all."""
    return set(re.findall(r"(\d+) more", problem.what))


@cache
def plan_with(travel: str) -> Proposal:
    return realign(town(60, seed=9), tolerance=0.2, seed=2, travel=travel)


@settings(max_examples=40)
@given(
    travel=st.sampled_from(["none", "line"]),
    steps=st.lists(st.dictionaries(st.integers(0, 59), st.integers(1, 4), max_size=8), min_size=1, max_size=4),
)
def test_measures_moves_and_objective_are_those_of_a_proposal_made_afresh(travel, steps):
    plan = adjusted = plan_with(travel)
    for step in steps:
        adjusted = adjust(adjusted, move={f"c{row}": f"T{number}" for row, number in step.items()})

    # A copy of the portfolio: nothing kept from before can help.
    fresh = replace(plan.portfolio)
    expected = measure(fresh, adjusted.alignment, travel=travel, shares=plan.after["share"])
    pd.testing.assert_frame_equal(adjusted.after, expected, rtol=1e-9, atol=1e-9)
    today = plan.portfolio.alignment
    assert adjusted.moves["customer_id"].tolist() == today.index[adjusted.alignment != today].tolist()
    at_once = adjust(plan, move=adjusted.alignment[adjusted.alignment != plan.alignment].to_dict())
    assert adjusted.objective == pytest.approx(at_once.objective, rel=1e-12)
    assert adjusted.reasons == at_once.reasons
    for problem in adjusted.reasons:
        assert set(FIGURE.findall(f"{problem.what} {problem.fix}")) <= set(FIGURE.findall(problem.zh)) | more(problem)
    assert adjusted.lower_bound <= adjusted.objective
    is_fine = max(adjusted.max_deviation.values()) <= 0.2 and adjusted.is_contiguous
    assert is_fine == all("capacity" in problem.where for problem in adjusted.reasons)


def test_what_is_kept_for_speed_goes_with_the_portfolio():
    import gc
    from weakref import ref

    portfolio = line_of_customers(4, reps=2)
    demand_of(portfolio, "none")
    measure(portfolio)
    gone = ref(portfolio)

    del portfolio
    gc.collect()

    assert gone() is None
