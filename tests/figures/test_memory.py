"""Memory: each figure derived by hand, and what is live against a runtime that counts references."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import examples

import cnncalc
from cnncalc.analysis import Analysis
from cnncalc.figures import memory_planner
from cnncalc.figures.memory import MemoryStep, assign_buffers, steps
from cnncalc.figures.memory_planner import arena, plan
from cnncalc.graph import Graph


def peaks(spec: str, dtype: str = "int8") -> tuple[int, int]:
    """The peak in place and without, in bytes."""
    memory = cnncalc.analyze(spec, dtype=dtype).totals.activation_bytes
    return memory.peak, memory.peak_no_inplace


# -- the peak ------------------------------------------------------------------------------------------------


def test_small_chain() -> None:
    """A small int8 network peaks in its second convolution.

    Its input 30x30x16 = 14,400 and output 28x28x16 = 12,544 are live: 26,944; the flatten is an alias.
    """
    spec = "input 32x32x3 | conv 3x3 x16 | conv 3x3 x16 | pool 2 | fc 128 | fc 10"
    assert peaks(spec) == (26_944, 26_944)


def test_vgg16() -> None:
    """VGG-16 peaks where 224x224x64 goes in and comes out: 2 · 3,211,264 elements of 4 bytes, in place or not.

    In place that is conv2 alone; without, conv1 to relu1 hold the same two before.
    """
    result = cnncalc.analyze("vgg16")
    assert (result.totals.activation_bytes.peak, result.totals.peak_layer) == (25_690_112, "stage1.conv2")
    assert peaks("vgg16", "float32") == (25_690_112, 25_690_112)


def test_resnet50() -> None:
    """ResNet-50 peaks in its first block, at 56·56 = 3,136 positions of 4 bytes.

    In place, where the arm of the skip is projected: 64 channels of the pool, the 256 that the other arm has
    made, and 256 more: 576. Without, its batch norm has the 256 it reads, the other arm's and its own: 768.
    """
    totals = cnncalc.analyze("resnet50").totals
    assert peaks("resnet50", "float32") == (576 * 3136 * 4, 768 * 3136 * 4) == (7_225_344, 9_633_792)
    assert totals.peak_layer == "stage1.project1.unit1.conv1"
    assert totals.peak_tensors == {
        "pool1": 64 * 3136 * 4,
        "stage1.project1.path1.unit3.bn1": 256 * 3136 * 4,
        "stage1.project1.unit1.conv1": 256 * 3136 * 4,
    }


def test_mobilenet_v2() -> None:
    """MobileNetV2 peaks in its second block, which widens 16 channels to 96 at 112x112 = 12,544 positions.

    In place, where the depthwise convolution takes those to 56x56: 96 · 12,544 + 96 · 3,136 = 1,505,280.
    Without, where the batch norm of the 96 has an output of its own: 2 · 96 · 12,544 = 2,408,448.
    """
    assert peaks("mobilenet_v2") == (1_505_280, 2_408_448)


def test_residual_block() -> None:
    """A skip connection keeps its tensor alive.

    8x8x4 = 256 elements. In place: conv1's input and output, then the skip with conv2's input and output:
    3 · 256. Without, relu1 holds the skip, conv1 and itself, and the add its two arms and itself: 3 · 256 too.
    """
    spec = "input 8x8x4 | add(conv 3x3 same x4 | relu | conv 3x3 same x4 ; )"
    assert peaks(spec) == (768, 768)


def test_add_onto_the_arm_that_dies() -> None:
    """An add writes over whichever arm is not read again.

    3x3x2 = 18 elements. The convolution reads the input and writes its own: 36. The add writes over the
    convolution's, since the input is read again by the concat, which makes 36 more beside the two it reads: 72.
    Without in place the add holds three: 54, and the concat reads two and makes 36: 72 too.
    """
    assert peaks("input 3x3x2 as x | add( ; conv 1x1 x2) | concat( ; @x)") == (72, 72)
    assert peaks("input 3x3x2 | add( ; conv 1x1 x2)") == (36, 54)


def test_add_that_stretches() -> None:
    """An add writes over no arm that it stretches: 1x1x4 is read beside the 64 that it writes over."""
    assert peaks("input 4x4x4 | add(gap ; )") == (68, 132)


def test_relu_in_place() -> None:
    """A relu writes over an input that nothing else reads: 75 elements, and twice that without."""
    assert peaks("input 5x5x3 | relu") == (75, 150)


def test_relu_of_what_is_read_later() -> None:
    """A relu does not write over what is read later: three tensors of 75, for the mul is not in place."""
    assert peaks("input 5x5x3 | mul( ; relu)") == (225, 225)


def test_relu_of_an_output() -> None:
    """A relu does not write over what leaves the network: 75 twice, where in a chain once would do."""
    assert peaks("input 5x5x3 | conv 1x1 x3 as head | relu | @head") == (150, 150)


def test_alias_of_an_output() -> None:
    """A tensor whose alias is an output stays to the end: conv1's 8 through the flatten, beside conv2's 16 and 8."""
    spec = "input 2x2x1 | conv 1x1 x2 as a | flatten | @a | conv 1x1 x4 | conv 1x1 x2"
    # conv3: a (8, also the flatten's), conv2 (16) and its own output (8).
    assert peaks(spec) == (32, 32)


def test_outputs_stay() -> None:
    """An output stays to the end.

    The input has 4 elements, the heads 40 and 8. Where the second runs, all are live: 52.
    """
    assert peaks("input 2x2x1 as x | conv 1x1 x10 | @x | conv 1x1 x2") == (52, 52)


def test_inputs_are_there_from_the_start() -> None:
    """An input that stands late in the spec is live from the start.

    16 elements, convolved to 64, while the second input's 10 wait; at their concat only 2 + 10 + 12 are live.
    """
    spec = "input 4x4x1 | conv 1x1 x4 | gap | fc 2 | concat( ; input 10)"
    assert peaks(spec) == (90, 90)


def test_concat_copies() -> None:
    """A concat has memory of its own: arms of 25 and 75 and the 100 they make."""
    assert peaks("input 5x5x3 | concat(conv 1x1 x1 ; )") == (200, 200)


def test_slice_copies() -> None:
    """A slice has memory of its own: the 75 that it reads and the 50 that it takes."""
    assert peaks("input 5x5x3 | slice 0:2") == (125, 125)


@pytest.mark.parametrize("layer", ["flatten", "reshape 75", "dropout 0.5", "droppath 0.1", "identity"])
def test_what_is_free(layer: str) -> None:
    """An alias is free, in place or not."""
    assert peaks(f"input 5x5x3 | {layer}") == (75, 75)


def test_what_is_live_at_the_peak() -> None:
    """The peak names its layer and the tensors live there, by their latest names."""
    totals = cnncalc.analyze("input 4x4x2 | conv 1x1 x4 | relu | conv 1x1 x2", dtype="int8").totals
    # conv1: 32 + 64 = 96, as much as conv2's 64 + 32: the first is named.
    assert (totals.peak_layer, totals.peak_tensors) == ("conv1", {"input1": 32, "conv1": 64})


# -- bytes of other kinds --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "size"), [("int8", 1), ("float16", 2), ("bfloat16", 2), ("float32", 4), ("float64", 8)]
)
def test_dtypes(dtype: str, size: int) -> None:
    """All bytes scale with the type's: 75 + 18 elements live, 56 parameters."""
    totals = cnncalc.analyze("input 5x5x3 | conv 3x3 x2", dtype=dtype).totals
    assert (totals.activation_bytes.peak, totals.params_bytes) == (93 * size, 56 * size)


