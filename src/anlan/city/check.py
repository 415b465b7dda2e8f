"""The data-quality report of a city: what was read and dropped, and what is wrong with what there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from anlan.city.add_calls import read_loads
from anlan.city.call_quality import CallQuality, call_findings, measure_calls
from anlan.city.city import City
from anlan.city.finding import SEVERITIES, Finding
from anlan.city.ground_quality import GroundQuality, ground_findings, measure_ground
from anlan.city.readers.reasons import reason_text
from anlan.city.settings import Provenance
from anlan.core.job import Job

_LAYER_NAMES = {
    "roads": ("roads", "道路"),
    "areas": ("areas", "辖区"),
    "sites": ("sites", "点位"),
    "lines": ("lines", "水系"),
    "calls": ("calls", "警情"),
}


_ASSUMED = {
    "priorities_blank": ("no priority, the usual one assumed", "没有优先级，按默认值处理"),
    "priorities_out_of_range": (
        "a priority that is none from 1 to 9, the usual one assumed",
        "优先级不在 1–9 之内，按默认值处理",
    ),
    "areas_unknown": (
        "an area the city does not have, replaced by the one found from the place",
        "所写辖区不在城市中，已按位置归入辖区",
    ),
}
"""Findings of the readers that say how many calls took another value than the table's."""


@dataclass(frozen=True)
class LayerQuality:
    """One layer of a city.

    Attributes
    ----------
    rows : int
        That it holds.
    dropped : int or None
        Source rows that did not get in; None where that was not recorded.
    source, licence, attribution, note : str
        Its provenance.
    """

    rows: int
    dropped: int | None
    source: str
    licence: str
    attribution: str
    note: str


@dataclass(frozen=True)
class LoadedFiles:
    """The files of calls that were added to a city, together.

    Attributes
    ----------
    files : tuple of str
    rows, added, updated, already_there : int
    dropped : mapping of str to int
        Reason → rows.
    duplicates : int
        Rows that repeat an earlier row of their file.
    times : mapping of str to mapping of str to int
        Time → why it was set to missing → calls.
    assumed : mapping of str to int
        Code of the reader's finding → calls that took another value than the table's.

    Notes
    -----
    A file that was added again, by its digest, counts once: what was read and dropped is the later
    reading's, what was updated or there already the first one's.
    """

    files: tuple[str, ...] = ()
    rows: int = 0
    added: int = 0
    updated: int = 0
    already_there: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0
    times: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    assumed: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, loads: list[dict[str, Any]]) -> LoadedFiles:
        """Sum the accounts that `anlan.city.add_calls` wrote."""
        dropped: Counter[str] = Counter()
        times: dict[str, Counter[str]] = {}
        assumed: Counter[str] = Counter()
        firsts: dict[str, dict[str, Any]] = {}
        lasts: dict[str, dict[str, Any]] = {}
        for load in loads:
            key = load["sha256"] or load["name"]
            firsts.setdefault(key, load)
            lasts[key] = load
        for load in lasts.values():
            assumed.update({f["code"]: f["count"] for f in load["findings"] if f["code"] in _ASSUMED})
            dropped.update(load["dropped"])
            for name, counts in load["read"]["times"].items():
                times.setdefault(name, Counter()).update({k: n for k, n in counts.items() if k != "missing"})
        return cls(
            tuple(load["read"]["file"] for load in lasts.values()),
            sum(load["read"]["rows"] for load in lasts.values()),
            sum(load["added"] for load in loads),
            sum(load["updated"] for load in firsts.values()),
            sum(load["already_there"] for load in firsts.values()),
            dict(dropped.most_common()),
            sum(load["read"]["duplicates"] for load in lasts.values()),
            {name: dict(counts) for name, counts in times.items() if counts},
            dict(assumed),
        )


