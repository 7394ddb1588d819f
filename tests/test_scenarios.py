"""What if: scenarios side by side, a rep's absence, the next rep's home; the same for any number of workers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from territory.demand import derive_demand
from territory.errors import DataError, InfeasibleError, NotFoundError
from territory.homes import good_homes, known_homes
from territory.model import Portfolio
from territory.realignment import realign
from territory.scenarios import next_rep, simulate, tabulate, without_each_rep
from tests.worlds import line_of_customers, portfolio_of


def town(count: int = 120, territories: int = 4, seed: int = 5) -> Portfolio:
    """Customers scattered over 40 km, cut into vertical strips, a rep amid each."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 40_000, count), rng.uniform(0, 20_000, count)
    strip = np.minimum((x / 40_000 * territories).astype(int), territories - 1)
    customers = pd.DataFrame(
        {
            "x": np.round(x),
            "y": np.round(y),
            "potential": np.round(rng.lognormal(5, 0.5, count)),
            "visits_per_year": rng.integers(2, 20, count).astype(float),
            "minutes_per_visit": 30.0,
            "relation": 0.5,
            "territory": [f"T{s + 1}" for s in strip],
        },
        index=pd.Index([f"c{n}" for n in range(count)]),
    )
    home = (np.arange(territories) + 0.5) * 40_000 / territories
    reps = pd.DataFrame(
        {"x": home, "y": 10_000.0, "territory": [f"T{t + 1}" for t in range(territories)]},
        index=pd.Index([f"R{t + 1}" for t in range(territories)]),
    )
    return portfolio_of(customers, reps)


def given_territories(portfolio: Portfolio, territories: list[str | None]) -> Portfolio:
    owner = pd.Series(territories, index=portfolio.customers.index, dtype="str")
    return replace(portfolio, customers=portfolio.customers.assign(territory=owner))


def unfair_line() -> Portfolio:
    return given_territories(line_of_customers(8, reps=2), ["T1"] * 6 + ["T2"] * 2)


# ---- simulate and tabulate


def test_every_scenario_is_realigned_under_its_own_name_and_in_order():
    line = line_of_customers(9, reps=3)

    outcome = simulate({"today": line, "R02 leaves": line.without_rep("R02")}, tolerance=0.2, seed=1)

    assert list(outcome) == ["today", "R02 leaves"]
    assert outcome["today"].moves.empty
    assert set(outcome["R02 leaves"].alignment) == {"T1", "T3"}


def test_a_scenario_is_realigned_as_realign_does_it():
    portfolio = town()

    outcome = simulate({"today": portfolio}, tolerance=0.1, max_moved=0.2, seed=3, travel="none", effort=0.3)

    alone = realign(portfolio, tolerance=0.1, max_moved=0.2, seed=3, travel="none", effort=0.3)
    assert outcome["today"].alignment.tolist() == alone.alignment.tolist()
    assert outcome["today"].objective == alone.objective
    assert outcome["today"].moves.equals(alone.moves)


def test_a_scenario_may_have_a_tolerance_or_a_number_of_territories_of_its_own():
    line = line_of_customers(12, reps=3)
    own = {"wide": {"tolerance": 0.3}, "two": {"territories": 2}}

    outcome = simulate({"as it is": line, "wide": line, "two": line}, tolerance=0.1, travel="none", seed=1, own=own)

    assert [plan.tolerance["potential"] for plan in outcome.values()] == [0.1, 0.3, 0.1]
    assert [len(plan.after) for plan in outcome.values()] == [3, 3, 2]
    assert outcome["two"].max_deviation["potential"] == 0
    with pytest.raises(NotFoundError, match="'three' is not a scenario"):
        simulate({"as it is": line}, own={"three": {"territories": 3}})


def test_any_number_of_workers_gives_the_same_result():
    portfolio = town()
    scenarios = {"today": portfolio, **{rep: portfolio.without_rep(rep) for rep in portfolio.reps.index}}

    one, three = (simulate(scenarios, tolerance=0.1, seed=7, effort=0.2, workers=count) for count in (1, 3))

    pd.testing.assert_frame_equal(tabulate(one), tabulate(three), check_exact=True)
    for name in scenarios:
        assert one[name].alignment.equals(three[name].alignment)
        assert one[name].moves.equals(three[name].moves)


