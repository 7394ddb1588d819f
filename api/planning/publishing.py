"""Publishing: a plan becomes the alignment that holds from a date on; history, differences, and the way back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from api.content import Parts, alignment_hash, encode_portfolio
from api.planning import layers
from api.planning.desk import Desk, check_revision, etag
from api.planning.listing import Listing
from api.planning.portfolios import READY, facts, opened, own_territories
from api.planning.proposals import APPROVED, PUBLISHED, explained_moves, opened_plan
from api.problems import ConflictError, StaleError, UnknownError
from api.store import Alignment, Plan, PlanState, StoredPortfolio, advance, keep_blobs, new_id, now
from territory.demand import derive_demand
from territory.errors import Problem
from territory.model import Portfolio, Proposal


def publish(
    desk: Desk, proposal_id: str, revision: int | None, *, effective_from: date, comment: str
) -> tuple[Alignment, StoredPortfolio]:
    """Make an approved proposal the portfolio's alignment: all of it in one transaction, or nothing.

    Raises
    ------
    ConflictError
        It is not approved; another one was published since it was made; or a customer was locked elsewhere since.
    """
    plan, stored, proposal, _ = opened_plan(desk, proposal_id)
    check_revision(revision, plan.revision, lambda: {"status": plan.status}, etag(plan, plan.status))
    if plan.status != APPROVED:
        raise ConflictError(f"It is {plan.status}; only what is approved can be published.")
    if stored.number != plan.base_number:
        raise ConflictError(
            f"It was made from alignment {plan.base_number}; {stored.number} has been published since.",
            problems=[
                Problem(
                    "proposal",
                    "It starts from an older alignment.",
                    "Propose anew from today's.",
                    f"方案基于版本 {plan.base_number}，而其后已发布版本 {stored.number}。请基于当前版本重新生成方案。",
                )
            ],
        )
    accepted = _accepted(desk, plan, stored, proposal)
    version = publish_portfolio(desk, stored, accepted, effective_from, comment or plan.comment, plan.id)
    if not advance(desk.write(), Plan, plan.id, plan.revision, status=PUBLISHED, alignment_id=version.id):
        raise StaleError("Somebody changed the proposal at the same moment.", yours=plan.revision)
    return version, stored


def revert(
    desk: Desk, portfolio_id: str, revision: int | None, *, number: int, effective_from: date, comment: str
) -> tuple[Alignment, StoredPortfolio]:
    """Publish an older alignment once more, as a new version: nothing in the history changes."""
    stored, portfolio = opened(desk, portfolio_id)
    check_revision(revision, stored.revision, lambda: {"number": stored.number}, etag(stored, READY))
    old = version_of(desk, stored, number)
    owner = desk.content(old.snapshot).alignment.reindex(portfolio.customers.index)
    # A customer that came later has no place in the old alignment, and keeps the one that it has.
    customers = portfolio.customers.assign(territory=owner.fillna(portfolio.alignment))
    text = comment or f"back to alignment {number}"
    return publish_portfolio(desk, stored, replace(portfolio, customers=customers), effective_from, text, None), stored


def _accepted(desk: Desk, plan: Plan, stored: StoredPortfolio, proposal: Proposal) -> Portfolio:
    """The portfolio with the plan in it; what was locked or ruled since the plan was made stays so."""
    accepted = proposal.accept()
    if plan.scenario_id is not None or plan.base_snapshot == stored.snapshot:
        return accepted
    head = desk.content(str(stored.snapshot))
    if not head.customers.index.equals(proposal.alignment.index):
        raise ConflictError("The portfolio has other customers now; propose anew.")
    locked_since = head.customers["locked"] & ~proposal.portfolio.customers["locked"]
    torn = head.customers.index[(locked_since & (head.alignment != proposal.alignment)).to_numpy()]
    if len(torn):
        raise ConflictError(
            f"{len(torn)} customers that it moves have been locked since.",
            problems=[
                Problem(
                    f"customer '{name}'",
                    "It is locked.",
                    "Refuse its move, or lift it.",
                    f"客户“{name}”已锁定。请拒绝其变动，或解除锁定。",
                )
                for name in torn
            ],
        )
    locks = accepted.customers["locked"] | locked_since
    return replace(head, customers=head.customers.assign(territory=proposal.alignment, locked=locks))


def publish_portfolio(
    desk: Desk,
    stored: StoredPortfolio,
    portfolio: Portfolio,
    effective_from: date,
    comment: str,
    plan_id: str | None,
) -> Alignment:
    """Let a portfolio hold from a date on, as the next version of its alignment, in the caller's transaction."""
    before = desk.content(str(stored.snapshot)).alignment
    moved = int((before.reindex(portfolio.customers.index).fillna("") != portfolio.alignment.fillna("")).sum())
    parts = Parts({})
    snapshot = encode_portfolio(portfolio, parts)
    version = Alignment(
        id=new_id("alignment"),
        portfolio_id=stored.id,
        number=stored.number + 1,
        snapshot=snapshot,
        hash=alignment_hash(portfolio.alignment),
        effective_from=effective_from.isoformat(),
        comment=comment,
        moved=moved,
        plan_id=plan_id,
        published_by=desk.who.user_id,
        published_at=now(),
    )
    kept = {**facts(portfolio), "notes": stored.facts.get("notes", [])}
    session = desk.write()
    if not advance(
        session,
        StoredPortfolio,
        stored.id,
        stored.revision,
        snapshot=snapshot,
        number=version.number,
        facts=kept,
        rep_ids=list(portfolio.reps.index),
    ):
        raise StaleError("Somebody changed the portfolio at the same moment; look at it, then publish again.")
    keep_blobs(session, parts.by_name)
    session.add(version)
    session.flush()
    desk.record(
        "alignment.published",
        version.id,
        stored.id,
        number=version.number,
        hash=version.hash,
        moved=moved,
        effective_from=version.effective_from,
        comment=comment,
    )
    layers.refresh(session, stored.id, desk.who.user_id, desk.request_id)
    return version


