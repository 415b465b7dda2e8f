"""`anlan evaluate`: the account of a campaign as a report with its map, tables and GeoJSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from anlan import __version__
from anlan.campaign.account import Accounted, AccountOptions, account_for, facts
from anlan.campaign.account_findings import ROLES, AccountFindings, tell
from anlan.campaign.report.render import render
from anlan.campaign.survey_tables import write_csv, write_geojson
from anlan.city.city import City
from anlan.core.errors import AnlanError
from anlan.core.files import replacing
from anlan.core.job import Job
from anlan.core.plain import plain
from anlan.core.text import LANGUAGES, Language
from anlan.core.time import DAY_S, to_datetime


@dataclass(frozen=True, eq=False)
class EvaluateResult:
    """What an account leaves behind."""

    out: Path
    files: Sequence[str]
    found: Accounted
    findings: AccountFindings

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "report": str(self.out / "report.html"),
            "files": list(self.files),
            "state": self.findings.state,
            "headline": {"zh": self.findings.headline.zh, "en": self.findings.headline.en},
            **facts(self.found),
            "warnings": [{"zh": w.zh, "en": w.en} for w in self.findings.warnings],
        }

    def lines(self) -> list[str]:
        """For people."""
        state = self.findings.state
        told = self.findings
        out = [
            f"[{state}] {text.of(lang)}" for lang in LANGUAGES[::-1] for text in (told.headline, told.verdict)
        ]
        out += [
            f"  {row.name.en}: {row.told}, p {row.p if row.p.startswith('<') else '= ' + row.p}"
            for row in self.findings.comparisons
        ]  # fmt: skip
        out += [f"warning: {w.en}" for w in self.findings.warnings]
        tables = ", ".join(name for name in self.files if name != "report.html")
        return [*out, f"report: {self.out / 'report.html'}", f"tables: {tables} in {self.out}"]


def evaluate_city(
    city: City,
    out: Path,
    options: AccountOptions,
    *,
    language: Language = "zh",
    job: Job | None = None,
) -> EvaluateResult:
    """Account for a campaign in a city and write the report and its tables.

    Parameters
    ----------
    city : City
    out : Path
        Gets ``report.html``, ``account.json``, ``comparisons.csv``, ``weekly.csv`` and ``areas.geojson``.
    options : AccountOptions
    language : {"zh", "en"}
        Language the report opens in.
    job : Job, optional

    Raises
    ------
    AnlanError
        See `account_for`.
    """
    job, out = job or Job(), Path(out)
    if out.exists() and not out.is_dir():
        raise AnlanError(f"{out}", "the output is a folder", "name another with --out", code="not_a_folder")
    with job.stage("compare", 1.0):
        found = account_for(city, options, job)
    with job.stage("report", 1.0):
        findings = tell(city, found, options)
        files = _write(city, found, findings, out, language)
    return EvaluateResult(out, files, found, findings)


def _write(
    city: City, found: Accounted, findings: AccountFindings, out: Path, language: Language
) -> list[str]:
    account = found.account
    with replacing(out / "account.json") as path:
        path.write_text(
            json.dumps(
                plain({"anlan": __version__, "state": findings.state, **facts(found)}),
                ensure_ascii=False,
                indent=1,
            ),
            encoding="utf-8",
        )
    write_csv(
        out / "comparisons.csv",
        ["method", "name_zh", "name_en", "applies", "estimate", "low", "high", "p", "unit", "why_zh", "why_en"],
        (
            [
                f.method, f.name.zh, f.name.en, int(f.applies),
                *(_cell(v) for v in (f.estimate, *f.interval, f.p_value)), f.unit, f.why.zh, f.why.en,
            ]
            for f in account.findings
        ),
    )  # fmt: skip
    monday = to_datetime(found.window[0] + DAY_S / 2, city.tz).date()
    weeks = [(monday + timedelta(days=7 * k)).isoformat() for k in range(account.weekly.shape[1])]
    write_csv(
        out / "weekly.csv",
        ["area", "name_zh", "name_en", "role", *weeks],
        (
            [code, found.zones.named(code).zh, found.zones.named(code).en, found.role(code),
             *(f"{v:g}" for v in account.weekly[k].tolist())]
            for k, code in enumerate(account.areas)
        ),
    )  # fmt: skip
    features = []
    for code, shape in sorted(found.zones.shapes.items()):
        back = shapely.transform(
            shape, lambda p: np.round(np.stack(city.unproject(p[:, 0], p[:, 1]), axis=1), 6)
        )
        name, role = found.zones.named(code), found.role(code)
        features.append(
            {
                "type": "Feature",
                "id": code,
                "properties": {
                    "name_zh": name.zh, "name_en": name.en, "role": role, "role_zh": ROLES[role].zh,
                    "role_en": ROLES[role].en,
                },
                "geometry": shapely.geometry.mapping(back),
            }
        )  # fmt: skip
    write_geojson(out / "areas.geojson", features)
    with replacing(out / "report.html") as path:
        path.write_text(render(findings, language, "account.html.j2"), encoding="utf-8")
    return ["report.html", "account.json", "comparisons.csv", "weekly.csv", "areas.geojson"]


def _cell(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
