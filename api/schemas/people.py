"""Who signs in, with what, and what was done; programs that are told of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from api.schemas.parts import Key, Name, Password, Sent, Shown, without_control


class SignIn(Sent):
    """Who one is."""

    login: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(without_control)]
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


class Person(Shown):
    """Who somebody is."""

    user_id: str
    login: str
    name: str
    role: Literal["admin", "manager", "planner", "rep"]
    regions: list[str]
    rep_id: str | None
    must_change_password: bool


class UserShown(Person):
    """A user."""

    is_active: bool
    has_company_rights: bool
    revision: int
    created_at: float


class MeShown(Person):
    """Who is signed in; `csrf` goes into the header X-CSRF-Token of whatever a page changes."""

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
    status: Literal["on", "off"]
    waiting: int
    last_answer: str
    created_at: float


class NewWebhook(WebhookShown):
    """A new webhook with the secret that signs its messages, which is shown once."""

    secret: str


class BackupShown(Shown):
    """A backup; `file` is where it can be taken away once it is ready."""

    backup_id: str
    status: Literal["making", "ready", "failed", "cancelled"]
    progress: float
    job: str | None
    problem: dict[str, Any] | None
    bytes: int | None
    made_at: float | None
    file: str | None
