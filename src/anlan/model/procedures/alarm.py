"""One alarm, many responders: the alarm itself, and one alert for each member who is asked.

Members are reached at their registered premises. A position that a member shares lives only within the alert and is
erased when it closes. Drills run the same way and stay out of every statistic.
"""

from anlan.core.text import Text
from anlan.model.procedure import START, SYSTEM, Deadline, Field, Procedure, State, Then, Transition

DESK = ("dispatcher", "commander")
OPEN = ("raised", "calling", "answered")
CHANNELS = {
    "button": Text("一键报警按钮", "alarm button"),
    "phone": Text("手机页面", "phone page"),
    "panel": Text("报警主机", "alarm panel"),
    "cap": Text("CAP 报文", "CAP message"),
    "http": Text("接口", "interface"),
}

ALARM = Procedure(
    name="alarm",
    label=Text("联防报警", "Alarm"),
    states={
        "raised": State(Text("已触发", "Raised")),
        "calling": State(Text("呼叫中", "Calling responders")),
        "answered": State(Text("响应足够", "Enough have accepted")),
        "closed": State(Text("已解除", "Closed"), open=False),
    },
    transitions={
        "raise": Transition(
            Text("触发", "Raise"),
            {START: "raised"},
            ("member", "dispatcher", "device", SYSTEM),
            {
                "place": Field(Text("位置", "Place"), "place", True),
                "premises": Field(Text("登记场所", "Premises"), "subject"),
                "channel": Field(Text("渠道", "By"), "choice", True, choices=CHANNELS),
                "category": Field(Text("类别", "Category"), most=60),
                "device": Field(Text("设备", "Device"), most=80),
                "drill": Field(Text("演练", "Drill"), "flag"),
                "words": Field(Text("所述", "What is said"), personal=True, most=1000),
            },
            tells=("dispatcher",),
        ),
        "call_out": Transition(
            Text("呼叫响应者", "Call responders"),
            {"raised": "calling", "calling": "calling"},
            (SYSTEM,),
            {"alert": Field(Text("呼叫", "Alert"), "subject", True)},
            adds="alert",
        ),
        "accepted": Transition(
            Text("有人接受", "Somebody accepted"),
            {"calling": "calling", "answered": "answered"},
            (SYSTEM,),
            {"alert": Field(Text("呼叫", "Alert"), "subject", True)},
            tells=("dispatcher",),
        ),
        "enough": Transition(Text("响应足够", "Enough have accepted"), {"calling": "answered"}, (SYSTEM,)),
        "fell_away": Transition(
            Text("有人退出", "Somebody fell away"),
            dict.fromkeys(("calling", "answered"), "calling") | {"closed": "closed"},
            (SYSTEM,),
            {"alert": Field(Text("呼叫", "Alert"), "subject", True)},
            drops="alert",
        ),
        "nobody": Transition(
            Text("无人可呼", "Nobody is left to call"),
            {"raised": "raised", "calling": "calling"},
            (SYSTEM,),
            tells=("dispatcher", "commander"),
        ),
        "unsafe": Transition(
            Text("现场危险，全员止步", "Unsafe: everybody stop"),
            {s: s for s in OPEN},
            ("member", *DESK),
            {"what": Field(Text("危险", "Danger"), most=300)},
            tells=("dispatcher", "commander", "told"),
        ),
        "close": Transition(
            Text("解除", "Close"),
            dict.fromkeys(OPEN, "closed"),
            DESK,
            {
                "disposition": Field(
                    Text("结果", "Disposition"),
                    "choice",
                    True,
                    choices={
                        "dealt_with": Text("已处置", "dealt with"),
                        "false_alarm": Text("误报", "false alarm"),
                        "test": Text("测试", "self-test"),
                        "drill": Text("演练结束", "drill over"),
                    },
                )
            },
            tells=("told",),
        ),
    },
    deadlines={"silence": Deadline(("raised", "calling"), 180.0, "nobody")},
    keep_days=30.0,
)

ALERT = Procedure(
    name="alert",
    label=Text("呼叫", "Alert"),
    states={
        "sent": State(Text("已发出", "Sent")),
        "delivered": State(Text("已送达", "Delivered")),
        "accepted": State(Text("已接受", "Accepted")),
        "on_scene": State(Text("已到场", "On scene")),
        "declined": State(Text("不能前往", "Declined"), open=False),
        "silent": State(Text("未应答", "No answer"), open=False),
        "stood_down": State(Text("已解除", "Stood down"), open=False),
        "over": State(Text("结束", "Over"), open=False),
    },
    transitions={
        "send": Transition(
            Text("发出", "Send"),
            {START: "sent"},
            (SYSTEM,),
            {
                "alarm": Field(Text("报警", "Alarm"), "subject", True),
                "member": Field(Text("成员", "Member"), "subject", True),
                "walk_s": Field(Text("步行时间（秒）", "Walking time, seconds"), "number", least=0),
                "drill": Field(Text("演练", "Drill"), "flag"),
            },
            then=(Then("alarm", "call_out", {"alert": "subject"}),),
            tells=("member",),
        ),
        "deliver": Transition(Text("送达", "Delivered"), {"sent": "delivered"}, (SYSTEM, "member")),
        "accept": Transition(
            Text("接受", "Accept"),
            {"sent": "accepted", "delivered": "accepted"},
            ("member",),
            then=(Then("alarm", "accepted", {"alert": "subject"}, optional=True),),
        ),
        "share": Transition(
            Text("共享位置", "Share where I am"),
            {"accepted": "accepted", "on_scene": "on_scene"},
            ("member",),
            {"position": Field(Text("位置", "Position"), "place", True, personal=True)},
        ),
        "arrive": Transition(Text("到场", "On scene"), {"accepted": "on_scene"}, ("member",)),
        "stop": Transition(
            Text("止步：现场危险", "Stop: the scene is unsafe"),
            {s: s for s in ("sent", "delivered", "accepted", "on_scene")},
            (SYSTEM,),
            {"what": Field(Text("危险", "Danger"), most=300)},
            tells=("member",),
        ),
        "decline": Transition(
            Text("不能前往", "Decline"),
            dict.fromkeys(("sent", "delivered", "accepted"), "declined"),
            ("member",),
            then=(Then("alarm", "fell_away", {"alert": "subject"}, optional=True),),
        ),
        "silent": Transition(
            Text("超时未应答", "No answer in time"),
            {"sent": "silent", "delivered": "silent"},
            (SYSTEM,),
            then=(Then("alarm", "fell_away", {"alert": "subject"}, optional=True),),
        ),
        "stand_down": Transition(
            Text("解除", "Stand down"),
            dict.fromkeys(("sent", "delivered", "accepted", "on_scene"), "stood_down"),
            (SYSTEM, *DESK),
            tells=("member",),
        ),
        "leave": Transition(Text("离开", "Leave"), {"on_scene": "over"}, ("member",)),
    },
    deadlines={"answer": Deadline(("sent", "delivered"), 30.0, "silent")},
    keep_days=0.0,
)
