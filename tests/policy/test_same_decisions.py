"""The dispatcher you simulate is the dispatcher you run: decision by decision, rule by rule."""

import itertools
from collections import Counter

import numpy as np
import pytest

from anlan.city.travel import Travel
from anlan.kernels.policies import (
    burden,
    closest,
    coverage,
    dmexclp,
    eligible,
    jurisdiction,
    ladder,
    patrol,
    preference,
    select,
)
from anlan.model.board import BoardPosts, BoardUnits, OpenCalls, Where
from anlan.model.plan import Plan
from anlan.model.post import Posts
from anlan.model.site import Sites
from anlan.model.unit import Units
from anlan.policy import build
from anlan.simulation.boards import Placed, Sent, Stage, decisions
from anlan.simulation.ground import ground_of

SIDE = 9
STATIONS, POSTS, HOSPITALS, UNITS = 5, 8, 2, 9
AREAS = ("north", "middle", "south")
MODES = {1: "lights", 2: "lights", 3: "ordinary"}
SHIFTS = ("", "00:00-09:00,17:00-24:00", "08:00-18:00")
NAMES = [f"u{i}" for i in range(UNITS)]
SITES = [f"s{i}" for i in range(POSTS)]


def grid(random):
    """A grid of two-way streets of uneven speed, slow and fast."""
    node = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    pairs = np.concatenate(
        [
            np.stack([node[:, :-1].ravel(), node[:, 1:].ravel()], 1),
            np.stack([node[:-1].ravel(), node[1:].ravel()], 1),
        ]
    )
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    slow = np.round(random.uniform(10, 60, len(pairs)), 3)
    fast = np.round(slow * random.uniform(0.55, 0.95, len(slow)), 3)
    return {
        name: Travel.from_arcs(SIDE * SIDE, pairs[:, 0], pairs[:, 1], seconds)
        for name, seconds in (("lights", fast), ("ordinary", slow))
    }


