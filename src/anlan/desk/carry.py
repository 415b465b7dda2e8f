"""Carrying one command out: may it be done, what is logged, what follows from it, who is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anlan.core.errors import AnlanError
from anlan.desk.act import Act, Notice
from anlan.desk.check import sort_fields
from anlan.desk.people import ANYBODY, THE_SYSTEM, Person, Tree, refuse, roles_in
from anlan.model.procedure import START, Procedure, Then, Transition
from anlan.model.procedures.account import STAFF
from anlan.store import Draft, Entry, Record, Work

DEEPEST = 8
"""Most consequences in a row; more is a table that chases its own tail."""


class Carry:
    """One command within a unit of work.

    Parameters
    ----------
    procedures : mapping of str to Procedure
    tree : Tree
    work : Work
    at : float
        When it happened.
    """

    def __init__(self, procedures: Mapping[str, Procedure], tree: Tree, work: Work, at: float) -> None:
        self.procedures, self.tree, self.work, self.at = procedures, tree, work, at
        self.entries: list[Entry] = []
        self.notices: list[Notice] = []

    def step(self, who: Person, act: Act, subject: str, depth: int = 0) -> None:
        """Log a transition and its consequences.

        Raises
        ------
        AnlanError
            If it may not be; nothing of the command is then logged.
        """
        transition = find(self.procedures, act.procedure, act.transition)
        what = f"{act.procedure} {act.transition}"
        before = self.work.record(subject)
        if before is None and START not in transition.paths:
            raise unknown(subject)
        if before is not None and before.procedure != act.procedure:
            rule = f"it is a {before.procedure}, no {act.procedure}"
            raise AnlanError(subject, rule, "check the number", code="procedure")
        area = before.stream if before is not None else act.area
        role = self._role(who, what, transition, area)
        self._applies(what, transition, before, subject, who, act)
        plain, personal = sort_fields(what, transition, act.fields)
        data = before.values if before else {}
        known = {**data.get("fields", {}), **plain}
        told = self._whom(transition, data, known, area)
        self.notices += [Notice(t, subject, act.procedure, act.transition, area, self.at) for t in told]
        hidden: dict[str, Any] = {"_told": told} if told else {}
        if personal:
            hidden["_has"] = ["personal"]
        lon, lat = known.get("place") or (None, None)
        self.entries.append(
            self.work.append(
                Draft(
                    stream=area,
                    subject=subject,
                    procedure=act.procedure,
                    transition=act.transition,
                    at=self.at,
                    actor=who.name,
                    role=role,
                    purpose=act.purpose,
                    device=act.device,
                    unit=str(known.get("unit") or ""),
                    area=area,
                    lon=lon,
                    lat=lat,
                    payload={**plain, **hidden},
                    personal=personal,
                )
            )
        )
        for then in transition.then:
            self._follow(who, then, transition.roles, {**known, "subject": subject}, what, depth)

    def _follow(
        self, who: Person, then: Then, roles: Sequence[str], fields: Mapping[str, Any], what: str, depth: int
    ) -> None:
        if depth >= DEEPEST:
            rule = f"it has more than {DEEPEST} consequences in a row"
            raise AnlanError(what, rule, "mend the table", code="procedure")
        other = fields.get(then.via)
        if not other and then.optional:
            return
        record = self.work.record(str(other)) if other else None
        if record is None:
            raise unknown(f"{what}: {then.via} = {other!r}")
        held = roles_in(who, record.stream, self.tree, self.work.now) - {STAFF}
        if who is not THE_SYSTEM and not held:
            raise refuse(who, f"{then.transition} of {record.subject}", roles, record.stream)
        if record.state not in find(self.procedures, record.procedure, then.transition).paths:
            if then.optional:
                return
            raise AnlanError(
                f"{what}: {record.subject} is {record.state}",
                f"{then.transition} does not apply to it",
                "look at its present state",
                code="state",
            )
        given = {name: fields.get(source) for name, source in then.give.items()}
        self.step(
            THE_SYSTEM,
            Act(record.procedure, then.transition, record.subject, given),
            record.subject,
            depth + 1,
        )

    def _role(self, who: Person, what: str, transition: Transition, area: str) -> str:
        if area not in self.tree:
            raise AnlanError(
                f"area {area!r}", "it is not in the jurisdiction tree", "give its code", code="area"
            )
        held = roles_in(who, area, self.tree, self.work.now)
        role = next((r for r in transition.roles if r in held), None)
        if role is not None:
            return role
        if transition.public and who == ANYBODY:
            return "public"
        raise refuse(who, what, transition.roles, area)

    def _applies(
        self, what: str, transition: Transition, before: Record | None, subject: str, who: Person, act: Act
    ) -> None:
        state = before.state if before else START
        data = before.values if before else {}
        if act.version is not None and before is not None and act.version != before.version:
            raise AnlanError(
                f"{subject} is at version {before.version}, you saw {act.version}",
                "it was changed meanwhile",
                "look again and decide again",
                code="changed",
            )
        if state not in transition.paths:
            apply = ", ".join(self.procedures[act.procedure].may_follow(state)) or "nothing"
            raise AnlanError(
                f"{what}: {subject} is {state or 'not yet open'}",
                "it does not apply in this state",
                f"what applies: {apply}",
                code="state",
            )
        if transition.needs_idle and data.get("active"):
            raise AnlanError(
                f"{what}: {', '.join(data['active'])} still at work on {subject}",
                "it waits until none is",
                "finish or recall them first",
                code="active",
            )
        for other in transition.differs_from:
            if data.get("actors", {}).get(other) == who.name and who is not THE_SYSTEM:
                raise AnlanError(
                    f"{what}: {who.name} also did {other!r}",
                    "nobody verifies their own work",
                    "leave it to somebody else",
                    code="own_work",
                )

    def _whom(
        self, transition: Transition, data: Mapping[str, Any], fields: Mapping[str, Any], area: str
    ) -> list[str]:
        told: list[str] = []
        for whom in transition.tells:
            if whom == "told":
                told += data.get("told", [])
            elif whom == "up":
                told.append(f"commander@{self.tree.above(area) or area}")
            elif whom.startswith("actor:"):
                actor = data.get("actors", {}).get(whom.removeprefix("actor:"))
                told += [f"actor:{actor}"] if actor else []
            elif whom in ("unit", "owner", "member"):
                told += [f"{whom}:{fields[whom]}"] if fields.get(whom) else []
            else:
                told.append(f"{whom}@{area}")
        return list(dict.fromkeys(told))


def find(procedures: Mapping[str, Procedure], procedure: str, transition: str) -> Transition:
    """A transition by its names.

    Raises
    ------
    AnlanError
        If there is none.
    """
    table = procedures.get(procedure)
    if table is None:
        remedy = f"use one of {', '.join(procedures)}"
        raise AnlanError(f"procedure {procedure!r}", "there is none", remedy, code="procedure")
    step = table.transitions.get(transition)
    if step is None:
        remedy = f"use one of {', '.join(table.transitions)}"
        raise AnlanError(
            f"{procedure} {transition!r}", "there is no such transition", remedy, code="transition"
        )
    return step


def unknown(subject: str) -> AnlanError:
    """The sentence for a subject that is not there, or not for this person."""
    return AnlanError(subject, "nothing is recorded under it", "check the number", code="unknown_subject")
