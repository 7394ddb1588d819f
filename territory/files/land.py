"""Reading what the map says: barriers, areas that are not assigned, and who borders whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.files.faults import Ledger
from territory.files.formats import open_source
from territory.files.geodata import read_shapes
from territory.files.headers import header_key, meanings
from territory.files.tables import Table
from territory.geo import project
from territory.land import Land
from territory.model import CUSTOMER_COLUMNS

if TYPE_CHECKING:
    import pyproj

NOT_ASSIGNED = "It lies in an area that is not assigned"
"""How the reason of such a customer begins."""

_TITLES = ("name", "名称", "title", "id")
_FEW = 5


@dataclass(frozen=True)
class LandFiles:
    """Where the map's word is to be read from; None for none."""

    barriers: str | Path | None = None
    not_assigned: str | Path | None = None
    neighbours: str | Path | None = None
    outlines: str | Path | None = None


@dataclass(frozen=True, eq=False)
class LandRead:
    """What the files say, in degrees (WGS-84) and by the ids as they are written; see `Land`."""

    barriers: np.ndarray
    areas: np.ndarray
    area_names: np.ndarray
    edges: np.ndarray
    outlines: pd.Series


def read_barriers(path: str | Path, crs: str, ledger: Ledger) -> np.ndarray:
    """(b,) lines in degrees (WGS-84); of a polygon, as a lake, its border."""
    import shapely

    shapes = read_shapes(Path(path), crs, ledger).shapes
    kind = shapely.get_dimensions(shapes)
    _refuse(shapes, kind < 1, "not a line", "Give lines that are not to be crossed.", ledger)
    return shapely.get_parts(np.where(kind == 2, shapely.boundary(shapes), shapes)[kind >= 1])


def read_areas(path: str | Path, crs: str, ledger: Ledger) -> tuple[np.ndarray, np.ndarray]:
    """(a,) polygons in degrees (WGS-84), and (a,) text or None: what they are called."""
    import shapely

    found = read_shapes(Path(path), crs, ledger)
    is_area = shapely.get_dimensions(found.shapes) == 2
    _refuse(found.shapes, ~is_area, "not an area", "Give polygons.", ledger)
    title = next((name for name in found.texts if name.casefold() in _TITLES), None)
    names = found.texts[title] if title else np.full(len(found.shapes), None, object)
    return found.shapes[is_area], names[is_area]


def read_outlines(path: str | Path, crs: str, known: pd.Series, ledger: Ledger) -> pd.Series:
    """customer_id -> polygon in degrees (WGS-84); of customers that are not in `known` the shapes are left out."""
    import shapely

    found = read_shapes(Path(path), crs, ledger)
    meant = meanings(CUSTOMER_COLUMNS[:1])
    column = next((name for name in found.texts if header_key(name) in meant), None)
    if column is None:
        ledger.fault("No attribute names the customers.", "Call one customer_id.")
        return pd.Series(dtype=object)
    is_area = shapely.get_dimensions(found.shapes) == 2
    _refuse(found.shapes, ~is_area, "not an area", "Give polygons.", ledger)
    ids = pd.Index(found.texts[column])
    again = np.flatnonzero(ids.duplicated() & ids.notna())
    ledger.faults_at(
        again + 1, [f"'{ids[row]}' has an outline already." for row in again], "Give each one.", columns=[column]
    )
    kept = is_area & ids.isin(known.dropna()) & ~ids.duplicated()
    if left := int((~kept & is_area).sum()):
        ledger.note(f"{left:,} outlines name no customer of the customers' file and are left out.")
    return pd.Series(found.shapes[kept], index=ids[kept], dtype=object)


def _refuse(shapes: np.ndarray, wrong: np.ndarray, what: str, fix: str, ledger: Ledger) -> None:
    kinds = ["nothing" if shape is None else f"a {shape.geom_type}" for shape in shapes[wrong]]
    ledger.faults_at(np.flatnonzero(wrong) + 1, [f"It is {kind}, {what}." for kind in kinds], fix, columns=[])


