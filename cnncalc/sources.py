"""The source of a network (standard input, a file, a model, the zoo, or text), and its graph."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Union

from cnncalc.diagnostics import Diagnostic, FatalError, Problems, Source, Span, SpecError, exceed, fail
from cnncalc.graph import BuildError, Graph
from cnncalc.language.arguments import split_word
from cnncalc.language.build import build_graph
from cnncalc.language.inputs import CLOSED, ChannelsFirst, LetterMode, completed, open_sizes_error
from cnncalc.language.meant import YAML, as_meant
from cnncalc.language.nodes import Chunk, Spec
from cnncalc.language.parse import parse
from cnncalc.language.tokens import MAX_TEXT
from cnncalc.layers.rearrange import Input
from cnncalc.spelling import nearest

if TYPE_CHECKING:
    from cnncalc.readers import ModelFile, PastedCode
    from cnncalc.zoo import Member

SUFFIXES = (".cnn", ".txt", ".yaml", ".yml")

#: A text that may be a network's name: one word, without a mark that only a spec has.
WORD = re.compile(r"\s*([A-Za-z][\w.-]*)\s*", re.ASCII)

#: A network's name in several words, behind that of its package, or as the call that makes it: `models.resnet18()`.
NAMED = re.compile(r"\s*(?:zoo[: ]\s*)?(?:[a-z_]\w*\.)*([A-Za-z][\w-]*(?: [\w.]+){0,3})(?:\(([^()|]*)\))?\s*", re.ASCII)
#: What such a call says of weights, which the zoo has none of.
OF_WEIGHTS = re.compile(r"\s*(?:(?:pretrained|weights|progress|include_top)\s*=\s*[\w.'\"]+\s*,?\s*)*")
OF_CLASSES = re.compile(r"(?:num_)?classes\s*=\s*(\d+)")

#: The prefix of a function that returns a PyTorch module: `torch:package.module:factory`.
TORCH = "torch:"

#: A class or function of a Python file: `my_model.py:Net`, `my_model:Net`.
PYTHON_NAME = re.compile(r"([\w./-]+\.py|[A-Za-z_][\w.]*):([A-Za-z_]\w*)", re.ASCII)

#: A shape of fewer sizes may leave some out.
MOST_LEFT_OUT = 4

#: A text in the language, or for a reader a model file or code.
TextOrModel = Union[Source, "ModelFile", "PastedCode"]

#: What a text that is code has, and few specs: a capital or a dot in front of brackets, or a word of Python; and not in
#: a comment, since the reader of code takes longer to load than most networks to calculate.
CODE = re.compile(r"(?m)^[^#\n]*?(?:\b[A-Z]\w*\s*\(|\w\.\w+\s*\()|^[ \t]*(?:import|from|class)\s")


def find(spec: str) -> TextOrModel:
    """Return the source for a SPEC of the command line: standard input (`-`), else a file, a zoo network, or text.

    Raises `SpecError`: E010 if it names a file that does not exist or cannot be read, E101 if it is one word
    that is neither a network nor a layer.
    """
    if spec == "-":
        return _text_or_code(Source("<stdin>", _decode("<stdin>", _standard_input())))
    if spec.startswith(TORCH):
        from cnncalc.readers import ModelFile

        return ModelFile("torch", spec.removeprefix(TORCH))
    module = PYTHON_NAME.fullmatch(spec)
    if module is not None:
        _refuse_code(module)
    try:
        exists = os.path.exists(spec)
    except ValueError:  # a NUL in it: not a path, and an error with its position when it is read as text
        exists = False
    # A folder of models may have the name of one.
    if exists and not (os.path.isdir(spec) and _network(spec)):
        return read_file(spec)
    if " " not in spec and "|" not in spec and _names_file(spec):
        folder, name = os.path.split(spec)
        near = nearest(name, _files(folder or "."), cutoff=0.75)
        help = f"write `{os.path.join(folder, near)}`" if near else "a spec may also stand on the command line itself"
        _unreadable(spec, "there is no such file", help)
    return text_or_network(spec, "as a file (there is none of this name), ")


def _refuse_code(module: re.Match[str]) -> None:
    """Raise `SpecError` E310 for a class in a Python file of the working folder, with the spec that runs it."""
    package, attribute = module.groups()
    path = package if package.endswith(".py") else package.replace(".", os.sep) + ".py"
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(1 << 20)
    except (OSError, ValueError):
        return
    from cnncalc.readers.errors import fail
    from cnncalc.readers.python_classes import module_classes

    classes = module_classes(text)
    chosen = attribute if re.search(rf"\b{attribute}\b", text) else nearest(attribute, classes) or attribute
    listed = f"the module classes of `{path}`: {', '.join(f'`{each}`' for each in classes)}" if classes else ""
    message = f"`{module.group()}` is the code of a module, which is run only where it is asked for"
    fail("E310", message, listed, help=f"write `torch:{package}:{chosen}` to run it")


def _text_or_code(source: Source) -> TextOrModel:
    """Return a text, for the reader of code if it is such by its name or by itself."""
    file = source.name.lower().endswith((".py", ".ipynb"))
    if file or CODE.search(source.text):
        from cnncalc.readers import PastedCode
        from cnncalc.readers.code import code_of, recognize

        if file or recognize(source.text):
            return PastedCode(code_of(source))
    return source


def text_or_network(text: str, tried: str = "") -> TextOrModel:
    """Return the spec of the zoo network that a text names, or else the text itself as a spec.

    Raises `SpecError` E101 for a word that is neither, with a note on what else it was `tried` as.
    """
    member = _network(text)
    if member is None and (named := NAMED.fullmatch(text)):
        member = _network_as_said(text, *named.groups())
    if member is not None:
        return Source(member.name, member.text(), title=member.name)
    source = Source("<spec>", text)
    match = WORD.fullmatch(text)
    if match is None:
        return _text_or_code(source)
    word, span = match.group(1), Span(source, *match.span(1))
    try:
        split_word(Chunk((word,), span))
    except SpecError as error:
        from cnncalc.language.suggestions import with_suggestions
        from cnncalc.zoo import suggestion

        (first,) = with_suggestions(error).diagnostics
        near = suggestion(word)
        if near is not None:
            message, label = f"unknown network `{word}`", "neither a name of the zoo nor a layer word"
            first = Diagnostic("E101", message, span, label, help=near)
        note = f"tried {tried}as a network of the zoo and as a spec"
        raise SpecError([first._replace(notes=(*first.notes, note))]) from None
    return source


def _network(text: str) -> Member | None:
    match = WORD.fullmatch(text)
    if match is None:
        return None
    from cnncalc import zoo  # only for a single word

    return zoo.find(match.group(1))


def _network_as_said(text: str, name: str, arguments: str | None) -> Member | None:
    """Return the network of a name in several words, or of the call that makes it; None for a spec.

    Raises `SpecError` E101 for a call with arguments that change the network.
    """
    try:
        split_word(Chunk((name.split()[0],), Span(Source("<spec>", name), 0, len(name.split()[0]))))
        return None
    except SpecError:
        from cnncalc import zoo

        member = zoo.find(name)
    if member is None or arguments is None or OF_WEIGHTS.fullmatch(arguments):
        return member
    classes = OF_CLASSES.search(arguments)
    help = f"write `{member.name}{f' --var classes={classes[1]}' if classes else ''}`"
    span = Span(Source("<spec>", text), 0, len(text))
    fail("E101", f"`{member.name}` of the zoo takes no arguments", span, "not a call", help)


def _names_file(spec: str) -> bool:
    """Return whether a text without spaces can only be a file name, judged by its suffix."""
    suffix = os.path.splitext(spec)[1].lower()
    if not suffix or suffix in SUFFIXES:
        return bool(suffix)
    from cnncalc import readers
    from cnncalc.readers.foreign import FOREIGN

    return suffix in (*readers.SUFFIXES, *readers.PICKLES, *readers.CODE, *FOREIGN)


def file_error(text: str, error: SpecError) -> SpecError | None:
    """Return the error for a text that is the name of a file, and unread as a spec with `error`; None for any other.

    In Python a text is a spec or the name of a network, so that its meaning is independent of the folder.
    """
    code = error.diagnostics[0].code
    if code != "E101" and not code.startswith("E0"):
        return None
    one_line = len(text) < 4096 and text.isprintable()
    exists = one_line and os.path.isfile(text)
    if not exists and not (one_line and " " not in text and "|" not in text and _names_file(text)):
        return None
    folder, name = os.path.split(text)
    near = name if exists else nearest(name, _files(folder or "."), cutoff=0.75)
    path = os.path.join(folder, near) if near else text
    note = "there is a file of that name" if exists else "there is no file of that name here"
    message, label = f"`{text}` is neither a spec nor the name of a network", "a str is the text of a spec"
    span = Span(Source("<spec>", text), 0, len(text))
    help = f"for the file, give a path: `pathlib.Path({path!r})`"
    return SpecError([Diagnostic("E010", message, span, label, (note,), help)])


def read_file(path: str | os.PathLike[str]) -> TextOrModel:
    """Return the text of a file, or a model file unread; raises `SpecError` E010 if it cannot be read."""
    from cnncalc import readers

    name = os.fspath(path)
    try:
        mode = os.stat(name).st_mode
        if stat.S_ISDIR(mode):
            _unreadable(name, "it is a directory", "name a file in it")
        if not stat.S_ISREG(mode):
            _unreadable(name, "it is not a regular file", "use `-` and a pipe: `… | cnncalc -`")
        if not name.lower().endswith((".cnn", *YAML)):
            model = readers.recognize(name)
            if model is not None:
                return model
        with open(name, "rb") as file:
            data = file.read(4 * MAX_TEXT + 1)
        if not name.lower().endswith((*SUFFIXES, ".py", ".ipynb")) and _is_binary(data):
            help = f"these are: {', '.join(sorted({*readers.SUFFIXES, *SUFFIXES}))}"
            fail("E302", f"`{name}` is no file that is read", label="it is neither text nor a known model", help=help)
        source = Source(name, _decode(name, data))
        return source if name.lower().endswith((".cnn", *YAML)) else _text_or_code(source)
    except SpecError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        _unreadable(name, reason[:1].lower() + reason[1:], None)


def load_source(
    source: TextOrModel,
    input: tuple[Any, ...] | None = None,
    variables: Mapping[str, Any] | None = None,
    dims: Mapping[str, int] | None = None,
    strict: bool = False,
    left_open: LetterMode = CLOSED,
    more_inputs: Sequence[tuple[Any, ...]] = (),
) -> Graph:
    """Return the graph of a source: of a text, which is YAML if its name has that suffix, or of a model by its reader.

    `variables` and `left_open` are for text; `dims` (the sizes of symbolic dimensions) and `strict` for models.
    """
    if more_inputs and getattr(source, "reader", None) != "torch":
        help = "give the first alone: the shapes of further inputs stand in the spec or file"
        _does_not_apply("--input", "it is given more than once, which is for PyTorch modules", help)
    for shape in more_inputs:
        require_numbers(shape)
    if not isinstance(source, Source):
        from cnncalc.readers import WITH_LETTERS, ReadOptions, read

        if variables:
            _does_not_apply("--var", "a model file has no lets", "`--dim NAME=N` gives a symbolic dimension its size")
        if left_open.at and getattr(source, "reader", None) not in WITH_LETTERS:
            _does_not_apply("--at", "the file has no letters", "`--input 32x32x3` gives its input in numbers")
        if input is not None:
            require_numbers(input, left_open.at)
        given = {**left_open.at, **(dims or {})}
        if input is not None:
            if len(input) < MOST_LEFT_OUT and getattr(source, "reader", "torch") != "torch":
                input = _completed_by_file(source, input, given)
            input = Input("input", shape=input).substitute(left_open.at).shape
        try:
            return read(source, ReadOptions(input, tuple(more_inputs), given, left_open.letters), strict)
        except BuildError as error:
            from cnncalc.language.repair import with_repairs  # only once something is wrong

            raise with_repairs(error) from None
    if dims:
        _does_not_apply("--dim", "a spec has no symbolic dimensions", "`--var NAME=VALUE` overrides a let")
    if strict:
        _does_not_apply(
            "--strict",
            "a spec has no unknown operators",
            "leave `--strict` out: an unknown layer of a spec is always an error",
        )

    def build(text: Source) -> Graph:
        problems = Problems()
        graph = build_graph(read_nodes(text, problems), problems, input, variables, left_open)
        if text.edits:
            from cnncalc.language.reread import check_stated

            check_stated(graph)
        return graph

    try:
        return as_meant(source, build)
    except RecursionError:
        # Each kind of nesting has its limit; all of them at once can still be more than Python's stack.
        raise FatalError([Diagnostic("E005", f"`{source.name}` is nested too deeply")]) from None


def _completed_by_file(
    model: ModelFile | PastedCode, input: tuple[Any, ...], dims: Mapping[str, int]
) -> tuple[Any, ...]:
    """Return a shape with what it leaves out as the file's input has it; raises `SpecError` E132 if that is open."""
    from cnncalc.readers import ReadOptions, read

    try:
        own = read(model, ReadOptions(dims=dims, letters=True)).nodes[0].shape.dims
    except SpecError:
        return input  # the file says nothing without it
    shape = completed(input, own)
    if len(shape) > len(input):
        require_numbers(shape)
    return shape


