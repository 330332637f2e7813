"""Code that a plugin names, such as its network: imported and called, or an error that says which plugin lacks what."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from zoo.base.host import HOST
from zoo.contract.refs import resolve
from zoo.errors import BackendNotInstalledError, PluginLoadError, ZooError
from zoo.message import Message
from zoo.registry.found import InstalledModel

_PADDLE = "paddle"
# Beginning of the packages of zoo's own plugins, whose distributions are called alike.
_OWN = "zoo_plugin_"


def call_code(found: InstalledModel, reference: str, *arguments: Any) -> Any:
    """Imports a function of a plugin and returns what it returns.

    Args:
        found: The model that it is for.
        reference: "package.module:attribute", as the plugin names it.
        arguments: Those of the function.

    Raises:
        BackendNotInstalledError: paddlepaddle is not installed.
        PluginLoadError: Another module is missing, or the code has failed.
        ZooError: What the code raises on purpose, or the reference leads nowhere.
    """
    try:
        with HOST.undisturbed():
            function = resolve(reference)
        return function(*arguments)
    except ZooError:
        raise
    except ImportError as error:
        raise _missing(found, reference, error) from error
    except Exception as error:  # whatever it is, the plugin is to be named
        raise PluginLoadError(
            "{reference} of the plugin {distribution} has failed for {model}: {kind}: {reason}.",
            "Report it to the author of {distribution}; zoo --debug shows where it happened.",
            reference=reference,
            distribution=found.distribution,
            model=found.card.name,
            kind=type(error).__name__,
            reason=error,
        ) from error


def _missing(found: InstalledModel, reference: str, error: ImportError) -> ZooError:
    module = (error.name or "").partition(".")[0]
    if module == _PADDLE:
        return BackendNotInstalledError(
            "{model} needs paddlepaddle, to be built or trained: {reason}.",
            'Run: pip install "paddlepaddle>=3.2.2,<3.3" setuptools',
            model=found.card.name,
            reason=error,
        )
    brings = module.replace("_", "-") if module.startswith(_OWN) else ""
    if not module or find_spec(module) is not None:
        hint = Message("Run: pip install --force-reinstall {package}", package=brings or found.distribution)
    elif brings:
        hint = Message("Run: pip install {package}", package=brings)
    else:
        hint = Message("Install the package that has the module {module}.", module=module)
    return PluginLoadError(
        "{reference}, which the plugin {distribution} names for {model}, cannot be imported: {reason}.",
        hint,
        reference=reference,
        distribution=found.distribution,
        model=found.card.name,
        reason=error,
    )
