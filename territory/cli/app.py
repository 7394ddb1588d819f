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

from territory.cli.advising import advice
from territory.cli.agreement import agreement
from territory.cli.bundles import Balance, Files, Output, Tables
from territory.cli.choices import ratio_of, tolerance_of
from territory.cli.field import field
from territory.cli.guard import FAULTS, FINE, command
from territory.cli.offered import OfferedGroup
from territory.cli.options import Json, MaxMoved, Territories, Tolerance, Travel
from territory.cli.planner import planner
from territory.cli.roads import app as roads
from territory.cli.screen import Screen, records
from territory.cli.travelling import travel_on
from territory.cli.wishes import Wishes

if TYPE_CHECKING:
    import pandas as pd

    from territory.model import Portfolio, Proposal

OUT, DEMO_OUT = Output(Path("territory-out")), Output(Path("territory-demo"))
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
app.add_typer(advice)
app.add_typer(agreement)
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


@command(app, "check stores.xlsx", "check stores.csv reps.csv --map revenue=sales_2021 --crs gcj02")
def check(*, tables: Tables, screen: Screen) -> None:
    """Tell every fault in the files by row and column, and how to mend it. Exit code 1 if there is any."""
    from territory.cli.checking import document, inspect, show

    findings = inspect(tables.check())
    show(screen, findings)
    screen.document(document(findings))
    if findings.faults:
        raise typer.Exit(FAULTS)


@command(app, "measure customers.csv reps.csv", "measure customers.csv --tolerance 10% --travel none")
def measure(*, files: Files, tolerance: Tolerance = "", travel: Travel = "line", screen: Screen) -> None:
    """Is today's alignment fair? What each territory holds against its share, and what is wrong."""
    from territory.cli.tables import measured_table
    from territory.demand import derive_demand
    from territory.measures import alerts, max_deviation
    from territory.measures import measure as measure_territories
    from territory.realignment import extra_loads, loads_of

    asked = tolerance_of(tolerance)
    portfolio = files.read(screen)
    travel = travel_on(portfolio, travel)
    band = {**portfolio.rules.tolerance, **asked}
    demand = derive_demand(portfolio, travel=travel)
    extra = extra_loads(list(band), loads_of(portfolio, list(band), demand))
    measured = measure_territories(portfolio, demand=demand, extra=extra)
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


@command(app, "align customers.csv --territories 12", "align customers.csv reps.csv --tolerance 3% --out fresh")
def align(
    *, territories: Territories = None, files: Files, balance: Balance, output: Output = OUT, screen: Screen
) -> None:
    """Cut territories from scratch: balanced on potential and workload, each in one piece, compact."""
    from territory.cli.publishing import exit_code, own_files, publish, show
    from territory.cli.words import unasked

    output.refuse_to_overwrite(files.paths, own_files())
    with screen.working("read") as tell:
        from territory.realignment import align as align_portfolio

        portfolio = files.read(screen)
        count = territories or len(portfolio.territories)
        if not count:
            raise typer.BadParameter("there are no territories today; say how many.", param_hint="--territories")
        terms = balance.on(portfolio)
        proposal = _timed(lambda: align_portfolio(portfolio, territories=count, **terms, progress=tell))
        tell("map", 0.0)
        published = publish(proposal, output)
    show(screen, proposal, published)
    if told := unasked(proposal):
        screen.warn(told)
    raise typer.Exit(exit_code(proposal))


@command(app, "realign customers.csv reps.csv --out 2027-q2", "realign customers.csv reps.csv --max-moved 10%")
def realign(
    *,
    max_moved: MaxMoved = None,
    wishes: Wishes,
    files: Files,
    balance: Balance,
    output: Output = OUT,
    screen: Screen,
) -> None:
    """Bring today's territories back into balance, moving few customers."""
    from territory.cli.publishing import exit_code, own_files, publish, show
    from territory.cli.words import unlocked

    most = None if max_moved is None else ratio_of(max_moved, "--max-moved")
    output.refuse_to_overwrite(files.paths, own_files())
    with screen.working("read") as tell:
        from territory.realignment import realign as realign_portfolio

        portfolio = files.read(screen)
        terms = balance.on(portfolio)
        proposal = _timed(
            lambda: realign_portfolio(portfolio, max_moved=most, **wishes.keywords, **terms, progress=tell)
        )
        tell("map", 0.0)
        published = publish(proposal, output)
    show(screen, proposal, published)
    if told := unlocked(proposal):
        screen.warn(told)
    raise typer.Exit(exit_code(proposal))


@command(app, "columns", "columns --json")
def columns(is_json: Json = False) -> None:
    """Print the tables' columns: name, unit, what is required, and the headers that are understood."""
    from territory.cli.tables import columns_table
    from territory.columns import CUSTOMER_COLUMNS, REP_COLUMNS, TRAVEL_COLUMNS

    screen = Screen(is_json=is_json)
    tables = {"customers": CUSTOMER_COLUMNS, "reps": REP_COLUMNS, "travel": TRAVEL_COLUMNS}
    for name, declared in tables.items():
        screen.say(f"{name.upper()} (* required)", columns_table(declared), "")
    screen.document({name: [asdict(column) for column in declared] for name, declared in tables.items()})


@command(app, "demo", "demo --no-serve --out demo", "demo --port 0 --open")
def demo(
    *,
    output: Output = DEMO_OUT,
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
    balance: Balance,
    screen: Screen,
) -> None:
    """The whole story on the shipped region: what is unfair, a proposal, its files, and its map in a browser."""
    from territory.cli.publishing import MAP_FILE, exit_code, own_files, publish, show
    from territory.cli.serving import FolderServer
    from territory.demo import demo_folder

    with ExitStack() as stack:
        # The port is taken first: to learn that it is not free after half a minute of work would be late.
        server = stack.enter_context(FolderServer(output.out, own_files(), MAP_FILE, port)) if is_served else None
        with screen.working("read") as tell:
            from territory.files import read_portfolio
            from territory.measures import alerts
            from territory.realignment import realign as realign_portfolio

            folder = demo_folder()
            portfolio = read_portfolio(folder / "customers.csv", folder / "reps.csv", rules=folder / "rules.toml")
            terms = balance.on(portfolio)
            found = alerts(portfolio, tolerance=terms["tolerance"], travel=terms["travel"])
            _tell_what_is_unfair(screen, portfolio, found)
            proposal = _timed(lambda: realign_portfolio(portfolio, **terms, progress=tell))
            tell("map", 0.0)
            published = publish(proposal, output)
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