def language_of_code(source: TextOrModel) -> str | None:
    """Return what the code in a source is, such as `PyTorch code`; None for a spec or a model file."""
    from cnncalc.readers import PastedCode

    if not isinstance(source, PastedCode):
        return None
    from cnncalc.readers.code import title

    return title(source.source)


def as_code(source: Source) -> TextOrModel:
    """Return a text as code, whatever it looks like."""
    from cnncalc.readers import PastedCode

    return PastedCode(source)


def text_of(source: TextOrModel) -> Source:
    """Return the source if it is a text; raises `SpecError` E309 for a model."""
    if isinstance(source, Source):
        return source
    fail("E309", f"`{source.name}` is a model, not a spec", help="name a .cnn or .yaml file, or write the spec itself")


def read_nodes(source: Source, problems: Problems) -> Spec:
    """Return the nodes of a text, which is YAML if its name has that suffix. Errors are added to `problems`."""
    if source.name.lower().endswith(YAML):
        from cnncalc.language.yaml import parse_yaml

        spec = parse_yaml(source, problems)
    else:
        spec = parse(source, problems)
    return spec if source.title is None else spec._replace(name=source.title)


#: A shape as Python and people write it, with or without brackets: `(224, 224, 3)`, `224*224*3`.
SIZES = re.compile(r"[(\[]?\s*(\d+(?:\s*[,*xX×]\s*\d+)*)\s*,?\s*[)\]]?")


