"""Reading: what people write is understood, and every fault is told at once, by row and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from territory.errors import DataError
from territory.files import check_files, read_portfolio
from territory.geo import from_wgs84, unproject

IOWA = Path(__file__).parents[3] / "shared" / "data" / "iowa"
needs_iowa = pytest.mark.skipif(not IOWA.exists(), reason="the Iowa data is not beside the project")


def told(path: Path, *more: Path, **options: object) -> list[str]:
    return [str(fault) for fault in check_files(path, *more, **options).faults]


def notes(path: Path, *more: Path, **options: object) -> str:
    return "\n".join(str(note) for note in check_files(path, *more, **options).notes)


def test_a_list_of_customers_becomes_a_portfolio_in_metres(write):
    path = write("customer_id,name,lon,lat,potential", "007,Café,2.35,48.85,1200", "08,Bar,2.36,48.85,")

    portfolio = read_portfolio(path)

    assert portfolio.customers.index.tolist() == ["007", "08"]
    assert portfolio.customers["name"].tolist() == ["Café", "Bar"]
    assert portfolio.customers["potential"].fillna(-1).tolist() == [1200.0, -1.0]
    assert 730 < portfolio.xy[1, 0] - portfolio.xy[0, 0] < 735
    assert portfolio.reps.empty
    assert portfolio.unplaced.empty


@pytest.mark.parametrize(
    "header",
    ["Account ID,Longitude,LATITUDE", "account_id,lng,lat", "客户编号,经度,纬度", "ＩＤ, x ,y", "Store-Id,LON,Lat"],
)
def test_headers_are_known_by_many_names_in_english_and_chinese(write, header):
    portfolio = read_portfolio(write(header, "7,2.35,48.85"))

    assert portfolio.customers.index.tolist() == ["7"]


def test_two_headers_that_mean_one_column_are_a_fault_that_names_both(write):
    path = write("id,lng,经度,lat", "7,2.35,2.35,48.85")

    assert told(path) == [
        "customers.csv, row 1, columns 'lng', '经度': 'lng' and '经度' both mean lon."
        " Rename one of them, or say which: lon=经度."
    ]


def test_a_chosen_header_goes_before_a_known_one_and_the_other_is_kept(write):
    path = write("id,lon,lat,region,district", "7,2.35,48.85,North,T1")

    portfolio = read_portfolio(path, columns={"territory": "district"})

    assert portfolio.customers["territory"].tolist() == ["T1"]
    assert portfolio.customers["source_region"].tolist() == ["North"]


def test_a_missing_column_lists_the_headers_and_those_near_it(write):
    (fault,) = told(write("id,longitud,lat", "7,2.35,48.85"))

    assert "Column lon is missing. The headers are id, longitud, lat." in fault
    assert "Is it 'longitud'? Then say lon=longitud." in fault


def test_a_mapping_to_what_does_not_exist_lists_what_does(write):
    path = write("id,lon,lat,sales_2021", "7,2.35,48.85,10")

    faults = told(path, columns={"revenues": "sales_2021", "revenue": "sales_2012"})

    assert faults[0].startswith("options: There is no column 'revenues' to map 'sales_2021' to. There are customer_id,")
    assert "There is no header 'sales_2012' to read revenue from. Near it: sales_2021." in faults[1]


def test_the_reps_file_has_its_own_mapping(write):
    customers = write("id,lon,lat", "7,2.35,48.85")
    reps = write("rep_id,x0,y0", "R1,2.35,48.85", name="reps.csv")

    portfolio = read_portfolio(customers, reps, columns={"reps.lon": "x0", "reps.lat": "y0"})

    assert portfolio.reps.geometry.iloc[0] == portfolio.customers.geometry.iloc[0]


def test_every_fault_is_told_at_once_by_row_and_column(write):
    path = write(
        "id,lon,lat,potential,visits,minutes_per_visit,relation,locked,last_visit,opens",
        "1,2.35,48.85,-5,ten,nan,1.5,maybe,03/04/2026,25:00",
        "2,,48.85,,,,,,,",
        "3,200,48.85,,,,,,,",
        "4,abc,48.85,,,,,,,",
        "5,0,0,,,,,,,",
        "1,2.35,48.85,inf,-1,-2,,,,",
        ",2.35,48.85,,,,,,,",
        "7,,,,,,,,,",
    )

    assert told(path) == [
        "customers.csv, row 2, column 'potential': -5 is not 0 or more. Give 0 or more, or leave the cell empty.",
        "customers.csv, row 2, column 'visits': 'ten' is not a number."
        " Give visits a year in figures, as in 1234.5, or leave the cell empty.",
        "customers.csv, row 2, column 'minutes_per_visit': 'nan' is not a number."
        " Give minutes in figures, as in 1234.5, or leave the cell empty.",
        "customers.csv, row 2, column 'relation': 1.5 is not from 0 to 1. Give from 0 to 1, or leave the cell empty.",
        "customers.csv, row 2, column 'locked': 'maybe' is neither yes nor no. Write yes or no.",
        "customers.csv, row 2, column 'opens': '25:00' is not a time of day. Write hours and minutes, as in 08:30.",
        "customers.csv, row 2, column 'last_visit': '03/04/2026' is not a day. Write the year first, as in 2027-03-01.",
        "customers.csv, row 3, columns 'lon', 'lat': It has no longitude. Give degrees, as in 45.7640.",
        "customers.csv, row 4, columns 'lon', 'lat': Longitude 200 is not from -180 to 180."
        " Give degrees, as in 45.7640.",
        "customers.csv, row 5, columns 'lon', 'lat': 'abc' is not a number. Give degrees, as in 45.7640.",
        "customers.csv, row 6, columns 'lon', 'lat': Longitude and latitude are both 0, which stands for no place."
        " Give degrees, as in 45.7640.",
        "customers.csv, row 7, column 'potential': 'inf' is not a number."
        " Give money a year in figures, as in 1234.5, or leave the cell empty.",
        "customers.csv, row 7, column 'visits': -1 is not 0 or more. Give 0 or more, or leave the cell empty.",
        "customers.csv, row 7, column 'minutes_per_visit': -2 is not 0 or more."
        " Give 0 or more, or leave the cell empty.",
        "customers.csv, row 7, column 'id': '1' is also the id of row 2."
        " Give each its own id, or delete the one that is wrong.",
        "customers.csv, row 8, column 'id': It has no customer_id. Give each row an id of its own.",
        "customers.csv, row 9, columns 'lon', 'lat': It has no longitude and no latitude."
        " Give both, or look its address up.",
    ]


def test_reading_raises_with_every_fault_that_is_not_one_of_place(write):
    path = write("id,lon,lat,potential", "1,2.35,48.85,-5", "1,2.35,48.85,x", "3,,,")

    with pytest.raises(DataError) as raised:
        read_portfolio(path)

    assert [problem.where for problem in raised.value.problems] == [
        "customers.csv, row 2, column 'potential'",
        "customers.csv, row 3, column 'potential'",
        "customers.csv, row 3, column 'id'",
    ]


def test_customers_without_a_place_are_unplaced_with_the_reason_and_all_that_is_known_of_them(write):
    path = write("id,name,lon,lat,potential,zip", "1,A,2.35,48.85,5,01", "2,B,,,7,02", ",C,95,north,9,03")

    portfolio = read_portfolio(path)

    assert portfolio.customers.index.tolist() == ["1"]
    assert portfolio.unplaced["reason"].to_dict() == {
        "2": "It has no longitude and no latitude.",
        "row 4": "'north' is not a number.",
    }
    assert portfolio.unplaced.loc["row 4", ["lon", "lat", "name", "potential", "zip"]].tolist() == [
        "95",
        "north",
        "C",
        9.0,
        "03",
    ]


def test_a_made_up_id_never_meets_a_real_one(write):
    portfolio = read_portfolio(write("id,lon,lat", "row 4,2.35,48.85", "1,2.35,48.85", ",,48"))

    assert portfolio.unplaced.index.tolist() == ["row 4*"]


def test_a_file_in_which_nobody_has_a_place_cannot_be_read(write):
    with pytest.raises(DataError, match="No customer has a usable place"):
        read_portfolio(write("id,lon,lat", "1,,", "2,0,0"))


def test_a_swapped_row_is_told_even_when_its_numbers_could_be(write):
    rows = [f"{n},{-74 + n / 100},{40 + n / 100}" for n in range(10)]

    (fault,) = told(write("id,lon,lat", *rows, "swapped,40.7,-74"))

    assert "row 12" in fault
    assert "Longitude 40.7 and latitude -74 are swapped." in fault


@pytest.mark.parametrize(("lon", "lat"), [(31.2, 121.5), (40.7, -74.0)])
def test_a_file_swapped_as_a_whole_is_told_once(write, lon, lat):
    path = write("id,lon,lat", *[f"{n},{lon + n / 100},{lat}" for n in range(9)])

    (fault,) = told(path)

    assert "Longitude and latitude are swapped in the whole file." in fault
    assert "lon=lat and lat=lon" in fault
    assert len(read_portfolio(path, columns={"lon": "lat", "lat": "lon"}).customers) == 9


def test_metres_given_as_degrees_are_told_once_with_the_way_out(write):
    path = write("id,lon,lat", "1,261600,6250000", "2,261700,6250100")

    (fault,) = told(path)

    assert "look like metres" in fault
    assert told(path, crs="EPSG:3857") == []


def test_coordinates_may_be_in_the_chinese_systems(write):
    there = from_wgs84([116.397], [39.909], "gcj02")
    path = write("id,lon,lat", f"1,{there[0][0]},{there[1][0]}")

    portfolio = read_portfolio(path, crs="GCJ-02")

    assert np.ravel(unproject(portfolio.xy, portfolio.customers.crs)).tolist() == [116.397, 39.909]


def test_an_unknown_coordinate_system_is_a_fault_among_the_others(write):
    faults = told(write("id,lon,lat,potential", "1,2.35,48.85,-1"), crs="EPSG:999999")

    assert len(faults) == 2
    assert "There is no such coordinate system." in faults[0]


def test_a_territory_that_no_rep_has_is_vacant_and_noted(write):
    customers = write("id,lon,lat,territory", *[f"{n},2.3{n},48.85,T{1 + n // 3}" for n in range(9)])
    reps = write("rep_id,territory,lon,lat", "R1,T1,2.3,48.8", "R2,T2,2.3,48.8", name="reps.csv")

    check = check_files(customers, reps)

    assert check.faults == ()
    assert "Territory 'T3' (3 customers) has no rep; it counts as vacant." in " ".join(map(str, check.notes))
    assert check.portfolio.territories == ["T1", "T2", "T3"]


@pytest.mark.parametrize(
    ("slip", "mend"),
    [
        ("T1", "Is it 'T01'?"),
        ("t 01", "Is it 'T01'?"),
        ("Noth", "Is it 'North'?"),
        ("R1", "write that rep's territory, 'T01'"),
    ],
)
def test_a_territory_written_wrongly_is_an_unknown_rep_in_its_row(write, slip, mend):
    rows = [f"{n},2.3{n},48.85,{'T01' if n < 5 else 'North'}" for n in range(10)]
    customers = write("id,lon,lat,area", *rows, f"x,2.3,48.8,{slip}")
    reps = write("rep_id,territory", "R1,T01", "R2,North", name="reps.csv")

    (fault,) = told(customers, reps, columns={"territory": "area"})

    assert fault.startswith(f"customers.csv, row 12, column 'area': No rep has territory '{slip}'.")
    assert mend in fault


def test_territories_that_match_no_rep_at_all_are_told_once(write):
    customers = write("id,lon,lat,territory", "1,2.3,48.8,East", "2,2.3,48.8,West")
    reps = write("rep_id,territory", "R1,T1", name="reps.csv")

    (fault,) = told(customers, reps)

    assert "None of the territories (East, West) has a rep; the reps have T1." in fault


def test_customers_may_name_their_rep_when_reps_have_no_territory(write):
    customers = write("id,lon,lat,territory", "1,2.3,48.8,R1", "2,2.3,48.8,R2")
    reps = write("rep_id,name", "R1,Ann", "R2,Bo", name="reps.csv")

    assert read_portfolio(customers, reps).reps["territory"].tolist() == ["R1", "R2"]


def test_a_rep_may_have_no_home_but_not_an_impossible_one(write):
    customers = write("id,lon,lat", "1,2.3,48.8")
    reps = write("rep_id,lon,lat", "R1,,", "R2,2.3,98", "R3,2.3,48.8", name="reps.csv")

    check = check_files(customers, reps)

    assert [fault.where for fault in check.faults] == ["reps.csv, row 3, columns 'lon', 'lat'"]
    assert check.portfolio.reps.geometry.isna().tolist() == [True, True, False]


def test_faults_of_the_reps_file_are_told_with_those_of_the_customers(write):
    customers = write("id,lon,lat,potential", "1,2.3,48.8,-1")
    reps = write("rep_id,share", "R1,0", "R1,1", name="reps.csv")

    wheres = [fault.where for fault in check_files(customers, reps).faults]

    assert wheres == [
        "customers.csv, row 2, column 'potential'",
        "reps.csv, row 2, column 'share'",
        "reps.csv, row 3, column 'rep_id'",
    ]


def test_a_flood_of_faults_is_listed_in_part_and_counted_in_full(write):
    path = write("id,lon,lat,potential", *[f"{n},2.3,48.8,x" for n in range(3000)], *["a,,,-1"] * 500)

    faults = told(path)

    assert len(faults) == 1001
    # 3,000 words for numbers, 500 negative, 499 ids twice, 500 without a place
    assert faults[-1] == "customers.csv: There are 3,499 more faults. Mend these first, then check again."


def test_what_is_derived_kept_shared_or_far_is_noted(write):
    rows = [f"{n},2.35{n},48.85,{n},keep" for n in range(5)]
    path = write("id,lon,lat,revenue,colour", *rows, "twin,2.350,48.85,1,", "far,-70,-30,1,")

    said = notes(path)

    assert "There is no column potential: derived from revenue" in said
    assert "There is no column tier: derived from the rank by potential" in said
    assert "Kept as they are: colour." in said
    assert "2 customers stand at 1 shared places; 2 at that of '0'." in said
    assert "Customer 'far' is " in said


@pytest.mark.parametrize(
    ("content", "what"), [(b"", "empty"), (b"\n\n ,\n", "empty"), (b"id,lon,lat\n", "nothing below")]
)
def test_an_empty_file_is_told(tmp_path, content, what):
    (tmp_path / "customers.csv").write_bytes(content)

    (fault,) = told(tmp_path / "customers.csv")

    assert what in fault


def test_a_file_that_is_not_there_is_told(tmp_path):
    assert "It cannot be read (No such file or directory). Check the path." in told(tmp_path / "none.csv")[0]
    assert "This is a folder" in told(tmp_path)[0]


def test_one_customer_is_a_portfolio(write):
    assert read_portfolio(write("id,lon,lat", "1,179.99,-89.5")).xy.shape == (1, 2)


@needs_iowa
def test_the_iowa_customers_read_without_a_fault():
    check = check_files(IOWA / "customers.csv", IOWA / "reps.csv")

    assert check.faults == ()
    assert (check.customers, check.reps, check.unplaced) == (1844, 12, 0)


@needs_iowa
def test_the_dirty_iowa_ledger_reads_with_its_stores_without_coordinates_unplaced():
    portfolio = read_portfolio(IOWA / "stores_2021.csv", columns={"revenue": "sales_2021"})

    assert (len(portfolio.customers), len(portfolio.unplaced)) == (1847, 101)
    assert portfolio.customers["revenue"].notna().all()
    assert "sales_2021" not in portfolio.customers
