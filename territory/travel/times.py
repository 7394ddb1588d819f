"""The one interface to travel times: many to many, with what could not be reached said by name."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from territory.errors import DataError, Problem

if TYPE_CHECKING:
    import geopandas as gpd
    import shapely


@dataclass(frozen=True, eq=False)
class TravelMatrix:
    """Travel between places, from row to column.

    Parameters
    ----------
    minutes : (n, m) float; inf where there is no way
    metres : (n, m) float, along the quickest way; inf where there is no way
    snapped_metres : (n,) float
        How far each row's place is from where its way begins; 0 where nobody knows.
    snapped_metres_to : (m,) float
        The same of the columns.
    unreachable : labels of places, rows first
        Those that nothing leads to or from, other than themselves.
    is_estimate : the figures were not measured along roads
    """

    minutes: np.ndarray
    metres: np.ndarray
    snapped_metres: np.ndarray
    snapped_metres_to: np.ndarray
    unreachable: tuple[Hashable, ...] = ()
    is_estimate: bool = False

    def only(self, kept: Sequence[int] | np.ndarray) -> TravelMatrix:
        """The same between some of the places, by row; of a matrix from places to themselves."""
        kept = np.asarray(kept, int)
        pairs = np.ix_(kept, kept)
        return replace(
            self,
            minutes=self.minutes[pairs],
            metres=self.metres[pairs],
            snapped_metres=self.snapped_metres[kept],
            snapped_metres_to=self.snapped_metres_to[kept],
        )


FAR_OFF_METRES = 500.0
"""From here on a place is called far from the roads."""
_NAMED = 5


def far_off(matrix: TravelMatrix, names: Sequence[str]) -> list[Problem]:
    """Which of the places, by row, are far from where their way begins: one problem that names the farthest."""
    metres = matrix.snapped_metres
    far = [row for row in np.argsort(-metres, kind="stable").tolist() if metres[row] > FAR_OFF_METRES]
    if not far:
        return []
    told = ", ".join(f"{names[row]} {metres[row] / 1000:.1f} km" for row in far[:_NAMED])
    rest = f" and {len(far) - _NAMED} more" if len(far) > _NAMED else ""
    what = f"{len(far)} {'place is' if len(far) == 1 else 'places are'} far from the nearest road: {told}{rest}."
    zh = f"{len(far)} 个地点离最近的道路较远：{told}{' 等' if rest else ''}。请检查坐标，或使用包含所有地点的路网数据。"
    return [Problem("roads", what, "Check coordinates, or take an extract that holds all places.", zh)]


class TravelTimes(Protocol):
    """Where minutes and metres come from.

    Points are a GeoSeries in metres, in any projected CRS; its index names the places. The same question gets the same
    answer, and asking twice costs little.
    """

    @property
    def name(self) -> str:
        """What people call it, as "straight line" or "roads of Porto"."""

    @property
    def is_estimate(self) -> bool:
        """Whether figures are guessed from straight lines instead of measured along roads."""

    @property
    def hours(self) -> tuple[int, ...]:
        """For each of the 24 hours of a day the first one with the same answers; all 0 where the hour is no matter."""

    @property
    def fingerprint(self) -> str:
        """Text that differs when answers may differ."""

    def matrix(
        self, points: gpd.GeoSeries, to: gpd.GeoSeries | None = None, *, departure_minutes: float | None = None
    ) -> TravelMatrix:
        """Travel from each of `points` (n) to each of `to` (m), by default to `points` themselves.

        Parameters
        ----------
        points, to : GeoSeries of points, metres
        departure_minutes : minutes after midnight, for sources that know the hours; by default a working day's mean

        Raises
        ------
        DataError
            A place is missing, or the source cannot answer.
        """

    def path(self, points: gpd.GeoSeries, *, departure_minutes: float | None = None) -> list[shapely.LineString]:
        """The way from each point to the next: n - 1 lines in the CRS of `points`, straight where there is none."""


def coordinates_of(points: gpd.GeoSeries) -> np.ndarray:
    """(n, 2) float metres of a GeoSeries of points; DataError when it has no CRS in metres or a place is missing."""
    problems = []
    if points.crs is None or not points.crs.is_projected:
        where, what = "points, crs", "travel is reckoned in metres, and the points are in degrees or have no CRS."
        problems.append(Problem(where, what, "Give them in a projected CRS, as portfolio.customers.geometry is."))
    missing = points.index[points.isna() | points.is_empty]
    problems += [
        Problem(f"place '{name}'", "it has no coordinates.", "Give it some, or leave it out.") for name in missing
    ]
    if problems:
        raise DataError(problems)
    return np.column_stack([points.x, points.y]).astype(float).reshape(-1, 2)
