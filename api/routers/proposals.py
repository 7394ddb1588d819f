"""Proposals, their moves, and the steps from a plan to what holds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from api.exchange import IfMatch, Json, represent
from api.exchange.formats import GEO, document
from api.planning import proposals, publishing
from api.planning.desk import Desk, etag
from api.routers.parts import (
    LISTED,
    SHOWN,
    USUAL_PAGE,
    After,
    AnyUser,
    CustomerId,
    Limit,
    Lists,
    Manager,
    Offset,
    PageSize,
    Planner,
    RowId,
    Things,
    router,
)
from api.routers.parts import Form as Format
from api.routers.portfolios import TABLE, document_of
from api.schemas import (
    LARGEST_SEED,
    AdjustedShown,
    AdjustRequest,
    AlignmentShown,
    Decision,
    Key,
    Many,
    ProposalRequest,
    ProposalShown,
    PublishRequest,
    Renaming,
    RevertRequest,
    Step,
)
from api.store import Plan

routes = router("proposals")


def shown(desk: Desk, plan: Plan) -> tuple[dict[str, Any], str]:
    """A proposal as JSON, and its ETag."""
    return proposals.shown(desk, plan), etag(plan, *proposals.status(desk, plan))


@routes.post("/portfolios/{portfolio_id}/proposals", status_code=202, response_model=ProposalShown)
def propose(portfolio_id: RowId, desk: Planner, ask: ProposalRequest) -> Response:
    """Start a realignment; poll the Location until its status is `ready`."""
    plan = proposals.propose(desk, portfolio_id, name=ask.name, comment=ask.comment, parameters=ask.parameters())
    return document_of(*shown(desk, plan), 202, f"/v1/proposals/{plan.id}")


@routes.get("/portfolios/{portfolio_id}/proposals", response_model=Many[ProposalShown], responses=LISTED)
def list_proposals(
    portfolio_id: RowId, desk: Planner, lists: Lists, after: After = None, limit: PageSize = USUAL_PAGE
) -> Response:
    """The proposals of a portfolio, the latest first."""
    page, count, last = proposals.listed(desk, portfolio_id, after, limit)
    items = [proposals.shown(desk, plan) for plan in page]
    return lists.page(items, count, last)


@routes.get("/proposals/{proposal_id}", response_model=ProposalShown, responses=SHOWN)
def get_proposal(proposal_id: RowId, desk: Planner, things: Things) -> Response:
    """A proposal: its status and progress, and when it is ready its figures."""
    return things.show(*shown(desk, desk.plan(proposal_id)[0]))


@routes.patch("/proposals/{proposal_id}", response_model=ProposalShown)
def rename(request: Request, proposal_id: RowId, desk: Planner, revision: IfMatch, ask: Renaming) -> Response:
    """Change a proposal's name or comment."""
    plan = proposals.rename(desk, proposal_id, revision, ask.model_dump(exclude_none=True))
    return document(request, *shown(desk, plan))


@routes.delete("/proposals/{proposal_id}", status_code=204)
def remove(proposal_id: RowId, desk: Planner, revision: IfMatch) -> Response:
    """Throw a proposal away."""
    proposals.remove(desk, proposal_id, revision)
    return Response(status_code=204)


@routes.get("/proposals/{proposal_id}/moves", responses=TABLE)
def moves(
    request: Request, proposal_id: RowId, desk: Planner, offset: Offset = 0, limit: Limit = None, f: Format = None
) -> Response:
    """Each move with its reason, price, runner-up and what was decided on it."""
    return represent(request, proposals.moves(desk, proposal_id), offset=offset, limit=limit, title="Moves")


@routes.put("/proposals/{proposal_id}/moves/{customer_id:path}", response_model=AdjustedShown)
def decide(
    request: Request, proposal_id: RowId, customer_id: CustomerId, desk: Planner, revision: IfMatch, ask: Decision
) -> Response:
    """Accept or refuse one move; a customer whose move is refused stays where it is today."""
    plan = proposals.decide(desk, proposal_id, customer_id, revision, ask.decision)
    return _adjusted(request, desk, plan)


