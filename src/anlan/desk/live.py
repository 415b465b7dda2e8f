"""The live board: units and open calls as the log has them now, where the units are, and what the policy advises.

Positions of officers' units live in memory for a stated short time and are written nowhere. A unit without a fresh
position is taken to be where its last task left it, else at its post.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anlan.city import City
from anlan.core.errors import AnlanError
from anlan.core.time import hour_of_week
from anlan.desk.act import Act
from anlan.desk.desk import Desk
from anlan.desk.people import Person
from anlan.model import Plan
from anlan.model.board import Board, BoardPosts, BoardUnits, OpenCalls
from anlan.policy import Policy
from anlan.policy.move_up import MoveUp
from anlan.policy.recommend import Recommendation
from anlan.store import Record

FRESH_S = 300.0
"""How long a position says where a unit is; kept no longer."""
WAITING = ("assigned", "accepted")


@dataclass(frozen=True, slots=True)
class Fix:
    """Where a unit said it was, and when."""

    lon: float
    lat: float
    at: float


class Live:
    """A desk's board and its policy.

    Parameters
    ----------
    desk : Desk
    city : City
    plan : Plan
        Its sites are the posts.
    policy : Policy
    """

    def __init__(self, desk: Desk, city: City, plan: Plan, policy: Policy) -> None:
        self.desk, self.city, self.plan, self.policy = desk, city, plan, policy
        sites = city.placed(plan.sites)
        self.posts = BoardPosts.make(id=sites.id, edge=sites.edge, offset_m=sites.offset_m)
        self._post_at = dict(
            zip(
                sites.id.tolist(), zip(sites.edge.tolist(), sites.offset_m.tolist(), strict=True), strict=True
            )
        )
        self._fixes: dict[str, Fix] = {}
        self._snapped: dict[tuple[float, float], tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._travel: dict[int, Mapping[str, Any]] = {}

    # Where units are

    def seen(self, unit: str, lon: float, lat: float, at: float) -> None:
        """A unit tells where it is; an older word than the last is ignored."""
        with self._lock:
            before = self._fixes.get(unit)
            if before is None or before.at <= at:
                self._fixes[unit] = Fix(float(lon), float(lat), float(at))

    def fixes(self) -> dict[str, Fix]:
        """Fresh positions; what is older is forgotten."""
        now = self.desk.clock()
        with self._lock:
            self._fixes = {u: f for u, f in self._fixes.items() if now - f.at <= FRESH_S}
            return dict(self._fixes)

    # The board

    def board(self) -> Board:
        """Everything as it is now."""
        now = self.desk.clock()
        records = self._open("unit")
        tasks = {r.values["fields"]["unit"]: r for r in self._open("task")}
        calls = [c for c in self._open("call") if c.values["fields"].get("place")]
        fixes = self.fixes()
        rows = [
            self._unit(r, tasks.get(r.subject), fixes.get(r.subject), {c.subject for c in calls})
            for r in records
        ]
        places = self._places([c.values["fields"]["place"] for c in calls])
        columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
        return Board(
            now=now,
            slot=self.slot(now),
            units=BoardUnits.make(**columns) if rows else BoardUnits.empty(),
            calls=OpenCalls.make(
                id=[c.subject for c in calls],
                priority=[int(c.values["fields"]["priority"]) for c in calls],
                category=[str(c.values["fields"]["category"]) for c in calls],
                received=[c.opened_us / 1e6 for c in calls],
                area=[c.area for c in calls],
                edge=[p[0] for p in places],
                offset_m=[p[1] for p in places],
            )
            if calls
            else OpenCalls.empty(),
            posts=self.posts,
        )

    def slot(self, now: float) -> int:
        """Local hour of the week."""
        return int(hour_of_week(np.array([now]), self.city.tz)[0])

    def _open(self, procedure: str) -> list[Record]:
        states = [n for n, s in self.desk.procedures[procedure].states.items() if s.open]
        return self.desk.store.records(procedure=procedure, states=states)

    def _unit(self, r: Record, task: Record | None, fix: Fix | None, calls: set[str]) -> dict[str, Any]:
        data = r.values
        fields, times = data["fields"], data["times"]
        post, at, status, sent_to, since = "", "", "off", "", r.updated_us
        home = str(fields["home"]) if fields["home"] in self._post_at else ""
        if r.state == "available":
            status, post, at = "idle", home, home
        elif r.state == "paused":
            status, at = "paused", home
        elif r.state == "busy" and task is not None:
            asked = task.values["fields"]
            kind, state = asked["kind"], task.state
            since = task.updated_us
            if kind == "call":
                sent_to = str(asked["call"]) if asked["call"] in calls else ""
                status = ("en_route" if state in (*WAITING, "en_route") else "busy") if sent_to else "busy"
            elif kind in ("standby", "relocate", "patrol"):
                post = str(asked.get("post", "")) if asked.get("post") in self._post_at else ""
                status = "idle" if state == "on_scene" else "moving"
                at = post if state == "on_scene" else ""
            else:
                status = "idle"
        edge, offset = self._where(task if r.state == "busy" else None, fix, at or home)
        if fix is not None and at and (edge, offset) != self._post_at[at]:
            at = ""
        return {
            "id": r.subject,
            "kind": str(fields["kind"]),
            "status": status if edge >= 0 or status == "off" else "off",
            "edge": edge,
            "offset_m": offset,
            "at": at,
            "home": home,
            "post": post,
            "task": sent_to if status in ("en_route", "busy") else "",
            "skills": str(fields.get("skills", "")),
            "area": r.area,
            "turnout_s": float(fields.get("turnout_s", 0.0)),
            "shift_end": float(fields.get("until") or float("inf")),
            "since": since / 1e6,
            "on_duty_s": max(self.desk.clock() - times["on_duty"] / 1e6, 0.0) if "on_duty" in times else 0.0,
        }

    def _where(self, task: Record | None, fix: Fix | None, post: str) -> tuple[int, float]:
        if fix is not None:
            return self._places([(fix.lon, fix.lat)])[0]
        place = task.values["fields"].get("place") if task is not None and task.state == "on_scene" else None
        if place:
            return self._places([place])[0]
        return self._post_at.get(post, (-1, 0.0))

    def _places(self, places: Sequence[Sequence[float]]) -> list[tuple[int, float]]:
        keys = [(float(p[0]), float(p[1])) for p in places]
        new = [k for k in dict.fromkeys(keys) if k not in self._snapped]
        if new:
            found, _ = self.city.snap([k[0] for k in new], [k[1] for k in new])
            if len(self._snapped) > 100_000:
                self._snapped.clear()
            self._snapped.update(
                zip(new, zip(found.edge.tolist(), found.offset_m.tolist(), strict=True), strict=True)
            )
        return [self._snapped.get(k) or self._places([k])[0] for k in keys]

    def travel(self, slot: int) -> Mapping[str, Any]:
        """Travel times of an hour of the week by mode, ready."""
        if slot not in self._travel:
            made = {mode: self.city.travel(slot, mode).prepare() for mode in ("lights", "ordinary")}
            self._travel = {slot: made}
        return self._travel[slot]

    # Advice

    def recommend(self, call: str) -> Recommendation:
        """Whom to send to an open call: ranked, with times, reasons and the runner-up."""
        board = self.board()
        return self.policy.recommend(board, call, self.travel(board.slot))

    def move_up(self) -> MoveUp:
        """Where free units should stand by."""
        board = self.board()
        return self.policy.move_up(board, self.travel(board.slot))

    def assign(
        self, who: Person, call: str, unit: str = "", *, reason: str = "", command: str = ""
    ) -> dict[str, Any]:
        """Send a unit to a call: the recommended one, or another with a reason.

        A unit that is taken from a lesser call is recalled from it first; that call stands in the queue again.

        Parameters
        ----------
        who : Person
        call, unit : str
        reason : str
        command : str
            Id given by the client; sending it twice does it once.

        Raises
        ------
        AnlanError
            If nobody can come, or another unit than the recommended one is sent without saying why.
        """
        advice = self.recommend(call)
        first = advice.first
        if not unit and not advice.choices:
            raise AnlanError(
                f"call {call}", "it has all its units", "name another unit to send one more", code="has_units"
            )
        if not unit:
            if first is None:
                raise AnlanError(
                    f"call {call}",
                    "no unit can come now",
                    "wait for one, or name a unit yourself",
                    code="nobody",
                )
            unit = first.unit
        fields: dict[str, Any] = {"kind": "call", "unit": unit, "call": call}
        if first is not None:
            fields |= {"recommended": first.unit}
            if unit == first.unit:
                fields["travel_s"] = round(first.eta_s, 1)
            elif not reason.strip():
                raise AnlanError(
                    f"unit {unit} instead of {first.unit}",
                    "another unit than the recommended one is sent for a reason",
                    "say why",
                    code="override",
                )
        if reason:
            fields["reason"] = reason
        record = self.desk.store.record(call)
        fields["place"] = record.values["fields"].get("place") if record is not None else None
        self._take_off(who, unit, call)
        return self.desk.act(
            who, Act("task", "assign", "", fields, record.stream if record else "", id=command)
        )

    def _take_off(self, who: Person, unit: str, call: str) -> None:
        for task in self._open("task"):
            fields = task.values["fields"]
            if fields["unit"] == unit and fields.get("call") != call:
                why = {"reason": f"needed for {call}"}
                self.desk.act(who, Act("task", "recall", task.subject, why, version=task.version))
