"""Which format a file is in, and who reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from territory.errors import DataError, Problem
from territory.files.faults import Ledger
from territory.files.geodata import read_ogr, read_parquet
from territory.files.headers import header_key, meanings
from territory.files.sheet import read_xlsx
from territory.files.source import MAX_FILE_BYTES, Source
from territory.files.text import read_csv
from territory.model import Column


def open_source(path: Path, columns: Sequence[Column], chosen: Mapping[str, str], ledger: Ledger) -> Source:
    """The contents of a file, told by its first bytes: XLSX, GeoPackage, GeoParquet, GeoJSON, else CSV.

    Raises
    ------
    DataError
        It cannot be opened or read, or is beyond a limit.
    """
    try:
        if path.is_dir():
            raise DataError([Problem(str(path), "This is a folder, not a file.", "Give the file in it.")])
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(64)
    except OSError as error:
        raise DataError([Problem(str(path), f"It cannot be read ({error.strerror}).", "Check the path.")]) from error
    if size > MAX_FILE_BYTES:
        what = f"It has {size / 1e6:,.0f} MB; at most {MAX_FILE_BYTES / 1e6:,.0f} MB are read."
        raise DataError([Problem(path.name, what, "Split it, or drop columns that are not needed.")])
    # By content, not by ending: a renamed file would only fail less clearly.
    if start.startswith(b"PK\x03\x04"):
        return read_xlsx(path, ledger, lambda header: _has_id(header, columns, chosen))
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        what = "It is an old .xls workbook, or one with a password."
        raise DataError([Problem(path.name, what, "Save it as .xlsx without a password, or as 'CSV UTF-8'.")])
    if start.startswith(b"SQLite format 3\0"):
        ledger.noun = "feature"
        return read_ogr(path, ledger)
    if start.startswith(b"PAR1"):
        ledger.noun = "row"
        return read_parquet(path, ledger)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        ledger.noun = "feature"
        return read_ogr(path, ledger)
    return read_csv(path, ledger)


def _has_id(header: list[str], columns: Sequence[Column], chosen: Mapping[str, str]) -> bool:
    name = columns[0].name
    keys = {header_key(cell) for cell in header}
    if name in chosen:
        return header_key(chosen[name]) in keys
    return any(meant == name and key in keys for key, meant in meanings(columns).items())
