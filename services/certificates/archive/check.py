"""Checks an archive before anyone gets it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO

from bureau.services.certificates.archive.contents import (
    DEFLATED,
    ENCRYPTED,
    SIZES_FOLLOW,
    STORED,
    contents,
    data_start,
)
from bureau.services.certificates.archive.directory import Member, entries, locate
from bureau.services.certificates.archive.errors import ArchiveError, corrupt, shown
from bureau.services.certificates.archive.names import Places, name_problem
from bureau.services.certificates.archive.nested import HEAD_BYTES, nested_kind

RATIO_FLOOR_BYTES = 1024 * 1024  # in a smaller file, a high ratio only means repetition

KNOWN_VERSION = 63  # zipfile and all programs since 2006 read it
KNOWN_FLAGS = 0x0806 | SIZES_FOLLOW  # UTF-8 names, the level of compression


@dataclass(frozen=True)
class Limits:
    """Sets the limits of an archive. `ratio` is the uncompressed to the compressed bytes of one member."""

    archive_bytes: int
    members: int
    member_bytes: int
    uncompressed_bytes: int
    ratio: float


@dataclass(frozen=True)
class Checked:
    """Holds the contents of an archive that passed the check."""

    files: int
    uncompressed_bytes: int


def check_archive(file: IO[bytes], limits: Limits, checkpoint: Callable[[int, int], None]) -> Checked:
    """Reads all of a seekable `file`, in memory that does not grow with its size.

    Raises `ArchiveError` for the first rule that it breaks. `checkpoint(members checked, members)` is called for every
    piece and may raise.
    """
    members, data_end = _listed(file, limits)
    total = end_before = 0
    for done, member in enumerate(members):
        here = partial(checkpoint, done, len(members))
        if member.header_offset < end_before:
            raise corrupt(f"{shown(member.name)} overlaps the member before it")
        if member.header_offset >= data_end:  # check before seeking: a ZIP64 offset may be larger than seek accepts
            raise corrupt(f"{shown(member.name)} has an offset behind the directory")
        start = data_start(file, member)
        end_before = start + member.compressed_bytes
        if end_before > data_end:
            raise corrupt(f"{shown(member.name)} reaches into the directory")
        total += _check_contents(file, member, start, limits, total, here)
    checkpoint(len(members), len(members))
    return Checked(files=sum(not member.is_folder for member in members), uncompressed_bytes=total)


def _listed(file: IO[bytes], limits: Limits) -> tuple[list[Member], int]:
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
        if not places.take(member.name):
            raise ArchiveError(
                "archive_duplicate_name", f"Two members would be written to the same place, {shown(member.name)}."
            )
        members.append(member)
    if all(member.is_folder for member in members):
        raise ArchiveError("archive_empty", "The archive holds no file.")
    return sorted(members, key=lambda member: member.header_offset), directory.start


def _check_entry(member: Member, limits: Limits) -> None:
    for name in (member.name, member.other_name):
        problem = name_problem(name) if name is not None else None
        if problem:
            raise ArchiveError("archive_unsafe_name", f"Member {shown(name or '')} is refused: its name {problem}.")
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
    file: IO[bytes], member: Member, start: int, limits: Limits, before: int, checkpoint: Callable[[], None]
) -> int:
    """Returns the bytes of the member, counted while decompressing; `before` counts those of the members before it."""
    count = 0
    head = b""
    for piece in contents(file, member, start):
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


def _member_too_large(member: Member, limits: Limits) -> ArchiveError:
    return ArchiveError(
        "archive_member_too_large",
        f"Member {shown(member.name)} has more than the {limits.member_bytes:,} bytes allowed.",
    )
