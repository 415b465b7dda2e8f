"""Long work as one object, shared by the command line, the server and the console."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from anlan.core.errors import Cancelled

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job has come.

    Attributes
    ----------
    stage : str
        What is being done now, in the user's words.
    done, total : float
        Amount done of the stage's total, in any unit; ``total`` is 0 where it is unknown.
    note : str
        A short live figure, such as ``"gap 0.42 %"``.
    """

    stage: str = ""
    done: float = 0.0
    total: float = 0.0
    note: str = ""


class Job:
    """A cancellable piece of long work that tells how far it is.

    Work functions take ``job: Job | None = None``, report with `update`, and either call `check` where
    nothing can be kept or read `cancelled` and return the best they have.

    Parameters
    ----------
    listener : callable, optional
        Called with each new `Progress`, in the thread of the work.
    """

    def __init__(self, listener: Callable[[Progress], None] | None = None) -> None:
        self.id = f"job-{next(_numbers)}"
        self.progress = Progress()
        self._listener = listener
        self._cancel = threading.Event()
        self._depth = 0

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the job to stop."""
        return self._cancel.is_set()

    def cancel(self) -> None:
        """Ask the job to stop at its next convenient point, keeping what it has."""
        self._cancel.set()

    def check(self) -> None:
        """Raise `Cancelled` if the job was asked to stop."""
        if self.cancelled:
            raise Cancelled

    def update(self, done: float | None = None, note: str | None = None) -> None:
        """Report progress within the current stage."""
        p = self.progress
        self._set(
            Progress(p.stage, p.done if done is None else done, p.total, p.note if note is None else note)
        )

    @contextmanager
    def stage(self, name: str, total: float = 0.0) -> Iterator[None]:
        """Enter a named stage; on leaving without error it counts as complete.

        Within another stage the outer one keeps its name: the inner one lends it its bar and is named in
        the note, so that a use case built from others shows as many stages as it has itself.
        """
        self.check()
        outer = self.progress if self._depth else None
        self._depth += 1
        try:
            if outer is None:
                self._set(Progress(name, 0.0, total))
            else:
                self._set(Progress(outer.stage, 0.0, total, name))
            yield
        finally:
            self._depth -= 1
        if outer is None:
            self._set(Progress(name, total or 1.0, total or 1.0, self.progress.note))
        else:
            self._set(outer)

    def _set(self, progress: Progress) -> None:
        self.progress = progress
        if self._listener is not None:
            self._listener(progress)
