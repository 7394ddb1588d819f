"""Passwords: argon2 (RFC 9106), never more than a few at once, because each takes memory on purpose."""

from __future__ import annotations

import secrets
from functools import cache
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from territory.errors import Problem

SHORTEST, LONGEST = 10, 200
_HASHES = PasswordHash((Argon2Hasher(),))
_AT_ONCE = BoundedSemaphore(2)
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def hashed(password: str) -> str:
    """The argon2 hash to store."""
    with _AT_ONCE:
        return _HASHES.hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Whether this is the password; as slow when there is none."""
    with _AT_ONCE:
        is_right = _HASHES.verify(password[:LONGEST], password_hash or _nobody())
    return is_right and password_hash is not None


@cache
def _nobody() -> str:
    # Verifying against this takes as long as against a real one: the answer's time does not tell who exists.
    return _HASHES.hash(secrets.token_urlsafe())


def one_time_password() -> str:
    """A password to hand over once: 20 letters that are not mistaken for each other, 98 bits."""
    letters = [secrets.choice(_LETTERS) for _ in range(20)]
    return "-".join("".join(letters[start : start + 5]) for start in range(0, 20, 5))


def password_faults(password: str, login: str) -> list[Problem]:
    """Why this cannot be a password."""
    if not SHORTEST <= len(password) <= LONGEST:
        what = f"It has {len(password)} characters."
        zh = f"密码有 {len(password)} 个字符。请使用 {SHORTEST} 到 {LONGEST} 个字符，一句话最容易记住。"
        return [Problem("password", what, f"Use {SHORTEST} to {LONGEST}: a sentence is easy to keep in mind.", zh)]
    if login.lower() in password.lower() or len(set(password)) < 5:
        zh = "密码容易被猜到。请不要包含用户名，并使用不同的字符。"
        return [Problem("password", "It is easy to guess.", "Leave your login out, and use different letters.", zh)]
    return []
