"""Folders of PaddleX and PaddleSeg: their programs, whatever they end in, give the masks those systems give."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
import yaml

import zoo
from zoo.bundle.bundle import Bundle, read_bundle, settled
from zoo.contract.spec import Normalize, Resize
from zoo.engine.open import session_opener
from zoo.engine.paddle.probe import working_settings
from zoo.engine.trial import Trial
from zoo.errors import ExportError
from zoo.learn.convert import convert_bundle, converter
from zoo.learn.convert.compare import check_converted

# The network as such, and what PaddleSeg or others put behind it. The older format is a flag of the whole process.
EXPORT = """
import os, sys
os.environ['FLAGS_enable_pir_api'] = sys.argv[1]
import numpy, paddle
from paddle.nn import functional as F

class Network(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.first = paddle.nn.Conv2D(3, 16, 3, stride=2, padding=1)
        self.second = paddle.nn.Conv2D(16, 5, 3, stride=2, padding=1)

    def forward(self, x):
        return self.second(F.relu(self.first(x)))

class Ending(paddle.nn.Layer):
    def __init__(self, network, kind):
        super().__init__()
        self.network, self.kind = network, kind

    def forward(self, x):
        logits = self.network(x)
        if self.kind == 'pooled':
            size = paddle.shape(logits)[2:]
            logits += 4 * F.interpolate(F.adaptive_avg_pool2d(logits, 4), size=size, mode='bilinear')
            return paddle.argmax(logits, axis=1, dtype='int32')
        if self.kind == 'stride':
            return logits
        logits = F.interpolate(logits, size=paddle.shape(x)[2:], mode='bilinear', align_corners=False)
        if self.kind == 'softmax':
            return F.softmax(logits, axis=1)
        if self.kind in ('argmax', 'channel'):
            return paddle.argmax(logits, axis=1, keepdim=self.kind == 'channel', dtype='int32')
        if self.kind == 'one':
            return logits[:, :1] / 100 + 0.5
        if self.kind == 'unclear':
            return 1 - F.softmax(logits, axis=1)[:, :1]
        if self.kind == 'sigmoid' and sys.argv[1] == '1':
            return F.sigmoid(logits[:, :1])
        if self.kind == 'sigmoid':
            # paddle's own sigmoid cannot be exported in the older format (3.2.2).
            return F.softmax(paddle.concat([0 * logits[:, :1], logits[:, :1]], axis=1), axis=1)[:, 1:]
        if self.kind == 'floats':
            return paddle.argmax(logits, axis=1).astype('float32')
        return logits

paddle.seed(4)
network = Network()
network.eval()
for name in os.listdir('.'):
    if name.endswith('.batch.npy'):
        logits = network(paddle.to_tensor(numpy.load(name))).numpy()
        numpy.save(name.replace('batch', 'logits'), logits)
for kind in os.environ['KINDS'].split():
    shape = [1, 3, 40, 56] if kind == 'fixed' else [None, 3, None, None]
    spec = [paddle.static.InputSpec(shape, 'float32', 'x')]
    ending = Ending(network, kind)
    ending.eval()
    paddle.jit.save(paddle.jit.to_static(ending, spec, full_graph=True), kind + '/model')
"""

NORMALIZE = {"type": "Normalize"}
TRIED = ("argmax", "fixed", "pooled")
UNTRIED = ("channel", "softmax", "logits", "stride", "one", "sigmoid", "unclear", "floats")
PROGRAMS = {"0": ".pdmodel", "1": ".json"}


# The older format takes minutes on two cores: `make test-all`.
@pytest.fixture(
    scope="module",
    params=[pytest.param("0", marks=pytest.mark.full), "1"],
    ids=["older format", "PIR"],
)
def exported(request, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program for each ending, and the network's own logits for the pictures."""
    folder = tmp_path_factory.mktemp("exported")
    for name, image in pictures().items():
        batch = (image.astype(np.float32) / 255 - 0.5) / 0.5
        np.save(folder / f"{name}.batch.npy", batch.transpose(2, 0, 1)[None])
    # paddle reads the source of what it exports, so there must be a file.
    (folder / "export.py").write_text(EXPORT)
    environment = {**os.environ, "KINDS": " ".join((*TRIED, *UNTRIED))}
    command = [sys.executable, "export.py", request.param]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, env=environment)
    program = f"model{PROGRAMS[request.param]}"
    assert (folder / "argmax" / program).is_file()
    if os.environ.get("ZOO_TEST_FULL") != "1":  # argmax, fixed, pooled and a broken one are tried for real here too
        for kind in UNTRIED:
            remember_plain(folder / kind)
    return folder


