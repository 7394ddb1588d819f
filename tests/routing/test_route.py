"""A rep's day for people: stops, who is left out and why, a new plan at noon, the best day for an appointment."""

import pandas as pd
import pytest

from territory.errors import DataError, NotFoundError
from territory.model import Portfolio
from territory.routing import Route, best_days_for, check_day, nearby, solve_route
from territory.rules import Rules
from tests.worlds import portfolio_of

A_KM_A_MINUTE = Rules(detour_factor=1.0, speed_kmh=60.0)
WEDNESDAY = "2027-03-03"


def street(*kilometres: float, **columns: list) -> Portfolio:
    """Customers "1", "2", ... of R1, who lives at 0: a kilometre takes a minute, a visit half an hour."""
    count = len(kilometres)
    ids = pd.Index([str(n + 1) for n in range(count)], name="customer_id")
    known = {"potential": 100.0, "visits_per_year": 10.0, "minutes_per_visit": 30.0, "territory": "T1"}
    customers = pd.DataFrame({"x": [km * 1000 for km in kilometres], "y": 0.0, **known, **columns}, index=ids)
    rep = {"x": [0.0], "y": [0.0], "territory": ["T1"], "work_from": ["08:00"], "work_until": ["12:00"]}
    reps = pd.DataFrame(rep, index=pd.Index(["R1"], name="rep_id"))
    return portfolio_of(customers, reps, A_KM_A_MINUTE)


def route_on(portfolio: Portfolio, **asked: object) -> Route:
    return solve_route(portfolio, **{"rep": "R1", "day": WEDNESDAY, "pause": None, **asked})


def times(moments: pd.Series) -> list[str]:
    return moments.dt.strftime("%H:%M").tolist()


def test_a_route_tells_when_one_is_where():
    route = route_on(street(10, 20))

    assert route.certificate == "optimal"
    assert sorted(route.stops["customer_id"]) == ["1", "2"]
    assert route.drive_km == 40
    assert route.home == pd.Timestamp("2027-03-03 09:40")
    assert route.is_estimate


def test_stops_follow_each_other_in_time():
    route = route_on(street(10, 20), visits=pd.DataFrame({"customer_id": ["2", "1"], "appointment": ["09:00", None]}))

    assert route.stops["customer_id"].tolist() == ["1", "2"]
    assert times(route.stops["arrive"]) == ["08:10", "08:50"]
    assert times(route.stops["start"]) == ["08:10", "09:00"]
    assert times(route.stops["leave"]) == ["08:40", "09:30"]
    assert route.stops["wait_minutes"].tolist() == [0.0, 10.0]
    assert route.stops["drive_km"].tolist() == [10.0, 10.0]


def test_every_route_passes_the_independent_check():
    route = route_on(street(10, 20, 35, 50), pause=("09:00", "10:00", 30))

    assert check_day(route.plan, **route.request.arguments) == []
    begin, until = route.pause
    assert until - begin == pd.Timedelta(minutes=30)


def test_a_closed_customer_is_left_out_with_its_weekdays():
    route = route_on(street(10, 20, weekdays=[None, "Mon, Tue"]))

    row = route.unvisited.iloc[0]
    assert (row["customer_id"], row["code"], row["reason"]) == ("2", "closed", "closed on Wed: open Mon, Tue")


def test_a_reason_is_told_in_chinese_beside_english():
    closed = route_on(street(10, 20, weekdays=[None, "Mon, Tue"])).unvisited
    full = street(60, 60, 60, 60, potential=[400.0, 300.0, 200.0, 100.0], name=["A", "B", "C", "D"])

    dropped = route_on(full, shift=("08:00", "11:30")).unvisited

    assert closed["reason_zh"].tolist() == ["周三不接待：接待日为 Mon, Tue"]
    assert dropped["reason_zh"].tolist() == ["只有取消 C 才能安排，或加班 30 分钟（驾驶 +0 分钟）"]


def test_a_customer_that_closes_too_early_is_unreachable():
    route = route_on(street(100, 20, open_from=["08:00", None], open_until=["09:00", None]))

    row = route.unvisited.iloc[0]
    assert (row["customer_id"], row["code"]) == ("1", "unreachable")
    assert row["reason"] == "may start until 08:30, and is reached at 09:40 at the earliest"


def test_a_visit_that_takes_longer_than_the_day_says_so():
    route = route_on(street(110, 20))

    assert route.unvisited["code"].tolist() == ["too long"]
    assert route.unvisited["reason"][0] == "too long for the day: 110 min there, 30 min visit, 110 min back"


def test_a_visit_conflicts_with_an_appointment_by_name():
    asked = pd.DataFrame({"customer_id": ["1", "2"], "appointment": ["09:00", None], "windows": [None, "09:00-09:10"]})

    route = route_on(street(40, 10, name=["Acme", "Bolt"]), visits=asked)

    assert route.stops["customer_id"].tolist() == ["1"]
    assert route.unvisited["reason"].tolist() == ["conflicts with Acme at 09:00"]


