"""The algorithm: units on a plane become territories that are balanced, in one piece and compact, with a bound.

`align_units` takes plain arrays and knows nothing of customers; `territory.realignment` is its face for people.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from territory.alignment.bound import prices_at
from territory.alignment.curve import cost_of_balance
from territory.alignment.cuts import raised
from territory.alignment.diagram import centroids
from territory.alignment.engine import Found, Progress, design, part_of, repair
from territory.alignment.giants import with_room
from territory.alignment.pieces import pieces
from territory.alignment.reasons import why
from territory.alignment.task import UNLIMITED, Task
from territory.alignment.units import Rows, Units, make_units
from territory.errors import InfeasibleError, Problem

__all__ = ["UNLIMITED", "Limits", "Progress", "UnitPlan", "align_units", "centroids", "part_of"]


SPLIT = 0.2
"""Customers at one place go together unless the place holds more than this part of a territory."""


SMOOTHEST = 10.0
"""Beyond it the search would see nothing but borders."""


COUNT_TOLERANCE = 0.05
"""By which part of a fair share a number of customers is one step outside its limits."""


@dataclass(frozen=True)
class Limits:
    """What a plan for n rows in K territories must keep to beside balance; None where there is no such rule.

    allowed (n, K) bool, where each row may be; groups (n,) int, rows that stay together, -1 for none; radius, metres
    from the centre; loose (K,) bool, territories that may be in several pieces; least, most (K, q), loads in the
    measures' units, NaN for none; least_rows, most_rows (K,) int, customers; most_given, most_taken (K,) int, how
    many rows may leave each territory of `start` and come to it; most_moved, how many in all.
    """

    allowed: np.ndarray | None = None
    groups: np.ndarray | None = None
    radius: float | None = None
    loose: np.ndarray | None = None
    least: np.ndarray | None = None
    most: np.ndarray | None = None
    least_rows: np.ndarray | None = None
    most_rows: np.ndarray | None = None
    most_given: np.ndarray | None = None
    most_taken: np.ndarray | None = None
    most_moved: int | None = None

    @property
    def counts_rows(self) -> bool:
        """Whether it matters how many customers a territory has."""
        return self.least_rows is not None or self.most_rows is not None


@dataclass(frozen=True)
class UnitPlan:
    """A plan for n rows in K territories.

    labels (n,) int; centres (K, 2) metres; loads (K, q) in the measures' units; deviation (K, q), ratio of
    the share; objective and lower_bound in square metres: the mean over the measures of the weighted mean squared
    distance to the centre, plus handover prices; gap, ratio; pieces (K,) int; price (K, q), square metres that
    a whole measure's worth of load costs at each territory, from the bound before `cuts` raise it; trade_off, see
    `curve.cost_of_balance`, empty when every band is kept. Of a plan outside its bands lower_bound is of plans that are
    no farther outside: each load between the band's edge and what it is.
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
    trade_off: tuple[tuple[float, float], ...]

    @property
    def max_deviation(self) -> np.ndarray:
        """(q,) the largest deviation over the territories."""
        return np.abs(self.deviation).max(axis=0)

    def measured(self, q: int) -> UnitPlan:
        """The same with the first q measures only."""
        return replace(self, loads=self.loads[:, :q], deviation=self.deviation[:, :q], price=self.price[:, :q])


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
    travel: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    ideal: np.ndarray | None = None,
    limits: Limits | None = None,
    smooth: float = 1.0,
    begin: np.ndarray | None = None,
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
    centres : (K, 2) float, metres, centres that hold still (rep homes), NaN where one is free; by default all are free
    centre_on : what a free centre is: its territory's centre of mass, or the row nearest to it (as in the p-median)
    travel : (n, K) float, metres of travel from each row to each of `centres`, instead of straight lines
    weights : (q,) float, at least 0, what each measure counts in a row's mass; by default all alike
    ideal : (q,) float, square metres, what a whole share costs when it deviates by its whole: draws loads to the middle
        of their bands
    limits : Limits
    smooth : float, from 0 up, multiplies what ragged borders weigh in the search; the objective knows nothing of them
    begin : (n,) int, labels of a plan that is near what is asked, where the search begins instead of `start`; -1 for
        none
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
    count, n, q = len(shares), len(xy), measures.shape[1]
    limits = limits or Limits()
    _refuse(n, count, measures)
    if limits.counts_rows:
        measures = np.column_stack([measures, np.ones(n)])
    mass_of = np.ones(q) if weights is None else np.asarray(weights, float)
    allowed, unserved = _somewhere(limits.allowed)
    rows = Rows(
        xy=xy,
        measures=measures,
        weights=np.append(mass_of, np.zeros(measures.shape[1] - q)),
        neighbours=None if neighbours is None else np.asarray(neighbours, np.int64),
        start=np.full(n, -1) if start is None else np.asarray(start, np.int64),
        handover=np.zeros(n) if handover is None else np.asarray(handover, float),
        movable=np.ones(n, bool) if locked is None else ~np.asarray(locked, bool),
        group=None if limits.groups is None else np.asarray(limits.groups, np.int64),
        allowed=allowed,
        travel=None if travel is None else np.asarray(travel, float) ** 2,
    )
    # In an order of their own, so that sums, and with them the plan, do not hang on the order of the input.
    order = np.lexsort((*measures.T, rows.handover, rows.start, xy[:, 1], xy[:, 0]))
    rows = rows.in_order(order)
    band = np.broadcast_to(np.asarray(tolerance, float), (q,))
    units = make_units(rows, largest=_largest(measures, band, shares), parts=max(32, 4 * count))
    if len(units.mass) < count:  # equal places were joined: let every row be its own again
        units = make_units(rows, largest=np.zeros(measures.shape[1]), parts=n)
    middle = rows.xy[0] - units.xy[units.of_row[0]] * units.metres if rows.group is None else _middle(rows)
    fixed = None if centres is None else (np.asarray(centres, float) - middle) / units.metres
    asked = _task(units, shares, band, measures.sum(axis=0), limits, fixed, seed, effort, centre_on == "unit")
    if ideal is not None:
        asked = replace(asked, ideal=np.append(ideal, np.zeros(measures.shape[1] - q)) / units.metres**2)
    asked = replace(asked, smooth=min(smooth, SMOOTHEST), counts_moves=not _is_torn(rows))
    if begin is not None:
        first = np.unique(units.of_row, return_index=True)[1]
        asked = replace(asked, begin=np.asarray(begin, np.int64)[order][first])
    task = with_room(asked)
    tell = progress or (lambda stage, part: None)
    found = repair(task, tell) if (rows.start >= 0).any() else design(task, tell)
    plan = _judge(asked, found, middle, measures[order], tell)
    reasons = (*unserved, *plan.reasons)
    status = "infeasible" if reasons else plan.status
    return replace(plan.measured(q), labels=plan.labels[np.argsort(order)], reasons=reasons, status=status)


