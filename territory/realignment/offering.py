"""A plan of the algorithm as what people are offered: by name, with every move's reason and every rule it breaks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from territory.alignment import Limits
from territory.errors import Problem
from territory.measures import measure
from territory.model import Basis, Proposal
from territory.realignment.broken import beyond_all, broken_limits, in_pieces, unserved
from territory.realignment.moves import Reason, Reasons, price_moves
from territory.realignment.work import Plan, Work, extra_loads


def offer(work: Work, plan: Plan, names: list[str], share: np.ndarray, limits: Limits) -> Proposal:
    """The plan for people; of `limits`, what was asked of skills and pieces is told where it is not kept."""
    portfolio, shares = work.portfolio, pd.Series(share, index=names)
    alignment = pd.Series(np.array(names)[plan.labels], index=portfolio.customers.index, name="territory")
    extra = extra_loads(list(work.band), work.loads)
    has_today = portfolio.alignment.notna().any()
    asked = {"travel": work.travel, "demand": work.demand, "extra": extra}
    before = measure(portfolio, **asked) if has_today else None
    after = measure(portfolio, alignment, shares=shares, **asked)
    basis = Basis(
        territories=tuple(names),
        centres=plan.centres,
        load_price=plan.price,
        start=plan.start,
        handover=plan.handover,
        objective=plan.objective,
        lower_bound=plan.lower_bound,
        weights=tuple(work.weights),
        is_by_road=plan.is_by_road,
    )
    return Proposal(
        portfolio=portfolio,
        alignment=alignment,
        moves=_moves(work, plan, basis, before),
        before=before,
        after=after,
        tolerance=work.band,
        travel=work.travel,
        seed=work.seed,
        objective=plan.objective / 1e6,
        lower_bound=plan.lower_bound / 1e6,
        gap=plan.gap,
        reasons=tuple(_reasons(work, plan, after, pd.Index(names), limits)),
        trade_off=_trade_off(work, plan),
        basis=basis,
        in_pieces=_loose(names, limits),
    )


def _reasons(work: Work, plan: Plan, after: pd.DataFrame, names: pd.Index, limits: Limits) -> Iterator[Problem]:
    """What the plan does not keep of what was asked, and why."""
    portfolio, locked = work.portfolio, work.portfolio.customers["locked"]
    # What the algorithm says of limits by number is told by name below.
    yield from (work.in_words(problem) for problem in plan.reasons if not problem.where.startswith("limits"))
    place = names.get_indexer(after.index)
    code = np.argsort(place)[plan.labels]
    for problem in broken_limits(portfolio, after, code, plan.centres[place]):
        # Who cuts from scratch does not ask for skills.
        if limits.allowed is not None or problem.where != "skills":
            yield problem
    locks = set(portfolio.customers.index[locked]) if (plan.start >= 0).any() else set()
    may_be = _loose(list(names), limits)
    yield from in_pieces(portfolio, after, code, work.mass, locks=locks, may_be=may_be)
    yield from unserved(portfolio)
    yield from beyond_all(portfolio, after)


def _trade_off(work: Work, plan: Plan) -> pd.DataFrame | None:
    if not plan.trade_off:
        return None
    factor, extra = np.array(plan.trade_off).T
    return pd.DataFrame({name: factor * width for name, width in work.band.items()} | {"extra": extra})


def _moves(work: Work, plan: Plan, basis: Basis, before: pd.DataFrame | None) -> pd.DataFrame:
    """Each customer whose territory changes: why, at what price, and who else could have had it."""
    today, names = work.portfolio.alignment, np.array(basis.territories)
    moved = np.flatnonzero((names[plan.labels] != today.to_numpy()) & today.notna().to_numpy())
    to = plan.labels[moved]
    came = pd.Index(names).get_indexer(today.iloc[moved])
    explain = Reasons(basis, before, work.portfolio, plan.labels)
    price, second = price_moves(basis, work.portfolio, work.loads, moved, came, to, allowed=explain.allowed)
    owners = today.iloc[moved].to_numpy()
    return pd.DataFrame(
        {
            "customer_id": work.portfolio.customers.index[moved],
            "from": owners,
            "to": names[to],
            "reason": list(map(Reason.in_words, explain.of(moved, came, to, price), owners, names[to])),
            "price": np.round(price.sum(axis=1), 4),
            "runner_up": names[second],
        }
    )


def _loose(names: list[str], limits: Limits) -> tuple[str, ...]:
    """The territories that may be in several pieces."""
    return () if limits.loose is None else tuple(np.array(names)[limits.loose].tolist())
