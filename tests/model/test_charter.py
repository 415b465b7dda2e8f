"""The charter's invariants over every noun: places are scored, people never."""

import dataclasses
import importlib
import pkgutil

import pytest

import anlan.model
from anlan.core.columns import Columns
from anlan.core.errors import AnlanError
from anlan.core.text import Text
from anlan.model.charter import FORBIDDEN
from anlan.model.procedure import START, Field, Procedure, State, Transition
from anlan.model.procedures import ALL


def nouns():
    for module in pkgutil.walk_packages(anlan.model.__path__, "anlan.model."):
        for value in vars(importlib.import_module(module.name)).values():
            if (
                isinstance(value, type)
                and dataclasses.is_dataclass(value)
                and value.__module__ == module.name
            ):
                yield value


@pytest.mark.parametrize("noun", list(nouns()), ids=lambda noun: noun.__name__)
def test_no_noun_has_a_field_the_charter_forbids(noun):
    names = [f.name for f in dataclasses.fields(noun)]
    names += list(getattr(noun, "DTYPES", {})) if issubclass(noun, Columns) else []
    assert [name for name in names if FORBIDDEN.search(name)] == []


@pytest.mark.parametrize(
    "name", ["ethnicity", "risk_score", "face_id", "watchlist", "民族", "political_status"]
)
def test_the_rule_would_catch(name):
    assert FORBIDDEN.search(name)


@pytest.mark.parametrize("procedure", list(ALL.values()), ids=lambda p: p.name)
def test_no_procedure_that_ships_asks_what_the_charter_forbids(procedure):
    names = [name for t in procedure.transitions.values() for name in t.fields]
    assert [name for name in names if FORBIDDEN.search(name)] == []


def test_a_procedure_of_ones_own_is_checked_when_it_is_made():
    label = Text("登记", "Register")
    with pytest.raises(AnlanError, match="charter keeps no 'religio'"):
        Procedure(
            "visit",
            label,
            {"open": State(label)},
            {"register": Transition(label, {START: "open"}, ("officer",), {"religion": Field(label)})},
        )
