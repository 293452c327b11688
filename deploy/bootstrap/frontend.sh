#!/bin/sh
# Builds the web front end from gateway/web into gateway/static/dist, unless its sources are unchanged.
# Uses the machine's Node.js (20.19 or newer) with npm, else the one of requirements/node.txt in .venv.
set -eu
cd "$(dirname "$0")/../.."
web=gateway/web
output=gateway/static/dist

digest() { sha256sum | cut -d ' ' -f 1; }
source_digest=$(find "$web" -name node_modules -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | digest)
lock_digest=$(digest < "$web/package-lock.json")
build_stamp=build/frontend.stamp

[ -d "$output" ] && [ "$(cat "$build_stamp" 2>/dev/null)" = "$source_digest" ] && exit 0

machine_has_node() {
    command -v npm > /dev/null 2>&1 &&
        node -e 'const [a, b] = process.versions.node.split(".").map(Number);
                 process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

if ! machine_has_node; then
    node_digest=$(digest < requirements/node.txt)
    if [ "$(cat .venv/node.stamp 2>/dev/null)" != "$node_digest" ]; then
        echo "Installing Node.js into .venv"
        .venv/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes \
            --requirement requirements/node.txt
        echo "$node_digest" > .venv/node.stamp
    fi
    PATH=$(pwd)/.venv/bin:$PATH
    export PATH
fi

mkdir -p build
log=$(pwd)/build/frontend.log
run_logged() {
    if ! "$@" > "$log" 2>&1; then
        cat "$log" >&2
        echo "The front-end build failed at: $*" >&2
        exit 1
    fi
}

cd "$web"
if [ "$(cat node_modules/.medtown.stamp 2>/dev/null)" != "$lock_digest" ]; then
    echo "Installing the front end's packages"
    run_logged npm ci --no-audit --no-fund --loglevel=error
    echo "$lock_digest" > node_modules/.medtown.stamp
fi
echo "Building the front end"
run_logged npm run build
cd - > /dev/null
echo "$source_digest" > "$build_stamp"
