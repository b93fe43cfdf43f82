#!/usr/bin/env python3
"""Attacks the service with slow clients, and looks whether it sheds them and serves the others.

    tests/slow_clients.py --binary target/release/sogep --seconds 90

Starts the service with sample content and measures what `wrk` reads without an attack. Then `slowhttptest`
comes with 200 connections that send heads slowly (-H), send bodies slowly (-B) and take answers slowly
(-X), while `wrk` reads the same and a probe asks /livez. A slow connection may not outlive its deadline,
the slowest hundredth of the probes may not take over 100 ms, and `wrk` must read at least 0.8 of what it
read undisturbed, by the median of some rounds: any violation ends it with exit code 1, after the table. Needs Python 3.11,
`slowhttptest` and `wrk`. Speaks to loopback only; leaves nothing.
"""

import argparse, http.client, json, os, pathlib, re, socket, statistics, subprocess, sys, tempfile, threading, time

sys.dont_write_bytecode = True
from bulk_import import Violation, must

CONNECTIONS = 200
RATE = 100  # new slow connections per second
MOST_P99_MS = 100
LEAST_RATIO = 0.8
SLACK = 10  # seconds a connection may take to end beyond its deadline, on a machine that is busy
# What slowhttptest is told, and how long one of its connections may live, in seconds: a head has 10;
# a body has 30; of an answer, 64 KiB must be taken in 30.
ATTACKS = {
    "-H": (["-i", "3", "-x", "24", "-u", "/v1/publications"], 10),
    "-B": (["-i", "3", "-x", "10", "-s", "8192", "-f", "application/json", "-u", "/v1/auth/login"], 10),
    "-X": (["-n", "1", "-w", "64", "-y", "512", "-z", "32", "-k", "10", "-u", "/openapi.json"], 30),
}


class Service:
    """`sogep serve --demo` in an empty directory."""

    def __init__(self, binary, directory):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        others = {name: value for name, value in os.environ.items() if not name.startswith(("SOGEP_", "DATABASE_URL"))}
        self.log = open(directory / "log", "wb")
        self.process = subprocess.Popen([os.path.abspath(binary), "serve", "--demo"], cwd=directory, stdout=self.log, stderr=self.log,
                                        env=others | {"SOGEP_LISTEN": f"127.0.0.1:{self.port}", "SOGEP_LOG": "warn", "SOGEP_RATE_LIMIT_READ": "1000000000",
                                                     "SOGEP_RATE_LIMIT_SIGN_IN": "1000000000"})
        credentials = directory / "data" / "demo-credentials.json"
        begun = time.monotonic()
        while not self.is_live():
            must(self.process.poll() is None and time.monotonic() - begun < 60, f"it does not start: {(directory / 'log').read_text()}")
            time.sleep(0.1)
        self.pk = json.loads(credentials.read_text())["pk"]

    def is_live(self):
        try:
            self.probe()
            return True
        except (OSError, http.client.HTTPException):
            return False

    def probe(self):
        """How long /livez takes on a new connection, in milliseconds."""
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/livez")
            must(connection.getresponse().status == 200, "/livez does not answer 200")
        finally:
            connection.close()
        return (time.monotonic() - begun) * 1000

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def connections(self):
        """The other ends of the connections the service has open."""
        return {remote for _, remote in sockets(self.process.pid)}

    def end(self):
        self.process.terminate()
        code = self.process.wait(timeout=60)
        self.log.close()
        must(code == 0, f"the service ended with {code}")


def sockets(pid):
    """The ends, ours and the other, of the connections a process has open; none when it is over."""
    found = set()
    try:
        for file in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                if link := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(file)):
                    found.add(link[1])
            except OSError:
                pass  # closed meanwhile
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {(row[1], row[2]) for row in rows if row[9] in found}
    except OSError:
        return set()


