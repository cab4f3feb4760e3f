"""Defines the names of a roster's columns, in the languages of certificates and of usual exports. Pure."""

import unicodedata
from difflib import get_close_matches
from functools import lru_cache

# The names are listed by field and language. A name that several languages share is listed for each of them.
NAMES: dict[str, dict[str, str]] = {
    "recipient": {
        "en": "recipient, name, full name, student, student name, participant, participant name, attendee, "
        "attendee name, learner, trainee, employee, employee name, member, first and last name, "
        "name of student, name of participant, display name, recipient name, certificate name, name on certificate, "
        "name (original name), user name (original name)",
        "es": "destinatario, destinataria, nombre, nombre completo, nombre y apellidos, nombre y apellido, "
        "apellidos y nombre, apellidos y nombres, apellidos nombre, nombres y apellidos, nombre del alumno, "
        "nombre del participante, alumno, alumna, estudiante, participante, asistente, titular, "
        "trabajador, trabajadora",
        "ca": "destinatari, destinatària, nom i cognoms, nom i cognom, cognoms i nom, cognoms nom, nom, nom complet, "
        "alumne, alumna, participant, assistent, nom de l’alumne, persona",
        "fr": "destinataire, nom et prénom, nom et prénoms, nom et prénom(s), prénom et nom, nom prénom, prénom nom, "
        "nom complet, nom, élève, étudiant, étudiante, stagiaire, apprenant, apprenante, participant, participante, "
        "bénéficiaire, titulaire",
        "pt": "destinatário, destinatária, nome, nome completo, nome e apelido, nome e sobrenome, aluno, aluna, "
        "estudante, formando, formanda, participante, nome do aluno, nome do participante, nome do formando",
        "de": "teilnehmer, teilnehmerin, teilnehmername, vollständiger name, voller name, vor- und nachname, "
        "vorname nachname, vorname und nachname, nachname vorname, schüler, studierende",
        "it": "nome e cognome, cognome e nome, cognome nome, nominativo, partecipante, studente, allievo, corsista",
        "nl": "naam, volledige naam, deelnemer, cursist, leerling",
        "tr": "ad soyad, adı soyadı, ad ve soyad, isim soyisim, isim, katılımcı, öğrenci, öğrenci adı",
        "pl": "imię i nazwisko, nazwisko i imię, uczestnik, uczeń",
        "cs": "jméno a příjmení, příjmení a jméno, účastník, celé jméno",
        "hu": "teljes név, név, résztvevő",
        "ro": "nume, nume și prenume, nume complet, cursant, participant",
        "ru": "фио, ф и о, полное имя, участник, слушатель, студент",
        "el": "ονοματεπώνυμο, πλήρες όνομα",
        "other": "navn, namn, nimi, ime i prezime, ime in priimek, vardas ir pavardė, vārds un uzvārds, "
        "meno a priezvisko, "
        "піб, прізвище та ім’я, име и фамилия, 姓名, 氏名, 名前, 이름, 성명, họ và tên, họ tên, nama, nama lengkap, "
        "emri i plotë, izen-abizenak, nafn, fullt nafn, שם מלא, الاسم الكامل, ชื่อ-นามสกุล",
    },
    "email": {
        "en": "email, e-mail, mail, email address, e-mail address, mail address, primary email, email 1, "
        "e-mail 1 value, work email, email(s), user email, attendee email, participant email, student email, "
        "learner email, employee email, recipient email",
        "es": "correo, correo electrónico, dirección de correo, dirección de correo electrónico, dirección email, "
        "correo-e, e-correo",
        "ca": "correu, correu electrònic, adreça electrònica, adreça de correu, adreça de correu electrònic, "
        "adreça e-mail",
        "fr": "courriel, adresse e-mail, adresse électronique, adresse mail, adresse courriel, adresse de courriel, "
        "adresse de messagerie, mél",
        "pt": "correio eletrónico, correio eletrônico, correio electrónico, endereço de email, endereço de e-mail, "
        "endereço eletrônico, endereço eletrónico",
        "de": "e-mail-adresse, emailadresse, mailadresse",
        "it": "indirizzo email, indirizzo e-mail, posta elettronica, indirizzo di posta elettronica",
        "nl": "e-mailadres, mailadres",
        "tr": "e-posta, e-posta adresi, eposta",
        "pl": "adres e-mail, adres email, poczta elektroniczna",
        "cs": "e-mailová adresa",
        "hu": "e-mail cím, email cím",
        "ro": "adresă de e-mail, adresa de email",
        "ru": "электронная почта, эл почта, почта, адрес электронной почты",
        "el": "ηλεκτρονικό ταχυδρομείο, διεύθυνση email",
        "other": "e-postadress, e-post, epost, e-postadresse, sähköposti, sähköpostiosoite, e-pošta, e-pasts, "
        "el. paštas, "
        "電子郵件, 邮箱, 电子邮箱, 电子邮件, メール, メールアドレス, 이메일",
    },
    "course": {
        "en": "course, course name, course title, training, training title, class title",
        "es": "curso, nombre del curso, título del curso, formación, acción formativa",
        "ca": "curs, nom del curs, títol del curs, formació, acció formativa",
        "fr": "cours, intitulé, intitulé de la formation, intitulé du cours, formation, stage",
        "pt": "curso, nome do curso, título do curso, formação, ação de formação",
        "de": "kurs, kursname, kurstitel, lehrgang, schulung, seminar",
        "it": "corso, nome del corso, titolo del corso, formazione",
        "nl": "cursus, cursusnaam, opleiding",
        "tr": "kurs, kurs adı, eğitim, eğitim adı",
        "pl": "kurs, nazwa kursu, szkolenie",
        "cs": "kurz, název kurzu, školení",
        "hu": "tanfolyam, képzés",
        "ru": "курс, название курса",
    },
    "date": {
        "en": "date, date of issue, issue date, issued, issued on, completion date, date completed, completed, "
        "completed on",
        "es": "fecha, fecha de expedición, fecha de finalización, fecha de emisión",
        "ca": "data, data d’expedició, data de finalització, data d’emissió",
        "fr": "date, date de délivrance, date de fin, date d’obtention",
        "pt": "data, data de emissão, data de conclusão",
        "de": "datum, ausstellungsdatum, abschlussdatum",
        "it": "data, data di rilascio, data di fine",
        "nl": "datum",
        "tr": "tarih",
        "pl": "data, data wydania",
        "cs": "datum",
        "hu": "dátum",
        "ru": "дата",
    },
    "hours": {
        "en": "hours, duration, number of hours",
        "es": "horas, duración, número de horas",
        "ca": "hores, durada, nombre d’hores",
        "fr": "heures, durée, nombre d’heures",
        "pt": "horas, duração, carga horária, número de horas",
        "de": "stunden, dauer, stundenzahl",
        "it": "ore, durata",
        "nl": "uren, duur",
        "tr": "saat, süre",
    },
    "grade": {
        "en": "grade, mark, result, score",
        "es": "nota, calificación, resultado",
        "ca": "nota, qualificació, resultat",
        "fr": "note, mention, résultat",
        "pt": "nota, classificação, resultado",
        "de": "note, ergebnis",
        "it": "voto, risultato",
        "nl": "cijfer, resultaat",
    },
    "id": {
        "en": "id, id number, identifier, document, identity document",
        "es": "documento, documento de identidad, identificación, dni, nif, nie, matrícula, identificador",
        "ca": "document, document d’identitat, identificador, dni, nif, nie",
        "fr": "identifiant, matricule",
        "pt": "documento de identificação, identificação, nif, cpf",
        "it": "codice fiscale, matricola",
        "de": "matrikelnummer, personalnummer",
    },
    "language": {
        "en": "language, lang",
        "es": "idioma, lengua",
        "ca": "idioma, llengua",
        "fr": "langue",
        "pt": "idioma, língua",
        "de": "sprache",
        "it": "lingua",
        "nl": "taal",
    },
}
FIELDS = tuple(NAMES)
NEAR = 0.8
SHORTEST_MISSPELT = 6  # shorter words are not matched: “notes” is not a misspelt “note”
_LONGEST_NAME = 60  # characters of a cell that are compared with misspelt names


