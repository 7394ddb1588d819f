"""Why a plan does not keep what was asked, and what to relax."""

from __future__ import annotations

import numpy as np

from territory.alignment.conflicts import conflicts
from territory.alignment.giants import is_too_heavy
from territory.alignment.task import Task
from territory.errors import Problem
from territory.languages import Said
from territory.model import apart, percent, percent_up

EDGE = 1e-12
"""Rounding, of a deviation."""
WORDS = {
    "allowed": Said("where customers may be", "客户可归属的区域"),
    "locked": Said("the locks", "锁定"),
    "moves": Said("how many may move", "可变动的客户数"),
    "measure": Said("the tolerance on measure {}", "指标 {}容差"),
    "least": Said("the least allowed on measure {}", "指标 {}下限"),
    "most": Said("the most allowed on measure {}", "指标 {}上限"),
}
"""What the rules of `conflicts` are to people."""


def why(task: Task, label: np.ndarray) -> tuple[Problem, ...]:
    """Which rules this plan, (n,) int, breaks, and which of them contradict each other; empty when it breaks none."""
    broken = [*_out_of_band(task, label), *_forbidden(task, label)]
    return (*broken, *_contradictions(task)) if broken else ()


def _out_of_band(task: Task, label: np.ndarray) -> list[Problem]:
    deviation = task.deviation(label)
    outside = np.maximum(deviation - task.band[:, :, 1], task.band[:, :, 0] - deviation).max(axis=0)
    problems = []
    for t in np.flatnonzero(outside > task.tolerance * EDGE):
        where, where_zh, band = f"measure {t + 1}", f"指标 {t + 1}", float(task.tolerance[t])
        off = float(np.abs(deviation[:, t]).max())
        worst = int(np.maximum(deviation[:, t] - task.band[:, t, 1], task.band[:, t, 0] - deviation[:, t]).argmax())
        if is_too_heavy(task)[t]:
            heaviest, room = (percent(float(load[:, t].max())) for load in (task.units.measure, task.highest))
            what = f"one customer alone holds {heaviest} of it; a territory may hold {room}."
            fix = f"Split that customer, take it out, or allow {percent_up(off)}, which this plan keeps."
            zh = f"{where_zh}：单个客户就占总量的 {heaviest}，而一个区域最多可容纳 {room}。"
            zh += f"请拆分或移除该客户，或把容差放宽到此方案所达到的 {percent_up(off)}。"
            problems.append(Problem(where, what, fix, zh))
        elif np.isclose(abs(task.band[worst, t, int(deviation[worst, t] > task.band[worst, t, 1])]), band):
            found, asked = apart(off, band)
            what = f"the best plan found deviates by {found}; {asked} was asked."
            fix = f"Allow {percent_up(off)}, or ask for fewer territories."
            zh = f"{where_zh}容差：找到的最佳方案偏差为 {found}，而要求为 {asked}。"
            zh += f"请把容差放宽到 {percent_up(off)}，或减少区域数量。"
            problems.append(Problem(f"tolerance on {where}", what, fix, zh))
        else:
            held = float(deviation[worst, t] + 1)
            low, high = (float(edge) + 1 for edge in task.band[worst, t])
            side, side_zh = f"at least {percent(low)}", f"至少 {percent(low)}"
            if held > high:
                side, side_zh = f"at most {percent(high)}", f"至多 {percent(high)}"
            what = f"in the best plan found a territory holds {percent(held)} of its fair share; {side} is asked."
            zh = f"{where_zh}限制：找到的最佳方案中有区域为应得份额的 {percent(held)}，而要求{side_zh}。"
            zh += "请放宽限制，或改变区域数量。"
            problems.append(Problem(f"limits on {where}", what, "Widen the limits, or ask for another number.", zh))
    return problems


def _contradictions(task: Task) -> list[Problem]:
    sets = [[_said(rule) for rule in rules] for rules in conflicts(task)]
    return [_contradiction(rules, is_only=len(sets) == 1) for rules in sets]


def _contradiction(rules: list[Said], *, is_only: bool) -> Problem:
    if len(rules) == 1:
        zh = f"规则：没有方案能满足{rules[0].zh}。请放宽它。"
        return Problem("rules", f"no plan can keep {rules[0].en}.", "Relax it.", zh)
    *first, last = [rule.en for rule in rules]
    what = f"no plan can keep {', '.join(first)} and {last} at once"
    zh = f"规则：没有方案能同时满足{'、'.join(rule.zh for rule in rules)}"
    if not is_only:
        return Problem("rules", f"{what}.", "Relax one of them, too.", f"{zh}。请放宽其中一条。")
    what, zh = f"{what}; without any one of them there may be one.", f"{zh}；去掉其中任何一条，就可能有方案。"
    return Problem("rules", what, "Relax the one that matters least.", f"{zh}请放宽最不重要的一条。")


def _said(rule: str) -> Said:
    """What people call a rule of `conflicts`; those on measures are numbered, as "measure 1"."""
    name, _, number = rule.partition(" ")
    said = WORDS[name]
    return Said(said.en.format(number), said.zh.format(number))


def _forbidden(task: Task, label: np.ndarray) -> list[Problem]:
    wrong = task.is_forbidden(label)
    if not wrong.any():
        return []
    rows = int(task.units.rows[wrong].sum())
    what = f"in the best plan found {rows} customers are where they may not be, or too far from the centre."
    zh = f"限制：找到的最佳方案中有 {rows} 个客户位于不允许的区域，或离中心过远。请允许其归属邻近区域，或放宽半径。"
    return [Problem("limits", what, "Allow them in a territory next to them, or widen the radius.", zh)]
