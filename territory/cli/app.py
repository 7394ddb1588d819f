"""The commands. Each reads its files, calls the function of its own name, and shows what that gives."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from territory.cli.choices import columns_of, land_of, ratio_of, tolerance_of
from territory.cli.field import field
from territory.cli.guard import FAULTS, FINE, guarded
from territory.cli.offered import OfferedGroup
from territory.cli.options import (
    Barriers,
    Crs,
    Customers,
    Headers,
    Json,
    Language,
    MaxMoved,
    Neighbours,
    NotAssigned,
    Out,
    Outlines,
    Quiet,
    Reps,
    RulesFile,
    Seed,
    Territories,
    Tiles,
    Tolerance,
    Travel,
    example,
)
from territory.cli.planner import planner
from territory.cli.roads import app as roads
from territory.cli.screen import Screen, records
from territory.cli.travelling import Roads, on_roads
from territory.cli.wishes import Centres, Focus, InPieces, Keep, MaxGiven, MaxTaken, wishes_of

if TYPE_CHECKING:
    import pandas as pd

    from territory.model import Portfolio, Proposal

OUT = Path("territory-out")
DEMO_OUT = Path("territory-demo")
MOST_ALERTS, MOST_ALERTS_IN_DEMO = 12, 6

_EXIT_CODES = (
    "[bold]Exit codes:[/] 0 fine, 1 faults in the data, 2 wrong usage, 3 outside the tolerance (the best found is "
    "written), 130 cancelled, 141 the reader of a pipe has gone."
)

app = typer.Typer(
    cls=OfferedGroup,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXIT_CODES,
)


app.add_typer(planner)
app.add_typer(field)
app.add_typer(roads, name="roads")


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line on `args`, by default those of the process, and end with an exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a letter shows a question mark; that is no reason to stop.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(args, prog_name="territory")
    raise SystemExit(FINE)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"territory-planner {version('territory-planner')}")
        raise typer.Exit(FINE)


@app.callback()
def _territory(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Sales territories that are fair in potential and workload, in one piece, with few moves and a proof."""


