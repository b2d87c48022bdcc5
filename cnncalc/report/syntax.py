"""The language on one page: examples, then arguments and size rules taken from the layer classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from cnncalc.layers import kinds
from cnncalc.layers.arguments import Argument
from cnncalc.layers.conv import Conv, Deconv
from cnncalc.layers.pool import MaxPool
from cnncalc.layers.windowed import Windowed
from cnncalc.report.arguments import HEADINGS, argument_row
from cnncalc.report.document import Block, CodeSample, DataTable, Document, Heading, Paragraph, text_table

TITLE = "The language on one page"

#: An argument that so few kinds take says which they are.
FEW = 3


class SyntaxSection(NamedTuple):
    """A section of the page; `samples` pairs specs with their meanings."""

    title: str
    text: str = ""
    table: DataTable | None = None
    samples: tuple[tuple[str, str], ...] = ()
    code: CodeSample | None = None
    after: str = ""

    def blocks(self) -> Iterator[Block]:
        yield Heading(self.title)
        if self.text:
            yield Paragraph(self.text)
        if self.table:
            yield self.table
        if self.samples:
            yield text_table([(f"`{spec}`", meaning) for spec, meaning in self.samples])
        if self.code:
            yield self.code
        if self.after:
            yield Paragraph(self.after)

    def to_dict(self) -> dict[str, object]:
        table = self.table
        keys = [column.heading for column in table.columns] if table and table.headed else ["form", "meaning"]
        return {
            "title": self.title,
            "text": [text for text in (self.text, self.after) if text],
            "table": [
                dict(zip(keys, (cell.replace("`", "") for cell in row), strict=True))
                for row in (table.texts() if table else ())
            ],
            "examples": [
                *({"language": "cnn", "spec": spec, "meaning": meaning} for spec, meaning in self.samples),
                *([{"language": self.code.language, "spec": self.code.text, "meaning": ""}] if self.code else []),
            ],
        }


def syntax_document() -> Document:
    """Build the page: a heading, then its sections."""
    return Document((Heading(TITLE, level=1), *(block for section in sections() for block in section.blocks())))


def sections() -> tuple[SyntaxSection, ...]:
    """Return the sections of the page, in order."""
    return (
        SyntaxSection(
            "at a glance",
            "A spec is what one sample goes through: no batch, and channels last, HxWxC.",
            samples=(
                ("input 5x5x3 | conv 3x3 s1 valid x2", "words apart"),
                ("conv3x3s1p0:16,pool2", "glued; the shape comes by `--input`"),
                ("input 32x32x3 -> conv 3x3 x8 -> bn -> relu", "arrows do as well"),
                ("(conv 3x3 x8 | relu) * 2 | pool 2", "repeated; weights of their own"),
                ("add(conv 3x3 same x3 | bn ; ) | relu", "a residual branch"),
                ("conv 3x3 x8 | gap | fc 10", "`fc` is given a `flatten` of its own"),
            ),
        ),
        SyntaxSection(
            "separators",
            table=text_table(
                (
                    ("`|`  `,`  `->`", "between layers; in a file, a new line too"),
                    ("`;`", "between the arms of a merge, in its brackets"),
                    ("`* 3`", "behind an item: three copies; `x` is never a repeat"),
                    ("`#`", "a comment, to the end of the line"),
                )
            ),
        ),
        SyntaxSection(
            "glued and apart",
            "Arguments stand apart from their word or glued to it, in any order and in either form. Glued, an `x` "
            "goes on with the numbers before it, so that filters take a colon. Capitals make no difference in words.",
            samples=(
                ("conv 3x3 s2 same x16 nobias", "apart"),
                ("conv3x3s2samenobias:16", "glued"),
                ("conv 3x3 stride=2 padding=same x16 bias=false", "long and short"),
            ),
        ),
        SyntaxSection(
            "arguments",
            table=text_table(list(_arguments()), HEADINGS, ("code", "code")),
            after="One number serves all axes, or each has its own, `s2x1`; `p0-1` pads the end alone. "
            "`cnncalc layers WORD` lists what else a layer takes.",
        ),
        SyntaxSection(
            "sizes",
            "Of each axis: N is the input size, F' = d(F − 1) + 1 the window with its gaps, S the stride, P the "
            "padding at each end.",
            table=text_table(list(_sizes())),
        ),
        SyntaxSection(
            "branches and names",
            "`add`, `mul` and `concat` bring arms together, all of which start from the tensor before; an empty arm is "
            "that tensor. `as` names a tensor, `@` goes back to it. What no layer reads is an output.",
            samples=(
                ("concat(conv 1x1 x8 ; pool 3 s1 same)", "channels side by side"),
                ("mul( ; gap | conv 1x1 x3 | sigmoid)", "an axis of size 1 stretches"),
                ("bn as a | pool 2 | upsample 2 | concat( ; @a)", "a skip connection"),
                ("pool 2 as t | conv 3x3 x4 | @t | conv 5x5 x4", "two heads"),
            ),
        ),
        SyntaxSection(
            "blocks",
            "`let` names numbers, `def` a block. `{…}` computes wherever a number may stand, with `+ - * / // %` and "
            "`min max ceil floor round divisible(v, by)`; `* {n}` with an `n` of 0 leaves an item out. "
            "In a block, `C` is the number of channels that come in. "
            "`--var width=32` overrides a let. `cnncalc zoo resnet50` shows a whole network, `cnncalc zoo --blocks` "
            "the blocks that stand ready, such as `se()` and `inverted(24, s=2)`.",
            code=CodeSample(
                "let width = 16, depth = 2\n"
                "def unit(c, s=1) = conv 3x3 s{s} p1 x{c} nobias | bn | relu\n"
                "input 32x32x3 | unit({width}) | unit({2 * width}, s=2) * {depth} | gap | fc 10",
                "cnn",
            ),
        ),
        SyntaxSection(
            "letters",
            "A size of an input may be a letter, any but `x`: sizes and counts are formulas in it then. A spec without "
            "an input has one of letters, and missing filters are letters too: `K1`. `--at H=224,K1=16` gives numbers.",
            samples=(
                ("input HxWx3 | conv 3x3 x8 | pool 2", "(floor(H/2) - 1)x(floor(W/2) - 1)x8"),
                ("input NxNxC | conv 1x1 x4", "one letter for both axes"),
                ("conv3x3s1p0:16,pool2", "height, width and channels are H, W and C"),
            ),
        ),
        SyntaxSection(
            "YAML",
            "The same in a file of YAML: a layer in text as above, or as a mapping of long forms.",
            code=CodeSample(
                "input: 32x32x3\n"
                "let: {width: 16}\n"
                "def: {'unit(c)': ['conv 3x3 same x{c}', relu]}\n"
                "layers:\n"
                "  - unit({width}) | pool 2\n"
                "  - conv: {kernel: 3x3, stride: 2, filters: 32, name: down}\n"
                "  - repeat: {times: 2, layers: [bn, relu]}\n"
                "  - add: [[conv 3x3 same x32], []]\n"
                "  - fc: 10",
                "yaml",
            ),
        ),
    )


def _arguments() -> Iterator[tuple[str, ...]]:
    """Yield the arguments of layers with a window, each as the first class that has it declares it."""
    windowed = {kind: cls for kind, cls in kinds().items() if issubclass(cls, Windowed)}
    owners: dict[str, dict[str, Argument[Any]]] = {}
    for kind, cls in windowed.items():
        for name, argument in cls.arguments.items():
            owners.setdefault(name, {})[kind] = argument
    for by_kind in owners.values():
        rows = [argument_row(argument) for argument in by_kind.values()]
        others: dict[str, list[str]] = {}
        for kind, row in zip(by_kind, rows, strict=True):
            if row.default != rows[0].default:
                others.setdefault(row.default, []).append(kind)
        few = ", ".join(by_kind) if len(by_kind) <= FEW else ""
        aside = "; ".join(f"{', '.join(takers)}: {default}" for default, takers in others.items()) or few
        yield rows[0]._replace(meaning=rows[0].meaning + (f" ({aside})" if aside else ""))


def _sizes() -> Iterator[tuple[str, ...]]:
    yield "conv, pool", _bare(Conv.size_rule)
    for note in MaxPool.size_notes:
        yield _note(note)
    yield "deconv", _bare(Deconv.size_rule)
    for note in Deconv.size_notes:
        # What holds for a convolution too stands there.
        if note not in Conv.size_notes:
            word, rule = _note(note)
            yield f"deconv {word}", rule


def _note(note: str) -> tuple[str, str]:
    word, _, rule = note.partition(": ")
    return word.strip("`"), rule


def _bare(rule: str) -> str:
    """Return a size rule without its part on channels."""
    return rule.partition(";")[0]
