#!/bin/sh
# Every linter; all of them run even when one fails, and the exit status says whether any did.
cd "$(dirname "$0")/.." || exit 1
PATH="$PWD/.venv/bin:$PATH"
status=0
check() { echo "lint: $*" >&2; "$@" || status=1; }
check ruff check --quiet
check ruff format --check --quiet
check mypy --no-error-summary
check lint-imports
exit $status
