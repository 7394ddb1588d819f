"""The words and tables that every part shares: columns, rules, portfolio, proposal."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from territory.changes import (
    Place,
    appended,
    matching,
    multiplied,
    need_customers,
    need_rep,
    new_customers,
    new_rep_faults,
    place_of,
    share_faults,
    with_row,
)
from territory.columns import CUSTOMER_COLUMNS as CUSTOMER_COLUMNS
from territory.columns import REP_COLUMNS as REP_COLUMNS
from territory.columns import Column as Column
from territory.columns import with_columns as with_columns
from territory.errors import DataError, Problem
from territory.land import PLAIN, Land
from territory.rules import SOURCES, Rules, changed_rules, derive_values

if TYPE_CHECKING:
    import geopandas as gpd
    import shapely

    from territory.travel import TravelTimes

MEASURES = ("potential", "workload")
"""What a territory is balanced on."""

TravelMode = Literal["none", "line", "roads"]
"""What workload counts beside visits x minutes: nothing, straight-line travel, or travel by road."""


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Customers, reps and rules: everything a plan is made from. Immutable.

    Parameters
    ----------
    customers : GeoDataFrame, one row a customer that has a place, indexed by ``customer_id`` (text)
        Every column of ``CUSTOMER_COLUMNS`` but id, lon and lat (missing ones hold NA), any others of
        the source, and ``geometry``: points in metres in a local equal-area projection.
    reps : GeoDataFrame, one row a rep, indexed by ``rep_id``; may be empty
        ``geometry`` is the home in metres, None when unknown.
    unplaced : DataFrame indexed by ``customer_id`` with column ``reason``
        Customers in the source that have no usable place.
    land : Land
        Barriers between customers, given neighbours and outlines, where there are any.
    roads : TravelTimes, optional
        Where minutes by road come from (`with_roads`): a road graph, a routing server, or a table of minutes.
    """

    customers: gpd.GeoDataFrame
    reps: gpd.GeoDataFrame
    rules: Rules
    unplaced: pd.DataFrame
    land: Land = PLAIN
    roads: TravelTimes | None = None

    @property
    def alignment(self) -> pd.Series:
        """Today's alignment, ``customer_id -> territory``; NA where a customer has none."""
        return self.customers["territory"]

    @cached_property
    def territories(self) -> list[str]:
        """Every territory, named by a rep or by a customer, in natural order."""
        named = pd.concat([self.reps["territory"], self.customers["territory"]]).dropna()
        return sorted(named.unique(), key=natural_key)

    @cached_property
    def xy(self) -> np.ndarray:
        """Customers' places, (n, 2) float metres."""
        return np.column_stack([self.customers.geometry.x, self.customers.geometry.y])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over everything the plan depends on."""
        digest = hashlib.sha256(repr(self.rules).encode())
        for table in (self.customers, self.reps, self.unplaced):
            digest.update(table.to_csv().encode())
        digest.update(self.land.content)
        if self.roads is not None:
            digest.update(self.roads.fingerprint.encode())
        return digest.hexdigest()

    def shares(self, territories: list[str]) -> pd.Series:
        """The share of the whole that each territory should hold, adding to 1 (a half-time rep counts half)."""
        full_time = self.reps["share"].astype(float).fillna(1.0)
        share = full_time.groupby(self.reps["territory"]).sum().reindex(territories).fillna(1.0)
        return share / share.sum()

    def with_roads(self, roads: TravelTimes | None) -> Portfolio:
        """The portfolio with minutes by road from `roads`; ``travel="roads"`` counts them.

        `read_roads` and `open_travel` give such a source, and `read_travel_table` out of a table of minutes.
        """
        return replace(self, roads=roads)

    def without_rep(self, rep_id: str) -> Portfolio:
        """The portfolio after a rep has left; the customers keep their territory's name until realigned."""
        need_rep(self.reps, [rep_id])
        return replace(self, reps=self.reps.drop(index=rep_id))

    def with_rep(
        self,
        rep_id: str,
        *,
        at: Place,
        territory: str | None = None,
        share: float = 1.0,
        capacity_hours_per_week: float | None = None,
        name: str | None = None,
    ) -> Portfolio:
        """The portfolio with one rep more; realigned, the rep's territory grows from the home.

        Parameters
        ----------
        rep_id : text, new
        at : (longitude, latitude) in degrees, or the id of a customer nearby
        territory : one that exists is taken over or shared; by default a new one, named like the rep
        share : 1.0 is full time
        capacity_hours_per_week : the rules' by default

        Raises
        ------
        NotFoundError
            `at` is an id that no customer has.
        DataError
            The rep exists, or a value cannot be.
        """
        problems = [*share_faults(rep_id, share), *new_rep_faults(self.reps, rep_id, capacity_hours_per_week)]
        if problems:
            raise DataError(problems)
        known = {
            "territory": rep_id if territory is None else territory,
            "share": float(share),
            "name": name,
            "capacity_hours_per_week": capacity_hours_per_week,
            "geometry": self._point(at, rep_id),
        }
        row = {column: value for column, value in known.items() if value is not None}
        return replace(self, reps=with_row(self.reps, rep_id, row))

    def with_reps_moved(self, homes: Mapping[str, Place]) -> Portfolio:
        """The portfolio after reps have moved house: rep_id -> (longitude, latitude), or a customer nearby."""
        need_rep(self.reps, homes)
        places = self.reps.geometry.copy()
        for rep_id, at in homes.items():
            places[rep_id] = self._point(at, rep_id)
        return replace(self, reps=self.reps.set_geometry(places))

    def half_time(self, rep_id: str, share: float = 0.5) -> Portfolio:
        """The portfolio after a rep has gone part time, to `share` of a full rep."""
        need_rep(self.reps, [rep_id])
        problems = share_faults(rep_id, share)
        if problems:
            raise DataError(problems)
        shares = self.reps["share"].where(self.reps.index != rep_id, float(share))
        return replace(self, reps=self.reps.assign(share=shares))

    def scaled(self, column: str, factor: float, /, **where: object) -> Portfolio:
        """The portfolio with a number of its customers multiplied: ``scaled("potential", 1.15, tier="A")``.

        Nothing but that number changes: what the rules derive of `column`, tiers, visits and minutes is written down
        before, so that customers that grow keep their tier. A potential derived from revenue grows with the revenue.

        Parameters
        ----------
        column : a number column, as ``potential``, ``revenue``, ``visits_per_year``, ``minutes_per_visit``
        factor : ratio, from 0 up
        where : column -> value, or several values; without any, every customer

        Raises
        ------
        NotFoundError
            There is no such column, or no customer with such a value: it lists what exists.
        DataError
            `factor` is not a number from 0 up, or a value can neither be read nor derived.
        """
        derived = derive_values(self.customers, self.rules)
        kept = [name for name in ("tier", "visits_per_year", "minutes_per_visit") if name != column]
        written = [*kept, column] if column in SOURCES and column != "tier" else kept
        customers = self.customers.assign(**{name: derived[name] for name in written})
        values = multiplied(customers, column, factor, matching(customers, where))
        return replace(self, customers=customers.assign(**{column: values}))

    def with_rules(self, **changes: Any) -> Portfolio:
        """The portfolio under other rules, as ``with_rules(speed_kmh=35, visits_per_year={"A": 30})``.

        Of a table only the tiers or measures given change; ``tolerance=0.1`` holds for every measure. NotFoundError
        lists the rules there are; DataError tells every value that is out of range.
        """
        return replace(self, rules=changed_rules(self.rules, changes))

    def without_customers(self, ids: Iterable[str] = (), /, **where: object) -> Portfolio:
        """The portfolio without some customers: those with these ids, and those that match every column in `where`.

        Parameters
        ----------
        ids : customer ids, or one; customers without a place may be among them
        where : column -> value, or several values, as ``tier="D"``; a tier may be derived

        Raises
        ------
        NotFoundError
            An id, a column or a value does not exist.
        DataError
            Neither ids nor columns were given.
        """
        gone = {ids} if isinstance(ids, str) else set(ids)
        if not gone and not where:
            raise DataError([Problem("without_customers", "It was not said which.", "Give ids, or tier='D'.")])
        need_customers(gone, self.customers.index, self.unplaced.index)
        if where:
            tiers = derive_values(self.customers, self.rules)["tier"] if "tier" in where else self.customers["tier"]
            gone |= set(self.customers.index[matching(self.customers.assign(tier=tiers), where)])
        return replace(
            self,
            customers=self.customers[~self.customers.index.isin(gone)],
            unplaced=self.unplaced[~self.unplaced.index.isin(gone)],
        )

    def with_customers(self, customers: pd.DataFrame) -> Portfolio:
        """The portfolio with customers won; without a territory until realigned, if `customers` gives them none.

        Parameters
        ----------
        customers : DataFrame with ``lon``, ``lat`` (degrees, WGS-84), or GeoDataFrame of points; ``customer_id`` is a
            column or the index. Any other column of the portfolio's customers, in its unit; what is missing is derived.

        Raises
        ------
        DataError
            Ids that are taken, places that are missing, numbers that cannot be: every one is listed.
        """
        new = new_customers(customers, self.customers, self.unplaced.index)
        return replace(self, customers=appended(self.customers, new))

    def _point(self, at: Place, rep_id: str) -> shapely.Point:
        import shapely

        return shapely.Point(place_of(at, self.customers, f"rep '{rep_id}', home"))


