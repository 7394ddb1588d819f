"""What OpenAPI shows beside each schema: one town, one proposal, one rep's day, as they are sent and answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from api.schemas import challenges, field, jobs, parts, people, plans, portfolios, scenarios

_AT, _DAY, _LATER = 1_803_978_900.0, "2027-03-03", "2027-04-01"
_PORTFOLIO, _PROPOSAL = "portfolio_cemgc5txxkd6kgbypxb3ye", "proposal_cemgc93s27g71jrxt67sp7"
_ALIGNMENT, _CALLS = "alignment_cemgch9ycmdxsb4638qm11", "calls_cemgd1xw05sc2hsb7tzr0m"
_SCENARIO, _COMPARISON = "scenario_cemgd3hq7k1m8w1gpt9v5s", "comparison_cemgd4m2c9rbg3yxe6dz7n"
_JOB, _USER, _REP = "job_cemgc93s5s9ze0rvfzc55v", "user_cemg4rs79vjc345gnv6sw7", "user_cemg4ry1c2q8mwt6hk0d3z"
_SECRET = "9nRuRbS1lsLrJelM6bG0UDc-vOoNDtn5wfnBxvf2L7o"
_MADE = {"created_by": _USER, "created_at": _AT}
_PLANNED = {"progress": None, "job": None, "problem": None}
_PARAMETERS = {"tolerance": 0.05, "max_moved": 0.1, "seed": 7, "travel": "line", "effort": 1.0}
_CHANGES = [{"change": "rep_leaves", "rep_id": "R04"}]
_PERSON = {
    "user_id": _USER,
    "login": "li.wei",
    "name": "Li Wei",
    "role": "manager",
    "regions": ["east"],
    "rep_id": None,
    "must_change_password": False,
}
_WHO = {**_PERSON, "is_active": True, "has_company_rights": False, "revision": 3, "created_at": _AT}
_TOKEN = {"token_id": "token_cemg515wpqdw1r2pk85tvs", "name": "nightly export", "created_at": _AT, "expires_at": None}
_WEBHOOK = {
    "webhook_id": "webhook_cemgc5sybyym5zyet7xbb8",
    "url": "https://crm.example.com/territories",
    "events": ["alignment.published"],
    "status": "on",
    "waiting": 0,
    "last_answer": "204",
    "created_at": _AT,
}
_CALENDAR = {
    "calendar_id": "calendar_cemgd6tpz0k3s9fjw2b8qn",
    "portfolio_id": _PORTFOLIO,
    "rep_id": "R02",
    "created_at": _AT,
}
_FAULT = {
    "where": "customers.csv, row 5, column 'lat'",
    "what": "'north' is not a number from -90 to 90.",
    "fix": "Give degrees, as in 45.7640.",
}
_PLAN = {
    "proposal_id": _PROPOSAL,
    "portfolio_id": _PORTFOLIO,
    "name": "Second quarter",
    "status": "ready",
    "stage": None,
    **_PLANNED,
    "base_number": 1,
    "scenario_id": None,
    "parameters": _PARAMETERS,
    "summary": {"territories": 24, "customers": 2995, "max_deviation_potential": 0.0499, "moved_customers": 0.1},
    "comment": "",
    "alignment_id": None,
    "can_undo": 0,
    "can_redo": 0,
    "revision": 2,
    **_MADE,
}
_STOP = {
    "stop": 1,
    "customer_id": "0099",
    "name": "Wang's Pharmacy",
    "lon": 120.6241,
    "lat": 31.3122,
    "phone": "+8651265220000",
    "arrive": "2027-03-03T09:14:00",
    "wait_minutes": 0.0,
    "start": "2027-03-03T09:14:00",
    "leave": "2027-03-03T09:44:00",
    "minutes": 30.0,
    "drive_minutes": 14.0,
    "drive_km": 9.3,
    "must": False,
    "appointment": False,
    "links": {"geo": "geo:31.3122,120.6241"},
}
_LEFT_OUT = {
    "customer_id": "0042",
    "name": "Chen & Sons",
    "code": "no_time",
    "reason": "It would take 38 minutes more than the day has.",
    "instead_of": ["0099"],
    "overtime_minutes": 38.0,
}
_HOME = {"lon": 120.581, "lat": 31.298}
_WAYS = {
    "customers": ["0099"],
    "places": [_HOME, {"lon": 120.6241, "lat": 31.3122}, _HOME],
    "minutes": [[0.0, 14.0, 0.0], [14.0, 0.0, 14.0], [0.0, 14.0, 0.0]],
    "km": [[0.0, 9.3, 0.0], [9.3, 0.0, 9.3], [0.0, 9.3, 0.0]],
    "windows": [[[540.0, 1020.0]]],
    "shift": [540.0, 1080.0],
    "pause": [690.0, 780.0, 45.0],
    "max_drive": None,
}

EXAMPLES: Mapping[type[BaseModel], dict[str, Any]] = {
    parts.Refusal: {
        "type": "about:blank",
        "title": "A value cannot be as it is",
        "status": 422,
        "detail": "The file has faults.",
        "problems": [_FAULT],
        "request_id": "7a1519dc80ab07e1",
    },
    people.SignIn: {"login": "li.wei", "password": "a sentence to keep in mind"},
    people.PasswordChange: {"old": "jrmkt-3h2sh-8aaay-xwpc3", "new": "a sentence to keep in mind"},
    people.UserRequest: {"login": "li.wei", "name": "Li Wei", "role": "manager", "regions": ["east"]},
    people.UserChange: {"regions": ["east", "south"]},
    people.TokenRequest: {"name": "nightly export", "days": 90},
    people.WebhookRequest: {"url": "https://crm.example.com/territories", "events": ["alignment.published"]},
    people.UserShown: _WHO,
    people.MeShown: {**_PERSON, "csrf": "p5XEIzjUOcEe0z3LLFXGwmMCX1tiUBIrD8_H67MYfeY"},
    people.OneTimePassword: {"user": _WHO, "one_time_password": "jrmkt-3h2sh-8aaay-xwpc3"},
    people.TokenShown: _TOKEN,
    people.NewToken: {**_TOKEN, "secret": _SECRET},
    people.AuditShown: {
        "audit_id": "audit_cemgch9yd0a4vhm1tq7w5k",
        "at": _AT,
        "user_id": _USER,
        "action": "alignment.published",
        "object_id": _ALIGNMENT,
        "portfolio_id": _PORTFOLIO,
        "details": {"number": 2, "moved": 299},
        "request_id": "7a1519dc80ab07e1",
    },
    people.BackupShown: {
        "backup_id": "backup_cemgc93s5s9ze0rvfzc55v",
        "status": "ready",
        "progress": 1.0,
        "job": None,
        "problem": None,
        "bytes": 12_582_912,
        "made_at": _AT,
        "file": "/v1/backups/backup_cemgc93s5s9ze0rvfzc55v/file",
    },
    people.WebhookShown: _WEBHOOK,
    people.NewWebhook: {**_WEBHOOK, "secret": _SECRET},
    portfolios.PortfolioChange: {"name": "East, 2027"},
    portfolios.RulesChange: {"rules": {"tolerance": 0.1, "minutes_per_visit": {"A": 60}}},
    portfolios.TakeOver: {"update_id": "portfolio_cemgd8b1z5n0x4q7rw2k9j", "effective_from": _LATER},
    portfolios.LockChange: {"lock": ["0042"], "unlock": ["0099"]},
    portfolios.PortfolioShown: {
        "portfolio_id": _PORTFOLIO,
        "name": "East",
        "region": "east",
        "status": "ready",
        **_PLANNED,
        "number": 1,
        "facts": {"customers": 2995, "reps": 24, "unplaced": 5},
        "travels": ["line", "none"],
        "revision": 2,
        **_MADE,
    },
    portfolios.RulesShown: {"rules": {"tolerance": {"potential": 0.05, "workload": 0.05}}, "revision": 2},
    portfolios.LocksShown: {"locks": {"0042": "T3"}, "revision": 3},
    plans.ProposalRequest: {"tolerance": 0.05, "max_moved": 0.1, "seed": 7},
    plans.AdjustRequest: {"move": {"0099": "T3"}, "lock": ["0042"]},
    plans.Decision: {"decision": "refused"},
    plans.Step: {"comment": "The river is a border."},
    plans.PublishRequest: {"effective_from": _LATER, "comment": "As agreed in March."},
    plans.RevertRequest: {"number": 1, "effective_from": _LATER, "comment": "Back to the first quarter."},
    plans.Renaming: {"name": "Second quarter"},
    plans.ProposalShown: _PLAN,
    plans.AdjustedShown: {
        **_PLAN,
        "can_undo": 1,
        "territories": [{"territory": "T3", "potential": 1_204_300.0, "workload_minutes": 98_640.0, "customers": 124}],
    },
    plans.AlignmentShown: {
        "alignment_id": _ALIGNMENT,
        "portfolio_id": _PORTFOLIO,
        "number": 2,
        "hash": "cd3f78fcb0c414a23514a93dd581541805e97b4b79adb9ec4ef8396a94f958e2",
        "effective_from": _LATER,
        "comment": "As agreed in March.",
        "moved": 299,
        "proposal_id": _PROPOSAL,
        "published_by": _USER,
        "published_at": _AT,
    },
    scenarios.ScenarioRequest: {"name": "R04 leaves", "changes": _CHANGES},
    scenarios.ScenarioChange: {"name": "R04 leaves in May"},
    scenarios.ComparisonRequest: {"scenario_ids": [_SCENARIO], "tolerance": 0.1, "seed": 7},
    scenarios.FrontRequest: {"count": 20, "tolerance": 0.05, "seed": 7},
    scenarios.ScenarioShown: {
        "scenario_id": _SCENARIO,
        "portfolio_id": _PORTFOLIO,
        "name": "R04 leaves",
        "changes": _CHANGES,
        "revision": 1,
        **_MADE,
    },
    scenarios.ComparisonShown: {
        "comparison_id": _COMPARISON,
        "portfolio_id": _PORTFOLIO,
        "status": "ready",
        **_PLANNED,
        "progress": 1.0,
        "rows": [{"scenario": "R04 leaves", "proposal_id": _PROPOSAL, "moved_customers": 0.06}],
        "parameters": _PARAMETERS,
        **_MADE,
    },
    challenges.ChallengeRequest: {"customer_id": "0099", "note": "I know the owner."},
    challenges.ChallengeAnswer: {"status": "accepted", "answer": "You keep it."},
    challenges.ChallengeShown: {
        "challenge_id": "challenge_cemgda3f6t8y1c5k0m7q2w",
        "portfolio_id": _PORTFOLIO,
        "customer_id": "0099",
        "rep_id": "R02",
        "territory": "T2",
        "note": "I know the owner.",
        "price": 0.4,
        "status": "open",
        "answer": "",
        "revision": 1,
        "created_by": _REP,
        "created_at": _AT,
    },
    jobs.JobShown: {
        "job_id": _JOB,
        "kind": "propose",
        "status": "running",
        "stage": "balance",
        "progress": 0.42,
        "attempt": 1,
        "resource": f"/v1/proposals/{_PROPOSAL}",
        "problem": None,
        **_MADE,
        "started_at": _AT,
        "finished_at": None,
    },
    field.CallsRequest: {"start": "2027-03-01", "weeks": 4, "rep_ids": ["R02"]},
    field.CallsShown: {
        "call_plan_id": _CALLS,
        "portfolio_id": _PORTFOLIO,
        "status": "ready",
        "stage": None,
        **_PLANNED,
        "progress": 1.0,
        "start": "2027-03-01",
        "finish": "2027-03-29",
        "rep_ids": ["R02"],
        "number": 2,
        "parameters": {"weeks": 4, "seed": 0, "effort": 1.0},
        "facts": {"visits": 212, "dropped": 3},
        **_MADE,
    },
    field.ReplanRequest: {
        "day": _DAY,
        "time": "11:20",
        "position": {"lon": 120.62, "lat": 31.3},
        "done": ["0099"],
        "cancelled": ["0042"],
        "urgent": ["0107"],
    },
    field.RouteShown: {
        "portfolio_id": _PORTFOLIO,
        "rep_id": "R02",
        "rep_name": "Zhang Min",
        "day": _DAY,
        "source": "plan",
        "call_plan_id": _CALLS,
        "certificate": "proven best",
        "is_estimate": False,
        "travel": "line",
        "depart": "2027-03-03T09:00:00",
        "home": "2027-03-03T16:48:00",
        "pause": ["2027-03-03T12:00:00", "2027-03-03T12:45:00"],
        "drive_minutes": 96.0,
        "drive_km": 61.4,
        "begin": [120.581, 31.298],
        "end": [120.581, 31.298],
        "stops": [_STOP],
        "unvisited": [_LEFT_OUT],
        "reasons": [],
        "legs": [[[120.581, 31.298], [120.6241, 31.3122]]],
        "ways": _WAYS,
    },
    field.VisitRequest: {
        "customer_id": "0099",
        "day": _DAY,
        "status": "finished",
        "at": _AT,
        "outcome": "ordered",
        "minutes": 25,
        "note": "Wants the new catalogue.",
    },
    field.VisitChange: {"minutes": 30},
    field.VisitShown: {
        "visit_id": "visit_cemgdc7j2r4v9b1n6s0x8t",
        "portfolio_id": _PORTFOLIO,
        "rep_id": "R02",
        "customer_id": "0099",
        "day": _DAY,
        "status": "finished",
        "started_at": _AT - 1500,
        "finished_at": _AT,
        "outcome": "ordered",
        "minutes": 25.0,
        "note": "Wants the new catalogue.",
        "revision": 2,
        "created_by": _REP,
        "created_at": _AT,
    },
    field.CalendarShown: _CALENDAR,
    field.NewCalendar: {**_CALENDAR, "url": f"https://plans.example.com/v1/calendars/{_SECRET}.ics"},
}
"""schema -> what it looks like; a test keeps each of them true to its schema, and every operation with one."""

_POINT = {"type": "Point", "coordinates": [120.6241, 31.3122]}
_CUSTOMER = {
    "customer_id": "0099",
    "name": "Wang's Pharmacy",
    "lon": 120.6241,
    "lat": 31.3122,
    "territory": "T3",
    "potential": 18_400.0,
}
TABLE_EXAMPLE = {
    "items": [_CUSTOMER],
    "count": 2995,
    "next": f"/v1/portfolios/{_PORTFOLIO}/customers?offset=20&limit=20",
}
_OGC = f"https://plans.example.com/v1/ogc/{_PORTFOLIO}"
_FEATURE = {"type": "Feature", "id": "0099", "properties": {"territory": "T3"}, "geometry": _POINT}
_COLLECTION = {
    "id": "customers",
    "title": "Customers",
    "itemType": "feature",
    "links": [{"href": f"{_OGC}/collections/customers/items", "rel": "items", "type": "application/geo+json"}],
}
_LINKS = [{"href": f"{_OGC}/collections", "rel": "data", "type": "application/json"}]
_OF_OGC = "/v1/ogc/{portfolio_id}"
_SCENE = {"customers": {"lon": [120.6241], "lat": [31.3122], "territory": [2]}, "territories": ["T1", "T2", "T3"]}
ANSWERS: Mapping[str, Any] = {
    "/v1/portfolios/{portfolio_id}/customers/{customer_id}": _CUSTOMER,
    "/v1/portfolios/{portfolio_id}/scene": _SCENE,
    "/v1/proposals/{proposal_id}/scene": _SCENE,
    "/v1/proposals/{proposal_id}/steps": {
        "items": [{"number": 1, "made_by": _USER, "made_at": _AT, "action": "adjusted", "move": {"0099": "T3"}}],
        "count": 1,
        "next": None,
    },
    _OF_OGC: {"title": "East", "description": "Territories, customers, reps and routes.", "links": _LINKS},
    f"{_OF_OGC}/conformance": {"conformsTo": ["http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"]},
    f"{_OF_OGC}/api": {"openapi": "3.0.3", "info": {"title": "territory-planner", "version": "1"}, "paths": {}},
    f"{_OF_OGC}/collections": {"collections": [_COLLECTION], "links": _LINKS},
    _OF_OGC + "/collections/{collection}": _COLLECTION,
    _OF_OGC + "/collections/{collection}/items": {
        "type": "FeatureCollection",
        "numberMatched": 2995,
        "numberReturned": 1,
        "links": [],
        "features": [_FEATURE],
    },
    _OF_OGC + "/collections/{collection}/items/{feature_id}": _FEATURE,
    "/healthz": {"status": "ok"},
    "/readyz": {"status": "ok"},
}
"""path -> what a GET of it answers, where no schema of ours says it"""
FORMS: Mapping[str, Any] = {
    "/v1/portfolios": {"customers": "customers.csv", "reps": "reps.csv", "name": "East", "region": "east"},
    "/v1/portfolios/{portfolio_id}/updates": {"customers": "customers.csv", "reps": "reps.csv"},
}
"""path -> what a form that is sent there holds; of a file its name"""
PARAMETERS: Mapping[str, Any] = {
    "if-match": '"12"',
    "f": "csv",
    "limit": 100,
    "after": _PROPOSAL,
    "collection": "customers",
    "feature_id": "0099",
    "from": "2027-03-01",
    "until": "2027-03-31",
    "before": "1",
    "number": 2,
    "rep_id": "R02",
    "customer_id": "0099",
    "bbox": "120.5,31.2,120.8,31.4",
    "secret": _SECRET,
    "status": "finished",
}
"""name of a parameter -> what it may be; `after` of two alignments is a number or a proposal as well"""


def with_examples(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document with an example beside each schema, parameter and answer that has none of its own."""
    schemas = document["components"]["schemas"]
    for model, example in EXAMPLES.items():
        if model.__name__ in schemas:
            schemas[model.__name__]["examples"] = [example]
            if (page := schemas.get(f"Many_{model.__name__}_")) is not None:
                page["examples"] = [{"items": [example], "count": 1, "next": None}]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            _describe(path, operation)
    return document


def _describe(path: str, operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        if not {"example", "examples"} & (parameter.keys() | parameter["schema"].keys()):
            example = PARAMETERS.get(parameter["name"])
            if example is not None:
                parameter["example"] = example
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if kind == "multipart/form-data":
            content["example"] = FORMS[path]
    answer = operation["responses"].get("200", {}).get("content", {}).get("application/json")
    if answer is not None and path in ANSWERS:
        answer["example"] = ANSWERS[path]
