"""The procedures that ship: one table each."""

from collections.abc import Mapping

from anlan.model.procedure import Procedure
from anlan.model.procedures.alarm import ALARM, ALERT
from anlan.model.procedures.call import CALL
from anlan.model.procedures.equipment import EQUIPMENT
from anlan.model.procedures.hazard import HAZARD
from anlan.model.procedures.member import MEMBER
from anlan.model.procedures.patrol import PATROL
from anlan.model.procedures.security_unit import SECURITY_UNIT
from anlan.model.procedures.task import TASK
from anlan.model.procedures.unit import UNIT

ALL: Mapping[str, Procedure] = {
    p.name: p for p in (CALL, TASK, UNIT, ALARM, ALERT, MEMBER, HAZARD, PATROL, EQUIPMENT, SECURITY_UNIT)
}

__all__ = [
    "ALARM",
    "ALERT",
    "ALL",
    "CALL",
    "EQUIPMENT",
    "HAZARD",
    "MEMBER",
    "PATROL",
    "SECURITY_UNIT",
    "TASK",
    "UNIT",
]
