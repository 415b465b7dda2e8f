"""Equipment along lines against brute force and against what can be read off a straight bank."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.siting.candidates import Candidates, candidates_along
from anlan.siting.gaps import worst_gap
from anlan.siting.lines import cover_lines

Array = np.ndarray[Any, Any]


def bank(length: float = 1000.0, every: float = 100.0, closed: bool = False) -> Candidates:
    line = shapely.LineString([(0, 0), (length, 0)])
    if closed:
        line = shapely.Point(0, 0).buffer(length / 2 / math.pi, 200).exterior
        line = shapely.LineString(line.coords)
    return candidates_along([line], every)[0]


def naive_gap(candidates: Candidates, chosen: Array, ends: float) -> float:
    worst = 0.0
    for line, length in enumerate(candidates.length_m):
        at = np.sort(candidates.at_m[chosen & (candidates.line == line)])
        if candidates.closed[line]:
            worst = max(worst, length if not len(at) else max(np.diff(np.r_[at, at[0] + length])))
        elif not len(at):
            worst = max(worst, ends * length)
        else:
            worst = max([worst, ends * at[0], ends * (length - at[-1]), *np.diff(at)])
    return worst


def two_lines(seed: int) -> tuple[Candidates, Array]:
    """Nine candidates on an open line and a ring, six towns beside them."""
    rng = stream(seed, "lines-test")
    at = [np.sort(rng.choice(np.arange(0, 101), 5, replace=False)) * 1.0,
          np.sort(rng.choice(np.arange(0, 80), 4, replace=False)) * 1.0]  # fmt: skip
    candidates = Candidates(
        np.repeat([0, 1], [5, 4]), np.concatenate(at), np.array([100.0, 80.0]), np.array([False, True]),
        np.empty((0, 2)),
    )  # fmt: skip
    return candidates, rng.random((6, 9)) * 100


def choices(n: int) -> Any:
    for bits in itertools.product([False, True], repeat=n):
        yield np.array(bits)


@given(st.integers(0, 999), st.integers(1, 6), st.sampled_from([1.0, 2.0]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_shortest_worst_gap_against_brute_force(seed, p, ends, hours):
    candidates, cost = two_lines(seed)
    slots = np.ones((9, 2), bool)
    if hours:
        slots[:, 1] = stream(seed, "hours").random(9) < 0.8
    answer = cover_lines(candidates, p, cost=cost, reach=45.0, ends=ends, open_in=slots)
    best = math.inf
    for chosen in choices(9):
        if chosen.sum() <= p and all((cost[:, chosen & now] <= 45).any(axis=1).all() for now in slots.T):
            best = min(best, max(naive_gap(candidates, chosen & now, ends) for now in slots.T))
    if math.isinf(best):
        assert answer.status == "infeasible"
    else:
        assert answer.status == "optimal"
        assert answer.objective == pytest.approx(best)
        assert answer.bound == pytest.approx(best)
        assert len(answer) <= p
        assert (answer.assignment >= 0).all()


@given(st.integers(0, 999), st.floats(15.0, 120.0))
@settings(max_examples=25, deadline=None)
def test_fewest_places_within_a_gap_against_brute_force(seed, longest):
    candidates, cost = two_lines(seed)
    answer = cover_lines(candidates, cost=cost, reach=60.0, longest_gap_m=longest)
    fits = [
        int(chosen.sum())
        for chosen in choices(9)
        if naive_gap(candidates, chosen, 1.0) <= longest and (cost[:, chosen] <= 60).any(axis=1).all()
    ]
    assert (answer.status == "optimal") == bool(fits)
    if fits:
        assert answer.objective == min(fits) == len(answer)
        assert answer.details["gap_m"].max() <= longest + 1e-6
    elif "longest_gap_m" in answer.relaxation:
        wider = answer.relaxation["longest_gap_m"]
        assert cover_lines(candidates, longest_gap_m=wider).status == "optimal"


@given(st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_fewest_that_serve_then_the_shortest_gap(seed):
    candidates, cost = two_lines(seed)
    answer = cover_lines(candidates, cost=cost, reach=60.0)
    serving = [c for c in choices(9) if (cost[:, c] <= 60).any(axis=1).all()]
    if not serving:
        assert answer.status == "infeasible"
        assert len(answer.unreachable)
        again = cover_lines(candidates, cost=cost, reach=answer.relaxation["reach"])
        assert again.status == "optimal"
        return
    number = min(int(c.sum()) for c in serving)
    assert len(answer) == number
    assert answer.objective == pytest.approx(
        min(naive_gap(candidates, c, 1.0) for c in serving if c.sum() == number)
    )


def test_poles_on_a_straight_bank_stand_evenly():
    answer = cover_lines(bank(), 4)
    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(200.0)  # 1000 m in five stretches
    assert answer.sites.tolist() == [2, 4, 6, 8]
    assert cover_lines(bank(), 5, ends=2.0).sites.tolist() == [1, 3, 5, 7, 9]


def test_a_ring_has_no_ends():
    lake = bank(1200.0, 100.0, closed=True)
    assert lake.closed.tolist() == [True]
    answer = cover_lines(lake, 3)
    assert answer.objective == pytest.approx(lake.length_m[0] / 3, rel=0.01)


def test_a_town_can_pull_a_pole_out_of_place():
    cost = np.full((1, 11), 1000.0)
    cost[0, 3] = 60.0
    answer = cover_lines(bank(), 4, cost=cost, reach=120.0)
    assert 3 in answer.sites
    assert answer.assignment.tolist() == [3]
    assert answer.objective == pytest.approx(300.0)


def test_poles_that_exist_do_not_count():
    answer = cover_lines(bank(), 3, existing=[4])
    assert 4 in answer.sites
    assert len(answer) == 4
    assert answer.objective == pytest.approx(200.0)
    assert answer.status == "optimal"


def test_a_budget_buys_the_shortest_gap():
    price = np.ones(11)
    price[[2, 4, 6, 8]] = 10.0
    answer = cover_lines(bank(), site_cost=price, budget=5.0)
    assert answer.status == "optimal"
    assert price[answer.sites].sum() <= 5.0
    assert answer.objective == pytest.approx(200.0)  # 1, 3, 5, 7, 9
    few = cover_lines(bank(), cost=1 - np.eye(11), reach=0.0, site_cost=price, budget=1.0)
    assert few.status == "infeasible"
    assert few.relaxation == {"budget": price.sum()}


def test_a_closed_place_leaves_a_gap_at_night():
    slots = np.ones((11, 2), bool)
    slots[5, 1] = False
    answer = cover_lines(bank(), 1, open_in=slots)
    assert answer.objective == pytest.approx(600.0)
    assert answer.sites[0] in (4, 6)


def test_too_few_places_are_told_how_many_it_takes():
    cost = np.where(np.eye(11)[[0, 5, 10]] > 0, 10.0, 900.0)
    answer = cover_lines(bank(), 2, cost=cost, reach=60.0)
    assert answer.status == "infeasible"
    assert answer.relaxation == {"p": 3.0}
    assert "at least 3" in answer.message


def test_candidates_that_stand_too_far_apart_are_told():
    answer = cover_lines(bank(every=250.0), longest_gap_m=200.0)
    assert answer.status == "infeasible"
    assert answer.relaxation == {"longest_gap_m": 250.0}


def test_questions_after_the_answer():
    cost = np.abs(np.arange(11)[None, :] * 100.0 - np.array([[0.0], [400.0], [900.0]]))
    answer = cover_lines(bank(), 4, cost=cost, reach=150.0)
    others = answer.alternatives(2)
    assert len(others) == 2
    assert all(o.price >= 0 for o in others)
    assert answer.without(int(answer.sites[0]), reoptimise=True).loss >= 0
    assert answer.explain(1).covered


def test_candidates_merge_the_pieces_of_a_river():
    pieces = [shapely.LineString([(0, 0), (130, 0)]), shapely.LineString([(130, 0), (260, 0)])]
    merged, lines = candidates_along(pieces, 100.0)
    assert len(lines) == 1
    np.testing.assert_allclose(merged.at_m, [0, 260 / 3, 520 / 3, 260])
    np.testing.assert_allclose(merged.xy[:, 0], merged.at_m)
    apart, _ = candidates_along(pieces, 100.0, merge=False)
    assert apart.line.tolist() == [0, 0, 0, 1, 1, 1]


def test_many_lines_are_solved_part_by_part():
    rng = stream(1, "many")
    lines = [shapely.LineString([(0, y), (float(rng.uniform(500, 5000)), y)]) for y in range(60)]
    candidates, _ = candidates_along(lines, 50.0)
    answer = cover_lines(candidates, 400)
    assert answer.status == "optimal"
    assert naive_gap(candidates, np.isin(np.arange(len(candidates)), answer.sites), 1.0) == pytest.approx(
        answer.objective
    )


def test_worst_gap_is_the_naive_one():
    candidates, _ = two_lines(3)
    for chosen in choices(9):
        for ends in (1.0, 2.0):
            assert worst_gap(candidates, chosen, ends).max() == pytest.approx(
                naive_gap(candidates, chosen, ends)
            )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cost": np.ones((2, 3))}, "one for each of the 11 candidates"),
        ({"ends": 0.5}, "1 or more"),
        ({"longest_gap_m": 0.0}, "above 0"),
        ({"p": 3, "longest_gap_m": 100.0}, "leave one out"),
        ({"open_in": np.ones((3, 2), bool)}, "a row for each of the 11 candidates"),
        ({"needed_in": np.ones((1, 2), bool)}, "a column for each of the 1 slots"),
        ({"p": 20}, "only 11 candidate sites"),
    ],
)
def test_bad_input_is_one_sentence(change, says):
    with pytest.raises(AnlanError, match=says):
        cover_lines(bank(), **change)
    with pytest.raises(AnlanError, match="above 0"):
        candidates_along([shapely.LineString([(0, 0), (1, 0)])], 0.0)
    with pytest.raises(AnlanError, match="in order of line"):
        Candidates.on_chainage([0, 0], [5.0, 5.0], [10.0])


@given(st.integers(0, 999), st.floats(20.0, 120.0), st.booleans())
@settings(max_examples=40, deadline=None)
def test_relaxation_bounds_and_keeps_what_it_says(seed, longest, existing):
    from anlan.siting.fewest import Rows
    from anlan.siting.line_dual import LineDual
    from anlan.siting.problem import Watch

    candidates, cost = two_lines(seed)
    near = cost <= 60.0
    if not near.any(axis=1).all():
        return
    rows = Rows(np.concatenate([[0], np.cumsum(near.sum(axis=1))]), np.nonzero(near)[1])
    price = np.ones(9)
    must = np.zeros(9, bool)
    if existing:
        must[seed % 9], price[seed % 9] = True, 0.0
    dual = LineDual.make(candidates, np.ones(9, bool), rows, price, must, 1.0)
    found = dual.ask(longest, -math.inf, Watch(10.0))
    fits = [
        float(price[c].sum())
        for c in choices(9)
        if c[must].all() and naive_gap(candidates, c, 1.0) <= longest and near[:, c].any(axis=1).all()
    ]
    if not fits:
        assert found.columns is None
        return
    assert found.bound <= min(fits) + 1e-9
    if found.columns is not None:
        assert found.price >= min(fits)
        assert found.price == price[found.columns].sum()
        assert naive_gap(candidates, found.columns, 1.0) <= longest + 1e-6
        assert near[:, found.columns].any(axis=1).all()


def test_a_ring_is_stabbed_with_the_fewest():
    from anlan.siting.fewest import Rows, fewest
    from anlan.siting.problem import Side, Watch

    n, width = 10, 3
    rows = Rows(np.arange(n + 1) * width, np.array([(i + k) % n for i in range(n) for k in range(width)]))
    none = np.zeros(n, bool)
    found = fewest(rows, np.ones(n), none, ~none, Side(np.zeros((0, n)), np.zeros(0)), Watch(10.0))
    assert found.price == found.bound == 4  # ten windows of three: three places hit nine


def test_twenty_thousand_candidates_come_with_a_tight_bound():
    rng = stream(2, "large")
    lines = [shapely.LineString([(0, 50.0 * y), (float(rng.uniform(5e3, 3e4)), 50.0 * y)]) for y in range(24)]
    lines.append(shapely.LineString(shapely.Point(0, -20_000).buffer(3000.0, 64).exterior.coords))
    candidates, _ = candidates_along(lines, 20.0)
    assert len(candidates) > 15_000
    at = rng.choice(len(candidates), 120, replace=False)
    apart = np.abs(candidates.xy[at, 0][:, None] - candidates.xy[None, :, 0])
    cost = np.where(candidates.line[at][:, None] == candidates.line[None, :], apart, np.inf)
    answer = cover_lines(candidates, 300, cost=cost, reach=400.0, time_limit_s=20.0)
    assert answer.gap < 0.02
    assert answer.details["gap_m"].max() == pytest.approx(answer.objective)
    assert (answer.assignment >= 0).all()
    assert len(answer) <= 300


def test_a_cancelled_search_keeps_to_what_it_has():
    from anlan.core.job import Job

    job = Job()
    job.cancel()
    candidates, _ = candidates_along([shapely.LineString([(0, 0), (20_000, 0)])], 20.0)
    cost = np.abs(candidates.xy[:, 0][None, :] - np.array([[1000.0], [9000.0]]))
    answer = cover_lines(candidates, 20, cost=cost, reach=200.0, job=job)
    assert len(answer.sites) in (0, *range(2, 21))
    assert answer.status in ("time_limit", "optimal")
