"""Days into the files of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from territory.files.storing import store
from territory.files.writing import csv_text
from territory.itinerary.calendars import calendar_text
from territory.itinerary.days import Day
from territory.itinerary.sheets import days_table, left_out_table, stops_table
from territory.itinerary.tracks import track_text

FILES = ("stops.csv", "days.csv", "left_out.csv", "visits.ics", "visits.gpx")
"""What an itinerary's folder may hold."""


def write_itinerary(days: Sequence[Day], folder: str | Path, *, timezone: str | None = None) -> tuple[str, ...]:
    """Write ``stops.csv``, ``days.csv``, ``visits.ics`` and ``visits.gpx``; returns their names.

    ``left_out.csv`` is written beside them when a day leaves somebody out.

    Parameters
    ----------
    days : Day, of one rep or of several
    folder : is made when it does not exist
    timezone : of the calendar, see `calendar_text`

    Raises
    ------
    DataError
        The folder or a file cannot be written.
    """
    contents = {
        "stops.csv": csv_text(stops_table(days)),
        "days.csv": csv_text(days_table(days)),
        "visits.ics": calendar_text(days, timezone=timezone),
        "visits.gpx": track_text(days),
    }
    left_out = left_out_table(days)
    if len(left_out):
        contents["left_out.csv"] = csv_text(left_out)
    store(folder, contents, known=FILES)
    return tuple(contents)
