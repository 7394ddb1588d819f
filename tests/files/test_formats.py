"""Formats: CSV in its encodings and delimiters, XLSX, GeoJSON, GeoPackage, GeoParquet."""

from __future__ import annotations

import json
from datetime import date, time

import geopandas as gpd
import numpy as np
import pytest
import shapely
from openpyxl import Workbook

from territory.errors import DataError
from territory.files import check_files, read_portfolio
from territory.geo import unproject

LINES = ("客户编号,名称,lon,lat", "007,上海第一店,121.47,31.23", "008,北京,116.4,39.9")


def places(portfolio):
    return np.column_stack(unproject(portfolio.xy, portfolio.customers.crs)).tolist()


def workbook(path, *sheets):
    book = Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Sheet{number + 1}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_title_may_stand_above_the_header_of_a_sheet(tmp_path):
    path = workbook(
        tmp_path / "客户.xlsx",
        [["说明"], ["2027年客户清单"]],
        [["客户清单 2027"], [], ["客户编号", "经度", "纬度"], ["007", 121.47, 31.23]],
    )

    check = check_files(path)

    assert check.portfolio.customers.index.tolist() == ["007"]
    assert "row 3: What stands above this row was taken for a title." in str(check.notes[1])


def test_rows_below_a_title_keep_the_numbers_the_sheet_shows(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["Customers"], ["id", "lon", "lat"], ["1", 2.3, 48.8], ["2", 2.3, 95.0]])

    faults = check_files(path).faults

    assert [fault.where for fault in faults] == ["a.xlsx, row 4, columns 'lon', 'lat'"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_may_be_in_utf_8_with_or_without_bom_or_in_gb18030(write, encoding):
    portfolio = read_portfolio(write(*LINES, encoding=encoding))

    assert portfolio.customers["name"].to_dict() == {"007": "上海第一店", "008": "北京"}


def test_gb18030_is_noted(write):
    assert "It is written in GB18030" in str(check_files(write(*LINES, encoding="gb18030")).notes[0])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_and_utf_32_are_refused_with_the_mend(write, encoding):
    with pytest.raises(DataError, match=r"UTF-(16|32).*Save the file as 'CSV UTF-8'"):
        read_portfolio(write(*LINES, encoding=encoding))


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_a_western_encoding_is_not_taken_for_chinese(write, encoding):
    path = write("id,name,lon,lat", "1,Plain,2,48", "2,Müller & Söhne Café,2,48", encoding=encoding)

    with pytest.raises(DataError, match=r"line 3: A character here is neither UTF-8 nor GB18030\."):
        read_portfolio(path)


def test_one_broken_letter_in_utf_8_is_told_by_its_line(write):
    path = write(*LINES, "9,上海市第一食品商店,121,31")
    path.write_bytes(path.read_bytes() + "10,店".encode()[:-1] + b",121,31\n")

    with pytest.raises(DataError, match="line 5: A character here"):
        read_portfolio(path)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_delimiter_is_noticed(write, mark):
    assert len(read_portfolio(write(*[line.replace(",", mark) for line in LINES])).customers) == 2


def test_quotes_hold_delimiters_and_line_breaks_and_rows_are_counted_as_a_spreadsheet_does(write):
    path = write("id,name,lon,lat", '1,"A, ""the"" shop\nupstairs",2,48', "", "2,B,2,99")

    check = check_files(path)

    assert check.portfolio.customers["name"].tolist() == ['A, "the" shop\nupstairs']
    assert check.faults[0].where.startswith("customers.csv, row 4,")


def test_a_quote_that_is_never_closed_is_told(write):
    faults = check_files(write("id,name,lon,lat", "1,A,2,48", '2,"B,2,48', "3,C,2,48")).faults

    assert "A double quote is opened and never closed." in str(faults)


def test_a_cell_too_many_is_told_and_a_cell_too_few_is_blank(write):
    path = write("id,lon,lat,name", "1,2,48,A,B", "2,2,48")

    (fault,) = check_files(path).faults

    assert str(fault).startswith("customers.csv, row 2: It has 5 cells, the header 4; 'B' has no header.")


def test_line_ends_of_any_system_are_read(tmp_path):
    for ends in ("\r\n", "\r", "\n"):
        (tmp_path / "c.csv").write_bytes(ends.join(LINES).encode())

        assert len(read_portfolio(tmp_path / "c.csv").customers) == 2


def test_columns_we_do_not_know_are_kept_as_text(write):
    customers = read_portfolio(write("id,lon,lat,zip,zip,,geometry", "1,2,48,00501,x,y,z")).customers

    assert customers[["zip", "zip_2", "column 6", "source_geometry"]].iloc[0].tolist() == ["00501", "x", "y", "z"]


def test_a_workbook_reads_with_ids_days_and_times_as_a_person_sees_them(tmp_path):
    path = workbook(
        tmp_path / "c.xlsx",
        [
            ["customer_id", "lon", "lat", "last_visit", "open_from", "locked", "note"],
            [7.0, 2.35, 48.85, date(2027, 3, 1), time(8, 30), True, 1.5],
            [None, None, None, None],
            ["007", 2.36, "48.85", None, None, False, None],
            [12345678901234567, 2.37, 99, None, None, None, None],
        ],
    )

    check = check_files(path)

    customers = check.portfolio.customers
    assert customers.index.tolist() == ["7", "007"]
    assert customers.loc["7", ["last_visit", "open_from", "locked", "note"]].tolist() == [
        "2027-03-01",
        "08:30",
        True,
        "1.5",
    ]
    assert [fault.where for fault in check.faults] == ["c.xlsx, row 5, columns 'lon', 'lat'"]


def test_of_a_workbook_the_sheet_with_our_headers_is_read(tmp_path):
    path = workbook(tmp_path / "c.xlsx", [["About this file"]], [], [[], ["编号", "x", "y"], ["A", 2, 48]])

    check = check_files(path)

    assert check.portfolio.customers.index.tolist() == ["A"]
    assert "Sheet 'Sheet3' was read." in str(check.notes[0])


def test_an_empty_workbook_is_told(tmp_path):
    assert "The workbook is empty." in str(check_files(workbook(tmp_path / "c.xlsx", [])).faults)


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04 and nothing", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"SQLite format 3\0", b"PAR1", b"{"]
)
def test_a_damaged_file_is_told_as_such(tmp_path, content):
    (tmp_path / "c.bin").write_bytes(content)

    with pytest.raises(DataError, match=r"c\.bin"):
        read_portfolio(tmp_path / "c.bin")


@pytest.mark.parametrize(("name", "driver"), [("c.geojson", "GeoJSON"), ("c.gpkg", "GPKG"), ("c.parquet", None)])
@pytest.mark.parametrize("epsg", [4326, 32651])
def test_geometry_gives_the_place_in_the_files_own_system(tmp_path, name, driver, epsg):
    table = gpd.GeoDataFrame(
        {"id": ["007", "8", "9"], "potential": [1.5, np.nan, 3.0], "zip": [1, 2, 3], "last_visit": ["2027-03-01"] * 3},
        geometry=[shapely.Point(121.47, 31.23), shapely.Point(121.5, 31.2), None],
        crs=4326,
    ).to_crs(epsg)
    if driver:
        table.to_file(tmp_path / name, driver=driver)
    else:
        table.to_parquet(tmp_path / name)

    portfolio = read_portfolio(tmp_path / name)

    assert places(portfolio) == [[121.47, 31.23], [121.5, 31.2]]
    assert portfolio.customers["zip"].tolist() == ["1", "2"]
    assert portfolio.customers["last_visit"].tolist() == ["2027-03-01"] * 2
    assert portfolio.unplaced["reason"].to_dict() == {"9": "It has no longitude and no latitude."}


def test_a_geojson_of_chinese_map_coordinates_is_shifted_when_we_are_told_so(tmp_path):
    table = gpd.GeoDataFrame({"id": ["1"]}, geometry=[shapely.Point(116.40324351, 39.9104034)], crs=4326)
    table.to_file(tmp_path / "c.geojson")

    assert places(read_portfolio(tmp_path / "c.geojson", crs="gcj02")) == [[116.397, 39.909]]


def test_a_shape_that_is_no_point_and_no_area_has_no_place(tmp_path):
    shapes = [shapely.LineString([(2, 48), (3, 49)]), shapely.MultiPoint([(2, 48)])]
    gpd.GeoDataFrame({"id": ["1", "2"]}, geometry=shapes, crs=4326).to_file(tmp_path / "c.geojson")

    (fault,) = check_files(tmp_path / "c.geojson").faults

    said = "c.geojson, feature 1: Its geometry is a LineString, not a point or an area. Give a point or a polygon."
    assert str(fault) == said


def test_a_geojson_without_features_is_told(tmp_path):
    (tmp_path / "c.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": []}))

    assert check_files(tmp_path / "c.geojson").faults


def test_a_plain_parquet_gives_places_in_its_columns(tmp_path):
    gpd.pd.DataFrame({"id": [7, 8], "lon": [2.0, 3.0], "lat": [48.0, 49.5]}).to_parquet(tmp_path / "c.parquet")

    assert places(read_portfolio(tmp_path / "c.parquet")) == [[2.0, 48.0], [3.0, 49.5]]
