"""What holds on every page: names stay text, a phone is wide enough, the keyboard leads everywhere."""

from __future__ import annotations

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.api.pages.conftest import PHONE, Site, Visit
from tests.api.services import town
from tests.worlds import portfolio_of

NASTY = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "{{ 7*7 }}${alert(3)}",
    "\"'><svg/onload=alert(4)>",
    "javascript:alert(5)",
]


@pytest.fixture(scope="module")
def places(site: Site) -> dict[str, str]:
    """A path of each kind of page, of a portfolio whose every text is hostile."""
    portfolio = town(seed=21)
    count = len(portfolio.customers)
    names = pd.Series([NASTY[i % len(NASTY)] for i in range(count)], index=portfolio.customers.index, dtype="str")
    called = {f"T{i + 1}": NASTY[i] for i in range(3)}
    customers = pd.DataFrame(portfolio.customers.drop(columns="geometry")).assign(
        x=portfolio.xy[:, 0], y=portfolio.xy[:, 1], name=names, territory=portfolio.customers["territory"].map(called)
    )
    reps = pd.DataFrame(portfolio.reps.drop(columns="geometry")).assign(
        x=portfolio.reps.geometry.x, y=portfolio.reps.geometry.y, territory=list(called.values()), name=NASTY[:3]
    )
    service = site.service
    path = service.bring(portfolio_of(customers, reps), name=NASTY[0])
    proposal = service.propose(path, tolerance=0.3, name=NASTY[1], comment=NASTY[2])
    service.post("manager", f"{proposal}/approve", match="*")
    service.post("manager", f"{proposal}/publish", {"effective_from": "2027-01-01", "comment": NASTY[3]}, match="*")
    second = service.propose(path, tolerance=0.1, name=NASTY[1])
    body = {"scenario_ids": [], "with_today": True, "tolerance": 0.3, "travel": "none", "effort": 0.05}
    comparison = service.post("manager", f"{path}/comparisons", body).headers["location"]
    change = [{"change": "rep_leaves", "rep_id": "R03"}]
    service.post("manager", f"{path}/scenarios", {"name": NASTY[4], "changes": change})
    service.run_jobs()
    short = [where.removeprefix("/v1") for where in (path, second, comparison)]
    return {
        "portfolio": short[0],
        "proposal": short[1],
        "comparison": short[2],
        "what-ifs": f"{short[0]}/scenarios",
        "data": f"{short[0]}/data",
        "days": f"{short[0]}/days",
    }


def opened(visit: Visit, places: dict[str, str], kind: str, **options: object) -> Page:
    """A page with what it shows on it."""
    who = "rep A" if kind.startswith("/my") else "admin"
    page = visit(who, places.get(kind, kind), **options)
    ready = {
        "portfolio": "#handover-table table",
        "proposal": "#move-table .scroll",
        "comparison": "#table table",
        "what-ifs": "#kept .tick",
        "days": "#tiles .tile",
        "/my/day": "#tiles .tile",
        "/my": "#customer-list .card",
        "data": "#rule-fields input",
        "/portfolios": "#list .card",
        "/password": "form",
    }
    expect(page.locator(ready.get(kind, "#table .scroll")).first).to_be_attached(timeout=30_000)
    return page


KINDS = [
    "portfolio",
    "proposal",
    "comparison",
    "what-ifs",
    "data",
    "/portfolios",
    "days",
    "/my/day",
    "/my",
    "/users",
    "/audit",
    "/backups",
    "/tokens",
    "/password",
]


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_are_shown_as_text_and_a_phone_is_wide_enough(visit: Visit, places: dict[str, str], kind: str):
    page = opened(visit, places, kind, **PHONE)

    assert page.locator("main img, main svg:not(#chart svg):not(.map svg)").count() == 0
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 375
    if kind in ("portfolio", "/portfolios"):
        expect(page.locator("h1, h2", has_text=NASTY[0]).first).to_be_visible()
    if kind == "proposal":
        expect(page.locator("h1")).to_have_text(NASTY[1])


