"""Signing in by the company's provider: whom it vouches for is in, with the rights that the configuration gives."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from joserfc.jwk import RSAKey

from api.auth import company, passwords
from api.exchange.pace import Pace
from api.settings import Grant, Settings
from api.store import SignIn, User
from tests.api.databases import Databases
from tests.api.providers import CLIENT, SECRET, Provider
from tests.api.services import Running, serve

LOGIN, WEEK = "anna@example.com", 7 * 24 * 3600.0


@pytest.fixture(scope="module")
def shared() -> Iterator[Provider]:
    with Provider() as running:
        yield running


@pytest.fixture(scope="module")
def house(database: str, shared: Provider) -> Iterator[Running]:
    service = serve(
        database,
        oidc_issuer=shared.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_name="Wholesale <Ltd>",
        oidc_roles_claim="realm_access.roles",
        oidc_roles={
            "heads": Grant(role="manager", regions=("east",)),
            "field": Grant(role="rep", regions=("east",)),
        },
    )
    with service.client:
        yield service
    service.store.close()


@pytest.fixture
def provider(house: Running, shared: Provider) -> Iterator[Provider]:
    """A provider that vouches for somebody new, and a browser that knows nobody."""
    house.client.cookies.clear()
    with house.store.writing() as session:
        session.execute(sa.delete(User).where((User.subject.is_not(None)) | (User.login == LOGIN)))
    shared.claims, shared.wrong = {}, {}
    own = shared.key
    yield shared
    shared.key, shared.known_keys, shared.is_silent = own, [own], False


def left(house: Running, to: str = "/portfolios") -> str:
    """Where the service sends the browser."""
    answer = house.client.get("/signin/company", params={"next": to}, follow_redirects=False)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def came_back(house: Running, brought: dict[str, str]) -> Any:
    return house.client.get(company.CALLBACK, params=brought, follow_redirects=False)


def signed_in(house: Running, provider: Provider, to: str = "/portfolios") -> Any:
    return came_back(house, provider.agree(left(house, to)))


def me(house: Running) -> dict[str, Any]:
    told: dict[str, Any] = house.get(None, "/v1/me").json()
    return told


def refusal(answer: Any) -> str:
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return query.get("refused", [""])[0]


def users(house: Running) -> list[User]:
    with house.store.reading() as session:
        return list(session.scalars(sa.select(User).where(User.subject.is_not(None))))


def test_whom_the_company_gives_a_role_is_in_with_the_rights_of_it(house: Running, provider: Provider):
    provider.claims = {"name": "Anna", "realm_access": {"roles": ["staff", "heads"]}}

    answer = signed_in(house, provider, to="/portfolios?x=1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/portfolios?x=1")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    told = me(house)
    assert (told["name"], told["role"], told["regions"]) == ("Anna", "manager", ["east"])
    noted = [entry["action"] for entry in house.get("admin", "/v1/audit?limit=2").json()["items"]]
    assert noted == ["user.changed", "user.created"]
    assert not told["must_change_password"]


def test_who_has_no_role_is_known_and_may_nothing(house: Running, provider: Provider):
    provider.claims = {"name": "Bert", "email": "bert@example.com", "email_verified": True}

    answer = signed_in(house, provider)

    (user,) = users(house)
    assert refusal(answer) == "company_no_rights"
    assert (user.login, user.role, user.regions, user.password_hash) == ("bert@example.com", "planner", [], None)
    assert house.get(None, "/v1/me").status_code == 401


def test_a_rep_is_the_one_that_the_company_says(house: Running, provider: Provider):
    provider.claims = {"realm_access": {"roles": ["field"]}}
    without = signed_in(house, provider)
    provider.claims["rep_id"] = "R02"

    signed_in(house, provider)

    assert refusal(without) == "company_no_rights"
    assert (me(house)["role"], me(house)["rep_id"]) == ("rep", "R02")


def test_a_role_taken_away_at_the_company_is_taken_away_at_the_next_sign_in(house: Running, provider: Provider):
    provider.claims = {"realm_access": {"roles": ["heads"]}}
    signed_in(house, provider)
    headers = {"X-CSRF-Token": me(house)["csrf"]}
    house.secrets["program"] = house.post(None, "/v1/tokens", {"name": "p"}, headers=headers).json()["secret"]
    elsewhere = house.client.cookies["territory_session"]
    house.client.cookies.clear()
    before = house.get("program", "/v1/me").status_code
    provider.claims = {"realm_access": {"roles": ["staff"]}}

    answer = signed_in(house, provider)

    (user,) = users(house)
    assert (refusal(answer), before) == ("company_no_rights", 200)
    assert (user.role, user.regions) == ("planner", [])
    assert house.get("program", "/v1/me").status_code == 401
    house.client.cookies.set("territory_session", elsewhere)
    assert house.get(None, "/v1/me").status_code == 401
    (noted,) = house.get("admin", "/v1/audit?limit=1").json()["items"]
    assert (noted["action"], noted["object_id"], noted["details"]["regions"]) == ("user.changed", user.id, [])


def test_the_word_of_the_company_counts_for_a_while_only(house: Running, provider: Provider):
    provider.claims = {"realm_access": {"roles": ["field"]}, "rep_id": "R02", "email": LOGIN, "email_verified": True}
    signed_in(house, provider)
    headers = {"X-CSRF-Token": me(house)["csrf"]}
    house.secrets["program"] = house.post(None, "/v1/tokens", {"name": "p"}, headers=headers).json()["secret"]
    told = {}

    for name, seconds in (("soon", 60.0), ("later", house.settings.oidc_session_seconds), ("much later", WEEK)):
        with house.store.writing() as session:
            session.execute(sa.update(User).where(User.login == LOGIN).values(vouched_at=time.time() - seconds))
        told[name] = (house.get(None, "/v1/me").status_code, house.get("program", "/v1/me").status_code)

    assert told == {"soon": (200, 200), "later": (401, 200), "much later": (401, 401)}


def test_the_door_asks_the_company_again_by_itself_until_somebody_signs_out(house: Running, provider: Provider):
    provider.claims = {"realm_access": {"roles": ["heads"]}}
    signed_in(house, provider)
    with house.store.writing() as session:
        session.execute(sa.update(User).where(User.subject.is_not(None)).values(vouched_at=0.0))

    led = house.client.get("/portfolios?x=1", follow_redirects=False).headers["location"]
    door = house.client.get(led, follow_redirects=False)
    again = came_back(house, provider.agree(left(house, "/portfolios?x=1")))
    headers = {"X-CSRF-Token": me(house)["csrf"]}
    house.ask(None, "DELETE", "/v1/session", headers=headers)

    assert door.headers["location"] == "/signin/company?next=%2Fportfolios%3Fx%3D1"
    assert again.headers["location"] == "/portfolios?x=1"
    assert house.client.get("/signin", follow_redirects=False).status_code == 200


def test_a_password_does_not_stand_in_for_the_word_of_the_company(house: Running, provider: Provider):
    provider.claims = {"realm_access": {"roles": ["heads"]}, "email": LOGIN, "email_verified": True}
    signed_in(house, provider)
    body = {"login": LOGIN, "password": "x" * 12}
    statuses = []

    for seconds in (60.0, house.settings.oidc_session_seconds):
        values = {"password_hash": passwords.hashed("x" * 12), "vouched_at": time.time() - seconds}
        with house.store.writing() as session:
            session.execute(sa.update(User).where(User.login == LOGIN).values(**values))
        house.client.cookies.clear()
        statuses.append(house.post(None, "/v1/session", body).status_code)

    assert statuses == [201, 401]


def test_a_rep_who_is_nobody_any_more_at_the_company_is_nobody_here(house: Running, provider: Provider):
    provider.claims = {"realm_access": {"roles": ["field"]}, "rep_id": "R02"}
    signed_in(house, provider)
    del provider.claims["rep_id"]

    answer = signed_in(house, provider)

    (user,) = users(house)
    assert (refusal(answer), user.rep_id) == ("company_no_rights", None)


def test_rights_that_an_admin_has_given_stay_whatever_the_company_has_taken(house: Running, provider: Provider):
    provider.claims = {"realm_access": {"roles": ["heads"]}}
    signed_in(house, provider)
    (user,) = users(house)
    house.client.cookies.clear()
    by_hand = house.ask("admin", "PATCH", f"/v1/users/{user.id}", json={"regions": ["west"]}, match="*")
    provider.claims = {}

    answer = signed_in(house, provider)

    assert (by_hand.status_code, refusal(answer)) == (200, "")
    assert (me(house)["role"], me(house)["regions"]) == ("manager", ["west"])


def test_somebody_known_by_his_address_keeps_his_rights_and_loses_his_one_time_password(
    house: Running, provider: Provider
):
    body = {"login": LOGIN, "name": "Anna", "role": "planner", "regions": ["west"]}
    once = house.post("admin", "/v1/users", body).json()["one_time_password"]
    provider.claims = {"email": LOGIN.upper(), "email_verified": True}

    signed_in(house, provider)

    told = me(house)
    assert (told["login"], told["role"], told["regions"]) == (LOGIN, "planner", ["west"])
    assert house.post(None, "/v1/session", {"login": LOGIN, "password": once}).status_code == 401


@pytest.mark.parametrize("is_verified", [False, None, "true"])
def test_an_address_that_is_not_verified_opens_nobodys_account(house: Running, provider: Provider, is_verified: object):
    house.post("admin", "/v1/users", {"login": LOGIN, "name": "Anna", "role": "planner", "regions": ["west"]})
    provider.claims = {"email": LOGIN, "email_verified": is_verified}

    answer = signed_in(house, provider)

    assert refusal(answer) == "company_no_rights"
    assert [user.login == LOGIN for user in users(house)] == [False]


def test_an_address_given_to_another_person_opens_nothing_of_the_first(house: Running, provider: Provider):
    house.post("admin", "/v1/users", {"login": LOGIN, "name": "Anna", "role": "planner", "regions": ["west"]})
    provider.claims = {"email": LOGIN, "email_verified": True}
    signed_in(house, provider)
    house.client.cookies.clear()
    provider.claims["sub"] = "43"

    answer = signed_in(house, provider)

    assert refusal(answer) == "company_no_rights"
    assert len(users(house)) == 2


def test_who_was_shut_out_here_stays_out_whatever_the_company_says(house: Running, provider: Provider):
    provider.claims = {"realm_access": {"roles": ["heads"]}}
    signed_in(house, provider)
    with house.store.writing() as session:
        session.execute(sa.update(User).where(User.subject.is_not(None)).values(is_active=False))
    house.client.cookies.clear()

    answer = signed_in(house, provider)

    assert refusal(answer) == "company_no_rights"
    assert house.get(None, "/v1/me").status_code == 401


FALSE = {
    "another nonce": {"nonce": "guessed"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://elsewhere.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "another program"},
    "several audiences without the party it is for": {"aud": [CLIENT, "another program"], "azp": "another program"},
    "expired": {"exp": int(time.time()) - 3600},
    "never expires": {"exp": None},
    "not valid yet": {"nbf": int(time.time()) + 3600},
    "nobody": {"sub": None},
    "another access token": {"at_hash": "AAAA"},
}


@pytest.mark.parametrize("wrong", FALSE)
def test_what_is_not_said_of_this_sign_in_opens_nothing(house: Running, provider: Provider, wrong: str):
    provider.claims, provider.wrong = {"realm_access": {"roles": ["heads"]}}, FALSE[wrong]

    answer = signed_in(house, provider)

    assert refusal(answer) == "company_refused"
    assert users(house) == []
    assert house.get(None, "/v1/me").status_code == 401


def test_a_key_that_is_not_the_providers_opens_nothing(house: Running, provider: Provider):
    provider.key = RSAKey.generate_key(2048, {"kid": "one"})

    answer = signed_in(house, provider)

    assert refusal(answer) == "company_refused"


def test_a_new_key_of_the_provider_is_learnt(house: Running, provider: Provider, monkeypatch: pytest.MonkeyPatch):
    provider.claims = {"realm_access": {"roles": ["heads"]}}
    provider.key = RSAKey.generate_key(2048, {"kid": "two"})
    provider.known_keys.append(provider.key)
    monkeypatch.setattr(company, "_KEYS_ASKED_AGAIN_SECONDS", 0.0)

    answer = signed_in(house, provider)

    assert refusal(answer) == ""


def test_an_answer_can_be_used_once(house: Running, provider: Provider):
    provider.claims = {"realm_access": {"roles": ["heads"]}}
    brought = provider.agree(left(house))
    browser = dict(house.client.cookies)
    first = came_back(house, brought)
    house.client.cookies.clear()
    house.client.cookies.update(browser)

    again = came_back(house, brought)

    assert (refusal(first), refusal(again)) == ("", "company_refused")
    assert house.get(None, "/v1/me").status_code == 401


def test_an_answer_to_the_question_of_another_browser_opens_nothing(house: Running, provider: Provider):
    provider.claims = {"realm_access": {"roles": ["heads"]}}
    lured = provider.agree(left(house))
    house.client.cookies.clear()
    left(house)

    answer = came_back(house, lured)

    assert refusal(answer) == "company_refused"


def test_who_comes_back_too_late_begins_anew(house: Running, provider: Provider):
    brought = provider.agree(left(house))
    with house.store.writing() as session:
        session.execute(sa.update(SignIn).values(created_at=SignIn.created_at - company.STARTED_SECONDS))

    assert refusal(came_back(house, brought)) == "company_refused"


@pytest.mark.parametrize("brought", [{}, {"state": "x", "code": "y"}, {"error": "access_denied", "state": "x"}])
def test_an_answer_to_no_question_opens_nothing(house: Running, provider: Provider, brought: dict[str, str]):
    left(house)

    assert refusal(came_back(house, brought)) == "company_refused"


def test_one_machine_cannot_begin_without_end(house: Running, provider: Provider):
    house.app.state.company_pace = Pace(2, 60.0)

    statuses = [house.client.get("/signin/company", follow_redirects=False).status_code for _ in range(3)]

    house.app.state.company_pace = Pace(600, 60.0)
    assert statuses == [303, 303, 429]


def test_nobody_is_led_to_another_host(house: Running, provider: Provider):
    provider.claims = {"realm_access": {"roles": ["heads"]}}

    answer = signed_in(house, provider, to="https://elsewhere.example/x")

    assert answer.headers["location"] == "/"


def test_a_silent_provider_is_told_and_passwords_still_work(house: Running, provider: Provider):
    brought = provider.agree(left(house))
    provider.is_silent = True
    with house.store.writing() as session:
        session.execute(sa.update(User).where(User.login == "admin").values(password_hash=passwords.hashed("x" * 12)))

    answer = came_back(house, brought)

    assert refusal(answer) == "company_silent"
    assert house.post(None, "/v1/session", {"login": "admin", "password": "x" * 12}).status_code == 201


def test_the_door_offers_the_company_and_says_why_it_stays_shut(house: Running):
    door = house.client.get("/signin", params={"refused": "company_no_rights"}).text

    assert "Sign in with Wholesale &lt;Ltd&gt;" in door
    assert "nobody has given you any right" in door


def test_the_environment_says_what_a_role_gives(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERRITORY_OIDC_ROLES", '{"heads": {"role": "manager", "regions": ["east"]}}')

    assert Settings().oidc_roles == {"heads": Grant(role="manager", regions=("east",))}


def test_without_a_company_there_is_no_such_door(databases: Databases):
    service = serve(databases.fresh("sqlite"))

    with service.client:
        door, way = service.client.get("/signin"), service.client.get("/signin/company")
    service.store.close()

    assert "/signin/company" not in door.text
    assert way.status_code == 404
