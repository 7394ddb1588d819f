"""The manager's hand: move and lock single customers in a proposal, and see at once what it does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

import numpy as np
import pandas as pd

from territory.alignment import centroids
from territory.errors import DataError, NotFoundError, Problem
from territory.languages import Said, listed, measure_zh, some
from territory.measures import LOADS, demand_of, remeasure
from territory.model import Basis, Portfolio, Proposal, apart
from territory.realignment import (
    BY_HAND,
    allowed_by_skills,
    broken_limits,
    extra_loads,
    in_pieces,
    loads_of,
    mass_of,
    price_moves,
    squared_metres,
)

NEAR = 3
"""How many near matches an unknown name is answered with."""
ROUNDING = 1e-12


def adjust(
    proposal: Proposal,
    *,
    move: Mapping[str, str] | None = None,
    lock: Iterable[str] = (),
    unlock: Iterable[str] = (),
    check: bool = True,
) -> Proposal:
    """A proposal with customers moved and locked by hand; the old one stands as it was, so keeping it is the undo.

    Locks are lifted first, then customers move, then locks are set: a customer may be moved and locked in one call.

    Parameters
    ----------
    proposal : Proposal
    move : customer_id -> territory
        Nothing stops a move that is out of tolerance, over capacity or cuts a territory in pieces; `reasons` tells it.
    lock : customer ids (or one), locked to the territory where they are in the result; `Proposal.accept` passes it on
    unlock : customer ids (or one), free to move again, whether the portfolio locked them or a hand
    check : refuse to move a locked customer; False moves it all the same, and `reasons` tells which lock is broken

    Returns
    -------
    Proposal
        - ``after`` is what `measure` says of the new alignment.
        - ``moves`` has a row "moved by hand" for each customer moved, priced as the plan's own moves; a customer moved
          back to today's territory has none. The other rows stay.
        - ``objective`` is taken at the plan's centres, which hold still, handovers included; ``lower_bound`` stays that
          of the plan, and only where the objective falls below it (which takes a plan out of tolerance, or a territory
          to pieces) it follows.
        - ``reasons`` is found anew: what is out of tolerance, in pieces (and who is cut off), locked elsewhere,
          over its rep's capacity, or beyond the rules' limits, skills and groups. What the search said of its own plan
          is gone.

    Raises
    ------
    NotFoundError
        A customer or a territory is not in the proposal; near matches are listed.
    DataError
        A locked customer would leave the territory that it is locked to, or one without a territory would be locked.

    Notes
    -----
    The neighbour graph and the demand are kept as long as the portfolio lives, so that only the first call pays for
    them. Without a basis (a proposal that the algorithm has not made) the centres are the alignment's own, and
    prices tell the way only.
    """
    asked = dict(move or {})
    locked, unlocked = _ids(lock), _ids(unlock)
    _know(proposal, asked, [*locked, *unlocked])
    locks = {name: where for name, where in proposal.locks.items() if name not in set(unlocked)}
    alignment = proposal.alignment.reindex(proposal.portfolio.customers.index)
    asked = {name: to for name, to in asked.items() if alignment[name] != to}
    if check:
        _respect(locks, asked)
    if asked:
        alignment = alignment.copy()
        alignment[list(asked)] = list(asked.values())
    locks.update(_locks(alignment, locked))
    return _refreshed(proposal, alignment, list(asked), locks if locked or unlocked else proposal.own_locks)


def _refreshed(
    proposal: Proposal, alignment: pd.Series, moved: list[str], own_locks: Mapping[str, str] | None
) -> Proposal:
    portfolio = proposal.portfolio
    demand = demand_of(portfolio, proposal.travel)
    measures = list(proposal.tolerance)
    loads = loads_of(portfolio, measures, demand)
    code = _codes(alignment, proposal.after.index)
    basis = proposal.basis or _own_basis(proposal, loads)
    at_basis = np.where(code >= 0, _codes(proposal.after.index, basis.territories)[code], -1)
    objective = _objective(portfolio, basis, at_basis, loads)
    bound = min(basis.lower_bound, objective)
    adjusted = replace(
        proposal,
        alignment=alignment,
        moves=_moves(proposal, basis, alignment, loads, moved),
        after=remeasure(portfolio, proposal.after, code, demand, extra_loads(measures, loads)),
        objective=objective / 1e6,
        lower_bound=bound / 1e6,
        gap=(objective - bound) / bound if bound > 0 else (0.0 if objective <= 0 else float("inf")),
        basis=basis,
        own_locks=own_locks,
    )
    return replace(adjusted, reasons=tuple(_reasons(adjusted, code, loads)))


def _ids(given: Iterable[str]) -> list[str]:
    # One id is easily given bare, and its letters are not ids.
    return [given] if isinstance(given, str) else list(given)


def _know(proposal: Proposal, asked: Mapping[str, str], others: Sequence[str]) -> None:
    """Refuse names that the proposal has not, all at once."""
    customers, territories = proposal.portfolio.customers.index, proposal.after.index
    unplaced = proposal.portfolio.unplaced["reason"]
    problems = []
    for name in dict.fromkeys([*asked, *others]):
        if name in unplaced.index:
            problems.append(Problem(f"customer '{name}'", f"it has no place: {unplaced[name]}", "Give coordinates."))
        elif name not in customers:
            problems.append(Problem("customer", f"'{name}' is not a customer.", _near(name, customers)))
    problems += [
        Problem("territory", f"'{name}' is not a territory.", _near(name, territories) or _there_are(territories))
        for name in dict.fromkeys(asked.values())
        if name not in territories
    ]
    if problems:
        raise NotFoundError(problems)


def _near(name: str, known: Iterable[str]) -> str:
    """Names that were perhaps meant: those that a spreadsheet has robbed of their zeros first."""
    names = list(known)
    bare = str(name).lstrip("0")
    found = [each for each in names if each.lstrip("0") == bare] or get_close_matches(str(name), names, NEAR)
    return f"Perhaps {listed(found[:NEAR], 'or')}?" if found else ""


def _there_are(known: Sequence[str]) -> str:
    return f"There are {', '.join(known)}."


def _respect(locks: Mapping[str, str], asked: Mapping[str, str]) -> None:
    problems = [
        Problem(
            f"customer '{name}'",
            f"it is locked to {locks[name]} and cannot move to {to}.",
            f"Leave it, or unlock it in the same call: unlock=['{name}'].",
        )
        for name, to in asked.items()
        if locks.get(name, to) != to
    ]
    if problems:
        raise DataError(problems)


def _locks(alignment: pd.Series, names: Sequence[str]) -> dict[str, str]:
    """Where each of these customers is."""
    where = {name: alignment[name] for name in names}
    problems = [
        Problem(f"customer '{name}'", "it has no territory to be locked to.", "Move it to one in the same call.")
        for name, territory in where.items()
        if pd.isna(territory)
    ]
    if problems:
        raise DataError(problems)
    return where


def _own_basis(proposal: Proposal, loads: np.ndarray) -> Basis:
    """A basis at the centres of mass of the proposal's own territories, without prices."""
    portfolio, names = proposal.portfolio, proposal.after.index
    mass = mass_of(loads)
    code = _codes(proposal.alignment.reindex(portfolio.customers.index), names)
    owned = code >= 0
    centres = centroids(portfolio.xy[owned], mass[owned], code[owned], len(names))
    centres[np.bincount(code[owned], mass[owned], len(names)) == 0] = portfolio.xy.mean(axis=0)
    bare = Basis(
        territories=tuple(names),
        centres=centres,
        load_price=np.zeros((len(names), loads.shape[1])),
        start=_codes(portfolio.alignment, names),
        handover=np.zeros(len(mass)),
        objective=0.0,
        lower_bound=float("nan"),  # it holds at centres that nobody knows any more
    )
    return replace(bare, objective=_objective(portfolio, bare, code, loads))


