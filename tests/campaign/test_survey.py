"""The survey of Grid Town: what is planted in its calls is found, what they cannot show is named."""

from datetime import datetime

import numpy as np
import pytest

from anlan.campaign.naming import days
from anlan.campaign.report.maps import Base
from anlan.campaign.survey import of_categories, survey
from anlan.campaign.survey_findings import chinese, q_text, tell
from anlan.campaign.surveyed import PARTS, SurveyOptions
from anlan.city.city import City
from anlan.core.errors import AnlanError, Cancelled
from anlan.core.job import Job
from anlan.core.time import WEEK_S, zone
from anlan.model import Calls

BEGIN = datetime(2022, 3, 7, tzinfo=zone("Asia/Shanghai")).timestamp()
QUICK = SurveyOptions(replications=49, scan_calls=20)


@pytest.fixture(scope="module")
def town(town_folder):
    return City.load(town_folder)


@pytest.fixture(scope="module")
def found(town):
    return survey(town, QUICK)


@pytest.fixture(scope="module")
def burst(town):
    """The same town with forty more thefts at one corner in the last three weeks."""
    rng = np.random.default_rng(3)
    x, y = town.calls.x.min() + 250.0, town.calls.y.min() + 2000.0
    more = Calls.make(
        id=[f"more{k}" for k in range(40)],
        category=["theft"] * 40,
        priority=[1] * 40,
        source=["reported"] * 40,
        received=BEGIN + (13 + 3 * rng.random(40)) * WEEK_S,
        x=x + rng.normal(0, 30, 40),
        y=y + rng.normal(0, 30, 40),
    )
    calls = Calls.concat([town.calls, town.placed(more)])
    return town.replaced(calls=calls.take(np.argsort(calls.received, kind="stable")))


def test_every_part_is_done_on_sixteen_weeks(found):
    assert found.missing == ()
    for part in ("standing", "surface", "cells", "streets", "concentration", "hours", "aim", "clusters"):
        assert getattr(found, part) is not None


def test_only_reported_calls_teach(found, town):
    assert set(found.calls.source.tolist()) == {"reported"}
    assert found.left_out["discovered"] == int((town.calls.source == "discovered").sum())


def test_figures_add_up(found):
    assert found.hours.sum() * found.weeks == pytest.approx(len(found.recent))
    assert found.cells.weekly.sum() * found.weeks == pytest.approx(len(found.recent))
    assert found.streets.weekly.sum() * found.weeks == pytest.approx(len(found.recent))
    focus = found.concentration
    assert np.interp(focus.found.places_share[1], focus.places_share, focus.held) == pytest.approx(
        0.5, abs=0.01
    )
    assert (np.diff(focus.held) >= 0).all()


def test_the_busy_corners_are_hot_and_are_targets(found, town):
    hot = np.flatnonzero(found.cells.gi.hot())
    assert len(hot)
    x, y = found.cells.places.centre(hot)
    left, bottom = town.roads.x.min(), town.roads.y.min()
    assert ((x - left > 1500) & (y - bottom > 500)).all()
    assert found.aim.chosen.proof["chosen"].pai > 3
    low, high = found.aim.chosen.proof["chosen"].hit_rate_interval
    assert low < found.aim.chosen.proof["chosen"].hit_rate < high


def test_a_burst_at_a_corner_is_prominent_emerging_and_a_cluster(burst):
    found = survey(burst, QUICK)
    standing = found.standing.found
    row = [k for k in range(len(standing)) if standing.prominent[k] and standing.place[k] == "4201"]
    assert row
    assert standing.category[row[0]] == "theft"
    assert found.clusters.found
    first = found.clusters.found[0]
    assert first.category == "theft"
    centre = found.clusters.x[first.cluster.centre], found.clusters.y[first.cluster.centre]
    corner = burst.calls.x.min() + 250.0, burst.calls.y.min() + 2000.0
    assert np.hypot(centre[0] - corner[0], centre[1] - corner[1]) < 600
    told = tell(burst, found, Base.of(burst.roads, found.calls.x, found.calls.y))
    assert any("theft" in one.en and "West" in one.en for one in (r.sentence for r in told.prominent))
    assert any("西所" in r.sentence.zh for r in told.prominent)


def test_a_week_of_history_says_what_cannot_be_done(town):
    found = survey(town, QUICK, window=(BEGIN, BEGIN + WEEK_S))
    assert {m.part for m in found.missing} >= {"prominence", "targets", "clusters"}
    for m in found.missing:
        assert m.reason.zh
        assert m.reason.en
    told = tell(town, found, Base.of(town.roads, found.calls.x, found.calls.y))
    assert told.prominent == []
    assert told.week_chart is not None
    assert len(told.missing) == len(found.missing)


def test_calls_at_one_point_say_so(town):
    calls = town.calls.replaced(
        **{
            name: np.full_like(getattr(town.calls, name), getattr(town.calls, name)[0])
            for name in ("x", "y", "lon", "lat", "edge", "offset_m")
        }
    )
    found = survey(town.replaced(calls=calls), QUICK)
    at_one_point = {m.part for m in found.missing if "同一个点" in m.reason.zh}
    assert at_one_point == {"density", "places", "streets", "concentration", "targets", "clusters"}
    assert found.standing is not None


def test_a_cancelled_survey_keeps_what_is_finished(town):
    def stop_at_hours(progress):
        if progress.note == PARTS["hours"].en:
            job.cancel()

    job = Job(stop_at_hours)
    found = survey(town, QUICK, job=job)
    assert found.cells is not None
    assert found.aim is None
    assert [m.part for m in found.missing] == ["targets", "clusters"]
    with pytest.raises(Cancelled):
        job.check()


def test_one_seed_gives_one_survey(town, found):
    again = survey(town, QUICK)
    base = Base.of(town.roads, found.calls.x, found.calls.y)
    assert tell(town, again, base) == tell(town, found, base)


def test_an_unknown_category_names_those_that_occur(town):
    with pytest.raises(AnlanError, match="noise, theft"):
        of_categories(town.calls, ["thefft"])
    only = survey(town, QUICK, categories=["noise"])
    assert set(only.calls.category.tolist()) == {"noise"}


def test_chinese_sentences_have_their_own_punctuation():
    assert chinese("甲,乙(丙);丁") == "甲，乙（丙）；丁"


@pytest.mark.parametrize(("q", "text"), [(0.0, "< 0.001"), (0.0123, "0.012"), (0.25, "0.25")])
def test_q_values_are_never_printed_as_zero(q, text):
    assert q_text(q) == text


def test_the_last_day_of_a_window_is_inside_it():
    assert days((BEGIN, BEGIN + WEEK_S), zone("Asia/Shanghai")) == ("2022-03-07", "2022-03-13")
