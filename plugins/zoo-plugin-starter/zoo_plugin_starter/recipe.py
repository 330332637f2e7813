"""How the starter is trained in its second stage; `train/train.py` in the source tree is the first."""

from __future__ import annotations

from zoo.plugin import AdamW, Augmentation, CrossEntropy, Lovasz, PolynomialDecay, Recipe

#: Share of the labelled pixels of every class in CamVid's train list.
_FREQUENCIES = (0.168, 0.233, 0.0098, 0.317, 0.0449, 0.0972, 0.0117, 0.0113, 0.0587, 0.0064, 0.0029)
#: Rare classes weigh more, but far less than their inverse frequency: mIoU counts their false positives too.
WEIGHTS = tuple(round(frequency**-0.3, 3) for frequency in _FREQUENCIES)


def recipe(name: str) -> Recipe:
    """Returns the settings, for crops of pictures at the size the card resizes them to.

    Lovasz-Softmax is added at the size of the logits: at that of the pictures it would take as long as all the rest.
    """
    auxiliary = CrossEntropy(0.4, WEIGHTS, stride=0)
    return Recipe(
        iterations=3200,
        batch_size=8,
        crop=(320, 320),
        optimizer=AdamW(weight_decay=0.02),
        schedule=PolynomialDecay(0.001, power=0.9, warmup_iterations=50),
        losses=((CrossEntropy(class_weights=WEIGHTS), Lovasz(stride=0)), auxiliary, auxiliary),
        augmentation=Augmentation(scale=(0.75, 2.0), brightness=0.4, contrast=0.3, saturation=0.4),
        ema=0.998,
        source="docs/training.md of zoo, where the course of this run stands",
    )
