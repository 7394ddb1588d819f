"""What if? Scenarios side by side, each rep's absence, and where the next rep should live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from territory.alignment import Progress
from territory.changes import Place, need_rep
from territory.errors import DataError, InfeasibleError, NotFoundError, Problem, TerritoryError
from territory.geo import unproject
from territory.homes import good_homes, known_homes
from territory.measures import LOADS, demand_of, measure
from territory.model import MEASURES, Portfolio, Proposal, TravelMode, natural_key
from territory.outcome import figures, told
from territory.realignment import align, realign
from territory.side_by_side import each

SCREENING = 0.3
"""The part of the usual effort that is enough to compare many portfolios."""

_OF_THE_WHOLE = ("max_deviation_potential", "max_deviation_workload", "moved_customers", "capacity_use_max", "reasons")
_HEIR_COLUMNS = [
    *("rep_id", "territory", "to", "to_rep_id", "customers", *LOADS.values(), "capacity_use"),
    *_OF_THE_WHOLE,
    "told",
]
_SAVED = ("travel_hours", "workload_peak_hours", "mean_km")
"""What a new rep may save."""


def simulate(
    scenarios: Mapping[str, Portfolio],
    *,
    tolerance: float | Mapping[str, float] | None = None,
    max_moved: float | None = None,
    seed: int = 0,
    travel: TravelMode = "line",
    effort: float = 1.0,
    own: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Proposal]:
    """Realign every scenario, several at once.

    Parameters
    ----------
    scenarios : name -> Portfolio, each with an alignment of today
    tolerance, max_moved, seed, travel, effort
        As for `realign`, the same for all; the tolerance is each portfolio's own by default.
    own : name -> {"tolerance", "max_moved", "territories"}, what holds for one scenario alone
        With ``territories`` so many are cut from scratch, as by `align`.
    workers : int, how many at once; as many as there are processors by default
        The result is the same for any number.
    progress : called with the stage "scenarios" and the part of all that is done

    Returns
    -------
    dict, name -> Proposal, in the order of `scenarios`
        Where the rules contradict each other nobody moves, and ``reasons`` says what to relax: the objective and the
        bound are NaN then.

    Raises
    ------
    DataError, NotFoundError
        A scenario cannot be used as it is: every fault of every scenario is listed; or `own` names one that is none.

    Notes
    -----
    In threads, because the search runs without Python's global lock: no portfolio is copied to another process.
    """

    alone = {} if own is None else own
    _need_scenarios("own", alone, scenarios)

    def propose(name: str, told: Progress) -> Proposal | TerritoryError:
        portfolio = scenarios[name]
        asked = {"tolerance": tolerance, "max_moved": max_moved, **alone.get(name, {})}
        count = asked.pop("territories", None)
        common: dict[str, Any] = {"seed": seed, "travel": travel, "effort": effort, "progress": told}
        try:
            if count is None:
                return realign(portfolio, **asked, **common)
            return align(portfolio, territories=count, tolerance=asked["tolerance"], **common)
        except InfeasibleError as error:
            return _unchanged(portfolio, error, asked["tolerance"], seed, travel)
        except (DataError, NotFoundError) as error:
            return error

    found = each(list(scenarios), propose, workers=workers, progress=progress)
    _raise_all("scenario", dict(zip(scenarios, found, strict=True)))
    return {name: plan for name, plan in zip(scenarios, found, strict=True) if isinstance(plan, Proposal)}


def tabulate(outcome: Mapping[str, Proposal], *, against: str | None = None) -> pd.DataFrame:
    """Scenarios side by side, one row each, with the difference to one of them.

    Parameters
    ----------
    outcome : name -> Proposal, of `simulate`
    against : the name to compare with; the first by default

    Returns
    -------
    DataFrame indexed by ``scenario``, in the order of `outcome`

        - ``territories``, ``customers``: counts.
        - ``max_deviation_potential``, ``max_deviation_workload``: the largest deviation from its share, a ratio.
        - ``moved_customers``, ``moved_potential``, ``moved_relation``: the disruption, the part of all customers, of
          their potential and of their relation that changes territory; ``moved_relation`` is NA when none is known.
        - ``mean_km``: mean distance of customers to the mean place of their territory.
        - ``travel_hours``, ``workload_hours``: hours a year; workload includes travel. ``workload_peak_hours``: of the
          fullest territory.
        - ``capacity_use_mean``, ``capacity_use_max``: of all reps together, and of the busiest; ratios.
        - ``objective``, ``lower_bound`` (km2), ``gap`` (ratio): as the proposal has them.
        - ``contiguous``: whether every territory is in one piece. ``reasons``: how many rules could not be kept.
        - for each of them but ``contiguous``, ``change_…``: the value less that of `against`.

    Raises
    ------
    NotFoundError
        `against` is not in `outcome`.
    """
    _need_scenarios("against", [] if against is None else [against], outcome)
    index = pd.Index(list(outcome), name="scenario", dtype="str")
    table = pd.DataFrame([figures(proposal) for proposal in outcome.values()], index=index)
    if table.empty:
        return table
    numbers = table.drop(columns="contiguous")
    change = numbers - numbers.loc[next(iter(outcome)) if against is None else against]
    return table.join(change.add_prefix("change_"))


def without_each_rep(
    portfolio: Portfolio,
    *,
    reps: Iterable[str] | None = None,
    tolerance: float | Mapping[str, float] | None = None,
    seed: int = 0,
    travel: TravelMode = "line",
    effort: float = SCREENING,
    workers: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """For every rep: who takes over what when this one leaves, and how fair and busy the others are then.

    Parameters
    ----------
    portfolio : Portfolio, with today's alignment and reps
    reps : rep ids, optional
        Whose leave to look at; by default everybody's who has a territory.
    tolerance, seed, travel, effort, workers, progress
        As for `simulate`. With the small effort that is enough to compare, a band may be missed by a little.

    Returns
    -------
    DataFrame, one row for each rep who leaves and each territory that takes over some of the customers

        - ``rep_id``, ``territory``: who leaves, in the order of `reps`; reps without a territory are left out. A rep
          without customers has one row without an heir.
        - ``to``, ``to_rep_id``: the territory that takes over and its rep; the rep's own when a colleague shares it.
        - ``customers``, ``potential`` (money a year), ``workload_minutes`` (a year): what goes there, most first.
        - ``capacity_use``: the heir's afterwards, a ratio.
        - ``max_deviation_potential``, ``max_deviation_workload``, ``moved_customers``, ``capacity_use_max``,
          ``reasons``: of the whole plan after this rep has left, as in `tabulate`. ``told``: what these reasons say.

    Raises
    ------
    InfeasibleError
        Fewer than two reps have a territory, so there is nobody to take over.
    NotFoundError
        One of `reps` is not a rep: it lists those who are.
    """
    leavers = portfolio.reps["territory"].dropna()
    if len(leavers) < 2:
        what = f"{len(leavers)} of {len(portfolio.reps)} reps have a territory: nobody could take over."
        zh = "代表：至少需要两名代表各有一个区域。"
        raise InfeasibleError([Problem("reps, column 'territory'", what, "Give at least two reps a territory.", zh)])
    if reps is not None:
        asked = list(dict.fromkeys([reps] if isinstance(reps, str) else reps))
        need_rep(portfolio.reps, asked)
        leavers = leavers.reindex(asked).dropna()
    scenarios = {rep_id: portfolio.without_rep(rep_id) for rep_id in leavers.index}
    outcome = simulate(
        scenarios, tolerance=tolerance, seed=seed, travel=travel, effort=effort, workers=workers, progress=progress
    )
    rows = [row for rep_id, name in leavers.items() for row in _heirs(outcome[rep_id], rep_id, name)]
    return pd.DataFrame(rows, columns=_HEIR_COLUMNS).astype(
        {"rep_id": "str", "territory": "str", "to": "str", "to_rep_id": "str"}
    )


def next_rep(
    portfolio: Portfolio,
    *,
    candidates: Mapping[str, Place] | Iterable[str] | None = None,
    count: int = 10,
    share: float = 1.0,
    tolerance: float | Mapping[str, float] | None = None,
    seed: int = 0,
    travel: TravelMode = "line",
    effort: float = SCREENING,
    workers: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Where the next rep should live: what each home would save against the same reps without the new one.

    Parameters
    ----------
    portfolio : Portfolio, with today's alignment; with ``travel="line"`` some rep's home must be known
    candidates : name -> (longitude, latitude) or customer_id, or several customer_ids, optional
        By default up to `count` customers' places, chosen one after the other so that each shortens the way from home
        to customers most, weighted by visits (the greedy of Kuehn and Hamburger 1963, Management Science 9(4)).
    count : int, how many places to choose; not looked at when there are `candidates`
    share : the new rep's part of full time
    tolerance, seed, travel, effort, workers, progress
        As for `simulate`.

    Returns
    -------
    DataFrame indexed by ``candidate``, the largest saving of travel first, then of km

        - ``lon``, ``lat``: degrees. ``name``: of the customer who lives there, NA for other places.
        - ``customers``: how many the new rep would have. ``moved_customers``: the part of all that changes territory.
        - ``saved_travel_hours``, ``saved_workload_peak_hours``, ``saved_mean_km``: how much less than without the rep.
        - ``travel_hours``, ``workload_peak_hours``, ``mean_km``, ``capacity_use_max``,
          ``max_deviation_potential``, ``max_deviation_workload``, ``reasons``: as in `tabulate`.

    Raises
    ------
    DataError
        No rep's home is known, there is no candidate, or a place cannot be: every fault is listed.
    NotFoundError
        A candidate is not a customer.

    Notes
    -----
    Travel is estimated from the home nearest to each customer (`territory.travel.line_minutes`). The new rep's
    territory grows from the home, but balance decides where it ends.
    """
    _need_homes(portfolio, travel)
    homes = _candidates(portfolio, candidates, count)
    new = _free_id(portfolio)
    joined = _with_candidate(portfolio, new, homes, share)
    # By number: a candidate may be called anything.
    scenarios = {str(number): scenario for number, scenario in enumerate([portfolio, *joined.values()])}
    without, *plans = simulate(
        scenarios, tolerance=tolerance, seed=seed, travel=travel, effort=effort, workers=workers, progress=progress
    ).values()
    before = figures(without)
    table = pd.DataFrame([_savings(plan, before, new) for plan in plans])
    points = [scenario.reps.geometry[new] for scenario in joined.values()]
    lon, lat = unproject(np.array([(point.x, point.y) for point in points]), portfolio.customers.crs)
    names = [portfolio.customers["name"].get(at) if isinstance(at, str) else None for at in homes.values()]
    table.insert(0, "name", pd.array(names, dtype="str"))
    table.insert(1, "lon", lon)
    table.insert(2, "lat", lat)
    table.index = pd.Index(list(homes), name="candidate", dtype="str")
    # Rounded, so that candidates that are as good as each other stay in the order they came in.
    return table.iloc[np.lexsort([-table["saved_mean_km"].round(6), -table["saved_travel_hours"].round(6)])]


