"""Scenarios: what would be if. A scenario is a list of changes; compared, each becomes a proposal of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

import territory
from api.content import Parts, encode_portfolio
from api.planning.desk import Desk, check_revision, etag
from api.planning.listing import Listing
from api.planning.names import TODAY
from api.planning.portfolios import opened
from api.planning.proposals import new_plan
from api.planning.roads import need_roads
from api.problems import ConflictError, UnknownError
from api.store import Comparison, Job, Scenario, StoredPortfolio, advance, keep_blobs, new_id, now
from territory.errors import DataError, Problem, TerritoryError
from territory.model import Portfolio, Proposal

_MOST_COMPARISONS = 50


@dataclass(frozen=True)
class _World:
    """A portfolio in a comparison; `own` is what holds for its plan alone."""

    name: str
    scenario_id: str | None
    portfolio: Portfolio
    own: dict[str, Any]


def _place(change: Mapping[str, Any]) -> Any:
    return change["customer_id"] if change.get("customer_id") is not None else (change["lon"], change["lat"])


CHANGES: Mapping[str, Callable[[Portfolio, Mapping[str, Any]], Portfolio]] = {
    "rep_leaves": lambda portfolio, change: portfolio.without_rep(change["rep_id"]),
    "rep_joins": lambda portfolio, change: portfolio.with_rep(
        change["rep_id"],
        at=_place(change),
        territory=change.get("territory"),
        share=change.get("share", 1.0),
        capacity_hours_per_week=change.get("capacity_hours_per_week"),
        name=change.get("name"),
    ),
    "rep_moves": lambda portfolio, change: portfolio.with_reps_moved({change["rep_id"]: _place(change)}),
    "rep_part_time": lambda portfolio, change: portfolio.half_time(change["rep_id"], change["share"]),
    "scaled": lambda portfolio, change: portfolio.scaled(change["column"], change["factor"], **change["where"]),
    "rules": lambda portfolio, change: portfolio.with_rules(**change["rules"]),
    "customers_leave": lambda portfolio, change: portfolio.without_customers(change["customer_ids"], **change["where"]),
    "territories": lambda portfolio, _change: portfolio,
}
"""kind of change -> what it does to a portfolio; another number of territories changes how it is planned."""
_OWN = ("tolerance", "territories")
_IN_ORDER = (
    *("scenario", "label", "proposal_id", "territories", "customers"),
    *("max_deviation_potential", "max_deviation_workload", "moved_customers", "moved_potential", "moved_relation"),
    *("mean_km", "travel_hours", "workload_hours", "workload_peak_hours", "capacity_use_mean", "capacity_use_max"),
    *("objective", "lower_bound", "gap", "contiguous", "reasons"),
)
"""How the columns of plans side by side follow each other; others after them."""


def changed(portfolio: Portfolio, changes: Sequence[Mapping[str, Any]]) -> Portfolio:
    """The portfolio after these changes, one after the other; a fault says which of them has it."""
    for number, change in enumerate(changes, 1):
        try:
            portfolio = CHANGES[change["change"]](portfolio, change)
        except TerritoryError as error:
            where = f"change {number} ({change['change']})"
            raise type(error)([Problem(f"{where}, {p.where}", p.what, p.fix, p.zh) for p in error.problems]) from error
    return portfolio


def create(desk: Desk, portfolio_id: str, *, name: str, changes: Sequence[Mapping[str, Any]]) -> Scenario:
    """Keep a scenario, after it was tried on the portfolio of today."""
    stored, portfolio = opened(desk, portfolio_id)
    changed(portfolio, changes)
    _refuse_taken(desk, stored, name)
    scenario = Scenario(
        id=new_id("scenario"),
        portfolio_id=stored.id,
        name=name,
        changes=[dict(change) for change in changes],
        revision=1,
        created_by=desk.who.user_id,
        created_at=now(),
    )
    desk.write().add(scenario)
    desk.record("scenario.created", scenario.id, stored.id, name=name)
    return scenario


def listed(desk: Desk, portfolio_id: str) -> list[Scenario]:
    """The scenarios of a portfolio, by name."""
    stored = desk.portfolio(portfolio_id)
    return list(
        desk.read().scalars(sa.select(Scenario).where(Scenario.portfolio_id == stored.id).order_by(Scenario.name))
    )


def one(desk: Desk, scenario_id: str) -> tuple[Scenario, StoredPortfolio]:
    """A scenario that this user may see."""
    scenario = desk.read().get(Scenario, scenario_id)
    if scenario is None or desk.who.is_rep:
        raise UnknownError("There is no such scenario.")
    return scenario, desk.portfolio(scenario.portfolio_id)


def edit(desk: Desk, scenario_id: str, revision: int | None, values: Mapping[str, Any]) -> Scenario:
    """Change a scenario's name or changes."""
    scenario, stored = one(desk, scenario_id)
    found = check_revision(revision, scenario.revision, lambda: shown(scenario), etag(scenario))
    if "changes" in values:
        changed(opened(desk, stored.id)[1], values["changes"])
    if values.get("name", scenario.name) != scenario.name:
        _refuse_taken(desk, stored, values["name"])
    if not advance(desk.write(), Scenario, scenario.id, found, **values):
        raise ConflictError("Somebody changed it at the same moment.")
    desk.record("scenario.changed", scenario.id, stored.id)
    return desk.write().get_one(Scenario, scenario.id, populate_existing=True)


