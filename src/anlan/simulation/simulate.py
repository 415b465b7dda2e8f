"""Simulate a plan and a policy over a city's calls."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.city import City
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.text import Text
from anlan.core.time import DAY_S, HOUR_S
from anlan.evaluation.response import Outcomes
from anlan.model import Calls, Plan
from anlan.model.event import Events
from anlan.policy import Policy
from anlan.simulation.durations import Durations
from anlan.simulation.events import events_of
from anlan.simulation.play import Played
from anlan.simulation.requests import Requests
from anlan.simulation.run import Run, Workload
from anlan.simulation.scenario import Scenario, prepare

WORKERS = 2

Array = NDArray[Any]


def simulate(
    city: City,
    calls: Calls,
    plan: Plan,
    policy: str | Mapping[str, Any] | Policy | None = None,
    *,
    seed: int,
    replications: int = 1,
    durations: Durations | None = None,
    demand: Any = None,
    warm_up_s: float | None = None,
    name: str | None = None,
    job: Job | None = None,
) -> Run:
    """Play a city's calls through a plan and a policy.

    Parameters
    ----------
    city : City
    calls : Calls
        Past calls as they came, or sampled ones. Those that are not on the network are left out and counted.
    plan : Plan
        Sites, posts and units; units start at their homes.
    policy : str, mapping or Policy, optional
        See `anlan.policy.build`; the plan's own where not given.
    seed : int
        Decides every draw; the same seed gives the same work to every plan and policy.
    replications : int
    durations : Durations, optional
        Used where the calls do not say how long the work took.
    demand : Demand, optional
        For policies that cover demand; the calls themselves where not given.
    warm_up_s : float, optional
        Calls received in the first so many seconds are simulated but not reported; by default a day, or a
        tenth of the span if that is shorter.
    name : str, optional
    job : Job, optional

    Returns
    -------
    Run

    Raises
    ------
    AnlanError
        If there is nothing to simulate, or a unit's home is not a site of the plan on the network.
    """
    job = job or Job()
    if replications < 1:
        raise AnlanError(
            f"replications = {replications}", "at least one is needed", "give 1 or more", code="replications"
        )
    with job.stage("travel times"):
        scenario, left_out = prepare(city, calls, plan, policy, seed=seed, durations=durations, demand=demand)
    received = scenario.calls.received
    span = float(received.max() - received.min())
    warm_up = min(DAY_S, 0.1 * span) if warm_up_s is None else warm_up_s
    keep = received >= received.min() + warm_up

    def one(replication: int) -> tuple[Outcomes, Array]:
        requests, played = scenario.play(replication)
        return outcomes_of(scenario, requests, played, replication, keep), played.units

    runs: list[tuple[Outcomes, Array]] = []
    with (
        job.stage("simulation", float(replications)),
        ThreadPoolExecutor(min(WORKERS, replications)) as pool,
    ):
        for done, played in enumerate(pool.map(one, range(replications)), 1):
            runs.append(played)
            job.check()
            job.update(done)
    outcomes = Outcomes.concat([o for o, _ in runs])
    return Run(
        name=name or plan.name,
        outcomes=outcomes,
        workload=workload_of(scenario, [units for _, units in runs]),
        assumptions=(
            *scenario.assumptions,
            Text(
                f"最初 {warm_up / 3600:.1f} 小时为预热，不计入结果。",
                f"The first {warm_up / 3600:.1f} hours are warm-up, not reported.",
            ),
        ),
        left_out=left_out,
        synthetic=False,
        seed=seed,
        replications=replications,
        rings_s=tuple(city.settings.rings_s),
        replayer=partial(_events, scenario, replications),
    )


def outcomes_of(
    scenario: Scenario, requests: Requests, played: Played, replication: int, keep: Array
) -> Outcomes:
    """Outcomes of a replication, in the order of the calls, without the warm-up."""
    c, n = scenario.calls, len(scenario.calls)
    answers = requests.answers(played.outcome)
    o = answers.first
    ids = np.append(scenario.plan.units.id, "")
    whole = Outcomes(
        id=c.id,
        unit=ids[o["unit"]],
        received=c.received,
        dispatched=o["dispatched"],
        arrived=o["arrived"],
        cleared=answers.cleared,
        queued_s=o["dispatched"] - c.received - scenario.durations.handling_s,
        response_s=o["arrived"] - c.received,
        travel_s=o["arrived"] - o["departed"],
        area=c.area,
        category=c.category,
        slot=scenario.slot,
        priority=np.maximum(c.priority, 1),
        replication=np.full(n, replication, np.int32),
    )
    return whole.take(keep)


def workload_of(scenario: Scenario, runs: list[Array]) -> Workload:
    """What was asked of the units, from their totals at the end of each replication."""
    names = ("driving_s", "metres", "work_s", "duty_s", "cleared", "moves")
    mean = {k: np.mean([units[k] for units in runs], axis=0) for k in names}
    duty = np.maximum(mean["duty_s"], 1.0)
    return Workload(
        id=scenario.plan.units.id,
        calls=mean["cleared"] / (duty / DAY_S),
        busy_share=mean["work_s"] / duty,
        driving_share=mean["driving_s"] / duty,
        moves=mean["moves"] / (duty / HOUR_S),
        km=mean["metres"] / 1000.0 / (duty / DAY_S),
        duty_s=mean["duty_s"],
    )


def _events(scenario: Scenario, replications: int) -> Events:
    parts = []
    for r in range(replications):
        requests, played = scenario.play(r, events=True)
        parts.append(
            events_of(
                played.log, scenario.calls, requests.call, scenario.plan.units.id, scenario.posts, str(r)
            )
        )
    return Events.concat(parts)
