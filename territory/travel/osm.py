"""Roads that cars may use, out of an OpenStreetMap extract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from territory.errors import DataError, Problem
from territory.travel.speeds import (
    CLASS_KMH,
    CLASSES,
    CROSSING_SECONDS,
    OF_LIMIT,
    SIGNAL_SECONDS,
    SURFACE_KMH,
    TOLL_SECONDS,
    limit_kmh,
)

if TYPE_CHECKING:
    import osmium

# The most particular tag decides (OpenStreetMap wiki, "Computing access restrictions").
_ACCESS_TAGS = ("motorcar", "motor_vehicle", "vehicle", "access")
_CLOSED = {"no", "private", "agricultural", "forestry", "emergency", "psv", "military"}
_PASSABLE = {"gate", "lift_gate", "swing_gate", "toll_booth", "border_control", "cattle_grid", "entrance", "no", "kerb"}
_PASSABLE |= {"height_restrictor", "sally_port", "arch"}
_CLOSED_SERVICE = {"emergency_access"}
_NODE_SECONDS = {"traffic_signals": SIGNAL_SECONDS, "crossing": CROSSING_SECONDS, "toll_booth": TOLL_SECONDS}


@dataclass(frozen=True, eq=False)
class Extract:
    """Ways and what lies on them, as the extract has them.

    way_id, road_class (index into ``speeds.CLASSES``), kmh_forward, kmh_backward (0: not that way) are (ways,); way w
    runs over ``node_ids[first[w]:first[w + 1]]``, at ``lon``, ``lat`` (degrees). ``blocked`` holds ids of nodes that
    cars cannot pass, ``seconds`` what passing a node costs, ``bans`` and ``musts`` turns as (from way, node, to way).
    """

    way_id: np.ndarray
    road_class: np.ndarray
    kmh_forward: np.ndarray
    kmh_backward: np.ndarray
    first: np.ndarray
    node_ids: np.ndarray
    lon: np.ndarray
    lat: np.ndarray
    blocked: frozenset[int]
    seconds: dict[int, float]
    bans: list[tuple[int, int, int]]
    musts: list[tuple[int, int, int]]
    timestamp: str


def read_extract(path: str | Path) -> Extract:
    """Read every road for cars in an ``.osm.pbf`` (or ``.osm``, ``.osm.bz2``) file.

    Raises
    ------
    DataError
        There is no such file, it is not an extract, or has no road for cars.

    Notes
    -----
    Speed is the posted limit x 0.8 where there is one, else that of the class, never more than the surface allows.
    One-way streets, roundabouts, barriers, access tags and turn restrictions at a node are kept to. Restrictions by
    hour or for lorries only, and those over a way instead of a node, are not.
    """
    try:
        ways = _read_ways(Path(path))
        blocked, seconds = _read_nodes(Path(path))
        bans, musts = _read_restrictions(Path(path))
        timestamp = _timestamp(Path(path))
    except (RuntimeError, OSError) as error:
        fix = "Give an OpenStreetMap extract, as city.osm.pbf."
        raise DataError([Problem(str(path), f"it cannot be read: {error}.", fix)]) from error
    if not len(ways["way_id"]):
        raise DataError([Problem(str(path), "it holds no road for cars.", "Give an extract with its highways.")])
    return Extract(**ways, blocked=blocked, seconds=seconds, bans=bans, musts=musts, timestamp=timestamp)


def _read_ways(path: Path) -> dict[str, np.ndarray]:
    import osmium

    rows: list[tuple[int, int, float, float]] = []
    counts, nodes, lon, lat = [0], [], [], []
    ways = osmium.FileProcessor(str(path)).with_locations().with_filter(osmium.filter.KeyFilter("highway"))
    for way in ways:
        if not isinstance(way, osmium.osm.Way):
            continue
        road = _road(way.tags)
        # Extracts are cut at their border: a way goes on with the nodes that are there.
        known = [node for node in way.nodes if node.location.valid()] if road else []
        if road is None or len(known) < 2:
            continue
        rows.append((way.id, *road))
        nodes += [node.ref for node in known]
        lon += [node.lon for node in known]
        lat += [node.lat for node in known]
        counts.append(len(nodes))
    way_id, road_class, forward, backward = zip(*rows, strict=True) if rows else ((), (), (), ())
    return {
        "way_id": np.array(way_id, np.int64),
        "road_class": np.array(road_class, np.int16),
        "kmh_forward": np.array(forward, float),
        "kmh_backward": np.array(backward, float),
        "first": np.array(counts, np.int64),
        "node_ids": np.array(nodes, np.int64),
        "lon": np.array(lon, float),
        "lat": np.array(lat, float),
    }


def _road(tags: osmium.osm.TagList) -> tuple[int, float, float] | None:
    """Class, km/h along the way and against it; None when it is not for cars."""
    name = tags.get("highway") or ""
    if name not in CLASS_KMH or tags.get("service") in _CLOSED_SERVICE or tags.get("area") == "yes" or _is_closed(tags):
        return None
    most = SURFACE_KMH.get(tags.get("surface") or "", np.inf)
    either = limit_kmh(tags.get("maxspeed"))
    kmh = []
    for way in ("forward", "backward"):
        limit = limit_kmh(tags.get(f"maxspeed:{way}")) or either
        kmh.append(min(most, limit * OF_LIMIT if limit else CLASS_KMH[name]))
    forward, backward = _directions(tags, name)
    return CLASSES.index(name), kmh[0] * forward, kmh[1] * backward


def _directions(tags: osmium.osm.TagList, name: str) -> tuple[bool, bool]:
    oneway = tags.get("oneway")
    if oneway in ("-1", "reverse"):
        return False, True
    if oneway in ("no", "false", "0"):
        return True, True
    is_ring = tags.get("junction") in ("roundabout", "circular")
    is_single = oneway in ("yes", "true", "1") or is_ring or name in ("motorway", "motorway_link")
    return True, not is_single


def _is_closed(tags: osmium.osm.TagList) -> bool:
    said = next((tags.get(key) for key in _ACCESS_TAGS if tags.get(key)), None)
    return said in _CLOSED


def _read_nodes(path: Path) -> tuple[frozenset[int], dict[int, float]]:
    """Nodes that cars cannot pass, and seconds that passing others costs."""
    import osmium

    blocked, seconds = set(), {}
    nodes = osmium.FileProcessor(str(path), osmium.osm.NODE)
    for node in nodes.with_filter(osmium.filter.KeyFilter("highway", "barrier")):
        barrier = node.tags.get("barrier")
        if barrier and (_is_closed(node.tags) or barrier not in _PASSABLE | _opened(node.tags, barrier)):
            blocked.add(node.id)
        cost = max(_NODE_SECONDS.get(node.tags.get("highway") or "", 0.0), _NODE_SECONDS.get(barrier or "", 0.0))
        if cost:
            seconds[node.id] = cost
    return frozenset(blocked), seconds


def _opened(tags: osmium.osm.TagList, barrier: str) -> set[str]:
    """A barrier that is said to let cars through."""
    return {barrier} if any(tags.get(key) in ("yes", "permissive", "destination") for key in _ACCESS_TAGS) else set()


def _read_restrictions(path: Path) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    import osmium

    bans: list[tuple[int, int, int]] = []
    musts: list[tuple[int, int, int]] = []
    relations = osmium.FileProcessor(str(path), osmium.osm.RELATION)
    for relation in relations.with_filter(osmium.filter.TagFilter(("type", "restriction"))):
        if not isinstance(relation, osmium.osm.Relation):
            continue
        kind = relation.tags.get("restriction") or relation.tags.get("restriction:motorcar") or ""
        if "motorcar" in (relation.tags.get("except") or "") or not kind.startswith(("no_", "only_")):
            continue
        (bans if kind.startswith("no_") else musts).extend(_turns(relation))
    return bans, musts


def _turns(relation: osmium.osm.Relation) -> Iterator[tuple[int, int, int]]:
    part: dict[tuple[str, str], list[int]] = {}
    for member in relation.members:
        part.setdefault((member.role, member.type), []).append(member.ref)
    for start in part.get(("from", "w"), []):
        for via in part.get(("via", "n"), []):
            for end in part.get(("to", "w"), []):
                yield start, via, end


def _timestamp(path: Path) -> str:
    import osmium

    with osmium.io.Reader(str(path)) as reader:
        return reader.header().get("osmosis_replication_timestamp") or ""
