#!/bin/sh
# Sees to the Debian packages that the tests need; as root it installs what is missing.
set -eu
missing=''
PATH=$PATH:/usr/sbin
command -v sshd >/dev/null 2>&1 || missing="$missing openssh-server"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  printf 'Installing what the tests need:%s\n' "$missing"
  # A fresh machine has no package lists, an old one has stale ones: then once more with new ones.
  # shellcheck disable=SC2086  # a list of words
  apt-get install -y -qq --no-install-recommends $missing ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; }
else
  printf 'Some tests need Debian packages that are not here:\n' >&2
  printf '  sudo apt-get install -y --no-install-recommends%s\n' "$missing" >&2
  printf 'Without them those tests are skipped.\n' >&2
fi
