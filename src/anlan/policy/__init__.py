"""Decision rules: who is sent, where free units stand by, who patrols where."""

from anlan.policy.build import Policy, build
from anlan.policy.settings import Dispatch, Standby

__all__ = ["Dispatch", "Policy", "Standby", "build"]
