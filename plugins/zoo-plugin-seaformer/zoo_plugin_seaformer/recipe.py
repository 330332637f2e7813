"""The official training settings of SeaFormer."""

from __future__ import annotations

from zoo.plugin import AdamW, Augmentation, CrossEntropy, ParameterGroup, PolynomialDecay, Recipe


def recipe(name: str) -> Recipe:
    """Returns the settings all four models share, whichever is named.

    The batch is that of each card; `dataclasses.replace(recipe, devices=...)` names the number of cards. The run starts
    from an encoder trained on ImageNet, which is loaded into the network before. The configuration also gives
    parameters with "head" in their names a tenfold rate; no parameter has such a name.
    """
    return Recipe(
        iterations=160_000,
        batch_size=8,
        crop=(512, 512),
        optimizer=AdamW(beta1=0.9, beta2=0.999, weight_decay=0.01),
        schedule=PolynomialDecay(learning_rate=2.5e-4, power=1.0, warmup_iterations=1500, warmup_start=1e-6),
        losses=(CrossEntropy(),),
        groups=(ParameterGroup("pos_emb", weight_decay=0.0), ParameterGroup("norm", weight_decay=0.0)),
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
        source=f"PaddleSeg configs/seaformer/{name.lower()}_ade20k_512x512_160k.yml; "
        "its RandomDistort gives hue and probabilities",
    )
