"""Proposals: asking for one, changing it by hand step by step, deciding on its moves, handing it on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd
import sqlalchemy as sa

import territory
from api.content import Parts, encode_proposal
from api.planning.desk import Desk, check_revision, etag, stale
from api.planning.listing import Listing
from api.planning.portfolios import ground, opened
from api.planning.roads import need_roads
from api.planning.sentences import move_zh
from api.problems import ConflictError, UnknownError
from api.store import Job, Plan, PlanState, StoredPortfolio, advance, keep_blobs, new_id, now
from territory.model import Proposal

PLANNING, READY, SUBMITTED, APPROVED, REJECTED, PUBLISHED = (
    "planning",
    "ready",
    "submitted",
    "approved",
    "rejected",
    "published",
)
STEPS = {
    "submit": ((READY,), SUBMITTED),
    "approve": ((READY, SUBMITTED), APPROVED),
    "reject": ((SUBMITTED, APPROVED), REJECTED),
    "reopen": ((SUBMITTED, APPROVED, REJECTED), READY),
}
"""step -> the statuses that it is taken from, and the one that it leads to."""
REFUSED, OPEN = "refused", "open"
_DONE = {"submit": "submitted", "approve": "approved", "reject": "rejected", "reopen": "reopened"}


def propose(desk: Desk, portfolio_id: str, *, name: str, comment: str, parameters: Mapping[str, Any]) -> Plan:
    """Ask for a plan of a portfolio; a job makes it.

    Parameters
    ----------
    parameters : tolerance, max_moved, seed, travel, territories, handover, effort, as for `territory.realign`, and
        `territory.align` when there are territories
    """
    stored, _ = opened(desk, portfolio_id)
    need_roads(desk.settings, parameters["travel"])
    plan = new_plan(desk, stored, str(stored.snapshot), name=name, comment=comment, parameters=parameters)
    job = desk.start("propose", {"proposal_id": plan.id}, resource=f"/v1/proposals/{plan.id}", portfolio_id=stored.id)
    plan.job_id = job.id
    desk.record("proposal.asked", plan.id, stored.id, parameters=dict(parameters))
    return plan


def new_plan(
    desk: Desk,
    stored: StoredPortfolio,
    snapshot: str,
    *,
    name: str,
    comment: str = "",
    parameters: Mapping[str, Any],
    scenario_id: str | None = None,
) -> Plan:
    """The row of a plan that is still to be made."""
    plan = Plan(
        id=new_id("proposal"),
        portfolio_id=stored.id,
        name=name,
        status=PLANNING,
        base_snapshot=snapshot,
        base_number=stored.number,
        scenario_id=scenario_id,
        parameters=dict(parameters),
        position=0,
        summary={},
        comment=comment,
        revision=1,
        created_by=desk.who.user_id,
        created_at=now(),
    )
    desk.write().add(plan)
    return plan


def listed(desk: Desk, portfolio_id: str, after: str | None, limit: int) -> tuple[list[Plan], int, str | None]:
    """The proposals of a portfolio, the latest first: a page, how many there are, and where the next begins."""
    stored = desk.portfolio(portfolio_id)
    of_it = Plan.portfolio_id == stored.id
    count = desk.read().scalar(sa.select(sa.func.count()).select_from(Plan).where(of_it)) or 0
    page = sa.select(Plan).where(of_it).order_by(Plan.id.desc()).limit(limit + 1)
    plans = list(desk.read().scalars(page if after is None else page.where(Plan.id < after)))
    return plans[:limit], count, plans[limit - 1].id if len(plans) > limit else None


def status(desk: Desk, plan: Plan) -> tuple[str, Job | None]:
    """The plan's status; while it is made, or could not be, with the job."""
    if plan.status != PLANNING:
        return plan.status, None
    job = desk.read().get(Job, plan.job_id) if plan.job_id else None
    is_over = job is not None and job.status in ("failed", "cancelled")
    return (job.status if job is not None and is_over else PLANNING), job


