"""From units to a balanced, connected, compact plan, and the prices that led to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.optimize import linear_sum_assignment

from territory.alignment.annealing import HARD, Annealing, Found, Progress, Schedule
from territory.alignment.bound import choose, gap_at
from territory.alignment.breeding import breed
from territory.alignment.pieces import pieces
from territory.alignment.starts import Start, islands_of, start_from_scratch, start_from_today, start_on_tables
from territory.alignment.task import Task
from territory.alignment.units import coarsen
from territory.threads import threads

LARGE = 60_000
"""Above this many units, pairs of them are planned first."""
MANY, HASTE = 5_000, 0.08
"""From this many units on, a repair is first tried with this part of the effort: mostly it does."""
STARTS, MOST_STARTS = 12_000, 8
"""Starts tried, times the units; and at most."""
DESIGNED, REPAIRED, MORE = 7_200, 4_000, 18_000
"""Searches of a design, those that a repair begins with, and those that it has where these do not do, times the units.
"""
PROMISING = 0.01
"""By how much a start's promise may be above the best for a search to begin there."""
FAR = 0.1
"""A repair whose gap is above this is worth more searches."""
NEARLY = 1.0
"""How many tolerances outside its bands, summed, a plan may be for a short search to bring it in."""
SHARED = 16
"""From this many territories on, two workers can share a search."""

# A large task can afford one search; several hot ones find better arrangements of a small task.
COLD = Schedule(2, 0.02, 0.5, least=200)
HOT = (Schedule(15, 0.3, 0.8), Schedule(15, 0.3, 0.6)) * 4
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
    begin = partial(start_from_scratch, task, islands=islands_of(task))
    with threads(2) as pool:
        starts = sorted(pool.map(begin, turns.tolist()), key=lambda start: start.promise)
    most = starts[0].promise + PROMISING * abs(starts[0].promise)
    starts = [start for start in starts if start.promise <= most]
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
    torn = _torn(task, found.label)
    if (task.overrun(found.label) > 0 or torn) and _may_be_redrawn(task):
        plans = [found, _redrawn(task, progress)]
        found = min(plans, key=lambda plan: (_torn(task, plan.label), *task.merit(plan.label)))
    found = _served(task, _named_alike(task, found), progress)
    if task.overrun(found.label) > 0 and len(task.units.allowed):
        found = _best_of(task, [found, _served_first(task, start, progress)])
    is_broken = task.overrun(found.label) > 0 or task.moved_too_many(found.label)
    if is_broken and (free := task.unlimited()) is not task:
        found = _unlimited_first(task, free, start, found, progress)
    return found


def _unlimited_first(task: Task, free: Task, start: Start, found: Found, progress: Progress) -> Found:
    """The plan found, or a better one by way of the plan that is `free` of limits: it may keep them.

    Limits are walls, behind which a search may be caught; the prices that lead around them are known where none are.
    """
    without = _repair_from(free, start, progress)
    begins = Start(start.label, task.centres(without.label), without.learnt)
    plans = [found, without, _repair_from(task, begins, progress)]
    if not task.moved_too_many(without.label):
        plans.append(_repair_from(task, without.begins(task), progress))
    return min(plans, key=lambda plan: (task.moved_too_many(plan.label), *task.merit(plan.label)))


def _torn(task: Task, label: np.ndarray) -> int:
    """How many pieces there are beyond one for each territory that must be in one."""
    piece, main = pieces(task.units, label)
    owner = np.zeros(len(main), np.int64)
    owner[piece] = label
    return int((~main & ~task.loose[owner]).sum())


def _may_be_redrawn(task: Task) -> bool:
    """Whether a plan from scratch can be better.

    On several islands, the loads of one may want another territory; at one place, no way leads the search.
    """
    units, is_bound = task.units, task.fixed is not None or task.loose.any() or task.is_limited
    is_free = not is_bound and bool(units.movable.all()) and not len(units.allowed) and not len(units.travel)
    return is_free and (len(islands_of(task)) > 1 or not np.ptp(units.xy, axis=0).any())


def _redrawn(task: Task, progress: Progress) -> Found:
    """The repair of a plan from scratch instead of today's, with today's names."""
    units = task.units
    nobody = replace(units, start=np.full_like(units.start, -1), handover=np.zeros_like(units.handover))
    found = _named(task, design(replace(task, units=nobody), progress))
    start = Start(found.label, task.centres(found.label), np.zeros_like(task.shares))
    return _best_of(task, [found, _repair_from(task, start, progress)])


def _design_in_pairs(task: Task, progress: Progress, *, is_last: bool) -> Found:
    """A design for pairs of units, then its borders searched unit by unit (multilevel: Hendrickson and Leland 1995)."""
    merged, pair = coarsen(task.units)
    found = design(replace(task, units=merged), progress, is_last=False)
    # The bound's prices know nothing of whole units and of one piece; what the pairs have learnt does.
    start = found._replace(label=found.label[pair]).begins(task)
    return _refined(task, start, progress, is_last=is_last)._replace(price=None)


def _served(task: Task, found: Found, progress: Progress) -> Found:
    """The plan with every unit where it is allowed, in a piece of its own if it must be, and balanced again then."""
    if not len(task.units.allowed) or not (task.is_forbidden(found.label) & task.units.movable).any():
        return found
    return _refined(*_settled(task, found.label), progress)


def _served_first(task: Task, start: Start, progress: Progress) -> Found:
    """The repair of a plan in which every unit is where it is allowed: no corridors are grown to those far away."""
    return _repair_from(*_settled(task, start.label), progress)


