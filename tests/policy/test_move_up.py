from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.city.travel import Travel
from anlan.core.errors import AnlanError
from anlan.model import Board, BoardPosts, BoardUnits, Plan, Posts, Sites, Units
from anlan.policy import build

# Line Town: junctions 0 … 10 in a row, a minute apart; junction 11 lies on an island.
TAIL = np.array([*range(10), *range(1, 11)])
HEAD = np.array([*range(1, 11), *range(10)])
LINE = Travel.from_arcs(12, TAIL, HEAD, np.full(20, 60.0))
POSTS = BoardPosts.make(id=["west", "middle", "east"], node=[0, 5, 10])
NODE = {"west": 0, "middle": 5, "east": 10}


def at(name, post, **more):
    """A free unit that holds a post."""
    return {"id": name, "node": NODE[post], "at": post, "post": post, "home": "west", **more}


def freed(name, node, **more):
    """A unit that has just become free, out on the street."""
    return {"id": name, "node": node, "home": "west", **more}


def board(*rows, posts=POSTS, now=10_000.0, slot=0):
    names = {name for row in rows for name in row}
    columns = {name: [row.get(name, BoardUnits.DEFAULTS.get(name)) for row in rows] for name in names}
    return Board(now, slot, BoardUnits.make(**columns), posts=posts)


def went(answer):
    return {m.unit: m.post for m in answer.moves}


def why(answer):
    return {(w.unit, w.post): w.reason.code for w in answer.withheld}


def test_home():
    answer = build("home").move_up(board(freed("a", 3), at("b", "middle")), LINE)
    (move,) = answer.moves  # the other one keeps its post
    assert (move.unit, move.post, move.origin, move.drive_s) == ("a", "west", "", 180.0)
    assert answer.text.en == "a: Waits at its home west. A drive of 180 s."
    assert answer.of("b") is None
    assert build("home").move_up(board(at("b", "middle")), LINE).text.en == "Nobody needs to move."


def test_a_unit_without_a_home_stays():
    answer = build("home").move_up(board(freed("a", 3, home="")), LINE)
    assert answer.moves == ()


DEMAND = {"place": np.array([0, 5, 10]), "weight": np.array([4.0, 3.0, 2.0])}
COVER = {"standby": {"rule": "dmexclp", "reach_s": 60.0, "busy": 0.4}}


def test_dmexclp_goes_where_it_adds_most():
    policy = build(COVER, demand=DEMAND)
    # Nobody is there: 0.6 × 4 in the west. Somebody in the west: 0.6 × 0.4 × 4 there against 0.6 × 3 in the middle.
    answer = policy.move_up(board(freed("a", 5)), LINE)
    assert went(answer) == {"a": "west"}
    assert answer.moves[0].gain == pytest.approx(2.4)
    answer = policy.move_up(board(freed("a", 9), at("b", "west")), LINE)
    assert went(answer) == {"a": "middle"}
    assert answer.moves[0].gain == pytest.approx(1.8)
    assert answer.moves[0].drive_s == 240.0
    # A unit that drives to a post counts there.
    driving = {"id": "b", "status": "moving", "node": 7, "post": "middle", "home": "west"}
    assert went(policy.move_up(board(freed("a", 9), at("c", "west"), driving), LINE)) == {"a": "east"}


def test_a_full_post_is_passed_over():
    small = POSTS.replaced(capacity=[0, 5, 5])
    assert went(build(COVER, demand=DEMAND).move_up(board(freed("a", 5), posts=small), LINE)) == {
        "a": "middle"
    }


def test_units_that_become_free_together_see_each_other():
    answer = build(COVER, demand=DEMAND).move_up(board(freed("a", 5), freed("b", 5)), LINE)
    assert went(answer) == {"a": "west", "b": "middle"}


def test_a_unit_placed_anew_does_not_count_itself():
    policy = build(COVER, demand=DEMAND)
    answer = policy.move_up(board(at("a", "west"), at("b", "middle")), LINE, units=["a"])
    assert went(answer) == {"a": "west"}
    assert answer.moves[0].drive_s == 0.0
    assert answer.text.en == "Nobody needs to move."
    with pytest.raises(AnlanError, match="unit 'b', off: only a free unit is given a place"):
        policy.move_up(board(at("a", "west"), {"id": "b", "status": "off"}), LINE, units=["b"])
    with pytest.raises(AnlanError, match="unit 'z': it is not on this board"):
        policy.move_up(board(at("a", "west")), LINE, units=["z"])


