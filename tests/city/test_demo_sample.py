from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from anlan.city.demo import KINDS, DemoModel, Planted, sample
from anlan.city.demo.ground import ground
from anlan.city.demo.holidays import is_holiday
from anlan.city.demo.kinds import BY_KEY, PLACES, ROAD_GROUPS, season, week
from anlan.city.demo.model import midnight
from anlan.city.demo.precincts import precincts
from anlan.city.demo.sample import hours_of
from anlan.city.demo.service import MISSING, reach, true_week
from anlan.city.demo.stations import station_nodes
from anlan.core.columns import Bools, Floats
from anlan.core.errors import AnlanError
from anlan.core.time import hour_of_week, zone
from anlan.model import Calls

SMALL = DemoModel(seed=5, n_calls=40_000, years=1, relative_risk=1.0)


@pytest.fixture(scope="module")
def calls():
    return sample(SMALL)[0]


def same(a: Calls, b: Calls) -> bool:
    return len(a) == len(b) and all(
        np.array_equal(x, y, equal_nan=x.dtype.kind == "f")
        for x, y in zip(a.columns().values(), b.columns().values(), strict=True)
    )


def test_the_same_model_gives_the_same_calls_and_another_seed_others():
    model = DemoModel(seed=3, n_calls=2000, years=1)
    first, truth = sample(model)
    again, truth_again = sample(model)
    other, _ = sample(DemoModel(seed=4, n_calls=2000, years=1))
    assert same(first, again)
    assert truth == truth_again
    assert not same(first, other)


