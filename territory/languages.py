"""A sentence in every language that screens speak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

NAMED = 3
"""How many names a sentence tells."""
_MEASURES_ZH = {"potential": "潜力", "workload": "工作量", "customers": "客户数"}


def measure_zh(name: str) -> str:
    """What a measure is called in Chinese; a column of one's own is called as it is."""
    return _MEASURES_ZH.get(name, name)


class Said(NamedTuple):
    """The same sentence in English and in Chinese; figures and names stand in both."""

    en: str
    zh: str

    def columns(self, name: str) -> dict[str, str]:
        """As a table has it: English in column `name`, Chinese in ``<name>_zh``."""
        return {name: self.en, f"{name}_zh": self.zh}


def listed(words: Sequence[str], last: str) -> str:
    """A, B and C."""
    words = list(words)
    return " ".join(filter(None, [", ".join(words[:-1]), last if len(words) > 1 else "", *words[-1:]]))


def some(names: Sequence[str]) -> Said:
    """The first customers by name, the others by number."""
    quoted, zh = [f"'{name}'" for name in names[:NAMED]], "、".join(f"“{name}”" for name in names[:NAMED])
    if len(names) <= NAMED:
        return Said(listed(quoted, "and"), zh)
    return Said(listed([*quoted, f"{len(names) - NAMED:,} more"], "and"), f"{zh}等 {len(names):,} 个客户")
