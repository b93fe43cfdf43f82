#!/usr/bin/env python3
"""Writes and reads at once, knows what was acknowledged when, and looks for answers that are too old.

    tests/freshness.py --binary target/release/sogep                          # SQLite, one process
    tests/with-postgres.sh tests/freshness.py --binary target/release/sogep   # PostgreSQL, two replicas

For N seconds 100 writers count up in the titles of publications of their own, withdraw and publish them
again, and rename the people and topics they share, on any replica; each then reads at once what it has
written, and 32 readers read items and lists all the time: filtered, counted, searched, with what they
include, in every coding, often with the tag they had last. A topic is renamed by another process
(`import`) too. At a third one replica is killed (SIGKILL) and started again. On PostgreSQL the other is
cut from its database at two thirds, for ten seconds: first nothing comes back (the server's ends are
closed, so that they hold no locks), then connections break. No answer, 304 included, may be older than
the last write acknowledged before it was asked for on the same replica, nor than what was acknowledged
a second before on another; what is withdrawn is gone. A tag has one body in each coding. Once the cut
has lasted a second, the replica answers 503 and nothing else. Answers in a coding come from the store
alone: without any, this fails. The first violation ends it with exit code 1. Needs Python 3.11 and, on
PostgreSQL, `psql`. Speaks to loopback only; leaves nothing.
"""

import gzip, hashlib, http.client, json, random, re, secrets, signal, socket, statistics, struct, sys, threading, time, traceback
from collections import Counter, defaultdict
from types import SimpleNamespace
from urllib.parse import urlsplit

sys.dont_write_bytecode = True
from bulk_import import Service, Violation, must, script, write_lines
from clients import Caller

WRITERS, READERS, SEARCHERS, PROBERS = 100, 32, 4, 8
PUBLICATIONS, PEOPLE, TOPICS = 2 * WRITERS, 10, 10
PAUSE = 2.0  # seconds between a writer's writes, on average: what is kept must live long enough to be sent
IMPORTED = "konu-9"  # the topic that nobody renames but `import`
ELSEWHERE = 1.0  # seconds after which a write must be seen on other replicas
HANGING, REFUSING = 5.0, 5.0  # seconds of the cut
RECOVERED_WITHIN = 5.0
CODINGS = [None, None, "gzip", "br", "br", "gzip, deflate, br"]
NUMBER, OURS = re.compile(r" n(\d+)$"), re.compile(r"(yayin|kisi|konu)-\d+$")
now = time.monotonic


class Write:
    """`state` is the number shown, or None: nobody sees it. Not acknowledged, it may have taken effect or not."""

    def __init__(self, state, replica):
        self.state, self.replica, self.sent, self.acknowledged = state, replica, now(), None


