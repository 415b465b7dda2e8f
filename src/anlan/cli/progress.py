"""A job on the terminal: one bar a stage, Ctrl+C asks it to stop, a second Ctrl+C insists."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from anlan.core.job import Job, Progress

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextmanager
def job_on_terminal(quiet: bool = False) -> Iterator[Job]:
    """A `Job` whose progress is shown on standard error and which Ctrl+C cancels."""
    show: _Plain | _Bars = _Plain() if not sys.stderr.isatty() else _Bars()
    job = Job(None if quiet else show.update)

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if job.cancelled:
            raise KeyboardInterrupt
        job.cancel()
        sys.stderr.write(
            "\nstopping at the next safe point, keeping what is finished (Ctrl+C again to insist)\n"
        )

    on_main = threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGINT, interrupt) if on_main else None
    try:
        with show:
            yield job
    finally:
        if on_main:
            signal.signal(signal.SIGINT, previous)


class _Plain:
    """For logs and pipes: a line when a stage begins and when it ends."""

    def __init__(self) -> None:
        self._stage, self._note, self._began = "", "", 0.0

    def __enter__(self) -> _Plain:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def update(self, progress: Progress) -> None:
        if progress.stage != self._stage:
            self._end()
            self._stage, self._began = progress.stage, time.monotonic()
        self._note = progress.note

    def _end(self) -> None:
        if self._stage:
            note = f" ({self._note})" if self._note else ""
            sys.stderr.write(f"  {self._stage}{note}: {time.monotonic() - self._began:.1f} s\n")
            sys.stderr.flush()
            self._stage = ""


class _Bars:
    """For people: a bar a stage."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._bars = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=28),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )
        self._stage = ""
        self._task: TaskID | None = None

    def __enter__(self) -> _Bars:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def update(self, progress: Progress) -> None:
        if progress.stage != self._stage:
            self._stage = progress.stage
            self._task = self._bars.add_task(progress.stage, total=progress.total or None, note="")
        if self._task is not None:
            self._bars.update(
                self._task, completed=progress.done, total=progress.total or None, note=progress.note
            )
