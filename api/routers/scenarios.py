"""What-ifs, their comparison, and the challenges of reps."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from api.exchange import IfMatch, represent
from api.exchange.formats import document
from api.planning import challenges, scenarios
from api.planning.desk import etag
from api.routers.parts import LISTED, SHOWN, AnyUser, Limit, Lists, Offset, Planner, RowId, Things, router
from api.routers.parts import Form as Format
from api.routers.portfolios import TABLE, document_of
from api.schemas import (
    ChallengeAnswer,
    ChallengeRequest,
    ChallengeShown,
    ComparisonRequest,
    ComparisonShown,
    FrontRequest,
    Many,
    ScenarioChange,
    ScenarioRequest,
    ScenarioShown,
)
from api.store import Comparison, Job

routes = router("scenarios")
challenge_routes = router("challenges")


@routes.post("/portfolios/{portfolio_id}/scenarios", status_code=201, response_model=ScenarioShown)
def create(portfolio_id: RowId, desk: Planner, ask: ScenarioRequest) -> Response:
    """Keep what would be if: a list of changes, tried on the portfolio of today."""
    changes = [change.model_dump(exclude_none=True) for change in ask.changes]
    scenario = scenarios.create(desk, portfolio_id, name=ask.name, changes=changes)
    return document_of(scenarios.shown(scenario), etag(scenario), 201, f"/v1/scenarios/{scenario.id}")


@routes.get("/portfolios/{portfolio_id}/scenarios", response_model=Many[ScenarioShown], responses=LISTED)
def list_scenarios(portfolio_id: RowId, desk: Planner, lists: Lists) -> Response:
    """The scenarios of a portfolio, by name."""
    items = [scenarios.shown(scenario) for scenario in scenarios.listed(desk, portfolio_id)]
    return lists.whole(items)


@routes.get("/scenarios/{scenario_id}", response_model=ScenarioShown, responses=SHOWN)
def get_scenario(scenario_id: RowId, desk: Planner, things: Things) -> Response:
    """One scenario."""
    scenario, _ = scenarios.one(desk, scenario_id)
    return things.show(scenarios.shown(scenario), etag(scenario))


@routes.patch("/scenarios/{scenario_id}", response_model=ScenarioShown)
def change(request: Request, scenario_id: RowId, desk: Planner, revision: IfMatch, ask: ScenarioChange) -> Response:
    """Change a scenario's name or changes."""
    values = ask.model_dump(exclude_none=True)
    scenario = scenarios.edit(desk, scenario_id, revision, values)
    return document(request, scenarios.shown(scenario), etag(scenario))


@routes.delete("/scenarios/{scenario_id}", status_code=204)
def remove(scenario_id: RowId, desk: Planner, revision: IfMatch) -> Response:
    """Throw a scenario away."""
    scenarios.remove(desk, scenario_id, revision)
    return Response(status_code=204)


@routes.post("/portfolios/{portfolio_id}/comparisons", status_code=202, response_model=ComparisonShown)
def compare(portfolio_id: RowId, desk: Planner, ask: ComparisonRequest) -> Response:
    """Realign scenarios side by side; poll the Location until its status is `ready`. Each becomes a proposal."""
    made = scenarios.compare(
        desk,
        portfolio_id,
        scenario_ids=ask.scenario_ids,
        with_today=ask.with_today,
        parameters=ask.parameters(),
    )
    content, tag = _comparison(*scenarios.comparison(desk, made.id))
    return document_of(content, tag, 202, f"/v1/comparisons/{made.id}")


@routes.post("/portfolios/{portfolio_id}/fronts", status_code=202, response_model=ComparisonShown)
def front(portfolio_id: RowId, desk: Planner, ask: FrontRequest) -> Response:
    """Several plans that trade travel, balance and moves; poll the Location until its status is `ready`."""
    made = scenarios.front(desk, portfolio_id, count=ask.count, parameters=ask.parameters())
    content, tag = _comparison(*scenarios.comparison(desk, made.id))
    return document_of(content, tag, 202, f"/v1/comparisons/{made.id}")


@routes.get("/portfolios/{portfolio_id}/comparisons", response_model=Many[ComparisonShown], responses=LISTED)
def list_comparisons(portfolio_id: RowId, desk: Planner, lists: Lists) -> Response:
    """The latest comparisons, what-ifs and fronts alike."""
    return lists.whole([_comparison(*each)[0] for each in scenarios.comparisons(desk, portfolio_id)])


@routes.get("/comparisons/{comparison_id}/plans", responses=TABLE)
def comparison_plans(
    request: Request, comparison_id: RowId, desk: Planner, offset: Offset = 0, limit: Limit = None, f: Format = None
) -> Response:
    """The plans of a comparison side by side, as a table."""
    listing = scenarios.plans(desk, comparison_id)
    return represent(request, listing, offset=offset, limit=limit, title="Side by side")


@routes.get("/comparisons/{comparison_id}", response_model=ComparisonShown, responses=SHOWN)
def get_comparison(comparison_id: RowId, desk: Planner, things: Things) -> Response:
    """Scenarios side by side, with the difference to the first."""
    return things.show(*_comparison(*scenarios.comparison(desk, comparison_id)))


def _comparison(found: Comparison, job: Job | None) -> tuple[dict[str, Any], str]:
    state = "planning" if job is None or job.status in ("queued", "running") else job.status
    content = {
        "comparison_id": found.id,
        "portfolio_id": found.portfolio_id,
        "status": "ready" if state == "done" else state,
        "progress": 0.0 if job is None else job.progress,
        "job": None if job is None else f"/v1/jobs/{job.id}",
        "problem": None if job is None else job.problem,
        "rows": found.rows,
        "parameters": found.parameters,
        "created_by": found.created_by,
        "created_at": found.created_at,
    }
    return content, f'"{content["status"]}.{content["progress"]:.3f}"'


@challenge_routes.post("/portfolios/{portfolio_id}/challenges", status_code=201, response_model=ChallengeShown)
def make(portfolio_id: RowId, desk: AnyUser, ask: ChallengeRequest) -> Response:
    """Say that a customer should not move; it shows what keeping it would cost."""
    challenge = challenges.make(desk, portfolio_id, customer_id=ask.customer_id, note=ask.note)
    return document_of(challenges.shown(challenge), etag(challenge), 201, f"/v1/challenges/{challenge.id}")


@challenge_routes.get("/portfolios/{portfolio_id}/challenges", response_model=Many[ChallengeShown], responses=LISTED)
def list_challenges(portfolio_id: RowId, desk: AnyUser, lists: Lists) -> Response:
    """The challenges, the latest first; a rep sees his own."""
    items = [challenges.shown(challenge) for challenge in challenges.listed(desk, portfolio_id)]
    return lists.whole(items)


@challenge_routes.get("/challenges/{challenge_id}", response_model=ChallengeShown, responses=SHOWN)
def get_challenge(challenge_id: RowId, desk: AnyUser, things: Things) -> Response:
    """One challenge."""
    challenge = challenges.one(desk, challenge_id)
    return things.show(challenges.shown(challenge), etag(challenge))


@challenge_routes.patch("/challenges/{challenge_id}", response_model=ChallengeShown)
def answer(request: Request, challenge_id: RowId, desk: Planner, revision: IfMatch, ask: ChallengeAnswer) -> Response:
    """Answer a challenge."""
    challenge = challenges.answer(desk, challenge_id, revision, status=ask.status, text=ask.answer)
    return document(request, challenges.shown(challenge), etag(challenge))
