"""Reads the central directory of a ZIP (APPNOTE 6.3), strictly and entry by entry.

`zipfile` would read it all into memory before the first check, accept data before the archive and trust its sizes.
Programs read such archives in different ways, so they are refused here.
"""

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
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
_SEE_ZIP64 = (0xFFFF, 0xFFFFFFFF)  # these values of 2 and 4 bytes stand for one in a ZIP64 record
_END64_REST = _END64.size - 12  # the size that the record gives of itself


@dataclass(frozen=True, slots=True)
class Member:
    """Holds an entry of the directory, as written there."""

    names: tuple[str, ...]  # all that programs may read here, the one that people get first
    raw_name: bytes
    version: int  # the version of the ZIP format that a reader must know, times 10
    flags: int
    method: int
    crc: int
    compressed_bytes: int
    size_bytes: int
    mode: int  # the Unix file mode, or 0 if there is none
    modified: int  # time and date, as MS-DOS writes them
    header_offset: int

    @property
    def name(self) -> str:
        return self.names[0]

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
    values = end[1:-1]
    end64 = _end64_record(file, position)
    if end64:
        position, values = end64[0], end64[1][4:]
        if any(plain != large and plain not in _SEE_ZIP64 for plain, large in zip(end[1:-1], values, strict=True)):
            raise corrupt("its two end records contradict each other")
    disk, start_disk, entries_here, entries, directory_bytes, start = values
    if disk or start_disk or entries_here != entries:
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
    mark, disk, offset, disks = _END64_LOCATOR.unpack(file.read(_END64_LOCATOR.size))
    if mark != b"PK\x06\x07":
        return None
    if offset + _END64.size + _END64_LOCATOR.size != end or disk or disks > 1:
        raise corrupt("its ZIP64 end record is not where it should be")
    file.seek(offset)
    record = _END64.unpack(file.read(_END64.size))
    if record[0] != b"PK\x06\x06" or record[1] != _END64_REST:
        raise corrupt("its ZIP64 end record is not readable")
    return offset, record


def _member(fixed: tuple[int, ...], raw_name: bytes, extra: bytes) -> Member:
    _, _, version, flags, method, time, date, crc, compressed, size, _, _, _, _, _, attributes, offset = fixed
    extras = Extras(extra, raw_name)
    size, compressed, offset = extras.large(size, compressed, offset)
    return Member(
        names=_names(raw_name, flags, extras),
        raw_name=raw_name,
        version=version & 0xFF,
        flags=flags,
        method=method,
        crc=crc,
        size_bytes=size,
        compressed_bytes=compressed,
        mode=attributes >> 16,
        modified=date << 16 | time,
        header_offset=offset,
    )


def _names(raw_name: bytes, flags: int, extras: "Extras") -> tuple[str, ...]:
    """Returns every name that a program may read; the first is the one that the archive's maker most likely meant.

    Without the flag for UTF-8 a name is in code page 437, but macOS and others write UTF-8 there too, and Info-ZIP
    writes the name a second time, as its "Unicode path". Not all programs check whether that one is still valid.
    """
    names = [_text(raw_name, "utf-8" if flags & UTF8_NAME else "cp437")]
    if not flags & UTF8_NAME:
        with suppress(UnicodeDecodeError):
            names.insert(0, raw_name.decode("utf-8"))
    for path in extras.unicode_paths:
        name = _text(path[5:], "utf-8")
        names.insert(0 if path[:5] == b"\x01" + zlib.crc32(raw_name).to_bytes(4, "little") else len(names), name)
    return tuple(dict.fromkeys(names))


def _text(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        name = shown(raw.decode(encoding, "replace"))
        raise ArchiveError("archive_unsafe_name", f"A member’s name, {name}, is not readable as text.") from None


class Extras:
    """Reads the extra fields of an entry or a local header."""

    def __init__(self, data: bytes, raw_name: bytes) -> None:
        self._name = raw_name.decode("utf-8", "replace")
        self.unicode_paths: list[bytes] = []
        self._zip64: list[bytes] = []
        while len(data) >= 4:
            kind, length = struct.unpack_from("<2H", data)
            if len(data) < 4 + length:
                raise corrupt(f"an extra field of {shown(self._name)} is cut off")
            if kind == _UNICODE_PATH:
                self.unicode_paths.append(data[4 : 4 + length])
            elif kind == _ZIP64:
                self._zip64.append(data[4 : 4 + length])
            data = data[4 + length :]
        if len(self._zip64) > 1:
            raise corrupt(f"{shown(self._name)} has two ZIP64 fields")

    def large(self, *values: int) -> list[int]:
        """Returns the values, each from the ZIP64 field if it says so. Raises `ArchiveError` if that field lacks it."""
        field = self._zip64[0] if self._zip64 else b""
        found = []
        for value in values:
            if value == 0xFFFFFFFF:
                if len(field) < 8:
                    raise corrupt(f"the entry of {shown(self._name)} lacks its sizes")
                value, field = int.from_bytes(field[:8], "little"), field[8:]
            found.append(value)
        return found
