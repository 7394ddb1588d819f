"""What a stranger may send, and what he gets: every text and number with its limits."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

T = TypeVar("T")

LARGEST_SEED = 2**31 - 1
MOST_AT_ONCE = 10_000


def _without_control(text: str) -> str:
    # PostgreSQL cannot hold NUL, and no name needs the others.
    if any(ord(character) < 32 and character not in "\n\t" for character in text):
        raise ValueError("control characters cannot be in a text")
    return text


Text = Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True), AfterValidator(_without_control)]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_without_control)
]
Key = Annotated[str, StringConstraints(min_length=1, max_length=10_000), AfterValidator(_without_control)]
"""An id that a customer or territory has in the uploaded files."""
Password = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Ratio = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class Sent(BaseModel):
    """The base of what may be sent: a name that is not known is a fault, not a thing to skip."""

    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    """The base of what is answered."""


class Tolerance(Sent):
    """How far from its share a territory may be, by measure; what is not given is as in the rules."""

    potential: Ratio | None = None
    workload: Ratio | None = None


class PlanParameters(Sent):
    """How plans are to be made."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"tolerance": 0.05, "max_moved": 0.1, "seed": 7}]}
    )

    tolerance: Ratio | Tolerance | None = Field(None, description="A ratio, 0.05 is 5 percent either way.")
    max_moved: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = Field(
        None, description="The part of all customers that may change territory."
    )
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 0
    travel: Literal["none", "line"] = Field("line", description="What workload counts beside visits x minutes.")
    effort: Annotated[float, Field(ge=0.05, le=4, allow_inf_nan=False)] = 1.0

    def parameters(self) -> dict[str, Any]:
        """As `territory.realign` takes them."""
        given = self.model_dump()
        if isinstance(self.tolerance, Tolerance):
            given["tolerance"] = self.tolerance.model_dump(exclude_none=True) or None
        return given


class ProposalRequest(PlanParameters):
    """A plan that is asked for."""

    name: Annotated[str, StringConstraints(max_length=200), AfterValidator(_without_control)] = ""
    comment: Text = ""
    territories: Annotated[int, Field(ge=1, le=5000)] | None = Field(
        None, description="Cut so many territories from scratch; without it today's are realigned."
    )
    handover: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = Field(
        5.0, description="The price of a move: more means fewer moves and longer ways."
    )

    def parameters(self) -> dict[str, Any]:
        """As `territory.realign` and `territory.align` take them."""
        given = super().parameters()
        return {key: value for key, value in given.items() if key not in ("name", "comment")}


class AdjustRequest(Sent):
    """Customers to move and to lock by hand."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"move": {"0099": "T3"}, "lock": ["0042"]}]}
    )

    move: Annotated[dict[Key, Key], Field(max_length=MOST_AT_ONCE)] = {}
    lock: Annotated[list[Key], Field(max_length=MOST_AT_ONCE)] = []
    unlock: Annotated[list[Key], Field(max_length=MOST_AT_ONCE)] = []


class Decision(Sent):
    """What a manager thinks of a move."""

    decision: Literal["accepted", "refused", "open"]


class Step(Sent):
    """A word that goes with handing a proposal on."""

    comment: Text = ""


class PublishRequest(Sent):
    """From when on an alignment is to hold."""

    effective_from: date
    comment: Text = ""


class RevertRequest(PublishRequest):
    """The alignment to go back to."""

    number: Annotated[int, Field(ge=1, le=LARGEST_SEED)]


class Renaming(Sent):
    """New words for a proposal; what is not given stays."""

    name: Name | None = None
    comment: Text | None = None


class PortfolioChange(Sent):
    """New words for a portfolio; what is not given stays."""

    name: Name | None = None
    region: Name | None = None


class LockChange(Sent):
    """Customers to lock to their territory of today, and locks to lift."""

    lock: Annotated[list[Key], Field(max_length=MOST_AT_ONCE)] = []
    unlock: Annotated[list[Key], Field(max_length=MOST_AT_ONCE)] = []


Where = Annotated[dict[Key, Key | float | list[Key]], Field(max_length=20)]
"""column -> the value, or one of the values, that a customer must have."""


class _At(Sent):
    rep_id: Key
    lon: Degrees | None = None
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    customer_id: Key | None = Field(None, description="A customer who lives there, in place of lon and lat.")


class RepLeaves(Sent):
    """A rep leaves."""

    change: Literal["rep_leaves"]
    rep_id: Key


class RepJoins(_At):
    """A rep joins, at a place."""

    change: Literal["rep_joins"]
    territory: Key | None = None
    share: Share = 1.0
    capacity_hours_per_week: Annotated[float, Field(gt=0, le=168, allow_inf_nan=False)] | None = None
    name: Name | None = None


class RepMoves(_At):
    """A rep moves house."""

    change: Literal["rep_moves"]


class RepPartTime(Sent):
    """A rep works a part of full time."""

    change: Literal["rep_part_time"]
    rep_id: Key
    share: Share = 0.5


class Scaled(Sent):
    """A number of some customers grows or shrinks."""

    change: Literal["scaled"]
    column: Key
    factor: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
    where: Where = {}


def _rule(name: str) -> str:
    if not name.isidentifier() or name == "self":
        raise ValueError("there is no such rule")
    return name


class OtherRules(Sent):
    """Other rules hold."""

    change: Literal["rules"]
    rules: Annotated[dict[Annotated[Key, AfterValidator(_rule)], float | dict[Key, float]], Field(max_length=50)]


class CustomersLeave(Sent):
    """Customers are lost."""

    change: Literal["customers_leave"]
    customer_ids: Annotated[list[Key], Field(max_length=MOST_AT_ONCE)] = []
    where: Where = {}


Change = Annotated[
    RepLeaves | RepJoins | RepMoves | RepPartTime | Scaled | OtherRules | CustomersLeave,
    Field(discriminator="change"),
]


class ScenarioRequest(Sent):
    """What would be if."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "R04 leaves", "changes": [{"change": "rep_leaves", "rep_id": "R04"}]}]
        },
    )

    name: Name
    changes: Annotated[list[Change], Field(min_length=1, max_length=100)]


