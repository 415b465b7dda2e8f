"""Run the event loop: fresh state, events in chunks, the log emptied as it fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.job import Job
from anlan.kernels import simulation as loop
from anlan.kernels.simulation import Fleet, Log, Outcome, Roster, Rules, State, Tasks
from anlan.kernels.simulation_world import World

Array = NDArray[Any]
CHUNK = 100_000


@dataclass(frozen=True, eq=False)
class Played:
    """What a run left behind: outcomes by task, the log in order of time, totals by unit."""

    outcome: Outcome
    log: Log
    driving_s: Array
    work_s: Array
    cleared: Array
    moves: Array


def no_roster() -> Roster:
    """Everybody on duty all the time."""
    return Roster(np.empty(0), np.empty(0, np.int32), np.empty(0, np.int8))


def play(
    world: World,
    tasks: Tasks,
    fleet: Fleet,
    rules: Rules,
    roster: Roster | None = None,
    *,
    events: bool = False,
    job: Job | None = None,
) -> Played:
    """Play all tasks to their end."""
    roster = roster or no_roster()
    n, units = len(tasks.at), len(fleet.home)
    state = fresh(world, tasks, fleet, rules)
    outcome = Outcome(
        unit=np.full(n, -1, np.int32),
        dispatched=np.full(n, np.nan),
        departed=np.full(n, np.nan),
        arrived=np.full(n, np.nan),
        left=np.full(n, np.nan),
        delivered=np.full(n, np.nan),
        cleared=np.full(n, np.nan),
        taken=np.zeros(n, np.int32),
        came_from=np.full(n, -1, np.int8),
    )
    room = max(200_000, 64 * units) if events else 0
    log = _empty_log(room)
    parts: list[Log] = []
    while True:
        if job is not None:
            job.check()
            job.update(float(state.scalars[loop.NEXT_TASK]))
        code = loop.advance(world, tasks, fleet, roster, rules, state, outcome, log, CHUNK)
        if events and (code != loop.PAUSED):
            used = int(state.scalars[loop.LOGGED])
            parts.append(Log(*(a[:used].copy() for a in log)))
            state.scalars[loop.LOGGED] = 0
        if code == loop.DONE:
            break
    whole = Log(*(np.concatenate(a) for a in zip(*parts, strict=True))) if parts else log
    order = np.argsort(whole.at, kind="stable")
    return Played(
        outcome,
        Log(*(a[order] for a in whole)),
        state.seconds[:, 0].copy(),
        state.seconds[:, 1].copy(),
        state.counts[:, 0].copy(),
        state.counts[:, 1].copy(),
    )


def fresh(world: World, tasks: Tasks, fleet: Fleet, rules: Rules) -> State:
    """Everybody at home and free."""
    units, n_hubs = len(fleet.home), world.leaving.shape[2]
    scalars = np.zeros(8, np.int64)
    scalars[loop.FREE] = units
    ints = lambda fill: np.full(units, fill, np.int32)  # noqa: E731
    return State(
        status=np.full(units, loop.IDLE, np.int8),
        place=fleet.home.astype(np.int32).copy(),
        task=ints(-1),
        post=fleet.home.astype(np.int32).copy(),
        leave=np.zeros(units),
        leg_mode=np.zeros(units, np.int8),
        leg_to=ints(-1),
        leg_node=ints(-1),
        leg_at=np.zeros(units),
        leg_end=np.zeros(units),
        freed=np.full(units, np.inf),
        delivered_to=ints(-1),
        stationed=np.bincount(fleet.home, minlength=n_hubs).astype(np.int32)[: rules.n_posts].copy(),
        heap=ints(-1),
        heap_at=ints(-1),
        line=np.empty(len(tasks.at) + 1, np.int32),
        eta=np.empty(units),
        covered=np.zeros(rules.weight.shape[1], np.int32),
        scalars=scalars,
        seconds=np.zeros((units, 2)),
        counts=np.zeros((units, 2), np.int64),
    )


def _empty_log(room: int) -> Log:
    return Log(
        np.empty(room),
        np.empty(room, np.int8),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
    )
