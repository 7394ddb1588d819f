"""Scenarios as a person types them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import typer

from territory.cli.choices import pair_of, pairs_of
from territory.model import Portfolio

Change = Callable[[Portfolio], Portfolio]


def changes_of(
    without_rep: Sequence[str], with_rep: Sequence[str], half_time: Sequence[str], scale: Sequence[str]
) -> dict[str, Change]:
    """What each scenario is called, and what it does to a portfolio; BadParameter for what cannot be read."""
    changes: dict[str, Change] = {}
    for rep_id in without_rep:
        changes[f"without {rep_id}"] = partial(Portfolio.without_rep, rep_id=rep_id)
    for text in with_rep:
        rep_id, at = _joining(text)
        name = f"with {rep_id}"
        changes[name if name not in changes else f"with {text}"] = partial(Portfolio.with_rep, rep_id=rep_id, at=at)
    for rep_id in half_time:
        changes[f"{rep_id} half time"] = partial(Portfolio.half_time, rep_id=rep_id)
    for text in scale:
        column, factor, where = _scaling(text)
        name = f"{column} x {factor:g}" + "".join(f", {key} {value}" for key, value in where.items())
        changes[name] = _scaled(column, factor, where)
    if not changes:
        raise typer.BadParameter("say what changes: --without-rep, --with-rep, --half-time or --scale.")
    return changes


def scenarios_of(portfolio: Portfolio, changes: Mapping[str, Change], *, is_together: bool) -> dict[str, Portfolio]:
    """Today's portfolio and, beside it, the portfolio after each change, or after all of them together."""
    if not is_together:
        return {"today": portfolio, **{name: change(portfolio) for name, change in changes.items()}}
    changed = portfolio
    for change in changes.values():
        changed = change(changed)
    return {"today": portfolio, "; ".join(changes): changed}


def _scaled(column: str, factor: float, where: Mapping[str, str]) -> Change:
    return lambda portfolio: portfolio.scaled(column, factor, **where)


def _joining(text: str) -> tuple[str, tuple[float, float] | str]:
    """("New", (120.6, 31.3)) from ``New@120.6,31.3``; ("New", "0042") from ``New@0042``."""
    rep_id, place = pair_of(text, "--with-rep", "not REP@LON,LAT or REP@CUSTOMER.", sign="@")
    try:
        lon, lat = map(float, place.split(","))
    except ValueError:
        return rep_id, place
    return rep_id, (lon, lat)


def _scaling(text: str) -> tuple[str, float, dict[str, str]]:
    """("potential", 1.15, {"tier": "A"}) from ``potential=1.15:tier=A``."""
    grown, *conditions = text.split(":")
    where = pairs_of(conditions, "--scale", "not COLUMN=VALUE, as tier=A.")
    column, _, factor = grown.partition("=")
    try:
        return column.strip(), float(factor), where
    except ValueError:
        hint = f"'{text}' is not COLUMN=FACTOR, as potential=1.15 or potential=1.15:tier=A."
        raise typer.BadParameter(hint, param_hint="--scale") from None