class ScenarioChange(Sent):
    """What is to be different in a scenario; what is not given stays."""

    name: Name | None = None
    changes: Annotated[list[Change], Field(min_length=1, max_length=100)] | None = None


class ComparisonRequest(PlanParameters):
    """Scenarios to realign side by side."""

    scenario_ids: Annotated[list[Key], Field(max_length=20)]
    with_today: bool = True

    def parameters(self) -> dict[str, Any]:
        """As `territory.simulate` takes them."""
        given = super().parameters()
        return {key: value for key, value in given.items() if key not in ("scenario_ids", "with_today")}


class FrontRequest(PlanParameters):
    """Plans to choose from."""

    count: Annotated[int, Field(ge=1, le=50)] = 20

    def parameters(self) -> dict[str, Any]:
        """As `territory.proposals` takes them."""
        given = super().parameters()
        return {key: value for key, value in given.items() if key not in ("count", "max_moved")}


class ChallengeRequest(Sent):
    """A customer that I should keep."""

    customer_id: Key
    note: Text = ""


class ChallengeAnswer(Sent):
    """The manager's answer."""

    status: Literal["accepted", "refused", "open"]
    answer: Text = ""


class SignIn(Sent):
    """Who one is."""

    login: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_without_control)]
    password: Password


class PasswordChange(Sent):
    """A new password of one's own."""

    old: Password
    new: Password


class UserRequest(Sent):
    """A new user."""

    login: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._@+-]+$")]
    name: Name
    role: Literal["admin", "manager", "planner", "rep"]
    regions: Annotated[list[Name], Field(max_length=200)] = Field([], description="`*` is every region.")
    rep_id: Key | None = None


class UserChange(Sent):
    """What is to be different with a user; what is not given stays."""

    name: Name | None = None
    role: Literal["admin", "manager", "planner", "rep"] | None = None
    regions: Annotated[list[Name], Field(max_length=200)] | None = None
    rep_id: Key | None = None
    is_active: bool | None = None


class TokenRequest(Sent):
    """A token for a program."""

    name: Name
    days: Annotated[int, Field(ge=1, le=3650)] | None = Field(90, description="How long it is valid; null for ever.")


class WebhookRequest(Sent):
    """Where events are sent."""

    url: Annotated[str, StringConstraints(min_length=8, max_length=2000, pattern=r"^https?://")]
    events: Annotated[list[Key], Field(min_length=1, max_length=50)]


# ---- answers


class ProblemShown(Shown):
    """One fault: where it is, what it is, how to mend it."""

    where: str
    what: str
    fix: str


