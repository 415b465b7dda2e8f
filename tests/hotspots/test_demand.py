from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from anlan import hotspots
from anlan.core.errors import AnlanError
from anlan.core.time import DAY_S, WEEK_S
from anlan.model import Calls

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2024, 1, 1, tzinfo=SHANGHAI).timestamp()  # a Monday, 00:00


def town(n: int = 4000, weeks: int = 20, seed: int = 0, **columns: Any) -> Calls:
    """Two squares 2 km apart; thefts at noon by the first, noise at night by the second."""
    rng = np.random.default_rng(seed)
    noise = rng.random(n) < 0.25
    hour = np.where(noise, rng.normal(23, 1, n), rng.normal(12, 2, n)) % 24
    received = MONDAY + rng.integers(0, 7 * weeks, n) * DAY_S + hour * 3600
    given = {
        "id": [f"c{i}" for i in range(n)],
        "category": np.where(noise, "noise", "theft").astype(object),
        "source": ["reported"] * n,
        "received": received,
        "x": rng.normal(np.where(noise, 2125.0, 125.0), 20.0),
        "y": rng.normal(125.0, 20.0, n),
        "edge": rng.integers(0, 9, n),
        "offset_m": rng.uniform(0, 50, n),
        "area": np.where(noise, "B", "A").astype(object),
    }
    return Calls.make(n, **(given | columns))


def test_volume_is_calls_per_week_and_keeps_the_total():
    calls = town()
    found = hotspots.demand(calls, tz=SHANGHAI)
    assert found.weeks == pytest.approx(20, abs=0.3)
    assert found.volume.sum() * found.weeks == pytest.approx(4000)
    assert found.categories == ("noise", "theft")
    assert len(found) == 2
    assert found.place.tolist() == ["s250_0_0", "s250_8_0"]
    assert found.area.tolist() == ["A", "B"]
    assert found.volume[0, 0] == 0


def test_a_place_stands_at_its_medoid_on_the_network():
    calls = town(n=60)
    found = hotspots.demand(calls, tz=SHANGHAI)
    for p, x in enumerate(found.x):
        rows = np.flatnonzero(np.abs(calls.x - x) < 500)
        far = ((calls.x[rows, None] - calls.x[rows]) ** 2 + (calls.y[rows, None] - calls.y[rows]) ** 2).sum(0)
        medoid = rows[far.argmin()]
        assert found.positions.edge[p] == calls.edge[medoid]
        assert found.positions.offset_m[p] == calls.offset_m[medoid]


def test_an_unsnapped_call_never_places_a_place_that_has_snapped_ones():
    calls = town(n=200)
    edge = calls.edge.copy()
    edge[np.arange(200) % 5 != 0] = -1
    found = hotspots.demand(calls.replaced(edge=edge), tz=SHANGHAI)
    assert (found.positions.edge >= 0).all()


def test_the_rhythm_follows_the_category():
    found = hotspots.demand(town(), tz=SHANGHAI)
    by_hour = found.profile.reshape(2, 7, 24).sum(axis=1)
    assert found.profile.sum(axis=1) == pytest.approx([1, 1])
    assert by_hour[0].argmax() in (22, 23)
    assert by_hour[1].argmax() in (11, 12)


def test_a_category_of_three_calls_takes_the_overall_rhythm():
    calls = town()
    category = calls.category.copy()
    category[:3] = "rare"
    found = hotspots.demand(calls.replaced(category=category), tz=SHANGHAI)
    rare, theft = found.profile[1], found.profile[2]
    assert rare.max() < 3 * theft.max()
    assert rare.min() > 0


def test_places_may_be_ids():
    calls = town()
    place = np.where(calls.x > 1000, "far", "near").astype(object)
    found = hotspots.demand(calls, place, tz=SHANGHAI)
    assert found.place.tolist() == ["far", "near"]
    assert found.count.sum(axis=0).tolist() == [(place == "far").sum(), (place == "near").sum()]


def test_discovered_calls_stay_out():
    calls = town()
    source = calls.source.copy()
    source[calls.x > 1000] = "discovered"
    found = hotspots.demand(calls.replaced(source=source), tz=SHANGHAI)
    assert found.categories == ("theft",)
    assert len(found) == 1


def test_discovered_calls_count_by_the_inverse_of_their_dose():
    calls = town(n=100)
    source = np.array(["discovered"] * 100, object)
    calls = calls.replaced(source=source)
    dose = np.where(calls.x > 1000, 10.0, 1.0)
    with pytest.raises(AnlanError, match="only against the patrol"):
        hotspots.demand(calls, tz=SHANGHAI, source="discovered")
    found = hotspots.demand(calls, tz=SHANGHAI, source="discovered", dose=dose)
    far, near = (calls.x > 1000).sum(), (calls.x < 1000).sum()
    ratio = found.volume.sum(axis=0)[1] / found.volume.sum(axis=0)[0]
    assert ratio == pytest.approx(far / 10 / near)
    assert found.count.sum() == pytest.approx(100)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"source": ["unknown"] * 300}, "say in the calls who noticed"),
        ({"x": [np.nan] * 300}, "projected coordinates"),
        ({"received": [np.nan] * 300}, "choose a window that holds calls"),
        ({"received": np.linspace(MONDAY, MONDAY + 3 * DAY_S, 300)}, "at least 7 days"),
    ],
)
def test_bad_calls_get_a_sentence(change, says):
    with pytest.raises(AnlanError, match=says):
        hotspots.demand(town(n=300, **change), tz=SHANGHAI)


def test_one_week_and_one_point_is_enough_for_demand():
    calls = town(n=300, received=np.linspace(MONDAY, MONDAY + WEEK_S - 1, 300), x=[5.0] * 300, y=[5.0] * 300)
    found = hotspots.demand(calls, tz=SHANGHAI)
    assert len(found) == 1
    low, high = found.interval()
    assert low[0] < found.volume.sum() < high[0]


def test_calls_outside_the_window_do_not_teach():
    calls = town()
    found = hotspots.demand(calls, tz=SHANGHAI, window=(MONDAY, MONDAY + 4 * WEEK_S))
    assert found.weeks == 4
    assert found.count.sum() == (calls.received < MONDAY + 4 * WEEK_S).sum()
