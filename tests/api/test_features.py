"""OGC API Features: GDAL, and so QGIS, opens a portfolio from its URL with a token."""

from __future__ import annotations

import multiprocessing
import socket
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pyogrio
import pytest
import uvicorn

from api.app import create_app
from api.settings import Settings
from api.store import Store
from tests.api.databases import Databases
from tests.api.services import Running, serve, town


def listen(url: str, pipe: Connection) -> None:
    """The service on a port of this machine, in a process of its own: GDAL lets no other thread of its process run."""
    settings = Settings(database_url=url)
    config = uvicorn.Config(create_app(settings, Store(settings.url)), log_config=None)
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    uvicorn.Server(config).run([listener])


@pytest.fixture(scope="module")
def served(databases: Databases) -> Iterator[tuple[Running, str]]:
    """The service with a portfolio, and the address of its features."""
    url = databases.fresh("sqlite")
    service = serve(url)
    path = service.bring(town(60))
    service.post("manager", f"{path}/calls", {"start": "2027-03-01", "weeks": 1, "effort": 0.05})
    service.run_jobs()
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=listen, args=(url, theirs), daemon=True)
    process.start()
    yield service, f"http://127.0.0.1:{ours.recv()}/v1/ogc/{path.rsplit('/', 1)[1]}"
    process.kill()
    process.join()
    service.store.close()


@pytest.fixture
def gdal(served: tuple[Running, str]) -> Iterator[str]:
    """GDAL with the manager's token; the data set's name."""
    if "OAPIF" not in pyogrio.list_drivers():
        pytest.skip("this GDAL was built without OAPIF")
    service, address = served
    # As QGIS does: the token is the password of basic authentication, whatever the user's name.
    options = {"GDAL_HTTP_AUTH": "BASIC", "GDAL_HTTP_USERPWD": f"token:{service.secrets['manager']}"}
    pyogrio.set_gdal_config_options(options)
    yield f"OAPIF:{address}"
    pyogrio.set_gdal_config_options(dict.fromkeys(options))


def path_of(address: str) -> str:
    return address[address.index("/v1/") :]


def test_gdal_reads_the_territories_with_the_token(gdal: str):
    found = pyogrio.read_dataframe(gdal, layer="territories")

    assert sorted(found["territory"]) == ["T1", "T2", "T3"]
    assert found.crs.to_epsg() == 4326
    assert set(found.geom_type) <= {"Polygon", "MultiPolygon"}


def test_gdal_reads_the_planned_days_as_lines(served: tuple[Running, str], gdal: str):
    service, address = served
    path = f"/v1/portfolios/{address.rsplit('/', 1)[1]}"
    calls = service.get("manager", f"{path}/calls?limit=1000").json()["items"]

    found = pyogrio.read_dataframe(gdal, layer="routes")

    assert set(found.geom_type) == {"LineString"}
    assert set(zip(found["rep_id"], found["day"].astype(str), strict=True)) == {(r["rep_id"], r["day"]) for r in calls}
    assert found["visits"].sum() == len(calls)
    first = found.geometry.iloc[0].coords
    assert (first[0], len(first)) == (first[-1], found["visits"].iloc[0] + 2)


def test_gdal_reads_only_what_is_in_the_box(gdal: str):
    everyone = pyogrio.read_dataframe(gdal, layer="customers")
    middle = everyone.geometry.x.median()
    west, south, _, north = everyone.total_bounds

    found = pyogrio.read_dataframe(gdal, layer="customers", bbox=(west, south, middle, north))

    assert len(everyone) == 60
    assert set(found["customer_id"]) == set(everyone[everyone.geometry.x <= middle]["customer_id"])


def test_without_a_token_there_is_nothing(served: tuple[Running, str]):
    service, address = served

    assert service.get(None, path_of(address)).status_code == 401


def test_pages_hold_every_feature_once(served: tuple[Running, str]):
    service, address = served
    url: str | None = f"{path_of(address)}/collections/customers/items?limit=7"
    seen = []

    while url:
        page = service.get("manager", url).json()
        seen += [feature["id"] for feature in page["features"]]
        url = next((path_of(link["href"]) for link in page["links"] if link["rel"] == "next"), None)

    assert len(seen) == len(set(seen)) == page["numberMatched"] == 60


def test_the_description_says_how_large_a_page_may_be(served: tuple[Running, str]):
    service, address = served
    links = {link["rel"]: link["href"] for link in service.get("manager", path_of(address)).json()["links"]}

    document = service.get("manager", path_of(links["service-desc"])).json()

    assert document["components"]["parameters"]["limit"]["schema"]["maximum"] == 10_000


def test_a_rep_sees_his_features_only(served: tuple[Running, str]):
    service, address = served

    found = service.get("rep A", f"{path_of(address)}/collections/territories/items").json()

    ways = service.get("rep A", f"{path_of(address)}/collections/routes/items").json()["features"]
    assert [feature["id"] for feature in found["features"]] == ["T1"]
    assert {feature["properties"]["rep_id"] for feature in ways} == {"R01"}
    assert service.get("rep A", f"{path_of(address)}/collections/territories/items/T2").status_code == 404


@pytest.mark.parametrize("bbox", ["1,2,3", "a,b,c,d", "nan,0,1,1", "0,9,1,1", "1e999,0,1,1"])
def test_a_box_that_is_none_is_told(served: tuple[Running, str], bbox: str):
    service, address = served

    answer = service.get("manager", f"{path_of(address)}/collections/customers/items?bbox={bbox}")

    assert answer.status_code == 422
