"""`zoo doctor`: what is wrong with this machine, and whether a model still gives the result it must give."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib import metadata
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import zoo
from zoo.base.processor import processor
from zoo.bundle.bundle import Bundle
from zoo.bundle.calibration import calibration_path
from zoo.cli.commands.doctor import doctor
from zoo.contract.labels import CAMVID
from zoo.doctor import LEAST_AGREEMENT, Finding, examine, self_test
from zoo.doctor.environment import without_credentials
from zoo.engine.trial import Trial
from zoo.errors import FetchError, PluginContractError
from zoo.learn.data import read_mask
from zoo.proof.chosen import Chosen
from zoo.registry import find_model, refresh
from zoo.registry.catalogue import Catalogue, CatalogueDevice, render
from zoo.registry.formats import zoo_formats
from zoo.store.embedded import embedded_folder
from zoo.store.find import find_bundle

REPO = Path(__file__).resolve().parents[2]
PLUGINS = sorted(folder for folder in (REPO / "plugins").iterdir() if (folder / "pyproject.toml").is_file())
TOPICS = ["system", "packages", "plugins", "engines", "devices", "cache", "settings"]
PROXIES = [case for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY") for case in (name, name.lower())]

DEVICE = """
from zoo.plugin import Device, Probe, hookimpl

class Thing(Device):
    kind = "KIND"
    api = 1
    tried_first = False
    def probe(self):
        PROBE
    def configure(self, config, index): pass

@hookimpl
def zoo_devices():
    return [Thing()]
"""

WRONG = """
from dataclasses import replace
from zoo.plugin import Embedded, Family, hookimpl
from zoo_plugin_starter.card import STARTER

@hookimpl
def zoo_families():
    card = replace(STARTER, name="other-starter", self_test=Embedded("zoo_plugin_other", "expected"))
    return [Family("other", "Other", (card,), api=1)]