def _somewhere(allowed: np.ndarray | None) -> tuple[np.ndarray | None, list[Problem]]:
    """Where rows may be, anywhere if it would be nowhere, and the problem that this is."""
    if allowed is None:
        return None, []
    allowed = np.asarray(allowed, bool)
    nowhere = allowed.sum(axis=1) == 0
    if not nowhere.any():
        return allowed, []
    what = f"{nowhere.sum()} customers are allowed in no territory."
    zh = f"归属：有 {nowhere.sum()} 个客户不允许归属任何区域。请至少允许一个。"
    return allowed | nowhere[:, None], [Problem("allowed", what, "Allow each of them in at least one.", zh)]


def _is_torn(rows: Rows) -> bool:
    """Whether rows of one group are in several territories today."""
    if rows.group is None:
        return False
    grouped = rows.group >= 0
    owners = np.unique(np.column_stack([rows.group[grouped], rows.start[grouped]]), axis=0)[:, 0]
    return bool((np.diff(owners) == 0).any())


def _largest(measures: np.ndarray, band: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(q,) the share of each measure above which customers at one place need not stay together."""
    part = np.full(measures.shape[1], SPLIT)
    part[: len(band)] = np.maximum(band, SPLIT)
    return part * shares.min()


def _middle(rows: Rows) -> np.ndarray:
    """(2,) metres, where the algorithm has its origin: the centre of mass."""
    share = rows.measures / np.maximum(rows.measures.sum(axis=0), 1e-300)
    weight = np.maximum(share @ (rows.weights / rows.weights.sum()), 1e-9 / len(rows.xy))
    return (weight[:, None] * rows.xy).sum(axis=0) / weight.sum()


def _task(
    units: Units,
    shares: np.ndarray,
    tolerance: np.ndarray,
    totals: np.ndarray,
    limits: Limits,
    fixed: np.ndarray | None,
    seed: int,
    effort: float,
    on_units: bool,
) -> Task:
    """What is asked, in the algorithm's units; totals (q,) of the measures in theirs."""
    count, q = len(shares), len(tolerance)
    band = np.tile(np.column_stack([-tolerance, tolerance]), (count, 1, 1))
    least, most = (
        _loads(given, rows, q, count)
        for given, rows in ((limits.least, limits.least_rows), (limits.most, limits.most_rows))
    )
    scale = tolerance
    if limits.counts_rows:
        band = np.concatenate([band, np.tile([-1.0, count * 10.0], (count, 1, 1))], axis=1)
        scale = np.append(tolerance, COUNT_TOLERANCE)
    fair = shares[:, None] * totals
    band[:, :, 0] = np.fmax(band[:, :, 0], least[:, : len(totals)] / fair - 1)
    band[:, :, 1] = np.fmin(band[:, :, 1], most[:, : len(totals)] / fair - 1)
    unlimited = np.full(count, UNLIMITED)
    return Task(
        units=units,
        shares=np.repeat(shares[:, None], len(totals), axis=1),
        tolerance=scale,
        band=band,
        ideal=np.zeros(len(totals)),
        fixed=fixed,
        seed=seed,
        effort=effort,
        on_units=on_units,
        radius=np.inf if limits.radius is None else limits.radius / units.metres,
        loose=np.zeros(count, bool) if limits.loose is None else np.asarray(limits.loose, bool),
        most_given=unlimited if limits.most_given is None else np.asarray(limits.most_given, np.int64),
        most_taken=unlimited if limits.most_taken is None else np.asarray(limits.most_taken, np.int64),
        most_moved=UNLIMITED if limits.most_moved is None else int(limits.most_moved),
        balanced=q,
    )


def _loads(given: np.ndarray | None, rows: np.ndarray | None, q: int, count: int) -> np.ndarray:
    """(K, q + 1) limits on the measures and on the number of customers, NaN for none."""
    loads = np.full((count, q), np.nan) if given is None else np.asarray(given, float)
    return np.column_stack([loads, np.full(count, np.nan) if rows is None else np.asarray(rows, float)])


def _refuse(rows: int, count: int, measures: np.ndarray) -> None:
    problems = []
    if rows < count:
        problems.append(
            Problem(
                "territories",
                f"{rows} customer{'' if rows == 1 else 's'} cannot fill {count} territories.",
                f"Ask for at most {rows}.",
                f"区域：{rows} 个客户无法填满 {count} 个区域。请把区域数量减到 {rows} 个以内。",
            )
        )
    problems += [
        Problem(
            f"measure {t + 1}",
            "it is zero for every customer.",
            "Give values; 1 for every customer counts them.",
            f"指标 {t + 1}：所有客户的数值均为零。请提供数值；每个客户填 1 即按客户数计。",
        )
        for t in np.flatnonzero(measures.sum(axis=0) <= 0)
    ]
    if problems:
        raise InfeasibleError(problems)


def _judge(task: Task, found: Found, middle: np.ndarray, measures: np.ndarray, tell: Progress) -> UnitPlan:
    """The plan with its measures, its bound, and why it is out of its bands if it is."""
    units, label = task.units, found.label
    tell("proof", 0.0)
    objective = task.objective(label)
    centres = task.centres(label)
    price, bound = prices_at(task, centres, near=found.price)
    held, near = task, price
    if task.overrun(label) > 0:
        # No plan that keeps the rules is known, and one may not exist: proven is what plans no farther outside cost.
        held = task.as_far_out_as(label)
        near, bound = prices_at(held, centres, near=price)
    if task.effort >= 1:
        tell("proof", 0.2)
        bound = raised(held, label, near, bound)
    bound = min(bound, objective)
    deviation = task.deviation(label)
    piece, _ = pieces(units, label)
    owner = np.unique(np.column_stack([label, piece]), axis=0)[:, 0]
    gap = (objective - bound) / bound if bound > 0 else (0.0 if objective <= 0 else float("inf"))
    reasons = why(task, label)
    trade_off = cost_of_balance(task, centres, price) if task.excess(deviation) > 0 else ()
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
        status="infeasible" if reasons else "optimal" if gap <= 1e-9 else "gap",
        reasons=reasons,
        trade_off=trade_off,
    )
