"""Travel as the crow flies, times a factor: always at hand, and always an estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from territory.rules import Rules
from territory.travel.hours import ANY_HOUR
from territory.travel.times import TravelMatrix, TravelTimes, coordinates_of

if TYPE_CHECKING:
    import geopandas as gpd
    import shapely

SAMPLE = 200
"""Places that a factor is fitted on."""


@dataclass(frozen=True)
class LineTravel:
    """Straight lines times a detour factor, at one speed.

    Parameters
    ----------
    detour_factor : ratio, metres by road over metres in a straight line
    speed_kmh : along the road
    fitted_on : name of the source that the figures were fitted on, "" when they are the rules'
    error : ratio, mean relative error of minutes on what it was fitted on; None when it was not fitted
    """

    detour_factor: float = 1.3
    speed_kmh: float = 50.0
    fitted_on: str = ""
    error: float | None = None

    is_estimate = True
    hours = ANY_HOUR

    @classmethod
    def of(cls, rules: Rules) -> LineTravel:
        """The line with the rules' speed and detour."""
        return cls(detour_factor=rules.detour_factor, speed_kmh=rules.speed_kmh)

    @property
    def name(self) -> str:
        """What people call it."""
        return f"straight line, fitted on {self.fitted_on}" if self.fitted_on else "straight line"

    @property
    def fingerprint(self) -> str:
        """Its figures."""
        return repr(self)

    @property
    def minutes_per_metre(self) -> float:
        """Minutes that a metre as the crow flies takes."""
        return self.detour_factor / (self.speed_kmh * 1000 / 60)

    def matrix(
        self, points: gpd.GeoSeries, to: gpd.GeoSeries | None = None, *, departure_minutes: float | None = None
    ) -> TravelMatrix:
        """See `TravelTimes.matrix`; the hour changes nothing."""
        start = coordinates_of(points)
        goal = start if to is None else coordinates_of(to if to.crs == points.crs else to.to_crs(points.crs))
        straight = cdist(start, goal)
        # Rounded, so that every machine's square roots give the same.
        return TravelMatrix(
            minutes=np.round(straight * self.minutes_per_metre, 6),
            metres=np.round(straight * self.detour_factor, 3),
            snapped_metres=np.zeros(len(start)),
            snapped_metres_to=np.zeros(len(goal)),
            is_estimate=True,
        )

    def path(self, points: gpd.GeoSeries, *, departure_minutes: float | None = None) -> list[shapely.LineString]:
        """See `TravelTimes.path`."""
        return straight_lines(coordinates_of(points))


def straight_lines(xy: np.ndarray) -> list[shapely.LineString]:
    """A line from each of (n, 2) places to the next."""
    import shapely

    if len(xy) < 2:
        return []
    return list(shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1)))


def fit_line(better: TravelTimes, points: gpd.GeoSeries, *, seed: int) -> LineTravel:
    """The straight line whose detour and speed come closest to a better source.

    Parameters
    ----------
    better : TravelTimes
    points : GeoSeries, metres
        Places where people travel; at most 200 of them are drawn.
    seed : which are drawn

    Returns
    -------
    LineTravel
        The factors are ratios of totals (minutes, metres and straight metres summed over all pairs), so that long
        ways count as much as they cost; ``error`` is the mean relative error of its minutes on the same pairs.
        Without two places that are connected the factors stay the defaults.
    """
    rng = np.random.default_rng(seed)
    drawn = points.iloc[np.sort(rng.permutation(len(points))[:SAMPLE])]
    known, straight = better.matrix(drawn), LineTravel(1.0, 60.0).matrix(drawn).metres
    used = np.isfinite(known.minutes) & (known.minutes > 0) & (straight > 0)
    if not used.any():
        return LineTravel()
    metres, minutes, line = (table[used] for table in (known.metres, known.minutes, straight))
    detour = max(1.0, float(metres.sum() / line.sum()))
    speed_kmh = float(detour * line.sum() / minutes.sum() * 60 / 1000)
    guessed = line * detour / (speed_kmh * 1000 / 60)
    error = float(np.mean(np.abs(guessed - minutes) / minutes))
    return LineTravel(round(detour, 6), round(speed_kmh, 6), better.name, round(error, 6))
