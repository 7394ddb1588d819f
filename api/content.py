"""Portfolios and proposals as bytes: parts named by what is in them, so that what is equal is kept once."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import pandas as pd

from territory.errors import Problem
from territory.files import read_rules
from territory.files.rules import rules_text
from territory.land import PLAIN, Land
from territory.model import Basis, Portfolio, Proposal, Rules

if TYPE_CHECKING:
    import geopandas as gpd

T = TypeVar("T")
Fetch = Callable[[str], bytes]
"""Gives the bytes of a part by its name."""

_NAME = re.compile("[0-9a-f]{64}")
_OWNED = ("territory", "locked")
"""Columns of customers that change from version to version: parts of their own."""


@dataclass
class Parts:
    """Bytes by name; the name is their SHA-256."""

    by_name: dict[str, bytes]

    def add(self, content: bytes) -> str:
        """Keep `content`; its name."""
        name = hashlib.sha256(content).hexdigest()
        self.by_name[name] = content
        return name


def encode_portfolio(portfolio: Portfolio, parts: Parts) -> str:
    """Put a portfolio into `parts`; the name under which `decode_portfolio` finds it. Equal ones have equal names."""
    customers, reps = portfolio.customers, portfolio.reps
    manifest = {
        "customers": parts.add(table_bytes(pd.DataFrame(customers.drop(columns=["geometry", *_OWNED])))),
        "columns": list(customers.columns),
        "places": parts.add(_points_bytes(customers)),
        "crs": customers.crs.to_wkt(),
        "alignment": parts.add(table_bytes(customers[["territory"]].reset_index(drop=True))),
        "locked": parts.add(_array_bytes(customers["locked"].to_numpy())),
        "reps": parts.add(table_bytes(pd.DataFrame(reps.drop(columns="geometry")))),
        "rep_columns": list(reps.columns),
        "homes": parts.add(_points_bytes(reps)),
        "unplaced": parts.add(table_bytes(portfolio.unplaced)),
        "rules": rules_text(portfolio.rules),
        "land": None if portfolio.land.is_plain else _encode_land(portfolio.land, parts),
    }
    return parts.add(_json_bytes(manifest))


def decode_portfolio(name: str, fetch: Fetch) -> Portfolio:
    """The portfolio that was put away under this name."""
    import pyproj

    manifest = json.loads(fetch(name))
    crs = pyproj.CRS.from_wkt(manifest["crs"])
    customers = table_of(fetch(manifest["customers"])).assign(locked=_array(fetch(manifest["locked"])))
    # The alignment's part has no ids, so that it stays small: its rows are those of the customers.
    customers["territory"] = table_of(fetch(manifest["alignment"]))["territory"].set_axis(customers.index)
    return Portfolio(
        customers=_located(customers, _array(fetch(manifest["places"])), crs, manifest["columns"]),
        reps=_located(
            table_of(fetch(manifest["reps"])), _array(fetch(manifest["homes"])), crs, manifest["rep_columns"]
        ),
        rules=_rules(manifest["rules"]),
        unplaced=table_of(fetch(manifest["unplaced"])),
        land=PLAIN if manifest["land"] is None else _decode_land(manifest["land"], fetch),
    )


def collected(name: str, fetch: Fetch) -> dict[str, bytes]:
    """The parts that `decode_portfolio` would fetch for this name, the manifest with them."""
    content = fetch(name)
    manifest = json.loads(content)
    values = [*manifest.values(), *(manifest["land"] or {}).values()]
    named = [value for value in values if isinstance(value, str) and _NAME.fullmatch(value)]
    return {name: content, **{part: fetch(part) for part in named}}


def encode_proposal(proposal: Proposal, parts: Parts, notes: Mapping[str, Any] | None = None) -> str:
    """Put a proposal, but for its portfolio, into `parts`, with `notes` (JSON) about it; its name."""
    basis = proposal.basis
    manifest = {
        "alignment": parts.add(table_bytes(proposal.alignment.rename("territory").to_frame())),
        "moves": parts.add(table_bytes(proposal.moves)),
        "before": None if proposal.before is None else parts.add(table_bytes(proposal.before)),
        "after": parts.add(table_bytes(proposal.after)),
        "tolerance": dict(proposal.tolerance),
        "travel": proposal.travel,
        "seed": proposal.seed,
        "label": proposal.label,
        **{name: _number(getattr(proposal, name)) for name in ("objective", "lower_bound", "gap", "seconds")},
        "reasons": [asdict(reason) for reason in proposal.reasons],
        "own_locks": None if proposal.own_locks is None else dict(proposal.own_locks),
        "in_pieces": list(proposal.in_pieces),
        "proven_within": None if proposal.proven_within is None else dict(proposal.proven_within),
        "basis": None if basis is None else _encode_basis(basis, parts),
        "notes": dict(notes or {}),
    }
    return parts.add(_json_bytes(manifest))


def decode_proposal(name: str, fetch: Fetch, portfolio: Portfolio) -> tuple[Proposal, dict[str, Any]]:
    """The proposal that was put away under this name, on its portfolio, and its notes."""
    manifest = json.loads(fetch(name))
    alignment = table_of(fetch(manifest["alignment"]))["territory"]
    proposal = Proposal(
        portfolio=portfolio,
        alignment=alignment,
        moves=table_of(fetch(manifest["moves"])),
        before=None if manifest["before"] is None else table_of(fetch(manifest["before"])),
        after=table_of(fetch(manifest["after"])),
        tolerance=manifest["tolerance"],
        travel=manifest["travel"],
        seed=manifest["seed"],
        label=manifest["label"],
        objective=float(manifest["objective"]),
        lower_bound=float(manifest["lower_bound"]),
        gap=float(manifest["gap"]),
        seconds=float(manifest["seconds"]),
        reasons=tuple(Problem(**reason) for reason in manifest["reasons"]),
        basis=None if manifest["basis"] is None else _decode_basis(manifest["basis"], fetch),
        own_locks=manifest["own_locks"],
        in_pieces=tuple(manifest.get("in_pieces", ())),
        proven_within=manifest.get("proven_within"),
    )
    return proposal, manifest["notes"]


def alignment_hash(alignment: pd.Series) -> str:
    """SHA-256 of the alignment as lines ``customer_id,territory``: the same on every machine and database."""
    digest = hashlib.sha256()
    for customer_id, territory in zip(alignment.index, alignment, strict=True):
        digest.update(f"{customer_id}\x1f{'' if pd.isna(territory) else territory}\n".encode())
    return digest.hexdigest()


def table_bytes(table: pd.DataFrame) -> bytes:
    """A table as a part holds it, for `table_of`."""
    stream = io.BytesIO()
    table.to_parquet(stream, engine="pyarrow", compression="zstd")
    return stream.getvalue()


def table_of(content: bytes) -> pd.DataFrame:
    """The table that `table_bytes` has made these bytes of."""
    return pd.read_parquet(io.BytesIO(content), engine="pyarrow")


class Kept(Generic[T]):
    """The values used last, at most `count` of them; what they are made from never changes."""

    def __init__(self, count: int) -> None:
        self._count, self._values, self._lock = count, OrderedDict[str, T](), Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str, make: Callable[[], T]) -> T:
        """The value under this name, made when it is not kept."""
        with self._lock:
            if name in self._values:
                self._values.move_to_end(name)
                return self._values[name]
        value = make()
        with self._lock:
            # Two threads may have made it: all share the first, and what the library remembers of it.
            value = self._values.setdefault(name, value)
            self._values.move_to_end(name)
            while len(self._values) > self._count:
                self._values.popitem(last=False)
            return value


def _encode_basis(basis: Basis, parts: Parts) -> dict[str, Any]:
    arrays = ("centres", "load_price", "start", "handover")
    return {
        "territories": list(basis.territories),
        **{name: parts.add(_array_bytes(getattr(basis, name))) for name in arrays},
        "weights": list(basis.weights),
        "is_by_road": basis.is_by_road,
        "objective": _number(basis.objective),
        "lower_bound": _number(basis.lower_bound),
    }


def _decode_basis(manifest: Mapping[str, Any], fetch: Fetch) -> Basis:
    return Basis(
        territories=tuple(manifest["territories"]),
        centres=_array(fetch(manifest["centres"])),
        load_price=_array(fetch(manifest["load_price"])),
        start=_array(fetch(manifest["start"])),
        handover=_array(fetch(manifest["handover"])),
        weights=tuple(manifest["weights"]),
        is_by_road=bool(manifest.get("is_by_road")),
        objective=float(manifest["objective"]),
        lower_bound=float(manifest["lower_bound"]),
    )


def _encode_land(land: Land, parts: Parts) -> dict[str, Any]:
    import shapely

    lines = pd.DataFrame({"shape": shapely.to_wkb(land.barriers)})
    areas = pd.DataFrame({"shape": shapely.to_wkb(land.outlines.to_numpy())}, index=land.outlines.index)
    edges = pd.DataFrame(land.edges, columns=["one", "other"], dtype="str")
    return {
        "barriers": parts.add(table_bytes(lines)),
        "outlines": parts.add(table_bytes(areas)),
        "edges": parts.add(table_bytes(edges)),
    }


def _decode_land(manifest: Mapping[str, str], fetch: Fetch) -> Land:
    import shapely

    areas = table_of(fetch(manifest["outlines"]))
    return Land(
        barriers=shapely.from_wkb(table_of(fetch(manifest["barriers"]))["shape"].to_numpy(object)),
        edges=table_of(fetch(manifest["edges"])).to_numpy(object),
        outlines=pd.Series(shapely.from_wkb(areas["shape"].to_numpy(object)), index=areas.index, dtype=object),
    )


def _number(value: float) -> float | str:
    """As JSON holds it: what is not finite as text, which `float` reads."""
    return float(value) if math.isfinite(value) else str(float(value))


def _json_bytes(manifest: Mapping[str, Any]) -> bytes:
    return json.dumps(manifest, ensure_ascii=True, sort_keys=True, allow_nan=False).encode()


def _array_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _array(content: bytes) -> np.ndarray:
    array: np.ndarray = np.load(io.BytesIO(content), allow_pickle=False)
    return array


def _points_bytes(located: gpd.GeoDataFrame) -> bytes:
    """(n, 2) float metres, NaN where there is no point."""
    xy = np.full((len(located), 2), np.nan)
    has = ~(located.geometry.isna() | located.geometry.is_empty).to_numpy()
    xy[has] = np.column_stack([located.geometry[has].x, located.geometry[has].y])
    return _array_bytes(xy)


def _located(table: pd.DataFrame, xy: np.ndarray, crs: object, columns: list[str]) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import shapely

    points = np.full(len(xy), None, object)
    has = ~np.isnan(xy[:, 0])
    points[has] = shapely.points(xy[has])
    placed = gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(points, index=table.index, crs=crs))
    return placed[columns]


def _rules(text: str) -> Rules:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rules.toml"
        path.write_text(text, encoding="utf-8")
        return read_rules(path)
