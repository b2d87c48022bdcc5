"""The options that commands share, in groups, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cnncalc.cli.command import FIGURES, INPUT, option

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

FORMATS = ("table", "json", "csv", "markdown", "latex")
PAGE_FORMATS = ("table", "json", "markdown")
LAYOUTS = ("hwc", "chw")

#: In place of a convention: all of them, side by side.
EVERY_CONVENTION = "all"

Decorator = Callable[[Any], Any]


def combine(*decorators: Decorator) -> Decorator:
    """Return one decorator that adds the options of several, in their order."""

    def add_all(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return add_all


# -- a spec --------------------------------------------------------------------------------------------------


def spec_argument(name: str, **settings: Any) -> Decorator:
    """Add an argument that is a spec; a shell completes it with the names of the zoo and of files."""
    return click.argument(name, shell_complete=complete_spec, **settings)


def complete_spec(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the completions of a spec: a network of the zoo, or a file."""
    from click.shell_completion import CompletionItem

    from cnncalc import zoo

    names = [CompletionItem(name, help=member.contribution) for name, member in zoo.members().items()]
    return [*(item for item in names if item.value.startswith(incomplete)), CompletionItem(incomplete, type="file")]


def spec_options() -> Decorator:
    """Add the options for a spec that is text."""
    return combine(
        option(
            "--input",
            group=INPUT,
            multiple=True,
            metavar="HxWxC",
            callback=_inputs,
            help="Shape of the input, where the spec has none or in its place; "
            "repeat it for a PyTorch module's further inputs.",
        ),
        option(
            "--var",
            "variables",
            group=INPUT,
            multiple=True,
            metavar="NAME=VALUE",
            callback=_variables,
            help="Value for a `let` of the spec; may be repeated.",
        ),
    )


def numbers_options() -> Decorator:
    """Add the options that give numbers for open sizes."""
    return combine(
        option(
            "--at",
            group=INPUT,
            metavar="H=N,W=N",
            default="",
            callback=_numbers,
            help="Numbers for the letters of sizes and filters.",
        ),
        option(
            "--dim",
            "dims",
            group=INPUT,
            multiple=True,
            metavar="NAME=N",
            callback=_dimensions,
            help="Size of a symbolic dimension of a model file; may be repeated.",
        ),
    )


def source_options() -> Decorator:
    """Add the options for a spec that is text with letters, or a model file."""
    return combine(
        spec_options(),
        numbers_options(),
        option("--strict", group=INPUT, is_flag=True, help="Refuse unknown operators of a model file."),
    )


# -- figures -------------------------------------------------------------------------------------------------


def batch_options(own_types: bool = False) -> Decorator:
    """Add the options for the batch and the type of its numbers.

    With `own_types`, a model file's own types take the place of an option that is not given.
    """
    from cnncalc.figures.dtypes import DTYPES, STORED, dtypes_of

    def resolve(ctx: click.Context, _: click.Parameter, value: str) -> str:
        given = ctx.get_parameter_source("dtype") is not click.core.ParameterSource.DEFAULT
        if not given and own_types:
            return STORED
        try:
            types = str(dtypes_of(value))
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        # How a network is deployed says the types of the parts that are not named.
        return value if "=" in value else types

    return combine(
        option(
            "--batch",
            group=FIGURES,
            type=click.IntRange(1, 10**9 - 1),
            default=1,
            metavar="N",
            help="Samples at once; MACs and activations scale with it.",
        ),
        option(
            "--dtype",
            group=FIGURES,
            metavar="TYPE",
            default="float32",
            callback=resolve,
            shell_complete=complete_dtype,
            help=f"Type of weights and activations: {', '.join(DTYPES)}; or of each part: "
            "weights=int8,bias=int32,maps=int16",
        ),
    )


