"""`./run bench policy`: recommendations on a board of 500 units in Wuhan, beside SciPy; docs/benchmarks/policy.md.

The peer does the least that a dispatcher's tool must: one Dijkstra search from the call over the same arcs (SciPy, in
C) and a sort of the units by time to arrival. It knows no reserve, no reasons and no refusals. Both must name the
same unit. Boards are made anew for each call, as the desk does.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.sparse.csgraph import dijkstra

from anlan.city.demo import demo_roads
from anlan.city.network import Network
from anlan.model import Board, BoardPosts, BoardUnits, OpenCall
from anlan.policy import MoveUp, Policy, Recommendation, build
from benchmarks._table import human, table, timed

UNITS, POSTS, DEMAND = 500, 60, 5000
DISPATCH: dict[str, dict[str, Any]] = {
    "closest, redispatch, reserve": {"redispatch": [[2, 1], [3, 1]], "reserve": {"3": 5}},
    "jurisdiction": {"rule": "jurisdiction"},
    "coverage": {"rule": "coverage", "within_s": 300.0},
    "preference": {"rule": "preference"},
}
STANDBY: dict[str, dict[str, Any]] = {
    "home": {},
    "dmexclp": {"rule": "dmexclp", "reach_s": 300.0},
    "compliance": {
        "rule": "compliance",
        "table": {str(k): [f"p{i % POSTS}" for i in range(k)] for k in range(1, UNITS)},
    },
    "patrol": {"rule": "patrol", "beats": {"*": [f"p{i}" for i in range(10)]}},
}


def main(argv: list[str]) -> None:
    """Print the tables."""
    network = Network(demo_roads())
    travel = {mode: network.travel(None, mode).prepare() for mode in ("lights", "ordinary")}
    random = np.random.default_rng(1)
    n = network.roads.n_nodes
    place = random.integers(0, n, UNITS)
    post = random.integers(0, n, POSTS)
    posts = BoardPosts.make(id=[f"p{i}" for i in range(POSTS)], node=post)
    names, homes = [f"u{i}" for i in range(UNITS)], [f"p{i % POSTS}" for i in range(UNITS)]
    demand = {"place": random.integers(0, n, DEMAND), "weight": random.uniform(0.1, 2.0, DEMAND)}
    calls = random.integers(0, n, 200)

    def board() -> Board:
        return Board(
            1e6,
            10,
            BoardUnits.make(id=names, node=place, home=homes, post=homes, turnout_s=np.zeros(UNITS)),
            posts=posts,
        )

    reverse = travel["lights"].graph_csr().T.tocsr()
    turn = iter(range(1 << 30))

    def search() -> str:
        far = dijkstra(reverse, indices=calls[next(turn) % len(calls)])
        return names[int(np.argsort(far[place], kind="stable")[0])]

    def ask(policy: Policy) -> Recommendation:
        call = OpenCall("c", 1, node=int(calls[next(turn) % len(calls)]), area="a")
        return policy.recommend(board(), call, travel)

    def place_one(policy: Policy) -> MoveUp:
        return policy.move_up(board(), travel, units=names[:1], everybody=False)

    peer = timed(search, runs=9)
    rows = [["board, checked", human(timed(board, runs=25).seconds), ""]]
    for name, config in DISPATCH.items():
        mine = timed(partial(ask, build({"dispatch": config}, None, demand, busy=0.4)), runs=25)
        rows.append([f"recommend: {name}", human(mine.seconds), f"{peer.seconds / mine.seconds:.1f} x"])
    rows.append(["one search and a sort (SciPy)", human(peer.seconds), "1"])
    table(f"A call on a board of {UNITS} units, {n:,} junctions", ["", "median", "peer / this"], rows)

    closest = build("closest")
    for call in calls[:20].tolist():
        far = dijkstra(reverse, indices=call)[place]
        first = closest.recommend(board(), OpenCall("c", 1, node=call), travel).first
        if first is None or abs(first.eta_s - far.min()) > 0.02:
            raise SystemExit(f"the peer disagrees about the call at junction {call}")
    print("\nBoth name the same unit for 20 calls.")

    rows = []
    for name, config in STANDBY.items():
        mine = timed(partial(place_one, build({"standby": config}, None, demand, busy=0.4)), runs=15)
        rows.append([name, human(mine.seconds)])
    table("Where one freed unit goes", ["rule", "median"], rows)
