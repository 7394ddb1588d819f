"""Reading GeoJSON, GeoPackage and GeoParquet: the geometry gives the place, in the file's own coordinate system."""

from __future__ import annotations

import json
import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from territory.errors import DataError, Problem
from territory.files.faults import Ledger
from territory.files.source import MAX_COLUMNS, MAX_ROWS, Source, checked_headers, limit_exceeded, trimmed
from territory.geo import LONLAT_DECIMALS, to_wgs84

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
    import pyproj

MAX_UNPACKED_BYTES = 1_000_000_000

_BATCH_ROWS = 20_000
_WGS84 = "OGC:CRS84"
_CRS_MEMBER = re.compile(rb'"(?:c|\\u00[46]3)(?:r|\\u00[57]2)(?:s|\\u00[57]3)("|\\u0000)', re.IGNORECASE)
"""A member `crs` of JSON, in whatever way it is spelt: GDAL looks neither at case nor beyond a NUL."""
_LONGEST_CRS = 4096
_BEGIN_VALUES = tuple('"[-0123456789tfn')


def read_ogr(path: Path, ledger: Ledger) -> Source:
    """A GeoJSON, or the first layer of a GeoPackage.

    Raises
    ------
    DataError
        It is damaged, empty, or beyond a limit.
    """
    table, geometry, crs = _read_layer(path, ledger)
    return _source(table, geometry, crs, ledger)


@dataclass(frozen=True, eq=False)
class Shapes:
    """(n,) shapes in degrees (WGS-84) and, by the file's name of each column, (n,) text or None."""

    shapes: np.ndarray
    texts: dict[str, np.ndarray]


def read_shapes(path: Path, crs: str, ledger: Ledger) -> Shapes:
    """The shapes of a GeoJSON, or of the first layer of a GeoPackage.

    Parameters
    ----------
    crs : what the file is in: "gcj02" and "bd09" always hold; "EPSG:n" where the file does not name its own

    Raises
    ------
    DataError
        It is damaged, empty, not such a file, or beyond a limit.
    """
    import shapely

    ledger.noun = "feature"
    table, geometry, own = _read_layer(path, ledger)
    if geometry not in table.column_names or not table.num_rows:
        raise DataError([Problem(ledger.file, "It holds no shapes.", "Give a GeoJSON or GeoPackage with shapes.")])
    rows = np.arange(1, table.num_rows + 1)
    texts = {
        name: np.array(_as_text(table.column(name), name, rows, ledger).to_pylist(), object)
        for name in table.column_names
        if name != geometry
    }
    shapes = shapely.from_wkb(np.array(table.column(geometry).to_pylist(), dtype=object), on_invalid="ignore")

    def degrees(xy: np.ndarray) -> np.ndarray:
        lonlat = xy if own is None else _lonlat(xy, own, ledger)
        return in_wgs84(lonlat, crs, names_crs=own is not None)

    there = shapely.transform(shapes, degrees)
    _refuse_beyond(there, ledger)
    if not np.isfinite(shapely.get_coordinates(there)).all():
        what = f"It lies outside of what {crs} can express."
        raise DataError([Problem(ledger.file, what, "Check the numbers, and the crs they are in.")])
    return Shapes(there, texts)


def _refuse_beyond(shapes: np.ndarray, ledger: Ledger) -> None:
    """DataError when shapes are not on the globe: mostly latitude comes first in them."""
    import shapely

    lon, lat = np.abs(shapely.get_coordinates(shapes)).T
    if (lat > 90).any() or (lon > 180).any():
        what = f"It has places at longitude {lon.max():.4g}, latitude {lat.max():.4g}, which are not on the globe."
        is_swapped = lon.max() <= 90 and lat.max() <= 180
        fix = "Give longitude first, latitude second." if is_swapped else "Check the numbers, and the crs they are in."
        raise DataError([Problem(ledger.file, what, fix)])


