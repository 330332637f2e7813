"""The hooks a plugin can implement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from zoo.contract.device import Device
    from zoo.contract.engine import Backend
    from zoo.contract.format import Format
    from zoo.plugin import Family

#: Name of the pluggy project.
PROJECT = "zoo"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def zoo_families() -> Sequence[Family]:  # pyright: ignore[reportReturnType]
    """Returns the model families of this plugin (entry-point group `zoo.models`)."""


@hookspec
def zoo_devices() -> Sequence[Device]:  # pyright: ignore[reportReturnType]
    """Returns the kinds of device of this plugin (entry-point group `zoo.devices`)."""


@hookspec
def zoo_backends() -> Sequence[Backend]:  # pyright: ignore[reportReturnType]
    """Returns the inference engines of this plugin (entry-point group `zoo.backends`)."""


@hookspec
def zoo_formats() -> Sequence[Format]:  # pyright: ignore[reportReturnType]
    """Returns the forms of results of this plugin (entry-point group `zoo.formats`)."""