@dataclass(frozen=True)
class QualityReport:
    """The data-quality report.

    Attributes
    ----------
    name_zh, name_en, state : str
    layers : mapping of str to LayerQuality
    files : LoadedFiles
    calls : CallQuality
    ground : GroundQuality
    findings : tuple of Finding
        Worst first.
    """

    name_zh: str
    name_en: str
    state: str
    layers: Mapping[str, LayerQuality]
    files: LoadedFiles
    calls: CallQuality
    ground: GroundQuality
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> str:
        """The worst severity found."""
        return max((f.severity for f in self.findings), key=SEVERITIES.index, default="ok")

    def dropped_by_layer(self) -> dict[str, int]:
        """Layer → source rows that did not get in, for the layers where that was recorded."""
        return {name: layer.dropped for name, layer in self.layers.items() if layer.dropped is not None}

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json`` and the web."""
        return {
            "name_zh": self.name_zh,
            "name_en": self.name_en,
            "state": self.state,
            "worst": self.worst,
            "layers": {name: asdict(layer) for name, layer in self.layers.items()},
            "files": asdict(self.files),
            "calls": self.calls.to_dict(),
            "ground": asdict(self.ground),
            "findings": [f.to_dict() for f in self.findings],
        }

    def text(self, language: str = "en") -> str:
        """The report as plain text in ``zh`` or ``en``."""
        zh = language.startswith("zh")
        names = (self.name_zh, self.name_en) if zh else (self.name_en, self.name_zh)
        out = [f"{names[0] or names[1]} [{self.state}]", ""]
        out += [self._layer_line(name, zh) for name in self.layers]
        if self.files.files:
            out += ["", *self._file_lines(zh)]
        if self.calls.rows:
            out += ["", *self.calls.lines(language)]
        out += ["", *self.ground.lines(language), ""]
        return "\n".join([*out, *(f.line(language) for f in self.findings)])

    def _layer_line(self, name: str, zh: bool) -> str:
        layer = self.layers[name]
        line = f"{_LAYER_NAMES[name][zh]:<6} {layer.rows:>10,}"
        if layer.dropped:
            line += f"  （剔除 {layer.dropped:,}）" if zh else f"  ({layer.dropped:,} dropped)"
        origin = ", ".join(filter(None, (layer.source, layer.licence, layer.attribution)))
        return line + (f"  {origin}" if origin else "")

    def _file_lines(self, zh: bool) -> list[str]:
        f = self.files
        gone = sum(f.dropped.values())
        files = "file" if len(f.files) == 1 else "files"
        head = (
            f"警情文件 {len(f.files)} 个：读取 {f.rows:,} 行，新增 {f.added:,}，更新 {f.updated:,}，"
            f"已有 {f.already_there:,}，剔除 {gone:,}"
            if zh
            else f"{len(f.files)} {files} of calls: {f.rows:,} rows read, {f.added:,} added,"
            f" {f.updated:,} updated, {f.already_there:,} already there, {gone:,} dropped"
        )
        language = "zh" if zh else "en"
        return [head, *(f"  {n:,} × {reason_text(r, language)}" for r, n in f.dropped.items())]


def check(city: City, *, job: Job | None = None) -> QualityReport:
    """Look a city over: its layers, its calls, how they lie on the roads.

    Parameters
    ----------
    city : City
    job : Job, optional

    Returns
    -------
    QualityReport
    """
    job = job or Job()
    with job.stage("roads, areas, sites"):
        ground = measure_ground(city)
    with job.stage("calls"):
        files = LoadedFiles.of(read_loads(city.folder))
        calls = measure_calls(city)
    job.check()
    findings = [*_file_findings(files), *call_findings(calls), *ground_findings(ground)]
    if city.settings.state == "SAMPLED":
        findings.append(
            Finding(
                "note",
                "sampled",
                "The calls are SAMPLED from a model; no real call and no real place is described.",
                "警情为按模型抽样生成（SAMPLED），不描述任何真实警情或地点。",
            )
        )
    findings.sort(key=lambda f: -SEVERITIES.index(f.severity))
    return QualityReport(
        city.settings.name_zh,
        city.settings.name_en,
        city.settings.state,
        _layers(city, files),
        files,
        calls,
        ground,
        tuple(findings),
    )


def _layers(city: City, files: LoadedFiles) -> dict[str, LayerQuality]:
    report = city.report
    out: dict[str, LayerQuality] = {}
    for name, noun in (
        ("roads", city.roads),
        ("areas", city.areas),
        ("sites", city.sites),
        ("lines", city.lines),
        ("calls", city.calls),
    ):
        origin = city.settings.layers.get(name, Provenance())
        dropped: int | None = None
        if report is not None and name in report.readings:
            reading = report.readings[name]
            dropped = len(reading.dropped) or max(reading.rows - reading.kept, 0)
        if name == "calls" and files.files:
            dropped = sum(files.dropped.values())
        if len(noun) or dropped:
            out[name] = LayerQuality(
                len(noun), dropped, origin.source, origin.licence, origin.attribution, origin.note
            )
    return out


def _file_findings(files: LoadedFiles) -> list[Finding]:
    out: list[Finding] = []
    gone = sum(files.dropped.values())
    if gone:
        share = gone / files.rows if files.rows else 0.0
        reasons = ", ".join(f"{n:,} × {reason_text(r)}" for r, n in list(files.dropped.items())[:3])
        in_chinese = "、".join(f"{reason_text(r, 'zh')}（{n:,}）" for r, n in list(files.dropped.items())[:3])
        out.append(
            Finding(
                "warning" if share > 0.01 else "note",
                "rows_dropped",
                f"Rows that became no call: {gone:,} of {files.rows:,} ({share:.1%}): {reasons}; they are in"
                " the folder `dropped` with their reasons.",
                f"{files.rows:,} 行中有 {gone:,} 行（{share:.1%}）未成为警情：{in_chinese}；"
                "已连同原因存入 dropped 文件夹。",
                gone,
            )
        )
    for code, n in files.assumed.items():
        english, chinese = _ASSUMED[code]
        out.append(Finding("note", code, f"Calls with {english}: {n:,}.", f"{chinese}：{n:,} 条。", n))
    impossible = sum(n for of in files.times.values() for n in of.values())
    if impossible:
        out.append(
            Finding(
                "warning",
                "times_impossible",
                f"Times in the files that were unreadable or impossible: {impossible:,}, set to missing.",
                f"文件中有 {impossible:,} 个时间无法识别或不可能，已置为缺失。",
                impossible,
            )
        )
    return out


def share_text(part: float, whole: float) -> str:
    """A share for a sentence; no share of nothing."""
    return f"{part / whole:.1%}" if whole and np.isfinite(part) else "0%"
