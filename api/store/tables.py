"""The tables, one class each. Times are seconds since 1970; JSON columns hold what no query looks into."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Row(DeclarativeBase):
    """The base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        float: Float(53),
        int: Integer,
        bytes: LargeBinary,
        dict[str, Any]: Document,
        list[Any]: Document,
        list[str]: Document,
    }


class Revised(Row):
    """A row that two people may edit: each edit raises its revision, see `store.advance`."""

    __abstract__ = True

    id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(default=1)


class Blob(Row):
    """A part of a portfolio or proposal, named by its SHA-256: see `api.content`."""

    __tablename__ = "blobs"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes]


class User(Revised):
    """Somebody who may sign in. A manager and a planner see their regions (`*` is all), a rep a territory in them.

    What the company's provider has given (`has_company_rights`) it takes away, too; what an admin gave, an admin. Its
    word of `vouched_at` counts for a while, see `api.auth.signing_in`.
    """

    __tablename__ = "users"

    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    regions: Mapped[list[str]]
    rep_id: Mapped[str | None]
    password_hash: Mapped[str | None]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    subject: Mapped[str | None] = mapped_column(unique=True, index=True)
    has_company_rights: Mapped[bool] = mapped_column(default=False)
    vouched_at: Mapped[float | None]
    created_at: Mapped[float]


class SignIn(Row):
    """Somebody on the way to his company's provider and back; it can be finished once, by the same browser."""

    __tablename__ = "sign_ins"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser_hash: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str]
    verifier: Mapped[str]
    leads_to: Mapped[str]
    created_at: Mapped[float] = mapped_column(index=True)


class Session(Row):
    """A browser that is signed in; the cookie's secret is kept as SHA-256."""

    __tablename__ = "sessions"

    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str]
    created_at: Mapped[float]
    expires_at: Mapped[float] = mapped_column(index=True)


class Token(Row):
    """A bearer token of a program, kept as SHA-256."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    created_at: Mapped[float]
    expires_at: Mapped[float | None]


class LoginFailure(Row):
    """A login that failed; too many for one name or address within a while, and it must wait."""

    __tablename__ = "login_failures"

    id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str]
    at: Mapped[float]

    __table_args__ = (Index(None, "subject", "at"),)


class StoredPortfolio(Revised):
    """A portfolio as it is now: `snapshot` names its content, `number` its latest alignment."""

    __tablename__ = "portfolios"

    name: Mapped[str]
    region: Mapped[str] = mapped_column(index=True)
    snapshot: Mapped[str | None] = mapped_column(String(64))
    number: Mapped[int] = mapped_column(default=0)
    job_id: Mapped[str | None]
    facts: Mapped[dict[str, Any]]
    rep_ids: Mapped[list[str]]
    created_by: Mapped[str]
    created_at: Mapped[float]


class Alignment(Row):
    """A version of a portfolio's alignment, in force from a date on; it never changes."""

    __tablename__ = "alignments"

    id: Mapped[str] = mapped_column(primary_key=True)
    portfolio_id: Mapped[str] = mapped_column(ForeignKey("portfolios.id", ondelete="CASCADE"))
    number: Mapped[int]
    snapshot: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    effective_from: Mapped[str]
    comment: Mapped[str]
    moved: Mapped[int]
    plan_id: Mapped[str | None]
    published_by: Mapped[str]
    published_at: Mapped[float]

    __table_args__ = (UniqueConstraint("portfolio_id", "number"),)


