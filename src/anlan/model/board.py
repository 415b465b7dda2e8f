"""The board: an immutable snapshot of who is where and what is open, from which dispatch and standby decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Columns, Floats, Ints, Strings
from anlan.core.errors import AnlanError
from anlan.core.time import SLOTS

STATUSES = ("off", "idle", "moving", "en_route", "busy", "paused", "homebound")
"""Off duty or out of service; standing free; driving free (home, to a post, on a round); sent to a call and not
there yet; at the scene, carrying or handing over; at a meal or at work of its own; driving home to go off duty.
In the order of the numbers in `anlan.kernels.policies.eligible`."""

UNLIMITED = 1 << 30
"""Capacity of a post that takes any number of units."""


@dataclass(frozen=True, eq=False)
class Where(Columns):
    """Places on a network: a junction, or a position along a street, and the way between it and the street.

    Attributes
    ----------
    node : ndarray of int32
        Junction; -1 where the place is given along a street, or nowhere.
    edge : ndarray of int32
        Street edge (see `anlan.model.position.Positions`); -1 where the place is a junction, or nowhere.
    offset_m : ndarray of float64
        Metres along the edge.
    off_road_s : ndarray of float64
        Seconds between the street and the place.
    """

    node: NDArray[np.int32]
    edge: NDArray[np.int32]
    offset_m: Floats
    off_road_s: Floats

    DTYPES: ClassVar[Mapping[str, Any]] = {
        "node": np.int32,
        "edge": np.int32,
        "offset_m": np.float64,
        "off_road_s": np.float64,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"node": -1, "edge": -1, "offset_m": 0.0, "off_road_s": 0.0}

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Which of them are anywhere."""
        return (self.node >= 0) | (self.edge >= 0)

    @property
    def where(self) -> Where:
        """Only the places."""
        return Where(self.node, self.edge, self.offset_m, self.off_road_s)


@dataclass(frozen=True, eq=False)
class BoardUnits(Where):
    """Units as they are now; the place is where a unit is free to go on from.

    Attributes
    ----------
    id, kind : ndarray of str
        Run cards ask for kinds and skills alike.
    status : ndarray of str
        One of `STATUSES`.
    ahead_s : ndarray of float64
        Seconds until the unit is at its place: to the next junction for one that drives; the rest of the
        turnout for one that was sent and has not left.
    at : ndarray of str
        Post where the unit stands; empty elsewhere (then the crew sits in its car).
    home, post : ndarray of str
        Post that it belongs to; post that it holds or, free, drives to (empty: none).
    task : ndarray of str
        Call that it was sent to; empty where none.
    skills : ndarray of str
        Comma-separated.
    area : ndarray of str
        Code of the area that its home lies in.
    mode : ndarray of str
        Travel mode that this unit always uses (``walk``); empty: the policy's.
    turnout_s : ndarray of float64
        Seconds from dispatch to leaving its home.
    shift_end : ndarray of float64
        Unix seconds; inf where it does not end.
    since : ndarray of float64
        When it came to stand where it stands.
    on_duty_s : ndarray of float64
        Time on duty so far.
    moved_at : ndarray of float64
        When it was last moved to another post; -inf never.
    moves : ndarray of int64
        How often it was, this duty.
    pause_for : ndarray of int64
        While paused, the least urgent priority that interrupts; 0: none does.
    """

    id: Strings
    kind: Strings
    status: Strings
    ahead_s: Floats
    at: Strings
    home: Strings
    post: Strings
    task: Strings
    skills: Strings
    area: Strings
    mode: Strings
    turnout_s: Floats
    shift_end: Floats
    since: Floats
    on_duty_s: Floats
    moved_at: Floats
    moves: Ints
    pause_for: Ints

    DTYPES: ClassVar[Mapping[str, Any]] = {
        **Where.DTYPES,
        "id": object,
        "kind": object,
        "status": object,
        "ahead_s": np.float64,
        "at": object,
        "home": object,
        "post": object,
        "task": object,
        "skills": object,
        "area": object,
        "mode": object,
        "turnout_s": np.float64,
        "shift_end": np.float64,
        "since": np.float64,
        "on_duty_s": np.float64,
        "moved_at": np.float64,
        "moves": np.int64,
        "pause_for": np.int64,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        **Where.DEFAULTS,
        "kind": "patrol",
        "status": "idle",
        "ahead_s": 0.0,
        "at": "",
        "home": "",
        "post": "",
        "task": "",
        "skills": "",
        "area": "",
        "mode": "",
        "turnout_s": 0.0,
        "shift_end": np.inf,
        "since": -np.inf,
        "on_duty_s": 0.0,
        "moved_at": -np.inf,
        "moves": 0,
        "pause_for": 0,
    }


