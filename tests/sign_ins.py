#!/usr/bin/env python3
"""Floods the service with sign-ins, and looks whether its answers tell by their time who has an account.

    tests/sign_ins.py --binary target/release/sogep                    # SQLite
    tests/with-postgres.sh tests/sign_ins.py --binary target/release/sogep

Three floods of 300 clients at once, each on a service just started: from 300 addresses, from one, and
from ever new ones for ten seconds. The memory may grow by what four passwords need and a fixed
allowance; whoever is turned away gets 429 or 503 with `Retry-After`; nobody waits over five seconds; of
those who ask /livez meanwhile the slowest hundredth waits less than 100 ms. Then wrong sign-ins for accounts that
are known, unknown, disabled and invited, forgotten passwords, and wrong API keys, in turn: the answers must be the
same, and the medians of their times lie close together. A violation ends it with exit code 1. Needs Python 3.11 and,
on PostgreSQL, `psql`. Speaks to loopback only; leaves nothing.
"""

import gc, http.client, itertools, json, multiprocessing, os, pathlib, random, signal, statistics, sys, threading, time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
from bulk_import import must, person, publication, script, topic, write_lines
from clients import Caller, address, checked, from_address, letters

CROWD = 300
# Four passwords are hashed at once, each in 19 MiB. Beside that: 300 connections with buffers of up to 48 KiB (15),
# a stack and an arena for each of four more threads (4), caches of the database that reading has not warmed (5).
MOST_GROWTH_MB = 4 * 19 + 24
MOST_LIVEZ_MS, LONGEST = 100, 5.0
MOST_ANSWER_MS, MOST_KEY_MS = 5.0, 1.0  # by how much two medians may differ
SAMPLES_AN_ADDRESS = 8  # ten failures for one e-mail address are free
GUESSES = 550  # everybody together may try 600 passwords at once, and ten more each second


def knock(port, people, address_of, seconds):
    """Lets everybody sign in at once, and again half a second after each answer while there is time. In a process of its own."""
    os.nice(19)  # an attacker would be busy on a machine of its own
    gate, answers = threading.Barrier(len(people)), []

    def one(who):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.connect()
        gate.wait()
        for turn in itertools.count():
            email, password = people[who]
            if email.startswith("nobody"):
                email = f"{turn}.{email}"
            body = json.dumps({"email": email, "password": password}).encode()
            head = (f"POST /v1/auth/login HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {address_of(who, turn)}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
            began = time.monotonic()
            try:
                if connection.sock is None:
                    connection.connect()
                connection.sock.sendall(head.encode() + body)  # at once: the service's clock runs while it waits for a body
                answer = http.client.HTTPResponse(connection.sock, method="POST")
                answer.begin()
                answer.read()
                if answer.will_close:
                    connection.close()
                answers.append((answer.status, answer.headers.get("retry-after"), began, time.monotonic()))
            except (OSError, http.client.HTTPException) as error:
                answers.append((repr(error), None, began, time.monotonic()))
                connection.close()
            if time.monotonic() + 0.5 > begun[0] + seconds:
                return
            time.sleep(0.5)

    begun = [time.monotonic()]
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(one, range(len(people))))
    return answers


def everyone_new(who, turn):
    return address(turn * CROWD + who)


def everyone_one(_who, _turn):
    return "192.0.2.1"


FLOODS = {"300 addresses": (everyone_new, 0), "one address": (everyone_one, 0), "10 s, new ones": (everyone_new, 10)}


class Watch(threading.Thread):
    """Does something again and again, `pause` apart, and notes when and what came of it."""

    def __init__(self, pause, act):
        super().__init__(daemon=True)
        self.pause, self.act, self.seen, self.failure, self.stopped = pause, act, [], None, threading.Event()

    def run(self):
        try:
            while not self.stopped.wait(self.pause):
                began = time.monotonic()
                found = self.act()
                self.seen.append((began, (time.monotonic() - began) * 1000 if found is None else found))
        except Exception as error:
            self.failure = error

    def end(self):
        self.stopped.set()
        self.join(timeout=40)
        if self.failure:
            raise self.failure


