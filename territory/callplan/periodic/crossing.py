"""A child of two weeks: some days from one, some from the other, some from both.

The crossover of periodic routes with insertions, and the split of a day's round tour into routes (Vidal, Crainic,
Gendreau, Lahrichi and Rei 2012, "A hybrid genetic algorithm for multidepot and periodic vehicle routing problems",
Operations Research 60(3)).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from territory.callplan.periodic.descent import descend
from territory.callplan.periodic.draft import (
    NEVER,
    NONE,
    Draft,
    Weeks,
    cheapest_set,
    fine,
    place_on,
    put_in,
    shuffle,
    write_route,
)
from territory.kernels import part
from territory.numeric import random_below

MOTHER, FATHER, BOTH = 0, 1, 2


@njit(cache=True)
def tours_of(weeks, draft, tours, sizes):
    """Write each day's routes, put end to end by the direction in which they lie, to `tours` and how long they are."""
    turn = np.empty(weeks.vehicles)
    for day in range(weeks.days):
        first = day * weeks.vehicles
        for v in range(weeks.vehicles):
            x = 0.0
            y = 0.0
            for p in range(1, draft.length[first + v] + 1):
                x += weeks.plane[draft.stops[first + v, p], 0]
                y += weeks.plane[draft.stops[first + v, p], 1]
            part = y / (abs(x) + abs(y) + 1e-12)
            turn[v] = part if x >= 0 else 2.0 - part
        size = 0
        for v in np.argsort(turn, kind="mergesort"):
            for p in range(1, draft.length[first + v] + 1):
                tours[day, size] = draft.stops[first + v, p]
                size += 1
        sizes[day] = size


@part()
def _can_hold(weeks, c, needed):
    """Whether a set of days of c holds all that are needed."""
    found = False
    for s in range(weeks.set_ptr[c], weeks.set_ptr[c + 1]):
        found = found or weeks.sets[s] & needed == needed
    return found


@njit(cache=True)
def _cross(weeks, mother, mother_sizes, father, father_sizes, child, sizes, has, random):
    """Write the tours of a child and the days that each customer has in it."""
    days = weeks.days
    has[:] = 0
    role = np.full(days, BOTH)
    order = np.arange(days)
    shuffle(order, days, random)
    if days > 1:
        one, two = random_below(random, days + 1), random_below(random, days + 1)
        for x in range(max(one, two)):
            role[order[x]] = MOTHER if x < min(one, two) else FATHER
    begin = np.zeros(days, np.int64)
    for day in range(days):
        size = mother_sizes[day]
        sizes[day] = 0
        if role[day] == FATHER or size == 0:
            continue
        first, count = 0, size
        if role[day] == BOTH:
            first = random_below(random, size)
            count = 1 + random_below(random, size)
        begin[day] = first + count
        for x in range(count):
            c = mother[day, (first + x) % size]
            child[day, sizes[day]] = c
            sizes[day] += 1
            has[c] |= np.int64(1) << day
    shuffle(order, days, random)
    for day in order:
        size = father_sizes[day]
        if role[day] == MOTHER:
            continue
        for x in range(size):
            c = father[day, (begin[day] + x) % size]
            bit = np.int64(1) << day
            if not has[c] & bit and _can_hold(weeks, c, has[c] | bit):
                child[day, sizes[day]] = c
                sizes[day] += 1
                has[c] |= bit


