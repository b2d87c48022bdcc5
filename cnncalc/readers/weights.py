"""The weights of a model; each is counted once, with the first node that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

from cnncalc.graph import StoredWeights
from cnncalc.readers.shape_inference import Dims

#: A reader's record of a tensor that the model holds.
StoredTensor = TypeVar("StoredTensor")


class ConstantTensor(NamedTuple):
    """A tensor that does not depend on the input: its shape and values if known, and its stored sources."""

    dims: Dims | None
    values: tuple[Any, ...] | None = None
    #: Indices into `WeightStore.tensors`.
    sources: frozenset[int] = frozenset()

    @property
    def is_scalar(self) -> bool:
        """Whether the tensor is one number."""
        return self.dims is not None and all(size == 1 for size in self.dims)

    def integers(self) -> list[int] | None:
        """Return the values if all are known and are integers, or formulas of sizes; else None."""
        if self.values is None or not all(isinstance(value, int) or hasattr(value, "clip") for value in self.values):
            return None
        return list(self.values)

    def number(self) -> Any:
        """Return the value if it is one known number, else None."""
        return self.values[0] if self.values and len(self.values) == 1 else None


class WeightStore(Generic[StoredTensor]):
    """The tensors that a model holds, and which of them have been counted."""

    def __init__(self) -> None:
        self.tensors: list[StoredTensor] = []
        #: The indices of the tensors that were counted, in that order.
        self._counted: dict[int, None] = {}
        #: The indices of those asked for since a node last took them, in that order.
        self._asked: dict[int, None] = {}
        #: The tensors of a node → the first node that had just these.
        self._nodes: dict[tuple[int, ...], int] = {}

    def add(self, tensor: StoredTensor) -> frozenset[int]:
        """Add a tensor and return it as a constant's `sources`."""
        self.tensors.append(tensor)
        return frozenset({len(self.tensors) - 1})

    def count(
        self, values: Iterable[object], wanted: Callable[[StoredTensor], bool] = lambda tensor: True
    ) -> list[StoredTensor]:
        """Mark the wanted tensors that constants among the values depend on; return those not counted before."""
        new = []
        for value in values:
            if isinstance(value, ConstantTensor):
                for index in sorted(value.sources):
                    if not wanted(self.tensors[index]):
                        continue
                    self._asked[index] = None
                    if index not in self._counted:
                        self._counted[index] = None
                        new.append(self.tensors[index])
        return new

    def first_node(self, node: int) -> int:
        """Return the first node with the tensors that were asked for since a node last took them, maybe this one."""
        tensors, self._asked = tuple(self._asked), {}
        return self._nodes.setdefault(tensors, node) if tensors else node

    @property
    def count_counted(self) -> int:
        """The number of tensors that a node has counted."""
        return len(self._counted)

    def counted_since(self, number: int) -> Iterator[StoredTensor]:
        """Return the tensors that were counted when so many had been, the latest first."""
        return (self.tensors[index] for index in islice(reversed(self._counted), len(self._counted) - number))

    def uncounted(self) -> Iterator[StoredTensor]:
        """Return the tensors that no node has counted."""
        return (tensor for index, tensor in enumerate(self.tensors) if index not in self._counted)

    @contextmanager
    def restored_on_error(self) -> Iterator[None]:
        """Undo the counts made inside the block if it raises."""
        before = len(self._counted)
        try:
            yield
        except Exception:
            while len(self._counted) > before:
                self._counted.popitem()
            self._asked = {}
            raise


class StoredElements(NamedTuple):
    """A tensor that the file holds: its number of elements, and whether they are of a weight's type."""

    elements: int
    is_weight: bool
    #: Their bytes in the file, where that is read.
    bytes: int = 0


def count_weights(
    store: WeightStore[StoredElements],
    values: Iterable[object],
    buffers: Iterable[object] = (),
    scalars: bool = True,
    any_type: bool = False,
) -> StoredWeights:
    """Count the weights of these values that have not been counted before.

    Without `scalars`, single numbers are not weights; with `any_type`, integers are weights as well, if they are the
    constant itself: of one that is made of several, they are sizes and indices.
    """

    def is_weight(stored: StoredElements) -> bool:
        return stored.is_weight and (scalars or stored.elements != 1)

    def is_element(stored: StoredElements) -> bool:
        return scalars or stored.elements != 1

    values = list(values)
    whole = [each for each in values if any_type and isinstance(each, ConstantTensor) and len(each.sources) == 1]
    params = [*store.count(whole, is_element), *store.count(values, is_weight)]
    kept = store.count(buffers, is_weight)
    return StoredWeights(sum(each.elements for each in params), sum(each.elements for each in kept))
