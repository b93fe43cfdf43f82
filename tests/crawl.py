#!/usr/bin/env python3
"""Crawls addresses that nobody asks for twice, and looks at memory and at what other readers notice.

    tests/crawl.py --binary target/release/sogep                   # SQLite
    tests/with-postgres.sh tests/crawl.py --binary target/release/sogep

Imports 4,000 publications. Then, with a store of 64 MiB and again with one of 16: readers read some hundred
addresses, a few of them most (Zipf), all the time; two crawlers, processes of their own with four connections
each, ask for N seconds as fast as they can for lists of every length, filtered, sorted, cut, with what they
include, page after page, for searches and items, most of them once, some again compressed, and for what is
refused or not there. Memory (VmHWM) may grow by the store and 160 MB beyond that at most, and not in the last
third of the crawl; from five seconds after it on as many of the readers' answers must be as quick as before it,
less one in twenty. Quick is what is nearer to an answer from the store than to one that is made; how many are,
before, must tell the two apart. The first violation ends it with exit code 1. Needs Python 3.11 and, on
PostgreSQL, `psql`. Speaks to loopback only; leaves nothing.
"""

import http.client, itertools, math, multiprocessing, pathlib, random, signal, socket, statistics, sys, threading, time, urllib.parse, urllib.request
from collections import Counter

sys.dont_write_bytecode = True
from bulk_import import TYPES, WORDS, imported, must, person, publication, script, topic, write_lines
from clients import Caller

ROWS, HOT, READERS, CRAWLERS, CONNECTIONS = 4_000, 400, 2, 2, 4
STORES = [64, 16]  # MiB
ALLOWANCE_MB = 160  # answers under way, the database's pages, the index, what the allocator keeps
BEFORE, AFTER, RECOVERED = 6, 10, 5  # seconds
SAME = 0.95
FIELDS = ["slug", "title", "summary", "type", "issued", "languages", "authors", "topics", "identifiers", "cites", "published_at", "updated_at"]
SORTS = ["issued", "-issued", "title", "-title", "published_at", "-published_at", "updated_at", "-updated_at"]


