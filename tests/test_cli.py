from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from territory.cli.serving import FolderServer
from tests.loopback import running
from tests.terminal import Run, territory

DATA = Path(__file__).parents[1] / "data"
DEMO = (DATA / "customers.csv", DATA / "reps.csv", "--rules", DATA / "rules.toml")
PLANNER = ("proposals", "tradeoff", "size", "simulate", "without-each-rep", "next-rep", "adjust")
COMMANDS = ("check", "measure", "align", "realign", "columns", "demo", *PLANNER)
READERS = ("check", "measure", "align", "realign", *PLANNER, "route", "calls")

HEADER = "customer_id,name,lon,lat,potential,visits_per_year,minutes_per_visit,territory"


def write_town(folder: Path, count: int = 12, territories: int = 1) -> Path:
    """customers.csv: equal customers on a street, the first territory twice as long as each other."""
    rows = [HEADER]
    for number in range(count):
        owner = max(1, 1 + (number * (territories + 1)) // count - 1)
        rows.append(f"{number:03},Shop {number},{2.3 + number / 1000},48.85,100,12,30,T{owner}")
    path = folder / "customers.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """One territory: its plan takes no search."""
    return write_town(tmp_path)


@pytest.fixture(scope="module")
def unfair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three territories, of which T1 is twice as long as the others."""
    return write_town(tmp_path_factory.mktemp("unfair"), count=24, territories=3)


@pytest.fixture(scope="module")
def realigned(unfair: Path) -> tuple[Run, Path]:
    out = unfair.parent / "plan"
    return territory("realign", unfair, "--tolerance", "15%", "--out", out), out


# ---- realign and align


def test_realign_tells_what_was_unfair_what_changes_and_how_good_it_is(realigned):
    run, _ = realigned

    assert run.code == 0
    said = " ".join(run.out.split())
    assert "Today T1 holds 1.50 times its share of potential and 1.50 times its share of workload." in said
    assert "In the proposal all 3 territories are within ±15 % of their share" in said
    assert re.search(r"[\d.]+ % of the customers change territory \(\d+ of 24\)", said)
    assert re.search(r"The plan is proven (within [\d.]+ % of )?the best possible at these centres", said)


def test_realign_writes_every_file_of_the_contract(realigned):
    run, out = realigned

    written = {path.name for path in out.iterdir()}

    assert written == {"alignment.csv", "moves.csv", "territories.geojson", "report.json", "proposal.html"}
    assert all(name in run.out for name in written)


def test_the_report_holds_the_seconds_that_the_plan_took(realigned):
    _, out = realigned

    report = json.loads((out / "report.json").read_text(encoding="utf-8"))

    assert 0 < report["seconds"] < 600
    assert report["tolerance"] == {"potential": 0.15, "workload": 0.15}


def test_a_plan_outside_the_tolerance_is_written_and_the_exit_code_is_3(tmp_path):
    rows = [HEADER, "1,Giant,2.30,48.85,1000,12,30,T1", *(f"{n},S,2.3{n},48.85,10,12,30,T2" for n in range(2, 6))]
    (tmp_path / "customers.csv").write_text("\n".join(rows), encoding="utf-8")

    run = territory("align", tmp_path / "customers.csv", "--territories", 2, "--out", tmp_path / "plan")

    assert run.code == 3
    assert (tmp_path / "plan" / "alignment.csv").is_file()
    assert "one customer" in run.err or "customer '1'" in run.err
    assert "still outside ±5 %" in " ".join(run.out.split())


def test_a_plan_outside_the_tolerance_says_how_many_territories_are(tmp_path):
    rows = [HEADER, "1,Giant,2.30,48.85,1000,12,30,T1", *(f"{n},S,2.3{n},48.85,10,12,30,T2" for n in range(2, 6))]
    (tmp_path / "customers.csv").write_text("\n".join(rows), encoding="utf-8")

    run = territory("align", tmp_path / "customers.csv", "--territories", 2, "--out", tmp_path / "plan")

    assert "In the proposal 2 of 2 territories are still outside" in " ".join(run.out.split())


def test_a_giant_fits_when_the_tolerance_is_as_wide_as_it_says(tmp_path):
    rows = [HEADER, "1,Giant,2.30,48.85,1000,12,30,T1", *(f"{n},S,2.3{n},48.85,10,12,30,T2" for n in range(2, 6))]
    (tmp_path / "customers.csv").write_text("\n".join(rows), encoding="utf-8")

    run = territory(
        "align", tmp_path / "customers.csv", "--territories", 3, "--out", tmp_path / "plan", "--tolerance", "200%"
    )

    assert run.code == 0
    assert "all 3 territories are within ±200 %" in " ".join(run.out.split())


def test_customers_that_get_their_first_territory_are_counted(tmp_path):
    rows = [HEADER, *(f"{n},S,2.3{n},48.85,10,12,30,{'T1' if n < 3 else 'T2' if n > 4 else ''}" for n in range(1, 7))]
    (tmp_path / "customers.csv").write_text("\n".join(rows), encoding="utf-8")

    run = territory("realign", tmp_path / "customers.csv", "--out", tmp_path / "plan")

    assert run.code == 0
    said = " ".join(run.out.split())
    assert "both territories are within ±5 % of their share" in said
    assert "No customer changes territory. 2 customers without a territory get one." in said


def test_a_measure_that_is_zero_everywhere_is_called_by_its_name(tmp_path):
    rows = [HEADER, *(f"{n},S,2.3{n},48.85,0,12,30,T1" for n in range(1, 7))]
    (tmp_path / "customers.csv").write_text("\n".join(rows), encoding="utf-8")

    run = territory("align", tmp_path / "customers.csv", "--territories", 2, "--out", tmp_path / "plan")

    assert run.code == 1
    assert "potential: it is zero for every customer." in run.err


def test_align_cuts_as_many_territories_as_there_are_today(town, tmp_path):
    run = territory("align", town, "--out", tmp_path / "plan", "--json")

    assert run.code == 0
    assert json.loads(run.out)["territories"] == ["T1"]


def test_align_asks_how_many_when_there_are_none_today(tmp_path):
    (tmp_path / "customers.csv").write_text("customer_id,lon,lat,potential\n1,2.3,48.8,5\n", encoding="utf-8")

    run = territory("align", tmp_path / "customers.csv")

    assert run.code == 2
    assert "--territories" in run.err


def test_json_is_one_document_on_stdout_and_nothing_else(town, tmp_path):
    run = territory("realign", town, "--out", tmp_path / "plan", "--json", "--tolerance", "0.05")

    document = json.loads(run.out)

    assert run.err == ""
    assert document["max_deviation"] == {"potential": 0.0, "workload": 0.0}
    assert document["folder"] == str(tmp_path / "plan")
    assert "proposal.html" in document["files"]


def test_quiet_says_nothing_when_all_is_well(town, tmp_path):
    run = territory("realign", town, "--out", tmp_path / "plan", "--quiet")

    assert (run.code, run.out, run.err) == (0, "", "")


def test_files_of_others_in_the_folder_are_left_alone(town, tmp_path):
    out = tmp_path / "plan"
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    (out / "moves.csv").write_text("of an earlier run", encoding="utf-8")

    territory("realign", town, "--out", out, "-q")

    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (out / "moves.csv").read_text(encoding="utf-8").startswith("customer_id,from,to,")


def test_what_is_read_is_never_overwritten(tmp_path):
    source = write_town(tmp_path).rename(tmp_path / "alignment.csv")
    content = source.read_bytes()

    run = territory("realign", source, "--out", tmp_path)

    assert run.code == 2
    assert "--out" in run.err
    assert source.read_bytes() == content


@pytest.mark.parametrize("asked", ["5%", "0.05", "potential=5 %,workload=0.05"])
def test_a_tolerance_is_a_ratio_or_a_percentage(town, tmp_path, asked):
    run = territory("realign", town, "--out", tmp_path / "plan", "--json", "--tolerance", asked)

    assert json.loads(run.out)["tolerance"] == {"potential": 0.05, "workload": 0.05}


def test_a_measure_that_is_not_named_keeps_the_tolerance_of_the_rules(town, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text("[tolerance]\npotential = 0.2\nworkload = 0.3\n", encoding="utf-8")

    run = territory(
        "realign", town, "--rules", rules, "--out", tmp_path / "plan", "--json", "--tolerance", "workload=1%"
    )

    assert json.loads(run.out)["tolerance"] == {"potential": 0.2, "workload": 0.01}


@pytest.mark.parametrize("command", ["measure", "realign"])
def test_a_tolerance_on_what_is_no_number_column_lists_those_that_are(town, command):
    run = territory(command, town, "--tolerance", "visits=5%", columns=200)

    assert run.code == 1
    assert "'visits' is not a measure or a number column" in run.err
    assert "Balance on potential, workload, " in run.err


@pytest.mark.parametrize(
    ("option", "value", "answer"),
    [
        ("--tolerance", "5", "give 5%"),
        ("--tolerance", "five", "not a number"),
        ("--tolerance", "0", "no room"),
        ("--tolerance", "nan", "not from 0 to 1"),
        ("--tolerance", "5001%", "0% to 5000%"),
        ("--max-moved", "-1", "not from 0 to 1"),
        ("--max-moved", "101%", "not from 0 to 1"),
        ("--map", "revenue", "NAME=HEADER"),
        ("--travel", "boat", "roads"),
        ("--seed", "-1", "0"),
        ("--tiles", "mars", "amap"),
    ],
)
def test_a_wrong_option_is_explained_with_exit_code_2(town, option, value, answer):
    run = territory("realign", town, f"{option}={value}", columns=200)

    assert run.code == 2
    assert option in run.err
    assert answer in run.err
    assert run.out == ""


def test_travel_by_road_is_refused_in_plain_words(town, tmp_path):
    run = territory("realign", town, "--travel", "roads", "--out", tmp_path / "plan")

    assert run.code == 1
    assert "needs a road graph" in run.err
    assert not (tmp_path / "plan").exists()


# ---- check


def test_check_lists_every_fault_by_row_and_column(tmp_path):
    rows = [HEADER, "1,A,2.3,48.85,-5,12,30,T1", "2,B,north,48.85,100,12,30,T1", "2,C,2.3,48.85,100,12,30,T1"]
    (tmp_path / "customers.csv").write_text("\n".join(rows), encoding="utf-8")

    run = territory("check", tmp_path / "customers.csv", columns=160)

    assert run.code == 1
    found = [line.replace(",", "").split()[1:3] for line in run.out.splitlines() if line.startswith("customers.csv  ")]
    assert found == [["2", "potential"], ["3", "lon"], ["4", "customer_id"]]
    assert "3 faults" in run.out


def test_check_shows_where_derived_values_come_from():
    run = territory("check", *DEMO, "--json")

    found = json.loads(run.out)

    assert run.code == 1
    assert (found["customers"], found["reps"], found["unplaced"]) == (3000, 24, 5)
    assert len(found["faults"]) == 5
    assert all("lon" in fault["where"] for fault in found["faults"])
    assert {"value": "potential", "source": "column potential", "customers": 2591} in found["sources"]


def test_check_tells_what_no_plan_could_be_made_of(tmp_path):
    header = "customer_id,lon,lat,potential,visits_per_year,minutes_per_visit,territory,group,locked"
    rows = [header, "1,2.30,48.85,0,12,30,T1,chain,yes", "2,2.31,48.85,0,12,30,T2,chain,yes"]
    reps = "rep_id,territory,capacity_hours_per_week\nR1,T1,0\nR2,T2,30\n"
    (tmp_path / "customers.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "reps.csv").write_text(reps, encoding="utf-8")

    run = territory("check", tmp_path / "customers.csv", tmp_path / "reps.csv", "--json")

    found = json.loads(run.out)
    assert run.code == 1
    assert [fault["what"] for fault in found["faults"]] == ["its customers are locked to T1 and T2 at once."]
    noted = {note["what"].partition(",")[0] for note in found["notes"]}
    assert {"'R1' has no hours", "potential is 0 for every customer"} <= noted


def test_align_says_that_it_looks_at_no_locks_and_skills(tmp_path):
    header = "customer_id,lon,lat,potential,visits_per_year,minutes_per_visit,territory,locked,skills"
    rows = [f"{n},2.3{n},48.85,10,12,30,T{n % 2 + 1},yes,cold" for n in range(8)]
    (tmp_path / "customers.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    (tmp_path / "reps.csv").write_text("rep_id,territory,skills\nR1,T1,cold\nR2,T2,\n", encoding="utf-8")

    run = territory("align", tmp_path / "customers.csv", tmp_path / "reps.csv", "--out", tmp_path / "plan")

    said = " ".join(run.err.split())
    assert "4 of 8 locked customers change territory and 4 customers go to reps who lack the skills they need" in said


def test_check_of_files_without_a_fault_ends_with_0(town):
    run = territory("check", town)

    assert run.code == 0
    assert "12 customers (0 unplaced), 0 reps: no fault." in run.out


def test_check_counts_what_cannot_be_derived_as_a_fault(tmp_path):
    (tmp_path / "customers.csv").write_text("customer_id,lon,lat\n1,2.3,48.8\n", encoding="utf-8")

    run = territory("check", tmp_path / "customers.csv", "--json")

    assert run.code == 1
    assert "potential" in json.loads(run.out)["faults"][0]["where"]


def test_a_header_of_another_name_is_mapped(tmp_path):
    source = tmp_path / "stores.csv"
    source.write_text("store_id,lng,latitude,sales_2021\n007,2.3,48.8,5\n", encoding="utf-8")

    run = territory("check", source, "--map", "revenue=sales_2021")

    assert run.code == 0
    assert "revenue x 1.0" in run.out


# ---- measure and columns


@pytest.mark.parametrize("columns", [80, 200])
def test_tables_fit_the_terminal(columns):
    run = territory("measure", *DEMO, columns=columns)

    assert run.code == 0
    assert max(len(line.rstrip()) for line in run.out.splitlines()) <= columns
    row = next(line for line in run.out.splitlines() if line.startswith("Changshu-Zhangjiagang "))
    assert ("R08" in row) == (columns == 200)


def test_measure_says_first_what_is_worst():
    run = territory("measure", *DEMO)

    alerts = [line for line in run.out.splitlines() if line.startswith("  - ")]

    assert alerts[0].startswith("  - Shanghai-Centre holds 3.")


def test_measure_gives_json_to_programs():
    run = territory("measure", *DEMO, "--json", "--travel", "none")

    found = json.loads(run.out)

    assert len(found["measures"]) == 24
    assert {"territory", "potential", "workload_minutes", "deviation_workload", "pieces"} <= set(found["measures"][0])
    assert all(row["travel"] == 0 for row in found["measures"])
    assert found["max_deviation"]["potential"] > 2


def test_columns_prints_names_units_and_aliases():
    run = territory("columns", columns=120)

    assert run.code == 0
    assert re.search(r"customer_id \*", run.out)
    assert "minutes" in run.out
    assert "客户编号" in run.out


def test_columns_as_json_are_the_declared_ones():
    declared = json.loads(territory("columns", "--json").out)

    assert [column["name"] for column in declared["reps"]][:2] == ["rep_id", "name"]


# ---- help and wrong usage


def test_help_names_the_exit_codes():
    said = " ".join(territory("--help").out.split())

    for code in ("0 fine", "1 faults", "2 wrong usage", "3 outside the tolerance", "130 cancelled"):
        assert code in said


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples(command):
    run = territory(command, "--help")

    assert run.code == 0
    assert f"territory {command}" in run.out.split("Examples:")[1]


@pytest.mark.parametrize("command", READERS)
def test_every_command_that_reads_tables_understands_them_by_the_same_options(command):
    said = territory(command, "--help").out

    options = ("--rules", "--crs", "--map", "--barriers", "--not-assigned", "--neighbours", "--outlines")
    assert [option for option in options if f"{option} " not in said] == []


def test_an_unknown_command_is_wrong_usage():
    assert territory("conquer").code == 2


def test_the_version_is_that_of_the_distribution():
    assert re.fullmatch(r"territory-planner \d+\.\d+\.\d+\n", territory("--version").out)


# ---- what goes wrong


@pytest.mark.parametrize("command", ["check", "measure", "align", "realign"])
def test_a_missing_file_is_told_without_a_traceback(command, tmp_path):
    run = territory(command, tmp_path / "nowhere.csv", columns=300)

    said = run.err + run.out
    assert run.code == 1
    assert "nowhere.csv" in said
    assert "Traceback" not in said


def test_a_folder_that_cannot_be_written_is_told(town, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    run = territory("realign", town, "--out", tmp_path / "file" / "plan")

    assert run.code == 1
    assert "cannot be written" in run.err


def test_every_fault_is_told_with_its_mend_on_stderr(tmp_path):
    (tmp_path / "customers.csv").write_text(
        "customer_id,lon,lat,potential\n1,2.3,48.8,-1\n2,2.3,48.8,x\n", encoding="utf-8"
    )

    run = territory("realign", tmp_path / "customers.csv", columns=200)

    assert run.code == 1
    assert run.out == ""
    assert "row 2" in run.err
    assert "row 3" in run.err
    assert len([line for line in run.err.splitlines() if line.startswith("  ")]) >= 2


def test_an_escape_sequence_in_a_name_does_not_reach_the_terminal(tmp_path):
    rows = [HEADER, "1,A,2.3,48.8,5,12,30,\x1b[31mred[/]", "2,B,2.4,48.8,5,12,30,[bold]T2"]
    (tmp_path / "customers.csv").write_text("\n".join(rows), encoding="utf-8")

    run = territory("measure", tmp_path / "customers.csv")

    assert "\x1b" not in run.out
    assert "[bold]T2" in run.out


# ---- colours, pipes, Ctrl-C: the process


def test_a_file_gets_no_colours():
    assert "\x1b" not in territory("measure", *DEMO).out


def test_no_color_is_obeyed():
    coloured = territory("measure", *DEMO, FORCE_COLOR="1", TERM="xterm-256color").out
    plain = territory("measure", *DEMO, FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="1").out

    assert "\x1b[31m" in coloured
    assert "\x1b[31m" not in plain


def start(*words: object, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """The command line as a process of its own, which hears Ctrl-C even when the tests run in the background."""
    hears = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    return subprocess.Popen(
        [sys.executable, "-c", f"{hears}; from territory.cli import main; main()", *map(str, words)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def test_a_reader_that_goes_away_is_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)

    process = start("columns", stdout=writing)
    os.close(writing)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 141
    assert said == ""


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """The line of stdout that holds `words`."""
    assert process.stdout
    line = next((line for line in process.stdout if words in line), None)
    assert line, f"'{words}' was never said"
    return line


def test_ctrl_c_during_the_search_ends_it_at_once_and_writes_nothing(tmp_path):
    with start("demo", "--no-serve", "--out", tmp_path / "plan") as process:
        wait_for(process, "Today, with territories")
        time.sleep(1)

        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert said.splitlines()[-1:] == ["Cancelled."]
    assert not (tmp_path / "plan").exists()


def test_the_demo_serves_its_map_until_ctrl_c(tmp_path):
    with start("demo", "--port", "0", "--tolerance", "30%", "--out", tmp_path / "plan") as process:
        url = wait_for(process, "The map is served on").split()[5]
        page = urllib.request.urlopen(url, timeout=10).read()

        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)

    assert page == (tmp_path / "plan" / "proposal.html").read_bytes()
    assert process.returncode == 0
    assert "Traceback" not in said


def test_importing_the_package_costs_next_to_nothing():
    code = "import sys, territory; sys.exit(any(name in sys.modules for name in ('pandas', 'numpy', 'numba')))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_command_line_starts_without_the_slow_libraries():
    code = "import sys, territory.cli; sys.exit(any(name in sys.modules for name in ('scipy', 'numba', 'folium')))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- serving


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FolderServer]:
    (tmp_path / "proposal.html").write_text("the map", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("not ours", encoding="utf-8")
    server = FolderServer(tmp_path, ("proposal.html", "moves.csv"), "proposal.html", 0)
    with running(server):
        yield server


def fetch(server: FolderServer, path: str, host: str = "localhost") -> tuple[int, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.server_address[1]}{path}", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b""


def test_the_front_page_is_the_map(server):
    assert fetch(server, "/") == (200, b"the map")
    assert fetch(server, "/proposal.html?again") == (200, b"the map")


@pytest.mark.parametrize("path", ["/secret.txt", "/../secret.txt", "/%2e%2e/secret.txt", "//etc/passwd", "/moves.csv"])
def test_only_files_of_the_proposal_are_served(server, path):
    assert fetch(server, path)[0] == 404


def test_a_page_of_another_host_cannot_read_what_is_served(server):
    assert fetch(server, "/", host="evil.example")[0] == 404


def test_only_this_machine_is_served(server):
    assert server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_told_before_any_work(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        run = territory("demo", "--port", port, "--out", tmp_path / "plan")

    assert run.code == 1
    assert f"port {port}" in run.err
    assert "--port 0" in run.err
    assert run.out == ""


def test_without_a_wish_any_port_will_do_when_the_usual_one_is_taken(tmp_path):
    with FolderServer(tmp_path, (), "", None) as first, FolderServer(tmp_path, (), "", None) as second:
        assert first.url != second.url


def test_locks_of_a_territory_without_a_rep_cannot_be_kept_and_that_is_said(tmp_path):
    customers, reps = tmp_path / "customers.csv", tmp_path / "reps.csv"
    rows = [f"c{n},{8 + n / 100},48,10,10,30,T{1 + n // 3},{'yes' if n == 8 else 'no'}" for n in range(9)]
    header = "customer_id,lon,lat,potential,visits_per_year,minutes_per_visit,territory,locked"
    customers.write_text("\n".join([header, *rows]), encoding="utf-8")
    reps.write_text("rep_id,territory\nR1,T1\nR2,T2\n", encoding="utf-8")

    run = territory("realign", customers, reps, "--tolerance", "30%", "--out", tmp_path / "plan")

    assert "1 customer is locked to a territory without a rep, and served by another now." in " ".join(run.err.split())
