"""Trace-driven and synthetic runs that call the same policy kernels as the desk."""

from anlan.simulation.compare import Comparison, Difference, compare
from anlan.simulation.durations import Durations, Lognormal
from anlan.simulation.fit import Fitted, fit
from anlan.simulation.hindsight import Hindsight, hindsight
from anlan.simulation.replay import Replay, replay
from anlan.simulation.run import Run, Summary, Workload
from anlan.simulation.simulate import simulate
from anlan.simulation.synthetic import CallModel

__all__ = [
    "CallModel",
    "Comparison",
    "Difference",
    "Durations",
    "Fitted",
    "Hindsight",
    "Lognormal",
    "Replay",
    "Run",
    "Summary",
    "Workload",
    "compare",
    "fit",
    "hindsight",
    "replay",
    "simulate",
]