class World:
    """What was written, and what tags stand for; the judge of every answer."""

    def __init__(self):
        self.lock, self.history = threading.Lock(), defaultdict(list)
        self.bodies, self.plain, self.shown, self.pending = {}, {}, {}, defaultdict(list)
        self.counts, self.ages, self.times = Counter(), {"same": 0.0, "other": 0.0}, {"read": [], "searched": [], "written": []}
        self.failures, self.last = Counter(), {}
        self.wrong, self.stopped, self.cut, self.down = [], False, None, None

    def fail(self, message):
        with self.lock:
            self.wrong.append(message)

    def written(self, slug, state, replica, acknowledged=None):
        write = Write(state, replica)
        write.acknowledged = acknowledged
        self.history[slug].append(write)
        return write

    def check_state(self, url, slug, state, answer):
        writes = [write for write in self.history[slug] if write.sent < answer.received]
        floor = 0
        for index, write in enumerate(writes):
            at = write.acknowledged
            if at is not None and (at <= answer.sent if write.replica == answer.replica else at + ELSEWHERE <= answer.sent):
                floor = index
        index = max((index for index, write in enumerate(writes) if write.state == state), default=-1)
        if index < floor:
            last = [f"{'n' + str(write.state) if write.state is not None else 'gone'} by {write.replica} sent {write.sent - answer.sent:+.4f}"
                    + (f", acknowledged {write.acknowledged - answer.sent:+.4f}" if write.acknowledged else "") for write in writes[max(0, floor - 3):]]
            self.fail(f"{url} on {answer.replica}, {answer}: {slug} is {'gone' if state is None else f'n{state}'}; its writes, in seconds from the request: {last}")
        for write in writes[index + 1:]:
            if write.acknowledged is not None and write.acknowledged < answer.sent:
                which = "same" if write.replica == answer.replica else "other"
                self.ages[which] = max(self.ages[which], answer.sent - write.acknowledged)

    def check(self, url, states, answer):
        self.counts["states checked"] += len(states)
        for slug, state in states:
            self.check_state(url, slug, state, answer)

    def judge(self, url, language, answer, known):
        """Holds an answer against everything that is known; `known`: the tag that was sent along."""
        if answer.status == 404 and url.startswith("/v1/publications/"):
            return self.check(url, [(OURS.search(urlsplit(url).path)[0], None)], answer)
        must(answer.status in (200, 304), f"{url} on {answer.replica}: {answer}")
        tag = answer.headers["etag"]
        must(tag, f"{url} on {answer.replica}: no tag, {answer}")
        name = re.sub(r'(-br|-gzip)?"$', '"', tag)
        if answer.status == 304:
            must(known and name == re.sub(r'(-br|-gzip)?"$', '"', known), f"{url}: 304 with {tag} to who has {known}")
            must(not answer.body, f"{url}: 304 with a body")
        else:
            coding = answer.headers["content-encoding"]
            must(tag == name if coding is None else tag == f'{name[:-1]}-{coding}"', f"{url}: the tag of {coding} is {tag}")
            self.check_body(url, language, coding, tag, name, answer)
        with self.lock:
            states = self.shown.get((url, language, name))
            if states is None:
                self.pending[url, language, name].append(answer)
                answer.body = b""
                return
        self.check(url, states, answer)

    def check_body(self, url, language, coding, tag, name, answer):
        digest = lambda body: hashlib.blake2b(body, digest_size=16).digest()
        raw = digest(answer.body)
        with self.lock:
            must(self.bodies.setdefault((url, language, tag), raw) == raw, f"{url}: two bodies have the tag {tag}: {answer}")
            is_new = (url, language, name) not in self.shown
        if coding == "br":
            return
        plain = answer.body if coding is None else gzip.decompress(answer.body)
        with self.lock:
            must(self.plain.setdefault((url, language, name), digest(plain)) == digest(plain), f"{url}: {tag} is another body than its sisters'")
        if is_new:
            states = states_of(url, plain)
            with self.lock:
                self.shown[url, language, name] = states
                waiting = self.pending.pop((url, language, name), [])
            for other in waiting:
                self.check(url, states, other)


class Answer:
    def __init__(self, replica, sent, received, status, headers, body, mark=""):
        self.replica, self.sent, self.received, self.mark = replica, sent, received, mark
        self.status, self.headers, self.body = status, headers, body

    def __str__(self):
        shown = {name: self.headers[name] for name in ("etag", "content-encoding", "x-request-id") if name in self.headers}
        return f"{self.status} {shown} {self.mark} after {(self.received - self.sent) * 1000:.1f} ms {self.body[:200] if self.status >= 400 else ''}"


def states_of(url, body):
    """What an answer shows of everything: pairs of address and number."""
    states, listed = [], set()

    def look(node):
        if isinstance(node, list):
            return [look(part) for part in node]
        if not isinstance(node, dict):
            return None
        slug, name = node.get("slug"), node.get("name")
        text = node.get("title") or node.get("label") or (name.get("display") if isinstance(name, dict) else name)
        if isinstance(slug, str) and OURS.match(slug) and isinstance(text, str) and (found := NUMBER.search(text)):
            states.append((slug, int(found[1])))
        if isinstance(person := node.get("person"), dict) and isinstance(name, str) and (found := NUMBER.search(name)):
            states.append((person["slug"], int(found[1])))
        for part in node.values():
            look(part)

    shown = json.loads(body)
    look(shown)
    # A whole list says of everything that is not in it that nobody sees it.
    if (found := re.search(r"/publications\?(topic|person)=(?:konu|kisi)-(\d+)&limit=100", url)) and "&q=" not in url:
        listed = {entry["slug"] for entry in shown["data"]}
        mine = topic_of if found[1] == "topic" else person_of
        states += [(slug_of(number), None) for number in range(PUBLICATIONS)
                   if mine(number) == int(found[2]) and slug_of(number) not in listed]
    return list(set(states))


slug_of = lambda number: f"yayin-{number}"
topic_of = lambda number: number % TOPICS
person_of = lambda number: number // TOPICS % PEOPLE


