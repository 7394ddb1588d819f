"""Routes bettered by ruin and recreate: take neighbouring stops out, put better ones back, forget what did not help.

Christiaens and Vanden Berghe 2020, "Slack induction by string removals for vehicle routing problems", Transportation
Science 54(2), here for visits that need not all be made: what goes back in is chosen by its worth for its time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit, uint64

from territory.kernels import part
from territory.routing.sides import NEVER, Side, after_pause, end_time, first_start

BLINK = 0.02
"""How often a place for a visit is overlooked, so that not every round ends alike."""
STRING, REMOVED = 10, 20
"""The longest string of stops, and the mean number of them, that are taken out of a day."""
HOT, COLD = 0.5, 0.02
"""Acceptance at the beginning and at the end, beside what a visit is worth (or a leg costs) on average."""


def improve(
    side: Side,
    worth: np.ndarray,
    must: np.ndarray,
    routes: Sequence[Sequence[int]],
    *,
    rounds: int,
    seed: int,
) -> tuple[list[list[int]], int]:
    """Routes that are together worth at least as much as those given.

    Parameters
    ----------
    side : Side, the day from its start, the same for every route
    worth : (m,) int
    must : (m,) bool, put back first; worth tells how much they count
    routes : one list of places for each route, which may be empty; they must hold
    rounds : ruins and recreations
    seed : of the choices

    Returns
    -------
    routes : as given; worth : of their visits, less what legs (and time) cost
    """
    m = len(worth)
    rows = np.zeros((len(routes), m), np.int64)
    size = np.zeros(len(routes), np.int64)
    for row, route in enumerate(routes):
        rows[row, 1 : len(route) + 1] = route
        rows[row, len(route) + 1] = m - 1
        size[row] = len(route)
    near = np.argsort(side.drive[1:-1, 1:-1] + side.drive[1:-1, 1:-1].T, axis=1, kind="stable") + 1
    best, sizes, value = _search(side, worth, must, rows, size, near, rounds, np.uint64(2 * seed + 1))
    return [best[row, 1 : sizes[row] + 1].tolist() for row in range(len(routes))], int(value)


@part()
def _random(state):
    """A number in [0, 1) (xorshift64*: Marsaglia 2003, Vigna 2016)."""
    x = state[0]
    x ^= x >> uint64(12)
    x ^= x << uint64(25)
    x ^= x >> uint64(27)
    state[0] = x
    return np.float64((x * uint64(2685821657736338717)) >> uint64(11)) / 9007199254740992.0


@part()
def _retime(side, row, size, early, late):
    """Write the earliest and latest starts along one row, the pause left aside."""
    m = side.drive.shape[0]
    early[0] = 0
    for p in range(1, size + 2):
        a, b = row[p - 1], row[p]
        time = early[p - 1] + side.service[a] + side.drive[a, b]
        early[p] = time if b == m - 1 else first_start(side, b, time)
    late[size + 1] = side.horizon
    for p in range(size, -1, -1):
        a, b = row[p], row[p + 1]
        late[p] = _last_start(side, a, late[p + 1] - side.service[a] - side.drive[a, b])


@part()
def _last_start(side, place, time):
    """The latest start of service at a place until `time`; -1 when there is none."""
    if place == 0:
        return time
    for w in range(side.window_of[place + 1] - 1, side.window_of[place] - 1, -1):
        if side.opens[w] <= time:
            return min(time, side.closes[w])
    return np.int64(-1)


@part()
def _back(side, row, size):
    """When a row is back, the pause taken where it delays least; NEVER when it does not hold."""
    without = np.int64(0)
    rested = NEVER if side.pause_long > 0 else np.int64(0)
    if side.pause_long == 0:
        without = NEVER
    for p in range(1, size + 1):
        a, b = row[p - 1], row[p]
        drive = side.drive[a, b]
        late = NEVER
        if without < NEVER:
            late = after_pause(side, without + side.service[a], drive)
            without = first_start(side, b, without + side.service[a] + drive)
        if late < NEVER:
            late = first_start(side, b, late)
        if rested < NEVER:
            rested = first_start(side, b, rested + side.service[a] + drive)
        rested = min(rested, late)
        if without >= NEVER and rested >= NEVER:
            return NEVER
    back = NEVER
    for is_paused in range(2):
        at = rested if is_paused else without
        if at < NEVER:
            back = min(back, end_time(side, row[size], at, is_paused))
    return back


@part()
def _driven(side, row, size):
    total = 0
    for p in range(1, size + 2):
        total += side.drive[row[p - 1], row[p]]
    return total


@part()
def _put(row, size, place, p):
    for q in range(size + 1, p - 1, -1):
        row[q + 1] = row[q]
    row[p] = place


@part()
def _holds_with(side, row, size, place, p, scratch):
    """Whether a row still holds, pause and driving included, with a place put in at p."""
    for q in range(size + 2):
        scratch[q] = row[q]
    _put(scratch, size, place, p)
    if _driven(side, scratch, size + 1) > side.most_drive:
        return False
    return _back(side, scratch, size + 1) < NEVER


@part()
def _best_place(side, worth, rows, size, early, late, place, is_must, is_checked, scratch, state, found):
    """Where a visit fits best: found gets row and position, or -1; returns its merit, larger is better."""
    best = -1e300
    found[0] = -1
    for v in range(len(rows)):
        row = rows[v]
        for p in range(1, size[v] + 2):
            a, b = row[p - 1], row[p]
            time = first_start(side, place, early[v, p - 1] + side.service[a] + side.drive[a, place])
            if time > side.latest[place]:
                break
            time += side.service[place] + side.drive[place, b]
            if b < len(worth) - 1:
                time = first_start(side, b, time)
            if time > late[v, p]:
                continue
            if _random(state) < BLINK:
                continue
            cost = side.cost[a, place] + side.cost[place, b] - side.cost[a, b]
            if side.pays_time:
                cost += time - early[v, p]
            if is_must:
                merit = -float(cost)
            else:
                if worth[place] <= cost:
                    continue
                spent = side.drive[a, place] + side.drive[place, b] - side.drive[a, b] + side.service[place]
                # Where a detour is shorter than the leg, a visit may save time.
                merit = float(worth[place] - cost) / (1.0 + max(spent + time - early[v, p], 0))
            if merit > best:
                if is_checked and not _holds_with(side, row, size[v], place, p, scratch):
                    continue
                best = merit
                found[0], found[1] = v, p
    return best


@part()
def _value(side, worth, rows, size):
    total = 0
    for v in range(len(rows)):
        for p in range(1, size[v] + 2):
            total -= side.cost[rows[v, p - 1], rows[v, p]]
            if p <= size[v]:
                total += worth[rows[v, p]]
        if side.pays_time:
            total -= _back(side, rows[v], size[v])
    return total


@part()
def _copy(rows, size, to_rows, to_size):
    for v in range(len(rows)):
        to_size[v] = size[v]
        for p in range(rows.shape[1]):
            to_rows[v, p] = rows[v, p]


@njit(cache=True)
def _search(side, worth, must, rows, size, near, rounds, seed):
    vehicles, m = rows.shape
    state = np.full(1, seed * uint64(0x9E3779B97F4A7C15), np.uint64)
    for _ in range(8):
        _random(state)
    early, late = np.zeros((vehicles, m), np.int64), np.zeros((vehicles, m), np.int64)
    now, held = rows.copy(), size.copy()
    best, best_size = rows.copy(), size.copy()
    value = _value(side, worth, rows, size)
    best_value = value
    scratch = np.empty(m + 1, np.int64)
    found = np.zeros(2, np.int64)
    is_checked = side.pause_long > 0 or side.most_drive < NEVER
    owner = np.full(m, -1, np.int64)
    order = np.empty(m, np.int64)
    merit = np.empty(m)
    at = np.empty((m, 2), np.int64)
    absent = np.zeros(m)
    scale, count = 0.0, 0
    for j in range(1, m - 1):
        if not must[j] and worth[j] > 0:
            scale += worth[j]
            count += 1
    if count == 0:
        for j in range(1, m - 1):
            scale += side.cost[near[j - 1, min(1, m - 3)], j]
            count += 1
    scale = max(scale / max(count, 1), 1.0)
    for v in range(vehicles):
        _retime(side, now[v], held[v], early[v], late[v])
    cooling = (COLD / HOT) ** (1.0 / max(rounds, 1))
    heat = HOT * scale
    for _ in range(rounds):
        heat *= cooling
        _copy(now, held, rows, size)
        owner[:] = -1
        for v in range(vehicles):
            for p in range(1, size[v] + 1):
                owner[rows[v, p]] = v
        _ruin(rows, size, owner, near, size.sum(), state)
        for v in range(vehicles):
            _retime(side, rows[v], size[v], early[v], late[v])
        # Musts go back first, those that were left out most often before all others, each to its cheapest place.
        waiting = 0
        rule = _random(state)
        for j in range(1, m - 1):
            if owner[j] < 0 and must[j]:
                order[waiting] = j
                merit[j] = absent[j] + _random(state)
                if rule < 0.3:
                    merit[j] = absent[j] - (side.latest[j] - side.opens[side.window_of[j]]) / (side.horizon + 1.0)
                elif rule < 0.5:
                    merit[j] = absent[j] + side.drive[0, j] / (side.horizon + 1.0)
                waiting += 1
        for a in range(waiting):
            top = a
            for b in range(a + 1, waiting):
                if merit[order[b]] > merit[order[top]]:
                    top = b
            order[a], order[top] = order[top], order[a]
            j = order[a]
            _best_place(side, worth, rows, size, early, late, j, must[j], is_checked, scratch, state, found)
            if found[0] < 0:
                absent[j] += 1.0
                continue
            v = found[0]
            _put(rows[v], size[v], j, found[1])
            size[v] += 1
            owner[j] = v
            _retime(side, rows[v], size[v], early[v], late[v])
        _fill(side, worth, must, rows, size, early, late, owner, is_checked, scratch, merit, at, state, found)
        trial = _value(side, worth, rows, size)
        if trial > best_value:
            best_value = trial
            _copy(rows, size, best, best_size)
        if trial >= value or trial > value + heat * np.log(_random(state) + 1e-300):
            value = trial
            _copy(rows, size, now, held)
    return best, best_size, best_value


@part(_nrt=True)
def _ruin(rows, size, owner, near, made, state):
    """Take strings of stops out of the rows, around a place chosen by chance."""
    if made == 0:
        return
    longest = min(STRING, max(1, made // len(rows)))
    strings = int(4 * REMOVED / (1 + longest) * _random(state)) + 1
    seed = int(_random(state) * len(near))
    ruined = 0
    touched = np.zeros(len(rows), np.uint8)
    for q in range(len(near)):
        j = near[seed, q] if q > 0 else seed + 1
        v = owner[j]
        # With one row only, its strings may lie apart.
        if v < 0 or (touched[v] and len(rows) > 1):
            continue
        touched[v] = 1
        length = min(size[v], 1 + int(_random(state) * longest))
        p = 1
        while rows[v, p] != j:
            p += 1
        begin = p - int(_random(state) * length)
        begin = max(1, min(begin, size[v] + 1 - length))
        for r in range(begin, begin + length):
            owner[rows[v, r]] = -1
        for r in range(begin, size[v] + 2 - length):
            rows[v, r] = rows[v, r + length]
        size[v] -= length
        ruined += 1
        if ruined >= strings:
            return


@part(_nrt=True)
def _fill(side, worth, must, rows, size, early, late, owner, is_checked, scratch, merit, at, state, found):
    """Put visits in that need not be made, the one of most worth for its time first, until none fits."""
    m = len(worth)
    is_stale = np.ones(m, np.uint8)
    changed = -1
    while True:
        chosen = np.int64(-1)
        for j in range(1, m - 1):
            if owner[j] >= 0 or must[j] or worth[j] <= 0:
                continue
            if is_stale[j] or changed < 0 or at[j, 0] == changed or len(rows) == 1:
                if not is_stale[j] and at[j, 0] < 0:
                    continue
                merit[j] = _best_place(
                    side, worth, rows, size, early, late, j, must[j], is_checked, scratch, state, found
                )
                merit[j] *= 0.75 + 0.5 * _random(state)
                at[j, 0], at[j, 1] = found[0], found[1]
                is_stale[j] = 0
            if at[j, 0] >= 0 and (chosen < 0 or merit[j] > merit[chosen]):
                chosen = j
        if chosen < 0:
            return
        v = at[chosen, 0]
        _put(rows[v], size[v], chosen, at[chosen, 1])
        size[v] += 1
        owner[chosen] = v
        _retime(side, rows[v], size[v], early[v], late[v])
        changed = v
