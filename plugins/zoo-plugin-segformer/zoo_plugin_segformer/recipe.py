"""The official training settings of SegFormer."""

from __future__ import annotations

from zoo.plugin import AdamW, Augmentation, CrossEntropy, PolynomialDecay, Recipe


def recipe(name: str) -> Recipe:
    """Returns the settings of the named model; only the batch of SegFormer-B5 differs.

    The batch is that of each card; `dataclasses.replace(recipe, devices=...)` names the number of cards. The run starts
    from an encoder trained on ImageNet, which is loaded into the network before. Drop path and dropout
    belong to the network.
    """
    config = name.lower().replace("-", "_")
    return Recipe(
        iterations=160_000,
        batch_size=1 if name == "SegFormer-B5" else 2,
        crop=(1024, 1024),
        optimizer=AdamW(beta1=0.9, beta2=0.999, weight_decay=0.01),
        schedule=PolynomialDecay(learning_rate=6e-5, power=1.0),
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
        source=f"PaddleSeg configs/segformer/{config}_cityscapes_1024x1024_160k.yml; "
        "its RandomDistort gives hue and probabilities",
    )
