"""What is put away comes back the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import shapely

from api.content import (
    Kept,
    Parts,
    alignment_hash,
    decode_portfolio,
    decode_proposal,
    encode_portfolio,
    encode_proposal,
)
from territory.adjustment import adjust
from territory.land import Land
from territory.realignment import realign
from tests.api.services import town


def stored(portfolio):
    parts = Parts({})
    name = encode_portfolio(portfolio, parts)
    return decode_portfolio(name, parts.by_name.__getitem__)


def test_a_portfolio_comes_back_with_its_fingerprint():
    given = town().with_rep("R99", at="0003", name="名字 'x'")

    assert stored(given).fingerprint == given.fingerprint


def test_land_comes_back_with_it():
    ids = town().customers.index
    land = Land(
        barriers=np.array([shapely.LineString([(0, 0), (1, 1)])], object),
        edges=np.array([[ids[0], ids[5]]], object),
        outlines=pd.Series([shapely.box(0, 0, 1, 1)], index=pd.Index([ids[0]], name="customer_id", dtype="str")),
    )
    given = replace(town(), land=land)

    assert stored(given).fingerprint == given.fingerprint != town().fingerprint


def test_equal_portfolios_have_equal_names_and_another_alignment_shares_all_other_parts():
    one, other = Parts({}), Parts({})
    moved = town().customers.assign(territory="T1")

    assert encode_portfolio(town(), one) == encode_portfolio(town(), other)
    encode_portfolio(replace(town(), customers=moved), other)
    # The alignment and the list of parts are all that is new.
    assert len(set(other.by_name) - set(one.by_name)) == 2


def test_a_proposal_comes_back_and_is_adjusted_to_the_same():
    portfolio = town()
    proposal = realign(portfolio, tolerance=0.2, seed=1, travel="none", effort=0.1)
    proposal = replace(proposal, proven_within={"potential": 0.1, "workload": 0.1})
    parts = Parts({})

    back, notes = decode_proposal(encode_proposal(proposal, parts, {"a": 1}), parts.by_name.__getitem__, portfolio)

    customer = portfolio.customers.index[0]
    one, other = (adjust(each, move={customer: "T3"}, lock=[customer]) for each in (proposal, back))
    assert notes == {"a": 1}
    assert encode_proposal(one, Parts({})) == encode_proposal(other, Parts({}))
    assert alignment_hash(one.alignment) == alignment_hash(other.alignment) != alignment_hash(proposal.alignment)


def test_of_what_is_kept_the_oldest_goes_first():
    kept, made = Kept[str](2), []

    for name in ("a", "b", "a", "c", "a", "b"):
        kept.get(name, lambda name=name: made.append(name) or name)

    assert made == ["a", "b", "c", "b"]
