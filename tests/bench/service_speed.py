"""How quick the service is: lists, versions, polygons and maps, in processor time of the server and as wrk sees it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pandas as pd

from api.auth import secret_hash
from api.settings import Settings
from api.store import Store, Token, User, new_id, now

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SECONDS = 10
SECRET = "a token for measuring"
_TICKS = os.sysconf("SC_CLK_TCK")
# Each request asks for another page, or a memory of whole answers would be what is measured.
_RANDOM_PAGES = """
math.randomseed(7)
request = function()
  return wrk.format("GET", wrk.path .. "&offset=" .. 20 * math.random(0, 4999))
end
"""


@dataclass(frozen=True)
class Figure:
    """A promise, what was measured, and whether it is kept."""

    what: str
    promised: str
    measured: str
    is_kept: bool


@dataclass(frozen=True)
class Load:
    """What wrk saw, and the server's processor time for it."""

    requests: int
    per_second: float
    p99_milliseconds: float
    cpu_seconds: float

    @property
    def cpu_milliseconds(self) -> float:
        """For each request."""
        return 1000 * self.cpu_seconds / max(self.requests, 1)


class Site:
    """`territory-serve` on a fresh database, and a token that may do everything."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        command = [sys.executable, "-m", "api.serve", "--home", str(folder), "--port", str(self.port), "--slots", "1"]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        self.client = httpx.Client(base_url=self.address, headers={"Authorization": f"Bearer {SECRET}"}, timeout=600)

    def wait(self) -> None:
        """Until it answers; then let the token in."""
        for _ in range(300):
            try:
                if self.client.get("/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        store = Store(Settings(home=self.folder, database_url="").url)
        with store.writing() as session:
            user = User(id=new_id("user"), login="bench", name="bench", role="admin", regions=["*"], created_at=now())
            session.add(user)
            session.flush()
            hashed = secret_hash(SECRET)
            session.add(Token(id=new_id("token"), secret_hash=hashed, user_id=user.id, name="bench", created_at=now()))
        store.close()

    def bring(self, customers: pd.DataFrame) -> str:
        """Upload customers and wait until they are read; the path."""
        files = {"customers": ("customers.csv", customers.to_csv(index=False).encode())}
        answer = self.client.post("/v1/portfolios", data={"name": "bench"}, files=files)
        answer.raise_for_status()
        path = str(answer.headers["location"])
        while (status := self.client.get(path).json()["status"]) == "reading":
            time.sleep(0.5)
        if status != "ready":
            raise RuntimeError(self.client.get(path).text)
        return path

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the server's process so far; its worker is another one."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def load(self, path: str, *headers: str, seconds: int = SECONDS, script: str = "", connections: int = 4) -> Load:
        """wrk on one address."""
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            "-H",
            f"Authorization: Bearer {SECRET}",
        ]
        for header in headers:
            command += ["-H", header]
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(script + _REPORT)
            file.flush()
            before = self.cpu_seconds
            run = subprocess.run(
                [*command, "-s", file.name, self.address + path], capture_output=True, text=True, check=True
            )
            spent = self.cpu_seconds - before
        told = json.loads(run.stdout[run.stdout.rindex("\n{") :])
        if told["errors"]:
            raise RuntimeError(run.stdout)
        return Load(told["requests"], told["requests"] / told["seconds"], told["p99"] / 1000, spent)


_REPORT = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n{"requests": %d, "seconds": %f, "p99": %f, "errors": %d}\\n', summary.requests,
    summary.duration / 1e6, latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@contextmanager
def site() -> Iterator[Site]:
    """A service of its own, stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="territory-bench-") as folder:
        running = Site(Path(folder))
        try:
            running.wait()
            yield running
        finally:
            running.process.terminate()
            running.process.wait(30)


def figures() -> Iterator[Figure]:
    """Every promise on speed, measured."""
    with site() as running:
        many = running.bring(country(100_000, territories=200))
        yield from _lists(running, many)
        yield _polygons(running)
        yield from _map_page(running)
        yield _while_solving(running, many)


