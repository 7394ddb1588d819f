"""Quickest ways on a large network: a customizable contraction hierarchy, in numba.

Dibbelt, Strasser and Wagner (2016), "Customizable contraction hierarchies", ACM Journal of Experimental Algorithmics
21. The order of the nodes and the shortcuts depend on the network alone (`order_nodes`, `find_shortcuts`), and weights
are filled in for each hour afterwards (`customize`). Every quickest way then climbs from its start to some node and
descends from it to its end, and what can be climbed from a node is one chain, its ancestors in the elimination tree: a
search needs no queue.

Nodes are numbered by rank, from 0 up. Weights are whole numbers (milliseconds, centimetres), so that sums are exact and
every machine gives the same; of ways equally quick the shorter counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit

from territory.kernels import part

FAR = np.int64(1) << 60
"""No way there. Two of them still add up without running over."""

AT_ONCE = 2048
"""Ends whose ancestors are kept in memory together: some 400 each in a town."""

CLIMBED = 9000
"""Shortcuts that a sweep looks at in the time of one climb, measured in Porto."""


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """What depends on the network alone.

    rank : (n,) int32, of each node. first : (n + 1,) int64 and head : (arcs,) int32: the shortcuts up from each rank,
    by rising head. arc_of : (given,) int64, the shortcut over each given arc; is_up : (given,) bool, whether along it.
    """

    rank: np.ndarray
    first: np.ndarray
    head: np.ndarray
    arc_of: np.ndarray
    is_up: np.ndarray


@dataclass(frozen=True, eq=False)
class Weights:
    """Of each shortcut upwards [0] and downwards [1]: (2, arcs) int64 milliseconds and centimetres, and ``middle``,
    the rank that it leads over (-1: none), (2, arcs) int32."""

    ms: np.ndarray
    cm: np.ndarray
    middle: np.ndarray


def order_nodes(count: int, tail: np.ndarray, head: np.ndarray) -> np.ndarray:
    """A rank for each of `count` nodes joined by arcs `tail` -> `head`, (given,) int each; (count,) int32.

    By multiple minimum degree (Liu 1985, ACM Transactions on Mathematical Software 11), which on roads leaves about
    as few shortcuts as cutting the map in halves does. SuperLU finds it on its way to a factorization nobody needs.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import splu

    if count < 2 or not len(tail):
        return np.arange(count, dtype=np.int32)
    diagonal = np.arange(count)
    rows, columns = np.r_[tail, head, diagonal], np.r_[head, tail, diagonal]
    joined = coo_array((np.ones(len(rows)), (rows, columns)), shape=(count, count)).tocsc()
    # Nothing but the pattern counts: a heavy diagonal keeps the factorization from exchanging rows.
    joined.data[:] = -1.0
    joined.setdiag(1.0 + np.diff(joined.indptr).max())
    factors = splu(joined, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return factors.perm_c.astype(np.int32)


def find_shortcuts(rank: np.ndarray, tail: np.ndarray, head: np.ndarray) -> Hierarchy:
    """The hierarchy of nodes in this order, (n,) int32, joined by arcs `tail` -> `head`, (given,) int, no loops."""
    low, high = np.minimum(rank[tail], rank[head]), np.maximum(rank[tail], rank[head])
    order = np.lexsort([high, low])
    begin = np.searchsorted(low[order], np.arange(len(rank) + 1))
    first, up = _fill(begin.astype(np.int64), high[order].astype(np.int32))
    arc_of = _find_arcs(first, up, low.astype(np.int64), high.astype(np.int64))
    return Hierarchy(rank.astype(np.int32), first, up, arc_of, rank[tail] < rank[head])


def customize(hierarchy: Hierarchy, ms: np.ndarray, cm: np.ndarray) -> Weights:
    """The quickest way over each shortcut, by milliseconds and centimetres of the given arcs, (given,) int64 each."""
    arcs = len(hierarchy.head)
    weights = Weights(np.full((2, arcs), FAR), np.zeros((2, arcs), np.int64), np.full((2, arcs), -1, np.int32))
    _lay(hierarchy.arc_of, hierarchy.is_up, ms, cm, weights.ms, weights.cm)
    _contract(hierarchy.first, hierarchy.head, weights.ms, weights.cm, weights.middle)
    return weights


def many_to_many(
    hierarchy: Hierarchy,
    weights: Weights,
    starts: tuple[np.ndarray, np.ndarray, np.ndarray],
    ends: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Milliseconds and centimetres from each start to each end, (n, m) int64 each.

    A start may lie at two nodes: (n, 2) ranks (-1: only one), milliseconds and centimetres up to them. Ends alike.

    Many starts and few ends are swept: from each end to every node, from the top down (Delling, Goldberg, Nowatzyk and
    Werneck 2013, "PHAST", Journal of Parallel and Distributed Computing 73). The answer is the same.
    """
    if len(ends[0]) * len(hierarchy.head) < len(starts[0]) * CLIMBED:
        return _sweep(hierarchy.first, hierarchy.head, weights.ms, weights.cm, *starts, *ends)
    tables = [
        _table(
            hierarchy.first,
            hierarchy.head,
            weights.ms,
            weights.cm,
            *starts,
            *(part[at : at + AT_ONCE] for part in ends),
        )
        for at in range(0, max(1, len(ends[0])), AT_ONCE)
    ]
    ms, cm = zip(*tables, strict=True)
    return np.hstack(ms), np.hstack(cm)


def one_to_one(
    hierarchy: Hierarchy,
    weights: Weights,
    start: tuple[np.ndarray, np.ndarray],
    end: tuple[np.ndarray, np.ndarray],
) -> list[int]:
    """Ranks along the quickest way from start to end, each at two nodes: (2,) ranks and milliseconds; [] if none."""
    first, head, ms, middle = hierarchy.first, hierarchy.head, weights.ms, weights.middle
    climbed, upward = _trace(first, head, ms[0], *start)
    descended, downward = _trace(first, head, ms[1], *end)
    top = _meeting(climbed, descended)
    if top < 0:
        return []
    up, down = [top], [top]
    while upward[up[-1]] >= 0:
        up.append(int(upward[up[-1]]))
    while downward[down[-1]] >= 0:
        down.append(int(downward[down[-1]]))
    steps = [*reversed(up), *down[1:]]
    return _unpacked(first, head, middle, steps)


def _unpacked(first: np.ndarray, head: np.ndarray, middle: np.ndarray, steps: list[int]) -> list[int]:
    """Every rank on the way along shortcuts between `steps`."""
    way, left = steps[:1], list(pairwise(steps))[::-1]
    while left:
        start, end = left.pop()
        low, high = min(start, end), max(start, end)
        arc = first[low] + np.searchsorted(head[first[low] : first[low + 1]], high)
        over = int(middle[int(start > end), arc])
        if over < 0:
            way.append(end)
        else:
            left += [(over, end), (start, over)]
    return way


@njit(cache=True)
def _fill(begin, given):
    """All shortcuts: what is above a node and is not its parent is above its parent too (elimination, Parter 1961)."""
    count = len(begin) - 1
    first = np.zeros(count + 1, np.int64)
    head = np.empty(max(16, 2 * len(given)), np.int32)
    child, sibling = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    seen = np.full(count, -1, np.int64)
    buffer = np.empty(count, np.int32)
    for v in range(count):
        size = 0
        for i in range(begin[v], begin[v + 1]):
            if seen[given[i]] != v:
                seen[given[i]] = v
                buffer[size] = given[i]
                size += 1
        c = child[v]
        while c >= 0:
            for i in range(first[c] + 1, first[c + 1]):
                if seen[head[i]] != v:
                    seen[head[i]] = v
                    buffer[size] = head[i]
                    size += 1
            c = sibling[c]
        end = first[v] + size
        first[v + 1] = end
        if end > len(head):
            grown = np.empty(2 * end, np.int32)
            for i in range(first[v]):
                grown[i] = head[i]
            head = grown
        head[first[v] : end] = np.sort(buffer[:size])
        if size:
            parent = head[first[v]]
            sibling[v] = child[parent]
            child[parent] = v
    return first, head[: first[count]].copy()


@njit(cache=True)
def _find_arcs(first, head, low, high):
    found = np.empty(len(low), np.int64)
    for i in range(len(low)):
        a, b = first[low[i]], first[low[i] + 1]
        found[i] = a + np.searchsorted(head[a:b], high[i])
    return found


@njit(cache=True)
def _lay(arc_of, is_up, given_ms, given_cm, ms, cm):
    """Weights of the given arcs on the shortcuts over them; of parallel ones the quickest."""
    for i in range(len(arc_of)):
        way, arc = 0 if is_up[i] else 1, arc_of[i]
        if _is_better(given_ms[i], given_cm[i], ms[way, arc], cm[way, arc]):
            ms[way, arc] = given_ms[i]
            cm[way, arc] = given_cm[i]


@njit(cache=True, inline="always")
def _is_better(ms, cm, old_ms, old_cm):
    return ms < old_ms or (ms == old_ms and ms < FAR and cm < old_cm)


@njit(cache=True)
def _contract(first, head, ms, cm, middle):
    """Over each node, lowest first, from each node above it to each other."""
    for v in range(len(first) - 1):
        for i in range(first[v], first[v + 1]):
            a = head[i]
            k = first[a]
            for j in range(i + 1, first[v + 1]):
                while head[k] != head[j]:
                    k += 1
                # a -> v -> b is up to a's arc to b, b -> v -> a down along it.
                for way in range(2):
                    down, up = (i, j) if way == 0 else (j, i)
                    time = ms[1, down] + ms[0, up]
                    length = cm[1, down] + cm[0, up]
                    if time < FAR and _is_better(time, length, ms[way, k], cm[way, k]):
                        ms[way, k] = time
                        cm[way, k] = length
                        middle[way, k] = v


@part()
def _climb(first, head, ms, cm, nodes, node_ms, node_cm, best_ms, best_cm, visited):
    """Best ways from two nodes to all their ancestors, written to `best_*`; how many are in `visited`, by rank."""
    a, b = nodes[0], nodes[1]
    for s in range(2):
        v = nodes[s]
        if v >= 0 and _is_better(node_ms[s], node_cm[s], best_ms[v], best_cm[v]):
            best_ms[v] = node_ms[s]
            best_cm[v] = node_cm[s]
    size = 0
    while a >= 0 or b >= 0:
        v = b if a < 0 or (0 <= b < a) else a
        visited[size] = v
        size += 1
        for i in range(first[v], first[v + 1]):
            w = head[i]
            time, length = best_ms[v] + ms[i], best_cm[v] + cm[i]
            if time < FAR and _is_better(time, length, best_ms[w], best_cm[w]):
                best_ms[w] = time
                best_cm[w] = length
        parent = head[first[v]] if first[v] < first[v + 1] else -1
        if a == v:
            a = parent
        if b == v:
            b = parent
    return size


@njit(cache=True)
def _table(first, head, ms, cm, start_node, start_ms, start_cm, end_node, end_ms, end_cm):
    count = len(first) - 1
    n, m = len(start_node), len(end_node)
    best_ms, best_cm = np.full(count, FAR), np.zeros(count, np.int64)
    visited = np.empty(count, np.int64)
    offset = np.zeros(m + 1, np.int64)
    room = 1024
    label_node, label_ms, label_cm = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    for t in range(m):
        size = _climb(first, head, ms[1], cm[1], end_node[t], end_ms[t], end_cm[t], best_ms, best_cm, visited)
        at = offset[t]
        if at + size > room:
            room = 2 * (at + size)
            label_node, label_ms, label_cm = _grown(label_node, room), _grown(label_ms, room), _grown(label_cm, room)
        for i in range(size):
            v = visited[i]
            if best_ms[v] < FAR:
                label_node[at] = v
                label_ms[at] = best_ms[v]
                label_cm[at] = best_cm[v]
                at += 1
            best_ms[v] = FAR
            best_cm[v] = 0
        offset[t + 1] = at
    table_ms, table_cm = np.full((n, m), FAR), np.zeros((n, m), np.int64)
    for s in range(n):
        size = _climb(first, head, ms[0], cm[0], start_node[s], start_ms[s], start_cm[s], best_ms, best_cm, visited)
        for t in range(m):
            least, length = FAR, np.int64(0)
            for i in range(offset[t], offset[t + 1]):
                v = label_node[i]
                time = best_ms[v] + label_ms[i]
                if time <= least:
                    metres = best_cm[v] + label_cm[i]
                    if time < least or metres < length:
                        least, length = time, metres
            if least < FAR // 2:
                table_ms[s, t] = least
                table_cm[s, t] = length
        for i in range(size):
            best_ms[visited[i]] = FAR
            best_cm[visited[i]] = 0
    return table_ms, table_cm


@njit(cache=True)
def _sweep(first, head, ms, cm, start_node, start_ms, start_cm, end_node, end_ms, end_cm):
    count = len(first) - 1
    n, m = len(start_node), len(end_node)
    best_ms, best_cm = np.empty(count, np.int64), np.empty(count, np.int64)
    visited = np.empty(count, np.int64)
    table_ms, table_cm = np.full((n, m), FAR), np.zeros((n, m), np.int64)
    for t in range(m):
        best_ms[:] = FAR
        best_cm[:] = 0
        _climb(first, head, ms[1], cm[1], end_node[t], end_ms[t], end_cm[t], best_ms, best_cm, visited)
        for v in range(count - 1, -1, -1):
            for i in range(first[v], first[v + 1]):
                time, length = ms[0, i] + best_ms[head[i]], cm[0, i] + best_cm[head[i]]
                if time < FAR and _is_better(time, length, best_ms[v], best_cm[v]):
                    best_ms[v] = time
                    best_cm[v] = length
        for s in range(n):
            for k in range(2):
                v = start_node[s, k]
                if v < 0:
                    continue
                time, length = start_ms[s, k] + best_ms[v], start_cm[s, k] + best_cm[v]
                if time < FAR // 2 and _is_better(time, length, table_ms[s, t], table_cm[s, t]):
                    table_ms[s, t] = time
                    table_cm[s, t] = length
    return table_ms, table_cm


@part(_nrt=True)
def _grown(values, room):
    grown = np.empty(room, np.int64)
    for i in range(len(values)):
        grown[i] = values[i]
    return grown


@njit(cache=True)
def _trace(first, head, ms, nodes, node_ms):
    """Best milliseconds to every node that can be climbed to, and the node before it on the way (-1: begun there)."""
    count = len(first) - 1
    best, before = np.full(count, FAR), np.full(count, -1, np.int64)
    for s in range(2):
        if nodes[s] >= 0:
            best[nodes[s]] = min(best[nodes[s]], node_ms[s])
    a, b = nodes[0], nodes[1]
    while a >= 0 or b >= 0:
        v = b if a < 0 or (0 <= b < a) else a
        for i in range(first[v], first[v + 1]):
            time = best[v] + ms[i]
            if time < best[head[i]] and time < FAR:
                best[head[i]] = time
                before[head[i]] = v
        parent = head[first[v]] if first[v] < first[v + 1] else -1
        if a == v:
            a = parent
        if b == v:
            b = parent
    return best, before


@njit(cache=True)
def _meeting(climbed, descended):
    """The node where climbing and descending together take least; -1 when they meet nowhere."""
    top, least = -1, FAR // 2
    for v in range(len(climbed)):
        if climbed[v] + descended[v] < least:
            least = climbed[v] + descended[v]
            top = v
    return top
