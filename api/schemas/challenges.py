"""Challenges and their answers."""

from __future__ import annotations

from typing import Literal

from api.schemas.parts import Key, Sent, Shown, Text


class ChallengeRequest(Sent):
    """A customer that I should keep."""

    customer_id: Key
    note: Text = ""


class ChallengeAnswer(Sent):
    """The manager's answer."""

    status: Literal["accepted", "refused", "open"]
    answer: Text = ""


class ChallengeShown(Shown):
    """A challenge."""

    challenge_id: str
    portfolio_id: str
    customer_id: str
    rep_id: str | None
    territory: str
    note: str
    price: float | None
    status: Literal["open", "accepted", "refused"]
    answer: str
    revision: int
    created_by: str
    created_at: float
