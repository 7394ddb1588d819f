"""The day in whole numbers: what a search is given, the same for minutes of people and for benchmark units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from territory.routing.sides import NEVER, Side, legs_in_order, reaches


@dataclass(frozen=True, eq=False)
class Task:
    """A day's visits in integers; place 0 is the start, 1 to n the visits, n + 1 the end; times count from the shift's
    start.

    drive, cost : (n + 2, n + 2), times of driving and what a leg costs; reach : the same times with detours over other
    visits where those are shorter; service, worth : (n + 2,); windows of place i : window_of[i] to window_of[i + 1] in
    opens and closes, ascending and apart;
    must : (n + 2,) bool; horizon : the shift's length; pause : (from, until, long), long 0 for none; most_drive;
    pays_time : the time until one is back costs as well.
    """

    drive: np.ndarray
    reach: np.ndarray
    cost: np.ndarray
    service: np.ndarray
    worth: np.ndarray
    window_of: np.ndarray
    opens: np.ndarray
    closes: np.ndarray
    must: np.ndarray
    horizon: int
    pause: tuple[int, int, int] = (0, 0, 0)
    most_drive: int = int(NEVER)
    pays_time: bool = False

    @property
    def visits(self) -> int:
        """How many visits there are."""
        return len(self.service) - 2

    def without(self, left_out: np.ndarray) -> tuple[Task, np.ndarray]:
        """The task without the visits where left_out (n + 2,) holds, and the places (k,) that are kept."""
        kept = np.flatnonzero(~left_out)
        rows = np.concatenate([np.arange(self.window_of[i], self.window_of[i + 1]) for i in kept])
        counts = np.diff(self.window_of)[kept]
        smaller = replace(
            self,
            drive=np.ascontiguousarray(self.drive[np.ix_(kept, kept)]),
            reach=np.ascontiguousarray(self.reach[np.ix_(kept, kept)]),
            cost=np.ascontiguousarray(self.cost[np.ix_(kept, kept)]),
            service=self.service[kept],
            worth=self.worth[kept],
            window_of=np.concatenate([[0], np.cumsum(counts)]),
            opens=self.opens[rows],
            closes=self.closes[rows],
            must=self.must[kept],
        )
        return smaller, kept


@njit(cache=True)
def close_triangles(drive):
    """Shorten every leg by driving past visits, in place (Floyd 1962); start and end are driven past by nobody."""
    m = len(drive)
    for k in range(1, m - 1):
        for i in range(m):
            first = drive[i, k]
            for j in range(m):
                if first + drive[k, j] < drive[i, j]:
                    drive[i, j] = first + drive[k, j]


@njit(cache=True)
def tightened(drive, service, window_of, opens, closes, horizon):
    """window_of, opens and closes cut to what can be reached from the start and still leads to the end in time."""
    m = len(service)
    of, new_opens, new_closes = np.zeros_like(window_of), np.empty_like(opens), np.empty_like(closes)
    at = 0
    for i in range(m):
        first, last = drive[0, i], horizon - service[i] - drive[i, m - 1]
        if i == 0 or i == m - 1:
            first, last = 0, horizon
        for w in range(window_of[i], window_of[i + 1]):
            new_opens[at], new_closes[at] = max(opens[w], first), min(closes[w], last)
            if new_opens[at] <= new_closes[at]:
                at += 1
        of[i + 1] = at
    return of, new_opens[:at].copy(), new_closes[:at].copy()


@njit(cache=True)
def bounds_of(window_of, opens, closes):
    """(m,) earliest and latest start of service over each place's windows; (NEVER, -1) without any."""
    m = len(window_of) - 1
    earliest, latest = np.full(m, NEVER, np.int64), np.full(m, -1, np.int64)
    for i in range(m):
        if window_of[i] < window_of[i + 1]:
            earliest[i], latest[i] = opens[window_of[i]], closes[window_of[i + 1] - 1]
    return earliest, latest


