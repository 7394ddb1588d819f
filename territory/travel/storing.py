"""A road graph made from an extract, and kept in one file."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np

from territory.errors import DataError, NotFoundError, Problem
from territory.travel.hierarchy import order_nodes
from territory.travel.network import Network, build_network
from territory.travel.osm import read_extract
from territory.travel.roads import RoadTravel

FORMAT = "territory roads 1"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def build_roads(extract: str | Path, *, name: str | None = None) -> RoadTravel:
    """The road graph of an OpenStreetMap extract (``.osm.pbf``), ready to answer.

    Parameters
    ----------
    extract : path
    name : what people will call it; by default the file's name

    Raises
    ------
    NotFoundError
        There is no such file.
    DataError
        It is no extract, or has no road for cars.

    Notes
    -----
    Roads that do not lead to the rest and back are left out and counted (`RoadTravel.describe`): islands that only a
    ferry reaches are among them.
    """
    path = Path(extract)
    if not path.is_file():
        raise NotFoundError([Problem(str(extract), "there is no such file.", "Give an extract, as city.osm.pbf.")])
    found = read_extract(path)
    network = build_network(found)
    turn = network.turn_from != network.turn_to
    rank = order_nodes(len(network.lane_road), network.turn_from[turn], network.turn_to[turn])
    origin = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "timestamp": found.timestamp,
    }
    return RoadTravel(name or path.name.split(".")[0], network, rank, origin)


def write_roads(roads: RoadTravel, path: str | Path) -> Path:
    """Write a road graph to one file; the same graph gives the same bytes."""
    network = roads.network
    arrays = {entry.name: getattr(network, entry.name) for entry in fields(Network)}
    told = {
        "format": FORMAT,
        "name": roads.name,
        "plane": arrays.pop("plane"),
        "left_out": arrays.pop("left_out"),
        **roads.origin,
    }
    # Steps from point to point are small, and small numbers pack well.
    arrays["xy"] = np.diff(network.xy, axis=0, prepend=np.zeros((1, 2), np.int32))
    arrays |= {"rank": roads.rank, "factors": roads.factors}
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as box:
        box.writestr(_entry("about.json"), json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True))
        for key, values in arrays.items():
            packed = io.BytesIO()
            np.save(packed, values, allow_pickle=False)
            box.writestr(_entry(f"{key}.npy"), packed.getvalue())
    return target


def read_roads(path: str | Path) -> RoadTravel:
    """A road graph that `write_roads` wrote.

    Raises
    ------
    NotFoundError
        There is no such file.
    DataError
        It is no such file, or of another version.
    """
    source = Path(path)
    fix = "Make one with: territory roads build city.osm.pbf --out city.roads"
    if not source.is_file():
        raise NotFoundError([Problem(str(path), "there is no such file.", fix)])
    try:
        with zipfile.ZipFile(source) as box:
            told = json.loads(box.read("about.json"))
            if told.get("format") != FORMAT:
                raise DataError([Problem(str(path), f"it is '{told.get('format')}', not '{FORMAT}'.", fix)])
            names = [entry.name for entry in fields(Network) if entry.name not in ("plane", "left_out")]
            arrays = {key: np.load(io.BytesIO(box.read(f"{key}.npy"))) for key in [*names, "rank", "factors"]}
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise DataError([Problem(str(path), "it is not a road graph.", fix)]) from error
    rank, factors = arrays.pop("rank"), arrays.pop("factors")
    arrays["xy"] = np.cumsum(arrays["xy"], axis=0, dtype=np.int32)
    network = Network(plane=told["plane"], left_out=int(told["left_out"]), **arrays)
    origin = {key: str(told.get(key, "")) for key in ("file", "sha256", "timestamp")}
    return RoadTravel(told["name"], network, rank, origin, factors)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
