"""What is published is what was committed, says what an index needs to hear, and depends on nobody's machine."""

from __future__ import annotations

import dataclasses
import io
import os
import stat
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from pathlib import Path

import pytest
from packaging.version import Version

from release import tree as source
from release.__main__ import keep
from release.archives import Archive, read_sdist, read_wheel
from release.build import build_twice
from release.contents import (
    faults_of_contents,
    faults_of_size,
    faults_of_times,
    secrets_of_this_machine,
    telling,
)
from release.distributions import Distribution, faults_among, read_distributions
from release.errors import ReleaseError
from release.install import index_options
from release.interpreters import find_interpreter
from release.metadata import faults_of_classifiers, faults_of_description, faults_of_metadata

REPO = Path(__file__).resolve().parents[1]
OURS = read_distributions(REPO)
#: A time in seconds since 1970.
MOMENT = 1_700_000_000


@dataclasses.dataclass(frozen=True)
class Built:
    """A small distribution of this repository, built."""

    distribution: Distribution
    wheel: Archive
    sdist: Archive

    def faults(self) -> list[str]:
        """Everything that `make release` has against it, but for twine and the size."""
        files = (path for path in (REPO / self.distribution.folder).rglob("*") if "__pycache__" not in path.parts)
        committed = [path.relative_to(REPO).as_posix() for path in files if path.is_file()]
        return [
            *faults_of_contents(self.distribution, self.wheel, self.sdist, committed),
            *faults_of_times(self.sdist, MOMENT),
            *faults_of_metadata(self.distribution, self.wheel, self.sdist, (REPO / "LICENSE").read_bytes()),
            *(fault for each in (self.wheel, self.sdist) for fault in telling(each, secrets_of_this_machine(REPO))),
        ]

    def with_wheel(self, files: dict[str, bytes | None]) -> Built:
        """The same with other files in its wheel; None takes one away."""
        changed = {**self.wheel.files, **files}
        kept = {name: content for name, content in changed.items() if content is not None}
        return dataclasses.replace(self, wheel=dataclasses.replace(self.wheel, files=kept))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    [gpu] = [each for each in OURS if each.name == "zoo-device-gpu"]
    words = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(MOMENT)}
    subprocess.run(words, cwd=REPO / gpu.folder, env=environ, check=True, capture_output=True, timeout=120)
    return Built(gpu, read_wheel(folder / gpu.wheel), read_sdist(folder / gpu.sdist))


def test_our_distributions_accept_each_other() -> None:
    assert len(OURS) == 1 + len(list(REPO.glob("plugins/*")))
    assert faults_among(OURS) == []


def test_a_version_that_was_forgotten_is_named() -> None:
    core, *plugins = OURS
    faults = faults_among([dataclasses.replace(core, version=Version("0.2.0")), *plugins])
    assert f"{plugins[0].name} is 0.1.0, zoo-core is 0.2.0" in faults
    # The newer core is in none of the ranges that the plugins ask for.
    assert sum("asks for zoo-core" in fault for fault in faults) == len(plugins)


