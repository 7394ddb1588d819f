"""Scripts and styles, under an address that changes with what is in them: browsers keep them for good."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

import orjson
from fastapi import APIRouter, Response

from api.exchange import ExchangeRoute
from api.exchange.route import OPEN
from api.language import LANGUAGES
from api.pages.words import words
from api.problems import UnknownError
from territory.maps.page import drawing_modules, leaflet_files

static_routes = APIRouter(route_class=ExchangeRoute, include_in_schema=False)
_TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
_FOR_GOOD = "public, max-age=31536000, immutable"
WORKER = "offline.js"


@static_routes.get("/static/{asked}/{name}", openapi_extra=OPEN)
def static(asked: str, name: str) -> Response:
    """A script or a style."""
    if name not in files():
        raise UnknownError("There is no such file.")
    headers = {"Cache-Control": _FOR_GOOD if asked == version() else "no-cache"}
    return Response(files()[name], media_type=_TYPES[name.rpartition(".")[2]], headers=headers)


@static_routes.get(f"/{WORKER}", openapi_extra=OPEN)
def worker() -> Response:
    """The service worker; it lies at the root because it may only serve what lies below it."""
    # A policy of its own, or what the worker fetches would be refused by that of a file.
    policy = "default-src 'none'; connect-src 'self'"
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": policy}
    return Response(files()[WORKER], media_type=_TYPES["js"], headers=headers)


@static_routes.get("/manifest.webmanifest", openapi_extra=OPEN)
def manifest() -> Response:
    """What a phone needs to put the rep's page on its home screen."""
    return Response(files()["manifest.json"], media_type="application/manifest+json")


@cache
def files() -> dict[str, bytes]:
    """name -> content"""
    folder = resources.files("api.pages").joinpath("static")
    own = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}
    foreign = {**leaflet_files(), **drawing_modules()}
    spoken = {f"words.{language}.js": b"export default " + orjson.dumps(words(language)) for language in LANGUAGES}
    return own | spoken | {name: text.encode() for name, text in foreign.items()}


@cache
def version() -> str:
    """A name for what is in all files together."""
    digest = hashlib.sha256()
    for name, content in sorted(files().items()):
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()[:12]
