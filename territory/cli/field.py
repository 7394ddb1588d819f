"""The rep's commands: a day, and the weeks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from territory.cli.bundles import Files, Output
from territory.cli.guard import OUTSIDE, command
from territory.cli.options import Seed
from territory.cli.screen import Screen, records

if TYPE_CHECKING:
    import pandas as pd

    from territory.callplan import CallPlan
    from territory.itinerary import Day
    from territory.routing import Route

ROUTE_OUT, CALLS_OUT = Output(Path("territory-route")), Output(Path("territory-calls"))
ROUTE_MAP, CALLS_MAP = "route.html", "calls.html"
CALLS_TABLES = ("dropped.csv", "stretched.csv")

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


@command(
    field,
    "route customers.csv reps.csv --rep R02 --day 2027-03-03",
    "route customers.csv reps.csv --rep R02 --day 2027-03-03 --visits today.csv --roads city.roads --out wednesday",
)
def route(
    *,
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
    files: Files,
    seed: Seed = 0,
    output: Output = ROUTE_OUT,
    timezone: Timezone = None,
    screen: Screen,
) -> None:
    """A rep's best day: which customers, in which order and when, and why not the others."""
    from territory.itinerary import days_of
    from territory.maps import draw_days

    _need(rep=rep, day=day)
    output.refuse_to_overwrite([*files.paths, *([visits] if visits else [])], _own_files())
    with screen.working("read") as tell:
        from territory.routing import solve_route

        portfolio = files.read()
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
        page = draw_days(days, language=output.language, tiles=output.tiles).get_root().render()
        written = _write(output.out, days, {ROUTE_MAP: page}, timezone)
    _show_route(screen, planned, days[0])
    screen.problems(planned.reasons)
    screen.say("", f"The map is {output.out / ROUTE_MAP}. Beside it are {', '.join(written)}.")
    screen.document(_route_document(planned, output.out))
    if planned.reasons:
        raise typer.Exit(OUTSIDE)


@command(
    field,
    "calls customers.csv reps.csv --start 2027-03-01 --weeks 4",
    "calls customers.csv reps.csv --start 2027-03-01 --weeks 4 --rep R02 --holiday 2027-03-08 --roads city.roads",
)
def calls(
    *,
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
    files: Files,
    seed: Seed = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", show_default="the processors", help="How many processes.")
    ] = None,
    output: Output = CALLS_OUT,
    timezone: Timezone = None,
    screen: Screen,
) -> None:
    """Which customer is visited on which day: at each one's rhythm, in days that are even and short to drive."""
    from territory.files.writing import csv_text
    from territory.itinerary import days_of
    from territory.maps import draw_days

    _need(start=start)
    output.refuse_to_overwrite(files.paths, _own_files())
    with screen.working("read") as tell:
        from territory.callplan import plan_calls

        portfolio = files.read()
        tell("plan", 0.0)
        plan = plan_calls(
            portfolio, start=start, weeks=weeks, reps=rep, holidays=holiday or (), seed=seed, workers=workers
        )
        tell("map", 0.0)
        days = days_of(plan, portfolio)
        dropped = plan.dropped.assign(name=plan.dropped["customer_id"].map(portfolio.customers["name"]))
        page = draw_days(days, language=output.language, tiles=output.tiles, left_out=dropped).get_root().render()
        tables = dict(zip(CALLS_TABLES, map(csv_text, (dropped, plan.stretched)), strict=True))
        written = _write(output.out, days, {CALLS_MAP: page, **tables}, timezone)
        _write_each(output.out, days, timezone)
    _show_calls(screen, plan)
    screen.problems(plan.problems)
    screen.say("", f"The map is {output.out / CALLS_MAP}. Beside it are {', '.join(written)}.")
    screen.document(_calls_document(plan, output.out))


def _need(**options: str) -> None:
    for name, text in options.items():
        if not text:
            raise typer.BadParameter("it must be given.", param_hint=f"--{name}")


def _own_files() -> tuple[str, ...]:
    """Every file that a folder of days may hold."""
    from territory.itinerary.writing import FILES

    return (*FILES, ROUTE_MAP, CALLS_MAP, *CALLS_TABLES)


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
