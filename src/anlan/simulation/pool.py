"""Where independent pieces of work are done: here, or in other processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.simulation.piece import WAIT_S, Pool, Refused, attempt

__all__ = ["Pool", "Processes", "Refused", "Serial", "pool_of"]


class Serial:
    """One piece after the other, in this process."""

    def run(self, work: Callable[[Any], Any], pieces: Sequence[Any], job: Job) -> Iterator[tuple[int, Any]]:
        """See `Pool.run`."""
        for k, piece in enumerate(pieces):
            if job.cancelled:
                return
            yield k, attempt(work, piece)


class Processes:
    """Several processes of this machine, started afresh (spawned), so that they hold nothing of this one.

    Ctrl+C reaches this process only: no new pieces are begun, and those under way are finished and kept.

    Parameters
    ----------
    workers : int
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise AnlanError(f"workers = {workers}", "at least one does the work", "use 1 or more")
        self._workers = workers

    def run(self, work: Callable[[Any], Any], pieces: Sequence[Any], job: Job) -> Iterator[tuple[int, Any]]:
        """See `Pool.run`.

        Raises
        ------
        AnlanError
            If a process is killed from outside, as when the memory runs out.
        """
        context = multiprocessing.get_context("spawn")
        rest = iter(enumerate(pieces))
        with ProcessPoolExecutor(
            min(self._workers, max(len(pieces), 1)), mp_context=context, initializer=_quiet
        ) as pool:
            under_way: dict[Future[Any], int] = {}

            def fill() -> None:
                # A short line ahead of the workers, so that a stopped job leaves little to wait for.
                while len(under_way) < self._workers + 1 and not job.cancelled:
                    following = next(rest, None)
                    if following is None:
                        return
                    under_way[pool.submit(attempt, work, following[1])] = following[0]

            fill()
            while under_way:
                done, _ = wait(under_way, timeout=WAIT_S, return_when=FIRST_COMPLETED)
                for future in done:
                    k = under_way.pop(future)
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        raise AnlanError(
                            "a worker process",
                            "it ended before its work was done, perhaps for lack of memory",
                            "run again with fewer --workers; what was finished is kept",
                            code="worker_lost",
                        ) from None
                    fill()
                    yield k, result
                if job.cancelled:
                    for future in [f for f in under_way if f.cancel()]:
                        del under_way[future]


def _quiet() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def pool_of(workers: int = 1, ray: str | None = None) -> Pool:
    """The pool that the command line asks for.

    Raises
    ------
    AnlanError
        If Ray is asked for and not installed, or its cluster cannot be reached.
    """
    if ray is not None:
        from anlan.simulation.ray_pool import RayPool

        return RayPool(ray)
    return Serial() if workers <= 1 else Processes(workers)
