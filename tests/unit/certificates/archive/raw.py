"""Writes archives byte by byte, so that their records can contradict each other."""

import struct
import zlib
from dataclasses import dataclass, field

FILE = 0o100644
LINK = 0o120777


@dataclass(frozen=True)
class Entry:
    """A stored member: its local header with the data, and its entry in a directory."""

    name: bytes
    data: bytes = b"%PDF-1.4\nhello"
    flags: int = 0
    mode: int = FILE
    local_extra: bytes = b""
    extra: bytes = b""
    described: bytes = field(default=b"")  # what follows the data

    def local(self) -> bytes:
        crc, size = (0, 0) if self.flags & 8 else (zlib.crc32(self.data), len(self.data))
        lengths = (len(self.name), len(self.local_extra))
        head = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, self.flags, 0, 0, 0x21, crc, size, size, *lengths)
        return head + self.name + self.local_extra + self.data + self.described

    def listed(self, offset: int) -> bytes:
        size = len(self.data)
        return (
            struct.pack(
                "<4s6H3L5H2L",
                *(b"PK\x01\x02", 0x0314, 20, self.flags, 0, 0, 0x21, zlib.crc32(self.data), size, size),
                *(len(self.name), len(self.extra), 0, 0, 0, self.mode << 16, offset),
            )
            + self.name
            + self.extra
        )


def end(entries: int, size: int, start: int, comment: bytes = b"") -> bytes:
    return struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, size, start, len(comment)) + comment


def end64(entries: int, size: int, start: int, at: int, rest: int = 44) -> bytes:
    """The ZIP64 end record, which begins at `at`, and its locator."""
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", rest, 45, 45, 0, 0, entries, entries, size, start)
    return record + struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)


def put_together(
    *members: Entry, before: bytes = b"", between: bytes = b"", after: bytes = b"", comment: bytes = b""
) -> bytes:
    """An archive with other bytes before its first member, between its members, and behind the last."""
    body, directory = before, b""
    for number, member in enumerate(members):
        body += between if number else b""
        directory += member.listed(len(body))
        body += member.local()
    body += after
    return body + directory + end(len(members), len(directory), len(body), comment)


def field_of(kind: int, data: bytes) -> bytes:
    return struct.pack("<2H", kind, len(data)) + data


def unicode_path(name: str, of: bytes) -> bytes:
    """Info-ZIP's second name for a member, valid while the first one is `of`."""
    return field_of(0x7075, b"\x01" + struct.pack("<L", zlib.crc32(of)) + name.encode())
