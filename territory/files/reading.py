"""From files to a portfolio: every fault at the door, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from territory.errors import DataError, Problem
from territory.files.faults import Ledger
from territory.files.land import (
    LandFiles,
    LandRead,
    land_of,
    read_areas,
    read_barriers,
    read_edges,
    read_outlines,
    withhold,
)
from territory.files.owners import check_owners
from territory.files.rules import read_rules
from territory.files.tables import Table, read_table
from territory.geo import crs_name, local_crs, project
from territory.model import CUSTOMER_COLUMNS, REP_COLUMNS, Column, Portfolio, Rules, with_columns

if TYPE_CHECKING:
    import geopandas as gpd
    import pyproj

T = TypeVar("T")

REPS_PREFIX = "reps."
"""In a mapping of columns: what follows is a column of the reps' file, as in ``reps.lon``."""

_DERIVED = {
    "potential": "derived from revenue, else from the tier's by [potential_by_tier]",
    "tier": "derived from the rank by potential and [tier_shares]",
    "visits_per_year": "derived from the tier by [visits_per_year]",
    "minutes_per_visit": "derived from the tier by [minutes_per_visit]",
}
_MOST_FAR = 20
_SPREAD_LIMIT_METRES = 100_000.0
_SPREAD_FACTOR = 6.0


@dataclass(frozen=True, eq=False)
class Check:
    """What is wrong in files, and what is good to know about them.

    ``faults`` : every fault; empty when all is well. ``notes`` : what is derived, kept, or odd.
    ``customers``, ``reps``, ``unplaced`` : counts of rows; the unplaced are among the customers.
    ``portfolio`` : what was read, None when a fault keeps it from being read.
    """

    faults: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    customers: int
    reps: int
    unplaced: int
    portfolio: Portfolio | None


def read_portfolio(
    customers: str | Path,
    reps: str | Path | None = None,
    *,
    rules: str | Path | Rules | None = None,
    crs: str = "wgs84",
    columns: Mapping[str, str] | None = None,
    barriers: str | Path | None = None,
    not_assigned: str | Path | None = None,
    neighbours: str | Path | None = None,
    outlines: str | Path | None = None,
) -> Portfolio:
    """Customers, reps and rules from files.

    Parameters
    ----------
    customers, reps : path of a CSV (UTF-8, GB18030), XLSX, GeoJSON, GeoPackage or GeoParquet
    rules : path of a TOML, or Rules; the defaults without
    crs : "wgs84", "gcj02", "bd09" or "EPSG:n"
        What the coordinates of both files are in; a coordinate system that a file names itself goes before an EPSG
        code given here.
    columns : our column -> header in the customers' file, optional
        For headers that are not known by name, as ``{"revenue": "sales_2021"}``; for the reps' file
        ``{"reps.lon": "home_x"}``.
    barriers : path of a GeoJSON or GeoPackage with lines that no territory crosses, optional
    not_assigned : path of a GeoJSON or GeoPackage with areas, optional
        Customers in them are ``unplaced``.
    neighbours : path of a table whose first two columns are ids of customers that border each other, optional
        See `borders.graph_of` for what that means for customers it does not name.
    outlines : path of a GeoJSON or GeoPackage with polygons and an attribute customer_id, optional
        Customers that are areas, where the customers' file holds points.

    Returns
    -------
    Portfolio
        Customers may be areas, polygons of a GeoJSON, GeoPackage or GeoParquet: a point inside is their place, and
        those that share a border are neighbours.
        Customers without a usable place are in ``unplaced`` with the reason, and what else is known of them. One
        without an id is named after its row, as "row 17". Other columns of the source are kept as text. Geometry is
        in metres in `geo.local_crs`.

    Raises
    ------
    DataError
        Any fault but one of place; all of them are listed, by row and column.

    Notes
    -----
    A customers' territory that no rep has is vacant, or a fault when it looks like a slip (`owners.check_owners`).
    In CSV, an apostrophe before ``= + - @`` at the start of a text is taken off: it keeps spreadsheet programs from
    running the text as a formula, and `write_portfolio` puts it there.
    """
    land = LandFiles(barriers, not_assigned, neighbours, outlines)
    reading = _read_all(customers, reps, rules, crs, columns, land)
    if reading.portfolio is None:
        raise DataError([problem for ledger in reading.ledgers for problem in ledger.stopping()])
    return reading.portfolio


