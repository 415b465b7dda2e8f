"""A stop of a patrol: planned, reached, left, and what was done there: the dose that the analysis needs."""

from anlan.core.text import Text
from anlan.model.procedure import START, SYSTEM, Deadline, Field, Procedure, State, Transition

OFFICER = ("officer", "dispatcher", "commander")

PATROL = Procedure(
    name="patrol",
    label=Text("巡逻停留", "Patrol stop"),
    states={
        "planned": State(Text("计划", "Planned")),
        "there": State(Text("巡逻中", "There")),
        "left": State(Text("已完成", "Left"), open=False),
        "interrupted": State(Text("被警情打断", "Interrupted by a call"), open=False),
        "missed": State(Text("未到", "Missed"), open=False),
    },
    transitions={
        "plan": Transition(
            Text("计划", "Plan"),
            {START: "planned"},
            ("commander", "dispatcher", SYSTEM),
            {
                "unit": Field(Text("警力", "Unit"), "subject", True),
                "post": Field(Text("点位", "Place"), required=True, most=80),
                "place": Field(Text("位置", "Where"), "place", True),
                "from": Field(Text("起", "From"), "moment", True),
                "stay_s": Field(Text("停留（秒）", "Stay, seconds"), "number", True, least=60, most=7200),
            },
            tells=("unit",),
        ),
        "arrive": Transition(Text("到达", "Arrive"), {"planned": "there"}, OFFICER),
        "leave": Transition(
            Text("离开", "Leave"),
            {"there": "left"},
            OFFICER,
            {"did": Field(Text("所做工作", "What was done"), required=True, most=300)},
        ),
        "interrupt": Transition(Text("打断", "Interrupt"), {"there": "interrupted"}, (*OFFICER, SYSTEM)),
        "miss": Transition(Text("未到", "Miss"), {"planned": "missed"}, (SYSTEM, *OFFICER)),
    },
    deadlines={"missed": Deadline(("planned",), 43200.0, "miss")},
    keep_days=0.0,
)
