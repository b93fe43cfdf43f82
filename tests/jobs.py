#!/usr/bin/env python3
"""Runs three replicas and a mail server of its own, and looks whether every message arrives, and once.

    tests/jobs.py --binary target/release/sogep                 # SQLite
    tests/with-postgres.sh tests/jobs.py --binary target/release/sogep

Invites people on all replicas at once: each must get exactly one message. Then the mail server keeps a
replica waiting for its answer. Whoever is killed meanwhile must be succeeded within 30 seconds; whoever is
stopped (SIGSTOP) must be, too, and must change nothing when it goes on; whoever is told to end (SIGTERM)
must finish the message first. A server that wants to be asked later must be asked later. Messages about the
same thing must have the same Message-ID. The first violation ends it with exit code 1. Needs Python 3.11
and, on PostgreSQL, `psql`. Speaks to loopback only; leaves nothing.
"""

import json, re, secrets, signal, socketserver, sys, threading, time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
from bulk_import import Service, must, script
from clients import Caller

TAKEN_OVER_WITHIN = 30.0
QUIET = 30  # seconds after which nobody is at anything any more


class Letter:
    def __init__(self, replica, text):
        self.replica, self.at = replica, time.monotonic()
        self.id = re.search(r"^Message-ID: <([^@]+)@", text, re.M)[1]  # the rest is the sender's domain, here the replica's
        self.to = re.search(r"^To: (\S+)", text, re.M)[1]


class Mail(socketserver.ThreadingTCPServer):
    """Takes every message; while it is `held`, says so only when it is released."""

    allow_reuse_address, daemon_threads, request_queue_size = True, True, 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.lock, self.letters, self.brought, self.later = threading.Lock(), [], [], 0
        self.open = threading.Event()
        self.open.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait_for(self, what, holds, seconds):
        begun = time.monotonic()
        while not (found := holds()):
            must(time.monotonic() - begun <= seconds, f"{what}: not within {seconds} seconds")
            time.sleep(0.02)
        return found


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        say = lambda text: self.wfile.write(f"{text}\r\n".encode())
        replica = None
        try:
            say("220 test ESMTP")
            while line := self.rfile.readline().decode().strip():
                if line.startswith("EHLO"):
                    replica = line.split()[1]
                    say("250 ok")
                elif line.startswith("RCPT") and self.server.later > 0:
                    self.server.later -= 1
                    say("451 later, please")
                elif line == "DATA":
                    say("354 go on")
                    text = b""
                    while not text.endswith(b"\r\n.\r\n"):
                        text += self.rfile.readline()
                    letter = Letter(replica, text.decode())
                    with self.server.lock:
                        self.server.brought.append(letter)
                    self.server.open.wait()
                    with self.server.lock:
                        self.server.letters.append(letter)
                    say("250 kept")
                elif line == "QUIT":
                    return say("221 bye")
                else:
                    say("250 ok")
        except OSError:
            pass  # the replica is gone


def invited(replica, owner, name):
    email = f"{name}@davet.example"
    status, _, body = Caller(replica, owner).ask("POST", "/v1/users", {"email": email, "role": "viewer"})
    must(status == 201, f"inviting {email} answered {status}: {body}")
    return email


def held(mail, replicas, owner, name):
    """Invites somebody, and says which replica waits for the mail server's answer."""
    mail.open.clear()
    email = invited(replicas[0], owner, name)
    brought = mail.wait_for(name, lambda: [letter for letter in mail.brought if letter.to == email], 10)
    return email, brought[0], next(replica for replica in replicas if replica.name == brought[0].replica)


def check_load(mail, replicas, owner, count, database):
    begun = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        emails = list(pool.map(lambda number: invited(replicas[number % 3], owner, f"kalabalik{number}"), range(count)))
    mail.wait_for("all messages", lambda: len(mail.letters) >= count, 60)
    mail.wait_for("all jobs are gone", lambda: database.rows("SELECT count(*) FROM job") == [("0",)], 10)
    took = time.monotonic() - begun
    must(sorted(letter.to for letter in mail.letters) == sorted(emails), "somebody got none, or more than one")
    must(len({letter.id for letter in mail.letters}) == count, "two messages have one Message-ID")
    shares = {replica.name: sum(letter.replica == replica.name for letter in mail.letters) for replica in replicas}
    print(f"{count} invitations on three replicas: {count} messages in {took:.1f} s, each once; {shares}", flush=True)


