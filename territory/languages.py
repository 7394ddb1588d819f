"""A sentence in every language that screens speak."""

from __future__ import annotations

from typing import NamedTuple


class Said(NamedTuple):
    """The same sentence in English and in Chinese; figures and names stand in both."""

    en: str
    zh: str

    def columns(self, name: str) -> dict[str, str]:
        """As a table has it: English in column `name`, Chinese in ``<name>_zh``."""
        return {name: self.en, f"{name}_zh": self.zh}
