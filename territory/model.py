"""The words and tables that every part shares: columns, rules, portfolio, proposal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from territory.errors import NotFoundError, Problem

if TYPE_CHECKING:
    import geopandas as gpd

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


def _frozen(values: Mapping[str, float]) -> Mapping[str, float]:
    return MappingProxyType(dict(values))


@dataclass(frozen=True)
class Rules:
    """How what is missing is derived, and what counts as fair.

    Shares, tolerances and factors are ratios; speeds are km/h; times are minutes.
    """

    visits_per_year: Mapping[str, float] = field(default_factory=lambda: _frozen({"A": 26, "B": 12, "C": 6, "D": 3}))
    minutes_per_visit: Mapping[str, float] = field(
        default_factory=lambda: _frozen({"A": 45, "B": 35, "C": 25, "D": 20})
    )
    tier_shares: Mapping[str, float] = field(
        default_factory=lambda: _frozen({"A": 0.10, "B": 0.20, "C": 0.30, "D": 0.40})
    )
    """Without a tier: the share of customers in each, from the largest potential down."""
    potential_by_tier: Mapping[str, float] = field(default_factory=lambda: _frozen({}))
    potential_per_revenue: float = 1.0
    tolerance: Mapping[str, float] = field(default_factory=lambda: _frozen({"potential": 0.05, "workload": 0.05}))
    weeks_per_year: float = 46
    hours_per_week: float = 40
    speed_kmh: float = 50
    detour_factor: float = 1.3
    """Road distance over straight-line distance."""
    stop_factor: float = 0.7124
    """Beta of Beardwood, Halton and Hammersley (1959): tour length over sqrt(area x stops)."""
    density_neighbours: int = 8
    travel_factor: float = 1.0
    """Routed travel over estimated travel; 1 until real routes calibrate it."""


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
        if rep_id not in self.reps.index:
            raise NotFoundError(
                [Problem("rep", f"'{rep_id}' is not a rep.", f"There are {', '.join(self.reps.index)}.")]
            )
        return replace(self, reps=self.reps.drop(index=rep_id))


@dataclass(frozen=True, eq=False)
class Proposal:
    """A realignment on offer: who moves, and what each territory gains or loses.

    ``moves`` has columns customer_id, from, to, reason, price, runner_up. ``before`` and ``after`` are
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
        return replace(self.portfolio, customers=customers)


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