@app.command(epilog=example("check stores.xlsx", "check stores.csv reps.csv --map revenue=sales_2021 --crs gcj02"))
@guarded
def check(
    customers: Customers,
    reps: Reps = None,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    barriers: Barriers = None,
    not_assigned: NotAssigned = None,
    neighbours: Neighbours = None,
    outlines: Outlines = None,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """Tell every fault in the files by row and column, and how to mend it. Exit code 1 if there is any."""
    from territory.cli.checking import document, inspect, show

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    land = land_of(barriers, not_assigned, neighbours, outlines)
    findings = inspect(customers, reps, rules=rules, crs=crs, columns=columns_of(headers or []), land=land)
    show(screen, findings)
    screen.document(document(findings))
    if findings.faults:
        raise typer.Exit(FAULTS)


@app.command(epilog=example("measure customers.csv reps.csv", "measure customers.csv --tolerance 10% --travel none"))
@guarded
def measure(
    customers: Customers,
    reps: Reps = None,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    barriers: Barriers = None,
    not_assigned: NotAssigned = None,
    neighbours: Neighbours = None,
    outlines: Outlines = None,
    tolerance: Tolerance = "",
    travel: Travel = "line",
    road_file: Roads = None,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """Is today's alignment fair? What each territory holds against its share, and what is wrong."""
    from territory.cli.tables import measured_table
    from territory.demand import derive_demand
    from territory.files import read_portfolio
    from territory.measures import alerts, max_deviation
    from territory.measures import measure as measure_territories

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    band_asked = tolerance_of(tolerance)
    land = land_of(barriers, not_assigned, neighbours, outlines)
    portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns_of(headers or []), **land)
    portfolio, travel = on_roads(portfolio, road_file, travel)
    band = {**portfolio.rules.tolerance, **band_asked}
    demand = derive_demand(portfolio, travel=travel)
    measured = measure_territories(portfolio, demand=demand)
    found = alerts(portfolio, tolerance=band, demand=demand)
    if len(measured):
        screen.say(measured_table(measured, band, screen.width), "")
    _tell_worst(screen, found, most=MOST_ALERTS)
    screen.document(
        {
            "measures": records(measured.reset_index()),
            "max_deviation": max_deviation(measured),
            "tolerance": band,
            "travel": travel,
            "alerts": records(found),
        }
    )


@app.command(
    epilog=example("align customers.csv --territories 12", "align customers.csv reps.csv --tolerance 3% --out fresh")
)
@guarded
def align(
    customers: Customers,
    reps: Reps = None,
    territories: Territories = None,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    barriers: Barriers = None,
    not_assigned: NotAssigned = None,
    neighbours: Neighbours = None,
    outlines: Outlines = None,
    tolerance: Tolerance = "",
    travel: Travel = "line",
    road_file: Roads = None,
    seed: Seed = 0,
    out: Out = OUT,
    language: Language = "auto",
    tiles: Tiles = None,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """Cut territories from scratch: balanced on potential and workload, each in one piece, compact."""
    from territory.cli.publishing import exit_code, publish, refuse_to_overwrite, show

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    band = tolerance_of(tolerance)
    columns = columns_of(headers or [])
    land = land_of(barriers, not_assigned, neighbours, outlines)
    refuse_to_overwrite(out, customers, reps, rules, *land.values())
    with screen.working("read") as tell:
        from territory.files import read_portfolio
        from territory.realignment import align as align_portfolio

        portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns, **land)
        portfolio, travel = on_roads(portfolio, road_file, travel)
        count = territories or len(portfolio.territories)
        if not count:
            raise typer.BadParameter("there are no territories today; say how many.", param_hint="--territories")
        proposal = _timed(
            lambda: align_portfolio(
                portfolio,
                territories=count,
                tolerance={**portfolio.rules.tolerance, **band},
                seed=seed,
                travel=travel,
                progress=tell,
            )
        )
        tell("map", 0.0)
        published = publish(proposal, out, language=language, tiles=tiles)
    show(screen, proposal, published)
    raise typer.Exit(exit_code(proposal))


@app.command(
    epilog=example("realign customers.csv reps.csv --out 2027-q2", "realign customers.csv reps.csv --max-moved 10%")
)
@guarded
def realign(
    customers: Customers,
    reps: Reps = None,
    max_moved: MaxMoved = None,
    max_given: MaxGiven = None,
    max_taken: MaxTaken = None,
    focus: Focus = None,
    keep: Keep = None,
    centres: Centres = None,
    in_pieces: InPieces = None,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    barriers: Barriers = None,
    not_assigned: NotAssigned = None,
    neighbours: Neighbours = None,
    outlines: Outlines = None,
    tolerance: Tolerance = "",
    travel: Travel = "line",
    road_file: Roads = None,
    seed: Seed = 0,
    out: Out = OUT,
    language: Language = "auto",
    tiles: Tiles = None,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """Bring today's territories back into balance, moving few customers."""
    from territory.cli.publishing import exit_code, publish, refuse_to_overwrite, show

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    band = tolerance_of(tolerance)
    most = None if max_moved is None else ratio_of(max_moved, "--max-moved")
    wishes = wishes_of(focus, keep, in_pieces, max_given, max_taken, centres)
    columns = columns_of(headers or [])
    land = land_of(barriers, not_assigned, neighbours, outlines)
    refuse_to_overwrite(out, customers, reps, rules, *land.values())
    with screen.working("read") as tell:
        from territory.files import read_portfolio
        from territory.realignment import realign as realign_portfolio

        portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns, **land)
        portfolio, travel = on_roads(portfolio, road_file, travel)
        proposal = _timed(
            lambda: realign_portfolio(
                portfolio,
                tolerance={**portfolio.rules.tolerance, **band},
                max_moved=most,
                **wishes,
                seed=seed,
                travel=travel,
                progress=tell,
            )
        )
        tell("map", 0.0)
        published = publish(proposal, out, language=language, tiles=tiles)
    show(screen, proposal, published)
    raise typer.Exit(exit_code(proposal))


@app.command(epilog=example("columns", "columns --json"))
@guarded
def columns(is_json: Json = False) -> None:
    """Print the tables' columns: name, unit, what is required, and the headers that are understood."""
    from territory.cli.tables import columns_table
    from territory.model import CUSTOMER_COLUMNS, REP_COLUMNS

    screen = Screen(is_json=is_json)
    tables = {"customers": CUSTOMER_COLUMNS, "reps": REP_COLUMNS}
    for name, declared in tables.items():
        screen.say(f"{name.upper()} (* required)", columns_table(declared), "")
    screen.document({name: [asdict(column) for column in declared] for name, declared in tables.items()})


@app.command(epilog=example("demo", "demo --no-serve --out demo", "demo --port 0 --open"))
@guarded
def demo(
    out: Out = DEMO_OUT,
    is_served: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the map on this machine until Ctrl-C.")
    ] = True,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            show_default="8000, or any when that is taken",
            help="Where to serve; 0 for any free port.",
        ),
    ] = None,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the map in a browser.")] = False,
    tolerance: Tolerance = "",
    travel: Travel = "line",
    seed: Seed = 0,
    language: Language = "auto",
    tiles: Tiles = None,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """The whole story on the shipped region: what is unfair, a proposal, its files, and its map in a browser."""
    from territory.cli.publishing import MAP_FILE, exit_code, own_files, publish, show
    from territory.cli.serving import FolderServer
    from territory.demo import demo_folder

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    band_asked = tolerance_of(tolerance)
    with ExitStack() as stack:
        # The port is taken first: to learn that it is not free after half a minute of work would be late.
        server = stack.enter_context(FolderServer(out, own_files(), MAP_FILE, port)) if is_served else None
        with screen.working("read") as tell:
            from territory.files import read_portfolio
            from territory.measures import alerts
            from territory.realignment import realign as realign_portfolio

            folder = demo_folder()
            portfolio = read_portfolio(folder / "customers.csv", folder / "reps.csv", rules=folder / "rules.toml")
            band = {**portfolio.rules.tolerance, **band_asked}
            _tell_what_is_unfair(screen, portfolio, alerts(portfolio, tolerance=band, travel=travel))
            proposal = _timed(
                lambda: realign_portfolio(portfolio, tolerance=band, seed=seed, travel=travel, progress=tell)
            )
            tell("map", 0.0)
            published = publish(proposal, out, language=language, tiles=tiles)
        show(screen, proposal, published)
        if server:
            _serve(screen, server.url, server.serve_forever, is_opened=is_opened)
    raise typer.Exit(exit_code(proposal))


