"""Every word of the pages, in both languages."""

from __future__ import annotations

from functools import cache
from importlib import resources

import orjson

from api.language import LANGUAGES, Language


@cache
def words(language: Language) -> dict[str, str]:
    """key -> text; ``{name}`` in a text is filled in where it is said."""
    text = resources.files("api.pages").joinpath("words.json").read_bytes()
    return {key: told[LANGUAGES.index(language)] for key, told in orjson.loads(text).items()}
