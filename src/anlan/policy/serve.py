"""The waiting line: which calls get a unit when units become free."""

from __future__ import annotations

from typing import Any

import numpy as np

from anlan.kernels.policies.eligible import above_reserve
from anlan.model.board import Board
from anlan.policy import reserve
from anlan.policy.parts import Parts
from anlan.policy.recommend import Recommendation, lacking, recommend


def serve(policy: Parts, board: Board, travel: Any) -> tuple[Recommendation, ...]:
    """Recommendations for the waiting calls, each made after those before it were followed.

    The line is every open call that lacks units, by priority and then by time received, place by place of its run
    card. It is served as in the simulation: units on their way to other calls are left alone, a call that nobody
    can serve lets those behind it pass, and the line stops where no unit is free (or at something that the call may
    break off) or the rest are kept in reserve.

    Parameters
    ----------
    policy : Parts
        A `Policy`.
    board : Board
    travel : Travel, mapping of str to Travel, or any object with ``matrix``

    Returns
    -------
    tuple of Recommendation
        One for each unit to be sent, with one choice.
    """
    calls = board.calls
    top = int(calls.priority.max(initial=1))
    kept = reserve.table(policy.dispatch.reserve, top)
    out: list[Recommendation] = []
    for row in np.lexsort((calls.received, calls.priority)).tolist():
        call = calls.row(row)
        for wanted in lacking(policy, board, call):
            units = board.units
            free = int(np.isin(units.status, ("idle", "moving")).sum())
            breaks_off = (units.status == "paused") & (units.pause_for >= call.priority)
            if (free == 0 or not above_reserve(free, kept, call.priority)) and not breaks_off.any():
                return tuple(out)
            answer = recommend(policy, board, call, travel, wanted=wanted, divert=False)
            if answer.first is not None:
                out.append(answer)
                board = board.sent(answer.first.unit, call.id)
    return tuple(out)
