"""The JSON Schema holds for what the commands really write, has every key of it, and refuses what is not that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache, reduce
from pathlib import Path
from typing import Any

import pytest
from command_line import CARD, SMALL, run
from jsonschema import Draft202012Validator
from reference import CONFORMANCE, options

import cnncalc
from cnncalc.analysis import SCHEMA
from cnncalc.cli.command import COMMANDS
from cnncalc.report.schema import SUBJECTS, schema_of

ERRORS = Path(__file__).parents[1] / "language" / "errors.txt"

#: Open sizes of every sort: no input, named axes, three axes, two that must agree, one that is a multiple, a peak and a
#: domain that depend on numbers, a receptive field with fractions.
LETTERS = (
    "conv 3x3 x2 | conv 3x3 s2 x4",
    "input HxWx3 | conv 3x3 s2 same x8 | pool 2 ceil | gap | fc 10",
    "input DxHxWxC | conv 3 p1 x4 | bn",
    "input HxWx3 | add(conv 3x3 p1 x3 ; pool 2 | upsample 2)",
    "input HxWxC | concat(conv 3x3 same x4 ; upsample 2 | pool 2) | pool 3 s2 ceil",
    "input HxWx8 | upsample 3 | conv 3x3 p1 x4 | pixelshuffle 2",
    "input NxC | conv 4 s2 p1 x8 | flatten | fc 10",
)
#: Networks that together have every kind of thing: merges, groups, blocks, all axes, squeeze-and-excite.
NETWORKS = ("lenet5", "alexnet_2012", "unet", "mobilenet_v3_small", "shufflenet_v2_x0_5")
#: Receptive fields of different extents, and of an upper bound.
FIELDS = ("input 32x32x1 | pool 8 | upsample 8 | conv 3x3 same x1", "input 8x8x1 | upsample 4099 | conv 3x3 s2 p1 x1")
#: Options after which JSON has more.
MORE = (
    (SMALL, "--memory", "--optimizer", "adam"),
    ("resnet18", "--memory", "--batch", "4", "--dtype", "float16"),
    (SMALL, "--deploy", "int8", "--in-place", "dw", "--fit", "ram=1KiB,flash=100B", "--memory"),
    (SMALL, "--peak", "1GFLOP/s", "--bandwidth", "1GB/s"),
    (CARD, "--fail-if", "params > 50", "--fail-if", "conv1.receptive_field < 4", "--fail-if", "peak > 1KiB"),
    ("input 30x30x8 | conv 3x3 s2 x4 | gap | upsample 2", "--convention", "fvcore"),
    ("input 3x32x32 | conv 3x3 p1 x3 | pool 2",),
    ("input 8x8x4 | conv 1x1 x4 as a | conv 1x1 x4 weights=@a",),
    ("resnet18", "--depth", "1", "--memory"),
    ("def d(c) = (conv 3x3 x{c} | relu) * 2\ninput HxWx3 | d(8) | pool 2", "--depth", "1"),
)
#: Keys that the contract has and no output yet.
AWAITED = {"frozen"}


def closed(schema: Any) -> Any:
    """The schema with no other key allowed where it names some: it is open, so that a key may come without a break."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {"additionalProperties": False} if schema.get("type") == "object" and "properties" in schema else {}
    return {**shut, **{key: closed(each) for key, each in schema.items()}}


@cache
def validator(subject: str) -> Draft202012Validator:
    return Draft202012Validator(closed(schema_of(subject)))


def assert_valid(subject: str, document: Any) -> None:
    errors = [f"{error.json_path}: {error.message[:200]}" for error in validator(subject).iter_errors(document)]
    assert errors == []


def written(*arguments: str) -> Any:
    """What a command writes with `--format json`."""
    done = run(*arguments, "--format", "json")
    assert done.exit_code in (0, 3), done.output
    return json.loads(done.stdout)


