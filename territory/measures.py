"""Is an alignment fair? What each territory holds against what it should hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from territory.borders import cells_of, chained, graph_of
from territory.demand import derive_demand
from territory.errors import NotFoundError, Problem
from territory.model import MEASURES, Portfolio, TravelMode, natural_key, percent
from territory.neighbours import PlaceGraph

LOADS = {"potential": "potential", "workload": "workload_minutes"}
"""The demand column behind each measure."""

_MOST_PARTS = 5


def measure(
    portfolio: Portfolio,
    alignment: pd.Series | None = None,
    *,
    travel: TravelMode = "line",
    demand: pd.DataFrame | None = None,
    shares: pd.Series | None = None,
    extra: Mapping[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """What each territory holds, one row a territory.

    Parameters
    ----------
    portfolio : Portfolio
    alignment : Series, customer_id -> territory, optional
        Today's by default. A customer it does not name, or names with NA, has no territory.
    travel : {"none", "line", "roads"}
        What workload counts beside visits x minutes.
    demand : DataFrame of `derive_demand`, optional
        Given, it is used as it is and `travel` is not looked at.
    shares : Series, territory -> the part of the whole it should hold, adding to 1, optional
        Given, these are the territories there are; by default the reps say.
    extra : name -> (n,) float, optional
        Measures beyond potential and workload, of every customer; each adds its column and its ``deviation_``.

    Returns
    -------
    DataFrame indexed by ``territory``, in natural order
        Every territory of the alignment or of a rep, even without customers.

        - ``rep_id``: text, NA when vacant, several separated by ``;``.
        - ``customers``: count. ``potential``: money a year. ``workload_minutes`` and, within it, ``travel``: minutes
          a year.
        - ``capacity_minutes``: minutes a year, its reps' hours a week x weeks a year x share. Where the hours are not
          known, or the territory is vacant, those of one full-time rep by the rules. ``capacity_use``: ratio.
        - ``share``: the part of the whole it should hold (a half-time rep counts half); adds to 1.
        - ``index_potential``, ``index_workload``: what it holds per share, the mean of all territories = 100.
        - ``deviation_potential``, ``deviation_workload``: held / (share x total) - 1, a ratio.
        - ``pieces``: on the neighbour graph of all customers; 0 without customers.
        - ``compactness``: 0 to 1, 1 is a disc; see notes. NA when its customers span no area.
        - ``mean_km``: mean distance of its customers to their mean place. NA without customers.

    Raises
    ------
    NotFoundError
        The alignment names a customer that the portfolio has not.
    DataError
        Potential or workload cannot be derived.

    Notes
    -----
    Customers without a territory are in no row, yet the total of a deviation counts them: they are still to be
    given to somebody, and a territory's fair share includes them. The index compares what is held today.

    Compactness is A^2 / (2 pi I) with area A and second moment of area I: the moment of an equal disc over the
    territory's own (Weaver and Hess 1963, Yale Law Journal 73; Li, Goodchild and Church 2013, IJGIS 27(6)). It does
    not depend on where in the territory the customers crowd. The area of a customer's place is its part of the
    Delaunay triangles around it, cut at their medians, so no outline of the region is needed; of a customer that is
    an area it is that area.
    """
    if demand is None:
        demand = derive_demand(portfolio, travel=travel)
    owner = _owner(portfolio, alignment)
    names = _territories(portfolio, owner) if shares is None else sorted(shares.index, key=natural_key)
    code = pd.Categorical(owner, categories=names).codes.astype(np.int64)
    table = pd.DataFrame(
        {
            "rep_id": _rep_ids(portfolio, names),
            "capacity_minutes": _capacity_minutes(portfolio, names),
            "share": (portfolio.shares(names) if shares is None else shares.reindex(names)).to_numpy(),
        },
        index=pd.Index(names, name="territory", dtype="str"),
    )
    return remeasure(portfolio, table, code, demand, extra)


def remeasure(
    portfolio: Portfolio,
    measured: pd.DataFrame,
    code: np.ndarray,
    demand: pd.DataFrame,
    extra: Mapping[str, np.ndarray] | None = None,
) -> pd.DataFrame:
    """The table of `measure` for another alignment to the same territories.

    Parameters
    ----------
    portfolio : Portfolio
    measured : DataFrame of `measure`, whose territories, reps, capacity and shares stand
    code : (n,) int, row of `measured` for each customer, -1 for none
    demand : DataFrame of `derive_demand`
    extra : as for `measure`
    """
    count, owned = len(measured), code >= 0
    held = {name: demand[name].to_numpy(float) for name in (*LOADS.values(), "travel")}
    total = {name: values.sum() for name, values in held.items()}
    held = {name: np.bincount(code[owned], values[owned], count) for name, values in held.items()}
    share, capacity = measured["share"].to_numpy(), measured["capacity_minutes"].to_numpy()
    ground = ground_of(portfolio)
    more = {name: np.bincount(code[owned], values[owned], count) for name, values in (extra or {}).items()}
    more |= {f"deviation_{name}": _ratio(more[name], share * v.sum()) - 1 for name, v in (extra or {}).items()}
    return pd.DataFrame(
        {
            "rep_id": measured["rep_id"],
            "customers": np.bincount(code[owned], minlength=count),
            **held,
            "capacity_minutes": capacity,
            "capacity_use": _ratio(held["workload_minutes"], capacity),
            "share": share,
            **{f"index_{name}": 100 * _ratio(held[load], share * held[load].sum()) for name, load in LOADS.items()},
            **{f"deviation_{name}": _ratio(held[load], share * total[load]) - 1 for name, load in LOADS.items()},
            "pieces": ground.graph.count_pieces(code, count),
            "compactness": _compactness(ground, code, count),
            "mean_km": _mean_km(portfolio.xy, code, count),
            **more,
        },
        index=measured.index,
    )


@dataclass(frozen=True, eq=False)
class Ground:
    """What measuring a portfolio needs that no alignment changes: it takes nine tenths of the time.

    cells : each place's area (p,), centre of mass (p, 2) and moment about it (p,), in metres; see `measure`.
    """

    graph: PlaceGraph
    cells: tuple[np.ndarray, np.ndarray, np.ndarray]


_GROUNDS: WeakKeyDictionary[Portfolio, Ground] = WeakKeyDictionary()


_DEMANDS: WeakKeyDictionary[Portfolio, dict[TravelMode, pd.DataFrame]] = WeakKeyDictionary()


def demand_of(portfolio: Portfolio, travel: TravelMode) -> pd.DataFrame:
    """The table of `derive_demand`, made when first asked for and kept as long as the portfolio: only to be read."""
    kept = _DEMANDS.setdefault(portfolio, {})
    if travel not in kept:
        kept[travel] = derive_demand(portfolio, travel=travel)
    return kept[travel]


def ground_of(portfolio: Portfolio) -> Ground:
    """The ground under a portfolio, made when it is first asked for and kept as long as the portfolio."""
    ground = _GROUNDS.get(portfolio)
    if ground is None:
        graph = graph_of(portfolio.xy, portfolio.customers.index, portfolio.land)
        graph = chained(graph, pd.factorize(portfolio.customers["group"])[0])
        ground = _GROUNDS[portfolio] = Ground(graph, _cells_of(portfolio, graph))
    return ground


def max_deviation(measured: pd.DataFrame) -> dict[str, float]:
    """The largest deviation over all territories, for each measure; a ratio, 0 when there is no territory.

    Parameters
    ----------
    measured : DataFrame of `measure`
    """
    return {name: float(measured[f"deviation_{name}"].abs().max() if len(measured) else 0.0) for name in MEASURES}


def alerts(
    portfolio: Portfolio,
    *,
    tolerance: float | Mapping[str, float] | None = None,
    alignment: pd.Series | None = None,
    travel: TravelMode = "line",
    demand: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What is wrong with an alignment, in plain words, the worst first.

    Parameters
    ----------
    portfolio : Portfolio
    tolerance : float or mapping measure -> float, optional
        A ratio, 0.05 is five percent either way. The rules' by default.
    alignment, travel, demand
        As for `measure`.

    Returns
    -------
    DataFrame with columns ``territory`` (NA when it is about none), ``measure``, ``value``, ``limit``, ``message``
        First customers that nobody visits (``unassigned``, and, where there are reps, ``vacant``: number of
        customers), then ``empty`` (a rep without customers), then what is out of tolerance (``potential``,
        ``workload``: deviation) or over capacity (``capacity``: capacity use) by how many percent, then parts of the
        land that no neighbours join (``parts``: how many), then territories in several ``pieces``.
    """
    if demand is None:
        demand = derive_demand(portfolio, travel=travel)
    measured = measure(portfolio, alignment, demand=demand)
    unassigned = int(_owner(portfolio, alignment).isna().sum())
    found = [
        *_unassigned(unassigned),
        # Without any rep, reps are not what is asked about.
        *(_vacant(measured) if len(portfolio.reps) else ()),
        *_empty(measured),
        *_out_of_tolerance(measured, demand, _tolerances(portfolio, tolerance)),
        *_over_capacity(measured),
        *_apart(portfolio),
        *_in_pieces(measured),
    ]
    # Python's sort is stable: what is equally bad, but for rounding, stays in natural order of territories.
    found.sort(key=lambda alert: (_URGENCY[alert["measure"]], -round(alert["severity"], 9)))
    columns = {"territory": "str", "measure": "str", "value": "float64", "limit": "float64", "message": "str"}
    return pd.DataFrame(found, columns=list(columns)).astype(columns)


