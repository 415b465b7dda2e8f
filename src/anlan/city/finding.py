"""Findings: what a reader or a check has to say about data, as a sentence in both languages."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SEVERITIES = ("ok", "note", "warning", "error")
"""From nothing to do, through worth knowing and needs a look, to unusable as it is."""

_MARKS = {"ok": "✓", "note": "·", "warning": "!", "error": "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about data.

    Attributes
    ----------
    severity : str
        One of `SEVERITIES`.
    code : str
        Stable name of the kind of finding, for programs.
    en, zh : str
        The sentence in English and in Chinese.
    count : int
        How many rows, roads or files it concerns; 0 where it concerns the whole.
    """

    severity: str
    code: str
    en: str
    zh: str
    count: int = 0

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity {self.severity!r} is not one of {', '.join(SEVERITIES)}")

    def text(self, language: str = "en") -> str:
        """The sentence in ``zh`` or ``en``."""
        return self.zh if language.startswith("zh") else self.en

    def line(self, language: str = "en") -> str:
        """The sentence with the mark of its severity, for a terminal."""
        return f"{_MARKS[self.severity]} {self.text(language)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json`` and the web."""
        return asdict(self)


def some(numbers: list[int] | tuple[int, ...], most: int = 5) -> str:
    """``3, 17, 40`` or ``3, 17, 40, 41, 42 …`` where there are more than ``most``."""
    shown = ", ".join(str(n) for n in list(numbers)[:most])
    return shown + (" …" if len(numbers) > most else "")