# ---- what cannot be planned


def _need_scenarios(where: str, names: Iterable[str], scenarios: Iterable[str]) -> None:
    known = list(scenarios)
    fix = f"There are {', '.join(known) or 'none'}."
    problems = [Problem(where, f"'{name}' is not a scenario.", fix) for name in names if name not in known]
    if problems:
        raise NotFoundError(problems)


def _raise_all(kind: str, found: Mapping[str, Proposal | TerritoryError]) -> None:
    errors = {name: error for name, error in found.items() if isinstance(error, TerritoryError)}
    if len(errors) > 1 and len({error.problems for error in errors.values()}) == 1:
        raise next(iter(errors.values()))  # what is wrong with all of them is said once, and of none by name
    problems = [
        Problem(
            f"{kind} '{name}', {problem.where}",
            problem.what,
            problem.fix,
            f"{name}，{problem.zh}" if problem.zh else "",
        )
        for name, error in errors.items()
        for problem in error.problems
    ]
    if problems:
        is_unknown = all(isinstance(error, NotFoundError) for error in errors.values())
        raise (NotFoundError if is_unknown else DataError)(problems)


def _unchanged(
    portfolio: Portfolio,
    error: InfeasibleError,
    tolerance: float | Mapping[str, float] | None,
    seed: int,
    travel: TravelMode,
) -> Proposal:
    """What stands in for a plan where there can be none: today's alignment, and why."""
    band = portfolio.rules.tolerance if tolerance is None else tolerance
    today = measure(portfolio, travel=travel)
    columns = {"customer_id": "str", "from": "str", "to": "str", "reason": "str", "price": float, "runner_up": "str"}
    return Proposal(
        portfolio=portfolio,
        alignment=portfolio.alignment,
        moves=pd.DataFrame(columns=list(columns)).astype(columns),
        before=today,
        after=today,
        tolerance=dict(band) if isinstance(band, Mapping) else dict.fromkeys(MEASURES, float(band)),
        travel=travel,
        seed=seed,
        objective=float("nan"),
        lower_bound=float("nan"),
        gap=float("nan"),
        reasons=error.problems,
    )


