"""The answer of every siting model: which sites, how good, and how good it could have been at most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anlan.core.errors import AnlanError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Status = Literal["optimal", "within_gap", "time_limit", "infeasible"]
Sense = Literal["max", "min"]
Apart = tuple[Ints, int]
"""Some sites, and how many of them at least must not be used."""

PROOF = 1e-6
"""Relative difference of objective and bound below which an answer counts as proven."""


class Moment(NamedTuple):
    """The state of a search at one time: `objective` of the best answer so far, and the best `bound`."""

    time_s: float
    objective: float
    bound: float


@dataclass(frozen=True)
class Explanation:
    """How one demand is served.

    Attributes
    ----------
    demand : int
    site, second : int
        The open site that serves it, and the open site that would come next; -1 where there is none.
    cost, second_cost : float
        Seconds from each of the two; infinite where there is none.
    covered : bool
        Whether the model counts the demand as served.
    candidates : ndarray of int64
        Sites, open or not, that could serve it, the nearest first (at most ten).
    reason : str
        One sentence.
    """

    demand: int
    site: int
    cost: float
    second: int
    second_cost: float
    covered: bool
    candidates: Ints
    reason: str


@dataclass(frozen=True)
class Loss:
    """What is lost when one site closes.

    Attributes
    ----------
    site : int
    objective : float
        The objective when the remaining sites take over; infinite (minimisation) where they cannot.
    loss : float
        How much worse that is, in the objective's unit; never negative.
    demand : ndarray of int64
        The demands this site served.
    left : ndarray of int64
        Those of them that nobody serves any more.
    replaced : Siting or None
        The best answer without this site and with as many sites, where it was asked for.
    """

    site: int
    objective: float
    loss: float
    demand: Ints
    left: Ints
    replaced: Siting | None = None


@dataclass(frozen=True)
class Alternative:
    """A different answer that is nearly as good.

    Attributes
    ----------
    siting : Siting
    price : float
        How much worse its objective is, relative to the first answer's; negative if it is better, which
        can only happen where the first answer was not proven optimal.
    closed, opened : ndarray of int64
        Sites of the first answer that it does without, and the sites it uses in their place.
    """

    siting: Siting
    price: float
    closed: Ints
    opened: Ints

    @property
    def sites(self) -> Ints:
        """Its sites."""
        return self.siting.sites

    @property
    def objective(self) -> float:
        """Its objective."""
        return self.siting.objective


class Behind(Protocol):
    """What a model must offer so that its answer can be questioned afterwards."""

    @property
    def sense(self) -> Sense:
        """Whether the objective is maximised or minimised."""
        ...

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """Objective and assignment (n_demand,) of any set of sites."""
        ...

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Solve once more with further sites forbidden and distance kept from earlier answers."""
        ...

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """How the sites serve one demand."""
        ...


@dataclass(frozen=True, eq=False)
class Siting:
    """An answer with its certificate. Immutable.

    Attributes
    ----------
    model : str
        ``"mclp"``, ``"p_median"``, …
    sites : ndarray of int64, shape (n_open,)
        Indexes of the sites to use, ascending.
    units : ndarray of int64, shape (n_open,)
        Units at each of them.
    assignment : ndarray of int64, shape (n_demand,)
        The site that serves each demand, -1 where none does.
    objective : float
        In the model's own unit (see the model); NaN where it is infeasible.
    bound : float
        Proven: no answer can be better than this.
    gap : float
        ``|objective - bound| / |objective|``.
    status : str
        ``"optimal"``: the bound proves it within 1e-6. ``"within_gap"``: proven as near as was asked.
        ``"time_limit"``: the best found when the time (or the patience of whoever cancelled) ran out.
        ``"infeasible"``: proven that there is no answer; see `message`, `unreachable`, `relaxation`.
    seconds : float
        Wall time of the whole call.
    history : tuple of Moment
        (time_s, objective, bound) at each improvement.
    message : str
        One sentence where there is something to say: why it is infeasible, who cancelled.
    unreachable : ndarray of int64
        The demands that make it infeasible.
    relaxation : mapping of str to float
        The smallest change that would make it feasible: ``{"reach": 612.0}``, ``{"p": 7}``, …
    details : mapping
        What the model adds: sizes after reduction, phases, covered shares.
    """

    model: str
    sites: Ints
    units: Ints
    assignment: Ints
    objective: float
    bound: float
    gap: float
    status: Status
    seconds: float
    history: tuple[Moment, ...] = ()
    message: str = ""
    unreachable: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    relaxation: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    behind: Behind | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("sites", "units", "assignment", "unreachable"):
            array = np.ascontiguousarray(getattr(self, name), dtype=np.int64).view()
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.sites)

    def without(self, site: int, *, reoptimise: bool = False, time_limit_s: float = 10.0) -> Loss:
        """What is lost if one of the sites closes.

        Parameters
        ----------
        site : int
            One of `sites`.
        reoptimise : bool
            Also look for the best answer without it, with as many sites as now.
        time_limit_s : float
            For that search.

        Raises
        ------
        AnlanError
            If the site is not one of the answer's.
        """
        behind = self._behind()
        if site not in self.sites:
            raise AnlanError(
                f"site {site}", "only a site that is open can close", "name one of the answer's sites"
            )
        objective, assignment = behind.evaluate(self.sites[self.sites != site])
        served = np.flatnonzero(self.assignment == site)
        worse = self.objective - objective if behind.sense == "max" else objective - self.objective
        replaced = None
        if reoptimise:
            replaced = behind.again(
                forbidden=np.array([site], np.int64),
                apart=(),
                time_limit_s=time_limit_s,
                gap=0.0,
                start=self.sites[self.sites != site],
            )
        return Loss(int(site), objective, max(0.0, worse), served, served[assignment[served] < 0], replaced)

    def alternatives(
        self, k: int = 3, *, swaps: int = 1, time_limit_s: float = 10.0, gap: float = 0.0
    ) -> tuple[Alternative, ...]:
        """The best answers that differ from this one and from each other.

        Each one leaves out at least ``swaps`` of this answer's sites, and of every earlier
        alternative's (a no-good cut per answer in the same exact model).

        Parameters
        ----------
        k : int
            How many; fewer come back where there are no more.
        swaps : int
            How many sites at least must differ.
        time_limit_s, gap : float
            For each of them.
        """
        behind = self._behind()
        if swaps < 1 or swaps > max(1, len(self.sites)):
            raise AnlanError(
                f"swaps = {swaps}",
                f"between 1 and the answer's {len(self.sites)} sites can differ",
                "choose a number in between",
            )
        found: list[Alternative] = []
        apart: list[Apart] = [(self.sites, swaps)]
        for _ in range(k):
            other = behind.again(
                forbidden=np.empty(0, np.int64),
                apart=tuple(apart),
                time_limit_s=time_limit_s,
                gap=gap,
                start=self.sites,
            )
            if other.status == "infeasible" or not len(other.sites):
                break
            apart.append((other.sites, swaps))
            worse = (
                self.objective - other.objective
                if behind.sense == "max"
                else other.objective - self.objective
            )
            found.append(
                Alternative(
                    other,
                    worse / abs(self.objective) if self.objective else (0.0 if worse == 0 else math.inf),
                    np.setdiff1d(self.sites, other.sites),
                    np.setdiff1d(other.sites, self.sites),
                )
            )
        return tuple(found)

    def explain(self, demand: int) -> Explanation:
        """How one demand is served, by whom, who would come next, and why not if it is not.

        Raises
        ------
        AnlanError
            If there is no such demand.
        """
        behind = self._behind()
        if not 0 <= demand < len(self.assignment):
            raise AnlanError(
                f"demand {demand}",
                f"demands are numbered from 0 to {len(self.assignment) - 1}",
                "choose one of them",
            )
        return behind.explain(self.sites, int(demand))

    def _behind(self) -> Behind:
        if self.behind is None or self.status == "infeasible":
            raise AnlanError(
                f"this {self.model} answer",
                "questions need a feasible answer that still has its model",
                "solve it again with a relaxation that makes it feasible",
            )
        return self.behind


