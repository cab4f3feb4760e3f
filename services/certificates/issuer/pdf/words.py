"""Defines the fixed texts of a certificate, in the languages in which it may be written. Pure."""

from collections.abc import Mapping
from datetime import date

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Certificate",
        "certify": "This is to certify that",
        "completed": "has successfully completed",
        "awarded": "has been awarded this certificate",
        "date": "Date",
        "hours": "Hours",
        "grade": "Grade",
        "id": "ID",
        "signature": "Signature",
        "scan": "Scan the code to verify",
        "qr": "QR code that leads to the page where this certificate can be verified",
    },
    "es": {
        "title": "Certificado",
        "certify": "Se certifica que",
        "completed": "ha completado con éxito",
        "awarded": "ha recibido este certificado",
        "date": "Fecha",
        "hours": "Horas",
        "grade": "Calificación",
        "id": "Identificación",
        "signature": "Firma",
        "scan": "Escanee el código para verificarlo",
        "qr": "Código QR que lleva a la página en que se verifica este certificado",
    },
    "ca": {
        "title": "Certificat",
        "certify": "Es certifica que",
        "completed": "ha completat amb èxit",
        "awarded": "ha rebut aquest certificat",
        "date": "Data",
        "hours": "Hores",
        "grade": "Qualificació",
        "id": "Identificació",
        "signature": "Signatura",
        "scan": "Escanegeu el codi per verificar-lo",
        "qr": "Codi QR que porta a la pàgina on es verifica aquest certificat",
    },
    "fr": {
        "title": "Certificat",
        "certify": "Nous certifions que",
        "completed": "a suivi avec succès",
        "awarded": "a reçu ce certificat",
        "date": "Date",
        "hours": "Heures",
        "grade": "Mention",
        "id": "Identifiant",
        "signature": "Signature",
        "scan": "Scannez le code pour vérifier",
        "qr": "Code QR menant à la page où ce certificat se vérifie",
    },
    "pt": {
        "title": "Certificado",
        "certify": "Certifica-se que",
        "completed": "concluiu com êxito",
        "awarded": "recebeu este certificado",
        "date": "Data",
        "hours": "Horas",
        "grade": "Classificação",
        "id": "Identificação",
        "signature": "Assinatura",
        "scan": "Leia o código para verificar",
        "qr": "Código QR que leva à página onde este certificado se verifica",
    },
}

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "ca": "gener febrer març abril maig juny juliol agost setembre octubre novembre desembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}


def iso_date(text: str) -> date | None:
    """Returns the date if `text` is one in the form 2026-10-30."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def date_words(text: str, language: str) -> str:
    """Returns a date in ISO form as people write it, and anything else as it is."""
    found = iso_date(text)
    if found is None:
        return text
    month = _MONTHS[language].split()[found.month - 1]
    match language:
        case "es" | "pt":
            return f"{found.day} de {month} de {found.year}"
        case "ca":
            return f"{found.day} {'d’' if month[0] in 'ao' else 'de '}{month} de {found.year}"
        case "fr":
            return f"{'1er' if found.day == 1 else found.day} {month} {found.year}"
        case _:
            return f"{found.day} {month} {found.year}"
