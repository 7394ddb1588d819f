"""Tiny worlds that can be checked by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.model import CUSTOMER_COLUMNS, REP_COLUMNS, Portfolio, Rules, with_columns

PLANE = "EPSG:6933"
"""An equal-area projection in metres: worlds lie near its origin."""


def portfolio_of(customers: pd.DataFrame, reps: pd.DataFrame | None = None, rules: Rules | None = None) -> Portfolio:
    """A portfolio from frames with columns x, y in metres, indexed by customer_id and rep_id."""
    if reps is None:
        reps = pd.DataFrame({"x": [], "y": []}, index=pd.Index([], name="rep_id", dtype="str"))
    return Portfolio(
        customers=_geo(customers, CUSTOMER_COLUMNS, "customer_id"),
        reps=_geo(reps, REP_COLUMNS, "rep_id"),
        rules=rules or Rules(),
        unplaced=pd.DataFrame({"reason": []}, index=pd.Index([], name="customer_id", dtype="str"), dtype="str"),
    )


def line_of_customers(count: int, reps: int, spacing: float = 1000.0) -> Portfolio:
    """Customers "1".."count" on a line, equal in every measure, cut evenly into T1..Treps, a rep amid each."""
    number = np.arange(count)
    owner = number * reps // count
    customers = pd.DataFrame(
        {
            "x": number * spacing,
            "y": 0.0,
            "potential": 100.0,
            "visits_per_year": 10.0,
            "minutes_per_visit": 30.0,
            "territory": [f"T{t + 1}" for t in owner],
        },
        index=pd.Index([str(n + 1) for n in number], name="customer_id"),
    )
    home = pd.DataFrame(
        {
            "x": [number[owner == t].mean() * spacing for t in range(reps)],
            "y": 0.0,
            "territory": [f"T{t + 1}" for t in range(reps)],
        },
        index=pd.Index([f"R{t + 1:02d}" for t in range(reps)], name="rep_id"),
    )
    return portfolio_of(customers, home)


def _geo(table: pd.DataFrame, columns: tuple, index: str) -> gpd.GeoDataFrame:
    place = gpd.points_from_xy(table["x"], table["y"], crs=PLANE)
    bare = table.drop(columns=["x", "y"]).rename_axis(index)
    return gpd.GeoDataFrame(with_columns(bare, columns), geometry=place)
