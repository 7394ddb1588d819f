"""A table on its way out: columns of plain values, and places in degrees when it has any."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from territory.geo import unproject

if TYPE_CHECKING:
    import pyproj

DEGREE_DECIMALS = 6

Shapes = Callable[[np.ndarray], np.ndarray]
"""GeoJSON geometries, as text, of the rows (k,); None where a row has none."""


@dataclass(frozen=True, eq=False)
class Listing:
    """Rows to show: `rows` (k,) are those of the columns that are meant, in their order.

    columns : name -> (n,) plain values, None for what is not known
    version : what the table depends on; the same text, the same table
    """

    columns: Mapping[str, Sequence[Any]]
    version: str
    rows: np.ndarray | range
    key: str
    shapes: Shapes | None = None

    @classmethod
    def of(cls, table: pd.DataFrame, version: str, shapes: Shapes | None = None) -> Listing:
        """All rows of a table; its index becomes the first column, and the key."""
        flat = table.reset_index() if table.index.name else table
        columns = {str(name): plain_values(flat[name]) for name in flat}
        return cls(columns, version, range(len(flat)), str(flat.columns[0]), shapes)

    @classmethod
    def plain(cls, **columns: Iterable[Any]) -> Listing:
        """A table of these columns, the first of which is the key; without a version of its own."""
        told = {name: list(values) for name, values in columns.items()}
        key, values = next(iter(told.items()), ("", []))
        return cls(told, "", range(len(values)), key)

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, chosen: np.ndarray, version: str = "") -> Listing:
        """The rows that are `chosen`, (n,) bool over all rows of the columns."""
        rows = np.asarray(self.rows, dtype=np.int64)
        return Listing(self.columns, self.version + version, rows[chosen[rows]], self.key, self.shapes)

    def records(self, start: int = 0, count: int | None = None) -> list[dict[str, Any]]:
        """The rows from `start` on as objects, `count` of them or all."""
        chosen = self.rows[start : len(self.rows) if count is None else start + count]
        return [{name: values[row] for name, values in self.columns.items()} for row in chosen]

    def one(self, key: str) -> Listing | None:
        """The row with this key, alone."""
        values = self.columns[self.key]
        found = next((int(row) for row in self.rows if values[row] == key), None)
        return None if found is None else replace(self, rows=range(found, found + 1))

    def record(self, key: str) -> dict[str, Any] | None:
        """The row with this key."""
        found = self.one(key)
        return None if found is None else found.records()[0]


def fields_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """Field -> value of a JSON object; those of an object in it by its name and theirs, as in `home.lon`."""
    fields: dict[str, Any] = {}
    for name, value in content.items():
        inner = value if isinstance(value, Mapping) else {}
        fields |= {f"{name}.{key}": each for key, each in inner.items()} or {name: value}
    return fields


def plain_values(column: pd.Series) -> list[Any]:
    """Python's own numbers and texts, None for what is not known or not finite."""
    if column.dtype.kind == "f":
        values = column.to_numpy(float)
        if np.isfinite(values).all():
            return list(values.tolist())
        return [
            value if is_finite else None for value, is_finite in zip(values.tolist(), np.isfinite(values), strict=True)
        ]
    if column.dtype.kind in "iub":
        return list(column.to_numpy().tolist())
    return [None if is_na else value for value, is_na in zip(column.tolist(), column.isna().tolist(), strict=True)]


def point_shapes(lon: np.ndarray, lat: np.ndarray) -> Shapes:
    """Shapes of points in degrees."""
    lon, lat = np.round(lon, DEGREE_DECIMALS), np.round(lat, DEGREE_DECIMALS)

    def texts(rows: np.ndarray) -> np.ndarray:
        return np.array(
            [
                f'{{"type":"Point","coordinates":[{x!r},{y!r}]}}'
                for x, y in zip(lon[rows].tolist(), lat[rows].tolist(), strict=True)
            ],
            dtype=object,
        )

    return texts


def polygon_shapes(grounds: Sequence[Any], crs: pyproj.CRS) -> Shapes:
    """Shapes of polygons in metres of a local plane; GeoJSON wants degrees, and outer rings that turn left."""
    import shapely

    ground = np.array(list(grounds), dtype=object)
    degrees = shapely.transform(ground, lambda xy: np.round(np.column_stack(unproject(xy, crs)), DEGREE_DECIMALS))
    texts = shapely.to_geojson(shapely.orient_polygons(degrees))

    return lambda rows: texts[rows]