_URGENCY = {
    "unassigned": 0,
    "vacant": 1,
    "empty": 2,
    "potential": 3,
    "workload": 3,
    "capacity": 3,
    "parts": 4,
    "pieces": 5,
}


def _owner(portfolio: Portfolio, alignment: pd.Series | None) -> pd.Series:
    if alignment is None:
        return portfolio.alignment
    unknown = alignment.index.difference(portfolio.customers.index)
    if len(unknown):
        raise NotFoundError(
            [Problem("alignment", f"'{name}' is not a customer that has a place.", "Leave it out.") for name in unknown]
        )
    return alignment.reindex(portfolio.customers.index)


def _territories(portfolio: Portfolio, owner: pd.Series) -> list[str]:
    named = pd.concat([portfolio.reps["territory"], owner]).dropna()
    return sorted(named.unique(), key=natural_key)


def _rep_ids(portfolio: Portfolio, names: list[str]) -> np.ndarray:
    held = portfolio.reps["territory"].dropna()
    ids = pd.Series(held.index, index=held.to_numpy(), dtype="str")
    return ids.groupby(level=0).agg(";".join).reindex(names).to_numpy()


def _capacity_minutes(portfolio: Portfolio, names: list[str]) -> np.ndarray:
    reps, rules = portfolio.reps, portfolio.rules
    hours = reps["capacity_hours_per_week"].fillna(rules.hours_per_week) * reps["share"].fillna(1.0)
    by_territory = hours.groupby(reps["territory"]).sum().reindex(names).fillna(rules.hours_per_week)
    return by_territory.to_numpy() * 60 * rules.weeks_per_year


