"""The rep's commands: a day, and the weeks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from territory.cli.bundles import Files, Output
from territory.cli.choices import pair_of
from territory.cli.guard import OUTSIDE, command
from territory.cli.options import Seed, given
from territory.cli.screen import Screen, records
from territory.cli.travelling import travel_in_words

if TYPE_CHECKING:
    import pandas as pd

    from territory.callplan import CallPlan
    from territory.itinerary import Day
    from territory.routing import Route

ROUTE_OUT, CALLS_OUT = Output(Path("territory-route")), Output(Path("territory-calls"))
ROUTE_MAP, CALLS_MAP = "route.html", "calls.html"
CALLS_TABLES = ("dropped.csv", "stretched.csv", "changes.csv", "calls.json")

Timezone = Annotated[
    str | None,
    typer.Option(
        metavar="ZONE",
        show_default="whatever clock the phone shows",
        help="Of the calendar's times, as Asia/Shanghai.",
        rich_help_panel="Output",
    ),
]

Start = Annotated[str, given(metavar="DATE", help="The first day, 2027-03-01.")]
Weeks = Annotated[int, typer.Option(min=1, max=53, metavar="N", help="How many weeks.")]
Holidays = Annotated[
    list[str] | None,
    given("--holiday", metavar="DATE", help="A day on which nobody works. Repeat it for more."),
]
Absences = Annotated[
    list[str] | None,
    given(
        "--absent",
        metavar="REP=DATE[..DATE]",
        help="When a rep does not work, as R02=2027-03-08..2027-03-12. Repeat it for more.",
    ),
]
Workers = Annotated[
    int | None, typer.Option(min=1, metavar="N", show_default="the processors", help="How many processes.")
]

field = typer.Typer()


@command(
    field,
    "route customers.csv reps.csv --rep R02 --day 2027-03-03",
    "route customers.csv reps.csv --rep R02 --day 2027-03-03 --visits today.csv --roads city.roads --out wednesday",
)
def route(
    *,
    rep: Annotated[str, given(metavar="ID", help="Whose day.")] = "",
    day: Annotated[str, given(metavar="DATE", help="Which day, as 2027-03-03.")] = "",
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

    need(rep=rep, day=day)
    output.refuse_to_overwrite([*files.paths, *([visits] if visits else [])], _own_files())
    with screen.working("read") as tell:
        from territory.routing import solve_route

        portfolio = files.read(screen)
        asked = None if visits is None else read_visits(visits)
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
    screen.problems((*planned.reasons, *planned.notes))
    screen.say("", f"The map is {output.out / ROUTE_MAP}. Beside it are {', '.join(written)}.")
    screen.document(_route_document(planned, output.out))
    if planned.reasons:
        raise typer.Exit(OUTSIDE)


@command(
    field,
    "calls customers.csv reps.csv --start 2027-03-01 --weeks 4",
    "calls customers.csv reps.csv --start 2027-03-01 --weeks 4 --rep R02 --holiday 2027-03-08 --roads city.roads",
    "calls customers.csv reps.csv --start 2027-03-15 --weeks 2 --previous territory-calls --absent R02=2027-03-17",
)
def calls(
    *,
    start: Start = "",
    weeks: Weeks = 4,
    rep: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", show_default="all", help="Only this rep. Repeat it for more."),
    ] = None,
    holiday: Holidays = None,
    absent: Absences = None,
    fixed: Annotated[
        Path | None,
        given(metavar="CSV", help="Appointments, kept before all else: customer_id, day, and perhaps time."),
    ] = None,
    previous: Annotated[
        Path | None,
        given(metavar="DIR", help="An earlier plan to stay near to: as few visits as possible change their day."),
    ] = None,
    files: Files,
    seed: Seed = 0,
    workers: Workers = None,
    output: Output = CALLS_OUT,
    timezone: Timezone = None,
    screen: Screen,
) -> None:
    """Which customer is visited on which day: at each one's rhythm, in days that are even and short to drive."""
    from territory.itinerary import days_of, read_calls
    from territory.maps import draw_days

    need(start=start)
    output.refuse_to_overwrite([*files.paths, *([fixed] if fixed else [])], _own_files())
    absences = absences_of(absent or [])
    with screen.working("read") as tell:
        from territory.callplan import plan_calls

        portfolio = files.read(screen)
        appointments = None if fixed is None else _read_appointments(fixed)
        earlier = None if previous is None else read_calls(previous)
        plan = plan_calls(
            portfolio,
            start=start,
            weeks=weeks,
            reps=rep,
            holidays=holiday or (),
            absences=absences,
            fixed=appointments,
            previous=earlier,
            seed=seed,
            workers=workers,
            progress=tell,
        )
        tell("map", 0.0)
        days = days_of(plan, portfolio)
        dropped = plan.dropped.assign(name=plan.dropped["customer_id"].map(portfolio.customers["name"]))
        page = draw_days(days, language=output.language, tiles=output.tiles, left_out=dropped, notes=plan.advice)
        html = page.get_root().render()
        written = _write(output.out, days, {CALLS_MAP: html, **_calls_tables(plan, dropped)}, timezone)
        _write_each(output.out, days, timezone)
    _show_calls(screen, plan)
    screen.problems(plan.problems)
    screen.say("", f"The map is {output.out / CALLS_MAP}. Beside it are {', '.join(written)}.")
    screen.document(_calls_document(plan, output.out))


