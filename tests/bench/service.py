"""The promises of the service in full size: `python -m tests.bench.service [kills|jobs|managers|hostile|speed]`.

The suite tries the same in small. Each takes minutes; the exit code says whether the promise was kept.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from tests.bench import service_speed

PROMISES = {
    "kills": ("tests/api/test_killed.py", {"TERRITORY_KILLS": "1000"}),
    "jobs": ("tests/api/test_jobs.py", {"TERRITORY_JOBS": "200", "TERRITORY_LIFE_SECONDS": "4"}),
    "managers": ("tests/api/test_two_people.py", {"TERRITORY_INTERLEAVINGS": "2000"}),
    "hostile": ("tests/api/test_hostile.py tests/api/test_installed.py", {"TERRITORY_EXAMPLES": "100"}),
}
"""name -> the tests, and how large they are to be"""


def main() -> int:
    """Run the promises that are named, or all; 0 when all are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("promise", nargs="?", choices=[*PROMISES, "speed"])
    parser.add_argument("--write-readme", action="store_true", help="rewrite the README's table of speed")
    given = parser.parse_args()
    asked = [given.promise] if given.promise else [*PROMISES, "speed"]
    broken = [name for name in asked if not (is_quick(given.write_readme) if name == "speed" else is_kept(name))]
    print(f"broken: {', '.join(broken)}" if broken else "every promise is kept")
    return len(broken)


def is_kept(name: str) -> bool:
    """Whether a promise is kept in full size."""
    tests, sizes = PROMISES[name]
    print(f"== {name}: {sizes}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-s", "--durations=5", *tests.split()]
    return subprocess.run(command, env={**os.environ, **sizes}, check=False).returncode == 0


def is_quick(is_written: bool) -> bool:
    """Whether every promise on speed is kept; the figures go to the terminal, and into the README when asked."""
    found = []
    for figure in service_speed.figures():
        found.append(figure)
        print(
            f"{'kept  ' if figure.is_kept else 'BROKEN'} {figure.what}: {figure.measured} ({figure.promised})",
            flush=True,
        )
    if is_written:
        service_speed.write_readme(found)
    return all(figure.is_kept for figure in found)


if __name__ == "__main__":
    raise SystemExit(main())