"""


def add(site: Path, distribution: str, source: str = "", group: str = "", module: str = "") -> None:
    """Writes what pip leaves behind: a dist-info folder and, when given, a module."""
    module = module or distribution.replace("-", "_")
    info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    if group:
        (info / "entry_points.txt").write_text(f"[{group}]\nit = {module}\n")
    if source:
        (site / f"{module}.py").write_text(source)


def python(code: str, *arguments: str, path: tuple[Path, ...] = (), flags: tuple[str, ...] = (), **variables: str):
    """Runs code in an interpreter of its own, without the proxies and settings of the machine that runs the tests."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in PROXIES and not name.startswith("ZOO_")
    }
    places = os.pathsep.join(map(str, (*path, REPO, *PLUGINS)))
    environment = {**inherited, "PYTHONPATH": places, "PYTHONIOENCODING": "utf-8", **variables}
    command = [sys.executable, *flags, "-c", code, *arguments]
    # The current folder comes first on the path of `python -c`; it must not be this checkout.
    return subprocess.run(
        command, env=environment, cwd=os.sep, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


def zoo_doctor(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return python("from zoo.cli.commands.doctor import doctor; doctor(prog_name='zoo doctor')", *arguments, **options)


def findings(done: subprocess.CompletedProcess[str] | Result) -> list[Finding]:
    """Returns the findings of `zoo doctor --json`; its exit code must agree with them."""
    document = json.loads(done.stdout)
    found = [Finding(**finding) for finding in document["findings"]]
    problems = [finding for finding in found if finding.state == "problem"]
    assert document["problems"] == len(problems)
    assert (done.exit_code if isinstance(done, Result) else done.returncode) == bool(problems), done.stderr
    assert all(finding.help for finding in problems)
    return found


def here(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[Finding]:
    """Returns the findings in this process with these environment variables."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return findings(run("--json"))


def named(found: list[Finding], name: str, topic: str | None = None) -> Finding:
    (finding,) = [finding for finding in found if finding.name == name and topic in (None, finding.topic)]
    return finding


def packages_without(folder: Path, *left_out: str) -> Path:
    """Makes a folder with the installed packages except some; to be used with `python -S`."""
    folder.mkdir()
    # Two folders where the environment is laid over another one.
    for packages in {Path(np.__file__).parents[1], Path(str(metadata.distribution("zoo-core").locate_file("")))}:
        for entry in packages.iterdir():
            if not entry.name.startswith(left_out) and not (folder / entry.name).is_symlink():
                (folder / entry.name).symlink_to(entry)
    return folder


@contextlib.contextmanager
def installed(site: Path) -> Iterator[None]:
    """Installs the plugins of a folder for a while."""
    before = set(sys.modules)
    sys.path.insert(0, str(site))
    refresh()
    try:
        yield
    finally:
        sys.path.remove(str(site))
        refresh()
        for name in set(sys.modules) - before:
            if name.startswith("zoo_plugin_other"):
                del sys.modules[name]


def other_starter(site: Path) -> Path:
    """Makes a plugin whose model is the starter with a self-test of its own. Returns the folder for the files."""
    add(site, "zoo-plugin-other", group="zoo.models")
    (site / "zoo_plugin_other" / "expected").mkdir(parents=True)
    (site / "zoo_plugin_other" / "__init__.py").write_text(WRONG)
    return site / "zoo_plugin_other" / "expected"


def starter_files() -> Path:
    """Returns the folder of the starter's own self-test."""
    place = find_model("starter").card.self_test
    assert place is not None
    return embedded_folder(place)


@functools.cache
def starter_mask() -> np.ndarray:
    """Returns what the starter gives here for the picture of its self-test."""
    with zoo.load("starter") as model:
        return model.predict(starter_files() / "picture.png").one().mask


def run(*arguments: str) -> Result:
    return CliRunner().invoke(doctor, list(arguments))


def test_the_report_has_every_topic_and_the_json_holds_all_that_the_text_shows(tmp_path: Path) -> None:
    home = str(tmp_path / "cache")
    found = findings(zoo_doctor("--json", ZOO_HOME=home))
    text = zoo_doctor(ZOO_HOME=home)
    assert text.returncode == 0, text.stdout
    assert list(dict.fromkeys(finding.topic for finding in found)) == TOPICS
    shown = [line.split() for line in text.stdout.splitlines()]
    volatile = {"memory", "disk"}
    for finding in found:
        words = [finding.state, *finding.name.split(), *finding.value.split()]
        assert words in shown or finding.name in volatile, finding
        assert not finding.help or finding.help.split() in shown
    assert [line[0].lower() for line in shown if len(line) == 1] == TOPICS
    # A kind of device whose paddle is not here is worth knowing.
    assert text.stderr == f"0 problems, {sum(finding.state == 'note' for finding in found)} notes\n"
    assert {field.name for field in fields(Finding)} == {"topic", "name", "value", "state", "help"}


def test_the_report_says_what_metadata_discovery_and_the_machine_say() -> None:
    found = list(examine().findings)
    for name, distribution in {"zoo-core": "zoo-core", "numpy": "numpy", "Pillow": "pillow"}.items():
        assert named(found, name, "packages").value == f"{distribution} {version(distribution)}"
    assert "paddlepaddle" in named(found, "paddle", "packages").value
    assert named(found, "zoo").value.startswith(zoo.__version__)
    assert sys.executable in named(found, "Python").value
    assert named(found, "zoo-plugin-starter") == Finding("plugins", "zoo-plugin-starter", "0.1.0: starter")
    assert [finding.value for finding in found if (finding.topic, finding.name) == ("plugins", "zoo-core")] == [
        f"{zoo.__version__}: {brings}" for brings in ("cpu", "paddle", ", ".join(form.name for form in zoo_formats()))
    ]
    assert named(found, "paddle", "engines").value == "runs on cpu"


def test_nothing_is_imported_asked_of_the_network_or_left_behind(tmp_path: Path) -> None:
    code = (
        "import sys; events = []\n"
        "sys.addaudithook(lambda event, _: event.startswith('socket.') and events.append(event))\n"
        "import socket; socket.socket().close(); assert events.pop() == 'socket.__new__'\n"
        "from zoo.doctor import examine; examine()\n"
        "print(events, sorted({'numpy', 'paddle', 'PIL', 'requests'} & set(sys.modules)))"
    )
    done = python(code, ZOO_HOME=str(tmp_path / "deep" / "cache"), HTTPS_PROXY="http://127.0.0.1:9")
    assert done.stdout == "[] []\n", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_paddle_that_is_not_installed_is_a_problem_with_its_pip_line(tmp_path: Path) -> None:
    site = packages_without(tmp_path / "site", "paddle")
    alone = {"ZOO_HOME": str(tmp_path), "ZOO_DISABLE_PLUGINS": "zoo-backend-onnxruntime,zoo-backend-openvino"}
    found = findings(zoo_doctor("--json", path=(site,), flags=("-S",), **alone))
    assert named(found, "paddle", "packages").value == "not installed"
    assert named(found, "paddle", "engines") == Finding(
        "engines",
        "paddle",
        "not on cpu: paddlepaddle is not installed",
        "problem",
        'Run: pip install "paddlepaddle>=3.2.2,<3.3" setuptools',
    )
    assert {finding.topic for finding in found} == set(TOPICS)
    assert [finding.topic for finding in found if finding.state == "problem"] == ["engines"]


def test_a_missing_numpy_does_not_stop_the_report(tmp_path: Path) -> None:
    site = packages_without(tmp_path / "site", "numpy")
    found = findings(zoo_doctor("--json", path=(site,), flags=("-S",), ZOO_HOME=str(tmp_path)))
    assert named(found, "numpy") == Finding("packages", "numpy", "not installed", "problem", "Run: pip install numpy")
    assert {finding.topic for finding in found} == set(TOPICS)


@pytest.mark.parametrize(
    ("distributions", "module", "value", "state", "hint"),
    [
        (("opencv-python",), "cv2", "opencv-python 1.0", "ok", ""),
        ((), "cv2", "of no known distribution, {site}/cv2.py", "note", ""),
        (
            ("opencv-python-headless", "opencv-contrib-python"),
            "cv2",
            "opencv-python-headless 1.0 and opencv-contrib-python 1.0: each brings the module cv2 and overwrites the "
            "other's files",
            "note",
            "Run: pip uninstall opencv-python-headless opencv-contrib-python  and then: pip install "
            "opencv-python-headless",
        ),
        (
            ("opencv-python-headless",),
            "",
            "opencv-python-headless 1.0, but the module cv2 cannot be found",
            "note",
            "Run: pip install --force-reinstall --no-deps opencv-python-headless",
        ),
    ],
)
def test_the_distributions_that_bring_cv2_are_named(
    tmp_path: Path, distributions: tuple[str, ...], module: str, value: str, state: str, hint: str
) -> None:
    site = packages_without(tmp_path / "site", "cv2", "opencv")
    for distribution in distributions:
        add(site, distribution)
    if module:
        (site / f"{module}.py").write_text("raise RuntimeError('imported')")
    found = findings(zoo_doctor("--json", path=(site,), flags=("-S",), ZOO_HOME=str(tmp_path)))
    assert named(found, "cv2") == Finding("packages", "cv2", value.format(site=site), state, hint)


def test_two_distributions_of_paddle_are_a_problem(tmp_path: Path) -> None:
    add(tmp_path, "paddlepaddle-gpu")
    finding = named(findings(zoo_doctor("--json", path=(tmp_path,), ZOO_HOME=str(tmp_path))), "paddle", "packages")
    assert (finding.state, "paddlepaddle-gpu 1.0" in finding.value) == ("problem", True)
    assert finding.help.startswith("Run: pip uninstall paddlepaddle paddlepaddle-gpu")


def test_damaged_metadata_of_a_package_is_shown(tmp_path: Path) -> None:
    add(tmp_path, "onnxruntime", "x = 1")
    (tmp_path / "onnxruntime-1.0.dist-info" / "METADATA").unlink()
    finding = named(findings(zoo_doctor("--json", path=(tmp_path,), ZOO_HOME=str(tmp_path))), "onnxruntime", "packages")
    assert (finding.value, finding.state) == ("onnxruntime (its METADATA is damaged)", "note")


def test_broken_plugins_are_listed_with_their_reason_and_the_command_that_helps(tmp_path: Path) -> None:
    add(tmp_path, "zoo-plugin-bad", "raise RuntimeError('no luck \\x1b[31m today')", "zoo.models")
    add(tmp_path, "zoo-plugin-off", "raise RuntimeError", "zoo.models")
    done = zoo_doctor("--json", path=(tmp_path,), ZOO_HOME=str(tmp_path), ZOO_DISABLE_PLUGINS="zoo-plugin-off")
    found = findings(done)
    broken = named(found, "zoo-plugin-bad")
    assert broken.state == "problem"
    assert "RuntimeError: no luck \\x1b[31m today" in broken.value
    assert broken.help.startswith("Install zoo-plugin-bad again from where it came")
    assert named(found, "zoo-plugin-off").state == "note"
    assert named(found, "ZOO_DISABLE_PLUGINS").value == "zoo-plugin-off"
    assert named(found, "zoo-plugin-starter").state == "ok"
    text = zoo_doctor(path=(tmp_path,), ZOO_HOME=str(tmp_path), ZOO_DISABLE_PLUGINS="zoo-plugin-off")
    assert text.returncode == 1
    assert "\x1b" not in text.stdout
    assert text.stderr == f"1 problem, {sum(finding.state == 'note' for finding in found)} notes\n"


@pytest.mark.parametrize(
    ("probe", "value", "state"),
    [
        ("return Probe(2)", "2", "ok"),
        ("return Probe(0, 'no driver')", "none: no driver", "note"),
        (
            "raise OSError('gone')",
            "none: plugin 'it' of zoo-device-thing 1.0 failed in its probe with OSError: gone",
            "note",
        ),
    ],
)
def test_devices_have_a_count_or_a_reason(tmp_path: Path, probe: str, value: str, state: str) -> None:
    add(tmp_path, "zoo-device-thing", DEVICE.replace("KIND", "thing").replace("PROBE", probe), "zoo.devices")
    found = findings(zoo_doctor("--json", path=(tmp_path,), ZOO_HOME=str(tmp_path)))
    finding = named(found, "thing")
    assert (finding.topic, finding.value, finding.state) == ("devices", value, state)
    assert named(found, "cpu").state == "ok"


def test_devices_of_the_catalogue_that_are_not_installed_have_the_line_that_installs_them(tmp_path: Path) -> None:
    """Runs a copy of the package, as a wheel installs it, whose catalogue knows two devices."""
    shutil.copytree(REPO / "zoo", tmp_path / "zoo", ignore=shutil.ignore_patterns("__pycache__"))
    known = [CatalogueDevice(kind, kind, f"zoo-device-{kind}") for kind in ("gcu", "dcu")]
    (tmp_path / "zoo" / "registry.yaml").write_bytes(render(Catalogue((), tuple(known))))
    add(tmp_path, "zoo-device-dcu", DEVICE.replace("KIND", "dcu").replace("PROBE", "return Probe(1)"), "zoo.devices")
    found = findings(zoo_doctor("--json", path=(tmp_path,), ZOO_HOME=str(tmp_path)))
    hint = "Run in a clone of zoo: pip install ./plugins/zoo-device-gcu  (it is on no public index yet)"
    assert named(found, "gcu") == Finding("devices", "gcu", "not installed", "ok", hint)
    assert named(found, "dcu").value == "1"
    (tmp_path / "zoo" / "registry.yaml").write_text("{")
    assert named(findings(zoo_doctor("--json", path=(tmp_path,))), "catalogue").state == "problem"


def test_a_kind_that_two_plugins_bring_is_a_problem_and_ends_nothing(tmp_path: Path) -> None:
    for name in ("one", "two"):
        add(tmp_path, f"zoo-{name}", DEVICE.replace("KIND", "thing").replace("PROBE", "return Probe(1)"), "zoo.devices")
    found = findings(zoo_doctor("--json", path=(tmp_path,), ZOO_HOME=str(tmp_path)))
    devices = [finding for finding in found if (finding.topic, finding.name) == ("devices", "thing")]
    assert [finding.value for finding in devices] == 2 * [
        "none: The device name 'thing' is brought by plugin 'it' of zoo-one 1.0 and by plugin 'it' of zoo-two 1.0. "
        "Each name must mean one device"
    ]
    assert {finding.topic for finding in found if finding.state == "problem"} == {"plugins"}


def test_the_cache_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "weights").write_bytes(bytes(1_250_000))
    (tmp_path / "loop").symlink_to(tmp_path)
    found = here(monkeypatch, ZOO_HOME=str(tmp_path))
    assert named(found, "folder").value == f"{tmp_path}, writable"
    assert named(found, "size").value == "1.2 MB, number of files: 1"
    assert named(found, "disk").value.endswith(" GB free")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("{here}/file", "{here}/file is not a folder"),
        ("{here}/file/cache", "{here}/file/cache cannot be made: {here}/file is not a folder"),
        ("{here}/dangling", "{here}/dangling is not a folder"),
        ("{here}/" + 300 * "x", "{here}/" + 300 * "x" + " cannot be used: File name too long"),
        ("/proc/zoo", "/proc/zoo cannot be made: /proc is not writable"),
        ("/proc/sys/user", "/proc/sys/user is not writable"),
        ("~nobody-of-this-name/zoo", "ZOO_HOME is"),
    ],
)
def test_a_cache_that_cannot_be_used_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, value: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    finding = named(here(monkeypatch, ZOO_HOME=place.format(here=tmp_path)), "folder")
    assert (finding.topic, finding.state) == ("cache", "problem")
    assert finding.value.startswith(value.format(here=tmp_path))
    assert "export ZOO_HOME=" in finding.help


