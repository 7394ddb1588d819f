"""A start with good shape: bisection to equal mass, then a balanced centroidal power diagram.

Balanced power diagrams minimise squared distances under given cell masses (Aurenhammer, Hoffmann and Aronov
1998); moving each centre to its cell's centroid makes them centroidal (de Goes et al. 2012). One combined
measure only: prices on two measures at once do not give connected cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from territory.alignment.prices import Bands, cheapest, offers_at, raise_prices

NEAR = 12
"""Centres near a unit that are asked for their offers."""
LOST = 0.15
"""A load that is off its share by this much has prices that are not to be trusted."""
LONGEST_RUN = 25
"""Units that become one point at most: of longer runs the prices are too wrong to begin with."""
KINDS = 4
"""Points that the units of one neighbourhood become, each of units that are alike."""
POINTS, COARSE, FINEST = 80, 4_000, 12_000
"""Points that prices are first found on: so many for each territory, but so many at least, and at most."""


def bisect(xy: np.ndarray, mass: np.ndarray, shares: np.ndarray, turn: float) -> np.ndarray:
    """Labels (n,) of a recursive bisection into parts of the given shares of mass.

    Each cut is the best of six directions, by the scatter inside the two halves; `turn` rotates them.
    """
    label = np.zeros(len(xy), np.int64)
    stack = [(np.arange(len(xy)), np.arange(len(shares)))]
    while stack:
        rows, parts = stack.pop()
        if len(parts) == 1:
            label[rows] = parts[0]
            continue
        half = len(parts) // 2
        portion = shares[parts[:half]].sum() / shares[parts].sum()
        cuts = [
            _cut(xy[rows], mass[rows], portion, turn + step * np.pi / 6, half, len(parts) - half) for step in range(6)
        ]
        first, second = min(cuts, key=lambda cut: cut[0])[1:]
        stack.append((rows[first], parts[:half]))
        stack.append((rows[second], parts[half:]))
    return label


def _cut(
    xy: np.ndarray, mass: np.ndarray, portion: float, angle: float, least: int, rest: int
) -> tuple[float, np.ndarray, np.ndarray]:
    """Scatter and the two sides of one cut across `angle`, with at least `least` and `rest` rows on them."""
    # Directions are rounded: sine and cosine differ in the last digit between systems.
    along = xy @ np.round([np.cos(angle), np.sin(angle)], 9)
    order = np.argsort(along, kind="stable")
    total = np.cumsum(mass[order])
    at = int(np.clip(np.searchsorted(total, total[-1] * portion), least, len(order) - rest))
    return sum(_scatter(xy[part], mass[part]) for part in (order[:at], order[at:])), order[:at], order[at:]


def _scatter(xy: np.ndarray, mass: np.ndarray) -> float:
    weight = mass.sum()
    if weight <= 0:
        return 0.0
    return float((mass * ((xy - (mass[:, None] * xy).sum(axis=0) / weight) ** 2).sum(axis=1)).sum())


def centroids(xy: np.ndarray, mass: np.ndarray, label: np.ndarray, count: int) -> np.ndarray:
    """(K, d) centre of mass of each label, of places (n, d); the origin for a label without any."""
    weight = np.maximum(np.bincount(label, mass, count), 1e-300)
    return np.column_stack([np.bincount(label, mass * axis, count) / weight for axis in xy.T])


def power_diagram(
    xy: np.ndarray,
    mass: np.ndarray,
    shares: np.ndarray,
    turn: float,
    *,
    fixed: np.ndarray | None = None,
    rounds: int = 25,
    cold: float = 0.02,
) -> tuple[np.ndarray, np.ndarray]:
    """Labels of a balanced centroidal power diagram, (n,), and its centres, (K, 2).

    `mass` adds to 1 and so do `shares`. `fixed` (K, 2) holds centres still (rep homes) where it is not NaN.
    """
    count = len(shares)
    if count == 1:
        return np.zeros(len(xy), np.int64), centroids(xy, mass, np.zeros(len(xy), np.int64), 1)
    points, weight, _, _ = coarse(xy, mass, mass[:, None], count)
    one = np.ones((len(points), 1))
    target = shares[:, None]
    is_fixed = np.zeros(count, bool) if fixed is None else ~np.isnan(fixed).any(axis=1)
    if fixed is not None and is_fixed.all():
        centres = fixed
    else:
        centres = _pinned(centroids(points, weight, bisect(points, weight, shares, turn), count), fixed)
    price = np.zeros((count, 1))
    base = 0.0
    for turn_no in range(rounds):
        heat = max(cold, 0.2 * 0.8**turn_no)
        offers = offers_at(points, weight, one, centres, NEAR)
        warm = offers.temperature(centres)
        price, error, soft = raise_prices(offers, heat * warm, price, target, steps=15 if turn_no else 60, enough=0.02)
        if error > 0.3:  # lost: these centres' prices from the beginning, warmer
            price, error, soft = raise_prices(offers, 0.3 * warm, np.zeros_like(price), target, steps=80, enough=0.02)
        if is_fixed.all():
            if heat == cold:
                break
            continue
        moved = np.where(is_fixed[:, None], centres, soft[:, 1:] / np.maximum(soft[:, :1], 1e-300))
        if base == 0.0:
            base = max(float((weight * offers.cost.min(axis=1)).sum()), 1e-300)
        step = np.sqrt((soft[:, 0] * ((moved - centres) ** 2).sum(axis=1)).sum() / base)
        if step > 0.4:
            moved = centres + (moved - centres) * (0.4 / step)
        if turn_no == rounds - 1 or (step < 5e-3 and heat == cold):
            break
        centres = moved
    offers = offers_at(xy, mass, np.ones((len(xy), 1)), centres, NEAR)
    price, error, _ = raise_prices(offers, cold * offers.temperature(centres), price, target, steps=10, enough=2e-3)
    label = np.empty(len(xy), np.int64)
    _cheapest_of_all(xy, mass, np.ones((len(xy), 1)), centres, price, label)
    return label, centres


def _pinned(centres: np.ndarray, fixed: np.ndarray | None) -> np.ndarray:
    """The same centres, in an order in which those that hold still are near to where they have to be, and are there."""
    if fixed is None:
        return centres
    away = np.nan_to_num(((fixed[:, None, :] - centres[None]) ** 2).sum(axis=2))
    return np.where(np.isnan(fixed), centres[linear_sum_assignment(away)[1]], fixed)


def _cheapest_of_all(
    xy: np.ndarray, mass: np.ndarray, ratio: np.ndarray, centres: np.ndarray, price: np.ndarray, label: np.ndarray
) -> float:
    """`cheapest` where nobody is anywhere yet and everybody may go everywhere."""
    nobody, nothing = np.full(len(xy), -1), np.empty((0, len(centres)))
    free, still = np.ones(len(xy), bool), np.zeros(len(xy))
    return cheapest(xy, mass, ratio, centres, nothing, nothing.astype(bool), nobody, still, free, price, label)


def centre_on_all(
    xy: np.ndarray,
    mass: np.ndarray,
    measure: np.ndarray,
    bands: Bands,
    centres: np.ndarray,
    *,
    is_fixed: np.ndarray,
    rounds: int = 20,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Centres (K, 2) and prices (K, q) where the fractional plan within all bands is centroidal, and its cost.

    Its cells are not connected: it only says where the centres of a plan balanced on every measure should be.
    is_fixed (K,) bool, which centres hold still.
    """
    points, weight, loads, _ = coarse(xy, mass, measure, len(centres))
    price = np.zeros_like(bands.wanted)
    for turn in range(rounds):
        heat = max(0.02, 0.2 * 0.85**turn)
        offers = offers_at(points, weight, loads / weight[:, None], centres, NEAR)
        warm = offers.temperature(centres)
        blunt = heat * 0.3 * float(np.median(warm))
        trial, error, soft = raise_prices(
            offers, heat * warm, price, bands.wanted, steps=10, enough=0.01, bands=bands, blunt=blunt
        )
        if error > LOST:
            trial, error, soft = raise_prices(
                offers, heat * warm, trial, bands.wanted, steps=60, enough=0.01, bands=bands, blunt=blunt
            )
        if error > LOST:  # colder than the prices can follow: the centres of the round before are good enough
            break
        price = trial
        centres = np.where(is_fixed[:, None], centres, soft[:, 1:] / np.maximum(soft[:, :1], 1e-300))
    cost = _cheapest_of_all(points, weight, loads / weight[:, None], centres, price, np.empty(len(points), np.int64))
    return centres, price, cost - bands.at(price)


