#!/usr/bin/env python3
"""Runs two replicas on one PostgreSQL, and looks whether each knows at once what the other has done.

    tests/with-postgres.sh tests/replicas.py --binary target/release/sogep

While both are read with keys and accounts: accounts are disabled and demoted, keys revoked and sessions
ended on the one, and the other must refuse them within five seconds; the signing key is rotated, and no
good token may be refused on either, for 75 seconds; of fifty refreshes of one token one may succeed.
Then a burst over both must get the quota of `rate_limit_read`, one more or less; and it goes on being
answered and limited while the table `rate_limit` is gone. The first violation ends it with exit code 1.
Needs Python 3.11 and `psql`. Speaks to loopback only; leaves nothing.
"""

import base64, datetime, http.client, json, secrets, signal, statistics, sys, threading, time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
from bulk_import import Service, must, script
from clients import Caller

WITHIN = 5.0
ROTATION = 75  # seconds: the new key signs after 60
PARALLEL = 50
QUOTA = 600
CLIENTS = 8


class Load(threading.Thread):
    """Reads until it is stopped; every answer must be 200."""

    def __init__(self, service, token):
        super().__init__(daemon=True)
        self.caller, self.count, self.wrong, self.stopped = Caller(service, token), 0, [], False

    def run(self):
        try:
            while not self.stopped:
                status, _, body = self.caller.ask("GET", "/v1/publications?limit=5")
                self.count += 1
                if status != 200:
                    self.wrong.append((status, body[:300]))
                time.sleep(0.01)
        except (OSError, http.client.HTTPException) as error:
            self.wrong.append(repr(error))


class Refresher(threading.Thread):
    """Refreshes a session on one replica and the other in turn, and uses what it gets on the other one."""

    def __init__(self, replicas, refresh_token):
        super().__init__(daemon=True)
        self.callers, self.token = [Caller(replica) for replica in replicas], refresh_token
        self.tokens, self.wrong, self.stopped = [], [], False  # when, by which replica, signed with which key

    def run(self):
        turn = 0
        try:
            while not self.stopped:
                here, there = self.callers[turn % 2], self.callers[(turn + 1) % 2]
                status, _, body = here.ask("POST", "/v1/auth/refresh", {"refresh_token": self.token})
                if status != 200:
                    self.wrong.append(("refresh", status, body[:300]))
                    return
                answer = json.loads(body)
                self.token, access = answer["refresh_token"], answer["access_token"]
                self.tokens.append((time.time(), turn % 2, kid(access)))
                for caller in (there, here):
                    status, _, body = caller.ask("GET", "/v1/me", None, {"authorization": f"Bearer {access}"})
                    if status != 200:
                        self.wrong.append((kid(access), status, body[:300]))
                turn += 1
                time.sleep(0.2)
        except (OSError, http.client.HTTPException) as error:
            self.wrong.append(repr(error))


def kid(token):
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def account(service, name, role):
    return service.command("user", "create", "--email", f"{name}@replika.example", "--role", role, "--json")


def signed_in(service, who):
    status, _, body = Caller(service).ask("POST", "/v1/auth/login", {name: who[name] for name in ("email", "password")})
    must(status == 200, f"signing in answered {status}: {body}")
    return json.loads(body)


def key(service, name, *more):
    return service.command("key", "create", "--name", name, "--json", *more)


def changed(service, token, who, patch):
    caller = Caller(service, token)
    _, headers, _ = caller.ask("GET", f"/v1/users/{who['id']}")
    status, _, body = caller.ask("PATCH", f"/v1/users/{who['id']}", patch, {"if-match": headers["etag"]})
    must(status == 200, f"changing an account answered {status}: {body}")


def deleted(service, token, path):
    status, _, body = Caller(service, token).ask("DELETE", path)
    must(status == 204, f"DELETE {path} answered {status}: {body}")


def check_spread(what, rounds, wanted):
    """`rounds` are pairs: what is done on one replica, and how the other one is asked. Measures how long the other takes."""
    took = []
    for act, caller, path in rounds:
        must((status := caller.ask("GET", path)[0]) == 200, f"{what}: before, the other replica answers {status}")
        act()
        done = time.monotonic()
        while (status := caller.ask("GET", path)[0]) != wanted:
            must(status == 200, f"{what}: the other replica answers {status}")
            must(time.monotonic() - done <= WITHIN, f"{what}: the other replica still answers 200 after {WITHIN} seconds")
        took.append((time.monotonic() - done) * 1000)
    print(f"{what:34}{wanted:>5}   median {statistics.median(took):>6.1f} ms, slowest {max(took):>6.1f} ms", flush=True)


