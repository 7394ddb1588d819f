"""Users and tokens: making them, changing them, taking them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Database

from api.auth import passwords
from api.auth.principal import ADMIN, PLANNER, REP, Principal
from api.auth.signing_in import count_attempt, forget_attempt, new_secret, secret_hash
from api.problems import ConflictError, ForbiddenError, InvalidError, UnknownError
from api.store import Session, Store, Token, User, advance, new_id, now
from territory.errors import Problem

FIRST_LOGIN = "admin"


def first_admin(store: Store) -> str | None:
    """Create the first admin when there is no user yet; the one-time password, or None when there are users.

    The password is valid until it has been changed, which is the only thing that may be done with it.
    """
    with store.reading() as session:
        if session.scalar(sa.select(sa.func.count()).select_from(User)):
            return None
    password = passwords.one_time_password()
    password_hash = passwords.hashed(password)
    with store.writing() as session:
        if session.scalar(sa.select(sa.func.count()).select_from(User)):
            return None
        session.add(_user(FIRST_LOGIN, "Administrator", ADMIN, ["*"], None, password_hash))
    return password


def create_user(
    session: Database, *, login: str, name: str, role: str, regions: Sequence[str], rep_id: str | None
) -> tuple[User, str]:
    """A new user, and the one-time password to hand over.

    Raises
    ------
    ConflictError
        The login is taken.
    InvalidError
        A rep without rep_id.
    """
    _check(role, rep_id)
    if session.scalar(sa.select(User.id).where(User.login == login.lower())):
        raise ConflictError(f"The login '{login}' is taken.")
    password = passwords.one_time_password()
    user = _user(login.lower(), name, role, regions, rep_id, passwords.hashed(password))
    session.add(user)
    session.flush()
    return user, password


def update_user(session: Database, user: User, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What `changes` comes to, checked: the last admin stays one, a rep has a rep_id.

    What a user may do changes with the next request; a user who is made inactive is signed out and the tokens are
    revoked. Rights that an admin gives are no longer those that the company gave.
    """
    role = changes.get("role", user.role)
    is_active = changes.get("is_active", user.is_active)
    _check(role, changes.get("rep_id", user.rep_id))
    if user.role == ADMIN and user.is_active and (role != ADMIN or not is_active):
        others = sa.select(User.id).where(User.role == ADMIN, User.is_active, User.id != user.id).limit(1)
        if session.scalar(others) is None:
            raise ConflictError("This is the last admin; make another one first.")
    if not is_active:
        end_sessions(session, user)
    if changes.keys() & {"role", "regions", "rep_id"}:
        return {**changes, "has_company_rights": False}
    return dict(changes)


def end_sessions(session: Database, user: User) -> None:
    """Sign a user out everywhere, and revoke his tokens."""
    session.execute(sa.delete(Session).where(Session.user_id == user.id))
    session.execute(sa.delete(Token).where(Token.user_id == user.id))


def newcomer(session: Database, login: str, name: str) -> User:
    """A user whom somebody else vouches for, without a password and without any right."""
    if session.scalar(sa.select(User.id).where(User.login == login)):
        login = new_id("login")
    user = _user(login, name, PLANNER, [], None, None)
    session.add(user)
    session.flush()
    return user


def update_rights(session: Database, user: User, role: str, regions: list[str], rep_id: str | None) -> bool:
    """Let a user have just these rights, of the company; whether that has changed anything."""
    rights = {"role": role, "regions": regions, "rep_id": rep_id, "has_company_rights": True}
    if all(getattr(user, name) == value for name, value in rights.items()):
        return False
    advance(session, User, user.id, user.revision, **rights)
    session.refresh(user)
    return True


def withdraw_rights(session: Database, user: User) -> bool:
    """Take away what the company gave, with sessions and tokens; whether there was anything of it."""
    if not user.has_company_rights:
        return False
    nothing: dict[str, Any] = {"role": PLANNER, "regions": [], "rep_id": None, "has_company_rights": False}
    advance(session, User, user.id, user.revision, **nothing)
    end_sessions(session, user)
    session.refresh(user)
    return True


def change_password(store: Store, who: Principal, old: str, new: str) -> None:
    """Replace one's own password; every session of this user ends.

    Raises
    ------
    ForbiddenError
        The old password is wrong.
    InvalidError
        The new one is too short or easy to guess.
    TooManyError
        After too many wrong ones.
    """
    subject = f"own password:{who.user_id}"
    attempt = count_attempt(store, {"own password": subject})
    with store.reading() as session:
        user = session.get_one(User, who.user_id)
    if not passwords.matches(old, user.password_hash):
        raise ForbiddenError("The old password is wrong.")
    faults = passwords.password_faults(new, who.login)
    if new == old:
        faults.append(Problem("password", "It is the old one.", "Choose another."))
    if faults:
        raise InvalidError("This cannot be the new password.", problems=faults)
    password_hash = passwords.hashed(new)
    with store.writing() as session:
        forget_attempt(session, attempt, subject)
        session.execute(
            sa.update(User).where(User.id == user.id).values(password_hash=password_hash, must_change_password=False)
        )
        session.execute(sa.delete(Session).where(Session.user_id == user.id))


def reset_password(session: Database, user: User) -> str:
    """A new one-time password for a user; sessions and tokens end."""
    password = passwords.one_time_password()
    session.execute(
        sa.update(User)
        .where(User.id == user.id)
        .values(password_hash=passwords.hashed(password), must_change_password=True)
    )
    end_sessions(session, user)
    return password


def create_token(session: Database, who: Principal, name: str, days: int | None) -> tuple[Token, str]:
    """A bearer token with the rights of its user, and its secret, which is shown once.

    One that is made with a token ends with it at the latest: who has found a token cannot keep what it opens.
    """
    secret = new_secret()
    at = now()
    ends = [each for each in (None if days is None else at + days * 86_400.0, who.until) if each is not None]
    token = Token(
        id=new_id("token"),
        secret_hash=secret_hash(secret),
        user_id=who.user_id,
        name=name,
        created_at=at,
        expires_at=min(ends, default=None),
    )
    session.add(token)
    session.flush()
    return token, secret


def revoke_token(session: Database, who: Principal, token_id: str) -> None:
    """Take a token of one's own away; an admin, anybody's."""
    token = session.get(Token, token_id)
    if token is None or (token.user_id != who.user_id and who.role != ADMIN):
        raise UnknownError("There is no such token.")
    session.delete(token)


def _user(
    login: str, name: str, role: str, regions: Sequence[str], rep_id: str | None, password_hash: str | None
) -> User:
    return User(
        id=new_id("user"),
        login=login,
        name=name,
        role=role,
        regions=list(regions),
        rep_id=rep_id,
        password_hash=password_hash,
        must_change_password=password_hash is not None,
        is_active=True,
        revision=1,
        created_at=now(),
    )


def _check(role: str, rep_id: str | None) -> None:
    if (role == REP) != (rep_id is not None):
        what = "A rep needs a rep_id." if role == REP else "Only a rep has a rep_id."
        raise InvalidError(what, problems=[Problem("rep_id", what, "Give the rep's id in the portfolio, or null.")])
