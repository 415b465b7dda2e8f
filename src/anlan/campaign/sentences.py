"""The report's sentences: what was found, said in both languages from the figures."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from anlan import __version__
from anlan.campaign.analysis import Analysis
from anlan.campaign.findings import Note
from anlan.campaign.layout import Proposal
from anlan.campaign.naming import days
from anlan.campaign.options import PlanOptions
from anlan.campaign.proof import Proof
from anlan.campaign.surveyed import Survey
from anlan.city.city import City
from anlan.core.text import Text
from anlan.evaluation.paired import Change
from anlan.siting.words import DRIVING

LAYERS = {
    "roads": Text("道路", "Roads"),
    "areas": Text("辖区", "Areas"),
    "sites": Text("站点", "Sites"),
    "lines": Text("水系", "Waterways and shores"),
    "calls": Text("警情", "Calls"),
}


def headline(mean: Change, share: Change, ring_s: float, n_units: int) -> Text:
    """The answer in one sentence, with the intervals of what it claims."""
    figures = {
        "units": n_units,
        "m0": f"{mean.first / 60:.2f}",
        "m1": f"{mean.second / 60:.2f}",
        "mean": _interval(mean, 1 / 60, 2),
        "share": _share_claim(share, ring_s),
    }
    if mean.real and mean.difference < 0:
        return Text(
            "同样 {units} 组警力，改到建议的备勤点待命：平均到场从 {m0} 分缩短到 {m1} 分（差值的 95% 区间：{mean} 分）；"
            "{share}。",
            "The same {units} units, waiting at the proposed posts: mean response falls from {m0} to {m1} "
            "minutes (95 % interval of the difference {mean}); {share}.",
        ).format(**figures)
    if mean.real:
        return Text(
            "建议的备勤点未能缩短平均到场时间：从 {m0} 分变为 {m1} 分（差值的 95% 区间：{mean} 分）；{share}。",
            "The proposed posts do not shorten mean response: it goes from {m0} to {m1} minutes (95 % interval "
            "of the difference {mean}); {share}.",
        ).format(**figures)
    return Text(
        "建议的备勤点与现状的平均到场时间无法分辨：{m0} 分与 {m1} 分（差值的 95% 区间：{mean} 分）；{share}。",
        "The mean response of the proposed posts cannot be told apart from the present layout's: {m1} and {m0} "
        "minutes (95 % interval of the difference {mean}); {share}.",
    ).format(**figures)


def _share_claim(share: Change, ring_s: float) -> Text:
    """What may be claimed of the share reached within a ring: no more than its interval supports."""
    figures = {
        "ring": f"{ring_s / 60:g}",
        "before": f"{share.first:.1%}",
        "after": f"{share.second:.1%}",
        "interval": _interval(share, 100.0, 1),
    }
    if share.real:
        return Text(
            "{ring} 分钟内到场比例从 {before} 变为 {after}（差值的 95% 区间：{interval} 个百分点）",
            "{after} of calls are reached within {ring} minutes instead of {before} (95 % interval of the "
            "difference {interval} points)",
        ).format(**figures)
    return Text(
        "{ring} 分钟内到场比例看不出差别（{before} 与 {after}，差值的 95% 区间：{interval} 个百分点）",
        "in the share reached within {ring} minutes there is no difference that can be told ({before} and {after}, "
        "95 % interval of the difference {interval} points)",
    ).format(**figures)


def _interval(change: Change, scale: float, digits: int) -> str:
    low, high = (f"{scale * v:+.{digits}f}".replace("-", "−") for v in change.interval)
    return f"{low} … {high}"


def siting_text(proposal: Proposal, rings: tuple[float, ...]) -> Text:
    """What siting chose, by which model, and how much better any other choice could be."""
    said = [*proposal.story(rings)[:3], DRIVING]
    return Text("".join(t.zh for t in said), " ".join(t.en for t in said))


def siting_notes(proposal: Proposal, rings: tuple[float, ...]) -> list[Text]:
    """What closing a post would cost, and which other layouts are nearly as good."""
    return proposal.story(rings)[3:]


def proof_text(proof: Proof, analysis: Analysis, tz: ZoneInfo) -> Text:
    """How the plan was proven."""
    begin, end = days(analysis.test, tz)
    left = proof.unserved
    zh = f"另有 {left} 起无法到达，未计入。" if left else ""
    en = f" {left} calls could not be reached and are left out." if left else ""
    before = len(analysis.warm_up)
    rest = f"此前一天的 {before:,} 起只用来让仿真城市忙起来（预热），不计入结果。" if before else ""
    more = (
        f" The {before:,} calls of the day before were played too, to fill the simulated city (warm-up), and are "
        "in no result."
        if before
        else ""
    )
    return Text(
        f"重放 {begin} 至 {end} 的 {len(proof.calls):,} 起警情：派最近的空闲警力，全忙则排队。"
        f"两种布局面对同样的警情、同样的随机数，只有待命地点不同。{zh}{rest}",
        f"{len(proof.calls):,} calls from {begin} to {end} were replayed: the closest idle unit goes, and calls "
        "queue when none is idle. Both layouts face the same calls and the same random numbers; only where "
        f"units wait differs.{en}{more}",
    )


def method(
    city: City, analysis: Analysis, proposal: Proposal, options: PlanOptions, weeks: float
) -> list[Note]:
    """Method, seed, versions and provenance, line by line."""
    out = [
        Note(
            Text("需求", "Demand"),
            Text(
                f"{weeks:.0f} 周群众报警；{options.cell_m:g} 米网格；区间为泊松率的 Jeffreys 后验。",
                f"{weeks:.0f} weeks of calls reported by the public; {options.cell_m:g} m cells; intervals from "
                "the Jeffreys posterior of a Poisson rate.",
            ),
        ),
        *survey_notes(analysis.survey),
        Note(
            Text("出行时间", "Travel times"),
            Text(
                "有向路网上的最短时间，紧急模式去、普通模式回；道路等级默认速度，除非城市文件另有规定。",
                "Shortest times on the directed network, with lights to a call and ordinarily back; road-class "
                "default speeds unless the city says otherwise.",
            ),
        ),
        Note(
            Text("选址", "Siting"),
            Text(
                "多圈最大覆盖模型（Church 与 ReVelle 1974），贪心加交换搜索，拉格朗日上界。",
                "Maximal covering over several rings (Church & ReVelle 1974), greedy and interchange search, "
                "Lagrangian bound.",
            ),
        ),
        Note(
            Text("区间", "Intervals"),
            Text(
                "按日成对自助法（999 次），重复仿真一并抽取。",
                "Paired bootstrap over days (999 draws), replications drawn along.",
            ),
        ),
        Note(Text("随机种子", "Seed"), str(options.seed)),
    ]
    return out + origins(city)


def origins(city: City) -> list[Note]:
    """Versions and provenance, line by line."""
    s = city.settings
    out = [
        Note(Text("版本", "Version"), f"Anlan {__version__}"),
        Note(Text("坐标系", "Coordinate system"), s.crs),
        Note(Text("时区", "Time zone"), s.time_zone),
    ]
    for layer, origin in s.layers.items():
        text = "; ".join(t for t in (origin.source, origin.licence, origin.note) if t)
        if text:
            name = LAYERS.get(layer, Text(layer, layer))
            out.append(Note(Text(f"出处：{name.zh}", f"Provenance: {name.en}"), text))
    return out


def survey_notes(found: Survey) -> list[Note]:
    """How the survey was made, line by line."""
    o = found.options
    return [
        Note(
            Text("突出类别", "What stands out"),
            Text(
                "与往年同期相比：灵活 Farrington 算法（Noufaily 等 2013），负二项预测区间，节假日与不完整周已校正；"
                "对全部“类别 × 辖区”按 Benjamini–Hochberg 控制错误发现率。",
                "Against the same season of earlier years: flexible Farrington algorithm (Noufaily et al. 2013), negative "
                "binomial prediction intervals, holidays and partial weeks allowed for; false-discovery rate over all pairs "
                "of category and area (Benjamini & Hochberg 1995).",
            ),
        ),
        Note(
            Text("热点", "Hot spots"),
            Text(
                f"Getis–Ord Gi*（{o.cell_m:g} 米网格，半径两格；路段与相邻路段），错误发现率 5%；变化类别由各步 Gi* 与 "
                "Mann–Kendall 趋势检验得出。",
                f"Getis–Ord Gi* on {o.cell_m:g} m cells (radius two cells) and on street segments (with adjoining ones), "
                "false-discovery rate 5 %; classes of change from Gi* step by step and the Mann–Kendall trend test.",
            ),
        ),
        Note(
            Text("密度图", "Density map"),
            Text(
                f"高斯核密度，带宽 {o.bandwidth_m:g} 米。",
                f"Gaussian kernel density, bandwidth {o.bandwidth_m:g} m.",
            ),
        ),
        Note(
            Text("时空扫描", "Scans in space and time"),
            Text(
                f"Kulldorff 时空置换扫描（2005），前瞻式，{o.scan_cell_m:g} 米六边形网格，半径至多 {o.scan_radius_m:g} 米；"
                f"{o.replications} 次置换，Gumbel p 值，按扫描个数校正。",
                f"Kulldorff's space–time permutation scan (2005), prospective, {o.scan_cell_m:g} m hexagons, radius at most "
                f"{o.scan_radius_m:g} m; {o.replications} permutations, Gumbel p-values adjusted for the number of scans.",
            ),
        ),
        Note(
            Text("重点部位", "Targets"),
            Text(
                "按衰减计数与周边密度的伽马–泊松收缩估计排序（Clayton 与 Kaldor 1987）；留出周检验，区间取按周自助法与"
                "精确二项区间中较宽者；报警差异的敏感性分析依 Akpinar 等（2021）。",
                "Ranked by aged counts shrunk to the density around (gamma–Poisson, Clayton & Kaldor 1987); tested on "
                "held-out weeks, with the wider of a bootstrap over weeks and the exact binomial interval; sensitivity to "
                "unequal reporting after Akpinar et al. (2021).",
            ),
        ),
        Note(
            Text("集中度", "Concentration"),
            Text(
                "广义基尼系数（Bernasco 与 Steenbeek 2017），泊松自助区间。",
                "Generalised Gini coefficient (Bernasco & Steenbeek 2017), Poisson bootstrap intervals.",
            ),
        ),
    ]


def caveats(city: City, proof: Proof) -> list[Text]:
    """What a reader must know before using the figures."""
    out = [*sampled(city), REPORTED]
    out.append(
        Text(
            "仿真只比较两种布局，绝对数值取决于速度和处置时长的假设。",
            "The simulation compares two layouts; absolute figures depend on assumed speeds and durations.",
        )
    )
    return out + list(proof.assumptions)


REPORTED = Text(
    "热点反映报警，不反映全部发生的事；各地报警意愿不同。",
    "Hot spots show what was reported, not all that happened; willingness to report differs by place.",
)


def sampled(city: City) -> list[Text]:
    """That nothing here describes a real place, where that is so."""
    if city.settings.state != "SAMPLED":
        return []
    return [
        Text(
            "警情、站点和辖区是抽样或按规则生成的，只有道路是真实的：结论展示方法，不可用于真实部署。",
            "Calls, stations and areas are sampled or made by rule; only the roads are real. The findings show "
            "the method and are no basis for a real deployment.",
        )
    ]


def attribution(city: City) -> Text:
    """The lines that must be shown wherever the layers are."""
    lines = [p.attribution for p in city.settings.layers.values() if p.attribution]
    text = " · ".join(dict.fromkeys(lines))
    return Text(text, text)
