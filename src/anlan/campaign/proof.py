"""The second half of the main job: replay calls the design never saw under layouts and standby rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from anlan.campaign.analysis import Analysis
from anlan.campaign.options import PlanOptions
from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.core.files import replacing
from anlan.core.job import Job
from anlan.core.text import Text
from anlan.core.time import DAY_S, utc_offset_s
from anlan.evaluation.paired import Paired
from anlan.evaluation.response import Outcomes
from anlan.model import Calls, Plan, Sites
from anlan.simulation import Run, simulate
from anlan.simulation.durations import Durations
from anlan.simulation.fit import fit
from anlan.simulation.hindsight import always_ready_s

STANDBY = ("posts", "dmexclp")
"""Standby rules set beside the two layouts: the present units in motion. ``posts``: they stand by at the proposed
posts; ``dmexclp``: a unit that becomes free goes to the station where it adds most expected coverage."""
LAYOUTS = ("present", "proposed", *STANDBY)


@dataclass(frozen=True)
class Burden:
    """What a layout or rule asks of a unit.

    Attributes
    ----------
    moves_per_hour : float
        Moves to a post that is not its own station, per unit and hour.
    driving_share, busy_share : float
        Of its time: on the road, to calls and otherwise; from dispatch to clearing.
    km_per_day : float
        Driven per unit and day, estimated from the time; NaN where it is not known.
    """

    moves_per_hour: float
    driving_share: float
    busy_share: float
    km_per_day: float

    @classmethod
    def of(cls, run: Run) -> Burden:
        """The means over the units of a run."""
        w = run.workload
        km = float(w.km.mean()) if len(w.km) else float("nan")
        return cls(float(w.moves.mean()), float(w.driving_share.mean()), float(w.busy_share.mean()), km)


@dataclass(frozen=True, eq=False)
class Proof:
    """The layouts on the same calls.

    Attributes
    ----------
    calls : Calls
        The held-out calls that were replayed, in the order of the columns below.
    present, proposed : Outcomes
    assumptions : tuple of Text
        What the simulation had to assume.
    others : mapping of str to Outcomes
        By standby rule; see `STANDBY`.
    burden : mapping of str to Burden
        By layout or rule.
    ready_s : mapping of str to float
        Mean response if the nearest station (``present``) or post (``proposed``) always had a unit standing
        ready; see `anlan.simulation.hindsight.always_ready_s`.
    unserved : int
        Calls (times replications) that a unit reached under neither or only some of the layouts; they
        are left out of the comparison.
    """

    calls: Calls
    present: Outcomes
    proposed: Outcomes
    assumptions: tuple[Text, ...]
    tz_offset_s: NDArray[np.float64]
    seed: int
    others: Mapping[str, Outcomes] = field(default_factory=dict)
    burden: Mapping[str, Burden] = field(default_factory=dict)
    ready_s: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.present) != len(self.proposed) or len(self.present) % max(len(self.calls), 1):
            raise ValueError("the two layouts were not run on the same calls")

    @property
    def replications(self) -> int:
        """How often the calls were replayed."""
        return len(self.present) // len(self.calls)

    @property
    def layouts(self) -> tuple[str, ...]:
        """What was played: the present layout, the rules, the proposed layout."""
        return ("present", *(name for name in STANDBY if name in self.others), "proposed")

    def response_s(self, layout: str) -> NDArray[np.float64]:
        """Seconds from call to arrival, shape (n_replication, n_call); NaN where nobody came."""
        outcomes: Outcomes = self.others[layout] if layout in self.others else getattr(self, layout)
        return outcomes.response_s.reshape(self.replications, len(self.calls))

    @property
    def served(self) -> NDArray[np.bool_]:
        """Calls that were reached in every replication under every layout, shape (n_call,)."""
        known = np.isfinite(sum(self.response_s(name) for name in self.layouts))
        return np.asarray(known.all(axis=0), dtype=np.bool_)

    @property
    def unserved(self) -> int:
        """Calls left out of the comparison."""
        return int((~self.served).sum())

    def paired(self, layout: str = "proposed") -> tuple[Paired, Calls]:
        """The comparison of a layout with the present one over the served calls, and those calls."""
        served = self.served
        calls = self.calls.take(served)
        day = np.floor((calls.received + self.tz_offset_s[served]) / DAY_S).astype(np.int64)
        first, second = (self.response_s(name)[:, served] for name in ("present", layout))
        return Paired(first, second, day, seed=self.seed), calls


def prove(
    city: City, analysis: Analysis, present: Plan, proposed: Plan, options: PlanOptions, job: Job
) -> Proof:
    """Simulate both layouts, and the present units standing by in motion, with the same random numbers.

    How long things take is learnt from the weeks before (`anlan.simulation.fit`); the busy fraction that DMEXCLP
    assumes is the one that the present layout showed.
    """
    calls = Calls.concat([analysis.warm_up, analysis.held_out])
    durations = _durations(analysis.learnt, city)

    def run(plan: Plan, policy: Mapping[str, Any] | None = None) -> Run:
        return simulate(
            city,
            calls,
            plan,
            policy,
            seed=options.seed,
            replications=options.replications,
            durations=durations,
            demand=analysis.demand,
            warm_up_s=max(analysis.test[0] - float(calls.received.min()), 0.0),
            job=job,
        )

    runs = {"present": run(present)}
    job.check()
    dispatch = dict(present.policy.get("dispatch", {}))
    busy = float(np.clip(runs["present"].workload.busy_share.mean(), 0.01, 0.95))
    runs["dmexclp"] = run(
        present,
        {
            "dispatch": dispatch,
            "standby": {"rule": "dmexclp", "busy": busy, "reach_s": float(city.settings.rings_s[-1])},
        },
    )
    job.check()
    runs["posts"] = run(_with_posts(present, proposed), {"dispatch": dispatch, "standby": {"rule": "posts"}})
    job.check()
    runs["proposed"] = run(proposed)
    # A call on an island that only some of the layouts reach is left out of all.
    kept = set.intersection(*(set(r.outcomes.id.tolist()) for r in runs.values()))
    outcomes = {name: _only(r, kept) for name, r in runs.items()}
    first = outcomes["present"]
    reported = analysis.held_out.take(
        analysis.held_out.index_of(first.id[: len(first) // options.replications])
    )
    ready = {
        name: always_ready_s(city, reported, plan, durations)
        for name, plan in (("present", present), ("proposed", proposed))
    }
    return Proof(
        reported,
        first,
        outcomes["proposed"],
        tuple(runs["present"].assumptions),
        utc_offset_s(reported.received, city.tz),
        options.seed,
        {name: outcomes[name] for name in STANDBY},
        {name: Burden.of(r) for name, r in runs.items()},
        {name: float(values[np.isfinite(values)].mean()) for name, values in ready.items()},
    )


def _durations(learnt: Calls, city: City) -> Durations:
    try:
        return fit(learnt, city.tz).durations
    except AnlanError:
        return Durations()


def _with_posts(present: Plan, proposed: Plan) -> Plan:
    """The present units at their stations, with the proposed posts to stand by at."""
    new = proposed.sites.take(present.sites.index_of(proposed.sites.id) < 0)
    return replace(present, name="posts", sites=Sites.concat([present.sites, new]), posts=proposed.posts)


def _only(run: Run, kept: set[str]) -> Outcomes:
    o = run.outcomes
    use = np.fromiter((i in kept for i in o.id.tolist()), bool, count=len(o))
    return o if use.all() else o.take(use)


def save(proof: Proof, path: Path) -> None:
    """Write ``outcomes.parquet``: one row a layout, replication and call."""
    columns: dict[str, Any] = {}
    sides: dict[str, Outcomes] = {"present": proof.present, "proposed": proof.proposed, **proof.others}
    parts = list(sides.values())
    columns["layout"] = pa.array(np.repeat(list(sides), [len(p) for p in parts])).dictionary_encode()
    for name in Outcomes.DTYPES:
        values = pa.array(np.concatenate([getattr(p, name) for p in parts]))
        columns[name] = values.dictionary_encode() if pa.types.is_string(values.type) else values
    table = pa.table(columns).replace_schema_metadata(
        {
            f"assumption_{k}_{lang}": t.of(lang)
            for k, t in enumerate(proof.assumptions)
            for lang in ("zh", "en")
        }
        | {
            "burden": json.dumps({name: asdict(b) for name, b in proof.burden.items()}),
            "ready_s": json.dumps(dict(proof.ready_s)),
        }
    )
    with replacing(path) as out:
        pq.write_table(table, out, compression="zstd")


def load(path: Path, calls: Calls, city: City, seed: int) -> Proof:
    """Read ``outcomes.parquet`` back."""
    table = pq.read_table(path)
    meta = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    sides = {}
    for layout in LAYOUTS:
        part = table.filter(pa.compute.equal(table["layout"], layout))
        columns = {}
        for name in Outcomes.DTYPES:
            column = part[name]
            if pa.types.is_dictionary(column.type):
                column = column.cast(pa.string())
            columns[name] = column.to_numpy(zero_copy_only=False)
        sides[layout] = Outcomes.make(**columns)
    count = sum(k.startswith("assumption_") and k.endswith("_en") for k in meta)
    notes = tuple(Text(meta[f"assumption_{k}_zh"], meta[f"assumption_{k}_en"]) for k in range(count))
    burden = {name: Burden(**values) for name, values in json.loads(meta.get("burden", "{}")).items()}
    first = sides["present"]
    replications = len(np.unique(first.replication))
    reported = calls.take(calls.index_of(first.id[: len(first) // max(replications, 1)]))
    return Proof(
        reported,
        first,
        sides["proposed"],
        notes,
        utc_offset_s(reported.received, city.tz),
        seed,
        {name: sides[name] for name in STANDBY if len(sides[name])},
        burden,
        json.loads(meta.get("ready_s", "{}")),
    )
