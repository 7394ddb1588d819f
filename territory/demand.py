"""What each customer could bring and what it costs, and where each figure came from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from territory.errors import DataError, NotFoundError, Problem
from territory.model import Portfolio, Rules, TravelMode
from territory.travel import line_minutes

SOURCES = {
    "potential": "potential_source",
    "tier": "tier_source",
    "visits_per_year": "visits_source",
    "minutes_per_visit": "minutes_source",
}
"""Each derived value and the column that says where it came from."""


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
    What a customer's own column says always stands. Else potential is revenue x ``potential_per_revenue``, else its
    tier's in the rules; tier is the rank of potential among all customers, cut by ``tier_shares``, equal ones in order
    of id; visits and minutes are the tier's in the rules.
    """
    _check_travel(travel)
    customers, rules = portfolio.customers, portfolio.rules
    size, size_source = _size(customers, rules)
    tier, tier_source = _tier(customers["tier"], size, size_source, rules)
    potential, potential_source = _fill_by_tier(size, size_source, tier, rules.potential_by_tier)
    visits, visits_source = _from_column_or_tier(customers, "visits_per_year", tier, rules.visits_per_year)
    minutes, minutes_source = _from_column_or_tier(customers, "minutes_per_visit", tier, rules.minutes_per_visit)
    problems = [
        *_missing_potential(potential, tier, rules),
        *_missing_by_tier("visits_per_year", visits, tier, rules.visits_per_year),
        *_missing_by_tier("minutes_per_visit", minutes, tier, rules.minutes_per_visit),
    ]
    if problems:
        raise DataError(problems)
    travelled = _travel_minutes(portfolio, travel, visits, minutes)
    return pd.DataFrame(
        {
            "potential": potential,
            "tier": tier,
            "visits_per_year": visits,
            "minutes_per_visit": minutes,
            "visit_minutes": visits * minutes,
            "travel": travelled,
            "workload_minutes": visits * minutes + travelled,
            "potential_source": potential_source,
            "tier_source": tier_source,
            "visits_source": visits_source,
            "minutes_source": minutes_source,
        },
        index=customers.index,
    )


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


def _size(customers: pd.DataFrame, rules: Rules) -> tuple[pd.Series, pd.Series]:
    """Potential as far as it is known without a tier, and where it came from (NA where it is not known)."""
    potential, revenue = customers["potential"], customers["revenue"]
    source = pd.Series(np.nan, index=customers.index, dtype="str")
    source = source.mask(revenue.notna(), f"revenue x {rules.potential_per_revenue}")
    source = source.mask(potential.notna(), "column potential")
    return potential.fillna(revenue * rules.potential_per_revenue), source


def _tier(given: pd.Series, size: pd.Series, size_source: pd.Series, rules: Rules) -> tuple[pd.Series, pd.Series]:
    by_rank = _tier_by_rank(size, rules.tier_shares)
    rank_source = size_source.map(lambda text: f"rank by {'revenue' if 'revenue' in text else 'potential'}", "ignore")
    source = rank_source.astype("str").where(given.isna(), "column tier")
    return given.fillna(by_rank), source


def _tier_by_rank(size: pd.Series, tier_shares: Mapping[str, float]) -> pd.Series:
    """Tier of each customer with a size: the largest are in the first tier."""
    known = size.dropna()
    tiers = pd.Series(np.nan, index=size.index, dtype="str")
    if known.empty or not tier_shares:
        return tiers
    order = np.lexsort((known.index.to_numpy(dtype=str), -known.to_numpy()))
    upto = np.cumsum(list(tier_shares.values()))
    middle = (np.arange(len(known)) + 0.5) / len(known)
    place = np.searchsorted(upto / upto[-1], middle)
    tiers[known.index[order]] = np.array(list(tier_shares), dtype=object)[place]
    return tiers


def _from_column_or_tier(
    customers: pd.DataFrame, column: str, tier: pd.Series, rule: Mapping[str, float]
) -> tuple[pd.Series, pd.Series]:
    given = customers[column]
    source = pd.Series(np.nan, index=given.index, dtype="str").mask(given.notna(), f"column {column}")
    return _fill_by_tier(given, source, tier, rule)


def _fill_by_tier(
    values: pd.Series, source: pd.Series, tier: pd.Series, rule: Mapping[str, float]
) -> tuple[pd.Series, pd.Series]:
    by_tier = tier.map(dict(rule)).astype("float64")
    filled = values.isna() & by_tier.notna()
    return values.fillna(by_tier), source.mask(filled, "tier " + tier + " in rules")


def _missing_by_tier(column: str, values: pd.Series, tier: pd.Series, rule: Mapping[str, float]) -> list[Problem]:
    """One problem for each tier that has no rule. Customers without a tier have no potential and are listed there."""
    counts = tier[values.isna()].value_counts().sort_index()
    known = ", ".join(rule) or "none"
    return [
        Problem(
            f"rules, [{column}]",
            f"Tier '{name}' ({_customers(count)}) has no rule; there are {known}.",
            f"Add {name} = ... under [{column}], or give a column '{column}'.",
        )
        for name, count in counts.items()
    ]


def _missing_potential(potential: pd.Series, tier: pd.Series, rules: Rules) -> list[Problem]:
    missing = potential.isna()
    without_tier = missing & tier.isna()
    problems = []
    if without_tier.any():
        problems.append(
            Problem(
                "customers, column 'potential'",
                f"No potential, revenue or tier is given for {_customers(without_tier.sum())}: {_first(without_tier)}.",
                "Give a column 'potential', 'revenue' or 'tier'; a tier's potential is a rule in [potential_by_tier].",
            )
        )
    return problems + [
        Problem(
            "rules, [potential_by_tier]",
            f"Tier '{name}' ({_customers(count)}) has no rule, and no potential or revenue is given.",
            f"Give a column 'potential' or 'revenue', or {name} = ... under [potential_by_tier].",
        )
        for name, count in tier[missing].value_counts().sort_index().items()
    ]


def _customers(count: int) -> str:
    return "1 customer" if count == 1 else f"{count:,} customers"


def _first(chosen: pd.Series) -> str:
    ids = chosen.index[chosen]
    return ", ".join(ids[:3]) + (", ..." if len(ids) > 3 else "")


def _travel_minutes(portfolio: Portfolio, travel: TravelMode, visits: pd.Series, minutes: pd.Series) -> np.ndarray:
    if travel == "none":
        return np.zeros(len(visits))
    places = portfolio.reps.geometry
    homes = np.column_stack([places.x, places.y]).astype("float64") if len(places) else np.empty((0, 2))
    return line_minutes(portfolio.xy, visits.to_numpy(), homes, minutes.to_numpy(), portfolio.rules)
