"""``territory reconcile``: territories and routes agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from territory.cli.bundles import Files
from territory.cli.choices import ratio_of
from territory.cli.field import Absences, Holidays, Start, Weeks, Workers, absences_of, need
from territory.cli.guard import OUTSIDE, command
from territory.cli.options import Out, Seed, Travel
from territory.cli.screen import Screen, records
from territory.cli.travelling import travel_in_words, travel_on

if TYPE_CHECKING:
    from territory.reconciling import Reconciliation

OUT = Path("territory-reconciled")
ROUNDS_FILE = "rounds.csv"

agreement = typer.Typer()


@command(
    agreement,
    "reconcile customers.csv reps.csv --start 2027-03-01",
    "reconcile 2027-q2/customers.csv 2027-q2/reps.csv --start 2027-03-01 --roads city.roads --tolerance 5%",
)
def reconcile(
    *,
    start: Start = "",
    weeks: Weeks = 4,
    tolerance: Annotated[str, typer.Option(metavar="RATIO", help="What agrees: 0.05 or 5%.")] = "5%",
    rounds: Annotated[int, typer.Option(min=2, metavar="N", help="How often weeks are planned at most.")] = 8,
    holiday: Holidays = None,
    absent: Absences = None,
    files: Files,
    travel: Travel = "line",
    seed: Seed = 0,
    workers: Workers = None,
    out: Out = OUT,
    screen: Screen,
) -> None:
    """Do routes take what territories were planned to take? Learn each customer's travel until they agree."""
    need(start=start)
    band = ratio_of(tolerance, "--tolerance")
    _refuse_to_overwrite(files, out)
    absences = absences_of(absent or [])
    with screen.working("read") as tell:
        from territory.files import write_portfolio
        from territory.files.storing import store
        from territory.files.writing import csv_text
        from territory.reconciling import reconcile

        portfolio = files.read(screen)
        found = reconcile(
            portfolio,
            start=start,
            weeks=weeks,
            seed=seed,
            tolerance=band,
            rounds=rounds,
            holidays=holiday or (),
            absences=absences,
            travel=travel_on(portfolio, travel),
            workers=workers,
            progress=tell,
        )
        write_portfolio(found.portfolio, out)
        store(out, {ROUNDS_FILE: csv_text(found.rounds.round(6).reset_index())}, known=())
    _show(screen, found, band, files, out)
    screen.document(_document(found, out))
    if not found.is_settled:
        raise typer.Exit(OUTSIDE)


def _refuse_to_overwrite(files: Files, out: Path) -> None:
    from territory.cli.bundles import Output
    from territory.files.writing import PORTFOLIO_FILES

    Output(out).refuse_to_overwrite(files.paths, (*PORTFOLIO_FILES, ROUNDS_FILE))


def _show(screen: Screen, found: Reconciliation, tolerance: float, files: Files, out: Path) -> None:
    from territory.cli.tables import agreement_table
    from territory.model import percent

    last = found.last
    count = found.rounds.index.get_level_values("round").nunique()
    apart = last["difference"].abs()
    screen.say(agreement_table(last, tolerance), "")
    if found.is_settled:
        screen.say(f"Routes and territories agree after {count} rounds: at most {percent(apart.max())} apart.")
    else:
        beyond = ", ".join(str(rep) for rep in apart.index[apart > tolerance])
        screen.say(f"After {count} rounds still more than {percent(tolerance)} apart: {beyond}.")
    if found.calls.advice:
        screen.points(said.en for said in found.calls.advice)
    screen.say(f"Routes are {travel_in_words(found.calls.travel, is_estimate=found.calls.is_estimate)}.", "")
    tables = f"{out / 'customers.csv'} {out / 'reps.csv'} --rules {out / 'rules.toml'}"
    roads = "" if files.road_file is None else f" --roads {files.road_file}"
    screen.say(
        f"{out} holds the tables with what was learnt (travel_factor), and {ROUNDS_FILE}. Balance again with it:",
        f"territory realign {tables}{roads}",
    )


def _document(found: Reconciliation, out: Path) -> dict[str, object]:
    return {
        "is_settled": found.is_settled,
        "rounds": records(found.rounds.reset_index()),
        "factors": {str(rep): float(factor) for rep, factor in found.factors.items()},
        "advice": [said.en for said in found.calls.advice],
        "folder": str(out),
    }
