"""Arguments and options that several commands take, each told once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.models import OptionInfo


def given(*names: str, metavar: str, help: str, panel: str | None = None) -> OptionInfo:
    """An option that is nothing until it is given."""
    option: OptionInfo = typer.Option(*names, metavar=metavar, show_default=False, help=help, rich_help_panel=panel)
    return option


Customers = Annotated[
    Path,
    typer.Argument(metavar="CUSTOMERS", show_default=False, help="A CSV, XLSX, GeoJSON, GeoPackage or GeoParquet."),
]
Reps = Annotated[
    Path | None,
    typer.Argument(metavar="REPS", show_default=False, help="The reps' table, in any of these formats."),
]
RulesFile = Annotated[
    Path | None,
    given("--rules", metavar="TOML", help="How what is missing is derived, and what counts as fair.", panel="Reading"),
]
Crs = Annotated[
    str,
    typer.Option(
        metavar="CRS", help="What the coordinates are in: wgs84, gcj02, bd09 or EPSG:n.", rich_help_panel="Reading"
    ),
]
Headers = Annotated[
    list[str] | None,
    given(
        "--map",
        metavar="NAME=HEADER",
        help="Our column NAME has this HEADER in the file; reps.NAME in the reps' file. Repeat it for more.",
        panel="Reading",
    ),
]
Barriers = Annotated[
    Path | None,
    given(metavar="FILE", help="Lines that no territory crosses, as rivers: a GeoJSON or GeoPackage.", panel="Land"),
]
NotAssigned = Annotated[
    Path | None,
    given(
        metavar="FILE", help="Areas whose customers stay out of every territory: a GeoJSON or GeoPackage.", panel="Land"
    ),
]
Neighbours = Annotated[
    Path | None,
    given(metavar="FILE", help="Who borders whom: a table of two columns of customer ids.", panel="Land"),
]
Outlines = Annotated[
    Path | None,
    given(
        metavar="FILE", help="Areas of customers, with an attribute customer_id: a GeoJSON or GeoPackage.", panel="Land"
    ),
]
Tolerance = Annotated[
    str,
    typer.Option(
        metavar="RATIO",
        show_default="the rules', 0.05",
        help="How far from its share a territory may be: 0.05, 5%, or potential=0.05,workload=0.1, and so for any "
        "other number column.",
        rich_help_panel="Balance",
    ),
]
Travel = Annotated[
    Literal["none", "line", "roads"],
    typer.Option(
        help="What workload counts beside visits x minutes: nothing, straight lines, or roads, which "
        "then tell how far customers are from their centre, too.",
        rich_help_panel="Balance",
    ),
]
Seed = Annotated[
    int,
    typer.Option(min=0, help="The same input and seed give the same plan, byte for byte.", rich_help_panel="Balance"),
]
MaxMoved = Annotated[
    str | None,
    given(
        metavar="RATIO",
        help="Move at most this part of the customers, 0.1 or 10%, beside those whose rep has gone; the balance is "
        "then the best found within it.",
        panel="Balance",
    ),
]
Territories = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="K",
        show_default="as many as today",
        help="How many territories to cut.",
        rich_help_panel="Balance",
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        help="The folder to write into; only files of these names in it are replaced.",
        rich_help_panel="Output",
    ),
]
Language = Annotated[
    Literal["auto", "en", "zh"],
    typer.Option(help="What the map speaks first; auto follows the browser.", rich_help_panel="Output"),
]
Tiles = Annotated[
    Literal["osm", "amap"] | None,
    typer.Option(
        show_default=False,
        help="An online base map. Without it the map asks no other host for anything.",
        rich_help_panel="Output",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document and nothing else.", rich_help_panel="Output")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but what went wrong.", rich_help_panel="Output")
]


def example(*lines: str) -> str:
    """The end of a command's help: lines as a person types them, after ``territory``."""
    return "[bold]Examples:[/]\n\n" + "\n\n".join(f"territory {line}".replace("[", "\\[") for line in lines)
