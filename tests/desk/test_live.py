"""The live board: whom the policy advises to send, on streets, as the night goes on."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from anlan import policy
from anlan.city import City
from anlan.city.projection import Projection
from anlan.city.roads import Edges
from anlan.city.streets import roads_of
from anlan.core.errors import AnlanError
from anlan.desk import Act, Desk, Ground, Live, Tree, fold_by
from anlan.model import Areas, Plan, Posts, Sites, Units
from anlan.model.procedures import ALL
from anlan.store import Store

AREA = "420106"
BLOCK_M = 400.0


def grid(n=9):
    """A town of n × n crossings 400 m apart; EPSG:32650."""
    cx, cy = (float(v) for v in Projection("EPSG:32650").forward(114.3, 30.6))
    at = (np.arange(n) - (n - 1) / 2) * BLOCK_M
    node = np.arange(n * n).reshape(n, n)
    u = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    v = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    x, y = np.tile(at, n) + cx, np.repeat(at, n) + cy
    edges = Edges.make(
        id=[str(i) for i in range(len(u))],
        u=u,
        v=v,
        road_class=["residential"] * len(u),
        length_m=np.full(len(u), BLOCK_M),
    )
    ends = np.column_stack([u, v]).ravel()
    return roads_of(edges, np.arange(0, 2 * len(u) + 1, 2), x[ends], y[ends])


@pytest.fixture(scope="module")
def city():
    areas = Areas.make(
        code=[AREA],
        parent=[""],
        level=["precinct"],
        name_zh=["所"],
        name_en=["Precinct"],
        geometry=np.array([shapely.box(114.2, 30.5, 114.4, 30.7)], dtype=object),
    )
    return City.build(grid(), name_en="Grid", tz="Asia/Shanghai", crs="EPSG:32650", areas=areas)


@pytest.fixture
def live(world, city, tmp_path):
    """Stations west, middle and east on one street, a unit at each; the clock is the world's."""
    lon = [114.285, 114.300, 114.315]
    sites = Sites.make(id=["W", "M", "E"], kind=["station"] * 3, lon=lon, lat=[30.6] * 3)
    units = Units.make(id=["w", "m", "e"], home=["W", "M", "E"])
    plan = Plan("test", sites, Posts.make(site=["W", "M", "E"]), units)
    now = world.now
    store = Store(tmp_path / "live.db", tmp_path / "keys", fold=fold_by(ALL), clock=lambda: now[0])
    desk = Desk(store, ALL, Tree({AREA: ""}), clock=lambda: now[0])
    world.desk = desk
    rules = policy.build({"dispatch": {"rule": "closest", "redispatch": [[3, 1]]}}, plan)
    made = Live(desk, city, plan, rules)
    made.unit = {}
    for name, home in (("w", "W"), ("m", "M"), ("e", "E")):
        made.unit[name] = world.do(
            "commander",
            "unit",
            "form",
            area=AREA,
            kind="patrol",
            name=name,
            home=home,
            turnout_s=30,
            where=AREA,
        )["subject"]
        world.do("dispatcher", "unit", "on_duty", made.unit[name], where=AREA)
    yield made
    store.close()


def ring(world, lon, priority=1):
    return world.do(
        "dispatcher", "call", "receive", area=AREA, where=AREA, category="theft", priority=priority, place=[lon, 30.6]
    )["subject"]  # fmt: skip


def person(world):
    return world.person("dispatcher", AREA)


def test_the_nearest_is_advised_with_its_time_reason_and_runner_up(world, live):
    call = ring(world, 114.316)
    advice = live.recommend(call)
    (choice,) = advice.choices
    assert [o.unit for o in choice.options] == [live.unit["e"], live.unit["m"], live.unit["w"]]
    first, second = choice.options[:2]
    assert first.wait_s == 30
    assert first.eta_s < second.eta_s
    assert second.runner_up
    assert advice.text.zh
    assert advice.text.en
    done = live.assign(person(world), call)
    task = world.desk.store.record(done["subject"])
    assert task.values["fields"]["unit"] == live.unit["e"]
    assert task.values["fields"]["travel_s"] == pytest.approx(first.eta_s, abs=0.1)
    assert live.recommend(call).choices == ()  # it has its unit


