"""What the built files hold is what was committed, whole, and tells nothing of the machine they were built on."""

from __future__ import annotations

import base64
import csv
import getpass
import hashlib
import io
import re
import socket
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from release.archives import Archive
from release.distributions import Distribution

#: Bytes of the largest file that is published.
LARGEST = 20_000_000
#: What is never in a wheel: tests, caches, what training took, the files of tools.
_UNWANTED = re.compile(r"(^|/)(tests?|train|docs|__pycache__|\.[^/]+)/|\.py[co]$|(^|/)\.[^/]+$|~$|\.orig$")
#: Folders of people and of continuous integration. Names in capital letters stand for something else.
_ABSOLUTE = re.compile(rb"(?<![\w./~-])/(?:home|Users|root|work|workspace|builds|github)/[a-z0-9_.-]+")
#: Package indexes, by what their addresses have in common. Ours may be any of them.
_INDEX = re.compile(rb"(?:https?://|\b)(?:[\w-]+\.)*(?:pypi|pythonhosted|anaconda|npmjs)\.[a-z]{2,}")
# A host name so short would be found in words.
_SHORT = 4


def secrets_of_this_machine(tree: Path) -> tuple[str, ...]:
    """Returns what would give this machine away: its name, its user, the folders of both and of the tree."""
    host, user = socket.gethostname(), getpass.getuser()
    folders = [str(tree.resolve()), str(Path.home()), f"{tempfile.gettempdir()}/"]
    # The name of a user or a machine may be a word that stands for itself; in a path it is what it is.
    words = [host] if len(host) >= _SHORT else []
    return (*(each for each in folders if len(each) >= _SHORT), *words, f"{user}@", f"@{host}")


def telling(archive: Archive, words: Sequence[str]) -> list[str]:
    """Returns where a file tells of a machine or names a package index."""
    faults: list[str] = []
    for name, content in archive.files.items():
        found = {word for word in words if word.encode() in content}
        if _is_text(content):
            found |= {match.group().decode() for kind in (_ABSOLUTE, _INDEX) for match in kind.finditer(content)}
        faults += [f"{archive.name}: {name} holds {word!r}" for word in sorted(found)]
    return faults


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def faults_of_contents(
    distribution: Distribution, wheel: Archive, sdist: Archive, committed: Iterable[str]
) -> list[str]:
    """Returns what is too much in the files, what is missing and what is not what it claims to be.

    Args:
        distribution: What the files are of.
        wheel: Its wheel.
        sdist: Its source distribution.
        committed: The names of all committed files, relative to the tree.
    """
    place = "" if distribution.folder == Path() else f"{distribution.folder.as_posix()}/"
    inside = f"{place}{distribution.package}/"
    expected = {name.removeprefix(place) for name in committed if name.startswith(inside)}
    there = {name for name in wheel.files if not name.startswith(f"{distribution.stem}.dist-info/")}
    expected_there = expected | set(distribution.files.values())
    faults = [f"{wheel.name}: {name} is missing" for name in sorted(expected_there - there)]
    faults += [f"{wheel.name}: {name} is no committed file" for name in sorted(there - expected_there)]
    # The templates of plugins that `zoo new-plugin` begins have tests.
    unwanted = [name for name in wheel.files if _UNWANTED.search(name) and not name.endswith(".template")]
    faults += [f"{wheel.name}: {name} does not belong into a wheel" for name in unwanted]
    wanted = {*expected, *distribution.files, "pyproject.toml", "README.md", "LICENSE", "PKG-INFO"}
    faults += [f"{sdist.name}: {name} is missing" for name in sorted(wanted - set(sdist.files))]
    known = {name.removeprefix(place) for name in committed if name.startswith(place)} | {"PKG-INFO", ".gitignore"}
    faults += [f"{sdist.name}: {name} is no committed file" for name in sorted(set(sdist.files) - known)]
    faults += [f"{each.name}: {name} is no plain file inside" for each in (wheel, sdist) for name in each.odd]
    return faults + faults_of_record(wheel)


def faults_of_record(wheel: Archive) -> list[str]:
    """Returns what RECORD says of other files or other bytes than there are."""
    [record] = [name for name in wheel.files if name.endswith(".dist-info/RECORD")]
    rows = {row[0]: row[1] for row in csv.reader(io.StringIO(wheel.files[record].decode())) if row}
    faults = [f"{wheel.name}: RECORD and files differ: {name}" for name in sorted(set(rows) ^ set(wheel.files))]
    for name in sorted(set(rows) & set(wheel.files) - {record}):
        digest = base64.urlsafe_b64encode(hashlib.sha256(wheel.files[name]).digest()).rstrip(b"=").decode()
        if rows[name] != f"sha256={digest}":
            faults.append(f"{wheel.name}: RECORD has another digest of {name}")
    return faults


def faults_of_times(sdist: Archive, seconds: int) -> list[str]:
    """Returns which times and owners a source distribution has beside those it was to get."""
    faults = [f"{sdist.name}: a member has the time {each}, not {seconds}" for each in sorted(sdist.times - {seconds})]
    return faults + [f"{sdist.name}: a member belongs to {each}" for each in sorted(sdist.owners - {(0, "")})]


def faults_of_size(files: Iterable[Path]) -> list[str]:
    """Returns which files are larger than what is published."""
    return [
        f"{path.name} has {path.stat().st_size} bytes, at most {LARGEST} are published"
        for path in files
        if path.stat().st_size > LARGEST
    ]
