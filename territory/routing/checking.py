"""The independent check: a plan's own times against what was asked, without any code of the search."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from territory.errors import Problem
from territory.routing.plan import DayPlan
from territory.travel.hours import HourlyTimes

SLACK = 0.02
"""Minutes by which rounding to whole seconds may differ, a leg."""


def check_day(
    plan: DayPlan,
    matrix: np.ndarray,
    service: np.ndarray,
    windows: Sequence[Sequence[tuple[float, float]]] | None = None,
    prizes: np.ndarray | None = None,
    mandatory: np.ndarray | None = None,
    shift: tuple[float, float] = (480.0, 1020.0),
    *,
    pause: tuple[float, float, float] | None = None,
    max_drive: float | None = None,
) -> list[Problem]:
    """What is wrong with a day's plan: every rule that its own times break; empty when it holds.

    Takes the arguments of `solve_day`, in the same units, and shares no code with it.
    """
    n = len(service)
    windows = [[shift]] * n if windows is None else windows
    must = np.zeros(n, bool) if mandatory is None else np.asarray(mandatory, bool)
    worth = np.ones(n) if prizes is None else np.asarray(prizes, float)
    order = [int(visit) for visit in plan.order]
    found = [] if len(set(order)) == len(order) else [Problem("order", "A visit is made twice.", "")]
    if any(visit not in range(n) for visit in order):
        return [*found, Problem("order", "It has visits that do not exist.", "")]
    found += _times(plan, order, _shortest(np.asarray(matrix, float)), service, windows, pause)
    if plan.depart < shift[0] - SLACK or plan.home > shift[1] + SLACK:
        found.append(Problem("shift", f"The day lasts from {plan.depart:.2f} to {plan.home:.2f}.", ""))
    missing = [visit for visit in np.flatnonzero(must) if visit not in order]
    if missing and plan.status != "infeasible":
        found.append(Problem("mandatory", f"Visits {missing} are not made.", ""))
    if max_drive is not None and plan.drive > max_drive + SLACK:
        found.append(Problem("max_drive", f"{plan.drive:.2f} minutes are driven.", ""))
    if abs(worth[order].sum() - plan.prize) > 1e-6 * max(1.0, worth.sum()):
        found.append(Problem("prize", f"{plan.prize} is not the sum of the visits' prizes.", ""))
    return found


def check_drives(plan: DayPlan, hourly: HourlyTimes, pause: tuple[float, float, float] | None = None) -> list[Problem]:
    """What is wrong with the drives of a plan by the clock: legs that are driven in less than their hours allow.

    A way is done when the parts of it that are driven in each hour, at that hour's pace, add up to the whole.
    """
    drives = plan.drives if plan.drives is not None else np.empty(0)
    places = [0, *(int(visit) + 1 for visit in plan.order), hourly.minutes.shape[1] - 1]
    if len(drives) != len(places) - 1:
        return [Problem("drives", f"There are {len(drives)} of {len(places) - 1} legs.", "")]
    found = []
    for leg, (left, reached) in enumerate(zip([plan.depart, *plan.leave], [*plan.arrive, plan.home], strict=True)):
        begun = reached - drives[leg] - (pause[2] if pause is not None and _is_interrupted(plan, leg, pause) else 0.0)
        if leg == len(drives) - 1 and _is_paused_at_home(plan, pause):
            begun = left
        done, minutes = 0.0, hourly.minutes[:, places[leg], places[leg + 1]]
        for number, needed in enumerate(minutes):
            hour = 60.0 * (hourly.first_hour + number)
            for set_off, stopped in _driven(plan, leg, begun, drives[leg], pause):
                first = set_off if number == 0 else max(set_off, hour)
                last = stopped if number == len(minutes) - 1 else min(stopped, hour + 60)
                done += np.inf if needed == 0 else max(last - first, 0.0) / needed
        if done < 1 - SLACK / max(minutes.min(), SLACK) or begun < left - SLACK:
            what = f"It is driven in {drives[leg]:.2f} minutes from {begun:.2f} on, and reached at {reached:.2f}."
            found.append(Problem(f"leg {leg}", what, ""))
    return found


def _is_interrupted(plan: DayPlan, leg: int, pause: tuple[float, float, float]) -> bool:
    """Whether the pause stops the drive of a leg: it begins after one has left, and one drives on after it."""
    if plan.pause is None or leg != plan.pause_leg:
        return False
    left = plan.depart if leg == 0 else plan.leave[leg - 1]
    until = plan.arrive[leg] if leg < len(plan.order) else plan.home
    return bool(left + SLACK < plan.pause and plan.pause + pause[2] + SLACK < until)


def _driven(
    plan: DayPlan, leg: int, begun: float, drive: float, pause: tuple[float, float, float] | None
) -> list[tuple[float, float]]:
    """From when to when a leg is driven, in one piece or in two."""
    if pause is None or plan.pause is None or not _is_interrupted(plan, leg, pause):
        return [(begun, begun + drive)]
    return [(begun, plan.pause), (plan.pause + pause[2], begun + drive + pause[2])]


def _is_paused_at_home(plan: DayPlan, pause: tuple[float, float, float] | None) -> bool:
    """Whether the day ends with the pause, after the last drive."""
    if plan.pause is None or pause is None or plan.pause_leg < len(plan.order):
        return False
    return abs(plan.home - plan.pause - pause[2]) < SLACK


def _shortest(matrix: np.ndarray) -> np.ndarray:
    """Minutes when other visits may be driven past, but neither start nor end."""
    through = matrix.copy()
    through[1:, 0] = through[-1, :-1] = np.inf
    np.fill_diagonal(through, 0)
    for visit in range(1, len(through) - 1):
        np.minimum(through, through[:, visit, None] + through[visit], out=through)
    return through


def _times(
    plan: DayPlan,
    order: list[int],
    minutes: np.ndarray,
    service: np.ndarray,
    windows: Sequence[Sequence[tuple[float, float]]],
    pause: tuple[float, float, float] | None,
) -> list[Problem]:
    found = []
    places = [0, *(visit + 1 for visit in order), len(minutes) - 1]
    left, reached = [plan.depart, *plan.leave], [*plan.arrive, plan.home]
    driven = 0.0
    for leg, (here, there) in enumerate(pairwise(places)):
        needed = minutes[here, there]
        driven += needed
        is_paused_away = plan.pause is not None and leg == plan.pause_leg and plan.pause + SLACK >= left[leg]
        # On the leg with the pause, the time between leaving and starting holds the pause as well.
        span = reached[leg] - left[leg]
        if span < needed - SLACK:
            found.append(Problem(f"leg {leg}", f"It takes {needed:.2f} minutes, not {span:.2f}.", ""))
        if is_paused_away and pause is not None:
            until = plan.start[leg] if leg < len(order) else plan.home
            if until - left[leg] < needed + pause[2] - SLACK:
                found.append(Problem(f"leg {leg}", "There is no room for the pause.", ""))
    if abs(driven - plan.drive) > SLACK * (len(order) + 1):
        found.append(Problem("drive", f"{plan.drive:.2f} minutes are told, {driven:.2f} are driven.", ""))
    for stop, visit in enumerate(order):
        start = plan.start[stop]
        if not any(opens - SLACK <= start <= closes + SLACK for opens, closes in windows[visit]):
            found.append(Problem(f"visit {visit}", f"It starts at {start:.2f}, outside its windows.", ""))
        if plan.leave[stop] < start + service[visit] - SLACK or start < plan.arrive[stop] - SLACK:
            found.append(Problem(f"visit {visit}", "Its times do not follow each other.", ""))
    return found + _pause_faults(plan, pause)


def _pause_faults(plan: DayPlan, pause: tuple[float, float, float] | None) -> list[Problem]:
    if pause is None or pause[2] == 0 or plan.home <= pause[1] + SLACK:
        return []
    if plan.pause is None:
        # A day that begins after the pause's latest time needs none.
        return [] if plan.depart > pause[1] else [Problem("pause", "There is none.", "")]
    if not pause[0] - SLACK <= plan.pause <= pause[1] + SLACK:
        return [Problem("pause", f"It begins at {plan.pause:.2f}.", "")]
    at_work = [
        stop
        for stop in range(len(plan.order))
        if plan.start[stop] < plan.pause + pause[2] - SLACK and plan.leave[stop] > plan.pause + SLACK
    ]
    return [Problem("pause", f"It falls into the visit at stop {stop}.", "") for stop in at_work]
