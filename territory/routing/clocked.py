"""When a route of given order is where, on roads that take longer in some hours than in others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from territory.kernels import kernel, part
from territory.routing.sides import NEVER
from territory.routing.task import Task
from territory.travel.hours import HourlyTimes

SECONDS = 60
AFTER, BEFORE, AMID = range(3)
"""Where on its leg the pause is taken."""


class Pace(NamedTuple):
    """How long each leg takes at the pace of each hour.

    seconds : (h, m, m) float; ends : (h,) int, seconds from the shift's start at which each hour is over, the last
    never.
    """

    seconds: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, hourly: HourlyTimes, begin: float, horizon: int) -> Pace:
        """The pace of a day that begins at `begin` (minutes since midnight) and lasts `horizon` seconds."""
        hours = hourly.first_hour + 1 + np.arange(len(hourly.matrices))
        ends = np.round((60 * hours - begin) * SECONDS).astype(np.int64)
        ends[-1] = NEVER
        # No way at all is as long as a way that no day holds.
        return cls(np.minimum(hourly.minutes * SECONDS, 2.0 * (horizon + 1)), ends)

    def extreme(self, of: np.ufunc, left: np.ndarray, reached: np.ndarray) -> np.ndarray:
        """(m, m) float, seconds of each leg in the quickest (np.minimum) or slowest hour in which it may be driven.

        left, reached : (m,) int, when each place is left at the earliest, and reached at the latest
        """
        best = of.reduce(self.seconds, axis=0)
        never = np.inf if of is np.minimum else -np.inf
        within, begin = np.full_like(best, never), 0
        for seconds, end in zip(self.seconds, self.ends, strict=True):
            of(within, seconds, out=within, where=(left[:, None] < end) & (reached[None] > begin))
            begin = end
        return np.where(np.isinf(within), best, within)

    def only(self, kept: np.ndarray) -> Pace:
        """The pace between some of the places."""
        return self._replace(seconds=np.ascontiguousarray(self.seconds[:, kept][:, :, kept]))


@dataclass(frozen=True, eq=False)
class Timing:
    """A route that holds, in seconds from the shift's start; (k,) arrays of its stops.

    left, drives : (k + 1,), when each leg is left for, and what it takes; pause : when it begins, None for none;
    pause_leg : as in `DayPlan`.
    """

    arrive: np.ndarray
    start: np.ndarray
    left: np.ndarray
    drives: np.ndarray
    back: int
    pause: int | None
    pause_leg: int


@part()
def _there_at(seconds, ends, here, there, left, now):
    """When one is there who has `left` of the way to go, as a part of it."""
    hour = 0
    while ends[hour] <= now:
        hour += 1
    while now + left * seconds[hour, here, there] > ends[hour]:
        left -= (ends[hour] - now) / seconds[hour, here, there]
        now = float(ends[hour])
        hour += 1
    return np.int64(np.ceil(now + left * seconds[hour, here, there] - 1e-6))


@kernel()
def reached(seconds, ends, here, there, leave):
    """When one is there who leaves at `leave`, in whole seconds, rounded up.

    An hour's pace is the part of the way that is driven in a second of it. Who leaves later never arrives earlier
    (Ichoua, Gendreau and Potvin 2003, European Journal of Operational Research 144(2)).
    """
    return _there_at(seconds, ends, here, there, 1.0, float(leave))


@kernel()
def reached_with_rest(seconds, ends, here, there, leave, begin, long):
    """When one is there who leaves at `leave` and stops for `long` at `begin`, which is amid the drive."""
    hour = 0
    while ends[hour] <= leave:
        hour += 1
    left, now = 1.0, float(leave)
    while now < begin:
        until = min(begin, ends[hour])
        left -= (until - now) / seconds[hour, here, there]
        now = float(until)
        if until == ends[hour]:
            hour += 1
    return _there_at(seconds, ends, here, there, left, now + long)


@kernel()
def left_at_last(seconds, ends, here, there, arrive):
    """The latest second at which one may leave to be there at `arrive`, which leaving at 0 is early enough for."""
    low, high = np.int64(0), arrive
    while low < high:
        middle = (low + high + 1) // 2
        if reached(seconds, ends, here, there, middle) <= arrive:
            low = middle
        else:
            high = middle - 1
    return low


def timings_of(task: Task, pace: Pace, route: Sequence[int]) -> Iterator[Timing]:
    """The ways in which a route holds, one for each place of the pause; its start is left as late as possible.

    Parameters
    ----------
    task : Task, whose drives are not looked at
    pace : Pace
    route : places 1 to n in order, each once

    Notes
    -----
    The pause is taken on a leg: before it, on arrival, or on the way as soon as it may be; every stop is left as soon
    as the visit is made.
    """
    legs = range(len(route) + 1) if task.pause[2] else ()
    for leg, place in [(-1, AFTER), *((leg, place) for leg in legs for place in (AFTER, BEFORE, AMID))]:
        timing = _timing(task, pace, route, leg, place)
        if timing is not None:
            yield timing


def _timing(task: Task, pace: Pace, route: Sequence[int], pause_leg: int, place: int) -> Timing | None:
    begin, until, long = task.pause
    left, arrive, start = (np.empty(len(route) + 1, np.int64) for _ in range(3))
    amid = 0
    here, ready, pause = 0, 0, None
    for leg, there in enumerate([*route, len(task.service) - 1]):
        if leg == pause_leg and place == BEFORE:
            pause = max(ready, begin)
            ready = pause + long
        left[leg] = ready
        arrive[leg] = int(reached(pace.seconds, pace.ends, here, there, ready))
        if leg == pause_leg and place == AMID:
            if not ready < begin < arrive[leg]:
                return None
            pause, amid = begin, long
            arrive[leg] = reached_with_rest(pace.seconds, pace.ends, here, there, ready, begin, long)
        ready = int(arrive[leg])
        if leg == pause_leg and place == AFTER:
            pause = max(ready, begin)
            ready = pause + long
        opened = _first_start(task, there, ready)
        if opened is None or (pause is not None and pause > until):
            return None
        start[leg] = opened
        ready, here = opened + int(task.service[there]), there
    if pause is None and long and ready > until:
        return None
    if len(route) and not (pause_leg == 0 and place != AFTER):
        wanted = int(start[0])
        if pause_leg == 0:
            wanted = pause = min(until, wanted - long)
        left[0] = left_at_last(pace.seconds, pace.ends, 0, route[0], wanted)
        arrive[0] = reached(pace.seconds, pace.ends, 0, route[0], left[0])
    drives = arrive - left
    if amid:
        drives[pause_leg] -= amid
    if drives.sum() > task.most_drive:
        return None
    return Timing(arrive[:-1], start[:-1], left, drives, int(start[-1]), pause, pause_leg)


def _first_start(task: Task, place: int, time: int) -> int | None:
    """The earliest start of service from `time` on, None when the windows are over."""
    windows = slice(task.window_of[place], task.window_of[place + 1])
    for opens, closes in zip(task.opens[windows].tolist(), task.closes[windows].tolist(), strict=True):
        if closes >= time:
            return max(time, opens)
    return None


@njit(cache=True)
def seconds_when_left(seconds, ends, leave):
    """(m, m) int, what each leg takes when place i is left at leave[i]."""
    m = len(leave)
    drive = np.zeros((m, m), np.int64)
    for i in range(m):
        for j in range(m):
            if i != j:
                drive[i, j] = reached(seconds, ends, i, j, leave[i]) - leave[i]
    return drive