# ---- rows of tables


def _heirs(proposal: Proposal, rep_id: str, territory: str) -> list[dict[str, object]]:
    """Rows of `without_each_rep` for one rep who leaves."""
    found = figures(proposal)
    plan: dict[str, object] = {name: found[name] for name in _OF_THE_WHOLE}
    plan["told"] = told(proposal)
    left = proposal.portfolio.alignment == territory
    demand = demand_of(proposal.portfolio, proposal.travel).loc[left, list(LOADS.values())]
    taken = demand.groupby(proposal.alignment[left]).agg(["size", "sum"])
    heirs = sorted(taken.index, key=natural_key)
    counts = {name: int(taken.loc[name, ("potential", "size")]) for name in heirs}
    rows: list[dict[str, object]] = [
        {
            "rep_id": rep_id,
            "territory": territory,
            "to": name,
            "to_rep_id": proposal.after.loc[name, "rep_id"],
            "customers": counts[name],
            **{load: float(taken.loc[name, (load, "sum")]) for load in LOADS.values()},
            "capacity_use": float(proposal.after.loc[name, "capacity_use"]),
            **plan,
        }
        for name in sorted(heirs, key=lambda heir: -counts[heir])
    ]
    nobody = {"to": np.nan, "to_rep_id": np.nan, "customers": 0, **dict.fromkeys(LOADS.values(), 0.0)}
    return rows or [{"rep_id": rep_id, "territory": territory, **nobody, "capacity_use": np.nan, **plan}]


