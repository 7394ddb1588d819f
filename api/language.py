"""Which language a reader wants: English or Chinese."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
COOKIE = "territory_language"
TAGS: dict[Language, str] = {"en": "en", "zh": "zh-CN"}
"""language -> what an HTML page calls it (BCP 47)"""


def language_of(request: Request) -> Language:
    """What the reader has chosen, else what the browser asks for first."""
    chosen = request.cookies.get(COOKIE)
    for language in LANGUAGES:
        if chosen == language:
            return language
    wanted = [part.strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")[:20]]
    return next((language for asked in wanted for language in LANGUAGES if asked == language), "en")
