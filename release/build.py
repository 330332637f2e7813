"""Building every file twice, in surroundings that differ in whatever must not matter."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from release.distributions import Distribution
from release.run import run
from release.tree import copy_commit


@dataclass(frozen=True)
class Surroundings:
    """Where and how a build is made.

    Attributes:
        name: The folder.
        from_sdist: Whether the wheel is made of the source distribution or of the tree.
        environ: What a build might look at.
        mode: The rights of every file and, with those to enter, of every folder.
    """

    name: str
    from_sdist: bool
    environ: Mapping[str, str]
    mode: int


SURROUNDINGS = (
    Surroundings("one", True, {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1", "USER": "anna"}, 0o644),
    Surroundings(
        "other/folder", False, {"TZ": "Asia/Shanghai", "LC_ALL": "POSIX", "PYTHONHASHSEED": "2", "USER": "ben"}, 0o600
    ),
)


def build_twice(
    tree: Path, distributions: Sequence[Distribution], seconds: int, folder: Path
) -> tuple[list[Path], list[str]]:
    """Builds wheel and source distribution of each from copies of the last commit.

    The first wheel is made of the source distribution and the second one of the tree, so that equal bytes also say that
    nothing is missing in the source distribution.

    Args:
        tree: The repository.
        distributions: What to build.
        seconds: The time that is written into the files, since 1970.
        folder: An empty folder for copies and files.

    Returns:
        The files of the first build, and what is different in the second one.
    """
    built = [_build(tree, distributions, seconds, folder, each) for each in SURROUNDINGS]
    expected = sorted(name for each in distributions for name in (each.sdist, each.wheel))
    faults: list[str] = []
    for surroundings, output in zip(SURROUNDINGS, built, strict=True):
        found = sorted(path.name for path in output.iterdir())
        if found != expected:
            faults.append(f"built in {surroundings.name}: {', '.join(found)}; expected: {', '.join(expected)}")
    if not faults:
        faults = [
            f"{name} has other bytes when it is built in another place"
            for name in expected
            if digest(built[0] / name) != digest(built[1] / name)
        ]
    return sorted(built[0].iterdir()), faults


def _build(
    tree: Path, distributions: Sequence[Distribution], seconds: int, folder: Path, surroundings: Surroundings
) -> Path:
    source, output = folder / surroundings.name, folder / f"{surroundings.name}-files"
    copy_commit(tree, source)
    for path in source.rglob("*"):
        path.chmod(surroundings.mode | (0o111 & surroundings.mode >> 2) if path.is_dir() else surroundings.mode)
        os.utime(path, (seconds - len(path.name), seconds - len(path.name)))
    kinds = [] if surroundings.from_sdist else ["--sdist", "--wheel"]
    # Without isolation: both builds use the builder of this environment, whose version the wheel tells.
    words = [sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", output]
    environ = {**surroundings.environ, "SOURCE_DATE_EPOCH": str(seconds)}

    def build(each: Distribution) -> None:
        run(*words, source / each.folder, at=folder, environ=environ)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(build, distributions))
    return output


def digest(path: Path) -> str:
    """Returns the SHA-256 digest of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
