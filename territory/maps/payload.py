"""What the page is told: a plan as plain lists and numbers, ready for JSON, compact enough for 100,000 customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from territory.boundaries import grounds_of
from territory.demand import derive_demand
from territory.geo import from_wgs84, unproject
from territory.measures import measure
from territory.model import MEASURES, Portfolio, Proposal, TravelMode, natural_key
from territory.outcome import cost_of_tolerance
from territory.realignment import explain_moves

if TYPE_CHECKING:
    import geopandas as gpd
    import shapely

DEGREE = 100_000
"""Coordinates are whole numbers of this part of a degree (about a metre), counted from the origin."""

COLOURS = 10
"""Colours by which territories are told apart; no two neighbours get the same one."""

LEAST_BORDER = 0.02
"""Two territories are neighbours whose common border is more than this part of the shorter outline."""

MEASURED = (
    "customers",
    "potential",
    "workload_minutes",
    "travel",
    "capacity_use",
    "share",
    "index_potential",
    "index_workload",
    "deviation_potential",
    "deviation_workload",
    "pieces",
    "compactness",
    "mean_km",
)


def describe_plan(plan: Proposal | Portfolio, *, travel: TravelMode | None, crs: str) -> dict[str, Any]:
    """Everything the page shows, as JSON types.

    Parameters
    ----------
    plan : Proposal or Portfolio
    travel : what workload counts; of a proposal its own word holds
    crs : {"wgs84", "gcj02"}
        What the drawn coordinates are in.

    Returns
    -------
    dict
        ``views``: the names of the alignments there are, "before" and/or "after". ``territories``: one object each,
        with its ``measures`` by view. ``ground``: by view, for each territory a list of polygons, of rings, of
        coordinates as differences. ``today``: lines between territories before, when there is an after. ``barriers``:
        lines that no territory crosses.
        ``customers``: one list a column. ``locked``: the rows of those that are locked. ``moves``, ``unplaced``,
        ``facts``.
    """
    portfolio = plan.portfolio if isinstance(plan, Proposal) else plan
    mode = plan.travel if isinstance(plan, Proposal) else (travel or "line")
    demand = derive_demand(portfolio, travel=mode)
    views, alignments = _views(plan, portfolio, demand)
    names = sorted({str(name) for table in views.values() for name in table.index}, key=natural_key)
    grounds = {view: grounds_of(portfolio, alignment) for view, alignment in alignments.items()}
    plane = _Plane(portfolio, crs)
    codes = {view: pd.Index(names).get_indexer(alignment.astype(object)) for view, alignment in alignments.items()}
    return {
        "kind": "proposal" if isinstance(plan, Proposal) else "portfolio",
        "views": list(views),
        "degree": DEGREE,
        "origin": plane.origin,
        "facts": _facts(plan, portfolio, mode),
        "territories": _territories(names, views, grounds, portfolio, plane),
        "today": plane.borders(grounds["before"]) if len(grounds) > 1 else [],
        "barriers": plane.lines(portfolio.land.barriers),
        "ground": {view: [plane.rings(ground.get(name)) for name in names] for view, ground in grounds.items()},
        "customers": _customers(portfolio, demand, codes, plane),
        "locked": _locked(plan, portfolio),
        "moves": _moves(plan, portfolio, names),
        "unplaced": _unplaced(portfolio),
    }


class _Plane:
    """From the portfolio's metres to the whole numbers of the page."""

    def __init__(self, portfolio: Portfolio, crs: str) -> None:
        self._local = portfolio.customers.crs
        self._crs = crs
        self._middle = 0.0
        if len(portfolio.xy):
            lon, lat = self._degrees(portfolio.xy)
            self._middle = float(lon[0])
            lon = self._near_middle(lon)
            self.origin = [int(np.floor(lon.min() * DEGREE)), int(np.floor(lat.min() * DEGREE))]
        else:
            self.origin = [0, 0]

    def whole(self, xy: np.ndarray) -> np.ndarray:
        """(n, 2) metres to (n, 2) whole numbers from the origin."""
        if not len(xy):
            return np.empty((0, 2), np.int64)
        lon, lat = self._degrees(xy)
        degrees = np.column_stack([self._near_middle(lon), lat])
        return np.rint(degrees * DEGREE).astype(np.int64) - self.origin

    def rings(self, ground: shapely.Geometry | None) -> list[list[list[int]]]:
        """Polygons, each a list of rings, each x, y of the first corner and then differences: [x, y, dx, dy, ...]."""
        import shapely

        parts = [] if ground is None else shapely.get_parts(ground)
        return [
            [self._steps(shapely.get_coordinates(ring)[:-1]) for ring in (part.exterior, *part.interiors)]
            for part in parts
        ]

    def borders(self, ground: gpd.GeoSeries) -> list[list[int]]:
        """Lines between territories, each border once, as differences; the outline of the region is not among them."""
        import shapely

        shapes = ground.to_numpy()
        outline = shapely.boundary(shapely.coverage_union_all(shapes))
        inner = shapely.difference(shapely.union_all(shapely.boundary(shapes)), outline)
        return [self._steps(shapely.get_coordinates(line)) for line in shapely.get_parts(shapely.line_merge(inner))]

    def lines(self, shapes: np.ndarray) -> list[list[int]]:
        """Lines as differences."""
        import shapely

        return [self._steps(shapely.get_coordinates(shape)) for shape in shapes]

    def _steps(self, corners: np.ndarray) -> list[int]:
        whole = self.whole(corners)
        steps = np.vstack([whole[:1], np.diff(whole, axis=0)])
        # Corners that round to one place say nothing twice.
        steps = steps[np.r_[True, (steps[1:] != 0).any(axis=1)]]
        return steps.ravel().tolist()

    def _degrees(self, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lon, lat = unproject(xy, self._local)
        return (lon, lat) if self._crs == "wgs84" else from_wgs84(lon, lat, self._crs)

    def _near_middle(self, lon: np.ndarray) -> np.ndarray:
        """Longitudes without the jump at the antimeridian."""
        return (lon - self._middle + 180) % 360 - 180 + self._middle


def _views(
    plan: Proposal | Portfolio, portfolio: Portfolio, demand: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.Series]]:
    """Measures and alignment of each view; before, then after."""
    if isinstance(plan, Portfolio):
        return {"before": measure(portfolio, demand=demand)}, {"before": portfolio.alignment}
    after = plan.alignment.reindex(portfolio.customers.index)
    if plan.before is None:
        return {"after": plan.after}, {"after": after}
    return {"before": plan.before, "after": plan.after}, {"before": portfolio.alignment, "after": after}


