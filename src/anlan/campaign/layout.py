"""Where the units should wait: the present layout's units at the posts that cover most demand soonest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from anlan.campaign.options import PlanOptions
from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.text import Text
from anlan.model import Demand, Plan
from anlan.siting.places import candidate_sites
from anlan.siting.stations import StationPlan, plan_stations
from anlan.siting.table import site_rows
from anlan.siting.words import MODELS, certificate, exchange, figure, missed

ALTERNATIVES = 2
"""How many other layouts the report names."""

DIFFERENT = 10
"""One post in so many must differ."""

WIDE_GAP = 0.1
"""Gap at which the search for an alternative stops."""


@dataclass(frozen=True)
class Answer:
    """What the siting model certified: its value, the bound no layout can pass, and the gap between."""

    objective: float
    bound: float
    gap: float
    status: str
    seconds: float
    model: str = "mclp"


@dataclass(frozen=True)
class Closing:
    """What is lost when one post closes and the others take over.

    Attributes
    ----------
    loss_share : float
        Of the objective.
    unserved : float
        Calls a week that would be beyond the last ring.
    """

    loss_share: float
    unserved: float


@dataclass(frozen=True)
class Other:
    """Another layout that is nearly as good: what it does without, what it uses instead, at what price."""

    closed: tuple[str, ...]
    opened: tuple[str, ...]
    price: float


@dataclass(frozen=True, eq=False)
class Proposal:
    """A proposed layout.

    Attributes
    ----------
    plan : Plan
    siting : Answer
        The certificate.
    candidates : int
        How many places were considered.
    served : sequence of float
        Calls a week for which each post of the plan is the nearest, in the order of the plan's sites.
    present_objective : float
        The objective of the present stations with the same measure.
    demand : float
        Calls a week, all of which a perfect layout would reach within the shortest ring.
    kept, closed : int
        Present stations that stay posts, and those that do not.
    closing : sequence of Closing
        For each post of the plan, in the order of the plan's sites.
    others : sequence of Other
    """

    plan: Plan
    siting: Answer
    candidates: int
    served: Sequence[float]
    present_objective: float
    demand: float
    kept: int = 0
    closed: int = 0
    closing: Sequence[Closing] = ()
    others: Sequence[Other] = ()

    def facts(self) -> dict[str, Any]:
        """For the plan's provenance; `of_plan` reads them back."""
        return {
            "answer": asdict(self.siting),
            "candidates": self.candidates,
            "served": [round(float(s), 3) for s in self.served],
            "present_objective": self.present_objective,
            "demand": self.demand,
            "kept": self.kept,
            "closed": self.closed,
            "closing": [asdict(c) for c in self.closing],
            "others": [asdict(o) for o in self.others],
        }

    @classmethod
    def of_plan(cls, plan: Plan) -> Proposal:
        """A proposal from a plan that carries its facts."""
        facts: Mapping[str, Any] = plan.provenance["siting"]
        return cls(
            plan,
            Answer(**facts["answer"]),
            facts["candidates"],
            facts["served"],
            facts["present_objective"],
            facts["demand"],
            facts.get("kept", 0),
            facts.get("closed", 0),
            [Closing(**c) for c in facts.get("closing", ())],
            [Other(tuple(o["closed"]), tuple(o["opened"]), o["price"]) for o in facts.get("others", ())],
        )

    def story(self, rings_s: Sequence[float]) -> list[Text]:
        """The choice in words: model, number, certificate, present layout, closings, other choices."""
        s = self.siting
        out = [
            Text(
                "{model}：从 {candidates} 个候选地点中选出 {posts} 个备勤点（{kept} 个是现有驻点，{closed} 个现有驻点"
                "不再备勤），使 {names} 分钟各圈内覆盖的警情最多，内圈权重更高。",
                "{model}: {posts} posts were chosen from {candidates} candidate places ({kept} are present stations; "
                "{closed} stations are no post) so that as many calls as possible lie within the {names}-minute "
                "rings, inner rings counting more.",
            ).format(
                model=Text(MODELS[s.model].zh, MODELS[s.model].en.capitalize()),
                candidates=self.candidates,
                posts=len(self.plan.sites),
                kept=self.kept,
                closed=self.closed,
                names="/".join(f"{r / 60:g}" for r in rings_s),
            ),
            certificate(s.model, s.objective, s.bound, s.gap, s.status, self.demand),
            Text("现有布局按同一标准：{v}。", "By the same measure the present layout reaches {v}.").format(
                v=figure(s.model, self.present_objective, self.demand)
            ),
        ]
        if len(self.closing) > 1:
            out.append(missed([str(i) for i in self.plan.sites.id], [c.loss_share for c in self.closing]))
        out += [exchange(k, o.closed, o.opened, o.price) for k, o in enumerate(self.others, 1)]
        return out


def propose(city: City, demand: Demand, present: Plan, options: PlanOptions, job: Job) -> Proposal:
    """Choose a post for each unit of the present plan.

    Raises
    ------
    AnlanError
        If the present plan has no units.
    """
    n_units = len(present.units)
    if not n_units:
        raise AnlanError(
            "the present layout", "it has no units to place", "give stations a capacity", code="no_units"
        )
    stations = present.sites.take(present.sites.edge >= 0)
    candidates = candidate_sites(city, demand, stations, limit=options.candidates)
    found = plan_stations(
        city,
        demand,
        p=min(n_units, len(candidates)),
        present=present,
        candidates=candidates,
        gap=options.gap,
        time_limit_s=options.siting_s,
        seed=options.seed,
        job=job,
    )
    return _proposal(city, found, options, job)


def _proposal(city: City, found: StationPlan, options: PlanOptions, job: Job) -> Proposal:
    """The answer, what closing each post would cost, and other layouts."""
    s, ids = found.siting, found.candidates.id
    job.check()
    # A wide gap is reached long before the clock, so that a seed gives one report; the price is measured
    # against the first answer, whose bound holds for every other one.
    apart = max(1, len(s.sites) // DIFFERENT)
    others = s.alternatives(ALTERNATIVES, swaps=apart, time_limit_s=options.siting_s, gap=WIDE_GAP)
    losses = [s.without(int(site)) for site in s.sites]
    rows = site_rows(city, found, losses)[: len(s.sites)]
    return Proposal(
        plan=found.plan,
        siting=Answer(s.objective, s.bound, s.gap, s.status, s.seconds, found.model),
        candidates=len(found.candidates),
        served=found.served.tolist(),
        present_objective=found.present_objective or 0.0,
        demand=float(found.weight.sum()),
        kept=len(found.kept),
        closed=len(found.closed),
        closing=[Closing(r.loss_share or 0.0, r.unserved_a_week or 0.0) for r in rows],
        others=[
            Other(tuple(str(i) for i in ids[o.closed]), tuple(str(i) for i in ids[o.opened]), o.price)
            for o in others
        ],
    )
