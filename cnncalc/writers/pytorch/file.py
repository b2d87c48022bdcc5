"""The Python file of a PyTorch network: a class for each block, and the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cnncalc.frameworks.pytorch import PYTORCH
from cnncalc.graph import Graph
from cnncalc.shape import Shape
from cnncalc.writers.blocks import BlockLayout, BlockStep, BlockTemplate, CodeBlock, file_docstring
from cnncalc.writers.code import WIDTH, Inline, LayerCode, RawCode, inline_text, statement, with_comment
from cnncalc.writers.identifiers import Identifiers, camel_case
from cnncalc.writers.pytorch.modules import channels_first
from cnncalc.writers.runtime import classes, used_classes

#: Attributes of every `nn.Module`, which a layer must not hide.
ATTRIBUTES = (
    "T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile", "cpu",
    "cuda", "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_extra_state",
    "get_parameter", "get_submodule", "half", "ipu", "load_state_dict", "modules", "mtia", "named_buffers",
    "named_children", "named_modules", "named_parameters", "parameters", "register_backward_hook", "register_buffer",
    "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
    "register_full_backward_pre_hook", "register_load_state_dict_post_hook", "register_load_state_dict_pre_hook",
    "register_module", "register_parameter", "register_state_dict_post_hook", "register_state_dict_pre_hook",
    "requires_grad_", "set_extra_state", "set_submodule", "share_memory", "state_dict", "to", "to_empty", "train",
    "training", "type", "xpu", "zero_grad",
)  # fmt: skip


class PyTorchFile:
    """The text of the file: imports, modules that PyTorch lacks, a class for each template, and the network."""

    def __init__(self, graph: Graph, code: Mapping[int, LayerCode]) -> None:
        self.graph = graph
        lacking = classes("pytorch")
        self.network = Identifiers(lacking).free(camel_case(graph.name or "network"))
        self.layout = BlockLayout(graph, code, camel_case, (self.network, *lacking), ATTRIBUTES)

    def text(self) -> str:
        modules = [self.module(each.name, each.block, each) for each in self.layout.templates]
        modules.append(self.module(self.network, self.layout.top))
        code = "\n\n".join(modules)
        code = "\n\n".join([*used_classes("pytorch", code), code])
        imports = "import torch\nfrom torch import nn" if "torch." in code else "from torch import nn"
        return f'"""{file_docstring(self.graph, PYTORCH.title)}"""\n\n{imports}\n\n\n{code}'

    def module(self, name: str, block: CodeBlock, template: BlockTemplate | None = None) -> str:
        """Return a class: its modules, and its `forward`."""
        variables = self.layout.variables(block)
        modules: list[str] = []
        forward: list[ForwardLine] = []
        kept: dict[str, None] = {}
        for step, code in zip(block.steps, self.layout.code(block, template.names if template else ()), strict=True):
            inputs = [variables[index] for index in step.inputs]
            results = ", ".join(variables[index] for index in step.outputs)
            shape = self.layout.new_shape(step)
            if isinstance(code, Inline):
                code, parameters_read = of_self(code)
                kept.update(dict.fromkeys(parameters_read))
                line = ForwardLine(results, inline_text(code, inputs), shape)
            else:
                modules += statement(f"self.{step.name} = ", code, indent=" " * 8)
                if forward and forward[-1].takes(step, self.layout):
                    forward[-1] = forward[-1].into(f"self.{step.name}", results)._replace(step=step)
                    continue
                line = ForwardLine(results, f"self.{step.name}({', '.join(inputs)})", shape, step)
            forward.append(line)
        parameters = [parameter.name for parameter in template.parameters] if template else []
        begin = [
            f"    def __init__({', '.join(('self', *parameters))}):",
            "        super().__init__()",
            *(f"        self.{each} = {each}" for each in kept),
            *modules,
            "",
        ]
        arguments = ", ".join(("self", *(variables[index] for index in block.inputs)))
        return "\n".join(
            [
                f"class {name}(nn.Module):",
                f'    """{self.layout.docstring(block, shape_text, template.copies if template else 1)}"""',
                "",
                *(begin if modules or kept else ()),
                f"    def forward({arguments}):",
                *(line.text() for line in forward),
                f"        return {', '.join(variables[index] for index in block.outputs)}",
                "",
            ]
        )


class ForwardLine(NamedTuple):
    """A line of `forward`. Norms, activations and similar layers wrap the module before them: `relu(bn(conv(x)))`."""

    results: str
    code: str
    shape: Shape | None
    step: BlockStep | None = None

    def takes(self, step: BlockStep, layout: BlockLayout) -> bool:
        """Return whether the module of the next step can wrap the code of this line."""
        if self.step is None or step.inputs != self.step.outputs or layout.reader_count(step.inputs[0]) > 1:
            return False
        return not layout.allocates(step) and len(self.text()) + len(step.name) + len("self.()") <= WIDTH

    def into(self, module: str, results: str) -> ForwardLine:
        return self._replace(results=results, code=f"{module}({self.code})")

    def text(self) -> str:
        return with_comment(f"        {self.results} = {self.code}", shape_text(self.shape) if self.shape else "")


def of_self(inline: Inline) -> tuple[Inline, list[str]]:
    """Return the expression with the parameters of its class read from the module, and those parameters."""
    parameters = [each.value.text for each in inline.arguments if isinstance(each.value, RawCode)]
    arguments = [
        each._replace(value=RawCode(f"self.{each.value.text}")) if isinstance(each.value, RawCode) else each
        for each in inline.arguments
    ]
    return inline._replace(arguments=tuple(arguments)), parameters


def shape_text(shape: Shape) -> str:
    return "x".join(map(str, channels_first(shape)))
