"""The days of a call plan, with the places and ways that the plan itself does not hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.changes import need_rep
from territory.errors import NotFoundError, Problem
from territory.geo import unproject
from territory.itinerary.days import LEFT_OUT_COLUMNS, STOP_COLUMNS, Day, rep_name_of
from territory.model import Portfolio
from territory.travel import LineTravel, TravelTimes, ways_at

if TYPE_CHECKING:
    import geopandas as gpd

    from territory.callplan import CallPlan

HOME = "home"


def days_of_calls(
    calls: CallPlan, portfolio: Portfolio, *, rep: str | None = None, travel: TravelTimes | None = None
) -> list[Day]:
    """The days with visits of a call plan, by rep and date; see `days_of`."""
    if rep is not None and rep not in calls.reps:
        raise NotFoundError([Problem("rep", f"'{rep}' is not in the plan.", f"There are {', '.join(calls.reps)}.")])
    need_rep(portfolio.reps, calls.reps if rep is None else [rep])
    planned = calls.days[calls.days["visits"] > 0]
    planned = planned if rep is None else planned[planned["rep_id"] == rep]
    visits = dict(iter(calls.visits.groupby(["rep_id", "day"])))
    way = travel or portfolio.roads or LineTravel.of(portfolio.rules)
    return [
        _day(row, visits[row["rep_id"], row["day"]], portfolio, way, is_estimate=calls.is_estimate)
        for _, row in planned.sort_values(["rep_id", "day"], kind="stable").iterrows()
    ]


def _day(row: pd.Series, visits: pd.DataFrame, portfolio: Portfolio, way: TravelTimes, *, is_estimate: bool) -> Day:
    places = _places(row, visits, portfolio)
    lon, lat = unproject(np.column_stack([places.x, places.y]), places.crs)
    stops = visits.assign(lon=lon[1:-1], lat=lat[1:-1], appointment=visits["appointment"].notna())
    stops["name"] = stops["name"].fillna("")
    return Day(
        rep=row["rep_id"],
        rep_name=rep_name_of(portfolio, row["rep_id"]),
        date=dt.date.fromisoformat(row["day"]),
        stops=stops[list(STOP_COLUMNS)].reset_index(drop=True),
        depart=row["depart"],
        home=row["back"],
        begin=(float(lon[0]), float(lat[0])),
        end=(float(lon[-1]), float(lat[-1])),
        pause=None if pd.isna(row["pause_from"]) else (row["pause_from"], row["pause_until"]),
        legs=_legs(way, places, [row["depart"], *visits["leave"]]),
        drive_minutes=float(row["drive_minutes"]),
        drive_km=float(row["drive_km"]),
        proof="optimal" if row["is_proven"] else "unproven",
        is_estimate=is_estimate,
        left_out=pd.DataFrame(columns=list(LEFT_OUT_COLUMNS)),
        night_before=_night(row["begins_at"], portfolio),
        night_after=_night(row["ends_at"], portfolio),
    )


def _night(where: str, portfolio: Portfolio) -> str:
    """The name of the customer near whom the night is spent; "" at home."""
    if where == HOME:
        return ""
    name = portfolio.customers["name"][where]
    return where if pd.isna(name) or not name else str(name)


def _places(row: pd.Series, visits: pd.DataFrame, portfolio: Portfolio) -> gpd.GeoSeries:
    """Where the day begins, its stops, and where it ends: at home, or near the customer where the night is spent."""
    import geopandas as gpd

    known, home = portfolio.customers.geometry, portfolio.reps.geometry[row["rep_id"]]

    def end(where: Hashable) -> object:
        return home if where == HOME else known[where]

    places = [end(row["begins_at"]), *known[visits["customer_id"]], end(row["ends_at"])]
    return gpd.GeoSeries(places, index=["start", *visits["customer_id"], "end"], crs=known.crs)


def _legs(way: TravelTimes, places: gpd.GeoSeries, left: list[pd.Timestamp]) -> list[np.ndarray]:
    import shapely

    leave = [moment.hour * 60 + moment.minute + moment.second / 60 for moment in left]
    ways = ways_at(way, places, leave)
    return [np.column_stack(unproject(shapely.get_coordinates(leg), places.crs)) for leg in ways]
