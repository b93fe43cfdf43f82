#!/usr/bin/env python3
"""Keeps copies of the content by following the change log alone, and holds them against the content.

    tests/mirror.py --binary target/release/sogep                          # SQLite, one process
    tests/with-postgres.sh tests/mirror.py --binary target/release/sogep   # PostgreSQL, two replicas

For N seconds eight clients create, publish, change, rename, hide and trash publications, practices,
projects, people, partners and topics that refer to each other, on all replicas at once. Meanwhile four
mirrors follow: `/v1/changes` and `/v1/changes/stream`, each with a key that reads what is public and one
that reads what is for partners. A mirror keeps nothing but its copy and its cursor in a file; it breaks
off at random, before or after it has kept what it read, and goes on from the file on any replica. In the
end every copy must be, entry by entry and field by field, what the collections answer for the same key:
nothing missing, nothing that was withdrawn. So must be a copy that begins at the end. Then SIGTERM must
end the service within five seconds, with streams open. The first violation ends it with exit code 1.
Needs Python 3.11 and, on PostgreSQL, `psql`. Speaks to loopback only; leaves nothing.
"""

import http.client, json, os, random, secrets, signal, sys, threading, time
from collections import Counter

sys.dont_write_bytecode = True
from bulk_import import Service, must, script
from clients import Caller

WRITERS = 8
COLLECTIONS = ["topics", "partners", "people", "projects", "publications", "practices"]
FINE = {200, 201, 204, 404, 409, 412, 422, 503}
# What is referred to may have gone to the trash in the meantime, or have become narrower itself.
EXCUSED = (b"unknown_reference", b"\"circle\"", b"too_deep")
SETTLE = 20  # seconds that a mirror may take to hear of the last write
STOP_WITHIN = 5.0


class Shelf:
    """What the writers have made, for all of them to change."""

    def __init__(self):
        self.lock, self.ids = threading.Lock(), {collection: [] for collection in COLLECTIONS}

    def add(self, collection, id):
        with self.lock:
            self.ids[collection].append(id)

    def some(self, dice, collection, most=2):
        with self.lock:
            known = self.ids[collection][-60:]  # the later ones, so that writers meet
        return dice.sample(known, min(len(known), dice.randint(0, most)))


