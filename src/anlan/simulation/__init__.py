"""Trace-driven and synthetic runs that call the same policy kernels as the desk."""

from anlan.simulation.compare import Comparison, Difference, compare
from anlan.simulation.durations import Durations, Lognormal
from anlan.simulation.replay import Replay, replay
from anlan.simulation.run import Run, Summary, Workload
from anlan.simulation.simulate import simulate

__all__ = [
    "Comparison",
    "Difference",
    "Durations",
    "Lognormal",
    "Replay",
    "Run",
    "Summary",
    "Workload",
    "compare",
    "replay",
    "simulate",
]
