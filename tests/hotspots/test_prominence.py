from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from anlan import hotspots
from anlan.core.errors import AnlanError
from anlan.core.time import DAY_S, WEEK_S
from anlan.model import Areas, Calls

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2019, 1, 7, tzinfo=SHANGHAI).timestamp()
WEEKS = 3 * 52 + 30
CATEGORIES, AREAS = ("brawl", "fraud", "noise", "theft"), ("A", "B", "C", "D", "E")
DISTRICTS = hotspots.Districts(np.array(AREAS, object), np.ones(5))


def calls_of(count: Any, seed: int = 0) -> Calls:
    """Calls at random hours from counts (category, area, week)."""
    rng = np.random.default_rng(seed)
    which = np.repeat(np.arange(count.size), count.ravel())
    category, area, week = np.unravel_index(which, count.shape)
    return Calls.make(
        len(which),
        id=[f"c{i}" for i in range(len(which))],
        category=np.array((*CATEGORIES, "arson"), object)[category],
        area=np.array(AREAS, object)[area],
        source=["reported"] * len(which),
        received=MONDAY + week * WEEK_S + rng.uniform(0, WEEK_S - 1, len(which)),
    )


def city(seed: int = 0, weeks: int = WEEKS) -> Any:
    """Four categories in five areas, with a summer season; over-dispersed."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(2, 12, (4, 5, 1)) * np.exp(0.4 * np.sin(2 * np.pi * np.arange(weeks) / 52.18))
    return rng.negative_binomial(base / 0.3, 1 / 1.3)


def find(calls: Calls, **settings: Any) -> hotspots.Prominence:
    return hotspots.prominence(calls, DISTRICTS, tz=SHANGHAI, **settings)


def test_a_doubled_category_stands_out_with_its_excess():
    count = city()
    count[3, 1, -1] = 40
    found = find(calls_of(count))
    assert (found.category[0], found.place[0]) == ("theft", "B")
    assert found.prominent[0]
    assert found.observed[0] == 40
    assert found.excess[0] == pytest.approx(40 - found.expected[0])
    assert found.high[0] < 40
    assert found.method == "season"
    assert found.week == date(2019, 1, 7).fromordinal(date(2019, 1, 7).toordinal() + 7 * (WEEKS - 1))
    assert found.family == 4 + 4 * 5
    assert (np.diff(found.q) >= 0).all()
    assert "40 calls of theft in B" in found.sentence(0, "en")
    assert "theft 40 起" in found.sentence(0, "zh")


def test_planted_findings_are_found_and_false_ones_are_few():
    """Fifty cities, three of twenty-four series doubled: power at relative risk 2, and false findings."""
    hits, false_share = [], []
    for seed in range(50):
        count = city(seed)
        rng = np.random.default_rng(1000 + seed)
        planted = [(0, 0), (1, 2), (2, 4)]
        for c, a in planted:
            count[c, a, -1] = rng.poisson(2.0 * max(count[c, a, -60:-1].mean(), 8.0))
        found = find(calls_of(count, seed))
        names = {(CATEGORIES[c], AREAS[a]) for c, a in planted}
        true = names | {(c, "") for c, _ in names}  # its category is up over the whole city as well
        said = set(zip(found.category[found.prominent], found.place[found.prominent], strict=True))
        hits.append(len(said & names) / 3)
        false_share.append(len(said - true) / max(len(said), 1))
    assert np.mean(hits) > 0.6
    assert np.mean(false_share) <= 0.10


def test_a_quiet_week_yields_nothing_most_of_the_time():
    alarms = [find(calls_of(city(seed), seed)).prominent.any() for seed in range(100, 140)]
    assert np.mean(alarms) <= 0.2


def test_a_category_never_seen_before_is_marked_new():
    count = np.concatenate([city(), np.zeros((1, 5, WEEKS), int)])
    count[4, 2, -1] = 5
    found = find(calls_of(count))
    assert found.category[0] == "arson"
    assert found.new[0]
    assert found.prominent[0]
    assert "never reported there before" in found.sentence(0)


def test_a_changed_code_is_suspected():
    count = np.concatenate([city(), np.zeros((1, 5, WEEKS), int)])
    count[4, :, -8:] = count[3, :, -8:]
    count[3, :, -8:] = 0
    found = find(calls_of(count))
    assert [(r.old, r.new) for r in found.recodings] == [("theft", "arson")]
    assert any("under a new code" in en for _, en in found.caveats)
    assert not find(calls_of(city())).recodings


def test_half_a_week_is_compared_with_half_a_week():
    calls = calls_of(city())
    until = MONDAY + (WEEKS - 1) * WEEK_S + 3.5 * DAY_S
    found = find(calls, window=(MONDAY, until), weeks=1)
    assert found.exposure == pytest.approx(0.5, abs=0.03)
    whole = find(calls, weeks=1)
    top = {(c, p): e for c, p, e in zip(found.category, found.place, found.expected, strict=True)}
    for c, p, e in zip(whole.category, whole.place, whole.expected, strict=True):
        if (c, p) in top:
            assert top[c, p] == pytest.approx(e * found.exposure, rel=0.15)
    assert any("partly recorded" in en for _, en in found.caveats)


def test_lost_weeks_are_left_out_and_told():
    count = city()
    whole = find(calls_of(count)).expected.sum()
    count[:, :, 60:66] = 0
    found = find(calls_of(count))
    assert found.expected.sum() == pytest.approx(whole, rel=0.15)
    assert any("Hardly anything was recorded" in en for _, en in found.caveats)
    count[:, :, -1] = 0
    count[0, 0, -1] = 1
    with pytest.raises(AnlanError, match="hardly any call was recorded"):
        find(calls_of(count), window=(MONDAY, MONDAY + WEEKS * WEEK_S))


def test_a_short_history_compares_with_recent_weeks_and_says_so():
    found = find(calls_of(city(weeks=20)))
    assert found.method == "recent"
    assert any("seasonal rise" in en for _, en in found.caveats)


def test_without_places_only_the_whole_area_is_looked_at():
    found = hotspots.prominence(calls_of(city()), tz=SHANGHAI)
    assert set(found.place.tolist()) == {""}
    assert found.family == 4


def test_discovered_calls_do_not_make_a_category_prominent():
    count = city()
    count[3, 1, -1] = 60
    calls = calls_of(count)
    late = (calls.received > MONDAY + (WEEKS - 1) * WEEK_S) & (calls.category == "theft")
    source = calls.source.copy()
    source[late] = "discovered"
    found = find(calls.replaced(source=source))
    assert not ((found.category == "theft") & found.prominent).any()


@pytest.mark.parametrize("days", [7, 30])
def test_one_week_of_history_gets_a_sentence(days):
    calls = calls_of(city(weeks=20))
    with pytest.raises(AnlanError, match="needs at least 42 days"):
        find(calls.take(calls.received < MONDAY + days * DAY_S))


def test_clock_changes_do_not_split_a_week():
    london = ZoneInfo("Europe/London")
    start = datetime(2021, 1, 4, tzinfo=london).timestamp()
    received = start + np.arange(0, 120 * WEEK_S, 3600.0)
    n = len(received)
    calls = Calls.make(n, id=[""] * n, category=["x"] * n, source=["reported"] * n, received=received)
    admitted = hotspots.admit(calls)
    series = hotspots.weekly_series(admitted, None, (start, received[-1] + 3600), london)
    hours = series.count[0, 1:-1]
    assert set(hours.tolist()) == {167.0, 168.0, 169.0}
    assert not series.gaps


def test_a_rise_that_lasts_shows_in_the_sum_of_its_weeks():
    """Half as much again for four weeks: rarely seen in any one of them, nearly always in all together."""
    alone, together = 0, 0
    for seed in range(12):
        count = city(seed)
        rng = np.random.default_rng(500 + seed)
        usual = np.maximum(count[3, 1, -60:-4].mean(), 8.0)
        count[3, 1, -4:] = rng.poisson(1.7 * usual, 4)
        calls = calls_of(count, seed)
        for weeks in (1, (1, 4)):
            found = find(calls, weeks=weeks)
            rows = np.flatnonzero((found.category == "theft") & (found.place == "B"))
            hit = bool(found.prominent[rows[0]])
            alone, together = alone + (hit and weeks == 1), together + (hit and weeks != 1)
            if hit and weeks != 1 and found.weeks[rows[0]] == 4:
                assert "4 weeks to" in found.sentence(int(rows[0]), "en")
                assert "4 周" in found.sentence(int(rows[0]), "zh")
                assert found.observed[rows[0]] == count[3, 1, -4:].sum()
    assert together >= 10
    assert together > alone


def test_what_does_not_stand_out_is_told_for_the_week_alone():
    count = city(4)
    found = find(calls_of(count))
    quiet = np.flatnonzero(~found.prominent & (found.place != ""))
    assert (found.weeks[quiet] == 1).all()
    for row in quiet.tolist():
        c, a = CATEGORIES.index(found.category[row]), AREAS.index(found.place[row])
        assert found.observed[row] == count[c, a, -1]


def test_sums_of_weeks_that_hang_together_keep_their_rate_of_alarms():
    rng = np.random.default_rng(0)
    n, weeks = 2000, 3 * 52 + 30
    season = np.exp(0.3 * np.sin(2 * np.pi * np.arange(weeks) / 52.18))
    state = rng.standard_normal((n, weeks))
    for t in range(1, weeks):
        state[:, t] = 0.4 * state[:, t - 1] + np.sqrt(1 - 0.4**2) * state[:, t]
    y = rng.poisson(20.0 * season * np.exp(0.15 * state - 0.15**2 / 2))
    monday = date(2019, 1, 7)
    alone, summed = (hotspots.farrington(y, monday, span=span) for span in (1, 4))
    assert (summed.p <= 0.05).mean() < 0.085
    assert (summed.p <= 0.01).mean() < 0.025
    assert summed.observed == pytest.approx(y[:, -4:].sum(axis=1))
    assert summed.expected.sum() == pytest.approx(y[:, -4:].sum(), rel=0.03)
    # Weeks that hang together make their sum scatter more, and that is seen.
    assert np.median(summed.dispersion) > 1.1 * np.median(alone.dispersion)


def test_counties_and_precincts_are_looked_at_together():
    areas = Areas.make(
        8,
        code=["X", "N", "S", *AREAS],
        parent=["", "X", "X", "N", "N", "S", "S", "S"],
        level=["city", "county", "county", *["precinct"] * 5],
    )
    count = city(2)
    rng = np.random.default_rng(9)
    # The south is up by half in every precinct: a rise that no precinct shows clearly.
    count[1, 2:, -4:] = rng.poisson(
        1.5 * np.maximum(count[1, 2:, -60:-4].mean(axis=1, keepdims=True), 4), (3, 4)
    )
    counties = hotspots.Districts.at_level(areas, "county")
    calls = calls_of(count)
    assert counties.of_calls(calls).tolist() == [0 if a in ("A", "B") else 1 for a in calls.area.tolist()]
    found = hotspots.prominence(calls, [counties, DISTRICTS], tz=SHANGHAI)
    assert found.family == 4 * (1 + 2 + 5)
    assert (found.category[0], found.place[0], found.division[0]) == ("fraud", "S", 0)
    assert set(found.division.tolist()) == {-1, 0, 1}
    with pytest.raises(AnlanError, match="there are city, county, precinct"):
        hotspots.Districts.at_level(areas, "town")


@pytest.mark.parametrize("weeks", [0, (1, 60), (), 2.5])
def test_impossible_spans_get_a_sentence(weeks):
    with pytest.raises(AnlanError, match="whole numbers of weeks from 1 to 12"):
        find(calls_of(city(weeks=20)), weeks=weeks)


def test_how_much_more_reporting_would_explain_a_finding():
    count = city(1)
    count[3, 1, -1] = 60
    found = find(calls_of(count))
    assert (found.category[0], found.place[0]) == ("theft", "B")
    rise = found.reporting_rise[0]
    assert 1.0 < rise < 60 / found.expected[0]
    assert np.isnan(found.reporting_rise[~found.prominent]).all()
    assert (found.reporting_rise[found.prominent] >= 1.0).all()
    count[3, 1, -1] = 120
    assert find(calls_of(count)).reporting_rise[0] > 1.3 * rise
