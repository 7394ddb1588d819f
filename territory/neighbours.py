"""Who borders whom: the graph on which a territory must be in one piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix, csr_matrix
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


def neighbour_pairs(places: np.ndarray, *, around_corners: bool = False) -> np.ndarray:
    """Pairs of places that border each other; the graph is connected.

    Delaunay edges, without the long ones that reach over empty land and water, and without those that reach around
    a corner of the outline. Edges of the Gabriel graph (Gabriel and Sokal 1969: no third place in the circle over
    the edge) always stay: they hold the shortest spanning tree, so islands stay bridged by their shortest links.

    Parameters
    ----------
    places : (p, 2) float, metres, all distinct
    around_corners : bool
        Keep the edges at the rim whose cells meet only outside of the ground that the places stand on.

    Returns
    -------
    (e, 2) int, rows of `places`, each pair once with the smaller first, sorted
    """
    if len(places) < 2:
        return np.empty((0, 2), np.int64)
    pairs, sides = _delaunay(places)
    length = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
    gabriel = _is_gabriel(places, pairs, sides, length)
    typical = _median_edge(pairs[gabriel], length[gabriel], len(places))
    is_long = length > LONG_EDGE * np.maximum(typical[pairs[:, 0]], typical[pairs[:, 1]])
    kept = gabriel | ~is_long
    return pairs[kept if around_corners else kept & ~_around_corners(kept, gabriel, sides, length)]


def possible_pairs(places: np.ndarray) -> np.ndarray:
    """Every Delaunay edge, long ones too: pairs of places that could border each other; as `neighbour_pairs`."""
    return _delaunay(places)[0] if len(places) > 1 else np.empty((0, 2), np.int64)


def joined_up(places: np.ndarray, pairs: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """`pairs` and, of the `possible` ones, the shortest that join what would fall apart without them.

    Parameters
    ----------
    places : (p, 2) float, metres
    pairs, possible : (e, 2) int, rows of `places`
    """
    part = _components(pairs, len(places))
    links = possible[part[possible[:, 0]] != part[possible[:, 1]]]
    if not len(links):
        return pairs
    length = np.hypot(*(places[links[:, 0]] - places[links[:, 1]]).T)
    ends = np.sort(part[links], axis=1)
    # Of the links between the same two parts the shortest, the first of equals.
    order = np.lexsort((np.arange(len(links)), length, ends[:, 1], ends[:, 0]))
    first = order[np.unique(ends[order], axis=0, return_index=True)[1]]
    return np.vstack([pairs, links[first][_spanning(ends[first], length[first], int(part.max()) + 1)]])


@dataclass(frozen=True, eq=False)
class PlaceGraph:
    """Who stands where, and which places border each other: made once, asked for every alignment.

    places (p, 2) float, metres; place_of (n,) int, row of `places`; pairs (e, 2) int, as `neighbour_pairs` makes them.
    """

    places: np.ndarray
    place_of: np.ndarray
    pairs: np.ndarray

    @classmethod
    def of(cls, xy: np.ndarray) -> PlaceGraph:
        """The graph under (n, 2) float metres."""
        places, place_of = collapse(xy)
        return cls(places, place_of, neighbour_pairs(places))

    @property
    def parts(self) -> np.ndarray:
        """(n,) int, the part of the graph that each row is in; one when neighbours lead from anywhere to anywhere."""
        return _components(self.pairs, len(self.places))[self.place_of]

    def row_pairs(self) -> np.ndarray:
        """(e, 2) int, pairs of rows that border each other, the smaller first, sorted: those of one place, and those
        of places that border each other."""
        order = np.argsort(self.place_of, kind="stable")
        held = np.bincount(self.place_of, minlength=len(self.places))
        begin = np.cumsum(held) - held
        own = np.repeat(np.arange(len(held))[held > 1], 2).reshape(-1, 2)
        pairs = np.vstack([self.pairs, own])
        one, other = pairs.T
        many = held[one] * held[other]
        pair = np.repeat(np.arange(len(pairs)), many)
        count = np.arange(len(pair)) - np.repeat(np.cumsum(many) - many, many)
        across, along = np.divmod(count, held[other][pair])
        rows = np.column_stack([order[begin[one][pair] + across], order[begin[other][pair] + along]])
        rows = np.sort(rows[rows[:, 0] != rows[:, 1]], axis=1)
        return np.unique(rows, axis=0)

    def pieces(self, label: np.ndarray) -> np.ndarray:
        """(n,) int, the piece that each row is in: rows of one label, joined by neighbours of that label.

        A place shared by rows of two labels belongs to both.

        Parameters
        ----------
        label : (n,) int; rows of -1 are joined to no neighbours
        """
        # One node for each (place, label) that occurs; places that border each other join equal labels.
        width = int(label.max(initial=0)) + 2
        stands, stand_of = np.unique(self.place_of * width + label + 1, return_inverse=True)
        place, own = np.divmod(stands, width)
        begin = np.searchsorted(self.pairs[:, 0], np.arange(len(self.places) + 1))
        degree = np.where(own > 0, begin[place + 1] - begin[place], 0)
        one = np.repeat(np.arange(len(stands)), degree)
        pair = np.arange(len(one)) + np.repeat(begin[place] - np.cumsum(degree) + degree, degree)
        wanted = self.pairs[pair, 1] * width + own[one]
        other = np.searchsorted(stands, wanted)
        is_there = stands[np.minimum(other, len(stands) - 1)] == wanted
        edges = one[is_there], other[is_there]
        graph = coo_matrix((np.ones(len(edges[0])), edges), shape=(len(stands), len(stands)))
        return connected_components(graph, directed=False)[1][stand_of.ravel()]

    def count_pieces(self, label: np.ndarray, count: int) -> np.ndarray:
        """(count,) int, how many pieces each label from 0 is in."""
        first = np.unique(self.pieces(label), return_index=True)[1]
        owner = label[first]
        return np.bincount(owner[owner >= 0], minlength=count)


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
    return pd.Series(PlaceGraph.of(xy).count_pieces(label.ravel(), len(names)), index=names)


def _delaunay(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Delaunay edges (e, 2), as `neighbour_pairs` returns them, and the three edges of each triangle, (t, 3) rows."""
    from scipy.spatial import Delaunay, QhullError

    centred = places - places.mean(axis=0)
    try:
        triangles = Delaunay(centred)
    except (QhullError, ValueError):  # fewer than three places, or all on one line
        return _along_the_line(centred), np.empty((0, 3), np.int64)
    corners = triangles.simplices.astype(np.int64)
    edges = np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    if len(triangles.coplanar):  # places that qhull dropped for being too near another
        edges = np.vstack([edges, triangles.coplanar[:, [0, 2]]])
    edges = np.sort(edges, axis=1)
    code, row = np.unique(edges[:, 0] * len(places) + edges[:, 1], return_inverse=True)
    return np.column_stack(np.divmod(code, len(places))), row[: 3 * len(corners)].reshape(3, -1).T