def _read_layer(path: Path, ledger: Ledger) -> tuple[pa.Table, str, str | None]:
    """A GeoJSON or a layer of a GeoPackage: its table, the name of its geometry, and its coordinate system."""
    import pyarrow as pa
    import pyogrio
    from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, GeometryError

    source = _source_name(path, ledger)
    try:
        # Any layer does for plain tables; layers with geometry come first.
        layers = pyogrio.list_layers(source)
        if not len(layers):
            raise _empty(ledger)
        layer = next((name for name, kind in layers if kind is not None), layers[0][0])
        about = pyogrio.read_info(source, layer=layer, force_feature_count=True)
        _check_size(about["features"], len(about["fields"]), ledger)
        meta, table = pyogrio.read_arrow(source, layer=layer)
        table.validate(full=True)
    except (
        CRSError,
        DataSourceError,
        DataLayerError,
        FeatureError,
        GeometryError,
        pa.ArrowException,
        UnicodeDecodeError,
    ) as error:
        raise _damaged(ledger, error) from error
    return table, meta["geometry_name"] or "wkb_geometry", meta["crs"]


def _source_name(path: Path, ledger: Ledger) -> str:
    """The name by which GDAL opens this file, and nothing else that the file may tell it to open.

    Left to itself GDAL chooses among its readers by what is in a file. Some obey it: a `gdal_streamed_alg` in JSON
    names a command to run, a virtual table in SQLite another file to read, a `crs` in GeoJSON an address to fetch.

    Raises
    ------
    DataError
        It is neither a GeoJSON nor a GeoPackage, or names its coordinate system by an address.
    """
    whole = path.absolute()
    try:
        with whole.open("rb") as stream:
            if stream.read(16) == b"SQLite format 3\0":
                # What ends so is opened by the reader of GeoPackages, or by none.
                if whole.suffix.lower() == ".gpkg":
                    return str(whole)
                fix = "If it is a GeoPackage, let its name end in .gpkg."
                raise DataError([Problem(ledger.file, "It is an SQLite database.", fix)])
            if stream.seek(0, 2):
                with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    _check_crs(content, ledger)
    except OSError as error:
        raise DataError([Problem(str(path), f"It cannot be read ({error.strerror}).", "Check the path.")]) from error
    return f"GeoJSON:{whole}"


def _check_crs(content: mmap.mmap, ledger: Ledger) -> None:
    """DataError for a GeoJSON with a `crs` that is no name."""
    for found in _CRS_MEMBER.finditer(content):
        said = content[found.end() : found.end() + _LONGEST_CRS].decode("utf-8", "replace").lstrip()
        is_value = said[:1] in (",", "]", "}")
        if found[1] != b'"' or not (is_value or _is_named(said)):
            what = "Its 'crs' names no coordinate system by itself, but where to find one."
            raise DataError([Problem(ledger.file, what, "Leave it out, and say by --crs what the file is in.")])


def _is_named(said: str) -> bool:
    """Whether what follows the key `crs` is no object, or one that says by its name what it means."""
    if not said.startswith(":"):
        return False
    value = said[1:].lstrip()
    if not value.startswith("{"):
        return value[:1] in _BEGIN_VALUES
    try:
        # As pairs: of a key that comes twice GDAL may take the other.
        pairs, _ = json.JSONDecoder(object_pairs_hook=list).raw_decode(value)
    except (json.JSONDecodeError, RecursionError):
        return False
    return sorted(key for key, _ in pairs) == ["properties", "type"] and dict(pairs)["type"] in ("name", "EPSG")


def in_wgs84(lonlat: np.ndarray, crs: str, *, names_crs: bool) -> np.ndarray:
    """(n, 2) degrees in WGS-84 of what a file holds: an EPSG code is for files that do not name their own."""
    if names_crs and crs.startswith("EPSG"):
        return lonlat
    return np.round(np.column_stack(to_wgs84(lonlat[:, 0], lonlat[:, 1], crs)), LONLAT_DECIMALS)


