"""The formats by the names that `zoo export --format` knows them by."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from zoo.bundle.bundle import Bundle
from zoo.engine.kit import library_probe
from zoo.errors import BackendNotInstalledError, ConfigError
from zoo.learn.convert.compare import Checked
from zoo.learn.convert.edge import add_mnn, add_ncnn, add_paddle_lite
from zoo.learn.convert.edge.paddle_lite import lite_program
from zoo.learn.convert.format_options import FormatOptions
from zoo.learn.convert.onnx import add_onnx
from zoo.learn.convert.openvino import add_openvino
from zoo.message import Message
from zoo.settings.check import suggestion

#: Writes a program of paddle in another format into its export folder, and returns how far the two agree.
Converter = Callable[[Bundle], Checked]

#: What writes each format of an engine.
FORMS: dict[str, Callable[..., Checked]] = {"onnx": add_onnx, "openvino": add_openvino}
#: What writes each format of a runtime of phones and boards.
EDGE_FORMS: dict[str, Callable[..., Checked]] = {
    "mnn": add_mnn,
    "ncnn": add_ncnn,
    "paddle-lite": add_paddle_lite,
}
#: Libraries without which a format cannot be written.
_NEEDED = {"openvino": ("openvino",), "mnn": ("MNN",), "ncnn": ("ncnn", "pnnx")}
# pnnx asks for torch, several gigabytes that what is used of it does not need.
_INSTALL = {"pnnx": "pip install --no-deps pnnx"}
_DEFAULT = FormatOptions()


def converter(form: str, conversion: FormatOptions = _DEFAULT) -> Converter:
    """Returns what writes a format of `FORMS` or `EDGE_FORMS`.

    Args:
        form: The format.
        conversion: How it is written.

    Raises:
        ConfigError: There is no such format.
        BackendNotInstalledError: What it needs is not installed.
    """
    forms = {**FORMS, **EDGE_FORMS}
    if form not in forms:
        raise ConfigError("{form!r} is no format that a program is converted to.", suggestion(form, forms), form=form)
    for library in _NEEDED.get(form, ()):
        probe = library_probe((library,), None)
        if not probe.count:
            raise BackendNotInstalledError(
                "{reason}; exporting to its format needs it.",
                Message("Run: {install}", install=_INSTALL.get(library, probe.install)),
                reason=probe.reason,
            )
    if form == "paddle-lite":
        lite_program()
    return partial(forms[form], conversion=conversion)
