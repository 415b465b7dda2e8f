"""Fixed posts by hour of the week, as the plan lists them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anlan.core.text import Text
from anlan.core.time import SLOTS
from anlan.kernels.policies import select
from anlan.model.post import Posts
from anlan.policy.checks import known
from anlan.policy.rule import Rule

POSTS = Rule(
    name="posts",
    number=select.LADDER,
    text=Text(
        "按方案逐时段的待命点值守，先列者先占；时段更替时重新补位。",
        "Hold the plan's posts of the hour, first listed first held; when the hour changes they are filled anew.",
    ),
    source="fixed posts by hour of the week",
    settings=("rebalance",),
    aliases=("fixed_posts",),
)


def rungs(posts: Posts, hubs: Sequence[str], n_units: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Posts to hold with so many units free, by hour of the week.

    The first listed posts are held first, each by as many units as it lists; beyond them units go home.

    Returns
    -------
    ladder : ndarray of int64, shape (n_profiles, 1 + n_units, n_units)
        Rows of ``hubs``, -1 after the last.
    profile : ndarray of int64, shape (168,)
        Row of ``ladder`` in each hour of the week.
    """
    row_of = {hub: row for row, hub in enumerate(hubs)}
    known("posts", posts.site.tolist(), row_of, "sites of the plan")
    wanted = np.full((SLOTS, max(n_units, 1)), -1, np.int64)
    for slot in range(SLOTS):
        on = [
            row_of[site]
            for site, a, b, units in zip(
                posts.site.tolist(),
                posts.slot_from.tolist(),
                posts.slot_to.tolist(),
                posts.units.tolist(),
                strict=True,
            )
            # A span that ends before it begins runs over the end of the week.
            if (a <= slot < b if a < b else slot >= a or slot < b)
            for _ in range(units)
        ][:n_units]
        wanted[slot, : len(on)] = on
    unique, profile = np.unique(wanted, axis=0, return_inverse=True)
    ladder = np.full((len(unique), n_units + 1, max(n_units, 1)), -1, np.int64)
    for free in range(1, n_units + 1):
        ladder[:, free, :free] = unique[:, :free]
    return ladder, profile.astype(np.int64).ravel()