@dataclass(frozen=True, eq=False)
class Basis:
    """What a plan's bound and the prices of its moves rest on; adjusting a plan by hand leaves it as it is.

    territories (K,) names; centres (K, 2) metres; load_price (K, 2), square metres that the whole of each measure would
    cost at each centre; start (n,) int, each customer's territory today, -1 for none of these; handover (n,), square
    metres x mass that leaving it costs; objective and lower_bound, square metres, of the plan as it was found: prices
    are percent of that objective.
    """

    territories: tuple[str, ...]
    centres: np.ndarray
    load_price: np.ndarray
    start: np.ndarray
    handover: np.ndarray
    objective: float
    lower_bound: float
    weights: tuple[float, ...] = ()
    """What each measure counts in a customer's mass; all alike when it is empty."""
    is_by_road: bool = False
    """Whether distances to the centres are by the portfolio's roads; as the crow flies otherwise."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """A realignment on offer: who moves, and what each territory gains or loses.

    ``moves`` has columns customer_id, from, to, reason, price, runner_up; the price is what staying would add to
    the objective at the plan's prices, in percent of it (below 0: the move costs). ``before`` and ``after`` are
    tables of ``measures.measure``; ``before`` is None when there is no alignment today. ``objective``
    is the mean over both measures of the squared distance to the territory's centre, in km2, plus the
    price of moves; no plan at these centres, each territory in one piece if it has to be, is below ``lower_bound``;
    ``gap`` is their relative distance. Where the tolerance is not met, that is proven of plans that are nowhere farther
    outside of it than this one.
    """

    portfolio: Portfolio
    alignment: pd.Series
    moves: pd.DataFrame
    before: pd.DataFrame | None
    after: pd.DataFrame
    tolerance: Mapping[str, float]
    travel: TravelMode
    seed: int
    objective: float
    lower_bound: float
    gap: float
    reasons: tuple[Problem, ...] = ()
    """Why the tolerance could not be met, and what to relax; empty when it is met."""
    trade_off: pd.DataFrame | None = None
    """What each tolerance costs at least; None when the tolerance is met. One column a measure, its tolerance, the
    narrowest first, and ``extra``: how much more than without any tolerance every plan at these centres costs in
    distance and moves, a ratio."""
    seconds: float = 0.0
    basis: Basis | None = None
    """None when the proposal was not made by the algorithm."""
    own_locks: Mapping[str, str] | None = None
    """Customer -> territory that it is locked to by hand; None when nobody has changed the portfolio's locks."""
    in_pieces: tuple[str, ...] = ()
    """Territories that may be in several pieces."""
    label: str = ""
    """What sets it apart from the other plans that it is offered with, in words."""
    proven_within: Mapping[str, float] | None = None
    """The narrower tolerance that `lower_bound` was proven for; None when it holds for `tolerance`."""

    @property
    def locks(self) -> Mapping[str, str]:
        """Customer -> the territory that it must keep."""
        if self.own_locks is not None:
            return self.own_locks
        locked = self.portfolio.alignment[self.portfolio.customers["locked"]].dropna()
        return dict(zip(locked.index, locked, strict=True))

    @property
    def max_deviation(self) -> dict[str, float]:
        """The largest deviation from its share over all territories, for each measure; a ratio."""
        return {measure: float(self.after[f"deviation_{measure}"].abs().max()) for measure in self.tolerance}

    @property
    def is_contiguous(self) -> bool:
        """Whether every territory is in one piece on the neighbour graph."""
        return bool((self.after["pieces"] <= 1).all())

    def accept(self) -> Portfolio:
        """The portfolio with this proposal as today's alignment."""
        customers = self.portfolio.customers.assign(territory=self.alignment)
        if self.own_locks is not None:
            customers = customers.assign(locked=customers.index.isin(list(self.own_locks)))
        return replace(self.portfolio, customers=customers)


