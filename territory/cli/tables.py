"""Tables for people: they fit 80 columns, and say more where there is room."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from territory.cli.screen import clean
from territory.errors import Problem
from territory.model import MEASURES, Column, Proposal, percent

ROOMY = 130
"""From so many characters a line, tables show every column."""

Row = dict[str, str | Text]
"""Heading -> cell; ``\\n`` breaks a heading in two lines."""

_WHERE = re.compile(r"(?P<file>.*?)(?:, \w+ (?P<row>\d+))?(?:, columns? (?P<column>.+))?")
_LOADS = {"potential": ("potential", 1, ""), "workload": ("workload_minutes", 60, " h")}


def measured_table(measured: pd.DataFrame, tolerance: Mapping[str, float], width: int) -> Table:
    """One row a territory: what it holds against its share."""
    records = measured.reset_index().to_dict("records")
    return _table([_measured_row(record, tolerance, is_roomy=width >= ROOMY) for record in records])


def _measured_row(held: Mapping[str, float], tolerance: Mapping[str, float], *, is_roomy: bool) -> Row:
    row: Row = {"Territory": _name(held["territory"])}
    if is_roomy:
        row["Rep"] = _name(held["rep_id"])
    row["Customers"] = f"{held['customers']:,}"
    for name, (load, scale, unit) in _LOADS.items():
        if is_roomy:
            row[f"{name.title()}\na year"] = f"{held[load] / scale:,.0f}{unit}"
        index, deviation = _figure(held[f"index_{name}"], 0), _deviation(held[f"deviation_{name}"], tolerance[name])
        row[f"{name.title()}\nindex      ±"] = Text.assemble(index, " " * (8 - len(deviation)), deviation)
    if is_roomy:
        row["Travel\na year"] = f"{held['travel'] / 60:,.0f} h"
    row["Capacity\nuse"] = percent(held["capacity_use"])
    row["Pieces"] = f"{held['pieces']}"
    if is_roomy:
        row["Compact\n0 to 1"] = _figure(held["compactness"], 2)
        row["Mean km\nto middle"] = _figure(held["mean_km"], 1)
    return row


def proposal_table(proposal: Proposal, width: int) -> Table:
    """One row a territory: today and proposed side by side, and how many customers come and go."""
    before, after = proposal.before, proposal.after
    names = [*after.index, *(name for name in (() if before is None else before.index) if name not in after.index)]
    came, went = (proposal.moves[end].value_counts() for end in ("to", "from"))
    rows = []
    for name in names:
        change = _Change(None if before is None else _held(before, name), _held(after, name))
        row = {"Territory": _name(name), **_proposal_row(change, proposal.tolerance, is_roomy=width >= ROOMY)}
        if before is not None:
            row |= {"In": f"{came.get(name, 0):,}", "Out": f"{went.get(name, 0):,}"}
        rows.append(row)
    return _table(rows)


class _Change:
    """What a territory held and holds: ``307 → 98``, or only what it holds when there is no today."""

    def __init__(self, before: Mapping[str, float] | None, after: Mapping[str, float] | None) -> None:
        self._before, self._after = before, after

    def figures(self, column: str, digits: int) -> Text:
        return self._join(*(None if side is None else Text(_figure(side[column], digits)) for side in self._sides()))

    def deviations(self, measure: str, tolerance: float) -> Text:
        column = f"deviation_{measure}"
        return self._join(*(None if side is None else _deviation(side[column], tolerance) for side in self._sides()))

    def percents(self, column: str) -> Text:
        return self._join(*(None if side is None else Text(percent(side[column])) for side in self._sides()))

    def _sides(self) -> tuple[Mapping[str, float] | None, Mapping[str, float] | None]:
        return self._before, self._after

    @staticmethod
    def _join(before: Text | None, after: Text | None) -> Text:
        if before is None:
            return after or Text("-")
        return Text.assemble(before, " → ", after or "-")


def _proposal_row(change: _Change, tolerance: Mapping[str, float], *, is_roomy: bool) -> Row:
    row: Row = {"Customers": change.figures("customers", 0)}
    for name in MEASURES:
        if is_roomy:
            row[f"{name.title()}\nindex"] = change.figures(f"index_{name}", 0)
        row[f"{name.title()}\ndeviation"] = change.deviations(name, tolerance[name])
    if is_roomy:
        row["Capacity\nuse"] = change.percents("capacity_use")
        row["Mean km\nto middle"] = change.figures("mean_km", 1)
    return row


def problems_table(problems: Sequence[Problem]) -> Table:
    """One row a fault: its row and column, what it is, how to mend it."""
    found = [_WHERE.fullmatch(problem.where) for problem in problems]
    places = [place.groupdict("") if place else {"file": "", "row": "", "column": ""} for place in found]
    table = _table(
        [
            {
                "File": clean(place["file"]),
                "Row": place["row"],
                "Column": clean(place["column"].replace("'", "")),
                "What is wrong": clean(problem.what),
                "How to mend it": clean(problem.fix),
            }
            for place, problem in zip(places, problems, strict=True)
        ],
        words={"What is wrong": 5, "How to mend it": 4},
    )
    table.columns[2].justify = "left"
    return table


def columns_table(columns: Sequence[Column]) -> Table:
    """One row a column of ours: what it holds and what strangers may call it."""
    table = _table(
        [
            {
                "Column": Text(column.name + (" *" if column.required else ""), "bold" if column.required else ""),
                "Holds": column.unit or column.dtype,
                "Meaning": column.meaning,
                "Also called": ", ".join(column.aliases),
            }
            for column in columns
        ],
        words={"Meaning": 2, "Also called": 3},
    )
    table.columns[1].justify = "left"
    return table


def sources_table(sources: pd.DataFrame) -> Table:
    """One row a source of a derived value: how many customers have it from there."""
    return _table(
        [
            {"Value": row["value"], "Comes from": _name(row["source"]), "Customers": f"{row['customers']:,}"}
            for row in sources.to_dict("records")
        ],
        words={"Comes from": None},
    )


def front_table(front: pd.DataFrame, width: int) -> Table:
    """One row a plan of a front: what it is called, and what plans are traded on."""
    rows: list[Row] = []
    for plan, held in front.iterrows():
        row: Row = {
            "Plan": f"{plan:02}",
            "Moves": percent(held["moved_customers"]),
            "Largest\ndeviation": percent(held["deviation"]),
            "Mean km\nto middle": _figure(held["mean_km"], 1),
        }
        if width >= ROOMY:
            row["Capacity\nuse"] = percent(held["capacity_use_max"])
        rows.append({**row, "What it is": clean(held["label"])})
    return _table(rows, words={"What it is": None})


def tradeoff_table(curve: pd.DataFrame) -> Table:
    """One row a tolerance: whether it was met, and what it costs."""
    return _table(
        [
            {
                "Tolerance": f"±{percent(tolerance)}",
                "Met": Text("yes", "green") if held["met"] else Text("no", "red"),
                "Largest\ndeviation": percent(held["deviation"]),
                "Mean km\nto middle": _figure(held["mean_km"], 1),
                "More than\nwidest": percent(held["extra_km"], signed=True),
                "Moves": percent(held["moved_customers"]),
                "Gap": percent(held["gap"]),
            }
            for tolerance, held in curve.iterrows()
        ]
    )


def stops_table(stops: pd.DataFrame, width: int) -> Table:
    """One row a stop of a day."""
    rows: list[Row] = []
    for held in stops.to_dict("records"):
        row: Row = {
            "Stop": str(held["stop"]),
            "Customer": _name(held["name"] or held["customer_id"]),
            "Visit": f"{held['start']:%H:%M}-{held['leave']:%H:%M}",
            "Drive": f"{held['drive_minutes']:.0f} min",
        }
        if width >= ROOMY:
            row["Id"] = _name(held["customer_id"])
            row["Arrive"] = f"{held['arrive']:%H:%M}"
            row["Km"] = _figure(held["drive_km"], 1)
        row["Note"] = "appointment" if held["appointment"] else ""
        rows.append(row)
    return _table(rows, words={"Customer": None})


def best_days_table(days: pd.DataFrame) -> Table:
    """One row a day on which a customer could be visited: what it costs, and who would have to go."""
    return _table(
        [
            {
                "Day": f"{held['day']:%a %Y-%m-%d}",
                "Fits": Text("yes", "green") if held["fits"] else Text("no", "red"),
                "Driving\nmore": _minutes(held["detour_minutes"]),
                "Home": "-" if pd.isna(held["home"]) else f"{held['home']:%H:%M}",
                "Instead of": clean(held["instead_of"].replace(";", ", ")),
            }
            for held in days.to_dict("records")
        ],
        words={"Instead of": None},
    )


def nearby_table(found: pd.DataFrame, width: int) -> Table:
    """One row a customer worth a stop."""
    rows: list[Row] = []
    for held in found.to_dict("records"):
        row: Row = {
            "Customer": _name(held["name"] or held["customer_id"]),
            "Driving\nmore": _minutes(held["detour_minutes"]),
            "Visit": _minutes(held["minutes"]),
            "After\nstop": str(held["after_stop"]),
            "Arrive": f"{held['arrive']:%H:%M}",
            "Home": f"{held['home']:%H:%M}",
        }
        if width >= ROOMY:
            row["Id"] = _name(held["customer_id"])
        rows.append(row)
    return _table(rows)


def calls_table(measures: pd.DataFrame, width: int) -> Table:
    """One row a rep of a call plan: what is due, what is planned, and how long the days are."""
    rows: list[Row] = []
    is_away = bool(measures["nights_away"].any())
    for rep, held in measures.iterrows():
        row: Row = {
            "Rep": _name(rep),
            "Days": _figure(held["days"], 0),
            "Due": _figure(held["due"], 0),
            "Planned": _figure(held["visits"], 0),
            "Kept": percent(held["coverage"]),
            "Driving": f"{held['drive_minutes'] / 60:,.0f} h",
            "Km": _figure(held["drive_km"], 0),
            "Shortest\nday": f"{held['shortest_day'] / 60:.1f} h",
            "Longest\nday": f"{held['longest_day'] / 60:.1f} h",
        }
        if width >= ROOMY:
            row["Customers"] = f"{held['customers']:,}"
            row["Use of\nhours"] = percent(held["capacity_use"])
        if is_away or width >= ROOMY:
            row["Nights\naway"] = _figure(held["nights_away"], 0)
        rows.append(row)
    return _table(rows)


def agreement_table(last: pd.DataFrame, tolerance: float) -> Table:
    """One row a rep of a reconciliation's last round: hours as planned and as routed, and what was learnt."""
    return _table(
        [
            {
                "Rep": _name(rep),
                "Planned": f"{held['planned_minutes'] / 60:,.1f} h",
                "Routed": f"{held['routed_minutes'] / 60:,.1f} h",
                "Apart": _deviation(held["difference"], tolerance),
                "Visits\nkept": percent(held["coverage"]),
                "Wanted of\nhours": percent(held["use_wanted"]),
                "Driving beside\nthe estimate": f"x {held['factor']:.2f}",
            }
            for rep, held in last.iterrows()
        ]
    )


