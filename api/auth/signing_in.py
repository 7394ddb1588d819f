"""From a secret to a principal: passwords to sessions, cookies and bearer tokens to users."""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session as Database

from api.auth import passwords
from api.auth.principal import Principal
from api.problems import TooManyError, UnauthenticatedError
from api.settings import Settings
from api.store import LoginFailure, Session, Store, Token, User, Work, alone, new_id, now

WINDOW_SECONDS = 15 * 60.0
MOST_FAILURES = {"login and address": 5, "address": 30, "login": 60, "own password": 5}
"""Failures within the window after which nobody may try again: one person's typing errors, one machine's guesses,
many machines' guesses at one login, and guesses of one who sits at somebody else's session."""
_SECRET_BYTES = 32
Held = TypeVar("Held", Session, Token)


def secret_hash(secret: str) -> str:
    """SHA-256 of a secret with 256 bits of its own: enough, as nobody can guess those."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def sign_in(store: Store, settings: Settings, login: str, password: str, address: str) -> tuple[str, Principal]:
    """A new session: the cookie's secret, and who it is.

    Raises
    ------
    UnauthenticatedError
        Login or password are wrong; it is not told which.
    TooManyError
        After too many failures, whatever the password.
    """
    subjects = {
        "login and address": f"both:{login.lower()}\n{address}",
        "address": f"address:{address}",
        "login": f"login:{login.lower()}",
    }
    attempt = count_attempt(store, subjects)
    with store.reading() as session:
        user = session.scalars(sa.select(User).where(User.login == login.lower())).first()
    password_hash = user.password_hash if user is not None and user.is_active else None
    # Outside of any transaction: it takes a twentieth of a second on purpose.
    if not passwords.matches(password, password_hash) or user is None:
        raise UnauthenticatedError("Login or password are wrong.")
    with store.writing() as session:
        forget_attempt(session, attempt, subjects["login and address"])
        found = session.get(User, user.id, with_for_update=True)
        # Somebody may have shut this user out, or taken the password away, while it was looked at.
        if found is None or not found.is_active or found.password_hash != password_hash:
            raise UnauthenticatedError("Login or password are wrong.")
        if not is_vouched_for(found, settings.oidc_session_seconds):
            raise UnauthenticatedError("What you may is for your company to say: sign in there.")
        return begin_session(session, found, settings)


def count_attempt(store: Store, subjects: Mapping[str, str]) -> list[str]:
    """Count a guess for each of `subjects`, kind -> whose; the ids under which it can be forgotten.

    It counts as a failure until it has succeeded: of many guesses at the same moment no more get through.

    Raises
    ------
    TooManyError
        There were too many for one of them.
    """
    at = now()
    attempts = [LoginFailure(id=new_id("fail"), subject=subject, at=at) for subject in subjects.values()]
    with store.writing() as session:
        alone(session, "sign in")
        _refuse_too_many(session, subjects)
        session.add_all(attempts)
        return [attempt.id for attempt in attempts]


def forget_attempt(session: Database, attempt: list[str], subject: str) -> None:
    """Forget a guess that was right, and those before it of the same `subject`."""
    session.execute(sa.delete(LoginFailure).where(LoginFailure.id.in_(attempt) | (LoginFailure.subject == subject)))


def begin_session(session: Database, user: User, settings: Settings) -> tuple[str, Principal]:
    """A new session of a user: the cookie's secret, and who it is."""
    secret, csrf, at = new_secret(), new_secret(), now()
    session.add(
        Session(
            secret_hash=secret_hash(secret),
            user_id=user.id,
            csrf=csrf,
            created_at=at,
            expires_at=at + settings.session_seconds,
        )
    )
    return secret, Principal.of(user, csrf)


def sign_out(session: Database, secret: str) -> None:
    """End a session."""
    session.execute(sa.delete(Session).where(Session.secret_hash == secret_hash(secret)))


def vouched_until(user: User, seconds: float) -> float | None:
    """When the company's word on a user ends that counts for so long; None when his rights are not of a company."""
    return (user.vouched_at or 0.0) + seconds if user.has_company_rights else None


def is_vouched_for(user: User, seconds: float) -> bool:
    """Whether a user's rights hold now: those of a company only while its word counts."""
    until = vouched_until(user, seconds)
    return until is None or until > now()


def by_session(work: Work, secret: str, vouched_seconds: float) -> Principal | None:
    """Who has this cookie; who has his rights from the company, while its word counts."""
    digest = secret_hash(secret)

    def read() -> tuple[Principal, float | None] | None:
        held = _holder(work, Session, digest)
        if held is None:
            return None
        found, user = held
        return Principal.of(user, found.csrf), _first(found.expires_at, vouched_until(user, vouched_seconds))

    return _valid(work.remembered(("session", digest), read))


def by_token(work: Work, secret: str, vouched_seconds: float) -> Principal | None:
    """Who has this bearer token; who has his rights from the company, while its word counts."""
    digest = secret_hash(secret)

    def read() -> tuple[Principal, float | None] | None:
        held = _holder(work, Token, digest)
        if held is None:
            return None
        found, user = held
        until = _first(found.expires_at, vouched_until(user, vouched_seconds))
        return replace(Principal.of(user), until=found.expires_at), until

    return _valid(work.remembered(("token", digest), read))


def _holder(work: Work, kind: type[Held], digest: str) -> tuple[Held, User] | None:
    """The session or token with this hash, and whose it is, while he may sign in."""
    wanted = sa.select(kind, User).join(User, User.id == kind.user_id).where(kind.secret_hash == digest, User.is_active)
    row = work.read().execute(wanted).first()
    return None if row is None else (row[0], row[1])


def _first(*moments: float | None) -> float | None:
    return min((each for each in moments if each is not None), default=None)


def _valid(found: tuple[Principal, float | None] | None) -> Principal | None:
    if found is None or (found[1] is not None and found[1] <= now()):
        return None
    return found[0]


def forget_expired(session: Database) -> None:
    """Remove sessions and failures that no longer count."""
    session.execute(sa.delete(Session).where(Session.expires_at <= now()))
    session.execute(sa.delete(LoginFailure).where(LoginFailure.at <= now() - WINDOW_SECONDS))


def _refuse_too_many(session: Database, subjects: Mapping[str, str]) -> None:
    at = now()
    for kind, subject in subjects.items():
        times = session.scalars(
            sa.select(LoginFailure.at)
            .where(LoginFailure.subject == subject, LoginFailure.at > at - WINDOW_SECONDS)
            .order_by(LoginFailure.at.desc())
            .limit(MOST_FAILURES[kind])
        ).all()
        if len(times) == MOST_FAILURES[kind]:
            wait = max(1, math.ceil(times[-1] + WINDOW_SECONDS - at))
            raise TooManyError(f"Wait {wait} seconds before the next attempt.", headers={"Retry-After": str(wait)})
