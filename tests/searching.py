#!/usr/bin/env python3
"""Searches many publications, and compares the pace with that of a plain page of the list.

    tests/searching.py --binary target/release/sogep                   # SQLite
    tests/with-postgres.sh tests/searching.py --binary target/release/sogep

Imports 100,000 publications and starts the service, which makes its index. Then rounds of one plain page
and one page with two words, three filters and four facets, the words and values different every time:
the 99th percentile of the second must be within 5 times that of the first, and the peak of memory (VmHWM)
under 400 MB. Shows how long the index took and how large it is. The first violation ends it with exit
code 1. Needs Python 3.11 and, on PostgreSQL, `psql`. Speaks to loopback only; leaves nothing.
"""

import pathlib, random, statistics, sys, time, urllib.parse

sys.dont_write_bytecode = True
from bulk_import import TYPES, WORDS, Client, imported, must, person, publication, script, topic, write_lines

MOST_TIMES, MOST_MEMORY_MB, ROUNDS, LONGEST = 5, 400, 1_000, 300


def run(count, service, database):
    directory = service.directory
    files = [write_lines(directory / "topics.ndjson", map(topic, range(30))),
             write_lines(directory / "people.ndjson", map(person, range(500))),
             write_lines(directory / "publications.ndjson", (publication(number, count) for number in range(count)))]
    imported(service, files, "import")
    key = service.command("key", "create", "--type", "publishable", "--name", "Arama", "--json")["secret"]
    ready, begun = service.start(), time.monotonic()
    client = Client(service, key)

    def get(path):
        began = time.monotonic()
        status, _, answer = client.request("GET", path)
        return status, answer, time.monotonic() - began

    while get("/v1/search?q=kad%C4%B1n")[0] != 200 or get("/v1/search?q=rapor")[1]["total"] == 0:
        must(time.monotonic() - begun < LONGEST, "the index is not there")
        time.sleep(0.2)
    while (total := get("/v1/publications?facets=type&count=exact&limit=1")[1]["total"]) < count:
        must(time.monotonic() - begun < LONGEST, f"the index holds {total}")
        time.sleep(0.5)
    made = time.monotonic() - begun
    size = sum(file.stat().st_size for file in (service.directory / "index").rglob("*") if file.is_file())
    print(f"ready in {ready:.2f} s; index of {size / 2**20:.0f} MB made in {made:.0f} s", flush=True)

    dice, took, found = random.Random(5), {"plain": [], "searched": []}, 0
    for number in range(ROUNDS + 20):
        words = urllib.parse.quote(" ".join(dice.sample(WORDS, 2)))
        since = dice.randrange(1992, 2015)
        filters = f"type={','.join(dice.sample(TYPES, 3))}&topic[any]=konu-{dice.randrange(30)},konu-{dice.randrange(30)}&issued[gte]={since}"
        for name, query in [("plain", "limit=20"), ("searched", f"q={words}&{filters}&facets=topic,type,year,person")]:
            status, answer, seconds = get(f"/v1/publications?{query}")
            must(status == 200 and len(answer["data"]) <= 20, f"{query}: {status} {str(answer)[:300]}")
            if name == "searched":
                must([facet["name"] for facet in answer["facets"]] == ["topic", "type", "year", "person"], "facets")
                must(all(entry["issued"] >= str(since) for entry in answer["data"]), "what is listed answers the filter")
                found += bool(answer["data"])
            if number >= 20:
                took[name].append(seconds)
    must(found > ROUNDS / 2, f"only {found} searches found something")
    percentile = {name: statistics.quantiles(times, n=100) for name, times in took.items()}
    for name, cuts in percentile.items():
        print(f"{name}: p50 {cuts[49] * 1e3:.2f} ms, p99 {cuts[98] * 1e3:.2f} ms", flush=True)
    peak = [line.split()[1] for line in pathlib.Path(f"/proc/{service.process.pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    times, memory = percentile["searched"][98] / percentile["plain"][98], int(peak[0]) / 1024
    print(f"{times:.1f} times a plain page; peak {memory:.0f} MB", flush=True)
    must(times <= MOST_TIMES, f"a search takes {times:.1f} times as long as a plain page")
    must(memory <= MOST_MEMORY_MB, f"the peak of memory is {memory:.0f} MB")


if __name__ == "__main__":
    script(__doc__, "--rows", 100_000, "how many publications", run)
