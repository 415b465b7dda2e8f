"""Where free units should stand by now: moves with their reasons, by the kernels that decide in the simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.text import Text
from anlan.kernels.policies import burden, coverage, dmexclp, ladder, patrol
from anlan.model.board import Board
from anlan.policy.parts import Parts
from anlan.policy.prepared import beats, cover, hubs, mode_back, rung
from anlan.policy.reasons import Reason, plain
from anlan.policy.times import Times, checked, modes_of


@dataclass(frozen=True, slots=True)
class Strain:
    """What moves have asked of a unit this duty.

    Attributes
    ----------
    moves : int
        Before this one.
    on_duty_s : float
    stayed_s : float
        Since its last move; inf where it had none.
    """

    moves: int
    on_duty_s: float
    stayed_s: float


@dataclass(frozen=True, slots=True)
class Move:
    """A free unit and the post it should hold.

    Attributes
    ----------
    unit, post : str
    origin : str
        Post that it leaves; empty where it holds none.
    drive_s : float
        0 where it stands there already and only has to stay.
    gain : float
        Expected coverage that it adds there, in the demand's unit (calls a week); NaN for rules that do not
        weigh demand.
    reason : Reason
    strain : Strain
    """

    unit: str
    post: str
    origin: str
    drive_s: float
    gain: float
    reason: Reason
    strain: Strain


@dataclass(frozen=True, slots=True)
class Withheld:
    """A move that the rule would make and that was not made, and why; ``unit`` is empty where nobody is spare."""

    unit: str
    post: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class MoveUp:
    """Advice for standby.

    Attributes
    ----------
    moves : tuple of Move
        Units that should drive, and units without a post that should stay where they stand (``drive_s`` 0).
        Everybody else keeps its post.
    withheld : tuple of Withheld
    """

    moves: tuple[Move, ...]
    withheld: tuple[Withheld, ...]

    def of(self, unit: str) -> Move | None:
        """The move of a unit; None where it keeps its post."""
        return next((m for m in self.moves if m.unit == unit), None)

    def as_dict(self) -> dict[str, Any]:
        """The advice as plain data, for ``--json`` and the web."""
        out: dict[str, Any] = plain(self)
        return out

    @property
    def text(self) -> Text:
        """The advice in a few sentences."""
        going = [m for m in self.moves if m.drive_s > 0]
        if not going:
            return Text("无需调动。", "Nobody needs to move.")
        zh = "".join(f"{m.unit}：{m.reason.text.zh}行驶 {m.drive_s:.0f} 秒。" for m in going)
        en = " ".join(f"{m.unit}: {m.reason.text.en} A drive of {m.drive_s:.0f} s." for m in going)
        return Text(zh, en)


def move_up(
    policy: Parts,
    board: Board,
    travel: Any,
    *,
    units: Sequence[str] | None = None,
    everybody: bool | None = None,
) -> MoveUp:
    """Where free units should go.

    First each free unit without a post gets one (and each patrol whose stop is over its next), in the board's
    order, as the simulation decides when a unit becomes free. Then, under ``posts`` and ``compliance``, spare
    units move to vacancies, as it does when the number of free units or the hour changes.

    Parameters
    ----------
    policy : Parts
        A `Policy`.
    board : Board
    travel : Travel, mapping of str to Travel, or any object with ``matrix``
    units : sequence of str, optional
        Free units to place anew, in this order, whether they hold a post or not; by default those without
        one and the patrols whose stop is over.
    everybody : bool, optional
        Whether spare units that hold a post move to vacancies too; by default as the policy says
        (``standby.rebalance``). Pass true when the hour changes.

    Raises
    ------
    AnlanError
        If a unit is not on the board or not free, or the policy needs something that it was not built with.
    """
    state = _State(policy, board, modes_of(travel))
    for u in state.homeless() if units is None else state.named(units):
        state.plan(u)
    if policy.standby.rule in ("posts", "compliance") and (
        policy.standby.rebalance if everybody is None else everybody
    ):
        state.fill()
    return MoveUp(tuple(state.moves.values()), tuple(state.withheld))


class _State:
    """Who stands where while the moves are being worked out."""

    def __init__(self, policy: Parts, board: Board, modes: Mapping[str, Any]) -> None:
        self.policy, self.board, self.modes = policy, board, modes
        u = board.units
        self.status = u.status.tolist()
        self.free = [i for i, s in enumerate(self.status) if s in ("idle", "moving")]
        self.post = board.post_rows(u.post).tolist()
        self.at = board.post_rows(u.at).tolist()
        self.home = board.post_rows(u.home).tolist()
        self.hub = hubs(policy, board)
        held = [self.post[i] for i in self.free if self.post[i] >= 0]
        self.stationed = np.bincount(np.array(held, np.int64), minlength=len(board.posts)).astype(np.int64)
        self.moves: dict[int, Move] = {}
        self.withheld: list[Withheld] = []
        self._visited = np.array(board.posts.visited)

    def homeless(self) -> list[int]:
        """Free units that need a post."""
        stop_s, since = self.policy.standby.stop_s, self.board.units.since
        over = [
            self.policy.standby.rule == "patrol"
            and self.status[i] == "idle"
            and since[i] + stop_s <= self.board.now
            for i in self.free
        ]
        return [i for i, done in zip(self.free, over, strict=True) if done or self.post[i] < 0]

    def named(self, units: Sequence[str]) -> list[int]:
        """Rows of free units."""
        rows = [self.board.unit(name) for name in units]
        for i in rows:
            if self.status[i] not in ("idle", "moving"):
                raise AnlanError(
                    f"unit {self._name(i)!r}, {self.status[i]}",
                    "only a free unit is given a place",
                    "name units that are idle or moving",
                    code="unit_not_free",
                )
        return rows

    def plan(self, u: int) -> None:
        """Decide where one unit goes."""
        if self.post[u] >= 0:
            self.stationed[self.post[u]] -= 1
        post, reason, gain = self._wanted(u)
        drive: float | None = None
        if post >= 0 and post != self.home[u] and post != self.at[u]:
            drive = self.drive(u, post)
            why = self._forbidden(u, post, drive)
            if why is not None:
                self.withheld.append(Withheld(self._name(u), self._post(post), why))
                post, gain, drive = -1, np.nan, None
        if post < 0:
            post, gain = self.home[u], np.nan
            reason = Reason("go_home", {"post": self._post(post)}) if post >= 0 else Reason("nowhere")
        if post < 0:
            return
        self._assign(u, post, reason, gain, drive)

    def fill(self) -> None:
        """Bring spare units to vacancies, each vacancy the nearest that may be moved."""
        held = rung(self.policy, self.board, len(self.free))
        open_at = np.empty(len(held), np.int64)
        for v in range(int(ladder.vacancies(held, self.stationed, open_at))):
            post = int(open_at[v])
            spare = [
                u
                for u in self.free
                if self.post[u] >= 0 and ladder.surplus(held, self.stationed, self.post[u])
            ]
            best, who = np.inf, -1
            barred: list[tuple[float, int, Reason]] = []
            for u, drive in zip(spare, self._to(post, spare), strict=True):
                if drive < best:
                    why = self._forbidden(u, post, float(drive))
                    if why is None:
                        best, who = float(drive), u
                    else:
                        barred.append((float(drive), u, why))
            for drive, u, why in barred:
                if drive < best:
                    self.withheld.append(Withheld(self._name(u), self._post(post), why))
            if who >= 0:
                values = {"post": self._post(post), "free": len(self.free)}
                self.stationed[self.post[who]] -= 1
                self._assign(who, post, Reason("vacancy", values), np.nan, best)
            elif not barred:
                name = self._post(post)
                self.withheld.append(Withheld("", name, Reason("nobody_spare", {"post": name})))

    def _wanted(self, u: int) -> tuple[int, Reason, float]:
        """The post that the rule gives a unit (-1 none: home), the reason and the coverage it adds."""
        rule = self.policy.standby.rule
        if rule == "dmexclp":
            cov = cover(self.policy, self.board, self.modes)
            covered = np.zeros(len(cov.weight), np.int64)
            post = int(
                dmexclp.choose(self.stationed, self.hub, cov.start, cov.sets, cov.weight, cov.gain, covered)
            )
            if post < 0:
                return -1, Reason("nowhere"), np.nan
            # What it adds is what would be lost if it, counted in, left again.
            there = self.stationed.copy()
            there[post] += 1
            coverage.count(there, cov.start, cov.sets, covered)
            gain = float(coverage.loss(post, there, cov.start, cov.sets, cov.weight, cov.gain, covered))
            return post, Reason("covers_most", {"post": self._post(post), "gain": gain}), gain
        if rule in ("posts", "compliance"):
            held = rung(self.policy, self.board, len(self.free))
            open_at = np.empty(len(held), np.int64)
            n = int(ladder.vacancies(held, self.stationed, open_at))
            drive = np.full(len(held), np.inf)
            drive[:n] = self._from(u, open_at[:n])
            post = int(ladder.nearest(open_at, n, drive))
            return post, Reason("vacancy", {"post": self._post(post), "free": len(self.free)}), np.nan
        if rule == "patrol":
            start, place = self._beats
            mine = place[start[u] : start[u + 1]]
            post = int(patrol.choose(mine, self._visited, self.stationed, self.at[u]))
            return post, Reason("next_stop", {"post": self._post(post)}), np.nan
        return -1, Reason("nowhere"), np.nan

    def _forbidden(self, u: int, post: int, drive_s: float) -> Reason | None:
        """Why a unit may not be moved to a post; None where it may."""
        limit, units, now = self.policy.burden, self.board.units, self.board.now
        name = self._post(post)
        if not np.isfinite(drive_s):
            return Reason("no_way", {"post": name})
        moved, moves = float(units.moved_at[u]), int(units.moves[u])
        if burden.allowed(
            now,
            moved,
            moves,
            float(units.on_duty_s[u]),
            drive_s,
            limit.stay_s,
            limit.moves_per_hour,
            limit.drive_s,
        ):
            return None
        if now - moved < limit.stay_s:
            return Reason(
                "stayed_too_short", {"post": name, "stayed_s": now - moved, "limit_s": limit.stay_s}
            )
        if drive_s > limit.drive_s:
            return Reason("too_far", {"post": name, "drive_s": drive_s, "limit_s": limit.drive_s})
        return Reason("moved_too_often", {"post": name, "moves": moves, "limit": limit.moves_per_hour})

    def _assign(self, u: int, post: int, reason: Reason, gain: float, drive_s: float | None = None) -> None:
        units = self.board.units
        if drive_s is None:
            stays = self.status[u] == "idle" and self.at[u] == post
            drive_s = 0.0 if stays else self.drive(u, post)
        before = self.moves.pop(u, None)
        self.post[u] = post
        self.stationed[post] += 1
        self.moves[u] = Move(
            unit=self._name(u),
            post=self._post(post),
            origin=before.origin if before is not None else str(units.post[u]),
            drive_s=float(drive_s),
            gain=gain,
            reason=reason,
            strain=Strain(
                int(units.moves[u]), float(units.on_duty_s[u]), self.board.now - float(units.moved_at[u])
            ),
        )

    def drive(self, u: int, post: int) -> float:
        """Seconds that a unit needs to a post."""
        return float(self._from(u, np.array([post], np.int64))[0])

    def _from(self, u: int, posts: NDArray[np.int64]) -> Floats:
        units = self.board.units
        where = units.where.take(slice(u, u + 1))
        if not where.placed[0] or not len(posts):
            return np.full(len(posts), np.inf)
        times = Times(checked(self.modes, units.mode[u] or mode_back(self.policy, self.modes)))
        return units.ahead_s[u] + times.from_one(where, self.board.posts.where.take(posts))

    def _to(self, post: int, rows: list[int]) -> Floats:
        units, to = self.board.units, self.board.posts.where.take(slice(post, post + 1))
        out = np.full(len(rows), np.inf)
        some = np.array(rows, np.int64)
        own = units.mode[some]
        for name in sorted(set(own.tolist())):
            at = np.flatnonzero((own == name) & units.placed[some])
            times = Times(checked(self.modes, name or mode_back(self.policy, self.modes)))
            out[at] = units.ahead_s[some[at]] + times.to_one(units.where.take(some[at]), to)
        return out

    @cached_property
    def _beats(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return beats(self.policy, self.board)

    def _name(self, u: int) -> str:
        return str(self.board.units.id[u])

    def _post(self, post: int) -> str:
        return str(self.board.posts.id[post]) if post >= 0 else ""
