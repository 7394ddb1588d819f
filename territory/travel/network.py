"""From an extract's ways to a network of lanes and turns in which every lane leads to every other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from territory.geo import local_crs, project
from territory.travel.osm import Extract
from territory.travel.speeds import ABOUT_TURN_SECONDS, TURN_SECONDS


@dataclass(frozen=True, eq=False)
class Network:
    """Roads, their lanes (one a direction) and the turns between lanes.

    Parameters
    ----------
    plane : text, the projection of `xy`, metres
    xy : (points,) x 2 int32, centimetres; road r runs over ``xy[first[r]:first[r + 1]]``
    road_class : (roads,) int16, index into ``speeds.CLASSES``
    road_metres : (roads,) float
    lane_road : (lanes,) int32; lane_backward : (lanes,) bool, against the order of the road's points
    lane_ms : (lanes,) int64, milliseconds from end to end out of rush hour
    turn_from, turn_to : (turns,) int32, lanes; turn_ms : (turns,) int64, what turning itself costs
    left_out : how many lanes were left out because they do not lead to the rest and back
    """

    plane: str
    xy: np.ndarray
    first: np.ndarray
    road_class: np.ndarray
    road_metres: np.ndarray
    lane_road: np.ndarray
    lane_backward: np.ndarray
    lane_ms: np.ndarray
    turn_from: np.ndarray
    turn_to: np.ndarray
    turn_ms: np.ndarray
    left_out: int


@dataclass(frozen=True, eq=False)
class _Roads:
    """Ways cut where they meet others: from point `start` to point `stop` (inclusive) of the extract."""

    way: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    metres: np.ndarray


@dataclass(frozen=True, eq=False)
class _Lanes:
    road: np.ndarray
    is_backward: np.ndarray
    way: np.ndarray
    tail: np.ndarray
    head: np.ndarray
    leaving: np.ndarray
    arriving: np.ndarray
    kmh: np.ndarray


def build_network(extract: Extract) -> Network:
    """The largest part of `extract` in which every lane leads to every other.

    Notes
    -----
    Lanes are the nodes of the graph that is searched, so that turns can cost and be banned (Winter 2002, "Modeling
    costs of turns in route planning", GeoInformatica 6). A turn costs 7 s x (1 - cos angle) / 2 where more than two
    roads meet, and what stands at the crossing (traffic light, toll booth). Nobody turns about but in dead ends.
    """
    plane = local_crs(extract.lon, extract.lat)
    xy = project(extract.lon, extract.lat, plane)
    node, node_of = np.unique(extract.node_ids, return_inverse=True)
    roads = _cut(extract, xy, node_of)
    lanes = _lanes(extract, xy, node_of, roads)
    seconds = np.array([extract.seconds.get(int(name), 0.0) for name in node])
    blocked = np.isin(node, np.array(sorted(extract.blocked), np.int64))
    start, end = _allowed_turns(extract, lanes, node, blocked)
    cost = _turn_seconds(lanes, start, end, seconds, len(node))
    kept = _strongest(len(lanes.road), start, end)
    return _renumbered(plane.to_string(), xy, extract, roads, lanes, (start, end, cost), kept)


def _cut(extract: Extract, xy: np.ndarray, node_of: np.ndarray) -> _Roads:
    first, last = extract.first[:-1], extract.first[1:] - 1
    met = np.bincount(node_of)
    is_cut = met[node_of] > 1
    # What stands at a node costs or blocks only where roads end: in turns.
    special = np.array(sorted({*extract.blocked, *extract.seconds}), np.int64)
    is_cut |= np.isin(extract.node_ids, special)
    is_cut[first] = is_cut[last] = True
    cuts = np.flatnonzero(is_cut)
    way = np.searchsorted(extract.first, cuts, side="right") - 1
    same = way[:-1] == way[1:]
    start, stop = cuts[:-1][same], cuts[1:][same]
    step = np.r_[0.0, np.hypot(*np.diff(xy, axis=0).T)]
    along = np.cumsum(step)
    return _Roads(way[:-1][same], start, stop, along[stop] - along[start])


def _lanes(extract: Extract, xy: np.ndarray, node_of: np.ndarray, roads: _Roads) -> _Lanes:
    """Both directions of each road as far as cars may go them, ordered by road."""

    def bearing(at: np.ndarray, to: np.ndarray) -> np.ndarray:
        return np.arctan2(*(xy[to] - xy[at]).T[::-1])

    forward, backward = extract.kmh_forward[roads.way], extract.kmh_backward[roads.way]
    out, back = bearing(roads.start, roads.start + 1), bearing(roads.stop, roads.stop - 1)
    number = np.arange(len(roads.way))
    order = np.argsort(np.r_[number * 2, number * 2 + 1])
    tail, head = node_of[roads.start], node_of[roads.stop]
    both = _Lanes(
        road=np.r_[number, number][order],
        is_backward=np.r_[np.zeros(len(number), bool), np.ones(len(number), bool)][order],
        way=np.r_[roads.way, roads.way][order],
        tail=np.r_[tail, head][order],
        head=np.r_[head, tail][order],
        leaving=np.r_[out, back][order],
        arriving=np.r_[back + np.pi, out + np.pi][order],
        kmh=np.r_[forward, backward][order],
    )
    open_ = both.kmh > 0
    return _Lanes(**{name: values[open_] for name, values in vars(both).items()})


def _allowed_turns(
    extract: Extract, lanes: _Lanes, node: np.ndarray, blocked: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of lanes, one leading to the other, that a car may take one after the other."""
    leaving = np.argsort(lanes.tail, kind="stable")
    count = np.bincount(lanes.tail, minlength=len(node))
    begin = np.r_[0, np.cumsum(count)]
    ways_on = count[lanes.head]
    start = np.repeat(np.arange(len(lanes.head)), ways_on)
    offset = np.arange(len(start)) - np.repeat(np.r_[0, np.cumsum(ways_on)[:-1]], ways_on)
    end = leaving[begin[lanes.head[start]] + offset]
    at = lanes.head[start]
    about = lanes.road[start] == lanes.road[end]
    # A ring's lane leads to itself, and that is no turning about.
    about &= lanes.is_backward[start] != lanes.is_backward[end]
    allowed = np.where(about, (count[at] == 1) | blocked[at], ~blocked[at])
    allowed &= ~_forbidden(extract, lanes, node, start, end)
    return start[allowed], end[allowed]


def _forbidden(extract: Extract, lanes: _Lanes, node: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Which turns a restriction forbids."""
    at = lanes.head[start]
    bans, musts = _by_approach(extract.bans), _by_approach(extract.musts)
    approach = np.array(sorted({*bans, *musts}), np.int64).reshape(-1, 2)
    forbidden = np.zeros(len(start), bool)
    node_rank = np.minimum(np.searchsorted(node, approach[:, 1]), len(node) - 1)
    concerned = np.flatnonzero(np.isin(at, node_rank))
    turns: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for turn in concerned.tolist():
        approached = int(extract.way_id[lanes.way[start[turn]]]), int(node[at[turn]])
        turns[approached].append((turn, int(extract.way_id[lanes.way[end[turn]]])))
    for approached, options in turns.items():
        must = musts.get(approached, set()) & {to for _, to in options}
        banned = bans.get(approached, set())
        for turn, to in options:
            forbidden[turn] = to in banned or (bool(must) and to not in must)
    return forbidden


def _by_approach(restrictions: Iterable[tuple[int, int, int]]) -> dict[tuple[int, int], set[int]]:
    table: dict[tuple[int, int], set[int]] = defaultdict(set)
    for start, via, end in restrictions:
        # From a way to itself is a ban of turning about, which nobody does anyway, not of going straight on.
        if start != end:
            table[start, via].add(end)
    return dict(table)


def _turn_seconds(lanes: _Lanes, start: np.ndarray, end: np.ndarray, seconds: np.ndarray, nodes: int) -> np.ndarray:
    at = lanes.head[start]
    _, first = np.unique(lanes.road, return_index=True)
    roads_met = np.bincount(lanes.tail[first], minlength=nodes) + np.bincount(lanes.head[first], minlength=nodes)
    angle = lanes.leaving[end] - lanes.arriving[start]
    about = (lanes.road[start] == lanes.road[end]) & (lanes.is_backward[start] != lanes.is_backward[end])
    turning = np.where(roads_met[at] > 2, TURN_SECONDS * (1 - np.cos(angle)) / 2, 0.0)
    return np.where(about, ABOUT_TURN_SECONDS, turning) + seconds[at]


def _strongest(count: int, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(count,) bool: the lanes of the largest strongly connected component; of equal ones that with the first lane."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    graph = csr_array((np.ones(len(start), np.int8), (start, end)), shape=(count, count))
    label = connected_components(graph, connection="strong")[1]
    size = np.bincount(label)[label]
    return label == label[np.argmax(size)]


def _renumbered(
    plane: str,
    xy: np.ndarray,
    extract: Extract,
    roads: _Roads,
    lanes: _Lanes,
    turns: tuple[np.ndarray, np.ndarray, np.ndarray],
    kept: np.ndarray,
) -> Network:
    """Only what is kept, numbered from 0."""
    start, end, cost = turns
    road, road_of = np.unique(lanes.road[kept], return_inverse=True)
    lane_of = np.cumsum(kept) - 1
    inside = kept[start] & kept[end]
    counts = roads.stop[road] - roads.start[road] + 1
    first = np.r_[0, np.cumsum(counts)]
    points = np.arange(first[-1]) + np.repeat(roads.start[road] - first[:-1], counts)
    lane_metres = roads.metres[lanes.road[kept]]
    return Network(
        plane=plane,
        xy=np.rint(xy[points] * 100).astype(np.int32),
        first=first.astype(np.int64),
        road_class=extract.road_class[roads.way[road]],
        road_metres=np.round(roads.metres[road], 2),
        lane_road=road_of.astype(np.int32),
        lane_backward=lanes.is_backward[kept],
        lane_ms=np.maximum(1, np.rint(lane_metres / lanes.kmh[kept] * 3600)).astype(np.int64),
        turn_from=lane_of[start[inside]].astype(np.int32),
        turn_to=lane_of[end[inside]].astype(np.int32),
        turn_ms=np.rint(cost[inside] * 1000).astype(np.int64),
        left_out=int((~kept).sum()),
    )