class Writer(threading.Thread):
    """Writes at random until it is stopped."""

    def __init__(self, number, replicas, token, shelf):
        super().__init__(daemon=True)
        self.dice, self.number, self.shelf, self.count = random.Random(number), number, shelf, 0
        self.callers, self.statuses, self.wrong, self.stopped = [Caller(replica, token) for replica in replicas], Counter(), [], False

    def ask(self, act, method, path, body=None, headers=()):
        status, answered, text = self.dice.choice(self.callers).ask(method, path, body, headers)
        if status not in FINE or (status == 422 and not any(code in text for code in EXCUSED)):
            self.wrong.append((act, path, status, text[:300]))
        if method != "GET":
            self.statuses[act, status] += 1
        return status, answered.get("etag"), json.loads(text) if text and status < 300 else None

    def name(self):
        self.count += 1
        return f"Ad {self.number} {self.count}"

    def body(self, collection):
        dice, some, name = self.dice, self.shelf.some, self.name()
        body = {"visibility": dice.choice(["public", "public", "partners", "internal"]), "topics": some(dice, "topics")}
        text = {"title": name, "summary": "Özet."}
        match collection:
            case "topics":
                del body["topics"]
                return body | {"translations": {"tr": {"label": name}}, "related": some(dice, "topics"), "broader": next(iter(some(dice, "topics", 1)), None)}
            case "partners":
                return body | {"translations": {"tr": {"name": name}}}
            case "people":
                return body | {"translations": {}} | self.person(name) | {"affiliated_with": next(iter(some(dice, "partners", 1)), None)}
            case "projects":
                text |= {"title": name}
                body |= {"actual_start": "2024-01-01", "actual_end": "2025-01-01", "translations": {"tr": text}}
                return body | {"partners": [{"role": "lead", "partner": id} for id in some(dice, "partners")]}
            case "publications":
                body |= {"type": "article", "issued": "2024", "languages": ["tr"], "translations": {"tr": text}}
                body |= {"owner": next(iter(some(dice, "partners", 1)), None), "project": next(iter(some(dice, "projects", 1)), None)}
                return body | {"authors": [{"role": "author", "person": id, "name": dice.choice([None, "Basılı Ad"])} for id in some(dice, "people")],
                               "cites": some(dice, "publications")}
        text |= {"what_was_done": "Denendi.", "what_happened": "Olmadı."}
        body |= {"outcome": "failed", "anonymised": dice.random() < 0.4, "translations": {"tr": text}}
        return body | {"people": [{"role": "coordinator", "person": id} for id in some(dice, "people")], "owner": next(iter(some(dice, "partners", 1)), None)}

    def person(self, name):
        scope = ["name"] + self.dice.sample(["biography", "affiliation"], self.dice.randint(0, 2))
        withdrawn = self.dice.choice([None, None, None, "2026-02-01T00:00:00Z"])
        return {"name": {"display": name}, "consent": {"given_by": "K", "text_version": "1", "scope": scope,
                                                       "given_at": "2026-01-01T00:00:00Z", "withdrawn_at": withdrawn}}

    def patch(self, collection):
        what = self.dice.choice(["name", "name", "visibility", "slug", "references"])
        if what == "visibility":
            return {"visibility": self.dice.choice(["public", "partners", "internal"])}
        if what == "slug":
            return {"slug": f"adres-{self.number}-{self.name().split()[-1]}"}
        body = self.body(collection)
        if what == "references" and collection not in ("people", "partners"):
            return {name: body[name] for name in ("topics", "related", "broader", "authors", "people", "partners", "owner", "cites", "project") if name in body}
        return self.person(self.name()) if collection == "people" else {"translations": body["translations"]}

    def step(self):
        collection = self.dice.choice(COLLECTIONS)
        ids = self.shelf.some(self.dice, collection, 1)
        if not ids or self.dice.random() < 0.25:
            status, _, made = self.ask("create", "POST", f"/v1/{collection}", self.body(collection))
            if status != 201:
                return
            self.shelf.add(collection, made["id"])
            ids = [made["id"]]
        path = f"/v1/{collection}/{ids[0]}"
        status, etag, entry = self.ask("read", "GET", path)
        if status != 200:
            return
        if entry["state"] != "published":
            to = "draft" if entry["state"] == "archived" else "published"
            return self.ask(to, "POST", f"{path}/transitions", {"to": to})
        roll = self.dice.random()
        if roll < 0.75:
            self.ask("change", "PATCH", path, self.patch(collection), {"if-match": etag})
        elif roll < 0.93:
            self.ask("withdraw", "POST", f"{path}/transitions", {"to": self.dice.choice(["archived", "draft"]), "note": "Neden"})
        else:
            self.ask("trash", "DELETE", path, None, {"if-match": etag})

    def run(self):
        try:
            while not self.stopped and not self.wrong:
                self.step()
        except (OSError, http.client.HTTPException) as error:
            self.wrong.append(repr(error))


class Break(Exception):
    """The mirror breaks off."""


