"""The words of a call table's other columns: priority, who noticed it, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.city.finding import Finding
from anlan.city.readers.cells import by_word, share_words
from anlan.city.readers.words import plain, priority_of, source_of
from anlan.core.columns import Strings
from anlan.core.errors import AnlanError
from anlan.model.call import SOURCES, Calls

_HIGHEST, _LOWEST = 1, 9
LONGEST_DISPOSITION = 40
"""Characters; a longer text is a narrative, which may name people, and is not kept (charter, rule 3)."""


def read_priorities(text: Any) -> tuple[NDArray[np.int8], list[Finding]]:
    """Priorities of cleaned text; what is none, or not between 1 and 9, takes the usual one."""
    usual = Calls.DEFAULTS["priority"]
    words, which = by_word(text)
    levels = np.full(max(len(words), 1), usual, np.int8)
    odd = np.zeros(len(levels), bool)
    for index, word in enumerate(words):
        level = priority_of(word) if word else usual
        odd[index] = level is None or not _HIGHEST <= level <= _LOWEST
        levels[index] = usual if odd[index] or level is None else level
    blank = np.array([not word for word in words] or [False])
    notes: list[Finding] = []
    if n := int(blank[which].sum()):
        notes.append(
            Finding(
                "note",
                "priorities_blank",
                f"Calls without a priority: {n}; they take {usual}.",
                f"有 {n} 条警情没有优先级，按 {usual} 处理。",
                n,
            )
        )
    n = int(odd[which].sum())
    if not n:
        return levels[which], notes
    shown = ", ".join(repr(words[i]) for i in np.flatnonzero(odd)[:5])
    return levels[which], [
        *notes,
        Finding(
            "warning",
            "priorities_out_of_range",
            f"Calls with a priority that is none from 1 to 9 ({shown}): {n}; they take {usual}.",
            f"有 {n} 条警情的优先级不在 1–9 之内（{shown}），按 {usual} 处理。",
            n,
        ),
    ]


def read_sources(
    text: Any | None, n: int, given: Mapping[str, str], default: str
) -> tuple[Strings, list[Finding]]:
    """Who noticed each call: the given words, else the known ones, else the default.

    Raises
    ------
    AnlanError
        If ``given`` or ``default`` names something that is no source.
    """
    for word in (*given.values(), default):
        if word not in SOURCES:
            raise AnlanError(
                f"source {word!r}", f"it is one of {', '.join(SOURCES)}", "use one of them", code="source"
            )
    if text is None:
        return share_words([default], np.zeros(n, np.int64)), []
    meant = {plain(word): source for word, source in given.items()}
    words, which = by_word(text)
    sources = [meant.get(plain(w)) or (source_of(w) if w else "unknown") for w in words]
    strange = [i for i, w in enumerate(words) if w and sources[i] == "unknown" and plain(w) not in meant]
    strange = [i for i in strange if plain(words[i]) not in ("unknown", "other", "其他", "其它", "未知")]
    sources = [default if source == "unknown" else source for source in sources]
    if not strange:
        return share_words(sources, which), []
    rows = int(np.isin(which, strange).sum())
    shown = ", ".join(repr(words[i]) for i in strange[:6])
    example = words[strange[0]]
    return share_words(sources, which), [
        Finding(
            "warning",
            "sources_strange",
            f"Calls whose word for who noticed them is not understood ({shown}): {rows}; they count as"
            f" {default}: pass sources={{{example!r}: 'reported'}} (or discovered, device).",
            f"有 {rows} 条警情的来源（{shown}）未能识别，按 {default} 处理；可传入"
            f" sources={{{example!r}: 'reported'}}（或 discovered、device）。",
            rows,
        )
    ]


def read_dispositions(text: Any) -> tuple[Strings, list[Finding]]:
    """How calls ended, in a word; narratives are left out."""
    words, which = by_word(text)
    long = np.array([len(word) > LONGEST_DISPOSITION for word in words] or [False])
    kept = ["" if long[i] else " ".join(word.split()) for i, word in enumerate(words)]
    n = int(long[which].sum())
    if not n:
        return share_words(kept, which), []
    return share_words(kept, which), [
        Finding(
            "note",
            "dispositions_left_out",
            f"Dispositions longer than {LONGEST_DISPOSITION} characters: {n}, left out, because narratives"
            " may name people.",
            f"有 {n} 条处理结果超过 {LONGEST_DISPOSITION} 字，可能含个人信息，未读取。",
            n,
        )
    ]
