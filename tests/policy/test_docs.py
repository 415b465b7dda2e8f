"""docs/policies.md keeps up with the rules, and its examples run."""

import contextlib
import io
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from anlan.policy import (
    DISPATCH_RULES,
    STANDBY_RULES,
    Breaks,
    Burden,
    Dispatch,
    OwnWork,
    Shifts,
    Standby,
    build,
)

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
BLOCKS = {kind: re.findall(rf"```{kind}\n(.*?)```", PAGE, re.S) for kind in ("toml", "python", "text")}


@pytest.mark.parametrize("rule", DISPATCH_RULES + STANDBY_RULES, ids=lambda rule: rule.name)
def test_every_rule_has_its_row_and_an_example(rule):
    assert f"| `{rule.name}` | {rule.text.en} | {rule.text.zh} | {rule.source} |" in PAGE
    tables = [tomllib.loads(b) for b in BLOCKS["toml"]]
    assert any(rule.name == t.get(part, {}).get("rule") for t in tables for part in ("dispatch", "standby"))


@pytest.mark.parametrize("kind", [Dispatch, Standby, Burden, Shifts, Breaks, OwnWork])
def test_every_setting_is_shown(kind):
    for field in fields(kind):
        assert re.search(rf"\b{field.name}\b", PAGE), f"{kind.__name__}.{field.name}"


@pytest.mark.parametrize("text", BLOCKS["toml"])
def test_every_example_is_read(text):
    policy = build(tomllib.loads(text))
    assert policy.dispatch.rule


def test_the_board_example_prints_what_the_page_says():
    (code,), (printed,) = BLOCKS["python"], BLOCKS["text"]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "docs/policies.md", "exec"), {})  # the page's own example
    assert out.getvalue() == printed
