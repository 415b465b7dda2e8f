"""The charter's invariants over every noun: places are scored, people never."""

import dataclasses
import importlib
import pkgutil
import re

import pytest

import anlan.model
from anlan.core.columns import Columns

# No field may score, list, identify by body, or track a person, nor hold what a state must not ask.
FORBIDDEN = re.compile(
    r"ethnic|nationalit|race\b|racial|religio|politic|party_member|union|sexual|"
    r"biometr|face|facial|fingerprint|iris|gait|voiceprint|dna|"
    r"watch_?list|blacklist|suspect|offender|recidiv|(person|household|group|risk|credit|loyalty)_?score|"
    r"id_card|passport|plate|imei|imsi|mac_address|"
    r"民族|种族|宗教|信仰|政治|人脸|指纹|黑名单|重点人员|风险等级|身份证",
    re.IGNORECASE,
)


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
