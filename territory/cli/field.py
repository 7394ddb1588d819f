"""The rep's commands: a day, and the weeks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from territory.cli.choices import columns_of
from territory.cli.guard import OUTSIDE, guarded
from territory.cli.options import (
    Crs,
    Customers,
    Headers,
    Json,
    Language,
    Out,
    Quiet,
    Reps,
    RulesFile,
    Seed,
    Tiles,
    example,
)
from territory.cli.screen import Screen, records
from territory.cli.travelling import Roads, on_roads

if TYPE_CHECKING:
    import pandas as pd

    from territory.callplan import CallPlan
    from territory.itinerary import Day
    from territory.routing import Route

ROUTE_OUT, CALLS_OUT = Path("territory-route"), Path("territory-calls")
ROUTE_MAP, CALLS_MAP = "route.html", "calls.html"

Timezone = Annotated[
    str | None,
    typer.Option(
        metavar="ZONE",
        show_default="whatever clock the phone shows",
        help="Of the calendar's times, as Asia/Shanghai.",
        rich_help_panel="Output",
    ),
]

field = typer.Typer()


@field.command(
    epilog=example(
        "route customers.csv reps.csv --rep R02 --day 2027-03-03",
        "route customers.csv reps.csv --rep R02 --day 2027-03-03 --visits today.csv --roads city.roads --out wednesday",
    )
)
@guarded
def route(
    customers: Customers,
    reps: Reps = None,
    rep: Annotated[str, typer.Option(metavar="ID", show_default=False, help="Whose day.")] = "",
    day: Annotated[str, typer.Option(metavar="DATE", show_default=False, help="Which day, as 2027-03-03.")] = "",
    visits: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            show_default="the rep's customers that are due most",
            help="Who comes into question: customer_id, and perhaps minutes, prize, must, appointment, windows.",
        ),
    ] = None,
    objective: Annotated[
        Literal["value", "drive", "home"],
        typer.Option(help="The most valuable visits, the least driving, or home earliest."),
    ] = "value",
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    roads: Roads = None,
    seed: Seed = 0,
    out: Out = ROUTE_OUT,
    language: Language = "auto",
    tiles: Tiles = None,
    timezone: Timezone = None,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """A rep's best day: which customers, in which order and when, and why not the others."""
    from territory.itinerary import days_of
    from territory.maps import draw_days

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    _need(rep=rep, day=day)
    _refuse_to_overwrite(out, customers, reps, rules, visits)
    with screen.working("read") as tell:
        from territory.files import read_portfolio
        from territory.routing import solve_route

        portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns_of(headers or []))
        portfolio, _ = on_roads(portfolio, roads, "line")
        asked = None if visits is None else _read_visits(visits)
        tell("plan", 0.0)
        planned = solve_route(
            portfolio,
            rep=rep,
            day=day,
            visits=asked,
            travel=portfolio.roads,
            objective=objective,
            seed=seed,
        )
        days = days_of(planned)
        tell("map", 0.0)
        page = draw_days(days, language=language, tiles=tiles).get_root().render()
        files = _write(out, days, {ROUTE_MAP: page}, timezone)
    _show_route(screen, planned, days[0])
    screen.problems(planned.reasons)
    screen.say("", f"The map is {out / ROUTE_MAP}. Beside it are {', '.join(files)}.")
    screen.document(_route_document(planned, out))
    if planned.reasons:
        raise typer.Exit(OUTSIDE)


@field.command(
    epilog=example(
        "calls customers.csv reps.csv --start 2027-03-01 --weeks 4",
        "calls customers.csv reps.csv --start 2027-03-01 --weeks 4 --rep R02 --holiday 2027-03-08 --roads city.roads",
    )
)
@guarded
def calls(
    customers: Customers,
    reps: Reps = None,
    start: Annotated[str, typer.Option(metavar="DATE", show_default=False, help="The first day, 2027-03-01.")] = "",
    weeks: Annotated[int, typer.Option(min=1, max=53, metavar="N", help="How many weeks.")] = 4,
    rep: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", show_default="all", help="Only this rep. Repeat it for more."),
    ] = None,
    holiday: Annotated[
        list[str] | None,
        typer.Option(metavar="DATE", show_default=False, help="A day on which nobody works. Repeat it for more."),
    ] = None,
    rules: RulesFile = None,
    crs: Crs = "wgs84",
    headers: Headers = None,
    roads: Roads = None,
    seed: Seed = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", show_default="the processors", help="How many processes.")
    ] = None,
    out: Out = CALLS_OUT,
    language: Language = "auto",
    tiles: Tiles = None,
    timezone: Timezone = None,
    is_json: Json = False,
    is_quiet: Quiet = False,
) -> None:
    """Which customer is visited on which day: at each one's rhythm, in days that are even and short to drive."""
    from territory.files.writing import csv_text
    from territory.itinerary import days_of
    from territory.maps import draw_days

    screen = Screen(is_json=is_json, is_quiet=is_quiet)
    _need(start=start)
    _refuse_to_overwrite(out, customers, reps, rules)
    with screen.working("read") as tell:
        from territory.callplan import plan_calls
        from territory.files import read_portfolio

        portfolio = read_portfolio(customers, reps, rules=rules, crs=crs, columns=columns_of(headers or []))
        portfolio, _ = on_roads(portfolio, roads, "line")
        tell("plan", 0.0)
        plan = plan_calls(
            portfolio, start=start, weeks=weeks, reps=rep, holidays=holiday or (), seed=seed, workers=workers
        )
        tell("map", 0.0)
        days = days_of(plan, portfolio)
        dropped = plan.dropped.assign(name=plan.dropped["customer_id"].map(portfolio.customers["name"]))
        page = draw_days(days, language=language, tiles=tiles, left_out=dropped).get_root().render()
        tables = {"dropped.csv": csv_text(dropped), "stretched.csv": csv_text(plan.stretched)}
        files = _write(out, days, {CALLS_MAP: page, **tables}, timezone)
        _write_each(out, days, timezone)
    _show_calls(screen, plan)
    screen.problems(plan.problems)
    screen.say("", f"The map is {out / CALLS_MAP}. Beside it are {', '.join(files)}.")
    screen.document(_calls_document(plan, out))


