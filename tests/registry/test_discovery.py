"""Plugins are found by their entry points, loaded alone, and a bad one never takes a good one with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

from support import install_into
from zoo.errors import DuplicateNameError, PluginContractError, PluginError, PluginLoadError
from zoo.registry import Discovery, Plugin
from zoo.registry.discovery import HOOKS, load_plugins

REPO = Path(__file__).resolve().parents[2]

FAMILY = """
from zoo.plugin import VOC, Artifact, Family, Metric, ModelCard, hookimpl

def card(name, **fields):
    defaults = dict(summary="", labels=VOC, dataset="voc", license="MIT", weights=Artifact(("https://example.com/x",)))
    return ModelCard(name=name, **{**defaults, **fields})

@hookimpl
def zoo_families():
    return RESULT
"""
DEVICE = """
from zoo.plugin import Device, Probe, hookimpl

class Thing(Device):
    kind = "KIND"
    api = 1
    def probe(self): return Probe(1)
    def configure(self, config, index): pass

@hookimpl
def zoo_devices():
    return RESULT
"""
BACKEND = """
from zoo.plugin import Probe, hookimpl

class Engine:
    name = "KIND"
    api = 1
    def supports(self, device, program): return Probe(1)
    def open(self, program, request): raise NotImplementedError

@hookimpl
def zoo_backends():
    return RESULT
