"""From units to a balanced, connected, compact plan, and the prices that led to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from territory.alignment.annealing import HARD, Annealing, Schedule
from territory.alignment.bound import choose, gap_at
from territory.alignment.pieces import bordering
from territory.alignment.starts import Start, start_from_scratch, start_from_today, start_on_tables
from territory.alignment.task import Task
from territory.alignment.units import coarsen
from territory.kernels import at_once

Progress = Callable[[str, float], None]
"""Told the stage and how much of it is done, 0 to 1."""

LARGE = 60_000
"""Above this many units, pairs of them are planned first."""
MANY, HASTE = 5_000, 0.08
"""From this many units on, a repair is first tried with this part of the effort: mostly it does."""
STARTS, MOST_STARTS = 12_000, 8
"""Starts tried, times the units; and at most."""
DESIGNED, REPAIRED, MORE = 7_200, 4_000, 6_000
"""Searches of a design, those that a repair begins with, and those that it has where these do not do, times the units.
"""
KEPT = 2
"""Of the searches of a design, how many go on to the end, and how many of the plans are reheated."""
REHEATED, REHEATS = 0.06, 10_000
"""How many times two territories of a plan are reheated, by units; and where the numbers of those searches begin."""
FAR = 0.1
"""A repair whose gap is above this is worth more searches."""
NEARLY = 1.0
"""How many tolerances outside its bands, summed, a plan may be for a short search to bring it in."""
SHARED = 16
"""From this many territories on, two workers can share a search."""

# A large task can afford one search; several hot ones find better arrangements of a small task, the best of which is
# warmed up again.
COLD = Schedule(2, 0.02, 0.5, least=200)
HOT = (Schedule(30, 0.3, 0.6), Schedule(15, 0.3, 0.6)) * 4
AGAIN = (Schedule(3, 0.1, 0.6),) * 2
REHEAT = Schedule(3, 0.1, 0.0, least=50, most=50)
# Where there is little time, or loads may be far outside their bands and moves dear, prices must be learnt fast.
_hasty = partial(Schedule, firm=HARD, learn=0.6)
# What came from pairs needs little more.
REFINE = _hasty(0.5, 0.02, 0.0, least=45)
# The second finds the plans of fewest moves: where moves are dear, centres must hold still for a while.
FROM_TODAY = (
    _hasty(2, 0.02, 0.0),
    _hasty(10, 0.1, 0.3),
    _hasty(20, 0.1, 0.6),
    _hasty(10, 0.1, 0.0),
    _hasty(30, 0.1, 0.0),
    _hasty(5, 0.1, 0.0, edge=0.999),
)


def part_of(progress: Progress, begin: float, end: float) -> Progress:
    """Of several parts that are one to those who wait: the one from `begin` to `end`."""
    return lambda stage, part: progress(stage, begin + (end - begin) * part)


class Found(NamedTuple):
    """A plan's labels (n,), and prices (K, q): about those of its bound, or None; and those that its search learnt."""

    label: np.ndarray
    price: np.ndarray | None
    learnt: np.ndarray


def design(task: Task, progress: Progress, *, is_last: bool = True) -> Found:
    """The best plan found from scratch: in its bands first, then of least objective.

    A plan that is not the last, but refined afterwards, is not pressed into its bands.
    """
    if task.count == 1:
        free = np.zeros_like(task.shares)
        return Found(np.zeros(len(task.units.mass), np.int64), free, free)
    if len(task.units.mass) > LARGE:
        return _design_in_pairs(task, progress, is_last=is_last)
    if len(task.units.travel):
        found = _design_from(task, [start_on_tables(task)], progress, is_last=is_last)
        return _served(task, found, progress)
    random = np.random.default_rng(task.seed)
    turns = random.uniform(0, np.pi, int(np.clip(STARTS * task.effort / len(task.units.mass), 1, MOST_STARTS)))
    progress("shape", 0.0)
    with ThreadPoolExecutor(2) as pool:
        starts = sorted(
            pool.map(lambda turn: start_from_scratch(task, float(turn)), turns), key=lambda start: start.promise
        )
    return _served(task, _design_from(task, starts, progress, is_last=is_last), progress)


