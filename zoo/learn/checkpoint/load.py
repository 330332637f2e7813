"""Checkpoints of networks: `.pdparams` and safetensors files to numpy arrays."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from zoo.base.files import user_path
from zoo.base.host import HOST
from zoo.errors import CheckpointError
from zoo.learn.checkpoint.pickles import read_pickle
from zoo.learn.checkpoint.stand_ins import RandomState
from zoo.message import Message, printable

_log = logging.getLogger("zoo")

#: Key under which paddle keeps the names of parameters beside their values.
_NAMES = "StructuredToParameterName@@"


def load_checkpoint(path: str | os.PathLike[str], *, unsafe: bool = False) -> dict[str, NDArray[Any]]:
    """Reads the state dict of a network.

    Args:
        path: A `.pdparams` file of `paddle.save`, or a safetensors file; the kind is recognised by content.
        unsafe: Let paddle open a pickle, which runs whatever the file says. Only for files you would also run.

    Returns:
        Parameters and buffers by name.

    Raises:
        UnsafeWeightsError: The file asks for anything but numpy arrays in plain containers; nothing was run.
        CheckpointError: It is missing, damaged, or no state dict of a network.
    """
    path = Path(user_path(path))
    try:
        with open(path, "rb") as file:
            head = file.read(9)
    except OSError as error:
        raise CheckpointError(
            "The checkpoint {path} does not exist. A .pdparams or safetensors file was expected."
            if isinstance(error, FileNotFoundError)
            else "The checkpoint {path} cannot be opened: {reason}. A .pdparams or safetensors file was expected.",
            "Check the path.",
            path=path,
            reason=error.strerror,
        ) from error
    if head[8:9] == b"{":
        return _read_safetensors(path)
    if unsafe:
        _log.warning("%s is opened by paddle and may run code", printable(path))
        with HOST.undisturbed():
            import paddle
        return _state_dict(path, paddle.load(str(path), return_numpy=True))
    return _state_dict(path, read_pickle(path))


class StateDict(dict[str, NDArray[Any]]):
    """Parameters and buffers by name; only its name and size are shown."""

    def __repr__(self) -> str:
        size = sum(array.nbytes for array in self.values())
        return f"<StateDict of {len(self)} arrays, {size / 1e6:.1f} MB>"


def _read_safetensors(path: Path) -> StateDict:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return StateDict(load_file(path))
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(
            "The checkpoint {path} cannot be read: {reason}. A whole safetensors file of numpy dtypes was expected.",
            "Download it again, or save it again in float32.",
            path=path,
            reason=error,
        ) from error


def _state_dict(path: Path, content: object) -> StateDict:
    if not isinstance(content, Mapping):
        raise _no_state_dict(path, f"a {type(content).__name__}")
    state = StateDict()
    for name, value in cast("Mapping[object, Any]", content).items():
        if name == _NAMES:
            continue
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], np.ndarray):
            value = value[1]  # (parameter name, array), as older versions wrote it
        if isinstance(value, np.ndarray):
            state[str(name)] = value
        else:
            kind = (
                Message("a random state")
                if isinstance(value, RandomState)
                else Message("a {type}", type=type(value).__name__)
            )
            raise _no_state_dict(path, Message("{kind} under {name!r}", kind=kind, name=name))
    if not state:
        raise _no_state_dict(path, "nothing")
    return state


def _no_state_dict(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        "The checkpoint {path} holds {what}. The arrays of a network by name were expected.",
        "Give the .pdparams file of a network, not of an optimizer (.pdopt) or a static graph.",
        path=path,
        what=what,
    )
