"""`zoo list-models`, `info`, `plugins` and `registry`, as a user types them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

from support import stock
from zoo.bundle.bundle import Bundle
from zoo.doctor.cards import card_problems
from zoo.registry import Discovery, discover, find_model, refresh
from zoo.registry.catalogue import Catalogue, CatalogueEntry, render

REPO = Path(__file__).resolve().parents[2]
LITESEG = REPO / "plugins" / "zoo-plugin-pp-liteseg"

KNOWN = {"ade20k", "camvid", "cityscapes", "voc"}

FAMILY = """
from zoo.plugin import VOC, Artifact, Family, ModelCard, hookimpl

@hookimpl
def zoo_families():
    card = ModelCard(name={model!r}, summary="", labels=VOC, dataset="voc", license="MIT", weights=Artifact(("x",)))
    return [Family({family!r}, "A \\x1b[31mred\\nfamily", cards=(card,), api=1)]
"""


def add(site: Path, distribution: str, module: str, source: str | None = None) -> None:
    """Installs a plugin: its dist-info folder and, when given, its module."""
    info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[zoo.models]\n{module} = {module}\n")
    if source is not None:
        (site / f"{module}.py").write_text(source)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder in which the PP-LiteSeg plugin of this tree is installed."""
    folder = tmp_path / "site"
    folder.mkdir()
    add(folder, "zoo-plugin-pp-liteseg", "zoo_plugin_pp_liteseg")
    return folder


def environment(site: Path, **more: str) -> dict[str, str]:
    path = os.pathsep.join(map(str, (site, LITESEG, REPO)))
    return {**os.environ, "PYTHONPATH": path, "ZOO_HOME": str(site / "home"), "PYTHONIOENCODING": "utf-8", **more}


def zoo(site: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zoo", *arguments]
    return subprocess.run(
        command, env=environment(site, **more), cwd=site, capture_output=True, encoding="utf-8", timeout=60
    )


def test_the_table_has_one_aligned_line_a_model(site: Path) -> None:
    done = zoo(site, "list-models", "pp-liteseg*")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "NAME          FAMILY       mIoU  DATASET        SIZE  STATUS\n"
        "PP-LiteSeg-B  PP-LiteSeg  75.25  cityscapes  47.0 MB  downloads 47.0 MB\n"
        "PP-LiteSeg-T  PP-LiteSeg  73.10  cityscapes  28.5 MB  downloads 28.5 MB\n"
    )


