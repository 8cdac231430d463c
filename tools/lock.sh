#!/bin/sh
# Writes requirements/*.lock; each is one whole environment, and a larger one agrees with a smaller.
# uv is used because its locks hold for every platform and name no index.
set -eu
uv=.tools/lock/bin/uv
[ -x "$uv" ] || { "$PY" -m venv .tools/lock && .tools/lock/bin/pip install -q 'uv==0.13.9'; }

compile() {
  "$uv" pip compile --no-config --quiet --universal --generate-hashes --python-version 3.11 \
    --no-emit-index-url --no-emit-find-links --annotation-style line \
    --custom-compile-command 'make lock' "$@"
}

compile "$@" requirements/build.in -o requirements/build.lock
compile "$@" pyproject.toml -o requirements/base.lock
compile "$@" pyproject.toml --extra demo -c requirements/base.lock \
  --override requirements/overrides.txt -o requirements/demo.lock
compile "$@" pyproject.toml --extra demo --extra dev -c requirements/demo.lock \
  --override requirements/overrides.txt -o requirements/dev.lock
