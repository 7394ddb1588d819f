from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.demand import derive_demand
from territory.errors import NotFoundError
from territory.measures import alerts, max_deviation, measure
from territory.model import Portfolio, Rules
from tests.worlds import line_of_customers, portfolio_of

IOWA = Path(__file__).parents[2] / "shared/data/iowa"


def world_of(owners: list, reps: dict[str, float] | None = None, x: list | None = None, **columns: list) -> Portfolio:
    """Customers "1", "2", ... on a line, each 100 in potential and 300 minutes, and `reps` territory -> share."""
    count = len(owners)
    facts = {
        "x": np.arange(count) * 1000.0 if x is None else x,
        "y": 0.0,
        "potential": 100.0,
        "visits_per_year": 10.0,
        "minutes_per_visit": 30.0,
        "territory": pd.array(owners, dtype="str"),
    }
    customers = pd.DataFrame(facts | columns, index=pd.Index([str(n + 1) for n in range(count)], name="customer_id"))
    if reps is None:
        return portfolio_of(customers)
    ids = pd.Index([f"R{n + 1:02d}" for n in range(len(reps))], name="rep_id")
    table = pd.DataFrame({"x": 0.0, "y": 0.0, "territory": list(reps), "share": list(reps.values())}, index=ids)
    return portfolio_of(customers, table)


def plane_of(xy: np.ndarray, owners: list | np.ndarray, **columns: np.ndarray) -> Portfolio:
    world = world_of(list(owners), x=xy[:, 0], **columns)
    return replace(world, customers=world.customers.set_geometry(_points(xy), crs=world.customers.crs))


def _points(xy: np.ndarray) -> np.ndarray:
    import shapely

    return shapely.points(xy)


def test_a_territory_holds_the_sum_of_its_customers():
    world = world_of(["T1", "T1", "T1", "T2"])

    measured = measure(world, travel="none")

    assert measured.index.tolist() == ["T1", "T2"]
    assert measured.index.name == "territory"
    assert measured["customers"].tolist() == [3, 1]
    assert measured["potential"].tolist() == [300, 100]
    assert measured["workload_minutes"].tolist() == [900, 300]
    assert measured["travel"].tolist() == [0, 0]


def test_the_index_is_100_on_average_and_the_deviation_0():
    world = world_of(["T1", "T1", "T1", "T2"])

    measured = measure(world, travel="none")

    assert measured["index_potential"].tolist() == [150, 50]
    assert measured["deviation_potential"].tolist() == [0.5, -0.5]
    assert measured["index_workload"].tolist() == [150, 50]
    assert max_deviation(measured) == {"potential": 0.5, "workload": 0.5}