def parse_shape(text: str, name: str = "<input>", layout: str = "hwc") -> tuple[Any, ...]:
    """Return a shape such as `32x32x3`, `(32, 32, 3)` or `HxWx3` as a tuple, channels last.

    In the layout `chw` the text has the channels first. Raises `SpecError` if the text is not a shape.
    """
    from cnncalc.language.arguments import read_layer
    from cnncalc.language.nodes import LayerNode

    sizes = SIZES.fullmatch(text.strip())
    plain = "x".join(re.findall(r"\d+", sizes[1])) if sizes else text
    if sizes is None and " " in text.strip():
        from cnncalc.language.marks import input_of  # few shapes are written so

        meant = input_of(f"input {text}")
        if meant is not None:
            plain, layout = meant.removeprefix("input "), "hwc"
    prefix = "input "
    source = Source(name, text, base=None)
    # Written otherwise, its characters are not those of the text one for one.
    shown = Source(name, prefix + plain, source, -len(prefix)) if plain == text else Source(name, prefix + plain)
    span = Span(shown, len(prefix), len(shown.text))
    word = Chunk(("input",), Span(shown, 0, len(prefix) - 1))
    if not text.strip() or " " in plain:
        help = "write the sizes, then the channels: `32x32x3`"
        fail("E105", "an input's shape is missing", Span(source, 0, len(text)), "no shape", help)
    layer = read_layer(LayerNode(word, (Chunk((plain,), span),), span), {})
    shape: tuple[Any, ...] = vars(layer)["shape"]
    return ChannelsFirst((*shape[1:], shape[0])) if layout == "chw" else shape