def complete_dtype(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the completions of a type."""
    from click.shell_completion import CompletionItem

    from cnncalc.figures.dtypes import DTYPES

    return [CompletionItem(name) for name in DTYPES if name.startswith(incomplete)]


def deployment_options() -> Decorator:
    """Add the options for the network as it runs on a device."""
    from cnncalc.figures.dtypes import DEPLOYED
    from cnncalc.figures.memory import DEPTHWISE

    def places(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(values))

    return combine(
        option(
            "--deploy",
            group=FIGURES,
            type=click.Choice(list(DEPLOYED)),
            metavar="TYPE",
            help="Figures of the network on a device, batch norm folded and activations fused, "
            f"with its integers' types: {', '.join(DEPLOYED)}",
        ),
        option(
            "--in-place",
            group=FIGURES,
            type=click.Choice([DEPTHWISE]),
            multiple=True,
            metavar="KIND",
            callback=places,
            help="Layers that write over their input besides: dw, depthwise ones, as TinyEngine does.",
        ),
    )


def figure_options(every_convention: bool = False) -> Decorator:
    """Add the options that figures depend on besides the network.

    With `every_convention`, for a single network, `--convention all` is one of them, and the function takes it as an
    argument of that name; and a model file's own types take the place of a `--dtype` that is not given.
    """
    from cnncalc.figures.cost import CONVENTION_SYNONYMS, CONVENTIONS, DEFAULT_CONVENTION

    def resolve(ctx: click.Context, _: click.Parameter, value: str) -> str:
        if every_convention:
            ctx.params["every_convention"] = value == EVERY_CONVENTION
        return DEFAULT_CONVENTION if value == EVERY_CONVENTION else CONVENTION_SYNONYMS.get(value, value)

    last = [EVERY_CONVENTION] if every_convention else []
    synonyms = [f"{name} (as {convention})" for name, convention in CONVENTION_SYNONYMS.items()]
    return combine(
        batch_options(every_convention),
        option(
            "--convention",
            group=FIGURES,
            type=click.Choice([*CONVENTIONS, *CONVENTION_SYNONYMS, *last]),
            default=DEFAULT_CONVENTION,
            metavar="NAME",
            callback=resolve,
            help=f"Tool whose way of counting MACs to follow: {', '.join([*CONVENTIONS, *synonyms, *last])}",
        ),
    )


# -- output --------------------------------------------------------------------------------------------------


def format_option(*formats: str) -> Decorator:
    """Add the option for one of the formats, of which the first is the default."""
    return option(
        "-f", "--format", type=click.Choice(formats), default=formats[0], metavar="FORMAT", help="Format of the result"
    )


def file_option(what: str = "format") -> Decorator:
    """Add the option for an output file, whose suffix determines `what` is written."""
    help = f"Write to a file, whole or not at all; its suffix says the {what}."
    return option("-o", "--output", "file", type=click.Path(), metavar="FILE", help=help)


def columns_option(argument: str = "columns", module: str = "cnncalc.report.columns") -> Decorator:
    """Add the option for columns of the module, which defines `COLUMNS` and `DEFAULT`."""

    def checked(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
        if value is None:
            return None
        from importlib import import_module

        from cnncalc.report.columns import choose

        known = import_module(module)
        try:
            choose(value, known.COLUMNS, known.DEFAULT)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        return value

    return option(
        "--columns",
        argument,
        metavar="A,B",
        callback=checked,
        help="Columns to show: names, `+name` to add one, or `all`.",
    )


def layout_option() -> Decorator:
    """Add the option for the order in which shapes are written."""
    return option(
        "--layout", type=click.Choice(LAYOUTS), default="hwc", metavar="ORDER", help="Order in which shapes are written"
    )


def appearance_options() -> Decorator:
    """Add the options for colour and width."""
    return combine(
        option(
            "--color",
            type=click.Choice(("auto", "always", "never")),
            default="auto",
            metavar="WHEN",
            help="When to colour: auto (by the terminal, NO_COLOR and FORCE_COLOR), always, never",
        ),
        option("--width", type=click.IntRange(20, 1000), metavar="N", help="Width of the text in columns."),
    )


def quiet_option() -> Decorator:
    """Add the option that suppresses notes and warnings."""
    return option("-q", "--quiet", is_flag=True, help="Write the result alone: no warnings, no notes.")


def report_options(*formats: str) -> Decorator:
    """Add the options for a report on networks in one of the formats."""
    return combine(
        format_option(*formats),
        file_option(),
        layout_option(),
        appearance_options(),
        quiet_option(),
    )


def table_options() -> Decorator:
    """Add the options for a table of layers."""
    return combine(
        columns_option(),
        option(
            "--depth",
            type=click.IntRange(0, 100),
            metavar="N",
            help="Collapse blocks below this depth into a row each; 0 shows the totals alone.",
        ),
        report_options(*FORMATS),
    )


def page_options() -> Decorator:
    """Add the options for a page of text."""
    return combine(format_option(*PAGE_FORMATS), file_option(), appearance_options())


# -- values --------------------------------------------------------------------------------------------------


def _numbers(_: click.Context, __: click.Parameter, value: str) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for part in value.replace(" ", "").split(",") if value else ():
        letter, _equals, number = part.partition("=")
        # A spec's letters are capitals; a model file has names of any length, which are its own.
        if not letter.isidentifier() or letter == "_" or not number.isdecimal() or not number.isascii():
            raise click.BadParameter(f"{part!r} is not a letter and its number: H=224")
        if len(number) > 9 or int(number) < 1:
            raise click.BadParameter(f"{part!r}: the number is from 1 to 10^9 - 1")
        letter = letter.upper() if len(letter) == 1 else letter
        if letter in numbers:
            raise click.BadParameter(f"`{letter}` is given twice: `{letter}={numbers[letter]}` and `{part}`")
        numbers[letter] = int(number)
    return numbers


def _inputs(context: click.Context, _: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Return the shape of the first input; those of further ones are an option of their own."""
    context.params["more_inputs"] = values[1:]
    return values[0] if values else None


def _variables(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    from cnncalc.diagnostics import Source, SpecError

    variables: dict[str, Any] = {}
    for value in values:
        name, equals, number = value.partition("=")
        if not equals or not name.strip().isidentifier():
            raise click.BadParameter(f"{value!r} is not NAME=VALUE")
        from cnncalc.language.expressions import ExpressionParser, evaluate

        try:
            parsed = ExpressionParser(Source("--var", number), 0, len(number)).parse()
            variables[name.strip()] = evaluate(parsed, {})
        except SpecError as error:
            raise click.BadParameter(f"{value!r}: {error.diagnostics[0].message}") from None
    _refuse_twice(values)
    return variables


def _refuse_twice(values: tuple[str, ...]) -> None:
    """Raise `click.BadParameter` if two of the `NAME=VALUE` have the same name."""
    first: dict[str, str] = {}
    for value in values:
        name = value.rpartition("=")[0].strip()
        if name in first:
            raise click.BadParameter(f"`{name}` is given twice: `{first[name]}` and `{value}`")
        first[name] = value


def _dimensions(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    dimensions: dict[str, int] = {}
    for value in values:
        name, equals, size = value.rpartition("=")
        # Only ASCII digits: isdigit() alone takes ² too.
        if not (equals and name and size.isascii() and size.isdigit() and 0 < len(size) <= 9 and int(size) > 0):
            raise click.BadParameter(f"{value!r} is not NAME=N, with N a whole number from 1 to 10^9 - 1")
        dimensions[name] = int(size)
    _refuse_twice(values)
    return dimensions
