"""Every word of the pages, in both languages."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import orjson
from starlette.requests import Request

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
COOKIE = "territory_language"


def language_of(request: Request) -> Language:
    """What the reader has chosen, else what the browser asks for first."""
    chosen = request.cookies.get(COOKIE)
    for language in LANGUAGES:
        if chosen == language:
            return language
    wanted = [part.strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")[:20]]
    return next((language for asked in wanted for language in LANGUAGES if asked == language), "en")


@cache
def words(language: Language) -> dict[str, str]:
    """key -> text; ``{name}`` in a text is filled in where it is said."""
    text = resources.files("api.pages").joinpath("words.json").read_bytes()
    return {key: told[LANGUAGES.index(language)] for key, told in orjson.loads(text).items()}
