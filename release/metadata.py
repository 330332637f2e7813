"""What the built files say of themselves is what an index needs to hear, and what the repository says."""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping, Sequence
from typing import cast

from packaging.metadata import RawMetadata
from packaging.requirements import Requirement
from readme_renderer import markdown
from trove_classifiers import classifiers as known_classifiers

from release.archives import Archive, read_metadata
from release.distributions import Distribution

#: The versions of Python that zoo is for.
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
_WANTED = ("Development Status :: ", "Intended Audience :: ", "Operating System :: ", "Topic :: ")
_TARGET = re.compile(r"<(?:a\s[^>]*?href|img\s[^>]*?src)=\"([^\"]*)\"")
# An anchor in the page itself, or an address.
_LEADS = re.compile(r"#|https?://|mailto:")


def faults_of_metadata(distribution: Distribution, wheel: Archive, sdist: Archive, license_text: bytes) -> list[str]:
    """Returns what is missing or wrong in METADATA, PKG-INFO and entry_points.txt.

    Args:
        distribution: What the repository says.
        wheel: Its wheel.
        sdist: Its source distribution.
        license_text: The file LICENSE of the repository, which each distribution carries.
    """
    info = f"{distribution.stem}.dist-info"
    if f"{info}/METADATA" not in wheel.files or "PKG-INFO" not in sdist.files:
        return [f"{wheel.name}: there is no metadata"]
    fields, unknown = read_metadata(wheel.files[f"{info}/METADATA"])
    faults = [f"no standard knows the field {name}" for name in unknown]
    if wheel.files[f"{info}/METADATA"] != sdist.files["PKG-INFO"]:
        faults.append("the source distribution says something else")
    faults += _faults_of_fields(distribution, fields)
    faults += faults_of_classifiers(fields.get("classifiers", []), fields.get("requires_python", ""))
    faults += faults_of_description(fields.get("description", ""), fields.get("description_content_type", ""))
    licenses = fields.get("license_files", [])
    faults += [f"{name} is not in it" for name in licenses if f"{info}/licenses/{name}" not in wheel.files]
    if wheel.files.get(f"{info}/licenses/LICENSE") != license_text:
        faults.append("LICENSE is not the one of the repository")
    faults += _faults_of_entry_points(distribution, wheel, wheel.files.get(f"{info}/entry_points.txt", b""))
    return [f"{wheel.name}: {fault}" for fault in faults]


def _faults_of_fields(distribution: Distribution, fields: RawMetadata) -> list[str]:
    said = cast(Mapping[str, object], fields)
    expected = {
        "name": distribution.name,
        "version": str(distribution.version),
        "license_expression": distribution.license,
    }
    faults = [
        f"{name} is {said.get(name)!r}, not {value!r}" for name, value in expected.items() if said.get(name) != value
    ]
    wanted = ("summary", "author", "keywords", "requires_python", "license_files", "description")
    faults += [f"it has no {name.replace('_', '-')}" for name in wanted if not said.get(name)]
    there = {str(Requirement(each)) for each in fields.get("requires_dist", []) if "extra ==" not in each}
    asked = {str(each) for each in distribution.requirements}
    faults += [f"Requires-Dist differs: {each}" for each in sorted(there ^ asked)]
    extras = fields.get("provides_extra", [])
    return faults + [f"the extra {each} differs" for each in sorted(set(extras) ^ set(distribution.extras))]


def faults_of_classifiers(classifiers: Sequence[str], requires_python: str) -> list[str]:
    """Returns which classifiers are missing, unknown, or say something else than Requires-Python."""
    faults = [f"no index knows the classifier {each!r}" for each in classifiers if each not in known_classifiers]
    faults += [
        f"it has no classifier {each!r}" for each in _WANTED if not any(one.startswith(each) for one in classifiers)
    ]
    versions = [f"Programming Language :: Python :: {each}" for each in PYTHONS]
    faults += [f"it has no classifier {each!r}" for each in versions if each not in classifiers]
    if requires_python.replace(" ", "") not in (">=3.10,<3.14", "<3.14,>=3.10"):
        faults.append(f"Requires-Python is {requires_python!r}, the classifiers say {PYTHONS[0]} to {PYTHONS[-1]}")
    return faults


def faults_of_description(text: str, kind: str) -> list[str]:
    """Returns why a description would not be shown, and which of its links and pictures lead nowhere on an index."""
    if not kind.startswith("text/markdown"):
        return [f"the description is {kind!r}, not text/markdown"]
    page: str | None = markdown.render(text)
    if not page or "<h1" not in page:
        return ["the description is not shown: it cannot be rendered, or has no heading"]
    return [
        f"its description leads to {each!r}, which no index has"
        for each in _TARGET.findall(page)
        if not _LEADS.match(each)
    ]


class _EntryPoints(configparser.ConfigParser):
    """Reads entry_points.txt, where names keep their case."""

    def optionxform(self, optionstr: str) -> str:
        """Returns the name as it stands."""
        return optionstr


def _faults_of_entry_points(distribution: Distribution, wheel: Archive, content: bytes) -> list[str]:
    parser = _EntryPoints(delimiters="=", interpolation=None)
    parser.read_string(content.decode())
    there = {group: dict(parser[group]) for group in parser.sections()}
    expected = {group: dict(points) for group, points in distribution.entry_points.items()}
    if there != expected:
        return [f"entry points are {there}, not {expected}"]
    modules = [target.partition(":")[0] for points in there.values() for target in points.values()]
    return [
        f"there is no module {module}"
        for module in modules
        if not {f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py"} & set(wheel.files)
    ]
