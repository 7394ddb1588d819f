"""One URL in several formats: what Accept or ``?f=`` asks for, and a table in each of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
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
from api.exchange.workbooks import geopackage, workbook
from api.planning.listing import Listing
from api.problems import NotAcceptableError
from territory.files.text import escape

Format = Literal["json", "geojson", "csv", "html", "ics", "gpx", "xlsx", "gpkg"]
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
}
_FILES = ("xlsx", "gpkg")
"""Formats that are taken away as files, and not looked at in a browser."""
_ALSO = {"application/vnd.geo+json": "geojson", "application/xhtml+xml": "html", "application/problem+json": "json"}
USUAL_LIMIT, MOST_ITEMS = 20, 10_000


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
    offered: Offered = ("json", "csv", "html", "xlsx"),
    offset: int = 0,
    limit: int | None = None,
    title: str = "",
) -> Response:
    """A table in the format that is wanted, from row `offset` on.

    Without a `limit` JSON and HTML give a page of `USUAL_LIMIT` rows, the formats that programs load give all.
    """
    form = choose_format(request, offered)
    count = (USUAL_LIMIT if form in ("json", "html") else len(listing)) if limit is None else limit
    etag = f'"{listing.version}.{form}.{offset}.{count}"'
    headers = {"ETag": etag, "Cache-Control": PRIVATE, "Vary": "Accept, Authorization, Cookie"}
    if is_fresh(request, etag):
        return not_modified(etag, headers)
    following = next_address(request, offset, count, len(listing))
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    rows = listing.rows[offset : offset + count]
    name = request.url.path.rsplit("/", 1)[-1]
    if form in _FILES:
        headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    write: dict[Format, Callable[[], bytes]] = {
        "json": lambda: orjson.dumps(
            {"items": listing.records(offset, count), "count": len(listing), "next": following}
        ),
        "geojson": lambda: geojson(listing, rows, _links(following)),
        "csv": lambda: _csv(listing, rows),
        "html": lambda: _html(request, listing.records(offset, count), listing, title, following, offered),
        "xlsx": lambda: workbook(listing, rows, title),
        "gpkg": lambda: geopackage(listing, rows, name),
    }
    return Response(write[form](), media_type=MEDIA_TYPES[form], headers=headers)


def geojson(listing: Listing, rows: Any, extras: dict[str, Any]) -> bytes:
    """A FeatureCollection (RFC 7946): the shapes are text already, so nothing goes through Python's own objects."""
    chosen = np.asarray(rows, dtype=np.int64)
    shapes = listing.shapes(chosen) if listing.shapes is not None else np.full(len(chosen), None)
    keys, columns = listing.columns[listing.key], listing.columns
    features = [
        b'{"type":"Feature","id":%b,"properties":%b,"geometry":%b}'
        % (
            orjson.dumps(keys[row]),
            orjson.dumps({name: values[row] for name, values in columns.items()}),
            b"null" if shape is None else shape.encode(),
        )
        for row, shape in zip(chosen.tolist(), shapes, strict=True)
    ]
    head = {"type": "FeatureCollection", "numberMatched": len(listing), "numberReturned": len(chosen)}
    return orjson.dumps({**head, **extras})[:-1] + b',"features":[' + b",".join(features) + b"]}"


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


def _html(
    request: Request,
    records: list[dict[str, Any]],
    listing: Listing,
    title: str,
    following: str | None,
    offered: Offered,
) -> bytes:
    page = _template("table.html").render(
        title=title or request.url.path,
        columns=list(listing.columns),
        records=records,
        count=len(listing),
        following=following,
        others=[(name, f"?{urlencode({'f': name})}") for name in offered if name != "html"],
        nonce=request.state.nonce,
    )
    return page.encode("utf-8", "replace")


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
    every = {"ETag": etag, "Cache-Control": PRIVATE, "Vary": "Accept, Authorization, Cookie", **headers}
    if status == 200 and request.method == "GET" and is_fresh(request, etag):
        return not_modified(etag, every)
    return Json(content, status_code=status, headers=every)