def address(dice, searching=False):
    """What to read: many read the same."""
    number = int(PUBLICATIONS * dice.random() ** 3)
    topic, person = topic_of(number), person_of(number)
    item = f"/v1/publications/{slug_of(number)}"
    if searching:
        return dice.choice([f"/v1/publications?topic=konu-{topic}&limit=100&facets=topic,person", f"/v1/publications?topic=konu-{topic}&limit=100&q=yay%C4%B1n",
                            "/v1/publications?q=yay%C4%B1n&sort=title", "/v1/search?q=yay%C4%B1n&limit=20"])
    return dice.choice([item] * 12 + [f"{item}?include=authors,topics"] * 2 + [f"{item}?fields=slug,title", f"/v1/topics/konu-{topic}", f"/v1/people/kisi-{person}"] + [
        f"/v1/publications?topic=konu-{topic}&limit=100", f"/v1/publications?topic=konu-{topic}&limit=100", f"/v1/publications?person=kisi-{person}&limit=100",
        "/v1/publications?limit=20&sort=-updated_at", "/v1/publications?fields=slug,title,authors&limit=50", "/v1/publications?limit=20&include=authors,topics",
        "/v1/publications?sort=title&limit=20", "/v1/topics?limit=100", "/v1/topics?limit=100", "/v1/people?limit=100"])


class Client(threading.Thread):
    """Reads, and has a connection to every replica."""

    def __init__(self, world, replicas, reading):
        super().__init__(daemon=True)
        self.world, self.reading, self.dice = world, {"authorization": f"Bearer {reading}"}, random.Random(random.random())
        self.callers = {name: Caller(replica) for name, replica in replicas.items()}

    def run(self):
        try:
            while not self.world.stopped:
                self.step()
        except Violation as violation:
            self.world.fail(str(violation))
        except Exception:  # whatever it is, it must not be lost with the thread
            self.world.fail(traceback.format_exc())

    def replica(self):
        """Any; rarely one that does not answer."""
        names = [name for name in self.callers if name not in (self.world.cut and "B", self.world.down)]
        return self.dice.choice(names if names and self.dice.random() < 0.98 else list(self.callers))

    def ask(self, name, method, path, body=None, headers=()):
        """An answer, or None when there is none."""
        caller, sent = self.callers[name], now()
        try:
            status, answered, text = caller.ask(method, path, body, headers)
        except (OSError, http.client.HTTPException):
            caller.connection.close()
            self.world.counts["requests without an answer"] += 1
            time.sleep(0.05)
            return None
        return Answer(name, sent, now(), status, answered, text)

    def read(self, name, url, mark=""):
        world, language = self.world, self.dice.choice(["tr"] * 5 + ["en"])
        headers = self.reading | {"accept-language": language}
        if coding := self.dice.choice(CODINGS):
            headers["accept-encoding"] = coding
        if (known := world.last.get((url, language))) and self.dice.random() < 0.7:
            headers["if-none-match"] = known
        before = world.cut
        answer = self.ask(name, "GET", url, None, headers)
        if answer is None:
            return None
        answer.mark = f"{mark} {headers.get('accept-encoding')} {headers.get('if-none-match')}"
        world.counts["reads"] += 1
        cut = world.cut or before
        if name == "B" and cut and answer.sent >= cut.begun + 1 and answer.received <= (cut.ended or answer.received):
            world.counts["cut", answer.status] += 1
            must(answer.status == 503, f"{url}: {answer.sent - cut.begun:.3f} s after the replica was cut from its database it answers {answer}")
            return answer
        if answer.status == 503:
            world.counts["reads answered 503"] += 1
            return answer
        world.judge(url, language, answer, headers.get("if-none-match"))
        world.counts["304"] += answer.status == 304
        if answer.status in (200, 304):
            world.last[url, language] = answer.headers["etag"]
            world.counts["br or gzip"] += answer.status == 200 and "content-encoding" in answer.headers
            world.times["searched" if re.search("[?&](q|facets)=", url) else "read"].append(answer.received - answer.sent)
        return answer


class Reader(Client):
    """A few do nothing but search, which takes longest while all is being written."""

    searching = False

    def step(self):
        self.read(self.replica(), address(self.dice, self.searching))


class Searcher(Reader):
    searching = True


