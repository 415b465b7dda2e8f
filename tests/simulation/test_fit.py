"""What past calls teach, against what they were made of; and calls drawn from it."""

import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.core.time import hour_of_week, zone
from anlan.model import Calls
from anlan.simulation.durations import Durations, Empirical, Lognormal
from anlan.simulation.fit import fit, ks_distance
from anlan.simulation.synthetic import REPORTED, CallModel, last_weeks

TZ = zone("Asia/Shanghai")


@pytest.fixture(scope="module")
def fitted(mill, mill_week):
    begin, week = mill_week
    return fit(mill.calls, TZ, (begin, begin + 8 * week))


def row(fitted, what, category):
    return next(r for r in fitted.rows if (r.what, r.category) == (what, category))


def test_planted_durations_are_found(fitted):
    for category, median, sigma in (("brawl", 1200, 0.6), ("noise", 600, 0.4)):
        found = row(fitted, "on_scene", category)
        assert found.median_s == pytest.approx(median, rel=0.08)
        assert found.sigma == pytest.approx(sigma, rel=0.1)
        assert found.law == "lognormal"
        assert found.ks < 0.05
    assert fitted.durations.turnout_s == pytest.approx(45, rel=0.05)
    assert fitted.durations.handling_s == pytest.approx(30, rel=0.05)


def test_two_kinds_mixed_are_no_lognormal_and_stand_for_themselves():
    random = np.random.default_rng(2)
    n = 2000
    spent = np.where(random.random(n) < 0.5, random.normal(300, 20, n), random.normal(3000, 100, n))
    received = np.sort(random.uniform(0, 40 * 86400, n))
    calls = Calls.make(
        id=[f"c{k}" for k in range(n)],
        category=["mixed"] * n,
        received=received,
        arrived=received + 60,
        cleared=received + 60 + spent,
        edge=np.zeros(n),
    )
    fitted = fit(calls, TZ, parts=1)
    found = row(fitted, "on_scene", "mixed")
    assert found.law == "empirical"
    assert found.ks < 0.02 < 0.2 < found.ks_lognormal
    law = fitted.durations.by["mixed"][0]
    assert isinstance(law, Empirical)
    drawn = law.at(np.random.default_rng(1).standard_normal(20_000))
    assert drawn.mean() == pytest.approx(spent.mean(), rel=0.03)
    assert ((drawn > 500) & (drawn < 2500)).mean() < 0.01


def test_held_out_weeks_are_predicted(fitted, mill, mill_week):
    begin, week = mill_week
    checks = {
        (c.what, c.category): c for c in fitted.check(mill.calls, (begin + 8 * week, begin + 10 * week))
    }
    assert checks["calls a week", ""].predicted == pytest.approx(220, rel=0.05)
    assert checks["on_scene_mean_s", "brawl"].predicted == pytest.approx(1200 * np.exp(0.18), rel=0.08)
    assert sum(c.within for c in checks.values()) >= len(checks) - 1
    text = "\n".join(fitted.lines(tuple(checks.values())))
    assert "predicted" in text
    assert "lognormal" in text


def test_a_fit_that_is_wrong_says_so(fitted, mill, mill_week):
    begin, week = mill_week
    slow = mill.calls.replaced(cleared=mill.calls.cleared + 300)
    checks = fitted.check(slow, (begin + 8 * week, begin + 10 * week))
    assert not any(c.within for c in checks if c.what == "on_scene_mean_s")


def test_drawn_calls_have_the_rates_they_were_fitted_to(mill, mill_week):
    begin, week = mill_week
    model = CallModel.learn(mill.calls, TZ)
    drawn = [model.sample(begin, begin + 20 * week, seed=3, replication=r) for r in range(3)]
    total = sum(len(d) for d in drawn) / 60
    assert total == pytest.approx(220, abs=4 * np.sqrt(220 / 60))
    share = np.concatenate([d.category == "brawl" for d in drawn]).mean()
    assert share == pytest.approx((mill.calls.category == "brawl").mean(), abs=0.02)
    brawls = np.concatenate([d.received[d.category == "brawl"] for d in drawn])
    hours = np.bincount(hour_of_week(brawls, TZ) % 24, minlength=24) / len(brawls)
    past = np.bincount(
        hour_of_week(mill.calls.received[mill.calls.category == "brawl"], TZ) % 24, minlength=24
    )
    assert np.abs(hours - past / past.sum()).max() < 0.04
    # Each place is the place of a past call of the same category.
    places = set(zip(mill.calls.category, mill.calls.edge, mill.calls.offset_m, strict=True))
    assert set(zip(drawn[0].category, drawn[0].edge, drawn[0].offset_m, strict=True)) <= places
    assert (np.diff(drawn[0].received) >= 0).all()


def test_counts_of_drawn_hours_are_poisson(mill, mill_week):
    begin, week = mill_week
    model = CallModel.learn(mill.calls, TZ)
    count = np.array([len(model.sample(begin, begin + week, seed=9, replication=r)) for r in range(200)])
    assert count.var(ddof=1) / count.mean() == pytest.approx(1.0, abs=0.35)
    assert model.daily_dispersion == pytest.approx(1.0, abs=0.6)


def test_a_draw_depends_on_seed_and_replication_only(mill, mill_week):
    begin, week = mill_week
    model = CallModel.learn(mill.calls, TZ)
    one, same = (model.sample(begin, begin + week, 5, 1) for _ in range(2))
    assert np.array_equal(one.received, same.received)
    assert not np.array_equal(one.received[:50], model.sample(begin, begin + week, 5, 2).received[:50])
    more = model.sample(begin, begin + 10 * week, 5, 1, factor=2.0)
    assert len(more) == pytest.approx(2 * 10 * 220, rel=0.05)


def test_what_the_public_reports_is_a_part_of_the_workload(mill):
    every, reported = CallModel.learn(mill.calls, TZ), CallModel.learn(mill.calls, TZ, sources=REPORTED)
    assert reported.volume.sum() == pytest.approx(0.9 * every.volume.sum(), rel=0.03)
    with pytest.raises(AnlanError, match="sources"):
        CallModel.learn(mill.calls, TZ, sources=("device",))


def test_the_last_weeks_end_at_local_midnight(mill, mill_week):
    begin, week = mill_week
    window = last_weeks(mill.calls, TZ, 2)
    assert window == (begin + 8 * week, begin + 10 * week)
    with pytest.raises(AnlanError, match="weeks"):
        last_weeks(mill.calls, TZ, 11)


def test_parts_of_a_job_draw_what_the_whole_draws(mill):
    unknown = mill.calls.replaced(cleared=np.full(len(mill.calls), np.nan))
    whole = [Durations().on_scene_s(unknown, 4, r)[0] for r in range(4)]
    apart = [Durations(first=2).on_scene_s(unknown, 4, r)[0] for r in range(2)]
    assert np.array_equal(whole[2:], apart)


def test_ks_distance_is_scipys():
    from scipy import stats

    seconds = np.random.default_rng(3).lognormal(6, 0.5, 300)
    law = Lognormal(400.0, 0.6)
    peer = stats.kstest(seconds, stats.lognorm(s=0.6, scale=400.0).cdf).statistic
    assert ks_distance(law, seconds) == pytest.approx(peer)