def summary_of(proposal: Proposal) -> dict[str, Any]:
    """The figures of a proposal by which people choose, as JSON."""
    figures = territory.tabulate({"plan": proposal}).iloc[0]
    kept = {name: _plain(value) for name, value in figures.items() if not str(name).startswith("change_")}
    return {
        **kept,
        "moves": len(proposal.moves),
        "tolerance": dict(proposal.tolerance),
        "travel": proposal.travel,
        "seed": proposal.seed,
        "seconds": round(proposal.seconds, 3),
        "is_within_tolerance": not proposal.reasons,
        "reasons": [asdict(reason) for reason in proposal.reasons],
        "locked": len(proposal.locks),
    }


def opened_plan(desk: Desk, proposal_id: str) -> tuple[Plan, StoredPortfolio, Proposal, dict[str, Any]]:
    """A plan that has been made: its row, its portfolio's, what it is, and the notes on it."""
    plan, stored = desk.plan(proposal_id)
    if plan.status == PLANNING:
        raise ConflictError("The proposal has not been made yet; see its status.")
    state = desk.read().get_one(PlanState, (plan.id, plan.position))
    proposal, notes = desk.content_of_plan(state.state, plan.base_snapshot)
    return plan, stored, proposal, notes


def adjust(
    desk: Desk,
    proposal_id: str,
    revision: int | None,
    *,
    move: Mapping[str, str],
    lock: Iterable[str],
    unlock: Iterable[str],
) -> Plan:
    """Move and lock single customers by hand; it can be undone."""
    plan, _, proposal, notes = _editable(desk, proposal_id, revision)
    locking, unlocking = list(lock), list(unlock)
    adjusted = territory.adjust(proposal, move=dict(move), lock=locking, unlock=unlocking)
    moved = set(move)
    # A customer that a hand has moved is not the plan's move any more, which somebody may have decided on.
    kept = {
        kind: {name: value for name, value in notes.get(kind, {}).items() if name not in moved}
        for kind in ("decisions", "refused")
    }
    action = {"action": "adjusted", "move": dict(move), "lock": locking, "unlock": unlocking}
    return _step(desk, plan, revision, adjusted, kept, action)


def decide(desk: Desk, proposal_id: str, customer_id: str, revision: int | None, decision: str) -> Plan:
    """Accept or refuse one move, or leave it open again. A customer whose move is refused stays where it is today."""
    plan, _, proposal, notes = _editable(desk, proposal_id, revision)
    refused = dict(notes.get("refused", {}))
    decisions = {name: value for name, value in notes.get("decisions", {}).items() if name != customer_id}
    row = refused.get(customer_id) or _move_of(proposal, customer_id)
    if row is None:
        raise UnknownError(f"The proposal does not move the customer '{customer_id}'.")
    if decision == REFUSED and customer_id not in refused:
        proposal = territory.adjust(proposal, move={customer_id: row["from"]})
        refused[customer_id] = row
    elif decision != REFUSED and customer_id in refused:
        proposal = territory.adjust(proposal, move={customer_id: row["to"]})
        del refused[customer_id]
    if decision != OPEN:
        decisions[customer_id] = decision
    action = {"action": decision, "customer_id": customer_id}
    return _step(desk, plan, revision, proposal, {"decisions": decisions, "refused": refused}, action)


def undo(desk: Desk, proposal_id: str, revision: int | None) -> Plan:
    """Take the last step back."""
    return _go(desk, proposal_id, revision, -1)


def redo(desk: Desk, proposal_id: str, revision: int | None) -> Plan:
    """Do again what was undone last."""
    return _go(desk, proposal_id, revision, +1)


def steps(desk: Desk, plan: Plan) -> tuple[int, int]:
    """How many steps can be undone, and how many redone."""
    last = desk.read().scalar(sa.select(sa.func.max(PlanState.number)).where(PlanState.proposal_id == plan.id))
    return plan.position, (last or 0) - plan.position


def history(desk: Desk, proposal_id: str) -> list[PlanState]:
    """Every step made by hand that stands or can be redone."""
    plan, _ = desk.plan(proposal_id)
    return list(
        desk.read().scalars(sa.select(PlanState).where(PlanState.proposal_id == plan.id).order_by(PlanState.number))
    )


