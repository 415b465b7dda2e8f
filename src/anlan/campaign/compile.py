"""Results to findings: every figure of the report, written out once, in both languages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from anlan import __version__
from anlan.campaign import drawings, sentences
from anlan.campaign.alternatives import compile_alternatives
from anlan.campaign.analysis import Analysis
from anlan.campaign.findings import (
    AreaRow,
    Findings,
    HourRow,
    LayerRow,
    MeasureRow,
    PostRow,
    QualityRow,
    Verdict,
)
from anlan.campaign.layout import Proposal
from anlan.campaign.naming import area_name, days, street_name
from anlan.campaign.options import PlanOptions
from anlan.campaign.proof import Proof
from anlan.campaign.report.maps import Base
from anlan.campaign.survey_findings import tell
from anlan.city.areas import assign
from anlan.city.check import QualityReport
from anlan.city.city import City
from anlan.core.text import Text
from anlan.evaluation.paired import Change, Measure, Paired
from anlan.model import Plan

_SHOWN_AREAS = 18


def compile_findings(
    city: City,
    quality: QualityReport,
    analysis: Analysis,
    present: Plan,
    proposal: Proposal,
    proof: Proof,
    options: PlanOptions,
) -> Findings:
    """Everything the report shows."""
    settings = city.settings
    rings = settings.rings_s
    paired, calls = proof.paired()
    measures: dict[str, Measure] = {
        "mean": ("mean", 0.0),
        "median": ("quantile", 0.5),
        "p90": ("quantile", 0.9),
    }
    measures |= {f"within_{ring:g}": ("share", ring) for ring in rings}
    changes = paired.all(measures)
    rows = [_minutes(_MEASURES[k], changes[k]) for k in ("mean", "median", "p90")]
    rows += [_share(_within(ring), changes[f"within_{ring:g}"]) for ring in rings]
    middle = rings[min(1, len(rings) - 1)]
    in_middle = changes[f"within_{middle:g}"]
    received = city.calls.received
    area_rows, area_points = _areas(city, paired, calls.area, rings)
    hour_rows, hour_lines = _hours(paired, drawings.hour_of_day(calls, city.tz))
    base = Base.of(city.roads, analysis.learnt.x, analysis.learnt.y)
    weeks = analysis.demand.weeks
    served = proof.served
    response = {k: proof.response_s(k)[:, served].ravel() for k in ("present", "proposed")}
    return Findings(
        title=Text(f"{city.name('zh')}：警力部署方案", f"{city.name('en')}: where units should stand"),
        state=settings.state,
        period=days((float(np.nanmin(received)), float(np.nanmax(received))), city.tz),
        n_calls=len(city.calls),
        symbol=Markup(base.symbol()),
        headline=sentences.headline(changes["mean"], in_middle, middle, len(present.units)),
        cards=[rows[0], rows[2], _share(_within(middle), in_middle)],
        replications=proof.replications,
        test_weeks=options.test_weeks,
        layers=layer_rows(city, quality),
        quality=[QualityRow(f.severity, Text(f.zh, f.en)) for f in quality.findings if f.severity != "ok"],
        n_train=int((analysis.learnt.source == "reported").sum()),
        train=days(analysis.train, city.tz),
        cell_m=int(options.cell_m),
        survey=tell(city, analysis.survey, base),
        siting_text=sentences.siting_text(proposal, rings),
        siting_notes=sentences.siting_notes(proposal, rings),
        site_map=drawings.site_map(base, present, proposal),
        proof_text=sentences.proof_text(proof, analysis, city.tz),
        measures=rows,
        curve_chart=drawings.curve(response, rings),
        hour_chart=drawings.hours(hour_lines),
        area_chart=drawings.areas(area_points[:_SHOWN_AREAS]),
        areas_shown=min(_SHOWN_AREAS, len(area_rows)),
        areas=area_rows,
        hours=hour_rows,
        alternatives=compile_alternatives(
            proof, rings[-1], drawings.hour_of_day(calls, city.tz), _by_area(city, calls.area)
        ),
        rings=[f"{ring / 60:g}" for ring in rings],
        posts=_posts(city, proposal),
        method=sentences.method(city, analysis, proposal, options, weeks),
        caveats=sentences.caveats(city, proof),
        attribution=sentences.attribution(city),
        version=__version__,
    )


_MEASURES = {
    "mean": Text("平均到场时间（分）", "Mean response (minutes)"),
    "median": Text("中位到场时间（分）", "Median response (minutes)"),
    "p90": Text("第 90 百分位到场时间（分）", "90th percentile of response (minutes)"),
}


def _within(ring_s: float) -> Text:
    minutes = f"{ring_s / 60:g}"
    return Text(f"{minutes} 分钟内到场比例", f"Share reached within {minutes} min")


def _signed(value: float, digits: int) -> str:
    """A signed figure; what rounds to zero has no sign."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text