@routes.post("/proposals/{proposal_id}/adjust", response_model=AdjustedShown)
def adjust(request: Request, proposal_id: RowId, desk: Planner, revision: IfMatch, ask: AdjustRequest) -> Response:
    """Move and lock customers by hand, and see at once what each territory holds then."""
    plan = proposals.adjust(desk, proposal_id, revision, move=ask.move, lock=ask.lock, unlock=ask.unlock)
    return _adjusted(request, desk, plan)


@routes.post("/proposals/{proposal_id}/undo", response_model=AdjustedShown)
def undo(request: Request, proposal_id: RowId, desk: Planner, revision: IfMatch) -> Response:
    """Take the last step back."""
    return _adjusted(request, desk, proposals.undo(desk, proposal_id, revision))


@routes.post("/proposals/{proposal_id}/redo", response_model=AdjustedShown)
def redo(request: Request, proposal_id: RowId, desk: Planner, revision: IfMatch) -> Response:
    """Do again what was undone last."""
    return _adjusted(request, desk, proposals.redo(desk, proposal_id, revision))


@routes.get("/proposals/{proposal_id}/steps", response_model=Many[dict[str, Any]], responses=LISTED)
def steps(proposal_id: RowId, desk: Planner, lists: Lists) -> Response:
    """What was done by hand, step by step; those after the position can be redone."""
    found = proposals.history(desk, proposal_id)
    items = [
        {"number": state.number, "made_by": state.made_by, "made_at": state.made_at, **state.action} for state in found
    ]
    return lists.whole(items)


@routes.get("/proposals/{proposal_id}/territories", responses=TABLE)
def territories(
    request: Request, proposal_id: RowId, desk: Planner, offset: Offset = 0, limit: Limit = None, f: Format = None
) -> Response:
    """What each territory holds after the plan and, as `today_...`, before it; as geojson, where it would lie."""
    listing = proposals.territories(desk, proposal_id)
    return represent(request, listing, offered=GEO, offset=offset, limit=limit, title="Territories of the proposal")


@routes.get("/proposals/{proposal_id}/alignment", responses=TABLE)
def alignment(
    request: Request, proposal_id: RowId, desk: Planner, offset: Offset = 0, limit: Limit = None, f: Format = None
) -> Response:
    """Every customer's territory in the plan."""
    listing = proposals.alignment(desk, proposal_id)
    return represent(request, listing, offset=offset, limit=limit, title="Alignment of the proposal")


@routes.post("/proposals/{proposal_id}/publish", status_code=201, response_model=AlignmentShown)
def publish(proposal_id: RowId, desk: Manager, revision: IfMatch, ask: PublishRequest) -> Response:
    """Make an approved proposal the portfolio's alignment from a date on."""
    version, _ = publishing.publish(desk, proposal_id, revision, effective_from=ask.effective_from, comment=ask.comment)
    return _published(version)


@routes.post("/proposals/{proposal_id}/submit", response_model=ProposalShown)
def submit(request: Request, proposal_id: RowId, desk: Planner, revision: IfMatch, ask: Step | None = None) -> Response:
    """Hand a proposal to the manager."""
    return _handed_on(request, desk, proposal_id, revision, "submit", ask)


@routes.post("/proposals/{proposal_id}/reopen", response_model=ProposalShown)
def reopen(request: Request, proposal_id: RowId, desk: Planner, revision: IfMatch, ask: Step | None = None) -> Response:
    """Take a proposal back to go on with it."""
    return _handed_on(request, desk, proposal_id, revision, "reopen", ask)


@routes.post("/proposals/{proposal_id}/approve", response_model=ProposalShown)
def approve(
    request: Request, proposal_id: RowId, desk: Manager, revision: IfMatch, ask: Step | None = None
) -> Response:
    """Approve a proposal, so that it can be published."""
    return _handed_on(request, desk, proposal_id, revision, "approve", ask)


