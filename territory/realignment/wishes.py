"""What people ask of a plan beside balance, as the algorithm's limits: skills, groups, caps, moves allowed, centres."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import numpy as np
import pandas as pd

from territory.alignment import Limits
from territory.changes import Place, place_of
from territory.errors import DataError, NotFoundError, Problem
from territory.languages import Said
from territory.measures import measure
from territory.model import Portfolio, TravelMode

Part = float | Mapping[str, float]
"""A part of each territory's customers: one for all, or by territory."""

Centres = Literal["homes"] | Mapping[str, Place]
"""Centres that hold still: the reps' homes, or places by territory."""


def limits_of(
    portfolio: Portfolio,
    names: list[str],
    start: np.ndarray,
    measures: list[str],
    travel: TravelMode,
    *,
    max_moved: int | None = None,
    max_given: Part | None = None,
    max_taken: Part | None = None,
    in_pieces: Iterable[str] = (),
) -> Limits:
    """The limits for territories `names` and every customer of the portfolio.

    Parameters
    ----------
    portfolio : Portfolio
    names : K territories; start : (n,) int, the place among them of each customer's territory today, -1 for none
    measures : what is balanced, in the order of the loads
    max_moved : customers; max_given, max_taken : ratio of a territory's customers today
    in_pieces : territories that may be in several pieces

    Raises
    ------
    NotFoundError
        A territory that is named does not exist.
    """
    rules, count = portfolio.rules, len(names)
    held = np.bincount(start[start >= 0], minlength=count)
    return Limits(
        allowed=allowed_by_skills(portfolio, names),
        groups=group_codes(portfolio),
        radius=rules.max_radius_km * 1000 if rules.max_radius_km else None,
        loose=np.isin(names, known(in_pieces, names)) if in_pieces else None,
        most=_most(portfolio, names, measures, travel) if rules.max_capacity_use else None,
        least_rows=np.full(count, rules.min_customers) if rules.min_customers else None,
        most_rows=np.full(count, rules.max_customers) if rules.max_customers else None,
        most_given=None if max_given is None else _counts(max_given, names, held),
        most_taken=None if max_taken is None else _counts(max_taken, names, held),
        most_moved=max_moved,
    )


def known(asked: Iterable[str], names: list[str]) -> list[str]:
    """The territories asked for; NotFoundError when one does not exist."""
    asked = [asked] if isinstance(asked, str) else list(asked)
    unknown = [name for name in asked if name not in names]
    if unknown:
        fix = f"There are {', '.join(names)}."
        raise NotFoundError([Problem("territory", f"'{name}' is not a territory.", fix) for name in unknown])
    return asked


def allowed_by_skills(portfolio: Portfolio, names: list[str]) -> np.ndarray | None:
    """(n, K) bool, whether a rep of the territory knows all that the customer needs; None when nobody needs any."""
    needed = portfolio.customers["skills"].fillna("")
    if portfolio.reps.empty or not needed.str.strip().any():
        return None
    reps = portfolio.reps.dropna(subset="territory")
    team = [[_skills(text) for text in reps.loc[reps["territory"] == name, "skills"]] for name in names]
    codes, kinds = pd.factorize(needed)
    table = np.array([[any(_skills(kind) <= rep for rep in reps_of) for reps_of in team] for kind in kinds], bool)
    nowhere = table.sum(axis=1) == 0
    return table[codes] | nowhere[codes][:, None]


def unserved(portfolio: Portfolio) -> list[Problem]:
    """Customers who need what no rep knows."""
    needed = portfolio.customers["skills"].fillna("")
    if portfolio.reps.empty or not needed.str.strip().any():
        return []
    team = [_skills(text) for text in portfolio.reps["skills"]]
    lacking = {kind for kind in needed.unique() if not any(_skills(kind) <= rep for rep in team)}
    ids = portfolio.customers.index[needed.isin(lacking)]
    if not len(ids):
        return []
    shown, skills = _some(portfolio, np.flatnonzero(needed.isin(lacking))), "; ".join(sorted(lacking))
    what = f"no rep has all the skills that {shown.en} need{'s' if len(ids) == 1 else ''}: {skills}."
    fix = "Train a rep, or take the need away; until then any rep may have them."
    zh = f"技能：没有代表具备 {shown.zh}所需的全部技能：{skills}。请培训代表或取消该要求；在此之前，任何代表都可负责。"
    return [Problem("skills", what, fix, zh)]