def check_succession(mail, replicas, owner, database, how):
    name = how.name.lower()
    email, first, holder = held(mail, replicas, owner, name)
    holder.process.send_signal(how)
    gone = time.monotonic()
    of = lambda letters: [letter for letter in letters if letter.to == email]
    second = mail.wait_for(f"{how.name}: a successor", lambda: of(mail.brought)[1:], TAKEN_OVER_WITHIN)[0]
    must(second.replica != holder.name and second.id == first.id, f"{how.name}: {vars(second)}")
    mail.open.set()
    mail.wait_for("the job is gone", lambda: database.rows("SELECT count(*) FROM job") == [("0",)], 10)
    if how == signal.SIGKILL:
        holder.process.wait()
        holder.process = None
        holder.start()
    else:
        holder.process.send_signal(signal.SIGCONT)
        mail.wait_for("the old holder is refused", lambda: "taken over before it was finished" in holder.log(), 10)
        time.sleep(QUIET)
        must(database.rows("SELECT count(*) FROM job") == [("0",)], f"{how.name}: the old holder has changed something")
        must(len(of(mail.brought)) == 2, f"{how.name}: brought {len(of(mail.brought))} times")
    print(f"{how.name}: succeeded after {second.at - gone:.1f} s, with the same Message-ID", flush=True)


def check_end(mail, replicas, owner, database):
    email, _, holder = held(mail, replicas, owner, "sigterm")
    holder.process.send_signal(signal.SIGTERM)
    time.sleep(2)
    must(holder.process.poll() is None, "SIGTERM: it did not wait for its message")
    mail.open.set()
    must(holder.process.wait(timeout=30) == 0, f"SIGTERM: {holder.log()}")
    must(database.rows("SELECT count(*) FROM job") == [("0",)], "SIGTERM: the job is still there")
    holder.process = None
    holder.start()
    time.sleep(QUIET)
    must(sum(letter.to == email for letter in mail.brought) == 1, "SIGTERM: the message was sent again")
    print("SIGTERM: the message was finished first, and sent once", flush=True)


def check_later(mail, replicas, owner):
    mail.later = 1
    begun = time.monotonic()
    email = invited(replicas[1], owner, "sonra")
    letter = mail.wait_for("later", lambda: [letter for letter in mail.letters if letter.to == email], 30)[0]
    must(letter.at - begun >= 5, f"asked again after {letter.at - begun:.1f} s")
    print(f"a server that asks to come back later: delivered after {letter.at - begun:.1f} s", flush=True)


def run(count, a, database):
    mail = Mail()
    replicas = [a]
    for name in "bc":
        (a.directory / name).mkdir()
        replicas.append(Service(a.binary, a.directory / name, database))
    common = {"SOGEP_SECRET": secrets.token_hex(32), "SOGEP_BASE_URL": f"http://127.0.0.1:{a.port}", "SOGEP_DATA_DIR": str(a.directory),
              "SOGEP_MAIL_URL": f"smtp://127.0.0.1:{mail.server_address[1]}", "SOGEP_ADMIN_LISTEN": "off"}
    try:
        for name, replica in zip("abc", replicas):
            replica.name = f"{name}.example"
            replica.environment |= common | {"SOGEP_MAIL_FROM": f"sogep@{replica.name}"}
            replica.start()
        who = a.command("user", "create", "--email", "sahip@davet.example", "--role", "owner", "--json")
        def signed_in():
            status, _, body = Caller(a).ask("POST", "/v1/auth/login", {name: who[name] for name in ("email", "password")})
            must(status == 200, f"signing in answered {status}: {body}")
            return json.loads(body)["access_token"]
        check_load(mail, replicas, signed_in(), count, database)
        check_succession(mail, replicas, signed_in(), database, signal.SIGKILL)
        check_succession(mail, replicas, signed_in(), database, signal.SIGSTOP)
        check_end(mail, replicas, signed_in(), database)
        check_later(mail, replicas, signed_in())
        for replica in replicas:
            replica.end(signal.SIGTERM)
    finally:
        mail.open.set()
        for replica in replicas:
            if replica.process:
                replica.process.send_signal(signal.SIGCONT)
                replica.process.kill()
                replica.process.wait()
        mail.shutdown()
    print("good: every message arrives, and is sent once while nobody fails")


if __name__ == "__main__":
    script(__doc__, "--messages", 200, "how many people are invited at once", run)
