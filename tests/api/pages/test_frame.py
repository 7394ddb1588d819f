"""Pages over HTTP: who may open which, what the browser is allowed to load, and both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import api.pages
from api.language import LANGUAGES
from api.pages.frame import local_address
from api.pages.static import files, version
from api.pages.words import words
from tests.api.pages.conftest import PASSWORD, Site
from tests.api.services import EVERYBODY, town

PACKAGE = Path(api.pages.__file__).parent
SOURCES = [*PACKAGE.glob("static/*.js"), *PACKAGE.glob("templates/*.html")]


def get(site: Site, who: str | None, path: str, **headers: str):
    return site.service.get(who, path, headers=headers, follow_redirects=False)


def test_who_is_not_signed_in_is_led_to_the_door_and_then_to_where_he_wanted_to_go(site: Site):
    answer = get(site, None, "/portfolios?x=1")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/signin?next=%2Fportfolios%3Fx%3D1"


@pytest.mark.parametrize("asked", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:0", "/\nx"])
def test_after_signing_in_nobody_is_led_to_another_host(asked: str):
    assert local_address(asked, "/") == "/"


def test_everybody_begins_at_his_own_page(site: Site):
    begins = {who: get(site, who, "/").headers["location"] for who in EVERYBODY}

    assert {where for who, where in begins.items() if who.startswith("rep")} == {"/my/day"}
    assert {where for who, where in begins.items() if not who.startswith("rep")} == {"/portfolios"}


@pytest.mark.parametrize(
    ("who", "path"),
    [("rep A", "/portfolios"), ("manager", "/users"), ("planner", "/audit"), ("manager", "/my")],
)
def test_a_page_for_another_role_says_so(site: Site, who: str, path: str):
    answer = get(site, who, path)

    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")


def test_a_portfolio_of_another_region_is_not_there(site: Site):
    path = site.service.bring(town()).removeprefix("/v1")

    own, foreign, none = (
        get(site, who, where)
        for who, where in [("manager", path), ("manager of the west", path), ("manager", "/portfolios/<script>")]
    )

    assert (own.status_code, foreign.status_code, none.status_code) == (200, 404, 404)
    assert "<script>" not in none.text.split("<main")[1].split("</main>")[0]


def test_a_one_time_password_opens_only_the_page_that_replaces_it(site: Site):
    body = {"login": "new", "name": "New", "role": "planner", "regions": ["east"]}
    once = site.service.post("admin", "/v1/users", body).json()["one_time_password"]
    cookie = site.service.post(None, "/v1/session", {"login": "new", "password": once}).headers["set-cookie"]
    site.service.client.cookies.clear()

    answers = [get(site, None, path, Cookie=cookie.split(";")[0]) for path in ("/portfolios", "/password")]
    site.service.client.cookies.clear()

    assert (answers[0].status_code, answers[0].headers["location"]) == (303, "/password")
    assert answers[1].status_code == 200


def test_every_script_of_a_page_carries_the_nonce_of_its_policy_and_comes_from_here(site: Site):
    first, second = (get(site, None, "/signin") for _ in range(2))

    policy = first.headers["content-security-policy"]
    nonces = re.findall(r'<script[^>]* nonce="([^"]+)"', first.text)
    assert nonces
    assert all(f"'nonce-{nonce}'" in policy for nonce in nonces)
    assert "unsafe" not in policy
    assert nonces[0] not in second.text
    assert re.findall(r'(?:src|href)="(?!/|#)', first.text) == []


def test_a_page_holds_the_readers_token_and_nobody_keeps_it(site: Site):
    login = site.service.post(None, "/v1/session", {"login": "manager", "password": PASSWORD})
    cookie = login.headers["set-cookie"].split(";")[0]
    site.service.client.cookies.clear()

    answer = get(site, None, "/portfolios", Cookie=cookie)
    site.service.client.cookies.clear()

    told = json.loads(re.search(r'id="page">(.*?)</script>', answer.text, re.DOTALL)[1])
    assert told["me"]["csrf"] == login.json()["csrf"]
    assert answer.headers["cache-control"] == "no-store"


def test_files_are_kept_for_good_under_the_name_of_what_is_in_them(site: Site):
    fresh, other = (get(site, None, f"/static/{name}/base.js") for name in (version(), "old"))

    assert "immutable" in fresh.headers["cache-control"]
    assert other.headers["cache-control"] == "no-cache"
    assert get(site, None, f"/static/{version()}/none.js").status_code == 404
    assert get(site, None, f"/static/{version()}/..%2fwords.json").status_code == 404


def test_no_file_names_another_host_to_load_from():
    loading = re.compile(rb"""(?:src|import|url|fetch)\s*[=(]?\s*["'(]+(?:https?:)?//[^"')]+""")

    assert {name: loading.findall(content) for name, content in files().items() if loading.findall(content)} == {}


@pytest.mark.parametrize(("asked", "language"), [("zh-CN,zh;q=0.9", "zh-CN"), ("de,en", "en"), ("de", "en")])
def test_the_page_speaks_the_language_that_the_browser_asks_for(site: Site, asked: str, language: str):
    assert f'<html lang="{language}">' in get(site, None, "/signin", **{"Accept-Language": asked}).text


def test_what_the_reader_has_chosen_goes_before_what_the_browser_asks_for(site: Site):
    answer = get(site, None, "/signin", **{"Accept-Language": "en", "Cookie": "territory_language=zh"})
    site.service.client.cookies.clear()

    assert '<html lang="zh-CN">' in answer.text


def test_whatever_the_audit_notes_has_its_words():
    sources = [path.read_text("utf-8") for path in (PACKAGE.parent / "planning").glob("*.py")]
    sources += [
        path.read_text("utf-8") for folder in ("routers", "auth") for path in (PACKAGE.parent / folder).glob("*.py")
    ]

    noted = {action for text in sources for action in re.findall(r'"([a-z]+\.[a-z_]+)"', text)}

    assert len(noted) > 40
    said = {f"audit_of_{of}" for of, _ in (action.split(".") for action in noted)}
    said |= {f"audit_was_{was}" for _, was in (action.split(".") for action in noted)}
    assert said - words("zh").keys() == set()


def test_every_word_that_is_said_is_there_in_both_languages():
    said = {
        key
        for path in SOURCES
        for key in re.findall(r"""\bsay\(\s*["']([a-z_]+)["']\s*[,)]""", path.read_text("utf-8"))
    }

    for language in LANGUAGES:
        assert said - words(language).keys() == set()
        assert all(words(language).values())
    holes = {key: [set(re.findall(r"\{\w+\}", words(language)[key])) for language in LANGUAGES] for key in words("en")}
    assert {key for key, (one, other) in holes.items() if one != other} == set()
