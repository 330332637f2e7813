"""Objects named by "pkg.mod:attribute" strings, imported at the moment of use."""

from __future__ import annotations

import importlib
from typing import Any

from zoo.errors import PluginContractError


def resolve(ref: str) -> Any:
    """Imports a module and returns one of its attributes.

    Args:
        ref: "package.module:attribute".

    Raises:
        PluginContractError: The string has another form, or the module has no such attribute.
        ImportError: The module or something it needs is not installed.
    """
    module_name, colon, attribute = ref.partition(":")
    if not (module_name and colon and attribute):
        raise PluginContractError(
            'The reference {ref!r} has no colon. Expected "package.module:attribute".',
            "Correct it in the plugin that declares it.",
            ref=ref,
        )
    module = importlib.import_module(module_name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise PluginContractError(
            "{module_name} has no attribute {attribute!r}, but {ref!r} is declared.",
            "Correct the reference in the plugin that declares it.",
            module_name=module_name,
            attribute=attribute,
            ref=ref,
        ) from None