def remove(desk: Desk, scenario_id: str, revision: int | None) -> None:
    """Throw a scenario away; proposals made of it stay."""
    scenario, stored = one(desk, scenario_id)
    check_revision(revision, scenario.revision, lambda: shown(scenario), etag(scenario))
    desk.write().execute(sa.delete(Scenario).where(Scenario.id == scenario.id))
    desk.record("scenario.removed", scenario.id, stored.id, name=scenario.name)


def shown(scenario: Scenario) -> dict[str, Any]:
    """A scenario as JSON."""
    return {
        "scenario_id": scenario.id,
        "portfolio_id": scenario.portfolio_id,
        "name": scenario.name,
        "changes": scenario.changes,
        "revision": scenario.revision,
        "created_by": scenario.created_by,
        "created_at": scenario.created_at,
    }


def compare(
    desk: Desk, portfolio_id: str, *, scenario_ids: Sequence[str], with_today: bool, parameters: Mapping[str, Any]
) -> Comparison:
    """Realign scenarios side by side, each into a proposal; a job does it."""
    stored, portfolio = opened(desk, portfolio_id)
    need_roads(desk.settings, parameters["travel"])
    worlds: list[_World] = [_World(TODAY, None, portfolio, {})] if with_today else []
    for asked in dict.fromkeys(scenario_ids):
        scenario, of = one(desk, asked)
        if of.id != stored.id:
            raise UnknownError("There is no such scenario of this portfolio.")
        world = changed(portfolio, scenario.changes)
        worlds.append(_World(scenario.name, scenario.id, world, _asked_by(scenario.changes)))
    comparison = Comparison(
        id=new_id("comparison"),
        portfolio_id=stored.id,
        base_snapshot=str(stored.snapshot),
        base_number=stored.number,
        parameters=dict(parameters),
        rows=[],
        created_by=desk.who.user_id,
        created_at=now(),
    )
    parts = Parts({})
    snapshots = [encode_portfolio(world.portfolio, parts) for world in worlds]
    session = desk.write()
    keep_blobs(session, parts.by_name)
    session.add(comparison)
    plans = [
        new_plan(
            desk,
            stored,
            snapshot,
            name=world.name,
            parameters={**parameters, **world.own},
            scenario_id=world.scenario_id,
        )
        for world, snapshot in zip(worlds, snapshots, strict=True)
    ]
    arguments = {"comparison_id": comparison.id, "proposal_ids": [plan.id for plan in plans]}
    resource = f"/v1/comparisons/{comparison.id}"
    job = desk.start("compare", arguments, resource=resource, portfolio_id=stored.id)
    comparison.job_id = job.id
    for plan in plans:
        plan.job_id = job.id
    desk.record("comparison.asked", comparison.id, stored.id, scenarios=[world.name for world in worlds])
    return comparison


