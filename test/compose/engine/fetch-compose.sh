#!/usr/bin/env bash
# Fetches Debian unstable's package of Docker Compose 2 from the mirror that this machine uses, and leaves its lists alone.
# usage: fetch-compose.sh FILE   FILE becomes the CLI plugin docker-compose.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/lists/partial "$work"/cache/archives/partial

field() { sed -n "s/^$1: *//p" /etc/apt/sources.list.d/debian.sources | head -1; }
echo "deb [signed-by=$(field Signed-By)] $(field URIs) sid main" >"$work/sid.list"
apt=(apt-get -q -o "Dir::Etc::SourceList=$work/sid.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)

cd "$work"
{ "${apt[@]}" update && "${apt[@]}" download docker-compose; } >log 2>&1 || { tail -5 log >&2; exit 1; }
dpkg-deb -x docker-compose_*.deb root
install -D -m 755 root/usr/libexec/docker/cli-plugins/docker-compose "$1"
