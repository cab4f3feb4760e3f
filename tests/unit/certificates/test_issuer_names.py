"""Serials, file names and the manifest: unique, safe, the same for the same request."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.services.certificates.archive.names import Places, name_problem
from bureau.services.certificates.issuer.filenames import certificate_name, roster_folder
from bureau.services.certificates.issuer.manifest import COLUMNS, Entry, manifest_csv, neutral
from bureau.services.certificates.issuer.rosters.roster import RosterRow
from bureau.services.certificates.issuer.serials import serial

ADA = RosterRow(2, "Ada Lovelace", course="Engines")


def test_a_serial_is_four_groups_of_four_unmistakable_digits() -> None:
    number = serial("Bureau", 1, ADA, "key")
    assert [len(group) for group in number.split("-")] == [4, 4, 4, 4]
    assert not set(number) & set("ILOU")


def test_the_same_request_makes_the_same_serial() -> None:
    assert serial("Bureau", 1, ADA, "key") == serial("Bureau", 1, ADA, "key")


def test_every_difference_makes_another_serial() -> None:
    serials = {
        serial("Bureau", 1, ADA, "key"),
        serial("Other", 1, ADA, "key"),
        serial("Bureau", 2, ADA, "key"),
        serial("Bureau", 1, ADA, "another key"),
        serial("Bureau", 1, replace(ADA, line=3), "key"),  # the same person twice in a roster
        serial("Bureau", 1, replace(ADA, grade="A"), "key"),
        serial("Bureau", 1, replace(ADA, recipient="Ada", course="Lovelace Engines"), "key"),
    }
    assert len(serials) == 7


@pytest.mark.parametrize(
    ("recipient", "name"),
    [
        ("Ada Lovelace", "007-Ada-Lovelace.pdf"),
        ("../../etc/passwd", "007-etc-passwd.pdf"),
        ("Élodie Nuñez", "007-Elodie-Nunez.pdf"),
        ("张伟", "007-张伟.pdf"),
        ("…", "007-certificate.pdf"),
        ("CON", "007-CON.pdf"),
        ("=cmd()", "007-cmd.pdf"),
    ],
)
def test_a_file_name_is_readable_and_harmless(recipient: str, name: str) -> None:
    assert certificate_name(7, 200, recipient) == name


def test_one_roster_needs_no_folder_and_several_have_one_each() -> None:
    assert roster_folder(1, 1, "spring.csv") == ""
    assert roster_folder(2, 12, "Spring course.csv") == "02-Spring-course/"
    assert roster_folder(1, 2, ".csv") == "1-csv/"


@given(st.lists(st.text(max_size=80), min_size=1, max_size=20), st.lists(st.text(max_size=80), min_size=1, max_size=3))
def test_any_names_make_distinct_allowed_files(recipients: list[str], rosters: list[str]) -> None:
    places = Places()
    for number, roster in enumerate(rosters, start=1):
        folder = roster_folder(number, len(rosters), roster)
        for position, recipient in enumerate(recipients, start=1):
            name = folder + certificate_name(position, len(recipients), recipient)
            assert name_problem(name) is None
            assert places.take(name)


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\0=1", "\ufeff＝1"])
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(value: str) -> None:
    assert neutral(value) == f"'{value}"


def test_the_manifest_reads_back_as_csv() -> None:
    entry = Entry("1-a.pdf", '=HYPERLINK("x"), "quoted"', "", "Engines", "2026-11-12", "es", "A-B", "", "00")
    (line,) = csv.DictReader(io.StringIO(manifest_csv([entry]).decode("utf-8"), newline=""))
    assert tuple(line) == COLUMNS
    assert line["recipient"] == '\'=HYPERLINK("x"), "quoted"'
