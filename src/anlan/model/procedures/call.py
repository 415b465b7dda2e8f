"""A call for help, from the first ring to the call-back.

States follow the field's usual ones; the disposition says how it ended and is kept apart from the state. Units
work on a call through `task`s, one each: a second unit never sets the call back, and a call whose last unit is gone
without having cleared it stands in the queue again.
"""

from anlan.core.text import Text
from anlan.model.procedure import START, SYSTEM, Deadline, Field, Procedure, State, Then, Transition

DESK = ("dispatcher", "commander")

SOURCES = {
    "reported": Text("群众报警", "reported by the public"),
    "discovered": Text("民警发现", "discovered by officers"),
    "device": Text("设备报警", "device"),
    "unknown": Text("不详", "unknown"),
}
DISPOSITIONS = {
    "resolved": Text("已处置", "dealt with"),
    "mediated": Text("已调解", "mediated"),
    "handed_over": Text("已移交", "handed over to another office"),
    "no_finding": Text("未发现异常", "nothing found"),
    "false_alarm": Text("误报", "false alarm"),
    "cancelled": Text("报警人取消", "cancelled by the caller"),
    "duplicate": Text("重复报警", "reported twice"),
    "advice": Text("电话答复", "advice by telephone"),
}
PRIORITY = Field(Text("优先级", "Priority"), "whole", True, least=1, most=9)
PLACE = {
    "category": Field(Text("类别", "Category"), required=True, most=60),
    "place": Field(Text("位置", "Place"), "place"),
    "address": Field(Text("地址描述", "Where, in words"), most=300),
}

CALL = Procedure(
    name="call",
    label=Text("警情", "Call"),
    states={
        "received": State(Text("已接警", "Received")),
        "queued": State(Text("待派警", "Queued")),
        "assigned": State(Text("已派警", "Assigned")),
        "en_route": State(Text("途中", "En route")),
        "on_scene": State(Text("已到场", "On scene")),
        "cleared": State(Text("已结警", "Cleared"), open=False),
        "merged": State(Text("已并警", "Merged"), open=False),
    },
    transitions={
        "receive": Transition(
            Text("接警", "Receive"),
            {START: "received"},
            (*DESK, "officer", SYSTEM),
            PLACE
            | {
                "priority": PRIORITY,
                "source": Field(Text("来源", "Source"), "choice", choices=SOURCES),
                "narrative": Field(Text("警情描述", "What is said"), personal=True, most=4000),
                "caller": Field(Text("报警人", "Caller"), personal=True, most=200),
                "callback": Field(Text("回拨号码", "Number to call back"), personal=True, most=40),
                "alarm": Field(Text("关联报警", "Alarm"), "subject"),
            },
            tells=("dispatcher",),
        ),
        "triage": Transition(
            Text("研判", "Triage"),
            {"received": "queued", "queued": "queued", "assigned": "assigned", "en_route": "en_route",
             "on_scene": "on_scene"},
            DESK,
            {
                "category": Field(Text("类别", "Category"), most=60),
                "priority": Field(Text("优先级", "Priority"), "whole", least=1, most=9),
                "place": PLACE["place"],
                "address": PLACE["address"],
            },
        ),
        "note": Transition(
            Text("补充", "Add a note"),
            {s: s for s in ("received", "queued", "assigned", "en_route", "on_scene", "cleared")},
            (*DESK, "officer"),
            {"note": Field(Text("内容", "Note"), required=True, personal=True, most=4000)},
        ),
        "unit_assigned": Transition(
            Text("派警", "A unit was assigned"),
            {"received": "assigned", "queued": "assigned", "assigned": "assigned", "en_route": "en_route",
             "on_scene": "on_scene"},
            (SYSTEM,),
            {
                "task": Field(Text("任务", "Task"), "subject", True),
                "unit": Field(Text("警力", "Unit"), required=True),
            },
            adds="task",
        ),
        "unit_en_route": Transition(
            Text("出动", "A unit is on its way"),
            {"assigned": "en_route", "en_route": "en_route", "on_scene": "on_scene"},
            (SYSTEM,),
        ),
        "unit_on_scene": Transition(
            Text("到场", "A unit is there"),
            {"assigned": "on_scene", "en_route": "on_scene", "on_scene": "on_scene"},
            (SYSTEM,),
        ),
        "unit_gone": Transition(
            Text("警力撤离", "A unit is no longer on it"),
            {s: s for s in ("assigned", "en_route", "on_scene", "cleared")},
            (SYSTEM,),
            {"task": Field(Text("任务", "Task"), "subject", True)},
            drops="task",
            idle_paths={"assigned": "queued", "en_route": "queued", "on_scene": "queued"},
            tells=("dispatcher",),
        ),
        "unit_done": Transition(
            Text("处置完毕", "A unit has finished"),
            {s: s for s in ("assigned", "en_route", "on_scene")},
            (SYSTEM,),
            {"task": Field(Text("任务", "Task"), "subject", True)},
            drops="task",
            tells=("dispatcher",),
        ),
        "waiting_long": Transition(
            Text("候派超时", "Waiting too long"),
            {"received": "received", "queued": "queued"},
            (SYSTEM,),
            tells=("commander",),
        ),
        "clear": Transition(
            Text("结警", "Clear"),
            dict.fromkeys(("received", "queued", "assigned", "en_route", "on_scene"), "cleared"),
            (*DESK, "officer"),
            {
                "disposition": Field(Text("处置结果", "Disposition"), "choice", True, choices=DISPOSITIONS),
                "report": Field(Text("处警记录", "Report"), personal=True, most=8000),
            },
            needs_idle=True,
        ),
        "merge": Transition(
            Text("并警", "Merge into another call"),
            {"received": "merged", "queued": "merged"},
            DESK,
            {"into": Field(Text("并入", "Into"), "subject", True)},
            then=(Then("into", "merged_in", {"from": "subject"}),),
        ),
        "merged_in": Transition(
            Text("并入警情", "Another call was merged in"),
            {s: s for s in ("received", "queued", "assigned", "en_route", "on_scene")},
            (SYSTEM,),
            {"from": Field(Text("来自", "From"), "subject", True)},
        ),
        "split": Transition(
            Text("拆分", "Split off a call"),
            {"merged": "queued"},
            DESK,
            {"reason": Field(Text("原因", "Reason"), required=True, most=300)},
            tells=("told",),
        ),
        "reopen": Transition(
            Text("重新打开", "Reopen"),
            {"cleared": "queued"},
            DESK,
            {"reason": Field(Text("原因", "Reason"), required=True, most=300)},
            tells=("told", "actor:clear"),
        ),
        "survey": Transition(
            Text("回访", "Call back"),
            {"cleared": "cleared"},
            ("inspector", "commander"),
            {
                "reached": Field(Text("是否接通", "Reached"), "flag", True),
                "satisfied": Field(Text("满意度（1–5）", "Satisfied, 1 to 5"), "whole", least=1, most=5),
                "remark": Field(Text("意见", "Remark"), personal=True, most=2000),
            },
            differs_from=("clear",),
        ),
    },
    deadlines={
        "waiting": Deadline(
            ("received", "queued"), 900.0, "waiting_long", by="priority", per={"1": 60.0, "2": 180.0, "3": 600.0}
        )
    },
)  # fmt: skip
