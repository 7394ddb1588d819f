"""How often each customer is due, and which sets of days keep its rhythm.

Time is counted in the rep's working days: a year has ``weeks_per_year`` working weeks, so that a customer with that
many visits a year is visited once in every working week, whatever holidays and absences lie between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from territory.callplan.month import NEVER

STRETCH_PRICE = 240.0
"""Minutes of driving that a gap one whole interval too long, or too short, is worth."""
UNEVEN_PRICE = 6.0
"""The same within the tolerance, so that visits are well spread where it costs next to nothing."""
UNWANTED_DAY_PRICE = 20.0
"""Minutes of driving that keeping a customer's preferred weekday is worth."""
CHANGE_PRICE = 150.0
"""Minutes of driving that leaving a visit on the day it was planned on is worth."""
SHORTEST_GAP = 0.4
"""Two visits of one customer are never closer than this part of the interval."""


@dataclass(frozen=True, eq=False)
class Rhythms:
    """What n customers of one rep want over T working days.

    due (n,) int visits; interval (n,) float working days; elapsed (n,) float, working days from the last visit to the
    first day, NaN when there was none; allowed (n, T) bool; preferred (n, T) bool; fixed (n, T) bool, appointments;
    planned (n, T) bool, visits of an earlier plan that are kept if it costs little; tolerance, ratio; drop (n,) float,
    what a visit left out costs.
    """

    due: np.ndarray
    interval: np.ndarray
    elapsed: np.ndarray
    allowed: np.ndarray
    preferred: np.ndarray
    fixed: np.ndarray
    planned: np.ndarray
    tolerance: float
    drop: np.ndarray

    @property
    def urgency(self) -> np.ndarray:
        """(n,) float, elapsed / interval; NaN when there was no visit."""
        return self.elapsed / self.interval


def visits_due(interval: np.ndarray, elapsed: np.ndarray, days: int) -> np.ndarray:
    """Visits that fall due within `days` working days, for customers whose last visit is known.

    Parameters
    ----------
    interval : (n,) float, working days between two visits
    elapsed : (n,) float, working days from the last visit to the first day

    Returns
    -------
    (n,) int; who is overdue is due on the first day
    """
    first = np.maximum(interval - elapsed, 0.0)
    count = np.floor((days - 1 - first) / interval + 1e-9).astype(np.int64) + 1
    return np.where(first > days - 1 + 1e-9, 0, count)


def visits_in_turn(
    interval: np.ndarray, minutes: np.ndarray, turn: np.ndarray, elapsed_days: float, days: int
) -> np.ndarray:
    """Visits within `days` working days for customers that nobody knows when were last visited.

    Who wants less than one visit (or has a part of one over) takes turns by place: the hand of a clock goes round the
    home once in every interval, and who it passes is due. So neighbours fall due together, each period has its share
    of the work, and the next period begins where this one ended.

    Parameters
    ----------
    interval : (n,) float, working days between two visits
    minutes : (n,) float, what a visit takes
    turn : (n,) float in [0, 1), where the customer is on the clock
    elapsed_days : working days since the clock was started

    Returns
    -------
    (n,) int, whose minutes add up to the expected ones, as nearly as whole visits can
    """
    wanted = days / interval
    whole = np.floor(wanted + 1e-9)
    part = np.where(wanted - whole < 1e-6, 0.0, wanted - whole)
    phase = np.mod(turn - elapsed_days / interval, 1.0)
    order = np.lexsort((np.arange(len(interval)), np.round(phase - part, 9)))
    order = order[part[order] > 0]
    upto = np.cumsum(minutes[order])
    expected = float((part * minutes).sum())
    chosen = int(np.argmin(np.abs(np.concatenate([[0.0], upto]) - expected))) if len(order) else 0
    whole[order[:chosen]] += 1
    return whole.astype(np.int64)


def gaps_within(interval: float, tolerance: float) -> tuple[float, float]:
    """The shortest and the longest gap within the tolerance, working days; a whole day more or less always is."""
    return min(interval * (1 - tolerance), math.floor(interval)), max(interval * (1 + tolerance), math.ceil(interval))


def gap_price(gap: float, interval: float, tolerance: float) -> float:
    """Minutes that a gap of so many working days costs; little within the tolerance."""
    low, high = gaps_within(interval, tolerance)
    outside = max(low - gap, gap - high, 0.0)
    return (UNEVEN_PRICE * abs(gap - interval) + STRETCH_PRICE * outside) / interval


@dataclass(frozen=True, eq=False)
class Paths:
    """The days on which visits may be, as paths: the arrays of `month.Month` of the same names."""

    node_ptr: np.ndarray
    node_day: np.ndarray
    node_last: np.ndarray
    arc_ptr: np.ndarray
    arc_from: np.ndarray
    arc_cost: np.ndarray
    day_ptr: np.ndarray
    days: np.ndarray


