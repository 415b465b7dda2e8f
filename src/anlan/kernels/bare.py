"""How kernels of the simulation are compiled."""

from __future__ import annotations

from typing import Any

BARE: dict[str, Any] = {"cache": True, "nogil": True, "_nrt": False}
"""Kernels that make no arrays and so need no reference counts, which took half of the loop's time."""

INNER: dict[str, Any] = {**BARE, "no_cpython_wrapper": True}
"""Kernels that only kernels call: no entry from Python, which would cost compile time."""
