"""Names for territories: which labels of a plan are which of today's territories, and where new ones begin."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from territory.alignment import UnitPlan
from territory.model import Portfolio


def staffed(portfolio: Portfolio) -> list[str]:
    """The territories to fill: those with a rep, or all of today's when no rep has one."""
    staffed = set(portfolio.reps["territory"].dropna())
    return [name for name in portfolio.territories if not staffed or name in staffed]


def names_for(plan: UnitPlan, portfolio: Portfolio, mass: np.ndarray, share: np.ndarray) -> list[str]:
    """A name for each label: today's territory that it shares most with; new names where there are more labels.

    Labels mean nothing from run to run: unmatched, nearly every customer would count as moved. Names of reps without
    customers go to where the reps live. A name is given only where its rep's share was planned.
    """
    today, count = portfolio.alignment, len(share)
    names, is_same_share = portfolio.territories, True
    if len(names) == count:
        is_same_share = np.isclose(share[:, None], portfolio.shares(names).to_numpy()[None])
    else:
        names = [name for name in names if (today == name).any()]
    shared = np.zeros((count, len(names)))
    for column, name in enumerate(names):
        shared[:, column] = np.bincount(plan.labels, mass * (today == name).to_numpy(), count)
    fit = shared - 1e-6 * _home_distance(plan, portfolio, names)
    label, column = linear_sum_assignment(np.where(is_same_share, -fit, count))
    given = dict(zip(label.tolist(), (names[c] for c in column), strict=True))
    # From west to east, so that numbers can be found on the map.
    unnamed = sorted(set(range(count)) - set(given), key=lambda k: tuple(plan.centres[k]))
    width = len(str(count))
    fresh = (name for name in (f"T{n:0{width}d}" for n in range(1, 2 * count + len(names) + 1)) if name not in names)
    given.update(zip(unnamed, fresh, strict=False))
    return [given[k] for k in range(count)]


def with_newcomers(
    portfolio: Portfolio,
    mass: np.ndarray,
    names: list[str],
    share: np.ndarray,
    start: np.ndarray,
    rows: np.ndarray,
    *,
    most_given: np.ndarray | None = None,
) -> np.ndarray:
    """`start`, where a rep who has no customers yet begins with those nearest to home, up to the rep's share.

    Only customers of `rows`, (n,) bool, are taken, and from each territory at most `most_given`, (K,) int.

    From a single customer a territory amid others hardly grows; and a territory that is founded has to lie somewhere.
    """
    start = start.copy()
    homes = portfolio.reps[~(portfolio.reps.geometry.isna() | portfolio.reps.geometry.is_empty)]
    homes = homes.drop_duplicates("territory").set_index("territory").geometry
    ids = portfolio.customers.index.to_numpy(str)
    free = rows & ~(portfolio.customers["locked"].to_numpy() & (start >= 0))
    spare = np.full(len(names), len(start)) if most_given is None else most_given.copy()
    for territory in [k for k in range(len(names)) if names[k] in homes.index and not (start == k).any()]:
        home = homes[names[territory]]
        away = np.hypot(*(portfolio.xy - (home.x, home.y)).T)
        left = np.bincount(start[start >= 0], minlength=len(names))
        room = share[territory]
        for row in np.lexsort((ids, away)):
            is_kept = start[row] >= 0 and (left[start[row]] == 1 or spare[start[row]] <= 0)
            if not free[row] or is_kept:
                continue
            # Not to the last digit of a sum, which the order of the rows may change.
            if mass[row] > room + 1e-9:
                break
            left[start[row]] -= start[row] >= 0
            spare[start[row]] -= start[row] >= 0
            start[row], free[row], room = territory, False, room - mass[row]
    return start


def _home_distance(plan: UnitPlan, portfolio: Portfolio, names: list[str]) -> np.ndarray:
    """(K, names) how far each centre is from the home of each name's rep, the farthest 1; 0 where none is known."""
    homes = portfolio.reps[~(portfolio.reps.geometry.isna() | portfolio.reps.geometry.is_empty)]
    homes = homes.drop_duplicates("territory").set_index("territory").geometry.reindex(names)
    distance = np.hypot(*(plan.centres[:, None, :] - np.column_stack([homes.x, homes.y])[None]).transpose(2, 0, 1))
    known = np.nan_to_num(distance)
    return known / max(float(known.max(initial=0.0)), 1e-12)
