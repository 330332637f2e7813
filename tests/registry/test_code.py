"""The code that a plugin names for a model: called, or an error that names the plugin and what it lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from zoo.errors import BackendNotInstalledError, ConfigError, PluginLoadError, ZooError
from zoo.learn import networks
from zoo.learn.run import proposal
from zoo.registry import find_model
from zoo.registry.code import call_code

BROKEN = {
    "needs_more": "import no_such_module",
    "needs_paddle": "raise ImportError(\"No module named 'paddle'\", name='paddle')",
    "is_wrong": "1 / 0",
    "fails": "def make(*words): raise KeyError('width')",
    "asks_late": "def make(*words): import no_such_module",
    "says_why": "from zoo.errors import ConfigError\ndef make(*words): raise ConfigError('Too small.', 'Give more.')",
}


@pytest.mark.parametrize(
    ("module", "kind", "message", "hint"),
    [
        ("zoo_plugin_absent.network", PluginLoadError, "zoo-plugin-starter", "Run: pip install zoo-plugin-absent"),
        (
            "zoo_plugin_starter.absent",
            PluginLoadError,
            "'zoo_plugin_starter.absent'",
            "Run: pip install --force-reinstall zoo-plugin-starter",
        ),
        ("needs_more", PluginLoadError, "'no_such_module'", "has the module no_such_module."),
        ("needs_paddle", BackendNotInstalledError, "starter needs paddlepaddle", 'pip install "paddlepaddle>='),
        ("is_wrong", PluginLoadError, "ZeroDivisionError: division by zero", "author of zoo-plugin-starter"),
        ("fails", PluginLoadError, "fails:make of the plugin zoo-plugin-starter", "zoo --debug"),
        ("asks_late", PluginLoadError, "'no_such_module'", "has the module no_such_module."),
        ("says_why", ConfigError, "Too small.", "Give more."),
    ],
)
def test_code_that_is_missing_or_fails_names_the_plugin_and_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, kind: type[ZooError], message: str, hint: str
) -> None:
    for name, code in BROKEN.items():
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    found = find_model("starter")
    with pytest.raises(kind) as caught:
        call_code(found, f"{module}:make", "starter")
    assert message in caught.value.message
    assert hint in caught.value.hint
    # So do what builds a network and what reads a recipe.
    family = replace(found.family, network=f"{module}:make", recipe=f"{module}:make")
    for place in (networks, proposal):
        monkeypatch.setattr(place, "find_model", lambda name: found._replace(family=family))
    for ask in (networks.build_network, proposal.official_recipe):
        with pytest.raises(kind):
            ask("starter")
