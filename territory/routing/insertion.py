"""Who fits into a day as it stands: one more stop between two others, in next to no time and without a solver."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pandas as pd

from territory.routing.advice import STOP_COLUMNS, not_planned, one_more_stop, worth_most
from territory.routing.request import Request, with_visits
from territory.routing.route import Route

_EQUAL_MINUTES = 0.01


def insertions(route: Route, customers: Iterable[str]) -> pd.DataFrame:
    """The place of each customer in a route that is left as it is, where the way gets least longer.

    Parameters
    ----------
    route : Route
    customers : customer ids; those that are planned already are skipped

    Returns
    -------
    DataFrame, one row a customer that fits beside everything planned, in the order of `customers`
        ``customer_id``, ``name``, ``detour_minutes``, ``minutes`` (of the visit), ``prize``, ``after_stop`` (0: on the
        way from the start), ``arrive``, ``home`` (when the day then ends).

    Notes
    -----
    Cheapest insertion (Rosenkrantz, Stearns and Lewis 1977). The order of the others stays, so that a better one may
    exist: `territory.nearby` looks for it, at many times the cost. What is told here holds in any case: hours, the
    limit on driving and the break are kept, which begins as one stops or before one drives on.
    """
    planned = route.request.visits.index[route.plan.order]
    others = [name for name in dict.fromkeys(customers) if name not in planned]
    asked = with_visits(route.request.only(route.plan.order), others)
    count = len(planned)
    rows = [_cheapest(asked, count, row, route) for row in range(count, len(asked.visits))]
    return pd.DataFrame([row for row in rows if row is not None], columns=STOP_COLUMNS)


def on_the_way(route: Route, *, max_detour: float = 20.0, count: int = 10) -> pd.DataFrame:
    """The rep's customers that are worth a stop on a route that is left as it is; columns as of `insertions`.

    What brings most for its minutes comes first. See `territory.nearby`, which may change the order of the others.
    """
    found = insertions(route, not_planned(route))
    return worth_most(found[found["detour_minutes"] <= max_detour], count)


def _cheapest(asked: Request, count: int, row: int, route: Route) -> dict[str, object] | None:
    legs = asked.times.minutes
    places = [0, *range(1, count + 1), len(asked.visits) + 1]
    longer = [legs[one, row + 1] + legs[row + 1, other] - legs[one, other] for one, other in pairwise(places)]
    driven = float(legs[places[:-1], places[1:]].sum())
    best: tuple[float, float, int, float] | None = None
    for at in np.argsort(longer, kind="stable").tolist():
        detour = float(longer[at])
        is_too_far = asked.max_drive is not None and driven + detour > asked.max_drive
        if not np.isfinite(detour) or is_too_far or (best is not None and detour > best[0] + _EQUAL_MINUTES):
            break
        found = _earliest(asked, [*range(at), row, *range(at, count)], at)
        # Of two places with the same way, the one that does not keep one waiting.
        if found is not None and (best is None or found[1] < best[1]):
            best = (detour, found[1], at, found[0])
    if best is None:
        return None
    detour, home, at, arrive = best
    return one_more_stop(route, asked, row, detour, at, arrive, home)


def _earliest(asked: Request, order: list[int], watched: int) -> tuple[float, float] | None:
    """When the stop number `watched` is reached and when the day ends, at the earliest; None when it does not hold.

    Two clocks run: of who has had the break, and of who has it still to come.
    """
    legs, visits = asked.times.minutes, asked.visits
    windows, service = visits["windows"].tolist(), visits["minutes"].to_numpy(float)
    # had the break -> (ready to go on, when the watched stop was reached)
    clocks = {asked.pause is None: (asked.shift[0], np.nan)}
    place = 0
    for number, row in enumerate([*order, None]):
        target = len(visits) + 1 if row is None else row + 1
        reached: dict[bool, tuple[float, float]] = {}
        for has_rested, at, seen in _arrivals(asked, clocks, legs[place, target]):
            starts = at if row is None else _start(windows[row], at)
            if starts is None:
                continue
            ready = starts if row is None else starts + service[row]
            known = reached.get(has_rested)
            if known is None or ready < known[0]:
                reached[has_rested] = (ready, at if number == watched else seen)
        clocks, place = reached, target
    ends = [(back, seen) for has_rested, (back, seen) in clocks.items() if has_rested or _is_short(asked, back)]
    back, seen = min(ends, default=(np.inf, np.nan))
    return None if back > asked.shift[1] else (seen, back)


def _arrivals(asked: Request, clocks: dict[bool, tuple[float, float]], drive: float) -> list[tuple[bool, float, float]]:
    """Every way to come to the next place: straight on, or with the break before, amid or after the drive."""
    found = []
    for has_rested, (ready, seen) in clocks.items():
        found.append((has_rested, ready + drive, seen))
        if has_rested or asked.pause is None:
            continue
        first, last, long = asked.pause
        if ready <= last:
            found.append((True, max(ready + drive, first) + long, seen))
    return found


def _start(windows: list[tuple[float, float]], arrive: float) -> float | None:
    """When service can begin."""
    return min((max(arrive, first) for first, last in windows if arrive <= last), default=None)


def _is_short(asked: Request, back: float) -> bool:
    """Whether a day is over before the break would begin."""
    return asked.pause is not None and back <= asked.pause[0]
