"""One rep's weeks in plain arrays: search the calendar, spend nights away where they pay, then prove each day."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from territory.callplan.month import NEVER, Calendar, Month, copy_all, cost_of, empty_calendar, refresh
from territory.callplan.pool import Pool, choose
from territory.callplan.rhythm import Rhythms, paths_of
from territory.callplan.search import search
from territory.numeric import new_state

if TYPE_CHECKING:
    from territory.routing import DayPlan
    from territory.travel import HourlyTimes

ROUNDS = 120_000
"""Rounds of the search at effort 1, about two and a half seconds for a rep with 100 customers."""
RAMP = (0.0, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0, 1.0)
"""Stages of the search: the part of the price of uneven days that counts in each.

Uneven days are free at first. Priced in full from the start, they hold the search where it began (12 % more drive).
The wanted length of a day is set anew for each stage, since the drive gets less as the search goes on.
"""
HOT, COLD = 20.0, 0.3
"""Temperatures, minutes."""
TAKEN_OUT = 7.0
"""Customers taken out at a time, on average."""
WITHIN = 0.5
"""Part of the rounds that keeps to one day."""
SLACK = 0.027
"""What a day's work may differ from the mean for nothing."""
STIFFNESS = 6.0
"""Minutes of driving that a minute more of difference is worth."""
WIDEST = 0.048
"""What a day may differ from the mean at most where that can be had, so that the longest and the shortest are within
10 % of each other. It counts in the last stage only: before, it holds the search where it is (2 % more drive)."""
GATHERED = 200
"""Times in each of the last two stages that the days found are put by, to choose among in the end."""
ROUNDS_A_PART = 50
"""Rounds between two such times, at least."""
EVENINGS = 3
"""How often days that differ more are planned once more."""
ABSENT_PRICE = 1.5
"""To miss every visit of a customer is worse than as many of several."""
MENDS = 4
"""How often a day whose visits do not fit is shortened and planned again."""
SHORTER = 12.0
"""Minutes by which such a day is shortened."""
HOTELS = 3
"""Places a week that are tried for a night away."""
NIGHTS = 2
"""Nights a week that are tried at each of them."""


@dataclass(frozen=True, eq=False)
class RepTask:
    """What one rep's weeks are planned from: n customers, T days; place n is the home. Times are minutes.

    minutes (n + 1, n + 1) float, from row to column; service, value (n,) float; opens, closes (n, T) float, when a
    visit may start; start, finish: of a working day, minutes since midnight; work, max_drive: minutes a day; pause
    (earliest, latest, minutes) or None; weeks (T,) int, number of each day's week; next_day (T,) bool, whether the day
    after it on the calendar is the next one; nights: accepted in a week; night_minutes: what each must save; seed: of
    this rep; effort: multiplies the rounds; hourly: what `minutes` is the mean of, where they differ by hour.
    """

    minutes: np.ndarray
    service: np.ndarray
    value: np.ndarray
    rhythms: Rhythms
    opens: np.ndarray
    closes: np.ndarray
    start: float
    finish: float
    work: float
    max_drive: float
    pause: tuple[float, float, float] | None
    weeks: np.ndarray
    next_day: np.ndarray
    nights: int
    night_minutes: float
    seed: int
    effort: float
    hourly: HourlyTimes | None = None

    @property
    def days(self) -> int:
        """Number of working days."""
        return self.rhythms.allowed.shape[1]

    @property
    def home(self) -> int:
        """The home's place."""
        return len(self.service)


@dataclass(frozen=True, eq=False)
class PlannedDay:
    """A day as it will be driven: arrays of its (k,) stops in order; `begin` and `end` are places.

    drives : (k + 1,) float, minutes of each leg, the last to the end; pause : when it begins, None for none
    """

    begin: int
    end: int
    stops: np.ndarray
    arrive: np.ndarray
    wait: np.ndarray
    start: np.ndarray
    leave: np.ndarray
    depart: float
    back: float
    drive: float
    drives: np.ndarray
    pause: float | None
    is_proven: bool


@dataclass(frozen=True, eq=False)
class RepPlan:
    """What came out for one rep: T days, and per customer why visits are missing that the search had placed."""

    days: list[PlannedDay]
    unfit: dict[int, int] = field(default_factory=dict)
    """customer -> the day on which its visit did not fit beside the others."""
    cost: float = 0.0


