"""The desk: procedures over a log, for people with grants."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from anlan.core.errors import AnlanError
from anlan.core.time import Clock
from anlan.desk import timers
from anlan.desk.act import Act, Notice
from anlan.desk.carry import Carry, unknown
from anlan.desk.people import THE_SYSTEM, Person, Tree, may_view, roles_in
from anlan.model.procedure import SYSTEM, Procedure
from anlan.store import Command, Record, Store, Work

EARLY_S = 300.0
"""How far ahead of the server's clock a device may say that something happened."""


class Desk:
    """Carries commands out as the procedures say, lets deadlines fall due, tells whom it must.

    Parameters
    ----------
    store : Store
        Opened with ``fold=fold_by(procedures)``.
    procedures : mapping of str to Procedure
    tree : Tree
    tell : callable, optional
        Called with the notices of each command after it is durable.
    clock : callable
    """

    def __init__(
        self,
        store: Store,
        procedures: Mapping[str, Procedure],
        tree: Tree,
        *,
        tell: Callable[[Sequence[Notice]], None] | None = None,
        clock: Clock = time.time,
    ) -> None:
        self.store, self.procedures, self.tree, self.clock, self.tell = store, procedures, tree, clock, tell

    # Acting

    def act(self, who: Person, act: Act) -> dict[str, Any]:
        """Carry a command out and wait until it is durable.

        Returns
        -------
        dict
            ``subject``, ``state``, ``version`` and the ``events`` logged, consequences included.

        Raises
        ------
        AnlanError
            In one sentence: unknown procedure or transition, not allowed in this state, by this person or in
            this area, a field missing or wrong, changed by somebody else meanwhile, or the log cannot be written.
        """
        return dict(self.submit(who, act).result())

    def submit(self, who: Person, act: Act) -> Future[Any]:
        """Queue a command; see `act`."""
        identity = act.id or str(uuid.uuid4())
        notices: list[Notice] = []

        def work(w: Work) -> dict[str, Any]:
            at = w.now if act.at is None else act.at
            if at > w.now + EARLY_S:
                ahead = f"a time {at - w.now:.0f} s ahead"
                raise AnlanError(ahead, "the future has not happened", "set the device's clock", code="early")
            carry = Carry(self.procedures, self.tree, w, at)
            subject = act.subject or f"{act.procedure}-{uuid.uuid4().hex[:12]}"
            carry.step(who, act, subject)
            notices[:] = carry.notices
            after = w.record(subject)
            assert after is not None
            events = [e.id for e in carry.entries]
            return {"subject": subject, "state": after.state, "version": after.version, "events": events}

        def told(done: Future[Any]) -> None:
            if self.tell is not None and notices and not done.cancelled() and done.exception() is None:
                self.tell(list(notices))

        future = self.store.submit(
            Command(f"{who.name}:{identity}", work, [act.subject] if act.subject else [])
        )
        future.add_done_callback(told)
        return future

    def tick(self) -> int:
        """Let everything fall due that is; gives how many transitions the system took.

        Call it every second or so, from one place.
        """
        taken = 0
        now_us = round(self.clock() * timers.MICRO)
        for record in self.store.records(due_by_us=now_us, limit=1000):
            procedure = self.procedures.get(record.procedure)
            if procedure is None:
                continue
            try:
                if not procedure.states[record.state].open:
                    self.store.erase(record.subject, actor=SYSTEM, role=SYSTEM, purpose="retention date")
                    continue
                act = timers.due(procedure, record, now_us)
                if act is not None:
                    self.act(THE_SYSTEM, act)
                    taken += 1
            except AnlanError as error:
                if error.code not in timers.MEANWHILE:
                    raise
        return taken

    # Looking

    def look(self, who: Person, subject: str) -> Record:
        """A record, to somebody who may see it; to others it does not exist."""
        record = self.store.record(subject)
        if record is None or not may_view(who, record.stream, self.tree, self.clock()):
            raise unknown(subject)
        return record

    def listed(
        self, who: Person, procedure: str, *, states: Sequence[str] | None = None, limit: int = 1000
    ) -> list[Record]:
        """Records of a procedure that somebody may see, oldest first."""
        now = self.clock()
        streams = [a for a in self.tree.parents if may_view(who, a, self.tree, now)]
        return self.store.records(procedure=procedure, states=states, streams=streams, limit=limit)

    def open(self, who: Person, procedure: str, limit: int = 1000) -> list[Record]:
        """Those that are not closed."""
        states = [name for name, state in self.procedures[procedure].states.items() if state.open]
        return self.listed(who, procedure, states=states, limit=limit)

    def may(self, who: Person, subject: str) -> list[str]:
        """Transitions that somebody may take on a subject now: the buttons of a form."""
        record = self.look(who, subject)
        held = roles_in(who, record.stream, self.tree, self.clock())
        table = self.procedures[record.procedure]
        data = record.values
        return [
            name
            for name in table.may_follow(record.state)
            if (step := table.transitions[name])
            and held & set(step.roles)
            and not (step.needs_idle and data.get("active"))
            and all(data.get("actors", {}).get(other) != who.name for other in step.differs_from)
        ]
