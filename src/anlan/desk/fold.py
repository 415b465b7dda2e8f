"""What an event makes of a record, read from the procedures' tables; rebuilding from the log calls nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from anlan.model.procedure import Procedure, Transition
from anlan.store import Entry, Fold, Record, last_event
from anlan.store.entry import MICRO, canonical_json

ERASED = "erased"
"""What the store logs when a subject's key is destroyed; the subject's state stays."""

Data = dict[str, Any]
"""A record's data: ``fields`` (open ones, as last given), ``actors`` (who last took each transition), ``times``
(when, microseconds), ``active`` (subjects that joined and have not left), ``joined`` (all that ever did), ``since``
(when each running deadline began), ``fired`` (deadlines that have), ``told`` (everybody notified so far),
``personal`` (whether anything is sealed)."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a transition makes of a record."""

    state: str
    data: Data
    due_us: int | None


def take(
    procedure: Procedure, name: str, before: Record | None, given: Mapping[str, Any], actor: str, at_us: int
) -> Step:
    """A record's state and data after a transition; pure.

    ``given`` holds the open fields, and ``_told`` where the event says whom it notified.
    """
    transition = procedure.transitions[name]
    source = before.state if before else ""
    data: Data = before.values if before else {}
    fields = {**data.get("fields", {}), **{k: v for k, v in given.items() if not k.startswith("_")}}
    active = _active(data.get("active", []), transition, given)
    paths = transition.paths
    if transition.drops and not active and source in transition.idle_paths:
        paths = transition.idle_paths
    state = paths.get(source, source)
    since, fired = dict(data.get("since", {})), list(data.get("fired", []))
    if transition.drops or transition.adds:
        fields.pop(transition.drops or transition.adds, None)
    due: list[int] = []
    for key, deadline in procedure.deadlines.items():
        if state not in deadline.states:
            since.pop(key, None)
            fired = [f for f in fired if f != key]
            continue
        if source not in deadline.states or name in deadline.renewed_by:
            since[key] = at_us
            fired = [f for f in fired if f != key]
        if name == deadline.fires and since.get(key, at_us) + deadline.seconds(fields) * MICRO <= at_us:
            fired = [*dict.fromkeys([*fired, key])]
        if key not in fired:
            due.append(since.get(key, at_us) + round(deadline.seconds(fields) * MICRO))
    if not procedure.states[state].open and "personal" in {*data, *given.get("_has", [])}:
        due.append(at_us + round(procedure.keep_days * 86400 * MICRO))
    made: Data = {
        "fields": fields,
        "actors": {**data.get("actors", {}), name: actor},
        "times": {**data.get("times", {}), name: at_us},
        "active": active,
        "joined": [*dict.fromkeys([*data.get("joined", []), *active])],
        "since": since,
        "fired": fired,
        "told": [*dict.fromkeys([*data.get("told", []), *given.get("_told", [])])],
    }
    if "personal" in data or "personal" in given.get("_has", []):
        made["personal"] = True
    return Step(state, made, min(due, default=None))


def fold_by(procedures: Mapping[str, Procedure]) -> Fold:
    """The fold of a desk with these procedures; subjects of others keep the plainest one."""

    def fold(before: Record | None, entry: Entry) -> Record:
        procedure = procedures.get(entry.procedure)
        if entry.transition == ERASED and before is not None:
            data = {k: v for k, v in before.values.items() if k != "personal"}
            return replace(before, due_us=None, version=before.version + 1, data=canonical_json(data))
        if procedure is None or entry.transition not in procedure.transitions:
            return last_event(before, entry)
        step = take(procedure, entry.transition, before, entry.fields, entry.actor, entry.occurred_us)
        return Record(
            subject=entry.subject,
            procedure=entry.procedure,
            state=step.state,
            stream=before.stream if before else entry.stream,
            area=entry.area or (before.area if before else ""),
            opened_us=before.opened_us if before else entry.occurred_us,
            updated_us=entry.occurred_us,
            due_us=step.due_us,
            version=(before.version if before else 0) + 1,
            data=canonical_json(step.data),
        )

    return fold


def _active(before: list[str], transition: Transition, given: Mapping[str, Any]) -> list[str]:
    out = list(before)
    if transition.adds and given[transition.adds] not in out:
        out.append(given[transition.adds])
    if transition.drops:
        out = [s for s in out if s != given[transition.drops]]
    return out
