#!/usr/bin/env python3
"""Schedules many entries for one moment and kills a replica in the midst of publishing them.

    tests/schedule.py --binary target/release/sogep                          # SQLite
    tests/with-postgres.sh tests/schedule.py --binary target/release/sogep   # PostgreSQL

Creates and schedules N topics in two bulk requests, for one moment a few seconds later. Two replicas look.
As soon as some are published, one replica is killed (SIGKILL). Within a minute of that moment every topic
must be public, with exactly one line in the change log that says so and exactly one version for it. The
first violation ends it with exit code 1. Needs Python 3.11 and, on PostgreSQL, `psql`. Speaks to loopback
only; leaves nothing.
"""

import json, secrets, signal, sys, time
from datetime import datetime, timedelta, timezone

sys.dont_write_bytecode = True
from bulk_import import Service, must, script
from clients import Caller

WITHIN = 60.0
LEAD = 15  # seconds between the planning and the moment


def bulk(caller, operations):
    status, _, text = caller.ask("POST", "/v1/topics:bulk", {"operations": operations})
    must(status == 200, f"bulk answered {status}: {text[:500]}")
    return json.loads(text)


def run(count, a, database):
    (a.directory / "b").mkdir()
    b = Service(a.binary, a.directory / "b", database)
    common = {"SOGEP_SECRET": secrets.token_hex(32), "SOGEP_BASE_URL": f"http://127.0.0.1:{a.port}", "SOGEP_DATA_DIR": str(a.directory),
              "SOGEP_ADMIN_LISTEN": "off", "SOGEP_RATE_LIMIT_WRITE": "1000000"}
    replicas = [a, b]
    try:
        for replica in replicas:
            replica.environment |= common
            replica.start()
        key = a.command("key", "create", "--type", "secret", "--name", "plan", "--scope", "content:publish", "--json")["secret"]
        caller = Caller(a, key)
        slugs = [f"konu-{number}" for number in range(count)]
        bulk(caller, [{"op": "create", "entry": {"slug": slug, "translations": {"tr": {"label": slug}}}} for slug in slugs])
        moment = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=LEAD)
        at = moment.isoformat().replace("+00:00", "Z")
        bulk(caller, [{"op": "transition", "id": slug, "to": "scheduled", "at": at} for slug in slugs])
        must(datetime.now(timezone.utc) < moment, "planning took longer than the lead")
        published = lambda: int(database.rows("SELECT count(*) FROM entry WHERE kind = 'topic' AND state = 'published'")[0][0])
        must(published() == 0, "something was published before its time")
        killed_at = None
        while (done := published()) < count:
            late = (datetime.now(timezone.utc) - moment).total_seconds()
            must(done == 0 or late > -1, "something was published before its time")
            must(late < WITHIN, f"{done} of {count} after {late:.0f} s")
            if done and killed_at is None:
                a.process.send_signal(signal.SIGKILL)
                a.process.wait()
                a.process, killed_at = None, done
            time.sleep(0.02)
        took = (datetime.now(timezone.utc) - moment).total_seconds()
        must(killed_at is not None, "all were published before anybody could be killed: take more entries")
        time.sleep(3)  # whoever would do it again has looked again
        lines = "SELECT count(*), count(DISTINCT entry_id) FROM change WHERE kind = 'topic' AND what = 'published'"
        must(database.rows(lines) == [(str(count), str(count))], f"lines in the log: {database.rows(lines)}")
        versions = "SELECT min(version), max(version) FROM entry WHERE kind = 'topic'"
        must(database.rows(versions) == [("3", "3")], f"versions: {database.rows(versions)}")
        status, _, text = Caller(b, key).ask("GET", f"/v1/topics/{slugs[-1]}")
        must(status == 200 and json.loads(text)["state"] == "published", f"{status}: {text[:300]}")
        b.end(signal.SIGTERM)
    finally:
        for replica in replicas:
            if replica.process:
                replica.process.kill()
                replica.process.wait()
    print(f"good: {count} topics were published {took:.1f} s after their time, each once; a replica was killed after {killed_at}")


if __name__ == "__main__":
    script(__doc__, "--topics", 1000, "how many entries are scheduled", run)