class World:
    """A town of 81 junctions with everything that any rule looks at."""

    def __init__(self, seed, n_calls=180, load=0.8, shifts=False):
        random = np.random.default_rng(seed)
        n = SIDE * SIDE
        self.travel = grid(random)
        site, self.hospital = (
            random.choice(n, POSTS, replace=False),
            random.choice(n, HOSPITALS, replace=False),
        )
        home = np.array([i % STATIONS for i in range(UNITS)])
        kind = ["supervisor" if i % 4 == 3 else "patrol" for i in range(UNITS)]
        of_node = np.array([AREAS[v // SIDE * 3 // SIDE] for v in range(n)], object)
        self.shift = [SHIFTS[i % 3] if shifts else "" for i in range(UNITS)]
        self.units = {
            "station": home,
            "turnout_s": np.full(UNITS, 45.0),
            "id": np.array(NAMES, object),
            "kind": np.array(kind, object),
            "shift": np.array(self.shift, object),
        }
        self.stations = {
            "place": site,
            "id": np.array(SITES, object),
            "area": of_node[site],
            "off_road_s": np.zeros(POSTS),
        }
        self.calls = {
            "at_s": np.sort(random.uniform(0, n_calls * 1300 / UNITS / load, n_calls)) + 7 * 3600.0,
            "place": random.integers(0, n, n_calls),
            "priority": random.choice([1, 2, 3], n_calls, p=[0.4, 0.35, 0.25]),
            "dispatch_delay_s": random.uniform(10, 90, n_calls),
            "on_scene_s": random.exponential(500, n_calls),
            "transport": random.random(n_calls) < 0.4,
            "destination": random.choice([-1, 0, 1], n_calls),
            "handover_s": random.exponential(400, n_calls),
            "off_road_s": np.round(random.uniform(0, 30, n_calls), 2),
            "category": random.choice(["theft", "robbery", "noise"], n_calls).astype(object),
        }
        self.calls["area"] = of_node[self.calls["place"]]
        self.demand = {"place": random.choice(n, 40, replace=False), "weight": random.uniform(0.1, 2.0, 40)}
        self.plan = Plan(
            "test",
            Sites.make(id=SITES, kind=["post"] * POSTS, lon=np.zeros(POSTS), lat=np.zeros(POSTS)),
            Posts.make(
                site=[SITES[i] for i in (5, 6, 7, 5, 1)],
                slot_from=[0, 0, 0, 12, 20],
                slot_to=[168, 12, 168, 14, 30],
                units=[1, 2, 1, 1, 2],
            ),
            Units.make(id=NAMES, kind=kind, home=[SITES[h] for h in home], shift=self.shift),
        )
        self.board_posts = BoardPosts.make(id=SITES, node=site)
        self.board_units = BoardUnits.make(
            id=NAMES, kind=kind, home=[SITES[h] for h in home], area=of_node[site][home]
        )
        self.open_calls = OpenCalls.make(
            id=[f"c{i}" for i in range(n_calls)],
            priority=self.calls["priority"],
            category=self.calls["category"],
            area=self.calls["area"],
            received=self.calls["at_s"],
            node=self.calls["place"],
            off_road_s=self.calls["off_road_s"],
        )
        hospital = Where.make(node=self.hospital)
        self.places = Where.concat([self.board_posts.where, hospital, self.open_calls.where])

    def policy(self, config):
        given = {
            **config,
            "dispatch": {"modes": {str(k): v for k, v in MODES.items()}, **config.get("dispatch", {})},
        }
        return build(given, self.plan, self.demand, busy=0.4)

    def decisions(self, policy, prepared, **options):
        """Every decision of a run."""
        world, self.tasks, units, rules, *duty = prepared(
            self.travel, self.calls, self.units, self.stations, policy, destinations=self.hospital
        )
        stage = Stage(
            rank=ground_of(list(self.travel.values())).rank,
            places=self.places,
            posts=self.board_posts,
            units=self.board_units,
            calls=self.open_calls,
            call=self.tasks["place"] - POSTS - HOSPITALS,
        )
        yield from decisions(
            world, self.tasks, units, rules, duty[0] if duty else None, stage=stage, **options
        )


def check(policy, town, found):
    """Ask the policy for each decision; gives how many of which sort there were."""
    seen, travel = Counter(), town.travel
    served = []
    for d in found:
        if isinstance(d, Sent) and not d.divert:
            if not served:
                served = [(a.call, a.first.unit) for a in policy.serve(d.board, travel)]
                seen["lines_served"] += len(served) > 1
            assert served.pop(0) == (d.call, d.unit)
        else:
            assert not served
        if isinstance(d, Sent):
            card = policy.run_cards.of(d.board.call(d.call).category)
            wanted = card[town.tasks["key"][d.task] % 32]
            answer = policy.recommend(d.board, d.call, travel, wanted=wanted, divert=d.divert)
            first = answer.first
            assert (first.unit if first else "") == d.unit, (d.call, d.board.now)
            seen["sent" if d.unit else "queued"] += 1
            if first is not None:
                seen[first.reason.code] += 1
                seen["diverted"] += first.taken_from != ""
                seen["driving"] += first.status == "moving"
                seen["not_the_soonest"] += any(o.eta_s < first.eta_s for o in answer.choices[0].options)
            for refusal in answer.choices[0].refused:
                seen[refusal.reason.code] += 1
        elif isinstance(d, Placed):
            answer = policy.move_up(d.board, travel, units=d.units, everybody=d.everybody)
            units = d.board.units
            for unit, post in d.post.items():
                move = answer.of(unit)
                assert (move.post if move else units.post[d.board.unit(unit)]) == post, (unit, d.board.now)
            seen["placed"] += len(d.units)
            seen["filled"] += d.everybody
            seen["moved"] += sum(m.post != units.home[d.board.unit(m.unit)] for m in answer.moves)
            for w in answer.withheld:
                seen[w.reason.code] += 1
    return seen


TABLE = {str(k): [SITES[i] for i in (5, 0, 6, 3, 7, 1, 2, 4)[:k]] for k in range(1, 9)}
RULES = {
    "closest": ({}, ["sent", "queued", "driving", "busy"]),
    "redispatch": (
        {"dispatch": {"redispatch": [[2, 1], [3, 1]], "reserve": {"3": 2}}},
        ["diverted", "reserve", "more_urgent", "queued", "driving"],
    ),
    "jurisdiction": (
        {"dispatch": {"rule": "jurisdiction", "tolerance_s": 90.0, "redispatch": [[3, 1]]}},
        ["own_area", "other_area", "not_the_soonest"],
    ),
    "coverage": (
        {"dispatch": {"rule": "coverage", "within_s": 240.0}, "standby": {"rule": "dmexclp", "reach_s": 150.0}},
        ["bares_least", "nobody_in_time", "not_the_soonest", "moved"],
    ),
    "preference": (
        {"dispatch": {"rule": "preference", "order": {"north": NAMES[::-1], "south": NAMES[2:7]}}},
        ["preferred", "not_the_soonest", "not_in_order"],
    ),
    "run_cards": (
        {
            "run_cards": {"robbery": "2 patrol + 1 supervisor", "noise": "patrol"},
            "dispatch": {"redispatch": [[3, 1]]},
        },
        ["skills", "this_call", "sent", "diverted"],
    ),
    "dmexclp": (
        {
            "standby": {"rule": "dmexclp", "reach_s": 150.0, "indoors": 0.3},
            "burden": {"moves_per_hour": 1.0, "drive_s": 250.0, "stay_s": 600.0},
        },
        ["moved", "stayed_too_short", "too_far", "moved_too_often"],
    ),
    "compliance": (
        {"standby": {"rule": "compliance", "table": TABLE}, "burden": {"stay_s": 300.0, "drive_s": 200.0}},
        ["filled", "moved", "too_far", "stayed_too_short"],
    ),
    "posts": ({"standby": {"rule": "posts"}}, ["filled", "moved"]),
    "patrol": (
        {"standby": {"rule": "patrol", "stop_s": 400.0, "beats": {"*": SITES[5:], "s1": SITES[3:7], "u2": []}}},
        ["moved", "driving"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_every_decision_on_its_board(name, prepared):
    config, telling = RULES[name]
    seen = Counter()
    for seed in (1, 2):
        town = World(seed)
        policy = town.policy(config)
        seen += check(policy, town, town.decisions(policy, prepared))
    assert seen["sent"] > 300
    # What the rule is about did happen.
    assert all(seen[what] for what in telling), seen


def test_the_board_compiles_no_kernel_of_its_own(prepared):
    for name in ("coverage", "compliance", "patrol"):
        town = World(4, n_calls=40)
        policy = town.policy({**RULES[name][0], "shifts": {"last_s": 60.0}})
        check(policy, town, town.decisions(policy, prepared))
    used = 0
    for module in (
        burden,
        closest,
        coverage,
        dmexclp,
        eligible,
        jurisdiction,
        ladder,
        patrol,
        preference,
        select,
    ):
        for kernel in vars(module).values():
            if getattr(kernel, "__module__", "") == module.__name__ and hasattr(
                kernel, "nopython_signatures"
            ):
                # A readonly array, an int32 or a Python bool would be a second signature.
                assert len(kernel.nopython_signatures) <= 1, kernel
                used += len(kernel.nopython_signatures)
    assert used >= 8


def test_shifts_breaks_and_own_work(prepared):
    seen = Counter()
    for seed in (3, 21):
        town = World(seed, shifts=True)
        policy = town.policy(
            {
                "dispatch": {"redispatch": [[3, 1]], "reserve": {"3": 1}},
                "standby": {"rule": "compliance", "table": TABLE},
                "shifts": {"last_s": 1800.0, "last_priority": 1, "change_over_s": 300.0},
                "breaks": {"windows": "11:30-13:00", "length_s": 1200.0},
                "own_work": {"per_hour": 1.0},
            }
        )
        seen += check(policy, town, town.decisions(policy, prepared))
    assert seen["sent"] > 340
    assert all(seen[what] for what in ("off_duty", "homebound", "paused", "shift_ends")), seen


def test_the_recorder_gives_boards_in_order(prepared):
    town = World(5, n_calls=60)
    policy = town.policy({})
    found = list(town.decisions(policy, prepared))
    assert all(a.board.now <= b.board.now for a, b in itertools.pairwise(found))
    sent = [(d.call, d.unit) for d in found if isinstance(d, Sent) and d.unit]
    assert {call for call, _ in sent} == set(town.open_calls.id.tolist())
    # Skipping the first events leaves the later decisions as they were.
    later = [
        (d.call, d.unit) for d in town.decisions(policy, prepared, skip=50) if isinstance(d, Sent) and d.unit
    ]
    assert 10 < len(later) < len(sent)
    assert later == sent[-len(later) :]
