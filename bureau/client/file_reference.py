"""Defines the reference to a stored file in a request."""


class FileReference:
    """Refers to the stored file with this id."""

    id: str
