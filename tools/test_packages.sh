#!/bin/sh
# Sees to the Debian packages that the tests need; as root it installs what is missing.
set -eu
missing=''
PATH=$PATH:/usr/sbin:/sbin
# What is looked for, and the package it comes with.
while read -r program package; do
  command -v "$program" >/dev/null 2>&1 || missing="$missing $package"
done <<'EOF'
sshd openssh-server
chromium chromium
podman podman
runc runc
conmon conmon
ip iproute2
pkill procps
busybox busybox-static
EOF
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -x /usr/lib/podman/netavark ] || [ -x /usr/libexec/podman/netavark ] ||
  missing="$missing netavark"

# Docker's own client, which speaks to podman; its package would bring a daemon along.
client=.tools/docker/usr/bin/docker
real_client() {
  for one in docker "$client"; do
    case $("$one" --version 2>/dev/null || true) in "Docker version"*) return 0 ;; esac
  done
  return 1
}
take_client() {
  folder=$(mktemp -d)
  (cd "$folder" && { apt-get download -qq docker-cli || apt-get download -qq docker.io; }) 2>/dev/null
  mkdir -p .tools/docker
  for package in "$folder"/*.deb; do
    dpkg --fsys-tarfile "$package" | tar -x -C .tools/docker ./usr/bin/docker
  done
  rm -rf "$folder"
}

if [ -z "$missing" ] && { [ "$(id -u)" != 0 ] || real_client; }; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  printf 'Installing what the tests need:%s\n' "$missing"
  # A fresh machine has no package lists, an old one has stale ones: then once more with new ones.
  # shellcheck disable=SC2086  # a list of words
  apt-get install -y -qq --no-install-recommends $missing ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; }
  # Without it the tests of lab level 2 say that it is missing.
  real_client || take_client || printf "Docker's client could not be taken.\n" >&2
else
  printf 'Some tests need Debian packages that are not here:\n' >&2
  printf '  sudo apt-get install -y --no-install-recommends%s\n' "$missing" >&2
  printf 'Without them those tests are skipped.\n' >&2
fi
