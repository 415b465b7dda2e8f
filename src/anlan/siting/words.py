"""An answer in words, in both languages: what was chosen, how good it is, what it would cost to differ."""

from __future__ import annotations

import math
from collections.abc import Sequence

from anlan.core.text import Text
from anlan.siting.answer import Alternative, Loss
from anlan.siting.measures import Measures
from anlan.siting.stations import StationPlan

STATUS = {
    "optimal": Text("已证明最优", "proven optimal"),
    "within_gap": Text("在要求的差距之内", "within the gap that was asked for"),
    "time_limit": Text("到时间限制为止的最好结果", "the best found in the time allowed"),
    "infeasible": Text("无解", "no answer exists"),
}
MODELS = {
    "mclp": Text("最大覆盖", "maximal covering"),
    "p_median": Text("最短平均行程（p-中位）", "shortest mean travel (p-median)"),
    "p_center": Text("最短最远行程（p-中心）", "shortest worst travel (p-centre)"),
    "lscp": Text("最少站点全覆盖", "fewest sites that cover everybody"),
    "mexclp": Text("考虑繁忙的期望覆盖", "expected covering with busy units"),
    "dsm": Text("双重标准覆盖", "double standard"),
}
DRIVING = Text(
    "这里的到达时间只是车程，从最近的站点算起，不含出动时间，也不计站点正忙；`anlan simulate` 会把两者算进去。",
    "Reach is driving time alone, from the nearest site as if it were free: turnout is not included. "
    "`anlan simulate` adds both.",
)
"""What siting times are and are not."""

NAMED = 3
"""So many exchanged sites are named one by one."""

OBJECTIVES = {
    "mclp": Text(
        "得分 {v:.1f}（每周警情，内圈权重更高）", "{v:.1f} (calls a week, inner rings counting more)"
    ),
    "p_median": Text("平均行程 {v:.3f} 分", "a mean travel of {v:.3f} min"),
    "p_center": Text("最远行程 {v:.3f} 分", "a worst travel of {v:.3f} min"),
    "lscp": Text("{v:.0f} 个站点", "{v:.0f} sites"),
    "mexclp": Text(
        "每周 {v:.1f} 起可望及时得到空闲警力", "{v:.1f} calls a week that find a free unit in reach"
    ),
    "dsm": Text("每周 {v:.1f} 起在两组警力范围内", "{v:.1f} calls a week within reach of two units"),
}


def figure(model: str, value: float, demand: float) -> Text:
    """An objective in people's units.

    Parameters
    ----------
    model : str
    value : float
    demand : float
        Calls a week, over which `p_median` is a mean.
    """
    return OBJECTIVES[model].format(v=_scaled(model, value, demand))


def _scaled(model: str, value: float, demand: float) -> float:
    if model == "p_median":
        return value / demand / 60.0 if demand else math.nan
    return value / 60.0 if model == "p_center" else value


def _bare(model: str, value: float, demand: float) -> Text:
    """The same without saying again what it is."""
    number = _scaled(model, value, demand)
    if model in ("p_median", "p_center"):
        return Text(f"{number:.3f} 分", f"{number:.3f} min")
    return (
        Text(f"{number:.0f}", f"{number:.0f}") if model == "lscp" else Text(f"{number:.1f}", f"{number:.1f}")
    )


def certificate(model: str, objective: float, bound: float, gap: float, status: str, demand: float) -> Text:
    """How good an answer is and how much better any other could be."""
    if not math.isfinite(bound):
        return Text(
            "目标值：{v}；计算时间内没有得到界（{status}）。",
            "It reaches {v}; no bound was found in time ({status}).",
        ).format(v=figure(model, objective, demand), status=STATUS[status])
    return Text(
        "目标值：{v}；任何方案都不会好过 {b}，最多还差 {gap:.2%}（{status}）。",
        "It reaches {v}; no choice can do better than {b}, so at most {gap:.2%} is left to gain ({status}).",
    ).format(
        v=figure(model, objective, demand),
        b=_bare(model, bound, demand),
        gap=gap,
        status=STATUS[status],
    )


def reached(measures: Measures, rings_s: Sequence[float]) -> Text:
    """Shares within the rings, mean and worst travel."""
    within = [
        Text("{m:g} 分内 {s:.1%}", "{s:.1%} within {m:g} min").format(m=ring / 60, s=share)
        for ring, share in zip(rings_s, measures.within, strict=True)
    ]
    parts = [
        *within,
    ]
    if math.isfinite(measures.mean_s):
        parts.append(Text("平均 {v:.2f} 分", "mean {v:.2f} min").format(v=measures.mean_s / 60))
        parts.append(Text("最远 {v:.1f} 分", "worst {v:.1f} min").format(v=measures.worst_s / 60))
    if measures.unreached > 0:
        share = "< 0.1%" if measures.unreached < 5e-4 else f"{measures.unreached:.1%}"
        parts.append(
            Text(
                "{s} 的警情所在处从这些站点无路可达（不计入平均与最远）",
                "{s} of calls lie where nobody can drive from these sites (not in the mean and the worst)",
            ).format(s=share)
        )
    return Text("、".join(p.zh for p in parts), ", ".join(p.en for p in parts))


