"""From tables to arrays: which visits a rep's day may hold, when, and from where to where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from territory.changes import Place, need_customers, need_rep, place_of
from territory.errors import DataError, Problem
from territory.hours import WEEKDAYS, minutes_of, weekdays_of
from territory.model import Portfolio
from territory.routing.day import solve_day, solve_whole_day
from territory.routing.hourly import minutes_along, solve_day_by_hour
from territory.routing.plan import DayPlan, Objective
from territory.rules import derive_values
from territory.travel import HourlyTimes, LineTravel, TravelMatrix, TravelTimes, hourly_times

if TYPE_CHECKING:
    import geopandas as gpd

CANDIDATES = 40
"""Without a list of visits, so many of the rep's customers come into question: those that are due most."""

Visits: TypeAlias = pd.DataFrame | Iterable[str] | None


@dataclass(frozen=True, eq=False)
class Request:
    """What a day is planned from; every plan of it, and every question about it, starts here.

    visits : DataFrame indexed by customer_id with ``name``, ``minutes``, ``prize``, ``must`` (bool), ``appointment``
        (minutes since midnight, NaN for none), ``windows`` (list of (open, close) for the start of service) and
        ``closed`` (why there is none that day, "" otherwise)
    places : GeoSeries, metres: "start", the visits in the order of the table, "end"
    shift, pause, max_drive : as in `solve_day`
    """

    portfolio: Portfolio
    rep: str
    day: date
    visits: pd.DataFrame
    places: gpd.GeoSeries
    shift: tuple[float, float]
    pause: tuple[float, float, float] | None
    max_drive: float | None
    objective: Objective
    travel: TravelTimes
    effort: float
    seed: int

    @cached_property
    def hourly(self) -> HourlyTimes | None:
        """Travel from each place to each in each hour of the shift; None where the hour is no matter."""
        return hourly_times(self.travel, self.places, *self.shift)

    @cached_property
    def times(self) -> TravelMatrix:
        """Travel from each place to each; the mean of the hours where they differ."""
        return self.travel.matrix(self.places) if self.hourly is None else self.hourly.mean

    @property
    def arguments(self) -> dict[str, Any]:
        """What `solve_day` and `check_day` are given."""
        visits = self.visits
        return {
            "matrix": self.times.minutes,
            "service": visits["minutes"].to_numpy(float),
            "windows": visits["windows"].tolist(),
            "prizes": visits["prize"].to_numpy(float),
            "mandatory": visits["must"].to_numpy(bool),
            "shift": self.shift,
            "pause": self.pause,
            "max_drive": self.max_drive,
        }

    def solve(self, **changes: Any) -> DayPlan:
        """The day's plan, with some arguments of `solve_day` changed."""
        asked = {"objective": self.objective, "effort": self.effort, "seed": self.seed}
        arguments = {**self.arguments, **asked, **changes}
        if self.hourly is None:
            return solve_day(**arguments)
        del arguments["matrix"]
        return solve_day_by_hour(self.hourly, **arguments)

    def solve_whole(self, *, effort: float, objective: Objective = "drive", **changes: Any) -> DayPlan | None:
        """The best day on which every visit is made, None when none was found; with some arguments changed."""
        if self.hourly is not None:
            everyone = np.ones(len(self.visits), bool)
            plan = self.solve(mandatory=everyone, objective=objective, effort=effort, **changes)
            return None if plan.status == "infeasible" else plan
        asked = {**self.arguments, **changes, "objective": objective}
        del asked["mandatory"]
        return solve_whole_day(**asked, effort=effort, seed=self.seed)

    def along(self, plan: DayPlan) -> Request:
        """The request with each leg taking what it takes in the hour in which a plan leaves its place, at any hour.

        What is asked about a plan is answered beside it, and many times sooner.
        """
        if self.hourly is None:
            return self
        plain = replace(self)
        plain.__dict__["hourly"] = None
        # No way at any hour is no way along a plan; the clock knows only very long ones.
        has_way = np.isfinite(self.times.minutes)
        minutes = np.where(has_way, minutes_along(self.hourly, plan, self.shift), np.inf)
        plain.__dict__["times"] = replace(self.times, minutes=minutes)
        return plain

    def only(self, rows: Iterable[int]) -> Request:
        """The request for some of its visits, by row."""
        chosen = [int(row) for row in rows]
        kept = [0, *(row + 1 for row in chosen), len(self.places) - 1]
        smaller = replace(self, visits=self.visits.iloc[chosen], places=self.places.iloc[kept])
        # The travel of a part is part of the travel.
        smaller.__dict__["hourly"] = None if self.hourly is None else self.hourly.only(kept)
        smaller.__dict__["times"] = self.times.only(kept)
        return smaller


