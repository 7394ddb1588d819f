"""Routes bettered by ruin and recreate: take neighbouring stops out, put better ones back, forget what did not help.

Christiaens and Vanden Berghe 2020, "Slack induction by string removals for vehicle routing problems", Transportation
Science 54(2), here for visits that need not all be made: what goes back in is chosen by its worth for its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from territory.kernels import kernel, part
from territory.numeric import exp_negative, log_small, random_unit
from territory.routing.sides import NEVER, Side, after_pause, first_start

BLINK = 0.02
"""How often a place for a visit is overlooked, so that not every round ends alike."""
STRING, REMOVED = 5, 8
"""The longest string of stops, and the mean number of them, that are taken out of a day."""
HOT, COLD = 0.5, 0.02
"""Acceptance at the beginning and at the end, beside what a visit is worth (or a leg costs) on average."""
SKEW = 0.25
"""By what part at most the merit of a visit is taken for more or less than it is."""
A_ROUND, A_STOP = 200, 4
"""Comparisons that a round takes as long as, and the timing of a stop."""
TO_COME, BEHIND = range(2)
"""Where the pause is."""


class Routes(NamedTuple):
    """Routes in the making, one a row; p counts the places of a row from the start (0) to the end (size + 1).

    rows : (v, m) places; size, driven : (v,); early, late : (v, 2, m) when service starts at the earliest, and at the
    latest so that all that follows holds, while the pause is to come (0) and when it is behind one (1); since, until :
    (v, m) when the stop before is left at the earliest, and service starts at the latest, either way; owner : (m,) the
    row of each visit, -1 for none.
    """

    rows: np.ndarray
    size: np.ndarray
    driven: np.ndarray
    early: np.ndarray
    late: np.ndarray
    since: np.ndarray
    until: np.ndarray
    owner: np.ndarray


class Table(NamedTuple):
    """Where a round does its work.

    waiting : (m,) visits; merit, at : (m, v) of the best place for each in each row, and which it is (0: there is
    none); skew : (m,) what its merit is multiplied by in this round; absent : (m,) how often each must was left out;
    touched : (v,) rows that were ruined; steps : (1,) comparisons made; state : (1,) of the choices.
    """

    waiting: np.ndarray
    merit: np.ndarray
    at: np.ndarray
    skew: np.ndarray
    absent: np.ndarray
    touched: np.ndarray
    steps: np.ndarray
    state: np.ndarray


def improve(
    side: Side,
    worth: np.ndarray,
    must: np.ndarray,
    routes: Sequence[Sequence[int]],
    *,
    budget: int,
    seed: int,
) -> tuple[list[list[int]], int]:
    """Routes that are together worth at least as much as those given.

    Parameters
    ----------
    side : Side, the day from its start, the same for every route
    worth : (m,) int
    must : (m,) bool, put back first; worth tells how much they count
    routes : one list of places for each route, which may be empty; they must hold
    budget : comparisons that may be made
    seed : of the choices

    Returns
    -------
    routes : as given; worth : of their visits, less what legs (and time) cost
    """
    m, vehicles = len(worth), len(routes)
    now, trial, best = (_empty(vehicles, m) for _ in range(3))
    for row, route in enumerate(routes):
        now.rows[row, 1 : len(route) + 1] = route
        now.rows[row, len(route) + 1] = m - 1
        now.size[row] = len(route)
        now.owner[list(route)] = row
    table = Table(
        waiting=np.zeros(m, np.int64),
        merit=np.zeros((m, vehicles)),
        at=np.zeros((m, vehicles), np.int64),
        skew=np.ones(m),
        absent=np.zeros(m),
        touched=np.zeros(vehicles, np.uint8),
        steps=np.zeros(1, np.int64),
        state=np.array([(2 * seed + 1) * 0x9E3779B97F4A7C15 % 2**64], np.uint64),
    )
    near = np.argsort(side.drive[1:-1, 1:-1] + side.drive[1:-1, 1:-1].T, axis=1, kind="stable") + 1
    value = _search(side, worth, must, now, trial, best, table, near, _scale(side, worth, must, near), budget)
    return [best.rows[row, 1 : best.size[row] + 1].tolist() for row in range(vehicles)], int(value)


def _empty(vehicles: int, m: int) -> Routes:
    return Routes(
        rows=np.zeros((vehicles, m), np.int64),
        size=np.zeros(vehicles, np.int64),
        driven=np.zeros(vehicles, np.int64),
        early=np.zeros((vehicles, 2, m), np.int64),
        late=np.zeros((vehicles, 2, m), np.int64),
        since=np.zeros((vehicles, m), np.int64),
        until=np.zeros((vehicles, m), np.int64),
        owner=np.full(m, -1, np.int64),
    )


def _scale(side: Side, worth: np.ndarray, must: np.ndarray, near: np.ndarray) -> float:
    """What a visit is worth on average that need not be made; where every one must be, what a short leg costs."""
    prizes = worth[1:-1][~must[1:-1] & (worth[1:-1] > 0)]
    if len(prizes):
        return max(float(prizes.mean()), 1.0)
    second = near[:, min(1, near.shape[1] - 1)] if len(near) else np.zeros(0, np.int64)
    return max(float(side.cost[second, np.arange(1, len(worth) - 1)].sum()) / max(len(near), 1), 1.0)


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
def _retime(side, routes, v):
    """Write early, late and driven along one row."""
    end = side.drive.shape[0] - 1
    row, size = routes.rows[v], routes.size[v]
    early, late = routes.early[v], routes.late[v]
    has_pause = side.pause_long > 0
    early[TO_COME, 0] = 0 if has_pause else NEVER
    early[BEHIND, 0] = NEVER if has_pause else 0
    driven = np.int64(0)
    for p in range(1, size + 2):
        a, b = row[p - 1], row[p]
        drive = side.drive[a, b]
        driven += drive
        time = NEVER
        if early[BEHIND, p - 1] < NEVER:
            time = early[BEHIND, p - 1] + side.service[a] + drive
        before = NEVER
        if early[TO_COME, p - 1] < NEVER:
            before = early[TO_COME, p - 1] + side.service[a] + drive
            time = min(time, after_pause(side, before - drive, drive))
        if b < end:
            time = first_start(side, b, time) if time < NEVER else NEVER
            before = first_start(side, b, before) if before < NEVER else NEVER
        early[TO_COME, p], early[BEHIND, p] = before, time
    routes.driven[v] = driven
    late[TO_COME, size + 1] = side.exempt_until if has_pause else -1
    late[BEHIND, size + 1] = side.horizon
    for p in range(size, -1, -1):
        a, b = row[p], row[p + 1]
        ready = late[BEHIND, p + 1] - side.drive[a, b]
        late[BEHIND, p] = _last_start(side, a, ready - side.service[a])
        late[TO_COME, p] = -1
        if has_pause:
            before = late[TO_COME, p + 1] - side.drive[a, b]
            if late[BEHIND, p + 1] - side.pause_long >= side.pause_from:
                before = max(before, min(side.pause_until, ready - side.pause_long))
            late[TO_COME, p] = _last_start(side, a, before - side.service[a])
        routes.since[v, p + 1] = min(early[TO_COME, p], early[BEHIND, p]) + side.service[a]
        routes.until[v, p + 1] = max(late[TO_COME, p + 1], late[BEHIND, p + 1])


@part()
def _back(side, routes, v):
    """When a row is back; NEVER when it does not hold."""
    last = routes.size[v] + 1
    back = NEVER
    if routes.early[v, BEHIND, last] <= side.horizon:
        back = routes.early[v, BEHIND, last]
    if routes.early[v, TO_COME, last] <= routes.late[v, TO_COME, last]:
        back = min(back, routes.early[v, TO_COME, last])
    return back


@part()
def _put(side, routes, v, place, p):
    row = routes.rows[v]
    for q in range(routes.size[v] + 1, p - 1, -1):
        row[q + 1] = row[q]
    row[p] = place
    routes.size[v] += 1
    routes.owner[place] = v
    _retime(side, routes, v)


@part()
def _delay(side, routes, v, place, p):
    """By how much a row is later at p when a place is put in before it; NEVER when it does not hold then."""
    end = side.drive.shape[0] - 1
    a, b = routes.rows[v, p - 1], routes.rows[v, p]
    there, on = side.drive[a, place], side.drive[place, b]
    least = NEVER
    before, behind = routes.early[v, TO_COME, p - 1], routes.early[v, BEHIND, p - 1]
    # Reached before the pause, and after it.
    first, second = NEVER, NEVER
    if behind < NEVER:
        second = first_start(side, place, behind + side.service[a] + there)
    if before < NEVER:
        first = first_start(side, place, before + side.service[a] + there)
        paused = after_pause(side, before + side.service[a], there)
        if paused < NEVER:
            second = min(second, first_start(side, place, paused))
    time = second + side.service[place] + on if second < NEVER else NEVER
    if first < NEVER:
        ready = first + side.service[place]
        time = min(time, after_pause(side, ready, on))
        first = ready + on if b == end else first_start(side, b, ready + on)
        if first <= routes.late[v, TO_COME, p]:
            least = first - routes.early[v, TO_COME, p]
    if time < NEVER and b < end:
        time = first_start(side, b, time)
    if time <= routes.late[v, BEHIND, p]:
        least = min(least, time - routes.early[v, BEHIND, p])
    return least


@part()
def _look(side, worth, must, routes, table, v, place):
    """Note where in a row a visit fits best, and how good that is: larger is better."""
    row, size, state = routes.rows[v], routes.size[v], table.state
    best, at = -1e300, np.int64(0)
    opens, latest = side.opens[side.window_of[place]], side.latest[place]
    since, until = routes.since[v], routes.until[v]
    room, service = side.most_drive - routes.driven[v], side.service[place]
    p = 1
    while p <= size and until[p] < opens + service:
        p += 1
    table.steps[0] += 2
    while p <= size + 1 and since[p] <= latest:
        a, b = row[p - 1], row[p]
        span = until[p] - since[p] - service
        table.steps[0] += 1
        # Most places are too short for it at any time.
        if span >= 0 and side.drive[a, place] + side.drive[place, b] <= span:
            there, on = side.drive[a, place], side.drive[place, b]
            detour = there + on - side.drive[a, b]
            cost = side.cost[a, place] + side.cost[place, b] - side.cost[a, b]
            delay = NEVER
            if detour <= room and (must[place] or cost < worth[place]):
                delay = _delay(side, routes, v, place, p)
            if delay < NEVER and random_unit(state) >= BLINK:
                if side.pays_time:
                    cost += delay
                if must[place]:
                    merit = -float(cost)
                else:
                    # Where a detour is shorter than the leg, a visit may save time.
                    merit = float(worth[place] - cost) / (1.0 + max(detour + service + delay, 0))
                if merit > best and (must[place] or cost < worth[place]):
                    best, at = merit, p
        p += 1
    table.merit[place, v], table.at[place, v] = best, at


@part()
def _value(side, worth, routes):
    total = 0
    for v in range(len(routes.rows)):
        for p in range(1, routes.size[v] + 2):
            total -= side.cost[routes.rows[v, p - 1], routes.rows[v, p]]
            if p <= routes.size[v]:
                total += worth[routes.rows[v, p]]
        if side.pays_time:
            total -= _back(side, routes, v)
    return total


@part()
def _copy(side, given, to):
    for v in range(len(given.rows)):
        to.size[v], to.driven[v] = given.size[v], given.driven[v]
        for p in range(given.size[v] + 2):
            to.rows[v, p] = given.rows[v, p]
            to.since[v, p], to.until[v, p] = given.since[v, p], given.until[v, p]
            for paused in range(2):
                to.early[v, paused, p], to.late[v, paused, p] = given.early[v, paused, p], given.late[v, paused, p]
    for j in range(len(given.owner)):
        to.owner[j] = given.owner[j]


@kernel()
def _search(side, worth, must, now, trial, best, table, near, scale, budget):
    """Better the routes `now`; the best are written to `best`, and their value given back."""
    state = table.state
    for _ in range(8):
        random_unit(state)
    for v in range(len(now.rows)):
        _retime(side, now, v)
    _copy(side, now, best)
    value = _value(side, worth, now)
    best_value = value
    is_new = True
    cooling = log_small(HOT / COLD)
    while table.steps[0] < budget:
        heat = HOT * scale * exp_negative(-cooling * (table.steps[0] / budget))
        _copy(side, now, trial)
        _ruin(trial, table, near)
        for v in range(len(trial.rows)):
            if is_new:
                table.touched[v] = 1
            if table.touched[v]:
                _retime(side, trial, v)
                table.steps[0] += A_STOP * trial.size[v]
        is_new = False
        table.steps[0] += A_ROUND
        _put_musts(side, worth, must, trial, table)
        _fill(side, worth, must, trial, table, now.owner)
        worth_now = _value(side, worth, trial)
        if worth_now > best_value:
            best_value = worth_now
            _copy(side, trial, best)
        if worth_now >= value or worth_now > value - heat * log_small(1.0 / (random_unit(state) + 1e-12)):
            value = worth_now
            _copy(side, trial, now)
    return best_value


@part()
def _ruin(routes, table, near):
    """Take strings of stops out of the rows, around a place chosen by chance."""
    vehicles, made = len(routes.rows), np.int64(0)
    for v in range(vehicles):
        table.touched[v] = 0
        made += routes.size[v]
    if made == 0:
        return
    longest = min(STRING, max(1, made // vehicles))
    strings = int(4 * REMOVED / (1 + longest) * random_unit(table.state)) + 1
    seed = int(random_unit(table.state) * len(near))
    ruined = 0
    for q in range(len(near)):
        j = near[seed, q] if q > 0 else seed + 1
        v = routes.owner[j]
        # With one row only, its strings may lie apart.
        if v < 0 or (table.touched[v] and vehicles > 1):
            continue
        table.touched[v] = 1
        row, size = routes.rows[v], routes.size[v]
        length = min(size, 1 + int(random_unit(table.state) * longest))
        p = 1
        while row[p] != j:
            p += 1
        begin = p - int(random_unit(table.state) * length)
        begin = max(1, min(begin, size + 1 - length))
        for r in range(begin, begin + length):
            routes.owner[row[r]] = -1
        for r in range(begin, size + 2 - length):
            row[r] = row[r + length]
        routes.size[v] -= length
        ruined += 1
        if ruined >= strings:
            return


@part()
def _put_musts(side, worth, must, routes, table):
    """Put back what must be made, what was left out most often before all others, each where it costs least."""
    waiting, merit, state = table.waiting, table.skew, table.state
    count = 0
    rule = random_unit(state)
    for j in range(1, len(worth) - 1):
        if routes.owner[j] < 0 and must[j]:
            merit[j] = table.absent[j] + random_unit(state)
            if rule < 0.3:
                merit[j] = table.absent[j] - (side.latest[j] - side.opens[side.window_of[j]]) / (side.horizon + 1.0)
            elif rule < 0.5:
                merit[j] = table.absent[j] + side.drive[0, j] / (side.horizon + 1.0)
            waiting[count] = j
            count += 1
    for a in range(count):
        top = a
        for b in range(a + 1, count):
            if merit[waiting[b]] > merit[waiting[top]]:
                top = b
        waiting[a], waiting[top] = waiting[top], waiting[a]
        j, chosen = waiting[a], np.int64(0)
        for v in range(len(routes.rows)):
            _look(side, worth, must, routes, table, v, j)
            if table.merit[j, v] > table.merit[j, chosen]:
                chosen = v
        if table.at[j, chosen]:
            _put(side, routes, chosen, j, table.at[j, chosen])
        else:
            table.absent[j] += 1.0


@part()
def _fill(side, worth, must, routes, table, before):
    """Put visits in that need not be made, the one of most worth for its time first, until none fits.

    before : (m,) the row of each visit in the routes that were filled last
    """
    waiting, merit, at = table.waiting, table.merit, table.at
    vehicles, count = len(routes.rows), 0
    for j in range(1, len(worth) - 1):
        if routes.owner[j] >= 0 or must[j] or worth[j] <= 0:
            continue
        fits = False
        for v in range(vehicles):
            at[j, v] = 0
            # What was left out before does not fit where nothing has changed.
            if table.touched[v] or before[j] >= 0:
                _look(side, worth, must, routes, table, v, j)
                fits = fits or at[j, v] > 0
        if fits:
            table.skew[j] = 1.0 - SKEW + 2.0 * SKEW * random_unit(table.state)
            waiting[count] = j
            count += 1
    while count:
        chosen, into, most = np.int64(0), np.int64(0), -1e300
        for a in range(count):
            j = waiting[a]
            for v in range(vehicles):
                if at[j, v] and merit[j, v] * table.skew[j] > most:
                    chosen, into, most = a, v, merit[j, v] * table.skew[j]
        _put(side, routes, into, waiting[chosen], at[waiting[chosen], into])
        waiting[chosen] = waiting[count - 1]
        count -= 1
        left = 0
        for a in range(count):
            j = waiting[a]
            # Where it did not fit before, it does not now.
            if at[j, into]:
                _look(side, worth, must, routes, table, into, j)
            fits = False
            for v in range(vehicles):
                fits = fits or at[j, v] > 0
            if fits:
                waiting[left] = j
                left += 1
        count = left