def test_sum() -> None:
    """The sum has each buffer once: 75 of the input, 18 of conv1, bn1 and relu1 together, 10 of the fc."""
    memory = cnncalc.analyze("input 5x5x3 | conv 3x3 x2 | bn | relu | fc 10", dtype="int8").totals.activation_bytes
    assert memory.sum == 103


# -- the arena -------------------------------------------------------------------------------------------------


def test_arena() -> None:
    """The arena aligns each tensor to 16 bytes: 300 → 304 and 72 → 80."""
    assert cnncalc.analyze("input 5x5x3 | conv 3x3 s1 valid x2").totals.activation_bytes.arena == 384


def test_memory_is_used_again() -> None:
    """What is dead makes room.

    The largest goes first: conv2's 64 at 0. conv1's 48 is live with it: at 64. The input's 16 is live with conv1
    alone: at 0; and so is conv3's 32, with conv2: at 64.
    """
    nodes, outputs, *_ = cnncalc.parse("input 4x4x1 | conv 1x1 x3 | conv 1x1 x4 | conv 1x1 x2")
    allocations = plan(assign_buffers(nodes, outputs), 1)
    assert {nodes[each.buffer.nodes[0]].name: (each.offset, each.end) for each in allocations} == {
        "conv2": (0, 64),
        "conv1": (64, 112),
        "conv3": (64, 96),
        "input1": (0, 16),
    }