def _ratio(held: np.ndarray, due: np.ndarray) -> np.ndarray:
    """held / due, and 1 where nothing is due and nothing held: there is nothing to be unfair about."""
    return np.divide(held, due, where=due != 0, out=np.where(held == 0, 1.0, np.inf))


def _mean_km(xy: np.ndarray, code: np.ndarray, count: int) -> np.ndarray:
    xy, code = xy[code >= 0], code[code >= 0]
    customers = np.bincount(code, minlength=count)
    centre = np.full((count, 2), np.nan)
    has = customers > 0
    for axis in range(2):
        centre[has, axis] = np.bincount(code, xy[:, axis], count)[has] / customers[has]
    metres = np.hypot(*(xy - centre[code]).T)
    mean = np.full(count, np.nan)
    mean[has] = np.bincount(code, metres, count)[has] / customers[has] / 1000
    return mean


def _compactness(ground: Ground, code: np.ndarray, count: int) -> np.ndarray:
    """A^2 / (2 pi I) of each territory, (count,); see `measure`. Negative codes are nobody's."""
    places, place_of = ground.graph.places, ground.graph.place_of
    area, centre, moment = ground.cells
    # A place shared by several territories is split by their number of customers there.
    held, customers = np.unique(place_of * (count + 1) + code + 1, return_counts=True)
    place, territory = held // (count + 1), held % (count + 1) - 1
    part = customers / np.bincount(place_of, minlength=len(places))[place]
    place, territory, part = (values[territory >= 0] for values in (place, territory, part))
    weight = part * area[place]
    total = np.bincount(territory, weight, count)
    compactness = np.full(count, np.nan)
    has = total > 0
    middle = np.zeros((count, 2))
    for axis in range(2):
        middle[has, axis] = np.bincount(territory, weight * centre[place, axis], count)[has] / total[has]
    squared = ((centre[place] - middle[territory]) ** 2).sum(axis=1)
    inertia = np.bincount(territory, part * moment[place] + weight * squared, count)
    compactness[has] = total[has] ** 2 / (2 * np.pi * inertia[has])
    return compactness


