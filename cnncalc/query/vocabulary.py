"""The words for figures: people's synonyms, headings and columns → the key in the JSON object.

One figure has one key, and each of its other words is taken wherever a figure is asked for: `--get`, `--fail-if`,
`--where`, `--columns`, `--sort`. `ram` is the peak, `flash` the bytes of the weights, `params` neither.
"""

from __future__ import annotations

#: A word, in small letters with `_` for what is between its words → the key of the figure.
SYNONYMS = {
    **dict.fromkeys(("parameters", "parameter", "param", "weights", "mparams", "nparams"), "params"),
    **dict.fromkeys(("mac", "madds", "madd", "multadds", "mult_adds", "multiply_adds", "multiply_accumulates"), "macs"),
    **dict.fromkeys(("flop", "fl_ops", "ops"), "flops"),
    **dict.fromkeys(("ram", "memory", "peak_memory", "peak_ram", "peak_bytes", "sram"), "peak"),
    **dict.fromkeys(
        ("flash", "weight_bytes", "weights_bytes", "bytes", "model_size", "parameter_bytes"), "params_bytes"
    ),
    **dict.fromkeys(("rf", "field", "receptive_fields", "fov"), "receptive_field"),
    **dict.fromkeys(("output", "shape", "output_shapes", "out", "output_size"), "output_shape"),
    **dict.fromkeys(("input", "input_shape", "in", "input_size"), "input_shapes"),
    **dict.fromkeys(("backward", "backward_mac"), "backward_macs"),
    **dict.fromkeys(("saved", "saved_memory"), "saved_bytes"),
    **dict.fromkeys(("live", "live_memory"), "live_bytes"),
    **dict.fromkeys(("traffic", "memory_traffic", "moved"), "traffic_bytes"),
    **dict.fromkeys(("percent", "per_cent", "share_of_macs", "%"), "share"),
    **dict.fromkeys(("training", "training_memory"), "training_bytes"),
    **dict.fromkeys(("activation", "feature_maps", "featuremaps"), "activations"),
    "conv_activation": "conv_activations",
    "kind": "type",
    "operation": "layer",
    "trainable_params": "params",
    "frozen_params": "frozen",
}

#: Figures with a receptive field's keys: `jump` is `receptive_field.jump`.
WITHIN = {"jump": "receptive_field.jump", "left": "receptive_field.left", "smallest": "receptive_field.smallest"}


def spelled(word: str) -> str:
    """Return a word in small letters, with `_` for spaces and hyphens: `Mult-Adds` is `mult_adds`."""
    return "_".join(word.lower().replace("-", " ").replace("_", " ").split())


def key_of(word: str) -> str:
    """Return the key of the figure that a word stands for; another word as it is spelled."""
    word = spelled(word)
    return SYNONYMS.get(word, word)
