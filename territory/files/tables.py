"""A file's rows by our names and of our types, with everything that is wrong in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from territory.files import cells
from territory.files.faults import Ledger
from territory.files.formats import open_source
from territory.files.geodata import in_wgs84
from territory.files.headers import UNPLACED_REASON, Headers, header_key, match_headers
from territory.files.places import Places, locate
from territory.files.source import Source
from territory.model import CUSTOMER_COLUMNS, Column

_RANGES = {
    **dict.fromkeys(("potential", "revenue", "visits_per_year", "minutes_per_visit"), (0.0, np.inf)),
    **dict.fromkeys(("minutes", "km", "metres"), (0.0, np.inf)),
    **dict.fromkeys(("capacity_hours_per_week", "max_drive_minutes", "nights_away"), (0.0, np.inf)),
    "relation": (0.0, 1.0),
    "share": (np.nextafter(0, 1), np.inf),
}
_RANGE_WORDS = {"relation": "from 0 to 1", "share": "more than 0"}


@dataclass(frozen=True, eq=False)
class Table:
    """A file's contents by our names; (n,) rows in every part."""

    data: pd.DataFrame
    ids: pd.Series
    places: Places
    coordinates: pd.DataFrame
    """lon, lat as the file has them, text."""
    given_reason: pd.Series
    rows: np.ndarray
    headers: Headers
    outlines: np.ndarray
    """(n,) polygons in degrees (WGS-84), None for those that are no areas."""


def read_table(
    path: str | Path, columns: Sequence[Column], chosen: Mapping[str, str], crs: str, ledger: Ledger
) -> Table | None:
    """Read a file of customers or of reps; what is wrong goes into the ledger.

    None when it has no rows. DataError when it cannot be read at all.
    """
    source = open_source(Path(path), columns, chosen, ledger)
    if not len(source.rows):
        ledger.fault("It has a header, but nothing below it.", "Give a row a customer or rep.")
        return None
    headers = match_headers(source.headers, columns, chosen, source.lonlat is not None, ledger)
    set_decimal_points(source, headers, columns, ledger)
    data = _typed(source, headers, columns, ledger)
    places = locate(source, headers, crs, ledger)
    required_id = columns[0].name
    texts = _text_of(source, headers, required_id)
    is_customer = columns is CUSTOMER_COLUMNS
    if required_id in headers.ours:
        _check_ids(
            texts,
            source.rows,
            places.is_placed if is_customer else np.ones(len(texts), bool),
            headers,
            required_id,
            ledger,
        )
    if not places.is_told_as_a_whole and {"lon", "lat"} <= (
        set(headers.ours) if source.lonlat is None else {"lon", "lat"}
    ):
        _tell_places(places, source, headers, is_customer, ledger)
    coordinates = pd.DataFrame({name: _text_of(source, headers, name) for name in ("lon", "lat")})
    outlines = _outlines(source, crs)
    return Table(data, texts, places, coordinates, _given_reason(source), source.rows, headers, outlines)


def _outlines(source: Source, crs: str) -> np.ndarray:
    if source.outlines is None:
        return np.full(len(source.rows), None, object)
    import shapely

    return shapely.transform(source.outlines, lambda corners: in_wgs84(corners, crs, names_crs=source.names_crs))


def _text_of(source: Source, headers: Headers, name: str) -> pd.Series:
    if name in headers.ours:
        return _text(source, headers.ours[name])
    return pd.Series(np.nan, index=range(len(source.rows)), dtype="str")


def _text(source: Source, position: int) -> pd.Series:
    return source.columns[position].to_pandas().astype("str")


def _given_reason(source: Source) -> pd.Series:
    for position, name in enumerate(source.headers):
        if header_key(name) == header_key(UNPLACED_REASON):
            return _text(source, position)
    return pd.Series(np.nan, index=range(len(source.rows)), dtype="str")


def set_decimal_points(source: Source, headers: Headers, columns: Sequence[Column], ledger: Ledger) -> None:
    """Read the source's number columns with a comma as the decimal point when that is how they are written."""
    of_numbers = {
        headers.ours[column.name] for column in columns if column.dtype == "number" and column.name in headers.ours
    }
    if cells.writes_decimal_commas([source.columns[position] for position in of_numbers]):
        ledger.note("Numbers were read with a comma as the decimal point.")
        for position in of_numbers:
            source.columns[position] = cells.with_decimal_points(source.columns[position])