def _cells_of(portfolio: Portfolio, graph: PlaceGraph) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cells of the places, where customers are areas their outlines."""
    area, centre, moment = (values.copy() for values in _cells(graph.places))
    outlines = portfolio.land.outlines
    row = portfolio.customers.index.get_indexer(outlines.index)
    if (row >= 0).any():
        place = graph.place_of[row[row >= 0]]
        area[place], centre[place], moment[place] = cells_of(outlines.to_numpy()[row >= 0])
    return area, centre, moment


def _cells(places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each place's part of its Delaunay triangles: area (p,), centre of mass (p, 2), moment about it (p,)."""
    from scipy.spatial import Delaunay, QhullError

    count = len(places)
    if count < 3:
        return np.zeros(count), places, np.zeros(count)
    origin = places.mean(axis=0)
    try:
        corners = Delaunay(places - origin).simplices
    except QhullError:  # all on one line
        return np.zeros(count), places, np.zeros(count)
    # Medians cut a triangle into six of equal area; each corner has the two that touch it.
    sixths, owner = _sixths((places - origin)[corners]), np.repeat(corners.ravel(), 2)
    size = np.abs(_cross(sixths[:, 1] - sixths[:, 0], sixths[:, 2] - sixths[:, 0])) / 2
    middle = sixths.mean(axis=1)
    own = size * ((sixths - middle[:, None]) ** 2).sum(axis=(1, 2)) / 12
    area = np.bincount(owner, size, count)
    safe = np.where(area > 0, area, 1.0)
    centre = np.column_stack([np.bincount(owner, size * middle[:, axis], count) / safe for axis in range(2)])
    squared = ((middle - centre[owner]) ** 2).sum(axis=1)
    return area, centre, np.bincount(owner, own + size * squared, count)


def _sixths(corners: np.ndarray) -> np.ndarray:
    """(t, 3, 2) triangles to (6 t, 3, 2): for each corner, the two sixths that touch it."""
    middle = corners.mean(axis=1)
    parts = []
    for corner in range(3):
        for other in (1, 2):
            edge_middle = (corners[:, corner] + corners[:, (corner + other) % 3]) / 2
            parts.append(np.stack([corners[:, corner], edge_middle, middle], axis=1))
    return np.stack(parts, axis=1).reshape(-1, 3, 2)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _tolerances(portfolio: Portfolio, tolerance: float | Mapping[str, float] | None) -> Mapping[str, float]:
    if tolerance is None:
        return portfolio.rules.tolerance
    return tolerance if isinstance(tolerance, Mapping) else dict.fromkeys(MEASURES, float(tolerance))


def _alert(territory: object, measure: str, value: float, limit: float, message: str, severity: float) -> dict:
    """One row of `alerts` and, to sort by, how bad it is among those of equal urgency."""
    return {
        "territory": territory,
        "measure": measure,
        "value": value,
        "limit": limit,
        "message": message,
        "severity": severity,
    }


