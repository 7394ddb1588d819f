"""Portfolios: bringing them in, looking at them, and what may be changed in them without a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import sqlalchemy as sa

import territory
from api.content import Parts, encode_portfolio
from api.planning.desk import Desk, check_revision, etag
from api.planning.listing import DEGREE_DECIMALS, Listing, fields_of, point_shapes, polygon_shapes
from api.planning.sentences import alert_zh
from api.problems import ConflictError, ForbiddenError, UnavailableError, UnknownError
from api.store import Alignment, Job, StoredPortfolio, advance, keep_blobs, new_id, now
from territory.errors import Problem
from territory.geo import unproject
from territory.model import Portfolio, TravelMode
from territory.rules import derive_values

READING, READY = "reading", "ready"
_CHUNK_BYTES = 4 * 1024 * 1024
_MOST_VERSIONS_LOOKED_AT = 50
_MOST_CLASSES = 100
"""Tiers and segments that are offered to choose from."""


def upload(
    desk: Desk,
    *,
    name: str,
    region: str,
    files: Mapping[str, tuple[str, BinaryIO]],
    crs: str,
    columns: Mapping[str, str],
    given: Mapping[str, Any] | None = None,
) -> StoredPortfolio:
    """Take files in; a job reads them.

    Parameters
    ----------
    files : "customers", and if there are any "reps", "rules" -> (file name, stream)
    crs, columns : as for `territory.read_portfolio`
    given : what its facts say from the beginning

    Raises
    ------
    ForbiddenError
        The region is not this user's.
    """
    if not desk.who.sees_all_regions and region not in desk.who.regions:
        raise ForbiddenError(f"You may bring in portfolios of {', '.join(desk.who.regions) or 'no region'}.")
    session = desk.write()
    stored = StoredPortfolio(
        id=new_id("portfolio"),
        name=name,
        region=region,
        number=0,
        revision=1,
        facts=dict(given or {}),
        rep_ids=[],
        created_by=desk.who.user_id,
        created_at=now(),
    )
    session.add(stored)
    session.flush()
    kept = {kind: {"name": name, "parts": _keep(desk, stream)} for kind, (name, stream) in files.items()}
    arguments = {"portfolio_id": stored.id, "files": kept, "crs": crs, "columns": dict(columns)}
    job = desk.start("read", arguments, resource=f"/v1/portfolios/{stored.id}", portfolio_id=stored.id)
    stored.job_id = job.id
    desk.record("portfolio.uploaded", stored.id, stored.id, name=name, region=region)
    return stored


def listed(desk: Desk, after: str | None, limit: int) -> tuple[list[StoredPortfolio], int, str | None]:
    """Portfolios that this user may see, the latest first: a page, how many there are, and where the next begins."""
    everything = desk.read().scalars(
        sa.select(StoredPortfolio).where(desk.visible()).order_by(StoredPortfolio.id.desc())
    )
    seen = [stored for stored in everything if desk.who.sees(stored)]
    rest = [stored for stored in seen if after is None or stored.id < after]
    return rest[:limit], len(seen), rest[limit - 1].id if len(rest) > limit else None


def status(desk: Desk, stored: StoredPortfolio) -> tuple[str, Job | None]:
    """``reading``, ``ready``, ``failed`` or ``cancelled``; and the job that reads it, until it is ready."""
    if stored.snapshot is not None:
        return READY, None
    job = desk.read().get(Job, stored.job_id) if stored.job_id else None
    is_over = job is not None and job.status in ("failed", "cancelled")
    return (job.status if job is not None and is_over else READING), job


def opened(desk: Desk, portfolio_id: str) -> tuple[StoredPortfolio, Portfolio]:
    """A portfolio that is ready, and what is in it; ConflictError while it is read."""
    stored = desk.portfolio(portfolio_id)
    if stored.snapshot is None:
        raise ConflictError("The portfolio has not been read yet; see its status.")
    return stored, desk.content(stored.snapshot)


def change(
    desk: Desk,
    stored: StoredPortfolio,
    revision: int | None,
    current: Callable[[], Any],
    **values: Any,
) -> StoredPortfolio:
    """Change a portfolio's own fields, when it still is what was read."""
    found = check_revision(revision, stored.revision, current, etag(stored, READY))
    if not advance(desk.write(), StoredPortfolio, stored.id, found, **values):
        raise UnavailableError("Somebody changed it at the same moment.", headers={"Retry-After": "1"})
    return desk.write().get_one(StoredPortfolio, stored.id, populate_existing=True)


def remove(desk: Desk, stored: StoredPortfolio) -> None:
    """Remove a portfolio with everything that belongs to it."""
    session = desk.write()
    session.execute(sa.delete(StoredPortfolio).where(StoredPortfolio.id == stored.id))
    desk.record("portfolio.removed", stored.id, stored.id, name=stored.name)


def locked(portfolio: Portfolio) -> dict[str, str | None]:
    """Customer -> the territory that it is locked to."""
    owner = portfolio.alignment[portfolio.customers["locked"]]
    return {name: None if pd.isna(where) else where for name, where in owner.items()}