def need(**options: str) -> None:
    """BadParameter when an option has not been given."""
    for name, text in options.items():
        if not text:
            raise typer.BadParameter("it must be given.", param_hint=f"--{name}")


def _own_files() -> tuple[str, ...]:
    """Every file that a folder of days may hold."""
    from territory.itinerary.writing import FILES

    return (*FILES, ROUTE_MAP, CALLS_MAP, *CALLS_TABLES)


def _calls_tables(plan: CallPlan, dropped: pd.DataFrame) -> dict[str, str]:
    """What a call plan's folder holds beside the days, by file; `CALLS_TABLES` is every name."""
    from territory.files.writing import csv_text
    from territory.itinerary.keeping import plan_text

    changes = {"changes.csv": csv_text(plan.changes)} if len(plan.changes) else {}
    tables = {"dropped.csv": csv_text(dropped), "stretched.csv": csv_text(plan.stretched)}
    return {**tables, **changes, "calls.json": plan_text(plan)}


def absences_of(texts: list[str]) -> dict[str, list[str]]:
    """rep_id -> days, of ``R02=2027-03-08`` and ``R02=2027-03-08..2027-03-12``."""
    from territory.callplan.workdays import days_of

    absences: dict[str, list[str]] = {}
    for text in texts:
        rep, days = pair_of(text, "--absent", "no absence; give R02=2027-03-08, or R02=2027-03-08..2027-03-12.")
        first, is_span, last = (part.strip() for part in days.partition(".."))
        found = days_of((first, last) if is_span else (first,), f"--absent {text}")
        absences.setdefault(rep, []).extend(sorted(day.isoformat() for day in found))
    return absences


def _read_appointments(path: Path) -> pd.DataFrame:
    """A table of appointments, every cell as text."""
    return _read_csv(path, "customer_id", "day")


