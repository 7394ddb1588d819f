"""A day on roads that take longer in some hours than in others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from territory.errors import DataError, Problem
from territory.routing.checking import check_day, check_drives
from territory.routing.clock_search import search_by_clock
from territory.routing.clocked import SECONDS, Pace, Timing, reached, seconds_when_left, timings_of
from territory.routing.day import ROUNDING, STEPS, Asked, relaxed, solve_day
from territory.routing.exact import Proof
from territory.routing.plan import DayPlan, Objective
from territory.routing.sides import NEVER
from territory.routing.task import Task, bounds_of
from territory.travel.hours import HourlyTimes

ROUNDS = 3
"""How often the minutes of the legs are set to the hours in which the last route drives them."""
LESS_EFFORT, SEARCH_EFFORT = 0.1, 0.25
"""Of each route that is only tried, and of the search by the clock; the quickest hours' day gets all."""


def solve_day_by_hour(
    hourly: HourlyTimes,
    service: np.ndarray,
    windows: Sequence[Sequence[tuple[float, float]]] | None = None,
    prizes: np.ndarray | None = None,
    mandatory: np.ndarray | None = None,
    shift: tuple[float, float] = (480.0, 1020.0),
    *,
    pause: tuple[float, float, float] | None = None,
    max_drive: float | None = None,
    objective: Objective = "value",
    effort: float = 1.0,
    seed: int = 0,
) -> DayPlan:
    """The best day found where each leg takes what the hours take in which it is driven.

    Parameters
    ----------
    hourly : HourlyTimes between start, n visits and end
    service, windows, prizes, mandatory, shift, pause, max_drive, objective, effort, seed
        As in `territory.routing.solve_day`.

    Returns
    -------
    DayPlan
        Its times and ``drives`` hold hour by hour, and what it proves it proves of all routes by the clock whose stops
        are left as soon as the visit is made.

    Raises
    ------
    DataError
        As `solve_day`.

    Notes
    -----
    Routes are found with plain minutes, each solved exactly, and timed by the clock: with the minutes of the quickest
    hours; with those of the hours in which the last route leaves each place, again and again until one holds; and where
    none does, with those of the slowest hours, which hold in any. The best that holds is where the search of all routes
    by the clock begins (`clock_search`); where that does not end, the bound is the better of its relaxation's and of
    the day on which each leg takes what it takes in its quickest hour.
    """
    rules: dict[str, Any] = {
        "service": service,
        "windows": windows,
        "prizes": prizes,
        "mandatory": mandatory,
        "shift": shift,
        "pause": pause,
        "max_drive": max_drive,
    }
    day = Day.of(hourly, rules, objective)
    asked: dict[str, Any] = {**rules, "objective": objective, "seed": seed}
    quickest = solve_day(day.asked.matrix, **asked, effort=effort)
    best = _best_of_some(day, quickest, {**asked, "effort": LESS_EFFORT * effort})
    best, proof = day.proven(best, quickest, int(STEPS * SEARCH_EFFORT * effort))
    plan = day.plan(best, quickest, proof)
    faults = check_day(plan, as_driven(plan, day.asked.count), **rules) + check_drives(plan, hourly, pause)
    if faults:
        raise AssertionError(f"A route was found that does not hold: {'; '.join(map(str, faults))}")
    return plan


def _best_of_some(day: Day, quickest: DayPlan, asked: dict[str, Any]) -> Found:
    """The best of the routes that are best at some plain minutes."""
    order = quickest.order
    found = [day.timed(order), day.timed(order[:0])]
    for _ in range(ROUNDS):
        order = solve_day(day.minutes_along(order), **asked).order
        found.append(day.timed(order))
        if found[-1] is not None:
            break
    else:
        order = solve_day(day.slowest, **asked).order
        found.append(day.timed(order) or day.thinned(order))
    return max((one for one in found if one is not None), key=lambda one: one.merit)


def minutes_along(hourly: HourlyTimes, plan: DayPlan, shift: tuple[float, float]) -> np.ndarray:
    """(m, m) float, minutes of each leg in the hours in which a plan leaves its places, others amid the shift."""
    leave = np.full(hourly.minutes.shape[1], (shift[0] + shift[1]) / 2)
    leave[[0, *(plan.order + 1).tolist()]] = [plan.depart, *plan.leave]
    pace = Pace.of(hourly, shift[0], round((shift[1] - shift[0]) * SECONDS))
    return seconds_when_left(*pace, np.round((leave - shift[0]) * SECONDS).astype(np.int64)) / SECONDS


