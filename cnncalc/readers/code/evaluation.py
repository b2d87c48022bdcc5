"""The values of pasted code, worked out without running it: literals, arithmetic, names, constructors of layers.

Everything else (a loop, a function, a call of another library) is a value that only running it would give. That is no
error by itself: a script also loads data, trains, and prints. It is one where a network needs the value.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from cnncalc.diagnostics import Diagnostic, Source, SpecError
from cnncalc.frameworks.table import Framework
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.code.network import CodeImporter
from cnncalc.readers.code.python_text import span_of
from cnncalc.readers.code.values import Chain, CodeTensor, ConstructedLayer, Unread, is_network

ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip

#: A list or text that is put together is at most so long.
MAX_LENGTH = 10_000

#: No number of a layer is so large.
LARGEST = MAX_INTEGER**2

#: Functions that give random or constant tensors: the network's input, with its batch, channels first.
TENSORS = ("randn", "rand", "zeros", "ones", "empty", "randint")

#: Calls on numbers that are worked out.
NUMBERS: dict[str, Callable[..., Any]] = {
    "int": int,
    "float": float,
    "abs": abs,
    "min": min,
    "max": max,
    "round": round,
}

#: What a loop or a function would be instead.
WRITE_OUT = "write its layers one by one, or read the module itself: `cnncalc torch:FILE.py:CLASS`"


class Evaluator:
    """Works out expressions; `values` are those of the variables, `importer` takes the layers that are applied."""

    def __init__(self, source: Source, framework: Framework, importer: CodeImporter) -> None:
        self.source, self.framework, self.importer = source, framework, importer
        self.values: dict[str, Any] = {}
        #: The names under which other names were imported: `C` for `Conv2D`.
        self.imported: dict[str, str] = {}

    def fail(self, node: ast.AST, message: str, label: str, help: str | None = None) -> NoReturn:
        """Raise `SpecError` E312 at a part of the code."""
        raise SpecError([Diagnostic("E312", message, span_of(self.source, node), label, help=help)])

    def value(self, node: ast.expr) -> Any:
        """Return the value of an expression; raises `SpecError` E312 if only running the code would give it."""
        rule = getattr(self, f"_{type(node).__name__.lower()}", None)
        if rule is None:
            what = {ast.Lambda: "a function", ast.IfExp: "a choice"}.get(type(node), "this expression")
            if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)):
                what = "a loop"
            self.fail(node, f"{what} is not run", "its value is not in the text", WRITE_OUT)
        return rule(node)

    def needed(self, value: Any) -> Any:
        """Return a value; raises the error of one that could not be read."""
        if isinstance(value, Unread):
            raise SpecError([value.error])
        return value

    # -- expressions: each rule has the name of its node ---------------------------------------------------------

    def _constant(self, node: ast.Constant) -> Any:
        value = node.value
        if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
            return int(value)
        if isinstance(value, int) and not abs(value) < LARGEST:
            self.fail(node, "this number is too large", "no layer has one like it")
        return value

    def _name(self, node: ast.Name) -> Any:
        if node.id in self.values:
            return self.needed(self.values[node.id])
        return self._word(node, node.id)

    def _attribute(self, node: ast.Attribute) -> Any:
        if isinstance(node.value, ast.Name) and isinstance(self.values.get(node.value.id), (CodeTensor, Chain, list)):
            self.fail(node, f"`{node.attr}` is not worked out", "its value is not in the text")
        return self._word(node, node.attr)

    def _word(self, node: ast.expr, word: str) -> Any:
        """Return an activation or layer that is named without being called: `tf.nn.relu`, `nn.ReLU`."""
        name = self.imported.get(word, word)
        if name.lower() in self.framework.activations:
            return name.lower()
        if self.framework.kinds_of(name):
            return name
        self.fail(node, f"the value of `{ast.unparse(node)}` is not in the text", "not a number, text or layer here")

    def _tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self._items(node.elts))

    def _list(self, node: ast.List) -> list[Any]:
        return self._items(node.elts)

    def _items(self, nodes: Sequence[ast.expr]) -> list[Any]:
        items: list[Any] = []
        for each in nodes:
            if isinstance(each, ast.Starred):
                items += self._sequence(each.value)
            else:
                items.append(self.value(each))
        return items

    def _sequence(self, node: ast.expr) -> list[Any]:
        value = self.value(node)
        if isinstance(value, Chain):
            return [part for _, part in value.parts]
        if not isinstance(value, (list, tuple)):
            self.fail(node, "this is no list of layers", "only a list can be spread out with `*`")
        return list(value)

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        if any(key is None for key in node.keys):
            self.fail(node, "a dict that is spread out is not read", "write its entries one by one")
        return {self.value(key): self.value(value) for key, value in zip(node.keys, node.values, strict=True) if key}

    def _joinedstr(self, node: ast.JoinedStr) -> str:
        return ""  # a name that is put together: none

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            return not value
        if not isinstance(value, (int, float)):
            self.fail(node, "this is not a number", "a sign stands before numbers")
        return -value if isinstance(node.op, ast.USub) else value

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, CodeTensor) and isinstance(right, CodeTensor):
            kind = {ast.Add: "add", ast.Mult: "mul"}.get(type(node.op))
            if kind is None:
                self.fail(node, "this operation on tensors is not read", "only `+` and `*` of tensors are")
            return CodeTensor(self.importer.merge(kind, [left.node, right.node], span_of(self.source, node)))
        return self._arithmetic(node, left, right)

    def _arithmetic(self, node: ast.BinOp, left: Any, right: Any) -> Any:
        numbers = all(isinstance(each, (int, float)) for each in (left, right))
        repeated = isinstance(node.op, ast.Mult) and isinstance(left, (list, tuple)) and isinstance(right, int)
        joined = isinstance(node.op, ast.Add) and type(left) is type(right) and isinstance(left, (list, tuple, str))
        if (repeated and len(left) * right > MAX_LENGTH) or (joined and len(left) + len(right) > MAX_LENGTH):
            self.fail(node, "this list is too long", f"over {MAX_LENGTH:,} items")
        action = ARITHMETIC.get(type(node.op))
        if isinstance(node.op, ast.Pow) and numbers and 0 <= right <= 64:
            action = operator.pow
        if action is None or not (numbers or repeated or joined):
            self.fail(node, "this arithmetic is not worked out", "only numbers, and lists joined or repeated, are")
        try:
            value = action(left, right)
        except ZeroDivisionError:
            self.fail(node, "this divides by zero", "no number")
        if numbers and not abs(value) < LARGEST:
            self.fail(node, "this number is too large", "no layer has one like it")
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def _subscript(self, node: ast.Subscript) -> Any:
        value, index = self.value(node.value), self.value(node.slice)
        if isinstance(value, (list, tuple)) and isinstance(index, int) and -len(value) <= index < len(value):
            return value[index]
        self.fail(node, "this part is not worked out", "its value is not in the text")

    # -- calls ---------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Any:
        called = self._called(node)
        if isinstance(called, str):
            return self._named_call(node, called)
        tensors = self._tensors(node)
        if tensors is None:
            self.fail(node, "a layer is called with something that is no tensor", "not the output of a layer")
        return CodeTensor(self.importer.apply(called, tensors))

    def _called(self, node: ast.Call) -> Any:
        """Return the layer or chain that a call applies, or the name that it calls."""
        function = node.func
        if isinstance(function, ast.Call):
            called = self.value(function)
            if not isinstance(called, (ConstructedLayer, Chain)):
                self.fail(node, "this call is not run", "what it calls is no layer")
            return called
        if isinstance(function, ast.Name) and isinstance(self.values.get(function.id), (ConstructedLayer, Chain)):
            return self.values[function.id]
        if not isinstance(function, (ast.Name, ast.Attribute)):
            self.fail(node, "this call is not run", "what it calls is no layer", WRITE_OUT)
        name = function.id if isinstance(function, ast.Name) else function.attr
        return self.imported.get(name, name)

    def _named_call(self, node: ast.Call, name: str) -> Any:
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, (ast.Name, ast.Call)):
            tensor = self._tensor_of(node.func.value)
            if tensor is not None:
                return self._method(node, tensor, node.func.attr)
        if name == "Sequential":
            return self._sequential(node)
        if name in ("OrderedDict", "ModuleList", "list", "tuple", "dict") and len(node.args) <= 1:
            return self.value(node.args[0]) if node.args else []
        if name == "Model" and (outputs := self._argument(node, 1, "outputs")) is not None:
            return self.needed(self.value(outputs))
        if name in NUMBERS and not node.keywords:
            return self._number(node, NUMBERS[name])
        if name in TENSORS:
            return self._input_tensor(node)
        if not self.framework.kinds_of(name) and name not in WRAPPERS:
            label = f"not a layer of {self.framework.title} that is known here"
            self.fail(node, f"`{ast.unparse(node.func)}` is not read", label, WRITE_OUT)
        return self._layer(node, name)

    def _layer(self, node: ast.Call, name: str) -> Any:
        """Return a layer as it is constructed, or, of a function, its output."""
        positional = self._items(node.args)
        if any(each.arg is None for each in node.keywords):
            self.fail(node, "arguments that are spread out are not read", "write them one by one")
        named = {str(each.arg): self._named_value(each) for each in node.keywords}
        span = span_of(self.source, node)
        first = positional[0] if positional else None
        if name not in WRAPPERS and any(
            self._is_tensor(each) for each in (first if isinstance(first, list) else [first])
        ):
            tensors = _tensors_in([self._as_tensor(first)])
            if tensors is not None:
                return CodeTensor(self.importer.apply(ConstructedLayer(name, positional[1:], named, span), tensors))
        return ConstructedLayer(name, positional, named, span)

    def _named_value(self, keyword: ast.keyword) -> Any:
        """Return the value of an argument by name; one that changes no figure may be anything."""
        try:
            return self.value(keyword.value)
        except SpecError as error:
            return Unread(error.diagnostics[0])

    def _sequential(self, node: ast.Call) -> Chain:
        chain = Chain()
        items = self._items(node.args) + [self.value(each.value) for each in node.keywords if each.arg == "layers"]
        if len(items) == 1 and not is_network(items[0]):
            items = items[0]
        if isinstance(items, dict):
            pairs: Any = items.items()
        else:
            labelled = bool(items) and all(isinstance(each, tuple) and len(each) == 2 for each in items)
            pairs = items if labelled else ((str(at), each) for at, each in enumerate(items))
        for label, part in pairs:
            if not isinstance(part, (ConstructedLayer, Chain)):
                self.fail(node, "a part of this `Sequential` is no layer", "not a layer that is constructed here")
            chain.parts.append((str(label), part))
        return chain

    def _argument(self, node: ast.Call, at: int, name: str) -> ast.expr | None:
        found = next((each.value for each in node.keywords if each.arg == name), None)
        return found if found is not None or len(node.args) <= at else node.args[at]

    def _number(self, node: ast.Call, function: Callable[..., Any]) -> Any:
        values = self._items(node.args)
        if not values or not all(isinstance(each, (int, float)) for each in values):
            self.fail(node, "this call is not run", "its arguments are no numbers")
        try:
            return function(*values)
        except (TypeError, ValueError, OverflowError):
            self.fail(node, "this call is not run", "its arguments do not fit it")

    def _input_tensor(self, node: ast.Call) -> CodeTensor:
        """Return the input for a tensor of numbers such as `torch.randn(1, 3, 32, 32)`."""
        sizes = self._items(node.args)
        if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)):
            sizes = list(sizes[0])
        if not 2 <= len(sizes) <= 5 or not all(type(each) is int for each in sizes):
            self.fail(node, "this tensor is no input", "its sizes are not those of a batch")
        return CodeTensor(self.importer.add_input((*sizes[2:], sizes[1]), span_of(self.source, node)))

    # -- tensors -------------------------------------------------------------------------------------------------

    def _tensors(self, node: ast.Call) -> list[int] | None:
        """Return the tensors that a layer is called with, one or a list; None if it is none."""
        arguments = [self._as_tensor(self.value(each)) for each in node.args[:1]]
        return _tensors_in(arguments) if arguments else None

    def _is_tensor(self, value: Any) -> bool:
        return isinstance(value, CodeTensor) or (isinstance(value, ConstructedLayer) and self.importer.is_input(value))

    def _as_tensor(self, value: Any) -> Any:
        """Return a value, with the tensor of an input in place of its constructor."""
        if isinstance(value, (list, tuple)):
            return [self._as_tensor(each) for each in value]
        if isinstance(value, ConstructedLayer) and self._is_tensor(value):
            return CodeTensor(self.importer.input_of(value))
        return value

    def _tensor_of(self, node: ast.expr) -> int | None:
        if isinstance(node, ast.Name):
            value = self._as_tensor(self.values.get(node.id))
            return value.node if isinstance(value, CodeTensor) else None
        return None

    def _method(self, node: ast.Call, tensor: int, method: str) -> CodeTensor:
        """Return the output of a tensor's method: `x.view(-1, 400)`, `x.flatten(1)`, `x.relu()`."""
        span = span_of(self.source, node)
        if method in ("view", "reshape"):
            last = node.args[-1] if len(node.args) == 2 else None
            if last is None or not isinstance(size := self.value(last), int):
                self.fail(node, f"`{method}` is read where it makes a flat vector", "write `x.flatten(1)` for one")
            return CodeTensor(self.importer.flatten(tensor, size, span))
        if not self.framework.kinds_of(method):
            self.fail(node, f"`{method}` is not read", "not a layer that is known here")
        call = ConstructedLayer(method, self._items(node.args), {}, span)
        return CodeTensor(self.importer.apply(call, [tensor]))


def _tensors_in(values: Sequence[Any]) -> list[int] | None:
    """Return the tensors of a call's first argument: itself, or the items of a list."""
    if not values:
        return None
    items = list(values[0]) if isinstance(values[0], (list, tuple)) else [values[0]]
    return [each.node for each in items] if items and all(isinstance(each, CodeTensor) for each in items) else None


#: Layers around a layer.
WRAPPERS = ("Bidirectional", "TimeDistributed")
