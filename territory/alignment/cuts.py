"""A higher bound for small tasks: the linear programme of `bound`, told that territories are in one piece.

The programme is solved again and again, each time with the inequalities that its last solution violates. Where large
units decide how loads can be balanced, their halves would leave the bound low: it is found for the places that they can
have, the most promising first (branch and bound: Land and Doig 1960, Econometrica 28(3)), and the lowest counts.
"""

from __future__ import annotations

import logging
from functools import partial
from heapq import heappop, heappush
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
FEW, ROUNDS, ENOUGH = 6, 10, 0.003
"""How often inequalities are added, at least and at most; and the part of the gap that two rounds should close."""
LARGE, HEAVY = 16, 0.01
"""So many of the largest units are to be whole, where at least this part of a fair share is elsewhere."""
STEPS, IDLE = 12, 5
"""How often the lowest of the bounds is raised at most; and so many times should do what two rounds should."""

Place = tuple[int, int]
"""A unit and a territory."""


class Leaf(NamedTuple):
    """What no plan undercuts that has these units where they are fixed; and the shares, (l, K), of the large units."""

    bound: float
    number: int
    fixed: tuple[Choice, ...]
    share: np.ndarray


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
    bound = _after_rounds(programme, Walls(task.units, relaxation.roots(price)), objective, bound)
    return _with_whole(programme, large, relaxation.weight[large] * task.count, objective, bound)


def _after_rounds(programme: Programme, walls: Walls, objective: float, bound: float) -> float:
    """The best that is proven after as many rounds of inequalities as are worth it."""
    bound = before = programme.solved(bound)
    for turn in range(ROUNDS):
        cuts = walls.broken(programme.share)
        if not cuts.shape[0]:
            return programme.solved(bound)
        programme.add(cuts)
        # To ask for columns takes as long as another round, and they change less.
        is_second = turn % 2 == 1
        bound = programme.solved(bound, is_priced=is_second)
        if is_second:
            log.debug("bound after %d rounds of inequalities: %.6f", turn + 1, bound)
            if bound >= objective or (turn >= FEW and bound - before < ENOUGH * (objective - bound)):
                break
            before = bound
    return bound


def _with_whole(programme: Programme, large: np.ndarray, weight: np.ndarray, objective: float, bound: float) -> float:
    """The bound, where large units are not halved: of the places that they can have, the lowest is split, and again.

    weight (l,), what part of a fair share each of the units `large`, (l,) int, is.
    """
    leaves, lowest = [Leaf(bound, 0, (), programme.share[large])], [bound]
    if _halved(leaves[0], large, weight) is None:
        return bound
    sides = (programme.again(), True), (programme.again(), False)
    for step in range(STEPS):
        leaf = heappop(leaves)
        place = _halved(leaf, large, weight)
        is_idle = len(lowest) > IDLE and lowest[-1] - lowest[-1 - IDLE] < ENOUGH * (objective - lowest[-1])
        if place is None or leaf.bound >= objective or is_idle:
            break
        for found in at_once(partial(_split, leaf, place, large, step), sides):
            heappush(leaves, found)
        lowest.append(leaves[0].bound)
        log.debug("bound after %d places: %.6f", step + 1, lowest[-1])
    return lowest[-1]


def _halved(leaf: Leaf, large: np.ndarray, weight: np.ndarray) -> Place | None:
    """The large unit of which most is elsewhere than where most of it is, and that territory; None if all are whole."""
    rest = weight * (1.0 - leaf.share.max(axis=1))
    at = int(rest.argmax())
    return None if rest[at] < HEAVY else (int(large[at]), int(leaf.share[at].argmax()))


def _split(leaf: Leaf, place: Place, large: np.ndarray, step: int, side: tuple[Programme, bool]) -> Leaf:
    """What becomes of a leaf where its unit is at the place, or is not."""
    programme, is_there = side
    fixed = (*leaf.fixed, (*place, is_there))
    programme.fix(fixed)
    bound = programme.solved(leaf.bound)
    return Leaf(bound, 2 * step + 1 + is_there, fixed, programme.share[large])
