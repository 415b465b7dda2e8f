"""Why: reasons as a code with its figures, and as a sentence in both languages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from anlan.core.text import Text

REASONS: Mapping[str, Text] = {
    # Sent, by the dispatch rules.
    "soonest": Text("最先到达，约 {eta_s:.0f} 秒。", "First to arrive, in {eta_s:.0f} s."),
    "own_area": Text(
        "本辖区（{area}）警力，比最快的晚 {later_s:.0f} 秒，在容许的 {tolerance_s:.0f} 秒内。",
        "Of the call's own area ({area}); {later_s:.0f} s later than the soonest, within the allowed "
        "{tolerance_s:.0f} s.",
    ),
    "other_area": Text(
        "外辖区警力：本辖区（{area}）无人可派，或要再晚 {tolerance_s:.0f} 秒以上。",
        "From another area: nobody of {area} can come, or only more than {tolerance_s:.0f} s later.",
    ),
    "bares_least": Text(
        "{within_s:.0f} 秒内能到，且离开后期望覆盖损失最小（{loss:.2f}）。",
        "Comes within {within_s:.0f} s, and its leaving costs least expected coverage ({loss:.2f}).",
    ),
    "nobody_in_time": Text(
        "无人能在 {within_s:.0f} 秒内到达；此警力最快。",
        "Nobody comes within {within_s:.0f} s; this one is the soonest.",
    ),
    "preferred": Text(
        "派警次序中第 {place} 位，为首个可派。", "Place {place} of the fixed order, the first that can come."
    ),
    # Ranked behind.
    "later": Text("比首选晚 {later_s:.0f} 秒。", "{later_s:.0f} s later than the first."),
    "sooner_other_area": Text(
        "比首选早 {sooner_s:.0f} 秒，但不是本辖区警力。",
        "{sooner_s:.0f} s sooner than the first, but of another area.",
    ),
    "sooner_bares_more": Text(
        "比首选早 {sooner_s:.0f} 秒，但离开后覆盖损失更大（{loss:.2f}）。",
        "{sooner_s:.0f} s sooner than the first, but its leaving costs more coverage ({loss:.2f}).",
    ),
    "sooner_less_preferred": Text(
        "比首选早 {sooner_s:.0f} 秒，但在派警次序中靠后。",
        "{sooner_s:.0f} s sooner than the first, but further down the fixed order.",
    ),
    # Not to be sent.
    "off_duty": Text("不在班或停用。", "Off duty or out of service."),
    "homebound": Text("已下班，正在返回。", "Its shift is over and it is driving home."),
    "busy": Text("正在处置警情 {call}。", "At work on call {call}."),
    "busy_otherwise": Text("正在处置。", "At work."),
    "this_call": Text("已派往此警情。", "Already sent to this call."),
    "paused": Text(
        "用餐或自行勤务中，此级警情不打断。",
        "At a meal or own work, which a call of this priority does not interrupt.",
    ),
    "no_position": Text("位置未知或不在路网上。", "Its position is unknown or off the network."),
    "skills": Text("缺少所需：{missing}。", "Lacks {missing}."),
    "shift_ends": Text(
        "{left_s:.0f} 秒后交班，只接更紧急的警情。",
        "Its shift ends in {left_s:.0f} s; it takes only more urgent calls.",
    ),
    "reserve": Text(
        "空闲警力只有 {free}，须留 {kept} 给更紧急的警情。",
        "{free} units are free and {kept} are kept back for more urgent calls.",
    ),
    "more_urgent": Text(
        "正赶往警情 {call}（{priority} 级），不得改派。",
        "On its way to call {call} (priority {priority}), which it may not be taken from.",
    ),
    "not_in_order": Text("不在此辖区的派警次序中。", "Not in this area's fixed order."),
    "unreachable": Text("没有道路可达。", "There is no way there by road."),
    # Standby.
    "go_home": Text("回本站 {post} 待命。", "Waits at its home {post}."),
    "covers_most": Text(
        "去 {post} 增加的期望覆盖最多（{gain:.2f}）。", "Adds most expected coverage at {post} ({gain:.2f})."
    ),
    "vacancy": Text(
        "空闲 {free} 个警力时应守 {post}，目前空缺，此警力最近。",
        "With {free} units free {post} is to be held, is vacant, and this unit is the nearest.",
    ),
    "next_stop": Text("巡区热点 {post} 最久未到。", "{post} has waited longest for a patrol of its beat."),
    "no_vacancy": Text("没有空缺的待命点，回本站 {post}。", "No post is vacant; waits at its home {post}."),
    "nowhere": Text("没有可去的待命点，也没有本站。", "There is no post to go to, and it has no home."),
    # Not moved.
    "stayed_too_short": Text(
        "不去 {post}：距上次调动 {stayed_s:.0f} 秒，未满 {limit_s:.0f} 秒。",
        "Not moved to {post}: {stayed_s:.0f} s after its last move, less than {limit_s:.0f} s.",
    ),
    "too_far": Text(
        "不去 {post}：行驶 {drive_s:.0f} 秒，超过 {limit_s:.0f} 秒。",
        "Not moved to {post}: a drive of {drive_s:.0f} s, more than {limit_s:.0f} s.",
    ),
    "moved_too_often": Text(
        "不去 {post}：本班已调动 {moves} 次，每小时至多 {limit:g} 次。",
        "Not moved to {post}: it was moved {moves} times this duty, and {limit:g} an hour are allowed.",
    ),
    "no_way": Text("不去 {post}：没有道路可达。", "Not moved to {post}: there is no way there by road."),
    "nobody_spare": Text("{post} 空缺，但没有富余警力。", "{post} is vacant, and no unit can be spared."),
}
"""Every reason that a decision can give, by code."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason: its code (a key of `REASONS`) and its figures.

    Attributes
    ----------
    code : str
    values : mapping
    """

    code: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def text(self) -> Text:
        """The sentence."""
        return REASONS[self.code].format(**self.values)


def plain(answer: Any) -> Any:
    """An answer as plain data for JSON: dictionaries and lists; texts as ``{"zh": …, "en": …}``; no inf or NaN."""
    if isinstance(answer, Text):
        return {"zh": answer.zh, "en": answer.en}
    if is_dataclass(answer):
        out = {f.name: plain(getattr(answer, f.name)) for f in fields(answer)}
        return {**out, "text": plain(answer.text)} if hasattr(answer, "text") else out
    if isinstance(answer, Mapping):
        return {str(k): plain(v) for k, v in answer.items()}
    if isinstance(answer, tuple | list):
        return [plain(v) for v in answer]
    if isinstance(answer, float) and not math.isfinite(answer):
        return None
    return answer