def test_a_scenario_that_cannot_be_does_not_stop_the_others():
    line = line_of_customers(6, reps=3)
    impossible = line.without_customers(["1", "2", "3", "4"])

    outcome = simulate({"today": line, "two customers": impossible}, tolerance=0.2, seed=1)

    assert not outcome["today"].reasons
    assert "2 customers cannot fill 3 territories" in outcome["two customers"].reasons[0].what
    assert outcome["two customers"].alignment.tolist() == ["T3", "T3"]
    assert outcome["two customers"].moves.empty
    table = tabulate(outcome)
    assert table["reasons"].tolist() == [0, 1]
    assert np.isnan(table.loc["two customers", "objective"])


def test_the_faults_of_every_scenario_are_told_at_once_with_its_name():
    line = line_of_customers(4, reps=2)
    nameless = given_territories(line, [None] * 4)
    priceless = replace(line, customers=line.customers.assign(potential=np.nan))

    with pytest.raises(DataError) as error:
        simulate({"fine": line, "no owners": nameless, "no money": priceless})

    where = [problem.where for problem in error.value.problems]
    assert where == [
        "scenario 'no owners', customers, column 'territory'",
        "scenario 'no money', customers, column 'potential'",
    ]


def test_a_way_of_travelling_that_does_not_exist_is_not_found():
    with pytest.raises(NotFoundError, match="not a way of travelling"):
        simulate({"today": line_of_customers(4, reps=2)}, travel="rocket")


def test_no_scenarios_give_no_results():
    assert simulate({}) == {}
    assert tabulate({}).empty


def test_no_workers_do_nothing_and_are_refused():
    with pytest.raises(DataError, match="0 workers do nothing"):
        simulate({"today": line_of_customers(4, reps=2)}, workers=0)


def test_progress_counts_the_scenarios_and_never_goes_back():
    line, told = line_of_customers(20, reps=2), []

    simulate({"a": line, "b": line}, workers=2, progress=lambda stage, part: told.append((stage, part)))

    assert {stage for stage, _ in told} == {"scenarios"}
    parts = [part for _, part in told]
    assert parts == sorted(parts)
    assert parts[-1] == 1


def test_who_stops_listening_stops_the_work():
    class EnoughError(Exception):
        pass

    def tell(stage: str, part: float) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        simulate({"today": line_of_customers(20, reps=2)}, progress=tell)


def test_scenarios_stand_side_by_side_with_the_difference_to_the_first():
    line = unfair_line()

    table = tabulate(simulate({"today": line, "double": line.scaled("potential", 2)}, seed=1, travel="none"))

    assert table.index.tolist() == ["today", "double"]
    today = table.loc["today"]
    assert (today["territories"], today["customers"], today["reasons"], today["contiguous"]) == (2, 8, 0, True)
    assert (today["moved_customers"], today["moved_potential"]) == (0.25, 0.25)
    assert np.isnan(today["moved_relation"])
    assert (today["max_deviation_potential"], today["max_deviation_workload"]) == (0, 0)
    assert today["mean_km"] == pytest.approx(1.0)
    assert (today["travel_hours"], today["workload_hours"], today["workload_peak_hours"]) == (0, 40, 20)
    assert today["capacity_use_max"] == pytest.approx(20 / (40 * 46))
    assert today["capacity_use_mean"] == pytest.approx(20 / (40 * 46))
    changes = table.filter(like="change_").drop(columns="change_moved_relation")
    assert (changes == 0).all(axis=None)


def test_the_relation_that_is_lost_is_a_part_of_all_relation():
    line = unfair_line()
    line = replace(line, customers=line.customers.assign(relation=[0, 0, 0, 0, 0.3, 0.3, 0.3, 0.3]))

    table = tabulate(simulate({"today": line}, seed=1, travel="none"))

    assert table["moved_relation"].tolist() == [pytest.approx(0.5)]


def test_any_scenario_can_be_the_one_to_compare_with():
    line = line_of_customers(12, reps=3)
    outcome = simulate({"today": line, "R02 leaves": line.without_rep("R02")}, tolerance=0.2, seed=1)

    table = tabulate(outcome, against="R02 leaves")

    assert table["change_territories"].tolist() == [1, 0]
    with pytest.raises(NotFoundError, match="There are today, R02 leaves"):
        tabulate(outcome, against="tomorrow")


# ---- one rep fewer


def test_the_customers_of_a_rep_who_leaves_go_to_the_neighbours():
    line = line_of_customers(9, reps=3)

    heirs = without_each_rep(line, tolerance=0.2, seed=1, travel="none")

    middle = heirs[heirs["rep_id"] == "R02"]
    assert set(middle["to"]) == {"T1", "T3"}
    assert set(middle["to_rep_id"]) == {"R01", "R03"}
    assert sorted(middle["customers"]) == [1, 2]
    assert middle["potential"].tolist() == [200, 100]
    assert middle["workload_minutes"].tolist() == [600, 300]
    assert middle["capacity_use_max"].tolist() == [pytest.approx(5 * 300 / (40 * 60 * 46))] * 2


