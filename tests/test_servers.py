"""Routing servers, played by one on this machine that answers what real ones were recorded to say."""

from __future__ import annotations

import logging
import pickle
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from territory.errors import DataError, NotFoundError, UnavailableError
from territory.travel import open_travel
from territory.travel.asking import Server
from territory.travel.servers import AmapTravel, OrsTravel, OsrmTravel, ServerTravel, ValhallaTravel, decode_polyline
from tests.loopback import answering

KEY = "s3cret-key"


@dataclass
class Played:
    """A server on loopback: `answer` is called with each question, and what it gives back is sent."""

    url: str = ""
    answer: Callable[[dict], Any] = lambda asked: {}
    asked: list[dict] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def server(self, **options: Any) -> Server:
        return Server(self.url, wait=self.waited.append, **options)


@pytest.fixture
def played() -> Iterator[Played]:
    script = Played()

    def answer(question: dict) -> Any:
        script.asked.append(question)
        return script.answer(question)

    with answering(answer) as script.url:
        yield script


def spots(*places: tuple[float, float], crs: str = "EPSG:32629") -> gpd.GeoSeries:
    degrees = gpd.points_from_xy(*np.array(places, float).reshape(-1, 2).T)
    return gpd.GeoSeries(degrees, index=list("abcdefgh"[: len(places)]), crs="EPSG:4326").to_crs(crs)


PORTO = ((-8.61, 41.15), (-8.62, 41.16), (-8.60, 41.17))
SHANGHAI = ((121.47, 31.23), (121.48, 31.24), (121.49, 31.25))


def osrm(question: dict) -> dict:
    """OSRM's table with seconds 100 x |difference of places in the question|, as osrm-routed 5.27 words it."""
    places = question["path"].split("/")[-1].split(";")
    rows, columns = ([int(n) for n in question[key].split(";")] for key in ("sources", "destinations"))
    far = [[100.0 * abs(a - b) for b in columns] for a in rows]
    return {
        "code": "Ok",
        "durations": far,
        "distances": [[value * 10 for value in row] for row in far],
        "sources": [{"hint": "x", "distance": 4.5, "name": "", "location": [0, 0]} for _ in rows],
        "destinations": [{"hint": "x", "distance": 1.5, "name": "", "location": [0, 0]} for _ in columns],
        "asked": len(places),
    }


def test_osrm_s_table_becomes_minutes_metres_and_snapped_metres(played):
    played.answer = osrm

    matrix = OsrmTravel(played.server()).matrix(spots(*PORTO))

    # Rows are asked as places 0 to 2, columns as 3 to 5.
    assert matrix.minutes.tolist() == pytest.approx(
        np.array([[0, 400, 500], [200, 0, 400], [100, 200, 0]]) / 60, abs=1e-5
    )
    assert matrix.metres.tolist() == [[0, 4000, 5000], [2000, 0, 4000], [1000, 2000, 0]]
    assert matrix.snapped_metres.tolist() == [4.5] * 3
    assert matrix.snapped_metres_to.tolist() == [1.5] * 3
    assert not matrix.is_estimate
    assert played.asked[0]["path"].startswith("/table/v1/driving/-8.610000,41.150000;-8.620000,41.160000;")


def test_a_large_matrix_is_asked_for_in_parts_and_put_together(played):
    played.answer = osrm
    places = spots(*((-8.6 - n / 1000, 41.15) for n in range(7)))

    whole = OsrmTravel(played.server(), rows_at_once=7, columns_at_once=7).matrix(places, places.iloc[:5])
    parts = OsrmTravel(played.server(), rows_at_once=3, columns_at_once=4).matrix(places, places.iloc[:5])

    assert len(played.asked) == 1 + 3 * 2
    assert parts.minutes.shape == whole.minutes.shape == (7, 5)
    assert (parts.minutes[[0, 1]] > 0).sum() == 8


def test_places_without_a_way_are_named(played):
    def answer(question: dict) -> dict:
        told = osrm(question)
        for row in told["durations"]:
            row[2] = None
        told["durations"][2] = [None] * 3
        return told

    played.answer = answer

    matrix = OsrmTravel(played.server()).matrix(spots(*PORTO))

    assert matrix.unreachable == ("c",)
    assert np.isinf(matrix.minutes[0, 2])
    assert matrix.minutes[2, 2] == 0


