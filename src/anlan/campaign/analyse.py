"""The analysis alone: what stands out and where, as a report, tables and GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from anlan import __version__
from anlan.campaign import sentences
from anlan.campaign.compile import layer_rows
from anlan.campaign.findings import LayerRow, Note, Page, QualityRow
from anlan.campaign.naming import days
from anlan.campaign.report.maps import Base
from anlan.campaign.report.render import render
from anlan.campaign.survey import survey
from anlan.campaign.survey_findings import tell
from anlan.campaign.survey_rows import SurveyFindings
from anlan.campaign.survey_tables import write_tables
from anlan.campaign.surveyed import Survey, SurveyOptions
from anlan.city.check import check
from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.core.files import replacing
from anlan.core.job import Job
from anlan.core.text import Language, Text


@dataclass(frozen=True)
class AnalysisFindings(Page):
    """Everything the analysis report shows."""

    survey: SurveyFindings
    layers: Sequence[LayerRow]
    quality: Sequence[QualityRow]


@dataclass(frozen=True, eq=False)
class AnalysisResult:
    """What an analysis leaves behind.

    Attributes
    ----------
    out : Path
    files : sequence of str
        In `out`.
    survey : Survey
    findings : AnalysisFindings
    """

    out: Path
    files: Sequence[str]
    survey: Survey
    findings: AnalysisFindings

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        told, found = self.findings.survey, self.survey
        proof = {} if found.aim is None else found.aim.chosen.proof
        return {
            "report": str(self.out / "report.html"),
            "files": list(self.files),
            "state": self.findings.state,
            "calls": told.n_calls,
            "from": told.window[0],
            "until": told.window[1],
            "answer": [{"zh": a.zh, "en": a.en} for a in told.answer],
            "prominent": [
                {
                    "category": str(p.category[k]), "area": str(p.place[k]), "weeks": int(p.weeks[k]),
                    "observed": float(p.observed[k]), "expected": float(p.expected[k]),
                    "interval": [float(p.low[k]), float(p.high[k])], "q": float(p.q[k]),
                    "sentence": {"zh": said.sentence.zh, "en": said.sentence.en},
                }
                for p in ([] if found.standing is None else [found.standing.found])
                for k, said in enumerate(told.prominent)
            ],
            "clusters": [
                {
                    "category": c.category, "observed": c.cluster.observed, "expected": c.cluster.expected,
                    "radius_m": c.cluster.radius, "q": c.q,
                }
                for c in ([] if found.clusters is None else found.clusters.found)
            ],
            "targets": {
                name: {
                    "hit_rate": a.hit_rate, "hit_rate_interval": a.hit_rate_interval, "pai": a.pai,
                    "pai_interval": a.pai_interval, "pei": a.pei, "pei_interval": a.pei_interval,
                }
                for name, a in proof.items()
            },
            "not_done": [
                {"part": m.part, "reason": {"zh": m.reason.zh, "en": m.reason.en}} for m in found.missing
            ],
        }  # fmt: skip

    def lines(self) -> list[str]:
        """For people."""
        state, told = self.findings.state, self.findings.survey
        out = [f"[{state}] {line.of(lang)}" for lang in ("en", "zh") for line in told.answer]
        out += [f"not done: {name.en}: {reason.en}" for name, reason in told.missing]
        tables = ", ".join(name for name in self.files if name != "report.html")
        return [*out, f"report: {self.out / 'report.html'}", f"tables: {tables} in {self.out}"]


def analyse_city(
    city: City,
    out: Path,
    options: SurveyOptions | None = None,
    *,
    window: tuple[float, float] | None = None,
    categories: Sequence[str] = (),
    language: Language = "zh",
    job: Job | None = None,
) -> AnalysisResult:
    """Analyse a city's calls and write the report and its tables.

    A job that is cancelled half-way writes what is finished; the caller learns of it from ``job``.

    Parameters
    ----------
    city : City
    out : Path
        Gets ``report.html``, CSV tables and GeoJSON files.
    options : SurveyOptions, optional
    window : (float, float), optional
        Only calls received in ``[from, to)``, Unix seconds.
    categories : sequence of str
        Only these; by default all.
    language : {"zh", "en"}
        Language the report opens in.
    job : Job, optional

    Raises
    ------
    AnlanError
        If there are no calls that the public reported, or a category is unknown.
    """
    options, job, out = options or SurveyOptions(), job or Job(), Path(out)
    if out.exists() and not out.is_dir():
        raise AnlanError(f"{out}", "the output is a folder", "name another with --out", code="not_a_folder")
    with job.stage("load", 1):
        quality = check(city, job=None)
    with job.stage("analyse", 1.0):
        found = survey(city, options, window=window, categories=categories, job=job)
    # A stopped job still gets its report: no more stages, whose beginning would ask it to stop again.
    base = Base.of(city.roads, found.recent.x, found.recent.y)
    told = tell(city, found, base)
    findings = AnalysisFindings(
        title=_title(city, categories),
        state=city.settings.state,
        period=told.window,
        n_calls=told.n_calls + sum(n for why, n in found.left_out.items() if why != "outside_window"),
        symbol=Markup(base.symbol()),
        method=method(city, found),
        caveats=caveats(city),
        attribution=sentences.attribution(city),
        version=__version__,
        survey=told,
        layers=layer_rows(city, quality),
        quality=[QualityRow(f.severity, Text(f.zh, f.en)) for f in quality.findings if f.severity != "ok"],
    )
    files = write_tables(city, found, out)
    with replacing(out / "report.html") as path:
        path.write_text(render(findings, language, "analysis.html.j2"), encoding="utf-8")
    return AnalysisResult(out, ["report.html", *files], found, findings)


def _title(city: City, categories: Sequence[str]) -> Text:
    from anlan.campaign.naming import category_name

    which = [category_name(city, name) for name in categories]
    zh, en = "、".join(t.zh for t in which), ", ".join(t.en for t in which)
    return Text(
        f"{city.name('zh')}：什么突出，哪里乱" + (f"（{zh}）" if zh else ""),
        f"{city.name('en')}: what stands out, and where" + (f" ({en})" if en else ""),
    )


def method(city: City, found: Survey) -> list[Note]:
    """Method, seed, versions and provenance, line by line."""
    begin, end = days(found.window, city.tz)
    return [
        Note(Text("时段", "Period"), f"{begin} … {end}"),
        *sentences.survey_notes(found),
        Note(Text("随机种子", "Seed"), str(found.options.seed)),
        *sentences.origins(city),
    ]


def caveats(city: City) -> list[Text]:
    """What a reader must know before using the figures."""
    return [*sentences.sampled(city), sentences.REPORTED]
