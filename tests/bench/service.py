"""The promises of the service in full size: `python -m tests.bench.service [kills|jobs|managers|hostile]`.

The suite tries the same in small. Each takes minutes; the exit code says whether the promise was kept.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

PROMISES = {
    "kills": ("tests/api/test_killed.py", {"TERRITORY_KILLS": "1000"}),
    "jobs": ("tests/api/test_jobs.py", {"TERRITORY_JOBS": "200"}),
    "managers": ("tests/api/test_two_people.py", {"TERRITORY_INTERLEAVINGS": "2000"}),
    "hostile": ("tests/api/test_hostile.py tests/api/test_installed.py", {"TERRITORY_EXAMPLES": "100"}),
}
"""name -> the tests, and how large they are to be"""


def main() -> int:
    """Run the promises that are named, or all; 0 when all are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("promise", nargs="?", choices=list(PROMISES))
    asked = parser.parse_args().promise
    broken = [name for name in ([asked] if asked else PROMISES) if not is_kept(name)]
    print(f"broken: {', '.join(broken)}" if broken else "every promise is kept")
    return len(broken)


def is_kept(name: str) -> bool:
    """Whether a promise is kept in full size."""
    tests, sizes = PROMISES[name]
    print(f"== {name}: {sizes}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "--durations=5", *tests.split()]
    return subprocess.run(command, env={**os.environ, **sizes}, check=False).returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
