"""From tables to arrays: what each rep's weeks are planned from, every fault told at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeAlias
from zlib import crc32

import numpy as np
import pandas as pd

from territory.callplan.rhythm import Rhythms, visits_due, visits_in_turn
from territory.callplan.solving import RepTask
from territory.callplan.workdays import Workdays, day_of, workdays_of
from territory.changes import need_customers
from territory.errors import DataError, Problem
from territory.hours import minutes_of, weekdays_of
from territory.model import Portfolio
from territory.routing.request import opening_windows
from territory.rules import derive_values
from territory.travel import TravelMatrix, TravelTimes, far_off, hourly_times

if TYPE_CHECKING:
    import geopandas as gpd

    from territory.callplan.plan import CallPlan, EarlierCalls

Appointment = tuple[str, str | date] | tuple[str, str | date, str]
Appointments: TypeAlias = pd.DataFrame | Iterable[Appointment] | None

NO_WAY = 1e7
"""Minutes that stand for no way at all: longer than any day."""
CLOCK_BEGAN = date(2001, 1, 1)
"""A Monday: customers that nobody has visited take turns from here on."""
DROP_PRICE = 1200.0
"""Minutes of driving that one more visit of middling value is worth."""
APPOINTMENT_PRICE = 20.0
"""An appointment is worth as many visits."""


@dataclass(frozen=True, eq=False)
class Ask:
    """What was asked of `plan_calls`, read and checked.

    appointments : DataFrame customer_id, day (date), time (minutes since midnight, NaN for any)
    """

    portfolio: Portfolio
    start: date
    weeks: int
    seed: int
    effort: float
    holidays: Set[date]
    absences: Mapping[str, Set[date]]
    appointments: pd.DataFrame
    previous: CallPlan | EarlierCalls | None
    travel: TravelTimes

    @property
    def finish(self) -> date:
        """The day after the last."""
        return self.start + timedelta(days=7 * self.weeks)


@dataclass(frozen=True, eq=False)
class RepAsk:
    """One rep's part of it: the customers' table with what was derived, the days, the travel and the task in arrays.

    customers : DataFrame indexed by customer_id: name, tier, minutes, visits_per_year, interval_days (calendar days),
        last (date or None), due (visits)
    """

    rep: str
    customers: pd.DataFrame
    workdays: Workdays
    travel: TravelMatrix
    task: RepTask
    problems: tuple[Problem, ...] = ()


def owners(portfolio: Portfolio, reps: Sequence[str]) -> dict[str, np.ndarray]:
    """rep_id -> rows of its customers; reps who share a territory part it by place, each by share of the work.

    Where several reps have one territory, customers go in the order in which it matters most to whom, each to the
    rep whose home is nearest and who has room.
    """
    territory = portfolio.customers["territory"]
    held = {name: np.flatnonzero((territory == name).to_numpy()) for name in territory.dropna().unique()}
    none = np.array([], int)
    parts: dict[str, np.ndarray] = {}
    for name, group in portfolio.reps.groupby("territory", sort=False):
        rows = held.get(str(name), none)
        parts |= {group.index[0]: rows} if len(group) == 1 else _parted(portfolio, rows, group)
    return {rep: parts.get(rep, none) for rep in reps}


def _parted(portfolio: Portfolio, rows: np.ndarray, group: pd.DataFrame) -> dict[str, np.ndarray]:
    values = derive_values(portfolio.customers, portfolio.rules).iloc[rows]
    work = (values["visits_per_year"] * values["minutes_per_visit"]).to_numpy(float)
    xy = portfolio.xy[rows]
    middle = xy.mean(axis=0) if len(rows) else np.zeros(2)
    homes = np.array(
        [middle if point is None or point.is_empty else (point.x, point.y) for point in group["geometry"]]
    ).reshape(-1, 2)
    share = group["share"].astype(float).fillna(1.0).to_numpy()
    room = work.sum() * share / share.sum()
    metres = np.hypot(*(xy[:, None] - homes[None]).transpose(2, 0, 1))
    ranked = np.sort(metres, axis=1)
    owner = np.zeros(len(rows), int)
    for customer in np.argsort(ranked[:, 0] - ranked[:, 1], kind="stable"):
        order = np.argsort(metres[customer], kind="stable")
        fits = order[room[order] >= work[customer] / 2]
        owner[customer] = fits[0] if len(fits) else int(np.argmax(room))
        room[owner[customer]] -= work[customer]
    return {rep: rows[owner == number] for number, rep in enumerate(group.index)}


def rep_ask(ask: Ask, rep: str, rows: np.ndarray, values: pd.DataFrame) -> RepAsk:
    """One rep's weeks in arrays.

    Parameters
    ----------
    rows : (n,) int, the rep's customers among ``portfolio.customers``
    values : DataFrame of `derive_values` on all customers
    """
    portfolio, rules = ask.portfolio, ask.portfolio.rules
    row = portfolio.reps.loc[rep]
    off = ask.absences.get(rep, frozenset())
    workdays = workdays_of(row, rules, ask.start, ask.weeks, ask.holidays, off)
    customers, derived = portfolio.customers.iloc[rows], values.iloc[rows]
    visited = (derived["visits_per_year"] > 0).to_numpy() | customers.index.isin(ask.appointments["customer_id"])
    customers, derived = customers[visited], derived[visited]
    places, problems = _places(customers, row, rep)
    hourly = hourly_times(ask.travel, places, workdays.start, workdays.finish)
    travel = ask.travel.matrix(places) if hourly is None else hourly.mean
    table = _table(ask, customers, derived)
    value = _value(derived)
    rhythms = _rhythms(ask, table, customers, workdays, places, value)
    table = table.assign(due=rhythms.due)
    opens, closes = _hours(customers, table["minutes"], workdays)
    appointed = _appointed(ask, table.index, workdays)
    at_a_time = np.isfinite(appointed)
    task = RepTask(
        minutes=np.where(np.isfinite(travel.minutes), travel.minutes, NO_WAY),
        service=table["minutes"].to_numpy(float),
        value=value,
        rhythms=rhythms,
        opens=np.where(at_a_time, appointed, opens[:, None]),
        closes=np.where(at_a_time, appointed, closes[:, None]),
        start=workdays.start,
        finish=workdays.finish,
        work=workdays.minutes,
        max_drive=workdays.max_drive,
        pause=workdays.pause,
        weeks=np.array(workdays.weeks(), int),
        next_day=np.array([one + timedelta(1) in workdays.days for one in workdays.days], bool),
        nights=workdays.nights,
        night_minutes=rules.night_minutes,
        seed=int(np.random.SeedSequence([ask.seed, crc32(rep.encode())]).generate_state(1)[0]),
        effort=ask.effort,
        hourly=hourly,
    )
    far = far_off(travel, [str(name) for name in places.index])
    return RepAsk(
        rep, table, workdays, travel, task, (*problems, *(replace(each, where=f"rep '{rep}'") for each in far))
    )


def _places(customers: gpd.GeoDataFrame, row: pd.Series, rep: str) -> tuple[gpd.GeoSeries, list[Problem]]:
    """The customers' places and the home; the middle of them when nobody knows the home."""
    import geopandas as gpd
    import shapely

    home, problems = row["geometry"], []
    if home is None or home.is_empty:
        x, y = customers.geometry.x, customers.geometry.y
        home = shapely.Point(x.mean(), y.mean()) if len(customers) else shapely.Point(0, 0)
        what = "the home is not known; the days begin in the middle of the customers."
        zh = f"代表“{rep}”：家的位置未知，每天从客户的中心出发。请填写经度和纬度。"
        problems = [Problem(f"rep '{rep}'", what, "Give lon and lat.", zh)]
    points = [*customers.geometry, home]
    return gpd.GeoSeries(points, index=[*customers.index, f"home of {rep}"], crs=customers.crs), problems


