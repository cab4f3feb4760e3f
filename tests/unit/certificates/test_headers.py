"""Headers of usual exports: halves of a name are joined in the order of its language, and none is left out."""

from collections.abc import Callable

import pytest

from bureau.services.certificates.issuer.rosters import table
from bureau.services.certificates.issuer.rosters.columns import field_of
from bureau.services.certificates.issuer.rosters.header import read_header
from bureau.services.certificates.issuer.rosters.name_parts import part_of
from bureau.services.certificates.issuer.rosters.roster import read_roster
from tests.support.cpu_time import growth
from tests.unit.certificates import corpus

WESTERN = [  # the given name's column, the surname's
    ("First name", "Last name"),
    ("first_name", "last_name"),
    ("FirstName", "LastName"),
    ("First", "Last"),
    ("Given name", "Family name"),
    ("Given names", "Surname"),
    ("Forename", "Surname"),
    ("name", "lastname"),
    ("Name", "Last name"),
    ("Name", "Surname"),
    ("Student first name", "Student last name"),
    ("Nombre", "Apellidos"),
    ("Nombre", "Apellido"),
    ("Nombre(s)", "Apellido(s)"),
    ("Nombres", "Apellidos"),
    ("Nombre de pila", "Primer apellido"),
    ("Nombre", "Apellido 1"),
    ("Nombre", "apellido1"),
    ("Nombre", "Apellido paterno"),
    ("Nom", "Cognoms"),
    ("Nom", "Cognom"),
    ("Nom", "Cognom1"),
    ("Nom", "Primer cognom"),
    ("Prénom", "Nom"),
    ("Prénoms", "Nom"),
    ("Prénom(s)", "Nom"),
    ("PRENOM", "NOM"),
    ("Prénom", "Nom de famille"),
    ("Prénom", "Nom d’usage"),
    ("Nome", "Apelido"),
    ("Nome", "Apelidos"),
    ("Nome", "Sobrenome"),
    ("Primeiro nome", "Último nome"),
    ("Vorname", "Nachname"),
    ("Vorname", "Name"),
    ("Vorname", "Familienname"),
    ("Vorname", "Zuname"),
    ("Nome", "Cognome"),
    ("Voornaam", "Achternaam"),
    ("Förnamn", "Efternamn"),
    ("Fornavn", "Etternavn"),
    ("Etunimi", "Sukunimi"),
    ("Imię", "Nazwisko"),
    ("Jméno", "Příjmení"),
    ("Meno", "Priezvisko"),
    ("Ime", "Prezime"),
    ("Ad", "Soyad"),
    ("Adı", "Soyadı"),
    ("Prenume", "Nume"),
    ("Vardas", "Pavardė"),
    ("Vārds", "Uzvārds"),
    ("Όνομα", "Επώνυμο"),
    ("First Name [Required]", "Last Name [Required]"),
    ("First name (required)*", "Last name (required)*"),
    ("Nombre (obligatorio)", "Apellidos (obligatorio)"),
    ("Forename(s)", "Surname"),
    ("Other names", "Surname"),
    ("1st name", "Last name"),
    ("Name", "Surename"),
    ("givenName", "familyName"),
    ("Employee first name", "Employee last name"),
    ("Learner First Name", "Learner Surname"),
    ("Attendee First", "Attendee Last"),
    ("Contact First Name", "Contact Last Name"),
    ("Vorname(n)", "Nachname(n)"),
    ("Nombre", "Ap. Paterno"),
    ("Nombre", "A. Paterno"),
    ("Nombre", "Paterno"),
    ("Nombre", "1º Apellido"),
    ("Eesnimi", "Perenimi"),
    ("Nafn", "Eftirnafn"),
    ("Emër", "Mbiemër"),
    ("Izena", "Abizenak"),
    ("Име", "Презиме"),
    ("Име", "Фамилия"),
    ("Nama Depan", "Nama Belakang"),
    ("שם פרטי", "שם משפחה"),
    ("الاسم الأول", "اسم العائلة"),
    ("ชื่อ", "นามสกุล"),
]


@pytest.mark.parametrize(("given", "surname"), WESTERN)
@pytest.mark.parametrize("reverse", [False, True])
def test_two_halves_are_joined_given_name_first_wherever_they_stand(given: str, surname: str, reverse: bool) -> None:
    header, row = [given, surname, "Curso"], ["Ada", "Lovelace", "x"]
    if reverse:
        header[:2], row[:2] = header[1::-1], row[1::-1]
    found = read_roster("r.csv", f"{';'.join(header)}\n{';'.join(row)}\n".encode())
    assert found.errors == []
    assert [row.recipient for row in found.rows] == ["Ada Lovelace"]


