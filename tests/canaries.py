"""What `canary.py` sends: texts that are recognised again, in requests of every shape. Needs Python 3.11."""

import copy, random, re, sys

sys.dont_write_bytecode = True
from clients import checked

HOSTILE = "\r\n{0}: 1\r\n\x1b[31m\u2028{0}\u202e"
CANARY = re.compile(r"zzcanary(\d{6})", re.I)


class Nest:
    """Makes canaries, and knows where each was set free."""

    def __init__(self):
        self.places, self.names = [], set()

    def hatch(self, place, form="{0}", name=False):
        self.places.append(place)
        canary = f"ZZCANARY{len(self.places) - 1:06}"
        if name:
            self.names.add(len(self.places) - 1)
        return form.replace("{0}", canary)

    def found(self, text):
        return [int(number) for number in CANARY.findall(text)]


class Document:
    """The OpenAPI document, and bodies made after it."""

    def __init__(self, document, nest):
        self.paths, self.schemas, self.nest = document["paths"], document["components"]["schemas"], nest

    def resolved(self, schema):
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        for word in ("oneOf", "anyOf", "allOf"):
            if word in schema:
                return self.resolved(next(branch for branch in schema[word] if branch.get("type") != "null"))
        return schema

    def simple(self, schema):
        """A value that is probably accepted."""
        schema = self.resolved(schema)
        kind = schema.get("type")
        kind = next(one for one in kind if one != "null") if isinstance(kind, list) else kind
        if "example" in schema:
            return copy.deepcopy(schema["example"])
        if kind == "object":
            return {name: self.simple(schema["properties"][name]) for name in schema.get("required", [])}
        made = {"date-time": "2026-01-02T03:04:05Z", "date": "2026-01-02", "uri": "https://ornek.example/"}
        return {"array": [], "boolean": True, "integer": schema.get("minimum", 1), "number": 1}.get(
            kind, schema.get("enum", [made.get(schema.get("format"), "ornek")])[0])

    def leaves(self, schema, where, form, depth=0):
        """Values of `schema` with one canary each: for every string in it, and every name one may choose."""
        schema = self.resolved(schema)
        if depth > 8:
            return
        if "properties" in schema or isinstance(schema.get("additionalProperties"), dict):
            needed = {name: self.simple(schema["properties"][name]) for name in schema.get("required", [])} if depth else {}
            for name, inner in schema.get("properties", {}).items():
                for value in self.leaves(inner, f"{where}/{name}", form, depth + 1):
                    yield needed | {name: value}
            for name in [self.nest.hatch(f"a name at {where}", name=True), self.nest.hatch(f"a long name at {where}", "{0}" + "x" * 300, name=True)]:
                yield needed | {name: 1}
            if isinstance(schema.get("additionalProperties"), dict):
                for value in self.leaves(schema["additionalProperties"], f"{where}/tr", form, depth + 1):
                    yield needed | {"tr": value}
                    yield needed | {self.nest.hatch(f"a name at {where}", name=True): value}
        elif "array" in schema.get("type", ""):
            for value in self.leaves(schema["items"], f"{where}/0", form, depth + 1):
                yield [value]
        elif "string" in schema.get("type", "") or "enum" in schema:
            yield self.value(schema, where, form)
        else:
            yield self.nest.hatch(where)

    def value(self, schema, where, form):
        canary = self.nest.hatch(where, form)
        if form != "{0}" or random.random() < 0.5:
            return canary
        # In the form that is wanted, as far as that can hold a canary.
        pattern = schema.get("pattern", "")
        if schema.get("format") == "uri":
            return f"https://{canary.lower()}.example/{canary}?q={canary}"
        if where.endswith("/rule"):
            return f"FREQ=DAILY;{canary}=1"
        if where.endswith("email"):
            return f"{canary}@kanarya.example"
        return canary.lower() if pattern.startswith("^[a-z0-9]") or "slug" in where else canary


