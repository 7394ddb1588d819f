"""Where minutes by road come from, as a person says it: a file, or a server by its address."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from territory.model import Portfolio, TravelMode
    from territory.travel import TravelTimes

KEY = "TERRITORY_TRAVEL_KEY"
"""The environment variable that holds a routing server's key; on the command line others could read it."""

Roads = Annotated[
    str | None,
    typer.Option(
        "--roads",
        metavar="FILE|SERVER",
        show_default=False,
        help="Where minutes by road come from: a file of territory roads build, or a server, as osrm+http://host:5000 "
        f"(also valhalla, ors, amap; its key in {KEY}). Implies --travel roads.",
        rich_help_panel="Reading",
    ),
]


def roads_of(text: str | None) -> TravelTimes | None:
    """What --roads says; None when it was not given."""
    if text is None:
        return None
    from territory.travel import open_travel

    return open_travel(text if "+" in text and "://" in text else Path(text), key=os.environ.get(KEY, ""))


def travel_on(portfolio: Portfolio, travel: TravelMode) -> TravelMode:
    """What workload counts: roads that were given are meant, unless nothing is to count."""
    return travel if portfolio.roads is None or travel == "none" else "roads"