def read_edges(path: str | Path, known: pd.Series, ledger: Ledger) -> np.ndarray:
    """(e, 2) text: pairs of customer ids that border each other, of a table whose first two columns name them.

    The first row may be a header or a pair. Rows that name somebody else are left out and counted.

    Parameters
    ----------
    known : Series of text, the ids there are
    """
    source = open_source(Path(path), CUSTOMER_COLUMNS, {}, ledger)
    if len(source.headers) < 2:
        ledger.fault("It has one column.", "Give two columns of customer ids: who borders whom.")
        return np.empty((0, 2), object)
    pairs = np.column_stack([column.to_pylist() for column in source.columns[:2]])
    rows = source.rows
    first = np.array(source.headers[:2], object)
    ids = pd.Index(known.dropna())
    if pd.Index(first).isin(ids).all():
        pairs, rows = np.vstack([first, pairs]), np.append(1, rows)
    is_known = np.isin(pairs.ravel().astype(str), ids.to_numpy(str)).reshape(-1, 2)
    strange = ~is_known.all(axis=1)
    if len(pairs) and strange.all():
        ledger.fault(
            "No row names two customers of the customers' file.",
            f"Write the ids as there, as '{ids[0]}'." if len(ids) else "Give customers first.",
        )
    elif strange.any():
        some = ", ".join(map(str, rows[strange][:_FEW]))
        more = ", …" if strange.sum() > _FEW else ""
        ledger.note(
            f"{int(strange.sum()):,} rows ({some}{more}) do not name two customers of the customers' file and are left "
            "out."
        )
    return pairs[~strange].astype(object)


def withhold(table: Table, areas: np.ndarray, names: np.ndarray, ledger: Ledger) -> Table:
    """`table` with the customers in these areas without a place, and the reason; see `NOT_ASSIGNED`.

    A written portfolio says of such customers that they are not assigned: they stay so.
    """
    import shapely

    places = table.places
    placed = np.flatnonzero(places.is_placed)
    row, area = shapely.STRtree(areas).query(
        shapely.points(places.lon[placed], places.lat[placed]), predicate="intersects"
    )
    told = table.given_reason.str.startswith(NOT_ASSIGNED).eq(True).to_numpy() & places.is_placed
    reason = places.reason.copy()
    reason[told] = table.given_reason.to_numpy(object)[told]
    # Backwards, so that of several areas the first gives the reason.
    for at, which in zip(placed[row][::-1], area[::-1], strict=True):
        reason[at] = f"{NOT_ASSIGNED}{f' ({names[which]})' if names[which] else ''}."
    out = told.copy()
    out[placed[row]] = True
    if not out.any():
        return table
    ledger.note(f"{int(out.sum()):,} customers lie in areas that are not assigned; they are in no territory.")
    coordinates = table.coordinates.copy()
    coordinates.loc[out, "lon"] = [repr(float(value)) for value in places.lon[out]]
    coordinates.loc[out, "lat"] = [repr(float(value)) for value in places.lat[out]]
    nowhere = replace(
        places, lon=np.where(out, np.nan, places.lon), lat=np.where(out, np.nan, places.lat), reason=reason
    )
    return replace(table, places=nowhere, coordinates=coordinates)


def land_of(read: LandRead, table: Table, crs: pyproj.CRS) -> Land:
    """The land in metres of `crs`; of the customers' outlines those that have a place."""
    import shapely

    def metres(shapes: np.ndarray) -> np.ndarray:
        return shapely.transform(shapes, lambda degrees: project(degrees[:, 0], degrees[:, 1], crs))

    placed = table.places.is_placed
    own = pd.Series(table.outlines[placed], index=table.ids[placed].to_numpy(object)).dropna()
    outlines = pd.concat([own[~own.index.isin(read.outlines.index)], read.outlines])
    outlines = outlines[outlines.index.isin(table.ids[placed])].sort_index()
    return Land(
        barriers=metres(read.barriers),
        edges=read.edges,
        outlines=pd.Series(
            metres(outlines.to_numpy()), index=pd.Index(outlines.index, name="customer_id", dtype="str"), dtype=object
        ),
    )
