"""The statements of pasted code in their order, and the network that they come to."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from cnncalc.diagnostics import SpecError
from cnncalc.readers.code.evaluation import WRITE_OUT, Evaluator
from cnncalc.readers.code.python_text import span_of
from cnncalc.readers.code.values import Chain, CodeTensor, ConstructedLayer, Unread, is_network
from cnncalc.readers.python_classes import module_classes, outermost

#: Base classes of modules and models, whose `forward` or `call` has the order of the layers.
MODULES = ("Module", "LightningModule", "Model", "Layer")


class Program:
    """Goes through the statements once; `result` is the network that the last of them gives."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        #: The last network that a statement gives, and the layers that stand as statements of their own.
        self.network: Any = None
        self.loose = Chain()
        self.named_layers = 0

    def run(self, statements: Sequence[ast.stmt]) -> Any:
        """Return the network: a layer, a chain, or a tensor; raises `SpecError` E312 if the text has none."""
        for statement in statements:
            self._statement(statement)
        if self.loose.parts:
            return self.loose
        if self.network is None:
            first = statements[0]
            self.evaluator.fail(first, "there is no network in this code", "no layer is constructed", WRITE_OUT)
        if isinstance(self.network, ConstructedLayer) and self.named_layers > 1:
            label = "the order in which they run is not in the text"
            self.evaluator.fail(
                statements[-1], "these layers are not applied", label, "put them into `nn.Sequential(…)`"
            )
        return self.network

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self.evaluator.imported.update({alias.asname: alias.name for alias in node.names if alias.asname})
        elif isinstance(node, ast.ClassDef):
            self._class(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            self._assign(node)
        elif isinstance(node, ast.AugAssign):
            self._assign_more(node)
        elif isinstance(node, ast.Expr):
            self._expression(node.value)
        elif self._has_layers(node):
            what = {ast.For: "a loop", ast.While: "a loop", ast.FunctionDef: "a function", ast.If: "a choice"}
            kind = what.get(type(node), "this statement")
            self.evaluator.fail(node, f"{kind} with layers in it is not run", "code is read, never run", WRITE_OUT)

    def _class(self, node: ast.ClassDef) -> None:
        bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
        if methods & {"forward", "call"} or bases & set(MODULES):
            file = self.evaluator.source.name
            file = file if file.endswith(".py") else "FILE.py"
            span = span_of(self.evaluator.source, node)
            self.evaluator.fail(
                ast.copy_location(ast.Pass(), node) if span.end == span.start else _head(node),
                f"the class `{node.name}` has a `forward`, which only running it would follow",
                *self._run_instead(file, node.name),
            )

    def _run_instead(self, file: str, name: str) -> tuple[str, str]:
        """Return the module classes of the text, and the edit that runs one: the whole network among several."""
        text = self.evaluator.source.text
        classes, networks = module_classes(text), outermost(text)
        chosen = networks[-1] if networks and file != "FILE.py" else name
        help = f"save it as a file and read the module: `cnncalc torch:{file}:{chosen} --input 32x32x3`"
        if file != "FILE.py":
            help = f"write `cnncalc torch:{file}:{chosen} --input 32x32x3`, which runs it"
        fact = "code is read, never run"
        if len(classes) > 1:
            fact += f"; the module classes are {', '.join(f'`{each}`' for each in classes)}"
        return fact, help

    def _assign(self, node: ast.Assign | ast.AnnAssign) -> None:
        if node.value is None:
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        try:
            value = self.evaluator.value(node.value)
        except SpecError as error:
            if self._has_layers(node.value) or self._gives_tensor(node.value):
                raise
            value = Unread(error.diagnostics[0])
        for target in targets:
            self._bind(target, value, node)

    def _bind(self, target: ast.expr, value: Any, node: ast.stmt) -> None:
        if isinstance(target, ast.Name):
            self.evaluator.values[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            spread = isinstance(value, (tuple, list)) and len(value) == len(target.elts)
            for each, part in zip(target.elts, value if spread else [value] * len(target.elts), strict=True):
                self._bind(each, part, node)
            return
        elif is_network(value):
            label = "the order in which such layers run is in its `forward`"
            help = "read the module itself: `cnncalc torch:FILE.py:CLASS`"
            self.evaluator.fail(target, "a layer that is an attribute is not read", label, help)
        if is_network(value) and not self._is_input(value):
            self.network = value
            self.named_layers += isinstance(value, ConstructedLayer)

    def _is_input(self, value: Any) -> bool:
        return isinstance(value, ConstructedLayer) and self.evaluator.importer.is_input(value)

    def _assign_more(self, node: ast.AugAssign) -> None:
        """`x += y` is `x = x + y`."""
        read = (
            ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
            if isinstance(node.target, ast.Name)
            else None
        )
        if read is None:
            return
        whole = ast.copy_location(ast.BinOp(read, node.op, node.value), node)
        self._assign(ast.copy_location(ast.Assign([node.target], whole), node))

    def _expression(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant) or self._added(node):
            return
        try:
            value = self.evaluator.value(node)
        except SpecError:
            # Training, printing, drawing: nothing of the network.
            if self._has_layers(node):
                raise
            return
        for each in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(each, (ConstructedLayer, Chain)):
                self.loose.append(each)
            elif isinstance(each, CodeTensor):
                self.network = each

    def _added(self, node: ast.expr) -> bool:
        """Add what `model.add(…)`, `layers.append(…)` or `layers.extend(…)` does; return whether the code is such."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            return False
        method, owner = node.func.attr, node.func.value
        if method not in ("add", "append", "extend", "add_module") or not isinstance(owner, ast.Name):
            return False
        values = self.evaluator.values
        if owner.id not in values and method == "add":
            values[owner.id] = Chain()  # the line that makes it was not pasted
        chain = values.get(owner.id)
        if not isinstance(chain, (Chain, list)) or not node.args:
            return False
        value = self.evaluator.value(node.args[-1])
        if method == "add_module" and isinstance(chain, Chain):
            chain.parts.append((str(self.evaluator.value(node.args[0])), value))
        else:
            for each in value if method == "extend" else [value]:
                chain.append(each)
        if isinstance(chain, Chain):
            self.network = chain
        return True

    def _has_layers(self, node: ast.AST) -> bool:
        """Return whether a part of the code constructs layers, or adds them to a network."""
        framework, values = self.evaluator.framework, self.evaluator.values
        for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
            name, owner = _called(call)
            name = self.evaluator.imported.get(name, name)
            if name[:1].isupper() and (framework.kinds_of(name) or name == "Sequential"):
                return True
            if name in ("add", "append") and isinstance(values.get(owner), Chain):
                return True
        return False

    def _gives_tensor(self, node: ast.AST) -> bool:
        """Return whether a part of the code computes something from a tensor, other than asking for its size."""
        tensors = {name for name, value in self.evaluator.values.items() if isinstance(value, CodeTensor)}
        for each in ast.walk(node):
            if isinstance(each, ast.Call):
                name, owner = _called(each)
                arguments = {part.id for part in each.args if isinstance(part, ast.Name)}
                if arguments & tensors or (owner in tensors and name not in ASKING):
                    return True
            if isinstance(each, ast.BinOp):
                return any(isinstance(part, ast.Name) and part.id in tensors for part in (each.left, each.right))
        return False


#: Methods of a tensor that compute nothing of the network.
ASKING = ("size", "dim", "numel", "item", "detach", "cpu", "numpy", "backward")


def _called(node: ast.Call) -> tuple[str, str]:
    """Return the name that a call calls, and the variable that it belongs to."""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr, function.value.id if isinstance(function.value, ast.Name) else ""
    return getattr(function, "id", ""), ""


def _head(node: ast.ClassDef) -> ast.AST:
    """Return the place of a class's name alone: its body may be long."""
    head = ast.Pass()
    head.lineno, head.col_offset = node.lineno, node.col_offset
    head.end_lineno, head.end_col_offset = node.lineno, node.col_offset + len("class ") + len(node.name)
    return head
