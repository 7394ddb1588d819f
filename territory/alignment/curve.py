"""What balance costs: how much more any plan at the same centres must cost under each tolerance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from territory.alignment.bound import choose, prices_at
from territory.alignment.task import Task

FACTORS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""How many times the tolerance asked is looked at."""
NOTHING = 5e-4
"""An extra that is shown as none."""
IMPOSSIBLE, NO_TRAVEL = 1e3, 1e-9
"""Extra from which on there is no plan under a tolerance at all; and what no plan costs that has any way to go."""


def cost_of_balance(task: Task, centres: np.ndarray, price: np.ndarray) -> tuple[tuple[float, float], ...]:
    """(factor, extra): in bands of `factor` times their width, no plan at these centres costs less than `extra` more.

    `price` (K, q) are prices that are about right. Extra is a ratio of what the cheapest plan without any band costs,
    0 and up, and falls with the factor; after the first factor that costs nothing the curve ends. Bounds of linear
    programmes (see `bound`), so what it costs to be in one piece comes on top. Tolerances under which there is no such
    plan, because of limits on what a territory may hold, are left out.
    """
    nobody = np.empty(len(task.units.mass), np.int64)
    free = choose(task, centres, np.zeros_like(price), nobody) + task.units.scatter
    if free <= NO_TRAVEL:
        return ()
    found: list[tuple[float, float]] = []
    # A lower bound under wide bands is one under narrow ones, too; from wide to narrow, prices grow little by little.
    least, near = 0.0, np.zeros_like(price)
    for factor in reversed(FACTORS):
        # Where a limit leaves no room for the fair share itself, a wider tolerance moves the other end only.
        low, high = task.band[:, :, 0], task.band[:, :, 1]
        band = np.stack([np.minimum(low, low * factor), np.maximum(high, high * factor)], axis=2)
        wider = replace(task, band=np.maximum(band, -1.0))
        near, bound = prices_at(wider, centres, near=price if factor == 1.0 else near)
        least = max(least, bound / free - 1.0)
        found.append((factor, least))
    curve = [(factor, extra) for factor, extra in found[::-1] if extra < IMPOSSIBLE]
    last = next((at for at, (_, extra) in enumerate(curve) if extra < NOTHING), len(curve) - 1)
    return tuple(curve[: last + 1])
