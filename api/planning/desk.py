"""Where somebody works: who it is, the unit of work, and the portfolios and proposals that are kept in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.auth import Principal
from api.content import Fetch, Kept, decode_portfolio, decode_proposal
from api.jobs import enqueue
from api.planning.events import tell
from api.planning.roads import on_roads
from api.problems import StaleError, UnknownError
from api.settings import Settings
from api.store import AuditEntry, Job, Plan, StoredPortfolio, Work, blob, new_id, now
from territory.model import Portfolio, Proposal

log = logging.getLogger(__name__)


class Shelf:
    """What was decoded last: content never changes under its name, so it never grows old."""

    def __init__(self, count: int) -> None:
        self._portfolios: Kept[Portfolio] = Kept(count)
        self._proposals: Kept[tuple[Proposal, dict[str, Any]]] = Kept(4 * count)
        self._derived: Kept[Any] = Kept(16 * count)

    def portfolio(self, snapshot: str, fetch: Fetch) -> Portfolio:
        """The portfolio under this name."""
        return self._portfolios.get(snapshot, lambda: decode_portfolio(snapshot, fetch))

    def proposal(self, state: str, base_snapshot: str, fetch: Fetch) -> tuple[Proposal, dict[str, Any]]:
        """A proposal's state on the portfolio it was made for, and its notes."""
        portfolio = self.portfolio(base_snapshot, fetch)
        return self._proposals.get(f"{state}:{base_snapshot}", lambda: decode_proposal(state, fetch, portfolio))

    def has_derived(self, name: str) -> bool:
        """Whether `derived` would give it at once."""
        return name in self._derived

    def derived(self, name: str, make: Callable[[], Any]) -> Any:
        """What was computed from content under a name that says from which."""
        return self._derived.get(name, make)


@dataclass(frozen=True)
class Desk:
    """One user's request at work."""

    who: Principal
    work: Work
    settings: Settings
    shelf: Shelf
    request_id: str = ""

    def read(self) -> Session:
        """The session to read in."""
        return self.work.read()

    def write(self) -> Session:
        """The session in which everything that this request changes is written."""
        return self.work.write()

    def portfolio(self, portfolio_id: str) -> StoredPortfolio:
        """A portfolio that this user may see; UnknownError for any other."""
        stored = self.work.remembered(
            ("portfolio", portfolio_id), lambda: self.read().get(StoredPortfolio, portfolio_id)
        )
        if stored is None or not self.who.sees(stored):
            raise UnknownError("There is no such portfolio.")
        return stored

    def content(self, snapshot: str) -> Portfolio:
        """What is in a portfolio under the name of one of its versions."""
        return self.shelf.portfolio(snapshot, self._fetch)

    def content_on(self, snapshot: str, travel: str) -> Portfolio:
        """As `content`, with the configured roads when they are what is to be counted."""
        portfolio = self.content(snapshot)
        if travel != "roads":
            return portfolio
        found: Portfolio = self.shelf.derived(f"roads:{snapshot}", lambda: on_roads(self.settings, portfolio, travel))
        return found

    def content_of_plan(self, state: str, base_snapshot: str) -> tuple[Proposal, dict[str, Any]]:
        """A proposal in one of its states, and the notes on it."""
        proposal, notes = self.shelf.proposal(state, base_snapshot, self._fetch)
        if proposal.travel != "roads":
            return proposal, notes
        return replace(proposal, portfolio=self.content_on(base_snapshot, "roads")), notes

    def _fetch(self, name: str) -> bytes:
        # In this request's own session, which sees what it has written itself.
        return blob(self.read(), name)

    def plan(self, proposal_id: str) -> tuple[Plan, StoredPortfolio]:
        """A proposal that this user may see, with its portfolio; UnknownError for any other."""
        plan = self.read().get(Plan, proposal_id)
        if plan is None or self.who.is_rep:
            raise UnknownError("There is no such proposal.")
        return plan, self.portfolio(plan.portfolio_id)

    def visible(self) -> sa.ColumnElement[bool]:
        """Which portfolios a query may show; a rep's are looked through once more, one by one."""
        return sa.true() if self.who.sees_all_regions else StoredPortfolio.region.in_(self.who.regions)

    def record(self, action: str, object_id: str, portfolio_id: str | None = None, **details: Any) -> None:
        """Write into the audit who did what, and tell the webhooks, in the same transaction."""
        record(self.write(), self.who.user_id, action, object_id, portfolio_id, self.request_id, details)

    def start(self, kind: str, arguments: dict[str, Any], *, resource: str, portfolio_id: str | None) -> Job:
        """Put a job of this user into the queue, in the same transaction."""
        return enqueue(
            self.write(),
            kind,
            arguments,
            resource=resource,
            user_id=self.who.user_id,
            portfolio_id=portfolio_id,
            request_id=self.request_id,
        )


def record(
    session: Session,
    user_id: str,
    action: str,
    object_id: str,
    portfolio_id: str | None,
    request_id: str,
    details: dict[str, Any],
) -> None:
    """Write into the audit who did what, and tell the webhooks, in the caller's transaction."""
    entry = AuditEntry(
        id=new_id("audit"),
        at=now(),
        user_id=user_id,
        action=action,
        object_id=object_id,
        portfolio_id=portfolio_id,
        details=details,
        request_id=request_id,
    )
    session.add(entry)
    tell(session, entry)


class Revised(Protocol):
    """A row that counts its changes."""

    @property
    def revision(self) -> int:
        """How often it was changed."""


def etag(row: Revised, state: str = "", job: Job | None = None) -> str:
    """The version of a row as it is shown: its revision, and what may change without it."""
    progress = "" if job is None else f"{job.progress:.3f}"
    return '"' + ".".join(filter(None, (str(row.revision), state, progress))) + '"'


def check_revision(given: int | None, found: int, current: Callable[[], Any], tag: str) -> int:
    """The revision to change, when it is the one that was read; else StaleError, with how things are now."""
    if given is not None and given != found:
        raise stale(given, found, current(), tag)
    return found


def stale(given: int, found: int, current: Any, tag: str) -> StaleError:
    """That somebody was quicker: the revision that was changed, the one that there is, and how things are now."""
    return StaleError(
        f"You have changed version {given}; it is at {found} now. Look at both, then send yours again.",
        headers={"ETag": tag},
        yours=given,
        current=current,
    )
