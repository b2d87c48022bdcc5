"""The form of a command: options in groups with their defaults, examples, and one place where errors are handled."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from cnncalc.cli.output import Output
from cnncalc.report.formats import FORMAT_OF_SUFFIX

if TYPE_CHECKING:
    from cnncalc.analysis import Options

#: The groups of options, in the order of the help.
INPUT, FIGURES, CHECKS, OUTPUT = "Input", "Figures", "Checks", "Output"
GROUPS = (INPUT, FIGURES, CHECKS, OUTPUT)

#: Format → its name for people, and the arguments of options that change nothing in it.
WITHOUT_EFFECT = {
    "json": ("JSON", ("columns", "network_columns", "layout", "width", "context", "pictures", "units")),
    "markdown": ("Markdown", ("width", "context")),
    "csv": ("CSV", ("width", "units")),
    "latex": ("LaTeX", ("width",)),
    "html": ("HTML", ("width",)),
}

#: The width of the column of names in the help; a longer one has a line of its own.
NAME_WIDTH = 19

#: Command → the first sentence of its help. A command is `command` in the module of its name.
COMMANDS = {
    "calc": "Calculate the figures of a network, layer by layer.",
    "compare": "Compare networks in one table, a row each.",
    "diff": "Compare two networks layer by layer.",
    "check": "Check files, and hold them to their budgets.",
    "review": "Review the networks that differ between two commits.",
    "explain": "Explain every layer by its rules, with the numbers in them.",
    "draw": "Draw a network as a figure.",
    "export": "Write a network as framework code, an ONNX file or a spec.",
    "format": "Write specs in their canonical form.",
    "sweep": "Look at every variant of a design space.",
    "solve": "Solve for the input's size, or for one number of a layer.",
    "zoo": "List well-known networks, or print the spec of one.",
    "layers": "List the layers, or show all about one.",
    "syntax": "Show the language on one page.",
    "schema": "Print the JSON Schema of what `--format json` writes.",
    "help": "Show a page of the manual, a command, a layer or a code.",
    "completion": "Print the script by which a shell completes words.",
}

DEFAULT = "calc"


class Option(click.Option):
    """An option listed in one of the groups of the help, with its default."""

    def __init__(self, *args: Any, group: str = OUTPUT, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.group = group

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        if record is None:
            return None
        text = self.help or ""
        if isinstance(self.type, click.Choice) and self.type.choices[0] not in text:
            text = f"{text}: {', '.join(self.type.choices)}"
        if not self.is_flag and isinstance(self.default, str | int) and self.default != "":
            text = f"{text} (default: {self.default})"
        return record[0], text


class Command(click.Command):
    """A command with examples, whose function takes values in place of groups of options.

    `output` is an `Output` made of the options for a report; `reading` a `SpecOptions` of those for a spec; and
    `options` the `Options` that figures depend on. The command handles the errors that the function raises.
    """

    def __init__(
        self, *args: Any, examples: str = "", suffixes: Mapping[str, str] = FORMAT_OF_SUFFIX, **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self.examples, self.suffixes = examples.strip("\n"), suffixes

    def invoke(self, ctx: click.Context) -> Any:
        if ctx.params.get("file") and "format" in ctx.params and "format" not in given_options(ctx):
            ctx.params["format"] = self._format_of_file(ctx.params["file"])
        if (format := ctx.params.get("format")) in WITHOUT_EFFECT:
            name, arguments = WITHOUT_EFFECT[format]
            # The shape of `--input` is written in that order.
            reads_shape = bool(ctx.params.get("input"))
            refuse([each for each in arguments if not (each == "layout" and reads_shape)], f"in {name}", ctx)
        output = _gather(ctx.params, given_options(ctx))
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever read the output has gone: click leaves without a word
            raise
        except (ValueError, OSError, KeyboardInterrupt) as error:
            from cnncalc.cli.errors import report

            ctx.exit(report(error, output, ctx.params.get("options")))

    def _format_of_file(self, file: str) -> str:
        """Return the format that the file's suffix denotes; raises `click.UsageError` if there is none."""
        suffix = os.path.splitext(file)[1].lower()
        form = next(each for each in self.params if each.name == "format")
        if not suffix:
            return str(form.default)
        known = form.type.choices  # type: ignore[attr-defined]
        by_suffix = {each: format for each, format in self.suffixes.items() if format in known}
        if suffix not in by_suffix:
            last = [f"`{each}`" for each in by_suffix]
            suffixes = f"{', '.join(last[:-1])} or {last[-1]}"
            raise click.UsageError(
                f"no format of `{self.name}` has the suffix `{suffix}`: add -f, or write to {suffixes}"
            )
        return by_suffix[suffix]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help_text(ctx, formatter)
        self.format_examples(formatter)

    def format_examples(self, formatter: click.HelpFormatter) -> None:
        """Write the examples, one per line."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples.split("\n"):
                    formatter.write(f"{'':{formatter.current_indent}}{line}".rstrip() + "\n")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_groups(ctx, formatter)
        help_option = self.get_help_option(ctx)
        if help_option is not None:
            write_section(formatter, "Other", [help_option.get_help_record(ctx)])

    def format_groups(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, group by group."""
        options = [each for each in self.params if isinstance(each, Option)]
        for group in GROUPS:
            write_section(formatter, group, [each.get_help_record(ctx) for each in options if each.group == group])


