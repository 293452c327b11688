#!/bin/sh
# Writes requirements/*.txt anew from pyproject.toml: exact versions with hashes, for every supported Python and
# platform, naming no download address. Versions already locked stay unless pyproject.toml asks for others;
# `make lock LOCK_OPTIONS=--upgrade` takes the newest that it allows.
set -eu
cd "$(dirname "$0")/../.."
uv_version=0.13.9
tools=build/lock-tools
[ -x "$tools/bin/uv" ] || .venv/bin/python -m venv "$tools"
"$tools/bin/python" -m pip --disable-pip-version-check --quiet install "uv==$uv_version"

compile() {
    "$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url ${LOCK_OPTIONS:-} "$@"
}

compile pyproject.toml --group build --output-file requirements/run.txt
compile pyproject.toml --group build --group dev --output-file requirements/dev.txt
head -n 1 requirements/node.txt | cut -d ' ' -f 1 | compile - --output-file requirements/node.txt
