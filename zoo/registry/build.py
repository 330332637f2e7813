"""Makes registry.yaml and docs/models.md: the plugins of the source tree, as they are installed."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.base.files import ensure_folder, write_atomic
from zoo.errors import RegistryError
from zoo.registry import page
from zoo.registry.catalogue import FILE, Catalogue, CatalogueDevice, CatalogueEngine, render, source_tree, summarise
from zoo.registry.discovery import discover
from zoo.registry.found import Discovery
from zoo.registry.names import canonical_distribution

# The name is a plain string in the [project] table, before anything with a bracket. Python 3.10 has no TOML reader.
_PROJECT_NAME = re.compile(r'^\[project\]\s*$[^\[]*?^name\s*=\s*["\']([\w.\-]+)["\']', re.MULTILINE)


def write_catalogue(tree: Path | None = None) -> tuple[Path, ...]:
    """Writes registry.yaml and docs/models.md of a source tree.

    Args:
        tree: Top of the source tree; by default the one this package is run from.

    Returns:
        The files written.

    Raises:
        RegistryError: There is no source tree, or one of its plugins is not installed or is broken.
        OutputError: A file cannot be written.
    """
    contents = _contents(top(tree))
    for path in contents:
        ensure_folder(path.parent)
    return tuple(write_atomic(path, content) for path, content in contents.items())


def check_catalogue(tree: Path | None = None) -> tuple[Path, ...]:
    """Compares both files of a source tree with what `write_catalogue` would write, byte by byte.

    Returns:
        The files compared.

    Raises:
        RegistryError: One is missing or differs, or what it should be cannot be told.
    """
    contents = _contents(top(tree))
    for path, content in contents.items():
        if not path.is_file() or path.read_bytes() != content:
            raise RegistryError(
                "{path} is stale: it is not what the installed first-party plugins say.",
                "Run: zoo registry build",
                path=path,
            )
    return tuple(contents)


def first_party(tree: Path) -> tuple[str, ...]:
    """Returns the distributions in the plugins folder of a source tree, sorted.

    Raises:
        RegistryError: A pyproject.toml there has no name.
    """
    names: list[str] = []
    for path in sorted(tree.glob("plugins/*/pyproject.toml")):
        match = _PROJECT_NAME.search(path.read_text(encoding="utf-8"))
        if match is None:
            raise RegistryError(
                "{path} has no name in its [project] table.", "Write the name first in that table.", path=path
            )
        names.append(match[1])
    return tuple(sorted(names))


def catalogue_of(discovery: Discovery, distributions: tuple[str, ...]) -> Catalogue:
    """Returns the catalogue of these distributions.

    Raises:
        RegistryError: One of them is not installed, left out or broken, or brings a name twice.
    """
    wanted = {canonical_distribution(name) for name in distributions}
    plugins = [plugin for plugin in discovery.plugins if canonical_distribution(plugin.distribution) in wanted]
    loaded = {canonical_distribution(p.distribution) for p in plugins if not p.disabled}
    if missing := sorted(wanted - loaded):
        raise RegistryError(
            "Not installed, or left out: {missing:, }. The catalogue describes every plugin of the tree.",
            "Run: pip install {packages: }",
            missing=missing,
            packages=[f"-e plugins/{name}" for name in missing],
        )
    if problems := Discovery(tuple(plugins)).problems():  # clashes with plugins from elsewhere do not matter here
        raise RegistryError(problems[0].message, problems[0].hint) from problems[0]
    models = tuple(
        summarise(card, family, plugin.distribution)
        for plugin in plugins
        for family in plugin.families
        for card in family.cards
    )
    devices = tuple(
        CatalogueDevice(device.kind, getattr(device, "title", device.kind), plugin.distribution)
        for plugin in plugins
        for device in plugin.devices
    )
    engines = tuple(
        CatalogueEngine(backend.name, plugin.distribution, tuple(getattr(backend, "precisions", ("float32",))))
        for plugin in plugins
        for backend in plugin.backends
    )
    return Catalogue(models, devices, engines)


def _contents(tree: Path) -> dict[Path, bytes]:
    discovery, distributions = discover(), first_party(tree)
    catalogue = catalogue_of(discovery, distributions)
    own = {canonical_distribution(name) for name in distributions}
    models = [model for model in discovery.installed_models if canonical_distribution(model.distribution) in own]
    return {tree / FILE: render(catalogue), tree / page.FILE: page.render_page(models)}


def top(tree: Path | None = None) -> Path:
    """Returns the top of the source tree.

    Raises:
        RegistryError: This zoo-core was not installed from one.
    """
    found = tree or source_tree()
    if found is None:
        raise RegistryError(
            "The catalogue is built in a source tree of zoo-core; this zoo-core was installed from a wheel.",
            "Run: pip install -e . inside a clone, then zoo registry build",
        )
    return found
