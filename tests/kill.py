#!/usr/bin/env python3
"""Kills the service in the middle of writing, again and again, and looks for what was lost or torn.

    tests/kill.py --binary target/debug/sogep                          # SQLite
    SOGEP_PG_DURABLE=1 tests/with-postgres.sh tests/kill.py --binary target/debug/sogep

Each round four clients create, change, publish and trash publications in two languages, with topics,
authors, identifiers and links, and keep a ledger of what was acknowledged; `kill -9` falls at a
random moment; the service is started again and must be ready within five seconds. Then every
acknowledged write must be there byte for byte (its entity tag), what was under way must be there
wholly or not at all, and the rows of every entry must fit together. The first violation ends it
with exit code 1. Needs Python 3.11 and, on PostgreSQL, `psql`. Speaks to loopback only; leaves nothing.
"""

import http.client, random, signal, sys, threading, time
from dataclasses import dataclass

sys.dont_write_bytecode = True
from bulk_import import Client, must, script

READY_WITHIN = 5.0
WRITERS = 4
TOPICS = ["bakim-emegi", "esit-butce", "hukuk", "siddet"]
PEOPLE = ["Işıl Öztürk", "Çiğdem Şahin"]
KIND_TABLES = ["organisation", "project", "event", "publication", "practice", "person", "partner", "topic"]


@dataclass(frozen=True)
class Shape:
    """How an entry stands: `edit` tells its whole content, see `document`."""

    version: int
    edit: int
    state: str = "draft"
    deleted: bool = False


@dataclass
class Entry:
    number: int
    now: Shape | None = None  # acknowledged
    under_way: Shape | None = None  # sent, not acknowledged
    etag: str | None = None

    @property
    def path(self):
        return f"/v1/publications/kill-{self.number}"


def document(number, edit):
    """The content of an entry after its `edit`th change: every table has a part that changes."""
    titles = {"tr": f"Çığ gibi büyüyen {number}. yayın, {edit}. hâli", "en": f"Publication {number}, edit {edit}"}
    return {
        "translations": {tag: {"title": title, "summary": f"{title}!", "body": title * 20} for tag, title in titles.items()},
        "type": "policy_brief", "issued": str(1900 + edit), "languages": ["tr"],
        "topics": [TOPICS[(number + edit + step) % 4] for step in range(3)],
        "authors": [{"name": f"Yazar {edit}"}, {"person": f"kisi-{(number + edit) % 2}"}],
        "identifiers": [{"scheme": "doi", "value": f"10.5555/kill.{number}.{edit}"}],
        "cites": [f"kaynak-{(edit + step) % 3}" for step in range(2)],
    }


class Writer(threading.Thread):
    """Writes to entries of its own until the connection breaks."""

    def __init__(self, service, token, number, entries, begun):
        super().__init__(daemon=True)
        self.begun = begun  # set at the first acknowledgement: a cold start must not use up the round
        self.client, self.number, self.entries = Client(service, token), number, entries
        self.acknowledged, self.failure, self.random = 0, None, random.Random(random.random())

    def run(self):
        try:
            while True:
                self.write()
        except (OSError, http.client.HTTPException):
            pass  # killed
        except Exception as error:
            self.failure = error

    def write(self):
        living = [entry for entry in self.entries if entry.now and not entry.now.deleted]
        what = self.random.choices(["create", "patch", "move", "delete"], [35, 35, 20, 10])[0] if living else "create"
        if what == "create":
            entry = Entry(number=self.number + WRITERS * len(self.entries))
            self.entries.append(entry)
            body = {"slug": f"kill-{entry.number}"} | document(entry.number, 0)
            return self.send(entry, Shape(1, 0), 201, "POST", "/v1/publications", body)
        entry = self.random.choice(living[-40:])
        now, version = entry.now, entry.now.version + 1
        if what == "patch":
            after = Shape(version, now.edit + 1, now.state)
            return self.send(entry, after, 200, "PATCH", entry.path, document(entry.number, after.edit))
        if what == "delete":
            return self.send(entry, Shape(version, now.edit, now.state, True), 204, "DELETE", entry.path)
        to = {"draft": "published", "published": self.random.choice(["archived", "draft"]), "archived": "draft"}[now.state]
        self.send(entry, Shape(version, now.edit, to), 200, "POST", f"{entry.path}/transitions", {"to": to, "note": "Neden"})

    def send(self, entry, after, expected, method, path, body=None):
        entry.under_way = after
        status, etag, answer = self.client.request(method, f"{path}?locale=all", body, entry.etag)
        must(status == expected, f"{method} {path} answered {status}: {answer}")
        entry.now, entry.under_way, entry.etag = after, None, etag
        self.acknowledged += 1
        self.begun.set()


