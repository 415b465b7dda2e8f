"""How often one address may knock at doors that are open to everybody."""

from __future__ import annotations

import threading
from collections import OrderedDict

from anlan.core.errors import AnlanError
from anlan.core.time import Clock

ADDRESSES = 20_000


class Limit:
    """A bucket of tokens per address.

    Parameters
    ----------
    often : int
        Requests at once.
    per_s : float
        Seconds after which as many are allowed again.
    clock : callable
    """

    def __init__(self, often: int, per_s: float, clock: Clock) -> None:
        self.often, self.per_s, self.clock = often, per_s, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, address: str) -> None:
        """Count a request.

        Raises
        ------
        AnlanError
            If there were too many.
        """
        now = self.clock()
        with self._lock:
            left, at = self._left.pop(address, (float(self.often), now))
            left = min(float(self.often), left + (now - at) * self.often / self.per_s)
            if left >= 1:
                self._left[address] = (left - 1, now)
            else:
                self._left[address] = (left, now)
            if len(self._left) > ADDRESSES:
                self._left.popitem(last=False)
        if left < 1:
            raise AnlanError(
                "too many requests",
                f"{self.often} are allowed in {self.per_s:g} s from one address",
                "wait a minute",
                code="too_many",
            )
