#!/usr/bin/env python3
"""Sends 10,000 upserts in one request, three of them bad, and compares its pace with single requests.

    tests/bulk.py --binary target/release/sogep                 # SQLite
    tests/with-postgres.sh tests/bulk.py --binary target/release/sogep

Atomic mode must change nothing and name the three; per-item mode must apply the other 9,997, and say of
all of them, when they come again, that nothing changes. Three rounds of as many new publications in one
request, and of some created one request each (over one connection): the latter must take at least 20 times
as long each, by the medians. The peak of memory (VmHWM) is
shown. The first violation ends it with exit code 1. Needs Python 3.11 and, on PostgreSQL, `psql`. Speaks
to loopback only; leaves nothing.
"""

import json, pathlib, statistics, sys, time

sys.dont_write_bytecode = True
from bulk_import import Client, must, publication, script

LEAST_RATIO = 20
ROUNDS, SINGLE = 3, 100  # requests of their own in each round


def entry(number, source):
    """A publication without references to others, from its source."""
    made = publication(number, 0)
    kept = {name: made[name] for name in ("slug", "translations", "type", "languages", "issued", "identifiers")}
    for texts in kept["translations"].values():
        # Ten thousand of them must fit into one body.
        texts |= {name: text[:250] for name, text in texts.items()}
    kept["slug"] = f"{kept['slug'][:60]}-{source}-{number}"
    kept["identifiers"] = [{"scheme": "doi", "value": f"10.5555/{source}.{number}"}]
    return kept | {"authors": [{"name": author["name"]} for author in made["authors"]], "source": {"name": source, "id": str(number)}}


def operations(count, source):
    made = [{"op": "upsert", "entry": entry(number, source)} for number in range(count)]
    made[17]["entry"]["translations"]["tr"]["title"] = 17
    made[count // 2]["entry"]["topics"] = ["yok-boyle-bir-konu"]
    made[-1]["entry"]["issued"] = "dün"
    return made


BAD = lambda count: {
    "/operations/17/entry/translations/tr/title",
    f"/operations/{count // 2}/entry/topics/0",
    f"/operations/{count - 1}/entry/issued",
}


def run(count, service, database):
    key = service.command("key", "create", "--type", "secret", "--name", "Toplu", "--scope", "content:publish", "--scope", "content:read", "--json")["secret"]
    service.start()
    client = Client(service, key)
    client.connection.timeout = 300

    def bulk(mode, what, source="arsiv"):
        body = {"mode": mode, "operations": operations(count, source)}
        text = json.dumps(body)
        size, begun = len(text) / 2**20, time.monotonic()
        client.connection.request("POST", "/v1/publications:bulk", text, {"authorization": f"Bearer {key}", "content-type": "application/json"})
        sent = client.connection.getresponse()
        status, got = sent.status, sent.read()
        seconds, answer = time.monotonic() - begun, json.loads(got)
        print(f"{what}: {status} in {seconds:.2f} s, {size:.1f} MiB, {answer.get('counts', answer.get('detail'))}", flush=True)
        return status, answer, seconds

    def entries():
        return int(database.rows("SELECT COUNT(*) FROM entry WHERE kind = 'publication'")[0][0])

    before = entries()
    status, answer, _ = bulk("atomic", "atomic, 3 bad")
    must(status == 422, f"atomic answered {status}: {str(answer)[:500]}")
    named = {error["pointer"] for error in answer["errors"]}
    must(named == BAD(count) and entries() == before, f"atomic names {named}, and there are {entries()} entries")

    status, answer, seconds = bulk("per_item", "per item, 3 bad")
    must(status == 200 and answer["applied"], f"per item answered {status}: {str(answer)[:500]}")
    counts = answer["counts"]
    must(counts["created"] == count - 3 and counts["failed"] == 3, f"per item: {counts}")
    must(entries() == before + count - 3, f"there are {entries()} entries")
    failed = {result["index"] for result in answer["results"] if result["problem"]}
    must(failed == {17, count // 2, count - 1}, f"per item: {failed} failed")

    status, answer, _ = bulk("per_item", "the same again")
    must(status == 200 and answer["counts"]["unchanged"] == count - 3, f"again: {answer['counts']}")

    rounds, took = [seconds], []
    for round in range(ROUNDS):
        if round:
            status, answer, seconds = bulk("per_item", f"round {round + 1}", f"arsiv-{round}")
            must(status == 200 and answer["counts"]["created"] == count - 3, f"round {round + 1}: {status} {answer['counts']}")
            rounds.append(seconds)
        for number in range(min(SINGLE, count)):
            body = entry(number, f"tek-{round}")
            begun = time.monotonic()
            status, _, answer = client.request("POST", "/v1/publications", body)
            took.append(time.monotonic() - begun)
            must(status == 201, f"a single request answered {status}: {answer}")
    single, many = statistics.median(took), statistics.median(rounds) / count
    peak = [line.split()[1] for line in pathlib.Path(f"/proc/{service.process.pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    print(f"one of {count}: {many * 1e3:.3f} ms; one alone: {single * 1e3:.3f} ms (median of {len(took)}, mean {statistics.mean(took) * 1e3:.3f}); "
          f"{single / many:.1f} times as fast; peak {int(peak[0]) / 1024:.0f} MB", flush=True)
    must(single / many >= LEAST_RATIO, f"only {single / many:.1f} times as fast as single requests")


if __name__ == "__main__":
    script(__doc__, "--rows", 10_000, "how many operations", run)
