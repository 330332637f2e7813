"""The official training settings of DeepLabV3 and DeepLabV3+."""

from __future__ import annotations

from zoo.plugin import SGD, Augmentation, CrossEntropy, PolynomialDecay, Recipe


def recipe(name: str) -> Recipe:
    """Returns the settings all four models share, whichever is named.

    The official run differs in ways that a Recipe cannot say: it starts from an encoder trained on ImageNet, its batch
    of 2 is that of each of several cards, its scale factors come in steps of 0.25, each of its changes of colour is
    made to every second picture only, and there is a fourth one, of the hue by up to 18 degrees.
    """
    return Recipe(
        iterations=80_000,
        batch_size=2,
        crop=(512, 1024),
        optimizer=SGD(momentum=0.9, weight_decay=4e-5),
        schedule=PolynomialDecay(learning_rate=0.01, power=0.9),
        losses=(CrossEntropy(),),
        augmentation=Augmentation(scale=(0.5, 2.0), flip=0.5, brightness=0.4, contrast=0.4, saturation=0.4),
        source="PaddleSeg configs/deeplabv3 and configs/deeplabv3p, *_os8_cityscapes_1024x512_80k.yml",
    )
