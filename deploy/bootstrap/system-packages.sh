#!/bin/sh
# Installs what the tests need of the system: RabbitMQ, PostgreSQL, Chromium, promtool. Does nothing when all is there.
# It installs as root or by sudo without a password, and leaves no service of the distribution running: tests start
# private ones. Where it may not install, it says in one line what to do and exits with code 2.
#   system-packages.sh                      look for what is missing, and install it
#   system-packages.sh --install PACKAGE... the part that needs root
set -eu

have_rabbitmq() {
    [ -n "${MEDTOWN_TEST_AMQP_URL:-}" ] || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] ||
        command -v rabbitmq-server > /dev/null
}
have_postgresql() {
    [ -n "${MEDTOWN_TEST_DATABASE_URL:-}" ] || ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 ||
        command -v initdb > /dev/null
}
have_chromium() {
    command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null
}
have_promtool() { command -v promtool > /dev/null; }

missing_packages() {
    have_rabbitmq || echo rabbitmq-server
    have_postgresql || echo postgresql
    # A browser without any font cannot show a page.
    have_chromium || echo chromium fonts-dejavu-core
    have_promtool || echo prometheus
}

refuse() {
    echo "The tests need: $1. Run 'apt-get install $1' as root, or give servers of your own by" \
        "MEDTOWN_TEST_AMQP_URL and MEDTOWN_TEST_DATABASE_URL." >&2
    exit 2
}

# While /usr/sbin/policy-rc.d answers 101, packages start no service.
forbid_services() {
    policy=/usr/sbin/policy-rc.d
    [ -e "$policy" ] && return
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
}

install_packages() {
    forbid_services
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update && apt-get install --yes --no-install-recommends "$@"; } > "$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "apt-get could not install: $* (its whole output: $log)" >&2
        exit 1
    fi
    rm -f "$log"
    # Where systemd runs, they would otherwise start with the machine.
    if [ -d /run/systemd/system ]; then
        for service in "$@"; do
            case $service in
            rabbitmq-server | postgresql | prometheus) systemctl --quiet disable --now "$service" ;;
            esac
        done
    fi
}

if [ "${1:-}" = --install ]; then
    shift
    install_packages "$@"
    exit
fi

missing=$(missing_packages | tr '\n' ' ' | sed 's/ $//')
[ -z "$missing" ] && exit
command -v apt-get > /dev/null || refuse "$missing"
echo "Installing from the system's packages: $missing"
# The list is split into words on purpose.
if [ "$(id -u)" = 0 ]; then
    sh "$0" --install $missing
elif sudo -n true 2> /dev/null; then
    sudo -n sh "$0" --install $missing
else
    refuse "$missing"
fi
missing=$(missing_packages | tr '\n' ' ' | sed 's/ $//')
[ -z "$missing" ] || refuse "$missing"
