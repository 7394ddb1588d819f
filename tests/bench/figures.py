"""A measured row, how every plan is judged, and the tables that rows are printed in."""

from __future__ import annotations

import os
import re
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from territory.neighbours import count_pieces
from tests.bench.country import Country, worst_deviation

README = Path(__file__).parents[2] / "README.md"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Row:
    """What one case showed; None where it says nothing.

    deviation: the worst of each measure, ratios. whole: territories in one piece. spread: sum over the customers of
    km2 to their territory's mean place. objective: km2. cpu: seconds of all threads, which other work distorts less.
    """

    work: str = ""
    customers: int = 0
    territories: int = 0
    tolerance: float | None = None
    deviation: Sequence[float] = ()
    whole: int | None = None
    spread: float | None = None
    gap: float | None = None
    objective: float | None = None
    seconds: float | None = None
    cpu: float | None = None
    peak_mb: float | None = None
    note: str = ""


def timed(work: Callable[[], Result], repeats: int) -> tuple[Result, dict[str, float]]:
    """The result of `work`; the medians of its seconds, and this process's peak memory, as fields of a Row."""
    seconds, cpu = [], []
    for _ in range(repeats):
        begin, used = time.perf_counter(), sum(os.times()[:4])
        result = work()
        seconds.append(time.perf_counter() - begin)
        cpu.append(sum(os.times()[:4]) - used)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result, {"seconds": statistics.median(seconds), "cpu": statistics.median(cpu), "peak_mb": peak}


def judge(country: Country, labels: np.ndarray, edges: np.ndarray | None = None) -> dict[str, object]:
    """Balance, wholeness and spread of any plan, ours or a peer's, by the same arithmetic, as fields of a Row.

    Wholeness is judged on the graph of the customers' places, or on `edges` (e, 2) between customers.
    """
    size = np.bincount(labels)
    centre = np.column_stack([np.bincount(labels, axis) for axis in country.xy.T]) / size[:, None]
    pieces = count_pieces(country.xy, labels).to_numpy() if edges is None else _pieces_on(edges, labels)
    return {
        "customers": len(labels),
        "territories": len(size),
        "deviation": [worst_deviation(load, labels) for load in country.measures.T],
        "whole": int((pieces == 1).sum()),
        "spread": float(((country.xy - centre[labels]) ** 2).sum()) / 1e6,
    }


def _pieces_on(edges: np.ndarray, labels: np.ndarray) -> np.ndarray:
    kept = edges[labels[edges[:, 0]] == labels[edges[:, 1]]]
    piece = connected_components(coo_matrix((kept[:, 0] * 0 + 1, kept.T), (len(labels),) * 2), directed=False)[1]
    return np.bincount(labels[np.unique(piece, return_index=True)[1]])


def growth(rows: Sequence[Row]) -> dict[str, float]:
    """Exponents of cost in the number of customers over the rows named growth, by least squares in logarithms."""
    rows = [row for row in rows if row.work.startswith("growth") and row.seconds]
    if len(rows) < 2:
        return {}
    cost = np.log([[row.seconds, row.cpu, row.peak_mb] for row in rows])
    exponents = np.polyfit(np.log([row.customers for row in rows]), cost, 1)[0]
    return dict(zip(("seconds", "cpu", "memory"), exponents.round(2).tolist(), strict=True))


def aligned(rows: Sequence[Row]) -> str:
    """One table for the terminal."""
    head = ["work", "n", "K", "tolerance", "deviation", "whole", "gap", "objective", "seconds", "cpu", "MB", "note"]
    cells = [head, *map(_cells, rows)]
    width = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, width)).rstrip() for line in cells)


def _cells(row: Row) -> list[str]:
    numbers = [(row.tolerance, ".1%"), (row.gap, ".2%"), (row.objective, ",.2f"), (row.seconds, ".2f")]
    numbers += [(row.cpu, ".2f"), (row.peak_mb, ".0f")]
    tolerance, *rest = ["-" if value is None else format(value, pattern) for value, pattern in numbers]
    whole = "-" if row.whole is None else f"{row.whole}/{row.territories}"
    return [row.work, f"{row.customers:,}", f"{row.territories}", tolerance, _percents(row, 2), whole, *rest, row.note]


def write_readme(ours: Sequence[Row], peers: Sequence[Row], machine: dict[str, object]) -> None:
    """Rewrite what stands between the README's benchmark markers: our first row and the peers, then all of ours.

    The first peer is plain k-means, whose shape is 1; peers that failed say why.
    """
    lines = ["| | seconds | deviation | shape | in one piece |", "|---|---|---|---|---|"]
    for name, row in [("**territory-planner**", ours[0]), *((row.work, row) for row in peers)]:
        figures = f"{_seconds(row)} | {_percents(row, 1)}" if row.spread else f"{row.note} |"
        shape = f"{row.spread / peers[0].spread:.2f} | {100 * row.whole / row.territories:.0f} %" if row.spread else "|"
        lines.append(f"| {name} | {figures} | {shape} |")
    lines += [
        "",
        "| customers x territories | tolerance | deviation | gap | seconds | MB |",
        "|---|---|---|---|---|---|",
    ]
    for row in ours:
        size = f"{row.customers:,} x {row.territories}" + ", repaired" * (row.work == "drift")
        figures = f"±{100 * row.tolerance:.0f} % | {_percents(row, 2)} | {100 * row.gap:.1f} %"
        lines.append(f"| {size} | {figures} | {_seconds(row)} | {row.peak_mb:.0f} |")
    lines += ["", f"Measured on {machine['cores']} cores, other work included at a load of {machine['load'][0]:.1f}."]
    marks = re.compile(r"(<!-- benchmark:begin.*?-->\n).*?(<!-- benchmark:end -->)", re.DOTALL)
    text = README.read_text(encoding="utf-8")
    README.write_text(marks.sub(lambda mark: mark[1] + "\n".join(lines) + "\n" + mark[2], text), encoding="utf-8")


def _percents(row: Row, digits: int) -> str:
    """As "4.93 / 4.98 %"."""
    return " / ".join(f"{100 * value:.{digits}f}" for value in row.deviation) + " %" * bool(row.deviation)


def _seconds(row: Row) -> str:
    return f"{row.seconds:.{0 if row.seconds >= 10 else 1}f}"
