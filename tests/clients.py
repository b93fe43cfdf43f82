"""What the measuring scripts call the service with. Needs Python 3.11."""

import json, random, sys, zlib

sys.dont_write_bytecode = True
from bulk_import import Client

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Caller(Client):
    """A client that sends what headers it likes and gives the whole answer."""

    def ask(self, method, path, body=None, headers=()):
        sent = {"authorization": f"Bearer {self.token}"} if self.token else {}
        sent |= {"content-type": "application/json"} if body is not None else {}
        self.connection.request(method, path, None if body is None else json.dumps(body), sent | dict(headers))
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()


def address(number):
    """An address nobody else has; the service believes it from a proxy that it trusts."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def from_address(number):
    return {"x-forwarded-for": address(number)}


def checked(key):
    """A key with its checksum: CRC-32, six letters in base 62."""
    number, letters = zlib.crc32(key.encode()), ""
    for _ in range(6):
        number, letter = divmod(number, 62)
        letters = LETTERS[letter] + letters
    return key + letters


def letters(count):
    return "".join(random.choices(LETTERS, k=count))
