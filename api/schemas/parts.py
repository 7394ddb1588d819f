"""What all of them are made of: texts and numbers with their limits, what is sent, what is shown."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

T = TypeVar("T")
LARGEST_SEED = 2**31 - 1
MOST_AT_ONCE = 10_000


def without_control(text: str) -> str:
    """The text, when it holds nothing but what can be read and lines."""
    # PostgreSQL cannot hold NUL, and no name needs the others.
    if any(ord(character) < 32 and character not in "\n\t" for character in text):
        raise ValueError("control characters cannot be in a text")
    return text


Text = Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True), AfterValidator(without_control)]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(without_control)
]
Key = Annotated[str, StringConstraints(min_length=1, max_length=10_000), AfterValidator(without_control)]
"""An id that a customer or territory has in the uploaded files."""
Password = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Ratio = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Effort = Annotated[float, Field(ge=0.05, le=4, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class Sent(BaseModel):
    """The base of what may be sent: a name that is not known is a fault, not a thing to skip."""

    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    """The base of what is answered."""


class ProblemShown(Shown):
    """One fault: where it is, what it is, how to mend it; all of it in Chinese in `zh`, "" where nobody says it so."""

    where: str
    what: str
    fix: str
    zh: str = ""


class Refusal(Shown):
    """Every error has this shape (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    problems: list[ProblemShown]
    request_id: str


class Many(Shown, Generic[T]):
    """A page of a list: `count` of all there are, and where the next page is."""

    items: list[T]
    count: int
    next: str | None = None