def relative_gap(objective: float, bound: float) -> float:
    """``|objective - bound| / |objective|``; 0 where both are equal, infinite where one is missing."""
    if objective == bound:
        return 0.0
    if not (math.isfinite(objective) and math.isfinite(bound)):
        return math.inf
    return abs(objective - bound) / abs(objective) if objective else math.inf


def conclude(
    model: str,
    sense: Sense,
    *,
    sites: ArrayLike,
    assignment: ArrayLike,
    objective: float,
    bound: float,
    asked_gap: float,
    seconds: float,
    units: ArrayLike | None = None,
    history: Sequence[Moment] = (),
    message: str = "",
    details: Mapping[str, Any] | None = None,
    behind: Behind | None = None,
) -> Siting:
    """The answer with the status that its numbers prove; the only place where a status is decided.

    Parameters
    ----------
    model, sense : str
    sites, assignment, units, objective, bound, history, message, details, behind
        As in `Siting`; ``sites`` in any order (``units`` in the same one; one each where left out).
    asked_gap : float
        The relative gap that was asked for.
    seconds : float

    Raises
    ------
    ArithmeticError
        If the objective is beyond the bound by more than rounding: a defect in a bound, never hidden.
    """
    order = np.argsort(np.asarray(sites, dtype=np.int64), kind="stable")
    chosen = np.asarray(sites, dtype=np.int64)[order]
    per_site = np.ones(len(chosen), np.int64) if units is None else np.asarray(units, dtype=np.int64)[order]
    beyond = objective - bound if sense == "max" else bound - objective
    if beyond > 0.0:
        if beyond > 1e-5 * max(1.0, abs(objective)):
            raise ArithmeticError(f"{model}: objective {objective!r} is beyond its bound {bound!r}")
        bound = objective
    gap = relative_gap(objective, bound)
    status: Status = "time_limit"
    if gap <= PROOF:
        status = "optimal"
    elif gap <= asked_gap:
        status = "within_gap"
    moments = [Moment(*m) for m in history if math.isfinite(m[1])]
    moments.append(Moment(seconds, objective, bound))
    return Siting(
        model=model,
        sites=chosen,
        units=per_site,
        assignment=np.asarray(assignment, dtype=np.int64),
        objective=float(objective),
        bound=float(bound),
        gap=float(gap),
        status=status,
        seconds=float(seconds),
        history=tuple(moments),
        message=message,
        details=dict(details or {}),
        behind=behind,
    )


def infeasible(
    model: str,
    *,
    n_demand: int,
    seconds: float,
    message: str,
    unreachable: ArrayLike = (),
    relaxation: Mapping[str, float] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Siting:
    """The answer that says there is none, which demand is to blame and what would help."""
    empty = np.empty(0, np.int64)
    return Siting(
        model=model,
        sites=empty,
        units=empty,
        assignment=np.full(n_demand, -1, np.int64),
        objective=math.nan,
        bound=math.nan,
        gap=math.inf,
        status="infeasible",
        seconds=seconds,
        message=message,
        unreachable=np.asarray(unreachable, dtype=np.int64),
        relaxation=dict(relaxation or {}),
        details=dict(details or {}),
    )
