"""A rep's work: call plans, a day's route, visits, and the calendar that a phone subscribes to."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from api.schemas.parts import LARGEST_SEED, Degrees, Effort, Key, ProblemShown, Sent, Shown, Text

MOST_REPS, MOST_HOLIDAYS, MOST_OF_A_DAY, MOST_URGENT = 5000, 400, 200, 20
LONGEST_VISIT_MINUTES = 24 * 60.0

Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Seconds = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
Minutes = Annotated[float, Field(ge=0, le=LONGEST_VISIT_MINUTES, allow_inf_nan=False)]
Outcome = Literal["met", "ordered", "absent", "postponed"]
"""Of a visit: the customer was met, has ordered, was not there, or asked for another day."""


class CallsRequest(Sent):
    """Weeks to plan."""

    start: date
    weeks: Annotated[int, Field(ge=1, le=53)] = 4
    rep_ids: list[Key] | None = Field(None, max_length=MOST_REPS, description="All by default; a rep plans his own.")
    holidays: list[date] = Field([], max_length=MOST_HOLIDAYS, description="Days on which nobody works.")
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 0
    effort: Effort = 1.0


class CallsShown(Shown):
    """A call plan; `facts` are there when it is ready: what is covered, and what is not as it should be."""

    call_plan_id: str
    portfolio_id: str
    status: Literal["planning", "ready", "failed", "cancelled"]
    progress: float
    stage: str | None
    job: str | None
    problem: dict[str, Any] | None
    start: date
    finish: date = Field(description="The day after the last one.")
    rep_ids: list[str]
    number: int = Field(description="Of the alignment that it plans for.")
    parameters: dict[str, Any]
    facts: dict[str, Any]
    created_by: str
    created_at: float


class Spot(Sent):
    """Where somebody is."""

    lon: Degrees
    lat: Latitude


class ReplanRequest(Sent):
    """How far the day is, and what has come between."""

    day: date
    time: Clock
    position: Spot | None = Field(None, description="By default the last customer done, else the day's start.")
    done: list[Key] = Field([], max_length=MOST_OF_A_DAY)
    cancelled: list[Key] = Field([], max_length=MOST_OF_A_DAY)
    urgent: list[Key] = Field([], max_length=MOST_URGENT, description="Customers that must be visited today as well.")


class StopShown(Shown):
    """A stop of a day; times are those of the place, `links` open a phone's navigation."""

    stop: int
    customer_id: str
    name: str
    lon: float
    lat: float
    phone: str | None
    arrive: str
    wait_minutes: float
    start: str
    leave: str
    minutes: float
    drive_minutes: float
    drive_km: float
    must: bool
    appointment: bool
    links: dict[str, str]


class LeftOutShown(Shown):
    """A visit that the day leaves out, and why."""

    customer_id: str
    name: str
    code: str
    reason: str
    instead_of: list[str]
    overtime_minutes: float | None


class WaysShown(Shown):
    """What it takes to plan the rest of the day without a line: the places are its begin, its stops, and its end."""

    customers: list[str] = Field(description="Of the stops, in their order.")
    places: list[Spot]
    minutes: list[list[float | None]] = Field(description="From row to column; null where there is no way.")
    km: list[list[float | None]]
    windows: list[list[list[float]]] = Field(description="When each visit may begin, minutes since midnight.")
    shift: list[float]
    pause: list[float] | None = Field(description="Earliest and latest begin, and how long.")
    max_drive: float | None


class RouteShown(Shown):
    """A rep's day: the order proven, who is left out and why, the ways as lines of [longitude, latitude]."""

    portfolio_id: str
    rep_id: str
    rep_name: str
    day: date
    source: Literal["plan", "due", "replan"] = Field(
        description="The visits are those of the call plan, of who is due most without one, or the rest of the day."
    )
    call_plan_id: str | None
    certificate: str
    is_estimate: bool
    travel: str
    depart: str
    home: str
    pause: list[str] | None
    drive_minutes: float
    drive_km: float
    begin: list[float]
    end: list[float]
    stops: list[StopShown]
    unvisited: list[LeftOutShown]
    reasons: list[ProblemShown] = Field(description="Why not all that must be can be.")
    legs: list[list[list[float]]]
    ways: WaysShown


class VisitRequest(Sent):
    """A visit that begins or ends. Sent twice, it happens once: a rep has one a day with a customer."""

    customer_id: Key
    day: date
    status: Literal["started", "finished"]
    at: Seconds = Field(description="When, by the phone's clock: it may have had no line then.")
    rep_id: Key | None = Field(None, description="Whose visit; a rep's own by default.")
    outcome: Outcome | None = Field(None, description="Of a finished visit.")
    minutes: Minutes | None = Field(None, description="How long it took; by default from the start to the end.")
    note: Text = ""

    @model_validator(mode="after")
    def _is_whole(self) -> VisitRequest:
        if (self.status == "finished") != (self.outcome is not None):
            raise ValueError("a finished visit has an outcome, and only that")
        return self


class VisitChange(Sent):
    """What is to be different in a visit; what is not given stays."""

    outcome: Outcome | None = None
    minutes: Minutes | None = None
    note: Text | None = None


class VisitShown(Shown):
    """A visit."""

    visit_id: str
    portfolio_id: str
    rep_id: str
    customer_id: str
    day: date
    status: Literal["started", "finished"]
    started_at: float | None
    finished_at: float | None
    outcome: Outcome | None
    minutes: float | None
    note: str
    revision: int
    created_by: str
    created_at: float


class CalendarShown(Shown):
    """A calendar that a phone subscribes to, without its secret."""

    calendar_id: str
    portfolio_id: str
    rep_id: str
    created_at: float


class NewCalendar(CalendarShown):
    """A new one with its address, which is shown once: who knows it reads the visits."""

    url: str
