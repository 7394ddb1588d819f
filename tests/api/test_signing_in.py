"""Passwords, sessions and tokens."""

from __future__ import annotations

import logging
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from pwdlib import PasswordHash

from api.auth import first_admin, passwords
from api.auth.signing_in import MOST_FAILURES, sign_in
from api.problems import ApiError
from api.store import Answer
from tests.api.databases import Databases
from tests.api.services import Running, serve

PASSWORD = "a sentence to keep in mind"


def newcomer(service: Running, login: str) -> tuple[str, str]:
    """A new planner, and the one-time password."""
    body = {"login": login, "name": login, "role": "planner", "regions": ["east"]}
    made = service.post("admin", "/v1/users", body)
    assert made.status_code == 201, made.text
    return made.json()["user"]["user_id"], made.json()["one_time_password"]


def signed_in(service: Running, login: str, password: str):
    service.client.cookies.clear()
    return service.post(None, "/v1/session", {"login": login, "password": password})


@pytest.fixture(autouse=True)
def no_cookies(service: Running):
    yield
    service.client.cookies.clear()


def test_a_service_with_users_gets_no_second_first_admin(service: Running):
    assert first_admin(service.store) is None


def test_to_try_a_password_takes_64_megabytes_three_times_over(hashes_in_earnest: PasswordHash):
    password_hash = hashes_in_earnest.hash(PASSWORD)

    assert password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert hashes_in_earnest.verify(PASSWORD, password_hash)
    assert not hashes_in_earnest.verify(PASSWORD + "!", password_hash)


def test_a_one_time_password_opens_nothing_but_its_replacement(service: Running):
    _, once = newcomer(service, "anna")
    csrf = signed_in(service, "anna", once).json()["csrf"]

    closed = service.get(None, "/v1/portfolios")
    body = {"old": once, "new": PASSWORD}
    changed = service.ask(None, "PUT", "/v1/me/password", json=body, headers={"X-CSRF-Token": csrf})

    assert closed.status_code == 403
    assert changed.status_code == 204
    assert service.get(None, "/v1/portfolios").status_code == 401, "every session ends with the password"
    assert signed_in(service, "anna", once).status_code == 401
    assert signed_in(service, "anna", PASSWORD).status_code == 201
    assert service.get(None, "/v1/portfolios").status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(service: Running):
    _, once = newcomer(service, "bert")

    cookie = signed_in(service, "bert", once).headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_behind_https_a_browser_comes_by_no_other_way(databases: Databases):
    service = serve(databases.fresh("sqlite"), public_url="https://plans.example.com")

    with service.client:
        _, once = newcomer(service, "berta")
        answer = signed_in(service, "berta", once)
    service.store.close()

    assert "secure" in answer.headers["set-cookie"].lower()
    assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_a_page_of_another_site_cannot_make_the_browser_change_anything(service: Running):
    _, once = newcomer(service, "carl")
    csrf = signed_in(service, "carl", once).json()["csrf"]
    body = {"old": once, "new": PASSWORD}

    without = service.ask(None, "PUT", "/v1/me/password", json=body)
    guessed = service.ask(None, "PUT", "/v1/me/password", json=body, headers={"X-CSRF-Token": "guess"})
    headers = {"X-CSRF-Token": csrf, "Sec-Fetch-Site": "cross-site"}
    foreign = service.ask(None, "PUT", "/v1/me/password", json=body, headers=headers)

    assert [answer.status_code for answer in (without, guessed, foreign)] == [403, 403, 403]


def test_a_page_of_another_site_cannot_use_a_password_that_the_browser_has_kept(service: Running):
    kept = b64encode(f"x:{service.secrets['planner']}".encode()).decode()
    headers = {"Authorization": f"Basic {kept}"}
    foreign = {**headers, "Sec-Fetch-Site": "cross-site"}

    answers = [service.post(None, "/v1/tokens", {"name": "t"}, headers=each).status_code for each in (headers, foreign)]

    assert answers == [201, 403]


def test_a_token_that_is_made_with_a_token_ends_with_it(service: Running):
    first = service.post("manager", "/v1/tokens", {"name": "first", "days": 1}).json()
    service.secrets["program"] = first["secret"]

    second, third = (service.post("program", "/v1/tokens", {"name": "t", "days": days}).json() for days in (None, 30))

    assert second["expires_at"] == third["expires_at"] == first["expires_at"]


def test_who_sits_at_the_session_of_another_cannot_guess_the_password(
    service: Running, monkeypatch: pytest.MonkeyPatch
):
    _, once = newcomer(service, "paul")
    headers = {"X-CSRF-Token": signed_in(service, "paul", once).json()["csrf"]}
    wrong, right = ({"old": old, "new": PASSWORD} for old in ("guess", once))
    monkeypatch.setattr(passwords, "matches", lambda guess, _: guess == once)

    guesses = [service.ask(None, "PUT", "/v1/me/password", json=wrong, headers=headers).status_code for _ in range(6)]

    assert guesses == [403] * 5 + [429]
    assert service.ask(None, "PUT", "/v1/me/password", json=right, headers=headers).status_code == 429


def test_who_is_shut_out_while_the_password_is_looked_at_is_out(service: Running, monkeypatch: pytest.MonkeyPatch):
    user_id, once = newcomer(service, "otto")

    def reset_meanwhile(*_: object) -> bool:
        service.post("admin", f"/v1/users/{user_id}/password")
        return True

    monkeypatch.setattr(passwords, "matches", reset_meanwhile)

    assert signed_in(service, "otto", once).status_code == 401


