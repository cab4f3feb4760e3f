"""Reads the central directory of a ZIP (APPNOTE 6.3), strictly and entry by entry.

`zipfile` would read it all into memory before the first check, accept data before the archive and trust its sizes.
Programs read such archives in different ways, so they are refused here.
"""

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from bureau.services.certificates.archive.errors import ArchiveError, corrupt, shown, truncated

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_MAX_COMMENT = 0xFFFF
UTF8_NAME = 0x0800
_UNICODE_PATH = 0x7075
_ZIP64 = 0x0001


@dataclass(frozen=True, slots=True)
class Member:
    """Holds an entry of the directory, as written there."""

    name: str
    raw_name: bytes
    other_name: str | None  # a second name (Info-ZIP's Unicode path) that some programs use instead
    version: int  # the version of the ZIP format that a reader must know, times 10
    flags: int
    method: int
    crc: int
    compressed_bytes: int
    size_bytes: int
    mode: int  # the Unix file mode, or 0 if there is none
    header_offset: int

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")

    @property
    def is_special(self) -> bool:
        """Returns whether it is a link, a device or a pipe, neither file nor folder."""
        return stat.S_IFMT(self.mode) not in (0, stat.S_IFREG, stat.S_IFDIR)


@dataclass(frozen=True)
class Directory:
    """Gives the place of the directory. `start` is also where the members' data must have ended."""

    start: int
    size_bytes: int
    entries: int


def locate(file: IO[bytes]) -> Directory:
    """Finds the directory. Raises `ArchiveError` for a file that is no ZIP, is cut off or can be read in two ways."""
    file.seek(0)
    head = file.read(4)
    size = file.seek(0, os.SEEK_END)
    if head not in (b"PK\x03\x04", b"PK\x05\x06"):
        raise ArchiveError("archive_not_a_zip", "This is not a ZIP archive: its first bytes are wrong.")
    position, end = _end_record(file, size)
    _, disk, start_disk, _, entries, directory_bytes, start, _ = end
    end64 = _end64_record(file, position)
    if end64:
        position, (_, _, _, _, disk, start_disk, _, entries, directory_bytes, start) = end64
    if disk or start_disk:
        raise ArchiveError("archive_in_parts", "The archive is one part of several; send it in one piece.")
    if start + directory_bytes != position:
        raise corrupt("its directory is not at the offset that its end record names")
    return Directory(start, directory_bytes, entries)


def entries(file: IO[bytes], directory: Directory) -> Iterator[Member]:
    """Yields the members, in the directory's order."""
    file.seek(directory.start)
    left = directory.size_bytes
    for _ in range(directory.entries):
        fixed = file.read(_ENTRY.size)
        if len(fixed) < _ENTRY.size or fixed[:4] != b"PK\x01\x02":
            raise corrupt("an entry of its directory is not readable")
        name_bytes, extra_bytes, comment_bytes = struct.unpack_from("<3H", fixed, 28)
        variable = file.read(name_bytes + extra_bytes + comment_bytes)
        left -= len(fixed) + len(variable)
        if left < 0:
            raise corrupt("its directory is longer than its end record says")
        yield _member(_ENTRY.unpack(fixed), variable[:name_bytes], variable[name_bytes : name_bytes + extra_bytes])
    if left:
        raise corrupt("its directory holds more than its end record counts")


def _end_record(file: IO[bytes], size: int) -> tuple[int, tuple[int, ...]]:
    start = max(0, size - _END.size - _MAX_COMMENT)
    file.seek(start)
    tail = file.read()
    found = []
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        if len(tail) - at >= _END.size:
            end = _END.unpack_from(tail, at)
            if end[-1] == len(tail) - at - _END.size:  # its comment reaches to the end of the file
                found.append((start + at, end))
        at = tail.rfind(b"PK\x05\x06", 0, at)
    if not found:
        raise truncated("the directory at its end is missing")
    if len(found) > 1:
        raise corrupt("it has two directories")
    return found[0]


def _end64_record(file: IO[bytes], end: int) -> tuple[int, tuple[int, ...]] | None:
    """Returns the ZIP64 end record and its position, or None if the archive has none."""
    if end < _END64_LOCATOR.size + _END64.size:
        return None
    file.seek(end - _END64_LOCATOR.size)
    mark, _, offset, _ = _END64_LOCATOR.unpack(file.read(_END64_LOCATOR.size))
    if mark != b"PK\x06\x07":
        return None
    if offset + _END64.size + _END64_LOCATOR.size != end:
        raise corrupt("its ZIP64 end record is not where it should be")
    file.seek(offset)
    record = _END64.unpack(file.read(_END64.size))
    if record[0] != b"PK\x06\x06":
        raise corrupt("its ZIP64 end record is not readable")
    return offset, record


def _member(fixed: tuple[int, ...], raw_name: bytes, extra: bytes) -> Member:
    _, _, version, flags, method, _, _, crc, compressed, size, _, _, _, _, _, attributes, offset = fixed
    name = _text(raw_name, "utf-8" if flags & UTF8_NAME else "cp437")
    extras = _extras(extra, name)
    large = extras.get(_ZIP64, b"")
    values = []
    for value in (size, compressed, offset):
        if value == 0xFFFFFFFF:
            if len(large) < 8:
                raise corrupt(f"the entry of {shown(name)} lacks its sizes")
            value, large = int.from_bytes(large[:8], "little"), large[8:]
        values.append(value)
    other = extras.get(_UNICODE_PATH)
    return Member(
        name=name,
        raw_name=raw_name,
        other_name=_text(other[5:], "utf-8") if other is not None else None,
        version=version & 0xFF,
        flags=flags,
        method=method,
        crc=crc,
        size_bytes=values[0],
        compressed_bytes=values[1],
        mode=attributes >> 16,
        header_offset=values[2],
    )


def _text(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        name = shown(raw.decode(encoding, "replace"))
        raise ArchiveError("archive_unsafe_name", f"A member’s name, {name}, is not readable as text.") from None


def _extras(data: bytes, name: str) -> dict[int, bytes]:
    """Returns the extra fields by their id."""
    found: dict[int, bytes] = {}
    while len(data) >= 4:
        kind, length = struct.unpack_from("<2H", data)
        if len(data) < 4 + length:
            raise corrupt(f"an extra field of {shown(name)} is cut off")
        found.setdefault(kind, data[4 : 4 + length])
        data = data[4 + length :]
    return found