def check_files(
    customers: str | Path,
    reps: str | Path | None = None,
    *,
    rules: str | Path | Rules | None = None,
    crs: str = "wgs84",
    columns: Mapping[str, str] | None = None,
    barriers: str | Path | None = None,
    not_assigned: str | Path | None = None,
    neighbours: str | Path | None = None,
    outlines: str | Path | None = None,
) -> Check:
    """Every fault in files, faults of place included; takes what `read_portfolio` takes, and raises nothing.

    Returns
    -------
    Check
    """
    land = LandFiles(barriers, not_assigned, neighbours, outlines)
    reading = _read_all(customers, reps, rules, crs, columns, land)
    return Check(
        faults=tuple(problem for ledger in reading.ledgers for problem in ledger.faults()),
        notes=tuple(problem for ledger in reading.ledgers for problem in ledger.notes),
        customers=reading.customers,
        reps=reading.reps,
        unplaced=reading.unplaced,
        portfolio=reading.portfolio,
    )


@dataclass(frozen=True, eq=False)
class _Reading:
    ledgers: list[Ledger]
    customers: int = 0
    reps: int = 0
    unplaced: int = 0
    portfolio: Portfolio | None = None


def _read_all(
    customers: str | Path,
    reps: str | Path | None,
    rules: str | Path | Rules | None,
    crs: str,
    columns: Mapping[str, str] | None,
    files: LandFiles,
) -> _Reading:
    options = Ledger("options")
    ledgers = [options]
    chosen_rules = _gather(options, lambda: _rules(rules))
    crs = _gather(options, lambda: crs_name(crs)) or "wgs84"
    for_customers, for_reps = _split_columns(columns or {}, options)
    customer_ledger = Ledger(Path(customers).name)
    ledgers.append(customer_ledger)
    table = _gather(
        customer_ledger, lambda: read_table(customers, CUSTOMER_COLUMNS, for_customers, crs, customer_ledger)
    )
    team, rep_ledger = None, options
    if reps is not None:
        rep_ledger = Ledger(Path(reps).name)
        ledgers.append(rep_ledger)
        team = _gather(rep_ledger, lambda: read_table(reps, REP_COLUMNS, for_reps, crs, rep_ledger))
    rep_count = 0 if team is None else len(team.rows)
    land = _read_land(files, table, crs, ledgers)
    if table is None:
        return _Reading(ledgers, reps=rep_count)
    table = withhold(table, land.areas, land.area_names, customer_ledger)
    placed = table.places.is_placed
    reading = _Reading(ledgers, len(table.rows), rep_count, int((~placed).sum()))
    if not placed.any() and not customer_ledger.stops:
        customer_ledger.fault("No customer has a usable place.", "Mend the coordinates, or say which crs they are in.")
    _note_what_is_derived(table, customer_ledger)
    if team is not None:
        _check_team(table, team, customer_ledger, rep_ledger)
    if any(ledger.stops for ledger in ledgers) or not placed.any():
        return reading
    portfolio = _portfolio(table, team, chosen_rules or Rules(), land)
    _note_odd_places(portfolio, customer_ledger)
    return replace(reading, portfolio=portfolio)


