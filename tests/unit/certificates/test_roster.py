"""Rosters are read leniently where it is harmless, and all their mistakes are told at once by file and line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.services.certificates.issuer.rosters.fields import MAX_CHARACTERS
from bureau.services.certificates.issuer.rosters.header import ignored_text
from bureau.services.certificates.issuer.rosters.people import is_no_person
from bureau.services.certificates.issuer.rosters.roster import RosterRow, detect_delimiter, read_roster

HEADER = "recipient,email,course,date,hours,grade,id\n"


def rows(text: str) -> list[RosterRow]:
    roster = read_roster("r.csv", text.encode("utf-8"))
    assert roster.errors == []
    return list(roster.rows)


def errors(data: bytes | str) -> list[str]:
    roster = read_roster("r.csv", data.encode("utf-8") if isinstance(data, str) else data)
    return [str(error) for error in roster.errors]


def test_every_column_is_read() -> None:
    text = HEADER + "Ada Lovelace,ada@example.com,Engines,2024-05-17,40,A,X-1\n"
    assert rows(text) == [RosterRow(2, "Ada Lovelace", "ada@example.com", "Engines", "2024-05-17", "40", "A", "X-1")]


def test_only_the_recipient_is_required() -> None:
    assert rows("recipient\nAda\n") == [RosterRow(2, "Ada")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_detected(delimiter: str) -> None:
    text = delimiter.join(["recipient", "course"]) + "\n" + delimiter.join(["Ada", '"Engines, steam; etc."']) + "\n"
    assert rows(text) == [RosterRow(2, "Ada", course="Engines, steam; etc.")]


def test_a_column_name_may_hold_another_delimiter() -> None:
    assert detect_delimiter("notes, if any;recipient;course\n") == ";"


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    roster = read_roster("r.csv", b"\xef\xbb\xbfrecipient;course\r\nAda;Engines\r\n")
    assert list(roster.rows) == [RosterRow(2, "Ada", course="Engines")]


def test_column_names_may_differ_in_case_and_spaces_and_stand_in_quotes() -> None:
    assert rows('" Recipient ";"COURSE"\nAda;Engines\n') == [RosterRow(2, "Ada", course="Engines")]


def test_blank_lines_are_passed_over_and_lines_still_counted_right() -> None:
    assert [row.line for row in rows("recipient\n\nAda\n,,\n\nGrace\n")] == [3, 6]


def test_a_cell_may_span_lines_and_becomes_one() -> None:
    found = rows('recipient,course\n"Ada\nLovelace",Engines\nGrace,Compilers\n')
    assert found == [RosterRow(2, "Ada Lovelace", course="Engines"), RosterRow(4, "Grace", course="Compilers")]


def test_other_columns_are_allowed_and_not_used() -> None:
    assert rows("phone,recipient,department\n12,Ada,Maths\n") == [RosterRow(2, "Ada")]


def test_short_rows_leave_the_last_columns_empty() -> None:
    assert rows("recipient,course,date\nAda,Engines\n") == [RosterRow(2, "Ada", course="Engines")]


def test_letters_come_in_one_form_however_they_were_typed() -> None:
    assert rows("recipient\nRene\u0301e\n") == [RosterRow(2, "Renée")]


def test_all_errors_are_told_at_once_by_line() -> None:
    text = HEADER + ",x,,,,,\nAda,ada@example.com,,,,,\nGrace,not an address,,,,,,too many\n"
    assert errors(text) == [
        "r.csv, line 2: email “x” is not an address: An email address must have an @-sign",
        "r.csv, line 2: recipient is empty",
        "r.csv, line 4: has 8 cells, but the header has 7; quote cells that hold the delimiter",
        "r.csv, line 4: email “not an address” is not an address: An email address must have an @-sign",
    ]


@pytest.mark.parametrize("column", ["recipient", "course", "date", "hours", "grade", "id"])
def test_a_field_that_does_not_fit_the_page_is_an_error(column: str) -> None:
    limit = MAX_CHARACTERS[column]
    row = {"recipient": "Ada"} | {column: "x" * (limit + 1)}
    (error,) = errors(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    assert f"{column} has {limit + 1} characters; at most {limit} fit" in error


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\ue000", "\uffff"])
def test_characters_that_are_not_text_are_an_error(character: str) -> None:
    assert "not text" in errors(f"recipient\nA{character}da\n")[0]


def test_a_letter_lost_by_an_earlier_conversion_is_an_error() -> None:
    assert "lost a letter" in errors("recipient\nMar\ufffda\n")[0]


@pytest.mark.parametrize("name", ["María Núñez", "MARÍA NÚÑEZ", "Élise Œuvray", "João Gonçalves", "Núria Güell i Vilà"])
@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("cp1252", "Windows-1252"),
        ("mac_roman", "Mac Roman"),
    ],
)
def test_the_encoding_is_detected(name: str, codec: str, said: str) -> None:
    text = f"Nombre;Curso;Teléfono\nAda;x\n{name};Engines\nJosé Peña Núñez;Álgebra\n"
    roster = read_roster("r.csv", text.encode(codec))
    assert roster.errors == []
    assert [row.recipient for row in roster.rows] == ["Ada", name, "José Peña Núñez"]
    assert (roster.encoding, roster.delimiter) == (said, ";")


@pytest.mark.parametrize(
    "header",
    [
        "Full name,E-mail address,Course name,Date of issue,Duration,Mark,ID number,Language",
        "Nombre y apellidos,Correo electrónico,Curso,Fecha,Horas,Calificación,DNI,Idioma",
        "Nom i cognoms,Adreça electrònica,Curs,Data d’expedició,Durada,Qualificació,Identificador,Llengua",
        "Nom et prénom,Courriel,Intitulé de la formation,Date de délivrance,Durée,Mention,Matricule,Langue",
        "Nome completo,Correio eletrónico,Ação de formação,Data,Carga horária,Classificação,NIF,Língua",
        "NOME COMPLETO,CORREIO_ELETRONICO,ACAO-DE-FORMACAO,DATA,CARGA HORARIA,CLASSIFICACAO,nif,lingua",
    ],
)
def test_column_names_are_known_in_five_languages(header: str) -> None:
    found = rows(f"{header}\nAda,ada@example.com,Engines,2024-05-17,40,A,X-1,fr-CA\n")
    assert found == [RosterRow(2, "Ada", "ada@example.com", "Engines", "2024-05-17", "40", "A", "X-1", "fr")]


@pytest.mark.parametrize(
    ("given", "code"), [("español", "es"), ("Catalan", "ca"), ("PT-br", "pt"), ("", ""), ("en", "en")]
)
def test_a_language_is_a_code_or_a_name(given: str, code: str) -> None:
    assert rows(f"recipient,language\nAda,{given}\n")[0].language == code


def test_a_language_no_certificate_is_written_in_is_an_error() -> None:
    (error,) = errors("recipient,language\nAda,Klingon\n")
    assert "language “Klingon” is not one" in error
    assert "ca (català)" in error


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\xff\xfe" + b"a\x00\x00\xd8", "UTF-16"),
        (b"PK\x03\x04rest of a workbook", "spreadsheet"),
        (b"\xd0\xcf\x11\xe0old workbook", "spreadsheet"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_other_kinds_of_files_are_named_for_what_they_are(data: bytes, what: str) -> None:
    (error,) = errors(data)
    assert what in error
    assert "CSV UTF-8" in error


@pytest.mark.parametrize("text", ["", "\n\n", " \t\r\n"])
def test_an_empty_roster_is_an_error(text: str) -> None:
    assert "is empty" in errors(text)[0]


def test_a_roster_without_rows_is_an_error() -> None:
    assert errors(HEADER) == ["r.csv: has no rows below its header"]


def test_a_missing_recipient_column_names_those_found() -> None:
    (error,) = errors("who,course\nAda,Engines\n")
    assert error == "r.csv, line 1: column recipient is missing; the columns found are “who”, “course”"


def test_a_misspelt_recipient_column_is_named() -> None:
    assert "Rename it recipient" in errors("recipent,course\nAda,Engines\n")[0]


def test_a_misspelt_column_is_ignored_and_told() -> None:
    roster = read_roster("r.csv", b"recipient,e-mial adress,phone\nAda,ada@example.com,7\n")
    assert roster.rows == [RosterRow(2, "Ada")]
    assert ignored_text(roster.ignored) == "“e-mial adress” (is it email?), “phone”"


def test_a_column_given_twice_is_an_error() -> None:
    assert errors("recipient,course,Curso\nAda,a,b\n") == [
        "r.csv, line 1: course is in 2 columns: “course”, “Curso”; keep one of them"
    ]


def test_an_unclosed_quote_is_an_error_on_the_line_that_opens_it() -> None:
    (error,) = errors('recipient\nAda\n"Grace\nEmmy\n')
    assert error.startswith("r.csv, line 3: cannot be read as CSV")


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail_otherwise(data: bytes) -> None:
    for candidate in (data, b"recipient\n" + data):
        roster = read_roster("r.csv", candidate)
        assert roster.rows or roster.errors


def looks_garbled(name: str) -> bool:
    """Tests whether a name may be UTF-8 that was read as Windows-1252, which a roster refuses."""
    try:
        return name.strip().encode("cp1252").decode() != name.strip()
    except UnicodeError:
        return False


names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=60).filter(
    lambda name: (
        name.strip()
        and not set("\ufffd?,=") & set(name)
        and name.isprintable()
        and not looks_garbled(name)
        and not is_no_person(name)
    )
)


@given(st.lists(names, min_size=1, max_size=20), st.sampled_from(",;\t"))
def test_a_roster_from_a_csv_writer_is_read_back(recipients: list[str], delimiter: str) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(["recipient", "course"])
    writer.writerows([name, "a, b; c"] for name in recipients)
    roster = read_roster("r.csv", file.getvalue().encode("utf-8"))
    assert [error.message for error in roster.errors if "characters; at most" not in error.message] == []
    assert len(roster.rows) == len(recipients)
    assert {row.course for row in roster.rows} == {"a, b; c"}
