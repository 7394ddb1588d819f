"""One annealing: rounds of the boundary search, cooler and stiffer each, and what is learnt between them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from territory.alignment.ground import Ground, Plan, copy_of, list_border, plan_of, put_back, worker_of
from territory.alignment.search import anneal, learn
from territory.alignment.starts import Start
from territory.alignment.task import Task
from territory.numeric import new_state

log = logging.getLogger(__name__)

BORDER = 0.1
"""What a pair of neighbours in different territories weighs, in mean energies of a unit: smooths ragged borders."""
QUENCH, FROZEN = 0.95, 0.01
"""The part of a search after which it is cooled fast, and to what, in mean energies of a unit."""
SWAPS, LATE_SWAPS = 0.1, 0.5
"""The part of the proposals that swap two units; more of them once only small corrections help."""
SOFT, HARD, STIFFER, WALL = 15.0, 7.5, 30.0, 1e12
"""Stiffness of the penalties at the beginning; at the end, times the tolerance squared; growth beyond the end; of
a wall."""
TIGHT, TIGHTEST = 0.03, 0.02
"""The tolerance under which more steps are worth it, by the square of how far under; and where that ends."""
DEAREST = 300.0
"""The highest price beyond that of moves: what no price can bring into its band must not drown the rest."""
KEEP_FROM = 0.3
"""The part of a search after which plans within their bands are compared."""
ENOUGH = 20
"""Rounds with a plan within its bands after which a search need not go on beyond its end."""
PROPOSED = 1000
"""Proposals for each unit, within limits."""
LEAST = 120
"""Proposals in a round: of fewer, it would be prices and not the search that takes the time."""
POLISHES, POLISHING = 4, 5
"""Rounds of the polish, and how many times as long each is as one of the search."""
SUMS = ("load", "moment", "size")
"""What a plan keeps of each territory and a worker changes."""
GOLDEN_ANGLE = 2.399963229728653
"""Radians: turned by it again and again, a line never comes back to where it was."""
TOLD = 16
"""Every how many rounds a search tells how far it is."""
LOOK = 16
"""Units that a connectivity test may look at beyond the ring of neighbours."""

Progress = Callable[[str, float], None]
"""Told the stage and how much of it is done, 0 to 1."""
Step = tuple[float, float, float, float]
"""Of a round: temperature, stiffness, what borders weigh, the rate at which prices learn."""
Weights = tuple[np.ndarray, np.ndarray, np.ndarray, float, np.ndarray, float]
"""What `search.anneal` weighs by: bands, prices, course, scale, shares, the highest price."""


@dataclass(frozen=True)
class Schedule:
    """How hot a search begins and ends, in mean energies of a unit, and how long it holds the centres still.

    It aims at `edge` of the tolerance: the rest is room for the last moves. It has `least` to `most` rounds. `firm` is
    how stiff penalties are before the quench, times the tolerance squared: prices should bring loads into their bands,
    for between stiff penalties no border moves any more. `learn` is the part of a round's penalty that becomes price,
    `chains` that of the refused moves that go on from unit to unit.
    """

    hot: float
    cold: float
    hold: float
    edge: float = 0.95
    least: int = 250
    most: int = 1000
    firm: float = 0.15
    learn: float = 0.3
    chains: float = 0.2

    def at(self, part: float) -> float:
        """The temperature when `part` of the search is done: from hot to cold, then a quench."""
        if part <= QUENCH:
            return self.hot * (self.cold / self.hot) ** (part / QUENCH)
        return self.cold * (FROZEN / self.cold) ** ((part - QUENCH) / (1 - QUENCH))

    def stiffness_at(self, part: float, tolerance: float) -> float:
        """What the squares of the penalties weigh: from soft to firm, then hard in the quench."""
        firm, hard = (max(weight / tolerance**2, SOFT) for weight in (self.firm, HARD))
        if part <= QUENCH:
            return SOFT * (firm / SOFT) ** (part / QUENCH)
        return firm * (hard / firm) ** ((part - QUENCH) / (1 - QUENCH))


REHEAT = Schedule(3, 0.1, 0.0, least=50, most=50)


class Found(NamedTuple):
    """A plan's labels (n,), and prices (K, q): about those of its bound, or None; and those that its search learnt."""

    label: np.ndarray
    price: np.ndarray | None
    learnt: np.ndarray

    def begins(self, task: Task) -> Start:
        """A search that goes on from here."""
        return Start(self.label, task.centres(self.label), self.learnt)


