"""The rules, and the values they give to customers whose own are missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from territory.errors import DataError, NotFoundError, Problem
from territory.hours import minutes_of, weekdays_of

SOURCES = {
    "potential": "potential_source",
    "tier": "tier_source",
    "visits_per_year": "visits_source",
    "minutes_per_visit": "minutes_source",
}
"""Each derived value and the column that says where it came from."""


def _frozen(values: Mapping[str, float]) -> Mapping[str, float]:
    return MappingProxyType(dict(values))


@dataclass(frozen=True)
class Rules:
    """How what is missing is derived, and what counts as fair.

    Shares, tolerances and factors are ratios; speeds are km/h; times are minutes.
    """

    visits_per_year: Mapping[str, float] = field(default_factory=lambda: _frozen({"A": 26, "B": 12, "C": 6, "D": 3}))
    minutes_per_visit: Mapping[str, float] = field(
        default_factory=lambda: _frozen({"A": 45, "B": 35, "C": 25, "D": 20})
    )
    tier_shares: Mapping[str, float] = field(
        default_factory=lambda: _frozen({"A": 0.10, "B": 0.20, "C": 0.30, "D": 0.40})
    )
    """Without a tier: the share of customers in each, from the largest potential down."""
    potential_by_tier: Mapping[str, float] = field(default_factory=lambda: _frozen({}))
    potential_per_revenue: float = 1.0
    tolerance: Mapping[str, float] = field(default_factory=lambda: _frozen({"potential": 0.05, "workload": 0.05}))
    weights: Mapping[str, float] = field(default_factory=lambda: _frozen({"potential": 1.0, "workload": 1.0}))
    """What each measure counts when it is said how far customers are from their territory's centre."""
    fairness: float = 0
    """How far loads are drawn to the middle of their bands: what a territory that deviates by its whole share costs, in
    mean squared distances; 0 when any load within the tolerance is as good."""
    compactness: float = 1
    """What short ways count beside few moves and fair loads: 2 makes both half as dear, and borders smoother."""
    min_customers: float = 0
    max_customers: float = 0
    """How many customers a territory must have, and may have; 0 is no limit."""
    max_radius_km: float = 0
    """How far a customer may be from the centre of the territory; 0 is no limit."""
    max_capacity_use: float = 0
    """Which part of its reps' hours a territory's workload may fill, 1.0 all of them; 0 is no limit."""
    weeks_per_year: float = 46
    hours_per_week: float = 40
    speed_kmh: float = 50
    detour_factor: float = 1.3
    """Road distance over straight-line distance."""
    stop_factor: float = 0.7124
    """Beta of Beardwood, Halton and Hammersley (1959): tour length over sqrt(area x stops)."""
    density_neighbours: int = 8
    travel_factor: float = 1.0
    """Routed travel over estimated travel; 1 until real routes calibrate it."""
    work_from: str = "08:00"
    work_until: str = "17:00"
    weekdays: str = "Mon-Fri"
    holidays: tuple[str, ...] = ()
    """Days on which nobody works, YYYY-MM-DD."""
    pause_from: str = "11:30"
    pause_until: str = "13:30"
    """The pause begins between these two."""
    pause_minutes: float = 60
    spacing_tolerance: float = 0.25
    """How far the time between two visits may be from the interval, as a part of it."""
    night_minutes: float = 90
    """Driving that a night away must save."""


@dataclass(frozen=True)
class Range:
    """What a number may be; `words` tell it."""

    words: str
    least: float
    most: float = math.inf
    is_open: bool = False
    is_whole: bool = False

    def holds(self, value: object) -> bool:
        """Whether `value` is such a number."""
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            return False
        if self.is_whole and not isinstance(value, Integral):
            return False
        number = float(value)
        return self.least < number <= self.most if self.is_open else self.least <= number <= self.most


@dataclass(frozen=True)
class Form:
    """What a text, or each of several texts, may be; `words` tell it."""

    words: str
    is_one: Callable[[str], bool]
    is_list: bool = False

    def holds(self, value: object) -> bool:
        """Whether `value` is such a text."""
        if self.is_list:
            return isinstance(value, list | tuple) and all(self._is_one(each) for each in value)
        return self._is_one(value)

    def _is_one(self, value: object) -> bool:
        return isinstance(value, str) and self.is_one(value)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


