"""A layer as it is said: the text of one item → the layers that it means, in the words of the language.

    3x3 conv, 64, /2            conv kernel=3x3 filters=64 stride=2
    conv3-64                    conv kernel=3 filters=64
    max pool 3x3 stride of 2    pool kernel=3x3 stride=2
    dense(10, relu)             fc 10 | relu

A phrase has the name of a layer somewhere in it, numbers and words before and behind it, and further layers behind
those. Each number goes with the name of an argument beside it; what stands alone goes where papers have it. What is
not understood to the last word is not understood at all, and where two readings give different figures it is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from cnncalc.language.lenient import (
    argument_for,
    argument_value,
    is_passed_over,
    larger,
    stated_name,
    states_channels,
    word_of,
)
from cnncalc.language.said_words import HOLE, SIZES, parts_of, words_of
from cnncalc.layers.base import REGISTRY, Layer

NUMBER = re.compile(rf"{SIZES}|{HOLE}|\d*\.\d+")
NUMBER_OR_SIZES = re.compile(rf"{SIZES}|{HOLE}")
#: An argument's name or letter glued to its number, and several of them: `stride2`, `k3s2p1`.
GLUED = re.compile(rf"([A-Za-z_]+)({SIZES}(?:-\d+)?|{HOLE})")

#: Words without a meaning of their own in a phrase.
FILLING = {"with", "of", "and", "a", "an", "the", "using", "layer", "layers", "by", "to"}
#: What a layer is called by an argument that it has: the argument has to be there.
ADJECTIVES = {"dilated": "dilation", "atrous": "dilation", "strided": "stride", "grouped": "groups", "group": "groups"}
#: What a layer is called without a meaning for its figures.
USUAL = {"standard", "regular", "plain", "normal", "ordinary", "spatial", "vanilla", "full"}
#: Letters for a window or filters, and what they are where the rest does not say otherwise.
LETTERS = {"k": "kernel", "f": "filters", "c": "filters", "n": "filters"}
NOT = {"no", "without", "non"}

#: A word of a layer's name, in a framework or in prose.
NAME = re.compile(r"(?:[A-Za-z_]+\.)*[A-Za-z_][A-Za-z_-]*(?:[123][dD]\w*)?|[A-Za-z]+6")

#: A name of several words has at most so many.
MOST_WORDS = 4
#: A phrase is at most so long.
MOST_TEXT = 300


class Phrase(NamedTuple):
    """A layer's word, and its arguments: names with values, words that are values, and numbers alone.

    `stated` are numbers of channels that the phrase says to come in, by the names of its framework.
    """

    word: str
    named: list[tuple[str, str]]
    keywords: list[str]
    numbers: list[str]
    stated: list[tuple[str, int]]

    def add(self, name: str, value: str) -> None:
        """Add an argument; raises `ValueError` if it has another value already."""
        if dict(self.named).get(name, value) != value:
            raise ValueError(name)
        if (name, value) not in self.named:
            self.named.append((name, value))

    def __str__(self) -> str:
        return " ".join([self.word, *self.numbers, *self.keywords, *(f"{name}={value}" for name, value in self.named)])


def layers_of(text: str) -> list[Phrase] | None:
    """Return the layers that a phrase means, whose texts are in the words of the language; None if none is understood.

    What is understood in part is not.
    """
    if len(text) > MOST_TEXT or '"' in text.partition("=")[0]:
        return None
    with suppress(ValueError):
        return [*_phrases(words_of(text))]
    return None


# -- layers ------------------------------------------------------------------------------------------------


def _phrases(words: list[str | tuple[str, str]]) -> Iterator[Phrase]:
    """Yield the layers of a phrase; raises `ValueError` if it is not understood."""
    before, found = _up_to_name(words)
    if found is None:
        # A window and filters are what a convolution alone has.
        phrase = _filled("conv", [], before)
        if len(phrase.numbers) == 1:
            phrase.add("kernel", phrase.numbers.pop())
        if not {"kernel", "filters"} <= {name for name, _ in phrase.named}:
            raise ValueError(words)
        yield phrase
        return
    while found is not None:
        name, implied, behind = found
        own, found = _up_to_name(behind, REGISTRY[name])
        yield _filled(name, implied, [*before, *own])
        before = []


Named = tuple[str, list[tuple[str, str]], list[Any]]


def _up_to_name(
    words: list[str | tuple[str, str]], cls: type[Layer] | None = None
) -> tuple[list[str | tuple[str, str]], Named | None]:
    """Return the words before the next layer's name, and that layer: its word, what it implies, and what follows.

    Behind a layer of a class, words that it takes are no names.
    """
    for at, word in enumerate(words):
        if word == "|":
            return [*words[:at], *_only_names(words[at + 1 :])], _named(words[at + 1 :])
        if cls is not None and isinstance(word, tuple) and word[0].lower() == "activation":
            following = [] if word[1].lower() in ("none", "linear") else [word[1]]
            return _up_to_name([*words[:at], *words[at + 1 :], *following], cls)
        if cls is not None and isinstance(word, str) and _is_taken(words, at, cls):
            continue
        found = _named(words[at:]) if isinstance(word, str) else None
        if found is not None:
            return words[:at], found
    return words, None


def _only_names(words: list[Any]) -> list[Any]:
    """Return nothing where a layer's name is behind a `+`; raises `ValueError` otherwise."""
    if _named(words) is None:
        raise ValueError(words)
    return []


