"""How many territories: the work that customers ask for over the hours that a rep has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from territory.alignment import Progress
from territory.columns import REP_COLUMNS, with_columns
from territory.demand import derive_demand
from territory.errors import DataError, InfeasibleError, Problem
from territory.measures import demand_of
from territory.model import Portfolio, Proposal, TravelMode, percent
from territory.outcome import figures
from territory.realignment import align, realign
from territory.side_by_side import each

_EFFORT = 0.3
_MOST_HOURS = 168
_COSTS = (
    "travel_hours",
    "workload_hours",
    "workload_peak_hours",
    "capacity_use_mean",
    "capacity_use_max",
    "mean_km",
    "max_deviation_potential",
    "max_deviation_workload",
)


@dataclass(frozen=True, eq=False)
class Sizing:
    """How many territories the work asks for, and what one more or fewer would cost.

    ``territories`` is the number. ``build_up`` has a row a tier: ``customers``, ``visits_per_year`` (all of them
    together), ``visit_hours``, ``travel_hours`` and ``workload_hours`` a year. ``table`` is indexed by ``territories``,
    the number and its neighbours: ``capacity_hours`` a year, ``fits`` (all the work is within all the hours),
    ``travel_hours``, ``workload_hours``, ``workload_peak_hours`` (of the fullest territory), ``capacity_use_mean``,
    ``capacity_use_max``, ``mean_km`` (to the middle of the territory), ``max_deviation_potential``,
    ``max_deviation_workload``, and for each of these ``change_…``: the value less that of the number found. ``plans``
    are the proposals behind the rows; ``hours`` what one rep has in a year.
    """

    territories: int
    hours: float
    build_up: pd.DataFrame
    table: pd.DataFrame
    plans: tuple[Proposal, ...]

    @property
    def words(self) -> str:
        """The number, how it comes about, and what one rep more or fewer would cost."""
        found = self.table.loc[self.territories]
        count = f"{self.territories} territories" if self.territories > 1 else "1 territory"
        said = [
            f"{found['workload_hours']:,.0f} hours of work a year, {found['travel_hours']:,.0f} of them travel, at "
            f"{self.hours:,.0f} hours a rep ask for {count}: {percent(found['capacity_use_mean'])} of the hours are "
            f"used, {percent(found['capacity_use_max'])} in the fullest."
        ]
        for step, word in ((1, "more"), (-1, "fewer")):
            if self.territories + step in self.table.index:
                said.append(_in_words(self.table.loc[self.territories + step], word))
        return " ".join(said)


def _in_words(row: pd.Series, word: str) -> str:
    travel, peak, km = row["change_travel_hours"], row["change_workload_peak_hours"], row["change_mean_km"]
    return (
        f"With one rep {word} travel changes by {travel:+,.0f} hours a year, the fullest territory by {peak:+,.0f} "
        f"hours (to {percent(row['capacity_use_max'])} of a rep's), and the mean way by {round(km, 1) + 0.0:+.1f} km."
    )


def sizing(
    portfolio: Portfolio,
    *,
    hours_per_week: float | None = None,
    around: int = 1,
    tolerance: float | Mapping[str, float] | None = None,
    seed: int = 0,
    travel: TravelMode = "line",
    effort: float = _EFFORT,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Sizing:
    """How many territories the customers' work asks for, and what one rep more or fewer would cost.

    Parameters
    ----------
    portfolio : Portfolio; its reps, locks and skills are not looked at: full-time reps live amid their territories
    hours_per_week : what one rep works, travel included; the rules' by default
    around : int, how many numbers on either side to plan as well
    tolerance, seed, travel, effort, workers, progress
        As for `scenarios.simulate`.

    Returns
    -------
    Sizing

    Raises
    ------
    DataError
        No customer has a place, `hours_per_week` is not from above 0 to 168, or `around` is below 0.
    InfeasibleError
        A measure is zero everywhere, or there is more work than one rep a customer could do.

    Notes
    -----
    The workload or build-up method (Talley 1961, "How to Design Sales Territories", Journal of Marketing 25(3), 7-13):
    customers by class, visits a year and minutes a visit of each class, the hours that makes, over the hours of a
    rep. Talley sets travel aside as a part of those hours; here it is estimated, and falls with every rep more, as
    the homes come nearer. So the number is the least K whose work, with homes amid K territories cut from scratch,
    is within K reps' hours: found by bisection, since work falls and hours rise with K.
    """
    hours = portfolio.rules.hours_per_week if hours_per_week is None else hours_per_week
    _check(portfolio, hours, around)
    size = _Size(_greenfield(portfolio), hours * portfolio.rules.weeks_per_year, tolerance, seed, travel, effort)
    count = size.least()
    asked = list(range(max(1, count - around), min(len(portfolio.customers), count + around) + 1))
    plans = each(asked, size.plan, workers=workers, progress=progress)
    table = _table(asked, plans, size.hours, count)
    return Sizing(count, size.hours, _build_up(size.staffed(count), travel), table, tuple(plans))


@dataclass(frozen=True, eq=False)
class _Size:
    """One portfolio without reps, to be cut for any number of them; `hours` are those of a rep in a year."""

    portfolio: Portfolio
    hours: float
    tolerance: float | Mapping[str, float] | None
    seed: int
    travel: TravelMode
    effort: float
    kept: dict[int, Portfolio] = field(default_factory=dict)
    """What `staffed` has made."""

    def staffed(self, count: int) -> Portfolio:
        """The portfolio with `count` reps, each at home in the middle of a territory cut from scratch."""
        if count not in self.kept:
            # Before anybody lives anywhere, only the ways between customers can be counted.
            cut = align(
                self.portfolio,
                territories=count,
                tolerance=self.tolerance,
                seed=self.seed,
                travel="none" if self.travel == "none" else "line",
                effort=self.effort,
            )
            self.kept[count] = _with_reps(cut)
        return self.kept[count]

    def work(self, count: int) -> float:
        """Hours a year that all customers ask for when there are `count` reps."""
        return float(demand_of(self.staffed(count), self.travel)["workload_minutes"].sum() / 60)

    def least(self) -> int:
        """The least number of reps whose hours are enough."""
        visits = float(derive_demand(self.portfolio, travel="none")["workload_minutes"].sum() / 60)
        low, high = max(1, math.ceil(visits / self.hours - 1e-9)), len(self.portfolio.customers)
        if low <= high:
            # The work of few reps is the most there can be, so what it asks for is enough.
            high = min(high, max(low, math.ceil(self.work(low) / self.hours - 1e-9)))
        if low > high or self.work(high) > high * self.hours * (1 + 1e-9):
            what = f"{len(self.portfolio.customers):,} customers are more work than as many reps have hours for."
            raise InfeasibleError([Problem("hours_per_week", what, "Check visits, minutes and hours.")])
        while low < high:
            middle = (low + high) // 2
            if self.work(middle) <= middle * self.hours * (1 + 1e-9):
                high = middle
            else:
                low = middle + 1
        return low

    def plan(self, count: int, told: Progress) -> Proposal:
        """A plan for `count` reps, balanced on the travel from their homes."""
        return realign(
            self.staffed(count),
            tolerance=self.tolerance,
            seed=self.seed,
            travel=self.travel,
            effort=self.effort,
            progress=told,
        )


def _check(portfolio: Portfolio, hours: float, around: int) -> None:
    problems = []
    if portfolio.customers.empty:
        problems.append(Problem("customers", "no customer has a usable place.", "Give coordinates."))
    if not 0 < hours <= _MOST_HOURS:
        what = f"{hours!r} is not a number of hours above 0 and up to {_MOST_HOURS}."
        problems.append(Problem("hours_per_week", what, "Give 40."))
    if around < 0:
        problems.append(Problem("around", f"{around} is below 0.", "Give 1 to see one rep more and one fewer."))
    if problems:
        raise DataError(problems)


def _greenfield(portfolio: Portfolio) -> Portfolio:
    """The portfolio as if nobody had worked there yet."""
    customers = portfolio.customers.assign(
        territory=pd.Series(np.nan, index=portfolio.customers.index, dtype="str"),
        skills=pd.Series(np.nan, index=portfolio.customers.index, dtype="str"),
        locked=False,
    )
    return replace(portfolio, customers=customers, reps=portfolio.reps.iloc[:0])


def _with_reps(cut: Proposal) -> Portfolio:
    """The portfolio of a plan with the plan's alignment, and a rep at home amid each of its territories."""
    import geopandas as gpd

    portfolio, names = cut.portfolio, list(cut.after.index)
    placed = portfolio.customers.geometry.groupby(cut.alignment.to_numpy())
    homes = [_middle(placed.get_group(name)) for name in names]
    index = pd.Index([f"rep of {name}" for name in names], name="rep_id", dtype="str")
    crew = with_columns(pd.DataFrame({"territory": names}, index=index), REP_COLUMNS)
    place = gpd.points_from_xy(*np.array(homes).T, crs=portfolio.customers.crs)
    reps = gpd.GeoDataFrame(crew, geometry=place)
    return replace(portfolio, customers=portfolio.customers.assign(territory=cut.alignment), reps=reps)


