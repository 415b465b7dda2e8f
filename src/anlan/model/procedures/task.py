"""One unit's order: to a call, to a standby post, to hold where it is, to move, to a patrol stop (as in CoCeSo)."""

from anlan.core.text import Text
from anlan.model.procedure import START, SYSTEM, Deadline, Field, Procedure, State, Then, Transition

DESK = ("dispatcher", "commander")
KINDS = {
    "call": Text("处警", "Call"),
    "standby": Text("备勤", "Standby"),
    "hold": Text("原地待命", "Hold position"),
    "relocate": Text("转移", "Relocate"),
    "patrol": Text("巡逻", "Patrol"),
}
_GONE = Then("call", "unit_gone", {"task": "subject"}, optional=True)

TASK = Procedure(
    name="task",
    label=Text("任务", "Task"),
    states={
        "assigned": State(Text("已下达", "Assigned")),
        "accepted": State(Text("已接受", "Accepted")),
        "en_route": State(Text("途中", "En route")),
        "on_scene": State(Text("已到达", "On scene")),
        "unsafe": State(Text("求援", "Crew in danger")),
        "done": State(Text("完成", "Done"), open=False),
        "refused": State(Text("未接受", "Refused"), open=False),
        "unanswered": State(Text("未应答", "Unanswered"), open=False),
        "recalled": State(Text("撤回", "Recalled"), open=False),
    },
    transitions={
        "assign": Transition(
            Text("下达", "Assign"),
            {START: "assigned"},
            DESK,
            {
                "kind": Field(Text("种类", "Kind"), "choice", True, choices=KINDS),
                "unit": Field(Text("警力", "Unit"), "subject", True),
                "call": Field(Text("警情", "Call"), "subject"),
                "post": Field(Text("岗位", "Post"), most=80),
                "place": Field(Text("位置", "Place"), "place"),
                "recommended": Field(Text("系统推荐", "Recommended unit"), "subject"),
                "travel_s": Field(Text("预计行程（秒）", "Expected travel, seconds"), "number", least=0),
                "reason": Field(Text("改派理由", "Why another unit"), most=300),
            },
            then=(
                Then("call", "unit_assigned", {"task": "subject", "unit": "unit"}, optional=True),
                Then("unit", "take", {"task": "subject"}),
            ),
            tells=("unit",),
        ),
        "accept": Transition(Text("接受", "Accept"), {"assigned": "accepted"}, ("officer", *DESK)),
        "set_off": Transition(
            Text("出动", "Set off"),
            {"assigned": "en_route", "accepted": "en_route"},
            ("officer", *DESK),
            then=(Then("call", "unit_en_route", optional=True),),
        ),
        "arrive": Transition(
            Text("到达", "Arrive"),
            {"assigned": "on_scene", "accepted": "on_scene", "en_route": "on_scene"},
            ("officer", *DESK),
            then=(Then("call", "unit_on_scene", optional=True),),
        ),
        "check_in": Transition(
            Text("报平安", "All well"),
            {"on_scene": "on_scene", "unsafe": "on_scene"},
            ("officer", *DESK),
        ),
        "silent": Transition(
            Text("未报平安", "No word from the crew"),
            {"on_scene": "on_scene"},
            (SYSTEM,),
            tells=("dispatcher", "commander"),
        ),
        "danger": Transition(
            Text("求援", "Help needed"),
            dict.fromkeys(("assigned", "accepted", "en_route", "on_scene"), "unsafe"),
            ("officer", *DESK),
            tells=("dispatcher", "commander"),
        ),
        "finish": Transition(
            Text("完成", "Finish"),
            {"on_scene": "done", "unsafe": "done"},
            ("officer", *DESK),
            {"did": Field(Text("所做工作", "What was done"), most=300)},
            then=(
                Then("call", "unit_done", {"task": "subject"}, optional=True),
                Then("unit", "release", {"task": "subject"}),
            ),
        ),
        "refuse": Transition(
            Text("不能接受", "Refuse"),
            {"assigned": "refused"},
            ("officer", *DESK),
            {"reason": Field(Text("原因", "Reason"), required=True, most=300)},
            then=(_GONE, Then("unit", "release", {"task": "subject"})),
            tells=("dispatcher",),
        ),
        "unanswered": Transition(
            Text("超时未应答", "No answer in time"),
            {"assigned": "unanswered"},
            (SYSTEM,),
            then=(_GONE, Then("unit", "release", {"task": "subject"})),
            tells=("dispatcher", "commander"),
        ),
        "recall": Transition(
            Text("撤回", "Recall"),
            dict.fromkeys(("assigned", "accepted", "en_route", "on_scene", "unsafe"), "recalled"),
            DESK,
            {"reason": Field(Text("原因", "Reason"), required=True, most=300)},
            then=(_GONE, Then("unit", "release", {"task": "subject"})),
            tells=("unit",),
        ),
    },
    deadlines={
        "answer": Deadline(("assigned",), 60.0, "unanswered"),
        "safety": Deadline(("on_scene",), 1200.0, "silent", renewed_by=("check_in",)),
    },
    keep_days=0.0,
)