@pytest.mark.parametrize("home", [None, "", "/nowhere"])
def test_the_report_works_without_a_home(monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    for name in ("HOME", "ZOO_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    found = here(monkeypatch, **({} if home is None else {"HOME": home}))
    assert {finding.topic for finding in found} == set(TOPICS)
    assert named(found, "ZOO_HOME").value == "not set"


def test_what_is_kept_of_trials_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))

    def keep(engine: str, device: str, setting: str, preferred: str, *programs: str) -> None:
        for program in programs:
            Trial(program, engine.split()[0], device, "float32", (engine,)).keep(setting, preferred)

    keep("paddle 3.2.2", "cpu", "oneDNN", "oneDNN", "a", "b")
    keep("paddle 3.2.2", "cpu", "plain", "oneDNN", "c")
    keep("paddle 3.2.2", "cpu:1", "plain", "oneDNN", "a")
    keep("paddle 3.3.1", "cpu", "plain", "oneDNN", "a")
    keep("fast 1.0", "npu:1", "", "", "a")
    (tmp_path / "engines" / f"{'0' * 64}.trial.json").write_text("{")
    (tmp_path / "engines" / f"{'1' * 64}.trial.json").write_text('{"setting": "plain"}')
    assert [(kept.value, kept.state, kept.help) for kept in examine().findings if kept.name == "trials"] == [
        ("damaged records: 2; their programs will be tried again", "note", ""),
        ("not of this environment: programs of fast 1.0 that run on npu:1: 1", "ok", ""),
        ("programs of paddle 3.2.2 that run on cpu with oneDNN: 2", "ok", ""),
        ("programs of paddle 3.2.2 that run on cpu with plain: 1", "ok", ""),
        (
            "programs of paddle 3.2.2 that run on cpu:1 with plain: 1",
            "note",
            'It is slower than oneDNN, which failed here. Run: pip install "paddlepaddle>=3.2.2,<3.3" setuptools  '
            "(or, to try it again: zoo cache rm --trials)",
        ),
        ("not of this environment: programs of paddle 3.3.1 that run on cpu with plain: 1", "ok", ""),
    ]


