"""`zoo predict` on many inputs: formats, resuming, pipeline files, scores, other classes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import zoo
from scenes import draw_scene
from support import png
from terminal import in_terminal
from zoo.bundle.bundle import Bundle
from zoo.cli.app import cli
from zoo.cli.cells import cells
from zoo.results.formats import read_labelme, to_cvat
from zoo.results.small import without_small

Command = Callable[..., Result]


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """A folder with three pictures, two of one size, and one a folder below."""
    folder = tmp_path / "street"
    (folder / "more").mkdir(parents=True)
    for number, (name, size) in enumerate({"a.png": (40, 56), "b.png": (48, 40), "c.png": (40, 56)}.items()):
        Image.fromarray(draw_scene(number, *size).image).save(folder / name)
    Image.fromarray(draw_scene(9, 40, 56).image).save(folder / "more" / "d.png")
    return folder


@pytest.fixture
def predict(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs the command on the small model, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, code: int = 0, model: bool = True) -> Result:
        chosen = ["--model", str(bundle.folder)] if model else []
        done = CliRunner().invoke(cli, ["predict", *map(str, arguments), *chosen, "--threads", "1"])
        assert done.exit_code == code, (done.output, done.exception)
        return done

    return run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_form_is_saved_beside_the_others(predict: Command, street: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    predict(street / "a.png", "-o", out, "--save", "overlay,color,side,mask,json,coco,geojson,cvat,labelstudio")
    assert names(out) == [
        "a.geojson", "a.json", "a_coco.json", "a_color.png", "a_cvat.xml", "a_labelstudio.json", "a_mask.png",
        "a_overlay.png", "a_side.png",
    ]  # fmt: skip
    assert "not a comma-separated choice" in predict(street, "-o", out, "--save", "bmp", code=2).stderr


@pytest.mark.full
def test_overlays_look_as_the_command_line_or_the_pipeline_file_says(
    predict: Command, bundle: Bundle, street: Path, tmp_path: Path
) -> None:
    plain = ["--opacity", "0", "--no-outline", "--no-legend"]
    predict(street / "a.png", "-o", tmp_path / "plain", *plain)
    source = np.asarray(Image.open(street / "a.png"))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "plain" / "a_overlay.png")), source)
    looks = {"opacity": 0.7, "outline": False, "names": True, "palette": "colorblind"}
    predict(
        street / "a.png", "-o", tmp_path / "words", "--save", "overlay,color,mask",
        "--opacity", "0.7", "--no-outline", "--names", "--palette", "colorblind",
    )  # fmt: skip
    palette = looks.pop("palette")
    settings = {"path": "file", "kinds": ["overlay", "color", "mask"], **looks}
    pipeline = {"zoo": 1, "model": str(bundle.folder), "threads": 1, "palette": palette, "save": settings}
    (tmp_path / "p.yaml").write_text(json.dumps(pipeline))
    zoo.create_pipeline(tmp_path / "p.yaml").predict(str(street / "a.png")).one()
    result = zoo.load(bundle.folder, threads=1).predict(str(street / "a.png"), palette=palette).one()
    result.save_to_img(tmp_path / "python", **looks)
    result.save_to_img(tmp_path / "python", "color")
    result.save_to_img(tmp_path / "python", "mask")
    for name in ("a_overlay.png", "a_color.png", "a_mask.png"):
        contents = {(tmp_path / folder / name).read_bytes() for folder in ("words", "file", "python")}
        assert len(contents) == 1, name
    assert "Give it alone" in predict(street, "--palette", "colorblind", "--palette", "a=#000000", code=2).stderr


@pytest.mark.full
def test_results_among_the_pictures_are_no_inputs(
    predict: Command, street: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def seen(*arguments: object) -> list[str]:
        return [json.loads(line)["name"] for line in predict(*arguments, "--json").stdout.splitlines()]

    # Written into the folder that is being read, and beside the pictures.
    assert seen(street, "-r", "-o", street / "results", "--save", "overlay,mask,side") == ["a", "b", "c", "d"]
    assert seen(street, "-r", "-o", street / "results", "--save", "overlay,mask,side") == ["a", "b", "c", "d"]
    assert f"{street}: 12 results of zoo passed over, such as a_mask.png" in caplog.messages
    predict(street / "a.png", "-o", street / "a_small.jpg", "--save", "overlay")
    assert seen(street, "-o", street) == seen(street, "-o", street) == seen(f"{street}/*.*") == ["a", "b", "c"]
    assert f"{street}/*.*: 10 results of zoo passed over, such as a.json" in caplog.messages
    assert seen(street / "a_mask.png") == ["a_mask"]  # asked for by its name
    own = predict(f"{street}/*_mask.png", code=1).stderr
    assert "matches no picture (3 results of zoo passed over, such as a_mask.png)." in own
    assert "holds no picture (12 results of zoo passed over" in predict(street / "results", code=1).stderr


def test_outlines_written_for_people_have_few_corners_unless_exact_ones_are_asked_for(
    predict: Command, bundle: Bundle, tmp_path: Path
) -> None:
    Image.fromarray(draw_scene(3, 200, 300).image).save(tmp_path / "a.png")

    def points(folder: str) -> tuple[int, int]:
        labelme = json.loads(Path(folder, "a.json").read_text())["shapes"]
        features = json.loads(Path(folder, "a.geojson").read_text())["features"]
        rings = [ring for feature in features for ring in feature["geometry"]["coordinates"]]
        return sum(len(shape["points"]) for shape in labelme), sum(map(len, rings))

    kinds = ("--save", "labelme,geojson,cvat,mask")
    predict("a.png", "-o", "exact", *kinds, "--tolerance", "0", "--min-area", "0")
    predict("a.png", "-o", "usual", *kinds)
    exact, usual = points("exact"), points("usual")
    assert all(4 * few < many for few, many in zip(usual, exact, strict=True))
    mask = np.asarray(Image.open("exact/a_mask.png"))
    labels = bundle.labels
    assert np.array_equal(read_labelme("exact/a.json", labels), mask)
    assert (read_labelme("usual/a.json", labels) == mask).mean() > 0.9
    large = without_small(mask, 100)
    assert not np.array_equal(large, mask)
    result = zoo.load(bundle.folder, threads=1).predict("a.png").one()
    assert Path("usual/a_cvat.xml").read_text() == to_cvat(result, min_area=100)
    assert Path("exact/a_cvat.xml").read_text() == to_cvat(result) != to_cvat(result, min_area=100)
    # A pipeline file says the same.
    save = {"path": "file", "kinds": ["labelme", "geojson", "cvat"], "tolerance": 0, "min_area": 0}
    Path("p.yaml").write_text(json.dumps({"zoo": 1, "model": str(bundle.folder), "threads": 1, "save": save}))
    zoo.create_pipeline("p.yaml").predict("a.png").one()
    assert points("file") == exact


def test_a_path_with_an_ending_is_a_file_that_zoo_writes_or_an_error(
    predict: Command, street: Path, tmp_path: Path
) -> None:
    told = predict(street, "-o", "out.bmp", "--save", "mask", code=1).stderr
    assert "out.bmp ends with .bmp. Expected a folder, or a name that ends with .png." in told
    assert "Use out.png, or out.bmp/ for a folder." in told
    for ending in ("avi", "mkv", "webm", "mov"):
        told = predict(street, "-o", f"v.{ending}", "--save", "side", code=1).stderr
        assert (
            f"v.{ending} ends with .{ending}. Expected a folder, or a name that ends with .mp4, .png, .jpg or .jpeg."
            in told
        )
        assert "Use v.mp4, or" in told
    assert names(tmp_path) == ["street"]
    predict(street / "a.png", "-o", "run.2/", "--save", "mask")
    predict(street / "c.png", "-o", "run.2", "--save", "mask")  # there already
    assert names(tmp_path / "run.2") == ["a_mask.png", "c_mask.png"]
    pytest.importorskip("av", reason="PyAV, the extra `video`, is not installed")
    assert "saved out.mp4" in predict(street / "a.png", street / "c.png", "-o", "out.mp4", "--save", "overlay").stderr
    assert (tmp_path / "out.mp4").stat().st_size > 500
    assert "Choose it, such as --save overlay, or" in predict(street, "-o", "two.mp4", code=2).stderr


def test_what_one_file_cannot_hold_is_refused_before_the_model_is_loaded(
    predict: Command, street: Path, tmp_path: Path
) -> None:
    def refused(*arguments: object) -> str:
        told = predict(*arguments, "--model", "no such model", code=1, model=False).stderr
        assert "no such model" not in told
        return told

    told = refused(street, "-o", "w/one.png", "--save", "overlay")
    assert "w/one.png is one file, and overlay holds one picture a file. There are more.\nGive a folder: w/one/" in told
    (tmp_path / "notes.json").write_text("{}")
    assert "is no file zoo wrote" in refused(street / "a.png", "-o", "notes.json", "--save", "coco")
    assert "is no file zoo wrote" in refused(street / "a.png", "-o", street / "a.png", "--save", "overlay")
    assert "no.ttf cannot be used as a font" in refused(street / "a.png", "-o", "w", "--font", "no.ttf")
    assert names(tmp_path / "w") == []


def test_standard_input_is_called_so_and_gets_hints_of_its_own(bundle: Bundle, street: Path) -> None:
    def piped(*words: str, given: bytes) -> Result:
        return CliRunner().invoke(cli, ["predict", "-", *words, "--model", str(bundle.folder)], input=given)

    picture = (street / "a.png").read_bytes()
    assert piped(given=picture).stdout.startswith("stdin  ")
    assert json.loads(piped("--json", given=picture).stdout)["source"].startswith("stdin#")
    for given in (b"", b"no picture", picture[:200]):
        told = piped(given=given)
        assert told.exit_code == 1
        assert "Send a whole picture" in told.stderr
    seen = in_terminal(
        [sys.executable, "-m", "zoo", "predict", "-", "--model", str(bundle.folder)],
        interrupt=lambda line: "standard input" in line,
    )
    assert seen.left[0] == "A picture is expected on standard input. It ends with Ctrl-D."


@pytest.mark.full
def test_all_files_of_an_input_have_one_number_also_where_one_name_is_taken(
    predict: Command, street: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a_overlay.png").write_bytes((street / "a.png").read_bytes())
    (tmp_path / "out" / "a.xml").write_text("no form of this run")
    words = (street / "a.png", "-o", "out", "--save", "mask,overlay,json")
    for _ in range(2):
        predict(*words)
        there = sorted(path.name for path in Path("out").iterdir())
        assert there == ["a.xml", "a_overlay.png", "a~2.json", "a~2_mask.png", "a~2_overlay.png"]
    assert (tmp_path / "out" / "a_overlay.png").read_bytes() == (street / "a.png").read_bytes()
    assert "1 passed over" in predict(*words, "--resume").stderr
    predict(street / "a.png", "-o", "out", "--save", "json,color")
    assert (tmp_path / "out" / "a~2_color.png").is_file()


@pytest.mark.full
def test_sub_folders_are_kept_where_that_is_asked_for(
    predict: Command, bundle: Bundle, street: Path, tmp_path: Path
) -> None:
    def kept(folder: str) -> list[str]:
        return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.png"))

    expected = ["a_mask.png", "b_mask.png", "c_mask.png", "more/d_mask.png"]
    words = ("--save", "mask", "--keep-tree")
    predict(street, "-r", "-o", "words", *words)
    assert kept("words") == expected
    predict(f"{street}/**/*.png", "-o", "pattern", *words)
    assert kept("pattern") == expected
    predict(street / "more" / "d.png", "-o", "file", *words)  # a file has no folder that was asked for
    assert kept("file") == ["d_mask.png"]
    predict(street, "-r", "-o", "flat", "--save", "mask")
    assert kept("flat") == ["a_mask.png", "b_mask.png", "c_mask.png", "d_mask.png"]
    done = predict(street, "-r", "-o", "words", "--resume", *words)
    assert "4 passed over" in done.stderr
    save = {"path": "settings", "kinds": ["mask"], "keep_tree": True}
    Path("p.yaml").write_text(json.dumps({"zoo": 1, "model": str(bundle.folder), "threads": 1, "save": save}))
    pipeline = zoo.create_pipeline("p.yaml")
    assert len(list(pipeline.predict([str(street / "a.png"), street / "more"]))) == 2
    assert kept("settings") == ["a_mask.png", "d_mask.png"]
    assert len(list(pipeline.predict({"img": str(street)}, recursive=True))) == 4
    assert kept("settings") == sorted([*expected, "d_mask.png"])
    (street / "more").rename(street / "more 1.5")  # no ending of a file
    expected[-1] = "more 1.5/d_mask.png"
    predict(street, "-r", "-o", "words 2", *words)
    assert kept("words 2") == expected
    with zoo.load(bundle.folder, threads=1) as model:
        saved = model.predict(street, recursive=True).save("python", "mask", keep_tree=True)
        model.predict(street, recursive=True).save("flat 2", "mask")
    assert (kept("python"), len(saved)) == (expected, 4)
    assert kept("flat 2") == kept("flat")


def test_a_tilde_is_the_home_folder_in_python_and_in_files(
    bundle: Bundle, street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    (home / "net").symlink_to(bundle.folder)
    (home / "street").symlink_to(street)
    (home / "l.yaml").write_text("labels: {low: [class 0]}")
    settings = {"zoo": 1, "model": "~/net", "labels": "~/l.yaml", "threads": 1, "save": {"path": "~/saved"}}
    (home / "p.yaml").write_text(json.dumps(settings))
    model = zoo.load("~/net", threads=1)
    predictions = model.predict(["~/street/a.png", Path("~/street/b.png"), "~/street/c*.png"], labels="~/l.yaml")
    assert [path.parent for path in predictions.save("~/out", "mask")] == [home / "out"] * 3
    result = zoo.create_pipeline("~/p.yaml").predict("~/street/a.png").one()
    assert result.class_names == ("low",)
    assert (home / "saved" / "a_mask.png").is_file()
    assert zoo.create_pipeline("~/p.yaml", save_path="~/other").config.save_path == home / "other"
    # A file that is really called so is meant.
    (tmp_path / "~").mkdir()
    Image.fromarray(draw_scene(1, 40, 56).image).save(tmp_path / "~" / "a.png")
    assert model.predict("~/a.png").one().uri == str(tmp_path / "~" / "a.png")


def test_columns_are_aligned_with_letters_of_two_cells(predict: Command, street: Path, tmp_path: Path) -> None:
    classes = {"天空与云": ["class 0", "class 1", "class 2"], "road": ["class 3", "class 4", "class 5", "class 6"]}
    (tmp_path / "l.yaml").write_text(json.dumps({"labels": classes}))
    lines = predict(street / "a.png", "--labels", "l.yaml").stdout.splitlines()[1:]
    assert len(lines) == 2
    assert len({cells(line) for line in lines}) == 1


def test_folders_patterns_and_lists_are_read_in_order(predict: Command, street: Path) -> None:
    def seen(*arguments: object) -> list[str]:
        return [json.loads(line)["name"] for line in predict(*arguments, "--json").stdout.splitlines()]

    assert seen(street) == ["a", "b", "c"]
    assert seen(street, "--recursive") == ["a", "b", "c", "d"]
    assert seen(f"{street}/**/*.png") == ["a", "b", "c", "d"]
    assert seen(street / "c.png", "--input", street / "a.png") == ["c", "a"]
    assert "at least one input" in predict(code=2).stderr


@pytest.mark.full
@pytest.mark.parametrize("size", ["2", "auto"])
def test_the_batch_size_changes_nothing_but_the_time(size: str, predict: Command, street: Path, tmp_path: Path) -> None:
    for batch, out in (("1", tmp_path / "one"), (size, tmp_path / "many")):
        predict(street, "--recursive", "-o", out, "--save", "mask", "--batch-size", batch)
    for name in names(tmp_path / "one"):
        one, many = (np.asarray(Image.open(tmp_path / place / name)) for place in ("one", "many"))
        assert (one == many).mean() > 0.999
    assert "neither a positive number nor auto" in predict(street, "--batch-size", "0", code=2).stderr


def test_a_run_goes_on_where_it_ended(predict: Command, street: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    predict(street / "b.png", "-o", out)
    done = predict(street, "-o", out, "--resume")
    assert "1 passed over: their results are there." in done.stderr
    assert len(names(out)) == 9
    assert "3 passed over" in predict(street, "-o", out, "--resume").stderr
    (out / "a_mask.png").unlink()
    later = (out / "c.json").stat().st_mtime + 10
    os.utime(street / "c.png", (later, later))
    assert "1 passed over" in predict(street, "-o", out, "--resume").stderr  # a lacks its mask, c has changed
    assert "--resume belongs to --save-path" in predict(street, "--resume", code=2).stderr


def test_bad_inputs_are_listed_at_the_end_and_the_others_are_done(
    predict: Command, street: Path, tmp_path: Path
) -> None:
    (street / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    done = predict(street, "gone.png", "-o", tmp_path / "out", "--on-error", "skip", code=3)
    assert "3 segmented, 2 failed." in done.stderr
    assert "bad.png" in done.stderr
    assert len(names(tmp_path / "out")) == 9
    assert predict(street, "-o", tmp_path / "out2", code=1).stderr.count("bad.png") == 1
    assert "a.json" in names(tmp_path / "out2")  # what came before it is kept


def test_a_picture_without_a_place_on_the_map_fails_alone(
    predict: Command, bundle: Bundle, street: Path, tmp_path: Path
) -> None:
    tifffile = pytest.importorskip(
        "tifffile", reason="the extra `large`, which writes the files here, is not installed"
    )
    tags = [(33550, 12, 3, (1.0, 1.0, 0.0), True), (33922, 12, 6, (0.0,) * 6, True)]
    for name in ("a", "z"):
        picture = draw_scene(3, 40, 56).image
        tifffile.imwrite(street / f"{name}.tif", picture, photometric="rgb", extratags=tags, metadata=None)
    for name in ("a", "c"):
        (street / f"{name}.png").unlink()
    asked = ("--save", "mask,geojson", "--coordinates", "map")
    done = predict(street, "-o", tmp_path / "out", *asked, "--on-error", "skip", code=3)
    assert "2 segmented, 1 failed." in done.stderr
    assert "b.png does not say where it lies" in done.stderr
    assert done.stderr.count("has no EPSG code, so its GeoJSON names none") == 2
    assert names(tmp_path / "out") == ["a.geojson", "a_mask.png", "z.geojson", "z_mask.png"]
    assert "b.png does not say where it lies" in predict(street, "-o", tmp_path / "raised", *asked, code=1).stderr
    with zoo.create_pipeline(
        "semantic_segmentation",
        model=str(bundle.folder),
        threads=1,
        on_error="skip",
        save_kinds=("mask", "geojson"),
        save_coordinates="map",
        save_path=tmp_path / "piped",
    ) as pipeline:
        run = pipeline.predict(street)
        assert [result.name for result in run] == ["a", "z"]
        assert [failure.name for failure in run.failures] == ["b"]
    assert names(tmp_path / "piped") == names(tmp_path / "out")


def test_of_several_pictures_each_has_a_line(predict: Command, bundle: Bundle, street: Path, tmp_path: Path) -> None:
    done = predict(street, "-o", tmp_path / "out", "--save", "mask,json")
    lines = done.stdout.splitlines()
    assert [line.split("  ")[:2] for line in lines] == [
        ["street/a.png", "40x56"], ["street/b.png", "48x40"], ["street/c.png", "40x56"]
    ]  # fmt: skip
    assert all(
        "% " in line and line.endswith(f"-> out/{name}_mask.png, {name}.json")
        for line, name in zip(lines, "abc", strict=True)
    )
    assert re.search(r"3 segmented, .* a second\.\n  read .* a picture  \(paddle", done.stderr)
    assert "small on cpu" not in done.stdout
    whole = CliRunner().invoke(cli, ["--verbose", "predict", str(street), "--model", str(bundle.folder)])
    assert whole.stdout.count("small on cpu") == 3
    assert whole.stderr.count("threads: no other engine can be used") == 3
    assert "no other engine" not in done.stderr


def test_high_performance_inference_is_asked_for_and_said(predict: Command, street: Path) -> None:
    for flag in ("--enable-hpi", "--use-hpip"):
        document = json.loads(predict(street / "a.png", flag, "--json").stdout)
        assert document["why"] == "high-performance inference: no other engine can be used"
        assert document["precision"] == "float32"
    refused = predict(street / "a.png", "--enable-hpi", "--backend", "paddle", code=1)
    assert refused.stderr.splitlines()[-1] == "Leave out --enable-hpi, or --backend paddle"
    (street / "p.yaml").write_text(
        "SubModules:\n  SemanticSegmentation: {model_name: starter}\nuse_hpip: true\nhpi_config: {backend: none}\n"
    )
    off = predict(street / "a.png", "--pipeline", street / "p.yaml", "--no-enable-hpi", "--json")
    assert json.loads(off.stdout)["why"] == "no other engine can be used"
    assert "Not used: `hpi_config` (line 4)." in off.stderr
    unknown = predict(street / "a.png", "--hpi_config", "{}", code=2)
    assert "Give what it holds: --backend, --precision, --threads." in unknown.stderr


def test_what_is_done_is_told_before_the_error_of_the_next(predict: Command, street: Path) -> None:
    (street / "text.png").write_text("no picture")
    done = predict(street / "a.png", street / "text.png", code=1)
    assert "street/a.png  40x56" in done.stdout
    assert "text.png is not a picture" in done.stderr
    # What can be known before is.
    done = predict(street / "a.png", "gone.png", code=1)
    assert (done.stdout, "gone.png does not exist" in done.stderr) == ("", True)


def test_one_file_holds_the_results_of_all_pictures(predict: Command, street: Path, tmp_path: Path) -> None:
    done = predict(street, "-o", tmp_path / "all.json", "--save", "coco")
    document = json.loads((tmp_path / "all.json").read_bytes())
    assert [image["file_name"] for image in document["images"]] == ["a.png", "b.png", "c.png"]
    assert "saved" in done.stderr
    assert len(done.stdout.splitlines()) == 3
    predict(street / "a.png", "-o", tmp_path / "new" / "a.jpg", "--save", "overlay")
    with Image.open(tmp_path / "new" / "a.jpg") as overlay:
        assert overlay.format == "JPEG"
    assert "holds one form" in predict(street, "-o", tmp_path / "b.json", code=2).stderr
    assert "--resume belongs" in predict(street, "-o", "c.json", "--save", "coco", "--resume", code=2).stderr


def test_a_failure_has_a_line_of_json(predict: Command, street: Path) -> None:
    done = predict(street / "a.png", "gone.png", street / "b.png", "--json", "--on-error", "skip", code=3)
    lines = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert set(lines) == {"a", "gone", "b"}
    assert lines["gone"]["error"]["type"] == "DecodeError"
    assert "does not exist" in lines["gone"]["error"]["message"]
    assert lines["gone"]["error"]["hint"]
    assert lines["gone"]["error"]["values"]["name"] == "gone.png"
    assert lines["gone"]["source"].endswith("/gone.png")


@pytest.mark.parametrize(
    ("sent", "code"), [pytest.param(signal.SIGINT, 130, marks=pytest.mark.full), (signal.SIGTERM, 143)]
)
def test_what_is_written_is_told_after_ctrl_c_and_sigterm(bundle: Bundle, tmp_path: Path, sent: int, code: int) -> None:
    drawn = [png(draw_scene(number, 40, 56).image) for number in range(5)]
    for number in range(2000):  # it is not through with them before it is interrupted
        (tmp_path / f"{number:04}.png").write_bytes(drawn[number % 5])
    out, told = tmp_path / "out", tmp_path / "told"
    words = ["--json", "-o", str(out), "--save", "mask", "--model", str(bundle.folder), "--threads", "2"]
    with told.open("wb") as stdout:
        command = subprocess.Popen(
            [sys.executable, "-m", "zoo", "predict", str(tmp_path), *words],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
    while command.poll() is None and (not out.is_dir() or len(names(out)) < 20):
        time.sleep(0.01)
    command.send_signal(sent)
    _, notes = command.communicate(timeout=20)
    assert command.returncode == code, notes
    lines = told.read_text().splitlines()
    assert [json.loads(line)["saved"][0] for line in lines] == [str(out / name) for name in names(out)]
    assert f"{len(names(out))} segmented" in notes
    assert notes.endswith(f"Interrupted, {2000 - len(names(out))} left.\n")


def test_options_of_a_pipeline_file_are_switched_off(predict: Command, street: Path, tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text("zoo: 1\nmodel: starter\nrecursive: true\nflip: true\nscores: true\n")
    lines = predict(street, "--pipeline", "all.yaml", "--json").stdout.splitlines()
    assert len(lines) == 4
    plain = predict(
        street, "--pipeline", "all.yaml", "--json", "--no-recursive", "--no-flip", "--no-scores"
    ).stdout.splitlines()
    assert len(plain) == 3
    assert json.loads(lines[0])["note"] == "mean over 2 views"
    assert json.loads(plain[0])["note"] == ""
    assert "score" in json.loads(lines[0])["classes"][0]
    assert "score" not in json.loads(plain[0])["classes"][0]


def test_scores_and_a_bound_for_them(predict: Command, street: Path) -> None:
    plain = json.loads(predict(street / "a.png", "--json").stdout)
    scored = json.loads(predict(street / "a.png", "--json", "--scores").stdout)
    assert "score" not in str(plain["classes"])
    assert all(0 < item["score"] <= 1 for item in scored["classes"])
    bound = max(item["score"] for item in scored["classes"])
    unknown = json.loads(predict(street / "a.png", "--json", "--min-score", bound).stdout)
    assert "unknown" in [item["name"] for item in unknown["classes"]]
    assert "score" in predict(street / "a.png", "--scores").stdout


def test_classes_are_merged_by_a_file(predict: Command, street: Path, tmp_path: Path) -> None:
    (tmp_path / "merge.yaml").write_text("labels: {low: [class 0, class 1, class 2], high: [class 3, class 4]}\n")
    found = json.loads(predict(street / "a.png", "--json", "--labels", tmp_path / "merge.yaml").stdout)
    assert {item["name"] for item in found["classes"]} <= {"low", "high", "unknown"}
    (tmp_path / "wrong.yaml").write_text("labels: {low: [clas 0]}\n")
    assert "class 0" in predict(street / "a.png", "--labels", tmp_path / "wrong.yaml", code=1).stderr


def test_windows_and_views_are_said_in_the_result(predict: Command, street: Path) -> None:
    done = json.loads(predict(street / "a.png", "--json", "--mode", "slide", "--window", 32, 32).stdout)
    assert done["note"] == "windows of 32x32 every 24x24"
    done = json.loads(predict(street / "a.png", "--json", "--flip", "--scales", "1,1.5").stdout)
    assert done["note"] == "mean over 4 views"
    assert "how large the windows" in predict(street / "a.png", "--mode", "slide", code=1).stderr


def test_options_beat_the_pipeline_file(predict: Command, bundle: Bundle, street: Path, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        f"zoo: 1\nmodel: {bundle.folder}\nscores: true\nsave: {{path: results, kinds: [mask]}}\n"
    )
    done = predict(street / "a.png", "--pipeline", "p.yaml", "--json", model=False)
    assert "score" in str(json.loads(done.stdout)["classes"])
    assert names(tmp_path / "results") == ["a_mask.png"]
    predict(street / "a.png", "--pipeline", "p.yaml", "-o", "other", "--save", "json", model=False)
    assert names(tmp_path / "other") == ["a.json"]
    (tmp_path / "p.yaml").write_text("zoo: 1\nmodell: starter\n")
    error = predict(street / "a.png", "--pipeline", "p.yaml", code=1, model=False).stderr
    assert "modell" in error
    assert "line 2" in error


def test_the_documented_flags_are_read(bundle: Bundle, street: Path, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"Pipeline:\n  model: {bundle.folder}\n  device: cpu\n  batch_size: 1\n")
    arguments = ["--pipeline", tmp_path / "p.yaml", "--input", street / "a.png", "--save_path", tmp_path / "out"]
    done = CliRunner().invoke(cli, [str(argument) for argument in (*arguments, "--device", "cpu")])
    assert done.exit_code == 0, done.output
    assert "a_overlay.png" in names(tmp_path / "out")


@pytest.mark.full
def test_merged_classes_are_measured(predict: Command, bundle: Bundle, street: Path, tmp_path: Path) -> None:
    predict(street, "-o", tmp_path / "truth", "--save", "mask")
    lines = [f"{street / name}.png {tmp_path / 'truth' / name}_mask.png\n" for name in "abc"]
    (tmp_path / "list.txt").write_text("".join(lines))
    (tmp_path / "merge.yaml").write_text("labels: {low: [class 0, class 1, class 2], high: [class 3, class 4]}\n")

    def measured(*arguments: str) -> dict:
        command = ["evaluate", str(bundle.folder), "--data", str(tmp_path / "list.txt"), "--root", "/", "--json"]
        done = CliRunner().invoke(cli, [*command, *arguments])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    merge = ("--labels", str(tmp_path / "merge.yaml"))
    merged = measured(*merge, "--map-truth")
    assert [entry["class"] for entry in merged["IoU"]] == ["low", "high"]
    assert merged["accuracy"] == 1.0  # what the mapping leaves out is not measured
    # Masks that hold the new classes already: 0 is low and 1 high, everything else is to be left out.
    for name in "abc":
        path = tmp_path / "truth" / f"{name}_mask.png"
        mask = np.asarray(Image.open(path))
        new = np.select([mask <= 2, mask <= 4], [0, 1], 255).astype(np.uint8)
        Image.fromarray(new).save(path)
    assert measured(*merge)["accuracy"] == 1.0
    for name in "abc":
        Image.fromarray(np.zeros_like(np.asarray(Image.open(tmp_path / "truth" / f"{name}_mask.png")))).save(
            tmp_path / "truth" / f"{name}_mask.png"
        )
    # Unknown where something is: a miss, not left out.
    assert measured(*merge)["accuracy"] < 1.0