def test_the_changelog_begins_with_the_version_that_is_built() -> None:
    version, _ = source.newest_entry((REPO / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert version == str(OURS[0].version)


def test_what_a_person_still_has_to_do_is_said() -> None:
    assert source.newest_entry("# Changelog\n\n## 1.2.0 - 2030-01-31\n\n## 1.1.0 - 2029-01-31\n") == (
        "1.2.0",
        "2030-01-31",
    )
    assert source.open_points("1.2.0", "2030-01-31", ["v1.2.0"]) == []
    assert source.open_points("1.2.0", "unreleased", ["v1.1.0"]) == [
        "CHANGELOG.md says of 1.2.0: unreleased. Put the day there.",
        "The last commit has no tag v1.2.0.",
    ]


def test_every_plugin_carries_the_licence_of_the_repository() -> None:
    for each in OURS:
        assert (REPO / each.folder / "LICENSE").read_bytes() == (REPO / "LICENSE").read_bytes(), each.name


def test_a_distribution_of_ours_is_fit_to_be_published(built: Built) -> None:
    assert built.faults() == []


def test_the_description_of_the_core_needs_no_repository() -> None:
    import hatchling.metadata.core
    from hatchling.plugin.manager import PluginManager

    metadata = hatchling.metadata.core.ProjectMetadata(str(REPO), PluginManager())
    assert faults_of_description(metadata.core.readme, metadata.core.readme_content_type) == []
    assert "](docs/overlay.jpg)" in (REPO / "README.md").read_text(encoding="utf-8")
    assert "](docs/" not in metadata.core.readme


_INDEX = ".".join(("https://files", "pythonhosted", "org"))


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"zoo_device_gpu/__init__.py": None}, "zoo_device_gpu/__init__.py is missing"),
        ({"zoo_device_gpu/tests/test_it.py": b""}, "zoo_device_gpu/tests/test_it.py does not belong into a wheel"),
        ({"zoo_device_gpu/it.cpython-311.pyc": b""}, "zoo_device_gpu/it.cpython-311.pyc does not belong into a wheel"),
        ({"zoo_device_gpu/stray.py": b""}, "zoo_device_gpu/stray.py is no committed file"),
        ({"zoo_device_gpu/__init__.py": b"x = 1\n"}, "RECORD has another digest of zoo_device_gpu/__init__.py"),
        ({"INFO/licenses/LICENSE": b"Do what you like.\n"}, "LICENSE is not the one of the repository"),
        (
            {"INFO/entry_points.txt": b"[zoo.devices]\nGPU = zoo_device_gpu\n"},
            "entry points are {'zoo.devices': {'GPU'",
        ),
        ({"zoo_device_gpu/a.py": f"# from {Path.home()}/x\n".encode()}, f"zoo_device_gpu/a.py holds '{Path.home()}'"),
        ({"zoo_device_gpu/a.py": b'x = "/home/anna/x"\n'}, "zoo_device_gpu/a.py holds '/home/anna'"),
        ({"zoo_device_gpu/a.py": f"# {_INDEX}/x\n".encode()}, f"zoo_device_gpu/a.py holds '{_INDEX}'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_in_a_wheel_is_named(built: Built, files: dict[str, bytes | None], fault: str) -> None:
    info = f"{built.distribution.stem}.dist-info"
    changed = built.with_wheel({name.replace("INFO", info): content for name, content in files.items()})
    assert any(fault in each for each in changed.faults()), changed.faults()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Name: zoo-device-gpu", "Name: zoo-device", "name is 'zoo-device', not 'zoo-device-gpu'"),
        ("Requires-Python: <3.14,>=3.10", "Requires-Python: >=3.9", "Requires-Python is '>=3.9'"),
        (
            "Python :: 3.13\n",
            "Python :: 3.13b\n",
            "no index knows the classifier",
        ),
        ("License-File: LICENSE\n", "", "it has no license-files"),
        ("Author: The zoo maintainers\n", "", "it has no author"),
        ("Requires-Dist: zoo-core<0.2,>=0.1", "Requires-Dist: zoo-core", "Requires-Dist differs: zoo-core"),
        ("for zoo.", "for [zoo](../../README.md).", "its description leads to '../../README.md', which no index has"),
    ],
    ids=lambda value: value.split("\n")[0][:30],
)
def test_what_is_wrong_in_the_metadata_is_named(built: Built, old: str, new: str, fault: str) -> None:
    name = f"{built.distribution.stem}.dist-info/METADATA"
    text = built.wheel.files[name].decode()
    assert old in text
    faults = built.with_wheel({name: text.replace(old, new).encode()}).faults()
    assert any(fault in each for each in faults), faults


def test_a_description_that_is_not_shown_is_named() -> None:
    assert faults_of_description("# zoo", "text/plain") == ["the description is 'text/plain', not text/markdown"]
    assert faults_of_description("zoo", "text/markdown") == [
        "the description is not shown: it cannot be rendered, or has no heading"
    ]
    assert faults_of_classifiers([], ">=3.10,<3.14")[0] == "it has no classifier 'Development Status :: '"


def test_links_times_and_owners_in_a_source_distribution_are_named(tmp_path: Path) -> None:
    path = tmp_path / "zoo_x-1.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        link = tarfile.TarInfo("zoo_x-1/LICENSE")
        link.type, link.linkname = tarfile.SYMTYPE, "../../LICENSE"
        outside = tarfile.TarInfo("other/file")
        owned = tarfile.TarInfo("zoo_x-1/PKG-INFO")
        owned.uid, owned.uname, owned.mtime = 1000, "anna", MOMENT + 1
        for each in (link, outside, owned):
            file.addfile(each, io.BytesIO())
    sdist = read_sdist(path)
    assert sdist.odd == ("zoo_x-1/LICENSE", "other/file")
    assert faults_of_times(dataclasses.replace(sdist, times=frozenset({MOMENT})), MOMENT) == [
        "zoo_x-1.tar.gz: a member belongs to (1000, 'anna')"
    ]
    assert f"zoo_x-1.tar.gz: a member has the time {MOMENT + 1}, not {MOMENT}" in faults_of_times(sdist, MOMENT)


def test_a_link_in_a_wheel_is_named(tmp_path: Path) -> None:
    path = tmp_path / "zoo_x-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        link = zipfile.ZipInfo("zoo_x/data")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
    assert read_wheel(path).odd == ("zoo_x/data",)