def check_entry(client, entry):
    """Holds what is served against the ledger, then settles what was under way."""
    status, etag, shown = client.request("GET", f"{entry.path}?locale=all")
    possible = [entry.now, entry.under_way] if entry.under_way else [entry.now]
    where = f"{entry.path}: acknowledged {entry.now}, under way {entry.under_way}"
    if status == 404:
        gone = [shape for shape in possible if shape is None or shape.deleted]
        must(gone, f"{where}, and it is not there")
        entry.now, entry.under_way, entry.etag = gone[0], None, None
        return
    must(status == 200, f"{where}, reading it answers {status}: {shown}")
    version = int(etag.strip('"').split(".")[0])
    found = [shape for shape in possible if shape and not shape.deleted and shape.version == version]
    must(found, f"{where}, and it is at {etag}")
    must(entry.now != found[0] or etag == entry.etag, f"{where} as {entry.etag}, and it is at {etag}")
    wanted = document(entry.number, found[0].edit)
    seen = {name: shown[name] for name in ("type", "issued", "languages", "identifiers")} | {
        "translations": {tag: {name: texts[name] for name in ("title", "summary", "body")}
                         for tag, texts in shown["translations"].items()},
        "topics": [topic["slug"] for topic in shown["topics"]],
        "authors": [{"person": author["person"]["slug"]} if author["person"] else {"name": author["name"]}
                    for author in shown["authors"]],
        "cites": [cited["slug"] for cited in shown["cites"]],
    }
    must(seen == wanted, f"{where}, and it is half there: {seen}, wanted {wanted}")
    must(shown["state"] == found[0].state, f"{where}, and its state is {shown['state']}")
    entry.now, entry.under_way, entry.etag = found[0], None, etag


def check_rows(database, entries):
    """Holds the rows against each other and the ledger."""
    for kind in KIND_TABLES:
        torn = database.rows(f"""SELECT slug FROM entry e
            WHERE (kind = '{kind}') <> EXISTS (SELECT 1 FROM {kind} k WHERE k.id = e.id)""")
        must(not torn, f"entries and their own rows do not fit: {torn}")
    # Nothing here renames what others refer to, so no line of the change log comes without a version.
    torn = database.rows("""SELECT * FROM (SELECT slug, version, state, CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END AS deleted,
            (SELECT count(*) FROM entry_text t WHERE t.entry_id = e.id AND t.locale = e.original_locale) AS originals,
            (SELECT count(*) FROM revision r WHERE r.entry_id = e.id) AS revisions,
            (SELECT max(version) FROM revision r WHERE r.entry_id = e.id) AS latest,
            (SELECT state FROM revision r WHERE r.entry_id = e.id AND r.version = e.version) AS revised,
            (SELECT count(*) FROM change c WHERE c.entry_id = e.id) AS changes,
            (SELECT what FROM change c WHERE c.entry_id = e.id ORDER BY seq DESC LIMIT 1) AS what
        FROM entry e) s WHERE version < 1 OR originals <> 1 OR revisions <> version OR latest <> version
            OR COALESCE(revised, '') <> state OR changes <> version OR (what = 'deleted') <> (deleted = 1)""")
    must(not torn, f"versions, revisions and the change log do not fit: {torn}")
    orphans = database.rows("SELECT seq, slug FROM change WHERE entry_id NOT IN (SELECT id FROM entry)")
    must(not orphans, f"lines of the change log about nothing: {orphans}")
    count = lambda table: f"(SELECT count(*) FROM {table} x WHERE x.entry_id = e.id)"
    title = lambda tag: f"(SELECT title FROM entry_text t WHERE t.entry_id = e.id AND locale = '{tag}')"
    rows = database.rows(f"""SELECT slug, version, state, CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END,
        (SELECT issued FROM publication p WHERE p.id = e.id), {title('tr')}, {title('en')},
        (SELECT value FROM identifier i WHERE i.entry_id = e.id), {', '.join(map(count, ['entry_text', 'entry_topic',
        'contribution', 'entry_link', 'identifier']))} FROM entry e WHERE slug LIKE 'kill-%'""")
    expected = set()
    for entry in entries:
        if now := entry.now:
            content = document(entry.number, now.edit)
            expected.add((f"kill-{entry.number}", str(now.version), now.state, str(int(now.deleted)), content["issued"],
                          content["translations"]["tr"]["title"], content["translations"]["en"]["title"],
                          content["identifiers"][0]["value"], "2", "3", "2", "2", "1"))
    must(set(rows) == expected, f"the rows are not what was acknowledged: {sorted(set(rows) ^ expected)[:4]}")