def _need(**options: str) -> None:
    for name, text in options.items():
        if not text:
            raise typer.BadParameter("it must be given.", param_hint=f"--{name}")


def _refuse_to_overwrite(folder: Path, *inputs: Path | None) -> None:
    from territory.itinerary.writing import FILES

    written = {(folder / name).resolve() for name in (*FILES, ROUTE_MAP, CALLS_MAP, "dropped.csv", "stretched.csv")}
    for path in inputs:
        if path is not None and path.resolve() in written:
            what = f"{path} is read, and would be written. Choose another folder."
            raise typer.BadParameter(what, param_hint="--out")


def _read_visits(path: Path) -> pd.DataFrame:
    """A table of visits, every cell as text but whether it is a must."""
    import pandas as pd

    from territory.errors import DataError, Problem

    try:
        table = pd.read_csv(path, dtype="str", encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError([Problem(str(path), f"It is no table: {error}.", "Give a CSV in UTF-8.")]) from error
    if "customer_id" not in table:
        raise DataError([Problem(f"{path}, row 1", "There is no column customer_id.", "Add it.")])
    if "must" in table:
        table["must"] = table["must"].str.strip().str.lower().isin(["true", "yes", "1", "x", "是"])
    return table.set_index("customer_id")


def _write(folder: Path, days: list[Day], others: dict[str, str], timezone: str | None) -> tuple[str, ...]:
    """Write the days and the other files; the names beside the map."""
    from territory.files.storing import store
    from territory.itinerary import write_itinerary

    files = write_itinerary(days, folder, timezone=timezone)
    store(folder, others, known=())
    return (*files, *(name for name in others if not name.endswith(".html")))


def _write_each(folder: Path, days: list[Day], timezone: str | None) -> None:
    """A folder for each of several reps, with what belongs on that rep's phone."""
    from territory.itinerary import write_itinerary

    reps = list(dict.fromkeys(day.rep for day in days))
    for rep in reps if len(reps) > 1 else []:
        own = re.sub(r"[^\w.-]+", "_", rep)
        write_itinerary([day for day in days if day.rep == rep], folder / "reps" / own, timezone=timezone)


def _show_route(screen: Screen, route: Route, day: Day) -> None:
    from territory.cli.tables import stops_table

    name = f"{day.rep_name} ({day.rep})" if day.rep_name else day.rep
    travel = ", travel estimated from straight lines" if route.is_estimate else f", by {route.request.travel.name}"
    screen.say(f"{name}, {day.date:%A} {day.date.isoformat()}: {len(day.stops)} visits{travel}.", "")
    if len(day.stops):
        screen.say(stops_table(day.stops, screen.width), "")
    screen.say(
        f"Leave {day.depart:%H:%M}, back {day.home:%H:%M}; {day.drive_minutes:.0f} min and {day.drive_km:.1f} km of "
        f"driving; {len(day.left_out)} left out. Proof: {day.proof}."
    )
    if len(day.left_out):
        told = day.left_out.head(5)
        screen.points(f"{row.name or row.customer_id}: {row.reason}" for row in told.itertuples(index=False))
        if len(day.left_out) > len(told):
            screen.say(f"  and {len(day.left_out) - len(told)} more in left_out.csv.")


def _show_calls(screen: Screen, plan: CallPlan) -> None:
    from territory.cli.tables import calls_table

    screen.say(f"{plan!r}.", "")
    if len(plan.measures):
        screen.say(calls_table(plan.measures, screen.width), "")
    if len(plan.dropped):
        screen.say(f"{int(plan.dropped['visits'].sum())} visits are due and not planned; dropped.csv says why.")
    if len(plan.stretched):
        screen.say(f"{len(plan.stretched)} gaps are outside of their tolerance; stretched.csv says why.")
    if plan.is_estimate:
        screen.say("Travel is estimated from straight lines.")


def _route_document(route: Route, folder: Path) -> dict[str, object]:
    return {
        "rep": route.rep,
        "day": route.day.isoformat(),
        "certificate": route.certificate,
        "depart": route.depart.isoformat(),
        "home": route.home.isoformat(),
        "drive_minutes": route.drive_minutes,
        "drive_km": route.drive_km,
        "travel": route.request.travel.name,
        "is_estimate": route.is_estimate,
        "stops": records(_as_text(route.stops)),
        "unvisited": records(route.unvisited),
        "reasons": [str(problem) for problem in route.reasons],
        "folder": str(folder),
    }


def _calls_document(plan: CallPlan, folder: Path) -> dict[str, object]:
    return {
        "start": plan.start.isoformat(),
        "weeks": plan.weeks,
        "seed": plan.seed,
        "travel": plan.travel,
        "is_estimate": plan.is_estimate,
        "coverage": records(plan.coverage.reset_index()),
        "measures": records(plan.measures.reset_index()),
        "visits": len(plan.visits),
        "dropped": records(plan.dropped),
        "stretched": len(plan.stretched),
        "problems": [str(problem) for problem in plan.problems],
        "folder": str(folder),
    }


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Moments as 2027-03-03T08:30:00, which is how JSON has them."""
    moments = table.select_dtypes("datetime").columns
    return table.assign(**{name: table[name].dt.strftime("%Y-%m-%dT%H:%M:%S") for name in moments})
