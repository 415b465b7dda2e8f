"""Calls as the loop takes them, one request per unit, and what became of them as calls again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.kernels.simulation_types import TASK
from anlan.policy import RunCards, run_cards

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Requests:
    """Requests for one unit each.

    Attributes
    ----------
    tasks : ndarray of TASK records, shape (n_requests,)
        In order of when they may be dispatched.
    call : ndarray of int64, shape (n_requests,)
        Row of the call of each.
    first : ndarray of int64, shape (n_calls,) or None
        Row of each call's only request; None where some call has several.
    n_calls : int
    """

    tasks: Array
    call: Array
    first: Array | None
    n_calls: int

    def answers(self, outcome: Array) -> Answers:
        """What became of the calls, from what became of their requests."""
        n = self.n_calls
        if self.first is not None:
            o = outcome[self.first]
            return Answers(o, o["arrived"], o["cleared"], o["taken"], np.ones(n, np.int64))
        arrived = np.where(np.isnan(outcome["arrived"]), np.inf, outcome["arrived"])
        # By call, then by arrival; requests of one call stand in the order of its card.
        order = np.lexsort((arrived, self.call))
        start = np.searchsorted(self.call[order], np.arange(n))
        end = np.searchsorted(self.call[order], np.arange(n), side="right")
        o = outcome[order[start]]
        last = arrived[order[end - 1]]
        taken = np.bincount(self.call, outcome["taken"], minlength=n).astype(np.int64)
        cleared = np.full(n, -np.inf)
        np.maximum.at(cleared, self.call, np.where(np.isnan(outcome["cleared"]), np.inf, outcome["cleared"]))
        units = np.bincount(self.call, outcome["unit"] >= 0, minlength=n).astype(np.int64)
        nan = np.nan
        return Answers(
            o, np.where(np.isinf(last), nan, last), np.where(np.isinf(cleared), nan, cleared), taken, units
        )


@dataclass(frozen=True, eq=False)
class Answers:
    """What became of each call.

    Attributes
    ----------
    first : ndarray of OUTCOME records
        Of the request whose unit arrived first.
    complete, cleared : ndarray of float64
        When the last unit arrived, and when the last one was free again; NaN where some unit never came.
    taken : ndarray of int64
        How often a unit on its way was taken for another call.
    units : ndarray of int64
        How many came.
    """

    first: Array
    complete: Array
    cleared: Array
    taken: Array
    units: Array


def ask(
    cards: RunCards,
    words: tuple[str, ...],
    category: Array | None,
    *,
    at: Array,
    ready: Array,
    priority: Array,
    place: Array,
    on_scene: Array,
    group: Array,
    district: Array,
    transport: Array | None = None,
    destination: Array | None = None,
    handover: Array | None = None,
) -> Requests:
    """The requests of calls; of several units only the first on the card transports.

    Parameters
    ----------
    category : ndarray of str, shape (n_calls,), or None
        Not looked at where there are no cards.
    at, ready : ndarray of float64
        Received, and when it may be dispatched.
    place : ndarray of int64
        Row of the world's places.
    group, district : ndarray of int64
        See `anlan.simulation.rules.rules_for`.
    """
    n = len(at)
    call = np.arange(n)
    position = skills = np.zeros(n, np.int64)
    if cards.cards:
        call, position, skills = run_cards.requests(
            cards, np.full(n, "") if category is None else category, words
        )
    rank = np.arange(n)
    if n and (np.diff(at) < 0).any():
        rank[np.argsort(at, kind="stable")] = np.arange(n)
    order = np.arange(len(call))
    if n and (np.diff(ready[call]) < 0).any():
        order = np.argsort(ready[call], kind="stable")
    # Place in the waiting line: priority, time received, place on the card.
    key = (priority * (n + 1) + rank) * 32
    row = call[order]
    tasks = np.zeros(len(row), TASK)
    tasks["at"] = at[row]
    tasks["ready"] = ready[row]
    tasks["priority"] = priority[row]
    tasks["key"] = key[row] + position[order]
    tasks["place"] = place[row]
    tasks["on_scene"] = on_scene[row]
    tasks["group"] = group[row]
    tasks["area"] = district[row]
    tasks["skills"] = skills[order]
    tasks["destination"] = -1
    if transport is not None:
        tasks["transport"] = transport[row] & (position[order] == 0)
    if destination is not None:
        tasks["destination"] = destination[row]
    if handover is not None:
        tasks["handover"] = handover[row]
    first = None
    if len(row) == n:
        first = np.empty(n, np.int64)
        first[row] = np.arange(n)
    return Requests(tasks, row, first, n)
