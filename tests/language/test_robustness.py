"""Whatever is typed gives a result or a `SpecError`, soon and in bounded memory: never another exception."""

import random
import subprocess
import sys
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnncalc

# ruff: noqa: PT017  # any exception but the expected one must come through

SPECS = [
    "input 5x5x3 | conv 3x3 s1 valid x2",
    "input 32x32x3 | conv3x3s1p0:16,pool2",
    "input 28x28x192 | concat(conv 1x1 x64 ; conv 1x1 x96, conv 3x3 same x128 ; pool 3x3 s1 same, conv 1x1 x32)",
    "let w = 8\ndef b(c, s=1) = add(conv 3x3 s{s} p1 x{c} nobias | bn ; conv 1x1 s{s} x{c}) | relu\n"
    "input 16x16x3\nb({w}) | b({2*w}, s=2) * 2 as e\n(relu | gn g4) * {min(2,3)} | @e | slice 0:4 | fc 10 # end",
    "input 64x64x1 | conv 3x3 same x16 as enc | pool 2 ceil | conv kernel=3x3 padding=same filters=32 "
    "| deconv 2 s2 op1 x16 | crop 0-1 | concat( ; @enc) | leakyrelu 0.1 | dropout 0.5 | upsample 2 bilinear",
    "input 100x8 -> sepconv 3 m2 :8 -> dwconv 3 d2 -> lrn 5 -> prelu shared -> adaptiveavgpool 7 -> flatten -> softmax",
]
ALPHABET = "abxspdg0123456789|,;()*@={}:.-+/% \n\t#×–３’\"'[]&\0\ud800é→"


def outcome(text: str) -> str:
    """`fine`, or the rendered error: anything else is raised."""
    try:
        cnncalc.analyze(text).to_dict()
    except cnncalc.SpecError as error:
        assert error.diagnostics
        assert [each.to_dict() for each in error.diagnostics]
        return str(error)
    return "fine"


def mutated(text: str, choose: random.Random) -> str:
    """The text with a few characters dropped, doubled, swapped, replaced or put in."""
    characters = list(text)
    for _ in range(choose.randint(1, 6)):
        at = choose.randrange(len(characters))
        other = choose.randrange(len(characters))
        match choose.randrange(5):
            case 0 if len(characters) > 1:
                del characters[at]
            case 1:
                characters.insert(at, characters[at])
            case 2:
                characters[at], characters[other] = characters[other], characters[at]
            case 3:
                characters[at] = choose.choice(ALPHABET)
            case _:
                characters.insert(at, choose.choice(ALPHABET))
    return "".join(characters)


@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_mutations(seed: int) -> None:
    """A hundred mutations of valid specs, ten times over, give a result or an error with its text."""
    choose = random.Random(seed)
    assert all(outcome(mutated(choose.choice(SPECS), choose)) for _ in range(100))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SPECS), st.randoms(use_true_random=False))
def test_mutation(spec: str, choose: random.Random) -> None:
    """A mutated spec gives a result or an error with its text."""
    assert outcome(mutated(spec, choose))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    """Any text at all gives a result or an error with its text."""
    assert outcome(text)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SPECS), st.randoms(use_true_random=False))
def test_carets(spec: str, choose: random.Random) -> None:
    """Carets stand below the excerpt they mark, not beyond it."""
    lines = outcome(mutated(spec, choose)).splitlines()
    for above, line in pairwise(lines):
        if line.lstrip(" ").startswith("| ") and line.lstrip(" |").startswith("^") and above.isascii():
            carets = line[: line.rindex("^")] if "^ " not in line else line[: line.index("^ ")]
            assert len(carets) <= len(above) + 1


DOUBLING = "\n".join(["def b0() = {}", *(f"def b{n}() = b{n - 1}() | b{n - 1}()" for n in range(1, 60))])
CHAIN = "\n".join(["def c0() = relu", *(f"def c{n}() = c{n - 1}()" for n in range(1, 3000))])

HOSTILE = {
    "101 brackets": ("input 5x5x3 | " + "(" * 101 + "relu" + ")" * 101, "E005"),
    "brackets without end": ("(" * 200_000, "E005"),
    "repeats of repeats": ("input 9x9x1 | ((conv3x3:1)*1000)*1000", "E005"),
    "repeats of nothing": ("input 9x9x1 | (relu * 0) * 999999999", "fine"),
    "doubling blocks": (DOUBLING.format("relu") + "\ninput 5x5x1\nb59()", "E005"),
    "doubling blocks of nothing": (DOUBLING.format("relu * 0") + "\ninput 5x5x1\nb59()", "fine"),
    "a long product": ("input 9x9x1 | fc {" + "9*" * 5000 + "9}", "E105"),
    "deep parentheses": ("input 9x9x1 | fc {" + "(" * 5000 + "9" + ")" * 5000 + "}", "E008"),
    "signs without end": ("input 9x9x1 | fc {" + "-" * 5000 + "9}", "E008"),
    "sizes without end": ("input 5x5x1 | (upsample 999999999) * 1000", "E209"),
    "a chain of blocks": (
        CHAIN + "\ninput 5x5x1\nc2999()",
        "E005",
    ),
    "large primes": ("input 5x5x999999937 | conv 1 g999999936 x999999936", "E202"),
    "large bins": ("input 999999999x999999999x1 | adaptiveavgpool 123456789", "fine"),
    "a megabyte of a word": ("a" * 1_000_000, "E101"),
    "a megabyte of digits": ("9" * 1_000_000, "E101"),
    "a megabyte of bars": ("|" * 1_000_000, "E005"),
    "a megabyte of layers": ("relu | " * 140_000, "E005"),
    "more than a megabyte": (" " * (1 << 20) + " ", "E005"),
    "a NUL byte": ("input 5x5x3 \0", "E006"),
    "a lone surrogate": ("input 5x5x3 | \ud800", "E006"),
    "an integer of ten digits": ("input 5x5x3 | fc 1000000000", "E105"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), list(HOSTILE.values()), ids=list(HOSTILE))
def test_hostile(text: str, expected: str) -> None:
    """A hostile text is answered within a second (with a machine's worth of slack), and by the right code."""
    start = time.perf_counter()
    got = outcome(text)
    assert time.perf_counter() - start < 3
    assert got.removeprefix("error[").removeprefix("fine")[:4] in (expected, "")
    assert (got == "fine") == (expected == "fine")
    assert len(got) < 10_000


def test_memory() -> None:
    """A megabyte of anything is refused in less than 200 MiB."""
    code = (
        "import cnncalc, resource\n"
        "for text in ('a' * 1_000_000, '|' * 1_000_000, 'relu | ' * 140_000, '(' * 1_000_000, 'input 1x' * 120_000):\n"
        "    try: cnncalc.analyze(text)\n"
        "    except cnncalc.SpecError: pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200
