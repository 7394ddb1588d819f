"""A rep's day for people: stops with times, who is left out and why, and how good it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.changes import Place, need_customers, place_of
from territory.errors import DataError, Problem
from territory.hours import minutes_of
from territory.model import Portfolio, percent
from territory.routing.plan import DayPlan, Objective
from territory.routing.reasons import unvisited
from territory.routing.request import Request, Visits, request_of, with_visits
from territory.travel import TravelTimes, far_off, ways_at

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True, eq=False)
class Route:
    """A rep's day.

    request : what it was planned from; plan : the order and times as numbers, with the proof.
    """

    request: Request
    plan: DayPlan

    @property
    def rep(self) -> str:
        """Whose day it is."""
        return self.request.rep

    @property
    def day(self) -> date:
        """Which day."""
        return self.request.day

    @property
    def is_estimate(self) -> bool:
        """Whether travel was guessed from straight lines."""
        return self.request.travel.is_estimate

    @cached_property
    def stops(self) -> pd.DataFrame:
        """One row a stop in order: ``stop`` (from 1), ``customer_id``, ``name``, ``arrive``, ``wait_minutes``,
        ``start``, ``leave`` (times of the day), ``drive_minutes`` and ``drive_km`` from the stop before, ``minutes``,
        ``prize``, ``must``, ``appointment`` (bool)."""
        plan, visits = self.plan, self.request.visits.iloc[self.plan.order]
        minutes, metres = self._legs
        return pd.DataFrame(
            {
                "stop": np.arange(1, len(visits) + 1),
                "customer_id": visits.index.to_numpy(dtype=object),
                "name": visits["name"].to_numpy(dtype=object),
                "arrive": self._moments(plan.arrive),
                "wait_minutes": plan.wait.round(2),
                "start": self._moments(plan.start),
                "leave": self._moments(plan.leave),
                "drive_minutes": minutes[:-1].round(2),
                "drive_km": (metres[:-1] / 1000).round(3),
                "minutes": visits["minutes"].to_numpy(),
                "prize": visits["prize"].to_numpy(),
                "must": visits["must"].to_numpy(),
                "appointment": visits["appointment"].notna().to_numpy(),
            }
        )

    @cached_property
    def unvisited(self) -> pd.DataFrame:
        """The visits left out, each with its reason; see `territory.routing.reasons.unvisited`."""
        return unvisited(self.request, self.plan)

    @property
    def certificate(self) -> str:
        """``optimal``, ``gap 1.2 %``, ``unproven``, or ``infeasible`` when not all musts can be kept."""
        plan = self.plan
        if plan.status == "gap":
            return f"gap {percent(plan.gap)}"
        return "unproven" if plan.status == "heuristic" else plan.status

    @property
    def reasons(self) -> tuple[Problem, ...]:
        """Why not all musts could be kept; empty when they are."""
        return tuple(self._named(problem) for problem in self.plan.reasons)

    @property
    def notes(self) -> tuple[Problem, ...]:
        """What is not as it should be with the places: who is far from the nearest road."""
        names = [str(name) for name in self.request.places.index]
        return tuple(far_off(self.request.times.only(range(len(names) - 1)), names))

    @property
    def depart(self) -> pd.Timestamp:
        """When the day's start is left."""
        return self._moments(np.array([self.plan.depart]))[0]

    @property
    def home(self) -> pd.Timestamp:
        """When the day's end is reached."""
        return self._moments(np.array([self.plan.home]))[0]

    @property
    def pause(self) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """The break, from when to when; None when the day has none."""
        if self.plan.pause is None or self.request.pause is None:
            return None
        begin = self.plan.pause
        first, last = self._moments(np.array([begin, begin + self.request.pause[2]]))
        return first, last

    @property
    def drive_minutes(self) -> float:
        """Minutes of driving, the way home included."""
        return round(self.plan.drive, 2)

    @property
    def drive_km(self) -> float:
        """Kilometres of driving, the way home included."""
        return round(float(self._legs[1].sum()) / 1000, 3)

    @cached_property
    def geometry(self) -> gpd.GeoSeries:
        """The legs as lines in metres, the last one home; indexed by the stop they lead to (the last by 0)."""
        import geopandas as gpd

        points = self.request.places.iloc[self._places]
        lines = ways_at(self.request.travel, points, self._left)
        return gpd.GeoSeries(lines, index=[*range(1, len(self.plan.order) + 1), 0], crs=points.crs)

    def replan(
        self,
        *,
        time: str,
        position: Place | None = None,
        done: Iterable[str] = (),
        cancelled: Iterable[str] = (),
        urgent: Visits = (),
        driven_minutes: float | None = None,
        has_paused: bool | None = None,
    ) -> Route:
        """The rest of the day from now: what is done and cancelled goes, what is urgent comes and must be made.

        Parameters
        ----------
        time : "HH:MM", now
        position : (longitude, latitude), or the id of a customer; by default the last one done, else the day's start
        done, cancelled : customer ids
        urgent : customer ids, or a table of visits as in `solve_route`; they are musts unless the table says otherwise
        driven_minutes : driving so far, counted against the day's limit; by default as planned up to the last one done
        has_paused : by default, whether the planned break is over by now

        Raises
        ------
        NotFoundError
            A customer does not exist.
        DataError
            `time` is no time of the day, or is after its end.
        """
        now = _now(time, self.request)
        gone, off = list(_ids(done)), list(_ids(cancelled))
        request = self.request
        need_customers({*gone, *off}, request.portfolio.customers.index, request.portfolio.unplaced.index)
        kept = np.flatnonzero(~request.visits.index.isin([*gone, *off]))
        rest = with_visits(request.only(kept), _musts(urgent))
        at = position if position is not None else (gone[-1] if gone else None)
        places = rest.places
        if at is not None:
            import shapely

            here = shapely.Point(place_of(at, request.portfolio.customers, "position"))
            places = places.copy()
            places.iloc[0] = here
        planned = request.visits.index[self.plan.order]
        legs = int(planned.isin(gone).nonzero()[0].max()) + 1 if planned.isin(gone).any() else 0
        driven = float(self._legs[0][:legs].sum()) if driven_minutes is None else driven_minutes
        rested = self._is_rested(now) if has_paused is None else has_paused
        rest = replace(
            rest,
            places=places,
            shift=(now, request.shift[1]),
            pause=None if rested else request.pause,
            max_drive=None if request.max_drive is None else max(request.max_drive - driven, 0.0),
        )
        return Route(rest, rest.solve())

    def _is_rested(self, now: float) -> bool:
        pause = self.request.pause
        return pause is not None and self.plan.pause is not None and self.plan.pause + pause[2] <= now

    @property
    def _places(self) -> list[int]:
        """Rows of the request's places, from the start to the end."""
        return [0, *(self.plan.order + 1).tolist(), len(self.request.places) - 1]

    @cached_property
    def _legs(self) -> tuple[np.ndarray, np.ndarray]:
        """Minutes and metres of each leg, the last one home."""
        times, hourly = self.request.times, self.request.hourly
        legs = (self._places[:-1], self._places[1:])
        if hourly is None or self.plan.drives is None:
            return times.minutes[legs], times.metres[legs]
        return self.plan.drives, hourly.metres[(hourly.hour_at(self._left), *legs)]

    @property
    def _left(self) -> np.ndarray:
        """When each leg is left for, the last one home; minutes since midnight."""
        return np.array([self.plan.depart, *self.plan.leave])

    def _moments(self, minutes: np.ndarray) -> pd.DatetimeIndex:
        # To the second, which is what plans are made in.
        seconds = np.round(np.asarray(minutes) * 60).astype("timedelta64[s]")
        return pd.DatetimeIndex(np.datetime64(self.request.day, "s") + seconds)

    def _named(self, problem: Problem) -> Problem:
        """The problem with customers in the place of numbers."""
        words = problem.where.split()
        names = [
            self.request.visits.index[int(word.rstrip(","))] + "," * word.endswith(",")
            if word.rstrip(",").isdigit()
            else word
            for word in words
        ]
        called = "、".join(
            str(self.request.visits.index[int(word.rstrip(","))]) for word in words if word[:1].isdigit()
        )
        zh = f"拜访 {called}：{problem.zh.partition('：')[2]}" if called and problem.zh else problem.zh
        return replace(problem, where=" ".join(names), zh=zh)


