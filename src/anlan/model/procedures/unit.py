"""A unit's availability; what it is doing are its tasks. The two layers are kept apart."""

from anlan.core.text import Text
from anlan.model.procedure import START, SYSTEM, Field, Procedure, State, Transition

DESK = ("dispatcher", "commander")
OWN = ("officer", *DESK)

UNIT = Procedure(
    name="unit",
    label=Text("警力单元", "Unit"),
    states={
        "off": State(Text("下勤", "Off duty")),
        "available": State(Text("可派", "Available")),
        "busy": State(Text("执行任务", "On a task")),
        "paused": State(Text("暂离", "Paused")),
        "out_of_service": State(Text("停用", "Out of service")),
        "dissolved": State(Text("撤编", "Dissolved"), open=False),
    },
    transitions={
        "form": Transition(
            Text("编成", "Form"),
            {START: "off"},
            ("commander", SYSTEM),
            {
                "kind": Field(Text("种类", "Kind"), required=True, most=40),
                "name": Field(Text("呼号", "Call sign"), required=True, most=40),
                "home": Field(Text("驻地", "Home"), required=True, most=80),
                "skills": Field(Text("技能", "Skills"), most=200),
                "turnout_s": Field(Text("出动延迟（秒）", "Turnout, seconds"), "number", least=0, most=3600),
            },
        ),
        "on_duty": Transition(
            Text("上勤", "Come on duty"),
            {"off": "available"},
            OWN,
            {
                "until": Field(Text("至", "Until"), "moment"),
                "crew": Field(Text("人数", "Crew"), "whole", least=1, most=60),
            },
        ),
        "off_duty": Transition(
            Text("下勤", "Go off duty"), {"available": "off", "paused": "off"}, OWN, needs_idle=True
        ),
        "pause": Transition(
            Text("暂离", "Pause"),
            {"available": "paused"},
            OWN,
            {"reason": Field(Text("原因", "Reason"), required=True, most=200)},
        ),
        "resume": Transition(Text("恢复", "Resume"), {"paused": "available"}, OWN),
        "take": Transition(
            Text("受领任务", "Take a task"),
            {"available": "busy", "busy": "busy", "paused": "busy"},
            (SYSTEM,),
            {"task": Field(Text("任务", "Task"), "subject", True)},
            adds="task",
        ),
        "release": Transition(
            Text("任务解除", "Released from a task"),
            {s: s for s in ("off", "available", "busy", "paused", "out_of_service")},
            (SYSTEM,),
            {"task": Field(Text("任务", "Task"), "subject", True)},
            drops="task",
            idle_paths={"busy": "available", "off": "off", "available": "available", "paused": "paused",
                        "out_of_service": "out_of_service"},
        ),
        "withdraw": Transition(
            Text("停用", "Take out of service"),
            {"off": "out_of_service", "available": "out_of_service", "paused": "out_of_service"},
            OWN,
            {"reason": Field(Text("原因", "Reason"), required=True, most=200)},
            needs_idle=True,
            tells=("dispatcher",),
        ),
        "restore": Transition(Text("恢复使用", "Back in service"), {"out_of_service": "off"}, OWN),
        "dissolve": Transition(
            Text("撤编", "Dissolve"), {"off": "dissolved", "out_of_service": "dissolved"}, ("commander",)
        ),
    },
    keep_days=0.0,
)  # fmt: skip