def _minutes(name: Text, change: Change) -> MeasureRow:
    return MeasureRow(
        name,
        f"{change.first / 60:.2f}",
        f"{change.second / 60:.2f}",
        _signed(change.difference / 60, 2),
        _signed(change.interval[0] / 60, 2),
        _signed(change.interval[1] / 60, 2),
        _verdict(change, less_is_better=True),
    )


def _share(name: Text, change: Change) -> MeasureRow:
    return MeasureRow(
        name,
        f"{change.first:.1%}",
        f"{change.second:.1%}",
        _signed(100 * change.difference, 1),
        _signed(100 * change.interval[0], 1),
        _signed(100 * change.interval[1], 1),
        _verdict(change, less_is_better=False),
    )


def _verdict(change: Change, *, less_is_better: bool) -> Verdict:
    if not change.real:
        return "unclear"
    return "better" if (change.difference < 0) == less_is_better else "worse"


def layer_rows(city: City, quality: QualityReport) -> list[LayerRow]:
    """What was loaded and dropped, by layer."""
    out = []
    dropped = quality.dropped_by_layer()
    for layer, facts in city.info()["layers"].items():
        source = ", ".join(t for t in (facts.get("source", ""), facts.get("licence", "")) if t)
        out.append(LayerRow(sentences.LAYERS[layer], int(facts["rows"]), dropped.get(layer), source))
    return out


def _areas(
    city: City, paired: Paired, area: NDArray[np.object_], rings: Sequence[float]
) -> tuple[list[AreaRow], list[tuple[Text, float, float]]]:
    """The table by area, and the points of its chart."""
    codes, inverse, counts = np.unique(area.astype(str), return_inverse=True, return_counts=True)
    rows, points = [], []
    for k in np.argsort(-counts, kind="stable").tolist():
        use = inverse == k
        mean = paired.change(("mean", 0.0), use)
        shares = [paired.change(("share", ring), use) for ring in rings]
        name = area_name(city, str(codes[k]))
        rows.append(
            AreaRow(
                name,
                int(counts[k]),
                f"{mean.first / 60:.2f}",
                f"{mean.second / 60:.2f}",
                _with_interval(mean),
                tuple(f"{s.first:.0%} → {s.second:.0%}" for s in shares),
            )
        )
        points.append((name, mean.first / 60, mean.second / 60))
    return rows, points


def _by_area(city: City, area: NDArray[np.object_]) -> list[tuple[Text, NDArray[np.bool_]]]:
    """Names of the areas and their calls, most calls first."""
    codes, inverse, counts = np.unique(area.astype(str), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable").tolist()
    return [(area_name(city, str(codes[k])), inverse == k) for k in order]


def _with_interval(change: Change) -> str:
    low, high = (v / 60 for v in change.interval)
    return f"{_signed(change.difference / 60, 2)} [{_signed(low, 2)}, {_signed(high, 2)}]"


def _hours(paired: Paired, hour: NDArray[np.int64]) -> tuple[list[HourRow], NDArray[np.float64]]:
    """The table by hour, and the lines of its chart: (2 layouts, value/low/high, 24), minutes."""
    rows = []
    lines = np.full((2, 3, 24), np.nan)
    for h in range(24):
        use = hour == h
        change = paired.change(("mean", 0.0), use)
        for side in range(2):
            lines[side, :, h] = np.array(paired.level(side, use)) / 60
        rows.append(
            HourRow(
                f"{h:02d}–{h + 1:02d}",
                int(use.sum()),
                f"{change.first / 60:.2f}",
                f"{change.second / 60:.2f}",
                _with_interval(change),
            )
        )
    return rows, lines


def _posts(city: City, proposal: Proposal) -> list[PostRow]:
    sites, posts = proposal.plan.sites, proposal.plan.posts
    units = dict(zip(posts.site.tolist(), posts.units.tolist(), strict=True))
    codes = assign(city.areas, sites.lon, sites.lat, None)
    rows = [
        PostRow(
            str(sites.id[k]),
            int(units.get(sites.id[k], 0)),
            float(sites.lon[k]),
            float(sites.lat[k]),
            area_name(city, str(codes[k])),
            street_name(city, sites.positions, k),
            float(proposal.served[k]),
            f"{proposal.closing[k].loss_share:.2%}" if proposal.closing else "",
        )
        for k in range(len(sites))
    ]
    return sorted(rows, key=lambda row: -row.served)