class Plan(Revised):
    """A proposal; `position` is the state that stands, those after it can be redone."""

    __tablename__ = "proposals"

    portfolio_id: Mapped[str] = mapped_column(ForeignKey("portfolios.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    status: Mapped[str]
    base_snapshot: Mapped[str] = mapped_column(String(64))
    base_number: Mapped[int]
    scenario_id: Mapped[str | None]
    parameters: Mapped[dict[str, Any]]
    job_id: Mapped[str | None] = mapped_column(index=True)
    position: Mapped[int] = mapped_column(default=0)
    summary: Mapped[dict[str, Any]]
    comment: Mapped[str] = mapped_column(default="")
    alignment_id: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[float]


class PlanState(Row):
    """A proposal after one of the steps made in it by hand; `state` names its content, `action` says what was done."""

    __tablename__ = "proposal_states"

    proposal_id: Mapped[str] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(64))
    action: Mapped[dict[str, Any]]
    summary: Mapped[dict[str, Any]]
    made_by: Mapped[str]
    made_at: Mapped[float]


class Scenario(Revised):
    """What would be if: changes of a portfolio, by name."""

    __tablename__ = "scenarios"

    portfolio_id: Mapped[str] = mapped_column(ForeignKey("portfolios.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    changes: Mapped[list[Any]]
    created_by: Mapped[str]
    created_at: Mapped[float]


class Comparison(Row):
    """Scenarios realigned side by side: their table, and the proposal of each."""

    __tablename__ = "comparisons"

    id: Mapped[str] = mapped_column(primary_key=True)
    portfolio_id: Mapped[str] = mapped_column(ForeignKey("portfolios.id", ondelete="CASCADE"), index=True)
    base_snapshot: Mapped[str] = mapped_column(String(64))
    base_number: Mapped[int]
    parameters: Mapped[dict[str, Any]]
    job_id: Mapped[str | None]
    rows: Mapped[list[Any]]
    created_by: Mapped[str]
    created_at: Mapped[float]


class Challenge(Revised):
    """A rep's word against a move: "I should keep this customer"."""

    __tablename__ = "challenges"

    portfolio_id: Mapped[str] = mapped_column(ForeignKey("portfolios.id", ondelete="CASCADE"), index=True)
    customer_id: Mapped[str]
    rep_id: Mapped[str | None]
    territory: Mapped[str]
    note: Mapped[str]
    price: Mapped[float | None]
    status: Mapped[str]
    answer: Mapped[str] = mapped_column(default="")
    created_by: Mapped[str]
    created_at: Mapped[float]


class StoredCalls(Row):
    """A call plan: whom `rep_ids` visit from `start` until before `finish`; `content` names it once it is ready."""

    __tablename__ = "call_plans"

    id: Mapped[str] = mapped_column(primary_key=True)
    portfolio_id: Mapped[str] = mapped_column(ForeignKey("portfolios.id", ondelete="CASCADE"), index=True)
    snapshot: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    start: Mapped[str]
    finish: Mapped[str]
    rep_ids: Mapped[list[str]]
    parameters: Mapped[dict[str, Any]]
    previous_id: Mapped[str | None]
    job_id: Mapped[str | None]
    content: Mapped[str | None] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]]
    created_by: Mapped[str]
    created_at: Mapped[float]


class Visit(Revised):
    """A call that was begun or made: a rep has one a day with a customer, however often the phone tells of it."""

    __tablename__ = "visits"

    portfolio_id: Mapped[str] = mapped_column(ForeignKey("portfolios.id", ondelete="CASCADE"))
    rep_id: Mapped[str]
    customer_id: Mapped[str]
    day: Mapped[str]
    status: Mapped[str]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]
    outcome: Mapped[str | None]
    minutes: Mapped[float | None]
    note: Mapped[str] = mapped_column(default="")
    created_by: Mapped[str]
    created_at: Mapped[float]

    __table_args__ = (
        UniqueConstraint("portfolio_id", "rep_id", "day", "customer_id"),
        Index(None, "portfolio_id", "customer_id", "day"),
    )


class Calendar(Row):
    """A calendar that a phone subscribes to: who knows its secret, kept as SHA-256, reads one rep's visits."""

    __tablename__ = "calendars"

    id: Mapped[str] = mapped_column(primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    portfolio_id: Mapped[str] = mapped_column(ForeignKey("portfolios.id", ondelete="CASCADE"), index=True)
    rep_id: Mapped[str]
    created_at: Mapped[float]


class Job(Row):
    """Long work. Whoever holds the lease of the latest `attempt` may finish it, and nobody else."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    portfolio_id: Mapped[str | None]
    status: Mapped[str]
    stage: Mapped[str] = mapped_column(default="")
    progress: Mapped[float] = mapped_column(default=0.0)
    attempt: Mapped[int] = mapped_column(default=0)
    crashes: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None]
    lease_until: Mapped[float] = mapped_column(default=0.0)
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    resource: Mapped[str] = mapped_column(default="")
    problem: Mapped[dict[str, Any] | None]
    created_by: Mapped[str]
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]
    request_id: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index(None, "status", "created_at"),)


class Feature(Row):
    """A territory, customer or rep of what was published last, as a row that other programs read; on PostgreSQL."""

    __tablename__ = "features"

    portfolio_id: Mapped[str] = mapped_column(ForeignKey("portfolios.id", ondelete="CASCADE"), primary_key=True)
    layer: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    properties: Mapped[dict[str, Any]]
    shape: Mapped[str | None]


class AuditEntry(Row):
    """Who did what, and when; written in the transaction in which it was done."""

    __tablename__ = "audit"

    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[float]
    user_id: Mapped[str]
    action: Mapped[str]
    object_id: Mapped[str]
    portfolio_id: Mapped[str | None] = mapped_column(index=True)
    details: Mapped[dict[str, Any]]
    request_id: Mapped[str]


class Answer(Row):
    """What a POST with an Idempotency-Key was answered, so that asking twice does it once."""

    __tablename__ = "answers"

    key: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    created_at: Mapped[float] = mapped_column(index=True)


class Webhook(Row):
    """An address that is told of events, signed with its secret."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    events: Mapped[list[str]]
    secret: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[float]


class Delivery(Row):
    """An event on its way to a webhook; written in the transaction of the event, sent by the worker."""

    __tablename__ = "deliveries"

    id: Mapped[str] = mapped_column(primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"), index=True)
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[float] = mapped_column(index=True)
    delivered_at: Mapped[float | None]
    last_answer: Mapped[str] = mapped_column(default="")