def _read_csv(path: Path, *needed: str) -> pd.DataFrame:
    """A CSV that a person has written, every cell as text."""
    import pandas as pd

    from territory.errors import DataError, NotFoundError, Problem

    try:
        table = pd.read_csv(path, dtype="str", encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFoundError([Problem(str(path), "There is no such file.", "Give a CSV in UTF-8.")]) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError([Problem(str(path), f"It is no table: {error}.", "Give a CSV in UTF-8.")]) from error
    missing = [name for name in needed if name not in table]
    if missing:
        raise DataError([Problem(f"{path}, row 1", f"There is no column {name}.", "Add it.") for name in missing])
    return table


def read_visits(path: Path) -> pd.DataFrame:
    """A table of visits, every cell as text but whether it is a must."""
    table = _read_csv(path, "customer_id")
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
    travel = travel_in_words(_travel(route), is_estimate=route.is_estimate)
    screen.say(f"{name}, {day.date:%A} {day.date.isoformat()}: {len(day.stops)} visits, travel {travel}.", "")
    if len(day.stops):
        screen.say(stops_table(day.stops, screen.width), "")
    pause = "" if day.pause is None else f", break {day.pause[0]:%H:%M}-{day.pause[1]:%H:%M}"
    screen.say(
        f"Leave {day.depart:%H:%M}, back {day.home:%H:%M}{pause}; "
        f"{day.drive_minutes:.0f} min and {day.drive_km:.1f} km of driving; {len(day.left_out)} left out. "
        f"Proof: {day.proof}."
    )
    if len(day.left_out):
        told = day.left_out.head(5)
        screen.points(f"{row.name or row.customer_id}: {row.reason}" for row in told.itertuples(index=False))
        if len(day.left_out) > len(told):
            screen.say(f"  and {len(day.left_out) - len(told)} more in left_out.csv.")


def _travel(route: Route) -> str:
    """``roads of Porto, hour by hour``."""
    return route.request.travel.name + (", hour by hour" if route.request.hourly is not None else "")


def _show_calls(screen: Screen, plan: CallPlan) -> None:
    from territory.cli.tables import calls_table

    screen.say(f"{plan!r}.", "")
    if len(plan.measures):
        screen.say(calls_table(plan.measures, screen.width), "")
    if plan.advice:
        screen.points(said.en for said in plan.advice)
    if len(plan.dropped):
        screen.say(f"{int(plan.dropped['visits'].sum())} visits are due and not planned; dropped.csv says why.")
    if len(plan.changes):
        screen.say(f"Beside the earlier plan {_changed(plan.changes)}; changes.csv says which.")
    if len(plan.stretched):
        screen.say(f"{_gaps(plan.stretched)}; stretched.csv says why.")
    screen.say(f"Travel is {travel_in_words(plan.travel, is_estimate=plan.is_estimate)}.")


def _gaps(stretched: pd.DataFrame) -> str:
    """``51 gaps are outside of their tolerance, 40 of them of customers overdue when the plan begins``."""
    count, overdue = len(stretched), int((stretched["code"] == "overdue").sum())
    told = "1 gap is outside of its tolerance" if count == 1 else f"{count} gaps are outside of their tolerance"
    if not overdue:
        return told
    return f"{told}, {overdue if overdue < count else 'all'} of them of customers overdue when the plan begins"


def _changed(changes: pd.DataFrame) -> str:
    """``3 visits have moved, 1 is added``."""
    count = changes["change"].value_counts()
    words = {
        "moved": ("has moved", "have moved"),
        "added": ("is added", "are added"),
        "removed": ("is gone", "are gone"),
    }
    told = [
        f"{count[kind]} {one if count[kind] == 1 else more}" for kind, (one, more) in words.items() if kind in count
    ]
    noun = "visit" if told[0].startswith("1 ") else "visits"
    return ", ".join(told).replace(" ", f" {noun} ", 1)


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
        "stops": records(as_text(route.stops)),
        "unvisited": records(route.unvisited),
        "reasons": [str(problem) for problem in route.reasons],
        "notes": [str(problem) for problem in route.notes],
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
        "hours": records(plan.hours.reset_index()),
        "advice": [said.en for said in plan.advice],
        "changes": records(plan.changes),
        "stretched": len(plan.stretched),
        "problems": [str(problem) for problem in plan.problems],
        "folder": str(folder),
    }


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Moments as 2027-03-03T08:30:00, which is how JSON has them."""
    moments = table.select_dtypes("datetime").columns
    return table.assign(**{name: table[name].dt.strftime("%Y-%m-%dT%H:%M:%S") for name in moments})
