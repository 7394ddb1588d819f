"""Which rules contradict each other: an irreducible set of them, proven by linear programming.

A set of rules is irreducible when no plan keeps them all and dropping any one of them leaves a plan. It is found by
the deletion filter (Chinneck and Dravnieks 1991, ORSA Journal on Computing 3(2)), on plans that may split customers:
what even those cannot keep, no plan can.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, vstack

from territory.alignment.task import UNLIMITED, Task

LARGEST = 60_000
"""Units times territories up to which the programmes are solved."""
SURELY = 2
"""The status of a linear programme that has been proven to have no solution."""


def conflict(task: Task) -> list[str]:
    """Names of rules that no plan keeps at once, an irreducible set; empty when there is none, or it is not known.

    Names are "measure 1" and so on for its band, "allowed" for where units may be, "locked" for those that stay, and
    "moves" for how many may change territory.
    """
    rules = _rules(task)
    # Without such rules every unit may be shared out as the shares say, and every band is kept.
    if len(rules) == task.shares.shape[1] and not _is_capped(task):
        return []
    if len(task.units.mass) * task.count > LARGEST or not _contradict(task, rules):
        return []
    for rule in list(rules):
        fewer = [each for each in rules if each != rule]
        if _contradict(task, fewer):
            rules = fewer
    return rules


def _rules(task: Task) -> list[str]:
    rules = ["locked"] if not task.units.movable.all() else []
    rules += ["allowed"] if len(task.units.allowed) else []
    rules += ["moves"] if task.is_limited else []
    return rules + [f"measure {t + 1}" for t in range(task.shares.shape[1])]


def _is_capped(task: Task) -> bool:
    """Whether a band leaves out the fair share itself, or bands of one measure cannot all be kept."""
    alone = (task.band[:, :, 0] > 0).any() or (task.band[:, :, 1] < 0).any()
    return bool(alone or (task.lowest.sum(axis=0) > 1).any() or (task.highest.sum(axis=0) < 1).any())


def _contradict(task: Task, rules: list[str]) -> bool:
    """Whether surely no plan keeps these rules, not even one that splits units."""
    units, count, n = task.units, task.count, len(task.units.mass)
    column = np.arange(n * count)
    unit, territory = np.divmod(column, count)
    may = np.ones((n, count), bool)
    if "allowed" in rules:
        may &= units.allowed
    if "locked" in rules:
        may[~units.movable] = np.arange(count) == units.start[~units.movable, None]
    blocks, limits = [], []
    for t in [t for t in range(task.shares.shape[1]) if f"measure {t + 1}" in rules]:
        load = csr_matrix((np.repeat(units.measure[:, t], count), (territory, column)), shape=(count, n * count))
        blocks += [load, -load]
        limits += [task.highest[:, t], -task.lowest[:, t]]
    if "moves" in rules:
        leaves = np.repeat(units.start >= 0, count) & (territory != np.repeat(units.start, count))
        rows = np.where(leaves, np.repeat(units.rows, count), 0)
        went = csr_matrix((rows, (np.where(leaves, units.start[unit], 0), column)), shape=(count, n * count))
        came = csr_matrix((rows, (territory, column)), shape=(count, n * count))
        total = csr_matrix((rows, (np.zeros_like(column), column)), shape=(1, n * count))
        for block, most in ((went, task.most_given), (came, task.most_taken), (total, np.array([task.most_moved]))):
            known = most < UNLIMITED
            blocks.append(block[known])
            limits.append(most[known].astype(float))
    once = csr_matrix((np.ones(n * count), (unit, column)), shape=(n, n * count))
    solved = linprog(
        np.zeros(n * count),
        A_ub=vstack(blocks) if blocks else None,
        b_ub=np.concatenate(limits) + 1e-9 if limits else None,
        A_eq=once,
        b_eq=np.ones(n),
        bounds=np.column_stack([np.zeros(n * count), may.ravel().astype(float)]),
        method="highs",
    )
    return bool(solved.status == SURELY)