def test_a_model_that_is_not_installed_shows_its_pip_line(site: Path, tmp_path: Path) -> None:
    """Runs a copy of the package, as a wheel installs it, whose catalogue knows one model more."""
    shutil.copytree(REPO / "zoo", tmp_path / "zoo", ignore=shutil.ignore_patterns("__pycache__"))
    entry = CatalogueEntry("Far-S", "far", "Far", "zoo-plugin-far", "voc", 21, miou=0.5, inference="slide")
    (tmp_path / "zoo" / "registry.yaml").write_bytes(render(Catalogue((entry,))))
    path = os.pathsep.join(map(str, (tmp_path, site, LITESEG)))
    listed = zoo(site, "list-models", "far*", PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")
    assert (
        listed.stdout.splitlines()[1]
        == "Far-S  Far     50.00 (slide)  voc         -  pip install ./plugins/zoo-plugin-far"
    )
    shown = zoo(site, "info", "far_s", PYTHONPATH=path)
    assert "Status         not installed; run: pip install ./plugins/zoo-plugin-far\n" in shown.stdout
    assert zoo(site, "list-models", "far*", "--installed", PYTHONPATH=path).returncode == 1


def test_names_alone_can_be_piped(site: Path) -> None:
    done = zoo(site, "list-models", "-q", "--family", "PP-LiteSeg", "--installed", "--sort", "miou")
    assert done.stdout == "PP-LiteSeg-B\nPP-LiteSeg-T\n"


def test_json_holds_exact_figures(site: Path) -> None:
    (entry,) = json.loads(zoo(site, "list-models", "PP-LiteSeg-T", "--json").stdout)
    assert entry == {
        "name": "PP-LiteSeg-T",
        "family": "pp-liteseg",
        "title": "PP-LiteSeg",
        "distribution": "zoo-plugin-pp-liteseg",
        "dataset": "cityscapes",
        "classes": 19,
        "miou": 0.731,
        "inference": "whole",
        "size": 28_500_000,
        "status": "installed",
        "install": "",
        "aliases": ["pp_liteseg_stdc1_cityscapes_1024x512_scale0.5_160k", "pp_liteseg_stdc1"],
    }


def test_no_match_is_said_with_a_suggestion_and_fails(site: Path) -> None:
    done = zoo(site, "list-models", "PP-LiteSeg-TT")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No model matches 'PP-LiteSeg-TT'. Did you mean PP-LiteSeg-T")
    assert json.loads(zoo(site, "list-models", "zzz", "--json").stdout) == []
    assert "No model matches '*' with these filters." in zoo(site, "list-models", "--dataset", "mars").stderr


def test_info_shows_the_card(site: Path) -> None:
    done = zoo(site, "info", "pp_liteseg_t")
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "Name           PP-LiteSeg-T\n",
        "Status         downloads 28.5 MB\n",
        "Classes        road, sidewalk, building,",
        "Preprocessing  Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))\n",
        "Output         logits at 1/8 of the input\n",
        "Network stride 32: exports pad pictures to multiples\n",
        "mIoU           73.10  cityscapes val; ",
        "7.6827 ms  gpu fp32, NVIDIA Tesla T4",
        "Parameters     8,141,600\n",
        "GMAC           11.42 for one picture of 512x1024 (height x width)",
        "Download       28.5 MB\n",
        "arXiv:2204.02681\n",
        "77.04",
    ):
        assert text in done.stdout


def test_the_status_says_what_happens_next_and_datasets_are_ranked_apart(site: Path, bundle: Bundle) -> None:
    """A cached model, one that must be downloaded, one inside its plugin; figures of other datasets stand apart."""
    stock(site / "home", find_model("PP-LiteSeg-B").card, bundle.folder)
    source = FAMILY.format(model="Far", family="far").replace(
        "weights=", "metrics=(Metric('mIoU', 0.74, 'voc', source='x'),), weights="
    )
    add(site, "zoo-plugin-far", "far", source.replace("ModelCard,", "Metric, ModelCard,"))
    rows = [row.split("  ") for row in zoo(site, "list-models", "--sort", "miou").stdout.splitlines()[1:]]
    status = {row[0]: row[-1] for row in rows}
    assert status["starter"] == "inside its plugin"
    assert status["PP-LiteSeg-B"] == "on this machine"
    assert status["PP-LiteSeg-T"] == "downloads 28.5 MB"
    assert status["Far"] == "downloads at first use"
    datasets = [next(cell.strip() for cell in row if cell.strip() in KNOWN) for row in rows]
    assert [name for name, _ in groupby(datasets)] == ["ade20k", "camvid", "cityscapes", "voc"]


def test_info_of_an_export_folder_says_what_it_is(site: Path, bundle: Bundle) -> None:
    done = zoo(site, "info", str(bundle.folder))
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "Name           small\n",
        f"Folder         {bundle.folder}\n",
        "Classes        7 of seven\n",
        "Preprocessing  Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))\n",
        "Output         logits at 1/8 of the input\n",
        "Digests        the files have those of the settings\n",
    ):
        assert text in done.stdout
    document = json.loads(zoo(site, "info", str(bundle.folder), "--json").stdout)
    assert (document["name"], document["sha256"]) == ("small", dict(bundle.digests))
    present = {path.name: path.stat().st_size for path in bundle.folder.iterdir() if path.name != "inference.yml"}
    assert "golden.npz" in present
    assert document["files"] == present
    damaged = Path(shutil.copytree(bundle.folder, site / "damaged"))
    with (damaged / "inference.pdiparams").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")
    assert "inference.pdiparams has sha256" in zoo(site, "info", "damaged").stderr


