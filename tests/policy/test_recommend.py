import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.city.network import Network
from anlan.city.roads import Edges, Roads
from anlan.city.travel import Travel
from anlan.core.errors import AnlanError
from anlan.model import Board, BoardPosts, BoardUnits, OpenCall, OpenCalls
from anlan.policy import Option, Refusal, build
from anlan.policy.reasons import REASONS

# Line Town: junctions 0 … 10 in a row, a minute apart; junction 11 lies on an island.
TAIL = np.array([*range(10), *range(1, 11)])
HEAD = np.array([*range(1, 11), *range(10)])
LINE = Travel.from_arcs(12, TAIL, HEAD, np.full(20, 60.0))
FAST = Travel.from_arcs(12, TAIL, HEAD, np.full(20, 30.0))
POSTS = BoardPosts.make(id=["west", "middle", "east"], node=[0, 5, 10])


def board(*rows, calls=(), now=0.0):
    """Rows of units as dictionaries; calls as (id, priority, node)."""
    columns = {name: [] for row in rows for name in row}
    for name, values in columns.items():
        values += [row.get(name, BoardUnits.DEFAULTS.get(name)) for row in rows]
    units = BoardUnits.make(**columns) if rows else BoardUnits.empty()
    table = OpenCalls.make(
        id=[c[0] for c in calls], priority=[c[1] for c in calls], node=[c[2] for c in calls]
    )
    return Board(now, 0, units, table, POSTS)


def station(name, post, **more):
    """A unit that stands at its station."""
    node = {"west": 0, "middle": 5, "east": 10}[post]
    return {"id": name, "node": node, "at": post, "home": post, "post": post, "turnout_s": 45.0, **more}


WEST, EAST = station("w", "west"), station("e", "east")
DRIVING = {
    "id": "d",
    "node": 3,
    "ahead_s": 20.0,
    "status": "moving",
    "home": "west",
    "post": "west",
    "turnout_s": 45.0,
}
FAR_CALL = OpenCall("new", 2, node=6)


def refused(answer):
    return {r.unit: r.reason.code for r in answer.choices[0].refused}


def order(answer):
    return [o.unit for o in answer.choices[0].options]


def test_the_closest_with_turnout_at_a_station_and_without_on_the_road():
    answer = build("closest").recommend(board(WEST, EAST, DRIVING), FAR_CALL, LINE)
    assert order(answer) == ["d", "e", "w"]
    first, second, third = answer.choices[0].options
    assert (first.wait_s, first.travel_s, first.eta_s) == (20.0, 180.0, 200.0)
    assert (second.wait_s, second.travel_s, second.eta_s) == (45.0, 240.0, 285.0)
    assert third.eta_s == 405.0
    assert [o.runner_up for o in answer.choices[0].options] == [False, True, False]
    assert second.reason.code == "later"
    assert second.reason.values == {"later_s": 85.0}
    assert answer.text.en == "Send d: first to arrive, in 200 s. Runner-up e, in 285 s."
    assert answer.text.zh == "派 d：最先到达，约 200 秒。备选 e，约 285 秒。"


def test_turnout_away_from_home():
    away = station("a", "middle", home="west")
    answer = build({"standby": {"indoors": 0.2}}).recommend(board(away, EAST), FAR_CALL, LINE)
    assert answer.first.unit == "a"
    assert answer.first.wait_s == pytest.approx(9.0)
    # A unit that stands nowhere in particular has its crew in the car.
    street = {"id": "s", "node": 5, "home": "west", "turnout_s": 45.0}
    assert build("closest").recommend(board(street), FAR_CALL, LINE).first.eta_s == 60.0


def test_off_the_road_at_either_end():
    street = {"id": "s", "node": 5, "off_road_s": 7.0}
    call = OpenCall("new", 2, node=6, off_road_s=12.0)
    assert build("closest").recommend(board(street), call, LINE).first.eta_s == 79.0


