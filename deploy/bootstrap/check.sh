#!/bin/sh
# Lint, formatting, types, import rules, containers, TypeScript: runs all of them, prints the seconds of each, fails if any failed.
set -u
cd "$(dirname "$0")/../.."
failed=

check() {
    name=$1
    shift
    begin=$(date +%s)
    if output=$("$@" 2>&1); then
        echo "check: $name passed, $(($(date +%s) - begin)) s"
    else
        printf '%s\n' "$output"
        echo "check: $name FAILED, $(($(date +%s) - begin)) s"
        failed="$failed $name"
    fi
}

check lint .venv/bin/ruff check .
check format .venv/bin/ruff format --check .
check types .venv/bin/mypy
check imports .venv/bin/lint-imports --no-logo
check containers deploy/docker/lint.sh
# The Node.js that built the front end: the machine's, or the one that frontend.sh put into .venv.
[ ! -f .venv/node.stamp ] || PATH=$(pwd)/.venv/bin:$PATH
check typescript npm --prefix gateway/web run --silent check
[ -z "$failed" ] || { echo "make check failed:$failed" >&2; exit 1; }