def repair(task: Task, progress: Progress) -> Found:
    """The best plan found from today's: in its bands first, then of least objective."""
    progress("shape", 0.0)
    start = start_from_today(task)
    found = Found(start.label, start.price, start.price)
    if task.count == 1:
        return found
    if len(task.units.mass) > MANY:
        found = _repair_from(replace(task, effort=HASTE * task.effort), start, progress)
    if len(task.units.mass) <= MANY or task.overrun(found.label) > 0:
        found = _repair_from(task, start, progress)
    return _served(task, _named_alike(task, found), progress)


def _design_in_pairs(task: Task, progress: Progress, *, is_last: bool) -> Found:
    """A design for pairs of units, then its borders searched unit by unit (multilevel: Hendrickson and Leland 1995)."""
    merged, pair = coarsen(task.units)
    found = design(replace(task, units=merged), progress, is_last=False)
    # The bound's prices know nothing of whole units and of one piece; what the pairs have learnt does.
    start = _start_at(task, found._replace(label=found.label[pair]))
    return _refined(task, start, progress, is_last=is_last)._replace(price=None)


def _served(task: Task, found: Found, progress: Progress) -> Found:
    """The plan with every unit where it is allowed, in a piece of its own if it must be, and balanced again then."""
    units, label = task.units, found.label
    astray = task.is_forbidden(label) & units.movable
    if not len(units.allowed) or not astray.any():
        return found
    centres = task.centres(label)
    wanted = np.empty_like(label)
    choose(task, centres, np.zeros_like(task.shares), wanted)
    label = np.where(astray, wanted, label)
    settled = replace(task, units=replace(units, movable=units.movable & ~astray))
    return _refined(settled, Start(label, centres, np.zeros_like(task.shares)), progress)


def _named_alike(task: Task, found: Found) -> Found:
    """The same pieces of ground, named so that least is handed over, where that leaves every band as it is."""
    units, label = task.units, found.label
    # A piece keeps its name for certain where one of its units is locked, or territories are not alike.
    is_alike = not (task.shares != task.shares[0]).any() and not (task.band != task.band[0]).any()
    is_named = not units.movable.all() or len(units.allowed) or task.fixed is not None or task.loose.any()
    if is_named or task.is_limited or not is_alike:
        return found
    owned = units.start >= 0
    kept = np.zeros((task.count, task.count))
    np.add.at(kept, (label[owned], units.start[owned]), units.handover[owned])
    name = linear_sum_assignment(-kept)[1]
    named = np.argsort(name)
    return Found(name[label], None if found.price is None else found.price[named], found.learnt[named])


def _design_from(task: Task, starts: list[Start], progress: Progress, *, is_last: bool) -> Found:
    """The best plan of one search; small tasks can afford several, and to warm the best of them up again."""
    runs = _affordable(task, DESIGNED, len(HOT))
    if runs == 1 or not is_last:
        best = _best_of(task, _searched(task, starts, [COLD], progress, is_last=is_last))
    else:
        plans = _searched(task, starts, HOT[:runs], part_of(progress, 0.0, 0.5), kept=KEPT, is_last=False)
        hopeful = sorted(plans, key=lambda plan: (task.overrun(plan.label) > NEARLY, task.objective(plan.label)))
        warm = [_start_at(task, plan) for plan in hopeful[: len(AGAIN)]]
        plans += _searched(task, warm, AGAIN, part_of(progress, 0.5, 0.9))
        hopeful = sorted(plans, key=partial(_merit, task))[:KEPT]
        best = _best_of(task, _reheated(task, hopeful, part_of(progress, 0.9, 1.0)))
    return _pressed(task, best, progress) if is_last else best