def test_after_too_many_failures_even_the_right_password_waits(service: Running):
    _, once = newcomer(service, "dora")

    failures = [signed_in(service, "dora", "wrong").status_code for _ in range(MOST_FAILURES["login and address"])]
    late = signed_in(service, "dora", once)

    assert set(failures) == {401}
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) > 0


def test_of_many_guesses_at_the_same_moment_no_more_are_tried(service: Running, monkeypatch: pytest.MonkeyPatch):
    newcomer(service, "dick")
    tried: list[str] = []
    monkeypatch.setattr(passwords, "matches", lambda guess, _: bool(tried.append(guess)))

    with ThreadPoolExecutor(12) as pool:
        body = {"login": "dick", "password": "guess"}
        answers = list(pool.map(lambda _: service.post(None, "/v1/session", body).status_code, range(24)))

    assert len(tried) == MOST_FAILURES["login and address"]
    assert sorted(answers) == [401] * len(tried) + [429] * (24 - len(tried))


def test_one_address_cannot_guess_at_everybody(service: Running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passwords, "matches", lambda *_: False)
    store, settings = service.store, service.settings

    def guess(login: str, address: str) -> bool:
        try:
            sign_in(store, settings, login, "guess", address)
        except ApiError as error:
            return error.status == 401
        return True

    from_one = [guess(f"somebody {number}", "192.0.2.7") for number in range(MOST_FAILURES["address"] + 3)]
    at_one = [guess("lonely", f"198.51.100.{number}") for number in range(MOST_FAILURES["login"] + 3)]

    assert sum(from_one) == MOST_FAILURES["address"]
    assert sum(at_one) == MOST_FAILURES["login"]


def test_a_signed_out_cookie_is_worth_nothing(service: Running):
    _, once = newcomer(service, "emil")
    csrf = signed_in(service, "emil", once).json()["csrf"]
    secret = service.client.cookies["territory_session"]

    service.ask(None, "DELETE", "/v1/session", headers={"X-CSRF-Token": csrf})
    service.client.cookies.set("territory_session", secret)

    assert service.get(None, "/v1/me").status_code == 401


def test_a_token_works_until_it_is_revoked(service: Running):
    made = service.post("planner", "/v1/tokens", {"name": "script", "days": 1}).json()
    service.secrets["script"] = made["secret"]

    before = service.get("script", "/v1/me")
    service.ask("script", "DELETE", f"/v1/tokens/{made['token_id']}")

    assert before.json()["name"] == "planner"
    assert service.get("script", "/v1/me").status_code == 401
    assert made["secret"] not in service.get("planner", "/v1/tokens").text


def test_a_secret_is_shown_once_and_kept_nowhere_even_under_a_key(service: Running):
    planner, admin = ({"Idempotency-Key": f"secret {number}"} for number in range(2))
    user = {"login": "karla", "name": "Karla", "role": "planner"}

    token = service.post("planner", "/v1/tokens", {"name": "once"}, headers=planner)
    newcomer = service.post("admin", "/v1/users", user, headers=admin)
    again = service.post("planner", "/v1/tokens", {"name": "once"}, headers=planner)

    with service.store.reading() as session:
        kept = b" ".join(answer.body for answer in session.scalars(sa.select(Answer)))
    assert token.json()["secret"].encode() not in kept
    assert newcomer.json()["one_time_password"].encode() not in kept
    assert (again.status_code, token.json()["token_id"] in again.json()["detail"]) == (409, True)
    names = [each["name"] for each in service.get("planner", "/v1/tokens").json()["items"]]
    assert names.count("once") == 1


def test_who_is_made_inactive_is_out_at_once(service: Running):
    user_id, once = newcomer(service, "fritz")
    signed_in(service, "fritz", once)
    cookie = service.client.cookies["territory_session"]

    service.client.cookies.clear()
    url = f"/v1/users/{user_id}"
    service.ask("admin", "PATCH", url, json={"is_active": False}, match=service.etag("admin", url))

    service.client.cookies.set("territory_session", cookie)
    assert service.get(None, "/v1/me").status_code == 401


def test_the_last_admin_stays_one(service: Running):
    me = service.get("admin", "/v1/me").json()["user_id"]

    answer = service.ask("admin", "PATCH", f"/v1/users/{me}", json={"role": "manager"}, match="*")

    assert answer.status_code == 409


def test_easy_passwords_are_refused_with_a_reason(service: Running):
    _, once = newcomer(service, "gustav")
    csrf = signed_in(service, "gustav", once).json()["csrf"]

    answers = [
        service.ask(None, "PUT", "/v1/me/password", json={"old": once, "new": new}, headers={"X-CSRF-Token": csrf})
        for new in ("short", "gustav gustav", "aaaaaaaaaaaaaa", once)
    ]

    assert [answer.status_code for answer in answers] == [422] * 4
    assert all(answer.json()["problems"] for answer in answers)


def test_secrets_are_in_no_log(service: Running, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        _, once = newcomer(service, "hans")
        signed_in(service, "hans", once)
        secret = service.client.cookies["territory_session"]
        service.get("planner", "/v1/me?token=in-the-query")

    logged = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name[:3] == "api")
    for hidden in (once, secret, "secret of planner", "in-the-query"):
        assert hidden not in logged


def test_whatever_an_admin_does_is_in_the_audit(service: Running):
    user_id, _ = newcomer(service, "ida")

    entry = service.get("admin", "/v1/audit?limit=1").json()["items"][0]

    assert (entry["action"], entry["object_id"]) == ("user.created", user_id)
    assert entry["user_id"] == service.get("admin", "/v1/me").json()["user_id"]
