"""Minutes of travel that each customer costs in a year."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from territory.neighbours import collapse
from territory.rules import Rules
from territory.travel.line import LineTravel
from territory.travel.times import TravelTimes

if TYPE_CHECKING:
    import geopandas as gpd

WORKING_DAYS_PER_WEEK = 5
ASKED_AT_ONCE = 200
"""Places whose surroundings are asked about in one matrix."""


def line_minutes(
    xy: np.ndarray,
    visits_per_year: np.ndarray,
    homes: np.ndarray,
    minutes_per_visit: np.ndarray,
    rules: Rules,
) -> np.ndarray:
    """Travel from straight lines: a sum over customers that does not depend on who owns them.

    Two parts, as in Daganzo (1984): between the stops of a day, and from home to the day's stops and back.

    Parameters
    ----------
    xy : (n, 2) float, metres, the customers' places
    visits_per_year : (n,) float
    homes : (h, 2) float, metres, the reps' homes; h may be 0, and rows with NaN are homes nobody knows
    minutes_per_visit : (n,) float, minutes
    rules : Rules
        Uses speed, detour, stop factor, density neighbours, hours a week and the travel factor.

    Returns
    -------
    (n,) float, minutes a year, rounded to 1e-6 so that every machine gives the same

    Notes
    -----
    *Between stops.* A tour over places of density f has length beta x integral of sqrt(f) (Beardwood, Halton and
    Hammersley 1959, Proc. Cambridge Phil. Soc. 55), which is the sum over places of beta / sqrt(f at the place):
    `stop_metres`. Each visit pays its customer's part of that sum.

    *From home.* A visit takes (minutes per visit + drive between stops) / (minutes in a working day) of a day, and
    each day costs one drive there and back. The home is the nearest of all reps', not the owner's: the travel of
    a customer must not change with the alignment, or balancing would chase its own tail, and in a compact
    alignment the owner is mostly the nearest. What is wrong on average, `rules.travel_factor` calibrates from
    real routes.

    Daganzo (1984), "The distance traveled to visit N points with a maximum of C stops per vehicle",
    Transportation Science 18(4).
    """
    line = LineTravel.of(rules)
    between = stop_metres(xy, rules.stop_factor, rules.density_neighbours) * line.minutes_per_metre
    there_and_back = 2 * _nearest_home_metres(xy, homes) * line.minutes_per_metre
    return _yearly(between, there_and_back, visits_per_year, minutes_per_visit, rules)


def road_minutes(
    places: gpd.GeoSeries,
    visits_per_year: np.ndarray,
    homes: gpd.GeoSeries,
    minutes_per_visit: np.ndarray,
    rules: Rules,
    roads: TravelTimes,
) -> np.ndarray:
    """Travel by road: the two parts of `line_minutes`, with what a metre takes measured around each customer.

    Parameters
    ----------
    places : GeoSeries of points, (n,), metres
    visits_per_year, minutes_per_visit, rules
        As in `line_minutes`; of the rules, speed and detour count only where roads lead nowhere.
    homes : GeoSeries of points in the same CRS; missing ones are homes nobody knows
    roads : TravelTimes

    Returns
    -------
    (n,) float, minutes a year, rounded to 1e-6

    Notes
    -----
    *Between stops.* `stop_metres` times the minutes that roads take per metre of straight line between a customer and
    its nearest places (as many as density is taken from), both ways; those that no road leads to do not count.

    *From home.* There and back by road, from the home from which that is quickest.
    """
    xy = np.column_stack([places.x, places.y])
    straight = LineTravel.of(rules)
    per_metre = _minutes_per_metre(places, xy, rules.density_neighbours, roads, straight.minutes_per_metre)
    between = stop_metres(xy, rules.stop_factor, rules.density_neighbours) * per_metre
    there_and_back = _nearest_home_minutes(places, homes[homes.notna() & ~homes.is_empty], roads, straight)
    return _yearly(between, there_and_back, visits_per_year, minutes_per_visit, rules)


def _yearly(
    between: np.ndarray,
    there_and_back: np.ndarray,
    visits_per_year: np.ndarray,
    minutes_per_visit: np.ndarray,
    rules: Rules,
) -> np.ndarray:
    """Minutes a year, from minutes between stops and minutes of a day's way from home and back."""
    minutes_per_day = rules.hours_per_week * 60 / WORKING_DAYS_PER_WEEK
    days_per_visit = (minutes_per_visit + between) / minutes_per_day
    per_visit = between + days_per_visit * there_and_back
    return np.round(rules.travel_factor * visits_per_year * per_visit, 6)