def sign_in(service, owner):
    credentials = {name: owner[name] for name in ("email", "password")}
    status, _, answer = Client(service).request("POST", "/v1/auth/login", credentials)
    must(status == 200, f"signing in answered {status}: {answer}")
    return answer["access_token"], time.monotonic()


def prepare(client):
    """Stores what the publications refer to; published before, so that nothing touches them later."""
    consent = {"given_by": "Kendisi", "text_version": "1", "scope": ["name"], "given_at": "2026-01-01T00:00:00Z"}
    texts = lambda name: {"tr": {"title": name, "summary": name}}
    entries = [("topics", {"slug": slug, "translations": {"tr": {"label": slug}}}) for slug in TOPICS]
    entries += [("people", {"slug": f"kisi-{index}", "translations": {}, "name": {"display": name}, "consent": consent})
                for index, name in enumerate(PEOPLE)]
    entries += [("publications", {"slug": f"kaynak-{index}", "type": "book", "issued": "2001", "languages": ["tr"],
                                  "translations": texts(f"Kaynak {index}")}) for index in range(3)]
    for collection, entry in entries:
        for path, body in [("", entry), (f"/{entry['slug']}/transitions", {"to": "published"})]:
            status, _, answer = client.request("POST", f"/v1/{collection}{path}", body)
            must(status in (200, 201), f"preparing {entry['slug']} answered {status}: {answer}")


def run(rounds, service, database):
    owner = service.command("user", "create", "--email", "owner@kill.example", "--role", "owner", "--json")
    service.start()
    token, signed_in = sign_in(service, owner)
    prepare(Client(service, token))
    ledgers = [[] for _ in range(WRITERS)]
    acknowledged, cut, kept, slowest = 0, 0, 0, 0.0
    for number in range(1, rounds + 1):
        if time.monotonic() - signed_in > 300:
            token, signed_in = sign_in(service, owner)
        begun = threading.Event()
        writers = [Writer(service, token, index, ledger, begun) for index, ledger in enumerate(ledgers)]
        before = [len(ledger) for ledger in ledgers]
        tags = {id(entry): entry.etag for ledger in ledgers for entry in ledger}
        for writer in writers:
            writer.start()
        must(begun.wait(30) or any(writer.failure for writer in writers), f"round {number}: nothing is acknowledged")
        time.sleep(random.uniform(0.05, 0.6))
        service.end(signal.SIGKILL)
        killed = time.time()
        slowest = max(slowest, took := service.start())
        must(took < READY_WITHIN, f"round {number}: ready only after {took:.2f} seconds")
        for writer in writers:
            writer.join(timeout=40)
            must(not writer.is_alive(), f"round {number}: a client waits for ever")
            if writer.failure:
                raise writer.failure
            acknowledged += writer.acknowledged
        # PostgreSQL may still finish a COMMIT that the dead service had sent.
        living = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{database.name}' AND backend_start < to_timestamp({killed})"
        while database.url and database.rows(living):
            must(time.time() - killed < 60, f"round {number}: the dead service's connections live on")
            time.sleep(0.05)
        client = Client(service, token)
        for ledger, known in zip(ledgers, before):
            for index, entry in enumerate(list(ledger)):
                was_cut = entry.under_way
                if was_cut or index >= known or entry.etag != tags.get(id(entry)) or number == rounds:
                    check_entry(client, entry)
                if was_cut:
                    cut, kept = cut + 1, kept + (entry.now == was_cut)
        check_rows(database, [entry for ledger in ledgers for entry in ledger])
        if number % 10 == 0:
            print(f"{number} rounds: {acknowledged} writes acknowledged and there, {cut} cut off "
                  f"({kept} wholly there, {cut - kept} wholly absent), slowest start {slowest:.2f} s", flush=True)
    service.end(signal.SIGTERM)
    if not database.url:
        must(database.rows("PRAGMA integrity_check") == [("ok",)], "the SQLite file is damaged")
        must(not database.rows("PRAGMA foreign_key_check"), "rows of the SQLite file refer to nothing")
    entries = sum(entry.now is not None for ledger in ledgers for entry in ledger)
    print(f"good: {rounds} kills on {'PostgreSQL' if database.url else 'SQLite'}, {acknowledged} acknowledged writes to "
          f"{entries} entries all there, {cut} cut off and none half there, slowest start {slowest:.2f} s")


if __name__ == "__main__":
    script(__doc__, "--rounds", 50, "how often it is killed", run)
