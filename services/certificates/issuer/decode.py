"""A roster's bytes as text."""

_SPREADSHEET = "it is a spreadsheet, not CSV"
_BEGINNINGS = {
    b"PK\x03\x04": _SPREADSHEET,
    b"\xd0\xcf\x11\xe0": _SPREADSHEET,
    b"%PDF": "it is a PDF, not CSV",
    b"\xff\xfe": "it is UTF-16",
    b"\xfe\xff": "it is UTF-16",
}
MEND = "save it as “CSV UTF-8” (Excel: Save as, CSV UTF-8; LibreOffice: Text CSV, character set UTF-8)"


class NotTextError(Exception):
    """The file is not UTF-8; the message says what it is and how to save it."""


def decode(data: bytes) -> str:
    """UTF-8 with or without a byte order mark. Raises `NotTextError`."""
    for beginning, what in _BEGINNINGS.items():
        if data.startswith(beginning):
            raise NotTextError(f"{what}; {MEND}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise NotTextError(f"it is not UTF-8 (byte 0x{byte:02X} in line {line}); {MEND}") from None
