"""From units to a balanced, connected, compact plan with its bound."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from territory.alignment.bound import prices_at, rough_prices
from territory.alignment.diagram import centre_on_all, centroids, power_diagram
from territory.alignment.numeric import new_state
from territory.alignment.pieces import connect
from territory.alignment.prices import cheapest
from territory.alignment.search import Ground, Plan, anneal, plan_of
from territory.alignment.task import Task, overrun
from territory.alignment.units import coarsen

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]
"""Told the stage and how much of it is done, 0 to 1."""

BORDER = 0.1
"""What a pair of neighbours in different territories weighs, in mean energies of a unit: smooths ragged borders."""
LARGE = 150_000
"""Above this many units, pairs of them are planned first."""
BROKEN = 1.5
"""A start with a load this far off is no better than none."""
STARTS, MOST_STARTS = 20_000, 10
"""Starts tried, times the units; and at most."""
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
"""The highest price: what no price can bring into its band must not drown the rest."""
LOOK = 16
"""Units that a connectivity test may look at beyond the ring of neighbours."""


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
FROM_TODAY = (
    Schedule(2, 0.02, 0.0),
    Schedule(10, 0.1, 0.0),
    Schedule(10, 0.1, 0.6),
    Schedule(30, 0.1, 0.0),
    Schedule(10, 0.1, 0.0),
    Schedule(5, 0.1, 0.0, edge=0.999),
)


def design(task: Task, progress: Progress) -> np.ndarray:
    """Labels (n,) of the best plan found from scratch: in its bands first, then of least objective."""
    if task.count == 1:
        return np.zeros(len(task.units.mass), np.int64)
    if len(task.units.mass) > LARGE:
        return _design_in_pairs(task, progress)
    random = np.random.default_rng(task.seed)
    turns = random.uniform(0, np.pi, int(np.clip(STARTS * task.effort / len(task.units.mass), 1, MOST_STARTS)))
    starts = []
    for tried, turn in enumerate(turns):
        progress("shape", tried / len(turns))
        starts.append(_start(task, float(turn)))
    starts.sort(key=lambda start: start.promise)
    return _search(task, starts, FROM_SCRATCH, progress)


def _design_in_pairs(task: Task, progress: Progress) -> np.ndarray:
    """A design for pairs of units, then its borders searched unit by unit (multilevel: Hendrickson and Leland 1995)."""
    merged, pair = coarsen(task.units)
    label = design(replace(task, units=merged), progress)[pair]
    centres = task.centres(label)
    return _search(task, [Start(label, centres, rough_prices(task, centres))], REFINE, progress)


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
    centres, price, promise = centre_on_all(
        units.xy, units.mass, units.measure, task.shares, task.tolerance, centres, is_fixed=task.fixed is not None
    )
    label = connect(units, _choose(task, centres, price), task.count)
    # The fractional plan's cells may be in so many pieces that nothing of their balance is left once each is whole.
    if np.abs(task.deviation(label)).max() > BROKEN:
        label = connect(units, _fill_empty(task, cells, centres), task.count)
    return Start(label, centres, price, promise)


def repair(task: Task, progress: Progress) -> np.ndarray:
    """Labels (n,) of the best plan found from today's: in its bands first, then of least objective."""
    progress("shape", 0.0)
    label = connect(task.units, _settle(task), task.count)
    if task.count == 1:
        return label
    centres = task.centres(label)
    price, _ = prices_at(task, centres)
    return _named_alike(task, _search(task, [Start(label, centres, price)], FROM_TODAY, progress))


def _named_alike(task: Task, label: np.ndarray) -> np.ndarray:
    """The same pieces of ground, named so that least is handed over, where that leaves every band as it is."""
    units = task.units
    # A piece keeps its name for certain where one of its units is locked, or shares or centres differ.
    if not units.movable.all() or task.fixed is not None or (task.shares != task.shares[0]).any():
        return label
    owned = units.start >= 0
    kept = np.zeros((task.count, task.count))
    np.add.at(kept, (label[owned], units.start[owned]), units.handover[owned])
    return linear_sum_assignment(-kept)[1][label]


def _choose(task: Task, centres: np.ndarray, price: np.ndarray) -> np.ndarray:
    units = task.units
    label = np.empty(len(units.mass), np.int64)
    cheapest(units.xy, units.mass, task.ratio, centres, units.start, units.handover, units.movable, price, label)
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
    return _fill_empty(task, label, centres if task.fixed is None else task.fixed)