@dataclass(frozen=True, slots=True)
class OpenCall:
    """One open call; see `OpenCalls`."""

    id: str
    priority: int
    category: str = ""
    received: float = 0.0
    area: str = ""
    skills: str = ""
    done_by: str = ""
    node: int = -1
    edge: int = -1
    offset_m: float = 0.0
    off_road_s: float = 0.0

    def __post_init__(self) -> None:
        _priorities([self.priority], [self.id])

    @property
    def where(self) -> Where:
        """Its place, one row."""
        return Where.make(
            node=[self.node], edge=[self.edge], offset_m=[self.offset_m], off_road_s=[self.off_road_s]
        )


@dataclass(frozen=True, eq=False)
class OpenCalls(Where):
    """Calls that are not finished.

    Attributes
    ----------
    id, category, area : ndarray of str
    priority : ndarray of int64
        1 is the most urgent.
    received : ndarray of float64
        Unix seconds.
    skills : ndarray of str
        Comma-separated skills that each of its units must have.
    done_by : ndarray of str
        Comma-separated units that have done their part and left, while it waits for others.
    """

    id: Strings
    priority: Ints
    category: Strings
    received: Floats
    area: Strings
    skills: Strings
    done_by: Strings

    DTYPES: ClassVar[Mapping[str, Any]] = {
        **Where.DTYPES,
        "id": object,
        "priority": np.int64,
        "category": object,
        "received": np.float64,
        "area": object,
        "skills": object,
        "done_by": object,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        **Where.DEFAULTS,
        "priority": 2,
        "category": "",
        "received": 0.0,
        "area": "",
        "skills": "",
        "done_by": "",
    }

    def row(self, index: int) -> OpenCall:
        """One call."""
        return OpenCall(
            **{name: array[index : index + 1].tolist()[0] for name, array in self.columns().items()}
        )