def solve_rep(task: RepTask) -> RepPlan:
    """The best weeks found for one rep; the same for the same task, whoever else is planned beside."""
    if not task.days:
        return RepPlan([])
    month = _month(task)
    random = new_state(task.seed)
    rounds = max(len(RAMP), int(ROUNDS * task.effort * min(1.0, task.rhythms.due.sum() / 60)))
    calendar = _empty(month)
    if task.rhythms.due.any():
        pool = Pool()
        month, calendar = _anneal(month, calendar, rounds, random, pool=pool)
        calendar = choose(month, calendar, pool)
        month, calendar = _evened(month, calendar, rounds // 12, random)
        if task.nights:
            month, calendar = _with_nights(task, month, calendar, rounds // 12, random)
    return _with_exact_days(task, month, calendar, rounds // 12, random)


def _month(task: RepTask) -> Month:
    n, length = task.home, task.days
    paths = paths_of(task.rhythms)
    nearness = (task.minutes + task.minutes.T)[:n, :n]
    pause = task.pause[2] if task.pause else 0.0
    return Month(
        drive=np.ascontiguousarray(task.minutes, float),
        # What a table lends may only be read: a type of its own, for which kernels would be compiled once more.
        service=np.array(task.service, float),
        load=np.zeros(n),
        capacity=1.0,
        vehicles=1,
        begin=np.full(length, n),
        end=np.full(length, n),
        start=np.full(length, task.start),
        finish=np.full(length, task.finish - pause),
        max_drive=np.full(length, task.max_drive),
        opens=task.opens,
        closes=task.closes,
        absent=ABSENT_PRICE * task.rhythms.drop * np.maximum(task.rhythms.due, 1),
        worth=task.rhythms.drop / np.maximum(task.service, 1.0),
        near=np.argsort(nearness, axis=1, kind="stable"),
        target=np.full(length, task.work),
        slack=SLACK,
        stiffness=STIFFNESS,
        widest=NEVER,
        **vars(paths),
    )


def _empty(month: Month) -> Calendar:
    calendar = empty_calendar(len(month.service), len(month.target), month.vehicles)
    calendar.rhythm[:] = month.absent
    _refresh(month, calendar)
    return calendar


def _refresh(month: Month, calendar: Calendar) -> None:
    for route in range(len(calendar.length)):
        refresh(month, calendar, route)


def _copy(month: Month, calendar: Calendar) -> Calendar:
    copy = empty_calendar(len(month.service), len(month.target), month.vehicles)
    copy_all(calendar, copy)
    return copy


def _anneal(
    month: Month,
    calendar: Calendar,
    rounds: int,
    random: np.ndarray,
    hot: float = HOT,
    ramp: tuple[float, ...] = RAMP,
    pool: Pool | None = None,
) -> tuple[Month, Calendar]:
    """The cheapest calendar found, and the month with the length of day that it was found for."""
    ratio = (COLD / hot) ** (1 / len(ramp))
    for stage, part in enumerate(ramp):
        is_late = stage >= len(ramp) - 2
        widest = WIDEST if stage == len(ramp) - 1 else NEVER
        month = _targeted(month, calendar)._replace(stiffness=STIFFNESS * part, widest=widest)
        _refresh(month, calendar)
        kept, best = _copy(month, calendar), _copy(month, calendar)
        share = rounds // len(ramp)
        gathered = pool if is_late else None
        parts = 1 if gathered is None else min(GATHERED, max(share // ROUNDS_A_PART, 1))
        # Rounded, because a power may differ in its last digit from machine to machine.
        warmth = np.round(hot * ratio ** (stage + np.arange(parts + 1) / parts), 9).tolist()
        for warm, cold in pairwise(warmth):
            search(month, calendar, kept, best, share // parts, warm, cold, TAKEN_OUT, WITHIN, random)
            if gathered is not None:
                gathered.gather(kept)
                gathered.gather(best)
        calendar = best if is_late else kept
    return month, calendar


def _evened(month: Month, calendar: Calendar, rounds: int, random: np.ndarray) -> tuple[Month, Calendar]:
    """The calendar planned on while some of its days are too uneven and that still helps."""
    for _ in range(EVENINGS):
        before = _spread(calendar)
        if before <= 2 * WIDEST:
            break
        tried, found = _anneal(month, calendar, rounds, random, hot=HOT / 8, ramp=(1.0,))
        if _spread(found) >= before:
            break
        month, calendar = tried, found
    return month, calendar


def _spread(calendar: Calendar) -> float:
    """The longest day less the shortest, beside their mean."""
    worked = calendar.sums[:, :2].sum(axis=1)
    return float(np.ptp(worked) * len(worked) / max(worked.sum(), 1e-9))


def _targeted(month: Month, calendar: Calendar) -> Month:
    """The month with the mean of the calendar's worked minutes as the wanted length of a day."""
    worked = float(calendar.sums[:, :2].sum())
    if worked == 0:
        # Nothing is planned yet: what the visits take, and a guess at the drive between them.
        visits = np.diff(month.node_ptr) > 0
        nearest = np.sort(month.drive[:-1, :-1], axis=1)[:, min(3, len(month.service) - 1)]
        worked = float(((month.service + nearest) * visits).sum())
    return month._replace(target=np.full(len(month.target), round(worked / len(month.target), 6)))


def _with_nights(
    task: RepTask, month: Month, calendar: Calendar, rounds: int, random: np.ndarray
) -> tuple[Month, Calendar]:
    """The calendar with nights away where they save more than `night_minutes` each.

    In each week the farthest places are tried as a hotel between two days, from the farthest on; a night is kept when
    the calendar planned anew around it is cheaper by its price.
    """
    for week in np.unique(task.weeks).tolist():
        for _ in range(task.nights):
            better = _with_one_more(task, month, calendar, week, rounds, random)
            if better is None:
                break
            month, calendar = better
    return month, calendar


def _with_one_more(
    task: RepTask, month: Month, calendar: Calendar, week: int, rounds: int, random: np.ndarray
) -> tuple[Month, Calendar] | None:
    """The calendar with the first night found in a week that pays; None when none does."""
    for hotel in _hotels(task, month, calendar, week):
        for day in _nights_at(task, month, calendar, hotel, week):
            tried = _with_night(month, day, hotel)
            if not all(_is_drivable(task, tried.begin[each], tried.end[each]) for each in (day, day + 1)):
                continue
            start = _copy(month, calendar)
            _refresh(tried, start)
            tried, found = _anneal(tried, _feasible(tried, start), rounds, random, hot=HOT / 4, ramp=(1.0,))
            if cost_of(found) + task.night_minutes < cost_of(calendar):
                return tried, found
    return None


def _hotels(task: RepTask, month: Month, calendar: Calendar, week: int) -> list[int]:
    """The farthest customers that are visited in a week or not at all, each far from the one before.

    Who is too far for there and back in a day is not visited before there is a night near by.
    """
    this_week = (calendar.route_of[:, task.weeks == week] >= 0).any(axis=1)
    out, back = month.drive[task.home, :-1], month.drive[:-1, task.home]
    is_missing = ~calendar.placed & (task.rhythms.due > 0) & (np.maximum(out, back) <= min(task.work, task.max_drive))
    worth = np.flatnonzero((this_week | is_missing) & (out + back > task.night_minutes))
    chosen: list[int] = []
    for customer in worth[np.argsort(-(out + back)[worth], kind="stable")].tolist():
        if all(month.drive[customer, other] > task.night_minutes / 4 for other in chosen):
            chosen.append(customer)
    return chosen[:HOTELS]


def _nights_at(task: RepTask, month: Month, calendar: Calendar, hotel: int, week: int) -> list[int]:
    """Days after which a night at the hotel could be spent, at most NIGHTS.

    The day it is visited and the day before come first, then days that begin or end near by, then the emptiest.
    """
    nights = np.flatnonzero(task.next_day & (month.end == task.home) & (task.weeks == week))
    nights = nights[task.weeks[nights + 1] == week]
    is_visited = calendar.route_of[hotel] >= 0
    is_apart = ~(is_visited[nights] | is_visited[nights + 1])
    near = np.minimum(month.drive[month.begin[nights], hotel], month.drive[month.end[nights + 1], hotel])
    work = calendar.sums[:, :2].sum(axis=1)
    order = np.lexsort((nights, work[nights] + work[nights + 1], near, is_apart))
    return [int(day) for day in nights[order][:NIGHTS]]


def _with_night(month: Month, day: int, hotel: int) -> Month:
    begin, end = month.begin.copy(), month.end.copy()
    end[day] = begin[day + 1] = hotel
    return month._replace(begin=begin, end=end)


def _is_drivable(task: RepTask, begin: int, end: int) -> bool:
    """Whether a day without visits leads from one place to the other: on the way nobody stops for a break."""
    drive = task.minutes[begin, end]
    if task.pause is None:
        return bool(drive <= min(task.max_drive, task.finish - task.start))
    earliest, latest, long = task.pause
    in_time = task.start + drive <= latest or earliest + long + drive <= task.finish
    return bool(in_time and drive <= task.max_drive)


def _feasible(month: Month, calendar: Calendar) -> Calendar:
    """The calendar without the customers of days that have become too long; the search puts them back."""
    for route in range(len(calendar.length)):
        count = int(calendar.length[route])
        late = calendar.early[route, 1 : count + 1] > calendar.late[route, 1 : count + 1] + 1e-6
        if late.any() or calendar.sums[route, 0] > month.max_drive[route] + 1e-6:
            for customer in calendar.stops[route, :count].tolist():
                _remove(month, calendar, customer)
    return calendar


def _remove(month: Month, calendar: Calendar, customer: int) -> None:
    for route in np.unique(calendar.route_of[customer][calendar.route_of[customer] >= 0]).tolist():
        count = int(calendar.length[route])
        stops = calendar.stops[route, :count]
        left = stops[stops != customer]
        calendar.stops[route, : len(left)] = left
        calendar.length[route] = len(left)
        refresh(month, calendar, route)
    calendar.route_of[customer] = -1
    calendar.placed[customer] = False
    calendar.rhythm[customer] = month.absent[customer]


def _with_exact_days(task: RepTask, month: Month, calendar: Calendar, rounds: int, random: np.ndarray) -> RepPlan:
    """Each day solved exactly; where a day's visits do not fit, it is made shorter and planned again."""
    solved: dict[tuple[int, ...], tuple[PlannedDay, list[int]]] = {}
    for mend in range(MENDS + 1):
        outcome = [_exact_day(task, month, calendar, day, solved) for day in range(task.days)]
        unfit = {customer: day for day, (_, left) in enumerate(outcome) for customer in left}
        if not unfit or mend == MENDS:
            break
        finish = month.finish.copy()
        finish[list(set(unfit.values()))] -= SHORTER * (mend + 1)
        month = month._replace(finish=finish)
        _refresh(month, calendar)
        for customer in unfit:
            _remove(month, calendar, customer)
        calendar = _feasible(month, calendar)
        _, calendar = _anneal(month, calendar, rounds, random, hot=HOT / 8, ramp=(1.0,))
    return RepPlan([day for day, _ in outcome], unfit, cost_of(calendar))


def _exact_day(
    task: RepTask,
    month: Month,
    calendar: Calendar,
    day: int,
    solved: dict[tuple[int, ...], tuple[PlannedDay, list[int]]],
) -> tuple[PlannedDay, list[int]]:
    """The day as it will be driven, and the customers that do not fit."""
    visits = np.sort(calendar.stops[day, : calendar.length[day]]).astype(int)
    begin, end = int(month.begin[day]), int(month.end[day])
    key = (day, begin, end, *visits.tolist())
    if key in solved:
        return solved[key]
    places = np.concatenate([[begin], visits, [end]])
    limits = {
        "windows": [[(task.opens[c, day], task.closes[c, day])] for c in visits],
        "prizes": np.round(1 + 20 * task.value[visits]),
        "shift": (task.start, task.finish),
        "pause": task.pause,
        "max_drive": None if np.isinf(task.max_drive) else task.max_drive,
        "effort": 0.1,
        "seed": task.seed % 2**31,
    }
    everyone = np.ones(len(visits), bool)
    plan = _solved(task, places, mandatory=everyone, objective="drive", **limits)
    if plan.status == "infeasible":
        plan = _solved(task, places, mandatory=task.rhythms.fixed[visits, day], objective="value", **limits)
    driven = places[[0, *(plan.order + 1).tolist(), len(places) - 1]]
    planned = PlannedDay(
        begin=begin,
        end=end,
        stops=visits[plan.order],
        arrive=plan.arrive,
        wait=plan.wait,
        start=plan.start,
        leave=plan.leave,
        depart=plan.depart,
        back=plan.home,
        drive=plan.drive,
        drives=task.minutes[driven[:-1], driven[1:]] if plan.drives is None else plan.drives,
        pause=plan.pause,
        is_proven=plan.status == "optimal",
    )
    solved[key] = planned, [int(c) for c in visits if c not in set(planned.stops.tolist())]
    return solved[key]


def _solved(task: RepTask, places: np.ndarray, **asked: Any) -> DayPlan:
    """The best day between places, the first and the last of which are its ends."""
    from territory.routing import solve_day
    from territory.routing.hourly import solve_day_by_hour

    service = task.service[places[1:-1]]
    if task.hourly is not None:
        return solve_day_by_hour(task.hourly.only(places), service, **asked)
    return solve_day(task.minutes[np.ix_(places, places)], service, **asked)


__all__ = ["PlannedDay", "RepPlan", "RepTask", "solve_rep"]
