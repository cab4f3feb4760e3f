"""Weighs the encodings in which a roster may have been saved against each other, over the whole file. Pure.

A wrong encoding prints wrong names: `Ayşe` in Windows-1254 is `Ayþe` in Windows-1252, and both decode without an error.
So each possible reading is asked how likely its words are as names: every word by the letter models of all languages,
whose shares in the file are estimated at the same time (expectation maximization). The work is bounded: at most
`MAX_WORDS` different words are looked at, whatever the size of the file.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bureau.contracts.encodings import ENCODINGS
from bureau.services.certificates.issuer.rosters.letter_models import (
    UNKNOWN,
    all_letters,
    alphabets,
    lowered,
    models,
)

# These logarithms say how likely an encoding is before anything is read. Excel on Windows writes the first ones.
_BEFORE = {
    "Windows-1252": 0.0,
    **{f"Windows-{page}": -1.0 for page in (1250, 1251, 1254)},
    **{f"Windows-{page}": -1.5 for page in (1253, 1255, 1256, 1257, 874)},
    **dict.fromkeys(("GB18030", "Big5", "Shift_JIS", "EUC-KR"), -4.0),
    "Windows-1258": -2.0,
    **{f"ISO-8859-{part}": -2.0 for part in (15, 2, 5, 7, 9, 13)},
    **{f"Mac {name}": -2.0 for name in ("Roman", "Central European", "Turkish", "Cyrillic", "Greek")},
    **{f"DOS {page}": -3.0 for page in (850, 437, 852, 857, 866, 737, 775)},
    "KOI8-R": -3.0,
    "KOI8-U": -3.0,
}
_SEVERAL_BYTES = frozenset({"GB18030", "Big5", "Shift_JIS", "EUC-KR"})
MAX_WORDS = 300
LONGEST_WORD = 60  # bytes; the rest of a longer one is not looked at
CERTAIN = 6.0  # the logarithm of how many times likelier the best reading must be: 400 times
# The same for letters against Chinese, Japanese or Korean characters. Two of these are four letters, as in “陈静” and
# “ГТОВ”, and a name in them is as likely as any other: a file with one such word says too little.
CERTAIN_OF_LETTERS = 12.0

# Bytes below 0x40 are the same in every one of these encodings, and none of them is the second byte of a character.
_WORD = re.compile(rb"[\x40-\xff]+")
# These signs are not letters, but are written in words; some only before a word, some only after one.
_OPENING, _CLOSING = frozenset("«“„‚‘¿¡"), frozenset("»”")
_SIGNS = _OPENING | _CLOSING | frozenset("\u00a0’´–—…•°ºª€™®©§№·\u200c\u200e\u200f、。・　（）；：，")
_SIGN = -5.0
_MISPLACED_SIGN = -12.0  # the cost of “Ñ” read as “–”
_ELIDED = 2  # letters before an apostrophe: d’Agosta, O’Brien, qu’une
_AFTER_LATIN = "\u0370"  # the first letter of other alphabets
_CASE = -3.0  # the cost of “José” read as “JosÈ”, “MARÍA” as “MARêA”
_MIXED_LETTERS = -6.0  # the cost of a word whose letters no single language has: “Núńez”
_ROUNDS = 4
# These are Hebrew and Arabic with their marks, Thai, kana and Han, Hangul.
_WHOLE_BLOCKS = (
    ("\u0591", "\u06d5"),
    ("\u0e01", "\u0e5b"),
    ("\u3041", "\u30fe"),
    ("\u3400", "\u9fff"),
    ("\uac00", "\ud7a3"),
)


@dataclass(frozen=True)
class Reading:
    """Holds the text as one encoding reads it. `score` is a logarithm; `words` are those with letters beyond ASCII."""

    encoding: str
    score: float
    words: Sequence[str]
    plausible: bool

    def certain_against(self, other: "Reading") -> bool:
        """Returns whether this reading is so much likelier that the other one is out of the question."""
        letters = other.encoding in _SEVERAL_BYTES and self.encoding not in _SEVERAL_BYTES
        no_letters = letters and not any(character.isascii() for word in other.words for character in word)
        return self.score - other.score >= (CERTAIN_OF_LETTERS if no_letters else CERTAIN)

    def first_difference(self, other: "Reading") -> tuple[int, str, str] | None:
        """Returns the number of the first word that the two read differently, and both readings of it."""
        for number, (mine, theirs) in enumerate(zip(self.words, other.words, strict=True)):
            if mine != theirs:
                return number, mine, theirs
        return None


def weigh(data: bytes) -> list[Reading]:
    """Returns the different readings of bytes that are not UTF-8, the likeliest first.

    Encodings that read the same text are one reading, which has the name of the likeliest of them.
    """
    beyond, plain = sample(data)
    plain_scores = [_scores([word.decode("ascii").lower()]) for word in plain]
    readings = [_reading(name, words, plain_scores) for name, words in _decoded(data, beyond)]
    return sorted(readings, key=lambda reading: -reading.score)


def sample(data: bytes) -> tuple[list[bytes], list[bytes]]:
    """Returns different words of the file: those with bytes beyond ASCII, and those without, in their order."""
    beyond: dict[bytes, None] = {}
    plain: dict[bytes, None] = {}
    for match in _WORD.finditer(data):
        word = match[0]
        if not word.isascii() and len(beyond) < MAX_WORDS and b"@" not in word:
            beyond[word[:LONGEST_WORD]] = None
        elif word.isalpha() and len(plain) < MAX_WORDS // 2 and len(word) <= LONGEST_WORD:
            plain[word] = None
        if len(beyond) == MAX_WORDS and len(plain) == MAX_WORDS // 2:
            break
    return list(beyond), list(plain)


def _decoded(data: bytes, beyond: Sequence[bytes]) -> Iterable[tuple[str, list[str]]]:
    """Yields each encoding that can read all of the file, unless one before it reads the same."""
    used = bytes(byte for byte in range(0x80, 0x100) if byte in data)
    seen = set()
    for name in _BEFORE:
        codec = ENCODINGS[name]
        try:
            text = data.decode(codec) if name in _SEVERAL_BYTES else used.decode(codec)
            words = [unicodedata.normalize("NFC", word.decode(codec, "ignore")) for word in beyond]
        except UnicodeDecodeError:
            continue
        if any(unicodedata.category(character) in ("Cc", "Co", "Cn") for character in set(text) - set("\t\r\n")):
            continue
        # A single-byte reading is identified by its text and the case of its letters; Romanian ş and ș are one letter.
        reads = name if name in _SEVERAL_BYTES else lowered(text) + str([c.isupper() for c in text])
        if reads not in seen:
            seen.add(reads)
            yield name, words


def _reading(name: str, words: Sequence[str], plain_scores: Sequence[Sequence[float]]) -> Reading:
    signs = 0.0
    scores = []
    for word in words:
        pieces, cost = _pieces(word)
        signs += cost + _CASE * _case_errors(word)
        if pieces:
            scores.append(_scores(pieces))
    score = _BEFORE[name] + signs + _mixture([*scores, *plain_scores])
    return Reading(name, score, words, all(map(_plausible, words)))


def _pieces(word: str) -> tuple[list[str], float]:
    """Splits a word at its signs; returns the pieces in lower case, and what the signs cost."""
    cost = 0.0
    letters_before = 0
    for sign, after in zip(word, f"{word[1:]} ", strict=True):
        if sign in _SIGNS:
            cost += _MISPLACED_SIGN if _misplaced(sign, letters_before, after) else _SIGN
        letters_before = 0 if sign in _SIGNS else letters_before + 1
    return lowered("".join(" " if c in _SIGNS else c for c in word)).split(), cost


def _misplaced(sign: str, letters_before: int, after: str) -> bool:
    if sign in "·\u200c":
        return not (letters_before and after.isalpha())
    if sign == "’":
        if not letters_before:  # ’t Hooft is Dutch, but “Άννα” read as “’ννα” is nobody
            return after.isalpha() and after >= _AFTER_LATIN
        return letters_before > _ELIDED or not after.isalpha()
    if sign in _OPENING:
        return letters_before > 0
    if sign in _CLOSING or sign in "ª°®™©":
        return after.isalpha()
    return letters_before > 0 and after.isalpha()


def _case_errors(word: str) -> int:
    inside = sum(
        before.islower() and letter.isupper() and not (before + letter).isascii() for before, letter in pairwise(word)
    )
    small = sum(
        one.isupper() and two.isupper() and three.islower() and not (one + two + three).isascii()
        for one, two, three in zip(word, word[1:], word[2:], strict=False)
    )
    return inside + small


def _plausible(word: str) -> bool:
    """Returns whether every character beyond ASCII is a letter of some language, or a sign that people write."""
    known = all_letters()
    return all(c.isascii() or c in _SIGNS or c in known or _in_known_block(c) for c in lowered(word))


def _in_known_block(character: str) -> bool:
    return any(first <= character <= last for first, last in _WHOLE_BLOCKS)


def _scores(pieces: Sequence[str]) -> list[float]:
    """Returns the likelihood of a word in each language, and at the end that of a name of no known language."""
    return [
        *(sum(map(model.log_likelihood, pieces)) for model in models().values()),
        sum(map(_foreign, pieces)),
    ]


def _foreign(piece: str) -> float:
    known = all_letters()
    sum_, scripts = -3.5, set()
    for character in piece:
        if character.isascii() and character.isalpha():
            sum_ -= 3.5
            scripts.add("LATIN")
        elif character in known:
            sum_ -= 7.5
            scripts.add(unicodedata.name(character).partition(" ")[0])
        else:
            sum_ += UNKNOWN
    if not any(letters.issuperset(piece) for letters in alphabets()):
        sum_ += _MIXED_LETTERS
    return sum_ + UNKNOWN * max(0, len(scripts) - 1)


def _mixture(words: Sequence[Sequence[float]]) -> float:
    """Returns the likelihood of all words together, each in any of the languages, whose shares fit the words best."""
    if not words:
        return 0.0
    shares = [1 / len(words[0])] * len(words[0])
    for _ in range(_ROUNDS):
        counts = [0.15] * len(shares)
        counts[-1] = 0.01
        for scores in words:
            weights, total = _weights(shares, scores)
            for language, weight in enumerate(weights):
                counts[language] += weight / total
        everything = sum(counts)
        shares = [count / everything for count in counts]
    sum_ = 0.0
    for scores in words:
        best = max(scores)
        sum_ += best + math.log(
            sum(share * math.exp(score - best) for share, score in zip(shares, scores, strict=True))
        )
    return sum_


def _weights(shares: Sequence[float], scores: Sequence[float]) -> tuple[list[float], float]:
    best = max(scores)
    weights = [share * math.exp(score - best) for share, score in zip(shares, scores, strict=True)]
    return weights, sum(weights)