def country(count: int, *, territories: int, seed: int = 7) -> pd.DataFrame:
    """Customers scattered over a plain, in square territories, with all that a list usually has."""
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(5, 9, count), rng.uniform(45, 48, count)
    side = int(np.ceil(np.sqrt(territories)))
    cell = (np.floor((lon - 5) / 4 * side) * side + np.floor((lat - 45) / 3 * side)).astype(int)
    return pd.DataFrame(
        {
            "customer_id": [f"C{number:06d}" for number in range(count)],
            "name": [f"Customer number {number}" for number in range(count)],
            "lon": lon.round(6),
            "lat": lat.round(6),
            "potential": rng.lognormal(9, 1, count).round(),
            "revenue": rng.lognormal(8, 1, count).round(),
            "tier": rng.choice(list("ABCD"), count, p=[0.1, 0.2, 0.3, 0.4]),
            "territory": [f"T{each + 1:03d}" for each in cell % territories],
            "segment": rng.choice(["retail", "hospital", "school"], count),
        }
    )


def _lists(running: Site, path: str) -> Iterator[Figure]:
    url = f"{path}/customers?limit=20"
    running.client.get(url)
    pages = running.load(url, script=_RANDOM_PAGES)
    rate = pages.requests / pages.cpu_seconds
    yield Figure(
        "list of 100,000 customers, random pages of 20",
        "≥ 1,500 requests a processor second",
        f"{rate:,.0f} ({pages.per_second:,.0f} a second; {pages.cpu_milliseconds:.2f} ms each)",
        rate >= 1500,
    )
    tag = running.client.get(url).headers["etag"]
    fresh = running.load(url, f"If-None-Match: {tag}")
    yield Figure(
        "304 of that list", "≤ 1 ms processor time", f"{fresh.cpu_milliseconds:.2f} ms", fresh.cpu_milliseconds <= 1
    )


def _polygons(running: Site) -> Figure:
    path = running.bring(country(10_000, territories=1).assign(territory=[f"T{n}" for n in range(10_000)]))
    url = f"{path}/territories?f=geojson"
    size = len(running.client.get(url, headers={"Accept-Encoding": "identity"}).content)
    spent = running.load(url, "Accept-Encoding: identity", seconds=5, connections=1)
    return Figure(
        "GeoJSON of 10,000 polygons",
        "≤ 100 ms processor time",
        f"{spent.cpu_milliseconds:.0f} ms ({size / 1e6:.1f} MB)",
        spent.cpu_milliseconds <= 100,
    )


def _map_page(running: Site) -> Iterator[Figure]:
    path = running.bring(country(10_000, territories=50))
    # The first page of a new process loads folium and Leaflet, once; here each portfolio is drawn for the first time.
    running.client.get(f"{running.bring(country(50, territories=5))}/map")
    began, cpu = time.perf_counter(), running.cpu_seconds
    with running.client.stream("GET", f"{path}/map", headers={"Accept-Encoding": "gzip"}) as answer:
        size = sum(len(part) for part in answer.iter_raw())
    seconds, cpu = time.perf_counter() - began, running.cpu_seconds - cpu
    yield Figure(
        "map page of 10,000 customers, drawn for the first time",
        "≤ 1 s, < 1 MB compressed",
        f"{seconds:.2f} s ({cpu:.2f} s processor time), {size / 1e6:.2f} MB",
        cpu <= 1 and size < 1e6,
    )


def _while_solving(running: Site, path: str) -> Figure:
    running.client.get(f"{path}/customers?limit=20")
    ask = {"tolerance": 0.01, "effort": 4, "travel": "none", "handover": 0}
    job = running.client.post(f"{path}/proposals", json=ask).json()["job"]
    while running.client.get(job).json()["status"] == "queued":
        time.sleep(0.2)
    solving = running.load(f"{path}/customers?limit=20", seconds=30, script=_RANDOM_PAGES, connections=2)
    still = running.client.get(job).json()["status"]
    running.client.delete(job)
    return Figure(
        f"list while a long solve is {still}",
        "p99 ≤ 50 ms",
        f"p99 {solving.p99_milliseconds:.1f} ms at {solving.per_second:,.0f} requests a second",
        solving.p99_milliseconds <= 50,
    )


def table(found: list[Figure]) -> str:
    """The figures in Markdown."""
    lines = ["| what | promised | measured |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {each.what} | {each.promised} | {each.measured} |" for each in found)])


def write_readme(found: list[Figure]) -> None:
    """Rewrite what stands between the README's markers."""
    marks = re.compile(r"(<!-- service:begin.*?-->\n).*?(<!-- service:end -->)", re.DOTALL)
    text = README.read_text(encoding="utf-8")
    README.write_text(marks.sub(lambda mark: mark[1] + table(found) + "\n" + mark[2], text), encoding="utf-8")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
