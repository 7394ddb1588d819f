"""Minutes out of a table: what it says, what is reckoned where it is silent, and what is wrong in it."""

import pickle
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.demand import derive_demand
from territory.errors import DataError
from territory.files import read_travel_table
from territory.model import Portfolio, Rules
from territory.realignment import realign
from territory.routing import solve_route
from territory.travel import LineTravel, TableTravel, TravelTimes
from tests.callplan.weeks import planned, town
from tests.worlds import PLANE, portfolio_of

A_KM_A_MINUTE = Rules(detour_factor=1.0, speed_kmh=60.0, hours_per_week=40)
KM = 1000.0


def along(customers: dict[str, float], homes: dict[str, float], **columns: object) -> Portfolio:
    """Customers and reps' homes at kilometres along a line; the rules take a minute for a kilometre."""
    known = {"potential": 100.0, "visits_per_year": 10.0, "minutes_per_visit": 48.0, "territory": "T1"} | columns
    places = pd.DataFrame({"x": [km * KM for km in customers.values()], "y": 0.0, **known}, index=list(customers))
    reps = pd.DataFrame(
        {"x": [km * KM for km in homes.values()], "y": 0.0, "territory": [f"T{n + 1}" for n in range(len(homes))]},
        index=list(homes),
    )
    return portfolio_of(places, reps, A_KM_A_MINUTE)


STREET = along({"007": 0, "1": 10, "2": 20}, {"R1": 0})
"""The rep lives in the house of customer 007."""


@pytest.fixture
def read(tmp_path: Path):
    """Read a table that is written in lines, each as words, _ for an empty cell, of the places of a portfolio."""

    def reading(text: str, portfolio: Portfolio = STREET, **asked: object) -> TableTravel:
        path = tmp_path / "minutes.csv"
        cells = [line.replace("_", "").split(" ") for line in map(str.strip, text.splitlines()) if line]
        path.write_text("\n".join(map(",".join, cells)), "utf-8")
        return read_travel_table(path, portfolio, **asked)

    return reading


def faults_of(read, text: str, portfolio: Portfolio = STREET) -> list[str]:
    with pytest.raises(DataError) as told:
        read(text, portfolio)
    assert all(problem.zh for problem in told.value.problems)
    return [str(problem) for problem in told.value.problems]


def points(*kilometres: float, north_metres: float = 0.0) -> gpd.GeoSeries:
    return gpd.GeoSeries(gpd.points_from_xy(np.array(kilometres) * KM, [north_metres] * len(kilometres)), crs=PLANE)


def minutes_between(travel: TravelTimes, *kilometres: float) -> list[list[float]]:
    return travel.matrix(points(*kilometres)).minutes.tolist()


FULL = """
    from to minutes km
    007 1 12 14
    1 007 13 15
    007 2 30 40
    2 007 30 40
    1 2 9 11
    2 1 9 11
"""


def test_the_table_says_how_long_each_way_takes(read):
    travel = read(FULL)

    answer = travel.matrix(STREET.customers.geometry)

    assert answer.minutes.tolist() == [[0, 12, 30], [13, 0, 9], [30, 9, 0]]
    assert answer.metres.tolist() == [[0, 14_000, 40_000], [15_000, 0, 11_000], [40_000, 11_000, 0]]
    assert (answer.is_estimate, travel.is_estimate) == (False, False)
    assert travel.name == "table of minutes.csv"
    assert set(travel.hours) == {0}


def test_a_way_that_is_given_in_one_direction_is_as_long_in_the_other(read):
    travel = read("from to minutes\n 007 1 12\n 2 007 30\n 1 2 9")

    assert minutes_between(travel, 0, 10, 20) == [[0, 12, 30], [12, 0, 9], [30, 9, 0]]
    assert (travel.given, travel.mirrored, travel.reckoned, travel.is_estimate) == (3, 3, 0, False)