def _facts(plan: Proposal | Portfolio, portfolio: Portfolio, travel: TravelMode) -> dict[str, Any]:
    if isinstance(plan, Portfolio):
        return {"tolerance": dict(portfolio.rules.tolerance), "travel": travel, "reasons": []}
    return {
        "tolerance": {measure: float(plan.tolerance[measure]) for measure in MEASURES},
        "travel": travel,
        "seed": plan.seed,
        "gap": _number(plan.gap),
        "objective": _number(plan.objective),
        "lower_bound": _number(plan.lower_bound),
        "reasons": [*([str(each), each.zh] for each in plan.reasons), *filter(None, [cost_of_tolerance(plan)])],
    }


def _territories(
    names: list[str],
    views: dict[str, pd.DataFrame],
    grounds: dict[str, gpd.GeoSeries],
    portfolio: Portfolio,
    plane: _Plane,
) -> list[dict[str, Any]]:
    # A territory that the plan adds comes last, or it would shift the colours of the others.
    first = next(iter(views.values()))
    colour = _colours(sorted(names, key=lambda name: name not in first.index), list(grounds.values()))
    reps = portfolio.reps.dropna(subset="territory")
    rep_names = reps["name"].fillna(pd.Series(reps.index, index=reps.index)).groupby(reps["territory"]).agg("; ".join)
    anchors = {view: _anchors(ground, plane) for view, ground in grounds.items()}
    measured = {view: table[list(MEASURED)].to_dict("index") for view, table in views.items()}
    return [
        {
            "name": name,
            # Without a table of reps nobody knows who is there: that is not vacant.
            "rep": rep_names.get(name) if len(portfolio.reps) else "",
            "colour": colour[name],
            "anchor": {view: anchor.get(name) for view, anchor in anchors.items()},
            "measures": {view: _measured(rows.get(name)) for view, rows in measured.items()},
        }
        for name in names
    ]


def _measured(row: dict[str, Any] | None) -> dict[str, float | None] | None:
    return None if row is None else {column: _number(value) for column, value in row.items()}


def _anchors(ground: gpd.GeoSeries, plane: _Plane) -> dict[str, list[int]]:
    """Where a territory's name is written: the middle of the largest circle in its largest piece."""
    import shapely

    if ground.empty:
        return {}
    widest = [max(shapely.get_parts(shape), key=lambda part: part.area) for shape in ground]
    circles = [shapely.maximum_inscribed_circle(part, tolerance=part.length / 500) for part in widest]
    return dict(zip(ground.index, plane.whole(shapely.get_coordinates(circles)[::2]).tolist(), strict=True))


