"""The front as a page: a chart of moves, driving and balance, and a row a plan with a link to its map."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib import resources

import numpy as np
import pandas as pd

from territory.model import percent

WIDTH, HEIGHT = 760, 440
"""Of the chart."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 28, 20, 54
_LEAST_RADIUS, _MOST_RADIUS = 5.0, 15.0
_TICKS = 5


def draw_front(front: pd.DataFrame, today: Mapping[str, float], *, map_file: str = "proposal.html") -> str:
    """A page that opens without a network: every plan of a front as a disc, and as a row.

    Parameters
    ----------
    front : DataFrame of `fronts.tabulate_front`
    today : of `fronts.today_on_the_axes`
    map_file : the map in the folder of each plan's number that the plan is linked to

    Returns
    -------
    text of an HTML page without scripts; labels are data, never markup
    """
    template = resources.files("territory.maps").joinpath("front.html").read_text(encoding="utf-8")
    rows = "\n".join(_row(int(plan), held, map_file) for plan, held in front.iterrows())
    return template.replace("<!--chart-->", _chart(front, today, map_file)).replace("<!--rows-->", rows)


def _row(plan: int, held: pd.Series, map_file: str) -> str:
    cells = [
        percent(held["moved_customers"]),
        percent(held["max_deviation_potential"]),
        percent(held["max_deviation_workload"]),
        f"{held['mean_km']:,.1f}",
        percent(held["capacity_use_max"]),
        percent(held["gap"]),
    ]
    figures = "".join(f"<td>{cell}</td>" for cell in cells)
    link = _link(plan, map_file)
    return f'<tr><th><a href="{link}">{plan:02}</a></th><td class="words">{escape(held["label"])}</td>{figures}</tr>'


def _link(plan: int, map_file: str) -> str:
    return escape(f"{plan:02}/{map_file}", quote=True)


def _chart(front: pd.DataFrame, today: Mapping[str, float], map_file: str) -> str:
    """Moves to the right, driving upwards, the larger the disc the larger the deviation; today is a ring."""
    across = _Axis(np.append(front["moved_customers"], 0.0), _LEFT, WIDTH - _RIGHT)
    up = _Axis(np.append(front["mean_km"], today["mean_km"]), HEIGHT - _BOTTOM, _TOP)
    widest = max(float(front["deviation"].max()), 1e-12)
    marks = [*_grid(across, up)]
    marks.append(_today(across.at(0.0), up.at(today["mean_km"]), today))
    # The large ones first, so that no small one is hidden.
    for plan, held in front.sort_values("deviation", ascending=False, kind="stable").iterrows():
        x, y = across.at(held["moved_customers"]), up.at(held["mean_km"])
        radius = _LEAST_RADIUS + (_MOST_RADIUS - _LEAST_RADIUS) * np.sqrt(held["deviation"] / widest)
        marks.append(
            f'<a href="{_link(int(plan), map_file)}"><circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">'
            f"<title>{escape(held['label'])}</title></circle>"
            f'<text x="{x:.1f}" y="{y + 4:.1f}" class="number">{plan:02}</text></a>'
        )
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="told">{"".join(marks)}</svg>'


class _Axis:
    """From values to places on the page, with a little room at both ends."""

    def __init__(self, values: np.ndarray, low: float, high: float) -> None:
        least, most = float(np.min(values)), float(np.max(values))
        room = 0.08 * (most - least) or max(abs(most), 1.0) * 0.1
        self.least, self.most = (least - room if least > 0 else least), most + room
        self._low, self._high = low, high

    def at(self, value: float) -> float:
        return self._low + (value - self.least) / (self.most - self.least) * (self._high - self._low)

    def ticks(self) -> np.ndarray:
        return np.linspace(self.least, self.most, _TICKS)


def _grid(across: _Axis, up: _Axis) -> list[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    marks = []
    for value in across.ticks():
        x = across.at(value)
        marks.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}"/>')
        marks.append(f'<text x="{x:.1f}" y="{bottom + 18}" class="tick middle">{percent(value)}</text>')
    for value in up.ticks():
        y = up.at(value)
        marks.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        marks.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" class="tick end">{value:,.1f}</text>')
    middle = (_LEFT + right) / 2
    marks.append(f'<text x="{middle}" y="{HEIGHT - 12}" class="axis middle">customers that change territory</text>')
    marks.append(
        f'<text transform="translate(16 {(_TOP + bottom) / 2}) rotate(-90)" class="axis middle">'
        "mean km to the middle of the territory</text>"
    )
    return marks


def _today(x: float, y: float, today: Mapping[str, float]) -> str:
    told = f"today: {today['mean_km']:.1f} km, deviation up to {percent(today['deviation'])}"
    return (
        f'<g class="today"><circle cx="{x:.1f}" cy="{y:.1f}" r="7"><title>{told}</title></circle>'
        f'<text x="{x + 12:.1f}" y="{y + 4:.1f}" class="tick">today</text></g>'
    )
