"""The rep's questions to days that are planned: when an appointment costs least, and who is worth a stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from territory.cli.bundles import Files
from territory.cli.field import as_text, need, read_visits
from territory.cli.guard import OUTSIDE, command
from territory.cli.options import given
from territory.cli.screen import Screen, records
from territory.errors import NotFoundError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from territory.model import Portfolio
    from territory.routing import Route

Planned = Annotated[
    Path,
    typer.Option("--calls", metavar="DIR", help="The days that are planned: a folder of territory calls, or route."),
]
FOLDER = Path("territory-calls")

advice = typer.Typer()


@command(
    advice,
    "best-days customers.csv reps.csv --customer 00042 --calls territory-calls",
    "best-days customers.csv reps.csv --customer 00042 --at 10:30 --minutes 45 --start 2027-03-08",
)
def best_days(
    *,
    customer: Annotated[str, given(metavar="ID", help="Who is to be visited.")] = "",
    planned: Planned = FOLDER,
    rep: Annotated[str | None, typer.Option(metavar="ID", show_default="the customer's own", help="By whom.")] = None,
    at: Annotated[str | None, given(metavar="HH:MM", help="At what time; at any by default.")] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0, metavar="N", show_default="as the rules say", help="How long the visit takes."),
    ] = None,
    start: Annotated[
        str, typer.Option(metavar="DATE", show_default="all of them", help="Only days from this one on.")
    ] = "",
    files: Files,
    screen: Screen,
) -> None:
    """Which planned day is best for an appointment: the driving more on each, and who would have to go."""
    from territory.cli.tables import best_days_table

    need(customer=customer)
    with screen.working("read") as tell:
        from territory.routing import best_days_for, solve_route

        portfolio = files.read(screen)
        whose = rep or _owner(portfolio, customer)
        tell("plan", 0.0)
        routes = list(_routes(portfolio, planned, whose, start))
        visit = _visit(customer, at, minutes)
        days = best_days_for(routes, visit)
        is_never = bool(days["detour_minutes"].isna().all())
        alone = (
            solve_route(portfolio, rep=whose, day=routes[0].day, visits=visit.assign(must=True)) if is_never else None
        )
    count = "1 day" if len(days) == 1 else f"{len(days)} days"
    screen.say(f"A visit to {_called(portfolio, customer)} on {count} of {whose}, the best first.", "")
    screen.say(best_days_table(days))
    screen.document(
        {"customer_id": customer, "rep": whose, "days": records(as_text(days.assign(day=days["day"].astype(str))))}
    )
    if alone is not None:
        screen.problems(alone.reasons)
        raise typer.Exit(OUTSIDE)


@command(
    advice,
    "nearby customers.csv reps.csv --rep R02 --day 2027-03-03 --calls territory-calls",
    "nearby customers.csv reps.csv --rep R02 --day 2027-03-03 --visits today.csv --max-detour 10",
)
def nearby(
    *,
    rep: Annotated[str, given(metavar="ID", help="Whose day.")] = "",
    day: Annotated[str, given(metavar="DATE", help="Which day, as 2027-03-03.")] = "",
    planned: Planned = FOLDER,
    visits: Annotated[
        Path | None,
        given(metavar="CSV", help="Instead of --calls, who is visited: customer_id, and perhaps what route takes."),
    ] = None,
    max_detour: Annotated[float, typer.Option(min=0, metavar="N", help="Minutes of driving more, at most.")] = 20.0,
    count: Annotated[int, typer.Option(min=1, metavar="N", help="How many are told at most.")] = 10,
    files: Files,
    screen: Screen,
) -> None:
    """Who else is worth a stop on the way: customers of the rep that fit beside everything planned for a day."""
    from territory.cli.tables import nearby_table

    need(rep=rep, day=day)
    with screen.working("read") as tell:
        from territory.routing import nearby as find_nearby
        from territory.routing import solve_route

        portfolio = files.read(screen)
        asked = None if visits is None else read_visits(visits)
        tell("plan", 0.0)
        if asked is None:
            route = next(_routes(portfolio, planned, rep, day, only=day))
        else:
            route = solve_route(portfolio, rep=rep, day=day, visits=asked)
        found = find_nearby(route, max_detour=max_detour, count=count)
    many = "1 stop" if len(route.stops) == 1 else f"{len(route.stops)} stops"
    if len(found):
        screen.say(f"{rep}, {day}, {many}, home at {route.home:%H:%M}. Worth a stop, the best first:", "")
        screen.say(nearby_table(found, screen.width))
    else:
        screen.say(f"{rep}, {day}, {many}: nobody else fits within {max_detour:g} minutes of driving more.")
    screen.document({"rep": rep, "day": day, "home": route.home.isoformat(), "nearby": records(as_text(found))})


def _owner(portfolio: Portfolio, customer: str) -> str:
    """The rep who visits a customer."""
    from territory.callplan.asking import owners
    from territory.changes import need_customers

    customers = portfolio.customers.index
    need_customers([customer], customers, portfolio.unplaced.index)
    held = owners(portfolio, list(portfolio.reps.index))
    for rep, rows in held.items():
        if customer in customers[rows]:
            return rep
    zh = f"客户“{customer}”：没有代表拜访。请用 --rep 指定代表。"
    raise NotFoundError([Problem(f"customer '{customer}'", "No rep visits it.", "Say who is to go: --rep.", zh)])


def _routes(portfolio: Portfolio, folder: Path, rep: str, start: str, only: str = "") -> Iterator[Route]:
    """The rep's planned days from `start` on, or the one asked for, each in its best order."""
    from territory.changes import need_rep
    from territory.itinerary import read_stops
    from territory.routing import solve_route

    need_rep(portfolio.reps, [rep])
    stops = read_stops(folder)
    chosen = stops[(stops["rep_id"] == rep) & (stops["day"] >= start)]
    if only:
        chosen = chosen[chosen["day"] == only]
    if chosen.empty:
        days = sorted(stops.loc[stops["rep_id"] == rep, "day"].unique())
        there_are = f"There are {days[0]} to {days[-1]}." if days else "There are none: plan them with territory calls."
        zh = f"{folder}：代表“{rep}”没有这一天的计划。" + (f"现有 {days[0]} 至 {days[-1]}。" if days else "")
        raise NotFoundError([Problem(str(folder), f"No such day is planned for {rep}.", there_are, zh)])
    for day, visits in chosen.groupby("day"):
        # Appointments are musts; whoever has none may have to go for another.
        yield solve_route(portfolio, rep=rep, day=str(day), visits=visits.set_index("customer_id"))


def _visit(customer: str, at: str | None, minutes: float | None) -> pd.DataFrame:
    """The one visit as a table of `solve_route`."""
    import pandas as pd

    told: dict[str, Any] = {"appointment": at, "minutes": minutes}
    return pd.DataFrame(
        [{name: value for name, value in told.items() if value is not None}], index=pd.Index([customer], dtype="str")
    )


def _called(portfolio: Portfolio, customer: str) -> str:
    """A customer's name with its id."""
    name = portfolio.customers["name"].get(customer)
    return f"{name} ({customer})" if isinstance(name, str) and name else customer
