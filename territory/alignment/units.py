"""What is assigned: units, made of customers that must go together, and who borders whom among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.sparse import coo_matrix

from territory.alignment.search import rings
from territory.neighbours import collapse, neighbour_pairs

HILBERT_BITS = 16


@dataclass(frozen=True)
class Units:
    """n units in Hilbert order. Lengths are in units of `metres`, around the centre of mass.

    xy (n, 2); measure (n, q), columns add to 1; mass (n,), mean of the measures, adds to 1; start (n,) int,
    today's territory or -1; handover (n,), in squared lengths x mass; movable (n,) bool; ptr, ind: neighbours
    in CSR form; ring (2e,) as `search.rings` makes it; of_row (rows,) int, the unit of each row of the input.
    """

    xy: np.ndarray
    measure: np.ndarray
    mass: np.ndarray
    start: np.ndarray
    handover: np.ndarray
    movable: np.ndarray
    ptr: np.ndarray
    ind: np.ndarray
    ring: np.ndarray
    of_row: np.ndarray
    metres: float


def make_units(
    xy: np.ndarray,
    measures: np.ndarray,
    *,
    largest: np.ndarray,
    neighbours: np.ndarray | None,
    start: np.ndarray,
    handover: np.ndarray,
    movable: np.ndarray,
    parts: int,
) -> Units:
    """Rows at one place, of one owner, become one unit, unless that unit would be too large to balance with.

    Parameters
    ----------
    xy : (n, 2) float, metres
    measures : (n, q) float, at least 0
    largest : (q,) float, the share of a measure's total above which a unit of several rows is split
    neighbours : (e, 2) int, pairs of rows that border each other, or None for the graph of places
    start : (n,) int, today's territory, -1 for none
    handover : (n,) float, price of moving the row, in square metres x mass
    movable : (n,) bool
    parts : into at most how many units a place is split
    """
    totals = measures.sum(axis=0)
    share = measures / np.where(totals > 0, totals, 1.0)
    if neighbours is None:
        places, place_of = collapse(xy)
        unit = _split(place_of, start, movable, share, largest, parts)
        place = _first(place_of, unit)
        edges = _between_units(neighbour_pairs(places), place)
    else:
        unit, place, edges = np.arange(len(xy)), np.arange(len(xy)), np.asarray(neighbours, np.int64)
    count = int(unit.max()) + 1
    order = np.argsort(_hilbert(_first(xy, unit)), kind="stable")
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    unit = rank[unit]
    ptr, ind = _csr(rank[edges], count)
    measure = np.column_stack([np.bincount(unit, column, count) for column in share.T])
    mass = measure.mean(axis=1)
    # A unit without mass still needs a place in the sums of squares, or it could go anywhere.
    mass = np.maximum(mass, 1e-9 / count)
    mass /= mass.sum()
    where = _first(xy, unit)
    where = where - (mass[:, None] * where).sum(axis=0)
    metres = float(np.sqrt((mass * (where**2).sum(axis=1)).sum())) or 1.0
    return Units(
        xy=where / metres,
        measure=measure,
        mass=mass,
        start=_first(start, unit),
        handover=np.bincount(unit, handover, count) / metres**2,
        movable=_first(movable, unit),
        ptr=ptr,
        ind=ind,
        ring=rings(ptr, ind),
        of_row=unit,
        metres=metres,
    )


def coarsen(units: Units) -> tuple[Units, np.ndarray]:
    """Neighbouring units of one owner and freedom in pairs, each as one unit, and (n,) int, the pair of each unit."""
    pair = _matched(units.ptr, units.ind, units.xy, units.start, units.movable)
    count = int(pair.max()) + 1
    mass = np.bincount(pair, units.mass, count)
    row = np.repeat(pair, np.diff(units.ptr))
    ptr, ind = _csr(np.column_stack([row, pair[units.ind]]), count)
    merged = Units(
        xy=np.column_stack([np.bincount(pair, units.mass * axis, count) / mass for axis in units.xy.T]),
        measure=np.column_stack([np.bincount(pair, column, count) for column in units.measure.T]),
        mass=mass,
        start=_first(units.start, pair),
        handover=np.bincount(pair, units.handover, count),
        movable=_first(units.movable, pair),
        ptr=ptr,
        ind=ind,
        ring=rings(ptr, ind),
        of_row=pair,
        metres=units.metres,
    )
    return merged, pair


@njit(cache=True)
def _matched(ptr, ind, xy, start, movable):
    """(n,) int: each unit with its nearest neighbour that is still alone, numbered in the order of the units."""
    pair = np.full(ptr.size - 1, -1)
    count = 0
    for i in range(pair.size):
        if pair[i] >= 0:
            continue
        pair[i] = count
        nearest = -1
        least = np.inf
        for e in range(ptr[i], ptr[i + 1]):
            v = ind[e]
            if pair[v] < 0 and start[v] == start[i] and movable[v] == movable[i]:
                distance = (xy[v, 0] - xy[i, 0]) ** 2 + (xy[v, 1] - xy[i, 1]) ** 2
                if distance < least:
                    least = distance
                    nearest = v
        if nearest >= 0:
            pair[nearest] = count
        count += 1
    return pair


def _first(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The value of the first row of each group 0..m-1."""
    return values[np.unique(group, return_index=True)[1]]


