"""The rules there are."""

from __future__ import annotations

from collections.abc import Iterable

from anlan.core.errors import AnlanError
from anlan.policy.closest import CLOSEST
from anlan.policy.compliance import COMPLIANCE
from anlan.policy.coverage import COVERAGE
from anlan.policy.dmexclp import DMEXCLP
from anlan.policy.home import HOME
from anlan.policy.jurisdiction import JURISDICTION
from anlan.policy.patrol import PATROL
from anlan.policy.posts import POSTS
from anlan.policy.preference import PREFERENCE
from anlan.policy.rule import Rule

DISPATCH_RULES = (CLOSEST, JURISDICTION, COVERAGE, PREFERENCE)
STANDBY_RULES = (HOME, POSTS, COMPLIANCE, DMEXCLP, PATROL)


def find(name: str, rules: Iterable[Rule]) -> Rule | None:
    """The rule of a name or alias; None where there is none."""
    return next((r for r in rules if name == r.name or name in r.aliases), None)


def get(name: str, rules: tuple[Rule, ...], what: str) -> Rule:
    """The rule of a name or alias.

    Raises
    ------
    AnlanError
        If there is none.
    """
    rule = find(name, rules)
    if rule is None:
        raise AnlanError(
            f"{what} rule {name!r}",
            "it is not one of this version's rules",
            f"use one of {', '.join(r.name for r in rules)}",
            code="policy_rule",
        )
    return rule
