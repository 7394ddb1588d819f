"""Tables as files that people take away: workbooks of spreadsheets, and GeoPackages of maps."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape as xml_escape

import numpy as np

from api.planning.listing import Listing
from api.problems import NotAcceptableError
from territory.files.text import escape

Rows = np.ndarray | range
"""Which rows of a listing's columns are meant."""

_MOST_ROWS = 1_048_575
"""In a sheet, below its header; and characters in a cell (ECMA-376, as spreadsheet programs keep it)."""
_MOST_CHARACTERS = 32_767
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\']")
_WIDEST, _LOOKED_AT, _AT_ONCE = 60, 200, 1000
_TAKEN = ("fid", "geom")
"""Columns that a GeoPackage has of its own."""
_PLAIN, _HEADING, _QUOTED = 0, 1, 2
"""Styles: a quoted text stays text even when somebody edits it, as one typed with an apostrophe before it."""
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FRAME = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf fontId="1" applyFont="1"/>'
    '<xf quotePrefix="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


def workbook(listing: Listing, rows: Rows, title: str) -> bytes:
    """A workbook (XLSX) with one sheet: numbers as numbers, every text as text, whatever it begins with.

    The sheet's XML is written here: a library that can write all there is in a workbook takes ten times as long, and
    meanwhile nobody else is served. The same table gives the same bytes.

    Raises
    ------
    NotAcceptableError
        There are more rows than a sheet holds.
    """
    if len(rows) > _MOST_ROWS:
        raise NotAcceptableError(f"A sheet holds {_MOST_ROWS:,} rows; ask for csv, or for a part by limit and offset.")
    name = _xml_text(_NOT_IN_TITLES.sub(" ", title)[:31].strip() or "Table").replace('"', "&quot;")
    sheets = f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="{name}" sheetId="1" r:id="r1"/>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as box:
        for path, text in {**_FRAME, "xl/workbook.xml": f"{sheets}</sheets></workbook>"}.items():
            box.writestr(_entry(path), _XML + text)
        with box.open(_entry("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as sheet:
            for part in _sheet(listing, rows):
                sheet.write(part.encode())
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


def _entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _sheet(listing: Listing, rows: Rows) -> Iterator[str]:
    """The XML of a sheet, some rows at a time."""
    columns = list(listing.columns.values())
    letters = [_letters(number) for number in range(len(columns))]
    yield (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane xSplit="1" ySplit="1" topLeftCell="B2" activePane="bottomRight" state="frozen"/>'
        "</sheetView></sheetViews><cols>"
    )
    for number, (name, values) in enumerate(listing.columns.items(), 1):
        longest = max(len(name), 6, *(len(str(values[row])) for row in rows[:_LOOKED_AT]))
        yield f'<col min="{number}" max="{number}" width="{min(_WIDEST, longest + 2)}" customWidth="1"/>'
    head = "".join(_text_cell(f"{at}1", name, _HEADING) for at, name in zip(letters, listing.columns, strict=True))
    yield f'</cols><sheetData><row r="1">{head}</row>'
    for start in range(0, len(rows), _AT_ONCE):
        lines = enumerate(rows[start : start + _AT_ONCE], start + 2)
        yield "".join(_row(line, letters, [values[row] for values in columns]) for line, row in lines)
    yield "</sheetData></worksheet>"


def _row(line: int, letters: list[str], values: list[Any]) -> str:
    cells = [_cell(f"{at}{line}", value) for at, value in zip(letters, values, strict=True)]
    return f'<row r="{line}">{"".join(cells)}</row>'


def _cell(at: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{at}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{at}"><v>{value!r}</v></c>'
    text = value if isinstance(value, str) else str(value)
    return _text_cell(at, text, _PLAIN if escape(text) == text else _QUOTED)


def _text_cell(at: str, text: str, style: int) -> str:
    told = _xml_text(text[:_MOST_CHARACTERS])
    return f'<c r="{at}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{told}</t></is></c>'


def _xml_text(text: str) -> str:
    return xml_escape(_NOT_IN_XML.sub("\ufffd", text))


def _letters(number: int) -> str:
    """A for 0, Z for 25, AA for 26."""
    before, last = divmod(number, 26)
    return (_letters(before - 1) if before else "") + chr(65 + last)


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
