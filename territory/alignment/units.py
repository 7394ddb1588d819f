"""What is assigned: units, made of customers that must go together, and who borders whom among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from territory.alignment.ground import rings
from territory.neighbours import collapse, neighbour_pairs

HILBERT_BITS = 16


@dataclass(frozen=True)
class Units:
    """n units in Hilbert order. Lengths are in units of `metres`, around the centre of mass.

    xy (n, 2); measure (n, q), columns add to 1; mass (n,), mean of the measures, adds to 1; start (n,) int,
    today's territory or -1; handover (n,), in squared lengths x mass; movable (n,) bool; ptr, ind: neighbours
    in CSR form; ring (2e,) as `search.rings` makes it; of_row (rows,) int, the unit of each row of the input.
    scatter, squared lengths x mass: of rows within their units, the same in every plan. allowed (n, K) bool and
    travel (n, K), squared lengths per mass at each centre: without rows where there is no such rule.
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
    scatter: float
    rows: np.ndarray
    allowed: np.ndarray
    travel: np.ndarray


@dataclass(frozen=True)
class Rows:
    """What is known of the n rows of the input, K territories and q measures; None where there is no such rule.

    xy (n, 2), metres; measures (n, q), at least 0; weights (q,), what each measure counts in the mass; neighbours
    (e, 2) int, pairs of rows, or None for the graph of places; start (n,) int, today's territory, -1 for none; handover
    (n,), price of moving the row, square metres x mass; movable (n,) bool; group (n,) int, rows that go together, -1
    for none; allowed (n, K) bool; travel (n, K), what a unit of mass costs at each centre, square metres.
    """

    xy: np.ndarray
    measures: np.ndarray
    weights: np.ndarray
    neighbours: np.ndarray | None
    start: np.ndarray
    handover: np.ndarray
    movable: np.ndarray
    group: np.ndarray | None
    allowed: np.ndarray | None
    travel: np.ndarray | None

    def in_order(self, order: np.ndarray) -> Rows:
        """The same rows in another order, (n,) int."""
        at = np.argsort(order)
        sorted_rows = {
            name: values[order] if isinstance(values, np.ndarray) and name not in ("weights", "neighbours") else values
            for name, values in vars(self).items()
        }
        pairs = None if self.neighbours is None else at[self.neighbours]
        return Rows(**{**sorted_rows, "neighbours": pairs})


def make_units(rows: Rows, *, largest: np.ndarray, parts: int) -> Units:
    """Rows at one place, of one owner, become one unit, unless that unit would be too large to balance with.

    Rows of one group become one unit wherever they are, with the neighbours of them all.

    Parameters
    ----------
    rows : Rows
    largest : (q,) float, the share of a measure's total above which a unit of several rows is split
    parts : into at most how many units a place is split
    """
    totals = rows.measures.sum(axis=0)
    share = rows.measures / np.where(totals > 0, totals, 1.0)
    kind = _kind(rows)
    if rows.neighbours is None:
        places, place_of = collapse(rows.xy)
        unit = _split(np.column_stack([place_of, kind]), share, largest, parts)
        edges = _between_units(neighbour_pairs(places), _first(place_of, unit))
    else:
        unit, edges = np.arange(len(rows.xy)), np.asarray(rows.neighbours, np.int64)
    if rows.group is not None:
        merged = _merged(unit, rows.group)
        unit, edges = merged[unit], merged[edges]
    count = int(unit.max()) + 1
    # A row without mass still needs a place in the sums of squares, or it could go anywhere.
    weight = np.maximum(share @ (rows.weights / rows.weights.sum()), 1e-9 / len(unit))
    weight /= weight.sum()
    middle = (weight[:, None] * rows.xy).sum(axis=0)
    at = _mean(rows.xy - middle, weight, unit, count)
    order = np.argsort(_hilbert(at), kind="stable")
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    unit, at = rank[unit], at[order]
    away = rows.xy - middle - at[unit]
    metres = float(np.sqrt((weight * ((rows.xy - middle) ** 2).sum(axis=1)).sum())) or 1.0
    ptr, ind = _csr(rank[edges], count)
    nowhere = np.empty((0, 0))
    return Units(
        xy=at / metres,
        measure=np.column_stack([np.bincount(unit, column, count) for column in share.T]),
        mass=np.bincount(unit, weight, count),
        start=_first(rows.start, unit) if rows.group is None else _owner(rows, weight, unit, count),
        handover=np.bincount(unit, rows.handover, count) / metres**2,
        movable=np.bincount(unit, ~rows.movable, count) == 0,
        ptr=ptr,
        ind=ind,
        ring=rings(ptr, ind),
        of_row=unit,
        metres=metres,
        scatter=float((weight * (away**2).sum(axis=1)).sum()) / metres**2 if rows.travel is None else 0.0,
        rows=np.bincount(unit, minlength=count),
        allowed=nowhere.astype(bool) if rows.allowed is None else _everywhere(rows.allowed, unit, count),
        travel=nowhere if rows.travel is None else _mean(rows.travel, weight, unit, count) / metres**2,
    )


