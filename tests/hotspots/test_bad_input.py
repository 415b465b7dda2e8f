"""What is wrong with calls is said in a sentence, or told as a caveat; never a traceback."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from anlan import evaluation, hotspots
from anlan.core.errors import AnlanError
from anlan.core.time import DAY_S, WEEK_S
from anlan.model import Calls

TZ = ZoneInfo("Europe/London")
MONDAY = datetime(2020, 1, 6, tzinfo=TZ).timestamp()


def log(n: int, weeks: float, **columns: Any) -> Calls:
    rng = np.random.default_rng(0)
    given: dict[str, Any] = {
        "category": ["theft"] * n,
        "source": ["reported"] * n,
        "received": MONDAY + rng.uniform(0, weeks * WEEK_S, n),
        "x": rng.uniform(0, 4000, n),
        "y": rng.uniform(0, 4000, n),
        "area": np.array(["A", "B", "C"], object)[rng.integers(0, 3, n)],
    }
    return Calls.make(n, id=[str(i) for i in range(n)], **(given | columns))


@pytest.mark.parametrize(
    "work",
    [
        lambda calls, cells: hotspots.prominence(calls, tz=TZ),
        lambda calls, cells: hotspots.targets(calls, cells, tz=TZ),
        lambda calls, cells: hotspots.time_steps(calls, cells, tz=TZ),
    ],
)
def test_one_week_of_history(work):
    calls = log(300, 1.0)
    cells = hotspots.Cells.covering(calls.x, calls.y, 500.0)
    with pytest.raises(AnlanError, match=r"days"):
        work(calls, cells)


def test_all_calls_at_one_point():
    n = 400
    calls = log(n, 30.0, x=np.full(n, 7.0), y=np.full(n, 7.0))
    cells = hotspots.Cells.covering(calls.x, calls.y, 250.0)
    assert len(hotspots.targets(calls, cells, tz=TZ)) == 1
    assert (
        hotspots.st_dbscan(calls.x, calls.y, calls.received, eps_m=50, eps_s=1e9, min_points=3).n_clusters
        == 1
    )
    place, circles = cells.of_calls(calls), hotspots.Circles.around([7.0], [7.0])
    for work in (
        lambda: hotspots.gi_star(np.array([[float(n)]]), hotspots.Box(1)),
        lambda: hotspots.local_moran(np.array([[float(n)]]), hotspots.Box(1)),
        lambda: hotspots.knox(
            calls.x, calls.y, calls.received, space_edges=[0, 100], time_edges=[0, DAY_S], permutations=0
        ),
        lambda: hotspots.scan(place, calls.received, circles),
    ):
        with pytest.raises(AnlanError, match=r"; .*\."):
            work()


def test_a_scan_of_categories_at_one_point_finds_nothing():
    calls = log(4000, 30.0, x=np.full(4000, 7.0), y=np.full(4000, 7.0))
    circles = hotspots.Circles.around([7.0], [7.0])
    told = hotspots.scan_categories(
        np.zeros(4000, int), calls.received, calls.category, circles, replications=19
    )
    assert all(c.p_value > 0.05 for c in told.clusters)


def test_a_category_that_changed_its_code_is_suspected_and_told():
    calls = log(3000, 40.0)
    late = calls.received >= MONDAY + 30 * WEEK_S
    calls = calls.replaced(category=np.where(late, "larceny", "theft").astype(object))
    found = hotspots.prominence(calls, tz=TZ)
    assert [(r.old, r.new) for r in found.recodings] == [("theft", "larceny")]
    assert any("under a new code" in en for _, en in found.caveats)


@pytest.mark.parametrize(
    "work",
    [
        lambda: hotspots.concentration([3, -1, 2]),
        lambda: hotspots.farrington(np.full((1, 200), -1.0), datetime(2019, 1, 7, tzinfo=TZ).date()),
        lambda: hotspots.ears([[1, 2, -3] * 6], "C2"),  # type: ignore[arg-type]
        lambda: hotspots.emerging([[[1, 2], [3, -4]]] * 4, hotspots.Box(1)),  # type: ignore[arg-type]
        lambda: evaluation.wdd((3, -1), (2, 2)),
        lambda: evaluation.e_test(-1, 2),
        lambda: evaluation.rate_ratio(4, -2),
        lambda: evaluation.interrupted([5.0] * 60 + [-1.0] * 10, 60),
        lambda: evaluation.trend([5, 4, -3, 2, 1, 1]),
        lambda: evaluation.synthetic([1.0, -2.0] * 15, np.ones((6, 30)), 20),
    ],
)
def test_negative_counts(work):
    with pytest.raises(AnlanError, match="negative"):
        work()


@pytest.mark.parametrize("month", [3, 10])
def test_an_hour_that_is_missing_or_comes_twice_moves_no_call_into_another_week(month):
    """Clocks change on a Sunday: local weeks have 167 and 169 hours, and a steady rate stays steady."""
    first = datetime(2020, month, 2 if month == 3 else 5, tzinfo=TZ).timestamp()
    days = 7 * 12
    until = datetime.fromtimestamp(first, tz=TZ).toordinal() + days
    last = datetime.fromordinal(until).replace(tzinfo=TZ).timestamp()
    received = np.arange(first, last, 600.0)
    calls = log(len(received), 1.0, received=received)
    series = hotspots.weekly_series(hotspots.admit(calls), None, (first, last), TZ)
    assert series.count.sum() == len(received)
    assert series.exposure == pytest.approx(1.0)
    assert np.ptp(series.count[0]) <= 6  # ten-minute calls: one hour
    found = hotspots.prominence(calls, tz=TZ, window=(first, last))
    assert not found.prominent.any()


def test_times_that_carry_another_zone_are_told():
    rng = np.random.default_rng(1)
    hour = rng.choice(24, 3000, p=np.array([1] * 7 + [6] * 17) / 109)
    received = MONDAY + rng.integers(0, 200, 3000) * DAY_S + hour * 3600.0
    calls = log(3000, 1.0, received=received)
    assert hotspots.clock_caveat(calls, TZ) is None
    shifted = hotspots.clock_caveat(calls.replaced(received=received + 9 * 3600), TZ)
    assert shifted is not None
    assert "another time zone" in shifted[1]
