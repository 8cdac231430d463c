#!/bin/sh
# Puts what the gateway is measured against into a folder: nginx and wrk where this machine has
# none (Debian's packages, unpacked and not installed), vllm-router and LiteLLM in a venv each.
set -eu
target=$1
py=${PY:-python3}
mkdir -p "$target/debian"

unpack() { # PROGRAM PACKAGE: leave out what is there
	command -v "$1" >/dev/null 2>&1 && return
	find "$target/debian" -type f -name "$1" -perm -u+x | grep -q . && return
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "$1 is not here, and there is no apt-get to take it from" >&2
		return
	fi
	folder=$(mktemp -d)
	chmod 755 "$folder" # apt-get downloads as another user
	(cd "$folder" && apt-get download "$2" && dpkg -x ./"$2"_*.deb unpacked)
	cp -R "$folder/unpacked/." "$target/debian/"
	rm -rf "$folder"
}

venv() { # NAME REQUIREMENT
	test -x "$target/$1/bin/$1" && return
	"$py" -m venv --clear "$target/$1"
	"$target/$1/bin/python" -m pip install -q --disable-pip-version-check "$2"
}

unpack nginx nginx
unpack wrk wrk
venv vllm-router "vllm-router==0.1.17"
venv litellm "litellm[proxy]==1.106.2"
