"""The example in C++ that goes with an edge program: a picture to a mask, with the numbers of this program in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.message import Message

#: What the examples of all runtimes share.
SHARED = Path(__file__).with_name("mask.h")
# Lines of C++ that bring `height` and `width` of a picture to those that the network sees.
_SIZES = {
    "ResizeLong": "factor = {size}.0 / std::max(height, width);",
    "ResizeShort": "factor = {size}.0 / std::min(height, width);",
}


def example_of(runtime: str, facts: Mapping[str, Any]) -> str | Message:
    """Returns the text of the example, or why there is none.

    Args:
        runtime: "mnn" or "ncnn".
        facts: Those of the program.
    """
    lines: list[str] = []
    multiple, grey = 1, 0.0
    for step in facts["preprocess"]:
        [(name, given)] = step.items()
        if name in _SIZES:
            lines.append(_SIZES[name].format(**given))
        elif name == "Resize" and not given["keep_ratio"] and given["antialias"]:
            height, width = (-(-side // given["multiple"]) * given["multiple"] for side in given["size"])
            lines.append(f"high = {height}, wide = {width};")
        elif name == "Pad":
            multiple, grey = given["multiple"], given["value"]
        elif name != "Normalize":
            return Message("There is no example in C++: it would have to do the step {step}.", step=name)
    if len(lines) > 1:
        return Message("There is no example in C++: pictures are resized more than once.")
    values = {
        "MODEL": facts["model"].replace("\\", " ").replace("\n", " "),
        "SIZE": lines[0] if lines else "// Pictures keep their size.",
        "MULTIPLE": str(multiple),
        "GREY": str(round(grey)),
        "INPUT": facts["input"]["name"],
        "OUTPUT": facts["output"]["name"],
        "THRESHOLD": f"{facts['output']['threshold']:.1f}f",
        "MEAN": _numbers(facts["input"]["mean"]),
        "STD": _numbers(facts["input"]["std"]),
    }
    text = Path(__file__).with_name(f"{runtime}.cpp").read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _numbers(values: Any) -> str:
    return ", ".join(f"{float(value)!r}f" for value in values)