@pytest.mark.parametrize(
    ("header", "row", "name"),
    [
        ("Vezetéknév;Keresztnév", "Nagy;Anna", "Nagy Anna"),
        ("Фамилия;Имя;Отчество", "Иванов;Иван;Иванович", "Иванов Иван Иванович"),
        ("姓;名", "山田;太郎", "山田太郎"),
        ("苗字;名前", "山田;太郎", "山田太郎"),
        ("성;이름", "김;철수", "김철수"),
        ("Прізвище;Ім'я;По батькові", "Косач;Лариса;Петрівна", "Косач Лариса Петрівна"),
        ("Име;Презиме;Фамилия", "Анна;Петрова;Керн", "Анна Петрова Керн"),
        ("Nombre;Ap. Paterno;Ap. Materno", "Ada;Byron;King", "Ada Byron King"),
        ("Paterno;Materno;Nombre", "Byron;King;Ada", "Ada Byron King"),
        ("Nombre;1º Apellido;2º Apellido", "Ada;Byron;King", "Ada Byron King"),
        ("First Name;M.I.;Last Name", "Ada;K;Lovelace", "Ada K Lovelace"),
        ("Name (Original Name);User Email", "Ada Lovelace;ada@example.com", "Ada Lovelace"),
        ("Họ và tên;Email", "Nguyễn Văn An;an@example.com", "Nguyễn Văn An"),
        ("Last name;First name", "김;민준", "김민준"),
        ("Nombre;Primer apellido;Segundo apellido", "Ana;García;López", "Ana García López"),
        ("Apellido paterno;Apellido materno;Nombre(s)", "García;López;Ana María", "Ana María García López"),
        ("Nombre;Segundo nombre;Apellidos", "Ana;María;García", "Ana María García"),
        ("First name;Middle name;Last name;Suffix", "Martin;Luther;King;Jr.", "Martin Luther King Jr."),
        ("Voornaam;Tussenvoegsel;Achternaam", "Vincent;van;Gogh", "Vincent van Gogh"),
        ("Nom;Cognom1;Cognom2", "Núria;Güell;Vilà", "Núria Güell Vilà"),
        ("First name;Last name", "Madonna;", "Madonna"),
        ("Name;Last name", "Ada Lovelace;Lovelace", "Ada Lovelace"),
        ("Full name;Last name", "Ada Lovelace;Lovelace", "Ada Lovelace"),
        ("Name;First name;Last name", "Ada Lovelace;Ada;Lovelace", "Ada Lovelace"),
    ],
)
def test_names_are_joined_in_the_order_of_their_language(header: str, row: str, name: str) -> None:
    found = read_roster("r.csv", f"{header}\n{row}\n".encode())
    assert found.errors == []
    assert [row.recipient for row in found.rows] == [name]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("First name;Course", "Ada;x"),
        ("Apellidos;Curso", "Lovelace;x"),
        ("Name;Guardian last name", "Ada;Byron"),
        ("Name;last nam", "Ada;Lovelace"),
        ("Name;Lastnmae", "Ada;Lovelace"),
        ("Name;2nd name", "Ada;Lovelace"),
        ("Employee first name;Manager last name", "Ada;Byron"),
        ("Name;Mother's surname", "Ada;Byron"),
        ("First name;Last name;Family name", "Ada;Lovelace;Byron"),
        ("Full name;Last name", "Ada Lovelace;Byron"),
        ("Nom de naissance;Nom d’usage;Prénom", "Byron;Lovelace;Ada"),
        ("Middle name;Course", "Ada;x"),
    ],
)
def test_half_a_name_that_cannot_be_joined_is_refused(header: str, row: str) -> None:
    found = read_roster("r.csv", f"{header}\n{row}\n".encode())
    assert found.rows == []
    assert found.errors


def test_no_column_is_both_a_field_and_a_part_of_a_name() -> None:
    for given, surname in WESTERN:
        assert not (field_of(given) and part_of(given))
        assert not (field_of(surname) and part_of(surname))


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (corpus.NAME_AND_LASTNAME, ["Ada Lovelace", "Grace Hopper"]),
        (corpus.SEPARATOR_LINE, ["Ada Lovelace"]),
        (corpus.GRADEBOOK, ["Ada Lovelace"]),
        (corpus.TEXT_ID, ["Ada Lovelace"]),
        (b"Apellidos;Nombre\nLovelace;Ada\n", ["Ada Lovelace"]),
        (b'"sep=;"\r\nname;course\r\nAda;x\r\n', ["Ada"]),
        ("sep=;\r\nname;course\r\nAda;x\r\n".encode("utf-16"), ["Ada"]),
        (b"sep=\t\r\nname\tcourse\r\nAda\tx\r\n", ["Ada"]),
        (b"sep=^\nname^course\nAda^x\n", ["Ada"]),
        (b"Spring course 2026;;\n;;\nname;email;course\nAda;ada@example.com;x\n", ["Ada"]),
        (b"Report\nMade on,2026-01-01\nname,email\nAda,ada@example.com\n", ["Ada"]),
        (b'name\n"Lovelace, Ada"\n"Hopper, Grace"\n', ["Ada Lovelace", "Grace Hopper"]),
        (b'name\n"King, Jr."\n', ["King, Jr."]),
        (b'name\n"Lovelace, Ada"\nGrace Hopper\n', ["Lovelace, Ada", "Grace Hopper"]),
        (b"phone,notes 1,recipient,class name,score 2\n1,2,Ada,3,4\n", ["Ada"]),
    ],
)
def test_usual_exports_are_read(data: bytes, rows: list[str]) -> None:
    found = read_roster("r.csv", data)
    assert found.errors == []
    assert [row.recipient for row in found.rows] == rows


