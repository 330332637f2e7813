"""Writes a network as an export folder and proves that the two agree."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import paddle
import yaml
from paddle import Tensor, nn
from paddle.nn import functional as F

from zoo.backends.paddle import PaddleBackend
from zoo.device import CPU
from zoo.errors import ExportError
from zoo.hub.bundle import SETTINGS, Bundle, describe, file_sha256, read_bundle
from zoo.labels import LabelSet
from zoo.plugin import SessionOptions
from zoo.spec import Custom, Normalize, Resize, Step

#: Smallest accepted share of pixels on which the export and the network give the same class.
AGREEMENT = 0.999


def export_bundle(
    network: nn.Layer,
    folder: str | Path,
    *,
    model: str,
    labels: LabelSet,
    preprocess: Sequence[Step] = (Normalize(),),
    output_stride: int = 8,
    in_channels: int = 3,
    compat: Literal["zoo", "paddlex"] = "zoo",
) -> Bundle:
    """Exports a network.

    Args:
        network: Layer whose eval forward returns a list with the logits (N, classes, h, w) first.
        folder: Where to write; it must not exist or be empty.
        model: Name of the model.
        labels: Its classes; their number must be the network's.
        preprocess: Steps from an RGB uint8 picture to the network's input.
        output_stride: Pixels of input per pixel of logits.
        in_channels: Channels of the input.
        compat: "zoo" writes a program that returns logits at the output stride. "paddlex" writes one that upsamples
            them and returns labels (N, H, W) int32, with settings PaddleX reads.

    Returns:
        The bundle, read back from the folder.

    Raises:
        ExportError: A step is Custom, the folder is not empty, the classes do not match, paddle cannot export the
            network, or the export gives other classes than it on more than 0.1 % of the pixels of a test batch.
    """
    folder = Path(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise ExportError(f"The folder {folder} is not empty. A new or empty one was expected.", "Give another folder.")
    if any(isinstance(step, Custom) for step in preprocess):
        raise ExportError(
            "A Custom step cannot be exported: a settings file may not name code.",
            "Give steps of zoo.spec only, or do the custom step before predict.",
        )
    was_training = network.training
    network.eval()
    try:
        with paddle.no_grad():
            classes = network(paddle.zeros([1, in_channels, 64, 64]))[0].shape[1]
        if classes != len(labels):
            raise ExportError(
                f"The network has {classes} classes but the label set {labels.name!r} {len(labels)}.",
                "Build the network with num_classes=len(labels), or give the right label set.",
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        try:
            form = _Labels if compat == "paddlex" else _Logits
            _save(form(network), partial, in_channels)
            _write_settings(partial, model, labels, tuple(preprocess), output_stride, compat)
            # paddle turns the layer it exports into the program itself; the comparison needs one it never saw.
            _verify(read_bundle(partial), form(network), in_channels)
            os.chmod(partial, 0o755)
            if folder.is_dir():
                folder.rmdir()
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise ExportError(
            f"The folder {folder} cannot be written: {error.strerror or error}.", "Give another folder, or make room."
        ) from error
    finally:
        if was_training:
            network.train()
    return read_bundle(folder)


class _Logits(nn.Layer):
    def __init__(self, network: nn.Layer) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)[0]


class _Labels(nn.Layer):
    def __init__(self, network: nn.Layer) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:] if paddle.in_dynamic_mode() else paddle.shape(x)[2:]
        logits = F.interpolate(self.network(x)[0], size=size, mode="bilinear", align_corners=False)
        return paddle.argmax(logits, axis=1, dtype="int32")


def _save(form: nn.Layer, folder: Path, in_channels: int) -> None:
    form.eval()
    spec = [paddle.static.InputSpec([None, in_channels, None, None], "float32", "x")]
    try:
        # paddle reports on stdout and stderr while it traces.
        with contextlib.redirect_stdout(io.StringIO()):
            program = paddle.jit.to_static(form, input_spec=spec, full_graph=True)
            paddle.jit.save(program, str(folder / "inference"))
    except OSError:
        raise
    except Exception as error:
        raise ExportError(
            f"paddle {paddle.__version__} cannot export this network: {str(error).strip().splitlines()[-1]}",
            "Run it again with --debug and report the traceback to the author of the network.",
        ) from error


def _write_settings(
    folder: Path, model: str, labels: LabelSet, preprocess: tuple[Step, ...], output_stride: int, compat: str
) -> None:
    program, params = folder / "inference.json", folder / "inference.pdiparams"
    bundle = Bundle(
        folder=folder,
        program=program,
        params=params,
        model=model,
        labels=labels,
        preprocess=preprocess,
        output="labels" if compat == "paddlex" else "logits",
        output_stride=1 if compat == "paddlex" else output_stride,
        digests={path.name: file_sha256(path) for path in (program, params)},
    )
    settings: dict[str, Any] = {}
    if compat == "paddlex":
        settings["Global"] = {"model_name": model}
        settings["Deploy"] = {"transforms": [_paddlex_step(step) for step in preprocess]}
    settings["zoo"] = describe(bundle)
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    (folder / SETTINGS).write_text(text, encoding="utf-8")


def _paddlex_step(step: Step) -> dict[str, Any]:
    if isinstance(step, Normalize):
        return {"type": "Normalize", "mean": list(step.mean), "std": list(step.std)}
    if isinstance(step, Resize):
        return {
            "type": "Resize",
            "target_size": [step.size[1], step.size[0]],
            "keep_ratio": step.keep_ratio,
            "size_divisor": step.multiple,
        }
    raise ExportError(
        f"PaddleX has no step like {step!r}. Normalize and Resize can be written.",
        "Export with compat='zoo', or give other preprocess steps.",
    )


def _verify(bundle: Bundle, form: nn.Layer, in_channels: int) -> None:
    """Runs the export and the network on the same batches, at an even and an odd size."""
    bundle.verify()
    session = PaddleBackend().open(bundle.program, bundle.params, SessionOptions(CPU(), 0, threads=1))
    rng = np.random.default_rng(0)
    try:
        for count, height, width in ((1, 128, 192), (2, 97, 65)):
            batch = rng.standard_normal((count, in_channels, height, width)).astype(np.float32)
            exported = session.run(batch)
            with paddle.no_grad():
                expected = form(paddle.to_tensor(batch)).numpy()
            if exported.shape != expected.shape:
                raise ExportError(
                    f"The export returns shape {exported.shape}, the network {expected.shape}.",
                    "Report it to the author of the network.",
                )
            if bundle.output == "logits":
                exported, expected = exported.argmax(1), expected.argmax(1)
            agreement = float((exported == expected).mean())
            if agreement < AGREEMENT:
                raise ExportError(
                    f"The export and the network agree on {agreement:.4%} of the pixels at {height}x{width}. At least "
                    f"{AGREEMENT:.1%} were expected.",
                    "Report it with the version of paddlepaddle and the name of the network.",
                )
    finally:
        session.close()
