"""What routes have in common: ids in paths, pages of lists, and the errors that each of them may answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request

from api.auth import ADMIN, EVERYONE, MANAGER, PLANNERS
from api.exchange import ExchangeRoute, Json, needs
from api.exchange.formats import MOST_ITEMS, USUAL_LIMIT
from api.exchange.responses import NO_STORE
from api.planning.desk import Desk
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


def whole(items: Sequence[Any]) -> Json:
    """The answer that is a list without further pages."""
    return Json({"items": items, "count": len(items), "next": None})


def secret_document(content: dict[str, Any], location: str) -> Json:
    """What was made, with its secret, which is shown this once."""
    return Json(content, status_code=201, headers={"Location": location, "Cache-Control": NO_STORE})


def next_page(request: Request, last: str | None) -> str | None:
    """The address of the page that begins after `last`."""
    if last is None:
        return None
    return f"{request.url.path}?{urlencode({**request.query_params, 'after': last})}"
