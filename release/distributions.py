"""The distributions of this repository, as their `pyproject.toml` describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


@dataclass(frozen=True)
class Distribution:
    """What is published under one name.

    Attributes:
        name: Its name on an index.
        version: Its version.
        folder: Where its `pyproject.toml` is, relative to the tree.
        package: The package that is imported.
        requires_python: The versions of Python it is for.
        license: Its SPDX expression.
        requirements: What it needs in any case.
        extras: By the name of an extra, what that needs.
        entry_points: By group, the names and the modules they lead to.
        files: What a wheel has from outside the package, by its name in there.
    """

    name: str
    version: Version
    folder: Path
    package: str
    requires_python: str
    license: str
    requirements: tuple[Requirement, ...]
    extras: Mapping[str, tuple[Requirement, ...]]
    entry_points: Mapping[str, Mapping[str, str]]
    files: Mapping[str, str]

    @property
    def stem(self) -> str:
        """How the names of its files begin."""
        return f"{self.name.replace('-', '_')}-{self.version}"

    @property
    def wheel(self) -> str:
        """The name of its wheel."""
        return f"{self.stem}-py3-none-any.whl"

    @property
    def sdist(self) -> str:
        """The name of its source distribution."""
        return f"{self.stem}.tar.gz"


def read_distributions(tree: Path) -> tuple[Distribution, ...]:
    """Reads what is published, the core first.

    Raises:
        OSError, KeyError, ValueError: A `pyproject.toml` cannot be read, or lacks what each has.
    """
    folders = [tree, *sorted(path.parent for path in tree.glob("plugins/*/pyproject.toml"))]
    return tuple(_read(folder, tree) for folder in folders)


def _read(folder: Path, tree: Path) -> Distribution:
    document = tomli.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    project = document["project"]
    wheel = document["tool"]["hatch"]["build"]["targets"]["wheel"]
    [package] = wheel["packages"]
    return Distribution(
        name=project["name"],
        version=Version(project["version"]),
        folder=folder.relative_to(tree),
        package=package,
        requires_python=project["requires-python"],
        license=project["license"],
        requirements=_requirements(project.get("dependencies", [])),
        extras={name: _requirements(words) for name, words in project.get("optional-dependencies", {}).items()},
        entry_points=_entry_points(project),
        files=wheel.get("force-include", {}),
    )


def _requirements(words: Sequence[str]) -> tuple[Requirement, ...]:
    return tuple(Requirement(word) for word in words)


def _entry_points(project: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = dict(project.get("entry-points", {}))
    if "scripts" in project:
        found["console_scripts"] = project["scripts"]
    return found


def faults_among(distributions: Sequence[Distribution]) -> list[str]:
    """Returns which of our distributions would not accept each other.

    All carry one version, so that one number says what somebody has, and whatever one asks of another accepts it.
    """
    core, versions = distributions[0], {canonicalize_name(each.name): each.version for each in distributions}
    faults: list[str] = []
    for each in distributions:
        if each.version != core.version:
            faults.append(f"{each.name} is {each.version}, {core.name} is {core.version}")
        if each.requires_python != core.requires_python:
            faults.append(f"{each.name} is for Python {each.requires_python}, {core.name} for {core.requires_python}")
        asked = [*each.requirements, *(one for extra in each.extras.values() for one in extra)]
        faults += [
            f"{each.name} asks for {one}, which is {versions[canonicalize_name(one.name)]}"
            for one in asked
            if canonicalize_name(one.name) in versions
            and not one.specifier.contains(versions[canonicalize_name(one.name)], prereleases=True)
        ]
        if each is not core and not any(canonicalize_name(one.name) == core.name for one in each.requirements):
            faults.append(f"{each.name} does not ask for {core.name}")
    return faults
