"""What decisions read of a policy; `anlan.policy.build.Policy` is one."""

from __future__ import annotations

from typing import Any, Protocol

from anlan.model.plan import Plan
from anlan.policy.burden import Burden
from anlan.policy.duty import Duty
from anlan.policy.run_cards import RunCards
from anlan.policy.settings import Dispatch, Standby


class Parts(Protocol):
    """The settings of a policy and what it was built with."""

    @property
    def dispatch(self) -> Dispatch:
        """Who is sent."""

    @property
    def standby(self) -> Standby:
        """Where free units wait."""

    @property
    def plan(self) -> Plan | None:
        """Sites, posts and units."""

    @property
    def demand(self) -> Any:
        """What coverage-minded rules cover."""

    @property
    def burden(self) -> Burden:
        """Limits on moves."""

    @property
    def run_cards(self) -> RunCards:
        """Units by category of call."""

    @property
    def duty(self) -> Duty:
        """When units are there."""
