"""A run over a city: ten kilometres of one street at 60 km/h, a station at each end.

With lights a kilometre takes a minute; as other traffic it takes two. The clock begins on Monday 4 July 2022, 00:00
in Wuhan; slot 0 is that hour.
"""

import datetime as dt

import numpy as np
import pytest

from anlan.city import City
from anlan.city.projection import Projection
from anlan.city.roads import Edges
from anlan.city.streets import roads_of
from anlan.core.errors import AnlanError
from anlan.model import Calls, Plan, Posts, Sites, Units
from anlan.simulation import Durations, Lognormal, simulate
from anlan.simulation.drives import MOST, travels_by_hour
from anlan.simulation.scenario import MODES

START = dt.datetime(2022, 7, 3, 16, tzinfo=dt.UTC).timestamp()
X0, Y0 = (float(v) for v in Projection("EPSG:32650").forward(114.30, 30.60))
HOUR = 3600.0


def street(week=None):
    n = 10
    edges = Edges.make(
        n,
        id=[f"e{k}" for k in range(n)],
        u=np.arange(n),
        v=np.arange(1, n + 1),
        road_class=["primary"] * n,
        backward=[True] * n,
        length_m=np.full(n, 1000.0),
        speed_kmh=np.full(n, 60.0),
    )
    x = X0 + np.stack([np.arange(n), np.arange(1, n + 1)], 1).ravel() * 1000.0
    roads = roads_of(edges, np.arange(0, 2 * n + 1, 2), x, np.full(2 * n, Y0))
    speed = {"mode": {"lights": 1.0, "ordinary": 0.5}, **({} if week is None else {"week": {"*": week}})}
    return City.build(
        roads, name_zh="长街", name_en="Long Street", tz="Asia/Shanghai", crs="EPSG:32650", speed=speed
    )


def calls_at(city, *rows, category=None, area=None, beside_m=0.0):
    """Calls from (seconds after the start, kilometre, priority)."""
    at, km, priority = (np.array(c, float) for c in zip(*rows, strict=True))
    n = len(rows)
    return city.placed(
        Calls.make(
            n,
            id=[f"c{k}" for k in range(n)],
            received=START + at,
            x=X0 + km * 1000.0,
            y=np.full(n, Y0 + beside_m),
            priority=priority.astype(int),
            category=category or ["theft"] * n,
            area=area or [""] * n,
        )
    )


def plan_for(city, policy, kinds=("patrol", "patrol"), shifts=("", ""), posts=None):
    sites = city.placed(
        Sites.make(
            3,
            id=["west", "mid", "east"],
            kind=["station"] * 3,
            lon=np.full(3, np.nan),
            lat=np.full(3, np.nan),
            x=X0 + np.array([0.0, 5000.0, 10_000.0]),
            y=np.full(3, Y0),
        )
    )
    units = Units.make(2, id=["A", "B"], kind=list(kinds), home=["west", "east"], shift=list(shifts))
    return Plan("street", sites, Posts.empty() if posts is None else posts, units, policy)


QUICK = Durations(on_scene=Lognormal(600.0, 0.0), turnout_s=0.0)


def run(city, calls, policy, durations=QUICK, **plan):
    return simulate(city, calls, plan_for(city, policy, **plan), seed=1, durations=durations, warm_up_s=0.0)


def test_lights_to_urgent_calls_ordinary_to_others():
    city = street()
    got = run(city, calls_at(city, (0, 2, 1), (2 * HOUR, 2, 2), (4 * HOUR, 9, 1)), "closest").outcomes
    np.testing.assert_allclose(got.response_s, [120, 240, 60], atol=0.01)
    assert got.unit.tolist() == ["A", "A", "B"]


def test_each_hour_has_its_speed_and_the_way_back_has_that_of_its_own():
    week = [1.0] * 168
    week[1] = 0.5
    city = street(week)
    rows = [(0, 2, 1), (HOUR, 2, 1), (HOUR + 900, 2, 1)]
    got = run(city, calls_at(city, *rows), "closest").outcomes
    # The second hour is half as fast: 240 s. A clears at 840 and drives home, four minutes a kilometre: at 900 it
    # has three to go to the next junction, and two back with lights.
    np.testing.assert_allclose(got.response_s, [120, 240, 300], atol=0.01)
    assert travels_by_hour(city, MODES)[1][:, :3].tolist() == [[1, 0, 1], [3, 2, 3]]


