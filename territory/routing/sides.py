"""The day seen from one of its ends: what every search is given, and how time passes on the way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from territory.kernels import part

NEVER = np.int64(1) << np.int64(60)
"""A time that does not come, and a worth that nothing has."""
START = np.int64(0)
"""The place where a side sets out. A plain 0 is a type of its own, and kernels would be compiled for it once more."""


class Side(NamedTuple):
    """The day as it is seen from one of its ends; the way back is the same day with time running backwards.

    Place 0 is where the side sets out, place m - 1 where it ends, the visits lie between. Times are integers from 0,
    the earliest departure, to `horizon`.

    drive, cost : (m, m); legs : (m, m) bool, which may be driven directly; service, latest : (m,); window_of : (m + 1,)
    into opens and closes (the windows of place i are window_of[i] to window_of[i + 1]); reach_time, reach_place : (m,
    m) for each place, the latest start of service there from which another can still be reached, ascending, and that
    other; leg_time, leg_place : the same for the legs that may be driven, -1 for the others; missed : (m, m + 1, words)
    what can no longer be reached once the first so many are missed; pause_from, pause_until, pause_long : the pause, 0
    long for none; exempt_from : when a route may set out that owes no pause, -1 for never; exempt_until : by when a
    route may be back that owes none; most_drive; pays_time : 1 when each unit of time until the end costs 1;
    pause_cost : what the pause costs where that is paid as it comes.
    """

    drive: np.ndarray
    cost: np.ndarray
    legs: np.ndarray
    service: np.ndarray
    latest: np.ndarray
    window_of: np.ndarray
    opens: np.ndarray
    closes: np.ndarray
    reach_time: np.ndarray
    reach_place: np.ndarray
    leg_time: np.ndarray
    leg_place: np.ndarray
    missed: np.ndarray
    horizon: int
    pause_from: int
    pause_until: int
    pause_long: int
    exempt_from: int
    exempt_until: int
    most_drive: int
    pays_time: int
    pause_cost: int


class Ends(NamedTuple):
    """How routes can end, place by place, the most valuable first: what the search from the other side has found.

    of : (m + 1,) into the rest; latest : the latest start of service from which this end is possible; worth : of what
    comes after the place; visited : (q, words); paused : 1 when the pause is part of it; drive. by_time : each place's
    latest, ascending; most : the worth of the best end that is as late at least.
    """

    of: np.ndarray
    latest: np.ndarray
    worth: np.ndarray
    visited: np.ndarray
    paused: np.ndarray
    drive: np.ndarray
    by_time: np.ndarray
    most: np.ndarray


NO_ENDS = Ends(
    np.zeros(0, np.int64),
    np.zeros(0, np.int64),
    np.zeros(0, np.int64),
    np.zeros((0, 1), np.uint64),
    np.zeros(0, np.uint8),
    np.zeros(0, np.int64),
    np.zeros(0, np.int64),
    np.zeros(0, np.int64),
)


NOTHING = -(np.int64(1) << np.int64(59))


class Outlook(NamedTuple):
    """What can be gained after a place, by whether the pause is behind one (0 or 1), place and tick; (2, m, ticks)
    each.

    best : the most, legs and the way home paid; first : the place that comes next then (m - 1: the end); other : the
    most when another place comes next; tick : length of a tick, 0 when there is no outlook.
    """

    best: np.ndarray
    first: np.ndarray
    other: np.ndarray
    tick: int


NO_OUTLOOK = Outlook(np.zeros((2, 0, 0), np.int64), np.zeros((2, 0, 0), np.int16), np.zeros((2, 0, 0), np.int64), 0)


@part()
def first_start(side, place, time):
    """The earliest start of service at a place from `time` on; NEVER when its windows are over."""
    for w in range(side.window_of[place], side.window_of[place + 1]):
        if side.closes[w] >= time:
            return max(time, side.opens[w])
    return NEVER


@part()
def after_pause(side, ready, drive):
    """When one can be there if the pause is taken before, amid or after the drive; NEVER if that is too late."""
    return max(ready + drive, side.pause_from) + side.pause_long if ready <= side.pause_until else NEVER


@part()
def end_time(side, place, time, is_paused):
    """When a route that starts service at a place at `time` and then ends is back; NEVER if not within the day."""
    ready = time + side.service[place]
    drive = side.drive[place, side.drive.shape[0] - 1]
    back = ready + drive
    if not is_paused and back > side.exempt_until:
        back = after_pause(side, ready, drive)
    return back if back <= side.horizon else NEVER


def legs_in_order(
    drive: np.ndarray, service: np.ndarray, latest: np.ndarray, legs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The tables `leg_time` and `leg_place` of a Side."""
    times = np.where(legs, latest[None, :] - service[:, None] - drive, -1)
    times[:, [0, -1]] = -1
    places = np.argsort(times, axis=1, kind="stable")
    return np.take_along_axis(times, places, axis=1), places


def reaches(reach: np.ndarray, service: np.ndarray, latest: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tables `reach_time`, `reach_place` and `missed` of a Side."""
    m = len(service)
    times = latest[None, :] - service[:, None] - reach
    times[:, [0, -1]] = -1
    np.fill_diagonal(times, -1)
    places = np.argsort(times, axis=1, kind="stable")
    missed = np.zeros((m, m + 1, (m + 63) // 64), np.uint64)
    bit = np.left_shift(np.uint64(1), (places & 63).astype(np.uint64))
    np.put_along_axis(missed[:, 1:], places[:, :, None] >> 6, bit[:, :, None], axis=2)
    np.bitwise_or.accumulate(missed, axis=1, out=missed)
    return np.take_along_axis(times, places, axis=1), places, missed