def test_along_a_one_way_street():
    # A block of 100 m sides driven one way round; 10 m take a second.
    xy = np.array([(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)])
    u, v = np.array([0, 1, 2, 3]), np.array([1, 2, 3, 0])
    ends = np.stack([u, v], axis=1).ravel()
    edges = Edges.make(
        id=list("abcd"),
        u=u,
        v=v,
        road_class=["street"] * 4,
        length_m=np.full(4, 100.0),
        speed_kmh=np.full(4, 36.0),
        backward=[False] * 4,
    )
    travel = Network(Roads(edges, np.arange(0, 9, 2), *xy[ends].T, *xy.T)).travel()
    car = {"id": "car", "edge": 0, "offset_m": 20.0, "status": "moving"}
    units = BoardUnits.make(**{k: [x] for k, x in car.items()})
    for offset, seconds in ((70.0, 5.0), (10.0, 39.0)):
        call = OpenCall("new", 2, edge=0, offset_m=offset)
        assert build("closest").recommend(Board(0.0, 0, units), call, travel).first.eta_s == pytest.approx(
            seconds
        )


def test_urgent_calls_go_by_lights_and_a_unit_on_foot_walks():
    modes = {"lights": FAST, "ordinary": LINE, "walk": Travel.from_arcs(12, TAIL, HEAD, np.full(20, 600.0))}
    on_foot = {"id": "f", "node": 5, "mode": "walk"}
    b = board(WEST, on_foot)
    urgent = build("closest").recommend(b, OpenCall("u", 1, node=4), modes)
    assert [o.eta_s for o in urgent.choices[0].options] == [165.0, 600.0]
    assert build("closest").recommend(b, OpenCall("u", 2, node=4), modes).first.eta_s == 285.0


def test_the_reserve_is_for_more_urgent_calls():
    policy = build({"dispatch": {"reserve": {"3": 1}}})
    b = board(WEST, {**EAST, "status": "off"})
    low = policy.recommend(b, OpenCall("low", 3, node=1), LINE)
    assert low.first is None
    assert refused(low) == {"w": "reserve", "e": "off_duty"}
    assert "1 units are free and 1 are kept back" in low.choices[0].of("w").reason.text.en
    assert low.text.en == "Nobody can come."
    assert policy.recommend(b, OpenCall("urgent", 2, node=1), LINE).first.unit == "w"
    assert policy.recommend(board(WEST, EAST), OpenCall("low", 3, node=1), LINE).first.unit == "w"


def test_redispatch_only_along_the_given_pairs():
    sent = {"id": "s", "node": 5, "status": "en_route", "task": "old"}
    for old, allowed in ((3, True), (2, False)):
        b = board(sent, WEST, calls=[("old", old, 10)])
        answer = build({"dispatch": {"redispatch": [[3, 1]]}}).recommend(b, OpenCall("new", 1, node=4), LINE)
        assert (answer.first.unit, answer.first.taken_from) == (("s", "old") if allowed else ("w", ""))
    assert refused(answer) == {"s": "more_urgent"}
    assert "call old (priority 2)" in answer.choices[0].of("s").reason.text.en
    assert build("closest").recommend(b, OpenCall("new", 1, node=4), LINE, divert=False).first.unit == "w"


def test_a_taken_unit_is_named_with_the_call_it_is_taken_from():
    sent = {"id": "s", "node": 5, "status": "en_route", "task": "old"}
    b = board(sent, calls=[("old", 3, 10)])
    answer = build({"dispatch": {"redispatch": [[3, 1]]}}).recommend(b, OpenCall("new", 1, node=4), LINE)
    assert "It is taken from call old." in answer.text.en
    assert "须自警情 old 改派" in answer.text.zh


def test_busy_paused_homebound_unplaced_and_unreachable_units():
    b = board(
        {"id": "busy", "node": 5, "status": "busy", "task": "old"},
        station("meal", "middle", status="paused", pause_for=1),
        {"id": "gone", "node": 5, "status": "homebound"},
        {"id": "lost"},
        {"id": "island", "node": 11},
        EAST,
        calls=[("old", 1, 5)],
    )
    answer = build("closest").recommend(b, FAR_CALL, LINE)
    assert order(answer) == ["e"]
    assert refused(answer) == {
        "busy": "busy",
        "meal": "paused",
        "gone": "homebound",
        "lost": "no_position",
        "island": "unreachable",
    }
    urgent = build("closest").recommend(b, OpenCall("new", 1, node=6), LINE)
    assert urgent.first.unit == "meal"
    assert urgent.first.eta_s == 105.0  # the turnout of its station, as before the meal


