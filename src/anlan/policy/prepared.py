"""What decisions need of a policy, worked out once for the posts of a board and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError
from anlan.kernels.simulation_types import HUB
from anlan.model.board import Board, Where
from anlan.model.demand import Demand
from anlan.model.position import Positions
from anlan.policy import compliance, dmexclp, patrol, posts
from anlan.policy.modes import out_and_back
from anlan.policy.parts import Parts
from anlan.policy.times import Times

KEPT = 16


class Cover(NamedTuple):
    """Which sets of demand each post covers, and what they weigh in one hour of the week."""

    start: NDArray[np.int64]
    sets: NDArray[np.int64]
    weight: NDArray[np.float64]
    gain: NDArray[np.float64]


_kept: WeakKeyDictionary[Any, OrderedDict[tuple[Any, ...], tuple[Any, Any]]] = WeakKeyDictionary()


def _once(policy: Parts, key: tuple[Any, ...], held: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """What ``make`` gives, kept under a key and the identity of the objects that it was made from.

    The objects are held as long as what was made from them is kept, so that an identity is not used again.
    """
    mine = _kept.setdefault(policy, OrderedDict())
    whole = (*key, *(id(one) for one in held))
    found = mine.get(whole)
    if found is None:
        found = mine[whole] = (make(), held)
        while len(mine) > KEPT:
            mine.popitem(last=False)
    return found[0]


def mode_out(policy: Parts, modes: Mapping[str, Any], priority: int) -> str:
    """Name of the mode in which units go out to a priority."""
    names = list(modes)
    return names[int(out_and_back(policy.dispatch, names, priority)[0][priority])]


def mode_back(policy: Parts, modes: Mapping[str, Any]) -> str:
    """Name of the mode in which units drive to posts and home."""
    names = list(modes)
    return names[out_and_back(policy.dispatch, names, 1)[1]]


def hubs(policy: Parts, board: Board) -> NDArray[Any]:
    """The posts as the kernels read them: share of the turnout that applies there, and room."""
    out = np.zeros(len(board.posts), HUB)
    out["indoors"] = policy.standby.indoors
    home = board.post_rows(board.units.home)
    out["indoors"][home[home >= 0]] = 1.0
    out["capacity"] = board.posts.capacity
    return out


def cover(policy: Parts, board: Board, modes: Mapping[str, Any]) -> Cover:
    """Coverage by post, in the mode of the most urgent calls, with the demand of the board's hour.

    Raises
    ------
    AnlanError
        If the policy has no demand to weigh.
    """
    demand = policy.demand
    if demand is None:
        raise AnlanError(
            f"rule {(policy.dispatch if policy.dispatch.declared.demand else policy.standby).rule!r}",
            "it weighs the demand that posts cover, and the policy has none",
            "give policy.build a demand",
            code="demand_missing",
        )
    travel = modes[mode_out(policy, modes, 1)]
    slot = board.slot if isinstance(demand, Demand) else 0
    p = board.posts
    posts_here = p.node.tobytes() + p.edge.tobytes() + p.offset_m.tobytes() + p.off_road_s.tobytes()

    def reach() -> NDArray[np.bool_]:
        return Times(travel).within(board.posts.where, _places(demand), policy.standby.reach_s)

    def merge() -> Cover:
        reached = _once(policy, ("reach", posts_here), (travel,), reach)
        start, sets, weight = dmexclp.cover_sets(reached, _weights(demand, slot, len(reached))[None])
        return Cover(start, sets, np.ascontiguousarray(weight[0]), dmexclp.gain(policy.standby.busy))

    found: Cover = _once(policy, ("cover", slot, posts_here), (travel,), merge)
    return found


def rung(policy: Parts, board: Board, free: int) -> NDArray[np.int64]:
    """Posts to be held with so many units free, -1 after the last; the rules ``posts`` and ``compliance``."""
    names, n = board.posts.id.tolist(), len(board.units)
    if policy.standby.rule == "compliance":
        ladder = _once(
            policy,
            ("compliance", n, *names),
            (),
            lambda: compliance.rungs(policy.standby.table, names, n)[0],
        )
    else:
        plan = policy.plan
        if plan is None:
            raise AnlanError(
                "standby rule 'posts'",
                "it holds the posts that a plan lists, and the policy has no plan",
                "give policy.build a plan",
                code="plan_missing",
            )

        def of_slot() -> NDArray[np.int64]:
            a, b = plan.posts.slot_from, plan.posts.slot_to
            now = np.where(a < b, (a <= board.slot) & (board.slot < b), (board.slot >= a) | (board.slot < b))
            open_now = plan.posts.take(now)
            always = open_now.replaced(
                slot_from=np.zeros(len(open_now), np.int16), slot_to=np.full(len(open_now), 168, np.int16)
            )
            return posts.rungs(always, names, n)[0][0]

        ladder = _once(policy, ("posts", board.slot, n, *names), (plan,), of_slot)
    row: NDArray[np.int64] = ladder[min(free, len(ladder) - 1)]
    return row


def beats(policy: Parts, board: Board) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hot places on each unit's round: CSR over units, rows of the board's posts."""
    u = board.units
    ids, homes = u.id.tolist(), u.home.tolist()
    here = {"*", *ids, *homes}
    given = {name: listed for name, listed in policy.standby.beats.items() if name in here}
    return patrol.rounds(given, ids, homes, board.posts.id.tolist())


def _places(demand: Any) -> Where:
    if isinstance(demand, Demand):
        return Where.make(edge=demand.positions.edge, offset_m=demand.positions.offset_m)
    place = demand["place"] if isinstance(demand, Mapping) else demand.place
    off = demand.get("off_road_s") if isinstance(demand, Mapping) else None
    if isinstance(place, Positions):
        n = len(place)
        where = Where.make(edge=place.edge, offset_m=place.offset_m)
    else:
        n = len(place)
        where = Where.make(node=np.asarray(place))
    return where if off is None else where.replaced(off_road_s=np.broadcast_to(off, n))


def _weights(demand: Any, slot: int, n: int) -> NDArray[np.float64]:
    if isinstance(demand, Demand):
        return demand.weight(slot)
    given = demand.get("weight", 1.0) if isinstance(demand, Mapping) else demand.weight
    return np.array(np.broadcast_to(np.asarray(given, np.float64), n))
