"""Who borders whom: the graph on which a territory must be in one piece."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

LONG_EDGE = 3.0
"""A Delaunay edge is pruned when it is this many times longer than the typical edge at both its ends."""


def collapse(xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct places and who stands where.

    Parameters
    ----------
    xy : (n, 2) float, metres

    Returns
    -------
    places : (p, 2) float, metres, sorted by x then y
    place_of : (n,) int, row of `places` for each row of `xy`
    """
    places, place_of = np.unique(xy, axis=0, return_inverse=True)
    return places, place_of.ravel()


def neighbour_pairs(places: np.ndarray) -> np.ndarray:
    """Pairs of places that border each other; the graph is connected.

    Delaunay edges, without the long ones that reach over empty land and water. Edges of the
    Gabriel graph (Gabriel and Sokal 1969: no third place in the circle over the edge) always stay: they hold the
    shortest spanning tree, so islands stay bridged by their shortest links.

    Parameters
    ----------
    places : (p, 2) float, metres, all distinct

    Returns
    -------
    (e, 2) int, rows of `places`, each pair once with the smaller first, sorted
    """
    if len(places) < 2:
        return np.empty((0, 2), np.int64)
    pairs = _delaunay_pairs(places)
    length = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
    gabriel = _is_gabriel(places, pairs)
    typical = _median_edge(pairs[gabriel], length[gabriel], len(places))
    is_long = length > LONG_EDGE * np.maximum(typical[pairs[:, 0]], typical[pairs[:, 1]])
    return pairs[gabriel | ~is_long]


def count_pieces(xy: np.ndarray, labels: pd.Series | np.ndarray) -> pd.Series:
    """How many pieces each territory is in: territory -> int.

    A place shared by customers of two territories belongs to both.

    Parameters
    ----------
    xy : (n, 2) float, metres
    labels : (n,) territory of each row
    """
    names, label = np.unique(np.asarray(labels), return_inverse=True)
    if not len(names):
        return pd.Series(dtype="int64")
    places, place_of = collapse(xy)
    pairs = neighbour_pairs(places)
    # One node for each (place, territory) that occurs; places that border each other join equal territories.
    stands = np.unique(place_of * len(names) + label)
    ends = []
    for territory in range(len(names)):
        node = np.full(len(places), -1)
        held = stands[stands % len(names) == territory]
        node[held // len(names)] = np.searchsorted(stands, held)
        linked = node[pairs]
        ends.append(linked[(linked >= 0).all(axis=1)])
    edges = np.vstack(ends)
    graph = coo_matrix((np.ones(len(edges)), edges.T), shape=(len(stands), len(stands)))
    component = connected_components(graph, directed=False)[1]
    first = np.unique(component, return_index=True)[1]
    return pd.Series(np.bincount(stands[first] % len(names), minlength=len(names)), index=names)


def _delaunay_pairs(places: np.ndarray) -> np.ndarray:
    from scipy.spatial import Delaunay, QhullError

    centred = places - places.mean(axis=0)
    try:
        triangles = Delaunay(centred)
    except (QhullError, ValueError):  # fewer than three places, or all on one line
        return _along_the_line(centred)
    corners = triangles.simplices
    edges = np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    if len(triangles.coplanar):  # places that qhull dropped for being too near another
        edges = np.vstack([edges, triangles.coplanar[:, [0, 2]]])
    return np.unique(np.sort(edges, axis=1), axis=0).astype(np.int64)


def _along_the_line(places: np.ndarray) -> np.ndarray:
    order = np.lexsort((places[:, 1], places[:, 0]))
    edges = np.sort(np.column_stack([order[:-1], order[1:]]), axis=1)
    return edges[np.lexsort((edges[:, 1], edges[:, 0]))]


def _is_gabriel(places: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    from scipy.spatial import cKDTree

    middle = places[pairs].mean(axis=1)
    radius = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T) / 2
    nearest = cKDTree(places).query(middle)[0]
    gabriel = nearest >= radius * (1 - 1e-9)
    gabriel |= _spanning(pairs, radius, len(places))
    return gabriel


def _spanning(pairs: np.ndarray, length: np.ndarray, count: int) -> np.ndarray:
    """Which pairs are in the shortest spanning tree: rounding must not lose a bridge."""
    weight = coo_matrix((length + 1e-9, pairs.T), shape=(count, count)).tocsr()
    tree = minimum_spanning_tree(weight).tocoo()
    code = np.sort(tree.row.astype(np.int64) * count + tree.col)
    return np.isin(pairs[:, 0] * count + pairs[:, 1], code)


def _median_edge(pairs: np.ndarray, length: np.ndarray, count: int) -> np.ndarray:
    """Median length of the edges at each place; infinite where there is none."""
    end = np.concatenate([pairs[:, 0], pairs[:, 1]])
    both = np.concatenate([length, length])
    order = np.lexsort((both, end))
    degree = np.bincount(end, minlength=count)
    start = np.cumsum(degree) - degree
    median = np.full(count, np.inf)
    has = degree > 0
    median[has] = both[order][start[has] + degree[has] // 2]
    return median
