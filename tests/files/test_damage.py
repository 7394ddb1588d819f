"""Files that were damaged on their way: whatever a byte has become, the file is read or the fault is told."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from territory.files import check_files

FORMATS = ("csv", "xlsx", "parquet", "geojson", "gpkg")
DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4)), min_size=1)


@cache
def whole(ending: str) -> bytes:
    """A file of each format that can be read."""
    count = np.arange(12)
    table = pd.DataFrame({"customer_id": [f"{number:03d}" for number in count], "name": "店", "potential": count + 1.0})
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"customers.{ending}"
        places = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(5 + count / 100, 45 + count / 100), crs=4326)
        if ending == "csv":
            table.assign(lon=places.geometry.x, lat=places.geometry.y).to_csv(path, index=False)
        elif ending == "xlsx":
            table.assign(lon=places.geometry.x, lat=places.geometry.y).to_excel(path, index=False)
        elif ending == "parquet":
            places.to_parquet(path)
        else:
            places.to_file(path, driver={"geojson": "GeoJSON", "gpkg": "GPKG"}[ending])
        return path.read_bytes()


def is_told(path: Path, content: bytes) -> bool:
    """Whether the file is read, or faults are told; what else it may raise is raised."""
    path.write_bytes(content)
    check = check_files(path)
    return check.portfolio is not None or bool(check.faults)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_whole_file_is_read(tmp_path: Path, ending: str):
    path = tmp_path / f"customers.{ending}"
    path.write_bytes(whole(ending))

    assert len(check_files(path).portfolio.customers) == 12


@pytest.mark.filterwarnings("ignore")  # of the libraries that read them, each of what it has stumbled over
@pytest.mark.parametrize("ending", FORMATS)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(damage=DAMAGE)
def test_a_damaged_file_is_read_or_told(tmp_path: Path, ending: str, damage: list[tuple[float, bytes]]):
    content = bytearray(whole(ending))

    for where, piece in damage:
        start = int(where * len(content))
        content[start : start + len(piece)] = piece

    assert is_told(tmp_path / f"customers.{ending}", bytes(content))


@pytest.mark.parametrize("ending", ["geojson", "parquet"])
def test_half_a_character_is_told(tmp_path: Path, ending: str):
    content = whole(ending).replace("店".encode(), b"\xe5\xba\x20")

    path = tmp_path / f"customers.{ending}"

    assert is_told(path, content)
    assert check_files(path).portfolio is None


@pytest.mark.parametrize("rules", ["a=" + "[" * 100_000, "a=" + "{a=" * 50_000, "a=" + "9" * 5000])
def test_rules_beyond_all_bounds_are_told(tmp_path: Path, rules: str):
    customers, path = tmp_path / "customers.csv", tmp_path / "rules.toml"
    customers.write_bytes(whole("csv"))
    path.write_text(rules)

    faults = check_files(customers, rules=path).faults

    assert "is not TOML" in str(faults)


def test_brackets_beyond_all_bounds_in_what_a_file_says_of_itself_are_told(tmp_path: Path):
    deep = "[" * 100_000 + "]" * 100_000
    parquet, geojson = tmp_path / "customers.parquet", tmp_path / "customers.geojson"
    table = pq.read_table(BytesIO(whole("parquet"))).replace_schema_metadata({"geo": f'{{"columns": {deep}}}'})
    pq.write_table(table, parquet)
    geojson.write_text(f'{{"type": "FeatureCollection", "crs": {{"type": {deep}}}, "features": []}}')

    checks = [check_files(path) for path in (parquet, geojson)]

    assert [check.portfolio for check in checks] == [None, None]


def test_a_sheet_that_cannot_be_unpacked_is_told(tmp_path: Path):
    content = bytearray(whole("xlsx"))
    start = content.index(b"xl/worksheets/sheet1.xml") + 40
    content[start : start + 40] = b"\xff" * 40

    path = tmp_path / "customers.xlsx"

    assert is_told(path, bytes(content))
    assert check_files(path).portfolio is None
