"""Sentences of the library that come in English and as figures, said in Chinese: of alerts, and why customers move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from territory.languages import measure_zh

_ALERTS = {
    "potential": "{territory}：潜力偏离应得份额 {value:+.1%}。",
    "workload": "{territory}：工作量偏离应得份额 {value:+.1%}。",
    "capacity": "{territory}：占用全年工时的 {value:.0%}。",
    "pieces": "{territory} 分成 {value:.0f} 块。",
    "vacant": "{territory} 没有代表。",
    "empty": "{territory} 没有客户。",
    "parts": "客户分布在互不相邻的 {value:.0f} 片区域。",
}
_PLAIN = {
    "by_hand": "手工调整",
    "vacant": "原区域没有代表",
    "skills": "原区域的代表缺少所需技能",
    "group": "所属分组保持在一起",
    "pieces": "相邻客户都已离开，单独留下会被隔开",
}
_LEAST_MINUTES = 1.0
"""A way that differs by less is as long."""


def alert_zh(alert: Mapping[str, Any]) -> str | None:
    """An alert as a sentence; None for one that nobody has said in Chinese yet."""
    said = _ALERTS.get(alert["measure"])
    return None if said is None else said.format(territory=alert["territory"], value=alert["value"])


def move_zh(move: Mapping[str, Any]) -> str | None:
    """Why a customer changes territory, from the figures of `territory.explain_moves`."""
    return "；".join(_parts(move)) if move["why"] == "balance" else _PLAIN.get(move["why"])


def _parts(move: Mapping[str, Any]) -> list[str]:
    known = {name for name, value in move.items() if not pd.isna(value)}
    parts = [f"{move['from']} 从其他相邻区域接收，再向外转出"]
    if "over" in known:
        parts = [f"{move['from']} 的{measure_zh(move['over_measure'])}超出应得份额 {move['over']:.1%}"]
    if "under" in known:
        parts.append(f"{move['to']} 的{measure_zh(move['under_measure'])}低于应得份额 {move['under']:.1%}")
    if "nearer_km" in known:
        parts.append(f"离区域中心近 {move['nearer_km']:,.0f} 公里")
    balance, distance = (_cost(move[f"staying_{name}"]) for name in ("balance", "distance"))
    parts.append(f"若不变动：平衡方面{balance}，距离方面{distance}")
    if "staying_minutes" in known and abs(move["staying_minutes"]) >= _LEAST_MINUTES:
        longer = "多" if move["staying_minutes"] > 0 else "少"
        parts.append(f"单程{longer} {abs(move['staying_minutes']):,.0f} 分钟")
    return parts


def _cost(value: float) -> str:
    return f"{'节省' if value < 0 else '代价'} {abs(value):.3g} %"
