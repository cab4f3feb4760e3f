"""Decompresses a member in small pieces and compares it with what the directory says."""

import struct
import zlib
from collections.abc import Iterator
from typing import IO

from bureau.services.certificates.archive.directory import UTF8_NAME, Member
from bureau.services.certificates.archive.errors import corrupt, shown, truncated

CHUNK_BYTES = 256 * 1024
STORED, DEFLATED = 0, 8
ENCRYPTED = 0x0001 | 0x0040 | 0x2000  # the member is encrypted, strongly encrypted, or the directory itself is
SIZES_FOLLOW = 0x0008

_LOCAL = struct.Struct("<4s5H3L2H")


def data_start(file: IO[bytes], member: Member) -> int:
    """Returns where the member's data begin. Its local header must say the same as the directory."""
    file.seek(member.header_offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
        raise corrupt(f"{shown(member.name)} is not at the offset that the directory names")
    _, _, flags, method, _, _, crc, compressed, size, name_bytes, extra_bytes = _LOCAL.unpack(header)
    differs = file.read(name_bytes) != member.raw_name or method != member.method or flags & ENCRYPTED
    # Programs use one or the other, and would read different names. An ASCII name is the same in both encodings.
    differs = differs or (not member.raw_name.isascii() and (flags ^ member.flags) & UTF8_NAME)
    if not flags & SIZES_FOLLOW:
        differs = differs or crc != member.crc
        differs = differs or compressed not in (member.compressed_bytes, 0xFFFFFFFF)
        differs = differs or size not in (member.size_bytes, 0xFFFFFFFF)
    if differs:
        raise corrupt(f"the header of {shown(member.name)} and the directory contradict each other")
    return file.tell() + int(extra_bytes)


def contents(file: IO[bytes], member: Member, start: int) -> Iterator[bytes]:
    """Yields pieces of at most `CHUNK_BYTES`. Raises `ArchiveError` if the length or the checksum is wrong."""
    file.seek(start)
    crc = count = 0
    for piece in _inflated(file, member) if member.method == DEFLATED else _raw(file, member.compressed_bytes, member):
        crc = zlib.crc32(piece, crc)
        count += len(piece)
        yield piece
    if count != member.size_bytes:
        raise corrupt(f"{shown(member.name)} has {count} bytes, but the directory says {member.size_bytes}")
    if crc != member.crc:
        raise corrupt(f"the checksum (CRC-32) of {shown(member.name)} is wrong")


def _raw(file: IO[bytes], left: int, member: Member) -> Iterator[bytes]:
    while left:
        piece = file.read(min(CHUNK_BYTES, left))
        if not piece:
            raise truncated(f"{shown(member.name)} is cut off")
        left -= len(piece)
        yield piece


def _inflated(file: IO[bytes], member: Member) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    raw = _raw(file, member.compressed_bytes, member)
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
