"""What a scenario changes in a table: which rows, and to what; every fault is told at once."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Hashable, Iterable, Mapping
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.columns import number_columns, numbers_of
from territory.errors import DataError, NotFoundError, Problem
from territory.geo import project

if TYPE_CHECKING:
    import geopandas as gpd
    import pyproj

Place = tuple[float, float] | str
"""Longitude and latitude in degrees (WGS-84), or the id of a customer who lives there."""

_AT_MOST_ONE = ("relation",)
_NEVER_NEGATIVE = ("potential", "revenue", "visits_per_year", "minutes_per_visit", "relation")
_MOST_LISTED = 10


def matching(customers: pd.DataFrame, where: Mapping[str, object]) -> np.ndarray:
    """Which rows have, in each column of `where`, the value or one of the values given; (n,) bool.

    Parameters
    ----------
    customers : DataFrame, (n,) rows
    where : column -> value, or several values; an empty one matches every row

    Raises
    ------
    NotFoundError
        There is no such column, or no row has such a value: it lists what exists.
    """
    problems, chosen = [], np.ones(len(customers), bool)
    for column, wanted in where.items():
        if column not in customers or column == "geometry":
            names = ", ".join(name for name in customers if name != "geometry")
            problems.append(Problem("customers", f"There is no column '{column}'.", f"There are {names}."))
            continue
        values = customers[column]
        asked = [str(value) if values.dtype == "str" else value for value in _several(wanted)]
        exist = set(values.dropna().unique())
        problems += [_no_such_value(column, value, values) for value in asked if value not in exist]
        chosen &= values.isin(asked).to_numpy()
    if problems:
        raise NotFoundError(problems)
    return chosen


def multiplied(customers: pd.DataFrame, column: str, factor: float, rows: np.ndarray) -> pd.Series:
    """A number column with some of its rows multiplied.

    Parameters
    ----------
    customers : DataFrame, (n,) rows
    column : a number column
    factor : ratio, from 0 up
    rows : (n,) bool, which ones

    Raises
    ------
    NotFoundError
        There is no such number column: it lists those that exist.
    DataError
        `factor` is not a number from 0 up, or a relation would be above 1.
    """
    values = numbers_of(customers, column)
    if values is None:
        raise NotFoundError([_no_such_number(column, number_columns(customers))])
    if not is_number(factor) or factor < 0:
        what = f"{factor!r} is not a factor from 0 up."
        raise DataError([Problem(f"scaled '{column}'", what, "Give 1.15 for 15 % more.")])
    scaled = values.where(~rows, values * float(factor))
    if column in _AT_MOST_ONE and (scaled > 1).any():
        what = f"times {factor:g} it would be {scaled.max():g}; it goes from 0 to 1."
        raise DataError([Problem(f"scaled '{column}'", what, f"Give at most {1 / values[rows].max():.4g}.")])
    return scaled


def is_number(value: object) -> bool:
    """Whether `value` is a finite number."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def place_of(at: Place, customers: gpd.GeoDataFrame, where: str) -> tuple[float, float]:
    """Metres in the customers' plane of longitude and latitude, or of a customer.

    Parameters
    ----------
    at : (longitude, latitude) in degrees, or a customer_id
    customers : GeoDataFrame indexed by customer_id
    where : what a problem says it is about

    Raises
    ------
    NotFoundError
        No customer that has a place has this id.
    DataError
        It is no longitude and latitude.
    """
    if isinstance(at, str):
        if at not in customers.index:
            what = f"'{at}' is not a customer that has a place."
            raise NotFoundError([Problem(where, what, _near(at, customers.index))])
        point = customers.geometry[at]
        return float(point.x), float(point.y)
    lon, lat = at if isinstance(at, Collection) and len(at) == 2 else (None, None)
    fault = _coordinate_fault(lon, lat)
    if fault:
        raise DataError([Problem(where, fault, "Give (longitude, latitude) in degrees, as in (120.62, 31.32).")])
    x, y = project([lon], [lat], customers.crs)[0]
    return float(x), float(y)


def need_rep(reps: pd.DataFrame, rep_ids: Iterable[str]) -> None:
    """NotFoundError, listing the reps there are, when one of `rep_ids` is none of them."""
    there = f"There are {', '.join(reps.index)}." if len(reps) else "There are no reps."
    unknown = [rep_id for rep_id in rep_ids if rep_id not in reps.index]
    if unknown:
        raise NotFoundError([Problem("rep", f"'{rep_id}' is not a rep.", there) for rep_id in unknown])


