"""Beats around posts: in one piece, with like amounts of work, bounded by streets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components, dijkstra

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.kernels.siting.districts import STEEP, district_search
from anlan.siting.answer import Apart, Explanation, Floats, Ints, Sense, Siting, conclude, infeasible
from anlan.siting.problem import Watch

CHUNK = 100_000
"""Moves tried between two looks at the clock."""

EACH = 400
"""Moves tried for each cell, at least `CHUNK` in all."""

SMALL, REHEATS = 300, 4
"""On so few cells the search cools down so many times: it costs nothing and brute force shows it is needed."""


@dataclass(frozen=True, eq=False)
class Ground:
    """Cells, who is beside whom, and the work in each.

    Attributes
    ----------
    start, item : ndarray
        Neighbours of cell i are ``item[start[i]:start[i + 1]]``; symmetric, without itself.
    work : ndarray of float64, shape (n_cell,)
    posts : ndarray of int64, shape (k,)
        The cell that each post stands in.
    cost : ndarray of float64, shape (n_cell, k)
        Seconds from post to cell.
    """

    start: NDArray[np.int64]
    item: NDArray[np.int32]
    work: Floats
    posts: Ints
    cost: Floats

    @classmethod
    def make(cls, adjacency: Any, work: ArrayLike, posts: ArrayLike, cost: ArrayLike | None = None) -> Ground:
        """Check and normalise.

        Parameters
        ----------
        adjacency : array (n_pair, 2) or sparse matrix (n_cell, n_cell)
            Which cells touch.
        work : array (n_cell,)
        posts : sequence of int
            Cell of each post, no two in one.
        cost : array (n_cell, k), optional
            Steps from cell to cell where left out.

        Raises
        ------
        AnlanError
        """
        amount = np.ascontiguousarray(work, np.float64)
        n = len(amount)
        if (
            amount.ndim != 1
            or not n
            or not np.all((amount >= 0) & np.isfinite(amount))
            or not amount.sum() > 0
        ):
            raise AnlanError(
                f"work of shape {amount.shape}",
                "each cell has a finite amount of work, 0 or more, and together they have some",
                "give calls, or lengths of streets",
                code="work",
            )
        links = _links(adjacency, n)
        seats = np.asarray(posts, np.int64).ravel()
        if not len(seats) or seats.min() < 0 or seats.max() >= n or len(np.unique(seats)) < len(seats):
            raise AnlanError(
                f"posts in cells {seats.tolist()[:5]}",
                f"each post has a cell of its own, numbered from 0 to {n - 1}",
                "move posts that share a cell apart, or join them",
                code="posts",
            )
        if cost is None:
            seconds = dijkstra(links, directed=False, unweighted=True, indices=seats).T
        else:
            seconds = np.asarray(cost, np.float64)
            if seconds.shape != (n, len(seats)) or np.isnan(seconds).any() or (seconds < 0).any():
                raise AnlanError(
                    f"cost of shape {seconds.shape}",
                    f"there is a time, 0 or more, for each of {n} cells from each of {len(seats)} posts",
                    "correct it",
                )
        return cls(
            links.indptr.astype(np.int64), links.indices.astype(np.int32), amount, seats,
            np.ascontiguousarray(seconds),
        )  # fmt: skip

    @property
    def links(self) -> Any:
        """Adjacency as a sparse matrix."""
        n = len(self.work)
        return sparse.csr_matrix((np.ones(len(self.item), np.int8), self.item, self.start), (n, n))

    @property
    def mean(self) -> float:
        """Work of a district if all had the same."""
        return float(self.work.sum() / len(self.posts))


@dataclass(frozen=True)
class Score:
    """How good districts are, drawn by whomever.

    Attributes
    ----------
    balance : float
        Work of the heaviest district over the mean; 1 is perfect.
    work : ndarray of float64, shape (k,)
    travel_s : float
        Mean travel from the post to the work of its district.
    strays : tuple of (int, tuple of int)
        District and cells of each part that does not hang together with its post.
    unassigned : tuple of int
        Cells without a district.
    """

    balance: float
    work: Floats
    travel_s: float
    strays: tuple[tuple[int, tuple[int, ...]], ...]
    unassigned: tuple[int, ...]

    @property
    def contiguous(self) -> bool:
        """Whether every district is in one piece and every cell has one."""
        return not self.strays and not self.unassigned

    def lines(self, names: Sequence[str] | None = None, cells: Sequence[str] | None = None) -> list[str]:
        """In words, with names of districts and cells where given."""
        named = (lambda d: str(d)) if names is None else (lambda d: names[d])
        called = (lambda c: str(c)) if cells is None else (lambda c: cells[c])
        heavy = int(np.argmax(self.work))
        out = [
            f"The heaviest district, {named(heavy)}, has {self.balance:.2f} times the mean; "
            f"mean travel {self.travel_s:.0f} s."
        ]
        for d, part in self.strays:
            listed = ", ".join(called(c) for c in part[:5]) + (" and others" if len(part) > 5 else "")
            out.append(
                f"District {named(d)} is not in one piece: {listed} ({len(part)}) lie apart from its post."
            )
        if self.unassigned:
            listed = ", ".join(called(c) for c in self.unassigned[:5])
            out.append(f"{len(self.unassigned)} cells have no district: {listed}.")
        return out


def rescore(
    adjacency: Any, work: ArrayLike, posts: ArrayLike, assignment: ArrayLike, cost: ArrayLike | None = None
) -> Score:
    """Score districts after they were edited by hand.

    Parameters
    ----------
    adjacency, work, posts, cost
        As in `districts`.
    assignment : array (n_cell,) of int
        District (number of the post) of each cell, -1 for none.

    Raises
    ------
    AnlanError
        If the assignment has another length or names a district that does not exist.
    """
    ground = Ground.make(adjacency, work, posts, cost)
    own = np.asarray(assignment)
    if own.shape != ground.work.shape or own.dtype.kind not in "iu":
        raise AnlanError(
            f"assignment of shape {own.shape}",
            f"there is a whole number for each of the {len(ground.work)} cells",
            "give the number of the post, or -1",
        )
    if own.min() < -1 or own.max() >= len(ground.posts):
        raise AnlanError(
            f"district {own.max() if own.max() >= len(ground.posts) else own.min()}",
            f"districts are numbered as posts, 0 to {len(ground.posts) - 1}",
            "correct it",
        )
    return score(ground, own.astype(np.int64))


def score(ground: Ground, own: Ints) -> Score:
    """See `rescore`."""
    k = len(ground.posts)
    has = own >= 0
    work = np.bincount(own[has], ground.work[has], k).astype(np.float64)
    seconds = ground.cost[np.flatnonzero(has), own[has]]
    some = ground.work[has] > 0
    travel = float(seconds[some] @ ground.work[has][some] / ground.work[has].sum()) if some.any() else 0.0
    graph = ground.links.tocoo()
    same = (own[graph.row] == own[graph.col]) & has[graph.row]
    inner = sparse.csr_matrix(
        (np.ones(int(same.sum()), np.int8), (graph.row[same], graph.col[same])), graph.shape
    )
    _, part = connected_components(inner, directed=False)
    home = np.full(k, -1)
    mine = own[ground.posts] == np.arange(k)
    home[mine] = part[ground.posts[mine]]
    loose = np.flatnonzero(has & (part != home[np.maximum(own, 0)]))
    strays = [
        (int(own[loose[part[loose] == p][0]]), tuple(loose[part[loose] == p].tolist()))
        for p in np.unique(part[loose])
    ]
    return Score(
        float(work.max() / ground.mean), work, travel, tuple(sorted(strays)),
        tuple(np.flatnonzero(~has).tolist()),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Districting:
    """The model behind an answer."""

    ground: Ground
    balance: float
    seed: int
    names: Ints

    @property
    def sense(self) -> Sense:
        """The heaviest district's share is minimised."""
        return "min"

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """Balance if only some posts remain: the cells of the others go to the nearest that is left."""
        keep = np.flatnonzero(np.isin(self.names, sites))
        if not len(keep):
            return math.inf, np.full(len(self.ground.work), -1, np.int64)
        ground = _subset(self.ground, keep)
        own = _grown(ground, np.zeros(len(keep)))
        return float(score(ground, own).work.max() / ground.mean), self.names[keep][own]

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """Which post is nearest to a cell."""
        order = np.argsort(self.ground.cost[demand], kind="stable")
        one, d1 = int(self.names[order[0]]), float(self.ground.cost[demand, order[0]])
        two = int(self.names[order[1]]) if len(order) > 1 else -1
        d2 = float(self.ground.cost[demand, order[1]]) if len(order) > 1 else math.inf
        reason = f"Post {one} is nearest, {d1:g} s away; districts also have to balance and to hang together."
        return Explanation(demand, one, d1, two, d2, True, self.names[order[:10]], reason)

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Districts without some posts; or, where another answer is asked for, from another seed."""
        keep = np.flatnonzero(~np.isin(self.names, forbidden))
        model = Districting(
            _subset(self.ground, keep), self.balance, self.seed + len(apart), self.names[keep]
        )
        return model.solve(Watch(time_limit_s))

    def solve(self, watch: Watch) -> Siting:
        """Grow districts, then anneal."""
        ground, names = self.ground, self.names
        beyond = _beyond(ground)
        if len(beyond):
            return infeasible(
                "districts", n_demand=len(ground.work), seconds=watch.seconds, unreachable=beyond,
                message=f"Cell {beyond[0]} and {len(beyond) - 1} others do not hang together with any post; "
                "leave them out, join them to their surroundings, or put a post there.",
                relaxation={"cells_left_out": float(len(beyond))},
            )  # fmt: skip
        bound = least_balance(ground)
        own = self._search(bound, watch)
        found = score(ground, own)
        assert found.contiguous
        tolerance = max(0.0, 1.0 - 1.0 / max(self.balance, bound))
        message = watch.message
        if not message and found.balance > max(self.balance, bound) * (1 + 1e-9):
            message = "The search ended before the asked balance was reached; it may not be possible."
        return conclude(
            "districts", "min", sites=names, assignment=names[own], objective=found.balance, bound=bound,
            asked_gap=tolerance, seconds=watch.seconds, history=watch.moments, message=message, behind=self,
            details={"work": found.work, "travel_s": found.travel_s, "balance": found.balance},
        )  # fmt: skip

    def _search(self, bound: float, watch: Watch) -> Ints:
        ground = self.ground
        n, k = len(ground.work), len(ground.posts)
        own = _balanced(ground, watch).astype(np.int32)
        work = ground.work / ground.mean
        far = ground.cost[np.isfinite(ground.cost)].max(initial=0.0)
        cost = np.where(np.isfinite(ground.cost), ground.cost, 2.0 * far + 1.0)
        scale = float(work @ cost[np.arange(n), own]) or 1.0
        # A little below what is asked, so that what is asked is not just missed.
        target = max(1.0 + 0.7 * (self.balance - 1.0), 1.0)
        locked = np.zeros(n, bool)
        locked[ground.posts] = True
        load = np.bincount(own, work, k).astype(np.float64)
        over = np.maximum(load - target, 0.0)
        energy = STEEP * float(over @ over) + float(work @ cost[np.arange(n), own]) / scale
        state, best = np.array([energy, energy]), own.copy()
        random = stream(self.seed, "districts").integers(1, 2**63, 1, dtype=np.uint64)
        mark, stamp = np.zeros(n, np.int64), 1
        # A cell's overload on the way is a hill of the square of its work; small grounds have high hills.
        typical = float(np.median(work[work > 0]))
        hottest = max(STEEP * typical * max(0.02, typical), 1e-9)
        chunks = max(1, EACH * n // CHUNK)
        fall = 1e-5 ** (1.0 / chunks)
        for number in range(chunks * (REHEATS if n <= SMALL else 1)):
            hot = hottest * fall ** (number % chunks)
            stamp = district_search(
                ground.start, ground.item, work, cost, scale, locked, own, load, target, hot, hot * fall, CHUNK,
                random, mark, stamp, best, state,
            )  # fmt: skip
            watch.note(float(np.bincount(best, work, k).max()), bound)
            if watch.over:
                break
        return best.astype(np.int64)


def districts(
    adjacency: Any,
    work: ArrayLike,
    posts: ArrayLike,
    cost: ArrayLike | None = None,
    *,
    balance: float = 1.05,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> Siting:
    r"""Divide cells among posts so that each district is in one piece and has about as much work as the others.

    .. math::
        \min \max_d \frac{\sum_{i \in D_d} w_i}{\bar w} \quad\text{s.t.}\quad D_d \text{ connected, } p_d \in D_d

    and, once the heaviest district has at most ``balance`` times the mean, the shortest travel from posts to
    work. Hess, Weaver, Siegfeldt, Whelan & Zitlau (1965), "Nonpartisan political redistricting by computer";
    Garfinkel & Nemhauser (1970), "Optimal political districting by implicit enumeration techniques"; local
    search over boundary cells with simulated annealing as in Ricca & Simeone (2008), "Local search algorithms
    for political districting". Cells are street segments or whatever else touches: boundaries run where cells
    meet.

    Parameters
    ----------
    adjacency : array (n_pair, 2) or sparse matrix (n_cell, n_cell)
        Which cells touch.
    work : array (n_cell,)
        Such as calls a week; 0 or more.
    posts : sequence of int, length k
        Cell that each post stands in; it always belongs to that post's district.
    cost : array (n_cell, k), optional
        Seconds from each post to each cell; steps from cell to cell where left out.
    balance : float
        The heaviest district's work over the mean that is good enough, 1 or more.
    time_limit_s, seed, job
        As in `anlan.siting.mclp`.

    Returns
    -------
    Siting
        ``sites`` are the posts 0 … k-1, ``assignment`` the post of each cell, ``objective`` the heaviest
        district's work over the mean. ``bound`` is proven by three arguments only (`least_balance`): no
        district can be below the mean, below its own post's cell and the cells that only it can hold, or, in a
        part of the ground by itself, below that part's share. It is not a bound from enumeration, so that a
        gap may be there although no better districts exist. ``details`` has the work of each district.

    Raises
    ------
    AnlanError
        If an input is wrong.
    """
    if not balance >= 1:
        raise AnlanError(
            f"balance = {balance}", "no heaviest district is below the mean", "give 1 or more, such as 1.05"
        )
    watch = Watch(float(time_limit_s), job)
    ground = Ground.make(adjacency, work, posts, cost)
    return Districting(ground, float(balance), int(seed), np.arange(len(ground.posts))).solve(watch)


def least_balance(ground: Ground) -> float:
    """A proven lower bound on the heaviest district's work over the mean.

    The largest of: 1; for each part of the ground its work over the work of its posts' share; for each post
    its own cell and those that no other post can reach except through it; the heaviest cell.
    """
    _, part = connected_components(ground.links, directed=False)
    work = np.bincount(part, ground.work)
    seats = np.bincount(part[ground.posts], minlength=len(work))
    least = max(float((work[seats > 0] / seats[seats > 0]).max()), float(ground.work.max()), ground.mean)
    open_cells = np.ones(len(ground.work), bool)
    open_cells[ground.posts] = False
    graph = ground.links.tocoo()
    free = open_cells[graph.row] & open_cells[graph.col]
    inner = sparse.csr_matrix(
        (np.ones(int(free.sum()), np.int8), (graph.row[free], graph.col[free])), graph.shape
    )
    _, lump = connected_components(inner, directed=False)
    # A lump of free cells that touches one post only belongs to it whatever one does.
    seat = np.full(len(ground.work), -1)
    seat[ground.posts] = np.arange(len(ground.posts))
    beside = open_cells[graph.row] & ~open_cells[graph.col]
    pairs = np.unique(np.stack([lump[graph.row[beside]], seat[graph.col[beside]]], axis=1), axis=0)
    lumps, first, count = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    size = np.bincount(lump[open_cells], ground.work[open_cells], lump.max() + 1)
    forced = ground.work[ground.posts].copy()
    alone = count == 1
    np.add.at(forced, pairs[first[alone], 1], size[lumps[alone]])
    return max(least, float(forced.max())) / ground.mean


def _links(adjacency: Any, n: int) -> Any:
    if sparse.issparse(adjacency):
        pairs = adjacency.tocoo()
        row, column, shape = pairs.row, pairs.col, pairs.shape
    else:
        given = np.asarray(adjacency, np.int64).reshape(-1, 2)
        row, column, shape = given[:, 0], given[:, 1], (n, n)
    if shape != (n, n) or (
        len(row) and (min(row.min(), column.min()) < 0 or max(row.max(), column.max()) >= n)
    ):
        raise AnlanError(
            f"adjacency of {shape[0]} cells",
            f"it joins cells numbered from 0 to {n - 1}, one for each amount of work",
            "compute it for the same cells",
            code="adjacency",
        )
    other = row != column
    row, column = row[other], column[other]
    both = np.concatenate([row, column]), np.concatenate([column, row])
    matrix = sparse.csr_matrix((np.ones(2 * len(row)), both), (n, n))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def _beyond(ground: Ground) -> Ints:
    """Cells in parts of the ground without a post."""
    _, part = connected_components(ground.links, directed=False)
    return np.flatnonzero(~np.isin(part, part[ground.posts]))


def _grown(ground: Ground, handicap: Floats) -> Ints:
    """Districts grown from the posts over touching cells, each cell by whom it is reached first.

    A cell costs a step plus what the post's travel to it adds to the travel to the cell before, and each post
    starts with a handicap: growth is along shortest ways, so that every district hangs together.
    """
    k, n = len(ground.posts), len(ground.work)
    links = ground.links.tocoo()
    finite = np.where(np.isfinite(ground.cost), ground.cost, 0.0)
    near = finite.min(axis=1)
    length = 1e-6 + np.abs(near[links.row] - near[links.col]) + np.median(near) * 1e-3 + 1e-3
    start = n
    rows = np.concatenate([links.row, np.full(k, start)])
    columns = np.concatenate([links.col, ground.posts])
    values = np.concatenate([length, handicap - handicap.min() + 1e-9])
    graph = sparse.csr_matrix((values, (rows, columns)), (n + 1, n + 1))
    _, before = dijkstra(graph, indices=start, return_predecessors=True)
    own = np.full(n + 1, -1)
    own[ground.posts] = np.arange(k)
    jump = np.where(own[:n] >= 0, np.arange(n), before[:n])
    while True:  # to the post at the root of each tree, by doubling
        further = jump[jump]
        if np.array_equal(further, jump):
            break
        jump = further
    return own[jump].astype(np.int64)


def _balanced(ground: Ground, watch: Watch, rounds: int = 40) -> Ints:
    """Growth with handicaps raised where there is too much work (a power diagram by repeated trial)."""
    handicap = np.zeros(len(ground.posts))
    near = np.where(np.isfinite(ground.cost), ground.cost, 0.0).min(axis=1)
    step = 0.5 * float(np.median(near) + 1e-3)
    best, least = _grown(ground, handicap), math.inf
    for turn in range(rounds):
        own = _grown(ground, handicap)
        load = np.bincount(own, ground.work, len(ground.posts)) / ground.mean
        if load.max() < least:
            best, least = own, float(load.max())
        if watch.over:
            break
        handicap += step / (1 + 0.1 * turn) * np.clip(load - 1.0, -1.0, 1.0)
        # A handicap beyond the way from another post would swallow this one's own cell.
        handicap -= handicap.min()
    return best


def _subset(ground: Ground, keep: Ints) -> Ground:
    return Ground(ground.start, ground.item, ground.work, ground.posts[keep], ground.cost[:, keep])
