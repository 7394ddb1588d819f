"""Who may what: a matrix made from OpenAPI, so that an operation cannot be forgotten."""

from __future__ import annotations

import re
from typing import Any

import pytest

from api.exchange.formats import MEDIA_TYPES
from api.routers.parts import router
from tests.api.services import EVERYBODY, Running, town

OPEN = {
    ("POST", "/v1/session"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/v1/calendars/{secret}.ics"),
}
"""Operations that nobody needs to be signed in for."""
SECRET_OF_A = "Belongs to A only"
PEOPLE = [None, *EVERYBODY]
VISIT = {"day": "2027-03-03", "status": "started", "at": 1_803_978_900.0}
NEW_FILES = {"customers": ("customers.csv", b"customer_id,lon,lat,potential,visits_per_year\n1,5,45,10,4\n")}


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def query_of(path: str, objects: dict[str, str]) -> str:
    """What a GET of this path must say after its question mark."""
    queries = {"difference": "?before=1&after=2", "route": "?day=2027-03-03", "nearby": "?day=2027-03-03"}
    queries["best-days"] = f"?customer_id={objects['customer_id']}&from=2027-03-01"
    return queries.get(path.rsplit("/", 1)[1], "")


@pytest.fixture(scope="module")
def objects(service: Running) -> dict[str, str]:
    """One object of each kind, all in the east; its path parameters."""
    east = service.bring(town(), who="manager")
    proposal = service.propose(east, tolerance=0.2)
    service.post("manager", f"{proposal}/approve", match="*")
    service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01"}, match="*")
    open_proposal = service.propose(east, tolerance=0.2)
    job = service.post("manager", f"{east}/proposals", {"travel": "none"}).json()["job"]
    change = [{"change": "rep_leaves", "rep_id": "R03"}]
    scenario = service.post("manager", f"{east}/scenarios", {"name": "x", "changes": change}).json()
    comparison = service.post("manager", f"{east}/comparisons", {"scenario_ids": [], "with_today": True}).json()
    handover = next(row for row in service.get("rep A", f"{east}/handovers").json()["items"] if row["from"] == "T1")
    challenge = service.post("rep A", f"{east}/challenges", {"customer_id": handover["customer_id"]}).json()
    version = service.get("manager", f"{east}/alignments").json()["items"][0]
    users = service.get("admin", "/v1/users").json()["items"]
    token = service.post("rep A", "/v1/tokens", {"name": SECRET_OF_A}).json()
    calls = service.post("manager", f"{east}/calls", {"start": "2027-03-01", "weeks": 1, "rep_ids": ["R01"]}).json()
    visit = service.post("rep A", f"{east}/visits", {**VISIT, "customer_id": handover["customer_id"]}).json()
    calendar = service.post("rep A", f"{east}/reps/R01/calendars").json()
    service.run_jobs()
    update = service.ask("manager", "POST", f"{east}/updates", files=NEW_FILES).json()["portfolio_id"]
    backup = service.post("admin", "/v1/backups").json()["backup_id"]
    service.run_jobs()
    return {
        "backup_id": backup,
        "update_id": update,
        "portfolio_id": east.rsplit("/", 1)[1],
        "proposal_id": open_proposal.rsplit("/", 1)[1],
        "job_id": job.rsplit("/", 1)[1],
        "scenario_id": scenario["scenario_id"],
        "comparison_id": comparison["comparison_id"],
        "challenge_id": challenge["challenge_id"],
        "alignment_id": version["alignment_id"],
        "customer_id": handover["customer_id"],
        "user_id": next(user["user_id"] for user in users if user["name"] == "rep B"),
        "token_id": token["token_id"],
        "rep_id": "R01",
        "calls_id": calls["call_plan_id"],
        "visit_id": visit["visit_id"],
        "calendar_id": calendar["calendar_id"],
        "table": "visits",
        "webhook_id": "webhook_none",
        "collection": "territories",
        "feature_id": "T1",
    }


def test_a_route_that_does_not_say_who_may_use_it_cannot_be_made():
    def anything() -> None: ...

    with pytest.raises(TypeError, match="nothing says who"):
        router("x").get("/x")(anything)


def test_openapi_says_who_may(service: Running):
    document = service.get(None, "/openapi.json").json()

    silent = {(method, path) for method, path, operation in operations(document) if "x-roles" not in operation}

    assert silent == OPEN


def test_nobody_signed_in_gets_nothing(service: Running, objects: dict[str, str]):
    document = service.get(None, "/openapi.json").json()

    statuses = {
        (method, path): service.ask(None, method, path.format(**objects)).status_code
        for method, path, _ in operations(document)
        if (method, path) not in OPEN
    }

    assert {operation for operation, status in statuses.items() if status != 401} == set()


def test_a_role_that_is_not_named_is_refused(service: Running, objects: dict[str, str]):
    document = service.get(None, "/openapi.json").json()
    wrong = []

    for method, path, operation in operations(document):
        for who, (role, _, _) in EVERYBODY.items():
            if (method, path) in OPEN or role in operation["x-roles"]:
                continue
            status = service.ask(who, method, path.format(**objects), json={}, match="*").status_code
            wrong += [] if status in (403, 422) else [(who, method, path, status)]

    assert wrong == []


def test_what_is_answered_is_what_openapi_says(service: Running, objects: dict[str, str]):
    document = service.get(None, "/openapi.json").json()
    schemas, asked, wrong = document["components"]["schemas"], 0, []

    for method, path, operation in operations(document):
        content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
        if method != "GET" or not name:
            continue
        answer = service.get("manager" if "manager" in operation["x-roles"] else "admin", path.format(**objects))
        told = answer.json().get("items", [answer.json()]) if answer.status_code == 200 else []
        said = schemas.get(name.removeprefix("Many_").removesuffix("_"), {}).get("properties", {}).keys()
        asked += len(told)
        wrong += [(path, name, set(each) ^ said) for each in told if said and set(each) != said]

    assert wrong == []
    assert asked > 20


def test_every_address_says_in_which_formats_it_answers_and_answers_in_each(service: Running, objects: dict[str, str]):
    document = service.get(None, "/openapi.json").json()
    single, offered, wrong = set(), {}, []

    for method, path, operation in operations(document):
        if method != "GET" or (method, path) in OPEN:
            continue
        who = "manager" if "manager" in operation["x-roles"] else "admin"
        url = path.format(**objects) + query_of(path, objects)
        join = "&" if "?" in url else "?"
        refused = [service.get(who, f"{url}{join}f=docx"), service.get(who, url, headers={"Accept": "image/png"})]
        wrong += [(path, answer.status_code) for answer in refused if answer.status_code != 406]
        offered[path] = refused[0].json()["detail"].removeprefix("This is offered as ").removesuffix(".").split(", ")
        for form in offered[path]:
            answer = service.get(who, f"{url}{join}f={form}")
            kind = answer.headers["content-type"].partition(";")[0]
            if (answer.status_code, kind) != (200, MEDIA_TYPES[form].partition(";")[0]):
                wrong.append((path, form, answer.status_code, kind))
        if path.endswith("_id}") and "/ogc/" not in path and "csv" in offered[path]:
            single.add(path.rsplit("/", 2)[1])

    assert wrong == []
    assert single >= {"portfolios", "proposals", "alignments", "scenarios", "comparisons", "challenges", "jobs"}
    assert single >= {"users", "visits", "calls", "customers", "updates"}
    assert (
        sorted(forms[0] for forms in offered.values() if len(forms) == 1)
        == ["backup", "events"] + ["html"] * 2 + ["json"] * 7
    )


def test_every_table_speaks_chinese_to_who_asks_for_it(service: Running, objects: dict[str, str]):
    document = service.get(None, "/openapi.json").json()
    headers, tables, silent = {"Accept-Language": "zh-CN,zh;q=0.9", "Accept": "text/html"}, 0, []

    for method, path, operation in operations(document):
        who = "manager" if "manager" in operation.get("x-roles", ()) else "admin"
        names = ("visits", "days", "dropped", "stretched") if "{table}" in path else ("visits",)
        for name in names if method == "GET" and (method, path) not in OPEN else ():
            url = path.format(**{**objects, "table": name}) + query_of(path, objects)
            answer = service.get(who, url, headers=headers)
            if answer.status_code == 406 or "<th " not in answer.text:
                continue
            tables += 1
            told = re.findall(r'<th scope="col" title="(.*?)">(.*?)</th>', answer.text)
            if told[0][0] == "field":
                told += [(field, field) for field in re.findall(r"<tr><td>([a-z_]+)</td>", answer.text)]
            silent += [(path, head) for head, said in told if said == head]
            assert '<html lang="zh-CN">' in answer.text
            assert " rows" not in answer.text

    assert silent == []
    assert tables > 40


def test_the_language_that_somebody_has_chosen_goes_before_what_his_browser_asks_for(
    service: Running, objects: dict[str, str]
):
    url = f"/v1/portfolios/{objects['portfolio_id']}/territories?f=html"
    chinese = {"Accept-Language": "en", "Cookie": "territory_language=zh"}

    english = service.get("manager", url, headers={"Accept-Language": "en"})
    again = service.get("manager", url, headers={**chinese, "If-None-Match": english.headers["etag"]})

    assert "<h1>Territories</h1>" in english.text
    assert (again.status_code, "<h1>区域</h1>" in again.text) == (200, True)


def test_a_single_thing_is_the_row_that_it_is_in_the_list_of_such_things(service: Running, objects: dict[str, str]):
    lists = {
        "/v1/portfolios": "portfolio_id",
        f"/v1/portfolios/{objects['portfolio_id']}/proposals": "proposal_id",
        "/v1/users": "user_id",
        f"/v1/portfolios/{objects['portfolio_id']}/customers": "customer_id",
    }

    for path, key in lists.items():
        base = path if key == "customer_id" else f"/v1/{path.rsplit('/', 1)[1]}"
        rows = service.get("admin", f"{path}?f=csv&limit=1000").text.splitlines()
        (head, row) = service.get("admin", f"{base}/{objects[key]}?f=csv").text.splitlines()

        assert head == rows[0]
        assert row in rows[1:]


def test_what_belongs_to_others_is_not_there(service: Running, objects: dict[str, str]):
    """The manager of the west, of every object of the east: 404, whatever he tries."""
    document = service.get(None, "/openapi.json").json()
    owned = ("portfolio_id", "proposal_id", "job_id", "scenario_id", "comparison_id", "challenge_id", "alignment_id")
    owned += ("calls_id", "visit_id", "calendar_id")
    bodies = {
        "adjust": {"move": {}},
        "publish": {"effective_from": "2027-01-01"},
        "revert": {"effective_from": "2027-01-01", "number": 1},
        "moves": {"decision": "accepted"},
        "scenarios": {"name": "y", "changes": [{"change": "rep_leaves", "rep_id": "R01"}]},
        "comparisons": {"scenario_ids": []},
        "challenges": {"customer_id": objects["customer_id"], "status": "accepted"},
        "calls": {"start": "2027-03-01"},
        "visits": {**VISIT, "customer_id": objects["customer_id"], "rep_id": "R01"},
        "replan": {"day": "2027-03-03", "time": "11:00"},
        "rules": {"rules": {"speed_kmh": 40}},
        "take-over": {"update_id": objects["update_id"], "effective_from": "2027-01-01"},
    }
    wrong = []

    for method, path, operation in operations(document):
        if not any(f"{{{name}}}" in path for name in owned) or "manager" not in operation["x-roles"]:
            continue
        body = next((body for word, body in bodies.items() if f"/{word}" in path), {})
        if path == "/v1/challenges/{challenge_id}":
            body = {"status": "accepted"}
        elif path.endswith("/challenges"):
            body = {"customer_id": objects["customer_id"]}
        elif path == "/v1/visits/{visit_id}":
            body = {}
        url = path.format(**objects) + query_of(path, objects)
        sent = {"files": NEW_FILES} if path.endswith("/updates") else {"json": body}
        answer = service.ask("manager of the west", method, url, match="*", **sent)
        wrong += [] if answer.status_code == 404 else [(method, path, answer.status_code, answer.text[:200])]

    assert wrong == []
    assert service.get("manager of the west", "/v1/portfolios").json()["count"] == 0
    assert service.get("manager of the west", "/v1/jobs").json()["items"] == []


def test_what_belongs_to_a_rep_is_not_there_for_another(service: Running, objects: dict[str, str]):
    """Rep B, of whatever is rep A's own: 404, whatever he tries."""
    document = service.get(None, "/openapi.json").json()
    bodies = {"visits": {**VISIT, "customer_id": objects["customer_id"], "rep_id": "R01"}}
    bodies["replan"] = {"day": "2027-03-03", "time": "11:00"}
    query = f"?day=2027-03-03&customer_id={objects['customer_id']}&from=2027-03-01"
    wrong = []

    for method, path, operation in operations(document):
        if not any(f"{{{name}}}" in path for name in ("rep_id", "calls_id", "visit_id", "calendar_id", "job_id")):
            continue
        body = bodies.get(path.rsplit("/", 1)[1], {})
        answer = service.ask("rep B", method, path.format(**objects) + query, json=body, match="*")
        wrong += [] if answer.status_code == 404 else [(method, path, answer.status_code, answer.text[:200])]
        assert "rep" in operation["x-roles"]

    assert wrong == []
    assert service.get("rep A", f"/v1/visits/{objects['visit_id']}").status_code == 200


@pytest.mark.parametrize(("who", "own"), [("rep A", "T1"), ("rep B", "T2")])
def test_a_rep_sees_his_own_territory_and_no_other(service: Running, objects: dict[str, str], who: str, own: str):
    base = f"/v1/portfolios/{objects['portfolio_id']}"

    customers = service.get(who, f"{base}/customers?limit=1000").json()["items"]
    territories = service.get(who, f"{base}/territories").json()["items"]
    reps = service.get(who, f"{base}/reps").json()["items"]
    handovers = service.get(who, f"{base}/handovers?limit=1000").json()["items"]
    alerts = service.get(who, f"{base}/alerts?limit=1000").json()["items"]

    today = service.get("manager", f"{base}/alignments").json()["items"][-1]["alignment_id"]
    held = service.get("manager", f"/v1/alignments/{today}/customers?limit=1000").json()["items"]
    before = {row["customer_id"] for row in held if row["territory"] == own}
    coming = {row["customer_id"] for row in customers if row["territory"] == own}
    assert {row["customer_id"] for row in customers} == before | coming
    assert {row["territory"] for row in territories} == {own}
    assert {row["rep_id"] for row in reps} == {EVERYBODY[who][2]}
    assert all(own in (row["from"], row["to"]) for row in handovers)
    assert {row["territory"] for row in alerts} <= {own}


def test_a_rep_in_csv_and_geojson_sees_no_more(service: Running, objects: dict[str, str]):
    base = f"/v1/portfolios/{objects['portfolio_id']}"
    seen = {row["customer_id"] for row in service.get("rep B", f"{base}/customers?limit=1000").json()["items"]}

    features = service.get("rep B", f"{base}/customers?f=geojson").json()["features"]
    lines = service.get("rep B", f"{base}/customers?f=csv").text.splitlines()[1:]

    assert {feature["id"] for feature in features} == seen
    assert {line.split(",")[0] for line in lines} == seen


def test_a_foreign_customer_is_not_there(service: Running, objects: dict[str, str]):
    base = f"/v1/portfolios/{objects['portfolio_id']}/customers"
    everybody = {row["customer_id"] for row in service.get("manager", f"{base}?limit=1000").json()["items"]}
    own = {row["customer_id"] for row in service.get("rep B", f"{base}?limit=1000").json()["items"]}

    statuses = {service.get("rep B", f"{base}/{name}").status_code for name in everybody - own}

    assert everybody - own
    assert statuses == {404}


def test_nobody_revokes_anothers_token(service: Running, objects: dict[str, str]):
    tokens = {who: service.get(who, "/v1/tokens").text for who in EVERYBODY}
    answers = {
        who: service.ask(who, "DELETE", f"/v1/tokens/{objects['token_id']}").status_code
        for who in EVERYBODY
        if who not in ("admin", "rep A")
    }

    assert [who for who, text in tokens.items() if SECRET_OF_A in text] == ["rep A"]
    assert set(answers.values()) == {404}
