"""`cnncalc explain`: the rules of a network with its numbers in them, a layer on values, or the page of a code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.cli.command import FIGURES, OUTPUT, define_command, given_options, option, refuse
from cnncalc.cli.options import (
    PAGE_FORMATS,
    appearance_options,
    batch_options,
    combine,
    file_option,
    format_option,
    quiet_option,
    source_options,
    spec_argument,
)
from cnncalc.cli.output import Output
from cnncalc.cli.pages import is_code, layer_kind, show_code, show_codes, show_layer
from cnncalc.cli.specs import SpecOptions
from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError
from cnncalc.report.formats import FORMAT_OF_SUFFIX
from cnncalc.spelling import nearest

if TYPE_CHECKING:
    from cnncalc.explain.layers import Explanation
    from cnncalc.explain.matrix import Matrix
    from cnncalc.graph import Graph

#: So many layers are explained at once.
MOST_LAYERS = 1000
#: The most layers with windows for which pictures are drawn by default.
MOST_DRAWN = 3

#: The arguments of the options for a network, for values on a layer, and for pictures.
NETWORK_OPTIONS = ("layers", "input", "at", "dims", "strict", "batch", "dtype", "pictures")
VALUE_OPTIONS = ("image", "kernel", "flip")
#: Those that a figure has no use for.
NOT_FOR_FIGURES = ("pictures", "batch", "dtype", "color", "width", "codes")

EXAMPLES = """
cnncalc explain "input 5x5x3 | conv 3x3 s2 same x2"
cnncalc explain net.cnn --layer conv2
cnncalc explain "pool 2" --image "1 3 2 4; 5 6 1 2; 0 1 9 8; 2 2 7 7"
cnncalc explain "input 5x5x1 | conv 3x3 s2 p1 x1" --animate -o conv.svg
cnncalc explain conv
cnncalc explain E201
"""


@define_command("explain", EXAMPLES, suffixes={**FORMAT_OF_SUFFIX, ".svg": "svg"}, no_args_is_help=True)
@spec_argument("spec", required=False)
@source_options()
@option(
    "--layer",
    "layers",
    group=FIGURES,
    multiple=True,
    metavar="NAME",
    help="Layer or block to explain alone; may be repeated.",
)
@batch_options(own_types=True)
@option(
    "--image", group=FIGURES, metavar="MATRIX", help='Values to show the layer on: "3 0 1; 1 5 7", a CSV file, or -.'
)
@option("--kernel", group=FIGURES, metavar="MATRIX", help="Kernel of a convolution on values.")
@option("--flip", group=FIGURES, is_flag=True, help="Flip the kernel, as the convolution of mathematics does.")
@option("--animate", is_flag=True, help="Draw the windows of a layer in motion, as SVG.")
@option(
    "--static",
    "stills",
    type=click.IntRange(1, 100),
    metavar="N",
    help="With --animate, N positions beside each other, for print.",
)
@option("--codes", group=OUTPUT, is_flag=True, help="List the codes of errors and warnings.")
@option("--pictures/--no-pictures", default=None, help="Draw the windows; without either, for a few layers.")
@combine(format_option(*PAGE_FORMATS, "svg"), file_option(), appearance_options())
@quiet_option()
@click.pass_context
def command(
    ctx: click.Context,
    spec: str | None,
    reading: SpecOptions,
    options: Options,
    layers: tuple[str, ...],
    pictures: bool | None,
    image: str | None,
    kernel: str | None,
    flip: bool,
    animate: bool,
    stills: int | None,
    codes: bool,
    output: Output,
) -> None:
    """Explain every layer by its rules, with the numbers in them.

    The rules are those of sizes, padding, channels, parameters, MACs, receptive field and memory; pictures show
    the windows. With --image, one layer is shown on values, with --animate, in motion.

    SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, the network itself, a word
    for a layer, or the code of an error.
    """
    of_network = (*NETWORK_OPTIONS, "variables", *VALUE_OPTIONS)
    if not animate:
        refuse(("stills",), "without `--animate`")
        if output.format == "svg":
            raise click.UsageError("SVG is a figure's format: add --animate, or draw the network by `cnncalc draw`")
    elif spec is None or is_code(spec):
        raise click.UsageError("--animate is for a layer: give a SPEC")
    else:
        _animate(spec, reading, layers, image, kernel, flip, stills, output)
        return
    if codes:
        if spec is not None:
            raise click.UsageError("--codes lists all codes: leave the SPEC out")
        refuse(of_network, "with `--codes`")
        show_codes(output)
    elif spec is None:
        raise click.UsageError("give a SPEC, a word for a layer, a code, or `--codes`")
    elif is_code(spec):
        refuse(of_network, "on a code")
        show_code(spec, output)
    elif image is not None:
        refuse(NETWORK_OPTIONS, "with `--image`")
        _show_operation(spec, reading, image, kernel, flip, output)
    elif kernel is not None or flip:
        raise click.UsageError("--kernel and --flip are for values: add --image")
    elif layer_kind(spec) is not None and not set(given_options(ctx)) & set(of_network):
        show_layer(spec, output)
    else:
        analysis = analyze_graph(reading.load(spec, output), options)
        _show_layers(analysis, layers, pictures, output)


# -- layers --------------------------------------------------------------------------------------------------


def _show_layers(analysis: Analysis, names: tuple[str, ...], pictures: bool | None, output: Output) -> None:
    from cnncalc.explain.layers import explain
    from cnncalc.report import explain as report

    chosen = _chosen(analysis, names)
    explanations = tuple(explain(analysis, chosen[:MOST_LAYERS]))
    drawn = _few(explanations) or len(explanations) == len(names) if pictures is None else pictures
    more = len(chosen) - len(explanations)
    output.emit(
        lambda options: report.explanations_document(explanations, options, drawn, more),
        lambda: [report.explanation_data(each) for each in explanations],
    )


def _few(explanations: tuple[Explanation, ...]) -> bool:
    return sum(1 for each in explanations if each.positions) <= MOST_DRAWN


def _chosen(analysis: Analysis, names: tuple[str, ...]) -> list[str]:
    """Return the names of the layers selected by their own or a block's name; all if none is given."""
    known = [row.name for row in analysis.rows]
    if not names:
        return known
    for name in names:
        if not any(_named(each, name) for each in known):
            near = nearest(name, known)
            help = f"write `{near}`" if near else "`cnncalc SPEC` lists the layers by name"
            span = Span(Source("--layer", name), 0, len(name))
            raise SpecError([Diagnostic("E506", f"the spec has no layer `{name}`", span, "not a name", help=help)])
    return [each for each in known if any(_named(each, name) for name in names)]


