"""The boundary search: units at a border change sides until balance and shape are both good.

Annealing (Kirkpatrick, Gelatt and Vecchi 1983) over single moves of border units and swaps of two across one
border, on the compactness objective plus an augmented Lagrangian (Hestenes 1969, Powell 1969) for the band
on every measure. A move that would cut a territory in two is not made.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from territory.alignment.numeric import exp_negative, random_below, random_unit


class Ground(NamedTuple):
    """What does not change during a search: n units, K territories, q measures."""

    ptr: np.ndarray  # (n + 1,) int, start of each unit's neighbours in `ind`
    ind: np.ndarray  # (2e,) int
    ring: np.ndarray  # (2e,) uint64, for each neighbour: which of the unit's neighbours, by position, border it
    xy: np.ndarray  # (n, 2) float
    mass: np.ndarray  # (n,) float, adds to 1
    measure: np.ndarray  # (n, q) float, each column adds to 1
    start: np.ndarray  # (n,) int, today's territory, -1 for none
    handover: np.ndarray  # (n,) float, what leaving it costs
    movable: np.ndarray  # (n,) bool
    wanted: np.ndarray  # (K, q) float, 1 / share of each measure
    pinned: np.ndarray  # (K,) bool, centre does not follow its territory
    centre: np.ndarray  # (K, 2) float, where pinned centres are


class Plan(NamedTuple):
    """What a search changes in place."""

    label: np.ndarray  # (n,) int
    load: np.ndarray  # (K, q) float, sums of each measure
    moment: np.ndarray  # (K, 3) float, sums of mass, mass x, mass y
    size: np.ndarray  # (K,) int, units
    foreign: np.ndarray  # (n,) int, neighbours in other territories
    border: np.ndarray  # (n,) int, the first border_count[0] are the units at a border
    border_at: np.ndarray  # (n,) int, where each unit stands in `border`, -1 if nowhere
    border_count: np.ndarray  # (1,) int
    mark: np.ndarray  # (n,) int, scratch of the connectivity test
    stamp: np.ndarray  # (1,) int
    queue: np.ndarray  # (n + 1,) int


def plan_of(ground: Ground, label: np.ndarray) -> Plan:
    """The plan that these labels, (n,) int, make."""
    count, q = ground.wanted.shape
    label = label.astype(np.int64).copy()
    n = len(label)
    weights = (ground.mass, ground.mass * ground.xy[:, 0], ground.mass * ground.xy[:, 1])
    row = np.repeat(np.arange(n), np.diff(ground.ptr))
    foreign = np.bincount(row, label[row] != label[ground.ind], n).astype(np.int64)
    at_border = foreign > 0
    border = np.concatenate([np.flatnonzero(at_border), np.flatnonzero(~at_border)])
    border_at = np.full(n, -1)
    border_at[at_border] = np.arange(at_border.sum())
    return Plan(
        label=label,
        load=np.column_stack([np.bincount(label, ground.measure[:, t], count) for t in range(q)]),
        moment=np.column_stack([np.bincount(label, weight, count) for weight in weights]),
        size=np.bincount(label, minlength=count),
        foreign=foreign,
        border=border,
        border_at=border_at,
        border_count=np.array([at_border.sum()]),
        mark=np.zeros(n, np.int64),
        stamp=np.zeros(1, np.int64),
        queue=np.empty(n + 1, np.int64),
    )


@njit(cache=True, nogil=True)
def anneal(ground, plan, band, price, stiffness, scale, temperature, proposals, swaps, border, limit, random):
    """Propose moves at one temperature and make those that Metropolis accepts.

    Parameters
    ----------
    band : (q, 2) float, lowest and highest deviation wanted
    price : (K, q) float, signed multiplier on each deviation; stiffness : weight of the quadratic penalty
    scale : what one unit of squared distance x mass weighs against deviations
    proposals : number of proposals; swaps : share of them that are swaps
    border : what each pair of neighbours in different territories weighs
    limit : units that a connectivity test may look at
    random : (1,) uint64, generator state

    Returns
    -------
    int, number of changes made
    """
    made = 0
    for _ in range(proposals):
        if plan.border_count[0] == 0:
            break
        i = plan.border[random_below(random, plan.border_count[0])]
        j = plan.label[i]
        k = plan.label[ground.ind[ground.ptr[i] + random_below(random, ground.ptr[i + 1] - ground.ptr[i])]]
        if k == j or not ground.movable[i] or plan.size[j] <= 1:
            continue
        partner = -1
        if swaps > 0.0 and random_unit(random) < swaps:
            partner = _partner(ground, plan, i, j, k, random)
            if partner < 0:
                continue
        change = _change(ground, plan, i, j, k, band, price, stiffness, scale, border)
        if partner < 0:
            if change > 0.0 and random_unit(random) >= exp_negative(-change / temperature):
                continue
            if not _holds_without(ground, plan, i, j, limit):
                continue
            _shift(ground, plan, i, j, k)
            made += 1
            continue
        _weigh(ground, plan, i, j, k)
        change += _change(ground, plan, partner, k, j, band, price, stiffness, scale, border)
        _weigh(ground, plan, i, k, j)
        if change > 0.0 and random_unit(random) >= exp_negative(-change / temperature):
            continue
        if not _holds_without(ground, plan, i, j, limit):
            continue
        _shift(ground, plan, i, j, k)
        if _touches(ground, plan, partner, j) and _holds_without(ground, plan, partner, k, limit):
            _shift(ground, plan, partner, k, j)
            made += 1
        elif _holds_without(ground, plan, i, k, limit) or plan.size[k] > 1:
            _shift(ground, plan, i, k, j)
    return made


@njit(cache=True)
def _partner(ground, plan, i, j, k, random):
    """A movable unit of territory k that borders territory j, a short walk from i; -1 if the walk finds none."""
    u = i
    for _ in range(1 + random_below(random, 8)):
        v = ground.ind[ground.ptr[u] + random_below(random, ground.ptr[u + 1] - ground.ptr[u])]
        if plan.label[v] == k or plan.label[v] == j:
            u = v
    if u == i or plan.label[u] != k or not ground.movable[u]:
        return -1
    return u if _touches(ground, plan, u, j) else -1


@njit(cache=True)
def _touches(ground, plan, u, j):
    touching = 0
    for e in range(ground.ptr[u], ground.ptr[u + 1]):
        touching += plan.label[ground.ind[e]] == j
    return touching > 0


@njit(cache=True)
def _change(ground, plan, i, j, k, band, price, stiffness, scale, border):
    """What moving unit i from j to k adds to objective and penalties."""
    x = ground.xy[i, 0]
    y = ground.xy[i, 1]
    m = ground.mass[i]
    shape = 0.0
    if ground.pinned[j]:
        shape -= m * ((x - ground.centre[j, 0]) ** 2 + (y - ground.centre[j, 1]) ** 2)
    else:
        w = plan.moment[j, 0]
        if w > m * 1.0000001:
            shape -= m * w / (w - m) * ((x - plan.moment[j, 1] / w) ** 2 + (y - plan.moment[j, 2] / w) ** 2)
    if ground.pinned[k]:
        shape += m * ((x - ground.centre[k, 0]) ** 2 + (y - ground.centre[k, 1]) ** 2)
    else:
        w = plan.moment[k, 0]
        shape += m * w / (w + m) * ((x - plan.moment[k, 1] / w) ** 2 + (y - plan.moment[k, 2] / w) ** 2)
    if ground.start[i] == j:
        shape += ground.handover[i]
    elif ground.start[i] == k:
        shape -= ground.handover[i]
    change = shape * scale
    if border > 0.0:
        cut = 0
        for e in range(ground.ptr[i], ground.ptr[i + 1]):
            other = plan.label[ground.ind[e]]
            cut += (other == j) - (other == k)
        change += border * cut
    for t in range(ground.measure.shape[1]):
        a = ground.measure[i, t]
        e = plan.load[j, t] * ground.wanted[j, t] - 1.0
        change -= _penalty(e, band[t, 0], band[t, 1], price[j, t], stiffness)
        change += _penalty(e - a * ground.wanted[j, t], band[t, 0], band[t, 1], price[j, t], stiffness)
        e = plan.load[k, t] * ground.wanted[k, t] - 1.0
        change -= _penalty(e, band[t, 0], band[t, 1], price[k, t], stiffness)
        change += _penalty(e + a * ground.wanted[k, t], band[t, 0], band[t, 1], price[k, t], stiffness)
    return change


@njit(cache=True, inline="always")
def _penalty(e, low, high, price, stiffness):
    """Augmented Lagrangian of low <= e <= high; a positive price weighs on the upper end, a negative on the lower."""
    above = max(price, 0.0) + stiffness * (e - high)
    below = max(-price, 0.0) + stiffness * (low - e)
    total = 0.0
    if above > 0.0:
        total += above * above
    if below > 0.0:
        total += below * below
    return total / (2.0 * stiffness)


@njit(cache=True)
def _weigh(ground, plan, i, j, k):
    """Unit i's measures and moments go from j to k."""
    m = ground.mass[i]
    for t in range(ground.measure.shape[1]):
        plan.load[j, t] -= ground.measure[i, t]
        plan.load[k, t] += ground.measure[i, t]
    plan.moment[j, 0] -= m
    plan.moment[j, 1] -= m * ground.xy[i, 0]
    plan.moment[j, 2] -= m * ground.xy[i, 1]
    plan.moment[k, 0] += m
    plan.moment[k, 1] += m * ground.xy[i, 0]
    plan.moment[k, 2] += m * ground.xy[i, 1]


