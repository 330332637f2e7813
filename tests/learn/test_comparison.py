"""Models side by side: agreement by the names of classes, failures, the page, and the command."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from scenes import draw_scene
from support import export_small, zoo_process
from zoo.bundle.bundle import Bundle
from zoo.contract.labels import LabelSet
from zoo.errors import BundleError, ConfigError
from zoo.learn.comparison import Compared, Contender, compare_models, read_contender
from zoo.learn.comparison.compare_page import compare_page


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number, size in enumerate(((96, 128), (64, 80), (120, 72))):
        Image.fromarray(draw_scene(number, *size).image).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes((folder / "0.png").read_bytes()[:200])
    return folder


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory, seven_labels: LabelSet) -> Bundle:
    """The network of `bundle`, two of whose classes have each other's names."""
    names = list(seven_labels.names)
    names[1], names[3] = names[3], names[1]
    return export_small(tmp_path_factory.mktemp("renamed") / "logits", replace(seven_labels, names=tuple(names)))


@pytest.fixture(scope="module")
def found(engines: Path, bundle: Bundle, renamed: Bundle, pictures: Path, tmp_path_factory: pytest.TempPathFactory):
    contenders = [Contender("one", str(bundle.folder)), Contender("two", str(renamed.folder))]
    folder = tmp_path_factory.mktemp("compared")
    return compare_models(contenders, folder, sources=[str(pictures)], load_options={"threads": 1})


def test_masks_agree_where_their_classes_have_one_name(found: Compared, bundle: Bundle, pictures: Path) -> None:
    alike, pixels = 0, 0
    with zoo.load(bundle.folder, threads=1) as model:
        for number, one in enumerate(found.pictures):
            assert Path(one.uri) == pictures / f"{number}.png"
            mask = model.predict(one.uri).one().mask
            same = ~np.isin(mask, (1, 3))
            assert one.agreement == pytest.approx(same.mean(), abs=1e-12)
            alike, pixels = alike + int(same.sum()), pixels + mask.size
    assert 0 < alike < pixels
    assert found.agreements == {(0, 1): pytest.approx(alike / pixels, abs=1e-12)}


def test_a_picture_that_cannot_be_read_is_a_failure_of_each_and_of_no_other(found: Compared) -> None:
    assert len(found.pictures) == 3
    for side in found.sides:
        ((uri, reason),) = side.failures
        assert uri.endswith("broken.png")
        assert reason
        assert side.rate > 0
        assert side.memory > 50_000_000


def test_the_page_needs_no_other_file_and_shows_the_worst_first(found: Compared) -> None:
    page = compare_page(found, "one <b> two", str, shown=2)
    assert "one &lt;b&gt; two" in page
    assert page.count('class="pair"') == 2
    assert not re.search(r"(?:src|href)=\"(?!data:)", page)
    shares = [float(text) for text in re.findall(r"([\d.]+) % of the pixels have one class", page)]
    assert shares == [round(100 * share, 2) for share in sorted(one.agreement for one in found.pictures)[:2]]


# Four processes: `make test-all`.
@pytest.mark.full
def test_the_command_prints_a_table_and_writes_a_page(
    engines: Path, bundle: Bundle, renamed: Bundle, pictures: Path, tmp_path: Path
) -> None:
    words = ["compare", bundle.folder, renamed.folder, "--images", pictures, "--threads", 1]
    done = zoo_process(*words, "-o", tmp_path / "out" / "page.html")
    assert done.returncode == 3, done.stderr
    assert "AGREES WITH THE FIRST" in done.stdout
    assert "broken.png" in done.stderr
    assert (tmp_path / "out" / "page.html").read_text().startswith("<!DOCTYPE html>")
    document = json.loads(zoo_process(*words, "--json").stdout)
    assert [len(model["failures"]) for model in document["models"]] == [1, 1]
    assert len(document["pictures"]) == 3


def test_a_contender_is_a_model_with_its_engine_and_precision(tmp_path: Path) -> None:
    assert read_contender("starter") == Contender("starter", "starter")
    assert read_contender("starter@openvino:bf16") == Contender("starter@openvino:bf16", "starter", "openvino", "bf16")
    assert read_contender("starter@:bf16").backend == "auto"
    (tmp_path / "a@b").mkdir()
    assert read_contender(str(tmp_path / "a@b")).model == str(tmp_path / "a@b")
    with pytest.raises(ConfigError, match="no precision"):
        read_contender("starter@openvino:fp8")


def test_what_cannot_be_compared_is_told(engines: Path, bundle: Bundle, pictures: Path, tmp_path: Path) -> None:
    one = Contender("one", str(bundle.folder))
    for name in "ab":
        (tmp_path / name).mkdir()
    with pytest.raises(ConfigError, match="nothing to compare"):
        compare_models([one], tmp_path, sources=[str(pictures)])
    with pytest.raises(BundleError, match=r"two: .*does not exist"):
        compare_models(
            [one, Contender("two", str(tmp_path / "gone"))], tmp_path / "a", sources=[str(pictures / "1.png")]
        )
    with pytest.raises(ConfigError, match="no picture that all"):
        compare_models([one, one], tmp_path / "b", sources=[str(pictures / "broken.png")])
