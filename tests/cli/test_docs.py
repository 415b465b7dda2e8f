"""The build fails when the documents lag behind the commands."""

import re
from pathlib import Path

import typer

from anlan.cli import main

ROOT = Path(__file__).parents[2]


def names(app: typer.Typer, prefix: str = "anlan") -> list[str]:
    out = [f"{prefix} {c.name or getattr(c.callback, '__name__', '')}" for c in app.registered_commands]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        out += names(group.typer_instance, f"{prefix} {group.name}")
    return out


def test_every_command_is_in_the_list_and_every_listed_command_exists():
    listed = re.findall(
        r"^\| `(anlan(?: [a-z-]+)+)", (ROOT / "docs/commands.md").read_text(encoding="utf-8"), re.M
    )
    assert sorted(listed) == sorted(names(main.app))


def test_both_readmes_show_the_two_commands_and_the_same_links():
    english, chinese = ((ROOT / f).read_text(encoding="utf-8") for f in ("README.md", "README.zh-CN.md"))
    for text in (english, chinese):
        assert "./run demo" in text
        assert "./run test" in text
    pattern = r"\((docs/[\w/.-]+|[A-Z]+[\w.-]*\.md|LICENSE[\w.-]*)\)"
    there = {name for name in re.findall(pattern, english) if "image" not in name and "README" not in name}
    here = {name for name in re.findall(pattern, chinese) if "image" not in name and "README" not in name}
    assert there == here


def test_links_lead_somewhere():
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_locks_name_no_registry():
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert "http" not in re.sub(r"^http[\w-]+==.*$", "", lock.read_text(encoding="utf-8"), flags=re.M), (
            lock.name
        )
