"""From arrays to tables: the visits, the days, and why something is stretched or missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from territory.callplan.asking import RepAsk
from territory.callplan.plan import VISIT_COLUMNS
from territory.callplan.reasons import why_dropped, why_stretched
from territory.callplan.rhythm import gaps_within
from territory.callplan.solving import PlannedDay, RepPlan
from territory.hours import clock

DAY_COLUMNS = (
    *("rep_id", "day", "visits", "begins_at", "ends_at", "depart", "back"),
    *("pause_from", "pause_until"),
    *("visit_minutes", "drive_minutes", "drive_km", "worked_minutes", "is_proven"),
)
_REASON = ("code", "reason", "reason_zh")
STRETCHED_COLUMNS = ("rep_id", "customer_id", "from", "to", "gap_days", "interval_days", *_REASON)
DROPPED_COLUMNS = ("rep_id", "customer_id", "visits", "minutes", "urgency", *_REASON)


def visit_rows(ask: RepAsk, plan: RepPlan) -> list[dict[str, Any]]:
    """A row of ``CallPlan.visits`` for each visit of one rep."""
    rows = []
    ids, names = ask.customers.index, ask.customers["name"].to_numpy()
    for number, (day, planned) in enumerate(zip(ask.workdays.days, plan.days, strict=True)):
        midnight = pd.Timestamp(day)
        minutes, metres = _legs(ask, planned)
        for stop, customer in enumerate(planned.stops.tolist()):
            must = bool(ask.task.rhythms.fixed[customer, number])
            opens, closes = ask.task.opens[customer, number], ask.task.closes[customer, number]
            rows.append(
                {
                    "rep_id": ask.rep,
                    "day": day.isoformat(),
                    "stop": stop + 1,
                    "customer_id": ids[customer],
                    "name": names[customer],
                    "arrive": _moment(midnight, planned.arrive[stop]),
                    "wait_minutes": round(float(planned.wait[stop]), 2),
                    "start": _moment(midnight, planned.start[stop]),
                    "leave": _moment(midnight, planned.leave[stop]),
                    "drive_minutes": round(float(minutes[stop]), 2),
                    "drive_km": round(float(metres[stop]) / 1000, 3),
                    "minutes": float(ask.task.service[customer]),
                    "must": must,
                    "appointment": clock(opens) if must and opens == closes else None,
                }
            )
    return rows


def day_rows(ask: RepAsk, plan: RepPlan) -> list[dict[str, Any]]:
    """A row of ``CallPlan.days`` for each working day of one rep."""
    rows = []
    for day, planned in zip(ask.workdays.days, plan.days, strict=True):
        minutes, metres = _legs(ask, planned)
        drive = float(minutes.sum()) if len(planned.stops) else 0.0
        visited = float(ask.task.service[planned.stops].sum())
        midnight = pd.Timestamp(day)
        rows.append(
            {
                "rep_id": ask.rep,
                "day": day.isoformat(),
                "visits": len(planned.stops),
                "begins_at": _place(ask, planned.begin),
                "ends_at": _place(ask, planned.end),
                "depart": _moment(midnight, planned.depart),
                "back": _moment(midnight, planned.back),
                **_pause(ask, midnight, planned),
                "visit_minutes": visited,
                "drive_minutes": round(drive, 2),
                "drive_km": round(float(metres.sum()) / 1000, 3) if len(planned.stops) else 0.0,
                "worked_minutes": round(visited + drive, 2),
                "is_proven": planned.is_proven,
            }
        )
    return rows


def _pause(ask: RepAsk, midnight: pd.Timestamp, planned: PlannedDay) -> dict[str, Any]:
    pause = ask.workdays.pause
    if planned.pause is None or pause is None:
        return {"pause_from": pd.NaT, "pause_until": pd.NaT}
    moments = (_moment(midnight, planned.pause), _moment(midnight, planned.pause + pause[2]))
    return dict(zip(("pause_from", "pause_until"), moments, strict=True))


def _legs(ask: RepAsk, planned: PlannedDay) -> tuple[np.ndarray, np.ndarray]:
    """Minutes and metres of each leg of a day at its hour, (k + 1,) each, the last to the day's end."""
    places = [planned.begin, *planned.stops.tolist(), planned.end]
    legs, hourly = (places[:-1], places[1:]), ask.task.hourly
    if hourly is None:
        return planned.drives, ask.travel.metres[legs]
    return planned.drives, hourly.metres[(hourly.hour_at([planned.depart, *planned.leave]), *legs)]


def days_visited(ask: RepAsk, plan: RepPlan) -> list[list[int]]:
    """For each customer the numbers of the days on which it is visited."""
    found: list[list[int]] = [[] for _ in range(len(ask.customers))]
    for number, planned in enumerate(plan.days):
        for customer in planned.stops.tolist():
            found[customer].append(number)
    return found


