#!/usr/bin/env python3
"""Sends marked texts in every place a client controls, and looks whether one comes up where none may.

    tests/canary.py --binary target/release/sogep                      # SQLite
    tests/with-postgres.sh tests/canary.py --binary target/release/sogep

Calls every operation of /openapi.json without a credential, with a publishable key and as the owner, with
a canary in every path segment, parameter, header and string of a body: plain, with line breaks, escape
sequences and U+2028, long, and in the form that is wanted. Then no canary, no e-mail address and no
address of a client may be in the log, on standard output, in the audit trail, in the tables `rate_limit`
and `sign_in_failure`, or in an answer from 400 on; such an answer may only repeat the *name* of a parameter
or property, up to 60 characters. In the file of SQLite there may be what bodies bring to be kept, and no
more. Every line of the log must be one JSON object. All leaks are listed; with one, the exit code is 1.
SOGEP_LOG sets another log filter than `info`. Needs Python 3.11 and, on PostgreSQL, `psql`. Speaks to
loopback only; leaves nothing.
"""

import copy, http.client, json, os, random, re, signal, socket, sys, time, urllib.parse
from collections import Counter

sys.dont_write_bytecode = True
from bulk_import import Client, must, script
from canaries import CANARY, HOSTILE, Document, Nest, broken_bodies, broken_heads, garbage, strange_headers

LONGEST_NAME = 60
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
ADDRESS = re.compile(r"198\.18\.\d+\.\d+|2001:db8:[0-9a-f:]+", re.I)
# What was never meant to be stored: it may not be anywhere in the file of the database.
FLEETING = re.compile("header|Authorization|User-Agent|X-Forwarded-For|Origin|preflight|parameter|path|method|/v1/(auth|me)")
COLLECTIONS = {"publications": "Publication", "projects": "Project", "events": "Event", "practices": "Practice",
               "people": "Person", "partners": "Partner", "topics": "Topic"}
# What refers to other entries, and what must be unique, is left out of the examples.
LEFT_OUT = ["topics", "authors", "project", "identifiers", "partners", "people", "speakers", "organisers", "broader", "related", "publishers"]


class Wire:
    """A connection that sends any bytes as a request."""

    def __init__(self, port):
        self.port, self.socket = port, None

    def send(self, head, body=b"", method="GET"):
        for attempt in (1, 2):
            try:
                if self.socket is None:
                    self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=20)
                self.socket.sendall(head + body)
                answer = http.client.HTTPResponse(self.socket, method=method)
                answer.begin()
                endless = answer.getheader("content-type") == "text/event-stream"
                status, headers, text = answer.status, answer.headers, b"" if endless else answer.read()
                if endless or answer.will_close:
                    self.socket.close()
                    self.socket = None
                return status, headers, text.decode(errors="replace")
            except (OSError, http.client.HTTPException) as error:
                if self.socket:
                    self.socket.close()
                self.socket = None
                must(attempt == 1 or isinstance(error, (ConnectionError, http.client.BadStatusLine)), f"{head[:80]} is answered by {error!r}")
        return 0, {}, ""


class Hunt:
    """Sends requests with canaries and keeps what leaks."""

    def __init__(self, service, nest, credentials):
        self.wire, self.nest, self.credentials = Wire(service.port), nest, credentials
        self.leaks, self.statuses, self.visitors = {}, Counter(), 0

    def leak(self, where, place, text, spot=0):
        around = [match for match in re.finditer(r'"(\w+)": "([^"]*)"', text) if match.start() <= spot < match.end()]
        shape = where, f"in `{around[0][1]}`" if around and around[0][1] == "pointer" else CANARY.sub("…", around[0][0] if around else place)
        self.leaks.setdefault(shape, []).append((place, text[max(0, spot - 60):spot + 100]))

    def search(self, where, text):
        for pattern, what in [(CANARY, None), (EMAIL, "an e-mail address"), (ADDRESS, "a client's address")]:
            for match in pattern.finditer(text):
                self.leak(where, what or self.nest.places[int(match[1])], text, match.start())

    def call(self, method, target, who=None, headers=(), body=None):
        """One request from an address of its own; gives status, entity tag and document."""
        self.visitors += 1
        ip = f"198.18.{self.visitors >> 8 & 255}.{self.visitors & 255}" if self.visitors % 2 else f"2001:db8:0:{self.visitors:x}::7"
        lines = {"Host": "localhost", "X-Forwarded-For": ip}
        if token := self.credentials.get(who):
            lines["Authorization"] = f"Bearer {token}"
        if body is not None:
            body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
            lines |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        lines |= dict(headers)
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
        return self.judge(f"{method} {target}", who, *self.wire.send(head.encode(), body or b"", method))

    def judge(self, what, who, status, headers, text):
        self.statuses[(who or "nobody", f"{status // 100}xx" if status else "closed")] += 1
        document = None
        if text.startswith("{"):
            document = json.loads(text)
        if status >= 400:
            seen = copy.deepcopy(document)
            where = f"the answer {status}"
            if isinstance(seen, dict) and "errors" in seen:
                for error in seen["errors"]:
                    self.allow(error, "parameter", [error["parameter"]])
                    self.allow(error, "pointer", (error["pointer"] or "").split("/"))
                self.allow(seen, "detail", re.findall("`(.*?)`", seen["detail"]))
            self.search(where, json.dumps(seen, ensure_ascii=False) if seen else text)
            self.search(f"{where}, in a header", "\n".join(f"{name}: {value}" for name, value in headers.items()))
            if status >= 500 and status != 503:
                self.leak(where, f"{what[:120]} failed", text)
        return status, headers.get("etag"), document

    def allow(self, holder, member, parts):
        """Takes names of parameters and properties out of what is searched, when they are short enough."""
        for part in parts:
            if part and set(self.nest.found(part)) & self.nest.names and len(part) <= LONGEST_NAME:
                holder[member] = holder[member].replace(part, "(name)")


