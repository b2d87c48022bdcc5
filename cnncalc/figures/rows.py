"""Rows: the figures of one node, or of a block of nodes as one."""

from collections.abc import Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple

from cnncalc.diagnostics import Enclosing, printable
from cnncalc.figures.footprint import Footprint
from cnncalc.figures.receptive_field import ReceptiveField
from cnncalc.graph import Graph, Node
from cnncalc.shape import UNKNOWN_SHAPE, Shape, Size, dims_text, formulas_as_text

if TYPE_CHECKING:
    from fractions import Fraction

#: The arms of merges that something stands in, outermost first: (number of the merge, number of the arm).
Arms = tuple[tuple[int, int], ...]

#: A repeat whose text is longer is described without it.
MOST_REPEATED = 48


class Row(NamedTuple):
    """The figures of one node. Shapes and saved bytes are per sample; MACs and activations are for the whole batch.

    `saved_bytes` are those of what it is the first to keep for the backward pass, as PyTorch's autograd does.

    If sizes of the input are letters, sizes and counts are formulas of them (`cnncalc.symbols.Formula`). Behind an
    operator of a model file that is not known, sizes may be unknown (`cnncalc.shape.UnknownSize`); figures that depend
    on them are 0, and `missing` names them.
    """

    footprint: Footprint
    node: Node
    params: Size
    frozen: Size
    buffers: Size
    macs: Size
    activations: Size
    conv_activations: Size
    backward_macs: Size
    saved_bytes: Size
    receptive_field: ReceptiveField
    missing: tuple[str, ...] = ()
    #: Whether an unknown operator is the reason that some are: the layer itself, or one that it stands behind.
    behind_unknown: bool = False

    def __repr__(self) -> str:
        return _line_text(self)

    @property
    def graph(self) -> Graph:
        return self.footprint.graph

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def share(self) -> float | None:
        """Its MACs in per cent of the network's; None where they are formulas, or there are none."""
        return _per_cent(self.macs, self.footprint)

    @property
    def stands_on(self) -> str:
        """What the figures of a row with `missing` ones stand on, in words; empty for any other row."""
        if not self.missing:
            return ""
        if not self.node.inputs:
            return "the channels alone: the file leaves sizes open"
        if not self.node.layer.known:
            stated = [
                *(["the shape that the file states"] if self.node.shape.is_known else []),
                *(["the weights that the file states"] if "params" not in self.missing else []),
            ]
            return " and ".join(stated) or "nothing: the operator is unknown"
        return "nothing: its input is unknown" if "params" in self.missing else "the channels alone: sizes are unknown"

    @property
    def arms(self) -> Arms:
        return self.node.arms

    @property
    def within(self) -> tuple[Enclosing, ...]:
        """The blocks, named groups and repeats that it stands in, outermost first; in a model file, by its name."""
        origin = self.node.origin
        if origin is not None and origin.within:
            return origin.within
        dots = [at for at, sign in enumerate(self.name) if sign == "."]
        return tuple([Enclosing(self.name[:at]) for at in dots])

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the layers whose outputs the layer reads."""
        return tuple([self.graph.nodes[index].name for index in self.node.inputs])

    @property
    def type(self) -> str:
        """The kind of layer: the first word for it."""
        return self.node.layer.kind

    @property
    def description(self) -> str:
        """The layer in canonical notation, with the name of the layer whose weights it has, and those fused into it."""
        shared = self.weights_of
        own = str(self.node.layer) if shared is None else f"{self.node.layer} weights=@{shared}"
        return " + ".join([own, *map(str, self.node.fused)])

    @property
    def weights_of(self) -> str | None:
        """The name of the earlier layer whose weights it has, with which they are counted; None if they are its own."""
        index = self.node.weights_from
        return None if index is None else self.graph.nodes[index].name

    @property
    def input_shapes(self) -> tuple[tuple[Size, ...], ...]:
        return tuple(map(_stated_dims, self.node.input_shapes))

    @property
    def output_shape(self) -> tuple[Size, ...]:
        """The shape, channels last and without a batch; empty if an operator of a model file leaves it unknown.

        A size that is unknown beside others that are not is an `UnknownSize`.
        """
        return _stated_dims(self.node.shape)

    @property
    def flops(self) -> Size:
        """The number of FLOPs: two for each multiply-accumulate."""
        return 2 * self.macs

    @property
    def params_bytes(self) -> Size:
        """The bytes of its parameters, frozen weights and buffers."""
        return self.footprint.weight_bytes[self.node.index]

    @property
    def live_bytes(self) -> Size:
        """The bytes of the feature maps that are live while it runs, for the whole batch."""
        return self.footprint.live_bytes[self.node.index]

    @property
    def traffic_bytes(self) -> Size:
        """The bytes that it at least moves: weights, inputs and outputs once, for the whole batch."""
        return self.footprint.traffic_bytes[self.node.index]

    @property
    def intensity(self) -> "Fraction | None":
        """The FLOPs for each byte that it moves; None if it moves none, or sizes are letters."""
        return _intensity(self)

    @property
    def implicit(self) -> bool:
        """Whether the layer was added without being written in the spec: the `flatten` in front of an `fc`."""
        return self.node.implicit

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of the row, an item of `layers`, with formulas as text."""
        node = self.node
        data: dict[str, object] = {
            "index": node.index,
            **_shared_keys(self),
            "implicit": node.implicit,
            "fields": node.layer.fields(node.input_shapes[0]) if node.inputs else {},
            **({} if self.weights_of is None else {"weights_of": self.weights_of}),
            **({"fused": [each.kind for each in node.fused]} if node.fused else {}),
            **({"missing": list(self.missing)} if self.missing else {}),
        }
        return data if self.is_whole else formulas_as_text(data)

    @property
    def is_whole(self) -> bool:
        """Whether all its sizes and counts are numbers: no formulas, and none unknown."""
        dims = [size for shape in (*self.node.input_shapes, self.node.shape) for size in shape.dims]
        known = not self.missing and all(shape.is_known for shape in self.node.input_shapes)
        # What is live beside it may have open sizes where its own have none.
        sizes = [*dims, self.live_bytes]
        return known and not self.node.layer.open and all(isinstance(size, int) for size in sizes)


