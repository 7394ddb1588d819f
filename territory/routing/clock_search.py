"""Every route by the clock, stop by stop: what no route on roads with hours can exceed.

Labels grow from the start as in `territory.routing.labelling`, with everything remembered. Who is at a place earlier is
there earlier ever after, but may drive longer from then on, in a rush that the other one misses: by no more than the
time between the two, because whoever leaves later never arrives earlier. So a label dominates a later one when it is
worth as much even after paying for that time.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint64

from territory.kernels import part
from territory.routing.clocked import Pace, left_at_last, reached, reached_with_rest
from territory.routing.outlook import offer
from territory.routing.prices import prices_for
from territory.routing.sides import NEVER, NOTHING, START, first_start
from territory.routing.task import Task, sides_of

MOST_PLACES = 64
"""A label's memory is one word."""
TICKS, MOST_TICKS = 1_080, 20_000
"""Of a day, in the outlook: half minutes, for one of nine hours; finer where legs are shorter, up to so many."""
ROUNDS = 40
"""Of the search for prices."""
STRETCHES = 48
"""Of the day, in which labels of a place stand apart."""
FEW_PLACES = 18
"""With no more places than these, labels stand apart by the visits made, and are only compared with their like."""
MAKING = 60
"""Comparisons that making a label takes as long as."""


