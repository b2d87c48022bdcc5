"""Which layers of a net take part: those that the rules of the TEST phase leave in, as in Caffe's `Net::FilterNet`.

A layer with `include` rules takes part if the state of the net meets one of them, one with `exclude` rules if it meets
none. The state is the phase TEST, with the stages and the level that the file itself states: mostly none, and 0.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.readers.caffe.prototxt import PrototxtMessage
from cnncalc.readers.text_file import parse_integer

#: The phases by the numbers that some files have.
PHASES = {"0": "TRAIN", "1": "TEST"}


class NetState(NamedTuple):
    """The state that rules are compared with."""

    level: int
    stages: frozenset[str]

    @classmethod
    def of(cls, net: PrototxtMessage) -> NetState:
        """Return the state of a net for testing."""
        state = net.message("state")
        return cls(_level(state, "level") or 0, frozenset(stage.text for stage in state.scalars("stage")))

    def includes(self, layer: PrototxtMessage) -> bool:
        """Return whether a layer takes part."""
        included = layer.messages("include")
        rules = included or layer.messages("exclude")
        return any(map(self._meets, rules)) == bool(included)

    def _meets(self, rule: PrototxtMessage) -> bool:
        phase = rule.text("phase", "TEST").upper()
        low, high = _level(rule, "min_level"), _level(rule, "max_level")
        return (
            PHASES.get(phase, phase) == "TEST"
            and (low is None or self.level >= low)
            and (high is None or self.level <= high)
            and all(stage.text in self.stages for stage in rule.scalars("stage"))
            and not any(stage.text in self.stages for stage in rule.scalars("not_stage"))
        )


def _level(message: PrototxtMessage, name: str) -> int | None:
    scalar = message.scalar(name)
    return parse_integer(scalar.text, scalar.span, f"`{name}`", low=-(10**9)) if scalar else None
