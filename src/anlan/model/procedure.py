"""A procedure declared as data: states, transitions, who may, what must be given, what falls due.

The engine in `anlan.desk` reads the table; nothing about a particular procedure is written anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from anlan.core.errors import AnlanError
from anlan.core.text import Text
from anlan.model import charter

START = ""
"""Source of a transition that opens a subject."""
SYSTEM = "system"
"""Role of the engine itself: deadlines and consequences."""

Kind = Literal["text", "number", "whole", "flag", "choice", "choices", "moment", "place", "subject", "photo"]


@dataclass(frozen=True)
class Field:
    """Something a transition asks for.

    Attributes
    ----------
    label : Text
    kind : str
        ``choice`` and ``choices``: codes of ``choices``. ``moment``: Unix seconds. ``place``: [lon, lat].
        ``subject``: id of another subject. ``photo``: digest of a stored picture.
    required, personal : bool
        Personal fields are sealed; they never appear in records or lists.
    choices : mapping of str to Text
    least, most : float or None
        Bounds of a number; length of a text.
    """

    label: Text
    kind: Kind = "text"
    required: bool = False
    personal: bool = False
    choices: Mapping[str, Text] = field(default_factory=dict)
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class State:
    """A state; closed ones end the subject's open life, which only an explicit reopening begins again."""

    label: Text
    open: bool = True


@dataclass(frozen=True)
class Then:
    """A consequence for another subject, in the same command.

    Attributes
    ----------
    via : str
        Field (of this transition or of the record) that names the other subject.
    transition : str
        What happens to it.
    give : mapping of str to str
        Its fields: from names of this transition's or record's fields; ``"subject"`` is this subject's id.
    optional : bool
        Whether nothing happens where the field is empty or the transition does not apply.
    """

    via: str
    transition: str
    give: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False


@dataclass(frozen=True)
class Transition:
    """A step.

    Attributes
    ----------
    label : Text
    paths : mapping of str to str
        State it may be taken in → state it leads to; `START` opens a new subject.
    roles : tuple of str
        Who may; `SYSTEM` for deadlines and consequences.
    fields : mapping of str to Field
    differs_from : tuple of str
        Earlier transitions whose actors may not take this one.
    adds, drops : str
        Field naming a subject that joins or leaves the set of active ones.
    needs_idle : bool
        Only while that set is empty.
    idle_paths : mapping of str to str
        Used instead of ``paths`` where the set is empty afterwards.
    then : tuple of Then
    tells : tuple of str
        Whom to notify: roles (in the subject's jurisdiction), ``up`` (the level above), ``told`` (everybody
        who was told before), ``actor:NAME`` (who took that transition).
    public : bool
        May be taken by anybody, without an account.
    """

    label: Text
    paths: Mapping[str, str]
    roles: tuple[str, ...]
    fields: Mapping[str, Field] = field(default_factory=dict)
    differs_from: tuple[str, ...] = ()
    adds: str = ""
    drops: str = ""
    needs_idle: bool = False
    idle_paths: Mapping[str, str] = field(default_factory=dict)
    then: tuple[Then, ...] = ()
    tells: tuple[str, ...] = ()
    public: bool = False


@dataclass(frozen=True)
class Deadline:
    """Something that falls due.

    Attributes
    ----------
    states : tuple of str
        Runs while the subject is in one of these; leaving them stops it.
    after_s : float
        Seconds from entering the first of them.
    fires : str
        Transition taken by the system when due.
    by : str
        Field whose value chooses from ``per``; ``after_s`` where it is missing there.
    per : mapping of str to float
    renewed_by : tuple of str
        Transitions that start it anew.
    """

    states: tuple[str, ...]
    after_s: float
    fires: str
    by: str = ""
    per: Mapping[str, float] = field(default_factory=dict)
    renewed_by: tuple[str, ...] = ()

    def seconds(self, fields: Mapping[str, object]) -> float:
        """How long, for a subject with these fields."""
        return self.per.get(str(fields.get(self.by, "")), self.after_s)


@dataclass(frozen=True)
class Procedure:
    """A table of the whole; checked when it is made.

    Attributes
    ----------
    name : str
    label : Text
    states : mapping of str to State
    transitions : mapping of str to Transition
    deadlines : mapping of str to Deadline
    keep_days : float
        After closing, days until personal fields are erased; 0 erases them at once.

    Raises
    ------
    AnlanError
        If the table contradicts itself or a name breaks the charter.
    """

    name: str
    label: Text
    states: Mapping[str, State]
    transitions: Mapping[str, Transition]
    deadlines: Mapping[str, Deadline] = field(default_factory=dict)
    keep_days: float = 180.0

    def __post_init__(self) -> None:
        for name, step in self.transitions.items():
            charter.refuse(step.fields, f"{self.name}.{name}")
            for source, target in [*step.paths.items(), *step.idle_paths.items()]:
                if (source != START and source not in self.states) or target not in self.states:
                    raise self._contradiction(
                        f"{name}: {source or 'start'} → {target}", "it names an unknown state"
                    )
            if not step.roles and not step.public:
                raise self._contradiction(name, "nobody may take it")
            for other in step.differs_from:
                if other not in self.transitions:
                    raise self._contradiction(f"{name} differs from {other}", "there is no such transition")
            for wanted in (step.adds, step.drops):
                if wanted and wanted not in step.fields:
                    raise self._contradiction(f"{name}: {wanted}", "it is not one of its fields")
            for label, asked in step.fields.items():
                if (asked.kind in ("choice", "choices")) != bool(asked.choices):
                    raise self._contradiction(f"{name}.{label}", "choices belong to fields of kind choice")
        if not any(START in step.paths for step in self.transitions.values()):
            raise self._contradiction(self.name, "no transition opens it")
        for name, deadline in self.deadlines.items():
            step = self.transitions.get(deadline.fires)  # type: ignore[assignment]
            if step is None or SYSTEM not in step.roles:
                raise self._contradiction(f"deadline {name}", f"the system may not take {deadline.fires!r}")
            for state in deadline.states:
                if state not in self.states or state not in step.paths:
                    raise self._contradiction(
                        f"deadline {name}", f"{deadline.fires!r} does not apply in {state!r}"
                    )
        reached = self._reached()
        for state in self.states:
            if state not in reached:
                raise self._contradiction(f"state {state}", "no transition leads to it")

    def _reached(self) -> set[str]:
        reached = {START}
        while True:
            more = {
                target
                for step in self.transitions.values()
                for source, target in [*step.paths.items(), *step.idle_paths.items()]
                if source in reached
            } - reached
            if not more:
                return reached
            reached |= more

    def _contradiction(self, value: str, rule: str) -> AnlanError:
        return AnlanError(f"procedure {self.name}, {value}", rule, "correct the table", code="procedure")

    def may_follow(self, state: str) -> list[str]:
        """Transitions that apply in a state."""
        return [name for name, step in self.transitions.items() if state in step.paths]
