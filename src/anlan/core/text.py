"""Texts in both languages, kept together so that neither can be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """One text in Chinese and in English."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """The text in one language."""
        return self.zh if language == "zh" else self.en

    def format(self, **values: object) -> Text:
        """Both texts with their ``{placeholders}`` filled; a `Text` value fills in its own language."""
        return Text(*(self.of(lang).format(**_in(values, lang)) for lang in LANGUAGES))

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}" if self.zh != self.en else self.en


def _in(values: dict[str, object], language: Language) -> dict[str, object]:
    return {k: v.of(language) if isinstance(v, Text) else v for k, v in values.items()}