def remember_plain(folder: Path) -> None:
    """Keeps the plain setting for a program, as a trial that found no other one would: a trial takes seconds."""
    settings = {"Deploy": {"transforms": [NORMALIZE]}}
    (folder / "deploy.yaml").write_text(yaml.safe_dump(settings))
    program = read_bundle(folder).verify()
    Trial(program.digest, "paddle", "cpu", "float32", (f"paddle {paddle.__version__}",)).keep("plain", "oneDNN")
    assert working_settings(program, paddle.__version__) == ("plain",)
    (folder / "deploy.yaml").unlink()


def pictures() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {"even": rng.integers(0, 256, (40, 56, 3), np.uint8), "odd": rng.integers(0, 256, (37, 51, 3), np.uint8)}


def upsampled(logits: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear with half-pixel centres, (C, h, w) to (C, height, width), in float64."""

    def axis(old: int, new: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        return low, np.minimum(low + 1, old - 1), at - low

    logits = logits.astype(np.float64)
    low, high, weight = axis(logits.shape[1], height)
    rows = logits[:, low] * (1 - weight[:, None]) + logits[:, high] * weight[:, None]
    low, high, weight = axis(logits.shape[2], width)
    return rows[:, :, low] * (1 - weight) + rows[:, :, high] * weight


def as_paddleseg(exported: Path, kind: str, target: Path, **deploy: Any) -> Path:
    """A folder as PaddleSeg's export leaves it. It names a .pdmodel whatever paddle wrote."""
    folder = Path(shutil.copytree(exported / kind, target))
    settings = {"model": "model.pdmodel", "params": "model.pdiparams", "transforms": [NORMALIZE], **deploy}
    (folder / "deploy.yaml").write_text(yaml.safe_dump({"Deploy": settings}))
    return folder


@pytest.mark.parametrize(
    ("kind", "operator"),
    [
        ("argmax", "argmax"),
        ("argmax", None),
        ("channel", "none"),
        ("softmax", "softmax"),
        ("softmax", None),
        ("logits", "none"),
        ("stride", "none"),
    ],
)
def test_every_ending_gives_the_classes_of_the_upsampled_logits(
    exported: Path, tmp_path: Path, kind: str, operator: str | None
) -> None:
    folder = as_paddleseg(exported, kind, tmp_path / "seg", **({} if operator is None else {"output_op": operator}))
    with zoo.load(folder, threads=1) as model:
        for name, image in pictures().items():
            [logits] = np.load(exported / f"{name}.logits.npy")
            expected = upsampled(logits, *image.shape[:2]).argmax(0)
            mask = model.predict(image).one().mask
            assert mask.dtype == np.uint8
            assert (mask == expected).mean() > 0.999
            assert len(np.unique(expected)) > 2, "the test would prove nothing on an empty mask"


def test_the_one_channel_of_a_sigmoid_is_a_probability_of_two_classes(exported: Path, tmp_path: Path) -> None:
    folder = as_paddleseg(exported, "sigmoid", tmp_path / "seg", output_op="none")
    with zoo.load(folder, threads=1) as model:
        for name, image in pictures().items():
            [logits] = np.load(exported / f"{name}.logits.npy")
            expected = upsampled(logits[:1], *image.shape[:2])[0] > 0
            result = model.predict(image, scores=True).one()
            assert (result.mask == expected).mean() > 0.999
            assert 0.1 < expected.mean() < 0.9
            assert result.note == "one channel, a probability cut at 0.5: background and class 1"
            assert result.scores is not None
            winner = 1 / (1 + np.exp(-np.abs(upsampled(logits[:1], *image.shape[:2])[0])))
            np.testing.assert_allclose(result.scores, winner, atol=1e-4)
        assert model.labels == ("background", "class 1")
        assert model.bundle.verify().threshold == 0.5
        unsure = model.predict(image, min_score=0.99).one()
        assert set(np.unique(unsure.mask)) <= {0, 1, 255}
        assert 255 in unsure.mask


def test_the_one_channel_without_a_sigmoid_is_a_logit_also_if_its_values_lie_from_0_to_1(
    exported: Path, tmp_path: Path
) -> None:
    folder = as_paddleseg(exported, "one", tmp_path / "seg")
    with zoo.load(folder, threads=1) as model:
        image = pictures()["even"]
        result = model.predict(image, scores=True).one()
        [logits] = np.load(exported / "even.logits.npy")
        values = upsampled(logits[:1], 40, 56)[0] / 100 + 0.5
        assert 0 < values.min() < 0.5 < values.max() < 1
        assert result.note == "one channel, a logit cut at 0: background and class 1"
        assert (result.mask == 1).all()
        np.testing.assert_allclose(result.scores, 1 / (1 + np.exp(-values)), atol=1e-4)


@pytest.mark.parametrize("form", ["onnx", pytest.param("openvino", marks=pytest.mark.full)])
def test_programs_of_both_forms_are_converted_and_held_against_paddle(
    exported: Path, form: str, tmp_path: Path
) -> None:
    for kind in ("argmax", "softmax", "sigmoid"):
        folder = as_paddleseg(exported, kind, tmp_path / kind, output_op="none")
        checked = convert_bundle(read_bundle(folder), tmp_path / f"{kind} converted", converter(form))
        assert checked.share > 0.9999, kind
        assert checked.pixels > 100_000
        assert checked.references == (f"paddle {paddle.__version__}",)


def test_a_converted_probability_is_compared_where_it_is_cut(exported: Path, tmp_path: Path) -> None:
    """Above 0 is every probability; what is compared must be the classes."""
    bundle = settled(read_bundle(as_paddleseg(exported, "sigmoid", tmp_path / "seg", output_op="none")))
    run = session_opener(bundle.verify(), "cpu", "paddle")(1).run
    with pytest.raises(ExportError, match=r"file gives \d+\.\d+% of the pixels in library"):
        check_converted(bundle, "file", lambda batches: [1 - run(batch) for batch in batches], "library")


def test_a_resized_picture_gets_the_mask_of_its_input_by_nearest_neighbour(exported: Path, tmp_path: Path) -> None:
    """Both systems take the best class in each pixel of the input: the scores themselves are not upsampled further."""
    resize = {"type": "Resize", "target_size": [56, 40]}
    even = pictures()["even"]
    image = even.repeat(3, axis=0).repeat(3, axis=1)
    [logits] = np.load(exported / "even.logits.npy")
    expected = upsampled(logits, 40, 56).argmax(0).repeat(3, axis=0).repeat(3, axis=1)
    for kind in ("argmax", "softmax", "logits", "stride"):
        folder = as_paddleseg(exported, kind, tmp_path / kind, transforms=[resize, NORMALIZE])
        with zoo.load(folder, threads=1) as model:
            assert (model.predict(image).one().mask == expected).mean() > 0.999, kind


def test_a_program_for_one_size_is_tried_at_that_size(exported: Path, tmp_path: Path) -> None:
    folder = as_paddleseg(exported, "fixed", tmp_path / "seg", input_shape=[1, 3, 40, 56], output_op="none")
    with zoo.load(folder, threads=1) as model:
        [logits] = np.load(exported / "even.logits.npy")
        mask = model.predict(pictures()["even"]).one().mask
    assert (mask == upsampled(logits, 40, 56).argmax(0)).mean() > 0.999


def test_a_mask_does_not_depend_on_the_picture_before_it(exported: Path, tmp_path: Path) -> None:
    """oneDNN's adaptive pooling keeps what it chose for a size that divides, and is wrong for the next one."""
    folder = as_paddleseg(exported, "pooled", tmp_path / "seg", output_op="argmax")
    even = pictures()["even"]
    with zoo.load(folder, threads=1) as alone:
        expected = alone.predict(even).one().mask
    with zoo.load(folder, threads=1) as model:
        model.predict(np.pad(even, ((0, 24), (0, 8), (0, 0)))).one()
        mask = model.predict(even).one().mask
    assert np.array_equal(mask, expected)
    assert len(np.unique(expected)) > 2, "the test would prove nothing on an empty mask"


@pytest.mark.parametrize(
    ("kind", "operator", "words"),
    [
        ("logits", "argmax", r"\(5, 40, 56\) float32 a picture. Whole numbers \(H, W\) were"),
        ("argmax", "softmax", r"\(40, 56\) int32 a picture. Float scores"),
        ("unclear", "none", r"\(1, 40, 56\) float32 a picture. Whole numbers \(H, W\) or float scores"),
        ("floats", "none", r"\(40, 56\) float32 a picture"),
    ],
)
def test_an_output_that_is_neither_is_refused_and_not_interpreted(
    exported: Path, tmp_path: Path, kind: str, operator: str, words: str
) -> None:
    folder = as_paddleseg(exported, kind, tmp_path / "seg", output_op=operator)
    with zoo.load(folder, threads=1) as model, pytest.raises(zoo.InferenceError, match=words):
        model.predict(pictures()["even"]).one()


def test_a_program_that_fails_is_never_opened_in_this_process(exported: Path, tmp_path: Path) -> None:
    """Its structure is whole, so only running it can show that it is broken."""
    folder = as_paddleseg(exported, "argmax", tmp_path / "seg")
    for program in (*folder.glob("*.json"), *folder.glob("*.pdmodel")):
        content = program.read_bytes()
        assert b"relu" in content
        program.write_bytes(content.replace(b"relu", b"relv"))
    read_bundle(folder).verify()
    with pytest.raises(zoo.BackendError, match=r"in a trial in a process of its own.*Nothing was opened"):
        zoo.load(folder)


def written(folder: Path, name: str, settings: dict[str, Any]) -> Bundle:
    """Settings beside files that are only looked for, not read."""
    for file in ("inference.pdmodel", "inference.pdiparams"):
        (folder / file).touch()
    (folder / name).write_text(yaml.safe_dump(settings))
    return read_bundle(folder)


@pytest.mark.parametrize(
    ("transform", "paddleseg", "paddlex"),
    [
        ({"type": "Resize"}, Resize((512, 512), antialias=False), None),
        ({"type": "Resize", "target_size": -1}, "from 1 to 65536", None),
        (
            {"type": "Resize", "target_size": [64, 32]},
            Resize((32, 64), antialias=False),
            Resize((32, 64), keep_ratio=True, multiple=32, antialias=False),
        ),
        (
            {"type": "Resize", "target_size": [64, 32], "keep_ratio": False, "size_divisor": None, "interp": "LINEAR"},
            Resize((32, 64), antialias=False),
            Resize((32, 64), antialias=False),
        ),
        ({"type": "ResizeByLong", "long_size": 96}, *[Resize((96, 96), keep_ratio=True, antialias=False)] * 2),
        ({"type": "ResizeByShort", "short_size": 96}, *[Resize((96, 65536), keep_ratio=True, antialias=False)] * 2),
    ],
)
def test_gaps_in_the_settings_are_filled_as_their_own_system_does(
    tmp_path: Path, transform: dict[str, Any], paddleseg: Any, paddlex: Any
) -> None:
    deploy = {"transforms": [transform, {"type": "Normalize", "mean": [0.1, 0.2, 0.3], "std": 0.25}]}
    normalize = Normalize((0.1, 0.2, 0.3), (0.25,) * 3)
    if isinstance(paddleseg, str):
        with pytest.raises(zoo.BundleError, match=paddleseg):
            written(tmp_path, "deploy.yaml", {"Deploy": deploy})
    else:
        assert written(tmp_path, "deploy.yaml", {"Deploy": deploy}).preprocess == (paddleseg, normalize)
    bundle = written(tmp_path, "inference.yml", {"Global": {"model_name": "theirs"}, "Deploy": deploy})
    assert bundle.preprocess == ((normalize,) if paddlex is None else (paddlex, normalize))
    assert bundle.model == "theirs"
    assert bundle.labels.names[:2] == ("class 0", "class 1")
    assert (bundle.output, bundle.digests) == ("unstated", {})


def test_by_long_and_by_short_mean_the_sides_they_name() -> None:
    from zoo.segment.transforms import preprocess

    image = np.zeros((90, 120, 3), np.uint8)
    for step, size in (((96, 96), (72, 96)), ((96, 65536), (96, 128))):
        steps = (Resize(step, keep_ratio=True, antialias=False), Normalize())
        assert preprocess(image, steps)[1].padded == size
        assert preprocess(image.transpose(1, 0, 2), steps)[1].padded == size[::-1]


def test_normalizing_before_resizing_is_put_in_the_order_of_zoo(tmp_path: Path) -> None:
    deploy = {"transforms": [NORMALIZE, {"type": "Resize", "target_size": [64, 32]}]}
    bundle = written(tmp_path, "deploy.yaml", {"Deploy": deploy})
    assert bundle.preprocess == (Resize((32, 64), antialias=False), Normalize())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"transforms": [{"type": "Reezise", "target_size": [8, 8]}, NORMALIZE]}, r"transforms\[0\].type.*'Reezise'"),
        ({"transforms": [{"type": "Padding", "target_size": [8, 8]}, NORMALIZE]}, r"transforms\[0\].type.*'Padding'"),
        ({"transforms": [{"type": "Resize", "target_size": [0, 0]}, NORMALIZE]}, r"target_size\[0\].*from 1 to"),
        ({"transforms": [{"type": "Resize", "target_size": [8, 8, 8]}, NORMALIZE]}, r"target_size.*\[width, height\]"),
        ({"transforms": [{"type": "Resize", "interp": "AREA"}, NORMALIZE]}, r"interp.*'AREA'.*LINEAR"),
        ({"transforms": [{"type": "Resize", "keep_ratio": "false"}, NORMALIZE]}, r"keep_ratio.*true or false"),
        (
            {"transforms": [{"type": "Resize", "sizes": [8, 8]}, NORMALIZE]},
            r"transforms\[0\].sizes` is not a key",
        ),
        (
            {"transforms": [{"type": "ResizeByShort", "short_size": 8, "max_size": 9}, NORMALIZE]},
            ".max_size` is not a key",
        ),
        ({"transforms": [{"type": "Normalize", "std": 0}]}, r"transforms\[0\].std.*numbers other than 0"),
        ({"transforms": [{"type": "Normalize", "std": [0.5, 0, 0.5]}]}, r"transforms\[0\].std.*other than 0"),
        ({"transforms": [{"type": "Normalize", "std": 1e308}]}, r"transforms\[0\].std.*1e-6 to 1e6"),
        ({"transforms": [{"type": "Normalize", "mean": 1e30}]}, r"transforms\[0\].mean.*up to 1e6"),
        (
            {"transforms": [{"type": "Normalize", "mean": [0.5]}]},
            r"transforms\[0\].mean.*three of them or null",
        ),
        ({"transforms": [NORMALIZE, {"type": "Normalize"}]}, "one Normalize step"),
        ({"transforms": []}, "one Normalize step"),
        ({"transforms": None}, "transforms` is None; expected a list"),
        ({"output_op": "sigmoid"}, "output_op` is 'sigmoid'; expected argmax, softmax, none or null"),
        ({"model": "../secret.pdmodel"}, "Deploy.model.*of this folder"),
        ({"params": "/etc/passwd"}, "Deploy.params.*of this folder"),
    ],
)
def test_settings_that_are_not_understood_are_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(zoo.BundleError, match=words) as caught:
        written(tmp_path, "deploy.yaml", {"Deploy": {"transforms": [NORMALIZE], **changes}})
    assert "deploy.yaml" in caught.value.message