def share_faults(rep_id: str, share: float) -> list[Problem]:
    """What is wrong with a rep's part of full time."""
    if is_number(share) and 0 < share <= 1:
        return []
    what = f"{share!r} is not a share above 0 and up to 1."
    return [Problem(f"rep '{rep_id}', share", what, "Give 0.5 for half time; use without_rep for nobody.")]


def new_rep_faults(reps: pd.DataFrame, rep_id: str, hours: float | None) -> list[Problem]:
    """What is wrong with a new rep's id and hours a week."""
    problems = []
    if not rep_id or rep_id in reps.index:
        problems.append(Problem(f"rep '{rep_id}'", "The id is missing or taken.", "Give the rep another id."))
    if hours is not None and not (is_number(hours) and 0 < hours <= 168):
        what = f"{hours!r} is not a number of hours above 0 and up to 168."
        problems.append(Problem(f"rep '{rep_id}', capacity_hours_per_week", what, "Give 40."))
    return problems


def need_customers(ids: Collection[str], placed: pd.Index, unplaced: pd.Index) -> None:
    """NotFoundError when one of `ids` is no customer, with those that are spelled nearly alike."""
    unknown = sorted(set(ids) - {*placed, *unplaced})
    if unknown:
        raise NotFoundError(
            [Problem("customer", f"'{name}' is not a customer.", _near(name, placed)) for name in unknown]
        )


def with_row(table: gpd.GeoDataFrame, name: str, values: Mapping[str, object]) -> gpd.GeoDataFrame:
    """`table` with one more row; what `values` does not say is NA."""
    longer = table.reindex(pd.Index([*table.index, name], name=table.index.name, dtype="str"))
    for column, value in values.items():
        longer.loc[name, column] = value
    return longer.astype({column: table[column].dtype for column in longer if longer[column].notna().all()})


def new_customers(frame: pd.DataFrame, known: gpd.GeoDataFrame, unplaced: Collection[str]) -> gpd.GeoDataFrame:
    """Customers from outside, as the portfolio's table has them.

    Parameters
    ----------
    frame : DataFrame with ``lon``, ``lat`` (degrees, WGS-84), or GeoDataFrame of points; ``customer_id`` is a
        column or the index
    known : GeoDataFrame, the customers there are: their columns, dtypes and plane
    unplaced : ids that are taken as well

    Returns
    -------
    GeoDataFrame indexed by customer_id; every column of `known`, NA where `frame` does not say, and any others

    Raises
    ------
    DataError
        Ids, places or numbers that cannot be: every one is listed.
    """
    import geopandas as gpd

    table = pd.DataFrame(frame).reset_index() if frame.index.name == "customer_id" else pd.DataFrame(frame)
    if "customer_id" not in table:
        fix = "Add a column 'customer_id', or set it as the index."
        raise DataError([Problem("new customers", "They have no customer_id.", fix)])
    ids = pd.Index(table["customer_id"].astype("str"), name="customer_id", dtype="str")
    table = table.set_axis(ids).drop(columns="customer_id")
    problems = _faulty_ids(ids, {*known.index, *unplaced})
    xy, faults = _places(frame, table, known.crs)
    problems += faults
    columns = {}
    for name in [*known.columns.drop("geometry"), *table.columns.difference(known.columns, sort=False)]:
        if name in ("lon", "lat", "geometry"):
            continue
        kind = known[name].dtype if name in known else table[name].dtype
        columns[name], faults = _cast(table.get(name, pd.Series(np.nan, index=ids, dtype=object)), name, kind)
        problems += faults
    if problems:
        raise DataError(problems)
    place = gpd.points_from_xy(xy[:, 0], xy[:, 1], crs=known.crs)
    return gpd.GeoDataFrame(pd.DataFrame(columns, index=ids), geometry=place)


