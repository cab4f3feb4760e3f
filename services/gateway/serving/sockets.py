"""Reads and writes sockets of clients without waiting for them."""

import fcntl
import select
import socket
import termios
from array import array
from contextlib import suppress

_PIECE_BYTES = 64 * 1024


def watch(epoll: select.epoll, number: int, *, known: bool) -> None:
    """Lets `epoll` report what has arrived and what comes.

    A connection that is kept is usually `known` to it, because a small request is served without taking it out.
    """
    events = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
    ways = (epoll.modify, epoll.register) if known else (epoll.register, epoll.modify)
    try:
        ways[0](number, events)
    except (FileNotFoundError, FileExistsError):
        ways[1](number, events)


def has_room(sock: socket.socket) -> bool:
    """Returns whether the kernel takes an answer now."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    return bool(poll.poll(0))


def available(sock: socket.socket) -> int:
    """Returns how many bytes have arrived."""
    count = array("i", [0])
    fcntl.ioctl(sock, termios.FIONREAD, count)
    return count[0]


def discard(sock: socket.socket, at_most: int) -> int:
    """Reads all that has arrived, and drops it. Returns its bytes; fewer than `at_most` if there may be more later.

    Returns `at_most` if there is as much, and if the client has closed its end.
    """
    count = 0
    while count < at_most:
        try:
            data = sock.recv(_PIECE_BYTES, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return count
        except OSError:
            break
        if not data:
            break
        count += len(data)
    return at_most


def send_briefly(sock: socket.socket, answer: bytes) -> None:
    """Sends a short answer, which the kernel takes at once; a client that does not read it gets none."""
    with suppress(OSError):
        sock.setblocking(False)
        sock.send(answer)
