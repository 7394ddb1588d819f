"""A hundred hostile texts as ids and names of customers, on every page and in every export: they stay text.

Executing one would open a dialog, break a script or ask another host: `visit` fails for each of these.
"""

from __future__ import annotations

import csv
import io
import json
from itertools import product

import openpyxl
import pandas as pd
import pyogrio
import pytest
from playwright.sync_api import Page, expect

from territory.files.text import unescape
from tests.api.pages.conftest import Site, Visit
from tests.api.services import town
from tests.worlds import portfolio_of

BREAKOUTS = ["", '">', "'>", "</script>", "</style>", "</textarea>", "</title>", "-->", "]]>", "\\u003c/script>"]
PAYLOADS = [
    "<script>alert({n})</script>",
    "<img src=x onerror=alert({n})>",
    "<svg/onload=alert({n})>",
    "<iframe src=javascript:alert({n})>",
    "<link rel=stylesheet href=//evil.example/{n}.css>",
    "<body background=//evil.example/{n}.png onload=alert({n})>",
    "${{alert({n})}}{{{{alert({n})}}}}{{% alert({n}) %}}",
    "`);alert({n});//",
    '=HYPERLINK("//evil.example/{n}")',
    "javascript:alert({n})//\u202e\u2028x",
]
TEXTS = [f"{end}{payload.format(n=number)}" for number, (end, payload) in enumerate(product(BREAKOUTS, PAYLOADS))]
SHORT = "<img src=x onerror=alert(0)>"


@pytest.fixture(scope="module")
def places(site: Site) -> dict[str, str]:
    """A path of each kind of page about one portfolio in which whatever may be named is named like that."""
    quiet = town(len(TEXTS), seed=31)
    territory = quiet.customers["territory"].map({f"T{n + 1}": TEXTS[11 * n + 1] for n in range(3)})
    customers = pd.DataFrame(quiet.customers.drop(columns="geometry")).assign(
        x=quiet.xy[:, 0],
        y=quiet.xy[:, 1],
        name=TEXTS,
        territory=territory,
        segment=[TEXTS[n % 7] for n in range(len(TEXTS))],
        group=None,
    )
    customers.index = pd.Index([f"{text} " for text in TEXTS]).str.strip()
    reps = pd.DataFrame(quiet.reps.drop(columns="geometry")).assign(
        x=quiet.reps.geometry.x,
        y=quiet.reps.geometry.y,
        name=TEXTS[:3],
        territory=[TEXTS[11 * n + 1] for n in range(3)],
    )
    reps.index = pd.Index(TEXTS[3:6])
    service = site.service
    path = service.bring(portfolio_of(customers, reps), name=SHORT)
    proposal = service.propose(path, tolerance=0.3, name=SHORT, comment=SHORT)
    service.post("admin", f"{proposal}/approve", match="*")
    service.post("admin", f"{proposal}/publish", {"effective_from": "2027-01-01", "comment": SHORT}, match="*")
    second = service.propose(path, tolerance=0.1, name=SHORT)
    leave = {"change": "rep_leaves", "rep_id": TEXTS[5]}
    scenario = service.post("admin", f"{path}/scenarios", {"name": SHORT, "changes": [leave]}).json()["scenario_id"]
    body = {"scenario_ids": [scenario], "tolerance": 0.4, "travel": "none", "effort": 0.05}
    comparison = service.post("admin", f"{path}/comparisons", body).headers["location"]
    files = {
        "customers": (
            "<svg onload=alert(1)>.csv",
            b"customer_id,name,lon,lat,potential\n=1,<script>alert(2)</script>,5,45,1\n",
        )
    }
    service.ask("admin", "POST", f"{path}/updates", files=files)
    service.run_jobs()
    return {"portfolio": path, "proposal": second, "comparison": comparison}


def page_of(path: str) -> str:
    return path.removeprefix("/v1")


