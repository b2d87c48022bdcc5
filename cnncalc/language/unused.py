"""Checks of what is never built: the blocks that nothing calls, and the items of a `* 0`.

A layer there is read, a call is checked against its block, a name against those that are known. Values are checked
only if they depend on no name: `conv x{c // n}` before `* {n}` may well divide by zero there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cnncalc.diagnostics import Diagnostic, Problems, Span, SpecError
from cnncalc.language.arguments import read_layer
from cnncalc.language.blocks import Blocks, Numbers, Scope, checked_value, is_count, unknown_tensor, wrong_count
from cnncalc.language.channels import CHANNELS
from cnncalc.language.expressions import check, evaluate, is_constant
from cnncalc.language.nodes import (
    UNKNOWN_NUMBER,
    CallNode,
    DefNode,
    Expression,
    GroupNode,
    Hole,
    ItemNode,
    LayerNode,
    MergeNode,
    NameNode,
    ReferenceNode,
)
from cnncalc.language.placeholders import Placeholder, holes_of
from cnncalc.language.references import references, weights_reference
from cnncalc.language.suggestions import with_suggestions


def check_items(items: tuple[ItemNode, ...], scope: Scope, blocks: Blocks, assumed: Mapping[str, Any]) -> None:
    """Report the errors of items that are not built; `assumed` has values for arguments that they lack."""
    checker = Checker(scope, blocks, assumed)
    checker.sequence(items)
    checker.report()


def check_uncalled(top: Scope, called: Collection[str], blocks: Blocks, assumed: Mapping[str, Any]) -> None:
    """Report the errors of the blocks that are not called."""
    above: dict[str, DefNode] = {}
    for name, node in top.blocks.items():
        if name not in called:
            numbers = Numbers(top.numbers)
            numbers.unknown.add(CHANNELS)
            checker = Checker(Scope(numbers, above, {}), blocks, assumed)
            # A default may use the parameters before its own.
            for parameter, default in node.parameters:
                if default is not None:
                    checker.expression(default)
                numbers[parameter] = None
            checker.sequence(node.items)
            checker.report()
        above[name] = node


def _place(diagnostic: Diagnostic) -> tuple[str, str, Span | None]:
    return diagnostic.code, diagnostic.message, diagnostic.span


class Checker:
    """Visits items and reports the errors in them that do not depend on the values of their holes."""

    def __init__(self, scope: Scope, blocks: Blocks, assumed: Mapping[str, Any]) -> None:
        self.scope, self.blocks, self.assumed = scope, blocks, assumed
        self.problems = Problems()
        #: The names that the items themselves give.
        self.given: set[str] = set()

    def report(self) -> None:
        """Add the errors to the problems of the spec, except for those already reported with the calls around them."""
        reported = {_place(each) for each in self.blocks.problems.diagnostics}
        self.blocks.problems.add(*[each for each in self.problems.diagnostics if _place(each) not in reported])

    def sequence(self, items: tuple[ItemNode, ...]) -> None:
        for item in items:
            self.item(item)

    def item(self, item: ItemNode) -> None:
        atom = item.atom
        if isinstance(atom, LayerNode):
            self.layer(atom)
        elif isinstance(atom, GroupNode):
            self.sequence(atom.items)
        elif isinstance(atom, MergeNode):
            self.layer(atom.layer)
            for arm in atom.arms:
                self.sequence(arm)
        elif isinstance(atom, CallNode):
            self.call(atom)
        elif isinstance(atom, ReferenceNode):
            self.reference(atom)
        if isinstance(item.count, Hole) and not _is_unknown(item.count):
            value = self.expression(item.count.expression)
            if value is not None and not is_count(value):
                self.problems.add(wrong_count(item.count, value))
        if item.name is not None:
            self.given.add(item.name)

    def layer(self, node: LayerNode) -> None:
        values: dict[Span, Any] = {}
        try:
            for hole in holes_of(node):
                value = None if _is_unknown(hole) else self.expression(hole.expression)
                values[hole.span] = Placeholder(hole.span.text) if value is None else checked_value(value, hole)
            read_layer(node, values, self.assumed)
            of_weights = weights_reference(node)
            for reference in (*references(node), *([of_weights] if of_weights else [])):
                self.reference(reference)
        except SpecError as error:
            tensors = {**self.scope.tensors, **dict.fromkeys(self.given)}
            self.problems.catch(with_suggestions(error, self.scope.blocks, tensors))

    def call(self, node: CallNode) -> None:
        block, errors = self.blocks.look_up(node, self.scope)
        self.problems.add(*errors)
        for _, value in node.values:
            self.expression(value)
        if block is not None:
            try:
                self.blocks.assign(node, block, ())
            except SpecError as error:
                self.problems.catch(error)

    def reference(self, node: ReferenceNode) -> None:
        if node.name not in self.given and node.name not in self.scope.tensors:
            self.problems.add(unknown_tensor(node, [*self.scope.tensors, *self.given]))

    def expression(self, expression: Expression) -> Any:
        """Report the errors of an expression; returns its value if it depends on no name, else None."""
        try:
            check(expression, self.scope.numbers)
            return evaluate(expression, {}) if is_constant(expression) else None
        except SpecError as error:
            self.problems.catch(error)
            return None


def _is_unknown(hole: Hole) -> bool:
    return isinstance(hole.expression, NameNode) and hole.expression.name == UNKNOWN_NUMBER