def test_the_end_of_a_shift():
    ending = station("w", "west", shift_end=600.0)
    policy = build({"shifts": {"last_s": 900.0, "last_priority": 1}})
    low = policy.recommend(board(ending, EAST), OpenCall("low", 2, node=1), LINE)
    assert (low.first.unit, refused(low)) == ("e", {"w": "shift_ends"})
    assert policy.recommend(board(ending, EAST), OpenCall("urgent", 1, node=1), LINE).first.unit == "w"


def test_jurisdiction_within_the_tolerance():
    own, other = station("own", "west", area="a"), station("other", "east", area="b")
    call = OpenCall("new", 2, area="a", node=6)  # 6 minutes from the west, 4 from the east
    near = build({"dispatch": {"rule": "jurisdiction", "tolerance_s": 120.0}})
    answer = near.recommend(board(own, other), call, LINE)
    assert order(answer) == ["own", "other"]
    assert [o.reason.code for o in answer.choices[0].options] == ["own_area", "sooner_other_area"]
    strict = build({"dispatch": {"rule": "jurisdiction", "tolerance_s": 119.0}})
    answer = strict.recommend(board(own, other), call, LINE)
    assert (answer.first.unit, answer.first.reason.code) == ("other", "other_area")


def test_coverage_spares_the_unit_that_would_bare_most():
    # Most demand lies in the east; both units come in time.
    demand = {"place": np.array([0, 10]), "weight": np.array([1.0, 5.0])}
    policy = build(
        {"dispatch": {"rule": "coverage", "within_s": 400.0}, "standby": {"reach_s": 60.0, "busy": 0.4}},
        demand=demand,
    )
    answer = policy.recommend(board(WEST, EAST), OpenCall("new", 2, node=6), LINE)
    assert order(answer) == ["e", "w"]  # 405 s from the west is too late
    answer = policy.recommend(board(WEST, EAST), OpenCall("new", 2, node=5), LINE)
    assert order(answer) == ["w", "e"]
    assert answer.first.reason.values["loss"] == pytest.approx(0.6)
    late = policy.recommend(board(WEST, EAST), OpenCall("new", 2, node=5, off_road_s=300.0), LINE)
    assert late.first.reason.code == "nobody_in_time"


def test_a_unit_that_cannot_come_bares_nothing():
    # Any time will do, but not never: the island's unit holds no post, so that its leaving costs nothing.
    demand = {"place": np.array([0, 10]), "weight": np.array([1.0, 5.0])}
    policy = build({"dispatch": {"rule": "coverage", "within_s": float("inf")}}, demand=demand, busy=0.4)
    answer = policy.recommend(board({"id": "i", "node": 11}, WEST, EAST), FAR_CALL, LINE)
    assert order(answer) == ["w", "e"]
    assert refused(answer) == {"i": "unreachable"}


def test_a_fixed_order():
    policy = build({"dispatch": {"rule": "preference", "order": {"a": ["w", "d"]}}})
    b = board(EAST, DRIVING, WEST)
    answer = policy.recommend(b, OpenCall("new", 2, area="a", node=9), LINE)
    assert order(answer) == ["w", "d"]
    assert answer.first.reason.values == {"place": 1}
    assert answer.choices[0].options[1].reason.code == "sooner_less_preferred"
    assert refused(answer) == {"e": "not_in_order"}
    # Elsewhere all units in the board's order.
    assert order(policy.recommend(b, OpenCall("new", 2, area="z", node=9), LINE)) == ["e", "d", "w"]


