"""Writes a request's body as multipart/form-data (RFC 7578), read from its files as it goes out."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from bureau.task_files import AsyncFile

CHUNK_BYTES = 256 * 1024
AT_ONCE_BYTES = 64 * 1024  # a smaller body is one piece, so that it goes out with its head

# As browsers do it (HTML's "multipart/form-data encoding algorithm"), and httpx: no name can add a header.
_ESCAPES = str.maketrans({'"': "%22", "\\": "\\\\", **{chr(code): f"%{code:02X}" for code in range(0x20)}})


@dataclass(frozen=True)
class RosterUpload:
    """Describes a file to post; it is read in pieces."""

    name: str
    media_type: str
    size: int
    file: AsyncFile


class Multipart:
    """Holds the parts of a form: `fields` first, then the uploads under the name `files`."""

    def __init__(self, fields: Mapping[str, str], uploads: Sequence[RosterUpload]) -> None:
        self._boundary = secrets.token_hex(16)
        self._uploads = uploads
        self._fields = b"".join(self._head(name) + b"\r\n" + value.encode() + b"\r\n" for name, value in fields.items())
        self._heads = [
            self._head("files", upload.name) + f"Content-Type: {upload.media_type}\r\n\r\n".encode()
            for upload in uploads
        ]
        self._end = f"--{self._boundary}--\r\n".encode()

    @property
    def headers(self) -> dict[str, str]:
        files = sum(len(head) + upload.size + 2 for head, upload in zip(self._heads, self._uploads, strict=True))
        return {
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            "Content-Length": str(len(self._fields) + files + len(self._end)),
        }

    async def content(self) -> bytes | AsyncIterator[bytes]:
        """Returns a small body as it is, a larger one in pieces."""
        if int(self.headers["Content-Length"]) > AT_ONCE_BYTES:
            return self._pieces()
        return b"".join([piece async for piece in self._pieces()])

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield self._fields
        for head, upload in zip(self._heads, self._uploads, strict=True):
            yield head
            await upload.file.seek(0)
            while piece := await upload.file.read(CHUNK_BYTES):
                yield piece
            yield b"\r\n"
        yield self._end

    def _head(self, name: str, filename: str | None = None) -> bytes:
        named = f'; filename="{filename.translate(_ESCAPES)}"' if filename is not None else ""
        return f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n'.encode()