def _fill_empty(task: Task, label: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Every territory holds at least one unit: an empty one takes the nearest that another can spare."""
    label = label.copy()
    size = np.bincount(label, minlength=task.count)
    for empty in np.flatnonzero(size == 0):
        spare = np.flatnonzero(task.units.movable & (size[label] > 1))
        if not len(spare):
            break
        distance = ((task.units.xy[spare] - centres[empty]) ** 2).sum(axis=1)
        taken = spare[distance.argmin()]
        size[label[taken]] -= 1
        size[empty] += 1
        label[taken] = empty
    return label


def _search(task: Task, starts: list[Start], schedules: tuple[Schedule, ...], progress: Progress) -> np.ndarray:
    """The best plan of several searches; small tasks can afford more of them."""
    runs = int(np.clip(16_000 * task.effort / len(task.units.mass), 1, len(schedules)))
    done = np.zeros(runs)

    def one(run: int) -> np.ndarray:
        def told(part: float) -> None:
            done[run] = part
            progress("balance", float(done.mean()))

        return _run(task, starts[run % len(starts)], schedules[run], run, told)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(one, range(runs)))
    return min(found, key=lambda plan: (task.overrun(plan), task.objective(plan)))


def _run(task: Task, start: Start, schedule: Schedule, run: int, told: Callable[[float], None]) -> np.ndarray:
    """One annealing; the best plan seen, judged first by its worst deviation.

    A search that ends outside the bands goes on, up to as long again, with ever stiffer penalties and more swaps.
    """
    ground, scale = _ground(task, start)
    plan = plan_of(ground, start.label)
    random = new_state(task.seed, run)
    energy = task.count / len(start.label)
    band = np.column_stack([-task.tolerance, task.tolerance]) * schedule.edge
    # The LP's prices weigh loads in squared lengths; the search weighs deviations in units of `scale`.
    weight = start.price * scale * task.shares
    hard = HARD / float(task.tolerance.min()) ** 2
    rounds, proposals = _budget(task, plan)
    best, best_key, met = start.label, (np.inf, np.inf), 0
    for turn in range(2 * rounds):
        part = min(turn / max(rounds - 1, 1), 1.0)
        late = max(turn - rounds, 0) / rounds
        if task.fixed is None and part >= schedule.hold:
            _release(task, ground, plan, turn)
        stiffness = SOFT * (hard / SOFT) ** part * STIFFER**late
        temperature = energy * schedule.at(part)
        swaps = LATE_SWAPS if late else SWAPS
        border = BORDER * energy * max(1.0 - part, 0.2)
        anneal(ground, plan, band, weight, stiffness, scale, temperature, proposals, swaps, border, LOOK, random)
        deviation = plan.load / task.shares - 1.0
        if not late:
            weight = _reprice(weight, deviation, band, LEARN * stiffness)
        outside = overrun(deviation, task.tolerance)
        if outside < best_key[0] or (outside == 0.0 and part > 0.3):
            key = (outside, task.objective(plan.label))
            if key < best_key:
                best, best_key = plan.label.copy(), key
        if turn % 16 == 0:
            told(part)
        met += best_key[0] == 0.0
        if turn >= rounds - 1 and met > 20:
            break
    told(1.0)
    log.debug("search %d: %d rounds, outside by %.3f, objective %.6f", run, turn, *best_key)
    return _polish(task, ground, best, best_key, scale, 20 * proposals, random) if best_key[0] == 0.0 else best


def _polish(
    task: Task,
    ground: Ground,
    label: np.ndarray,
    key: tuple[float, float],
    scale: float,
    proposals: int,
    random: np.ndarray,
) -> np.ndarray:
    """A plan within its bands after every move and swap that makes it better and keeps it there, to the very edge."""
    plan = plan_of(ground, label)
    band = np.column_stack([-task.tolerance, task.tolerance]) * (1 - 1e-12)
    free = np.zeros_like(task.shares)
    anneal(ground, plan, band, free, WALL, scale, 1e-12, proposals, LATE_SWAPS, 0.0, LOOK, random)
    better = (task.overrun(plan.label), task.objective(plan.label)) < key
    return plan.label if better else label


def _release(task: Task, ground: Ground, plan: Plan, turn: int) -> None:
    """Let the centres follow their territories, on the way when they are centres of mass, now and then when units."""
    if not task.on_units:
        ground.pinned[:] = False
    elif turn % 8 == 0:
        ground.centre[:] = task.centres(plan.label)


def _ground(task: Task, start: Start) -> tuple[Ground, float]:
    """What the search stands on, and the weight under which the average territory's spread is 1."""
    units = task.units
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
        pinned=np.ones(task.count, bool),
        centre=start.centres.copy(),
    )
    spread = (units.mass * ((units.xy - start.centres[start.label]) ** 2).sum(axis=1)).sum()
    return ground, task.count / max(float(spread), 1e-12)


def _reprice(price: np.ndarray, deviation: np.ndarray, band: np.ndarray, rate: float) -> np.ndarray:
    """The multipliers (K, q) after a round: up where a load is above its band, down where below, eased inside."""
    above = np.maximum(np.maximum(price, 0.0) + rate * (deviation - band[:, 1]), 0.0)
    below = np.maximum(np.maximum(-price, 0.0) + rate * (band[:, 0] - deviation), 0.0)
    return np.clip(above - below, -DEAREST, DEAREST)


def _budget(task: Task, plan: Plan) -> tuple[int, int]:
    """Rounds, and proposals in each: steps grow with the size to a limit; border units are asked twice at least."""
    steps = np.clip(2000 * len(plan.label), 4e4, 8e6)
    proposals = max(2 * int(plan.border_count[0]), int(steps / 1000))
    least = 250 if len(plan.label) <= LARGE else 60  # what came from pairs needs little more
    return int(np.clip(steps / proposals, least, 1000) * task.effort) + 1, proposals
