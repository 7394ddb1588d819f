"""Portfolios and proposals as files: the same bytes for the same content."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.boundaries import grounds_of
from territory.demand import derive_demand
from territory.files.headers import UNPLACED_REASON
from territory.files.rules import rules_text
from territory.files.storing import store
from territory.files.text import escape
from territory.geo import LONLAT_DECIMALS, unproject
from territory.model import CUSTOMER_COLUMNS, MEASURES, REP_COLUMNS, Column, Portfolio, Proposal

if TYPE_CHECKING:
    import geopandas as gpd
    import pyproj
    import shapely

LAND_FILES = ("barriers.geojson", "neighbours.csv", "outlines.geojson")
PORTFOLIO_FILES = ("customers.csv", "reps.csv", "rules.toml", "unplaced.csv", *LAND_FILES)
PROPOSAL_FILES = ("alignment.csv", "moves.csv", "unplaced.csv", "territories.geojson", "report.json")

_GEOJSON_DECIMALS = 6
_MEASURE_DECIMALS = 6
_REPORTED = ["potential", "workload_minutes", "customers", "travel"]


def write_portfolio(portfolio: Portfolio, folder: str | Path) -> None:
    """Write a portfolio into `folder`: customers.csv, rules.toml, reps.csv and unplaced.csv when there are any, and
    what its land says in barriers.geojson, neighbours.csv and outlines.geojson.

    `read_portfolio` gives it back with the same fingerprint, when it came from files. customers.csv holds the unplaced
    customers too, with their reason, so that mending their coordinates there places them; unplaced.csv lists
    them for people. Coordinates are WGS-84. Text that a spreadsheet program would run as a formula gets an
    apostrophe in front, which `read_portfolio` takes off.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    contents = {"customers.csv": csv_text(_customers_table(portfolio)), "rules.toml": rules_text(portfolio.rules)}
    if len(portfolio.reps):
        contents["reps.csv"] = csv_text(_placed_table(portfolio.reps, REP_COLUMNS))
    if len(portfolio.unplaced):
        contents["unplaced.csv"] = csv_text(_unplaced_table(portfolio))
    store(folder, contents | _land(portfolio), PORTFOLIO_FILES)


def write_proposal(proposal: Proposal, folder: str | Path) -> None:
    """Write a proposal into `folder`: alignment.csv, territories.geojson, report.json; moves.csv when there was an
    alignment before, unplaced.csv when there are unplaced customers.

    Identical proposals give identical bytes, but for ``seconds`` in report.json.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    alignment = proposal.alignment.rename("territory").rename_axis("customer_id").reset_index()
    contents = {
        "alignment.csv": csv_text(alignment),
        "territories.geojson": _territories(proposal),
        "report.json": json.dumps(_report(proposal), ensure_ascii=False, indent=2, allow_nan=False) + "\n",
    }
    if proposal.before is not None:
        contents["moves.csv"] = csv_text(proposal.moves)
    if len(proposal.portfolio.unplaced):
        contents["unplaced.csv"] = csv_text(_unplaced_table(proposal.portfolio))
    store(folder, contents, PROPOSAL_FILES)


def _customers_table(portfolio: Portfolio) -> pd.DataFrame:
    table = _placed_table(portfolio.customers, CUSTOMER_COLUMNS)
    if not len(portfolio.unplaced):
        return table
    unplaced = portfolio.unplaced.rename_axis("customer_id").reset_index().rename(columns={"reason": UNPLACED_REASON})
    order = [*dict.fromkeys([*_declared(CUSTOMER_COLUMNS, [*table, *unplaced]), *table, *unplaced])]
    both = pd.concat([table.astype(object), unplaced.astype(object)], ignore_index=True)[order]
    return _without_blank_columns(both, CUSTOMER_COLUMNS)


def _placed_table(located: gpd.GeoDataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Customers or reps with lon and lat, our columns first, those of ours that hold nothing left out."""
    is_placed = ~(located.geometry.isna() | located.geometry.is_empty).to_numpy()
    lon, lat = np.full(len(located), np.nan), np.full(len(located), np.nan)
    if is_placed.any():
        points = located.geometry[is_placed]
        lon[is_placed], lat[is_placed] = unproject(np.column_stack([points.x, points.y]), located.crs)
    table = pd.DataFrame(located.drop(columns="geometry")).rename_axis(columns[0].name).reset_index()
    table = table.assign(lon=lon, lat=lat)
    declared = _declared(columns, table)
    others = [name for name in table if name not in declared]
    return _without_blank_columns(table[[*declared, *others]], columns)


def _unplaced_table(portfolio: Portfolio) -> pd.DataFrame:
    return _without_blank_columns(portfolio.unplaced.rename_axis("customer_id").reset_index(), CUSTOMER_COLUMNS)


def _declared(columns: Sequence[Column], present: Sequence[str] | pd.DataFrame) -> list[str]:
    return [column.name for column in columns if column.name in present]


