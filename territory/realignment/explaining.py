"""The reasons of a proposal's moves as figures, for whoever tells them in another language or sorts by them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd

from territory.measures import demand_of
from territory.model import Proposal
from territory.realignment.moves import BY_HAND, Reason, Reasons, price_moves
from territory.realignment.work import loads_of


def explain_moves(proposal: Proposal) -> pd.DataFrame:
    """Why each customer changes territory, as figures: ``moves`` has the same in English words.

    Parameters
    ----------
    proposal : Proposal

    Returns
    -------
    DataFrame indexed by ``customer_id``, one row a move, in the order of ``proposal.moves``
        The fields of `Reason`: ``kind`` (text), ``over_measure``, ``over``, ``under_measure``, ``under`` (ratios),
        ``nearer_km``, ``balance``, ``distance`` (percent of the objective), ``minutes``; NA where none is. Without
        a basis, that is of a plan which the algorithm has not made, there are no figures.

    Raises
    ------
    DataError
        A measure cannot be derived.
    """
    moves, basis, customers = proposal.moves, proposal.basis, proposal.portfolio.customers
    ids = pd.Index(moves["customer_id"], name="customer_id")
    found = [Reason("by_hand") if said == BY_HAND else None for said in moves["reason"]]
    asked = np.array([row for row, reason in enumerate(found) if reason is None], dtype=int)
    if basis is not None and len(asked):
        demand = demand_of(proposal.portfolio, proposal.travel)
        loads = loads_of(proposal.portfolio, list(proposal.tolerance), demand)
        row = customers.index.get_indexer(ids[asked])
        came, to = (pd.Index(basis.territories).get_indexer(moves[end].iloc[asked]) for end in ("from", "to"))
        price, _ = price_moves(basis, proposal.portfolio, loads, row, came, to)
        label = pd.Index(basis.territories).get_indexer(proposal.alignment)
        explain = Reasons(basis, proposal.before, proposal.portfolio, label)
        for at, reason in zip(asked, explain.of(row, came, to, price), strict=True):
            found[at] = reason
    nothing = dict.fromkeys(field.name for field in fields(Reason))
    table = pd.DataFrame([nothing if each is None else vars(each) for each in found], ids, list(nothing))
    texts = ("kind", "over_measure", "under_measure")
    return table.astype({name: "str" if name in texts else "float64" for name in table})
