"""YAML files from strangers, read within limits.

A plain safe load hangs on 761 bytes of nested aliases, raises RecursionError on deep nesting and keeps the last of two
equal keys in silence.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import yaml

from zoo.errors import BundleError
from zoo.message import Message

_MAX_BYTES = 1_000_000
_MAX_DEPTH = 50
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeys(_Loader):
    """A safe loader that refuses a key given twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (list, dict)):
                raise yaml.constructor.ConstructorError(
                    None, None, Message("a key is not a scalar"), key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, Message("the key {key!r} stands twice", key=key), key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_settings(path: Path) -> dict[str, Any]:
    """Reads a YAML mapping.

    Args:
        path: UTF-8 text of at most 1 MB, nested at most 50 deep, without aliases, tags or repeated keys.

    Raises:
        BundleError: It is anything else; the message names the line.
    """
    try:
        status = path.stat()
        # A pipe would keep the reader waiting, a device feed it for ever.
        if not stat.S_ISREG(status.st_mode):
            raise _fault(path, Message("is not a regular file"))
        if status.st_size > _MAX_BYTES:
            raise _fault(
                path,
                Message(
                    "has {st_size} bytes; at most {max_bytes} are read", st_size=status.st_size, max_bytes=_MAX_BYTES
                ),
            )
        text = path.read_text(encoding="utf-8-sig")
        _check_shape(path, text)
        content = yaml.load(text, Loader=_UniqueKeys)
    except OSError as error:
        raise _fault(path, Message("cannot be read: {reason}", reason=error.strerror or error)) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _fault(path, Message("is not UTF-8 text in line {line}", line=line)) from error
    except (yaml.YAMLError, ValueError) as error:
        raise _fault(path, Message("cannot be parsed: {reason}", reason=" ".join(str(error).split()))) from error
    if not isinstance(content, dict):
        raise _fault(path, Message("is empty"))
    return content


def _check_shape(path: Path, text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise _fault(path, Message("has an alias in line {line}; aliases are not accepted", line=line))
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _fault(path, Message("has the tag {tag!r} in line {line}; tags are not accepted", tag=tag, line=line))
        if depth == 0 and isinstance(event, yaml.SequenceStartEvent):
            raise _fault(path, Message("holds a list in line {line}, not a mapping", line=line))
        if depth == 0 and isinstance(event, yaml.ScalarEvent) and event.value:
            raise _fault(path, Message("holds a single value in line {line}, not a mapping", line=line))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise _fault(
                path,
                Message("is nested deeper than {max_depth} levels in line {line}", max_depth=_MAX_DEPTH, line=line),
            )


def _fault(path: Path, reason: str) -> BundleError:
    return BundleError(
        "The settings file {path} {reason}. A small YAML mapping was expected.",
        "Export the model again, or download it again.",
        path=path,
        reason=reason,
    )
