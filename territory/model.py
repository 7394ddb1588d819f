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
from territory.errors import DataError, Problem
from territory.rules import SOURCES, Rules, changed_rules, derive_values

if TYPE_CHECKING:
    import geopandas as gpd
    import shapely

MEASURES = ("potential", "workload")
"""What a territory is balanced on."""

TravelMode = Literal["none", "line", "roads"]
"""What workload counts beside visits x minutes: nothing, straight-line travel, or travel by road."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its one name, what it holds, and what strangers call it."""

    name: str
    dtype: Literal["text", "number", "boolean", "date"]
    unit: str
    meaning: str
    required: bool = False
    aliases: tuple[str, ...] = ()


CUSTOMER_COLUMNS = (
    Column(
        "customer_id",
        "text",
        "",
        "the customer's id, unique, zeros kept",
        True,
        (
            "account_id",
            "account",
            "customer",
            "id",
            "store_id",
            "outlet_id",
            "cust_id",
            "customer_no",
            "客户编号",
            "客户id",
            "客户代码",
            "客户号",
            "门店编号",
            "编号",
        ),
    ),
    Column(
        "name",
        "text",
        "",
        "what people call it",
        aliases=(
            "customer_name",
            "account_name",
            "store_name",
            "outlet_name",
            "客户名称",
            "客户名",
            "名称",
            "门店名称",
        ),
    ),
    Column("lon", "number", "degrees", "longitude", True, ("lng", "long", "longitude", "x", "经度")),
    Column("lat", "number", "degrees", "latitude", True, ("latitude", "y", "纬度")),
    Column(
        "potential",
        "number",
        "money a year",
        "what the customer could bring",
        aliases=("market_potential", "潜力", "客户潜力", "销售潜力"),
    ),
    Column(
        "revenue",
        "number",
        "money a year",
        "what the customer brings today",
        aliases=("sales", "turnover", "annual_sales", "销售额", "年销售额", "收入", "营收"),
    ),
    Column(
        "tier",
        "text",
        "",
        "the customer's class, A to D by default",
        aliases=("class", "abc", "grade", "segment_abc", "等级", "客户等级", "级别", "分级"),
    ),
    Column(
        "visits_per_year",
        "number",
        "visits a year",
        "how often it is visited",
        aliases=("visits", "frequency", "call_frequency", "calls_per_year", "年拜访次数", "拜访次数", "拜访频次"),
    ),
    Column(
        "minutes_per_visit",
        "number",
        "minutes",
        "how long a visit takes",
        aliases=("visit_minutes", "duration", "service_minutes", "每次拜访分钟", "拜访时长", "拜访分钟"),
    ),
    Column(
        "territory",
        "text",
        "",
        "whose customer it is today",
        aliases=("territory_id", "current_territory", "region", "district", "区域", "片区", "辖区", "销售区域"),
    ),
    Column(
        "relation",
        "number",
        "0 to 1",
        "what is lost if the rep changes; 0 is nothing",
        aliases=("relationship", "客情", "关系"),
    ),
    Column("locked", "boolean", "", "must keep its territory", aliases=("lock", "fixed", "锁定")),
    Column(
        "group", "text", "", "customers of one group stay together", aliases=("chain", "account_group", "集团", "分组")
    ),
    Column("skills", "text", "", "what its rep must know, separated by ;", aliases=("required_skills", "技能")),
    Column("open_from", "text", "HH:MM", "earliest visit", aliases=("opens", "开始营业")),
    Column("open_until", "text", "HH:MM", "latest visit", aliases=("closes", "结束营业")),
    Column("weekdays", "text", "Mon-Fri", "days on which it may be visited", aliases=("days", "open_days", "可拜访日")),
    Column(
        "last_visit",
        "date",
        "YYYY-MM-DD",
        "when it was last visited",
        aliases=("last_visited", "last_call", "上次拜访"),
    ),
    Column("segment", "text", "", "the planner's own grouping", aliases=("channel", "渠道", "细分")),
    Column("status", "text", "", "the source's own word on it; kept as it is", aliases=("状态",)),
)
REP_COLUMNS = (
    Column(
        "rep_id",
        "text",
        "",
        "the rep's id, unique",
        True,
        ("rep", "salesperson_id", "employee_id", "业务员编号", "代表编号", "员工编号"),
    ),
    Column(
        "name", "text", "", "what people call the rep", aliases=("rep_name", "salesperson", "姓名", "业务员", "代表")
    ),
    Column(
        "territory",
        "text",
        "",
        "the rep's territory",
        aliases=("territory_id", "region", "区域", "片区", "辖区", "销售区域"),
    ),
    Column(
        "lon", "number", "degrees", "longitude of the home", aliases=("lng", "long", "longitude", "home_lon", "经度")
    ),
    Column("lat", "number", "degrees", "latitude of the home", aliases=("latitude", "home_lat", "纬度")),
    Column(
        "capacity_hours_per_week",
        "number",
        "hours a week",
        "working time",
        aliases=("hours_per_week", "capacity", "每周工时"),
    ),
    Column("share", "number", "1 = full time", "the part of a full rep", aliases=("fte", "工作比例")),
    Column("skills", "text", "", "what the rep knows, separated by ;", aliases=("技能",)),
    Column("work_from", "text", "HH:MM", "start of the working day", aliases=("上班时间",)),
    Column("work_until", "text", "HH:MM", "end of the working day", aliases=("下班时间",)),
    Column("weekdays", "text", "Mon-Fri", "working days", aliases=("days", "工作日")),
    Column("max_drive_minutes", "number", "minutes a day", "longest driving a day", aliases=("最长驾驶分钟",)),
    Column("nights_away", "number", "nights a week", "nights away from home accepted", aliases=("外宿天数",)),
)


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
    """

    customers: gpd.GeoDataFrame
    reps: gpd.GeoDataFrame
    rules: Rules
    unplaced: pd.DataFrame

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
        return digest.hexdigest()

    def shares(self, territories: list[str]) -> pd.Series:
        """The share of the whole that each territory should hold, adding to 1 (a half-time rep counts half)."""
        full_time = self.reps.dropna(subset="territory").set_index("territory")["share"].astype(float).fillna(1.0)
        share = full_time.groupby(level=0).sum().reindex(territories).fillna(1.0)
        return share / share.sum()

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


@dataclass(frozen=True, eq=False)
class Proposal:
    """A realignment on offer: who moves, and what each territory gains or loses.

    ``moves`` has columns customer_id, from, to, reason, price, runner_up; the price is what staying would add to
    the objective at the plan's prices, in percent of it (below 0: the move costs). ``before`` and ``after`` are
    tables of ``measures.measure``; ``before`` is None when there is no alignment today. ``objective``
    is the mean over both measures of the squared distance to the territory's centre, in km2, plus the
    price of moves; no plan at these centres is below ``lower_bound``; ``gap`` is their relative distance.
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
    seconds: float = 0.0
    basis: Basis | None = None
    """None when the proposal was not made by the algorithm."""
    own_locks: Mapping[str, str] | None = None
    """Customer -> territory that it is locked to by hand; None when nobody has changed the portfolio's locks."""

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
        return {measure: float(self.after[f"deviation_{measure}"].abs().max()) for measure in MEASURES}

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


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key under which T2 comes before T10."""
    import re

    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", str(name)) if part]


def with_columns(table: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """`table` with every declared column present and of its dtype; what the table lacks is NA."""
    kinds = {"text": "str", "date": "str", "number": "float64", "boolean": "bool"}
    filled = {}
    for column in columns:
        if column.name in ("lon", "lat", "customer_id", "rep_id"):
            continue
        absent = False if column.dtype == "boolean" else np.nan
        values = table[column.name] if column.name in table else pd.Series(absent, index=table.index)
        filled[column.name] = values.fillna(absent).astype(kinds[column.dtype])
    return table.assign(**filled)
