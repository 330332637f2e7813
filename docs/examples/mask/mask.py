"""The mask that zoo makes of a picture, without zoo: from what `zoo export --format onnx` or `openvino` wrote.

python mask.py starter-onnx/inference.onnx street.jpg mask.png
python mask.py starter-openvino/model.xml street.jpg mask.png
"""

import json
import sys

import numpy as np
from PIL import Image, ImageOps


def by_onnxruntime(file):
    """Returns what runs a batch, and what the file says of its model."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(None, {"x": batch})[0], session.get_modelmeta().custom_metadata_map


def by_openvino(file):
    import openvino

    core = openvino.Core()
    model = core.read_model(file)
    told = {name: str(model.get_rt_info(["zoo", name]).value) for name in ("output", "preprocess")}
    # Without this it computes in bf16 where the processor has it, and some pixels get another class.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda batch: compiled({"x": batch})[0], told


def prepared(image, steps):
    """Returns the input (1, 3, h, w), and the (height, width) that the picture has in it."""
    inside = image.shape[:2]
    for step in steps:
        [(name, given)] = step.items()
        height, width = image.shape[:2]
        if name in ("ResizeLong", "ResizeShort"):
            factor = given["size"] / (max if name == "ResizeLong" else min)(height, width)
            inside = max(1, round(height * factor)), max(1, round(width * factor))
            # Pillow averages where it makes pictures smaller; OpenCV's INTER_LINEAR does not.
            image = np.asarray(Image.fromarray(image).resize(inside[::-1], Image.Resampling.BILINEAR))
        elif name == "Pad":
            below, right = -height % given["multiple"], -width % given["multiple"]
            image = np.pad(image, ((0, below), (0, right), (0, 0)), constant_values=round(given["value"]))
        elif name == "Normalize":
            image = (image / np.float32(255) - np.float32(given["mean"])) / np.float32(given["std"])
        else:
            sys.exit(f"The step {name} is not in this script.")
    return image.transpose(2, 0, 1)[None], inside


def upsampled(logits, axis, size, inside, padded):
    """Returns (C, h, w) logits with `size` rows (axis 1) or columns (axis 2), between two neighbours linearly.

    Pixel i of the picture lies at (i + 0.5) * n / size - 0.5, where n = count * inside / padded of the logits are over
    the picture; the others are over the padding. It is calculated in whole numbers: rounded, it may miss a neighbour.
    """
    count = logits.shape[axis]
    parts = 2 * size * padded
    first, rest = np.divmod((2 * np.arange(size) + 1) * count * inside - size * padded, parts)
    low, high = (logits.take(np.clip(place, 0, count - 1), axis) for place in (first, first + 1))
    weight = (rest / parts).astype(np.float32)
    return low + (high - low) * (weight[:, None] if axis == 1 else weight)


def mask_of(picture, run, told):
    """Returns the classes (H, W) of a picture (H, W, 3), RGB uint8."""
    if told["output"] != "logits":
        sys.exit("Logits were expected.")
    batch, inside = prepared(picture, json.loads(told["preprocess"]))
    [logits] = run(batch)
    # The logits go straight to the size of the picture, and then the best class is taken.
    for axis in (2, 1):
        logits = upsampled(logits, axis, picture.shape[axis - 1], inside[axis - 1], batch.shape[axis + 1])
    return logits.argmax(0).astype(np.uint8)


file, source, target = sys.argv[1:]
run, told = (by_openvino if file.endswith(".xml") else by_onnxruntime)(file)
with Image.open(source) as opened:
    picture = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
Image.fromarray(mask_of(picture, run, told)).save(target)
