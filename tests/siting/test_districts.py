"""Districts on grids a reader can picture, against brute force; beats of Two Towns."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.siting.districts import Ground, districts, least_balance, rescore


def grid(rows, columns):
    cell = np.arange(rows * columns).reshape(rows, columns)
    across = np.stack([cell[:, :-1].ravel(), cell[:, 1:].ravel()], 1)
    down = np.stack([cell[:-1].ravel(), cell[1:].ravel()], 1)
    return np.concatenate([across, down])


def whole(pairs, own, post, d):
    """Whether a district is one piece with its post, by walking it."""
    mine = set(np.flatnonzero(own == d).tolist())
    seen, todo = {post}, [post]
    while todo:
        here = todo.pop()
        for a, b in pairs.tolist():
            for x, y in ((a, b), (b, a)):
                if x == here and y in mine and y not in seen:
                    seen.add(y)
                    todo.append(y)
    return post in mine and seen == mine


def best_balance(pairs, work, posts):
    n, k = len(work), len(posts)
    """Of all districts in one piece, by trying all of them."""
    best = math.inf
    for choice in itertools.product(range(k), repeat=n):
        own = np.array(choice)
        load = np.bincount(own, work, k).max() / (work.sum() / k)
        if load < best and all(whole(pairs, own, p, d) for d, p in enumerate(posts)):
            best = load
    return best


@given(st.integers(0, 999), st.sampled_from([(3, 3, 2), (2, 4, 3), (2, 5, 2)]))
@settings(max_examples=8, deadline=None)
def test_the_best_balance_against_brute_force(seed, shape):
    rows, columns, k = shape
    rng = stream(seed, "district-test")
    pairs, work = grid(rows, columns), rng.integers(1, 9, rows * columns).astype(float)
    posts = rng.choice(rows * columns, k, replace=False)
    answer = districts(pairs, work, posts, balance=1.0)
    best = best_balance(pairs, work, posts)
    assert answer.objective == pytest.approx(best)
    assert answer.bound <= best + 1e-9
    assert answer.bound == pytest.approx(least_balance(Ground.make(pairs, work, posts)))


@given(st.integers(0, 999), st.integers(2, 6))
@settings(max_examples=15, deadline=None)
def test_every_district_is_in_one_piece_and_none_is_lost(seed, k):
    rng = stream(seed, "district-test-2")
    pairs, work = grid(8, 9), rng.exponential(size=72)
    work[rng.random(72) < 0.3] = 0.0
    posts = rng.choice(72, k, replace=False)
    answer = districts(pairs, work, posts, balance=1.1, seed=seed)
    assert all(whole(pairs, answer.assignment, p, d) for d, p in enumerate(posts))
    found = rescore(pairs, work, posts, answer.assignment)
    assert found.contiguous
    assert found.balance == pytest.approx(answer.objective)
    assert found.work.sum() == pytest.approx(work.sum())
    assert answer.objective >= answer.bound - 1e-9


def test_a_street_of_ten_equal_houses():
    pairs = np.stack([np.arange(9), np.arange(1, 10)], 1)
    answer = districts(pairs, np.ones(10), [0, 9], balance=1.0)
    assert answer.status == "optimal"
    assert answer.assignment.tolist() == [0] * 5 + [1] * 5
    assert answer.sites.tolist() == [0, 1]


def test_what_only_one_post_can_hold_bounds_the_balance():
    # A cul-de-sac of four behind post 0, whose cell closes it off: 5 of 8 whatever one does.
    pairs = np.stack([np.arange(7), np.arange(1, 8)], 1)
    answer = districts(pairs, np.ones(8), [4, 7])
    assert answer.bound == pytest.approx(5 / 4)
    assert answer.objective == pytest.approx(5 / 4)
    assert answer.status == "optimal"


def test_within_the_balance_travel_is_short():
    rng = stream(3, "travel")
    pairs, work = grid(20, 20), rng.exponential(size=400)
    posts = np.array([42, 57, 342, 357])
    loose, tight = (districts(pairs, work, posts, balance=b) for b in (1.3, 1.02))
    assert loose.objective <= 1.3
    assert tight.objective <= 1.02
    assert loose.status == tight.status == "within_gap"
    assert loose.details["travel_s"] <= tight.details["travel_s"] + 1e-9
    assert loose.details["work"].max() == pytest.approx(loose.objective * work.sum() / 4)


def test_the_same_seed_gives_the_same_districts():
    pairs, work, posts = grid(12, 12), np.arange(144.0), [0, 70, 143]
    first, second = (districts(pairs, work, posts, seed=5) for _ in range(2))
    assert first.assignment.tolist() == second.assignment.tolist()


def test_edits_by_hand_are_scored_and_torn_parts_named():
    pairs = np.stack([np.arange(5), np.arange(1, 6)], 1)
    own = np.array([0, 0, 1, 0, 1, -1])
    found = rescore(pairs, np.ones(6), [0, 4], own)
    assert found.strays == ((0, (3,)), (1, (2,)))
    assert found.unassigned == (5,)
    assert not found.contiguous
    told = " ".join(found.lines(["North", "South"], list("abcdef")))
    assert "North is not in one piece: d" in told
    assert "1 cells have no district: f" in told
    mended = rescore(pairs, np.ones(6), [0, 4], [0, 0, 0, 1, 1, 1])
    assert mended.contiguous
    assert mended.balance == 1.0


def test_a_post_that_closes_leaves_its_cells_to_the_others():
    answer = districts(grid(6, 6), np.ones(36), [0, 5, 35])
    loss = answer.without(1)
    assert loss.loss > 0
    assert not len(loss.left)
    again = answer.without(1, reoptimise=True, time_limit_s=2.0).replaced
    assert set(again.assignment.tolist()) == {0, 2}
    assert answer.explain(0).site == 0


def test_an_island_without_a_post_is_named():
    pairs = np.array([[0, 1], [2, 3]])
    answer = districts(pairs, np.ones(4), [0])
    assert answer.status == "infeasible"
    assert answer.unreachable.tolist() == [2, 3]


def test_islands_with_posts_bound_the_balance():
    answer = districts(np.array([[0, 1], [1, 2], [3, 4]]), np.ones(5), [0, 4])
    assert answer.bound == pytest.approx(3 / 2.5)
    assert answer.status == "optimal"


def test_a_stopped_search_still_gives_whole_districts():
    job = Job()
    job.cancel()
    pairs, posts = grid(10, 10), [0, 55]
    answer = districts(pairs, np.ones(100), posts, job=job)
    assert rescore(pairs, np.ones(100), posts, answer.assignment).contiguous
    assert "request" in answer.message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"balance": 0.9}, "1 or more"),
        ({"work": [1.0, -1.0, 1.0]}, "0 or more"),
        ({"posts": [0, 0]}, "cell of its own"),
        ({"posts": [7]}, "numbered from 0 to 2"),
        ({"cost": np.ones((2, 1))}, "a time, 0 or more"),
        ({"adjacency": [[0, 9]]}, "numbered from 0 to 2"),
    ],
)
def test_bad_input_is_one_sentence(change, says):
    given = {"adjacency": [[0, 1], [1, 2]], "work": np.ones(3), "posts": [0], **change}
    with pytest.raises(AnlanError, match=says):
        districts(**given)
