"""The planned days of reps as lines, from home by the customers and home again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import pandas as pd

from api.planning.listing import Listing
from api.store.views import VIEWS


def places(listing: Listing) -> dict[str, tuple[float, float]]:
    """Key -> longitude and latitude, of the rows that have a place."""
    columns = [listing.columns[name] for name in (listing.key, "lon", "lat")]
    found = ([values[row] for values in columns] for row in listing.rows)
    return {key: (lon, lat) for key, lon, lat in found if lon is not None and lat is not None}


def routes(planned: pd.DataFrame, customers: Mapping[str, Any], homes: Mapping[str, Any], version: str = "") -> Listing:
    """One line a rep and day, by those customers that still have a place.

    Parameters
    ----------
    planned : ``rep_id``, ``day``, ``stop``, ``customer_id``, ``drive_minutes``, ``drive_km``, a row a visit
    customers, homes : id -> longitude, latitude
    version : what all of it depends on
    """
    rows, shapes = [], []
    for (rep_id, day), visits in planned.sort_values("stop").groupby(["rep_id", "day"]) if len(planned) else ():
        home = [homes[rep_id]] if rep_id in homes else []
        line = [*home, *(customers[each] for each in visits["customer_id"] if each in customers), *home]
        drive = {name: round(float(visits[name].sum()), 1) for name in ("drive_minutes", "drive_km")}
        rows.append({"route": f"{rep_id} {day}", "rep_id": rep_id, "day": day, "visits": len(visits), **drive})
        shapes.append(orjson.dumps({"type": "LineString", "coordinates": line}).decode() if len(line) > 1 else None)
    drawn = np.array(shapes, dtype=object)
    table = pd.DataFrame(rows, columns=("route", *VIEWS["routes"][2])).set_index("route")
    return Listing.of(table, version, lambda chosen: drawn[chosen])
