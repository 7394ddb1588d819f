"""Reading CSV: which encoding, which delimiter, which rows."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from territory.errors import DataError, Problem
from territory.files.faults import Ledger
from territory.files.source import (
    MAX_CELL_CHARACTERS,
    MAX_COLUMNS,
    MAX_ROWS,
    RowsOfText,
    Source,
    checked_headers,
    limit_exceeded,
)

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK_BYTES = 1 << 20
_MAX_LINE_CHARACTERS = MAX_COLUMNS * MAX_CELL_CHARACTERS
_DELIMITERS = (",", ";", "\t")
_FORMULA_STARTS = "[=+\\-@\t\r＝＋－＠]"
_RUNS = re.compile(f"'*{_FORMULA_STARTS}")
_END = "\x1c end of file \x1c"
_SAVE_AS_UTF8 = "Save the file as 'CSV UTF-8'."
_FOREIGN_BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
# In Chinese text both bytes of a character are high; in a Western encoding a lone high byte stands before a letter.
_GB_PAIR = re.compile(rb"[\x81-\xfe](?:([\x40-\x7e])|[\x80-\xfe])")


def read_csv(path: Path, ledger: Ledger) -> Source:
    """A CSV in UTF-8 (with or without BOM) or GB18030, delimited by comma, semicolon or tab.

    Raises
    ------
    DataError
        It is empty, in another encoding, not text, or beyond a limit.
    """
    with path.open(encoding=_encoding(path, ledger), newline="") as stream:
        delimiter = _delimiter(stream)
        stream.seek(0)
        try:
            return _read(stream, delimiter, ledger)
        except csv.Error as error:
            raise DataError(
                [
                    Problem(
                        ledger.file,
                        f"It cannot be taken apart into cells ({error}).",
                        "Look for an opening quote that is never closed.",
                    )
                ]
            ) from None


def escape(text: str) -> str:
    """Text that no spreadsheet program runs as a formula: with an apostrophe before = + - @ tab or CR at its start.

    Text that already looks escaped gets one more, so that `unescape` always gives the text back (OWASP, "CSV
    injection").
    """
    return f"'{text}" if _RUNS.match(text) else text


def unescape(text: str) -> str:
    """The text that was given to `escape`."""
    return text[1:] if text.startswith("'") and _RUNS.match(text) else text


def _unescaped(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    if not pc.any(pc.starts_with(cells, "'")).as_py():
        return cells
    return pc.replace_substring_regex(cells, f"^'('*{_FORMULA_STARTS})", r"\1")


def _read(stream: TextIO, delimiter: str, ledger: Ledger) -> Source:
    records = enumerate(csv.reader(chain(_lines(stream, ledger), [_END]), delimiter=delimiter), start=1)
    header = next((cells for _, cells in records if any(map(str.strip, cells))), [_END])
    if header == [_END]:
        raise DataError([Problem(ledger.file, "The file is empty.", "Give a header row, and rows below it.")])
    content = RowsOfText(
        checked_headers(header, ledger), ledger, MAX_ROWS, f"Split the file: at most {MAX_ROWS:,} rows are read."
    )
    row, cells = 1, header
    for row, cells in records:
        if cells and cells != [_END]:
            content.add(row, cells)
    # The mark at the end is swallowed by a cell whose quote is still open.
    if cells != [_END]:
        ledger.fault("A double quote is opened and never closed.", 'Close it, or write it twice: "".', row=row)
    source = content.source()
    source.headers = [unescape(header) for header in source.headers]
    source.columns = [_unescaped(column) for column in source.columns]
    return source


def _lines(stream: TextIO, ledger: Ledger) -> Iterator[str]:
    while line := stream.readline(_MAX_LINE_CHARACTERS + 1):
        if len(line) > _MAX_LINE_CHARACTERS:
            raise limit_exceeded(
                ledger.file,
                f"A line has more than {_MAX_LINE_CHARACTERS:,} characters.",
                "Check that this is a CSV with one row a line.",
            )
        yield line


def _delimiter(stream: TextIO) -> str:
    """The delimiter that cuts the first line with content into most cells."""
    line = ""
    while not line.strip():
        line = stream.readline(_MAX_LINE_CHARACTERS)
        if not line:
            return ","
    cuts = {mark: len(next(csv.reader([line], delimiter=mark), [])) for mark in _DELIMITERS}
    return max(_DELIMITERS, key=lambda mark: cuts[mark])


def _encoding(path: Path, ledger: Ledger) -> str:
    with path.open("rb") as stream:
        start = stream.read(4)
    for bom, name in _FOREIGN_BOMS.items():
        if start.startswith(bom):
            raise _wrong_encoding(ledger, f"It is written in {name}.")
    bad_line = _first_bad_line(path, "utf-8", ledger)
    if bad_line is None:
        return "utf-8-sig"
    if _first_bad_line(path, "gb18030", ledger) is None and _reads_as_chinese(path):
        ledger.note("It is written in GB18030 and was read as such.")
        return "gb18030"
    raise _wrong_encoding(ledger, "A character here is neither UTF-8 nor GB18030.", bad_line)


def _wrong_encoding(ledger: Ledger, what: str, line: int | None = None) -> DataError:
    where = ledger.file if line is None else f"{ledger.file}, line {line}"
    return DataError([Problem(where, what, _SAVE_AS_UTF8)])


def _first_bad_line(path: Path, encoding: str, ledger: Ledger) -> int | None:
    """The line of the first byte that is not in `encoding`, None when all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with path.open("rb") as stream:
        for block in chain(iter(lambda: stream.read(_BLOCK_BYTES), b""), [b""]):
            if b"\0" in block:
                raise _wrong_encoding(ledger, "It holds zero bytes: it is not text, or in UTF-16.")
            pending = decoder.getstate()[0]
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return line + (pending + block)[: error.start].count(b"\n")
            line += block.count(b"\n")
    return None


def _reads_as_chinese(path: Path) -> bool:
    """Whether bytes that pass as GB18030 are likely to be: not a Western encoding, not damaged UTF-8."""
    pairs = western = lost = kept = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            found = _GB_PAIR.findall(block)
            pairs += len(found)
            western += sum(map(bool, found))
            text = decoder.decode(block)
            replaced = text.count("\ufffd")
            lost += replaced
            kept += sum(character > "\x7f" for character in text) - replaced
    return western <= 0.4 * pairs and lost > 0.1 * (lost + kept)
