"""Whatever is typed, the outcome is a network or a SpecError that can be shown, and it comes at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import examples

import cnncalc
from cnncalc.diagnostics import EXCERPT_WIDTH, MAX_ERRORS

#: Right specs that use all of the language between them.
SPECS = (
    "input 5x5x3 | conv 3x3 s1 valid x2",
    "input 32x32x3 -> conv 3x3 same x32 -> bn -> relu -> maxpool 2 -> fc 10",
    "input 32x32x3, conv3x3s1p0:16, pool2, fc10",
    "input 56x56x16 | add(conv 1x1 x8 | conv 3x3 same x8 | conv 1x1 x16 ; ) | relu",
    "input 28x28x12 | concat(conv 1x1 x4 ; conv 1x1 x6, conv 3x3 same x8 ; pool 3x3 s1 same, conv 1x1 x2)",
    "input 64x64x1 | conv 3x3 same x4 as enc | pool 2 | deconv 2 s2 x4 | concat( ; @enc) | conv 1x1 x1",
    "let w = 8\ndef basic(c, s=1) = add(conv 3x3 s{s} p1 x{c} nobias | bn | relu ; conv 1x1 s{s} x{c}) | relu\n"
    "input 16x16x3\nconv 3x3 same x{w}  # the stem\n| basic({w * 2}, s=2) as b\nbasic(16) * 2\n@b | gap | fc 10",
    "input 100x8 -> conv 3 full g2 x6 -> prelu shared -> avgpool 2 ceil -> gn g2",
    "input 8x8x8x2 | conv3d 2 d2 p0-1 x4 | ln | upsample 2 bilinear | crop 1",
    "input 28x28x4 | (dwconv3x3samem2 | sepconv 3x3 same :8 | leakyrelu 0.1) * 3 as body | slice 0:4 | pixelshuffle 2",
    "input 8x8x4 | conv kernel=3x3 stride=2 padding=same filters=16 bias=false | dropout 0.5 | reshape 16x16",
    "let n = max(1, 7 // 2)\ninput 12x12x8 as a\ninput 12x12x8 as b\nmul(@a | shuffle g2 ; @b | conv 1 x{2*(n+1)})",
)

ODD = [
    "｜",
    "→",
    "５",
    "é",
    "х",
    "²",
    "٣",
    "😀",
    "\u00a0",
    "\u200b",
    "\ufeff",
    "\u202e",
    "\u0301",
    "\ud800",
    "\0",
    "\x1b",
]
ALPHABET = [
    *"|,;()*@={}[]x×:->#\n\r\t _./%+'\"0123456789abcdefspXS",
    "as",
    "let ",
    "def ",
    "add(",
    "{1/0}",
    "999999999",
    *ODD,
]


def outcome(text: str) -> None:
    """Analyse a text; where it is wrong, hold its message to what every message keeps."""
    try:
        result = cnncalc.analyze(text)
    except cnncalc.SpecError as error:
        check_message(error)
    else:
        result.to_dict()


def check_message(error: cnncalc.SpecError) -> None:
    """There are 1 to 20 errors, they can be shown, and each caret line lies within the excerpt above it."""
    assert 1 <= len(error.diagnostics) <= MAX_ERRORS
    lines = str(error).split("\n")
    assert "".join(lines).isprintable()
    for above, line in pairwise(lines):
        gutter, bar, rest = line.partition(" | ")
        carets = rest.lstrip(" ")
        if bar and not gutter.strip() and carets.startswith("^"):
            begin = len(rest) - len(carets)
            end = begin + len(carets) - len(carets.lstrip("^"))
            _, _, excerpt = above.partition(" | ")
            # At the end of the text, a caret stands one past it.
            assert begin <= cells(excerpt)
            assert end <= max(cells(excerpt), begin + 1)
            assert len(excerpt) <= EXCERPT_WIDTH


def cells(text: str) -> int:
    """The most terminal cells that a text may take."""
    return sum(1 if character.isascii() else 2 for character in text)


def mutated(text: str, choose: Callable[[int], int]) -> str:
    """The text with one character dropped, doubled, swapped with the next, or replaced; `choose(n)` is below n."""
    if not text:
        return text
    at = choose(len(text))
    before, here, after = text[:at], text[at], text[at + 1 :]
    odd = ALPHABET[choose(len(ALPHABET))]
    return (
        before + after,
        before + here + here + after,
        before + after[:1] + here + after[1:],
        before + odd + after,
        before + odd + here + after,
    )[choose(5)]


@pytest.mark.parametrize("spec", SPECS)
def test_specs_are_right(spec: str) -> None:
    """What is mutated below has a result to begin with."""
    assert len(cnncalc.analyze(spec).rows) > 1


def test_a_thousand_mutations() -> None:
    """A right spec with up to four characters dropped, doubled, swapped or replaced gives a result or a message."""
    random_ = random.Random(20)
    for _ in range(1000):
        text = random_.choice(SPECS)
        for _ in range(random_.randint(1, 4)):
            text = mutated(text, random_.randrange)
        outcome(text)


@examples(100)
@given(st.data())
def test_any_mutation(data: st.DataObject) -> None:
    """As above, with the cases that hypothesis finds worth a try."""
    text = data.draw(st.sampled_from(SPECS))
    for _ in range(data.draw(st.integers(1, 4))):
        text = mutated(text, lambda n: data.draw(st.integers(0, n - 1)))
    outcome(text)


@examples(100)
@given(st.text())
def test_any_text(text: str) -> None:
    """Any text at all gives a result or a message."""
    outcome(text)


@examples(60)
@given(st.lists(st.sampled_from([*ALPHABET, "conv", "relu", "input 5x5x3", " | ", "3x3", " as "])).map("".join))
def test_any_marks(text: str) -> None:
    """Any row of the language's own marks and words gives a result or a message."""
    outcome(text)


