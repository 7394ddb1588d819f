"""The columns of customers and reps: the one name of each, what it holds, and what strangers call it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd


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
    Column(
        "open_deals",
        "number",
        "money",
        "offers that are open: dear to hand over",
        aliases=("open_offers", "pipeline", "在谈金额", "商机金额"),
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
        "preferred_weekdays",
        "text",
        "Mon-Fri",
        "days on which it likes to be visited",
        aliases=("preferred_days", "偏好拜访日"),
    ),
    Column(
        "last_visit",
        "date",
        "YYYY-MM-DD",
        "when it was last visited",
        aliases=("last_visited", "last_call", "上次拜访"),
    ),
    Column("travel_factor", "number", "ratio", "driving as routed over driving as estimated; 1 when empty"),
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
TRAVEL_COLUMNS = (
    Column(
        "from",
        "text",
        "",
        "where the way begins: a customer_id, or a rep_id for the rep's home",
        True,
        ("from_id", "origin", "origin_id", "start", "source", "起点", "起点编号", "出发地", "始点"),
    ),
    Column(
        "to",
        "text",
        "",
        "where it ends, likewise",
        True,
        ("to_id", "destination", "destination_id", "dest", "end", "target", "终点", "终点编号", "目的地"),
    ),
    Column(
        "minutes",
        "number",
        "minutes",
        "how long it takes",
        True,
        (
            "min",
            "mins",
            "travel_minutes",
            "drive_minutes",
            "duration_minutes",
            "分钟",
            "分钟数",
            "行车分钟",
            "时间分钟",
        ),
    ),
    Column(
        "km",
        "number",
        "kilometres",
        "how long it is; this or metres",
        aliases=("kilometres", "kilometers", "distance_km", "公里", "千米", "距离公里"),
    ),
    Column(
        "metres",
        "number",
        "metres",
        "how long it is",
        aliases=("meters", "distance_m", "distance_metres", "米", "距离米"),
    ),
)


def with_columns(table: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """`table` with every declared column present and of its dtype; what the table lacks is NA."""
    kinds = {"text": "str", "date": "str", "number": "float64", "boolean": "bool"}
    absent = {kind: False if kind == "bool" else np.nan for kind in kinds.values()}
    empty = {kind: pd.Series(value, table.index, dtype=kind) for kind, value in absent.items()}
    filled = {}
    for column in columns:
        if column.name in ("lon", "lat", "customer_id", "rep_id"):
            continue
        kind = kinds[column.dtype]
        if column.name not in table:
            filled[column.name] = empty[kind]
        elif table[column.name].dtype != kind:
            filled[column.name] = table[column.name].fillna(absent[kind]).astype(kind)
    return table.assign(**filled)


def numbers_of(table: pd.DataFrame, name: str) -> pd.Series | None:
    """A column of customers as numbers, NaN where a cell says none; None where it is no number column.

    A file's columns that are not ours are kept as text: such a one is of numbers when most of its cells say one.
    """
    values = table.get(name)
    if values is None or any(column.name == name and column.dtype != "number" for column in CUSTOMER_COLUMNS):
        return None
    if pd.api.types.is_any_real_numeric_dtype(values.dtype):
        return values.astype("float64")
    if values.dtype != "str":
        return None
    numbers = pd.to_numeric(values.str.strip(), errors="coerce").astype("float64").replace([np.inf, -np.inf], np.nan)
    return numbers if 2 * numbers.notna().sum() > values.notna().sum() else None


def number_columns(table: pd.DataFrame) -> list[str]:
    """The names of all columns of customers that are of numbers."""
    return [name for name in table if numbers_of(table, name) is not None]
