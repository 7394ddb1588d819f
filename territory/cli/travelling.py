"""Where minutes by road come from, as a person says it: a file, a table, or a server by its address."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from territory.cli.screen import Screen
    from territory.model import Portfolio, TravelMode
    from territory.travel import TravelTimes

KEY = "TERRITORY_TRAVEL_KEY"
"""The environment variable that holds a routing server's key; on the command line others could read it."""

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
"""How a file of --roads ends that is a table of minutes."""

Roads = Annotated[
    str | None,
    typer.Option(
        "--roads",
        metavar="FILE|SERVER",
        show_default=False,
        help="Where minutes by road come from: a file of territory roads build, a table (CSV, XLSX, Parquet) with the "
        "columns from, to (customer or rep ids), minutes and perhaps km, or a server, as osrm+http://host:5000 "
        f"(also valhalla, ors, amap; its key in {KEY}). Implies --travel roads.",
        rich_help_panel="Reading",
    ),
]


def roads_of(text: str, portfolio: Portfolio, screen: Screen | None = None) -> TravelTimes:
    """What --roads says; a table is of the places of `portfolio`, and its notes go to the screen."""
    if "://" not in text and text.lower().endswith(TABLES):
        return _table(Path(text), portfolio, screen)
    from territory.travel import open_travel

    return open_travel(text if "+" in text and "://" in text else Path(text), key=os.environ.get(KEY, ""))


def _table(path: Path, portfolio: Portfolio, screen: Screen | None) -> TravelTimes:
    from territory.files import read_travel_table

    table = read_travel_table(path, portfolio)
    if screen is not None:
        for note in table.notes:
            screen.warn(str(note))
    return table


def travel_in_words(name: str, *, is_estimate: bool) -> str:
    """``by roads of Porto``: where a plan's minutes come from, and whether they are guessed."""
    if not is_estimate:
        return f"by {name}"
    # What knows more than lines and guesses nonetheless has gaps.
    return "estimated from straight lines" if name.startswith("straight line") else f"by {name} and straight lines"


def travel_on(portfolio: Portfolio, travel: TravelMode) -> TravelMode:
    """What workload counts: roads that were given are meant, unless nothing is to count."""
    return travel if portfolio.roads is None or travel == "none" else "roads"
