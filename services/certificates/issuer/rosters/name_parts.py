"""Finds the columns that hold a part of the recipient's name, and joins the parts. Pure."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum

from bureau.services.certificates.issuer.rosters.columns import SHORTEST_MISSPELT, plain


class NamePart(StrEnum):
    """Names a part of a name, in the order in which most languages write them."""

    GIVEN = "given name"
    MIDDLE = "middle name"
    PREFIX = "surname prefix"  # Dutch `van der`
    SURNAME = "surname"
    SECOND_SURNAME = "second surname"
    SUFFIX = "name suffix"


_NAMES: Mapping[NamePart, Mapping[str, str]] = {
    NamePart.GIVEN: {
        "en": "first name, firstname, first, given name, given names, given, forename, forenames, first names, fname, "
        "christian name, givenname, 1st name, first name s, given name s, forename s",
        "es": "nombre de pila, nombres, primer nombre, 1er nombre, nombre s",
        "ca": "nom de pila, noms, prenom",
        "fr": "prénom, prénoms, prénom s, prénom usuel, premier prénom",
        "pt": "primeiro nome, nome próprio, nomes próprios, prenome",
        "de": "vorname, vornamen, vorname n, rufname",
        "it": "nome di battesimo, nomi",
        "nl": "voornaam, voornamen, roepnaam",
        "sv": "förnamn, fornavn, etunimi, tilltalsnamn, eiginnafn, eesnimi",
        "pl": "imię, imiona",
        "cs": "jméno, křestní jméno, meno, krstné meno",
        "hu": "keresztnév, utónév",
        "ro": "prenume",
        "hr": "ime, osobno ime",
        "lt": "vardas, vārds",
        "tr": "ad, adı, adınız",
        "el": "όνομα",
        "ru": "имя",
        "uk": "ім’я, імя",
        "bg": "име, собствено име",
        "sq": "emër, emri",
        "eu": "izena",
        "id": "nama depan",
        "he": "שם פרטי",
        "ar": "الاسم الأول",
        "th": "ชื่อ",
        "zh": "名, 名字",
        "ja": "名 名前",
    },
    NamePart.MIDDLE: {
        "en": "middle name, middle names, middle initial, middle initials, middle init, middle, m i, mi, second name, "
        "2nd name, additional name, other name, other names, other name s",
        "es": "segundo nombre, 2o nombre",
        "ca": "segon nom",
        "fr": "deuxième prénom, second prénom, autres prénoms",
        "pt": "segundo nome, nome do meio, nomes do meio",
        "de": "zweiter vorname, mittelname",
        "it": "secondo nome",
        "pl": "drugie imię",
        "tr": "ikinci ad",
        "ru": "отчество",
        "uk": "по батькові",
        "bg": "бащино име, презиме",
        "hr": "srednje ime",
        "vi": "tên đệm",
    },
    NamePart.PREFIX: {"nl": "tussenvoegsel, tussenvoegsels, voorvoegsel, voorvoegsels"},
    NamePart.SURNAME: {
        "en": "last name, lastname, last, surname, surnames, family name, familyname, family, last names, lname, "
        "surename, sur name, last name s, surname s, family name s, first surname, surname 1, last name 1",
        "es": "apellidos, apellido, apellido s, primer apellido, apellido 1, 1 apellido, 1er apellido, 1r apellido, "
        "1o apellido, apellido paterno, ap paterno, a paterno, paterno, primer ap, ap 1, apellido1, "
        "apellidos del alumno",
        "ca": "cognoms, cognom, cognom s, primer cognom, cognom 1, 1 cognom, 1r cognom, 1er cognom, cognom1",
        "fr": "nom de famille, nom d’usage, nom de naissance, nom patronymique, nom usuel, nom s",
        "pt": "apelido, apelidos, sobrenome, sobrenomes, último nome, nome de família, último apelido",
        "de": "nachname, nachnamen, nachname n, familienname, zuname",
        "it": "cognome, cognomi",
        "nl": "achternaam, familienaam",
        "sv": "efternamn, etternavn, efternavn, sukunimi, eftirnafn, perekonnanimi, perenimi",
        "pl": "nazwisko, nazwiska",
        "cs": "příjmení, priezvisko",
        "hu": "vezetéknév, családnév, családi név",
        "ro": "nume de familie",
        "hr": "prezime, priimek",
        "lt": "pavardė, uzvārds",
        "tr": "soyad, soyadı, soy ad, soyisim, soyadınız",
        "el": "επώνυμο, επίθετο",
        "ru": "фамилия",
        "uk": "прізвище",
        "bg": "фамилно име",
        "sq": "mbiemër, mbiemri",
        "eu": "abizena, abizenak",
        "id": "nama belakang, nama keluarga",
        "he": "שם משפחה",
        "ar": "اسم العائلة, اللقب",
        "th": "นามสกุล",
        "vi": "họ",
        "zh": "姓, 姓氏",
        "ja": "苗字",
        "ko": "성, 성씨",
    },
    NamePart.SECOND_SURNAME: {
        "en": "second surname, second last name, second family name, surname 2, last name 2",
        "es": "segundo apellido, apellido 2, 2 apellido, 2o apellido, 2do apellido, apellido materno, ap materno, "
        "a materno, materno, segundo ap, ap 2, apellido2",
        "ca": "segon cognom, cognom 2, 2 cognom, 2n cognom, cognom2",
        "pt": "segundo apelido, segundo sobrenome",
    },
    NamePart.SUFFIX: {"en": "suffix, name suffix"},
}
# A form asks for them with the word for whom it means: `Employee first name`. A guardian or a buyer is somebody else.
_WHOM = (
    *("student", "participant", "recipient", "legal", "attendee", "user", "member", "employee", "learner"),
    *("candidate", "contact", "delegate", "staff", "trainee", "person", "pupil", "registrant", "volunteer"),
)
_OF_WHOM = {
    NamePart.GIVEN: ("first name", "firstname", "given name", "forename", "first"),
    NamePart.MIDDLE: ("middle name", "middle initial"),
    NamePart.SURNAME: ("last name", "lastname", "family name", "surname", "last"),
}
_PARTS = {f"{whom} {name}": (part, "en") for part, names in _OF_WHOM.items() for name in names for whom in _WHOM} | {
    plain(name): (part, language)
    for part, by_language in _NAMES.items()
    for language, names in by_language.items()
    for name in names.split(", ")
}
# These columns hold a whole name on their own, but the other half beside a half: `Nombre` beside `Apellidos`, `Nom`
# beside `Prénom`.
_GIVEN_BESIDE_SURNAME = frozenset(
    map(
        plain,
        [
            "name",
            "nombre",
            "nom",
            "nome",
            "naam",
            "navn",
            "namn",
            "isim",
            "student",
            "participant",
            "alumno",
            "alumna",
            "alumne",
            "aluno",
            "aluna",
            "nafn",
            "nimi",
            "이름",
            "名前",
        ],
    )
)
# These mean the other half where it is missing: the surname in Serbian, the given names in `Surname, Other names`.
_HALF_ALONE = {
    plain("презиме"): NamePart.SURNAME,
    **dict.fromkeys(("other name", "other names", "other name s"), NamePart.GIVEN),
}
_SURNAME_BESIDE_GIVEN = frozenset(map(plain, ["name", "nom", "nume", "naam", "navn", "namn", "nome", "nombre", "név"]))
# These words show that a column holds a part of a name, whatever else is in its header.
_HALF = re.compile(
    r"surname|last ?name|family ?name|first ?name|given ?name|forename|middle ?name|apellido|cognom|prenom|apelido|"
    r"sobrenome|nachname|familienname|vorname|cognome|achternaam|voornaam|tussenvoegsel|efternamn|fornamn|etternavn|"
    r"efternavn|fornavn|sukunimi|etunimi|nazwisk|prijmeni|priezvisk|vezeteknev|keresztnev|csaladnev|prezime|priimek|"
    r"pavard|soyad|soyisim|mbiemer|abizen|επωνυμο|фамили|отчеств|прізвищ|nom de famille|segundo nombre|primer nombre|"
    r"\b(?:paterno|materno|surename|middle init)|שם משפחה"
)
_SURNAME_FIRST = frozenset({"hu", "ru", "uk", "vi", "zh", "ja", "ko"})
_SHUFFLED = frozenset((name[:1], "".join(sorted(name))) for name in _PARTS if len(name) >= SHORTEST_MISSPELT)
_NO_SPACE = re.compile(r"[\u3400-\u9fff\uac00-\ud7a3]+")
_LONGEST_NAME, _LONGEST_MISSPELT = 200, 40
_NEAR = 0.9  # a higher limit than usual: “class name” is not a misspelt “last name”


def part_of(name: str) -> NamePart | None:
    """Returns the part of a name that a header's cell names, if it names one."""
    found = _PARTS.get(plain(name))
    return found[0] if found else None