# ---- history


def history(desk: Desk, portfolio_id: str) -> list[Alignment]:
    """The alignments of a portfolio, the latest first."""
    stored = desk.portfolio(portfolio_id)
    return list(
        desk.read().scalars(
            sa.select(Alignment).where(Alignment.portfolio_id == stored.id).order_by(Alignment.number.desc())
        )
    )


def version_of(desk: Desk, stored: StoredPortfolio, number: int) -> Alignment:
    """An alignment by its number."""
    found = (
        desk.read()
        .scalars(sa.select(Alignment).where(Alignment.portfolio_id == stored.id, Alignment.number == number))
        .first()
    )
    if found is None:
        raise UnknownError(f"There is no alignment {number}; there are 1 to {stored.number}.")
    return found


def one(desk: Desk, alignment_id: str) -> tuple[Alignment, StoredPortfolio]:
    """An alignment that this user may see."""
    version = desk.read().get(Alignment, alignment_id)
    if version is None:
        raise UnknownError("There is no such alignment.")
    return version, desk.portfolio(version.portfolio_id)


def customers_of(desk: Desk, alignment_id: str) -> Listing:
    """Every customer's territory in an alignment; a rep sees who is his."""
    version, _ = one(desk, alignment_id)
    portfolio = desk.content(version.snapshot)
    listing = Listing.of(
        portfolio.alignment.rename("territory").to_frame().rename_axis("customer_id"), version.hash[:16]
    )
    if not desk.who.is_rep:
        return listing
    own = own_territories(desk, portfolio)
    return listing.only(portfolio.alignment.isin(list(own)).to_numpy(), f".{desk.who.rep_id}")


def difference(desk: Desk, portfolio_id: str, before: str, after: str) -> Listing:
    """Who is in another territory: between any two of a portfolio's alignments (by number) and proposals (by id)."""
    stored, portfolio = opened(desk, portfolio_id)
    one_side, other_side = (_alignment_named(desk, stored, name) for name in (before, after))
    ids = one_side.index.union(other_side.index, sort=False)
    table = pd.DataFrame({"from": one_side.reindex(ids), "to": other_side.reindex(ids)})
    table = table[(table["from"].fillna("") != table["to"].fillna("")).to_numpy()]
    names = portfolio.customers["name"].reindex(table.index)
    return Listing.of(table.assign(name=names).rename_axis("customer_id"), f"{before}.{after}.{stored.revision}")


def _alignment_named(desk: Desk, stored: StoredPortfolio, name: str) -> pd.Series:
    if name.isascii() and name.isdigit() and len(name) < 10:
        return desk.content(version_of(desk, stored, int(name)).snapshot).alignment
    plan, _, proposal, _ = opened_plan(desk, name)
    if plan.portfolio_id != stored.id:
        raise UnknownError("There is no such proposal of this portfolio.")
    return proposal.alignment