def _codes(owner: pd.Series | pd.Index, names: Iterable[str]) -> np.ndarray:
    """(n,) int, place of each territory among `names`, -1 where it is none of them."""
    return pd.Index(list(names), dtype="str").get_indexer(owner)


def _objective(portfolio: Portfolio, basis: Basis, code: np.ndarray, loads: np.ndarray) -> float:
    """Square metres: mean squared distance to the basis' centres, plus the price of moves."""
    squared = squared_metres(portfolio, basis, np.arange(len(code)), code)
    spread = (mass_of(loads, basis.weights) * squared)[code >= 0].sum()
    return float(spread + basis.handover[(basis.start >= 0) & (basis.start != code)].sum())


def _moves(proposal: Proposal, basis: Basis, alignment: pd.Series, loads: np.ndarray, moved: list[str]) -> pd.DataFrame:
    """The proposal's moves with those of the hand in the place of what was said of the same customers."""
    if not moved:
        return proposal.moves
    portfolio, names = proposal.portfolio, np.array(basis.territories)
    row = np.sort(portfolio.customers.index.get_indexer(moved))
    today, now = portfolio.alignment.iloc[row], alignment.iloc[row]
    changed = (today.notna() & (today != now)).to_numpy()
    row, today, now = row[changed], today[changed], now[changed]
    came, to = _codes(today, basis.territories), _codes(now, basis.territories)
    allowed = allowed_by_skills(portfolio, list(basis.territories))
    price, second = price_moves(basis, portfolio, loads, row, came, to, allowed=allowed)
    by_hand = pd.DataFrame(
        {
            "customer_id": now.index,
            "from": today.to_numpy(),
            "to": now.to_numpy(),
            "reason": BY_HAND,
            "price": np.round(price.sum(axis=1), 4),
            "runner_up": names[second],
        }
    )
    others = proposal.moves[~proposal.moves["customer_id"].isin(moved)]
    if others.empty or by_hand.empty:
        return (by_hand if others.empty else others).reset_index(drop=True)
    table = pd.concat([others, by_hand], ignore_index=True)
    order = np.argsort(portfolio.customers.index.get_indexer(table["customer_id"]), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _reasons(proposal: Proposal, code: np.ndarray, loads: np.ndarray) -> Iterator[Problem]:
    """What is wrong with the proposal as it stands."""
    yield from _out_of_tolerance(proposal, loads)
    mass, may_be = mass_of(loads), proposal.in_pieces
    yield from in_pieces(proposal.portfolio, proposal.after, code, mass, locks=proposal.locks, may_be=may_be)
    yield from _locked_elsewhere(proposal)
    yield from _over_capacity(proposal)
    yield from broken_limits(proposal.portfolio, proposal.after, code, _centres(proposal, code))


def _centres(proposal: Proposal, code: np.ndarray) -> np.ndarray:
    """(K, 2) metres, the mean places of the territories as they are now."""
    owned = code >= 0
    return centroids(proposal.portfolio.xy[owned], np.ones(owned.sum()), code[owned], len(proposal.after))


def _out_of_tolerance(proposal: Proposal, loads: np.ndarray) -> Iterator[Problem]:
    after = proposal.after
    for column, name in enumerate(proposal.tolerance):
        load = LOADS.get(name, name)
        limit, deviation = proposal.tolerance[name], after[f"deviation_{name}"]
        fair = after["share"] * loads[:, column].sum()
        for territory in after.index[deviation.abs() > limit + ROUNDING]:
            value = deviation[territory]
            nearest = fair[territory] * (1 + np.sign(value) * limit)
            held, allowed = apart(abs(value), limit)
            amount = _amount(abs(after.loc[territory, load] - nearest), name)
            side, way = ("高于", "移出") if value > 0 else ("低于", "移入")
            zh = f"{territory}，{measure_zh(name)}：{side}应得份额 {held}，允许偏差 {allowed}。"
            yield Problem(
                f"{territory}, {name}",
                f"it holds {held} {'more' if value > 0 else 'less'} than its share; {allowed} is allowed.",
                f"Move {amount.en} or more {'out of' if value > 0 else 'into'} it.",
                f"{zh}请至少{way} {amount.zh}。",
            )


def _locked_elsewhere(proposal: Proposal) -> Iterator[Problem]:
    locks = pd.Series(dict(proposal.locks), dtype="str")
    away = locks[(proposal.alignment.reindex(locks.index) != locks).to_numpy()]
    for territory, names in away.groupby(away).groups.items():
        is_one, shown = len(names) == 1, some(names)
        yield Problem(
            f"{territory}, locks",
            f"{shown.en} {'is' if is_one else 'are'} locked to it and elsewhere.",
            f"Move {'it' if is_one else 'them'} back, or unlock {'it' if is_one else 'them'}.",
            f"{territory}，锁定：{shown.zh}锁定在此区域，却在别处。请移回或解锁。",
        )


def _over_capacity(proposal: Proposal) -> Iterator[Problem]:
    after = proposal.after
    if proposal.portfolio.rules.max_capacity_use:  # then that is the limit
        return
    for territory, row in after[(after["capacity_use"] > 1 + ROUNDING) & after["rep_id"].notna()].iterrows():
        excess = _amount(row["workload_minutes"] - row["capacity_minutes"], "workload")
        used = apart(row["capacity_use"], 1.0)[0]
        yield Problem(
            f"{territory}, capacity",
            f"it needs {used} of its rep's hours.",
            f"Move {excess.en} or more out of it, or give it more hours.",
            f"{territory}，工时：需要代表工时的 {used}。请至少移出 {excess.zh}，或增加工时。",
        )


def _amount(value: float, name: str) -> Said:
    """Rounded up, or what is asked for would not do."""
    scale = 60 if name == "workload" else 1
    figure = f"{math.ceil(round(value / scale * 10, 6)) / 10:,.1f}"
    if name == "workload":
        return Said(f"{figure} hours of workload a year", f"每年 {figure} 小时的工作量")
    return Said(f"{figure} of {name}", f"{figure} 的{measure_zh(name)}")
