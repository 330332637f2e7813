"""From a name or a file to a PipelineConfig, whatever form the file has."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from zoo.base.files import user_path
from zoo.bundle.settings_file import settings_file
from zoo.errors import ConfigError
from zoo.message import Message
from zoo.predict.options import OPTIONS
from zoo.predict.pipeline.config import PipelineConfig
from zoo.predict.pipeline.paddlex import FORMS
from zoo.predict.pipeline.schema import MODEL, PIPELINE, VERSION, schema
from zoo.predict.values import value_of
from zoo.settings.check import check_version, conform
from zoo.settings.document import Node
from zoo.settings.yaml_text import read_yaml

_SUFFIXES = (".yaml", ".yml")
_BUILTIN = {"semantic_segmentation": Path(__file__).with_name("semantic_segmentation.yaml")}


def read_pipeline(pipeline: str | os.PathLike[str], hpi: bool | None = None) -> PipelineConfig:
    """Reads the options of a pipeline; no model is looked for.

    Args:
        pipeline: A name ("semantic_segmentation"), or the path of a YAML file in zoo's own form or one of PaddleX's
            two.
        hpi: False leaves out what a file of PaddleX says of high-performance inference.

    Raises:
        ConfigError: There is none of this name, or the file is not understood; the message names file and line.
    """
    file = _find(pipeline)
    root = read_yaml(file, PIPELINE)
    form = _form(root)
    return _own(root, file) if form == "zoo" else _foreign(root, file, form, without_hpi=hpi is False)


def builtin_file(name: str) -> Path:
    """Returns the file of a built-in pipeline.

    Raises:
        ConfigError: There is none of this name.
    """
    if name in _BUILTIN:
        return _BUILTIN[name]
    close = get_close_matches(name, _BUILTIN, n=1)
    raise ConfigError(
        "There is no pipeline called {name!r}. Expected was one of: {choices:, }.",
        Message("Did you mean {suggestion}?", suggestion=close[0])
        if close
        else Message("Give one of them, or the path of a pipeline file (.yaml)."),
        name=name,
        choices=list(_BUILTIN),
    )


def _find(pipeline: str | os.PathLike[str]) -> Path:
    text = user_path(pipeline)
    if isinstance(pipeline, str) and pipeline in _BUILTIN:
        return _BUILTIN[pipeline]
    named = isinstance(pipeline, str) and os.sep not in text and not text.endswith(_SUFFIXES)
    return builtin_file(text) if named and not os.path.lexists(text) else Path(text)


def _form(root: Node) -> str:
    forms = [key for key in ("zoo", *FORMS) if key in root]
    if len(forms) == 1:
        return forms[0]
    if forms:
        raise ConfigError(
            "{place} has both `{form}` (line {line}) and `{other}` (line {other_line}), which belong to different "
            "forms. One form was expected.",
            "Leave `{other}` out.",
            place=root.place,
            form=forms[0],
            line=root[forms[0]].line,
            other=forms[1],
            other_line=root[forms[1]].line,
        )
    keys = {key.lower(): key for key in FORMS}
    meant = [keys[near] for key in root.value for near in get_close_matches(key.lower(), keys, n=1, cutoff=0.8)]
    if not meant and "pipeline_name" in root:
        meant = ["SubModules"]
    raise ConfigError(
        "{place} has neither `zoo` nor `Pipeline` nor `SubModules`. A pipeline file of zoo or of PaddleX was expected.",
        Message("Did you mean `{suggestion}`?", suggestion=meant[0])
        if meant
        else Message("In a file of zoo's own form, add the line: zoo: {version}", version=VERSION),
        place=root.place,
    )


def _own(root: Node, file: Path) -> PipelineConfig:
    check_version(root, "zoo", VERSION)
    model: str = conform(root, schema())["model"]
    settled = {name: value_of(name, node) for name, node in _options(root).items()}
    settled["model"] = _located(model, file.parent) or model
    if isinstance(settled.get("labels"), str) and _is_path(settled["labels"], _SUFFIXES):
        settled["labels"] = str(_absolute(file.parent, settled["labels"]))
    for name in ("save_path", "save_font"):
        if settled.get(name) is not None:
            settled[name] = _absolute(file.parent, settled[name])
    return PipelineConfig(**settled, file=file)


def _options(root: Node) -> dict[str, Node]:
    """Returns the options that a file gives, by their names."""
    sections = {"": root, **{key: node for key, node in root.members() if isinstance(node.value, dict)}}
    found: dict[str, Node] = {}
    for option in OPTIONS:
        section, _, key = (option.key or option.name).rpartition(".")
        if section in sections and key in sections[section]:
            found[option.name] = sections[section][key]
    return found


def _foreign(root: Node, file: Path, form: str, without_hpi: bool) -> PipelineConfig:
    found, unused = FORMS[form](root, without_hpi)
    model: str = conform(found.pop("model"), MODEL)
    values = {name: value_of(name, node) for name, node in found.items()}
    notes = [Message("Not used: {unused:, }.", unused=unused)] if unused else []
    place = _located(model, file.parent)
    # PaddleX takes paths from the current folder.
    if isinstance(place, Path) and not os.path.exists(place) and os.path.exists(model):
        place = Path(os.path.abspath(model))
        notes.append(
            Message("The model {model} is not beside the file; that of the current folder is taken.", model=model)
        )
    values["model"] = place or model
    return PipelineConfig(**values, file=file, notes=tuple(notes))


def _located(model: str, folder: Path) -> str | Path | None:
    """Returns where a model lies that is a folder or in a pack; None for a name."""
    from zoo.predict.remote.server_address import is_server

    if is_server(model):
        return None
    packed, mark, name = model.rpartition("#")
    if mark:
        from zoo.store.pack import SUFFIX

        if packed.endswith(SUFFIX):
            return f"{_absolute(folder, packed)}#{name}"
    place = _absolute(folder, model)
    return place if _is_path(model) or _is_export_folder(place) else None


def _is_export_folder(place: Path) -> bool:
    try:
        return settings_file(place) is not None
    except OSError:  # a name too long for a file
        return False


def _is_path(text: str, suffixes: tuple[str, ...] = ()) -> bool:
    return "/" in text or "\\" in text or text in (".", "..") or text.endswith(suffixes)


def _absolute(folder: Path, path: str | Path) -> Path:
    return Path(os.path.abspath(folder / user_path(path)))