def test_info_as_json_names_steps_labels_and_files(site: Path) -> None:
    (site / "exported").mkdir()
    (site / "exported" / "inference.yml").touch()
    folder = stock(site / "home", find_model("PP-LiteSeg-B").card, site / "exported")
    document = json.loads(zoo(site, "info", "PP-LiteSeg-B", "--json").stdout)
    assert document["status"] == "cached"
    assert document["files"] == [str(folder)]
    assert document["card"]["preprocess"] == [{"step": "Normalize", "mean": [0.5] * 3, "std": [0.5] * 3}]
    assert len(document["card"]["labels"]["names"]) == 19
    assert (document["card"]["parameters"], document["card"]["gmac"]) == (12_366_464, 19.23)


def test_info_of_an_unknown_model_prints_two_lines_and_fails(site: Path) -> None:
    done = zoo(site, "info", "PP-LiteSeg-TT")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 2
    assert done.stderr.endswith("\nRun: zoo list-models\n")
    assert "Traceback" in zoo(site, "--debug", "info", "PP-LiteSeg-TT").stderr


def test_a_broken_plugin_is_one_line_on_stderr_and_the_rest_is_listed(site: Path) -> None:
    add(site, "zoo-plugin-broken", "broken", "raise OSError('no luck')")
    done = zoo(site, "list-models", "-q", "PP-*")
    assert done.returncode == 0
    assert done.stdout == "PP-LiteSeg-B\nPP-LiteSeg-T\n"
    assert done.stderr == (
        "The plugin 'broken' of zoo-plugin-broken 1.0 could not be loaded: OSError: no luck. "
        "Other plugins go on working; see: zoo plugins\n"
    )
    assert zoo(site, "list-models", "PP-*", ZOO_DISABLE_PLUGINS="zoo-plugin-broken").stderr == ""


def test_plugins_shows_each_with_its_state_and_check_fails_on_a_broken_one(site: Path) -> None:
    assert zoo(site, "plugins", "check").returncode == 0
    add(site, "zoo-plugin-broken", "broken", "raise OSError('no luck')")
    done = zoo(site, "plugins")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {line.split()[1]: " ".join(line.split()) for line in done.stdout.splitlines()}
    assert done.stdout.split("\n")[0].split() == ["NAME", "DISTRIBUTION", "VERSION", "KIND", "BRINGS", "STATE"]
    assert rows["zoo-plugin-pp-liteseg"].endswith("models PP-LiteSeg-T, PP-LiteSeg-B ok")
    assert "broken: The plugin 'broken' of zoo-plugin-broken 1.0 could not be loaded" in rows["zoo-plugin-broken"]
    checked = zoo(site, "plugins", "check")
    assert checked.returncode == 1
    assert "caused by OSError: no luck" in checked.stderr
    states = {row["distribution"]: row["state"] for row in json.loads(zoo(site, "plugins", "--json").stdout)}
    assert (states["zoo-plugin-broken"], states["zoo-plugin-pp-liteseg"]) == ("broken", "ok")


def test_a_disabled_plugin_is_shown_as_disabled_and_its_models_say_so(site: Path) -> None:
    done = zoo(site, "plugins", ZOO_DISABLE_PLUGINS="pp-liteseg,zoo-plugin-pp-liteseg")
    row = next(line for line in done.stdout.splitlines() if "zoo-plugin-pp-liteseg" in line)
    assert row.endswith("disabled")
    done = zoo(site, "list-models", "PP-LiteSeg-T", ZOO_DISABLE_PLUGINS="1")
    assert done.stdout.splitlines()[1].endswith("plugin disabled")
    assert zoo(site, "info", "PP-LiteSeg-T", ZOO_DISABLE_PLUGINS="all").returncode == 0