def solve_route(
    portfolio: Portfolio,
    *,
    rep: str,
    day: str | date,
    visits: Visits = None,
    travel: TravelTimes | None = None,
    start: Place | None = None,
    end: Place | None = None,
    shift: tuple[str, str] | None = None,
    pause: tuple[str, str, float] | bool | None = True,
    max_drive: float | None = None,
    objective: Objective = "value",
    effort: float = 1.0,
    seed: int = 0,
) -> Route:
    """A rep's best day: which customers, in which order, when, and why not the others.

    Parameters
    ----------
    portfolio : Portfolio
    rep : rep_id
    day : date, or "2027-03-03"
    visits : customer ids, or a DataFrame with ``customer_id`` (column or index); None takes the customers of the rep
        that are due most. A table may give ``minutes``, ``prize`` (by default the potential a visit), ``must`` (bool),
        ``appointment`` ("14:30": a must at that time) and ``windows`` ("08:00-12:00; 14:00-18:00", for the start of
        service; by default from the customer's hours and weekdays)
    travel : where minutes come from; by default the portfolio's roads, else straight lines by the rules. Where they
        know the hours of the day, each leg takes what it takes in the hours in which it is driven
    start, end : (longitude, latitude), or the id of a customer, as for a hotel; by default the rep's home
    shift : ("08:30", "17:30"); by default the rep's hours, else the rules'
    pause : ("11:30", "13:30", 45), the break begins between the two; True takes the rules', None or False none
    max_drive : minutes of driving; by default the rep's
    objective : "value", "drive" or "home", see `territory.routing.solve_day`
    effort, seed : see `territory.routing.solve_day`

    Returns
    -------
    Route

    Raises
    ------
    NotFoundError
        The rep or a customer does not exist.
    DataError
        Something cannot be read or is missing: every fault is listed.
    """
    request = request_of(
        portfolio,
        rep=rep,
        day=day,
        visits=visits,
        travel=travel,
        start=start,
        end=end,
        shift=shift,
        pause=pause,
        max_drive=max_drive,
        objective=objective,
        effort=effort,
        seed=seed,
    )
    return Route(request, request.solve())


def _ids(given: Iterable[str]) -> Iterable[str]:
    # One id is easily given bare, and its letters are not ids.
    return [given] if isinstance(given, str) else given


def _musts(urgent: Visits) -> pd.DataFrame:
    if isinstance(urgent, pd.DataFrame):
        return urgent if "must" in urgent else urgent.assign(must=True)
    names = list(_ids(urgent or ()))
    return pd.DataFrame({"must": True}, index=pd.Index(names, dtype="str"))


def _now(time: str, request: Request) -> float:
    now = minutes_of(time) if isinstance(time, str) else None
    if isinstance(time, datetime):
        now = time.hour * 60 + time.minute + time.second / 60
    if now is None or now > request.shift[1]:
        fix = f"Give a time before the day's end, as 11:20; it ends after {request.shift[1] / 60:.1f} hours."
        raise DataError([Problem("time", f"{time} is not within the day.", fix)])
    return now
