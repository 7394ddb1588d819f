"""Each move of a plan in words and figures: its reason, its price, and who else could have had the customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from territory.measures import ground_of
from territory.model import MEASURES, Basis, Portfolio, percent
from territory.realignment.ways import squared_metres
from territory.realignment.wishes import allowed_by_skills, group_codes

VACANT, BY_HAND = "its territory has no rep", "moved by hand"
SKILLS = "its territory's rep lacks the skills it needs"
GROUP = "its group is kept together"
PIECES = "nobody beside it stays: alone it would be cut off"
PLAIN = {"vacant": VACANT, "skills": SKILLS, "group": GROUP, "pieces": PIECES, "by_hand": BY_HAND}
"""The reasons of moves that no balance asks for, by their kind."""


def shares_of(loads: np.ndarray) -> np.ndarray:
    """(n, q) measures as parts of their totals."""
    return loads / np.maximum(loads.sum(axis=0), 1e-300)


def mass_of(loads: np.ndarray, weights: Sequence[float] | np.ndarray = ()) -> np.ndarray:
    """(n,) the weighted mean of each customer's shares of the measures (n, q); all weigh alike without weights (q,)."""
    weight = np.asarray(weights, float) if len(weights) else np.ones(loads.shape[1])
    return shares_of(loads) @ (weight / weight.sum())


