"""The planner's commands: the front, what a tolerance costs, how many territories, what if, and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from territory.cli.choices import columns_of, land_of, ratio_of, tolerance_of
from territory.cli.guard import guarded
from territory.cli.options import (
    Barriers,
    Crs,
    Customers,
    Headers,
    Json,
    Language,
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
from territory.cli.screen import Screen, records
from territory.cli.travelling import Roads, on_roads

FRONT_OUT, ADJUSTED_OUT = Path("territory-plans"), Path("territory-adjusted")

planner = typer.Typer()


@planner.command(
    epilog=example("proposals customers.csv reps.csv", "proposals customers.csv reps.csv --count 8 --out 2027-q2")
)
@guarded
def proposals(
    customers: Customers,
    reps: Reps = None,
    count: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many plans at most.", rich_help_panel="Balance")
    ] = 20,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    barriers: Barriers = None,
    not_assigned: NotAssigned = None,
    neighbours: Neighbours = None,
    outlines: Outlines = None,
    road_file: Roads = None,
    tolerance: Tolerance = "",
    travel: Travel = "line",
    seed: Seed = 0,
    out: Out = FRONT_OUT,
    language: Language = "auto",
    tiles: Tiles = None,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """Plans that trade driving, balance and moves, none worse than another in all three: choose one."""
    from territory.cli.several import FRONT_FILES, publish_each
    from territory.cli.tables import front_table

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    band_asked = tolerance_of(tolerance)
    columns, land = columns_of(headers or []), land_of(barriers, not_assigned, neighbours, outlines)
    with screen.working("read") as tell:
        from territory.files import read_portfolio
        from territory.files.writing import csv_text
        from territory.fronts import proposals as find_proposals
        from territory.fronts import tabulate_front, today_on_the_axes
        from territory.maps.front import draw_front

        portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns, **land)
        portfolio, travel = on_roads(portfolio, road_file, travel)
        band = {**portfolio.rules.tolerance, **band_asked}
        plans = find_proposals(portfolio, count=count, tolerance=band, seed=seed, travel=travel, progress=tell)
        table = tabulate_front(plans)
        folders = publish_each(
            plans,
            out,
            {
                FRONT_FILES[0]: csv_text(table.reset_index()),
                FRONT_FILES[1]: draw_front(table, today_on_the_axes(portfolio, travel=travel)),
            },
            language=language,
            tiles=tiles,
            tell=tell,
        )
    screen.say(front_table(table, screen.width), "")
    screen.say(f"The chart is {out / FRONT_FILES[1]}; each plan is in the folder of its number.")
    screen.document({"plans": records(table.assign(folder=folders).reset_index()), "tolerance": band, "seed": seed})


@planner.command(
    epilog=example("tradeoff customers.csv reps.csv", "tradeoff customers.csv --territories 12 --tolerances 2%,5%,10%")
)
@guarded
def tradeoff(
    customers: Customers,
    reps: Reps = None,
    tolerances: Annotated[
        str,
        typer.Option(metavar="RATIOS", show_default="1% to 30%", help="As 2%,5%,10%.", rich_help_panel="Balance"),
    ] = "",
    territories: Territories = None,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    barriers: Barriers = None,
    not_assigned: NotAssigned = None,
    neighbours: Neighbours = None,
    outlines: Outlines = None,
    road_file: Roads = None,
    travel: Travel = "line",
    seed: Seed = 0,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """What each tolerance costs in travel, and where tightening begins to hurt."""
    from territory.cli.tables import tradeoff_table

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    asked = [ratio_of(part, "--tolerances", most=50.0) for part in tolerances.split(",") if part.strip()]
    columns, land = columns_of(headers or []), land_of(barriers, not_assigned, neighbours, outlines)
    with screen.working("read") as tell:
        from territory.files import read_portfolio
        from territory.tradeoffs import TOLERANCES, trade_off

        portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns, **land)
        portfolio, travel = on_roads(portfolio, road_file, travel)
        curve = trade_off(
            portfolio,
            tolerances=asked or TOLERANCES,
            territories=territories,
            seed=seed,
            travel=travel,
            progress=tell,
        )
    screen.say(tradeoff_table(curve.table), "", curve.words)
    rows = records(curve.table.reset_index())
    screen.document({"curve": rows, "knee": curve.knee, "words": curve.words, "seed": seed})


@planner.command(epilog=example("size customers.csv", "size customers.csv --hours-per-week 35 --around 2"))
@guarded
def size(
    customers: Customers,
    reps: Reps = None,
    hours_per_week: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=168,
            show_default="the rules', 40",
            help="What one rep works in a week, travel included.",
            rich_help_panel="Balance",
        ),
    ] = None,
    around: Annotated[
        int,
        typer.Option(min=0, help="How many numbers on either side to plan as well.", rich_help_panel="Balance"),
    ] = 1,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    barriers: Barriers = None,
    not_assigned: NotAssigned = None,
    neighbours: Neighbours = None,
    outlines: Outlines = None,
    road_file: Roads = None,
    tolerance: Tolerance = "",
    travel: Travel = "line",
    seed: Seed = 0,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """How many territories the work asks for, and what one rep more or fewer would cost."""
    from territory.cli.tables import build_up_table, size_table

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    band_asked = tolerance_of(tolerance)
    columns, land = columns_of(headers or []), land_of(barriers, not_assigned, neighbours, outlines)
    with screen.working("read") as tell:
        from territory.buildup import sizing
        from territory.files import read_portfolio

        portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns, **land)
        portfolio, travel = on_roads(portfolio, road_file, travel)
        found = sizing(
            portfolio,
            hours_per_week=hours_per_week,
            around=around,
            tolerance={**portfolio.rules.tolerance, **band_asked},
            seed=seed,
            travel=travel,
            progress=tell,
        )
    screen.say(build_up_table(found.build_up), "", size_table(found.table), "", found.words)
    screen.document(
        {
            "territories": found.territories,
            "hours": found.hours,
            "build_up": records(found.build_up.reset_index()),
            "table": records(found.table.reset_index()),
            "words": found.words,
            "seed": seed,
        }
    )


@planner.command(
    epilog=example(
        "simulate customers.csv reps.csv --without-rep R04 --without-rep R07",
        "simulate customers.csv reps.csv --scale potential=1.15:tier=A --with-rep New@120.6,31.3 --together",
    )
)
@guarded
def simulate(
    customers: Customers,
    reps: Reps = None,
    without_rep: Annotated[
        list[str] | None,
        typer.Option(metavar="REP", show_default=False, help="A rep leaves.", rich_help_panel="What if"),
    ] = None,
    with_rep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REP@PLACE",
            show_default=False,
            help="A rep joins, at home at LON,LAT or at a customer's.",
            rich_help_panel="What if",
        ),
    ] = None,
    half_time: Annotated[
        list[str] | None,
        typer.Option(metavar="REP", show_default=False, help="A rep goes half time.", rich_help_panel="What if"),
    ] = None,
    scale: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=FACTOR[:COLUMN=VALUE]",
            show_default=False,
            help="A number of customers grows or shrinks, as potential=1.15:tier=A.",
            rich_help_panel="What if",
        ),
    ] = None,
    is_together: Annotated[
        bool,
        typer.Option("--together", help="All of it at once, as one scenario.", rich_help_panel="What if"),
    ] = False,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    barriers: Barriers = None,
    not_assigned: NotAssigned = None,
    neighbours: Neighbours = None,
    outlines: Outlines = None,
    road_file: Roads = None,
    tolerance: Tolerance = "",
    travel: Travel = "line",
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Write scenarios.csv and each scenario's plan into this folder.",
            rich_help_panel="Output",
        ),
    ] = None,
    language: Language = "auto",
    tiles: Tiles = None,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """What if? Scenarios side by side with today's portfolio, each realigned."""
    from territory.cli.several import SCENARIO_FILES, publish_each
    from territory.cli.tables import scenarios_table
    from territory.cli.whatif import changes_of

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    band_asked = tolerance_of(tolerance)
    changes = changes_of(without_rep or [], with_rep or [], half_time or [], scale or [])
    columns, land = columns_of(headers or []), land_of(barriers, not_assigned, neighbours, outlines)
    with screen.working("read") as tell:
        from territory.cli.whatif import scenarios_of
        from territory.files import read_portfolio
        from territory.files.writing import csv_text
        from territory.scenarios import simulate as simulate_scenarios
        from territory.scenarios import tabulate

        portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns, **land)
        portfolio, travel = on_roads(portfolio, road_file, travel)
        outcome = simulate_scenarios(
            scenarios_of(portfolio, changes, is_together=is_together),
            tolerance={**portfolio.rules.tolerance, **band_asked},
            seed=seed,
            travel=travel,
            progress=tell,
        )
        table = tabulate(outcome)
        if out is not None:
            plans, sheet = list(outcome.values()), {SCENARIO_FILES[0]: csv_text(table.reset_index())}
            publish_each(plans, out, sheet, language=language, tiles=tiles, tell=tell)
    screen.say(scenarios_table(table), "")
    if out is not None:
        screen.say(f"{out / SCENARIO_FILES[0]} holds every figure; each plan is in the folder of its row's number.")
    screen.document({"scenarios": records(table.reset_index()), "seed": seed})