def _read_land(files: LandFiles, table: Table | None, crs: str, ledgers: list[Ledger]) -> LandRead:
    """What the land's files say; each has a ledger of its own, put to the others."""

    def read(path: str | Path | None, reader: Callable[[str | Path, Ledger], T]) -> T | None:
        if path is None:
            return None
        ledgers.append(Ledger(Path(path).name))
        return _gather(ledgers[-1], lambda: reader(path, ledgers[-1]))

    nothing = np.empty(0, object)
    barriers = read(files.barriers, lambda path, ledger: read_barriers(path, crs, ledger))
    areas = read(files.not_assigned, lambda path, ledger: read_areas(path, crs, ledger))
    ids = pd.Series(dtype="str") if table is None else table.ids
    edges = read(files.neighbours, lambda path, ledger: read_edges(path, ids, ledger))
    outlines = read(files.outlines, lambda path, ledger: read_outlines(path, crs, ids, ledger))
    return LandRead(
        nothing if barriers is None else barriers,
        *((nothing, nothing) if areas is None else areas),
        np.empty((0, 2), object) if edges is None else edges,
        pd.Series(dtype=object) if outlines is None else outlines,
    )


def _rules(rules: str | Path | Rules | None) -> Rules:
    if rules is None:
        return Rules()
    return rules if isinstance(rules, Rules) else read_rules(rules)


def _gather(ledger: Ledger, read: Callable[[], T]) -> T | None:
    """What `read` gives, or None with its faults in the ledger."""
    try:
        return read()
    except DataError as error:
        ledger.adopt(error.problems)
        return None


def _split_columns(columns: Mapping[str, str], ledger: Ledger) -> tuple[dict[str, str], dict[str, str]]:
    """The mapping of the customers' file and of the reps' file."""
    chosen: dict[bool, dict[str, str]] = {False: {}, True: {}}
    for key, header in columns.items():
        is_reps = key.startswith(REPS_PREFIX)
        name = key.removeprefix(REPS_PREFIX)
        valid = [column.name for column in (REP_COLUMNS if is_reps else CUSTOMER_COLUMNS)]
        if name in valid:
            chosen[is_reps][name] = header
        else:
            ledger.fault(f"There is no column '{key}' to map '{header}' to.", f"There are {', '.join(valid)}.")
    return chosen[False], chosen[True]


def _check_team(table: Table, team: Table, customer_ledger: Ledger, rep_ledger: Ledger) -> None:
    homeless = int((~team.places.is_placed).sum())
    if homeless:
        who = "1 rep has no home" if homeless == 1 else f"{homeless} reps have no home"
        rep_ledger.note(f"{who}; travel counts one where it shortens ways most.", "Give lon and lat.")
    owned = table.data.get("territory", pd.Series(dtype="str")).dropna()
    territories = _rep_territories(team, owned)
    if territories.isna().any():
        rep_ledger.note(f"{int(territories.isna().sum())} reps have no territory.")
    elif "territory" not in team.data:
        rep_ledger.note("The reps' territories are named by their rep_id, as the customers name them.")
    shared = territories.dropna()[lambda names: names.duplicated()].unique()
    if len(shared):
        rep_ledger.note(f"Several reps share territory {', '.join(shared[:10])}; its share counts them all.")
    if len(owned):
        named = pd.DataFrame({"territory": territories.to_numpy()}, index=team.ids)
        check_owners(
            table.data.loc[owned.index],
            named[named.index.notna() & ~named.index.duplicated()],
            table.rows[owned.index],
            table.headers.of("territory"),
            customer_ledger,
        )


def _rep_territories(team: Table, owned: pd.Series) -> pd.Series:
    """Each rep's territory; a file without the column has them when the customers name reps instead."""
    if "territory" in team.data:
        return team.data["territory"]
    return team.ids.where(team.ids.isin(owned.unique()))


def _note_what_is_derived(table: Table, ledger: Ledger) -> None:
    for name, how in _DERIVED.items():
        if name not in table.data:
            ledger.note(f"There is no column {name}: {how}.")
        elif blank := int(table.data[name].isna().sum()):
            ledger.note(f"{blank:,} customers without {name}: {how}.", columns=[table.headers.of(name)])
    if "territory" not in table.data:
        ledger.note("There is no column territory: the customers are in no alignment yet.")
    elif blank := int(table.data["territory"].isna().sum()):
        ledger.note(f"{blank:,} customers have no territory yet.", columns=[table.headers.of("territory")])
    if lost := sum(
        int(table.data[name].str.contains("\ufffd", regex=False).sum()) for name in _text_columns(table.data)
    ):
        ledger.note(f"{lost:,} cells hold '\ufffd': letters were lost before this file was saved.", "Export it again.")


