"""The public face is small, agrees with itself, and costs nothing until it is used."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
import zoo.plugin
from zoo import errors

REPO = Path(__file__).resolve().parents[1]
PLUGINS = [folder for folder in sorted((REPO / "plugins").iterdir()) if (folder / "pyproject.toml").is_file()]
HEAVY = {"PIL", "numpy", "paddle", "pydantic", "requests"}
#: What even a listing needs but `import zoo` does not.
LISTING = {"click", "importlib.metadata", "json", "pluggy", "yaml"}


def modules_after(code: str) -> set[str]:
    """Returns the names of the modules a fresh interpreter has loaded after running this code."""
    places = [str(REPO), *map(str, PLUGINS)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    code += "\nimport sys; sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def mirror() -> dict[str, str]:
    """Returns the names that type checkers see in zoo/__init__.py, and the module each is imported from."""
    tree = ast.parse((REPO / "zoo" / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    names: dict[str, str] = {}
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: str(node.module) for alias in node.names}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = ""
    return names


def test_the_lazy_table_the_mirror_for_type_checkers_and_all_agree() -> None:
    table = {name: module for module, names in zoo._MODULES.items() for name in names}
    assert {**table, "__version__": ""} == mirror()
    assert sorted(zoo.__all__) == sorted(mirror())
    assert len(set(zoo.__all__)) == len(zoo.__all__)


@pytest.mark.parametrize("name", zoo.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(zoo, name) is getattr(zoo, name)
    assert name in dir(zoo)


@pytest.mark.parametrize("name", zoo.plugin.__all__)
def test_every_name_that_plugins_use_can_be_imported(name: str) -> None:
    assert getattr(zoo.plugin, name) is getattr(zoo.plugin, name)


def test_every_error_is_public() -> None:
    public = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert public == {name for name, module in mirror().items() if module == "zoo.errors"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'lod'"):
        _ = zoo.lod


def test_importing_zoo_loads_nothing_else() -> None:
    loaded = modules_after("import zoo")
    assert loaded & (HEAVY | LISTING | {"dataclasses", "typing", "re", "inspect"}) == set()
    assert {name for name in loaded if name.startswith("zoo")} == {"zoo"}


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_module_is_data_only(folder: Path) -> None:
    loaded = modules_after(f"import {folder.name.replace('-', '_')}")
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("arguments", [["list-models"], ["plugins"], ["--help"]])
def test_listing_needs_no_array_picture_network_or_engine_package(arguments: list[str]) -> None:
    loaded = modules_after(
        f"from zoo.cli.app import cli\ntry: cli({arguments!r})\nexcept SystemExit as end: assert not end.code, end.code"
    )
    assert loaded & (HEAVY | {"yaml"}) == set()


def test_a_listing_where_nothing_was_downloaded_reads_no_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    loaded = modules_after("from zoo.cli.app import cli\ntry: cli(['list-models'])\nexcept SystemExit: pass")
    assert loaded & {"hashlib", "platformdirs", "zoo.registry.records"} == set()


def test_help_imports_no_command_and_no_plugin_machinery() -> None:
    loaded = modules_after("from zoo.cli.app import cli\ntry: cli(['--help'])\nexcept SystemExit: pass")
    found = {name for name in loaded if name.startswith(("zoo.cli.", "zoo.registry", "pluggy"))}
    assert found <= {"zoo.cli.app", "zoo.cli.cells", "zoo.cli.language"}
