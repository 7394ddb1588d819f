"""The planner's commands: the front, what a tolerance costs, how many territories, what if, and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from territory.cli.bundles import Balance, Files, Output
from territory.cli.choices import ratio_of
from territory.cli.guard import command
from territory.cli.options import Language, Seed, Territories, Tiles, Travel, given
from territory.cli.screen import Screen, records
from territory.cli.travelling import travel_on

FRONT_OUT, ADJUSTED_OUT = Output(Path("territory-plans")), Output(Path("territory-adjusted"))

planner = typer.Typer()


@command(planner, "proposals customers.csv reps.csv", "proposals customers.csv reps.csv --count 8 --out 2027-q2")
def proposals(
    *,
    count: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many plans at most.", rich_help_panel="Balance")
    ] = 20,
    files: Files,
    balance: Balance,
    output: Output = FRONT_OUT,
    screen: Screen,
) -> None:
    """Plans that trade driving, balance and moves, none worse than another in all three: choose one."""
    from territory.cli.publishing import exit_code
    from territory.cli.several import FRONT_FILES, publish_each
    from territory.cli.tables import front_table

    with screen.working("read") as tell:
        from territory.files.writing import csv_text
        from territory.fronts import proposals as find_proposals
        from territory.fronts import tabulate_front, today_on_the_axes
        from territory.maps.front import draw_front

        portfolio = files.read(screen)
        terms = balance.on(portfolio)
        plans = find_proposals(portfolio, count=count, **terms, progress=tell)
        table = tabulate_front(plans)
        chart = draw_front(table, today_on_the_axes(portfolio, travel=terms["travel"]))
        compared = dict(zip(FRONT_FILES, (csv_text(table.reset_index()), chart), strict=True))
        folders = publish_each(plans, output, compared, tell=tell)
    screen.say(front_table(table, screen.width), "")
    screen.say(f"The chart is {output.out / FRONT_FILES[1]}; each plan is in the folder of its number.")
    ended = min(map(exit_code, plans))
    if ended:
        screen.say("No plan keeps every rule. Of the fairest one:")
        screen.problems(min(plans, key=lambda plan: max(plan.max_deviation.values())).reasons)
    rows = records(table.assign(folder=folders).reset_index())
    screen.document({"plans": rows, "tolerance": terms["tolerance"], "seed": terms["seed"]})
    raise typer.Exit(ended)


@command(planner, "tradeoff customers.csv reps.csv", "tradeoff customers.csv --territories 12 --tolerances 2%,5%,10%")
def tradeoff(
    *,
    tolerances: Annotated[
        str,
        typer.Option(metavar="RATIOS", show_default="1% to 30%", help="As 2%,5%,10%.", rich_help_panel="Balance"),
    ] = "",
    territories: Territories = None,
    files: Files,
    travel: Travel = "line",
    seed: Seed = 0,
    screen: Screen,
) -> None:
    """What each tolerance costs in travel, and where tightening begins to hurt."""
    from territory.cli.tables import tradeoff_table

    asked = [ratio_of(part, "--tolerances", most=50.0) for part in tolerances.split(",") if part.strip()]
    with screen.working("read") as tell:
        from territory.tradeoffs import TOLERANCES, trade_off

        portfolio = files.read(screen)
        curve = trade_off(
            portfolio,
            tolerances=asked or TOLERANCES,
            territories=territories,
            seed=seed,
            travel=travel_on(portfolio, travel),
            progress=tell,
        )
    screen.say(tradeoff_table(curve.table), "", curve.words)
    rows = records(curve.table.reset_index())
    screen.document({"curve": rows, "knee": curve.knee, "words": curve.words, "seed": seed})


@command(planner, "size customers.csv", "size customers.csv --hours-per-week 35 --around 2")
def size(
    *,
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
    files: Files,
    balance: Balance,
    screen: Screen,
) -> None:
    """How many territories the work asks for, and what one rep more or fewer would cost."""
    from territory.cli.tables import build_up_table, size_table

    with screen.working("read") as tell:
        from territory.buildup import sizing

        portfolio = files.read(screen)
        terms = balance.on(portfolio)
        found = sizing(portfolio, hours_per_week=hours_per_week, around=around, **terms, progress=tell)
    screen.say(build_up_table(found.build_up), "", size_table(found.table), "", found.words)
    screen.document(
        {
            "territories": found.territories,
            "hours": found.hours,
            "build_up": records(found.build_up.reset_index()),
            "table": records(found.table.reset_index()),
            "words": found.words,
            "seed": terms["seed"],
        }
    )


@command(
    planner,
    "simulate customers.csv reps.csv --without-rep R04 --without-rep R07",
    "simulate customers.csv reps.csv --scale potential=1.15:tier=A --with-rep New@120.6,31.3 --together",
)
def simulate(
    *,
    without_rep: Annotated[
        list[str] | None,
        given(metavar="REP", help="A rep leaves.", panel="What if"),
    ] = None,
    with_rep: Annotated[
        list[str] | None,
        given(metavar="REP@PLACE", help="A rep joins, at home at LON,LAT or at a customer's.", panel="What if"),
    ] = None,
    half_time: Annotated[
        list[str] | None,
        given(metavar="REP", help="A rep goes half time.", panel="What if"),
    ] = None,
    scale: Annotated[
        list[str] | None,
        given(
            metavar="COLUMN=FACTOR[:COLUMN=VALUE]",
            help="A number of customers grows or shrinks, as potential=1.15:tier=A.",
            panel="What if",
        ),
    ] = None,
    is_together: Annotated[
        bool,
        typer.Option("--together", help="All of it at once, as one scenario.", rich_help_panel="What if"),
    ] = False,
    files: Files,
    balance: Balance,
    out: Annotated[
        Path | None,
        given(metavar="DIR", help="Write scenarios.csv and each scenario's plan into this folder.", panel="Output"),
    ] = None,
    language: Language = "auto",
    tiles: Tiles = None,
    screen: Screen,
) -> None:
    """What if? Scenarios side by side with today's portfolio, each realigned."""
    from territory.cli.publishing import exit_code
    from territory.cli.several import SCENARIO_FILES, publish_each
    from territory.cli.tables import scenarios_table
    from territory.cli.whatif import changes_of

    changes = changes_of(without_rep or [], with_rep or [], half_time or [], scale or [])
    with screen.working("read") as tell:
        from territory.cli.whatif import scenarios_of
        from territory.files.writing import csv_text
        from territory.outcome import told
        from territory.scenarios import simulate as simulate_scenarios
        from territory.scenarios import tabulate

        portfolio = files.read(screen)
        terms = balance.on(portfolio)
        scenarios = scenarios_of(portfolio, changes, is_together=is_together)
        outcome = simulate_scenarios(scenarios, **terms, progress=tell)
        table = tabulate(outcome)
        if out is not None:
            plans, sheet = list(outcome.values()), {SCENARIO_FILES[0]: csv_text(table.reset_index())}
            publish_each(plans, Output(out, language, tiles), sheet, tell=tell)
    screen.say(scenarios_table(table), "")
    why = [told(plan) for plan in outcome.values()]
    screen.points(f"{name}: {text}" for name, text in zip(outcome, why, strict=True) if text)
    if out is not None:
        screen.say(f"{out / SCENARIO_FILES[0]} holds every figure; each plan is in the folder of its row's number.")
    screen.document({"scenarios": records(table.assign(told=why).reset_index()), "seed": terms["seed"]})
    raise typer.Exit(max(map(exit_code, outcome.values())))