def own_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Of a plan's parameters those that may differ from scenario to scenario, as `territory.simulate` takes them."""
    return {name: parameters[name] for name in _OWN if name in parameters}


def _asked_by(changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How a scenario is planned other than what it is compared with."""
    asked: dict[str, Any] = {}
    for change in changes:
        if change["change"] == "territories":
            asked["territories"] = change["count"]
        elif change["change"] == "rules" and "tolerance" in change["rules"]:
            asked["tolerance"] = None  # its own rules'
    return asked


def front(desk: Desk, portfolio_id: str, *, count: int, parameters: Mapping[str, Any]) -> Comparison:
    """Ask for several plans that trade travel, balance and moves; a job makes them, each a proposal of its own."""
    stored, _ = opened(desk, portfolio_id)
    need_roads(desk.settings, parameters["travel"])
    made = Comparison(
        id=new_id("comparison"),
        portfolio_id=stored.id,
        base_snapshot=str(stored.snapshot),
        base_number=stored.number,
        parameters={**parameters, "count": count},
        rows=[],
        created_by=desk.who.user_id,
        created_at=now(),
    )
    desk.write().add(made)
    resource = f"/v1/comparisons/{made.id}"
    job = desk.start("front", {"comparison_id": made.id}, resource=resource, portfolio_id=stored.id)
    made.job_id = job.id
    desk.record("comparison.asked", made.id, stored.id, count=count)
    return made


def comparisons(desk: Desk, portfolio_id: str) -> list[tuple[Comparison, Job | None]]:
    """The latest comparisons of a portfolio, each with its job."""
    stored = desk.portfolio(portfolio_id)
    query = (
        sa.select(Comparison, Job)
        .outerjoin(Job, Job.id == Comparison.job_id)
        .where(Comparison.portfolio_id == stored.id)
        .order_by(Comparison.id.desc())
        .limit(_MOST_COMPARISONS)
    )
    return [(found, job) for found, job in desk.read().execute(query)]


def plans(desk: Desk, comparison_id: str) -> Listing:
    """The plans of a comparison as a table."""
    found, _ = comparison(desk, comparison_id)
    # PostgreSQL keeps JSON's keys in an order of its own.
    told = {name for row in found.rows for name in row} | {"proposal_id"}
    columns = [name for name in _IN_ORDER if name in told]
    columns += sorted(told.difference(columns))
    values = {name: [row.get(name) for row in found.rows] for name in columns}
    return Listing(values, f"{found.id}.{len(found.rows)}", range(len(found.rows)), columns[0])


def comparison(desk: Desk, comparison_id: str) -> tuple[Comparison, Job | None]:
    """A comparison that this user may see, and its job."""
    found = desk.read().get(Comparison, comparison_id)
    if found is None or desk.who.is_rep:
        raise UnknownError("There is no such comparison.")
    desk.portfolio(found.portfolio_id)
    return found, desk.read().get(Job, found.job_id) if found.job_id else None


def rows_of(outcome: Mapping[str, Proposal], proposal_ids: Mapping[str, str]) -> list[dict[str, Any]]:
    """The scenarios side by side, one object each, with the proposal that each became."""
    rows = Listing.of(territory.tabulate(outcome), "").records()
    return [{**row, "proposal_id": proposal_ids[row["scenario"]]} for row in rows]


def _refuse_taken(desk: Desk, stored: StoredPortfolio, name: str) -> None:
    if name == TODAY:
        raise DataError([Problem("name", f"'{TODAY}' is the portfolio as it is.", "Choose another name.")])
    taken = sa.select(Scenario.id).where(Scenario.portfolio_id == stored.id, Scenario.name == name)
    if desk.read().scalar(taken):
        raise ConflictError(f"There is a scenario '{name}' already.")
