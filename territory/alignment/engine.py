"""From units to a balanced, connected, compact plan with its bound."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from territory.alignment.bound import HEATS, bands_of, choose, prices_at, rough_prices
from territory.alignment.diagram import centre_on_all, centroids, power_diagram
from territory.alignment.ground import Ground, Plan, list_border, plan_of, worker_of
from territory.alignment.numeric import new_state
from territory.alignment.pieces import connect
from territory.alignment.search import anneal
from territory.alignment.task import Task
from territory.alignment.units import coarsen

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]
"""Told the stage and how much of it is done, 0 to 1."""

BORDER = 0.1
"""What a pair of neighbours in different territories weighs, in mean energies of a unit: smooths ragged borders."""
LARGE = 60_000
"""Above this many units, pairs of them are planned first."""
BROKEN = 1.5
"""A start with a load this far off is no better than none."""
MANY, HASTE = 5_000, 0.15
"""From this many units on, a repair is first tried with this part of the effort: mostly it does."""
WARM = 3
"""How many of the temperatures lead to prices that are good enough to begin with."""
STARTS, MOST_STARTS = 20_000, 10
"""Starts tried, times the units; and at most."""
DESIGNED, REPAIRED = 16_000, 4_000
"""Searches of a design, and those that a repair begins with, times the units."""
QUENCH, FROZEN = 0.95, 0.01
"""The part of a search after which it is cooled fast, and to what, in mean energies of a unit."""
SWAPS, LATE_SWAPS = 0.1, 0.5
"""The part of the proposals that swap two units; more of them once only small corrections help."""
SOFT, HARD, STIFFER, WALL = 15.0, 7.5, 30.0, 1e12
"""Stiffness of the penalties at the beginning; at the end, times the tolerance squared; growth beyond the end; of
a wall."""
LEARN = 0.6
"""The part of a round's penalty that becomes price."""
DEAREST = 100.0
"""The highest price beyond that of moves: what no price can bring into its band must not drown the rest."""
LEAST = 120
"""Proposals in a round: of fewer, it would be prices and not the search that takes the time."""
SHARED = 16
"""From this many territories on, two workers can share a search."""
GOLDEN_ANGLE = 2.399963229728653
"""Radians: turned by it again and again, a line never comes back to where it was."""
LOOK = 16
"""Units that a connectivity test may look at beyond the ring of neighbours."""


Weights = tuple[np.ndarray, np.ndarray, float, float, float]


@dataclass(frozen=True)
class Schedule:
    """How hot a search begins and ends, in mean energies of a unit, and how long it holds the centres still.

    It aims at `edge` of the tolerance: the rest is room for the last moves.
    """

    hot: float
    cold: float
    hold: float
    edge: float = 0.95

    def at(self, part: float) -> float:
        """The temperature when `part` of the search is done: from hot to cold, then a quench."""
        if part <= QUENCH:
            return self.hot * (self.cold / self.hot) ** (part / QUENCH)
        return self.cold * (FROZEN / self.cold) ** ((part - QUENCH) / (1 - QUENCH))


# The first serves large tasks, which can afford one search; hot ones find better arrangements of small tasks.
FROM_SCRATCH = (
    Schedule(2, 0.02, 0.5),
    Schedule(30, 0.3, 0.6),
    Schedule(100, 0.3, 0.6),
    Schedule(30, 0.3, 0.6),
    Schedule(30, 0.1, 0.6),
    Schedule(100, 0.3, 0.6, edge=0.999),
)
REFINE = (Schedule(0.5, 0.02, 0.0),)
# The second finds the plans of fewest moves: where moves are dear, centres must hold still for a while.
FROM_TODAY = (
    Schedule(2, 0.02, 0.0),
    Schedule(10, 0.1, 0.3),
    Schedule(20, 0.1, 0.6),
    Schedule(10, 0.1, 0.0),
    Schedule(30, 0.1, 0.0),
    Schedule(5, 0.1, 0.0, edge=0.999),
)