@pytest.mark.full
def test_two_plugins_with_one_model_name_are_both_shown_and_neither_is_chosen(site: Path) -> None:
    for name in ("zoo-plugin-one", "zoo-plugin-two"):
        module = name.rsplit("-", 1)[1]
        add(site, name, module, FAMILY.format(model="Shared", family=module))
    done = zoo(site, "info", "shared")
    assert done.returncode == 1
    assert "brought by zoo-plugin-one (family 'one') and by zoo-plugin-two (family 'two')" in done.stderr
    listed = zoo(site, "list-models", "shared")
    assert [line.split()[-2:] for line in listed.stdout.splitlines()[1:]] == [["name", "clash"]] * 2
    assert zoo(site, "plugins", "check").returncode == 1
    assert zoo(site, "info", "PP-LiteSeg-T").returncode == 0


def test_terminal_codes_in_what_a_plugin_says_are_escaped(site: Path) -> None:
    add(site, "zoo-plugin-red", "red", FAMILY.format(model="Red", family="red"))
    done = zoo(site, "list-models", "Red")
    assert "A \\x1b[31mred\\nfamily" in done.stdout
    assert "\x1b" not in done.stdout


def test_the_catalogue_can_be_checked_only_when_every_plugin_of_the_tree_is_installed(site: Path) -> None:
    done = zoo(site, "registry", "check", ZOO_DISABLE_PLUGINS="1")
    assert done.returncode == 1
    assert "Not installed, or left out: " in done.stderr
    assert "zoo-plugin-pp-liteseg" in done.stderr


