"""The names of a roster's columns, in English, Spanish, Catalan, French and Portuguese. Pure."""

import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches

_NAMES = {
    "recipient": (
        "recipient, name, full name, student, participant, attendee, first and last name, "
        "destinatario, destinataria, nombre, nombre completo, nombre y apellidos, apellidos y nombre, alumno, alumna, "
        "participante, asistente, titular, destinatari, nom i cognoms, cognoms i nom, nom, nom complet, alumne, "
        "assistent, destinataire, nom et prénom, prénom et nom, nom prénom, prénom nom, élève, stagiaire, "
        "bénéficiaire, destinatário, destinatária, nome, nome completo, aluno, aluna, formando, formanda"
    ),
    "email": (
        "email, e-mail, mail, email address, e-mail address, correo, correo electrónico, dirección de correo, "
        "correu, correu electrònic, adreça electrònica, courriel, adresse e-mail, adresse électronique, "
        "adresse mail, mél, correio eletrónico, correio eletrônico, endereço de email, endereço de e-mail"
    ),
    "course": (
        "course, course name, course title, training, curso, nombre del curso, título del curso, formación, curs, "
        "nom del curs, títol del curs, formació, cours, intitulé, intitulé de la formation, formation, stage, "
        "nome do curso, título do curso, formação, ação de formação"
    ),
    "date": (
        "date, date of issue, issue date, issued, completion date, completed, fecha, fecha de expedición, "
        "fecha de finalización, data, data d’expedició, data de finalització, date de délivrance, date de fin, "
        "data de emissão, data de conclusão"
    ),
    "hours": (
        "hours, duration, number of hours, horas, duración, número de horas, hores, durada, nombre d’hores, heures, "
        "durée, nombre d’heures, duração, carga horária"
    ),
    "grade": (
        "grade, mark, result, score, nota, calificación, resultado, qualificació, resultat, note, mention, résultat, "
        "classificação"
    ),
    "id": (
        "id, id number, identifier, document, identity document, documento, documento de identidad, identificación, "
        "dni, nif, nie, matrícula, identificador, document d’identitat, identifiant, matricule, identificação, "
        "documento de identificação"
    ),
    "language": "language, lang, idioma, lengua, llengua, langue, língua",
}
# A recipient in two columns would be cut in half: each of these means that there is a second half.
_HALVES = (
    "surname, last name, family name, first name, given name, forename, apellidos, apellido, primer apellido, "
    "nombre de pila, cognoms, cognom, primer cognom, prénom, nom de famille, sobrenome, apelido, apelidos"
)
NEAR = 0.8
SHORTEST_MISSPELT = 6  # “notes” is not a misspelt “note”


def plain(name: str) -> str:
    """A column's name without case, accents and signs: `E-mail` is `e mail`."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare.casefold()).split())


_COLUMNS = {plain(name): column for column, names in _NAMES.items() for name in names.split(", ")}
_HALF = frozenset(plain(name) for name in _HALVES.split(", "))
FIELDS = tuple(_NAMES)


def column_of(name: str) -> str | None:
    """The column meant by a header's cell: one of `FIELDS`, or None for a column that is not used."""
    return _COLUMNS.get(plain(name))


def header_errors(header: Sequence[str]) -> list[str]:
    """Other columns than the known are allowed and not used, but not ones that are meant to be known and misspelt."""
    meant = [column_of(cell) for cell in header]
    wrong = []
    for field in FIELDS:
        if meant.count(field) > 1:
            cells = [_quoted(cell) for cell, meaning in zip(header, meant, strict=True) if meaning == field]
            wrong.append(f"column {field} is there twice: {', '.join(cells)}")
    halves = [cell for cell in header if plain(cell) in _HALF]
    if halves:
        wrong.append(
            f"the recipient stands in more than one column ({', '.join(map(_quoted, halves))}); "
            "write the whole name in one column, recipient"
        )
    missing = {name: field for name, field in _COLUMNS.items() if field not in meant and len(name) >= SHORTEST_MISSPELT}
    for cell in header:
        near = get_close_matches(plain(cell), missing, n=1, cutoff=NEAR) if column_of(cell) is None else []
        wrong += [f"column {_quoted(cell)} is not known; rename it {missing[name]}, or remove it" for name in near]
    if "recipient" not in meant and not wrong:
        found = ", ".join(_quoted(cell) for cell in header[:10])
        wrong.append(f"column recipient is missing; the columns found are {found}")
    return wrong


def _quoted(cell: str) -> str:
    return f"“{' '.join(cell.split())[:40]}”"
