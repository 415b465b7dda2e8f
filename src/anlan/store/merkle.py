"""Merkle trees as in RFC 9162 (Certificate Transparency 2.0), section 2.1: roots and inclusion proofs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf(data: bytes) -> bytes:
    """Hash of a leaf's bytes."""
    return hashlib.sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Hash of two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes, in order; of none, the hash of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        # An odd last one rises unchanged, which is the RFC's split at the largest power of two.
        pairs = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0]


def path(leaves: Sequence[bytes], index: int) -> list[tuple[str, bytes]]:
    """What to combine a leaf with, from the bottom up, to reach the root: (side of the other, its hash)."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} of {len(leaves)}")
    level = list(leaves)
    out: list[tuple[str, bytes]] = []
    while len(level) > 1:
        other = index ^ 1
        if other < len(level):
            out.append(("left" if other < index else "right", level[other]))
        pairs = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
        index //= 2
    return out


def climb(start: bytes, steps: Sequence[tuple[str, bytes]]) -> bytes:
    """The root that a leaf and its path lead to."""
    at = start
    for side, other in steps:
        at = node(other, at) if side == "left" else node(at, other)
    return at
