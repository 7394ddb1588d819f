"""Maps of portfolios and proposals as pages: folium's, with the nonce by which the browser lets their scripts run."""

from __future__ import annotations

import re

import orjson

import territory
from api.planning.desk import Desk
from api.planning.names import Language, plan_name
from api.planning.portfolios import opened
from api.planning.proposals import opened_plan
from api.problems import ForbiddenError

_OPENING = re.compile(r"<(script|style)(?=[\s>])")


def portfolio_map(desk: Desk, portfolio_id: str, language: Language) -> tuple[str, str]:
    """The page of today's territories, without nonces, and its version."""
    stored, portfolio = opened(desk, portfolio_id)
    if desk.who.is_rep:
        raise ForbiddenError("The map shows everybody's customers.")
    version = f"map.{str(stored.snapshot)[:16]}.{language}"
    return desk.shelf.derived(version, lambda: _rendered(portfolio, language, stored.name)), version


def proposal_map(desk: Desk, proposal_id: str, language: Language) -> tuple[str, str]:
    """The page of a proposal, before and after, without nonces, and its version."""
    plan, stored, proposal, _ = opened_plan(desk, proposal_id)
    version = f"map.{plan.id}.{plan.revision}.{language}"
    title = plan_name(plan.name, language) or stored.name
    return desk.shelf.derived(version, lambda: _rendered(proposal, language, title)), version


def portfolio_scene(desk: Desk, portfolio_id: str) -> tuple[bytes, str]:
    """Today's territories as `territory.maps` draws them, as JSON, and their version."""
    stored, portfolio = opened(desk, portfolio_id)
    if desk.who.is_rep:
        raise ForbiddenError("The map shows everybody's customers.")
    version = f"scene.{str(stored.snapshot)[:16]}"
    return desk.shelf.derived(version, lambda: _described(portfolio)), version


def proposal_scene(desk: Desk, proposal_id: str) -> tuple[bytes, str]:
    """A proposal as `territory.maps` draws it, before and after, as JSON, and its version."""
    plan, _, proposal, _ = opened_plan(desk, proposal_id)
    version = f"scene.{plan.id}.{plan.revision}"
    return desk.shelf.derived(version, lambda: _described(proposal)), version


def with_nonce(page: str, nonce: str) -> str:
    """The page with the nonce on each script and style of its own.

    Data in the page cannot be mistaken for a tag: it stands in JSON in which every ``<`` is written as an escape.
    """
    return _OPENING.sub(rf'<\1 nonce="{nonce}"', page)


def _rendered(plan: territory.Proposal | territory.Portfolio, language: Language, title: str) -> str:
    page: str = territory.draw_map(plan, language=language, title=title).get_root().render()
    return page


def _described(plan: territory.Proposal | territory.Portfolio) -> bytes:
    from territory.maps.payload import describe_plan

    return orjson.dumps(describe_plan(plan, travel=None, crs="wgs84"))
