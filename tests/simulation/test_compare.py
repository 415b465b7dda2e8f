"""Comparisons of runs: what is told apart, what is not, and what is refused."""

import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.core.time import DAY_S
from anlan.evaluation.response import Outcomes
from anlan.simulation import Run, Workload, compare


def run(name, response_s, *, days=20, replications=2, synthetic=False):
    n = len(response_s) // replications
    received = np.tile(np.sort(np.linspace(0, days * DAY_S, n, endpoint=False)), replications)
    none = np.empty(0)
    response_s = np.asarray(response_s, float)
    return Run(
        name=name,
        outcomes=Outcomes(
            id=np.tile(np.array([f"c{k}" for k in range(n)], object), replications),
            unit=np.full(len(response_s), "u", object),
            received=received,
            dispatched=received,
            arrived=received + response_s,
            cleared=received + response_s + 600,
            queued_s=np.zeros(len(response_s)),
            response_s=response_s,
            travel_s=response_s,
            area=np.full(len(response_s), "a", object),
            category=np.full(len(response_s), "k", object),
            slot=np.zeros(len(response_s), np.int16),
            priority=np.ones(len(response_s), np.int8),
            replication=np.repeat(np.arange(replications, dtype=np.int32), n),
        ),
        workload=Workload(none, none, none, none, none),
        assumptions=(),
        left_out=0,
        synthetic=synthetic,
        seed=1,
        replications=replications,
        rings_s=(60.0, 300.0),
    )


def nights(seed, gain=0.0, n=2000):
    random = np.random.default_rng(seed)
    first = random.gamma(4, 70, n)
    return first, np.maximum(first - gain + random.normal(0, 10, n), 1.0)


def test_a_gain_of_ten_seconds_is_real_and_better():
    a, b = nights(1, gain=10)
    comparison = compare(run("a", a), run("b", b))
    mean = comparison["mean_s"]
    assert mean.difference == pytest.approx(b.mean() - a.mean())
    assert mean.interval[0] < mean.difference < mean.interval[1]
    assert (mean.real, mean.verdict) == (True, "better")
    assert mean.p_value < 0.01
    assert comparison["within_300_s"].verdict == "better"
    assert comparison.batch == "day"
    assert "really better" in "\n".join(comparison.lines())


def test_no_gain_is_rarely_called_real():
    pairs = (nights(seed) for seed in range(20))
    real = [compare(run("a", a), run("b", b))["mean_s"] for a, b in pairs]
    assert sum(r.real for r in real) <= 3
    assert all((r.p_value < 0.05) <= r.real for r in real)


def test_few_days_give_no_interval():
    a, b = nights(3, gain=50)
    mean = compare(run("a", a, days=3), run("b", b, days=3))["mean_s"]
    assert not mean.real
    assert mean.difference == pytest.approx(b.mean() - a.mean())


def test_replications_that_drew_their_own_calls_are_the_batches():
    a, b = nights(4, gain=20)
    comparison = compare(
        run("a", a, replications=10, synthetic=True), run("b", b, replications=10, synthetic=True)
    )
    assert (comparison.batches, comparison.batch) == (10, "replication")


def test_a_call_nobody_served_is_late_in_both_halves_of_the_table():
    a, b = nights(5)
    b = b.copy()
    b[:100] = np.nan
    comparison = compare(run("a", a), run("b", b))
    assert comparison.unserved == 100
    assert comparison["mean_s"].a == pytest.approx(a[100:].mean())
    assert comparison["within_300_s"].b == pytest.approx((b <= 300).mean())


def test_other_calls_are_refused():
    a, b = nights(6)
    with pytest.raises(AnlanError, match="same calls"):
        compare(run("a", a), run("b", b[:-2]))
