"""A policy from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from anlan.core.errors import AnlanError
from anlan.model.plan import Plan
from anlan.policy.settings import ALIASES, DISPATCH_RULES, STANDBY_RULES, Dispatch, Standby, section


@dataclass(frozen=True, eq=False)
class Policy:
    """Rules of dispatch and standby with everything they need to decide.

    Attributes
    ----------
    dispatch : Dispatch
    standby : Standby
    plan : Plan or None
        Sites, posts and units it works with.
    demand : Demand, mapping or None
        What coverage-minded rules cover: a `Demand`, or ``place`` and ``weight`` arrays.
    """

    dispatch: Dispatch
    standby: Standby
    plan: Plan | None = None
    demand: Any = None


def build(
    config: str | Mapping[str, Any] | Policy,
    plan: Plan | None = None,
    demand: Any = None,
    busy: float | None = None,
) -> Policy:
    """Make a policy.

    Parameters
    ----------
    config : str, mapping or Policy
        The name of a rule (``"closest"``, ``"dmexclp"``…), or tables ``dispatch`` and ``standby`` as in a
        plan's ``policy.toml``, or a policy to be completed.
    plan : Plan, optional
    demand : Demand or mapping, optional
        For rules that cover demand; a mapping has ``place`` (nodes or positions) and ``weight``.
    busy : float, optional
        Busy fraction for rules that need one and whose configuration does not say.

    Raises
    ------
    AnlanError
        If a rule or setting is unknown or a number impossible.
    """
    if isinstance(config, Policy):
        policy = config
    elif isinstance(config, str):
        name = ALIASES.get(config, config)
        if name in DISPATCH_RULES:
            policy = Policy(Dispatch(rule=name), Standby())
        elif name in STANDBY_RULES:
            policy = Policy(Dispatch(), Standby(rule=name))
        else:
            raise AnlanError(
                f"policy {config!r}",
                "it is not the name of a rule",
                f"use one of {', '.join(DISPATCH_RULES + STANDBY_RULES)}, or tables dispatch and standby",
                code="policy_rule",
            )
    else:
        unknown = set(config) - {"dispatch", "standby"}
        if unknown:
            raise AnlanError(
                f"policy table {sorted(unknown)[0]!r}",
                "a policy has the tables dispatch and standby",
                "rename or remove it",
                code="policy_setting",
            )
        policy = Policy(
            section(Dispatch, config.get("dispatch", {}), "dispatch"),
            section(Standby, config.get("standby", {}), "standby"),
        )
    if busy is not None and policy.standby.busy is None:
        policy = replace(policy, standby=replace(policy.standby, busy=float(busy)))
    return replace(
        policy,
        plan=plan if plan is not None else policy.plan,
        demand=demand if demand is not None else policy.demand,
    )