def _table(ask: Ask, customers: pd.DataFrame, derived: pd.DataFrame) -> pd.DataFrame:
    visits = derived["visits_per_year"].to_numpy(float)
    # Appointments may be with customers whose rules ask for no visit: once a year then.
    visits = np.where(visits > 0, visits, 1.0)
    return pd.DataFrame(
        {
            "name": customers["name"].fillna("").astype(str),
            "tier": derived["tier"],
            "minutes": derived["minutes_per_visit"].astype(float),
            "visits_per_year": visits,
            "interval_days": 7 * ask.portfolio.rules.weeks_per_year / visits,
            "last": _last_visits(ask, customers),
        },
        index=customers.index,
    )


def _last_visits(ask: Ask, customers: pd.DataFrame) -> pd.Series:
    """When each was last visited, before the start: by its column, or by the earlier plan."""
    last = {name: date.fromisoformat(text[:10]) for name, text in customers["last_visit"].dropna().items()}
    if ask.previous is not None:
        made = ask.previous.visits
        for name, text in made.loc[made["day"] < ask.start.isoformat(), ["customer_id", "day"]].itertuples(index=False):
            last[name] = max(last.get(name, date.min), date.fromisoformat(text))
    known = [last.get(name) for name in customers.index]
    return pd.Series(known, index=customers.index, dtype=object)


