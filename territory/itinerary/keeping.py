"""A call plan kept in its folder, so that the next one can stay near to it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd

from territory.callplan import CallPlan, EarlierCalls
from territory.errors import DataError, NotFoundError, Problem

PLAN_FILE, STOPS_FILE = "calls.json", "stops.csv"


def plan_text(calls: CallPlan) -> str:
    """What `read_calls` needs of a plan: every customer planned for, with its days. The same plan, the same text."""
    days = calls.visits.groupby("customer_id")["day"].apply(sorted)
    told = {
        "start": calls.start.isoformat(),
        "weeks": calls.weeks,
        "seed": calls.seed,
        "travel": calls.travel,
        "days_by_customer": {name: days.get(name, []) for name in sorted(calls.customers)},
    }
    return json.dumps(told, ensure_ascii=False) + "\n"


def read_calls(folder: str | Path) -> EarlierCalls:
    """The call plan in a folder that ``territory calls`` wrote, as `plan_calls` takes it for ``previous``.

    Raises
    ------
    NotFoundError
        There is no such plan.
    DataError
        It cannot be read.
    """
    path = Path(folder) / PLAN_FILE
    fix = "Give the folder that territory calls has written, as territory-calls."
    if not path.is_file():
        raise NotFoundError([Problem(str(path), "There is no such file.", fix)])
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        rows = [(name, date.fromisoformat(day).isoformat()) for name, days in _days(told) for day in days]
        start, weeks = date.fromisoformat(told["start"]), int(told["weeks"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError([Problem(str(path), f"It holds no call plan that can be read ({error}).", fix)]) from error
    visits = pd.DataFrame(rows, columns=["customer_id", "day"], dtype="str")
    customers = pd.Index([name for name, _ in _days(told)], dtype="str", name="customer_id")
    return EarlierCalls(start, weeks, visits, customers)


def read_stops(folder: str | Path) -> pd.DataFrame:
    """The stops in a folder that ``territory calls`` or ``territory route`` wrote, as `solve_route` takes visits.

    Returns
    -------
    DataFrame, one row a stop: ``rep_id``, ``day`` (YYYY-MM-DD), ``customer_id``, ``minutes``, ``appointment`` (HH:MM,
    NA without)

    Raises
    ------
    NotFoundError
        There is no such folder.
    DataError
        What is there is no table of stops.
    """
    path = Path(folder) / STOPS_FILE
    fix = "Give the folder that territory calls or territory route has written."
    if not path.is_file():
        zh = f"{path}：没有此文件。请给出 territory calls 或 territory route 写出的文件夹。"
        raise NotFoundError([Problem(str(path), "There is no such file.", fix, zh)])
    try:
        text = pd.read_csv(path, dtype="str", encoding="utf-8-sig")
        is_fixed = text["appointment"].str.lower().eq("true")
        told = text[["rep_id", "customer_id"]].assign(
            day=[date.fromisoformat(day).isoformat() for day in text["date"]],
            minutes=text["minutes"].astype(float),
            appointment=text["start"].str[:5].where(is_fixed),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        zh = f"{path}：其中没有可读取的站点（{error}）。请给出 territory calls 或 territory route 写出的文件夹。"
        raise DataError([Problem(str(path), f"It holds no stops that can be read ({error}).", fix, zh)]) from error
    return told


def _days(told: dict[str, dict[str, list[str]]]) -> list[tuple[str, list[str]]]:
    return list(told["days_by_customer"].items())