def lock(
    desk: Desk, portfolio_id: str, revision: int | None, *, add: Iterable[str], lift: Iterable[str]
) -> StoredPortfolio:
    """Lock customers to their territory of today, and lift locks.

    Raises
    ------
    territory.NotFoundError
        One of them is no customer that has a place.
    """
    stored, portfolio = opened(desk, portfolio_id)
    adding, lifting = list(add), set(lift)
    known = portfolio.customers.index
    unknown = [name for name in [*adding, *lifting] if name not in known]
    if unknown:
        raise territory.NotFoundError(
            [Problem("customer", f"'{name}' is not a customer that has a place.", "") for name in unknown]
        )
    now_locked = (set(known[portfolio.customers["locked"]]) - lifting) | set(adding)
    customers = portfolio.customers.assign(locked=known.isin(list(now_locked)))
    parts = Parts({})
    snapshot = encode_portfolio(replace(portfolio, customers=customers), parts)
    changed = change(desk, stored, revision, lambda: locked(portfolio), snapshot=snapshot)
    keep_blobs(desk.write(), parts.by_name)
    desk.record("locks.changed", stored.id, stored.id, locked=adding, lifted=sorted(lifting))
    return changed


# ---- what is in it


def own_territories(desk: Desk, portfolio: Portfolio) -> set[str]:
    """The territories of the rep who asks."""
    reps = portfolio.reps
    if desk.who.rep_id not in reps.index:
        return set()
    name = reps.loc[desk.who.rep_id, "territory"]
    return set() if pd.isna(name) else {str(name)}


def in_force(desk: Desk, stored: StoredPortfolio) -> Alignment | None:
    """The alignment that holds today: the latest whose date has come."""
    return (
        desk.read()
        .scalars(
            sa.select(Alignment)
            .where(Alignment.portfolio_id == stored.id, Alignment.effective_from <= date.today().isoformat())
            .order_by(Alignment.number.desc())
            .limit(1)
        )
        .first()
    )


def customers(desk: Desk, portfolio_id: str) -> Listing:
    """The customers; a rep's are those of the territory of today and of the one that is published for later."""
    stored, portfolio = opened(desk, portfolio_id)
    listing: Listing = desk.shelf.derived(f"customers:{stored.snapshot}", lambda: _customers(stored, portfolio))
    if not desk.who.is_rep:
        return listing
    own = own_territories(desk, portfolio)
    mine = portfolio.alignment.isin(list(own)).to_numpy()
    today = in_force(desk, stored)
    if today is not None and today.snapshot != stored.snapshot:
        owner = desk.content(today.snapshot).alignment.reindex(portfolio.customers.index)
        mine = mine | owner.isin(list(own)).to_numpy()
    return listing.only(mine, f".{desk.who.rep_id}.{today.number if today else 0}")


def are_customers_at_hand(desk: Desk, portfolio_id: str) -> bool:
    """Whether `customers` would answer from memory, in less time than it takes to hand the question to a thread."""
    if not desk.work.store.is_sqlite or desk.who.is_rep:
        return False
    return desk.shelf.has_derived(f"customers:{desk.portfolio(portfolio_id).snapshot}")


def reps(desk: Desk, portfolio_id: str) -> Listing:
    """The reps; a rep sees himself."""
    stored, portfolio = opened(desk, portfolio_id)
    listing: Listing = desk.shelf.derived(f"reps:{stored.snapshot}", lambda: _reps(stored, portfolio))
    if not desk.who.is_rep:
        return listing
    return listing.only((portfolio.reps.index == desk.who.rep_id), f".{desk.who.rep_id}")


def territories(desk: Desk, portfolio_id: str, travel: TravelMode = "line") -> Listing:
    """What each territory holds; a rep sees his own."""
    stored, _ = opened(desk, portfolio_id)
    portfolio = desk.content_on(str(stored.snapshot), travel)
    listing = territories_of(desk, str(stored.snapshot), portfolio, travel)
    if not desk.who.is_rep:
        return listing
    own = own_territories(desk, portfolio)
    mine = np.array([name in own for name in listing.columns["territory"]], bool)
    return listing.only(mine, f".{desk.who.rep_id}")


def territories_of(desk: Desk, snapshot: str, portfolio: Portfolio, travel: TravelMode) -> Listing:
    """What each territory of a snapshot holds, with its ground."""

    def make() -> Listing:
        measured = territory.measure(portfolio, travel=travel)
        return Listing.of(measured, f"{snapshot[:16]}.{travel}", ground(portfolio, portfolio.alignment, measured.index))

    listing: Listing = desk.shelf.derived(f"territories:{travel}:{snapshot}", make)
    return listing


def ground(portfolio: Portfolio, alignment: pd.Series, names: Iterable[str]) -> Any:
    """Shapes of the territories' ground, in the order of `names`."""
    from territory.boundaries import territory_polygons

    grounds = territory_polygons(portfolio.xy, alignment.reindex(portfolio.customers.index))
    return polygon_shapes([grounds.get(name) for name in names], portfolio.customers.crs)


