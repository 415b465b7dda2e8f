"""The common course of a solve: search and bound side by side, decide columns, then branch.

Everything here minimises; a maximising model hands in negative values.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from anlan.core.seed import stream
from anlan.siting.answer import PROOF, Floats, Ints
from anlan.siting.problem import Side, Watch

State = NDArray[np.int8]
"""Of each column: -1 free, 0 closed, 1 open."""

STEPS = 40
"""Subgradient steps between two looks at the clock (fewer for large models)."""
KICKS = 25
"""Kicks of the local search between two looks at the clock, times the pace of the model."""
FAR = 2e-3
"""Gap beyond which a tree will hardly close: the search then gets a larger share of the work."""
NODE_STEPS = 60
NODE_FACTOR = 0.1
"""Subgradient steps at a node, and their first length factor where a model names none; measured, see
docs/decisions/siting.md."""
MEMORY = 400e6
"""Bytes that open nodes may hold before the search goes depth first."""
LINKS = 4e8
"""Links looked at between two looks at the clock, at most."""


class Choice(Protocol):
    """A model in compiled form: choose at most ``places`` of ``n_column`` columns at least cost."""

    @property
    def places(self) -> int:
        """How many columns may be chosen."""
        ...

    @property
    def side(self) -> Side:
        """Limits beyond the number of columns."""
        ...

    @property
    def whole(self) -> bool:
        """Whether every cost is a whole number."""
        ...

    @property
    def n_column(self) -> int:
        """Number of columns."""
        ...

    @property
    def n_link(self) -> int:
        """Size of the model, for portioning the work."""
        ...

    def first_dual(self, columns: Ints) -> Floats:
        """Multipliers to begin with (one per row, then one per side row)."""
        ...

    def search(self, start: Ints, kicks: int, random: NDArray[np.uint64]) -> tuple[float, Ints, Ints]:
        """Local search from some columns: cost and columns of the best, and columns to go on from."""
        ...

    def price(self, columns: Ints) -> float:
        """Exact cost of a set of columns, infinite where a limit is broken."""
        ...

    def relax(
        self,
        state: State,
        dual: Floats,
        way: Floats,
        best_dual: Floats,
        mean: Floats,
        control: Floats,
        cutoff: float,
        aim: float,
        steps: int,
    ) -> tuple[float, Ints]:
        """Subgradient steps with some columns decided: bound and columns of the relaxed answer.

        Changes ``state`` (columns that answers below ``cutoff`` cannot have otherwise), the multipliers,
        the averaged answer ``mean`` and ``control`` (length factor, steps without progress, best bound).
        """
        ...

    def without(self, keep: NDArray[np.bool_], dual: Floats) -> tuple[Choice, Floats]:
        """The same model without some columns, and its multipliers."""
        ...


@dataclass(frozen=True, eq=False)
class Node:
    """The answers that agree with ``state``, none of which costs less than ``bound``."""

    bound: float
    state: State
    dual: NDArray[np.float32]
    mean: NDArray[np.float32]


class Outcome(NamedTuple):
    """Best cost, its columns, proven bound; columns and rows left after deciding, nodes of the tree."""

    cost: float
    columns: Ints
    bound: float
    free: int
    nodes: int


def cutoff(cost: float, whole: bool) -> float:
    """Answers of at least this cost are no improvement."""
    if not math.isfinite(cost):
        return math.inf
    return cost - 1.0 + 1e-6 if whole else cost - 1e-9 * abs(cost)


class Chooser:
    """One solve.

    Parameters
    ----------
    choice : Choice
    seed : int
    gap : float
        Relative gap at which to stop, of ``|cost + shift|``.
    watch : Watch
    shift : float
        Added to costs and bounds where they are shown and where gaps are taken.
    sign : float
        -1 for a maximising model, for the record.
    enough : callable, optional
        Told cost and bound, both with the shift; True ends the run.
    pace : float
        Kicks of the search that take as long as one usually does: fast searches get more of them, so that
        search and bound share the time evenly (in fixed numbers, so that a seed gives one course).
    restart : int
        Kicks without a better answer after which the search beside the tree begins anew from half of the
        best columns; 0 for never.
    node_factor : float
        First length factor of the subgradient steps at a node.
    """

    def __init__(
        self, choice: Choice, seed: int, gap: float, watch: Watch, shift: float = 0.0, sign: float = 1.0,
        enough: Callable[[float, float], bool] | None = None, pace: float = 1.0, restart: int = 0,
        node_factor: float = NODE_FACTOR,
    ) -> None:  # fmt: skip
        self.choice, self.gap, self.watch, self.shift, self.sign = choice, gap, watch, shift, sign
        self.enough, self.pace, self.restart = enough, pace, restart
        self.shuffle, self.node_factor = stream(seed, "restart"), node_factor
        self.random = stream(seed, "search").integers(1, 2**63, size=1, dtype=np.uint64)
        self.cost = math.inf
        self.columns = np.empty(0, np.int64)
        self.bound = -math.inf
        self.names = np.arange(choice.n_column)
        """Of each column of the present choice: its column in the first one."""

    def solve(self, start: Ints, state: State | None = None, most_nodes: float = math.inf) -> Outcome:
        """Run until the gap is reached, optimality proven, or the watch says stop.

        Parameters
        ----------
        start : ndarray of int64
            Columns to begin with.
        state : ndarray of int8, optional
            Columns that are decided from the outset.
        most_nodes : float
            How many nodes to branch at most where the bound at the root does not prove enough.
        """
        _, best, current = self.choice.search(start, 0, self.random)
        self._take(self.choice.price(best), best)
        state, root, current = self._root(current, state=state)
        while not self.done:
            keep = state != 0
            if keep.sum() > 0.9 * len(state):
                break
            dual = root.dual.astype(np.float64)
            current = np.flatnonzero(np.isin(np.flatnonzero(keep), current))
            self.choice, dual = self.choice.without(keep, dual)
            self.names = self.names[keep]
            state, root, current = self._root(current, dual, state[keep], root.mean[keep])
        nodes = 0
        if most_nodes > 0 and not self.done:
            nodes = self._branch(root, current, most_nodes)
        return Outcome(self.cost, self.columns, self.bound, self.choice.n_column, nodes)

    @property
    def done(self) -> bool:
        """Whether the asked gap is proven or the watch says stop."""
        if self.watch.over:
            return True
        if self.enough is not None and self.enough(self.cost + self.shift, self.bound + self.shift):
            return True
        if not math.isfinite(self.cost):
            return False
        return self.cost - self.bound <= max(self.gap, 0.1 * PROOF) * abs(self.cost + self.shift)

    def _take(self, cost: float, columns: Ints) -> None:
        if cost < self.cost:
            self.cost, self.columns = cost, np.sort(self.names[columns])

    def _raise(self, bound: float) -> None:
        if self.choice.whole and math.isfinite(bound):
            bound = math.ceil(bound - 1e-6)
        self.bound = max(self.bound, min(bound, self.cost))
        self.watch.note(self.sign * (self.cost + self.shift), self.sign * (self.bound + self.shift))

    def _root(
        self,
        current: Ints,
        dual: Floats | None = None,
        state: State | None = None,
        mean: NDArray[np.float32] | None = None,
    ) -> tuple[State, Node, Ints]:
        """Search and bound side by side until the bound stops rising."""
        choice = self.choice
        if dual is None:
            dual = choice.first_dual(current)
        if state is None:
            state = np.full(choice.n_column, -1, np.int8)
        averaged = np.zeros(choice.n_column) if mean is None else mean.astype(np.float64)
        way, best_dual = np.zeros_like(dual), dual.copy()
        control = np.array([0.25, 0.0, math.nan])
        steps = int(np.clip(LINKS / (2 * choice.n_link), 4, STEPS))
        kicks = int(np.clip(self.pace * min(LINKS / (4 * choice.n_link), KICKS), 1, 1000))
        relaxed, walk = np.empty(0, np.int64), math.inf
        with ThreadPoolExecutor(1) as pool:
            # At least once, so that even an answer that ran out of time has a bound.
            while True:
                # In turns: go on from where the search is, and begin anew from the relaxed answer.
                anew = len(relaxed) > 0
                searching = pool.submit(
                    choice.search, relaxed if anew else current, kicks // 4 if anew else kicks, self.random
                )
                bound, chosen = choice.relax(
                    state, dual, way, best_dual, averaged, control,
                    cutoff(self.cost, choice.whole), self._aim(control[2]), steps,
                )  # fmt: skip
                cost, best, last = searching.result()
                if not anew or cost < walk:
                    walk, current = cost, last
                relaxed = chosen if not anew else np.empty(0, np.int64)
                self._take(choice.price(best), best)
                self._raise(bound)
                if self.done or self.watch.over or control[0] < 2e-4:
                    break
        bound = self.bound if math.isnan(control[2]) else max(self.bound, control[2])
        return state, Node(bound, state, best_dual.astype(np.float32), averaged.astype(np.float32)), current

    def _aim(self, bound: float) -> float:
        if math.isfinite(self.cost):
            return self.cost
        return bound + 0.05 * abs(bound) + 1.0 if math.isfinite(bound) else 1.0

    def _branch(self, root: Node, current: Ints, most_nodes: float) -> int:
        """Best-first branch and bound, two nodes and a portion of local search at a time.

        The children of the two best nodes are bounded in threads and taken over in a fixed order, so the
        course does not depend on timing.
        """
        choice = self.choice
        heap: list[tuple[float, int, Node]] = [(root.bound, 0, root)]
        count = 0
        size = root.dual.nbytes + root.mean.nbytes + root.state.nbytes
        kicks = int(np.clip(self.pace * min(LINKS / (20 * choice.n_link), KICKS), 1, 1000))

        def bounded(node: Node, column: int, value: int, need: float, aim: float) -> tuple[Node, Ints]:
            state = node.state.copy()
            state[column] = value
            dual, mean = node.dual.astype(np.float64), node.mean.astype(np.float64)
            best_dual, control = dual.copy(), np.array([self.node_factor, 0.0, math.nan])
            bound, chosen = choice.relax(
                state, dual, np.zeros_like(dual), best_dual, mean, control, need, aim, NODE_STEPS
            )
            child = Node(max(bound, node.bound), state, best_dual.astype(np.float32), mean.astype(np.float32))
            return child, chosen

        relaxed = np.empty(0, np.int64)
        walk, idle = math.inf, 0
        with ThreadPoolExecutor(2) as pool:
            while heap and heap[0][0] < cutoff(self.cost, choice.whole):
                self._raise(heap[0][0])
                if self.done or count >= most_nodes:
                    return count
                need, aim = cutoff(self.cost, choice.whole), self._aim(self.bound)
                work = []
                for node in _pop_two(heap, len(heap) * size > MEMORY):
                    free = np.flatnonzero(node.state < 0)
                    column = int(free[np.argmin(np.abs(node.mean[free] - 0.5))])
                    work += [pool.submit(bounded, node, column, value, need, aim) for value in (1, 0)]
                anew = len(relaxed) > 0
                share = 0 if anew else self._share(kicks)
                searching = pool.submit(choice.search, relaxed if anew else current, share, self.random)
                relaxed = np.empty(0, np.int64)
                for task in work:
                    child, chosen = task.result()
                    count += 1
                    if child.bound >= cutoff(self.cost, choice.whole):
                        continue
                    is_open = np.flatnonzero(child.state == 1)
                    if len(is_open) >= choice.places or not np.any(child.state < 0):
                        self._take(choice.price(is_open), is_open)
                        continue
                    columns = np.concatenate([is_open, chosen])
                    self._take(choice.price(columns), columns)
                    heapq.heappush(heap, (child.bound, count, child))
                    if not anew:
                        relaxed = columns
                cost, best, last = searching.result()
                if not anew:
                    current = last
                    idle = 0 if cost < walk else idle + share
                    walk = min(walk, cost)
                self._take(choice.price(best), best)
                if self.restart and idle >= self.restart:
                    kept = np.flatnonzero(np.isin(self.names, self.columns))
                    current = np.sort(self.shuffle.permutation(kept)[: len(kept) // 2])
                    walk, idle = math.inf, 0
        self._raise(heap[0][0] if heap else self.cost)
        if not heap or heap[0][0] >= cutoff(self.cost, choice.whole):
            self._raise(self.cost)
        return count

    def _share(self, kicks: int) -> int:
        """More kicks beside a tree that is far from closing."""
        far = self.cost - self.bound > FAR * abs(self.cost + self.shift)
        return int(kicks * (max(1.0, self.pace) if far else 1.0))


def _pop_two(heap: list[tuple[float, int, Node]], deep: bool) -> list[Node]:
    """The two nodes of least bound, or the two youngest where memory is short."""
    taken: list[Node] = []
    while heap and len(taken) < 2:
        if deep:
            at = max(range(len(heap)), key=lambda k: heap[k][1])
            heap[at], heap[-1] = heap[-1], heap[at]
            taken.append(heap.pop()[2])
            heapq.heapify(heap)
        else:
            taken.append(heapq.heappop(heap)[2])
    return taken


def starting_columns(sites: Ints, columns_of_sites: Ints, n_site: int) -> Ints:
    """The columns of some sites, where they have one."""
    place = np.full(n_site, -1, np.int64)
    place[columns_of_sites] = np.arange(len(columns_of_sites))
    at: Any = place[sites]
    return at[at >= 0]
