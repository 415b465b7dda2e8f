"""A desk at work: log, procedures, accounts, live board, alarm cascade and timers, wired together."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from anlan.city import City
from anlan.city.present import present_plan
from anlan.core.errors import AnlanError
from anlan.core.time import Clock
from anlan.desk import THE_SYSTEM, Accounts, Act, Cascade, Desk, Ground, Live, Tree
from anlan.desk.place import open_log
from anlan.model import Plan
from anlan.model.procedures import ALL
from anlan.policy import build
from anlan.simulation.scenario import areas_of
from anlan.store import checkpoint

TICK_S = 1.0
_log = logging.getLogger("anlan.desk")


class Running:
    """Everything that `anlan serve` keeps going; closes in order.

    Parameters
    ----------
    folder : Path
        The city folder.
    plan : Path, optional
        A plan folder; the present layout where not given.
    dsn : str
        PostgreSQL instead of a file.
    clock : callable

    Attributes
    ----------
    first_password : str
        Of the account ``admin``, on the first start alone.
    """

    def __init__(
        self, folder: Path, plan: Path | None = None, *, dsn: str = "", clock: Clock = time.time
    ) -> None:
        self.city = City.load(folder)
        tree = Tree.of(self.city.areas)
        tops = [code for code in tree.parents if not tree.above(code)]
        if len(tops) != 1:
            raise AnlanError(
                f"{folder} with {len(tops)} areas at the top",
                "a desk has one jurisdiction at the top of its tree",
                "add areas to the city, or one that holds them all",
                code="tree",
            )
        self.root = tops[0]
        self.plan = Plan.load(plan) if plan is not None else present_plan(self.city)
        self.store = open_log(folder, dsn=dsn, new=True, clock=clock)
        self.desk = Desk(self.store, ALL, tree, clock=clock)
        self.accounts = Accounts(self.desk, self.root)
        self.first_password = self.accounts.first_admin()
        self.live = Live(self.desk, self.city, self.plan, build(self.plan.policy, self.plan))
        self._form_units()
        self.cascade = Cascade(self.desk, Ground(self.city), self.city.tz).start()
        self._end = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="desk-timers", daemon=True)
        self._ticker.start()

    def _form_units(self) -> None:
        """On the first start, the plan's units; they come on duty when somebody says so."""
        if self.store.records(procedure="unit", limit=1):
            return
        sites = self.city.placed(self.plan.sites)
        area = dict(zip(sites.id.tolist(), areas_of(self.city, sites).tolist(), strict=True))
        units = self.plan.units
        for i, name in enumerate(units.id.tolist()):
            home = str(units.home[i])
            fields = {"name": name, "kind": str(units.kind[i]), "home": home, "skills": str(units.skills[i])}
            act = Act("unit", "form", f"unit:{name}", fields, area.get(home) or self.root, id=f"form:{name}")
            self.desk.submit(THE_SYSTEM, act)

    def _tick(self) -> None:
        while not self._end.wait(TICK_S):
            try:
                self.desk.tick()
                checkpoint.make_if_due(self.store)
            except AnlanError as error:
                _log.error("timers: %s", error)

    def close(self) -> None:
        """Stop the timers and the cascade, write what waits, close the log."""
        self._end.set()
        self._ticker.join(10)
        self.cascade.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
