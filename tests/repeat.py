#!/usr/bin/env python3
"""Kills the service while it is sent requests with an `Idempotency-Key`, and sends again what got no answer.

    tests/repeat.py --binary target/debug/sogep                        # SQLite
    SOGEP_PG_DURABLE=1 tests/with-postgres.sh tests/repeat.py --binary target/debug/sogep

Each round four clients create publications, every request under a key of its own; `kill -9` falls at a
random moment, and the service is started again. Then each client sends the request that got no answer
once more, as it was, until it gets one: there must be exactly one publication for each key, whether the
first time had taken place or not. Requests that did get an answer are sent again too, and must get the
same, byte for byte, and be marked `Idempotency-Replayed`. The first violation ends it with exit code 1.
Needs Python 3.11 and, on PostgreSQL, `psql`. Speaks to loopback only; leaves nothing.
"""

import hashlib, http.client, random, signal, sys, threading, time, uuid

sys.dont_write_bytecode = True
from bulk_import import must, script
from clients import Caller
from kill import sign_in

WRITERS = 4
LONGEST_FLIGHT = 60.0  # seconds that a request may be in flight after its service was killed


class Request:
    """One publication to be, and what became of it."""

    def __init__(self, number):
        self.key, self.title, self.answer = str(uuid.uuid4()), f"Yayın {number} {uuid.uuid4()}", None

    def send(self, client):
        """Gives the status, what counts of the answer, and whether it is one of before."""
        body = {"type": "book", "issued": "2024", "languages": ["tr"], "translations": {"tr": {"title": self.title, "summary": "Özet"}}}
        status, headers, text = client.ask("POST", "/v1/publications", body, {"idempotency-key": f'"{self.key}"'})
        counts = (status, text, *(headers.get(name) for name in ("location", "etag", "content-type", "last-modified")))
        return status, counts, headers.get("idempotency-replayed") == "true"


class Writer(threading.Thread):
    """Sends requests until the connection breaks; the last one has no answer then."""

    def __init__(self, service, token, requests, begun):
        super().__init__(daemon=True)
        self.client, self.requests, self.begun, self.failure = Caller(service, token), requests, begun, None

    def run(self):
        try:
            while True:
                request = Request(len(self.requests))
                self.requests.append(request)
                status, answer, replayed = request.send(self.client)
                must(status == 201 and not replayed, f"creating {request.title} answered {answer}")
                request.answer = answer
                self.begun.set()
        except (OSError, http.client.HTTPException):
            pass  # killed
        except Exception as error:
            self.failure = error


def repeat(client, request):
    """Sends a request without an answer until it has one; says whether it had been carried out before."""
    begun = time.monotonic()
    while True:
        status, answer, replayed = request.send(client)
        if status != 409:
            must(status == 201, f"{request.title}, sent again, answered {answer}")
            request.answer = answer
            return replayed
        # PostgreSQL may not have noticed yet that the service is dead.
        must(b"idempotency-key-in-use" in answer[1], f"{request.title}, sent again, answered {answer}")
        must(time.monotonic() - begun < LONGEST_FLIGHT, f"{request.title} is in flight for ever")
        time.sleep(0.05)


def run(rounds, service, database):
    owner = service.command("user", "create", "--email", "owner@repeat.example", "--role", "owner", "--json")
    service.start()
    token, signed_in = sign_in(service, owner)
    requests, before, anew = [[] for _ in range(WRITERS)], 0, 0
    for number in range(1, rounds + 1):
        if time.monotonic() - signed_in > 300:
            token, signed_in = sign_in(service, owner)
        begun = threading.Event()
        writers = [Writer(service, token, own, begun) for own in requests]
        for writer in writers:
            writer.start()
        must(begun.wait(30) or any(writer.failure for writer in writers), f"round {number}: nothing is answered")
        time.sleep(random.uniform(0.02, 0.3))
        service.end(signal.SIGKILL)
        service.start()
        for writer in writers:
            writer.join(timeout=40)
            must(not writer.is_alive(), f"round {number}: a client waits for ever")
            if writer.failure:
                raise writer.failure
        client = Caller(service, token)
        all_of_them = [request for own in requests for request in own]
        for request in all_of_them:
            if request.answer is None:
                was_there = repeat(client, request)
                before, anew = before + was_there, anew + (not was_there)
        for request in random.sample(all_of_them, min(10, len(all_of_them))):
            _, answer, replayed = request.send(client)
            must(replayed and answer == request.answer, f"{request.title} answered {answer}, and before {request.answer}")
        titles = sorted(title for (title,) in database.rows("SELECT title FROM entry_text WHERE title LIKE 'Yayın %'"))
        must(titles == sorted(request.title for request in all_of_them), f"round {number}: not one publication for each key")
        kept = sorted(key for (key,) in database.rows("SELECT key FROM idempotency_key"))
        # The service keeps no key as it was sent.
        keys = sorted(hashlib.sha256(request.key.encode()).hexdigest() for request in all_of_them)
        must(kept == keys, f"round {number}: not one answer for each key")
    service.end(signal.SIGTERM)
    must(before + anew > 0, "no request was cut off")
    print(f"good: {rounds} kills on {'PostgreSQL' if database.url else 'SQLite'}, {len(all_of_them)} keys and as many publications; "
          f"{before + anew} requests got no answer, {before} of them had been carried out and were not again, {anew} were when they came again")


if __name__ == "__main__":
    script(__doc__, "--rounds", 40, "how often it is killed", run)