def calculations() -> Iterator[Any]:
    for case in CONFORMANCE[::4]:
        yield cnncalc.analyze(case["spec"], **options(case)).to_dict()
    for spec in (*LETTERS, *NETWORKS, *FIELDS):
        yield cnncalc.analyze(spec).to_dict()
    for arguments in MORE:
        yield written(*arguments)


def diagnostics(spec: str) -> list[Any]:
    """What is wrong with a spec: nothing with the few of the file that show what is no error."""
    try:
        cnncalc.parse(spec)
    except cnncalc.SpecError as error:
        return list(error.diagnostics)
    return []


def errors() -> Iterator[Any]:
    """The errors of every case of errors.txt."""
    for spec in re.findall(r"^=== .*\n((?:.*\n)*?)~~~\n", ERRORS.read_text(encoding="utf-8"), re.MULTILINE):
        if wrong := diagnostics(spec):
            yield {"errors": [each.to_dict() for each in wrong]}


@cache
def outputs(subject: str) -> list[Any]:
    """Real outputs of a subject."""
    if subject == "calc":
        return list(calculations())
    if subject == "errors":
        return list(errors())
    if subject == "conventions":
        return [written("resnet18", "--convention", "all", "--batch", "2")]
    if subject == "compare":
        grid = ("--var", "w=1,2", "--relative", "--fail-if", "params > 50")
        return [
            written("compare", SMALL, CARD, "--deploy", "int8"),
            written("compare", "lenet5", CARD, "input 8x8x3 | gap | fc 2", *FIELDS),
            written("compare", "let w = 1\ninput 8x8x3 | conv 3x3 x{w}", *grid),
        ]
    other = "input 5x5x3 | conv 3x3 s2 x4 | relu | dropout 0.2 | fc 10"
    pairs = ("resnet18", "resnet34"), (SMALL, other), (CARD, CARD), FIELDS
    return [written("diff", SMALL, other, "--deploy", "int8"), *(written("diff", *pair) for pair in pairs)]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_schema(subject: str) -> None:
    """The schema itself is one of draft 2020-12, and all that it refers to is in it."""
    schema = schema_of(subject)
    Draft202012Validator.check_schema(schema)
    named = set(re.findall(r"#/\$defs/(\w+)", json.dumps(schema)))
    assert named == set(schema["$defs"])


@pytest.mark.parametrize("subject", SUBJECTS)
def test_outputs(subject: str) -> None:
    """Every output of the subject meets the schema, and has no key that the schema does not know."""
    assert outputs(subject)
    for document in outputs(subject):
        assert_valid(subject, document)


def test_unknown_operators(tmp_path: Path) -> None:
    """The rows of a model file's unknown operators meet the schema, and those behind, whose sizes are not known."""
    file = tmp_path / "net.cfg"
    conv = "[convolutional]\nfilters=4\nsize=3\nactivation=linear\n"
    file.write_text(f"[net]\nheight=32\nwidth=32\nchannels=3\n{conv}[hologram]\n{conv}")
    document = written(str(file))
    assert [(each["operator"], each["output_shape"]) for each in document["unknown"]] == [
        ("hologram", None),
        ("conv", [None, None, 4]),
    ]
    assert_valid("calc", document)