@command(planner, "without-each-rep customers.csv reps.csv", "without-each-rep customers.csv reps.csv --rep R04")
def without_each_rep(
    *,
    rep: Annotated[
        list[str] | None,
        typer.Option(metavar="REP", show_default="all", help="Whose leave to look at.", rich_help_panel="What if"),
    ] = None,
    files: Files,
    balance: Balance,
    screen: Screen,
) -> None:
    """For every rep: who takes over what when this one leaves, and how busy they are then."""
    from territory.cli.tables import heirs_table

    with screen.working("read") as tell:
        from territory.scenarios import without_each_rep as look_at_each

        portfolio = files.read(screen)
        terms = balance.on(portfolio)
        heirs = look_at_each(portfolio, reps=rep, **terms, progress=tell)
    screen.say(heirs_table(heirs))
    told = heirs.drop_duplicates("rep_id").set_index("rep_id")["told"]
    screen.points(f"When {rep_id} leaves: {text}" for rep_id, text in told[told != ""].items())
    screen.document({"heirs": records(heirs), "tolerance": terms["tolerance"], "seed": terms["seed"]})


@command(planner, "next-rep customers.csv reps.csv --count 5", "next-rep customers.csv reps.csv --at 00042 --at 00107")
def next_rep(
    *,
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
    files: Files,
    balance: Balance,
    screen: Screen,
) -> None:
    """Where the next rep should live, and what each home would save."""
    from territory.cli.tables import homes_table

    with screen.working("read") as tell:
        from territory.scenarios import next_rep as look_for_homes

        portfolio = files.read(screen)
        terms = balance.on(portfolio)
        homes = look_for_homes(portfolio, candidates=at, count=count, **terms, progress=tell)
    screen.say(homes_table(homes))
    rows = records(homes.reset_index())
    screen.document({"homes": rows, "tolerance": terms["tolerance"], "seed": terms["seed"]})


@command(
    planner,
    "adjust 2027-q2 customers.csv reps.csv --move 0099=T3 --lock 0042",
    "adjust 2027-q2 customers.csv reps.csv --move 0099=T3 --move 0100=T3 --out 2027-q2-b",
)
def adjust(
    *,
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN", show_default=False, help="The folder that a plan was written into.")
    ],
    move: Annotated[
        list[str] | None,
        given(metavar="CUSTOMER=TERRITORY", help="Move a customer.", panel="By hand"),
    ] = None,
    lock: Annotated[
        list[str] | None,
        given(metavar="CUSTOMER", help="It keeps its territory.", panel="By hand"),
    ] = None,
    unlock: Annotated[
        list[str] | None,
        given(metavar="CUSTOMER", help="It may move again.", panel="By hand"),
    ] = None,
    files: Files,
    output: Output = ADJUSTED_OUT,
    screen: Screen,
) -> None:
    """Move and lock single customers in a plan that was written, from the same files."""
    from territory.cli.choices import moves_of
    from territory.cli.publishing import exit_code, own_files, publish, show

    moves = moves_of(move or [])
    output.refuse_to_overwrite(files.paths, own_files())
    with screen.working("read") as tell:
        from territory.adjustment import adjust as adjust_proposal
        from territory.reopening import reopen

        portfolio = files.read(screen)
        proposal = adjust_proposal(reopen(plan, portfolio), move=moves, lock=lock or (), unlock=unlock or ())
        tell("map", 0.0)
        published = publish(proposal, output)
    show(screen, proposal, published)
    raise typer.Exit(exit_code(proposal))
