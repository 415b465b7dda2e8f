"""The same work on a Ray cluster that is already there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.simulation.piece import WAIT_S, attempt

AHEAD = 4
"""Pieces handed out per processor of the cluster; more would only fill its memory with waiting tasks."""


class RayPool:
    """Pieces as tasks of a Ray cluster; those of a lost node are done again elsewhere.

    The nodes need the same Python, Anlan and folders as this machine.

    Parameters
    ----------
    address : str
        As `ray.init` takes it: ``auto``, ``host:6379`` or ``ray://host:10001``.

    Raises
    ------
    AnlanError
        If Ray is not installed here, or the cluster does not answer.
    """

    def __init__(self, address: str) -> None:
        try:
            import ray
        except ImportError:
            raise AnlanError(
                f"--ray {address}",
                "Ray is not installed, and Anlan does not need it otherwise",
                "install it with: pip install 'anlan[ray]'",
                code="ray_missing",
            ) from None
        self._ray: Any = ray
        if not ray.is_initialized():
            try:
                ray.init(address=address, log_to_driver=False, logging_level="error")
            except Exception as error:
                raise AnlanError(
                    f"--ray {address}",
                    f"no Ray cluster answers there ({str(error).splitlines()[0] if str(error) else error})",
                    "start one with `ray start --head`, or give its address",
                    code="ray_unreachable",
                ) from error

    def run(self, work: Callable[[Any], Any], pieces: Sequence[Any], job: Job) -> Iterator[tuple[int, Any]]:
        """See `anlan.simulation.pool.Pool.run`."""
        ray = self._ray
        # Retried without limit where its node or process was lost; an error of the work itself is not retried.
        task = ray.remote(attempt).options(max_retries=-1, num_cpus=1)
        room = AHEAD * max(int(ray.cluster_resources().get("CPU", 1)), 1)
        rest = iter(enumerate(pieces))
        under_way: dict[Any, int] = {}

        def fill() -> None:
            while len(under_way) < room and not job.cancelled:
                following = next(rest, None)
                if following is None:
                    return
                under_way[task.remote(work, following[1])] = following[0]

        fill()
        while under_way:
            done, _ = ray.wait(list(under_way), timeout=WAIT_S)
            for reference in done:
                k = under_way.pop(reference)
                result = ray.get(reference)
                fill()
                yield k, result
            if job.cancelled:
                for reference in list(under_way):
                    ray.cancel(reference)
                return