@pytest.mark.parametrize(
    ("burden", "code", "said"),
    [
        ({"stay_s": 900.0}, "stayed_too_short", "600 s after its last move, less than 900 s"),
        ({"drive_s": 200.0}, "too_far", "a drive of 240 s, more than 200 s"),
        ({"moves_per_hour": 1.0}, "moved_too_often", "moved 2 times this duty, and 1 an hour are allowed"),
    ],
)
def test_what_the_burden_forbids_is_withheld_with_the_reason(burden, code, said):
    policy = build({**COVER, "burden": burden}, demand=DEMAND)
    tired = freed("a", 9, moves=2, moved_at=9_400.0, on_duty_s=7_200.0)
    answer = policy.move_up(board(tired, at("b", "west")), LINE)
    assert went(answer) == {"a": "west"}  # home instead
    assert answer.moves[0].reason.code == "go_home"
    assert why(answer) == {("a", "middle"): code}
    assert said in answer.withheld[0].reason.text.en
    strain = answer.moves[0].strain
    assert (strain.moves, strain.on_duty_s, strain.stayed_s) == (2, 7_200.0, 600.0)
    # One limit less strict, and it goes.
    looser = {"stay_s": 600.0, "drive_s": 240.0, "moves_per_hour": 1.5}
    policy = build({**COVER, "burden": {k: looser[k] for k in burden}}, demand=DEMAND)
    assert went(policy.move_up(board(tired, at("b", "west")), LINE)) == {"a": "middle"}


def test_no_way_to_a_post():
    island = BoardPosts.make(id=["west", "island"], node=[0, 11])
    policy = build(COVER, demand={"place": np.array([11]), "weight": np.array([1.0])})
    answer = policy.move_up(board(freed("a", 3), posts=island), LINE)
    assert went(answer) == {"a": "west"}
    assert why(answer) == {("a", "island"): "no_way"}


TABLE = {"standby": {"rule": "compliance", "table": {"1": ["middle"], "2": ["west", "east"]}}}


def test_a_compliance_table_moves_the_nearest_spare_unit():
    policy = build(TABLE)
    # Two are free: west and east are to be held. The unit in the middle is spare, and nearer than the other.
    answer = policy.move_up(board(at("a", "middle"), at("b", "west")), LINE)
    assert went(answer) == {"a": "east"}
    assert answer.moves[0].origin == "middle"
    assert "With 2 units free east is to be held" in answer.moves[0].reason.text.en
    # One is free: the middle, wherever it is.
    assert went(policy.move_up(board(at("a", "east"), {"id": "b", "status": "off"}), LINE)) == {"a": "middle"}
    # Not everybody moves: only who has no post.
    assert went(policy.move_up(board(at("a", "middle"), at("b", "west")), LINE, everybody=False)) == {}
    assert went(policy.move_up(board(at("a", "west"), freed("b", 2)), LINE, everybody=False)) == {"b": "east"}


def test_a_vacancy_that_nobody_may_fill_is_told():
    # Both hold what the table wants held, and one more post is wanted than there are units.
    policy = build({"standby": {"rule": "compliance", "table": {"2": ["west", "middle", "east"]}}})
    answer = policy.move_up(board(at("a", "west"), at("b", "middle")), LINE)
    assert went(answer) == {}
    assert why(answer) == {("", "east"): "nobody_spare"}
    # The nearest spare unit has been moved a minute ago; the next nearest goes.
    policy = build({**TABLE, "burden": {"stay_s": 300.0}})
    answer = policy.move_up(board(at("a", "middle", moved_at=9_940.0), at("b", "middle")), LINE)
    assert went(answer) == {"b": "west"}
    assert why(answer) == {("a", "east"): "stayed_too_short"}


