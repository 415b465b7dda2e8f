"""A policy from its configuration."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anlan.core.errors import AnlanError
from anlan.core.text import Text
from anlan.model.board import Board, OpenCall
from anlan.model.plan import Plan
from anlan.policy import patrol
from anlan.policy.burden import Burden
from anlan.policy.catalogue import DISPATCH_RULES, STANDBY_RULES, find
from anlan.policy.checks import known, section
from anlan.policy.dmexclp import DEFAULT_BUSY
from anlan.policy.duty import Duty
from anlan.policy.move_up import MoveUp, move_up
from anlan.policy.recommend import Recommendation, recommend
from anlan.policy.run_cards import RunCards
from anlan.policy.serve import serve
from anlan.policy.settings import Dispatch, Standby, read

TABLES = ("dispatch", "standby", "burden", "run_cards", "shifts", "breaks", "own_work", "out_of_service")


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
    burden : Burden
    run_cards : RunCards
    duty : Duty
    """

    dispatch: Dispatch
    standby: Standby
    plan: Plan | None = None
    demand: Any = None
    burden: Burden = field(default_factory=Burden)
    run_cards: RunCards = field(default_factory=RunCards)
    duty: Duty = field(default_factory=Duty)

    @property
    def weighs_demand(self) -> bool:
        """Whether one of its rules weighs the demand that posts cover."""
        return self.dispatch.declared.demand or self.standby.declared.demand

    @property
    def assumptions(self) -> tuple[Text, ...]:
        """What it takes for granted; to be printed wherever a figure of it is."""
        said = []
        if self.standby.rule == "patrol":
            said.append(patrol.assumption(self.standby.stop_s))
        if self.weighs_demand and self.standby.busy is None:
            said.append(
                Text(
                    f"期望覆盖按繁忙率 {DEFAULT_BUSY:g} 计算（未给定，为假设）。",
                    f"Expected coverage assumes a busy fraction of {DEFAULT_BUSY:g}; none was given.",
                )
            )
        return tuple(said)

    def recommend(
        self,
        board: Board,
        call: str | OpenCall,
        travel: Any,
        *,
        wanted: Sequence[str] | None = None,
        divert: bool = True,
    ) -> Recommendation:
        """Whom to send to a call; see `anlan.policy.recommend.recommend`."""
        return recommend(self, board, call, travel, wanted=wanted, divert=divert)

    def serve(self, board: Board, travel: Any) -> tuple[Recommendation, ...]:
        """Which waiting calls free units take, in turn; see `anlan.policy.serve.serve`."""
        return serve(self, board, travel)

    def move_up(
        self,
        board: Board,
        travel: Any,
        *,
        units: Sequence[str] | None = None,
        everybody: bool | None = None,
    ) -> MoveUp:
        """Where free units should stand by; see `anlan.policy.move_up.move_up`."""
        return move_up(self, board, travel, units=units, everybody=everybody)


def build(
    config: str | Path | Mapping[str, Any] | Policy,
    plan: Plan | None = None,
    demand: Any = None,
    busy: float | None = None,
) -> Policy:
    """Make a policy.

    Parameters
    ----------
    config : str, Path, mapping or Policy
        The name of a rule (``"closest"``, ``"dmexclp"``…), a TOML file, its tables as a mapping, or a policy
        to be completed. The tables are ``dispatch`` (`Dispatch`), ``standby`` (`Standby`), ``burden``
        (`Burden`), ``run_cards`` (`RunCards`), and ``shifts``, ``breaks``, ``own_work`` and
        ``out_of_service`` (`Duty`).
    plan : Plan, optional
        Where given, every site and unit that the configuration names must be in it.
    demand : Demand or mapping, optional
        For rules that cover demand; a mapping has ``place`` (nodes or positions) and ``weight``.
    busy : float, optional
        Busy fraction for rules that need one and whose configuration does not say.

    Raises
    ------
    AnlanError
        If a rule, a setting, a site or a unit is unknown, or a number impossible.
    """
    policy = _of(config)
    if busy is not None and policy.standby.busy is None:
        policy = replace(policy, standby=replace(policy.standby, busy=float(busy)))
    policy = replace(
        policy,
        plan=plan if plan is not None else policy.plan,
        demand=demand if demand is not None else policy.demand,
    )
    if policy.plan is not None:
        _check(policy, policy.plan)
    return policy


def _of(config: str | Path | Mapping[str, Any] | Policy) -> Policy:
    if isinstance(config, Policy):
        return config
    if isinstance(config, Path) or (isinstance(config, str) and config.endswith(".toml")):
        config = _read(Path(config))
    if isinstance(config, str):
        dispatch, standby = find(config, DISPATCH_RULES), find(config, STANDBY_RULES)
        if dispatch is not None:
            return Policy(Dispatch(rule=dispatch.name), Standby())
        if standby is not None:
            return Policy(Dispatch(), Standby(rule=standby.name))
        raise AnlanError(
            f"policy {config!r}",
            "it is not the name of a rule",
            f"use one of {', '.join(r.name for r in DISPATCH_RULES + STANDBY_RULES)}, or tables dispatch and "
            "standby",
            code="policy_rule",
        )
    unknown = set(config) - set(TABLES)
    if unknown:
        raise AnlanError(
            f"policy table {sorted(unknown)[0]!r}",
            f"a policy has the tables {', '.join(TABLES)}",
            "rename or remove it",
            code="policy_setting",
        )
    return Policy(
        read(Dispatch, config.get("dispatch", {}), "dispatch"),
        read(Standby, config.get("standby", {}), "standby"),
        burden=section(Burden, config.get("burden", {}), "burden"),
        run_cards=RunCards.of_table(config.get("run_cards", {})),
        duty=Duty.of_tables(config),
    )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AnlanError(
            f"{path}", "there is no such file", "name a policy.toml", code="policy_missing"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AnlanError(f"{path}", f"it is not TOML ({error})", "correct it", code="policy_toml") from None


def _check(policy: Policy, plan: Plan) -> None:
    """Every id that the configuration names is in the plan, and every kind that a run card asks for."""
    sites, units, homes = plan.sites.id.tolist(), plan.units.id.tolist(), plan.units.home.tolist()
    dispatch, standby = policy.dispatch, policy.standby
    known("posts", plan.posts.site.tolist(), sites, "sites of the plan")
    for free, listed in standby.table.items():
        known(f"standby.table.{free}", listed, sites, "sites of the plan")
    known(
        "standby.beats", (k for k in standby.beats if k != "*"), [*units, *homes], "units and their stations"
    )
    for name, listed in standby.beats.items():
        known(f"standby.beats.{name}", listed, sites, "sites of the plan")
    known("dispatch.areas", dispatch.areas, sites, "sites of the plan")
    for area, listed in dispatch.order.items():
        known(f"dispatch.order.{area}", listed, units, "units of the plan")
    known("out_of_service", (o.unit for o in policy.duty.out_of_service), units, "units of the plan")
    able = [{k, *(s.strip() for s in more.split(","))} for k, more in
            zip(plan.units.kind.tolist(), plan.units.skills.tolist(), strict=True)]  # fmt: skip
    for category, card in policy.run_cards.cards.items():
        for wanted in card:
            have = sum(set(wanted) <= one for one in able)
            if have < card.count(wanted):
                raise AnlanError(
                    f"run_cards.{category}, {card.count(wanted)} x {' & '.join(wanted) or 'any'}",
                    f"the plan has {have} such units, so that the call would never be complete",
                    "add units or correct the card",
                    code="policy_run_card",
                )