def _minutes_per_metre(
    places: gpd.GeoSeries, xy: np.ndarray, neighbours: int, roads: TravelTimes, default: float
) -> np.ndarray:
    """(n,) float, minutes by road over metres as the crow flies, from each place to its nearest others and back."""
    spots, spot_of = collapse(xy)
    k = min(neighbours, len(spots) - 1)
    if k < 1:
        return np.full(len(xy), default)
    near = cKDTree(spots).query(spots, k=k + 1)[1]
    # Those near each other are asked about together, so that they share most of their neighbours.
    row_of_spot = np.unique(spot_of, return_index=True)[1]
    order = np.argsort(places.iloc[row_of_spot].hilbert_distance().to_numpy(), kind="stable")
    ratio = np.empty(len(spots))
    for block in np.array_split(order, math.ceil(len(order) / ASKED_AT_ONCE)):
        around, column = np.unique(near[block], return_inverse=True)
        here, there = places.iloc[row_of_spot[block]], places.iloc[row_of_spot[around]]
        both = roads.matrix(here, there).minutes + roads.matrix(there, here).minutes.T
        chosen = np.arange(len(block))[:, None], column.reshape(near[block].shape)
        metres = np.hypot(*(spots[block][:, None] - spots[near[block]]).transpose(2, 0, 1))
        known = np.isfinite(both[chosen])
        minutes, known_metres = (np.where(known, part, 0).sum(axis=1) for part in (both[chosen], 2 * metres))
        ratio[block] = np.divide(minutes, known_metres, out=np.full(len(block), default), where=known_metres > 0)
    return ratio[spot_of]


def _nearest_home_minutes(
    places: gpd.GeoSeries, homes: gpd.GeoSeries, roads: TravelTimes, straight: TravelTimes
) -> np.ndarray:
    """(n,) float, from the home from which it is quickest and back; straight where no road leads."""
    if not len(homes) or not len(places):
        return np.zeros(len(places))
    home = homes.drop_duplicates()

    def quickest(source: TravelTimes) -> np.ndarray:
        return (source.matrix(places, home).minutes + source.matrix(home, places).minutes.T).min(axis=1)

    minutes = quickest(roads)
    return minutes if np.isfinite(minutes).all() else np.where(np.isfinite(minutes), minutes, quickest(straight))


def stop_metres(xy: np.ndarray, stop_factor: float, neighbours: int) -> np.ndarray:
    """Each customer's part of one tour over all of them, as the crow flies.

    Customers at one place are one stop and share it equally.

    Parameters
    ----------
    xy : (n, 2) float, metres
    stop_factor : float
        Beta of Beardwood, Halton and Hammersley; 0.7124 in the plane for long tours (Johnson and McGeoch 1996).
    neighbours : int
        The local density is taken from the distance to this many nearest places, or to all when there are fewer.

    Returns
    -------
    (n,) float, metres; 0 when all stand at one place
    """
    places, place_of = collapse(xy)
    shared_by = np.bincount(place_of, minlength=len(places))
    return (stop_factor * _spacing_metres(places, neighbours) / shared_by)[place_of]


def _spacing_metres(places: np.ndarray, neighbours: int) -> np.ndarray:
    """1 / sqrt(local density) of distinct places.

    In a Poisson process of density f the distance r to the k-th neighbour has mean
    gamma(k + 1/2) / gamma(k) / sqrt(pi f) (Thompson 1956, Ecology 37), so r scaled like this has the mean 1 / sqrt(f).
    """
    k = min(neighbours, len(places) - 1)
    if k < 1:
        return np.zeros(len(places))
    reach = cKDTree(places).query(places, k=[k + 1])[0][:, 0]
    return reach * math.sqrt(math.pi) * math.exp(math.lgamma(k) - math.lgamma(k + 0.5))


def _nearest_home_metres(xy: np.ndarray, homes: np.ndarray) -> np.ndarray:
    known = homes[np.isfinite(homes).all(axis=1)]
    if not len(known) or not len(xy):
        return np.zeros(len(xy))
    return cKDTree(known).query(xy)[0]
