"""The service as it is installed: floods and bombs do not fill its memory, and killed it loses nothing."""

from __future__ import annotations

import gzip
import io
import socket
import sqlite3
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from api.jobs import enqueue
from api.settings import MEGABYTE
from api.store import AuditEntry, Job
from tests.api.databases import Databases
from tests.api.installed import Installed, watched
from tests.api.services import town
from tests.api.test_hostile import workbook_bomb

MOST_MEMORY = 512 * MEGABYTE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def installation(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    log = tmp_path_factory.mktemp("installed") / "log"
    made = Installed(databases.fresh("sqlite"), log, lease_seconds=1.0, grace_seconds=1.0, upload_seconds=2.0)
    yield made
    made.close()


@pytest.fixture
def installed(installation: Installed) -> Installed:
    """Running, whichever test has ended it."""
    if installation.process is None or installation.process.poll() is not None:
        installation.start()
    return installation


def flood(installed: Installed, url: str, headers: dict[str, str], chunk: bytes, megabytes: int) -> int:
    """The status that is answered to a body that is sent on and on; 0 when the line is cut."""
    address = installed.client.base_url
    head = f"POST {url} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {installed.service.secrets['admin']}\r\n"
    with socket.create_connection((address.host, address.port), timeout=60) as line:
        line.sendall((head + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n").encode())
        try:
            for _ in range(megabytes * MEGABYTE // len(chunk)):
                line.sendall(chunk)
        except OSError:
            pass  # It has heard enough; what it has said may still be read.
        try:
            answer = line.recv(4096)
        except OSError:
            return 0
    return int(answer.split()[1]) if answer else 0


def chunk(size: int) -> bytes:
    return b"%x\r\n" % size + b" " * size + b"\r\n"


def packed(name: str, megabytes: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"0" * (megabytes * MEGABYTE))
    return stream.getvalue()


def parquet_bomb() -> bytes:
    """A hundred million rows of one value, in a few kilobytes."""
    stream = io.BytesIO()
    rows = 2_000_000
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int8()), pa.array(["x" * 1000]))
    table = pa.table({"customer_id": column})
    with pq.ParquetWriter(stream, table.schema, compression="zstd") as writer:
        for _ in range(5):
            writer.write_table(table)
    return stream.getvalue()


def endless_geopackage(folder: Path) -> bytes:
    """A layer that is a view, of which there is always one more row."""
    path = folder / "endless.gpkg"
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        PRAGMA application_id = 0x47504B47;
        CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, identifier TEXT, description TEXT,
            last_change TEXT, min_x REAL, min_y REAL, max_x REAL, max_y REAL, srs_id INTEGER);
        CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT,
            organization_coordsys_id INTEGER, definition TEXT, description TEXT);
        INSERT INTO gpkg_spatial_ref_sys VALUES ('none', 0, 'NONE', 0, 'undefined', '');
        CREATE VIEW rows AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS fid FROM n;
        INSERT INTO gpkg_contents VALUES ('rows', 'attributes', 'rows', '', '2027-01-01T00:00:00Z', 0, 0, 0, 0, 0);
        """
    )
    connection.close()
    return path.read_bytes()


def test_floods_and_bombs_are_refused_in_half_a_gigabyte(installed: Installed, tmp_path: Path):
    row = b"1,5,45\n"
    bombs = {
        "bomb.xlsx": workbook_bomb(),
        "zip in zip.xlsx": packed("xl/workbook.xml", 40),
        "packed.csv": gzip.compress(b"customer_id,lon,lat\n" + row * 1_000_000, 1),
        "packed.csv.gz": gzip.compress(b"0" * (20 * MEGABYTE), 1),
        "bomb.parquet": parquet_bomb(),
        "endless.gpkg": endless_geopackage(tmp_path),
        "one cell.csv": b'customer_id,lon,lat\n"' + b"x" * (20 * MEGABYTE) + b'",5,45\n',
        "one line.csv": b"," * (5 * MEGABYTE),
        "deep.geojson": b'{"type":' * 500_000,
        "many quotes.csv": b"customer_id,lon,lat\n" + b'"' * (10 * MEGABYTE),
    }
    json, form = {"Content-Type": "application/json"}, {"Content-Type": "multipart/form-data; boundary=x"}
    declared, chunked = {"Content-Length": str(200 * MEGABYTE)}, {"Transfer-Encoding": "chunked"}
    statuses: dict[str, object] = {}
    assert installed.process is not None

    with watched(installed.process.pid) as peaks:
        for url, kind in (("/v1/tokens", json), ("/v1/portfolios", form), ("/v1/session", json)):
            statuses[f"{url} declared"] = flood(installed, url, kind | declared, b" " * MEGABYTE, 200)
            statuses[f"{url} chunked"] = flood(installed, url, kind | chunked, chunk(MEGABYTE), 200)
        for name, content in bombs.items():
            answer = installed.ask(
                "admin",
                "POST",
                "/v1/portfolios",
                data={"name": name, "region": "east"},
                files={"customers": (name, content)},
            )
            told = installed.over(answer.headers["location"]) if answer.status_code == 202 else {}
            statuses[name] = told.get("status", answer.status_code)
            assert told == {} or told["problem"]["problems"], name

    print("peaks in MB:", sorted(peak // MEGABYTE for peak in peaks.values()))
    assert {name for name, status in statuses.items() if status not in (0, 400, 413, 422, "failed")} == set()
    assert len(peaks) >= len(bombs) + 3, "the service, its worker, their helpers, and a process for each file"
    assert max(peaks.values()) <= MOST_MEMORY
    assert installed.ask("admin", "GET", "/readyz").status_code == 200


def test_a_service_that_is_killed_in_the_middle_of_jobs_loses_nothing(installed: Installed):
    path = installed.service.bring(town(40), who="manager")
    ask = {"tolerance": 0.3, "travel": "none", "effort": 0.05}
    with installed.service.store.writing() as session:
        waiting = [enqueue(session, "wait", {"seconds": 1.0}, resource="", user_id="u").id for _ in range(6)]

    headers = {"Idempotency-Key": "once"}
    asked = [installed.ask("manager", "POST", f"{path}/proposals", json=ask, headers=headers)]
    while not running(installed):
        time.sleep(0.02)
    installed.kill()
    installed.start()
    asked.append(installed.ask("manager", "POST", f"{path}/proposals", json=ask, headers=headers))

    proposal = installed.over(asked[0].headers["location"])
    for job_id in waiting:
        installed.over(f"/v1/jobs/{job_id}")
    with installed.service.store.reading() as session:
        done = session.execute(
            sa.select(AuditEntry.object_id, sa.func.count())
            .where(AuditEntry.action.in_(["job.waited", "proposal.ready"]))
            .group_by(AuditEntry.object_id)
        ).all()
    assert [answer.status_code for answer in asked] == [202, 202]
    assert asked[0].headers["location"] == asked[1].headers["location"]
    assert proposal["status"] == "ready"
    assert dict(done) == dict.fromkeys([*waiting, proposal["proposal_id"]], 1)
    assert installed.stop() == 0


def running(installed: Installed) -> int:
    with installed.service.store.reading() as session:
        return session.scalar(sa.select(sa.func.count()).where(Job.status == "running").select_from(Job)) or 0
