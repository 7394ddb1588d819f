"""What an admin does, and what everybody may know of himself."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from api import auth
from api.auth import ADMIN, Principal
from api.planning import delivering
from api.planning.desk import Desk, check_revision, etag
from api.planning.events import EVENTS
from api.problems import ConflictError, InvalidError, UnknownError
from api.store import AuditEntry, Token, User, Webhook, advance, new_id, now
from territory.errors import Problem


def user(desk: Desk, user_id: str) -> User:
    """A user by id."""
    found = desk.read().get(User, user_id)
    if found is None:
        raise UnknownError("There is no such user.")
    return found


def users(desk: Desk, after: str | None, limit: int) -> tuple[list[User], int, str | None]:
    """The users in the order they came: a page, how many there are, where the next begins."""
    count = desk.read().scalar(sa.select(sa.func.count()).select_from(User)) or 0
    query = sa.select(User).order_by(User.id).limit(limit + 1)
    found = list(desk.read().scalars(query if after is None else query.where(User.id > after)))
    return found[:limit], count, found[limit - 1].id if len(found) > limit else None


def change(desk: Desk, user_id: str, revision: int | None, changes: Mapping[str, Any]) -> User:
    """Change what a user is and may see."""
    found = user(desk, user_id)
    version = check_revision(revision, found.revision, lambda: shown_user(found), etag(found))
    nulls = [name for name, value in changes.items() if value is None and name != "rep_id"]
    if nulls:
        raise InvalidError(
            "A value is missing.", problems=[Problem(name, "It is null.", "Leave it out.") for name in nulls]
        )
    values = auth.update_user(desk.write(), found, changes)
    if not advance(desk.write(), User, found.id, version, **values):
        raise ConflictError("Somebody changed this user at the same moment.")
    desk.record("user.changed", found.id, changes=values)
    return desk.write().get_one(User, found.id, populate_existing=True)


def tokens(desk: Desk, user_id: str) -> list[Token]:
    """The tokens of a user: one's own, or as an admin anybody's."""
    return list(desk.read().scalars(sa.select(Token).where(Token.user_id == user_id).order_by(Token.id)))


def audit(desk: Desk, after: str | None, limit: int) -> tuple[list[AuditEntry], int, str | None]:
    """The audit, the latest first: a page, how many entries there are, where the next begins."""
    count = desk.read().scalar(sa.select(sa.func.count()).select_from(AuditEntry)) or 0
    query = sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit + 1)
    found = list(desk.read().scalars(query if after is None else query.where(AuditEntry.id < after)))
    return found[:limit], count, found[limit - 1].id if len(found) > limit else None


def webhooks(desk: Desk) -> list[Webhook]:
    """Where events are sent."""
    return list(desk.read().scalars(sa.select(Webhook).order_by(Webhook.id)))


def create_webhook(desk: Desk, url: str, events: list[str]) -> Webhook:
    """An address that is told of events; only hosts that the configuration names are told anything."""
    problems = []
    if not delivering.may_be_told(url, desk.settings):
        hosts = desk.settings.webhook_hosts
        fix = f"Configured are {', '.join(hosts) or 'none'} (TERRITORY_WEBHOOK_HOSTS)."
        problems.append(Problem("url", "It is no address, or its host is not configured for webhooks.", fix))
    problems += [
        Problem("events", f"There is no event '{name}'.", f"There are {', '.join(EVENTS)}.")
        for name in events
        if name not in EVENTS
    ]
    if problems:
        raise InvalidError("The webhook cannot be.", problems=problems)
    webhook = Webhook(
        id=new_id("webhook"),
        url=url,
        events=events,
        secret=secrets.token_urlsafe(32),
        created_by=desk.who.user_id,
        created_at=now(),
    )
    desk.write().add(webhook)
    desk.record("webhook.created", webhook.id, url=url)
    return webhook


def resume_webhook(desk: Desk, webhook_id: str) -> Webhook:
    """Try what waits for a webhook again, now."""
    webhook = _webhook(desk, webhook_id)
    delivering.resume(desk.write(), webhook.id)
    desk.record("webhook.resumed", webhook.id, url=webhook.url)
    desk.write().flush()
    return webhook


def remove_webhook(desk: Desk, webhook_id: str) -> None:
    """Send no more events there."""
    webhook = _webhook(desk, webhook_id)
    desk.write().execute(sa.delete(Webhook).where(Webhook.id == webhook_id))
    desk.record("webhook.removed", webhook_id, url=webhook.url)


def _webhook(desk: Desk, webhook_id: str) -> Webhook:
    webhook = desk.read().get(Webhook, webhook_id)
    if webhook is None:
        raise UnknownError("There is no such webhook.")
    return webhook


def shown_user(found: User) -> dict[str, Any]:
    """A user as JSON."""
    return {
        "user_id": found.id,
        "login": found.login,
        "name": found.name,
        "role": found.role,
        "regions": found.regions,
        "rep_id": found.rep_id,
        "must_change_password": found.must_change_password,
        "is_active": found.is_active,
        "has_company_rights": found.has_company_rights,
        "revision": found.revision,
        "created_at": found.created_at,
    }


def shown_principal(who: Principal) -> dict[str, Any]:
    """Oneself as JSON."""
    return {
        "user_id": who.user_id,
        "login": who.login,
        "name": who.name,
        "role": who.role,
        "regions": ["*"] if who.role == ADMIN else list(who.regions),
        "rep_id": who.rep_id,
        "must_change_password": who.must_change_password,
        "csrf": who.csrf,
    }


def shown_token(token: Token) -> dict[str, Any]:
    """A token as JSON, without its secret."""
    return {
        "token_id": token.id,
        "name": token.name,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
    }


def shown_entry(entry: AuditEntry) -> dict[str, Any]:
    """An entry of the audit as JSON."""
    return {
        "audit_id": entry.id,
        "at": entry.at,
        "user_id": entry.user_id,
        "action": entry.action,
        "object_id": entry.object_id,
        "portfolio_id": entry.portfolio_id,
        "details": entry.details,
        "request_id": entry.request_id,
    }


def shown_webhook(desk: Desk, webhook: Webhook) -> dict[str, Any]:
    """A webhook as JSON, without its secret: ``off`` when it has not answered for so long that nothing is sent."""
    waiting, first = delivering.waiting(desk.read(), webhook.id)
    is_off = first is not None and delivering.is_given_up(first)
    return {
        "webhook_id": webhook.id,
        "url": webhook.url,
        "events": webhook.events,
        "status": "off" if is_off else "on",
        "waiting": waiting,
        "last_answer": "" if first is None else first.last_answer,
        "created_at": webhook.created_at,
    }
