"""What strangers send: whatever it is, the answer is theirs to mend and never ours to be ashamed of."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import zipfile
from functools import cache
from itertools import islice
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.api.services import Running, town

EXAMPLES = int(os.environ.get("TERRITORY_EXAMPLES", "4"))
"""For each operation."""


@cache
def attacks_on(schema: str) -> list[Any]:
    """Generated requests to every operation: to make them takes longer than to answer them."""
    attacks: list[Any] = []
    for result in schemathesis.openapi.from_dict(json.loads(schema)).get_all_operations():
        operation = result.ok()
        if not operation.path.endswith("/events"):
            attacks += requests_to(operation)
    return attacks


def requests_to(operation: Any) -> list[Any]:
    made: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def collect(case: Any) -> None:
        made.append(case)

    collect()
    return made


def test_nothing_that_can_be_sent_makes_the_service_fail(service: Running):
    path = service.bring(town())
    proposal = service.propose(path, tolerance=0.5)
    known = {"portfolio_id": path.rsplit("/", 1)[1], "proposal_id": proposal.rsplit("/", 1)[1]}
    headers = {"Authorization": f"Bearer {service.secrets['admin']}", "If-Match": "*"}
    failed: list[object] = []

    for case in attacks_on(service.get("admin", "/openapi.json").text):
        # At something that is there, or most attacks would end at the door.
        case.path_parameters |= {name: known[name] for name in known.keys() & (case.path_parameters or {}).keys()}
        answer = case.call(base_url="http://testserver", headers=headers, app=service.app)
        if answer.status_code >= 500:
            failed.append((case.operation.label, answer.status_code, str(case.body)[:200], str(case.query)[:200]))

    assert failed == []


@cache
def workbook_bomb() -> bytes:
    """A small XLSX whose sheet unfolds to half a gigabyte."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet,
    ):
        for _ in range(32):
            sheet.write(b" " * (16 << 20))
    return stream.getvalue()