def _middle(places: pd.Series) -> tuple[float, float]:
    return float(places.x.mean()), float(places.y.mean())


def _build_up(portfolio: Portfolio, travel: TravelMode) -> pd.DataFrame:
    demand = demand_of(portfolio, travel)
    by_tier = demand.groupby("tier")
    hours = by_tier[["visit_minutes", "travel", "workload_minutes"]].sum() / 60
    return pd.DataFrame(
        {
            "customers": by_tier.size(),
            "visits_per_year": by_tier["visits_per_year"].sum(),
            "visit_hours": hours["visit_minutes"],
            "travel_hours": hours["travel"],
            "workload_hours": hours["workload_minutes"],
        }
    )


def _table(asked: list[int], plans: list[Proposal], hours: float, count: int) -> pd.DataFrame:
    rows = []
    for territories, plan in zip(asked, plans, strict=True):
        found = figures(plan)
        costs = {name: float(found[name]) for name in _COSTS}
        # By the hours asked for, which need not be the rules'.
        costs["capacity_use_mean"] = costs["workload_hours"] / (territories * hours)
        costs["capacity_use_max"] = costs["workload_peak_hours"] / hours
        rows.append({"capacity_hours": territories * hours, "fits": costs["capacity_use_mean"] <= 1 + 1e-9, **costs})
    table = pd.DataFrame(rows, index=pd.Index(asked, name="territories"))
    change = table[list(_COSTS)] - table.loc[count, list(_COSTS)].astype(float)
    return table.join(change.add_prefix("change_"))
