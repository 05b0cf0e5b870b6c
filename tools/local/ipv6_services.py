"""Services of an IPv6-only node for its pods. It runs as a program in the node, with the standard library only.

    python ipv6_services.py ADDRESS NAMES POSTED

DNS answers for the names in the JSON file NAMES (name to addresses) with AAAA records, and without records for every
other type. Each post to port 80 becomes a line of the file POSTED.
"""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv6Address
from pathlib import Path

AAAA, NO_SUCH_NAME = 28, 3
HEADER = 12  # bytes


def answer(query: bytes, names: Mapping[str, Sequence[str]]) -> bytes:
    """The answer to a DNS query with one question (RFC 1035)."""
    labels, position = [], HEADER
    while length := query[position]:
        labels.append(query[position + 1 : position + 1 + length].decode().lower())
        position += 1 + length
    question = query[HEADER : position + 5]
    (kind,) = struct.unpack("!H", query[position + 1 : position + 3])
    found = names.get(".".join(labels))
    addresses = found or () if kind == AAAA else ()
    flags = 0x8580 | (NO_SUCH_NAME if found is None else 0)  # an authoritative answer
    header = query[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0)
    records = (
        struct.pack("!HHHIH", 0xC000 | HEADER, AAAA, 1, 5, 16) + IPv6Address(address).packed for address in addresses
    )
    return header + question + b"".join(records)


class Dns(socketserver.UDPServer):
    address_family = socket.AF_INET6


class Http(ThreadingHTTPServer):
    address_family = socket.AF_INET6


def main(address: str, names_file: str, posted_file: str) -> None:
    names = json.loads(Path(names_file).read_text(encoding="utf-8"))

    class Asked(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            query, reply = self.request
            reply.sendto(answer(query, names), self.client_address)

    class Told(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with Path(posted_file).open("ab") as posted:
                posted.write(body.strip() + b"\n")
            self.send_response(200)
            self.end_headers()

    with Dns((address, 53), Asked) as dns, Http((address, 80), Told) as http:
        threading.Thread(target=dns.serve_forever, daemon=True).start()
        print("ready", flush=True)
        http.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