def test_what_zoo_optimize_found_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "engines").mkdir()
    assert [each for each in here(monkeypatch, ZOO_HOME=str(tmp_path)) if each.name == "zoo optimize"] == []
    Chosen("a", "cpu", "float32", "x86", "openvino", 0.9999, 20, "golden", {}, 1).keep()
    calibration_path("b").parent.mkdir()
    calibration_path("b").touch()
    found = named(here(monkeypatch, ZOO_HOME=str(tmp_path)), "zoo optimize")
    assert (found.topic, found.state, found.value) == ("cache", "ok", "choices: 1, int8 calibrations: 1")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://user:hunter2@proxy.example:3128", "http://proxy.example:3128"),
        ("user:hunter2@proxy.example:3128", "proxy.example:3128"),
        ("socks5h://hunter2@[2001:db8::1]:1080/", "socks5h://[2001:db8::1]:1080/"),
        ("https://host/base?token=hunter2#hunter2", "https://host/base"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("*.example", "*.example"),
    ],
)
def test_addresses_are_shown_without_their_credentials(address: str, expected: str) -> None:
    assert without_credentials(address) == expected


@given(user=st.text(), password=st.text())
def test_no_password_however_odd_survives(user: str, password: str) -> None:
    assert without_credentials(f"http://{user}:{password}@host:3128") == "http://host:3128"
    # Without a scheme a user's name may look like one.
    bare = without_credentials(f"{user}:{password}@host:3128")
    assert bare in ("host:3128", f"{user.partition(':')[0]}://host:3128")