def check_revocations(rounds, a, b, owner):
    numbers = range(rounds)
    def people(name, role):
        accounts = [account(a, f"{name}{number}", role) for number in numbers]
        return [(who, Caller(b, signed_in(b, who)["access_token"])) for who in accounts]
    check_spread("an account is disabled", [(lambda who=who: changed(a, owner, who, {"disabled": True}), caller, "/v1/me")
                                            for who, caller in people("kapanan", "viewer")], 401)
    keys = [key(a, f"Anahtar {number}", "--type", "publishable") for number in numbers]
    check_spread("a key is revoked", [(lambda row=row: deleted(a, owner, f"/v1/keys/{row['key']['id']}"), Caller(b, row["secret"]),
                                       "/v1/publications?limit=1") for row in keys], 401)
    check_spread("an admin is demoted", [(lambda who=who: changed(a, owner, who, {"role": "editor"}), caller, "/v1/users?limit=1")
                                         for who, caller in people("yonetici", "admin")], 403)
    def end_one(who):
        _, _, body = Caller(a, owner).ask("GET", f"/v1/sessions?user={who['id']}")
        deleted(a, owner, f"/v1/sessions/{json.loads(body)['data'][0]['id']}")
    check_spread("a session is ended", [(lambda who=who: end_one(who), caller, "/v1/me") for who, caller in people("oturum", "viewer")], 401)
    check_spread("all sessions of one are ended", [(lambda who=who: deleted(a, owner, f"/v1/users/{who['id']}/sessions"), caller, "/v1/me")
                                                   for who, caller in people("hepsi", "viewer")], 401)


def check_rotation(a, b):
    refreshers = [Refresher([a, b], signed_in(a, account(a, f"yenileyen{number}", "viewer"))["refresh_token"]) for number in range(4)]
    for refresher in refreshers:
        refresher.start()
    time.sleep(2)
    rotated = a.command("signing-key", "rotate", "--json")
    active = datetime.datetime.fromisoformat(rotated["active_from"]).timestamp()
    time.sleep(ROTATION)
    for refresher in refreshers:
        refresher.stopped = True
    for refresher in refreshers:
        refresher.join(timeout=40)
        must(not refresher.wrong, f"rotation: a good token was refused: {refresher.wrong[:3]}")
    tokens = sorted(token for refresher in refreshers for token in refresher.tokens)
    new = [token for token in tokens if token[2] == rotated["kid"]]
    first = [min((at for at, by, _ in new if by == replica), default=None) for replica in (0, 1)]
    must(None not in first, f"rotation: only {len(new)} of {len(tokens)} tokens are signed with the new key")
    must(min(first) >= active - 0.1, "rotation: a token was signed with the new key too early")
    late = [at for at, _, signed in tokens if signed != rotated["kid"] and at > active + WITHIN]
    must(not late, f"rotation: {len(late)} tokens were signed with the old key {WITHIN} seconds after the new one was in force")
    print(f"the signing key is rotated: {len(tokens)} tokens issued, each used on both; {len(new)} signed with the new key, the first "
          f"{first[0] - active:.2f} and {first[1] - active:.2f} s after it was in force; none refused", flush=True)


