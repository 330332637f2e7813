"""Windows: their plan, and that blending them gives the labels of the whole picture in the memory of one strip."""

from __future__ import annotations

import dataclasses
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes import draw_scene
from support import cells
from zoo.contract.spec import Normalize, Pad, ResizeLong, Window
from zoo.engine.open import session_opener
from zoo.errors import ConfigError, InferenceError
from zoo.learn.export import export_bundle
from zoo.segment.label_map import label_map
from zoo.segment.scores import winning_scores
from zoo.segment.slide import ArrayRows, Sliding, obstacle, window_inputs, window_logits, window_strips
from zoo.segment.transforms import geometry_of, preprocess
from zoo.segment.upsample import upsample_argmax
from zoo.segment.views import mean_over_views, views_of
from zoo.segment.windows import check_window, lay_out, usual_stride

#: Pixels around a place that the network below sees from it, and one step of its logits for the interpolation.
RADIUS = 7 + 4


@pytest.fixture(scope="module")
def local(tmp_path_factory, seven_labels):
    """A convolutional network of output stride 4 whose logits see 7 pixels around them: its bundle and engine."""
    import paddle
    from paddle import nn

    paddle.seed(11)
    layers = nn.Sequential(
        *(nn.Conv2D(3, 12, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2D(12, 24, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2D(24, 24, 3, padding=1), nn.ReLU(), nn.Conv2D(24, 7, 1)),
    )
    tensor, _ = preprocess(draw_scene(1, 128, 192).image, (Normalize(),))
    logits = layers(paddle.to_tensor(tensor[None])).numpy()
    # Every class is to win somewhere.
    last = layers[-1]
    scale = 3 / logits.std(axis=(0, 2, 3))
    last.weight.set_value(last.weight.numpy() * scale[:, None, None, None])
    last.bias.set_value((last.bias.numpy() - logits.mean(axis=(0, 2, 3))) * scale)

    class Local(nn.Layer):
        def __init__(self):
            super().__init__()
            self.layers = layers

        def forward(self, x):
            return [self.layers(x)]

    folder = tmp_path_factory.mktemp("local") / "bundle"
    bundle = export_bundle(Local(), folder, model="local", labels=seven_labels, output_stride=4)
    session = session_opener(bundle.verify(), "cpu", "paddle")(1)
    yield bundle, session.run
    session.close()


def strips_of(rows, run, bundle, window, batch_size=1):
    """Strips with scores; every batch of windows runs when its output is asked for."""
    sliding = Sliding(window, bundle.preprocess, bundle.output_stride, batch_size)
    return window_strips(map(run, window_inputs(rows, sliding)), rows.size, sliding, scores=True)


def logits_of(image, run, bundle, window):
    rows, sliding = ArrayRows(image), Sliding(window, bundle.preprocess, bundle.output_stride)
    return window_logits(map(run, window_inputs(rows, sliding)), rows.size, sliding)


def slid(image, run, bundle, window, **options):
    """Labels and scores of all strips, put together."""
    strips = list(strips_of(ArrayRows(image), run, bundle, window, **options))
    assert [strip.start for strip in strips] == [0, *np.cumsum([len(strip.labels) for strip in strips])[:-1]]
    return np.concatenate([strip.labels for strip in strips]), np.concatenate([strip.scores for strip in strips])


def whole(image, run, bundle):
    tensor, geometry = preprocess(image, bundle.preprocess)
    logits = run(tensor[None])[0]
    height, width = geometry.source
    return tuple(each(logits, geometry.padded)[:height, :width] for each in (upsample_argmax, winning_scores))


def near_borders(size, window, stride, radius):
    """Whether a pixel is within a radius of a border between windows."""
    mask = np.zeros(size, bool)
    layout = lay_out(size, window, stride)
    for axis, spans in enumerate((layout.rows, layout.columns)):
        for span in spans:
            for border in {span.start, span.stop} - {0, size[axis]}:
                near = slice(max(0, border - radius), border + radius)
                mask[(near, slice(None)) if axis == 0 else (slice(None), near)] = True
    return mask


sides = st.integers(1, 90)
multiples = st.integers(1, 6)


@settings(max_examples=200, deadline=None)
@given(sides, sides, multiples, multiples, st.sampled_from([1, 4, 8]), st.data())
def test_windows_cover_the_picture_and_share_every_place(height, width, tall, wide, stride, data):
    step = (data.draw(st.integers(1, tall)) * stride, data.draw(st.integers(1, wide)) * stride)
    window = Window((tall * stride, wide * stride), step)
    layout = lay_out((height, width), window, stride)
    assert layout.grid == (-(-height // stride), -(-width // stride))
    for spans, length, side, places in zip(
        (layout.rows, layout.columns), (height, width), window.size, layout.grid, strict=True
    ):
        total = np.zeros(places)
        assert (spans[0].start, spans[-1].stop) == (0, length)
        for before, after in pairwise(spans):
            assert before.start < after.start <= before.stop < after.stop
        for span in spans:
            assert span.start % stride == 0
            assert side - stride < span.stop - span.start <= side or len(spans) == 1
            assert len(span.share) == -(-(span.stop - span.start) // stride)
            assert span.share.min() > 0
            total[span.start // stride :][: len(span.share)] += span.share
        np.testing.assert_allclose(total, 1, rtol=1e-6)


def test_a_window_counts_little_at_its_border_and_fully_at_the_pictures():
    rows = lay_out((256, 64), Window((128, 64), (64, 64)), 8).rows
    assert [(span.start, span.stop) for span in rows] == [(0, 128), (64, 192), (128, 256)]
    np.testing.assert_array_equal(rows[0].share[:8], 1)
    assert rows[1].share[0] < 0.02
    assert np.all(np.diff(rows[1].share[:8]) > 0)
    np.testing.assert_array_equal(rows[2].share[8:], 1)
    # Three windows deep, the first still has its full weight above its middle, where it is the border of the picture.
    small = np.sin(np.pi * 0.5 / 16) ** 2
    deep = lay_out((256, 64), Window((128, 64), (32, 64)), 8).rows
    np.testing.assert_allclose([deep[0].share[4], deep[-1].share[11]], 1 / (1 + small), rtol=1e-6)


@pytest.mark.parametrize(
    ("size", "stride", "said"),
    [
        ((0, 64), (64, 64), "at least 1"),
        ((64, 64), (64, -8), "at least 1"),
        ((64, 60), (64, 8), "Multiples of 8"),
        ((64, 64), (64, 20), "Multiples of 8"),
        ((64, 64), (72, 64), "left out"),
    ],
)
def test_windows_that_do_not_fit_are_an_error(size, stride, said):
    with pytest.raises(ConfigError, match=said):
        check_window(Window(size, stride), 8)


@pytest.mark.parametrize(
    ("size", "output_stride", "stride"),
    [((1024, 1024), 4, (768, 768)), ((520, 96), 8, (384, 72)), ((8, 16), 8, (8, 8)), ((7, 5), 1, (5, 3))],
)
def test_the_usual_stride_suits_every_window(size, output_stride, stride):
    assert usual_stride(size, output_stride) == stride
    check_window(Window(size, stride), output_stride)


@pytest.mark.parametrize("size", [(200, 311), (197, 256), (96, 300)])
def test_windows_give_the_labels_of_the_whole_picture(local, size):
    bundle, run = local
    image = draw_scene(3, *size).image
    labels, best = whole(image, run, bundle)
    assert np.all(np.bincount(labels.ravel(), minlength=7) > 100)
    window = Window((96, 96), (64, 64))
    found, scores = slid(image, run, bundle, window)
    away = ~near_borders(size, window, 4, RADIUS)
    assert away.mean() > 0.3
    assert np.mean(found[away] == labels[away]) >= 0.999
    assert np.abs(scores - best)[away].max() < 1e-4


def test_overlap_hides_the_seams(local):
    bundle, run = local
    image = draw_scene(4, 256, 384).image
    labels, _ = whole(image, run, bundle)
    seams = near_borders((256, 384), Window((64, 64), (64, 64)), 4, RADIUS)
    wrong = {
        stride: np.mean(slid(image, run, bundle, Window((64, 64), (stride, stride)))[0][seams] != labels[seams])
        for stride in (64, 32)
    }
    assert wrong[64] > 0.01
    assert wrong[32] < wrong[64] / 4


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (37, 5), (96, 96), (95, 33)])
def test_a_picture_within_one_window_is_evaluated_as_a_whole(local, size):
    bundle, run = local
    image = draw_scene(5, 128, 256).image[: size[0], : size[1]]
    labels, best = whole(image, run, bundle)
    found, scores = slid(image, run, bundle, Window((96, 200), (64, 64)))
    np.testing.assert_array_equal(found, labels)
    np.testing.assert_array_equal(scores, best)


@pytest.mark.parametrize("multiple", [32, 100])
def test_padding_is_that_of_the_whole_picture(local, multiple):
    bundle, run = local
    bundle = dataclasses.replace(bundle, preprocess=(Pad(multiple, 90), Normalize()))
    image = draw_scene(6, 130, 170).image
    labels, best = whole(image, run, bundle)
    found, scores = slid(image, run, bundle, Window((400, 400), (400, 400)))
    np.testing.assert_array_equal(found, labels)
    np.testing.assert_array_equal(scores, best)
    found, _ = slid(image, run, bundle, Window((96, 96), (64, 64)))
    assert np.mean(found == labels) > 0.99


@settings(max_examples=60, deadline=None)
@given(sides, sides, multiples, multiples, st.integers(1, 4), st.data())
def test_a_network_without_context_needs_no_seams_at_any_size(bundle, height, width, tall, wide, batch_size, data):
    window = Window((tall * 8, wide * 8), (data.draw(st.integers(1, tall)) * 8, data.draw(st.integers(1, wide)) * 8))
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)
    labels, best = whole(image, cells, bundle)
    found, scores = slid(image, cells, bundle, window, batch_size=batch_size)
    np.testing.assert_allclose(scores, best, atol=2e-5)
    # What differs are ties that rounding decides.
    assert np.all((found == labels) | (best < 0.5 + 1e-4))
    assert np.mean(found == labels) > 0.98


def test_strips_are_the_rows_of_the_blend_in_one_piece(local):
    bundle, run = local
    image, window = draw_scene(7, 301, 203).image, Window((64, 64), (40, 48))
    values = logits_of(image, run, bundle, window)
    found, scores = slid(image, run, bundle, window, batch_size=3)
    np.testing.assert_array_equal(found, upsample_argmax(values, (301, 203)))
    np.testing.assert_array_equal(scores, winning_scores(values, (301, 203)))
    np.testing.assert_allclose(np.exp(values).sum(axis=0), 1, atol=1e-5)


def test_windows_can_be_averaged_over_flips(local):
    bundle, run = local
    image, window = draw_scene(8, 120, 160).image, Window((64, 64), (48, 48))

    def averaged(picture):
        views, size, steps = views_of(True, (1.0, 1.25)), picture.shape[:2], bundle.preprocess
        logits = [
            (logits_of(view.of(picture, steps), run, bundle, window), geometry_of(view.sized(size, steps)[0], steps))
            for view in views
        ]
        return mean_over_views(logits, views, size)[0]

    assert np.mean(averaged(image) == averaged(image[:, ::-1])[:, ::-1]) > 0.999
    plain, _ = label_map(logits_of(image, run, bundle, window), geometry_of((120, 160), bundle.preprocess), bundle)
    np.testing.assert_array_equal(plain, slid(image, run, bundle, window)[0])


class Drawn:
    """A picture of any height that is never in memory."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self.asked: list[tuple[int, int]] = []

    def read(self, start: int, stop: int) -> np.ndarray:
        self.asked.append((start, stop))
        rows, columns = np.arange(start, stop)[:, None, None], np.arange(self.size[1])[:, None]
        return (rows // 3 + columns // 5 * (1 + np.arange(3))).astype(np.uint8)


def test_memory_does_not_grow_with_the_height_and_rows_are_read_once(bundle):
    peaks = []
    for height in (600, 4800):
        rows, pixels = Drawn(height, 700), 0
        tracemalloc.start()
        for strip in strips_of(rows, cells, bundle, Window((128, 128), (96, 96))):
            pixels += strip.labels.size
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert pixels == height * 700
        assert [start for start, _ in rows.asked] == [0, *(stop for _, stop in rows.asked)][:-1]
        assert rows.asked[-1][1] == height
    assert peaks[1] < 1.05 * peaks[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"output": "labels"}, "returns labels"),
        ({"preprocess": (ResizeLong(320), Normalize())}, "step ResizeLong"),
    ],
)
def test_bundles_that_cannot_be_cut_into_windows_say_so(bundle, changes, said):
    changed = dataclasses.replace(bundle, **changes)
    assert said in obstacle(changed)
    assert obstacle(bundle) == ""


def test_a_wrong_output_stride_is_an_error(bundle):
    with pytest.raises(InferenceError, match=r"\(1, classes, 8, 8\) were expected, at output stride 4"):
        list(strips_of(Drawn(64, 64), cells, dataclasses.replace(bundle, output_stride=4), Window((32, 32), (32, 32))))


def test_nan_in_one_window_is_an_error(bundle):
    def broken(batch):
        outputs = cells(batch)
        outputs[:, 0, 0, 0] = np.nan
        return outputs

    with pytest.raises(InferenceError, match="NaN in 1 of 112"):
        list(strips_of(Drawn(64, 64), broken, bundle, Window((32, 32), (32, 32))))
