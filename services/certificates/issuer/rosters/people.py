"""Recognizes rows that are not a person, and names that are written surname first. Pure."""

import re
from collections.abc import Sequence

from bureau.services.certificates.issuer.rosters.columns import plain

_GRADEBOOK = frozenset({"student", "id"})  # Canvas exports Student, ID, SIS User ID, SIS Login ID, Section, ...
_GRADEBOOK_ALSO = frozenset({"sis user id", "sis login id", "section"})
_NO_PEOPLE = frozenset(
    {
        *("points possible", "student test", "test student", "manual posting"),
        *("overall average", "average", "class average", "mean", "median", "total", "totals", "grand total", "sum"),
        *("promedio", "promedio general", "media", "media general", "total general", "promig", "mitjana"),
        *("moyenne", "moyenne generale", "total general", "media geral", "durchschnitt", "summe", "gesamt"),
    }
)
_SURNAME_FIRST_HEADERS = frozenset(
    {
        *("student", "apellidos y nombre", "apellidos y nombres", "apellidos nombre", "cognoms i nom", "cognoms nom"),
        *("nom et prenom", "nom et prenoms", "nom et prenom s", "nom prenom", "cognome e nome", "cognome nome"),
        *("nachname vorname", "nazwisko i imie", "prijmeni a jmeno", "nume si prenume"),
    }
)
_SURNAME_FIRST = re.compile(r"(?P<surname>[^,]+),(?P<given>[^,]+)")
_NO_GIVEN_NAMES = frozenset(
    {
        *(
            "jr",
            "sr",
            "ii",
            "iii",
            "iv",
            "v",
            "esq",
            "phd",
            "ph",
            "d",
            "md",
            "m",
            "dds",
            "rn",
            "mba",
            "msc",
            "bsc",
            "ma",
        ),
        *(
            "ba",
            "inc",
            "ltd",
            "llc",
            "llp",
            "plc",
            "gmbh",
            "ag",
            "sa",
            "s",
            "a",
            "sl",
            "l",
            "u",
            "slu",
            "srl",
            "r",
            "spa",
        ),
        *("p", "bv", "b", "nv", "oy", "ab", "as"),
    }
)


def is_gradebook(header: Sequence[str]) -> bool:
    """Returns whether a header is that of a gradebook exported by Canvas; some rows of such a file are not a person."""
    names = frozenset(map(plain, header))
    return names >= _GRADEBOOK and bool(names & _GRADEBOOK_ALSO)


def is_no_person(recipient: str) -> bool:
    """Returns whether a recipient is a line of totals, or the test student of a learning platform."""
    return plain(recipient) in _NO_PEOPLE


def has_surname_first(header: str) -> bool:
    """Returns whether the name of the recipient's column says that surnames come first."""
    return plain(header) in _SURNAME_FIRST_HEADERS


def is_surname_first(recipient: str) -> bool:
    """Returns whether a recipient has the form `Lovelace, Ada`. `King, Jr.` and `Acme, Inc.` do not."""
    match = _SURNAME_FIRST.fullmatch(recipient)
    if match is None or not match["surname"].strip():
        return False
    words = plain(match["given"]).split()
    return bool(words) and not all(word in _NO_GIVEN_NAMES for word in words)


def given_name_first(recipient: str) -> str:
    """Returns `Ada Lovelace` for `Lovelace, Ada`."""
    surname, _, given = recipient.partition(",")
    return f"{given.strip()} {surname.strip()}"