@njit(cache=True)
def possible_legs(drive, service, earliest, latest, must):
    """(m, m) bool, legs from i to j that leave room for every must: before i, or after j."""
    m = len(service)
    follows = np.zeros((m, m), np.bool_)
    for i in range(m):
        for j in range(m):
            follows[i, j] = i != j and earliest[i] + service[i] + drive[i, j] <= latest[j]
    legs = follows.copy()
    for k in range(1, m - 1):
        if not must[k]:
            continue
        for i in range(1, m - 1):
            for j in range(1, m - 1):
                if legs[i, j] and i != k and j != k:
                    is_before = (
                        follows[k, i]
                        and max(earliest[k] + service[k] + drive[k, i], earliest[i]) + service[i] + drive[i, j]
                        <= latest[j]
                    )
                    reached = max(earliest[i] + service[i] + drive[i, j], earliest[j])
                    is_after = reached + service[j] + drive[j, k] <= latest[k]
                    legs[i, j] = is_before or is_after
    return follows, legs


@njit(cache=True)
def _turned(window_of, opens, closes, service, horizon):
    m = len(service)
    of, new_opens, new_closes = np.zeros_like(window_of), np.empty_like(opens), np.empty_like(closes)
    at = 0
    for place in range(m):
        i = m - 1 - place if place in (0, m - 1) else place
        for w in range(window_of[i + 1] - 1, window_of[i] - 1, -1):
            new_opens[at] = horizon - closes[w] - service[i]
            new_closes[at] = horizon - opens[w] - service[i]
            at += 1
        of[place + 1] = at
    return of, new_opens, new_closes


def turned_places(m: int) -> np.ndarray:
    """(m,) what each place is called from the other end: start and end change places."""
    turn = np.arange(m)
    turn[0], turn[-1] = m - 1, 0
    return turn


def turned(between: np.ndarray) -> np.ndarray:
    """A matrix between places as it is seen from the other end."""
    turn = turned_places(len(between))
    return np.ascontiguousarray(between[np.ix_(turn, turn)].T)


def sides_of(task: Task, kept: np.ndarray | None = None) -> tuple[Side, Side]:
    """The day from its start, and from its end; kept (m, m) bool, the legs that may be driven, by default all."""
    m = len(task.service)
    earliest, latest = bounds_of(task.window_of, task.opens, task.closes)
    _, legs = possible_legs(task.reach, task.service, earliest, latest, task.must)
    if kept is not None:
        legs &= kept
    begin, until, long = task.pause
    there = _side(
        task,
        (task.drive, task.reach, task.cost, legs),
        task.service,
        (task.window_of, task.opens, task.closes),
        pause=(begin, until),
        exempt=(-1, until),
        pays_time=int(task.pays_time),
    )
    turn = turned_places(m)
    drive, reach, cost, legs = (turned(each) for each in (task.drive, task.reach, task.cost, legs))
    if task.pays_time:
        # Seen from the end nobody knows how long one waits: what is paid is the time that one is busy, at least.
        cost = cost + drive + task.service[turn]
    home = _side(
        task,
        (drive, reach, cost, legs),
        task.service[turn],
        _turned(task.window_of, task.opens, task.closes, task.service, task.horizon),
        pause=(task.horizon - until - long, task.horizon - begin - long),
        exempt=(task.horizon - until, -1),
        pause_cost=long if task.pays_time else 0,
    )
    return there, home


def _side(
    task: Task,
    between: Sequence[np.ndarray],
    service: np.ndarray,
    windows: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    pause: tuple[int, int],
    exempt: tuple[int, int],
    pays_time: int = 0,
    pause_cost: int = 0,
) -> Side:
    """A side from its matrices (drive, reach, cost, legs), windows (of, opens, closes) and what holds for the pause."""
    drive, reach, cost, legs = between
    _, latest = bounds_of(*windows)
    reach_time, reach_place, missed = reaches(reach, service, latest)
    leg_time, leg_place = legs_in_order(drive, service, latest, legs)
    return Side(
        drive=drive,
        cost=cost,
        legs=legs,
        service=service,
        latest=latest,
        window_of=windows[0],
        opens=windows[1],
        closes=windows[2],
        reach_time=reach_time,
        reach_place=reach_place,
        leg_time=leg_time,
        leg_place=leg_place,
        missed=missed,
        horizon=task.horizon,
        pause_from=pause[0],
        pause_until=pause[1],
        pause_long=task.pause[2],
        exempt_from=exempt[0],
        exempt_until=exempt[1],
        most_drive=task.most_drive,
        pays_time=pays_time,
        pause_cost=pause_cost,
    )
