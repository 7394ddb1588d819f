from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from territory.demo import demo_folder
from tests.bench.peers import PEERS
from tests.terminal import territory

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MOST_LINES = 165
IN_TOWN = ("proposals", "tradeoff", "size", "simulate", "adjust", "calls", "route", "reconcile")
"""Commands that are run on a small town, so that the tests stay short."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def commands(program: str) -> list[list[str]]:
    """The words after `program` on each line of the README's shell blocks that starts with it."""
    lines = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines()]
    return [words[len(program.split()) :] for words in lines if words[: len(program.split())] == program.split()]


@pytest.fixture
def at_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in that holds the demo's customers.csv, reps.csv and rules.toml."""
    for name in ("customers.csv", "reps.csv", "rules.toml"):
        (tmp_path / name).write_bytes((demo_folder() / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_shell_lines_do_what_they_say(at_the_demo):
    lines = [words for words in commands("territory") if words[0] not in IN_TOWN]

    codes = {words[0]: territory(*words).code for words in lines}

    assert codes == {"check": 1, "measure": 0, "realign": 0}
    out = at_the_demo / "2027-q2"
    named = set(re.findall(r"`([a-z]+\.(?:csv|html|json|geojson))`", README.read_text(encoding="utf-8")))
    assert named == {path.name for path in out.iterdir()}
    proposed = [held["properties"] for held in json.loads((out / "territories.geojson").read_bytes())["features"]]
    assert {held["pieces"] for held in proposed} == {1}
    assert max(held["capacity_use"] for held in proposed) <= 1


def test_the_planner_s_and_the_rep_s_lines_do_what_they_say_in_a_small_town(at_the_demo):
    street = [f"{n:05},{2.3 + n / 1000},48.85,100,{9 + n % 3},30,T{1 + n // 10}" for n in range(1, 50)]
    header = "customer_id,lon,lat,potential,visits_per_year,minutes_per_visit,territory"
    Path("customers.csv").write_text("\n".join([header, *street]) + "\n", encoding="utf-8")
    homes = [f"R{k:02},T{k},{2.295 + k / 100},48.85" for k in range(1, 6)]
    Path("reps.csv").write_text("\n".join(["rep_id,territory,lon,lat", *homes]) + "\n", encoding="utf-8")
    territory("realign", "customers.csv", "reps.csv", "--rules", "rules.toml", "--tolerance", "20%", "--out", "2027-q2")

    codes = {words[0]: territory(*words).code for words in commands("territory") if words[0] in IN_TOWN}

    assert codes == dict.fromkeys(IN_TOWN, 0)
    assert (at_the_demo / "plans" / "front.html").is_file()
    assert (at_the_demo / "2027-q2-b" / "proposal.html").is_file()
    assert list((at_the_demo / "today").rglob("*.ics"))
    assert list((at_the_demo / "calls").rglob("*.gpx"))


def test_the_python_lines_run_as_they_stand(at_the_demo):
    for block in blocks("python"):
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", block], capture_output=True, text=True, encoding="utf-8", check=False
        )

        assert run.returncode == 0, run.stderr
    assert (at_the_demo / "proposal.html").is_file()
    assert (at_the_demo / "2027-q2-accepted" / "customers.csv").is_file()


def test_the_figures_of_today_are_those_of_the_demo(at_the_demo):
    from territory.files import read_portfolio
    from territory.measures import max_deviation, measure

    today = measure(read_portfolio("customers.csv", "reps.csv", rules="rules.toml"))

    text, most = README.read_text(encoding="utf-8"), max_deviation(today)
    assert f"share of potential | +{most['potential']:.0%}".replace("%", " %") in text
    assert f"share of workload | +{most['workload']:.0%}".replace("%", " %") in text
    assert f"in several pieces | {(today['pieces'] > 1).sum()} of 24 |" in text
    assert f"than a year has hours | {(today['capacity_use'] > 1).sum()} of 24 |" in text


def test_the_comparison_has_measured_rows_for_us_and_for_every_peer():
    marked = re.search(r"<!-- benchmark:begin.*?-->(.*)<!-- benchmark:end -->", README.read_text("utf-8"), re.DOTALL)

    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in marked[1].splitlines() if "|" in line]

    seconds = {row[0]: row[1] for row in rows}
    assert float(seconds["**territory-planner**"]) > 0
    assert set(PEERS) <= set(seconds)
    assert {len(row) for row in rows} == {5, 6}  # the comparison, and ours by size


def test_two_commands_set_everything_up():
    modes = [words[0] for words in commands("sh .ci/setup")]

    assert modes == ["demo", "test"]


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text(encoding="utf-8"))

    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_front_page_is_a_page():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


# ---- what the set-up says when it cannot


def setup(folder: Path, *words: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    """Run the set-up of a project in `folder`, where nothing has been set up yet."""
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    command = ["/bin/sh", str(folder / ".ci" / "setup"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})


def test_the_set_up_explains_itself_when_asked_for_nothing(tmp_path):
    run = setup(tmp_path)

    assert run.returncode == 2
    assert "Usage: sh .ci/setup demo" in run.stderr


def test_without_python_the_set_up_says_what_to_install(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dirname").symlink_to(shutil.which("dirname"))

    run = setup(tmp_path, "demo", path=str(tmp_path / "bin"))

    assert run.returncode == 1
    assert "apt-get install python3" in run.stderr