def test_osrm_s_steps_become_the_way_on_the_map(played):
    played.answer = lambda question: {
        "code": "Ok",
        "routes": [
            {
                "legs": [
                    {
                        "steps": [
                            {"geometry": {"type": "LineString", "coordinates": [[-8.61, 41.15], [-8.615, 41.155]]}},
                            {"geometry": {"type": "LineString", "coordinates": [[-8.615, 41.155], [-8.62, 41.16]]}},
                        ]
                    }
                ]
            }
        ],
    }
    places = spots(*PORTO[:2])

    (line,) = OsrmTravel(played.server()).path(places)

    assert line.coords[0] == places.iloc[0].coords[0]
    assert line.coords[-1] == places.iloc[1].coords[0]
    assert len(set(line.coords)) == 5 - 2
    assert played.asked[0]["steps"] == "true"


def test_where_a_server_knows_no_way_the_line_is_straight(played):
    played.answer = lambda question: {"code": "NoRoute", "message": "Impossible route between points"}

    (line,) = OsrmTravel(played.server()).path(spots(*PORTO[:2]))

    assert len(line.coords) == 2


def test_valhalla_s_cells_become_a_matrix(played):
    def answer(question: dict) -> dict:
        cells = [
            [
                {"from_index": a, "to_index": b, "time": None if (a, b) == (0, 1) else 60 * (a + b), "distance": a + b}
                for b in range(len(question["targets"]))
            ]
            for a in range(len(question["sources"]))
        ]
        return {"sources_to_targets": cells, "units": "kilometers"}

    played.answer = answer

    matrix = ValhallaTravel(played.server()).matrix(spots(*PORTO), spots(*PORTO[1:]).set_axis(["x", "y"]))

    assert matrix.minutes.tolist() == [[0, np.inf], [0, 2], [2, 0]]
    assert matrix.metres.tolist() == [[0, np.inf], [0, 2000], [2000, 0]]
    assert played.asked[0]["costing"] == "auto"
    assert played.asked[0]["sources"][0] == {"lon": -8.61, "lat": 41.15}


def test_valhalla_s_shape_becomes_the_way_on_the_map(played):
    # Three corners in the encoded form, with six decimals.
    played.answer = lambda question: {
        "trip": {"legs": [{"shape": encoded([(41.15, -8.61), (41.155, -8.612), (41.16, -8.62)])}]}
    }

    (line,) = ValhallaTravel(played.server()).path(spots(*PORTO[:2]))

    through = spots((-8.612, 41.155)).iloc[0]
    assert line.distance(through) < 0.1


def encoded(places: list[tuple[float, float]]) -> str:
    """The other way around from `decode_polyline`."""
    letters, last = [], (0, 0)
    for place in places:
        whole = tuple(round(value * 1e6) for value in place)
        for now, before in zip(whole, last, strict=True):
            value = (now - before) << 1
            value = ~value if now < before else value
            while value >= 32:
                letters.append(chr((32 | (value & 31)) + 63))
                value >>= 5
            letters.append(chr(value + 63))
        last = whole
    return "".join(letters)


def test_an_encoded_polyline_is_decoded():
    # The example in Google's description of the format, which has five decimals.
    assert decode_polyline("_p~iF~ps|U_ulLnnqC_mqNvxq`@", 5) == [[-120.2, 38.5], [-120.95, 40.7], [-126.453, 43.252]]


def test_openrouteservice_is_given_its_key_and_says_how_far_it_snapped(played):
    played.answer = lambda question: {
        "durations": [[0, 120.5], [None, 0]],
        "distances": [[0, 900.0], [None, 0]],
        "sources": [{"location": [0, 0], "snapped_distance": 12.25}, None],
        "destinations": [{"location": [0, 0], "snapped_distance": 1}, {"location": [0, 0]}],
    }

    matrix = OrsTravel(played.server(key=KEY)).matrix(spots(*PORTO[:2]))

    assert matrix.minutes.tolist() == [[0, pytest.approx(120.5 / 60, abs=1e-5)], [np.inf, 0]]
    assert matrix.snapped_metres.tolist() == [12.25, 0]
    assert played.asked[0]["key"] == KEY
    assert played.asked[0]["path"] == "/v2/matrix/driving-car"
    assert played.asked[0]["locations"][0] == [-8.61, 41.15]