@pytest.mark.parametrize("arguments", [["--nonsense"], ["list-models", "--sort", "speed"], ["nonsense"], ["info"]])
def test_wrong_usage_exits_with_2(site: Path, arguments: list[str]) -> None:
    done = zoo(site, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: zoo")


def test_the_version_and_the_help_are_printed(site: Path) -> None:
    assert zoo(site, "--version").stdout.startswith("zoo 0")
    told = set(re.findall(r"[\w-]+", zoo(site, "-h").stdout))
    assert {"evaluate", "info", "list-models", "plugins", "predict", "train"} <= told


def test_a_closed_pipe_is_quiet(site: Path) -> None:
    command = [sys.executable, "-m", "zoo", "list-models"]
    with subprocess.Popen(
        command,
        env=environment(site),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_ctrl_c_ends_with_130_and_no_traceback(site: Path) -> None:
    add(site, "zoo-plugin-slow", "slow", "import os, time\nos.write(1, b'started\\n')\ntime.sleep(60)")
    with subprocess.Popen(
        [sys.executable, "-m", "zoo", "list-models"],
        env=environment(site),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"started\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, b"Interrupted.\n")


def test_json_is_whole_whatever_plugins_do_when_they_are_loaded(site: Path) -> None:
    add(site, "zoo-plugin-loud", "loud", "print('Welcome!')\n" + FAMILY.format(model="Loud-S", family="loud"))
    add(site, "zoo-plugin-rude", "rude", "raise KeyboardInterrupt")
    found = zoo(site, "plugins", "--json")
    states = {plugin["name"]: plugin["state"] for plugin in json.loads(found.stdout)}
    assert (states["loud"], states["rude"], states["zoo_plugin_pp_liteseg"]) == ("ok", "broken", "ok")
    assert "the plugin 'loud' of zoo-plugin-loud 1.0 printed while it was loaded: Welcome!" in found.stderr
    assert "Loud-S" in {model["name"] for model in json.loads(zoo(site, "list-models", "--json").stdout)}


LOUD = {
    "the system": "os.write(1, b'PRINTED')",
    "C": "libc = ctypes.CDLL(None)\nlibc.puts(b'PRINTED')",
    "bytes": "sys.stdout.buffer.write(b'PRINTED')",
    "a wrapper": "print('PRINTED', file=io.TextIOWrapper(sys.stdout.buffer), flush=True)",
    "the first stream": "print('PRINTED', file=sys.__stdout__, flush=True)",
    "a child": "subprocess.run(['echo', 'PRINTED'], check=True)",
    "a child that is given the stream": "subprocess.run(['echo', 'PRINTED'], stdout=sys.stdout, check=True)",
}


@pytest.mark.parametrize("way", LOUD)
def test_nothing_but_zoo_writes_to_standard_output(site: Path, way: str) -> None:
    """Also C code, whose own buffer goes out when the process ends."""
    source = f"import ctypes, io, os, subprocess, sys\n{LOUD[way]}\n"
    add(site, "zoo-plugin-loud", "loud", source + FAMILY.format(model="Loud-S", family="loud"))
    found = zoo(site, "list-models", "loud*", "--json")
    assert [model["name"] for model in json.loads(found.stdout)] == ["Loud-S"], found
    assert found.stderr.count("PRINTED") == 1


@pytest.mark.parametrize("words", [["plugins", "--json"], ["doctor", "--json"]])
def test_the_json_of_every_report_is_whole(site: Path, words: list[str]) -> None:
    add(site, "zoo-plugin-loud", "loud", f"import ctypes, os\n{LOUD['C']}\n{LOUD['the system']}")
    assert json.loads(zoo(site, *words).stdout)


def test_a_library_leaves_the_descriptors_of_its_program_alone(site: Path) -> None:
    add(site, "zoo-plugin-loud", "loud", f"import os\n{LOUD['the system']}\n" + FAMILY.format(model="L", family="l"))
    code = "import zoo, sys; out = sys.stdout; zoo.list_models(); print(sys.stdout is out)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(site), capture_output=True, text=True)
    assert done.stdout == "PRINTEDTrue\n", done.stderr


CARDS = """
from dataclasses import replace
from zoo.plugin import Embedded, Family, hookimpl
from zoo_plugin_starter.card import STARTER

@hookimpl
def zoo_families():
    card = replace(STARTER, name="mine", aliases=(), CHANGE)
    return [Family("mine", "Mine", (card,), api=1, REFERENCE)]
"""


@pytest.mark.parametrize(
    ("change", "reference", "fault"),
    [
        ("weights=Embedded('zoo_plugin_starter', 'nowhere')", "", "the weights of 'mine': "),
        ("weights=Embedded('nobody_has_this', 'bundle')", "", "The package nobody_has_this with the files"),
        ("self_test=Embedded('zoo_plugin_starter', 'bundle')", "", "has no picture.png, mask.png"),
        ("output_stride=4", "", "the card says output_stride is 4, its folder 8"),
        ("output='labels'", "", "the card says output is 'labels', its folder 'logits'"),
        ("", "network='zoo_mine:build'", "the network of 'mine': zoo_mine has no attribute 'build'"),
        ("", "network='zoo_mine.network:build'", "the network of 'mine': No module named 'zoo_mine.network'"),
        ("", "recipe='zoo_mine'", "the recipe of 'mine': The reference 'zoo_mine' has no colon"),
        ("", "network='nobody_has_this.network:build'", "the network of 'mine': No module named 'nobody_has_this'"),
    ],
)
def test_check_sees_what_a_card_points_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, reference: str, fault: str
) -> None:
    source = CARDS.replace("CHANGE", change)
    add(tmp_path, "zoo-mine", "zoo_mine", source.replace("REFERENCE", reference))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "zoo_mine", raising=False)
    refresh()
    try:
        found = discover("zoo.models")
        own = Discovery(tuple(plugin for plugin in found.plugins if plugin.distribution == "zoo-mine"))
        [problem] = card_problems(own)
    finally:
        refresh()
    assert problem.message.startswith("The plugin 'zoo_mine' of zoo-mine 1.0 does not keep the contract: the ")
    assert fault in problem.message


def test_check_finds_nothing_wrong_with_the_plugins_of_this_tree() -> None:
    assert list(card_problems(discover())) == []
