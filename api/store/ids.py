"""Names of rows: text that sorts by the time it was made and that nobody can guess."""

from __future__ import annotations

import secrets
import time

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_LETTERS, _RANDOM_LETTERS = 10, 12


def new_id(kind: str) -> str:
    """A new id, `kind`_ and 22 letters: 50 bits of time in steps of 4.096 microseconds, then 60 that are random."""
    number = time.time_ns() >> 12
    letters = []
    for _ in range(_TIME_LETTERS):
        number, digit = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[digit])
    return f"{kind}_{''.join(reversed(letters))}{''.join(secrets.choice(_LETTERS) for _ in range(_RANDOM_LETTERS))}"