def miscounted(portfolio: Portfolio, count: int) -> Iterator[Problem]:
    """Limits on customers that `count` territories cannot keep, however they are cut."""
    least, most, there = portfolio.rules.min_customers, portfolio.rules.max_customers, len(portfolio.customers)
    if least * count > there:
        what = f"{count} territories x {least:g} = {count * least:,g} customers; there are {there:,}."
        fix = f"Ask for at most {there // count}, or for fewer territories."
        zh = f"最少客户数：{count} 个区域 x {least:g} = {count * least:,g} 个客户，而现有 {there:,} 个。"
        yield Problem("min_customers", what, fix, f"{zh}请最多要求 {there // count} 个，或减少区域数量。")
    if most and most * count < there:
        what = f"{count} territories x {most:g} = {count * most:,g} customers; there are {there:,}."
        fix = f"Allow at least {-(-there // count)}, or ask for more territories."
        zh = f"最多客户数：{count} 个区域 x {most:g} = {count * most:,g} 个客户，而现有 {there:,} 个。"
        yield Problem("max_customers", what, fix, f"{zh}请至少允许 {-(-there // count)} 个，或增加区域数量。")


def broken_limits(portfolio: Portfolio, names: list[str], code: np.ndarray, centres: np.ndarray) -> Iterator[Problem]:
    """Where an alignment breaks the rules' limits, gives customers to reps who lack the skills, or tears groups apart.

    Parameters
    ----------
    portfolio : Portfolio
    names : K territories; code : (n,) int, the place among them of each customer's, -1 for none
    centres : (K, 2) metres, from which the radius is measured
    """
    rules, owned = portfolio.rules, code >= 0
    held = np.bincount(code[owned], minlength=len(names))
    for name, count in zip(names, held.tolist(), strict=True):
        if rules.max_customers and count > rules.max_customers:
            excess, most = count - int(rules.max_customers), f"{rules.max_customers:g}"
            zh = f"{name}，客户数：现有 {count} 个，最多允许 {most} 个。请至少移出 {excess} 个。"
            what = f"it has {count}; {most} is the most allowed."
            yield Problem(f"{name}, customers", what, f"Move {excess} or more out of it.", zh)
        if count < rules.min_customers:
            lacks, least = int(np.ceil(rules.min_customers)) - count, f"{rules.min_customers:g}"
            zh = f"{name}，客户数：现有 {count} 个，最少需要 {least} 个。请至少移入 {lacks} 个。"
            what = f"it has {count}; {least} is the least allowed."
            yield Problem(f"{name}, customers", what, f"Move {lacks} or more into it.", zh)
    if rules.max_radius_km:
        away = np.hypot(*(portfolio.xy - centres[code]).T) / 1000
        far = np.flatnonzero(owned & (away > rules.max_radius_km * (1 + 1e-9)))
        if len(far):
            shown, most = _some(portfolio, far), f"{rules.max_radius_km:g}"
            what = f"{shown.en} lie{'s' if len(far) == 1 else ''} more than {most} km from the centre."
            zh = f"半径：{shown.zh}距中心超过 {most} 公里。请移到更近的区域。"
            yield Problem("radius", what, "Move them to a territory that is nearer.", zh)
    allowed = allowed_by_skills(portfolio, names)
    if allowed is not None:
        wrong = np.flatnonzero(owned & ~allowed[np.arange(len(code)), code])
        if len(wrong):
            shown = _some(portfolio, wrong)
            zh = f"技能：{shown.zh}的代表缺少所需技能。请移给具备技能的代表。"
            what = f"the reps of {shown.en} lack the skills that are needed."
            yield Problem("skills", what, "Move them to a rep who has them.", zh)
    groups = group_codes(portfolio)
    if groups is not None:
        rows = owned & (groups >= 0)
        pairs = np.unique(np.column_stack([groups[rows], code[rows]]), axis=0)[:, 0]
        for group in np.unique(pairs[:-1][pairs[1:] == pairs[:-1]]):
            name = portfolio.customers["group"].iloc[int(np.flatnonzero(groups == group)[0])]
            zh = f"分组“{name}”：其客户分属多个区域。请移到同一区域。"
            yield Problem(f"group '{name}'", "its customers are in several territories.", "Move them to one.", zh)