@pytest.mark.parametrize("kind", ["portfolio", "proposal", "days", "/my/day", "/my", "/users", "/backups"])
def test_a_page_speaks_chinese_when_told_to(visit: Visit, places: dict[str, str], kind: str):
    page = opened(visit, places, kind)

    page.get_by_role("button", name="中文").click()

    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#sign-out")).to_have_text("退出")


REFUSED = """async (detail) => {
    const [style] = document.querySelectorAll("link[rel=stylesheet]");
    const { problemOf } = await import(style.href.replace("app.css", "base.js"));
    return problemOf({ status: 409, problem: { detail } }).map((part) => part.textContent).join("");
}"""


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("There is nothing to undo.", "没有可撤销的步骤。"),
        (
            "You have changed version 2; it is at 3 now. Look at both, then send yours again.",
            "您的修改未执行。如页面未显示对方的修改，请重新加载，然后再操作一次。",
        ),
        ("It is approved; reopen it to change it.", "当前状态为“已批准”；请先重新打开再修改。"),
        ("The login 'a.b (c)' is taken.", "用户名“a.b (c)”已被使用。"),
        ("Nobody has said this yet.", "Nobody has said this yet."),
    ],
)
def test_a_refusal_is_told_in_chinese_with_what_it_names(visit: Visit, places: dict[str, str], detail: str, told: str):
    page = opened(visit, places, "/my")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")

    assert page.evaluate(REFUSED, detail) == f"当前状态下无法执行。 {told}"


TOLD = """async (problem) => {
    const [style] = document.querySelectorAll("link[rel=stylesheet]");
    const { problemOf } = await import(style.href.replace("app.css", "base.js"));
    return problemOf({ status: 422, problem }).map((part) => part.textContent).join("");
}"""


@pytest.mark.parametrize(
    ("where", "what", "fix", "english", "chinese"),
    [
        (
            "customer '00016'",
            "it is locked to T1 and cannot move to T3.",
            "Leave it, or unlock it in the same call: unlock=['00016'].",
            "Customer 00016 is locked to T1. Choose it and unlock it first, then give it to T3.",
            "客户 00016 已锁定在 T1。请先选中并解锁该客户，再移交给 T3。",
        ),
        (
            "body, 'changes', item 2, 'rep_joins', 'lat'",
            "Input should be less than or equal to 90.",
            "Send what /openapi.json allows here.",
            "Change 2 holds a value that cannot be. Take it out and add it with another.",
            "第 2 项变化含有无效的数值。请移除该项，改用其他数值重新添加。",
        ),
        (
            "change 1 (rep_joins), rep 'R01'",
            "The id is missing or taken.",
            "Give the rep another id.",
            "Change 1: there is a rep R01 already. Take the change out and add it with another id.",
            "第 1 项变化：编号 R01 已有代表使用。请移除该项，换一个编号重新添加。",
        ),
    ],
)
def test_a_fault_is_told_in_words_of_the_page_and_not_of_the_interface(
    visit: Visit, places: dict[str, str], where: str, what: str, fix: str, english: str, chinese: str
):
    problem = {"problems": [{"where": where, "what": what, "fix": fix}]}

    told = [opened(visit, places, "/my", locale=language).evaluate(TOLD, problem) for language in ("en-GB", "zh-CN")]

    assert told == [f"This cannot be done as it was asked for. {english}", f"无法按此要求执行。 {chinese}"]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_can_be_used_has_a_name_for_those_who_do_not_see_it(visit: Visit, places: dict[str, str], kind: str):
    page = opened(visit, places, kind)

    nameless = page.evaluate("""() => [...document.querySelectorAll("button, a[href], input, select, textarea")]
        .filter((each) => each.checkVisibility() && !(each.textContent.trim() || each.getAttribute("aria-label")
            || each.labels?.length || each.querySelector("img[alt]")))
        .map((each) => each.outerHTML)""")

    assert nameless == []
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("() => location.hash") == "#main"
