"""Every table of a policy is read, and what is wrong with one is said in a sentence."""

import tomllib

import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.model import Plan, Posts, Sites, Units
from anlan.policy import DISPATCH_RULES, STANDBY_RULES, RunCards, build
from anlan.policy.compliance import rungs
from anlan.policy.dmexclp import cover_sets, gain, reached_by
from anlan.policy.jurisdiction import districts
from anlan.policy.patrol import rounds
from anlan.policy.posts import rungs as posts_by_hour
from anlan.policy.preference import orders
from anlan.policy.run_cards import abilities, requests

EVERYTHING = """
[dispatch]
rule = "jurisdiction"
tolerance_s = 90
redispatch = [[2, 1], [3, 1]]
reserve = {"3" = 2}
modes = {"2" = "lights"}
areas = {west = ["420106", "420107"]}

[standby]
rule = "compliance"
indoors = 0.5
rebalance = false
table = {"1" = ["mid"], "2" = ["west", "east"]}

[burden]
moves_per_hour = 1.5
drive_s = 600
stay_s = 900

[run_cards]
robbery = "2 patrol + 1 supervisor & medic"
"*" = "any"

[shifts]
last_s = 1200
change_over_s = 600

[breaks]
windows = "11:30-13:00"
length_s = 1800

[own_work]
per_hour = 0.5

[[out_of_service]]
unit = "A"
since = 2022-07-01T08:00:00+08:00
until = 2022-07-02T08:00:00+08:00
"""


def plan():
    sites = Sites.make(3, id=["west", "mid", "east"], kind=["station"] * 3, lon=np.zeros(3), lat=np.zeros(3))
    units = Units.make(
        3,
        id=["A", "B", "C"],
        kind=["patrol", "patrol", "supervisor"],
        home=["west"] * 3,
        skills=["", "", "medic, dog"],
    )
    return Plan("three", sites, Posts.empty(), units)


def test_every_table_is_read(tmp_path):
    policy = build(tomllib.loads(EVERYTHING), plan())
    assert policy.dispatch.redispatch == ((2, 1), (3, 1))
    assert policy.dispatch.reserve == {3: 2}
    assert policy.dispatch.modes == {2: "lights"}
    assert policy.standby.table == {1: ("mid",), 2: ("west", "east")}
    assert policy.burden.stay_s == 900
    assert policy.run_cards.of("robbery") == (("patrol",), ("patrol",), ("medic", "supervisor"))
    assert policy.run_cards.of("noise") == ((),)
    assert policy.duty.shifts.change_over_s == 600
    assert policy.duty.out_of_service[0].until - policy.duty.out_of_service[0].since == 86400
    path = tmp_path / "policy.toml"
    path.write_text(EVERYTHING, encoding="utf-8")
    assert build(path).dispatch == policy.dispatch
    assert build(str(path)).duty == policy.duty
    assert build(policy, demand={"place": [1]}).demand == {"place": [1]}


@pytest.mark.parametrize("rule", [*DISPATCH_RULES, *STANDBY_RULES], ids=lambda r: r.name)
def test_a_rule_is_found_by_its_name_and_aliases_and_says_what_it_does(rule):
    assert rule.text.zh
    assert rule.text.en
    if rule.name not in ("compliance", "patrol"):
        for name in (rule.name, *rule.aliases):
            built = build(name)
            assert rule.name in (built.dispatch.rule, built.standby.rule)


