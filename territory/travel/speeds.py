"""How fast cars go: by class of road, by surface, by hour, and what a turn costs."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

CLASS_KMH: Mapping[str, float] = {
    "motorway": 90,
    "motorway_link": 45,
    "trunk": 85,
    "trunk_link": 40,
    "primary": 65,
    "primary_link": 30,
    "secondary": 55,
    "secondary_link": 25,
    "tertiary": 40,
    "tertiary_link": 20,
    "unclassified": 25,
    "residential": 25,
    "road": 25,
    "living_street": 10,
    "service": 15,
}
"""Roads that cars use, and their mean speed out of rush hour where no limit is posted, in km/h.

The figures are those that OSRM's car profile has settled on from years of use (Project OSRM, profiles/car.lua).
"""
CLASSES = tuple(CLASS_KMH)

OF_LIMIT = 0.8
"""Mean speed over the posted limit."""
ACCESS_KMH = 10.0
"""On the ground between a place and its road: yards, car parks."""
TURN_SECONDS, ABOUT_TURN_SECONDS = 7.0, 20.0
"""A turn costs from 0 (straight on) to this (sharply back); turning around in a dead end costs the other."""
SIGNAL_SECONDS, CROSSING_SECONDS, TOLL_SECONDS = 6.0, 1.0, 15.0
"""What a traffic light, a pedestrian crossing and a toll booth cost on average."""

SURFACE_KMH: Mapping[str, float] = {
    "cobblestone": 30,
    "sett": 40,
    "unhewn_cobblestone": 30,
    "compacted": 60,
    "fine_gravel": 60,
    "gravel": 40,
    "unpaved": 40,
    "dirt": 30,
    "earth": 30,
    "ground": 30,
    "grass": 20,
    "sand": 20,
    "mud": 10,
}
"""No faster than this on such a surface."""

_HEAVY = ("motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link")
_MIDDLE = ("secondary", "secondary_link", "tertiary", "tertiary_link")
# Minutes in an hour over minutes out of rush hour, by hour of day. An assumption of the shape that traffic
# counts of towns have (peaks at 8 and 18, arterial roads most), not a measurement of any one town.
_RUSH = (
    (0.95,) * 6
    + (1.05, 1.30, 1.45, 1.25, 1.10, 1.10, 1.15, 1.15, 1.10, 1.15, 1.30, 1.45, 1.45, 1.25, 1.05)
    + (0.95,) * 3
)
_SHARE = {**dict.fromkeys(_HEAVY, 1.0), **dict.fromkeys(_MIDDLE, 0.8)}
_SMALL_ROADS_SHARE = 0.4

HOUR_FACTORS = np.round(
    [[1 + (hour - 1) * _SHARE.get(name, _SMALL_ROADS_SHARE) for hour in _RUSH] for name in CLASSES], 4
)
"""(classes, 24) float, ratio: how much longer a road of a class takes in each hour than out of rush hour."""
WORKING_HOURS = slice(8, 18)
"""Whose mean is taken when nobody says when."""


def hour_of(departure_minutes: float | None) -> int:
    """The hour whose factors hold: 0 to 23, or -1 for the mean of a working day."""
    return -1 if departure_minutes is None else int(departure_minutes // 60) % 24


def hour_factors(table: np.ndarray, hour: int) -> np.ndarray:
    """(classes,) float, ratio, of `hour_of`'s answer."""
    return table[:, WORKING_HOURS].mean(axis=1) if hour < 0 else table[:, hour]


def limit_kmh(text: str | None) -> float | None:
    """A ``maxspeed`` as km/h: ``50``, ``30 mph``, the least of ``80; 50``; None for ``PT:urban`` or nothing."""
    found = [
        float(number) * (1.609344 if unit else 1)
        for number, unit in re.findall(r"(?<![\w:.])(\d+(?:\.\d+)?)\s*(mph)?", text or "")
    ]
    return min(found) if found and min(found) > 0 else None
