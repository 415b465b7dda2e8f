"""A small city's desk on a file, with people of every kind and a clock that the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from anlan.desk import Act, Desk, Grant, Person, Tree, fold_by
from anlan.model.procedures import ALL
from anlan.store import Store

CITY, EAST, WEST, OTHER = "420100", "420106", "420107", "430100"


@dataclass
class World:
    """A desk, its clock and what was told."""

    desk: Desk
    now: list[float]
    told: list[object] = field(default_factory=list)

    def person(self, role, area=CITY, name=None):
        return Person(name or f"{role}-{area}", (Grant(role, area),))

    def do(self, role, procedure, transition, subject="", area=EAST, by=None, where=CITY, **fields):
        """Act as somebody of a role over the city."""
        return self.desk.act(self.person(role, where, by), Act(procedure, transition, subject, fields, area))

    def later(self, seconds):
        self.now[0] += seconds

    def state(self, subject):
        record = self.desk.store.record(subject)
        return record.state if record else None


@pytest.fixture
def world(tmp_path: Path):
    now = [1_700_000_000.0]
    store = Store(tmp_path / "log.db", tmp_path / "keys", fold=fold_by(ALL), clock=lambda: now[0])
    tree = Tree({CITY: "", EAST: CITY, WEST: CITY, OTHER: ""})
    made = World(Desk(store, ALL, tree, clock=lambda: now[0]), now)
    made.desk.tell = made.told.extend
    yield made
    store.close()
