#!/usr/bin/env python3
"""Reads from databases of ten times the size each, and compares what an answer costs.

    tests/growth.py --binary target/release/sogep                     # SQLite
    tests/with-postgres.sh tests/growth.py --binary target/release/sogep

Imports 10,000 and then 100,000 publications (`--sizes` says others), each into a database of its own, and
asks for an item, a list, the list of a topic, of a person and of a year, lists in other orders, a deep page
and a search; no address twice, so that nothing is answered from memory. Prints the median of the time and
the processor time of service and database for each, and how it grew: from one size to the next a case may
grow 1.5 times, a search 4 times; the deep page may take 1.2 times as long as the first. What takes under a
millisecond more is not held to that. The first violation ends it with exit code 1. Needs Python 3.11 and,
on PostgreSQL, `psql`. Speaks to loopback only; leaves nothing.
"""

import argparse, os, pathlib, random, signal, sys, tempfile, time, urllib.parse

sys.dont_write_bytecode = True
from bulk_import import WORDS, Client, Database, Service, Violation, imported, must, person, publication, topic, write_lines

MOST_TIMES, MOST_SEARCH_TIMES, MOST_DEEP_TIMES, NOTHING_MS = 1.5, 4, 1.2, 1.0
PAGE, DEEP_PAGE, ROUNDS, WARM, LONGEST = 20, 390, 90, 10, 1800


def ticks(service, database):
    """The processor time of the service and, on PostgreSQL, of the database's processes, in seconds."""
    def spent(pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    total = spent(service.process.pid)
    if database.url:
        for (pid,) in database.rows("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"):
            total += spent(pid) if pathlib.Path(f"/proc/{pid}").exists() else 0
    return total


def cases(size, get):
    """The cases by name: a function that gives the address of each round."""
    dice, lists = random.Random(11), "/v1/publications?"
    numbers = dice.sample(range(size), ROUNDS + WARM)
    cursor, deep = "", []
    for page in range(DEEP_PAGE * PAGE // 100 + ROUNDS + WARM):
        # To the deep page in long steps; then one cursor after the other, each for one round.
        is_deep = page >= DEEP_PAGE * PAGE // 100
        answer = get(f"{lists}limit={PAGE - 1 if is_deep else 100}{cursor}")
        cursor = f"&cursor={answer['page']['next_cursor']}"
        if is_deep:
            deep.append(cursor)
    other = lambda number: f"published_at[gte]=1990-01-01T00:00:00.{number:03}Z"
    words = lambda: urllib.parse.quote(" ".join(dice.sample(WORDS, 2)))
    return {
        "item": lambda round: f"/v1/publications/{publication(numbers[round], 0)['slug']}",
        "list": lambda round: f"{lists}{other(round)}",
        "list of a topic": lambda round: f"{lists}topic=konu-{round % 30}&{other(round)}",
        "list of a person": lambda round: f"{lists}person=kisi-{round}&{other(round)}",
        "list of a year": lambda round: f"{lists}year={1990 + round % 36}&{other(round)}",
        "list by publication": lambda round: f"{lists}sort=-published_at&{other(round)}",
        "list by title": lambda round: f"{lists}sort=title&{other(round)}",
        "deep page": lambda round: f"{lists}limit={PAGE}{deep[round]}",
        "search": lambda _: f"{lists}q={words()}",
    }


def measured(size, service, database):
    directory = service.directory
    files = [write_lines(directory / "topics.ndjson", map(topic, range(30))),
             write_lines(directory / "people.ndjson", map(person, range(500))),
             write_lines(directory / "publications.ndjson", (publication(number, size) for number in range(size)))]
    imported(service, files, f"{size} publications")
    key = service.command("key", "create", "--type", "publishable", "--name", "Büyüme", "--json")["secret"]
    ready, begun = service.start(), time.monotonic()
    client = Client(service, key)

    def get(path):
        status, _, answer = client.request("GET", path)
        must(status == 200, f"{path}: {status} {str(answer)[:300]}")
        return answer

    while client.request("GET", "/v1/publications?facets=type&count=exact&limit=1")[2].get("total", 0) < size:
        must(time.monotonic() - begun < LONGEST, "the index is not there")
        time.sleep(0.5)
    print(f"ready in {ready:.2f} s", flush=True)
    costs = {}
    for name, address in cases(size, get).items():
        for round in range(WARM):
            get(address(ROUNDS + round))
        took, before = [], ticks(service, database)
        for round in range(ROUNDS):
            path, began = address(round), time.monotonic()
            get(path)
            took.append(time.monotonic() - began)
        costs[name] = (sorted(took)[ROUNDS // 2] * 1e3, (ticks(service, database) - before) / ROUNDS * 1e6)
        print(f"{size:>9}  {name:<20} {costs[name][0]:8.2f} ms {costs[name][1]:8.0f} µs", flush=True)
    return costs


def compare(costs):
    """Prints how the costs grew, and fails where they grew too much."""
    sizes, violations = sorted(costs), []
    for smaller, larger in zip(sizes, sizes[1:]):
        for name, (before, _) in costs[smaller].items():
            after, most = costs[larger][name][0], MOST_SEARCH_TIMES if name == "search" else MOST_TIMES
            print(f"{name:<20} {smaller:>9} → {larger:>9}: {after / before:5.2f} times", flush=True)
            if after > before * most and after - before > NOTHING_MS:
                violations.append(f"{name} takes {after / before:.1f} times as long at {larger} as at {smaller}")
    for size in sizes:
        first, deep = costs[size]["list"][0], costs[size]["deep page"][0]
        if deep > first * MOST_DEEP_TIMES and deep - first > NOTHING_MS:
            violations.append(f"at {size} page {DEEP_PAGE} takes {deep / first:.1f} times as long as the first")
    must(not violations, "; ".join(violations))


def run(arguments):
    costs = {}
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(prefix="sogep-") as directory:
            database = Database(arguments.database_url, directory)
            service = Service(arguments.binary, directory, database)
            try:
                costs[size] = measured(size, service, database)
            finally:
                if service.process:
                    service.process.kill()
                    service.process.wait()
                database.drop()
    compare(costs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the program")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], metavar="N", help="how many publications; default: 10000 100000")
    parser.add_argument("--database-url", default=os.environ.get("TEST_DATABASE_URL"), metavar="URL",
                        help="a PostgreSQL server to create databases on; default: TEST_DATABASE_URL, else SQLite")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run(parser.parse_args())
    except Violation as violation:
        sys.exit(f"VIOLATION: {violation}")
