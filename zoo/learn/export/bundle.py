"""Writes a network as an export folder and proves that the two agree."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import paddle
from paddle import nn

from zoo.base.digest import file_sha256
from zoo.base.files import replacing_folder
from zoo.bundle.bundle import SETTINGS, Bundle, read_bundle
from zoo.bundle.golden import FILE as GOLDEN
from zoo.bundle.golden import Golden, write_golden
from zoo.bundle.section import bundle_section
from zoo.contract.labels import LabelSet
from zoo.contract.spec import Normalize, Pad, Resize, Step, ValueRange, Window
from zoo.engine.open import session_opener
from zoo.engine.paddle.glog import errors_only
from zoo.engine.samples import made_up_picture
from zoo.errors import ExportError
from zoo.learn.convert import free_folder
from zoo.learn.export.forms import Labels, Logits, inference_form
from zoo.learn.export.verify import Agreement, trial_batches
from zoo.message import Message
from zoo.predict.values import given_value
from zoo.segment.transforms import preprocess as prepare
from zoo.settings.yaml_text import write_yaml

_RGB = 3


def export_bundle(
    network: nn.Layer,
    folder: str | os.PathLike[str],
    *,
    model: str,
    labels: LabelSet,
    preprocess: Sequence[Step] = (Normalize(),),
    output_stride: int = 8,
    network_stride: int = 1,
    in_channels: int = 3,
    compat: Literal["zoo", "paddlex"] = "zoo",
    input_size: tuple[int, int] | None = None,
    window: Window | None = None,
    value_range: ValueRange = None,
    also: Callable[[Bundle], object] | None = None,
) -> Bundle:
    """Exports a network.

    Args:
        network: Layer whose eval forward returns a list with the logits (N, classes, h, w) first.
        folder: Where to write; it must not exist or be empty.
        model: Name of the model.
        labels: Its classes; their number must be the network's.
        preprocess: Steps from an RGB uint8 picture to the network's input.
        output_stride: Pixels of input per pixel of logits.
        network_stride: The network's features lie askew over an input whose sides are no multiples of it: pictures are
            padded to it, by a step of the preprocessing, or inside the program where `compat` or `input_size` leave
            the step no place.
        in_channels: Channels of the input.
        compat: "zoo" writes a program that returns logits at the output stride. "paddlex" writes one that upsamples
            them and returns labels (N, H, W) int32, with settings PaddleX reads.
        input_size: The only (height, width) the program shall take; pictures are resized to it. None for any size.
        window: Sliding windows in which the model is meant to be used; written down where the program can be.
        value_range: Which values of more than 8 bits became black and white in training; predictions do the same where
            they are not told otherwise.
        also: Puts more into the folder before anybody sees it, such as the program in one of `zoo.learn.convert.FORMS`.

    Returns:
        The bundle, read back from the folder.

    Raises:
        ConfigError: The range is none.
        ExportError: The folder is not empty, the classes do not match, paddle cannot export the
            network, or the export gives other classes than it on more than 0.1 % of the pixels of a test batch.
        OutputError: The folder cannot be written.
        ZooError: As `also`.
    """
    folder, value_range = free_folder(folder), given_value("value_range", value_range)
    steps = tuple(preprocess)
    if input_size is not None:
        steps = (Resize(input_size), *(step for step in steps if isinstance(step, Normalize)))
    inside = compat == "paddlex" or input_size is not None
    if network_stride > 1 and not inside:
        steps = (*steps[:-1], Pad(network_stride), *steps[-1:])

    def form(network: nn.Layer) -> nn.Layer:
        multiple = network_stride if inside else 1
        return Labels(network, multiple) if compat == "paddlex" else Logits(network, output_stride, multiple)

    modes = [(layer, layer.training) for layer in network.sublayers(include_self=True)]
    network.eval()
    try:
        with paddle.no_grad():
            height, width = input_size or (64, 64)
            classes = _classes(network, in_channels, height, width)
        if classes != len(labels):
            raise ExportError(
                "The network has {classes} classes but the label set {labels!r} {count}.",
                "Build the network with num_classes=len(labels), or give the right label set.",
                classes=classes,
                labels=labels.name,
                count=len(labels),
            )
        with replacing_folder(folder) as partial:
            _save(form(inference_form(network)), partial, in_channels, input_size)
            slides = window if compat == "zoo" and input_size is None else None
            settings = _settings(partial, model, labels, steps, output_stride, compat, slides, value_range)
            _write_settings(partial, settings)
            # paddle turns the layer it exports into the program itself; the comparison needs one it never saw.
            original = form(network)
            agreement = _verify(read_bundle(partial), original, in_channels, input_size)
            settings["zoo"]["verified"] = {"pixels": agreement.pixels, "agreement": round(agreement.share, 6)}
            if in_channels == _RGB:
                _add_golden(partial, original, steps, settings["zoo"])
            _write_settings(partial, settings)
            if also is not None:
                also(read_bundle(partial))
    finally:
        for layer, training in modes:
            layer.training = training
    return read_bundle(folder)


def _classes(network: nn.Layer, in_channels: int, height: int, width: int) -> int:
    try:
        return int(network(paddle.zeros([1, in_channels, height, width]))[0].shape[1])
    except Exception as error:
        raise ExportError(
            "The network cannot take an input of {in_channels} channels and {height}x{width} pixels: {reason}.",
            "Give another input size, or build the network with in_channels.",
            in_channels=in_channels,
            height=height,
            width=width,
            reason=error,
        ) from error


def _save(form: nn.Layer, folder: Path, in_channels: int, size: tuple[int, int] | None) -> None:
    form.eval()
    spec = [paddle.static.InputSpec([None, in_channels, *(size or (None, None))], "float32", "x")]
    try:
        # paddle reports on stdout and stderr while it traces.
        with contextlib.redirect_stdout(io.StringIO()), errors_only():
            program = paddle.jit.to_static(form, input_spec=spec, full_graph=True)
            paddle.jit.save(program, str(folder / "inference"))
    except OSError:
        raise
    except Exception as error:
        raise ExportError(
            "paddle {version} cannot export this network: {reason}",
            "Run it again with --debug and report the traceback to the author of the network.",
            version=paddle.__version__,
            reason=str(error).strip().splitlines()[-1],
        ) from error


def _settings(
    folder: Path,
    model: str,
    labels: LabelSet,
    preprocess: tuple[Step, ...],
    output_stride: int,
    compat: str,
    window: Window | None,
    value_range: ValueRange,
) -> dict[str, Any]:
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
        window=window,
        value_range=value_range,
    )
    settings: dict[str, Any] = {}
    if compat == "paddlex":
        settings["Global"] = {"model_name": model}
        settings["Deploy"] = {"transforms": [_paddlex_step(step) for step in preprocess]}
    settings["zoo"] = bundle_section(bundle)
    return settings


def _write_settings(folder: Path, settings: dict[str, Any]) -> None:
    (folder / SETTINGS).write_text(write_yaml(settings), encoding="utf-8")


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
        "PaddleX has no step like {step!r}. Normalize and Resize can be written.",
        "Export with compat='zoo', or give other preprocess steps.",
        step=step,
    )


def _add_golden(folder: Path, original: nn.Layer, steps: tuple[Step, ...], section: dict[str, Any]) -> None:
    """Writes what the network makes of a picture, for engines to be compared with wherever the export goes."""
    batch, _ = prepare(made_up_picture(), steps)
    with paddle.no_grad():
        output = original(paddle.to_tensor(batch[np.newaxis])).numpy()
    write_golden(Golden(batch[np.newaxis], output), folder / GOLDEN)
    section["golden"] = GOLDEN
    section["sha256"][GOLDEN] = file_sha256(folder / GOLDEN)


def _verify(bundle: Bundle, form: nn.Layer, in_channels: int, size: tuple[int, int] | None) -> Agreement:
    """Runs the export and the network on the same batches."""
    session = session_opener(bundle.verify(), "cpu", "paddle")(1)
    agreement = Agreement.none()
    try:
        for batch in trial_batches(in_channels, size):
            with paddle.no_grad():
                expected = form(paddle.to_tensor(batch)).numpy()
            agreement = agreement.add(session.run(batch), expected)
    finally:
        session.close()
    agreement.check(Message("the export and the network"))
    return agreement
