"""The algorithm: units on a plane become territories that are balanced, in one piece and compact, with a bound.

`align_units` takes plain arrays and knows nothing of customers; `territory.realignment` is its face for people.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from territory.alignment.bound import prices_at
from territory.alignment.engine import Progress, design, repair
from territory.alignment.pieces import pieces
from territory.alignment.task import Task
from territory.alignment.units import make_units
from territory.errors import InfeasibleError, Problem
from territory.model import percent

__all__ = ["Progress", "UnitPlan", "align_units"]


SPLIT = 0.2
"""Customers at one place go together unless the place holds more than this part of a territory."""


LET_GO = 1e3
"""The tolerance under which a measure no longer counts."""


@dataclass(frozen=True)
class UnitPlan:
    """A plan for n rows in K territories.

    labels (n,) int; centres (K, 2) metres; loads (K, q) in the measures' units; deviation (K, q), ratio of
    the share; objective and lower_bound in square metres: the mean over the measures of the weighted mean squared
    distance to the centre, plus handover prices; gap, ratio; pieces (K,) int; price (K, q), square metres that
    a whole measure's worth of load costs at each territory, from the bound.
    """

    labels: np.ndarray
    centres: np.ndarray
    loads: np.ndarray
    deviation: np.ndarray
    pieces: np.ndarray
    objective: float
    lower_bound: float
    gap: float
    price: np.ndarray
    status: Literal["optimal", "gap", "infeasible"]
    reasons: tuple[Problem, ...]

    @property
    def max_deviation(self) -> np.ndarray:
        """(q,) the largest deviation over the territories."""
        return np.abs(self.deviation).max(axis=0)


def align_units(
    xy: np.ndarray,
    measures: np.ndarray,
    shares: np.ndarray,
    tolerance: float | np.ndarray,
    neighbours: np.ndarray | None = None,
    seed: int = 0,
    *,
    start: np.ndarray | None = None,
    handover: np.ndarray | None = None,
    locked: np.ndarray | None = None,
    centres: np.ndarray | None = None,
    centre_on: Literal["mass", "unit"] = "mass",
    effort: float = 1.0,
    progress: Progress | None = None,
) -> UnitPlan:
    """Share rows out among territories: balanced on every measure, each in one piece, compact, few moves.

    Parameters
    ----------
    xy : (n, 2) float, metres
    measures : (n, q) float, at least 0; each is balanced on its own
    shares : (K,) float, above 0; what part of each measure's total each territory should hold
    tolerance : float or (q,) float, ratio; load over share may be 1 - tolerance to 1 + tolerance
    neighbours : (e, 2) int, pairs of rows that border each other; by default Delaunay neighbours of the
        distinct places, long edges pruned, islands bridged
    seed : int
    start : (n,) int, today's territory of each row, -1 for none; the plan then starts from it
    handover : (n,) float, what moving a row away from `start` costs, in square metres x mass (a row's mass is its
        mean share of the measures)
    locked : (n,) bool, rows that keep `start`
    centres : (K, 2) float, metres, centres that hold still (rep homes); by default centres of mass
    centre_on : what a free centre is: its territory's centre of mass, or the row nearest to it (as in the p-median)
    effort : float, multiplies the steps of the search
    progress : called with the stage and the part done

    Returns
    -------
    UnitPlan

    Raises
    ------
    InfeasibleError
        There are fewer rows than territories, or a measure is zero everywhere.
    """
    xy, measures = np.asarray(xy, float), np.asarray(measures, float)
    shares = np.asarray(shares, float) / np.sum(shares)
    count, rows, q = len(shares), len(xy), measures.shape[1]
    _refuse(rows, count, measures)
    band = np.broadcast_to(np.asarray(tolerance, float), (q,)).copy()
    start = np.full(rows, -1) if start is None else np.asarray(start, np.int64)
    handover = np.zeros(rows) if handover is None else np.asarray(handover, float)
    movable = np.ones(rows, bool) if locked is None else ~np.asarray(locked, bool)
    # In an order of their own, so that sums, and with them the plan, do not hang on the order of the input.
    order = np.lexsort((*measures.T, handover, start, xy[:, 1], xy[:, 0]))
    at = np.argsort(order)
    build = partial(
        make_units,
        xy[order],
        measures[order],
        neighbours=None if neighbours is None else at[np.asarray(neighbours, np.int64)],
        start=start[order],
        handover=handover[order],
        movable=movable[order],
    )
    units = build(largest=np.maximum(band, SPLIT) * shares.min(), parts=max(32, 4 * count))
    if len(units.mass) < count:  # equal places were joined: let every row be its own again
        units = build(largest=np.zeros(q), parts=rows)
    middle = xy[order[0]] - units.xy[units.of_row[0]] * units.metres
    fixed = None if centres is None else (np.asarray(centres, float) - middle) / units.metres
    asked = Task(units, np.repeat(shares[:, None], q, axis=1), band, fixed, seed, effort, centre_on == "unit")
    # What a giant makes impossible on one measure must not spoil the others: that measure is let go.
    task = replace(asked, tolerance=np.where(_is_too_heavy(asked), LET_GO, band))
    tell = progress or (lambda stage, part: None)
    label = repair(task, tell) if (start >= 0).any() else design(task, tell)
    plan = _judge(asked, label, middle, measures[order], tell)
    return replace(plan, labels=plan.labels[at])


def _refuse(rows: int, count: int, measures: np.ndarray) -> None:
    problems = []
    if rows < count:
        problems.append(
            Problem(
                "territories",
                f"{rows} customers cannot fill {count} territories.",
                f"Ask for at most {rows} territories.",
            )
        )
    problems += [
        Problem(f"measure {t + 1}", "it is zero for every customer.", "Give values, or balance on other measures.")
        for t in np.flatnonzero(measures.sum(axis=0) <= 0)
    ]
    if problems:
        raise InfeasibleError(problems)


def _judge(task: Task, label: np.ndarray, middle: np.ndarray, measures: np.ndarray, tell: Progress) -> UnitPlan:
    """The plan with its measures, its bound, and why it is out of its bands if it is."""
    units = task.units
    tell("proof", 0.0)
    objective = task.objective(label)
    centres = task.centres(label)
    price, bound = prices_at(task, centres)
    bound = min(bound, objective)
    deviation = task.deviation(label)
    piece, _ = pieces(units, label)
    owner = np.unique(np.column_stack([label, piece]), axis=0)[:, 0]
    gap = (objective - bound) / bound if bound > 0 else (0.0 if objective <= 0 else float("inf"))
    inside = bool((np.abs(deviation) <= task.tolerance * (1 + 1e-12)).all())
    tell("proof", 1.0)
    return UnitPlan(
        labels=label[units.of_row],
        centres=centres * units.metres + middle,
        loads=(deviation + 1.0) * task.shares * measures.sum(axis=0),
        deviation=deviation,
        pieces=np.bincount(owner, minlength=task.count),
        objective=objective * units.metres**2,
        lower_bound=bound * units.metres**2,
        gap=gap,
        price=price * units.metres**2,
        status="infeasible" if not inside else "optimal" if gap <= 1e-9 else "gap",
        reasons=() if inside else _why(task, deviation),
    )


def _is_too_heavy(task: Task) -> np.ndarray:
    """(q,) whether a measure has a unit that is more than the largest territory may hold."""
    return task.units.measure.max(axis=0) > task.shares.max(axis=0) * (1 + task.tolerance)


def _why(task: Task, deviation: np.ndarray) -> tuple[Problem, ...]:
    """Which rule could not be kept, and what would do."""
    problems = []
    for t in range(task.shares.shape[1]):
        where, band = f"measure {t + 1}", float(task.tolerance[t])
        heaviest, most = float(task.units.measure[:, t].max()), float(task.shares[:, t].max())
        worst = float(np.abs(deviation[:, t]).max())
        if _is_too_heavy(task)[t]:
            room = percent(most * (1 + band))
            what = f"one customer alone holds {percent(heaviest)} of it; a territory may hold {room}."
            fix = f"Split that customer, take it out, or allow {percent(heaviest / most - 1)}."
            problems.append(Problem(where, what, fix))
        elif worst > band:
            what = f"the best plan found deviates by {percent(worst)}; {percent(band)} was asked."
            step = 100 if worst >= 0.0995 else 1000  # up to the next figure that is shown, so that it is enough
            fix = f"Allow {percent(np.ceil(worst * step) / step)}, or ask for fewer territories."
            problems.append(Problem(f"tolerance on {where}", what, fix))
    return tuple(problems)
