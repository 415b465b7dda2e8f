"""The procedures that ship: one table each."""

from collections.abc import Mapping

from anlan.model.procedure import Procedure
from anlan.model.procedures.account import ACCOUNT, GRANT
from anlan.model.procedures.alarm import ALARM, ALERT
from anlan.model.procedures.call import CALL
from anlan.model.procedures.equipment import EQUIPMENT
from anlan.model.procedures.hazard import HAZARD
from anlan.model.procedures.member import MEMBER
from anlan.model.procedures.patrol import PATROL
from anlan.model.procedures.security_unit import SECURITY_UNIT
from anlan.model.procedures.task import TASK
from anlan.model.procedures.unit import UNIT

_SHIPPED = (CALL, TASK, UNIT, ALARM, ALERT, MEMBER, HAZARD, PATROL, EQUIPMENT, SECURITY_UNIT, ACCOUNT, GRANT)
ALL: Mapping[str, Procedure] = {p.name: p for p in _SHIPPED}

__all__ = [
    "ACCOUNT",
    "ALARM",
    "ALERT",
    "ALL",
    "CALL",
    "EQUIPMENT",
    "GRANT",
    "HAZARD",
    "MEMBER",
    "PATROL",
    "SECURITY_UNIT",
    "TASK",
    "UNIT",
]
