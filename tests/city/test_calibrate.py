from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from anlan.city.calibrate import fit, fit_nearest, observed_s
from anlan.city.network import Network
from anlan.city.roads import Edges, Roads
from anlan.city.speed import SpeedProfile
from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.model import Calls, Positions

SIDE = 25


def town() -> Roads:
    """A grid of streets 150 m apart; each fifth one is an arterial."""
    at = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    u = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
    v = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
    line = np.concatenate([np.repeat(np.arange(SIDE), SIDE - 1), np.tile(np.arange(SIDE), SIDE - 1)])
    x, y = np.meshgrid(np.arange(SIDE) * 150.0, np.arange(SIDE) * 150.0)
    node_x, node_y = x.ravel(), y.ravel()
    edges = Edges.make(
        id=[str(i) for i in range(len(u))],
        u=u,
        v=v,
        road_class=np.where(line % 5 == 0, "primary", "residential").astype(object),
        length_m=np.full(len(u), 150.0),
    )
    ends = np.stack([u, v], axis=1).ravel()
    return Roads(edges, np.arange(0, 2 * len(u) + 1, 2), node_x[ends], node_y[ends], node_x, node_y)


ROADS = town()
TRUTH = SpeedProfile(class_factor={"primary": 0.6, "residential": 1.3}, delay_s=70.0)


def places(n: int, name: str) -> Positions:
    rng = stream(3, name)
    return Positions(rng.integers(0, len(ROADS), n).astype(np.int32), rng.uniform(0.0, 150.0, n))


def drives(n: int, noise_s: float = 20.0) -> Any:
    """Drives under the planted truth, one in twenty of them with a clerical error."""
    rng = stream(3, "drives")
    a, b = places(n, "from"), places(n, "to")
    seconds = Network(ROADS, TRUTH).travel().pairs(a, b) + TRUTH.delay_s + rng.normal(0, noise_s, n)
    wrong = rng.random(n) < 0.05
    return a, b, np.where(wrong, seconds + rng.uniform(600, 3000, n), np.maximum(seconds, 1.0))


def test_planted_speeds_and_delay_are_found_again_and_hold_on_unseen_drives():
    a, b, seconds = drives(1500)
    found = fit(Network(ROADS), a, b, seconds)
    assert found.factor["primary"] == pytest.approx(0.6, rel=0.05)
    assert found.factor["residential"] == pytest.approx(1.3, rel=0.05)
    assert found.delay_s == pytest.approx(70.0, abs=8.0)
    assert found.held_out.median_s < 20.0 < found.before.median_s
    assert found.held_out.mae_s < 0.8 * found.before.mae_s
    assert found.used == 1500
    assert found.dropped == 0
    assert found.kmh["primary"] == pytest.approx((65.0, 65.0 * found.factor["primary"]))
    assert found.profile.delay_s == found.delay_s
    assert "1,500 drives" in found.profile.source
    assert "held out in 5 folds" in str(found)
    assert "校准" in found.sentence("zh-CN")
    again = Network(ROADS, found.profile).travel().pairs(a, b) + found.delay_s
    assert np.median(np.abs(again - seconds)) < 20.0


def test_the_same_seed_gives_the_same_calibration():
    a, b, seconds = drives(300)
    one, two = (fit(Network(ROADS), a, b, seconds, seed=4, limit=200) for _ in range(2))
    assert one.factor == two.factor
    np.testing.assert_array_equal(one.predicted_s, two.predicted_s)
    assert one.used == 200


def test_what_was_calibrated_before_is_the_start_of_the_next_calibration():
    a, b, seconds = drives(600, noise_s=5.0)
    first = fit(Network(ROADS), a, b, seconds)
    second = fit(Network(ROADS, first.profile), a, b, seconds)
    assert second.factor["primary"] == pytest.approx(1.0, abs=0.03)
    assert second.profile.class_factor["primary"] == pytest.approx(0.6, rel=0.05)


def test_drives_from_the_nearest_station_known_only_as_means_of_cells():
    """Nine stations; each observation is the mean over the places of one cell, weighted by length."""
    rng = stream(3, "cells")
    at = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    stations = at[3::9, 3::9].ravel()
    nodes = rng.integers(0, SIDE * SIDE, 900)
    cell, share = np.repeat(np.arange(150), 6), rng.uniform(1.0, 5.0, 900)
    truth = Network(ROADS, TRUTH).travel().cost(nodes, stations).min(axis=1) + TRUTH.delay_s
    mean = np.bincount(cell, truth * share) / np.bincount(cell, share)
    found = fit_nearest(Network(ROADS), stations, nodes, mean, group=cell, share=share)
    assert found.delay_s == pytest.approx(70.0, abs=6.0)
    assert found.factor["residential"] == pytest.approx(1.3, rel=0.1)
    assert found.held_out.mae_s < 5.0 < found.before.mae_s
    assert np.isfinite(found.predicted_s).all()


def test_junction_seconds_are_found_where_they_are_asked_for():
    truth = replace(TRUTH, junction_s=4.0)
    a, b = places(800, "from"), places(800, "to")
    seconds = Network(ROADS, truth).travel().pairs(a, b) + truth.delay_s
    found = fit(Network(ROADS), a, b, seconds, junctions=True)
    assert found.held_out.mae_s < 3.0
    assert fit(Network(ROADS), a, b, seconds).junction_s == 0.0
    assert found.junction_s > 0.5


def test_a_class_nobody_drove_on_follows_the_others_and_few_drives_change_little():
    edges = ROADS.edges
    rare = edges.replaced(road_class=np.where(np.arange(len(edges)) == 0, "service", edges.road_class))
    network = Network(replace(ROADS, edges=rare))
    a, b, seconds = drives(600)
    found = fit(network, a, b, seconds)
    low, high = sorted((found.factor["primary"], found.factor["residential"]))
    assert low < found.factor["service"] < high


def test_impossible_drives_are_dropped_and_counted():
    a, b, seconds = drives(200)
    seconds[:4] = [np.nan, -5.0, 0.0, 1e6]
    a = Positions(np.where(np.arange(200) == 4, -1, a.edge), a.offset_m)
    found = fit(Network(ROADS), a, b, seconds)
    assert (found.used, found.dropped) == (195, 5)
    assert np.isnan(found.predicted_s[:5]).all()
    assert np.isfinite(found.predicted_s[5:]).all()


def test_what_cannot_be_calibrated_is_refused():
    a, b, seconds = drives(60)
    network = Network(ROADS)
    with pytest.raises(AnlanError, match="0 usable drives"):
        fit(network, a, b, np.full(60, np.nan))
    with pytest.raises(AnlanError, match="matching lengths"):
        fit(network, a, b, seconds[:50])
    with pytest.raises(AnlanError, match="mode 'walk'"):
        fit(network, a, b, seconds, mode="walk")
    with pytest.raises(AnlanError, match="no stations"):
        fit_nearest(network, [], b, seconds)
    with pytest.raises(AnlanError, match="group 99"):
        fit(network, a, b, seconds, group=np.full(60, 99))


def test_seconds_of_a_call_run_from_dispatch_to_arrival():
    calls = Calls.make(id=["a", "b"], received=[0.0, 0.0], dispatched=[60.0, np.nan], arrived=[300.0, 300.0])
    np.testing.assert_array_equal(observed_s(calls), [240.0, np.nan])
