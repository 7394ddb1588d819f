"""A proposal in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from territory.model import MEASURES, Proposal, percent
from territory.realignment import allowed_by_skills


def outside(proposal: Proposal) -> np.ndarray:
    """Which territories of the proposal are out of their band on any measure, (K,) bool."""
    is_out = np.zeros(len(proposal.after), bool)
    for name, width in proposal.tolerance.items():
        is_out |= (proposal.after[f"deviation_{name}"].abs() > width * (1 + 1e-9)).to_numpy()
    return is_out


def summary(proposal: Proposal) -> str:
    """What was wrong, what the proposal makes of it, what that costs, and how good it is proven to be."""
    parts = [_today(proposal), _balance(proposal), _pieces(proposal), _moved(proposal), _proof(proposal)]
    return " ".join(part for part in parts if part)


def unasked(proposal: Proposal) -> str:
    """What a plan from scratch does to locks and skills, at which it does not look; empty when nothing."""
    portfolio, alignment = proposal.portfolio, proposal.alignment
    locks = proposal.locks
    left = sum(alignment[name] != where for name, where in locks.items())
    allowed, names = allowed_by_skills(portfolio, list(proposal.after.index)), proposal.after.index
    lacking = 0
    if allowed is not None:
        lacking = int((~allowed[np.arange(len(alignment)), names.get_indexer(alignment)]).sum())
    told = [f"{left:,} of {len(locks):,} locked customers change territory"] * (left > 0)
    told += [f"{lacking:,} customers go to reps who lack the skills they need"] * (lacking > 0)
    return f"Cut from scratch, {' and '.join(told)}; territory realign keeps to both." if told else ""


def unlocked(proposal: Proposal) -> str:
    """Whose locks a realignment cannot keep, since their territory has no rep; empty when nobody's."""
    left = sum(proposal.alignment[name] != where for name, where in proposal.locks.items())
    if not left:
        return ""
    who = "1 customer is" if left == 1 else f"{left:,} customers are"
    return f"{who} locked to a territory without a rep, and served by another now."


def _today(proposal: Proposal) -> str:
    if proposal.before is None:
        return ""
    said, last = [], None
    for name in MEASURES:
        times = 1 + proposal.before[f"deviation_{name}"].replace(np.inf, np.nan).dropna()
        if times.empty:
            continue
        place = times.idxmax()
        held = f"{times[place]:.{1 if times[place] >= 2 else 2}f} times its share of {name}"
        said.append(held if place == last else f"{place} holds {held}")
        last = place
    return f"Today {' and '.join(said)}." if said else ""


def _balance(proposal: Proposal) -> str:
    after, is_out, band = proposal.after, outside(proposal), _band(proposal.tolerance)
    if not is_out.any():
        some = {1: "the one territory is", 2: "both territories are"}.get(
            len(after), f"all {len(after)} territories are"
        )
        whose = "its" if len(after) == 1 else "their"
        *first, last = proposal.tolerance
        return f"In the proposal {some} within {band} of {whose} share of {', '.join(first)} and {last}."
    worst = " and ".join(f"{percent(value)} on {name}" for name, value in proposal.max_deviation.items())
    return (
        f"In the proposal {int(is_out.sum())} of {len(after)} territories are still outside {band}; "
        f"the largest deviations are {worst}."
    )


def _band(tolerance: Mapping[str, float]) -> str:
    widths = {name: f"±{100 * width:.4g} %" for name, width in tolerance.items()}
    if len(set(widths.values())) == 1:
        return next(iter(widths.values()))
    return " and ".join(f"{width} ({name})" for name, width in widths.items())


def _pieces(proposal: Proposal) -> str:
    if proposal.is_contiguous:
        return "Each is in one piece." if len(proposal.after) > 1 else ""
    broken = proposal.after["pieces"][proposal.after["pieces"] > 1]
    return " ".join(f"{name} is in {pieces} pieces." for name, pieces in broken.items())


def _moved(proposal: Proposal) -> str:
    if proposal.before is None:
        return ""
    today = proposal.portfolio.alignment
    moved, total, new = len(proposal.moves), int(today.notna().sum()), int(today.isna().sum())
    said = ["No customer changes territory."]
    if moved:
        said = [f"{percent(moved / total)} of the customers change territory ({moved:,} of {total:,})."]
    if new:
        who = "1 customer without a territory gets" if new == 1 else f"{new:,} customers without a territory get"
        said.append(f"{who} one.")
    return " ".join(said)


def _proof(proposal: Proposal) -> str:
    if proposal.reasons or not math.isfinite(proposal.gap):
        return ""
    near = "" if proposal.gap <= 1e-9 else f"within {percent(proposal.gap)} of "
    band = "" if proposal.proven_within is None else f" that is within {_band(proposal.proven_within)}"
    return f"The plan is proven {near}the best possible at these centres{band}."
