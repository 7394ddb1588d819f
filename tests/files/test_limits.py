"""Files from strangers: refused at a limit, in bounded memory, with the way out."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook

from territory.errors import DataError
from territory.files import check_files, read_portfolio, sheet, source

SHEET = "xl/worksheets/sheet1.xml"
MEMORY_BYTES = 1_500_000_000


def refused(path: Path) -> str:
    with pytest.raises(DataError) as raised:
        read_portfolio(path)
    return str(raised.value)


def workbook(path: Path, **parts: bytes) -> Path:
    """A small workbook, some of whose parts are replaced: a name without folder and ending -> content."""
    book = Workbook()
    book.active.append(["customer_id", "lon", "lat"])
    book.active.append([1, 2.0, 48.0])
    book.save(path.with_suffix(".plain"))
    with zipfile.ZipFile(path.with_suffix(".plain")) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, parts.get(Path(name).stem, old.read(name)))
    return path


def sheet_of(path: Path) -> bytes:
    with zipfile.ZipFile(workbook(path)) as book:
        return book.read(SHEET)


def test_a_sheet_formatted_down_to_its_last_row_reads_quickly_and_in_little_memory(tmp_path):
    empty = b"".join(
        b'<row r="%d" s="1" customFormat="1"><c r="A%d" s="1"/></row>' % (n, n) for n in range(3, 1_048_576)
    )
    last = (
        b'<row r="1048576"><c r="A1048576"><v>9</v></c><c r="B1048576"><v>2</v></c><c r="C1048576"><v>95</v></c></row>'
    )
    content = sheet_of(tmp_path / "c.xlsx").replace(b"</sheetData>", empty + last + b"</sheetData>")
    path = workbook(tmp_path / "c.xlsx", sheet1=content)

    check = check_files(path)

    assert check.customers == 2
    assert check.faults[0].where == "c.xlsx, row 1048576, columns 'lon', 'lat'"


def test_a_zip_bomb_is_refused_by_its_ratio(tmp_path):
    assert "as a zip bomb does" in refused(workbook(tmp_path / "c.xlsx", sheet1=b" " * 50_000_000))


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "MAX_UNPACKED_BYTES", 10_000)

    assert "Save the sheet as 'CSV UTF-8'" in refused(workbook(tmp_path / "c.xlsx"))


def test_an_entity_bomb_in_a_workbook_is_refused(tmp_path):
    entities = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    bomb = f'<?xml version="1.0"?><!-- hi --><!DOCTYPE x [<!ENTITY a0 "ha">{entities}]><worksheet>&a9;</worksheet>'

    assert "declares XML entities" in refused(workbook(tmp_path / "c.xlsx", sheet1=bomb.encode()))
    assert "declares XML entities" in refused(workbook(tmp_path / "c.xlsx", workbook=bomb.encode("utf-16")))


def test_a_sheet_of_too_many_rows_is_refused_with_another_format(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "MAX_SHEET_ROWS", 5)
    book = Workbook()
    for row in [["id", "lon", "lat"], *[[n, 2, 48] for n in range(6)]]:
        book.active.append(row)
    book.save(tmp_path / "c.xlsx")

    assert "more than 5 rows with content. Save it as CSV" in refused(tmp_path / "c.xlsx")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "c.csv").open("wb") as file:
        file.truncate(source.MAX_FILE_BYTES + 1)

    assert "at most 200 MB are read" in refused(tmp_path / "c.csv")


def test_too_many_rows_columns_or_letters_are_refused(write, monkeypatch):
    monkeypatch.setattr("territory.files.text.MAX_ROWS", 3)

    assert "more than 3 rows" in refused(write("id,lon,lat", *[f"{n},2,48" for n in range(4)]))
    assert "501 columns" in refused(write(",".join(f"c{n}" for n in range(501))))
    assert "row 2, column 'name': The cell has 10,001 characters" in refused(
        write("id,name,lon,lat", f"1,{'x' * 10_001},2,48")
    )
    assert "an opening quote that is never closed" in refused(write("id,name,lon,lat", f'1,"{"x" * 200_000},2,48'))


@pytest.mark.parametrize(
    "bomb",
    [
        "path.write_bytes(b'id,lon,lat\\n' + b',' * 150_000_000)",
        "path.write_bytes(b'id,lon,lat\\n' + b'x' * 150_000_000)",
        "path.write_bytes(b'id,lon,lat\\n\"' + b'x\\n' * 70_000_000)",
        "path.write_bytes(b'{' * 150_000_000)",
    ],
)
def test_a_hostile_file_is_refused_within_bounded_memory(tmp_path, bomb):
    program = f"""
import resource, sys
from pathlib import Path
import pyarrow.compute, pyogrio, geopandas
from territory.errors import DataError
from territory.files import read_portfolio
path = Path(sys.argv[1])
{bomb}
resource.setrlimit(resource.RLIMIT_DATA, ({MEMORY_BYTES}, {MEMORY_BYTES}))
try:
    read_portfolio(path)
except DataError as error:
    print("refused:", str(error)[:200])
"""

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "c.csv")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    (tmp_path / "c.csv").unlink()
    assert done.stdout.startswith("refused:"), done.stderr[-2000:]


def test_a_parquet_that_unfolds_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("territory.files.geodata.MAX_UNPACKED_BYTES", 10_000_000)
    table = pd.DataFrame({"id": np.arange(5_000), "lon": 2.0, "lat": 48.0, "name": "x" * 9_000})
    table.to_parquet(tmp_path / "c.parquet")

    assert (tmp_path / "c.parquet").stat().st_size < 200_000
    assert "unpacks to more than 10 MB" in refused(tmp_path / "c.parquet")