def memory(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def p99(watch, since, until):
    times = sorted(value for at, value in watch.seen if since <= at <= until)
    must(times, "nobody asked meanwhile")
    return times[len(times) * 99 // 100]


def good(client, path):
    def act():
        status, _, answer = client.ask("GET", path)
        must(status == 200, f"{path} answered {status}: {answer}")
    return act


def flood(service, name, people, key, pool):
    address_of, seconds = FLOODS[name]
    logged = (service.directory / "log").stat().st_size if (service.directory / "log").exists() else 0
    service.start()
    reader = good(Caller(service, key), "/v1/publications?limit=5")
    for _ in range(300):
        reader()
    pid = service.process.pid
    watches = [Watch(0.02, lambda: memory(pid)), Watch(0.01, reader), Watch(0.01, good(Caller(service), "/livez"))]
    for watch in watches:
        watch.start()
    quiet = time.monotonic()
    time.sleep(6)
    calm = time.monotonic()
    answers = pool.apply(knock, (service.port, people, address_of, seconds))
    begun, ended = min(answer[2] for answer in answers), max(answer[3] for answer in answers)
    time.sleep(0.2)
    for watch in watches:
        watch.end()
    before = statistics.median(value for at, value in watches[0].seen if at < calm)
    growth = max(value for at, value in watches[0].seen if at >= begun) - before
    # What the service itself took: the crowd, being nice, may see its answers late on a machine that is busy.
    log = (service.directory / "log").read_bytes()[logged:].decode().splitlines()
    lines = [json.loads(line) for line in log if '"/v1/auth/login"' in line]
    slowest, seen = max(line["duration_ms"] for line in lines) / 1000, max(until - since for _, _, since, until in answers)
    counts = {status: sum(answer[0] == status for answer in answers) for status in sorted({answer[0] for answer in answers}, key=str)}
    times = [p99(watch, *window) for watch in watches[1:] for window in [(quiet, calm), (begun, ended)]]
    service.end(signal.SIGTERM)
    print(f"{name:15}{len(answers):>6}  {', '.join(f'{count} x {status}' for status, count in counts.items()):38}"
          f"{ended - begun:>5.1f} s{slowest:>6.2f}/{seen:>5.2f} s{before:>6.0f} +{growth:>4.0f} MB"
          f"{times[0]:>9.1f} /{times[1]:>6.1f} ms{times[2]:>9.1f} /{times[3]:>6.1f} ms", flush=True)
    odd = [answer[:2] for answer in answers if answer[0] not in (200, 401) and not (answer[0] in (429, 503) and answer[1])]
    return [f"{name}: {what}" for holds, what in [
        (not odd, f"answered {odd[:3]}"),
        (401 in counts and counts.keys() & {429, 503}, f"it was no flood: {counts}"),
        (slowest <= LONGEST, f"somebody waited {slowest:.1f} seconds"),
        (growth <= MOST_GROWTH_MB, f"the memory grew by {growth:.0f} MB, at most {MOST_GROWTH_MB} would do"),
        (times[3] < MOST_LIVEZ_MS, f"the slowest hundredth of /livez took {times[3]:.0f} ms")] if not holds]


def plain(answer):
    """What all who are refused must see alike."""
    status, headers, body = answer
    text = json.loads(body) if body else None
    if isinstance(text, dict):
        text.pop("request_id")
    return status, sorted(name.lower() for name in headers.keys()), text


def compare(title, groups, samples, most, pause=0.0, free=10**9):
    """Asks in turn; gives what is wrong: `groups` are functions of the sample's number that answer."""
    times, shown, asked, begun = {name: [] for name in groups}, {}, 0, time.monotonic()
    gc.disable()
    for number in range(samples):
        for name in random.sample(list(groups), len(groups)):
            time.sleep(max(pause, begun + (asked - free) / 9 - time.monotonic()))
            asked += 1
            began = time.perf_counter()
            answer = groups[name](number)
            times[name].append((time.perf_counter() - began) * 1000)
            shown.setdefault(json.dumps(plain(answer)), f"{name}, sample {number}")
    gc.enable()
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    apart = max(medians.values()) - min(medians.values())
    print(f"{title}: {samples} samples each, medians {apart:.3f} ms apart")
    for name, taken in times.items():
        tenths = statistics.quantiles(taken, n=10)
        print(f"    {name:28}{medians[name]:>9.3f} ms   (p10 {tenths[0]:.3f}, p90 {tenths[8]:.3f})", flush=True)
    return [f"{title}: {what}" for holds, what in [
        (len(shown) == 1, f"the answers differ: {list(shown.items())[:2]}"),
        (apart < most, f"the medians lie {apart:.2f} ms apart, at most {most} would do: {medians}")] if not holds]


def made(service, many, prefix, *command):
    """`many` new accounts, as the command line tells of them."""
    def one(number):
        email = f"{prefix}{number}@ornek.example"
        return service.command("user", *command, "--email", email, "--role", "viewer", "--json") | {"email": email}
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, range(many)))