def test_a_file_larger_than_an_index_should_carry_is_named(tmp_path: Path) -> None:
    with (tmp_path / "large.whl").open("wb") as file:
        file.truncate(20_000_001)
    assert faults_of_size([tmp_path / "large.whl"]) == ["large.whl has 20000001 bytes, at most 20000000 are published"]


def test_uv_looks_where_pip_looks() -> None:
    settings = """
:env:.find-links='/opt/wheels'
global.cert='/etc/certs.crt'
global.extra-index-url='file:///one/simple file:///two/simple'
global.index-url='file:///zero/simple'
"""
    assert index_options(settings) == [
        *("--index-strategy", "unsafe-best-match", "--find-links", "/opt/wheels"),
        *("--index", "file:///one/simple", "--index", "file:///two/simple", "--default-index", "file:///zero/simple"),
    ]


def test_an_interpreter_that_does_not_run_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for name, line in ((f"python{version}", "exit 127"), ("python2.0", f'exec "{sys.executable}" "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    managed = tmp_path / "versions" / f"{version}.9" / "bin" / "python"
    managed.parent.mkdir(parents=True)
    managed.symlink_to(os.path.realpath(sys.executable))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    found = find_interpreter(version, tmp_path / "no-uv")
    assert found is not None
    assert found.release.startswith(f"{version}.")
    # One that is of another version than it is called is not taken either.
    assert find_interpreter("2.0", tmp_path / "no-uv") is None


def git(at: Path, *words: str) -> None:
    said = ["-c", "user.name=zoo", "-c", "user.email=zoo@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *said, *words], cwd=at, check=True, capture_output=True)


def repository(folder: Path, hook: str) -> tuple[Distribution, ...]:
    """Commits a distribution whose build runs a hook."""
    package = folder / "small"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('"""Small."""\n')
    (folder / "hatch_build.py").write_text(hook)
    (folder / "pyproject.toml").write_text(
        textwrap.dedent("""
            [build-system]
            requires = ["hatchling"]
            build-backend = "hatchling.build"
            [project]
            name = "small"
            version = "1.0"
            requires-python = ">=3.10"
            license = "Apache-2.0"
            [tool.hatch.build.targets.wheel]
            packages = ["small"]
            [tool.hatch.build.targets.wheel.hooks.custom]
        """)
    )
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Small")
    return read_distributions(folder)


_HOOK = """
import os
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

class Hook(BuildHookInterface):
    def initialize(self, version, build_data):
        with open(os.path.join(self.root, "small", "made.py"), "w") as file:
            file.write(f"made = {VALUE!r}\\n")
        build_data["artifacts"].append("small/made.py")
"""


@pytest.mark.full
@pytest.mark.parametrize("value", ["os.environ.get('TZ')", "self.root", "os.stat('pyproject.toml').st_mode"])
def test_a_file_that_depends_on_where_it_is_built_is_found(value: str, tmp_path: Path) -> None:
    distributions = repository(tmp_path / "tree", _HOOK.replace("VALUE", value))
    _, faults = build_twice(tmp_path / "tree", distributions, MOMENT, tmp_path)
    assert faults == ["small-1.0-py3-none-any.whl has other bytes when it is built in another place"]


@pytest.mark.full
def test_what_was_never_committed_is_in_no_build(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    distributions = repository(tree, _HOOK.replace("VALUE", "1"))
    assert source.uncommitted(tree) == []
    (tree / "small" / "secret.py").write_text("password = 1\n")
    assert source.uncommitted(tree) == ["?? small/secret.py"]
    files, faults = build_twice(tree, distributions, MOMENT, tmp_path)
    assert faults == []
    assert [path.name for path in files] == ["small-1.0-py3-none-any.whl", "small-1.0.tar.gz"]
    assert "small/secret.py" not in read_wheel(files[0]).files


def test_the_files_of_a_release_are_replaced_whole(tmp_path: Path) -> None:
    output = tmp_path / "release"
    output.mkdir()
    (output / "zoo_core-0.0.9.tar.gz").write_bytes(b"old")
    new = tmp_path / "zoo_core-0.1.0.tar.gz"
    new.write_bytes(b"new")
    with pytest.raises(FileNotFoundError):
        keep([new, tmp_path / "gone.whl"], output)
    assert [path.name for path in output.iterdir()] == ["zoo_core-0.0.9.tar.gz"]
    keep([new], output)
    assert sorted(path.name for path in output.iterdir()) == ["SHA256SUMS", "zoo_core-0.1.0.tar.gz"]
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=output, capture_output=True, check=False)
    assert checked.returncode == 0


def test_a_program_that_fails_ends_the_release_with_what_it_said() -> None:
    from release.run import run

    with pytest.raises(ReleaseError) as raised:
        run(sys.executable, "-c", "import sys; print('the reason'); sys.exit(3)")
    assert raised.value.faults == ("exit status 3", "the reason")
