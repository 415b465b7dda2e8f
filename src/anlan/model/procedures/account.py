"""Accounts of staff and members, and grants of roles: who may do what, where, until when, and who said so."""

from anlan.core.text import Text
from anlan.model.procedure import START, SYSTEM, Field, Procedure, State, Transition

ADMIN = ("admin",)
STAFF = "staff"
"""Role of everybody with a grant anywhere, wherever it is."""

ROLES = {
    "admin": Text("管理员", "administrator"),
    "commander": Text("指挥长", "commander"),
    "dispatcher": Text("接警调度员", "dispatcher"),
    "officer": Text("民警", "officer"),
    "inspector": Text("督察员", "inspector"),
    "triage": Text("分级员", "triage"),
    "owner": Text("整改责任人", "owner of a hazard"),
    "keeper": Text("装备管理员", "keeper of equipment"),
    "alliance": Text("联防联络员", "alliance coordinator"),
    "member": Text("联防成员", "alliance member"),
    "volunteer": Text("志愿者", "volunteer"),
    "device": Text("设备", "device"),
    "auditor": Text("审计员", "auditor"),
    "statistician": Text("统计员", "statistician"),
}
RIGHTS = {"act": Text("办理", "act"), "view": Text("仅查看", "view only")}
REASON = Field(Text("原因", "Reason"), required=True, most=500)
WHO = Field(Text("账号", "Account"), required=True, most=80)
ROLE = Field(Text("角色", "Role"), "choice", True, choices=ROLES)

ACCOUNT = Procedure(
    name="account",
    label=Text("账号", "Account"),
    states={
        "active": State(Text("有效", "Active")),
        "locked": State(Text("锁定", "Locked")),
        "disabled": State(Text("停用", "Disabled"), open=False),
    },
    transitions={
        "open": Transition(
            Text("开户", "Open"),
            {START: "active"},
            (*ADMIN, SYSTEM),
            {"name": Field(Text("姓名或编号", "Name or number"), most=80)},
        ),
        "sign_in": Transition(Text("登录", "Sign in"), {"active": "active"}, (SYSTEM,)),
        "fail": Transition(
            Text("登录失败", "Sign-in failed"), {"active": "active", "locked": "locked"}, (SYSTEM,)
        ),
        "lock": Transition(
            Text("锁定", "Lock"),
            {"active": "locked", "locked": "locked"},
            (SYSTEM, *ADMIN),
            {"until": Field(Text("至", "Until"), "moment")},
            tells=("admin",),
        ),
        "unlock": Transition(Text("解锁", "Unlock"), {"locked": "active"}, (SYSTEM, *ADMIN)),
        "secret_changed": Transition(
            Text("更换口令", "Password or code changed"), {"active": "active", "locked": "active"}, (SYSTEM,)
        ),
        "disable": Transition(
            Text("停用", "Disable"), {"active": "disabled", "locked": "disabled"}, ADMIN, {"reason": REASON}
        ),
        "enable": Transition(Text("恢复", "Enable"), {"disabled": "active"}, ADMIN, {"reason": REASON}),
    },
    keep_days=0.0,
)

GRANT = Procedure(
    name="grant",
    label=Text("授权", "Grant"),
    states={
        "active": State(Text("有效", "Active")),
        "ended": State(Text("终止", "Ended"), open=False),
    },
    transitions={
        "give": Transition(
            Text("授予", "Give"),
            {START: "active"},
            (*ADMIN, SYSTEM),
            {
                "account": WHO,
                "role": ROLE,
                "right": Field(Text("权限", "Right"), "choice", choices=RIGHTS),
                "until": Field(Text("至", "Until"), "moment"),
            },
        ),
        "lend": Transition(
            Text("互助授权", "Lend for mutual aid"),
            {START: "active"},
            ("commander", *ADMIN),
            {
                "account": WHO,
                "role": ROLE,
                "right": Field(Text("权限", "Right"), "choice", True, choices=RIGHTS),
                "until": Field(Text("至", "Until"), "moment", True),
                "reason": REASON,
            },
            tells=("inspector",),
        ),
        "break_glass": Transition(
            Text("应急查看", "Break the glass"),
            {START: "active"},
            (STAFF,),
            {"reason": REASON},
            tells=("inspector", "admin"),
        ),
        "revoke": Transition(
            Text("撤销", "Revoke"), {"active": "ended"}, ("commander", *ADMIN), {"reason": REASON}
        ),
    },
    keep_days=0.0,
)
