"""A result as the bytes of an answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import RequestError
from zoo.message import Message
from zoo.predict.pipeline import PipelineConfig
from zoo.registry.formats import find_format, format_names
from zoo.results import Result
from zoo.results.classes import classes_in
from zoo.results.document import describe
from zoo.results.encode import encode_jpeg, encode_mask_png
from zoo.results.files.save import encode_form, options_for
from zoo.results.masktext import encode_mask, flat_text
from zoo.results.scoretext import SCORES, encode_scores
from zoo.serve.exchange import Wish
from zoo.serve.label_type import label_type
from zoo.serve.worker.protocol_body import OUTPUT, Inference

_KINDS = {".png": "image/png", ".json": "application/json", ".geojson": "application/geo+json", ".xml": "text/xml"}
#: A picture with loss, which files of results have by their suffix only.
JPEG = "jpeg"
#: The document with the score of every pixel, for clients of zoo.
SCORED = "scored"
_JSON = "application/json"


class FormError(RequestError):
    """There is no such form of an answer."""


def _dumped(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")


def _inside(head: Mapping[str, Any], name: str, value: bytes) -> bytes:
    """Returns an object with one more member, whose text is ready."""
    begun = _dumped(head)[:-1]
    return b'%s%s"%s":%s}' % (begun, b"," if head else b"", name.encode("ascii"), value)


def documented_answer(result: Result, wish: Wish, log_id: str) -> tuple[str, bytes]:
    """Returns media type and content of an answer of the documented route."""
    rest: dict[str, Any] = {"size": list(result.mask.shape)}
    rest["image"] = (
        base64.b64encode(encode_jpeg(result.color(), result.uri)).decode("ascii") if wish.visualize else None
    )
    if wish.scores:
        rest["classes"] = _classes(result)
    if wish.form == "list":
        labels = flat_text(result.mask)
    elif wish.form == "png":
        png = encode_mask_png(result.mask, result.color_table(), result.uri)
        labels = _dumped(base64.b64encode(png).decode("ascii"))
    else:
        labels = _dumped(encode_mask(result.mask))
    head = {"logId": log_id, "errorCode": 0, "errorMsg": "Success"}
    return _JSON, _inside(head, "result", _inside(rest, "labelMap", labels))


def _classes(result: Result) -> list[dict[str, Any]]:
    return [
        {"value": area.value, "name": area.name, "share": area.share, "score": area.score}
        for area in classes_in(result.mask, result.labels, result.scores)
    ]


def picture_answer(result: Result, wish: Wish, config: PipelineConfig) -> tuple[str, bytes]:
    """Returns media type and content of an answer in a form of results, or of the overlay as a JPEG.

    Raises:
        FormError: There is no such form.
        OutputError: The result cannot be written in it.
    """
    if wish.form == JPEG:
        options: dict[str, Any] = {"legend": False, **config.save_arguments("overlay")}
        return "image/jpeg", encode_jpeg(result.overlay(**options), result.uri)
    if wish.form == "mask":
        return "image/png", encode_mask_png(result.mask, result.color_table(), result.uri)
    if wish.form == "json":
        return _JSON, _inside(describe(result), "mask", _dumped(encode_mask(result.mask)))
    if wish.form == SCORED:
        head = {**describe(result), SCORES: encode_scores(result.require_scores())}
        return _JSON, _inside(head, "mask", _dumped(encode_mask(result.mask)))
    form = find_format(wish.form)
    if form is None:
        raise FormError(
            "There is no form {form!r:.80} of an answer. Expected one of: {choices:, }.",
            Message("Leave it out for the label map as a PNG."),
            form=wish.form,
            choices=[JPEG, SCORED, *format_names()],
        )
    suffix = form.suffixes[0]
    options = config.save_arguments(form.name)
    if form.is_picture:
        options = {**options_for(form.name, {"legend": False}), **options}
    content = encode_form(form, (result,), Path(f"{result.name}{form.ending}"), options)
    return _KINDS.get(suffix, "application/octet-stream"), content


def inference_answer(result: Result, inference: Inference, name: str) -> tuple[str, bytes, tuple[tuple[str, str], ...]]:
    """Returns media type, content and headers of an answer of the Open Inference Protocol."""
    kind = label_type(result.labels)
    output: dict[str, Any] = {"name": OUTPUT, "datatype": kind, "shape": list(result.mask.shape)}
    head: dict[str, Any] = {"model_name": name, **({"id": inference.identity} if inference.identity else {})}
    if not inference.binary:
        return _JSON, _inside(head, "outputs", b"[%s]" % _inside(output, "data", flat_text(result.mask))), ()
    content = result.mask.astype(np.uint8 if kind == "UINT8" else np.dtype("<i4"), copy=False).tobytes()
    output["parameters"] = {"binary_data_size": len(content)}
    text = _dumped({**head, "outputs": [output]})
    return "application/octet-stream", text + content, (("Inference-Header-Content-Length", str(len(text))),)
