"""Which pictures to label next: unsure ones, unlike each other, without labels, each once; and files to correct."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from scenes import draw_scene
from support import zoo_process
from zoo.bundle.bundle import Bundle
from zoo.errors import BundleError, ConfigError
from zoo.learn.selection import Labelled, Selection, read_labelled, select_pictures
from zoo.learn.selection.farthest import choose_spread
from zoo.learn.selection.glance import PARTS, distances, glance
from zoo.results.formats import to_labelme

NONE = Labelled(frozenset(), frozenset())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unlabelled")
    for number in range(6):
        Image.fromarray(draw_scene(number, 96, 128).image).save(folder / f"{number}.png")
    # The same picture, encoded again and under another name, and a file that is none.
    Image.fromarray(draw_scene(2, 96, 128).image).save(folder / "again.jpg", quality=90)
    shutil.copy(folder / "4.png", folder / "copy.png")
    (folder / "broken.png").write_bytes((folder / "0.png").read_bytes()[:300])
    return folder


@pytest.fixture(scope="module")
def found(engines: Path, bundle: Bundle, pictures: Path) -> Selection:
    return selected(bundle, pictures, 4)


def selected(bundle: Bundle, folder: Path, count: int, labelled: Labelled = NONE) -> Selection:
    with zoo.load(bundle.folder, threads=1) as model:
        return select_pictures(model, [str(folder)], count, labelled)


def names(selection: Selection) -> list[str]:
    return [Path(picked.path).name for picked in selection.picked]


def test_a_model_is_unsure_where_two_classes_are_as_likely() -> None:
    sure = np.zeros((3, 8, 8), np.float32)
    sure[1] = 50
    assert glance([sure], "logits", None).uncertainty == pytest.approx(0, abs=1e-6)
    assert glance([np.zeros((3, 8, 8), np.float32)], "logits", None).uncertainty == pytest.approx(1)
    two = np.zeros((2, 1, 1), np.float32)
    two[0] = np.log(3)
    # 3/4 against 1/4.
    assert glance([two], "logits", None).uncertainty == pytest.approx(0.5)
    assert glance([np.array([[[0.75]], [[0.25]]], np.float32)], "probabilities", None).uncertainty == pytest.approx(0.5)
    # What lies over the padding is not the picture's.
    padded = np.concatenate([sure, np.zeros((3, 8, 4), np.float32)], axis=2)
    assert glance([padded], "logits", (Fraction(8), Fraction(8))).uncertainty == pytest.approx(0, abs=1e-6)


def test_the_distance_is_0_of_the_same_and_1_where_no_class_is_shared() -> None:
    first = np.zeros((2, 16, 16), np.float32)
    first[0], second = 100, np.zeros((2, 16, 16), np.float32)
    second[1] = 100
    one, other = (glance([each], "logits", None).features for each in (first, second))
    half = np.concatenate([first[:, :8], second[:, 8:]], axis=1)
    middle = glance([half], "logits", None).features
    assert one.shape == (2 * PARTS * PARTS,)
    found = distances(np.stack([one, other, middle]), one)
    assert found == pytest.approx([0, 1, np.sqrt(0.5)], abs=1e-3)
    # A picture of one row and column has parts all the same.
    assert glance([first[:, :1, :1]], "logits", None).features == pytest.approx(one, abs=1e-6)


def test_each_choice_has_the_largest_product_of_uncertainty_and_distance_to_those_before() -> None:
    rng = np.random.default_rng(5)
    features = np.sqrt(rng.dirichlet(np.ones(3), (30, PARTS * PARTS)).reshape(30, -1)).astype(np.float32)
    unsure = rng.uniform(0, 1, 30).tolist()
    chosen = choose_spread(unsure, features, 10)
    assert len(set(chosen)) == 10
    assert chosen[0] == int(np.argmax(unsure))
    for place, number in enumerate(chosen[1:], 1):
        worth = [
            unsure[each]
            * min(float(distances(features[each : each + 1], features[other])[0]) for other in chosen[:place])
            for each in range(30)
        ]
        assert worth[number] == pytest.approx(max(worth), rel=1e-5)
    assert choose_spread(unsure, features, 10) == chosen
    assert chosen == choose_spread(unsure, features, 5) + chosen[5:]
    # Equal pictures teach once, however unsure the model is.
    assert len(choose_spread([0.9] * 6, np.repeat(features[:3], 2, axis=0), 6)) == 3


def test_pictures_are_chosen_once_whatever_their_names_and_files(found: Selection) -> None:
    assert found.looked_at == 8
    assert len(found.picked) == 4
    same = {tuple(Path(path).name for path in pair) for pair in found.same}
    assert same == {("again.jpg", "2.png"), ("copy.png", "4.png")}
    assert [Path(failure.uri).name for failure in found.failures] == ["broken.png"]
    uncertainty = [picked.uncertainty for picked in found.picked]
    assert all(0 < each < 1 for each in uncertainty)
    assert uncertainty[0] == max(uncertainty)
    assert found.mean == pytest.approx(sum(uncertainty) / 4, abs=0.2)


def test_more_than_there_are_is_all_of_them(engines: Path, bundle: Bundle, pictures: Path, found: Selection) -> None:
    everything = selected(bundle, pictures, 100)
    assert len(everything.picked) == 6
    assert everything.picked[:4] == found.picked


def test_pictures_with_labels_are_left_out_also_as_copies(
    engines: Path, bundle: Bundle, pictures: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(pictures, folder)
    (tmp_path / "data" / "images").mkdir(parents=True)
    # The list has a copy of a picture in another format.
    with Image.open(folder / "1.png") as picture:
        picture.convert("RGB").save(tmp_path / "data" / "images" / "x.jpg", quality=95)
    shutil.copy(folder / "3.png", tmp_path / "data" / "3.png")
    (tmp_path / "data" / "list.txt").write_text(f"images/x.jpg 3.png\n{folder / '5.png'} 3.png\n")
    with zoo.load(bundle.folder, threads=1) as model:
        document = to_labelme(model.predict(folder / "0.png").one(), folder=folder)
    # As zoo wrote it: nobody has seen it.
    (folder / "0.json").write_text(json.dumps(document))
    # As LabelMe saves it.
    drawn = {name: value for name, value in document.items() if name not in ("schema", "source")}
    (folder / "4.json").write_text(json.dumps(drawn))
    (folder / "3.json").write_text("{}")
    out = tmp_path / "out"
    out.mkdir()
    (out / "two.json").write_text(json.dumps({**drawn, "imagePath": "../pictures/2.png"}))
    labelled = read_labelled([tmp_path / "data" / "list.txt"], out)
    chosen = selected(bundle, folder, 100, labelled)
    assert sorted(names(chosen)) == ["0.png", "3.png"]
    assert (chosen.listed, chosen.drawn) == (1, 2)
    # The copies of pictures 1, 2 and 4 are labelled pictures in other files.
    assert sorted(Path(path).name for path, _ in chosen.same) == ["1.png", "again.jpg", "copy.png"]
    with pytest.raises(ConfigError, match="labels already"):
        selected(bundle, folder / "5.png", 3, labelled)


def test_a_model_that_gives_labels_alone_cannot_say_how_sure_it_is(
    engines: Path, paddlex_bundle: Bundle, pictures: Path
) -> None:
    with pytest.raises(BundleError, match="returns labels alone"):
        selected(paddlex_bundle, pictures, 3)


# Processes of the command: `make test-all`.
@pytest.mark.full
def test_the_command_writes_a_list_and_files_to_correct_and_never_replaces_a_corrected_one(
    engines: Path, bundle: Bundle, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["select", pictures, "--model", bundle.folder, "--count", 3, "-o", out, "--threads", 1]
    first = zoo_process(*words)
    assert first.returncode == 3, first.stderr
    assert "broken.png" in first.stderr
    listed = (out / "selected.txt").read_text().splitlines()
    assert len(listed) == 3
    assert listed == [line.split()[0] for line in first.stdout.splitlines()[1:]]
    files = sorted(out.glob("*.json"))
    assert {path.stem for path in files} == {Path(path).stem for path in listed}
    document = json.loads(files[0].read_text())
    assert (out / document["imagePath"]).is_file()
    assert document["shapes"]
    corrected = {name: value for name, value in document.items() if name not in ("schema", "source")}
    files[0].write_text(json.dumps(corrected))
    again = json.loads(zoo_process(*words, "--json").stdout)
    assert json.loads(files[0].read_text()) == corrected
    assert again["labelled"] == {"data": 0, "labelme": 1}
    assert document["source"] not in [picture["path"] for picture in again["pictures"]]
    assert again["list"].endswith("selected~2.txt")
    assert (out / "selected.txt").read_text().splitlines() == listed