@njit(cache=True)
def _shift(ground, plan, i, j, k):
    _weigh(ground, plan, i, j, k)
    plan.label[i] = k
    plan.size[j] -= 1
    plan.size[k] += 1
    foreign = 0
    for e in range(ground.ptr[i], ground.ptr[i + 1]):
        v = ground.ind[e]
        if plan.label[v] == k:
            plan.foreign[v] -= 1
            _list(plan, v)
        else:
            foreign += 1
            if plan.label[v] == j:
                plan.foreign[v] += 1
                _list(plan, v)
    plan.foreign[i] = foreign
    _list(plan, i)


@njit(cache=True)
def _list(plan, i):
    """Put unit i in or out of the border list."""
    at = plan.border_at[i]
    if plan.foreign[i] > 0 and at < 0:
        plan.border[plan.border_count[0]] = i
        plan.border_at[i] = plan.border_count[0]
        plan.border_count[0] += 1
    elif plan.foreign[i] == 0 and at >= 0:
        plan.border_count[0] -= 1
        last = plan.border[plan.border_count[0]]
        plan.border[at] = last
        plan.border_at[last] = at
        plan.border_at[i] = -1


@njit(cache=True)
def rings(ptr, ind):
    """(2e,) uint64: for each neighbour of a unit, the positions of those of the unit's neighbours that border it.

    A unit with more than 64 neighbours has no ring: its bits are all zero.
    """
    ring = np.zeros(ind.size, np.uint64)
    position = np.full(ptr.size - 1, -1)
    for i in range(ptr.size - 1):
        if ptr[i + 1] - ptr[i] > 64:
            continue
        for e in range(ptr[i], ptr[i + 1]):
            position[ind[e]] = e - ptr[i]
        for e in range(ptr[i], ptr[i + 1]):
            v = ind[e]
            for f in range(ptr[v], ptr[v + 1]):
                if position[ind[f]] >= 0:
                    ring[e] |= np.uint64(1) << np.uint64(position[ind[f]])
        for e in range(ptr[i], ptr[i + 1]):
            position[ind[e]] = -1
    return ring


