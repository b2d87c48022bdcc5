"""The modules of the nodes of an ONNX file, recovered from their names."""

from __future__ import annotations

import re

from cnncalc.readers.importer import printable
from cnncalc.readers.onnx.model import NodeDef

#: Operators that learn or multiply: where their shapes are not known, neither is their cost.
COSTLY = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "QLinear", "Fused")
    for name in (
        *("Conv", "ConvTranspose", "ConvInteger", "DeformConv"),
        *("Gemm", "QGemm", "MatMul", "MatMulInteger", "Einsum", "Attention", "LSTM", "GRU", "RNN"),
        *("DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulNBits", "GemmFastGelu"),
        *("MultiHeadAttention", "GroupQueryAttention", "LinearAttention", "QAttention", "MatMulActivation"),
    )
)

#: Operators that never have a row.
WITHOUT_ROW = frozenset(("Constant", "Identity", "Shape"))

#: Operators that have the name of their module, where others only prepare for them.
LEADING = COSTLY | {"BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "PRelu"}


def module_and_lead(node: NodeDef) -> tuple[str, bool]:
    """Return the module of a node, and whether its operator leads there."""
    return module_of(node), node.operator in LEADING


def module_of(node: NodeDef) -> str:
    """Return the module in a node's name, or an empty text: `/layer1/layer1.0/conv1/Conv` is in `layer1.0.conv1`."""
    if node.module:
        return _dotted(node.module)
    name = node.name.strip("/")
    if "/" not in name:
        # `Conv_12`, `p2o.Conv.0`, `n7`, `node_cat` and their like are the exporter's names, no one else's.
        numbered = rf"(.*\.)?({re.escape(node.operator)}[._]?|[a-z_]{{0,3}})\d*|node_\w*"
        return "" if re.fullmatch(numbered, name, re.IGNORECASE) else _dotted(name)
    head, _, last = name.rpartition("/")
    return _dotted(head if last.startswith(node.operator) else name)


def _dotted(module: str) -> str:
    """Return the path with dots; a part that repeats the one before it occurs once: `layer1/layer1.0/conv1`."""
    parts: list[str] = []
    for part in module.split("/"):
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        elif part:
            parts.append(part)
    return printable(".".join(parts))
