"""The beginning of a plugin: a distribution that works, with a test that passes."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template

import zoo
from zoo import plugin
from zoo.base.files import replacing_folder, user_path
from zoo.errors import ConfigError, OutputError
from zoo.message import Message
from zoo.registry.catalogue import read_catalogue
from zoo.registry.discovery import discover

#: Kinds of plugins, and what their distributions are called before the name.
KINDS = {"family": "zoo-plugin", "device": "zoo-device", "backend": "zoo-backend"}
_TEMPLATES = Path(__file__).with_name("templates")
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_LONGEST = 40
# Words of at most so many letters are written in capitals in titles, such as FCN.
_SHORT = 3


@dataclass(frozen=True, slots=True)
class Scaffold:
    """A plugin that was begun.

    Attributes:
        folder: Its distribution.
        files: The files in it, relative to the folder.
    """

    folder: Path
    files: tuple[Path, ...]


def write_plugin(kind: str, name: str, parent: str | Path = ".") -> Scaffold:
    """Writes a distribution with an entry point, its code and its test, to be changed by its author.

    Args:
        kind: One of `KINDS`.
        name: Of the family, device or engine: small letters, digits and single dashes, a letter first.
        parent: Where the folder of the distribution is made.

    Raises:
        ConfigError: The name cannot be used, or is that of a plugin of zoo or of one that is installed.
        OutputError: The folder is there already, or cannot be written.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise ConfigError(
            "{name!r:.80} cannot be a name. Small letters, digits and single dashes were expected, a letter first.",
            Message("Choose one such as my-{kind}.", kind=kind),
            name=name,
        )
    distribution = f"{KINDS[kind]}-{name}"
    words = _words(name, distribution)
    # A class cannot be called None, nor as one that its module uses.
    classes = {words["camel"], words["network"]}
    if name in _taken(kind) or any(map(keyword.iskeyword, classes)) or classes & set(plugin.__all__):
        raise ConfigError("The name {name} is taken already.", "Choose another one.", name=name)
    folder = Path(user_path(parent)) / distribution
    if folder.exists():
        raise OutputError(
            "{folder} exists. A folder that is to be made was expected.",
            "Choose another name, or another place: -o FOLDER",
            folder=folder,
        )
    files: list[Path] = []
    with replacing_folder(folder) as scratch:
        for template in sorted((_TEMPLATES / kind).rglob("*.template")):
            place = str(template.relative_to(_TEMPLATES / kind).with_suffix(""))
            file = Path(place.replace("PACKAGE", words["package"]).replace("NAME", words["snake"]))
            (scratch / file).parent.mkdir(parents=True, exist_ok=True)
            content = Template(template.read_text(encoding="utf-8")).substitute(words)
            (scratch / file).write_text(content, encoding="utf-8")
            files.append(file)
    return Scaffold(folder, tuple(sorted(files)))


def _taken(kind: str) -> set[str]:
    """Returns the names of the kind that zoo's own plugins and installed ones have."""
    known, found = read_catalogue(), discover("zoo.models", "zoo.devices", "zoo.backends")
    if kind == "family":
        return {model.family for model in known.models} | {
            family.name for each in found.plugins for family in each.families
        }
    if kind == "device":
        return {"auto", *(device.kind for device in known.devices), *found.devices}
    return {"auto", *(engine.name for engine in known.engines), *found.backends}


def _words(name: str, distribution: str) -> dict[str, str]:
    parts = name.split("-")
    titled = [part.upper() if len(part) <= _SHORT else part.capitalize() for part in parts]
    major, minor = zoo.__version__.split(".")[:2]
    return {
        "name": name,
        "distribution": distribution,
        "package": distribution.replace("-", "_"),
        "snake": name.replace("-", "_"),
        "camel": "".join(part.capitalize() for part in parts),
        "network": "".join(titled),
        "title": " ".join(titled),
        "model": "-".join([*titled, "Tiny"]),
        "upper": name.replace("-", "_").upper(),
        # A minor version may break things before 1.0.
        "core": f">={major}.{minor},<{major}.{int(minor) + 1}",
    }
