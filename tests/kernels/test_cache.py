"""A kernel compiled with an older one inside it must not be used after that one changed."""

import os
import subprocess
import sys
from pathlib import Path

import anlan.kernels
from anlan.kernels import stamp


def test_every_source_counts(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.py").write_text("y = 1\n")
    seen = {stamp(tmp_path)}
    (tmp_path / "b" / "c.py").write_text("y = 2\n")
    seen.add(stamp(tmp_path))
    (tmp_path / "b" / "d.py").write_text("")
    seen.add(stamp(tmp_path))
    assert len(seen) == 3
    (tmp_path / "b" / "d.py").unlink()
    (tmp_path / "b" / "c.py").write_text("y = 1\n")
    assert stamp(tmp_path) in seen


def test_what_is_compiled_is_kept_under_the_state_of_the_sources(tmp_path):
    code = (
        "from anlan.kernels.policies.eligible import above_reserve; import numpy as np;"
        "above_reserve(3, np.zeros(4, np.int64), 1)"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    (made,) = tmp_path.iterdir()
    assert made.name == f"numba-{stamp(Path(anlan.kernels.__file__).parent)}"
    assert list(made.rglob("*.nbi"))