def hand_on(desk: Desk, proposal_id: str, revision: int | None, step: str, comment: str) -> Plan:
    """Submit, approve, reject or reopen a proposal."""
    plan, stored = desk.plan(proposal_id)
    found = _checked(desk, plan, revision)
    sources, target = STEPS[step]
    if plan.status not in sources:
        raise ConflictError(f"It is {status(desk, plan)[0]}; only what is {' or '.join(sources)} can be {_DONE[step]}.")
    values = {"status": target} | ({"comment": comment} if comment else {})
    changed = _advanced(desk, plan, found, **values)
    desk.record(f"proposal.{_DONE[step]}", plan.id, stored.id, comment=comment)
    return changed


def rename(desk: Desk, proposal_id: str, revision: int | None, values: Mapping[str, str]) -> Plan:
    """Change a proposal's name or comment."""
    plan, stored = desk.plan(proposal_id)
    changed = _advanced(desk, plan, _checked(desk, plan, revision), **values)
    desk.record("proposal.renamed", plan.id, stored.id, **values)
    return changed


def remove(desk: Desk, proposal_id: str, revision: int | None) -> None:
    """Throw a proposal away; what was published stays."""
    plan, stored = desk.plan(proposal_id)
    _checked(desk, plan, revision)
    if plan.status == PUBLISHED:
        raise ConflictError("It is published, and so belongs to the history.")
    desk.write().execute(sa.delete(Plan).where(Plan.id == plan.id))
    desk.record("proposal.removed", plan.id, stored.id, name=plan.name)


# ---- what is in it


def moves(desk: Desk, proposal_id: str) -> Listing:
    """Each move with its reason, price and runner-up, and what was decided on it; refused ones are listed too."""
    plan, _, proposal, notes = opened_plan(desk, proposal_id)
    name = f"moves:{plan.id}:{plan.revision}"
    listing: Listing = desk.shelf.derived(
        name, lambda: Listing.of(_moves(proposal, notes), f"{plan.id}.{plan.revision}.moves")
    )
    return listing


def explained_moves(proposal: Proposal) -> pd.DataFrame:
    """The moves of a proposal with their reasons as figures, and in Chinese as well."""
    names = {"kind": "why", "balance": "staying_balance", "distance": "staying_distance", "minutes": "staying_minutes"}
    moves = proposal.moves.join(territory.explain_moves(proposal).rename(columns=names), on="customer_id")
    return moves.assign(reason_zh=pd.array([move_zh(row) for row in moves.to_dict("records")], dtype="str"))


def _moves(proposal: Proposal, notes: Mapping[str, Any]) -> pd.DataFrame:
    decisions = notes.get("decisions", {})
    table = explained_moves(proposal)
    refused = pd.DataFrame(list(notes.get("refused", {}).values()), columns=list(table.columns))
    if len(refused):
        table = pd.concat([table, refused.astype(table.dtypes.to_dict())], ignore_index=True)
        order = proposal.portfolio.customers.index.get_indexer(table["customer_id"]).argsort(kind="stable")
        table = table.iloc[order]
    names = proposal.portfolio.customers["name"].reindex(table["customer_id"]).to_numpy()
    decided = [decisions.get(customer_id, OPEN) for customer_id in table["customer_id"]]
    return table.assign(name=pd.array(names, dtype="str"), decision=decided).set_index("customer_id")


def territories(desk: Desk, proposal_id: str) -> Listing:
    """What each territory holds after the plan and, as ``today_...``, before it."""
    plan, _, proposal, _ = opened_plan(desk, proposal_id)

    def make() -> Listing:
        shapes = ground(proposal.portfolio, proposal.alignment, proposal.after.index)
        return Listing.of(_with_today(proposal), f"{plan.id}.{plan.revision}.territories", shapes)

    listing: Listing = desk.shelf.derived(f"plan:{plan.id}:{plan.revision}", make)
    return listing


def totals(desk: Desk, proposal_id: str) -> list[dict[str, Any]]:
    """The rows of `territories`, without their ground: what changes at once when somebody moves a customer."""
    _, _, proposal, _ = opened_plan(desk, proposal_id)
    return Listing.of(_with_today(proposal), "").records()


def _with_today(proposal: Proposal) -> pd.DataFrame:
    if proposal.before is None:
        return proposal.after
    today = proposal.before.drop(columns=["rep_id", "share"]).add_prefix("today_")
    return proposal.after.join(today)


