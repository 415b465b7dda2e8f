"""Pieces of independent work, and what becomes of one that is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from anlan.core.errors import AnlanError
from anlan.core.job import Job

WAIT_S = 0.2
"""How often a pool looks whether its job was cancelled."""


class Pool(Protocol):
    """Does pieces of work in any order.

    Each piece is done by calling a function of a module with one value that can be pickled; a piece's result does
    not depend on where or beside what it was done. A piece that raises `AnlanError` gives a `Refused`; other
    errors end the whole.
    """

    def run(self, work: Callable[[Any], Any], pieces: Sequence[Any], job: Job) -> Iterator[tuple[int, Any]]:
        """Numbers of pieces with their results, as they are done; ends early when the job is cancelled."""
        ...


@dataclass(frozen=True)
class Refused:
    """An `AnlanError` as plain data, which travels between processes."""

    value: str
    rule: str
    remedy: str
    code: str

    def error(self) -> AnlanError:
        """The error again."""
        return AnlanError(self.value, self.rule, self.remedy, code=self.code)


def attempt(work: Callable[[Any], Any], piece: Any) -> Any:
    """The result of a piece, or a `Refused`."""
    try:
        return work(piece)
    except AnlanError as error:
        return Refused(error.value, error.rule, error.remedy, error.code)
