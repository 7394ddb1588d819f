"""Minutes of travel that each customer costs in a year."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial import cKDTree

from territory.model import Rules
from territory.neighbours import collapse

WORKING_DAYS_PER_WEEK = 5


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
    minutes_per_metre = rules.detour_factor / (rules.speed_kmh * 1000 / 60)
    between = stop_metres(xy, rules.stop_factor, rules.density_neighbours) * minutes_per_metre
    there_and_back = 2 * _nearest_home_metres(xy, homes) * minutes_per_metre
    minutes_per_day = rules.hours_per_week * 60 / WORKING_DAYS_PER_WEEK
    days_per_visit = (minutes_per_visit + between) / minutes_per_day
    per_visit = between + days_per_visit * there_and_back
    return np.round(rules.travel_factor * visits_per_year * per_visit, 6)


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
