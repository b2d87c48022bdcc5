"""Suggestions for layers that do not fit their inputs: what was probably meant, and the edit to make.

The graph builder reports the bare facts. Here, where the reader of the message is in sight, each diagnostic of a
`BuildError` is given further notes and an edit in the spec language.
"""

from __future__ import annotations

from cnncalc.diagnostics import Diagnostic
from cnncalc.graph import BuildError, FailedLayer, channels_last
from cnncalc.language.repair import arms_of, merge_edit, merge_notes


def with_suggestions(error: BuildError) -> BuildError:
    """Return the error with notes and edits added to the diagnostics of its failures."""
    suggested = {failure.diagnostic: _suggested(error, failure) for failure in error.failures}
    return error.with_diagnostics([suggested.get(each, each) for each in error.diagnostics])


def _suggested(error: BuildError, failure: FailedLayer) -> Diagnostic:
    diagnostic = failure.diagnostic
    if len(failure.inputs) > 1:
        arms = arms_of(error.nodes, failure.inputs)
        notes, help = merge_notes(arms), merge_edit(failure.layer, arms)
        return diagnostic._replace(notes=(*diagnostic.notes, *notes), help=help)
    notes = []
    if turned := channels_last(error.nodes[0].shape):
        shape = error.nodes[0].shape
        notes.append(f"the input {shape} looks channels first; shapes here are HxWxC: write `{turned}`")
    x = error.nodes[failure.inputs[0]].shape
    if diagnostic.code in ("E106", "E204") and x.rank == 1:
        notes.append(f"{x} is 1 spatial axis and {x.channels} channels; a grey image is {x}x1")
    return diagnostic._replace(notes=(*diagnostic.notes, *notes))