def _without_blank_columns(table: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    blank = [
        column.name
        for column in columns
        if column.name in table
        and not column.required
        and (~table[column.name].eq(True) if column.dtype == "boolean" else table[column.name].isna()).all()
    ]
    return table.drop(columns=blank)


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV: numbers as they are, blank for what is not known, no text that runs as a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([escape(str(name)) for name in table])
    writer.writerows(zip(*(_cells(table[name]) for name in table), strict=True))
    return stream.getvalue()


def _cells(column: pd.Series) -> list[str]:
    if column.dtype.kind == "f":
        return ["" if value != value else _number(value) for value in column.tolist()]
    return ["" if is_blank else _cell(value) for value, is_blank in zip(column, column.isna(), strict=True)]


def _cell(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float):
        return _number(float(value))
    return escape(str(value))


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _land(portfolio: Portfolio) -> dict[str, str]:
    """File name -> text of what the portfolio's land says."""
    land, crs, contents = portfolio.land, portfolio.customers.crs, {}
    if len(land.barriers):
        shapes = [_geometry(shape, crs, LONLAT_DECIMALS) for shape in land.barriers]
        contents["barriers.geojson"] = _collection(
            {"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes
        )
    if len(land.edges):
        contents["neighbours.csv"] = csv_text(pd.DataFrame(land.edges, columns=["customer_id", "neighbour_id"]))
    if len(land.outlines):
        contents["outlines.geojson"] = _collection(
            {
                "type": "Feature",
                "properties": {"customer_id": name},
                "geometry": _geometry(shape, crs, LONLAT_DECIMALS),
            }
            for name, shape in land.outlines.items()
        )
    return contents


def _territories(proposal: Proposal) -> str:
    """One feature a territory."""
    portfolio = proposal.portfolio
    grounds = grounds_of(portfolio, proposal.alignment)
    return _collection(
        {
            "type": "Feature",
            "id": str(name),
            "properties": {"territory": str(name), **measures},
            "geometry": _geometry(grounds.get(name), portfolio.customers.crs, _GEOJSON_DECIMALS),
        }
        for name, measures in _measures(proposal.after, list(proposal.after.columns)).items()
    )


def _collection(features: Iterable[dict[str, object]]) -> str:
    """A GeoJSON (RFC 7946), a line each feature."""
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, allow_nan=False) for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'


def _geometry(shape: shapely.Geometry | None, crs: pyproj.CRS, decimals: int) -> dict[str, object] | None:
    import shapely

    if shape is None or shape.is_empty:
        return None
    degrees = shapely.transform(shape, lambda xy: np.round(np.column_stack(unproject(xy, crs)), decimals))
    return shapely.geometry.mapping(shapely.orient_polygons(degrees))


def _measures(measured: pd.DataFrame, columns: Sequence[str]) -> dict[str, dict[str, object]]:
    records = measured[list(columns)].to_dict("records")
    return {
        str(name): {column: _plain(value) for column, value in record.items()}
        for name, record in zip(measured.index, records, strict=True)
    }


def _report(proposal: Proposal) -> dict[str, object]:
    portfolio = proposal.portfolio
    measures = _measures(proposal.after, [*_REPORTED, *(name for name in proposal.tolerance if name not in MEASURES)])
    return {
        "status": _status(proposal),
        "tolerance": {measure: _plain(value) for measure, value in proposal.tolerance.items()},
        "max_deviation": {measure: _plain(value) for measure, value in proposal.max_deviation.items()},
        "contiguous": proposal.is_contiguous,
        "moved": len(proposal.moves),
        "disruption": _disruption(proposal),
        "objective": _plain(proposal.objective),
        "lower_bound": _plain(proposal.lower_bound),
        "gap": _plain(proposal.gap),
        "travel": proposal.travel,
        "seed": proposal.seed,
        "seconds": round(proposal.seconds, 3),
        "customers": len(portfolio.customers),
        "unplaced": len(portfolio.unplaced),
        "territories": list(measures),
        # Shares as they are: a plan that just keeps its tolerance must keep it when it is read back.
        "measures": [
            {"territory": name, **held, "share": float(proposal.after.loc[name, "share"])}
            for name, held in measures.items()
        ],
        "reasons": [
            {"where": reason.where, "what": reason.what, "fix": reason.fix, "zh": reason.zh}
            for reason in proposal.reasons
        ],
        "trade_off": [] if proposal.trade_off is None else _rows(proposal.trade_off),
        "fingerprint": portfolio.fingerprint,
        **({"in_pieces": list(proposal.in_pieces)} if proposal.in_pieces else {}),
        **({"label": proposal.label} if proposal.label else {}),
        **({"proven_within": dict(proposal.proven_within)} if proposal.proven_within else {}),
        **({} if proposal.own_locks is None else {"locks": dict(sorted(proposal.own_locks.items()))}),
    }


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return [{column: _plain(value) for column, value in row.items()} for row in table.to_dict("records")]


def _status(proposal: Proposal) -> str:
    if proposal.reasons:
        return "infeasible"
    if not math.isfinite(proposal.lower_bound):
        return "heuristic"
    return "optimal" if proposal.gap <= 0 else "gap"


def _disruption(proposal: Proposal) -> dict[str, float] | None:
    """Shares of customers, of potential and of relation that change rep; None without an alignment before."""
    if proposal.before is None:
        return None
    portfolio = proposal.portfolio
    weights = {
        "customers": pd.Series(1.0, index=portfolio.customers.index),
        "potential": derive_demand(portfolio, travel="none")["potential"],
        "relation": portfolio.customers["relation"].fillna(0.0),
    }
    moved = pd.Index(proposal.moves["customer_id"])
    return {
        name: round(float(weight.loc[moved].sum() / weight.sum()), _MEASURE_DECIMALS) if weight.sum() else 0.0
        for name, weight in weights.items()
    }


def _plain(value: object) -> object:
    """As JSON holds it: numbers of Python, six decimals, null for what is not known."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return round(float(value), _MEASURE_DECIMALS) if math.isfinite(value) else None
    return None if value is None or value is pd.NA else str(value)
