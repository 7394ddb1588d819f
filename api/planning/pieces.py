"""The long part of each planning job, as a function of bytes: what a machine needs that knows no database of ours."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import territory
from api.content import Parts, collected, decode_portfolio, encode_proposal
from api.planning import proposals
from api.planning.listing import Listing
from api.planning.roads import on_roads
from api.settings import Settings
from api.store import Store
from territory.alignment import Progress
from territory.model import Portfolio, Proposal


@dataclass(frozen=True)
class Asked:
    """A portfolio by its name in `contents`, and what is to be made of it."""

    snapshot: str
    contents: Mapping[str, bytes]
    parameters: Mapping[str, Any]
    name: str = ""

    @classmethod
    def of(cls, store: Store, snapshot: str, parameters: Mapping[str, Any], name: str = "") -> Asked:
        """With everything that the portfolio consists of."""
        return cls(snapshot, collected(snapshot, store.fetch), parameters, name)

    def portfolio(self) -> Portfolio:
        """As its plan is to see it. Minutes by road come from where this machine's own settings say."""
        portfolio = decode_portfolio(self.snapshot, self.contents.__getitem__)
        return on_roads(Settings(), portfolio, self.parameters["travel"])


@dataclass(frozen=True)
class Made:
    """A plan by the name of its `state` in `contents`, and the figures by which people choose."""

    state: str
    contents: Mapping[str, bytes]
    summary: dict[str, Any]
    label: str

    @classmethod
    def of(cls, proposal: Proposal) -> Made:
        """The plan as bytes."""
        parts = Parts({})
        return cls(encode_proposal(proposal, parts), parts.by_name, proposals.summary_of(proposal), proposal.label)


def plan(asked: Asked, tell: Progress) -> Made:
    """A proposal: aligned anew when there are ``territories`` among the parameters, else realigned."""
    parameters = asked.parameters
    common = {name: parameters[name] for name in ("tolerance", "seed", "travel")}
    portfolio = asked.portfolio()
    started = time.perf_counter()
    if parameters.get("territories") is not None:
        proposal = territory.align(
            portfolio, territories=parameters["territories"], effort=parameters["effort"], progress=tell, **common
        )
    else:
        proposal = territory.realign(
            portfolio,
            max_moved=parameters["max_moved"],
            handover=parameters["handover"],
            keep=parameters.get("keep", ()),
            focus=parameters.get("focus"),
            effort=parameters["effort"],
            progress=tell,
            **common,
        )
    return Made.of(replace(proposal, seconds=time.perf_counter() - started))


def simulated(asked: Asked, tell: Progress) -> Made:
    """The realignment of one scenario, `asked.name`."""
    parameters = asked.parameters
    outcome = territory.simulate(
        {asked.name: asked.portfolio()},
        own={asked.name: parameters["own"]},
        progress=lambda _, part: tell("balance", part),
        **{name: parameters[name] for name in ("tolerance", "max_moved", "seed", "travel", "effort")},
    )
    return Made.of(outcome[asked.name])


def front(asked: Asked, tell: Progress) -> tuple[list[Made], list[dict[str, Any]]]:
    """Plans that trade travel, balance and moves, and the table of them."""
    parameters = {name: asked.parameters[name] for name in ("count", "tolerance", "seed", "travel", "effort")}
    keep = asked.parameters.get("keep", ())
    found = territory.proposals(asked.portfolio(), keep=keep, progress=tell, **parameters)
    return [Made.of(each) for each in found], Listing.of(territory.tabulate_front(found), "").records()