def request_of(
    portfolio: Portfolio,
    *,
    rep: str,
    day: str | date,
    visits: Visits,
    travel: TravelTimes | None,
    start: Place | None,
    end: Place | None,
    shift: tuple[str, str] | None,
    pause: tuple[str, str, float] | bool | None,
    max_drive: float | None,
    objective: Objective,
    effort: float,
    seed: int,
) -> Request:
    """The request of these arguments of `solve_route`, every fault in them told at once."""
    need_rep(portfolio.reps, [rep])
    table, problems = _table(portfolio, rep, visits)
    row = portfolio.reps.loc[rep]
    on, day_faults = _day(day)
    hours, shift_faults = _hours(portfolio, row, rep, shift)
    rest, pause_faults = _pause(portfolio, pause)
    home, home_faults = _homes(portfolio, row, rep, start, end)
    problems += day_faults + shift_faults + pause_faults + home_faults
    if problems:
        raise DataError(problems)
    detailed, faults = _visits(portfolio, table, on, hours)
    if faults:
        raise DataError(faults)
    return Request(
        portfolio=portfolio,
        rep=rep,
        day=on,
        visits=detailed,
        places=_places(portfolio, home, detailed.index),
        shift=hours,
        pause=rest,
        max_drive=_most_drive(row) if max_drive is None else max_drive,
        objective=objective,
        travel=travel or portfolio.roads or LineTravel.of(portfolio.rules),
        effort=effort,
        seed=seed,
    )


def with_visits(request: Request, more: Visits) -> Request:
    """The request with further visits; those that it has already are replaced."""
    table, problems = _table(request.portfolio, request.rep, more)
    detailed, faults = _visits(request.portfolio, table, request.day, request.shift)
    if problems or faults:
        raise DataError(problems + faults)
    kept = request.visits[~request.visits.index.isin(detailed.index)]
    visits = detailed if kept.empty else pd.concat([kept, detailed])
    ends = [(point.x, point.y) for point in request.places.iloc[[0, -1]]]
    return replace(request, visits=visits, places=_places(request.portfolio, ends, visits.index))


def opening_windows(
    customers: pd.DataFrame, minutes: pd.Series, on: date, shift: tuple[float, float]
) -> tuple[list[list[tuple[float, float]]], list[str]]:
    """When the service of each customer may start on a day, and why never.

    Parameters
    ----------
    customers : DataFrame, (n,) rows, with ``open_from``, ``open_until``, ``weekdays``
    minutes : (n,) of each visit; it is over by ``open_until``, unless it takes longer than the door is open
    on : the day
    shift : minutes since midnight; who gives no hours may be visited within

    Returns
    -------
    windows : n lists of (open, close), minutes since midnight; empty where it is closed
    closed : n texts, "" where it is open
    """
    windows: list[list[tuple[float, float]]] = []
    closed: list[str] = []
    for row, long in zip(customers[["open_from", "open_until", "weekdays"]].itertuples(), minutes, strict=True):
        days = weekdays_of(row.weekdays) if isinstance(row.weekdays, str) else None
        if days is not None and on.weekday() not in days:
            windows.append([])
            closed.append(f"closed on {WEEKDAYS[on.weekday()]}: open {row.weekdays}")
            continue
        opens = minutes_of(row.open_from) if isinstance(row.open_from, str) else None
        closes = minutes_of(row.open_until) if isinstance(row.open_until, str) else None
        first = shift[0] if opens is None else opens
        last = shift[1] if closes is None else max(closes - long, first)
        windows.append([(first, last)])
        closed.append("")
    return windows, closed


