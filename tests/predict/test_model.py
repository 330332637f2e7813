"""The straight line: a picture in, a mask of its size out, the same whatever runs beside it."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F
from PIL import Image

import zoo
from scenes import draw_scene
from support import small_network
from zoo.bundle.bundle import Bundle
from zoo.predict.model import Model


@pytest.fixture(scope="module")
def model(bundle: Bundle) -> Iterator[Model]:
    with zoo.load(bundle.folder, threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures of three sizes, and a file that is none."""
    folder = tmp_path_factory.mktemp("pictures")
    for index, size in enumerate([(48, 64), (48, 64), (33, 47), (64, 48)]):
        Image.fromarray(draw_scene(index, *size).image).save(folder / f"{index}.png")
    (folder / "notes.txt").write_text("not a picture")
    return folder


def test_the_mask_is_what_the_network_says(model: Model, picture: np.ndarray) -> None:
    """Against the plain way: normalise, run the layer, upsample bilinearly, argmax."""
    network = small_network()
    network.eval()
    tensor = paddle.to_tensor((picture.astype(np.float32) / 255 - 0.5).transpose(2, 0, 1)[None] / 0.5)
    with paddle.no_grad():
        logits = F.interpolate(network(tensor)[0], size=picture.shape[:2], mode="bilinear").numpy()[0]
    result = model.predict(picture).one()
    top = np.sort(logits, axis=0)
    clear = top[-1] - top[-2] > 1e-4
    np.testing.assert_array_equal(result.mask[clear], logits.argmax(0)[clear])
    assert clear.mean() > 0.99
    assert len(result.areas()) > 2


def test_a_result_says_how_it_was_made(model: Model, picture: np.ndarray) -> None:
    before = picture.copy()
    result = model.predict(picture).one()
    assert result.mask.shape == picture.shape[:2]
    assert result.mask.dtype == np.uint8
    assert (result.model, result.device) == ("small", "cpu")
    assert result.engine == model.engine
    assert result.engine.startswith("paddle 3.")
    assert set(result.seconds) == {"read", "preprocess", "inference", "postprocess"}
    assert sum(result.areas().values()) == picture.shape[0] * picture.shape[1]
    np.testing.assert_array_equal(picture, before)


def test_every_kind_of_source_gives_the_same_mask(model: Model, picture: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "street.png"
    Image.fromarray(picture).save(path)
    expected = model.predict(picture).one().mask
    sources = [path, str(path), path.read_bytes(), Image.open(path), [path], tmp_path]
    for source in sources:
        np.testing.assert_array_equal(model.predict(source).one().mask, expected)


def test_a_model_is_opened_by_load_and_says_when_it_is_closed(bundle: Bundle) -> None:
    for name in ("starter", Path("starter")):
        with pytest.raises(TypeError, match=r"zoo\.load\('starter'\)"):
            Model(name)
    with zoo.load(bundle.folder) as opened:
        assert "closed" not in repr(opened)
    assert repr(opened).endswith("classes, closed>")
    found = zoo.find_model("starter")
    assert repr(found) == "<InstalledModel starter: Starter, zoo-plugin-starter>"
    assert "card" not in repr(zoo.list_models("starter")[0])


def test_a_model_is_called_as_its_predict_is(model: Model, picture: np.ndarray) -> None:
    with_scores = model(picture, 1, scores=True).one()
    np.testing.assert_array_equal(with_scores.mask, model.predict(picture).one().mask)
    assert with_scores.scores is not None
    assert repr(model) == f"<Model small: 7 classes, {model.engine}>"
    with zoo.create_pipeline("semantic_segmentation", model=model.bundle.folder) as pipeline:
        assert repr(pipeline) == f"<Pipeline on cpu: {pipeline.model!r}>"
    assert repr(pipeline) == "<Pipeline on cpu: <Model small: 7 classes, closed>>"


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("engine", "`backend`?"),
        ("int8", "`precision='int8'`?"),
        ("num_threads", "`threads`?"),
        ("bakend", "`backend`?"),
    ],
)
def test_what_others_call_an_option_is_told_with_its_name(option: str, hint: str) -> None:
    given: dict[str, Any] = {option: "openvino"}
    with pytest.raises(zoo.ConfigError) as caught:
        zoo.load("starter", **given)
    assert str(caught.value) == f"`{option}` is not an option of zoo.load.\nDid you mean {hint}"


