"""What a tolerance costs: the curve of balance against travel, and where it bends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from territory.alignment import Progress
from territory.errors import DataError, Problem
from territory.measures import demand_of, ground_of
from territory.model import MEASURES, Portfolio, Proposal, TravelMode, percent
from territory.outcome import figures
from territory.realignment import align, realign
from territory.side_by_side import each

TOLERANCES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3)
"""Tolerances that are looked at by default."""

_BEND = 0.1
"""A curve that bows away from a straight line by less than this part of its height has no bend to speak of."""


@dataclass(frozen=True, eq=False)
class TradeOff:
    """The curve of tolerance against travel.

    ``table`` is indexed by ``tolerance`` (ratio, the tightest first): ``met`` (bool), ``deviation`` (the largest on any
    measure), ``mean_km``, ``objective`` and ``lower_bound`` (km2), ``gap``, ``moved_customers``, ``extra_km``: the
    mean way beyond that of the widest tolerance, a ratio of it. ``knee`` is the tolerance after which tightening
    costs much more than before, None when there is none. ``plans`` are the proposals behind the rows.
    """

    table: pd.DataFrame
    knee: float | None
    plans: tuple[Proposal, ...]

    @property
    def words(self) -> str:
        """What the curve says, in sentences."""
        return " ".join(filter(None, [self._reached(), self._bent(), self._cost()]))

    def _reached(self) -> str:
        met = self.table.index[self.table["met"]]
        if not len(met):
            best = float(self.table["deviation"].min())
            return f"None of these tolerances was met; the fairest plan found deviates by {percent(best)}."
        missed = self.table.index[~self.table["met"]]
        tighter = missed[missed < met.min()]
        if not len(tighter):
            return f"Every tolerance from ±{percent(met.min())} up was met."
        return (
            f"±{percent(met.min())} is the tightest tolerance that was met; ±{percent(tighter.max())} was not "
            f"({self._why_not(tighter.max())})."
        )

    def _why_not(self, tolerance: float) -> str:
        """The rule that makes it impossible; else how near to it the search came."""
        reasons = self.plans[self.table.index.get_loc(tolerance)].reasons
        rules = [reason for reason in reasons if not reason.where.startswith("tolerance")]
        if rules:
            return f"{rules[0].where}: {rules[0].what.removesuffix('.')}"
        return f"the plan found deviates by {percent(self.table.loc[tolerance, 'deviation'])}"

    def _bent(self) -> str:
        if self.knee is None:
            return "No tolerance stands out: each step costs about as much as the one before."
        return f"±{percent(self.knee)} is where the curve bends: below it, travel rises much faster than above."

    def _cost(self) -> str:
        table = self.table[self.table["met"]]
        if len(table) < 2:
            return ""
        tight, wide = table.iloc[0], table.iloc[-1]
        return (
            f"From ±{percent(wide.name)} to ±{percent(tight.name)} the mean way to the middle of a territory goes from "
            f"{wide['mean_km']:.1f} to {tight['mean_km']:.1f} km."
        )


def trade_off(
    portfolio: Portfolio,
    *,
    tolerances: Iterable[float] = TOLERANCES,
    territories: int | None = None,
    seed: int = 0,
    travel: TravelMode = "line",
    effort: float = 1.0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> TradeOff:
    """What each tolerance costs in travel: a plan for every one, and where tightening begins to hurt.

    Parameters
    ----------
    portfolio : Portfolio
    tolerances : ratios above 0, for every measure alike
    territories : int, how many to cut from scratch; by default plans start from today's alignment
    seed, travel, workers, progress
        As for `scenarios.simulate`.
    effort : multiplies the steps of each search; below 1, tolerances that were missed are tried again with 1

    Returns
    -------
    TradeOff

    Raises
    ------
    DataError
        There is no tolerance, one is no ratio above 0, or no customer has a territory today and it was not said how
        many to cut.
    InfeasibleError
        Fewer customers than territories, or a measure is zero everywhere.

    Notes
    -----
    A wider tolerance allows every plan of a tighter one, so a plan found for a tighter tolerance stands in for that of
    a wider one where the search found it shorter ways (less objective). The knee is the point farthest below
    the straight line between the ends of the curve, both axes scaled to 1, the tolerance by its logarithm
    (Satopää, Albrecht, Irwin and Raghavan 2011, ICDCS workshops: Kneedle).
    """
    asked = sorted(set(tolerances))
    _check(asked)
    demand_of(portfolio, travel)  # made once, for all
    ground_of(portfolio)

    def plan(tolerance: float, told: Progress | None, effort: float = effort) -> Proposal:
        if territories is None:
            return realign(portfolio, tolerance=tolerance, seed=seed, travel=travel, effort=effort, progress=told)
        return align(
            portfolio,
            territories=territories,
            tolerance=tolerance,
            seed=seed,
            travel=travel,
            effort=effort,
            progress=told,
        )

    plans = each(asked, plan, workers=workers, progress=progress)
    # What a light search misses is looked at again with all effort, down to the first tolerance that stays missed.
    for row in reversed(range(len(asked))):
        if not _is_met(plans[row], asked[row]) and effort < 1:
            plans[row] = plan(asked[row], None, 1.0)
            if not _is_met(plans[row], asked[row]):
                break
    plans = _best_so_far(plans)
    table = _table(asked, plans)
    return TradeOff(table, knee_of(table["mean_km"][table["met"]]), tuple(plans))


def knee_of(curve: pd.Series) -> float | None:
    """Where a falling curve (tolerance -> cost) bends most, None when it is as good as straight, or has no inside."""
    if len(curve) < 3:
        return None
    at, cost = np.log(curve.index.to_numpy(float)), curve.to_numpy(float)
    height = cost[0] - cost[-1]
    if height <= 0.01 * cost[-1]:
        return None
    below = (cost[0] - cost) / height - (at - at[0]) / (at[-1] - at[0])
    best = int(np.round(below, 9).argmax())
    return float(curve.index[best]) if below[best] >= _BEND else None


def _check(tolerances: list[float]) -> None:
    fix = "Give ratios above 0, as 0.05 for 5 %."
    wrong = [value for value in tolerances if not 0 < value < 100]
    problems = [Problem("tolerances", f"{value:g} is not a ratio above 0.", fix) for value in wrong]
    if not tolerances:
        problems = [Problem("tolerances", "There is none.", fix)]
    if problems:
        raise DataError(problems)


def _is_met(plan: Proposal, tolerance: float) -> bool:
    return all(value <= tolerance * (1 + 1e-9) for value in plan.max_deviation.values())


def _best_so_far(plans: list[Proposal]) -> list[Proposal]:
    """Each plan, or the one of a tighter tolerance that is met and costs less, in order of tolerance."""
    kept: list[Proposal] = []
    for plan in plans:
        before = kept[-1] if kept else None
        tolerance = plan.tolerance[MEASURES[0]]
        is_better = before is not None and _is_met(before, tolerance) and before.is_contiguous
        if is_better and before is not None and (not _is_met(plan, tolerance) or before.objective < plan.objective):
            kept.append(before)
        else:
            kept.append(plan)
    return kept


def _table(tolerances: list[float], plans: list[Proposal]) -> pd.DataFrame:
    rows = []
    for tolerance, plan in zip(tolerances, plans, strict=True):
        found = figures(plan)
        rows.append(
            {
                "met": _is_met(plan, tolerance) and plan.is_contiguous,
                "deviation": max(plan.max_deviation.values()),
                **{name: found[name] for name in ("mean_km", "objective", "lower_bound", "gap", "moved_customers")},
            }
        )
    table = pd.DataFrame(rows, index=pd.Index(tolerances, name="tolerance", dtype=float))
    return table.assign(extra_km=table["mean_km"] / max(float(table["mean_km"].iloc[-1]), 1e-12) - 1)
