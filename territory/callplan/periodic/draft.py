"""Routes over days while they change: what a move is given, what it writes, and what a broken limit costs.

Loads and lengths may be above what is allowed, at a price, so that the way to better weeks may lead past worse ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from territory.kernels import kernel, part
from territory.numeric import random_below

NEVER = 1e15
"""What is impossible costs this much."""
NOBODY, FIRST, SECOND, NONE = np.int64(-1), np.int64(0), np.int64(1), np.int64(0)
"""Positions, rows and counts. Plain numbers are a type of their own, for which kernels would be compiled once more."""


class Weeks(NamedTuple):
    """What does not change: n customers, the depot is place n; D days of v routes, route r on day r // v."""

    cost: np.ndarray  # (n + 1, n + 1) float, from row to column
    service: np.ndarray  # (n,) float, in the unit of cost
    load: np.ndarray  # (n,) float
    near: np.ndarray  # (n, q) int, other customers by distance
    set_ptr: np.ndarray  # (n + 1,) int, each customer's first set of days
    sets: np.ndarray  # (s,) int64, sets of days as bits
    days: int
    vehicles: int
    capacity: float
    longest: float
    is_symmetric: bool
    plane: np.ndarray  # (n, 2) float, where customers lie, seen from the depot


class Draft(NamedTuple):
    """What changes. A row of `stops` begins and ends with the depot; positions count from 1."""

    stops: np.ndarray  # (R, n + 2) int
    length: np.ndarray  # (R,) int
    loads: np.ndarray  # (R, n + 2) float, of the stops up to a position
    driven: np.ndarray  # (R, n + 2) float, cost up to a position
    served: np.ndarray  # (R, n + 2) float, service up to a position
    route_of: np.ndarray  # (n, D) int, -1 without a visit
    place_of: np.ndarray  # (n, D) int, its position
    stamp: np.ndarray  # (R + 1,) int, when a route changed last; the last entry is the clock
    price: np.ndarray  # (2,) float, of a unit of load, and of length, above what is allowed
    row: np.ndarray  # (2, n + 2) int, scratch


def empty_draft(customers: int, days: int, vehicles: int) -> Draft:
    """A draft without visits."""
    routes, width = days * vehicles, customers + 2
    return Draft(
        stops=np.full((routes, width), customers, np.int64),
        length=np.zeros(routes, np.int64),
        loads=np.zeros((routes, width)),
        driven=np.zeros((routes, width)),
        served=np.zeros((routes, width)),
        route_of=np.full((customers, days), -1, np.int64),
        place_of=np.zeros((customers, days), np.int64),
        stamp=np.zeros(routes + 1, np.int64),
        price=np.ones(2),
        row=np.zeros((2, width), np.int64),
    )


@part()
def write_route(weeks, draft, r, row, k):
    """Make the first k places of `row`, counted from 1, route r."""
    n = weeks.service.size
    day = r // weeks.vehicles
    stops = draft.stops[r]
    driven = 0.0
    load = 0.0
    served = 0.0
    before = n
    for i in range(1, k + 1):
        c = row[i]
        stops[i] = c
        driven += weeks.cost[before, c]
        load += weeks.load[c]
        served += weeks.service[c]
        draft.driven[r, i] = driven
        draft.loads[r, i] = load
        draft.served[r, i] = served
        draft.route_of[c, day] = r
        draft.place_of[c, day] = i
        before = c
    stops[k + 1] = n
    draft.driven[r, k + 1] = driven + weeks.cost[before, n] if k > 0 else 0.0
    draft.loads[r, k + 1] = load
    draft.served[r, k + 1] = served
    draft.length[r] = k
    draft.stamp[-1] += 1
    draft.stamp[r] = draft.stamp[-1]


@part()
def row_with(draft, r, gone, c, behind, which):
    """Write route r with c behind a position and the stop at `gone` left out (-1: none) to scratch; its length."""
    row = draft.row[which]
    p = 0
    for s in range(draft.length[r] + 1):
        if s > 0 and s != gone:
            p += 1
            row[p] = draft.stops[r, s]
        if s == behind:
            p += 1
            row[p] = c
    return p


@part()
def fine(weeks, draft, load, span):
    """What a load and a length above what is allowed cost."""
    owed = 0.0
    if load > weeks.capacity:
        owed += draft.price[0] * (load - weeks.capacity)
    if span > weeks.longest:
        owed += draft.price[1] * (span - weeks.longest)
    return owed


@part()
def fine_of(weeks, draft, r):
    """What route r is fined."""
    k = draft.length[r] + 1
    return fine(weeks, draft, draft.loads[r, k], draft.driven[r, k] + draft.served[r, k])


@kernel()
def driven_and_excess(weeks, draft):
    """The cost of all routes, and their load and length above what is allowed."""
    driven = 0.0
    load = 0.0
    span = 0.0
    for r in range(draft.length.size):
        k = draft.length[r] + 1
        driven += draft.driven[r, k]
        load += max(draft.loads[r, k] - weeks.capacity, 0.0)
        span += max(draft.driven[r, k] + draft.served[r, k] - weeks.longest, 0.0)
    return driven, load, span


@part()
def place_on(weeks, draft, c, day, place):
    """What it costs least to visit c on a day; the route and the position are written to `place`."""
    best = NEVER
    first = day * weeks.vehicles
    seen_empty = False
    for r in range(first, first + weeks.vehicles):
        k = draft.length[r]
        if k == 0:
            if seen_empty:
                continue
            seen_empty = True
        span = draft.driven[r, k + 1] + draft.served[r, k + 1] + weeks.service[c]
        load = draft.loads[r, k + 1] + weeks.load[c]
        old = fine_of(weeks, draft, r)
        if fine(weeks, draft, load, span) - old >= best:
            continue
        stops = draft.stops[r]
        cheapest = NEVER
        position = 0
        for p in range(k + 1):
            more = weeks.cost[stops[p], c] + weeks.cost[c, stops[p + 1]] - weeks.cost[stops[p], stops[p + 1]]
            if more < cheapest:
                cheapest = more
                position = p
        whole = cheapest + fine(weeks, draft, load, span + cheapest) - old
        if whole < best:
            best = whole
            place[day, 0] = r
            place[day, 1] = position
    return best


@part()
def take_out(weeks, draft, c, day):
    """Let c not be visited on a day."""
    r = draft.route_of[c, day]
    row = draft.row[0]
    p = NONE
    for s in range(1, draft.length[r] + 1):
        if draft.stops[r, s] != c:
            p += 1
            row[p] = draft.stops[r, s]
    draft.route_of[c, day] = -1
    write_route(weeks, draft, r, row, p)


@part()
def put_in(weeks, draft, c, r, behind):
    """Let route r visit c behind a position."""
    p = row_with(draft, r, NOBODY, c, behind, FIRST)
    write_route(weeks, draft, r, draft.row[0], p)


@part()
def cheapest_set(weeks, c, needed, price):
    """The set of days of c that holds all that are needed and costs least at prices by day; -1 without any."""
    best = NEVER
    chosen = np.int64(-1)
    for s in range(weeks.set_ptr[c], weeks.set_ptr[c + 1]):
        if weeks.sets[s] & needed != needed:
            continue
        total = 0.0
        for day in range(weeks.days):
            if weeks.sets[s] >> day & 1:
                total += price[day]
        if total < best:
            best = total
            chosen = weeks.sets[s]
    return chosen, best


@part()
def shuffle(order, count, random):
    """Put the first `count` of `order` in any order."""
    for q in range(count - 1, 0, -1):
        x = random_below(random, q + 1)
        order[q], order[x] = order[x], order[q]
