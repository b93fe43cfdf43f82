#!/usr/bin/env python3
"""Imports many publications, and holds what the service then serves against what was generated.

    tests/bulk_import.py --binary target/release/sogep                 # SQLite
    tests/with-postgres.sh tests/bulk_import.py --binary target/release/sogep

Generates topics, people and publications, always the same, and imports them into an empty database:
the peak of memory (VmHWM) must stay under 200 MB. Then the first page, a page fifty cursors on, and
entries by slug must be what was generated; an export must hold exactly that; a second import must
change nothing; a file with one bad line must be refused whole, naming the line. The first violation
ends it with exit code 1. Needs Python 3.11 and, on PostgreSQL, `psql`. Speaks to loopback only;
leaves nothing. `tests/kill.py` uses the first half of this file too.
"""

import argparse, http.client, json, os, pathlib, random, signal, socket, sqlite3, subprocess, sys, tempfile, time

MOST_MEMORY_MB = 200
LONGEST = 1800  # seconds that one command may take


class Violation(Exception):
    """Something that must hold does not."""


def must(holds, message):
    if not holds:
        raise Violation(message)


class Database:
    """A fresh database: SQLite in `directory`, or one of its own on the PostgreSQL server at `url`."""

    def __init__(self, url, directory):
        self.file = pathlib.Path(directory) / "sogep.db"
        self.server, self.name = url, f"sogep_{os.getpid()}_{random.randrange(10**6)}"
        self.url = url and f"{url.rsplit('/', 1)[0]}/{self.name}"
        if url:
            self.psql(url, f"CREATE DATABASE {self.name}")

    @staticmethod
    def psql(url, sql):
        command = ["psql", "-XAtq", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", url, "-c", sql]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        must(done.returncode == 0, f"psql: {done.stderr}")
        return [tuple(line.split("\x1f")) for line in done.stdout.splitlines()]

    def rows(self, sql):
        """The rows of a query, all values as text."""
        if self.url:
            return self.psql(self.url, sql)
        connection = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=10)
        try:
            return [tuple("" if value is None else str(value) for value in row) for row in connection.execute(sql)]
        finally:
            connection.close()

    def drop(self):
        if self.url:
            self.psql(self.server, f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


class Service:
    """`sogep` on a database, in a directory of its own."""

    def __init__(self, binary, directory, database):
        self.binary, self.directory, self.process = os.path.abspath(binary), pathlib.Path(directory), None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        ours = {"SOGEP_DATA_DIR": str(directory), "SOGEP_LISTEN": f"127.0.0.1:{self.port}", "SOGEP_LOG": "warn"}
        # They keep their pace without being told.
        ours |= {f"SOGEP_RATE_LIMIT_{name}": "1000000000" for name in ["READ", "WRITE", "ANONYMOUS"]}
        others = {name: value for name, value in os.environ.items() if not name.startswith(("SOGEP_", "DATABASE_URL"))}
        self.environment = others | ours | ({"DATABASE_URL": database.url} if database.url else {})

    def popen(self, *arguments, **options):
        return subprocess.Popen([self.binary, *arguments], env=self.environment, cwd=self.directory, **options)

    def command(self, *arguments):
        process = self.popen(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = process.communicate(timeout=120)
        must(process.returncode == 0, f"sogep {' '.join(arguments)}: {err}")
        return json.loads(out)

    def start(self):
        """Starts it; says how many seconds it took to be ready."""
        begun = time.monotonic()
        with open(self.directory / "log", "ab") as log:
            self.process = self.popen("serve", stdout=log, stderr=log)
        while time.monotonic() - begun < 30:
            must(self.process.poll() is None, f"the service does not start: {self.log()}")
            try:
                if Client(self).request("GET", "/readyz")[0] == 200:
                    return time.monotonic() - begun
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.01)
        raise Violation(f"not ready within 30 seconds: {self.log()}")

    def end(self, how=signal.SIGKILL):
        if self.process is not None:
            self.process.send_signal(how)
            code, self.process = self.process.wait(timeout=60), None
            must(code == (0 if how == signal.SIGTERM else -how), f"the service ended with {code}: {self.log()}")

    def log(self):
        return (self.directory / "log").read_text()[-2000:]


class Client:
    """One connection, and the credential it sends."""

    def __init__(self, service, token=None):
        self.connection, self.token = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30), token

    def request(self, method, path, body=None, etag=None):
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {"if-match": etag} if etag else {}
        kind = "merge-patch+json" if method == "PATCH" else "json"
        headers |= {"content-type": f"application/{kind}"} if body is not None else {}
        self.connection.request(method, path, body and json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, answer.headers.get("etag"), json.loads(text) if text else None


def script(description, option, default, meaning, run):
    """The command line of both scripts: calls `run` with a number, a service on a fresh database, and that database."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the program")
    parser.add_argument(option, dest="number", metavar="N", type=int, default=default, help=f"{meaning}; default: {default}")
    parser.add_argument("--database-url", default=os.environ.get("TEST_DATABASE_URL"), metavar="URL",
                        help="a PostgreSQL server to create a database on; default: TEST_DATABASE_URL, else SQLite")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="sogep-") as directory:
        database = Database(arguments.database_url, directory)
        service = Service(arguments.binary, directory, database)
        try:
            run(arguments.number, service, database)
        except Violation as violation:
            sys.exit(f"VIOLATION: {violation}")
        finally:
            if service.process:
                service.process.kill()
                service.process.wait()
            database.drop()


WORDS = """adalet akran aile araştırma bakım barış belediye bütçe çocuk çığır dayanışma değişim dönüşüm eğitim emek
    eşitlik göç güçlenme güvence hak hukuk ırk istihdam izleme kadın kamu katılım kent kırsal kız köy mücadele
    öğrenme örgütlenme özgürlük politika rapor sağlık savunuculuk sığınma sivil şiddet şûra temsil toplum uçurum
    üreme ücret veri yasa yerel yoksulluk yönetim""".split()
TYPES = ["research_report", "policy_brief", "toolkit", "article", "book", "news"]
PLAIN = str.maketrans("çğıöşüâûİ", "cgiosuaui")


def topic(number):
    label = f"{WORDS[number].capitalize()} ve {WORDS[-number - 1]}"
    return {"slug": f"konu-{number}", "state": "published", "position": number, "translations": {"tr": {"label": label}}}


def person(number):
    given, family = (WORDS[number % 50].capitalize(), WORDS[number // 50 * 3 + 1].capitalize())
    consent = {"given_by": given, "text_version": "1", "scope": ["name"], "given_at": "2026-01-01T00:00:00Z"}
    name = {"given": given, "family": family, "display": f"{given} {family} {number}"}
    return {"slug": f"kisi-{number}", "state": "published", "translations": {}, "name": name, "consent": consent}


def publication(number, rows):
    """Line `number` of the file, from 0. Every tenth cites later lines."""
    dice = random.Random(number)
    words = " ".join(dice.choices(WORDS, k=4))
    title = f"{words.capitalize()} {number}"
    summary, body = " ".join(dice.choices(WORDS, k=30)), "\n\n".join(" ".join(dice.choices(WORDS, k=60)) for _ in range(3))
    texts = {"tr": {"title": title, "summary": summary, "body": f"## {title}\n\n{body}"}}
    if number % 2:
        texts["en"] = {"title": f"Publication {number}", "summary": f"In English: {summary}"}
    authors = [{"name": f"Yazar {who}", "person": f"kisi-{who}"} for who in dice.sample(range(500), 2)]
    return {
        "slug": f"{words.translate(PLAIN).replace(' ', '-')}-{number}", "state": "published",
        "published_at": "2026-01-02T03:04:05Z", "translations": texts, "type": dice.choice(TYPES), "languages": ["tr"],
        "issued": f"{dice.randrange(1990, 2026)}-{dice.randrange(1, 13):02}", "authors": authors,
        "topics": [f"konu-{which}" for which in dice.sample(range(30), 3)],
        "identifiers": [{"scheme": "doi", "value": f"10.5555/toplu.{number}"}],
        "cites": [publication(later, 0)["slug"] for later in (number + 1, number + 701)
                  if later < rows and number % 10 == 0],
    }


def write_lines(path, lines):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
    return path


def measured(service, *arguments):
    """Runs a command; gives its exit code, what it printed, the seconds it took and its peak of memory in MB."""
    begun, peak = time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as out:
        process = service.popen(*arguments, stdout=out, stderr=out)
        try:
            while process.poll() is None:
                # Of an ended process nothing is left to read; the mark before it can be 20 ms old.
                try:
                    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                    peak = max([peak] + [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")])
                except OSError:
                    pass
                must(time.monotonic() - begun < LONGEST, f"{arguments[0]} takes more than {LONGEST} seconds")
                time.sleep(0.02)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        out.seek(0)
        return process.returncode, out.read(), time.monotonic() - begun, peak / 1024


def imported(service, files, what):
    """Imports; gives the exit code and the report, and says what it cost."""
    code, out, seconds, peak = measured(service, "import", "--json", *map(str, files))
    must(out.startswith("{"), f"{what}: {out}")
    report = json.loads(out.splitlines()[0])
    counts = {name: report[name] for name in ("created", "updated", "unchanged", "failed", "imported")}
    print(f"{what}: {seconds:.1f} s, peak {peak:.0f} MB, {counts}", flush=True)
    must(peak < MOST_MEMORY_MB, f"{what}: {peak:.0f} MB of memory")
    return code, report


def seen(shown):
    """What is served, or exported, in the shape of what was generated (but the state)."""
    name = lambda reference: reference if isinstance(reference, str) else reference["slug"]
    same = {part: shown[part] for part in ("slug", "published_at", "type", "languages", "issued", "identifiers")}
    same["published_at"] = same["published_at"].replace(".000", "")
    authors = [{"name": author["name"], "person": name(author["person"])} for author in shown["authors"]]
    return same | {"authors": authors, "topics": list(map(name, shown["topics"])), "cites": list(map(name, shown["cites"]))}


def check_served(service, rows):
    key = service.command("key", "create", "--type", "publishable", "--name", "Toplu", "--json")["secret"]
    service.start()
    client = Client(service, key)

    def get(path):
        status, _, answer = client.request("GET", path)
        must(status == 200, f"{path} answered {status}: {answer}")
        return answer

    # The latest issued first; of the same month, the last line first, for ids grow.
    ordered = sorted(range(rows), key=lambda number: (publication(number, 0)["issued"], number), reverse=True)
    slugs = [publication(number, 0)["slug"] for number in ordered]
    size, cursor, begun = min(100, rows // 52), "", time.monotonic()
    for page in range(51):
        answer = get(f"/v1/publications?limit={size}{cursor and f'&cursor={cursor}'}")
        wanted = slugs[page * size:(page + 1) * size]
        got = [shown["slug"] for shown in answer["data"]]
        must(got == wanted, f"page {page} of {size} is not as it should be: {got[:3]}…, wanted {wanted[:3]}…")
        cursor = answer["page"]["next_cursor"]
    pages = time.monotonic() - begun
    begun = time.monotonic()
    for number in random.Random(rows).sample(range(rows), 20):
        wanted = publication(number, rows)
        for tag, texts in wanted["translations"].items():
            shown = get(f"/v1/publications/{wanted['slug']}?locale={tag}&fallback=none")
            must({name: shown[name] for name in texts} == texts, f"{wanted['slug']}: the texts are {shown}")
            expected = {name: value for name, value in wanted.items() if name not in ("translations", "state")}
            must(seen(shown) == expected, f"{wanted['slug']} is {seen(shown)}, wanted {expected}")
    entries = time.monotonic() - begun
    labels = [shown["label"] for shown in get("/v1/topics?limit=100")["data"]]
    must(labels == [topic(number)["translations"]["tr"]["label"] for number in range(30)], f"the topics are {labels}")
    print(f"served: 51 pages of {size} in {pages:.2f} s, 20 entries in {entries:.2f} s, all right", flush=True)
    service.end(signal.SIGTERM)


def check_export(service, rows, directory):
    code, out, seconds, peak = measured(service, "export", str(directory))
    must(code == 0, f"export: {out}")
    must(peak < MOST_MEMORY_MB, f"export: {peak:.0f} MB of memory")
    with open(directory / "publications.ndjson", encoding="utf-8") as file:
        lines = 0
        for line in map(json.loads, file):
            wanted = publication(int(line["slug"].rsplit("-", 1)[1]), rows)
            texts = {tag: {name: text for name, text in texts.items() if text}
                     for tag, texts in line["translations"].items()}
            must(seen(line) | {"translations": texts, "state": line["state"]} == wanted, f"exported {line}, wanted {wanted}")
            lines += 1
    must(lines == rows, f"{lines} publications are exported, {rows} were imported")
    print(f"export: {seconds:.1f} s, peak {peak:.0f} MB, {lines} publications, each as generated", flush=True)


def run(rows, service, _database):
    directory = service.directory
    files = [write_lines(directory / "topics.ndjson", map(topic, range(30))),
             write_lines(directory / "people.ndjson", map(person, range(500))),
             write_lines(directory / "publications.ndjson", (publication(number, rows) for number in range(rows)))]
    everything = rows + 530
    print(f"generated: {rows} publications, {files[2].stat().st_size / 1e6:.0f} MB", flush=True)
    code, report = imported(service, files, "import")
    must(code == 0 and report["created"] == everything and report["failed"] == 0, f"import: exit code {code}, {report}")
    check_served(service, rows)
    check_export(service, rows, directory / "export")
    code, report = imported(service, files, "the same again")
    must(code == 0 and report["unchanged"] == everything, f"the same again: exit code {code}, {report}")

    # Many lines differ, one is new, one is bad: none may be kept.
    def spoilt():
        for number in range(rows):
            line = publication(number, rows)
            line["issued"] = "dün" if number == rows // 2 else "1900"
            yield line
        yield publication(rows, 0)

    code, report = imported(service, [write_lines(directory / "publications.ndjson", spoilt())], "one bad line")
    error = (report["errors"] or [None])[0]
    must(code != 0 and not report["imported"] and report["failed"] == 1, f"one bad line: exit code {code}, {report}")
    must(error["line"] == rows // 2 + 1 and error["pointer"] == "/issued", f"one bad line is reported as {error}")
    check_export(service, rows, directory / "export-again")


if __name__ == "__main__":
    script(__doc__, "--rows", 100_000, "how many publications", run)
