import importlib.util
from pathlib import Path
from types import ModuleType

from anlan.kernels.compiled import cold

SOURCE = """
from numba import njit

@njit(cache=True)
def double(x):
    return 2 * x

def plain(x):
    return x
"""


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("some_kernels", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_kernel_is_cold_until_it_was_compiled_once(tmp_path: Path) -> None:
    path = tmp_path / "some_kernels.py"
    path.write_text(SOURCE)
    first = load(path)
    assert cold(first) == ["some_kernels.double"]
    assert first.double(2) == 4
    assert cold(first) == []
    assert cold(load(path)) == []  # another process would find it on disk
