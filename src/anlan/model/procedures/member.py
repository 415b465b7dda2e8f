"""A member of an alarm alliance: a merchant, a household, a guard. Joining is theirs, leaving is one tap.

What is registered is the premises, never where a person is. Nothing about drills or answers is kept here.
"""

from anlan.core.text import Text
from anlan.model.procedure import START, Field, Procedure, State, Transition

KEEPERS = ("alliance", "commander")
KINDS = {
    "merchant": Text("商户", "merchant"),
    "household": Text("联防户", "household"),
    "guard": Text("保安", "guard"),
    "safe_house": Text("平安屋", "safe house"),
}

MEMBER = Procedure(
    name="member",
    label=Text("联防成员", "Alliance member"),
    states={
        "active": State(Text("在册", "Active")),
        "resting": State(Text("暂停", "Resting")),
        "gone": State(Text("已退出", "Left"), open=False),
    },
    transitions={
        "join": Transition(
            Text("加入", "Join"),
            {START: "active"},
            (*KEEPERS, "member"),
            {
                "kind": Field(Text("种类", "Kind"), "choice", True, choices=KINDS),
                "premises": Field(Text("登记场所", "Premises"), required=True, most=160),
                "place": Field(Text("位置", "Place"), "place", True),
                "hours": Field(Text("响应时间", "Hours on call"), most=200),
                "account": Field(Text("账号", "Account"), most=80),
                "channel": Field(Text("通知渠道", "How to alert"), most=300, personal=True),
                "contact": Field(Text("联系人", "Contact"), most=200, personal=True),
            },
        ),
        "change": Transition(
            Text("变更", "Change"),
            {"active": "active", "resting": "resting"},
            (*KEEPERS, "member"),
            {
                "hours": Field(Text("响应时间", "Hours on call"), most=200),
                "channel": Field(Text("通知渠道", "How to alert"), most=300, personal=True),
                "contact": Field(Text("联系人", "Contact"), most=200, personal=True),
            },
        ),
        "rest": Transition(Text("暂停", "Rest"), {"active": "resting"}, (*KEEPERS, "member")),
        "return": Transition(Text("恢复", "Return"), {"resting": "active"}, (*KEEPERS, "member")),
        "leave": Transition(
            Text("退出", "Leave"), {"active": "gone", "resting": "gone"}, (*KEEPERS, "member")
        ),
    },
    keep_days=30.0,
)
