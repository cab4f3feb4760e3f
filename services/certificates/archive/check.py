"""Checks an archive, and copies its members to a new one, before anyone gets it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO

from bureau.services.certificates.archive.contents import (
    DEFLATED,
    ENCRYPTED,
    SIZES_FOLLOW,
    STORED,
    Data,
    check_gap,
    contents,
    locate_data,
)
from bureau.services.certificates.archive.directory import Member, entries, locate
from bureau.services.certificates.archive.errors import ArchiveError, corrupt, shown
from bureau.services.certificates.archive.names import Places, name_problem
from bureau.services.certificates.archive.nested import HEAD_BYTES, nested_kind
from bureau.services.certificates.archive.writer import ArchiveWriter

RATIO_FLOOR_BYTES = 1024 * 1024  # in a smaller file, a high ratio only means repetition

KNOWN_VERSION = 63  # zipfile and all programs since 2006 read it
KNOWN_FLAGS = 0x0806 | SIZES_FOLLOW  # UTF-8 names, the level of compression


@dataclass(frozen=True)
class ArchiveLimits:
    """Sets the limits of an archive. `ratio` is the uncompressed to the compressed bytes of one member."""

    archive_bytes: int
    members: int
    member_bytes: int
    uncompressed_bytes: int
    ratio: float


class CheckedArchive:
    """Gives access to the files of an archive that passed the check."""

    def __init__(self, file: IO[bytes], members: Sequence[tuple[Member, Data]], uncompressed_bytes: int) -> None:
        self._file = file
        self._files = {member.name: (member, data.start) for member, data in members if not member.is_folder}
        self.uncompressed_bytes = uncompressed_bytes

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def size_bytes(self, name: str) -> int:
        return self._files[name][0].size_bytes

    def read(self, name: str) -> Iterator[bytes]:
        """Yields the contents in small pieces."""
        return contents(self._file, *self._files[name])


def check_archive(
    file: IO[bytes], limits: ArchiveLimits, write: Callable[[bytes], object], checkpoint: Callable[[int, int], None]
) -> CheckedArchive:
    """Reads all of a seekable `file`, in memory that does not grow with its size, and writes a new archive.

    The new archive has the same files and only one way to be read. Nobody may get it before this returns: it is
    written while the old one is checked. Raises `ArchiveError` for the first rule that the old one breaks.
    `checkpoint(members checked, members)` is called for every piece and may raise.
    """
    members, data_end = _listed(file, limits)
    starts = [*(member.header_offset for member in members), data_end]
    if starts[0]:
        raise corrupt(f"there are {starts[0]:,} bytes before its first member")
    writer = ArchiveWriter(write)
    total = 0
    found = []
    for done, (member, next_start) in enumerate(zip(members, starts[1:], strict=True)):
        here = partial(checkpoint, done, len(members))
        here()
        if member.header_offset >= next_start:  # check before seeking: a ZIP64 offset may be larger than seek accepts
            raise corrupt(f"{shown(member.name)} overlaps what follows it")
        data = locate_data(file, member)
        if data.end > next_start:
            raise corrupt(f"{shown(member.name)} reaches into what follows it")
        check_gap(file, member, data, next_start)
        writer.begin(member)
        total += _check_contents(contents(file, member, data.start, writer.data), member, limits, total, here)
        found.append((member, data))
    writer.finish()
    checkpoint(len(members), len(members))
    return CheckedArchive(file, found, total)


def _listed(file: IO[bytes], limits: ArchiveLimits) -> tuple[list[Member], int]:
    """Returns the members in the order of their data, checked by their entries, and where the data must end."""
    directory = locate(file)
    if directory.entries > limits.members:
        raise ArchiveError(
            "archive_too_many_members",
            f"The archive has {directory.entries} members, more than the {limits.members} allowed.",
        )
    places = Places()
    members = []
    for member in entries(file, directory):
        _check_entry(member, limits)
        if not places.take(*member.names):
            raise ArchiveError(
                "archive_duplicate_name", f"Two members would be written to the same place, {shown(member.name)}."
            )
        members.append(member)
    if all(member.is_folder for member in members):
        raise ArchiveError("archive_empty", "The archive holds no file.")
    return sorted(members, key=lambda member: member.header_offset), directory.start


def _check_entry(member: Member, limits: ArchiveLimits) -> None:
    for name in member.names:
        if problem := name_problem(name):
            raise ArchiveError("archive_unsafe_name", f"Member {shown(name)} is refused: its name {problem}.")
        if name.endswith("/") != member.is_folder:
            raise corrupt(f"{shown(member.name)} is a folder by one of its names and a file by another")
    if member.is_special:
        raise ArchiveError("archive_link", f"Member {shown(member.name)} is a link or device, not a plain file.")
    if member.flags & ENCRYPTED:
        raise ArchiveError("archive_encrypted", f"Member {shown(member.name)} is encrypted and cannot be checked.")
    if member.method not in (STORED, DEFLATED) or member.version > KNOWN_VERSION or member.flags & ~KNOWN_FLAGS:
        raise ArchiveError(
            "archive_method",
            f"Member {shown(member.name)} needs what not every program supports (compression method {member.method}, "
            f"version {member.version / 10}, flags {member.flags:#x}); use plain deflate.",
        )
    if member.size_bytes > limits.member_bytes:
        raise _member_too_large(member, limits)


def _check_contents(
    pieces: Iterator[bytes], member: Member, limits: ArchiveLimits, before: int, checkpoint: Callable[[], None]
) -> int:
    """Returns the bytes of the member, counted while decompressing; `before` counts those of the members before it."""
    count = 0
    head = b""
    for piece in pieces:
        checkpoint()
        count += len(piece)
        head += piece[: HEAD_BYTES - len(head)]
        if count > limits.member_bytes:
            raise _member_too_large(member, limits)
        if before + count > limits.uncompressed_bytes:
            raise ArchiveError(
                "archive_too_large",
                f"The archive decompresses to more than the {limits.uncompressed_bytes:,} bytes allowed.",
            )
        if count > max(RATIO_FLOOR_BYTES, limits.ratio * member.compressed_bytes):
            raise ArchiveError(
                "archive_bomb",
                f"Member {shown(member.name)} decompresses to more than {limits.ratio:g} times its size.",
            )
    kind = nested_kind(member.name, head)
    if kind and not member.is_folder:
        raise ArchiveError("archive_nested", f"Member {shown(member.name)} is itself an archive ({kind}).")
    if count and member.is_folder:
        raise corrupt(f"{shown(member.name)} is a folder and has contents")
    return count


def _member_too_large(member: Member, limits: ArchiveLimits) -> ArchiveError:
    return ArchiveError(
        "archive_member_too_large",
        f"Member {shown(member.name)} has more than the {limits.member_bytes:,} bytes allowed.",
    )
