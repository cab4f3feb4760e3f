"""Finds free ports on the loopback address."""

import random
import socket

# Below the kernel's range for outgoing connections, so that none of those takes a port between the
# moment it is found free and the moment a server listens on it.
_RANGE = range(20_000, 32_000)

_given: set[int] = set()


def free_port() -> int:
    """A port nobody listens on, never given twice by this process."""
    while True:
        port = random.choice(_RANGE)  # not a secret
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
