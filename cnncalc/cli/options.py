"""The options that commands share, in groups, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cnncalc.cli import values
from cnncalc.cli.command import CHECKS, FIGURES, INPUT, option
from cnncalc.report.options import MOST_AT_ONCE

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

FORMATS = ("table", "json", "csv", "markdown", "latex", "html")
PAGE_FORMATS = ("table", "json", "markdown", "html")
LAYOUTS = ("hwc", "chw")
UNITS = ("k", "M", "G", "auto")

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


def spec_options(grid: bool = False) -> Decorator:
    """Add the options for a spec that is text; in a `grid`, several inputs and values are each tried."""
    more = "repeat it to compare several." if grid else "repeat it for a PyTorch module's further inputs."
    value = "Value for a `let` of the spec, several with commas" if grid else "Value for a `let` of the spec"
    return combine(
        option(
            "--input",
            group=INPUT,
            multiple=True,
            metavar="HxWxC",
            callback=values.inputs,
            help=f"Shape of the input, where the spec has none or in its place; {more}",
        ),
        option(
            "--var",
            "variables",
            group=INPUT,
            multiple=True,
            metavar="NAME=A,B" if grid else "NAME=VALUE",
            callback=values.variable_values if grid else values.variables,
            help=f"{value}; may be repeated.",
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
            callback=values.numbers,
            help="Numbers for the letters of sizes and filters.",
        ),
        option(
            "--dim",
            "dims",
            group=INPUT,
            multiple=True,
            metavar="NAME=N",
            callback=values.dimensions,
            help="Size of a symbolic dimension of a model file; may be repeated.",
        ),
    )


def source_options(grid: bool = False) -> Decorator:
    """Add the options for a spec that is text with letters, or a model file; in a `grid`, with values to try."""
    return combine(
        spec_options(grid),
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


def limits_option() -> Decorator:
    """Add the option for limits on figures."""
    return option(
        "--fail-if",
        "conditions",
        group=CHECKS,
        multiple=True,
        metavar="CONDITION",
        help="Exit with 3 where it holds: 'params > 5M', 'peak > 256KiB'; may be repeated.",
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
            metavar="N",
            callback=values.depth,
            help="Collapse blocks and repeats below this depth into a row each: 0 for the totals alone, all for every "
            f"layer. Without it, a terminal collapses what is longer than {MOST_AT_ONCE} rows.",
        ),
        sort_option(values.checked_columns),
        option(
            "--top",
            type=(click.IntRange(1), str),
            metavar="N FIGURE",
            callback=values.checked_columns,
            help="Show the N heaviest rows alone: --top 5 macs.",
        ),
        units_option(),
        report_options(*FORMATS),
    )


def units_option() -> Decorator:
    """Add the option for the unit of counts and bytes."""
    return option(
        "--units",
        type=click.Choice(UNITS),
        metavar="UNIT",
        help="Unit of counts: k, M, G (1000^n; of bytes 1024^n), or auto for the one that suits each",
    )


def sort_option(callback: Callable[..., Any] | None = None) -> Decorator:
    """Add the option for the order of rows, by one of the columns."""
    return option(
        "--sort",
        metavar="FIGURE",
        callback=callback,
        help="Sort the rows by a column, smallest first; -FIGURE is for largest first.",
    )


def page_options() -> Decorator:
    """Add the options for a page of text."""
    return combine(format_option(*PAGE_FORMATS), file_option(), appearance_options())
