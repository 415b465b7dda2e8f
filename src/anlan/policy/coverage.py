"""Coverage-minded dispatch: of the units that come in time, the one whose leaving bares least."""

from anlan.core.text import Text
from anlan.kernels.policies import select
from anlan.policy.rule import Rule

COVERAGE = Rule(
    name="coverage",
    number=select.COVERAGE,
    text=Text(
        "在 within_s 秒内能到的警力中，派离开后期望覆盖损失最小的；都赶不上时派最近的。",
        "Of the units that come within within_s seconds send the one whose leaving costs least expected coverage;"
        " the closest where none does.",
    ),
    source="Jagtenberg, Bhulai & van der Mei (2017), Health Care Management Science 20, 517-531",
    settings=("within_s",),
    aliases=("coverage_aware",),
    demand=True,
)
