"""The cards of PP-LiteSeg-T and PP-LiteSeg-B.

Facts come from PaddleSeg at commit d7975e7 (2024-10-18), PaddleX at commit 5029b50 (2024-10-24), the paddlex 3.7.2
wheel and two editions of the PaddleX tutorial on semantic segmentation. Parameters and GMAC are counted.
"""

from __future__ import annotations

from zoo.plugin import CITYSCAPES, Latency, Metric, ModelCard, Normalize, pinned
from zoo_plugin_pp_liteseg.digests import DIGESTS

_PADDLEX = "https://paddle-model-ecology.bj.bcebos.com/paddlex"
_PADDLESEG = "https://paddleseg.bj.bcebos.com/dygraph/cityscapes"
_README = "PaddleSeg configs/pp_liteseg/README.md at d7975e7"
_TUTORIAL = "PaddleX semantic segmentation tutorial, model list"

_LICENSE = (
    "Not stated by the publisher for the weights (the code they come with is Apache-2.0). They were trained on "
    "Cityscapes, whose terms allow non-commercial use only."
)
_CONDITIONS = "pictures of 1024x2048 scaled by 0.5 to 512x1024 (height x width), prediction scaled back, single scale"

_NOTES = (
    "Preprocessing: the published inference bundle normalises the picture and takes it at its own size, and so does "
    "zoo. The headline was measured at half the size of Cityscapes pictures: scale them to 512x1024 to repeat it.",
    "Release folders: sources name paddle3.0.0, paddle3.0b2 and paddle3.0b1_v2. All three are tried, newest first; "
    "none has a published digest, so the first download is recorded and later ones must equal it.",
    "Test size: PaddleSeg's README prints 1025x512 once. 1024x512 (width x height) is what its configuration does.",
    "Training length: PaddleX's configurations say 80,000 iterations. They are its defaults for fine-tuning; the "
    "published weights are from 160,000.",
    "Published times do not say for which input size they hold.",
)


def _card(
    name: str,
    encoder: str,
    config: str,
    miou: float,
    miou_flip: float,
    times: tuple[float, float],
    parameters: int,
    gmac: float,
    listed_size: int,
    aliases: tuple[str, ...],
    notes: tuple[str, ...],
) -> ModelCard:
    bundles = (f"{_PADDLEX}/official_inference_model/{release}/{name}_infer.tar" for release in _RELEASES)
    return ModelCard(
        name=name,
        summary=f"PP-LiteSeg on an {encoder} encoder: fast segmentation of street scenes into 19 classes.",
        labels=CITYSCAPES,
        dataset="cityscapes",
        license=_LICENSE,
        weights=pinned(DIGESTS, tuple(bundles)),
        preprocess=(Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),),
        output="logits",
        output_stride=8,
        network_stride=32,
        metrics=(
            Metric("mIoU", miou, "cityscapes val", "whole", _README, f"{_CONDITIONS}, no flip"),
            Metric("mIoU", miou_flip, "cityscapes val", "whole", _README, f"{_CONDITIONS}, averaged with its flip"),
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
        aliases=(config, *aliases),
        paper="PP-LiteSeg: A Superior Real-Time Semantic Segmentation Model, arXiv:2204.02681",
        notes=(*notes, *_NOTES),
    )


_RELEASES = ("paddle3.0.0", "paddle3.0b2", "paddle3.0b1_v2")

CARDS = (
    _card(
        "PP-LiteSeg-T",
        encoder="STDC1",
        config="pp_liteseg_stdc1_cityscapes_1024x512_scale0.5_160k",
        miou=0.7310,
        miou_flip=0.7389,
        times=(7.6827, 138.683),
        parameters=8_141_600,
        gmac=11.42,
        listed_size=28_500_000,
        aliases=("pp_liteseg_stdc1",),
        notes=(
            "Which weights: every table gives 73.10, the run tested at scale 0.5, but PaddleX at 5029b50 exports the "
            "weights of the run tested at scale 1.0 (77.04 on whole 1024x2048 pictures), and the newer paddlex 3.7.2 "
            "hides the choice behind an address of its own. The card gives the lower, tabulated figure; a downloaded "
            "bundle may hold the other weights and do better on large pictures. The same doubt holds for the first "
            "address of the checkpoint; the second one is the scale 0.5 run for certain.",
        ),
    ),
    _card(
        "PP-LiteSeg-B",
        encoder="STDC2",
        config="pp_liteseg_stdc2_cityscapes_1024x512_scale0.5_160k",
        miou=0.7525,
        miou_flip=0.7565,
        times=(10.9935, 194.727),
        parameters=12_366_464,
        gmac=19.23,
        listed_size=47_000_000,
        aliases=(),
        notes=(
            "Published times: only one edition of the tutorial prints them; the other and PaddleX at 5029b50 print a "
            "dash.",
            "Other weights: PaddleSeg also publishes runs tested at scales 0.75 (78.75) and 1.0 (79.04). Its second "
            "table gives 78.2 for the former; the first table and this card agree on 75.25 for scale 0.5.",
            "Size: the listed 47.0 MB is nearly that of the parameters, where the other models are listed at about "
            "93 % of it. It is given as printed.",
        ),
    ),
)
