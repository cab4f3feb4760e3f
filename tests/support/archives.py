"""Builds ZIP archives for tests, valid and hostile ones."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable

UNIX = 3


def archive(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A sound archive, unless the names are not."""
    return built([(zipfile.ZipInfo(name), data) for name, data in members], method)


def built(members: Iterable[tuple[zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive whose entries may say anything of themselves."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        for info, data in members:
            writer.writestr(info, data, compress_type=method)
    return file.getvalue()


def contents(data: bytes) -> dict[str, bytes]:
    """The members of an archive by their names."""
    with zipfile.ZipFile(io.BytesIO(data)) as reader:
        return {name: reader.read(name) for name in reader.namelist()}


def entry(name: str, *, mode: int = 0, system: int = UNIX) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.create_system = system
    return info


def streamed(*members: tuple[str, bytes]) -> bytes:
    """An archive written without seeking back: sizes and checksums follow the data, as many servers send it."""

    class NoSeek(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError("not seekable")

    file = NoSeek()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, data in members:
            writer.writestr(name, data)
    return file.getvalue()


def patched(data: bytes, *, directory: dict[int, bytes] | None = None, local: dict[int, bytes] | None = None) -> bytes:
    """The archive with bytes of its first entry overwritten, by offset into its directory entry or local header."""
    changed = bytearray(data)
    for mark, patches in ((b"PK\x01\x02", directory or {}), (b"PK\x03\x04", local or {})):
        start = data.index(mark)
        for offset, value in patches.items():
            changed[start + offset : start + offset + len(value)] = value
    return bytes(changed)


def lying_bomb(said_bytes: int, real_bytes: int) -> bytes:
    """One member that says it holds `said_bytes`, with the checksum of just those, and decompresses to more."""
    raw = bytes(real_bytes)
    sound = archive(("page.pdf", raw))
    crc = struct.pack("<L", zlib.crc32(raw[:said_bytes]))
    size = struct.pack("<L", said_bytes)
    return patched(sound, directory={16: crc, 24: size}, local={14: crc, 22: size})


def overlapping() -> bytes:
    """Two entries that share one member's data: how bombs of petabytes fit into megabytes."""
    sound = archive(("a.pdf", b"one" * 100), ("b.pdf", b"two" * 100))
    second = sound.index(b"PK\x01\x02", sound.index(b"PK\x01\x02") + 1)
    changed = bytearray(sound)
    changed[second + 42 : second + 46] = bytes(4)  # b.pdf at the place of a.pdf
    return bytes(changed)
