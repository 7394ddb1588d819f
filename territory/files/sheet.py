"""Reading XLSX: a zip of XML from a stranger, so everything is bounded before it is parsed."""

from __future__ import annotations

import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING
from xml.parsers import expat

from territory.errors import DataError, Problem
from territory.files.faults import Ledger
from territory.files.source import RowsOfText, Source, checked_headers, limit_exceeded

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

MAX_UNPACKED_BYTES = 300_000_000
MAX_SHEET_ROWS = 300_000
MAX_RATIO = 200
"""A part unpacked over packed; sheets of empty formatted rows reach about 20, a zip bomb 1,000."""

_MAX_PARTS = 5_000
_MOST_ABOVE = 10
_RATIO_FREE_BYTES = 1_000_000
_BLOCK_BYTES = 1 << 20
_MAX_TAG_BYTES = 1 << 24
_CSV_INSTEAD = "Save the sheet as 'CSV UTF-8' and read that."
# Formatting leaves a million rows of cells without content; openpyxl would build every one of them.
_EMPTY_CELL = re.compile(rb"<c(?:\s[^<>]*)?(?:/>|></c>)")
_EMPTY_ROW = re.compile(rb"<row\s[^<>]*?\br=\"\d+\"[^<>]*(?:/>|>\s*</row>)")


def read_xlsx(path: Path, ledger: Ledger, is_header: Callable[[list[str]], bool]) -> Source:
    """The first sheet whose header row `is_header`, else the first with content.

    Raises
    ------
    DataError
        It is empty, damaged, encrypted, or beyond a limit.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    with TemporaryFile() as slim:
        try:
            _slim_copy(path, slim, ledger)
            # Its warnings tell of styles and extensions, which are not read.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                book = load_workbook(slim, read_only=True, data_only=True)
                return _read_book(book.worksheets, ledger, is_header)
        except (
            zipfile.BadZipFile,
            InvalidFileException,
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
            IndexError,
            SyntaxError,
            expat.ExpatError,
            ArithmeticError,
            RuntimeError,
            EOFError,
            OSError,
            struct.error,
            zlib.error,
        ) as error:
            # What openpyxl raises on a damaged workbook depends on where the damage is.
            raise _damaged(ledger, error) from error


def _read_book(sheets: Iterable[Worksheet], ledger: Ledger, is_header: Callable[[list[str]], bool]) -> Source:
    first: tuple[Worksheet, int, list[str]] | None = None
    has_title = False
    for sheet in sheets:
        # Above the header there may be a title: it is the first row that names an id, else the first row.
        top = list(islice(((row, cells) for row, cells in _rows(sheet) if any(cells)), _MOST_ABOVE + 1))
        found = next(((row, cells) for row, cells in top if is_header(cells)), None)
        if found is not None:
            first, has_title = (sheet, *found), found != top[0]
            break
        if top and first is None:
            first = sheet, *top[0]
    if first is None:
        raise DataError([Problem(ledger.file, "The workbook is empty.", "Give a header row, and rows below it.")])
    sheet, header_row, header = first
    ledger.note(f"Sheet '{sheet.title}' was read.")
    if has_title:
        ledger.note("What stands above this row was taken for a title.", row=header_row)
    return _read_sheet(sheet, header_row, header, ledger)


def _read_sheet(sheet: Worksheet, header_row: int, header: list[str], ledger: Ledger) -> Source:
    content = RowsOfText(
        checked_headers(header, ledger),
        ledger,
        MAX_SHEET_ROWS,
        f"Save it as CSV: of a sheet at most {MAX_SHEET_ROWS:,} rows are read, of a CSV 2,000,000.",
    )
    for row, cells in _rows(sheet):
        if row > header_row:
            content.add(row, cells)
    return content.source()


def _rows(sheet: Worksheet) -> Iterator[tuple[int, list[str]]]:
    sheet.reset_dimensions()
    for row, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        if values:
            yield row, [cell_text(value) for value in values]


def cell_text(value: object) -> str:
    """A cell's value as a person would type it: 7.0 as 7, a day as 2027-03-01."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    return str(value)


def _slim_copy(path: Path, slim: IO[bytes], ledger: Ledger) -> None:
    """Copy the parts of a workbook, checked, without empty cells and rows, packed for quick reading."""
    with zipfile.ZipFile(path) as book, zipfile.ZipFile(slim, "w", zipfile.ZIP_STORED) as copy:
        _check_parts(book.infolist(), ledger)
        for part in book.infolist():
            if part.is_dir():
                continue
            with book.open(part) as packed, copy.open(zipfile.ZipInfo(part.filename), "w", force_zip64=True) as plain:
                blocks = _blocks(packed)
                if part.filename.lower().endswith((".xml", ".rels", ".vml")):
                    blocks = _without_doctype(blocks, ledger)
                if "worksheets/" in part.filename:
                    blocks = _without_empty_cells(blocks)
                for block in blocks:
                    plain.write(block)


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(_BLOCK_BYTES):
        yield block


def _check_parts(parts: list[zipfile.ZipInfo], ledger: Ledger) -> None:
    """Refuse a zip bomb by its directory; the zip reader never unpacks more than the directory states."""
    if len(parts) > _MAX_PARTS:
        raise limit_exceeded(
            ledger.file, f"The workbook has {len(parts):,} parts; at most {_MAX_PARTS:,} are read.", _CSV_INSTEAD
        )
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED_BYTES:
        raise limit_exceeded(
            ledger.file,
            f"The workbook unpacks to {unpacked / 1e6:,.0f} MB; at most {MAX_UNPACKED_BYTES / 1e6:,.0f} MB are read.",
            _CSV_INSTEAD,
        )
    for part in parts:
        if part.file_size > max(_RATIO_FREE_BYTES, MAX_RATIO * part.compress_size):
            raise limit_exceeded(
                ledger.file,
                f"'{part.filename}' unpacks to more than {MAX_RATIO} times its size, as a zip bomb does.",
                _CSV_INSTEAD,
            )


def _without_doctype(blocks: Iterable[bytes], ledger: Ledger) -> Iterator[bytes]:
    """The same blocks; an XML that declares entities, which no workbook does, is refused before it is parsed."""
    parser = expat.ParserCreate()
    has_root: list[bool] = []

    def refuse(*_: object) -> None:
        raise limit_exceeded(ledger.file, "The workbook declares XML entities, as an entity bomb does.", _CSV_INSTEAD)

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda *_: has_root.append(True)
    for block in blocks:
        if not has_root:
            parser.Parse(block, False)
        yield block


def _without_empty_cells(blocks: Iterable[bytes]) -> Iterator[bytes]:
    pending = b""
    for block in blocks:
        pending += block
        cut = pending.rfind(b">") + 1
        if not cut and len(pending) < _MAX_TAG_BYTES:
            continue
        cut = cut or len(pending)
        yield _EMPTY_ROW.sub(b"", _EMPTY_CELL.sub(b"", pending[:cut]))
        pending = pending[cut:]
    yield pending


def _damaged(ledger: Ledger, error: BaseException) -> DataError:
    return DataError(
        [
            Problem(
                ledger.file,
                f"It is not a readable workbook ({type(error).__name__}: {error}).",
                "Open it in a spreadsheet program and save it again as .xlsx, without a password.",
            )
        ]
    )
