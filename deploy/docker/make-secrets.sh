#!/bin/sh
# Makes ./secrets with everything secret that docker-compose.yml hands to the containers, by the image itself. What is
# there stays, so it can be run again after an upgrade.
set -eu
cd "$(dirname "$0")/../.."
image=medtown:${MEDTOWN_VERSION:-local}
docker image inspect "$image" > /dev/null 2>&1 ||
    docker build --tag "$image" --file deploy/docker/Dockerfile .
mkdir -p secrets
chmod 700 secrets
exec docker run --rm --network none --read-only --tmpfs /tmp --cap-drop ALL --user "$(id -u):$(id -g)" \
    --volume "$PWD/secrets:/secrets" "$image" make-secrets /secrets "$@"
