"""What runs as a job: one function a kind. Each works first, and returns what writes its result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import territory
from api.content import Parts, alignment_hash, decode_proposal, encode_portfolio
from api.jobs.child import Context, Task, Write
from api.jobs.cluster import answers
from api.planning import backups, layers, pieces, portfolios, proposals, scenarios
from api.planning.desk import record
from api.planning.pieces import Asked, Made
from api.planning.weeks import plan_weeks
from api.store import Alignment, Comparison, Plan, PlanState, StoredPortfolio, blob, keep_blobs, new_id, now
from territory.errors import DataError, Problem


def read(context: Context, *, portfolio_id: str, files: dict[str, Any], crs: str, columns: dict[str, str]) -> Write:
    """Read uploaded files into a portfolio, or say every fault in them."""
    context.tell("read", 0.0)
    with context.store.reading() as session:
        stored = session.get_one(StoredPortfolio, portfolio_id)
    with TemporaryDirectory(prefix="territory-upload-") as folder:
        paths = {kind: _written(context, file, Path(folder) / kind) for kind, file in files.items()}
        found = territory.check_files(
            paths["customers"], paths.get("reps"), rules=paths.get("rules"), crs=crs, columns=columns
        )
    if found.portfolio is None:
        raise DataError(found.faults)
    portfolio, parts = found.portfolio, Parts({})
    snapshot = encode_portfolio(portfolio, parts)
    notes = [asdict(note) for note in (*found.faults, *found.notes)]
    facts = {**portfolios.facts(portfolio), "notes": notes, **stored.facts}
    # What was brought in to be looked at first is nobody's territory yet.
    rep_ids = [] if stored.facts else list(portfolio.reps.index)
    context.tell("keep", 0.9)

    def write(session: Session) -> None:
        keep_blobs(session, parts.by_name)
        session.execute(
            sa.update(StoredPortfolio)
            .where(StoredPortfolio.id == portfolio_id)
            .values(
                snapshot=snapshot,
                number=1,
                revision=StoredPortfolio.revision + 1,
                facts=facts,
                rep_ids=rep_ids,
            )
        )
        first = Alignment(
            id=new_id("alignment"),
            portfolio_id=portfolio_id,
            number=1,
            snapshot=snapshot,
            hash=alignment_hash(portfolio.alignment),
            effective_from=datetime.fromtimestamp(now(), UTC).date().isoformat(),
            comment="as uploaded",
            moved=0,
            published_by=context.claim.user_id,
            published_at=now(),
        )
        session.add(first)
        _record(session, context, "portfolio.ready", portfolio_id, portfolio_id)
        layers.refresh(session, portfolio_id, context.claim.user_id, context.claim.request_id)

    return write


def propose(context: Context, *, proposal_id: str) -> Write:
    """Make the plan that a proposal asks for."""
    with context.store.reading() as session:
        plan = session.get_one(Plan, proposal_id)
    (made,) = answers(context, pieces.plan, [Asked.of(context.store, plan.base_snapshot, plan.parameters)])

    def write(session: Session) -> None:
        _keep_plan(session, context, plan.id, made)
        _record(session, context, "proposal.ready", plan.id, plan.portfolio_id)

    return write


def compare(context: Context, *, comparison_id: str, proposal_ids: list[str]) -> Write:
    """Realign several scenarios side by side, each into a proposal of its own."""
    store = context.store
    with store.reading() as session:
        comparison = session.get_one(Comparison, comparison_id)
        plans = [session.get_one(Plan, each) for each in proposal_ids]
    asked = [
        Asked.of(
            store,
            plan.base_snapshot,
            {**comparison.parameters, "own": scenarios.own_parameters(plan.parameters)},
            plan.name,
        )
        for plan in plans
    ]
    made = answers(context, pieces.simulated, asked)
    outcome = {
        each.name: decode_proposal(plan.state, plan.contents.__getitem__, each.portfolio())[0]
        for each, plan in zip(asked, made, strict=True)
    }
    rows = scenarios.rows_of(outcome, {plan.name: plan.id for plan in plans})

    def write(session: Session) -> None:
        for plan, each in zip(plans, made, strict=True):
            _keep_plan(session, context, plan.id, each)
        session.execute(sa.update(Comparison).where(Comparison.id == comparison_id).values(rows=rows))

    return write


def front(context: Context, *, comparison_id: str) -> Write:
    """Make several plans that trade travel, balance and moves, each into a proposal of its own."""
    with context.store.reading() as session:
        comparison = session.get_one(Comparison, comparison_id)
    asked = Asked.of(context.store, comparison.base_snapshot, comparison.parameters)
    ((made, table),) = answers(context, pieces.front, [asked])
    ids = [new_id("proposal") for _ in made]
    rows = [{**row, "proposal_id": each} for row, each in zip(table, ids, strict=True)]

    def write(session: Session) -> None:
        for plan_id, plan in zip(ids, made, strict=True):
            row = Plan(
                id=plan_id,
                portfolio_id=comparison.portfolio_id,
                name=plan.label,
                status=proposals.PLANNING,
                base_snapshot=comparison.base_snapshot,
                base_number=comparison.base_number,
                parameters=comparison.parameters,
                job_id=context.claim.job_id,
                position=0,
                summary={},
                comment="",
                revision=1,
                created_by=context.claim.user_id,
                created_at=now(),
            )
            session.add(row)
            session.flush()
            _keep_plan(session, context, plan_id, plan)
        session.execute(sa.update(Comparison).where(Comparison.id == comparison_id).values(rows=rows))

    return write


def wait(context: Context, *, seconds: float, parts: int = 10) -> Write:
    """Do nothing for a while: the job by which the queue itself is tried out."""
    for part in range(parts):
        context.tell("wait", part / parts)
        time.sleep(seconds / parts)

    def write(session: Session) -> None:
        _record(session, context, "job.waited", context.claim.job_id, None)

    return write


def _keep_plan(session: Session, context: Context, plan_id: str, made: Made) -> None:
    keep_blobs(session, made.contents)
    session.execute(
        sa.update(Plan)
        .where(Plan.id == plan_id)
        .values(status="ready", position=0, summary=made.summary, revision=Plan.revision + 1)
    )
    session.add(
        PlanState(
            proposal_id=plan_id,
            number=0,
            state=made.state,
            action={"action": "proposed"},
            summary=made.summary,
            made_by=context.claim.user_id,
            made_at=now(),
        )
    )


def _record(session: Session, context: Context, action: str, object_id: str, portfolio_id: str | None) -> None:
    claim = context.claim
    record(session, claim.user_id, action, object_id, portfolio_id, claim.request_id, {"attempt": claim.attempt})


def _written(context: Context, file: Mapping[str, Any], folder: Path) -> Path:
    """An uploaded file on the disk, under its own name: faults are told with it."""
    folder.mkdir()
    # Of the name only its end has a meaning, and a stranger chose it.
    path = folder / (Path(file["name"].replace("\\", "/")).name[-100:] or "file")
    try:
        with path.open("wb") as target, context.store.reading() as session:
            for part in file["parts"]:
                target.write(blob(session, part))
    except (OSError, ValueError) as error:
        what = "A file cannot have this name."
        raise DataError([Problem("upload", what, "Use letters, digits and a usual ending.")]) from error
    return path


TASKS: Mapping[str, Task] = {
    "read": read,
    "propose": propose,
    "compare": compare,
    "front": front,
    "calls": plan_weeks,
    layers.KIND: layers.write_layers,
    backups.KIND: backups.make,
    "wait": wait,
}
