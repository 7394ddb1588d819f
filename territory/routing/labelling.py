"""Routes grown stop by stop: one compiled search that serves as heuristic, as relaxation and as proof.

A label is a partial route: where it ends, when service starts there, what it is worth so far, and what it remembers of
the visits made. Labels that another one dominates die. What is remembered decides what the search is: all of it gives
elementary routes and the optimum; the visits near the last ones only (ng-routes: Baldacci, Mingozzi and Roberti 2011,
Operations Research 59(5)) gives a bound; nothing at all when labels are compared gives a fast heuristic. Labels of one
direction bound how routes of the other can end (Righini and Salani 2009, Computers & Operations Research 36(4)).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import njit, uint64

from territory.kernels import part
from territory.routing.sides import NEVER, START, Ends, Side, after_pause, end_time, first_start

SLOTS = 1 << 14
"""Shelves of labels that are told apart by the musts they have made."""
MAKING, TRYING = 60, 5
"""Comparisons that making a label, and trying a leg, take as long as."""
STRETCHES, FEW_PLACES = 64, 18
"""Of the day, in which labels of a place stand apart; fewer where there are few places."""
FIRST_LABELS = 1024
"""Room at the beginning."""
UNASKED = np.zeros((0, 0), np.bool_)
"""For whoever does not ask which legs are promising."""


class Labels(NamedTuple):
    """Every label of a search, (c,) each, as parallel columns.

    place, time, worth, priced, drive, paused : of the partial route; memory : (c, words) visits it remembers; closed :
    (c, words) those and the ones it can no longer make; before : the label it grew from, -1 for none; is_dead :
    dominated; beside, queued : the next label of the same shelf, and of the same stretch of time.
    """

    place: np.ndarray
    time: np.ndarray
    worth: np.ndarray
    priced: np.ndarray
    drive: np.ndarray
    paused: np.ndarray
    memory: np.ndarray
    closed: np.ndarray
    before: np.ndarray
    is_dead: np.ndarray
    beside: np.ndarray
    queued: np.ndarray


class Shelves(NamedTuple):
    """Where labels that may dominate each other stand: by place and stretch of time, or by place and musts made.

    head : (places x stretches,) the first label, -1 for none; most, least : bounds of the worth on the shelf.
    """

    head: np.ndarray
    most: np.ndarray
    least: np.ndarray
    stretches: int


@part()
def _has_end(side, ends, place, time, priced, drive, is_paused, memory, cut, steps):
    """Whether some end fits and would beat `cut`; steps[0] counts the ends that were looked at."""
    words = len(memory)
    low, last = ends.of[place], ends.of[place + 1]
    high = last
    while low < high:
        middle = (low + high) >> 1
        if ends.by_time[middle] < time:
            low = middle + 1
        else:
            high = middle
    # Most labels fail by what is left of the day, which takes no look at every end.
    if low == last or priced + ends.most[low] <= cut:
        return False
    for q in range(ends.of[place], last):
        steps[0] += 1
        if priced + ends.worth[q] <= cut:
            return False
        if ends.latest[q] < time or not (is_paused or ends.paused[q]) or drive + ends.drive[q] > side.most_drive:
            continue
        fits = True
        for w in range(words):
            shared = memory[w] & ends.visited[q, w]
            if w == place >> 6:
                shared &= ~(uint64(1) << uint64(place & 63))
            if shared != 0:
                fits = False
                break
        if fits:
            return True
    return False


@njit(cache=True)
def packed(flags):
    """(r, words) uint64, the bits of (r, m) bool."""
    rows, m = flags.shape
    masks = np.zeros((rows, (m + 63) // 64), np.uint64)
    for i in range(rows):
        for j in range(m):
            if flags[i, j]:
                masks[i, j >> 6] |= uint64(1) << uint64(j & 63)
    return masks


@part(_nrt=True)
def _room_for(count, words):
    whole = np.empty((8, count), np.int64)
    return Labels(
        whole[0],
        whole[1],
        whole[2],
        whole[3],
        whole[4],
        np.empty(count, np.uint8),
        np.empty((count, words), np.uint64),
        np.empty((count, words), np.uint64),
        whole[5],
        np.empty(count, np.uint8),
        whole[6],
        whole[7],
    )


@part(_nrt=True)
def _with_more_room(labels):
    held, words = labels.memory.shape
    more = _room_for(2 * held, words)
    for q in range(held):
        more.place[q], more.time[q], more.worth[q] = labels.place[q], labels.time[q], labels.worth[q]
        more.priced[q], more.drive[q], more.paused[q] = labels.priced[q], labels.drive[q], labels.paused[q]
        more.before[q], more.is_dead[q] = labels.before[q], labels.is_dead[q]
        more.beside[q], more.queued[q] = labels.beside[q], labels.queued[q]
        for w in range(words):
            more.memory[q, w], more.closed[q, w] = labels.memory[q, w], labels.closed[q, w]
    return more


@part()
def _holds_all(inner, outer):
    rest = uint64(0)
    for w in range(len(inner)):
        rest |= inner[w] & ~outer[w]
    return rest == 0


@part()
def _same_musts(labels, q, place, memory, must):
    apart = uint64(0)
    for w in range(len(must)):
        apart |= (labels.memory[q, w] ^ memory[w]) & must[w]
    return labels.place[q] == place and apart == 0


@part()
def _is_dominated(labels, shelves, first, last, new, memory, closed, must, is_keyed, is_capped, is_loose, steps):
    """Whether a label on the shelves is at least as good; new : (place, time, worth, drive, paused)."""
    place, time, worth, drive, paused = new
    for shelf in range(first, last + 1):
        if shelves.most[shelf] < worth:
            continue
        q = shelves.head[shelf]
        while q >= 0:
            steps[0] += 1
            if (
                labels.worth[q] >= worth
                and labels.time[q] <= time
                and labels.paused[q] >= paused
                and (not is_capped or labels.drive[q] <= drive)
                and (is_loose or _holds_all(labels.memory[q], closed))
                and (not is_keyed or _same_musts(labels, q, place, memory, must))
            ):
                return True
            q = labels.beside[q]
    return False


@part()
def _drop_dominated(labels, shelves, first, last, new, memory, must, is_keyed, is_capped, is_loose, steps):
    """Take labels that are at most as good off the shelves from first to last."""
    place, time, worth, drive, paused = new
    for shelf in range(first, last + 1):
        if shelves.least[shelf] > worth:
            continue
        q, left = shelves.head[shelf], -1
        while q >= 0:
            steps[0] += 1
            after = labels.beside[q]
            if (
                labels.worth[q] <= worth
                and labels.time[q] >= time
                and labels.paused[q] <= paused
                and (not is_capped or labels.drive[q] >= drive)
                and (is_loose or _holds_all(memory, labels.closed[q]))
                and (not is_keyed or _same_musts(labels, q, place, memory, must))
            ):
                labels.is_dead[q] = 1
                if left < 0:
                    shelves.head[shelf] = after
                else:
                    labels.beside[left] = after
            else:
                left = q
            q = after


@part()
def _close(side, place, time, memory, closed):
    """Write what a label remembers or can no longer make to `closed`."""
    low, high = 0, len(side.service)
    while low < high:
        middle = (low + high) >> 1
        if side.reach_time[place, middle] < time:
            low = middle + 1
        else:
            high = middle
    for w in range(len(memory)):
        closed[w] = side.missed[place, low, w] | memory[w]


@part()
def _all_within_reach(must, memory, closed):
    lost = uint64(0)
    for w in range(len(must)):
        lost |= must[w] & ~memory[w] & closed[w]
    return lost == 0


@part()
def _gain(outlook, paused, place, time, memory):
    """What can be gained from here on at most, by the outlook, without a visit that is remembered coming next."""
    tick = time // outlook.tick
    first = outlook.first[paused, place, tick]
    if first >= 0 and memory[first >> 6] & (uint64(1) << uint64(first & 63)):
        return outlook.other[paused, place, tick]
    return outlook.best[paused, place, tick]


@part()
def _slot(place, memory, must):
    """A shelf for a place and the musts that have been made."""
    mix = uint64(place)
    for w in range(len(must)):
        mix = (mix ^ (memory[w] & must[w])) * uint64(0x9E3779B97F4A7C15)
        mix ^= mix >> uint64(29)
    return np.int64(mix & uint64(SLOTS - 1))


@njit(cache=True)
def grow(
    side,
    worth,
    priced,
    constant,
    near,
    must,
    ends,
    has_ends,
    outlook,
    cut,
    is_exact,
    is_loose,
    raises_cut,
    budget,
    promising,
):
    """Search every route from one side, label by label in order of time.

    Parameters
    ----------
    side : Side
    worth, priced : (m,) int, what a visit is worth; and at the prices that `ends` were found with
    constant : int, what the route is worth at those prices before any visit
    near : (m, words) uint64, which of the visits made a place remembers
    must : (words,) uint64, visits that every route makes; only where `is_exact`
    ends, has_ends : Ends of the other side at the same prices, to drop labels that cannot come to more than `cut`
    outlook : Outlook of this side at the same prices, or NO_OUTLOOK; for the same purpose
    is_exact : everything is remembered: worth counts, not the price, and every must is kept in sight
    is_loose : labels are compared by time and worth alone (heuristic)
    raises_cut : routes that are found raise the cut; only where their worth is exact
    budget : int, how many comparisons may be made
    promising : (m, m) bool, set where a leg leads to what may still come to more than `cut`; or UNASKED

    Returns
    -------
    labels : Labels, the first `count` of them; count : int; best : worth of the best complete route, `cut` if none
    beats it; last : its last label, or -1; steps : comparisons made; is_complete : False when the budget ran out
    """
    m = len(worth)
    words = near.shape[1]
    labels = _room_for(max(FIRST_LABELS, m), words)
    is_keyed = is_exact and not is_loose and np.any(must)
    stretches = 1 if is_keyed else STRETCHES if m > FEW_PLACES else 4
    count = SLOTS if is_keyed else m * stretches
    shelves = Shelves(
        np.full(count, -1, np.int64), np.full(count, -NEVER, np.int64), np.full(count, NEVER, np.int64), stretches
    )
    least = NEVER
    for i in range(1, m - 1):
        for j in range(1, m - 1):
            if i != j:
                least = min(least, side.service[i] + side.drive[i, j])
    width = max(least, side.horizon // 16384 + 1)
    queue = np.full(side.horizon // width + 2, -1, np.int64)
    is_capped = side.most_drive < NEVER
    best, last = cut, -1
    steps = np.zeros(1, np.int64)
    count = 0
    memory, closed = np.zeros(words, np.uint64), np.zeros(words, np.uint64)
    is_whole = not (is_exact and np.any(must))
    for owes in range(2):
        # A route owes the pause unless there is none, or it stays within the time that needs none.
        time = 0
        if owes == 0 and side.pause_long > 0:
            time = side.exempt_from
        if (owes == 1 and side.pause_long == 0) or time < 0 or time > side.horizon:
            continue
        labels.place[count], labels.time[count], labels.worth[count] = 0, time, 0 if is_exact else constant
        labels.priced[count], labels.drive[count], labels.before[count] = constant, 0, -1
        labels.paused[count], labels.is_dead[count] = 1 - owes, 0
        for w in range(words):
            labels.memory[count, w] = memory[w]
        labels.queued[count] = queue[0]
        queue[0] = count
        back = end_time(side, START, time, 1 - owes)
        if back < NEVER and is_whole and side.drive[0, m - 1] <= side.most_drive:
            total = labels.worth[count] - side.cost[0, m - 1] - (back if side.pays_time else 0)
            if total > best:
                best, last = total, count
                if raises_cut:
                    cut = best
        count += 1
    b = 0
    while True:
        while b < len(queue) and queue[b] < 0:
            b += 1
        if b >= len(queue):
            break
        now = queue[b]
        queue[b] = labels.queued[now]
        if labels.is_dead[now]:
            continue
        if steps[0] > budget:
            return labels, count, best, last, steps[0], False
        i = labels.place[now]
        ready = labels.time[now] + side.service[i]
        for p in range(m - 1, -1, -1):
            if side.leg_time[i, p] < labels.time[now]:
                break
            steps[0] += TRYING
            j = side.leg_place[i, p]
            word, bit = j >> 6, uint64(1) << uint64(j & 63)
            if labels.memory[now, word] & bit:
                continue
            drive = labels.drive[now] + side.drive[i, j]
            if drive + side.drive[j, m - 1] > side.most_drive:
                continue
            for w in range(words):
                memory[w] = labels.memory[now, w] & near[j, w]
            memory[word] |= bit
            for choice in range(1 if labels.paused[now] else 2):
                paused = labels.paused[now] or choice
                cost = side.cost[i, j] + (side.pause_cost if choice else 0)
                value = labels.worth[now] + worth[j] - cost
                price = labels.priced[now] + priced[j] - cost
                time = after_pause(side, ready, side.drive[i, j]) if choice else ready + side.drive[i, j]
                time = first_start(side, j, time) if time < NEVER else NEVER
                if time > side.latest[j] or (not paused and time + side.service[j] > side.pause_until):
                    continue
                _close(side, j, time, memory, closed)
                if is_exact and not _all_within_reach(must, memory, closed):
                    continue
                back = end_time(side, j, time, paused)
                total = -NEVER
                if back < NEVER and (not is_exact or _holds_all(must, memory)):
                    total = value - side.cost[j, m - 1] - (back if side.pays_time else 0)
                if total <= cut:
                    if outlook.tick > 0 and price + _gain(outlook, paused, j, time, memory) <= cut:
                        continue
                    spent = time if side.pays_time else 0
                    if has_ends and not _has_end(side, ends, j, time, price - spent, drive, paused, memory, cut, steps):
                        continue
                if len(promising):
                    promising[i, j] = True
                new = (j, time, value, drive, paused)
                first = j * stretches
                shelf = first + time * stretches // (side.horizon + 1)
                final = first + stretches - 1
                if is_keyed:
                    first = shelf = final = _slot(j, memory, must)
                if _is_dominated(
                    labels, shelves, first, shelf, new, memory, closed, must, is_keyed, is_capped, is_loose, steps
                ):
                    continue
                _drop_dominated(labels, shelves, shelf, final, new, memory, must, is_keyed, is_capped, is_loose, steps)
                if count == len(labels.place):
                    labels = _with_more_room(labels)
                steps[0] += MAKING
                labels.place[count], labels.time[count], labels.worth[count] = j, time, value
                labels.priced[count], labels.drive[count], labels.before[count] = price, drive, now
                labels.paused[count], labels.is_dead[count] = paused, 0
                for w in range(words):
                    labels.memory[count, w], labels.closed[count, w] = memory[w], closed[w]
                labels.beside[count] = shelves.head[shelf]
                shelves.head[shelf] = count
                shelves.most[shelf] = max(shelves.most[shelf], value)
                shelves.least[shelf] = min(shelves.least[shelf], value)
                at = max(b, time // width)
                labels.queued[count] = queue[at]
                queue[at] = count
                if total > best:
                    best, last = total, count
                    if raises_cut:
                        cut = best
                count += 1
    return labels, count, best, last, steps[0], True


@njit(cache=True)
def route_to(labels, last):
    """The places of a label's route, in the order in which they were added."""
    length = 0
    q = last
    while q >= 0:
        length += 1
        q = labels.before[q]
    places = np.empty(max(length - 1, 0), np.int64)
    q = last
    for p in range(length - 2, -1, -1):
        places[p] = labels.place[q]
        q = labels.before[q]
    return places


def ends_from(labels: Labels, count: int, side: Side, priced: np.ndarray, constant: int) -> Ends:
    """The living ones of the first `count` labels of a side as Ends of the other."""
    rows = np.flatnonzero((labels.is_dead[:count] == 0) & (labels.place[:count] > 0))
    worth = labels.priced[rows] - constant - priced[labels.place[rows]] - side.pays_time * labels.time[rows]
    order = np.lexsort((-worth, labels.place[rows]))
    rows, worth = rows[order], worth[order]
    place = labels.place[rows]
    of = np.append(0, np.cumsum(np.bincount(place, minlength=len(side.service))))
    latest = side.horizon - labels.time[rows] - side.service[place]
    later = np.lexsort((latest, place))
    most = worth[later]
    for first, last in pairwise(of):
        most[first:last] = np.maximum.accumulate(most[first:last][::-1])[::-1]
    return Ends(
        of=of,
        latest=latest,
        worth=worth,
        visited=labels.memory[rows],
        paused=labels.paused[rows],
        drive=labels.drive[rows],
        by_time=latest[later],
        most=most,
    )
