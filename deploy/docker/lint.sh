#!/bin/sh
# What linters say against the image and the compose file, or against other FILES: compose files are those that end in
# .yml. Exit code 1 when they say anything. Needs no engine and no network.  lint.sh [FILE...]
set -u
project=$(cd "$(dirname "$0")/../.." && pwd)
settings=$project/deploy/docker
[ $# -gt 0 ] || set -- "$settings/Dockerfile" "$project/docker-compose.yml"
PATH=$project/.venv/bin:$PATH
failed=0

lint_dockerfile() { hadolint --no-color --config "$settings/hadolint.yaml" "$1"; }

# Whether it is a compose file at all, by the schema of the Compose Specification, which the tool has with it; then what
# is unsafe. A .env or an override beside it is not its matter.
lint_compose() {
    check-jsonschema --builtin-schema vendor.compose-spec "$1" &&
        compose-lint check --quiet --no-env --no-merge-overrides --fail-on low --skip-suppressed \
            --strict-config --config "$settings/compose-lint.yml" "$1"
}

for file in "$@"; do
    case $file in
    *.yml) lint_compose "$file" ;;
    *) lint_dockerfile "$file" ;;
    esac || failed=1
done
exit $failed
