"""Whom to send: a ranked list for a call on a board, with reasons, by the kernels that decide in the simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.text import Text
from anlan.kernels.policies import coverage
from anlan.kernels.policies.eligible import above_reserve, has_time, may_divert
from anlan.kernels.policies.select import select
from anlan.model.board import Board, OpenCall
from anlan.policy import jurisdiction, preference, redispatch, reserve
from anlan.policy.parts import Parts
from anlan.policy.prepared import Cover, cover, hubs, mode_out
from anlan.policy.reasons import Reason, plain
from anlan.policy.times import Times, checked, modes_of

FREE = ("idle", "moving")


@dataclass(frozen=True, slots=True)
class Option:
    """A unit that can be sent.

    Attributes
    ----------
    unit : str
    rank : int
        1 is the one to send, 2 the runner-up: whom the rule would send if the first could not go.
    wait_s : float
        Seconds until it drives towards the call: turnout, or the way to the next junction.
    travel_s : float
        Seconds from there to the call.
    eta_s : float
        Both together.
    status : str
        What it does now, see `anlan.model.board.STATUSES`.
    taken_from : str
        Call that it would be taken from; empty where none.
    reason : Reason
    """

    unit: str
    rank: int
    wait_s: float
    travel_s: float
    eta_s: float
    status: str
    taken_from: str
    reason: Reason

    @property
    def runner_up(self) -> bool:
        """Whether it is the second choice."""
        return self.rank == 2


@dataclass(frozen=True, slots=True)
class Refusal:
    """A unit that is not to be sent, and why."""

    unit: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Choice:
    """Units for one place on a call's run card.

    Attributes
    ----------
    wanted : tuple of str
        Kinds and skills that the unit must have; empty: any.
    options : tuple of Option
        Best first; empty where nobody can come.
    refused : tuple of Refusal
        Every other unit, in the board's order.
    """

    wanted: tuple[str, ...]
    options: tuple[Option, ...]
    refused: tuple[Refusal, ...]

    @property
    def first(self) -> Option | None:
        """Whom to send."""
        return self.options[0] if self.options else None

    @property
    def runner_up(self) -> Option | None:
        """Whom to send if the first cannot go."""
        return self.options[1] if len(self.options) > 1 else None

    def of(self, unit: str) -> Option | Refusal:
        """What is to be said of one unit, for a dispatcher who thinks of another than the first.

        Raises
        ------
        AnlanError
            If it is not on the board.
        """
        both: tuple[Option | Refusal, ...] = (*self.options, *self.refused)
        for one in both:
            if one.unit == unit:
                return one
        raise AnlanError(
            f"unit {unit!r}", "it is not on this board", "name one of its units", code="unit_unknown"
        )


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Who is to be sent to a call.

    Attributes
    ----------
    call : str
    choices : tuple of Choice
        One for each unit that the call still lacks, in its run card's order; none where it has all.
    """

    call: str
    choices: tuple[Choice, ...]

    @property
    def units(self) -> tuple[str, ...]:
        """Everybody to send now."""
        return tuple(c.first.unit for c in self.choices if c.first is not None)

    @property
    def first(self) -> Option | None:
        """The first unit to send; None where nobody can come or nobody is lacking."""
        return next((c.first for c in self.choices if c.first is not None), None)

    def as_dict(self) -> dict[str, Any]:
        """The recommendation as plain data, for ``--json`` and the web."""
        out: dict[str, Any] = plain(self)
        return {**out, "units": list(self.units)}

    @property
    def text(self) -> Text:
        """The recommendation in a sentence."""
        if not self.choices:
            return Text(f"警情 {self.call} 已派足警力。", f"Call {self.call} has all its units.")
        said = [_say(c) for c in self.choices]
        return Text("".join(s.zh for s in said), " ".join(s.en for s in said))