def _rhythms(
    ask: Ask,
    table: pd.DataFrame,
    customers: gpd.GeoDataFrame,
    workdays: Workdays,
    places: gpd.GeoSeries,
    value: np.ndarray,
) -> Rhythms:
    rules, length = ask.portfolio.rules, len(workdays.days)
    interval = workdays.days_per_week * rules.weeks_per_year / table["visits_per_year"].to_numpy(float)
    first = workdays.days[0] if workdays.days else ask.start
    elapsed = np.array(
        [np.nan if last is None else workdays.between(min(last, first), first) for last in table["last"]], float
    )
    allowed, preferred = _weekdays(customers, workdays)
    fixed = np.zeros((len(table), length), bool)
    at = {day: number for number, day in enumerate(workdays.days)}
    for name, day in zip(ask.appointments["customer_id"], ask.appointments["day"], strict=True):
        if name in table.index and day in at:
            fixed[table.index.get_loc(name), at[day]] = True
    planned, kept = _planned(ask, table.index, at)
    minutes = table["minutes"].to_numpy(float)
    due = np.zeros(len(table), np.int64)
    known = np.isfinite(elapsed)
    due[known] = visits_due(interval[known], elapsed[known], length)
    turn = _turn(places)
    clock = (first - CLOCK_BEGAN).days / 7 * workdays.days_per_week
    due[~known] = visits_in_turn(interval[~known], minutes[~known], turn[~known], clock, length)
    due = np.where(kept >= 0, kept, due) if length else np.zeros(len(table), np.int64)
    allowed |= fixed
    urgency = np.where(known, np.clip(elapsed / interval, 0.5, 2.0), 1.0)
    return Rhythms(
        due=np.minimum(np.maximum(due, fixed.sum(axis=1)), allowed.sum(axis=1)),
        interval=interval,
        elapsed=elapsed,
        allowed=allowed,
        preferred=preferred,
        fixed=fixed,
        planned=planned,
        tolerance=rules.spacing_tolerance,
        drop=DROP_PRICE * value * urgency * np.where(fixed.any(axis=1), APPOINTMENT_PRICE, 1.0),
    )


def _weekdays(customers: pd.DataFrame, workdays: Workdays) -> tuple[np.ndarray, np.ndarray]:
    """Whether each customer may be visited, and likes to be, on each day: two (n, T) bool."""
    weekday = np.array([day.weekday() for day in workdays.days], int)
    tables = []
    for column in ("weekdays", "preferred_weekdays"):
        texts = customers[column] if column in customers else pd.Series(np.nan, index=customers.index)
        read = {text: sorted(weekdays_of(text) or range(7)) for text in texts.dropna().unique()}
        days = [read[text] if isinstance(text, str) else range(7) for text in texts]
        table = np.array([np.isin(weekday, list(each)) for each in days], bool)
        tables.append(table.reshape(len(customers), len(weekday)))
    return tables[0], tables[1]


def _planned(ask: Ask, names: pd.Index, at: Mapping[date, int]) -> tuple[np.ndarray, np.ndarray]:
    """Which visits of the earlier plan fall on which day, (n, T) bool, and how many, (n,) int; -1 for no say."""
    planned, count = np.zeros((len(names), len(at)), bool), np.full(len(names), -1)
    if ask.previous is None:
        return planned, count
    if ask.finish <= ask.previous.finish:
        count[names.isin(ask.previous.customers)] = 0
    visits = ask.previous.visits
    later = visits[(visits["day"] >= ask.start.isoformat()) & (visits["day"] < ask.finish.isoformat())]
    row_of = {name: row for row, name in enumerate(names)}
    for name, text in zip(later["customer_id"], later["day"], strict=True):
        row = row_of.get(name)
        if row is None:
            continue
        count[row] += count[row] >= 0
        if date.fromisoformat(text) in at:
            planned[row, at[date.fromisoformat(text)]] = True
    return planned, count


