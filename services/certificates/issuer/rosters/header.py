"""Reads a roster's header: which column holds which field, and where the recipient's name is. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from bureau.services.certificates.issuer.rosters.columns import FIELDS, field_of, languages_of, near_field
from bureau.services.certificates.issuer.rosters.languages import LANGUAGES
from bureau.services.certificates.issuer.rosters.name_parts import (
    NamePart,
    half_alone,
    language_of_part,
    looks_like_part,
    missing_half,
    misspells_part,
    part_of,
    surname_first,
)
from bureau.services.certificates.issuer.rosters.people import has_surname_first, is_gradebook

_SHOWN = 10  # columns that a message lists
_COMPARED = 40  # unknown columns that are compared with misspelt names: it takes a millisecond for each


@dataclass(frozen=True)
class HeaderError:
    """Describes an error of the header; `column` is the cell it is about, or "" for the header as a whole."""

    column: str
    message: str


@dataclass(frozen=True)
class RosterHeader:
    """Holds the places of the cells, from 0.

    If there are both `parts` and a recipient, the parts confirm its name.
    """

    cells: Sequence[str]
    fields: Mapping[str, int]
    parts: Mapping[NamePart, int]
    language: str = ""  # a code of LANGUAGES, if the header is in a language other than English
    surname_comes_first: bool = False
    surname_first_cells: bool = False  # the cells of the recipient are written `Lovelace, Ada`
    gradebook: bool = False
    ignored: Sequence[str] = ()
    errors: Sequence[HeaderError] = field(default=())


def recognised(cells: Iterable[str]) -> int:
    """Returns how many cells name a field or a part of a name."""
    return sum(field_of(cell) is not None or part_of(cell) is not None for cell in cells)


def read_header(cells: Sequence[str]) -> RosterHeader:
    """Reads the cells of a header. The time it takes grows with their number, not faster."""
    by_field: dict[str, list[int]] = defaultdict(list)
    by_part: dict[NamePart, list[int]] = defaultdict(list)
    ignored: list[str] = []
    errors = []
    for place, cell in enumerate(cells):
        if name := field_of(cell):
            by_field[name].append(place)
        elif part := part_of(cell):
            by_part[part].append(place)
        elif looks_like_part(cell) or (len(ignored) < _COMPARED and misspells_part(cell)):
            errors.append(_unknown_part(cell))
        elif cell.strip():
            ignored.append(cell)
    _join_halves(cells, by_field, by_part)
    errors += _twice(cells, {name: by_field[name] for name in FIELDS})
    errors += _twice(cells, {str(part): by_part[part] for part in NamePart})
    if not errors:
        errors += _recipient_errors(cells, "recipient" in by_field and bool(by_field["recipient"]), by_part)
    languages = [language_of_part(cells[place]) for places in by_part.values() for place in places]
    recipient = by_field["recipient"]
    return RosterHeader(
        cells,
        fields={name: places[0] for name, places in by_field.items() if places},
        parts={part: places[0] for part, places in by_part.items() if places},
        language=_language(cells),
        surname_comes_first=surname_first(languages),
        surname_first_cells=bool(recipient) and has_surname_first(cells[recipient[0]]),
        gradebook=is_gradebook(cells),
        ignored=tuple(ignored),
        errors=tuple(errors),
    )


def _join_halves(cells: Sequence[str], by_field: dict[str, list[int]], by_part: dict[NamePart, list[int]]) -> None:
    """Takes a column such as `Nombre` for the half of a name that it is beside `Apellidos`."""
    if len(by_part[NamePart.MIDDLE]) == 1:
        (place,) = by_part[NamePart.MIDDLE]
        half = half_alone(cells[place], [part for part, places in by_part.items() if places])
        if half is not None:
            by_part[NamePart.MIDDLE] = []
            by_part[half].append(place)
    if len(by_field["recipient"]) != 1:
        return
    (place,) = by_field["recipient"]
    half = missing_half(cells[place], [part for part, places in by_part.items() if places])
    if half is not None:
        by_field["recipient"] = []
        by_part[half].append(place)


def _twice(cells: Sequence[str], places: Mapping[str, Sequence[int]]) -> list[HeaderError]:
    return [
        HeaderError(
            cells[found[1]],
            f"{name} is in {len(found)} columns: {_listed(cells[place] for place in found)}; keep one of them",
        )
        for name, found in places.items()
        if len(found) > 1
    ]


def _unknown_part(cell: str) -> HeaderError:
    return HeaderError(
        cell,
        f"column {_quoted(cell)} looks like a part of a name, and it is not clear whose; "
        "rename it “first name” or “last name” if it is the recipient's, otherwise remove it",
    )


def _recipient_errors(
    cells: Sequence[str], whole: bool, by_part: Mapping[NamePart, Sequence[int]]
) -> list[HeaderError]:
    parts = {part: places[0] for part, places in by_part.items() if places}
    if whole or (NamePart.GIVEN in parts and NamePart.SURNAME in parts):
        return []
    if parts:
        columns = _listed(cells[place] for place in parts.values())
        other = "given name" if NamePart.GIVEN not in parts else "surname"
        return [
            HeaderError(
                cells[min(parts.values())],
                f"only a part of the recipient's name is there ({columns}), without a column for the {other}; add it, "
                "or write the whole name in one column, recipient",
            )
        ]
    misspelt = [cell for cell in cells[:_SHOWN] if near_field(cell) == "recipient"]
    if misspelt:
        return [
            HeaderError(misspelt[0], f"column recipient is missing; is it {_quoted(misspelt[0])}? Rename it recipient")
        ]
    return [HeaderError("", f"column recipient is missing; the columns found are {_listed(cells)}")]


def _language(cells: Sequence[str]) -> str:
    """Returns the language of most of the known cells.

    English names are ignored, because they occur in files of every language.
    """
    counts: Counter[str] = Counter()
    for cell in cells:
        part_language = language_of_part(cell)
        languages = languages_of(cell) | ({part_language} if part_language else frozenset())
        if "en" not in languages:
            counts.update(languages)
    (first, most), (_, next_most) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    return first if most > next_most and first in LANGUAGES else ""


def _listed(cells: Iterable[str]) -> str:
    shown = list(islice(cells, _SHOWN + 1))
    return ", ".join(map(_quoted, shown[:_SHOWN])) + (" and more" if len(shown) > _SHOWN else "")


def _quoted(cell: str) -> str:
    return f"“{' '.join(cell[:200].split())[:40]}”"


def ignored_text(ignored: Sequence[str]) -> str:
    """Names the columns that are not used, with a hint for those that may be misspelt."""
    hints = [f"{_quoted(cell)}{f' (is it {near}?)' if (near := near_field(cell)) else ''}" for cell in ignored[:_SHOWN]]
    more = f" and {len(ignored) - _SHOWN} more" if len(ignored) > _SHOWN else ""
    return ", ".join(hints) + more
