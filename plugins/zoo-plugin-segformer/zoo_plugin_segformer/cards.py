"""The cards of SegFormer-B0 to SegFormer-B5.

Facts come from PaddleSeg at commit d7975e7 (2024-10-18), PaddleX at commit 5029b50 (2024-10-24), the paddlex 3.7.2
wheel and two editions of the PaddleX tutorial on semantic segmentation. Parameters and GMAC are counted.
"""

from __future__ import annotations

from zoo.plugin import CITYSCAPES, Latency, Metric, ModelCard, Normalize, Window, pinned
from zoo_plugin_segformer.digests import DIGESTS

_PADDLEX = "https://paddle-model-ecology.bj.bcebos.com/paddlex"
_PADDLESEG = "https://bj.bcebos.com/paddleseg/dygraph/cityscapes"
_README = "PaddleSeg configs/segformer/README.md at d7975e7"
_TUTORIAL = "PaddleX semantic segmentation tutorial, model list"

_LICENSE = (
    "Not stated by the publisher for the weights (the code they come with is Apache-2.0). They were trained on "
    "Cityscapes, whose terms allow non-commercial use only, from an ImageNet encoder of unstated origin; NVIDIA, where "
    "SegFormer comes from, released its own weights under a non-commercial licence."
)
_WINDOW = Window(size=(1024, 1024), stride=(768, 768))
_CONDITIONS = "windows of 1024x1024 every 768 pixels over whole 1024x2048 pictures (height x width), single scale"

_NOTES = (
    "Inference: the headline was measured with sliding windows, which is what '(slice)' in the publisher's name means. "
    "PaddleX's own configuration of the same weights has no windows. zoo uses the published windows where the program "
    "returns logits, as exports of zoo do; one that returns labels is run on the whole picture at its own size, so its "
    "figure may differ from the published one. zoo blends probabilities with smooth weights where PaddleSeg takes the "
    "plain mean of logits.",
    "Addresses: the tutorial's links have the ending ' (slice)' in the file name, all code of PaddleX has the bare "
    "name. The tutorial's are most likely dead and therefore tried last, with the blank and brackets quoted.",
    "Release folders: sources name paddle3.0.0, paddle3.0b1_v2 and, with the doubtful file name only, paddle3.0b2. "
    "None has a published digest, so the first download is recorded and later ones must equal it.",
    "Training length: PaddleX's configurations say 80,000 iterations. They are its defaults for fine-tuning; the "
    "published weights are from 160,000.",
    "Published times do not say for which input size they hold.",
)


def _card(
    variant: str,
    miou: float,
    miou_flip: float,
    times: tuple[float, float],
    parameters: int,
    gmac: float,
    listed_size: int,
    paddlex_crop: int = 512,
    notes: tuple[str, ...] = (),
) -> ModelCard:
    name = f"SegFormer-{variant}"
    config = f"segformer_{variant.lower()}_cityscapes_1024x1024_160k"
    quoted = f"{name}%20%28slice%29"
    crop = (
        f"Training crop: PaddleX's configuration says {paddlex_crop}x{paddlex_crop}, its default for fine-tuning; the "
        "published weights were trained on 1024x1024.",
    )
    return ModelCard(
        name=name,
        summary=f"SegFormer on a MiT-{variant} transformer encoder: segmentation of street scenes into 19 classes.",
        labels=CITYSCAPES,
        dataset="cityscapes",
        license=_LICENSE,
        weights=pinned(
            DIGESTS,
            (
                f"{_PADDLEX}/official_inference_model/paddle3.0.0/{name}_infer.tar",
                f"{_PADDLEX}/official_inference_model/paddle3.0b1_v2/{name}_infer.tar",
                f"{_PADDLEX}/official_inference_model/paddle3.0b2/{quoted}_infer.tar",
            ),
        ),
        preprocess=(Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),),
        output="logits",
        output_stride=4,
        network_stride=32,
        metrics=(
            Metric("mIoU", miou, "cityscapes val", "slide", _README, f"{_CONDITIONS}, no flip"),
            Metric("mIoU", miou_flip, "cityscapes val", "slide", _README, f"{_CONDITIONS}, averaged with its flip"),
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
                f"{_PADDLEX}/official_pretrained_model/{quoted}_pretrained.pdparams",
            ),
        ),
        aliases=(config, f"SegFormer_{variant}", f"{name} (slice)"),
        paper=("SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers, arXiv:2105.15203"),
        window=_WINDOW,
        notes=(*notes, *(crop if paddlex_crop != 1024 else ()), *_NOTES),
    )


CARDS = (
    _card(
        "B0",
        miou=0.7673,
        miou_flip=0.7716,
        times=(11.1946, 268.929),
        parameters=3_719_027,
        gmac=9.17,
        listed_size=13_200_000,
    ),
    _card(
        "B1",
        miou=0.7835,
        miou_flip=0.7864,
        times=(17.9998, 403.393),
        parameters=13_682_131,
        gmac=26.23,
        listed_size=48_500_000,
        paddlex_crop=1024,
    ),
    _card(
        "B2",
        miou=0.8160,
        miou_flip=0.8182,
        times=(48.0371, 1248.52),
        parameters=27_361_235,
        gmac=51.85,
        listed_size=96_900_000,
    ),
    _card(
        "B3",
        miou=0.8247,
        miou_flip=0.8260,
        times=(64.341, 1666.35),
        parameters=47_237_075,
        gmac=89.13,
        listed_size=167_300_000,
    ),
    _card(
        "B4",
        miou=0.8238,
        miou_flip=0.8259,
        times=(82.4336, 1995.42),
        parameters=64_007_635,
        gmac=127.51,
        listed_size=226_700_000,
        notes=(
            "Figure: 82.38 is below the 82.47 of the smaller SegFormer-B3 in every source. It is given as printed.",
        ),
    ),
    _card(
        "B5",
        miou=0.8258,
        miou_flip=0.8282,
        times=(97.3717, 2420.19),
        parameters=84_607_955,
        gmac=162.68,
        listed_size=229_700_000,
        notes=(
            "Size: the listed 229.7 MB is out of line with 84.6 M parameters of four bytes, 322.8 MiB; almost all "
            "other models are listed at 92 to 96 % of theirs. It is given as printed.",
        ),
    ),
)