def stretched_rows(ask: RepAsk, plan: RepPlan) -> list[dict[str, Any]]:
    """A row of ``CallPlan.stretched`` for each gap of one rep's customers that is too long or too short.

    Gaps are judged in working days, as they are planned, and told in days of the calendar.
    """
    rows = []
    rhythms, days = ask.task.rhythms, ask.workdays.days
    for customer, visited in enumerate(days_visited(ask, plan)):
        if not visited:
            continue
        last = ask.customers["last"].iloc[customer]
        moments: list[tuple[date, float]] = [(days[number], float(number)) for number in visited]
        if isinstance(last, date):
            moments.insert(0, (last, -float(rhythms.elapsed[customer])))
        interval = float(ask.customers["interval_days"].iloc[customer])
        low, high = gaps_within(float(rhythms.interval[customer]), rhythms.tolerance)
        for (one, before), (other, after) in pairwise(moments):
            gap = (other - one).days
            is_within = low - 1e-9 <= after - before <= high + 1e-9
            # Days off are no working days, but whoever waits for a visit waits on them, too.
            is_long = _has_days_off(ask, one, other) and gap > interval * (1 + rhythms.tolerance) + 1
            if is_within and not is_long:
                continue
            rows.append(
                {
                    "rep_id": ask.rep,
                    "customer_id": ask.customers.index[customer],
                    "from": one.isoformat(),
                    "to": other.isoformat(),
                    "gap_days": gap,
                    "interval_days": round(interval, 1),
                    **why_stretched(ask, customer, (one, other), visited).columns,
                }
            )
    return rows


def _has_days_off(ask: RepAsk, one: date, other: date) -> bool:
    return any(one < day < other for day in (*ask.workdays.off, *ask.workdays.holidays))


def dropped_rows(ask: RepAsk, plan: RepPlan) -> list[dict[str, Any]]:
    """A row of ``CallPlan.dropped`` for each customer of one rep with fewer visits than are due."""
    rows = []
    due, urgency = ask.customers["due"].to_numpy(), ask.task.rhythms.urgency
    wanted = _wanted(ask)
    for customer, visited in enumerate(days_visited(ask, plan)):
        missing = int(max(due[customer], wanted[customer]) - len(visited))
        if missing <= 0:
            continue
        rows.append(
            {
                "rep_id": ask.rep,
                "customer_id": ask.customers.index[customer],
                "visits": missing,
                "minutes": missing * float(ask.task.service[customer]),
                "urgency": round(float(urgency[customer]), 2),
                **why_dropped(ask, plan, customer, visited, missing).columns,
            }
        )
    return rows


def _wanted(ask: RepAsk) -> np.ndarray:
    """Visits that the interval asks for, more than there are days included; (n,) float."""
    rhythms, workdays = ask.task.rhythms, ask.workdays
    if not workdays.days:
        # Nobody is due on no days; told are those who would have been.
        return np.floor(workdays.usual_days / rhythms.interval + 1e-9)
    length = len(workdays.days)
    short = rhythms.allowed.sum(axis=1) < np.floor(length / rhythms.interval + 1e-9)
    return np.where(short, np.floor(length / rhythms.interval + 1e-9), 0)


def measures_of(ask: RepAsk, plan: RepPlan, days: pd.DataFrame, stretched: int) -> dict[str, Any]:
    """A row of ``CallPlan.measures``.

    ``spread`` is the difference of the longest and the shortest day, beside their mean.
    """
    worked = days["worked_minutes"].to_numpy(float)
    capacity = ask.workdays.minutes * len(ask.workdays.days)
    due, planned = int(ask.customers["due"].sum()), int(days["visits"].sum())
    nights = sum(day.end != ask.task.home for day in plan.days)
    return {
        "rep_id": ask.rep,
        "customers": len(ask.customers),
        "days": len(days),
        "due": due,
        "visits": planned,
        "coverage": planned / due if due else np.nan,
        "visit_minutes": float(days["visit_minutes"].sum()),
        "drive_minutes": round(float(days["drive_minutes"].sum()), 2),
        "drive_km": round(float(days["drive_km"].sum()), 2),
        "worked_minutes": round(float(worked.sum()), 2),
        "capacity_minutes": capacity,
        "capacity_use": float(worked.sum()) / capacity if capacity else np.nan,
        "shortest_day": float(worked.min()) if len(worked) else np.nan,
        "longest_day": float(worked.max()) if len(worked) else np.nan,
        "spread": float(worked.max() - worked.min()) / float(worked.mean()) if worked.sum() else np.nan,
        "nights_away": nights,
        "stretched": stretched,
        "proven_days": int(days["is_proven"].sum()),
    }


def visits_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """``CallPlan.visits`` of these rows, each column of its dtype even when there are none."""
    table = pd.DataFrame(list(rows), columns=list(VISIT_COLUMNS))
    moments = dict.fromkeys(("arrive", "start", "leave"), "datetime64[us]")
    texts = dict.fromkeys(("rep_id", "day", "customer_id", "name", "appointment"), "str")
    numbers = dict.fromkeys(("wait_minutes", "drive_minutes", "drive_km", "minutes"), "float64")
    return table.astype({**moments, **texts, **numbers, "stop": "int64", "must": "bool"})


def days_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """``CallPlan.days`` of these rows."""
    table = pd.DataFrame(list(rows), columns=list(DAY_COLUMNS))
    moments = dict.fromkeys(("depart", "back", "pause_from", "pause_until"), "datetime64[us]")
    texts = dict.fromkeys(("rep_id", "day", "begins_at", "ends_at"), "str")
    numbers = dict.fromkeys(("visit_minutes", "drive_minutes", "drive_km", "worked_minutes"), "float64")
    return table.astype({**moments, **texts, **numbers, "visits": "int64", "is_proven": "bool"})


def _moment(midnight: pd.Timestamp, minutes: float) -> pd.Timestamp:
    return midnight + pd.Timedelta(seconds=round(float(minutes) * 60))


def _place(ask: RepAsk, place: int) -> str:
    return "home" if place == ask.task.home else str(ask.customers.index[place])
