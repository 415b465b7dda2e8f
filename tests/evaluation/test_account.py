from datetime import datetime

import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.core.time import WEEK_S, zone
from anlan.evaluation import evaluate
from anlan.model.call import Calls
from anlan.model.campaign import Campaign

TZ = zone("Asia/Shanghai")
BEGIN = datetime(2022, 6, 27, tzinfo=TZ).timestamp()
AREAS = [f"A{k:02d}" for k in range(30)]
SUMMER = Campaign(
    "summer",
    treated=("A00", "A01", "A02", "A03"),
    begin=BEGIN,
    end=BEGIN + 14 * WEEK_S,
    chosen_for_count=False,
)


def calls(effect, seed=0, weeks_before=156, source="reported"):
    """Three years of calls in thirty like precincts; in the treated four a share `effect` is gone."""
    rng = np.random.default_rng(seed)
    at, area = [], []
    for k, code in enumerate(AREAS):
        for week in range(-weeks_before, 14):
            mean = 12.0 * (1 + 0.2 * np.sin(2 * np.pi * week / 52))
            if k < 4 and week >= 0:
                mean *= 1 - effect
            n = rng.poisson(mean)
            at.append(BEGIN + (week + rng.random(n)) * WEEK_S)
            area += [code] * n
    received = np.concatenate(at)
    return Calls.make(
        id=[f"c{k}" for k in range(len(area))], received=received, area=area, source=[source] * len(area)
    )


def named(account, method):
    return [f for f in account.findings if f.method == method]


def test_a_real_fall_is_found_by_every_design_that_applies():
    account = evaluate(SUMMER, calls(0.4), tz=TZ)
    truth = -0.4 * 4 * sum(12.0 * (1 + 0.2 * np.sin(2 * np.pi * w / 52)) for w in range(14))
    (difference,) = named(account, "wdd")
    assert difference.interval[0] <= truth <= difference.interval[1]
    assert difference.p_value < 0.05
    (series,) = named(account, "interrupted")
    assert series.interval[0] <= truth <= series.interval[1]
    (twin,) = named(account, "synthetic")
    assert twin.estimate == pytest.approx(truth, rel=0.3)
    assert "really fell" in account.verdict.en
    assert "确有下降" in account.verdict.zh


def test_nothing_done_is_not_called_a_success():
    claims = sum("really fell" in evaluate(SUMMER, calls(0.0, seed), tz=TZ).verdict.en for seed in range(12))
    assert claims <= 2


def test_what_does_not_apply_says_why():
    account = evaluate(SUMMER, calls(0.4, weeks_before=12), tz=TZ)
    for method in ("interrupted", "staggered", "synthetic", "regression_to_mean", "year_on_year"):
        (finding,) = named(account, method)
        assert not finding.applies
        assert finding.why.en
        assert finding.why.zh


def test_control_sets_are_shown_side_by_side():
    two = Campaign(
        "summer", SUMMER.treated, SUMMER.begin, SUMMER.end,
        controls={"north": tuple(AREAS[10:15]), "south": tuple(AREAS[15:20])},
        displacement=("A04",), displacement_control=("A05",),
    )  # fmt: skip
    found = named(evaluate(two, calls(0.4), tz=TZ), "wdd")
    assert [f.name.en.rsplit(" ", 1)[1] for f in found] == ["north", "south"]
    assert all("displacement counted" in f.why.en for f in found)


def test_staggered_starts_are_used():
    later = Campaign(
        "waves", ("A00", "A01", "A02", "A03"), SUMMER.begin, SUMMER.end,
        starts={"A02": BEGIN + 8 * WEEK_S, "A03": BEGIN + 8 * WEEK_S},
    )  # fmt: skip
    (finding,) = named(evaluate(later, calls(0.4), tz=TZ), "staggered")
    assert finding.applies
    assert finding.estimate < 0


def test_discovered_calls_are_not_counted():
    with pytest.raises(AnlanError, match="reported"):
        evaluate(SUMMER, calls(0.0, weeks_before=8, source="discovered"), tz=TZ)


def test_one_week_of_history_gets_a_sentence():
    with pytest.raises(AnlanError, match="four whole weeks"):
        evaluate(SUMMER, calls(0.0, weeks_before=2), tz=TZ)


def test_a_campaign_that_contradicts_itself_is_refused():
    with pytest.raises(AnlanError, match="A00"):
        Campaign("x", ("A00",), 0.0, 1.0, controls={"c": ("A00",)})
    with pytest.raises(AnlanError, match="end comes after"):
        Campaign("x", ("A00",), 1.0, 1.0)
