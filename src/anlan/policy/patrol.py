"""Patrol: timed rounds through hot places, interrupted by calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from anlan.core.text import Text
from anlan.kernels.policies import select
from anlan.policy.checks import known
from anlan.policy.rule import Rule

PATROL = Rule(
    name="patrol",
    number=select.PATROL,
    text=Text(
        "在巡区热点间轮巡，每处停留 stop_s 秒；随时可被派警打断。",
        "Drive from hot place to hot place of a beat and stop stop_s seconds at each; calls interrupt.",
    ),
    source="Koper (1995), Justice Quarterly 12, 649-672",
    settings=("beats", "stop_s"),
    aliases=("rounds",),
)

STOP_S = 13 * 60.0
"""The middle of Koper's 10 to 16 minutes."""


def assumption(stop_s: float) -> Text:
    """What a report says of the stops."""
    return Text(
        f"巡逻在每个热点停留 {stop_s / 60:g} 分钟：此为假设，Koper（1995）的建议为 10–16 分钟。",
        f"A patrol stops {stop_s / 60:g} minutes at each hot place: an assumption; Koper (1995) found 10-16 "
        "minutes to work best.",
    )


def rounds(
    beats: Mapping[str, Sequence[str]], units: Sequence[str], homes: Sequence[str], hubs: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hot places of each unit's beat.

    A beat is named by unit, by home station (all its units share it), or ``"*"`` for the rest; a unit without
    one waits at home.

    Returns
    -------
    start, place : ndarray of int64
        CSR over units: rows of ``hubs``.
    """
    row_of = {hub: row for row, hub in enumerate(hubs)}
    known("standby.beats", (k for k in beats if k != "*"), {*units, *homes}, "units and their stations")
    for name, listed in beats.items():
        known(f"standby.beats.{name}", listed, row_of, "sites of the plan")
    of = [
        beats.get(unit, beats.get(home, beats.get("*", ()))) for unit, home in zip(units, homes, strict=True)
    ]
    start = np.concatenate([[0], np.cumsum([len(b) for b in of])]).astype(np.int64)
    return start, np.array([row_of[p] for beat in of for p in beat], np.int64)
