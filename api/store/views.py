"""Views with geometry for programs that read the database itself, QGIS and BI tools, where PostGIS is installed."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

log = logging.getLogger(__name__)

SCHEMA = "gis"
_NUMBER, _TEXT = "double precision", "text"
VIEWS: dict[str, tuple[str, str, dict[str, str]]] = {
    "territories": (
        "territory",
        "MultiPolygon",
        {"rep_id": _TEXT, "potential": _NUMBER, "workload_minutes": _NUMBER, "customers": "bigint"},
    ),
    "customers": (
        "customer_id",
        "Point",
        {
            "name": _TEXT,
            "territory": _TEXT,
            "potential": _NUMBER,
            "revenue": _NUMBER,
            "tier": _TEXT,
            "segment": _TEXT,
            "status": _TEXT,
            "visits_per_year": _NUMBER,
            "minutes_per_visit": _NUMBER,
        },
    ),
    "reps": ("rep_id", "Point", {"name": _TEXT, "territory": _TEXT, "share": _NUMBER}),
    "routes": (
        "route",
        "LineString",
        {"rep_id": _TEXT, "day": "date", "visits": "bigint", "drive_minutes": _NUMBER, "drive_km": _NUMBER},
    ),
}
"""view -> what its key is called, its geometry, and the properties that are columns of their own."""


def offer_views(connection: sa.Connection) -> None:
    """Make the views, or bring them up to date; whoever was granted them keeps them.

    Without PostGIS, or without the right to make a schema, there are none: the service itself needs them for nothing.
    """
    where = connection.scalar(
        sa.text(
            "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
            " WHERE e.extname = 'postgis'"
        )
    )
    if where is None:
        return
    quoted = connection.dialect.identifier_preparer.quote
    try:
        with connection.begin_nested():
            connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            for name in VIEWS:
                connection.execute(sa.text(_definition(name, quoted(where))))
    except ProgrammingError as error:
        log.warning("there are no views with geometry: %s", error.orig)


def drop_views(connection: sa.Connection) -> None:
    """Remove the views, which would stand in the way of changing what they show."""
    for name in VIEWS:
        connection.execute(sa.text(f"DROP VIEW IF EXISTS {SCHEMA}.{name}"))


def _definition(name: str, postgis: str) -> str:
    key, kind, properties = VIEWS[name]
    columns = "".join(f", (f.properties ->> '{each}')::{kind_} AS {each}" for each, kind_ in properties.items())
    shape = f"{postgis}.ST_SetSRID({postgis}.ST_GeomFromGeoJSON(f.shape), 4326)"
    shape = f"{postgis}.ST_Multi({shape})" if kind.startswith("Multi") else shape
    return f"""
        CREATE OR REPLACE VIEW {SCHEMA}.{name} AS
        SELECT f.portfolio_id || '/' || f.key AS id, f.portfolio_id, p.name AS portfolio, p.region,
            a.number AS alignment, a.effective_from::date AS effective_from, f.key AS {key}{columns}, f.properties,
            ({shape})::{postgis}.geometry({kind}, 4326) AS geometry
        FROM features f
        JOIN portfolios p ON p.id = f.portfolio_id
        LEFT JOIN alignments a ON a.portfolio_id = p.id AND a.number = p.number
        WHERE f.layer = '{name}'
    """
