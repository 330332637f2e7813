"""The official training settings of DeepLabV3 and DeepLabV3+."""

from __future__ import annotations

from zoo.plugin import SGD, Augmentation, CrossEntropy, PolynomialDecay, Recipe


def recipe(name: str) -> Recipe:
    """Returns the settings all four models share, whichever is named.

    The batch is that of each card; `dataclasses.replace(recipe, devices=...)` names the number of cards. The run starts
    from an encoder trained on ImageNet, which is loaded into the network before.
    """
    return Recipe(
        iterations=80_000,
        batch_size=2,
        crop=(512, 1024),
        optimizer=SGD(momentum=0.9, weight_decay=4e-5),
        schedule=PolynomialDecay(learning_rate=0.01, power=0.9),
        losses=(CrossEntropy(),),
        augmentation=Augmentation(
            scale=(0.5, 2.0),
            scale_step=0.25,
            flip=0.5,
            brightness=0.4,
            contrast=0.4,
            saturation=0.4,
            hue=18.0,
            brightness_probability=0.5,
            contrast_probability=0.5,
            saturation_probability=0.5,
            hue_probability=0.5,
        ),
        source="PaddleSeg configs/deeplabv3 and configs/deeplabv3p, *_os8_cityscapes_1024x512_80k.yml, "
        "configs/_base_/cityscapes.yml; its RandomDistort gives hue and probabilities",
    )