def test_what_the_table_lacks_is_reckoned_from_straight_lines_at_its_pace(read):
    travel = read("from to minutes km\n 007 1 20 15\n 1 2 20 15")

    answer = travel.matrix(STREET.customers.geometry)

    assert answer.minutes[0].tolist() == [0, 20, 40]
    assert answer.metres[0].tolist() == [0, 15_000, 30_000]
    assert answer.is_estimate
    assert travel.is_estimate
    assert not travel.matrix(STREET.customers.geometry.iloc[:2]).is_estimate
    told = "Of 6 pairs of places 2 are given, 2 are as long as their way back, 2 are reckoned from straight lines"
    assert [note.what for note in travel.notes] == [
        f"{told} (2 minutes a kilometre, 0 % off on average on those given)."
    ]


def test_a_bridge_that_is_far_does_not_change_the_pace_of_the_streets(read):
    travel = read("from to minutes\n 007 1 10\n 1 2 10\n 007 2 900", STREET)

    assert minutes_between(travel, 100, 107) == [[0, 7], [7, 0]]


def test_where_the_table_has_no_kilometres_a_way_is_as_long_as_its_minutes_take_one(read):
    travel = read("from to minutes\n 007 1 10\n 1 2 10\n 007 2 90")

    assert travel.matrix(points(0), points(10, 20)).metres.tolist() == [[10_000, 90_000]]


def test_a_cell_without_kilometres_is_filled_likewise(read):
    travel = read("from to minutes km\n 007 1 20 15\n 1 2 20 15\n 007 2 80")

    assert travel.matrix(points(0), points(10, 20)).metres.tolist() == [[15_000, 60_000]]


def test_metres_are_understood_as_well_as_kilometres(read):
    travel = read("from to minutes metres\n 007 1 20 15000")

    assert travel.matrix(points(0), points(10)).metres.tolist() == [[15_000]]


def test_a_phone_s_position_is_reckoned_and_a_rounded_one_is_its_place(read):
    travel = read("from to minutes\n 007 1 20\n 1 2 20")

    assert minutes_between(travel, 0, 15) == [[0, 30], [30, 0]]
    assert travel.matrix(points(0, north_metres=0.4), points(10)).minutes.tolist() == [[20]]
    assert travel.matrix(points(0, north_metres=0.4), points(0)).minutes.tolist() == [[0]]


def test_places_are_the_same_in_every_projection(read):
    travel = read(FULL)

    answer = travel.matrix(STREET.customers.geometry.to_crs("EPSG:3857"), STREET.reps.geometry)

    assert answer.minutes.tolist() == [[0], [13], [30]]


def test_ids_at_one_place_share_their_minutes_and_the_quickest_row_holds(read):
    travel = read("from to minutes km\n 007 1 12 14\n R1 1 11 16\n R1 007 3 1")

    assert travel.matrix(STREET.reps.geometry, points(10)).minutes.tolist() == [[11]]
    assert travel.matrix(STREET.reps.geometry, points(0, 10)).metres.tolist() == [[0, 16_000]]


def test_a_row_that_is_said_twice_is_no_fault(read):
    assert read("from to minutes\n 007 1 12\n 007 1 12.0").given == 1


def test_a_customer_without_a_place_is_left_out_and_told(read):
    lost = pd.DataFrame({"reason": ["It has no longitude."]}, index=pd.Index(["3"], name="customer_id"))

    travel = read("from to minutes\n 007 1 12\n 3 1 5", replace(STREET, unplaced=lost))

    assert travel.given == 1
    assert travel.notes[0].what.startswith("1 rows begin or end at a customer or rep whose place nobody knows")


def test_headers_are_understood_in_chinese_and_numbers_with_a_decimal_comma(tmp_path):
    path = tmp_path / "表.csv"
    path.write_bytes("起点;终点;分钟;公里\n007;1;12,5;14\n".encode("gb18030"))

    travel = read_travel_table(path, STREET)

    assert minutes_between(travel, 0, 10) == [[0, 12.5], [12.5, 0]]
    assert travel.matrix(points(0), points(10)).metres.tolist() == [[14_000]]


def test_a_header_of_one_s_own_can_be_named(read):
    travel = read("from to am\n 007 1 12", columns={"minutes": "am"})

    assert minutes_between(travel, 0, 10)[0] == [0, 12]


