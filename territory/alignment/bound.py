"""The bound: what no plan at the same centres can undercut, and the prices that prove it."""

from __future__ import annotations

import numpy as np

from territory.alignment.diagram import NEAR, coarse, points_for
from territory.alignment.prices import Bands, cheapest, offers_at, raise_prices
from territory.alignment.task import Task

HEATS: tuple[float, ...] = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Temperatures through which the smoothed dual is led to the exact one, in squared cell sizes."""
EXACT, ROUGH = 1e-4, 0.01
"""How near loads are brought to where the prices want them, at the coldest temperature and before."""
PATIENCE = 1
"""How many steps that hardly raise the bound there are before the next temperature."""
FINE = 2
"""From which of them on a large task is solved on all its units, and one whose prices are known about."""


def prices_at(
    task: Task, centres: np.ndarray, *, heats: tuple[float, ...] = HEATS, near: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """The best prices (K, q) found for these centres through these temperatures, and the bound that they prove.

    `near` (K, q) are prices that are about right: with them the hot temperatures are left out.

    No fractional assignment to the centres within the bands costs less: the LP's dual, evaluated exactly.
    """
    units, ratio = task.units, task.ratio
    offers = offers_at(
        units.xy,
        units.mass,
        ratio,
        centres,
        16,
        travel=units.travel,
        allowed=units.allowed,
        start=units.start,
        handover=units.handover,
    )
    warm = offers.temperature(centres)
    blunt = 0.3 * float(np.median(warm))
    bands = bands_of(task)
    label = np.empty(len(units.mass), np.int64)

    def proven(price: np.ndarray) -> float:
        return choose(task, centres, price, label) - bands.at(price) + units.scatter

    price = best_price = np.zeros_like(task.shares)
    best = proven(price)
    steps = 40
    if near is not None and (value := proven(near)) > best:
        price, best_price, best, heats = near, near, value, heats[FINE:]
    if len(units.mass) > points_for(task.count) and not len(units.travel):
        steps = 12
        if price is not near:
            price, heats = _rough_prices(task, centres), heats[FINE:]
    for heat in heats:
        # What the warm ones find is only where the next one starts.
        enough = EXACT if heat == HEATS[-1] else ROUGH
        price, _, _ = raise_prices(
            offers,
            heat * warm,
            price,
            task.shares,
            steps=steps,
            enough=enough,
            patience=PATIENCE,
            bands=bands,
            blunt=heat * blunt,
        )
        value = proven(price)
        if value > best:
            best, best_price = value, price
    return best_price, best


def gap_at(task: Task, label: np.ndarray, price: np.ndarray | None) -> float:
    """About how far a plan, (n,) int, is above its bound, from prices (K, q) that are about right, if any: a ratio."""
    _, bound = prices_at(task, task.centres(label), heats=HEATS[: FINE + 1], near=price)
    return task.objective(label) / bound - 1 if bound > 0 else np.inf


def choose(task: Task, centres: np.ndarray, price: np.ndarray, label: np.ndarray) -> float:
    """Writes the cheapest territory of each unit at these prices (K, q) into `label` (n,); the sum of their costs."""
    units = task.units
    return cheapest(
        units.xy,
        units.mass,
        task.ratio,
        centres,
        units.travel,
        units.allowed,
        units.start,
        units.handover,
        units.movable,
        price,
        label,
    )


def bands_of(task: Task) -> Bands:
    """Where the loads may be."""
    return Bands(task.shares, task.lowest, task.highest, task.ideal)


def _rough_prices(task: Task, centres: np.ndarray) -> np.ndarray:
    """Prices (K, q) from runs of units as one: a start for the last steps on all units."""
    units = task.units
    points, mass, measure, point = coarse(units.xy, units.mass, units.measure, task.count, units.start)
    start = np.full(len(mass), -1)
    start[point] = units.start
    offers = offers_at(
        points,
        mass,
        measure / mass[:, None],
        centres,
        NEAR,
        start=start,
        handover=np.bincount(point, units.handover),
    )
    warm = offers.temperature(centres)
    blunt = 0.3 * float(np.median(warm))
    price = np.zeros_like(task.shares)
    for heat in HEATS[: FINE + 1]:
        price, _, _ = raise_prices(
            offers,
            heat * warm,
            price,
            task.shares,
            steps=40,
            enough=ROUGH,
            bands=bands_of(task),
            blunt=heat * blunt,
        )
    return price