def as_driven(plan: DayPlan, count: int) -> np.ndarray:
    """(count + 2, count + 2) float, minutes of the legs as a plan drives them; inf where it does not go."""
    matrix = np.full((count + 2, count + 2), np.inf)
    np.fill_diagonal(matrix, 0)
    places = [0, *(plan.order + 1).tolist(), count + 1]
    matrix[places[:-1], places[1:]] = plan.drives
    return matrix


@dataclass(frozen=True, eq=False)
class Found:
    """A route that holds by the clock; `merit` is more for a better one."""

    visits: np.ndarray
    timing: Timing
    merit: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Day:
    """What was asked for, and the hours; `task` holds the quickest hours' drives, which no pace undercuts."""

    asked: Asked
    task: Task
    pace: Pace

    @classmethod
    def of(cls, hourly: HourlyTimes, rules: dict[str, Any], objective: Objective) -> Day:
        """The day of these arguments; DataError tells every fault in them."""
        asked = Asked.of(hourly.minutes.min(axis=0), **rules, objective=objective)
        task = asked.task()
        pace = Pace.of(hourly, asked.shift[0], task.horizon)
        least = pace.extreme(np.minimum, *_spans(task)) / SECONDS
        asked = replace(asked, matrix=least)
        return cls(asked, asked.task(), pace)

    @property
    def slowest(self) -> np.ndarray:
        """(m, m) float, minutes of each leg in the slowest hour in which it may be driven."""
        return self.pace.extreme(np.maximum, *_spans(self.task)) / SECONDS

    def minutes_along(self, order: np.ndarray) -> np.ndarray:
        """(m, m) float, minutes of each leg in the hours in which a route leaves its places.

        Places that it does not visit are left in the middle of the time in which they may be.
        """
        left, latest = _spans(self.task)
        leave = (left + np.maximum(left, np.minimum(latest + self.task.service, self.task.horizon))) // 2
        leave[0] = 0
        here, now = 0, 0
        for there in (order + 1).tolist():
            now = int(reached(*self.pace, here, there, now))
            opens = self.task.opens[self.task.window_of[there] : self.task.window_of[there + 1]]
            closes = self.task.closes[self.task.window_of[there] : self.task.window_of[there + 1]]
            open_then = opens[closes >= now]
            now = max(now, int(open_then[0])) if len(open_then) else now
            now += int(self.task.service[there])
            leave[there] = now
            here = there
        return seconds_when_left(*self.pace, leave) / SECONDS

    def timed(self, order: np.ndarray) -> Found | None:
        """The route by the clock, its pause where it is best; None when it does not hold."""
        found = [self._found(order, timing) for timing in timings_of(self.task, self.pace, (order + 1).tolist())]
        return max(found, key=lambda one: one.merit, default=None)

    def _found(self, order: np.ndarray, timing: Timing) -> Found:
        # Summed without error: the same visits in another order are worth the same.
        prize = math.fsum(self.asked.prizes[order])
        drive, back = float(timing.drives.sum()) / SECONDS, timing.back / SECONDS
        merits = {"value": (prize, -drive), "home": (prize, -back), "drive": (prize - drive, 0.0)}
        return Found(order, timing, (float(self.asked.mandatory[order].sum()), *merits[self.asked.objective]))

    def thinned(self, order: np.ndarray) -> Found:
        """The route without as many of its least visits as it takes to hold."""
        rank = np.lexsort((order, self.asked.prizes[order], self.asked.mandatory[order]))
        for dropped in range(len(order) + 1):
            found = self.timed(np.delete(order, rank[:dropped]))
            if found is not None:
                return found
        what = "The end cannot be reached from the start within the shift."
        raise DataError([Problem("hourly, shift", what, "Give a longer shift, or another end.")])

    def proven(self, best: Found, quickest: DayPlan, budget: int) -> tuple[Found, Proof]:
        """The best route there is, or the one given, and what none can exceed.

        Where not all musts are known to go together, each counts more than everything else, and need not be made.
        """
        is_whole = self.asked.mandatory[best.visits].sum() == self.asked.mandatory.sum()
        task = self.task if is_whole else relaxed(self.task)
        worth, bound = _worth(task, best), int(NEVER)
        if is_whole:
            bound = _bound_in_units(self.asked, quickest)
        steps = 0
        if bound > worth:
            impossible = np.zeros(self.asked.count + 2, bool)
            impossible[[visit + 1 for visit in quickest.impossible]] = True
            smaller, kept = task.without(impossible)
            places, most, steps = search_by_clock(smaller, self.pace.only(kept), worth, budget)
            found = self.timed(kept[places] - 1) if len(places) else None
            if found is not None and found.merit > best.merit:
                best, worth = found, _worth(task, found)
            bound = max(min(bound, most), worth)
        return best, Proof(tuple((best.visits + 1).tolist()), worth, bound, bound <= worth, steps)

    def plan(self, found: Found, quickest: DayPlan, proof: Proof) -> DayPlan:
        """The route in minutes since midnight, with what is known of it."""
        timing, begin = found.timing, self.asked.shift[0]
        start = begin + timing.start / SECONDS
        arrive = begin + timing.arrive / SECONDS
        wait = start - arrive
        pause = None if timing.pause is None else begin + timing.pause / SECONDS
        leg = timing.pause_leg
        if pause is not None and leg < len(start) and pause >= arrive[leg]:
            wait[leg] -= self.task.pause[2] / SECONDS
        prize, drive = math.fsum(self.asked.prizes[found.visits]), float(timing.drives.sum()) / SECONDS
        reasons = quickest.reasons or self._missed(found, is_proven=proof.is_proven)
        figures = self.asked.figures(proof, prize, drive, timing.back)
        if reasons:
            figures["status"] = "infeasible"
        return DayPlan(
            order=found.visits,
            arrive=arrive,
            wait=wait,
            start=start,
            leave=start + self.task.service[found.visits + 1] / SECONDS,
            depart=begin + timing.left[0] / SECONDS,
            home=begin + timing.back / SECONDS,
            pause=pause,
            pause_leg=leg,
            drive=drive,
            prize=prize,
            impossible=quickest.impossible,
            reasons=reasons,
            steps=quickest.steps + proof.steps,
            drives=timing.drives / SECONDS,
            **figures,
        )

    def _missed(self, found: Found, *, is_proven: bool) -> tuple[Problem, ...]:
        """That not all musts are made, although the quickest hours would allow it."""
        if self.asked.mandatory[found.visits].sum() == self.asked.mandatory.sum():
            return ()
        musts = ", ".join(str(visit) for visit in np.flatnonzero(self.asked.mandatory))
        found_none = "makes all of them" if is_proven else "with all of them was found"
        what = f"No route {found_none} in the hours in which it would be driven."
        return (Problem(f"visits {musts}", what, "Give a longer shift, or do not make all of them musts."),)


def _worth(task: Task, found: Found) -> int:
    """What a route comes to as `Task` counts it: its visits, less drive or time."""
    spent = found.timing.back if task.pays_time else int(found.timing.drives.sum())
    return int(task.worth[found.visits + 1].sum()) - spent


def _bound_in_units(asked: Asked, plan: DayPlan) -> int:
    """What no route is worth more than, as `Task` counts it, by what a plan of this day has proven; else NEVER."""
    if not np.isfinite(plan.bound):
        return int(NEVER)
    if asked.objective == "drive":
        return int(np.ceil(-plan.bound * SECONDS - ROUNDING))
    begin = asked.shift[0] if asked.objective == "home" else 0.0
    spent = 0 if np.isnan(plan.least) else int(np.floor((plan.least - begin) * SECONDS + ROUNDING))
    return int(np.floor(plan.bound * asked.prize_units + ROUNDING)) * asked.prize_weight - spent


def _spans(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """(m,) int each, seconds: when each place is left at the earliest, and reached at the latest."""
    earliest, latest = bounds_of(task.window_of, task.opens, task.closes)
    is_possible = latest >= 0
    return np.where(is_possible, earliest + task.service, 0), np.where(is_possible, latest, task.horizon)
