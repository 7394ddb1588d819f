"""The bound: what no plan at the same centres can undercut, and the prices that prove it."""

from __future__ import annotations

import numpy as np

from territory.alignment.diagram import COARSE, NEAR, coarse
from territory.alignment.prices import cheapest, offers_at, raise_prices
from territory.alignment.task import Task

HEATS: tuple[float, ...] = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Temperatures through which the smoothed dual is led to the exact one, in squared cell sizes."""
FINE = 2
"""From which of them on a large task is solved on all its units."""


def prices_at(task: Task, centres: np.ndarray) -> tuple[np.ndarray, float]:
    """The best prices (K, q) found for these centres, and the bound that they prove.

    No fractional assignment to the centres within the bands costs less: the LP's dual, evaluated exactly.
    """
    units, ratio = task.units, task.ratio
    offers = offers_at(units.xy, units.mass, ratio, centres, 16, units.start, units.handover)
    warm = offers.temperature(centres)
    blunt = 0.3 * float(np.median(warm))
    slack = task.shares * task.tolerance
    label = np.empty(len(units.mass), np.int64)

    def proven(price: np.ndarray) -> float:
        value = cheapest(units.xy, units.mass, ratio, centres, units.start, units.handover, units.movable, price, label)
        return value - float((price * task.shares).sum() + (slack * np.abs(price)).sum())

    price = best_price = np.zeros_like(task.shares)
    best = proven(price)
    heats, steps = HEATS, 40
    if len(units.mass) > COARSE:
        price, heats, steps = rough_prices(task, centres), HEATS[FINE:], 12
    for heat in heats:
        price, _, _ = raise_prices(
            offers, heat * warm, price, task.shares, steps=steps, enough=1e-4, slack=slack, blunt=heat * blunt
        )
        value = proven(price)
        if value > best:
            best, best_price = value, price
    return best_price, best


def rough_prices(task: Task, centres: np.ndarray) -> np.ndarray:
    """Prices (K, q) from runs of units as one, handovers left out: a start for the last steps on all units."""
    points, mass, measure = coarse(task.units.xy, task.units.mass, task.units.measure)
    offers = offers_at(points, mass, measure / mass[:, None], centres, NEAR)
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
            enough=1e-4,
            slack=task.shares * task.tolerance,
            blunt=heat * blunt,
        )
    return price
