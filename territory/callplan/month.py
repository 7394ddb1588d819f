"""What a search over weeks knows and what it changes: the month, and the calendar of visits in it.

Every day has `vehicles` routes; route r belongs to day r // vehicles. Places are customers 0 to n - 1, then any others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from territory.kernels import kernel, part

NEVER = 1e15
"""What is impossible costs this much."""
STEEPER, HOPE = 10.0, 0.01
"""How much dearer a minute beyond the widest difference is, and for which share of the target: days may be uneven for
good, and no visit is left out for it."""


class Month(NamedTuple):
    """What does not change during a search: n customers, T days, v vehicles a day, p places.

    Times of day are minutes since midnight (or any unit that ``drive`` has as well).
    """

    drive: np.ndarray  # (p, p) float, from row to column
    service: np.ndarray  # (n,) float
    load: np.ndarray  # (n,) float, of one visit
    capacity: float  # of one route
    vehicles: int
    begin: np.ndarray  # (T,) int, the place where each day starts
    end: np.ndarray  # (T,) int, the place where it ends
    start: np.ndarray  # (T,) float, start of the shift
    finish: np.ndarray  # (T,) float, its end
    max_drive: np.ndarray  # (T,) float
    opens: np.ndarray  # (n, T) float, the earliest start of a visit
    closes: np.ndarray  # (n, T) float, the latest start of a visit
    node_ptr: np.ndarray  # (n + 1,) int, each customer's first node; a node is "the k-th visit on this day"
    node_day: np.ndarray  # (nodes,) int
    node_last: np.ndarray  # (nodes,) float, what it costs that this is the last visit
    arc_ptr: np.ndarray  # (nodes + 1,) int, each node's first arc
    arc_from: np.ndarray  # (arcs,) int, the node before, counted from the customer's first; -1 for none
    arc_cost: np.ndarray  # (arcs,) float
    day_ptr: np.ndarray  # (n + 1,) int, each customer's first entry in `days`
    days: np.ndarray  # (entries,) int, the days of its nodes, each once
    absent: np.ndarray  # (n,) float, what it costs to leave a customer out
    worth: np.ndarray  # (n,) float, what a minute with each is worth
    near: np.ndarray  # (n, q) int, customers by distance from each, itself first
    target: np.ndarray  # (T,) float, worked minutes wanted a day
    slack: float  # what a day may differ from its target for nothing, as a share of it
    stiffness: float  # price of each minute that it differs more
    widest: float  # from where on it costs STEEPER times as much again, as a share of the target


class Calendar(NamedTuple):
    """What a search changes in place: R routes. ``early``, ``late`` hold the times that a stop may start."""

    stops: np.ndarray  # (R, n) int
    length: np.ndarray  # (R,) int, stops
    early: np.ndarray  # (R, n + 2) float, position 0 is the start of the day
    late: np.ndarray  # (R, n + 2) float, position length + 1 is its end
    sums: np.ndarray  # (R, 4) float: drive, service, load, cost
    route_of: np.ndarray  # (n, T) int, -1 where there is no visit
    rhythm: np.ndarray  # (n,) float, what the chosen days cost by themselves; `absent` when there are none
    placed: np.ndarray  # (n,) bool


def empty_calendar(customers: int, days: int, vehicles: int) -> Calendar:
    """A calendar without visits; `refresh` makes it ready."""
    routes = days * vehicles
    return Calendar(
        stops=np.zeros((routes, max(customers, 1)), np.int32),
        length=np.zeros(routes, np.int64),
        early=np.zeros((routes, customers + 2)),
        late=np.zeros((routes, customers + 2)),
        sums=np.zeros((routes, 4)),
        route_of=np.full((customers, days), -1, np.int64),
        rhythm=np.zeros(customers),
        placed=np.zeros(customers, np.bool_),
    )


def cost_of(calendar: Calendar) -> float:
    """Drive, imbalance, rhythms and what is left out, of a calendar that is refreshed."""
    return float(calendar.sums[:, 3].sum() + calendar.rhythm.sum())


@kernel()
def refresh(month, calendar, r):
    """Times and sums of route r from its stops."""
    day = r // month.vehicles
    k = calendar.length[r]
    stops = calendar.stops[r]
    drive = 0.0
    service = 0.0
    load = 0.0
    before = month.begin[day]
    leave = month.start[day]
    calendar.early[r, 0] = leave
    for i in range(k):
        c = stops[i]
        step = month.drive[before, c]
        drive += step
        arrive = max(leave + step, month.opens[c, day])
        calendar.early[r, i + 1] = arrive
        leave = arrive + month.service[c]
        service += month.service[c]
        load += month.load[c]
        before = c
    if k > 0:
        drive += month.drive[before, month.end[day]]
    calendar.late[r, k + 1] = month.finish[day]
    after = month.end[day]
    latest = month.finish[day]
    for i in range(k - 1, -1, -1):
        c = stops[i]
        latest = min(latest - month.drive[c, after] - month.service[c], month.closes[c, day])
        calendar.late[r, i + 1] = latest
        after = c
    calendar.sums[r, 0] = drive
    calendar.sums[r, 1] = service
    calendar.sums[r, 2] = load
    calendar.sums[r, 3] = drive + imbalance(month, day, drive + service)


@njit(cache=True, inline="always")
def imbalance(month, day, worked):
    """What it costs that a day has so many minutes."""
    if month.stiffness == 0.0:
        return 0.0
    free = month.slack * month.target[day]
    over = abs(worked - month.target[day]) - free
    if over <= 0.0:
        return 0.0
    # Quadratic at first, so that many small differences beat one big one, then straight, so that none of them
    # is dearer than a visit.
    knee = 1.25 * free
    minutes = over * over / (2.0 * knee) if over < knee else over - 0.5 * knee
    beyond = over + free - month.widest * month.target[day]
    if beyond > 0.0:
        minutes += STEEPER * min(beyond, HOPE * month.target[day])
    return month.stiffness * minutes


@part()
def total_cost(month, calendar):
    """Drive, imbalance, rhythms and what is left out."""
    total = 0.0
    for r in range(calendar.length.size):
        total += calendar.sums[r, 3]
    for c in range(month.service.size):
        total += calendar.rhythm[c]
    return total


@part()
def copy_route(source, target, r):
    k = max(source.length[r], target.length[r])
    for i in range(k):
        target.stops[r, i] = source.stops[r, i]
    for i in range(k + 2):
        target.early[r, i] = source.early[r, i]
        target.late[r, i] = source.late[r, i]
    target.length[r] = source.length[r]
    for q in range(4):
        target.sums[r, q] = source.sums[r, q]


@part()
def copy_customer(source, target, c):
    for day in range(source.route_of.shape[1]):
        target.route_of[c, day] = source.route_of[c, day]
    target.rhythm[c] = source.rhythm[c]
    target.placed[c] = source.placed[c]


@kernel()
def copy_all(source, target):
    """Make `target` the same calendar as `source`."""
    for r in range(source.length.size):
        copy_route(source, target, r)
    for c in range(source.placed.size):
        copy_customer(source, target, c)
