"""Rules as TOML."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from territory.errors import DataError
from territory.files import check_files, read_rules, write_rules
from territory.model import Rules


def test_an_empty_file_leaves_every_default(write):
    assert read_rules(write("", name="rules.toml")) == Rules()


def test_what_a_file_says_replaces_the_default_and_a_section_of_tiers_is_taken_whole(write):
    path = write(
        "[visits_per_year]",
        "X = 10",
        "[minutes_per_visit]",
        "X = 30.5",
        "[tolerance]",
        "workload = 0.1",
        "[travel]",
        "factor = 1.1",
        "[calendar]",
        "weeks_per_year = 44",
        "[potential]",
        "per_revenue = 1.5",
        name="rules.toml",
    )

    rules = read_rules(path)

    assert dict(rules.visits_per_year) == {"X": 10}
    assert dict(rules.tolerance) == {"potential": 0.05, "workload": 0.1}
    assert (rules.travel_factor, rules.weeks_per_year, rules.potential_per_revenue) == (1.1, 44, 1.5)
    assert rules.speed_kmh == Rules().speed_kmh


def test_every_fault_of_the_rules_is_told_at_once_with_the_valid_keys(write):
    path = write(
        "speed = 1",
        "[travels]",
        "[travel]",
        "speed = 60",
        "speed_kmh = 'fast'",
        "density_neighbours = 2.5",
        "[tolerance]",
        "potential = 5",
        "[visits_per_year]",
        "A = -1",
        "B = true",
        "C = nan",
        name="rules.toml",
    )

    with pytest.raises(DataError) as raised:
        read_rules(path)

    faults = [str(problem) for problem in raised.value.problems]
    assert len(faults) == 9
    assert faults[1].startswith("rules.toml, 'travels': There is no such section. Did you mean 'travel'?")
    assert "Did you mean 'speed_kmh'? There are speed_kmh, detour_factor" in faults[2]
    assert "5 is not a ratio above 0 and up to 1, as 0.05 for 5 %." in faults[5]


def test_tiers_that_contradict_each_other_are_told(write):
    path = write("[visits_per_year]", "A = 9", "[tier_shares]", "A = 0.5", "B = 0.4", name="rules.toml")

    with pytest.raises(DataError) as raised:
        read_rules(path)

    told = str(raised.value)
    assert "The shares add up to 0.9, not to 1." in told
    assert "[visits_per_year]: It lacks tier B, C, D of [minutes_per_visit]." in told


@pytest.mark.parametrize(
    ("lines", "what"), [(["a = "], "It is not TOML"), (["travel = 3"], "This is a section, not a value")]
)
def test_a_file_that_is_no_rules_is_told(write, lines, what):
    with pytest.raises(DataError, match=what):
        read_rules(write(*lines, name="rules.toml"))


def test_faults_of_the_rules_are_told_with_those_of_the_customers(write):
    customers = write("id,lon,lat", "1,2,north")

    faults = check_files(customers, rules=write("[travel]", "x = 1", name="rules.toml")).faults

    assert [fault.where.split(",")[0] for fault in faults] == ["rules.toml", "customers.csv", "customers.csv"]


positive = st.floats(0.001, 1e6) | st.integers(1, 10**6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.text(min_size=1), positive, min_size=1), positive, positive)
def test_rules_read_back_as_they_were_written(tmp_path, tiers, speed, factor):
    rules = replace(
        Rules(),
        visits_per_year=tiers,
        minutes_per_visit=tiers,
        speed_kmh=speed,
        travel_factor=factor,
        potential_by_tier={},
    )

    write_rules(rules, tmp_path / "rules.toml")

    assert read_rules(tmp_path / "rules.toml") == rules