def test_posts_by_hour_of_the_week():
    sites = ["west", "middle", "east"]
    plan = Plan(
        "hours",
        Sites.make(id=sites, kind=["post"] * 3, lon=np.zeros(3), lat=np.zeros(3)),
        Posts.make(site=["east", "middle"], slot_from=[20, 0], slot_to=[23, 20], units=[1, 1]),
        Units.make(id=["a"], home=["west"]),
    )
    policy = build("posts", plan)
    assert went(policy.move_up(board(freed("a", 3), slot=19), LINE)) == {"a": "middle"}
    assert went(policy.move_up(board(freed("a", 3), slot=20), LINE)) == {"a": "east"}
    # No post is listed for this hour: home.
    assert went(policy.move_up(board(freed("a", 3), slot=23), LINE)) == {"a": "west"}
    # When the hour changes a unit that holds yesterday's post moves on.
    assert went(policy.move_up(board(at("a", "middle"), slot=20), LINE)) == {"a": "east"}
    with pytest.raises(AnlanError, match="it holds the posts that a plan lists, and the policy has no plan"):
        build("posts").move_up(board(freed("a", 3)), LINE)


def test_a_patrol_goes_on_when_its_stop_is_over():
    beat = {"standby": {"rule": "patrol", "stop_s": 600.0, "beats": {"*": ["west", "middle", "east"]}}}
    seen = POSTS.replaced(visited=[9_000.0, 7_000.0, 8_000.0])
    policy = build(beat)
    still = board(at("a", "west", since=9_401.0), posts=seen)
    assert policy.move_up(still, LINE).moves == ()
    over = board(at("a", "west", since=9_400.0), posts=seen)
    answer = policy.move_up(over, LINE)
    assert went(answer) == {"a": "middle"}
    assert answer.moves[0].reason.code == "next_stop"
    # Where somebody is or goes nobody else goes.
    both = board(
        at("a", "west", since=9_400.0), {**freed("b", 6), "status": "moving", "post": "middle"}, posts=seen
    )
    assert went(policy.move_up(both, LINE)) == {"a": "east"}
    # A unit of another beat waits at home.
    assert went(build({"standby": {**beat["standby"], "beats": {"b": ["middle"]}}}).move_up(
        board(freed("a", 3), {"id": "b", "status": "off"}, posts=seen), LINE)) == {"a": "west"}  # fmt: skip


names = st.sampled_from(["west", "middle", "east"])
posts = st.lists(names, min_size=1, max_size=6)


@st.composite
def fleets(draw):
    """Free units that hold posts or hold none, with whatever moves behind them."""
    rows = []
    for i in range(draw(st.integers(1, 6))):
        burden = {
            "moves": draw(st.integers(0, 6)),
            "moved_at": 10_000.0 - draw(st.integers(0, 3000)),
            "on_duty_s": float(draw(st.integers(0, 20_000))),
        }
        make = draw(st.sampled_from([at, freed]))
        where = draw(names) if make is at else draw(st.integers(0, 10))
        rows.append({**make(f"u{i}", where), **burden, "home": draw(names)})
    return rows


limits = st.fixed_dictionaries(
    {
        "stay_s": st.sampled_from([0.0, 500.0, 2000.0]),
        "drive_s": st.sampled_from([100.0, 300.0, 1000.0]),
        "moves_per_hour": st.sampled_from([0.5, 1.0, 5.0]),
    }
)


@settings(max_examples=60, deadline=None)
@given(fleets(), limits, posts, st.booleans())
def test_whatever_the_board(rows, limit, listed, covers):
    standby = {"rule": "compliance", "table": {str(k): listed[:k] for k in range(1, len(listed) + 1)}}
    policy = build({**(COVER if covers else {"standby": standby}), "burden": limit}, demand=DEMAND)
    b = board(*rows)
    answer = policy.move_up(b, LINE)
    after = {row["id"]: row.get("post", "") for row in rows}
    for m in answer.moves:
        row = next(r for r in rows if r["id"] == m.unit)
        after[m.unit] = m.post
        assert m.drive_s == 60.0 * abs(NODE[m.post] - row["node"])
        if m.post != row["home"] and m.drive_s > 0.0:
            # No move that the burden forbids.
            assert 10_000.0 - row["moved_at"] >= limit["stay_s"]
            assert m.drive_s <= limit["drive_s"]
            assert row["moves"] + 1 <= limit["moves_per_hour"] * max(row["on_duty_s"] / 3600.0, 1.0)
    assert all(after.values())  # everybody has a place
    assert {w.unit for w in answer.withheld} <= {*after, ""}
    if not covers:
        # Nobody leaves a post that is to be held for one that is to be held.
        want = Counter(listed[: len(rows)])
        held = [
            sum(min(Counter(p)[x], n) for x, n in want.items())
            for p in ([r.get("post") for r in rows], after.values())
        ]
        assert held[1] >= held[0]
