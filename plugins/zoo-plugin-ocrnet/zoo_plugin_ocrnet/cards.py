"""The cards of OCRNet_HRNet-W18 and OCRNet_HRNet-W48.

Facts come from PaddleSeg at commit d7975e7 (2024-10-18), PaddleX at commit 5029b50 (2024-10-24), the paddlex 3.7.2
wheel and two editions of the PaddleX tutorial on semantic segmentation. Parameters and GMAC are counted.
"""

from __future__ import annotations

from zoo.plugin import CITYSCAPES, Latency, Metric, ModelCard, Normalize, pinned
from zoo_plugin_ocrnet.digests import DIGESTS

_PADDLEX = "https://paddle-model-ecology.bj.bcebos.com/paddlex"
_PADDLESEG = "https://bj.bcebos.com/paddleseg/dygraph/cityscapes"
_RELEASES = ("paddle3.0.0", "paddle3.0b2", "paddle3.0b1_v2")
_README = "PaddleSeg configs/ocrnet/README.md at d7975e7"
_TUTORIAL = "PaddleX semantic segmentation tutorial, model list"

_LICENSE = (
    "Not stated by the publisher for the weights (the code they come with is Apache-2.0). They were trained on "
    "Cityscapes, whose terms allow non-commercial use only."
)
_CONDITIONS = "whole pictures of 1024x2048 (height x width)"


def _card(
    name: str,
    encoder: str,
    miou: tuple[float, float, float],
    other_scales: float,
    times: tuple[float, float],
    parameters: int,
    gmac: float,
    listed_size: int,
    alias: str,
) -> ModelCard:
    config = f"{alias}_cityscapes_1024x512_160k"
    bundles = (f"{_PADDLEX}/official_inference_model/{release}/{name}_infer.tar" for release in _RELEASES)
    whole, flip, scales = miou
    return ModelCard(
        name=name,
        summary=f"OCRNet on an {encoder} encoder: accurate segmentation of street scenes into 19 classes.",
        labels=CITYSCAPES,
        dataset="cityscapes",
        license=_LICENSE,
        weights=pinned(DIGESTS, tuple(bundles)),
        preprocess=(Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),),
        output="logits",
        output_stride=4,
        network_stride=32,
        metrics=(
            Metric("mIoU", whole, "cityscapes val", "whole", _README, f"{_CONDITIONS}, single scale, no flip"),
            Metric(
                "mIoU", flip, "cityscapes val", "whole", _README, f"{_CONDITIONS}, single scale, averaged with its flip"
            ),
            Metric(
                "mIoU",
                scales,
                "cityscapes val",
                "whole",
                _README,
                f"{_CONDITIONS}, averaged over several scales and flips",
            ),
        ),
        latencies=(
            Latency("gpu", "fp32", times[0], "NVIDIA Tesla T4", _TUTORIAL),
            Latency("cpu", "fp32", times[1], "Intel Xeon Gold 5117 at 2.00 GHz, 8 threads", _TUTORIAL),
        ),
        parameters=parameters,
        gmac=gmac,
        listed_size=listed_size,
        pretrained=pinned(
            DIGESTS,
            (
                f"{_PADDLEX}/official_pretrained_model/{name}_pretrained.pdparams",
                f"{_PADDLESEG}/{config}/model.pdparams",
            ),
        ),
        aliases=(config, alias),
        paper="Object-Contextual Representations for Semantic Segmentation, arXiv:1909.11065",
        notes=(
            "Preprocessing: the published figures are for whole pictures at their own size, normalised and not "
            "resized. zoo does the same.",
            f"Several scales: other editions of PaddleSeg's README, such as that of 1459e9a, print {other_scales:.2%}; "
            f"{scales:.2%} is that of d7975e7. None says which scales.",
            "Release folders: sources name paddle3.0.0, paddle3.0b2 and paddle3.0b1_v2. All three are tried, newest "
            "first; none has a published digest, so the first download is recorded and later ones must equal it.",
            "Test size: PaddleSeg's table prints 1024x512 (width x height) as the resolution. That is the training "
            "crop; its configuration tests whole pictures of 2048x1024.",
            "Training length: PaddleX's configurations say 80,000 iterations. They are its defaults for fine-tuning; "
            "the published weights are from 160,000.",
            "Encoder: the official training started from ImageNet weights (ssld), not from scratch.",
            "Published times do not say for which input size they hold.",
        ),
    )


CARDS = (
    _card(
        "OCRNet_HRNet-W18",
        encoder="HRNet-W18",
        miou=(0.8067, 0.8121, 0.8162),
        other_scales=0.8130,
        times=(48.2335, 906.385),
        parameters=12_083_122,
        gmac=106.5,
        listed_size=43_100_000,
        alias="ocrnet_hrnetw18",
    ),
    _card(
        "OCRNet_HRNet-W48",
        encoder="HRNet-W48",
        miou=(0.8215, 0.8259, 0.8302),
        other_scales=0.8285,
        times=(78.9976, 2226.95),
        parameters=70_374_982,
        gmac=324.47,
        listed_size=249_800_000,
        alias="ocrnet_hrnetw48",
    ),
)
