"""Where reps live, and where one more could."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from territory.model import Portfolio
from territory.rules import derive_values

_SQUARES = 1000
"""Homes are looked for in so many squares of the map."""


def known_homes(portfolio: Portfolio) -> np.ndarray:
    """(h, 2) metres: the homes of the reps whose home is known."""
    return _xy(_known(portfolio))


def assumed_homes(portfolio: Portfolio) -> gpd.GeoSeries:
    """A home for every rep: the one that is known, and for those unknown the places where homes shorten ways most.

    So that a rep who joins with a home, or one who leaves, changes travel by one home, whoever's else are known. The
    places do not depend on the alignment, for travel must not (`territory.travel.line_minutes`).

    Parameters
    ----------
    portfolio : Portfolio

    Returns
    -------
    GeoSeries of points in metres, the known homes first; none without reps. Fewer than there are reps when no further
        home shortens any way
    """
    known = _known(portfolio)
    unknown = len(portfolio.reps) - len(known)
    if not unknown or portfolio.customers.empty:
        return known
    squares = _squares(portfolio)
    places = portfolio.customers.geometry.iloc[squares.row[_spread(squares, _xy(known), unknown)]]
    return gpd.GeoSeries([*known, *places], crs=portfolio.customers.crs)


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
    if not len(known):
        known = (squares.visits @ squares.xy / squares.visits.sum())[None]
    return [portfolio.customers.index[row] for row in squares.row[_spread(squares, known, count)]]


def _known(portfolio: Portfolio) -> gpd.GeoSeries:
    homes = portfolio.reps.geometry
    return homes[homes.notna() & ~homes.is_empty]


def _xy(homes: gpd.GeoSeries) -> np.ndarray:
    return np.column_stack([homes.x, homes.y]).astype(float)


def _spread(squares: _Squares, homes: np.ndarray, count: int) -> list[int]:
    """Up to `count` squares, one after the other, each where a home more beside `homes` shortens ways most."""
    between = _distances(squares.xy, squares.xy)
    way = _distances(squares.xy, homes).min(axis=1, initial=between.max())
    chosen: list[int] = []
    while len(chosen) < min(count, len(way)):
        gain = squares.visits @ np.maximum(way[:, None] - between, 0.0)
        gain[chosen] = -1.0
        best = int(gain.argmax())
        if gain[best] <= 0 and chosen:
            break
        chosen.append(best)
        way = np.minimum(way, between[:, best])
    return chosen


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
    visits = np.maximum(derive_values(portfolio.customers, portfolio.rules)["visits_per_year"].to_numpy()[order], 1e-9)
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