def _is_taken(words: list[Any], at: int, cls: type[Layer]) -> bool:
    """Return whether a word belongs to the layer before it: the name of an argument, or a word that is a value."""
    word = words[at].lower()
    if word in FILLING or word in NOT or any(word in each.keywords for each in cls.arguments.values()):
        return True
    beside = [each for each in words[max(at - 1, 0) : at + 2] if each is not words[at]]
    return argument_for(word, cls) is not None and any(_is_value(each, cls) for each in beside)


def _named(words: list[Any]) -> Named | None:
    """Return the layer whose name begins the words; None if none does."""
    texts = []
    for word in words[:MOST_WORDS]:
        if not isinstance(word, str) or not NAME.fullmatch(word):
            break
        texts.append(word)
    for length in range(len(texts), 0, -1):
        found = word_of("".join(texts[:length]), whole=length > 1)
        if found is not None:
            name, *implied = found.split()
            pairs = [(each.partition("=")[0], each.partition("=")[2]) for each in implied if "=" in each]
            return name, pairs, [*(each for each in implied if "=" not in each), *words[length:]]
    # The name may be glued to numbers: `conv3x3`, `fc10`, `maxpool2`.
    glued = re.fullmatch(rf"([A-Za-z_]+?)[-_]?({SIZES}.*)", words[0]) if words and isinstance(words[0], str) else None
    found = word_of(glued[1]) if glued else None
    if glued and found and not {glued[1].lower()} & {"x", "s", "p", "d", "g", "k", "m", "h"}:
        return found.split()[0], [], [*parts_of(glued[2]), *words[1:]]
    return None


def _is_value(word: Any, cls: type[Layer]) -> bool:
    if not isinstance(word, str):
        return False
    return bool(NUMBER_OR_SIZES.fullmatch(word)) or any(
        word.lower() in each.keywords for each in cls.arguments.values()
    )


def _filled(word: str, implied: list[tuple[str, str]], words: list[Any]) -> Phrase:
    """Return a layer with its arguments; raises `ValueError` for a word that is none of them."""
    cls = REGISTRY[word]
    phrase = Phrase(word, [each for each in implied if each[1]], [], [], [])
    required = [name for name, value in implied if not value]
    words = _joined_axes(words)
    at = 0
    while at < len(words):
        each = words[at]
        if isinstance(each, tuple):
            _add_named(phrase, cls, *each)
            at += 1
            continue
        lowered = each.lower()
        if lowered in FILLING or lowered in USUAL:
            at += 1
            continue
        if lowered in ADJECTIVES and ADJECTIVES[lowered] in cls.arguments:
            required.append(ADJECTIVES[lowered])
            at += 1
            if NUMBER_OR_SIZES.fullmatch(str((words[at : at + 1] or [""])[0])) and at > 1:
                _add_named(phrase, cls, required[-1], words[at])
                at += 1
            continue
        if lowered in NOT and at + 1 < len(words) and f"no{words[at + 1]}".lower() in _keywords(cls):
            phrase.keywords.append(f"no{words[at + 1]}".lower())
            at += 2
            continue
        taken = _argument(phrase, cls, words, at)
        at += taken
    if not set(required) <= {name for name, _ in phrase.named}:
        raise ValueError(required)
    _place_numbers(phrase, cls)
    return phrase


