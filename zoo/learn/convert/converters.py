"""The formats by the names that `zoo export --format` knows them by."""

from __future__ import annotations

from collections.abc import Callable

from zoo.bundle.bundle import Bundle
from zoo.engine.kit import library_probe
from zoo.errors import BackendNotInstalledError, ConfigError
from zoo.learn.convert.compare import Checked
from zoo.learn.convert.onnx import add_onnx
from zoo.learn.convert.openvino import add_openvino
from zoo.message import Message
from zoo.settings.check import suggestion

#: Writes a program of paddle in another format into its export folder, and returns how far the two agree.
Converter = Callable[[Bundle], Checked]

#: What writes each format.
FORMS: dict[str, Converter] = {"onnx": add_onnx, "openvino": add_openvino}
#: Libraries without which a format cannot be written.
_NEEDED = {"openvino": "openvino"}


def converter(form: str) -> Converter:
    """Returns what writes a format of `FORMS`.

    Raises:
        ConfigError: There is no such format.
        BackendNotInstalledError: The library that it needs is not installed.
    """
    if form not in FORMS:
        raise ConfigError("{form!r} is no format that a program is converted to.", suggestion(form, FORMS), form=form)
    library = _NEEDED.get(form)
    probe = None if library is None else library_probe((library,), None)
    if probe is not None and not probe.count:
        raise BackendNotInstalledError(
            "{reason}; exporting to its format needs it.",
            Message("Run: {install}", install=probe.install),
            reason=probe.reason,
        )
    return FORMS[form]