def amap(question: dict) -> dict:
    count = len(question["origins"].split("|"))
    results = [
        {"origin_id": str(n + 1), "dest_id": "1", "distance": str(1000 * n), "duration": str(60 * n)}
        for n in range(count)
    ]
    return {"status": "1", "info": "OK", "infocode": "10000", "count": str(count), "results": results}


def test_amap_is_asked_one_destination_at_a_time_in_its_own_coordinates(played):
    played.answer = amap

    matrix = AmapTravel(played.server(key=KEY)).matrix(spots(*SHANGHAI, crs="EPSG:32651"))

    assert matrix.minutes.tolist() == [[0, 0, 0], [1, 0, 1], [2, 2, 0]]
    assert matrix.metres[2].tolist() == [2000, 2000, 0]
    assert len(played.asked) == 3
    lon, lat = (float(value) for value in played.asked[0]["destination"].split(","))
    # GCJ-02 lies some 500 m off in Shanghai.
    assert 0.003 < lon - 121.47 < 0.006
    assert -0.004 < lat - 31.23 < -0.001
    assert played.asked[0]["key"] == KEY


def test_amap_s_way_comes_back_where_the_places_are(played):
    played.answer = lambda question: {
        "status": "1",
        "infocode": "10000",
        "route": {"paths": [{"steps": [{"polyline": f"{question['origin']};{question['destination']}"}]}]},
    }
    places = spots(*SHANGHAI[:2], crs="EPSG:32651")

    (line,) = AmapTravel(played.server(key=KEY)).path(places)

    straight = places.iloc[0].distance(places.iloc[1])
    assert line.length == pytest.approx(straight, abs=0.5)


def test_an_origin_that_amap_leaves_out_is_asked_about_once_more(played):
    def answer(question: dict) -> dict:
        told = amap(question)
        if len(played.asked) == 1:
            del told["results"][1]
        return told

    played.answer = answer

    matrix = AmapTravel(played.server(key=KEY)).matrix(spots(*SHANGHAI), spots(*SHANGHAI[:1]))

    assert [len(question["origins"].split("|")) for question in played.asked] == [3, 1]
    assert np.isfinite(matrix.minutes).all()


def test_an_origin_that_amap_knows_no_way_from_is_named(played):
    def answer(question: dict) -> dict:
        told = amap(question)
        told["results"][1] = {"origin_id": "2", "dest_id": "1", "info": "NO_ROADS_NEARBY", "code": "2"}
        return told

    played.answer = answer

    matrix = AmapTravel(played.server(key=KEY)).matrix(spots(*SHANGHAI), spots(*SHANGHAI[:1]).set_axis(["home"]))

    assert matrix.unreachable == ("b",)


@pytest.mark.parametrize(
    ("code", "tries", "error", "told"),
    [
        ("10021", 4, UnavailableError, "over its limit"),
        ("10003", 1, DataError, "Today's questions are used up"),
        ("10001", 1, DataError, "Check the key"),
        ("20803", 1, DataError, "refused"),
    ],
)
def test_amap_s_refusals_say_what_to_do_and_only_haste_is_tried_again(played, code, tries, error, told):
    played.answer = lambda question: {"status": "0", "info": f"WORDS about {KEY}", "infocode": code}

    with pytest.raises(error, match=told) as refused:
        AmapTravel(played.server(key=KEY)).matrix(spots(*SHANGHAI))

    assert len(played.asked) == tries
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_after_a_longer_wait_each_time(played, status):
    played.answer = lambda question: (status, {}, b"later") if len(played.asked) < 4 else osrm(question)

    matrix = OsrmTravel(played.server()).matrix(spots(*PORTO))

    assert np.isfinite(matrix.minutes).all()
    assert played.waited == [0.5, 1.0, 2.0]


def test_a_server_that_says_when_to_come_back_is_heard_up_to_a_minute(played):
    waits = ["7", "100000"]
    played.answer = lambda question: (429, {"retry-after": waits.pop(0)}, b"") if waits else osrm(question)

    OsrmTravel(played.server()).matrix(spots(*PORTO))

    assert played.waited == [7.0, 60.0]