@planner.command(
    epilog=example("without-each-rep customers.csv reps.csv", "without-each-rep customers.csv reps.csv --rep R04")
)
@guarded
def without_each_rep(
    customers: Customers,
    reps: Reps = None,
    rep: Annotated[
        list[str] | None,
        typer.Option(metavar="REP", show_default="all", help="Whose leave to look at.", rich_help_panel="What if"),
    ] = None,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    barriers: Barriers = None,
    not_assigned: NotAssigned = None,
    neighbours: Neighbours = None,
    outlines: Outlines = None,
    road_file: Roads = None,
    tolerance: Tolerance = "",
    travel: Travel = "line",
    seed: Seed = 0,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """For every rep: who takes over what when this one leaves, and how busy they are then."""
    from territory.cli.tables import heirs_table

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    band_asked = tolerance_of(tolerance)
    columns, land = columns_of(headers or []), land_of(barriers, not_assigned, neighbours, outlines)
    with screen.working("read") as tell:
        from territory.files import read_portfolio
        from territory.scenarios import without_each_rep as look_at_each

        portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns, **land)
        portfolio, travel = on_roads(portfolio, road_file, travel)
        band = {**portfolio.rules.tolerance, **band_asked}
        heirs = look_at_each(portfolio, reps=rep, tolerance=band, seed=seed, travel=travel, progress=tell)
    screen.say(heirs_table(heirs))
    screen.document({"heirs": records(heirs), "tolerance": band, "seed": seed})


