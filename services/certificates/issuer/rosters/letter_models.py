"""Models how likely letters follow one another in the names of each language.

The models are learned from the files in `letters/`. Pure.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("letters")
UNKNOWN = math.log(1e-6)  # a letter that the language does not have
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_KOREAN_NAMES = (  # syllables that names are made of
    "가강건결겸경고곤곽관광교구국권규균근기길김나남노다단담대도돈동두라란람래련령례류름리린림만명모무문미민박배백범병보비빈산상서석선설섬섭성세소손솔송수숙순슬승시식신심아안애"
    "양어언엄여연열엽영예오옥옹완요용우욱운웅원월유윤율은음의이익인일임자장재전정제조종주준중지진차찬창채천철청초최추춘치태택표하학한항해향허헌혁현협형혜호홍화환황회효후훈휘희"
)
_START, _END = "^", "$"

# Some letters have two forms that mean the same, and Turkish İ has no small letter of one character.
_ONE_FORM = str.maketrans({"ș": "ş", "ț": "ţ", "Ș": "ş", "Ț": "ţ", "İ": "i"})


def lowered(word: str) -> str:
    """Returns a word in the form that models know: lower case, composed."""
    return unicodedata.normalize("NFC", word.translate(_ONE_FORM).lower())


class LetterModel:
    """Says how likely a word is in one language, by pairs of letters (smoothed as Witten and Bell do)."""

    def __init__(self, letters: Iterable[str], words: Iterable[str]) -> None:
        pairs: Counter[str] = Counter()
        single: Counter[str] = Counter()
        for word in words:
            before = _START
            for letter in word + _END:
                pairs[before + letter] += 1
                single[letter] += 1
                before = letter
        for letter in letters:  # a rare letter of the language is possible, although no word of the file has it
            single[letter] += 0
        starts: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        for pair, count in pairs.items():
            starts[pair[0]] += count
            kinds[pair[0]] += 1
        total = single.total() + 0.5 * len(single)
        self.letters = frozenset(single)
        self._share = {letter: starts[letter] / (starts[letter] + kinds[letter]) for letter in starts}
        self._single = {letter: (count + 0.5) / total for letter, count in single.items()}
        self._pairs = {
            pair: math.log(
                self._share[pair[0]] * count / starts[pair[0]] + (1 - self._share[pair[0]]) * self._single[pair[1]]
            )
            for pair, count in pairs.items()
        }

    def log_likelihood(self, word: str) -> float:
        """Returns the logarithm of the probability of a `lowered` word."""
        strange = set(word) - self.letters
        if strange:  # no need to be exact about a word that this language cannot have
            return -3.0 * len(word) + UNKNOWN * sum(letter in strange for letter in word)
        sum_, before = 0.0, _START
        for letter in word + _END:
            known = self._pairs.get(before + letter)
            if known is None:
                known = math.log((1 - self._share.get(before, 0.0)) * self._single[letter])
            sum_ += known
            before = letter
        return sum_


class CharacterModel:
    """Says how likely a word is in a language with thousands of characters: the usual ones are equally likely."""

    def __init__(self, codec: str, usual_rows: range, frequent: str = "") -> None:
        """`usual_rows` are the first bytes of the usual characters in `codec`; names are mostly made of `frequent`."""
        self._codec = codec
        self._usual_rows = usual_rows
        self._frequent = frozenset(frequent)

    def log_likelihood(self, word: str) -> float:
        return sum(map(self._one, word))

    def _one(self, character: str) -> float:
        if character in self._frequent:
            return -5.0
        encoded = character.encode(self._codec, "ignore")
        if len(encoded) != 2:
            return UNKNOWN
        return -7.5 if encoded[0] in self._usual_rows else UNKNOWN


@cache
def models() -> Mapping[str, LetterModel | CharacterModel]:
    """Returns the model of each language by its code. They are made once, when first needed: it takes 0.1 s."""
    found: dict[str, LetterModel | CharacterModel] = {}
    for path in sorted(FOLDER.glob("*.txt")):
        first, _, words = path.read_text(encoding="utf-8").partition("\n")
        letters = set(first.removeprefix("letters:").split())
        latin = not letters or any(unicodedata.name(letter).startswith("LATIN") for letter in letters)
        letters |= set(_LATIN) if latin else set()
        found[path.stem] = LetterModel(letters, map(lowered, words.split()))
    found["zh"] = CharacterModel("gb2312", range(0xB0, 0xD8))
    found["tw"] = CharacterModel("big5", range(0xA4, 0xC7))
    found["ja"] = CharacterModel("shift_jis", range(0x88, 0x98), "".join(map(chr, range(0x3041, 0x30FF))))
    found["ko"] = CharacterModel("euc_kr", range(0xB0, 0xC9), _KOREAN_NAMES)
    return found


@cache
def alphabets() -> Sequence[frozenset[str]]:
    """Returns the letters of each language that has a `LetterModel`."""
    return tuple(model.letters for model in models().values() if isinstance(model, LetterModel))


@cache
def all_letters() -> frozenset[str]:
    """Returns the letters of all these languages together."""
    return frozenset().union(*alphabets())
