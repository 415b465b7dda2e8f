"""One alarm, many responders: who is asked, in which order, until enough have accepted.

Premises nearest on foot are asked first, of members who are active and on call at this hour. Each refusal and each
silence is replaced by the next nearest. Everything that is decided is a command with an id made of the alarm and the
member, so that starting again in the middle asks nobody twice.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import numpy as np

from anlan.core.errors import AnlanError
from anlan.desk.act import Act
from anlan.desk.desk import Desk
from anlan.desk.ground import Near
from anlan.desk.people import THE_SYSTEM
from anlan.model.hours import Hours
from anlan.store import Entry, Record

PENDING = ("sent", "delivered")
COMING = ("accepted", "on_scene")


@dataclass(frozen=True, slots=True)
class CascadeRules:
    """How an alarm is called out.

    Attributes
    ----------
    enough : int
        Members who have to accept.
    at_once : int
        Members asked at the same time; those who have accepted count among them.
    within_s : float
        Longest walk to the alarm.
    most : int
        Members asked in all.
    """

    enough: int = 3
    at_once: int = 6
    within_s: float = 900.0
    most: int = 60

    def __post_init__(self) -> None:
        if not 1 <= self.enough <= self.at_once <= self.most or not self.within_s > 0:
            raise AnlanError(
                f"enough {self.enough}, at once {self.at_once}, most {self.most}, within {self.within_s} s",
                "at least one has to accept, no more than are asked at once, no more than are asked in all",
                "correct the numbers",
                code="cascade",
            )


class Cascade:
    """Calls responders to alarms; runs beside the desk until closed.

    Parameters
    ----------
    desk : Desk
    near : Near
    zone : tzinfo
        The city's.
    rules : CascadeRules
    """

    def __init__(self, desk: Desk, near: Near, zone: tzinfo, rules: CascadeRules | None = None) -> None:
        self.desk, self.near, self.zone, self.rules = desk, near, zone, rules or CascadeRules()
        self._hours: dict[str, Hours] = {}
        self._order: dict[str, list[tuple[str, float]]] = {}
        self._members: dict[str, tuple[list[float], str]] | None = None
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._worker = threading.Thread(target=self._run, name="cascade", daemon=True)
        self._stop: Callable[[], None] | None = None

    def start(self) -> Cascade:
        """Take up every open alarm, then follow the log."""
        after = self.desk.store.position
        self._members = self._roster()
        self._stop = self.desk.store.listen(self._heard, after)
        self._worker.start()
        states = [n for n, s in self.desk.procedures["alarm"].states.items() if s.open]
        for record in self.desk.store.records(procedure="alarm", states=states):
            self._queue.put(record.subject)
        return self

    def close(self) -> None:
        """Stop following."""
        if self._stop is not None:
            self._stop()
        self._queue.put(None)
        if self._worker.is_alive():
            self._worker.join(10)

    def _heard(self, entries: Sequence[Entry]) -> None:
        for e in entries:
            if e.procedure == "alarm" and e.transition in ("raise", "close", "unsafe"):
                self._queue.put(e.subject)
            elif e.procedure == "member":
                self._enrol(e.subject)
            elif e.procedure == "alert" and e.transition in ("accept", "decline", "silent"):
                record = self.desk.store.record(e.subject)
                if record is not None:
                    self._queue.put(str(record.values["fields"]["alarm"]))

    def _enrol(self, member: str) -> None:
        record = self.desk.store.record(member)
        assert self._members is not None
        if record is not None and record.state == "active":
            self._members = {**self._members, member: _premises(record)}
        else:
            self._members = {k: v for k, v in self._members.items() if k != member}

    def _run(self) -> None:
        while (alarm := self._queue.get()) is not None:
            try:
                self.consider(alarm)
            except AnlanError as error:
                if error.code not in ("state", "log_unavailable", "log_closed"):
                    raise

    def consider(self, alarm: str) -> int:
        """Do what an alarm needs now; gives how many members were asked. May be called again at any time."""
        record = self.desk.store.record(alarm)
        if record is None:
            return 0
        data = record.values
        alerts = [r for s in data.get("joined", []) if (r := self.desk.store.record(s)) is not None]
        pending = [r for r in alerts if r.state in PENDING]
        coming = [r for r in alerts if r.state in COMING]
        if "unsafe" in data.get("times", {}):
            for r in [*pending, *coming]:
                self._do("alert", "stop", r.subject, {}, f"{data['times']['unsafe']}:{r.subject}")
        if not self.desk.procedures["alarm"].states[record.state].open:
            self._stand_down([*pending, *coming])
            self._order.pop(alarm, None)
            return 0
        if len(coming) >= self.rules.enough:
            if record.state == "calling":
                self._do("alarm", "enough", alarm, {}, f"{alarm}:{len(data['joined'])}")
            self._stand_down(pending)
            return 0
        asked = {str(r.values["fields"]["member"]) for r in alerts}
        wanted = min(self.rules.at_once - len(pending) - len(coming), self.rules.most - len(asked))
        chosen = [(m, s) for m, s in self._nearest(record) if m not in asked][: max(wanted, 0)]
        drill = {"drill": True} if data["fields"].get("drill") else {}
        sending = []
        for member, walk_s in chosen:  # all on their way at once: one write to the disk
            fields = {"alarm": alarm, "member": member, "walk_s": round(walk_s, 1), **drill}
            mark = f"cascade:send:{alarm}:{member}"
            sending.append(
                self.desk.submit(THE_SYSTEM, Act("alert", "send", "", fields, record.stream, id=mark))
            )
        for future in sending:
            self._settle(future.result)
        if not chosen and not pending and not coming and "nobody" not in data["times"]:
            self._do("alarm", "nobody", alarm, {}, f"nobody:{alarm}")
        return len(chosen)

    def _nearest(self, alarm: Record) -> list[tuple[str, float]]:
        """Members on call, nearest first; worked out once for an alarm."""
        if alarm.subject not in self._order:
            fields = alarm.values["fields"]
            minute = self._minute(alarm.opened_us / 1e6)
            members = [
                (name, place)
                for name, (place, hours) in self._roster().items()
                if name != fields.get("premises") and self._open(hours, minute)
            ]
            walk = self.near.walking(fields["place"], [place for _, place in members])
            order = np.argsort(walk, kind="stable").tolist()
            reach = [(members[i][0], float(walk[i])) for i in order if walk[i] <= self.rules.within_s]
            self._order[alarm.subject] = reach[: self.rules.most]
        return self._order[alarm.subject]

    def _roster(self) -> dict[str, tuple[list[float], str]]:
        """Active members, their premises and hours; kept up by the log once the cascade follows it."""
        if self._stop is not None and self._members is not None:
            return dict(self._members)
        listed = self.desk.store.records(procedure="member", states=["active"])
        return {r.subject: _premises(r) for r in listed}

    def _minute(self, at: float) -> int:
        local = datetime.fromtimestamp(at, self.zone)
        return local.weekday() * 1440 + local.hour * 60 + local.minute

    def _open(self, hours: str, minute: int) -> bool:
        if hours not in self._hours:
            self._hours[hours] = Hours.parse(hours)
        return self._hours[hours].is_open(minute)

    def _stand_down(self, alerts: Sequence[Record]) -> None:
        for r in alerts:
            self._do("alert", "stand_down", r.subject, {}, f"{r.subject}:down")

    def _do(
        self,
        procedure: str,
        transition: str,
        subject: str,
        fields: dict[str, object],
        mark: str,
        area: str = "",
    ) -> None:
        act = Act(procedure, transition, subject, fields, area, id=f"cascade:{transition}:{mark}")
        self._settle(lambda: self.desk.act(THE_SYSTEM, act))

    def _settle(self, done: Callable[[], object]) -> None:
        try:
            done()
        except AnlanError as error:
            if error.code != "state":  # it was answered meanwhile
                raise


def _premises(member: Record) -> tuple[list[float], str]:
    fields = member.values["fields"]
    return list(fields["place"]), str(fields.get("hours", ""))