@planner.command(
    epilog=example("next-rep customers.csv reps.csv --count 5", "next-rep customers.csv reps.csv --at 00042 --at 00107")
)
@guarded
def next_rep(
    customers: Customers,
    reps: Reps = None,
    count: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many homes to look at.", rich_help_panel="What if")
    ] = 10,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CUSTOMER",
            show_default="good places",
            help="Look at a home at this customer's.",
            rich_help_panel="What if",
        ),
    ] = None,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    barriers: Barriers = None,
    not_assigned: NotAssigned = None,
    neighbours: Neighbours = None,
    outlines: Outlines = None,
    road_file: Roads = None,
    tolerance: Tolerance = "",
    travel: Travel = "line",
    seed: Seed = 0,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """Where the next rep should live, and what each home would save."""
    from territory.cli.tables import homes_table

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    band_asked = tolerance_of(tolerance)
    columns, land = columns_of(headers or []), land_of(barriers, not_assigned, neighbours, outlines)
    with screen.working("read") as tell:
        from territory.files import read_portfolio
        from territory.scenarios import next_rep as look_for_homes

        portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns, **land)
        portfolio, travel = on_roads(portfolio, road_file, travel)
        band = {**portfolio.rules.tolerance, **band_asked}
        homes = look_for_homes(
            portfolio, candidates=at, count=count, tolerance=band, seed=seed, travel=travel, progress=tell
        )
    screen.say(homes_table(homes))
    screen.document({"homes": records(homes.reset_index()), "tolerance": band, "seed": seed})


@planner.command(
    epilog=example(
        "adjust 2027-q2 customers.csv reps.csv --move 0099=T3 --lock 0042",
        "adjust 2027-q2 customers.csv reps.csv --move 0099=T3 --move 0100=T3 --out 2027-q2-b",
    )
)
@guarded
def adjust(
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN", show_default=False, help="The folder that a plan was written into.")
    ],
    customers: Customers,
    reps: Reps = None,
    move: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CUSTOMER=TERRITORY", show_default=False, help="Move a customer.", rich_help_panel="By hand"
        ),
    ] = None,
    lock: Annotated[
        list[str] | None,
        typer.Option(metavar="CUSTOMER", show_default=False, help="It keeps its territory.", rich_help_panel="By hand"),
    ] = None,
    unlock: Annotated[
        list[str] | None,
        typer.Option(metavar="CUSTOMER", show_default=False, help="It may move again.", rich_help_panel="By hand"),
    ] = None,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    barriers: Barriers = None,
    not_assigned: NotAssigned = None,
    neighbours: Neighbours = None,
    outlines: Outlines = None,
    road_file: Roads = None,
    out: Out = ADJUSTED_OUT,
    language: Language = "auto",
    tiles: Tiles = None,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """Move and lock single customers in a plan that was written, from the same files."""
    from territory.cli.choices import moves_of
    from territory.cli.publishing import exit_code, publish, refuse_to_overwrite, show

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    moves = moves_of(move or [])
    columns, land = columns_of(headers or []), land_of(barriers, not_assigned, neighbours, outlines)
    refuse_to_overwrite(out, customers, reps, rules, *land.values())
    with screen.working("read") as tell:
        from territory.adjustment import adjust as adjust_proposal
        from territory.files import read_portfolio
        from territory.reopening import reopen

        portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns, **land)
        portfolio, _ = on_roads(portfolio, road_file, "line")
        proposal = adjust_proposal(reopen(plan, portfolio), move=moves, lock=lock or (), unlock=unlock or ())
        tell("map", 0.0)
        published = publish(proposal, out, language=language, tiles=tiles)
    show(screen, proposal, published)
    raise typer.Exit(exit_code(proposal))