def test_a_half_time_rep_should_hold_half():
    world = world_of(["T1", "T1", "T2"], reps={"T1": 1.0, "T2": 0.5})

    measured = measure(world, travel="none")

    assert measured["share"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert measured["deviation_potential"].tolist() == pytest.approx([0, 0])
    assert measured["index_workload"].tolist() == pytest.approx([100, 100])


def test_capacity_is_hours_times_weeks_times_share():
    world = world_of(["T1", "T1", "T2"], reps={"T1": 1.0, "T2": 0.5})
    reps = world.reps.assign(capacity_hours_per_week=[30.0, np.nan])

    measured = measure(replace(world, reps=reps, rules=Rules(weeks_per_year=40, hours_per_week=38)), travel="none")

    assert measured["capacity_minutes"].tolist() == [30 * 60 * 40, 38 * 60 * 40 * 0.5]
    assert measured["capacity_use"].tolist() == [600 / (30 * 60 * 40), 300 / (38 * 60 * 40 * 0.5)]


def test_two_reps_of_one_territory_add_up():
    world = world_of(["T1"] * 4, reps={"T1": 1.0, "T2": 1.0})

    measured = measure(replace(world, reps=world.reps.assign(territory="T1")), travel="none")

    assert measured["rep_id"].tolist() == ["R01;R02"]
    assert measured["capacity_minutes"].tolist() == [2 * 40 * 60 * 46]


def test_a_territory_without_a_rep_is_measured_against_one_full_time_rep():
    world = world_of(["T1", "T2"], reps={"T1": 1.0})

    measured = measure(world, travel="none")

    assert measured["rep_id"].isna().tolist() == [False, True]
    assert measured.loc["T2", "capacity_minutes"] == 40 * 60 * 46
    assert measured["share"].tolist() == [0.5, 0.5]


def test_a_territory_without_customers_has_its_row():
    world = world_of(["T1", "T1"], reps={"T1": 1.0, "T2": 1.0})

    measured = measure(world, travel="none")

    assert measured.loc["T2", ["customers", "potential", "pieces"]].tolist() == [0, 0, 0]
    assert measured.loc["T2", "deviation_potential"] == -1
    assert measured.loc["T2", ["compactness", "mean_km"]].isna().all()


def test_territories_are_in_natural_order():
    world = world_of(["T10", "T2", "T1"])

    assert measure(world).index.tolist() == ["T1", "T2", "T10"]


def test_customers_without_a_territory_count_in_what_each_should_hold():
    world = world_of(["T1", "T2", np.nan, np.nan])

    measured = measure(world, travel="none")

    assert measured["potential"].tolist() == [100, 100]
    assert measured["deviation_potential"].tolist() == [-0.5, -0.5]
    assert measured["index_potential"].tolist() == [100, 100]


def test_any_alignment_can_be_measured():
    world = world_of(["T1", "T1", "T2", "T2"])
    offered = pd.Series({"1": "T1", "2": "T1", "3": "T1", "4": "T3"})

    measured = measure(world, offered, travel="none")

    assert measured["customers"].to_dict() == {"T1": 3, "T3": 1}


def test_an_alignment_of_strangers_is_refused():
    world = world_of(["T1"])

    with pytest.raises(NotFoundError, match="'99' is not a customer"):
        measure(world, pd.Series({"99": "T1"}))


def test_a_territory_cut_in_two_by_another_is_in_two_pieces():
    world = world_of(["T1", "T2", "T1"])

    assert measure(world)["pieces"].to_dict() == {"T1": 2, "T2": 1}


def test_customers_of_nobody_cut_a_territory_too():
    world = world_of(["T1", np.nan, "T1"])

    assert measure(world)["pieces"].to_dict() == {"T1": 2}


def test_the_mean_distance_is_to_the_middle_of_the_customers():
    world = world_of(["T1", "T1", "T1", "T2"], x=[0.0, 3000.0, 6000.0, 9000.0])

    assert measure(world)["mean_km"].to_dict() == {"T1": 2.0, "T2": 0.0}


def test_a_disc_is_compact_and_a_strip_is_not():
    number = np.arange(4000)
    radius, angle = np.sqrt((number + 0.5) / 4000) * 1000, number * np.pi * (3 - np.sqrt(5))
    disc = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    strip = np.stack(np.meshgrid(np.arange(201), np.arange(21)), axis=-1).reshape(-1, 2) * 10.0 + [5000.0, 0.0]
    alone = [measure(plane_of(shape, ["T1"] * len(shape)), travel="none") for shape in (disc, strip)]

    compactness = [measured.loc["T1", "compactness"] for measured in alone]

    # A rectangle of sides w and h has 6 w h / (pi (w^2 + h^2)).
    assert compactness == [pytest.approx(1.0, abs=0.01), pytest.approx(6 * 10 / (np.pi * 101))]


def test_compactness_does_not_depend_on_where_the_customers_crowd():
    corners = np.array([[0.0, 0.0], [1000.0, 0.0], [0.0, 1000.0], [1000.0, 1000.0]])
    town = corners[0] + 200 + np.random.default_rng(1).random((500, 2)) * 50
    crowded = np.vstack([corners, town])

    measured = measure(plane_of(crowded, ["T1"] * len(crowded)))

    assert measured.loc["T1", "compactness"] == pytest.approx(3 / np.pi)


def test_compactness_of_customers_on_a_line_is_unknown():
    assert measure(world_of(["T1"] * 5))["compactness"].isna().all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_customers_all_at_one_place_can_be_measured(count):
    measured = measure(world_of(["T1"] * count, x=[5.0] * count))

    assert measured.loc["T1", ["customers", "pieces", "mean_km"]].tolist() == [count, 1, 0]


def test_nothing_to_share_is_shared_fairly():
    world = world_of(["T1", "T2"], potential=[0.0, 0.0])

    measured = measure(world, travel="none")

    assert measured["deviation_potential"].tolist() == [0, 0]


def test_no_customers_and_no_reps_have_no_territories():
    world = world_of(["T1"])
    empty = replace(world, customers=world.customers.iloc[:0])

    measured = measure(empty)

    assert measured.empty
    assert max_deviation(measured) == {"potential": 0.0, "workload": 0.0}
    assert alerts(empty).empty


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 30), territories=st.integers(1, 5), factor=st.floats(0.5, 50))
def test_shares_sum_to_the_whole_and_scale_names_and_order_of_rows_change_nothing(seed, count, territories, factor):
    rng = np.random.default_rng(seed)
    xy, potential = rng.integers(0, 20, (count, 2)) * 500.0, rng.random(count) + 0.1
    owner = rng.integers(0, territories, count)
    world = plane_of(xy, [f"T{t}" for t in owner], potential=potential)
    order = rng.permutation(count)

    measured = measure(world)

    assert measured["potential"].sum() == pytest.approx(potential.sum())
    assert measured["share"].sum() == pytest.approx(1)
    assert (measured["share"] * (1 + measured["deviation_potential"])).sum() == pytest.approx(1)
    assert measured["index_potential"].mean() == pytest.approx(100)
    assert (measured["pieces"] >= 1).all()
    assert measured["compactness"].dropna().between(0, 1 + 1e-9).all()

    scaled = measure(plane_of(xy, [f"T{t}" for t in owner], potential=potential * factor))
    renamed = measure(plane_of(xy, [f"S{t}" for t in owner], potential=potential))
    shuffled = measure(replace(world, customers=world.customers.iloc[order]))
    for other in (scaled, renamed, shuffled):
        for column in ("index_potential", "deviation_workload", "pieces", "compactness", "mean_km"):
            assert other[column].to_numpy() == pytest.approx(measured[column].to_numpy(), nan_ok=True), column