def price_moves(
    basis: Basis,
    portfolio: Portfolio,
    loads: np.ndarray,
    moved: np.ndarray,
    came: np.ndarray,
    to: np.ndarray,
    *,
    allowed: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """What each move saves against staying, in percent of the plan's objective, and who else could have had it.

    A customer costs a territory its squared distance to the centre x its mass, plus the prices of its loads there.

    Parameters
    ----------
    basis : Basis, of K territories
    portfolio : Portfolio of n customers
    loads : (n, q) float, the measures of every customer
    moved : (m,) int, rows that move
    came, to : (m,) int, the territory that each leaves, -1 when it is not among the K, and the one it goes to
    allowed : (n, K) bool, whose rep knows what a customer needs; None where nobody needs anything

    Returns
    -------
    price : (m, 2) float, percent, what staying would cost in balance and in distance; their sum is the price of the
        move; against the runner-up where `came` is -1
    runner_up : (m,) int, the cheapest territory but `to`, of those that are allowed if there is one
    """
    rows = np.arange(len(moved))
    away = squared_metres(portfolio, basis, moved[:, None], np.arange(len(basis.territories))[None])
    cost = np.stack(
        [shares_of(loads)[moved] @ basis.load_price.T, away * mass_of(loads, basis.weights)[moved][:, None]]
    )
    others = cost.sum(axis=0)
    others[rows, to] = np.inf
    if allowed is not None:
        # Without another that is allowed, it is the cheapest of them all: none would be no answer.
        has_other = allowed[moved].sum(axis=1) > 1
        others[has_other[:, None] & ~allowed[moved]] = np.inf
    second = others.argmin(axis=1) if len(basis.territories) > 1 else to
    stay = np.where(came >= 0, came, second)
    price = (cost[:, rows, stay] - cost[:, rows, to]).T / max(basis.objective, 1e-12) * 100
    return np.round(price, 4), second


@dataclass(frozen=True)
class Reason:
    """Why a customer changes territory, as figures: the same in every language.

    ``kind`` is "vacant" (its territory has no rep), "skills" (its rep lacks what it needs), "group" (its group was in
    several territories, or goes as a whole), "pieces" (staying would be better for balance and distance, but everybody
    beside it leaves), "balance" or "by_hand".
    ``over`` is how far the territory it leaves is above its share of ``over_measure`` today, ``under`` how far the
    one it goes to is below; ratios, None when it is not. ``nearer_km`` is how much nearer the new centre is, None
    when that is not what decides. ``balance`` and ``distance`` are what staying would cost, in percent of the plan's
    objective; ``minutes`` how much longer the way from the middle of its territory would be.
    """

    kind: Literal["vacant", "skills", "group", "pieces", "balance", "by_hand"]
    over_measure: str | None = None
    over: float | None = None
    under_measure: str | None = None
    under: float | None = None
    nearer_km: float | None = None
    balance: float | None = None
    distance: float | None = None
    minutes: float | None = None

    def in_words(self, came: str, to: str) -> str:
        """In English, for a move from territory `came` to `to`."""
        if self.kind != "balance":
            return PLAIN[self.kind]
        words = [f"{came} takes from its other neighbours and passes on"]
        if self.over is not None:
            words = [f"{came} is {percent(self.over)} over its share of {self.over_measure}"]
        if self.under is not None:
            words.append(f"{to} is {percent(self.under)} under its share of {self.under_measure}")
        if self.nearer_km is not None:
            words.append(f"{self.nearer_km:.0f} km nearer to the middle")
        costs = (
            f"{'costs' if part >= 0 else 'saves'} {abs(part):.3g} %"
            for part in (self.balance, self.distance)
            if part is not None
        )
        said = f"{'; '.join(words)}; staying {' in balance, '.join(costs)} in distance"
        if self.minutes is None or abs(self.minutes) < 1:
            return said
        return f"{said}, {abs(self.minutes):.0f} min {'more' if self.minutes > 0 else 'less'} a way"


class Reasons:
    """Says why a customer changes territory, and what staying would cost.

    `label` (n,) int is the place of every customer's territory among those of the basis, as the plan has it.
    """

    def __init__(self, basis: Basis, before: pd.DataFrame | None, portfolio: Portfolio, label: np.ndarray) -> None:
        self._basis, self._before, self._portfolio, self._label = basis, before, portfolio, label
        self._group = group_codes(portfolio)
        detour = 1.0 if basis.is_by_road else portfolio.rules.detour_factor
        self._minutes_per_km = 60 * detour / portfolio.rules.speed_kmh
        self.allowed = allowed_by_skills(portfolio, list(basis.territories))

    def of(self, moved: np.ndarray, came: np.ndarray, to: np.ndarray, price: np.ndarray) -> list[Reason]:
        """The reason of each move; moved, came, to and price as in `price_moves`."""
        nearer = self._km(moved, came) - self._km(moved, to)
        return list(map(self._reason, moved.tolist(), came.tolist(), to.tolist(), price, nearer.tolist()))

    def _reason(self, row: int, came: int, to: int, price: np.ndarray, nearer: float) -> Reason:
        if came < 0:
            return Reason("vacant")
        if self.allowed is not None and not self.allowed[row, came]:
            return Reason("skills")
        if self._goes_with_group(row, came, price):
            return Reason("group")
        if (price <= 0).all() and price.any() and self._would_be_alone(row, came):
            return Reason("pieces")
        (over_measure, over), (under_measure, under) = (self._worst(each) for each in (came, to))
        return Reason(
            kind="balance",
            over_measure=over_measure if over > 0 else None,
            over=over if over > 0 else None,
            under_measure=under_measure if under < 0 else None,
            under=-under if under < 0 else None,
            nearer_km=nearer if nearer >= 0.5 else None,
            balance=float(price[0]),
            distance=float(price[1]),
            minutes=nearer * self._minutes_per_km,
        )

    def _goes_with_group(self, row: int, came: int, price: np.ndarray) -> bool:
        """Whether a customer goes because its group does: for itself staying is better, or others were elsewhere."""
        if self._group is None or self._group[row] < 0:
            return False
        together = self._group == self._group[row]
        return bool(price.sum() < 0 or (self._basis.start[together] != came).any())

    def _would_be_alone(self, row: int, came: int) -> bool:
        """Whether nobody on its place or beside it stays in the territory that it leaves."""
        return not self._held_near[ground_of(self._portfolio).graph.place_of[row], came]

    @cached_property
    def _held_near(self) -> csr_matrix:
        """(places, K) how many customers of each territory are on each place or beside it."""
        graph, label = ground_of(self._portfolio).graph, self._label
        count, owned = len(graph.places), np.flatnonzero(label >= 0)
        one, other = np.vstack([graph.pairs, graph.pairs[:, ::-1], np.tile(np.arange(count)[:, None], 2)]).T
        near = csr_matrix((np.ones(len(one)), (one, other)), shape=(count, count))
        held = (np.ones(len(owned)), (graph.place_of[owned], label[owned]))
        return near @ csr_matrix(held, shape=(count, len(self._basis.territories)))

    def _worst(self, territory: int) -> tuple[str, float]:
        """The measure on which a territory is farthest from its share today, and how far."""
        return self._worst_of.get(self._basis.territories[territory], (MEASURES[0], 0.0))

    @cached_property
    def _worst_of(self) -> dict[str, tuple[str, float]]:
        if self._before is None:
            return {}
        deviation = self._before.filter(like="deviation_").astype(float)
        measures, values = deviation.columns.str.removeprefix("deviation_"), deviation.to_numpy()
        worst = np.nan_to_num(np.abs(values)).argmax(axis=1)
        farthest = values[np.arange(len(worst)), worst].tolist()
        return dict(zip(deviation.index, zip(measures[worst], farthest, strict=True), strict=True))

    def _km(self, rows: np.ndarray, territories: np.ndarray) -> np.ndarray:
        return np.sqrt(squared_metres(self._portfolio, self._basis, rows, territories)) / 1000
