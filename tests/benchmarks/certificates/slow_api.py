"""Serves a certificates API that takes a second for each request, however many ask: `python -m … PORT`.

`GET /seen` returns how many requests it answered, the most at once, and the monotonic times of the first and the last.
"""

import asyncio
import io
import json
import sys
import time
import zipfile
from dataclasses import asdict, dataclass

SECONDS = 1.0


@dataclass
class Seen:
    """Counts what was seen since the last `GET /reset`."""

    answered: int = 0
    now: int = 0
    most: int = 0
    first: float = 0.0
    last: float = 0.0


def archive() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("1-Ada-Lovelace.pdf", b"%PDF-1.7 " + bytes(range(256)) * 100)
    return data.getvalue()


ARCHIVE = archive()
seen = Seen()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            await reader.readexactly(length)
            body, media_type = await answer(head)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (media_type, len(body)) + body
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client is done
    finally:
        writer.close()


async def answer(head: bytes) -> tuple[bytes, bytes]:
    global seen
    if head.startswith(b"GET /seen"):
        return json.dumps(asdict(seen)).encode(), b"application/json"
    if head.startswith(b"GET /reset"):
        seen = Seen()
        return b"{}", b"application/json"
    seen.first = seen.first or time.monotonic()
    seen.now += 1
    seen.most = max(seen.most, seen.now)
    await asyncio.sleep(SECONDS)
    seen.now -= 1
    seen.answered += 1
    seen.last = time.monotonic()
    return ARCHIVE, b"application/zip"


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=1000)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