def require_numbers(shape: tuple[Any, ...], at: Mapping[str, int] | None = None) -> None:
    """Raise `SpecError` E132 if sizes of an input's shape are letters without a number."""
    first = Input("input", shape=shape).substitute(at or {})
    if first.open:
        raise SpecError([open_sizes_error(first, None)])


def _is_binary(data: bytes) -> bool:
    """Return whether data is no text, to judge by its beginning."""
    head = data[:4096]
    return b"\0" in head or len(head.decode("utf-8", errors="ignore")) < 0.9 * len(head)


def _standard_input() -> bytes:
    if sys.stdin is None:
        _unreadable("<stdin>", "standard input is closed", "give a file, or the spec itself")
    try:
        return sys.stdin.buffer.read(4 * MAX_TEXT + 1)
    except OSError as error:
        _unreadable("<stdin>", (error.strerror or str(error)).lower(), None)


def _decode(name: str, data: bytes) -> str:
    if len(data) > 4 * MAX_TEXT:
        exceed(f"`{name}` is too large", label=f"a spec has at most {MAX_TEXT:,} characters")
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    return text.replace("\r\n", "\n")


def _files(folder: str) -> list[str]:
    try:
        return os.listdir(folder)[:10_000]
    except OSError:
        return []


def _does_not_apply(option: str, reason: str, help: str) -> NoReturn:
    fail("E309", f"`{option}` does not apply here", label=reason, help=help)


def _unreadable(name: str, reason: str, help: str | None) -> NoReturn:
    fail("E010", f"cannot read `{name}`", label=reason, help=help)