def _unassigned(count: int) -> Iterator[dict]:
    if count:
        text = "1 customer has" if count == 1 else f"{count:,} customers have"
        yield _alert(np.nan, "unassigned", count, 0, f"{text} no territory.", count)


def _vacant(measured: pd.DataFrame) -> Iterator[dict]:
    for name, row in measured[measured["rep_id"].isna()].iterrows():
        count = row["customers"]
        yield _alert(name, "vacant", count, 0, f"{name} has {_customers(count)} but no rep.", count)


def _empty(measured: pd.DataFrame) -> Iterator[dict]:
    for name, row in measured[measured["customers"] == 0].iterrows():
        yield _alert(name, "empty", 0, 1, f"{name} has no customers for its rep {row['rep_id']}.", 1)


def _out_of_tolerance(measured: pd.DataFrame, demand: pd.DataFrame, tolerances: Mapping[str, float]) -> Iterator[dict]:
    for name, load in LOADS.items():
        limit = tolerances.get(name, np.inf)
        unit, scale = (" hours", 60) if name == "workload" else ("", 1)
        deviation = measured[f"deviation_{name}"]
        due = measured["share"] * demand[load].sum() / scale
        # An empty territory has its own alert.
        for territory in measured.index[(deviation.abs() > limit + 1e-12) & (measured["customers"] > 0)]:
            times, fair = 1 + deviation[territory], due[territory]
            message = (
                f"{territory} holds {_times(times)} times its share of {name} "
                f"({measured.loc[territory, load] / scale:,.0f} of {fair:,.0f}{unit}; "
                f"band {fair * (1 - limit):,.0f}-{fair * (1 + limit):,.0f}{unit})."
            )
            yield _alert(territory, name, deviation[territory], limit, message, abs(deviation[territory]))


def _over_capacity(measured: pd.DataFrame) -> Iterator[dict]:
    over = measured[(measured["capacity_use"] > 1 + 1e-12) & measured["rep_id"].notna()]
    for name, row in over.iterrows():
        message = (
            f"{name} needs {row['workload_minutes'] / 60:,.0f} hours a year and its rep has "
            f"{row['capacity_minutes'] / 60:,.0f} ({percent(row['capacity_use'])})."
        )
        yield _alert(name, "capacity", row["capacity_use"], 1, message, row["capacity_use"] - 1)


def _in_pieces(measured: pd.DataFrame) -> Iterator[dict]:
    for name, row in measured[measured["pieces"] > 1].iterrows():
        yield _alert(name, "pieces", row["pieces"], 1, f"{name} is in {row['pieces']} pieces.", row["pieces"])


def _apart(portfolio: Portfolio) -> Iterator[dict]:
    sizes = parts_of(portfolio)
    if len(sizes) > 1:
        yield _alert(None, "parts", len(sizes), 1, apart_in_words(sizes), len(sizes))


def parts_of(portfolio: Portfolio) -> list[int]:
    """How many customers each part of the land holds that no neighbours join, the most first; one part at best."""
    if portfolio.land.is_plain or portfolio.customers.empty:
        return [len(portfolio.customers)]
    return sorted(np.bincount(ground_of(portfolio).graph.parts).tolist(), reverse=True)


def apart_in_words(sizes: Sequence[int]) -> str:
    """That the land is in several parts, of these numbers of customers."""
    shown = ", ".join(f"{size:,}" for size in sizes[:_MOST_PARTS])
    more = f" and {len(sizes) - _MOST_PARTS:,} more" if len(sizes) > _MOST_PARTS else ""
    return (
        f"Barriers or given neighbours leave the customers in {len(sizes):,} parts (of {shown}{more} customers) that "
        "no neighbours join; a territory with customers in several of them is in several pieces."
    )


def _times(ratio: float) -> str:
    """As many figures as it takes to tell it from 1: 4.0, 1.31, 0.42, 1.004."""
    if ratio >= 2:
        return f"{ratio:.1f}"
    return f"{ratio:.2f}" if abs(ratio - 1) >= 0.01 else f"{ratio:.3f}"


def _customers(count: int) -> str:
    return "1 customer" if count == 1 else f"{count:,} customers"
