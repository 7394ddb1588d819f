"""How far customers are from a plan's centres: as the crow flies, or by road."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from territory.model import Basis, Portfolio

CANDIDATES = 12
"""How many customers of a territory are looked at for its middle."""

_BY_ROAD: WeakKeyDictionary[Portfolio, tuple[bytes, np.ndarray]] = WeakKeyDictionary()


def road_metres(portfolio: Portfolio, centres: np.ndarray) -> np.ndarray:
    """(n, K) metres by the portfolio's roads from every customer to centres, (K, 2) metres; only to be read.

    Where no road leads, the way is as much longer than the straight line as the worst of those that do; without roads
    it is the straight line. The last answer is kept as long as the portfolio.
    """
    asked = np.ascontiguousarray(centres).tobytes()
    kept = _BY_ROAD.get(portfolio)
    if kept is None or kept[0] != asked:
        kept = _BY_ROAD[portfolio] = (asked, _measured(portfolio, centres))
    return kept[1]


def squared_metres(portfolio: Portfolio, basis: Basis, rows: np.ndarray, territories: np.ndarray) -> np.ndarray:
    """Squared metres from customers to the basis' centres; rows and territories, int, are broadcast to one shape."""
    if basis.is_by_road:
        return road_metres(portfolio, basis.centres)[rows, territories] ** 2
    return ((portfolio.xy[rows] - basis.centres[territories]) ** 2).sum(axis=-1)


def middles(portfolio: Portfolio, rows: np.ndarray, mass: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """(K, 2) metres, for each territory the place of that customer to whom the ways of all its customers are short.

    Parameters
    ----------
    rows : (m,) int, customers; labels : (m,) int, their territories, none of K without any
    mass : (n,) float; a way counts squared, times its customer's mass

    Notes
    -----
    Looked for among those nearest to the centre of mass.
    """
    xy = portfolio.xy
    found = np.empty((count, 2))
    for territory in range(count):
        own = rows[labels == territory]
        middle = np.average(xy[own], axis=0, weights=mass[own])
        near = own[np.argsort(((xy[own] - middle) ** 2).sum(axis=1), kind="stable")[:CANDIDATES]]
        places = np.unique(xy[near], axis=0)
        cost = mass[own] @ _measured(portfolio, places, own) ** 2
        found[territory] = places[cost.argmin()]
    return found


def far_apart(portfolio: Portfolio, rows: np.ndarray, mass: np.ndarray, count: int) -> np.ndarray:
    """(K, 2) metres, places of customers that are far from each other by road: each next one where most mass is far.

    The first is far from the middle of all (farthest-first traversal, Gonzalez 1985, by mass x squared way).
    """
    xy = portfolio.xy[rows]
    found = np.average(xy, axis=0, weights=mass[rows])[None]
    nearest = ((xy - found) ** 2).sum(axis=1)
    for at in range(count):
        place = xy[int((mass[rows] * nearest).argmax())][None]
        away = _measured(portfolio, place, rows)[:, 0] ** 2
        found, nearest = np.vstack([found, place]), away if at == 0 else np.minimum(nearest, away)
    return found[1:]


def _measured(portfolio: Portfolio, centres: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """(m, k) metres from these customers, by default from all."""
    import geopandas as gpd

    rows = np.arange(len(portfolio.customers)) if rows is None else rows
    customers = portfolio.customers.geometry.iloc[rows]
    places = gpd.GeoSeries(gpd.points_from_xy(*centres.T), crs=customers.crs)
    straight = np.hypot(*(portfolio.xy[rows][:, None, :] - centres[None]).transpose(2, 0, 1))
    metres = straight if portfolio.roads is None else portfolio.roads.matrix(customers, places).metres
    reached = np.isfinite(metres) & (straight > 0)
    worst = float((metres[reached] / straight[reached]).max(initial=1.0))
    return np.where(np.isfinite(metres), metres, worst * straight)