def test_an_override_asks_why_and_keeps_both(world, live):
    call = ring(world, 114.316)
    with pytest.raises(AnlanError, match="say why"):
        live.assign(person(world), call, live.unit["w"])
    done = live.assign(person(world), call, live.unit["w"], reason="knows the house")
    fields = world.desk.store.record(done["subject"]).values["fields"]
    assert (fields["unit"], fields["recommended"]) == (live.unit["w"], live.unit["e"])
    assert fields["reason"] == "knows the house"


def test_where_units_are_counts_while_it_is_fresh(world, live):
    call = ring(world, 114.316)
    live.seen(live.unit["w"], 114.3159, 30.6, world.now[0])
    assert live.recommend(call).first.unit == live.unit["w"]
    live.seen(live.unit["w"], 114.2, 30.6, world.now[0] - 10)  # an older word arrives late
    assert live.recommend(call).first.unit == live.unit["w"]
    world.later(301)
    assert live.recommend(call).first.unit == live.unit["e"]
    assert live.fixes() == {}


def test_a_unit_on_its_way_to_something_lesser_is_taken_as_the_policy_says(world, live):
    lesser = ring(world, 114.30, priority=3)
    for u in ("w", "e"):
        world.do("dispatcher", "unit", "pause", live.unit[u], where=AREA, reason="meal")
    live.assign(person(world), lesser)
    urgent = ring(world, 114.301, priority=1)
    option = live.recommend(urgent).first
    assert (option.unit, option.taken_from) == (live.unit["m"], lesser)
    same = ring(world, 114.301, priority=3)
    assert live.recommend(same).first is None
    live.assign(person(world), urgent)
    assert (world.state(urgent), world.state(lesser)) == ("assigned", "queued")
    assert world.state(live.unit["m"]) == "busy"


def test_nobody_free_is_said_not_raised_until_somebody_is_to_be_sent(world, live):
    for u in live.unit.values():
        world.do("dispatcher", "unit", "off_duty", u, where=AREA)
    call = ring(world, 114.3)
    advice = live.recommend(call)
    assert advice.first is None
    assert advice.text.en
    with pytest.raises(AnlanError, match="no unit can come now"):
        live.assign(person(world), call)


def test_units_follow_their_tasks(world, live):
    call = ring(world, 114.316)
    task = live.assign(person(world), call)["subject"]
    row = live.board().unit(live.unit["e"])

    def status():
        return live.board().units.status[row]

    assert status() == "en_route"
    world.do("officer", "task", "set_off", task, where=AREA)
    assert status() == "en_route"
    world.do("officer", "task", "arrive", task, where=AREA)
    assert status() == "busy"
    world.do("officer", "task", "finish", task, where=AREA)
    assert status() == "idle"
    standby = world.desk.act(
        person(world),
        Act("task", "assign", "", {"kind": "standby", "unit": live.unit["e"], "post": "W"}, AREA),
    )["subject"]
    assert (status(), live.board().units.post[row]) == ("moving", "W")
    world.do("officer", "task", "arrive", standby, where=AREA)
    assert (status(), live.board().units.at[row]) == ("idle", "W")
    world.do("officer", "task", "finish", standby, where=AREA)


def test_everybody_walks_by_the_citys_streets(city):
    ground = Ground(city)
    walk = ground.walking([114.3, 30.6], [[114.3, 30.6], [114.305, 30.6], [114.31, 30.6], [120.0, 30.6]])
    assert walk[0] == pytest.approx(0, abs=1)
    assert 0 < walk[1] < walk[2] < np.inf
    assert walk[3] == np.inf
    assert ground.walking([114.3, 30.6], []).shape == (0,)