def alerts(desk: Desk, portfolio_id: str, travel: TravelMode = "line") -> Listing:
    """What is out of band, and since which alignment."""
    stored, portfolio = opened(desk, portfolio_id)
    table = _alerts(desk, str(stored.snapshot), travel)
    versions = list(
        desk.read().scalars(
            sa.select(Alignment)
            .where(Alignment.portfolio_id == stored.id)
            .order_by(Alignment.number.desc())
            .limit(_MOST_VERSIONS_LOOKED_AT)
        )
    )
    known = [(version, _said(_alerts(desk, version.snapshot, travel))) for version in versions]
    since = []
    for said in _pairs(table):
        held = None
        for version, others in known:
            if said not in others:
                break
            held = version
        since.append(None if held is None else held.effective_from)
    chinese = [alert_zh(row) for row in table.to_dict("records")]
    told = table.assign(message_zh=pd.array(chinese, dtype="str"), since=pd.array(since, dtype="str"))
    shown = told.reset_index(drop=True).rename_axis("alert")
    listing = Listing.of(shown, f"{str(stored.snapshot)[:16]}.{len(versions)}.{travel}")
    if not desk.who.is_rep:
        return listing
    own = own_territories(desk, portfolio)
    return listing.only(np.array([name in own for name in listing.columns["territory"]], bool), f".{desk.who.rep_id}")


def _alerts(desk: Desk, snapshot: str, travel: TravelMode) -> pd.DataFrame:
    portfolio = desk.content_on(snapshot, travel)
    table: pd.DataFrame = desk.shelf.derived(
        f"alerts:{travel}:{snapshot}", lambda: territory.alerts(portfolio, travel=travel)
    )
    return table


def _pairs(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table["territory"].fillna(""), table["measure"], strict=True))


def _said(table: pd.DataFrame) -> set[tuple[str, str]]:
    return set(_pairs(table))


def _customers(stored: StoredPortfolio, portfolio: Portfolio) -> Listing:
    return placed(portfolio.customers, f"{str(stored.snapshot)[:16]}.customers")


def _reps(stored: StoredPortfolio, portfolio: Portfolio) -> Listing:
    return placed(portfolio.reps, f"{str(stored.snapshot)[:16]}.reps")


def placed(located: Any, version: str) -> Listing:
    """A table with its points as lon and lat, and as shapes."""
    table = with_degrees(located)
    return Listing.of(table, version, point_shapes(table["lon"].to_numpy(), table["lat"].to_numpy()))


def with_degrees(located: Any) -> pd.DataFrame:
    """A table with its points as lon and lat, NaN where there is none."""
    has = ~(located.geometry.isna() | located.geometry.is_empty).to_numpy()
    lon, lat = np.full(len(located), np.nan), np.full(len(located), np.nan)
    if has.any():
        points = located.geometry[has]
        lon[has], lat[has] = unproject(np.column_stack([points.x, points.y]), located.crs)
    table = pd.DataFrame(located.drop(columns="geometry"))
    return table.assign(lon=np.round(lon, DEGREE_DECIMALS), lat=np.round(lat, DEGREE_DECIMALS))


def facts(portfolio: Portfolio) -> dict[str, Any]:
    """What is said of a portfolio in a list: counts, and the rules that hold."""
    values = derive_values(portfolio.customers, portfolio.rules)
    return {
        "customers": len(portfolio.customers),
        "reps": len(portfolio.reps),
        "unplaced": len(portfolio.unplaced),
        "territories": portfolio.territories,
        "bounds": _bounds(portfolio),
        "rules": rules_of(portfolio),
        "locked": int(portfolio.customers["locked"].sum()),
        "tiers": sorted(values["tier"].dropna().unique().tolist())[:_MOST_CLASSES],
        "segments": sorted(portfolio.customers["segment"].dropna().unique().tolist())[:_MOST_CLASSES],
    }


def rules_of(portfolio: Portfolio) -> dict[str, Any]:
    """The rules as JSON."""
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(portfolio.rules).items()}


def rules_table(rules: Mapping[str, Any]) -> Listing:
    """The rules as JSON, a row each; of one with several values, a row for each of them."""
    rows = fields_of(rules)
    return Listing.plain(rule=rows, value=rows.values())


def _bounds(portfolio: Portfolio) -> list[float] | None:
    """West, south, east, north in degrees."""
    if not len(portfolio.customers):
        return None
    lon, lat = unproject(portfolio.xy, portfolio.customers.crs)
    return [round(float(value), 6) for value in (lon.min(), lat.min(), lon.max(), lat.max())]


def _keep(desk: Desk, stream: BinaryIO) -> list[str]:
    """Put a file away in parts, so that it never is in memory as a whole."""
    names = []
    while content := stream.read(_CHUNK_BYTES):
        parts = Parts({})
        names.append(parts.add(content))
        keep_blobs(desk.write(), parts.by_name)
    return names


def one_customer(desk: Desk, portfolio_id: str, customer_id: str) -> Listing:
    """The row of a customer that this user may see."""
    found = customers(desk, portfolio_id).one(customer_id)
    if found is None:
        raise UnknownError("There is no such customer.")
    return found
