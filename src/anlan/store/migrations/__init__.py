"""Numbered steps from an empty database to today's tables; a step is never edited after its release.

Each step is a module with ``statements(dialect) -> list of SQL``. `anlan.store.migrate` applies what is missing,
in one transaction.
"""

from anlan.store.migrations import m0001_log, m0002_keys, m0003_secrets

STEPS = (m0001_log, m0002_keys, m0003_secrets)
