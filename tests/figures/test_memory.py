"""Memory: each figure derived by hand, and the peak against a simulation that knows nothing of buffers."""

from hypothesis import given, settings
from hypothesis import strategies as st

import cnncalc
from cnncalc.analysis import Analysis


def peaks(spec: str, dtype: str = "int8") -> tuple[int, int]:
    """The peak in place and without, in bytes."""
    memory = cnncalc.analyze(spec, dtype=dtype).totals.activation_bytes
    return memory.peak, memory.peak_no_inplace


def test_small_chain() -> None:
    """A small int8 network peaks in its second convolution.

    Its input 30x30x16 = 14,400 and output 28x28x16 = 12,544 are live: 26,944; the flatten is an alias.
    """
    spec = "input 32x32x3 | conv 3x3 x16 | conv 3x3 x16 | pool 2 | fc 128 | fc 10"
    assert peaks(spec) == (26_944, 26_944)


def test_vgg16() -> None:
    """VGG-16 peaks where 224x224x64 goes in and comes out: 2 · 3,211,264 elements of 4 bytes, in place or not.

    Without in-place, conv1 to relu1 holds the same two.
    """
    spec = "input 224x224x3 | (conv 3x3 same x64 | relu) * 2 | pool 2 | conv 3x3 same x128 | relu"
    assert peaks(spec, "float32") == (25_690_112, 25_690_112)


def test_residual_block() -> None:
    """A skip connection keeps its tensor alive.

    8x8x4 = 256 elements. In place: conv1's input and output, then the skip with conv2's input and output:
    3 · 256. Without, relu1 holds the skip, conv1 and itself, and the add its two arms and itself: 3 · 256 too.
    """
    spec = "input 8x8x4 | add(conv 3x3 same x4 | relu | conv 3x3 same x4 ; )"
    assert peaks(spec) == (768, 768)


def test_relu_in_place() -> None:
    """A relu writes over an input that nothing else reads: 75 elements, and twice that without."""
    assert peaks("input 5x5x3 | relu") == (75, 150)


def test_relu_of_what_is_read_later() -> None:
    """A relu does not write over what is read later: three tensors of 75, for the mul is not in place."""
    assert peaks("input 5x5x3 | mul( ; relu)") == (225, 225)


def test_alias_of_an_output() -> None:
    """A tensor whose alias is an output stays to the end: conv1's 8 through the flatten, beside conv2's 16 and 8."""
    spec = "input 2x2x1 | conv 1x1 x2 as a | flatten | @a | conv 1x1 x4 | conv 1x1 x2"
    # conv3: a (8, also the flatten's), conv2 (16) and its own output (8).
    assert peaks(spec) == (32, 32)


def test_concat_copies() -> None:
    """A concat has memory of its own: arms of 25 and 75 and the 100 they make."""
    assert peaks("input 5x5x3 | concat(conv 1x1 x1 ; )") == (200, 200)


def test_arena() -> None:
    """The arena aligns each tensor to 16 bytes: 300 → 304 and 72 → 80."""
    totals = cnncalc.analyze("input 5x5x3 | conv 3x3 s1 valid x2").totals
    assert (totals.activation_bytes.arena, totals.training_bytes) == (384, 820)


def test_what_is_live_at_the_peak() -> None:
    """The peak names its layer and the tensors live there, by their latest names."""
    totals = cnncalc.analyze("input 4x4x2 | conv 1x1 x4 | relu | conv 1x1 x2", dtype="int8").totals
    # conv1: 32 + 64 = 96, as much as conv2's 64 + 32: the first is named.
    assert (totals.peak_layer, totals.peak_tensors) == ("conv1", {"input1": 32, "conv1": 64})


def simulated(result: Analysis, in_place: bool) -> int:
    """The peak in elements by running the graph: at each step, the sum over storages still needed."""
    nodes = result.graph.nodes
    readers: dict[int, list[int]] = {node.index: [] for node in nodes}
    for node in nodes:
        for index in node.inputs:
            readers[index].append(node.index)
    forever = len(nodes)

    def needed(index: int) -> int:
        return forever if index in result.graph.outputs else max(readers[index], default=index)

    storage: dict[int, set[int]] = {}
    home: dict[int, int] = {}
    most = 0
    for node in nodes:
        target = node.index
        memory = node.layer.memory
        for index in node.inputs:
            dies = max(needed(member) for member in storage[home[index]]) == node.index
            alias = memory == "alias"
            over = in_place and memory == "in place" and dies and nodes[index].shape == node.shape
            if alias or over:
                target = home[index]
                break
        storage.setdefault(target, set()).add(node.index)
        home[node.index] = target
    for node in nodes:
        live = 0
        for first, members in storage.items():
            begins = first if nodes[first].inputs else 0
            ends = max(needed(member) for member in members)
            live += nodes[first].shape.elements if begins <= node.index <= ends else 0
        most = max(most, live)
    return most


layers = st.sampled_from(
    ["conv 1x1 x4", "conv 3x3 same x2", "relu", "bn", "identity", "dropout", "softmax", "add( ; )", "add(relu ; )",
     "concat( ; conv 1x1 x3)", "add(conv 1x1 x4 | relu ; conv 1x1 x4)", "mul( ; gap)", "concat(identity ; relu ; )"]
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(layers, min_size=1, max_size=8))
def test_peak(chosen: list[str]) -> None:
    """The peaks are those of a simulation, in place never more than without, and an arena never below."""
    result = cnncalc.analyze("input 3x4x2 | " + " | ".join(chosen), dtype="int8")
    memory = result.totals.activation_bytes
    assert (memory.peak, memory.peak_no_inplace) == (simulated(result, True), simulated(result, False))
    assert memory.peak <= memory.peak_no_inplace
    assert memory.peak <= memory.arena