def memory(process):
    """What a process uses and has used at most, in MB."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    values = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(("VmRSS", "VmHWM", "RssAnon"))}
    return values["VmRSS"], values["VmHWM"], values["RssAnon"]


def slug(number):
    return publication(number, 0)["slug"]


def hot_addresses():
    items = [f"/v1/publications/{slug(number)}" for number in range(HOT - 70)]
    lists = [f"/v1/publications?topic=konu-{number}" for number in range(30)] + [f"/v1/people/kisi-{number}" for number in range(30)]
    lists += [f"/v1/publications?type={kind}&limit=20" for kind in TYPES] + ["/v1/topics?limit=100", "/v1/publications", "/v1/people", "/v1/publications?sort=-issued"]
    addresses = items + lists
    random.Random(1).shuffle(addresses)
    return addresses


class Reader(threading.Thread):
    """Reads what many read, and notes how long each answer took."""

    def __init__(self, service, key, number, addresses):
        super().__init__(daemon=True)
        self.caller, self.dice, self.addresses = Caller(service, key), random.Random(number), addresses
        self.weights = list(itertools.accumulate(1 / rank for rank in range(1, len(addresses) + 1)))
        self.took, self.wrong, self.stopped = [], [], False

    def run(self):
        try:
            while not self.stopped:
                path = self.dice.choices(self.addresses, cum_weights=self.weights)[0]
                begun = time.monotonic()
                status, _, body = self.caller.ask("GET", path, None, {"accept-encoding": self.dice.choice(["br", "gzip", "identity"])})
                self.took.append((begun, time.monotonic() - begun))
                if status not in (200, 503):
                    self.wrong.append((path, status, body[:300]))
                time.sleep(0.001)
        except (OSError, http.client.HTTPException) as error:
            self.wrong.append(repr(error))


def crawled(dice, caller, count):
    """Asks for something new; gives the statuses and the bytes of the answers."""
    some = lambda words, most: ",".join(dice.sample(words, dice.randint(1, most)))
    quoted = lambda most: urllib.parse.quote(" ".join(dice.choices(WORDS, k=dice.randint(1, most))))
    parts = [f"limit={dice.randint(1, 100)}"]
    if dice.random() < 0.6:
        parts.append(f"type={some(TYPES, 5)}")
    if dice.random() < 0.6:
        parts.append(f"topic[any]=konu-{dice.randrange(30)},konu-{dice.randrange(30)}")
    if dice.random() < 0.5:
        parts.append(f"issued[gte]={dice.randrange(1990, 2020)}-{dice.randrange(1, 13):02}")
    if dice.random() < 0.2:
        parts.append(f"person=kisi-{dice.randrange(500)}")
    if dice.random() < 0.4:
        parts.append(f"fields={some(FIELDS, 12)}")
    elif dice.random() < 0.3:
        parts.append("include=authors,topics")
    if dice.random() < 0.5:
        parts.append(f"sort={some(SORTS[::2], 2)}")
    dice.shuffle(parts)
    path, pages = f"/v1/publications?{'&'.join(parts)}", 1
    what = dice.random()
    if what < 0.2:
        pages = 10
    elif what < 0.35:
        path = f"/v1/publications?q={quoted(3)}&limit={dice.randint(1, 100)}"
    elif what < 0.4:
        path = f"/v1/search?q={quoted(3)}&limit={dice.randint(1, 100)}"
    elif what < 0.55:
        path = f"/v1/publications/{slug(dice.randrange(ROWS))}?fields={some(FIELDS, 12)}"
    elif what < 0.6:
        path += f"&bilinmeyen={dice.randrange(10**9)}"
    elif what < 0.65:
        path = f"/v1/publications/yok-{dice.randrange(10**9)}"
    headers = {"accept-encoding": dice.choice(["br", "br", "gzip", "identity"]), "accept-language": dice.choice(["tr", "en"])}
    for page in range(pages):
        for _ in range(dice.choice([1, 1, 2, 3])):
            status, answered, body = caller.ask("GET", path, None, headers)
            count[status] += 1
            count["bytes"] += len(body)
            if status not in (200, 400, 404, 503):
                raise http.client.HTTPException(f"{path} answered {status}: {body[:300]}")
        if status != 200 or page + 1 == pages or "next_cursor" not in (next_link := answered.get("link", "")) and 'rel="next"' not in next_link:
            return
        path = urllib.parse.urlsplit(next_link.split('rel="next"')[0].split("<")[-1].split(">")[0])
        path = f"{path.path}?{path.query}"


def crawl(service, key, number, stop, counts):
    """A process that crawls until it is told to stop."""
    def walk(which):
        caller, dice = Caller(service, key), random.Random(f"{number} {which} {time.time()}")
        try:
            while not stop.is_set():
                crawled(dice, caller, count[which])
        except (OSError, http.client.HTTPException) as error:
            count[which][f"wrong: {error!r}"] += 1

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    count = [Counter() for _ in range(CONNECTIONS)]
    threads = [threading.Thread(target=walk, args=(which,), daemon=True) for which in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts.put(sum(count, Counter()))


def measure(service, key, addresses):
    """How long answers take that are kept, and such as nobody has asked for: medians in seconds."""
    caller, took = Caller(service, key), {"kept": [], "made": []}
    for path in addresses * 2:
        caller.ask("GET", path)
    for number in range(200):
        path = addresses[number % 40]
        for name, asked in [("kept", path), ("made", f"{path}{'&' if '?' in path else '?'}fields={','.join(random.sample(FIELDS, 6))}" if "/publications" in path else None)]:
            if asked:
                begun = time.monotonic()
                status, _, body = caller.ask("GET", asked)
                took[name].append(time.monotonic() - begun)
                must(status == 200, f"{asked} answered {status}: {body[:300]}")
    return statistics.median(took["kept"]), statistics.median(took["made"])


def hits(service):
    """How many answers came from the store, if the service tells."""
    with urllib.request.urlopen(f"http://{service.environment['SOGEP_ADMIN_LISTEN']}/metrics", timeout=10) as page:
        found = [line.split()[-1] for line in page.read().decode().splitlines() if line.startswith("sogep_cache_hits_total ")]
    return float(found[0]) if found else None


def check_store(service, key, store, seconds):
    service.environment["SOGEP_CACHE"] = str(store)
    service.start()
    addresses, caller = hot_addresses(), Caller(service, key)
    must(caller.ask("GET", "/v1/search?q=rapor&limit=1")[0] == 200, "the index is not there")
    time.sleep(1)
    idle, _, idle_own = memory(service.process)
    kept, made = measure(service, key, addresses)
    quick = math.sqrt(kept * made)
    must(made > 1.5 * kept, f"an answer that is kept takes {kept * 1e3:.2f} ms, one that is made {made * 1e3:.2f} ms")
    stop, counts = multiprocessing.Event(), multiprocessing.Queue()
    crawlers = [multiprocessing.Process(target=crawl, args=(service, key, number, stop, counts), daemon=True) for number in range(CRAWLERS)]
    readers = [Reader(service, key, number, addresses) for number in range(READERS)]
    memories = []

    def watch(until):
        while time.monotonic() < until:
            memories.append((time.monotonic(), *memory(service.process)))
            for reader in readers:
                must(not reader.wrong, f"a reader: {reader.wrong[:3]}")
            time.sleep(0.1)

    try:
        for reader in readers:
            reader.start()
        before = time.monotonic()
        watch(before + BEFORE)
        attacked = time.monotonic()
        for crawler in crawlers:
            crawler.start()
        watch(attacked + seconds)
        stop.set()
        count = sum((counts.get(timeout=60) for _ in crawlers), Counter())
        over, told = time.monotonic(), hits(service)
        watch(over + AFTER)
        for reader in readers:
            reader.stopped = True
        for reader in readers:
            reader.join(timeout=40)
    finally:
        for crawler in crawlers:
            if crawler.pid:
                crawler.kill()
                crawler.join()
    wrong = [name for name in count if str(name).startswith("wrong")]
    must(not wrong, f"a crawler: {wrong}")
    took = [pair for reader in readers for pair in reader.took]
    between = lambda since, until: [seconds for at, seconds in took if since <= at < until]
    share = lambda times: sum(time <= quick for time in times) / max(1, len(times))
    spans = {"before": between(before + 1, attacked), "during": between(attacked, attacked + seconds),
             "after, at once": between(over, over + RECOVERED), "after, then": between(over + RECOVERED, over + AFTER)}
    from_store = f", {min(1, (hits(service) - told) / max(1, len(between(over, over + AFTER)))):.0%} of what was read since came from the store" if told is not None else ""
    size = f"store of {store} MiB"
    for name, times in spans.items():
        cuts = statistics.quantiles(times, n=100)
        print(f"{size}: readers {name:14} {len(times):>7} answers, p50 {cuts[49] * 1e3:6.2f} ms, p95 {cuts[94] * 1e3:6.2f} ms, {share(times):6.1%} quick", flush=True)
    by_second = [share(between(over + second, over + second + 1)) for second in range(AFTER)]
    usual, again = share(spans["before"]), share(spans["after, then"])
    recovered = next((second for second, part in enumerate(by_second) if part >= SAME * usual), None)
    thirds = [attacked + seconds * part / 3 for part in range(4)]
    _, early, late = (statistics.mean(rss for at, rss, _, _ in memories if since <= at < until) for since, until in itertools.pairwise(thirds))
    most = memories[-1][2]
    statuses = {status: number for status, number in sorted(count.items(), key=str) if status != "bytes"}
    print(f"{size}: kept {kept * 1e3:.2f} ms, made {made * 1e3:.2f} ms, quick is below {quick * 1e3:.2f} ms; quick again in second {recovered} after the crawl"
          f"{from_store}; second by second {[f'{part:.0%}' for part in by_second]}", flush=True)
    print(f"{size}: crawled {sum(statuses.values())} answers in {seconds} s, {count['bytes'] / 2**20:.0f} MB, {statuses}", flush=True)
    print(f"{size}: memory {idle:.0f} MB when idle, {idle_own:.0f} MB of it its own, {early:.0f} MB on average in the second third of the crawl, {late:.0f} MB in the last, peak {most:.0f} MB, "
          f"in the end {memories[-1][1]:.0f} MB, {memories[-1][3]:.0f} MB of it its own; limit {idle + store + ALLOWANCE_MB:.0f} MB", flush=True)
    must(usual > 0.8, f"only {usual:.0%} of the answers are quick before anybody crawls")
    must(most <= idle + store + ALLOWANCE_MB, f"memory has grown to {most:.0f} MB")
    must(count["bytes"] / 3 > 2 * store * 2**20, f"{count['bytes'] / 2**20:.0f} MB do not fill early a store of {store} MiB: take more seconds")
    must(late <= early * 1.06 + 4, f"memory goes on growing: {early:.0f} MB, then {late:.0f} MB")
    must(again >= SAME * usual, f"{again:.1%} of the answers are quick {RECOVERED} seconds after the crawl, {usual:.1%} were before")
    service.end(signal.SIGTERM)


def run(seconds, service, _database):
    directory = service.directory
    files = [write_lines(directory / "topics.ndjson", map(topic, range(30))), write_lines(directory / "people.ndjson", map(person, range(500))),
             write_lines(directory / "publications.ndjson", (publication(number, ROWS) for number in range(ROWS)))]
    imported(service, files, "import")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        service.environment["SOGEP_ADMIN_LISTEN"] = f"127.0.0.1:{free.getsockname()[1]}"
    key = service.command("key", "create", "--type", "publishable", "--name", "Gezgin", "--json")["secret"]
    service.start()  # makes the index, which is no part of what is measured
    caller, begun = Caller(service, key), time.monotonic()
    while caller.ask("GET", "/v1/search?q=rapor&limit=1")[0] != 200:
        must(time.monotonic() - begun < 120, "the index is not there")
        time.sleep(0.2)
    time.sleep(2)
    service.end(signal.SIGTERM)
    for store in STORES:
        check_store(service, key, store, seconds)
    print("good: whoever crawls gets answers, and nobody else notices for long")


if __name__ == "__main__":
    script(__doc__, "--seconds", 60, "how long is crawled", run)
