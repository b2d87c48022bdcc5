"""The roofline: how long a layer takes at least on a processor of a given peak and a memory of a given bandwidth.

    bound = max(2·MACs / peak, traffic / bandwidth)

Whichever of the two is more bounds the layer: compute or memory. It is a bound, not a time: what a kernel loses, and
what it keeps near the processor from one layer to the next, is not in it. Source: S. Williams, A. Waterman and
D. Patterson, Roofline: an insightful visual performance model, CACM 52(4), 2009.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

COMPUTE, MEMORY = "compute", "memory"


class Roof(NamedTuple):
    """The peak of a processor in FLOP/s, and the bandwidth of its memory in B/s, for figures of one type."""

    peak: Fraction
    bandwidth: Fraction

    @property
    def ridge(self) -> Fraction:
        """The intensity in FLOP/B from which on the peak is the bound."""
        return self.peak / self.bandwidth

    def seconds(self, flops: int, traffic: int) -> Fraction:
        """Return how long so many FLOPs and bytes take at least."""
        return max(flops / self.peak, traffic / self.bandwidth)

    def bound_by(self, flops: int, traffic: int) -> str:
        """Return what bounds so many FLOPs and bytes: `compute` or `memory`; empty where there is nothing to do."""
        if not flops and not traffic:
            return ""
        return COMPUTE if flops / self.peak >= traffic / self.bandwidth else MEMORY


class Device(NamedTuple):
    """What is known of a device: peaks by type, of which the empty one is for every type, and the bandwidth."""

    peaks: tuple[tuple[str, Fraction], ...]
    bandwidth: Fraction

    def roof(self, dtype: str) -> Roof | None:
        """Return the roof for numbers of a type; None if no peak is given for it."""
        peaks = dict(self.peaks)
        peak = peaks.get(dtype, peaks.get(""))
        return None if peak is None else Roof(peak, self.bandwidth)


class Bound(NamedTuple):
    """The bound of a layer or of several: its FLOPs and bytes, the seconds, what bounds it, and the intensity."""

    flops: int
    traffic: int
    seconds: Fraction
    by: str

    @property
    def intensity(self) -> Fraction | None:
        """The FLOPs for each byte; None where no byte is moved."""
        return Fraction(self.flops, self.traffic) if self.traffic else None


def bound_of(roof: Roof, layers: Sequence[tuple[int, int]]) -> Bound:
    """Return the bound of layers, of which each has so many FLOPs and bytes: the sum of their bounds.

    What bounds them is what bounds the layers that take most of it.
    """
    seconds = dict.fromkeys((COMPUTE, MEMORY, ""), Fraction())
    for flops, traffic in layers:
        seconds[roof.bound_by(flops, traffic)] += roof.seconds(flops, traffic)
    total = sum(seconds.values())
    by = max(seconds, key=lambda each: seconds[each]) if total else ""
    return Bound(sum(each[0] for each in layers), sum(each[1] for each in layers), Fraction(total), by)
