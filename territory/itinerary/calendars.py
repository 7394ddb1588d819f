"""Days as an iCalendar file, which every phone and office program reads."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from territory.errors import NotFoundError, Problem
from territory.itinerary.days import Day, printable
from territory.itinerary.links import navigation_links

if TYPE_CHECKING:
    import icalendar


def calendar_text(days: Iterable[Day], *, timezone: str | None = None) -> str:
    """An ``.ics`` file (RFC 5545): an entry a visit, with place, drive and navigation links, a break or a night away.

    Parameters
    ----------
    days : Day
    timezone : as ``Asia/Shanghai``; by default times are those of whichever clock the phone shows

    Raises
    ------
    NotFoundError
        There is no such time zone.

    Notes
    -----
    The same days give the same bytes: an entry is known by rep, day and customer, so that a changed plan changes
    the entries and does not double them.
    """
    import icalendar

    zone = _zone(timezone)
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//territory-planner//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    every = list(days)
    mornings = {(day.rep, day.date): day.depart for day in every}
    for day in every:
        for row in day.stops.to_dict("records"):
            calendar.add_component(_visit(day, row, zone))
        if day.pause is not None:
            pause = _entry(day, "break", day.pause, zone)
            pause.add("summary", "Break")
            calendar.add_component(pause)
        if day.night_after:
            morning = mornings.get((day.rep, day.date + dt.timedelta(1)), pd.Timestamp(day.date) + pd.Timedelta(days=1))
            calendar.add_component(_night(day, morning, zone))
    if zone is not None and every:
        # A named zone without its rules is no calendar for Outlook (RFC 5545, 3.6.5).
        dates = [day.date for day in every]
        calendar.add_missing_timezones(min(dates) - dt.timedelta(1), max(dates) + dt.timedelta(2))
    return calendar.to_ical().decode()


def _visit(day: Day, row: dict[str, Any], zone: ZoneInfo | None) -> icalendar.Event:
    entry = _entry(day, row["customer_id"], (row["start"], row["leave"]), zone)
    name = printable(row["name"] or row["customer_id"])
    links = navigation_links(row["lon"], row["lat"], name)
    told = [
        f"{printable(row['customer_id'])}, stop {row['stop']} of {len(day.stops)}",
        f"{row['drive_minutes']:.0f} min, {row['drive_km']:.1f} km from the stop before; arrive {row['arrive']:%H:%M}",
        *(f"{app}: {link}" for app, link in links.items()),
    ]
    entry.add("summary", name)
    entry.add("location", f"{row['lat']:.6f},{row['lon']:.6f}")
    entry.add("geo", (row["lat"], row["lon"]))
    entry.add("description", "\n".join(told))
    entry.add("url", links["google"])
    return entry


def _night(day: Day, morning: pd.Timestamp, zone: ZoneInfo | None) -> icalendar.Event:
    """From arriving where the night is spent to leaving it; until midnight when nobody knows the next day."""
    lon, lat = day.end
    name = printable(day.night_after)
    entry = _entry(day, "night", (day.home, max(morning, day.home)), zone)
    entry.add("summary", f"Night away, near {name}")
    entry.add("location", f"{lat:.6f},{lon:.6f}")
    entry.add("geo", (lat, lon))
    entry.add("url", navigation_links(lon, lat, name)["google"])
    return entry


def _entry(day: Day, what: str, times: tuple[pd.Timestamp, pd.Timestamp], zone: ZoneInfo | None) -> icalendar.Event:
    import icalendar

    entry = icalendar.Event()
    mark = hashlib.sha256("\0".join([day.rep, day.date.isoformat(), what]).encode()).hexdigest()[:32]
    entry.add("uid", f"{mark}@territory-planner")
    # When the entry was made is nobody's business here, and would make every file differ.
    entry.add("dtstamp", dt.datetime.combine(day.date, dt.time(), dt.UTC))
    start, end = (moment.to_pydatetime().replace(microsecond=0, tzinfo=zone) for moment in times)
    entry.add("dtstart", start)
    entry.add("dtend", end)
    return entry


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        what, fix = f"there is no time zone '{name}'.", "Give one as Asia/Shanghai or Europe/Paris."
        raise NotFoundError([Problem("timezone", what, fix)]) from error
