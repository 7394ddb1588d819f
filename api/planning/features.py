"""Portfolios as OGC API Features sees them: each a data set of four collections, with bbox and paging."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from api.planning import ways
from api.planning.calls import visits_in_force
from api.planning.desk import Desk
from api.planning.listing import Listing
from api.planning.portfolios import customers, opened, reps, territories
from api.problems import InvalidError, UnknownError
from territory.errors import Problem


@dataclass(frozen=True)
class Collection:
    """What a collection is called, and where its rows come from."""

    name: str
    title: str
    rows: Callable[[Desk, str], Listing]


def routes(desk: Desk, portfolio_id: str) -> Listing:
    """The days that are planned, as they hold now; a rep sees his own."""
    stored, _ = opened(desk, portfolio_id)
    planned = visits_in_force(desk, stored, desk.who.rep_id if desk.who.is_rep else None, None, None)
    seen, homes = customers(desk, portfolio_id), reps(desk, portfolio_id)
    told = f"{seen.version} {homes.version} {sorted(set(planned['call_plan_id']))} {len(planned)}"
    version = sha256(told.encode()).hexdigest()[:24]
    listing: Listing = desk.shelf.derived(
        f"ways:{version}", lambda: ways.routes(planned, ways.places(seen), ways.places(homes), version)
    )
    return listing


COLLECTIONS = (
    Collection("territories", "Territories, with what each holds", territories),
    Collection("customers", "Customers", customers),
    Collection("reps", "Homes of reps", reps),
    Collection("routes", "Planned days of reps, as lines", routes),
)


def collection(name: str) -> Collection:
    """A collection by name."""
    for each in COLLECTIONS:
        if each.name == name:
            return each
    raise UnknownError(f"There are {', '.join(each.name for each in COLLECTIONS)}.")


def extent(desk: Desk, portfolio_id: str) -> list[float] | None:
    """West, south, east, north of what this user may see."""
    listing = customers(desk, portfolio_id)
    if not len(listing):
        return None
    rows = np.asarray(listing.rows)
    lon, lat = (np.array(listing.columns[name], float)[rows] for name in ("lon", "lat"))
    return [float(value) for value in (lon.min(), lat.min(), lon.max(), lat.max())]


def within(desk: Desk, portfolio_id: str, name: str, bbox: Sequence[float] | None) -> Listing:
    """The rows of a collection whose shape touches the box, in degrees; one across the antimeridian has west > east."""
    listing = collection(name).rows(desk, portfolio_id)
    if bbox is None:
        return listing
    bounds: np.ndarray = desk.shelf.derived(f"bounds:{name}:{listing.version}", lambda: _bounds(listing))
    west, south, east, north = bbox
    x_min, y_min, x_max, y_max = bounds.T
    # Comparing with NaN gives False: what has no place is in no box.
    touches = (y_min <= north) & (y_max >= south)
    if west <= east:
        touches &= (x_min <= east) & (x_max >= west)
    else:
        touches &= (x_max >= west) | (x_min <= east)
    return listing.only(touches, f".{','.join(map(repr, bbox))}")


def read_bbox(text: str | None) -> list[float] | None:
    """Four or six numbers with commas; of six, the heights are not looked at."""
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 6:
        numbers = [numbers[index] for index in (0, 1, 3, 4)]
    if len(numbers) != 4 or not np.isfinite(numbers).all() or numbers[1] > numbers[3]:
        raise InvalidError(
            "The bbox cannot be read.",
            problems=[Problem("bbox", f"'{text[:60]}' is no box.", "Give west,south,east,north in degrees.")],
        )
    return numbers


def one(desk: Desk, portfolio_id: str, name: str, key: str) -> tuple[Listing, int]:
    """A row of a collection by its key: the listing, and which row of its columns."""
    listing = collection(name).rows(desk, portfolio_id)
    keys = listing.columns[listing.key]
    for row in listing.rows:
        if str(keys[row]) == key:
            return listing, int(row)
    raise UnknownError("There is no such feature.")


def _bounds(listing: Listing) -> Any:
    """(n, 4) degrees of all rows of the columns, NaN where a row has no shape."""
    import shapely

    count = len(listing.columns[listing.key])
    if listing.shapes is None:
        return np.full((count, 4), np.nan)
    return shapely.bounds(shapely.from_geojson(listing.shapes(np.arange(count)), on_invalid="ignore"))
