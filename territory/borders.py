"""Who borders whom where the land has a say: past barriers, between areas, and as it is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import shapely

from territory.land import Land
from territory.neighbours import PlaceGraph, collapse, joined_up, neighbour_pairs, possible_pairs

SNAP = 1.0
"""Outlines that come within so many metres of each other touch: borders drawn apart seldom meet exactly."""
SHARED = 10.0
"""Areas border each other when they share this many metres of border; fewer is a corner."""


def graph_of(xy: np.ndarray, ids: Sequence[str], land: Land) -> PlaceGraph:
    """Who borders whom on this land.

    Parameters
    ----------
    xy : (n, 2) float, metres
    ids : (n,) text, customer ids
    land : Land

    Returns
    -------
    PlaceGraph
        - Areas border each other where their outlines share a border (`SHARED`); other customers as `neighbour_pairs`
          says.
        - No pair crosses a barrier. What falls apart by that or by gaps between outlines is joined by the
          shortest Delaunay edges that cross none; what those cannot join stays apart.
        - Given edges come last and win: a customer that they name borders, of those that they name, only its own.
          Nothing joins what they leave apart.
    """
    if land.is_plain:
        return PlaceGraph.of(xy)
    places, place_of = collapse(xy)
    row = pd.Index(ids)
    pairs, possible = neighbour_pairs(places), possible_pairs(places)
    if len(land.outlines):
        pairs = _with_areas(pairs, land.outlines, row, place_of)
    lines = _segments(land.barriers)
    possible = possible[~_is_cut(places, possible, lines)]
    pairs = joined_up(places, pairs[~_is_cut(places, pairs, lines)], possible)
    ends = row.get_indexer(land.edges.ravel())
    is_named = np.zeros(len(places), bool)
    is_named[place_of[ends[ends >= 0]]] = True
    given = ends.reshape(-1, 2)
    given = given[(given >= 0).all(axis=1)]
    pairs = np.vstack([pairs[~is_named[pairs].all(axis=1)], place_of[given]])
    return PlaceGraph(places, place_of, _clean(pairs))


def chained(graph: PlaceGraph, group: np.ndarray) -> PlaceGraph:
    """The graph on which customers of one group, (n,) int, -1 for none, count as neighbours: they stay together."""
    row = np.flatnonzero(group >= 0)
    row = row[np.argsort(group[row], kind="stable")]
    links = np.column_stack([row[:-1], row[1:]])[group[row[:-1]] == group[row[1:]]]
    if not len(links):
        return graph
    return PlaceGraph(graph.places, graph.place_of, _clean(np.vstack([graph.pairs, graph.place_of[links]])))


def touching(outlines: np.ndarray) -> np.ndarray:
    """(e, 2) int, the rows of (n,) polygons that share a border, each pair once with the smaller first."""
    tree = shapely.STRtree(outlines)
    one, other = tree.query(outlines, predicate="dwithin", distance=SNAP)
    pairs = np.column_stack([one, other])[one < other]
    if not len(pairs):
        return pairs
    grown, border = shapely.buffer(outlines, SNAP, quad_segs=2), shapely.boundary(outlines)
    shared = shapely.length(shapely.intersection(border[pairs[:, 1]], grown[pairs[:, 0]]))
    return pairs[shared >= SHARED]


def cells_of(outlines: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Area (n,), centre of mass (n, 2) and second moment about it (n,) of (n,) polygons, in metres.

    Green's theorem around every ring, from the middle of its polygon (Steger 1996, TUM: moments of polygons).
    """
    shapes = shapely.orient_polygons(outlines)
    centre = shapely.get_coordinates(shapely.centroid(shapes))
    polygons, shape = shapely.get_parts(shapes, return_index=True)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    owner = shape[polygon[ring]]
    away = corners - centre[owner]
    a, b = away[:-1], away[1:]
    follows = ring[1:] == ring[:-1]
    cross = np.where(follows, a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1], 0.0)
    moment = cross * (a**2 + a * b + b**2).sum(axis=1) / 12
    return shapely.area(shapes), centre, np.bincount(owner[:-1], moment, len(shapes))


def _with_areas(pairs: np.ndarray, outlines: pd.Series, ids: pd.Index, place_of: np.ndarray) -> np.ndarray:
    """`pairs` of places with those of two areas replaced by the areas that touch."""
    row = ids.get_indexer(outlines.index)
    place, shapes = place_of[row[row >= 0]], outlines.to_numpy()[row >= 0]
    is_area = np.zeros(int(place_of.max()) + 1, bool)
    is_area[place] = True
    return _clean(np.vstack([pairs[~is_area[pairs].all(axis=1)], place[touching(shapes)]]))


def _clean(pairs: np.ndarray) -> np.ndarray:
    """Each pair once with the smaller first, sorted, none of one place."""
    return np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)


def _segments(lines: np.ndarray) -> np.ndarray:
    """(s, 2, 2) the straight parts of lines."""
    corners, line = shapely.get_coordinates(lines, return_index=True)
    follows = line[1:] == line[:-1]
    return np.stack([corners[:-1][follows], corners[1:][follows]], axis=1) if len(corners) else np.empty((0, 2, 2))


def _is_cut(places: np.ndarray, pairs: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Which pairs of places have a segment between them, (e,) bool; a place on a segment is on both sides of it."""
    cut = np.zeros(len(pairs), bool)
    if not len(segments) or not len(pairs):
        return cut
    ways = places[pairs]
    way, segment = shapely.STRtree(shapely.linestrings(segments)).query(shapely.linestrings(ways))
    a, b = ways[way].transpose(1, 0, 2)
    p, q = segments[segment].transpose(1, 0, 2)
    apart = _side(p, q, a) * _side(p, q, b) < 0
    # A way through the joint of two segments crosses both.
    between = _side(a, b, p) * _side(a, b, q) <= 0
    cut[way[apart & between]] = True
    return cut


def _side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """On which side of the line from `a` to `b` each `c` is: -1, 0 or 1."""
    along, to = b - a, c - a
    return np.sign(along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0])
