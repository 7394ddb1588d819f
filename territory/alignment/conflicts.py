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
ROUNDING = 1e-12
SURELY = 2
"""The status of a linear programme that has been proven to have no solution."""


def conflicts(task: Task) -> list[list[str]]:
    """Irreducible sets of rules that no plan keeps at once; empty when there is none, or it is not known.

    Names are "measure 1" and so on for its tolerance, "least 1" and "most 1" for the limits on its loads, "allowed"
    for where units may be, "locked" for those that stay, and "moves" for how many may change territory. Where to let
    go of a rule of the first set is not enough, there is another set without that rule.
    """
    rules = _rules(task)
    # Without limits every unit may be shared out as the shares say, and every tolerance is kept.
    if all(rule.startswith("measure") for rule in rules) or len(task.units.mass) * task.count > LARGEST:
        return []
    if not _contradict(task, rules):
        return []
    first = _irreducible(task, rules)
    found = [first]
    for rule in first:
        others = [each for each in rules if each != rule]
        if _contradict(task, others) and (another := _irreducible(task, others)) not in found:
            found.append(another)
    return found


def _irreducible(task: Task, rules: list[str]) -> list[str]:
    """So few of these rules, which contradict each other, that each of them is needed for that."""
    for rule in list(rules):
        fewer = [each for each in rules if each != rule]
        if _contradict(task, fewer):
            rules = fewer
    return rules


def _rules(task: Task) -> list[str]:
    rules = ["locked"] if not task.units.movable.all() else []
    rules += ["allowed"] if len(task.units.allowed) else []
    rules += ["moves"] if task.is_limited and task.counts_moves else []
    lowest, highest = _tolerated(task)
    rules += [f"least {t + 1}" for t in np.flatnonzero((task.lowest > lowest + ROUNDING).any(axis=0))]
    rules += [f"most {t + 1}" for t in np.flatnonzero((task.highest < highest - ROUNDING).any(axis=0))]
    return rules + [f"measure {t + 1}" for t in range(task.balanced)]


def _tolerated(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """(K, q) least and largest loads by the tolerances alone."""
    width = np.where(np.arange(len(task.tolerance)) < task.balanced, task.tolerance, np.inf)
    return np.maximum(task.shares * (1 - width), 0.0), np.minimum(task.shares * (1 + width), 1.0)


def _kept(task: Task, rules: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(K, q) least and largest loads by these rules."""
    lowest, highest = _tolerated(task)
    least = np.where(task.lowest > lowest + ROUNDING, task.lowest, 0.0)
    most = np.where(task.highest < highest - ROUNDING, task.highest, 1.0)
    measured, has_least, has_most = (
        np.array([f"{rule} {t + 1}" in rules for t in range(len(task.tolerance))])
        for rule in ("measure", "least", "most")
    )
    return (
        np.maximum(np.where(measured, lowest, 0.0), np.where(has_least, least, 0.0)),
        np.minimum(np.where(measured, highest, 1.0), np.where(has_most, most, 1.0)),
    )


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
    low, high = _kept(task, rules)
    for t in np.flatnonzero((low > 0).any(axis=0) | (high < 1).any(axis=0)):
        load = csr_matrix((np.repeat(units.measure[:, t], count), (territory, column)), shape=(count, n * count))
        blocks += [load, -load]
        limits += [high[:, t], -low[:, t]]
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
