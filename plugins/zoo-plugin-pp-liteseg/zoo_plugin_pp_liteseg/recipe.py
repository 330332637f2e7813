"""The official training settings of PP-LiteSeg."""

from __future__ import annotations

from zoo.plugin import SGD, Augmentation, OhemCrossEntropy, PolynomialDecay, Recipe


def recipe(name: str) -> Recipe:
    """Returns the settings PP-LiteSeg-T and PP-LiteSeg-B share, whichever is named.

    Four cards with a batch of 4 each make 16 pictures a step; `min_kept` is about a sixteenth of the pixels of one
    batch. The run starts from an encoder trained on ImageNet, which is loaded into the network before.
    """
    head = OhemCrossEntropy(threshold=0.7, min_kept=130_000)
    return Recipe(
        iterations=160_000,
        batch_size=4,
        devices=4,
        crop=(512, 1024),
        optimizer=SGD(momentum=0.9, weight_decay=5e-4),
        schedule=PolynomialDecay(learning_rate=0.005, power=0.9, warmup_iterations=1000, warmup_start=1e-5),
        losses=(head, head, head),
        augmentation=Augmentation(
            scale=(0.125, 1.5),
            scale_step=0.125,
            flip=0.5,
            brightness=0.5,
            contrast=0.5,
            saturation=0.5,
            hue=18.0,
            brightness_probability=0.5,
            contrast_probability=0.5,
            saturation_probability=0.5,
            hue_probability=0.5,
        ),
        source="PaddleSeg configs/pp_liteseg/pp_liteseg_stdc1_cityscapes_1024x512_scale0.5_160k.yml; "
        "its RandomDistort gives hue and probabilities",
    )