def hunt_operation(hunt, document, method, path, operation, things):
    nest, where = document.nest, f"{method.upper()} {path}"
    verb, collection = method.upper(), path.split("/")[2] if path.startswith("/v1/") else ""
    query = [one["name"] for one in operation.get("parameters", []) if one.get("in") == "query"]  # what is shared by reference is a header
    content = operation.get("requestBody", {}).get("content", {})
    schema = content["application/json"]["schema"] if content else None
    quote = lambda text: urllib.parse.quote(text, safe="")
    def targets(place):
        if "{" not in path:
            return [path]
        segments = [nest.hatch(place).lower(), quote(nest.hatch(place, HOSTILE)), nest.hatch(place, "{0}" + "s" * 200), nest.hatch(place, "%ff{0}")]
        return [re.sub(r"\{.*?\}", segment, path) for segment in segments]
    ids = things.get(collection)
    real = re.sub(r"\{.*?\}", ids["id"], path) if ids and "{" in path else targets(f"the path of {where}")[0]
    body = (lambda: None) if schema is None else (lambda: next(document.leaves(schema, f"{where}: ", "{0}")))
    for who in (None, "pk", "owner"):
        for target in targets(f"the path of {where}"):
            hunt.call(verb, target, who, body=body())
        for name in query:
            for form in ("{0}", HOSTILE, "{0}" + "q" * 300, "https://{0}@kanarya.example/"):
                hunt.call(verb, f"{real}?{name}={quote(nest.hatch(f'the parameter {name} of {where}', form))}", who, body=body())
        for form in ("{0}", "{0}" + "n" * 300, "{0}\u2028\x1b\r\n"):
            name = quote(nest.hatch(f"the name of a parameter of {where}", form, name=True))
            hunt.call(verb, f"{real}?{name}={quote(nest.hatch(f'an unknown parameter of {where}'))}&{name}=1", who, body=body())
        if verb != "DELETE":
            for headers in strange_headers(nest, where):
                hunt.call(verb, real, who, headers, body())
        for value in garbage(nest) if who is None else []:
            hunt.call(verb, real, None, {"Authorization": value}, body())
        for text in broken_bodies(nest, where) if schema else []:
            hunt.call(verb, real, who, body=text)
        for media in ("text/{0}", "application/json; charset={0}") if schema else ():
            hunt.call(verb, real, who, {"Content-Type": nest.hatch(f"Content-Type of {where}", media)}, body())
        if not schema:
            continue
        for form in ("{0}", HOSTILE, "{0}\u2028{0}", "{0}" + "z" * 3000) if who == "owner" else ("{0}",):
            for leaf in document.leaves(schema, f"{where}: ", form):
                base, headers = {}, {}
                if verb == "POST" and collection in COLLECTIONS and "{" not in path:
                    base = things["examples"][collection] | {"slug": f"ornek-{hunt.visitors}"}
                elif isinstance(leaf, dict) and (needed := document.resolved(schema).get("required")):
                    base = {name: document.simple(document.resolved(schema)["properties"][name]) for name in needed}
                if where.endswith("/v1/users") and isinstance(base, dict):
                    base["email"] = f"kus{hunt.visitors}@kanarya.example"
                if verb == "PATCH" and who == "owner":
                    headers["If-Match"] = hunt.call("GET", real, who)[1]
                hunt.call(verb, real, who, headers, base | leaf if isinstance(leaf, dict) else leaf)


