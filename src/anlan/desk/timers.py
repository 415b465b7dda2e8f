"""What has fallen due. Deadlines stand in the records, so a restart forgets none."""

from __future__ import annotations

from anlan.desk.act import Act
from anlan.model.procedure import Procedure
from anlan.store import Record

MICRO = 1_000_000
MEANWHILE = ("changed", "state", "erased")
"""Codes of refusals that only say that somebody was quicker."""


def due(procedure: Procedure, record: Record, now_us: int) -> Act | None:
    """The transition that the system has to take on a record now."""
    data = record.values
    for name, deadline in procedure.deadlines.items():
        began = data.get("since", {}).get(name)
        if began is None or name in data.get("fired", []):
            continue
        if began + round(deadline.seconds(data.get("fields", {})) * MICRO) <= now_us:
            identity = f"due:{record.subject}:{name}:{began}"
            return Act(record.procedure, deadline.fires, record.subject, version=record.version, id=identity)
    return None
