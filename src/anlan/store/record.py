"""The read model's row, and how events make it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from anlan.store.entry import Entry, canonical_json


@dataclass(frozen=True, slots=True)
class Record:
    """A subject as its events have made it.

    Attributes
    ----------
    subject, procedure, state, stream, area : str
    opened_us, updated_us : int
        Times of its first and last event, microseconds.
    due_us : int or None
        When something next falls due.
    version : int
        Events so far; a command may say which version it saw.
    data : str
        JSON of everything else.
    """

    subject: str
    procedure: str
    state: str
    stream: str
    area: str
    opened_us: int
    updated_us: int
    due_us: int | None
    version: int
    data: str

    @property
    def values(self) -> dict[str, Any]:
        """The data as a dictionary."""
        return dict(json.loads(self.data))


Fold = Callable[[Record | None, Entry], Record]
"""Gives a subject's record after one more event. Pure: rebuilding calls it again on the whole log."""


def last_event(before: Record | None, entry: Entry) -> Record:
    """The plainest fold: the state is the last transition, the data the union of the payloads."""
    data = {**(before.values if before else {}), **entry.fields}
    if before is None:
        return Record(
            subject=entry.subject,
            procedure=entry.procedure,
            state=entry.transition,
            stream=entry.stream,
            area=entry.area,
            opened_us=entry.occurred_us,
            updated_us=entry.occurred_us,
            due_us=None,
            version=1,
            data=canonical_json(data),
        )
    return replace(
        before,
        state=entry.transition,
        area=entry.area or before.area,
        updated_us=entry.occurred_us,
        version=before.version + 1,
        data=canonical_json(data),
    )
