"""What each customer could bring and what it costs, and where each figure came from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from territory.errors import NotFoundError, Problem
from territory.model import Portfolio, TravelMode
from territory.rules import SOURCES, derive_values
from territory.travel import line_minutes


def derive_demand(portfolio: Portfolio, *, travel: TravelMode = "line") -> pd.DataFrame:
    """Potential and workload of every customer.

    Parameters
    ----------
    portfolio : Portfolio
    travel : {"none", "line", "roads"}
        What workload counts beside visits x minutes: nothing, or travel in straight lines (`line_minutes`).

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
    _check_travel(travel)
    values = derive_values(portfolio.customers, portfolio.rules)
    visits, minutes = values["visits_per_year"], values["minutes_per_visit"]
    travelled = _travel_minutes(portfolio, travel, visits, minutes)
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


def _check_travel(travel: str) -> None:
    if travel == "roads":
        raise NotFoundError(
            [Problem("travel", "Travel by road needs a road graph, and there is none.", "Use 'line' or 'none'.")]
        )
    if travel not in ("none", "line"):
        raise NotFoundError([Problem("travel", f"'{travel}' is not a way of travelling.", "Use 'line' or 'none'.")])


def _travel_minutes(portfolio: Portfolio, travel: TravelMode, visits: pd.Series, minutes: pd.Series) -> np.ndarray:
    if travel == "none":
        return np.zeros(len(visits))
    places = portfolio.reps.geometry
    homes = np.column_stack([places.x, places.y]).astype("float64") if len(places) else np.empty((0, 2))
    return line_minutes(portfolio.xy, visits.to_numpy(), homes, minutes.to_numpy(), portfolio.rules)
