"""OGC API Features, part 1 (OGC 17-069r4): QGIS and GDAL open a portfolio from its URL with a token."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response

from api.exchange import Json, is_fresh, not_modified
from api.exchange.formats import MEDIA_TYPES, MOST_ITEMS, choose_format, feature, geojson, next_address
from api.exchange.responses import PRIVATE
from api.planning import features
from api.planning.features import COLLECTIONS, Collection
from api.routers.parts import AnyUser, Offset, RowId, router
from api.routers.parts import Form as Format
from api.schemas import Key

routes = router("ogc")
USUAL_ITEMS = 1000
_CONFORMANCE = [
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{part}" for part in ("core", "geojson", "oas30")
]
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS)]
Bbox = Annotated[str | None, Query(max_length=200, description="west,south,east,north in degrees")]


@routes.get("/ogc/{portfolio_id}", response_model=dict[str, Any])
def landing(request: Request, portfolio_id: RowId, desk: AnyUser, f: Format = None) -> Response:
    """What there is, and where it is described."""
    choose_format(request, ("json",))
    stored = desk.portfolio(portfolio_id)
    base = _base(request, portfolio_id)
    links = [
        _link(base, "self", "application/json"),
        _link(f"{base}/api", "service-desc", MEDIA_TYPES["openapi"]),
        _link(f"{base}/conformance", "conformance", "application/json"),
        _link(f"{base}/collections", "data", "application/json"),
    ]
    return Json({"title": stored.name, "description": "Territories, customers, reps and routes.", "links": links})


@routes.get("/ogc/{portfolio_id}/conformance", response_model=dict[str, Any])
def conformance(request: Request, portfolio_id: RowId, desk: AnyUser, f: Format = None) -> Response:
    """Which parts of the standard are kept."""
    choose_format(request, ("json",))
    desk.portfolio(portfolio_id)
    return Json({"conformsTo": _CONFORMANCE})


@routes.get("/ogc/{portfolio_id}/api", response_model=dict[str, Any])
def api(request: Request, portfolio_id: RowId, desk: AnyUser, f: Format = None) -> Response:
    """The description that GDAL and QGIS read the largest page from."""
    form = choose_format(request, ("openapi", "json"))
    desk.portfolio(portfolio_id)
    document = _description(_base(request, portfolio_id))
    return Json(document, headers={"Content-Type": MEDIA_TYPES[form]})


@routes.get("/ogc/{portfolio_id}/collections", response_model=dict[str, Any])
def collections(request: Request, portfolio_id: RowId, desk: AnyUser, f: Format = None) -> Response:
    """The collections."""
    choose_format(request, ("json",))
    base = _base(request, portfolio_id)
    box = features.extent(desk, portfolio_id)
    shown = [_shown(base, each, box) for each in COLLECTIONS]
    return Json({"collections": shown, "links": [_link(f"{base}/collections", "self", "application/json")]})


@routes.get("/ogc/{portfolio_id}/collections/{collection}", response_model=dict[str, Any])
def one_collection(request: Request, portfolio_id: RowId, collection: Key, desk: AnyUser, f: Format = None) -> Response:
    """One collection."""
    choose_format(request, ("json",))
    box = features.extent(desk, portfolio_id)
    return Json(_shown(_base(request, portfolio_id), features.collection(collection), box))


@routes.get("/ogc/{portfolio_id}/collections/{collection}/items", response_model=dict[str, Any])
def items(
    request: Request,
    portfolio_id: RowId,
    collection: Key,
    desk: AnyUser,
    bbox: Bbox = None,
    limit: Limit = USUAL_ITEMS,
    offset: Offset = 0,
    f: Format = None,
) -> Response:
    """The features that touch a box, page by page."""
    form = choose_format(request, ("geojson", "json"))
    listing = features.within(desk, portfolio_id, collection, features.read_bbox(bbox))
    etag = f'"{listing.version}.{form}.{offset}.{limit}"'
    if is_fresh(request, etag):
        return not_modified(etag)
    own = _link(str(request.url), "self", "application/geo+json")
    links = [own]
    following = next_address(request, offset, limit, len(listing))
    if following:
        links.append(_link(_origin(request) + following, "next", "application/geo+json"))
    body = geojson(listing, listing.rows[offset : offset + limit], {"links": links})
    headers = {"ETag": etag, "Cache-Control": PRIVATE, "Vary": "Accept, Authorization, Cookie"}
    return Response(body, media_type=MEDIA_TYPES[form], headers=headers)


@routes.get("/ogc/{portfolio_id}/collections/{collection}/items/{feature_id:path}", response_model=dict[str, Any])
def item(
    request: Request, portfolio_id: RowId, collection: Key, feature_id: Key, desk: AnyUser, f: Format = None
) -> Response:
    """One feature."""
    form = choose_format(request, ("geojson", "json"))
    found = feature(*features.one(desk, portfolio_id, collection, feature_id))
    links = [
        _link(str(request.url), "self", MEDIA_TYPES["geojson"]),
        _link(f"{_base(request, portfolio_id)}/collections/{collection}", "collection", "application/json"),
    ]
    whole = found[:-1] + b',"links":' + orjson.dumps(links) + b"}"
    return Response(whole, media_type=MEDIA_TYPES[form], headers={"Cache-Control": PRIVATE})


def _shown(base: str, collection: Collection, box: list[float] | None) -> dict[str, Any]:
    address = f"{base}/collections/{collection.name}"
    return {
        "id": collection.name,
        "title": collection.title,
        "itemType": "feature",
        "crs": [_CRS84],
        "extent": {"spatial": {"bbox": [box], "crs": _CRS84}} if box else {},
        "links": [
            _link(address, "self", "application/json"),
            _link(f"{address}/items", "items", "application/geo+json"),
        ],
    }


def _description(base: str) -> dict[str, Any]:
    limit = {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": USUAL_ITEMS},
    }
    box = {
        "name": "bbox",
        "in": "query",
        "style": "form",
        "explode": False,
        "schema": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6},
    }
    paths = {
        f"/collections/{each.name}/items": {
            "get": {
                "summary": each.title,
                "parameters": [{"$ref": "#/components/parameters/limit"}, {"$ref": "#/components/parameters/bbox"}],
                "responses": {"200": {"description": "A page of features."}},
            }
        }
        for each in COLLECTIONS
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": "territory-planner", "version": "1"},
        "servers": [{"url": base}],
        "paths": paths,
        "components": {"parameters": {"limit": limit, "bbox": box}},
    }


def _link(address: str, relation: str, kind: str) -> dict[str, str]:
    return {"href": address, "rel": relation, "type": kind}


def _origin(request: Request) -> str:
    public: str = request.app.state.settings.public_url
    return public.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"


def _base(request: Request, portfolio_id: str) -> str:
    return f"{_origin(request)}/v1/ogc/{portfolio_id}"
