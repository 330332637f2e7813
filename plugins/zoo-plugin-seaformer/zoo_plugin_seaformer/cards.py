"""The cards of SeaFormer_tiny, _small, _base and _large.

Facts come from PaddleSeg at commit d7975e7 (2024-10-18), PaddleX at commit 5029b50 (2024-10-24), the paddlex 3.7.2
wheel, two editions of the PaddleX tutorial on semantic segmentation and the authors' repository, fudan-zvg/SeaFormer at
commit 10936dc. Parameters and GMAC are counted on the network.
"""

from __future__ import annotations

from zoo.plugin import ADE20K, Latency, Metric, ModelCard, Normalize, Resize, pinned
from zoo_plugin_seaformer.digests import DIGESTS

_PADDLEX = "https://paddle-model-ecology.bj.bcebos.com/paddlex"
_PADDLESEG = "https://bj.bcebos.com/paddleseg/dygraph/ade20k"
_README = "PaddleSeg configs/seaformer/README.md at d7975e7"
_TUTORIAL = "PaddleX semantic segmentation tutorial, model list"

_LICENSE = (
    "Not stated by the publisher for the weights (the code they come with is Apache-2.0). They were trained on ADE20K, "
    "which has terms of its own: read those of the MIT scene parsing benchmark before you use them."
)
_CONDITIONS = "short side 512, long side at most 2048, sides rounded up to multiples of 32, single scale, no flip"

# OpenCV, with which the figures were measured, does not average over pixels when it shrinks.
_PREPROCESS = (
    Resize((512, 2048), keep_ratio=True, multiple=32, antialias=False),
    Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
)

_NOTES = (
    "Preprocessing: it is that of the official evaluation, in which the short side becomes 512 and the long one at "
    "most 2048, whichever way the picture lies. A bundle that carries settings of its own is run by those; which ones "
    "the published bundles carry is not known.",
    "Sliding window: the tables head the figure 'mIoU (slice)' and call the model so, but no SeaFormer configuration "
    "of PaddleSeg slides a window at test time. The figure is taken to be of whole pictures.",
    "Release folders: sources name paddle3.0.0, paddle3.0b2 and paddle3.0b1_v2. The one of paddle3.0b2 is printed with "
    "'(slice)' inside the file name, as is a checkpoint; no code of PaddleX builds such names and they are most likely "
    "dead, so they are tried last. None has a published digest, so the first download is recorded and later ones must "
    "equal it.",
    "Training: PaddleX's configurations say 80,000 iterations and name folders of Cityscapes with 150 classes. They "
    "are its defaults for fine-tuning; the published weights are from 160,000 iterations on ADE20K.",
    "Published times do not say for which input size they hold.",
)


def _card(
    size: str,
    display_name: str,
    miou: float,
    authors_miou: tuple[float, float],
    gigaflops: float,
    times: tuple[float, float],
    parameters: int,
    gmac: float,
    listed_size: int,
    checkpoints: tuple[str, ...],
    notes: tuple[str, ...] = (),
) -> ModelCard:
    name = f"SeaFormer_{size}"
    quoted = display_name.replace(" ", "%20")
    bundles = (f"paddle3.0.0/{name}", f"paddle3.0b1_v2/{name}", f"paddle3.0b2/{quoted}")
    pretrained = f"{_PADDLEX}/official_pretrained_model"
    other_runs = (
        f"Other weights: the authors' repository prints {authors_miou[0]:.1f} and {authors_miou[1]:.1f} (batches of "
        f"2x8 and 4x8) for weights of its own; those here are PaddleSeg's. It counts {gigaflops} GFLOPs at 512x512 for "
        "its network of this size."
    )
    return ModelCard(
        name=name,
        summary=f"SeaFormer, {size}: axial attention for mobile devices, segmentation of any scene into 150 classes.",
        labels=ADE20K,
        dataset="ade20k",
        license=_LICENSE,
        weights=pinned(DIGESTS, tuple(f"{_PADDLEX}/official_inference_model/{bundle}_infer.tar" for bundle in bundles)),
        preprocess=_PREPROCESS,
        output="logits",
        output_stride=8,
        network_stride=64,
        metrics=(Metric("mIoU", miou, "ade20k val", "whole", _README, _CONDITIONS),),
        latencies=(
            Latency("gpu", "fp32", times[0], "NVIDIA Tesla T4", _TUTORIAL),
            Latency("cpu", "fp32", times[1], "Intel Xeon Gold 5117 at 2.00 GHz, 8 threads", _TUTORIAL),
        ),
        parameters=parameters,
        gmac=gmac,
        listed_size=listed_size,
        pretrained=pinned(
            DIGESTS,
            (f"{pretrained}/{name}_pretrained.pdparams", *checkpoints, f"{pretrained}/{quoted}_pretrained.pdparams"),
        ),
        aliases=(display_name, f"seaformer_{size}_ade20k_512x512_160k"),
        paper=(
            "SeaFormer: Squeeze-Enhanced Axial Transformer for Mobile Semantic Segmentation, ICLR 2023, "
            "arXiv:2301.13156"
        ),
        notes=(*notes, other_runs, *_NOTES),
    )


CARDS = (
    _card(
        "tiny",
        display_name="SeaFormer_tiny (slice)",
        miou=0.3458,
        authors_miou=(35.0, 35.8),
        gigaflops=0.6,
        times=(13.9496, 330.132),
        parameters=1_667_318,
        gmac=1.12,
        listed_size=6_100_000,
        checkpoints=(f"{_PADDLESEG}/seaformer_tiny_ade20k_512x512_160k/model.pdparams",),
    ),
    _card(
        "small",
        display_name="SeaFormer_small (slice)",
        miou=0.3873,
        authors_miou=(38.1, 39.4),
        gigaflops=1.1,
        times=(19.2295, 358.343),
        parameters=3_990_118,
        gmac=2.06,
        listed_size=14_300_000,
        checkpoints=(
            f"{_PADDLESEG}/seaformer_small_ade20k_512x512_160k/model.pdparams",
            f"{_PADDLESEG}/seaformer_small_ade20k_512x512_160k/model.pdparam",
        ),
        notes=(
            "Checkpoint: PaddleSeg and PaddleX print its address with the ending .pdparam, probably a slip; the "
            "address with .pdparams is tried before it.",
        ),
    ),
    _card(
        "base",
        display_name="SeaFormer_base(slice)",
        miou=0.4092,
        authors_miou=(40.2, 41.0),
        gigaflops=1.8,
        times=(24.4073, 397.574),
        parameters=8_605_654,
        gmac=3.51,
        listed_size=30_800_000,
        checkpoints=("https://paddleseg.bj.bcebos.com/dygraph/ade20k/seaformer_ade20k_512x512_160k/model.pdparams",),
        notes=(
            "Checkpoint: the folder of PaddleSeg's file has no 'base' in its name; it is the base model all the same. "
            "The encoder it was trained from has two addresses, a .zip in PaddleSeg and a .pdparams in PaddleX; zoo "
            "needs neither.",
        ),
    ),
    _card(
        "large",
        display_name="SeaFormer_large (slice)",
        miou=0.4366,
        authors_miou=(42.7, 43.7),
        gigaflops=6.5,
        times=(27.8123, 550.464),
        parameters=13_951_510,
        gmac=12.67,
        listed_size=49_800_000,
        checkpoints=(f"{_PADDLESEG}/seaformer_large_ade20k_512x512_160k/model.pdparams",),
    ),
)