def alignment(desk: Desk, proposal_id: str) -> Listing:
    """Every customer's territory in the plan, and today's."""
    plan, _, proposal, _ = opened_plan(desk, proposal_id)
    today = proposal.portfolio.alignment.rename("today")
    table = proposal.alignment.rename("territory").to_frame().join(today).rename_axis("customer_id")
    return Listing.of(table, f"{plan.id}.{plan.revision}.alignment")


# ---- steps


def _editable(
    desk: Desk, proposal_id: str, revision: int | None
) -> tuple[Plan, StoredPortfolio, Proposal, dict[str, Any]]:
    plan, stored, proposal, notes = opened_plan(desk, proposal_id)
    _checked(desk, plan, revision)
    if plan.status != READY:
        raise ConflictError(f"It is {plan.status}; reopen it to change it.")
    return plan, stored, proposal, notes


def _checked(desk: Desk, plan: Plan, revision: int | None) -> int:
    return check_revision(revision, plan.revision, lambda: shown(desk, plan), etag(plan, status(desk, plan)[0]))


def shown(desk: Desk, plan: Plan) -> dict[str, Any]:
    """A proposal as JSON."""
    state, job = status(desk, plan)
    undos, redos = steps(desk, plan) if job is None else (0, 0)
    return {
        "proposal_id": plan.id,
        "portfolio_id": plan.portfolio_id,
        "name": plan.name,
        "status": state,
        "progress": None if job is None else job.progress,
        "stage": None if job is None else job.stage,
        "job": None if job is None else f"/v1/jobs/{job.id}",
        "problem": None if job is None else job.problem,
        "base_number": plan.base_number,
        "scenario_id": plan.scenario_id,
        "parameters": plan.parameters,
        "summary": plan.summary,
        "comment": plan.comment,
        "alignment_id": plan.alignment_id,
        "can_undo": undos,
        "can_redo": redos,
        "revision": plan.revision,
        "created_by": plan.created_by,
        "created_at": plan.created_at,
    }


def _step(
    desk: Desk,
    plan: Plan,
    revision: int | None,
    proposal: Proposal,
    notes: Mapping[str, Any],
    action: dict[str, Any],
) -> Plan:
    """Make `proposal` the state that stands; what could have been redone is gone."""
    parts = Parts({})
    state, summary = encode_proposal(proposal, parts, notes), summary_of(proposal)
    number = plan.position + 1
    changed = _advanced(desk, plan, plan.revision, position=number, summary=summary)
    session = desk.write()
    session.execute(sa.delete(PlanState).where(PlanState.proposal_id == plan.id, PlanState.number >= number))
    keep_blobs(session, parts.by_name)
    session.add(
        PlanState(
            proposal_id=plan.id,
            number=number,
            state=state,
            action=action,
            summary=summary,
            made_by=desk.who.user_id,
            made_at=now(),
        )
    )
    session.flush()
    return changed


def _go(desk: Desk, proposal_id: str, revision: int | None, by: int) -> Plan:
    plan, _, _, _ = _editable(desk, proposal_id, revision)
    state = desk.read().get(PlanState, (plan.id, plan.position + by))
    if state is None:
        raise ConflictError("There is nothing to undo." if by < 0 else "There is nothing to redo.")
    return _advanced(desk, plan, plan.revision, position=state.number, summary=state.summary)


def _advanced(desk: Desk, plan: Plan, revision: int, **values: Any) -> Plan:
    if not advance(desk.write(), Plan, plan.id, revision, **values):
        # Between our reading and our writing somebody else was there.
        current = desk.write().get(Plan, plan.id, populate_existing=True)
        if current is None:
            raise UnknownError("There is no such proposal.")
        raise stale(revision, current.revision, shown(desk, current), etag(current, status(desk, current)[0]))
    return desk.write().get_one(Plan, plan.id, populate_existing=True)


def _move_of(proposal: Proposal, customer_id: str) -> dict[str, Any] | None:
    moves = explained_moves(proposal)
    found = moves[moves["customer_id"] == customer_id]
    return None if found.empty else Listing.of(found.set_index("customer_id"), "").records()[0]


def _plain(value: Any) -> Any:
    if isinstance(value, str | bool) or value is None:
        return value
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value
