"""Prices on visits: what makes routes of a relaxation visit each customer once, or not more than once.

The relaxation lets a route come back to a customer unless it has just come from there, on a clock of coarse ticks. Its
best route is found by dynamic programming, and the prices follow its faults (Held and Karp 1971, Mathematical
Programming 1; in time windows: Baldacci, Mingozzi and Roberti 2012, INFORMS Journal on Computing 24(3)). Any prices
give a valid bound in the exact search, so that ticks, and leaving pause and driving limit aside, cost no proof.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from territory.kernels import part
from territory.routing.sides import Side
from territory.routing.task import Task

TICKS = 240
"""Of a day: more than two minutes, for one of nine hours."""
NOTHING = -1e300


def prices_for(task: Task, side: Side, target: int, rounds: int, vehicles: int = 1) -> np.ndarray:
    """(m,) int, what each visit is to cost so that the relaxation's bound is low; not below 0 unless it must be made.

    Parameters
    ----------
    task : Task
    side : Side, the day from its start
    target : the worth of the best route, or of the best routes together, that are known
    rounds : how often prices are corrected
    vehicles : routes that share the visits out
    """
    horizon = task.horizon - task.pause[2]
    tick = max(horizon / TICKS, 1.0)
    ticks = int(horizon / tick) + 1
    spent = np.maximum(np.round((task.service[:, None] + task.drive) / tick), 1)
    spent = np.minimum(spent, ticks + 1).astype(np.int64)
    starts = _start_ticks(side, tick, ticks)
    prices = _subgradient(
        spent,
        starts,
        side.legs,
        task.cost.astype(float),
        task.worth.astype(float),
        task.must,
        float(target),
        rounds,
        vehicles,
        tick if task.pays_time else 0.0,
    )
    return np.round(prices).astype(np.int64)


@njit(cache=True)
def _start_ticks(side, tick, ticks):
    """(m, ticks) the tick in which service starts at a place that is reached in a tick; -1 when it is too late."""
    m = len(side.service)
    starts = np.full((m, ticks), -1, np.int64)
    for j in range(1, m - 1):
        for t in range(ticks):
            for w in range(side.window_of[j], side.window_of[j + 1]):
                if np.floor(side.closes[w] / tick) >= t:
                    starts[j, t] = max(t, np.int64(np.ceil(side.opens[w] / tick)))
                    break
            if starts[j, t] >= ticks:
                starts[j, t] = -1
    return starts


@part()
def _best_route(spent, starts, allowed, cost, value, pace, best, other, last, last_other, before, visits):
    """The value of the relaxation's best route; how often it visits each place is written to `visits`.

    best, other : (m, ticks) the best value with which service starts there and then, and the best of those that came
    another way; last, last_other, before : where each of the two came from, as place and as tick and kind.
    """
    m, ticks = best.shape
    best[:] = NOTHING
    other[:] = NOTHING
    last[:] = -1
    last_other[:] = -1
    visits[:] = 0
    total, end, end_tick, end_kind = -cost[0, m - 1], -1, 0, 0
    for j in range(1, m - 1):
        at = spent[0, j]
        if at < ticks and starts[j, at] >= 0 and allowed[0, j]:
            t = starts[j, at]
            best[j, t] = value[j] - cost[0, j]
            last[j, t] = 0
    for t in range(ticks):
        for i in range(1, m - 1):
            if best[i, t] <= NOTHING:
                continue
            back = t + spent[i, m - 1]
            if back < ticks and best[i, t] - cost[i, m - 1] - pace * back > total:
                total, end, end_tick, end_kind = best[i, t] - cost[i, m - 1] - pace * back, i, t, 0
            for j in range(1, m - 1):
                if j == i or not allowed[i, j]:
                    continue
                at = t + spent[i, j]
                if at >= ticks or starts[j, at] < 0:
                    continue
                kind = 0 if last[i, t] != j else 1
                held = best[i, t] if kind == 0 else other[i, t]
                if held <= NOTHING:
                    continue
                gained = held + value[j] - cost[i, j]
                s = starts[j, at]
                if gained > best[j, s]:
                    if last[j, s] != i:
                        other[j, s], last_other[j, s], before[j, s, 1] = best[j, s], last[j, s], before[j, s, 0]
                    best[j, s], last[j, s], before[j, s, 0] = gained, i, 2 * t + kind
                elif gained > other[j, s] and last[j, s] != i:
                    other[j, s], last_other[j, s], before[j, s, 1] = gained, i, 2 * t + kind
    while end > 0:
        visits[end] += 1
        came = last[end, end_tick] if end_kind == 0 else last_other[end, end_tick]
        code = before[end, end_tick, end_kind]
        end, end_tick, end_kind = came, code >> 1, code & 1
    return total


@njit(cache=True)
def _subgradient(spent, starts, allowed, cost, worth, must, target, rounds, vehicles, pace):
    m = len(worth)
    ticks = starts.shape[1]
    best, other = np.empty((m, ticks)), np.empty((m, ticks))
    last, last_other = np.empty((m, ticks), np.int64), np.empty((m, ticks), np.int64)
    before = np.zeros((m, ticks, 2), np.int64)
    visits = np.zeros(m, np.int64)
    price, chosen = np.zeros(m), np.zeros(m)
    lowest, pull, stale = -NOTHING, 1.0, 0
    for _ in range(rounds):
        bound = _best_route(
            spent, starts, allowed, cost, worth - price, pace, best, other, last, last_other, before, visits
        )
        # Every vehicle would drive the same best route.
        visits *= vehicles
        bound = vehicles * bound + price.sum()
        if bound < lowest - 1e-9 * abs(lowest):
            lowest, stale = bound, 0
            chosen[:] = price
        else:
            stale += 1
            if stale >= 3:
                pull, stale = pull * 0.6, 0
        norm = 0.0
        for j in range(1, m - 1):
            fault = visits[j] - 1
            if fault > 0 or must[j] or price[j] > 0:
                norm += fault * fault
        if norm == 0:
            break
        step = pull * max(bound - target, 1e-3 * abs(bound)) / norm
        for j in range(1, m - 1):
            fault = visits[j] - 1
            price[j] += step * fault
            if price[j] < 0 and not must[j]:
                price[j] = 0.0
    return chosen
