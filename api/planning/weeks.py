"""Planning weeks of calls, as a job."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

import territory
from api.content import Parts, decode_portfolio
from api.jobs.child import Context, Write
from api.jobs.cluster import pool
from api.planning import layers
from api.planning.callbooks import decode_calls, encode_calls
from api.planning.calls import before_weeks, facts
from api.planning.desk import record
from api.planning.roads import known_travel, on_roads
from api.store import Alignment, StoredCalls, keep_blobs
from territory.errors import Problem


def plan_weeks(context: Context, *, calls_id: str) -> Write:
    """Make the call plan that is asked for, from what reps have told of their visits until then."""
    fetch = context.store.fetch
    with context.store.reading() as session:
        calls = session.get_one(StoredCalls, calls_id)
        portfolio = on_roads(context.settings, decode_portfolio(calls.snapshot, fetch), known_travel(context.settings))
        earlier = None if calls.previous_id is None else session.get(StoredCalls, calls.previous_id)
        previous = None if earlier is None or earlier.content is None else decode_calls(earlier.content, fetch)
        portfolio, previous = before_weeks(session, calls, portfolio, previous)
        notes = _changes_meanwhile(session, calls)
    context.tell("calls", 0.0)
    asked = calls.parameters
    with pool(context) as reps_apart:
        plan = territory.plan_calls(
            portfolio,
            start=calls.start,
            weeks=asked["weeks"],
            reps=calls.rep_ids,
            holidays=[date.fromisoformat(day) for day in asked["holidays"]],
            seed=asked["seed"],
            effort=asked["effort"],
            previous=previous,
            workers=1,
            pool=reps_apart,
            progress=context.tell,
        )
    parts = Parts({})
    content = encode_calls(plan, parts)
    told = facts(plan, notes)

    def write(session: Session) -> None:
        keep_blobs(session, parts.by_name)
        made = sa.update(StoredCalls).where(StoredCalls.id == calls_id)
        session.execute(made.values(content=content, facts=told, rep_ids=plan.reps))
        claim = context.claim
        details = {"attempt": claim.attempt, "visits": len(plan.visits)}
        record(session, claim.user_id, "calls.ready", calls_id, calls.portfolio_id, claim.request_id, details)
        layers.refresh(session, calls.portfolio_id, claim.user_id, claim.request_id)

    return write


def _changes_meanwhile(session: Session, calls: StoredCalls) -> list[Problem]:
    """Alignments that begin to hold within the weeks: from then on these are not the rep's customers any more."""
    later = sa.select(Alignment).where(
        Alignment.portfolio_id == calls.portfolio_id,
        Alignment.effective_from > calls.start,
        Alignment.effective_from < calls.finish,
        Alignment.number > calls.number,
    )
    return [
        Problem(
            f"alignment {version.number}",
            f"It holds from {version.effective_from} on, and the weeks are planned for alignment {calls.number}.",
            f"Plan again from {version.effective_from} on.",
            f"版本 {version.number} 自 {version.effective_from} 起生效，而本次按版本 {calls.number} 规划。"
            "请自该日起重新规划。",
        )
        for version in session.scalars(later.order_by(Alignment.number))
    ]