def run(seed, service, database):
    random.seed(seed)
    big = {f"SOGEP_RATE_LIMIT_{name}": "1000000" for name in ("READ", "WRITE", "ANONYMOUS", "SIGN_IN")}
    service.environment |= big | {"SOGEP_TRUSTED_PROXIES": "127.0.0.1", "SOGEP_LOG": os.environ.get("SOGEP_LOG", "info")}
    owner = service.command("user", "create", "--email", "sahip@kanarya.example", "--role", "owner", "--json")
    key = service.command("key", "create", "--type", "publishable", "--name", "Kanarya", "--json")["secret"]
    with open(service.directory / "out", "wb") as out, open(service.directory / "log", "wb") as log:
        service.process = service.popen("serve", stdout=out, stderr=log)
    begun = time.monotonic()
    while True:
        try:
            status, _, openapi = Client(service).request("GET", "/openapi.json")
            break
        except OSError:
            must(service.process.poll() is None and time.monotonic() - begun < 30, f"it does not start: {service.log()}")
            time.sleep(0.05)
    nest = Nest()
    document, hunt = Document(openapi, nest), Hunt(service, nest, {"pk": key})
    def sign_in():
        _, _, answer = hunt.call("POST", "/v1/auth/login", None, (), {name: owner[name] for name in ("email", "password")})
        hunt.credentials["owner"], hunt.signed_in = answer["access_token"], time.monotonic()
    sign_in()
    examples = {name: {field: value for field, value in document.simple({"$ref": f"#/components/schemas/New{kind}"}).items() if field not in LEFT_OUT}
                for name, kind in COLLECTIONS.items()}
    things = {"examples": examples}
    for name, example in examples.items():
        status, _, answer = hunt.call("POST", f"/v1/{name}", "owner", (), example)
        must(status == 201, f"an example of {name} is answered {status}: {answer}")
        things[name] = answer
    things["users"] = hunt.call("POST", "/v1/users", "owner", (), {"email": nest.hatch("an account", "{0}@kanarya.example"), "role": "viewer"})[2]
    things["keys"] = hunt.call("POST", "/v1/keys", "owner", (), {"name": nest.hatch("a key"), "type": "secret", "scopes": ["content:read"]})[2]["key"]
    things["organisation"] = {"id": "-"}
    operations = [(method, path, one) for path, methods in document.paths.items() for method, one in methods.items() if "responses" in one]
    for method, path, operation in sorted(operations, key=lambda one: one[0] == "delete"):
        if time.monotonic() - hunt.signed_in > 120:
            sign_in()
        hunt_operation(hunt, document, method, path, operation, things)
    for path in ("/{0}", "/v1/{0}", "/docs/{0}", "/v1/publications/{0}/{0}", "/.well-known/{0}"):
        for method in ("GET", "POST", "OPTIONS", nest.hatch("a method")):
            preflight = {"Origin": nest.hatch("Origin", "https://{0}.example"), "Access-Control-Request-Method": nest.hatch("a preflight"), "Access-Control-Request-Headers": nest.hatch("a preflight")}
            hunt.call(method, nest.hatch("an unknown path", path), "pk", preflight if method == "OPTIONS" else ())
    for head in broken_heads(nest):
        hunt.wire.socket = None
        hunt.judge(repr(head[:60]), "broken", *hunt.wire.send(head, method=head.split(b" ")[0].decode()))
    hunt.call("GET", "/readyz")
    service.end(signal.SIGTERM)

    lines = (service.directory / "log").read_bytes().decode(errors="replace").split("\n")
    for line in filter(None, lines):
        try:
            must(isinstance(json.loads(line), dict), "not an object")
        except Exception as error:
            hunt.leak("the log", f"a line is no JSON object: {error}", line)
        hunt.search("the log", line)
    hunt.search("standard output", (service.directory / "out").read_text())
    kept = {}
    for table in ("audit", "rate_limit", "sign_in_failure"):
        kept[table] = database.rows(f"SELECT * FROM {table}")
        for row in kept[table]:
            hunt.search(f"the table {table}", " | ".join(row))
    if not database.url:
        stored = database.file.read_bytes().decode("latin-1")
        must("kanarya.example" in stored, "the file of the database cannot be searched")
        for match in [*CANARY.finditer(stored), *ADDRESS.finditer(stored)]:
            place = nest.places[int(match[1])] if match.re is CANARY else "a client's address"
            if match.re is ADDRESS or FLEETING.search(place):
                hunt.leak("the file of the database", place, stored, match.start())
    print(f"{sum(hunt.statuses.values())} requests to {len(operations)} operations, {len(nest.places)} canaries; {len(lines) - 1} lines of log, "
          f"{', '.join(f'{len(rows)} rows of {table}' for table, rows in kept.items())}")
    for who in sorted({who for who, _ in hunt.statuses}):
        print(f"    as {who:8}{', '.join(f'{count} x {what}' for (one, what), count in sorted(hunt.statuses.items()) if one == who)}")
    for (where, shape), found in hunt.leaks.items():
        print(f"LEAK in {where}, {shape[:100]}: {len(found)} x, such as from {found[0][0]}: {found[0][1][:160]!r}")
    must(not hunt.leaks, f"{len(hunt.leaks)} sorts of leaks, in {', '.join(sorted({where for where, _ in hunt.leaks}))}")
    print("good: what a client sends comes up nowhere but in its own content")


if __name__ == "__main__":
    script(__doc__, "--seed", 1, "for the choices left to chance", run)