def design(task: Task, progress: Progress) -> Found:
    """The best plan found from scratch: in its bands first, then of least objective."""
    if task.count == 1:
        return Found(np.zeros(len(task.units.mass), np.int64), np.zeros_like(task.shares))
    if len(task.units.mass) > LARGE:
        return _design_in_pairs(task, progress)
    if len(task.units.travel):
        return _served(task, _search(task, [_start_on_tables(task)], FROM_SCRATCH, progress), progress)
    random = np.random.default_rng(task.seed)
    turns = random.uniform(0, np.pi, int(np.clip(STARTS * task.effort / len(task.units.mass), 1, MOST_STARTS)))
    progress("shape", 0.0)
    with ThreadPoolExecutor(2) as pool:
        starts = sorted(pool.map(lambda turn: _start(task, float(turn)), turns), key=lambda start: start.promise)
    return _served(task, _search(task, starts, FROM_SCRATCH, progress), progress)


def _start_on_tables(task: Task) -> Start:
    """The fractional plan by the travel table to centres that hold still, as far as it is in one piece."""
    centres = task.pin(np.zeros((task.count, 2)))
    price, promise = prices_at(task, centres)
    return Start(connect(task.units, _choose(task, centres, price), task.loose), centres, price, promise)


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
    return _search(settled, [Start(label, centres, np.zeros_like(task.shares))], REFINE, progress)


def _design_in_pairs(task: Task, progress: Progress) -> Found:
    """A design for pairs of units, then its borders searched unit by unit (multilevel: Hendrickson and Leland 1995)."""
    merged, pair = coarsen(task.units)
    label = design(replace(task, units=merged), progress).label[pair]
    centres = task.centres(label)
    return _search(task, [Start(label, centres, rough_prices(task, centres))], REFINE, progress)


class Found(NamedTuple):
    """A plan's labels (n,), and prices (K, q) that are about right for it."""

    label: np.ndarray
    price: np.ndarray


@dataclass(frozen=True)
class Start:
    """Where a search begins: labels (n,), centres (K, 2), prices (K, q), and a value that is low when it looks good."""

    label: np.ndarray
    centres: np.ndarray
    price: np.ndarray
    promise: float = 0.0


def _start(task: Task, turn: float) -> Start:
    """A power diagram's cells, moved to where the fractional plan within all bands would have its centres."""
    units = task.units
    cells, centres = power_diagram(units.xy, units.mass, task.shares.mean(axis=1), turn, fixed=task.fixed)
    if len(units.allowed) and task.fixed is None:
        cells, centres = _named_as_allowed(task, cells, centres)
    centres, price, promise = centre_on_all(
        units.xy, units.mass, units.measure, bands_of(task), centres, is_fixed=task.pinned
    )
    label = connect(units, _choose(task, centres, price), task.loose)
    # The fractional plan's cells may be in so many pieces that nothing of their balance is left once each is whole.
    if np.abs(task.deviation(label)).max() > BROKEN:
        label = connect(units, _fill_empty(task, cells, centres), task.loose)
    return Start(label, centres, price, promise)