def test_hours_of_many_speeds_are_driven_in_few_sets():
    city = street(np.linspace(0.5, 1.5, 168).tolist())
    travels, rows, said = travels_by_hour(city, MODES)
    assert len(travels) == 2 * MOST
    assert len(np.unique(rows[0])) == MOST
    assert (np.diff(rows[0]) >= 0).all()
    assert str(MOST) in said[0].en


def test_the_way_from_the_road_is_counted_where_a_speed_is_given():
    city = street()
    calls = calls_at(city, (0, 2.5, 1), beside_m=100.0)
    slow = Durations(on_scene=Lognormal(600.0, 0.0), turnout_s=0.0, off_road_kmh=6.0)
    assert run(city, calls, "closest").outcomes.response_s[0] == pytest.approx(150, abs=0.05)
    got = run(city, calls, "closest", slow)
    assert got.outcomes.response_s[0] == pytest.approx(150 + 60, abs=0.5)
    assert any("6 km/h" in text.en for text in got.assumptions)


def test_a_run_card_sends_two_units_and_the_call_is_one_row():
    city = street()
    calls = calls_at(city, (0, 3, 1), (5 * HOUR, 9, 1), category=["fight", "theft"])
    policy = {"run_cards": {"fight": "patrol + supervisor"}}
    got = run(city, calls, policy, kinds=("patrol", "supervisor"))
    assert got.outcomes.unit.tolist() == ["A", "B"]
    np.testing.assert_allclose(got.outcomes.response_s, [180, 60], atol=0.01)
    # The supervisor comes last, at 420 s, and stays its ten minutes.
    assert got.outcomes.cleared[0] - START == pytest.approx(1020, abs=0.01)
    events = got.events
    arrived = events.transition == "arrived"
    assert events.subject[arrived].tolist() == ["c0", "c0", "c1"]
    assert events.unit[arrived].tolist() == ["A", "B", "B"]
    with pytest.raises(AnlanError, match="the plan has 0 such units"):
        run(city, calls, policy)


def test_kilometres_are_those_driven():
    city = street()
    got = run(city, calls_at(city, (0, 2, 1), (3 * HOUR, 9, 2), (6 * HOUR, 2, 1)), "closest").workload
    # A drives 2 km out and back and 2 km out again; B one kilometre out and one back.
    driven = got.km * got.duty_s / 86400.0
    np.testing.assert_allclose(driven, [6.0, 2.0], rtol=1e-3)


def test_shifts_are_local_time():
    city = street()
    rows = [(7 * HOUR, 1, 1), (9 * HOUR, 1, 1), (20 * HOUR, 1, 1)]
    got = run(city, calls_at(city, *rows), "closest", shifts=("08:00-16:00", "")).outcomes
    assert got.unit.tolist() == ["B", "A", "B"]


def test_posts_of_the_hour_are_held():
    city = street()
    posts = Posts.make(1, site=["mid"], slot_from=[0], slot_to=[2], units=[1])
    got = run(city, calls_at(city, (0, 9, 1), (HOUR, 5, 1), (4 * HOUR, 0, 1)), "posts", posts=posts).outcomes
    # A waits in the middle for two hours and is home again for the third.
    assert got.unit.tolist() == ["B", "A", "A"]
    np.testing.assert_allclose(got.response_s, [60, 0, 0], atol=0.01)
    with pytest.raises(AnlanError, match="'north'"):
        run(city, calls_at(city, (0, 9, 1)), "posts", posts=posts.replaced(site=np.array(["north"], object)))


def test_stations_answer_for_their_areas():
    city = street()
    policy = {
        "dispatch": {"rule": "jurisdiction", "tolerance_s": 300, "areas": {"east": ["X"], "west": ["Y"]}}
    }
    calls = calls_at(city, (0, 3, 1), (3 * HOUR, 3, 1), (6 * HOUR, 2, 1), area=["X", "Y", "X"])
    got = run(city, calls, policy).outcomes
    # From kilometre 3, east is four minutes later than west: within five; from 2 it is six.
    assert got.unit.tolist() == ["B", "A", "A"]