@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (300, 7), (33, 47), (8, 8)])
def test_pictures_of_any_size_are_segmented(model: Model, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert model.predict(image).one().mask.shape == size
    assert model.predict(np.zeros_like(image)).one().mask.shape == size


def test_results_come_in_the_order_of_the_sources(model: Model, folder: Path) -> None:
    results = list(model.predict(folder, batch_size=3))
    assert [result.name for result in results] == ["0", "1", "2", "3"]
    assert [result.mask.shape for result in results] == [(48, 64), (48, 64), (33, 47), (64, 48)]


@pytest.mark.parametrize("batch_size", [2, 4, 7])
def test_batches_do_not_change_a_mask(model: Model, batch_size: int) -> None:
    pictures = [draw_scene(seed, 56, 72).image for seed in range(5)] + [draw_scene(9, 40, 88).image]
    alone = [result.mask for result in model.predict(pictures)]
    together = [result.mask for result in model.predict(pictures, batch_size=batch_size)]
    for one, other in zip(alone, together, strict=True):
        assert (one == other).mean() > 0.9999


def test_threads_of_the_engine_and_of_the_caller_do_not_change_a_mask(bundle: Bundle, model: Model) -> None:
    pictures = [draw_scene(seed, 56, 72 + 8 * seed).image for seed in range(4)]
    expected = [model.predict(picture).one().mask for picture in pictures]
    with zoo.load(bundle.folder, threads=2) as two, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda picture: two.predict(picture).one().mask, pictures * 5))
    for index, mask in enumerate(found):
        assert (mask == expected[index % 4]).mean() > 0.9999


def test_a_constant_picture_takes_the_lowest_of_equal_classes(tmp_path: Path, seven_labels) -> None:
    from zoo.learn.export import export_bundle

    network = small_network()
    network.seg_heads[0].conv_out.weight.set_value(paddle.zeros_like(network.seg_heads[0].conv_out.weight))
    bundle = export_bundle(network, tmp_path / "ties", model="ties", labels=seven_labels)
    with zoo.load(bundle.folder) as model:
        assert not model.predict(np.full((50, 60, 3), 100, np.uint8)).one().mask.any()


def test_label_programs_of_others_are_brought_back_by_nearest_neighbour(
    paddlex_bundle: Bundle, model: Model, picture: np.ndarray
) -> None:
    with zoo.load(paddlex_bundle.folder, threads=1) as foreign:
        mask = foreign.predict(picture).one().mask
    assert (mask == model.predict(picture).one().mask).mean() > 0.999


