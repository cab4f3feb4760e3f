"""Writes a ZIP that every program reads in the same way: no gap, no second name, no sizes behind the data.

`zipfile` cannot write data that are compressed already, and compressing them again would cost most of the CPU of a
check.
"""

import struct
from collections.abc import Callable

from bureau.services.certificates.archive.directory import UTF8_NAME, Member

_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_LOCATOR = struct.Struct("<4sLQL")

_UNIX = 3 << 8
_VERSION, _VERSION_ZIP64 = 20, 45
_FILE, _FOLDER = 0o100644 << 16, 0o040755 << 16 | 0x10
_MAX_16, _MAX_32 = 0xFFFF, 0xFFFFFFFF


class ArchiveWriter:
    """Writes members one after the other; only `write` is needed, no seeking back.

    `begin` writes a member's header, `data` its compressed data in pieces, `finish` the directory. Modes, comments and
    extra fields are not taken over.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._position = 0
        self._entries = bytearray()
        self._count = 0

    def begin(self, member: Member) -> None:
        """Writes the member's header. Its sizes and checksum are those that its data must turn out to have."""
        name = member.name.encode()
        sizes = (member.compressed_bytes, member.size_bytes)
        extra = _zip64(*reversed(sizes)) if max(sizes) >= _MAX_32 else b""
        shown = (_MAX_32, _MAX_32) if extra else sizes
        offset = self._position
        # Both headers say the same, so that it does not matter which of them a program believes.
        shared = (*_head(member, bool(extra)), member.crc, *shown, len(name))
        self.data(_LOCAL.pack(b"PK\x03\x04", *shared, len(extra)) + name + extra)
        if offset >= _MAX_32:
            extra = _zip64(*(reversed(sizes) if extra else ()), offset)
        shared = (*_head(member, bool(extra)), *shared[5:])
        attributes = _FOLDER if member.is_folder else _FILE
        fixed = (b"PK\x01\x02", _UNIX | shared[0], *shared, len(extra), 0, 0, 0, attributes, min(offset, _MAX_32))
        self._entries += _ENTRY.pack(*fixed) + name + extra
        self._count += 1

    def data(self, piece: bytes) -> None:
        """Writes a piece of the member's compressed data."""
        self._write(piece)
        self._position += len(piece)

    def finish(self) -> None:
        """Writes the directory."""
        start, size, count = self._position, len(self._entries), self._count
        self.data(bytes(self._entries))
        if start >= _MAX_32 or size >= _MAX_32 or count >= _MAX_16:
            at = self._position
            versions = (_UNIX | _VERSION_ZIP64, _VERSION_ZIP64)
            self.data(_END64.pack(b"PK\x06\x06", _END64.size - 12, *versions, 0, 0, count, count, size, start))
            self.data(_END64_LOCATOR.pack(b"PK\x06\x07", 0, at, 1))
        shown = min(count, _MAX_16)
        self.data(_END.pack(b"PK\x05\x06", 0, 0, shown, shown, min(size, _MAX_32), min(start, _MAX_32), 0))


def _head(member: Member, is_zip64: bool) -> tuple[int, int, int, int, int]:
    """Returns version, flags, method, time and date."""
    flags = 0 if member.name.isascii() else UTF8_NAME
    return (
        _VERSION_ZIP64 if is_zip64 else _VERSION,
        flags,
        member.method,
        member.modified & _MAX_16,
        member.modified >> 16,
    )


def _zip64(*values: int) -> bytes:
    return struct.pack(f"<2H{len(values)}Q", 0x0001, 8 * len(values), *values)
