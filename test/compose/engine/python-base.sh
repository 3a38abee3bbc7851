#!/usr/bin/env bash
# Makes an image with this machine's Python, and with the packages of a requirements file where pip finds them without a network:
# it stands in for python:3-slim and a package index.
# usage: python-base.sh IMAGE REQUIREMENTS OFFLINE_BASE   WHEELS_DIR keeps what was downloaded.
set -euo pipefail
image=$1 requirements=$2 offline_base=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

read -r executable library < <(python3 -c 'import os, sys, sysconfig
print(os.path.realpath(sys.executable), sysconfig.get_path("stdlib"))')
python3 -m pip download --quiet --dest "$WHEELS_DIR" --requirement "$requirements"
mkdir "$work/lib"
tar -C "$library" --exclude=./test --exclude=./site-packages --exclude='./config-*' --exclude=__pycache__ -c . | tar -C "$work/lib" -x
# Of the C and C++ libraries, what the code of grpcio loads and nothing else here does.
parts=()
for name in libdl.so.2 libpthread.so.0 librt.so.1 libstdc++.so.6; do
  file=$(ldconfig -p | sed -n "s/.*$name .*=> //p" | head -1)
  [[ -z $file ]] || parts+=("$file=$file")
done
"$offline_base" "$image" "${parts[@]}" "$executable=/usr/local/bin/python" "$work/lib=/usr/local/lib/${library##*/}" \
  "$WHEELS_DIR=/wheels"
docker build --quiet --tag "$image" - <<DOCKERFILE
FROM $image
RUN python -m ensurepip
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels
DOCKERFILE
