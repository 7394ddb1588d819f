"""For those who run the service: is it alive, is it ready, what has it done."""

from __future__ import annotations

import hmac

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy.exc import SQLAlchemyError

from api.exchange import ExchangeRoute, Json
from api.exchange.route import OPEN
from api.problems import ForbiddenError, UnavailableError
from api.store import Job, Store

routes = APIRouter(route_class=ExchangeRoute, tags=["watching"])
LOOPBACK = ("127.0.0.1", "::1", "testclient")


@routes.get("/healthz", openapi_extra=OPEN)
async def health() -> Response:
    """The process lives."""
    return Json({"status": "ok"})


@routes.get("/readyz", openapi_extra=OPEN)
def ready(request: Request) -> Response:
    """The service takes requests: the database answers and nobody has asked it to stop."""
    if request.app.state.is_stopping.is_set():
        raise UnavailableError("The service is stopping.")
    try:
        with request.app.state.store.reading() as session:
            session.execute(sa.text("SELECT 1"))
    except SQLAlchemyError as error:
        raise UnavailableError("The database does not answer.") from error
    return Json({"status": "ok"})


@routes.get("/metrics", openapi_extra=OPEN, response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Measurements for Prometheus; to this machine, or with the configured token."""
    token = request.app.state.settings.metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    is_here = request.client is not None and request.client.host in LOOPBACK
    if not (hmac.compare_digest(given.encode(), token.encode()) if token else is_here):
        raise ForbiddenError("Configure TERRITORY_METRICS_TOKEN, and send it as a bearer token.")
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)


class JobCounts:
    """How many jobs there are, by status: counted when somebody asks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> list[GaugeMetricFamily]:
        """The measurement."""
        family = GaugeMetricFamily("territory_jobs", "Jobs by status.", labels=["status"])
        with self._store.reading() as session:
            for status, count in session.execute(sa.select(Job.status, sa.func.count()).group_by(Job.status)):
                family.add_metric([status], count)
        return [family]
