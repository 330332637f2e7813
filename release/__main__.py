"""Builds every distribution twice, checks it, installs it, and prints what would be published. Nothing is uploaded.

    python -m release [--output FOLDER] [--python VERSION]... [--quick]

`make release` runs it in an environment that has what it needs; docs/releasing.md says what a person does with the
files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from release import tree as source
from release.archives import read_sdist, read_wheel
from release.build import build_twice, digest
from release.contents import faults_of_contents, faults_of_size, faults_of_times, secrets_of_this_machine, telling
from release.distributions import Distribution, faults_among, read_distributions
from release.errors import ReleaseError, require
from release.install import Installer
from release.interpreters import find_interpreter
from release.metadata import PYTHONS, faults_of_metadata
from release.run import run

TREE = Path(__file__).resolve().parents[1]
UV = Path(sys.executable).with_name("uv")


def main() -> None:
    """Makes a release but for its publication."""
    parser = argparse.ArgumentParser(prog="python -m release", description="Make a release but for its publication.")
    parser.add_argument("--output", type=Path, default=TREE / "build" / "release", help="the folder for the files")
    parser.add_argument("--python", action="append", choices=PYTHONS, help="only this version; may be repeated")
    parser.add_argument("--quick", action="store_true", help="build and check, install nothing")
    options = parser.parse_args()
    try:
        release(options.output, options.python or PYTHONS, install=not options.quick)
    except ReleaseError as error:
        print(f"\nNot releasable: {error.step}", *(f"  {fault}" for fault in error.faults), sep="\n", file=sys.stderr)
        raise SystemExit(1) from None


def release(output: Path, pythons: Sequence[str], *, install: bool) -> None:
    """Carries the steps out, one after the other.

    Args:
        output: Where the files go when all went well; what was there is replaced.
        pythons: The versions of Python to install into.
        install: Whether to install at all.

    Raises:
        ReleaseError: Something is not as it has to be. The output is what it was.
    """
    require("the last commit is not all there is", source.uncommitted(TREE))
    distributions = read_distributions(TREE)
    core = distributions[0]
    name, seconds = source.commit(TREE)
    noted, date = source.newest_entry((TREE / "CHANGELOG.md").read_text(encoding="utf-8"))
    differ = [] if noted == str(core.version) else [f"CHANGELOG.md begins with {noted}, {core.name} is {core.version}"]
    require("versions do not agree", [*differ, *faults_among(distributions)])
    said = f"{len(distributions)} distributions of {core.version} at commit {name[:12]}, built by hatchling"
    step(f"{said} {version('hatchling')}")
    with tempfile.TemporaryDirectory(prefix="zoo-release-") as folder:
        files = built(distributions, seconds, Path(folder))
        if install:
            installed(distributions, files, pythons, Path(folder))
        else:
            step("Nothing was installed: --quick")
        keep(files, output)
    show(distributions, output)
    points = source.open_points(noted, date, source.tags(TREE))
    if "not on a public package index yet" in (TREE / "README.md").read_text(encoding="utf-8"):
        points.append("README.md says that nothing is published yet.")
    print("\nBefore these files are published:" if points else "\nThese files may be published: docs/releasing.md")
    print(*(f"  {point}" for point in points), sep="\n")


def built(distributions: Sequence[Distribution], seconds: int, folder: Path) -> list[Path]:
    """Builds twice, compares, and looks into what was built; returns the files."""
    began = time.monotonic()
    (folder / "build").mkdir()
    files, faults = build_twice(TREE, distributions, seconds, folder / "build")
    require("the builds differ", faults)
    step(f"{len(files)} files built twice with equal bytes, wheels from tree and sdist", began)
    began = time.monotonic()
    run(sys.executable, "-m", "twine", "check", "--strict", *files)
    committed, words = source.committed(TREE), secrets_of_this_machine(TREE)
    text = (TREE / "LICENSE").read_bytes()
    faults = faults_of_size(files)
    for each in distributions:
        wheel, sdist = read_wheel(files[0].parent / each.wheel), read_sdist(files[0].parent / each.sdist)
        faults += faults_of_contents(each, wheel, sdist, committed)
        faults += faults_of_times(sdist, seconds)
        faults += faults_of_metadata(each, wheel, sdist, text)
        faults += [fault for archive in (wheel, sdist) for fault in telling(archive, words)]
    require("the files are not fit to be published", faults)
    step("metadata and contents checked, by twine and by us", began)
    return files


def installed(
    distributions: Sequence[Distribution], files: Sequence[Path], pythons: Sequence[str], folder: Path
) -> None:
    """Installs each alone and all together into every Python that is to be had, and says which were not."""
    place = folder / "environments"
    place.mkdir()
    installer = Installer(UV, files[0].parent, place, distributions)
    for each in pythons:
        found = find_interpreter(each, UV)
        began = time.monotonic()
        installer.check_extras(each)
        step(f"Python {each}: all extras resolved, not installed", began)
        if found is None:
            step(f"Python {each}: NOT INSTALLED, no interpreter to be had here")
            continue
        began = time.monotonic()
        faults = collected(distributions, lambda one, python=found: installer.check_alone(one, python))
        require(f"installed alone with Python {found.release}", faults)
        step(f"Python {found.release}: {len(distributions)} installed, each alone, and used", began)
        began = time.monotonic()
        installer.check_together(found, TREE / "docs" / "street.jpg")
        step(
            f"Python {found.release}: all installed together with paddlepaddle, a picture segmented by 3 engines", began
        )


def collected(distributions: Sequence[Distribution], check: Callable[[Distribution], None]) -> list[str]:
    """Checks each of them, some at a time; returns what is wrong with any."""

    def faults_of(each: Distribution) -> list[str]:
        try:
            check(each)
        except ReleaseError as error:
            return [f"{each.name}: {error.step}", *(f"  {fault}" for fault in error.faults)]
        return []

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [fault for faults in pool.map(faults_of, distributions) for fault in faults]


def keep(files: Sequence[Path], output: Path) -> None:
    """Puts the files and their digests into the output, which is whole or as it was."""
    partial = output.with_name(f".{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for path in files:
        shutil.copyfile(path, partial / path.name)
    sums = "".join(f"{digest(path)}  {path.name}\n" for path in files)
    (partial / "SHA256SUMS").write_text(sums, encoding="ascii")
    if output.exists():
        shutil.rmtree(output)
    partial.rename(output)


def show(distributions: Sequence[Distribution], output: Path) -> None:
    """Prints what would be published, in the order in which it would be."""
    print(f"\nWould be published, from {output}:\n")
    total = 0
    for each in distributions:
        for path in (output / each.sdist, output / each.wheel):
            size = path.stat().st_size
            total += size
            print(f"{path.name:<56} {size:>11,} {digest(path)}")
    print(f"{len(distributions) * 2} files, {total:,} bytes")


def step(text: str, began: float | None = None) -> None:
    """Says what was done, and how long it took."""
    taken = "" if began is None else f" ({time.monotonic() - began:.0f} s)"
    print(f"{text}{taken}", flush=True)


if __name__ == "__main__":
    main()