def test_a_notebook_shows_how_far_a_long_run_is(
    model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("zoo.base.notebook._PATIENCE", 0.0)
    monkeypatch.setattr("zoo.base.notebook._SECONDS_BETWEEN", 0.0)
    assert len(list(model.predict(folder))) == 4
    assert capsys.readouterr().err == ""
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    list(model.predict(folder))
    shown = capsys.readouterr().err
    assert (
        re.sub(r"\d+\.\d", "N", shown).split()
        == " ".join(f"{done} pictures N a second" for done in (1, 2, 3, 4, 4)).split()
    )
    assert shown.endswith("\n")
    assert {len(line) for line in shown.strip("\r\n").split("\r")} == {78}
    begun = model.predict(folder)
    next(begun)
    begun.close()
    assert capsys.readouterr().err.endswith("\n")
    monkeypatch.setattr("zoo.base.notebook._PATIENCE", 60.0)
    list(model.predict(folder))
    assert capsys.readouterr().err == ""


def test_prediction_is_lazy(model: Model, folder: Path) -> None:
    opened: list[int] = []

    class Spy(os.PathLike[str]):
        def __init__(self, index: int) -> None:
            self.index = index

        def __fspath__(self) -> str:
            opened.append(self.index)
            return str(folder / f"{self.index}.png")

    predictions = model.predict([Spy(index % 2) for index in range(50)])
    assert opened == []
    next(predictions)
    assert 0 < len(opened) <= 8  # a few pictures are read ahead
    predictions.close()


def test_a_bad_picture_ends_the_run_or_is_collected(model: Model, picture: np.ndarray, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(picture).save(good)
    bad.write_bytes(good.read_bytes()[:500])
    with pytest.raises(zoo.DecodeError, match=r"bad\.png"):
        list(model.predict([good, bad, good]))
    predictions = model.predict([good, bad, tmp_path / "gone.png", picture, object()], on_error="skip", batch_size=4)
    assert [result.name for result in predictions] == ["good", "array_0004"]
    assert [Path(failure.uri).name for failure in predictions.failures][:2] == ["bad.png", "gone.png"]
    assert [type(failure.error).__name__ for failure in predictions.failures] == [
        "DecodeError",
        "DecodeError",
        "UnsupportedSourceError",
    ]


def test_wrong_arguments_fail_at_the_call(model: Model, bundle: Bundle, picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match="`batch_size` is 0"):
        model.predict(picture, batch_size=0)
    with pytest.raises(ValueError, match="`on_error` is 'ignore'"):
        model.predict(picture, on_error="ignore")
    with pytest.raises(ValueError, match="`threads` is 0"):
        zoo.load(bundle.folder, threads=0)


def test_a_model_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(zoo.ModelNotFoundError, match="Run: zoo list-models"):
        zoo.load("PP-LightSeg-XXL")
    with pytest.raises(zoo.BundleError, match=r"has no inference\.yml"):
        zoo.load(tmp_path)
    with pytest.raises(zoo.OfflineError, match="are not on this machine"):
        zoo.load("PP-LiteSeg-T", offline=True)


def test_bytes_of_a_picture_need_no_file(model: Model, picture: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    assert model.predict(buffer.getvalue()).one().name == "bytes_0001"


def test_frames_predicted_one_by_one_keep_their_own_outputs(model: Model, tmp_path: Path) -> None:
    frames = [draw_scene(seed, 40, 48).image for seed in range(3)]
    for _ in range(2):
        for frame in frames:
            model.predict(frame).one().save_to_img(tmp_path, kind="mask")
    assert len(list(tmp_path.iterdir())) == 3


def test_the_note_says_what_was_done_with_a_view(model: Model, picture: np.ndarray) -> None:
    def note(**options: object) -> str:
        return model.predict(picture, mode="slide", window=(96, 96), **options).one().note

    assert note().startswith("windows of 96x96")
    assert note(scales=(0.5,)) == "scaled by 0.5", "a view of 60x84 is smaller than a window"
    assert note(scales=(2.0,)).endswith("; scaled by 2")
    assert note(scales=(2.0,)).startswith("windows of 96x96")
    assert note(flip=True).endswith("; mean over 2 views")


def test_a_range_makes_of_16_bits_the_picture_of_8_and_the_note_says_so(model: Model, picture: np.ndarray) -> None:
    wide = picture.astype(np.uint16) * 8
    ranged = model.predict(wide, value_range=(0, 2040)).one()
    assert np.array_equal(ranged.mask, model.predict(picture).one().mask)
    assert ranged.note.startswith("values 0 to 2040 as black to white")
    assert "nearly one colour" in model.predict(wide).one().note
    automatic = model.predict(wide, value_range="auto", flip=True).one().note
    assert automatic.startswith("values ")
    assert automatic.endswith("; mean over 2 views")


def test_more_pixels_are_refused_than_allowed_whoever_allows_them(
    model: Model, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    pixels = picture.shape[0] * picture.shape[1]
    for allowed in (pixels, pixels - 1):
        monkeypatch.setenv("ZOO_MAX_PIXELS", str(allowed))
        for options in ({}, {"max_pixels": 2 * pixels - allowed}):
            found = model.predict(buffer.getvalue(), on_error="skip", **options)
            fits = (options.get("max_pixels", allowed)) >= pixels
            assert (len(list(found)), len(found.failures)) == (fits, not fits)


def test_one_scale_needs_no_list(model: Model, picture: np.ndarray) -> None:
    assert model.predict(picture, scales=0.5).one().note == "scaled by 0.5"
