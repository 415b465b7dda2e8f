"""Decision rules: who is sent, where free units stand by, who patrols where."""

from anlan.policy.build import Policy, build
from anlan.policy.burden import Burden
from anlan.policy.catalogue import DISPATCH_RULES, STANDBY_RULES
from anlan.policy.duty import Breaks, Duty, Outage, OwnWork, Shifts
from anlan.policy.rule import Rule
from anlan.policy.run_cards import RunCards
from anlan.policy.settings import Dispatch, Standby

__all__ = [
    "DISPATCH_RULES",
    "STANDBY_RULES",
    "Breaks",
    "Burden",
    "Dispatch",
    "Duty",
    "Outage",
    "OwnWork",
    "Policy",
    "Rule",
    "RunCards",
    "Shifts",
    "Standby",
    "build",
]
