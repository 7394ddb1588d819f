"""When a route of given order is where: the earliest times, and where the pause is best taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from territory.routing.sides import NEVER, START, Side, after_pause, end_time, first_start


@dataclass(frozen=True)
class Timetable:
    """The integer times of a route: starts of service (k,), back at the end, the leg (0 to k, or -1) with the pause."""

    starts: np.ndarray
    back: int
    pause_leg: int


@njit(cache=True)
def _earliest(side, places):
    """Earliest starts without (row 0) and with (row 1) the pause behind one, (2, k + 1), the end last; and, for each
    place in row 1, whether the pause lies on the leg to it."""
    k = len(places)
    time = np.full((2, k + 1), NEVER, np.int64)
    is_here = np.zeros(k + 1, np.uint8)
    at = np.zeros(2, np.int64)
    at[1] = NEVER if side.pause_long > 0 else 0
    place = START
    for p in range(k):
        j = places[p]
        drive = side.drive[place, j]
        without, with_pause, late = NEVER, NEVER, NEVER
        if at[0] < NEVER and side.pause_long > 0:
            without = first_start(side, j, at[0] + side.service[place] + drive)
            late = after_pause(side, at[0] + side.service[place], drive)
            if late < NEVER:
                late = first_start(side, j, late)
        if at[1] < NEVER:
            with_pause = first_start(side, j, at[1] + side.service[place] + drive)
        if late < with_pause:
            with_pause = late
            is_here[p] = 1
        at[0] = without if without <= side.latest[j] else NEVER
        at[1] = with_pause if with_pause <= side.latest[j] else NEVER
        time[0, p], time[1, p] = at[0], at[1]
        place = j
    for is_paused in range(0 if side.pause_long > 0 else 1, 2):
        if at[is_paused] >= NEVER:
            continue
        back = end_time(side, place, at[is_paused], is_paused)
        if is_paused == 0 and back <= side.exempt_until:
            time[0, k] = back
        elif back <= time[1, k]:
            time[1, k] = back
            is_here[k] = 1 - is_paused
    return time, is_here


def timetable(side: Side, places: Sequence[int]) -> Timetable | None:
    """The earliest times of a route, None when it does not hold.

    Parameters
    ----------
    side : Side, the day from its start
    places : visits in order, as places 1 to n
    """
    route = np.array(places, np.int64)
    if len(set(places)) < len(route):
        return None
    time, is_here = _earliest(side, route)
    k = len(route)
    if min(time[0, k], time[1, k]) >= NEVER:
        return None
    driven = side.drive[np.append(0, route), np.append(route, len(side.service) - 1)].sum()
    if driven > side.most_drive:
        return None
    row, leg = int(time[1, k] <= time[0, k]), -1
    starts = np.empty(k, np.int64)
    back = int(time[row, k])
    for p in range(k, -1, -1):
        if p < k:
            starts[p] = time[row, p]
        if row == 1 and is_here[p]:
            row, leg = 0, p
    return Timetable(starts, back, leg)


def worth_of(side: Side, worth: np.ndarray, places: Sequence[int]) -> int | None:
    """What a route is worth, less its legs' cost and the time paid; None when it does not hold in time."""
    times = timetable(side, places)
    if times is None:
        return None
    route = np.array(places, np.int64)
    cost = side.cost[np.append(0, route), np.append(route, len(side.service) - 1)].sum()
    return int(worth[route].sum() - cost - (times.back if side.pays_time else 0))
