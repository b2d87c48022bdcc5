"""The network on a device: what it takes of flash and RAM, and whether that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnncalc.analysis import Analysis, Options
from cnncalc.figures.memory import DEPTHWISE
from cnncalc.notation import bytes_text, thousands
from cnncalc.query.conditions import Outcome
from cnncalc.report.document import Notes

#: So many layers are named that take most of what is too little.
MOST_NAMED = 3


def deployment_notes(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """Yield the totals of a deployed network, with what each is."""
    totals, types = analysis.totals, analysis.options.types
    assert types is not None
    yield "flash", f"{_exactly(totals.flash_bytes)}: {thousands(totals.params)} weights and biases as {types.words}"
    arena = totals.ram_bytes
    if arena is not None:
        live = totals.activation_bytes.peak
        where = f", {bytes_text(live)} live at {totals.peak_layer}" if totals.peak_layer else ""
        yield "RAM", f"{_exactly(arena)}: the arena of all feature maps{where}"
    yield "MACs", thousands(totals.macs)
    over = "; depthwise layers write over their input" if DEPTHWISE in analysis.options.in_place else ""
    yield "deployed", f"batch norm folded, activations fused{over}"


def types_text(options: Options) -> str:
    """Return the types of the figures in words."""
    return options.dtype if options.types is None else options.types.words


def fit_notes(outcomes: Sequence[Outcome], analysis: Analysis) -> Notes:
    """Return a line for each memory of the device: whether the network fits, by how much, and what to look at."""
    return Notes(tuple((outcome.condition.path.text, _verdict(outcome, analysis)) for outcome in outcomes))


def _verdict(outcome: Outcome, analysis: Analysis) -> str:
    limit, by = int(outcome.condition.limit), int(outcome.by)
    if not outcome.exceeded:
        return f"fits: {thousands(by)} B of {thousands(limit)} B are left"
    live = " live" if outcome.condition.path.text == "ram" else ""
    layers = ", ".join(f"{name} ({bytes_text(size)}{live})" for name, size in heaviest(outcome, analysis))
    return f"does not fit: {thousands(by)} B over {thousands(limit)} B; look at {layers}"


def heaviest(outcome: Outcome, analysis: Analysis) -> list[tuple[str, int]]:
    """Return the layers that take most of a memory, with their bytes; of RAM, those that take more than there is."""
    of_ram = outcome.condition.path.text == "ram"
    sizes = [(row.name, row.live_bytes if of_ram else row.params_bytes) for row in analysis.rows]
    largest = sorted(sizes, key=lambda each: -each[1])
    wanted = [each for each in largest if each[1] > (outcome.condition.limit if of_ram else 0)] or largest[:1]
    return wanted[:MOST_NAMED]


def _exactly(size: int) -> str:
    return f"{thousands(size)} B ({bytes_text(size)})" if size >= 1024 else f"{thousands(size)} B"