def test_all_that_a_rep_had_is_taken_over_by_somebody():
    portfolio = town()

    heirs = without_each_rep(portfolio, tolerance=0.1, seed=2)

    held = (
        derive_demand(portfolio, travel="none")
        .groupby(portfolio.alignment.to_numpy())["potential"]
        .agg(["size", "sum"])
    )
    taken = heirs.groupby("territory")
    assert heirs["rep_id"].unique().tolist() == ["R1", "R2", "R3", "R4"]
    assert taken["customers"].sum().to_dict() == held["size"].to_dict()
    np.testing.assert_allclose(taken["potential"].sum(), held["sum"])
    assert (heirs["to"] != heirs["territory"]).all()


def test_a_colleague_in_the_same_territory_takes_over():
    line = line_of_customers(6, reps=2)
    line = line.with_rep("R03", at="1", territory="T1")

    heirs = without_each_rep(line, tolerance=0.5, seed=1, travel="none").set_index("rep_id")

    assert heirs.loc["R01", "to"] == "T1"
    assert heirs.loc["R01", "to_rep_id"] == "R03"


def test_a_rep_without_customers_leaves_nothing():
    line = given_territories(line_of_customers(6, reps=3), ["T1"] * 3 + ["T2"] * 3)

    heirs = without_each_rep(line, tolerance=0.2, seed=1).set_index("rep_id")

    assert heirs.loc["R03", "customers"] == 0
    assert pd.isna(heirs.loc["R03", "to"])


def test_the_leave_of_only_some_reps_can_be_looked_at():
    line = line_of_customers(9, reps=3)

    heirs = without_each_rep(line, reps=["R03", "R01"], tolerance=0.2, seed=1, travel="none")

    assert heirs["rep_id"].unique().tolist() == ["R03", "R01"]
    assert without_each_rep(line, reps=[]).empty
    with pytest.raises(NotFoundError, match=r"There are R01, R02, R03."):
        without_each_rep(line, reps=["R9"])


def test_a_rep_whose_skills_nobody_else_has_is_missed_in_words():
    line = line_of_customers(12, reps=3)
    reps = line.reps.assign(skills=["cold", None, None])
    needy = line.customers.assign(skills=["cold", *[None] * 11])

    heirs = without_each_rep(replace(line, reps=reps, customers=needy), tolerance=0.6)

    told = heirs.drop_duplicates("rep_id").set_index("rep_id")["told"]
    assert told["R01"] == "skills: no rep has all the skills that '1' needs: cold."
    assert told["R03"] == ""


def test_what_is_wrong_with_every_scenario_is_told_once():
    nobody_s = given_territories(line_of_customers(6, reps=2), [None] * 6)
    scenarios = {"one": nobody_s, "two": nobody_s.scaled("potential", 2)}

    with pytest.raises(DataError) as caught:
        simulate(scenarios)

    assert [problem.where for problem in caught.value.problems] == ["customers, column 'territory'"]


def test_the_only_rep_cannot_leave():
    with pytest.raises(InfeasibleError, match="1 of 1 reps have a territory: nobody could take over"):
        without_each_rep(line_of_customers(4, reps=1))


# ---- one rep more


def far_end() -> Portfolio:
    """A rep at kilometre 0 of a line of nine customers, who has to drive up to 8 km."""
    line = line_of_customers(9, reps=1)
    return line.with_reps_moved({"R01": "1"})


def test_one_home_more_is_best_amid_those_who_live_far_from_any():
    line = far_end()

    homes = good_homes(line, 3)

    # At kilometre 5 or 6 the ways get shorter by 24 km, further on or nearer by less.
    assert homes[0] in ("7", "6")
    assert len(set(homes)) == 3


def test_no_home_is_proposed_where_every_customer_has_one_already():
    line = line_of_customers(2, reps=2)

    assert len(good_homes(line, 5)) == 1


def test_without_known_homes_ways_begin_amid_today_s_territories():
    line = line_of_customers(9, reps=3)
    homeless = replace(line, reps=line.reps.iloc[:0])

    assert known_homes(homeless).shape == (0, 2)
    assert good_homes(homeless, 2) == good_homes(line, 2)


