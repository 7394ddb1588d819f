"""Days as tables, for spreadsheets and other programs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from territory.itinerary.days import LEFT_OUT_COLUMNS, STOP_COLUMNS, Day
from territory.itinerary.links import navigation_links


def stops_table(days: Sequence[Day]) -> pd.DataFrame:
    """One row a stop: ``date``, ``rep_id``, `STOP_COLUMNS` times as HH:MM:SS, and a link to each navigation app."""
    tables = [_stops(day) for day in days]
    columns = ["date", "rep_id", *STOP_COLUMNS, *navigation_links(0, 0)]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def days_table(days: Sequence[Day]) -> pd.DataFrame:
    """One row a day: ``date``, ``rep_id``, ``visits``, ``depart``, ``home``, ``minutes``, ``drive_minutes``,
    ``drive_km``, ``proof``, ``night_before`` and ``night_after`` (near which customer, empty at home)."""
    rows = [{**day.figures, "rep_id": day.rep, "visits": len(day.stops)} for day in days]
    columns = ["date", "rep_id", "visits", "depart", "home", "minutes", "drive_minutes", "drive_km", "proof"]
    columns += ["night_before", "night_after"]
    return pd.DataFrame(rows, columns=columns)


def left_out_table(days: Sequence[Day]) -> pd.DataFrame:
    """One row a visit that a day leaves out: ``date``, ``rep_id`` and `LEFT_OUT_COLUMNS`."""
    tables = [day.left_out.assign(date=day.date.isoformat(), rep_id=day.rep) for day in days]
    columns = ["date", "rep_id", *LEFT_OUT_COLUMNS]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _stops(day: Day) -> pd.DataFrame:
    times = {column: day.stops[column].dt.strftime("%H:%M:%S") for column in ("arrive", "start", "leave")}
    places = zip(day.stops["lon"], day.stops["lat"], day.stops["name"], strict=True)
    links = pd.DataFrame([navigation_links(*place) for place in places], index=day.stops.index)
    return day.stops.assign(date=day.date.isoformat(), rep_id=day.rep, **times).join(links.reindex(columns=_APPS))


_APPS = list(navigation_links(0, 0))