@examples(60)
@given(st.text(alphabet="0123456789+-*/%(){},. anminx"))
def test_any_expression(text: str) -> None:
    """Anything in a hole gives a result or a message."""
    outcome(f"input 10 | fc {{{text}}}")


@examples(60)
@given(st.text(max_size=40))
def test_any_shape(text: str) -> None:
    """Anything given for an input's shape gives a result or a message."""
    try:
        cnncalc.analyze("conv 1 x1", input=text)
    except cnncalc.SpecError as error:
        check_message(error)


# -- texts that mean harm -----------------------------------------------------------------------------------

MEBIBYTE = 1 << 20
NET = "input 8x8x3 | "


def doubling(first: str, step: str = "b{0}()|b{0}()", levels: int = 40) -> str:
    """A block that calls twice a block that calls twice a block …, down to the first."""
    defs = [f"def b0()={first}", *(f"def b{level}()={step.format(level - 1)}" for level in range(1, levels + 1))]
    return "\n".join([*defs, f"{NET}b{levels}()"])


HOSTILE = {
    "open brackets": "(" * 50_000,
    "open brackets of merges": NET + "add(" * 50_000,
    "closing brackets": ")" * 50_000,
    "pairs of brackets": NET + "(" * 50_000 + "relu" + ")" * 50_000,
    "separators": "|" * 50_000,
    "semicolons": ";" * 50_000,
    "stray characters": "~!" * 50_000,
    "a stray character without end": "~" * MEBIBYTE,
    "empty holes": NET + "{}" * 50_000,
    "open holes": "{" * MEBIBYTE,
    "equals signs": "a=" * 50_000,
    "a word without end": "x" * MEBIBYTE,
    "a number without end": NET + "fc " + "9" * (MEBIBYTE - 100),
    "a kernel of many numbers": NET + "conv " + "3x" * 50_000 + "3 x4",
    "one argument many times": NET + "conv " + "s1 " * 50_000,
    "glued arguments": NET + "conv" + "s1" * 50_000,
    "a line of a mebibyte": (NET + "relu | ").ljust(MEBIBYTE - 4, " ") + "cnov",
    "a comment of a mebibyte": "#" * MEBIBYTE,
    "blank lines": "\n" * MEBIBYTE,
    "over a mebibyte": " " * (MEBIBYTE + 1),
    "a huge repeat": NET + "relu * 999999999",
    "a huge repeat of nothing": NET + "(relu * 0) * 999999999",
    "huge repeats of nothing": NET + "(((relu * 0) * 999999999) * 999999999) * 999999999",
    "a huge repeat of a group": NET + "((conv3x3:1)*1000)*1000",
    "a huge repeat of a name": "input 8x8x3 as a | @a * 999999999",
    "a huge repeat of an input": "input 8x8x3 * 999999999",
    "a huge repeat of inputs": "(input 8x8x3) * 999999999",
    "a huge repeat of an error": NET + "cnov * 999999999",
    "a huge repeat behind an error": NET + "~ | relu * 999999999",
    "a repeat that fails at once": "input 2x2x3 | conv 3x3 x2 * 90000",
    "a repeat without an input": "relu * 90000",
    "blocks doubled": doubling("relu"),
    "blocks doubled, of nothing": doubling("relu * 0"),
    "blocks doubled, wrong": doubling("cnov"),
    "blocks doubled, of an unknown name": doubling("@x"),
    "blocks doubled, behind an error": doubling("relu").replace(NET, NET + "~ | "),
    "blocks doubled, before an error": doubling("relu") + " | ~",
    "blocks doubled, without an input": doubling("relu * 0").replace(NET, ""),
    "blocks doubled, without an input or an end": doubling("relu").replace(NET, ""),
    "blocks doubled, in merges": doubling("relu", "add(b{0}();b{0}())"),
    "blocks doubled, of nothing, in merges": doubling("relu * 0", "add(b{0}();b{0}())"),
    "blocks doubled, with other values each": doubling("relu * 0", "b{0}(n)|b{0}(n+1)")
    .replace("()=", "(n=1)=")
    .replace("b40()", "b40(1)"),
    "blocks doubled, of nothing, with values of their own each": doubling("relu * 0", "b{0}(2*n)|b{0}(2*n+1)")
    .replace("()=", "(n=1)=")
    .replace("b40()", "b40(1)"),
    "blocks doubled, with values that grow": doubling("relu", "b{0}(n*n)").replace("()=", "(n=3)="),
    "a name without end": NET + "(relu | relu) * 3000 as " + "a" * 300_000,
    "blocks of long names": NET + "(" * 99 + "relu" + "".join(f") as {'a' * 90}{n}" for n in range(99)),
    "a power of powers": NET + "fc {10**10**9}",
    "an exponent without end": NET + "dropout 1e999999999",
    "an exponent without end in a hole": NET + "dropout {1e999999999}",
    "one error in a repeat": NET + "(cnov | relu) * 40000",
    "blocks of a name": doubling("relu * 0 as q"),
    "a chain of blocks": doubling("relu", "b{0}()", 3000),
    "a chain of blocks in brackets": doubling("relu", "(" * 90 + "b{0}()" + ")" * 90, 100),
    "a chain of lets": "let a0=3\n" + "".join(f"let a{n}=a{n - 1}*a{n - 1}\n" for n in range(1, 60)) + NET + "fc {a59}",
    "a chain of fractions": "let a0=1/3\n"
    + "".join(f"let a{n}=a{n - 1}*a{n - 1}\n" for n in range(1, 60))
    + NET
    + "dropout {a59}",
    "a product without end": NET + "fc {" + "9*" * 20_000 + "9}",
    "a sum without end": NET + "fc {" + "1+" * 20_000 + "1}",
    "a sum of fractions": NET + "fc {" + "+".join(f"1/{n}" for n in range(3, 9000, 2)) + "}",
    "a product of decimals": NET + "fc {" + "0.123456789*" * 20_000 + "1}",
    "brackets in a hole": NET + "fc {" + "(" * 50_000 + "1" + ")" * 50_000 + "}",
    "signs in a hole": NET + "fc {" + "-" * 50_000 + "1}",
    "functions in a hole": NET + "fc {" + "min(" * 50_000 + "1" + ")" * 50_000 + "}",
    "many values in a hole": NET + "fc {min(" + "1," * 20_000 + "1)}",
    "many values in a call": NET + "relu(" + "1," * 20_000 + "1)",
    "many parameters": "def a(" + ",".join(f"p{n}=1" for n in range(5000)) + ")=relu\n" + NET + "a() * 3",
    "feature maps without end": NET + "upsample 999999999 * 1000",
    "feature maps that double": NET + "concat( ; ) * 20000",
    "kernels without end": NET + "conv 999999999 d999999999 full x999999999 * 3",
    "deconvs without end": NET + "deconv 3 s999999999 x3 * 50",
    "a fully connected giant": "input 999999999x999999999x999999999 | fc 999999999",
    "groups without divisors": "input 5x5x999999937 | conv 1 g999999936 x4",
    "many arms": NET + "add(" + ";" * 20_000 + ")",
    "many arms that do not agree": NET + "concat(" + ";".join(["conv 1x1 x1"] * 1000) + "; pool 2)",
    "long arms that do not agree": NET + "add(relu * 20000 ; conv 1x1 s2 x4)",
    "many errors": NET + "|".join(f"cn{n}" for n in range(50_000)),
    "many names": NET + "|".join(f"relu as a{n}" for n in range(20_000)),
    "many unknown names": NET + "|".join(f"relu as a{n}|@b{n}" for n in range(10_000)),
    "many lets": "".join(f"let a{n}=1\n" for n in range(20_000)) + NET + "relu",
    "many lets of one name": "let a=1\n" * 20_000 + NET + "relu",
    "many blocks": "".join(f"def a{n}()=relu\n" for n in range(10_000)) + NET + "a9999()",
    "a NUL": NET + "re\0lu",
    "half a surrogate pair": NET + "re\ud800lu",
    "the other half": NET + "# \udfff",
    "what stands for no character": "\ufffd",
    "binary": bytes(range(256)).decode("latin-1") * 100,
    "escape codes": NET + "\x1b[2J\x1b[31mrelu",
    "a turn of direction": NET + "\u202euler",
    "combining characters": NET + "r" + "\u0301" * 10_000 + "elu",
}


def message_of(spec: str, variables: dict[str, object] | None = None) -> str:
    """What the spec gets: the text of its error, or nothing where it has none."""
    try:
        cnncalc.analyze(spec, variables=variables)
    except cnncalc.SpecError as error:
        check_message(error)
        return str(error)
    return ""


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile(text: str) -> None:
    """A text that means harm gives a result or a short message, and comes to an end.

    How long each takes is measured by `tests/benchmarks/hostile.py`.
    """
    assert len(message_of(text)) < 50_000


@pytest.mark.parametrize("value", [0, -1, 2.5, "x", None, float("nan"), 10**30], ids=repr)
def test_a_variable_that_cannot_be(value: object) -> None:
    """A variable that cannot be one is refused in words, as the spec's own lets would be."""
    assert message_of("let w = 3\ninput 5x5x3 | conv 1 x{w}", {"w": value})