def recommend(
    policy: Parts,
    board: Board,
    call: str | OpenCall,
    travel: Any,
    *,
    wanted: Sequence[str] | None = None,
    divert: bool = True,
) -> Recommendation:
    """Rank the units for a call.

    Eligibility, times and the choice are those of the simulation's loop, decided by the same kernels; a test
    plays runs and compares decision by decision. The ranking behind the first is by leaving out whoever is
    ranked already and asking the rule again.

    Parameters
    ----------
    policy : Parts
        A `Policy`.
    board : Board
    call : str or OpenCall
        An open call of the board, or a new one.
    travel : Travel, mapping of str to Travel, or any object with ``matrix``
        Travel times, one object or one per mode (``lights``, ``ordinary``).
    wanted : sequence of str, optional
        Kinds and skills of one more unit to ask for, whatever the run card says; by default every unit that
        the card asks for and the call has not been given.
    divert : bool
        Whether units on their way to other calls are considered, where the policy allows it. A call that has
        waited in line is not given such units in the simulation: they were sent after it had been offered.

    Raises
    ------
    AnlanError
        If the call is not on the board, or the policy needs something that it was not built with.
    """
    one = board.call(call) if isinstance(call, str) else call
    places = lacking(policy, board, one) if wanted is None else [tuple(wanted)]
    if not places:
        return Recommendation(one.id, ())
    state = _State(policy, board, one, modes_of(travel), divert)
    choices = []
    for words in places:
        choice = state.choose(words)
        choices.append(choice)
        if choice.first is not None:
            state.send(choice.first.unit)
    return Recommendation(one.id, tuple(choices))


