"""Knocks at listeners by TCP, UDP, DNS, abstract sockets and VSOCK."""

import json, os
bait = json.load(open("bait.json")) if os.path.exists("bait.json") else {}

import socket

ways = [
    lambda: socket.create_connection(("127.0.0.1", bait["port"]), 2),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", bait["port"])),
    lambda: socket.socket(socket.AF_UNIX).connect(bait["abstract"]),
    lambda: socket.socket(40, socket.SOCK_STREAM).connect((2, 9)),
    lambda: socket.getaddrinfo("localhost.invalid", 80),
]
for way in ways:
    try:
        way()
    except (OSError, KeyError) as error:
        print("no way:", error)
