"""Layouts and standby rules beside each other: the gain by mean, by late share, by hour and area, and its cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from anlan.campaign.findings import AlternativeRow, Alternatives, GroupRow, Verdict
from anlan.campaign.proof import Burden, Proof
from anlan.core.text import Text
from anlan.evaluation.paired import Change, Paired

NAMES = {
    "present": Text("原驻点待命（现状）", "Waiting at the present stations"),
    "posts": Text(
        "现有驻点，轮换到建议备勤点待命", "From the present stations, standing by at the proposed posts"
    ),
    "dmexclp": Text("现有驻点间动态待命（DMEXCLP）", "Standing by in motion between the stations (DMEXCLP)"),
    "proposed": Text("常驻建议备勤点（方案）", "Based at the proposed posts (the plan)"),
}
SHORT = {
    "posts": Text("轮换备勤", "posts"),
    "dmexclp": Text("DMEXCLP", "DMEXCLP"),
    "proposed": Text("方案", "plan"),
}


def compile_alternatives(
    proof: Proof,
    late_s: float,
    hour: NDArray[np.int64],
    areas: Sequence[tuple[Text, NDArray[np.bool_]]],
) -> Alternatives:
    """Compare every layout and rule with the present layout.

    Parameters
    ----------
    late_s : float
        A call that waited longer was late; the last ring of the response standard.
    hour : ndarray of int, shape (n_served,)
        Local hour of each served call.
    areas : sequence of (Text, ndarray of bool)
        Name and served calls of each area, in the order to be shown.
    """
    names = [name for name in proof.layouts if name != "present"]
    paired = {name: proof.paired(name)[0] for name in names}
    means = {name: p.change(("mean", 0.0)) for name, p in paired.items()}
    within = {name: p.change(("share", late_s)) for name, p in paired.items()}
    first = names[-1]
    rows = [_row("present", means[first].first, within[first].first, None, None, proof.burden)]
    rows += [
        _row(name, means[name].second, within[name].second, means[name], within[name], proof.burden)
        for name in names
    ]
    return Alternatives(
        late=f"{late_s / 60:g}",
        rows=rows,
        columns=[SHORT[name] for name in names],
        hours=[
            _group(Text(f"{h:02d}–{h + 1:02d}", f"{h:02d}–{h + 1:02d}"), paired, hour == h) for h in range(24)
        ],
        areas=[_group(name, paired, use) for name, use in areas],
        text=_text(names, means, within, proof),
    )


def _row(
    name: str,
    mean_s: float,
    within: float,
    mean: Change | None,
    share: Change | None,
    burden: Mapping[str, Burden],
) -> AlternativeRow:
    b = burden.get(name)
    return AlternativeRow(
        name=NAMES[name],
        mean=f"{mean_s / 60:.2f}",
        mean_change="–" if mean is None else _change(mean, 1 / 60, 2),
        mean_verdict="unclear" if mean is None else _verdict(mean, 1),
        late=f"{1 - within:.1%}",
        late_change="–" if share is None else _change(share, -100.0, 1),
        late_verdict="unclear" if share is None else _verdict(share, -1),
        moves="–" if b is None else f"{b.moves_per_hour:.2f}",
        km="–" if b is None or not np.isfinite(b.km_per_day) else f"{b.km_per_day:.0f}",
        driving="–" if b is None else f"{60 * b.driving_share:.1f}",
        busy="–" if b is None else f"{b.busy_share:.0%}",
    )


def _group(name: Text, paired: dict[str, Paired], use: NDArray[np.bool_]) -> GroupRow:
    changes = [p.change(("mean", 0.0), use) for p in paired.values()]
    first = changes[0].first / 60
    return GroupRow(
        name,
        int(use.sum()),
        f"{first:.2f}" if np.isfinite(first) else "–",
        tuple(_change(c, 1 / 60, 2) for c in changes),
    )


def _text(names: list[str], means: dict[str, Change], within: dict[str, Change], proof: Proof) -> Text:
    """Which has the least mean, which the fewest late calls, and that they need not be the same."""
    quick = min(names, key=lambda n: means[n].second)
    sure = max(names, key=lambda n: within[n].second)
    out_zh, out_en = [], []
    if not means[quick].real or means[quick].difference >= 0:
        out_zh.append("没有一种做法的平均到场时间确实短于现状。")
        out_en.append("None has a mean response that is really shorter than the present one.")
    else:
        out_zh.append(f"平均到场最短：{NAMES[quick].zh}；")
        out_en.append(f"Shortest mean response: {_lower(NAMES[quick].en)}.")
        out_zh.append(f"超时最少：{NAMES[sure].zh}。")
        out_en.append(f"Fewest late calls: {_lower(NAMES[sure].en)}.")
    # A shorter mean and fewer calls in time, or the reverse.
    mixed = [
        n
        for n in names
        if means[n].real and within[n].real and (means[n].difference < 0) == (within[n].difference < 0)
    ]
    if mixed:
        out_zh.append("以下做法一项改善而另一项变差：" + "、".join(NAMES[n].zh for n in mixed) + "。")
        out_en.append(
            "Better in one and worse in the other: " + "; ".join(_lower(NAMES[n].en) for n in mixed) + "."
        )
    burden = proof.burden
    moving = [n for n in names if n in burden and burden[n].moves_per_hour > 0.005]
    if moving:
        out_zh.append("待命轮换要求警力空驶，见“移动”“行驶”两列：收益应与之一并权衡。")
        out_en.append(
            "Standing by in motion makes crews drive without a call (moves and driving): weigh it with the gain."
        )
    if {"present", "proposed"} <= set(proof.ready_s):
        now, plan = (f"{proof.ready_s[k] / 60:.2f}" for k in ("present", "proposed"))
        out_zh.append(
            f"假如最近的点上始终有警力待命，平均到场在现有驻点为 {now} 分、在建议备勤点为 {plan} 分："
            "与上表之差来自警力忙碌，靠更好的调度或更多警力才能减少。"
        )
        out_en.append(
            f"If the nearest place always had a unit standing ready, mean response would be {now} min from the "
            f"present stations and {plan} min from the proposed posts: what the table shows beyond that comes of "
            "busy units, and only better dispatch or more units can lessen it."
        )
    return Text("".join(out_zh), " ".join(out_en))


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _verdict(change: Change, sign: int) -> Verdict:
    if not change.real:
        return "unclear"
    return "better" if sign * change.difference < 0 else "worse"


def _change(change: Change, scale: float, digits: int) -> str:
    if not np.isfinite(change.difference):
        return "–"
    low, high = sorted(scale * v for v in change.interval)
    return f"{_signed(scale * change.difference, digits)} [{_signed(low, digits)}, {_signed(high, digits)}]"


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text
