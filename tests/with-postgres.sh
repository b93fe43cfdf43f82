#!/usr/bin/env bash
# Runs a command beside a private, temporary PostgreSQL:
#
#     tests/with-postgres.sh cargo test
#
# The command finds it in TEST_DATABASE_URL, as superuser. Afterwards the server and its files are gone; the exit code is
# the command's. SOGEP_PG_DURABLE=1 keeps fsync on and the files on disk, for tests that kill the server.
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: tests/with-postgres.sh COMMAND…" >&2
    exit 2
fi

newest_bin() { find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1; }
bin=$(newest_bin || true)
if [ ! -x "$bin/initdb" ] && [ "$(id -u)" = 0 ]; then
    {
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql
    } >&2
    bin=$(newest_bin || true)
fi
if [ ! -x "$bin/initdb" ]; then
    echo "with-postgres.sh: no PostgreSQL server here; install the package 'postgresql'" >&2
    exit 1
fi

# The server refuses to run as root.
as_server=()
if [ "$(id -u)" = 0 ]; then as_server=(runuser -u postgres --); fi

# Memory is fastest, if it has room for the database of every test (8 MB each). It is no place to test durability.
place=${TMPDIR:-/tmp}
if [ "${SOGEP_PG_DURABLE:-0}" != 1 ] && [ -w /dev/shm ]; then
    free_kib=$(df --output=avail /dev/shm | tail -n 1)
    if [ "$free_kib" -gt 4000000 ]; then place=/dev/shm; fi
fi
home=$(mktemp -d "$place/sogep-pg.XXXXXX")
if [ "$(id -u)" = 0 ]; then chown postgres: "$home"; fi

# Runs one of the server's programs in the server's folder.
pg() {
    local program=$1
    shift
    (cd "$home" && "${as_server[@]}" "$bin/$program" "$@")
}
# shellcheck disable=SC2317  # called by the trap
clean_up() {
    pg pg_ctl stop -D data -m immediate -s 2>/dev/null || true
    rm -rf "$home"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Text order and case are then the same on every machine.
pg initdb -D data --no-sync --encoding=UTF8 --locale=C.UTF-8 --auth=trust -U sogep >"$home/initdb.log" ||
    { cat "$home/initdb.log" >&2; exit 1; }
{
    echo "listen_addresses = '127.0.0.1'"
    echo "unix_socket_directories = '$home'"
    echo "max_connections = 200"
    echo "dynamic_shared_memory_type = mmap" # in its folder, so that a killed server leaves nothing behind
    if [ "${SOGEP_PG_DURABLE:-0}" != 1 ]; then
        echo "fsync = off"
        echo "full_page_writes = off"
        echo "synchronous_commit = off"
    fi
} >>"$home/data/postgresql.conf"

# Below the range from which the system hands out ports to clients. A taken port makes the start fail: try another.
for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 12000))
    if pg pg_ctl start -D data -l log -w -s -o "-p $port" 2>/dev/null; then
        export TEST_DATABASE_URL="postgres://sogep@127.0.0.1:$port/postgres"
        code=0
        "$@" || code=$?
        exit "$code"
    fi
done
echo "with-postgres.sh: the server does not start:" >&2
cat "$home/log" >&2
exit 1
