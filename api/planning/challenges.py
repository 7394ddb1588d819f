"""Challenges: a rep says "I should keep this customer"; the manager sees the price of it, and answers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from api.planning.desk import Desk, check_revision, etag
from api.planning.portfolios import opened, own_territories
from api.planning.publishing import handovers, price_of_keeping
from api.problems import ConflictError, UnknownError
from api.store import Challenge, advance, new_id, now

OPEN = "open"


def make(desk: Desk, portfolio_id: str, *, customer_id: str, note: str) -> Challenge:
    """Challenge the move of a customer that the latest alignment takes from one's territory (or brings to it)."""
    stored, portfolio = opened(desk, portfolio_id)
    listing = handovers(desk, portfolio_id, None)
    row = listing.record(customer_id)
    if row is None:
        raise UnknownError("The latest alignment moves no such customer of yours.")
    own = sorted(own_territories(desk, portfolio)) if desk.who.is_rep else [str(row["from"])]
    again = sa.select(Challenge.id).where(
        Challenge.portfolio_id == stored.id,
        Challenge.customer_id == customer_id,
        Challenge.created_by == desk.who.user_id,
        Challenge.status == OPEN,
    )
    if desk.read().scalar(again):
        raise ConflictError("You have challenged this move already; it waits for its answer.")
    challenge = Challenge(
        id=new_id("challenge"),
        portfolio_id=stored.id,
        customer_id=customer_id,
        rep_id=desk.who.rep_id,
        territory=own[0] if own else "",
        note=note,
        price=price_of_keeping(desk, stored, customer_id),
        status=OPEN,
        answer="",
        revision=1,
        created_by=desk.who.user_id,
        created_at=now(),
    )
    desk.write().add(challenge)
    desk.record("challenge.made", challenge.id, stored.id, customer_id=customer_id, note=note)
    return challenge


def listed(desk: Desk, portfolio_id: str) -> list[Challenge]:
    """The challenges of a portfolio, the latest first; a rep sees those that he has made."""
    stored = desk.portfolio(portfolio_id)
    query = sa.select(Challenge).where(Challenge.portfolio_id == stored.id).order_by(Challenge.id.desc())
    if desk.who.is_rep:
        query = query.where(Challenge.created_by == desk.who.user_id)
    return list(desk.read().scalars(query))


def one(desk: Desk, challenge_id: str) -> Challenge:
    """A challenge that this user may see."""
    challenge = desk.read().get(Challenge, challenge_id)
    if challenge is None or (desk.who.is_rep and challenge.created_by != desk.who.user_id):
        raise UnknownError("There is no such challenge.")
    desk.portfolio(challenge.portfolio_id)
    return challenge


def answer(desk: Desk, challenge_id: str, revision: int | None, *, status: str, text: str) -> Challenge:
    """Accept or refuse a challenge, or open it again."""
    challenge = one(desk, challenge_id)
    found = check_revision(revision, challenge.revision, lambda: shown(challenge), etag(challenge))
    if not advance(desk.write(), Challenge, challenge.id, found, status=status, answer=text):
        raise ConflictError("Somebody answered it at the same moment.")
    desk.record("challenge.answered", challenge.id, challenge.portfolio_id, status=status, answer=text)
    return desk.write().get_one(Challenge, challenge.id, populate_existing=True)


def shown(challenge: Challenge) -> dict[str, Any]:
    """A challenge as JSON."""
    return {
        "challenge_id": challenge.id,
        "portfolio_id": challenge.portfolio_id,
        "customer_id": challenge.customer_id,
        "rep_id": challenge.rep_id,
        "territory": challenge.territory,
        "note": challenge.note,
        "price": challenge.price,
        "status": challenge.status,
        "answer": challenge.answer,
        "revision": challenge.revision,
        "created_by": challenge.created_by,
        "created_at": challenge.created_at,
    }
