"""The types of a network's numbers: the bytes of each type, and the types of weights, biases and feature maps."""

from functools import lru_cache
from typing import NamedTuple

from cnncalc.shape import Size, ceil_div

#: dtype → bytes of an element: of int4, two share a byte.
DTYPES: dict[str, float] = {
    "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "float64": 8,
    "uint8": 1, "int4": 0.5, "int16": 2, "int32": 4, "int64": 8,
}  # fmt: skip

#: Other names of a type.
DTYPE_SYNONYMS = {"fp64": "float64", "fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}

#: In place of one type for all: the types that a model file states for its tensors, and float32 for any other network.
STORED = "stored"

#: What of a network may have a type of its own.
PARTS = ("weights", "bias", "maps")


class Dtypes(NamedTuple):
    """The types of a network's weights, biases and feature maps, each one of `DTYPES`."""

    weights: str
    bias: str
    maps: str

    def __str__(self) -> str:
        """Return one name where all are the same, otherwise `weights=int8,bias=int32,maps=int8`."""
        if self.weights == self.bias == self.maps:
            return self.maps
        return ",".join(f"{part}={dtype}" for part, dtype in zip(PARTS, self, strict=True))

    @property
    def mixed(self) -> bool:
        return not self.weights == self.bias == self.maps

    @property
    def words(self) -> str:
        """The types for people: `int8, biases int32`."""
        of_others = {self.bias: "biases", self.maps: "feature maps"}
        if self.bias == self.maps != self.weights:
            of_others = {self.bias: "biases and feature maps"}
        return ", ".join([self.weights, *(f"{what} {dtype}" for dtype, what in of_others.items() if dtype != self[0])])

    def weight_bytes(self, weights: Size, biases: Size) -> Size:
        """Return the bytes of one layer's weights and biases."""
        return packed_bytes(weights, DTYPES[self.weights]) + packed_bytes(biases, DTYPES[self.bias])


#: How a network is deployed → the types of its weights, biases and feature maps there.
DEPLOYED = {
    **{name: Dtypes(name, name, name) for name in ("float32", "float16", "bfloat16")},
    # What TensorFlow Lite's kernels of integers take; int4 is for weights alone, and int16 for feature maps alone.
    "int8": Dtypes("int8", "int32", "int8"),
    "uint8": Dtypes("uint8", "int32", "uint8"),
    "int4": Dtypes("int4", "int32", "int8"),
    "int16": Dtypes("int8", "int64", "int16"),
}


def deployed_dtypes(deploy: str, dtype: str = STORED) -> Dtypes:
    """Return the types of a deployed network, in the parts that a `dtype` names those that it says.

    Raises `ValueError` for a `dtype` that names no parts: the way of deployment has said the types already.
    """
    if dtype == STORED:
        return DEPLOYED[deploy]
    if "=" not in dtype:
        raise ValueError(f"the types of a network deployed as {deploy} are its own: name a part, as in maps={dtype}")
    return with_parts(DEPLOYED[deploy], dtype)


@lru_cache(maxsize=16)
def dtypes_of(text: str) -> Dtypes:
    """Return the types that a text says: one for all, or `weights=int8,bias=int32,maps=int16`, the others float32.

    Raises `ValueError` for an unknown part or type, and for a part that is given twice.
    """
    return with_parts(Dtypes("float32", "float32", "float32"), text)


def with_parts(dtypes: Dtypes, text: str) -> Dtypes:
    """Return the types with those changed that a text says; raises `ValueError` as `dtypes_of`."""
    if "=" not in text:
        dtype = _dtype(text)
        return Dtypes(dtype, dtype, dtype)
    given: dict[str, str] = {}
    for item in text.split(","):
        part, equals, dtype = (each.strip() for each in item.partition("="))
        part = {"biases": "bias", "activations": "maps"}.get(part, part)
        if part not in PARTS or not equals:
            raise ValueError(f"{item.strip()!r} is no part and its type: write weights=int8,bias=int32,maps=int8")
        if part in given:
            raise ValueError(f"{part!r} is given twice: {given[part]} and {dtype}")
        given[part] = _dtype(dtype)
    return dtypes._replace(**given)


def _dtype(name: str) -> str:
    """Return the canonical name of a type."""
    dtype = DTYPE_SYNONYMS.get(name.strip(), name.strip())
    if dtype not in DTYPES:
        raise ValueError(f"unknown dtype {name!r}: one of {', '.join(DTYPES)}")
    return dtype


def packed_bytes(elements: Size, each: float) -> Size:
    """Return the bytes of elements, the last one filled up where several share it."""
    if each >= 1:
        return elements * int(each)
    return ceil_div(elements, int(1 / each))
