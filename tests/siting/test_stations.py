"""Stations of Two Towns: a road of eleven junctions 1 km apart, all calls at its ends, stations in between."""

import itertools
import math

import numpy as np
import pytest

from anlan.city.city import City
from anlan.city.present import present_plan
from anlan.city.roads import Edges, Roads
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.model import Demand, Plan, Positions, Sites
from anlan.siting import Workload, candidate_sites, measure, plan_stations, read_demand, workload
from anlan.siting.crews import crews, spread
from anlan.siting.places import thinned
from anlan.siting.stations import served
from anlan.siting.words import reached, summary

N, STEP = 11, 1000.0
EAST, NORTH = 500_000.0, 3_400_000.0


def road():
    x = EAST + np.arange(N) * STEP
    y = np.full(N, NORTH)
    u, v = np.arange(N - 1), np.arange(1, N)
    return Roads(
        edges=Edges.make(
            id=[f"e{k}" for k in u], u=u, v=v, road_class=["primary"] * (N - 1),
            length_m=np.full(N - 1, STEP), speed_kmh=np.full(N - 1, 60.0), name=["The Road"] * (N - 1),
        ),
        start=np.arange(N) * 2, x=np.stack([x[u], x[v]], 1).ravel(), y=np.stack([y[u], y[v]], 1).ravel(),
        node_x=x, node_y=y,
    )  # fmt: skip


@pytest.fixture(scope="module")
def towns():
    sites = Sites.make(
        id=["A", "B"], kind=["station", "station"], lon=[np.nan] * 2, lat=[np.nan] * 2,
        x=EAST + np.array([4, 5]) * STEP, y=np.full(2, NORTH), capacity=[2, 1],
    )  # fmt: skip
    return City.build(
        road(), name_en="Two Towns", tz="Asia/Shanghai", crs="EPSG:32650", sites=sites, rings_s=(60, 180)
    )