def test_errors_of_the_command_line() -> None:
    """What is written to standard error meets the schema."""
    done = run("input 5x5x3 | conv 9x9 x2 | cnov", "--format", "json")
    assert done.exit_code == 1
    assert_valid("errors", json.loads(done.stderr))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_described(subject: str) -> None:
    """Every key that is named has a description, its own or that of what it refers to."""

    def bare(schema: Any, whole: Any) -> Iterator[str]:
        for key, each in schema.get("properties", {}).items():
            while "description" not in each and "$ref" in each:
                steps = each["$ref"].split("/")[1:]
                each = reduce(lambda found, step: found[step], steps, whole)
            if not each.get("description", "").endswith("."):
                yield key
        for each in schema.values():
            for inner in each if isinstance(each, list) else each.values() if isinstance(each, dict) else ():
                if isinstance(inner, dict):
                    yield from bare(inner, whole)

    schema = schema_of(subject)
    assert list(bare(schema, schema)) == []


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_key_is_written(subject: str) -> None:
    """The schema names no key that no output has."""

    def named(schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            yield from schema.get("properties", {})
        for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
            yield from named(each)

    def keys(document: Any) -> Iterator[str]:
        if isinstance(document, dict):
            yield from document
        for each in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
            yield from keys(each)

    found = {key for document in outputs(subject) for key in keys(document)}
    assert set(named(schema_of(subject))) - found - {"unknown", "operator", "missing", "stands_on", "unused"} <= AWAITED


def changed(document: Any) -> Iterator[tuple[str, Any]]:
    """A document with one thing wrong: a key of the calculation's own objects gone, or an object in a value's place."""
    places: list[tuple[str, Any]] = [("", document)]
    places += [(f"{key}.", document[key]) for key in ("totals", "letters") if key in document]
    places += [(f"layers.{at}.", layer) for at, layer in enumerate(document["layers"])]
    places += [("totals.activation_bytes.", document["totals"]["activation_bytes"])]
    places += [("layers.1.receptive_field.", document["layers"][1]["receptive_field"])]
    for path, place in places:
        for key, value in list(place.items()):
            if path != "letters.":
                del place[key]
                yield f"{path}{key} is missing", document
            place[key] = {"an": "object"}
            yield f"{path}{key} is another object", document
            place[key] = value


@pytest.mark.parametrize("spec", [CARD, LETTERS[0]])
def test_refused(spec: str) -> None:
    """A document with a key missing, or with something else in its place, does not meet the schema as it is printed."""
    document = cnncalc.analyze(spec).to_dict()
    optional = {f"{path}{key} is missing" for key in (*AWAITED, "letters") for path in ("", "totals.", "layers.")}
    open_schema = Draft202012Validator(schema_of("calc"))
    passed = {wrong for wrong, each in changed(document) if open_schema.is_valid(each)}
    passed = {re.sub(r"layers\.\d", "layers", wrong) for wrong in passed}
    assert passed - optional == {"layers.fields is another object"}


def test_number() -> None:
    """The schema is of the number that the outputs bear."""
    assert schema_of("calc")["$defs"]["schema"]["const"] == SCHEMA == cnncalc.analyze(CARD).to_dict()["schema"]


@pytest.mark.parametrize("spec", [SMALL, *LETTERS])
def test_plain(spec: str) -> None:
    """`to_dict()` of an analysis, a row or the totals is what JSON writes: it comes back from text as it was."""
    result = cnncalc.analyze(spec)
    for plain in (result.to_dict(), result.totals.to_dict(), *(row.to_dict() for row in result)):
        assert json.loads(json.dumps(plain)) == plain


@pytest.mark.parametrize("subject", SUBJECTS)
def test_command(subject: str) -> None:
    """`cnncalc schema` prints it, that of a calculation where nothing is named."""
    assert json.loads(run("schema", subject).stdout) == schema_of(subject)
    assert subject != "calc" or run("schema").stdout == run("schema", "calc").stdout


def test_file(tmp_path: Path) -> None:
    """`-o` writes it into a file."""
    done = run("schema", "errors", "-o", str(tmp_path / "errors.json"))
    assert (done.exit_code, done.output) == (0, "")
    assert json.loads((tmp_path / "errors.json").read_text(encoding="utf-8")) == schema_of("errors")


def test_other_subject() -> None:
    """Something else than these has no schema: status 2, with those that have."""
    done = run("schema", "zoo")
    assert done.exit_code == 2
    assert "'zoo' is not one of 'calc', 'conventions', 'compare', 'diff', 'errors'" in done.stderr
    assert set(SUBJECTS) - set(COMMANDS) == {"conventions", "errors"}
