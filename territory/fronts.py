"""The front: plans that trade travel, balance and disruption against each other, none dominated by another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd

from territory.alignment import Progress, part_of
from territory.errors import DataError, Problem
from territory.languages import measure_zh
from territory.measures import demand_of, ground_of, measure
from territory.model import MEASURES, Basis, Portfolio, Proposal, TravelMode, apart, percent_up
from territory.outcome import figures, mean_km
from territory.realignment import HANDOVER, realign
from territory.side_by_side import each

AXES = ("mean_km", "deviation", "moved_customers")
"""What plans are traded on: the mean distance to the middle of the territory, the largest deviation, who moves."""

_DIGITS = (2, 3, 3)
"""Plans are told apart by these decimals of the axes."""
_EFFORT = 0.1
_THOROUGH, _FEWEST, _HARD = 10.0, 5.0, 3.0
"""How much more effort than usual has the first plan; that of fewest moves; any within the tolerance when that is hard.
"""
_FAR = 0.05
"""To find plans within the tolerance is hard when the first one's gap is above this."""
_NARROW, _WIDE = (1.0, 2.0), (0.5, 4.0)
"""Bands that are tried, in tolerances: first, price by price; and when plans for these are known."""
_WIDEST = 99.0
"""A tolerance under which nothing is out of its band."""
_CHEAPEST, _DEAREST, _USUAL = 0.2, 30.0, 5.0
"""Prices of a move that are tried, in mean squared distances; and the one where only one is tried."""
_SPARE, _LEAST, _MANY = 1.1, 8, 24
"""Plans tried for each one asked for, since some are dominated; and at least; where fewer are tried than so many, each
has the more effort.
"""
_AGAIN = (25.0, 1.0)
"""Prices that are tried too, with all effort, when the first plan is not within the tolerance."""
_OUTSIDE = 0.5
"""What each tolerance outside its bands raises the cost of a plan by, in parts of it, as where a search begins."""
_FIRST = 0.2
"""What the first plan is of all the work, to those who wait."""


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
    effort : multiplies the steps of each search; that of the first plan, and of the fewest moves where the tolerance is
        hard to keep, has ten times as many, but no more than `realign` has
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

    The first plan is that of `realign` itself, so that no plan of the front is dominated by it. Each other search
    begins with the plan, of those known, that costs least where it searches.
    """
    if count < 1:
        raise DataError([Problem("count", f"{count} plans are none.", "Ask for 1 or more.")])
    band, kept = _band(portfolio, tolerance), list(keep)
    demand_of(portfolio, travel)  # made once, for all
    ground_of(portfolio)
    tell = progress or (lambda stage, part: None)

    def tried(trials: Sequence[_Trial], known: Sequence[_Tried], told: Progress) -> list[_Tried]:
        def answer(trial: _Trial, told: Progress) -> _Tried:
            plan = realign(
                portfolio,
                tolerance=trial.band(band),
                handover=trial.handover,
                keep=kept,
                begin=_nearest(known, trial, band),
                seed=seed,
                travel=travel,
                effort=trial.effort,
                progress=told,
            )
            return _Tried(trial, _as_asked(plan, band))

        return each(trials, answer, workers=workers, progress=told)

    # What plain `realign` finds is one of the plans, and where the search for the others begins.
    found = tried([_Trial(1.0, HANDOVER, effort).with_effort(_THOROUGH)], [], part_of(tell, 0.0, _FIRST))
    is_met = _is_within(found[0].plan, band)
    rounds = _sweep(count, effort, is_hard=not is_met or found[0].plan.gap > _FAR)
    if not is_met:
        rounds = [[_Trial(1.0, price, 1.0) for price in _AGAIN], *rounds]
    for trials, told in zip(rounds, _parts(rounds, tell), strict=True):
        found += tried(trials, found, told)
    return _labelled(_chosen([each.plan for each in found], band, count), band)


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

    def band(self, band: Mapping[str, float]) -> dict[str, float]:
        return {name: min(value * self.width, _WIDEST) for name, value in band.items()}

    def with_effort(self, more: float) -> _Trial:
        return replace(self, effort=min(more * self.effort, max(self.effort, 1.0)))


@dataclass(frozen=True, eq=False)
class _Tried:
    """What came of a trial."""

    trial: _Trial
    plan: Proposal

    @cached_property
    def parts(self) -> tuple[float, float]:
        """Mean squared distance, and what moves cost where their price is 1."""
        moved = self.plan.portfolio.customers.index.get_indexer(self.plan.moves["customer_id"])
        basis: Basis = self.plan.basis  # type: ignore[assignment]  # every plan of `realign` has one
        handed = float(basis.handover[moved].sum())
        return basis.objective - handed, handed / self.trial.handover

    def cost(self, trial: _Trial, band: Mapping[str, float]) -> float:
        """What this plan costs another trial, in its bands or not."""
        distance, moves = self.parts
        off = self.plan.max_deviation
        outside = sum(max(off[name] / width - 1.0, 0.0) for name, width in trial.band(band).items())
        return (distance + trial.handover * moves) * (1.0 + _OUTSIDE * outside)


def _as_asked(plan: Proposal, band: Mapping[str, float]) -> Proposal:
    """The plan judged by the tolerance that was asked, not by the one that was tried.

    A bound for wider bands holds for narrower ones too, since fewer plans keep these; the other way round it is said
    which bands it was proven for.
    """
    if plan.tolerance == band:
        return plan
    kept = [reason for reason in plan.reasons if "tolerance on" not in f"{reason.where} {reason.what}"]
    off = [
        _off(name, value, band[name]) for name, value in plan.max_deviation.items() if value > band[name] * (1 + 1e-9)
    ]
    is_narrower = any(plan.tolerance[name] < width for name, width in band.items())
    return replace(
        plan,
        tolerance=dict(band),
        reasons=(*off, *kept),
        trade_off=plan.trade_off if off else None,
        proven_within=dict(plan.tolerance) if is_narrower else None,
    )


def _off(name: str, deviation: float, width: float) -> Problem:
    reached, asked = apart(deviation, width)
    allow = percent_up(deviation)
    zh = f"{measure_zh(name)}容差：此方案偏差为 {reached}，而要求为 {asked}。请把容差放宽到 {allow}。"
    return Problem(
        f"tolerance on {name}", f"this plan deviates by {reached}; {asked} was asked.", f"Allow {allow}.", zh
    )


def _nearest(known: Sequence[_Tried], trial: _Trial, band: Mapping[str, float]) -> pd.Series | None:
    """The alignment that costs least of those known, to begin with; None when there is none."""
    return min(known, key=lambda one: one.cost(trial, band)).plan.alignment if known else None


def _band(portfolio: Portfolio, tolerance: float | Mapping[str, float] | None) -> dict[str, float]:
    asked = portfolio.rules.tolerance if tolerance is None else tolerance
    return dict(asked) if isinstance(asked, Mapping) else dict.fromkeys(MEASURES, float(asked))


def _sweep(count: int, effort: float, *, is_hard: bool) -> list[list[_Trial]]:
    """Rounds of trials, each of which begins with the best that those before have found: dear moves first."""
    widths = (*_NARROW, *_WIDE)
    prices = _prices(int(np.ceil(max(_SPARE * count, _LEAST) / len(widths))))
    more = max(_MANY / (len(prices) * len(widths)), 1.0)

    def trial(width: float, price: float) -> _Trial:
        light = _Trial(width, price, effort)
        if width == 1.0 and price == prices[0]:
            return light.with_effort(_THOROUGH if is_hard else _FEWEST * more)
        if is_hard:
            return light.with_effort(_HARD * more if width <= 1.0 else 1.0)
        return light.with_effort(more)

    rounds = [[trial(width, price) for width in _NARROW] for price in prices]
    return [*rounds, [trial(width, price) for price in prices for width in _WIDE]]


def _parts(rounds: Sequence[Sequence[_Trial]], tell: Progress) -> list[Progress]:
    """What each round tells how far it is, after the first plan: as large a part of the rest as its efforts."""
    done = np.cumsum([0.0, *(sum(trial.effort for trial in trials) for trials in rounds)])
    ends = _FIRST + (1 - _FIRST) * done / done[-1]
    return [part_of(tell, begin, end) for begin, end in pairwise(ends.tolist())]


def _prices(count: int) -> list[float]:
    return np.geomspace(_DEAREST, _CHEAPEST, count).round(3).tolist() if count > 1 else [_USUAL]


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