def calls_at(city, km, volume):
    km = np.asarray(km, float)
    edge = np.minimum(km.astype(int), N - 2)
    positions = Positions(edge, (km - edge) * STEP)
    x, y = city.locate(positions)
    n = len(km)
    names = np.array([f"p{k:g}" for k in km], dtype=object)
    volume = np.asarray(volume, float)[None, :]
    return Demand(
        ("all",), names, x, y, positions, np.full(n, "", object), volume, np.full((1, 168), 1 / 168), volume,
        1.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def demand(towns):
    return calls_at(towns, [0, 1, 9, 10, 5], [30.0, 10.0, 20.0, 20.0, 5.0])


def test_stations_go_to_the_towns(towns, demand):
    found = plan_stations(towns, demand, present=present_plan(towns), limit=20)
    assert found.siting.status == "optimal"
    km = (found.candidates.x[found.sites] - EAST) / STEP
    assert km.min() <= 1
    assert km.max() >= 9
    assert found.proposed.within[0] > found.present.within[0]
    assert found.present_objective < found.siting.objective
    assert len(found.plan.units) == 3
    assert sorted(found.plan.units.id) == sorted(present_plan(towns).units.id)
    assert found.plan.posts.units.sum() == 3
    assert set(found.plan.units.home) == set(found.plan.posts.site)


def test_it_is_the_best_pair_of_candidates(towns, demand):
    found = plan_stations(towns, demand, model="p_median", p=2, present=present_plan(towns), limit=20)
    cost, w = found.cost.astype(float), demand.weight()
    best = min(
        float(cost[:, list(pair)].min(axis=1) @ w)
        for pair in itertools.combinations(range(len(found.candidates)), 2)
    )
    assert found.siting.objective == pytest.approx(best)
    assert found.proposed.mean_s == pytest.approx(best / w.sum())


def test_the_next_one_leaves_the_present_ones_alone(towns, demand):
    found = plan_stations(towns, demand, next_k=1, present=present_plan(towns), limit=20)
    assert found.kept.tolist() == [0, 1]
    assert len(found.new) == 1
    homes = dict(zip(found.plan.posts.site, found.plan.posts.units, strict=True))
    assert homes["A"] == 2
    assert homes["B"] == 1
    assert len(found.plan.units) == 4
    assert dict(zip(found.plan.units.id, found.plan.units.home, strict=True))["A-1"] == "A"


def test_kept_and_forbidden_sites(towns, demand):
    first = plan_stations(towns, demand, p=2, present=present_plan(towns), limit=20)
    worst = str(first.candidates.id[first.new[0]])
    found = plan_stations(
        towns, demand, p=2, keep=["B"], forbid=[worst], present=present_plan(towns), limit=20
    )
    ids = found.candidates.id[found.sites].tolist()
    assert "B" in ids
    assert worst not in ids
    assert found.siting.objective <= first.siting.objective


def test_a_budget_and_prices(towns, demand):
    found = plan_stations(
        towns, demand, budget=3.0, site_cost={"A": 0.5, "B": 0.5}, present=present_plan(towns), limit=20
    )
    price = [0.5 if i in ("A", "B") else 1.0 for i in found.candidates.id[found.sites]]
    assert sum(price) <= 3.0
    assert found.siting.objective >= plan_stations(towns, demand, p=3, limit=20).siting.objective - 1e-9


def test_busy_units_stand_together(towns, demand):
    load = Workload(2.0, 1800.0)
    found = plan_stations(
        towns, demand, model="mexclp", p=4, busy=load, present=present_plan(towns), limit=20
    )
    assert found.plan.posts.units.sum() == 4
    assert len(found.plan.units) == 4
    assert found.siting.details["turns"]
    assert found.siting.objective <= demand.weight().sum()


def test_two_units_for_everybody(towns, demand):
    found = plan_stations(towns, demand, model="dsm", p=4, rings_s=(60, 120, 600), limit=20)
    assert found.siting.status == "optimal"
    assert found.proposed.worst_s <= 600
    tight = plan_stations(towns, demand, model="dsm", p=1, rings_s=(60, 120), limit=20)
    assert tight.siting.status == "infeasible"
    assert not len(tight.plan.units)
    assert "smallest change" in " ".join(t.en for t in summary(tight))


def test_only_some_hours_count(towns):
    volume = np.array([[10.0, 0.0], [0.0, 10.0]])
    day, night = np.zeros(168), np.zeros(168)
    day[:84], night[84:] = 1 / 84, 1 / 84
    at = calls_at(towns, [0, 10], [1.0, 1.0])
    demand = Demand(
        ("day", "night"),
        at.place,
        at.x,
        at.y,
        at.positions,
        at.area,
        volume,
        np.stack([day, night]),
        volume,
        1.0,
    )
    first = plan_stations(towns, demand, p=1, slot=np.arange(84), limit=20)
    second = plan_stations(towns, demand, p=1, slot=np.arange(84, 168), limit=20)
    assert first.candidates.x[first.sites[0]] < second.candidates.x[second.sites[0]]


def test_a_cancelled_search_still_gives_a_plan(towns, demand):
    job = Job()
    job.cancel()
    found = plan_stations(towns, demand, present=present_plan(towns), limit=20, job=job)
    assert len(found.sites) == 2
    assert found.siting.bound >= found.siting.objective
    assert "request" in found.siting.message


def test_candidates_are_spread_and_begin_with_the_stations(towns, demand):
    sites = candidate_sites(towns, demand, towns.sites, limit=6, spacing_m=900.0)
    assert sites.id[:2].tolist() == ["A", "B"]
    assert len(sites) == 6
    assert sites.x[2] == pytest.approx(EAST)  # the busiest place comes first
    gaps = np.abs(sites.x[2:, None] - sites.x[None, 2:])
    assert gaps[~np.eye(4, dtype=bool)].min() >= 900
    again = candidate_sites(towns, demand, towns.sites, limit=6, spacing_m=900.0)
    assert again.x.tolist() == sites.x.tolist()


def test_a_layer_of_candidates_replaces_the_made_ones(towns, demand):
    layer = Sites.make(
        id=["mine", "A", "far"], kind=["candidate"] * 3, lon=[np.nan] * 3, lat=[np.nan] * 3,
        x=EAST + np.array([0.0, 1.0, 900_000.0]), y=np.full(3, NORTH),
    )  # fmt: skip
    sites = candidate_sites(towns, demand, towns.sites, layer=layer)
    assert sites.id.tolist() == ["A", "B", "mine"]


def test_thinning_keeps_the_order():
    x = np.array([0.0, 50.0, 100.0, 149.0, 250.0])
    assert thinned(x, np.zeros(5), 100.0, 9).tolist() == [0, 2, 4]
    assert thinned(x, np.zeros(5), 100.0, 2).tolist() == [0, 2]
    assert thinned(x, np.zeros(5), 0.0, 3).tolist() == [0, 1, 2]


def test_units_are_shared_out_by_calls():
    assert spread(6, np.array([60.0, 20.0, 1.0]), np.zeros(3, np.int64)).tolist() == [4, 1, 1]
    assert spread(2, np.array([1.0, 5.0, 3.0]), np.zeros(3, np.int64)).tolist() == [0, 1, 1]
    assert spread(4, np.array([0.0, 9.0]), np.array([2, 0])).tolist() == [2, 2]


def test_units_take_the_shortest_ways_to_their_new_homes(towns):
    chosen = Sites.make(
        id=["W", "E"], kind=["post"] * 2, lon=[np.nan] * 2, lat=[np.nan] * 2,
        x=EAST + np.array([0.0, 10.0]) * STEP, y=np.full(2, NORTH),
    )  # fmt: skip
    chosen = towns.placed(chosen)
    units = crews(towns, present_plan(towns), chosen, np.array([2, 1]))
    assert dict(zip(units.id, units.home, strict=True)) == {"A-1": "W", "A-2": "W", "B-1": "E"}
    more = crews(towns, present_plan(towns), chosen, np.array([2, 3]))
    assert len(more) == 5
    assert len(set(more.id)) == 5
    assert len(crews(towns, present_plan(towns), chosen, np.array([1, 0]))) == 1


def test_measures_of_a_layout():
    cost = np.array([[10.0, 50.0], [30.0, 20.0], [np.inf, 90.0]])
    m = measure(cost, np.array([1.0, 3.0, 0.0]), np.array([0]), (15.0, 40.0))
    assert m.within == (0.25, 1.0)
    assert m.mean_s == pytest.approx(25.0)
    assert m.worst_s == 30.0
    assert m.unreached == 0.0
    cut = measure(cost, np.array([1.0, 2.0, 1.0]), np.array([0]), (15.0,))
    assert (cut.worst_s, cut.unreached, cut.within) == (30.0, 0.25, (0.25,))
    assert cut.mean_s == pytest.approx(70.0 / 3)
    told = reached(cut, (15.0,)).en
    assert "25.0% of calls lie where nobody can drive" in told
    assert "inf" not in told
    none = measure(cost, np.array([0.0, 0.0, 1.0]), np.array([0]), (15.0,))
    assert math.isinf(none.worst_s)
    assert "inf" not in reached(none, (15.0,)).en
    # The place that nobody reaches is nobody's, so it makes no site's mean infinite.
    assert served(cost, np.ones(3), np.array([0])).tolist() == [2.0]


def test_demand_from_a_table_of_points(towns, tmp_path):
    lon, lat = towns.unproject(
        EAST + np.array([0.0, 10.0, 5.0]) * STEP, NORTH + np.array([0.0, 0.0, 90_000.0])
    )
    rows = "".join(f"{a},{b},{c}\n" for a, b, c in zip(lon, lat, (10, 20, 7), strict=True))
    (tmp_path / "d.csv").write_text("lon,lat,calls\n" + rows, encoding="utf-8")
    demand, lost = read_demand(towns, tmp_path / "d.csv", weeks=2.0)
    assert demand.weight().tolist() == [5.0, 10.0]
    assert lost == pytest.approx(3.5)
    assert demand.profile.sum() == pytest.approx(1.0)


def test_demand_from_a_table_of_areas_lies_on_their_streets(towns, tmp_path):
    import shapely

    from anlan.model import Areas

    def box(a, b):
        corner = towns.unproject(EAST + np.array([a, b]) * STEP, NORTH + np.array([-500.0, 500.0]))
        return shapely.box(corner[0][0], corner[1][0], corner[0][1], corner[1][1])

    areas = Areas.make(
        code=["W", "E", "X"], parent=["", "", ""], level=["precinct"] * 3, name_zh=["西", "东", "空"],
        geometry=[box(-1, 3), box(3, 11), box(20, 21)],
    )  # fmt: skip
    city = towns.replaced(areas=areas)
    (tmp_path / "d.csv").write_text("area,calls\nW,30\nE,70\nX,5\n", encoding="utf-8")
    demand, lost = read_demand(city, tmp_path / "d.csv")
    west = demand.x < EAST + 3 * STEP
    assert demand.weight()[west].sum() == pytest.approx(30.0)
    assert demand.weight()[~west].sum() == pytest.approx(70.0)
    assert lost == pytest.approx(5.0)
    assert np.ptp(demand.weight()[west]) < 1e-9  # equal streets, equal shares


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("area,number\nW,1\n", "has calls and either area"),
        ("lon,lat,calls\n114,30,many\n", "it is a number"),
        ("lon,lat,calls\n114,30,-1\n", "0 or more"),
        ("lon,lat,calls\n0,0,1\n", "none of its calls"),
        ("area,calls\nnowhere,1\n", "area nowhere"),
    ],
)
def test_a_bad_table_is_one_sentence(towns, tmp_path, text, says):
    (tmp_path / "d.csv").write_text(text, encoding="utf-8")
    with pytest.raises(AnlanError, match=says):
        read_demand(towns, tmp_path / "d.csv")


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        ({"model": "magic"}, "it is one of"),
        ({"p": 2, "next_k": 1}, "leave one out"),
        ({"p": 500}, "only .* candidate sites"),
        ({"keep": ["Z"]}, "keep Z"),
        ({"keep": ["A"], "forbid": ["A"], "p": 2}, "fixed and forbidden"),
        ({"keep": ["A", "B"], "p": 1}, "2 sites are fixed"),
        ({"model": "mexclp"}, "how busy they are"),
        ({"rings_s": [0.5], "candidates": None, "p": 1, "forbid": []}, None),
    ],
)
def test_what_cannot_be_asked_says_why(towns, demand, ask, says):
    if says is None:
        assert plan_stations(towns, demand, limit=20, **ask).siting.objective > 0
        return
    with pytest.raises(AnlanError, match=says):
        plan_stations(towns, demand, present=present_plan(towns), limit=20, **ask)