class Annealing:
    """One search from a start, by one worker, or by two when there is a pool for them."""

    def __init__(
        self,
        task: Task,
        start: Start,
        schedule: Schedule,
        run: int,
        pool: Executor | None = None,
    ) -> None:
        self._task, self._schedule, self._run = task, schedule, run
        self._ground, self._scale = _ground(task, start)
        self._plan = plan_of(self._ground, start.label)
        self._pool, self._crew = pool, _Crew(self._plan, task, run, pool)
        self._energy = task.count / len(start.label)
        self._band = task.within(schedule.edge)
        # The LP's prices weigh loads in squared lengths; the search weighs deviations in units of the scale.
        self._price = start.price * self._scale * task.shares
        self._tightest = float(task.tolerance.min())
        self._dearest = DEAREST + 2 * self._scale * float((task.units.handover / task.units.mass).max()) / task.count
        self._rounds, self._proposals = _budget(task, schedule, len(start.label), self._crew.at_border)
        self._best, self._key = start.label, (np.inf, np.inf)
        units = task.units
        self._is_told_by_sums = not (len(units.travel) or task.on_units or task.ideal.any() or units.handover.any())
        self._second_moment = float((units.mass * (units.xy**2).sum(axis=1)).sum())

    def best(self, told: Callable[[float], None], *, is_last: bool = True) -> np.ndarray:
        """Labels (n,) of the best plan seen, judged first by its balance.

        A search that ends outside the bands goes on, up to as long again, with ever stiffer penalties and more swaps;
        but not one whose plan is refined afterwards, for that spoils its shape.
        """
        rounds, turn, met = self._rounds, 0, 0
        for turn in range(2 * rounds if is_last else rounds):
            self._round(turn, told)
            met += self._key[0] == 0.0
            if turn >= rounds - 1 and met > ENOUGH:
                break
        told(1.0)
        log.debug("search %d: %d rounds, outside by %.3f, objective %.6f", self._run, turn, *self._key)
        return self._polished() if self._key[0] == 0.0 else self._best

    @property
    def learnt(self) -> np.ndarray:
        """(K, q) what the search has come to ask for a whole measure's worth of load, squared lengths."""
        return self._price / (self._scale * self._task.shares)

    def _round(self, turn: int, told: Callable[[float], None]) -> None:
        """Propose, learn from the loads, and keep the plan if it is the best."""
        task, schedule, part = self._task, self._schedule, self._part(turn)
        if part >= schedule.hold:
            _release(task, self._ground, self._plan, turn)
        heat, stiffness, border, rate = self._step(turn)
        swaps = LATE_SWAPS if turn > self._rounds else SWAPS
        weights = self._weights([(heat, stiffness, border, 0.0)])
        self._crew.work(self._ground, weights, self._proposals, (swaps, schedule.chains, LOOK))
        outside = learn(
            self._plan.load, task.shares, self._price, self._band, rate, self._dearest, task.band, task.tolerance
        )
        if outside < self._key[0] or (outside == 0.0 and part > KEEP_FROM):
            key = (task.overrun(self._plan.label), self._objective())
            if key < self._key:
                self._best, self._key = self._plan.label.copy(), key
        if turn % TOLD == 0:
            told(part)

    def _part(self, turn: int) -> float:
        """How much of the search is done."""
        return min(turn / max(self._rounds - 1, 1), 1.0)

    def _step(self, turn: int) -> Step:
        """The round's temperature, the penalties' stiffness, what borders weigh, and the rate at which prices learn."""
        schedule, part, late = self._schedule, self._part(turn), max(turn - self._rounds, 0) / self._rounds
        stiffness = schedule.stiffness_at(part, self._tightest) * STIFFER**late
        border = BORDER * self._task.smooth * self._energy * max(1.0 - part, 0.2)
        return self._energy * schedule.at(part), stiffness, border, 0.0 if late else schedule.learn * stiffness

    def _weights(self, course: list[Step]) -> Weights:
        return self._band, self._price, np.array(course), self._scale, self._task.shares, self._dearest

    def _walls(self, rounds: int) -> Weights:
        """Under which all is done that betters the plan and keeps it in its bands, to their very edge."""
        task, wall = self._task, [(1e-12, WALL, 0.0, 0.0)]
        free = np.zeros_like(task.shares)
        return task.within(1 - 1e-12), free, np.array(wall * rounds), self._scale, task.shares, self._dearest

    def _objective(self) -> float:
        """The plan's objective: from its sums, whatever the number of units, where they tell all of it."""
        task, moment = self._task, self._plan.moment
        if not self._is_told_by_sums:
            return task.objective(self._plan.label)
        centre = task.pin(moment[:, 1:] / np.maximum(moment[:, :1], 1e-300))
        spread = moment[:, 0] * (centre**2).sum(axis=1) - 2 * (centre * moment[:, 1:]).sum(axis=1)
        return self._second_moment + float(spread.sum()) + task.units.scatter

    def _polished(self) -> np.ndarray:
        """The best plan after moves and swaps that better it and keep it in its bands."""
        task = self._task
        plan = plan_of(self._ground, self._best)
        crew = _Crew(plan, task, self._run + 2000, self._pool)
        weights = self._walls(1)
        for _ in range(POLISHES):
            crew.work(self._ground, weights, POLISHING * self._proposals, (LATE_SWAPS, self._schedule.chains, LOOK))
        return plan.label if task.merit(plan.label) < task.merit(self._best) else self._best


