"""Days as places, times and ways in longitude and latitude, whichever plan they come from."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.errors import DataError, Problem
from territory.geo import unproject
from territory.model import Portfolio
from territory.travel import TravelTimes

if TYPE_CHECKING:
    from territory.callplan import CallPlan
    from territory.routing import Route

STOP_COLUMNS = (
    "stop",
    "customer_id",
    "name",
    "lon",
    "lat",
    "arrive",
    "wait_minutes",
    "start",
    "leave",
    "minutes",
    "drive_minutes",
    "drive_km",
    "appointment",
)
_UNPRINTABLE = re.compile(r"[^\t\n\r\u0020-\u007e\u0080-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LEFT_OUT_COLUMNS = ("customer_id", "name", "reason", "reason_zh")


@dataclass(frozen=True, eq=False)
class Day:
    """A rep's day.

    Parameters
    ----------
    rep, rep_name : id, and what people call the rep ("" when nobody has said)
    date : the day
    stops : DataFrame, one row a stop in order, with `STOP_COLUMNS`
        ``lon``, ``lat`` degrees; ``arrive``, ``start``, ``leave`` Timestamps; drive from the stop before.
    depart, home : Timestamp, when the day's start is left and its end is reached
    begin, end : (longitude, latitude) of both
    night_before, night_after : near which customer the night is spent away from home, by name; "" for none
    pause : Timestamps from when to when, None without a break
    legs : stops + 1 arrays, (k, 2) degrees, the way to each stop and to the day's end
    drive_minutes, drive_km : of the whole day
    proof : how good the day is, as ``optimal``; "" when nobody has said
    is_estimate : travel was guessed from straight lines
    left_out : DataFrame with `LEFT_OUT_COLUMNS`
    """

    rep: str
    rep_name: str
    date: dt.date
    stops: pd.DataFrame
    depart: pd.Timestamp
    home: pd.Timestamp
    begin: tuple[float, float]
    end: tuple[float, float]
    pause: tuple[pd.Timestamp, pd.Timestamp] | None
    legs: Sequence[np.ndarray]
    drive_minutes: float
    drive_km: float
    proof: str
    is_estimate: bool
    left_out: pd.DataFrame
    night_before: str = ""
    night_after: str = ""

    @property
    def title(self) -> str:
        """``R02, 2027-03-03``: whose day, and which."""
        return f"{self.rep_name or self.rep}, {self.date.isoformat()}"

    @property
    def minutes(self) -> float:
        """From leaving to the end, breaks included."""
        return (self.home - self.depart).total_seconds() / 60

    @property
    def figures(self) -> dict[str, str | float]:
        """The day in one line, as tables and pages have it: times as HH:MM, minutes and km rounded."""
        return {
            "date": self.date.isoformat(),
            "depart": f"{self.depart:%H:%M}",
            "home": f"{self.home:%H:%M}",
            "minutes": round(self.minutes, 1),
            "drive_minutes": round(self.drive_minutes, 1),
            "drive_km": round(self.drive_km, 1),
            "proof": self.proof,
            "night_before": self.night_before,
            "night_after": self.night_after,
        }


def days_of(
    plan: Route | CallPlan,
    portfolio: Portfolio | None = None,
    *,
    rep: str | None = None,
    travel: TravelTimes | None = None,
) -> list[Day]:
    """The days of a route (one), or those of a call plan that have visits, by rep and date.

    Parameters
    ----------
    plan : Route or CallPlan
    portfolio : what a call plan was made from: it knows the places
    rep : of a call plan, only this rep's days
    travel : what draws the ways of a call plan; by default the portfolio's roads, else straight lines

    Raises
    ------
    NotFoundError
        The plan has no such rep.
    DataError
        A call plan was given without its portfolio.
    """
    from territory.routing import Route

    if isinstance(plan, Route):
        return [_day_of_route(plan)]
    if portfolio is None:
        what = "a call plan does not know where its customers are."
        raise DataError([Problem("days_of", what, "Give the portfolio: days_of(calls, portfolio).")])
    from territory.itinerary.months import days_of_calls

    return days_of_calls(plan, portfolio, rep=rep, travel=travel)


def rep_name_of(portfolio: Portfolio, rep: str) -> str:
    """What people call the rep; "" when the table does not say."""
    name = portfolio.reps["name"].get(rep)
    return "" if name is None or pd.isna(name) else str(name)


def printable(text: str) -> str:
    """Text without the characters that neither XML 1.0 nor iCalendar can hold, written or escaped."""
    return _UNPRINTABLE.sub("", text)


def _day_of_route(route: Route) -> Day:
    request = route.request
    places = request.places
    lon, lat = unproject(np.column_stack([places.x, places.y]), places.crs)
    visited = route.plan.order + 1
    stops = route.stops.assign(lon=lon[visited], lat=lat[visited])
    return Day(
        rep=route.rep,
        rep_name=rep_name_of(request.portfolio, route.rep),
        date=route.day,
        stops=stops[list(STOP_COLUMNS)],
        depart=route.depart,
        home=route.home,
        begin=(float(lon[0]), float(lat[0])),
        end=(float(lon[-1]), float(lat[-1])),
        pause=route.pause,
        legs=_degrees(route),
        drive_minutes=route.drive_minutes,
        drive_km=route.drive_km,
        proof=route.certificate,
        is_estimate=route.is_estimate,
        left_out=route.unvisited[list(LEFT_OUT_COLUMNS)],
    )


def _degrees(route: Route) -> list[np.ndarray]:
    import shapely

    legs = route.geometry
    return [np.column_stack(unproject(shapely.get_coordinates(leg), legs.crs)) for leg in legs]