def _named(layer: str, name: str) -> bool:
    return layer == name or layer.startswith(f"{name}.")


# -- values --------------------------------------------------------------------------------------------------


def _show_operation(
    spec: str, reading: SpecOptions, image: str, kernel: str | None, flip: bool, output: Output
) -> None:
    from cnncalc.explain.operation import check_kernel, operate, shown_layer, weighed
    from cnncalc.report import operation as report

    values, _ = _matrix("--image", image)
    source = _text("SPEC", spec)
    node = shown_layer(_graph(source, values, reading), Span(source, 0, len(source.text)))
    weighs = weighed(node)
    if weighs and kernel is None:
        raise click.UsageError(f"`{node.layer.kind}` needs a --kernel on values")
    if not weighs and (kernel is not None or flip):
        raise click.UsageError(f"`{node.layer.kind}` has no kernel on values: leave --kernel and --flip out")
    weights = None
    if kernel is not None:
        weights, place = _matrix("--kernel", kernel)
        check_kernel(node, weights, place)
    shown = operate(node, values, weights, flip)
    unflipped = operate(node, values, weights) if flip else None
    output.emit(lambda _: report.operation_document(shown, unflipped), lambda: report.operation_data(shown, unflipped))


def _animate(
    spec: str,
    reading: SpecOptions,
    names: tuple[str, ...],
    image: str | None,
    kernel: str | None,
    flip: bool,
    stills: int | None,
    output: Output,
) -> None:
    """Write the figure of a layer in motion, on values if there are any."""
    from cnncalc.draw.animation import to_svg, with_values
    from cnncalc.explain.matrix import half_turned
    from cnncalc.explain.motion import animated_layer, check_values, motion

    refuse(NOT_FOR_FIGURES, "with `--animate`")
    if "format" in given_options(click.get_current_context()) and output.format != "svg":
        raise click.UsageError("`--animate` writes SVG: leave `--format` out")
    if image is None:
        if kernel is not None or flip:
            raise click.UsageError("--kernel and --flip are for values: add --image")
        output.write(to_svg(motion(animated_layer(reading.load(spec, output), names)), stills=stills))
        return
    refuse(NETWORK_OPTIONS, "with `--image`")
    values, _ = _matrix("--image", image)
    node = animated_layer(_graph(_text("SPEC", spec), values, reading), ())
    weights, place = (None, None) if kernel is None else _matrix("--kernel", kernel)
    check_values(node, weights, place, flip)
    shown = motion(node, whole=True)
    lying = half_turned(weights) if flip and weights else weights
    output.write(to_svg(shown, with_values(shown, values, lying), stills))


def _matrix(option: str, given: str) -> tuple[Matrix, Span]:
    """Return the matrix of an option, given as text or as a file, and its source location."""
    from cnncalc.explain.matrix import parse_matrix

    source = _text(option, given)
    return parse_matrix(source), Span(source, 0, len(source.text.rstrip()))


def _text(option: str, given: str) -> Source:
    """Return the text of an option, given directly or as a file."""
    from cnncalc.sources import find

    source = find(given)
    if not isinstance(source, Source):
        raise SpecError([Diagnostic("E309", f"`{source.name}` is a model", label=f"{option} is a text on values")])
    return source._replace(name=option) if source.name == "<spec>" and option != "SPEC" else source


def _graph(source: Source, image: Matrix, reading: SpecOptions) -> Graph:
    """Return the spec applied to a matrix of one channel; one row is one spatial axis, unless the layer needs two."""
    rows, columns = len(image), len(image[0])
    if rows == 1:
        try:
            return reading.build(source, (columns, 1))
        except SpecError:
            pass
    return reading.build(source, (rows, columns, 1))
