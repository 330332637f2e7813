"""Forms of results that plugins bring: what they must keep, and what becomes of one that does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import pytest

from support import png, zoo_process
from zoo.contract.labels import CAMVID
from zoo.doctor.cards import card_problems
from zoo.errors import DuplicateNameError, OutputError, PluginError, ZooError
from zoo.registry.discovery import discover, load_plugins, refresh
from zoo.registry.formats import zoo_formats
from zoo.results import Predictions, Result

SOURCE = """
from zoo.plugin import Format, Mark, hookimpl

@hookimpl
def zoo_formats():
    return [Format(**{"name": "plain", "summary": "A text", "suffixes": (".txt",), "ending": "_plain.txt",
                      "encode": "MODULE:encode", "api": 1, **CHANGES})]

def encode(results, path, **options):
    uris = [result.uri for result in results]
    return CONTENT
"""
GOOD = "f\"# {Mark.of('zoo.plain/2', uris).text()}\\n{len(uris)}\".encode()"

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a plugin into a folder of this test; it is forgotten afterwards."""
    site = tmp_path / "site"
    site.mkdir()

    def install(content: str = GOOD, distribution: str = "zoo-format-plain", **changes: object) -> Path:
        module = distribution.replace("-", "_")
        source = SOURCE.replace("MODULE", module).replace("CHANGES", repr(changes)).replace("CONTENT", content)
        (site / f"{module}.py").write_text(source)
        info = site / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo.formats]\nplain = {module}\n")
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, module, raising=False)
        refresh()
        return site

    yield install
    monkeypatch.undo()
    refresh()


def result(name: str = "street") -> Result:
    mask = np.zeros((4, 6), np.uint8)
    image = np.zeros((4, 6, 3), np.uint8)
    return Result(mask, CAMVID, image, name, f"/pictures/{name}.png", "m", "cpu", "e", {})


def test_a_form_of_a_plugin_follows_those_of_zoo_and_replaces_only_its_own(install: Install, tmp_path: Path) -> None:
    own = tuple(form.name for form in zoo_formats())
    install(many=True)
    from zoo import results

    assert (*own, "plain") == results.FORMATS
    first = result().save(tmp_path, "plain")
    assert result().save(tmp_path, "plain") == first == tmp_path / "street_plain.txt"
    (tmp_path / "other_plain.txt").write_text("of the user")
    assert result("other").save(tmp_path, "plain").name == "other~2_plain.txt"
    (one,) = Predictions(iter([result(), result("other")])).save(tmp_path / "all.txt", "plain")
    assert one.read_text().splitlines()[1] == "2"
    with pytest.raises(OutputError, match=r"Expected a folder, or a name that ends with \.txt"):
        result().save(tmp_path / "x.csv", "plain")


def test_a_picture_of_a_plugin_is_a_kind_of_picture(install: Install, tmp_path: Path) -> None:
    install("str(options).encode()", suffixes=(".png",), ending="_plain.png")
    with pytest.raises(OutputError, match="without the mark"):
        result().save_to_img(tmp_path, kind="plain", opacity=0.25)
    with pytest.raises(OutputError, match=r"There is no picture of kind 'coco'. Expected one of: .*side, plain"):
        result().save_to_img(tmp_path, kind="coco")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}['x']", "The format plain failed: KeyError: 'x'"),
        ("len()", "The format plain failed: TypeError: "),
        ("exit('enough')", "The format plain failed: SystemExit: enough"),
        ("'text'", "gave a file without the mark of zoo"),
        ("b'plain'", "gave a file without the mark of zoo"),
        ("f'# {Mark.of(\"zoo.coco/1\", uris).text()}'.encode()", "Expected at its beginning was 'zoo.plain'"),
    ],
)
def test_what_an_encoder_does_wrong_is_an_output_error_and_writes_nothing(
    install: Install, tmp_path: Path, content: str, said: str
) -> None:
    install(content)
    with pytest.raises(OutputError, match=said) as caught:
        result().save(tmp_path / "out", "plain")
    assert "plain" in caught.value.message
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.full
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("where", ["when it is imported", "when it encodes"])
@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit(3)", "type('Odd', (BaseException,), {})"])
def test_an_encoder_does_not_end_a_command(
    install: Install, tmp_path: Path, error: str, where: str, count: int
) -> None:
    """One picture is written in the main thread, several in another one."""
    site = install(f"(_ for _ in ()).throw({error})", encode="encoder:encode")
    code = (site / "zoo_format_plain.py").read_text() if where == "when it encodes" else f"raise {error}"
    (site / "encoder.py").write_text(code)
    pictures = [tmp_path / f"{number}.png" for number in range(count)]
    for path in pictures:
        path.write_bytes(png())
    done = zoo_process("predict", *pictures, "-o", tmp_path / "out", "--save", "plain")
    reason = "Odd" if "Odd" in error else error.partition("(")[0]
    assert (done.returncode, done.stdout) == (1, "")
    assert f"The format plain failed: {reason}" in done.stderr
    assert "Traceback" not in done.stderr


