"""``territory roads``: a road graph out of an OpenStreetMap extract."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from territory.cli.choices import columns_of
from territory.cli.guard import command
from territory.cli.options import Crs, Customers, Headers, Reps, Seed
from territory.cli.screen import Screen
from territory.cli.travelling import Roads, roads_of
from territory.errors import DataError, Problem
from territory.model import percent

if TYPE_CHECKING:
    from territory.travel import RoadTravel

app = typer.Typer(no_args_is_help=True, help="Roads for travel times: make a road graph of an OpenStreetMap extract.")

Extract = Annotated[
    Path, typer.Argument(metavar="EXTRACT", show_default=False, help="An OpenStreetMap extract, as city.osm.pbf.")
]
Graph = Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="A file that build has written.")]


@command(app, "roads build city.osm.pbf --out city.roads")
def build(
    *,
    extract: Extract,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default="the extract's name, ending in .roads", help="The file to write."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(show_default="the file's name", help="What people call these roads.")
    ] = None,
    screen: Screen,
) -> None:
    """Read the roads for cars out of an extract and write them as one file, ready to answer."""
    target = out or Path(extract.name.split(".")[0] + ".roads")
    if target.exists() and extract.exists() and target.samefile(extract):
        raise typer.BadParameter(f"{extract} is read, and would be written. Choose another file.", param_hint="--out")
    with screen.working("read"):
        from territory.travel import build_roads, write_roads

        roads = build_roads(extract, name=name)
        write_roads(roads, target)
    _tell(screen, roads)
    screen.say("", f"Written to {target}. Use it with --roads {target}.")
    screen.document({**_document(roads), "path": str(target)})


@command(app, "roads info city.roads")
def info(*, graph: Graph, screen: Screen) -> None:
    """What a road graph holds: where it is, how much of it, and what it was made from."""
    from territory.travel import read_roads

    roads = read_roads(graph)
    _tell(screen, roads)
    screen.document(_document(roads))


@command(app, "roads fit customers.csv --roads city.roads")
def fit(
    *,
    customers: Customers,
    reps: Reps = None,
    roads: Roads = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    seed: Seed = 0,
    screen: Screen,
) -> None:
    """The detour factor and speed with which straight lines come closest to the roads between your customers."""
    from territory.files import read_portfolio
    from territory.travel import fit_line

    if roads is None:
        raise typer.BadParameter("it must be given.", param_hint="--roads")
    portfolio = read_portfolio(customers, reps, crs=crs, columns=columns_of(headers or []))
    source = roads_of(roads, portfolio, screen)
    line = fit_line(source, portfolio.customers.geometry, seed=seed)
    if line.error is None:
        what = "no road leads from one customer to another."
        raise DataError([Problem(str(customers), what, "Check that the roads are those of the customers' region.")])
    screen.say(
        "For rules.toml:",
        "",
        "[travel]",
        f"detour_factor = {line.detour_factor:.3f}",
        f"speed_kmh = {line.speed_kmh:.1f}",
        "",
        f"With it a straight line is {percent(line.error)} off on average: it stays an estimate.",
    )
    told = {"detour_factor": line.detour_factor, "speed_kmh": line.speed_kmh, "error": line.error}
    screen.document({**told, "fitted_on": line.fitted_on})


def _document(roads: RoadTravel) -> dict[str, object]:
    return {**roads.describe(), "bounds": list(roads.bounds), "fingerprint": roads.fingerprint}


def _tell(screen: Screen, roads: RoadTravel) -> None:
    told = roads.describe()
    west, south, east, north = roads.bounds
    rows = {
        "Name": told["name"],
        "Roads": f"{told['roads']:,}, {told['kilometres']:,.0f} km",
        "Lanes and turns": f"{told['lanes']:,} and {told['turns']:,}",
        "Left out": f"{told['lanes_left_out']:,} lanes that do not lead to the rest and back",
        "From": f"{west:.4f}, {south:.4f} to {east:.4f}, {north:.4f} (longitude, latitude)",
        "Made from": f"{told['file']}, OpenStreetMap of {told['timestamp'][:10] or 'an unknown day'}",
    }
    table = Table.grid(padding=(0, 2))
    for label, text in rows.items():
        table.add_row(label, str(text))
    screen.say(table)