@part()
def _split(weeks, draft, day, tour, size, value, came):
    """Cut a day's tour into at most as many routes as there are, so that they cost least (Prins 2004)."""
    n = weeks.service.size
    v = weeks.vehicles
    total = 0.0
    for x in range(size):
        total += weeks.load[tour[x]]
    most = 2.0 * max(weeks.capacity, total / v)
    value[: v + 1, : size + 1] = NEVER
    value[0, 0] = 0.0
    for k in range(v):
        for x in range(size):
            if value[k, x] >= NEVER:
                continue
            driven = weeks.cost[n, tour[x]]
            load = 0.0
            served = 0.0
            for y in range(x, size):
                c = tour[y]
                load += weeks.load[c]
                if load > most and y > x:
                    break
                served += weeks.service[c]
                if y > x:
                    driven += weeks.cost[tour[y - 1], c]
                back = driven + weeks.cost[c, n]
                whole = value[k, x] + back + fine(weeks, draft, load, back + served)
                if whole < value[k + 1, y + 1]:
                    value[k + 1, y + 1] = whole
                    came[k + 1, y + 1] = x
    best = 0
    for k in range(v + 1):
        if value[k, size] < value[best, size]:
            best = k
    end = size
    row = draft.row[0]
    for k in range(v, 0, -1):
        length = NONE
        if k <= best:
            begin = came[k, end]
            for x in range(begin, end):
                length += 1
                row[length] = tour[x]
            end = begin
        write_route(weeks, draft, day * v + k - 1, row, length)


@part(_nrt=True)
def _complete(weeks, draft, has, random):
    """Give each customer the visits that it lacks, where they cost least."""
    n = weeks.service.size
    order = np.arange(n)
    shuffle(order, n, random)
    price = np.zeros(weeks.days)
    place = np.zeros((weeks.days, 2), np.int64)
    for c in order:
        is_whole = False
        for s in range(weeks.set_ptr[c], weeks.set_ptr[c + 1]):
            is_whole = is_whole or weeks.sets[s] == has[c]
        if is_whole:
            continue
        for day in range(weeks.days):
            price[day] = 0.0 if has[c] >> day & 1 else place_on(weeks, draft, c, day, place)
        chosen, _ = cheapest_set(weeks, c, has[c], price)
        for day in range(weeks.days):
            if chosen >> day & 1 and not has[c] >> day & 1:
                put_in(weeks, draft, c, place[day, 0], place[day, 1])


@njit(cache=True)
def _any_tours(weeks, tours, sizes, has, random):
    """Write tours of any days and any order, and the days that each customer has in them."""
    n = weeks.service.size
    order = np.arange(n)
    shuffle(order, n, random)
    for c in order:
        count = weeks.set_ptr[c + 1] - weeks.set_ptr[c]
        has[c] = weeks.sets[weeks.set_ptr[c] + random_below(random, count)]
        for day in range(weeks.days):
            if has[c] >> day & 1:
                tours[day, sizes[day]] = c
                sizes[day] += 1


@njit(cache=True)
def _settle(weeks, draft, tours, sizes, has, random):
    """Make a draft of tours by day and the days that customers have in them, and complete it."""
    n = weeks.service.size
    value = np.empty((weeks.vehicles + 1, n + 1))
    came = np.zeros((weeks.vehicles + 1, n + 1), np.int64)
    draft.stamp[:] = 0
    draft.route_of[:] = -1
    for day in range(weeks.days):
        _split(weeks, draft, day, tours[day], sizes[day], value, came)
    _complete(weeks, draft, has, random)


def begin(weeks: Weeks, draft: Draft, random: np.ndarray) -> None:
    """Make a draft of any days and any order, bettered until no move helps."""
    tours, sizes, has = _nothing(weeks)
    _any_tours(weeks, tours, sizes, has, random)
    _settle(weeks, draft, tours, sizes, has, random)
    descend(weeks, draft, random)


def bear(
    weeks: Weeks,
    draft: Draft,
    mother: tuple[np.ndarray, np.ndarray],
    father: tuple[np.ndarray, np.ndarray],
    random: np.ndarray,
) -> None:
    """Make a draft the child of two weeks, bettered until no move helps; each as its tours by day and their sizes."""
    tours, sizes, has = _nothing(weeks)
    _cross(weeks, *mother, *father, tours, sizes, has, random)
    _settle(weeks, draft, tours, sizes, has, random)
    descend(weeks, draft, random)


def _nothing(weeks: Weeks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tours by day (D, n), their sizes (D,), and the days that customers have (n,), all empty."""
    n = len(weeks.service)
    return np.zeros((weeks.days, n), np.int64), np.zeros(weeks.days, np.int64), np.zeros(n, np.int64)