def _tell_what_is_unfair(screen: Screen, portfolio: Portfolio, found: pd.DataFrame) -> None:
    customers, reps = len(portfolio.customers) + len(portfolio.unplaced), len(portfolio.reps)
    screen.say(f"A wholesaler in the Yangtze River Delta: {customers:,} outlets (made up), {reps} reps.", "")
    screen.say("Today, with territories along administrative borders:")
    _tell_worst(screen, found, most=MOST_ALERTS_IN_DEMO)
    screen.say("")


def _tell_worst(screen: Screen, found: pd.DataFrame, *, most: int) -> None:
    if found.empty:
        screen.say("Nothing is out of its band.")
        return
    more = len(found) - most
    screen.points([*found["message"][:most], *([f"and {more} more alerts; --json lists all."] if more > 0 else [])])


def _serve(screen: Screen, url: str, serve_forever: Callable[[], None], *, is_opened: bool) -> None:
    screen.say(f"The map is served on {url} until you press Ctrl-C.")
    if is_opened:
        import webbrowser

        webbrowser.open(url)
    try:
        serve_forever()
    except KeyboardInterrupt:
        screen.say("Stopped.")


def _timed(plan: Callable[[], Proposal]) -> Proposal:
    """The proposal, with the seconds that it took."""
    start = time.perf_counter()
    proposal = plan()
    return replace(proposal, seconds=time.perf_counter() - start)