def _text_columns(data: pd.DataFrame) -> list[str]:
    return [name for name in data if data[name].dtype == "str"]


def _portfolio(table: Table, team: Table | None, rules: Rules, land: LandRead) -> Portfolio:
    places = table.places
    placed = places.is_placed
    crs = local_crs(places.lon[placed], places.lat[placed])
    everyone = _completed(table.data, CUSTOMER_COLUMNS)
    everyone.index = pd.Index(_named(table.ids, table.rows), name="customer_id", dtype="str")
    reason = table.given_reason.where(table.given_reason.notna(), pd.Series(places.reason, dtype="str"))
    details = pd.concat([pd.DataFrame({"reason": reason}), table.coordinates], axis=1).set_axis(everyone.index)
    unplaced = pd.concat([details, everyone], axis=1)[~placed]
    if team is None:
        reps = _located(_nobody(), np.empty(0), np.empty(0), crs)
    else:
        owned = table.data.get("territory", pd.Series(dtype="str")).dropna()
        crew = _completed(team.data.assign(territory=_rep_territories(team, owned)), REP_COLUMNS)
        crew = crew.set_axis(pd.Index(team.ids, name="rep_id", dtype="str"))
        reps = _located(crew, team.places.lon, team.places.lat, crs)
    customers = _located(everyone[placed], places.lon[placed], places.lat[placed], crs)
    return Portfolio(customers, reps, rules, unplaced, land_of(land, table, crs))


def _completed(data: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """Every column of ours in the order they are declared, then the others: the same however the file orders ours."""
    full = with_columns(data, columns)
    ours = [column.name for column in columns if column.name in full]
    return full[[*ours, *(name for name in full if name not in ours)]]


def _nobody() -> pd.DataFrame:
    return with_columns(pd.DataFrame(index=pd.Index([], name="rep_id", dtype="str")), REP_COLUMNS)


def _named(ids: pd.Series, rows: np.ndarray) -> list[str]:
    """Ids; a row without one is named after its number in the file."""
    taken = set(ids.dropna())
    names = []
    for name, row in zip(ids.tolist(), rows.tolist(), strict=True):
        if isinstance(name, str):
            names.append(name)
            continue
        made = f"row {row}"
        while made in taken:
            made += "*"
        taken.add(made)
        names.append(made)
    return names


def _located(data: pd.DataFrame, lon: np.ndarray, lat: np.ndarray, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import shapely

    points = np.full(len(lon), None, object)
    is_placed = ~np.isnan(lon)
    points[is_placed] = shapely.points(project(lon[is_placed], lat[is_placed], crs))
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(points, index=data.index, crs=crs))


def _note_odd_places(portfolio: Portfolio, ledger: Ledger) -> None:
    xy = portfolio.xy
    counts = pd.Series(portfolio.customers.index).groupby([xy[:, 0], xy[:, 1]]).agg(["size", "first"])
    shared = counts[counts["size"] > 1]
    if len(shared):
        most = shared.sort_values(["size", "first"], ascending=[False, True]).iloc[0]
        ledger.note(
            f"{int(shared['size'].sum()):,} customers stand at {len(shared):,} shared places;"
            f" {most['size']} at that of '{most['first']}'."
        )
    metres = np.hypot(*(xy - np.median(xy, axis=0)).T)
    far = metres > max(_SPREAD_LIMIT_METRES, _SPREAD_FACTOR * float(np.percentile(metres, 75)))
    for customer_id, distance in zip(portfolio.customers.index[far][:_MOST_FAR], metres[far][:_MOST_FAR], strict=True):
        ledger.note(
            f"Customer '{customer_id}' is {distance / 1000:,.0f} km from the middle of all, far from the others.",
            "Check its longitude and latitude.",
        )
    if far.sum() > _MOST_FAR:
        ledger.note(f"{int(far.sum()) - _MOST_FAR:,} more customers are far from the others.")
