"""The walk over the operators of a file whose tensors have their own layout, shared by readers of such files.

Each operator is converted by the rule of its type. What a rule cannot infer, and an operator without a rule, is a row
with the shape that the file states, from which the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.graph import UNKNOWN as NO_NODE
from cnncalc.graph import StoredWeights
from cnncalc.layers.base import Lint
from cnncalc.readers import shape_inference
from cnncalc.readers.importer import printable
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, axis_of
from cnncalc.readers.tensor_importer import FrameworkNode, TensorImporter
from cnncalc.readers.tensors import CannotInferError, Tensor, sample_shape
from cnncalc.readers.weights import StoredTensor


def join(
    importer: TensorImporter[FrameworkNode, StoredTensor], node: FrameworkNode, operands: Operands, axis: int
) -> Tensor:
    """Add a concatenation of all operands, some of which may be constant.

    Raises `CannotInferError` if all are constant, or one's shape is unknown.
    """
    shapes, tensors = operands.shapes, operands.tensors
    if not tensors:
        raise CannotInferError
    after = shape_inference.concat(shapes, axis)
    constants = [each for each in operands.constants if each is not None]
    stored = importer.count_weights(*constants) if constants else None
    return importer.concat(node, tensors, after, axis_of(axis, len(after)), stored)


class OperatorImporter(TensorImporter[FrameworkNode, StoredTensor]):
    """Builds the graph of a file's operators, each of which has a name of its own.

    The first row of an operator has its name; any other stands within it, `conv1.relu1` behind `conv1`.
    """

    def __init__(self) -> None:
        super().__init__(())
        self._named = False

    def file_name_of(self, node: FrameworkNode) -> str:
        """Return the name that the file gives an operator."""
        raise NotImplementedError

    def count_outputs(self, node: FrameworkNode) -> int:
        """Return the number of an operator's outputs."""
        raise NotImplementedError

    def weights_behind_unknown(self, node: FrameworkNode, operands: Operands) -> StoredWeights | None:
        """Return the weights of an operator that its rule cannot convert, as far as the file states them."""
        return None

    def name_of(self, node: FrameworkNode) -> tuple[str | None, str]:
        name = printable(self.file_name_of(node))
        if self._named or not name:
            return None, f"{name}." if name else ""
        self._named = True
        return self.names(name), ""

    def apply(
        self,
        node: FrameworkNode,
        rule: Callable[..., Outputs] | None,
        operands: Operands,
        stated: Sequence[Dims | None] = (),
        costly: bool = False,
    ) -> list[Value]:
        """Return the outputs of an operator by its rule, or of the shapes that the file states for them.

        `costly` is whether its kind multiplies or has weights, so that more than its shape is lost without its rule.
        """
        tensors, count = operands.tensors, self.count_outputs(node)
        self._named = False
        if any(each.node == NO_NODE for each in tensors):  # behind an error that is reported already
            return [Tensor(NO_NODE, None)] * count
        behind_unknown = any(each.dims is None for each in tensors)
        if rule is not None and not behind_unknown:
            try:
                with self.weights.restored_on_error():
                    result = rule(self, node, operands)
                outputs: list[Value] = list(result) if isinstance(result, list) else [result]  # type: ignore[list-item]
                outputs += outputs[-1:] * (count - len(outputs))
                self._compare(outputs, stated)
                return outputs
            except ShapeMismatchError as mismatch:
                return [self.contradiction(node, str(mismatch))] * count
            except SpecError:
                raise
            except (ValueError, ArithmeticError, LookupError):  # arguments that make no sense, too few axes
                pass
        shapes = [*stated, *[None] * count][: max(count, 1)]
        known = rule is not None and not costly and (behind_unknown or shapes[0] is not None)
        stored = self.weights_behind_unknown(node, operands)
        return [
            self.opaque(node, dims, tensors, known=known, stored=stored if number == 0 else None)
            for number, dims in enumerate(shapes)
        ]

    def contradiction(self, node: FrameworkNode, fact: str) -> Tensor:
        """Report an operator whose inputs do not fit; the operators that read it are skipped."""
        name = printable(self.file_name_of(node)) or printable(self.operator_of(node))
        origin = self.origin_of(node)
        summary = f"`{name}` ({printable(self.operator_of(node))}) does not fit its input"
        self.problems.add(Diagnostic("E306", summary, origin.span if origin else None, fact, layer=name))
        self.builder.mark_failed()
        return Tensor(NO_NODE, None)

    def _compare(self, outputs: Sequence[Value], stated: Sequence[Dims | None]) -> None:
        """Warn of outputs whose shape is another one than the file states."""
        for output, dims in zip(outputs, stated, strict=False):
            if isinstance(output, Tensor) and None not in (dims, output.dims) and output.dims != dims:
                computed, written = (sample_shape(each or (), output.channel) for each in (output.dims, dims))
                if computed.elements != written.elements:
                    fact = f"the file states {written} for the output of `{{layer}}`, by its arguments it is {computed}"
                    self.builder.add_lint(output.node, Lint("W303", fact, "the figures are for the computed shape"))
