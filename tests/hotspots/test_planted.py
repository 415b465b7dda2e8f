"""What the demo's generator plants is found, without telling the detectors what to look for.

Two seeds, for regressions: `./run bench detection --seeds 50` is the full experiment, told in
docs/detection-power.md. The generator (`anlan.city.demo`) shares no code with `anlan.hotspots`.
"""

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from anlan import hotspots
from anlan.city.demo import DemoModel, sample
from anlan.city.demo.precincts import precincts
from anlan.hotspots.holidays import china

TZ = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module", params=[2, 3])
def city(request: Any) -> Any:
    """Calls at relative risk 2, and the effects by name."""
    calls, truth = sample(DemoModel(seed=request.param, relative_risk=2.0))
    return calls, {name: [e.planted for e in truth.of(name)] for name in ("hot", "emerging", "prominent")}


def test_the_prominent_category_is_named_with_its_sector(city):
    calls, planted = city
    (effect,) = planted["prominent"]
    sectors = hotspots.Districts.at_level(precincts().areas(), "county")
    found = hotspots.prominence(calls, [sectors, hotspots.Districts.of(calls)], tz=TZ, holidays=china())
    said = set(zip(found.category[found.prominent], found.place[found.prominent], strict=True))
    assert ("fraud", effect.sector) in said
    (near,) = planted["emerging"]
    inside = np.hypot(calls.x - near.x, calls.y - near.y) <= near.radius_m
    risen = {
        "",
        effect.sector,
        *(a for a in np.unique(calls.area.astype(str)) if a.startswith(effect.sector)),
    }
    theirs = {
        a for code in np.unique(calls.area[inside].astype(str)) for a in (code, code.rpartition("-")[0])
    }
    false = {
        (kind, place)
        for kind, place in said
        if not (kind == "fraud" and place in risen) and not (kind in near.kinds and place in theirs | {""})
    }
    assert len(false) <= 1


def test_the_emerging_place_is_the_cluster_of_its_kinds(city):
    calls, planted = city
    (effect,) = planted["emerging"]
    reported = hotspots.admit(calls).calls
    cells = hotspots.Cells.covering(reported.x, reported.y, 250.0)
    live, place = np.unique(cells.of_calls(reported), return_inverse=True)
    x, y = cells.centre(live)
    circles = hotspots.Circles.around(x, y, max_radius_m=600.0)
    found = hotspots.scan_categories(place, reported.received, reported.category, circles, replications=39)
    near = [
        c
        for c in found.clusters
        if np.hypot(x[list(c.places)] - effect.x, y[list(c.places)] - effect.y).min() <= effect.radius_m
    ]
    assert near
    assert near[0].p_gumbel <= 0.10
    assert set(near[0].categories[:2]) <= set(effect.kinds)


def test_hot_places_are_among_the_targets(city):
    calls, planted = city
    cells = hotspots.Cells.covering(calls.x, calls.y, 250.0)
    chosen = hotspots.targets(calls, cells, tz=TZ, budget_share=0.02, held_out_weeks=0)
    x, y = cells.centre(chosen.index)
    held = [bool((np.hypot(x - e.x, y - e.y) <= e.radius_m).any()) for e in planted["hot"]]
    assert sum(held) >= 3