def test_an_arena_above_the_peak() -> None:
    """Placing the largest first can leave gaps: an arena is no lower than the peak, and at times higher.

    In units of 16, four tensors in a chain: 3, 2, 3, 4. The peak is the last two: 7. The 4 goes to 0–4; the first
    3 dies before it comes: 0–3; the other 3 lives beside it: 4–7. The 2 lives beside both 3s, between which
    there is 3–4 alone: 7–9.
    """
    spec = "input 4x4x3 | conv 1x1 x2 | conv 1x1 x3 | conv 1x1 x4"
    memory = cnncalc.analyze(spec, dtype="int8").totals.activation_bytes
    assert (memory.peak, memory.arena) == (7 * 16, 9 * 16)


def test_a_gap_that_fits_exactly() -> None:
    """A gap is used to its last byte: of 3, 1, 3 and 4 in a chain, the 1 goes to 3–4 between the two 3s."""
    spec = "input 4x4x3 | conv 1x1 x1 | conv 1x1 x3 | conv 1x1 x4"
    memory = cnncalc.analyze(spec, dtype="int8").totals.activation_bytes
    assert (memory.peak, memory.arena) == (7 * 16, 7 * 16)


def test_a_hostile_arena(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too many pairs would have to be compared, the rest is stacked: no tighter than that, and still a place
    for each. 75 → 80, 18 → 32 and 8 → 16 bytes; the first two are placed before the count is looked at."""
    nodes, outputs, *_ = cnncalc.parse("input 5x5x3 | conv 3x3 x2 | conv 2x2 x2")
    buffers = assign_buffers(nodes, outputs)
    assert arena(buffers, 1) == 112
    monkeypatch.setattr(memory_planner, "MOST_COMPARED", 0)
    assert arena(buffers, 1) == 80 + 32 + 16


# -- against a runtime -----------------------------------------------------------------------------------------


class Runtime:
    """Runs a graph as an interpreter would: memory is taken when a layer runs, and given back when the last
    reference to it is gone. It knows nothing of lives or buffers; `live` is what is held at each step."""

    def __init__(self, graph: Graph, in_place: bool) -> None:
        #: Reads of a tensor that are still to come, and one more for leaving the network.
        self.pending = {node.index: 0 for node in graph.nodes}
        for node in graph.nodes:
            for index in set(node.inputs):
                self.pending[index] += 1
        for index in graph.outputs:
            self.pending[index] += 1
        #: Tensor → its storage, and storage → its elements. Two tensors may share one.
        self.storage: dict[int, int] = {}
        self.held: dict[int, int] = {}
        self.live: list[int] = []
        for node in graph.nodes:
            if not node.inputs:
                self.take(node.index, node.shape.elements)
        for node in graph.nodes:
            self.run(node, graph, in_place)

    def take(self, tensor: int, elements: int) -> None:
        self.storage[tensor] = tensor
        self.held[tensor] = elements

    def references(self, storage: int) -> int:
        """How many reads of any tensor in the storage are still to come."""
        return sum(self.pending[tensor] for tensor, other in self.storage.items() if other == storage)

    def run(self, node: cnncalc.Node, graph: Graph, in_place: bool) -> None:
        memory = node.layer.memory
        for index in set(node.inputs):
            self.pending[index] -= 1
        if memory == "alias":
            self.storage[node.index] = self.storage[node.inputs[0]]
        elif node.inputs:
            over = [
                index
                for index in node.inputs
                if graph.nodes[index].shape == node.shape and not self.references(self.storage[index])
            ]
            if memory == "in place" and in_place and over:
                self.storage[node.index] = self.storage[over[0]]
            else:
                self.take(node.index, node.shape.elements)
        self.live.append(sum(self.held.values()))
        for storage in list(self.held):
            started = any(tensor <= node.index for tensor, other in self.storage.items() if other == storage)
            if started and not self.references(storage):
                del self.held[storage]


LAYERS = ("conv 1x1 x4", "conv 3x3 same x2", "relu", "bn", "identity", "dropout", "softmax", "scale", "shuffle g1")
MERGES = (
    "add( ; conv 1x1 x2 | conv 1x1 x4)", "add( ; )", "add(relu ; )", "concat( ; conv 1x1 x3)", "mul( ; gap)",
    "add(gap | identity ; )", "concat(identity ; relu ; )", "concat( ; input 3x4x1)",
)  # fmt: skip


@st.composite
def networks(draw: st.DrawFn) -> str:
    """Networks on 3x4: chains with merges, from which named tensors are gone back to and added up."""
    items, names = ["input 3x4x2 as t0"], 1
    for _ in range(draw(st.integers(1, 9))):
        kind = draw(st.sampled_from(("layer", "layer", "merge", "back", "skip")))
        old = f"t{draw(st.integers(0, names - 1))}"
        if kind == "back":
            items.append(f"@{old}")
            continue
        if kind == "layer":
            item = draw(st.sampled_from(LAYERS))
        elif kind == "merge":
            # Two channels in, so that an arm of any merge fits.
            items.append("conv 1x1 x4")
            item = draw(st.sampled_from(MERGES))
        else:
            items.append("conv 1x1 x5")
            item = draw(st.sampled_from((f"add( ; @{old} | conv 1x1 x5)", f"concat( ; @{old})", f"concat(@{old} ; )")))
        items.append(f"{item} as t{names}")
        names += 1
    return " | ".join(items)


def timeline(result: Analysis) -> list[MemoryStep]:
    return list(steps(result.graph.nodes, result.feature_maps, 2))


@examples(100)
@given(networks())
def test_peak(spec: str) -> None:
    """What is live at each step is what the runtime holds, and the peaks are its largest."""
    result = cnncalc.analyze(spec, dtype="int8")
    memory = result.totals.activation_bytes
    held = Runtime(result.graph, in_place=True).live
    assert [step.live for step in timeline(result)] == held
    assert (memory.peak, memory.peak_no_inplace) == (max(held), max(Runtime(result.graph, in_place=False).live))
    assert result.totals.peak_layer == result.graph.nodes[held.index(max(held))].name
    assert sum(result.totals.peak_tensors.values()) == memory.peak
    assert memory.peak <= memory.peak_no_inplace


@examples(50)
@given(networks())
def test_steps(spec: str) -> None:
    """A step reads its inputs, writes to memory of its own or to none, and touches nothing of what is kept."""
    result = cnncalc.analyze(spec, dtype="int8")
    nodes = result.graph.nodes
    for node, step in zip(nodes, timeline(result), strict=True):
        kept = step.live - step.reads - step.writes
        assert step.writes in ((0, node.shape.elements) if node.inputs else (node.shape.elements,))
        assert (kept == 0) == (not step.kept)
        assert not {*node.inputs, node.index} & {index for buffer in step.kept for index in buffer.nodes}
        if not step.more:
            assert sum(buffer.elements for buffer in step.kept) == kept


@examples(50)
@given(networks(), st.sampled_from((1, 2, 4, 12)))
def test_plan(spec: str, size: int) -> None:
    """No two tensors that are live at once overlap in the arena; each is aligned; none is left out."""
    result = cnncalc.analyze(spec)
    allocations = plan(result.feature_maps, size)
    assert sorted(each.buffer for each in allocations) == sorted(result.feature_maps)
    assert all(each.offset % 16 == 0 and each.size >= each.buffer.elements * size for each in allocations)
    for one, other in combinations(allocations, 2):
        together = one.buffer.first <= other.buffer.last and other.buffer.first <= one.buffer.last
        assert not together or one.end <= other.offset or other.end <= one.offset
    assert arena(result.feature_maps, size) == max(each.end for each in allocations)


@examples(30)
@given(networks(), st.sampled_from(("int8", "float32")), st.integers(1, 3))
def test_arena_is_no_lower_than_the_peak(spec: str, dtype: str, batch: int) -> None:
    """An arena has room for all that is live at the peak."""
    memory = cnncalc.analyze(spec, dtype=dtype, batch=batch).totals.activation_bytes
    assert memory.peak <= memory.arena