def language_of_part(name: str) -> str | None:
    found = _PARTS.get(plain(name))
    return found[1] if found else None


def looks_like_part(name: str) -> bool:
    """Returns whether a header's cell seems to name a part of a name: `Guardian last name`."""
    return _HALF.search(plain(name[:_LONGEST_NAME])) is not None


def misspells_part(name: str) -> bool:
    """Returns whether a cell seems to be a misspelt `last name`.

    It compares the cell with all names, so it is used for a few cells only.
    """
    text = plain(name[:_LONGEST_MISSPELT])
    if (text[:1], "".join(sorted(text))) in _SHUFFLED:  # two letters in the wrong order: `lastnmae`
        return True
    return bool(get_close_matches(text, [one for one in _PARTS if len(one) >= SHORTEST_MISSPELT], n=1, cutoff=_NEAR))


def missing_half(name: str, beside: Sequence[NamePart]) -> NamePart | None:
    """Returns the half that a column of whole names holds `beside` columns with parts: `Nombre` beside `Apellidos`."""
    surname, given = NamePart.SURNAME in beside, NamePart.GIVEN in beside
    if surname and not given and plain(name) in _GIVEN_BESIDE_SURNAME:
        return NamePart.GIVEN
    if given and not surname and plain(name) in _SURNAME_BESIDE_GIVEN:
        return NamePart.SURNAME
    return None