def test_a_server_that_stays_busy_is_told_with_the_number_of_tries(played):
    played.answer = lambda question: (503, {}, b"")

    with pytest.raises(UnavailableError, match=r"it is busy \(status 503\), 2 times"):
        OsrmTravel(played.server(tries=2)).matrix(spots(*PORTO))


def test_a_server_that_is_not_there_is_told(played):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(UnavailableError, match=r"did not answer \(ConnectError\), 3 times"):
            OsrmTravel(Server(url, tries=3, wait=played.waited.append)).matrix(spots(*PORTO))

    assert len(played.waited) == 2


def test_a_silent_server_is_given_up_after_the_time_out():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        server = Server(
            f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=0.05, tries=2, wait=lambda _: None
        )

        with pytest.raises(UnavailableError, match=r"did not answer \(ReadTimeout\), 2 times"):
            OsrmTravel(server).matrix(spots(*PORTO))


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>login</html>",
        b"[1, 2]",
        {"code": "Ok"},
        {"code": "Ok", "durations": [[1, 2]], "distances": [[1, 2]]},
        {"code": "Ok", "durations": [[1, 2], [3]], "distances": [[1, 2], [3, 4]]},
        {"code": "Ok", "durations": [["x"] * 3] * 3, "distances": [[0] * 3] * 3},
    ],
)
def test_an_answer_that_is_not_a_routing_server_s_is_told(played, answer):
    played.answer = lambda question: answer

    with pytest.raises(UnavailableError):
        OsrmTravel(played.server()).matrix(spots(*PORTO))


def test_a_refusal_is_told_in_the_server_s_words(played):
    said = {"code": "TooBig", "message": "Too many table coordinates"}
    played.answer = lambda question: (400, {}, said)

    with pytest.raises(DataError, match="it refused: Too many table coordinates"):
        OsrmTravel(played.server()).matrix(spots(*PORTO))


@pytest.mark.parametrize("kind", [AmapTravel, OrsTravel])
def test_the_key_is_in_no_log_message_or_representation(played, caplog, kind: type[ServerTravel]):
    caplog.set_level(logging.DEBUG)
    server = played.server(key=KEY, tries=2, timeout_seconds=2)
    played.answer = lambda question: (503, {}, KEY.encode())

    with pytest.raises(UnavailableError) as busy:
        kind(server).matrix(spots(*SHANGHAI))
    played.answer = lambda question: (403, {}, {"error": "Access to this API has been disallowed", "info": KEY})
    with pytest.raises((DataError, UnavailableError)) as refused:
        kind(server).matrix(spots(*SHANGHAI))

    assert caplog.records
    for text in (caplog.text, str(busy.value), str(refused.value), repr(server), repr(kind(server)), kind(server).name):
        assert KEY not in text


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("osrm+ftp://host", "not the address of a server"),
        ("osrm+http://", "not the address of a server"),
        ("osrm+http://me:pass@host", "holds more than a place"),
        ("amap+https://host?key=x", "holds more than a place"),
        ("boat+http://host", "There are osrm, valhalla, ors, amap"),
        ("http://host", "does not say what kind"),
    ],
)
def test_an_address_that_cannot_be_asked_is_refused_in_plain_words(address, told):
    with pytest.raises(DataError, match=told):
        open_travel(address)


def test_a_server_s_answers_are_kept(played, tmp_path):
    played.answer = osrm
    address = f"osrm+{played.url}"

    first = open_travel(address, folder=tmp_path).matrix(spots(*PORTO))
    again = open_travel(address, folder=tmp_path).matrix(spots(*PORTO))

    assert len(played.asked) == 1
    assert again.minutes.tolist() == first.minutes.tolist()


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NotFoundError, match="territory roads build"):
        open_travel(tmp_path / "none.roads")


def test_a_server_travels_to_another_process(played):
    played.answer = osrm
    travel = OsrmTravel(Server(played.url, key=KEY))
    first = travel.matrix(spots(*PORTO))

    again = pickle.loads(pickle.dumps(travel)).matrix(spots(*PORTO))

    assert again.minutes.tolist() == first.minutes.tolist()
