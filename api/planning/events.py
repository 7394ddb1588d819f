"""Webhooks: what happens is written for each of them in the transaction in which it happens, and sent by the worker."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.store import AuditEntry, Delivery, Webhook, new_id

EVENTS = (
    "portfolio.ready",
    "proposal.ready",
    "proposal.submitted",
    "proposal.approved",
    "proposal.rejected",
    "alignment.published",
    "challenge.made",
    "challenge.answered",
    "calls.ready",
    "visit.finished",
)
"""What a webhook may ask to be told."""


def tell(session: Session, entry: AuditEntry) -> None:
    """Write a delivery for each webhook that wants to hear of this."""
    if entry.action not in EVENTS:
        return
    payload = {
        "id": entry.id,
        "event": entry.action,
        "at": entry.at,
        "object_id": entry.object_id,
        "portfolio_id": entry.portfolio_id,
        "details": entry.details,
    }
    for webhook in session.scalars(sa.select(Webhook)):
        if entry.action in webhook.events:
            session.add(
                Delivery(
                    id=new_id("delivery"),
                    webhook_id=webhook.id,
                    event=entry.action,
                    payload=payload,
                    attempts=0,
                    due_at=entry.at,
                )
            )