def _table(portfolio: Portfolio, rep: str, visits: Visits) -> tuple[pd.DataFrame, list[Problem]]:
    """The visits asked for as a table indexed by customer_id."""
    if visits is None:
        return pd.DataFrame(index=_due(portfolio, rep)), []
    if isinstance(visits, str):
        visits = [visits]
    if not isinstance(visits, pd.DataFrame):
        table = pd.DataFrame(index=pd.Index(list(visits), dtype="str"))
    elif "customer_id" in visits:
        table = visits.set_index("customer_id")
    else:
        table = visits
    need_customers(set(table.index), portfolio.customers.index, portfolio.unplaced.index)
    unplaced = [name for name in table.index if name in portfolio.unplaced.index]
    reasons = portfolio.unplaced["reason"]
    problems = [
        Problem(f"customer '{name}'", f"it has no place: {reasons[name]}", "Give coordinates.") for name in unplaced
    ]
    twice = table.index[table.index.duplicated()].unique()
    problems += [Problem(f"visits, '{name}'", "It stands there twice.", "Keep one row.") for name in twice]
    return table, problems


def _due(portfolio: Portfolio, rep: str) -> pd.Index:
    """The rep's customers whose last visit is longest ago beside their interval, at most CANDIDATES."""
    customers = portfolio.customers
    mine = customers[customers["territory"] == portfolio.reps.loc[rep, "territory"]]
    values = derive_values(customers, portfolio.rules).loc[mine.index]
    last = pd.to_datetime(mine["last_visit"], errors="coerce")
    elapsed = (last.max() - last).dt.days if last.notna().any() else pd.Series(np.nan, index=mine.index)
    urgency = (elapsed * values["visits_per_year"] / 365).fillna(1.0)
    worth = values["potential"] / values["visits_per_year"].clip(lower=1)
    order = pd.DataFrame({"urgency": -urgency, "worth": -worth, "id": mine.index}).sort_values(
        ["urgency", "worth", "id"], kind="stable"
    )
    return mine.index[mine.index.isin(order.index[:CANDIDATES])]


def _day(day: str | date) -> tuple[date, list[Problem]]:
    if isinstance(day, date):
        return (day.date() if hasattr(day, "date") else day), []
    try:
        return date.fromisoformat(day), []
    except ValueError:
        return date.min, [Problem("day", f"'{day}' is no day.", "Give it as 2027-03-03.")]


def _hours(
    portfolio: Portfolio, row: pd.Series, rep: str, shift: tuple[str, str] | None
) -> tuple[tuple[float, float], list[Problem]]:
    """The working hours: those given, else the rep's, else the rules'."""
    rules = portfolio.rules
    texts = shift or tuple(
        own if isinstance(own, str) else general
        for own, general in [(row["work_from"], rules.work_from), (row["work_until"], rules.work_until)]
    )
    begin, until = (minutes_of(text) for text in texts)
    if begin is None or until is None or begin > until:
        what = f"{texts[0]} to {texts[1]} is no working day."
        return (0, 0), [Problem(f"rep '{rep}', working hours", what, "Give times as 08:30, the earlier one first.")]
    return (begin, until), []


def _pause(
    portfolio: Portfolio, pause: tuple[str, str, float] | bool | None
) -> tuple[tuple[float, float, float] | None, list[Problem]]:
    if pause is None or pause is False:
        return None, []
    rules = portfolio.rules
    first, last, long = (rules.pause_from, rules.pause_until, rules.pause_minutes) if pause is True else pause
    begin, until = minutes_of(first), minutes_of(last)
    if begin is None or until is None or begin > until or long < 0:
        what = f"{first} to {last}, {long} minutes, is none."
        return None, [Problem("pause", what, "Give ('11:30', '13:30', 45).")]
    return (begin, until, float(long)), []


def _homes(
    portfolio: Portfolio, row: pd.Series, rep: str, start: Place | None, end: Place | None
) -> tuple[list[tuple[float, float]], list[Problem]]:
    """Metres of where the day starts and ends: what is given, else the rep's home; a start without an end is both."""
    given = [start, start if end is None else end]
    home = row.get("geometry")
    problems = []
    places = []
    for name, at in zip(("start", "end"), given, strict=True):
        if at is not None:
            places.append(place_of(at, portfolio.customers, name))
        elif home is None or home.is_empty or not np.isfinite([home.x, home.y]).all():
            fix = f"Give the rep a home, or {name}=(longitude, latitude)."
            problems.append(Problem(f"rep '{rep}', {name} of the day", "The rep's home is not known.", fix))
        else:
            places.append((home.x, home.y))
    return places, problems


