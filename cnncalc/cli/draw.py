"""`cnncalc draw SPEC`: a network as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cnncalc.cli.command import FIGURES, define_command, option, refuse
from cnncalc.cli.errors import note
from cnncalc.cli.options import Decorator, file_option, quiet_option, source_options, spec_argument
from cnncalc.cli.output import Output
from cnncalc.cli.specs import SpecOptions, drawing_name, find_source
from cnncalc.draw import CAPTIONS, SCALES, STYLES

if TYPE_CHECKING:
    from cnncalc.draw.scene import Scene

EXAMPLES = """
cnncalc draw resnet50 -o resnet50.svg
cnncalc draw unet --scale log -o unet.tex
cnncalc draw googlenet --style flow --depth 1 -o googlenet.html
cnncalc draw "input 32x32x3 | conv 3x3 same x16 | pool 2 | fc 10" -o small.svg
"""

#: Format → the suffix of its files.
SUFFIXES = {".svg": "svg", ".tex": "tikz", ".html": "html"}


def _choice(name: str, words: Sequence[str], help: str, metavar: str | None = None) -> Decorator:
    """Return the option that takes one of some words, by default the first."""
    kind = click.Choice(tuple(words))
    return option(
        f"--{name}",
        group=FIGURES,
        type=kind,
        default=kind.choices[0],
        metavar=metavar or name.upper(),
        help=f"{help}: {', '.join(words)}",
    )


@define_command("draw", EXAMPLES, suffixes=SUFFIXES, no_args_is_help=True)
@spec_argument("spec")
@source_options()
@_choice("style", STYLES, "Boxes in perspective and to scale, or cards with words")
@option(
    "--depth",
    group=FIGURES,
    type=click.IntRange(1, 100),
    metavar="N",
    help="Draw blocks below this depth as one box each; without it, only where there are over 200 boxes.",
)
@_choice("captions", CAPTIONS, "Shapes to write: where they change, on every box, on none", "WHICH")
@_choice("scale", SCALES, "Scale of the boxes' sides in blocks")
@option(
    "-f",
    "--format",
    type=click.Choice(tuple(SUFFIXES.values())),
    default="svg",
    metavar="FORMAT",
    help="Format of the figure",
)
@file_option()
@quiet_option()
def command(
    spec: str,
    reading: SpecOptions,
    style: str,
    captions: str,
    scale: str,
    output: Output,
) -> None:
    """Draw a network as a figure.

    It is an SVG file, a LaTeX file with a TikZ picture that needs no editing, or a page. Repeats are drawn once, in a
    frame that says how many there are.

    SPEC is a file (.cnn, .yaml, or a model), - for standard input, a name of the zoo, or the network itself.
    """
    from cnncalc.draw import draw

    if style == "flow":
        refuse(("scale",), "with `--style flow`, whose cards are not to scale")
    shape, source = reading.shape(), find_source(spec, output)
    graph = reading.build(source, shape)
    named = graph._replace(name=graph.name or drawing_name(source, spec))
    write_scene(draw(named, style, output.depth, captions, scale), output, by_depth=True)


def write_scene(scene: Scene, output: Output, by_depth: bool = False) -> None:
    """Write a scene in the format of the output, SVG if that is none of a figure, with a note where blocks were folded.

    `by_depth` is whether the command has a `--depth`.
    """
    if scene.folded is not None:
        deeper = f"blocks are drawn as one box each below depth {scene.folded}, since there would be over 200 boxes"
        more = f": `--depth {scene.folded + 1}` draws more of them" if by_depth else ""
        note(f"{deeper}{more}", output)
    output.write(_text(scene, output.format))


def _text(scene: Scene, format: str) -> str:
    if format == "tikz":
        from cnncalc.draw.tikz import to_tikz

        return to_tikz(scene)
    if format == "html":
        from cnncalc.draw.html import to_html

        return to_html(scene)
    from cnncalc.draw.svg import to_svg

    return to_svg(scene)
