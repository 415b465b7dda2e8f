"""The boards of a run: what a dispatcher would have had before each decision of the loop, and what it decided.

The loop is stopped after every event. Its arrays before the event, its log of the event and its arrays after it
give the board at each of the event's decisions. With them a test asks `anlan.policy` what it would have done: the
dispatcher you simulate is the dispatcher you run.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.city.travel import Travel
from anlan.kernels import simulation as loop
from anlan.kernels import simulation_types as k
from anlan.kernels.policies import eligible
from anlan.kernels.policies.select import LADDER
from anlan.kernels.simulation_types import DUTY, LOG, OUTCOME, Rules, State, World
from anlan.kernels.simulation_where import where
from anlan.model.board import STATUSES, Board, BoardPosts, BoardUnits, OpenCalls, Where
from anlan.simulation.drives import travels_by_hour
from anlan.simulation.play import _fresh
from anlan.simulation.scenario import MODES, Scenario, _off_road_s, areas_of

Array = NDArray[Any]

FREE = (eligible.IDLE, eligible.MOVING)


@dataclass(frozen=True, eq=False)
class Stage:
    """What the numbers of a run stand for.

    Attributes
    ----------
    rank : ndarray of int
        Number in the world of each node of the network (`anlan.simulation.ground.Ground.rank`).
    places : Where
        The world's places in its order: posts, destinations, calls.
    posts : BoardPosts
        The first of them.
    units : BoardUnits
        Who they are; where they are and what they do is the run's.
    calls : OpenCalls
    call : ndarray of int
        Row of the call of each task.
    """

    rank: Array
    places: Where
    posts: BoardPosts
    units: BoardUnits
    calls: OpenCalls
    call: Array


@dataclass(frozen=True, slots=True)
class Sent:
    """A call was considered: ``unit`` was sent, or, where it is empty, nobody could come.

    ``divert`` says whether units on their way to other calls were considered, ``task`` is the row of the request.
    """

    board: Board
    call: str
    task: int
    unit: str
    divert: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """Free units were given places: ``post`` is the post of each free unit afterwards.

    ``units`` are those that were placed anew; ``everybody`` says whether spare units moved to vacancies too.
    """

    board: Board
    units: tuple[str, ...]
    everybody: bool
    post: Mapping[str, str]


def stage_of(scenario: Scenario) -> Stage:
    """What the numbers of a scenario of `anlan.simulation.simulate` stand for."""
    city, plan, sites, calls = scenario.city, scenario.plan, scenario.sites, scenario.calls
    off = [_off_road_s(city, scenario.durations, things) for things in (sites, calls)]
    hub_s, call_s = (np.zeros(len(t)) if o is None else o for o, t in zip(off, (sites, calls), strict=True))
    posts = BoardPosts.make(
        id=list(scenario.posts), edge=sites.edge, offset_m=sites.offset_m, off_road_s=hub_s
    )
    open_calls = OpenCalls.make(
        id=calls.id,
        priority=np.maximum(calls.priority, 1),
        category=calls.category,
        received=calls.received,
        area=calls.area,
        edge=calls.edge,
        offset_m=calls.offset_m,
        off_road_s=call_s,
    )
    area = dict(zip(scenario.posts, areas_of(city, sites).tolist(), strict=True))
    return Stage(
        rank=scenario.ground.rank,
        places=Where.concat([posts.where, open_calls.where]),
        posts=posts,
        units=BoardUnits.make(
            id=plan.units.id,
            kind=plan.units.kind,
            skills=plan.units.skills,
            home=plan.units.home,
            area=[area[h] for h in plan.units.home.tolist()],
        ),
        calls=open_calls,
        call=scenario.requests(0).call,
    )


def travel_at(scenario: Scenario, slot: int) -> dict[str, Travel]:
    """Travel times that a scenario uses in an hour of the week, by mode."""
    _, rows, _ = travels_by_hour(scenario.city, MODES)
    return {mode: scenario.ground.travels[rows[m, slot]] for m, mode in enumerate(MODES)}


def decisions_of(scenario: Scenario, replication: int = 0, *, skip: int = 0) -> Iterator[Sent | Placed]:
    """Every decision of one replication of a scenario, with its board; see `decisions`."""
    stage = stage_of(scenario)
    requests = scenario.requests(replication)
    duty = scenario.roster.events(scenario.seed, replication, **scenario.places)
    stage = replace(stage, call=requests.call)
    return decisions(
        scenario.world, requests.tasks, scenario.units, scenario.rules, duty, stage=stage, skip=skip
    )


def decisions(
    world: World,
    tasks: Array,
    units: Array,
    rules: Rules,
    duty: Array | None = None,
    *,
    stage: Stage,
    skip: int = 0,
) -> Iterator[Sent | Placed]:
    """Play a run and give every decision with its board.

    Parameters
    ----------
    world, tasks, units, rules, duty
        As for `anlan.simulation.play.play`.
    stage : Stage
    skip : int
        Play so many events first.
    """
    recorder = _Recorder(world, tasks, units, rules, duty, stage)
    if skip:
        recorder.advance(np.zeros(0, LOG), skip)
    while True:
        yield from recorder.event()
        if recorder.done:
            return


class _Recorder:
    def __init__(
        self, world: World, tasks: Array, units: Array, rules: Rules, duty: Array | None, stage: Stage
    ) -> None:
        self.world, self.tasks, self.rules, self.stage = world, tasks, rules, stage
        self.units = units.copy()
        self.duty = np.zeros(0, DUTY) if duty is None else duty
        begin = min(
            tasks["at"].min() if len(tasks) else np.inf, self.duty["at"][0] if len(self.duty) else np.inf
        )
        self.units["since"] = begin if np.isfinite(begin) else 0.0
        self.state: State = _fresh(world, tasks, self.units, rules)
        self.outcome = np.zeros(len(tasks), OUTCOME)
        for name in ("dispatched", "departed", "arrived", "left", "delivered", "cleared"):
            self.outcome[name] = np.nan
        self.outcome["unit"] = self.outcome["came_from"] = -1
        self.log = np.zeros(1024 + 16 * len(units), LOG)
        self.node_of = np.argsort(stage.rank)
        self.tasks_of = np.argsort(stage.call, kind="stable")
        self.first_of = np.searchsorted(stage.call[self.tasks_of], np.arange(len(stage.calls) + 1))
        self.posts = stage.posts
        self.visited = self.state.visited[: len(stage.posts)].copy()
        self.done = False
        # Within an event.
        self.now = 0.0
        self.then = self.units
        self.line: list[int] = []

    def advance(self, log: Array, events: int) -> int:
        """Play so many events."""
        code: int = loop.advance(
            self.world, self.tasks, self.units, self.duty, self.rules, self.state, self.outcome, log, events
        )
        return code

    def event(self) -> Iterator[Sent | Placed]:
        """Play one event and give its decisions."""
        count = self.state.counters
        i, j = count[loop.NEXT_TASK], count[loop.NEXT_DUTY]
        at_task = self.tasks["ready"][i] if i < len(self.tasks) else np.inf
        at_duty = self.duty["at"][j] if j < len(self.duty) else np.inf
        first = int(self.state.heap[0]) if count[loop.HEAP] > 0 else -1
        at_unit = self.units["next"][first] if first >= 0 else np.inf
        self.now = float(min(at_task, at_duty, at_unit))
        self.then = self.units.copy()
        visited = self.state.visited[: len(self.posts)].copy()
        if (visited != self.visited).any():
            self.visited = visited
            self.posts = self.posts.replaced(visited=visited)
        self.line = self.state.line[: count[loop.LINE]].tolist()
        count[loop.LOGGED] = 0
        code = self.advance(self.log, 1)
        self.done = code == loop.DONE
        if self.done:
            return
        entries = self.log[: count[loop.LOGGED]]
        replanned: list[int] = []
        resumes, slot = -1, False
        if at_unit == self.now:
            if self.then["status"][first] == eligible.IDLE:
                replanned = [first]
            elif self.then["status"][first] == eligible.PAUSED:
                resumes = first
        elif at_duty == self.now:
            slot = self.duty["kind"][j] == k.SLOT
            if self.duty["kind"][j] == k.PLACE and self.then["status"][self.duty["unit"][j]] == eligible.IDLE:
                replanned = [int(self.duty["unit"][j])]
        is_call = at_unit > self.now and at_duty > self.now
        changed = yield from self._dispatches(entries, resumes, is_call, int(i))
        yield from self._standby(replanned, changed, slot)

    def _dispatches(
        self, entries: Array, resumes: int, is_call: bool, task: int
    ) -> Generator[Sent, None, bool]:
        """Replay the log of the event; gives whether the number of free units changed."""
        m, changed = self.then, False
        considered = [task] if is_call else []
        n = 0
        while n < len(entries):
            entry = entries[n]
            u, c, kind = int(entry["unit"]), int(entry["task"]), int(entry["kind"])
            if kind == k.DIVERTED or (kind == k.RESUMED and u != resumes and self._sends(entries, n + 1, u)):
                n += 1
                continue  # part of the dispatch that follows
            if kind == k.QUEUED:
                yield Sent(self._board(considered), self._call(c), c, "", True)
            elif kind == k.DISPATCHED:
                waited = c in self.line
                yield Sent(self._board([*considered, c]), self._call(c), c, self._unit(u), not waited)
                if waited:
                    self.line.remove(c)
                lost = int(m["task"][u])
                considered = [lost] if lost >= 0 else []
                m[u] = self.units[u]
                m["status"][u], m["task"][u], m["post"][u] = eligible.EN_ROUTE, c, -1
                changed = True
            elif kind == k.CLEARED:
                m["status"][u], m["task"][u], m["place"][u] = eligible.IDLE, -1, entry["place"]
                changed |= self._stays(u)
            elif kind == k.AT_POST:
                if m["status"][u] == eligible.MOVING:
                    m["status"][u], m["place"][u] = eligible.IDLE, entry["place"]
            elif kind == k.RESUMED:
                m["status"][u], resumes = eligible.IDLE, -1
                changed |= self._stays(u)
            elif kind == k.ON_DUTY:
                for name in ("shift_end", "since", "duty_s"):
                    m[name][u] = self.units[name][u]
                m["status"][u], m["place"][u], m["post"][u] = eligible.IDLE, m["home"][u], -1
                changed = True
            elif kind == k.OFF_DUTY:
                m["status"][u] = eligible.OFF
            elif kind == k.PAUSED:
                m["status"][u], m["post"][u] = eligible.PAUSED, -1
                m["pause_for"][u] = self.units["pause_for"][u]
                changed = True
            n += 1
        gone = (self.units["status"] == eligible.HOMEBOUND) & np.isin(m["status"], FREE)
        m["status"][gone], m["post"][gone] = eligible.HOMEBOUND, -1
        return changed

    def _standby(self, replanned: Sequence[int], changed: bool, slot: bool) -> Iterator[Placed]:
        m = self.then
        integers = self.rules.integers
        ladder = integers[loop.STANDBY] == LADDER
        everybody = bool(ladder and (slot or (changed and integers[loop.MOVE_ALL] != 0)))
        free = np.isin(m["status"], FREE)
        homeless = np.flatnonzero(free & (m["post"] < 0)).tolist()
        planned = [u for u in [*replanned, *homeless] if free[u]]
        if not planned and not everybody:
            return
        after = self.units["post"]
        ids = self.stage.posts.id
        post = {self._unit(int(u)): str(ids[after[u]]) for u in np.flatnonzero(free)}
        board = self._board([])
        yield Placed(board, tuple(self._unit(u) for u in planned), everybody, post)

    def _stays(self, u: int) -> bool:
        """Whether a unit that has become free is not at once sent home, its shift being over."""
        return bool(self.units["status"][u] != eligible.HOMEBOUND)

    def _sends(self, entries: Array, n: int, u: int) -> bool:
        return n < len(entries) and entries["kind"][n] == k.DISPATCHED and entries["unit"][n] == u

    def _board(self, considered: Sequence[int]) -> Board:
        """The board as the loop's arrays have it between two decisions."""
        s, m, now = self.stage, self.then.copy(), self.now
        arrived = (m["status"] == eligible.MOVING) & (m["leg_end"] <= now)
        m["status"][arrived] = eligible.IDLE
        m["place"][arrived] = m["leg_to"][arrived]
        n = len(m)
        node, place, ahead = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n)
        where(self.world, m.copy(), now, node, place, ahead)
        status = m["status"].copy()
        status[(status == eligible.EN_ROUTE) & (now >= m["leg_end"])] = eligible.BUSY
        drives = node >= 0
        there = s.places.take(place)
        posts = np.array([*s.posts.id.tolist(), ""], object)
        stands = np.where(
            ~drives & np.isin(status, (eligible.IDLE, eligible.PAUSED)) & (place < len(s.posts)), place, -1
        )
        sent = np.isin(status, (eligible.EN_ROUTE, eligible.BUSY))
        open_now = sorted({*m["task"][sent].tolist(), *self.line, *considered})
        rows = sorted({int(s.call[t]) for t in open_now})
        calls = s.calls.take(np.array(rows, np.int64)).replaced(done_by=[self._done_by(c) for c in rows])
        names = np.array([*s.calls.id.tolist(), ""], object)
        task = np.where(sent, np.append(s.call, -1)[m["task"]], -1)
        units = s.units.replaced(
            node=np.where(drives, self.node_of[np.maximum(node, 0)], there.node),
            edge=np.where(drives, -1, there.edge),
            offset_m=np.where(drives, 0.0, there.offset_m),
            off_road_s=np.where(drives, 0.0, there.off_road_s),
            ahead_s=ahead,
            status=np.array(STATUSES, object)[status],
            at=posts[stands],
            home=posts[m["home"]],
            post=posts[np.where(np.isin(status, FREE), m["post"], -1)],
            task=names[task],
            turnout_s=m["turnout"],
            shift_end=m["shift_end"],
            since=np.where(m["post"] >= 0, m["leg_end"], now),
            on_duty_s=np.where(status == eligible.OFF, 0.0, m["duty_s"] + now - m["since"]),
            moved_at=m["moved"],
            moves=m["moves"],
            pause_for=np.where(status == eligible.PAUSED, m["pause_for"], 0),
        )
        slot = self.rules.slot
        half = int((now - self.rules.numbers[loop.SLOT_FROM]) / 1800.0)
        return Board(now, int(slot[min(max(half, 0), len(slot) - 1)]), units, calls, self.posts)

    def _done_by(self, call: int) -> str:
        """Units that have cleared their requests of a call."""
        mine = self.tasks_of[self.first_of[call] : self.first_of[call + 1]]
        done = mine[~np.isnan(self.outcome["cleared"][mine])]
        return ",".join(self._unit(int(u)) for u in self.outcome["unit"][done])

    def _unit(self, u: int) -> str:
        return str(self.stage.units.id[u])

    def _call(self, task: int) -> str:
        return str(self.stage.calls.id[self.stage.call[task]])
