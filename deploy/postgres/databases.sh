#!/bin/sh
# Makes what is missing of MedTOWN's roles and databases, and sets the roles' passwords anew. PGHOST, PGPORT and PGUSER
# say where and as which superuser.
#   SUPERUSER_PASSWORD_FILE   the superuser's password; may be missing where none is asked for
#   PASSWORDS_FILE            the statements of `medtown make-secrets`
set -eu
here=$(dirname "$0")
if [ -f "${SUPERUSER_PASSWORD_FILE:-}" ]; then
    PGPASSWORD=$(cat "$SUPERUSER_PASSWORD_FILE")
    export PGPASSWORD
fi
exec psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname postgres \
    --file "$here/databases.sql" --file "$PASSWORDS_FILE"
