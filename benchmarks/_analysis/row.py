"""One line of the table."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks._table import human


@dataclass(frozen=True)
class Row:
    """What was done, how long ours took, how long a peer took, and whether the answers agree.

    ``peer_size`` says on what part of the work the peer was run, where all of it takes too long.
    """

    work: str
    seconds: float
    target_s: float | None = None
    peer: str = ""
    peer_seconds: float | None = None
    peer_size: str = ""
    agreement: str = ""

    def cells(self) -> list[str]:
        """Column texts, in the order of `HEADER`."""
        peer = (
            "—" if self.peer_seconds is None else f"{self.peer} {human(self.peer_seconds)} {self.peer_size}"
        )
        target = "—" if self.target_s is None else f"{human(self.target_s)}"
        return [self.work, human(self.seconds), target, peer.strip(), self.agreement]


HEADER = ["work", "ours", "to reach", "peer", "agreement"]