@pytest.mark.parametrize(
    "value",
    [
        "http://user:hunter2@host.example:3128",
        "http://user:hunt@hunter2@host.example:3128",
        "http://user:a/hunter2@host.example",
        "http://user:#?hunter2@host.example",
        "user:hunter2",
        "http://user:hunter2",
        "http://user:hunter2 @host.example",
        "user:1,hunter2@host.example",
        "file://user:hunter2@host.example",
    ],
)
def test_credentials_are_never_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    for name in (*PROXIES, "ZOO_MIRROR"):
        monkeypatch.setenv(name, value)
    for arguments in ([], ["--json"]):
        done = run(*arguments)
        assert "hunt" not in done.output
        assert all(name in done.output for name in (*PROXIES, "ZOO_MIRROR"))


def test_of_two_spellings_of_a_proxy_the_one_that_counts_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = here(monkeypatch, HTTPS_PROXY="http://one:1", https_proxy="http://two:2")
    assert named(found, "HTTPS_PROXY").value == "http://one:1; not used, https_proxy counts"
    assert named(found, "https_proxy").value == "http://two:2"
    assert named(found, "HTTP_PROXY").value == "not set"


@pytest.mark.parametrize(
    ("name", "value", "shown", "state"),
    [
        ("ZOO_OFFLINE", "1", "1: nothing is downloaded", "note"),
        ("ZOO_OFFLINE", "0", "0", "ok"),
        ("ZOO_OFFLINE", "maybe", "ZOO_OFFLINE is 'maybe'; 1 or 0 was expected.", "problem"),
        ("ZOO_ALLOW_HTTP", "1", "1", "note"),
        ("ZOO_ALLOW_HTTP", "yes", "yes: has no effect; only 1 permits plain http", "note"),
        ("ZOO_MIRROR", "https://u:p@mirror.example/zoo", "https://mirror.example/zoo (credentials left out)", "note"),
        ("ZOO_MIRROR", "/no/such/folder", "/no/such/folder; it cannot be used", "problem"),
        ("ZOO_MIRROR", "/", "/", "note"),
    ],
)
def test_settings_say_what_they_do(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, shown: str, state: str
) -> None:
    finding = named(here(monkeypatch, **{name: value}), name)
    assert (finding.value, finding.state) == (shown, state)