def _savings(proposal: Proposal, before: Mapping[str, float], new: str) -> dict[str, float]:
    """A row of `next_rep`: the figures with the new rep, and what each is less than `before`."""
    found = figures(proposal)
    saved = {f"saved_{name}": before[name] - found[name] for name in _SAVED}
    rest = ("capacity_use_max", "max_deviation_potential", "max_deviation_workload", "reasons")
    return {
        "customers": int(proposal.after.loc[new, "customers"]),
        "moved_customers": found["moved_customers"],
        **saved,
        **{name: found[name] for name in (*_SAVED, *rest)},
    }


# ---- homes for the next rep


def _need_homes(portfolio: Portfolio, travel: TravelMode) -> None:
    if travel != "none" and not len(known_homes(portfolio)):
        what = "no rep's home is known, so nothing tells what one home more would save in travel."
        raise DataError([Problem("reps, columns 'lon' and 'lat'", what, "Give homes, or use travel='none'.")])


def _free_id(portfolio: Portfolio) -> str:
    taken = {*portfolio.reps.index, *portfolio.territories}
    return next(name for name in ("new rep", *(f"new rep {n}" for n in range(2, len(taken) + 3))) if name not in taken)


def _candidates(
    portfolio: Portfolio, candidates: Mapping[str, Place] | Iterable[str] | None, count: int
) -> dict[str, Place]:
    if isinstance(candidates, Mapping):
        found = dict(candidates)
    elif candidates is not None:
        found = {name: name for name in ([candidates] if isinstance(candidates, str) else candidates)}
    else:
        found = {name: name for name in good_homes(portfolio, count)}
    if not found:
        raise DataError([Problem("candidates", "there is none.", "Give places or customers, and a count from 1 up.")])
    return found


def _with_candidate(portfolio: Portfolio, new: str, homes: Mapping[str, Place], share: float) -> dict[str, Portfolio]:
    """The portfolio with each candidate; every place that cannot be is told."""
    joined, found = {}, {}
    for name, at in homes.items():
        try:
            joined[name] = portfolio.with_rep(new, at=at, share=share)
        except (DataError, NotFoundError) as error:
            found[name] = error
    _raise_all("candidate", found)
    return joined
