"""Layers that are applied to each step of a sequence by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NoReturn

from cnncalc.layers.base import WHOLE, Example, Layer, Lint
from cnncalc.layers.pieces import ArgumentError
from cnncalc.layers.taps import AxisTaps, FromAxis, WindowTaps
from cnncalc.shape import Requirement, Shape, ShapeError, Size

#: What a layer says of itself, and what the layer at each step says is as true of all steps.
INHERITED = ("memory", "keeps", "known", "flat", "size_rule", "size_notes", "buffers_rule", "params_rule")


class Timewise(Layer):
    """Apply each layer of the sequence to every step of the first axis, with the same weights at each.

    There is one of these around each layer in the brackets. A merge there needs none: it does the same at all steps.
    """

    words = {"timewise": ()}
    takes = "(sequence)"
    keeps = "nothing"
    spatial = True
    size_rule = "steps, then as the layer of a step"
    params_rule = "those of the layer, once"
    buffers_rule = "those of the layer, once"
    macs_rule = "steps times those of the layer"
    field_rule = "its own step; on the other axes as the layer"
    examples = (
        # At each of 10 steps 6·6·(3·3·3·4); 27·4 + 4 parameters, once.
        Example("input 10x8x8x3 | timewise(conv 3x3 x4)", "10x6x6x4", params=112, macs=38_880),
        # 10·(8·8·3·2) products: the flatten in front of the fc is one of each step.
        Example("input 10x8x8x3 | timewise(fc 2)", "10x2", params=386, macs=3840),
        Example(
            "input 5x4x4x3 | timewise(add(conv 1x1 x3 ; ) | gap | flatten) | lstm 4 last", "4", params=156, macs=1280
        ),
    )

    def __init__(self, word: str, /, layer: Layer | None = None) -> None:
        """Make the layer that is `layer` at each step; raises `ArgumentError` E104 if there is none."""
        if layer is None:
            help = "write its layers in brackets: `timewise(conv 3x3 x8 | relu)`"
            raise ArgumentError("E104", f"`{word}` has no layers", "nothing to apply to each step", None, help)
        self._set("timewise", None, {"layer": layer, "axes_asked": layer.axes})
        self.__dict__.update({name: getattr(layer, name) for name in INHERITED})
        times = layer.macs_rule
        self.__dict__["macs_rule"] = times if times == "0" else f"steps·({times})"
        self.__dict__["field_rule"] = f"its own step; on the axes of a step {layer.field_rule}"

    layer: Layer
    axes_asked: int | None

    def __str__(self) -> str:
        return f"timewise({self.layer})"

    @property
    def stem(self) -> str:
        return self.layer.stem

    @property
    def open(self) -> list[str]:
        return self.layer.open

    @property
    def frozen(self) -> bool:
        return self.layer.frozen

    @property
    def is_view(self) -> bool:
        return self.layer.is_view

    @staticmethod
    def step(shape: Shape) -> Shape:
        """Return the shape of one step of a tensor."""
        return Shape(shape.spatial[1:], shape.channels)

    def all_steps(self, x: Shape, number: Size) -> Size:
        """Return a number that each step comes to, for all of them."""
        return number if isinstance(number, int) and not number else x.spatial[0] * number

    # -- sizes ---------------------------------------------------------------------------------------

    def resolve(self, x: Shape) -> Layer:  # type: ignore[override]  # a merge is the merge of all steps
        """Return the layer resolved for a step; raises `ShapeError` where its input has no axis of steps."""
        if not x.spatial:
            raise ShapeError(
                "E204",
                "`{layer}` is applied to each step, and its input has no axis of steps",
                f"the input is a flat vector of {x.channels}",
                help="take it out of the `timewise( )`, or put that before the `flatten`",
            )
        try:
            layer = self.layer.resolve(self.step(x))
            return layer.at_all_steps() or Timewise("timewise", layer)
        except ShapeError as fault:
            _at_a_step(fault, x)

    def shape_of(self, inputs: tuple[Shape, ...]) -> Shape:
        y = self.layer.shape_of(tuple(map(self.step, inputs)))
        return Shape((inputs[0].spatial[0], *y.spatial), y.channels)

    def output(self, x: Shape) -> Shape:
        return self.shape_of((x,))

    def requirements_of(self, inputs: tuple[Shape, ...]) -> Iterator[Requirement]:
        try:
            yield from self.layer.requirements_of(tuple(map(self.step, inputs)))
        except ShapeError as fault:
            _at_a_step(fault, inputs[0])

    def lints(self, x: Shape) -> Iterator[Lint]:
        return self.layer.lints(self.step(x))

    # -- figures ---------------------------------------------------------------------------------------

    def weights(self, x: Shape) -> Size:
        return self.layer.weights(self.step(x))

    def bias_weights(self, x: Shape) -> Size:
        return self.layer.bias_weights(self.step(x))

    def buffers(self, x: Shape) -> Size:
        return self.layer.buffers(self.step(x))

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        return self.all_steps(x, self.layer.multiply_adds(self.step(x), self.step(y)))

    def backward_multiply_adds(self, x: Shape, y: Shape, trains: bool, learning: int) -> Size:
        macs = self.layer.backward_multiply_adds(self.step(x), self.step(y), trains, learning)
        return self.all_steps(x, macs)

    def conv_activations(self, x: Shape, y: Shape) -> Size:
        return self.all_steps(x, self.layer.conv_activations(self.step(x), self.step(y)))

    def decompose(self, x: Shape) -> tuple[Layer, ...]:
        parts = self.layer.decompose(self.step(x))
        return (self,) if len(parts) == 1 else tuple([Timewise("timewise", part) for part in parts])

    def kept_elements(self, inputs: tuple[Shape, ...], y: Shape) -> Size:
        return self.all_steps(y, self.layer.kept_elements(tuple(map(self.step, inputs)), self.step(y)))

    def kept_bytes(self, y: Shape) -> Size:
        return self.all_steps(y, self.layer.kept_bytes(self.step(y)))

    def taps(self, x: Shape, y: Shape) -> tuple[AxisTaps, ...] | Literal["whole"] | None:
        frame, result = self.step(x), self.step(y)
        inner = self.layer.taps(frame, result)
        if isinstance(inner, tuple):
            # Axes that end at the layer are the first ones.
            ended = frame.rank - len(inner)
            placed = [tap if isinstance(tap, FromAxis) else FromAxis(ended + n, tap) for n, tap in enumerate(inner)]
            return (FromAxis(0), *[tap if tap.axis is None else tap._replace(axis=tap.axis + 1) for tap in placed])
        if frame.rank == result.rank:
            # Each output of a step sees all of it, whichever it is.
            everything = [FromAxis(1 + axis, WindowTaps(n - 1, 0, 0)) for axis, n in enumerate(frame.spatial)]
            return None if inner is None else (FromAxis(0), *everything)
        if frame.rank and result.rank:
            return WHOLE
        # A vector has no place, and its elements that become positions see their own.
        return (FromAxis(0), *[FromAxis(None)] * result.rank)

    # -- for reports ---------------------------------------------------------------------------------

    def fields(self, x: Shape | None) -> dict[str, object]:
        """Return the type of the layer at each step, the number of axes of steps, and the layer's arguments."""
        inner = self.layer.fields(None if x is None else self.step(x))
        if isinstance(self.layer, Timewise):
            return {**inner, "step_axes": self.layer.step_axes + 1}
        return {"layer": self.layer.kind, "step_axes": 1, **inner}

    @property
    def step_axes(self) -> int:
        """The number of leading axes that the layer is applied along."""
        return 1 + (self.layer.step_axes if isinstance(self.layer, Timewise) else 0)

    def explain_channels(self, x: Shape, y: Shape) -> str:
        text = self.layer.explain_channels(self.step(x), self.step(y))
        return text and f"at each of {x.spatial[0]} steps, {text}"


def _at_a_step(fault: ShapeError, x: Shape) -> NoReturn:
    """Raise the fault of a layer at a step with a note on the shape of the step."""
    step = Timewise.step(x)
    note = f"it is applied to each step of {x}: to {step}"
    if fault.code == "E203":
        fact = f"a step of its input is a flat vector of {step.channels}"
        help = "give an input of steps x height x width x channels, or take it out of the `timewise( )`"
        raise ShapeError("E204", "`{layer}` needs spatial axes besides the steps", fact, (note,), help) from None
    raise ShapeError(fault.code, fault.summary, fault.fact, (note, *fault.notes), fault.help, fault.part) from None


def over_steps(layer: Layer, times: int) -> Layer:
    """Return the layer at each step of so many leading axes."""
    for _ in range(times):
        layer = Timewise("timewise", layer)
    return layer