BAD_FILES = {
    "no text.csv": b"\x00\xff\xfe" * 1000,
    "half a character.csv": "customer_id,lon,lat\n1,2,3\n".encode("utf-16-le"),
    "not finite.csv": b"customer_id,lon,lat,potential\n1,NaN,1e999,inf\n2,5,45,1e999\n",
    "open quote.csv": b'customer_id,lon,lat\n"' + b"x" * 100_000,
    "header only.csv": b"customer_id,lon,lat\n",
    "empty.csv": b"",
    "no workbook.xlsx": b"PK\x03\x04 and then nothing",
    "no database.gpkg": b"SQLite format 3\x00" + b"\x00" * 100,
    "no parquet.parquet": b"PAR1" * 10,
    "nested.geojson": b"[" * 100_000,
    "../../etc/passwd": b"customer_id,lon,lat\n1,5,45\n",
    "..\\..\\x.csv": b"customer_id,lon,lat\nx,y,z\n",
    "": b"customer_id,lon,lat\n",
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # GDAL's own, of a GeoPackage that is none
@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_told_and_nothing_breaks(service: Running, name: str):
    files = {"customers": (name, BAD_FILES[name])}

    answer = service.ask("manager", "POST", "/v1/portfolios", data={"name": "Bad", "region": "east"}, files=files)
    service.run_jobs()

    if answer.status_code == 202:
        told = service.get("manager", answer.headers["location"]).json()
        assert told["status"] in ("failed", "ready")
        assert told["status"] == "ready" or told["problem"]["problems"]
    else:
        assert answer.status_code == 422


def test_a_workbook_that_unfolds_to_half_a_gigabyte_is_refused(service: Running):
    files = {"customers": ("bomb.xlsx", workbook_bomb())}

    answer = service.ask("manager", "POST", "/v1/portfolios", data={"name": "Bomb", "region": "east"}, files=files)
    service.run_jobs()

    assert service.get("manager", answer.headers["location"]).json()["status"] == "failed"


@pytest.mark.parametrize(
    "url",
    [
        "/v1/portfolios/%00",
        "/v1/portfolios/%ff%fe",
        "/v1/portfolios/..%2f..%2fetc",
        "/v1/portfolios?limit=99999999999999999999",
        "/v1/portfolios?after=%00",
        "/v1/portfolios/portfolio_x/customers/%ed%a0%80",
        "/v1/jobs/" + "x" * 5000,
        "/v1/audit?limit=-1",
    ],
)
def test_a_bad_address_is_told(service: Running, url: str):
    assert service.get("admin", url).status_code in (404, 422)


EACH = 1 if EXAMPLES >= 100 else 4
"""Every how many of the bodies an operation gets; all, in the benchmark."""
DEEP = 200_000
BAD_BODIES = {
    "not a number": b'{"tolerance": NaN}',
    "infinite": b'{"tolerance": Infinity, "potential": -Infinity}',
    "beyond a float": b'{"tolerance": 1e999, "seed": 1e999}',
    "beyond an integer": b'{"tolerance": %s, "seed": %s}' % (b"9" * 5000, b"9" * 5000),
    "half a character": b'{"name": "\\ud800", "login": "\\udfff", "note": "\\ud83d", "\\ud800": 1}',
    "half a character in bytes": b'{"name": "\xed\xa0\x80"}',
    "a zero in a text": b'{"name": "a\\u0000b", "login": "\\u0000", "comment": "\\u0000"}',
    "deep lists": b"[" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep and whole": b'{"changes": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "UTF-32": '{"name": "x"}'.encode("utf-32"),
    "GB18030": '{"name": "销售"}'.encode("gb18030"),
    "a mark before it": b"\xef\xbb\xbf{}",
    "Latin-1": '{"name": "Müller"}'.encode("latin-1"),
    "packed": gzip.compress(b'{"name": "%s"}' % (b"x" * 1_000_000)),
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"text"',
    "one key many times": b"{" + b'"name": "x",' * 10_000 + b'"name": "x"}',
    "many keys": b"{" + b",".join(b'"k%d": 1' % number for number in range(2_000)) + b"}",
    "a long text": b'{"name": "%s", "note": "%s", "login": "%s"}' % ((b"x" * 50_000,) * 3),
    "false kinds": b'{"name": 1, "login": [], "changes": {}, "move": [], "lock": "x", "tolerance": "x", "files": 7}',
    "an end in the middle": b'{"name": "x',
    "after the end": b'{"name": "x"} {"name": "y"}',
}
"""What JSON is not, or should not be."""


def operations_with_bodies(service: Running) -> list[tuple[str, str]]:
    document = service.get(None, "/openapi.json").json()
    return [
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]


def test_no_body_makes_the_service_fail(service: Running):
    path = service.bring(town())
    known = {"portfolio_id": path.rsplit("/", 1)[1], "proposal_id": service.propose(path).rsplit("/", 1)[1]}
    headers = {"Authorization": f"Bearer {service.secrets['admin']}", "If-Match": "*"}
    statuses: dict[tuple[str, str], int] = {}

    for number, (method, url) in enumerate(operations_with_bodies(service)):
        address = re.sub(r"\{(\w+)\}", lambda hole: known.get(hole[1], "x"), url)
        for name, body in islice(BAD_BODIES.items(), number % EACH, None, EACH):
            own = {**headers, "Content-Type": "application/json"}
            if name == "packed":
                own["Content-Encoding"] = "gzip"
            statuses[f"{method} {url}", name] = service.client.request(
                method, address, headers=own, content=body
            ).status_code

    assert {name for _, name in statuses} == set(BAD_BODIES)
    assert {case: status for case, status in statuses.items() if not 200 <= status < 500} == {}


def test_bad_headers_are_told(service: Running):
    headers = [
        {"If-Match": "nonsense"},
        {"If-Match": '"99999999999999999999999"'},
        {"Idempotency-Key": ""},
        {"Idempotency-Key": "x" * 300},
        {"Authorization": "Basic not-base64"},
        {"Authorization": "Bearer"},
        {"Accept": ";;;,,,q=x"},
        {"Content-Type": "multipart/form-data"},
        {"Cookie": "territory_session=" + "x" * 4000},
    ]

    for each in headers:
        base = {"Authorization": f"Bearer {service.secrets['admin']}"}
        answer = service.client.request("POST", "/v1/tokens", headers={**base, **each}, content=b"{}")
        assert 400 <= answer.status_code < 500, (each, answer.status_code)