_TIME = Form("a time as '08:30'", lambda text: minutes_of(text) is not None)
_NOT_NEGATIVE = Range("a number from 0 up", 0)
_POSITIVE = Range("a number above 0", 0, is_open=True)
_UNKNOWN = np.array(None, dtype=object)

RANGES: dict[str, Range | Form] = {
    "visits_per_year": _NOT_NEGATIVE,
    "minutes_per_visit": _NOT_NEGATIVE,
    "tier_shares": Range("a share from 0 to 1", 0, 1),
    "potential_by_tier": _NOT_NEGATIVE,
    "potential_per_revenue": _NOT_NEGATIVE,
    "tolerance": Range("a ratio above 0 and up to 1, as 0.05 for 5 %", 0, 1, is_open=True),
    "weights": _NOT_NEGATIVE,
    "fairness": _NOT_NEGATIVE,
    "compactness": _POSITIVE,
    "min_customers": _NOT_NEGATIVE,
    "max_customers": _NOT_NEGATIVE,
    "max_radius_km": _NOT_NEGATIVE,
    "max_capacity_use": _NOT_NEGATIVE,
    "weeks_per_year": Range("weeks above 0 and up to 53", 0, 53, is_open=True),
    "hours_per_week": Range("hours above 0 and up to 168", 0, 168, is_open=True),
    "speed_kmh": _POSITIVE,
    "detour_factor": Range("a factor from 1 up", 1),
    "stop_factor": _POSITIVE,
    "density_neighbours": Range("a whole number from 1 up", 1, is_whole=True),
    "travel_factor": _POSITIVE,
    "work_from": _TIME,
    "work_until": _TIME,
    "weekdays": Form("weekdays as 'Mon-Fri' or 'Mon, Wed'", lambda text: weekdays_of(text) is not None),
    "holidays": Form("a list of days as ['2027-05-01']", _is_date, is_list=True),
    "pause_from": _TIME,
    "pause_until": _TIME,
    "pause_minutes": _NOT_NEGATIVE,
    "spacing_tolerance": Range("a ratio from 0 to 1, as 0.25 for 25 %", 0, 1),
    "night_minutes": _NOT_NEGATIVE,
}
"""What each attribute of `Rules`, or each entry of it, may be."""


def changed_rules(rules: Rules, changes: Mapping[str, Any]) -> Rules:
    """`rules` with some attributes changed; of a table, as ``visits_per_year``, only the entries that are given.

    Parameters
    ----------
    rules : Rules
    changes : attribute of `Rules` -> number, or mapping for a table; one number for ``tolerance`` holds for all

    Raises
    ------
    NotFoundError
        `Rules` has no such attribute: it lists those that exist.
    DataError
        A value is out of range, or the shares of the tiers no longer add to 1.
    """
    names = [attribute.name for attribute in fields(Rules)]
    unknown = [name for name in changes if name not in names]
    if unknown:
        fix = f"There are {', '.join(names)}."
        raise NotFoundError([Problem(f"rules, '{name}'", "There is no such rule.", fix) for name in unknown])
    problems = [problem for name, value in changes.items() for problem in _misfits(rules, name, value)]
    if problems:
        raise DataError(problems)
    changed = replace(rules, **{name: _merged(getattr(rules, name), value) for name, value in changes.items()})
    if {"min_customers", "max_customers"} & set(changes) and (crossed := crossed_limits(changed)):
        raise DataError([crossed])
    total = math.fsum(changed.tier_shares.values())
    if "tier_shares" in changes and abs(total - 1) > 1e-6:
        what = f"The shares add up to {total:g}, not to 1."
        raise DataError([Problem("rules, 'tier_shares'", what, "Make them add up to 1.")])
    return changed


def crossed_limits(rules: Rules) -> Problem | None:
    """That a territory must have more customers than it may, if it must."""
    least, most = rules.min_customers, rules.max_customers
    if not 0 < most < least:
        return None
    what = f"A territory must have {least:g} customers and may have {most:g}."
    return Problem("rules, 'min_customers' and 'max_customers'", what, "Ask for no more than you allow.")