def _colours(names: list[str], grounds: list[gpd.GeoSeries]) -> dict[str, int]:
    """A colour number for each territory, other than its neighbours' in every view.

    The colours go round in the order of the names, and only a territory that lies beside another of its colour gets
    the next one that is free: so it keeps its colour from today to the plan, and from one change by hand to the next.
    """
    colour = {name: place % COLOURS for place, name in enumerate(names)}
    beside: dict[str, set[str]] = {name: set() for name in names}
    for ground in grounds:
        for one, other in _neighbours(ground):
            beside[one].add(other)
        for name in names:
            taken = {colour[other] for other in beside[name]}
            free = [number for step in range(COLOURS) if (number := (colour[name] + step) % COLOURS) not in taken]
            colour[name] = free[0] if free else colour[name]
    return colour


def _neighbours(ground: gpd.GeoSeries) -> list[tuple[str, str]]:
    """Territories that share a border, both ways; one customer amid another territory is hardly a border yet."""
    import shapely

    shapes = ground.to_numpy()
    ones, others = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    shared = shapely.length(shapely.intersection(shapes[ones], shapes[others]))
    outline = shapely.length(shapes)
    is_border = (ones != others) & (shared > LEAST_BORDER * np.minimum(outline[ones], outline[others]))
    return list(zip(ground.index[ones[is_border]], ground.index[others[is_border]], strict=True))


def _customers(
    portfolio: Portfolio, demand: pd.DataFrame, codes: dict[str, np.ndarray], plane: _Plane
) -> dict[str, Any]:
    customers = portfolio.customers
    place = plane.whole(portfolio.xy)
    tiers = pd.Categorical(demand["tier"])
    return {
        "x": place[:, 0].tolist(),
        "y": place[:, 1].tolist(),
        "id": customers.index.tolist(),
        "name": customers["name"].fillna("").tolist(),
        "tier": tiers.codes.tolist(),
        "tiers": tiers.categories.tolist(),
        "potential": _compact(demand["potential"]),
        "workload": _compact(demand["workload_minutes"].round()),
        "visits": _compact(demand["visits_per_year"]),
        "minutes": _compact(demand["minutes_per_visit"]),
        **{view: code.tolist() for view, code in codes.items()},
    }


def _locked(plan: Proposal | Portfolio, portfolio: Portfolio) -> list[int]:
    customers = portfolio.customers
    is_locked = customers.index.isin(list(plan.locks)) if isinstance(plan, Proposal) else customers["locked"].to_numpy()
    return np.flatnonzero(is_locked).tolist()


def _moves(plan: Proposal | Portfolio, portfolio: Portfolio, names: list[str]) -> list[list[Any]]:
    """[customer's row, reason, price, runner-up, the reason as figures or None] for each move."""
    if isinstance(plan, Portfolio) or plan.before is None:
        return []
    moves = plan.moves
    row = portfolio.customers.index.get_indexer(moves["customer_id"])
    runner_up = moves["runner_up"].astype(object)
    figures = [_figures(reason) for reason in explain_moves(plan).to_dict("records")]
    return [
        [int(at), _text(reason), _number(price), _text(other), told]
        for at, reason, price, other, told in zip(row, moves["reason"], moves["price"], runner_up, figures, strict=True)
        if at >= 0
    ]


def _figures(reason: dict[Any, Any]) -> list[Any] | None:
    """The fields of a `Reason`, in their order; None when only its words are known."""
    if pd.isna(reason["kind"]):
        return None
    return [_text(value) or None if isinstance(value, str) else _number(value) for value in reason.values()]


def _unplaced(portfolio: Portfolio) -> list[list[str]]:
    """[id, name, reason] of each customer without a place."""
    unplaced = portfolio.unplaced
    name = unplaced["name"] if "name" in unplaced else pd.Series("", index=unplaced.index)
    return [
        [str(customer), _text(called), _text(reason)]
        for customer, called, reason in zip(unplaced.index, name, unplaced["reason"], strict=True)
    ]


def _compact(values: pd.Series) -> list[float | int | None]:
    """Numbers as short as they can be told: whole ones without a point, others with two decimals."""
    rounded = values.to_numpy(float).round(2)
    if not np.isfinite(rounded).all():
        return [_number(value) for value in rounded]
    if np.count_nonzero(np.abs(rounded) >= 1000) * 2 > len(rounded) or (rounded == np.rint(rounded)).all():
        return np.rint(rounded).astype(np.int64).tolist()
    return rounded.tolist()


def _number(value: Any) -> float | None:
    """A JSON number of at most six digits' precision after the point; None when it is not finite."""
    number = float(value) if not pd.isna(value) else np.nan
    return round(number, 6) if np.isfinite(number) else None


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)