def wrk(service, seconds):
    """How many answers a second one reader gets."""
    command = ["wrk", "-t1", "-c8", f"-d{seconds}s", "-H", f"Authorization: Bearer {service.pk}", service.url("/v1/publications?limit=20")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    must(rate, f"wrk: {done.stdout} {done.stderr}")
    must("Non-2xx" not in done.stdout, f"wrk was refused: {done.stdout}")
    return float(rate[1])


class Probe(threading.Thread):
    """Asks /livez ten times a second until it is stopped."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.times, self.failure, self.stopped = service, [], None, threading.Event()

    def run(self):
        try:
            while not self.stopped.wait(0.1):
                self.times.append(self.service.probe())
        except Exception as error:
            self.failure = error

    def p99(self):
        self.stopped.set()
        self.join(timeout=30)
        if self.failure:
            raise Violation(f"/livez: {self.failure}")
        return sorted(self.times)[len(self.times) * 99 // 100]


class Watch(threading.Thread):
    """Notes how long each connection of an attack lives with the service."""

    def __init__(self, service, pid):
        super().__init__(daemon=True)
        self.service, self.pid, self.stopped = service, pid, threading.Event()
        self.since, self.longest = {}, 0.0  # when each was first seen

    def run(self):
        while not self.stopped.wait(0.5):
            now = time.monotonic()
            for end, _ in sockets(self.pid):
                self.since.setdefault(end, now)
            self.longest = max([self.longest, *(now - self.since[end] for end in self.open())])

    def open(self):
        return self.since.keys() & self.service.connections()


def attack(service, mode, seconds):
    options, deadline = ATTACKS[mode]
    *options, path = options
    # An attacker would be busy on a machine of its own: here slowhttptest takes most of a core, so it gets what is left.
    command = ["nice", "-n", "19", "slowhttptest", mode, "-c", str(CONNECTIONS), "-r", str(RATE), "-l", str(seconds), "-p", "5", "-v", "0",
               *options, service.url(path)]
    attacker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        watch, probe = Watch(service, attacker.pid), Probe(service)
        watch.start()
        time.sleep(CONNECTIONS / RATE)
        probe.start()
        # As long as the slow ones are there: slowhttptest ends when the last of its connections is closed.
        rate = wrk(service, min(seconds, deadline) - 3)
        p99 = probe.p99()
        attacker.wait(timeout=seconds + 60)
    finally:
        attacker.kill()
        attacker.wait()
    still_open = len(watch.open())
    watch.stopped.set()
    watch.join()
    return rate, p99, watch, still_open, deadline


def undisturbed(service, seconds):
    """What `wrk` reads without an attack, beside the same watching and probing as with one."""
    watch, probe = Watch(service, os.getpid()), Probe(service)
    watch.start()
    probe.start()
    rate = wrk(service, seconds)
    watch.stopped.set()
    watch.join()
    return rate, probe.p99()


def run(binary, seconds, rounds):
    with tempfile.TemporaryDirectory() as directory:
        service = Service(binary, pathlib.Path(directory))
        try:
            wrk(service, 3)
            print(f"{'':8}{'came':>6}{'open at the end':>17}{'longest life':>14}{'deadline':>10}{'/livez p99':>12}{'answers/s':>11}{'ratio':>7}")
            failures = []
            for mode in ATTACKS:
                ratios = []
                for _ in range(rounds):
                    # Just before, each time: the machine may have other things to do.
                    alone, p99 = undisturbed(service, 7)
                    print(f"{'without':55}{p99:>9.1f} ms{alone:>11.0f}", flush=True)
                    rate, p99, watch, still_open, deadline = attack(service, mode, seconds)
                    ratios.append(rate / alone)
                    print(f"{mode:8}{len(watch.since):>6}{still_open:>17}{watch.longest:>12.1f} s{deadline:>8} s{p99:>9.1f} ms{rate:>11.0f}{ratios[-1]:>7.2f}", flush=True)
                    failures += [f"{mode}: {what}" for holds, what in [
                        (len(watch.since) >= CONNECTIONS // 2, f"only {len(watch.since)} slow connections came"),
                        (not still_open, f"{still_open} slow connections are still open"),
                        (watch.longest <= deadline + SLACK, f"a slow connection lived {watch.longest:.1f} seconds"),
                        (p99 <= MOST_P99_MS, f"the slowest hundredth of /livez took {p99:.1f} ms")] if not holds]
                ratio = statistics.median(ratios)
                print(f"{mode}: median ratio {ratio:.2f} of {rounds}", flush=True)
                if ratio < LEAST_RATIO:
                    failures.append(f"{mode}: others were served at {ratio:.2f} of the rate")
            must(not failures, "; ".join(failures))
        finally:
            service.end()
    print("good: slow clients are shed, and nobody else notices them")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the program to attack")
    parser.add_argument("--seconds", type=int, default=90, help="how long each attack lasts")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; the median counts")
    arguments = parser.parse_args()
    try:
        run(arguments.binary, arguments.seconds, arguments.rounds)
    except Violation as violation:
        sys.exit(f"VIOLATION: {violation}")
