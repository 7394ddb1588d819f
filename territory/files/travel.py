"""Reading a travel table: minutes between customers and reps' homes, with everything that is wrong in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from territory.columns import TRAVEL_COLUMNS
from territory.errors import DataError
from territory.files.faults import MOST_LISTED, Ledger
from territory.files.formats import open_source
from territory.files.headers import Headers, match_headers
from territory.files.source import Source
from territory.files.tables import read_numbers, set_decimal_points
from territory.model import Portfolio, percent
from territory.travel import LineTravel, TableTravel

if TYPE_CHECKING:
    import geopandas as gpd
    import pyarrow as pa

_NOWHERE, _UNKNOWN, _TWO_PLACES, _BLANK, _OTHER = -1, -2, -3, -4, -5
_MOST_COMPARED = 20
"""Unknown ids that are compared with every known one: among thousands of ids each takes a while."""


def read_travel_table(
    path: str | Path, portfolio: Portfolio, *, columns: Mapping[str, str] | None = None
) -> TableTravel:
    """Minutes by road out of a table, for `Portfolio.with_roads`.

    Parameters
    ----------
    path : path of a CSV (UTF-8, GB18030), XLSX or Parquet
        One row a way: ``from`` and ``to``, each a customer_id or a rep_id (the rep's home), ``minutes``, and perhaps
        ``km`` or ``metres``. It need not hold all pairs: of more than 2,000,000 leave out the far ones. It may hold
        the pairs of others, too, when it has all of the portfolio's own.
    portfolio : Portfolio
        Says where the ids are; its rules give the detour where the table has no distances.
    columns : our column -> header in the file, optional
        For headers that are not known by name, as ``{"minutes": "t_am"}``.

    Returns
    -------
    TableTravel
        A pair that is given in one direction is as long in the other. What is not given at all is reckoned from
        straight lines at the median pace of what is. ``notes`` say how many pairs are which.

    Raises
    ------
    DataError
        Any fault; all of them are listed, by row and column.
    """
    path = Path(path)
    ledger = Ledger(path.name)
    try:
        source = open_source(path, TRAVEL_COLUMNS, columns or {}, ledger)
    except DataError as error:
        ledger.adopt(error.problems)
        raise DataError(ledger.stopping()) from error
    if not len(source.rows):
        ledger.fault("It has a header, but nothing below it.", "Give a row a way: from, to, minutes.")
    headers = match_headers(source.headers, TRAVEL_COLUMNS, columns or {}, False, ledger)
    if ledger.stops:
        raise DataError(ledger.stopping())
    table = _table(source, headers, portfolio, ledger)
    ledger.note(_told(table))
    return replace(table, notes=tuple(ledger.notes))


def _table(source: Source, headers: Headers, portfolio: Portfolio, ledger: Ledger) -> TableTravel:
    """What the rows say; DataError with everything that is wrong in them."""
    import geopandas as gpd

    customers, reps = portfolio.customers, portfolio.reps
    homes = reps.geometry[~(reps.geometry.isna() | reps.geometry.is_empty)]
    points = gpd.GeoSeries([*customers.geometry, *homes], crs=customers.crs)
    row_of = _row_of_ids(portfolio, homes)
    start, goal = _ends(source, headers, row_of, len(points), ledger)
    minutes, metres = _figures(source, headers, ledger)
    _check_duplicates(source, headers, (start, goal), {"minutes": minutes, "metres": metres}, ledger)
    is_used, is_other = (start >= 0) & (goal >= 0), (start == _OTHER) | (goal == _OTHER)
    if others := int(is_other.sum()):
        ledger.note(f"{others:,} rows begin or end at ids that are neither a customer's nor a rep's and are left out.")
    if left := int((~is_used & ~is_other).sum()):
        ledger.note(f"{left:,} rows begin or end at a customer or rep whose place nobody knows and are left out.")
    if not is_used.any() and not ledger.stops:
        ledger.fault("No row leads from one known place to another.", "Give customers and reps coordinates.")
    if ledger.stops:
        raise DataError(ledger.stopping())
    rows = start[is_used], goal[is_used], minutes[is_used], metres[is_used]
    name = f"table of {ledger.file}"
    return TableTravel.of(name, points, *rows, default=LineTravel.of(portfolio.rules))


def _row_of_ids(portfolio: Portfolio, homes: gpd.GeoSeries) -> dict[str, int]:
    """Id -> row among customers and then `homes`, or what keeps it from having one."""
    customers, reps = portfolio.customers, portfolio.reps
    row_of = dict.fromkeys([*reps.index, *portfolio.unplaced.index], _NOWHERE)
    row_of |= {name: len(customers) + row for row, name in enumerate(homes.index)}
    for row, name in enumerate(customers.index):
        home = row_of.get(name, _NOWHERE)
        is_apart = home >= 0 and not homes[name].equals(customers.geometry.iloc[row])
        row_of[name] = _TWO_PLACES if is_apart else row
    return row_of


def _ends(
    source: Source, headers: Headers, row_of: Mapping[str, int], places: int, ledger: Ledger
) -> tuple[np.ndarray, np.ndarray]:
    """(k,) int each, where ways begin and where they end; see `_row_of_ids`."""
    names = ("from", "to")
    start, goal = (_by_distinct(source.columns[headers.ours[name]], row_of) for name in names)
    known = np.unique(np.r_[start, goal])
    if (known >= 0).sum() == places:
        # None of ours is lacking, so no id is misspelt: the table is that of a larger portfolio.
        start, goal = (np.where(rows == _UNKNOWN, _OTHER, rows) for rows in (start, goal))
    for name, rows in zip(names, (start, goal), strict=True):
        _tell_ends(source, headers, name, rows, row_of, ledger)
    return start, goal


def _tell_ends(
    source: Source, headers: Headers, name: str, rows: np.ndarray, row_of: Mapping[str, int], ledger: Ledger
) -> None:
    """Faults of the ends (k,) int, row by row."""
    cells = source.columns[headers.ours[name]]

    def tell(wrong: np.ndarray, whats: Iterator[str], fix: str | list[str]) -> None:
        ledger.faults_at(source.rows[wrong], whats, fix, columns=[headers.of(name)])

    blank, unknown, double = rows == _BLANK, rows == _UNKNOWN, rows == _TWO_PLACES
    tell(blank, (f"It has no {name}." for _ in range(MOST_LISTED)), "Give a customer_id or a rep_id.")
    names = _first(cells, unknown)
    hints = _hints(names, row_of)
    tell(
        unknown,
        (f"'{text[:40]}' is neither a customer_id nor a rep_id." for text in names),
        [hints[text] for text in names],
    )
    twice = (f"'{text[:40]}' is a customer's id and a rep's, at two places." for text in _first(cells, double))
    tell(double, twice, "Give the rep another id, in the reps' file and here.")


def _by_distinct(cells: pa.ChunkedArray, row_of: Mapping[str, int]) -> np.ndarray:
    """What `row_of` says of each cell, (k,) int: looked up once for each text, as there are few among many rows."""
    folded = cells.dictionary_encode().unify_dictionaries()
    texts = folded.chunk(0).dictionary.to_pylist()
    rows = np.array([*(row_of.get(text, _UNKNOWN) for text in texts), _BLANK])
    # The last of them is for cells without a text.
    return rows[np.concatenate([chunk.indices.fill_null(len(texts)).to_numpy() for chunk in folded.chunks])]


def _first(cells: pa.ChunkedArray, wrong: np.ndarray) -> list[str]:
    """The texts of cells that are told one by one."""
    found: list[str] = cells.take(np.flatnonzero(wrong)[:MOST_LISTED]).to_pylist()
    return found


def _hints(names: Sequence[str], known: Mapping[str, int]) -> dict[str, str]:
    """Which ids were perhaps meant: those that a spreadsheet has robbed of their zeros first."""
    bare = {name.lstrip("0"): name for name in known}
    hints = {}
    for number, name in enumerate(dict.fromkeys(names)):
        near = [bare[name.lstrip("0")]] if name.lstrip("0") in bare else []
        if not near and number < _MOST_COMPARED:
            near = difflib.get_close_matches(name, known, 3)
        listed = ", ".join(f"'{each}'" for each in near)
        hints[name] = f"Perhaps {listed}?" if near else "Write it as in the customers' or the reps' file."
    return hints


def _figures(source: Source, headers: Headers, ledger: Ledger) -> tuple[np.ndarray, np.ndarray]:
    """(k,) minutes and (k,) metres, NaN where the table says none."""
    set_decimal_points(source, headers, TRAVEL_COLUMNS, ledger)
    figures = {
        column.name: read_numbers(source, headers.ours[column.name], column, ledger)
        for column in TRAVEL_COLUMNS
        if column.dtype == "number" and column.name in headers.ours
    }
    position = headers.ours["minutes"]
    blank = np.asarray(source.columns[position].is_null())
    ledger.faults_at(
        source.rows[blank],
        ["It has no minutes."] * min(int(blank.sum()), MOST_LISTED),
        "Give them, or delete the row: what the table lacks is reckoned from straight lines.",
        columns=[headers.of("minutes")],
    )
    metres = figures.get("metres", np.full(len(blank), np.nan))
    if "km" in figures:
        metres = np.where(np.isnan(metres), figures["km"] * 1000, metres)
    return figures["minutes"], metres


def _check_duplicates(
    source: Source,
    headers: Headers,
    ends: tuple[np.ndarray, np.ndarray],
    figures: Mapping[str, np.ndarray],
    ledger: Ledger,
) -> None:
    """Rows that say another thing of the same way than the first row about it does."""
    known = np.flatnonzero((ends[0] >= 0) & (ends[1] >= 0))
    way = ends[0][known] * (int(ends[1].max(initial=0)) + 1) + ends[1][known]
    order = np.argsort(way, kind="stable")
    begins = np.append(True, np.diff(way[order]) != 0)[: len(order)]
    row, first = known[order], known[order[np.flatnonzero(begins)]][np.cumsum(begins) - 1]
    for name, values in figures.items():
        column = headers.of("km" if name == "metres" and "metres" not in headers.ours else name)
        wrong = np.abs(values[row] - values[first]) > 0
        ledger.faults_at(
            source.rows[row[wrong]],
            (
                f"It is {values[here]:g} {name} here and {values[there]:g} in row {source.rows[there]}."
                for here, there in zip(row[wrong], first[wrong], strict=True)
            ),
            "Delete the row that is wrong.",
            columns=[column],
        )


def _told(table: TableTravel) -> str:
    """How many pairs the table gives, and where the others come from."""
    total = table.given + table.mirrored + table.reckoned
    parts = [f"Of {total:,} pairs of places {table.given:,} are given"]
    if table.mirrored:
        parts.append(f"{table.mirrored:,} are as long as their way back")
    if table.reckoned:
        line = table.line
        off = "" if line.error is None else f", {percent(line.error)} off on average on those given"
        pace = f"{1000 * line.minutes_per_metre:.3g} minutes a kilometre"
        parts.append(f"{table.reckoned:,} are reckoned from straight lines ({pace}{off})")
    return f"{', '.join(parts)}."
