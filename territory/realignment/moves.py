"""Each move of a plan in words and figures: its reason, its price, and who else could have had the customer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from territory.model import MEASURES, Basis, percent


def shares_of(loads: np.ndarray) -> np.ndarray:
    """(n, q) measures as parts of their totals."""
    return loads / np.maximum(loads.sum(axis=0), 1e-300)


def mass_of(loads: np.ndarray, weights: Sequence[float] | np.ndarray = ()) -> np.ndarray:
    """(n,) the weighted mean of each customer's shares of the measures (n, q); all weigh alike without weights (q,)."""
    weight = np.asarray(weights, float) if len(weights) else np.ones(loads.shape[1])
    return shares_of(loads) @ (weight / weight.sum())


def price_moves(
    basis: Basis, xy: np.ndarray, loads: np.ndarray, moved: np.ndarray, came: np.ndarray, to: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What each move saves against staying, in percent of the plan's objective, and who else could have had it.

    A customer costs a territory its squared distance to the centre x its mass, plus the prices of its loads there.

    Parameters
    ----------
    basis : Basis, of K territories
    xy : (n, 2) float, metres
    loads : (n, q) float, the measures of every customer
    moved : (m,) int, rows that move
    came, to : (m,) int, the territory that each leaves, -1 when it is not among the K, and the one it goes to

    Returns
    -------
    price : (m, 2) float, percent, what staying would cost in balance and in distance; their sum is the price of the
        move; against the runner-up where `came` is -1
    runner_up : (m,) int, the cheapest territory but `to`
    """
    rows = np.arange(len(moved))
    away = ((xy[moved][:, None, :] - basis.centres[None]) ** 2).sum(axis=2)
    cost = np.stack(
        [shares_of(loads)[moved] @ basis.load_price.T, away * mass_of(loads, basis.weights)[moved][:, None]]
    )
    others = cost.sum(axis=0)
    others[rows, to] = np.inf
    second = others.argmin(axis=1) if len(basis.territories) > 1 else to
    stay = np.where(came >= 0, came, second)
    price = (cost[:, rows, stay] - cost[:, rows, to]).T / max(basis.objective, 1e-12) * 100
    return np.round(price, 4), second


class Reasons:
    """Says in words why a customer changes territory, and what staying would cost."""

    def __init__(self, basis: Basis, before: pd.DataFrame | None, xy: np.ndarray) -> None:
        self._basis, self._before, self._xy = basis, before, xy
        self._worst_of: dict[str, tuple[str, float]] = {}

    def __call__(self, row: int, came: int, to: int, price: np.ndarray) -> str:
        if came < 0:
            return "its territory has no rep"
        parts = [self._out(came), self._in(to)]
        words = [part for part in parts if part]
        nearer = self._km(row, came) - self._km(row, to)
        if nearer >= 0.5 or not words:
            words.append(f"{abs(nearer):.0f} km {'nearer' if nearer >= 0 else 'farther'}")
        balance, distance = (f"{'costs' if part >= 0 else 'saves'} {abs(part):.3g} %" for part in price)
        return f"{'; '.join(words)}; staying {balance} in balance, {distance} in distance"

    def _out(self, territory: int) -> str:
        name = self._basis.territories[territory]
        worst, value = self._worst(name)
        if value > 0:
            return f"{name} is {percent(value)} over its share of {worst}"
        return f"{name} takes from its other neighbours and passes on"

    def _in(self, territory: int) -> str:
        name = self._basis.territories[territory]
        worst, value = self._worst(name)
        return f"{name} is {percent(-value)} under its share of {worst}" if value < 0 else ""

    def _worst(self, name: str) -> tuple[str, float]:
        """The measure on which a territory is farthest from its share today, and how far."""
        if name not in self._worst_of:
            self._worst_of[name] = self._farthest(name)
        return self._worst_of[name]

    def _farthest(self, name: str) -> tuple[str, float]:
        if self._before is None or name not in self._before.index:
            return MEASURES[0], 0.0
        today = {measured: float(self._before.loc[name, f"deviation_{measured}"]) for measured in MEASURES}
        worst = max(MEASURES, key=lambda measured: abs(today[measured]))
        return worst, today[worst]

    def _km(self, row: int, territory: int) -> float:
        return float(np.hypot(*(self._xy[row] - self._basis.centres[territory]))) / 1000
