"""Closest: the free unit that can be there first."""

from anlan.core.text import Text
from anlan.kernels.policies import select
from anlan.policy.rule import Rule

CLOSEST = Rule(
    name="closest",
    number=select.CLOSEST,
    text=Text(
        "派能最先到达的空闲警力（含出动时间；行驶中的按实时位置计）。",
        "Send the free unit that can be there first, turnout included, standing or driving.",
    ),
    source="common practice",
    aliases=("closest_idle", "nearest"),
)
