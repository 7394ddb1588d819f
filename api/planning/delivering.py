"""Webhooks on their way: signed, tried again with longer and longer waits, never anywhere but to configured hosts."""

from __future__ import annotations

import hashlib
import hmac
import logging
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.settings import Settings
from api.store import Delivery, Store, Webhook, now

log = logging.getLogger(__name__)

SIGNATURE = "Territory-Signature"
MOST_ATTEMPTS = 8
_FIRST_WAIT_SECONDS, _TIMEOUT_SECONDS = 10.0, 5.0
_WEBHOOKS_AT_ONCE, _AT_A_TIME = 8, 20


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
    """Send what is due, to several webhooks at once; each message at least once, with an id that tells it again.

    A webhook gets its messages in the order in which they were written: one that it does not take is tried again
    after a while, with those behind it waiting. When it was tried `MOST_ATTEMPTS` times the webhook is off, and
    stays so until `resume`; nothing is lost meanwhile.
    """
    with store.reading() as session:
        found = [each for each in session.scalars(sa.select(Webhook)) if may_be_told(each.url, settings)]
    if found:
        with ThreadPoolExecutor(min(len(found), _WEBHOOKS_AT_ONCE)) as pool:
            list(pool.map(lambda webhook: _send_all(store, webhook), found))


def may_be_told(url: str, settings: Settings) -> bool:
    """Whether this is an address whose host the configuration names."""
    try:
        address = urlsplit(url)
        is_whole = address.port != 0 and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        return False
    return is_whole and address.hostname in settings.webhook_hosts


def waiting(session: Session, webhook_id: str) -> tuple[int, Delivery | None]:
    """How many messages wait for this webhook, and the first of them, which says how the last attempt went."""
    rows = sa.select(Delivery).where(Delivery.webhook_id == webhook_id, Delivery.delivered_at.is_(None))
    count = session.scalar(sa.select(sa.func.count()).select_from(rows.subquery())) or 0
    return count, session.scalars(rows.order_by(Delivery.id).limit(1)).first()


def is_given_up(delivery: Delivery) -> bool:
    """Whether this message was tried often enough."""
    return delivery.attempts >= MOST_ATTEMPTS


def resume(session: Session, webhook_id: str) -> None:
    """Try what waits for this webhook again, from the first message on."""
    session.execute(
        sa.update(Delivery)
        .where(Delivery.webhook_id == webhook_id, Delivery.delivered_at.is_(None))
        .values(attempts=0, due_at=now())
    )


def forget_delivered(session: Session, older_than_seconds: float) -> None:
    """Forget what has arrived long ago."""
    session.execute(sa.delete(Delivery).where(Delivery.delivered_at < now() - older_than_seconds))


def _send_all(store: Store, webhook: Webhook) -> None:
    """Send what is due to one webhook, up to the first message that it does not take."""
    for _ in range(_AT_A_TIME):
        delivery = _taken(store, webhook)
        if delivery is None:
            return
        answer, is_delivered = _send(webhook, delivery)
        with store.writing() as session:
            session.execute(
                sa.update(Delivery)
                .where(Delivery.id == delivery.id)
                .values(last_answer=answer, delivered_at=now() if is_delivered else None)
            )
        if not is_delivered:
            return


def _taken(store: Store, webhook: Webhook) -> Delivery | None:
    """The first message that waits, when it is due and no other worker has just taken it.

    The attempt is counted before it is made: a worker that dies in the middle of it is an attempt, too.
    """
    with store.reading() as session:
        _, head = waiting(session, webhook.id)
    if head is None or is_given_up(head) or head.due_at > now():
        return None
    with store.writing() as session:
        taken = session.execute(
            sa.update(Delivery)
            .where(Delivery.id == head.id, Delivery.attempts == head.attempts, Delivery.delivered_at.is_(None))
            .values(attempts=head.attempts + 1, due_at=now() + _FIRST_WAIT_SECONDS * 4**head.attempts)
            .returning(Delivery.id)
        ).first()
    return None if taken is None else head


def _send(webhook: Webhook, delivery: Delivery) -> tuple[str, bool]:
    """What was answered, and whether it has arrived."""
    body = orjson.dumps(delivery.payload)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "territory-planner",
        SIGNATURE: signature(webhook.secret, int(now()), body),
    }
    request = Request(webhook.url, data=body, headers=headers, method="POST")
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return str(response.status), 200 <= response.status < 300
    except (URLError, HTTPException, OSError) as error:
        log.warning("a webhook did not answer: %s", error)
        return str(error)[:200], False
