"""Plans bred from plans: what two have found is joined, and each child bettered two territories at a time.

Units that both parents keep together are hardly worth another look: they become one, and what is left, as few units
as a small plan has, is annealed anew from the better parent (Sanders and Schulz 2012, Distributed evolutionary graph
partitioning). So a child may have one half from either parent, which no move of a single unit leads to.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from territory.alignment.annealing import Found, Progress, Reheating
from territory.alignment.pieces import bordering
from territory.alignment.task import Task
from territory.alignment.units import merge_where_alike
from territory.threads import at_once

BRED, MOST_BRED = 60_000, 16
"""Children of a small task's plans, times the units; and at most."""
BETTERED = 0.5
"""So many more, times the children, are born of the best alone: it is bettered until the end."""
CHEAP, DEAR = 0.5, 1e3
"""What a tolerance outside the bands raises a plan's cost by, in parts of it: for the first children, and the last."""
CHILD = 10_000
"""Where the numbers of children's searches begin, and how many each has."""


def breed(task: Task, plans: list[Found], progress: Progress) -> list[Found]:
    """As many plans as there are, or fewer: the best of them and of their children, best first.

    The best may still be a little outside its bands, when those inside cost much more.
    """
    children, born = int(task.effort * min(BRED / len(task.units.mass), MOST_BRED)), 0
    most = children + int(BETTERED * children)
    random = np.random.default_rng(task.seed)
    herd = plans
    while born < most:
        # A good plan just outside its bands is worth more at first than a poor one inside.
        dear = CHEAP * (DEAR / CHEAP) ** min(born / children, 1.0)
        herd = _best_of(task, herd, len(plans), dear)
        couples = _couples(len(herd) if born < children else 1, random)[: most - born]
        births = [(herd[min(couple)], herd[max(couple)], born + at) for at, couple in enumerate(couples)]
        herd = [*herd, *at_once(partial(_child, task, dear), births)]
        born += len(births)
        progress("balance", born / most)
    return _best_of(task, [*plans, *herd], len(plans), DEAR)


def _couples(count: int, random: np.random.Generator) -> list[list[int]]:
    """Who has a child with whom: everybody with one other, and two couples at least, for there are two processors."""
    if count == 1:
        return [[0, 0]] * 2  # one plan alone is only bettered
    couples = random.permutation(count)[: count // 2 * 2].reshape(-1, 2).tolist()
    return couples if len(couples) > 1 else couples * 2


def _child(task: Task, dear: float, birth: tuple[Found, Found, int]) -> Found:
    """What comes of two plans, no worse than the better of them, which is the first; and the number of the child."""
    better, other, number = birth
    best, run = better, CHILD * (number + 1)
    if other is not better:
        units, piece = merge_where_alike(task.units, np.array([better.label, other.label]))
        first = np.unique(piece, return_index=True)[1]
        search = Reheating(replace(task, units=units), better._replace(label=better.label[first]), run, dear)
        search.again(np.arange(task.count))
        [best] = _best_of(task, [better, better._replace(label=search.label[piece])], 1, dear)
    search = Reheating(task, best, run + 1, dear)
    for pair in np.random.default_rng((task.seed, number)).permutation(bordering(task.units, best.label)):
        search.again(pair)
    return best._replace(label=search.label)


def _best_of(task: Task, plans: list[Found], most: int, dear: float) -> list[Found]:
    """The best of these plans, best first, at most so many, and no two alike."""
    plan_of = {task.cost(plan.label, dear): plan for plan in plans}
    return [plan_of[cost] for cost in sorted(plan_of)[:most]]
