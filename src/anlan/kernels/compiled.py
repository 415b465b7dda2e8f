"""Which kernels still have to be compiled: numba does it at their first call and keeps the result on disk."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def cold(*modules: ModuleType) -> list[str]:
    """Names of the kernels of some modules that have no compiled form yet, in memory or on disk.

    A kernel that was compiled from older source, by another numba or for another processor counts as cold.
    """
    names = []
    for module in modules:
        for name, kernel in vars(module).items():
            if getattr(kernel, "__module__", None) == module.__name__ and _is_cold(kernel):
                names.append(f"{module.__name__}.{name}")
    return names


def _is_cold(kernel: Any) -> bool:
    if not hasattr(kernel, "nopython_signatures"):
        return False  # plain Python
    if kernel.nopython_signatures:
        return False
    try:
        return not kernel._cache._cache_file._load_index()
    except (AttributeError, OSError):
        return False  # a numba that keeps its cache another way: do not announce what we cannot know
