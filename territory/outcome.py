"""What a plan comes to, in figures that can stand beside those of another plan."""

from __future__ import annotations

import numpy as np
import pandas as pd

from territory.languages import Said
from territory.measures import demand_of, max_deviation
from territory.model import MEASURES, Proposal, percent


def figures(proposal: Proposal) -> dict[str, float | int | bool]:
    """A plan in one row: how many, how fair, how much moves, how far it is, how good it is proven to be.

    Returns
    -------
    dict
        The columns that `scenarios.tabulate` explains: ``territories``, ``customers``, ``max_deviation_potential``,
        ``max_deviation_workload``, ``moved_customers``, ``moved_potential``, ``moved_relation``, ``mean_km``,
        ``travel_hours``, ``workload_hours``, ``workload_peak_hours``, ``capacity_use_mean``, ``capacity_use_max``,
        ``objective``, ``lower_bound``, ``gap``, ``contiguous``, ``reasons``.
    """
    after = proposal.after
    off = max_deviation(after)
    return {
        "territories": len(after),
        "customers": len(proposal.portfolio.customers),
        **{f"max_deviation_{name}": off[name] for name in MEASURES},
        **_disruption(proposal),
        "mean_km": mean_km(after),
        "travel_hours": float(after["travel"].sum() / 60),
        "workload_hours": float(after["workload_minutes"].sum() / 60),
        "workload_peak_hours": float(after["workload_minutes"].max() / 60),
        "capacity_use_mean": float(after["workload_minutes"].sum() / after["capacity_minutes"].sum()),
        "capacity_use_max": float(after["capacity_use"].max()),
        "objective": proposal.objective,
        "lower_bound": proposal.lower_bound,
        "gap": proposal.gap,
        "contiguous": proposal.is_contiguous,
        "reasons": len(proposal.reasons),
    }


def cost_of_tolerance(proposal: Proposal) -> Said | None:
    """What each tolerance costs at least, in a sentence; None when the tolerance asked is met."""
    curve = proposal.trade_off
    if curve is None:
        return None
    rows = [
        (percent(row["extra"]), list(dict.fromkeys(f"±{percent(row[name])}" for name in MEASURES)))
        for row in curve.to_dict("records")
    ]
    listed = ", ".join(f"{extra} at {' and '.join(widths)}" for extra, widths in rows)
    listed_zh = "；".join(f"{'、'.join(widths)} 时为 {extra}" for extra, widths in rows)
    return Said(
        f"With these centres a tolerance costs, in distance and moves, at least this much more than none: {listed}.",
        f"中心不变时，各容差在距离与变动上至少比不设容差多付出：{listed_zh}。",
    )


def told(proposal: Proposal) -> str:
    """What its reasons say, in one text; empty when every rule is kept."""
    return " ".join(f"{reason.where}: {reason.what}" for reason in proposal.reasons)


def mean_km(measured: pd.DataFrame) -> float:
    """Mean distance of customers to the mean place of their territory, of a table of `measure`."""
    held = measured["customers"] > 0
    customers = max(int(measured["customers"].sum()), 1)
    return float((measured["mean_km"] * measured["customers"])[held].sum() / customers)


def _disruption(proposal: Proposal) -> dict[str, float]:
    """The parts of customers, potential and relation that change territory."""
    customers = proposal.portfolio.customers
    demand = demand_of(proposal.portfolio, "none")
    moved = np.zeros(len(customers), bool)
    moved[customers.index.get_indexer(proposal.moves["customer_id"])] = True
    relation = customers["relation"].sum()
    return {
        "moved_customers": float(moved.mean()) if len(moved) else 0.0,
        "moved_potential": float(demand["potential"][moved].sum() / max(demand["potential"].sum(), 1e-300)),
        "moved_relation": float(customers["relation"][moved].sum() / relation) if relation > 0 else float("nan"),
    }
