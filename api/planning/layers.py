"""What was published last, and the days planned for it, as rows that other programs read: see `api.store.views`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

import territory
from api.content import Fetch, decode_portfolio
from api.jobs import enqueue
from api.jobs.child import Context, Write
from api.planning import ways
from api.planning.callbooks import decode_calls
from api.planning.listing import Listing
from api.planning.portfolios import ground, placed
from api.store import Feature, Job, Store, StoredCalls, StoredPortfolio, alone
from api.store.views import VIEWS
from territory.model import Portfolio

KIND = "layers"
"""The kind of job that makes the rows."""
_AT_ONCE = 1000
_MOST_PLANS = 20
_OF_A_VISIT = ("rep_id", "day", "stop", "customer_id", "drive_minutes", "drive_km")


def refresh(session: Session, portfolio_id: str, user_id: str, request_id: str) -> None:
    """Have the rows of a portfolio made anew, once what this transaction writes holds. On SQLite nobody reads them."""
    if session.get_bind().dialect.name == "postgresql":
        enqueue(
            session,
            KIND,
            {"portfolio_id": portfolio_id},
            resource=f"/v1/portfolios/{portfolio_id}",
            user_id=user_id,
            portfolio_id=portfolio_id,
            request_id=request_id,
        )


def catch_up(store: Store) -> None:
    """Ask for the rows of portfolios that have none: they were published before there were any."""
    if store.is_sqlite:
        return
    asked = sa.select(Job.portfolio_id).where(Job.kind == KIND, Job.portfolio_id.is_not(None))
    shown = sa.select(Feature.portfolio_id)
    with store.writing() as session:
        alone(session, KIND)
        without = sa.select(StoredPortfolio.id).where(
            StoredPortfolio.snapshot.is_not(None), StoredPortfolio.id.not_in(asked), StoredPortfolio.id.not_in(shown)
        )
        for portfolio_id in session.scalars(without).all():
            refresh(session, portfolio_id, "", "")


def write_layers(context: Context, *, portfolio_id: str) -> Write:
    """Put what holds now in the place of the rows that there are."""
    with context.store.reading() as session:
        stored = session.get(StoredPortfolio, portfolio_id)
    portfolio = None
    if stored is not None and stored.snapshot is not None:
        portfolio = decode_portfolio(stored.snapshot, context.store.fetch)
        with context.store.reading() as session:
            planned = _planned(session, portfolio_id, context.store.fetch)
    layers = {} if portfolio is None else _layers(portfolio, planned)

    def write(session: Session) -> None:
        now_stored = session.get(StoredPortfolio, portfolio_id, with_for_update=True)
        if stored is None or now_stored is None or now_stored.number != stored.number:
            # Whoever has published since has asked for a job of his own.
            return
        session.execute(sa.delete(Feature).where(Feature.portfolio_id == portfolio_id))
        for layer, listing in layers.items():
            rows = _rows(portfolio_id, layer, listing)
            while some := list(islice(rows, _AT_ONCE)):
                session.execute(sa.insert(Feature), some)

    return write


def _planned(session: Session, portfolio_id: str, fetch: Fetch) -> pd.DataFrame:
    """Planned visits, each rep and day by the latest plan: ``rep_id``, ``day``, ``stop`` and ``customer_id`` ..."""
    ready = (StoredCalls.portfolio_id == portfolio_id, StoredCalls.content.is_not(None))
    tables, newer = [pd.DataFrame(columns=list(_OF_A_VISIT))], list[StoredCalls]()
    for calls in session.scalars(
        sa.select(StoredCalls).where(*ready).order_by(StoredCalls.id.desc()).limit(_MOST_PLANS)
    ):
        visits = decode_calls(str(calls.content), fetch).visits
        for other in newer:
            is_known = visits["rep_id"].isin(other.rep_ids) & visits["day"].between(other.start, other.finish, "left")
            visits = visits[~is_known]
        tables.append(visits[list(_OF_A_VISIT)])
        newer.append(calls)
    return pd.concat([table for table in tables if len(table)] or tables)


def _layers(portfolio: Portfolio, planned: pd.DataFrame) -> Mapping[str, Listing]:
    measured = territory.measure(portfolio)
    customers, reps = placed(portfolio.customers.drop(columns="locked"), ""), placed(portfolio.reps, "")
    return {
        "territories": Listing.of(measured, "", ground(portfolio, portfolio.alignment, measured.index)),
        "customers": customers,
        "reps": reps,
        "routes": ways.routes(planned, ways.places(customers), ways.places(reps)),
    }


def _rows(portfolio_id: str, layer: str, listing: Listing) -> Iterator[dict[str, Any]]:
    key = VIEWS[layer][0]
    shapes: Any = listing.shapes(np.arange(len(listing))) if listing.shapes is not None and len(listing) else []
    for properties, shape in zip(listing.records(), shapes, strict=True):
        own = properties.pop(key)
        # A name with a zero in it, or half a character, is none for PostgreSQL.
        plain = {name: _storable(value) if isinstance(value, str) else value for name, value in properties.items()}
        has_place = shape is not None and "NaN" not in shape and "nan" not in shape
        yield {
            "portfolio_id": portfolio_id,
            "layer": layer,
            "key": own,
            "properties": plain,
            "shape": shape if has_place else None,
        }


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
