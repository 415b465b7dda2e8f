"""The second half of the main job: replay calls the design never saw under both layouts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from anlan.campaign.analysis import Analysis
from anlan.campaign.options import PlanOptions
from anlan.city.city import City
from anlan.core.files import replacing
from anlan.core.job import Job
from anlan.core.text import Text
from anlan.core.time import DAY_S, utc_offset_s
from anlan.evaluation.paired import Paired
from anlan.evaluation.response import Outcomes
from anlan.model import Calls, Plan
from anlan.simulation import Run, simulate

LAYOUTS = ("present", "proposed")


@dataclass(frozen=True, eq=False)
class Proof:
    """Both layouts on the same calls.

    Attributes
    ----------
    calls : Calls
        The held-out calls that were replayed, in the order of the columns below.
    present, proposed : Outcomes
    assumptions : tuple of Text
        What the simulation had to assume.
    unserved : int
        Calls (times replications) that a unit reached under neither or only one of the layouts; they
        are left out of the comparison.
    """

    calls: Calls
    present: Outcomes
    proposed: Outcomes
    assumptions: tuple[Text, ...]
    tz_offset_s: NDArray[np.float64]
    seed: int

    def __post_init__(self) -> None:
        if len(self.present) != len(self.proposed) or len(self.present) % max(len(self.calls), 1):
            raise ValueError("the two layouts were not run on the same calls")

    @property
    def replications(self) -> int:
        """How often the calls were replayed."""
        return len(self.present) // len(self.calls)

    def response_s(self, layout: str) -> NDArray[np.float64]:
        """Seconds from call to arrival, shape (n_replication, n_call); NaN where nobody came."""
        outcomes: Outcomes = getattr(self, layout)
        return outcomes.response_s.reshape(self.replications, len(self.calls))

    @property
    def served(self) -> NDArray[np.bool_]:
        """Calls that were reached in every replication under both layouts, shape (n_call,)."""
        known = np.isfinite(self.response_s("present") + self.response_s("proposed"))
        return np.asarray(known.all(axis=0), dtype=np.bool_)

    @property
    def unserved(self) -> int:
        """Calls left out of the comparison."""
        return int((~self.served).sum())

    def paired(self) -> tuple[Paired, Calls]:
        """The comparison over the served calls, and those calls."""
        served = self.served
        calls = self.calls.take(served)
        day = np.floor((calls.received + self.tz_offset_s[served]) / DAY_S).astype(np.int64)
        return (
            Paired(
                self.response_s("present")[:, served],
                self.response_s("proposed")[:, served],
                day,
                seed=self.seed,
            ),
            calls,
        )


def prove(
    city: City, analysis: Analysis, present: Plan, proposed: Plan, options: PlanOptions, job: Job
) -> Proof:
    """Simulate both layouts on the same calls with the same random numbers."""
    calls = Calls.concat([analysis.warm_up, analysis.held_out])
    runs = [
        simulate(
            city,
            calls,
            plan,
            seed=options.seed,
            replications=options.replications,
            demand=analysis.demand,
            warm_up_s=max(analysis.test[0] - float(calls.received.min()), 0.0),
            job=job,
        )
        for plan in (present, proposed)
    ]
    reported = analysis.held_out.take(analysis.held_out.index_of(runs[0].outcomes.id[: _once(runs[0])]))
    return Proof(
        reported,
        runs[0].outcomes,
        runs[1].outcomes,
        tuple(runs[0].assumptions),
        utc_offset_s(reported.received, city.tz),
        options.seed,
    )


def _once(run: Run) -> int:
    """Calls of one replication."""
    return len(run.outcomes) // run.replications


def save(proof: Proof, path: Path) -> None:
    """Write ``outcomes.parquet``: one row a layout, replication and call."""
    columns: dict[str, Any] = {}
    parts = [proof.present, proof.proposed]
    columns["layout"] = pa.array(np.repeat(LAYOUTS, [len(p) for p in parts])).dictionary_encode()
    for name in Outcomes.DTYPES:
        values = pa.array(np.concatenate([getattr(p, name) for p in parts]))
        columns[name] = values.dictionary_encode() if pa.types.is_string(values.type) else values
    table = pa.table(columns).replace_schema_metadata(
        {
            f"assumption_{k}_{lang}": t.of(lang)
            for k, t in enumerate(proof.assumptions)
            for lang in ("zh", "en")
        }
    )
    with replacing(path) as out:
        pq.write_table(table, out, compression="zstd")


def load(path: Path, calls: Calls, city: City, seed: int) -> Proof:
    """Read ``outcomes.parquet`` back."""
    table = pq.read_table(path)
    meta = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    sides = []
    for layout in LAYOUTS:
        part = table.filter(pa.compute.equal(table["layout"], layout))
        columns = {}
        for name in Outcomes.DTYPES:
            column = part[name]
            if pa.types.is_dictionary(column.type):
                column = column.cast(pa.string())
            columns[name] = column.to_numpy(zero_copy_only=False)
        sides.append(Outcomes.make(**columns))
    count = sum(k.startswith("assumption_") and k.endswith("_en") for k in meta)
    notes = tuple(Text(meta[f"assumption_{k}_zh"], meta[f"assumption_{k}_en"]) for k in range(count))
    return Proof(calls, sides[0], sides[1], notes, utc_offset_s(calls.received, city.tz), seed)
