"""Serves SMTP, takes every mail, keeps none, and notes when it came and to whom: `python -m … PORT`.

Clients may pipeline, as Postfix lets them. `XCOUNT`, `XTIMES` and `XRESET` are for the measurement: the number of
mails, JSON with their monotonic times and the number of different recipients, and the start of a new count.
"""

import asyncio
import json
import sys
import time

_OFFER = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n"
_OK = b"250 2.0.0 OK\r\n"
_END = b"\r\n.\r\n"


class Seen:
    """Holds what came since the last reset."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.recipients: set[bytes] = set()

    def reset(self) -> None:
        self.times.clear()
        self.recipients.clear()

    def report(self) -> bytes:
        return json.dumps({"times": self.times, "recipients": len(self.recipients)}).encode() + b"\r\n"


class Session(asyncio.Protocol):
    """Serves one connection."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._buffer = b""
        self._in_content = False
        self._recipients: list[bytes] = []
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answers = []
        while answer := self._content() if self._in_content else self._command():
            answers.append(answer)
        self._transport.write(b"".join(answers))

    def _command(self) -> bytes:
        """Returns the answer to the next line, or nothing where it has not come yet."""
        line, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            return b""
        self._buffer = rest
        match line[:4].upper():
            case b"EHLO" | b"HELO":
                return _OFFER
            case b"MAIL" | b"RSET":
                self._recipients = []
                return _OK
            case b"RCPT":
                self._recipients.append(line[line.find(b"<") + 1 : line.rfind(b">")])
                return _OK
            case b"DATA":
                self._buffer = b"\r\n" + self._buffer  # so that the end of an empty mail is found too
                self._in_content = True
                return b"354 go on\r\n"
            case b"NOOP":
                return _OK
            case b"QUIT":
                self._transport.close()
                return b""
            case b"XCOU":
                return b"%d\r\n" % len(self._seen.times)
            case b"XTIM":
                return self._seen.report()
            case b"XRES":
                self._seen.reset()
                return _OK
        return b"502 unknown\r\n"

    def _content(self) -> bytes:
        """Returns the answer to a mail that has come whole, or nothing until then."""
        end = self._buffer.find(_END)
        if end < 0:
            return b""
        self._buffer = self._buffer[end + len(_END) :]
        self._in_content = False
        self._seen.times.append(time.monotonic())
        self._seen.recipients.update(self._recipients)
        return b"250 2.0.0 queued\r\n"


async def main() -> None:
    seen = Seen()
    server = await asyncio.get_running_loop().create_server(
        lambda: Session(seen), "127.0.0.1", int(sys.argv[1]), backlog=1000
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
