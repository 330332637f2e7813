"""Many machines, with a real Ray cluster on this one: what comes of a run is what comes of it on one machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from scenes import draw_scene
from support import export_small
from zoo.contract.labels import LabelSet, distinct_palette
from zoo.errors import ClusterError, OutputError, SourceError

pytest.importorskip("ray", reason="Ray is not installed: make test-cluster")

# It takes minutes on two cores: `make test-cluster`.
pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("ignore"), pytest.mark.enable_socket]

LABELS = LabelSet("seven", tuple("abcdefg"), distinct_palette(7))
#: The threads of an actor, for the same setting of the engine on one machine.
ONE = {"threads": 1}


@pytest.fixture(scope="module")
def ray(zoo_home: object) -> Iterator[Any]:
    """A cluster of this machine with two cores, which workers leave and join."""
    import ray

    os.environ.update(
        ZOO_OFFLINE="1",
        RAY_USAGE_STATS_ENABLED="0",
        RAY_AUTH_TOKEN="0" * 64,
        AWS_ACCESS_KEY_ID="zoo",
        AWS_SECRET_ACCESS_KEY="zoo-secret",
        PYTHONPATH=os.pathsep.join(path for path in sys.path if path),
    )
    ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures, two of one name, an animation, and one that is cut off."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "more").mkdir()
    for number in range(40):
        scene = Image.fromarray(draw_scene(number, 96, 128).image)
        scene.save(folder / ("more" if number % 4 == 0 else "") / f"{number:02d}.png")
    shutil.copy(folder / "01.png", folder / "more" / "01.png")
    frames = [Image.fromarray(draw_scene(50 + number, 64, 64).image) for number in range(3)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    (folder / "cut.png").write_bytes((folder / "01.png").read_bytes()[:900])
    return folder


@pytest.fixture(scope="module")
def here(pictures: Path, tmp_path_factory: pytest.TempPathFactory, zoo_home: object) -> tuple[Path, list[str]]:
    """What one machine makes of them, and which failed."""
    folder = tmp_path_factory.mktemp("here")
    with zoo.load("starter", **ONE) as model:
        predictions = model.predict(str(pictures), recursive=True, frames="all", on_error="skip")
        for result in predictions:
            for kind in ("mask", "json"):
                result.save(folder, kind)
    return folder, [failure.uri for failure in predictions.failures]


def there(pictures: Any, folder: Path | str, kinds: Sequence[str] = ("mask", "json"), **more: Any) -> Any:
    from zoo.distributed import predict

    options = {"recursive": True, "frames": "all", **ONE, **more}
    return predict(pictures, "starter", save_path=folder, save_kinds=tuple(kinds), **options)


def contents(folder: Path) -> dict[str, object]:
    """Files by name; of documents all but what the time of day changes."""
    found: dict[str, object] = {}
    for path in folder.iterdir():
        if path.suffix == ".json":
            document = json.loads(path.read_text())
            found[path.name] = {key: value for key, value in document.items() if key not in ("seconds", "why")}
        elif path.suffix == ".png":
            found[path.name] = path.read_bytes()
    return found


def test_the_files_are_those_of_one_machine(ray: Any, pictures: Path, here: Any, tmp_path: Path) -> None:
    predictions = there(pictures, tmp_path)
    results = list(predictions)
    assert contents(tmp_path) == contents(here[0])
    assert [failure.uri for failure in predictions.failures] == here[1]
    assert len(results) + 1 == predictions.total + 2  # the animation is one input and three pictures
    assert {Path(path).name for one in results for path in one.saved} == set(contents(tmp_path))
    assert sum(results[0].shares().values()) == pytest.approx(1)


def test_a_run_that_goes_on_does_what_is_missing(ray: Any, pictures: Path, here: Any, tmp_path: Path) -> None:
    list(there(pictures, tmp_path))
    (tmp_path / "03_mask.png").unlink()
    (tmp_path / "moving_0002.json").unlink()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    predictions = there(pictures, tmp_path, resume=True)
    assert sorted(one.name for one in predictions) == ["03", "moving_0002"]
    assert predictions.passed == len(contents(here[0])) // 2 - 2
    changed = {path.name for path in tmp_path.iterdir() if path.stat().st_mtime_ns != before.get(path.name)}
    assert changed == {"03_mask.png", "03.json", "moving_0002_mask.png", "moving_0002.json"}
    assert contents(tmp_path) == contents(here[0])


def test_a_killed_worker_changes_nothing(ray: Any, pictures: Path, here: Any, tmp_path: Path) -> None:
    predictions = there(pictures, tmp_path, part_size=2)
    names = [next(predictions).name]
    killed = [number for number in workers_of_zoo() if os.kill(number, signal.SIGKILL) is None][:1]
    names += [one.name for one in predictions]
    assert killed
    assert len(names) == len(contents(here[0])) // 2
    assert contents(tmp_path) == contents(here[0])


def test_a_picture_that_ends_its_process_fails_alone(ray: Any, pictures: Path, tmp_path: Path) -> None:
    from deadly_work import DeadlyWork

    from zoo.distributed import predicting

    mixed = tmp_path / "mixed"
    shutil.copytree(pictures / "more", mixed)
    shutil.copy(pictures / "02.png", mixed / "deadly.png")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(predicting, "PictureWork", DeadlyWork)
        predictions = there(mixed, tmp_path / "out", ("mask", "parquet"), part_size=4)
        names = sorted(one.name for one in predictions)
    assert names == sorted(path.stem for path in (pictures / "more").iterdir())
    (failure,) = predictions.failures
    assert failure.name == "deadly"
    assert "ended the process" in failure.error.message
    rows = table(tmp_path / "out")
    assert sorted(rows["name"]) == sorted([*names, "deadly"])
    assert rows.loc[rows["name"] == "deadly", "error"].str.contains("ended the process").all()


def test_a_full_object_store_changes_nothing(ray: Any, pictures: Path, here: Any, tmp_path: Path) -> None:
    held = [ray.put(np.zeros(10 << 20, np.uint8)) for _ in range(12)]
    list(there(pictures, tmp_path))
    assert contents(tmp_path) == contents(here[0])
    assert len(held) == 12


def test_tables_hold_the_masks(ray: Any, pictures: Path, here: Any, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed: make test-cluster")
    list(there(pictures, tmp_path, ("mask", "parquet"), scores=True))
    rows = table(tmp_path)
    assert len(rows) == len(contents(here[0])) // 2 + 1
    assert rows["error"].notna().sum() == 1
    for row in rows[rows["error"].isna()].itertuples():
        mask = np.repeat(row.values, row.lengths).reshape(int(row.height), int(row.width))
        saved = Path(tmp_path / f"{row.name}_mask.png")
        if row.name != "01":  # of which there are two
            np.testing.assert_array_equal(mask, np.asarray(Image.open(saved)))
        assert sum(area["pixels"] for area in row.classes) == mask.size
    road = "select sum(c.pixels) from (select unnest(classes) as c from read_parquet(?)) where c.name = 'road'"
    (found,) = duckdb.execute(road, [str(tmp_path / "*.parquet")]).fetchone()
    assert found == sum(
        area["pixels"] for classes in rows["classes"].dropna() for area in classes if area["name"] == "road"
    )
    assert ray.data.read_parquet(str(tmp_path / "part-00000.parquet")).count() >= 1
    again = there(pictures, tmp_path, ("mask", "parquet"), scores=True, resume=True)
    assert [one.name for one in again] == []


def test_pictures_and_results_in_an_object_store(ray: Any, pictures: Path, here: Any, tmp_path: Path) -> None:
    server = pytest.importorskip("moto.server", reason="moto is not installed: make test-cluster")
    import pyarrow.fs

    moto = server.ThreadedMotoServer("127.0.0.1", 0)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        query = f"endpoint_override={host}:{port}&scheme=http&region=us-east-1"
        root = f"s3://bucket?{query}&allow_bucket_creation=true"
        files, _ = pyarrow.fs.FileSystem.from_uri(root)
        files.create_dir("bucket")
        for path in sorted(pictures.glob("*.*")):
            with files.open_output_stream(f"bucket/photos/{path.name}") as file:
                file.write(path.read_bytes())
        predictions = there(f"s3://bucket/photos?{query}", f"s3://bucket/results?{query}")
        assert len(list(predictions)) == len(list(pictures.glob("*.png"))) - 1 + 3
        assert [failure.uri for failure in predictions.failures] == ["s3://bucket/photos/cut.png"]
        for name in ("01_mask.png", "moving_0003_mask.png"):
            copy = tmp_path / name
            copy.write_bytes(files.open_input_stream(f"bucket/results/{name}").read())
            np.testing.assert_array_equal(np.asarray(Image.open(copy)), np.asarray(Image.open(here[0] / name)))
        again = there(f"s3://bucket/photos?{query}", f"s3://bucket/results?{query}", resume=True)
        assert [one.name for one in again] == []
        with pytest.raises(SourceError, match="cannot be used"):
            there(f"s3://bucket/results/none?{query}", tmp_path)
        with pytest.raises((SourceError, OutputError), match="cannot be used"):
            list(there(f"s3://other/photos?{query}", tmp_path))
    finally:
        moto.stop()


def test_counts_of_an_evaluation_add_up(ray: Any, tmp_path: Path) -> None:
    from zoo.distributed import evaluate
    from zoo.learn.data import Sample
    from zoo.learn.evaluation import evaluate as evaluate_here

    samples: list[Sample] = []
    for number in range(20):
        scene = draw_scene(number, 96, 128)
        image, mask = tmp_path / f"{number}.png", tmp_path / f"{number}_mask.png"
        Image.fromarray(scene.image).save(image)
        Image.fromarray(scene.mask.astype(np.uint8) % 11).save(mask)
        samples.append(Sample(image, mask))
    with zoo.load("starter", **ONE) as model:
        one = evaluate_here(model, samples, boundary=True)
    many, ran_on = evaluate("starter", samples, boundary=True, **ONE)
    np.testing.assert_array_equal(one.confusion.counts, many.confusion.counts)
    np.testing.assert_array_equal(one.pixels, many.pixels)
    np.testing.assert_array_equal(one.boundary.both, many.boundary.both)
    assert one.pictures == many.pictures
    assert ran_on.engine.startswith("paddle")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_label_map_of_a_giant_tiff_is_that_of_one_machine(
    ray: Any, tmp_path: Path, dtype: type[np.uint8 | np.uint16]
) -> None:
    tifffile = pytest.importorskip("tifffile")
    from zoo.distributed import predict_tiff

    bundle = export_small(tmp_path / "bundle", LABELS).folder
    picture = np.tile(draw_scene(3, 200, 300).image, (6, 2, 1))[:1111].astype(dtype) * (1 if dtype == np.uint8 else 257)
    nodata = [(42113, 2, 0, "0", True)]
    tifffile.imwrite(tmp_path / "big.tif", picture, tile=(64, 64), photometric="rgb", extratags=nodata)
    options = {"window": (128, 128), "stride": (96, 96), **ONE}
    with zoo.load(bundle, **ONE) as model:
        options_here = {name: options[name] for name in ("window", "stride")}
        model.predict_tiff(tmp_path / "big.tif", tmp_path / "one.tif", **options_here)
    seen: list[int] = []
    predict_tiff(
        tmp_path / "big.tif", tmp_path / "many.tif", bundle, progress=lambda now: seen.append(now.done_rows), **options
    )
    one, many = (tifffile.imread(tmp_path / name) for name in ("one.tif", "many.tif"))
    np.testing.assert_array_equal(one, many)
    assert len(np.unique(one)) > 2
    assert seen == sorted(seen)
    assert seen[-1] == 1111


def test_what_cannot_be_is_said(ray: Any, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="ndarray"):
        there(np.zeros((8, 8, 3), np.uint8), tmp_path)
    (tmp_path / "empty").mkdir()
    predictions = there(tmp_path / "empty", tmp_path / "out")
    assert list(predictions) == []
    assert "holds no picture" in predictions.failures[0].error.message
    with pytest.raises(ClusterError, match="each worker is given its own"):
        list(there(pictures, tmp_path, device="gpu:0"))
    with pytest.raises(ClusterError, match="The cluster has 2 CPU, and a worker takes 64"):
        list(there(pictures, tmp_path, threads=64))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError):
        there(pictures, tmp_path / "file" / "out")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "01_mask.png").write_bytes(b"mine")
    list(there(pictures, tmp_path / "theirs", ("mask",)))
    assert (tmp_path / "theirs" / "01_mask.png").read_bytes() == b"mine"
    assert (tmp_path / "theirs" / "01~2_mask.png").exists()
    broken = tmp_path / "broken"
    export_small(broken, LABELS)
    (broken / "inference.pdiparams").write_bytes(b"nothing")
    from zoo.distributed import predict

    with pytest.raises(zoo.errors.ZooError, match=r"inference\.pdiparams"):
        list(predict(str(pictures), broken, save_path=tmp_path / "out"))


def workers_of_zoo() -> list[int]:
    """Returns the processes of actors that work."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                title = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                continue
            if title.startswith(b"ray::MapWorker"):
                found.append(int(folder.name))
    return found


def table(folder: Path) -> Any:
    import pandas

    return pandas.concat([pandas.read_parquet(path) for path in sorted(folder.glob("*.parquet"))])
