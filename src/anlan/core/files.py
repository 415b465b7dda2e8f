"""Writing files so that a crash, a full disk or Ctrl+C never leaves half of one behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anlan.core.errors import AnlanError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; when the block ends well, it takes ``path``'s place.

    Raises
    ------
    AnlanError
        If the disk is full or the folder cannot be written; the existing file is untouched.
    """
    with _space(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.{os.getpid()}.part"
        try:
            yield temporary
            os.replace(temporary, path)  # noqa: PTH105 - Path.replace is the same call
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give an empty temporary folder beside ``path``; when the block ends well, it takes ``path``'s place.

    An existing folder is moved aside first and removed only when the new one stands, so that either the
    old or the new one is whole at any moment a user can see.
    """
    with _space(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        temporary.chmod(0o755)
        aside = temporary.with_suffix(".old")
        try:
            yield temporary
            if path.exists():
                path.rename(aside)
            try:
                temporary.rename(path)
            except OSError:
                if aside.exists():
                    aside.rename(path)
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if path.exists():
                shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _space(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise AnlanError(
            f"{path}",
            f"it could not be written ({error.strerror or error})",
            "free space or choose another folder; what was there before is untouched",
            code="write_failed",
        ) from error
