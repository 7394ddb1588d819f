"""What people ask of a plan beside balance, as the algorithm's limits: skills, groups, caps, moves allowed, centres."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import pandas as pd

from territory.alignment import UNLIMITED, Limits
from territory.changes import Place, place_of
from territory.errors import DataError, NotFoundError, Problem
from territory.measures import measure
from territory.model import Portfolio, TravelMode

Part = float | Mapping[str, float]
"""A part of each territory's customers: one for all, or by territory."""

Centres = Literal["homes"] | Mapping[str, Place]
"""Centres that hold still: the reps' homes, or places by territory."""

ELSEWHERE, LEAST_ELSEWHERE = 5.0, 100_000.0
"""How many times the customers' extent, which is at least so many metres, a centre may be away from them."""


def limits_of(
    portfolio: Portfolio,
    names: list[str],
    start: np.ndarray,
    measures: list[str],
    travel: TravelMode,
    *,
    max_moved: int | None = None,
    max_given: Part | None = None,
    max_taken: Part | None = None,
    in_pieces: Iterable[str] = (),
) -> Limits:
    """The limits for territories `names` and every customer of the portfolio.

    Parameters
    ----------
    portfolio : Portfolio
    names : K territories; start : (n,) int, the place among them of each customer's territory today, -1 for none
    measures : what is balanced, in the order of the loads
    max_moved : customers; max_given, max_taken : ratio of a territory's customers today; one without any may take all
    in_pieces : territories that may be in several pieces

    Raises
    ------
    NotFoundError
        A territory that is named does not exist.
    """
    rules, count = portfolio.rules, len(names)
    held = np.bincount(start[start >= 0], minlength=count)
    return Limits(
        allowed=allowed_by_skills(portfolio, names),
        groups=group_codes(portfolio),
        radius=rules.max_radius_km * 1000 if rules.max_radius_km else None,
        loose=np.isin(names, known(in_pieces, names)) if in_pieces else None,
        most=_most(portfolio, names, measures, travel) if rules.max_capacity_use else None,
        least_rows=np.full(count, rules.min_customers) if rules.min_customers else None,
        most_rows=np.full(count, rules.max_customers) if rules.max_customers else None,
        most_given=None if max_given is None else _counts(max_given, names, held),
        # A part of none is none, but whoever has nobody yet is to have some.
        most_taken=None if max_taken is None else np.where(held, _counts(max_taken, names, held), UNLIMITED),
        most_moved=max_moved,
    )


def known(asked: Iterable[str], names: list[str]) -> list[str]:
    """The territories asked for; NotFoundError when one does not exist."""
    asked = [asked] if isinstance(asked, str) else list(asked)
    unknown = [name for name in asked if name not in names]
    if unknown:
        fix = f"There are {', '.join(names)}."
        raise NotFoundError([Problem("territory", f"'{name}' is not a territory.", fix) for name in unknown])
    return asked


def allowed_by_skills(portfolio: Portfolio, names: list[str]) -> np.ndarray | None:
    """(n, K) bool, whether a rep of the territory knows all that the customer needs; None when nobody needs any."""
    needed = portfolio.customers["skills"].fillna("")
    if portfolio.reps.empty or not needed.str.strip().any():
        return None
    reps = portfolio.reps.dropna(subset="territory")
    team = [[skills_of(text) for text in reps.loc[reps["territory"] == name, "skills"]] for name in names]
    codes, kinds = pd.factorize(needed)
    table = np.array([[any(skills_of(kind) <= rep for rep in reps_of) for reps_of in team] for kind in kinds], bool)
    nowhere = table.sum(axis=1) == 0
    return table[codes] | nowhere[codes][:, None]


def skills_of(text: object) -> frozenset[str]:
    """The skills that a cell names, separated by semicolons."""
    parts = str(text).split(";") if isinstance(text, str) else []
    return frozenset(part.strip().casefold() for part in parts if part.strip())


def group_codes(portfolio: Portfolio) -> np.ndarray | None:
    """(n,) int, customers of one group alike, -1 for none; None when there are no groups."""
    codes = pd.factorize(portfolio.customers["group"])[0]
    alone = (codes >= 0) & (np.bincount(codes + 1)[codes + 1] == 1)
    codes = np.where(alone, -1, codes)
    return codes if (codes >= 0).any() else None


def _most(portfolio: Portfolio, names: list[str], measures: list[str], travel: TravelMode) -> np.ndarray:
    """(K, q) loads that fill a territory's capacity to the part that the rules allow; NaN but for workload."""
    capacity = measure(portfolio, travel=travel)["capacity_minutes"].reindex(names).to_numpy()
    most = np.full((len(names), len(measures)), np.nan)
    most[:, measures.index("workload")] = capacity * portfolio.rules.max_capacity_use
    return most


def _counts(part: Part, names: list[str], held: np.ndarray) -> np.ndarray:
    """(K,) int customers; a territory that is not named has no limit."""
    if isinstance(part, Mapping):
        known(part, names)
        ratio = np.array([part.get(name, np.inf) for name in names], float)
    else:
        ratio = np.full(len(names), float(part))
    limited = np.isfinite(ratio)
    counts = np.full(len(names), UNLIMITED)
    counts[limited] = np.floor(ratio[limited] * held[limited] + 1e-9)
    return counts


def centres_of(portfolio: Portfolio, centres: Centres | None, names: list[str]) -> np.ndarray | None:
    """(K, 2) metres, NaN where a centre is free; None when all are.

    Raises
    ------
    NotFoundError
        A territory or a customer that is named does not exist.
    DataError
        A place cannot be, or homes are asked for and none is known.
    """
    if centres is None:
        return None
    fixed = np.full((len(names), 2), np.nan)
    if isinstance(centres, str):
        reps = portfolio.reps[~(portfolio.reps.geometry.isna() | portfolio.reps.geometry.is_empty)]
        homes = reps.drop_duplicates("territory").set_index("territory").geometry
        for at, name in enumerate(names):
            if name in homes.index:
                fixed[at] = homes[name].x, homes[name].y
        if np.isnan(fixed).all():
            what = "no rep's home is known, so no centre can hold still there."
            zh = "代表：没有代表的住址，无法固定中心。请提供住址，或不固定中心。"
            fix = "Give homes, or leave the centres free."
            raise DataError([Problem("reps, columns 'lon' and 'lat'", what, fix, zh)])
        return fixed
    known(centres, names)
    for name, place in centres.items():
        fixed[names.index(name)] = place_of(place, portfolio.customers, f"centre of '{name}'")
    _refuse_elsewhere(portfolio, fixed, names)
    return fixed


def _refuse_elsewhere(portfolio: Portfolio, centres: np.ndarray, names: list[str]) -> None:
    """DataError for centres, (K, 2) metres, that are so far from every customer that they must be a slip."""
    low, high = portfolio.xy.min(axis=0), portfolio.xy.max(axis=0)
    away = np.hypot(*np.maximum(np.maximum(low - centres, centres - high), 0.0).T)
    most = ELSEWHERE * max(float(np.hypot(*(high - low))), LEAST_ELSEWHERE)
    far = np.flatnonzero(away > most)
    if len(far):
        fix = "Give longitude first, latitude second, or the id of a customer nearby."
        what = "it lies {:,.0f} km from where the customers are."
        raise DataError([Problem(f"centre of '{names[at]}'", what.format(away[at] / 1000), fix) for at in far.tolist()])