def _per_cent(macs: Size, whole: Footprint) -> float | None:
    if not isinstance(macs, int) or not isinstance(whole.macs, int) or not whole.macs:
        return None
    return 100 * macs / whole.macs


def _stated_dims(shape: Shape) -> tuple[Size, ...]:
    return () if shape == UNKNOWN_SHAPE else shape.dims


class RowGroup(NamedTuple):
    """The rows of a block, named group or repeat as one: the sums of their figures, and the shapes at its ends."""

    name: str
    rows: tuple[Row, ...]

    def __repr__(self) -> str:
        return _line_text(self)

    @property
    def type(self) -> str:
        return "block"

    @property
    def implicit(self) -> bool:
        return False

    @property
    def description(self) -> str:
        """The call of the block or the repeat as written in the spec, or for a named group its number of layers."""
        enclosing = next((each for each in self.rows[0].within if each.name == self.name), None)
        written = enclosing and enclosing.written
        if enclosing is None or written is None:
            return f"{len(self.rows)} layer{'s' if len(self.rows) > 1 else ''}"
        text = " ".join(written.text.split())
        if enclosing.count is None:
            return text
        plain = len(text) <= MOST_REPEATED and "\n" not in written.text
        return f"{text if plain else '(…)'} * {enclosing.count:,}"

    @property
    def arms(self) -> Arms:
        """The arms that contain all of its rows."""
        shared = min((row.arms for row in self.rows), key=len)
        return shared if all(row.arms[: len(shared)] == shared for row in self.rows) else ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the layers outside the group whose outputs it reads."""
        inside = {row.name for row in self.rows}
        return tuple(dict.fromkeys(name for row in self.rows for name in row.inputs if name not in inside))

    @property
    def input_shapes(self) -> tuple[tuple[Size, ...], ...]:
        return self.rows[0].input_shapes

    @property
    def output_shape(self) -> tuple[Size, ...]:
        return self.rows[-1].output_shape

    @property
    def receptive_field(self) -> ReceptiveField:
        return self.rows[-1].receptive_field

    @property
    def missing(self) -> tuple[str, ...]:
        """The figures that are unknown of some of its rows, and counted as 0 there."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.missing))

    @property
    def params(self) -> Size:
        return sum(row.params for row in self.rows)

    @property
    def frozen(self) -> Size:
        return sum(row.frozen for row in self.rows)

    @property
    def buffers(self) -> Size:
        return sum(row.buffers for row in self.rows)

    @property
    def macs(self) -> Size:
        return sum(row.macs for row in self.rows)

    @property
    def flops(self) -> Size:
        return sum(row.flops for row in self.rows)

    @property
    def activations(self) -> Size:
        return sum(row.activations for row in self.rows)

    @property
    def conv_activations(self) -> Size:
        return sum(row.conv_activations for row in self.rows)

    @property
    def backward_macs(self) -> Size:
        return sum(row.backward_macs for row in self.rows)

    @property
    def saved_bytes(self) -> Size:
        return sum(row.saved_bytes for row in self.rows)

    @property
    def params_bytes(self) -> Size:
        return sum(row.params_bytes for row in self.rows)

    @property
    def live_bytes(self) -> Size:
        """The most bytes of feature maps that are live while one of its layers runs."""
        if self.rows[0].graph.letters:
            from cnncalc.symbols import largest  # few runs need it

            return largest([row.live_bytes for row in self.rows])
        return max(row.live_bytes for row in self.rows)

    @property
    def traffic_bytes(self) -> Size:
        return sum(row.traffic_bytes for row in self.rows)

    @property
    def intensity(self) -> "Fraction | None":
        return _intensity(self)

    @property
    def share(self) -> float | None:
        return _per_cent(self.macs, self.rows[0].footprint)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of the group, which replaces those of its rows in `layers` and names them."""
        data: dict[str, object] = {
            "index": self.rows[0].node.index,
            **_shared_keys(self),
            "implicit": self.implicit,
            "layers": [row.name for row in self.rows],
            **({"missing": list(self.missing)} if self.missing else {}),
        }
        return data if all(row.is_whole for row in self.rows) else formulas_as_text(data)


RowOrGroup = Row | RowGroup


def _intensity(line: RowOrGroup) -> "Fraction | None":
    if not isinstance(line.flops, int) or not isinstance(line.traffic_bytes, int) or not line.traffic_bytes:
        return None
    from fractions import Fraction  # few runs need it

    return Fraction(line.flops, line.traffic_bytes)


def _line_text(line: RowOrGroup) -> str:
    """Return the main figures of a row or a group on one line, for its `repr`."""
    shape = dims_text(line.output_shape) or "?"
    text = f"{line.name}: {line.description}, {shape}, params={_figure(line, 'params')}, macs={_figure(line, 'macs')}"
    return f"<{type(line).__name__} {printable(text)}>"


def _figure(line: RowOrGroup, name: str) -> str:
    """Return a figure of the line as text; one that is not known in full is `?`, or at least what is known."""
    known = getattr(line, name)
    if name not in line.missing:
        return f"{known:,}"
    return f"≥{known:,}" if known else "?"


def _shared_keys(line: RowOrGroup) -> dict[str, object]:
    """Return the keys of the JSON object that a row and a group have in common."""
    return {
        "name": line.name,
        "type": line.type,
        "inputs": list(line.inputs),
        "input_shapes": [list(shape) for shape in line.input_shapes],
        "output_shape": list(line.output_shape) or None,
        "params": line.params,
        "frozen": line.frozen,
        "buffers": line.buffers,
        "macs": line.macs,
        "flops": line.flops,
        "backward_macs": line.backward_macs,
        "activations": line.activations,
        "conv_activations": line.conv_activations,
        "params_bytes": line.params_bytes,
        "live_bytes": line.live_bytes,
        "traffic_bytes": line.traffic_bytes,
        "saved_bytes": line.saved_bytes,
        "receptive_field": line.receptive_field.to_dict(),
    }


def collapse(rows: Sequence[Row], depth: int | None) -> list[RowOrGroup]:
    """Return the rows with every block, named group and repeat deeper than `depth` as one group.

    1 collapses the outermost ones, 2 those within them, and so on; 0 returns no rows, None all rows unchanged.
    """
    if depth is None:
        return list(rows)
    if depth == 0:
        return []
    collapsed: list[RowOrGroup] = []
    for name, group in groupby(rows, key=lambda row: _at_depth(row, depth)):
        members = tuple(group)
        single = len(members) == 1 and members[0].name == name
        collapsed += members if single else (RowGroup(name, members),)
    return collapsed


def _at_depth(row: Row, depth: int) -> str:
    """Return the name of what a row belongs to at a depth: a block, or the row itself."""
    within = row.within
    return within[depth - 1].name if len(within) >= depth else row.name


def fitting_depth(rows: Sequence[Row], most: int) -> int | None:
    """Return the greatest depth at which the rows come to at most `most`, or None if they do without collapsing.

    If they are more at every depth, it is 1, the depth of the fewest; where nothing can be collapsed it is None.
    """
    if len(rows) <= most or not any(row.within for row in rows):
        return None
    depth = 1
    while sum(1 for _ in islice(groupby(rows, key=lambda row: _at_depth(row, depth + 1)), most + 1)) <= most:
        depth += 1
    return depth


def group_named(rows: Sequence[Row], name: str) -> RowGroup | None:
    """Return the rows of the block, named group or repeat of that name as one; None if there is none."""
    members = tuple(row for row in rows if any(each.name == name for each in row.within))
    return RowGroup(name, members) if members else None
