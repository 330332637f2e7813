"""The cards of Deeplabv3-R50, Deeplabv3-R101, Deeplabv3_Plus-R50 and Deeplabv3_Plus-R101.

Facts come from PaddleSeg at commit d7975e7 (2024-10-18), PaddleX at commit 5029b50 (2024-10-24), the paddlex 3.7.2
wheel and two editions of the PaddleX tutorial on semantic segmentation. Parameters and GMAC are counted.
"""

from __future__ import annotations

from zoo.plugin import CITYSCAPES, Latency, Metric, ModelCard, Normalize, pinned
from zoo_plugin_deeplabv3.digests import DIGESTS

_PADDLEX = "https://paddle-model-ecology.bj.bcebos.com/paddlex"
_PADDLESEG = "https://bj.bcebos.com/paddleseg/dygraph/cityscapes"
_RELEASES = ("paddle3.0.0", "paddle3.0b2", "paddle3.0b1_v2")
_TUTORIAL = "PaddleX semantic segmentation tutorial, model list"

_LICENSE = (
    "Not stated by the publisher for the weights (the code they come with is Apache-2.0). They were trained on "
    "Cityscapes, whose terms allow non-commercial use only."
)
_CONDITIONS = "whole pictures of 1024x2048 (height x width)"

_NOTES = (
    "Preprocessing: the published figures are for whole pictures at their own size, normalised and not resized. zoo "
    "does the same.",
    "Release folders: sources name paddle3.0.0, paddle3.0b2 and paddle3.0b1_v2. All three are tried, newest first; "
    "none has a published digest, so the first download is recorded and later ones must equal it.",
    "Test size: the publisher's tables print 1024x512 (width x height) as the resolution. That is the training crop; "
    "the configuration tests whole pictures of 2048x1024.",
    "Training length: 80,000 iterations is the official run as well as PaddleX's default for fine-tuning, unlike for "
    "other families, whose weights are from 160,000.",
    "Multi-scale figures: the publisher's table does not say at which scales.",
    "Encoder: the official training started from ImageNet weights (ssld), not from scratch.",
    "Published times do not say for which input size they hold.",
)


def _card(
    name: str,
    title: str,
    encoder: str,
    config: str,
    stride: int,
    miou: tuple[float, float, float],
    times: tuple[float, float],
    parameters: int,
    gmac: float,
    listed_size: int,
    paper: str,
    notes: tuple[str, ...] = (),
) -> ModelCard:
    bundles = (f"{_PADDLEX}/official_inference_model/{release}/{name}_infer.tar" for release in _RELEASES)
    readme = f"PaddleSeg configs/{config.partition('_')[0]}/README.md at d7975e7"
    whole, flip, scales = miou
    return ModelCard(
        name=name,
        summary=f"{title} on a {encoder} encoder at output stride 8: segmentation of street scenes into 19 classes.",
        labels=CITYSCAPES,
        dataset="cityscapes",
        license=_LICENSE,
        weights=pinned(DIGESTS, tuple(bundles)),
        preprocess=(Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),),
        output="logits",
        output_stride=stride,
        network_stride=8,
        metrics=(
            Metric("mIoU", whole, "cityscapes val", "whole", readme, f"{_CONDITIONS}, single scale, no flip"),
            Metric("mIoU", flip, "cityscapes val", "whole", readme, f"{_CONDITIONS}, averaged with its flip"),
            Metric("mIoU", scales, "cityscapes val", "whole", readme, f"{_CONDITIONS}, averaged over scales and flips"),
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
        aliases=(config,),
        paper=paper,
        notes=(*notes, *_NOTES),
    )


_V3 = "Rethinking Atrous Convolution for Semantic Image Segmentation, arXiv:1706.05587"
_PLUS = "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation, arXiv:1802.02611"

CARDS = (
    _card(
        "Deeplabv3-R50",
        title="DeepLabV3",
        encoder="ResNet50-vd",
        config="deeplabv3_resnet50_os8_cityscapes_1024x512_80k",
        stride=8,
        miou=(0.7990, 0.8022, 0.8089),
        times=(82.2631, 1735.83),
        parameters=39_068_531,
        gmac=324.83,
        listed_size=138_300_000,
        paper=_V3,
    ),
    _card(
        "Deeplabv3-R101",
        title="DeepLabV3",
        encoder="ResNet101-vd",
        config="deeplabv3_resnet101_os8_cityscapes_1024x512_80k",
        stride=8,
        miou=(0.8085, 0.8109, 0.8178),
        times=(121.492, 2685.51),
        parameters=58_060_659,
        gmac=479.98,
        listed_size=205_900_000,
        paper=_V3,
    ),
    _card(
        "Deeplabv3_Plus-R50",
        title="DeepLabV3+",
        encoder="ResNet50-vd",
        config="deeplabv3p_resnet50_os8_cityscapes_1024x512_80k",
        stride=4,
        miou=(0.8036, 0.8057, 0.8133),
        times=(61.0531, 1513.58),
        parameters=26_723_395,
        gmac=227.59,
        listed_size=94_900_000,
        paper=_PLUS,
        notes=(
            "Multi-scale figure: the publisher's table at another commit (2e35184) prints 80.81; the card has "
            "the 81.33 of d7975e7.",
            "Third parties publish exports of this model, one with size and digest. They are not the publisher's files "
            "and are not used.",
        ),
    ),
    _card(
        "Deeplabv3_Plus-R101",
        title="DeepLabV3+",
        encoder="ResNet101-vd",
        config="deeplabv3p_resnet101_os8_cityscapes_1024x512_80k",
        stride=4,
        miou=(0.8110, 0.8138, 0.8176),
        times=(100.026, 2460.71),
        parameters=45_715_523,
        gmac=382.74,
        listed_size=162_500_000,
        paper=_PLUS,
        notes=(
            "Multi-scale figure: the publisher's table at another commit (2e35184) prints 81.24; the card has "
            "the 81.76 of d7975e7.",
        ),
    ),
)
