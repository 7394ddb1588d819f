"""Travel out of a table of minutes that somebody else has reckoned; straight lines fill its gaps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from territory.errors import Problem
from territory.neighbours import collapse
from territory.travel.hours import ANY_HOUR
from territory.travel.line import LineTravel, straight_lines
from territory.travel.times import TravelMatrix, coordinates_of

if TYPE_CHECKING:
    import geopandas as gpd
    import pyproj
    import shapely

NEAR_METRES = 1.0
"""A point as near as this to a place of the table is that place: files, maps and phones round coordinates."""


@dataclass(frozen=True, eq=False)
class TableTravel:
    """Minutes and metres of a table; `TableTravel.of` makes one.

    Parameters
    ----------
    name : what people call it
    places : (p, 2) float, metres in `crs`, distinct
    crs : of the places
    pairs : (e,) int64, ascending: row of `places` where it begins x p + row where it ends
    minutes, metres : (e,) float, of these pairs
    line : LineTravel
        What every other pair is reckoned with, and ways to places that are not in the table.
    given : how many of the pairs the table named; the others are as long as their way back
    notes : what reading it found

    Notes
    -----
    It `is_estimate` unless the table names every pair of its places, in one direction at least. A matrix says the same
    of the pairs that were asked for.
    """

    name: str
    places: np.ndarray
    crs: pyproj.CRS
    pairs: np.ndarray
    minutes: np.ndarray
    metres: np.ndarray
    line: LineTravel
    given: int
    notes: tuple[Problem, ...] = ()

    hours = ANY_HOUR

    @classmethod
    def of(
        cls,
        name: str,
        points: gpd.GeoSeries,
        start: np.ndarray,
        goal: np.ndarray,
        minutes: np.ndarray,
        metres: np.ndarray,
        *,
        default: LineTravel,
    ) -> TableTravel:
        """The travel that a table says.

        Parameters
        ----------
        name : what people call it
        points : GeoSeries of points, (n,), metres
        start, goal : (k,) int, rows of `points`
        minutes : (k,) float
        metres : (k,) float, NaN where nobody knows
            They are then what the table's own speed covers in these minutes: a way around a river is long, too.
        default : LineTravel
            Its detour holds where the table has no metres, its pace where the table has no minutes above 0.

        Returns
        -------
        TableTravel
            Its ``line`` has the median pace and detour of the pairs given: one bridge among many streets changes
            neither. Of several rows for one pair of places (two customers in one house) the quickest holds; a way
            to the same place is nothing. The order of rows changes nothing.
        """
        places, place_of = collapse(coordinates_of(points))
        start, goal = place_of[start], place_of[goal]
        count, apart = len(places), start != goal
        pairs, minutes, metres = _quickest((start * count + goal)[apart], minutes[apart], metres[apart])
        straight = np.hypot(*(places[pairs // count] - places[pairs % count]).T)
        line = _fitted(name, straight, minutes, metres, default)
        metres = np.where(np.isnan(metres), np.round(minutes * line.speed_kmh * 1000 / 60, 3), metres)
        back = pairs % count * count + pairs // count
        lacking = ~_found(pairs, back)[1]
        both = np.concatenate([pairs, back[lacking]])
        order = np.argsort(both, kind="stable")
        minutes, metres = (np.concatenate([part, part[lacking]])[order] for part in (minutes, metres))
        return cls(name, places, points.crs, both[order], minutes, metres, line, given=len(pairs))

    @property
    def mirrored(self) -> int:
        """How many pairs are as long as their way back, which alone was given."""
        return len(self.pairs) - self.given

    @property
    def reckoned(self) -> int:
        """How many pairs of its places are reckoned from straight lines."""
        return len(self.places) * (len(self.places) - 1) - len(self.pairs)

    @property
    def is_estimate(self) -> bool:
        """Whether the table lacks a pair of its places in both directions."""
        return self.reckoned > 0

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over places, pairs and figures; the order of the table's rows changes nothing."""
        line = (self.line.detour_factor, self.line.speed_kmh)
        digest = hashlib.sha256(f"{self.crs.to_string()} {line}".encode())
        for values in (self.places, self.pairs, self.minutes, self.metres):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def matrix(
        self, points: gpd.GeoSeries, to: gpd.GeoSeries | None = None, *, departure_minutes: float | None = None
    ) -> TravelMatrix:
        """See `TravelTimes.matrix`; the hour changes nothing."""
        start = self._metres_of(points)
        goal = start if to is None else self._metres_of(to)
        begins, ends = self._place_of(start)[:, None], self._place_of(goal)[None, :]
        is_listed = (begins >= 0) & (ends >= 0)
        at, is_known = _found(self.pairs, np.where(is_listed, begins * len(self.places) + ends, -1))
        straight = cdist(start, goal)
        straight[is_listed & (begins == ends)] = 0.0
        # Rounded, so that every machine's square roots give the same.
        minutes = np.round(straight * self.line.minutes_per_metre, 6)
        metres = np.round(straight * self.line.detour_factor, 3)
        minutes[is_known], metres[is_known] = self.minutes[at[is_known]], self.metres[at[is_known]]
        return TravelMatrix(
            minutes=minutes,
            metres=metres,
            snapped_metres=np.zeros(len(start)),
            snapped_metres_to=np.zeros(len(goal)),
            is_estimate=bool((~is_known & (straight > 0)).any()),
        )

    def path(self, points: gpd.GeoSeries, *, departure_minutes: float | None = None) -> list[shapely.LineString]:
        """See `TravelTimes.path`: straight, for a table does not say where the way runs."""
        return straight_lines(coordinates_of(points))

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.places)

    def _metres_of(self, points: gpd.GeoSeries) -> np.ndarray:
        xy = coordinates_of(points)
        return xy if points.crs == self.crs else coordinates_of(points.to_crs(self.crs))

    def _place_of(self, xy: np.ndarray) -> np.ndarray:
        """(n,) int, row of `places` of each point; -1 for those that are none of them."""
        row = self._tree.query(xy, distance_upper_bound=NEAR_METRES)[1]
        return np.where(row < len(self.places), row, -1)


def _quickest(pairs: np.ndarray, minutes: np.ndarray, metres: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each pair once, ascending, with the figures of its quickest row."""
    order = np.lexsort((metres, minutes, pairs))
    ordered = pairs[order]
    first = order[np.append(True, ordered[1:] != ordered[:-1])[: len(order)]]
    return pairs[first], minutes[first], metres[first]


def _found(pairs: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where in `pairs`, ascending, each one wanted would be, and whether it is there; both of the shape of `wanted`."""
    if not len(pairs):
        return np.zeros(wanted.shape, int), np.zeros(wanted.shape, bool)
    at = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    return at, pairs[at] == wanted


def _fitted(
    name: str, straight: np.ndarray, minutes: np.ndarray, metres: np.ndarray, default: LineTravel
) -> LineTravel:
    """The straight line with the median detour and pace of these pairs, and how far off it is on them."""
    is_measured, is_timed = metres > 0, minutes > 0
    detour = float(np.median((metres / straight)[is_measured])) if is_measured.any() else default.detour_factor
    if not is_timed.any():
        return LineTravel(round(detour, 6), default.speed_kmh)
    line, taken = straight[is_timed], minutes[is_timed]
    pace = float(np.median(taken / line))
    error = float(np.mean(np.abs(line * pace - taken) / taken))
    return LineTravel(round(detour, 6), round(detour / pace * 60 / 1000, 6), name, round(error, 6))