def appended(known: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """`known` and below it `new`, of `new_customers`; columns that only `new` has are NA in `known`."""
    strange = {name: np.nan for name in new if name not in known}
    wider = known.assign(**strange).astype({name: new[name].dtype for name in strange if new[name].dtype != "bool"})
    return pd.concat([wider, new[wider.columns]])


def _several(wanted: object) -> list[Hashable]:
    return list(wanted) if isinstance(wanted, Iterable) and not isinstance(wanted, str) else [wanted]


def _no_such_value(column: str, value: object, values: pd.Series) -> Problem:
    there = [str(name) for name in values.value_counts().index[:_MOST_LISTED]]
    more = ", …" if values.nunique() > _MOST_LISTED else ""
    what = f"No customer has '{value}' there."
    return Problem(f"customers, column '{column}'", what, f"There are {', '.join(there) or 'no values at all'}{more}.")


def _no_such_number(column: str, numbers: list[str]) -> Problem:
    if column in ("workload", "workload_minutes"):
        fix = "Workload is visits_per_year x minutes_per_visit + travel: scale one of the two."
    else:
        fix = f"There are {', '.join(numbers)}."
    return Problem("customers", f"There is no column of numbers '{column}'.", fix)


def _near(name: str, there: pd.Index) -> str:
    near = difflib.get_close_matches(name, there, 3)
    return f"Did you mean {', '.join(near)}?" if near else f"There are {len(there):,} customers; look at their ids."


def _coordinate_fault(lon: object, lat: object) -> str | None:
    if not is_number(lon) or not is_number(lat):
        return f"({lon!r}, {lat!r}) is no longitude and latitude."
    if abs(float(lat)) > 90 and abs(float(lon)) <= 90:  # type: ignore[arg-type]  # is_number made sure
        return f"({lon:g}, {lat:g}): latitude goes from -90 to 90; the two look swapped."
    if abs(float(lat)) > 90 or abs(float(lon)) > 180:  # type: ignore[arg-type]  # is_number made sure
        return f"({lon:g}, {lat:g}) is nowhere on earth."
    return None


def _faulty_ids(ids: pd.Index, taken: Collection[str]) -> list[Problem]:
    problems = [
        Problem(f"new customers, row {row + 1}", "It has no customer_id.", "Give it one of its own.")
        for row in np.flatnonzero(ids.isna() | (ids == ""))
    ]
    repeated = ids[ids.duplicated()].dropna().unique()
    problems += [
        Problem(f"new customers, '{name}'", "The id is there more than once.", "Give each its own.")
        for name in repeated
    ]
    return problems + [
        Problem(f"new customers, '{name}'", "The id is a customer's already.", "Give it another id.")
        for name in ids.unique()
        if name in taken
    ]


def _places(frame: pd.DataFrame, table: pd.DataFrame, crs: pyproj.CRS) -> tuple[np.ndarray, list[Problem]]:
    """(n, 2) metres in `crs`, and what is wrong with the places."""
    import geopandas as gpd

    if isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None:
        points = frame.geometry.to_crs(crs)
        wrong = ~(points.geom_type == "Point").to_numpy() | points.is_empty.to_numpy()
        faults = dict.fromkeys(table.index[wrong], "It has no point.")
        xy = np.full((len(points), 2), np.nan)
        xy[~wrong] = np.column_stack([points[~wrong].x, points[~wrong].y])
        return np.round(xy, 3), _misplaced(faults)
    if not {"lon", "lat"} <= set(table):
        fix = "Give columns 'lon' and 'lat' in degrees, or a GeoDataFrame that knows its crs."
        return np.empty((len(table), 2)), [Problem("new customers", "They have no places.", fix)]
    told = {
        name: fault
        for name, lon, lat in zip(table.index, table["lon"], table["lat"], strict=True)
        if (fault := _coordinate_fault(lon, lat))
    }
    if told:
        return np.empty((len(table), 2)), _misplaced(told)
    return project(table["lon"].to_numpy(float), table["lat"].to_numpy(float), crs), []


def _misplaced(faults: Mapping[str, str]) -> list[Problem]:
    fix = "Give longitude and latitude in degrees, or leave the customer out."
    return [Problem(f"new customers, '{name}'", fault, fix) for name, fault in faults.items()]


def _cast(values: pd.Series, column: str, kind: object) -> tuple[pd.Series, list[Problem]]:
    """`values` as the portfolio keeps that column, and what in it cannot be."""
    if kind == "str":
        return values.where(values.isna(), values.astype(str)).astype("str"), []
    if kind == "bool":
        wrong = ~values.isin([True, False]) & values.notna()
        return values.eq(True).astype(bool), _misfits(values[wrong], column, "yes or no", "True or False")
    if not pd.api.types.is_any_real_numeric_dtype(kind):
        return values.astype(kind), []
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    wrong = (numbers.isna() & values.notna()) | np.isinf(numbers)
    if column in _NEVER_NEGATIVE:
        wrong |= numbers < 0
    if column in _AT_MOST_ONE:
        wrong |= numbers > 1
    words = "a number from 0 to 1" if column in _AT_MOST_ONE else "a number from 0 up"
    return numbers, _misfits(values[wrong], column, words if column in _NEVER_NEGATIVE else "a number", words)


def _misfits(wrong: pd.Series, column: str, words: str, give: str) -> list[Problem]:
    return [
        Problem(f"new customers, '{name}', column '{column}'", f"{value!r} is not {words}.", f"Give {give}.")
        for name, value in wrong.items()
    ]