class Prober(Client):
    """Asks whoever is cut from the database, and waits for no answer longer than a second."""

    def step(self):
        if self.world.cut is None or self.world.cut.ended:
            return time.sleep(0.005)
        connection = self.callers["B"].connection
        connection.timeout = 1.0
        if self.read("B", address(self.dice), "probe") is None:
            connection.close()
        time.sleep(0.005)


class Writer(Client):
    """Writes what is its own, and reads it at once."""

    def __init__(self, number, world, replicas, reading, writing):
        super().__init__(world, replicas, reading)
        self.pen = {"authorization": f"Bearer {writing}"}
        self.mine = [slug_of(number), slug_of(number + WRITERS)]
        self.shared = [slug for slug in [f"kisi-{number}"] * (number < PEOPLE) + [f"konu-{number - PEOPLE}"] * (PEOPLE <= number < PEOPLE + TOPICS) if slug != IMPORTED]
        self.known = {}  # number, state, tag

    def step(self):
        time.sleep(self.dice.expovariate(1 / PAUSE))
        slug = self.dice.choice(self.shared) if self.shared and self.dice.random() < 0.1 else self.dice.choice(self.mine)
        if slug not in self.known and not self.settle(slug, None):
            return
        number, state, tag = self.known[slug]
        if state == "published" and (slug in self.shared or self.dice.random() < 0.8):
            text = f"{slug} n{number + 1}"
            body = {"kisi": {"name": {"display": text}}, "konu": {"translations": {"tr": {"label": text}}}}.get(slug[:4], {"translations": {"tr": {"title": f"Yayın {text}"}}})
            self.send(slug, number + 1, state, "PATCH", path_of(slug), body, {"if-match": tag})
        else:
            to = {"published": self.dice.choice(["archived", "draft"]), "archived": "draft", "draft": "published"}[state]
            self.send(slug, number, to, "POST", f"{path_of(slug)}/transitions", {"to": to, "note": "Neden"})

    def send(self, slug, number, state, method, path, body, headers=()):
        name, world = self.replica(), self.world
        write = world.written(slug, number if state == "published" else None, name)
        answer = self.ask(name, method, path, body, self.pen | dict(headers))
        if answer is None or answer.status >= 500:
            world.counts["writes answered 5xx, or not at all"] += 1
            if answer and not world.cut and not world.down:
                world.failures[json.loads(answer.body).get("detail")] += 1
            return self.settle(slug, write)
        must(answer.status == 200, f"{method} {path} on {name}: {answer}, {self.known[slug]}")
        write.acknowledged = answer.received
        self.known[slug] = (number, state, answer.headers["etag"])
        world.counts["writes"] += 1
        world.times["written"].append(answer.received - write.sent)
        if self.dice.random() < 0.4:
            self.read(name, self.where(slug), "its writer")

    def where(self, slug):
        number = int(slug.split("-")[1])
        if slug in self.shared:
            which = "topic" if slug.startswith("konu") else "person"
            return self.dice.choice([path_of(slug), f"/v1/publications?{which}={slug}&limit=100", f"/v1/{'topics' if which == 'topic' else 'people'}?limit=100"])
        return self.dice.choice([path_of(slug)] * 2 + [f"{path_of(slug)}?include=authors,topics", f"/v1/publications?topic=konu-{topic_of(number)}&limit=100",
                                                     f"/v1/publications?person=kisi-{person_of(number)}&limit=100"])

    def settle(self, slug, write):
        """Finds out what holds, when that is not known: what was sent has taken effect, or never will."""
        if write:
            time.sleep(1.0)
        while not self.world.stopped:
            answer = self.ask(self.replica(), "GET", path_of(slug), None, self.pen)
            if answer and answer.status == 200:
                shown = json.loads(answer.body)
                text = shown.get("title") or shown.get("label") or shown["name"]["display"]
                self.known[slug] = (int(NUMBER.search(text)[1]), shown["state"], answer.headers["etag"])
                state = self.known[slug][0] if shown["state"] == "published" else None
                if write and write.state == state:
                    write.replica, write.acknowledged = "nobody", now()
                elif write:
                    must(state == ([None] + [other.state for other in self.world.history[slug] if other.acknowledged])[-1],
                         f"{slug} is {state}, neither what was acknowledged nor what was under way")
                return True
            must(answer is None or answer.status >= 500, f"{path_of(slug)}: {answer}")
            time.sleep(0.2)
        return False