def read_parquet(path: Path, ledger: Ledger) -> Source:
    """A GeoParquet (geometry as WKB or as native points), or a plain Parquet with columns of coordinates.

    Raises
    ------
    DataError
        It is damaged, empty, or beyond a limit.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            about = file.metadata
            _check_size(about.num_rows, len(file.schema_arrow.names), ledger)
            unpacked = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
            _check_unpacked(unpacked, ledger)
            geo = json.loads((about.metadata or {}).get(b"geo", b"{}"))
            texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
        # Repeated text stays folded while it is read: unfolded, a small file could fill the memory.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            table = _within_limit(file, ledger)
        table.validate(full=True)
    except (pa.ArrowException, json.JSONDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise _damaged(ledger, error) from error
    geometry, crs = _described(geo)
    return _source(table, geometry, crs, ledger)


def _described(geo: object) -> tuple[str, str | None]:
    """The column of the geometry and its coordinate system, as a GeoParquet's metadata say (version 1.1)."""
    whole = geo if isinstance(geo, dict) else {}
    geometry, columns = str(whole.get("primary_column", "geometry")), whole.get("columns")
    described = columns.get(geometry) if isinstance(columns, dict) else None
    # The format's default is WGS-84; null says that it is not known.
    crs = described.get("crs", _WGS84) if isinstance(described, dict) else _WGS84
    return geometry, crs if crs is None or isinstance(crs, str) else json.dumps(crs)


def _within_limit(file: pq.ParquetFile, ledger: Ledger) -> pa.Table:
    import pyarrow as pa

    batches, unpacked = [], 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS):
        batches.append(batch)
        unpacked += batch.nbytes
        _check_unpacked(unpacked, ledger)
    return pa.Table.from_batches(batches) if batches else file.schema_arrow.empty_table()


def _check_size(rows: int, columns: int, ledger: Ledger) -> None:
    if rows > MAX_ROWS:
        raise limit_exceeded(
            ledger.file, f"It has {rows:,} features; at most {MAX_ROWS:,} are read.", "Split the file."
        )
    if columns > MAX_COLUMNS + 1:
        raise limit_exceeded(
            ledger.file,
            f"It has {columns:,} columns; at most {MAX_COLUMNS} are read.",
            "Keep the columns that are needed.",
        )


def _check_unpacked(unpacked: int, ledger: Ledger) -> None:
    if unpacked > MAX_UNPACKED_BYTES:
        raise limit_exceeded(
            ledger.file,
            f"It unpacks to more than {MAX_UNPACKED_BYTES / 1e6:,.0f} MB.",
            "Split the file, or drop columns.",
        )


def _empty(ledger: Ledger) -> DataError:
    return DataError([Problem(ledger.file, "The file is empty.", "Give a feature a customer or rep.")])


def _damaged(ledger: Ledger, error: Exception) -> DataError:
    return DataError([Problem(ledger.file, f"It cannot be read ({error}).", "Export it again from its program.")])


def _source(table: pa.Table, geometry: str, crs: str | None, ledger: Ledger) -> Source:
    import shapely

    rows = np.arange(1, table.num_rows + 1)
    names = [name for name in table.column_names if name != geometry]
    headers = checked_headers(names, ledger)
    columns = [_as_text(table.column(name), name, rows, ledger) for name in headers]
    if geometry not in table.column_names:
        return Source(headers, columns, rows)
    if not _holds_places(table.column(geometry).type):
        what = f"Its column '{geometry}' holds no places."
        raise DataError([Problem(ledger.file, what, "Export it again from its program.")])
    xy, misplaced, outlines = _points(table.column(geometry))
    lonlat = xy if crs is None else _lonlat(xy, crs, ledger)
    if outlines is not None and crs is not None:
        outlines = shapely.transform(outlines, lambda corners: _lonlat(corners, crs, ledger))
    return Source(headers, columns, rows, lonlat, misplaced, outlines, names_crs=crs is not None)