class Reheating(Annealing):
    """Some territories of a plan annealed anew while the others hold still, again and again; what betters it is kept.

    (Large neighbourhood search: Shaw 1998.) A try is at a stretch, with no look at the plan before its end. Better is
    what `Task.cost` says where a tolerance outside the bands is `dear`.
    """

    def __init__(self, task: Task, plan: Found, run: int, dear: float) -> None:
        super().__init__(replace(task, effort=1.0), plan.begins(task), REHEAT, run)
        _release(self._task, self._ground, self._plan, 0)
        self._warm = self._weights([self._step(turn) for turn in range(self._rounds)])
        self._cold = self._walls(POLISHES * POLISHING)
        self._begun_with = self._price.copy()
        self._dear, self._kept, self._cost = dear, copy_of(self._plan), task.cost(plan.label, dear)

    @property
    def label(self) -> np.ndarray:
        """(n,) the plan as it is kept."""
        return self._kept.label

    def again(self, own: np.ndarray) -> None:
        """Anneal the territories `own`, (k,) int, and keep what comes of it if it is better."""
        task, schedule = self._task, self._schedule
        size, at_border = self._crew.take(own)
        _, proposals = _budget(task, schedule, size, at_border)
        self._price[:] = self._begun_with
        for weights, swaps in ((self._warm, SWAPS), (self._cold, LATE_SWAPS)):
            self._crew.work(self._ground, weights, proposals, (swaps, schedule.chains, LOOK))
        cost = task.cost(self._plan.label, self._dear)
        if cost < self._cost:
            self._cost = cost
            put_back(self._kept, self._plan)
        else:
            put_back(self._plan, self._kept)


class _Crew:
    """One worker for all territories, or two that share them anew in every round: a line across the map, ever turning.

    Two touch nothing in common, so that what they do hangs neither on who is first nor on the number of processors.
    """

    def __init__(self, plan: Plan, task: Task, run: int, pool: Executor | None) -> None:
        self._plan, self._pool, self._turn = plan, pool, 0
        states = [new_state(task.seed, run), *([new_state(task.seed, run + 1000)] if pool else [])]
        self._workers = [worker_of(plan, np.ones(task.count, bool), state) for state in states]

    @property
    def at_border(self) -> int:
        """How many units are at a border."""
        return int(self._workers[0].border_count[0])

    def take(self, own: np.ndarray) -> tuple[int, int]:
        """Work in the territories `own`, (k,) int, only, as one worker; how many units they have, and at a border."""
        worker = self._workers[0]
        worker.own[:] = False
        worker.own[own] = True
        list_border(self._plan, worker)
        return int(self._plan.size[own].sum()), self.at_border

    def work(self, ground: Ground, weights: Weights, proposals: int, ways: tuple[float, float, int]) -> None:
        """`search.anneal` with these weights; ways: swaps, chains, limit."""
        if self._pool is None:
            anneal(ground, self._plan, self._workers[0], *weights, proposals, *ways)
            return
        self._share()
        list(self._pool.map(lambda worker: list_border(self._plan, worker), self._workers))
        size = np.array([worker.border_count[0] for worker in self._workers])
        parts = np.ceil(proposals * size / max(size.sum(), 1)).astype(int)

        # The sums of two territories may lie so near in memory that who writes one keeps the other's reader waiting.
        sums = [{name: getattr(self._plan, name).copy() for name in SUMS} for _ in self._workers]

        def one(number: int) -> None:
            plan = self._plan._replace(**sums[number])
            anneal(ground, plan, self._workers[number], *weights, int(parts[number]), *ways)

        list(self._pool.map(one, range(2)))
        for worker, own in zip(self._workers, sums, strict=True):
            for name, values in own.items():
                getattr(self._plan, name)[worker.own] = values[worker.own]

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
        self._turn += 1


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


def _budget(task: Task, schedule: Schedule, size: int, at_border: int) -> tuple[int, int]:
    """Rounds, and proposals in each: steps grow with size to a limit, and when tight; border units are asked twice."""
    tight = (TIGHT / np.clip(task.tolerance.min(), TIGHTEST, TIGHT)) ** 2
    steps = np.clip(PROPOSED * size, 4e4, 5e6) * tight
    proposals = max(2 * at_border, int(steps / 1000), LEAST)
    return int(np.clip(steps / proposals, schedule.least, schedule.most) * task.effort) + 1, proposals