def _misfits(rules: Rules, name: str, value: object) -> Iterator[Problem]:
    allowed, now = RANGES[name], getattr(rules, name)
    if isinstance(value, Mapping) and isinstance(now, Mapping):
        entries = {f"rules, '{name}', '{key}'": entry for key, entry in value.items()}
    elif isinstance(now, Mapping) and name != "tolerance":
        yield Problem(f"rules, '{name}'", f"{value!r} is not a table.", "Give {'A': ..., 'B': ...}.")
        return
    else:
        entries = {f"rules, '{name}'": value}
    for where, entry in entries.items():
        if not allowed.holds(entry):
            yield Problem(where, f"{entry!r} is not {allowed.words}.", f"Give {allowed.words}.")


def _merged(now: Any, value: Any) -> Any:
    if not isinstance(now, Mapping):
        return tuple(value) if isinstance(value, list) else value
    return _frozen({**now, **(value if isinstance(value, Mapping) else dict.fromkeys(now, value))})


def derive_values(customers: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Potential, tier, visits and minutes of every customer: its own column's, else the rules'.

    Parameters
    ----------
    customers : DataFrame, (n,) rows, with columns ``potential``, ``revenue``, ``tier``, ``visits_per_year`` and
        ``minutes_per_visit``, NA where not given
    rules : Rules

    Returns
    -------
    DataFrame on the index of `customers`
        ``potential`` (money a year), ``tier``, ``visits_per_year``, ``minutes_per_visit``, and for each a text
        that says where it came from, in the columns that ``SOURCES`` names.

    Raises
    ------
    DataError
        Something can neither be read nor derived: every such tier and column is listed.

    Notes
    -----
    What a customer's own column says always stands. Else potential is revenue x ``potential_per_revenue``, else its
    tier's in the rules; tier is the rank of potential among all customers, cut by ``tier_shares``, equal ones in order
    of id; visits and minutes are the tier's in the rules.
    """
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
    return pd.DataFrame(
        {
            "potential": potential,
            "tier": tier,
            "visits_per_year": visits,
            "minutes_per_visit": minutes,
            "potential_source": potential_source,
            "tier_source": tier_source,
            "visits_source": visits_source,
            "minutes_source": minutes_source,
        },
        index=customers.index,
    )


def _size(customers: pd.DataFrame, rules: Rules) -> tuple[pd.Series, pd.Series]:
    """Potential as far as it is known without a tier, and where it came from (NA where it is not known)."""
    potential, revenue = customers["potential"], customers["revenue"]
    of_revenue = np.where(revenue.notna(), f"revenue x {rules.potential_per_revenue}", _UNKNOWN)
    source = pd.Series(np.where(potential.notna(), "column potential", of_revenue), customers.index, dtype="str")
    return potential.fillna(revenue * rules.potential_per_revenue), source


def _tier(given: pd.Series, size: pd.Series, size_source: pd.Series, rules: Rules) -> tuple[pd.Series, pd.Series]:
    by_rank = _tier_by_rank(size, rules.tier_shares)
    by = {text: f"rank by {'revenue' if 'revenue' in text else 'potential'}" for text in size_source.dropna().unique()}
    source = np.where(given.notna(), "column tier", size_source.map(by).to_numpy(object))
    return given.fillna(by_rank), pd.Series(source, given.index, dtype="str")


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
    source = pd.Series(np.where(given.notna(), f"column {column}", _UNKNOWN), given.index, dtype="str")
    return _fill_by_tier(given, source, tier, rule)


def _fill_by_tier(
    values: pd.Series, source: pd.Series, tier: pd.Series, rule: Mapping[str, float]
) -> tuple[pd.Series, pd.Series]:
    if values.notna().all():
        return values, source
    by_tier = tier.map(dict(rule)).astype("float64")
    filled = values.isna() & by_tier.notna()
    return values.fillna(by_tier), source.mask(filled, "tier " + tier + " in rules")


def _missing_by_tier(column: str, values: pd.Series, tier: pd.Series, rule: Mapping[str, float]) -> list[Problem]:
    """One problem for each tier that has no rule. Customers without a tier have no potential and are listed there."""
    if values.notna().all():
        return []
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
    if not missing.any():
        return []
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