def _some(portfolio: Portfolio, rows: np.ndarray) -> Said:
    """The first customers by name, the others by number."""
    names = portfolio.customers.index[rows[:3]]
    shown, shown_zh = ", ".join(f"'{name}'" for name in names), "、".join(f"“{name}”" for name in names)
    if len(rows) <= 3:
        return Said(shown, shown_zh)
    return Said(f"{shown} and {len(rows) - 3:,} more", f"{shown_zh}等 {len(rows):,} 个客户")


def _skills(text: object) -> frozenset[str]:
    parts = str(text).split(";") if isinstance(text, str) else []
    return frozenset(part.strip().casefold() for part in parts if part.strip())


def group_codes(portfolio: Portfolio) -> np.ndarray | None:
    """(n,) int, customers of one group alike, -1 for none; None when there are no groups."""
    codes = pd.factorize(portfolio.customers["group"])[0]
    alone = (codes >= 0) & (np.bincount(codes + 1)[codes + 1] == 1)
    codes = np.where(alone, -1, codes)
    return codes if (codes >= 0).any() else None


def torn_groups(portfolio: Portfolio) -> list[Problem]:
    """Groups whose customers are locked to different territories."""
    locked = portfolio.customers[portfolio.customers["locked"]].dropna(subset=["group", "territory"])
    problems = []
    for name, owners in locked.groupby("group")["territory"].unique().items():
        if len(owners) > 1:
            what = f"its customers are locked to {' and '.join(sorted(owners))} at once."
            zh = f"分组“{name}”：其客户同时锁定在{'、'.join(sorted(owners))}。请只保留一个区域的锁定。"
            problems.append(Problem(f"group '{name}'", what, "Unlock those of all but one territory.", zh))
    return problems


def _most(portfolio: Portfolio, names: list[str], measures: list[str], travel: TravelMode) -> np.ndarray:
    """(K, q) loads that fill a territory's capacity to the part that the rules allow; NaN but for workload."""
    capacity = measure(portfolio, travel=travel)["capacity_minutes"].reindex(names).to_numpy()
    most = np.full((len(names), len(measures)), np.nan)
    most[:, measures.index("workload")] = capacity * portfolio.rules.max_capacity_use
    return most


def _counts(part: Part, names: list[str], held: np.ndarray) -> np.ndarray:
    """(K,) int customers; a territory that is not named has no limit."""
    if isinstance(part, Mapping):
        known(part, names)
        ratio = np.array([part.get(name, np.inf) for name in names], float)
    else:
        ratio = np.full(len(names), float(part))
    limited = np.isfinite(ratio)
    counts = np.full(len(names), np.iinfo(np.int64).max)
    counts[limited] = np.floor(ratio[limited] * held[limited] + 1e-9)
    return counts


def centres_of(portfolio: Portfolio, centres: Centres | None, names: list[str]) -> np.ndarray | None:
    """(K, 2) metres, NaN where a centre is free; None when all are.

    Raises
    ------
    NotFoundError
        A territory or a customer that is named does not exist.
    DataError
        A place cannot be, or homes are asked for and none is known.
    """
    if centres is None:
        return None
    fixed = np.full((len(names), 2), np.nan)
    if isinstance(centres, str):
        reps = portfolio.reps[~(portfolio.reps.geometry.isna() | portfolio.reps.geometry.is_empty)]
        homes = reps.drop_duplicates("territory").set_index("territory").geometry
        for at, name in enumerate(names):
            if name in homes.index:
                fixed[at] = homes[name].x, homes[name].y
        if np.isnan(fixed).all():
            what = "no rep's home is known, so no centre can hold still there."
            zh = "代表：没有代表的住址，无法固定中心。请提供住址，或不固定中心。"
            fix = "Give homes, or leave the centres free."
            raise DataError([Problem("reps, columns 'lon' and 'lat'", what, fix, zh)])
        return fixed
    known(centres, names)
    for name, place in centres.items():
        fixed[names.index(name)] = place_of(place, portfolio.customers, f"centre of '{name}'")
    return fixed