def paths_of(rhythms: Rhythms) -> Paths:
    """Every customer's sets of days as paths through nodes "k-th visit on day d".

    A path costs what its gaps cost, less wanted weekdays, days changed, and visits left out; none goes
    past an appointment.
    """
    node_ptr, day_ptr, arc_ptr = [0], [0], [0]
    node_day: list[int] = []
    node_last: list[float] = []
    arc_from: list[int] = []
    arc_cost: list[float] = []
    days: list[int] = []
    for c in range(len(rhythms.due)):
        for nodes in _nodes(rhythms, c):
            day, last, sources, costs = nodes
            node_day.append(day)
            node_last.append(last)
            arc_from += sources
            arc_cost += costs
            arc_ptr.append(len(arc_from))
        node_ptr.append(len(node_day))
        days += sorted(set(node_day[node_ptr[-2] :]))
        day_ptr.append(len(days))
    return Paths(
        node_ptr=np.array(node_ptr, np.int64),
        node_day=np.array(node_day, np.int64),
        node_last=np.array(node_last, float),
        arc_ptr=np.array(arc_ptr, np.int64),
        arc_from=np.array(arc_from, np.int64),
        arc_cost=np.array(arc_cost, float),
        day_ptr=np.array(day_ptr, np.int64),
        days=np.array(days, np.int64),
    )


def _nodes(rhythms: Rhythms, c: int) -> list[tuple[int, float, list[int], list[float]]]:
    """Nodes of one customer in order of visit and day: day, price as the last one, nodes before, prices from them."""
    length = rhythms.allowed.shape[1]
    interval, tolerance = float(rhythms.interval[c]), rhythms.tolerance
    due = int(rhythms.due[c])
    allowed = np.flatnonzero(rhythms.allowed[c])
    fixed = np.flatnonzero(rhythms.fixed[c])
    first_fixed, last_fixed = (int(fixed[0]), int(fixed[-1])) if len(fixed) else (length, -1)
    latest = _latest_gap(interval, allowed, length)
    here = _day_prices(rhythms, c)
    gap_prices = [gap_price(gap, interval, tolerance) for gap in range(length + 1)]
    nodes: list[tuple[int, float, list[int], list[float]]] = []
    layer: list[tuple[int, int]] = []
    for visit in range(1, due + 1):
        before, layer = layer, []
        for day in allowed.tolist():
            if visit == 1:
                if day > first_fixed:
                    continue
                sources, costs = [-1], [_first_price(rhythms, c, day) + here[day]]
            else:
                reached = [
                    (node, gap_prices[day - other] + here[day])
                    for node, other in before
                    if SHORTEST_GAP * interval <= day - other <= latest
                    and not any(other < each < day for each in fixed)
                ]
                sources, costs = [node for node, _ in reached], [cost for _, cost in reached]
            if not sources:
                continue
            last = NEVER
            if day >= last_fixed:
                last = (due - visit) * rhythms.drop[c] + _last_price(length - day, interval, tolerance)
            layer.append((len(nodes), day))
            nodes.append((day, last, sources, costs))
    return nodes


def _latest_gap(interval: float, allowed: np.ndarray, length: int) -> float:
    """The longest gap worth looking at: longer where the customer cannot be visited for a while."""
    ends = np.concatenate([[-1], allowed, [length]])
    return 1.8 * interval + float(np.diff(ends).max())


def _day_prices(rhythms: Rhythms, c: int) -> np.ndarray:
    """(T,) float, minutes that a visit on each day costs by itself."""
    price = np.where(rhythms.preferred[c], 0.0, UNWANTED_DAY_PRICE)
    if rhythms.planned[c].any():
        price = price + np.where(rhythms.planned[c], 0.0, CHANGE_PRICE)
    return np.where(rhythms.fixed[c], 0.0, price)


def _first_price(rhythms: Rhythms, c: int, day: int) -> float:
    interval, elapsed = float(rhythms.interval[c]), float(rhythms.elapsed[c])
    if math.isnan(elapsed):
        return STRETCH_PRICE * max(day - interval * (1 + rhythms.tolerance), 0.0) / interval
    # Who waits longest goes first: a day costs the more, the more overdue a customer is already. What has been waited
    # before the plan begins is no reason against a visit, or the longest overdue would be left out for good.
    late = max(1.0, elapsed / interval)
    waited = gap_price(elapsed, interval, rhythms.tolerance) if elapsed > interval else 0.0
    return late * (gap_price(elapsed + day, interval, rhythms.tolerance) - waited)


def _last_price(rest: int, interval: float, tolerance: float) -> float:
    """What it costs that the plan goes on for so many days after the last visit."""
    return STRETCH_PRICE * max(rest - max(interval * (1 + tolerance), math.ceil(interval)), 0.0) / interval
