"""One URL in several formats: what Accept or ``?f=`` asks for, and a table in each of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import jinja2
import numpy as np
import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.exchange.responses import PRIVATE, Json, is_fresh, not_modified
from api.exchange.speech import IN_CHINESE, Speech
from api.exchange.workbooks import geopackage, workbook
from api.language import TAGS, language_of
from api.planning.listing import Listing, fields_of
from api.problems import NotAcceptableError
from territory.files.text import escape

Format = Literal["json", "geojson", "csv", "html", "ics", "gpx", "xlsx", "gpkg", "openapi", "events", "backup"]
Offered = Sequence[Format]

MEDIA_TYPES: dict[Format, str] = {
    "json": "application/json",
    "geojson": "application/geo+json",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
    "gpx": "application/gpx+xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gpkg": "application/geopackage+sqlite3",
    "openapi": "application/vnd.oai.openapi+json;version=3.0",
    "events": "text/event-stream",
    "backup": "application/octet-stream",
}
_FILES = ("xlsx", "gpkg")
"""Formats that are taken away as files, and not looked at in a browser."""
_ALSO = {"application/vnd.geo+json": "geojson", "application/xhtml+xml": "html", "application/problem+json": "json"}
USUAL_LIMIT, MOST_ITEMS = 20, 10_000
TABLES: Offered = ("json", "csv", "html", "xlsx")
GEO: Offered = ("json", "geojson", "csv", "html", "xlsx", "gpkg")
VARY = "Accept, Accept-Language, Authorization, Cookie"


def choose_format(request: Request, offered: Offered) -> Format:
    """What the client wants of what is offered; the first without a wish.

    Raises
    ------
    NotAcceptableError
        It wants nothing of what is offered.
    """
    asked = request.query_params.get("f")
    if asked is not None:
        found = [name for name in offered if name == asked]
        if not found:
            raise NotAcceptableError(f"This is offered as {', '.join(offered)}.")
        return found[0]
    accept = request.headers.get("accept")
    if not accept or accept == "*/*":
        return offered[0]
    for kind in _by_preference(accept):
        for name in offered:
            if _covers(kind, name):
                return name
    raise NotAcceptableError(f"This is offered as {', '.join(offered)}.")


def represent(
    request: Request,
    listing: Listing,
    *,
    offered: Offered = TABLES,
    offset: int = 0,
    limit: int | None = None,
    title: str = "",
) -> Response:
    """A table in the format that is wanted, from row `offset` on.

    Without a `limit` JSON and HTML give a page of `USUAL_LIMIT` rows, the formats that programs load give all.
    """
    form = choose_format(request, offered)
    count = (USUAL_LIMIT if form in ("json", "html") else len(listing)) if limit is None else limit
    etag = f'"{listing.version}.{_spoken(request, form)}.{offset}.{count}"'
    headers = {"ETag": etag, "Cache-Control": PRIVATE, "Vary": VARY}
    if is_fresh(request, etag):
        return not_modified(etag, headers)
    page = _Page(listing, offset, count, len(listing), title, offered)
    return page.response(request, form, next_address(request, offset, count, len(listing)), headers)


def represent_items(
    request: Request, items: Sequence[Mapping[str, Any]], *, count: int, following: str | None
) -> Response:
    """A page of a list of things in the format that is wanted: in JSON as they are, else a row each.

    count : how many there are on all pages; following : the address of the next one
    """
    form, headers = choose_format(request, TABLES), {"Vary": VARY}
    if form == "json":
        return Json({"items": items, "count": count, "next": following}, headers=headers)
    names = dict.fromkeys(name for item in items for name in item)
    columns = {name: [_flat(item.get(name)) for item in items] for name in names}
    listing = Listing.plain(**columns)
    return _Page(listing, 0, len(items), count, _title(request), TABLES).response(request, form, following, headers)


def represent_thing(request: Request, content: dict[str, Any], etag: str, *, table: Listing | None = None) -> Response:
    """One thing in the format that is wanted: in JSON as it is, else as a table.

    table : what it comes to as a table, where that is more than the row that it is in a list of such things
    """
    form = choose_format(request, TABLES)
    if form == "json":
        return document(request, content, etag)
    tag = f'{etag[:-1]}.{_spoken(request, form)}"'
    headers = {"ETag": tag, "Cache-Control": PRIVATE, "Vary": VARY}
    if is_fresh(request, tag):
        return not_modified(tag, headers)
    if table is not None:
        told, title = table, _title(request)
    else:
        told = _fields(content) if form == "html" else _row(content)
        title = str(content.get("name") or request.url.path.rsplit("/", 1)[-1])
    return _Page(told, 0, len(told), len(told), title, TABLES).response(request, form, None, headers)


def represent_row(request: Request, listing: Listing) -> Response:
    """The one row of a table that has places, in the format that is wanted: in GeoJSON a feature."""
    form = choose_format(request, GEO)
    (row,) = (int(each) for each in listing.rows)
    headers = {"ETag": f'"{listing.version}.{_spoken(request, form)}.{row}"', "Cache-Control": PRIVATE, "Vary": VARY}
    if is_fresh(request, headers["ETag"]):
        return not_modified(headers["ETag"], headers)
    if form == "json":
        return Json(listing.records()[0], headers=headers)
    if form == "geojson":
        return Response(feature(listing, row), media_type=MEDIA_TYPES[form], headers=headers)
    title = str(listing.columns[listing.key][row])
    return _Page(listing, 0, 1, 1, title, GEO).response(request, form, None, headers)


def _title(request: Request) -> str:
    """What a list is called after its address."""
    return request.url.path.rsplit("/", 1)[-1].replace("-", " ").capitalize()


def _row(content: Mapping[str, Any]) -> Listing:
    return Listing.plain(**{name: [_flat(value)] for name, value in content.items()})


def _fields(content: Mapping[str, Any]) -> Listing:
    """A thing as people read one: a field below the other, those of an object in it by its name and theirs."""
    rows = {name: None if content.get(name) == {} else _flat(value) for name, value in fields_of(content).items()}
    return Listing.plain(field=rows, value=rows.values())


def _flat(value: Any) -> Any:
    """What stands in a cell for a value of JSON."""
    return orjson.dumps(value, default=str).decode() if isinstance(value, Mapping | list | tuple) else value


@dataclass(frozen=True)
class _Page:
    """`size` rows of a table from `start` on, on their way out; `count` is how many it has on all pages."""

    listing: Listing
    start: int
    size: int
    count: int
    title: str
    offered: Offered

    def response(self, request: Request, form: Format, following: str | None, headers: dict[str, str]) -> Response:
        """The rows in a format."""
        name = request.url.path.rsplit("/", 1)[-1]
        rows = self.listing.rows[self.start : self.start + self.size]
        if following:
            headers["Link"] = f'<{following}>; rel="next"'
        if form in _FILES:
            headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
        write: dict[Format, Callable[[], bytes]] = {
            "json": lambda: orjson.dumps({"items": self.records(), "count": self.count, "next": following}),
            "geojson": lambda: geojson(self.listing, rows, _links(following)),
            "csv": lambda: _csv(self.listing, rows),
            "html": lambda: _html(request, self, following),
            "xlsx": lambda: workbook(self.listing, rows, self.title),
            "gpkg": lambda: geopackage(self.listing, rows, name),
        }
        return Response(write[form](), media_type=MEDIA_TYPES[form], headers=headers)

    def records(self) -> list[dict[str, Any]]:
        """The rows as objects."""
        return self.listing.records(self.start, self.size)


def geojson(listing: Listing, rows: Any, extras: dict[str, Any]) -> bytes:
    """A FeatureCollection (RFC 7946): the shapes are text already, so nothing goes through Python's own objects."""
    chosen = np.asarray(rows, dtype=np.int64)
    shapes = listing.shapes(chosen) if listing.shapes is not None else np.full(len(chosen), None)
    features = [_feature(listing, row, shape) for row, shape in zip(chosen.tolist(), shapes, strict=True)]
    head = {"type": "FeatureCollection", "numberMatched": len(listing), "numberReturned": len(chosen)}
    return orjson.dumps({**head, **extras})[:-1] + b',"features":[' + b",".join(features) + b"]}"