def search_for_everybody(page: Page) -> list[str]:
    """Choose each customer by search; the titles of the cards that open."""
    titles: list[str] = page.evaluate(
        """async (texts) => {
            const found = [];
            const query = document.getElementById("query");
            for (const text of texts) {
                query.value = text;
                query.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText" }));
                query.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
                query.form?.requestSubmit();
                await new Promise((resolve) => setTimeout(resolve, 0));
                found.push(document.querySelector("#card h2, #card h3")?.textContent);
            }
            return found;
        }""",
        TEXTS,
    )
    return titles


@pytest.mark.parametrize("kind", ["portfolio", "proposal"])
def test_every_customer_opens_as_text_on_the_pages_map_and_on_the_full_map(
    visit: Visit, places: dict[str, str], kind: str
):
    page = visit("admin", page_of(places[kind]))
    expect(page.locator("#territory-table tbody tr")).to_have_count(3, timeout=30_000)
    expect(page.locator("#handover-table table, #move-table .scroll table").first).to_be_attached(timeout=30_000)

    assert search_for_everybody(page) == TEXTS
    page.mouse.move(500, 500)
    page.goto(page.url.split("/p")[0] + f"{places[kind]}/map")
    expect(page.locator("#query")).to_be_visible()
    titles = search_for_everybody(page)

    assert set(titles) <= {*TEXTS, None, *(TEXTS[11 * n + 1] for n in range(3))}
    assert len({*titles}) > 90


@pytest.mark.parametrize(
    "where", ["{comparison}", "{portfolio}/scenarios", "{portfolio}/data", "/portfolios", "/audit", "/my"]
)
def test_the_other_pages_show_them_as_text(visit: Visit, places: dict[str, str], where: str):
    page = visit("admin" if where != "/my" else "rep A", page_of(where.format(**places)))

    ready = {"{comparison}": "#table tbody tr", "{portfolio}/scenarios": "#kept .tick", "/portfolios": "#list .card"}
    rows = {"{portfolio}/data": "#update-table tbody tr", "/audit": "#table tbody tr", "/my": "main"}
    expect(page.locator((ready | rows)[where]).first).to_be_visible(timeout=30_000)

    assert page.locator("main img, main script, main iframe:not([id]), main link").count() == 0
    if where == "{comparison}":
        page.locator("#twins").scroll_into_view_if_needed()
        expect(page.frame_locator("#right-map").locator("#figures")).to_be_visible(timeout=30_000)
        expect(page.locator("#table tbody th").last).to_have_text(SHORT)


def test_lists_as_pages_of_their_own_show_them_as_text(visit: Visit, places: dict[str, str]):
    page = visit("admin", f"{places['portfolio']}/customers?f=html&limit=100")

    assert page.locator("tbody tr").count() == len(TEXTS)
    assert page.locator("tbody img, tbody script, tbody svg, tbody iframe").count() == 0


def test_no_export_holds_a_formula_and_each_gives_the_names_back(site: Site, places: dict[str, str], tmp_path):
    get = site.service.get
    url = f"{places['portfolio']}/customers"

    lines = list(csv.DictReader(io.StringIO(get("admin", f"{url}?f=csv").content.decode())))
    sheet = openpyxl.load_workbook(io.BytesIO(get("admin", f"{url}?f=xlsx").content)).active
    (tmp_path / "x.gpkg").write_bytes(get("admin", f"{url}?f=gpkg").content)
    package = pyogrio.read_dataframe(tmp_path / "x.gpkg")
    features = json.loads(get("admin", f"{url}?f=geojson").content)["features"]

    assert not [line["name"] for line in lines if line["name"][:1] in "=+-@\t\r"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "b"}
    named = sorted(TEXTS)
    assert sorted(unescape(line["name"]) for line in lines) == named
    assert sorted(str(row[1].value) for row in sheet.iter_rows(min_row=2)) == named
    assert sorted(package["name"]) == named
    assert sorted(feature["properties"]["name"] for feature in features) == named