def percent(ratio: float, *, signed: bool = False) -> str:
    """``+207 %``, ``+4.0 %``, ``4 %``, or ``-`` for what is not a number: as many figures as one reads."""
    if not math.isfinite(ratio):
        return "-"
    value = 100 * ratio
    text = f"{value:{'+' if signed else ''}.{0 if abs(value) >= 9.95 else 1}f}"
    # Signed ones stand below each other in tables, where the decimal keeps its place.
    return f"{text if signed else text.removesuffix('.0')} %"


def percent_up(ratio: float) -> str:
    """`percent`, rounded up to the next figure that is shown: who allows what is said finds it enough."""
    step = 100 if abs(ratio) >= 0.0995 else 1000
    return percent(math.ceil(ratio * step - 1e-9) / step)


def apart(ratio: float, limit: float) -> tuple[str, str]:
    """The ratio and its limit, above 0, in percent, with as many figures as it takes to tell them apart."""
    one, other = percent(ratio), percent(limit)
    for figures in range(1, 12):
        if one != other and float(other.removesuffix(" %")) > 0:
            break
        one, other = f"{100 * ratio:.{figures}f} %", f"{100 * limit:.{figures}f} %"
    return one, other


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key under which T2 comes before T10."""
    import re

    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", str(name)) if part]
