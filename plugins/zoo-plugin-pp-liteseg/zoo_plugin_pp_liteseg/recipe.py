"""The official training settings of PP-LiteSeg."""

from __future__ import annotations

from zoo.plugin import SGD, Augmentation, OhemCrossEntropy, PolynomialDecay, Recipe


def recipe(name: str) -> Recipe:
    """Returns the settings PP-LiteSeg-T and PP-LiteSeg-B share, whichever is named.

    The official run differs in ways that a Recipe cannot say: its batch of 4 is that of each of four cards, its scale
    factors come in steps of 0.125, each of its changes of colour is made to every second picture only, and there is a
    fourth one, of the hue by up to 18 degrees.
    """
    head = OhemCrossEntropy(threshold=0.7, min_kept=130_000)
    return Recipe(
        iterations=160_000,
        batch_size=4,
        crop=(512, 1024),
        optimizer=SGD(momentum=0.9, weight_decay=5e-4),
        schedule=PolynomialDecay(learning_rate=0.005, power=0.9, warmup_iterations=1000, warmup_start=1e-5),
        losses=(head, head, head),
        augmentation=Augmentation(scale=(0.125, 1.5), flip=0.5, brightness=0.5, contrast=0.5, saturation=0.5),
        source="PaddleSeg configs/pp_liteseg/pp_liteseg_stdc1_cityscapes_1024x512_scale0.5_160k.yml",
    )
