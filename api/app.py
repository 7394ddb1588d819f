"""The application: store, shelf and routers put together."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from api import pages
from api.auth.company import Company
from api.exchange import Frame, add_error_handlers
from api.exchange.formats import MEDIA_TYPES
from api.exchange.pace import Pace
from api.planning.desk import Shelf
from api.planning.solver import Solver
from api.routers import accounts, backups, jobs, maps, ogc, portfolios, proposals, scenarios, updates, watching
from api.routers.field import FIELD_ROUTES
from api.schemas import Refusal
from api.schemas.examples import with_examples
from api.settings import Settings
from api.store import Store

_ABOUT = """Sales territories that are fair in potential and workload, in one piece, with few moves and a proof.

Long work answers 202 with a Location whose resource has `status` and `progress`. What two people may edit has an ETag:
send it back as If-Match. A POST with an Idempotency-Key happens once, however often it is sent. Errors are
`application/problem+json` with every fault at once.
"""


# Workbooks are compressed, and a backup may be larger than anybody has time to compress while others wait.
_NOT_COMPRESSED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, MEDIA_TYPES["backup"], MEDIA_TYPES["xlsx"])


def _all_routes() -> list[BaseRoute]:
    together = APIRouter()
    # Routes are tried one after the other: those that are asked for most come first.
    for module in (portfolios, proposals, jobs, ogc, updates, scenarios, maps, accounts, backups):
        together.include_router(module.routes, prefix="/v1")
    for routes in (scenarios.challenge_routes, *FIELD_ROUTES):
        together.include_router(routes, prefix="/v1")
    for routes in (watching.routes, pages.routes, pages.company_routes, pages.static_routes):
        together.include_router(routes)
    return together.routes


# What the first request makes of them takes a fifth of a second: once for all applications of a process.
_ROUTES = _all_routes()


def create_app(settings: Settings, store: Store) -> FastAPI:
    """The service as an ASGI application, on a store whose tables are up to date.

    ``app.state.is_stopping`` is the event by which streams learn that the process is about to end.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        app.state.solver.close()
        store.close()

    app = Service(
        title="territory-planner",
        version="1",
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        routes=_ROUTES,
    )
    registry = CollectorRegistry()
    app.state.settings, app.state.store, app.state.registry = settings, store, registry
    app.state.shelf = Shelf(settings.portfolios_kept)
    app.state.solver = Solver(settings, store)
    app.state.calendar_pace, app.state.guess_pace = Pace(600, 60.0), Pace(20, 60.0)
    app.state.company_pace = Pace(600, 60.0)
    app.state.company = Company(settings) if settings.has_company else None
    app.state.is_stopping = threading.Event()
    registry.register(watching.JobCounts(store))
    add_error_handlers(app)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=5, exclude_content_types=_NOT_COMPRESSED)
    return app


class Service(FastAPI):
    """FastAPI with our frame outside of everything, so that an answer to a fault has its headers too."""

    def build_middleware_stack(self) -> ASGIApp:
        """The layers around the routes."""
        return Frame(super().build_middleware_stack(), self.state.settings, self.state.registry)

    def openapi(self) -> dict[str, Any]:
        """OpenAPI with the ways to sign in, the shape of errors and examples; who may what, each route says itself."""
        if self.openapi_schema is None:
            self.openapi_schema = _described(super().openapi())
        return self.openapi_schema


def _described(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "territory_session"},
    }
    refusal = Refusal.model_json_schema(ref_template="#/components/schemas/{model}")
    components.setdefault("schemas", {}).update({**refusal.pop("$defs", {}), "Refusal": refusal})
    document["security"] = [{"token": []}, {"session": []}]
    return with_examples(document)
