"""From text to numbers, days, times and booleans, the way people write them; what cannot be read is told."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_POINT_STYLE = re.compile(r"[+-]?(\d*|\d{1,3}(,\d{3})+)(\.\d*)?([eE][+-]?\d+)?")
_COMMA_STYLE = re.compile(r"[+-]?(\d*|\d{1,3}(\.\d{3})+)(,\d*)?([eE][+-]?\d+)?")
_AROUND_NUMBERS = str.maketrans({"¥": "", "$": "", "€": "", "£": "", "元": "", "'": "", "’": "", "−": "-", " ": ""})
_BOOLEANS = {
    **dict.fromkeys(("yes", "y", "true", "t", "1", "是", "x", "✓"), True),
    **dict.fromkeys(("no", "n", "false", "f", "0", "否"), False),
}
_DATE = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:[ T]\d{1,2}:\d{2}.*)?")
_TIME = re.compile(r"(\d{1,2})[:：](\d{2})(?::\d{2})?")


def numbers(cells: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of cells.

    Parameters
    ----------
    cells : (n,) text, null where blank

    Returns
    -------
    values : (n,) float, NaN where blank or not a number
    is_wrong : (n,) bool, there is something, but not a finite number
    """
    import pyarrow.compute as pc

    is_plain = pc.match_substring_regex(cells, _PLAIN)
    values = np.array(pc.if_else(is_plain, cells, None).cast("float64").to_numpy())
    is_given = np.asarray(pc.is_valid(cells))
    rest = np.flatnonzero(is_given & np.isnan(values))
    values[rest] = [_number(text) for text in cells.take(rest).to_pylist()]
    values[~np.isfinite(values)] = np.nan
    return values + 0.0, is_given & np.isnan(values)


def writes_decimal_commas(columns: Sequence[pa.ChunkedArray]) -> bool:
    """Whether number columns of one file write 1.234,5 for 1234.5: some cell must mean it, and none contradict it."""
    import pyarrow.compute as pc

    if not any(pc.any(pc.match_substring(cells, ",")).as_py() for cells in columns):
        return False
    marked = (cells.filter(pc.match_substring_regex(cells, "[,.]")) for cells in columns)
    texts = [_bare(text) for cells in marked for text in cells.to_pylist()]
    return all(_COMMA_STYLE.fullmatch(text) for text in texts) and not all(
        _POINT_STYLE.fullmatch(text) for text in texts
    )


def with_decimal_points(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """1.234,5 as 1234.5."""
    import pyarrow.compute as pc

    return pc.replace_substring(pc.replace_substring(cells, ".", ""), ",", ".")


def booleans(texts: pd.Series) -> tuple[pd.Series, pd.Series]:
    """(n,) bool, False where blank, and (n,) bool where a text is neither yes nor no."""
    read = _by_distinct(texts, lambda text: _BOOLEANS.get(unicodedata.normalize("NFKC", text).casefold()))
    return read.eq(True).astype(bool), texts.notna() & read.isna()


def dates(texts: pd.Series) -> tuple[pd.Series, pd.Series]:
    """(n,) text YYYY-MM-DD, and (n,) bool where a text is no day written year first."""
    return _text_read(texts, _date)


def times(texts: pd.Series) -> tuple[pd.Series, pd.Series]:
    """(n,) text HH:MM, and (n,) bool where a text is no time of day."""
    return _text_read(texts, _time)


def _text_read(texts: pd.Series, read: Callable[[str], str | None]) -> tuple[pd.Series, pd.Series]:
    values = _by_distinct(texts, read)
    return values.astype("str"), texts.notna() & values.isna()


def _by_distinct(texts: pd.Series, read: Callable[[str], object]) -> pd.Series:
    meaning = {text: read(text) for text in texts.dropna().unique()}
    return pd.Series([meaning.get(text) for text in texts], index=texts.index, dtype=object)


def _bare(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_AROUND_NUMBERS).replace("\t", "")


def _number(text: str) -> float:
    bare = _bare(text)
    if _GROUPED.fullmatch(bare):
        bare = bare.replace(",", "")
    return float(bare) if _NUMBER.fullmatch(bare) and bare.isascii() else np.nan


def _date(text: str) -> str | None:
    found = _DATE.fullmatch(unicodedata.normalize("NFKC", text))
    if not found:
        return None
    year, *rest = found.groups()
    month, day = [part for part in rest if part]
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _time(text: str) -> str | None:
    found = _TIME.fullmatch(unicodedata.normalize("NFKC", text))
    if not found:
        return None
    hour, minute = map(int, found.groups())
    is_time = (hour < 24 and minute < 60) or (hour, minute) == (24, 0)
    return f"{hour:02d}:{minute:02d}" if is_time else None
