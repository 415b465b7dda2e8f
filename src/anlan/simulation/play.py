"""Run the event loop: fresh state, events in chunks, the log emptied as it fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.job import Job
from anlan.kernels import simulation as loop
from anlan.kernels.policies import eligible
from anlan.kernels.simulation_types import DUTY, LOG, OUTCOME, UNIT, Rules, State, World

Array = NDArray[Any]
CHUNK = 100_000
STATUSES = 8


@dataclass(frozen=True, eq=False)
class Played:
    """What a run left behind.

    Attributes
    ----------
    outcome : ndarray of OUTCOME records, shape (n_tasks,)
    log : ndarray of LOG records
        In order of time; empty unless asked for.
    units : ndarray of UNIT records
        As they were at the end; their totals are in ``driving_s, metres, work_s, duty_s, cleared, moves``.
    """

    outcome: Array
    log: Array
    units: Array


def fleet(
    home: Array,
    turnout_s: Array | float = 0.0,
    skills: Array | int = 0,
    area: Array | int = -1,
    on: Array | None = None,
    shift_end: Array | float = np.inf,
) -> Array:
    """Units at their homes, as UNIT records; on duty where ``on`` says so or is not given."""
    units = np.zeros(len(home), UNIT)
    units["home"] = units["place"] = units["post"] = home
    units["turnout"] = turnout_s
    units["skills"] = skills
    units["area"] = area
    units["next"] = np.inf
    units["shift_end"] = shift_end
    units["break_until"] = units["moved"] = -np.inf
    for name in ("task", "leg_to", "leg_from", "leg_node", "delivered_to", "heap"):
        units[name] = -1
    units["status"] = eligible.IDLE
    if on is not None:
        units["status"][~on] = eligible.OFF
        units["post"][~on] = -1
    return units


def play(
    world: World,
    tasks: Array,
    units: Array,
    rules: Rules,
    duty: Array | None = None,
    *,
    events: bool = False,
    job: Job | None = None,
) -> Played:
    """Play all tasks to their end.

    Parameters
    ----------
    tasks : ndarray of TASK records
        In order of ``ready``.
    units : ndarray of UNIT records
        As they are at the beginning; left as they are.
    duty : ndarray of DUTY records, optional
        In order of time.
    """
    units = units.copy()
    duty = np.zeros(0, DUTY) if duty is None else duty
    begin = min(tasks["at"].min() if len(tasks) else np.inf, duty["at"][0] if len(duty) else np.inf)
    units["since"] = begin if np.isfinite(begin) else 0.0
    state = _fresh(world, tasks, units, rules)
    outcome = np.zeros(len(tasks), OUTCOME)
    for name in ("dispatched", "departed", "arrived", "left", "delivered", "cleared"):
        outcome[name] = np.nan
    outcome["unit"] = outcome["came_from"] = -1
    log = np.zeros(max(200_000, 16 * len(units)) if events else 0, LOG)
    parts: list[Array] = []
    while True:
        if job is not None:
            job.check()
            job.update(float(state.counters[loop.NEXT_TASK]))
        code = loop.advance(world, tasks, units, duty, rules, state, outcome, log, CHUNK)
        if events and code != loop.STOPPED:
            parts.append(log[: state.counters[loop.LOGGED]].copy())
            state.counters[loop.LOGGED] = 0
        if code == loop.DONE:
            break
    if len(tasks):
        _close(units, rules.speed, float(state.numbers[0]))
    if parts:
        log = np.concatenate(parts)
        log = log[np.argsort(log["at"], kind="stable")]
    return Played(outcome, log, units)


def _close(units: Array, speed: Array, now: float) -> None:
    """Bring the totals of units that are still about to the end of the run."""
    status, end = units["status"], units["leg_end"]
    driving = np.isin(status, (eligible.MOVING, eligible.HOMEBOUND))
    seconds = np.maximum(np.minimum(now, end) - units["leave"], 0.0)[driving]
    units["driving_s"][driving] += seconds
    units["metres"][driving] += seconds * speed[units["leg_mode"][driving]]
    working = (status == eligible.PAUSED) & (units["own_work"] != 0)
    units["work_s"][working] += (now - units["leave"])[working]
    on = status != eligible.OFF
    units["duty_s"][on] += (now - units["since"])[on]


def _fresh(world: World, tasks: Array, units: Array, rules: Rules) -> State:
    n, n_hubs, n_posts = len(units), world.hubs.shape[3], int(rules.integers[loop.N_POSTS])
    status = units["status"]
    members = np.zeros((STATUSES, max(n, 1)), np.int64)
    for one in range(STATUSES):
        rows = np.flatnonzero(status == one)
        members[one, : len(rows)] = rows
        units["row"][rows] = np.arange(len(rows))
    free = status == eligible.IDLE
    stationed = np.bincount(units["home"][free], minlength=n_posts).astype(np.int64)[:n_posts]
    counters = np.zeros(16, np.int64)
    counters[loop.FREE] = free.sum()
    counters[loop.PROFILE] = -1
    wide = max(rules.ladder.shape[2], n, 1)
    return State(
        heap=np.full(n, -1, np.int64),
        line=np.empty(len(tasks) + 1, np.int64),
        members=members,
        size=np.bincount(status, minlength=STATUSES).astype(np.int64),
        stationed=stationed,
        covered=covered_by(rules, stationed),
        worth=np.zeros(n_posts, np.int64),
        visited=np.full(n_hubs, -np.inf),
        eta=np.empty(n),
        own=np.zeros(n, np.bool_),
        loss=np.zeros(n),
        open_at=np.empty(wide, np.int64),
        drive=np.empty(wide),
        hopeful=np.empty(wide, np.int64),
        moves=np.empty((3 * n + 3, 3), np.int64),
        counters=counters,
        numbers=np.zeros(1),
        speed=rules.speed,
    )


def covered_by(rules: Rules, stationed: Array) -> Array:
    """How many free units cover each set of demand."""
    sets = np.zeros(rules.weight.shape[1], np.int64)
    for post in np.flatnonzero(stationed):
        sets[rules.cover_set[rules.cover_start[post] : rules.cover_start[post + 1]]] += stationed[post]
    return sets
