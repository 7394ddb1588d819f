"""What plans are called that nobody has named: the service and the library call them in English."""

from __future__ import annotations

import re
from typing import Literal

Language = Literal["auto", "en", "zh"]

TODAY = "today"
"""The name under which the portfolio as it is stands in a comparison."""
_AS_IT_IS = {
    "en": "today, rebalanced",
    "zh": "当前组合（重新平衡）",
    "auto": "today, rebalanced · 当前组合（重新平衡）",
}
_AND, _OUTSIDE = " and ", ", outside the tolerance"
_OF_A_FRONT = {
    "fewest moves": "变动最少",
    "least driving": "路程最短",
    "balanced choice": "折中方案",
    "fairest": "最公平",
}
_IN_FIGURES = re.compile(r"(\S+ %) move, (±\S+ %), (\S+) km")


def plan_name(name: str, language: Language) -> str:
    """What a plan is called in a language; a name that somebody has given stays as it is."""
    if name == TODAY:
        return _AS_IT_IS[language]
    if language != "zh":
        return name
    inner = name.removesuffix(_OUTSIDE)
    parts = inner.split(_AND)
    if all(part in _OF_A_FRONT for part in parts):
        told = "、".join(_OF_A_FRONT[part] for part in parts)
    elif figures := _IN_FIGURES.fullmatch(inner):
        told = "变动 {}，偏差 {}，{} 公里".format(*figures.groups())
    else:
        return name
    return told if inner == name else f"{told}（超出容差）"
