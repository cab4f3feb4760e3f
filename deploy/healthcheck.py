"""Exits with 0 if /healthz on a port answers 200: `python -SE deploy/healthcheck.py PORT`.

It is small, because it runs often.
"""

import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=4) as connection:
    connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
    status = connection.makefile("rb").read().split()[1:2]
sys.exit(status != [b"200"])