@routes.post("/proposals/{proposal_id}/reject", response_model=ProposalShown)
def reject(request: Request, proposal_id: RowId, desk: Manager, revision: IfMatch, ask: Step | None = None) -> Response:
    """Reject a proposal, with a word why."""
    return _handed_on(request, desk, proposal_id, revision, "reject", ask)


@routes.get("/portfolios/{portfolio_id}/alignments", response_model=Many[AlignmentShown], responses=LISTED)
def alignments(portfolio_id: RowId, desk: AnyUser, lists: Lists) -> Response:
    """What has held, the latest first."""
    items = [publishing.shown(version) for version in publishing.history(desk, portfolio_id)]
    return lists.whole(items)


@routes.get("/alignments/{alignment_id}", response_model=AlignmentShown, responses=SHOWN)
def get_alignment(alignment_id: RowId, desk: AnyUser, things: Things) -> Response:
    """One version of a portfolio's alignment."""
    version, _ = publishing.one(desk, alignment_id)
    return things.show(publishing.shown(version), f'"{version.hash[:16]}"')


@routes.get("/alignments/{alignment_id}/customers", responses=TABLE)
def alignment_customers(
    request: Request, alignment_id: RowId, desk: AnyUser, offset: Offset = 0, limit: Limit = None, f: Format = None
) -> Response:
    """Every customer's territory in it; a rep sees who is his."""
    listing = publishing.customers_of(desk, alignment_id)
    return represent(request, listing, offset=offset, limit=limit, title="Alignment")


@routes.get("/portfolios/{portfolio_id}/difference", responses=TABLE)
def difference(
    request: Request,
    portfolio_id: RowId,
    desk: Planner,
    before: Key,
    after: Key,
    offset: Offset = 0,
    limit: Limit = None,
    f: Format = None,
) -> Response:
    """Who changes territory between two alignments (by number) or proposals (by id)."""
    listing = publishing.difference(desk, portfolio_id, before, after)
    return represent(request, listing, offset=offset, limit=limit, title="Difference")


@routes.get("/portfolios/{portfolio_id}/handovers", responses=TABLE)
def handovers(
    request: Request,
    portfolio_id: RowId,
    desk: AnyUser,
    number: Annotated[int | None, Query(ge=1, le=LARGEST_SEED)] = None,
    rep_id: Annotated[Key | None, Query(description="Whose: what this rep gives or takes.")] = None,
    offset: Offset = 0,
    limit: Limit = None,
    f: Format = None,
) -> Response:
    """Who hands which customer to whom in an alignment, the latest by default; a rep sees his own."""
    listing = publishing.handovers(desk, portfolio_id, number, rep_id)
    return represent(request, listing, offset=offset, limit=limit, title="Handovers")


@routes.post("/portfolios/{portfolio_id}/revert", status_code=201, response_model=AlignmentShown)
def revert(portfolio_id: RowId, desk: Manager, revision: IfMatch, ask: RevertRequest) -> Response:
    """Publish an older alignment once more; the ETag is the portfolio's."""
    version, _ = publishing.revert(
        desk,
        portfolio_id,
        revision,
        number=ask.number,
        effective_from=ask.effective_from,
        comment=ask.comment,
    )
    return _published(version)


def _published(version: Any) -> Response:
    return Json(publishing.shown(version), status_code=201, headers={"Location": f"/v1/alignments/{version.id}"})


def _adjusted(request: Request, desk: Desk, plan: Plan) -> Response:
    content, tag = shown(desk, plan)
    return document(request, {**content, "territories": proposals.totals(desk, plan.id)}, tag)


def _handed_on(
    request: Request, desk: Desk, proposal_id: str, revision: int | None, step: str, ask: Step | None
) -> Response:
    plan = proposals.hand_on(desk, proposal_id, revision, step, ask.comment if ask else "")
    return document(request, *shown(desk, plan))
