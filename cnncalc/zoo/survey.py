"""The figures of the zoo's networks, computed on demand."""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.diagnostics import Problems, Source
from cnncalc.figures.rows import Row
from cnncalc.language.build import build_graph
from cnncalc.language.parse import parse
from cnncalc.zoo import Member


class ZooEntry(NamedTuple):
    """A network and its figures for one sample in float32.

    `last` is the row of its last feature map, `peak_bytes` the peak memory of its activations.
    """

    member: Member
    input: tuple[int, ...]
    params: int
    buffers: int
    macs: int
    last: Row
    peak_bytes: int

    def to_dict(self) -> dict[str, object]:
        """Return the network's object in the JSON of the listing."""
        return {
            "name": self.member.name,
            "family": self.member.family,
            "year": self.member.year,
            "contribution": self.member.contribution,
            "input": list(self.input),
            "params": self.params,
            "buffers": self.buffers,
            "macs": self.macs,
            "receptive_field": self.last.receptive_field.to_dict(),
            "peak_bytes": self.peak_bytes,
        }


def survey(member: Member) -> ZooEntry:
    """Return the figures of a network."""
    problems = Problems()
    spec = parse(Source(member.name, member.text()), problems)
    analysis = analyze_graph(build_graph(spec, problems), Options())
    totals = analysis.totals
    return ZooEntry(
        member,
        analysis.rows[0].output_shape,
        totals.params,
        totals.buffers,
        totals.macs,
        _last_map(analysis),
        totals.activation_bytes.peak,
    )


def _last_map(analysis: Analysis) -> Row:
    """Return the last row whose output has spatial axes, or the last before a global pool."""
    row: Row
    for row in reversed(analysis.rows):
        shape = row.node.shape
        if shape.rank and not (row.receptive_field.whole and set(shape.spatial) == {1}):
            return row
    return analysis.rows[0]