"""

Install = Callable[..., None]


def made(fields: str) -> str:
    """Returns the code of a device with other fields."""
    return f"[type('Other', (Thing,), dict({fields}))()]"


def family(name: str, *models: str, result: str | None = None) -> str:
    cards = "".join(f"card({model!r})," for model in models)
    return FAMILY.replace("RESULT", result or f"[Family({name!r}, {name!r}, cards=({cards}), api=1)]")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs distributions into a folder of this test; their modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(distribution: str, source: str, **options: str) -> None:
        install_into(tmp_path, distribution, source, **options)
        monkeypatch.delitem(sys.modules, distribution.replace("-", "_"), raising=False)

    return install


def load(folder: Path, disabled: str = "") -> Discovery:
    return load_plugins(entry_points(folder), disabled)


def entry_points(folder: Path) -> list[EntryPoint]:
    return [point for found in distributions(path=[str(folder)]) for point in found.entry_points]


def by_name(discovery: Discovery) -> dict[str, Plugin]:
    return {plugin.distribution: plugin for plugin in discovery.plugins}


def python(*arguments: str, path: tuple[Path, ...], **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, REPO))), **environment}
    return subprocess.run(
        [sys.executable, *arguments], env=variables, cwd=path[0], capture_output=True, text=True, timeout=60
    )


def test_a_plugin_brings_its_families_under_the_name_of_its_distribution(install: Install, tmp_path: Path) -> None:
    install("zoo-plugin-good", family("good", "Good-S", "Good-L"), name="good")
    discovery = load(tmp_path)
    (plugin,) = discovery.plugins
    assert (plugin.name, plugin.group, plugin.distribution, plugin.version) == (
        "good",
        "zoo.models",
        "zoo-plugin-good",
        "1.0",
    )
    model = discovery.models["good-s"]
    assert (model.card.name, model.family.name, model.distribution) == ("Good-S", "good", "zoo-plugin-good")
    assert discovery.problems() == ()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no luck\\ntoday')", "RuntimeError: no luck today"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise type('Odd', (BaseException,), {})('odd')", "Odd: odd"),
        ("import a_module_nobody_has", "ModuleNotFoundError: No module named 'a_module_nobody_has'"),
        ("def (", "SyntaxError"),
        (family("x", result="1 / 0"), "ZeroDivisionError: division by zero"),
    ],
)
def test_a_plugin_that_fails_is_kept_with_its_cause_and_the_others_work(
    install: Install, tmp_path: Path, source: str, reason: str
) -> None:
    install("zoo-plugin-a-bad", source)
    install("zoo-plugin-good", family("good", "Good-S"))
    discovery = load(tmp_path)
    error = by_name(discovery)["zoo-plugin-a-bad"].error
    assert isinstance(error, PluginLoadError)
    assert error.message.startswith("The plugin 'zoo-plugin-a-bad' of zoo-plugin-a-bad 1.0 could not be loaded: ")
    assert reason in error.message
    assert "\n" not in error.message
    assert type(error.__cause__).__name__ == reason.split(":")[0]
    assert discovery.models["Good-S"].distribution == "zoo-plugin-good"
    assert discovery.problems() == (error,)


def test_a_plugin_that_hangs_is_named_and_the_others_work(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install("zoo-plugin-a-bad", "import time\nfor _ in range(200): time.sleep(0.1)")
    install("zoo-plugin-good", family("good", "Good-S"))
    monkeypatch.setattr("zoo.registry.discovery.SECONDS", 0.5)
    monkeypatch.setattr("zoo.registry.discovery._PATIENCE", 0.2)
    discovery = load(tmp_path)
    error = by_name(discovery)["zoo-plugin-a-bad"].error
    assert isinstance(error, PluginLoadError)
    assert "could not be loaded: TimeoutError: it takes more than 0.5 seconds." in error.message
    assert "leave it out: ZOO_DISABLE_PLUGINS=zoo-plugin-a-bad" in error.hint
    assert caplog.messages == [
        "waiting for the plugin 'zoo-plugin-a-bad' of zoo-plugin-a-bad 1.0 to be loaded, 0.5 seconds at most"
    ]
    assert discovery.models["Good-S"].distribution == "zoo-plugin-good"


def test_what_a_plugin_prints_is_named_and_kept_off_standard_output(
    install: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    source = "print('Thank you\\nfor using it')\n" + family("loud", "Loud-S").replace(
        "    return", "    print('!')\n    return"
    )
    install("zoo-plugin-loud", source)
    discovery = load(tmp_path)
    assert (discovery.problems(), "Loud-S" in discovery.models) == ((), True)
    assert capsys.readouterr().out == ""
    [said] = caplog.messages
    assert said.startswith("the plugin 'zoo-plugin-loud' of zoo-plugin-loud 1.0 printed while it was loaded: Thank you")


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        ("None", "zoo_families returned None where a list or tuple was expected"),
        ("{}", "zoo_families returned an object of type dict where a list or tuple was expected"),
        ("['x']", "zoo_families returned 'x' where a zoo.plugin.Family was expected"),
        ("[Family]", "zoo_families returned the class Family where a zoo.plugin.Family was expected"),
        ("[Family('f', 'F', cards=[], api=1)]", "has an object of type list in 'cards' where tuple was expected"),
        ("[Family('f', 'F', cards=('x',), api=1)]", "holds 'x' where a ModelCard was expected"),
        ("[Family('f', None, cards=(), api=1)]", "has None in 'title' where str was expected"),
        ("[Family('f', 'F', (), api='2')]", "has '2' in 'api' where int was expected"),
        ("[Family('f', 'F', (card('m', labels=19),), api=1)]", "has 19 in 'labels' where LabelSet was expected"),
        ("[Family('f', 'F', (card('m', aliases='mm'),), api=1)]", "has 'mm' in 'aliases' where tuple was expected"),
        (
            "[Family('f', 'F', (card('m', listed_size='9 MB'),), api=1)]",
            "has '9 MB' in 'listed_size' where int or None",
        ),
        (
            "[Family('f', 'F', (card('m', metrics=(Metric('mIoU', 73.1, ''),)),), api=1)]",
            "gives mIoU as 73.1; a fraction",
        ),
        ("[Family('f', 'F', (card('m'), card('n', aliases=('M',))), api=1)]", "models 'm' and 'n' share the name 'm'"),
    ],
)
def test_what_a_hook_returns_is_checked(install: Install, tmp_path: Path, result: str, fault: str) -> None:
    install("zoo-plugin-bad", family("", result=result))
    (plugin,) = load(tmp_path).plugins
    assert isinstance(plugin.error, PluginContractError)
    assert plugin.error.message.startswith("The plugin 'zoo-plugin-bad' of zoo-plugin-bad 1.0 does not keep")
    assert fault in plugin.error.message
    assert plugin.families == ()


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\\b", "..", ".hidden", "a\nb", "x" * 101, "naïve", " a"])
def test_a_name_that_is_no_file_name_is_refused(install: Install, tmp_path: Path, name: str) -> None:
    install("zoo-plugin-bad", family("bad", name))
    (plugin,) = load(tmp_path).plugins
    assert isinstance(plugin.error, PluginContractError)
    assert f"the model name {name!r} is not allowed" in plugin.error.message


@pytest.mark.parametrize("name", ["SegFormer-B0 (slice)", "x" * 100, "PP_LiteSeg+[v2.1]", "7"])
def test_names_of_letters_digits_and_a_few_signs_are_allowed(install: Install, tmp_path: Path, name: str) -> None:
    install("zoo-plugin-good", family("good", name))
    assert load(tmp_path).models[name].card.name == name


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("x = 1", "its module has no zoo_families marked with zoo.plugin.hookimpl"),
        ("from zoo.plugin import hookimpl\n@hookimpl\ndef zoo_familys(): return []", "unknown hook 'zoo_familys'"),
        (family("x").replace("zoo_families()", "zoo_families(core)"), "core"),
    ],
)
def test_a_hook_that_is_missing_or_unknown_is_refused(
    install: Install, tmp_path: Path, source: str, fault: str
) -> None:
    install("zoo-plugin-bad", source)
    (plugin,) = load(tmp_path).plugins
    assert isinstance(plugin.error, PluginContractError)
    assert fault in plugin.error.message


def test_a_family_for_a_newer_contract_is_refused_and_says_which_core_to_install(
    install: Install, tmp_path: Path
) -> None:
    newer = "[Family('next', 'Next', ('cards of another kind',), api=2)]"
    install("zoo-plugin-next", family("", result=newer), requires="zoo-core<10,>=9.1")
    (plugin,) = load(tmp_path).plugins
    assert isinstance(plugin.error, PluginContractError)
    assert str(plugin.error) == (
        "The plugin 'zoo-plugin-next' of zoo-plugin-next 1.0 brings the family 'next', written for version 2 of the "
        "plugin contract. This zoo-core knows version 1 and older.\n"
        "Install zoo-core<10,>=9.1."
    )


@pytest.mark.parametrize(
    ("group", "source", "result", "what"),
    [
        ("zoo.devices", DEVICE, "[Thing()]", "the device 'it'"),
        ("zoo.backends", BACKEND, "[Engine()]", "the engine 'it'"),
        ("zoo.models", FAMILY, "[Family('it', 'It', (), api=1)]", "the family 'it'"),
    ],
)
@pytest.mark.parametrize(
    ("api", "says", "hint"),
    [
        ("2", "written for version 2 of the plugin contract. This zoo-core knows version 1 and older.", "zoo-core>=9"),
        ("0", "written for version 0 of the plugin contract. This zoo-core knows version 1.", "zoo-bad  (or write"),
        ("None", "which does not say for which version of the plugin contract", "zoo-bad  (or write api=1"),
    ],
)
def test_what_is_written_for_another_contract_is_refused_with_the_command_that_helps(
    install: Install, tmp_path: Path, group: str, source: str, result: str, what: str, api: str, says: str, hint: str
) -> None:
    source = source.replace("KIND", "it").replace("RESULT", result)
    source = source.replace("api = 1", f"api = {api}").replace("api=1", f"api={api}")
    install("zoo-bad", source, group=group, requires="zoo-core>=9")
    (plugin,) = load(tmp_path).plugins
    assert isinstance(plugin.error, PluginContractError)
    assert plugin.error.message.startswith(f"The plugin 'zoo-bad' of zoo-bad 1.0 brings {what}, {says}")
    assert hint in plugin.error.hint


def test_an_engine_or_device_that_does_not_state_its_contract_is_refused(install: Install, tmp_path: Path) -> None:
    """As those that were written before there was one."""
    install(
        "zoo-old",
        BACKEND.replace("KIND", "old").replace("    api = 1\n", "").replace("RESULT", "[Engine()]"),
        group="zoo.backends",
    )
    (plugin,) = load(tmp_path).plugins
    assert isinstance(plugin.error, PluginContractError)
    assert "the engine 'old', which does not say for which version" in plugin.error.message


def test_what_zoo_core_brings_is_left_out_by_its_name_only() -> None:
    for switch, left_out in (("1", []), ("all", []), ("zoo-core", ["cpu", "paddle"]), ("paddle,all", ["paddle"])):
        points = [point for group in ("zoo.devices", "zoo.backends") for point in metadata.entry_points(group=group)]
        plugins = load_plugins(points, switch).plugins
        assert [p.name for p in plugins if p.disabled and p.distribution == "zoo-core"] == left_out, switch
        assert all(p.error is None for p in plugins if p.distribution == "zoo-core")


@pytest.mark.parametrize(
    ("group", "source", "kind", "result", "fault"),
    [
        ("zoo.devices", DEVICE, "npu", "[Thing]", "returned the class Thing where a zoo.plugin.Device object"),
        ("zoo.devices", DEVICE, "npu", "['npu']", "returned 'npu' where a zoo.plugin.Device object"),
        ("zoo.devices", DEVICE, "n/u", "[Thing()]", "the device name 'n/u' is not allowed"),
        ("zoo.devices", DEVICE, "Auto", "[Thing()]", "the device name 'Auto' is not allowed; it leaves the choice"),
        ("zoo.devices", DEVICE, "npu", made("environ=None"), "'npu' has None in 'environ' where Mapping was expected"),
        ("zoo.devices", DEVICE, "npu", made("environ={'X': 2}"), "'npu' has 2 in 'environ' where str was expected"),
        ("zoo.devices", DEVICE, "npu", made("environ={2: 'X'}"), "'npu' has 2 in 'environ' where str was expected"),
        ("zoo.devices", DEVICE, "npu", made("install=None"), "'npu' has None in 'install' where str was expected"),
        ("zoo.backends", BACKEND, "x", "[object()]", "returned an object of type object where a zoo.plugin.Backend"),
        ("zoo.backends", BACKEND, "x", "[Engine]", "returned the class Engine where a zoo.plugin.Backend object"),
        ("zoo.backends", BACKEND, "auto", "[Engine()]", "the engine name 'auto' is not allowed; it leaves the choice"),
    ],
)
def test_devices_and_engines_are_checked(
    install: Install, tmp_path: Path, group: str, source: str, kind: str, result: str, fault: str
) -> None:
    install("zoo-bad", source.replace("KIND", kind).replace("RESULT", result), group=group)
    (plugin,) = load(tmp_path).plugins
    assert isinstance(plugin.error, PluginError)
    assert fault in plugin.error.message
    assert "zoo-bad" in plugin.error.message


@pytest.mark.parametrize("order", [1, -1])
def test_one_model_name_in_two_distributions_is_an_error_naming_both_when_it_is_used(
    install: Install, tmp_path: Path, order: int
) -> None:
    install("zoo-plugin-one", family("one", "Shared", "One"))
    install("zoo-plugin-two", family("two", "SHARED", "Two"))
    discovery = load_plugins(entry_points(tmp_path)[::order])
    with pytest.raises(DuplicateNameError) as caught:
        discovery.models["shared"]
    assert str(caught.value) == (
        "The model name 'Shared' is brought by zoo-plugin-one (family 'one') and by zoo-plugin-two (family 'two'). "
        "Each name must mean one model.\n"
        "Run: pip uninstall zoo-plugin-two  (or leave it out: ZOO_DISABLE_PLUGINS=zoo-plugin-two)"
    )
    assert discovery.models["One"].distribution == "zoo-plugin-one"
    assert discovery.models["Two"].distribution == "zoo-plugin-two"
    for plugin in discovery.plugins:
        assert plugin.error is None
        assert [type(problem) for problem in discovery.problems(plugin)] == [DuplicateNameError]


def test_an_alias_clashes_like_a_name_and_the_model_behind_it_is_still_found(install: Install, tmp_path: Path) -> None:
    install("zoo-plugin-one", family("", result="[Family('one', 'One', (card('One', aliases=('two',)),), api=1)]"))
    install("zoo-plugin-two", family("two", "Two"))
    discovery = load(tmp_path)
    assert discovery.models["one"].card.name == "One"
    with pytest.raises(DuplicateNameError, match=r"'two'.*zoo-plugin-one.*zoo-plugin-two"):
        discovery.models["Two"]


def test_two_families_of_one_distribution_may_not_share_a_model_name(install: Install, tmp_path: Path) -> None:
    families = "[Family('f', 'F', (card('m'),), api=1), Family('g', 'G', (card('m'),), api=1)]"
    install("zoo-plugin-bad", family("", result=families))
    with pytest.raises(DuplicateNameError, match=r"zoo-plugin-bad \(family 'f'\) and by zoo-plugin-bad \(family 'g'\)"):
        load(tmp_path).models["m"]


@pytest.mark.parametrize(
    ("group", "source", "index"),
    [
        ("zoo.models", family("same"), "families"),
        ("zoo.devices", DEVICE.replace("RESULT", "[Thing()]").replace("KIND", "same"), "devices"),
        ("zoo.backends", BACKEND.replace("RESULT", "[Engine()]").replace("KIND", "same"), "backends"),
    ],
)
def test_families_devices_and_engines_of_one_name_clash(
    install: Install, tmp_path: Path, group: str, source: str, index: str
) -> None:
    install("zoo-one", source, group=group)
    install("zoo-two", source, group=group)
    discovery = load(tmp_path)
    with pytest.raises(DuplicateNameError, match=r"zoo-one.*zoo-two"):
        getattr(discovery, index).get("Same")
    assert len(discovery.problems()) == 1


@pytest.mark.parametrize(
    ("switch", "left_out"),
    [
        ("1", {"zoo-plugin-one", "zoo-plugin-two"}),
        ("all", {"zoo-plugin-one", "zoo-plugin-two"}),
        ("Zoo_Plugin.One", {"zoo-plugin-one"}),
        ("second, zoo-plugin-other", {"zoo-plugin-two"}),
        ("", set[str]()),
    ],
)
def test_plugins_that_are_switched_off_are_shown_but_never_imported(
    install: Install, tmp_path: Path, switch: str, left_out: set[str]
) -> None:
    install("zoo-plugin-one", "raise RuntimeError")
    install("zoo-plugin-two", "raise RuntimeError", name="second")
    plugins = load(tmp_path, switch).plugins
    assert {plugin.distribution for plugin in plugins if plugin.disabled} == left_out
    assert {plugin.distribution for plugin in plugins if plugin.error} == {p.distribution for p in plugins} - left_out


def test_damaged_metadata_does_not_stop_a_plugin_or_hide_its_place(install: Install, tmp_path: Path) -> None:
    install("zoo-plugin-good", family("good", "Good-S"))
    (tmp_path / "zoo_plugin_good-1.0.dist-info" / "METADATA").unlink()
    (plugin,) = load(tmp_path).plugins
    assert plugin.error is None
    assert str(tmp_path) in plugin.distribution


def test_of_two_copies_of_a_distribution_the_first_on_the_path_counts(tmp_path: Path) -> None:
    for copy, model in (("editable", "Fresh"), ("installed", "Stale")):
        (tmp_path / copy).mkdir()
        install_into(tmp_path / copy, "zoo-plugin-twice", family("twice", model))
    code = "from zoo.registry import discover; d = discover(); print([*d.models], [p.distribution for p in d.plugins])"
    done = python("-c", code, path=(tmp_path / "editable", tmp_path / "installed"))
    assert done.returncode == 0, done.stderr
    assert "'Fresh'" in done.stdout
    assert "'Stale'" not in done.stdout
    assert done.stdout.count("zoo-plugin-twice") == 1


@pytest.mark.parametrize("content", [b"[zoo.models]\na line without its half\n", b"[zoo.models]\nx = \xff\xfe\n"])
def test_a_damaged_entry_points_file_is_shown_and_the_others_work(tmp_path: Path, content: bytes) -> None:
    install_into(tmp_path, "zoo-plugin-good", family("good", "Good-S"))
    install_into(tmp_path, "zoo-plugin-torn", "")
    (tmp_path / "zoo_plugin_torn-1.0.dist-info" / "entry_points.txt").write_bytes(content)
    code = "from zoo.registry import discover; d = discover('zoo.models'); print([*d.models], d.problems()[0].message)"
    done = python("-c", code, path=(tmp_path,))
    assert done.returncode == 0, done.stderr
    assert "'Good-S'" in done.stdout
    assert "The file entry_points.txt of zoo-plugin-torn 1.0 cannot be read" in done.stdout


def test_a_plugin_is_imported_by_the_commands_that_need_it_and_by_no_other(tmp_path: Path) -> None:
    for group in HOOKS:
        name = group.replace("zoo.", "slow-")
        install_into(tmp_path, name, f"import sys; sys.stderr.write('importing {name}')", group=group)
    imported = {
        arguments: python("-m", "zoo", *arguments, path=(tmp_path,), ZOO_HOME=str(tmp_path)).stderr
        for arguments in [("--version",), ("--help",), ("list-models", "--help"), ("list-models",), ("plugins",)]
    }
    assert "importing" not in imported["--version",]
    assert "importing" not in imported["--help",]
    assert "importing" not in imported["list-models", "--help"]
    assert "importing slow-models" in imported["list-models",]
    assert "importing slow-devices" not in imported["list-models",]
    assert "importing slow-backends" not in imported["list-models",]
    assert "importing slow-formats" not in imported["list-models",]
    assert imported["plugins",].count("importing") == len(HOOKS)


def test_what_was_found_is_kept_until_it_is_refreshed(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "new").mkdir()
    install_into(tmp_path / "new", "zoo-plugin-late", family("late", "Late"))
    code = (
        "import sys; from zoo.registry import discover, refresh; first = discover('zoo.models');"
        f"sys.path.insert(0, {str(tmp_path / 'new')!r}); assert discover('zoo.models') is first;"
        "refresh(); print('Late' in discover('zoo.models').models)"
    )
    done = python("-c", code, path=(tmp_path / "site",))
    assert done.stdout == "True\n", done.stderr