class Refusal(Shown):
    """Every error has this shape (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    problems: list[ProblemShown]
    request_id: str


class PortfolioShown(Shown):
    """A portfolio. While it is read, `progress` and `job` say how far; `facts` are there when it is ready."""

    portfolio_id: str
    name: str
    region: str
    status: Literal["reading", "ready", "failed", "cancelled"]
    progress: float | None
    job: str | None
    problem: dict[str, Any] | None
    number: int = Field(description="Of the latest alignment.")
    facts: dict[str, Any]
    revision: int
    created_by: str
    created_at: float


class ProposalShown(Shown):
    """A proposal; while it is made, `progress` and `job` say how far."""

    proposal_id: str
    portfolio_id: str
    name: str
    status: Literal["planning", "ready", "submitted", "approved", "rejected", "published", "failed", "cancelled"]
    progress: float | None
    stage: str | None
    job: str | None
    problem: dict[str, Any] | None
    base_number: int
    scenario_id: str | None
    parameters: dict[str, Any]
    summary: dict[str, Any]
    comment: str
    alignment_id: str | None
    can_undo: int
    can_redo: int
    revision: int
    created_by: str
    created_at: float


class AdjustedShown(ProposalShown):
    """A proposal after a step by hand, with what each territory holds now."""

    territories: list[dict[str, Any]]


class AlignmentShown(Shown):
    """A version of a portfolio's alignment."""

    alignment_id: str
    portfolio_id: str
    number: int
    hash: str
    effective_from: date
    comment: str
    moved: int
    proposal_id: str | None
    published_by: str
    published_at: float


class ScenarioShown(Shown):
    """A scenario."""

    scenario_id: str
    portfolio_id: str
    name: str
    changes: list[dict[str, Any]]
    revision: int
    created_by: str
    created_at: float


class ComparisonShown(Shown):
    """Scenarios side by side: `rows` are there when it is done."""

    comparison_id: str
    portfolio_id: str
    status: Literal["planning", "ready", "failed", "cancelled"]
    progress: float
    job: str | None
    problem: dict[str, Any] | None
    rows: list[dict[str, Any]]
    created_by: str
    created_at: float


class ChallengeShown(Shown):
    """A challenge."""

    challenge_id: str
    portfolio_id: str
    customer_id: str
    rep_id: str | None
    territory: str
    note: str
    price: float | None
    status: Literal["open", "accepted", "refused"]
    answer: str
    revision: int
    created_by: str
    created_at: float


class JobShown(Shown):
    """A job; `resource` is where its result is found."""

    job_id: str
    kind: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    stage: str
    progress: float
    attempt: int
    resource: str
    problem: dict[str, Any] | None
    created_by: str
    created_at: float
    started_at: float | None
    finished_at: float | None


class UserShown(Shown):
    """A user."""

    user_id: str
    login: str
    name: str
    role: Literal["admin", "manager", "planner", "rep"]
    regions: list[str]
    rep_id: str | None
    must_change_password: bool
    is_active: bool
    revision: int
    created_at: float


class MeShown(Shown):
    """Who is signed in; `csrf` goes into the header X-CSRF-Token of whatever a page changes."""

    user_id: str
    login: str
    name: str
    role: Literal["admin", "manager", "planner", "rep"]
    regions: list[str]
    rep_id: str | None
    must_change_password: bool
    csrf: str | None


class OneTimePassword(Shown):
    """A password that is shown once, to hand over; it must be replaced at the first sign-in."""

    user: UserShown
    one_time_password: str


class TokenShown(Shown):
    """A token, without its secret."""

    token_id: str
    name: str
    created_at: float
    expires_at: float | None


class NewToken(TokenShown):
    """A new token with its secret, which is shown once."""

    secret: str


class AuditShown(Shown):
    """Who did what, and when."""

    audit_id: str
    at: float
    user_id: str
    action: str
    object_id: str
    portfolio_id: str | None
    details: dict[str, Any]
    request_id: str


class WebhookShown(Shown):
    """A webhook, without its secret."""

    webhook_id: str
    url: str
    events: list[str]
    created_at: float


class NewWebhook(WebhookShown):
    """A new webhook with the secret that signs its messages, which is shown once."""

    secret: str


class Many(Shown, Generic[T]):
    """A page of a list: `count` of all there are, and where the next page is."""

    items: list[T]
    count: int
    next: str | None = None


class LocksShown(Shown):
    """Customer -> the territory that it is locked to."""

    locks: dict[str, str | None]
    revision: int