def write_section(formatter: click.HelpFormatter, heading: str, records: Sequence[tuple[str, str] | None]) -> None:
    """Write options with their texts under a heading, aligned with those under other headings."""
    lines = [(record[0].ljust(NAME_WIDTH), record[1]) for record in records if record is not None]
    if lines:
        with formatter.section(heading):
            formatter.write_dl(lines, NAME_WIDTH)


def define_command(name: str, examples: str, **settings: Any) -> Callable[[Callable[..., Any]], Command]:
    """Make a command of a function; `examples` are command lines, one a line."""
    return click.command(name, cls=Command, examples=examples, **settings)


def option(*names: str, group: str = OUTPUT, **settings: Any) -> Callable[[Any], Any]:
    """Add an option that the help shows in a group."""
    return click.option(*names, cls=Option, group=group, **settings)


def refuse(arguments: Iterable[str], reason: str, ctx: click.Context | None = None) -> None:
    """Raise `click.UsageError` for the first of these options, by their arguments, that the command line has.

    The reason completes "`--width` has no effect …".
    """
    given = given_options(ctx or click.get_current_context())
    for argument in arguments:
        if argument in given:
            raise click.UsageError(f"`{given[argument]}` has no effect {reason}")


def given_options(ctx: click.Context) -> dict[str, str]:
    """Return argument → option for the options given on the command line."""
    return {
        name: parameter.opts[-1]
        for parameter in ctx.command.params
        if isinstance(parameter, click.Option)
        and (name := parameter.name) is not None
        and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }


def _gather(params: dict[str, Any], given: Iterable[str]) -> Output:
    """Replace each group of options by one value; return that of the output. `given` has the arguments that are."""

    def take(names: Iterable[str]) -> dict[str, Any]:
        return {name: params.pop(name) for name in names if name in params}

    output = Output(**{"format": "table", **take(Output._fields)})
    params["output"] = output
    if "input" in params:
        from cnncalc.cli.specs import SpecOptions

        params["reading"] = SpecOptions(**take(SpecOptions._fields), layout=output.layout)
    if "batch" in params:
        from cnncalc.analysis import Options

        params["options"] = _deployed(Options(**take(Options._fields)), "dtype" in given)
    return output


def _deployed(options: Options, typed: bool) -> Options:
    """Return the options with the types of a network on a device; raises `click.BadParameter` if others are given."""
    if options.deploy is None:
        return options
    from cnncalc.figures.dtypes import STORED, deployed_dtypes

    dtype = options.dtype if typed else STORED
    try:
        deployed_dtypes(options.deploy, dtype)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--dtype") from None
    return options._replace(dtype=dtype)
