"""What a plan breaks of what is asked beside balance: pieces, limits, skills, groups; who, why, how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from territory.errors import Problem
from territory.languages import Said, listed, some
from territory.measures import ground_of
from territory.model import Portfolio, apart, percent_up
from territory.realignment.wishes import allowed_by_skills, group_codes, skills_of

NEAR = 3
"""How many territories are offered to those who are cut off."""
ROUNDING = 1e-9


def in_pieces(
    portfolio: Portfolio,
    measured: pd.DataFrame,
    code: np.ndarray,
    mass: np.ndarray,
    *,
    locks: Iterable[str],
    may_be: Iterable[str] = (),
) -> Iterator[Problem]:
    """Territories in several pieces: who is cut off, what holds them there, and where they could go.

    Parameters
    ----------
    portfolio : Portfolio
    measured : DataFrame of `measure`, one row for each of K territories
    code : (n,) int, the row among them of each customer's territory, -1 for none
    mass : (n,) float; a territory's main piece is its heaviest
    locks : customers who must stay where they are
    may_be : territories that may be in several pieces
    """
    names, graph = measured.index, ground_of(portfolio).graph
    broken = np.flatnonzero((measured["pieces"] > 1) & ~names.isin(list(may_be)))
    if not len(broken):
        return
    piece = graph.pieces(np.where(np.isin(code, broken), code, -1))
    weight = np.bincount(piece, mass)
    allowed, part, ids = allowed_by_skills(portfolio, list(names)), graph.parts, portfolio.customers.index
    is_locked = ids.isin(list(locks))
    for territory in broken:
        held = np.flatnonzero(code == territory)
        main = piece[held][weight[piece[held]].argmax()]
        off = held[piece[held] != main]
        only_here = np.zeros(len(off), bool)
        if allowed is not None:
            only_here = allowed[off, territory] & (allowed[off].sum(axis=1) == 1)
        is_apart = ~np.isin(part[off], part[held[piece[held] == main]])
        is_free = ~is_locked[off] & ~only_here
        near = _beside(portfolio, code, off[is_free], int(territory), allowed)
        cut, count = some(ids[off]), len(np.unique(piece[held]))
        what = f"it is in {count} pieces: {cut.en} {'is' if len(off) == 1 else 'are'} cut off."
        zh = f"{names[territory]}，连片：分成 {count} 块，{cut.zh}被隔开。"
        found = (
            (is_locked[off], Said("locked to it", "已锁定在此区域")),
            (only_here, Said("only its rep has the skills needed", "只有此区域的代表具备所需技能")),
            (is_apart, Said("no neighbours lead to the rest", "与其余客户之间没有相邻关系")),
        )
        # What holds for all is said of the pieces, before what holds for some.
        for held_there, why in sorted(found, key=lambda one: not one[0].all()):
            if held_there.all():
                what, zh = f"{what[:-1]}; {why.en}.", f"{zh[:-1]}；{why.zh}。"
            elif held_there.any():
                who = some(ids[off[held_there]])
                what, zh = f"{what} Of them {who.en}: {why.en}.", f"{zh}其中{who.zh}{why.zh}。"
        mend = _mended(names[near], is_one=int(is_free.sum()) == 1, is_apart=bool(is_apart.all()))
        yield Problem(f"{names[territory]}, pieces", what, mend.en, zh + mend.zh)


def _mended(near: pd.Index, *, is_one: bool, is_apart: bool) -> Said:
    """How to have a territory in one piece again, if those who are free to go can go to territories nearby."""
    if not len(near):
        allow = "Let it be in several pieces, or let go of what holds them there."
        return Said(allow, "请允许此区域分成多块，或解除使其留在原处的限制。")
    between = "" if is_apart else ", or move in who lies between"
    between_zh = "" if is_apart else "，或移入位于其间的客户"
    who = "it" if is_one else "them"
    return Said(f"Move {who} to {listed(near, 'or')}{between}.", f"请移到 {'、'.join(near)}{between_zh}。")


def _beside(
    portfolio: Portfolio, code: np.ndarray, rows: np.ndarray, territory: int, allowed: np.ndarray | None
) -> np.ndarray:
    """Territories that border these rows of one territory, or stand on their places, and whose reps have the skills
    that any of them needs; the most neighbours first."""
    if not len(rows):
        return rows
    graph = ground_of(portfolio).graph
    inside = np.zeros(len(graph.places), bool)
    inside[graph.place_of[rows]] = True
    one, other = graph.pairs.T
    touched = np.concatenate([other[inside[one]], one[inside[other]], np.flatnonzero(inside)])
    links = np.bincount(touched, minlength=len(graph.places))[graph.place_of]
    foreign = (code >= 0) & (code != territory)
    votes = np.bincount(code[foreign], links[foreign])
    if allowed is not None:
        votes = np.where(allowed[rows].any(axis=0)[: len(votes)], votes, 0)
    order = np.argsort(-votes, kind="stable")
    return order[votes[order] > 0][:NEAR]


def unserved(portfolio: Portfolio) -> list[Problem]:
    """Customers who need what no rep knows."""
    needed = portfolio.customers["skills"].fillna("")
    if portfolio.reps.empty or not needed.str.strip().any():
        return []
    team = [skills_of(text) for text in portfolio.reps["skills"]]
    lacking = {kind for kind in needed.unique() if not any(skills_of(kind) <= rep for rep in team)}
    ids = portfolio.customers.index[needed.isin(lacking)]
    if not len(ids):
        return []
    shown, skills = some(ids), "; ".join(sorted(lacking))
    what = f"no rep has all the skills that {shown.en} need{'s' if len(ids) == 1 else ''}: {skills}."
    fix = "Train a rep, or take the need away; until then any rep may have them."
    zh = f"技能：没有代表具备 {shown.zh}所需的全部技能：{skills}。请培训代表或取消该要求；在此之前，任何代表都可负责。"
    return [Problem("skills", what, fix, zh)]


def beyond_all(portfolio: Portfolio, measured: pd.DataFrame) -> Iterator[Problem]:
    """Limits that so many territories cannot keep, however they are cut; `measured` is a table of `measure`."""
    rules, count, there = portfolio.rules, len(measured), len(portfolio.customers)
    least, most = rules.min_customers, rules.max_customers
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
    if rules.max_capacity_use:
        capacity = measured["capacity_minutes"].sum()
        used = measured["workload_minutes"].sum() / capacity if capacity > 0 else np.inf
        if used > rules.max_capacity_use * (1 + ROUNDING):
            need, may = apart(used, rules.max_capacity_use)
            what = f"the hours of all reps together are used to {need}; {may} is the most allowed."
            zh = f"工时上限：全部代表的工时合计已用 {need}，最多允许 {may}。请允许 {percent_up(used)}，或增加代表。"
            yield Problem("max_capacity_use", what, f"Allow {percent_up(used)}, or add a rep.", zh)


def broken_limits(
    portfolio: Portfolio, measured: pd.DataFrame, code: np.ndarray, centres: np.ndarray
) -> Iterator[Problem]:
    """Where an alignment breaks the rules' limits, gives customers to reps who lack the skills, or tears groups apart.

    Parameters
    ----------
    portfolio : Portfolio
    measured : DataFrame of `measure`, one row for each of K territories
    code : (n,) int, the row among them of each customer's territory, -1 for none
    centres : (K, 2) metres, from which the radius is measured
    """
    yield from _miscounted(portfolio, measured)
    yield from _overworked(portfolio, measured)
    yield from _too_far(portfolio, code, centres)
    yield from _unskilled(portfolio, measured, code)
    yield from _torn_apart(portfolio, code)


def _miscounted(portfolio: Portfolio, measured: pd.DataFrame) -> Iterator[Problem]:
    rules = portfolio.rules
    for name, count in measured["customers"].items():
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


def _overworked(portfolio: Portfolio, measured: pd.DataFrame) -> Iterator[Problem]:
    most = portfolio.rules.max_capacity_use
    if not most:
        return
    used = measured["capacity_use"]
    for name in measured.index[(used > most * (1 + ROUNDING)).to_numpy()]:
        need, may = apart(used[name], most)
        what = f"its reps' hours are used to {need}; max_capacity_use allows {may}."
        zh = f"{name}，工时：代表的工时已用 {need}，max_capacity_use 最多允许 {may}。请移出工作量，或增加工时。"
        yield Problem(f"{name}, capacity", what, "Move work out of it, or give it more hours.", zh)


def _too_far(portfolio: Portfolio, code: np.ndarray, centres: np.ndarray) -> Iterator[Problem]:
    most = portfolio.rules.max_radius_km
    if not most:
        return
    away = np.hypot(*(portfolio.xy - centres[code]).T) / 1000
    far = np.flatnonzero((code >= 0) & (away > most * (1 + ROUNDING)))
    if len(far):
        shown = some(portfolio.customers.index[far])
        what = f"{shown.en} lie{'s' if len(far) == 1 else ''} more than {most:g} km (max_radius_km) from the centre."
        fix = "Move them to a territory that is nearer, or allow a larger radius."
        zh = f"半径：{shown.zh}距中心超过 {most:g} 公里（max_radius_km）。请移到更近的区域，或放宽半径。"
        yield Problem("radius", what, fix, zh)


def _unskilled(portfolio: Portfolio, measured: pd.DataFrame, code: np.ndarray) -> Iterator[Problem]:
    allowed = allowed_by_skills(portfolio, list(measured.index))
    if allowed is None:
        return
    wrong = np.flatnonzero((code >= 0) & ~allowed[np.arange(len(code)), code])
    if len(wrong):
        shown = some(portfolio.customers.index[wrong])
        zh = f"技能：{shown.zh}的代表缺少所需技能。请移给具备技能的代表。"
        what, fix = f"the reps of {shown.en} lack the skills that are needed.", "Move them to a rep who has them."
        held = portfolio.customers["locked"].to_numpy()[wrong]
        if held.any():
            who = some(portfolio.customers.index[wrong[held]])
            what += f" {who.en} {'is' if held.sum() == 1 else 'are'} locked there."
            fix, zh = f"Unlock them first. {fix}", f"{zh}其中{who.zh}已锁定在原处，请先解除锁定。"
        yield Problem("skills", what, fix, zh)


def _torn_apart(portfolio: Portfolio, code: np.ndarray) -> Iterator[Problem]:
    groups = group_codes(portfolio)
    if groups is None:
        return
    rows = (code >= 0) & (groups >= 0)
    pairs = np.unique(np.column_stack([groups[rows], code[rows]]), axis=0)[:, 0]
    for group in np.unique(pairs[:-1][pairs[1:] == pairs[:-1]]):
        name = portfolio.customers["group"].iloc[int(np.flatnonzero(groups == group)[0])]
        zh = f"分组“{name}”：其客户分属多个区域。请移到同一区域。"
        yield Problem(f"group '{name}'", "its customers are in several territories.", "Move them to one.", zh)


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
