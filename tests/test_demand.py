from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from territory.demand import demand_sources, derive_demand
from territory.errors import DataError, NotFoundError
from territory.model import Portfolio, Rules
from tests.worlds import line_of_customers, portfolio_of


def town(rules: Rules | None = None, **columns: list) -> Portfolio:
    """Customers "1", "2", ... a kilometre apart on a line, with these columns and nobody to visit them."""
    count = len(next(iter(columns.values())))
    ids = pd.Index([str(n + 1) for n in range(count)], name="customer_id")
    return portfolio_of(pd.DataFrame({"x": np.arange(count) * 1000.0, "y": 0.0, **columns}, index=ids), rules=rules)


def test_workload_is_visits_times_minutes_plus_travel():
    world = line_of_customers(9, reps=3)

    demand = derive_demand(world)

    assert (demand["visit_minutes"] == 10 * 30).all()
    assert (demand["travel"] > 0).all()
    assert (demand["workload_minutes"] == demand["visit_minutes"] + demand["travel"]).all()


def test_without_travel_anyone_can_recompute_the_workload():
    world = line_of_customers(9, reps=3)

    demand = derive_demand(world, travel="none")

    assert (demand["travel"] == 0).all()
    assert (demand["workload_minutes"] == 300).all()


def test_a_column_always_stands():
    world = town(potential=[5.0], revenue=[9.0], tier=["A"], visits_per_year=[2.0], minutes_per_visit=[11.0])

    demand = derive_demand(world)

    assert demand.loc["1", ["potential", "tier", "visits_per_year", "minutes_per_visit"]].tolist() == [5, "A", 2, 11]
    assert demand.loc["1", ["potential_source", "tier_source", "visits_source", "minutes_source"]].tolist() == [
        "column potential",
        "column tier",
        "column visits_per_year",
        "column minutes_per_visit",
    ]


def test_potential_is_revenue_times_the_rule_where_there_is_none():
    world = town(Rules(potential_per_revenue=1.5), potential=[7.0, np.nan], revenue=[1.0, 100.0])

    demand = derive_demand(world)

    assert demand["potential"].tolist() == [7.0, 150.0]
    assert demand["potential_source"].tolist() == ["column potential", "revenue x 1.5"]


def test_potential_is_the_tiers_where_there_is_no_revenue_either():
    world = town(Rules(potential_by_tier=MappingProxyType({"B": 40.0})), tier=["B", "A"], revenue=[np.nan, 3.0])

    demand = derive_demand(world)

    assert demand["potential"].tolist() == [40.0, 3.0]
    assert demand["potential_source"].tolist() == ["tier B in rules", "revenue x 1.0"]


def test_visits_and_minutes_are_the_tiers_where_there_is_no_column():
    world = town(tier=["A", "D"], potential=[1.0, 1.0], visits_per_year=[np.nan, 5.0])

    demand = derive_demand(world)

    assert demand["visits_per_year"].tolist() == [26.0, 5.0]
    assert demand["minutes_per_visit"].tolist() == [45.0, 20.0]
    assert demand["visits_source"].tolist() == ["tier A in rules", "column visits_per_year"]
    assert demand["minutes_source"].tolist() == ["tier A in rules", "tier D in rules"]


def test_without_a_tier_the_largest_are_a_and_the_smallest_d():
    world = town(potential=[10.0, 100.0, 30.0, 20.0, 90.0, 40.0, 50.0, 60.0, 70.0, 80.0])

    demand = derive_demand(world)

    assert demand["tier"].tolist() == ["D", "A", "D", "D", "B", "D", "C", "C", "C", "B"]
    assert set(demand["tier_source"]) == {"rank by potential"}


def test_equal_customers_are_ranked_by_id_whatever_their_order():
    world = town(revenue=[5.0] * 10)
    shuffled = replace(world, customers=world.customers.iloc[::-1])

    demand = derive_demand(world)

    assert "".join(demand.sort_index()["tier"]) == "ABBCCCDDDD"
    assert set(demand["tier_source"]) == {"rank by revenue"}
    assert derive_demand(shuffled)["tier"].sort_index().equals(demand["tier"].sort_index())


def test_a_missing_tier_is_ranked_among_all_customers():
    world = town(potential=[100.0, 90.0, 80.0, 1.0], tier=["B", np.nan, "B", np.nan])

    demand = derive_demand(world)

    assert demand["tier"].tolist() == ["B", "C", "B", "D"]
    assert demand["tier_source"].tolist() == ["column tier", "rank by potential", "column tier", "rank by potential"]


