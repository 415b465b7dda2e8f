"""A guarded compound: its gates, its devices and whether they answer. Nothing about faces or persons."""

from anlan.core.text import Text
from anlan.model.procedure import START, SYSTEM, Deadline, Field, Procedure, State, Transition

LIVE = ("answering", "silent", "faulty")

SECURITY_UNIT = Procedure(
    name="security_unit",
    label=Text("安防单元设备", "Device of a guarded compound"),
    states={
        "answering": State(Text("在线", "Answering")),
        "silent": State(Text("失联", "Silent")),
        "faulty": State(Text("故障", "Faulty")),
        "removed": State(Text("拆除", "Removed"), open=False),
    },
    transitions={
        "register": Transition(
            Text("登记", "Register"),
            {START: "answering"},
            ("inspector", "commander", "member"),
            {
                "compound": Field(Text("单元", "Compound"), required=True, most=120),
                "gate": Field(Text("出入口", "Gate"), most=80),
                "kind": Field(Text("种类", "Kind"), required=True, most=40),
                "place": Field(Text("位置", "Place"), "place", True),
            },
        ),
        "heartbeat": Transition(
            Text("心跳", "Heartbeat"),
            {"answering": "answering", "silent": "answering", "faulty": "faulty"},
            ("device",),
            {"battery": Field(Text("电量（%）", "Battery, %"), "number", least=0, most=100)},
        ),
        "fall_silent": Transition(
            Text("失联", "Falls silent"), {"answering": "silent"}, (SYSTEM,), tells=("keeper", "dispatcher")
        ),
        "fault": Transition(
            Text("报障", "Report a fault"),
            {"answering": "faulty", "silent": "faulty"},
            ("device", "member", "keeper", "inspector"),
            {"what": Field(Text("故障", "What is wrong"), required=True, most=300)},
            tells=("keeper",),
        ),
        "repair": Transition(
            Text("修复", "Repair"),
            {"faulty": "answering", "silent": "answering"},
            ("keeper", "inspector", "member"),
            {"did": Field(Text("所做", "What was done"), required=True, most=300)},
        ),
        "remove": Transition(
            Text("拆除", "Remove"), dict.fromkeys(LIVE, "removed"), ("inspector", "commander", "member")
        ),
    },
    deadlines={"link": Deadline(("answering",), 600.0, "fall_silent", renewed_by=("heartbeat",))},
    keep_days=0.0,
)