def test_the_self_test_of_the_starter_is_passed() -> None:
    done = run("starter", "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.output)
    assert document["state"] == "ok"
    assert LEAST_AGREEMENT <= document["agreement"] <= 1
    assert (document["model"], document["device"], document["size"]) == ("starter", "cpu", [180, 320])
    assert document["engine"].startswith(f"paddle {version('paddlepaddle')}, ")
    assert list(document["seconds"]) == ["load", "read", "preprocess", "inference", "postprocess"]
    assert all(seconds > 0 for seconds in document["seconds"].values())


def test_threads_of_engines_are_told_in_chinese_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a child tells them, in English."""
    monkeypatch.setenv("ZOO_LANG", "zh")
    [engine, proven] = [line for line in run("starter").output.splitlines() if line.startswith("引擎")]
    assert engine.endswith("线程")
    assert proven.endswith("线程")


def test_the_expected_mask_of_the_starter_has_the_classes_of_a_street() -> None:
    mask = read_mask(starter_files() / "mask.png")
    assert {CAMVID.names[value] for value in np.unique(mask)} == set(CAMVID.names)
    assert sum(path.stat().st_size for path in starter_files().iterdir()) < 100_000


def spoil(folder: Path, wrong: int) -> int:
    """Writes the mask the starter gives here, spoilt in a number of its pixels; returns how many there are."""
    shutil.copy(starter_files() / "picture.png", folder)
    mask = starter_mask().copy()
    places = np.random.default_rng(0).choice(mask.size, wrong, replace=False)
    mask.flat[places] = (mask.flat[places] + 1) % len(CAMVID)
    Image.fromarray(mask).save(folder / "mask.png")
    return mask.size


# On two cores it takes long: `make test-all`.
@pytest.mark.full
@pytest.mark.parametrize(("least", "state"), [(0.9, "ok"), (0.998, "problem"), (0.9999, "problem")])
def test_the_bound_that_zoo_optimize_keeps_is_that_of_the_self_test_where_it_is_smaller(
    home: Path, tmp_path: Path, least: float, state: str
) -> None:
    spoil(other_starter(tmp_path), 288)  # 0.995
    with installed(tmp_path):
        program = find_bundle("other-starter").verify()
        Chosen(program.digest, "cpu", "float32", processor(), "paddle", least, 1, "golden", {}, 1).keep()
        result = self_test("other-starter")
    assert result.state == state
    assert f" {min(least, 0.999)} or more was expected" in result.message


@pytest.mark.parametrize(("wrong", "state"), [(57, "ok"), (58, "problem")])
def test_a_wrong_mask_is_a_problem_from_one_pixel_in_a_thousand(tmp_path: Path, wrong: int, state: str) -> None:
    """The mask the model gives here, spoilt in a known number of its 57600 pixels."""
    size = spoil(other_starter(tmp_path), wrong)
    with installed(tmp_path):
        done = run("other-starter")
    agreement = 1 - wrong / size
    words = [line.split(maxsplit=1) for line in done.output.splitlines()]
    assert ["State", state] in words
    assert ["Outcome", f"{agreement:.6f} of the pixels have the expected class; 0.999 or more was expected."] in words
    assert done.exit_code == (state == "problem")
    hint = "Install zoo-plugin-other again from where it came  (if it stays wrong"
    assert done.stderr.startswith(hint) == (state == "problem")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda folder: (folder / "mask.png").unlink(), "mask.png"),
        (lambda folder: (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n cut"), "picture.png"),
        (lambda folder: Image.new("L", (8, 8)).save(folder / "mask.png"), "180x320 but its mask"),
        (
            lambda folder: Image.new("RGB", (320, 180), (1, 2, 3)).save(folder / "mask.png"),
            "nothing says which class a colour is",
        ),
    ],
)
def test_a_damaged_self_test_is_an_error_of_its_plugin(tmp_path: Path, fault, reason: str) -> None:
    folder = other_starter(tmp_path)
    for name in ("picture.png", "mask.png"):
        shutil.copy(starter_files() / name, folder)
    fault(folder)
    with installed(tmp_path), pytest.raises(PluginContractError) as caught:
        self_test("other-starter")
    assert caught.value.message.startswith("The self-test of other-starter cannot be used: ")
    assert reason in caught.value.message
    assert caught.value.hint == "Install zoo-plugin-other again from where it came."


# On two cores it takes long: `make test-all`.
@pytest.mark.full
def test_a_model_without_a_self_test_is_run_and_the_report_says_that_this_is_all(bundle: Bundle) -> None:
    done = run(str(bundle.folder), "--json")
    document = json.loads(done.output)
    assert (done.exit_code, document["state"], document["agreement"]) == (0, "note", None)
    assert "Only that was tested and not its result" in document["message"]
    assert "Only that was tested and not its result" in run(str(bundle.folder)).output


def test_every_model_on_this_machine_is_tested_and_the_next_one_after_one_that_fails(tmp_path: Path) -> None:
    shutil.copy(starter_files() / "mask.png", other_starter(tmp_path))  # and no picture
    with installed(tmp_path):
        done, text = run("--all", "--json"), run("--all")
    assert (done.exit_code, text.exit_code) == (1, 1)
    document = json.loads(done.stdout)
    assert document["problems"] == 1
    other, starter = document["models"]
    assert (other["model"], other["state"]) == ("other-starter", "problem")
    assert other["message"].startswith("The self-test of other-starter cannot be used: ")
    assert (starter["model"], starter["state"], starter["device"]) == ("starter", "ok", "cpu")
    lines = text.stdout.splitlines()
    assert lines[0].split()[:2] == ["problem", "other-starter"]
    assert lines[1].strip() == "Install zoo-plugin-other again from where it came."
    assert lines[2].split()[:3] == ["ok", "starter", "1.000000"]
    assert text.stderr == "1 of 2 failed\n"


def test_one_model_and_every_model_are_not_asked_for_at_once() -> None:
    done = run("starter", "--all")
    assert (done.exit_code, "Give MODEL or --all" in done.output) == (2, True)


@pytest.mark.parametrize("option", ["--device", "--backend", "--precision"])
def test_options_of_the_self_test_need_a_model(option: str) -> None:
    done = run(option, "int8")
    assert done.exit_code == 2
    assert "give MODEL too" in done.output


def test_a_model_that_cannot_be_opened_is_an_error() -> None:
    assert isinstance(run("no-such-model").exception, LookupError)
    assert isinstance(run("starter", "--device", "dcu").exception, zoo.DeviceNotInstalledError)
    with pytest.raises((FetchError, zoo.BundleError)):
        self_test("/no/such/folder")
