"""Weekdays and times of day, as people write them in tables and rules."""

from __future__ import annotations

import re
import unicodedata

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_CHINESE = "一二三四五六日"
_TO = "-–—~～至到"
_NUMBER_OF = {
    **{name.lower(): number for number, name in enumerate(WEEKDAYS)},
    **dict(zip(_CHINESE, range(7), strict=True)),
    **{str(number + 1): number for number in range(7)},
    "天": 6,
}
_TIME = re.compile(r"(\d{1,2}):(\d{2})")


def weekdays_of(text: str) -> frozenset[int] | None:
    """The days of "Mon-Fri", "Mon, Wed", "Tuesday;Thu", "周一至周五" or "1-5"; Monday is 0. None when unreadable.

    A span may go over the weekend: "Sat-Mon" has three days.
    """
    plain = unicodedata.normalize("NFKC", text).lower().strip()
    days: set[int] = set()
    parts = [part for part in re.split(r"[,;/、\s]+", re.sub(rf"\s*([{_TO}])\s*", r"\1", plain)) if part]
    for part in parts:
        ends = [_weekday(end) for end in re.split(f"[{_TO}]", part)]
        if None in ends or len(ends) > 2:
            return None
        first, last = ends[0] or 0, ends[-1] or 0
        days.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return frozenset(days) or None


def minutes_of(text: str) -> float | None:
    """Minutes since midnight of "HH:MM", up to "24:00"; None when it cannot be read."""
    found = _TIME.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if not found:
        return None
    hour, minute = map(int, found.groups())
    minutes = 60 * hour + minute
    return float(minutes) if minute < 60 and minutes <= 24 * 60 else None


def clock(minutes: float) -> str:
    """Minutes since midnight as "HH:MM", rounded to the nearest minute."""
    whole = int(minutes + 0.5)
    return f"{whole // 60:02d}:{whole % 60:02d}"


def _weekday(text: str) -> int | None:
    bare = re.sub("^(星期|礼拜|周)", "", text.rstrip("."))
    found = _NUMBER_OF.get(bare)
    if found is None and len(bare) > 3 and any(name.startswith(bare) for name in _LONG):
        found = _NUMBER_OF.get(bare[:3])
    return found


_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
