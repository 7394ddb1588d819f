"""Tables as files that people take away: workbooks of spreadsheets, and GeoPackages of maps."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from api.planning.listing import Listing
from territory.files.text import escape

if TYPE_CHECKING:
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

Rows = np.ndarray | range
"""Which rows of a listing's columns are meant."""

_MOST_CHARACTERS = 32_767
"""In a cell of a workbook (ECMA-376, as spreadsheet programs keep it)."""
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\']")
_WIDEST, _LOOKED_AT = 60, 200
_TAKEN = ("fid", "geom")
"""Columns that a GeoPackage has of its own."""


def workbook(listing: Listing, rows: Rows, title: str) -> bytes:
    """A workbook (XLSX) with one sheet: numbers as numbers, every text as text, whatever it begins with."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet(_NOT_IN_TITLES.sub(" ", title)[:31].strip() or "Table")
    columns = list(listing.columns.items())
    for number, (name, values) in enumerate(columns, 1):
        looked_at = (len(str(values[row])) for row in rows[:_LOOKED_AT])
        sheet.column_dimensions[get_column_letter(number)].width = min(_WIDEST, max(len(name), *looked_at, 6) + 2)
    sheet.freeze_panes = "B2"
    sheet.append([_heading(sheet, name) for name, _ in columns])
    for row in rows:
        sheet.append([_cell(sheet, values[row]) for _, values in columns])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def geopackage(listing: Listing, rows: Rows, name: str) -> bytes:
    """A GeoPackage with one layer, in degrees (WGS-84)."""
    import geopandas as gpd
    import pandas as pd
    import pyogrio
    import shapely

    chosen = np.asarray(rows, dtype=np.int64)
    texts = listing.shapes(chosen) if listing.shapes is not None else np.full(len(chosen), None, object)
    names = _own_names(list(listing.columns))
    columns = ([values[row] for row in chosen] for values in listing.columns.values())
    table = pd.DataFrame({own: _layer_column(column) for own, column in zip(names, columns, strict=True)})
    shapes = shapely.from_geojson(texts, on_invalid="ignore")
    stream = io.BytesIO()
    layer = gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:4326")
    pyogrio.write_dataframe(layer, stream, driver="GPKG", layer=name, promote_to_multi=False)
    return stream.getvalue()


def _heading(sheet: WriteOnlyWorksheet, name: str) -> Any:
    from openpyxl.styles import Font

    cell = _text(sheet, name)
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: WriteOnlyWorksheet, value: object) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else str(value)
    # What begins with = would become a formula, and what reads #N/A an error.
    is_plain = not text.startswith("#") and escape(text) == text and len(text) <= _MOST_CHARACTERS
    return text if is_plain and not _NOT_IN_XML.search(text) else _text(sheet, text)


def _text(sheet: WriteOnlyWorksheet, text: str) -> Any:
    """A cell that stays text even when somebody edits it, as one typed with an apostrophe before it."""
    from openpyxl.cell import WriteOnlyCell

    clean = _NOT_IN_XML.sub("\ufffd", text)[:_MOST_CHARACTERS]
    cell = WriteOnlyCell(sheet, clean)
    cell.data_type = "s"
    cell.quotePrefix = escape(text) != text
    return cell


def _own_names(names: list[str]) -> list[str]:
    """Column names that SQLite tells apart: it does not look at case, and GeoPackage has two of its own."""
    taken, own = set(_TAKEN), []
    for name in names:
        free = name
        while free.lower() in taken:
            free += "_"
        taken.add(free.lower())
        own.append(free)
    return own


def _layer_column(values: list[Any]) -> Any:
    import pandas as pd

    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool} and kinds:
        return pd.array(values, dtype="boolean")
    if kinds <= {int} and kinds:
        return pd.array(values, dtype="Int64")
    if kinds <= {int, float} and kinds:
        return pd.array([np.nan if value is None else float(value) for value in values], dtype="float64")
    return pd.array([None if value is None else str(value) for value in values], dtype="str")
