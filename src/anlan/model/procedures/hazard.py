"""A hazard: found, assigned, fixed, verified by somebody else, closed.

"Closed" is not "fixed": the disposition says how it ended.
"""

from anlan.core.text import Text
from anlan.model.procedure import START, SYSTEM, Deadline, Field, Procedure, State, Transition

DAY = 86400.0
DUE = {"1": 1 * DAY, "2": 7 * DAY, "3": 30 * DAY}
OPEN = ("reported", "triaged", "assigned", "fixed")
REASON = Field(Text("原因", "Reason"), required=True, most=500)
PHOTO = Field(Text("照片", "Photograph"), "photo")

HAZARD = Procedure(
    name="hazard",
    label=Text("隐患", "Hazard"),
    states={
        "reported": State(Text("已上报", "Reported")),
        "triaged": State(Text("已分级", "Triaged")),
        "assigned": State(Text("整改中", "Assigned")),
        "fixed": State(Text("待复核", "Fixed, to be verified")),
        "verified": State(Text("复核通过", "Verified")),
        "closed": State(Text("已销号", "Closed"), open=False),
    },
    transitions={
        "report": Transition(
            Text("上报", "Report"),
            {START: "reported"},
            ("officer", "inspector", "volunteer", "dispatcher"),
            {
                "category": Field(Text("类别", "Category"), required=True, most=60),
                "place": Field(Text("位置", "Place"), "place", True),
                "what": Field(Text("情况", "What is wrong"), required=True, most=1000),
                "photo": PHOTO,
                "contact": Field(Text("联系方式", "How to reach you"), personal=True, most=200),
            },
            tells=("triage",),
            public=True,
        ),
        "triage": Transition(
            Text("分级", "Triage"),
            {"reported": "triaged", "triaged": "triaged"},
            ("triage", "inspector", "commander"),
            {
                "severity": Field(
                    Text("等级（1 重大）", "Severity, 1 is grave"), "whole", True, least=1, most=3
                ),
                "category": Field(Text("类别", "Category"), most=60),
            },
        ),
        "assign": Transition(
            Text("交办", "Assign"),
            {"triaged": "assigned", "assigned": "assigned"},
            ("triage", "inspector", "commander"),
            {"owner": Field(Text("责任单位", "Owner"), required=True, most=120)},
            tells=("owner",),
        ),
        "fix": Transition(
            Text("整改完成", "Fixed"),
            {"assigned": "fixed"},
            ("owner", "officer"),
            {"did": Field(Text("整改措施", "What was done"), required=True, most=1000), "photo": PHOTO},
            tells=("inspector",),
        ),
        "cannot_fix": Transition(
            Text("无法整改", "Cannot be fixed"),
            {"assigned": "triaged"},
            ("owner", "officer"),
            {"reason": REASON, "owner": Field(Text("应由谁整改", "Who should"), required=True, most=120)},
            tells=("triage", "inspector"),
        ),
        "verify": Transition(
            Text("复核通过", "Verify"),
            {"fixed": "verified"},
            ("inspector", "officer"),
            {"photo": PHOTO, "remark": Field(Text("说明", "Remark"), most=500)},
            differs_from=("fix",),
        ),
        "not_fixed": Transition(
            Text("复核未通过", "Not fixed"),
            {"fixed": "assigned"},
            ("inspector", "officer"),
            {"reason": REASON, "photo": PHOTO},
            differs_from=("fix",),
            tells=("owner", "actor:fix"),
        ),
        "close": Transition(
            Text("销号", "Close"),
            {"verified": "closed"},
            ("inspector", "triage", "commander"),
            {
                "disposition": Field(
                    Text("结果", "Disposition"),
                    "choice",
                    True,
                    choices={"fixed": Text("已整改", "fixed"), "removed": Text("已拆除", "removed")},
                )
            },
            tells=("told", "actor:report"),
        ),
        "dismiss": Transition(
            Text("不予受理", "Dismiss"),
            {"reported": "closed", "triaged": "closed"},
            ("triage", "inspector", "commander"),
            {
                "disposition": Field(
                    Text("结果", "Disposition"),
                    "choice",
                    True,
                    choices={
                        "duplicate": Text("重复", "reported before"),
                        "no_hazard": Text("非隐患", "no hazard"),
                        "forwarded": Text("已转外单位", "forwarded outside"),
                    },
                ),
                "reason": REASON,
                "same_as": Field(Text("与之重复", "Same as"), "subject"),
            },
            tells=("actor:report",),
        ),
        "reinspect": Transition(
            Text("抽查复检", "Re-inspect"),
            {"closed": "closed"},
            ("inspector",),
            {"truly_fixed": Field(Text("确已整改", "Truly fixed"), "flag", True), "photo": PHOTO},
            differs_from=("fix", "verify"),
        ),
        "reopen": Transition(
            Text("重新打开", "Reopen"),
            {"closed": "assigned", "verified": "assigned"},
            ("inspector", "commander"),
            {"reason": REASON},
            tells=("told", "actor:close", "owner"),
        ),
        "overdue": Transition(
            Text("逾期", "Overdue"), {s: s for s in OPEN}, (SYSTEM,), tells=("owner", "inspector")
        ),
        "escalate": Transition(
            Text("提级督办", "Escalate"), {s: s for s in OPEN}, (SYSTEM,), tells=("up", "inspector")
        ),
    },
    deadlines={
        "overdue": Deadline(OPEN, 30 * DAY, "overdue", by="severity", per=DUE),
        "escalation": Deadline(
            OPEN, 90 * DAY, "escalate", by="severity", per={k: 3 * v for k, v in DUE.items()}
        ),
    },
)