@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
def test_sheets_and_parquet_are_read_too(tmp_path, ending):
    path, table = tmp_path / f"minutes.{ending}", pd.DataFrame({"from": ["007"], "to": ["1"], "minutes": [12.5]})
    table.to_excel(path, index=False) if ending == "xlsx" else table.to_parquet(path, index=False)

    assert minutes_between(read_travel_table(path, STREET), 0, 10)[0] == [0, 12.5]


def test_every_fault_is_told_by_row_and_column(read):
    text = """
        from to minutes km
        7 1 12 1
        007 1 twelve 1
        1 2 -3 1
        1 2 _ 1
        2 Q 4 -1
        007 2 5 1
        007 2 6 1
    """

    assert faults_of(read, text) == [
        "minutes.csv, row 2, column 'from': '7' is neither a customer_id nor a rep_id. Perhaps '007'?",
        "minutes.csv, row 3, column 'minutes': 'twelve' is not a number. Give minutes in figures, as in 1234.5.",
        "minutes.csv, row 4, column 'minutes': -3 is not 0 or more. Give minutes in figures, as in 1234.5.",
        "minutes.csv, row 5, column 'minutes': It has no minutes. "
        "Give them, or delete the row: what the table lacks is reckoned from straight lines.",
        "minutes.csv, row 6, column 'to': 'Q' is neither a customer_id nor a rep_id. "
        "Write it as in the customers' or the reps' file.",
        "minutes.csv, row 6, column 'km': -1 is not 0 or more. Give 0 or more, or leave the cell empty.",
        "minutes.csv, row 8, column 'minutes': It is 6 minutes here and 5 in row 7. Delete the row that is wrong.",
    ]


def test_a_table_of_a_larger_portfolio_is_read_for_the_places_that_there_are(read):
    table = read("""
        from to minutes
        007 1 12
        1 2 5
        2 R9 7
        R9 R1 1
    """)

    assert minutes_between(table, 0, 10)[0] == [0, 12]
    [told] = [note.what for note in table.notes if "left out" in note.what]
    assert told == "2 rows begin or end at ids that are neither a customer's nor a rep's and are left out."


def test_a_missing_column_is_told_with_the_headers_there_are(read):
    (told,) = faults_of(read, "from to hours\n 007 1 2")

    assert told.startswith("minutes.csv: Column minutes is missing. The headers are from, to, hours.")


@pytest.mark.parametrize(("text", "what"), [("", "The file is empty."), ("from to minutes", "nothing below it")])
def test_a_table_without_rows_says_so(read, text, what):
    (told,) = faults_of(read, text)

    assert what in told


def test_an_id_that_two_places_have_is_a_fault_where_it_is_used(read):
    twins = along({"1": 0, "2": 5, "3": 9}, {"1": 7, "3": 9})

    assert read("from to minutes\n 2 3 4", twins).given == 1
    assert faults_of(read, "from to minutes\n 1 2 4", twins) == [
        "minutes.csv, row 2, column 'from': '1' is a customer's id and a rep's, at two places. "
        "Give the rep another id, in the reps' file and here."
    ]


def test_a_table_of_nobody_whose_place_is_known_says_so(read):
    lost = pd.DataFrame({"reason": ["It has no longitude."] * 2}, index=pd.Index(["3", "4"], name="customer_id"))

    (told,) = faults_of(read, "from to minutes\n 3 4 5", replace(STREET, unplaced=lost))

    assert "No row leads from one known place to another." in told


def test_a_table_travels_to_another_process(read):
    travel = read(FULL)

    again = pickle.loads(pickle.dumps(travel))

    assert again.fingerprint == travel.fingerprint
    assert minutes_between(again, 0, 10) == minutes_between(travel, 0, 10)


def test_another_minute_or_kilometre_is_another_fingerprint(read):
    prints = {read(FULL).fingerprint, read(FULL.replace("12 14", "12.5 14")).fingerprint}
    prints.add(read(FULL.replace("12 14", "12 14.5")).fingerprint)

    assert len(prints) == 3


PLACES = points(0, 1, 3, 3, 7)
ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 90), st.one_of(st.none(), st.integers(0, 90))),
    max_size=12,
)


