"""Compiled loops: integers and arrays in, arrays out; they know nothing of the application.

Numba keeps what it compiled on disk and looks only at a kernel's own file to see whether it still holds, though a
kernel also contains those that it calls. So each state of all the sources has a cache folder of its own: after an
upgrade, nothing decides by yesterday's rules.
"""

from hashlib import sha256
from pathlib import Path

from numba.core import config


def stamp(folder: Path) -> str:
    """What the sources of a folder are, in twelve characters."""
    told = sha256()
    for file in sorted(folder.rglob("*.py")):
        told.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return told.hexdigest()[:12]


_here = Path(__file__).parent
_parent = Path(config.CACHE_DIR or _here / "__pycache__")  # type: ignore[attr-defined]
config.CACHE_DIR = str(_parent / f"numba-{stamp(_here)}")  # type: ignore[attr-defined]