def _named_as_allowed(task: Task, cells: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same cells (n,) and centres (K, 2), named so that least lies where it may not be."""
    wrong = np.column_stack([np.bincount(cells, task.units.mass * ~may, task.count) for may in task.units.allowed.T])
    name = linear_sum_assignment(wrong)[1]
    return name[cells], centres[np.argsort(name)]


def repair(task: Task, progress: Progress) -> Found:
    """The best plan found from today's: in its bands first, then of least objective."""
    progress("shape", 0.0)
    label = connect(task.units, _settle(task) if task.begin is None else task.begin, task.loose)
    if task.count == 1:
        return Found(label, np.zeros_like(task.shares))
    centres = task.centres(label)
    price, _ = prices_at(task, centres, heats=HEATS[:WARM])
    start, found = Start(label, centres, price), Found(label, price)
    if len(task.units.mass) > MANY:
        found = _search(replace(task, effort=HASTE * task.effort), [start], FROM_TODAY, progress)
    if len(task.units.mass) <= MANY or task.overrun(found.label) > 0:
        found = _search(task, [start], FROM_TODAY, progress)
    return _served(task, _named_alike(task, found), progress)


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
    return Found(name[label], found.price[np.argsort(name)])


def _choose(task: Task, centres: np.ndarray, price: np.ndarray) -> np.ndarray:
    label = np.empty(len(task.units.mass), np.int64)
    choose(task, centres, price, label)
    return _fill_empty(task, label, centres)


def _settle(task: Task) -> np.ndarray:
    """Today's labels; units without one go to the nearest centre of those that have one."""
    units = task.units
    label = units.start.copy()
    has = label >= 0
    if not has.all():
        known = np.unique(label[has])
        weight = np.bincount(label[has], units.mass[has], task.count)[known]
        middle = [np.bincount(label[has], (units.mass * units.xy[:, a])[has], task.count)[known] for a in (0, 1)]
        centre = np.column_stack(middle) / np.maximum(weight, 1e-300)[:, None]
        distance = ((units.xy[~has][:, None, :] - centre[None]) ** 2).sum(axis=2)
        label[~has] = known[distance.argmin(axis=1)]
    centres = centroids(units.xy, units.mass, label, task.count)
    return _fill_empty(task, label, task.pin(centres))


def _fill_empty(task: Task, label: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Every territory holds at least one unit: an empty one takes the nearest that another can spare."""
    label = label.copy()
    size = np.bincount(label, minlength=task.count)
    for empty in np.flatnonzero(size == 0):
        spare = np.flatnonzero(task.units.movable & (size[label] > 1) & task.may_be(int(empty)))
        if not len(spare):
            break
        distance = ((task.units.xy[spare] - centres[empty]) ** 2).sum(axis=1)
        taken = spare[distance.argmin()]
        size[label[taken]] -= 1
        size[empty] += 1
        label[taken] = empty
    return label


def _search(task: Task, starts: list[Start], schedules: tuple[Schedule, ...], progress: Progress) -> Found:
    """The best plan of several searches; small tasks can afford more of them.

    A repair tries few at first, and as many as a design only where none of the few ends within the bands.
    """
    most, few = (
        int(np.clip(searched * task.effort / len(task.units.mass), 1, len(schedules)))
        for searched in (DESIGNED, REPAIRED)
    )
    first = few if schedules is FROM_TODAY else most
    plans = _searched(task, starts, schedules, range(first), progress)
    if first < most and all(task.overrun(plan.label) > 0 for plan in plans):
        plans += _searched(task, starts, schedules, range(first, most), progress)
    return min(plans, key=lambda plan: (task.overrun(plan.label), task.objective(plan.label)))


def _searched(
    task: Task, starts: list[Start], schedules: tuple[Schedule, ...], runs: range, progress: Progress
) -> list[Found]:
    """What each of these searches found, two at a time."""
    done = dict.fromkeys(runs, 0.0)
    # A large task has one search, of two workers; several searches keep the processors busy themselves.
    is_shared = len(runs) == 1 and task.count >= SHARED and not task.is_limited

    def one(run: int) -> Found:
        def told(part: float) -> None:
            done[run] = part
            progress("balance", sum(done.values()) / len(done))

        start = starts[run % len(starts)]
        return Found(_run(task, start, schedules[run], run, told, pool if is_shared else None), start.price)

    with ThreadPoolExecutor(2) as pool:
        return [one(run) for run in runs] if is_shared else list(pool.map(one, runs))


def _run(
    task: Task,
    start: Start,
    schedule: Schedule,
    run: int,
    told: Callable[[float], None],
    pool: ThreadPoolExecutor | None,
) -> np.ndarray:
    """One annealing, of two workers when there is a pool for them; the best plan seen, judged first by its balance.

    A search that ends outside the bands goes on, up to as long again, with ever stiffer penalties and more swaps.
    """
    ground, scale = _ground(task, start)
    plan = plan_of(ground, start.label)
    crew = _Crew(plan, task, run, pool)
    energy = task.count / len(start.label)
    band = task.within(schedule.edge)
    # The LP's prices weigh loads in squared lengths; the search weighs deviations in units of `scale`.
    weight = start.price * scale * task.shares
    hard = HARD / float(task.tolerance.min()) ** 2
    dearest = DEAREST + 2 * scale * float((task.units.handover / task.units.mass).max()) / task.count
    rounds, proposals = _budget(task, crew.at_border)
    best, best_key, met = start.label, (np.inf, np.inf), 0
    for turn in range(2 * rounds):
        part = min(turn / max(rounds - 1, 1), 1.0)
        late = max(turn - rounds, 0) / rounds
        if part >= schedule.hold:
            _release(task, ground, plan, turn)
        stiffness = SOFT * (hard / SOFT) ** part * STIFFER**late
        temperature = energy * schedule.at(part)
        swaps = LATE_SWAPS if late else SWAPS
        border = BORDER * task.smooth * energy * max(1.0 - part, 0.2)
        crew.work(ground, (band, weight, stiffness, scale, temperature), proposals, (swaps, border, LOOK))
        deviation = plan.load / task.shares - 1.0
        if not late:
            weight = np.clip(_reprice(weight, deviation, band, LEARN * stiffness), -dearest, dearest)
        outside = task.excess(deviation)
        if outside < best_key[0] or (outside == 0.0 and part > 0.3):
            key = (task.overrun(plan.label), task.objective(plan.label))
            if key < best_key:
                best, best_key = plan.label.copy(), key
        if turn % 16 == 0:
            told(part)
        met += best_key[0] == 0.0
        if turn >= rounds - 1 and met > 20:
            break
    told(1.0)
    log.debug("search %d: %d rounds, outside by %.3f, objective %.6f", run, turn, *best_key)
    return _polish(task, ground, best, best_key, scale, 20 * proposals, run) if best_key[0] == 0.0 else best


class _Crew:
    """One worker for all territories, or two that share them anew in every round: a line across the map, ever turning.

    Two touch nothing in common, so that what they do hangs neither on who is first nor on the number of processors.
    """

    def __init__(self, plan: Plan, task: Task, run: int, pool: ThreadPoolExecutor | None) -> None:
        self._plan, self._pool, self._turn = plan, pool, 0
        states = [new_state(task.seed, run), *([new_state(task.seed, run + 1000)] if pool else [])]
        self._workers = [worker_of(plan, np.ones(task.count, bool), state) for state in states]

    @property
    def at_border(self) -> int:
        """How many units are at a border."""
        return int((self._plan.foreign > 0).sum())

    def work(self, ground: Ground, weights: Weights, proposals: int, ways: tuple[float, float, int]) -> None:
        """`search.anneal`: weights are band, price, stiffness, scale, temperature; ways are swaps, border, limit."""
        if self._pool is None:
            anneal(ground, self._plan, self._workers[0], *weights, proposals, *ways)
            return
        self._share()
        size = np.array([worker.border_count[0] for worker in self._workers])
        parts = np.ceil(proposals * size / max(size.sum(), 1)).astype(int)

        def one(number: int) -> None:
            anneal(ground, self._plan, self._workers[number], *weights, int(parts[number]), *ways)

        list(self._pool.map(one, range(2)))

    def _share(self) -> None:
        """Give each worker the territories on one side of a line through the middle of them all."""
        centre = self._plan.moment[:, 1:] / np.maximum(self._plan.moment[:, :1], 1e-300)
        angle = self._turn * GOLDEN_ANGLE
        # Rounded, as in `diagram`: sine and cosine differ in the last digit between systems.
        along = centre @ np.round([np.cos(angle), np.sin(angle)], 9)
        first = np.zeros(len(centre), bool)
        first[np.argsort(along, kind="stable")[: len(centre) // 2]] = True
        for worker, own in zip(self._workers, (first, ~first), strict=True):
            worker.own[:] = own
            list_border(self._plan, worker)
        self._turn += 1


def _polish(
    task: Task, ground: Ground, label: np.ndarray, key: tuple[float, float], scale: float, proposals: int, run: int
) -> np.ndarray:
    """A plan within its bands after every move and swap that makes it better and keeps it there, to the very edge."""
    plan = plan_of(ground, label)
    worker = worker_of(plan, np.ones(task.count, bool), new_state(task.seed, run + 2000))
    free = np.zeros_like(task.shares)
    weights = (task.within(1 - 1e-12), free, WALL, scale, 1e-12)
    anneal(ground, plan, worker, *weights, proposals, LATE_SWAPS, 0.0, LOOK)
    better = (task.overrun(plan.label), task.objective(plan.label)) < key
    return plan.label if better else label


def _release(task: Task, ground: Ground, plan: Plan, turn: int) -> None:
    """Let free centres follow their territories, on the way when they are centres of mass, now and then when units."""
    if not task.on_units:
        ground.pinned[:] = task.pinned
    elif turn % 8 == 0:
        ground.centre[:] = task.centres(plan.label)


def _ground(task: Task, start: Start) -> tuple[Ground, float]:
    """What the search stands on, and the weight under which the average territory's spread is 1."""
    units = task.units
    spread = (units.mass * ((units.xy - start.centres[start.label]) ** 2).sum(axis=1)).sum()
    scale = task.count / max(float(spread), 1e-12)
    # Where some have moved beyond a limit already, to be in one piece, no more may.
    handed = (units.start >= 0) & (units.start != start.label)
    given = np.bincount(units.start[handed], units.rows[handed], task.count).astype(np.int64)
    taken = np.bincount(start.label[handed], units.rows[handed], task.count).astype(np.int64)
    ground = Ground(
        ptr=units.ptr,
        ind=units.ind,
        ring=units.ring,
        xy=units.xy,
        mass=units.mass,
        measure=units.measure,
        start=units.start,
        handover=units.handover,
        movable=units.movable,
        wanted=1.0 / task.shares,
        ideal=scale * task.ideal * task.shares,
        pinned=np.ones(task.count, bool),
        centre=start.centres.copy(),
        travel=units.travel,
        allowed=units.allowed,
        radius=task.radius**2,
        loose=task.loose,
        rows=units.rows,
        most_given=np.maximum(task.most_given, given),
        most_taken=np.maximum(task.most_taken, taken),
        most_moved=max(task.most_moved, int(given.sum())),
        is_limited=task.is_limited,
    )
    return ground, scale


def _reprice(price: np.ndarray, deviation: np.ndarray, band: np.ndarray, rate: float) -> np.ndarray:
    """The multipliers (K, q) after a round: up where a load is above its band, down where below, eased inside."""
    above = np.maximum(np.maximum(price, 0.0) + rate * (deviation - band[:, :, 1]), 0.0)
    below = np.maximum(np.maximum(-price, 0.0) + rate * (band[:, :, 0] - deviation), 0.0)
    return above - below


def _budget(task: Task, at_border: int) -> tuple[int, int]:
    """Rounds, and proposals in each: steps grow with the size to a limit; border units are asked twice at least."""
    units = len(task.units.mass)
    steps = np.clip(2000 * units, 4e4, 8e6)
    proposals = max(2 * at_border, int(steps / 1000), LEAST)
    least = 250 if units <= LARGE else 60  # what came from pairs needs little more
    return int(np.clip(steps / proposals, least, 1000) * task.effort) + 1, proposals