def _places(portfolio: Portfolio, ends: list[tuple[float, float]], customers: pd.Index) -> gpd.GeoSeries:
    import geopandas as gpd

    chosen = portfolio.customers.geometry.loc[customers]
    x = [ends[0][0], *chosen.x, ends[1][0]]
    y = [ends[0][1], *chosen.y, ends[1][1]]
    return gpd.GeoSeries(gpd.points_from_xy(x, y), index=["start", *customers, "end"], crs=portfolio.customers.crs)


def _most_drive(row: pd.Series) -> float | None:
    most = row["max_drive_minutes"]
    return None if pd.isna(most) else float(most)


def _visits(
    portfolio: Portfolio, table: pd.DataFrame, on: date, shift: tuple[float, float]
) -> tuple[pd.DataFrame, list[Problem]]:
    """Everything about each visit: what the table says, else what the portfolio and its rules say."""
    customers = portfolio.customers.loc[table.index]
    problems: list[Problem] = []
    known = derive_values(portfolio.customers, portfolio.rules).loc[table.index]
    worth = (known["potential"] / known["visits_per_year"].clip(lower=1)).round(2)
    minutes = _numbers(table, "minutes", known["minutes_per_visit"], problems)
    prize = _numbers(table, "prize", worth, problems)
    appointment = _moments(table, problems)
    must = table["must"].astype(object).eq(True) if "must" in table else pd.Series(False, index=table.index)
    windows, closed = opening_windows(customers, minutes, on, shift)
    if "windows" in table:
        for row, text in enumerate(table["windows"]):
            if isinstance(text, str):
                windows[row], closed[row] = _read_windows(text, table.index[row], problems), ""
    for row, moment in enumerate(appointment):
        if np.isfinite(moment):
            windows[row], closed[row] = [(moment, moment)], ""
    detailed = pd.DataFrame(
        {
            "name": customers["name"].fillna("").astype(str),
            "minutes": minutes,
            "prize": prize,
            "must": (must | np.isfinite(appointment)).astype(bool),
            "appointment": appointment,
            "closed": closed,
        },
        index=table.index.rename("customer_id"),
    )
    detailed["windows"] = pd.Series(windows, index=detailed.index, dtype=object)
    return detailed, problems


def _numbers(table: pd.DataFrame, column: str, otherwise: pd.Series, problems: list[Problem]) -> pd.Series:
    if column not in table:
        return otherwise.astype(float)
    values = pd.to_numeric(table[column], errors="coerce")
    wrong = (values.isna() & table[column].notna()) | (values < 0)
    problems += [
        Problem(f"visits, '{name}', column '{column}'", "It is no number from 0 up.", "Give one, or leave it empty.")
        for name in table.index[wrong]
    ]
    return values.fillna(otherwise).astype(float)


def _moments(table: pd.DataFrame, problems: list[Problem]) -> pd.Series:
    """Appointments in minutes since midnight."""
    moments = pd.Series(np.nan, index=table.index)
    if "appointment" not in table:
        return moments
    for name, text in table["appointment"].dropna().items():
        at = minutes_of(str(text))
        if at is None:
            where = f"visits, '{name}', column 'appointment'"
            problems.append(Problem(where, f"'{text}' is no time of day.", "Give it as 14:30."))
        else:
            moments[name] = at
    return moments


def _read_windows(text: str, name: str, problems: list[Problem]) -> list[tuple[float, float]]:
    """The windows of "08:00-12:00; 14:00-18:00"."""
    windows = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        begin, _, until = part.partition("-")
        opens, closes = minutes_of(begin), minutes_of(until)
        if opens is None or closes is None or opens > closes:
            where = f"visits, '{name}', column 'windows'"
            problems.append(Problem(where, f"'{part}' is none.", "Give them as 08:00-12:00; 14:00-18:00."))
        else:
            windows.append((opens, closes))
    return windows
