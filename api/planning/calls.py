"""Call plans: asking for weeks, looking at them, and which plan says whom a rep visits on a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.planning import visits
from api.planning.callbooks import decode_calls
from api.planning.days import ready, rep_of, version_on
from api.planning.desk import Desk
from api.planning.listing import Listing
from api.planning.running import sees_job
from api.problems import ConflictError, ForbiddenError, UnknownError
from api.store import Job, StoredCalls, StoredPortfolio, blob, new_id, now
from territory.callplan import CallPlan
from territory.errors import Problem
from territory.model import Portfolio

PLANNED = "planned"
TABLES = ("visits", "days", "dropped", "stretched")
_MOST_PLANS = 200
_TOLD = ("coverage", "measures")


def start(
    desk: Desk,
    portfolio_id: str,
    *,
    first: date,
    weeks: int,
    rep_ids: Sequence[str] | None,
    holidays: Sequence[date],
    seed: int,
    effort: float,
) -> StoredCalls:
    """Ask for weeks from `first` on; a job plans them, near to the plan that holds until now.

    Raises
    ------
    ForbiddenError
        A rep plans for somebody else.
    UnknownError
        There is no such rep.
    """
    stored = ready(desk, portfolio_id)
    if desk.who.is_rep and rep_ids is not None and list(rep_ids) != [desk.who.rep_id]:
        raise ForbiddenError("You plan your own weeks.")
    asked = [str(desk.who.rep_id)] if desk.who.is_rep else rep_ids
    version = version_on(desk, stored, first)
    known = list(desk.content(version.snapshot).reps.index)
    reps = known if asked is None else list(dict.fromkeys(asked))
    unknown = [name for name in reps if name not in known]
    if unknown:
        problems = [Problem(f"rep '{name}'", "There is none in the alignment of that day.", "") for name in unknown]
        raise UnknownError("There is no such rep.", problems=problems)
    calls = StoredCalls(
        id=new_id("calls"),
        portfolio_id=stored.id,
        snapshot=version.snapshot,
        number=version.number,
        start=first.isoformat(),
        finish=(first + timedelta(weeks=weeks)).isoformat(),
        rep_ids=reps,
        parameters={
            "weeks": weeks,
            "holidays": [day.isoformat() for day in holidays],
            "seed": seed,
            "effort": effort,
        },
        previous_id=_plan_before(desk, stored, reps, first),
        facts={},
        created_by=desk.who.user_id,
        created_at=now(),
    )
    desk.write().add(calls)
    job = desk.start("calls", {"calls_id": calls.id}, resource=f"/v1/calls/{calls.id}", portfolio_id=stored.id)
    calls.job_id = job.id
    desk.record("calls.asked", calls.id, stored.id, start=calls.start, weeks=weeks, reps=len(reps))
    return calls


def listed(desk: Desk, portfolio_id: str) -> list[tuple[StoredCalls, Job | None]]:
    """The call plans of a portfolio, the latest first; a rep sees those in which he is."""
    stored = desk.portfolio(portfolio_id)
    query = sa.select(StoredCalls).where(StoredCalls.portfolio_id == stored.id).order_by(StoredCalls.id.desc())
    plans = desk.read().scalars(query.limit(_MOST_PLANS))
    return [(calls, _job(desk, calls)) for calls in plans if _sees(desk, calls)]


def one(desk: Desk, calls_id: str) -> tuple[StoredCalls, Job | None]:
    """A call plan that this user may see, and the job that makes it."""
    calls = desk.read().get(StoredCalls, calls_id)
    if calls is None or not _sees(desk, calls):
        raise UnknownError("There is no such call plan.")
    desk.portfolio(calls.portfolio_id)
    return calls, _job(desk, calls)


def opened(desk: Desk, calls: StoredCalls) -> CallPlan:
    """What is in a call plan; ConflictError until it is ready."""
    if calls.content is None:
        raise ConflictError("The call plan is not ready; see its status.")
    name = calls.content
    found: CallPlan = desk.shelf.derived(
        f"calls:{name}", lambda: decode_calls(name, lambda part: blob(desk.read(), part))
    )
    return found


def table(desk: Desk, calls_id: str, name: str) -> Listing:
    """A table of a call plan, one of `TABLES`; a rep sees his own rows."""
    calls, _ = one(desk, calls_id)
    found = getattr(opened(desk, calls), name)
    if desk.who.is_rep:
        found = found[found["rep_id"] == desk.who.rep_id]
    return Listing.of(_plain(found).rename_axis("row"), f"{str(calls.content)[:16]}.{name}.{desk.who.rep_id}")


def planned(desk: Desk, portfolio_id: str, *, rep_id: str | None, first: date | None, last: date | None) -> Listing:
    """Who is visited on which day as it holds now, and what became of it: ``planned``, ``started`` or ``finished``.

    Of several plans for a rep's day the latest counts. A visit that nobody had planned is not here; see `visits`.
    """
    stored = ready(desk, portfolio_id)
    rep = rep_of(desk, stored, rep_id) if desk.who.is_rep or rep_id is not None else None
    rows = visits_in_force(desk, stored, rep, first, last)
    span = (str(rows["day"].min()), str(rows["day"].max())) if len(rows) else ("", "")
    told = visits.of_days(desk, stored.id, rep, *span)
    found = [told.get(key) for key in zip(rows["rep_id"], rows["day"], rows["customer_id"], strict=True)]
    rows = _plain(rows).assign(
        status=pd.array([PLANNED if visit is None else visit.status for visit in found], dtype="str"),
        outcome=pd.array([None if visit is None else visit.outcome for visit in found], dtype="str"),
        visit_id=pd.array([None if visit is None else visit.id for visit in found], dtype="str"),
    )
    state = [sorted(set(rows["call_plan_id"])), rep, str(first), str(last)]
    state.append([(visit.id, visit.revision) for visit in found if visit is not None])
    return Listing.of(rows.rename_axis("row"), sha256(repr(state).encode()).hexdigest()[:24])


def visits_in_force(
    desk: Desk, stored: StoredPortfolio, rep_id: str | None, first: date | None, last: date | None
) -> pd.DataFrame:
    """Rows of ``CallPlan.visits`` with ``call_plan_id``: of one rep or all, each rep and day by its latest plan."""
    tables = []
    newer: list[StoredCalls] = []
    for calls in _ready_plans(desk, stored.id, first, last):
        rows = opened(desk, calls).visits
        keep = pd.Series(True, index=rows.index) if rep_id is None else rows["rep_id"] == rep_id
        if first is not None:
            keep &= rows["day"] >= first.isoformat()
        if last is not None:
            keep &= rows["day"] <= last.isoformat()
        for other in newer:
            keep &= ~(rows["rep_id"].isin(other.rep_ids) & (rows["day"] >= other.start) & (rows["day"] < other.finish))
        tables.append(rows[keep].assign(call_plan_id=calls.id))
        newer.append(calls)
    if not tables:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in ("rep_id", "day", "customer_id", "call_plan_id")})
    together = pd.concat(tables)
    return together.sort_values(["day", "rep_id", "stop"], kind="stable").reset_index(drop=True)


def in_force(desk: Desk, stored: StoredPortfolio, rep_id: str, day: date) -> StoredCalls | None:
    """The latest plan that says whom a rep visits on a day."""
    return next((calls for calls in _ready_plans(desk, stored.id, day, day) if rep_id in calls.rep_ids), None)


def facts(calls: CallPlan, notes: Sequence[Problem] = ()) -> dict[str, Any]:
    """What is said of a call plan without its visits."""
    return {
        "visits": len(calls.visits),
        "dropped": int(calls.dropped["visits"].sum()),
        "stretched": len(calls.stretched),
        "travel": calls.travel,
        "is_estimate": calls.is_estimate,
        **{name: Listing.of(getattr(calls, name), "").records() for name in _TOLD},
        "problems": [asdict(problem) for problem in (*calls.problems, *notes)],
    }


def before_weeks(
    session: Session, calls: StoredCalls, portfolio: Portfolio, previous: CallPlan | None
) -> tuple[Portfolio, CallPlan | None]:
    """The portfolio with the last visits that were told, and the earlier plan without those that were not made.

    A rep who tells of visits is taken at his word: what he had planned and does not tell of was not made. One who
    never does is taken to have kept to his plan.
    """
    made = visits.last_made(session, calls.portfolio_id, calls.start)
    if previous is not None:
        telling = visits.who_tells(session, calls.portfolio_id, previous.start.isoformat(), calls.start)
        rows = previous.visits
        previous = replace(previous, visits=rows[(rows["day"] >= calls.start) | ~rows["rep_id"].isin(telling)])
    return with_last_visits(portfolio, made), previous


def with_last_visits(portfolio: Portfolio, made: Mapping[str, str]) -> Portfolio:
    """The portfolio in which customers were last visited on these days, where they are later than what it says."""
    if not made:
        return portfolio
    told = portfolio.customers.index.to_series().map(dict(made)).astype("str")
    known = portfolio.customers["last_visit"].astype("str")
    is_later = told.notna() & (known.isna() | (told > known.fillna("").str[:10]))
    return replace(portfolio, customers=portfolio.customers.assign(last_visit=known.mask(is_later, told)))


def shown(desk: Desk, calls: StoredCalls, job: Job | None) -> tuple[dict[str, Any], str]:
    """A call plan as JSON, and its version; a rep sees what is said of himself."""
    state = "planning" if job is None or job.status in ("queued", "running", "done") else job.status
    content = {
        "call_plan_id": calls.id,
        "portfolio_id": calls.portfolio_id,
        "status": "ready" if calls.content is not None else state,
        "progress": 1.0 if calls.content is not None else 0.0 if job is None else job.progress,
        "stage": None if job is None or calls.content is not None else job.stage or job.status,
        "job": None if job is None or not sees_job(desk, job) else f"/v1/jobs/{job.id}",
        "problem": None if job is None else job.problem,
        "start": calls.start,
        "finish": calls.finish,
        "rep_ids": [desk.who.rep_id] if desk.who.is_rep else calls.rep_ids,
        "number": calls.number,
        "parameters": calls.parameters,
        "facts": _own_facts(calls.facts, str(desk.who.rep_id)) if desk.who.is_rep else calls.facts,
        "created_by": calls.created_by,
        "created_at": calls.created_at,
    }
    return content, f'"{content["status"]}.{content["progress"]:.3f}"'


def _own_facts(told: Mapping[str, Any], rep_id: str) -> dict[str, Any]:
    """What a rep may know of a plan for many: what is said of him."""
    if not told:
        return {}
    measures = [row for row in told["measures"] if row["rep_id"] == rep_id]
    problems = [each for each in told["problems"] if each["where"].startswith((f"rep '{rep_id}'", "alignment"))]
    return {
        "travel": told["travel"],
        "is_estimate": told["is_estimate"],
        "visits": sum(row["visits"] for row in measures),
        "measures": measures,
        "problems": problems,
    }


def _plan_before(desk: Desk, stored: StoredPortfolio, reps: Sequence[str], first: date) -> str | None:
    """The latest plan for the same reps that reaches the first day, or ends on it."""
    for calls in _ready_plans(desk, stored.id, first - timedelta(1), None):
        if calls.start <= first.isoformat() and set(reps) & set(calls.rep_ids):
            return calls.id
    return None


def _ready_plans(desk: Desk, portfolio_id: str, first: date | None, last: date | None) -> Iterator[StoredCalls]:
    """The plans that are ready and have a day between two, the latest first."""
    query = sa.select(StoredCalls).where(StoredCalls.portfolio_id == portfolio_id, StoredCalls.content.is_not(None))
    if first is not None:
        query = query.where(StoredCalls.finish > first.isoformat())
    if last is not None:
        query = query.where(StoredCalls.start <= last.isoformat())
    yield from desk.read().scalars(query.order_by(StoredCalls.id.desc()).limit(_MOST_PLANS)).all()


def _sees(desk: Desk, calls: StoredCalls) -> bool:
    return not desk.who.is_rep or desk.who.rep_id in calls.rep_ids


def _job(desk: Desk, calls: StoredCalls) -> Job | None:
    return None if calls.job_id is None else desk.read().get(Job, calls.job_id)


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Moments as 2027-03-03T08:30:00, which is how JSON has them."""
    moments = rows.select_dtypes("datetime").columns
    told = rows.assign(**{name: rows[name].dt.strftime("%Y-%m-%dT%H:%M:%S") for name in moments})
    return told.reset_index(drop=True)
