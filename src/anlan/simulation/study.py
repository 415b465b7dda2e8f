"""One study: a city, a plan and a policy, played over its own past weeks or over calls drawn from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from anlan.city.city import City
from anlan.city.present import present_plan
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.text import Text
from anlan.core.time import DAY_S, WEEK_S
from anlan.evaluation.response import Outcomes
from anlan.hotspots import demand as learn_demand
from anlan.model import Calls, Demand, Plan
from anlan.simulation.fit import Fitted, fit
from anlan.simulation.pool import Refused, Serial
from anlan.simulation.run import Run, Workload
from anlan.simulation.simulate import simulate
from anlan.simulation.synthetic import last_weeks

CHUNK = 5
"""Replications of a past trace that are played together; fixed, so that a result does not depend on how many
processes shared the work. Replications that draw their own calls are played one by one."""


@dataclass(frozen=True)
class Study:
    """What to simulate.

    Attributes
    ----------
    city : Path
        A city folder.
    plan : Path or None
        A plan folder; the present layout where not given.
    policy : str, mapping or None
        See `anlan.policy.build`; the plan's own where not given.
    weeks : int
        The last so many whole weeks are played.
    learn_weeks : int
        From the weeks before them durations, demand and (for drawn calls) rates are learnt.
    synthetic : bool
        Whether calls are drawn, anew in each replication, instead of replayed.
    factor : float
        Drawn calls per past call.
    units : float
        Share of the plan's units that are there, rounded up; 0.9 leaves out every tenth.
    replications, seed : int
    name : str
    """

    city: Path
    plan: Path | None = None
    policy: str | Mapping[str, Any] | None = None
    weeks: int = 4
    learn_weeks: int = 52
    synthetic: bool = False
    factor: float = 1.0
    units: float = 1.0
    replications: int = 5
    seed: int = 1
    name: str = ""

    def __post_init__(self) -> None:
        for what, least in (("weeks", 1), ("learn_weeks", 1), ("replications", 1)):
            if getattr(self, what) < least:
                raise AnlanError(f"{what} = {getattr(self, what)}", f"it is at least {least}", "use more")
        if not 0.0 < self.units <= 1.0:
            raise AnlanError(
                f"units = {self.units}",
                "it is a share of the plan's units",
                "use a number above 0, at most 1",
            )
        if self.factor <= 0.0 or (self.factor != 1.0 and not self.synthetic):
            raise AnlanError(
                f"factor = {self.factor}",
                "past calls come as they came; only drawn calls can be more or fewer",
                "set synthetic = true, with a factor above 0",
                code="factor",
            )

    @property
    def label(self) -> str:
        """Its name, or one made of its plan and policy."""
        if self.name:
            return self.name
        plan = "present" if self.plan is None else _folder_name(self.plan)
        if self.policy is None:
            return plan
        policy = self.policy if isinstance(self.policy, str) else "policy"
        return f"{plan}/{Path(policy).stem if policy.endswith('.toml') else policy}"


def _folder_name(plan: Path) -> str:
    """What a plan folder is called; the folder above where it is `plan`, as `anlan plan` and `anlan site` write."""
    return plan.resolve().parent.name or plan.name if plan.name == "plan" else plan.name


@dataclass(frozen=True, eq=False)
class Materials:
    """What the past weeks of a city teach, and the weeks to be played.

    Attributes
    ----------
    city : City
    window : (float, float)
        The weeks that are played and reported.
    calls : Calls
        Of those weeks, and of the day before, which fills the simulated city.
    fitted : Fitted
    demand : Demand
        What the public reported in the weeks learnt from; for rules that weigh demand.
    """

    city: City
    window: tuple[float, float]
    calls: Calls
    fitted: Fitted
    demand: Demand


def materials(folder: Path, weeks: int, learn_weeks: int) -> Materials:
    """Load a city, learn from its earlier weeks and take its last ones; kept for the next study of the same."""
    calls = folder / "calls.parquet"
    changed = calls.stat().st_mtime_ns if calls.exists() else 0
    return _materials(folder.resolve(), changed, weeks, learn_weeks)


@lru_cache(maxsize=2)
def _materials(folder: Path, changed: int, weeks: int, learn_weeks: int) -> Materials:
    city = City.load(folder)
    calls = city.calls.take(np.isfinite(city.calls.received) & (city.calls.edge >= 0))
    window = last_weeks(calls, city.tz, weeks)
    past = float(calls.received.min())
    learnt = (window[0] - min(learn_weeks, max((window[0] - past) // WEEK_S, 0)) * WEEK_S, window[0])
    if learnt[1] - learnt[0] < WEEK_S:
        raise AnlanError(
            f"calls over {(window[1] - past) / WEEK_S:.1f} weeks",
            f"{weeks} weeks are played and at least one before them is learnt from",
            "load a longer history or play fewer weeks",
            code="short_history",
        )
    return Materials(
        city,
        window,
        calls.take((calls.received >= window[0] - DAY_S) & (calls.received < window[1])),
        fit(calls, city.tz, learnt),
        learn_demand(calls, tz=city.tz, window=learnt),
    )


@lru_cache(maxsize=8)
def _plan(folder: Path | None, city: City, units: float) -> Plan:
    plan = present_plan(city) if folder is None else Plan.load(folder)
    if units == 1.0:
        return plan
    n = len(plan.units)
    # Spread evenly over the list, which is sorted by station.
    kept = np.unique(np.linspace(0, n - 1, max(int(np.ceil(units * n)), 1)).round().astype(np.int64))
    return replace(plan, units=plan.units.take(kept))


def parts(study: Study) -> list[tuple[Study, int, int]]:
    """The study in pieces: itself, the first replication, and how many."""
    size = 1 if study.synthetic else CHUNK
    return [
        (study, first, min(size, study.replications - first)) for first in range(0, study.replications, size)
    ]


def play_part(part: tuple[Study, int, int], job: Job | None = None) -> Run:
    """Simulate some replications of a study; what other processes are given to do."""
    study, first, count = part
    m = materials(study.city, study.weeks, study.learn_weeks)
    begin, end = m.window
    calls = m.calls
    said: tuple[Text, ...] = ()
    if study.synthetic:
        calls = m.fitted.model.sample(begin - DAY_S, end, study.seed, first, study.factor)
        said = (
            Text(
                f"警情由过去 {study.learn_weeks} 周拟合的非齐次泊松过程抽取。",
                f"Calls are drawn from a nonhomogeneous Poisson process fitted to {study.learn_weeks} past weeks.",
            ),
        )
    run = simulate(
        m.city,
        calls,
        _plan(study.plan, m.city, study.units),
        study.policy,
        seed=study.seed,
        replications=count,
        durations=replace(m.fitted.durations, first=first),
        demand=m.demand,
        warm_up_s=max(begin - float(calls.received.min()), 0.0),
        name=study.label,
        job=job,
    )
    outcomes = run.outcomes
    return replace(
        run,
        outcomes=outcomes.replaced(replication=outcomes.replication + first),
        assumptions=(*said, *run.assumptions),
        synthetic=study.synthetic,
        replayer=run.replayer if first == 0 else None,
    )


def far_part(part: tuple[Study, int, int]) -> Run:
    """`play_part` in another process: its result travels without the means to play it again."""
    return replace(play_part(part), replayer=None)


def merge(runs: Sequence[Run]) -> Run:
    """Parts of one study as one run."""
    first = runs[0]
    if len(runs) == 1:
        return first
    size = np.array([r.replications for r in runs], float)
    columns = {
        name: np.average([getattr(r.workload, name) for r in runs], axis=0, weights=size)
        for name in vars(first.workload)
        if name != "id"
    }
    return replace(
        first,
        outcomes=Outcomes.concat([r.outcomes for r in runs]),
        workload=Workload(id=first.workload.id, **columns),
        left_out=max(r.left_out for r in runs),
        replications=int(size.sum()),
    )


def play(studies: Iterable[Study], pool: Any = None, job: Job | None = None) -> list[Run]:
    """Simulate several studies; those of the same city, weeks and seed meet the same calls.

    Parameters
    ----------
    pool : optional
        Where the work is done; see `anlan.simulation.pool`. This process by default.

    Raises
    ------
    AnlanError
        If a study cannot be simulated.
    Cancelled
        If the job was asked to stop.
    """
    job = job or Job()
    pieces = [(row, part) for row, study in enumerate(studies) for part in parts(study)]
    done: dict[int, Run] = {}
    here = pool is None or isinstance(pool, Serial)
    with job.stage("simulate", float(len(pieces))):
        if here:
            for k, (_, part) in enumerate(pieces):
                done[k] = play_part(part, Job())
                job.check()
                job.update(float(k + 1), part[0].label)
        else:
            for k, run in pool.run(far_part, [part for _, part in pieces], job):
                if isinstance(run, Refused):
                    raise run.error()
                done[k] = run
                job.update(float(len(done)), pieces[k][1][0].label)
            job.check()
    rows = sorted({row for row, _ in pieces})
    return [merge([done[k] for k, (r, _) in enumerate(pieces) if r == row]) for row in rows]
