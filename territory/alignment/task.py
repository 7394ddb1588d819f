"""What the algorithm is asked: units, shares, bands, and how a plan is judged against them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from territory.alignment.diagram import centroids
from territory.alignment.units import Units


@dataclass(frozen=True)
class Task:
    """What a plan for `units` must keep to.

    shares (K, q) add to 1 by column; tolerance (q,); fixed (K, 2) centres or None; on_units: a centre is the unit
    of the territory that is nearest to its centre of mass.
    """

    units: Units
    shares: np.ndarray
    tolerance: np.ndarray
    fixed: np.ndarray | None
    seed: int
    effort: float
    on_units: bool = False

    @property
    def count(self) -> int:
        return len(self.shares)

    @property
    def ratio(self) -> np.ndarray:
        """(n, q) each measure over the mass."""
        return self.units.measure / self.units.mass[:, None]

    def centres(self, label: np.ndarray) -> np.ndarray:
        """(K, 2) the centres that the plan is judged by."""
        if self.fixed is not None:
            return self.fixed
        middle = centroids(self.units.xy, self.units.mass, label, self.count)
        if not self.on_units:
            return middle
        distance = ((self.units.xy - middle[label]) ** 2).sum(axis=1)
        order = np.lexsort((distance, label))
        return self.units.xy[order[np.searchsorted(label[order], np.arange(self.count))]]

    def objective(self, label: np.ndarray) -> float:
        """Mass-weighted squared distance to the centre, plus the price of moves."""
        units = self.units
        spread = (units.mass * ((units.xy - self.centres(label)[label]) ** 2).sum(axis=1)).sum()
        moved = (units.start >= 0) & (units.start != label)
        return float(spread + units.handover[moved].sum())

    def deviation(self, label: np.ndarray) -> np.ndarray:
        """(K, q) load over share, less 1."""
        loads = [np.bincount(label, column, self.count) for column in self.units.measure.T]
        return np.column_stack(loads) / self.shares - 1.0

    def overrun(self, label: np.ndarray) -> float:
        """By how many tolerances loads are outside their bands, summed; 0 when every territory is in its bands.

        A sum, so that one load that cannot be in its band does not hide the others.
        """
        return overrun(self.deviation(label), self.tolerance)


def overrun(deviation: np.ndarray, tolerance: np.ndarray) -> float:
    """Sum over territories and measures, deviation (K, q), of the tolerances (q,) by which each is outside its band."""
    return float(np.maximum(np.abs(deviation) / tolerance - 1.0, 0.0).sum())
