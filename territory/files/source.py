"""A file as columns of text, whatever its format: what every reader of a format hands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from territory.errors import DataError, Problem
from territory.files.faults import Ledger

if TYPE_CHECKING:
    import pyarrow as pa

MAX_FILE_BYTES = 200_000_000
MAX_ROWS = 2_000_000
MAX_COLUMNS = 500
MAX_CELL_CHARACTERS = 10_000

_BLOCK_ROWS = 20_000


@dataclass
class Source:
    """The contents of a file.

    `columns` are (n,) text, trimmed, null where a cell is blank; `rows` the (n,) numbers by which a reader finds
    them. A file with geometry gives `lonlat`, (n, 2) degrees, NaN where it has none, and why in `misplaced`. These are
    WGS-84 when `names_crs`; else the file does not say what they are in. Of a file with areas `outlines`, (n,) polygons
    or None, are in the same.
    """

    headers: list[str]
    columns: list[pa.ChunkedArray]
    rows: np.ndarray
    lonlat: np.ndarray | None = None
    misplaced: np.ndarray | None = None
    outlines: np.ndarray | None = None
    names_crs: bool = False


def limit_exceeded(file: str, what: str, fix: str) -> DataError:
    """The error for a file beyond a limit."""
    return DataError([Problem(file, what, fix)])


def checked_headers(cells: Sequence[str], ledger: Ledger) -> list[str]:
    """The header row without blank columns at its end; DataError when there are too many columns."""
    headers = [cell.strip().lstrip("\ufeff") for cell in cells]
    while headers and not headers[-1]:
        headers.pop()
    if len(headers) > MAX_COLUMNS:
        raise limit_exceeded(
            ledger.file,
            f"It has {len(headers):,} columns; at most {MAX_COLUMNS} are read.",
            "Keep the columns that are needed; `territory columns` lists them.",
        )
    return headers


class RowsOfText:
    """Gathers rows of cells into columns, a block at a time, so that memory stays near the size of the text."""

    def __init__(self, headers: list[str], ledger: Ledger, most_rows: int, fix_too_many: str) -> None:
        self._headers = headers
        self._ledger = ledger
        self._most_rows = most_rows
        self._fix_too_many = fix_too_many
        self._block: list[Sequence[str]] = []
        self._block_rows: list[int] = []
        self._chunks: list[list[pa.Array]] = [[] for _ in headers]
        self._rows: list[np.ndarray] = []
        self._count = 0

    def add(self, row: int, cells: Sequence[str]) -> None:
        """Add the cells of a row; a blank row is left out, a short one filled up."""
        width = len(self._headers)
        if len(cells) != width:
            beyond = [cell for cell in cells[width:] if cell.strip()]
            if beyond:
                self._ledger.fault(
                    f"It has {len(cells)} cells, the header {width}; '{_short(beyond[0])}' has no header.",
                    "Give every column a header; put a text that holds the delimiter in double quotes.",
                    row=row,
                )
            cells = [*cells[:width], *[""] * (width - len(cells))]
        if not any(map(str.strip, cells)):
            return
        self._count += 1
        if self._count > self._most_rows:
            raise limit_exceeded(
                self._ledger.file, f"It has more than {self._most_rows:,} rows with content.", self._fix_too_many
            )
        self._block.append(cells)
        self._block_rows.append(row)
        if len(self._block) == _BLOCK_ROWS:
            self._flush()

    def source(self) -> Source:
        """Everything added."""
        import pyarrow as pa

        self._flush()
        rows = np.concatenate(self._rows) if self._rows else np.empty(0, np.int64)
        return Source(self._headers, [pa.chunked_array(chunks, pa.string()) for chunks in self._chunks], rows)

    def _flush(self) -> None:
        import pyarrow as pa

        rows = np.array(self._block_rows, np.int64)
        for header, chunks, cells in zip(self._headers, self._chunks, zip(*self._block, strict=True), strict=False):
            chunks.append(trimmed(pa.array(cells, pa.string()), header, rows, self._ledger))
        self._rows.append(rows)
        self._block, self._block_rows = [], []


def trimmed(cells: pa.Array, header: str, rows: np.ndarray, ledger: Ledger) -> pa.Array:
    """Text without spaces around it, blank as null; cells that are too long become faults and null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = pc.utf8_trim_whitespace(cells)
    length = pc.fill_null(pc.utf8_length(cells), 0)
    too_long = np.asarray(pc.greater(length, MAX_CELL_CHARACTERS))
    if too_long.any():
        ledger.faults_at(
            rows[too_long],
            [
                f"The cell has {n:,} characters; at most {MAX_CELL_CHARACTERS:,} are read."
                for n in length.filter(too_long).to_pylist()
            ],
            "Shorten it. In a CSV, look for an opening quote that is never closed.",
            columns=[header],
        )
    return pc.if_else(pa.array(too_long | np.asarray(pc.equal(length, 0))), None, cells)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
