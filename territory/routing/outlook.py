"""The outlook: at most how much a route can still gain from a place and a time on, looked up instead of searched.

The same relaxation as that of `territory.routing.prices`, solved from the end, with times rounded in the route's
favour so that the bound holds.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from territory.kernels import part
from territory.routing.sides import NEVER, NO_OUTLOOK, NOTHING, START, Outlook, Side, after_pause, end_time, first_start

FINE_TICKS, FEWER_TICKS, MANY = 1_080, 540, 60
"""Ticks of a day: half minutes, for one of nine hours; half of them where there are many places."""
MOST_SHORT = 24
"""So many places may have a leg that ends in the tick in which it began."""


def outlook_of(side: Side, prized: np.ndarray, finer: float = 1) -> Outlook:
    """The outlook from one side when visits are worth `prized` (m,), on a clock `finer` times as fine as usual.

    There is none where many legs are very short.
    """
    spent = side.service[1:-1, None] + side.drive[1:-1, 1:-1]
    np.fill_diagonal(spent, NEVER)
    tick = max(int(side.horizon // (finer * (FINE_TICKS if len(prized) <= MANY else FEWER_TICKS))), 1)
    short = np.flatnonzero((spent < tick).any(axis=1)) + 1
    if len(short) > MOST_SHORT:
        tick = max(min(tick, int(spent[spent > 0].min())), 1)
        short = np.flatnonzero((spent < tick).any(axis=1)) + 1
    if len(short) > MOST_SHORT or side.horizon // tick > 20 * FINE_TICKS:
        return NO_OUTLOOK
    best, first, other = _outlook(side, prized, tick, short)
    return Outlook(best, first, other, tick)


def steps_of(outlook: Outlook, side: Side) -> int:
    """Comparisons that an outlook takes as long as."""
    return int(outlook.best.shape[2] * side.legs.sum()) * (3 if side.pause_long else 1)


@njit(cache=True)
def _outlook(side, prized, tick, short):
    m = len(prized)
    ticks = side.horizon // tick + 1
    best = np.full((2, m, ticks), NOTHING, np.int64)
    other = np.full((2, m, ticks), NOTHING, np.int64)
    first = np.full((2, m, ticks), -1, np.int16)
    for t in range(ticks - 1, -1, -1):
        for i in range(1, m - 1):
            _look(side, prized, tick, best, first, other, i, t)
        # No route has more short legs in a row than there are places that have one.
        for _ in range(len(short)):
            for i in short:
                _look(side, prized, tick, best, first, other, i, t)
    _look(side, prized, tick, best, first, other, START, np.int64(0))
    return best, first, other


@part()
def _look(side, prized, tick, best, first, other, i, t):
    """What can be gained when service at i starts in tick t: the times are those of its beginning."""
    m = len(prized)
    now = t * tick
    if i > 0 and now > side.latest[i]:
        return
    ready = now + side.service[i]
    for paused in range(0 if side.pause_long > 0 else 1, 2):
        back = end_time(side, i, now, paused)
        if back < NEVER:
            home = -side.cost[i, m - 1] - (back if side.pays_time else 0)
            offer(best, first, other, paused, i, t, m - 1, home)
        for p in range(m - 1, -1, -1):
            if side.leg_time[i, p] < now:
                break
            j = side.leg_place[i, p]
            gain = prized[j] - side.cost[i, j]
            for then in range(paused, 2):
                drive = side.drive[i, j]
                arrive = ready + drive if then == paused else after_pause(side, ready, drive)
                rest = side.pause_cost if then != paused else 0
                _go_on(side, tick, best, first, other, paused, then, i, t, j, arrive, gain - rest)


@part()
def _go_on(side, tick, best, first, other, paused, then, i, t, j, arrive, gain):
    """Note what going on to j gains, reached at `arrive`, the pause being behind one `then`."""
    if arrive >= NEVER:
        return
    start = first_start(side, j, arrive)
    if start > side.latest[j]:
        return
    s = start // tick
    after = best[then, j, s] if first[then, j, s] != i else other[then, j, s]
    if after > NOTHING:
        offer(best, first, other, paused, i, t, j, after + gain)


@part()
def offer(best, first, other, paused, i, t, j, gain):
    """Note that going on from i to j gains so much."""
    if gain > best[paused, i, t]:
        if first[paused, i, t] != j:
            other[paused, i, t] = best[paused, i, t]
            first[paused, i, t] = j
        best[paused, i, t] = gain
    elif first[paused, i, t] != j and gain > other[paused, i, t]:
        other[paused, i, t] = gain