def test_every_tier_without_a_rule_is_named_with_its_customers():
    world = town(tier=["E", "E", "F", "A"], potential=[1.0] * 4)

    with pytest.raises(DataError) as caught:
        derive_demand(world)

    assert [str(problem) for problem in caught.value.problems] == [
        "rules, [visits_per_year]: Tier 'E' (2 customers) has no rule; there are A, B, C, D. "
        "Add E = ... under [visits_per_year], or give a column 'visits_per_year'.",
        "rules, [visits_per_year]: Tier 'F' (1 customer) has no rule; there are A, B, C, D. "
        "Add F = ... under [visits_per_year], or give a column 'visits_per_year'.",
        "rules, [minutes_per_visit]: Tier 'E' (2 customers) has no rule; there are A, B, C, D. "
        "Add E = ... under [minutes_per_visit], or give a column 'minutes_per_visit'.",
        "rules, [minutes_per_visit]: Tier 'F' (1 customer) has no rule; there are A, B, C, D. "
        "Add F = ... under [minutes_per_visit], or give a column 'minutes_per_visit'.",
    ]


def test_a_tier_without_a_rule_does_no_harm_where_the_columns_say_all():
    world = town(tier=["gold"], potential=[1.0], visits_per_year=[2.0], minutes_per_visit=[3.0])

    demand = derive_demand(world, travel="none")

    assert demand["workload_minutes"].tolist() == [6.0]


def test_customers_of_whom_nothing_is_known_are_an_error_that_says_what_to_give():
    world = town(potential=[1.0, np.nan, np.nan], tier=[np.nan, np.nan, "A"])

    with pytest.raises(DataError) as caught:
        derive_demand(world)

    assert [str(problem) for problem in caught.value.problems] == [
        "customers, column 'potential': No potential, revenue or tier is given for 1 customer: 2. "
        "Give a column 'potential', 'revenue' or 'tier'; a tier's potential is a rule in [potential_by_tier].",
        "rules, [potential_by_tier]: Tier 'A' (1 customer) has no rule, and no potential or revenue is given. "
        "Give a column 'potential' or 'revenue', or A = ... under [potential_by_tier].",
    ]


@pytest.mark.parametrize("travel", ["roads", "train"])
def test_travel_that_cannot_be_counted_is_not_found(travel):
    world = line_of_customers(3, reps=1)

    with pytest.raises(NotFoundError, match="Use 'line'"):
        derive_demand(world, travel=travel)


def without_homes(world: Portfolio, *rep_ids: str) -> Portfolio:
    known = [None if rep_id in rep_ids else home for rep_id, home in world.reps.geometry.items()]
    return replace(world, reps=world.reps.set_geometry(known, crs=world.reps.crs))


def test_reps_whose_home_nobody_knows_live_where_ways_are_short():
    world = line_of_customers(9, reps=3)  # at home in the middle of three customers each
    nobody = derive_demand(replace(world, reps=world.reps.iloc[:0]))["travel"]

    some, all_of_them = (derive_demand(without_homes(world, *who))["travel"] for who in (["R02"], world.reps.index))

    assert some.tolist() == derive_demand(world)["travel"].tolist()
    assert (some > nobody).sum() == 6
    assert (all_of_them >= nobody).all()
    assert all_of_them.sum() == pytest.approx(some.sum(), rel=0.1)


def test_what_a_home_is_assumed_to_be_does_not_depend_on_who_owns_whom():
    world = without_homes(line_of_customers(12, reps=3), "R01", "R03")
    owner = world.alignment.iloc[::-1].to_numpy()

    other = replace(world, customers=world.customers.assign(territory=owner))

    assert derive_demand(other)["travel"].equals(derive_demand(world)["travel"])


def test_one_home_more_or_less_changes_travel_by_one_home():
    world = without_homes(line_of_customers(30, reps=3), "R01", "R02", "R03")
    before = derive_demand(world)["travel"].sum()

    joined = derive_demand(world.with_rep("New", at="5"))["travel"].sum()
    left = derive_demand(world.without_rep("R02"))["travel"].sum()

    assert 0.5 * before < joined <= before
    assert before <= left < 2 * before


def test_no_customers_have_no_demand():
    world = line_of_customers(3, reps=1)
    empty = replace(world, customers=world.customers.iloc[:0])

    demand = derive_demand(empty)

    assert demand.empty
    assert demand["workload_minutes"].dtype == "float64"
    assert demand_sources(demand).empty


def test_the_sources_are_counted_value_by_value():
    world = town(potential=[9.0, 8.0, np.nan], revenue=[1.0, 1.0, 1.0], tier=["A", "A", "D"])

    counted = demand_sources(derive_demand(world))

    assert counted.to_dict("split")["data"] == [
        ["potential", "column potential", 2],
        ["potential", "revenue x 1.0", 1],
        ["tier", "column tier", 3],
        ["visits_per_year", "tier A in rules", 2],
        ["visits_per_year", "tier D in rules", 1],
        ["minutes_per_visit", "tier A in rules", 2],
        ["minutes_per_visit", "tier D in rules", 1],
    ]


def test_the_input_is_left_as_it_was():
    world = town(potential=[1.0, np.nan], revenue=[1.0, 2.0])
    before = world.fingerprint

    derive_demand(world)

    assert replace(world).fingerprint == before
