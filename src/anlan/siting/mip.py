"""Mixed-integer programs in plain arrays, solved by HiGHS with a warm start, a gap and a way to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import highspy
import numpy as np
import scipy.sparse as sparse
from highspy.highs import HighsCallbackEvent
from numpy.typing import ArrayLike, NDArray

from anlan.siting.answer import Floats, Sense
from anlan.siting.problem import Watch


@dataclass(frozen=True, eq=False)
class Program:
    """Optimise ``cost @ x + offset`` over ``row_lower <= matrix @ x <= row_upper``, ``lower <= x <= upper``.

    Attributes
    ----------
    sense : str
    cost, lower, upper : ndarray of float64, shape (n,)
    integer : ndarray of bool, shape (n,)
    matrix : scipy CSR matrix (m, n)
    row_lower, row_upper : ndarray of float64, shape (m,)
    offset : float
    """

    sense: Sense
    cost: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    matrix: Any
    row_lower: Floats
    row_upper: Floats
    offset: float = 0.0


@dataclass(frozen=True, eq=False)
class Outcome:
    """What HiGHS found.

    Attributes
    ----------
    status : str
        ``"solved"`` to the asked gap, ``"stopped"`` by time or on request, or ``"infeasible"``.
    x : ndarray of float64, shape (n,)
        The best point, integers rounded; empty where there is none.
    objective, bound : float
        In the program's sense; infinite on the bad side where there is none yet.
    """

    status: Literal["solved", "stopped", "infeasible"]
    x: Floats
    objective: float
    bound: float


class _Quiet(highspy.Highs):
    """HiGHS that does not print its banner, which it otherwise does before it can be silenced."""

    def enableCallbacks(self) -> Any:  # noqa: N802 - the base class's first call
        """Silence first."""
        self.silent()
        return super().enableCallbacks()  # type: ignore[no-untyped-call]


class RowBuilder:
    """Collects the rows of a program block by block."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._blocks: list[Any] = []
        self._lower: list[Floats] = []
        self._upper: list[Floats] = []

    def add(self, block: Any, lower: ArrayLike, upper: ArrayLike) -> None:
        """Add the rows of a sparse or dense matrix with as many columns as the program, or fewer."""
        rows: Any = sparse.csr_matrix(block)
        rows.resize(rows.shape[0], self._columns)
        self._blocks.append(rows)
        self._lower.append(np.broadcast_to(np.asarray(lower, np.float64), (rows.shape[0],)))
        self._upper.append(np.broadcast_to(np.asarray(upper, np.float64), (rows.shape[0],)))

    def add_cells(
        self, row: Any, column: Any, value: Any, rows: int, lower: ArrayLike, upper: ArrayLike
    ) -> None:
        """Add so many rows, given cell by cell; cells of the same place add up."""
        block = sparse.coo_matrix((np.asarray(value, np.float64), (row, column)), (rows, self._columns))
        self.add(block.tocsr(), lower, upper)

    def program(
        self,
        sense: Sense,
        cost: ArrayLike,
        lower: ArrayLike,
        upper: ArrayLike,
        integer: ArrayLike,
        offset: float = 0.0,
    ) -> Program:
        """The program over all rows; scalars hold for every column."""
        n = self._columns

        def wide(value: ArrayLike, dtype: Any = np.float64) -> Any:
            return np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype), (n,)))

        blocks = self._blocks or [sparse.csr_matrix((0, n))]
        return Program(
            sense, wide(cost), wide(lower), wide(upper), wide(integer, np.bool_),
            sparse.vstack(blocks, format="csr"),
            np.concatenate([*self._lower, np.empty(0)]), np.concatenate([*self._upper, np.empty(0)]), offset,
        )  # fmt: skip


def optimise(
    program: Program,
    watch: Watch,
    *,
    gap: float = 0.0,
    start: Floats | None = None,
    enough: Callable[[float, float], bool] | None = None,
    time_limit_s: float | None = None,
    known: tuple[float, float] | None = None,
) -> Outcome:
    """Solve a program.

    Parameters
    ----------
    program : Program
    watch : Watch
        Its remaining time is the limit; it is asked now and then whether somebody wants to stop, and told
        the progress.
    gap : float
        Relative gap at which to stop.
    start : ndarray, shape (n,), optional
        A point to begin with.
    enough : callable, optional
        Told the objective (infinite on the bad side at first) and the bound; True ends the run.
    time_limit_s : float, optional
        A nearer limit than the watch's.
    known : (float, float), optional
        Objective and bound that are known already: the watch's history then takes the better of each.
    """
    h: Any = _Quiet()  # type: ignore[no-untyped-call]
    p = program
    limit = watch.left if time_limit_s is None else min(watch.left, time_limit_s)
    worst = -np.inf if p.sense == "max" else np.inf
    if limit <= 0.0:
        return Outcome("stopped", np.empty(0), worst, -worst)
    h.setOptionValue("time_limit", float(limit))
    h.setOptionValue("mip_rel_gap", float(gap))
    h.setOptionValue("mip_abs_gap", 1e-9)
    m, n = p.matrix.shape
    h.passModel(
        n, m, int(p.matrix.nnz), int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMaximize if p.sense == "max" else highspy.ObjSense.kMinimize), float(p.offset),
        p.cost, p.lower, p.upper, p.row_lower, p.row_upper,
        p.matrix.indptr.astype(np.int32), p.matrix.indices.astype(np.int32),
        p.matrix.data.astype(np.float64), p.integer.astype(np.int32),
    )  # fmt: skip
    if start is not None and len(start):
        h.setSolution(n, np.arange(n, dtype=np.int32), np.asarray(start, np.float64))

    def look(event: HighsCallbackEvent) -> None:
        out = event.data_out
        best = out.mip_primal_bound if abs(out.mip_primal_bound) < 1e29 else worst
        bound = out.mip_dual_bound if abs(out.mip_dual_bound) < 1e29 else -worst
        if watch.cancelled or (enough is not None and enough(best, bound)):
            event.interrupt()
        elif known is not None:
            better, worse = (max, min) if p.sense == "max" else (min, max)
            watch.note(better(known[0], best), worse(known[1], bound))

    def stop(event: HighsCallbackEvent) -> None:
        if watch.cancelled:
            event.interrupt()

    whole = bool(p.integer.any())
    if whole:
        h.cbMipInterrupt.subscribe(look)
    else:
        h.cbSimplexInterrupt.subscribe(stop)
        h.cbIpmInterrupt.subscribe(stop)
    h.run()
    return _read(h, p, whole, worst)


def _read(h: Any, p: Program, whole: bool, worst: float) -> Outcome:
    status = h.getModelStatus()
    kind = highspy.HighsModelStatus
    if status in (kind.kInfeasible, kind.kUnboundedOrInfeasible):
        return Outcome("infeasible", np.empty(0), worst, worst)
    info = h.getInfo()
    solved = status in (kind.kOptimal, kind.kModelEmpty)
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    x, objective = np.empty(0), worst
    if feasible and (whole or solved):
        x = np.array(h.getSolution().col_value, dtype=np.float64)
        x[p.integer] = np.round(x[p.integer])
        objective = float(info.objective_function_value)
    bound = float(info.mip_dual_bound) if whole else (objective if solved else -worst)
    if solved and not np.isfinite(bound):
        bound = objective
    return Outcome("solved" if solved else "stopped", x, objective, bound)
