#!/bin/sh
# Makes DIR a virtual environment with exactly requirements/LOCK.lock and this project in it.
# usage: PY=python3 sh tools/venv.sh DIR LOCK WHAT_IT_DOWNLOADS
set -eu
dir=$1 lock=requirements/$2.lock size=$3
sudo=''
[ "$(id -u)" = 0 ] || sudo='sudo '

stop() {
  printf '%s\n' "$*" >&2
  exit 1
}

command -v "$PY" >/dev/null 2>&1 ||
  stop "There is no $PY here. Install it: ${sudo}apt-get install -y python3 python3-venv"
"$PY" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  stop "$("$PY" --version 2>&1) is too old; Spark Control needs 3.11 or newer." \
    "Name another one: make PY=python3.12"
"$PY" -c 'import ensurepip, venv' 2>/dev/null ||
  stop "$PY cannot make virtual environments. Install it: ${sudo}apt-get install -y python3-venv"

printf 'Making %s: downloads about %s on the first run.\n' "$dir" "$size"
"$PY" -m venv --clear "$dir"
install() { "$dir/bin/python" -m pip install --disable-pip-version-check --no-deps "$@"; }

install --require-hashes -r "$lock"
# What builds the project is pinned too, and is not left in the environment.
build=$dir/.build
install --quiet --require-hashes -r requirements/build.lock --target "$build"
PYTHONPATH=$build install --quiet --no-build-isolation -e .
rm -rf "$build"
touch "$dir/.stamp"