def build_up_table(build_up: pd.DataFrame) -> Table:
    """One row a tier, and all of them: where the work comes from."""
    rows = [*build_up.iterrows(), ("all", build_up.sum())]
    return _table(
        [
            {
                "Tier": _name(tier),
                "Customers": _figure(held["customers"], 0),
                "Visits\na year": _figure(held["visits_per_year"], 0),
                "Visiting\na year": f"{held['visit_hours']:,.0f} h",
                "Travel\na year": f"{held['travel_hours']:,.0f} h",
                "Work\na year": f"{held['workload_hours']:,.0f} h",
            }
            for tier, held in rows
        ]
    )


def size_table(sizes: pd.DataFrame) -> Table:
    """One row a number of territories: what it costs."""
    return _table(
        [
            {
                "Territories": f"{count}",
                "Hours\nthere are": _figure(held["capacity_hours"], 0),
                "Work\na year": f"{held['workload_hours']:,.0f} h",
                "Travel\na year": f"{held['travel_hours']:,.0f} h",
                "Hours\nused": Text(percent(held["capacity_use_mean"]), "green" if held["fits"] else "red"),
                "In the\nfullest": percent(held["capacity_use_max"]),
                "Mean km\nto middle": _figure(held["mean_km"], 1),
            }
            for count, held in sizes.iterrows()
        ]
    )