def check_refreshes(rounds, a, b):
    who, counts = account(a, "elli", "viewer"), Counter()
    for _ in range(rounds):
        tokens = signed_in(a, who)
        gate = threading.Barrier(PARALLEL)
        def refresh(number):
            caller = Caller((a, b)[number % 2])
            caller.connection.connect()
            gate.wait()
            status, _, body = caller.ask("POST", "/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})
            return status, json.loads(body)
        with ThreadPoolExecutor(PARALLEL) as pool:
            answers = list(pool.map(refresh, range(PARALLEL)))
        statuses = Counter(status for status, _ in answers)
        counts += statuses
        must(statuses[200] == 1 and statuses.keys() <= {200, 401, 503}, f"{PARALLEL} refreshes of one token: {statuses}")
        successor = next(answer for status, answer in answers if status == 200)
        for replica in (a, b):
            status = Caller(replica, successor["access_token"]).ask("GET", "/v1/me")[0]
            must(status == 200, f"refreshes: the one that succeeded gave a token that answers {status}")
    print(f"{PARALLEL} refreshes of one token, {rounds} times: {dict(counts)}", flush=True)


def burst(replicas, token, seconds=0.0, meanwhile=None):
    """Reads with all clients for `seconds`, or until nobody has been let in for a while. Gives the moments of the successes, the first request and all statuses."""
    moments, statuses, lock, wrong = [], Counter(), threading.Lock(), []
    begun = time.monotonic()
    def client(number):
        caller, refused = Caller(replicas[number % len(replicas)], token), 0
        while time.monotonic() < begun + seconds if seconds else refused < 20:
            status, headers, body = caller.ask("GET", "/v1/publications?limit=1")
            with lock:
                statuses[status] += 1
                if status == 200:
                    moments.append(time.monotonic())
                elif status != 429 or not headers["retry-after"]:
                    wrong.append((status, body[:300]))
            refused = 0 if status == 200 else refused + 1
            if seconds:
                time.sleep(0.01)
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        clients = [pool.submit(client, number) for number in range(CLIENTS)]
        if meanwhile:
            while len(moments) < QUOTA // 4:
                time.sleep(0.001)
            meanwhile()
        for done in clients:
            done.result()
    must(not wrong, f"a burst is answered {wrong[:3]}")
    return moments, begun, statuses


def check_quota(what, replicas, token):
    moments, begun, statuses = burst(replicas, token)
    last = max(moments) - begun
    due = QUOTA + last * QUOTA / 60
    print(f"{what}: {statuses[200]} let in within {last:.2f} s, {due:.1f} were due; {statuses[429]} refused", flush=True)
    must(due - 2 < statuses[200] <= due + 1, f"{what}: {statuses[200]} were let in, {due:.1f} were due")


def check_limits(rounds, replicas, database):
    fresh = lambda: key(replicas[0], "Sınır", "--type", "secret", "--scope", "content:read")["secret"]
    for _ in range(rounds):
        check_quota("burst over both", replicas, fresh())
    rename = lambda old, new: database.psql(database.url, f"ALTER TABLE {old} RENAME TO {new}")
    moments, begun, statuses = burst(replicas, fresh(), 8, lambda: rename("rate_limit", "rate_limit_gone"))
    most = len(replicas) * (QUOTA + (max(moments) - begun) * QUOTA / 60)
    print(f"without the table: {dict(statuses)} in {time.monotonic() - begun:.1f} s; replicas that count alone let in {most:.0f} at most", flush=True)
    must(statuses[200] <= most + 1 and statuses[429], f"without the table {statuses} were answered, {most:.0f} at most were due")
    for replica in replicas:
        must("count" in replica.log() and "alone" in replica.log(), "nothing in the log says that a replica counts alone")
    rename("rate_limit_gone", "rate_limit")
    time.sleep(2)
    check_quota("the table is back", replicas, fresh())


def run(rounds, a, database):
    must(database.url, "this needs PostgreSQL: tests/with-postgres.sh")
    (a.directory / "b").mkdir()
    b = Service(a.binary, a.directory / "b", database)
    common = {"SOGEP_SECRET": secrets.token_hex(32), "SOGEP_BASE_URL": f"http://127.0.0.1:{a.port}",
              "SOGEP_RATE_LIMIT_SIGN_IN": "100000", "SOGEP_RATE_LIMIT_READ": "1000000", "SOGEP_RATE_LIMIT_WRITE": "100000"}
    try:
        for replica in (a, b):
            replica.environment |= common
            replica.start()
        owner = signed_in(a, account(a, "sahip", "owner"))["access_token"]
        readers = [key(a, "Okuyan", "--type", "publishable")["secret"], signed_in(a, account(a, "okuyan", "viewer"))["access_token"]]
        load = [Load(replica, token) for replica in (a, b) for token in readers]
        begun = time.monotonic()
        for reader in load:
            reader.start()
        check_revocations(rounds, a, b, owner)
        check_rotation(a, b)
        check_refreshes(rounds, a, b)
        for reader in load:
            reader.stopped = True
        for reader in load:
            reader.join(timeout=40)
            must(not reader.wrong, f"a reader was refused: {reader.wrong[:3]}")
        answers = sum(reader.count for reader in load)
        print(f"readers meanwhile: {answers} answers, all 200, {answers / (time.monotonic() - begun):.0f} a second", flush=True)
        for replica in (a, b):
            replica.end(signal.SIGTERM)
            replica.environment["SOGEP_RATE_LIMIT_READ"] = str(QUOTA)
            replica.start()
        check_limits(3, [a, b], database)
        for replica in (a, b):
            replica.end(signal.SIGTERM)
    finally:
        if b.process:
            b.process.kill()
            b.process.wait()
    print("good: what happens on one replica holds on the other at once")


if __name__ == "__main__":
    script(__doc__, "--rounds", 5, "how often each thing is done", run)
