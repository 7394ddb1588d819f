"""Where reps live, and where one more could."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from territory.demand import derive_demand
from territory.model import Portfolio

_SQUARES = 1000
"""Homes are looked for in so many squares of the map."""


def known_homes(portfolio: Portfolio) -> np.ndarray:
    """(h, 2) metres: the homes of the reps whose home is known."""
    homes = np.column_stack([portfolio.reps.geometry.x, portfolio.reps.geometry.y]).astype(float)
    return homes[np.isfinite(homes).all(axis=1)]


def good_homes(portfolio: Portfolio, count: int) -> list[str]:
    """Customers at whose places one home more would shorten the ways to customers most.

    One after the other, each beside the homes there are and those chosen before, so that they lie apart.

    Parameters
    ----------
    portfolio : Portfolio
    count : how many, at most

    Returns
    -------
    list of customer_id, the best first; fewer than `count` when no further home shortens any way, none without
        customers

    Notes
    -----
    The greedy of Kuehn and Hamburger (1963, Management Science 9(4)): ways are straight lines, weighted by visits a
    year, from the nearest home; when no home is known, from the middle of today's territories. Customers are
    taken together by squares, a thousand of them or so, so that it takes no time with any number of customers.
    """
    if portfolio.customers.empty:
        return []
    squares = _squares(portfolio)
    known = known_homes(portfolio)
    if not len(known):
        owner = portfolio.alignment
        known = np.array([portfolio.xy[(owner == name).to_numpy()].mean(axis=0) for name in owner.dropna().unique()])
    between = _distances(squares.xy, squares.xy)
    if not len(known):
        known = (squares.visits @ squares.xy / squares.visits.sum())[None]
    way = _distances(squares.xy, known).min(axis=1)
    chosen: list[int] = []
    while len(chosen) < min(count, len(way)):
        gain = squares.visits @ np.maximum(way[:, None] - between, 0.0)
        gain[chosen] = -1.0
        best = int(gain.argmax())
        if gain[best] <= 0 and chosen:
            break
        chosen.append(best)
        way = np.minimum(way, between[:, best])
    return [portfolio.customers.index[squares.row[square]] for square in chosen]


@dataclass(frozen=True, eq=False)
class _Squares:
    """The map in squares: a customer amid the visits of each. xy (c, 2) metres; visits (c,) a year; row (c,)."""

    xy: np.ndarray
    visits: np.ndarray
    row: np.ndarray


def _squares(portfolio: Portfolio) -> _Squares:
    ids = portfolio.customers.index.to_numpy(str)
    order = np.argsort(ids, kind="stable")
    xy = portfolio.xy[order]
    visits = np.maximum(derive_demand(portfolio, travel="none")["visits_per_year"].to_numpy()[order], 1e-9)
    extent = np.ptp(xy, axis=0)
    side = max(float(np.sqrt(extent.prod() / _SQUARES)), float(extent.max()) / _SQUARES, 1.0)
    square = np.unique(((xy - xy.min(axis=0)) // side).astype(np.int64), axis=0, return_inverse=True)[1].ravel()
    total = np.bincount(square, visits)
    middle = np.column_stack([np.bincount(square, visits * along) / total for along in xy.T])
    # The customer nearest to the middle of its square; the first by id of those that are equally near.
    away = np.round(np.hypot(*(xy - middle[square]).T), 3)
    by_square = np.lexsort((away, square))
    first = by_square[np.unique(square[by_square], return_index=True)[1]]
    return _Squares(xy=xy[first], visits=total, row=order[first])


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(a, b) metres."""
    return np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])