def test_a_visit_that_does_not_fit_tells_who_would_go_and_how_much_longer_the_day_would_be():
    town = street(60, 60, 60, 60, potential=[400.0, 300.0, 200.0, 100.0], name=["A", "B", "C", "D"])

    route = route_on(town, shift=("08:00", "11:30"))

    row = route.unvisited.iloc[0]
    assert (row["customer_id"], row["code"], row["instead_of"]) == ("4", "dropped", "3")
    assert row["overtime_minutes"] == 30
    assert row["reason"] == "fits only if C goes, or 30 min of overtime (+0 min of driving)"


def test_musts_that_exclude_each_other_are_named_by_customer():
    asked = pd.DataFrame({"customer_id": ["1", "2"], "appointment": ["09:00", "09:10"]})

    route = route_on(street(40, 10), visits=asked)

    assert route.certificate == "infeasible"
    assert [problem.where for problem in route.reasons] == ["visits 1 and 2"]
    assert route.reasons[0].zh.startswith("拜访 1、2：都必须拜访，")


def test_a_day_may_start_and_end_at_a_hotel():
    route = route_on(street(10, 20), start="1", end="2")

    assert route.drive_km == 10


def test_the_way_is_drawn_from_stop_to_stop_and_home():
    route = route_on(street(10, 20))

    assert route.geometry.index.tolist() == [1, 2, 0]
    assert route.geometry.length.sum() == pytest.approx(40_000)


def test_a_rep_without_a_list_visits_those_due_most():
    customers = {"last_visit": ["2027-02-20", "2026-06-01"], "minutes_per_visit": [200.0, 200.0]}

    route = route_on(street(10, 10, **customers))

    assert len(route.stops) == 1


def test_at_noon_the_rest_of_the_day_is_planned_anew():
    town = street(10, 20, 30, 40)
    morning = route_on(town, visits=["1", "2", "3"])
    first = morning.stops["customer_id"][0]
    later = [name for name in ("1", "2", "3") if name != first]

    afternoon = morning.replan(time="09:30", done=[first], cancelled=later[:1], urgent=["4"])

    assert set(afternoon.stops["customer_id"]) == {later[1], "4"}
    assert afternoon.stops.set_index("customer_id").loc["4", "must"]
    assert afternoon.depart >= pd.Timestamp("2027-03-03 09:30")


def test_a_break_that_is_over_is_not_taken_again():
    morning = route_on(street(10, 20, 35, 50), pause=("09:00", "10:00", 30))

    assert morning.replan(time="11:00", done=["1"]).pause is None
    assert morning.replan(time="08:50", done=["1"]).pause is not None


def test_an_appointment_costs_least_on_the_day_that_is_near_already():
    town = street(10, -40, 41)
    days = [route_on(town, day=f"2027-03-0{day}", visits=[visit]) for day, visit in [(3, "1"), (4, "2")]]

    table = best_days_for(days, "3")

    assert table["detour_minutes"].tolist() == [62.0, 82.0]
    assert table["fits"].all()


def test_a_full_day_tells_who_would_have_to_go_for_an_appointment():
    town = street(10, 10, minutes_per_visit=[200.0, 100.0])

    table = best_days_for([route_on(town, visits=["1"])], "2")

    assert (table["fits"][0], table["instead_of"][0]) == (False, "1")


def test_customers_on_the_way_are_worth_a_stop():
    town = street(50, 20, 25, 200)

    table = nearby(route_on(town, visits=["1"]), max_detour=20)

    assert table["customer_id"].tolist() == ["2", "3"]
    assert table["detour_minutes"].tolist() == [0.0, 0.0]


def test_what_does_not_exist_is_told_with_what_does():
    with pytest.raises(NotFoundError):
        route_on(street(10), rep="R9")
    with pytest.raises(NotFoundError):
        route_on(street(10), visits=["9"])


def test_every_fault_of_a_request_is_told_at_once():
    asked = pd.DataFrame({"customer_id": ["1", "1"], "appointment": ["noon", None]})

    with pytest.raises(DataError) as raised:
        route_on(street(10), visits=asked, day="tomorrow", shift=("12:00", "08:00"), pause=("x", "y", 3))

    told = [problem.where for problem in raised.value.problems]
    assert told == ["visits, '1'", "day", "rep 'R1', working hours", "pause"]


def test_a_rep_whose_home_nobody_knows_needs_a_start():
    town = street(10)
    homeless = portfolio_of(
        pd.DataFrame(town.customers.drop(columns="geometry")).assign(x=10_000.0, y=0.0),
        pd.DataFrame({"x": [float("nan")], "y": [float("nan")], "territory": ["T1"]}, index=["R1"]),
        A_KM_A_MINUTE,
    )

    with pytest.raises(DataError, match="home is not known"):
        route_on(homeless)
