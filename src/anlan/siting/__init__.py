"""Where stations, standby posts, patrol posts and equipment should stand; every answer carries a bound."""

from anlan.siting.answer import Alternative, Explanation, Loss, Moment, Siting
from anlan.siting.backup import backup
from anlan.siting.busy import Workload
from anlan.siting.dsm import dsm
from anlan.siting.erlang import erlang_b, erlang_c
from anlan.siting.hypercube import Hypercube, correction_factors, hypercube
from anlan.siting.lscp import lscp
from anlan.siting.mclp import mclp
from anlan.siting.mexclp import mexclp
from anlan.siting.p_median import p_median

__all__ = [
    "Alternative",
    "Explanation",
    "Hypercube",
    "Loss",
    "Moment",
    "Siting",
    "Workload",
    "backup",
    "correction_factors",
    "dsm",
    "erlang_b",
    "erlang_c",
    "hypercube",
    "lscp",
    "mclp",
    "mexclp",
    "p_median",
]
