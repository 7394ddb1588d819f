"""What routes have in common: ids in paths, pages of lists, and the errors that each of them may answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.auth import ADMIN, EVERYONE, MANAGER, PLANNERS
from api.exchange import ExchangeRoute, Json, needs
from api.exchange.formats import MEDIA_TYPES, MOST_ITEMS, USUAL_LIMIT, represent_items, represent_thing
from api.exchange.responses import NO_STORE
from api.planning.desk import Desk
from api.planning.listing import Listing
from api.schemas import LARGEST_SEED, Key, Refusal

RowId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_]{1,64}$", examples=["portfolio_01h2xcejqtf2nbrexx3vqjhp41"])]
CustomerId = Annotated[Key, Path(examples=["0099"])]
After = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9_]{1,64}$", description="The id with which the last page ended.")
]
PageSize = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=LARGEST_SEED, description="Rows to leave out at the beginning.")]
Limit = Annotated[int | None, Query(ge=1, le=MOST_ITEMS, description="At most so many rows.")]
Form = Annotated[
    str | None, Query(alias="f", max_length=20, description="json, geojson, csv, html, xlsx, gpkg; goes before Accept.")
]
USUAL_PAGE = USUAL_LIMIT

AnyUser = Annotated[Desk, needs(EVERYONE)]
Planner = Annotated[Desk, needs(PLANNERS)]
Manager = Annotated[Desk, needs({MANAGER, ADMIN})]
Admin = Annotated[Desk, needs({ADMIN})]

_SAID = {
    400: "It cannot be read.",
    401: "Nobody is signed in.",
    403: "The role does not include this.",
    404: "There is no such thing, for this user.",
    406: "There is no such format of this.",
    409: "It does not fit the state that things are in.",
    412: "Somebody has changed it since it was read; the body shows both versions.",
    422: "A value cannot be as it is; every fault is listed.",
    428: "If-Match is missing.",
}


def router(tag: str) -> APIRouter:
    """A router whose routes are units of work and answer errors in one shape."""
    responses: dict[int | str, dict[str, Any]] = {
        status: {
            "description": said,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
        }
        for status, said in _SAID.items()
    }
    return APIRouter(route_class=ExchangeRoute, tags=[tag], responses=responses)


REFUSAL = Refusal
"""Named in `app`, so that OpenAPI has its schema."""


@dataclass(frozen=True)
class _Lists:
    """Lists of things on their way to who has asked for them, in the format that is asked for."""

    request: Request
    f: Form = None

    def whole(self, items: Sequence[Any]) -> Response:
        """A list without further pages."""
        return self.page(items, len(items), None)

    def page(self, items: Sequence[Any], count: int, last: str | None) -> Response:
        """A page of a list with `count` things; `last` is the id after which the next page begins."""
        return represent_items(self.request, items, count=count, following=_next_page(self.request, last))


@dataclass(frozen=True)
class _Things:
    """One thing on its way to who has asked for it, in the format that is asked for."""

    request: Request
    f: Form = None

    def show(self, content: dict[str, Any], etag: str, table: Listing | None = None) -> Response:
        """The thing with its version; `table` is what it comes to as a table, where that is more than a row."""
        return represent_thing(self.request, content, etag, table=table)


Lists = Annotated[_Lists, Depends()]
Things = Annotated[_Things, Depends()]
_AS_TABLES: dict[str, Any] = {
    **{kind: {"schema": {"type": "string"}} for kind in ("text/csv", "text/html")},
    MEDIA_TYPES["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
}
LISTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page of the list; in CSV, HTML and XLSX a row each.", "content": _AS_TABLES}
}
"""What OpenAPI says of a list beside its JSON."""
SHOWN: dict[int | str, dict[str, Any]] = {
    200: {"description": "It; in CSV and XLSX as a row, in HTML field by field.", "content": _AS_TABLES},
    304: {"description": "The version in If-None-Match still holds."},
}
"""What OpenAPI says of a single thing beside its JSON."""
SHOWN_PLACED: dict[int | str, dict[str, Any]] = {
    **SHOWN,
    200: {
        "description": "It; in GeoJSON as a feature, in CSV, HTML, XLSX and GeoPackage as a row.",
        "content": {
            **_AS_TABLES,
            MEDIA_TYPES["geojson"]: {"schema": {"type": "object"}},
            MEDIA_TYPES["gpkg"]: {"schema": {"type": "string", "format": "binary"}},
        },
    },
}
"""The same of a thing that has a place."""


def secret_document(content: dict[str, Any], location: str) -> Json:
    """What was made, with its secret, which is shown this once."""
    return Json(content, status_code=201, headers={"Location": location, "Cache-Control": NO_STORE})


def _next_page(request: Request, last: str | None) -> str | None:
    if last is None:
        return None
    return f"{request.url.path}?{urlencode({**request.query_params, 'after': last})}"