class Mirror(threading.Thread):
    """A copy in a file. What is in memory is lost whenever it breaks off."""

    def __init__(self, name, replicas, token, directory):
        super().__init__(daemon=True)
        self.title, self.replicas, self.token, self.path = name, replicas, token, directory / f"{name}.json"
        self.dice, self.counts, self.wrong, self.stopped, self.settling = random.Random(name), Counter(), [], False, False
        self.keep({}, None)

    def keep(self, copy, cursor):
        self.path.with_suffix(".part").write_text(json.dumps([copy, cursor]))
        os.replace(self.path.with_suffix(".part"), self.path)

    def kept(self):
        return json.loads(self.path.read_text())

    def apply(self, copy, change):
        self.counts[change["change"]] += 1
        must(set(change) == {"kind", "id", "slug", "change", "at", "entry"}, f"{self.title}: a change has {set(change)}")
        must((change["entry"] is None) == (change["change"] in ("unpublished", "deleted")), f"{self.title}: {change}")
        if change["entry"] is None:
            copy.pop(change["id"], None)
        else:
            copy[change["id"]] = change["entry"]

    def may_break(self):
        if not self.settling and self.dice.random() < 0.1:
            self.counts["breaks"] += 1
            raise Break

    def get(self, path, headers=()):
        caller = Caller(self.dice.choice(self.replicas), self.token)
        caller.connection.request("GET", path, None, {"authorization": f"Bearer {self.token}"} | dict(headers))
        answer = caller.connection.getresponse()
        must(answer.status == 200, f"{self.title}: {path} answered {answer.status}: {answer.read(300) if answer.status != 200 else ''}")
        return caller, answer

    def run(self):
        while not self.stopped and not self.wrong:
            try:
                self.follow(*self.kept())
            except Break:
                pass
            except Exception as error:  # whatever it is, it must not be lost with the thread
                self.wrong.append(repr(error))


class Poller(Mirror):
    def follow(self, copy, cursor):
        while not self.stopped:
            after = f"&after={cursor}" if cursor else ""
            _, answer = self.get(f"/v1/changes?limit={self.dice.choice([1, 7, 100])}{after}")
            page = json.loads(answer.read())
            self.counts["pages"] += 1
            self.may_break()
            for change in page["data"]:
                self.apply(copy, change)
            cursor = page["page"]["next_cursor"]
            self.keep(copy, cursor)
            self.may_break()
            if not page["page"]["more"]:
                time.sleep(self.dice.random() * 0.2)


class Listener(Mirror):
    def follow(self, copy, cursor):
        # From the beginning it reads the list; the stream is for what comes.
        if cursor is None:
            _, answer = self.get("/v1/changes?limit=1")
            page = json.loads(answer.read())
            for change in page["data"]:
                self.apply(copy, change)
            cursor = page["page"]["next_cursor"]
            self.keep(copy, cursor)
        caller, answer = self.get("/v1/changes/stream", {"last-event-id": cursor, "accept": "text/event-stream"})
        self.counts["streams"] += 1
        try:
            event = {}
            while not self.stopped:
                line = answer.readline().decode().removesuffix("\n")
                if line:
                    name, _, value = line.partition(": ")
                    event[name] = value
                    continue
                must(event or self.stopped, f"{self.title}: a stream ended")
                if event.get("event") == "change":
                    self.apply(copy, json.loads(event["data"]))
                    self.may_break()
                    self.keep(copy, event["id"])
                    self.may_break()
                event = {}
        finally:
            caller.connection.close()


def content(service, token):
    """Everything that the collections answer, by id."""
    caller, everything = Caller(service, token), {}

    def get(path):
        status, _, body = caller.ask("GET", path)
        must(status == 200, f"{path} answered {status}: {body[:300]}")
        return json.loads(body)

    for collection in COLLECTIONS + ["events"]:
        cursor = ""
        while cursor is not None:
            page = get(f"/v1/{collection}?limit=100{cursor and f'&cursor={cursor}'}")
            for summary in page["data"]:
                everything[summary["id"]] = get(f"/v1/{collection}/{summary['id']}")
            cursor = page["page"]["next_cursor"]
    profile = get("/v1/organisation")
    return everything | {profile["id"]: profile}


def differences(copy, wanted):
    """Where a copy is not what it should be, in words."""
    found = [f"{wanted[id]['kind']} {id} is missing" for id in wanted.keys() - copy.keys()]
    found += [f"{copy[id]['kind']} {id} is there and should not be" for id in copy.keys() - wanted.keys()]
    for id in wanted.keys() & copy.keys():
        have = copy[id] | {"translations": sorted(copy[id]["translations"])}
        found += [f"{have['kind']} {id}: `{field}` is {have.get(field)}, not {value}" for field, value in wanted[id].items() if have.get(field) != value]
    return found