def scenarios_table(scenarios: pd.DataFrame) -> Table:
    """One row a scenario: its figures, and how they differ from those of the first."""
    rows: list[Row] = []
    for number, (name, held) in enumerate(scenarios.iterrows(), start=1):
        rows.append(
            {
                "Scenario": f"{number:02} {_name(name)}",
                "Territ-\nories": _figure(held["territories"], 0),
                "Potential\ndeviation": percent(held["max_deviation_potential"]),
                "Workload\ndeviation": percent(held["max_deviation_workload"]),
                "Moves": percent(held["moved_customers"]),
                "Travel a year\nand change": f"{held['travel_hours']:,.0f} {held['change_travel_hours']:+,.0f} h",
                "Busiest\nrep": percent(held["capacity_use_max"]),
                "Rules\nmissed": _figure(held["reasons"], 0),
            }
        )
    return _table(rows)


def heirs_table(heirs: pd.DataFrame) -> Table:
    """One row a rep who leaves and a territory that takes over: what, and how busy its rep is then."""
    return _table(
        [
            {
                "Leaves": f"{_name(held['rep_id'])}, {_name(held['territory'])}",
                "Heir": _name(held["to"]),
                "Takes over": _figure(held["customers"], 0),
                "Work\na year": f"{held['workload_minutes'] / 60:,.0f} h",
                "Then\nin use": percent(held["capacity_use"]),
                "Busiest\nof all": percent(held["capacity_use_max"]),
                "Largest\ndeviation": percent(max(held[f"max_deviation_{name}"] for name in MEASURES)),
                "All that\nmove": percent(held["moved_customers"]),
            }
            for held in heirs.to_dict("records")
        ]
    )