def test_a_run_card_asks_for_each_unit_and_counts_those_on_their_way():
    policy = build(
        {"run_cards": {"robbery": "2 patrol + 1 supervisor & dog"}, "dispatch": {"reserve": {"2": 1}}}
    )
    boss = station("boss", "east", kind="supervisor", skills="dog, drone")
    b = board(WEST, DRIVING, boss, EAST)
    call = OpenCall("new", 2, category="robbery", node=6)
    answer = policy.recommend(b, call, LINE)
    assert answer.units == ("d", "e", "boss")
    assert [c.wanted for c in answer.choices] == [("patrol",), ("patrol",), ("dog", "supervisor")]
    assert {r.unit: r.reason.code for r in answer.choices[1].refused} == {"d": "this_call", "boss": "skills"}
    assert answer.choices[0].of("boss").reason.values == {"missing": "patrol"}
    # Where nobody fills the first places, the next that can be filled comes first.
    only = policy.recommend(board(boss, station("k", "west", kind="k9")), call, LINE)
    assert [c.first is None for c in only.choices] == [True, True, False]
    assert only.first.unit == "boss"
    # With one unit kept back the third place stays open.
    few = policy.recommend(board(WEST, DRIVING, boss), call, LINE)
    assert few.units == ("d", "w")
    assert few.text.en.endswith("Nobody can come (dog & supervisor).")
    # A supervisor on its way fills its place only.
    on_its_way = {**boss, "status": "en_route", "task": "new", "post": "", "at": ""}
    again = board(WEST, EAST, on_its_way, calls=[("new", 2, 6)])
    again = Board(0.0, 0, again.units, again.calls.replaced(category=["robbery"]), POSTS)
    assert policy.recommend(again, "new", LINE).units == ("e",)  # the last free one is kept back
    assert len(policy.recommend(again, "new", LINE).choices) == 2


def test_a_call_that_has_everybody_needs_nobody():
    b = board({**WEST, "status": "en_route", "task": "c", "at": "", "post": ""}, EAST, calls=[("c", 2, 6)])
    answer = build("closest").recommend(b, "c", LINE)
    assert (answer.choices, answer.first, answer.units) == ((), None, ())
    assert answer.text.en == "Call c has all its units."
    # One more can be asked for.
    more = build("closest").recommend(b, "c", LINE, wanted=())
    assert (more.first.unit, refused(more)) == ("e", {"w": "this_call"})


def test_nobody_can_come_is_an_answer():
    policy = build("closest")
    for b, call in (
        (board(), FAR_CALL),
        (board(WEST, EAST), OpenCall("island", 1, node=11)),
        (board(WEST, EAST), OpenCall("nowhere", 1)),
    ):
        answer = policy.recommend(b, call, LINE)
        assert answer.first is None
        assert str(answer.text) == "没有可派的警力。 / Nobody can come."
        assert set(refused(answer).values()) <= {"unreachable"}


