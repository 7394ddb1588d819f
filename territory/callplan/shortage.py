"""Whose hours hold all visits that are due, whose do not, and what would help."""

from __future__ import annotations

import math

import pandas as pd

from territory.languages import Said

_OF_HOURS = ("full", "hours", "drive", "rhythm")
"""Reasons that more hours would do away with."""
_NAMED = 5
_NONE = 0.05
"""Hours a week that nobody misses."""


def hours_of(measures: pd.DataFrame, dropped: pd.DataFrame, weeks: int) -> pd.DataFrame:
    """What all visits due would take beside the hours that there are, by rep.

    Parameters
    ----------
    measures, dropped : as of `CallPlan`
    weeks : of the plan

    Returns
    -------
    DataFrame, indexed like `measures`, hours a week
        ``wanted``: visits made and driving, and for each visit that found no room its minutes and the driving that one
        visit of this rep takes on average; ``available``; ``short``: how much more is wanted; ``free``: how much less.
    """
    for_hours = dropped[dropped["code"].isin(_OF_HOURS)] if "code" in dropped else dropped
    missing = for_hours.groupby("rep_id")[["visits", "minutes"]].sum().reindex(measures.index).fillna(0.0)
    drive_a_visit = (measures["drive_minutes"] / measures["visits"].where(measures["visits"] > 0)).fillna(0.0)
    wanted = measures["worked_minutes"] + missing["minutes"] + missing["visits"] * drive_a_visit
    hours = pd.DataFrame({"wanted": wanted, "available": measures["capacity_minutes"]}) / (60 * weeks)
    difference = hours["wanted"] - hours["available"]
    # Whose days are merely cut so that a last visit finds no room is not short of hours.
    return hours.assign(short=difference.clip(lower=0.0), free=(-difference).clip(lower=0.0)).round(2)


def advice_on(hours: pd.DataFrame) -> tuple[Said, ...]:
    """Who is short of hours and by how much, and what each way out would take; nothing when nobody is."""
    short = hours["short"][hours["short"] > _NONE].sort_values(ascending=False, kind="stable")
    if short.empty:
        return ()
    total, free = float(short.sum()), float(hours["free"].sum())
    ways = [_by_evening(free, total), _by_reps(hours, total - free), _by_visits(hours, short)]
    return (_who(short, len(hours)), *(way for way in ways if way is not None))


def _who(short: pd.Series, reps: int) -> Said:
    total = f"{short.sum():,.0f}" if short.sum() >= 10 else f"{short.sum():.1f}"
    told = [f"{rep} {value:.1f}" for rep, value in short.iloc[:_NAMED].items()]
    rest = len(short) - len(told)
    more = Said(f", and {rest} more" if rest else "", f"，另有 {rest} 名" if rest else "")
    count = len(short)
    return Said(
        f"{count} of {reps} reps {'wants' if count == 1 else 'want'} more hours than there are, by {total} a week: "
        f"{', '.join(told)}{more.en}.",
        f"{reps} 名代表中有 {count} 名所需工时超出现有工时，每周共缺 {total} 小时：{'、'.join(told)}{more.zh}。",
    )


def _by_evening(free: float, total: float) -> Said | None:
    if free < 1:
        return None
    others = f"{free:,.0f}"
    is_enough = free >= total
    return Said(
        f"Other reps have {others} hours a week to spare{'' if is_enough else ', which is not enough'}: "
        "territory realign evens the work.",
        f"其他代表每周有 {others} 小时空余{'' if is_enough else '，但不够'}：用 territory realign 均衡工作量。",
    )


def _by_reps(hours: pd.DataFrame, missing: float) -> Said | None:
    mean = float(hours["available"].mean())
    if missing <= 0 or mean <= 0:
        return None
    count = math.ceil(round(missing / mean, 2))
    return Said(
        f"About {count} more {'rep' if count == 1 else 'reps'} would do: territory size tells what is best.",
        f"约需增加 {count} 名代表：territory size 会给出合适的人数。",
    )


def _by_visits(hours: pd.DataFrame, short: pd.Series) -> Said:
    less = math.ceil(100 * float(short.sum() / hours.loc[short.index, "wanted"].sum()))
    return Said(
        f"Or {less} % fewer visits, or as much shorter ones, for those who are short: visits_per_year and "
        "minutes_per_visit in the rules.",
        f"或为工时不足的代表减少 {less} % 的拜访（或相应缩短时长）：见规则中的 visits_per_year 与 minutes_per_visit。",
    )