def test_shares_and_rhythms_add_up():
    assert sum(k.share for k in KINDS) == pytest.approx(1)
    assert len({k.key for k in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert week(kind).sum() == pytest.approx(1)
        assert season(kind, np.arange(365.25)).mean() == pytest.approx(1, abs=0.01)
        assert set(PLACES[kind.where]) == set(ROAD_GROUPS.values())
        assert ground().share(kind).sum() == pytest.approx(1)


def test_as_many_calls_come_as_the_model_expects(calls):
    hours = hours_of(SMALL)
    for kind in KINDS:
        expected = hours.rate(kind, SMALL.n_calls).sum()
        assert abs((calls.category == kind.key).sum() - expected) < 5 * np.sqrt(expected)
    assert len(calls) == pytest.approx(40_000, rel=0.03)


@pytest.mark.parametrize("kind", ["traffic", "noise", "help"])
def test_hours_of_the_week_follow_the_rhythm(calls, kind):
    hours = hours_of(SMALL)
    own = calls.received[calls.category == kind]
    seen = np.bincount(hour_of_week(own, zone("Asia/Shanghai")), minlength=168)
    expected = np.bincount(hours.slot, hours.rate(BY_KEY[kind], SMALL.n_calls), minlength=168)
    assert stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > 1e-4


def test_reported_calls_lie_where_the_model_puts_them(calls):
    kind = BY_KEY["traffic"]
    rows = (calls.category == "traffic") & (calls.source == "reported")
    land = ground()
    precinct = precincts().of(land.mid_x, land.mid_y)
    expected = np.bincount(precinct, land.share(kind))
    seen = np.bincount(precinct[calls.edge[rows]], minlength=len(expected))
    assert stats.chisquare(seen, expected * seen.sum()).pvalue > 1e-4


def test_unevenness_of_streets_can_be_switched_off():
    land, kind = ground(), BY_KEY["noise"]
    smooth, rough = land.share(kind, 0.0), land.share(kind, 1.0)

    def half(share: Floats) -> float:
        return np.searchsorted(np.cumsum(np.sort(share)[::-1]), 0.5) / len(share)

    # Weisburd's law of crime concentration: about half of the calls on a few percent of the streets.
    assert half(rough) < 0.10 < half(smooth)


def test_the_same_background_carries_the_planted_calls():
    planted = DemoModel(seed=5, n_calls=40_000, years=1, relative_risk=2.0)
    more, truth = sample(planted)
    plain, nothing = sample(SMALL)
    assert nothing.effects == ()
    assert len(more) - len(plain) == sum(e.added for e in truth.effects) > 0
    received = dict(zip(*np.unique(more.edge, return_counts=True), strict=True))
    assert all(
        received.get(e, 0) >= n for e, n in zip(*np.unique(plain.edge, return_counts=True), strict=True)
    )


def inside(calls: Calls, planted: Planted) -> Bools:
    land = ground()
    rows = np.isin(calls.category, planted.kinds) & (calls.source == "reported")
    rows &= calls.received >= midnight(date.fromisoformat(planted.since))
    rows &= calls.received < midnight(date.fromisoformat(planted.until))
    if planted.sector:
        return rows & np.char.startswith(calls.area.astype(str), planted.sector + "-")
    return rows & (
        np.hypot(land.mid_x[calls.edge] - planted.x, land.mid_y[calls.edge] - planted.y) <= planted.radius_m
    )


@pytest.mark.parametrize("planting", ["hot", "emerging", "prominent"])
def test_planted_places_have_the_stated_relative_risk(planting):
    seen = expected = 0.0
    for seed in range(6):
        calls, truth = sample(DemoModel(seed=seed, n_calls=60_000, years=1, relative_risk=2.0))
        assert truth.of(planting)
        for effect in truth.of(planting):
            seen += inside(calls, effect.planted).sum()
            expected += effect.expected
    # Calls on an edge that leaves the sector may carry the neighbour's code: half a percent is allowed.
    assert abs(seen - 2 * expected) < 4 * np.sqrt(2 * expected) + 0.01 * expected


def test_the_emerging_place_has_no_excess_before_its_day():
    seen = expected = 0.0
    for seed in range(6):
        calls, truth = sample(DemoModel(seed=seed, n_calls=60_000, years=1, relative_risk=4.0, hot_spots=0))
        (effect,) = truth.of("emerging")
        model, p = truth.model, effect.planted
        land = ground()
        place = np.hypot(land.mid_x - p.x, land.mid_y - p.y) <= p.radius_m
        before = hours_of(model).start < midnight(date.fromisoformat(p.since))
        for key in p.kinds:
            kind = BY_KEY[key]
            rate = hours_of(model).rate(kind, model.n_calls)[before].sum()
            expected += rate * land.share(kind)[place].sum() * (1 - kind.discovered - kind.device)
        rows = np.isin(calls.category, p.kinds) & (calls.source == "reported") & place[calls.edge]
        seen += (rows & (calls.received < midnight(date.fromisoformat(p.since)))).sum()
    assert abs(seen - expected) < 4 * np.sqrt(expected)


def test_a_treated_place_is_thinned_by_its_relative_risk():
    land = ground()
    middle = int(ground().share(BY_KEY["theft"]).argmax())
    treated = Planted(
        "treated", "治理", "Treated place", ("theft", "noise"), 0.5, "2022-01-03", "2022-06-27",
        float(land.mid_x[middle]), float(land.mid_y[middle]), 2000.0,
    )  # fmt: skip
    calls, truth = sample(DemoModel(seed=5, n_calls=40_000, years=1, relative_risk=1.0, planted=(treated,)))
    (effect,) = truth.of("treated")
    assert effect.added < 0
    assert abs(inside(calls, treated).sum() - effect.expected / 2) < 4 * np.sqrt(effect.expected / 2)


def test_places_of_planted_effects_differ_by_seed_and_keep_apart():
    places = []
    for seed in range(4):
        truth = sample(DemoModel(seed=seed, n_calls=100, years=1))[1]
        circles = np.array([(e.planted.x, e.planted.y) for e in truth.effects if not e.planted.sector])
        away = np.hypot(*(circles[:, None] - circles[None]).transpose(2, 0, 1)) + 1e9 * np.eye(len(circles))
        assert away.min() >= 2500
        places.append(tuple(circles[0]))
    assert len(set(places)) == 4


def test_calls_stand_on_the_network_at_repeating_addresses(calls):
    land = ground()
    roads = land.roads
    a = np.column_stack([roads.x, roads.y]).reshape(-1, 2, 2)[calls.edge]
    way = np.diff(a, axis=1)[:, 0] / roads.edges.length_m[calls.edge][:, None]
    on = a[:, 0] + calls.offset_m[:, None] * way
    away = np.hypot(calls.x - on[:, 0], calls.y - on[:, 1])
    assert 2.97 < away.min() < 4
    assert 14 < away.max() < 15.03
    assert (calls.offset_m <= roads.edges.length_m[calls.edge] + 0.01).all()
    assert len(np.unique(np.column_stack([calls.x, calls.y]), axis=0)) < 0.98 * len(calls)


def test_times_follow_each_other_and_few_are_missing(calls):
    steps = [calls.received, calls.dispatched, calls.en_route, calls.arrived, calls.cleared]
    for i, earlier in enumerate(steps):
        for later in steps[i + 1 :]:
            known = np.isfinite(earlier) & np.isfinite(later)
            assert (earlier[known] <= later[known]).all()
    begin, end = SMALL.span_s
    assert ((calls.received >= begin) & (calls.received < end)).all()
    assert (np.diff(calls.received) >= 0).all()
    sent = calls.disposition != "by_phone"
    assert np.isnan(calls.dispatched[~sent]).all()
    assert np.isfinite(calls.dispatched[sent]).all()
    for name, share in MISSING.items():
        rows = sent if name != "cleared" else np.ones(len(calls), bool)
        assert np.isnan(getattr(calls, name)[rows]).mean() == pytest.approx(share, rel=0.25)


def test_drives_take_what_the_true_speeds_say(calls):
    urgent = (
        (calls.priority == 1) & (calls.source == "reported") & np.isfinite(calls.arrived - calls.en_route)
    )
    slot = hour_of_week(calls.received[urgent], zone("Asia/Shanghai"))
    expected = reach().to(calls.positions.take(urgent)) / np.array(true_week())[slot]
    ratio = (calls.arrived - calls.en_route)[urgent] / np.maximum(expected, 1.0)
    # 15 % of drives come from farther away, so the median lies a little above 1.
    assert 1.0 < np.median(ratio[expected > 30]) < 1.10


def test_officers_discover_near_their_stations_what_the_public_reports_everywhere(calls):
    land, nodes = ground(), station_nodes()
    sx, sy = land.roads.node_x[nodes], land.roads.node_y[nodes]
    away = np.hypot(calls.x[:, None] - sx, calls.y[:, None] - sy).min(axis=1)
    found, told = calls.source == "discovered", calls.source == "reported"
    assert np.median(away[found]) < 0.7 * np.median(away[told])
    assert told.mean() > 0.9
    assert (
        calls.arrived[found & np.isfinite(calls.arrived)]
        == calls.received[found & np.isfinite(calls.arrived)]
    ).all()


def test_drownings_come_in_summer_at_the_water():
    calls, _ = sample(DemoModel(seed=1, n_calls=200_000, years=1, relative_risk=1.0))
    rows = calls.category == "drowning"
    month = calls.received[rows].astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12 + 1
    assert np.isin(month, (6, 7, 8)).sum() > 4 * np.isin(month, (12, 1, 2)).sum()
    assert ground().waterside[calls.edge[rows]].all()


def test_intervals_end_before_the_call_and_belong_to_thefts(calls):
    known = np.isfinite(calls.start)
    assert (calls.start[known] <= calls.end[known]).all()
    assert (calls.end[known] <= calls.received[known]).all()
    assert set(calls.category[known].tolist()) == {"theft", "burglary", "missing"}


def test_spring_festival_moves_and_the_first_of_may_does_not():
    assert is_holiday(date(2022, 2, 1), 1)[0]
    assert not is_holiday(date(2021, 2, 1), 1)[0]
    assert is_holiday(date(2021, 2, 12), 1)[0]
    assert is_holiday(date(2021, 5, 1), 1)[0]
    assert is_holiday(date(2022, 5, 1), 1)[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_calls": 0},
        {"years": 9},
        {"end": "2022-02-30"},
        {"end": "1999-01-01"},
        {"relative_risk": 0.5},
        {"hot_spots": 5},
        {"day_spread": -1},
    ],
)
def test_an_impossible_model_is_refused_in_a_sentence(wrong):
    with pytest.raises(AnlanError, match=next(iter(wrong))):
        DemoModel(**wrong)


def test_an_effect_of_an_unknown_kind_or_without_a_place_is_refused():
    with pytest.raises(AnlanError, match="choose from"):
        Planted("hot", "", "x", ("piracy",), 2.0, "2022-01-01", "2022-02-01", radius_m=1.0)
    with pytest.raises(AnlanError, match="circle or in a sector"):
        Planted("hot", "", "x", ("theft",), 2.0, "2022-01-01", "2022-02-01")


def test_the_page_of_the_demo_city_lists_the_model_as_it_is():
    text = (Path(__file__).parents[2] / "docs" / "demo-city.md").read_text(encoding="utf-8")
    tables: dict[str, list[list[str]]] = {name: [] for name in (*BY_KEY, *PLACES)}
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if cells[0] in tables:
            tables[cells[0]].append(cells[1:])
    for k in KINDS:
        served, when, where = tables[k.key][:3]  # a place is called traffic, too
        assert served == [
            k.zh, k.en, f"{k.priority}", f"{k.share * 100:.3g}", f"{k.discovered * 100:g}",
            f"{k.device * 100:g}", f"{k.phone * 100:g}", f"{k.on_scene_min:g}", f"{k.on_scene_spread:g}",
            f"{k.interval_h:g}",
        ]  # fmt: skip
        assert when[0] == ", ".join(f"{h:g} ± {s:g} × {w:g}" for h, s, w in k.day)
        assert when[1] == (", ".join(f"{h:g} ± {s:g} × {w:g}" for h, s, w in k.weekend) or "=")
        assert when[2:4] == [f"{k.floor:g}", f"{k.nights_out:g}"]
        assert when[4:] == [f"{k.season[0]:g} on day {k.season[1]:g}", f"{k.holiday:g}"]
        assert where == [
            k.where + (", waterside only" if k.waterside else ""),
            f"{k.centre:g}",
            f"{k.uneven:g}",
        ]
    for name, place in PLACES.items():
        assert tables[name][-1] == [f"{place[g]:g}" for g in ("fast", "main", "street", "homes", "mall")]
    parameters = DemoModel.__dataclass_fields__
    assert [p for p in parameters if p not in text] == []
