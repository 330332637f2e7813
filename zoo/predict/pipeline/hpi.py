"""PaddleX's high-performance inference in options of zoo: the fastest engine that was proven here.

Facts from PaddleX's own files and documentation: `use_hpip` and `hpi_config` may stand at the top and in the section of
the model, which beats the top, in `hpi_config` key by key. The tutorial calls the first one `enable_hpi`.
"""

from __future__ import annotations

from dataclasses import replace

from zoo.message import Message
from zoo.predict.values import GIVEN
from zoo.settings.check import conform, mismatch
from zoo.settings.document import Node, node_of
from zoo.settings.rules import BOOLEAN, TEXT, optional

_ASKING = ("enable_hpi", "use_hpip")
_SETTINGS = "hpi_config"
#: The keys of files that belong to it.
HPI_KEYS = (*_ASKING, _SETTINGS)
_MAPPING = optional({"type": "object"})
#: What others call a precision.
_PRECISIONS = {
    "fp32": "float32",
    "float32": "float32",
    "bf16": "bf16",
    "bfloat16": "bf16",
    "int8": "int8",
}
_THREADS = ("cpu_num_threads", "cpu_threads")


def asked_for(enable_hpi: object, use_hpip: object) -> bool | None:
    """Returns whether a caller asks for it, by either name; None where nothing is said.

    Raises:
        ConfigError: One is neither true nor false, or the two contradict each other.
    """
    asked = _asked(node_of(dict(zip(_ASKING, (enable_hpi, use_hpip), strict=True)), GIVEN))
    return None if asked is None else asked.value


def read_hpi(*holders: Node, off: bool) -> tuple[dict[str, Node], list[Node]]:
    """Reads what a file says of high-performance inference.

    Args:
        holders: The sections that may say it, the outermost first.
        off: Whether the caller does not want it, whatever the file says.

    Returns:
        The options it means, and what of it is not used.

    Raises:
        ConfigError: A value is none that is possible, or two contradict each other.
    """
    asked = next((each for holder in reversed(holders) if (each := _asked(holder)) is not None), None)
    given: dict[str, Node] = {}
    for holder in holders:
        if _SETTINGS in holder and conform(holder[_SETTINGS], _MAPPING) is not None:
            given.update(holder[_SETTINGS].members())
    if off or asked is None or not asked.value:
        return {}, [holder[_SETTINGS] for holder in holders if _SETTINGS in holder]
    found, unused = _settings(given)
    automatic = given.get("auto_config")
    if automatic is not None and not conform(automatic, BOOLEAN) and "backend" not in found:
        raise mismatch(automatic, Message("true, or the engine in `backend`"))
    return found if "backend" in found else {"enable_hpi": asked, **found}, unused


def _asked(holder: Node) -> Node | None:
    """Returns what says whether it is asked for."""
    said = [holder[name] for name in _ASKING if name in holder and conform(holder[name], optional(BOOLEAN)) is not None]
    if len(said) == 2 and said[0].value != said[1].value:
        raise mismatch(said[1], Message("the same as `{other}`", other=said[0].path))
    return said[0] if said else None


def _settings(given: dict[str, Node]) -> tuple[dict[str, Node], list[Node]]:
    """Returns the options that `hpi_config` means, and what of it is not used."""
    found: dict[str, Node] = {}
    unused: list[Node] = []
    engine = given.get("backend")
    if engine is not None and conform(engine, optional(TEXT)) is not None:
        found["backend"] = engine
    section = given.get("backend_config")
    own = {} if section is None or conform(section, _MAPPING) is None else dict(section.members())
    for name, node in own.items():
        if name in _THREADS:
            found["threads"] = node
        elif name == "precision":
            found[name] = replace(node, value=_PRECISIONS[conform(node, {"enum": list(_PRECISIONS)})])
        else:
            unused.append(node)
    known = ("auto_config", "backend", "backend_config")
    return found, [*(node for name, node in given.items() if name not in known), *unused]