class Points(NamedTuple):
    """Runs of units as one point each: xy (p, 2), mass (p,), measure (p, q), and the point of each unit (n,) int."""

    xy: np.ndarray
    mass: np.ndarray
    measure: np.ndarray
    point: np.ndarray


def coarse(
    xy: np.ndarray, mass: np.ndarray, measure: np.ndarray, count: int, start: np.ndarray | None = None
) -> Points:
    """Units that are near each other (they come in Hilbert order) and alike as one point each; loads are kept exactly.

    Alike: of about the same ratio of the first measure to the mass. Prices on two measures send units of different
    ratios to different centres, and so prices found on points of mixed ones would be worth nothing to the units. And
    from the same one of the `count` territories in `start`, (n,) int, where there is one: it is as dear to leave it.
    """
    at = np.arange(len(xy))
    run = -(-len(xy) // max(points_for(count), len(xy) // LONGEST_RUN))
    if run == 1:
        return Points(xy, mass, measure, at)
    home = np.full(len(xy), -1) if start is None else start
    rank = np.empty_like(at)
    rank[np.argsort(home, kind="stable")] = at
    nearby = rank // (KINDS * run) * (count + 1) + home
    order = np.lexsort((measure[:, 0] / mass, nearby))
    is_new = np.r_[True, np.diff(nearby[order]) != 0]
    since = at - np.maximum.accumulate(np.where(is_new, at, 0))
    point = np.empty_like(at)
    point[order] = np.cumsum(since % run == 0) - 1
    weight = np.bincount(point, mass)
    loads = np.column_stack([np.bincount(point, column) for column in measure.T])
    return Points(centroids(xy, mass, point, len(weight)), weight, loads, point)


def points_for(count: int) -> int:
    """About how many points tell enough of the units of `count` territories."""
    return int(np.clip(POINTS * count, COARSE, FINEST))
