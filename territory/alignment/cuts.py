"""A higher bound for small tasks: the linear programme of `bound`, told that territories are in one piece.

The programme is solved again and again, each time with the inequalities that its last solution violates. Where a few
large units decide how loads can be balanced, their halves would leave the bound low: it is found for each of the places
that they can have (branch and cut: Padberg and Rinaldi 1991, SIAM Review 33), and the lowest of those counts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from territory.alignment.pieces import pieces
from territory.alignment.programme import LIKELY, Choice, Programme, Relaxation
from territory.alignment.task import Task
from territory.alignment.walls import Walls
from territory.threads import at_once

log = logging.getLogger(__name__)

LARGEST = 50_000
"""Units x territories up to which bounds are raised."""
WORTH = 0.01
"""A gap below this part of the bound is small enough."""
ROUNDS, ENOUGH = 20, 0.006
"""How often inequalities are added at most; and the part of the gap that two rounds should close for one more."""
LARGE, HALVED = 12, 3
"""So many of the largest units may be fixed; and of those, so many that are in several territories are tried."""
DECISIVE = 0.01
"""The part of the gap that is closed, at least, wherever a unit is that is fixed."""
BEFORE, AFTER = 5, 3
"""Rounds before the first unit is fixed, and at each of its places."""
TURNS = 2
"""How often the lowest of the bounds is raised: by fixing one unit more, or by more rounds."""

Place = tuple[int, int]
"""A unit and a territory."""
Rounds = Callable[[Programme, float, int], float]
"""`_after_rounds` of one task."""


class Leaf(NamedTuple):
    """What no plan undercuts that has these units where they are fixed."""

    bound: float
    fixed: tuple[Choice, ...]


def raised(task: Task, label: np.ndarray, price: np.ndarray, bound: float) -> float:
    """What no plan at the centres of the plan `label`, (n,) int, can undercut: the `bound` of prices (K, q), or more.

    The bound of a task stays as it is when it has more than `LARGEST` pairs of unit and territory, a territory that may
    be in several pieces, or loads that are the better the nearer they are to the middle of their bands; and that of a
    plan which keeps not to its task.
    """
    if len(label) * task.count > LARGEST or task.loose.any() or task.ideal.any():
        return bound
    objective = task.objective(label)
    if not 0 < bound * (1 + WORTH) < objective:
        return bound
    if task.overrun(label) > 0 or pieces(task.units, label)[0].max() >= task.count:
        return bound
    relaxation = Relaxation.at(task, label)
    likely = relaxation.dearer(price) < LIKELY * (objective - bound)
    large = np.argsort(-relaxation.weight, kind="stable")[:LARGE]
    programme = Programme(relaxation, np.flatnonzero(likely), large)
    walls = Walls(task.units, relaxation.roots(price))
    bound = programme.solved(bound)
    decisive = _decisive(programme, relaxation, large, bound)
    rounds = partial(_after_rounds, walls, objective)
    bound = rounds(programme, bound, BEFORE if decisive else ROUNDS)
    return _split(programme, decisive, rounds, bound) if decisive else bound


def _after_rounds(walls: Walls, objective: float, programme: Programme, bound: float, most: int) -> float:
    """The best that is proven after as many rounds of inequalities as are worth it, `most` at most."""
    seen = [bound]
    for turn in range(most):
        seen.append(programme.solved(seen[-1]))
        log.debug("bound after %d rounds of inequalities: %.6f", turn, seen[-1])
        is_idle = turn >= 2 and seen[-1] - seen[-3] < ENOUGH * (objective - seen[-1])
        if seen[-1] >= objective or is_idle or turn == most - 1:
            break
        cuts = walls.broken(programme.share)
        if not cuts.shape[0]:
            break
        programme.add(cuts)
    return seen[-1]


def _decisive(programme: Programme, relaxation: Relaxation, large: np.ndarray, bound: float) -> list[Place]:
    """Large units (and the territory that has most of each) that raise the bound wherever they are, the best first."""
    share, gap = programme.share[large], relaxation.objective - bound
    rest = relaxation.weight[large] * (1.0 - share.max(axis=1))
    gained = []
    for at in np.argsort(-rest, kind="stable")[:HALVED]:
        unit, territory, gains = int(large[at]), int(share[at].argmax()), []
        for is_there in (True, False):
            programme.fix(((unit, territory, is_there),))
            gains.append(min(programme.solved(bound), relaxation.objective) - bound)
        if min(gains) > DECISIVE * gap:
            gained.append((min(gains), unit, territory))
    programme.fix(())
    return [(unit, territory) for _, unit, territory in sorted(gained, reverse=True)]


def _split(programme: Programme, decisive: list[Place], rounds: Rounds, bound: float) -> float:
    """The bound, where units that decide are fixed: half of the places are looked at by each of two programmes."""

    def half(programme: Programme, is_there: bool) -> float:
        leaves = [Leaf(bound, ((*decisive[0], is_there),))]
        for _ in range(TURNS):
            lowest = min(leaves)
            leaves.remove(lowest)
            fixed = [lowest.fixed]
            if len(lowest.fixed) < len(decisive):
                place = decisive[len(lowest.fixed)]
                fixed = [(*lowest.fixed, (*place, is_there)) for is_there in (True, False)]
            for choices in fixed:
                programme.fix(choices)
                leaves.append(Leaf(rounds(programme, lowest.bound, AFTER), choices))
        return min(leaves).bound

    halves = [(programme, True), (programme.again(), False)]
    return min(at_once(lambda one: half(*one), halves))
