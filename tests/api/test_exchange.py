"""HTTP as programs rely on it: versions, repetition, formats, limits, and errors of one shape."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from pydantic import BaseModel

from api.schemas import Shown
from api.schemas.examples import EXAMPLES
from tests.api.services import Running, town


@pytest.fixture(scope="module")
def portfolio(service: Running) -> str:
    return service.bring(town())


@pytest.fixture(scope="module")
def proposal(service: Running, portfolio: str) -> str:
    return service.propose(portfolio, tolerance=0.2)


def test_the_same_url_gives_json_csv_geojson_and_html(service: Running, portfolio: str):
    url = f"{portfolio}/customers"
    kinds = {"application/json": "json", "text/csv": "csv", "application/geo+json": "geojson", "text/html": "html"}

    by_accept = {kind: service.get("manager", url, headers={"Accept": kind}) for kind in kinds}
    by_name = {kind: service.get("manager", f"{url}?f={name}") for kind, name in kinds.items()}

    for kind in kinds:
        assert by_accept[kind].headers["content-type"].startswith(kind)
        assert by_name[kind].headers["content-type"].startswith(kind)
    rows = list(csv.DictReader(io.StringIO(by_accept["text/csv"].text)))
    assert {row["customer_id"] for row in rows} == {f["id"] for f in by_name["application/geo+json"].json()["features"]}
    assert service.get("manager", url, headers={"Accept": "image/png"}).status_code == 406


@pytest.mark.parametrize(
    "path", ["/v1/portfolios", "{portfolio}/proposals", "{portfolio}/alignments", "/v1/jobs", "/v1/users", "/v1/audit"]
)
def test_a_list_of_things_is_a_table_too_by_accept_and_by_name(
    service: Running, portfolio: str, proposal: str, path: str
):
    url = path.format(portfolio=portfolio)
    kinds = {"application/json": "json", "text/csv": "csv", "text/html": "html"}

    answers = {
        name: (service.get("admin", url, headers={"Accept": kind}), service.get("admin", url, params={"f": name}))
        for kind, name in kinds.items()
    }

    items = answers["json"][0].json()["items"]
    rows = list(csv.DictReader(io.StringIO(answers["csv"][0].text)))
    assert all(items)
    assert [list(row) for row in rows] == [list(item) for item in items]
    assert all(one.headers["content-type"] == other.headers["content-type"] for one, other in answers.values())
    assert answers["html"][0].text.count("<tr>") == len(items) + 1
    assert service.get("admin", url, params={"f": "gpkg"}).status_code == 406


def test_the_pages_of_a_list_follow_each_other_in_every_form(service: Running, portfolio: str, proposal: str):
    first = service.get("admin", "/v1/audit?limit=1&f=csv")

    second = service.get("admin", first.links["next"]["url"])

    assert second.headers["content-type"].startswith("text/csv")
    assert len(second.text.splitlines()) == 2
    assert second.text != first.text


def test_a_page_that_the_browser_has_kept_stays_under_the_policy_it_came_with(service: Running, portfolio: str):
    first = service.get("manager", f"{portfolio}/map")

    again = service.get("manager", f"{portfolio}/map", headers={"If-None-Match": first.headers["etag"]})

    assert "content-security-policy" in first.headers
    assert (again.status_code, "content-security-policy" in again.headers) == (304, False)


def test_a_browsers_accept_header_gets_a_page_with_a_nonce(service: Running, portfolio: str):
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

    page = service.get("manager", f"{portfolio}/territories", headers={"Accept": accept})

    policy = page.headers["content-security-policy"]
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert f'nonce="{nonce}"' in page.text
    assert "unsafe" not in policy


def test_pages_of_a_list_hold_every_row_once(service: Running, portfolio: str):
    seen, url = [], f"{portfolio}/customers?limit=7"

    while url:
        page = service.get("manager", url).json()
        seen += [row["customer_id"] for row in page["items"]]
        url = page["next"]

    assert seen == sorted(set(seen))
    assert len(seen) == page["count"] == 24


def test_a_page_that_is_answered_at_once_is_the_page_that_is_always_answered(service: Running, portfolio: str):
    url = f"{portfolio}/customers"
    service.get("manager", url)  # it is in memory now

    quick, slow = (service.get("manager", f"{url}?limit=7&offset=3{more}") for more in ("", "&f=json"))
    unusual = [
        service.get(None, f"{url}?limit=7"),
        service.get("manager of the west", f"{url}?limit=7"),
        service.get("manager", f"{url}?limit=0"),
        service.get("manager", f"{url}?limit=7&offset=-1"),
        service.get("manager", f"{url}?limit=٧"),
    ]

    assert (quick.json()["items"], quick.json()["count"]) == (slow.json()["items"], slow.json()["count"])
    assert quick.headers["etag"] == slow.headers["etag"]
    assert (
        service.get("manager", quick.json()["next"]).json()["items"]
        == service.get("manager", f"{url}?limit=7&offset=10").json()["items"]
    )
    assert [answer.status_code for answer in unusual] == [401, 404, 422, 422, 422]
    assert service.get("rep A", f"{url}?limit=7").json()["count"] < quick.json()["count"]


def test_a_version_that_the_client_has_is_not_sent_again(service: Running, portfolio: str):
    for url in (portfolio, f"{portfolio}/customers", f"{portfolio}/territories?f=geojson"):
        first = service.get("manager", url)

        again = service.get("manager", url, headers={"If-None-Match": first.headers["etag"]})

        assert (again.status_code, again.content) == (304, b"")


def test_the_head_of_an_answer_is_given_without_it(service: Running, portfolio: str):
    for url in ("/healthz", "/signin", portfolio, f"{portfolio}/customers?f=csv"):
        whole = service.get("manager", url)

        head = service.ask("manager", "HEAD", url)

        assert (head.status_code, head.content) == (200, b"")
        names = ("content-type", "content-length", "etag")
        assert [head.headers.get(name) for name in names] == [whole.headers.get(name) for name in names]
    assert service.ask("manager", "HEAD", "/v1/users").status_code == 403


def test_an_edit_without_if_match_is_not_done(service: Running, proposal: str):
    answer = service.post("manager", f"{proposal}/adjust", {"move": {}})

    assert answer.status_code == 428


def test_an_edit_of_an_older_version_is_shown_both(service: Running, proposal: str):
    old = service.etag("manager", proposal)
    service.ask("manager", "PATCH", proposal, json={"name": "mine"}, match=old)

    late = service.ask("second manager", "PATCH", proposal, json={"name": "yours"}, match=old)

    assert late.status_code == 412
    assert late.json()["current"]["name"] == "mine"
    assert late.json()["sent"] == {"name": "yours"}
    assert late.json()["yours"] == int(old.strip('"').split(".")[0])
    assert late.headers["etag"] == service.etag("manager", proposal)


def test_a_post_with_a_key_happens_once(service: Running, portfolio: str):
    body = {"name": "keyed", "changes": [{"change": "rep_leaves", "rep_id": "R02"}]}
    url, headers = f"{portfolio}/scenarios", {"Idempotency-Key": "key-1"}

    first, second = (service.post("planner", url, body, headers=headers) for _ in range(2))

    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert second.headers["idempotency-replayed"] == "true"
    names = [each["name"] for each in service.get("planner", url).json()["items"]]
    assert names.count("keyed") == 1


def test_a_key_that_was_used_for_something_else_is_refused(service: Running, portfolio: str):
    url, headers = f"{portfolio}/scenarios", {"Idempotency-Key": "key-2"}
    change = [{"change": "rep_leaves", "rep_id": "R02"}]
    service.post("planner", url, {"name": "one", "changes": change}, headers=headers)

    other = service.post("planner", url, {"name": "other", "changes": change}, headers=headers)
    of_another = service.post("manager", url, {"name": "of another", "changes": change}, headers=headers)

    assert other.status_code == 409
    assert of_another.status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b'{"tolerance": NaN}',
        b'{"tolerance": 1e999}',
        b'{"name": "\\ud800"}',
        b'{"name": "\\u0000"}',
        b"[" * 5000 + b"]" * 5000,
        b'{"seed": 99999999999999999999999999}',
        b'{"tolerance": 0.1',
        b"\xff\xfe",
        b"null",
        b'"text"',
    ],
)
def test_what_is_no_json_or_no_value_is_told_and_nothing_breaks(service: Running, portfolio: str, body: bytes):
    headers = {"Content-Type": "application/json"}

    answer = service.ask("manager", "POST", f"{portfolio}/proposals", content=body, headers=headers)

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["problems"]


def test_every_fault_of_a_request_says_how_to_mend_it(service: Running, portfolio: str):
    url, body = f"{portfolio}/proposals", {"tolerance": "much", "unknown": 1}

    wrong = service.post("manager", url, body).json()["problems"]
    missing = service.post("manager", f"{portfolio}/scenarios", {}).json()["problems"]
    none = service.ask("manager", "POST", url, content=b"tolerance=1").json()["problems"]

    assert {each["where"].rsplit(", ")[-1] for each in wrong} >= {"'unknown'"}
    assert {each["fix"] for each in missing} == {"Add it."}
    assert all(each["fix"] for each in [*wrong, *missing, *none])


def test_every_error_has_one_shape(service: Running, portfolio: str, proposal: str):
    answers = [
        service.get(None, "/v1/me"),
        service.get("rep A", "/v1/users"),
        service.get("manager", "/v1/proposals/none"),
        service.get("manager", "/nowhere"),
        service.ask("manager", "PUT", portfolio),
        service.post("manager", f"{proposal}/adjust", {"move": {}}),
        service.post("manager", f"{proposal}/adjust", {"move": {"no such": "T1"}}, match="*"),
        service.post("manager", f"{proposal}/publish", {"effective_from": "soon"}, match="*"),
    ]

    assert [answer.status_code for answer in answers] == [401, 403, 404, 404, 405, 428, 404, 422]
    for answer in answers:
        told = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "problems", "request_id"} <= set(told)
        assert told["request_id"] == answer.headers["x-request-id"]


def test_what_was_sent_wrongly_is_not_repeated(service: Running):
    answer = service.post(None, "/v1/session", {"login": "x", "password": ["a secret"]})

    assert answer.status_code == 422
    assert "a secret" not in answer.text


def test_a_body_that_is_too_large_is_refused_before_it_is_read(service: Running, portfolio: str):
    declared = service.ask(
        "manager", "POST", f"{portfolio}/proposals", content=b" " * (service.settings.body_bytes + 1)
    )
    chunks = (b" " * 65536 for _ in range(service.settings.body_bytes // 65536 + 2))
    streamed = service.ask(
        "manager",
        "POST",
        f"{portfolio}/proposals",
        content=chunks,
        headers={"Content-Type": "application/json"},
    )

    assert (declared.status_code, streamed.status_code) == (413, 413)


def test_numbers_that_are_none_become_null(service: Running, portfolio: str):
    rows = service.get("manager", f"{portfolio}/territories").text

    assert json.loads(rows)["items"]
    assert "NaN" not in rows
    assert "Infinity" not in rows


def test_spreadsheets_get_no_formula(service: Running):
    given = town()
    names = ["=1+1", "+1", "-1", "@x", "\tx", *given.customers["name"][5:]]
    path = service.bring(type(given)(given.customers.assign(name=names), given.reps, given.rules, given.unplaced))

    rows = list(csv.DictReader(io.StringIO(service.get("manager", f"{path}/customers?f=csv").text)))

    assert not [row["name"] for row in rows if row["name"][:1] in "=+-@\t"]


def test_the_document_names_every_operation_with_a_summary_and_its_errors(service: Running):
    document = service.get(None, "/openapi.json").json()

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), (method, path)
            if path.startswith("/v1"):
                assert "application/problem+json" in operation["responses"]["404"]["content"], (method, path)


@pytest.mark.parametrize("model", EXAMPLES, ids=lambda model: model.__name__)
def test_an_example_is_what_its_schema_says(model: type[BaseModel]):
    example = EXAMPLES[model]

    told = model.model_validate(example)

    if issubclass(model, Shown):
        assert set(example) == set(model.model_fields)
    assert told.model_dump(mode="json").keys() >= example.keys()


def test_every_operation_comes_with_examples_of_what_is_sent_and_what_is_answered(service: Running):
    document = service.get(None, "/openapi.json").json()
    schemas = document["components"]["schemas"]

    def is_shown(holder: dict[str, Any]) -> bool:
        schema = holder.get("schema", {})
        options = [each["$ref"].rsplit("/", 1)[1] for each in (schema, *schema.get("anyOf", ())) if "$ref" in each]
        known = any("examples" in schemas[name] for name in options) or bool(
            {"examples", "enum", "default"} & set(schema)
        )
        return bool({"example", "examples"} & set(holder)) or known

    silent = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            bodies = list(operation.get("requestBody", {}).get("content", {}).values())
            answers = [
                answer["content"]["application/json"]
                for status, answer in operation["responses"].items()
                if status[0] == "2" and "application/json" in answer.get("content", {})
            ]
            needed = [*bodies, *answers, *operation.get("parameters", ())]
            silent += [(method, path, each.get("name", "")) for each in needed if not is_shown(each)]

    assert silent == []


def test_health_readiness_and_metrics_are_there(service: Running):
    service.get("manager", "/v1/me")

    assert service.get(None, "/healthz").status_code == service.get(None, "/readyz").status_code == 200
    assert "territory_jobs" in service.get(None, "/metrics").text
    assert "territory_request_seconds" in service.get(None, "/metrics").text


def test_the_events_of_a_job_end_with_its_end(service: Running, portfolio: str):
    job = service.post("manager", f"{portfolio}/proposals", {"travel": "none", "effort": 0.05}).json()["job"]
    service.run_jobs()

    events = service.get("manager", f"{job}/events")

    assert events.headers["content-type"].startswith("text/event-stream")
    assert events.text.startswith("event: end\ndata: {")
