"""Commands and options as other tools have them: what is meant is done, or named where it may be several things.

`cnncalc memory resnet50` is `cnncalc resnet50 --memory`, `--json` is `--format json`, `--to torch` is `--to pytorch`.
Words are looked up here before click reads the command line; no command has an option of these names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import click

from cnncalc.cli.command import COMMANDS

#: Words in place of a command → the command that is meant.
CALC_WORDS = (
    "analyze", "analyse", "calculate", "compute", "count", "describe", "figures", "flops", "info", "inspect", "macs",
    "params", "parameters", "print", "profile", "report", "run", "show", "size", "stats", "summary", "table",
)  # fmt: skip
COMMAND_WORDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(CALC_WORDS, ("calc", ())),
    **dict.fromkeys(("memory", "mem", "ram", "peak"), ("calc", ("--memory",))),
    **dict.fromkeys(("convert", "save", "translate", "write"), ("export", ())),
    **dict.fromkeys(("comparison", "versus", "vs"), ("compare", ())),
    **dict.fromkeys(("why", "how"), ("explain", ())),
    **dict.fromkeys(("diagram", "figure", "graph", "picture", "plot", "visualise", "visualize"), ("draw", ())),
    **dict.fromkeys(("fmt", "canonical"), ("format", ())),
    **dict.fromkeys(("list", "ls", "models", "networks"), ("zoo", ())),
}

#: Words that may mean several commands → what each of these does.
SEVERAL: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    ("lint", "test", "validate", "verify"),
    (
        "`cnncalc check FILE` tells what is wrong with a file, and holds it to its budgets",
        "`cnncalc SPEC --fail-if 'params > 5M'` holds a network to a limit",
        "`cnncalc format --check FILE` tells whether a file is in canonical form",
    ),
)

#: Options that stand for others with a value.
WITH_VALUE = {
    "--json": ("--format", "json"),
    "--csv": ("--format", "csv"),
    "--md": ("--format", "markdown"),
    "--markdown": ("--format", "markdown"),
    "--latex": ("--format", "latex"),
    "--tex": ("--format", "latex"),
    "--no-color": ("--color", "never"),
    "--no-colour": ("--color", "never"),
    "--fp32": ("--dtype", "float32"),
    "--fp16": ("--dtype", "float16"),
    "--half": ("--dtype", "float16"),
    "--bf16": ("--dtype", "bfloat16"),
    "--int8": ("--dtype", "int8"),
}

#: Other names of options.
NAMES = {
    "--batch-size": "--batch",
    "--bs": "--batch",
    "--colour": "--color",
    "--image-size": "--input",
    "--img-size": "--input",
    "--imgsz": "--input",
    "--input-shape": "--input",
    "--input-size": "--input",
    "--shape": "--input",
    "-i": "--input",
    "--out": "--output",
    "--output-file": "--output",
    "--precision": "--dtype",
    "--silent": "--quiet",
    "--target": "--to",
    "--framework": "--to",
    "--variable": "--var",
    "--set": "--var",
}

#: Other values of options.
FORMATS = {"md": "markdown", "tex": "latex", "text": "table", "txt": "table", "plain": "table", "terminal": "table"}
TARGETS = {
    "torch": "pytorch", "pt": "pytorch", "nn": "pytorch", "tf": "keras", "tensorflow": "keras", "tf.keras": "keras",
    "spec": "cnn", "text": "cnn", "yml": "yaml",
}  # fmt: skip
DTYPES = {
    "fp32": "float32", "f32": "float32", "float": "float32", "single": "float32", "fp16": "float16", "f16": "float16",
    "half": "float16", "bf16": "bfloat16", "i8": "int8", "uint8": "int8", "fp64": "float64", "f64": "float64",
    "double": "float64",
}  # fmt: skip
VALUES = {"-f": FORMATS, "--format": FORMATS, "--to": TARGETS, "--dtype": DTYPES}


def as_command(args: Sequence[str]) -> list[str]:
    """Return the arguments of the command line with commands, options and values by their own names.

    Raises `click.UsageError` for a word that may mean several commands, with what each does.
    """
    words = list(args)
    more: tuple[str, ...] = ()
    first = words[0] if words else ""
    lone = len(words) == 1
    if first == "version" and lone:
        return ["--version"]
    if first in SEVERAL and not lone:
        _name(first)
    if first in COMMAND_WORDS and (not lone or COMMAND_WORDS[first][0] == "zoo"):
        command, more = COMMAND_WORDS[first]
        words[0] = command
    return [*_options(words, export=words[:1] == ["export"]), *more]


def _name(word: str) -> NoReturn:
    ways = "; ".join(SEVERAL[word])
    raise click.UsageError(f"there is no command `{word}`: {ways}")


def _options(words: Sequence[str], export: bool) -> list[str]:
    """Return the words with options and their values by their own names; behind a `--` all stand as they are."""
    found: list[str] = []
    values: Mapping[str, str] = {}
    for at, word in enumerate(words):
        if word == "--":
            return [*found, *words[at:]]
        if values and word.lower() in values:
            found.append(values[word.lower()])
            values = {}
            continue
        values = {}
        if not word.startswith("-") or word == "-":
            found.append(word)
            continue
        name, equals, value = word.partition("=")
        name = name.replace("_", "-") if name.startswith("--") else name
        if name in WITH_VALUE and not equals:
            found += WITH_VALUE[name]
            continue
        name = NAMES.get(name, name)
        if export and name in ("-f", "--format"):
            name = "--to"
        if name[:2] == "-f" and name[2:].lower() in FORMATS:
            found += ["-f", FORMATS[name[2:].lower()]]
            continue
        values = {} if equals else VALUES.get(name, {})
        found.append(name + equals + VALUES.get(name, {}).get(value.lower(), value) if equals else name)
    return found


def rewritten(args: Sequence[str], meant: Sequence[str]) -> str | None:
    """Return a note on the command that was meant, where another word stood for it."""
    if not args or not meant or args[0] == meant[0] or meant[0] not in COMMANDS:
        return None
    return f"`{args[0]}` is `cnncalc {meant[0]}`" + (f" with `{meant[-1]}`" if meant[-1] in ("--memory",) else "")
