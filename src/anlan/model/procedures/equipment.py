"""A micro equipment point: what is there, when it was inspected, whether it can be used."""

from anlan.core.text import Text
from anlan.model.procedure import START, SYSTEM, Deadline, Field, Procedure, State, Transition

DAY = 86400.0
KEEPERS = ("officer", "inspector", "keeper")

EQUIPMENT = Procedure(
    name="equipment",
    label=Text("装备点", "Equipment point"),
    states={
        "serviceable": State(Text("可用", "Serviceable")),
        "due": State(Text("待检", "Inspection due")),
        "defective": State(Text("故障", "Defective")),
        "removed": State(Text("撤除", "Removed"), open=False),
    },
    transitions={
        "place": Transition(
            Text("设置", "Place"),
            {START: "serviceable"},
            ("inspector", "commander"),
            {
                "kind": Field(Text("种类", "Kind"), required=True, most=40),
                "name": Field(Text("名称", "Name"), required=True, most=120),
                "place": Field(Text("位置", "Place"), "place", True),
                "contents": Field(Text("器材", "Contents"), most=500),
                "hours": Field(Text("开放时间", "Hours"), most=120),
            },
        ),
        "inspect": Transition(
            Text("检查合格", "Inspected, in order"),
            {"serviceable": "serviceable", "due": "serviceable"},
            KEEPERS,
            {
                "contents": Field(Text("器材", "Contents"), most=500),
                "photo": Field(Text("照片", "Photograph"), "photo"),
            },
        ),
        "defect": Transition(
            Text("报修", "Report a defect"),
            {"serviceable": "defective", "due": "defective"},
            (*KEEPERS, "volunteer"),
            {"what": Field(Text("故障", "What is wrong"), required=True, most=500)},
            tells=("keeper",),
            public=True,
        ),
        "repair": Transition(
            Text("修复", "Repair"),
            {"defective": "serviceable"},
            KEEPERS,
            {"did": Field(Text("所做", "What was done"), required=True, most=500)},
        ),
        "fall_due": Transition(
            Text("到期待检", "Inspection falls due"), {"serviceable": "due"}, (SYSTEM,), tells=("keeper",)
        ),
        "remove": Transition(
            Text("撤除", "Remove"),
            dict.fromkeys(("serviceable", "due", "defective"), "removed"),
            ("inspector", "commander"),
            {"reason": Field(Text("原因", "Reason"), required=True, most=300)},
        ),
    },
    deadlines={
        "inspection": Deadline(("serviceable",), 90 * DAY, "fall_due", renewed_by=("inspect", "repair"))
    },
    keep_days=0.0,
)
