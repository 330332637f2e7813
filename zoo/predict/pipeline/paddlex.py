"""Pipeline files of PaddleX: the form of 3.0 beta (`Global`, `Pipeline`) and the one since (`SubModules`).

Facts from PaddleX's own files and documentation. What zoo has no use for is listed, never dropped in silence; the
documentation writes `target_size: None`, which YAML takes for text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace

from zoo.message import Message
from zoo.predict.pipeline.hpi import HPI_KEYS, read_hpi
from zoo.settings.check import conform, mismatch, missing_key
from zoo.settings.document import Node

#: Options read from a file with the node of each, and notes on what is not used.
Found = tuple[dict[str, Node], list[str]]

_NAME = "semantic_segmentation"


def read_older(root: Node, without_hpi: bool) -> Found:
    """Reads the form with the sections `Global` and `Pipeline`.

    Args:
        root: The file.
        without_hpi: Whether what it says of high-performance inference is not wanted.

    Raises:
        ConfigError: The pipeline is another one, or a section or the model is missing.
    """
    notes = _unused(root, ("Global", "Pipeline"))
    if "Global" in root:
        header = _section(root, "Global")
        _check_name(header, "pipeline_name")
        notes += _unused(header, ("pipeline_name",))
    section = _section(root, "Pipeline")
    used = ("model", "device", "batch_size")
    if not _given(section, "model"):
        raise missing_key(section, "model", known=used)
    hpi, unused = read_hpi(section, off=without_hpi)
    return {**_given(section, *used), **hpi}, [*notes, *_unused(section, (*used, *HPI_KEYS)), *map(_noted, unused)]


def read_newer(root: Node, without_hpi: bool) -> Found:
    """Reads the form with `pipeline_name` and `SubModules`.

    Args:
        root: The file.
        without_hpi: Whether what it says of high-performance inference is not wanted.

    Raises:
        ConfigError: The pipeline is another one, a section or the model is missing, or what it says of
            high-performance inference is not understood.
    """
    _check_name(root, "pipeline_name")
    modules = _section(root, "SubModules")
    module = _section(modules, "SemanticSegmentation")
    _check_name(module, "module_name")
    hpi, unused = read_hpi(root, module, off=without_hpi)
    found = _given(module, "device", "batch_size", "target_size")
    if found.get("target_size", module).value == "None":
        del found["target_size"]
    own = "model_dir" if _given(module, "model_dir") else "model_name"
    used = ("module_name", own, "model_dir", "device", "batch_size", "target_size", *HPI_KEYS)
    if not _given(module, own):
        raise missing_key(module, "model_name", "model_dir", known=used)
    found = {"model": module[own], **found, **hpi}
    if own == "model_dir" and isinstance(found["model"].value, str):
        # A folder also where its name could be that of a model.
        found["model"] = replace(found["model"], value=os.path.join(os.curdir, found["model"].value))
    notes = [
        *_unused(root, ("pipeline_name", "SubModules", *HPI_KEYS)),
        *_unused(modules, ("SemanticSegmentation",)),
        *_unused(module, used),
        *map(_noted, unused),
    ]
    return found, notes


#: The forms by the section that each is known by.
FORMS: dict[str, Callable[[Node, bool], Found]] = {"Pipeline": read_older, "SubModules": read_newer}


def _section(parent: Node, name: str) -> Node:
    if name not in parent:
        raise missing_key(parent, name)
    section = parent[name]
    if not isinstance(section.value, dict):
        raise mismatch(section, Message("a mapping"))
    return section


def _given(section: Node, *names: str) -> dict[str, Node]:
    """Returns the keys that are there and have a value."""
    return {name: section[name] for name in names if name in section and section[name].value is not None}


def _check_name(section: Node, key: str) -> None:
    if key in section:
        conform(section[key], {"const": _NAME})


def _unused(section: Node, used: Iterable[str]) -> list[str]:
    return [_noted(item) for name, item in section.members() if name not in used]


def _noted(item: Node) -> str:
    return Message("`{item}` (line {line})", item=item.path, line=item.line)