def test_a_text_formula_is_its_text() -> None:
    (row,) = read_roster("r.csv", corpus.TEXT_ID).rows
    assert row.id == "00123"
    (row,) = read_roster("r.csv", b'name,id\nAda,"=""0,1"""\n').rows
    assert row.id == "0,1"


def test_lines_of_a_gradebook_that_are_no_person_are_left_out_and_told() -> None:
    assert [(line.line, line.reason) for line in read_roster("r.csv", corpus.GRADEBOOK).left_out] == [
        (2, "it names no student, in a gradebook"),
        (3, "“Points Possible” is not a person, in a gradebook"),
        (5, "“Student, Test” is not a person, in a gradebook"),
    ]


@pytest.mark.parametrize("name", ["Points Possible", "Student, Test", "Overall average", "TOTAL", "Moyenne générale"])
def test_elsewhere_a_line_that_is_no_person_is_an_error(name: str) -> None:
    found = read_roster("r.csv", f'name;course\n"{name}";x\n'.encode())
    assert found.rows == []
    assert "is not a person" in found.errors[0].message


def test_a_person_above_the_header_is_an_error() -> None:
    (error,) = read_roster("r.csv", b"Ada,ada@example.com\nname,email\nGrace,grace@example.com\n").errors
    assert (error.line, "above the header, which is in line 2" in error.message) == (1, True)


def test_an_unclosed_quote_makes_no_row_of_what_is_behind_it() -> None:
    found = read_roster("r.csv", b'Nombre;Curso\nAda;x\n"Grace;y\nEmmy;z\n')
    assert [row.recipient for row in found.rows] == ["Ada"]
    assert found.language == "es"
    assert [error.line for error in found.errors] == [3]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("Nombre;Correo electrónico", "es"),
        ("Nom;Cognoms;Correu", "ca"),
        ("Prénom;Nom;Courriel", "fr"),
        ("Nome;Apelido;Data", "pt"),
        ("Nome;Cognome;Data", ""),
        ("name;email", ""),
        ("nom;email", ""),
    ],
)
def test_the_header_tells_the_language(header: str, language: str) -> None:
    assert read_header(header.split(";")).language == language


def test_more_columns_than_allowed_are_refused() -> None:
    header = ",".join(f"c{n}" for n in range(table.MAX_COLUMNS + 1))
    (error,) = read_roster("r.csv", f"{header}\n".encode()).errors
    assert f"may have {table.MAX_COLUMNS:,}" in error.message


@pytest.mark.parametrize("size", [table.MAX_CELL_CHARACTERS + 1, 200_000])
def test_a_cell_larger_than_allowed_is_refused(size: int) -> None:
    (error,) = read_roster("r.csv", b"name,note\nAda," + b"x" * size + b"\n").errors
    assert f"a cell of more than {table.MAX_CELL_CHARACTERS:,}" in error.message


def test_rows_behind_the_limit_are_not_read() -> None:
    found = read_roster("r.csv", b"name\n" + b"Ada\n" * 10_000, max_rows=50)
    assert (found.lines, len(found.rows)) == (51, 51)


@pytest.mark.parametrize(
    "make",
    [
        lambda n: ",".join(f"column {k}" for k in range(n)).encode() + b",name\n" + b"," * n + b"Ada\n",
        lambda n: ",".join(f"last nam{k}" for k in range(n)).encode() + b",name\n",
        lambda n: b"name\n" + b"Ada\n" * 40 * n,
        lambda n: b"name\n" + "".join(f"José {k:x}ñ\n" for k in range(20 * n)).encode("cp1252"),
        lambda n: b"name\n" + b'"' * 50 * n,
        lambda n: b"sep=" * 100 * n,
    ],
)
def test_time_grows_with_the_input_and_not_faster(make: Callable[[int], bytes]) -> None:
    assert growth(lambda data: read_roster("r.csv", data), make(400), make(800), at_most=3.5) < 3.5