def _reheated(task: Task, plans: list[Found], progress: Progress) -> list[Found]:
    """The plans, each bettered two neighbouring territories at a time (large neighbourhood search: Shaw 1998).

    Two that are annealed anew, while all others hold still, find what the whole has no time for.
    """
    turns = int(REHEATED * task.effort * len(task.units.mass))
    brief = replace(task, effort=1.0)

    def reheated(at: int) -> Found:
        best, random = plans[at], np.random.default_rng((task.seed, at))
        reached = _merit(task, best)
        waiting: list[np.ndarray] = []
        for turn in range(turns):
            if not waiting:
                waiting = [*random.permutation(bordering(task.units, best.label))]
            search = Annealing(brief, _start_at(task, best), REHEAT, REHEATS * (at + 1) + turn, own=waiting.pop())
            found = best._replace(label=search.at_a_stretch())
            if (merit := _merit(task, found)) < reached:
                best, reached = found, merit
            if at == 0:
                progress("balance", turn / turns)
        return best

    bettered = at_once(reheated, range(len(plans)))
    progress("balance", 1.0)
    return bettered


def _repair_from(task: Task, start: Start, progress: Progress) -> Found:
    """The best plan of few searches; of more where none of the few ends within the bands, or far above its bound."""
    most, few = (_affordable(task, searched, len(FROM_TODAY)) for searched in (MORE, REPAIRED))
    best = _best_of(task, _searched(task, [start], FROM_TODAY[:few], progress))
    if few < most and (task.overrun(best.label) > 0 or gap_at(task, best.label, best.price) > FAR):
        more = _searched(task, [start], FROM_TODAY[few:most], progress, first=few)
        best = _best_of(task, [best, *more])
    best = _pressed(task, best, progress)
    return best if len(task.units.mass) > MANY else _reheated(task, [best], progress)[0]


def _refined(task: Task, start: Start, progress: Progress, *, is_last: bool = True) -> Found:
    """What a short search makes of a plan that needs little more."""
    [best] = _searched(task, [start], [REFINE], progress, is_last=is_last)
    return _pressed(task, best, progress) if is_last else best


def _pressed(task: Task, best: Found, progress: Progress) -> Found:
    """A plan that is nearly within its bands, searched a little more."""
    if not 0 < task.overrun(best.label) < NEARLY:
        return best
    return _best_of(task, [best, *_searched(task, [_start_at(task, best)], [REFINE], progress)])


def _start_at(task: Task, found: Found) -> Start:
    return Start(found.label, task.centres(found.label), found.learnt)


def _affordable(task: Task, searched: int, most: int) -> int:
    """How many searches that are `searched` times the units."""
    return int(np.clip(searched * task.effort / len(task.units.mass), 1, most))


def _merit(task: Task, plan: Found) -> tuple[float, float]:
    """The less of it, the better a plan is."""
    return task.overrun(plan.label), task.objective(plan.label)


def _best_of(task: Task, plans: list[Found]) -> Found:
    return min(plans, key=partial(_merit, task))


def _searched(
    task: Task,
    starts: list[Start],
    schedules: Sequence[Schedule],
    progress: Progress,
    *,
    first: int = 0,
    kept: int | None = None,
    is_last: bool = True,
) -> list[Found]:
    """What these searches found, two at a time; of only so many as are `kept`, those whose plans look best halfway.

    They are numbered from `first` on: another number has another random stream.
    """
    done = [0.0] * len(schedules)
    # A large task has one search, of two workers; several searches keep the processors busy themselves.
    is_shared = len(schedules) == 1 and task.count >= SHARED and not task.is_limited
    origins = [starts[(first + at) % len(starts)] for at in range(len(schedules))]

    def tell(at: int, part: float) -> None:
        done[at] = part
        progress("balance", sum(done) / len(done))

    with ThreadPoolExecutor(2) as pool:
        shared = pool if is_shared else None
        searches = [
            Annealing(task, origin, schedule, first + at, shared)
            for at, (origin, schedule) in enumerate(zip(origins, schedules, strict=True))
        ]

        def finished(at: int) -> Found:
            label = searches[at].best(partial(tell, at), is_last=is_last)
            return Found(label, origins[at].price, searches[at].learnt)

        every: Sequence[int] = range(len(schedules))
        if is_shared:
            return [finished(0)]
        if kept is not None and len(every) > kept:
            outlook = list(pool.map(lambda at: searches[at].outlook(partial(tell, at)), every))
            every = sorted(every, key=outlook.__getitem__)[:kept]
            done = [1.0 if at not in every else part for at, part in enumerate(done)]
        return list(pool.map(finished, every))