def test_without_stations_a_number_is_needed(towns, demand):
    with pytest.raises(AnlanError, match="say how many"):
        plan_stations(towns, demand, limit=20)
    with pytest.raises(AnlanError, match="there are none"):
        plan_stations(towns, demand, next_k=1, limit=20)
    with pytest.raises(AnlanError, match="how busy"):
        workload(towns, demand)
    assert workload(towns, demand, 600.0).calls_per_hour == pytest.approx(85 / 168)


def test_a_plan_survives_its_folder(towns, demand, tmp_path):
    found = plan_stations(towns, demand, p=2, present=present_plan(towns), limit=20)
    found.plan.save(tmp_path / "plan")
    again = Plan.load(tmp_path / "plan")
    assert again.sites.id.tolist() == found.plan.sites.id.tolist()
    assert again.units.home.tolist() == found.plan.units.home.tolist()


def test_nobody_is_far_away(towns, demand):
    found = plan_stations(towns, demand, model="p_center", p=2, present=present_plan(towns), limit=20)
    cost = found.cost.astype(float)
    best = min(
        float(cost[:, list(pair)].min(axis=1).max())
        for pair in itertools.combinations(range(len(found.candidates)), 2)
    )
    assert found.siting.objective == pytest.approx(best, rel=1e-6)
    assert found.proposed.worst_s == pytest.approx(best, rel=1e-6)


def test_the_fewest_for_everybody(towns, demand):
    found = plan_stations(towns, demand, model="lscp", rings_s=(60, 200), limit=20)
    assert found.siting.status == "optimal"
    assert found.proposed.within[-1] == 1.0
    fewer = len(found.sites) - 1
    best = plan_stations(towns, demand, p=fewer, rings_s=(200,), limit=20)
    assert best.siting.bound < demand.weight().sum() - 1e-6
    beside = plan_stations(
        towns, demand, model="lscp", next_k=0, rings_s=(60, 200), present=present_plan(towns), limit=20
    )
    assert beside.kept.tolist() == [0, 1]
    assert len(beside.new) == beside.siting.objective
    told = " ".join(t.en for t in summary(beside, [beside.siting.without(int(s)) for s in beside.sites]))
    assert "somebody could no longer be served" in told
    for ask in ({"p": 2}, {"next_k": 1}, {"budget": 3.0}):
        with pytest.raises(AnlanError, match="fewest sites"):
            plan_stations(towns, demand, model="lscp", present=present_plan(towns), limit=20, **ask)