def homes_table(homes: pd.DataFrame) -> Table:
    """One row a home for the next rep: where, and what it saves."""
    return _table(
        [
            {
                "Home": " ".join(filter(None, [_name(candidate), clean(_text(held["name"]))])),
                "Lon": _figure(held["lon"], 3),
                "Lat": _figure(held["lat"], 3),
                "Customers": _figure(held["customers"], 0),
                "Travel\nsaved": f"{held['saved_travel_hours']:,.0f} h",
                "Km to middle\nsaved": _figure(held["saved_mean_km"], 1),
                "Busiest\nof all": percent(held["capacity_use_max"]),
                "Moves": percent(held["moved_customers"]),
            }
            for candidate, held in homes.iterrows()
        ]
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _table(rows: Sequence[Row], words: Mapping[str, int | None] | None = None) -> Table:
    """Headings from the first row. The first column and `words`, heading -> width beside others, wrap as text does."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    widths = words or {}
    for place, heading in enumerate(rows[0] if rows else ()):
        is_text = not place or heading in widths
        table.add_column(
            heading,
            justify="left" if is_text else "right",
            no_wrap=not is_text,
            ratio=widths.get(heading),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*row.values())
    return table


def _held(measured: pd.DataFrame, name: str) -> Mapping[str, float] | None:
    return measured.loc[name].to_dict() if name in measured.index else None


def _name(value: object) -> str:
    return clean(value) if isinstance(value, str) else "-"


def _figure(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}" if math.isfinite(value) else "-"


def _minutes(value: float) -> str:
    return f"{round(value):d} min" if math.isfinite(value) else "-"


def _deviation(value: float, tolerance: float) -> Text:
    return Text(percent(value, signed=True), "green" if abs(value) <= tolerance * (1 + 1e-9) else "red")
