"""The Python file of a Keras model: a function for each block, and the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cnncalc.frameworks.keras import KERAS
from cnncalc.graph import Graph
from cnncalc.writers.blocks import BlockLayout, BlockStep, BlockTemplate, CodeBlock, file_docstring
from cnncalc.writers.code import (
    Call,
    CallArgument,
    Inline,
    LayerCode,
    RawCode,
    call,
    inline_text,
    keyword,
    positional,
    statement,
    with_comment,
)
from cnncalc.writers.identifiers import Identifiers, identifier
from cnncalc.writers.keras.calls import calls_of
from cnncalc.writers.runtime import classes, used_classes


class KerasFile:
    """The text of the file: imports, layers that Keras lacks, a function for each template, and the model."""

    def __init__(self, graph: Graph, code: Mapping[int, LayerCode]) -> None:
        self.graph = graph
        #: What no step or function may be called.
        self.reserved = ("keras", "layers", "ops", "inputs", *classes("keras"))
        self.network = Identifiers(self.reserved).free((graph.name or "network").lower())
        self.layout = BlockLayout(graph, code, lambda name: identifier(name.lower()), (self.network, *self.reserved))
        # Every layer of a model has a name of its own: should joining by one underscore make two alike, by two.
        names = list(self.names(self.layout.top, ""))
        self.between = "_" if len(set(names)) == len(names) else "__"

    def names(self, block: CodeBlock, before: str) -> Iterator[str]:
        """Yield the names of a block's layers, joined by one underscore."""
        for step in block.steps:
            if isinstance(step.code, CodeBlock):
                yield from self.names(step.code, f"{before}{step.name}_")
            elif isinstance(step.code, Call):
                yield from (f"{before}{name}" for name, _ in named_calls(step.name, step.code, "_"))

    def text(self) -> str:
        code = "\n\n".join([*(self.block(template) for template in self.layout.templates), self.model()])
        lacking = used_classes("keras", code)
        imports = f"import keras\nfrom keras import layers{', ops' if lacking else ''}"
        return f'"""{file_docstring(self.graph, KERAS.title)}"""\n\n{imports}\n\n\n' + "\n\n".join([*lacking, code])

    def block(self, template: BlockTemplate) -> str:
        block = template.block
        parameters = [parameter.name for parameter in template.parameters]
        variables = self.layout.variables(block, (self.network, *self.reserved, *parameters))
        inputs = [variables[index] for index in block.inputs]
        return "\n".join(
            [
                f"def {template.name}({', '.join([*inputs, *parameters, 'name'])}):",
                f'    """{self.layout.docstring(block, str, template.copies)}"""',
                *self.lines(block, variables, template.names, f'f"{{{{name}}}}{self.between}{{}}"'),
                f"    return {', '.join(variables[index] for index in block.outputs)}",
                "",
            ]
        )

    def model(self) -> str:
        top = self.layout.top
        variables = self.layout.variables(top, (self.network, *self.reserved))
        names = {index: identifier(self.graph.nodes[index].name) for index in top.inputs}
        alone = "inputs = " if len(names) == 1 else ""
        inputs = [
            f'    {alone}{variables[i]} = keras.Input({self.graph.nodes[i].shape.dims}, name="{names[i]}")'
            for i in names
        ]
        if not alone:
            inputs.append(f"    inputs = {listed([variables[index] for index in top.inputs])}")
        outputs = listed([variables[index] for index in top.outputs])
        return "\n".join(
            [
                f"def {self.network}():",
                f'    """{self.layout.docstring(top, str)}"""',
                *inputs,
                *self.lines(top, variables, (), '"{}"'),
                f'    return keras.Model(inputs, {outputs}, name="{self.network}")',
                "",
            ]
        )

    def lines(
        self, block: CodeBlock, variables: Mapping[int, str], names: Sequence[str | None], naming: str
    ) -> list[str]:
        """Return the lines of each step; `naming` converts a step's name to its layer's."""
        lines: list[str] = []
        for step, code in zip(block.steps, self.layout.code(block, names), strict=True):
            inputs = [variables[index] for index in step.inputs]
            results = ", ".join(variables[index] for index in step.outputs)
            shape = self.layout.new_shape(step)
            comment = str(shape) if shape else ""
            if isinstance(code, Inline):
                lines.append(with_comment(f"    {results} = {inline_text(code, inputs)}", comment))
            elif isinstance(step.code, CodeBlock):
                tensors = [positional("x", RawCode(each)) for each in inputs]
                whole = call(code.function, *tensors, *code.arguments, named_as(naming, step.name))
                lines += statement(f"{results} = ", whole, comment=comment, indent=" " * 4)
            else:
                lines += self.layers(step, code, inputs, results, comment, naming)
        return lines

    def layers(
        self, step: BlockStep, code: Call, inputs: list[str], results: str, comment: str, naming: str
    ) -> list[str]:
        lines: list[str] = []
        calls = named_calls(step.name, code, self.between)
        for number, (name, each) in enumerate(calls, 1):
            layer = call(each.function, *each.arguments, named_as(naming, name))
            tensors = listed(inputs) if each.function in MERGES else ", ".join(inputs)
            last = comment if number == len(calls) else ""
            lines += statement(f"{results} = ", layer, f"({tensors})", last, indent=" " * 4)
            inputs = [results]
        return lines


def named_as(naming: str, name: str) -> CallArgument:
    return keyword("name", RawCode(naming.format(name)))


#: Layers of which one of ours may be a stack.
RECURRENT = ("LSTM", "GRU", "SimpleRNN", "Bidirectional")


def named_calls(name: str, code: Call, between: str) -> list[tuple[str, Call]]:
    """Return the layers that a call represents, by name: the last with weights has the name itself."""
    calls = calls_of(code)
    main = max(range(len(calls)), key=lambda number: (not is_edge(calls[number]), number))
    suffixes = [suffix(each) for each in calls]
    if main > 0 and of_step(calls[0]).function.removeprefix("layers.") in RECURRENT:  # a stack of layers alike
        suffixes = [f"layer{number}" for number in range(1, len(calls) + 1)]
    return [
        (name if number == main else f"{name}{between}{suffixes[number]}", each) for number, each in enumerate(calls)
    ]


#: Layers that take their inputs as a list.
MERGES = ("layers.Add", "layers.Multiply", "layers.Concatenate")


def is_edge(code: Call) -> bool:
    """Return whether a layer only pads or crops."""
    return "Padding" in of_step(code).function or "Cropping" in of_step(code).function


def of_step(code: Call) -> Call:
    """Return the layer that is applied to each step, or the one given."""
    while code.function in ("layers.TimeDistributed", "Timewise"):
        code = code.arguments[0].value
    return code


def suffix(code: Call) -> str:
    """Return the suffix for the name of a layer added before or after another."""
    function = of_step(code).function
    return next((name for part, name in SUFFIXES.items() if part in function), "depthwise")


#: A part of the name of a layer's class → the suffix.
SUFFIXES = {"Padding": "pad", "Cropping": "crop", "Reshape": "split", "Permute": "order"}


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"
