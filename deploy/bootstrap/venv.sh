#!/bin/sh
# Makes .venv hold what a lock file says, and the project itself, editable. Does nothing when that is so already.
#   venv.sh run     what the product runs with (requirements/run.txt)
#   venv.sh dev     that and what checks and tests it (requirements/dev.txt)
# PYTHON names another interpreter. The stamps in .venv hold the hash of what was installed.
set -eu
wanted=$1
cd "$(dirname "$0")/../.."

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if supported "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    echo "MedTOWN needs Python 3.11, 3.12 or 3.13; ${PYTHON:-python3} is $(${PYTHON:-python3} --version 2>&1 |
        head -n 1): install one of them, or name it: make PYTHON=/path/to/python3.11" >&2
    exit 2
}

make_environment() {
    python=$(find_python) || exit 2
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python cannot make virtual environments: install the package python3-venv (Debian, Ubuntu)" >&2
        exit 2
    fi
    echo "Making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
}

digest() { cat "$@" | sha256sum | cut -d ' ' -f 1; }
# The scripts of an environment name its place: one that was moved or copied is made anew.
usable() { head -n 2 .venv/bin/pip 2>/dev/null | grep -qF "$(pwd)/.venv/bin/" && supported .venv/bin/python; }
same_version() { [ "$("$PYTHON" --version)" = "$(.venv/bin/python --version)" ]; }
stamped() { [ "$(cat ".venv/$1.stamp" 2>/dev/null)" = "$2" ]; }
quiet_pip() { .venv/bin/python -m pip --disable-pip-version-check --quiet install "$@"; }

lock=requirements/$wanted.txt
lock_digest=$(digest "$lock")
if ! usable || { [ -n "${PYTHON:-}" ] && ! same_version; }; then
    make_environment
fi

if ! stamped "$wanted" "$lock_digest"; then
    echo "Installing the locked packages of $lock"
    quiet_pip --no-deps --require-hashes --requirement "$lock"
    echo "$lock_digest" > ".venv/$wanted.stamp"
    # dev.txt contains run.txt.
    [ "$wanted" = run ] || digest requirements/run.txt > .venv/run.stamp
fi

project_digest=$(digest pyproject.toml)
if ! stamped project "$project_digest"; then
    echo "Installing the project itself, editable"
    quiet_pip --no-deps --no-build-isolation --editable .
    echo "$project_digest" > .venv/project.stamp
fi