def half_alone(name: str, beside: Sequence[NamePart]) -> NamePart | None:
    """Returns the half that a column of middle names holds if that half is missing `beside` it."""
    half = _HALF_ALONE.get(plain(name))
    other = NamePart.GIVEN if half is NamePart.SURNAME else NamePart.SURNAME
    return half if half not in beside and other in beside else None


def surname_first(languages: Sequence[str | None]) -> bool:
    """Returns whether names are written surname first in the language of a roster's header.

    Bulgarian headers share `фамилия` with Russian ones.
    """
    return any(language in _SURNAME_FIRST for language in languages) and "bg" not in languages


def join(parts: Mapping[NamePart, str], *, surname_comes_first: bool) -> str:
    """Joins the parts of a name in the order of its language. Han and Hangul are written surname first, unspaced."""
    surnames = [parts.get(part, "") for part in (NamePart.PREFIX, NamePart.SURNAME, NamePart.SECOND_SURNAME)]
    given = [parts.get(part, "") for part in (NamePart.GIVEN, NamePart.MIDDLE)]
    written = [part for part in (*surnames, *given) if part]
    if written and all(_NO_SPACE.fullmatch(part) for part in written):
        return "".join(written)
    ordered = [*surnames, *given] if surname_comes_first else [*given, *surnames]
    return " ".join(part for part in (*ordered, parts.get(NamePart.SUFFIX, "")) if part)