def handovers(desk: Desk, portfolio_id: str, number: int | None, rep_id: str | None = None) -> Listing:
    """Who hands which customer to whom in an alignment, with reason and price; a rep sees what is his to give or take.

    Parameters
    ----------
    number : of the alignment, the latest by default
    rep_id : whose; everybody's by default
    """
    stored, head = opened(desk, portfolio_id)
    version = version_of(desk, stored, stored.number if number is None else number)
    portfolio = desk.content(version.snapshot)
    past = portfolio
    if version.number > 1:
        past = desk.content(version_of(desk, stored, version.number - 1).snapshot)
    before = past.alignment.reindex(portfolio.customers.index)
    gone = (before.fillna("") != portfolio.alignment.fillna("")).to_numpy()
    customers = portfolio.customers[gone]
    table = pd.DataFrame(
        {
            "name": customers["name"],
            "from": before[gone],
            "to": portfolio.alignment[gone],
            # As the plan reckoned with it, where the file says none.
            "potential": derive_demand(portfolio, travel="none")["potential"][gone],
            "last_visit": customers["last_visit"],
        },
        index=customers.index,
    )
    for end, whose in (("from", past), ("to", portfolio)):
        # Of a colleague a rep needs the name to call him by, and is told no more.
        who = _reps_of_territories(whose).reindex(table[end])
        table[f"{end}_rep_id"], table[f"{end}_rep"] = who["rep_id"].to_numpy(), who["name"].to_numpy()
    table = table.join(_said_of_moves(desk, version, table.index)).rename_axis("customer_id")
    table["effective_from"] = version.effective_from
    listing = Listing.of(table, f"{version.id}.handovers")
    if rep_id is not None:
        is_his = [
            rep_id in f"{one};{other}".split(";")
            for one, other in zip(table["from_rep_id"], table["to_rep_id"], strict=True)
        ]
        listing = listing.only(np.array(is_his, bool), f".of.{rep_id}")
    if not desk.who.is_rep:
        return listing
    own = list(own_territories(desk, head))
    return listing.only((table["from"].isin(own) | table["to"].isin(own)).to_numpy(), f".{desk.who.rep_id}")


def _reps_of_territories(portfolio: Portfolio) -> pd.DataFrame:
    """``rep_id`` and ``name`` by territory; of several reps, all of them. Who has no name is called by the id."""
    reps = portfolio.reps.dropna(subset="territory")
    names = reps["name"].where(reps["name"].fillna("").str.strip() != "", reps.index.to_series())
    table = pd.DataFrame({"territory": reps["territory"], "rep_id": reps.index, "name": names}, dtype="str")
    return table.groupby("territory").agg(";".join)


def _said_of_moves(desk: Desk, version: Alignment, ids: pd.Index) -> pd.DataFrame:
    """Reason and price of the moves by which an alignment came to be."""
    plan = None if version.plan_id is None else desk.read().get(Plan, version.plan_id)
    if plan is None:
        return pd.DataFrame({"reason": pd.array([None] * len(ids), dtype="str"), "price": float("nan")}, index=ids)
    moves = explained_moves(_proposal_of(desk, plan)).set_index("customer_id")
    return moves.drop(columns=["from", "to", "runner_up"]).reindex(ids)


def _proposal_of(desk: Desk, plan: Plan) -> Proposal:
    state = desk.read().get_one(PlanState, (plan.id, plan.position))
    return desk.content_of_plan(state.state, plan.base_snapshot)[0]


def price_of_keeping(desk: Desk, stored: StoredPortfolio, customer_id: str) -> float | None:
    """What it would cost if this customer had not moved: the price of its move in the latest alignment."""
    version = version_of(desk, stored, stored.number)
    plan = None if version.plan_id is None else desk.read().get(Plan, version.plan_id)
    if plan is None:
        return None
    moves = _proposal_of(desk, plan).moves
    found = moves.loc[moves["customer_id"] == customer_id, "price"]
    return None if found.empty else float(found.iloc[0])


def shown(version: Alignment) -> dict[str, Any]:
    """An alignment as JSON."""
    return {
        "alignment_id": version.id,
        "portfolio_id": version.portfolio_id,
        "number": version.number,
        "hash": version.hash,
        "effective_from": version.effective_from,
        "comment": version.comment,
        "moved": version.moved,
        "proposal_id": version.plan_id,
        "published_by": version.published_by,
        "published_at": version.published_at,
    }
