"""The front: plans that trade travel, balance and disruption against each other, none dominated by another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from territory.alignment import Progress
from territory.errors import DataError, Problem
from territory.measures import demand_of, ground_of, measure
from territory.model import MEASURES, Portfolio, Proposal, TravelMode
from territory.outcome import figures, mean_km
from territory.realignment import realign
from territory.side_by_side import each

AXES = ("mean_km", "deviation", "moved_customers")
"""What plans are traded on: the mean distance to the middle of the territory, the largest deviation, who moves."""

_DIGITS = (2, 3, 3)
"""Plans are told apart by these decimals of the axes."""
_EFFORT = 0.1
_WIDTHS = (4.0, 2.0, 1.0, 0.5)
"""Bands that are tried, in tolerances."""
_WIDEST = 99.0
"""A tolerance under which nothing is out of its band."""
_CHEAPEST, _DEAREST, _USUAL = 0.2, 30.0, 5.0
"""Prices of a move that are tried, in mean squared distances; and the one where only one is tried."""
_SPARE, _LEAST = 1.1, 8
"""Plans tried for each one asked for, since some are dominated; and at least."""
_AGAIN = (25.0, 5.0, 1.0)
"""Prices that are tried with all effort when no plan of the sweep is within the tolerance."""


def proposals(
    portfolio: Portfolio,
    *,
    count: int = 20,
    tolerance: float | Mapping[str, float] | None = None,
    keep: Iterable[str] = (),
    seed: int = 0,
    travel: TravelMode = "line",
    effort: float = _EFFORT,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Proposal]:
    """Plans from today's alignment that trade travel, balance and disruption; none is dominated by another.

    Parameters
    ----------
    portfolio : Portfolio, with today's alignment
    count : int, how many at most, from 1 up
    tolerance : ratio, or {"potential": ratio, "workload": ratio}; the rules' by default
        The bands that are tried lie around it, from a half to four times.
    keep : territories that stay as they are
    seed : int
    travel : what workload counts beside visits x minutes; by road, distances are, too
    effort : multiplies the steps of each search; what a light one cannot bring within the tolerance is tried with 1
    workers : int, how many plans at once; the result is the same for any number
    progress : called with the stage "scenarios" and the part done

    Returns
    -------
    list of Proposal, the fewest moves first; each has a ``label`` of its own
        Of those within the tolerance (or of all, when none is) one is the "fewest moves", one the "least driving" and
        one the "balanced choice", which is nearest to the best on each axis; the "fairest" is of all. One plan may be
        several of them. The others are labelled by their figures.

    Raises
    ------
    DataError
        `count` is below 1, or no customer has a territory today; or every territory is kept.
    NotFoundError
        One that is to be kept does not exist.
    InfeasibleError
        Fewer customers than territories, or a measure is zero everywhere.

    Notes
    -----
    A sweep over the price of a move and the width of the bands: minimising a weighted sum within constraints finds
    points of the front (Haimes, Lasdon and Wismer 1971, IEEE Trans. SMC 1: the epsilon-constraint method). One plan
    dominates another when it is no worse on every axis and better on one. The balanced choice is the compromise of Yu
    (1973, Management Science 19): least distance to the ideal point, each axis scaled by its range.
    """
    if count < 1:
        raise DataError([Problem("count", f"{count} plans are none.", "Ask for 1 or more.")])
    band, kept = _band(portfolio, tolerance), list(keep)
    demand_of(portfolio, travel)  # made once, for all
    ground_of(portfolio)

    def chain(trials: Sequence[_Trial], told: Progress) -> list[Proposal]:
        plans: list[Proposal] = []
        for done, trial in enumerate(trials):
            told("balance", done / len(trials))
            plan = realign(
                portfolio,
                tolerance={name: min(value * trial.width, _WIDEST) for name, value in band.items()},
                handover=trial.handover,
                keep=kept,
                begin=plans[-1].alignment if plans else None,
                seed=seed,
                travel=travel,
                effort=trial.effort,
            )
            plans.append(plan)
        return plans

    def tried(chains: Sequence[Sequence[_Trial]]) -> list[Proposal]:
        return [plan for plans in each(chains, chain, workers=workers, progress=progress) for plan in plans]

    found = tried(_sweep(count, effort))
    if effort < 1 and not any(_is_within(plan, band) for plan in found):
        found += tried([[_Trial(1.0, price, 1.0)] for price in _AGAIN])
    return _labelled(_chosen(found, band, count), band)


def tabulate_front(plans: Sequence[Proposal]) -> pd.DataFrame:
    """The plans of a front side by side, one row each.

    Returns
    -------
    DataFrame indexed by ``plan``, numbers from 1 in the order of `plans`
        ``label``; ``mean_km``, ``deviation`` (the largest on any measure) and ``moved_customers``, which they trade;
        then the other columns of `scenarios.tabulate`.
    """
    index = pd.RangeIndex(1, len(plans) + 1, name="plan")
    rows = [{"label": plan.label, **_traded(plan), **figures(plan)} for plan in plans]
    return pd.DataFrame(rows, index=index)


@dataclass(frozen=True)
class _Trial:
    """One point of the sweep: the width of the bands in tolerances, the price of a move, and the effort."""

    width: float
    handover: float
    effort: float


def _band(portfolio: Portfolio, tolerance: float | Mapping[str, float] | None) -> dict[str, float]:
    asked = portfolio.rules.tolerance if tolerance is None else tolerance
    return dict(asked) if isinstance(asked, Mapping) else dict.fromkeys(MEASURES, float(asked))


def _sweep(count: int, effort: float) -> list[list[_Trial]]:
    """Chains of trials, each of one price: each plan is where the search in the next, narrower bands begins."""
    prices = _prices(int(np.ceil(max(_SPARE * count, _LEAST) / len(_WIDTHS))))
    return [[_Trial(width, float(price), effort) for width in _WIDTHS] for price in prices]


def _prices(count: int) -> np.ndarray:
    return np.geomspace(_DEAREST, _CHEAPEST, count).round(3) if count > 1 else np.array([_USUAL])


def _traded(plan: Proposal) -> dict[str, float]:
    return {
        "mean_km": mean_km(plan.after),
        "deviation": max(plan.max_deviation.values()),
        "moved_customers": len(plan.moves) / max(len(plan.portfolio.customers), 1),
    }


def _points(plans: Sequence[Proposal]) -> np.ndarray:
    """(p, 3) the plans on the axes, less is better."""
    return np.array([[_traded(plan)[axis] for axis in AXES] for plan in plans]).reshape(-1, len(AXES))


def _chosen(found: Sequence[Proposal], band: Mapping[str, float], count: int) -> list[Proposal]:
    """At most `count` plans, none dominated, those that are named before the others, in order of moves."""
    whole = [plan for plan in found if plan.is_contiguous] or list(found)
    every = _points(whole)
    best = undominated(every)
    kept, points = [whole[row] for row in best], every[best]
    rows = spread_out(points, list(_named(kept, points, band)), count)
    return [kept[row] for row in sorted(rows, key=lambda row: (points[row, 2], points[row, 0], points[row, 1]))]


def undominated(points: np.ndarray) -> list[int]:
    """Rows of (p, 3) points, less is better, that no other point dominates, as far as `_DIGITS` tell them apart.

    Of points that look alike the first in order of the exact values stays, so that none of those that stay dominates
    another exactly either.
    """
    shown = np.column_stack([np.round(axis, digits) for axis, digits in zip(points.T, _DIGITS, strict=True)])
    no_worse = (shown[:, None, :] <= shown[None, :, :]).all(axis=2)
    same = no_worse & no_worse.T
    # As lexsort's last key comes first, so does the first axis here.
    rank = np.argsort(np.lexsort(points.T[::-1]), kind="stable")
    beaten = (no_worse & ~same) | (same & (rank[:, None] < rank[None, :]))
    return np.flatnonzero(~beaten.any(axis=0)).tolist()


def spread_out(points: np.ndarray, first: Sequence[int], count: int) -> list[int]:
    """At most `count` rows of (p, 3) points: `first`, then always the one farthest from those taken.

    The greedy of Gonzalez (1985, Theoretical Computer Science 38), each axis scaled by its range.
    """
    scaled = _scaled(points)
    taken = list(dict.fromkeys(first))[:count]
    while len(taken) < min(count, len(points)):
        apart = np.sqrt(((scaled[:, None, :] - scaled[None, taken, :]) ** 2).sum(axis=2)).min(axis=1)
        apart[taken] = -1.0
        taken.append(int(np.round(apart, 9).argmax()))
    return taken


def _scaled(points: np.ndarray) -> np.ndarray:
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - low) / np.where(high > low, high - low, 1.0)


def _named(plans: Sequence[Proposal], points: np.ndarray, band: Mapping[str, float]) -> dict[int, list[str]]:
    """Row -> the names it has, in order of importance; points (p, 3) are the plans on the axes."""
    inside = [row for row, plan in enumerate(plans) if _is_within(plan, band)] or list(range(len(plans)))
    ideal = np.sqrt((_scaled(points[inside]) ** 2).sum(axis=1))
    names: dict[int, list[str]] = {}
    for name, row in (
        ("balanced choice", inside[int(np.round(ideal, 9).argmin())]),
        ("fewest moves", inside[int(points[inside, 2].argmin())]),
        ("least driving", inside[int(points[inside, 0].argmin())]),
        ("fairest", int(points[:, 1].argmin())),
    ):
        names.setdefault(row, []).append(name)
    return names


def _is_within(plan: Proposal, band: Mapping[str, float]) -> bool:
    return all(value <= band[name] * (1 + 1e-9) for name, value in plan.max_deviation.items())


def _labelled(plans: Sequence[Proposal], band: Mapping[str, float]) -> list[Proposal]:
    points = _points(plans)
    names = _named(plans, points, band)
    return [
        replace(
            plan,
            label=(" and ".join(names[row]) if row in names else _in_figures(*points[row]))
            + ("" if _is_within(plan, band) else ", outside the tolerance"),
        )
        for row, plan in enumerate(plans)
    ]


def _in_figures(km: float, deviation: float, moved: float) -> str:
    """With the decimals by which plans are told apart, so that no two are called alike."""
    return f"{100 * moved:.1f} % move, ±{100 * deviation:.1f} %, {km:.2f} km"


def today_on_the_axes(portfolio: Portfolio, *, travel: TravelMode = "line") -> dict[str, float]:
    """Where today's alignment stands on `AXES`."""
    today = measure(portfolio, travel=travel, demand=demand_of(portfolio, travel))
    return {
        "mean_km": mean_km(today),
        "deviation": float(max(today[f"deviation_{name}"].abs().max() for name in MEASURES)),
        "moved_customers": 0.0,
    }
