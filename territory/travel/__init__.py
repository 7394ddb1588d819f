"""Where minutes and metres come from: straight lines, a table, a road graph in process, or a server."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from territory.travel.hours import HourlyTimes, hourly_times, ways_at
from territory.travel.line import LineTravel, fit_line
from territory.travel.memory import RememberedTravel
from territory.travel.opening import open_travel
from territory.travel.table import TableTravel
from territory.travel.times import TravelMatrix, TravelTimes, far_off
from territory.travel.workload import line_minutes, road_minutes, stop_metres

if TYPE_CHECKING:
    from territory.travel.roads import RoadTravel
    from territory.travel.storing import build_roads, read_roads, write_roads

__all__ = [
    "HourlyTimes",
    "LineTravel",
    "RememberedTravel",
    "RoadTravel",
    "TableTravel",
    "TravelMatrix",
    "TravelTimes",
    "build_roads",
    "far_off",
    "fit_line",
    "hourly_times",
    "line_minutes",
    "open_travel",
    "read_roads",
    "road_minutes",
    "stop_metres",
    "ways_at",
    "write_roads",
]

# Who plans along straight lines need not wait for the search on roads to load.
_LATER = {"RoadTravel": "roads", "build_roads": "storing", "read_roads": "storing", "write_roads": "storing"}


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(import_module(f"territory.travel.{_LATER[name]}"), name)
    raise AttributeError(f"module 'territory.travel' has no attribute '{name}'")