class _State:
    """What the choices for one call share: times, and who was chosen before."""

    def __init__(
        self, policy: Parts, board: Board, call: OpenCall, modes: Mapping[str, Any], divert: bool
    ) -> None:
        self.policy, self.board, self.call, self.modes, self.divert = policy, board, call, modes, divert
        u = board.units
        self.ids, self.status = u.id.tolist(), u.status.tolist()
        self.task = [board.call_row.get(t, -1) for t in u.task.tolist()]
        self.calls = board.calls.id.tolist()
        both = list(zip(u.kind.tolist(), u.skills.tolist(), strict=True))
        words = {one: _words(*one) for one in set(both)}
        self.words = [words[one] for one in both]
        self.hub = hubs(policy, board)
        self.stands = board.post_rows(u.at)
        self.holds = board.post_rows(u.post)
        priorities = board.calls.priority.tolist()
        top = max([1, call.priority, *priorities])
        self.priorities = priorities
        self.reserve = reserve.table(policy.dispatch.reserve, top)
        self.redispatch = redispatch.table(policy.dispatch.redispatch, top)
        self.free = sum(s in FREE for s in self.status)
        self.travel_s = self._travel()

    def _travel(self) -> Floats:
        """Seconds from each unit that might be sent to the call; inf where there is no way."""
        u, where = self.board.units, self.call.where
        out = np.full(len(u), np.inf)
        if not where.placed[0]:
            return out
        might = u.placed & np.isin(u.status, ("idle", "moving", "en_route", "paused"))
        usual = mode_out(self.policy, self.modes, self.call.priority)
        own = u.mode[might]
        for name in sorted(set(own.tolist())):
            rows = np.flatnonzero(might)[own == name]
            mode = checked(self.modes, name or usual)
            out[rows] = Times(mode).to_one(u.where.take(rows), where)
        return out

    def choose(self, wanted: Sequence[str]) -> Choice:
        n = len(self.ids)
        wait = self._wait()
        arrival = (wait + self.travel_s).tolist()
        eta = [np.inf] * n
        refused: dict[int, Reason] = {}
        free = bool(above_reserve(self.free, self.reserve, self.call.priority))
        u = self.board.units
        ends, placed, interrupts = u.shift_end.tolist(), u.placed.tolist(), u.pause_for.tolist()
        need = set(wanted) | _words("", self.call.skills)
        for i in range(n):
            why = self._unfit(i, need, free, ends[i], placed[i], interrupts[i])
            if why is None and arrival[i] == np.inf:
                why = Reason("unreachable")
            if why is None:
                eta[i] = arrival[i]
            else:
                refused[i] = why
        options = self._ranked(eta, wait.tolist())
        listed = {o.unit for o in options}
        for i in range(n):
            if i not in refused and self.ids[i] not in listed:
                refused[i] = Reason("not_in_order")
        return Choice(
            tuple(wanted), tuple(options), tuple(Refusal(self.ids[i], refused[i]) for i in sorted(refused))
        )

    def _wait(self) -> Floats:
        """Seconds until each unit drives: turnout where it stands at a post, else the way to the next junction."""
        u = self.board.units
        out = np.zeros(len(u))
        at = np.flatnonzero(self.stands >= 0)
        out[at] = u.turnout_s[at] * self.hub["indoors"][self.stands[at]]
        drives = (u.status == "moving") | (u.status == "en_route")
        out[drives] = u.ahead_s[drives]
        return out

    def send(self, unit: str) -> None:
        """A unit was chosen: the next choice for the same call does without it."""
        i = self.board.unit_row[unit]
        if self.status[i] in FREE:
            self.free -= 1
        self.status[i], self.task[i], self.holds[i] = "sent", -1, -1

    def _unfit(
        self, i: int, need: set[str], free: bool, shift_end: float, placed: bool, pause_for: int
    ) -> Reason | None:
        """Why a unit cannot be sent; None where it can, a way there provided."""
        status, priority, task = self.status[i], self.call.priority, self.task[i]
        if status == "sent" or (task >= 0 and self.calls[task] == self.call.id):
            return Reason("this_call")
        if status in ("off", "homebound"):
            return Reason("off_duty" if status == "off" else "homebound")
        if status == "busy":
            return Reason("busy", {"call": self.calls[task]}) if task >= 0 else Reason("busy_otherwise")
        if not placed:
            return Reason("no_position")
        if not need <= self.words[i]:
            return Reason("skills", {"missing": ", ".join(sorted(need - self.words[i]))})
        shifts = self.policy.duty.shifts
        if shifts.last_s > 0 and not has_time(
            self.board.now, shift_end, shifts.last_s, shifts.last_priority, priority
        ):
            return Reason("shift_ends", {"left_s": shift_end - self.board.now})
        if status == "paused" and priority > pause_for:
            return Reason("paused")
        if status == "en_route":
            other = self.priorities[task]
            if not self.divert or not may_divert(self.redispatch, other, priority):
                return Reason("more_urgent", {"call": self.calls[task], "priority": other})
        if status in FREE and not free:
            return Reason("reserve", {"free": self.free, "kept": int(self.reserve[priority])})
        return None

    def _ranked(self, eta: Sequence[float], wait: Sequence[float]) -> list[Option]:
        dispatch, n = self.policy.dispatch, len(eta)
        own, loss, order, limit = np.zeros(n, np.bool_), np.zeros(n), np.full(1, -1, np.int64), 0.0
        if dispatch.rule == "jurisdiction":
            own, limit = self._own(), dispatch.tolerance_s
        elif dispatch.rule == "coverage":
            loss, limit = self._loss(), dispatch.within_s
        elif dispatch.rule == "preference":
            order = self._order()
        left = np.array(eta)
        number = dispatch.declared.number
        rows: list[int] = []
        while (i := select(number, left, own, loss, order, limit)) >= 0 and left[i] < np.inf:
            rows.append(i)
            left[i] = np.inf
        place = {u: k for k, u in enumerate(order.tolist(), 1)}
        travel_s = self.travel_s.tolist()
        soonest = min(eta, default=0.0)
        out = []
        for rank, i in enumerate(rows, 1):
            out.append(
                Option(
                    unit=self.ids[i],
                    rank=rank,
                    wait_s=wait[i],
                    travel_s=travel_s[i],
                    eta_s=eta[i],
                    status=self.status[i],
                    taken_from=self.calls[self.task[i]] if self.task[i] >= 0 else "",
                    reason=self._reason(i, rows[0], eta, soonest, own, loss, place, limit),
                )
            )
        return out

    def _reason(
        self,
        i: int,
        first: int,
        eta: Sequence[float],
        soonest: float,
        own: NDArray[np.bool_],
        loss: Floats,
        place: Mapping[int, int],
        limit: float,
    ) -> Reason:
        rule = self.policy.dispatch.rule
        if i != first:
            later = eta[i] - eta[first]
            if later >= 0.0 or rule == "closest":
                return Reason("later", {"later_s": later})
            code = {"jurisdiction": "sooner_other_area", "coverage": "sooner_bares_more"}.get(
                rule, "sooner_less_preferred"
            )
            return Reason(code, {"sooner_s": -later, "loss": float(loss[i])})
        if rule == "jurisdiction":
            values = {"area": self.call.area, "tolerance_s": limit, "later_s": eta[i] - soonest}
            return Reason("own_area" if own[i] else "other_area", values)
        if rule == "coverage":
            code = "bares_least" if eta[i] <= limit else "nobody_in_time"
            return Reason(code, {"within_s": limit, "loss": float(loss[i])})
        if rule == "preference":
            return Reason("preferred", {"place": place[i]})
        return Reason("soonest", {"eta_s": eta[i]})

    def _own(self) -> NDArray[np.bool_]:
        u = self.board.units
        call, unit = jurisdiction.districts(
            self.policy.dispatch.areas, np.array([self.call.area]), u.home.tolist(), u.area.tolist()
        )
        own: NDArray[np.bool_] = unit == call[0]
        return own

    def _order(self) -> NDArray[np.int64]:
        there = self.board.unit_row
        given = {
            area: [x for x in listed if x in there] for area, listed in self.policy.dispatch.order.items()
        }
        table, group = preference.orders(given, self.ids, np.array([self.call.area]))
        return np.ascontiguousarray(table[group[0]])

    def _loss(self) -> Floats:
        """Expected coverage that is lost when each free unit leaves its post."""
        cov: Cover = cover(self.policy, self.board, self.modes)
        n_posts = len(self.board.posts)
        free = np.array([s in FREE for s in self.status]) & (self.holds >= 0)
        stationed = np.bincount(self.holds[free], minlength=n_posts).astype(np.int64)
        covered = np.zeros(len(cov.weight), np.int64)
        coverage.count(stationed, cov.start, cov.sets, covered)
        out = np.zeros(len(self.ids))
        for i in np.flatnonzero(free):
            out[i] = coverage.loss(
                int(self.holds[i]), stationed, cov.start, cov.sets, cov.weight, cov.gain, covered
            )
        return out


