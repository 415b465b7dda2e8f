"""Home: each free unit waits at its own station."""

from anlan.core.text import Text
from anlan.kernels.policies import select
from anlan.policy.rule import Rule

HOME = Rule(
    name="home",
    number=select.HOME,
    text=Text("空闲警力回本站待命。", "Each free unit waits at its own station."),
    source="common practice",
    aliases=("station", "return_home"),
)