def _around_corners(kept: np.ndarray, gabriel: np.ndarray, sides: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Which edges at the rim join places whose cells meet only beyond it, (e,) bool.

    The cells over a triangle's longest side meet beyond that side when the angle against it is obtuse. With no
    triangle there, that is outside of the ground: the two are neighbours on paper, around the place between them,
    and a territory that hangs together by them alone would be drawn in two pieces. Without such an edge its
    triangle is gone, and the other two sides are the rim.
    """
    longest = sides[np.arange(len(sides)), length[sides].argmax(axis=1)]
    squared = length[sides] ** 2
    is_obtuse = 2 * squared.max(axis=1) > squared.sum(axis=1) * (1 + 1e-9)
    stands = kept[sides].all(axis=1)
    triangles = np.bincount(sides[stands].ravel(), minlength=len(kept))
    left = np.flatnonzero(stands & is_obtuse & ~gabriel[longest])
    gone = np.zeros(len(kept), bool)
    while True:
        at_rim = triangles[longest[left]] == 1
        if not at_rim.any():
            return gone
        gone[longest[left[at_rim]]] = True
        np.subtract.at(triangles, sides[left[at_rim]].ravel(), 1)
        left = left[~at_rim]


def _along_the_line(places: np.ndarray) -> np.ndarray:
    order = np.lexsort((places[:, 1], places[:, 0]))
    edges = np.sort(np.column_stack([order[:-1], order[1:]]), axis=1)
    return edges[np.lexsort((edges[:, 1], edges[:, 0]))]


def _is_gabriel(places: np.ndarray, pairs: np.ndarray, sides: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Which edges are of the Gabriel graph, (e,) bool: those against no obtuse angle of a triangle of Delaunay's."""
    squared = length[sides] ** 2
    is_against = 2 * squared > squared.sum(axis=1, keepdims=True) * (1 + 1e-9)
    gabriel = np.ones(len(pairs), bool)
    gabriel[sides[is_against]] = False
    # Rounding must not lose a bridge.
    if _components(pairs[gabriel], len(places)).any():
        gabriel |= _spanning(pairs, length, len(places))
    return gabriel


def _components(pairs: np.ndarray, count: int) -> np.ndarray:
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _spanning(pairs: np.ndarray, length: np.ndarray, count: int) -> np.ndarray:
    """Which pairs are in the shortest spanning tree, (e,) bool."""
    weight = coo_matrix((length + 1e-9, pairs.T), shape=(count, count)).tocsr()
    tree = minimum_spanning_tree(weight).tocoo()
    code = np.sort(tree.row.astype(np.int64) * count + tree.col)
    return np.isin(pairs[:, 0] * count + pairs[:, 1], code)


def _median_edge(pairs: np.ndarray, length: np.ndarray, count: int) -> np.ndarray:
    """Median length of the edges at each place; infinite where there is none."""
    by_length = np.argsort(length, kind="stable")
    ends = pairs[by_length].ravel()
    # By place, and there in order: how sparse rows are put together, which takes no sorting.
    at = csr_matrix((np.ones(len(ends), np.int8), (ends, np.arange(len(ends)))), shape=(count, len(ends)))
    degree = np.diff(at.indptr)
    has = degree > 0
    median = np.full(count, np.inf)
    median[has] = length[by_length][at.indices[at.indptr[:-1][has] + degree[has] // 2] // 2]
    return median
