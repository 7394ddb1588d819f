"""New files and other rules for a portfolio that is there: first what they change, then the change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from hashlib import sha256
from itertools import chain, islice
from typing import Any, BinaryIO, Literal

import numpy as np
import orjson
import pandas as pd
import sqlalchemy as sa

import territory
from api.content import Parts, encode_portfolio
from api.planning.desk import Desk, check_revision, etag
from api.planning.listing import Listing, plain_values
from api.planning.portfolios import READY, change, opened, rules_of, upload, with_degrees
from api.planning.publishing import publish_portfolio
from api.problems import ConflictError
from api.store import Alignment, StoredPortfolio, keep_blobs
from territory.model import Portfolio
from territory.rules import changed_rules

UPDATE_OF = "update_of"
"""In the facts of a portfolio that was brought in as new files for another: which."""
Owners = Literal["keep", "file"]
"""Whose word counts for customers that both have a territory for: today's alignment, or the new file."""

_COLUMNS = ("what", "id", "name", "change", "column", "before", "after")
_Row = tuple[str, str, Any, str, Any, Any, Any]
_MOST_ROWS = 50_000
_CLOSE = 1e-6


# ---- rules


def preview_rules(desk: Desk, portfolio_id: str, rules: Mapping[str, Any]) -> Listing:
    """What would be different under other rules: the rules themselves, and what each territory holds."""
    stored, portfolio = opened(desk, portfolio_id)
    asked = sha256(orjson.dumps(rules, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return _listing(portfolio, portfolio.with_rules(**rules), f"{str(stored.snapshot)[:16]}.{asked[:16]}")


def change_rules(desk: Desk, portfolio_id: str, revision: int | None, rules: Mapping[str, Any]) -> StoredPortfolio:
    """Let other rules hold from now on; proposals that were made under the old ones stay as they are.

    Raises
    ------
    NotFoundError, DataError
        There is no such rule, or a value cannot be.
    """
    stored, portfolio = opened(desk, portfolio_id)
    changed = replace(portfolio, rules=changed_rules(portfolio.rules, rules))
    territory.measure(changed, travel="none")  # rules by which nothing can be measured are refused here
    parts = Parts({})
    snapshot = encode_portfolio(changed, parts)
    kept = {**stored.facts, "rules": rules_of(changed)}
    found = change(desk, stored, revision, lambda: rules_of(portfolio), snapshot=snapshot, facts=kept)
    keep_blobs(desk.write(), parts.by_name)
    desk.record("rules.changed", stored.id, stored.id, rules=dict(rules))
    return found


# ---- files


def bring_again(
    desk: Desk,
    portfolio_id: str,
    *,
    files: Mapping[str, tuple[str, BinaryIO]],
    crs: str,
    columns: Mapping[str, str],
) -> StoredPortfolio:
    """Take new files in for a portfolio; a job reads them into a portfolio of their own, to be looked at first."""
    stored, _ = opened(desk, portfolio_id)
    given = {UPDATE_OF: stored.id, "files": sorted(files)}
    return upload(desk, name=stored.name, region=stored.region, files=files, crs=crs, columns=columns, given=given)


def difference(desk: Desk, portfolio_id: str, update_id: str, owners: Owners) -> Listing:
    """What new files change: who comes and goes, every other cell that differs, and what each territory holds."""
    stored, portfolio = opened(desk, portfolio_id)
    update, merged = _merged(desk, stored, portfolio, update_id, owners)
    return _listing(portfolio, merged, f"{str(stored.snapshot)[:16]}.{str(update.snapshot)[:16]}.{owners}")


def take_over(
    desk: Desk,
    portfolio_id: str,
    revision: int | None,
    update_id: str,
    *,
    owners: Owners,
    effective_from: date,
    comment: str,
) -> Alignment:
    """Let new files hold: a new version of the portfolio's alignment, and the files' own portfolio is gone.

    Raises
    ------
    ConflictError
        They were not brought in for this portfolio, or have not been read.
    """
    stored, portfolio = opened(desk, portfolio_id)
    check_revision(revision, stored.revision, lambda: {"number": stored.number}, etag(stored, READY))
    update, merged = _merged(desk, stored, portfolio, update_id, owners)
    version = publish_portfolio(desk, stored, merged, effective_from, comment, None)
    desk.write().execute(sa.delete(StoredPortfolio).where(StoredPortfolio.id == update.id))
    desk.record("portfolio.updated", stored.id, stored.id, files=update.facts.get("files", []))
    return version


def throw_away(desk: Desk, portfolio_id: str, update_id: str) -> None:
    """Forget new files that nobody wants."""
    update = _update_of(desk, desk.portfolio(portfolio_id), update_id)
    desk.write().execute(sa.delete(StoredPortfolio).where(StoredPortfolio.id == update.id))
    desk.record("update.thrown_away", update.id, portfolio_id)


def _update_of(desk: Desk, stored: StoredPortfolio, update_id: str) -> StoredPortfolio:
    update = desk.portfolio(update_id)
    if update.facts.get(UPDATE_OF) != stored.id:
        raise ConflictError("These files were not brought in for this portfolio.")
    return update


def _merged(
    desk: Desk, stored: StoredPortfolio, portfolio: Portfolio, update_id: str, owners: Owners
) -> tuple[StoredPortfolio, Portfolio]:
    """The new files with what they do not say from the portfolio: its alignment and locks, reps and rules."""
    update, new = opened(desk, _update_of(desk, stored, update_id).id)
    given = update.facts.get("files", [])
    customers = new.customers
    today = portfolio.alignment.reindex(customers.index)
    owner = today.fillna(customers["territory"]) if owners == "keep" else customers["territory"].fillna(today)
    locked = portfolio.customers["locked"].reindex(customers.index)
    is_locked = np.where(locked.isna(), customers["locked"], locked).astype(bool)
    return update, replace(
        new,
        customers=customers.assign(territory=owner, locked=is_locked),
        reps=new.reps if "reps" in given else portfolio.reps.to_crs(customers.crs),
        rules=new.rules if "rules" in given else portfolio.rules,
    )


# ---- what is different


def _listing(before: Portfolio, after: Portfolio, version: str) -> Listing:
    rows = chain(
        _rules_changed(before, after),
        _rows_changed("rep", *map(with_degrees, (before.reps, after.reps))),
        _territories_changed(before, after),
        _rows_changed("customer", *map(with_degrees, (before.customers, after.customers))),
    )
    table = pd.DataFrame(islice(rows, _MOST_ROWS), columns=list(_COLUMNS), dtype=object)
    return Listing.of(table.rename_axis("row"), version)


def _rules_changed(before: Portfolio, after: Portfolio) -> Iterator[_Row]:
    old, new = rules_of(before), rules_of(after)
    for name, value in new.items():
        if isinstance(value, Mapping) and isinstance(old[name], Mapping):
            for key in dict.fromkeys([*old[name], *value]):
                if old[name].get(key) != value.get(key):
                    yield "rule", name, None, "changed", key, old[name].get(key), value.get(key)
        elif old[name] != value:
            yield "rule", name, None, "changed", None, _told(old[name]), _told(value)


def _territories_changed(before: Portfolio, after: Portfolio) -> Iterator[_Row]:
    columns = ["customers", "potential", "workload_minutes", "deviation_potential", "deviation_workload"]
    old, new = (territory.measure(each).reindex(columns=columns).round(4) for each in (before, after))
    yield from _rows_changed("territory", old, new)


def _rows_changed(what: str, old: pd.DataFrame, new: pd.DataFrame) -> Iterator[_Row]:
    """Who is new, who is gone, and every cell that differs of those who stay."""
    for kind, ids, table in (
        ("new", new.index.difference(old.index), new),
        ("gone", old.index.difference(new.index), old),
    ):
        for row_id in ids:
            yield what, str(row_id), _name_in(table, row_id), kind, None, None, None
    both = new.index.intersection(old.index)
    for column in dict.fromkeys([*old.columns, *new.columns]):
        left, right = (_plain_column(table, column, both) for table in (old, new))
        for row_id, one, other in zip(both, left, right, strict=True):
            if not _is_same(one, other):
                yield what, str(row_id), _name_in(new, row_id), "changed", str(column), _told(one), _told(other)


def _plain_column(table: pd.DataFrame, column: str, ids: pd.Index) -> list[Any]:
    """Python's own values, None for what is not known."""
    return plain_values(table[column].reindex(ids)) if column in table else [None] * len(ids)


def _is_same(one: Any, other: Any) -> bool:
    """Whether people would call them the same: a place comes back from a file a few centimetres off."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= _CLOSE * max(1.0, abs(one))
    return bool(one == other)


def _name_in(table: pd.DataFrame, row_id: str) -> str | None:
    name = table["name"][row_id] if "name" in table else None
    return None if name is None or pd.isna(name) else str(name)


def _told(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if value is None or isinstance(value, bool | int | float) else str(value)
