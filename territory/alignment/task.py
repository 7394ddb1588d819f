"""What the algorithm is asked: units, shares, bands, limits, and how a plan is judged against them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from territory.alignment.diagram import centroids
from territory.alignment.units import Units

NOTHING = 1e-9
"""What a plan without any travel costs: it is still dearer outside its bands than inside."""
LET_GO = 1e3
"""The tolerance under which a measure no longer counts."""
UNLIMITED = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Task:
    """What a plan for `units`, of K territories on q measures, must keep to.

    shares (K, q) add to 1 by column; tolerance (q,), the scale of deviations; band (K, q, 2), lowest and highest
    deviation; ideal (q,), what a squared deviation costs a whole share, squared lengths; fixed (K, 2) centres, NaN
    where one is free, or None; on_units: a free centre is the unit of the territory that is nearest to its centre of
    mass; radius, length; loose (K,) bool, may be in several pieces; most_given, most_taken (K,) and most_moved, rows;
    balanced, how many of the measures have a tolerance, the last having limits alone; begin (n,) int, labels that a
    repair begins with instead of today's, -1 for none, or None; smooth, what borders weigh, usually 1; counts_moves,
    whether `start` tells of every row of a unit where it is today, so that too many moves prove something.
    """

    units: Units
    shares: np.ndarray
    tolerance: np.ndarray
    band: np.ndarray
    ideal: np.ndarray
    fixed: np.ndarray | None
    seed: int
    effort: float
    on_units: bool
    radius: float
    loose: np.ndarray
    most_given: np.ndarray
    most_taken: np.ndarray
    most_moved: int
    balanced: int
    begin: np.ndarray | None = None
    smooth: float = 1.0
    counts_moves: bool = True

    @property
    def count(self) -> int:
        return len(self.shares)

    @property
    def ratio(self) -> np.ndarray:
        """(n, q) each measure over the mass."""
        return self.units.measure / self.units.mass[:, None]

    @property
    def pinned(self) -> np.ndarray:
        """(K,) bool, whose centre holds still."""
        return np.zeros(self.count, bool) if self.fixed is None else ~np.isnan(self.fixed).any(axis=1)

    @property
    def lowest(self) -> np.ndarray:
        """(K, q) least load."""
        return self.shares * (1 + self.band[:, :, 0])

    @property
    def highest(self) -> np.ndarray:
        """(K, q) largest load."""
        return self.shares * (1 + self.band[:, :, 1])

    @property
    def is_limited(self) -> bool:
        """Whether it matters how many move."""
        least = min(int(self.most_given.min()), int(self.most_taken.min()), self.most_moved)
        return least < UNLIMITED and bool((self.units.start >= 0).any())

    def unlimited(self) -> Task:
        """The task with tolerances alone: no limits on loads, on how far units are, nor on how many move."""
        width = np.where(np.arange(len(self.tolerance)) < self.balanced, self.tolerance, LET_GO)
        low, high = self.band[:, :, 0], self.band[:, :, 1]
        band = np.stack([np.minimum(low, -width), np.maximum(high, width)], axis=2)
        if not self.is_limited and np.isinf(self.radius) and (self.band == band).all():
            return self
        nobody = np.full(self.count, UNLIMITED)
        return replace(self, band=band, radius=np.inf, most_given=nobody, most_taken=nobody, most_moved=UNLIMITED)

    def within(self, edge: float) -> np.ndarray:
        """(K, q, 2) the bands drawn in about their middle to this part of their width."""
        middle = self.band.mean(axis=2, keepdims=True)
        return middle + (self.band - middle) * edge

    def as_far_out_as(self, label: np.ndarray) -> Task:
        """The task with each band, and where units may be, wide enough for this plan, (n,) int."""
        deviation, units = self.deviation(label), self.units
        band = np.stack([np.minimum(self.band[:, :, 0], deviation), np.maximum(self.band[:, :, 1], deviation)], axis=2)
        if not len(units.allowed):
            return replace(self, band=band)
        allowed = units.allowed.copy()
        allowed[np.arange(len(label)), label] = True
        return replace(self, band=band, units=replace(units, allowed=allowed))

    def pin(self, centres: np.ndarray) -> np.ndarray:
        """The same centres (K, 2), with those that hold still where they are."""
        return centres if self.fixed is None else np.where(self.pinned[:, None], self.fixed, centres)

    def centres(self, label: np.ndarray) -> np.ndarray:
        """(K, 2) the centres that the plan is judged by."""
        middle = centroids(self.units.xy, self.units.mass, label, self.count)
        if self.on_units:
            distance = ((self.units.xy - middle[label]) ** 2).sum(axis=1)
            order = np.lexsort((distance, label))
            middle = self.units.xy[order[np.searchsorted(label[order], np.arange(self.count))]]
        return self.pin(middle)

    def objective(self, label: np.ndarray) -> float:
        """Mass-weighted squared distance to the centre (or what travel costs), the price of moves and of deviations."""
        units = self.units
        if len(units.travel):
            cost = units.travel[np.arange(len(label)), label]
        else:
            cost = ((units.xy - self.centres(label)[label]) ** 2).sum(axis=1)
        moved = (units.start >= 0) & (units.start != label)
        total = float((units.mass * cost).sum() + units.handover[moved].sum()) + units.scatter
        return (
            total + float((self.ideal * self.shares * self.deviation(label) ** 2).sum()) if self.ideal.any() else total
        )

    def deviation(self, label: np.ndarray) -> np.ndarray:
        """(K, q) load over share, less 1."""
        loads = [np.bincount(label, column, self.count) for column in self.units.measure.T]
        return np.column_stack(loads) / self.shares - 1.0

    def overrun(self, label: np.ndarray) -> float:
        """By how many tolerances loads are outside their bands, summed, and how many units are where they may not be.

        A sum, so that one load that cannot be in its band does not hide the others.
        """
        return self.excess(self.deviation(label)) + float(self.is_forbidden(label).sum())

    def merit(self, label: np.ndarray) -> tuple[float, float]:
        """The less of it, the better a plan is: its balance first, then its objective."""
        return self.overrun(label), self.objective(label)

    def cost(self, label: np.ndarray, dear: float) -> float:
        """The objective, raised by the part `dear` of itself for each tolerance outside the bands."""
        return (self.objective(label) + NOTHING) * (1.0 + dear * self.overrun(label))

    def moved_too_many(self, label: np.ndarray) -> int:
        """How many rows beyond the limits leave a territory, come to one, or move in all."""
        if not self.is_limited:
            return 0
        units = self.units
        moved = (units.start >= 0) & (units.start != label)
        given, taken = (np.bincount(ends[moved], units.rows[moved], self.count) for ends in (units.start, label))
        over = [np.maximum(given - self.most_given, 0), np.maximum(taken - self.most_taken, 0)]
        return int(np.sum(over) + max(float(given.sum()) - self.most_moved, 0))

    def excess(self, deviation: np.ndarray) -> float:
        """Sum over territories and measures of the tolerances by which a deviation (K, q) is outside its band."""
        outside = np.maximum(deviation - self.band[:, :, 1], self.band[:, :, 0] - deviation)
        return float((np.maximum(outside, 0.0) / self.tolerance).sum())

    def may_be(self, territory: int) -> np.ndarray:
        """(n,) bool, which units are allowed there."""
        units = self.units
        return units.allowed[:, territory] if len(units.allowed) else np.ones(len(units.mass), bool)

    def is_forbidden(self, label: np.ndarray) -> np.ndarray:
        """(n,) bool, which units are where they may not be, or too far from the centre."""
        units, at = self.units, np.arange(len(label))
        wrong = ~units.allowed[at, label] if len(units.allowed) else np.zeros(len(label), bool)
        if np.isfinite(self.radius):
            away = ((units.xy - self.centres(label)[label]) ** 2).sum(axis=1)
            wrong = wrong | (away > self.radius**2 * (1 + 1e-9))
        return wrong