def _settled(task: Task, label: np.ndarray) -> tuple[Task, Start]:
    """A start with the units that are where they may not be in the nearest territory that they may be in, for good."""
    units, centres = task.units, task.centres(label)
    astray = task.is_forbidden(label) & units.movable
    wanted = np.empty_like(label)
    choose(task, centres, np.zeros_like(task.shares), wanted)
    settled = replace(task, units=replace(units, movable=units.movable & ~astray))
    return settled, Start(np.where(astray, wanted, label), centres, np.zeros_like(task.shares))


def _named_alike(task: Task, found: Found) -> Found:
    """The same pieces of ground, named so that least is handed over, where that leaves every band as it is."""
    units = task.units
    # A piece keeps its name for certain where one of its units is locked.
    is_named = not units.movable.all() or len(units.allowed) or task.fixed is not None or task.loose.any()
    if is_named or task.is_limited:
        return found
    return _best_of(task, [_named(task, found), found])


def _named(task: Task, found: Found) -> Found:
    """The same pieces of ground, named so that least is handed over; names change among territories that are alike."""
    units, label = task.units, found.label
    owned = units.start >= 0
    kept = np.zeros((task.count, task.count))
    np.add.at(kept, (label[owned], units.start[owned]), units.handover[owned])
    asked = np.column_stack([task.shares, task.band.reshape(task.count, -1)])
    is_alike = (asked[:, None] == asked).all(axis=2)
    name = linear_sum_assignment(np.where(is_alike, -kept, kept.sum() + 1.0))[1]
    named = np.argsort(name)
    return Found(name[label], None if found.price is None else found.price[named], found.learnt[named])


def _design_from(task: Task, starts: list[Start], progress: Progress, *, is_last: bool) -> Found:
    """The best plan of one search; small tasks can afford several, and to breed from their plans."""
    runs = _affordable(task, DESIGNED, len(HOT))
    if runs > 1 and is_last:
        plans = _searched(task, starts, HOT[:runs], part_of(progress, 0.0, 0.7), is_last=False)
        return _bred(task, plans, part_of(progress, 0.7, 1.0))
    [best] = _searched(task, starts, [COLD], progress, is_last=is_last)
    return _pressed(task, best, progress) if is_last else best


def _bred(task: Task, plans: list[Found], progress: Progress) -> Found:
    """The best of plans and of those bred from them, brought into its bands if it is nearly."""
    herd = breed(task, plans, progress)
    return _best_of(task, [_pressed(task, herd[0], progress), *plans, *herd])


def _repair_from(task: Task, start: Start, progress: Progress) -> Found:
    """The best plan of few searches; of more where none of the few ends within the bands, or far above its bound."""
    most, few = (_affordable(task, searched, len(FROM_TODAY)) for searched in (MORE, REPAIRED))
    is_bred = len(task.units.mass) <= MANY
    searching = part_of(progress, 0.0, 0.6) if is_bred else progress
    plans = _searched(task, [start], FROM_TODAY[:few], searching)
    best = _best_of(task, plans)
    if few < most and (task.overrun(best.label) > 0 or gap_at(task, best.label, best.price) > FAR):
        plans += _searched(task, [start], FROM_TODAY[few:most], searching, first=few)
        best = _best_of(task, plans)
    if not is_bred:
        return _pressed(task, best, progress)
    # Which plan is the best, and what is worth bettering, hangs on what is handed over.
    return _bred(task, [_named_alike(task, plan) for plan in plans], part_of(progress, 0.6, 1.0))


def _refined(task: Task, start: Start, progress: Progress, *, is_last: bool = True) -> Found:
    """What a short search makes of a plan that needs little more."""
    [best] = _searched(task, [start], [REFINE], progress, is_last=is_last)
    return _pressed(task, best, progress) if is_last else best


def _pressed(task: Task, best: Found, progress: Progress) -> Found:
    """A plan that is nearly within its bands, searched a little more."""
    if not 0 < task.overrun(best.label) < NEARLY:
        return best
    return _best_of(task, [best, *_searched(task, [best.begins(task)], [REFINE], progress)])


def _affordable(task: Task, searched: int, most: int) -> int:
    """How many searches that are `searched` times the units."""
    return int(np.clip(searched * task.effort / len(task.units.mass), 1, most))


def _best_of(task: Task, plans: list[Found]) -> Found:
    return min(plans, key=lambda plan: task.merit(plan.label))


def _searched(
    task: Task,
    starts: list[Start],
    schedules: Sequence[Schedule],
    progress: Progress,
    *,
    first: int = 0,
    is_last: bool = True,
) -> list[Found]:
    """What these searches found, two at a time.

    They are numbered from `first` on: another number has another random stream.
    """
    done = [0.0] * len(schedules)
    # A large task has one search, of two workers; several searches keep the processors busy themselves.
    is_shared = len(schedules) == 1 and task.count >= SHARED and not task.is_limited
    origins = [starts[(first + at) % len(starts)] for at in range(len(schedules))]

    def tell(at: int, part: float) -> None:
        done[at] = part
        progress("balance", sum(done) / len(done))

    with threads(2) as pool:
        shared = pool if is_shared else None
        searches = [
            Annealing(task, origin, schedule, first + at, shared)
            for at, (origin, schedule) in enumerate(zip(origins, schedules, strict=True))
        ]

        def finished(at: int) -> Found:
            label = searches[at].best(partial(tell, at), is_last=is_last)
            return Found(label, origins[at].price, searches[at].learnt)

        # Its one search needs the pool's two workers for itself.
        return [finished(0)] if is_shared else list(pool.map(finished, range(len(searches))))
