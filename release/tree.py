"""The source a release is made of: the last commit, whole, and nothing beside it."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from release.run import run

_HEADING = re.compile(r"^## (?P<version>\S+) - (?P<date>\S+)$", re.MULTILINE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def uncommitted(tree: Path) -> list[str]:
    """Returns what differs from the last commit, one line a file as git shows it."""
    return run("git", "status", "--porcelain", "--untracked-files=all", at=tree).splitlines()


def commit(tree: Path) -> tuple[str, int]:
    """Returns the last commit and its time, in seconds since 1970."""
    name, seconds = run("git", "log", "-1", "--format=%H %ct", at=tree).split()
    return name, int(seconds)


def tags(tree: Path) -> list[str]:
    """Returns the tags that stand at the last commit."""
    return run("git", "tag", "--points-at", "HEAD", at=tree).split()


def committed(tree: Path) -> list[str]:
    """Returns the names of all files of the last commit, relative to the tree."""
    return run("git", "ls-tree", "-r", "--name-only", "-z", "HEAD", at=tree).rstrip("\0").split("\0")


def copy_commit(tree: Path, folder: Path) -> None:
    """Writes the files of the last commit into a new folder: what was never committed cannot get into a build."""
    folder.mkdir(parents=True)
    archive = folder.with_suffix(".tar")
    run("git", "archive", "--format=tar", f"--output={archive}", "HEAD", at=tree)
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    archive.unlink()


def newest_entry(changelog: str) -> tuple[str, str]:
    """Returns version and date of the newest heading of CHANGELOG.md.

    Raises:
        ValueError: There is no heading such as "## 0.1.0 - 2030-01-31".
    """
    heading = _HEADING.search(changelog)
    if heading is None:
        raise ValueError("CHANGELOG.md has no heading such as '## 0.1.0 - 2030-01-31' or '## 0.1.0 - unreleased'")
    return heading["version"], heading["date"]


def open_points(version: str, date: str, tagged: list[str]) -> list[str]:
    """Returns what a person still has to do before these files may be published."""
    points: list[str] = []
    if not _DATE.fullmatch(date):
        points.append(f"CHANGELOG.md says of {version}: {date}. Put the day there.")
    if f"v{version}" not in tagged:
        points.append(f"The last commit has no tag v{version}.")
    return points