_REQUIRED = frozenset(  # forms mark columns with them: `First Name [Required]`
    {"required", "mandatory", "optional", "obligatorio", "requerido", "obligatori", "obligatoire", "obrigatorio"}
    | {"pflichtfeld", "erforderlich", "obbligatorio", "verplicht"}
)


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Returns a column's name without case, accents, signs and the mark of a required one: `E-mail` is `e mail`."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    words = "".join(c if c.isalnum() else " " for c in bare.casefold().replace("ı", "i")).split()
    if len(words) > 1 and words[-1] in _REQUIRED:
        del words[-1]
    return " ".join(words)


_FIELDS_BY_NAME: dict[str, str] = {}
_LANGUAGES_BY_NAME: dict[str, set[str]] = {}
for _field, _by_language in NAMES.items():
    for _language, _names in _by_language.items():
        for _name in _names.split(", "):
            _FIELDS_BY_NAME.setdefault(plain(_name), _field)
            _LANGUAGES_BY_NAME.setdefault(plain(_name), set()).add(_language)


def field_of(name: str) -> str | None:
    """Returns the field that a header's cell names: one of `FIELDS`, or None for a column that is not used."""
    return _FIELDS_BY_NAME.get(plain(name))


def languages_of(name: str) -> frozenset[str]:
    """Returns the languages in which a header's cell names a field."""
    return frozenset(_LANGUAGES_BY_NAME.get(plain(name), ()))


def near_field(name: str) -> str | None:
    """Returns the field whose name a cell seems to misspell. It compares with all names: ask for a few cells only."""
    text = plain(name[:_LONGEST_NAME])
    near = get_close_matches(text, [one for one in _FIELDS_BY_NAME if len(one) >= SHORTEST_MISSPELT], n=1, cutoff=NEAR)
    return _FIELDS_BY_NAME[near[0]] if near else None