@pytest.mark.parametrize(
    ("config", "part"),
    [
        ("fastest", "'fastest': it is not the name of a rule"),
        ("nowhere/policy.toml", "there is no such file"),
        ({"despatch": {}}, "'despatch'"),
        ({"dispatch": []}, "it is a table"),
        ({"dispatch": {"speed": 1}}, "[dispatch] speed"),
        ({"dispatch": {"tolerance_s": 5}}, "only jurisdiction"),
        ({"standby": {"table": {"1": ["mid"]}}}, "only compliance"),
        ({"standby": {"rule": "compliance"}}, "needs the setting table"),
        ({"standby": {"rule": "patrol"}}, "needs the setting beats"),
        ({"standby": {"busy": 1.5}}, "standby.busy = 1.5"),
        ({"standby": {"reach_s": float("nan")}}, "standby.reach_s = nan"),
        ({"standby": {"rebalance": "yes"}}, "true or false"),
        ({"standby": {"rule": "compliance", "table": {"1": "mid"}}}, "list of ids"),
        ({"standby": {"rule": "compliance", "table": {"one": ["mid"]}}}, "'one'"),
        ({"standby": {"rule": "compliance", "table": {"1": ["north"]}}}, "'north'"),
        ({"standby": {"rule": "patrol", "beats": {"*": ["north"]}}}, "'north'"),
        ({"standby": {"rule": "patrol", "beats": {"Z": ["mid"]}}}, "'Z'"),
        ({"dispatch": {"reserve": {"0": 1}}}, "priority in dispatch.reserve = '0'"),
        ({"dispatch": {"reserve": 2}}, "table by priority"),
        ({"dispatch": {"redispatch": [[1, 1]]}}, "more urgent"),
        ({"dispatch": {"redispatch": [2]}}, "list of pairs"),
        ({"dispatch": {"rule": "preference", "order": {"*": ["Z"]}}}, "'Z'"),
        ({"dispatch": {"rule": "jurisdiction", "areas": {"north": ["1"]}}}, "'north'"),
        ({"burden": {"stay_s": -1}}, "burden.stay_s = -1"),
        ({"run_cards": {"x": "30 patrol"}}, "1 to 20 units"),
        ({"run_cards": {"x": "3 patrol"}}, "the plan has 2 such units"),
        ({"run_cards": "2 patrol"}, "table of categories"),
        ({"shifts": {"last_priority": 1.5}}, "shifts.last_priority = 1.5"),
        ({"breaks": {"windows": "noon"}}, "'noon'"),
        ({"own_work": {"per_hour": -1}}, "own_work.per_hour = -1"),
        ({"out_of_service": [{"unit": "A"}]}, "unit, since and until"),
        ({"out_of_service": [{"unit": "Z", "since": 0, "until": 1}]}, "'Z'"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(config, part):
    with pytest.raises(AnlanError) as error:
        build(config, plan())
    assert part in str(error.value)
    assert str(error.value).count("\n") == 0


def test_a_compliance_table_holds_what_the_next_smaller_number_does():
    got = rungs({2: ("b",), 4: ("a", "b", "b")}, ["a", "b"], 5)[0]
    assert got[1].tolist() == [-1] * 5
    assert got[3].tolist() == [1, -1, -1, -1, -1]
    assert got[5].tolist() == [0, 1, 1, -1, -1]


def test_posts_of_the_hour_run_over_the_end_of_the_week():
    posts = Posts.make(2, site=["a", "b"], slot_from=[160, 0], slot_to=[2, 168], units=[2, 1])
    ladder, profile = posts_by_hour(posts, ["a", "b"], 3)
    assert ladder[profile[1], 3].tolist() == [0, 0, 1]
    assert ladder[profile[165], 1].tolist() == [0, -1, -1]
    assert ladder[profile[5], 3].tolist() == [1, -1, -1]


def test_orders_districts_beats_and_cards_as_arrays():
    table, group = orders({"N": ["B"]}, ["A", "B"], np.array(["N", "S"], object))
    assert table[group].tolist() == [[1, -1], [0, 1]]
    call, unit = districts({"west": ["N"]}, np.array(["N", "E", "S"], object), ["west", "east"], ["S", "E"])
    assert call[0] == unit[0]
    assert call[1] == unit[1]
    assert call[2] == -1
    start, place = rounds({"west": ["b"], "*": ["a", "b"]}, ["A", "B"], ["west", "east"], ["a", "b"])
    assert start.tolist() == [0, 1, 3]
    assert place.tolist() == [1, 0, 1]
    cards = RunCards.of_table({"fight": "2 patrol + dog & patrol"})
    words = cards.words()
    assert words == ("dog", "patrol")
    assert abilities(words, ["patrol", "patrol"], ["", "medic, dog"]).tolist() == [2, 3]
    rows, position, skills = requests(cards, np.array(["noise", "fight"], object), words)
    assert rows.tolist() == [0, 1, 1, 1]
    assert position.tolist() == [0, 0, 1, 2]
    assert skills.tolist() == [0, 2, 2, 3]


def test_merged_cover_sets_keep_the_sum_and_their_inverse():
    random = np.random.default_rng(0)
    reached, weight = random.random((300, 5)) < 0.4, random.random((2, 300))
    start, sets, merged = cover_sets(reached, weight)
    for post in range(5):
        mine = sets[start[post] : start[post + 1]]
        np.testing.assert_allclose(merged[:, mine].sum(axis=1), weight[:, reached[:, post]].sum(axis=1))
    begin, posts = reached_by(start, sets, merged.shape[1])
    pairs = {(p, s) for p in range(5) for s in sets[start[p] : start[p + 1]].tolist()}
    assert pairs == {(p, s) for s in range(merged.shape[1]) for p in posts[begin[s] : begin[s + 1]].tolist()}
    assert gain(0.5)[:3].tolist() == [0.5, 0.25, 0.125]
    assert gain(None)[0] == 0.5
