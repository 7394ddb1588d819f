"""Measure the alignment engine: each case in a process, and so with a peak memory, of its own; once all is compiled."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

from tests.bench.cases import CASES, DATA, ROOT, warm_up
from tests.bench.figures import Row, aligned, growth, write_readme
from tests.bench.peers import PEERS

SECONDS, PEER_SECONDS = 900, 250
IN_README = ("10k-5", "10k-1", "drift", "100k-5", "100k-2", "1m-5")


def main() -> None:
    asked = _arguments()
    if asked.run:
        print(json.dumps(asdict(_run_here(asked.run, asked.repeat))))
        return
    names = [*(asked.case or CASES), *(PEERS if asked.peers else ())]
    rows = {}
    for name in names:
        rows[name] = replace(_run_apart(name, asked.repeat), work=name)
        print(aligned([rows[name]]).splitlines()[-1], file=sys.stderr, flush=True)
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()}
    story = {"machine": machine, "growth": growth([*rows.values()])}
    print(aligned([*rows.values()]), json.dumps(story), sep="\n")
    if asked.json:
        table = [asdict(row) for row in rows.values()]
        asked.json.write_text(json.dumps(story | {"rows": table}, indent=1), encoding="utf-8")
    if asked.write_readme:
        write_readme([rows[name] for name in IN_README], [rows[name] for name in PEERS], machine)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.alignment", description=__doc__)
    parser.add_argument("--case", nargs="+", metavar="NAME", choices=CASES, help=", ".join(CASES))
    parser.add_argument("--peers", action="store_true", help="the open peers as well (extra `bench`)")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="seconds are the median of N runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    parser.add_argument("--write-readme", action="store_true", help="rewrite the README's tables; needs --peers")
    parser.add_argument("--run", choices=CASES | PEERS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write_readme and not (asked.peers and set(IN_README) <= set(asked.case or CASES)):
        parser.error(f"--write-readme needs --peers and the cases {' '.join(IN_README)}")
    return asked


def _run_here(name: str, repeats: int) -> Row:
    if name in PEERS:
        return PEERS[name]()
    if name.startswith(("iowa", "tracts")) and not DATA.is_dir():
        return Row(note=f"not measured: there is no {os.path.relpath(DATA, ROOT)}")
    warm_up()
    return CASES[name](repeats)


def _run_apart(name: str, repeats: int) -> Row:
    limit = PEER_SECONDS if name in PEERS else SECONDS
    command = [sys.executable, "-m", "tests.bench.alignment", "--run", name, "--repeat", str(repeats)]
    try:
        run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=limit, check=True)
    except subprocess.TimeoutExpired:
        return Row(note=f"not done within {limit} s")
    except subprocess.CalledProcessError as failure:
        return Row(note=f"failed (exit {failure.returncode})")
    return Row(**json.loads(run.stdout))


if __name__ == "__main__":
    main()