def path_of(slug):
    return {"kisi": "/v1/people/", "konu": "/v1/topics/"}.get(slug[:4], "/v1/publications/") + slug


class Proxy:
    """Stands between a replica and its database: lets pass, says nothing, or breaks off."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.server, self.mode, self.pairs, self.lock = (parts.hostname, parts.port), "open", [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = parts._replace(netloc=f"{parts.username}@127.0.0.1:{self.listener.getsockname()[1]}").geturl()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                if self.mode == "refuse":
                    self.reset(client)
                    continue
                server = socket.create_connection(self.server) if self.mode == "open" else None
                self.pairs.append((client, server))
            threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
            if server:
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.pump, args=(server, client), daemon=True).start()

    def pump(self, source, target):
        try:
            while data := source.recv(1 << 16):
                if self.mode == "open" and target:
                    target.sendall(data)
        except OSError:
            pass
        if self.mode == "open":
            for end in filter(None, (source, target)):
                self.close(end)

    @staticmethod
    def close(end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()

    @classmethod
    def reset(cls, end):
        try:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        cls.close(end)

    def set(self, mode):
        with self.lock:
            self.mode = mode
            for client, server in self.pairs:
                if server:
                    self.close(server)
                if mode == "refuse":
                    self.reset(client)
            if mode != "hang":
                self.pairs.clear()


def prepare(world, service, writing):
    caller = Caller(service, writing)
    consent = {"given_by": "K", "text_version": "1", "scope": ["name"], "given_at": "2026-01-01T00:00:00Z"}
    entries = [(f"konu-{number}", {"translations": {"tr": {"label": f"konu-{number} n0"}}}) for number in range(TOPICS)]
    entries += [(f"kisi-{number}", {"translations": {}, "name": {"display": f"kisi-{number} n0"}, "consent": consent}) for number in range(PEOPLE)]
    entries += [(slug_of(number), {"type": "article", "issued": "2024", "languages": ["tr"], "topics": [f"konu-{topic_of(number)}"],
                                   "translations": {"tr": {"title": f"Yayın {slug_of(number)} n0", "summary": "Özet."}},
                                   "authors": [{"role": "author", "person": f"kisi-{person_of(number)}"}]}) for number in range(PUBLICATIONS)]
    for slug, entry in entries:
        world.written(slug, 0, "nobody", now())
        for path, body in [(path_of(slug).rsplit("/", 1)[0], {"slug": slug} | entry), (f"{path_of(slug)}/transitions", {"to": "published"})]:
            status, _, text = caller.ask("POST", path, body)
            must(status in (200, 201), f"{path} answered {status}: {text[:300]}")


def import_another(world, service, number):
    """Another process writes, which tells nobody. It may be refused for the others' sake, and tries again."""
    line = {"slug": IMPORTED, "state": "published", "translations": {"tr": {"label": f"{IMPORTED} n{number}"}}}
    file = write_lines(service.directory / "topics.ndjson", [line])
    for _ in range(10):
        write = world.written(IMPORTED, number, "import")
        process = service.popen("import", "--json", str(file), stdout=-1, stderr=-1, text=True)
        out, err = process.communicate(timeout=60)
        if process.returncode == 0:
            write.acknowledged = now()
            must(json.loads(out.splitlines()[0])["updated"] == 1, f"import: {out}")
            world.counts["imports"] += 1
            return
        world.failures[f"import: {err.strip()}"] += 1
        time.sleep(0.5)


