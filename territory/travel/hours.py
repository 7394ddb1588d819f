"""Travel hour by hour, from sources that know the hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from territory.travel.times import TravelMatrix, TravelTimes

if TYPE_CHECKING:
    import geopandas as gpd
    import shapely

ANY_HOUR = (0,) * 24
"""The `hours` of a source whose answers do not depend on the hour."""


@dataclass(frozen=True, eq=False)
class HourlyTimes:
    """Travel between n places in each hour of a span of the day; before and after as in its first and last hour.

    first_hour : from midnight
    matrices : one an hour, from `first_hour` on
    """

    first_hour: int
    matrices: tuple[TravelMatrix, ...]

    @cached_property
    def minutes(self) -> np.ndarray:
        """(h, n, n) float, minutes from row to column in each hour; inf where there is no way."""
        return np.stack([matrix.minutes for matrix in self.matrices])

    @cached_property
    def metres(self) -> np.ndarray:
        """(h, n, n) float, metres of the quickest way in each hour."""
        return np.stack([matrix.metres for matrix in self.matrices])

    @cached_property
    def mean(self) -> TravelMatrix:
        """The mean over the hours."""
        return replace(self.matrices[0], minutes=self.minutes.mean(axis=0), metres=self.metres.mean(axis=0))

    def hour_at(self, minute: Sequence[float] | np.ndarray) -> np.ndarray:
        """Which of the matrices holds at each of so many minutes since midnight, (k,) int."""
        hour = np.floor(np.asarray(minute) / 60).astype(int) - self.first_hour
        return np.clip(hour, 0, len(self.matrices) - 1)

    def only(self, kept: Sequence[int] | np.ndarray) -> HourlyTimes:
        """The same between some of the places, by row."""
        return replace(self, matrices=tuple(matrix.only(kept) for matrix in self.matrices))


def hourly_times(travel: TravelTimes, points: gpd.GeoSeries, begin: float, until: float) -> HourlyTimes | None:
    """Travel between places in each hour from `begin` to `until`, minutes since midnight.

    None where the hour does not matter, because the source does not know it or because all these hours are alike.
    """
    first = int(begin // 60)
    hours = [hour % 24 for hour in range(first, max(int(-(-until // 60)), first + 1))]
    alike = [travel.hours[hour] for hour in hours]
    if len(set(alike)) == 1:
        return None
    of = {hour: travel.matrix(points, departure_minutes=60.0 * hour) for hour in dict.fromkeys(alike)}
    return HourlyTimes(first, tuple(of[hour] for hour in alike))


def ways_at(
    travel: TravelTimes, points: gpd.GeoSeries, leave: Sequence[float] | np.ndarray
) -> list[shapely.LineString]:
    """The way from each point to the next, as it is driven when each is left at `leave` minutes since midnight."""
    if len(set(travel.hours)) == 1:
        return travel.path(points)
    pairs = zip(pairwise(range(len(points))), leave, strict=True)
    return [way for (a, b), at in pairs for way in travel.path(points.iloc[[a, b]], departure_minutes=at)]
