"""From every earlier version, with data in it, to today's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import MetaData, insert, inspect

from anlan.store import Draft, Store, schema, verify
from anlan.store.database import connect
from anlan.store.migrate import migrate
from anlan.store.migrations import STEPS


@pytest.mark.parametrize("old", range(len(STEPS)))
def test_an_old_log_goes_on(old: int, place: Callable[[], str], tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    with Store(source, tmp_path / "keys") as store:
        store.append(*(Draft("420106", f"call-{n}", "call", "received", float(n)) for n in range(5)))
        with store.engine.connect() as c:
            rows = {
                t.name: [dict(r._mapping) for r in c.execute(t.select())]
                for t in schema.metadata.sorted_tables
            }
    where = place()
    engine = connect(where, may_change_tables=True)
    if old:
        assert migrate(engine, 1, upto=old) == old
        with engine.begin() as c:
            present = set(inspect(c).get_table_names())
            for t in schema.metadata.sorted_tables:
                if t.name in present and t.name != "schema_version" and rows[t.name]:
                    c.execute(insert(t), rows[t.name])
    engine.dispose()
    with Store(where, tmp_path / "keys") as store:
        store.append(Draft("420106", "call-9", "call", "received", 9.0, personal={"caller": "x"}))
        assert verify(store).broken is None
        assert len(store.records()) == (6 if old else 1)


def test_the_migrated_tables_are_the_ones_the_code_expects(place: Callable[[], str]) -> None:
    engine = connect(place(), may_change_tables=True)
    migrate(engine, 1)
    found = MetaData()
    found.reflect(engine)
    assert set(found.tables) == set(schema.metadata.tables)
    for name, table in schema.metadata.tables.items():
        there = found.tables[name]
        assert [c.name for c in there.columns] == [c.name for c in table.columns], name
        assert [c.name for c in there.primary_key] == [c.name for c in table.primary_key], name
        for column in table.columns:
            assert there.columns[column.name].nullable == column.nullable or column.primary_key, column
        assert {i.name for i in table.indexes} <= {i.name for i in there.indexes}, name
    engine.dispose()
