"""Recognizes archives inside archives. They are refused, because their contents would not be checked. Pure."""

# These bytes, at their offset, mark each kind. DOCX, XLSX and JAR files are ZIP archives too.
_BEGINNINGS = (
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"PK\x05\x06", "ZIP"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (0, b"Rar!\x1a\x07", "RAR"),
    (0, b"MSCF", "cabinet"),
    (257, b"ustar", "tar"),
)
_ENDINGS = (".zip", ".jar", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".cab")

HEAD_BYTES = 262  # enough for every beginning above


def nested_kind(name: str, head: bytes) -> str | None:
    """Returns the kind of archive that a member is, by its first `HEAD_BYTES` bytes or its name, or None."""
    for place, mark, kind in _BEGINNINGS:
        if head[place : place + len(mark)] == mark:
            return kind
    ending = next((ending for ending in _ENDINGS if name.lower().endswith(ending)), None)
    return ending.removeprefix(".") if ending else None