def travel_of(rows: list[tuple[int, int, int, int | None]]) -> TableTravel:
    start, goal = np.array([row[:2] for row in rows], int).reshape(-1, 2).T
    minutes, km = np.array([row[2:] for row in rows], float).reshape(-1, 2).T
    return TableTravel.of("rows", PLACES, start, goal, minutes, km * KM, default=LineTravel(1.0, 60.0))


@given(rows=ROWS, draw=st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows, draw):
    mixed = draw.sample(rows, len(rows))

    assert travel_of(mixed).fingerprint == travel_of(rows).fingerprint


@given(rows=ROWS)
def test_every_matrix_is_complete_and_each_way_takes_what_was_said_of_it_or_of_the_way_back(rows):
    travel = travel_of(rows)
    house = [0, 1, 2, 2, 3]
    said: dict[tuple[int, int], int] = {}
    for start, goal, minutes, _ in rows:
        way = house[start], house[goal]
        said[way] = min(minutes, said.get(way, minutes))

    answer = travel.matrix(PLACES)

    assert np.isfinite(answer.minutes).all()
    assert (np.diag(answer.metres) == 0).all()
    for a, b in np.ndindex(5, 5):
        way, back = (house[a], house[b]), (house[b], house[a])
        if house[a] == house[b]:
            assert answer.minutes[a, b] == 0
        elif way in said or back in said:
            assert answer.minutes[a, b] == said.get(way, said.get(back))
        else:
            assert answer.minutes[a, b] == answer.minutes[b, a]


def test_the_way_from_home_counts_in_the_workload_as_the_table_says(read):
    lone = along({"1": 1}, {"R1": 0})
    over_the_river = lone.with_roads(read("from to minutes\n R1 1 12\n 1 R1 13", lone))

    line, roads = derive_demand(lone, travel="line"), derive_demand(over_the_river, travel="roads")

    # Ten visits of 48 minutes fill one day of 480: one drive there and back, of 1 km each, or of 12 and 13 minutes.
    assert line["travel"].tolist() == [2.0]
    assert roads["travel"].tolist() == [25.0]
    assert over_the_river.fingerprint != lone.fingerprint


@pytest.mark.parametrize("unit", ["km", "note"])
def test_around_homes_a_customer_goes_to_the_rep_on_this_side_of_the_river(read, unit):
    banks = along({"1": 1, "2": 1.9, "3": 3}, {"R1": 0, "R2": 4}, territory=["T1", "T1", "T2"])
    text = f"from to minutes {unit}\n R1 1 1 1\n R1 2 30 30\n R1 3 30 30\n R2 3 1 1\n R2 2 2.1 2.1\n R2 1 30 30"
    asked = {"tolerance": 0.9, "centres": "homes", "handover": 0.0, "seed": 1}

    straight = realign(banks, **asked, travel="line")
    by_road = realign(banks.with_roads(read(text, banks)), **asked, travel="roads")

    assert straight.alignment.tolist() == ["T1", "T1", "T2"]
    assert by_road.alignment.tolist() == ["T1", "T2", "T2"]


@pytest.mark.parametrize(("first", "second"), [("1", "2"), ("2", "1")])
def test_a_route_goes_where_the_table_says_it_is_quick(read, first, second):
    two = along({"1": 10, "2": 10.1}, {"R1": 0})
    text = f"from to minutes km\n R1 1 15 10\n R1 2 15 10\n {first} {second} 5 2\n {second} {first} 60 50"
    roads = two.with_roads(read(text, two))

    route = solve_route(roads, rep="R1", day="2027-03-03", pause=None)

    assert route.stops["customer_id"].tolist() == [first, second]
    assert route.drive_km == 22
    assert route.home == pd.Timestamp("2027-03-03 08:00") + pd.Timedelta(minutes=15 + 48 + 5 + 48 + 15)
    assert not route.is_estimate


def test_a_call_plan_drives_as_long_as_the_table_says(read):
    lone = town([(10, 0)])
    roads = lone.with_roads(read("from to minutes\n R01 1 25", lone))

    calls = planned(roads, weeks=2)

    assert calls.days.loc[calls.days["visits"] > 0, "drive_minutes"].tolist() == [50.0, 50.0]
    assert (calls.travel, calls.is_estimate) == ("table of minutes.csv", False)
