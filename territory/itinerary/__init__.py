"""A rep's day and month as people carry them: calendar, GPS track, table, and links that open a phone's navigation.

`days_of` turns a route or a call plan into days; everything else is made from those.
"""

from __future__ import annotations

from territory.itinerary.calendars import calendar_text
from territory.itinerary.days import Day, days_of
from territory.itinerary.keeping import read_calls, read_stops
from territory.itinerary.links import navigation_links
from territory.itinerary.sheets import days_table, left_out_table, stops_table
from territory.itinerary.tracks import track_text
from territory.itinerary.writing import write_itinerary

__all__ = [
    "Day",
    "calendar_text",
    "days_of",
    "days_table",
    "left_out_table",
    "navigation_links",
    "read_calls",
    "read_stops",
    "stops_table",
    "track_text",
    "write_itinerary",
]