def summary(
    found: StationPlan, losses: Sequence[Loss] = (), alternatives: Sequence[Alternative] = ()
) -> list[Text]:
    """The answer, sentence by sentence."""
    siting, total = found.siting, float(found.weight.sum())
    model = MODELS[found.model]
    if siting.status == "infeasible" or not len(siting.sites):
        out = [
            Text("{model}：无可行方案。{why}", "{model}: no answer. {why}").format(
                model=model, why=siting.message or "No site fits within the limits."
            )
        ]
        for what, value in siting.relaxation.items():
            out.append(
                Text(
                    "最小放宽：{what} = {v:g}。", "The smallest change that would do: {what} = {v:g}."
                ).format(what=what, v=value)
            )
        return out
    out = [
        Text(
            "{model}：从 {n} 个候选地点选出 {p} 个，{units} 组警力；{kept} 个现有站点保留，{new} 个新设，"
            "{closed} 个不再使用。",
            "{model}: {p} of {n} candidate sites for {units} units; {kept} present stations stay, {new} sites are "
            "new, {closed} stations are not used.",
        ).format(
            model=model,
            n=len(found.candidates),
            p=len(siting.sites),
            units=len(found.plan.units),
            kept=len(found.kept),
            new=len(found.new),
            closed=len(found.closed),
        ),
        certificate(found.model, siting.objective, siting.bound, siting.gap, siting.status, total),
    ]
    if siting.message:
        out.append(Text(siting.message, siting.message))
    if found.n_present:
        if found.present_objective is not None:
            out.append(
                Text(
                    "现有布局按同一标准：{v}。", "By the same measure the present layout reaches {v}."
                ).format(v=figure(found.model, found.present_objective, total))
            )
        out.append(Text("现状：{v}。", "Present: {v}.").format(v=reached(found.present, found.rings_s)))
    out.append(Text("建议：{v}。", "Proposed: {v}.").format(v=reached(found.proposed, found.rings_s)))
    out.append(DRIVING)
    if found.left_out > 0:
        out.append(
            Text(
                "另有每周 {v:.1f} 起警情不在路网旁，或任何候选地点都到不了，未计入。",
                "{v:.1f} calls a week lie off the streets or beyond every candidate, and are left out.",
            ).format(v=found.left_out)
        )
    if len(losses) > 1:
        out.append(closing(found, losses))
    for k, other in enumerate(alternatives, 1):
        out.append(alternative(found, other, k))
    return out


def closing(found: StationPlan, losses: Sequence[Loss]) -> Text:
    """Which site would be missed most, and which least."""
    scale = abs(found.siting.objective) or 1.0
    ids = [str(found.candidates.id[loss.site]) for loss in losses]
    return missed(ids, [loss.loss / scale for loss in losses])


def missed(ids: Sequence[str], shares: Sequence[float]) -> Text:
    """The sentence on the sites that would be missed most and least.

    Parameters
    ----------
    ids : sequence of str
    shares : sequence of float
        What is lost if each closes, as a share of the objective; infinite where somebody could not be served.
    """
    order = sorted(range(len(ids)), key=lambda k: (-shares[k], ids[k]))
    first, last = order[0], order[-1]
    return Text(
        "最不可缺的是 {a}（{x}），最可替代的是 {b}（{y}）。",
        "Closing {a} would cost most ({x}), closing {b} least ({y}).",
    ).format(a=ids[first], x=_lost(shares[first]), b=ids[last], y=_lost(shares[last]))


def _lost(share: float) -> Text:
    if not math.isfinite(share):
        return Text("撤销则有人得不到服务", "somebody could no longer be served")
    return Text(f"撤销则差 {share:.2%}", f"{share:.2%} of the objective")


def alternative(found: StationPlan, other: Alternative, number: int) -> Text:
    """What an alternative changes and costs."""
    ids = found.candidates.id
    return exchange(
        number, [str(i) for i in ids[other.closed]], [str(i) for i in ids[other.opened]], other.price
    )


def exchange(number: int, closed: Sequence[str], opened: Sequence[str], price: float) -> Text:
    """The sentence on an alternative: sites it does without, sites it uses instead, relative price."""
    if abs(price) < 5e-5:
        worse = Text("目标值几乎相同", "practically as good")
    else:
        word = Text("差 {v:.2%}", "{v:.2%} worse") if price > 0 else Text("好 {v:.2%}", "{v:.2%} better")
        worse = word.format(v=abs(price))
    if len(closed) > NAMED:
        return Text(
            "备选 {k}：换掉 {n} 个地点（{c} 等），{worse}。",
            "Alternative {k} moves {n} sites ({c} and others): {worse}.",
        ).format(k=number, n=len(closed), c=", ".join(closed[:NAMED]), worse=worse)
    return Text(
        "备选 {k}：以 {o} 代替 {c}，{worse}。", "Alternative {k}: {o} instead of {c}, {worse}."
    ).format(k=number, c=", ".join(closed) or "-", o=", ".join(opened) or "-", worse=worse)