def _holds_places(kind: pa.DataType) -> bool:
    """Whether a column of this type is one of shapes as WKB, or of points with their coordinates."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        axes = [kind.field(number) for number in range(kind.num_fields)]
        return {"x", "y"} <= {axis.name for axis in axes if pa.types.is_floating(axis.type)}
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_string(kind)


def _as_text(column: pa.ChunkedArray, name: str, rows: np.ndarray, ledger: Ledger) -> pa.ChunkedArray:
    """A column as text: whole numbers without a point, days as 2027-03-01, lists and structures as JSON."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        _check_unpacked(_unfolded_bytes(column), ledger)
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        texts = [None if value is None else _number_text(value) for value in column.to_pylist()]
    elif pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        texts = [
            None if value is None else json.dumps(value, default=str, ensure_ascii=False)
            for value in column.to_pylist()
        ]
    elif pa.types.is_timestamp(column.type):
        texts = pc.replace_substring_regex(pc.strftime(column, format="%Y-%m-%d %H:%M:%S"), r" 00:00:00(\.0+)?$", "")
    else:
        texts = column.cast(pa.string())
    cells = pa.chunked_array([texts], pa.string()) if isinstance(texts, list) else texts.cast(pa.string())
    whole = pa.concat_arrays(cells.chunks) if cells.num_chunks else pa.array([], pa.string())
    return pa.chunked_array([trimmed(whole, name, rows, ledger)], pa.string())


def _unfolded_bytes(column: pa.ChunkedArray) -> int:
    import pyarrow.compute as pc

    lengths = (pc.binary_length(chunk.dictionary).take(chunk.indices) for chunk in column.chunks)
    return sum(pc.sum(length).as_py() or 0 for length in lengths)


def _number_text(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _points(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Coordinates (n, 2), NaN where there is no point, in what way, (n,) text or None, and outlines, (n,) or None.

    The place of an area is a point inside, and the area itself its outline.
    """
    import pyarrow as pa
    import shapely

    if pa.types.is_struct(column.type):
        whole = column.combine_chunks()
        xy = np.column_stack([whole.field(axis).to_numpy(zero_copy_only=False).astype(float) for axis in ("x", "y")])
        xy[np.asarray(whole.is_null())] = np.nan
        return xy, np.full(len(xy), None, object), None
    shapes = shapely.from_wkb(np.array(column.to_pylist(), dtype=object), on_invalid="ignore")
    kind = shapely.get_type_id(shapes)
    single = (kind == shapely.GeometryType.MULTIPOINT) & (shapely.get_num_geometries(shapes) == 1)
    shapes = np.where(single, shapely.get_geometry(shapes, 0), shapes)
    is_area = np.isin(kind, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    outlines: np.ndarray | None = None
    if is_area.any():
        # A border that crosses itself has no inside to stand in.
        outlines = shapely.make_valid(np.where(is_area, shapes, None), method="structure", keep_collapsed=False)
        outlines[~(shapely.area(outlines) > 0)] = None
        shapes = np.where(is_area, shapely.point_on_surface(outlines), shapes)
    kind = shapely.get_type_id(shapes)
    xy = np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
    misplaced = np.full(len(shapes), None, object)
    for place in np.flatnonzero(kind > 0):
        misplaced[place] = f"Its geometry is a {shapes[place].geom_type}, not a point or an area."
    return xy, misplaced, outlines


def _lonlat(xy: np.ndarray, crs: str, ledger: Ledger) -> np.ndarray:
    import pyproj
    from pyproj.exceptions import CRSError

    try:
        own = pyproj.CRS.from_user_input(crs)
        transformer = pyproj.Transformer.from_crs(own, "EPSG:4326", always_xy=True)
    except CRSError as error:
        raise _damaged(ledger, error) from error
    if _is_wgs84(own):
        return xy
    ledger.note(f"Its own coordinate system, {own.name}, was honoured.")
    lonlat = np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
    return np.where(np.isfinite(lonlat), lonlat, np.nan)


def _is_wgs84(crs: pyproj.CRS) -> bool:
    return crs.to_authority() in (("EPSG", "4326"), ("OGC", "CRS84"))
