"""Scenarios: a portfolio you changed is another portfolio, and the one you had stays as it is."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.demand import derive_demand
from territory.errors import DataError, NotFoundError
from territory.geo import project, unproject
from territory.model import Portfolio, Rules
from tests.worlds import PLANE, line_of_customers, portfolio_of


def shop_list() -> Portfolio:
    """Ten customers a kilometre apart with a revenue of 1,000 to 10,000 and nothing else: all is derived."""
    number = np.arange(10)
    frame = pd.DataFrame(
        {"x": number * 1000.0, "y": 0.0, "revenue": (number + 1) * 1000.0, "segment": ["bakery", "bar"] * 5},
        index=pd.Index([f"c{n}" for n in number]),
    )
    return portfolio_of(frame)


def new_shop(**columns: object) -> pd.DataFrame:
    shop = {"customer_id": "007", "lon": 0.01, "lat": 0.0, "potential": 50.0, **columns}
    return pd.DataFrame({name: [value] for name, value in shop.items()})


def problems_of(error: pytest.ExceptionInfo) -> list[str]:
    return [problem.where for problem in error.value.problems]


# ---- reps


def test_a_rep_who_leaves_is_gone_and_the_customers_keep_their_territory():
    line = line_of_customers(6, reps=2)

    changed = line.without_rep("R02")

    assert changed.reps.index.tolist() == ["R01"]
    assert changed.alignment.tolist() == line.alignment.tolist()
    assert line.reps.index.tolist() == ["R01", "R02"]


def test_a_new_rep_lives_where_longitude_and_latitude_say_and_gets_a_territory_named_alike():
    line = line_of_customers(6, reps=2)

    changed = line.with_rep("R03", at=(0.02, 0.01), share=0.5, capacity_hours_per_week=36, name="Ada")

    rep = changed.reps.loc["R03"]
    lon, lat = unproject(np.array([[rep.geometry.x, rep.geometry.y]]), line.customers.crs)
    assert (lon[0], lat[0]) == (0.02, 0.01)
    assert (rep["territory"], rep["share"], rep["capacity_hours_per_week"], rep["name"]) == ("R03", 0.5, 36, "Ada")
    assert changed.territories == ["R03", "T1", "T2"]
    assert changed.reps.dtypes.equals(line.reps.dtypes)


def test_a_new_rep_may_live_near_a_customer_and_take_over_a_vacant_territory():
    line = line_of_customers(6, reps=2).without_rep("R02")

    changed = line.with_rep("R09", at="5", territory="T2")

    assert (changed.reps.geometry["R09"].x, changed.reps.geometry["R09"].y) == (4000, 0)
    assert changed.reps["territory"]["R09"] == "T2"
    assert changed.territories == ["T1", "T2"]


def test_the_first_rep_of_a_portfolio_without_any_can_be_hired():
    line = line_of_customers(6, reps=2)
    nobody = replace(line, reps=line.reps.iloc[:0])

    changed = nobody.with_rep("R01", at="1", territory="T1")

    assert changed.reps.index.tolist() == ["R01"]
    assert changed.reps.crs == PLANE


def test_everything_wrong_with_a_new_rep_is_told_at_once():
    line = line_of_customers(6, reps=2)

    with pytest.raises(DataError) as error:
        line.with_rep("R01", at="1", share=1.5, capacity_hours_per_week=-1)

    assert problems_of(error) == ["rep 'R01', share", "rep 'R01'", "rep 'R01', capacity_hours_per_week"]


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ((31.2, 121.5), "look swapped"),
        ((200.0, 10.0), "nowhere on earth"),
        ((float("nan"), 1.0), "no longitude and latitude"),
        (("1", "2"), "no longitude and latitude"),
        ((1.0,), "no longitude and latitude"),
        (None, "no longitude and latitude"),
    ],
)
def test_a_home_that_cannot_be_is_refused(at, said):
    with pytest.raises(DataError, match=said):
        line_of_customers(6, reps=2).with_rep("R03", at=at)


def test_a_home_near_nobody_we_know_names_the_customers_spelled_alike():
    shops = shop_list()

    with pytest.raises(NotFoundError, match=r"'c11' is not a customer that has a place. Did you mean c1"):
        shops.with_rep("R01", at="c11")


def test_reps_move_house():
    line = line_of_customers(6, reps=2)

    changed = line.with_reps_moved({"R02": "1", "R01": (0.0, 0.0)})

    assert [(place.x, place.y) for place in changed.reps.geometry] == [(0, 0), (0, 0)]
    assert [place.x for place in line.reps.geometry] == [1000, 4000]


def test_a_rep_goes_half_time():
    line = line_of_customers(6, reps=2)

    changed = line.half_time("R02")

    assert changed.shares(["T1", "T2"]).tolist() == [pytest.approx(2 / 3), pytest.approx(1 / 3)]
    assert line.half_time("R02", share=0.8).reps["share"]["R02"] == 0.8


@pytest.mark.parametrize("share", [0, -1, 1.1, float("nan"), "half", True])
def test_a_share_of_full_time_is_above_0_and_at_most_1(share):
    with pytest.raises(DataError, match="share"):
        line_of_customers(6, reps=2).half_time("R01", share)


def test_changing_a_rep_who_does_not_exist_lists_those_who_do():
    line = line_of_customers(6, reps=2)
    changes = [
        lambda: line.without_rep("R07"),
        lambda: line.half_time("R07"),
        lambda: line.with_reps_moved({"R07": "1"}),
    ]

    for change in changes:
        with pytest.raises(NotFoundError, match=r"'R07' is not a rep. There are R01, R02."):
            change()


# ---- numbers


def test_a_column_is_scaled_where_it_is_said():
    shops = shop_list()

    changed = shops.scaled("revenue", 1.5, segment="bar")

    assert changed.customers["revenue"].tolist()[:4] == [1000, 3000, 3000, 6000]
    assert shops.customers["revenue"].tolist()[:4] == [1000, 2000, 3000, 4000]


def test_a_potential_that_is_derived_can_be_scaled_by_a_tier_that_is_derived():
    shops = shop_list()

    changed = shops.scaled("potential", 1.15, tier="A")

    before, after = derive_demand(shops), derive_demand(changed)
    assert before["tier"].tolist() == ["D"] * 4 + ["C"] * 3 + ["B"] * 2 + ["A"]
    assert after["potential"].tolist() == [*before["potential"].tolist()[:9], pytest.approx(11_500)]


def test_nothing_but_the_column_changes_even_when_customers_outgrow_their_tier():
    shops = shop_list()

    changed = shops.scaled("potential", 100, segment="bakery")

    before, after = derive_demand(shops), derive_demand(changed)
    kept = ["tier", "visits_per_year", "minutes_per_visit", "workload_minutes"]
    pd.testing.assert_frame_equal(after[kept], before[kept])


def test_a_potential_derived_from_revenue_grows_with_it():
    changed = shop_list().scaled("revenue", 2)

    demand = derive_demand(changed)

    assert demand["potential"].tolist() == [n * 2000 for n in range(1, 11)]
    assert demand["tier"].tolist() == derive_demand(shop_list())["tier"].tolist()


@settings(max_examples=25)
@given(st.floats(0.01, 100), st.sampled_from(["A", "B", "C", "D"]))
def test_scaling_back_gives_what_there_was(factor, tier):
    shops = shop_list()

    there_and_back = shops.scaled("visits_per_year", factor, tier=tier).scaled("visits_per_year", 1 / factor, tier=tier)

    before, after = derive_demand(shops), derive_demand(there_and_back)
    np.testing.assert_allclose(after["workload_minutes"], before["workload_minutes"], rtol=1e-6)


def test_several_values_and_several_columns_narrow_down_who_is_meant():
    changed = shop_list().scaled("potential", 0, tier=["C", "D"], segment="bakery")

    demand = derive_demand(changed)

    assert demand.index[demand["potential"] == 0].tolist() == ["c0", "c2", "c4", "c6"]


@pytest.mark.parametrize(
    ("column", "where", "said"),
    [
        ("segment", {}, "no column of numbers 'segment'"),
        ("workload", {}, "scale one of the two"),
        ("potential", {"colour": "red"}, "no column 'colour'"),
        ("potential", {"segment": "school"}, "No customer has 'school' there. There are bakery, bar."),
        ("potential", {"tier": ["A", "E"]}, "No customer has 'E' there"),
    ],
)
def test_scaling_what_does_not_exist_lists_what_does(column, where, said):
    with pytest.raises(NotFoundError, match=said):
        shop_list().scaled(column, 1.1, **where)


@pytest.mark.parametrize("factor", [-0.1, float("nan"), float("inf"), "much", None])
def test_a_factor_is_a_number_from_0_up(factor):
    with pytest.raises(DataError, match="factor from 0 up"):
        shop_list().scaled("potential", factor)


def test_a_relation_cannot_grow_beyond_1():
    line = line_of_customers(4, reps=2)
    line = replace(line, customers=line.customers.assign(relation=0.8))

    with pytest.raises(DataError, match=r"it would be 1.2; it goes from 0 to 1. Give at most 1.25"):
        line.scaled("relation", 1.5)


def test_a_value_that_can_neither_be_read_nor_derived_is_told():
    shops = shop_list()
    shops = replace(shops, customers=shops.customers.assign(revenue=np.nan))

    with pytest.raises(DataError, match="No potential, revenue or tier"):
        shops.scaled("potential", 1.1)


# ---- rules


def test_rules_change_by_name_and_tables_by_entry():
    line = line_of_customers(4, reps=2)

    changed = line.with_rules(speed_kmh=35, visits_per_year={"A": 52}, tolerance=0.1)

    assert changed.rules.speed_kmh == 35
    assert changed.rules.visits_per_year == {"A": 52, "B": 12, "C": 6, "D": 3}
    assert changed.rules.tolerance == {"potential": 0.1, "workload": 0.1}
    assert line.rules == Rules()


def test_a_rule_that_does_not_exist_lists_those_that_do():
    with pytest.raises(NotFoundError, match="There are visits_per_year, minutes_per_visit"):
        line_of_customers(4, reps=2).with_rules(speed=35)


def test_every_rule_out_of_range_is_told():
    with pytest.raises(DataError) as error:
        line_of_customers(4, reps=2).with_rules(
            speed_kmh=0, detour_factor=0.9, density_neighbours=2.5, visits_per_year=7, tolerance={"potential": 2}
        )

    assert problems_of(error) == [
        "rules, 'speed_kmh'",
        "rules, 'detour_factor'",
        "rules, 'density_neighbours'",
        "rules, 'visits_per_year'",
        "rules, 'tolerance', 'potential'",
    ]


def test_the_shares_of_the_tiers_still_add_up_to_1():
    line = line_of_customers(4, reps=2)

    assert line.with_rules(tier_shares={"A": 0.2, "D": 0.3}).rules.tier_shares["A"] == 0.2
    with pytest.raises(DataError, match=r"add up to 1.1, not to 1"):
        line.with_rules(tier_shares={"A": 0.2})


# ---- customers


def test_customers_are_taken_out_by_id_or_by_what_they_are():
    shops = shop_list()

    assert shops.without_customers(["c3", "c0"]).customers.index.tolist() == [f"c{n}" for n in (1, 2, *range(4, 10))]
    assert shops.without_customers("c3").customers.index.tolist() == [f"c{n}" for n in range(10) if n != 3]
    assert shops.without_customers(segment="bar", tier="D").customers.index.tolist() == ["c0", "c2", *shop_ids(4, 10)]
    assert len(shops.customers) == 10


def shop_ids(first: int, last: int) -> list[str]:
    return [f"c{n}" for n in range(first, last)]


def test_a_customer_without_a_place_can_be_taken_out_too():
    lost = pd.DataFrame({"reason": ["no coordinates"]}, index=pd.Index(["x"], name="customer_id", dtype="str"))
    line = replace(line_of_customers(4, reps=2), unplaced=lost)

    changed = line.without_customers(["x"])

    assert changed.unplaced.empty
    assert len(changed.customers) == 4


def test_taking_out_customers_who_do_not_exist_or_nobody_at_all_is_refused():
    shops = shop_list()

    with pytest.raises(NotFoundError, match=r"'c77' is not a customer. Did you mean c7"):
        shops.without_customers(["c77"])
    with pytest.raises(DataError, match="It was not said which"):
        shops.without_customers()


def test_customers_won_stand_where_they_are_and_are_nobody_s_yet():
    line = line_of_customers(4, reps=2)

    changed = line.with_customers(new_shop(opened=2027))

    won = changed.customers.loc["007"]
    x, y = project([0.01], [0.0], line.customers.crs)[0]
    assert (won.geometry.x, won.geometry.y, won["potential"], won["opened"]) == (x, y, 50, 2027)
    assert pd.isna(won["territory"])
    assert not won["locked"]
    assert changed.customers.dtypes[line.customers.columns].equals(line.customers.dtypes)
    assert changed.customers.index.tolist() == ["1", "2", "3", "4", "007"]
    assert len(derive_demand(changed.with_customers(new_shop(customer_id="008", tier="A")))) == 6


def test_customers_won_may_come_with_points_of_another_projection():
    line = line_of_customers(4, reps=2)
    points = gpd.GeoDataFrame(
        {"potential": [5.0]},
        index=pd.Index(["p"], name="customer_id"),
        geometry=gpd.points_from_xy([0.01], [0.0], crs="EPSG:4326"),
    )

    changed = line.with_customers(points)

    expected = project([0.01], [0.0], line.customers.crs)[0]
    assert (changed.customers.geometry["p"].x, changed.customers.geometry["p"].y) == tuple(expected)


def test_no_customers_won_change_nothing():
    line = line_of_customers(4, reps=2)

    changed = line.with_customers(new_shop().iloc[:0])

    assert changed.fingerprint == line.fingerprint


def test_everything_wrong_with_customers_won_is_told_at_once():
    line = line_of_customers(4, reps=2)
    frame = pd.DataFrame(
        {
            "customer_id": ["1", "a", "a", None, "b"],
            "lon": [0.0, 0.0, "east", 0.0, 12.0],
            "lat": [0.0, 0.0, 0.0, 0.0, 120.0],
            "potential": [1.0, -2.0, 1.0, 1.0, 1.0],
            "visits_per_year": ["12", "often", 1, 1, 1],
            "relation": [0, 0, 0, 0, 7],
            "locked": ["maybe", True, False, None, True],
        }
    )

    with pytest.raises(DataError) as error:
        line.with_customers(frame)

    assert problems_of(error) == [
        "new customers, row 4",
        "new customers, 'a'",
        "new customers, '1'",
        "new customers, 'a'",
        "new customers, 'b'",
        "new customers, 'a', column 'potential'",
        "new customers, 'a', column 'visits_per_year'",
        "new customers, 'b', column 'relation'",
        "new customers, '1', column 'locked'",
    ]


@pytest.mark.parametrize(("column", "said"), [("customer_id", "no customer_id"), ("lat", "no places")])
def test_customers_won_need_an_id_and_a_place(column, said):
    with pytest.raises(DataError, match=said):
        line_of_customers(4, reps=2).with_customers(new_shop().drop(columns=column))


def test_a_changed_portfolio_has_another_fingerprint():
    line = line_of_customers(4, reps=2)

    changed = [
        line.without_rep("R01"),
        line.with_rep("R03", at="1"),
        line.with_reps_moved({"R01": "4"}),
        line.half_time("R01"),
        line.scaled("potential", 2),
        line.with_rules(speed_kmh=35),
        line.without_customers(["1"]),
        line.with_customers(new_shop()),
    ]

    assert len({line.fingerprint, *(portfolio.fingerprint for portfolio in changed)}) == 9
