"""What the page of a day or a month is told: stops, times and ways as plain lists and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from territory.geo import from_wgs84
from territory.itinerary import Day
from territory.itinerary.days import LEFT_OUT_COLUMNS
from territory.languages import Said
from territory.maps.payload import DEGREE


def describe_days(
    days: Sequence[Day], *, crs: str, left_out: pd.DataFrame | None = None, notes: Sequence[Said] = ()
) -> dict[str, Any]:
    """Everything the page shows, as JSON types.

    Parameters
    ----------
    days : Day, by date and rep
    crs : {"wgs84", "gcj02"}
        What the drawn coordinates are in.
    left_out : DataFrame with ``rep_id``, ``customer_id``, ``reason``, and perhaps ``name`` and ``reason_zh``
        Who is visited on none of the days.
    notes : Said
        What is to be said of all days.

    Returns
    -------
    dict
        ``reps``: [id, name] each. ``days``: one object each; ``rep`` is a number among the reps, times HH:MM, places
        x, y are whole parts of a degree counted from ``origin``, lines are differences of such. Stops have ``lon``,
        ``lat`` in WGS-84 beside, and ``amap`` in GCJ-02, for the links.
    """
    reps = {day.rep: day.rep_name for day in days}
    plane = _Plane(days, crs)
    return {
        "kind": "days",
        "degree": DEGREE,
        "origin": plane.origin,
        "reps": [[rep, name] for rep, name in reps.items()],
        "days": [_day(day, list(reps).index(day.rep), plane) for day in days],
        "left_out": _left_out(left_out, list(reps)),
        "notes": [list(note) for note in notes],
    }


def _left_out(left_out: pd.DataFrame | None, reps: list[str]) -> list[list[list[str]]]:
    """Rows of `LEFT_OUT_COLUMNS` of who is visited on no day, for each rep."""
    if left_out is None:
        return [[] for _ in reps]
    return [_texts(left_out[left_out["rep_id"] == rep]) for rep in reps]


def _texts(left_out: pd.DataFrame) -> list[list[str]]:
    named = left_out.reindex(columns=list(LEFT_OUT_COLUMNS))
    texts: list[list[str]] = named.astype(object).fillna("").astype(str).to_numpy().tolist()
    return texts


class _Plane:
    """From degrees to the whole numbers of the page."""

    def __init__(self, days: Sequence[Day], crs: str) -> None:
        self._crs = crs
        self._middle = days[0].begin[0] if days else 0.0
        self._origin = np.zeros(2, np.int64)
        corners = [self.whole(np.array([day.begin, day.end, *day.stops[["lon", "lat"]].to_numpy()])) for day in days]
        if corners:
            self._origin = np.vstack(corners).min(axis=0)

    @property
    def origin(self) -> list[int]:
        return [int(value) for value in self._origin]

    def whole(self, degrees: np.ndarray) -> np.ndarray:
        """(n, 2) degrees to (n, 2) whole numbers from the origin."""
        if not len(degrees):
            return np.empty((0, 2), np.int64)
        lon, lat = from_wgs84(degrees[:, 0], degrees[:, 1], self._crs)
        # Without the jump at the antimeridian.
        lon = (lon - self._middle + 180) % 360 - 180 + self._middle
        return np.rint(np.column_stack([lon, lat]) * DEGREE).astype(np.int64) - self._origin

    def steps(self, degrees: np.ndarray) -> list[int]:
        """A line as x, y of its first corner and then differences."""
        whole = self.whole(degrees)
        steps = np.vstack([whole[:1], np.diff(whole, axis=0)])
        kept = np.r_[True, (steps[1:] != 0).any(axis=1)][: len(steps)]
        return [int(value) for value in steps[kept].ravel()]


def _day(day: Day, rep: int, plane: _Plane) -> dict[str, Any]:
    return {
        **day.figures,
        "rep": rep,
        "is_estimate": day.is_estimate,
        "pause": [f"{moment:%H:%M}" for moment in day.pause] if day.pause else None,
        "begin": plane.whole(np.array([day.begin]))[0].tolist(),
        "end": plane.whole(np.array([day.end]))[0].tolist(),
        "legs": [plane.steps(leg) for leg in day.legs],
        "stops": _stops(day, plane),
        "left_out": _texts(day.left_out),
    }


def _stops(day: Day, plane: _Plane) -> list[dict[str, Any]]:
    lon, lat = day.stops["lon"].to_numpy(float), day.stops["lat"].to_numpy(float)
    drawn = plane.whole(np.column_stack([lon, lat]))
    shifted = np.column_stack(from_wgs84(lon, lat, "gcj02")).round(6)
    return [
        {
            "id": str(row["customer_id"]),
            "name": str(row["name"]),
            "x": int(x),
            "y": int(y),
            "lon": round(row["lon"], 6),
            "lat": round(row["lat"], 6),
            "amap": amap.tolist(),
            "arrive": f"{row['arrive']:%H:%M}",
            "start": f"{row['start']:%H:%M}",
            "leave": f"{row['leave']:%H:%M}",
            "wait": round(row["wait_minutes"]),
            "minutes": round(row["minutes"]),
            "drive_minutes": round(row["drive_minutes"], 1),
            "drive_km": round(row["drive_km"], 1),
            "appointment": bool(row["appointment"]),
        }
        for row, (x, y), amap in zip(day.stops.to_dict("records"), drawn, shifted, strict=True)
    ]
