"""Files that tell their reader to open something else: nothing else is opened, and the file is refused."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from territory.errors import DataError
from territory.files import check_files, read_portfolio
from tests.loopback import Loopback, Quiet

POINT = {"type": "Point", "coordinates": [5, 45]}
NAMED = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}


def collection(first: str = "", *, properties: dict[str, object] | None = None) -> str:
    """A GeoJSON with one customer; `first` is the beginning of its object."""
    features = [{"type": "Feature", "properties": {"customer_id": "a", **(properties or {})}, "geometry": POINT}]
    return '{"type": "FeatureCollection", ' + first + f'"features": {json.dumps(features)}}}'


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the machine that an upload must not reach."""
    path = tmp_path / "secret.csv"
    path.write_text("customer_id,lon,lat\nnobody's business,5,45\n")
    return path


@pytest.fixture
def fetched() -> Iterator[tuple[str, list[str]]]:
    """An address, and what was asked for there."""
    asked: list[str] = []

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

    with Loopback(Handler) as running:
        yield running.url, asked


def test_a_command_in_json_is_not_run(tmp_path: Path, secret: Path):
    path = tmp_path / "customers.geojson"
    path.write_text(json.dumps({"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {secret}"}))

    check = check_files(path)

    assert check.portfolio is None
    assert "nobody" not in str(check.faults)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # GDAL's own, of a GeoPackage that is none
@pytest.mark.parametrize("name", ["customers.sqlite", "customers.db", "customers.gpkg"])
def test_a_table_that_is_another_file_is_not_read(tmp_path: Path, secret: Path, name: str):
    path = tmp_path / name
    virtual = f"CREATE VIRTUAL TABLE customers USING VirtualOGR('{secret}')"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE first (fid INTEGER PRIMARY KEY)")
        connection.execute("PRAGMA writable_schema = ON")
        row = ("table", "customers", "customers", 0, virtual)
        connection.execute(
            "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?)", row
        )
    connection.close()

    check = check_files(path)

    assert check.portfolio is None
    assert "nobody" not in str(check.faults)


@pytest.mark.parametrize("key", ["crs", "CRS", "\\u0063rs", "c\\u0052S", "crs\\u0000"])
@pytest.mark.parametrize("kind", ["link", "URL", "name\\u0000"])
def test_a_coordinate_system_is_not_fetched(tmp_path: Path, fetched: tuple[str, list[str]], key: str, kind: str):
    address, asked = fetched
    where = f'"href": "{address}/crs", "url": "{address}/crs"'
    path = tmp_path / "customers.geojson"
    path.write_text(collection(f'"{key}": {{"type": "{kind}", "properties": {{{where}}}}}, '))

    check = check_files(path)

    assert asked == []
    assert check.portfolio is None or kind.startswith("name")


@pytest.mark.parametrize(
    "crs",
    [
        '{"type": "name", "type": "link", "properties": {"href": "ADDRESS"}}',
        '{"TYPE": "link", "type": "name", "properties": {"href": "ADDRESS"}}',
        '{"type": "link", "properties": {"href": "ADDRESS"}',
        '\v{"type": "link", "properties": {"href": "ADDRESS"}}',
    ],
)
def test_no_spelling_of_a_link_is_followed(tmp_path: Path, fetched: tuple[str, list[str]], crs: str):
    address, asked = fetched
    path = tmp_path / "customers.geojson"
    path.write_text(collection(f'"crs" :{crs.replace("ADDRESS", address)}, '))

    faults = check_files(path).faults

    assert asked == []
    assert "'crs'" in str(faults)


def test_a_link_in_a_shape_is_not_followed(tmp_path: Path, fetched: tuple[str, list[str]]):
    address, asked = fetched
    link = {"type": "link", "properties": {"href": address}}
    path = tmp_path / "customers.geojson"
    path.write_text(collection().replace('"type": "Point"', f'"type": "Point", "crs": {json.dumps(link)}'))

    check = check_files(path)

    assert (check.portfolio, asked) == (None, [])


@pytest.mark.parametrize("properties", [{"crs": "wgs84"}, {"note": 'it says "crs": {"type": "link"}'}, {"crs": None}])
def test_a_named_coordinate_system_and_words_about_it_are_read(tmp_path: Path, properties: dict[str, object]):
    path = tmp_path / "customers.json"
    path.write_text(collection(f'"crs": {json.dumps(NAMED)}, ', properties=properties))

    portfolio = read_portfolio(path)

    assert portfolio.customers.index.tolist() == ["a"]


@pytest.mark.parametrize("geo", ["null", "[]", '{"columns": null}', '{"columns": {"geometry": []}}', '{"columns": []}'])
def test_what_a_parquet_says_of_itself_may_be_nonsense(tmp_path: Path, geo: str):
    path = tmp_path / "customers.parquet"
    place = shapely.to_wkb(shapely.Point(5, 45))
    table = pa.table({"customer_id": ["a"], "geometry": [place], "potential": [1.0]})
    pq.write_table(table.replace_schema_metadata({"geo": geo}), path)

    portfolio = read_portfolio(path)

    assert portfolio.customers.index.tolist() == ["a"]


@pytest.mark.parametrize("places", [[1], [{"x": "a"}], [{"x": "a", "y": "b"}], [[1.0, 2.0]]])
def test_a_parquet_whose_geometry_is_none_is_told(tmp_path: Path, places: list[object]):
    path = tmp_path / "customers.parquet"
    table = pa.table({"customer_id": ["a"], "geometry": places})
    pq.write_table(table.replace_schema_metadata({"geo": "{}"}), path)

    check = check_files(path)

    assert "holds no places" in str(check.faults)


def test_a_geopackage_whose_name_ends_otherwise_is_told(tmp_path: Path):
    layer = gpd.GeoDataFrame({"customer_id": ["a"]}, geometry=[shapely.Point(5, 45)], crs=4326)
    layer.to_file(tmp_path / "a.gpkg", driver="GPKG")
    path = (tmp_path / "a.gpkg").rename(tmp_path / "customers.data")

    with pytest.raises(DataError, match=r"\.gpkg"):
        read_portfolio(path)


def test_a_view_that_calls_what_is_not_safe_is_told(tmp_path: Path):
    layer = gpd.GeoDataFrame({"customer_id": ["a"]}, geometry=[shapely.Point(5, 45)], crs=4326)
    path = tmp_path / "customers.gpkg"
    layer.to_file(path, driver="GPKG")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE VIEW v AS SELECT 1 AS fid, load_extension('x.so') AS customer_id")
        connection.execute("DELETE FROM gpkg_geometry_columns")
        connection.execute("UPDATE gpkg_contents SET table_name = 'v', data_type = 'attributes'")
        connection.execute("DROP TABLE gpkg_ogr_contents")
    connection.close()

    check = check_files(path)

    assert check.portfolio is None
    assert "load_extension" in str(check.faults)
