"""What else a day could hold: on which day an appointment costs least, and who lives on the way."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from territory.routing.plan import DayPlan
from territory.routing.request import Request, Visits, with_visits
from territory.routing.route import Route

NEAREST = 60
"""So many customers nearest to the way are tried."""


def best_days_for(routes: Iterable[Route], visit: Visits) -> pd.DataFrame:
    """What an appointment would cost on each of several days, the cheapest day first.

    Parameters
    ----------
    routes : Route of each day that comes into question
    visit : the customer's id, or a table of one visit as in `solve_route` (minutes, appointment, windows)

    Returns
    -------
    DataFrame, one row a day
        ``day``, ``rep``, ``fits`` (besides everything planned), ``detour_minutes`` (driving more than planned;
        negative if others must go), ``home`` (when the day then ends), ``instead_of`` (customers, separated by ";",
        that would have to go when it does not fit). Days on which it cannot be at all stand last, with NaN.
    """
    rows = [_on(route, visit) for route in routes]
    table = pd.DataFrame(rows, columns=["day", "rep", "fits", "detour_minutes", "home", "instead_of"])
    order = table.assign(lost=table["instead_of"].str.count(";") + table["instead_of"].ne("")).sort_values(
        ["fits", "lost", "detour_minutes", "day", "rep"], ascending=[False, True, True, True, True], kind="stable"
    )
    return order.drop(columns="lost").reset_index(drop=True)


def nearby(route: Route, *, max_detour: float = 20.0, count: int = 10) -> pd.DataFrame:
    """The rep's customers that are worth a stop on the way: they fit besides everything planned.

    Parameters
    ----------
    route : Route
    max_detour : minutes of driving more
    count : how many are listed at most

    Returns
    -------
    DataFrame, what brings most for its minutes first
        ``customer_id``, ``name``, ``detour_minutes``, ``minutes`` (of the visit), ``prize``, ``after_stop`` (0: on the
        way from the start), ``arrive``, ``home``.
    """
    request = route.request
    mine = request.portfolio.customers["territory"] == request.portfolio.reps.loc[request.rep, "territory"]
    others = request.portfolio.customers.index[mine]
    planned = request.visits.index[route.plan.order]
    tried = near_to(route, others[~others.isin(planned)])
    asked = with_visits(request.only(route.plan.order), list(tried))
    rows = []
    for row in range(len(planned), len(asked.visits)):
        plan = _besides(asked, len(planned), row)
        detour = plan.drive - route.plan.drive
        if plan.status == "infeasible" or detour > max_detour:
            continue
        at = int(np.flatnonzero(plan.order == len(planned))[0])
        visit = asked.visits.iloc[row]
        rows.append(
            {
                "customer_id": asked.visits.index[row],
                "name": visit["name"],
                "detour_minutes": round(detour, 2),
                "minutes": visit["minutes"],
                "prize": visit["prize"],
                "after_stop": at,
                "arrive": route._moments(plan.arrive[[at]])[0],
                "home": route._moments(np.array([plan.home]))[0],
            }
        )
    columns = ["customer_id", "name", "detour_minutes", "minutes", "prize", "after_stop", "arrive", "home"]
    table = pd.DataFrame(rows, columns=columns)
    spent = (table["detour_minutes"] + table["minutes"]).clip(lower=1)
    order = (-table["prize"] / spent).argsort(kind="stable")
    return table.iloc[order].head(count).reset_index(drop=True)


def _on(route: Route, visit: Visits) -> dict:
    request = route.request
    planned = route.plan.order
    asked = with_visits(request.only([row for row in planned if request.visits.index[row] not in _named(visit)]), visit)
    count = len(asked.visits) - 1
    told = {"day": request.day, "rep": request.rep, "instead_of": ""}
    plan = _besides(asked, count, count)
    if plan.status != "infeasible":
        detour = round(plan.drive - route.plan.drive, 2)
        return {**told, "fits": True, "detour_minutes": detour, "home": route._moments(np.array([plan.home]))[0]}
    must = asked.visits["must"].to_numpy().copy()
    must[count] = True
    plan = asked.solve(mandatory=must)
    if plan.status == "infeasible" or count not in plan.order:
        return {**told, "fits": False, "detour_minutes": np.nan, "home": pd.NaT}
    gone = [name for row, name in enumerate(asked.visits.index[:count]) if row not in set(plan.order)]
    detour = round(plan.drive - route.plan.drive, 2)
    home = route._moments(np.array([plan.home]))[0]
    return {**told, "fits": False, "detour_minutes": detour, "home": home, "instead_of": ";".join(gone)}


def _named(visit: Visits) -> set[str]:
    if isinstance(visit, str):
        return {visit}
    if isinstance(visit, pd.DataFrame):
        return set(visit.get("customer_id", visit.index))
    return set(visit or ())


def _besides(asked: Request, planned: int, row: int) -> DayPlan:
    """The day with everything planned, which are the first rows, and one more; least driving."""
    together = asked.only([*range(planned), row])
    return together.solve(mandatory=np.ones(planned + 1, bool), objective="drive", effort=min(asked.effort, 0.1))


def near_to(route: Route, customers: pd.Index) -> pd.Index:
    """The `NEAREST` of the customers that stand nearest to a stop, as the crow flies."""
    places = route.request.portfolio.customers.geometry.loc[customers]
    stops = route.request.places.iloc[route._places]
    apart = np.hypot(
        places.x.to_numpy()[:, None] - stops.x.to_numpy(), places.y.to_numpy()[:, None] - stops.y.to_numpy()
    ).min(axis=1)
    return customers[np.sort(np.argsort(apart, kind="stable")[:NEAREST])]