@njit(cache=True)
def _holds_without(ground, plan, i, j, limit):
    """Whether territory j stays in one piece without unit i: the ring of neighbours first, then a bounded search."""
    begin = ground.ptr[i]
    degree = ground.ptr[i + 1] - begin
    if degree <= 64:
        own = np.uint64(0)
        for position in range(degree):
            if plan.label[ground.ind[begin + position]] == j:
                own |= np.uint64(1) << np.uint64(position)
        if own == 0:
            return False
        reached = own & (~own + np.uint64(1))
        grown = np.uint64(0)
        while grown != reached:
            grown = reached
            for position in range(degree):
                if (grown >> np.uint64(position)) & np.uint64(1):
                    reached |= ground.ring[begin + position] & own
        if reached == own:
            return True
    return _found_around(ground, plan, i, j, limit)


@njit(cache=True)
def _found_around(ground, plan, i, j, limit):
    """Whether unit i's neighbours in territory j reach each other around it, looking at `limit` units at most."""
    ptr = ground.ptr
    ind = ground.ind
    mark = plan.mark
    queue = plan.queue
    plan.stamp[0] += 2
    wanted = plan.stamp[0]
    seen = wanted + 1
    need = 0
    for e in range(ptr[i], ptr[i + 1]):
        v = ind[e]
        if plan.label[v] == j:
            mark[v] = wanted
            queue[0] = v
            need += 1
    if need <= 1:
        return need == 1
    mark[i] = seen
    mark[queue[0]] = seen
    head = 0
    tail = 1
    got = 1
    while head < tail and head < limit:
        u = queue[head]
        head += 1
        for e in range(ptr[u], ptr[u + 1]):
            v = ind[e]
            if mark[v] == seen or plan.label[v] != j:
                continue
            if mark[v] == wanted:
                got += 1
                if got == need:
                    return True
            mark[v] = seen
            queue[tail] = v
            tail += 1
    return False