def _turn(places: gpd.GeoSeries) -> np.ndarray:
    """Where each customer is on a clock around the home, (n,) float in [0, 1), by rank; the home is the last place."""
    x, y = places.x.to_numpy(), places.y.to_numpy()
    # Angles rounded: their last digit differs from machine to machine, and only the order counts.
    angle = np.round(np.arctan2(y[:-1] - y[-1], x[:-1] - x[-1]), 9)
    rank = np.empty(len(angle))
    rank[np.lexsort((np.arange(len(angle)), angle))] = np.arange(len(angle))
    return (rank + 0.5) / max(len(angle), 1)


def _hours(customers: pd.DataFrame, minutes: pd.Series, workdays: Workdays) -> tuple[np.ndarray, np.ndarray]:
    """The earliest and the latest start of a visit to each customer, (n,) float each, minutes since midnight."""
    any_day = customers.assign(weekdays=pd.Series(np.nan, index=customers.index, dtype="str"))
    shift = (workdays.start, workdays.finish)
    windows, _ = opening_windows(any_day, minutes, CLOCK_BEGAN, shift)
    spans = np.array([window[0] for window in windows], float).reshape(-1, 2)
    return spans[:, 0], spans[:, 1]


def _appointed(ask: Ask, names: pd.Index, workdays: Workdays) -> np.ndarray:
    """Times of appointments, (n, T) float, minutes since midnight, NaN where there is none or any time will do."""
    times = np.full((len(names), len(workdays.days)), np.nan)
    at = {day: number for number, day in enumerate(workdays.days)}
    for name, day, time in ask.appointments.itertuples(index=False):
        if name in names and day in at:
            times[names.get_loc(name), at[day]] = time
    return times


def _value(derived: pd.DataFrame) -> np.ndarray:
    """What a visit is worth beside the others, (n,) float, 1 on average: its minutes times the customer's standing.

    Standing goes by the rank of potential, from 0.25 to 1.75. So when the days are full, a minute with a large customer
    comes before a minute with a small one, and a long visit is not given up because two short ones fit.
    """
    minutes = derived["minutes_per_visit"].to_numpy(float)
    if not len(minutes):
        return np.zeros(0)
    rank = derived["potential"].rank(method="average", pct=True).to_numpy(float)
    worth = np.maximum(minutes, 1.0) * (0.25 + 1.5 * rank)
    return np.round(worth / worth.mean(), 6)


def appointments_of(given: Appointments, portfolio: Portfolio) -> pd.DataFrame:
    """Appointments as a table customer_id, day (date), time (minutes since midnight, NaN for any).

    Raises
    ------
    NotFoundError
        A customer does not exist.
    DataError
        A day or a time cannot be read, or a customer has two on one day: all are listed.
    """
    if isinstance(given, pd.DataFrame):
        columns = [name for name in ("customer_id", "day", "time") if name in given]
        given = [tuple(row) for row in given[columns].itertuples(index=False)]
    rows, problems = [], []
    for each in given or ():
        name, day, time = (*each, None)[:3]
        where = f"fixed, customer '{name}'"
        minutes = np.nan if time is None or pd.isna(time) else minutes_of(str(time))
        if minutes is None:
            zh = f"客户“{name}”的固定预约：“{time}”不是时刻。请填写 HH:MM。"
            problems.append(Problem(where, f"'{time}' is no time of day.", "Write HH:MM.", zh))
            continue
        try:
            rows.append((str(name), day_of(day, where), minutes))
        except DataError as error:
            problems += error.problems
    table = pd.DataFrame(rows, columns=["customer_id", "day", "time"]).astype({"customer_id": "str", "time": "float64"})
    twice = table[table.duplicated(["customer_id", "day"])]
    problems += [
        Problem(
            f"fixed, customer '{row.customer_id}'",
            f"It has two on {row.day}.",
            "Keep one.",
            f"客户“{row.customer_id}”在 {row.day} 有两个固定预约。请保留一个。",
        )
        for row in twice.itertuples()
    ]
    if problems:
        raise DataError(problems)
    need_customers(set(table["customer_id"]), portfolio.customers.index, portfolio.unplaced.index)
    return table