@dataclass(frozen=True, eq=False)
class BoardPosts(Where):
    """Stations and standby posts.

    Attributes
    ----------
    id : ndarray of str
    capacity : ndarray of int64
        How many free units it takes.
    visited : ndarray of float64
        When a patrol last came; -inf never.
    """

    id: Strings
    capacity: Ints
    visited: Floats

    DTYPES: ClassVar[Mapping[str, Any]] = {
        **Where.DTYPES,
        "id": object,
        "capacity": np.int64,
        "visited": np.float64,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {**Where.DEFAULTS, "capacity": UNLIMITED, "visited": -np.inf}


@dataclass(frozen=True, eq=False)
class Board:
    """Everything a decision may look at.

    Attributes
    ----------
    now : float
        Unix seconds.
    slot : int
        Local hour of the week, 0–167.
    units : BoardUnits
    calls : OpenCalls
    posts : BoardPosts

    Raises
    ------
    AnlanError
        If an id occurs twice, a status is none, a post or call that a unit names does not exist, or a number
        is impossible.
    """

    now: float
    slot: int
    units: BoardUnits
    calls: OpenCalls = field(default_factory=OpenCalls.empty)
    posts: BoardPosts = field(default_factory=BoardPosts.empty)

    def __post_init__(self) -> None:
        if not np.isfinite(self.now):
            raise AnlanError(
                f"now = {self.now}", "a board is of an instant", "give Unix seconds", code="board_now"
            )
        if not 0 <= self.slot < SLOTS:
            raise AnlanError(
                f"slot = {self.slot}",
                "hours of the week are 0 to 167",
                "give the local one",
                code="board_slot",
            )
        for what, table in (("unit", self.units), ("call", self.calls), ("post", self.posts)):
            _unique(what, table.id)
            _places(what, table)
        _priorities(self.calls.priority, self.calls.id)
        u = self.units
        _check_each(
            u.id, ~np.isin(u.status, STATUSES), u.status, "unit", f"a status is one of {', '.join(STATUSES)}"
        )
        for name in ("home", "post", "at"):
            _check_each(
                u.id,
                self.post_rows(getattr(u, name)) == -1,
                getattr(u, name),
                "unit",
                f"its {name} is a post",
            )
        _check_each(u.id, self.call_rows(u.task) == -1, u.task, "unit", "its task is an open call")
        sent = np.isin(u.status, ("en_route", "busy"))
        _check_each(
            u.id,
            (u.status == "en_route") & (u.task == ""),
            u.status,
            "unit",
            "a unit is on its way to an open call",
        )
        _check_each(u.id, ~sent & (u.task != ""), u.status, "unit", "only a unit that was sent has a task")
        for name in ("ahead_s", "turnout_s", "off_road_s", "on_duty_s"):
            value = getattr(u, name)
            _check_each(u.id, ~((value >= 0) & (value < np.inf)), value, "unit", f"{name} is zero or more")

    @cached_property
    def unit_row(self) -> Mapping[str, int]:
        """Row of each unit."""
        return {name: row for row, name in enumerate(self.units.id.tolist())}

    @cached_property
    def call_row(self) -> Mapping[str, int]:
        """Row of each open call."""
        return {name: row for row, name in enumerate(self.calls.id.tolist())}

    @cached_property
    def post_row(self) -> Mapping[str, int]:
        """Row of each post."""
        return {name: row for row, name in enumerate(self.posts.id.tolist())}

    def post_rows(self, names: Strings) -> Ints:
        """Row of each named post; -2 for the empty name, -1 for one that does not exist."""
        return _rows(names, self.post_row)

    def call_rows(self, names: Strings) -> Ints:
        """Row of each named call; -2 for the empty name, -1 for one that does not exist."""
        return _rows(names, self.call_row)

    def assigned(self, call: str) -> tuple[str, ...]:
        """Units that were sent to a call."""
        return tuple(self.units.id[self.units.task == call].tolist())

    def call(self, name: str) -> OpenCall:
        """One open call.

        Raises
        ------
        AnlanError
            If it is not on the board.
        """
        row = self.call_row.get(name)
        if row is None:
            raise AnlanError(
                f"call {name!r}",
                "it is not open on this board",
                "name an open call, or hand over an OpenCall",
                code="call_unknown",
            )
        return self.calls.row(row)

    def sent(self, unit: str, call: str) -> Board:
        """The board once a unit has been sent to an open call, its whole turnout ahead of it if it stands at a post.

        Raises
        ------
        AnlanError
            If the unit or the call is not on the board.
        """
        row, u = self.unit(unit), self.units
        self.call(call)
        columns = {name: getattr(u, name).copy() for name in ("status", "task", "post", "at", "ahead_s")}
        if u.at[row]:
            columns["ahead_s"][row] = u.turnout_s[row]
        for name, value in (("status", "en_route"), ("task", call), ("post", ""), ("at", "")):
            columns[name][row] = value
        return replace(self, units=u.replaced(**columns))

    def unit(self, name: str) -> int:
        """Row of a unit.

        Raises
        ------
        AnlanError
            If it is not on the board.
        """
        row = self.unit_row.get(name)
        if row is None:
            raise AnlanError(
                f"unit {name!r}", "it is not on this board", "name one of its units", code="unit_unknown"
            )
        return row


def _rows(names: Strings, rows: Mapping[str, int]) -> Ints:
    return np.array([-2 if name == "" else rows.get(name, -1) for name in names.tolist()], np.int64)


def _unique(what: str, ids: Strings) -> None:
    names = ids.tolist()
    if len(set(names)) == len(names) and "" not in names:
        return
    seen: set[str] = {""}
    for name in names:
        if name in seen:
            raise AnlanError(
                f"{what} {name!r}",
                "each has an id of its own",
                "name it once" if name else "give it an id",
                code="board_id",
            )
        seen.add(name)


def _places(what: str, table: Any) -> None:
    both = (table.node >= 0) & (table.edge >= 0)
    _check_each(table.id, both, table.node, what, "a place is a junction or a position on a street, not both")
    off = table.off_road_s
    _check_each(table.id, ~((off >= 0) & (off < np.inf)), off, what, "off_road_s is zero or more")


def _priorities(priority: Any, ids: Any) -> None:
    values = np.asarray(priority)
    _check_each(ids, (values < 1) | (values > 100), values, "call", "priorities are 1 (most urgent) to 100")


def _check_each(ids: Any, bad: NDArray[np.bool_], value: Any, what: str, rule: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        shown = np.asarray(value)[row : row + 1].tolist()[0]
        raise AnlanError(f"{what} {ids[row]!r}: {shown!r}", rule, "correct it", code="board_value")