def search_by_clock(task: Task, pace: Pace, worth: int, budget: int) -> tuple[np.ndarray, int, int]:
    """A route by the clock that is worth more than is known, if there is one, and what no route exceeds.

    Parameters
    ----------
    task : Task, with the quickest hours' drives
    pace : Pace, between the places of the task
    worth : of the best route known
    budget : comparisons that may be made

    Returns
    -------
    places : (k,) int, in order, empty without a better one; most : what no route is worth more than, NEVER when nobody
    knows; steps : comparisons made
    """
    side = sides_of(task)[0]
    if len(task.service) > MOST_PLACES:
        return np.empty(0, np.int64), int(NEVER), 0
    spent = side.service[1:-1, None] + side.drive[1:-1, 1:-1]
    np.fill_diagonal(spent, NEVER)
    tick = int(min(max(side.horizon // TICKS, 1), max(spent.min(initial=side.horizon), 1)))
    if side.horizon // tick > MOST_TICKS or spent.min(initial=1) < 1:
        return np.empty(0, np.int64), int(NEVER), 0
    unit = 0 if task.pays_time else 1
    price = prices_for(task, side, worth, ROUNDS)
    best, first, other = outlook_by_clock(side, pace.seconds, pace.ends, task.worth - price, unit, tick)
    most = int(best[int(side.pause_long == 0), 0, 0] + price.sum())
    if most <= worth:
        return np.empty(0, np.int64), worth, 0
    must = np.uint64(sum(1 << int(place) for place in np.flatnonzero(task.must)))
    places, total, steps, is_complete = grow_by_clock(
        side,
        pace.seconds,
        pace.ends,
        task.worth,
        task.worth - price,
        int(price.sum()),
        must,
        unit,
        best,
        first,
        other,
        tick,
        worth,
        budget,
    )
    return places, int(total) if is_complete else most, int(steps)


@part()
def _ways_on(side, seconds, ends, i, j, ready, is_paused, ways):
    """The ways from i, ready at a time, to j: rows of when service may start, what is driven, whether one has paused by
    then, and whether on arrival; how many there are.

    Without the pause, with it on arrival, before leaving, and amid the drive as soon as it may be: which is best
    depends on the hours to come.
    """
    arrive = reached(seconds, ends, i, j, ready)
    ways[0, 0], ways[0, 1], ways[0, 2], ways[0, 3] = arrive, arrive - ready, is_paused, 0
    count = 1
    if is_paused:
        return count
    if arrive <= side.pause_until:
        ways[count, 0], ways[count, 1] = max(arrive, side.pause_from) + side.pause_long, arrive - ready
        ways[count, 2], ways[count, 3] = 1, 1
        count += 1
    if ready <= side.pause_until:
        left = max(ready, side.pause_from) + side.pause_long
        arrive = reached(seconds, ends, i, j, left)
        ways[count, 0], ways[count, 1], ways[count, 2], ways[count, 3] = arrive, arrive - left, 1, 0
        count += 1
        begin = side.pause_from
        if ready < begin < ways[0, 0]:
            arrive = reached_with_rest(seconds, ends, i, j, ready, begin, side.pause_long)
            ways[count, 0], ways[count, 1] = arrive, arrive - ready - side.pause_long
            ways[count, 2], ways[count, 3] = 1, 0
            count += 1
    return count


@part()
def _first_drive(side, seconds, ends, j, start, way):
    """What the first leg of a day takes, whose start is left as late as service at `start` allows."""
    wanted = start
    if way[3]:
        wanted = min(side.pause_until, start - side.pause_long)
    elif way[2] and side.pause_long > 0:
        return way[1]
    left = left_at_last(seconds, ends, START, j, wanted)
    return reached(seconds, ends, START, j, left) - left


@part()
def _is_back_in_time(side, back, is_paused):
    return back <= side.horizon and (is_paused == 1 or back <= side.exempt_until)


@njit(cache=True)
def outlook_by_clock(side, seconds, ends, prized, unit, tick):
    """What can be gained at most when service at a place starts as a tick begins, (2, m, ticks), by whether paused.

    As in `territory.routing.outlook`: best, the place that comes next then, and the best by way of another. A start
    later within the tick gains at most the difference more.
    """
    m = len(prized)
    ticks = side.horizon // tick + 1
    best = np.full((2, m, ticks), NOTHING, np.int64)
    other = np.full((2, m, ticks), NOTHING, np.int64)
    first = np.full((2, m, ticks), -1, np.int16)
    ways = np.zeros((4, 4), np.int64)
    for t in range(ticks - 1, -1, -1):
        # The home comes last: from there, another place may be begun within the first tick.
        for i in range(m - 2, -1 if t == 0 else 0, -1):
            now = t * tick
            if i > 0 and now > side.latest[i]:
                continue
            ready = now + side.service[i]
            for paused in range(0 if side.pause_long > 0 else 1, 2):
                count = _ways_on(side, seconds, ends, i, m - 1, ready, paused, ways)
                for w in range(count):
                    back, drive, is_paused = ways[w, 0], ways[w, 1], ways[w, 2]
                    if _is_back_in_time(side, back, is_paused):
                        paid = unit * drive + (back if side.pays_time else 0)
                        offer(best, first, other, paused, i, t, m - 1, -paid)
                for j in range(1, m - 1):
                    if j == i or not side.legs[i, j]:
                        continue
                    count = _ways_on(side, seconds, ends, i, j, ready, paused, ways)
                    for w in range(count):
                        arrive, drive, is_paused = ways[w, 0], ways[w, 1], ways[w, 2]
                        start = first_start(side, j, arrive)
                        if start > side.latest[j]:
                            continue
                        if i == 0:
                            drive = _first_drive(side, seconds, ends, j, start, ways[w])
                        s = start // tick
                        after = best[is_paused, j, s] if first[is_paused, j, s] != i else other[is_paused, j, s]
                        if after > NOTHING:
                            late = unit * (start - s * tick)
                            offer(best, first, other, paused, i, t, j, after + late + prized[j] - unit * drive)
    return best, first, other


@part()
def _gain(best, first, other, tick, unit, paused, place, time, mask):
    """What can be gained from here on at most, without a visit that is made coming next."""
    t = time // tick
    late = unit * (time - t * tick)
    j = first[paused, place, t]
    if j >= 0 and mask & (uint64(1) << uint64(j)):
        return other[paused, place, t] + late
    return best[paused, place, t] + late


@part(_nrt=True)
def _with_more_room(whole, masks):
    held = whole.shape[1]
    more = np.empty((whole.shape[0], 2 * held), np.int64)
    wider = np.empty((masks.shape[0], 2 * held), np.uint64)
    for q in range(held):
        for kind in range(len(whole)):
            more[kind, q] = whole[kind, q]
        for kind in range(len(masks)):
            wider[kind, q] = masks[kind, q]
    return more, wider


PLACE, TIME, WORTH, PRICED, DRIVE, PAUSED, BEFORE, DEAD, BESIDE, QUEUED = range(10)


@njit(cache=True)
def grow_by_clock(side, seconds, ends, worth, priced, constant, must, unit, best, first, other, tick, cut, budget):
    """Search every route by the clock, label by label in order of time.

    Parameters
    ----------
    side : Side, the day from its start at the quickest hours' drives
    seconds, ends : a Pace
    worth, priced : (m,) int, what a visit is worth, and at the prices that the outlook was made with
    constant : int, what a route is worth at those prices before any visit
    must : uint64, the visits that every route makes
    unit : what a second of driving costs, 0 or 1
    best, first, other, tick : the outlook
    cut : what is worth no more is not looked for
    budget : comparisons that may be made

    Returns
    -------
    route : (k,) int, places of the best route above `cut`, empty without one; total : its worth, or `cut`; steps;
    is_complete : False when the budget ran out, and the route may not be the best
    """
    m = len(worth)
    whole, masks = np.empty((10, 1024), np.int64), np.empty((2, 1024), np.uint64)
    is_small = m <= FEW_PLACES
    shelves = m << (m - 2) if is_small else m * STRETCHES
    head = np.full(shelves, -1, np.int64)
    most, least = np.full(shelves, -NEVER, np.int64), np.full(shelves, NEVER, np.int64)
    width = side.horizon // 16384 + 1
    queue = np.full(side.horizon // width + 2, -1, np.int64)
    ways = np.zeros((4, 4), np.int64)
    # Who has paused goes on while the other rests, and may be that much longer before it in a rush.
    rest = side.pause_long
    last, steps, count = np.int64(-1), 0, 1
    is_capped = side.most_drive < NEVER
    whole[:, 0] = 0
    whole[PRICED, 0], whole[PAUSED, 0] = constant, 0 if side.pause_long > 0 else 1
    whole[BEFORE, 0] = whole[BESIDE, 0] = whole[QUEUED, 0] = -1
    masks[:, 0] = 0
    queue[0] = 0
    b = 0
    while True:
        while b < len(queue) and queue[b] < 0:
            b += 1
        if b >= len(queue):
            break
        now = queue[b]
        queue[b] = whole[QUEUED, now]
        if whole[DEAD, now]:
            continue
        if steps > budget:
            return _route(whole, last), cut, steps, False
        i = whole[PLACE, now]
        ready = whole[TIME, now] + side.service[i]
        for j in range(1, m - 1):
            bit = uint64(1) << uint64(j)
            if not side.legs[i, j] or masks[0, now] & bit or whole[TIME, now] + side.service[i] > side.latest[j]:
                continue
            mask = masks[0, now] | bit
            ways_on = _ways_on(side, seconds, ends, i, j, ready, whole[PAUSED, now], ways)
            for w in range(ways_on):
                arrive, drive, paused = ways[w, 0], ways[w, 1], ways[w, 2]
                time = first_start(side, j, arrive)
                if time > side.latest[j] or (paused == 0 and time + side.service[j] > side.pause_until):
                    continue
                if i == 0:
                    drive = _first_drive(side, seconds, ends, j, time, ways[w])
                driven = whole[DRIVE, now] + drive
                if driven + side.drive[j, m - 1] > side.most_drive:
                    continue
                steps += 5
                value = whole[WORTH, now] + worth[j] - unit * drive
                price = whole[PRICED, now] + priced[j] - unit * drive
                if price + _gain(best, first, other, tick, unit, paused, j, time, mask) <= cut:
                    continue
                closed = mask | side.missed[j, np.searchsorted(side.reach_time[j], time), 0]
                if must & ~mask & closed:
                    continue
                key = value + unit * time
                lowest, highest = j * STRETCHES, (j + 1) * STRETCHES - 1
                shelf = lowest + time * STRETCHES // (side.horizon + 1)
                if is_small:
                    lowest = highest = shelf = np.int64(mask >> uint64(1)) * m + j
                is_dominated = False
                for s in range(lowest, shelf + 1):
                    if most[s] < key:
                        continue
                    q = head[s]
                    while q >= 0:
                        steps += 1
                        if (
                            whole[TIME, q] <= time
                            and whole[PAUSED, q] >= paused
                            and whole[WORTH, q] + unit * whole[TIME, q]
                            >= key + unit * rest * (whole[PAUSED, q] - paused)
                            and (not is_capped or whole[DRIVE, q] + time - whole[TIME, q] + rest <= driven)
                            and masks[0, q] & ~closed == 0
                            and (masks[0, q] ^ mask) & must == 0
                        ):
                            is_dominated = True
                            break
                        q = whole[BESIDE, q]
                    if is_dominated:
                        break
                if is_dominated:
                    continue
                for s in range(shelf, highest + 1):
                    if least[s] > key:
                        continue
                    q, left = head[s], -1
                    while q >= 0:
                        steps += 1
                        after = whole[BESIDE, q]
                        if (
                            whole[TIME, q] >= time
                            and whole[PAUSED, q] <= paused
                            and whole[WORTH, q] + unit * whole[TIME, q] + unit * rest * (paused - whole[PAUSED, q])
                            <= key
                            and (not is_capped or driven + whole[TIME, q] - time + rest <= whole[DRIVE, q])
                            and mask & ~masks[1, q] == 0
                            and (masks[0, q] ^ mask) & must == 0
                        ):
                            whole[DEAD, q] = 1
                            if left < 0:
                                head[s] = after
                            else:
                                whole[BESIDE, left] = after
                        else:
                            left = q
                        q = after
                if count == whole.shape[1]:
                    whole, masks = _with_more_room(whole, masks)
                steps += MAKING
                whole[PLACE, count], whole[TIME, count], whole[WORTH, count] = j, time, value
                whole[PRICED, count], whole[DRIVE, count], whole[PAUSED, count] = price, driven, paused
                whole[BEFORE, count], whole[DEAD, count] = now, 0
                masks[0, count], masks[1, count] = mask, closed
                whole[BESIDE, count] = head[shelf]
                head[shelf] = count
                most[shelf], least[shelf] = max(most[shelf], key), min(least[shelf], key)
                at = max(b, time // width)
                whole[QUEUED, count] = queue[at]
                queue[at] = count
                if must & ~mask == 0:
                    total = _home(side, seconds, ends, j, time, paused, value, driven, unit)
                    if total > cut:
                        cut, last = total, count
                count += 1
    return _route(whole, last), cut, steps, True


@part(_nrt=True)
def _home(side, seconds, ends, place, time, paused, value, driven, unit):
    """What a route is worth that ends after a place; NOTHING when it is not back in time."""
    end = side.drive.shape[0] - 1
    ways = np.zeros((4, 4), np.int64)
    best = NOTHING
    for w in range(_ways_on(side, seconds, ends, place, end, time + side.service[place], paused, ways)):
        back, drive, is_paused = ways[w, 0], ways[w, 1], ways[w, 2]
        if _is_back_in_time(side, back, is_paused) and driven + drive <= side.most_drive:
            best = max(best, value - unit * drive - (back if side.pays_time else 0))
    return best


@part(_nrt=True)
def _route(whole, last):
    length, q = 0, last
    while q >= 0:
        length += 1
        q = whole[BEFORE, q]
    places, q = np.empty(max(length - 1, 0), np.int64), last
    for p in range(length - 2, -1, -1):
        places[p] = whole[PLACE, q]
        q = whole[BEFORE, q]
    return places