def _kind(rows: Rows) -> np.ndarray:
    """(n, c) int: rows that differ in one of these are different units even at one place."""
    columns = [rows.start, rows.movable]
    if rows.group is not None:
        columns.append(rows.group)
    if rows.allowed is not None:
        columns.append(np.unique(rows.allowed, axis=0, return_inverse=True)[1].ravel())
    return np.column_stack(columns)


def _merged(unit: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(units,) int, new number of each unit: those that hold rows of one group become one."""
    count, grouped = int(unit.max()) + 1, group >= 0
    hub = count + group[grouped]
    graph = coo_matrix(
        (np.ones(grouped.sum(), np.int8), (unit[grouped], hub)), shape=(count + int(group.max()) + 1,) * 2
    )
    return np.unique(connected_components(graph, directed=False)[1][:count], return_inverse=True)[1].ravel()


def _owner(rows: Rows, weight: np.ndarray, unit: np.ndarray, count: int) -> np.ndarray:
    """(count,) int, the territory that holds most of each unit today; of one that may not move, where it is locked."""
    held = np.where(rows.movable, weight, 1.0 + weight)
    width = int(rows.start.max(initial=-1)) + 2
    key, row = np.unique(unit * width + rows.start + 1, return_inverse=True)
    most = np.lexsort((-key, np.bincount(row.ravel(), held), key // width))
    last = np.append(np.flatnonzero(np.diff(key[most] // width)), len(key) - 1)
    return key[most[last]] % width - 1


def _mean(values: np.ndarray, weight: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """(count, c) weighted means of the columns of `values` (n, c) over each group."""
    total = np.bincount(group, weight, count)
    return np.column_stack([np.bincount(group, weight * column, count) / total for column in values.T])


def _everywhere(allowed: np.ndarray, unit: np.ndarray, count: int) -> np.ndarray:
    """(count, K) bool, where all rows of each unit are allowed."""
    return np.column_stack([np.bincount(unit, ~column, count) == 0 for column in allowed.T])


def coarsen(units: Units) -> tuple[Units, np.ndarray]:
    """Neighbouring units of one owner and freedom in pairs, each as one unit, and (n,) int, the pair of each unit."""
    pair = _matched(units.ptr, units.ind, units.xy, _freedom(units))
    return merged(units, pair), pair


def merge_where_alike(units: Units, labels: np.ndarray) -> tuple[Units, np.ndarray]:
    """Every piece of units of one owner and freedom that all plans keep together as one unit, and the piece of each.

    Of labels (plans, n) int; pieces (n,) int.
    """
    kind = np.unique(np.vstack([labels, _freedom(units)]), axis=1, return_inverse=True)[1].ravel()
    piece = parts_of(units, kind)
    return merged(units, piece), piece


def merged(units: Units, group: np.ndarray) -> Units:
    """One unit for each group (n,) int, 0..m-1, of units that are alike in owner and freedom."""
    count = int(group.max()) + 1
    mass, xy = np.bincount(group, units.mass, count), _mean(units.xy, units.mass, group, count)
    row = np.repeat(group, np.diff(units.ptr))
    ptr, ind = _csr(np.column_stack([row, group[units.ind]]), count)
    within = 0.0 if len(units.travel) else float((units.mass * ((units.xy - xy[group]) ** 2).sum(axis=1)).sum())
    return Units(
        xy=xy,
        measure=np.column_stack([np.bincount(group, column, count) for column in units.measure.T]),
        mass=mass,
        start=_first(units.start, group),
        handover=np.bincount(group, units.handover, count),
        movable=_first(units.movable, group),
        ptr=ptr,
        ind=ind,
        ring=rings(ptr, ind),
        of_row=group,
        metres=units.metres,
        scatter=units.scatter + within,
        rows=np.bincount(group, units.rows, count).astype(np.int64),
        allowed=_first(units.allowed, group) if len(units.allowed) else units.allowed,
        travel=_mean(units.travel, units.mass, group, count) if len(units.travel) else units.travel,
    )


def parts_of(units: Units, kind: np.ndarray) -> np.ndarray:
    """(n,) int, the piece of each unit: neighbours of one kind, (n,) int, are in one piece."""
    n = len(kind)
    row = np.repeat(np.arange(n), np.diff(units.ptr))
    inside = kind[row] == kind[units.ind]
    graph = csr_matrix((np.ones(inside.sum(), np.int8), (row[inside], units.ind[inside])), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _freedom(units: Units) -> np.ndarray:
    """(n,) int, alike for units of one owner that may go to the same territories."""
    kind = 2 * (units.start + 1) + units.movable
    if not len(units.allowed):
        return kind
    may = np.unique(units.allowed, axis=0, return_inverse=True)[1].ravel()
    return kind * (may.max() + 1) + may


@njit(cache=True)
def _matched(ptr, ind, xy, kind):
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
            if pair[v] < 0 and kind[v] == kind[i]:
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


def _split(key: np.ndarray, share: np.ndarray, largest: np.ndarray, parts: int) -> np.ndarray:
    """Unit of each row: rows of one key, cut up where they weigh too much together."""
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
    graph = coo_matrix((np.ones(len(both), np.int32), both.T), shape=(count, count)).tocsr()
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
