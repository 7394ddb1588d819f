"""What people take away: workbooks and GeoPackages that hold every row, and nothing that runs."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pyogrio
import pytest

from api.exchange.workbooks import geopackage, workbook
from api.planning.listing import Listing, point_shapes
from api.problems import NotAcceptableError
from tests.api.services import Running, town

RUNS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "#N/A", "=HYPERLINK(1)", "plain"]


def listing_of(**columns: list[object]) -> Listing:
    count = len(next(iter(columns.values())))
    return Listing(columns, "1", range(count), next(iter(columns)))


def cells_of(content: bytes) -> list[list[object]]:
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_a_workbook_holds_numbers_as_numbers_and_every_text_as_text():
    told = listing_of(
        customer_id=["007", *RUNS], potential=[1.5, *range(len(RUNS))], is_open=[None, *[True] * len(RUNS)]
    )

    rows = cells_of(workbook(told, told.rows, "Customers: [all]"))

    assert rows[0] == ["customer_id", "potential", "is_open"]
    assert rows[1] == ["007", 1.5, None]
    sheet = openpyxl.load_workbook(io.BytesIO(workbook(told, told.rows, "x"))).active
    assert sheet is not None
    assert {cell.data_type for cell in sheet["A"]} == {"s"}
    assert [row[0] for row in rows[2:]] == [name.replace("\r", "\n") for name in RUNS]


def test_the_same_table_is_the_same_workbook_to_the_byte_however_wide_it_is():
    told = listing_of(**{f"column {number}": [number] for number in range(60)})

    first, second = (workbook(told, told.rows, "wide") for _ in range(2))

    assert first == second
    assert cells_of(first) == [[f"column {number}" for number in range(60)], list(range(60))]


def test_a_table_longer_than_a_sheet_is_refused():
    told = replace(listing_of(customer_id=["1"]), rows=range(1_048_576))

    with pytest.raises(NotAcceptableError, match="1,048,575 rows"):
        workbook(told, told.rows, "long")


def test_what_a_cell_cannot_hold_is_cut_and_not_refused():
    told = listing_of(name=["x" * 40_000, "half \ud800", "bell \x07", "\U0001f600"])

    rows = cells_of(workbook(told, told.rows, ""))

    assert [len(str(row[0])) for row in rows[1:]] == [32_767, 6, 6, 1]


def test_a_geopackage_holds_places_and_keeps_columns_apart_that_sqlite_would_not(tmp_path: Path):
    columns: dict[str, list[object]] = {
        "fid": ["a", "b"],
        "Name": ["=1", None],
        "name": [1, None],
        "on": [True, None],
        "share": [0.5, 2],
        "none": [None] * 2,
    }
    shapes = point_shapes(np.array([5.0, 6.0]), np.array([45.0, 46.0]))
    told = replace(listing_of(**columns), shapes=shapes)
    (tmp_path / "x.gpkg").write_bytes(geopackage(told, told.rows, "customers"))

    found = pyogrio.read_dataframe(tmp_path / "x.gpkg", layer="customers")

    assert list(found.columns) == ["fid_", "Name", "name_", "on", "share", "none", "geometry"]
    assert found["share"].tolist() == [0.5, 2.0]
    assert found.geometry.x.tolist() == [5.0, 6.0]
    assert found.crs.to_epsg() == 4326


@pytest.mark.parametrize("rows", [0, 3])
def test_an_empty_table_is_a_file_too(tmp_path: Path, rows: int):
    told = replace(listing_of(customer_id=["1", "2", "3"]), rows=range(rows))
    (tmp_path / "x.gpkg").write_bytes(geopackage(told, told.rows, "customers"))

    assert len(pyogrio.read_dataframe(tmp_path / "x.gpkg")) == rows
    assert len(cells_of(workbook(told, told.rows, "x"))) == rows + 1


def test_choosing_among_no_rows_gives_no_rows():
    nobody = replace(listing_of(customer_id=[]), rows=range(0))

    chosen = nobody.only(np.zeros(0, bool), ".mine")

    assert (len(chosen), chosen.records(), chosen.version) == (0, [], "1.mine")


def test_tables_are_taken_away_as_files_under_the_same_address(service: Running, tmp_path: Path):
    path = service.bring(town(9, reps=3))

    book = service.get("manager", f"{path}/customers?f=xlsx")
    package = service.get("manager", f"{path}/territories?f=gpkg")
    again = service.get("manager", f"{path}/customers?f=xlsx", headers={"If-None-Match": book.headers["etag"]})

    assert len(cells_of(book.content)) == 10
    assert book.headers["content-disposition"] == 'attachment; filename="customers.xlsx"'
    (tmp_path / "t.gpkg").write_bytes(package.content)
    assert sorted(pyogrio.read_dataframe(tmp_path / "t.gpkg", layer="territories")["territory"]) == ["T1", "T2", "T3"]
    assert again.status_code == 304
    assert service.get("manager", f"{path}/alerts?f=gpkg").status_code == 406
