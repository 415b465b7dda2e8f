"""The main job: load → analyse → site → simulate → report."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anlan import __version__
from anlan.campaign import proof as proving
from anlan.campaign.analysis import Analysis, analyse
from anlan.campaign.compile import compile_findings
from anlan.campaign.findings import Findings
from anlan.campaign.layout import Proposal, propose
from anlan.campaign.options import PlanOptions
from anlan.campaign.proof import Proof, prove
from anlan.campaign.report.render import render
from anlan.campaign.stages import Stages, fingerprint
from anlan.city.check import check
from anlan.city.city import City
from anlan.city.present import present_plan
from anlan.city.warm import warm
from anlan.core.errors import AnlanError
from anlan.core.files import replacing
from anlan.core.job import Job
from anlan.core.text import Language
from anlan.model import Plan


@dataclass(frozen=True, eq=False)
class PlanResult:
    """What the main job leaves behind.

    Attributes
    ----------
    out : Path
    findings : Findings
        What the report says.
    proposal : Proposal
    proof : Proof
    """

    out: Path
    findings: Findings
    proposal: Proposal
    proof: Proof

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        siting = self.proposal.siting
        return {
            "report": str(self.out / "report.html"),
            "plan": str(self.out / "plan"),
            "state": self.findings.state,
            "headline": {"zh": self.findings.headline.zh, "en": self.findings.headline.en},
            "siting": {
                "posts": len(self.proposal.plan.sites),
                "objective": siting.objective,
                "bound": siting.bound,
                "gap": siting.gap,
                "status": siting.status,
            },
            "measures": [
                {
                    "name": m.name.en,
                    "present": m.present,
                    "proposed": m.proposed,
                    "difference": m.difference,
                    "interval": [m.low, m.high],
                    "verdict": m.verdict,
                }
                for m in self.findings.measures
            ],
        }

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"[{self.findings.state}] {self.findings.headline.en}",
            f"[{self.findings.state}] {self.findings.headline.zh}",
            f"report: {self.out / 'report.html'}",
            f"plan:   {self.out / 'plan'}",
        ]


def plan_city(
    city: City,
    out: Path,
    options: PlanOptions | None = None,
    *,
    language: Language = "zh",
    fresh: bool = False,
    job: Job | None = None,
) -> PlanResult:
    """Plan a city.

    Parameters
    ----------
    city : City
        A city folder with roads, stations and calls.
    out : Path
        Gets ``report.html``, ``plan/``, ``present/``, ``sites.csv`` and ``outcomes.parquet``.
    options : PlanOptions, optional
    language : {"zh", "en"}
        Language the report opens in.
    fresh : bool
        Do every stage again, even those finished earlier for the same inputs.
    job : Job, optional

    Raises
    ------
    AnlanError
        If the city has no stations or too few calls.
    Cancelled
        If the job is stopped; finished stages are kept and not done again.
    """
    options, job, out = options or PlanOptions(), job or Job(), Path(out)
    if city.folder is None:
        raise AnlanError("a city that was not saved", "a plan refers to a folder", "save the city first")
    if out.exists() and not out.is_dir():
        raise AnlanError(f"{out}", "the output is a folder", "name another with --out", code="not_a_folder")
    with job.stage("load", 2):
        warm(job)
        stages = Stages(out, {"city": fingerprint(city.folder), "options": options.as_dict()}, fresh=fresh)
        present = present_plan(city)
        job.update(1)
        quality = check(city, job=None)
    with job.stage("analyse", 1.0):
        analysis = analyse(city, options, job)
    with job.stage("site", 1.0):
        proposal = _site(stages, city, analysis, present, options, out, job)
    with job.stage("simulate"):
        proof = _simulate(stages, city, analysis, present, proposal, options, out, job)
    with job.stage("report", 2):
        findings = compile_findings(city, quality, analysis, present, proposal, proof, options)
        job.update(1)
        _write(out, findings, language)
    return PlanResult(out, findings, proposal, proof)


def _site(
    stages: Stages,
    city: City,
    analysis: Analysis,
    present: Plan,
    options: PlanOptions,
    out: Path,
    job: Job,
) -> Proposal:
    if stages.done("site", "plan/plan.toml", "present/plan.toml"):
        return Proposal.of_plan(Plan.load(out / "plan"))
    proposal = propose(city, analysis.demand, present, options, job)
    job.check()
    origin = {
        "anlan": __version__,
        "city": city.name("en"),
        "state": city.settings.state,
        "seed": options.seed,
        "method": "maximal covering over the response rings",
    }
    plan = replace(proposal.plan, provenance={**origin, "siting": proposal.facts()})
    plan.save(out / "plan")
    replace(present, provenance={**present.provenance, **origin, "method": "as it is"}).save(out / "present")
    stages.finish("site")
    return replace(proposal, plan=plan)


def _simulate(
    stages: Stages,
    city: City,
    analysis: Analysis,
    present: Plan,
    proposal: Proposal,
    options: PlanOptions,
    out: Path,
    job: Job,
) -> Proof:
    path = out / "outcomes.parquet"
    if stages.done("simulate", path.name):
        return proving.load(path, analysis.held_out, city, options.seed)
    proof = prove(city, analysis, present, proposal.plan, options, job)
    job.check()
    proving.save(proof, path)
    stages.finish("simulate")
    return proof


def _write(out: Path, findings: Findings, language: Language) -> None:
    with replacing(out / "report.html") as path:
        path.write_text(render(findings, language), encoding="utf-8")
    with replacing(out / "sites.csv") as path, path.open("w", encoding="utf-8-sig", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(
            [
                "id",
                "units",
                "longitude",
                "latitude",
                "area_zh",
                "area_en",
                "street",
                "nearest_calls_a_week",
                "lost_if_closed",
            ]
        )
        for p in findings.posts:
            writer.writerow(
                [
                    p.id,
                    p.units,
                    f"{p.lon:.6f}",
                    f"{p.lat:.6f}",
                    p.area.zh,
                    p.area.en,
                    p.street,
                    f"{p.served:.2f}",
                    p.loss,
                ]
            )
