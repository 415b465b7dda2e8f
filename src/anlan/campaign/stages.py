"""Finished stages are kept, so that a job that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from anlan import __version__
from anlan.core.files import replacing


def fingerprint(folder: Path) -> str:
    """A digest of a folder's files, names and contents."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")):
        digest.update(path.name.encode())
        with path.open("rb") as source:
            while block := source.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


class Stages:
    """Which stages of a job are done, for which inputs.

    A stage's key covers the version of anlan, the inputs and every earlier stage; a stage counts as done
    only if its key is the one on record and its files are there.

    Parameters
    ----------
    folder : Path
        The job's output folder; the record is ``.stages.json`` in it.
    inputs : mapping
        What the whole job depends on.
    fresh : bool
        Forget what was done.
    """

    def __init__(self, folder: Path, inputs: dict[str, Any], *, fresh: bool = False) -> None:
        self._folder, self._path = folder, folder / ".stages.json"
        self._key = _digest({"version": __version__, **inputs})
        self._done: dict[str, str] = {}
        if not fresh and self._path.exists():
            try:
                self._done = dict(json.loads(self._path.read_text(encoding="utf-8")))
            except (ValueError, TypeError):
                self._done = {}

    def done(self, stage: str, *files: str) -> bool:
        """Whether a stage is finished for these inputs and its files are still there."""
        self._key = _digest({"before": self._key, "stage": stage})
        return self._done.get(stage) == self._key and all((self._folder / f).exists() for f in files)

    def finish(self, stage: str) -> None:
        """Put the stage last asked about on record."""
        self._done[stage] = self._key
        self._folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._path) as out:
            out.write_text(json.dumps(self._done, indent=1), encoding="utf-8")


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()
