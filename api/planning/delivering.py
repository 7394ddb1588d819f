"""Webhooks on their way: signed, tried again with longer and longer waits, never anywhere but to configured hosts."""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import orjson
import sqlalchemy as sa

from api.settings import Settings
from api.store import Delivery, Store, Webhook, now

log = logging.getLogger(__name__)

SIGNATURE = "Territory-Signature"
MOST_ATTEMPTS = 8
_FIRST_WAIT_SECONDS, _TIMEOUT_SECONDS, _AT_ONCE = 10.0, 5.0, 20


@dataclass(frozen=True)
class _Message:
    delivery_id: str
    url: str
    secret: str
    body: bytes
    attempts: int


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would lead to a host that nobody has configured."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


_OPENER = build_opener(_NoRedirect)


def signature(secret: str, at: int, body: bytes) -> str:
    """``t=seconds,v1=HMAC-SHA256`` over the time, a dot and the body: who knows the secret can tell that we sent it."""
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def deliver(store: Store, settings: Settings) -> None:
    """Send what is due; each message at least once, with an id by which the receiver knows it again."""
    for message in _due(store, settings):
        answer, is_delivered = _send(message)
        wait = _FIRST_WAIT_SECONDS * 4**message.attempts
        with store.writing() as session:
            session.execute(
                sa.update(Delivery)
                .where(Delivery.id == message.delivery_id)
                .values(
                    attempts=message.attempts + 1,
                    last_answer=answer,
                    delivered_at=now() if is_delivered else None,
                    due_at=now() + wait,
                )
            )


def _due(store: Store, settings: Settings) -> list[_Message]:
    with store.reading() as session:
        rows = session.execute(
            sa.select(Delivery, Webhook)
            .join(Webhook, Webhook.id == Delivery.webhook_id)
            .where(Delivery.delivered_at.is_(None), Delivery.attempts < MOST_ATTEMPTS, Delivery.due_at <= now())
            .order_by(Delivery.id)
            .limit(_AT_ONCE)
        ).all()
    return [
        _Message(delivery.id, webhook.url, webhook.secret, orjson.dumps(delivery.payload), delivery.attempts)
        for delivery, webhook in rows
        if urlsplit(webhook.url).hostname in settings.webhook_hosts
    ]


def _send(message: _Message) -> tuple[str, bool]:
    """What was answered, and whether it has arrived."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "territory-planner",
        SIGNATURE: signature(message.secret, int(now()), message.body),
    }
    request = Request(message.url, data=message.body, headers=headers, method="POST")
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return str(response.status), 200 <= response.status < 300
    except (URLError, HTTPException, OSError) as error:
        log.warning("a webhook did not answer: %s", error)
        return str(error)[:200], False