def run(seconds, a, database):
    replicas, proxy, world = {"A": a}, None, World()
    a.environment |= {"SOGEP_SECRET": secrets.token_hex(32), "SOGEP_BASE_URL": f"http://127.0.0.1:{a.port}", "SOGEP_ADMIN_LISTEN": "off"}
    if database.url:
        (a.directory / "b").mkdir()
        proxy = Proxy(database.url)
        replicas["B"] = Service(a.binary, a.directory / "b", SimpleNamespace(url=proxy.url))
        replicas["B"].environment |= {name: a.environment[name] for name in ("SOGEP_SECRET", "SOGEP_BASE_URL", "SOGEP_ADMIN_LISTEN")}
    try:
        for replica in replicas.values():
            replica.start()
        key = lambda *more: a.command("key", "create", "--name", "Taze", "--json", *more)["secret"]
        reading, writing = key("--type", "publishable"), key("--type", "secret", "--scope", "content:publish")
        prepare(world, a, writing)
        time.sleep(ELSEWHERE)
        clients = [Writer(number, world, replicas, reading, writing) for number in range(WRITERS)]
        clients += [(Searcher if number < SEARCHERS else Reader)(world, replicas, reading) for number in range(READERS)]
        clients += [Prober(world, replicas, reading) for _ in range(PROBERS if proxy else 0)]
        begun = now()
        for client in clients:
            client.start()

        def until(moment):
            while now() < moment:
                if world.wrong:
                    raise Violation("\n".join(world.wrong[:3]))
                time.sleep(0.02)

        until(begun + seconds / 6)
        import_another(world, a, 1)
        until(begun + seconds / 3)
        world.down = "A"
        a.end(signal.SIGKILL)
        until(now() + 1)
        took = a.start()
        world.down = None
        print(f"after {now() - begun:.0f} s: A was killed, and is ready again after {took:.2f} s", flush=True)
        until(begun + seconds / 2)
        import_another(world, a, 2)
        until(begun + seconds * 2 / 3)
        if proxy:
            check_cut(world, replicas, reading, proxy, until)
        until(max(begun + seconds, now() + 3))
        world.stopped, lasted = True, now() - begun
        for client in clients:
            client.join(timeout=60)
        must(not world.wrong, "\n".join(world.wrong[:3]))
        table(world, lasted)
        for replica in replicas.values():
            replica.end(signal.SIGTERM)
    finally:
        world.stopped = True
        for replica in list(replicas.values())[1:]:
            if replica.process:
                replica.process.kill()
                replica.process.wait()
    print("good: nobody was answered what had been replaced, and no tag lies")


def check_cut(world, replicas, reading, proxy, until):
    writes = world.counts["writes"]
    proxy.set("hang")
    world.cut = cut = SimpleNamespace(begun=now(), ended=None)
    until(cut.begun + HANGING)
    proxy.set("refuse")
    until(cut.begun + HANGING + REFUSING)
    cut.ended = now()  # before it can reach its database again
    proxy.set("open")
    prober, took = Prober(world, replicas, reading), None
    while took is None:
        answer = prober.read("B", "/v1/topics?limit=100", "after the cut")
        if answer and answer.status == 200:
            took = now() - cut.ended
        must(now() - cut.ended < RECOVERED_WITHIN, f"{RECOVERED_WITHIN} seconds after the cut B answers {answer}")
        until(now() + 0.02)
    world.cut = None
    statuses = {key[1]: count for key, count in world.counts.items() if isinstance(key, tuple)}
    print(f"B was cut from its database for {cut.ended - cut.begun:.1f} s, {world.counts['writes'] - writes} writes meanwhile; from the first second on it "
          f"answered {statuses}; {took * 1000:.0f} ms after the cut it answers again", flush=True)
    must(statuses.get(503), "nobody asked B while it was cut from its database")


def table(world, lasted):
    counts = world.counts
    open_answers = sum(map(len, world.pending.values()))
    rows = [("seconds", f"{lasted:.0f}")] + [(name, counts[name]) for name in (
        "writes", "imports", "writes answered 5xx, or not at all", "reads", "304", "br or gzip", "reads answered 503", "requests without an answer", "states checked")]
    for name, times in world.times.items():
        cuts = statistics.quantiles(times, n=100)
        rows.append((f"{name}: p50, p99", f"{cuts[49] * 1e3:.1f}, {cuts[98] * 1e3:.1f} ms"))
    rows += [("tags seen", len(world.bodies)), ("coded answers whose plain sister nobody got", open_answers),
             ("greatest age, same replica", f"{world.ages['same'] * 1e3:.0f} ms"), ("greatest age, elsewhere", f"{world.ages['other'] * 1e3:.0f} ms"),
             ("answers during the cut", {key[1]: count for key, count in counts.items() if isinstance(key, tuple)}), ("writes that failed, with nobody down or cut off", sum(world.failures.values())), ("violations", len(world.wrong))]
    for name, value in rows:
        print(f"{name:50}{str(value):>12}", flush=True)
    for why, count in world.failures.most_common():
        print(f"    {count} times: {why}")
    must(counts["304"] and counts["writes"] and counts["imports"], "there was no load")
    must(counts["br or gzip"], "no answer came from the store")
    must(open_answers <= counts["reads"] / 100, f"{open_answers} answers could not be read")


if __name__ == "__main__":
    script(__doc__, "--seconds", 60, "how long it lasts", run)