def _joined_axes(words: list[Any]) -> list[Any]:
    """Return the words with `kernel_h=3` and `kernel_w=5` as `kernel=3x5`, of any argument."""
    given: dict[str, str] = dict(each for each in words if isinstance(each, tuple))
    for name in [each[:-2] for each in given if each.endswith("_h") and f"{each[:-2]}_w" in given]:
        both = f"{name}_h", f"{name}_w"
        sizes = "x".join(given[each] for each in both)
        words = [*(each for each in words if not (isinstance(each, tuple) and each[0] in both)), (name, sizes)]
    return words


def _keywords(cls: type[Layer]) -> set[str]:
    return {key for argument in cls.arguments.values() for key in argument.keywords}


def _argument(phrase: Phrase, cls: type[Layer], words: list[Any], at: int) -> int:
    """Add the argument that begins at a word, and return how many words it is."""
    each = words[at]
    for length in (3, 2, 1):
        names = words[at : at + length]
        if len(names) < length or not all(isinstance(name, str) and name.isidentifier() for name in names):
            continue
        name = argument_for("_".join(names), cls)
        if name is None:
            continue
        behind = at + length
        if behind < len(words) and isinstance(words[behind], str) and words[behind].lower() == "of":
            behind += 1
        value = words[behind] if behind < len(words) else None
        own = cls.arguments[name].keywords
        counts = name in ("filters", "units", "groups")
        fits = isinstance(value, str) and (
            value.lower() in own or (NUMBER.fullmatch(value) and not (counts and "x" in value))
        )
        if fits and not (phrase.numbers and counts and _takes_none(phrase, words, behind)):
            _add_named(phrase, cls, name, str(value))
            return behind + 1 - at
        # The number before it is its own: `64 filters`; so is a word: `same padding`.
        if phrase.numbers and words[at - 1] == phrase.numbers[-1] and len(each) > 1:
            # Of `64 3x3 filters` the filters are the number.
            fitting = [each for each in phrase.numbers if not (counts and "x" in each)] or phrase.numbers[-1:]
            phrase.numbers.remove(fitting[-1])
            _add_named(phrase, cls, name, fitting[-1])
            return length
        if phrase.keywords and str(words[at - 1]).lower() == phrase.keywords[-1] and phrase.keywords[-1] in own:
            return length
    lowered = each.lower()
    if lowered in _keywords(cls):
        phrase.keywords.append(lowered)
    elif NUMBER_OR_SIZES.fullmatch(each) or re.fullmatch(r"\d*\.\d+", each):
        phrase.numbers.append(each)
    else:
        _add_glued(phrase, cls, each)
    return 1


def _takes_none(phrase: Phrase, words: list[Any], behind: int) -> bool:
    """Return whether a number stands on either side of a name, so that the one before it is its own."""
    return behind - 2 >= 0 and words[behind - 2] == phrase.numbers[-1]


def _add_named(phrase: Phrase, cls: type[Layer], name: str, value: str) -> None:
    """Add `name=value`, whatever framework they are of; raises `ValueError` if the layer has nothing of the kind."""
    if is_passed_over(name, value, cls):
        return
    if states_channels(name, cls) and value.isdigit():
        phrase.stated.append((name, int(value)))
        return
    if name.lower() in LETTERS and name.lower() not in _shorts(cls) and "kernel" in cls.arguments:
        phrase.add(name.lower(), value)  # its meaning depends on the others
        return
    found = argument_value(name, value, cls)
    if found is None:
        raise ValueError(name)
    phrase.add(*found)


