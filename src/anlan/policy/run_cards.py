"""Run cards: which units a call of a category needs, for example two patrols and a supervisor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError

ANY = "any"
"""Stands for a unit of whatever kind."""

_PART = re.compile(r"(?:(\d+)\s+)?(\S.*)")


@dataclass(frozen=True)
class RunCards:
    """Units by category of call.

    In TOML, category and text: ``robbery = "2 patrol + 1 supervisor"``. The parts are joined by ``+``; each is
    a number (1 where there is none) and the kinds or skills that one unit must have, several joined by ``&``
    (``"patrol & dog"``); ``any`` is any unit. ``"*"`` is the card of the categories that are not named;
    without it they take one unit of any kind.

    A call with several units becomes several requests of the same priority, in the card's order. It counts as
    answered when the first unit arrives and as complete when the last one does.

    Attributes
    ----------
    cards : mapping of str to tuple of (tuple of str)
        What each unit must be, by category.
    """

    cards: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)

    @classmethod
    def of_table(cls, given: Any) -> RunCards:
        """Read the table ``[run_cards]``.

        Raises
        ------
        AnlanError
            If a card cannot be read, or asks for no unit or for more than 20.
        """
        if not isinstance(given, Mapping):
            raise AnlanError(
                f"run_cards = {given!r}",
                "it is a table of categories and units",
                'write for example [run_cards] and robbery = "2 patrol + 1 supervisor"',
                code="policy_run_card",
            )
        return cls({str(name): _card(str(name), text) for name, text in given.items()})

    def of(self, category: str) -> tuple[tuple[str, ...], ...]:
        """What each unit for a call of this category must be."""
        return self.cards.get(category, self.cards.get("*", ((),)))

    def words(self) -> tuple[str, ...]:
        """All kinds and skills that the cards name, sorted."""
        return tuple(sorted({w for card in self.cards.values() for unit in card for w in unit}))


def abilities(words: Sequence[str], kind: Iterable[str], skills: Iterable[str]) -> NDArray[np.int64]:
    """Which of the words each unit is or can: bit i is ``words[i]``.

    Parameters
    ----------
    kind, skills : iterable of str, shape (n_units,)
        ``skills`` are comma-separated.
    """
    bit = {word: 1 << i for i, word in enumerate(words)}
    out = []
    for one, more in zip(kind, skills, strict=True):
        has = {one.strip(), *(s.strip() for s in more.split(","))}
        out.append(sum(bit[w] for w in has if w in bit))
    return np.array(out, np.int64)


def requests(
    cards: RunCards, category: NDArray[Any], words: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """One request per unit.

    Returns
    -------
    call : ndarray of int64, shape (n_requests,)
        Row of the call.
    place : ndarray of int64
        Its place on the card, from 0.
    skills : ndarray of int64
        Bits that the unit must have.
    """
    bit = {word: 1 << i for i, word in enumerate(words)}
    names, row = np.unique(np.asarray(category).astype(str), return_inverse=True)
    row = row.ravel()
    needs = [[sum(bit[w] for w in unit) for unit in cards.of(name)] for name in names.tolist()]
    size = np.array([len(n) for n in needs], np.int64)
    count = size[row] if len(names) else np.empty(0, np.int64)
    call = np.repeat(np.arange(len(row)), count)
    place = np.arange(len(call)) - np.repeat(np.cumsum(count) - count, count)
    width = int(size.max(initial=1))
    table = np.zeros((max(len(names), 1), width), np.int64)
    for i, need in enumerate(needs):
        table[i, : len(need)] = need
    return call, place, table[row[call], place]


def _card(category: str, given: Any) -> tuple[tuple[str, ...], ...]:
    parts = given.split("+") if isinstance(given, str) else given
    out: list[tuple[str, ...]] = []
    if isinstance(parts, Iterable):
        for part in parts:
            found = _PART.fullmatch(str(part).strip())
            if found is None:
                out = []
                break
            words = tuple(sorted({w.strip() for w in found[2].split("&")} - {ANY, ""}))
            out += [words] * int(found[1] or 1)
    if not 1 <= len(out) <= 20:
        raise AnlanError(
            f"run_cards.{category} = {given!r}",
            "a run card asks for 1 to 20 units",
            'write for example "2 patrol + 1 supervisor"',
            code="policy_run_card",
        )
    return tuple(out)
