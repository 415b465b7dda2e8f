"""Decision rules: who is sent, where free units stand by, who patrols where."""

from anlan.policy.build import Policy, build
from anlan.policy.burden import Burden
from anlan.policy.catalogue import DISPATCH_RULES, STANDBY_RULES
from anlan.policy.duty import Breaks, Duty, Outage, OwnWork, Shifts
from anlan.policy.move_up import Move, MoveUp, Withheld
from anlan.policy.reasons import Reason
from anlan.policy.recommend import Choice, Option, Recommendation, Refusal
from anlan.policy.rule import Rule
from anlan.policy.run_cards import RunCards
from anlan.policy.settings import Dispatch, Standby

__all__ = [
    "DISPATCH_RULES",
    "STANDBY_RULES",
    "Breaks",
    "Burden",
    "Choice",
    "Dispatch",
    "Duty",
    "Move",
    "MoveUp",
    "Option",
    "Outage",
    "OwnWork",
    "Policy",
    "Reason",
    "Recommendation",
    "Refusal",
    "Rule",
    "RunCards",
    "Shifts",
    "Standby",
    "Withheld",
    "build",
]