def _split(
    place_of: np.ndarray, start: np.ndarray, movable: np.ndarray, share: np.ndarray, largest: np.ndarray, parts: int
) -> np.ndarray:
    """Unit of each row: rows of one place, owner and freedom, cut up where they weigh too much together."""
    key = np.column_stack([place_of, start, movable])
    group = np.unique(key, axis=0, return_inverse=True)[1].ravel()
    load = np.column_stack([np.bincount(group, column) for column in share.T])
    heavy = (load > largest).any(axis=1) & (np.bincount(group) > 1)
    if not heavy.any():
        return group
    part = np.zeros(len(group), np.int64)
    for which in np.flatnonzero(heavy):
        rows = np.flatnonzero(group == which)
        by_size = rows[np.argsort(-share[rows].max(axis=1), kind="stable")]
        part[by_size] = np.arange(len(rows)) % parts
    return np.unique(np.column_stack([group, part]), axis=0, return_inverse=True)[1].ravel()


def _between_units(pairs: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Unit pairs: all units of one place border each other, and those of places that border each other."""
    order = np.argsort(place, kind="stable")
    held = np.bincount(place)
    begin = np.cumsum(held) - held
    if (held == 1).all():
        return order[pairs]
    edges = [order[begin[pairs]][(held[pairs] == 1).all(axis=1)]]
    for a, b in pairs[(held[pairs] > 1).any(axis=1)]:
        left, right = order[begin[a] : begin[a] + held[a]], order[begin[b] : begin[b] + held[b]]
        edges.append(np.column_stack([np.repeat(left, len(right)), np.tile(right, len(left))]))
    for a in np.flatnonzero(held > 1):
        members = order[begin[a] : begin[a] + held[a]]
        i, j = np.triu_indices(len(members), 1)
        edges.append(np.column_stack([members[i], members[j]]))
    return np.vstack(edges)


def _csr(edges: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    both = np.vstack([edges, edges[:, ::-1]])
    graph = coo_matrix((np.ones(len(both), np.int8), both.T), shape=(count, count)).tocsr()
    graph.setdiag(0)
    graph.eliminate_zeros()
    graph.sort_indices()
    return graph.indptr.astype(np.int64), graph.indices.astype(np.int64)


def _hilbert(xy: np.ndarray) -> np.ndarray:
    """Position of each point along a Hilbert curve: neighbours in space become neighbours in memory."""
    low = xy.min(axis=0)
    side = float(np.ptp(xy, axis=0).max()) or 1.0
    top = (1 << HILBERT_BITS) - 1
    x, y = ((xy - low) / side * top).astype(np.int64).T
    along = np.zeros(len(xy), np.int64)
    bit = 1 << (HILBERT_BITS - 1)
    while bit:
        right, upper = (x & bit) > 0, (y & bit) > 0
        along += bit * bit * ((3 * right.astype(np.int64)) ^ upper)
        flip = ~upper & right
        x, y = np.where(flip, top - x, x), np.where(flip, top - y, y)
        x, y = np.where(~upper, y, x), np.where(~upper, x, y)
        bit >>= 1
    return along
