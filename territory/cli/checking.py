"""What `territory check` finds in files, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import pandas as pd

from territory.cli.screen import Screen
from territory.cli.tables import problems_table, sources_table
from territory.demand import demand_sources, derive_demand
from territory.errors import Problem, TerritoryError
from territory.files import Check
from territory.languages import some
from territory.measures import LOADS, apart_in_words, parts_of
from territory.model import Portfolio
from territory.realignment import torn_groups


@dataclass(frozen=True, eq=False)
class Findings:
    """The check of the files, and of what is derived from them. ``sources`` is None when nothing can be derived."""

    check: Check
    faults: tuple[Problem, ...]
    sources: pd.DataFrame | None


def inspect(check: Check) -> Findings:
    """Every fault of the files, and what keeps potential and workload from being derived."""
    portfolio = check.portfolio
    if portfolio is None:
        return Findings(check, check.faults, None)
    sizes = parts_of(portfolio)
    if len(sizes) > 1:
        apart = Problem("land", apart_in_words(sizes), "Leave a gap where a bridge is, or give neighbours.")
        check = replace(check, notes=(*check.notes, apart))
    faults = (*check.faults, *torn_groups(portfolio))
    try:
        demand = derive_demand(portfolio, travel="none")
    except TerritoryError as error:
        return Findings(check, (*faults, *error.problems), None)
    check = replace(check, notes=(*check.notes, *_without_hours(portfolio), *_without_values(demand)))
    return Findings(check, faults, demand_sources(demand))


def _without_hours(portfolio: Portfolio) -> Iterator[Problem]:
    """Reps who can do no work at all."""
    reps = portfolio.reps
    idle = reps.index[(reps["capacity_hours_per_week"].eq(0) | reps["share"].eq(0)).fillna(False)]
    if len(idle):
        what = f"{some(idle).en} {'has' if len(idle) == 1 else 'have'} no hours, so any work is too much."
        yield Problem("reps", what, "Give hours a week and a share of full time, or leave them out.")


def _without_values(demand: pd.DataFrame) -> Iterator[Problem]:
    """Measures that are 0 for every customer, on which nothing can be balanced."""
    for name, load in LOADS.items():
        if len(demand) and demand[load].sum() <= 0:
            what = f"{name} is 0 for every customer, so no territories can be planned."
            yield Problem("customers", what, "Give values; 1 for every customer counts them.")


def show(screen: Screen, findings: Findings) -> None:
    """Counts, faults, notes, and where derived values come from."""
    check = findings.check
    if findings.faults:
        screen.say(problems_table(findings.faults), "")
    if check.notes:
        screen.say("Good to know:")
        screen.points(str(note) for note in check.notes)
        screen.say("")
    if findings.sources is not None:
        screen.say("Where the values come from:", sources_table(findings.sources), "")
    screen.say(_verdict(findings))


def document(findings: Findings) -> dict[str, object]:
    """The same as one JSON document."""
    check = findings.check
    return {
        "customers": check.customers,
        "reps": check.reps,
        "unplaced": check.unplaced,
        "faults": [asdict(fault) for fault in findings.faults],
        "notes": [asdict(note) for note in check.notes],
        "sources": [] if findings.sources is None else findings.sources.to_dict("records"),
    }


def _verdict(findings: Findings) -> str:
    check, faults = findings.check, len(findings.faults)
    counts = f"{check.customers:,} customers ({check.unplaced:,} unplaced), {check.reps:,} reps"
    if not faults:
        return f"{counts}: no fault."
    number = "1 fault" if faults == 1 else f"{faults:,} faults"
    if findings.sources is None:
        return f"{counts}: {number}. Mend {'it' if faults == 1 else 'them'}, then check again."
    return f"{counts}: {number}; the files can be used as they are."