def lacking(policy: Parts, board: Board, call: OpenCall) -> list[tuple[str, ...]]:
    """Places on a call's run card that none of its units fills or has filled."""
    card = policy.run_cards.of(call.category)
    u = board.units
    able = []
    done = [name for name in (s.strip() for s in call.done_by.split(",")) if name in board.unit_row]
    for name in (*board.assigned(call.id), *done):
        i = board.unit_row[name]
        able.append(_words(u.kind[i], u.skills[i]))
    filled: dict[int, int] = {}

    def fill(unit: int, tried: set[int]) -> bool:
        for place, wanted in enumerate(card):
            if place not in tried and set(wanted) <= able[unit]:
                tried.add(place)
                if place not in filled or fill(filled[place], tried):
                    filled[place] = unit
                    return True
        return False

    for unit in range(len(able)):
        fill(unit, set())
    return [wanted for place, wanted in enumerate(card) if place not in filled]


def _words(kind: str, skills: str) -> set[str]:
    """What run cards and calls can ask of a unit."""
    return {kind, *(s.strip() for s in skills.split(","))} - {""}


def _say(choice: Choice) -> Text:
    what = " & ".join(choice.wanted)
    first, second = choice.first, choice.runner_up
    if first is None:
        return Text(
            f"没有可派的警力{f'（{what}）' if what else ''}。",
            f"Nobody can come{f' ({what})' if what else ''}.",
        )
    zh, en = first.reason.text.zh, first.reason.text.en
    zh, en = f"派 {first.unit}：{zh}", f"Send {first.unit}: {en[0].lower()}{en[1:]}"
    if first.taken_from:
        zh += f"须自警情 {first.taken_from} 改派。"
        en += f" It is taken from call {first.taken_from}."
    if second is not None:
        zh += f"备选 {second.unit}，约 {second.eta_s:.0f} 秒。"
        en += f" Runner-up {second.unit}, in {second.eta_s:.0f} s."
    return Text(zh, en)