def strange_headers(nest, where):
    """Every header of a request that a client chooses, with a canary each."""
    names = ["User-Agent", "Cookie", "Referer", "Origin", "Idempotency-Key", "If-Match", "If-None-Match", "Accept-Language", "X-Request-Id",
             "Traceparent", "Forwarded", "X-Real-IP", "Via", "From", "Accept-Encoding", "Range", "Date", "If-Modified-Since", "X-Canary"]
    forms = {"Origin": "https://{0}.example", "From": "{0}@kanarya.example", "If-Match": '"1.{0}"', "If-None-Match": '"1.{0}"', "Cookie": "session={0}"}
    plain = {name: nest.hatch(f"the header {name} of {where}", forms.get(name, "{0}")) for name in names}
    strange = {name: nest.hatch(f"the header {name} of {where}", "{0}\u2028\u202e" + forms.get(name, "{0}")) for name in names}
    return [plain, strange | {"User-Agent": nest.hatch(f"a long User-Agent of {where}", "{0}" + "U" * 20_000)},
            {nest.hatch(f"the name of a header of {where}"): "1", "X-Forwarded-For": nest.hatch(f"X-Forwarded-For of {where}", "{0}, 198.18.9.9")}]


def garbage(nest):
    """Credentials that are none."""
    word = lambda form: nest.hatch("Authorization", form)
    token = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6IlpaQ0FOQVJZMDAwMDAwIn0.{0}.{0}"
    return [word(form) for form in ("{0}", "Bearer {0}", "Basic {0}", "Bearer sogep_pk_{0}", "{0} {0}", "Bearer \u2028{0}", f"Bearer {token}", "Bearer {0} {0}")] + [
        f"Bearer {checked('sogep_sk_' + word('{0}')[2:] + '_' + 'A' * 43)}", f"Bearer {checked('sogep_pk_' + 'A' * 12 + '_' + word('{0}').ljust(43, 'A'))}"]


def broken_heads(nest):
    """Requests that break the rules of HTTP."""
    forms = ["{0} / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /{0} HTTP/9.9\r\nHost: a\r\n\r\n", "GET /\x1b{0} HTTP/1.1\r\nHost: a\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: {0}\r\n\r\n", "GET / HTTP/1.1\r\nHost: {0}\r\nHost: b\r\n\r\n", "GET http://{0}.example/v1/me HTTP/1.1\r\nHost: a\r\n\r\n",
             "GET /livez HTTP/1.1\r\nHost: a\r\n{0} : x\r\n\r\n", "GET /livez HTTP/1.1\r\nHost: a\r\nX: \x1b[31m{0}\r\n\r\n", "GET /livez HTTP/1.1\r\nHost: a\r\nX: a\r{0}\r\n\r\n",
             "GET /livez HTTP/1.1\r\nHost: a\r\nX: a\n{0}: b\r\n\r\n", "GET /livez HTTP/1.1\r\nHost: a\r\nX: a\r\n {0}\r\n\r\n", "GET /livez HTTP/1.1\r\nHost: a\r\nX: \0{0}\r\n\r\n",
             "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: {0}\r\n\r\n", "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {0}\r\n\r\n",
             "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{0}\r\n",
             "GET /v1/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {0}\r\nAuthorization: Bearer {0}\r\n\r\n", "GET /v1/me HTTP/1.1\r\nHost: a\r\nAccept: {0}\r\n\r\n",
             "GET /livez HTTP/1.1\r\nHost: a\r\nX: " + "{0}" * 4000 + "\r\n\r\n", "GET /livez HTTP/1.1\r\nHost: a\r\n" + "X: {0}\r\n" * 100 + "\r\n", "GET /v1/" + "{0}" * 800 + " HTTP/1.1\r\nHost: a\r\n\r\n"]
    return [nest.hatch(f"the request {form[:60]!r}", form).encode() for form in forms]


def broken_bodies(nest, where):
    name = nest.hatch(f"a name given twice at {where}", name=True)
    word = lambda form: nest.hatch(f"a broken body of {where}", form).encode()
    return [f'{{"{name}": 1, "{name}": 2}}'.encode(), word("{0}"), word('{"{0}'), word('["{0}"]'), word('"{0}"'), word('{"email": "{0}", }'), word('{"email": "\xff{0}"}'),
            word('{"email": "{0}\\ud800"}'), word("[" * 70 + '"{0}"' + "]" * 70), word('{"email": "{0}"} {0}'), word("{0}" * 20_000)]