def _add_glued(phrase: Phrase, cls: type[Layer], word: str) -> None:
    """Add arguments with their names glued to their numbers: `k3s2p1`."""
    times = re.fullmatch(r"[xX](\d+)|(\d+)[xX]", word)
    if times and "x" not in _shorts(cls) and "" in _shorts(cls):  # as in "upsample x2"
        phrase.numbers.append(times[1] or times[2])
        return
    pairs = GLUED.findall(word)
    if not pairs or "".join(name + value for name, value in pairs) != word:
        raise ValueError(word)
    for name, value in pairs:
        _add_named(phrase, cls, name, value)


def _place_numbers(phrase: Phrase, cls: type[Layer]) -> None:
    """Give the numbers that stand alone to arguments; raises `ValueError` where their order is not known.

    Of a window such as `3x3` and a number, the number is a convolution's filters, or a pool's stride. Of two numbers,
    either could be either: they are equal, or nobody knows.
    """
    _place_letters(phrase, cls)
    known = dict(phrase.named)
    if known.get("kernel") == "1" and phrase.numbers and set(phrase.numbers[0]) == {"1", "x"}:
        phrase.named.remove(("kernel", "1"))  # a pointwise convolution that says so twice
        phrase.add("kernel", phrase.numbers.pop(0))
    second = next((each for each in ("filters", "stride") if each in cls.arguments), None)
    if "kernel" in cls.arguments and second is not None:
        open_ = [name for name in ("kernel", second) if name not in known]
        numbers = list(phrase.numbers)
        if len(numbers) == 2 and len(open_) == 2:
            windows = [each for each in numbers if "x" in each]
            if len(windows) != 1 and numbers[0] != numbers[1]:
                raise ValueError(numbers)
            window = windows[0] if len(windows) == 1 else numbers[0]
            numbers.remove(window)
            phrase.numbers.clear()
            phrase.add("kernel", window)
            phrase.add(second, numbers[0])
        elif len(numbers) == 1 and open_:
            if second == "filters" and "kernel" in known and "filters" not in known:
                phrase.numbers.clear()
                phrase.add("filters", numbers[0])
        elif len(numbers) > 1 or (numbers and not open_):
            raise ValueError(numbers)
    elif phrase.numbers and "groups" in cls.arguments and "" not in _shorts(cls):
        if len(phrase.numbers) > 1:
            raise ValueError(phrase.numbers)
        phrase.add("groups", phrase.numbers.pop())
    elif len(phrase.numbers) == 2 and "units" in cls.arguments and "kernel" not in cls.arguments:
        # Those that come in, and those that go out, as PyTorch has them.
        phrase.stated.append(("in_features", int(phrase.numbers.pop(0))))
    elif len(phrase.numbers) == 1 and "" not in _shorts(cls) and (name := stated_name(cls)):
        phrase.stated.append((name, int(phrase.numbers.pop())))
    elif len(phrase.numbers) > 1:
        raise ValueError(phrase.numbers)


def _place_letters(phrase: Phrase, cls: type[Layer]) -> None:
    """Give the letters a meaning: K or F is what the rest does not give.

    Of both, K is the window. In some notes it is the filters: where it is the larger number, nobody knows.
    """
    letters = [each for each in phrase.named if each[0] in LETTERS and each[0] not in cls.arguments]
    phrase.named[:] = [each for each in phrase.named if each not in letters]
    both = dict(letters)
    if "k" in both and "f" in both and larger(both["k"], both["f"]):
        raise ValueError(letters)
    for letter, value in sorted(letters, key=lambda each: "ncfk".index(each[0])):  # those with one meaning first
        meant, other = LETTERS[letter], {"kernel": "filters", "filters": "kernel"}[LETTERS[letter]]
        named = dict(phrase.named)
        windows = any("x" in number for number in phrase.numbers)
        taken = (meant in named or (meant == "kernel" and windows)) and other not in named
        phrase.add(other if taken and letter in "kf" else meant, value)


def _shorts(cls: type[Layer]) -> set[str]:
    return {short for argument in cls.arguments.values() for short in argument.shorts}
