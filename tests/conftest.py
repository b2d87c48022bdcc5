"""What all tests share: how random examples are drawn, and which files need a framework to be imported at all."""

from importlib.util import find_spec

from hypothesis import HealthCheck, settings

# No example is timed, since speed is measured in benchmarks. The default run draws the same examples every time; the
# slow run (`--hypothesis-profile=deep`) draws other ones, and twenty times as many.
untimed = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=100)
settings.register_profile("default", untimed, derandomize=True, database=None)
settings.register_profile("deep", untimed, max_examples=2000, print_blob=True)
settings.load_profile("default")

#: Files that import a framework: they are tests of the marker `frameworks`, and not even read where it is missing.
NEEDS = {
    "torch": ("writers/test_pytorch.py", "readers/test_torch.py"),
    "keras": ("writers/test_keras.py", "readers/test_keras_layers.py"),
    "onnxruntime": ("writers/test_onnx.py",),
}
collect_ignore = [file for library, files in NEEDS.items() if find_spec(library) is None for file in files]
