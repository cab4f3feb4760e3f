"""People get a copy of an archive that can be read in one way only; what hides in the archive is refused."""

import io
import struct
import zipfile

import pytest

from bureau.services.certificates.archive.check import ArchiveLimits, check_archive
from bureau.services.certificates.archive.directory import Directory, Member, entries, locate
from bureau.services.certificates.archive.errors import ArchiveError
from bureau.services.certificates.archive.writer import ArchiveWriter
from tests.unit.certificates.archive.corpus import HOSTILE, SOUND

LIMITS = ArchiveLimits(
    archive_bytes=1 << 24, members=70_000, member_bytes=1 << 20, uncompressed_bytes=1 << 24, ratio=100
)


def copied(data: bytes) -> bytes:
    copy = io.BytesIO()
    check_archive(io.BytesIO(data), LIMITS, copy.write, lambda *_: None)
    return copy.getvalue()


@pytest.mark.parametrize("kind", SOUND)
def test_a_copy_has_the_same_files_and_one_name_for_each(kind: str) -> None:
    data, names = SOUND[kind]
    copy = copied(data)
    with zipfile.ZipFile(io.BytesIO(copy)) as reader, zipfile.ZipFile(io.BytesIO(data)) as before:
        assert set(reader.namelist()) == names
        assert reader.testzip() is None
        assert sorted(map(reader.read, reader.namelist())) == sorted(map(before.read, before.namelist()))
        assert all(info.extra == b"" for info in reader.infolist())
        assert {info.external_attr >> 16 for info in reader.infolist()} <= {0o100644, 0o040755}
        assert reader.comment == b""


@pytest.mark.parametrize("kind", SOUND)
def test_the_copy_of_a_copy_is_the_same(kind: str) -> None:
    copy = copied(SOUND[kind][0])
    assert copied(copy) == copy


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_archive_that_can_be_read_in_two_ways_is_refused(kind: str) -> None:
    with pytest.raises(ArchiveError):
        copied(HOSTILE[kind])


def test_a_copy_of_very_many_members_has_both_end_records() -> None:
    many = 65_600
    copy = io.BytesIO()
    writer = ArchiveWriter(copy.write)
    for number in range(many):
        writer.begin(member(f"{number}.csv"))
    writer.finish()
    assert locate(copy).entries == many
    with zipfile.ZipFile(copy) as reader:
        assert len(reader.namelist()) == many


def test_sizes_and_places_beyond_4_gib_are_written_and_read_back() -> None:
    large = 5 << 30
    counted = bytearray()

    class Sparse(bytes):
        """Stands for 5 GiB of data, which nobody has to hold."""

        def __len__(self) -> int:
            return large

    writer = ArchiveWriter(lambda piece: None if isinstance(piece, Sparse) else counted.extend(piece))
    writer.begin(member("a.pdf", large))
    writer.data(Sparse())
    writer.begin(member("b.pdf", 7))
    head = len(counted)
    writer.data(bytes(7))
    writer.finish()

    assert struct.unpack_from("<2L", counted, 18) == (0xFFFFFFFF, 0xFFFFFFFF)
    start = counted.index(b"PK\x01\x02")
    read = list(entries(io.BytesIO(counted), Directory(start, counted.index(b"PK\x06\x06") - start, 2)))
    assert [(one.size_bytes, one.compressed_bytes) for one in read] == [(large, large), (7, 7)]
    assert [one.header_offset for one in read] == [0, large + head - 30 - len("b.pdf")]


def member(name: str, size: int = 0) -> Member:
    return Member(
        names=(name,),
        raw_name=name.encode(),
        version=20,
        flags=0,
        method=0,
        crc=0,
        compressed_bytes=size,
        size_bytes=size,
        mode=0,
        modified=0x210000,
        header_offset=0,
    )
