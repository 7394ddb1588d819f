"""What each customer could bring and what it costs, and where each figure came from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from territory.errors import NotFoundError, Problem
from territory.homes import assumed_homes
from territory.model import Portfolio, TravelMode
from territory.rules import SOURCES, derive_values
from territory.travel import line_minutes, road_minutes


def derive_demand(portfolio: Portfolio, *, travel: TravelMode = "line") -> pd.DataFrame:
    """Potential and workload of every customer.

    Parameters
    ----------
    portfolio : Portfolio
    travel : {"none", "line", "roads"}
        What workload counts beside visits x minutes: nothing, travel in straight lines (`line_minutes`), or by the
        portfolio's roads (`road_minutes`); times the customer's ``travel_factor``, where it has one. Reps whose home
        nobody knows live where that shortens ways most (`territory.homes.assumed_homes`).

    Returns
    -------
    DataFrame on the index of ``portfolio.customers``
        ``potential`` (money a year), ``tier``, ``visits_per_year``, ``minutes_per_visit``, ``visit_minutes`` and
        ``travel`` (minutes a year), ``workload_minutes`` (their sum), and for each derived value a text that says
        where it came from: ``potential_source``, ``tier_source``, ``visits_source``, ``minutes_source``.

    Raises
    ------
    DataError
        Something can neither be read nor derived: every such tier and column is listed.
    NotFoundError
        `travel` is not a way of travelling, or needs what the portfolio has not.

    Notes
    -----
    `territory.rules.derive_values` says how each value is derived.
    """
    _check_travel(portfolio, travel)
    values = derive_values(portfolio.customers, portfolio.rules)
    visits, minutes = values["visits_per_year"], values["minutes_per_visit"]
    travelled = _travel_minutes(portfolio, travel, visits, minutes) * _travel_factor(portfolio.customers)
    worked = {"visit_minutes": visits * minutes, "travel": travelled, "workload_minutes": visits * minutes + travelled}
    return values.assign(**worked)[[*SOURCES, *worked, *SOURCES.values()]]


def demand_sources(demand: pd.DataFrame) -> pd.DataFrame:
    """How many customers have each value from where: columns value, source, customers; most frequent first.

    Parameters
    ----------
    demand : DataFrame of `derive_demand`
    """
    counts = [
        demand[column].value_counts().rename_axis("source").rename("customers").reset_index().assign(value=value)
        for value, column in SOURCES.items()
    ]
    order = {value: place for place, value in enumerate(SOURCES)}
    table = pd.concat(counts, ignore_index=True)[["value", "source", "customers"]]
    table = table.assign(place=table["value"].map(order), fewer=-table["customers"])
    return table.sort_values(["place", "fewer", "source"], ignore_index=True).drop(columns=["place", "fewer"])


def _check_travel(portfolio: Portfolio, travel: str) -> None:
    if travel == "roads" and portfolio.roads is None:
        what = "Travel by road needs a road graph, and there is none."
        fix = "Use 'line' or 'none', or give roads: portfolio.with_roads(read_roads(FILE)), --roads FILE."
        raise NotFoundError([Problem("travel", what, fix)])
    if travel not in ("none", "line", "roads"):
        fix = "Use 'line', 'roads' or 'none'."
        raise NotFoundError([Problem("travel", f"'{travel}' is not a way of travelling.", fix)])


def _travel_factor(customers: pd.DataFrame) -> np.ndarray:
    """(n,) float, what routes have taught of each customer's surroundings (`territory.reconcile`); 1 where nothing."""
    if "travel_factor" not in customers:
        return np.ones(len(customers))
    return customers["travel_factor"].fillna(1.0).to_numpy(float)


def _travel_minutes(portfolio: Portfolio, travel: TravelMode, visits: pd.Series, minutes: pd.Series) -> np.ndarray:
    if travel == "none":
        return np.zeros(len(visits))
    homes = assumed_homes(portfolio)
    if travel == "roads" and portfolio.roads is not None:
        customers = portfolio.customers.geometry
        return road_minutes(customers, visits.to_numpy(), homes, minutes.to_numpy(), portfolio.rules, portfolio.roads)
    xy = np.column_stack([homes.x, homes.y]).astype("float64")
    return line_minutes(portfolio.xy, visits.to_numpy(), xy, minutes.to_numpy(), portfolio.rules)
