"""The search over weeks: take some customers out of the calendar, put them back better, on other days if need be.

Ruin and recreate with strings of neighbours (Christiaens and Vanden Berghe 2020, "Slack induction by string removals
for vehicle routing problems", Transportation Science 54(2)), where a customer comes back on the cheapest set of days:
the shortest path through the days that its rhythm allows. Some rounds take one day alone and leave every customer its
days: routes are put in order more cheaply than calendars. Accepted by annealing (Kirkpatrick, Gelatt and Vecchi 1983).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from territory.callplan.month import (
    NEVER,
    Calendar,
    Month,
    copy_all,
    copy_customer,
    copy_route,
    imbalance,
    refresh,
    total_cost,
)
from territory.kernels import kernel, part
from territory.numeric import exp_negative, log_small, random_below, random_unit

EVERY_DAY = np.int64(-1)
"""In the place of one day. A plain -1 is a type of its own, and kernels would be compiled for it once more."""
STRING_LENGTH = 10
"""The longest string of stops taken out of one route."""
BLINK = 0.01
"""How often a good place is overlooked, so that the search does not run in circles."""
RETRIES = 6.0
"""Customers left out that try again at a time, on average."""
GROW = 0.25
"""How often the kept middle of a split string grows by one more stop."""


class Scratch(NamedTuple):
    """Room for one search over n customers, T days and R routes."""

    price: np.ndarray  # (T,) float, what a visit adds on each day
    route: np.ndarray  # (T,) int, where it would be then
    place: np.ndarray  # (T,) int, and before which stop
    shortest: np.ndarray  # (most nodes of a customer,) float, the cheapest path to each
    before: np.ndarray  # likewise, int, the node before
    chosen: np.ndarray  # (T,) int
    mark: np.ndarray  # (n,) bool, who is taken out
    taken: np.ndarray  # (n,) int, the same as a list
    key: np.ndarray  # (n,) float, by which the list is sorted
    changed: np.ndarray  # (R,) bool
    touched: np.ndarray  # (R,) int, the same as a list
    ruined: np.ndarray  # (R,) bool, out of which a string was taken in this round


def _scratch_of(month: Month, calendar: Calendar) -> Scratch:
    n, days = calendar.route_of.shape
    routes = len(calendar.length)
    widest = max(1, int(np.diff(month.node_ptr).max(initial=0)))
    return Scratch(
        price=np.empty(days),
        route=np.zeros(days, np.int64),
        place=np.zeros(days, np.int64),
        shortest=np.empty(widest),
        before=np.zeros(widest, np.int64),
        chosen=np.zeros(days, np.int64),
        mark=np.zeros(n, np.bool_),
        taken=np.zeros(n, np.int64),
        key=np.empty(n),
        changed=np.zeros(routes, np.bool_),
        touched=np.zeros(routes, np.int64),
        ruined=np.zeros(routes, np.bool_),
    )


@part()
def _put(month, calendar, r, c, at):
    stops = calendar.stops[r]
    for i in range(calendar.length[r], at, -1):
        stops[i] = stops[i - 1]
    stops[at] = c
    calendar.length[r] += 1
    calendar.route_of[c, r // month.vehicles] = r


@part()
def _take(month, calendar, r, c):
    stops = calendar.stops[r]
    kept = 0
    for i in range(calendar.length[r]):
        if stops[i] != c:
            stops[kept] = stops[i]
            kept += 1
    calendar.length[r] = kept
    calendar.route_of[c, r // month.vehicles] = -1


@part()
def _ruin(month, calendar, average, only, mark, taken, ruined, random):
    """Choose customers to take out: strings of stops near one place, of day `only` unless that is -1.

    Their number; they stand first in `taken`.
    """
    n = month.service.size
    days = calendar.route_of.shape[1]
    stops_total = 0
    used = 0
    first_route = max(only, 0) * month.vehicles
    for r in range(first_route, first_route + month.vehicles if only >= 0 else calendar.length.size):
        stops_total += calendar.length[r]
        used += calendar.length[r] > 0
    longest = min(float(STRING_LENGTH), stops_total / max(1, used))
    strings = int(random_unit(random) * (4.0 * average / (1.0 + longest) - 1.0) + 1.0)
    ruined[:] = False
    count = 0
    done = 0
    seed = random_below(random, n)
    for x in range(month.near.shape[1]):
        if done >= strings:
            break
        c = month.near[seed, x]
        if not calendar.placed[c]:
            continue
        day = only
        if only < 0:
            day = random_below(random, days)
            while calendar.route_of[c, day] < 0:
                day = (day + 1) % days
        elif calendar.route_of[c, only] < 0:
            continue
        r = calendar.route_of[c, day]
        if ruined[r]:
            continue
        ruined[r] = True
        done += 1
        k = calendar.length[r]
        stops = calendar.stops[r]
        length = int(random_unit(random) * min(float(k), longest) + 1.0)
        position = 0
        for i in range(k):
            if stops[i] == c:
                position = i
        # Half of the strings keep a middle: what stands on both sides of it comes out.
        middle = 0
        if length > 1 and length < k and random_unit(random) < 0.5:
            middle = 1
            while length + middle < k and random_unit(random) < GROW:
                middle += 1
        span = length + middle
        low = max(0, position - span + 1)
        high = max(low, min(position, k - span))
        first = low + random_below(random, high - low + 1)
        skip = first + (1 + random_below(random, length - 1) if middle > 0 else span)
        for i in range(first, min(first + span, k)):
            if middle > 0 and skip <= i < skip + middle:
                continue
            if not mark[stops[i]]:
                mark[stops[i]] = True
                taken[count] = stops[i]
                count += 1
    return count


@part()
def _order(month, taken, count, key, random):
    """Sort those to be put back: by chance, or the most valuable, longest, farthest, nearest or busiest first."""
    way = random_unit(random)
    home = month.begin[0]
    for q in range(count):
        c = taken[q]
        if way < 0.3:
            value = random_unit(random)
        elif way < 0.5:
            value = -month.worth[c] * (0.8 + 0.4 * random_unit(random))
        elif way < 0.6:
            value = -month.service[c] - month.load[c]
        elif way < 0.7:
            value = -month.drive[home, c]
        elif way < 0.85:
            value = month.drive[home, c]
        else:
            value = month.day_ptr[c + 1] - month.day_ptr[c] + random_unit(random)
        at = q
        while at > 0 and key[at - 1] > value:
            key[at], taken[at] = key[at - 1], taken[at - 1]
            at -= 1
        key[at], taken[at] = value, c


@part()
def _day_costs(month, calendar, c, only, price, route, place, random):
    """What a visit to c adds on each of its days, or on day `only`: ``price``, and its ``route`` and ``place``."""
    drive = month.drive
    service = month.service[c]
    for e in range(month.day_ptr[c], month.day_ptr[c + 1]):
        day = month.days[e]
        price[day] = NEVER
        if only >= 0 and day != only:
            continue
        opens = month.opens[c, day]
        closes = month.closes[c, day] + 1e-9
        home = month.end[day]
        seen_empty = False
        for r in range(day * month.vehicles, (day + 1) * month.vehicles):
            k = calendar.length[r]
            if k == 0:
                if seen_empty:
                    continue
                seen_empty = True
            if calendar.sums[r, 2] + month.load[c] > month.capacity + 1e-9:
                continue
            most = month.max_drive[day] - calendar.sums[r, 0]
            best = NEVER
            at = -1
            before = month.begin[day]
            leave = calendar.early[r, 0]
            there = drive[before, c]
            for i in range(k + 1):
                after = calendar.stops[r, i] if i < k else home
                onward = drive[c, after]
                more = there + onward - (drive[before, after] if k > 0 else 0.0)
                if more < best and more <= most:
                    begin = max(leave + there, opens)
                    if (
                        begin <= closes
                        and begin + service + onward <= calendar.late[r, i + 1] + 1e-9
                        and random_unit(random) >= BLINK
                    ):
                        best = more
                        at = i
                if i < k:
                    leave = calendar.early[r, i + 1] + month.service[after]
                    before = after
                    there = drive[before, c]
            if best >= NEVER:
                continue
            if month.stiffness > 0.0:
                worked = calendar.sums[r, 0] + calendar.sums[r, 1]
                best += imbalance(month, day, worked + best + service) - imbalance(month, day, worked)
            if best < price[day]:
                price[day] = best
                route[day] = r
                place[day] = at


@part()
def _cheapest_days(month, c, price, best, before, days):
    """The cheapest path through the nodes of c: days (in `days`, last first), their number, rhythm and whole cost."""
    first = month.node_ptr[c]
    last = -1
    whole = NEVER
    for node in range(first, month.node_ptr[c + 1]):
        i = node - first
        best[i] = NEVER
        here = price[month.node_day[node]]
        if here >= NEVER:
            continue
        for arc in range(month.arc_ptr[node], month.arc_ptr[node + 1]):
            source = month.arc_from[arc]
            value = month.arc_cost[arc] + here + (best[source] if source >= 0 else 0.0)
            if value < best[i]:
                best[i] = value
                before[i] = source
        if best[i] + month.node_last[node] < whole:
            whole = best[i] + month.node_last[node]
            last = i
    count = 0
    visits = 0.0
    while last >= 0:
        days[count] = month.node_day[first + last]
        visits += price[days[count]]
        count += 1
        last = before[last]
    return count, whole - visits, whole


@kernel(inline="always")
def _note(calendar, r, changed, touched, touches):
    """Note that route r is changed: how many are by now, and what it cost and drove before, if that is new."""
    if changed[r]:
        return touches, 0.0, 0.0
    changed[r] = True
    touched[touches] = r
    return touches + 1, calendar.sums[r, 3], calendar.sums[r, 0]


def search(
    month: Month,
    now: Calendar,
    kept: Calendar,
    best: Calendar,
    rounds: int,
    hot: float,
    cold: float,
    average: float,
    within: float,
    random: np.ndarray,
) -> float:
    """Ruin and recreate `rounds` times.

    Parameters
    ----------
    now, kept, best : three of the same content; `best` holds the cheapest found in the end
    hot, cold : temperatures at the beginning and at the end, in the unit of cost
    average : customers taken out at a time, on average
    within : part of the rounds that keeps to one day
    random : (1,) uint64, generator state

    Returns
    -------
    float, cost of `best`
    """
    return _search(month, now, kept, best, _scratch_of(month, now), rounds, hot, cold, average, within, random)


@kernel()
def _search(month, now, kept, best, scratch, rounds, hot, cold, average, within, random):
    n = month.service.size
    days = now.route_of.shape[1]
    price, route, place = scratch.price, scratch.route, scratch.place
    chosen, mark, taken = scratch.chosen, scratch.mark, scratch.taken
    changed, touched = scratch.changed, scratch.touched
    cost = total_cost(month, kept)
    lowest = cost
    temperature = hot
    cooling = exp_negative(-100.0 / max(rounds, 1) * log_small(hot / cold))
    for step in range(rounds):
        if step % 100 == 99:
            temperature *= cooling
        only = random_below(random, days) if random_unit(random) < within else -1
        count = _ruin(month, now, average, only, mark, taken, scratch.ruined, random)
        absent = 0
        if only < 0:
            for c in range(n):
                absent += not now.placed[c] and not mark[c]
        for c in range(n if absent > 0 else 0):
            # Who is left out tries again; where there are many, a few at a time.
            if not now.placed[c] and not mark[c] and absent * random_unit(random) < RETRIES:
                mark[c] = True
                taken[count] = c
                count += 1
        touches = 0
        delta = 0.0
        driven = 0.0
        keeps_days = only >= 0
        for q in range(count):
            c = taken[q]
            delta -= now.rhythm[c]
            for day in range(max(only, 0), days if only < 0 else only + 1):
                r = now.route_of[c, day]
                if r >= 0:
                    touches, before_cost, before_drive = _note(now, r, changed, touched, touches)
                    delta -= before_cost
                    driven -= before_drive
                    _take(month, now, r, c)
            now.placed[c] = only >= 0
        for x in range(touches):
            refresh(month, now, touched[x])
        _order(month, taken, count, scratch.key, random)
        for q in range(count):
            c = taken[q]
            mark[c] = False
            _day_costs(month, now, c, only, price, route, place, random)
            if only >= 0:
                if price[only] < NEVER:
                    touches, before_cost, before_drive = _note(now, route[only], changed, touched, touches)
                    delta += now.rhythm[c] - before_cost
                    driven -= before_drive
                    _put(month, now, route[only], c, place[only])
                    refresh(month, now, route[only])
                    continue
                # No room is left for it on this day: all its days are chosen anew.
                keeps_days = False
                for day in range(days):
                    r = now.route_of[c, day]
                    if r >= 0:
                        touches, before_cost, before_drive = _note(now, r, changed, touched, touches)
                        delta -= before_cost
                        driven -= before_drive
                        _take(month, now, r, c)
                        refresh(month, now, r)
                now.placed[c] = False
                _day_costs(month, now, c, EVERY_DAY, price, route, place, random)
            number, rhythm, whole = _cheapest_days(month, c, price, scratch.shortest, scratch.before, chosen)
            if whole >= month.absent[c]:
                now.rhythm[c] = month.absent[c]
                delta += month.absent[c]
                continue
            now.placed[c] = True
            now.rhythm[c] = rhythm
            delta += rhythm
            for x in range(number):
                r = route[chosen[x]]
                touches, before_cost, before_drive = _note(now, r, changed, touched, touches)
                delta -= before_cost
                driven -= before_drive
                _put(month, now, r, c, place[chosen[x]])
                refresh(month, now, r)
        for x in range(touches):
            changed[touched[x]] = False
            delta += now.sums[touched[x], 3]
            driven += now.sums[touched[x], 0]
        # A day that keeps its visits is judged by its drive alone. Judged by its length as well, short days would be
        # driven in a bad order to look even.
        judged = driven if keeps_days else delta
        if judged < temperature * log_small(1.0 / (random_unit(random) + 1e-12)):
            cost += delta
            for x in range(touches):
                copy_route(now, kept, touched[x])
            for q in range(count):
                copy_customer(now, kept, taken[q])
            if cost < lowest - 1e-7:
                lowest = cost
                copy_all(kept, best)
        else:
            for x in range(touches):
                copy_route(kept, now, touched[x])
            for q in range(count):
                copy_customer(kept, now, taken[q])
    return lowest