def feature(listing: Listing, row: int) -> bytes:
    """One row as a Feature."""
    shape = None if listing.shapes is None else listing.shapes(np.array([row]))[0]
    return _feature(listing, row, shape)


def _feature(listing: Listing, row: int, shape: str | None) -> bytes:
    return b'{"type":"Feature","id":%b,"properties":%b,"geometry":%b}' % (
        orjson.dumps(listing.columns[listing.key][row]),
        orjson.dumps({name: values[row] for name, values in listing.columns.items()}),
        b"null" if shape is None else shape.encode(),
    )


def _links(following: str | None) -> dict[str, Any]:
    return {"links": [{"rel": "next", "href": following, "type": MEDIA_TYPES["geojson"]}]} if following else {}


def _csv(listing: Listing, rows: Any) -> bytes:
    """CSV for spreadsheets: what one of them would run as a formula is text."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([escape(name) for name in listing.columns])
    columns = list(listing.columns.values())
    writer.writerows([_cell(values[row]) for values in columns] for row in rows)
    return stream.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return escape(value)
    return repr(value) if isinstance(value, int | float) else escape(orjson.dumps(value).decode())


def _spoken(request: Request, form: Format) -> str:
    """The format, and the language where it has one."""
    return f"{form}-{language_of(request)}" if form == "html" else form


def _html(request: Request, page: _Page, following: str | None) -> bytes:
    language = language_of(request)
    text = _template("table.html").render(
        tag=TAGS[language],
        speech=Speech(language),
        title=page.title or request.url.path,
        columns=[name for name in page.listing.columns if not name.endswith(IN_CHINESE)],
        records=page.records(),
        count=page.count,
        following=following,
        others=[(name, f"?{urlencode({'f': name})}") for name in page.offered if name != "html"],
        nonce=request.state.nonce,
    )
    return text.encode("utf-8", "replace")


@cache
def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(name)


def next_address(request: Request, offset: int, count: int, total: int) -> str | None:
    if count == 0 or offset + count >= total:
        return None
    query = {**request.query_params, "offset": str(offset + count), "limit": str(count)}
    return f"{request.url.path}?{urlencode(query)}"


def _by_preference(accept: str) -> list[str]:
    """Media ranges, the most wanted first; those with weight 0 left out (RFC 9110, 12.5.1)."""
    wanted = []
    for number, part in enumerate(accept.split(",")[:50]):
        kind, *parameters = (each.strip().lower() for each in part.split(";"))
        weight = next((_weight(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
        if weight > 0:
            wanted.append((-weight, kind.count("*"), number, kind))
    return [kind for *_, kind in sorted(wanted)]


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def _covers(kind: str, name: Format) -> bool:
    own = MEDIA_TYPES[name].partition(";")[0]
    return kind in ("*/*", own, own.partition("/")[0] + "/*") or _ALSO.get(kind) == name


def document(request: Request, content: dict[str, Any], etag: str, status: int = 200, **headers: str) -> Response:
    """One thing as JSON, with its version."""
    every = {"ETag": etag, "Cache-Control": PRIVATE, "Vary": VARY, **headers}
    if status == 200 and request.method == "GET" and is_fresh(request, etag):
        return not_modified(etag, every)
    return Json(content, status_code=status, headers=every)
