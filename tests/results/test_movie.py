"""Results as a video."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scenes import draw_scene
from zoo.contract.labels import CAMVID
from zoo.errors import OutputError
from zoo.picture.sources import inputs
from zoo.results import Predictions, Result
from zoo.results.encode import read_mark

av = pytest.importorskip("av", reason="PyAV, the extra `video`, is not installed")


def results(count: int = 3, size: tuple[int, int] = (64, 96), source: str = "/videos/freeman.mp4") -> list[Result]:
    scenes = [draw_scene(number, *size) for number in range(count)]
    return [
        Result(scene.mask, CAMVID, scene.image, "clip", f"{source}#frame={number}", "m", "cpu", "e", {})
        for number, scene in enumerate(scenes, 1)
    ]


def written(path: Path, rate: int | Fraction, frames: list[NDArray[np.uint8]]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height, stream.width, stream.pix_fmt = (*frames[0].shape[:2], "yuv420p")
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def shown(path: Path) -> tuple[Fraction, NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate
        return rate, np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.mark.parametrize("kind", ["overlay", "side", "color"])
def test_every_result_is_a_frame(kind: str, tmp_path: Path) -> None:
    taken = results()
    assert Predictions(iter(taken)).save(tmp_path / "new" / "out.mp4", kind) == [tmp_path / "new" / "out.mp4"]
    rate, frames = shown(tmp_path / "new" / "out.mp4")
    expected = np.stack([getattr(each, kind)(legend=False) for each in taken])
    assert rate == 25
    assert frames.shape == expected.shape
    # A video has losses; a picture of another frame, or another kind, is far away.
    assert np.abs(frames.astype(int) - expected).mean() < 12
    assert np.abs(frames[0].astype(int) - expected[1]).mean() > 20


def test_the_video_is_as_fast_as_the_one_it_comes_from(tmp_path: Path) -> None:
    source = written(tmp_path / "clip.mp4", Fraction(12), [each.image for each in results()])
    Predictions(iter(results(source=str(source)))).save(tmp_path / "out.mp4", "overlay")
    assert shown(tmp_path / "out.mp4")[0] == 12


def test_odd_sides_become_even(tmp_path: Path) -> None:
    Predictions(iter(results(2, (63, 95)))).save(tmp_path / "out.mp4", "overlay")
    assert shown(tmp_path / "out.mp4")[1].shape == (2, 64, 96, 3)


def test_only_an_older_video_of_the_source_is_replaced_and_none_is_an_input(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    Predictions(iter(results())).save(path, "overlay")
    mark = read_mark(path)
    assert mark is not None
    assert (mark.form, mark.source) == ("zoo.video", "/videos/freeman.mp4")
    first = path.read_bytes()
    Predictions(iter(results(2))).save(path, "overlay")
    second = path.read_bytes()
    assert second != first
    with pytest.raises(OutputError, match=r"holds the results of /videos/freeman\.mp4"):
        Predictions(iter(results(source="/videos/other.mp4"))).save(path, "overlay")
    assert path.read_bytes() == second
    mine = written(tmp_path / "mine.mp4", 5, [each.image for each in results()])
    with pytest.raises(OutputError, match="is no video that zoo wrote"):
        Predictions(iter(results())).save(mine, "overlay")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mine.mp4", "out.mp4"]
    assert [item.uri for item in inputs(str(tmp_path))] == [f"{mine}#frame={number}" for number in (1, 2, 3)]


def test_what_a_video_cannot_hold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    for kind in ("mask", "json"):
        with pytest.raises(OutputError, match=f"cannot hold {kind}. Expected one of: overlay, side, color"):
            Predictions(iter(results())).save(path, kind)
    with pytest.raises(OutputError, match="A video has no legend"):
        Predictions(iter(results())).save(path, "overlay", legend=True)
    with pytest.raises(OutputError, match="another size than those before it"):
        Predictions(iter([*results(1), *results(1, (32, 32))])).save(path, "overlay")
    with pytest.raises(OutputError, match="There is no result"):
        Predictions(iter(())).save(path, "overlay")
    assert list(tmp_path.iterdir()) == []