def check(name, kept, wanted):
    deadline = time.monotonic() + SETTLE
    while (found := differences(kept(), wanted)) and time.monotonic() < deadline:
        time.sleep(0.1)
    must(not found, f"{name}: {len(found)} differences, such as: {found[:5]}")


def run(seconds, a, database):
    replicas = [a]
    if database.url:
        (a.directory / "b").mkdir()
        replicas.append(Service(a.binary, a.directory / "b", database))
    secret = {"SOGEP_SECRET": secrets.token_hex(32), "SOGEP_BASE_URL": f"http://127.0.0.1:{a.port}"}
    try:
        for replica in replicas:
            replica.environment |= secret
            replica.start()
        key = lambda name, *scopes: a.command("key", "create", "--type", "secret", "--name", name, "--json",
                                              *(part for scope in scopes for part in ("--scope", scope)))["secret"]
        keys = {"public": key("Herkes", "content:read", "changes:read"), "partners": key("Paydaş", "content:read:partners", "changes:read")}
        shelf, pen = Shelf(), key("Yazan", "content:publish")
        writers = [Writer(number, replicas, pen, shelf) for number in range(WRITERS)]
        mirrors = [kind(f"{kind.__name__.lower()}-{name}", replicas, token, a.directory) for kind in (Poller, Listener) for name, token in keys.items()]
        begun = time.monotonic()
        for thread in mirrors + writers:
            thread.start()
        while time.monotonic() - begun < seconds and not any(thread.wrong for thread in mirrors + writers):
            time.sleep(0.1)
        for writer in writers:
            writer.stopped = True
        for writer in writers:
            writer.join(timeout=40)
            must(not writer.wrong, f"a writer: {writer.wrong[:3]}")
        took = time.monotonic() - begun
        for mirror in mirrors:
            mirror.settling = True
        statuses = sum((writer.statuses for writer in writers), Counter())
        done = sum(count for (_, status), count in statuses.items() if status < 300)
        print(f"{done} writes in {took:.0f} s on {len(replicas)} process{'es' if len(replicas) > 1 else ''}: "
              f"{dict(sorted((f'{act} {status}', count) for (act, status), count in statuses.items()))}", flush=True)
        wanted = {name: content(replicas[-1], token) for name, token in keys.items()}
        for mirror in mirrors:
            name = mirror.title.split("-")[1]
            check(mirror.title, lambda: mirror.kept()[0], wanted[name])
            must(not mirror.wrong, f"{mirror.title}: {mirror.wrong}")
            print(f"{mirror.title:18} {len(wanted[name]):>5} entries, none differs; {dict(sorted(mirror.counts.items()))}", flush=True)
        for name, token in keys.items():
            fresh = Poller(f"fresh-{name}", replicas, token, a.directory)
            fresh.settling, begun = True, time.monotonic()
            fresh.start()
            check(f"a fresh copy ({name})", lambda: fresh.kept()[0], wanted[name])
            fresh.stopped = True
            fresh.join(timeout=10)
            print(f"a fresh copy ({name}): {len(wanted[name])} entries after {fresh.counts['pages']} pages in {time.monotonic() - begun:.1f} s", flush=True)
        for mirror in mirrors:
            mirror.stopped = True
        begun = time.monotonic()
        for replica in replicas:
            replica.end(signal.SIGTERM)
        took = time.monotonic() - begun
        must(took < STOP_WITHIN * len(replicas), f"stopping took {took:.1f} s with streams open")
        print(f"stopped in {took:.1f} s", flush=True)
    finally:
        for replica in replicas[1:]:
            if replica.process:
                replica.process.kill()
                replica.process.wait()
    print("good: whoever follows the change log has what there is, and nothing else")


if __name__ == "__main__":
    script(__doc__, "--seconds", 60, "how long the clients write", run)
