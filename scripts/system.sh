#!/bin/sh
# Installs the system packages that some tests use, where they are missing and we may; otherwise those tests are skipped.
set -u
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
fc-list :lang=zh 2>/dev/null | grep -q . || missing="$missing fonts-noto-cjk"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v strace >/dev/null 2>&1 || missing="$missing strace"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "system: without root or apt-get,$missing not installed; the tests that need them are skipped" >&2
  exit 0
fi
echo "system: installing$missing" >&2
# shellcheck disable=SC2086
{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
  >/dev/null 2>&1 || echo "system:$missing could not be installed; the tests that need them are skipped" >&2
exit 0
