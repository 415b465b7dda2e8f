"""All SQL: the append-only, hash-chained event log, its read model, keys, checkpoints and backups."""

from anlan.store.backup import backup, restore
from anlan.store.entry import Draft, Entry
from anlan.store.record import Fold, Record, last_event
from anlan.store.store import Store
from anlan.store.verify import Broken, Verified, verify
from anlan.store.work import Command, Work

__all__ = [
    "Broken",
    "Command",
    "Draft",
    "Entry",
    "Fold",
    "Record",
    "Store",
    "Verified",
    "Work",
    "backup",
    "last_event",
    "restore",
    "verify",
]
