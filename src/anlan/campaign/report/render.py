"""Findings to one HTML page that needs nothing else: no script, no network, both languages inside."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from anlan.core.text import LANGUAGES, Language, Text

_HERE = Path(__file__).parent


@cache
def texts() -> dict[str, Text]:
    """The fixed texts by key."""
    raw = tomllib.loads((_HERE / "texts.toml").read_text(encoding="utf-8"))
    return {key: Text(zh, en) for key, (zh, en) in raw.items()}


def both(text: Text | str) -> Markup:
    """A text in both languages, each marked with its own; the page's style shows one."""
    if isinstance(text, str) or text.zh == text.en:
        return Markup(escape(text if isinstance(text, str) else text.en))
    return Markup("").join(
        Markup('<span lang="{}">{}</span>').format(lang, text.of(lang)) for lang in LANGUAGES
    )


def _fixed(key: str, **values: Any) -> Markup:
    return both(texts()[key].format(**values))


def render(findings: Any, language: Language = "zh", template: str = "report.html.j2") -> str:
    """The report page.

    Parameters
    ----------
    findings : Findings
        Everything the page shows (see `anlan.campaign.findings`).
    language : {"zh", "en"}
        Which language it opens in; the other is one click away.
    template : str
        Which report: the plan's, the analysis alone or the account of a campaign.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: f"{value:,.0f}"
    css = (_HERE / "report.css").read_text(encoding="utf-8")
    page = environment.get_template(template)
    return page.render(f=findings, t=_fixed, say=both, css=Markup(css), language=language)
