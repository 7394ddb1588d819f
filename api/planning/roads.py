"""Minutes by road: from where the configuration says, never from where a request does."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import territory
from api.settings import Settings
from territory.errors import DataError, Problem
from territory.model import Portfolio, TravelMode

if TYPE_CHECKING:
    from territory.travel import TravelTimes


def need_roads(settings: Settings, travel: str) -> None:
    """Raise DataError when minutes by road are asked for and the service has none."""
    if travel == "roads" and not settings.roads:
        fix = "Use line or none, or configure TERRITORY_ROADS."
        raise DataError([Problem("travel", "This service knows no roads.", fix)])


def on_roads(settings: Settings, portfolio: Portfolio, travel: str) -> Portfolio:
    """The portfolio with the configured roads, when they are to be counted.

    Raises
    ------
    DataError
        They are to be counted, and none are configured.
    """
    need_roads(settings, travel)
    return portfolio.with_roads(_opened(settings.roads, settings.travel_key)) if travel == "roads" else portfolio


def known_travel(settings: Settings) -> TravelMode:
    """By road where the service knows roads, else by straight lines: how days are driven when nobody says."""
    return "roads" if settings.roads else "line"


@cache
def _opened(address: str, key: str) -> TravelTimes:
    return territory.open_travel(address if "+" in address and "://" in address else Path(address), key=key)