_PRESSED = """
import signal, sys
import numpy as np
from zoo.contract.labels import CAMVID
from zoo.results import Result
signal.signal(signal.SIGINT, signal.default_int_handler)
image = np.zeros((4, 6, 3), np.uint8)
try:
    Result(image[..., 0], CAMVID, image, "street", "street.png", "m", "cpu", "e", {}).save(sys.argv[1], "plain")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_in_an_encoder_is_the_users(install: Install, tmp_path: Path) -> None:
    """In a process of its own: a signal that is sent to this one may end it, with all tests that follow."""
    install("__import__('signal').raise_signal(2)")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", _PRESSED, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert (ended.returncode, ended.stdout) == (0, "interrupted\n"), ended.stderr


def test_what_the_source_of_the_results_raises_is_left_as_it_is(install: Install, tmp_path: Path) -> None:
    def broken():
        yield result()
        raise RuntimeError("the camera is gone")

    install(many=True)
    for form in ("plain", "coco"):
        ending = ".txt" if form == "plain" else ".json"
        with pytest.raises(RuntimeError, match="the camera is gone"):
            Predictions(broken()).save(tmp_path / f"all{ending}", form)


def test_two_plugins_of_one_form_are_an_error_when_it_is_used(install: Install, tmp_path: Path) -> None:
    install()
    install(distribution="zoo-format-other")
    with pytest.raises(DuplicateNameError, match="The format name 'plain' is brought by"):
        result().save(tmp_path, "plain")
    assert result().save(tmp_path, "mask").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"api": 2}, "written for version 2 of the plugin contract"),
        ({"api": "1"}, "in 'api' where int was expected"),
        ({"name": "Plain Text"}, "the format name 'Plain Text' is not allowed"),
        ({"suffixes": ()}, "has the suffixes"),
        ({"suffixes": ("txt",)}, "has the suffixes"),
        ({"ending": "_plain.csv"}, "which ends with none of its suffixes"),
        ({"ending": len}, "has no attribute 'endswith'"),
    ],
)
def test_a_form_that_does_not_keep_the_contract_is_refused(
    install: Install, changes: dict[str, object], said: str
) -> None:
    source = repr(changes).replace(repr(len), "len")
    site = install()
    module = site / "zoo_format_plain.py"
    module.write_text(module.read_text().replace("**{}", f"**{source}"))
    points = [point for found in distributions(path=[str(site)]) for point in found.entry_points]
    (plugin,) = load_plugins(points).plugins
    assert isinstance(plugin.error, PluginError)
    assert said in plugin.error.message
    assert plugin.formats == ()


def test_a_file_that_is_missing_from_a_plugin_is_an_error_of_that_form_alone(install: Install, tmp_path: Path) -> None:
    install(encode="zoo_format_plain:gone")
    with pytest.raises(ZooError, match="has no attribute 'gone'"):
        result().save(tmp_path, "plain")
    assert result().save(tmp_path, "json").exists()


def test_check_finds_an_encoder_that_leads_nowhere(install: Install) -> None:
    install(encode="zoo_format_plain:nothing")
    problems = list(card_problems(discover("zoo.formats")))
    assert [problem.message for problem in problems] == [
        "The plugin 'plain' of zoo-format-plain 1.0 does not keep the contract: the encoder of 'plain': "
        "zoo_format_plain has no attribute 'nothing', but 'zoo_format_plain:nothing' is declared."
    ]