@pytest.mark.parametrize(
    ("config", "call", "said"),
    [
        ({}, "c9", "call 'c9': it is not open on this board"),
        ({}, OpenCall("new", 1, node=77), "node 77: the network's nodes are 0 … 11"),
        ({}, OpenCall("new", 1, edge=3), "was made from arcs and has no streets"),
        ({"dispatch": {"modes": {"1": "boat"}}}, FAR_CALL, "mode 'boat' for priority 1"),
        ({"dispatch": {"rule": "coverage"}}, FAR_CALL, "the policy has none; give policy.build a demand"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(config, call, said):
    policy = build(config)
    with pytest.raises(AnlanError) as error:
        policy.recommend(board(WEST, EAST), call, LINE)
    assert said in str(error.value)


def test_a_word_about_any_unit():
    choice = build("closest").recommend(board(WEST, {**EAST, "status": "off"}), FAR_CALL, LINE).choices[0]
    assert isinstance(choice.of("w"), Option)
    assert isinstance(choice.of("e"), Refusal)
    with pytest.raises(AnlanError, match="unit 'x': it is not on this board"):
        choice.of("x")


def test_an_answer_as_plain_data():
    answer = build({"dispatch": {"reserve": {"2": 1}}}).recommend(board(WEST, EAST), FAR_CALL, LINE).as_dict()
    assert json.loads(json.dumps(answer)) == answer
    assert answer["units"] == ["e"]
    first = answer["choices"][0]["options"][0]
    assert (first["unit"], first["eta_s"], first["reason"]["code"]) == ("e", 285.0, "soonest")
    assert first["reason"]["text"]["en"] == "First to arrive, in 285 s."
    advice = build("home").move_up(board({"id": "f", "node": 3, "home": "west"}), LINE).as_dict()
    assert json.loads(json.dumps(advice, allow_nan=False)) == advice
    assert advice["moves"][0]["gain"] is None


def test_every_reason_has_the_same_figures_in_both_languages():
    for code, text in REASONS.items():
        zh, en = (sorted(re.findall(r"{(\w+)", t)) for t in (text.zh, text.en))
        assert zh == en, code


class Table:
    """A source of travel times that is nothing but a matrix."""

    def __init__(self, seconds):
        self.seconds = np.asarray(seconds)

    def matrix(self, origins, destinations):
        return self.seconds[np.ix_(np.asarray(origins), np.asarray(destinations))]


def test_any_source_of_travel_times_will_do():
    table = Table(LINE.matrix(np.arange(12), np.arange(12)))
    for policy in (build("closest"), build({"standby": {"indoors": 0.5}})):
        plain, network = (
            policy.recommend(board(WEST, EAST, DRIVING), FAR_CALL, source) for source in (table, LINE)
        )
        assert plain == network


# Boards drawn at random: node 0 is the call's, node 1 + i that of unit i, seconds all different.

free = st.sampled_from(["idle", "moving"])
status = st.sampled_from(["idle", "moving", "busy", "off", "paused", "homebound"])


@st.composite
def boards(draw, statuses=status, least=1):
    n = draw(st.integers(least, 8))
    seconds = draw(st.lists(st.integers(1, 5000), min_size=n, max_size=n, unique=True))
    units = BoardUnits.make(
        id=[f"u{i}" for i in range(n)],
        node=np.arange(1, n + 1),
        status=draw(st.lists(statuses, min_size=n, max_size=n)),
        ahead_s=np.array(draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))) * 10_000.0,
    )
    table = np.zeros((n + 1, n + 1))
    table[1:, 0] = seconds
    return Board(0.0, 0, units), Table(table)


quick = settings(max_examples=40, deadline=None)
CALL = OpenCall("new", 3, node=0)


@quick
@given(boards(), st.randoms(use_true_random=False))
def test_permuting_the_units_permutes_nothing_in_the_answer(drawn, random):
    b, travel = drawn
    rows = list(range(len(b.units)))
    random.shuffle(rows)
    other = Board(0.0, 0, b.units.take(np.array(rows)))
    for policy in (build("closest"), build({"dispatch": {"reserve": {"3": 2}}})):
        one, two = policy.recommend(b, CALL, travel), policy.recommend(other, CALL, travel)
        assert one.choices[0].options == two.choices[0].options
        assert {r.unit: r for r in one.choices[0].refused} == {r.unit: r for r in two.choices[0].refused}


@quick
@given(boards(), st.integers(0, 7), free)
def test_another_free_unit_never_makes_the_best_later(drawn, who, now_free):
    b, travel = drawn
    who %= len(b.units)
    statuses = b.units.status.copy()
    if statuses[who] not in ("idle", "moving"):
        statuses[who] = now_free
    more = Board(0.0, 0, b.units.replaced(status=statuses))
    before, after = (build("closest").recommend(x, CALL, travel).first for x in (b, more))
    assert after is not None
    assert before is None or after.eta_s <= before.eta_s


@quick
@given(boards(), st.integers(0, 5))
def test_the_reserve_is_never_taken(drawn, kept):
    b, travel = drawn
    there = int(np.isin(b.units.status, ["idle", "moving"]).sum())
    policy = build({"dispatch": {"reserve": {"3": kept}}})
    answer = policy.recommend(b, CALL, travel)
    assert (answer.first is not None) == (there > kept)
    urgent = policy.recommend(b, OpenCall("urgent", 1, node=0), travel)
    assert (urgent.first is not None) == (there > 0)


@quick
@given(boards())
def test_everybody_is_ranked_or_refused(drawn):
    b, travel = drawn
    choice = build("closest").recommend(b, CALL, travel).choices[0]
    assert sorted([o.unit for o in choice.options] + [r.unit for r in choice.refused]) == b.units.id.tolist()
    etas = [o.eta_s for o in choice.options]
    assert etas == sorted(etas)
