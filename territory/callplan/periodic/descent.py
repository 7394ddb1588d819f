"""Weeks bettered until no move helps: each day by the moves of its routes, then customers by changing their days."""

from __future__ import annotations

import numpy as np
from numba import njit

from territory.callplan.periodic.draft import (
    FIRST,
    NONE,
    cheapest_set,
    fine,
    fine_of,
    place_on,
    put_in,
    shuffle,
    take_out,
)
from territory.callplan.periodic.moves import LEAST, between, exchange, within
from territory.kernels import part


@part()
def _descend_day(weeks, draft, day, order, tried, worth, at, seen, random):
    """Better the routes of a day by every move between and within them until none helps."""
    n = weeks.service.size
    first = day * weeks.vehicles
    count = NONE
    for c in range(n):
        if draft.route_of[c, day] >= 0:
            order[count] = c
            count += 1
    shuffle(order, count, random)
    is_better = True
    while is_better:
        is_better = False
        for q in range(count):
            u = order[q]
            since = tried[u, day]
            tried[u, day] = draft.stamp[-1]
            for v in weeks.near[u]:
                b = draft.route_of[v, day]
                if b < 0:
                    continue
                a = draft.route_of[u, day]
                if draft.stamp[a] <= since and draft.stamp[b] <= since:
                    continue
                i, j = draft.place_of[u, day], draft.place_of[v, day]
                # What helps begins somewhere with a leg that is shorter than one that goes (Lin and Kernighan 1973).
                legs = max(weeks.cost[draft.stops[a, i - 1], u], weeks.cost[u, draft.stops[a, i + 1]])
                legs = max(legs, weeks.cost[v, draft.stops[b, j + 1]])
                is_hopeful = weeks.cost[v, u] < legs
                if not is_hopeful and (a == b or fine_of(weeks, draft, a) + fine_of(weeks, draft, b) == 0.0):
                    continue
                done = within(weeks, draft, a, i, j) if a == b else between(weeks, draft, a, i, b, j)
                if not done and j == 1:
                    done = within(weeks, draft, a, i, FIRST) if a == b else between(weeks, draft, a, i, b, FIRST)
                is_better = is_better or done
            for b in range(first, first + weeks.vehicles):
                a = draft.route_of[u, day]
                if draft.length[b] == 0:
                    if draft.stamp[a] > since and between(weeks, draft, a, draft.place_of[u, day], b, FIRST):
                        is_better = True
                    break
        if not is_better:
            for a in range(first, first + weeks.vehicles):
                for b in range(a + 1, first + weeks.vehicles):
                    newest = max(draft.stamp[a], draft.stamp[b])
                    if draft.length[a] and draft.length[b] and newest > tried[n + a % weeks.vehicles, b]:
                        tried[n + a % weeks.vehicles, b] = draft.stamp[-1]
                        if exchange(weeks, draft, a, b, worth, at, seen):
                            is_better = True


@part()
def _change_days(weeks, draft, order, price, place, random):
    """Let each customer, in any order, change to its cheapest set of days; whether any did."""
    n = weeks.service.size
    is_better = False
    count = NONE
    for c in range(n):
        if weeks.set_ptr[c + 1] - weeks.set_ptr[c] > 1:
            order[count] = c
            count += 1
    shuffle(order, count, random)
    for q in range(count):
        c = order[q]
        now = np.int64(0)
        saved = 0.0
        allowed = np.int64(0)
        for s in range(weeks.set_ptr[c], weeks.set_ptr[c + 1]):
            allowed |= weeks.sets[s]
        for day in range(weeks.days):
            price[day] = 0.0
            r = draft.route_of[c, day]
            if r >= 0:
                now |= np.int64(1) << day
                i = draft.place_of[c, day]
                k = draft.length[r] + 1
                ahead, behind = draft.stops[r, i - 1], draft.stops[r, i + 1]
                less = weeks.cost[ahead, c] + weeks.cost[c, behind] - weeks.cost[ahead, behind]
                owed = fine_of(weeks, draft, r)
                span = draft.driven[r, k] + draft.served[r, k] - weeks.service[c] - less
                free = fine(weeks, draft, draft.loads[r, k] - weeks.load[c], span)
                # To stay costs what leaving saves.
                price[day] = less + owed - free
                place[day, 0] = -1
                saved += price[day]
            elif allowed >> day & 1:
                price[day] = place_on(weeks, draft, c, day, place)
        chosen, whole = cheapest_set(weeks, c, np.int64(0), price)
        if chosen == now or whole >= saved - LEAST:
            continue
        is_better = True
        for day in range(weeks.days):
            if now >> day & 1 and not chosen >> day & 1:
                take_out(weeks, draft, c, day)
            elif chosen >> day & 1 and not now >> day & 1:
                put_in(weeks, draft, c, place[day, 0], place[day, 1])
    return is_better


@njit(cache=True)
def descend(weeks, draft, random):
    """Better a draft in place until no move helps, on its days and between them."""
    n = weeks.service.size
    v = weeks.vehicles
    order = np.empty(n, np.int64)
    tried = np.full((n + v, weeks.days * v), -1, np.int64)
    worth = np.empty((n, weeks.days * v, 3))
    at = np.empty((n, weeks.days * v, 3), np.int64)
    seen = np.full((n, weeks.days * v), -1, np.int64)
    price = np.zeros(weeks.days)
    place = np.zeros((weeks.days, 2), np.int64)
    while True:
        for day in range(weeks.days):
            _descend_day(weeks, draft, day, order, tried, worth, at, seen, random)
        if weeks.sets.size == n or not _change_days(weeks, draft, order, price, place, random):
            return
