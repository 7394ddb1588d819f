"""A plan that was written into a folder, taken up again with the portfolio it was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from territory.errors import DataError, Problem
from territory.files import read_written
from territory.measures import demand_of, measure
from territory.model import Portfolio, Proposal
from territory.realignment import extra_loads, loads_of

_MOVES = ("customer_id", "from", "to", "reason", "price", "runner_up")
_SAME_FILES = "Give the files, rules and options that the plan was made from."


def reopen(folder: str | Path, portfolio: Portfolio) -> Proposal:
    """The proposal that `write_proposal` wrote into `folder`.

    Parameters
    ----------
    folder : with alignment.csv and report.json, and moves.csv when there was an alignment before
    portfolio : Portfolio, as it was when the plan was made

    Returns
    -------
    Proposal
        Without a basis: the prices that a bound rests on are not written, so moves by hand tell the way only, and once
        something is changed by hand nothing is proven. Locks by hand are those of the plan.

    Raises
    ------
    DataError
        A file is missing or damaged, or the plan was made from another portfolio.
    """
    folder = Path(folder)
    report = _report(folder / "report.json")
    if report.get("fingerprint") != portfolio.fingerprint:
        what = "The plan was made from other customers, reps, rules or land."
        raise DataError([Problem(str(folder), what, _SAME_FILES)])
    alignment = _alignment(folder / "alignment.csv", portfolio)
    demand = demand_of(portfolio, report["travel"])
    tolerance = {name: float(value) for name, value in report["tolerance"].items()}
    extra = extra_loads(list(tolerance), loads_of(portfolio, list(tolerance), demand))
    has_today = portfolio.alignment.notna().any()
    shares = pd.Series({held["territory"]: held["share"] for held in report["measures"]}, dtype=float)
    return Proposal(
        portfolio=portfolio,
        alignment=alignment,
        moves=_moves(folder / "moves.csv") if has_today else _no_moves(),
        before=measure(portfolio, demand=demand, extra=extra) if has_today else None,
        after=measure(portfolio, alignment, demand=demand, shares=shares, extra=extra),
        tolerance=tolerance,
        travel=report["travel"],
        seed=int(report["seed"]),
        objective=_number(report["objective"]),
        lower_bound=_number(report["lower_bound"]),
        gap=_number(report["gap"]),
        seconds=float(report.get("seconds", 0.0)),
        reasons=tuple(Problem(**reason) for reason in report["reasons"]),
        own_locks=report.get("locks"),
        in_pieces=tuple(report.get("in_pieces", ())),
        label=report.get("label", ""),
        proven_within=report.get("proven_within"),
    )


def _report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        fix = "Give the folder that a plan was written into."
        raise DataError([Problem(str(path), f"It cannot be read ({error.strerror}).", fix)]) from error
    except ValueError as error:
        raise DataError([Problem(str(path), f"It is damaged ({error}).", "Write the plan again.")]) from error
    needed = {"fingerprint", "travel", "tolerance", "seed", "measures", "objective", "lower_bound", "gap", "reasons"}
    missing = sorted(needed - set(report)) if isinstance(report, dict) else sorted(needed)
    if missing:
        raise DataError([Problem(str(path), f"It lacks {', '.join(missing)}.", "Write the plan again.")])
    return report


def _alignment(path: Path, portfolio: Portfolio) -> pd.Series:
    table = read_written(path, ("customer_id", "territory"))
    owner = pd.Series(table["territory"].to_numpy(), index=table["customer_id"], dtype="str", name="territory")
    ids = portfolio.customers.index
    if owner.index.has_duplicates or len(owner) != len(ids) or not ids.isin(owner.index).all():
        raise DataError([Problem(str(path), "It does not name every customer once.", "Write the plan again.")])
    return owner.reindex(ids)


def _moves(path: Path) -> pd.DataFrame:
    table = read_written(path, _MOVES)
    return table.assign(price=pd.to_numeric(table["price"], errors="coerce"))


def _no_moves() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=float if name == "price" else "str") for name in _MOVES})


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
