"""Decompresses a member in small pieces and compares it with what the directory says."""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from bureau.services.certificates.archive.directory import UTF8_NAME, Extras, Member
from bureau.services.certificates.archive.errors import corrupt, shown, truncated

CHUNK_BYTES = 256 * 1024
STORED, DEFLATED = 0, 8
ENCRYPTED = 0x0001 | 0x0040 | 0x2000  # the member is encrypted, strongly encrypted, or the directory itself is
SIZES_FOLLOW = 0x0008

_LOCAL = struct.Struct("<4s5H3L2H")


@dataclass(frozen=True, slots=True)
class Data:
    """Gives the place of a member's compressed data; `described`: their sizes and checksum follow them."""

    start: int
    end: int
    described: bool


def locate_data(file: IO[bytes], member: Member) -> Data:
    """Returns where the member's data are. Its local header must say the same as the directory."""
    file.seek(member.header_offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
        raise corrupt(f"{shown(member.name)} is not at the offset that the directory names")
    _, _, flags, method, _, _, crc, compressed, size, name_bytes, extra_bytes = _LOCAL.unpack(header)
    differs = file.read(name_bytes) != member.raw_name or method != member.method or flags & ENCRYPTED
    # Programs use one or the other, and would read different names. An ASCII name is the same in both encodings.
    differs = differs or (not member.raw_name.isascii() and (flags ^ member.flags) & UTF8_NAME)
    extras = Extras(file.read(extra_bytes), member.raw_name)
    differs = differs or any(path[5:].decode("utf-8", "replace") not in member.names for path in extras.unicode_paths)
    described = bool(flags & SIZES_FOLLOW)
    if not described:
        said = (crc, *extras.large(size, compressed))
        differs = differs or said != (member.crc, member.size_bytes, member.compressed_bytes)
    if differs:
        raise corrupt(f"the header of {shown(member.name)} and the directory contradict each other")
    start = file.tell()
    return Data(start, start + member.compressed_bytes, described)


def check_gap(file: IO[bytes], member: Member, data: Data, next_start: int) -> None:
    """Refuses bytes between the member's data and what follows, other than the sizes that may stand there.

    A program that reads an archive from its beginning, or searches it, would find a member in such bytes.
    """
    gap = next_start - data.end
    if gap == 0:
        return
    sizes = (member.crc, member.compressed_bytes, member.size_bytes)
    form = {12: "<3L", 16: "<3L", 20: "<L2Q", 24: "<L2Q"}.get(gap)
    if not data.described or form is None or (form == "<3L" and max(sizes) > 0xFFFFFFFF):
        raise corrupt(f"there are {gap:,} bytes behind {shown(member.name)} that belong to no member")
    file.seek(data.end)
    mark = b"PK\x07\x08" if gap in (16, 24) else b""
    if file.read(gap) != mark + struct.pack(form, *sizes):
        raise corrupt(f"the sizes behind {shown(member.name)} and the directory contradict each other")


def contents(
    file: IO[bytes], member: Member, start: int, copy: Callable[[bytes], object] = lambda _: None
) -> Iterator[bytes]:
    """Yields pieces of at most `CHUNK_BYTES`, and gives the compressed data to `copy` as they are read.

    Raises `ArchiveError` if the length or the checksum is wrong.
    """
    file.seek(start)
    crc = count = 0
    raw = _raw(file, member, copy)
    for piece in _inflated(raw, member) if member.method == DEFLATED else raw:
        crc = zlib.crc32(piece, crc)
        count += len(piece)
        yield piece
    if count != member.size_bytes:
        raise corrupt(f"{shown(member.name)} has {count} bytes, but the directory says {member.size_bytes}")
    if crc != member.crc:
        raise corrupt(f"the checksum (CRC-32) of {shown(member.name)} is wrong")


def _raw(file: IO[bytes], member: Member, copy: Callable[[bytes], object]) -> Iterator[bytes]:
    left = member.compressed_bytes
    while left:
        piece = file.read(min(CHUNK_BYTES, left))
        if not piece:
            raise truncated(f"{shown(member.name)} is cut off")
        left -= len(piece)
        copy(piece)
        yield piece


def _inflated(raw: Iterator[bytes], member: Member) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflater.eof:
        # Output can be pending after all input was taken, so an empty block is fed before the end is accepted.
        block = inflater.unconsumed_tail or next(raw, b"")
        try:
            piece = inflater.decompress(block, CHUNK_BYTES)
        except zlib.error:
            raise corrupt(f"{shown(member.name)} does not decompress") from None
        if piece:
            yield piece
        elif not block and not inflater.eof:
            raise truncated(f"the data of {shown(member.name)} is cut off")
    if inflater.unused_data or next(raw, b""):
        raise corrupt(f"{shown(member.name)} has data behind its end")