def test_homes_do_not_depend_on_the_order_of_the_rows():
    portfolio = town()
    shuffled = replace(portfolio, customers=portfolio.customers.iloc[::-1])

    assert good_homes(shuffled, 5) == good_homes(portfolio, 5)


def test_the_next_rep_should_live_where_the_drive_is_longest():
    line = far_end()

    table = next_rep(line, candidates=["2", "7", "9"], tolerance=0.3, seed=1)

    assert table.index[0] == "7"
    assert table["saved_travel_hours"].is_monotonic_decreasing
    assert (table["saved_travel_hours"] > 0).all()
    assert table.loc["7", "saved_workload_peak_hours"] > 0
    assert table.loc["7", "customers"] in (4, 5)


def test_what_a_home_saves_is_measured_against_the_same_reps_without_it():
    portfolio = town()

    table = next_rep(portfolio, candidates={"north-east": (0.4, 0.2)}, tolerance=0.1, seed=4, travel="none")

    before = tabulate(simulate({"before": portfolio}, tolerance=0.1, seed=4, travel="none", effort=0.3)).iloc[0]
    row = table.loc["north-east"]
    assert row["saved_mean_km"] == pytest.approx(before["mean_km"] - row["mean_km"])
    peak = before["workload_peak_hours"] - row["workload_peak_hours"]
    assert row["saved_workload_peak_hours"] == pytest.approx(peak)
    assert (row["lon"], row["lat"]) == (0.4, 0.2)
    assert pd.isna(row["name"])


def test_the_new_territory_lies_around_the_new_home():
    portfolio = town().with_rep("R9", at="c7")

    proposal = realign(portfolio, tolerance=0.1, seed=1)

    home = portfolio.reps.geometry["R9"]
    mine = portfolio.xy[(proposal.alignment == "R9").to_numpy()]
    assert np.hypot(*(mine.mean(axis=0) - (home.x, home.y))) < 5_000
    assert max(proposal.max_deviation.values()) <= 0.1


def test_customers_of_a_new_territory_count_as_moved():
    portfolio = town().with_rep("R9", at="c7")

    proposal = realign(portfolio, tolerance=0.1, seed=1)

    joined = set(proposal.alignment.index[proposal.alignment == "R9"])
    assert joined <= set(proposal.moves["customer_id"])


def test_founding_a_territory_keeps_to_the_limit_on_moves_or_says_what_it_takes():
    portfolio = town(count=60, territories=3).with_rep("R9", at="c7")

    free, limited = (realign(portfolio, tolerance=0.2, max_moved=limit, seed=1) for limit in (None, 0.1))

    assert len(free.moves) / 60 > 0.1
    assert [problem.where for problem in limited.reasons][-1] == "max_moved"
    assert len(limited.moves) <= len(free.moves)


def test_a_newcomer_takes_nobody_s_last_customer_and_no_locked_one():
    line = given_territories(line_of_customers(4, reps=2), ["T1", "T2", "T2", "T2"])
    line = replace(line, customers=line.customers.assign(locked=line.customers.index == "2"))

    proposal = realign(line.with_rep("R3", at="1", territory="T3"), tolerance=0.9, seed=1, travel="none")

    assert proposal.alignment["1"] == "T1"
    assert proposal.alignment["2"] == "T2"
    assert (proposal.alignment == "T3").any()


def test_a_portfolio_without_customers_has_no_place_for_anybody():
    line = line_of_customers(4, reps=2)
    empty = replace(line, customers=line.customers.iloc[:0])

    with pytest.raises(DataError, match="there is none"):
        next_rep(empty)


def test_by_default_the_next_rep_s_homes_are_found_and_are_the_same_for_any_number_of_workers():
    portfolio = town()

    one, two = (next_rep(portfolio, count=3, tolerance=0.1, seed=4, workers=count) for count in (1, 2))

    assert sorted(one.index) == sorted(good_homes(portfolio, 3))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_without_any_home_nobody_can_say_what_one_more_would_save():
    line = line_of_customers(6, reps=2)
    homeless = replace(line, reps=line.reps.iloc[:0])

    with pytest.raises(DataError, match="no rep's home is known"):
        next_rep(homeless)


def test_every_candidate_that_cannot_be_is_told():
    line = line_of_customers(6, reps=2)

    with pytest.raises(DataError) as error:
        next_rep(line, candidates={"pole": (0.0, 95.0), "nobody": "77"})

    assert [problem.where for problem in error.value.problems] == [
        "candidate 'pole', rep 'new rep', home",
        "candidate 'nobody', rep 'new rep', home",
    ]
    with pytest.raises(DataError, match="there is none"):
        next_rep(line, candidates=[])
