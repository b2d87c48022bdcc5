"""Files of other worlds: what they are, and what to do to have their network read.

Each holds a network, or its weights alone, in a form that no reader here reads: the message says which, and which of
the forms that are read the same tools write.
"""

from __future__ import annotations

from os import path as paths
from typing import NamedTuple, NoReturn

from cnncalc.readers.errors import fail

_FROM_TORCH = "export the model to ONNX (`torch.onnx.export`), or name what builds it: `cnncalc torch:module:factory`"
_FROM_TENSORFLOW = (
    "convert it: `python -m tf2onnx.convert --saved-model FOLDER --output net.onnx`, or save a .keras file"
)
_WEIGHTS = f"weights say nothing of how layers are joined: {_FROM_TORCH}"


class Foreign(NamedTuple):
    """What a file is, and the edit or command that leads to a file that is read."""

    what: str
    help: str


#: Suffix → what such a file is.
FOREIGN = {
    ".pb": Foreign("a TensorFlow graph", _FROM_TENSORFLOW),
    ".pbtxt": Foreign("a TensorFlow graph", _FROM_TENSORFLOW),
    ".meta": Foreign("a TensorFlow checkpoint's graph", _FROM_TENSORFLOW),
    ".index": Foreign("the index of a TensorFlow checkpoint", _FROM_TENSORFLOW),
    ".mlmodel": Foreign("a Core ML model", "export the model that it was made of to ONNX: that is read"),
    ".mlpackage": Foreign("a Core ML model", "export the model that it was made of to ONNX: that is read"),
    ".safetensors": Foreign("weights alone", _WEIGHTS),
    ".gguf": Foreign("weights alone", _WEIGHTS),
    ".npz": Foreign("arrays alone", _WEIGHTS),
    ".npy": Foreign("an array alone", _WEIGHTS),
    ".msgpack": Foreign("weights alone", _WEIGHTS),
    ".mar": Foreign("an archive of TorchServe", _FROM_TORCH),
    ".ptl": Foreign("a PyTorch module for phones", _FROM_TORCH),
    ".pte": Foreign("a program of ExecuTorch", _FROM_TORCH),
    ".engine": Foreign("an engine of TensorRT", "name the .onnx file that it was built from"),
    ".plan": Foreign("an engine of TensorRT", "name the .onnx file that it was built from"),
    ".trt": Foreign("an engine of TensorRT", "name the .onnx file that it was built from"),
    ".uff": Foreign("a TensorFlow graph for TensorRT", _FROM_TENSORFLOW),
    ".caffemodel": Foreign("the weights of a Caffe net", "name the .prototxt file beside it, which has the layers"),
    ".weights": Foreign("the weights of a Darknet network", "name the .cfg file beside it, which has the layers"),
    ".bin": Foreign("weights alone", "name the file beside it that has the layers: .xml of OpenVINO, .param of ncnn"),
    ".params": Foreign("the weights of an MXNet model", "export the model to ONNX: that is read"),
    ".pdmodel": Foreign("a Paddle model", "convert it: `paddle2onnx --model_dir FOLDER --save_file net.onnx`"),
    ".pdiparams": Foreign("the weights of a Paddle model", "convert the model beside it with `paddle2onnx`"),
    ".mnn": Foreign("an MNN model", "name the file that it was converted from"),
    ".rknn": Foreign("a model for Rockchip's NPUs", "name the .onnx or .tflite file that it was converted from"),
    ".hef": Foreign("a model for Hailo's NPUs", "name the .onnx or .tflite file that it was converted from"),
    ".dlc": Foreign("a model for Qualcomm's NPUs", "name the .onnx file that it was converted from"),
    ".ort": Foreign("an ONNX model for ONNX Runtime alone", "name the .onnx file that it was converted from"),
    ".mat": Foreign("data of MATLAB", "`exportONNXNetwork(net, 'net.onnx')` writes a file that is read"),
    ".nnet": Foreign("a network of another tool", "export the model to ONNX: that is read"),
}


def fail_foreign(name: str) -> NoReturn:
    """Raise `SpecError` E302 for a file of another world, with what can be done."""
    foreign = FOREIGN[paths.splitext(name)[1].lower()]
    fail("E302", f"`{name}` is not read", f"it is {foreign.what}", help=foreign.help)
