"""What `analyze` returns: the figures of a network, and all that shows them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from cnncalc.analysis import Analysis

if TYPE_CHECKING:
    import pandas

    from cnncalc.report.document import Column, Document
    from cnncalc.report.selection import Selection

    #: Columns by their keys: `"name,params"`, `"+jump"`, `"all"`, or a list of keys.
    Columns = str | Iterable[str] | None
    #: The depth below which a block is one row: a number, `"all"` for every layer, or None for what suits.
    Depth = int | Literal["all"] | None


class Result(Analysis):
    """All figures of a network, as returned by `analyze`, in every form.

    `repr` is one line, `print` writes the table, and a notebook shows a table whose blocks fold. `result["conv1"]` and
    `result[0]` are rows. Methods take `columns` (`"name,params"`, `"+jump"`, `"all"`), the `layout` of shapes (`"hwc"`,
    `"chw"`) and the `depth` below which a block is one row, as the command line does.
    """

    @classmethod
    def of(cls, analysis: Analysis) -> Result:
        """Return the result for the figures of an analysis."""
        return cls(analysis.graph, analysis.options, analysis.rows, analysis.footprint, analysis.totals)

    def __str__(self) -> str:
        """Return the table, as wide as the terminal, or as it needs to be elsewhere."""
        from cnncalc.report.options import MOST_AT_ONCE, RenderOptions
        from cnncalc.report.terminal import to_terminal

        stream = sys.stdout
        width = most_rows = None
        if stream is not None and stream.isatty():
            import shutil

            width, most_rows = shutil.get_terminal_size().columns, MOST_AT_ONCE
        encoding = getattr(stream, "encoding", None) or "utf-8"
        options = RenderOptions(width, unicode=encoding.lower().startswith("utf"))
        return to_terminal(self._document(most_rows=most_rows), options).rstrip("\n")

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        return self.to_html()

    def to_csv(self, *, columns: Columns = "all", layout: str = "hwc", depth: Depth = None) -> str:
        """Return the rows as CSV, with raw numbers and without totals."""
        return self._plain("csv", columns, layout, depth)

    def to_markdown(self, *, columns: Columns = None, layout: str = "hwc", depth: Depth = None) -> str:
        """Return the rows and totals as a Markdown table."""
        return self._plain("markdown", columns, layout, depth)

    def to_latex(self, *, columns: Columns = None, layout: str = "hwc", depth: Depth = None) -> str:
        """Return the rows and totals as a LaTeX tabular, which uses the package booktabs."""
        return self._plain("latex", columns, layout, depth)

    def to_html(self, *, columns: Columns = None, layout: str = "hwc", depth: Depth = None) -> str:
        """Return the table with bars, totals and warnings as an HTML element; its blocks fold without a script."""
        from cnncalc.report.html import to_html

        return to_html(self._document(columns, layout, depth, folding=True))

    def to_svg(
        self, *, style: str = "blocks", depth: Depth = None, captions: str = "changes", scale: str = "sqrt"
    ) -> str:
        """Return the network as a figure, as the command `draw` makes it, in SVG.

        `style` is `"blocks"` or `"flow"`, `captions` `"changes"`, `"all"` or `"none"`, `scale` `"sqrt"`, `"log"` or
        `"linear"`; below a `depth`, blocks are one box each, and with `"all"` none. Raises `ValueError` for another
        one, and `SpecError` if there is nothing to draw, or too much.
        """
        from cnncalc.draw import CAPTIONS, SCALES, STYLES, draw
        from cnncalc.draw.svg import to_svg

        for name, value, known in (
            ("style", style, STYLES),
            ("captions", captions, CAPTIONS),
            ("scale", scale, SCALES),
        ):
            if value not in known:
                raise ValueError(f"unknown {name} {value!r}: one of {', '.join(known)}")
        # No block is as deep.
        return to_svg(draw(self.graph, style, len(self.rows) if depth == "all" else depth, captions, scale))

    def to_dataframe(self, *, columns: Columns = "all", layout: str = "hwc", depth: Depth = None) -> pandas.DataFrame:
        """Return the rows as a pandas data frame, with the layers' names as its index.

        Counts are exact integers, missing (`<NA>`) where they are unknown; formulas are objects. Totals are not in it.
        Raises `ImportError` if pandas is not installed.
        """
        from cnncalc.dataframes import pandas_module

        library = pandas_module()
        table = next(self._rows_document(columns, layout, depth).tables())
        data = {
            column.key: _series(library, [column.value(line, layout) for line in table.lines])
            for column in table.columns
            if column.key != "name"
        }
        names = library.Index([line.name for line in table.lines], name="name")
        frame: pandas.DataFrame = library.DataFrame(data, index=names)
        return frame

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        columns: Columns = None,
        layout: str = "hwc",
        depth: Depth = None,
    ) -> None:
        """Write a file, whole or not at all, in the format that its suffix says, or in `format`.

        A table is `.html`, `.csv`, `.json`, `.md`, `.tex`, or `.txt` and no suffix; a figure is `.svg`; the network
        itself is `.onnx` or `.cnn`, or with `format="pytorch"` or `"keras"` a `.py`. Raises `ValueError` for a suffix
        or format that is not known, `SpecError` for a layer that a format has no equivalent of, and `OSError` if the
        file cannot be written.
        """
        from cnncalc.files import write_whole

        name = os.fspath(path)
        written = self._written(name, format or _format_of(name), columns, layout, depth)
        write_whole(name, written.encode("utf-8") if isinstance(written, str) else written)

    def _written(self, path: str, format: str, columns: Columns, layout: str, depth: Depth) -> str | bytes:
        """Return what a file of the format holds."""
        from cnncalc.report.formats import FORMAT_OF_SUFFIX, render
        from cnncalc.writers import FORMATS, export

        title = self.graph.name or os.path.splitext(os.path.basename(path))[0]
        if format in FORMATS:
            _refuse(format, columns=columns, layout=layout != "hwc", depth=depth is not None)
            return export(self.graph._replace(name=title), format)
        if format == "svg":
            _refuse(format, columns=columns, layout=layout != "hwc")
            named = type(self)(self.graph._replace(name=title), self.options, self.rows, self.footprint, self.totals)
            return named.to_svg(depth=depth)
        if format == "json":
            from cnncalc.report.json import to_json

            _refuse(format, columns=columns, layout=layout != "hwc")
            return to_json(self.to_dict(_checked_depth(depth)))
        if format in ("csv", "markdown", "latex"):
            return self._plain(format, columns or ("all" if format == "csv" else None), layout, depth)
        if format not in FORMAT_OF_SUFFIX.values():
            known = [*FORMAT_OF_SUFFIX.values(), "svg", *FORMATS]
            raise ValueError(f"unknown format {format!r}: one of {', '.join(known)}")
        from cnncalc.report.options import RenderOptions

        document = self._document(columns, layout, depth, folding=format == "html")
        if format == "html":
            from cnncalc.report.page import network_page

            return network_page(self, document, title)
        return render(document, format, RenderOptions(), title)

    def _plain(self, format: str, columns: Columns, layout: str, depth: Depth) -> str:
        """Return the rows in a format for programs and papers."""
        from cnncalc.report.formats import render
        from cnncalc.report.options import RenderOptions

        return render(self._rows_document(columns, layout, depth), format, RenderOptions())

    def _rows_document(self, columns: Columns, layout: str, depth: Depth) -> Document:
        from cnncalc.report.network import layers_document

        return layers_document(self, _chosen(columns), _checked_layout(layout), _selection(depth))

    def _document(
        self,
        columns: Columns = None,
        layout: str = "hwc",
        depth: Depth = None,
        most_rows: int | None = None,
        folding: bool = False,
    ) -> Document:
        from cnncalc.report.network import PYTHON, network_document

        chosen, selection = _chosen(columns), _selection(depth)
        return network_document(self, chosen, _checked_layout(layout), selection, most_rows, folding, PYTHON)


def _selection(depth: Depth) -> Selection:
    """Return the selection of rows that a depth makes; raise `ValueError` for what is none."""
    from cnncalc.report.selection import Selection

    return Selection(_checked_depth(depth))


def _checked_depth(depth: Depth) -> int | None:
    if depth == "all":
        return sys.maxsize
    if depth is not None and (not isinstance(depth, int) or isinstance(depth, bool) or depth < 0):
        raise ValueError(f"depth must be a whole number from 0, or 'all', not {depth!r}")
    return depth


def _chosen(columns: Columns) -> Sequence[Column]:
    from cnncalc.report.columns import choose

    return choose(columns if columns is None or isinstance(columns, str) else ",".join(columns))


def _checked_layout(layout: str) -> str:
    if layout not in ("hwc", "chw"):
        raise ValueError(f"unknown layout {layout!r}: one of hwc, chw")
    return layout


def _refuse(format: str, **given: object) -> None:
    """Raise `ValueError` for an option that is given and has no effect in a format."""
    for name, value in given.items():
        if value:
            raise ValueError(f"`{name}` has no effect in the format {format}")


def _format_of(path: str) -> str:
    """Return the format that a file's suffix says; raises `ValueError` if it says none, or several."""
    from cnncalc.report.formats import FORMAT_OF_SUFFIX
    from cnncalc.writers import FORMATS

    suffix = os.path.splitext(path)[1].lower()
    written = {known: [format] for known, format in FORMAT_OF_SUFFIX.items()} | {".svg": ["svg"]}
    for format, form in FORMATS.items():
        written.setdefault(form.suffix, []).append(format)
    formats = written.get(suffix, []) if suffix else ["table"]
    if len(formats) == 1:
        return formats[0]
    if formats:
        ways = " or ".join(f'format="{format}"' for format in formats)
        raise ValueError(f"`{suffix}` is the suffix of {' and '.join(formats)}: add {ways}")
    *known, last = [f"`{suffix}`" for suffix, formats in written.items() if len(formats) == 1]
    raise ValueError(f"the suffix of `{path}` says no format: add `format=`, or write to {', '.join(known)} or {last}")


def _series(pandas: Any, values: list[Any]) -> Any:
    """Return the values of a column; where some are unknown, whole numbers stay what they are."""
    if None not in values:
        return values
    whole = all(value is None or (isinstance(value, int) and abs(value) < 2**63) for value in values)
    return pandas.array(values, dtype="Int64" if whole else object)
