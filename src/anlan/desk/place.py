"""Where a city's log is: beside the city, or in the database that a DSN names."""

from __future__ import annotations

import os
import time
from pathlib import Path

from anlan.core.errors import AnlanError
from anlan.core.time import Clock
from anlan.desk.fold import fold_by
from anlan.model.procedures import ALL
from anlan.store import Store

FOLDER = "desk"
DSN = "ANLAN_DSN"
KEYS = "ANLAN_KEYS"


def open_log(city: Path, *, dsn: str = "", new: bool = False, clock: Clock = time.time) -> Store:
    """The log of a city's desk.

    Parameters
    ----------
    city : Path
        The city folder; the log is ``desk/log.db`` in it and the keys are ``desk/keys``.
    dsn : str
        A PostgreSQL database instead; by default what the environment variable ANLAN_DSN names. ANLAN_KEYS
        names another folder of keys.
    new : bool
        Whether a log that is not there is made.

    Raises
    ------
    AnlanError
        If the city or its log is not there.
    """
    if not (city / "city.toml").is_file():
        raise AnlanError(
            f"{city}", "it is not a city folder", "name a folder with a city.toml", code="city_missing"
        )
    folder = city / FOLDER
    where: str | Path = dsn or os.environ.get(DSN, "") or folder / "log.db"
    if isinstance(where, Path) and not new and not where.exists():
        raise AnlanError(
            f"{city}",
            "its desk has no log yet",
            "start the desk or restore a backup first",
            code="log_missing",
        )
    return Store(where, Path(os.environ.get(KEYS, "") or folder / "keys"), fold=fold_by(ALL), clock=clock)
