"""A sentence in every language that screens speak."""

from __future__ import annotations

from typing import NamedTuple

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