def forget(database):
    """Empties the limits that replicas share: that everybody together may try 600 passwords must not hide what follows."""
    if database.url:
        database.psql(database.url, "DELETE FROM rate_limit")


def run(samples, service, database):
    service.environment |= {"SOGEP_TRUSTED_PROXIES": "127.0.0.1", "SOGEP_RATE_LIMIT_READ": "1000000000", "SOGEP_LOG": "info"}
    files = [write_lines(service.directory / "topics.ndjson", map(topic, range(30))),
             write_lines(service.directory / "people.ndjson", map(person, range(500))),
             write_lines(service.directory / "publications.ndjson", (publication(number, 100) for number in range(100)))]
    service.command("import", "--json", *map(str, files))
    key = service.command("key", "create", "--type", "publishable", "--name", "Ölçü", "--json")["secret"]
    many = -(-samples // SAMPLES_AN_ADDRESS)
    known, invited = made(service, max(samples, 60), "kisi", "create"), made(service, many, "davetli", "invite")
    disabled = made(service, many, "kapali", "create")
    for account in disabled:
        service.command("user", "disable", "--email", account["email"], "--json")

    # Every tenth has an account, and every other of those its password.
    people = [(f"nobody{who}@ornek.example", "yanlış bir parola, uzun") for who in range(CROWD)]
    for who in range(0, CROWD, 10):
        account = known[who // 10]
        people[who] = account["email"], account["password"] if who % 20 else "yanlış bir parola, uzun"
    failures = []
    print(f"{'flood':15}{'came':>6}  {'answers':38}{'within':>7}{'slowest/seen':>14}{'memory':>14}{'reading p99, without / with':>29}{'/livez p99, same':>20}")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for name in FLOODS:
            forget(database)
            failures += flood(service, name, people, key, pool)

    forget(database)
    service.start()
    caller, visitors = Caller(service), itertools.count(1 << 20)

    def post(path, body):
        return caller.ask("POST", path, body, from_address(next(visitors)))

    def signing_in(account, password="yanlış bir parola, uzun"):
        def act(number):
            email = account(number % many)
            return post("/v1/auth/login", {"email": email, "password": password if isinstance(password, str) else password(number % many)})
        return act

    logins = {
        "known": signing_in(lambda number: known[-1 - number]["email"]),
        "unknown": signing_in(lambda number: f"kimse{number}@ornek.example"),
        "disabled": signing_in(lambda number: disabled[number]["email"]),
        "invited": signing_in(lambda number: invited[number]["email"]),
    }
    for act in [logins["known"], logins["unknown"]]:
        act(0)  # the first unknown one makes the hash that is compared with
    failures += compare("wrong sign-ins", logins, samples, MOST_ANSWER_MS, free=GUESSES)
    # Not counted as its own address would be: a right password for a closed account.
    closed = service.command("user", "create", "--email", "kapanan@ornek.example", "--role", "viewer", "--json")
    service.command("user", "disable", "--email", "kapanan@ornek.example", "--json")
    right = plain(post("/v1/auth/login", {name: closed[name] for name in ("email", "password")}))
    if right != plain(logins["unknown"](0)):
        failures.append(f"the right password of a disabled account is answered {right}")
    forgotten = {
        "known": lambda number: post("/v1/auth/forgotten-password", {"email": known[number]["email"]}),
        "unknown": lambda number: post("/v1/auth/forgotten-password", {"email": f"yok{number}@ornek.example"}),
    }
    failures += compare("forgotten passwords", forgotten, samples, MOST_ANSWER_MS, pause=0.01)
    status, _, body = forgotten["known"](0)
    if (status, body) != (202, b""):
        failures.append(f"a forgotten password is answered {status} {body}")
    name = key.rsplit("_", 1)[0]

    def reading(prefix):
        def act(_number):
            caller.token = checked(f"{prefix()}_{letters(43)}")
            return caller.ask("GET", "/v1/publications?limit=1", None, from_address(next(visitors)))
        return act

    must(checked(key[:-6]) == key, "the checksum is not made as here")
    keys = {"unknown id": reading(lambda: f"sogep_pk_{letters(12)}"), "wrong secret of a known id": reading(lambda: name)}
    failures += compare("wrong keys", keys, samples * 5 // 2, MOST_KEY_MS)
    service.end(signal.SIGTERM)
    must(not failures, "; ".join(failures))
    print("good: a flood of sign-ins is bounded, and no answer tells who has an account or a key")


if __name__ == "__main__":
    script(__doc__, "--samples", 200, "how many sign-ins of each sort are timed", run)