def test_an_alert_says_in_plain_words_how_unfair_a_territory_is():
    world = world_of(["T1"] * 8 + ["T2"] * 2, reps={"T1": 1.0, "T2": 1.0}, potential=[1000.0] * 10)

    found = alerts(world, tolerance=0.05, travel="none")

    assert found["message"].tolist() == [
        "T1 holds 1.60 times its share of potential (8,000 of 5,000; band 4,750-5,250).",
        "T2 holds 0.40 times its share of potential (2,000 of 5,000; band 4,750-5,250).",
        "T1 holds 1.60 times its share of workload (40 of 25 hours; band 24-26 hours).",
        "T2 holds 0.40 times its share of workload (10 of 25 hours; band 24-26 hours).",
    ]
    assert found["value"].tolist() == pytest.approx([0.6, -0.6, 0.6, -0.6])
    assert found["limit"].tolist() == [0.05] * 4


def test_a_fair_alignment_has_no_alerts():
    world = line_of_customers(9, reps=3)

    assert alerts(world, tolerance=0.05, travel="none").empty


def test_a_territory_at_the_very_edge_of_the_tolerance_is_in_it():
    world = world_of(["T1"] * 11 + ["T2"] * 9, reps={"T1": 1.0, "T2": 1.0})

    assert alerts(world, tolerance=0.10, travel="none").empty


def test_the_rules_tolerance_is_the_default_and_each_measure_may_have_its_own():
    world = world_of(["T1"] * 3 + ["T2"], reps={"T1": 1.0, "T2": 1.0})
    strict_on_potential = replace(world, rules=Rules(tolerance={"potential": 0.4, "workload": 0.6}))

    assert set(alerts(strict_on_potential, travel="none")["measure"]) == {"potential"}
    assert set(alerts(world, tolerance={"potential": 0.6, "workload": 0.4}, travel="none")["measure"]) == {"workload"}


def test_without_a_table_of_reps_no_territory_is_called_vacant():
    world = world_of(["T1", "T1", "T1", "T2"])

    found = alerts(world, tolerance=0.05, travel="none")

    assert set(found["measure"]) == {"potential", "workload"}


def test_what_nobody_visits_comes_before_what_is_unfair():
    world = world_of(["T1", "T3", "T3", np.nan], reps={"T1": 1.0, "T2": 1.0})

    found = alerts(world, tolerance=0.05, travel="none")

    assert found["measure"].tolist()[:3] == ["unassigned", "vacant", "empty"]
    assert found["message"].tolist()[:3] == [
        "1 customer has no territory.",
        "T3 has 2 customers but no rep.",
        "T2 has no customers for its rep R02.",
    ]
    assert found["territory"].isna().tolist()[:2] == [True, False]


def test_too_much_work_for_a_rep_is_an_alert():
    world = world_of(["T1"] * 4, reps={"T1": 1.0}, visits_per_year=[1150.0] * 4)

    found = alerts(world, travel="none")

    assert found["message"].tolist() == ["T1 needs 2,300 hours a year and its rep has 1,840 (125 %)."]
    assert found["value"].tolist() == [1.25]


def test_a_territory_in_pieces_is_an_alert():
    world = world_of(["T1", "T2", "T2", "T1"], reps={"T1": 1.0, "T2": 1.0})

    found = alerts(world, travel="none")

    assert found["message"].tolist() == ["T1 is in 2 pieces."]


def test_an_alignment_on_offer_has_alerts_of_its_own():
    world = world_of(["T1", "T2", "T2", "T1"], reps={"T1": 1.0, "T2": 1.0})
    offered = pd.Series(["T1", "T1", "T2", "T2"], index=world.customers.index)

    assert alerts(world, alignment=offered, travel="none").empty


def test_demand_that_is_known_already_is_not_derived_again():
    world = world_of(["T1", "T2"])
    known = derive_demand(world, travel="none").assign(potential=[500.0, 100.0])

    assert measure(world, demand=known)["potential"].tolist() == [500, 100]


@pytest.mark.skipif(not IOWA.exists(), reason="the Iowa data is not part of the project")
def test_iowa_as_it_is_has_a_territory_with_four_times_its_share():
    from pyproj import Transformer

    to_metres = Transformer.from_crs("EPSG:4326", "+proj=laea +lat_0=42 +lon_0=-93.5", always_xy=True)
    customers = pd.read_csv(IOWA / "customers.csv", dtype={"customer_id": "str"}).set_index("customer_id")
    reps = pd.read_csv(IOWA / "reps.csv", dtype={"rep_id": "str"}).set_index("rep_id")
    for table in (customers, reps):
        table["x"], table["y"] = to_metres.transform(table.pop("lon"), table.pop("lat"))

    measured = measure(portfolio_of(customers, reps), travel="none")

    assert measured["customers"].sum() == 1844
    assert (1 + measured["deviation_potential"].max()).round(1) == 4.0
    assert (1 + measured["deviation_workload"].max()).round(1) == 3.3