def _typed(source: Source, headers: Headers, columns: Sequence[Column], ledger: Ledger) -> pd.DataFrame:
    """The file's columns by our names and of our types, then its others as text."""
    data = {}
    for column in columns:
        if column.name in headers.ours and column.name not in ("lon", "lat", columns[0].name):
            data[column.name] = _read_column(source, headers, column, ledger)
    data |= {name: _text(source, position) for name, position in headers.others.items()}
    if headers.others:
        ledger.note(f"Kept as they are: {', '.join(list(headers.others)[:40])}.")
    return pd.DataFrame(data, index=range(len(source.rows)))


def _read_column(source: Source, headers: Headers, column: Column, ledger: Ledger) -> pd.Series | np.ndarray:
    position = headers.ours[column.name]
    header = headers.names[position]
    if column.dtype == "number":
        return read_numbers(source, position, column, ledger)
    texts = _text(source, position)
    if column.dtype == "boolean":
        values, is_wrong = cells.booleans(texts)
        what, fix = "is neither yes nor no.", "Write yes or no."
    elif column.dtype == "date":
        values, is_wrong = cells.dates(texts)
        what, fix = "is not a day.", "Write the year first, as in 2027-03-01."
    elif column.unit == "HH:MM":
        values, is_wrong = cells.times(texts)
        what, fix = "is not a time of day.", "Write hours and minutes, as in 08:30."
    else:
        return texts
    wrong = is_wrong.to_numpy()
    ledger.faults_at(source.rows[wrong], [f"'{text[:40]}' {what}" for text in texts[wrong]], fix, columns=[header])
    return values


def read_numbers(source: Source, position: int, column: Column, ledger: Ledger) -> np.ndarray:
    """(n,) float, NaN where blank; a cell that is no number, or out of the column's range, is a fault."""
    header = source.headers[position]
    values, is_wrong = cells.numbers(source.columns[position])
    figures, leave = f"Give {column.unit} in figures, as in 1234.5", ", or leave the cell empty."
    if is_wrong.any():
        texts = source.columns[position].take(np.flatnonzero(is_wrong)).to_pylist()
        ledger.faults_at(
            source.rows[is_wrong],
            [f"'{text[:40]}' is not a number." for text in texts],
            f"{figures}." if column.required else figures + leave,
            columns=[header],
        )
    least, most = _RANGES.get(column.name, (-np.inf, np.inf))
    outside = (values < least) | (values > most)
    if outside.any():
        allowed = _RANGE_WORDS.get(column.name, "0 or more")
        ledger.faults_at(
            source.rows[outside],
            [f"{value:g} is not {allowed}." for value in values[outside]],
            f"{figures}." if column.required else f"Give {allowed}{leave}",
            columns=[header],
        )
    return values


def _check_ids(
    ids: pd.Series, rows: np.ndarray, needs_id: np.ndarray, headers: Headers, name: str, ledger: Ledger
) -> None:
    header = headers.of(name)
    missing = ids.isna().to_numpy() & needs_id
    ledger.faults_at(
        rows[missing], [f"It has no {name}."] * int(missing.sum()), "Give each row an id of its own.", columns=[header]
    )
    again = (ids.notna() & ids.duplicated()).to_numpy()
    if again.any():
        first = pd.Series(rows, index=ids).loc[lambda row: ~row.index.duplicated()]
        ledger.faults_at(
            rows[again],
            [f"'{text[:40]}' is also the id of {ledger.noun} {first[text]}." for text in ids[again]],
            "Give each its own id, or delete the one that is wrong.",
            columns=[header],
        )


def _tell_places(places: Places, source: Source, headers: Headers, is_customer: bool, ledger: Ledger) -> None:
    """Faults of place, which do not stop. A rep may have no home, so a blank one is a note only."""
    told = ~places.is_placed
    columns = [] if source.lonlat is not None else [headers.of("lon"), headers.of("lat")]
    if not is_customer:
        blank = (_text_of(source, headers, "lon").isna() & _text_of(source, headers, "lat").isna()).to_numpy()
        if source.misplaced is not None:
            blank = blank & pd.isna(source.misplaced)
        told &= ~blank
    ledger.faults_at(source.rows[told], places.reason[told], list(places.fix[told]), columns=columns, stops=False)
